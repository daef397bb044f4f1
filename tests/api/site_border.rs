//! Site checks at a border: what stands on the other side is kept on another grid, by other rules, and counts all the same.

use clearway::config::Settings;
use clearway::domain::actor::Actor;
use serde_json::{Value as Json, json};

use crate::conflicts_asked::with_neighbour_and;
use crate::help::{Api, REFERENCES, WORKS, assert_near, feature, mast, merged};
use crate::rules::{VN, load_as, pack};
use crate::site_check::{NOW, SITES, declare, evidence, finding};
use crate::support::{brought_in, is_led};

/// A corner of the border; VN-35 is what lies south of it, on a grid with another meridian.
pub const CORNER: [f64; 2] = [107.5, 11.785];

/// A degree there, m.
const DEGREE_M: [f64; 2] = [108_990.0, 110_630.0];

const SIDES: [&str; 2] = ["VN-72", "VN-35"];

/// So many metres east and north of the corner.
fn at((east, north): (f64, f64)) -> Json {
    json!([CORNER[0] + east / DEGREE_M[0], CORNER[1] + north / DEGREE_M[1]])
}

fn point(east: f64, north: f64) -> Json {
    json!({"type": "Point", "coordinates": at((east, north))})
}

pub fn rect(west: f64, south: f64, east: f64, north: f64) -> Json {
    let corners = [(west, south), (east, south), (east, north), (west, north), (west, south)];
    json!({"type": "Polygon", "coordinates": [corners.map(at)]})
}

/// Both sides with a pack of each.
pub fn sides(packs: [&str; 2]) -> Api {
    sides_with(packs, |_| {})
}

/// The same with other settings.
pub fn sides_with(packs: [&str; 2], change: impl FnOnce(&mut Settings)) -> Api {
    let (database, server) = with_neighbour_and(change);
    let api = Api { server, database };
    for (code, text) in SIDES.iter().zip(packs) {
        load_as(&api, &Actor::operator(), &[code], text).unwrap();
    }
    api
}

fn revisions(api: &Api) -> String {
    let of = |code: &str| api.sql(&format!("SELECT revision FROM revisions WHERE jurisdiction = '{code}'")).unwrap();
    SIDES.map(|code| format!("{code}={}", of(code))).join(", ")
}

fn send(api: &Api, path: &str, document: &Json) -> Json {
    let headers = [("Content-Type", "application/geo+json"), ("Min-Revision", &*revisions(api))];
    let answer = api.send("officer", "POST", path, &headers, Some(document));
    assert!([200, 201].contains(&answer.status), "{}", answer.text);
    answer.json()
}

pub fn add(api: &Api, items: &str, side: &str, code: &str, shape: Json, more: Json) {
    let usual = json!({"code": code, "organisation": "office", "jurisdiction": side});
    let document = feature(shape, merged(more, &usual));
    if is_led(&document) {
        brought_in(&api.server, &api.database, 4326, &document);
    } else {
        send(api, items, &document);
    }
}

/// What is said of a column of 42 m, or as it says, so many metres from the corner.
fn checked(api: &Api, (east, north): (f64, f64), column: Json) -> Json {
    let document = feature(point(east, north), merged(column, &json!({"height_agl_m": 42})));
    send(api, &format!("{SITES}?store=no&{NOW}"), &document)["results"][0].clone()
}

#[test]
fn a_runway_on_the_other_side_has_its_surfaces_here() {
    for (side, there) in [("VN-35", -1.0), ("VN-72", 1.0)] {
        let api = sides([VN; 2]);
        let strip = json!({"type": "LineString",
            "coordinates": [at((-1_000.0, there * 2_500.0)), at((1_000.0, there * 2_500.0))]});
        let facts = json!({"kind": "runway", "elevation_from_m": 600, "elevation_to_m": 600});
        add(&api, REFERENCES, side, "RWY", strip, facts);
        for (height, verdict) in [(40.0, "pass"), (40.5, "block")] {
            let column = json!({"ground_amsl_m": 605, "height_agl_m": height});
            let result = checked(&api, (0.0, there * -300.0), column);
            assert_ne!(result["jurisdiction"], side);
            let air = finding(&result, "AIR");
            // Nobody declared that all runways are there.
            let verdict = if verdict == "pass" { "not_checked" } else { verdict };
            assert_eq!((&air["verdict"], evidence(air)), (&json!(verdict), vec!["RWY"]), "{air}");
            assert_near(&air["limit"]["value"], Some(645.0), "the inner horizontal surface");
        }
    }
}

