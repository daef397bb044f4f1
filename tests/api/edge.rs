//! Where the world begins: what may come in at all, whom a proxy may speak for, and what every answer says to browsers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use clearway::config::ProxyHeaders;
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, WORKS, town};
use crate::operation::until;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn connect(api: &Api) -> TcpStream {
    let stream = TcpStream::connect(api.server.base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Everything until the server ends the connection. That it is cut with something unread is an end, too; that nothing
/// comes is none.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    if let Err(e) = stream.read_to_end(&mut bytes) {
        assert_eq!(e.kind(), std::io::ErrorKind::ConnectionReset, "the connection stays open");
    }
    String::from_utf8(bytes).unwrap()
}

/// Sends a head, and gives the status line and the problem, if one comes with it.
fn head(api: &Api, request: &str) -> (String, Json) {
    let mut stream = connect(api);
    stream.write_all(request.as_bytes()).unwrap();
    let answer = rest(&mut stream);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.lines().next().unwrap_or_default().to_owned(), serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn heads_are_limited_and_told_so() {
    let api = Api::with(|s| (s.address_bytes_max, s.headers_bytes_max) = (1_000, 2_000));
    let long = |n: usize| "x".repeat(n);
    let get = |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    let cases = [
        (get(&format!("/{}", long(999)), "Connection: close\r\n"), "404 Not Found", "not-there", ""),
        (
            get(&format!("/{}", long(1_000)), ""),
            "414 URI Too Long",
            "long-address",
            "the address has 1001 bytes; the limit is 1000 bytes",
        ),
        (
            get(&format!("{WORKS}?code={}", long(60_000)), ""),
            "414 URI Too Long",
            "long-address",
            "the address has 60034 bytes; the limit is 1000 bytes",
        ),
        (
            get("/", &format!("X-A: {}\r\n", long(2_000))),
            "431 Request Header Fields Too Large",
            "large-headers",
            "the headers have 2024 bytes; the limit is 2000 bytes",
        ),
    ];
    for (request, status, kind, detail) in cases {
        let (line, problem) = head(&api, &request);
        assert_eq!((line, &problem["type"]), (format!("HTTP/1.1 {status}"), &json!(format!("/problems/{kind}"))));
        assert!(detail.is_empty() || problem["detail"] == detail, "{problem}");
    }
    // Beyond these the head is not read to its end, so nothing is known of the request that could be told in words.
    for (request, status) in [
        (get("/", &"X-Y: 1\r\n".repeat(100)), "431 Request Header Fields Too Large"),
        (get("/", &format!("X-A: {}\r\n", long(200_000))), "431 Request Header Fields Too Large"),
        (get(&format!("/{}", long(100_000)), ""), "400 Bad Request"),
        (get(&format!("/{}", long(200_000)), ""), "431 Request Header Fields Too Large"),
        ("NONSENSE\r\n\r\n".to_owned(), "400 Bad Request"),
        (get("/", "Content-Length: 3\r\nContent-Length: 4\r\n"), "400 Bad Request"),
        (get("/", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), "400 Bad Request"),
    ] {
        let (line, problem) = head(&api, &request);
        assert_eq!(
            (line, problem),
            (format!("HTTP/1.1 {status}"), Json::Null),
            "{}",
            &request[..request.len().min(80)]
        );
    }
    assert_eq!(api.server.get("", "/health/live").status, 200);
}

#[test]
fn heads_that_do_not_arrive_and_idle_connections_are_cut() {
    let api = Api::with(|s| (s.head_timeout_s, s.keep_alive_s) = (1, 1));
    let begun = Instant::now();
    let took = |what: &str, since: Instant| {
        let took = since.elapsed();
        eprintln!("{what}: {took:?}");
        assert!(took < Duration::from_secs(10), "{what}: {took:?}");
    };
    let mut silent = connect(&api);
    let mut half = connect(&api);
    half.write_all(b"GET / HTTP/1.1\r\nHost: local").unwrap();
    let answer = rest(&mut half);
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout"), "{answer}");
    took("half a head", begun);
    rest(&mut silent);
    took("not a byte", begun);
    // A byte now and then is no way to stay.
    let (mut drip, since) = (connect(&api), Instant::now());
    drip.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    drip.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut answer = [0; 12];
    loop {
        match drip.read(&mut answer) {
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                took("a head byte by byte", since);
                let _ = drip.write_all(b"x");
            }
            end => break assert!(end.is_err() || &answer == b"HTTP/1.1 408", "{answer:?}"),
        }
    }
    let (mut idle, since) = (connect(&api), Instant::now());
    idle.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let answer = rest(&mut idle);
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("{\"status\":\"live\"}"), "{answer}");
    took("idle after a request", since);
}

