//! Signing in and staying signed in: what is let in, what is not, and what is written of it.

use std::time::Instant;

use clearway::actions::Context;
use clearway::actions::access::{self, Standing};
use clearway::actions::audit::{self, Range};
use clearway::domain::actor::Actor;
use clearway::domain::session::CredentialKind;
use clearway::error::Error;
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, WORKS, feature, mast, point};
use crate::operation::until;
use crate::people::{PASSWORD, json_to, tokens};
use crate::support::{Response, TestServer, run_sql, token};

const WHO: &str = "/api/account";

fn who(api: &Api, bearer: &str) -> Response {
    api.json(bearer, "GET", WHO, None)
}

#[test]
fn signing_in_gives_minutes_of_access_and_a_way_on() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let before = api.event_count();
    let answer = api.try_sign_in(" Nga ", PASSWORD);
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{}", answer.text);
    let document = answer.json();
    assert_eq!(document["token_type"], "Bearer");
    assert!((890..=900).contains(&document["expires_in"].as_u64().unwrap()), "{document}");
    let (access, refresh) = tokens(&answer);
    assert!(access.starts_with("cwa_") && refresh.starts_with("cwr_") && access.len() == 47 && refresh.len() == 47);
    let me = who(&api, &access).json();
    assert_eq!(
        me,
        json!({"name": "nga", "id": id, "organisation": "office", "roles": ["officer"], "jurisdictions": null,
            "via": "session", "expires_at": me["expires_at"], "may": {"write": {"works": "every", "corridors": "every", "references": "every"},
            "duties": ["rules", "authors", "plans", "plan_steps"], "see": ["public", "carriers", "government", "restricted"]}})
    );
    let work = api.send(
        "",
        "POST",
        WORKS,
        &[
            ("Content-Crs", "EPSG:9218"),
            ("Content-Type", "application/geo+json"),
            ("Authorization", &format!("bearer {access}")),
        ],
        Some(&feature(point(0.0, 0.0), mast())),
    );
    assert_eq!(work.status, 201, "{}", work.text);
    let actor =
        api.sql("SELECT actor || ' ' || organisation FROM audit_events WHERE jurisdiction = 'VN-72' AND revision = 2");
    assert_eq!(actor, Some("nga office".into()));
    assert_eq!(api.events(before), ["sign_in nga session"]);
    let stored = "SELECT (SELECT string_agg(s::text, '') FROM session_credentials AS s)
        || (SELECT string_agg(e::text, '') FROM audit_events AS e) || (SELECT string_agg(a::text, '') FROM accounts AS a)";
    let stored = api.sql(stored).unwrap();
    assert!(![access.as_str(), &access[4..], &refresh[4..], PASSWORD].iter().any(|secret| stored.contains(secret)));
}

