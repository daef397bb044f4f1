//! API tokens: the access of machines, never more than that of their account.

use std::thread;

use diesel::connection::SimpleConnection;
use serde_json::{Value as Json, json};

use crate::help::{Api, WORKS, feature, mast, point};
use crate::operation::until;
use crate::outage::waiting;
use crate::people::admin;
use crate::support::{Response, run_sql, token};

const TOKENS: &str = "/api/tokens";

/// Makes a token; its secret and its id.
fn make(api: &Api, bearer: &str, wish: &Json) -> (String, String) {
    let made = api.json(bearer, "POST", TOKENS, Some(wish));
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")), "{}", made.text);
    let document = made.json();
    let text = |name: &str| document[name].as_str().unwrap().to_owned();
    (text("token"), text("id"))
}

fn create(api: &Api, bearer: &str) -> Response {
    let header = format!("Bearer {bearer}");
    let headers =
        [("Authorization", header.as_str()), ("Content-Type", "application/geo+json"), ("Content-Crs", "EPSG:9218")];
    api.server.send("POST", WORKS, &headers, Some(feature(point(0.0, 0.0), mast()).to_string().as_bytes()))
}

#[test]
fn a_token_is_shown_once_listed_without_its_secret_and_revoked() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    let (session, _) = api.sign_in("nga");
    let before = api.event_count();
    let (secret, id) = make(&api, &session, &json!({"name": "nightly import"}));
    assert!(secret.starts_with("cwt_") && secret.len() == 47);
    let listed = api.json(&session, "GET", TOKENS, None);
    assert!(!listed.text.contains(&secret[4..]));
    let entry = &listed.json()["tokens"][0];
    assert_eq!(
        *entry,
        json!({"id": id, "name": "nightly import", "roles": ["officer"], "jurisdictions": null,
            "created_at": entry["created_at"], "expires_at": entry["expires_at"]})
    );
    let me = api.json(&secret, "GET", "/api/account", None).json();
    assert_eq!(
        (&me["name"], &me["via"], &me["expires_at"]),
        (&json!("nga"), &json!("api_token"), &entry["expires_at"])
    );
    assert_eq!(create(&api, &secret).status, 201);
    assert_eq!(api.json(&secret, "GET", TOKENS, None).json(), listed.json());
    let stored = api.sql("SELECT string_agg(t::text, '') || (SELECT string_agg(e::text, '') FROM audit_events AS e) FROM api_tokens AS t");
    assert!(!stored.unwrap().contains(&secret[4..]));
    assert_eq!(api.json(&session, "DELETE", &format!("{TOKENS}/{id}"), None).status, 204);
    assert_eq!(create(&api, &secret).status, 401);
    assert_eq!(api.json(&session, "DELETE", &format!("{TOKENS}/{id}"), None).status, 404);
    assert_eq!(api.events(before), ["create nga api_token", "delete nga api_token"]);
}