#[test]
fn a_field_is_measured_across_the_border() {
    let column = |eirp: f64, azimuth: Json| json!({"antennas": [{"frequency_mhz": 1800, "eirp_w": eirp, "azimuth_deg": azimuth}]});
    let house = json!({"kind": "building", "height_agl_m": 42, "occupied": true});
    let sender = json!({"kind": "transmitter", "eirp_w": 20_000, "height_agl_m": 42});
    // A transmitter on one side, a building on the other, 50 m apart: 20 kW · 4 / (4π · 50²) = 2.55 W/m².
    for (of_sender, sign) in [("VN-35", 1.0), ("VN-72", -1.0)] {
        let api = sides([VN; 2]);
        let of_house = if of_sender == "VN-35" { "VN-72" } else { "VN-35" };
        let (near, far) = if sign > 0.0 { (20.0, 30.0) } else { (-30.0, -20.0) };
        add(&api, REFERENCES, of_sender, "TX", point(0.0, sign * -30.0), sender.clone());
        add(&api, REFERENCES, of_house, "HOUSE", rect(-2.0, near, 2.0, far), house.clone());
        for north in [10.0, -10.0] {
            let result = checked(&api, (0.0, north), column(1.0, Json::Null));
            let emf = finding(&result, "EMF");
            assert_eq!((&emf["verdict"], evidence(emf)), (&json!("block"), vec!["HOUSE"]), "{of_sender}: {emf}");
            let density = emf["measured"]["value"].as_f64().unwrap();
            assert!((2.54..2.58).contains(&density), "{of_sender}: {emf}");
        }
    }
    // A building on the other side in the beam, and behind it.
    let api = sides([VN; 2]);
    add(&api, REFERENCES, "VN-35", "HOUSE", rect(-2.0, -20.0, 2.0, -12.0), house);
    for (azimuth, verdict) in [(180, "block"), (0, "not_checked")] {
        let result = checked(&api, (0.0, 10.0), column(10_000.0, json!(azimuth)));
        let emf = finding(&result, "EMF");
        assert_eq!(emf["verdict"], verdict, "{azimuth}: {emf}");
        let share = if azimuth == 180 { 1.0 } else { 0.1 };
        let expect = 10_000.0 * share / (std::f64::consts::PI * 22.0 * 22.0);
        assert!((emf["measured"]["value"].as_f64().unwrap() / expect - 1.0).abs() < 0.01, "{azimuth}: {emf}");
    }
}

#[test]
fn a_zone_is_full_with_columns_on_both_sides() {
    // Whose zone it is, and where it is asked: there and here.
    for (of_zone, from) in [("VN-72", 100.0), ("VN-35", 100.0), ("VN-72", -1_450.0), ("VN-35", -1_450.0)] {
        let api = sides([VN; 2]);
        let quota = json!({"kind": "zone", "name": "Khu giáp ranh", "quota": 2});
        add(&api, REFERENCES, of_zone, "Z", rect(-100.0, -1_500.0, 100.0, 900.0), quota);
        let said = || finding(&checked(&api, (0.0, from), json!({})), "ZON").clone();
        for (code, side, north) in [("S", "VN-35", -700.0), ("N", "VN-72", 800.0)] {
            assert_ne!(said()["verdict"], "block", "{of_zone} {from} {code}");
            add(&api, WORKS, side, code, point(0.0, north), merged(json!({"position_accuracy_m": 0}), &mast()));
        }
        let zone = said();
        assert_eq!((&zone["verdict"], &zone["key"]), (&json!("block"), &json!("zon-quota")), "{of_zone} {from}");
        assert_eq!(zone["measured"], json!({"value": 2.0, "unit": "count"}));
    }
}