#[test]
fn wrong_unknown_and_disabled_are_one_answer_and_lock_alike() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let off = api.account("off", "office", &["officer"]);
    let disable =
        api.json(&token("administrator"), "PATCH", &format!("/api/accounts/{off}"), Some(&json!({"disabled": true})));
    assert_eq!(disable.status, 200, "{}", disable.text);
    let shown = |answer: &Response| {
        let mut document = answer.json();
        document.as_object_mut().unwrap().remove("request_id");
        (answer.status, document, answer.header("www-authenticate").map(str::to_owned))
    };
    let expect = json!({"type": "/problems/sign-in", "title": "Sign in first", "status": 401,
        "detail": "the name or the password is wrong", "instance": "/api/sessions"});
    for (name, password) in [("nga", "wrong"), ("nobody", PASSWORD), ("off", PASSWORD)] {
        let before = api.event_count();
        for n in 1..=5 {
            let answer = api.try_sign_in(name, password);
            assert_eq!(shown(&answer), (401, expect.clone(), Some("Bearer realm=\"clearway\"".into())), "{name} {n}");
        }
        // For a name that is none there is nothing to find out later, and anybody could write into the trail for ever.
        let events = if name == "nobody" { 0 } else { 5 };
        assert_eq!(api.events(before), vec!["refuse_sign_in public session"; events], "{name}");
        let counted = "SELECT max(revision) FROM audit_events WHERE jurisdiction = 'access'";
        let revision = "SELECT revision FROM revisions WHERE jurisdiction = 'access'";
        assert_eq!(api.sql(counted), api.sql(revision), "{name}: nor is a revision used up");
        for password in ["wrong", PASSWORD] {
            let locked = api.try_sign_in(name, password);
            assert_eq!(locked.status, 429, "{name}");
            assert_eq!(locked.json()["detail"], "too many wrong passwords for this name; wait a while");
            let wait: u64 = locked.header("retry-after").unwrap().parse().unwrap();
            assert!((25..=30).contains(&wait), "{name} {wait}");
        }
        assert_eq!(api.events(before).len(), events, "what is not looked at is no event");
    }
    let events = "SELECT string_agg(coalesce(subject::text, '-'), ' ' ORDER BY revision) FROM audit_events
        WHERE deed = 'refuse_sign_in' AND detail->>'failures' = '5'";
    assert_eq!(api.sql(events), Some(format!("{id} {off}")));
    let names = "SELECT bool_and(length(name_digest) = 32) FROM sign_in_failures";
    assert_eq!(api.sql(names), Some("true".into()), "people type passwords where a name belongs");

    // The pause is over; one more wrong password doubles it, the right one ends it.
    let later = "UPDATE sign_in_failures SET last_at = last_at - interval '31 s'";
    run_sql(&api.database.url, later);
    assert_eq!(api.try_sign_in("nga", "wrong").status, 401);
    let wait: u64 = api.try_sign_in("nga", PASSWORD).header("retry-after").unwrap().parse().unwrap();
    assert!((55..=60).contains(&wait), "{wait}");
    run_sql(&api.database.url, "UPDATE sign_in_failures SET last_at = last_at - interval '61 s'");
    assert_eq!(api.try_sign_in("nga", PASSWORD).status, 201);
    assert_eq!(api.try_sign_in("nga", "wrong").status, 401, "all were forgotten");
    assert_eq!(api.sql("SELECT count(*) FROM sign_in_failures WHERE failures = 1"), Some("1".into()));
}

#[test]
fn a_name_that_can_be_none_is_that_of_nobody() {
    let api = Api::with_people();
    for name in ["", " ", "a\0b", "nga' OR '1'='1", "operator", "public", &"x".repeat(500), "Ngã"] {
        let answer = api.try_sign_in(name, PASSWORD);
        assert_eq!(answer.status, 401, "{name:?}: {}", answer.text);
    }
    assert_eq!(api.events(0), [""; 0]);
    assert_eq!(api.sql("SELECT sum(failures) FROM sign_in_failures"), Some("8".into()), "each is counted");
    let reports =
        audit::verify(&api.database.context(), &Actor::operator(), &Range::default(), audit::Kept::default()).unwrap();
    assert!(reports.iter().all(|(_, report)| report.faults.is_empty()));
}

#[test]
fn many_doors_at_once_are_no_more_guesses() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    for name in ["nga", "nobody"] {
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..12).map(|_| scope.spawn(|| api.try_sign_in(name, "wrong").status)).collect();
            all.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let count = |status| statuses.iter().filter(|s| **s == status).count();
        assert_eq!((count(401), count(429)), (5, 7), "{name}: {statuses:?}");
    }
}

#[test]
fn documents_are_read_strictly_and_no_secret_is_said_back() {
    let api = Api::new();
    let check = |path: &str, document: Json, expect: &[&str]| {
        let answer = api.json("", "POST", path, Some(&document));
        assert_eq!(
            (answer.status, answer.problems()),
            (422, expect.iter().map(|e| (*e).to_owned()).collect()),
            "{document}"
        );
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    };
    let known = "is not a member of this document; known are name, password, cookie";
    check(
        "/api/sessions",
        json!({"name": "a", "password": "b", "roles": ["administrator"], "a/b": 1}),
        &[&format!("/roles: {known}"), &format!("/a~1b: {known}")],
    );
    check("/api/sessions", json!({}), &["/name: is missing", "/password: is missing"]);
    check(
        "/api/sessions",
        json!({"name": ["hunter2"], "password": {"hunter2": 2}, "cookie": 1}),
        &["/name: is no text", "/password: is no text", "/cookie: is the number 1; true or false belongs here"],
    );
    check("/api/sessions/refresh", json!({"refresh_token": null}), &["/refresh_token: is missing"]);
    for (media, body, expect) in
        [("application/geo+json", "{}", 415), ("application/json", "{", 400), ("application/json", "", 400)]
    {
        let answer = api.server.send("POST", "/api/sessions", &[("Content-Type", media)], Some(body.as_bytes()));
        assert_eq!(answer.status, expect, "{media} {body}");
    }
    let long = format!("{{\"name\": \"{}\"}}", "x".repeat(70_000));
    let large =
        api.server.send("POST", "/api/sessions", &[("Content-Type", "application/json")], Some(long.as_bytes()));
    assert_eq!((large.status, large.json()["limit"].clone()), (413, json!("65536 bytes")));
    assert_eq!(api.events(0), [""; 0]);
}

