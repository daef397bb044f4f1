//! What an asker may not see, at the doors of site checks: told by 2 km cells as one, and no finer; what restricted features an
//! answer rests on is written down, listed or not.

use std::collections::BTreeSet;

use clearway::actions::{Witness, coverage, jurisdiction};
use clearway::domain::actor::Actor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::domain::layer::Layer;
use clearway::domain::reference::ReferenceKind;
use clearway::domain::word::Word;
use clearway::geometry::encoding::geojson;
use serde_json::{Value as Json, json};

use crate::support::vn72_draft;
use crate::world::{CHECKS, REFERENCES, WORKS, World, column, finding, point, square, until};

const SEARCH: &str = "/api/site-search";
const CELL_M: f64 = 2_000.0;
/// The origin of the world on the grid.
const ORIGIN: [f64; 2] = [411_600.0, 1_327_600.0];

/// Everything is declared to be known, so that nothing but what is hidden is a gap.
fn declared() -> World {
    let world = World::new();
    let kinds = ReferenceKind::ALL.iter().map(|(kind, _)| (Layer::References, Some(*kind)));
    let context = world.database.context();
    for (layer, kind) in [(Layer::Works, None), (Layer::Corridors, None)].into_iter().chain(kinds) {
        let as_of = Some("2026-03-01".parse().unwrap());
        let draft = CoverageDraft { layer, kind, source: "survey".into(), as_of, boundary: vn72_draft().boundary };
        coverage::declare(&context, Witness::new(&Actor::operator(), "test"), "VN-72", draft).unwrap();
    }
    let revision: i64 = world.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'").parse().unwrap();
    until("the index shows it", || check(&world, "officer", 0.0, 0.0)["revision"]["VN-72"] == revision);
    world
}

/// What the checks say of a column at a place, without its name and place.
fn check(world: &World, role: &str, east: f64, north: f64) -> Json {
    let answer = world.send(role, "POST", &format!("{CHECKS}?store=no"), Some(&column(east, north)));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"][0].clone()
}

/// The findings without their drawings, and without how far it is to the boundary.
fn said(result: &Json) -> String {
    let mut findings = result["findings"].clone();
    for finding in findings.as_array_mut().unwrap() {
        finding["geometry"] = Json::Null;
        if finding["code"] == "GEO" {
            finding["measured"] = Json::Null;
        }
    }
    findings.to_string()
}

/// The sources of which an answer says that something of them is hidden.
fn hidden_sources(result: &Json) -> BTreeSet<String> {
    let gaps = result["findings"].as_array().unwrap().iter().flat_map(|f| f["gaps"].as_array().unwrap().clone());
    let hidden = gaps.filter(|gap| gap["reason"] == "features_not_seen");
    hidden.map(|gap| gap["source"].as_str().unwrap().to_owned()).collect()
}

fn add(world: &World, kind: &str, visibility: &str, east: f64, more: &Json) -> String {
    let mut facts = json!({"code": format!("{kind}-{visibility}"), "kind": kind, "organisation": "office",
        "visibility": visibility});
    facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.add(REFERENCES, square(east, 100.0, 10.0), facts)
}

/// From a place where nothing is told to one where something is, both on a line to the east: where the answer changes.
fn edge(told_at: impl Fn(f64) -> bool, mut silent: f64, mut told: f64) -> f64 {
    assert!(!told_at(silent) && told_at(told), "{silent} {told}");
    while (told - silent).abs() > 0.5 {
        let middle = f64::midpoint(silent, told);
        if told_at(middle) { told = middle } else { silent = middle }
    }
    told
}

/// How far it is from a place that is `east` of the origin to the next edge of a cell, widened by the reach of a question.
fn off_cells(east: f64, reach: f64) -> f64 {
    let at = (ORIGIN[0] + east + reach).rem_euclid(CELL_M);
    at.min(CELL_M - at)
}

