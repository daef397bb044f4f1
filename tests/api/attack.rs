//! What somebody tries who means harm: SQL and heads inside values, paths that lead elsewhere, ids guessed, members of a
//! document that are not his to set, and the database itself read for secrets. Too large and too slow a body, and heads
//! beyond the limits, are in `limits.rs` and `edge.rs`; what the log says at its most talkative is in `tests/cli/account.rs`.

#![allow(clippy::format_collect)] // short texts

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use clearway::http::routes::{Access, Method, ROUTES};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::help::{Api, CHECKS, CORRIDORS, GRID, WORKS, feature, mast, merged, point, rect, road};
use crate::people::{PASSWORD, admin};
use crate::support::token;

/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

const ABSENT: &str = "01920000-0000-7000-8000-000000000000";

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
        (SELECT count(*) FROM works), (SELECT count(*) FROM corridors), (SELECT sum(version) FROM accounts))";
    api.sql(all).unwrap()
}

/// No word of the database, of its driver or of the program.
fn is_discreet(what: &str, text: &str) {
    let said = text.to_lowercase();
    for word in ["syntax error", "pg_catalog", "diesel", "relation \"", "libpq", "panicked", ".rs:", "byte sequence"] {
        assert!(!said.contains(word), "{what} tells «{word}»: {text}");
    }
}

