//! How far a jurisdiction reached then: nothing that was in conflict is passed over, and nothing hidden is told more finely than
//! now, whoever is asked: an instance that saw it, one that never heard of it, and one that loaded the rules anew.

use clearway::actions::{Witness, coverage, jurisdiction, rules};
use clearway::domain::actor::Actor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::layer::Layer;
use clearway::formats::rules as file;
use geo::MapCoordsInPlace;
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, CORRIDORS, GRID, WORKS, feature, line, mast, merged, point, rect, road};
use crate::support::{TestServer, token, vn72_draft};

/// The moment of the last revision.
fn now(api: &Api) -> String {
    api.sql(
        "SELECT to_char(max(recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM audit_events",
    )
    .unwrap()
}

fn ask(server: &TestServer, role: &str, more: &[(&str, &str)], query: &str, shape: &Json) -> Json {
    let bearer = format!("Bearer {}", token(role));
    let mut headers = vec![("Content-Type", "application/geo+json")];
    headers.extend_from_slice(more);
    if !role.is_empty() {
        headers.push(("Authorization", &bearer));
    }
    let answer = server.send("POST", &format!("{CHECKS}?{query}"), &headers, Some(shape.to_string().as_bytes()));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// Loads a pack of one road clearance, as another instance does.
fn load_rules(api: &Api, version: &str, clearance: f64) -> i64 {
    let text = format!(
        "name = \"T\"\nversion = \"{version}\"\n[[parameter]]\nkey = \"corridor.road.clearance_m\"\nvalue = {clearance:.1}\n\
         unit = \"m\"\nconfidence = \"default\"\n"
    );
    let pack = file::read(text.as_bytes()).unwrap();
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "test");
    rules::import(&api.database.context(), witness, &["VN-72".to_owned()], &pack, &version.repeat(64)).unwrap();
    api.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'").unwrap().parse().unwrap()
}

#[test]
fn what_reached_over_the_border_by_its_own_clearance_is_found_by_whoever_starts_later() {
    let api = Api::new();
    let mut draft = vn72_draft();
    draft.boundary.map_coords_in_place(|c| geo_types::Coord { x: c.x + 2.0, y: c.y });
    draft.code = "VN-99".into();
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "test");
    let boundary = draft.boundary.clone();
    jurisdiction::register(&api.database.context(), witness, draft).unwrap();
    let as_of = Some("2026-01-01".parse().unwrap());
    let all = CoverageDraft { layer: Layer::Corridors, kind: None, source: "survey".into(), as_of, boundary };
    coverage::declare(&api.database.context(), witness, "VN-99", all).unwrap();
    let shape = |east: f64| {
        json!({"type": "Polygon", "coordinates":
            [[[107.69, 12.0042], [east, 12.0042], [east, 12.0045], [107.69, 12.0045], [107.69, 12.0042]]]})
    };
    let props = merged(json!({"code": "LONG", "jurisdiction": "VN-72", "clearance_m": 900.0}), &road());
    let made = api.server.call("officer", "POST", CORRIDORS, Some(&feature(shape(109.69), props)));
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let then = now(&api);
    // Half a kilometre beyond its end.
    let mast = feature(json!({"type": "Point", "coordinates": [109.6950, 12.0043]}), json!({"kind": "mast"}));
    let told = |server: &TestServer, query: &str| {
        let answer =
            ask(server, "officer", &[("Min-Revision", "VN-99=2")], &format!("against=corridors{query}"), &mast);
        let result = &answer["results"][0];
        (result["conflict_count"].clone(), result["coverage"].clone(), answer["revision"].clone())
    };
    let live = told(&api.server, "");
    assert_eq!(live, (json!(1), json!("full"), json!({"VN-72": 2, "VN-99": 2})));
    let shortened = json!({"type": "Feature", "geometry": shape(107.70)});
    let changed = api.server.call("officer", "PATCH", &format!("{CORRIDORS}/{id}"), Some(&shortened));
    assert_eq!(changed.status, 200, "{}", changed.text);
    for server in [&api.server, &TestServer::start(&api.database)] {
        assert_eq!(told(server, &format!("&as-of={then}")), live);
    }
}

