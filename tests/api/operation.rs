//! What an operator sees: health, metrics, request ids, headers, compression, other origins, other instances.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::help::{Api, CHECKS, CORRIDORS, WORKS, feature, mast, point, rect};
use crate::support::{Response, TestServer};

#[test]
fn health_tells_revisions_and_counts() {
    let api = Api::new();
    assert_eq!(api.server.get("", "/health/live").json(), json!({"status": "live"}));
    api.work("W", point(0.0, 0.0));
    api.work("W2", point(0.0, 0.0));
    api.road("C", rect(0.0, 0.0, 9.0, 9.0));
    for code in ["S", "S2", "S3"] {
        api.school(code, rect(0.0, 0.0, 9.0, 9.0));
    }
    let ready = api.server.get("", "/health/ready");
    assert_eq!(ready.status, 200);
    assert_eq!(
        ready.json(),
        json!({"status": "ready", "jurisdictions": [
        {"jurisdiction": "VN-72", "revision": 7, "features": {"works": 2, "corridors": 1, "references": 3}}]})
    );
}

#[test]
fn metrics_count_requests_and_show_the_index() {
    let api = Api::new();
    api.work("M", point(0.0, 0.0));
    assert_eq!(api.server.get("", "/ogc/collections/works/items/17").status, 404);
    let metrics = api.server.get("", "/metrics");
    assert_eq!((metrics.status, metrics.header("content-type")), (200, Some("text/plain; version=0.0.4")));
    for line in [
        "clearway_http_requests_total{method=\"POST\",path=\"/ogc/collections/works/items\",status=\"201\"} ",
        "clearway_http_requests_total{method=\"GET\",path=\"/ogc/collections/works/items/{id}\",status=\"404\"} ",
        "clearway_http_seconds_bucket{method=\"POST\",path=\"/ogc/collections/works/items\",le=\"0.1\"} ",
        "clearway_index_revision{jurisdiction=\"VN-72\"} ",
        "clearway_index_features{jurisdiction=\"VN-72\",layer=\"works\",visibility=\"public\"} ",
    ] {
        assert!(metrics.text.lines().any(|l| l.starts_with(line)), "{line} is not in\n{}", metrics.text);
    }
    assert!(!metrics.text.contains("items/17"), "paths are patterns, or the series would never end");
}

#[test]
fn every_response_has_an_id_and_says_nosniff() {
    let api = Api::new();
    let id = api.work("W", point(0.0, 0.0));
    let item = format!("{WORKS}/{id}");
    let mut ids = BTreeSet::new();
    let mut check = |answer: &Response, status: u16| {
        assert_eq!(
            (answer.status, answer.header("x-content-type-options")),
            (status, Some("nosniff")),
            "{}",
            answer.text
        );
        let request_id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(request_id.len(), 36);
        if status >= 400 {
            assert_eq!(answer.json()["request_id"], json!(request_id));
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        }
        assert!(ids.insert(request_id), "an id stands twice");
    };
    let s = &api.server;
    check(&s.get("", "/health/live"), 200);
    check(&s.get("", &item), 200);
    check(&api.send("", "GET", &item, &[("If-None-Match", "*")], None), 304);
    check(&s.get("", "/nothing"), 404);
    check(&s.get("", &format!("{WORKS}?limit=x")), 400);
    check(&s.call("", "DELETE", &item, None), 401);
    check(&s.call("nobody", "GET", &item, None), 401);
    check(&s.call("planner", "DELETE", &item, None), 403);
    check(&s.call("officer", "TRACE", WORKS, None), 405);
    check(&api.send("officer", "DELETE", &item, &[("If-Match", "\"9\"")], None), 412);
    check(&s.call("", "OPTIONS", WORKS, None), 200);
    check(&s.send("POST", CHECKS, &[("Content-Type", "text/plain")], Some(b"x")), 415);
    check(&s.post("", CHECKS, &json!({})), 422);
    check(&s.call("officer", "DELETE", &item, None), 204);
    check(
        &api.send(
            "",
            "OPTIONS",
            WORKS,
            &[("Origin", "https://map.example"), ("Access-Control-Request-Method", "GET")],
            None,
        ),
        200,
    );
}

/// The head and the first bytes of the body of a raw answer.
fn raw(base: &str, head: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let body = bytes.split_off(end + 4);
    (String::from_utf8(bytes).unwrap().to_lowercase(), body)
}

#[test]
fn answers_are_compressed_for_those_who_take_it() {
    let api = Api::new();
    let plain = raw(&api.server.base, "GET /ogc/api HTTP/1.1");
    assert!(!plain.0.contains("content-encoding"));
    for encoding in ["gzip", "br"] {
        let (head, body) = raw(&api.server.base, &format!("GET /ogc/api HTTP/1.1\r\nAccept-Encoding: {encoding}"));
        assert!(head.contains(&format!("content-encoding: {encoding}\r\n")), "{head}");
        assert!(head.lines().any(|l| l.starts_with("vary:") && l.contains("accept-encoding")), "{head}");
        assert!(body.len() * 3 < plain.1.len(), "{encoding}: {} of {} bytes", body.len(), plain.1.len());
    }
    let (head, _) = raw(&api.server.base, &format!("GET {WORKS} HTTP/1.1\r\nAccept-Encoding: gzip"));
    let vary: Vec<&str> = head.lines().filter(|l| l.starts_with("vary:")).collect();
    assert!(
        vary.iter().any(|l| l.contains("authorization")) && vary.iter().any(|l| l.contains("accept-encoding")),
        "{head}"
    );
    let (head, body) = raw(&api.server.base, "GET /nothing HTTP/1.1\r\nAccept-Encoding: gzip");
    assert!(head.starts_with("http/1.1 404") && !body.is_empty(), "{head}");
}

