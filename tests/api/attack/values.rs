//! SQL, heads and nonsense as the values of parameters, of headers and of texts that are stored.

#![allow(clippy::format_collect)] // short texts

use clearway::http::routes::{Method, ROUTES};
use serde_json::{Value as Json, json};

use super::{ABSENT, is_discreet, raw, status};
use crate::help::{Api, CHECKS, GRID, WORKS, feature, mast, merged, point, rect};
use crate::matrix::column;
use crate::people::admin;
use crate::support::token;

/// Values as somebody writes them who hopes that they are put together with something else.
fn hostile() -> Vec<String> {
    let mut all: Vec<String> = [
        "' OR '1'='1",
        "'; DROP TABLE works; --",
        "VN-72' UNION SELECT password FROM accounts --",
        "1) OR (1=1",
        "\"; SELECT pg_sleep(30); --",
        "$1",
        "%",
        "_%",
        "\\",
        "\0",
        "VN-72\0",
        "a\r\nX-Evil: 1\r\n\r\n<html>",
        "a\nb",
        "\u{7f}",
        "\u{202e}\u{feff}𝒳é",
        "<script>alert(1)</script>",
        "${jndi:ldap://evil/a}",
        "{{7*7}}",
        "../../etc/passwd",
        "-1",
        "0x10",
        "1e999",
        "NaN",
        "9223372036854775808",
        "null",
        "[]",
        "{\"a\":1}",
        " ",
        "",
    ]
    .map(str::to_owned)
    .into();
    all.push("9".repeat(4_000));
    all.push("𝒳".repeat(500));
    all.push("(".repeat(4_000));
    all
}

fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

/// What is kept: any write at all would show.
fn kept(api: &Api) -> String {
    let all = "SELECT concat_ws(' ', (SELECT sum(revision) FROM revisions), (SELECT count(*) FROM audit_events),
        (SELECT count(*) FROM works), (SELECT count(*) FROM corridors), (SELECT count(*) FROM reference_features),
        (SELECT sum(version) FROM accounts))";
    api.sql(all).unwrap()
}

