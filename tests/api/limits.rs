//! Bodies that are no document, too large or too slow: refused quickly, with the limit, in words the client can read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, WORKS, feature, mast, town};
use crate::support::token;

/// Sends bytes as a document.
fn send(api: &Api, method: &str, path: &str, media: Option<&str>, body: &[u8]) -> (u16, Json) {
    let bearer = format!("Bearer {}", token("officer"));
    let mut headers = vec![("Authorization", bearer.as_str())];
    headers.extend(media.map(|m| ("Content-Type", m)));
    let answer = api.server.send(method, path, &headers, Some(body));
    (answer.status, answer.json())
}

#[test]
fn bodies_that_are_no_document() {
    let api = Api::new();
    let table: &[(&[u8], &str)] = &[
        (b"", "the body is empty; a JSON document belongs here"),
        (
            b"{\"type\":\"Feature\",\"geometry\":{\"type\":\"Po",
            "the document breaks off at line 1, column 40: EOF while parsing a string at line 1 column 40",
        ),
        (b"{\"type\":\n  Feature}", "the document is not JSON at line 2, column 3: expected value at line 2 column 3"),
        (b"{} {}", "the document is not JSON at line 1, column 4: trailing characters at line 1 column 4"),
        (b"{\"name\":\"Gia Ngh\xedxa\"}", "the body is not UTF-8: byte 16 is wrong"),
        (b"\xff\xfe{\0}\0", "the body is not UTF-8: byte 0 is wrong"),
        (b"{\"x\":NaN}", "the document is not JSON at line 1, column 6: expected value at line 1 column 6"),
    ];
    let path = format!(
        "{WORKS}/{}",
        api.server.post("officer", WORKS, &feature(town(), mast())).json()["id"].as_str().unwrap()
    );
    for (body, detail) in table {
        for (method, path) in [("POST", WORKS), ("PUT", path.as_str()), ("PATCH", path.as_str()), ("POST", CHECKS)] {
            let (status, problem) = send(&api, method, path, Some("application/geo+json"), body);
            assert_eq!(
                (status, &problem["type"]),
                (400, &json!("/problems/malformed-document")),
                "{method} {path} {detail}"
            );
            assert_eq!(problem["detail"], *detail, "{method} {path}");
        }
    }
    let deep = "[".repeat(100_000);
    let (status, problem) = send(&api, "POST", CHECKS, Some("application/geo+json"), deep.as_bytes());
    assert_eq!((status, &problem["type"]), (400, &json!("/problems/malformed-document")), "{problem}");
}

#[test]
fn a_byte_order_mark_is_no_problem_of_the_sender() {
    let api = Api::new();
    let marked = format!("\u{feff}{}", feature(town(), mast()));
    let (status, problem) = send(&api, "POST", WORKS, Some("application/geo+json"), marked.as_bytes());
    assert_eq!(status, 201, "{problem}");
}

#[test]
fn media_types_that_are_not_taken() {
    let api = Api::new();
    let body = feature(town(), mast()).to_string();
    let path = format!(
        "{WORKS}/{}",
        api.server.post("officer", WORKS, &feature(town(), mast())).json()["id"].as_str().unwrap()
    );
    let features = "application/geo+json or application/json is taken here";
    let patches = "application/merge-patch+json or application/geo+json or application/json is taken here";
    let table = [
        ("POST", WORKS, Some("text/plain"), format!("«text/plain» was sent; {features}")),
        ("POST", WORKS, None, format!("no Content-Type was sent; {features}")),
        (
            "POST",
            WORKS,
            Some("application/merge-patch+json"),
            format!("«application/merge-patch+json» was sent; {features}"),
        ),
        (
            "PUT",
            &path,
            Some("application/x-www-form-urlencoded"),
            format!("«application/x-www-form-urlencoded» was sent; {features}"),
        ),
        (
            "PATCH",
            &path,
            Some("application/json-patch+json"),
            format!("«application/json-patch+json» was sent; {patches}"),
        ),
        ("POST", CHECKS, Some("text/csv"), format!("«text/csv» was sent; {features}")),
    ];
    for (method, path, media, detail) in table {
        let (status, problem) = send(&api, method, path, media, body.as_bytes());
        assert_eq!(
            (status, &problem["type"], &problem["detail"]),
            (415, &json!("/problems/media-type"), &json!(detail)),
            "{method}"
        );
    }
    for media in
        ["application/geo+json", "application/json", "Application/JSON; charset=utf-8", "application/geo+json;v=1"]
    {
        assert_eq!(send(&api, "POST", WORKS, Some(media), body.as_bytes()).0, 201, "{media}");
    }
}

#[test]
fn a_million_positions_are_refused_with_the_limit() {
    let api = Api::new();
    let line = |positions: usize| {
        let one: Vec<String> = (0..positions).map(|n| format!("[107.{:04},12]", n % 10_000)).collect();
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"kind\":\"duct\"}},\"geometry\":{{\"type\":\"LineString\",\"coordinates\":[{}]}}}}",
            one.join(",")
        )
    };
    let text = line(1_000_000);
    for path in [WORKS, CHECKS] {
        let begun = Instant::now();
        let (status, problem) = send(&api, "POST", path, Some("application/geo+json"), text.as_bytes());
        let took = begun.elapsed();
        assert_eq!((status, &problem["type"]), (413, &json!("/problems/too-large")), "{problem}");
        assert_eq!(problem["detail"], "the geometry has 1000000 positions; the limit is 100000 positions");
        assert_eq!(problem["limit"], "100000 positions");
        eprintln!("{path}: {} bytes refused after {took:?}", text.len());
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    let features: Vec<Json> = (0..1_001).map(|_| feature(town(), json!({}))).collect();
    let many = api.server.post("", CHECKS, &json!({"type": "FeatureCollection", "features": features}));
    assert_eq!(many.json()["detail"], "the collection has 1001 features; the limit is 1000 features");
    assert_eq!(many.status, 413);
}

