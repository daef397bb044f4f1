//! What was kept free beside a subject: said with every answer, above all with one that names no conflict, and never `full`
//! where nobody knows how much.

use clearway::domain::actor::Actor;
use clearway::domain::layer::Layer;
use clearway::geometry::encoding::geojson;
use serde_json::{Value as Json, json};

use crate::conflicts_asked::with_neighbour;
use crate::coverage::declare;
use crate::help::{Api, CHECKS, CORRIDORS, GRID, WORKS, feature, merged, point, rect};
use crate::rules::{ask, load, load_as, pack};
use crate::support::{token, vn72_draft};

const ROAD: &str = "corridor.road.clearance_m";

/// Roads by class, masts by more, and of pipelines only what poles must keep.
fn prepared() -> Api {
    let api = Api::new();
    let parameters = [
        "corridor.road.clearance_m 9 | corridor_class = \"IV\"",
        "corridor.road.clearance_m 14 | corridor_class = \"IV\", work_kind = \"mast\"",
        "corridor.road.clearance_m 20 | corridor_class = \"I\", valid_to = 2020-12-31",
        "corridor.road.clearance_m 17 | corridor_class = \"I\", valid_from = 2021-01-01",
        "corridor.pipeline.clearance_m 5 | work_kind = \"pole\"",
    ];
    load(&api, &pack("1", &parameters));
    let whole = geojson::to_value(&vn72_draft().boundary);
    declare(&api, Layer::Works, &whole);
    declare(&api, Layer::Corridors, &whole);
    // Beyond the widest of all, 21 m from the land asked about.
    api.work("FAR", point(50.0, 31.0));
    api
}

fn land() -> Json {
    rect(0.0, 0.0, 100.0, 10.0)
}

/// Each as `metres key` and the kinds of work where not all are meant: those named, or all but those named.
fn kept_free(clearances: &Json) -> Vec<String> {
    let text = |c: &Json| {
        let rule = &c["rule"];
        let from_rule = rule["key"].as_str().unwrap().ends_with(".clearance_m") && !rule["value"].is_null();
        assert!(!from_rule || rule["value"] == c["clearance_m"], "{c}");
        let kinds = match c["work_kinds"].as_array() {
            None => String::new(),
            Some(kinds) if kinds.len() > 6 => {
                let all = ["mast", "pole"];
                let but = all.iter().filter(|kind| !kinds.contains(&json!(kind)));
                assert_eq!(kinds.len() + but.clone().count(), 12, "{c}");
                format!(" but {}", but.copied().collect::<Vec<_>>().join(","))
            }
            Some(kinds) => format!(" {}", kinds.iter().map(|k| k.as_str().unwrap()).collect::<Vec<_>>().join(",")),
        };
        format!("{} {}{kinds}", c["clearance_m"], rule["key"].as_str().unwrap())
    };
    clearances.as_array().unwrap_or_else(|| panic!("{clearances}")).iter().map(text).collect()
}

/// What a result without conflicts says.
#[track_caller]
fn says(result: &Json, expect: &[&str], full: bool) {
    assert_eq!((&result["conflict_count"], &result["conflicts"]), (&json!(0), &json!([])), "{result}");
    assert_eq!(kept_free(&result["clearances"]), expect, "{result}");
    said_of_coverage(result, &result["not_checked"], full);
}

const UNKNOWN: &str = "nobody says how far works must stay from it, so 0 m was applied: state clearance_m, or its kind with its \
                       class or voltage_kv, or load a rule pack that has it";

#[track_caller]
fn said_of_coverage(result: &Json, not_checked: &Json, full: bool) {
    if full {
        return assert_eq!((&result["coverage"], not_checked), (&json!("full"), &Json::Null), "{result}");
    }
    assert_eq!(
        (&result["coverage"], &result["layers"][0]["coverage"]),
        (&json!("partial"), &json!("partial")),
        "{result}"
    );
    let gap = json!([{"layer": "works", "coverage": "partial", "reason": "clearance_unknown", "detail": UNKNOWN,
        "geometry": null}]);
    assert_eq!((&not_checked["reason"], &not_checked["layers"]), (&json!("clearance_unknown"), &gap), "{result}");
}

/// The answer as a map.
fn map(api: &Api, method: &str, path: &str, body: Option<&Json>) -> Json {
    let at = format!("VN-72={}", api.sql("SELECT revision FROM revisions").unwrap());
    let headers = [
        ("Accept", "application/geo+json"),
        ("Content-Type", "application/geo+json"),
        ("Content-Crs", GRID),
        ("Min-Revision", &*at),
    ];
    let answer = api.send("officer", method, path, &headers, body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[track_caller]
fn map_says(map: &Json, subject: &str, expect: &[&str], full: bool) {
    assert_eq!((&map["features"], &map["truncated"]), (&json!([]), &json!(false)), "{map}");
    let clearances = &map["clearances"][0];
    assert_eq!(clearances["subject"], subject, "{map}");
    assert_eq!(kept_free(&clearances["clearances"]), expect, "{map}");
    let gaps = &map["not_checked"];
    assert_eq!(gaps.as_array().unwrap().len(), usize::from(!full), "{map}");
    assert!(full || gaps[0]["ground"]["layers"][0]["reason"] == "clearance_unknown", "{map}");
}

const BY_CLASS: &[&str] = &["9.0 corridor.road.clearance_m but mast", "14.0 corridor.road.clearance_m mast"];
const NONE: &[&str] = &["0.0 none"];

/// What somebody says of land, what is kept free beside it, whether that is known, and by the rules of 2019.
type Case = (Json, &'static [&'static str], bool, &'static [&'static str]);

