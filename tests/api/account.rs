//! Accounts: who keeps them, where, and what happens to those who are signed in.

use std::thread;

use diesel::connection::SimpleConnection;
use serde_json::{Value as Json, json};

use crate::help::{Api, WORKS, feature, mast, point, sql};
use crate::operation::until;
use crate::outage::waiting;
use crate::people::{PASSWORD, admin};
use crate::support::{Response, run_sql, token};

const ACCOUNTS: &str = "/api/accounts";

#[test]
fn an_account_is_made_read_and_changed() {
    let api = Api::with_people();
    let new =
        json!({"name": "nga", "organisation": "office", "roles": ["officer", "planner"], "jurisdictions": ["VN-72"]});
    let made = api.json(&admin(), "POST", ACCOUNTS, Some(&new));
    assert_eq!(
        (made.status, made.header("etag"), made.header("cache-control")),
        (201, Some("\"1\""), Some("no-store"))
    );
    let mut document = made.json();
    let password = document.as_object_mut().unwrap().remove("password").unwrap();
    let path = format!("{ACCOUNTS}/{}", document["id"].as_str().unwrap());
    assert_eq!(made.header("location"), Some(format!("{}{path}", api.server.base).as_str()));
    assert_eq!(
        document,
        json!({"id": document["id"], "name": "nga", "organisation": "office", "roles": ["officer", "planner"],
            "jurisdictions": ["VN-72"], "disabled": false, "email": null, "language": "vi", "mail": false, "version": 1, "recorded_at": document["recorded_at"]})
    );
    assert_eq!(api.json(&admin(), "GET", &path, None).json(), document, "the password was shown once");
    assert_eq!(api.json(&admin(), "GET", ACCOUNTS, None).json(), json!({"accounts": [document], "next": null}));
    assert_eq!(api.try_sign_in("nga", password.as_str().unwrap()).status, 201);

    let patch = |tag: &str, change: Json| {
        let bearer = format!("Bearer {}", admin());
        let headers =
            [("Authorization", bearer.as_str()), ("Content-Type", "application/merge-patch+json"), ("If-Match", tag)];
        api.server.send("PATCH", &path, &headers, Some(change.to_string().as_bytes()))
    };
    let before = api.event_count();
    let changed = patch("\"1\"", json!({"organisation": "viettel", "roles": ["carrier"], "jurisdictions": null}));
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.text);
    assert_eq!((&changed.json()["roles"], &changed.json()["jurisdictions"]), (&json!(["carrier"]), &Json::Null));
    assert_eq!(patch("\"1\"", json!({"roles": ["officer"]})).status, 412);
    assert_eq!(api.events(before), ["replace administrator account"]);
    let event = api.sql("SELECT detail FROM audit_events WHERE deed = 'replace'").unwrap();
    assert!(event.contains("\"roles\": \"carrier\"") && event.contains("\"jurisdictions\": \"all\""), "{event}");
    let all = api.sql("SELECT string_agg(e::text, '') FROM audit_events AS e").unwrap();
    assert!(!all.contains(password.as_str().unwrap()) && !all.contains("argon2"));
}

#[test]
fn lists_go_on_where_a_page_ends() {
    let api = Api::with_people();
    let ids: Vec<String> = ["a", "b", "c"].iter().map(|name| api.account(name, "office", &["officer"])).collect();
    let mut path = format!("{ACCOUNTS}?limit=2");
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = api.json(&admin(), "GET", &path, None).json();
        seen.extend(page["accounts"].as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = next.strip_prefix(&api.server.base).unwrap().to_owned();
    }
    assert_eq!(seen, ids);
}