/// A connection that has sent the head of a request.
fn begin(api: &Api, path: &str, length: &str) -> TcpStream {
    let mut stream = TcpStream::connect(api.server.base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/geo+json\r\n{length}\r\n\r\n",
        token("officer")
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// The status and the problem that come back; reads until the answer is whole.
fn answer(stream: &mut TcpStream) -> (String, Json) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).unwrap_or(0);
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(problem) = serde_json::from_str(body)
        {
            return (head.lines().next().unwrap().to_owned(), problem);
        }
        assert!(read > 0, "the connection ended before the answer: {text:?}");
    }
}

const HUGE: usize = 314_572_800;

/// Sends a body until it is whole, the connection ends, somebody says stop, or five seconds have passed.
fn send_all(stream: &mut TcpStream, bytes: usize, chunked: bool, stop: &AtomicBool) -> (usize, Duration) {
    let mut block = vec![b' '; 65_536];
    if chunked {
        block.splice(0..0, *b"10000\r\n");
        block.extend_from_slice(b"\r\n");
    }
    let (begun, mut sent) = (Instant::now(), 0);
    let done = |sent| sent >= bytes || stop.load(Ordering::Relaxed) || begun.elapsed() > Duration::from_secs(5);
    while !done(sent) && stream.write_all(&block).is_ok() {
        sent += 65_536;
    }
    (sent, begun.elapsed())
}

#[test]
fn a_body_of_300_mb_is_refused_before_it_is_read() {
    let api = Api::new();
    let check = |stream: &mut TcpStream, found: &str| {
        let (status, problem) = answer(stream);
        assert_eq!(status, "HTTP/1.1 413 Payload Too Large");
        assert_eq!(problem["type"], "/problems/too-large");
        assert_eq!(problem["detail"], format!("the body has {found}; the limit is 16777216 bytes"));
        assert_eq!(problem["limit"], "16777216 bytes");
    };
    for path in [WORKS, CHECKS] {
        let begun = Instant::now();
        let mut stream = begin(&api, path, &format!("Content-Length: {HUGE}"));
        check(&mut stream, "314572800 bytes");
        eprintln!("{path}: 300 MB refused {:?} after the head, before a byte of the body", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
    // A client that does not listen while it sends can still read the answer.
    for (length, chunked, found) in [
        (format!("Content-Length: {HUGE}"), false, "314572800 bytes"),
        ("Transfer-Encoding: chunked".to_owned(), true, "more than 16777216 bytes"),
    ] {
        let mut stream = begin(&api, WORKS, &length);
        let (sent, took) = send_all(&mut stream, HUGE, chunked, &AtomicBool::new(false));
        eprintln!("{length}: {sent} bytes sent in {took:?} before the answer was looked at");
        check(&mut stream, found);
    }
    // One that listens hears of it soon after the limit.
    let mut stream = begin(&api, WORKS, "Transfer-Encoding: chunked");
    let mut listening = stream.try_clone().unwrap();
    let heard = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            check(&mut listening, "more than 16777216 bytes");
            heard.store(true, Ordering::Relaxed);
        });
        let (sent, took) = send_all(&mut stream, HUGE, true, &heard);
        eprintln!("without a length: refused after {took:?}, {sent} bytes sent");
        assert!(sent < HUGE / 2, "{sent}");
    });
    // What comes after the refusal is thrown away for a second, then the connection ends.
    let mut stream = begin(&api, WORKS, &format!("Content-Length: {}", 1_u64 << 40));
    let (sent, took) = send_all(&mut stream, 1 << 40, false, &AtomicBool::new(false));
    eprintln!("a body of 1 TB: cut off after {took:?}, {sent} bytes sent");
    assert!(took < Duration::from_secs(5), "the server goes on reading what it has refused");
    assert_eq!(api.server.get("", "/health/live").status, 200);
}

#[test]
fn a_body_that_does_not_arrive_is_given_up() {
    let api = Api::with(|s| s.request_timeout_s = 1);
    for (path, more) in [(WORKS, "{\"type\":"), (CHECKS, "")] {
        let begun = Instant::now();
        let mut stream = begin(&api, path, "Content-Length: 100");
        stream.write_all(more.as_bytes()).unwrap();
        let (status, problem) = answer(&mut stream);
        assert_eq!(status, "HTTP/1.1 408 Request Timeout");
        assert_eq!(problem["type"], "/problems/too-slow");
        assert_eq!(problem["detail"], "the body took more than 1 s to arrive");
        assert!((1.0..5.0).contains(&begun.elapsed().as_secs_f64()), "{:?}", begun.elapsed());
    }
    // A client that goes away in the middle leaves nothing behind.
    let mut stream = begin(&api, WORKS, "Content-Length: 100");
    stream.write_all(b"{").unwrap();
    drop(stream);
    assert_eq!(api.server.get("", "/health/live").status, 200);
    assert_eq!(api.sql("SELECT count(*) FROM works"), Some("0".into()));
}

#[test]
fn heads_that_are_too_large_are_refused_too() {
    let api = Api::new();
    let mut stream = begin(&api, WORKS, &format!("X-Long: {}", "x".repeat(200_000)));
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    assert!(text.starts_with("HTTP/1.1 4"), "{text}");
    assert_eq!(api.server.get("", &format!("/{}", "x".repeat(30_000))).status, 414);
}
