//! Members of a document that are not the client's to set.

use serde_json::{Value as Json, json};

use super::ABSENT;
use crate::help::{Api, CORRIDORS, GRID, WORKS, feature, mast, merged, point, rect, road};
use crate::people::PASSWORD;
use crate::plan::ZONES;
use crate::site_request::{CaseOf, REQUESTS, column};

#[test]
fn members_that_are_not_the_client_s_to_set_are_not_set() {
    let api = Api::new();
    let given = ABSENT;
    for (role, items, table, base, shape) in [
        ("carrier", WORKS, "works", mast(), point(0.0, 0.0)),
        (
            "project_owner",
            CORRIDORS,
            "corridors",
            merged(json!({"status": "announced"}), &road()),
            rect(0.0, 0.0, 9.0, 9.0),
        ),
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

/// What a workflow leads is set by its events alone: how far a case or a plan has come, whose it is, and what it was given.
#[test]
fn nobody_sets_how_far_a_case_or_a_plan_has_come() {
    let api = crate::site_request_story::office();
    let led = [
        ("state", json!("approved")),
        ("receipt", json!("R-1")),
        ("due_on", json!("2099-01-01")),
        ("version", json!(9)),
        ("revision", json!(7)),
        ("recorded_at", json!("1999-01-01T00:00:00Z")),
        ("organisation", json!("vnpt")),
        ("jurisdiction", json!("VN-35")),
        ("case", json!({"permit": {"number": "1"}})),
        ("permit", json!({"number": "1", "from": "2026-01-01", "to": "2099-01-01"})),
        ("decision", json!({"number": "1/QD"})),
        ("check", json!(ABSENT)),
        ("work", json!(ABSENT)),
        ("allowed", json!(["approve"])),
    ];
    let rows = "SELECT string_agg(DISTINCT concat_ws(' ', state, organisation, jurisdiction, receipt, due_on,
        recorded_at > now() - interval '1 minute'), '; ') FROM site_requests";
    let refused = |member: &str, status: u16, text: &str| {
        assert!(matches!(status, 201 | 200 | 403 | 422), "{member}: {status} {text}");
        status >= 400
    };
    let case = CaseOf::bare(&api, (0.0, 0.0), column());
    for (member, value) in &led {
        let said = merged(json!({ *member: value }), &column());
        let made = api.on_grid("carrier", "POST", REQUESTS, &feature(point(5.0, 5.0), said));
        refused(member, made.status, &made.text);
        let now = api.server.get("carrier", &case.path());
        let tag = now.header("etag").unwrap().to_owned();
        let headers =
            [("Content-Type", "application/merge-patch+json"), ("If-Match", tag.as_str()), ("Content-Crs", GRID)];
        let body = json!({"properties": {*member: value}});
        let patched = api.send("carrier", "PATCH", &case.path(), &headers, Some(&body));
        let version: i64 =
            api.sql(&format!("SELECT version FROM site_requests WHERE id = '{}'", case.id)).unwrap().parse().unwrap();
        let before: i64 = now.json()["properties"]["version"].as_i64().unwrap();
        let raised = i64::from(!refused(member, patched.status, &patched.text));
        assert_eq!(version, before + raised, "{member}: {}", patched.text);
        assert_eq!(api.sql(rows), Some("draft viettel VN-72 t".into()), "{member}");
    }
    let plan = api.plan("QH-M", 1);
    let zone = api.sql("SELECT id FROM zones").unwrap();
    let rows = "SELECT concat_ws(' ', p.state, p.organisation, p.number, p.version, p.published_on, p.decision_number, z.plan = p.id, z.version)
        FROM plans AS p, zones AS z WHERE z.plan = p.id";
    let stands = api.sql(rows).unwrap();
    assert!(stands.starts_with("draft office 1 "), "{stands}");
    for (member, value) in
        led.iter().chain(&[("number", json!(7)), ("published_on", json!("2026-01-01")), ("plan", json!(ABSENT))])
    {
        let made =
            api.json_as("officer", "POST", "/api/plans", None, &json!({"code": format!("M-{member}"), *member: value}));
        if !refused(member, made.status, &made.text) {
            let state =
                format!("SELECT concat_ws(' ', state, organisation, number) FROM plans WHERE code = 'M-{member}'");
            assert_eq!(api.sql(&state), Some("draft office 1".into()), "{member}");
        }
        let path = format!("{ZONES}/{zone}");
        let before = api.sql(rows).unwrap();
        let patched = api.on_grid("officer", "PATCH", &path, &json!({"properties": {*member: value}}));
        assert!(
            matches!(patched.status, 200 | 403 | 404 | 409 | 412 | 422 | 428),
            "{member}: {} {}",
            patched.status,
            patched.text
        );
        let now = api.sql(rows).unwrap();
        assert!(now == before || patched.status == 200, "{member}: {now}");
        assert!(now.starts_with("draft office 1 "), "{member}: {now}");
    }
    assert_eq!(api.sql(&format!("SELECT count(*) FROM zones WHERE plan = '{plan}'")), Some("1".into()));
    assert_eq!(api.sql("SELECT count(*) FROM plans WHERE state <> 'draft'"), Some("0".into()));
}
