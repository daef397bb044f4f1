//! Events of the chain `access` say what was there before and after, and whatever is changed behind the service's back is
//! named.

use clearway::actions::audit::{self, Range};
use clearway::domain::actor::Actor;
use serde_json::json;

use crate::help::Api;
use crate::people::{PASSWORD, admin};
use crate::support::run_sql;

/// What `verify-audit` finds in the chain.
fn faults(api: &Api) -> Vec<String> {
    let range = Range { chain: Some("access".into()), ..Range::default() };
    let reports = audit::verify(&api.database.context(), &Actor::operator(), &range, audit::Kept::default()).unwrap();
    reports.iter().flat_map(|(_, report)| &report.faults).map(ToString::to_string).collect()
}

/// An account with an API token and a session, after every kind of event; the ids of the account, the token and the session.
fn after_all_that_happens(api: &Api) -> [String; 3] {
    let (admin, id) = (admin(), api.account("nga", "office", &["officer"]));
    let account = format!("/api/accounts/{id}");
    let other = api.account("binh", "office", &["officer"]);
    let token = api.json(&api.sign_in("binh").0, "POST", "/api/tokens", Some(&json!({"name": "machine"})));
    assert_eq!(token.status, 201);
    let reset = json!({"password": "chosen by an administrator"});
    assert_eq!(api.json(&admin, "PATCH", &format!("/api/accounts/{other}"), Some(&reset)).status, 200);
    let ended = "SELECT string_agg(concat_ws(' ', what, after IS NOT NULL), ', ' ORDER BY what) FROM access_versions
        WHERE revision = (SELECT max(revision) FROM access_versions)";
    assert_eq!(api.sql(ended), Some("account t, api_token f, session t".into()), "a reset ends what there was");
    let organisation = json!({"code": "army", "name": "Army", "kind": "consultee"});
    assert_eq!(api.json(&admin, "POST", "/api/organisations", Some(&organisation)).status, 201);
    let other = json!({"name": "The army"});
    assert_eq!(api.json(&admin, "PATCH", "/api/organisations/army", Some(&other)).status, 200);
    let (first, _) = api.sign_in("nga");
    assert_eq!(api.json(&first, "DELETE", "/api/sessions/current", None).status, 204);
    assert_eq!(api.try_sign_in("nga", "not her password").status, 401);
    let (_, refresh) = api.sign_in("nga");
    let used = json!({"refresh_token": refresh});
    assert_eq!(api.json("", "POST", "/api/sessions/refresh", Some(&used)).status, 200);
    assert_eq!(api.json("", "POST", "/api/sessions/refresh", Some(&used)).status, 401, "the session is revoked");
    let (bearer, _) = api.sign_in("nga");
    let new = json!({"password": PASSWORD, "new_password": "another password of the tests"});
    api.cookie("nga");
    assert_eq!(api.json(&bearer, "PUT", "/api/account/password", Some(&new)).status, 204, "another session is ended");
    assert_eq!(api.json(&admin, "PATCH", &account, Some(&json!({"jurisdictions": ["VN-72"]}))).status, 200);
    let made = |name: &str| {
        let made = api.json(&bearer_of(api), "POST", "/api/tokens", Some(&json!({"name": name}))).json();
        made["id"].as_str().unwrap().to_owned()
    };
    let (token, gone) = (made("machine"), made("another"));
    assert_eq!(api.json(&bearer_of(api), "DELETE", &format!("/api/tokens/{gone}"), None).status, 204);
    let session = api.sql("SELECT id FROM sessions WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1").unwrap();
    [id, token, session]
}

