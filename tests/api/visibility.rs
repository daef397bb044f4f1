//! What somebody may not see is absent alike from lists, features, checks, counts and maps.

use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, CORRIDORS, WORKS, mast, merged, point, rect, road};

const GEOJSON: &str = "application/geo+json";

/// Four works of Viettel, four corridors of the roads board: one of each visibility, all at the same place.
fn populated() -> (Api, Vec<(String, String)>) {
    let api = Api::new();
    let mut ids = Vec::new();
    for visibility in ["public", "carriers", "government", "restricted"] {
        let more = |letter: &str| json!({"visibility": visibility, "code": format!("{letter}-{visibility}")});
        api.add(WORKS, point(5.0, 5.0), merged(more("W"), &mast()));
        let id = api.add(CORRIDORS, rect(0.0, 0.0, 10.0, 10.0), merged(more("C"), &road()));
        ids.push((visibility.to_owned(), id));
    }
    (api, ids)
}

fn words(features: &Json, code: &str) -> Vec<String> {
    let all = features.as_array().unwrap().iter();
    let mut words: Vec<String> =
        all.map(|f| f.pointer(code).unwrap().as_str().unwrap().split_once('-').unwrap().1.to_owned()).collect();
    words.sort();
    words
}

#[test]
fn each_role_sees_its_share_everywhere() {
    let (api, corridors) = populated();
    let public: &[&str] = &["public"];
    let carriers: &[&str] = &["carriers", "public"];
    let offices: &[&str] = &["carriers", "government", "public"];
    let all: &[&str] = &["carriers", "government", "public", "restricted"];
    // role, what it sees of Viettel's works, what it sees of the board's corridors
    let table = [
        ("", public, public),
        ("carrier", all, carriers),
        ("other-carrier", carriers, carriers),
        ("project_owner", public, all),
        ("consultee", &["government", "public"], &["government", "public"]),
        ("planner", offices, offices),
        ("inspector", offices, offices),
        ("officer", all, all),
        ("auditor", all, all),
        ("officer-elsewhere", public, public),
    ];
    for (role, works, lands) in table {
        for (items, expect) in [(WORKS, works), (CORRIDORS, lands)] {
            let page = api.server.get(role, items).json();
            assert_eq!(words(&page["features"], "/properties/code"), expect, "{role} {items}");
            assert_eq!(page["numberReturned"], expect.len());
            let boxed = api.server.get(role, &format!("{items}?bbox=107,11,109,13&jurisdiction=VN-72")).json();
            assert_eq!(words(&boxed["features"], "/properties/code"), expect, "{role} {items} in a box");
        }
        let path = format!("{CHECKS}?against=works,corridors");
        let check = api.on_grid(role, "POST", &path, &point(5.0, 5.0)).json();
        for (layer, expect) in [("works", works), ("corridors", lands)] {
            let found: Vec<Json> = check["results"][0]["conflicts"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|c| c["layer"] == layer)
                .cloned()
                .collect();
            assert_eq!(words(&Json::Array(found), "/code"), expect, "{role} {layer}");
            let checked = check["checked"].as_array().unwrap().iter().find(|c| c["layer"] == layer).unwrap();
            assert_eq!(checked["features"], expect.len(), "{role} {layer}: the count tells no more");
        }
        assert_eq!(check["results"][0]["conflict_count"], works.len() + lands.len(), "{role}");
        let headers = [("Accept", GEOJSON), ("Content-Type", GEOJSON), ("Content-Crs", "EPSG:9218")];
        let map = api.send(role, "POST", &path, &headers, Some(&point(5.0, 5.0))).json();
        assert_eq!(map["features"].as_array().unwrap().len(), works.len() + lands.len(), "{role}");
        for (visibility, id) in &corridors {
            let path = format!("/api/corridors/{id}/conflicts");
            let stored = api.server.get(role, &path);
            if lands.contains(&visibility.as_str()) {
                assert_eq!(words(&stored.json()["results"][0]["conflicts"], "/code"), works, "{role}");
                let map = api.send(role, "GET", &path, &[("Accept", GEOJSON)], None).json();
                assert_eq!(words(&map["features"], "/properties/code"), works, "{role}");
            } else {
                assert_eq!(stored.status, 404, "{role} {visibility}");
            }
        }
    }
}