#[test]
fn parts_of_an_answer_wait_for_no_acknowledgement() {
    let api = Api::new();
    let road = api.road("R", rect(-9.0, -9.0, 9.0, 9.0));
    for n in 0..8 {
        api.work(&format!("W-{n}"), point(0.0, 0.0));
    }
    let path = format!("/api/corridors/{road}/conflicts");
    // Long enough to be compressed by another thread: its head goes out before its body.
    let took = |_| {
        let begun = Instant::now();
        let answer = api.server.get("", &path);
        assert!(answer.status == 200 && answer.text.len() > 2_500, "{}", answer.text);
        begun.elapsed()
    };
    // The first answers on a connection are acknowledged at once, later ones after 40 ms.
    let mut took: Vec<Duration> = (0..40).map(took).skip(20).collect();
    took.sort();
    assert!(took[10] < Duration::from_millis(30), "{took:?}");
}

#[test]
fn pages_of_other_origins_read_and_check_but_never_write() {
    let api = Api::new();
    let id = api.work("W", point(0.0, 0.0));
    let item = format!("{WORKS}/{id}");
    let origin = ("Origin", "https://map.example");
    let read = api.send("", "GET", &item, &[origin], None);
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, Some("*")));
    let exposed = read.header("access-control-expose-headers").unwrap().to_lowercase();
    assert!(exposed.contains("etag") && exposed.contains("location"), "{exposed}");
    assert_eq!(read.header("access-control-allow-credentials"), None);
    let missing = api.send("", "GET", "/nothing", &[origin], None);
    assert_eq!(
        (missing.status, missing.header("access-control-allow-origin")),
        (404, Some("*")),
        "a page may read why"
    );
    let preflight = |path: &str, method: &str, headers: &str| {
        let mut sent = vec![origin, ("Access-Control-Request-Method", method)];
        if !headers.is_empty() {
            sent.push(("Access-Control-Request-Headers", headers));
        }
        api.send("", "OPTIONS", path, &sent, None)
    };
    let ok = preflight(CHECKS, "POST", "content-type,content-crs");
    assert_eq!(ok.status, 200, "{}", ok.text);
    for (method, headers) in
        [("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "authorization"), ("GET", "authorization")]
    {
        let refused = preflight(&item, method, headers);
        let allowed = refused.status < 300
            && refused.header("access-control-allow-methods").is_some_and(|m| m.contains(method))
            && refused.header("access-control-allow-headers").is_some_and(|h| h.to_lowercase().contains(headers));
        assert!(!allowed, "{method} {headers}: {refused:?}");
    }
    // What a browser sends without asking first finds no token and writes nothing.
    let simple =
        api.send("", "POST", WORKS, &[origin, ("Content-Type", "text/plain")], Some(&feature(point(0.0, 0.0), mast())));
    assert_eq!(simple.status, 401);
    let one = Api::with(|s| s.cors_origin = "https://map.example".into());
    let allowed = |origin| one.send("", "GET", CORRIDORS, &[("Origin", origin)], None);
    assert_eq!(allowed("https://map.example").header("access-control-allow-origin"), Some("https://map.example"));
    assert_eq!(allowed("https://elsewhere.example").header("access-control-allow-origin"), None);
}

/// Asks until `done`, at most ten seconds; the time it took.
pub fn until(what: &str, mut done: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} did not happen within 10 s");
        std::thread::yield_now();
    }
    begun.elapsed()
}

#[test]
fn a_second_instance_follows_the_first() {
    let api = Api::new();
    let second = TestServer::start(&api.database);
    let count = |server: &TestServer| {
        let body = point(0.0, 0.0).to_string();
        let headers = [("Content-Type", "application/geo+json"), ("Content-Crs", "EPSG:9218")];
        server.send("POST", CHECKS, &headers, Some(body.as_bytes())).json()["results"][0]["conflict_count"].clone()
    };
    // It has begun to listen once it shows a first write.
    api.work("W-0", point(0.0, 0.0));
    until("the first write", || count(&second) == json!(1));
    let mut delays = Vec::new();
    for n in 1..=10 {
        api.work(&format!("W-{n}"), point(0.0, 0.0));
        assert_eq!(count(&api.server), json!(n + 1), "whoever wrote sees it at once");
        delays.push(until("the write of the other instance", || count(&second) == json!(n + 1)));
    }
    delays.sort();
    eprintln!("the other instance shows a write after {:?} (median), {:?} at most", delays[5], delays[9]);
    assert!(
        delays[5] < Duration::from_millis(900),
        "it hears of writes, and does not only ask every second: {delays:?}"
    );
    // Asked for a revision it has not heard of yet, it catches up before it answers.
    api.work("W-11", point(0.0, 0.0));
    let revision = api.sql("SELECT 'VN-72=' || revision FROM revisions").unwrap();
    let headers =
        [("Content-Type", "application/geo+json"), ("Content-Crs", "EPSG:9218"), ("Min-Revision", revision.as_str())];
    let answer = second.send("POST", CHECKS, &headers, Some(point(0.0, 0.0).to_string().as_bytes()));
    assert_eq!((answer.status, &answer.json()["results"][0]["conflict_count"]), (200, &json!(12)));
}
