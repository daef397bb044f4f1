//! How a conflict check is asked and answered: documents, layers, clearance, limits, order, maps, revisions, borders.

use clearway::actions::{Context, Witness, jurisdiction};
use clearway::config::Settings;
use clearway::domain::actor::Actor;
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, CORRIDORS, WORKS, feature, line, mast, merged, point, rect, road};
use crate::support::{Database, TestServer, vn35_draft};

const GEOJSON: &str = "application/geo+json";

fn codes(result: &Json) -> Vec<&str> {
    result["conflicts"].as_array().unwrap().iter().map(|c| c["code"].as_str().unwrap()).collect()
}

#[test]
fn without_measures_only_what_is_in_conflict_is_told() {
    let api = Api::new();
    api.work("FAR", point(20.0, 0.0));
    api.work("NEAR", point(1.0, 0.0));
    api.work("OUT", point(200.0, 0.0));
    let corridor = api.road("C", rect(-50.0, -5.0, 50.0, 5.0));
    let short = json!(["jurisdiction", "layer", "id", "code", "kind", "severity"]);
    let names = |c: &Json| json!(c.as_object().unwrap().keys().collect::<Vec<_>>());
    let drawn =
        api.on_grid("", "POST", &format!("{CHECKS}?measures=false&clearance_m=30"), &rect(-5.0, -5.0, 5.0, 5.0));
    let stored =
        api.send("", "GET", &format!("/api/corridors/{corridor}/conflicts?measures=false&clearance_m=30"), &[], None);
    for answer in [drawn.json(), stored.json()] {
        let result = &answer["results"][0];
        assert_eq!(result["conflict_count"], 2);
        for conflict in result["conflicts"].as_array().unwrap() {
            assert_eq!(names(conflict), short);
        }
        assert_eq!(codes(result), ["FAR", "NEAR"], "by id, the order in which they came");
    }
    let map = api.send(
        "",
        "GET",
        &format!("/api/corridors/{corridor}/conflicts?measures=false"),
        &[("Accept", GEOJSON)],
        None,
    );
    assert_eq!(names(&map.json()["features"][0]["properties"]["conflict"]), short);
    let wrong = api.send("", "GET", &format!("/api/corridors/{corridor}/conflicts?measures=maybe"), &[], None);
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("«maybe» is not true or false"), "{}", wrong.text);
}

#[test]
fn a_geometry_a_feature_and_a_collection_are_asked_alike() {
    let api = Api::new();
    api.work("A", point(0.0, 0.0));
    api.work("B", point(100.0, 0.0));
    let geometry = rect(-5.0, -5.0, 5.0, 5.0);
    let check = |body: &Json| {
        let answer = api.on_grid("", "POST", CHECKS, body);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{}", answer.text);
        answer.json()
    };
    let bare = check(&geometry);
    assert_eq!(check(&feature(geometry.clone(), Json::Null)), bare);
    assert_eq!(check(&feature(geometry.clone(), json!({"anything": [1, 2]}))), bare);
    assert_eq!(check(&json!({"type": "FeatureCollection", "features": [feature(geometry.clone(), json!({}))]})), bare);
    let revision = api.sql("SELECT revision FROM revisions").unwrap().parse::<i64>().unwrap();
    assert_eq!(bare["revision"], json!({"VN-72": revision}));
    assert_eq!(
        bare["checked"],
        json!([{"jurisdiction": "VN-72", "layer": "works", "features": 2, "coverage": "undeclared"}])
    );
    assert_eq!(bare["results"].as_array().unwrap().len(), 1);
    let result = &bare["results"][0];
    assert_eq!(
        (&result["subject"], &result["conflict_count"], &result["truncated"], &result["not_checked"]["reason"]),
        (&json!("0"), &json!(1), &json!(false), &json!("coverage_undeclared"))
    );
    let mut names: Vec<&str> = result["conflicts"][0].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "chainage_from_m",
            "chainage_to_m",
            "clearance_m",
            "code",
            "depth_m",
            "distance_m",
            "id",
            "jurisdiction",
            "kind",
            "layer",
            "offset_m",
            "overlap_m",
            "overlap_m2",
            "position_accuracy_from",
            "position_accuracy_m",
            "position_accuracy_rule",
            "relation",
            "rule",
            "runs",
            "severity",
            "share",
            "side",
            "verdict"
        ]
    );

    let named = |id: Json, shape: Json| {
        let mut one = feature(shape, json!({}));
        one["id"] = id;
        one
    };
    let many = check(&json!({"type": "FeatureCollection", "features": [
        named(json!("east"), rect(95.0, -5.0, 105.0, 5.0)), named(json!(17), geometry.clone()), feature(rect(300.0, 0.0, 310.0, 9.0), json!({}))]}));
    let found: Vec<_> =
        many["results"].as_array().unwrap().iter().map(|r| (r["subject"].as_str().unwrap(), codes(r))).collect();
    assert_eq!(found, [("east", vec!["B"]), ("17", vec!["A"]), ("2", vec![])]);
    assert_eq!(many["checked"].as_array().unwrap().len(), 1, "each layer is listed once");
}

