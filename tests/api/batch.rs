//! The batch: a check on each line, its answer on the same line, streamed both ways.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, GRID, feature, line, point, rect};
use crate::support::{Response, token};

const BATCH: &str = "/api/conflict-checks/batch";
const NDJSON: &str = "application/x-ndjson";

/// Sends a body in coordinates of the grid as the officer.
fn send(api: &Api, path: &str, body: &[u8]) -> Response {
    let bearer = format!("Bearer {}", token("officer"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", NDJSON), ("Content-Crs", GRID)];
    api.server.send("POST", path, &headers, Some(body))
}

fn lines(answer: &Response) -> Vec<Json> {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(NDJSON)), "{}", answer.text);
    assert!(answer.text.is_empty() || answer.text.ends_with('\n'), "every line has an end");
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A client that sends and reads at the same time.
struct Conversation {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    head: String,
}

impl Conversation {
    fn begin(api: &Api, length: &str) -> Self {
        Self::begin_at(api, BATCH, length)
    }

    fn begin_at(api: &Api, path: &str, length: &str) -> Self {
        let mut stream = TcpStream::connect(api.server.base.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {NDJSON}\r\nContent-Crs: EPSG:9218\r\n\
             Accept-Encoding: gzip\r\n{length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader, head: String::new() }
    }

    fn send(&mut self, text: &str) {
        write!(self.stream, "{:x}\r\n{text}\r\n", text.len()).unwrap();
    }

    fn text_line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line
    }

    /// The next piece of the answer; empty at its end.
    fn piece(&mut self) -> String {
        while self.head.is_empty() || !self.head.ends_with("\r\n\r\n") {
            let line = self.text_line();
            assert!(!line.is_empty(), "the connection ended: {}", self.head);
            self.head.push_str(&line);
        }
        let length = usize::from_str_radix(self.text_line().trim(), 16).unwrap();
        let mut piece = vec![0; length + 2];
        self.reader.read_exact(&mut piece).unwrap();
        piece.truncate(length);
        String::from_utf8(piece).unwrap()
    }

    fn json(&mut self) -> Json {
        let piece = self.piece();
        serde_json::from_str(&piece).unwrap_or_else(|e| panic!("{e}: {piece:?}"))
    }
}

#[test]
fn each_line_is_answered_as_the_single_check_answers_it() {
    let api = Api::new();
    api.work("W-1", point(0.0, 0.0));
    api.work("W-2", line(&[(10.0, -50.0), (10.0, 50.0)]));
    api.road("C", rect(-5.0, -5.0, 5.0, 5.0));
    let mut named = feature(rect(-20.0, -20.0, 20.0, 20.0), json!({"clearance_m": 3}));
    named["id"] = json!("north");
    let both = json!({"type": "FeatureCollection", "features": [named, feature(point(0.0, 0.0), json!({}))]});
    let documents = [point(0.0, 0.0), named.clone(), both, point(900.0, 0.0), rect(9.0, -9.0, 11.0, 9.0)];
    for query in ["", "?measures=false", "?against=works,corridors&clearance_m=7.5&limit=1", "?at=1990-01-01T00:00:00Z"]
    {
        for end in ["", "\n"] {
            let body = documents.iter().map(Json::to_string).collect::<Vec<_>>().join("\n") + end;
            let answers = lines(&send(&api, &format!("{BATCH}{query}"), body.as_bytes()));
            assert_eq!(answers.len(), documents.len(), "{query}");
            for ((n, document), mut answer) in (1..).zip(&documents).zip(answers) {
                assert_eq!(answer.as_object_mut().unwrap().shift_remove("line"), Some(json!(n)));
                let single = api.on_grid("officer", "POST", &format!("{CHECKS}{query}"), document);
                assert_eq!(answer.to_string(), single.text, "{query}: line {n}");
            }
        }
    }
    assert_eq!(lines(&send(&api, BATCH, b"")), [json!(null); 0]);
}

#[test]
fn what_is_wrong_with_a_line_stands_in_its_place() {
    let api = Api::with(|s| {
        s.batch_line_bytes_max = 400;
        s.vertices_max = 4;
        s.subjects_max = 1;
    });
    api.work("W", point(0.0, 0.0));
    let good = point(0.0, 0.0).to_string();
    let long = format!("{good}{}", " ".repeat(400 - good.len()));
    let two = json!({"type": "FeatureCollection", "features": [{}, {}]}).to_string();
    let open = json!({"type": "Polygon", "coordinates": [[[1, 1], [2, 2]]]}).to_string();
    let brackets = vec![b'['; 100_000];
    let malformed = (400, "malformed-document");
    let table: &[(&[u8], (i64, &str), &str)] = &[
        (good.as_bytes(), (200, ""), ""),
        (b"", malformed, "the line is empty; a JSON document belongs here"),
        (b" \t\r", malformed, "the line is empty; a JSON document belongs here"),
        (b"{\"type\":", malformed, "the line breaks off at column 8: EOF while parsing a value at line 1 column 8"),
        (b"nonsense", malformed, "the line is not JSON at column 2: expected ident at line 1 column 2"),
        (b"{\"name\":\"Gia Ngh\xedxa\"}", malformed, "the line is not UTF-8: byte 16 is wrong"),
        (b"[1]", (422, "invalid-document"), "one problem; see errors"),
        (open.as_bytes(), (422, "invalid-document"), "2 problems; see errors"),
        (long.as_bytes(), (200, ""), ""),
        (&[b' '; 401], (413, "too-large"), "the line has more than 400 bytes; the limit is 400 bytes"),
        (&brackets, (413, "too-large"), "the line has more than 400 bytes; the limit is 400 bytes"),
        (two.as_bytes(), (413, "too-large"), "the collection has 2 features; the limit is 1 features"),
        (good.as_bytes(), (200, ""), ""),
    ];
    let body = table.iter().map(|(line, _, _)| *line).collect::<Vec<_>>().join(&b'\n');
    let whole = send(&api, BATCH, &body);
    let answers = lines(&whole);
    assert_eq!(answers.len(), table.len());
    for ((n, answer), (line, (status, kind), detail)) in (1..).zip(answers).zip(table) {
        let line = String::from_utf8_lossy(line);
        assert_eq!(answer["line"], json!(n), "{line}");
        if *status == 200 {
            assert_eq!(answer["results"][0]["conflict_count"], json!(1), "{line}");
            assert!(answer.get("error").is_none());
            continue;
        }
        let error = &answer["error"];
        assert_eq!((&error["status"], &error["detail"]), (&json!(status), &json!(detail)), "{line}");
        assert_eq!(error["type"], json!(format!("/problems/{kind}")), "{line}");
        assert_eq!(error["instance"], json!(BATCH));
        assert_eq!(error["request_id"].as_str(), whole.header("x-request-id"));
        assert_eq!(error.get("errors").is_some(), *status == 422, "{line}");
    }
}

#[test]
fn a_request_that_is_wrong_as_a_whole_is_refused_before_any_line() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);
    let api = Api::new();
    let nobody = "Bearer nobody-knows-this-token";
    let table: &[Case<'_>] = &[
        (BATCH, &[("Content-Type", "application/geo+json")], 415),
        (BATCH, &[], 415),
        ("/api/conflict-checks/batch?clearance=3", &[("Content-Type", NDJSON)], 400),
        ("/api/conflict-checks/batch?measures=no", &[("Content-Type", NDJSON)], 400),
        (BATCH, &[("Content-Type", NDJSON), ("Content-Crs", "EPSG:999999")], 400),
        (BATCH, &[("Content-Type", NDJSON), ("Authorization", nobody)], 401),
    ];
    for (path, headers, status) in table {
        let answer = api.send("", "POST", path, headers, Some(&point(0.0, 0.0)));
        assert_eq!((answer.status, answer.json()["status"].as_u64()), (*status, Some(u64::from(*status))), "{path}");
    }
    for media in [NDJSON, "application/ndjson", "application/jsonl; charset=utf-8"] {
        assert_eq!(api.send("", "POST", BATCH, &[("Content-Type", media)], None).status, 200, "{media}");
    }
}