#[test]
fn hostile_values_of_every_parameter_find_and_change_nothing() {
    let api = Api::with_people();
    api.account("nga", "office", &["administrator"]);
    let work = api.work("A-1", point(0.0, 0.0));
    let corridor = api.road("C-1", rect(0.0, 0.0, 9.0, 9.0));
    let before = kept(&api);
    let mut tried = 0;
    // Works and corridors are served by the same functions.
    for route in ROUTES.iter().filter(|r| !r.parameters.is_empty() && !r.path.contains("corridors")) {
        let id = if route.path.contains("works") { &work } else { &corridor };
        let path = route.path.replace("{id}", id);
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
                    let body = (route.method == Method::Post).then(|| point(0.0, 0.0).to_string());
                    let path = format!("{path}?{query}");
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
                        let found = ["features", "packs"].into_iter().find_map(|list| document[list].as_array());
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

/// Sends bytes as they are; the answer until the connection ends.
fn raw(api: &Api, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(api.server.base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    if let Err(e) = stream.read_to_end(&mut answer) {
        assert_eq!(e.kind(), std::io::ErrorKind::ConnectionReset, "the connection stays open");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"))
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

#[test]
fn no_way_of_writing_a_path_leads_past_its_door() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let hidden = api.add(WORKS, point(0.0, 0.0), merged(json!({"visibility": "restricted", "code": "S-1"}), &mast()));
    let mut paths: Vec<String> = [
        "/ogc/../api/accounts",
        "/ogc/%2e%2e/api/accounts",
        "/ogc/..%2fapi/accounts",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/../../../etc/passwd",
        "/..\\..\\etc\\passwd",
        "//api/accounts",
        "/api//accounts",
        "/api/./accounts",
        "/API/ACCOUNTS",
        "/Api/accounts",
        "/api/accounts/",
        "/api/accounts;a=b",
        "/api/accounts.json",
        "/api/accounts%00",
        "/api/accounts%20",
        "/api/accounts%2f",
        "/api/accounts%0d%0aX-Evil:%201",
        "/api%2faccounts",
        "/%61pi/accounts",
        "/api/%61ccounts",
        "/api/accounts/..",
        "/api/accounts/../accounts",
        "/api/account/../accounts",
        "/health/live/../../api/accounts",
        "/api/tokens",
        "/api/organisations",
        "/.git/config",
        "/clearway.toml",
        "/admin",
        "/%c0%ae%c0%ae/etc/passwd",
        "/%ff",
        "/api/accounts?/health/live",
        "http://localhost/api/accounts",
        "http://evil.example/api/accounts",
        "*",
    ]
    .map(str::to_owned)
    .into();
    let written =
        [hidden.to_uppercase(), hidden.replace('-', ""), format!("urn:uuid:{hidden}"), format!("{{{hidden}}}")];
    let encoded = hidden.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
    for id in written.iter().chain([
        &hidden,
        &encoded,
        &format!("{hidden}/"),
        &format!("{hidden}%00"),
        &format!("./{hidden}"),
    ]) {
        paths.push(format!("{WORKS}/{id}"));
        paths.push(format!("/api/works/{id}/conflicts"));
    }
    paths.extend([format!("/api/accounts/{id}"), format!("/api/accounts/{}", id.to_uppercase())]);
    let open = |head: &str| {
        for path in &paths {
            for method in ["GET", "POST", "DELETE", "PATCH"] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}Content-Length: 0\r\n\r\n"
                );
                let answer = raw(&api, request.as_bytes());
                let what = format!("{method} {path} {head}");
                assert!(matches!(status(&answer), 400 | 401 | 403 | 404 | 405), "{what}: {answer}");
                assert!(
                    !answer.contains("nga") && !answer.contains("root:") && !answer.contains("S-1"),
                    "{what}: {answer}"
                );
                assert!(!answer.to_lowercase().contains("\r\nx-evil"), "{what}: {answer}");
                is_discreet(&what, &answer);
            }
        }
    };
    open("");
    // What a proxy or a framework might be told to serve in the place of what was asked for.
    open("X-Original-URL: /api/accounts\r\nX-Rewrite-URL: /api/accounts\r\nX-HTTP-Method-Override: GET\r\n");
    // The right way is the only one for whoever may, too.
    let head = format!("Authorization: Bearer {}\r\nConnection: close\r\nHost: localhost\r\n", admin());
    let may = |path: &str| status(&raw(&api, format!("GET {path} HTTP/1.1\r\n{head}\r\n").as_bytes()));
    assert_eq!(
        (may("/api/accounts"), may("/API/accounts"), may("//api/accounts"), may("/api/accounts/")),
        (200, 404, 404, 404)
    );
}

#[test]
fn ids_beside_one_s_own_tell_nothing() {
    let api = Api::new();
    let own = |n: u32| {
        let made = api.on_grid("carrier", "POST", WORKS, &feature(point(f64::from(n), 0.0), mast()));
        made.json()["id"].as_str().unwrap().parse::<Uuid>().unwrap()
    };
    let first = own(0);
    let secret = merged(json!({"visibility": "restricted", "organisation": "office"}), &mast());
    let hidden: Uuid = api.add(WORKS, point(0.0, 0.0), secret).parse().unwrap();
    let last = own(1);
    assert!(first < hidden && hidden < last, "ids tell the order in which features came, and nothing else");
    for id in [first, hidden, last] {
        assert_eq!(id.get_version_num(), 7);
    }
    let differ = |a: Uuid, b: Uuid| (a.as_u128() ^ b.as_u128()).count_ones();
    assert!(differ(first, hidden) > 8 && differ(hidden, last) > 8, "no counter alone");
    let told = |id: Uuid| {
        let answer = api.server.get("carrier", &format!("{WORKS}/{id}"));
        let request = answer.header("x-request-id").unwrap().to_owned();
        (answer.status, answer.text.replace(&id.to_string(), "ID").replace(&request, "REQUEST"))
    };
    let nothing = told(ABSENT.parse().unwrap());
    assert_eq!(nothing.0, 404);
    let beside = [first, hidden, last]
        .into_iter()
        .flat_map(|id| (1..=16).flat_map(move |n| [id.as_u128() + n, id.as_u128() - n]));
    for id in beside.map(Uuid::from_u128).chain([hidden]) {
        assert_eq!(told(id), nothing, "{id}");
    }
    // A page that is asked for from there on begins where one that is asked for from nowhere does.
    let after = |id: Uuid| {
        let page = api.server.get("carrier", &format!("{WORKS}?after={id}&limit=5")).json();
        page["features"].as_array().unwrap().iter().map(|f| f["id"].clone()).collect::<Vec<_>>()
    };
    let before_it = Uuid::from_u128(hidden.as_u128() - 1);
    assert_eq!((after(hidden), after(before_it)), (vec![json!(last.to_string())], vec![json!(last.to_string())]));
}

#[test]
fn members_that_are_not_the_client_s_to_set_are_not_set() {
    let api = Api::new();
    let given = ABSENT;
    for (role, items, table, base, shape) in [
        ("carrier", WORKS, "works", mast(), point(0.0, 0.0)),
        ("project_owner", CORRIDORS, "corridors", road(), rect(0.0, 0.0, 9.0, 9.0)),
    ] {
        let row = |id: &str| {
            let columns = format!(
                "SELECT concat_ws(' ', version, organisation, jurisdiction, revision = (SELECT max(revision) FROM revisions),
                 recorded_at > now() - interval '1 minute') FROM {table} WHERE id = '{id}'"
            );
            api.sql(&columns)
        };
        let owner = base["organisation"].as_str().unwrap().to_owned();
        let said = |version: i32| Some(format!("{version} {owner} VN-72 t t"));
        // What the service itself says of a feature may be sent back, and counts for nothing; all else is refused.
        let mut made = Vec::new();
        for (member, value) in [
            ("version", json!(99)),
            ("revision", json!(77)),
            ("recorded_at", json!("1999-01-01T00:00:00Z")),
            ("id", json!(given)),
            ("valid", json!(true)),
            ("geom_grid", json!("x")),
            ("position_accuracy_from", json!("rule")),
            ("roles", json!(["administrator"])),
            ("visibility", json!("everybody")),
            ("status", json!("approved by me")),
            ("organisation", json!("vnpt")),
            ("jurisdiction", json!("VN-35")),
            ("jurisdiction", json!("access")),
        ] {
            let properties = merged(json!({ member: value }), &base);
            let answer = api.on_grid(role, "POST", items, &feature(shape.clone(), properties));
            match answer.status {
                201 => {
                    let document = answer.json();
                    let id = document["id"].as_str().unwrap().to_owned();
                    assert_eq!(row(&id), said(1), "{member}");
                    assert!(document["properties"].get(member) != Some(&value), "{member}: {document}");
                    made.push((id, member));
                }
                403 | 422 => {
                    assert!(["organisation", "jurisdiction"].contains(&member) || answer.status == 422, "{member}");
                }
                other => panic!("{member}: {other} {}", answer.text),
            }
        }
        eprintln!("{table}: passed over {:?}", made.iter().map(|(_, m)| *m).collect::<Vec<_>>());
        let mut document = feature(shape.clone(), base.clone());
        document["id"] = json!(given);
        let answer = api.on_grid(role, "POST", items, &document);
        assert!(answer.status != 201 || answer.json()["id"] != given, "an id is given by the service");
        let id =
            api.on_grid(role, "POST", items, &feature(shape, base.clone())).json()["id"].as_str().unwrap().to_owned();
        let path = format!("{items}/{id}");
        for (n, member) in
            ["version", "revision", "recorded_at", "organisation", "jurisdiction"].into_iter().enumerate()
        {
            let value = if n < 2 { json!(50) } else { json!("1999-01-01T00:00:00Z") };
            let before = row(&id).unwrap();
            let answer = api.on_grid(role, "PATCH", &path, &json!({"properties": {member: value}}));
            let version: i32 = before.split(' ').next().unwrap().parse().unwrap();
            let expect = if answer.status == 200 { version + 1 } else { version };
            let now = api.sql(&format!(
                "SELECT concat_ws(' ', version, organisation, jurisdiction) FROM {table} WHERE id = '{id}'"
            ));
            assert_eq!(now, Some(format!("{expect} {owner} VN-72")), "{member}: {}", answer.text);
            assert!(matches!(answer.status, 200 | 403 | 422), "{member}: {} {}", answer.status, answer.text);
        }
        assert_eq!(api.sql(&format!("SELECT count(*) FROM {table} WHERE id = '{given}'")), Some("0".into()));
    }
}