#[test]
fn layers_are_chosen_and_a_feature_is_not_asked_against_its_own_kind() {
    let api = Api::new();
    let work = api.work("W", point(5.0, 5.0));
    api.work("W2", point(5.0, 5.0));
    let corridor = api.road("C", rect(0.0, 0.0, 10.0, 10.0));
    api.road("C2", rect(0.0, 0.0, 10.0, 10.0));
    let drawn = |query: &str| api.on_grid("", "POST", &format!("{CHECKS}{query}"), &rect(1.0, 1.0, 9.0, 9.0)).json();
    let get = |path: &str| api.server.get("", path).json();
    let (w, c) = (format!("/api/works/{work}/conflicts"), format!("/api/corridors/{corridor}/conflicts"));
    for (answer, expect, layers) in [
        (drawn(""), vec!["W", "W2"], 1),
        (drawn("?against=corridors"), vec!["C", "C2"], 1),
        (drawn("?against=works,corridors"), vec!["W", "W2", "C", "C2"], 2),
        (drawn("?against=corridors,%20works,works"), vec!["W", "W2", "C", "C2"], 2),
        (get(&w), vec!["C", "C2"], 1),
        (get(&c), vec!["W", "W2"], 1),
    ] {
        assert_eq!(codes(&answer["results"][0]), expect, "by distance, then id");
        assert_eq!(answer["checked"].as_array().unwrap().len(), layers);
    }
    // A conflict is a pair of a work and a corridor, so what is stored is not asked against its own kind.
    for (path, detail) in [
        (format!("{w}?against=works,corridors"), "a work is not in conflict with other works"),
        (format!("{c}?against=corridors"), "a corridor is not in conflict with other corridors"),
    ] {
        let refused = api.server.get("", &path);
        assert_eq!(
            (refused.status, &refused.json()["detail"]),
            (400, &json!(format!("parameter «against»: {detail}")))
        );
    }
}