#[test]
fn bisecting_by_checks_and_by_searches_ends_at_the_edge_of_a_cell() {
    let world = declared();
    let free = check(&world, "carrier", 700.0, 700.0);
    assert!(hidden_sources(&free).is_empty(), "{free}");
    let facts = json!({"code": "H-1", "kind": "mast", "organisation": "vnpt", "visibility": "restricted",
        "position_accuracy_m": 0});
    let work = world.add(WORKS, point(7_000.0, 100.0), facts);
    let reach_m = {
        let run = world.ask("carrier", 700.0, 700.0);
        world.sql(&format!("SELECT reach_m FROM site_checks WHERE id = '{run}'")).parse::<f64>().unwrap()
    };
    let heritage = ("heritage", json!({}));
    let transmitter = ("transmitter", json!({"eirp_w": 100.0, "frequency_mhz": 900.0, "height_agl_m": 30}));
    let hide = |what: &(&str, Json)| (REFERENCES, add(&world, what.0, "restricted", 7_000.0, &what.1));
    let mut there = Some((WORKS, work));
    for next in [Some(heritage), Some(transmitter), None] {
        let told = |east: f64| !hidden_sources(&check(&world, "carrier", east, 100.0)).is_empty();
        let at = edge(told, 1_000.0, 6_500.0);
        assert!(off_cells(at, reach_m) < 1.0, "{at} {reach_m}");
        // Where it stands in truth the same is said as anywhere in its cells.
        let answers: BTreeSet<String> = [at + 1.0, 6_400.0, 6_900.0, 7_000.0, 7_050.0]
            .into_iter()
            .map(|east| said(&check(&world, "carrier", east, 100.0)))
            .collect();
        assert_eq!(answers.len(), 1, "{answers:#?}");
        // A search ranks places by the same answers: what is told of each depends on its cells.
        let area = |east: f64| {
            let mut wanted = column(east, 100.0);
            wanted["properties"]["radius_m"] = json!(40.0);
            wanted["properties"]["spacing_m"] = json!(20.0);
            let found = world.send("carrier", "POST", SEARCH, Some(&wanted));
            assert_eq!(found.status, 200, "{}", found.text);
            found.json()
        };
        let all_told = |east: f64| {
            let found = area(east);
            let features = found["features"].as_array().unwrap();
            features.iter().all(|feature| !hidden_sources(&feature["properties"]).is_empty())
        };
        let by_search = edge(all_told, 1_000.0, 6_500.0);
        assert!((by_search - at).abs() < 65.0, "{by_search} {at}");
        let inside: BTreeSet<String> =
            area(7_000.0)["features"].as_array().unwrap().iter().map(|feature| said(&feature["properties"])).collect();
        assert_eq!(inside.len(), 1, "{inside:#?}");
        if let Some((items, id)) = there.take() {
            world.delete(items, &id);
        }
        there = next.as_ref().map(hide);
    }
}

#[test]
fn of_hidden_reference_features_nobody_hears_of_which_kind_they_are() {
    let world = declared();
    let (mut answers, mut sources) = (BTreeSet::new(), BTreeSet::new());
    for (kind, more) in [
        ("site_request", json!({})),
        ("transmitter", json!({"eirp_w": 100.0, "frequency_mhz": 900.0})),
        ("heritage", json!({})),
        ("other", json!({})),
    ] {
        let id = add(&world, kind, "restricted", 500.0, &more);
        let result = check(&world, "carrier", 0.0, 0.0);
        sources.insert(hidden_sources(&result));
        answers.insert(said(&result));
        world.delete(REFERENCES, &id);
    }
    assert_eq!((answers.len(), sources.len()), (1, 1), "{answers:#?}");
    let sources = sources.pop_first().unwrap();
    assert!(sources.contains("site_request") && sources.contains("heritage"), "{sources:?}");
    assert!(!sources.contains("works") && !sources.contains("defence_area"), "{sources:?}");
    // Of a defence area it is told that the army is asked, and nothing else.
    let before = check(&world, "carrier", 0.0, 0.0);
    add(&world, "defence_area", "restricted", 500.0, &json!({}));
    let after = check(&world, "carrier", 0.0, 0.0);
    assert!(hidden_sources(&after).is_empty(), "{after}");
    assert_eq!(
        (&finding(&before, "DEF")["verdict"], &finding(&after, "DEF")["verdict"]),
        (&json!("pass"), &json!("warn"))
    );
}

/// The restricted features that were written down, by a code each; forgets them.
fn noted(world: &World, expect: &[&str]) {
    let all = |select: &str| world.sql(select);
    let codes = "SELECT coalesce(string_agg(DISTINCT code, ' ' ORDER BY code), '') FROM restricted_reads AS r
        JOIN (SELECT id, code FROM works UNION ALL SELECT id, code FROM reference_features) AS f ON f.id = ANY (r.ids)
        WHERE door LIKE '/api/site-%'";
    let expect = expect.join(" ");
    until(&format!("{expect} is written down; there is {}", all(codes)), || all(codes) == expect);
}