#[test]
fn a_refresh_token_is_good_once_and_a_second_use_ends_everything() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let (first, refresh) = api.sign_in("nga");
    let (other, _) = api.sign_in("nga");
    let before = api.event_count();
    let exchange = |token: &str| api.json("", "POST", "/api/sessions/refresh", Some(&json!({"refresh_token": token})));
    let answer = exchange(&refresh);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text);
    let (second, next) = tokens(&answer);
    assert!(second != first && next != refresh);
    for bearer in [&first, &second, &other] {
        assert_eq!(who(&api, bearer).status, 200);
    }
    assert_eq!(exchange(&refresh).status, 401);
    for (bearer, expect) in [(&first, 401), (&second, 401), (&other, 200)] {
        assert_eq!(who(&api, bearer).status, expect);
    }
    let known = exchange(&next);
    assert_eq!(
        (known.status, known.json()["detail"].clone()),
        (401, json!("the refresh token is not known, or not any more; sign in"))
    );
    assert_eq!(exchange(&refresh).status, 401);
    assert_eq!(api.events(before), ["refresh nga session", "revoke nga session"]);
}

#[test]
fn what_has_expired_is_worth_nothing() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let past = |table: &str| format!("UPDATE {table} SET expires_at = now() - interval '1 s'");
    let exchange =
        |token: &str| api.json("", "POST", "/api/sessions/refresh", Some(&json!({"refresh_token": token}))).status;
    let (access, refresh) = api.sign_in("nga");
    run_sql(&api.database.url, &format!("{} WHERE expires_at < now() + interval '1 h'", past("session_credentials")));
    assert_eq!(who(&api, &access).status, 401);
    assert_eq!(exchange(&refresh), 200, "the access token ends before the session does");
    let (access, refresh) = api.sign_in("nga");
    run_sql(&api.database.url, &past("sessions"));
    assert_eq!((who(&api, &access).status, exchange(&refresh)), (401, 401));
    let (_, refresh) = api.sign_in("nga");
    assert_eq!(api.sql("SELECT count(*) FROM sessions"), Some("1".into()), "those that are over are swept away");
    run_sql(&api.database.url, &past("session_credentials"));
    assert_eq!(exchange(&refresh), 401);
}

#[test]
fn forged_and_misplaced_credentials_are_refused() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let (access, refresh) = api.sign_in("nga");
    let (cookie, _) = api.cookie("nga");
    let cookie = cookie.split_once('=').unwrap().1;
    let mut other = access.clone();
    other.replace_range(10..11, if &access[10..11] == "A" { "B" } else { "A" });
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbmlzdHJhdG9yIn0.";
    let short = &access[..46];
    for token in [
        other.as_str(),
        &refresh,
        cookie,
        none,
        short,
        "cwt_",
        "x",
        &format!("cwa_{}", "A".repeat(43)),
        &access.to_uppercase(),
    ] {
        for path in [WHO, "/health/ready", WORKS] {
            let answer = api.json(token, "GET", path, None);
            assert_eq!(answer.status, 401, "{token} {path}: never taken for none");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"clearway\""));
            assert!(!answer.text.contains(token) || token == "x", "{}", answer.text);
        }
    }
    for header in ["Basic bmdhOng=", "Bearer", &format!("Bearer {access}, Bearer {access}")] {
        assert_eq!(api.server.send("GET", WHO, &[("Authorization", header)], None).status, 401, "{header}");
    }
    let twice =
        [("Authorization", format!("Bearer {access}")), ("Authorization", format!("Bearer {}", token("officer")))];
    let twice: Vec<(&str, &str)> = twice.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(api.server.send("GET", WHO, &twice, None).status, 401);
    for given in [&access, &cookie.to_owned(), &"cwr_x".to_owned()] {
        let answer = api.json("", "POST", "/api/sessions/refresh", Some(&json!({"refresh_token": given})));
        assert_eq!(answer.status, 401, "{given}");
    }
    assert_eq!(who(&api, &access).status, 200);
}