#[test]
fn wrong_documents_are_refused_with_every_problem() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let path = format!("{ACCOUNTS}/{id}");
    let before = api.event_count();
    let check = |method: &str, path: &str, document: Json, status: u16, expect: &[&str]| {
        let answer = api.json(&admin(), method, path, Some(&document));
        let problems = answer.problems();
        assert_eq!(answer.status, status, "{document}: {}", answer.text);
        let pointers: Vec<&str> = problems.iter().map(|p| p.split(':').next().unwrap()).collect();
        assert_eq!(pointers, expect, "{problems:?}");
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    };
    let new = |more: Json| {
        let mut all = json!({"name": "an", "organisation": "office", "roles": ["officer"]});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    // Nobody sets what is not his to set.
    for member in ["id", "version", "disabled", "recorded_at", "failures", "password_hash"] {
        check("POST", ACCOUNTS, new(json!({member: 1})), 422, &[&format!("/{member}")]);
    }
    for member in ["id", "name", "version", "recorded_at"] {
        check("PATCH", &path, json!({member: 1}), 422, &[&format!("/{member}")]);
    }
    check("POST", ACCOUNTS, json!({}), 422, &["/name", "/organisation", "/roles"]);
    check("POST", ACCOUNTS, new(json!({"roles": []})), 422, &["/roles"]);
    check("POST", ACCOUNTS, new(json!({"roles": ["officer", "king"]})), 422, &["/roles/1"]);
    check("POST", ACCOUNTS, new(json!({"name": "operator", "password": "hunter2"})), 422, &["/name", "/password"]);
    check("POST", ACCOUNTS, new(json!({"password": ["hunter2"]})), 422, &["/password"]);
    check("POST", ACCOUNTS, new(json!({"organisation": "nobody"})), 422, &["/organisation"]);
    check(
        "POST",
        ACCOUNTS,
        new(json!({"jurisdictions": ["VN-72", "VN-99", "access"]})),
        422,
        &["/jurisdictions/1", "/jurisdictions/2"],
    );
    check("POST", ACCOUNTS, new(json!({"name": "nga"})), 409, &[]);
    check("PATCH", &path, json!({"roles": []}), 422, &["/roles"]);
    check("PATCH", &path, json!({"password": "hunter2"}), 422, &["/password"]);
    check("PATCH", &path, json!({"organisation": "nobody"}), 422, &["/organisation"]);
    check("PATCH", "/api/accounts/00000000-0000-0000-0000-000000000000", json!({}), 404, &[]);
    check("PATCH", "/api/accounts/nga", json!({}), 404, &[]);
    assert_eq!(api.event_count(), before);
}

/// Rights end where those of the giver end, and nobody but an administrator gives any.
#[test]
fn nobody_gives_rights_that_he_has_not() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let path = format!("{ACCOUNTS}/{id}");
    let new = json!({"name": "an", "organisation": "office", "roles": ["officer"]});
    for role in ["officer", "planner", "approver", "carrier", "project_owner", "consultee", "inspector", "auditor"] {
        for (method, path, body) in [
            ("GET", ACCOUNTS, None),
            ("POST", ACCOUNTS, Some(&new)),
            ("GET", path.as_str(), None),
            ("PATCH", &path, Some(&json!({"roles": ["administrator"]}))),
        ] {
            assert_eq!(api.json(&token(role), method, path, body).status, 403, "{role} {method} {path}");
            assert_eq!(api.json("", method, path, body).status, 401, "{method} {path}");
        }
    }
    // An administrator of one jurisdiction.
    let local = json!({"name": "local", "organisation": "office", "roles": ["administrator"], "jurisdictions": ["VN-72"],
        "password": PASSWORD});
    assert_eq!(api.json(&admin(), "POST", ACCOUNTS, Some(&local)).status, 201);
    let (bearer, _) = api.sign_in("local");
    let status = |method: &str, path: &str, body: Json| api.json(&bearer, method, path, Some(&body)).status;
    let with = |jurisdictions: Json| json!({"name": "an", "organisation": "office", "roles": ["officer"], "jurisdictions": jurisdictions});
    assert_eq!(status("POST", ACCOUNTS, with(Json::Null)), 403);
    assert_eq!(status("POST", ACCOUNTS, with(json!(["VN-72", "VN-35"]))), 403);
    let an = api.json(&bearer, "POST", ACCOUNTS, Some(&with(json!(["VN-72"]))));
    assert_eq!(an.status, 201, "{}", an.text);
    let an = format!("{ACCOUNTS}/{}", an.json()["id"].as_str().unwrap());
    assert_eq!(status("PATCH", &an, json!({"jurisdictions": null})), 403);
    assert_eq!(status("PATCH", &an, json!({"disabled": true})), 200);
    assert_eq!(api.json(&bearer, "GET", &path, None).status, 404, "of all jurisdictions, so not his to know");
    assert_eq!(status("PATCH", &path, json!({"disabled": true})), 404);
    // What belongs to the own organisation is seen everywhere, so he keeps accounts of no other: neither his own nor new ones.
    let himself = api.json(&bearer, "GET", "/api/account", None).json()["id"].as_str().unwrap().to_owned();
    let himself = format!("{ACCOUNTS}/{himself}");
    let of_viettel = |name: &str| {
        json!({"name": name, "organisation": "viettel", "roles": ["carrier"], "jurisdictions": ["VN-72"],
        "password": PASSWORD})
    };
    let other = api.json(&admin(), "POST", ACCOUNTS, Some(&of_viettel("vi"))).json()["id"].as_str().unwrap().to_owned();
    let other_path = format!("{ACCOUNTS}/{other}");
    let (others, _) = api.sign_in("vi");
    let machine = api.json(&others, "POST", "/api/tokens", Some(&json!({"name": "machine"}))).json();
    let machine = format!("/api/tokens/{}", machine["id"].as_str().unwrap());
    let before = api.event_count();
    for (method, path, body, expect) in [
        ("PATCH", himself.as_str(), json!({"organisation": "viettel"}), 403),
        ("PATCH", &himself, json!({"jurisdictions": []}), 403),
        ("PATCH", &an, json!({"organisation": "viettel"}), 403),
        ("PATCH", &an, json!({"jurisdictions": []}), 403),
        ("POST", ACCOUNTS, of_viettel("spy"), 403),
        ("POST", ACCOUNTS, with(json!([])), 403),
        ("GET", &other_path, Json::Null, 404),
        ("PATCH", &other_path, json!({"password": "chosen by somebody else"}), 404),
        ("PATCH", &other_path, json!({"organisation": "office"}), 404),
        ("DELETE", &machine, Json::Null, 404),
    ] {
        assert_eq!(status(method, path, body.clone()), expect, "{method} {path} {body}");
    }
    assert_eq!(api.event_count(), before);
    let nowhere = json!({"name": "nowhere", "organisation": "office", "roles": ["officer"], "jurisdictions": []});
    assert_eq!(api.json(&admin(), "POST", ACCOUNTS, Some(&nowhere)).status, 201, "the administrator of all may");
    let listed = api.json(&bearer, "GET", ACCOUNTS, None).json();
    let names: Vec<&str> = listed["accounts"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["local", "an"]);
}