#[test]
fn what_is_hidden_later_is_gone_at_once() {
    let (api, _) = populated();
    let page = api.server.get("", WORKS).json();
    let path = format!("{WORKS}/{}", page["features"][0]["id"].as_str().unwrap());
    let hide = json!({"properties": {"visibility": "government"}});
    assert_eq!(api.server.call("officer", "PATCH", &path, Some(&hide)).status, 200);
    assert_eq!(api.server.get("", &path).status, 404);
    assert_eq!(api.server.get("", WORKS).json()["features"], json!([]));
    let check = api.on_grid("", "POST", CHECKS, &point(5.0, 5.0)).json();
    assert_eq!((&check["results"][0]["conflict_count"], &check["checked"][0]["features"]), (&json!(0), &json!(0)));
}

#[test]
fn what_is_hidden_later_is_gone_from_the_lists_that_are_kept() {
    let api = Api::new();
    let land = api.road("ROAD", rect(0.0, 0.0, 100.0, 10.0));
    let work = api.work("MAST", point(50.0, 5.0));
    api.work("STAYS", point(60.0, 5.0));
    let conflicts = format!("/api/corridors/{land}/conflicts");
    let told = |role: &str| {
        let paths = [conflicts.clone(), format!("{conflicts}?measures=false")];
        let answers = paths.map(|path| api.server.get(role, &path).json()["results"][0].clone());
        for answer in &answers {
            assert_eq!(answer["conflict_count"], answer["conflicts"].as_array().unwrap().len(), "{role}");
        }
        let codes = |answer: &Json| {
            let all = answer["conflicts"].as_array().unwrap();
            let mut codes: Vec<String> = all.iter().map(|c| c["code"].as_str().unwrap().to_owned()).collect();
            codes.sort();
            codes
        };
        let not_seen = answers[0]["not_checked"].to_string().contains("features_not_seen");
        assert_eq!(codes(&answers[0]), codes(&answers[1]), "{role}");
        (codes(&answers[0]), not_seen)
    };
    let (all, rest) = (vec!["MAST".to_owned(), "STAYS".to_owned()], vec!["STAYS".to_owned()]);
    // To each its list is known when the mast comes out of sight, and when it comes into sight again.
    let everybody = ["", "carrier", "other-carrier", "consultee", "officer"];
    for (visibility, see) in [
        ("public", everybody.as_slice()),
        ("restricted", &["carrier", "officer"]),
        ("carriers", &["carrier", "other-carrier", "officer"]),
        ("government", &["carrier", "consultee", "officer"]),
        ("public", &everybody),
    ] {
        let hide = json!({"properties": {"visibility": visibility}});
        let done = api.server.call("officer", "PATCH", &format!("{WORKS}/{work}"), Some(&hide));
        assert_eq!(done.status, 200, "{}", done.text);
        for role in everybody {
            let expect = if see.contains(&role) { (all.clone(), false) } else { (rest.clone(), true) };
            assert_eq!(told(role), expect, "{visibility}: {role}");
            assert_eq!(told(role), expect, "{visibility}: {role}, again");
        }
    }
    let count = |role: &str| api.server.get(role, &conflicts).json()["checked"][0]["features"].clone();
    assert_eq!((count(""), count("officer")), (json!(2), json!(2)));
}

#[test]
fn answers_differ_by_who_asks_and_caches_are_told() {
    let (api, corridors) = populated();
    for path in [
        WORKS.to_owned(),
        format!("{CORRIDORS}/{}", corridors[0].1),
        format!("/api/corridors/{}/conflicts", corridors[0].1),
    ] {
        let answer = api.server.get("", &path);
        let vary = answer
            .headers
            .iter()
            .filter(|(n, _)| n == "vary")
            .map(|(_, v)| v.to_lowercase())
            .collect::<Vec<_>>()
            .join(",");
        assert!(vary.contains("authorization"), "{path}: {vary}");
        assert!(answer.header("cache-control").unwrap().starts_with("private"), "{path}");
    }
}