#[test]
fn nobody_gives_himself_roles() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let (bearer, _) = api.sign_in("nga");
    let before = api.event_count();
    let more = json!({"roles": ["administrator"], "organisation": "viettel", "jurisdictions": null});
    let with = |own: Json| {
        let mut all = own;
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for (method, path, body, expect) in [
        ("PATCH", format!("/api/accounts/{id}"), more.clone(), 403),
        ("POST", "/api/accounts".into(), with(json!({"name": "nga2", "password": PASSWORD})), 403),
        ("PUT", "/api/account/password".into(), with(json!({"password": PASSWORD, "new_password": PASSWORD})), 422),
        ("POST", "/api/sessions".into(), with(json!({"name": "nga", "password": PASSWORD})), 422),
        ("POST", "/api/sessions/refresh".into(), with(json!({"refresh_token": "x"})), 422),
        ("POST", "/api/tokens".into(), json!({"name": "x", "roles": ["administrator"]}), 422),
        ("POST", "/api/tokens".into(), json!({"name": "x", "organisation": "viettel"}), 422),
        ("PUT", "/api/account".into(), more.clone(), 405),
        ("PATCH", "/api/account".into(), more.clone(), 405),
    ] {
        let refused = api.json(&bearer, method, &path, Some(&body));
        assert_eq!(refused.status, expect, "{method} {path} {body}: {}", refused.text);
    }
    assert_eq!(api.event_count(), before);
    let me = api.json(&bearer, "GET", "/api/account", None).json();
    assert_eq!((&me["roles"], &me["organisation"]), (&json!(["officer"]), &json!("office")));
}