#[test]
fn a_change_holds_at_once_for_who_is_signed_in() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let (access, refresh) = api.sign_in("nga");
    let patch = |change: Json| {
        let answer = api.json(&admin(), "PATCH", &format!("{ACCOUNTS}/{id}"), Some(&change));
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    let create = || -> Response {
        let header = format!("Bearer {access}");
        let headers = [
            ("Authorization", header.as_str()),
            ("Content-Type", "application/geo+json"),
            ("Content-Crs", "EPSG:9218"),
        ];
        api.server.send("POST", WORKS, &headers, Some(feature(point(0.0, 0.0), mast()).to_string().as_bytes()))
    };
    assert_eq!(create().status, 201);
    patch(json!({"roles": ["auditor"]}));
    assert_eq!(create().status, 403);
    patch(json!({"roles": ["officer"], "jurisdictions": []}));
    assert_eq!(create().status, 403);
    patch(json!({"jurisdictions": ["VN-72"]}));
    assert_eq!(create().status, 201);
    patch(json!({"disabled": true}));
    assert_eq!(create().status, 401);
    assert_eq!(api.try_sign_in("nga", PASSWORD).status, 401);
    patch(json!({"disabled": false}));
    assert_eq!(create().status, 401, "what was ended stays ended");
    let exchange = json!({"refresh_token": refresh});
    assert_eq!(api.json("", "POST", "/api/sessions/refresh", Some(&exchange)).status, 401);
    let (access, _) = api.sign_in("nga");
    let machine = |name: &str| {
        let made = api.json(&access, "POST", "/api/tokens", Some(&json!({"name": name}))).json();
        made["token"].as_str().unwrap().to_owned()
    };
    let machines = [machine("a"), machine("b")];
    let worth = |token: &String| api.json(token, "GET", "/api/account", None).status;
    assert_eq!(machines.each_ref().map(worth), [200; 2]);
    let before = api.event_count();
    patch(json!({"password": "chosen by an administrator"}));
    assert_eq!(worth(&access), 401);
    assert_eq!(machines.each_ref().map(worth), [401; 2], "whoever knew the password may have made one");
    assert_eq!(api.events(before), ["replace administrator account"]);
    let told = "SELECT concat_ws(' ', detail->>'sessions_ended', detail->>'api_tokens_revoked') FROM audit_events
        WHERE jurisdiction = 'access' ORDER BY revision DESC LIMIT 1";
    assert_eq!(api.sql(told), Some("1 2".into()));
    assert_eq!(api.try_sign_in("nga", PASSWORD).status, 401);
    assert_eq!(api.try_sign_in("nga", "chosen by an administrator").status, 201);
}