#[test]
fn whatever_an_answer_rests_on_is_written_down() {
    let world = declared();
    // None of them is evidence: of a defence area nothing is shown, transmitters are summed, a zone states a spacing.
    add(&world, "defence_area", "restricted", 100.0, &json!({"code": "ARMY"}));
    check(&world, "officer", 0.0, 0.0);
    noted(&world, &["ARMY"]);
    let urban = json!({"code": "TOWN", "kind": "urban_area", "organisation": "office", "visibility": "restricted"});
    world.add(REFERENCES, square(8_000.0, 0.0, 300.0), urban);
    check(&world, "officer", 8_000.0, 0.0);
    noted(&world, &["ARMY", "TOWN"]);
    let zone = json!({"code": "ZONE", "kind": "zone", "organisation": "office", "visibility": "public", "quota": 5});
    world.add(REFERENCES, square(16_000.0, 0.0, 3_000.0), zone);
    let far = json!({"code": "FAR", "kind": "mast", "organisation": "vnpt", "visibility": "restricted"});
    world.add(WORKS, point(18_500.0, 0.0), far);
    check(&world, "officer", 14_000.0, 0.0);
    noted(&world, &["ARMY", "FAR", "TOWN"]);
    // A carrier is told nothing that would have to be written down.
    check(&world, "carrier", 0.0, 0.0);
    noted(&world, &["ARMY", "FAR", "TOWN"]);
    // Which place is the best rests on all that were looked at.
    let monument = json!({"code": "LAST", "kind": "monument", "organisation": "office", "visibility": "restricted"});
    world.add(REFERENCES, square(-8_000.0, 0.0, 50.0), monument);
    let mut wanted = column(-8_200.0, 0.0);
    wanted["properties"]["radius_m"] = json!(250.0);
    wanted["properties"]["spacing_m"] = json!(50.0);
    let found = world.send("officer", "POST", &format!("{SEARCH}?limit=1"), Some(&wanted));
    assert_eq!(found.status, 200, "{}", found.text);
    assert!(finding(&found.json()["features"][0]["properties"], "HER")["evidence"].as_array().unwrap().is_empty());
    noted(&world, &["ARMY", "FAR", "LAST", "TOWN"]);
}

#[test]
fn the_revision_of_a_jurisdiction_is_told_where_it_says_something_or_is_near() {
    let world = declared();
    let first = check(&world, "carrier", 0.0, 0.0);
    let at = |n: usize| first["subject"]["geometry"]["coordinates"][n].as_f64().unwrap();
    // A district some 27 km to the east, and a monument of it 9 km from the place that is asked about.
    let (west, south) = (at(0) + 0.25, at(1));
    let corner = |x: f64, y: f64| json!([west + 0.02 * x, south + 0.02 * y]);
    let ring = [corner(0.0, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.0, 1.0), corner(0.0, 0.0)];
    let boundary = geojson::geometry(&json!({"type": "Polygon", "coordinates": [ring]}), 10).unwrap();
    let draft = JurisdictionDraft { code: "VN-35".into(), boundary, ..vn72_draft() };
    jurisdiction::register(&world.database.context(), Witness::new(&Actor::operator(), "test"), draft).unwrap();
    until("it is there", || world.send("officer", "GET", &format!("{WORKS}?jurisdiction=VN-35"), None).status == 200);
    let told = |role: &str, east: f64| -> Vec<String> {
        check(&world, role, east, 0.0)["revision"].as_object().unwrap().keys().cloned().collect()
    };
    let facts = json!({"code": "M", "kind": "monument", "organisation": "office", "visibility": "restricted",
        "jurisdiction": "VN-35"});
    let id = world.add(REFERENCES, square(9_000.0, 0.0, 50.0), facts);
    // Between it and the district, where nothing of the district is near: its box is no secret kept by cells.
    assert_eq!(told("carrier", 16_000.0), ["VN-72"]);
    assert_eq!(told("carrier", 0.0), ["VN-72"]);
    assert_eq!(told("carrier", 9_000.0), ["VN-35", "VN-72"]);
    assert_eq!(told("officer", 9_000.0), ["VN-35", "VN-72"]);
    assert_eq!(told("officer", 16_000.0), ["VN-72"]);
    assert!(told("carrier", 26_000.0).contains(&"VN-35".to_owned()));
    world.delete(REFERENCES, &id);
}