fn cases() -> Vec<Case> {
    let (widest, then): (&[&str], &[&str]) = (&["17.0 corridor.road.clearance_m"], &["20.0 corridor.road.clearance_m"]);
    let own: &[&str] = &["0.0 corridor.clearance_m"];
    let poles: &[&str] = &["0.0 none but pole", "5.0 corridor.pipeline.clearance_m pole"];
    vec![
        (json!({"kind": "road", "class": "IV"}), BY_CLASS, true, BY_CLASS),
        (json!({"kind": "road", "class": "IX"}), widest, true, then),
        (json!({"kind": "road"}), widest, true, then),
        (json!({"kind": "canal"}), NONE, false, NONE),
        (json!({"kind": "pipeline"}), poles, false, poles),
        (json!({"kind": "canal", "clearance_m": 0}), own, true, own),
    ]
}

#[test]
fn an_answer_without_conflicts_says_what_was_kept_free_and_by_which_rule() {
    let api = prepared();
    let asked = "?clearance_m=12";
    let by_asker: &[&str] = &["12.0 request.clearance_m"];
    let mut drawn = cases();
    // Nobody says what it is, or that it is land; also as a geometry alone.
    drawn.extend([(json!({}), NONE, false, NONE), (json!({"kind": "mast"}), NONE, false, NONE)]);
    let bare = ask(&api, "POST", CHECKS, Some(&land()));
    says(&bare["results"][0], NONE, false);
    assert_eq!(bare["checked"][0]["coverage"], "partial");
    let shapes: Vec<Json> = drawn.iter().map(|(properties, ..)| feature(land(), properties.clone())).collect();
    for (shape, (properties, expect, full, then)) in shapes.iter().zip(&drawn) {
        for query in ["", "?measures=false", "?against=works,corridors"] {
            let answer = ask(&api, "POST", &format!("{CHECKS}{query}"), Some(shape));
            says(&answer["results"][0], expect, *full);
        }
        says(&ask(&api, "POST", &format!("{CHECKS}{asked}"), Some(shape))["results"][0], by_asker, true);
        map_says(&map(&api, "POST", CHECKS, Some(shape)), "0", expect, *full);
        let of_then = ask(&api, "POST", &format!("{CHECKS}?at=2019-06-01T00:00:00Z"), Some(shape));
        assert_eq!(kept_free(&of_then["results"][0]["clearances"]), *then, "{properties}");
        // Asked about as a work it keeps nothing free: each land has its own.
        let as_work = &ask(&api, "POST", &format!("{CHECKS}?against=corridors"), Some(shape))["results"][0];
        says(as_work, &[], true);
    }
    // Several at once, and as lines of a batch: each its own.
    let each = |results: Vec<Json>| {
        for (result, (_, expect, full, _)) in results.iter().zip(&drawn) {
            says(result, expect, *full);
        }
        assert_eq!(results.len(), drawn.len());
    };
    let all = ask(&api, "POST", CHECKS, Some(&json!({"type": "FeatureCollection", "features": shapes})));
    each(all["results"].as_array().unwrap().clone());
    assert_eq!(all["checked"][0]["coverage"], "partial", "the worst of them");
    let bearer = format!("Bearer {}", token("officer"));
    let headers = [("Content-Type", "application/x-ndjson"), ("Content-Crs", GRID), ("Authorization", &*bearer)];
    let lines = shapes.iter().map(Json::to_string).collect::<Vec<_>>().join("\n");
    for query in ["", "?measures=false"] {
        let batch = api.server.send("POST", &format!("{CHECKS}/batch{query}"), &headers, Some(lines.as_bytes()));
        each(batch.text.lines().map(|l| serde_json::from_str::<Json>(l).unwrap()["results"][0].clone()).collect());
    }
}