/// Whatever takes it away: nobody but an administrator of all jurisdictions could make another one.
#[test]
fn the_last_administrator_stays() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["administrator", "officer"]);
    let local = json!({"name": "local", "organisation": "office", "roles": ["administrator"],
        "jurisdictions": ["VN-72"], "password": PASSWORD});
    assert_eq!(api.json(&admin(), "POST", ACCOUNTS, Some(&local)).status, 201);
    let off = api.account("off", "office", &["administrator"]);
    let patch =
        |bearer: &str, id: &str, change: Json| api.json(bearer, "PATCH", &format!("{ACCOUNTS}/{id}"), Some(&change));
    assert_eq!(patch(&admin(), &off, json!({"disabled": true})).status, 200, "there is nga");
    let nga = api.sign_in("nga").0;
    let before = api.event_count();
    let ends = [
        json!({"disabled": true}),
        json!({"roles": ["officer"]}),
        json!({"jurisdictions": ["VN-72"]}),
        json!({"jurisdictions": []}),
        json!({"roles": ["administrator"], "disabled": true, "password": "another password, longer"}),
    ];
    for change in &ends {
        for bearer in [&admin(), &nga] {
            let refused = patch(bearer, &id, change.clone());
            let problem = refused.json();
            assert_eq!((refused.status, &problem["type"]), (409, &json!("/problems/still-needed")), "{change}");
            let detail = "nga is the last administrator of all jurisdictions who may sign in; make another one first";
            assert_eq!(problem["detail"], detail);
        }
    }
    assert_eq!(api.event_count(), before);
    assert_eq!(patch(&nga, &id, json!({"roles": ["administrator"]})).status, 200, "he remains one");
    assert_eq!(patch(&nga, &off, json!({"disabled": false})).status, 200);
    for change in ends {
        assert_eq!(patch(&admin(), &id, change.clone()).status, 200, "there is another: {change}");
        let again = json!({"disabled": false, "roles": ["administrator"], "jurisdictions": null});
        assert_eq!(patch(&admin(), &id, again).status, 200);
    }
}

/// Both changes were let in while there were two: at once by a third, and by each other, of whom the second is none any more
/// when his turn comes.
#[test]
fn two_administrators_are_not_ended_at_once() {
    for change in [json!({"disabled": true}), json!({"roles": ["auditor"]}), json!({"jurisdictions": ["VN-72"]})] {
        for (by_each_other, expect) in [(false, [200, 409]), (true, [200, 401])] {
            let api = &Api::with_people();
            let [nga, binh] = ["nga", "binh"].map(|name| {
                let id = api.account(name, "office", &["administrator"]);
                (id, if by_each_other { api.sign_in(name).0 } else { admin() })
            });
            let mut holder = api.database.connect();
            holder.batch_execute("BEGIN").unwrap();
            let held = "SELECT revision FROM revisions WHERE jurisdiction = 'access' FOR UPDATE";
            assert!(sql(&mut holder, held).is_some());
            let change = &change;
            let mut statuses = thread::scope(|scope| {
                let ends = [(&nga, &binh), (&binh, &nga)].map(|((_, bearer), (other, _))| {
                    scope.spawn(move || api.json(bearer, "PATCH", &format!("{ACCOUNTS}/{other}"), Some(change)).status)
                });
                until("both wait for the chain of access", || waiting(api) == 2);
                holder.batch_execute("COMMIT").unwrap();
                ends.map(|end| end.join().unwrap())
            });
            statuses.sort_unstable();
            assert_eq!(statuses, expect, "{change}");
            let left = "SELECT count(*) FROM accounts WHERE NOT disabled AND jurisdictions IS NULL AND roles = '{administrator}'";
            assert_eq!(api.sql(left), Some("1".into()), "{change}");
        }
    }
}

/// In a database that somebody wrote to by hand.
#[test]
fn an_account_without_roles_is_nobody_and_not_the_public() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let (access, _) = api.sign_in("nga");
    run_sql(
        &api.database.url,
        &format!(
            "ALTER TABLE accounts DROP CONSTRAINT accounts_roles_some; UPDATE accounts SET roles = '{{}}' WHERE id = '{id}'"
        ),
    );
    assert_eq!(api.json(&access, "GET", WORKS, None).status, 401);
}