#[test]
fn the_clearance_is_the_askers_else_the_corridors_else_none() {
    let api = Api::new();
    api.work("W", point(0.0, 30.0));
    let own =
        api.add(CORRIDORS, rect(-50.0, 0.0, 50.0, 10.0), merged(json!({"code": "OWN", "clearance_m": 25}), &road()));
    let none = api.road("NONE", rect(-50.0, 45.0, 50.0, 50.0));
    let asked = |id: &str, query: &str| {
        let answer = api.server.get("", &format!("/api/corridors/{id}/conflicts{query}")).json();
        answer["results"][0]["conflicts"]
            .as_array()
            .unwrap()
            .first()
            .map(|c| (c["clearance_m"].as_f64().unwrap(), c["rule"].clone()))
    };
    let rule = |key: &str| {
        json!({"key": key, "value": null, "unit": null, "document": null, "article": null, "valid_from": null,
            "valid_to": null, "confidence": null})
    };
    assert_eq!(asked(&own, ""), Some((25.0, rule("corridor.clearance_m"))));
    assert_eq!(asked(&own, "?clearance_m=20"), Some((20.0, rule("request.clearance_m"))));
    assert_eq!(asked(&own, "?clearance_m=19.9"), None, "the asker's may be less than the corridor's own");
    assert_eq!(asked(&own, "?clearance_m=0"), None);
    assert_eq!(asked(&none, ""), None);
    assert_eq!(asked(&none, "?clearance_m=15"), Some((15.0, rule("request.clearance_m"))));
    // Asked of the work: each corridor by its own.
    let work = api.server.get("", WORKS).json()["features"][0]["id"].as_str().unwrap().to_owned();
    let answer = api.server.get("", &format!("/api/works/{work}/conflicts")).json();
    assert_eq!(codes(&answer["results"][0]), ["OWN"]);
    // A drawn corridor may bring its own; inside, without any, the rule says so.
    let drawn = |properties: Json| {
        let body = feature(rect(-50.0, 0.0, 50.0, 10.0), properties);
        let answer = api.on_grid("", "POST", CHECKS, &body).json();
        answer["results"][0]["conflicts"].as_array().unwrap().first().map(|c| c["rule"]["key"].clone())
    };
    assert_eq!((drawn(json!({"clearance_m": 20})), drawn(json!({}))), (Some(json!("corridor.clearance_m")), None));
    let inside = api.on_grid("", "POST", CHECKS, &rect(-5.0, 25.0, 5.0, 35.0)).json();
    assert_eq!(inside["results"][0]["conflicts"][0]["rule"]["key"], "none");
    for (name, metres) in [("clearance_m", 5_001.0), ("clearance_m", 1e300), ("position_accuracy_m", 10_001.0)] {
        let refused = api.on_grid("", "POST", CHECKS, &feature(point(0.0, 0.0), json!({name: metres})));
        assert_eq!(refused.status, 422, "{name} {metres}: {}", refused.text);
    }
}

#[test]
fn answers_are_ordered_by_distance_then_id_and_cut_at_the_limit() {
    let api = Api::new();
    for (n, east) in [(0, 30.0), (1, 10.0), (2, 20.0), (3, 10.0), (4, 0.0)] {
        api.work(&format!("O-{n}"), point(east, 0.0));
    }
    let subject = rect(-10.0, -5.0, 0.0, 5.0);
    let expect = ["O-4", "O-1", "O-3", "O-2", "O-0"];
    for (limit, number) in [("", 5), ("&limit=1", 1), ("&limit=3", 3), ("&limit=5", 5), ("&limit=99999", 5)] {
        let answer = api.on_grid("", "POST", &format!("{CHECKS}?clearance_m=100{limit}"), &subject).json();
        let result = &answer["results"][0];
        assert_eq!(codes(result), expect[..number], "{limit}");
        assert_eq!((&result["conflict_count"], &result["truncated"]), (&json!(5), &json!(number < 5)), "{limit}");
    }
    let map = api
        .send(
            "",
            "POST",
            &format!("{CHECKS}?clearance_m=100&limit=2"),
            &[("Accept", GEOJSON), ("Content-Type", GEOJSON), ("Content-Crs", "EPSG:9218")],
            Some(&subject),
        )
        .json();
    assert_eq!((map["features"].as_array().unwrap().len(), &map["truncated"]), (2, &json!(true)));
}