/// The server's side of a connection is there, as Linux has it.
fn is_open(server: u16, client: u16) -> bool {
    let ends = format!("0100007F:{server:04X} 0100007F:{client:04X} ");
    std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&ends)
}

#[test]
fn a_client_that_does_not_read_its_answers_is_cut() {
    let api = Api::with(|s| s.unread_timeout_s = 1);
    let mut deaf = connect(&api);
    let (server, client) = (deaf.peer_addr().unwrap().port(), deaf.local_addr().unwrap().port());
    assert!(is_open(server, client));
    deaf.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let ask = b"GET /ogc/api HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    // Until there is no room for answers on the way, and so none for questions.
    let mut asked = 0;
    while deaf.write_all(&ask).is_ok() {
        asked += 100;
        assert!(asked < 1_000_000, "the server reads on without end");
    }
    let took = until("the end of the connection", || !is_open(server, client));
    eprintln!("cut {took:?} after {asked} requests without reading an answer");
    assert_eq!(api.server.get("", "/health/live").status, 200);
}

#[test]
fn forwarding_headers_are_believed_of_configured_proxies_alone() {
    let all = [
        ("X-Forwarded-Host", "x.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "203.0.113.1"),
        ("Forwarded", "for=203.0.113.1;host=f.example;proto=https"),
    ];
    let link = |api: &Api| {
        let landing = api.send("", "GET", "/ogc", &all, None);
        let secure = landing.header("strict-transport-security").is_some();
        let href = landing.json()["links"][0]["href"].as_str().unwrap().to_owned();
        assert_eq!(secure, href.starts_with("https://"), "{href}");
        href
    };
    let strange = Api::with(|s| s.trusted_proxies = vec!["10.0.0.0/8".into()]);
    let href = link(&strange);
    assert!(href.starts_with(&strange.server.base), "a stranger is believed: {href}");
    let mut trusting = Api::with(|s| s.trusted_proxies = vec!["127.0.0.1".into()]);
    assert!(link(&trusting).starts_with("https://x.example/ogc"), "{}", link(&trusting));
    trusting = Api::with(|s| {
        s.trusted_proxies = vec!["10.0.0.0/8".into(), "127.0.0.0/8".into()];
        s.proxy_headers = ProxyHeaders::Forwarded;
    });
    assert!(link(&trusting).starts_with("https://f.example/ogc"), "{}", link(&trusting));
}

#[test]
fn every_answer_says_what_browsers_must_not_do() {
    let api = Api::new();
    let s = &api.server;
    let answers = [
        s.get("", "/"),
        s.get("", "/health/live"),
        s.get("", "/metrics"),
        s.get("", "/ogc/api"),
        s.get("", WORKS),
        s.get("", "/nothing"),
        s.get("nobody", WORKS),
        s.call("", "DELETE", WORKS, None),
        s.call("", "OPTIONS", WORKS, None),
        s.call("", "HEAD", WORKS, None),
        s.get("", &format!("/{}", "x".repeat(20_000))),
        s.post("", CHECKS, &town()),
        s.post("", CHECKS, &json!({})),
        api.send("", "GET", WORKS, &[("Origin", "https://map.example")], None),
    ];
    for answer in answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "cross-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}: {answer:?}");
        }
        assert_eq!(answer.header("strict-transport-security"), None, "that is for TLS alone");
        assert_eq!(answer.header("server"), None);
    }
    let one = Api::with(|s| s.cors_origin = "https://map.example".into());
    assert_eq!(one.server.get("", WORKS).header("cross-origin-resource-policy"), Some("same-origin"));
}