#[test]
fn a_line_is_answered_when_it_is_there_and_shows_what_was_written_meanwhile() {
    let api = Api::new();
    let mut conversation = Conversation::begin(&api, "Transfer-Encoding: chunked");
    let text = point(0.0, 0.0).to_string();
    for n in 0..3 {
        // A line may come in pieces, and its end late.
        conversation.send(&text[..20]);
        conversation.send(&text[20..]);
        conversation.send("\n");
        let answer = conversation.json();
        assert_eq!(answer["line"], json!(n + 1));
        assert_eq!(answer["results"][0]["conflict_count"], json!(n));
        assert_eq!(answer["revision"]["VN-72"], json!(n + 1));
        api.work(&format!("W-{n}"), point(0.0, 0.0));
    }
    conversation.send(&text);
    write!(conversation.stream, "0\r\n\r\n").unwrap();
    let answer = conversation.json();
    assert_eq!((&answer["line"], &answer["results"][0]["conflict_count"]), (&json!(4), &json!(3)));
    assert_eq!(conversation.piece(), "");
    let head = conversation.head.to_lowercase();
    assert!(head.contains("transfer-encoding: chunked") && !head.contains("content-encoding"), "{head}");
}

/// Of columns the same: the first is answered before anybody sends the next.
#[test]
fn a_column_is_answered_before_the_last_one_is_sent() {
    let api = Api::new();
    let mut conversation = Conversation::begin_at(&api, "/api/site-checks/batch", "Transfer-Encoding: chunked");
    let column = feature(point(0.0, 0.0), json!({"height_agl_m": 42, "column_class": "A2b"})).to_string();
    for n in 0..3 {
        conversation.send(&column);
        conversation.send("\n");
        let answer = conversation.json();
        assert_eq!((&answer["line"], &answer["results"][0]["revision"]["VN-72"]), (&json!(n + 1), &json!(n + 1)));
        api.work(&format!("W-{n}"), point(0.0, 0.0));
    }
    conversation.send(&column);
    write!(conversation.stream, "0\r\n\r\n").unwrap();
    assert_eq!(conversation.json()["line"], json!(4));
    assert_eq!(conversation.piece(), "");
}

