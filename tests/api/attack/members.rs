//! Members of a document that are not the client's to set.

use serde_json::{Value as Json, json};

use super::ABSENT;
use crate::help::{Api, CORRIDORS, WORKS, feature, mast, merged, point, rect, road};
use crate::people::PASSWORD;

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