#[test]
fn a_map_gets_features_with_the_conflict_among_their_properties() {
    let api = Api::new();
    let work = api.work("W", line(&[(0.0, -10.0), (0.0, 10.0)]));
    api.road("C", rect(-5.0, -5.0, 5.0, 5.0));
    let subject = feature(rect(-5.0, 0.0, 5.0, 5.0), json!({}));
    let headers = |accept: &'static str| [("Accept", accept), ("Content-Type", GEOJSON), ("Content-Crs", "EPSG:9218")];
    let path = format!("{CHECKS}?against=works,corridors&clearance_m=2");
    let plain = api.send("", "POST", &path, &headers("application/json"), Some(&subject)).json();
    for accept in ["application/geo+json", "text/html, application/geo+json;q=0.9"] {
        let answer = api.send("", "POST", &path, &headers(accept), Some(&subject));
        assert_eq!(answer.header("content-type"), Some(GEOJSON));
        let map = answer.json();
        assert_eq!(
            (&map["type"], &map["revision"], &map["checked"]),
            (&json!("FeatureCollection"), &plain["revision"], &plain["checked"])
        );
        let conflicts: Vec<Json> =
            map["features"].as_array().unwrap().iter().map(|f| f["properties"]["conflict"].clone()).collect();
        assert_eq!(Json::Array(conflicts), plain["results"][0]["conflicts"]);
        let found = map["features"].as_array().unwrap().iter().find(|f| f["properties"]["code"] == "W").unwrap();
        let stored = api.server.get("", &format!("{WORKS}/{work}")).json();
        assert_eq!((&found["id"], &found["geometry"]), (&stored["id"], &stored["geometry"]));
        assert_eq!((&found["properties"]["subject"], &found["properties"]["kind"]), (&json!("0"), &json!("mast")));
    }
    let stored = api.send("", "GET", &format!("/api/works/{work}/conflicts"), &[("Accept", GEOJSON)], None);
    assert_eq!(
        (stored.header("content-type"), stored.json()["features"][0]["properties"]["code"].as_str()),
        (Some(GEOJSON), Some("C"))
    );
}

#[test]
fn a_write_shows_in_the_next_answer() {
    let api = Api::new();
    let here = rect(-5.0, -5.0, 5.0, 5.0);
    let there = rect(95.0, -5.0, 105.0, 5.0);
    let count = |shape: &Json| {
        let answer = api.on_grid("", "POST", &format!("{CHECKS}?against=works,corridors"), shape).json();
        (answer["results"][0]["conflict_count"].as_i64().unwrap(), answer["revision"]["VN-72"].as_i64().unwrap())
    };
    let mut revision = count(&here).1;
    let mut expect = |what: &str, at_here: i64, at_there: i64| {
        revision += 1;
        assert_eq!((count(&here), count(&there)), ((at_here, revision), (at_there, revision)), "{what}");
    };
    let work = api.work("W", point(0.0, 0.0));
    expect("create", 1, 0);
    let moved = feature(point(100.0, 0.0), merged(json!({"code": "W", "position_accuracy_m": 0}), &mast()));
    let path = format!("{WORKS}/{work}");
    assert_eq!(api.on_grid("officer", "PUT", &path, &moved).status, 200);
    expect("replace", 0, 1);
    assert_eq!(api.on_grid("officer", "PATCH", &path, &json!({"geometry": point(0.0, 0.0)})).status, 200);
    expect("patch of the geometry", 1, 0);
    assert_eq!(api.on_grid("officer", "PATCH", &path, &json!({"properties": {"status": "dismantled"}})).status, 200);
    expect("patch of the status", 0, 0);
    let land = api.road("C", rect(90.0, -5.0, 110.0, 5.0));
    expect("a corridor", 0, 1);
    assert_eq!(api.server.call("officer", "DELETE", &format!("{CORRIDORS}/{land}"), None).status, 204);
    expect("delete", 0, 0);
    assert_eq!(api.server.call("officer", "DELETE", &path, None).status, 204);
    expect("delete of the rest", 0, 0);
}

/// VN-72 with its neighbour to the south.
pub fn with_neighbour() -> (Database, TestServer) {
    with_neighbour_and(|_| {})
}