#[test]
fn a_token_never_has_more_than_its_account_has_now() {
    let api = Api::with_people();
    api.account("binh", "office", &["administrator"]);
    let id = api.account("nga", "office", &["officer", "auditor"]);
    let (session, _) = api.sign_in("nga");
    let (officer, _) = make(&api, &session, &json!({"name": "a", "roles": ["officer"]}));
    let (auditor, _) = make(&api, &session, &json!({"name": "b", "roles": ["auditor"]}));
    let (here, _) = make(&api, &session, &json!({"name": "c", "jurisdictions": ["VN-72"]}));
    let (nowhere, _) = make(&api, &session, &json!({"name": "d", "jurisdictions": []}));
    let statuses = || [&officer, &auditor, &here, &nowhere].map(|t| create(&api, t).status);
    assert_eq!(statuses(), [201, 403, 201, 403]);
    let patch = |change: Json| {
        let answer = api.json(&admin(), "PATCH", &format!("/api/accounts/{id}"), Some(&change));
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    patch(json!({"roles": ["auditor"]}));
    assert_eq!(statuses(), [401, 403, 403, 403], "a token whose roles are all gone is worth nothing");
    patch(json!({"roles": ["officer", "administrator"]}));
    assert_eq!(statuses(), [201, 401, 201, 403], "nor more than it was given");
    let me = api.json(&here, "GET", "/api/account", None).json();
    assert_eq!((&me["roles"], &me["jurisdictions"]), (&json!(["officer"]), &json!(["VN-72"])));
    patch(json!({"jurisdictions": []}));
    assert_eq!(statuses(), [403, 401, 403, 403]);
    patch(json!({"jurisdictions": null}));
    assert_eq!(statuses(), [201, 401, 201, 403]);
    patch(json!({"disabled": true}));
    assert_eq!(statuses(), [401; 4]);
}

#[test]
fn nobody_asks_for_more_than_he_has() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let narrow = json!({"jurisdictions": ["VN-72"]});
    assert_eq!(api.json(&admin(), "PATCH", &format!("/api/accounts/{id}"), Some(&narrow)).status, 200);
    let (session, _) = api.sign_in("nga");
    let before = api.event_count();
    let check = |wish: Json, expect: &[&str]| {
        let answer = api.json(&session, "POST", TOKENS, Some(&wish));
        assert_eq!(answer.status, 422, "{wish}: {}", answer.text);
        let problems = answer.problems();
        let pointers: Vec<&str> = problems.iter().map(|p| p.split(':').next().unwrap()).collect();
        assert_eq!(pointers, expect, "{problems:?}");
    };
    check(json!({}), &["/name"]);
    check(json!({"name": "x", "account": "other", "token": "cwt_x"}), &["/account", "/token"]);
    check(json!({"name": "x", "roles": ["officer", "administrator"]}), &["/roles/1"]);
    check(json!({"name": "x", "roles": []}), &["/roles"]);
    check(json!({"name": "x", "jurisdictions": ["VN-72", "VN-35"]}), &["/jurisdictions/1"]);
    check(json!({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}), &["/expires_at"]);
    check(json!({"name": "x", "expires_at": "2999-01-01T00:00:00Z"}), &["/expires_at"]);
    check(json!({"name": "x", "expires_at": "soon"}), &["/expires_at"]);
    assert_eq!(api.event_count(), before);
    let (first, _) = make(&api, &session, &json!({"name": "x"}));
    let twice = api.json(&session, "POST", TOKENS, Some(&json!({"name": "x"})));
    assert_eq!((twice.status, twice.json()["type"].clone()), (409, json!("/problems/taken")));
    // A token makes no tokens, and a machine of the configuration has no account.
    assert_eq!(api.json(&first, "POST", TOKENS, Some(&json!({"name": "y"}))).status, 403);
    assert_eq!(api.json(&first, "DELETE", "/api/sessions/current", None).status, 404);
    for method in ["GET", "POST"] {
        assert_eq!(api.json(&token("officer"), method, TOKENS, Some(&json!({"name": "y"}))).status, 403);
    }
}

#[test]
fn an_expired_token_is_worth_nothing_and_nobody_revokes_those_of_others() {
    let api = Api::with_people();
    api.account("nga", "office", &["officer"]);
    api.account("binh", "office", &["officer"]);
    let ((nga, _), (binh, _)) = (api.sign_in("nga"), api.sign_in("binh"));
    let (old, _) = make(&api, &nga, &json!({"name": "old"}));
    run_sql(&api.database.url, "UPDATE api_tokens SET expires_at = now() - interval '1 s'");
    assert_eq!(create(&api, &old).status, 401);
    let (secret, id) = make(&api, &nga, &json!({"name": "new"}));
    let path = format!("{TOKENS}/{id}");
    let before = api.event_count();
    assert_eq!(api.json(&binh, "DELETE", &path, None).status, 404, "not 403: it is not his to know");
    assert_eq!(api.json(&binh, "GET", TOKENS, None).json(), json!({"tokens": []}));
    assert_eq!((create(&api, &secret).status, api.event_count()), (201, before));
    assert_eq!(api.json(&admin(), "DELETE", &path, None).status, 204);
    assert_eq!(create(&api, &secret).status, 401);
    assert_eq!(api.events(before), ["delete administrator api_token"]);
}

/// Somebody loses what he signed in with, or rights, after the door was passed and before the token is written.
#[test]
fn whoever_loses_what_he_has_meanwhile_gets_no_token() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let mut holder = api.database.connect();
    for loss in [
        "UPDATE sessions SET ended_at = now()",
        "UPDATE sessions SET expires_at = now() - interval '1 s'",
        "UPDATE accounts SET disabled = true",
        "UPDATE accounts SET roles = '{carrier}'",
        "UPDATE accounts SET jurisdictions = '{VN-35}'",
    ] {
        run_sql(
            &api.database.url,
            &format!(
                "UPDATE accounts SET disabled = false, roles = '{{officer}}', jurisdictions = NULL WHERE id = '{id}'"
            ),
        );
        let (session, _) = api.sign_in("nga");
        holder.batch_execute("BEGIN; UPDATE revisions SET revision = revision WHERE jurisdiction = 'access'").unwrap();
        let made = thread::scope(|scope| {
            let wish = json!({"name": "late", "roles": ["officer"], "jurisdictions": ["VN-72"]});
            let (api, session) = (&api, &session);
            let making = scope.spawn(move || api.json(session, "POST", TOKENS, Some(&wish)));
            until("the write waits for its turn", || waiting(api) == 1);
            holder.batch_execute(&format!("{loss}; COMMIT")).unwrap();
            making.join().unwrap()
        });
        assert_eq!(made.status, 401, "{loss}: {}", made.text);
    }
    assert_eq!(api.sql("SELECT count(*) FROM api_tokens"), Some("0".into()));
}