/// A run on either side, and on the border itself, looks at both and is made again as it was.
#[test]
fn a_run_at_the_border_is_kept_and_replayed() {
    let api = sides([VN; 2]);
    let drawn = rect(-10.0, -40.0, 10.0, -30.0);
    add(&api, REFERENCES, "VN-35", "SCHOOL", drawn, json!({"kind": "school"}));
    add(&api, REFERENCES, "VN-72", "HERITAGE", rect(-10.0, 30.0, 10.0, 40.0), json!({"kind": "heritage"}));
    add(&api, WORKS, "VN-35", "M-S", point(0.0, -200.0), merged(json!({"position_accuracy_m": 0}), &mast()));
    add(&api, WORKS, "VN-72", "M-N", point(0.0, 201.0), merged(json!({"position_accuracy_m": 0}), &mast()));
    for north in [-5.0, -0.001, 0.0, 0.001, 5.0] {
        let document = feature(point(0.0, north), json!({"height_agl_m": 42}));
        let result = send(&api, &format!("{SITES}?{NOW}"), &document)["results"][0].clone();
        if north != 0.0 {
            assert_eq!(result["jurisdiction"], if north < 0.0 { "VN-35" } else { "VN-72" }, "{north}");
        }
        assert_eq!(result["revision"].as_object().unwrap().keys().collect::<Vec<_>>(), ["VN-35", "VN-72"], "{north}");
        for (code, expect) in [("SEN", vec!["SCHOOL"]), ("HER", vec!["HERITAGE"])] {
            assert_eq!(evidence(finding(&result, code)), expect, "{north} {result}");
        }
        let mut columns = evidence(finding(&result, "SPC"));
        columns.sort_unstable();
        assert_eq!(columns, ["M-N", "M-S"], "{north}");
        let distance = finding(&result, "SEN")["measured"]["value"].as_f64().unwrap();
        assert!((distance - (30.0 + north)).abs() < 0.05, "{north}: {distance}");
        let replay =
            api.send("officer", "GET", &format!("{SITES}/{}/replay", result["id"].as_str().unwrap()), &[], None);
        assert_eq!(replay.json()["same"], true, "{north}: {}", replay.text);
    }
}

/// What is declared has to hold the ground as far as something on it matters, monuments for 200 m; of runways it speaks of the
/// place itself.
#[test]
fn ground_beyond_the_border_is_not_covered_by_what_is_declared_on_this_side() {
    use clearway::domain::site_check::sources;
    let api = sides([VN; 2]);
    declare(&api, sources().to_vec());
    for (north, sen, her) in [
        (30.0, "not_checked", "not_checked"),
        (60.0, "pass", "not_checked"),
        (120.0, "pass", "not_checked"),
        (210.0, "pass", "pass"),
    ] {
        let result = checked(&api, (0.0, north), json!({"ground_amsl_m": 600}));
        let said = ["SEN", "HER", "AIR"].map(|code| finding(&result, code)["verdict"].clone());
        assert_eq!(said, [json!(sen), json!(her), json!("pass")], "{north}");
    }
    let near = checked(&api, (0.0, 30.0), json!({}));
    let gap = json!([{"source": "school", "reason": "layer_not_covered"}, {"source": "hospital", "reason": "layer_not_covered"}]);
    assert_eq!(finding(&near, "SEN")["gaps"], gap);
}

/// The rules of the place judge it: a neighbour that asks for less does not hide what stands there.
#[test]
fn the_rules_of_the_place_count_on_both_sides() {
    let less = pack("less", &["site.sensitive.distance_m 10", "site.heritage.distance_m 10"]);
    let api = sides([VN, &less]);
    add(&api, REFERENCES, "VN-35", "SCHOOL", point(0.0, -30.0), json!({"kind": "school"}));
    add(&api, REFERENCES, "VN-72", "NORTH", point(0.0, 58.0), json!({"kind": "school"}));
    for (north, expect) in [(15.0, vec!["SCHOOL", "NORTH"]), (10.0, vec!["SCHOOL", "NORTH"]), (25.0, vec!["NORTH"])] {
        let result = checked(&api, (0.0, north), json!({}));
        let sen = finding(&result, "SEN");
        let mut found = evidence(sen);
        found.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!((found, &sen["limit"]["value"]), (expect, &json!(50.0)), "{north}: {sen}");
    }
    // South of it 10 m are asked for.
    let result = checked(&api, (0.0, -15.0), json!({}));
    assert!(evidence(finding(&result, "SEN")).is_empty(), "{result}");
}
