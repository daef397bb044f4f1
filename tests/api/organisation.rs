//! Organisations: who keeps them, and what is refused.

use serde_json::json;

use crate::help::Api;
use crate::people::admin;
use crate::support::token;

const ORGANISATIONS: &str = "/api/organisations";

#[test]
fn an_administrator_keeps_organisations() {
    let api = Api::new();
    let board = json!({"code": "roads-board", "name": "Ban quản lý dự án", "kind": "project_owner"});
    let made = api.json(&admin(), "POST", ORGANISATIONS, Some(&board));
    assert_eq!((made.status, made.json()), (201, board.clone()));
    let again = api.json(&admin(), "POST", ORGANISATIONS, Some(&board));
    assert_eq!((again.status, again.json()["type"].clone()), (409, json!("/problems/taken")));
    let path = format!("{ORGANISATIONS}/roads-board");
    let changed = api.json(&admin(), "PATCH", &path, Some(&json!({"name": "Ban giao thông"})));
    assert_eq!(changed.json(), json!({"code": "roads-board", "name": "Ban giao thông", "kind": "project_owner"}));
    for code in ["nobody", "%00", "a%27", "..%2f..%2fetc", "%C3%A1"] {
        let path = format!("{ORGANISATIONS}/{code}");
        assert_eq!(api.json(&admin(), "PATCH", &path, Some(&json!({"name": "x"}))).status, 404, "{code}");
    }
    let listed = api.json(&token("carrier"), "GET", ORGANISATIONS, None);
    assert_eq!(listed.json(), json!({"organisations": [changed.json()]}));
    assert_eq!(api.events(0), ["create administrator organisation", "replace administrator organisation"]);
}

#[test]
fn nobody_else_does_and_wrong_ones_are_refused_whole() {
    let api = Api::new();
    let new = json!({"code": "a", "name": "A", "kind": "carrier"});
    for role in ["officer", "auditor", "carrier"] {
        assert_eq!(api.json(&token(role), "POST", ORGANISATIONS, Some(&new)).status, 403, "{role}");
        assert_eq!(api.json(&token(role), "PATCH", "/api/organisations/a", Some(&json!({}))).status, 403, "{role}");
    }
    assert_eq!(api.json("", "GET", ORGANISATIONS, None).status, 401);
    let check = |document, expect: &[&str]| {
        let answer = api.json(&admin(), "POST", ORGANISATIONS, Some(&document));
        assert_eq!((answer.status, answer.problems()), (422, expect.iter().map(|e| (*e).to_owned()).collect()));
    };
    check(
        json!({"code": "A", "name": "A", "kind": "carrier", "version": 3}),
        &["/version: is not a member of this document; known are code, name, kind"],
    );
    check(json!({}), &["/code: is missing", "/name: is missing", "/kind: is missing"]);
    check(
        json!({"code": "-", "name": "A", "kind": "carrier"}),
        &[
            "/code: must be 1 to 64 small letters a to z, digits, and - _ . @ between them, and begin with a letter or digit",
        ],
    );
    check(json!([]), &[": is an array; an object belongs here"]);
    assert_eq!(api.events(0), [""; 0]);
}