#[test]
fn what_reached_by_the_rules_of_then_is_found_whatever_the_rules_of_now() {
    let api = Api::new();
    load_rules(&api, "a", 900.0);
    // One is there still, under other rules; the other brought its own clearance, and is gone.
    let wide = api.road("WIDE", rect(0.0, 0.0, 200_300.0, 30.0));
    let own = merged(json!({"code": "OWN", "clearance_m": 900.0}), &road());
    let own = api.add(CORRIDORS, rect(0.0, 20_000.0, 200_300.0, 20_030.0), own);
    let then = now(&api);
    let revision = load_rules(&api, "b", 1.0);
    assert_eq!(api.send("officer", "DELETE", &format!("{CORRIDORS}/{own}"), &[], None).status, 204);
    let at_least = format!("VN-72={}", revision + 1);
    let more = [("Content-Crs", GRID), ("Min-Revision", at_least.as_str())];
    for server in [&api.server, &TestServer::start(&api.database)] {
        for north in [0.0, 20_000.0] {
            let mast = feature(point(200_800.0, north), json!({"kind": "mast"}));
            let count = |query: &str| {
                ask(server, "officer", &more, &format!("against=corridors{query}"), &mast)["results"][0]
                    ["conflict_count"]
                    .clone()
            };
            assert_eq!((count(&format!("&as-of={then}")), count("")), (json!(1), json!(0)), "{north} {wide}");
        }
    }
}

/// A cell at another moment is another bit, so nobody learns by moments when something came and when it went.
#[test]
fn a_cell_is_counted_for_each_moment_at_which_it_is_asked_about() {
    let api = Api::with(|settings| settings.notice_cells_per_hour = 2);
    let mut moments = Vec::new();
    for n in 0..4 {
        let hidden = json!({"code": format!("H-{n}"), "visibility": "restricted", "position_accuracy_m": 0});
        api.add(WORKS, point(4_000.0 * f64::from(n), 0.0), merged(hidden, &mast()));
        moments.push(now(&api));
    }
    let told = |as_of: &str, east: f64| {
        let query = format!("clearance_m=1{as_of}");
        !ask(&api.server, "", &[("Content-Crs", GRID)], &query, &point(east, 0.0))["results"][0]["notice"].is_null()
    };
    let empty = -20_000.0;
    assert!(told("", 0.0) && !told("", empty));
    for _ in 0..3 {
        assert!(told(&format!("&as-of={}", moments[0]), 0.0), "the same moment again costs nothing");
    }
    assert!(!told("", empty) && !told(&format!("&as-of={}", moments[0]), empty));
    assert!(told(&format!("&as-of={}", moments[1]), 0.0));
    assert!(told("", empty), "more were told than may be, and so everything is");
}

/// Far outside of its jurisdiction, where nothing else makes anybody look.
#[test]
fn the_end_of_what_was_hidden_then_is_told_by_its_cell_alone() {
    let api = Api::new();
    let hidden = json!({"code": "LONG", "kind": "buried_cable", "visibility": "restricted", "position_accuracy_m": 0});
    // Easting 610 123; the cell in which it ends reaches to 612 000.
    let end = 198_523.0;
    let id = api.add(WORKS, line(&[(0.0, 0.0), (end, 0.0)]), merged(hidden, &mast()));
    let then = now(&api);
    let told = |server: &TestServer, query: &str, beyond: f64| {
        let shape = point(end + beyond, 0.0);
        let answer = ask(server, "", &[("Content-Crs", GRID)], &format!("clearance_m=1{query}"), &shape);
        !answer["results"][0]["notice"].is_null()
    };
    let places = [20.0, 300.0, 900.0, 1_800.0, 1_870.0, 1_890.0];
    let live = places.map(|beyond| told(&api.server, "", beyond));
    assert_eq!(live, [true, true, true, true, true, false]);
    assert_eq!(api.send("officer", "DELETE", &format!("{WORKS}/{id}"), &[], None).status, 204);
    let query = format!("&as-of={then}");
    for server in [&api.server, &TestServer::start(&api.database)] {
        assert_eq!(places.map(|beyond| told(server, &query, beyond)), live);
        let (mut near, mut far) = (20.0, 8_000.0);
        while far - near > 0.05 {
            let middle = f64::midpoint(near, far);
            if told(server, &query, middle) { near = middle } else { far = middle }
        }
        assert!((far - 1_878.0).abs() < 0.1, "{far}: the edge of the cell, and the clearance");
    }
}