#[test]
fn signing_out_ends_the_session_and_no_other() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let ((mine, refresh), (other, _)) = (api.sign_in("nga"), api.sign_in("nga"));
    assert_eq!((who(&api, &mine).status, who(&api, &other).status), (200, 200));
    let before = api.event_count();
    assert_eq!(api.json(&mine, "DELETE", "/api/sessions/current", None).status, 204);
    assert_eq!((who(&api, &mine).status, who(&api, &other).status), (401, 200));
    assert_eq!(api.json("", "POST", "/api/sessions/refresh", Some(&json!({"refresh_token": refresh}))).status, 401);
    assert_eq!(api.json(&mine, "DELETE", "/api/sessions/current", None).status, 401);
    assert_eq!(
        api.json(&token("officer"), "DELETE", "/api/sessions/current", None).status,
        404,
        "a configured token has none"
    );
    assert_eq!(api.events(before), ["sign_out nga session"]);
}

#[test]
fn a_cookie_lets_a_page_of_ours_in_and_no_other() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let wish = json!({"name": "nga", "password": PASSWORD, "cookie": true});
    let answer = api.json("", "POST", "/api/sessions", Some(&wish));
    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with("clearway_session=cws_"), "{set}");
    assert!(set.contains("; Path=/; Max-Age=431") || set.contains("; Path=/; Max-Age=43200"), "{set}");
    assert!(set.ends_with("; HttpOnly; SameSite=Strict"), "{set}");
    assert_eq!(answer.json().as_object().unwrap().len(), 2, "no token for scripts to steal: {}", answer.text);
    // Behind a proxy that speaks TLS, if it is one that is believed.
    let mut settings = api.database.settings();
    settings.trusted_proxies = vec!["127.0.0.1".into()];
    let behind = TestServer::with(settings);
    let over_tls =
        [("Content-Type", "application/json"), ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https")];
    let secure = behind.send("POST", "/api/sessions", &over_tls, Some(wish.to_string().as_bytes()));
    let plain = api.server.send("POST", "/api/sessions", &over_tls, Some(wish.to_string().as_bytes()));
    assert!(!plain.header("set-cookie").unwrap().contains("Secure"));
    let set = secure.header("set-cookie").unwrap();
    assert!(set.ends_with("; Secure") && set.starts_with("__Host-clearway_session=cws_"), "{set}");
    let of_us = set.split(';').next().unwrap();
    let of_another_host = of_us.strip_prefix("__Host-").unwrap();
    for (cookie, expect) in [(of_us, 200), (of_another_host, 401)] {
        let headers = [("Cookie", cookie), over_tls[1], over_tls[2]];
        assert_eq!(behind.send("GET", WHO, &headers, None).status, expect, "{cookie}");
    }

    let (cookie, csrf) = api.cookie("nga");
    let (_, of_another) = api.cookie("nga");
    let me = api.server.send("GET", WHO, &[("Cookie", &cookie)], None);
    assert_eq!(
        (me.status, me.json()["via"].clone(), me.json()["csrf_token"].clone()),
        (200, json!("cookie"), json!(csrf))
    );
    let work = feature(point(0.0, 0.0), mast()).to_string();
    let ours = api.server.base.clone();
    let before = api.event_count();
    let table: &[(&[(&str, &str)], u16)] = &[
        (&[], 403),
        (&[("X-CSRF-Token", "")], 403),
        (&[("X-CSRF-Token", "wrong")], 403),
        (&[("X-CSRF-Token", &of_another)], 403),
        (&[("X-CSRF-Token", &csrf), ("Origin", "https://evil.example")], 403),
        (&[("X-CSRF-Token", &csrf), ("Origin", "null")], 403),
        (&[("X-CSRF-Token", &csrf), ("Origin", &ours)], 201),
        (&[("X-CSRF-Token", &csrf)], 201),
    ];
    for (more, expect) in table {
        let mut headers =
            vec![("Content-Type", "application/geo+json"), ("Content-Crs", "EPSG:9218"), ("Cookie", &cookie)];
        headers.extend(*more);
        let answer = api.server.send("POST", WORKS, &headers, Some(work.as_bytes()));
        assert_eq!(answer.status, *expect, "{more:?}: {}", answer.text);
    }
    let out = |more: &[(&str, &str)]| {
        let mut headers = vec![("Cookie", cookie.as_str())];
        headers.extend(more);
        api.server.send("DELETE", "/api/sessions/current", &headers, None)
    };
    assert_eq!(out(&[]).status, 403);
    let gone = out(&[("X-CSRF-Token", &csrf)]);
    assert_eq!(gone.status, 204, "{}", gone.text);
    let cleared = "clearway_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict";
    assert_eq!(gone.header("set-cookie"), Some(cleared));
    assert_eq!(api.events(before), ["sign_out nga session"]);

    // A browser goes on sending it: refused and taken away, but no hindrance to signing in.
    let stale = api.server.send("GET", WORKS, &[("Cookie", &cookie)], None);
    assert_eq!((stale.status, stale.header("set-cookie")), (401, Some(cleared)));
    let headers = [("Cookie", cookie.as_str()), ("Content-Type", "application/json")];
    assert_eq!(api.server.send("POST", "/api/sessions", &headers, Some(wish.to_string().as_bytes())).status, 201);
    let elsewhere = [("Origin", "https://evil.example"), ("Content-Type", "application/json")];
    let refused = api.server.send("POST", "/api/sessions", &elsewhere, Some(wish.to_string().as_bytes()));
    assert_eq!((refused.status, refused.header("set-cookie")), (403, None));
}