/// The same with other settings.
pub fn with_neighbour_and(change: impl FnOnce(&mut Settings)) -> (Database, TestServer) {
    let database = Database::vn72();
    let context = Context::connect(database.settings()).unwrap();
    let actor = Actor::operator();
    jurisdiction::register(&context, Witness::new(&actor, "test"), vn35_draft()).unwrap();
    let mut settings = database.settings();
    change(&mut settings);
    let server = TestServer::with(settings);
    (database, server)
}

#[test]
fn a_subject_across_a_border_asks_both_sides() {
    let (_database, server) = with_neighbour();
    let place = |x: f64, y: f64| json!({"type": "Point", "coordinates": [x, y]});
    let mast_in = |x: f64, y: f64, code: &str| {
        let made = server.post(
            "officer",
            WORKS,
            &feature(place(x, y), merged(json!({"code": code, "position_accuracy_m": 0}), &mast())),
        );
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["properties"]["jurisdiction"].as_str().unwrap().to_owned()
    };
    // The boundary runs along 11.785 at 107.5.
    assert_eq!(mast_in(107.5, 11.80, "N"), "VN-72");
    assert_eq!(mast_in(107.5, 11.77, "S"), "VN-35");
    assert_eq!(mast_in(107.5, 11.60, "N"), "VN-35", "the same code again, in the other jurisdiction");
    // A line through a place misses it by a nanometre once both are on the grid.
    let check = |shape: Json| server.post("", &format!("{CHECKS}?clearance_m=1"), &shape).json();
    let across = check(json!({"type": "LineString", "coordinates": [[107.5, 11.75], [107.5, 11.82]]}));
    let found: Vec<_> = across["results"][0]["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["jurisdiction"].as_str().unwrap(), c["code"].as_str().unwrap()))
        .collect();
    assert_eq!(found.len(), 2, "{across}");
    assert!(found.contains(&("VN-72", "N")) && found.contains(&("VN-35", "S")), "{found:?}");
    assert_eq!(across["revision"].as_object().unwrap().len(), 2);
    assert_eq!(across["results"][0]["coverage"], "undeclared");
    let checked: Vec<_> = across["checked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["jurisdiction"].as_str().unwrap(), c["features"].as_i64().unwrap()))
        .collect();
    assert_eq!(checked, [("VN-35", 2), ("VN-72", 1)]);
    // Deep inside one, the other is not asked.
    let inside = check(place(107.7, 12.1));
    assert_eq!(
        (inside["checked"].as_array().unwrap().len(), &inside["checked"][0]["jurisdiction"]),
        (1, &json!("VN-72"))
    );
    // Reaching out of both.
    let out = check(json!({"type": "LineString", "coordinates": [[107.5, 11.4], [107.5, 11.8]]}));
    let result = &out["results"][0];
    assert_eq!(
        (&result["coverage"], &result["not_checked"]["reason"]),
        (&json!("partial"), &json!("outside_every_jurisdiction"))
    );
    assert_eq!(result["conflict_count"], 3, "{out}");
    let ground = &result["not_checked"]["geometry"];
    assert_eq!(ground["type"], "MultiLineString");
    let ends: Vec<f64> = ground["coordinates"][0].as_array().unwrap().iter().map(|c| c[1].as_f64().unwrap()).collect();
    assert!(ends.iter().all(|y| (11.4 - 1e-9..=11.5 + 1e-9).contains(y)), "{ground}");
    // Outside all.
    for far in [place(100.0, 15.0), place(-70.0, -30.0), place(180.0, 0.0), place(0.0, 90.0)] {
        let away = check(far.clone());
        let result = &away["results"][0];
        assert_eq!(
            (&result["coverage"], &away["checked"], &away["revision"]),
            (&json!("none"), &json!([]), &json!({})),
            "{far}"
        );
        assert_eq!(result["not_checked"]["geometry"], far, "{away}");
    }
    // Each jurisdiction counts its own revisions.
    let ready = server.get("", "/health/ready").json();
    assert_eq!(ready["jurisdictions"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&ready["jurisdictions"][0]["revision"], &ready["jurisdictions"][1]["revision"]),
        (&json!(3), &json!(2))
    );
}