/// What the server has not answered it does not take either, beyond what the system keeps of a connection.
#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    const WORKS: u32 = 50;
    const LINES: usize = 2_000_000;
    let api = Api::new();
    for n in 0..WORKS {
        api.work(&format!("W-{n}"), point(0.0, 0.0));
    }
    let text = format!("{}\n", point(0.0, 0.0));
    let mut conversation = Conversation::begin(&api, &format!("Content-Length: {}", LINES * text.len()));
    conversation.stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let block = text.repeat(1_000);
    let mut sent = 0;
    while let Ok(written) = conversation.stream.write(&block.as_bytes()[sent % text.len()..]) {
        sent += written;
        assert!(sent < LINES * text.len() / 2, "{sent} bytes were taken, and no answer was read");
    }
    println!("{sent} bytes of {} were taken", LINES * text.len());
    // It goes on from there, in order, as soon as somebody reads.
    let (mut answers, mut next) = (String::new(), 1);
    while next < 50 {
        answers.push_str(&conversation.piece());
        while let Some((line, rest)) = answers.split_once('\n') {
            let answer: Json = serde_json::from_str(line).unwrap();
            assert_eq!((&answer["line"], &answer["results"][0]["conflict_count"]), (&json!(next), &json!(WORKS)));
            next += 1;
            answers = rest.to_owned();
        }
    }
}

#[test]
fn a_batch_of_which_nothing_comes_any_more_is_given_up() {
    let api = Api::with(|s| s.batch_idle_timeout_s = 1);
    let mut conversation = Conversation::begin(&api, "Transfer-Encoding: chunked");
    let text = point(0.0, 0.0).to_string();
    conversation.send(&format!("{text}\n{}", &text[..20]));
    assert_eq!(conversation.json()["line"], json!(1));
    let given_up = conversation.json();
    assert_eq!(given_up["line"], json!(2));
    assert_eq!(given_up["error"]["type"], json!("/problems/too-slow"));
    assert_eq!(given_up["error"]["detail"], json!("nothing arrived for 1 s"));
    assert_eq!(conversation.piece(), "");
}

#[test]
fn a_body_that_breaks_off_is_never_taken_for_whole() {
    let api = Api::new();
    let text = point(0.0, 0.0).to_string();
    let mut conversation = Conversation::begin(&api, "Content-Length: 1000");
    // What stands before the end would be a line by itself.
    write!(conversation.stream, "{text}\n{text}").unwrap();
    assert_eq!(conversation.json()["line"], json!(1));
    conversation.stream.shutdown(Shutdown::Write).unwrap();
    let broken = conversation.json();
    assert_eq!((&broken["line"], &broken["error"]["detail"]), (&json!(2), &json!("the body broke off")));
}

#[test]
fn batches_beside_each_other_keep_their_order() {
    const LINES: u32 = 700;
    let api = Api::new();
    for n in 0..5 {
        api.work(&format!("W-{n}"), point(100.0 * f64::from(n), 0.0));
    }
    let api = &api;
    thread::scope(|scope| {
        for client in 0..4_u32 {
            scope.spawn(move || {
                let ask = |n: u32| {
                    let mut one = feature(point(100.0 * f64::from(n * (client + 1) % 7), 0.0), json!({}));
                    one["id"] = json!(format!("{client}-{n}"));
                    format!("{one}\n")
                };
                let body: String = (0..LINES).map(ask).collect();
                let answers = lines(&send(api, &format!("{BATCH}?measures=false"), body.as_bytes()));
                assert_eq!(answers.len(), LINES as usize);
                for (n, answer) in (0..).zip(&answers) {
                    let result = &answer["results"][0];
                    assert_eq!((&answer["line"], &result["subject"]), (&json!(n + 1), &json!(format!("{client}-{n}"))));
                    let expect = u32::from(n * (client + 1) % 7 < 5);
                    assert_eq!(result["conflict_count"], json!(expect), "{client}-{n}");
                }
            });
        }
    });
    let metrics = api.server.get("", "/metrics").text;
    for series in ["clearway_batches ", "clearway_batch_lines_total{outcome=\"answered\"} "] {
        assert!(metrics.lines().any(|l| l.starts_with(series)), "{series}\n{metrics}");
    }
}

/// A batch may run for hours.
#[test]
fn whoever_is_signed_out_meanwhile_gets_no_more_answers() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let (access, _) = api.sign_in("nga");
    let head = format!("Transfer-Encoding: chunked\r\nAuthorization: Bearer {access}");
    let mut conversation = Conversation::begin(&api, &head);
    let line = format!("{}\n", point(0.0, 0.0));
    conversation.send(&line);
    assert_eq!(conversation.json()["results"][0]["conflict_count"], 0);
    assert_eq!(api.json(&access, "DELETE", "/api/sessions/current", None).status, 204);
    conversation.send(&line);
    let refused = conversation.json();
    assert_eq!((&refused["line"], &refused["error"]["status"]), (&json!(2), &json!(401)), "{refused}");
}