#[test]
fn a_stored_corridor_says_what_is_kept_free_beside_it() {
    let api = prepared();
    let usual = |code: String| json!({"code": code, "status": "in_force", "organisation": "roads-board"});
    let stored: Vec<(String, Case)> = (0..)
        .zip(cases())
        .map(|(n, case)| (api.add(CORRIDORS, land(), merged(case.0.clone(), &usual(format!("C{n}")))), case))
        .collect();
    let moment = "SELECT to_char(max(recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM audit_events \
                  WHERE jurisdiction = 'VN-72'";
    let now = api.sql(moment);
    let as_of = format!("as-of={}", now.unwrap());
    for (id, (properties, expect, full, then)) in &stored {
        let path = format!("/api/corridors/{id}/conflicts");
        // Kept: the second answer comes from what the first one found; then made anew from what was recorded.
        for query in ["", "", "?measures=false", &format!("?{as_of}"), "?against=works"] {
            says(&ask(&api, "GET", &format!("{path}{query}"), None)["results"][0], expect, *full);
        }
        let asked = ask(&api, "GET", &format!("{path}?clearance_m=12"), None);
        says(&asked["results"][0], &["12.0 request.clearance_m"], true);
        map_says(&map(&api, "GET", &path, None), id, expect, *full);
        let of_then = ask(&api, "GET", &format!("{path}?at=2019-06-01T00:00:00Z"), None);
        assert_eq!(kept_free(&of_then["results"][0]["clearances"]), *then, "{properties}");
    }
    // The rules change under what is kept: nobody says anything of roads any more, and then somebody does of canals.
    load(&api, &pack("2", &["corridor.canal.clearance_m 3"]));
    for (id, (properties, expect, ..)) in &stored {
        let result = &ask(&api, "GET", &format!("/api/corridors/{id}/conflicts"), None)["results"][0];
        let own = properties["clearance_m"].is_number();
        let expect = match properties["kind"].as_str() {
            _ if own => *expect,
            Some("canal") => &["3.0 corridor.canal.clearance_m"],
            _ => NONE,
        };
        says(result, expect, expect != NONE);
    }
    // A stored work keeps nothing free, and what does not count on the day keeps nothing either.
    let work = api.sql("SELECT id FROM works").unwrap();
    says(&ask(&api, "GET", &format!("/api/works/{work}/conflicts"), None)["results"][0], &[], true);
    let gone = merged(json!({"kind": "road", "status": "cancelled"}), &usual("GONE".into()));
    let gone = api.add(CORRIDORS, land(), gone);
    let result = &ask(&api, "GET", &format!("/api/corridors/{gone}/conflicts"), None)["results"][0];
    assert_eq!((&result["counts"], &result["clearances"]), (&json!(false), &json!([])));
}

#[test]
fn a_conflict_names_the_rule_that_the_clearances_name() {
    let api = prepared();
    for (code, kind, north) in [("M13", "mast", 23.0), ("P8", "pole", 18.0), ("P12", "pole", 22.0)] {
        let properties = json!({"code": code, "kind": kind, "organisation": "viettel", "position_accuracy_m": 0});
        api.add(WORKS, point(50.0, north), properties);
    }
    let drawn = feature(land(), json!({"kind": "road", "class": "IV"}));
    let result = &ask(&api, "POST", CHECKS, Some(&drawn))["results"][0];
    assert_eq!(kept_free(&result["clearances"]), BY_CLASS);
    let found: Vec<&str> =
        result["conflicts"].as_array().unwrap().iter().map(|c| c["code"].as_str().unwrap()).collect();
    assert_eq!(found, ["P8", "M13"]);
    for (conflict, clearance) in [(0, 0), (1, 1)] {
        let (conflict, clearance) = (&result["conflicts"][conflict], &result["clearances"][clearance]);
        assert_eq!((&conflict["rule"], &conflict["clearance_m"]), (&clearance["rule"], &clearance["clearance_m"]));
        assert_eq!(conflict["rule"]["key"], ROAD);
    }
    // Two of the layers, one of them asked as land: the other does not doubt.
    let both = &ask(&api, "POST", &format!("{CHECKS}?against=corridors,works"), Some(&land()))["results"][0];
    let words: Vec<&Json> = both["layers"].as_array().unwrap().iter().map(|l| &l["coverage"]).collect();
    assert_eq!((words, &both["coverage"]), (vec![&json!("full"), &json!("partial")], &json!("partial")));
}

#[test]
fn across_a_border_each_side_keeps_what_its_own_rules_say() {
    let (database, server) = with_neighbour();
    let api = Api { server, database };
    let line = json!({"type": "LineString", "coordinates": [[107.5, 11.75], [107.5, 11.82]]});
    let road = feature(line, json!({"kind": "road"}));
    let says = |codes: &[&str], version: &str, metres: u8| {
        let text = pack(version, &[&format!("corridor.road.clearance_m {metres}")]);
        load_as(&api, &Actor::operator(), codes, &text).unwrap();
        let at = api.sql("SELECT string_agg(jurisdiction || '=' || revision, ',') FROM revisions").unwrap();
        let headers = [("Content-Type", "application/geo+json"), ("Min-Revision", &*at)];
        let answer = api.send("officer", "POST", CHECKS, &headers, Some(&road)).json();
        let result = &answer["results"][0];
        (kept_free(&result["clearances"]), result["not_checked"].to_string().contains("clearance_unknown"))
    };
    let [none, five, twenty] =
        ["0.0 none", "5.0 corridor.road.clearance_m", "20.0 corridor.road.clearance_m"].map(String::from);
    assert_eq!(says(&["VN-72"], "1", 20), (vec![none, twenty.clone()], true), "one side has no rules");
    assert_eq!(says(&["VN-35"], "2", 5), (vec![five, twenty.clone()], false));
    assert_eq!(says(&["VN-35"], "1", 20), (vec![twenty], false), "the same on both sides is said once");
}
