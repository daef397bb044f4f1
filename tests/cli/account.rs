//! `clearway organisation` and `clearway account`; and that the log of a server never says what only its people know.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value as Json, json};

use crate::program::{Ran, Running, clearway, command, rows};
use crate::support::Database;

const PASSWORD: &str = "hunter2 hunter2 hunter2";

/// Runs the program with a line on its standard input.
fn with_input(db: &Database, arguments: &[&str], input: &str) -> Ran {
    let mut child = command(arguments)
        .env("DATABASE_URL", &db.service_url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn with_office() -> Database {
    let db = Database::vn72();
    clearway(&db, &["organisation", "add", "office", "--name", "Sở", "--kind", "office"])
        .gives(0, &["Added office (office), Sở."]);
    db
}

#[test]
fn accounts_are_added_listed_disabled_and_reset() {
    let db = with_office();
    let add =
        ["account", "add", "nga", "--organisation", "office", "--role", "officer,planner", "--jurisdiction", "VN-72"];
    let added = clearway(&db, &add);
    let lines: Vec<&str> = added.out.lines().collect();
    assert_eq!((added.code, lines[0]), (0, "Added nga of office: officer, planner in VN-72."), "{}", added.err);
    let password = lines[1].strip_prefix("The password, shown this once: ").unwrap();
    assert_eq!((lines.len(), password.len()), (2, 24));
    let binh = ["account", "add", "binh", "--organisation", "office", "--role", "auditor", "--password-stdin"];
    with_input(&db, &binh, &format!("{PASSWORD}\n")).gives(0, &["Added binh of office: auditor in all jurisdictions."]);
    let list = |nga: &str| {
        let expect = [
            format!("nga of office: officer, planner in VN-72{nga}"),
            "binh of office: auditor in all jurisdictions".into(),
        ];
        clearway(&db, &["account", "list"]).gives(0, &[&expect[0], &expect[1]]);
    };
    list("");
    clearway(&db, &["account", "disable", "nga"]).gives(0, &["nga of office: officer, planner in VN-72 (disabled)"]);
    list(" (disabled)");
    clearway(&db, &["account", "enable", "nga"]).gives(0, &["nga of office: officer, planner in VN-72"]);
    let reset = clearway(&db, &["account", "reset", "nga"]);
    let lines: Vec<&str> = reset.out.lines().collect();
    assert_eq!(lines[0], "nga has another password and is signed out everywhere.");
    assert_ne!(lines[1].strip_prefix("The password, shown this once: ").unwrap(), password);
    with_input(&db, &["account", "reset", "nga", "--password-stdin"], PASSWORD)
        .gives(0, &["nga has another password and is signed out everywhere."]);
    clearway(&db, &["organisation", "list"]).gives(0, &["office (office), Sở"]);
    let events = rows(
        &db,
        "deed, actor, request_id, detail->>'what'",
        "audit_events WHERE jurisdiction = 'access' ORDER BY revision",
    );
    let by = "operator command line";
    let expect: Vec<String> = ["create {by} organisation", "create {by} account", "create {by} account"]
        .iter()
        .chain(&["replace {by} account"; 4])
        .map(|e| e.replace("{by}", by))
        .collect();
    assert_eq!(events, expect);
    let stored =
        rows(&db, "e::text", "audit_events AS e").join("\n") + &rows(&db, "a::text", "accounts AS a").join("\n");
    assert!(!stored.contains("hunter2") && !stored.contains(password));
    assert!(rows(&db, "password", "accounts").iter().all(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")));
}

#[test]
fn the_last_administrator_stays() {
    let db = with_office();
    let add = |name: &str, more: &[&str]| {
        let account = ["account", "add", name, "--organisation", "office", "--role", "administrator"];
        assert_eq!(clearway(&db, &[&account, more].concat()).code, 0);
    };
    add("nga", &[]);
    add("local", &["--jurisdiction", "VN-72"]);
    clearway(&db, &["account", "disable", "nga"])
        .fails("clearway: nga is the last administrator of all jurisdictions who may sign in; make another one first");
    assert_eq!(clearway(&db, &["account", "disable", "local"]).code, 0);
    add("binh", &[]);
    assert_eq!(clearway(&db, &["account", "disable", "nga"]).code, 0);
    assert_eq!(clearway(&db, &["account", "disable", "binh"]).code, 1);
}

#[test]
fn what_cannot_be_is_one_clear_sentence() {
    let db = with_office();
    let add = |more: &[&str], input: &str| with_input(&db, &[&["account", "add"], more].concat(), input);
    let nga = ["nga", "--organisation", "office", "--role", "officer", "--password-stdin"];
    add(&nga, "short\n").fails("clearway: /password has 5 characters; it must have 15 to 128");
    assert_eq!(add(&nga, PASSWORD).code, 0);
    add(&nga, PASSWORD).fails("clearway: this name is, or was, that of another account");
    add(&["an", "--organisation", "nobody", "--role", "officer"], "")
        .fails("clearway: /organisation is no organisation that is registered");
    add(&["an", "--organisation", "office", "--role", "officer", "--jurisdiction", "VN-99"], "")
        .fails("clearway: /jurisdictions/0 «VN-99» is not registered");
    clearway(&db, &["account", "disable", "nobody"]).fails("clearway: the account nobody is not there");
    clearway(&db, &["organisation", "add", "office", "--name", "x", "--kind", "office"])
        .fails("clearway: this code is that of another organisation");
    for wrong in [
        &["account", "add", "an", "--organisation", "office"][..],
        &["account", "add", "an", "--organisation", "office", "--role", "king"],
        &["account", "add", "an", "--organisation", "office", "--role", "officer", "--password", PASSWORD],
        &["organisation", "add", "a", "--name", "x", "--kind", "club"],
    ] {
        assert_eq!(clearway(&db, wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(rows(&db, "name", "accounts"), ["nga"]);
}

/// Sends JSON; status and document.
fn send(base: &str, headers: &[(&str, &str)], method: &str, path: &str, body: &Json) -> (u16, Json, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{base}{path}"));
    for (name, value) in headers.iter().chain(&[("Content-Type", "application/json")]) {
        request = request.header(*name, *value);
    }
    let mut answer = agent.run(request.body(body.to_string()).unwrap()).unwrap();
    let cookie = answer.headers().get("set-cookie").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Json::Null), cookie)
}

#[test]
fn the_log_says_no_secret_even_when_it_says_all() {
    let db = with_office();
    let nga = ["account", "add", "nga", "--organisation", "office", "--role", "administrator", "--password-stdin"];
    assert_eq!(with_input(&db, &nga, PASSWORD).code, 0);
    let mut serve = command(&["serve", "--listen", "127.0.0.1:0"]);
    serve.env("DATABASE_URL", &db.service_url).env("CLEARWAY_LOG", "trace");
    let mut running = Running::start(serve);
    let said = running.wait_for("\"serving\"");
    let line: Json = serde_json::from_str(said.lines().find(|l| l.contains("\"serving\"")).unwrap()).unwrap();
    let base = format!("http://{}", line["fields"]["address"].as_str().unwrap());
    let sign_in = |more: Json| {
        let mut wish = json!({"name": "nga", "password": PASSWORD});
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        send(&base, &[], "POST", "/api/sessions", &wish)
    };
    let (status, session, _) = sign_in(json!({}));
    assert_eq!(status, 201, "{session}");
    let text = |document: &Json, name: &str| document[name].as_str().unwrap().to_owned();
    let (access, refresh) = (text(&session, "access_token"), text(&session, "refresh_token"));
    let bearer = format!("Bearer {access}");
    let header = [("Authorization", bearer.as_str())];
    let (_, page, cookie) = sign_in(json!({"cookie": true}));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let csrf = text(&page, "csrf_token");
    let (status, token, _) = send(&base, &header, "POST", "/api/tokens", &json!({"name": "machine"}));
    assert_eq!(status, 201, "{token}");
    let token = text(&token, "token");
    let an = json!({"name": "an", "organisation": "office", "roles": ["officer"]});
    let (status, an, _) = send(&base, &header, "POST", "/api/accounts", &an);
    assert_eq!(status, 201, "{an}");
    let (generated, an) = (text(&an, "password"), format!("/api/accounts/{}", text(&an, "id")));
    for (method, path, body, expect) in [
        ("PATCH", an.as_str(), json!({"password": "hunter2 of the account an"}), 200),
        ("PATCH", &an, json!({"password": "hunter2"}), 422),
        ("PATCH", &an, json!({"pass": "hunter2"}), 422),
        (
            "PUT",
            "/api/account/password",
            json!({"password": "hunter2", "new_password": "hunter2 and so on and on"}),
            422,
        ),
        ("PUT", "/api/account/password", json!({"password": PASSWORD, "new_password": "hunter2"}), 422),
    ] {
        let (status, told, _) = send(&base, &header, method, path, &body);
        assert_eq!(status, expect, "{method} {path} {body}: {told}");
        assert!(!told.to_string().contains("hunter2"), "{told}");
    }
    let (status, fresh, _) = send(&base, &[], "POST", "/api/sessions/refresh", &json!({"refresh_token": refresh}));
    assert_eq!(status, 200);
    for (headers, method, path, body, expect) in [
        (vec![], "POST", "/api/sessions", json!({"name": "nga", "password": "hunter2"}), 401),
        (vec![], "POST", "/api/sessions", json!({"name": "hunter2", "password": ["hunter2"]}), 422),
        (vec![], "POST", "/api/sessions/refresh", json!({"refresh_token": refresh}), 401),
        (vec![("Cookie", cookie.as_str()), ("X-CSRF-Token", &csrf)], "DELETE", "/api/sessions/current", json!({}), 204),
        (vec![("Authorization", "Bearer hunter2")], "POST", "/api/accounts", json!({}), 401),
        (vec![("Authorization", &bearer)], "POST", "/api/tokens", json!({"name": "x"}), 401),
    ] {
        assert_eq!(send(&base, &headers, method, path, &body).0, expect, "{method} {path} {body}");
    }
    // What somebody puts where no secret belongs.
    for (headers, path) in [
        (vec![], format!("/api/account?access_token={access}")),
        (vec![], "/ogc/collections/works/items?limit=hunter2".into()),
        (vec![("User-Agent", "hunter2"), ("Referer", "https://x/?t=hunter2")], "/api/account".into()),
        (vec![("X-Request-Id", "hunter2"), ("X-Forwarded-For", "hunter2")], "/nothing?hunter2".into()),
    ] {
        let status = send(&base, &headers, "GET", &path, &json!({})).0;
        assert!([400, 401, 404].contains(&status), "{path} {status}");
    }
    running.signal("TERM");
    assert_eq!(running.end().code(), Some(0));
    let said = running.said();
    assert!(said.contains("/api/sessions/refresh") && said.contains("/nothing"), "the log is there: {said}");
    let cookie = cookie.split_once('=').unwrap().1.to_owned();
    for secret in ["hunter2".to_owned(), generated, access, refresh, token, cookie, csrf, text(&fresh, "access_token")]
    {
        assert!(!said.contains(&secret), "{}", said.lines().find(|l| l.contains(&secret)).unwrap());
    }
}