#[test]
fn hostile_values_of_every_parameter_find_and_change_nothing() {
    let api = Api::with_people();
    api.account("nga", "office", &["administrator"]);
    let work = api.work("A-1", point(0.0, 0.0));
    let corridor = api.road("C-1", rect(0.0, 0.0, 9.0, 9.0));
    let place = api.school("S-1", rect(0.0, 0.0, 9.0, 9.0));
    let before = kept(&api);
    let mut tried = 0;
    // Works and corridors are served by the same functions.
    for route in ROUTES.iter().filter(|r| !r.parameters.is_empty() && !r.path.contains("corridors")) {
        let ids = [("works", &work), ("references", &place)];
        let id = ids.iter().find(|(layer, _)| route.path.contains(layer)).map_or(&corridor, |(_, id)| id);
        let (id, noun) = if route.path.contains("{noun}") { (&work, "works") } else { (id, "") };
        let path = route.path.replace("{id}", id).replace("{noun}", noun);
        for parameter in route.parameters {
            // The same with the name itself, and as one more of the same.
            for (which, value) in hostile().into_iter().enumerate() {
                let value = encoded(&value);
                let queries = [
                    format!("{parameter}={value}"),
                    format!("{parameter}{value}=1"),
                    format!("{parameter}={value}&{parameter}=1"),
                ];
                for (n, query) in queries.iter().enumerate().take(if which < 10 { 3 } else { 1 }) {
                    // The answer of a stream has no end; what it says of the question stands in its head.
                    let method = if route.path == "/api/changes" { "HEAD" } else { route.method.as_str() };
                    let bearer = format!("Bearer {}", admin());
                    let media =
                        if route.path.ends_with("/batch") { "application/x-ndjson" } else { "application/geo+json" };
                    let headers = [("Authorization", bearer.as_str()), ("Content-Type", media), ("Content-Crs", GRID)];
                    let about_a_site = route.path.starts_with("/api/site");
                    let document = if about_a_site { column(route.path) } else { point(0.0, 0.0) };
                    let body = (route.method == Method::Post).then(|| document.to_string());
                    // What is asked here is not to be kept.
                    let keeps = route.parameters.contains(&"store") && *parameter != "store";
                    let path = format!("{path}?{query}{}", if keeps { "&store=no" } else { "" });
                    let answer = api.server.send(method, &path, &headers, body.as_ref().map(String::as_bytes));
                    let what = format!("{method} {}", path.chars().take(200).collect::<String>());
                    assert!(matches!(answer.status, 200 | 400 | 404), "{what}: {} {}", answer.status, answer.text);
                    assert!(
                        n == 0 || value.is_empty() || answer.status == 400,
                        "{what}: {} is not refused",
                        answer.status
                    );
                    assert_eq!(answer.header("x-evil"), None, "{what}");
                    is_discreet(&what, &answer.text);
                    if *parameter == "jurisdiction" && answer.status == 200 && !answer.text.is_empty() {
                        let document = answer.json();
                        let found = ["features", "packs", "calendars", "layers"]
                            .into_iter()
                            .find_map(|list| document[list].as_array());
                        // Of none named, all are meant; of one that is none, nothing.
                        let all = value.is_empty() || value == "%20";
                        assert!(all || found.is_some_and(Vec::is_empty), "{what}: {}", answer.text);
                    }
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(kept(&api), before);
    assert_eq!(api.server.get("", &format!("{WORKS}/{work}")).status, 200);
    eprintln!("{tried} hostile parameters");
}

#[test]
fn hostile_headers_are_read_as_text_or_refused() {
    let api = Api::new();
    let work = api.work("A-1", point(0.0, 0.0));
    let before = kept(&api);
    let headers = [
        "If-Match",
        "If-None-Match",
        "Content-Crs",
        "Min-Revision",
        "Last-Event-ID",
        "Reason",
        "Accept",
        "Accept-Encoding",
        "Content-Type",
        "Cookie",
        "X-CSRF-Token",
        "Origin",
        "Host",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Request-Id",
        "X-Real-Ip",
        "Authorization",
        "X-HTTP-Method-Override",
        "X-Original-URL",
        "Access-Control-Request-Method",
        "Access-Control-Request-Headers",
        "Range",
        "Expect",
        "User-Agent",
    ];
    let mut values: Vec<Vec<u8>> = hostile().into_iter().map(String::into_bytes).collect();
    values.extend([
        b"\xff\xfe\x80".to_vec(),
        b"Bearer \xff".to_vec(),
        b"Bearer ' OR 1=1 --".to_vec(),
        b"a, b, \"c".to_vec(),
    ]);
    values.push(b"VN-72=9223372036854775807".to_vec());
    values.push(b"VN-72'; DROP TABLE works; --=1".to_vec());
    let mut tried = 0;
    for header in headers {
        for value in values.iter().filter(|v| v.len() < 3_000) {
            // As the officer, who may write, where the header is read.
            let stored = format!("/api/works/{work}/conflicts");
            let (method, path) = match header {
                "Accept" | "Min-Revision" | "Accept-Encoding" | "If-None-Match" | "Range" => ("GET", stored),
                "Last-Event-ID" => ("HEAD", "/api/changes".to_owned()),
                "Cookie" | "Origin" | "X-CSRF-Token" => ("POST", "/api/sessions".to_owned()),
                _ => ("PATCH", format!("{WORKS}/{ABSENT}")),
            };
            let mut request =
                format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n").into_bytes();
            for (name, usual) in [
                ("Host", "localhost"),
                ("Content-Type", "application/json"),
                ("Authorization", &format!("Bearer {}", token("officer"))),
            ] {
                if name != header {
                    request.extend(format!("{name}: {usual}\r\n").into_bytes());
                }
            }
            request.extend([header.as_bytes(), b": ", value.as_slice(), b"\r\n\r\n{}"].concat());
            let answer = raw(&api, &request);
            let what = format!("{method} {path} {header}: {}", String::from_utf8_lossy(value));
            // 503: a revision that there is not yet; 417 and 406 are the framework's.
            assert!(!matches!(status(&answer), 201 | 204 | 500 | 502), "{what}: {answer}");
            let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
            assert!(!head.contains("\r\nx-evil"), "{what}: {answer}");
            is_discreet(&what, &answer);
            tried += 1;
        }
    }
    assert_eq!(kept(&api), before);
    eprintln!("{tried} hostile headers");
}

/// Documents that are SQL, in every text that is stored: kept as text, given back as it came.
#[test]
fn texts_that_are_sql_are_texts() {
    let api = Api::with_people();
    for text in
        ["'; DROP TABLE works; --", "Robert'); DELETE FROM audit_events; --", "$$ || pg_sleep(5) || $$", "\\'; --"]
    {
        let properties = merged(json!({"name": text, "code": text}), &mast());
        let made = api.on_grid("officer", "POST", WORKS, &feature(point(0.0, 0.0), properties));
        if made.status == 201 {
            let path = format!("{WORKS}/{}", made.json()["id"].as_str().unwrap());
            let again = api.server.get("", &path).json();
            assert_eq!((&again["properties"]["name"], &again["properties"]["code"]), (&json!(text), &json!(text)));
        } else {
            assert_eq!(made.status, 422, "{}", made.text);
        }
        let code = json!({"code": text, "name": text, "kind": "office"});
        assert_eq!(api.json(&admin(), "POST", "/api/organisations", Some(&code)).status, 422, "{text}");
        let name = json!({"name": text});
        let named = api.json(&admin(), "PATCH", "/api/organisations/office", Some(&name));
        assert_eq!((named.status, &named.json()["name"]), (200, &json!(text)), "{}", named.text);
        let why = [("Reason", text), ("Content-Type", "application/geo+json"), ("Content-Crs", GRID)];
        let because = api.send("officer", "POST", WORKS, &why, Some(&feature(point(0.0, 0.0), mast())));
        assert_eq!(because.status, 201, "{}", because.text);
        let id = because.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(api.sql(&format!("SELECT reason FROM audit_events WHERE subject = '{id}'")), Some(text.into()));
    }
    for nul in [json!({"name": "a\u{0}b"}), json!({"code": "a\u{0}b"}), json!({"organisation": "a\u{0}b"})] {
        let refused = api.on_grid("officer", "POST", WORKS, &feature(point(0.0, 0.0), merged(nul, &mast())));
        assert_eq!(refused.status, 422, "{}", refused.text);
        is_discreet("NUL", &refused.text);
    }
    let check =
        api.on_grid("", "POST", CHECKS, &feature(point(0.0, 0.0), json!({"kind": "mast", "class": "a\u{0}' OR 1=1"})));
    assert!(matches!(check.status, 200 | 422), "{}", check.text);
}

/// Why something is written is one line; what would look like two in a log or an export is refused.
#[test]
fn a_reason_is_one_line_said_once() {
    let api = Api::with_people();
    let bearer = format!("Bearer {}", admin());
    let new = json!({"code": "army", "name": "Army", "kind": "consultee"}).to_string();
    let send = |reasons: &[&str]| {
        let mut headers = vec![("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        headers.extend(reasons.iter().map(|r| ("Reason", *r)));
        api.server.send("POST", "/api/organisations", &headers, Some(new.as_bytes()))
    };
    let long = "x".repeat(501);
    for wrong in [&["a", "b"][..], &["a\tb"], &["a\u{85}b"], &[long.as_str()]] {
        let refused = send(wrong);
        assert_eq!((refused.status, refused.json()["type"].clone()), (400, json!("/problems/parameter")), "{wrong:?}");
    }
    assert_eq!(send(&["theo công văn 12/STTTT"]).status, 201);
    let reason: Json =
        api.sql("SELECT to_json(reason) FROM audit_events WHERE jurisdiction = 'access'").unwrap().parse().unwrap();
    assert_eq!(reason, "theo công văn 12/STTTT");
}