/// Whatever other origins may read, and though checks are open to all of them.
#[test]
fn pages_of_other_origins_get_no_credential_and_use_none() {
    for allowed in ["*", "https://map.example"] {
        let api = Api::with_people_and(|s| s.cors_origin = allowed.into());
        api.account("nga", "office", &["officer"]);
        let ((cookie, csrf), refresh) = (api.cookie("nga"), api.sign_in("nga").1);
        let before = api.event_count();
        let sign_in = |cookie: bool| json!({"name": "nga", "password": PASSWORD, "cookie": cookie});
        for origin in ["https://map.example", "https://evil.example", "null"] {
            let from = [("Origin", origin), ("Content-Type", "application/json")];
            let with_cookie = [&from[..], &[("Cookie", cookie.as_str()), ("X-CSRF-Token", &csrf)]].concat();
            for (method, path, headers, body, status) in [
                ("POST", "/api/sessions", &from[..], sign_in(false), 403),
                ("POST", "/api/sessions", &from, sign_in(true), 403),
                ("POST", "/api/sessions/refresh", &from, json!({"refresh_token": refresh}), 403),
                ("DELETE", "/api/sessions/current", &with_cookie, json!({}), 403),
                ("PUT", "/api/account/password", &with_cookie, json!({}), 403),
                ("POST", "/api/tokens", &with_cookie, json!({"name": "x"}), 403),
                // No browser gives a page what came by a cookie, unless it is told to; nor does it send a strict cookie.
                ("GET", WHO, &with_cookie, json!({}), 200),
            ] {
                let answer = api.server.send(method, path, headers, Some(body.to_string().as_bytes()));
                assert_eq!(answer.status, status, "{origin} {method} {path}: {}", answer.text);
                assert_eq!(answer.header("access-control-allow-credentials"), None, "{origin} {method} {path}");
                assert_eq!(answer.header("set-cookie"), None, "{origin} {method} {path}");
            }
        }
        assert_eq!(api.event_count(), before, "nothing was done");
        let ours = [("Origin", api.server.base.as_str()), ("Content-Type", "application/json")];
        let exchange = json!({"refresh_token": refresh}).to_string();
        let answer = api.server.send("POST", "/api/sessions/refresh", &ours, Some(exchange.as_bytes()));
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[test]
fn beside_a_header_a_cookie_says_nothing() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let (cookie, csrf) = api.cookie("nga");
    let bearer = format!("Bearer {}", token("carrier"));
    let both = [("Cookie", cookie.as_str()), ("Authorization", &bearer), ("X-CSRF-Token", &csrf)];
    let me = api.server.send("GET", WHO, &both, None).json();
    assert_eq!((&me["name"], me.get("csrf_token")), (&json!("carrier"), None));
    let wrong = [("Cookie", cookie.as_str()), ("Authorization", "Bearer wrong")];
    let refused = api.server.send("GET", WHO, &wrong, None);
    assert_eq!((refused.status, refused.header("set-cookie")), (401, None));
}

#[test]
fn another_password_ends_the_other_sessions() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let ((mine, _), (other, other_refresh)) = (api.sign_in("nga"), api.sign_in("nga"));
    let (cookie, _) = api.cookie("nga");
    let new = "another password, longer";
    let change = |bearer: &str, present: &str, new: &str| {
        api.json(bearer, "PUT", "/api/account/password", Some(&json!({"password": present, "new_password": new})))
    };
    let before = api.event_count();
    let short = change(&mine, PASSWORD, "short");
    assert_eq!(
        (short.status, short.problems()),
        (422, vec!["/new_password: has 5 characters; it must have 15 to 128".into()])
    );
    let wrong = change(&mine, "wrong", new);
    assert_eq!((wrong.status, wrong.problems()), (422, vec!["/password: is not your password".into()]));
    assert_eq!(change(&token("officer"), PASSWORD, new).status, 403, "a configured token has no password");
    assert_eq!(change(&mine, PASSWORD, new).status, 204);
    assert_eq!(api.events(before), ["refuse_sign_in nga password", "password nga account"]);
    assert_eq!((who(&api, &mine).status, who(&api, &other).status), (200, 401));
    assert_eq!(api.server.send("GET", WHO, &[("Cookie", &cookie)], None).status, 401);
    assert_eq!(
        api.json("", "POST", "/api/sessions/refresh", Some(&json!({"refresh_token": other_refresh}))).status,
        401
    );
    assert_eq!((api.try_sign_in("nga", PASSWORD).status, api.try_sign_in("nga", new).status), (401, 201));
    // A thief of a session cannot guess on: it locks as at the door.
    let tries: Vec<u16> = (0..6).map(|_| change(&mine, "wrong", "yet another password").status).collect();
    assert_eq!(tries, [422, 422, 422, 422, 422, 429]);
}