/// A list of accounts tells an administrator of one jurisdiction of no others, not even by where its next page begins.
#[test]
fn pages_of_accounts_name_none_that_are_not_the_asker_s() {
    let api = Api::with_people();
    let local = |name: &str, role: &str| {
        let new = json!({"name": name, "organisation": "office", "roles": [role], "jurisdictions": ["VN-72"], "password": PASSWORD});
        let made = api.json(&admin(), "POST", "/api/accounts", Some(&new));
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let mut mine = vec![local("local", "administrator")];
    for n in 0..3 {
        api.account(&format!("hidden-{n}"), "office", &["officer"]);
        api.account(&format!("hidden-too-{n}"), "office", &["officer"]);
        mine.push(local(&format!("mine-{n}"), "officer"));
    }
    api.account("hidden-last", "office", &["officer"]);
    let (bearer, _) = api.sign_in("local");
    for limit in 1..=5 {
        let (mut seen, mut path) = (Vec::new(), format!("/api/accounts?limit={limit}"));
        loop {
            let page = api.json(&bearer, "GET", &path, None).json();
            let ids: Vec<String> =
                page["accounts"].as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect();
            assert!(ids.len() <= limit && !ids.is_empty(), "{page}");
            seen.extend(ids);
            let Some(next) = page["next"].as_str() else { break };
            assert!(next.ends_with(seen.last().unwrap()), "{next} names an account that was not shown");
            path = next.strip_prefix(&api.server.base).unwrap().to_owned();
        }
        assert_eq!(seen, mine, "by {limit}");
    }
}

/// Nothing in the database is worth anything to whoever reads it all: a credential is hashed first and looked up by its
/// digest, so that nothing secret is compared letter by letter, and no time tells how much of it was right.
#[test]
fn what_is_stored_opens_no_door() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let (access, refresh) = api.sign_in("nga");
    let (cookie, csrf) = api.cookie("nga");
    let cookie = cookie.split_once('=').unwrap().1.to_owned();
    let made = api.json(&access, "POST", "/api/tokens", Some(&json!({"name": "machine"}))).json();
    let machine = made["token"].as_str().unwrap().to_owned();
    let generated = json!({"name": "an", "organisation": "office", "roles": ["officer"]});
    let generated = api.json(&admin(), "POST", "/api/accounts", Some(&generated)).json();
    let generated = generated["password"].as_str().unwrap().to_owned();
    api.try_sign_in("typed-a-secret-name", "typed-a-secret-password");
    for (secret, table) in [
        (&access, "session_credentials"),
        (&refresh, "session_credentials"),
        (&cookie, "session_credentials"),
        (&machine, "api_tokens"),
    ] {
        let by_digest = format!("SELECT count(*) FROM {table} WHERE digest = sha256('{secret}')");
        assert_eq!(api.sql(&by_digest), Some("1".into()), "found by the digest alone");
    }
    // Every row of every table, as text.
    let everything =
        "SELECT string_agg(query_to_xml('SELECT * FROM ' || quote_ident(table_name), true, false, '')::text, '')
        FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
        AND table_name NOT IN ('spatial_ref_sys')";
    let everything = api.sql(everything).unwrap();
    assert!(everything.contains(&id) && everything.contains("argon2id"), "all of it is there");
    for secret in [&access, &refresh, &cookie, &machine, &csrf, &generated] {
        let bare = secret.split_once('_').filter(|_| secret.starts_with("cw")).map_or(secret.as_str(), |(_, s)| s);
        assert!(!everything.contains(bare), "{secret}");
    }
    for secret in [PASSWORD, "typed-a-secret-name", "typed-a-secret-password"] {
        assert!(!everything.contains(secret), "{secret}");
    }
    // Nor does any answer tell one again.
    for route in ROUTES.iter().filter(|r| r.method == Method::Get && r.path != "/api/changes") {
        let path = route.path.replace("{id}", &id);
        for bearer in [admin(), access.clone()] {
            let bearer = if route.access == Access::Everyone { String::new() } else { bearer };
            let text = api.json(&bearer, "GET", &path, None).text;
            for secret in [&access, &refresh, &cookie, &machine, &csrf, &generated] {
                assert!(!text.contains(secret.as_str()), "{path}");
            }
            assert!(!text.contains("argon2"), "{path}: {text}");
        }
    }
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