fn bearer_of(api: &Api) -> String {
    let answer = api.try_sign_in("nga", "another password of the tests");
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn whatever_is_changed_behind_the_service_is_named() {
    let api = Api::with_people();
    let [nga, token, session] = after_all_that_happens(&api);
    assert_eq!(faults(&api), [""; 0]);
    let says = api.sql(
        "SELECT string_agg(concat_ws(' ', deed, what, before, after), ', ' ORDER BY deed, what, before, after) FROM (
             SELECT DISTINCT deed, detail->>'what' AS what, before IS NOT NULL AS before, after IS NOT NULL AS after
             FROM audit_events WHERE jurisdiction = 'access') AS e",
    );
    let expect = [
        "create account f t",
        "create api_token f t",
        "create organisation f t",
        "delete api_token t f",
        "password account t t",
        "refresh session t t",
        "refuse_sign_in session f f",
        "replace account t t",
        "replace organisation t t",
        "revoke session t t",
        "sign_in session f t",
        "sign_out session t t",
    ];
    assert_eq!(says.unwrap(), expect.join(", "), "a wrong password changes no account");

    let last = |key: &str| api.sql(&format!("SELECT max(revision) FROM access_versions WHERE key = '{key}'")).unwrap();
    let account = format!("the account nga ({nga}) was changed without an event after revision {}", last(&nga));
    let of_token = |what: &str| {
        format!("the api token machine of nga ({token}) was {what} without an event after revision {}", last(&token))
    };
    let of_session =
        format!("the session of nga ({session}) was changed without an event after revision {}", last(&session));
    let ended = api.sql("SELECT id FROM sessions WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1").unwrap();
    let of_ended = format!("the session of nga ({ended}) was changed without an event after revision {}", last(&ended));
    let spy = "01920000-0000-7000-8000-000000000001";
    let cases: Vec<(String, Vec<String>)> = vec![
        ("UPDATE accounts SET roles = '{administrator}' WHERE name = 'nga'".into(), vec![account.clone()]),
        ("UPDATE accounts SET disabled = true WHERE name = 'nga'".into(), vec![account.clone()]),
        ("UPDATE accounts SET jurisdictions = NULL WHERE name = 'nga'".into(), vec![account.clone()]),
        ("UPDATE accounts SET password = '$argon2id$x' WHERE name = 'nga'".into(), vec![account.clone()]),
        ("UPDATE api_tokens SET roles = '{administrator}'".into(), vec![of_token("changed")]),
        ("UPDATE api_tokens SET expires_at = expires_at + interval '1 us'".into(), vec![of_token("changed")]),
        ("DELETE FROM api_tokens".into(), vec![of_token("deleted").replace(&format!("machine of nga ({token})"), &token)]),
        (
            "UPDATE organisations SET kind = 'office' WHERE code = 'army'".into(),
            vec![format!("the organisation army was changed without an event after revision {}", last("army"))],
        ),
        (
            "UPDATE organisations SET kind = 'office' WHERE code = 'viettel'".into(),
            vec!["the organisation viettel was changed without an event after revision 0".into()],
        ),
        (format!("UPDATE sessions SET ended_at = NULL WHERE id = '{ended}'"), vec![of_ended]),
        (
            format!("UPDATE session_credentials SET expires_at = 'infinity' WHERE session = '{session}'"),
            vec![of_session.clone()],
        ),
        (
            format!("INSERT INTO session_credentials VALUES (sha256('cwa_mine'), '{session}', 'infinity')"),
            vec![of_session],
        ),
        (
            format!(
                "INSERT INTO accounts SELECT '{spy}', 'spy', organisation, '{{administrator}}', NULL, password, false, 1, now()
                 FROM accounts WHERE name = 'nga'"
            ),
            vec![format!("the account spy ({spy}) was added without an event")],
        ),
        // With what says so made to fit: then the event does not.
        (
            format!(
                "UPDATE accounts SET roles = '{{administrator}}' WHERE name = 'nga';
                 UPDATE access_versions SET after = access_digest(what, key) WHERE key = '{nga}' AND revision = {}",
                last(&nga)
            ),
            vec![format!("what revision {} stored was changed without an event", last(&nga))],
        ),
    ];
    for (sql, expect) in cases {
        run_sql(&api.database.url, "CREATE SCHEMA kept");
        for table in TABLES {
            run_sql(&api.database.url, &format!("CREATE TABLE kept.{table} AS TABLE {table}"));
        }
        run_sql(&api.database.url, &format!("SET session_replication_role = replica; {sql}"));
        assert_eq!(faults(&api), expect, "{sql}");
        for table in TABLES {
            let back = format!(
                "SET session_replication_role = replica; DELETE FROM {table}; INSERT INTO {table} TABLE kept.{table}"
            );
            run_sql(&api.database.url, &back);
        }
        run_sql(&api.database.url, "DROP SCHEMA kept CASCADE");
    }
    assert_eq!(faults(&api), [""; 0], "everything is as it was");

    // A write that comes later does not make it good.
    run_sql(&api.database.url, "UPDATE accounts SET roles = '{administrator}' WHERE name = 'nga'");
    let before = last(&nga);
    let patch = json!({"jurisdictions": null});
    assert_eq!(api.json(&admin(), "PATCH", &format!("/api/accounts/{nga}"), Some(&patch)).status, 200);
    let after = last(&nga);
    assert_ne!(before, after);
    let between =
        format!("the account nga ({nga}) was changed without an event between revisions {before} and {after}");
    assert_eq!(faults(&api), [between]);
}

const TABLES: &[&str] =
    &["organisations", "accounts", "sessions", "session_credentials", "api_tokens", "access_versions"];