#[test]
fn another_instance_hears_of_it_at_once() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let other = TestServer::start(&api.database);
    let admin = token("administrator");
    let path = format!("/api/accounts/{id}");
    for (what, end) in [
        ("signed out", ("DELETE", "/api/sessions/current", None)),
        ("disabled", ("PATCH", path.as_str(), Some(json!({"disabled": true})))),
    ] {
        let (access, _) = api.sign_in("nga");
        assert_eq!(json_to(&other, &access, "GET", WHO, None).status, 200);
        let bearer = if end.0 == "DELETE" { &access } else { &admin };
        assert!(api.json(bearer, end.0, end.1, end.2.as_ref()).status < 300);
        assert_eq!(who(&api, &access).status, 401, "{what}: here it holds before the answer");
        let begun = Instant::now();
        let mut asked = 0;
        while json_to(&other, &access, "GET", WHO, None).status == 200 {
            asked += 1;
            // The time after which it would be forgotten without a word.
            assert!(begun.elapsed().as_secs() < 5, "{what}: never heard of");
        }
        println!(
            "{what}: another instance refuses after {:.0} ms, {asked} answers",
            begun.elapsed().as_secs_f64() * 1e3
        );
    }
}

#[test]
fn a_known_token_needs_no_database_and_an_outage_is_no_refusal() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let ((known, _), (unseen, _)) = (api.sign_in("nga"), api.sign_in("nga"));
    let check = |bearer: &str| {
        let header = format!("Bearer {bearer}");
        let headers =
            [("Content-Crs", "EPSG:9218"), ("Content-Type", "application/geo+json"), ("Authorization", &header)];
        api.server.send("POST", CHECKS, &headers, Some(point(0.0, 0.0).to_string().as_bytes()))
    };
    assert_eq!(check(&known).status, 200);
    api.database.allow_connections(false);
    assert_eq!(check(&known).status, 200);
    let unknown = check(&unseen);
    assert_eq!((unknown.status, unknown.header("retry-after").is_some()), (503, true), "{}", unknown.text);
    assert_eq!(check("wrong").status, 401, "what is none of ours needs no database either");
    api.database.allow_connections(true);
}

/// Nobody can say whether he was revoked meanwhile: that is in doubt as soon as the last word of it is old.
#[test]
fn whoever_is_answered_for_long_is_not_believed_while_the_database_is_away() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let (access, _) = api.sign_in("nga");
    let mut settings = api.database.settings();
    settings.pool_wait_ms = 300;
    let context = Context::connect(settings).unwrap();
    let identity = access::identify(&context, &access, CredentialKind::Access).unwrap().unwrap();
    let standing = Standing::new(context, identity, Some((access, CredentialKind::Access)));
    assert_eq!((standing.is_in_doubt(), standing.holds(), standing.is_in_doubt()), (true, Ok(()), false));
    api.database.allow_connections(false);
    assert_eq!(standing.holds(), Ok(()), "what was looked up a moment ago is good");
    until("doubt", || standing.is_in_doubt());
    assert!(matches!(standing.holds(), Err(Error::Busy { .. })));
    api.database.allow_connections(true);
    until("the database is back", || standing.holds().is_ok());
    assert!(!standing.is_in_doubt());
}
