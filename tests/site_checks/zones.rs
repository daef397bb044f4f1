//! What is counted in a zone: the columns that stand in it and those that may be built by a permit; and what changes there by the
//! thousand.

use std::fmt::Write as _;

use clearway::actions::site_check;
use clearway::domain::actor::Actor;
use clearway::domain::audit::hex;
use clearway::domain::site_check::{CheckCode, ENGINE, Said};
use serde_json::{Value as Json, json};

use crate::support::run_sql;
use crate::world::{CHECKS, REFERENCES, WORKS, World, finding, load, marked, pack_of, point, square};

/// What a check says now of a run that said something else; none where it says the same.
fn now(world: &World, id: &str, code: &str) -> Option<Json> {
    let run = world.run("officer", id);
    run["difference"].as_array().unwrap().iter().find(|d| d["code"] == code).map(|d| d["after"].clone())
}

fn zone(world: &World, half: f64, quota: u32) -> String {
    let zone = json!({"code": "Z", "kind": "zone", "organisation": "office", "quota": quota});
    world.add(REFERENCES, square(0.0, 0.0, half), zone)
}

fn request(code: &str, class: Option<&str>, visibility: &str) -> Json {
    json!({"code": code, "kind": "site_request", "organisation": "vnpt", "class": class, "visibility": visibility})
}

#[test]
fn a_permit_far_across_a_zone_fills_it_and_alters_its_runs() {
    let world = World::new();
    zone(&world, 3_000.0, 1);
    let run = world.ask("officer", 2_500.0, 0.0);
    let asked = world.add(REFERENCES, point(-2_500.0, 0.0), request("R", None, "government"));
    world.marked();
    assert_eq!(now(&world, &run, "ZON"), None, "it is asked for, and no more");
    world.delete(REFERENCES, &asked);
    let asked = world.add(REFERENCES, point(-2_500.0, 0.0), request("R", Some("permitted"), "government"));
    world.marked();
    assert_eq!(now(&world, &run, "ZON"), Some(json!("block")));
    let again = crate::marked::answers(&world, "officer", &[(2_500.0, 0.0)], "?store=no");
    let said = finding(&again[0], "ZON");
    assert_eq!((&said["key"], &said["measured"]["value"]), (&json!("zon-quota"), &json!(1.0)), "{said}");
    // Of whoever may not see it the answer is that nobody can tell.
    let carrier = crate::marked::answers(&world, "carrier", &[(2_500.0, 0.0)], "?store=no");
    let hidden = json!({"source": "site_request", "reason": "features_not_seen"});
    assert!(finding(&carrier[0], "ZON")["gaps"].as_array().unwrap().contains(&hidden), "{}", carrier[0]);
    assert!(!finding(&carrier[0], "SPC")["gaps"].as_array().unwrap().contains(&hidden), "it is 5 km away");
    // Its column is registered as to come, and then stands: it is one.
    let column = json!({"code": "M", "kind": "mast", "organisation": "vnpt", "status": "permitted"});
    world.add(WORKS, point(-2_490.0, 0.0), column);
    world.marked();
    let again = crate::marked::answers(&world, "officer", &[(2_500.0, 0.0)], "?store=no");
    assert_eq!(finding(&again[0], "ZON")["measured"]["value"], 1.0);
    world.delete(REFERENCES, &asked);
    world.marked();
    assert_eq!(now(&world, &run, "ZON"), Some(json!("block")), "the column is still there");
}

#[test]
fn what_is_hidden_in_a_zone_alters_the_runs_of_whoever_does_not_see_it() {
    let world = World::new();
    zone(&world, 9_000.0, 1);
    let run = world.ask("carrier", 8_500.0, 0.0);
    for (n, kind) in ["site_request", "school"].iter().enumerate() {
        let facts = json!({"code": format!("H-{n}"), "kind": kind, "organisation": "army", "visibility": "restricted"});
        let id = world.add(REFERENCES, point(-5_000.0, 0.0), facts);
        world.marked();
        assert!(now(&world, &run, "ZON").is_some(), "{kind}");
        world.delete(REFERENCES, &id);
        world.marked();
        assert_eq!(now(&world, &run, "ZON"), None, "{kind}");
    }
}

#[test]
fn an_import_of_thousands_into_one_zone_is_looked_at_once() {
    let world = World::new();
    zone(&world, 3_000.0, 1);
    let (inside, outside) = (world.ask("officer", 2_500.0, 0.0), world.ask("officer", 9_000.0, 0.0));
    world.marked();
    let mut lines = String::new();
    for n in 0..3_000 {
        let at = point(-2_000.0 + f64::from(n % 60) * 10.0, -2_000.0 + f64::from(n / 60) * 10.0);
        let facts = json!({"code": format!("M-{n}"), "kind": "mast", "organisation": "viettel"});
        writeln!(lines, "{}", crate::world::feature(at, facts)).unwrap();
    }
    let file = tempfile::NamedTempFile::with_suffix(".geojsonl").unwrap();
    std::fs::write(file.path(), lines).unwrap();
    let arguments = ["import", "works", "--jurisdiction", "VN-72", "--crs", "EPSG:9218", file.path().to_str().unwrap()];
    let imported = world.program(&arguments);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    marked(&world.database);
    assert_eq!(now(&world, &inside, "ZON"), Some(json!("block")));
    assert_eq!(world.run("officer", &outside)["difference"], json!([]));
}

/// A pack with figures of EMF.
fn emf_rules() -> String {
    let mut rules = pack_of("2", 100.0, 50.0);
    for (key, value, unit) in [
        ("power_density_w_m2", 2.0, "w_m2"),
        ("reflection_factor", 4.0, "ratio"),
        ("side_share", 0.1, "ratio"),
        ("down_share", 0.05, "ratio"),
        ("beamwidth_deg", 120.0, "deg"),
        ("co_sited_distance_m", 50.0, "m"),
    ] {
        let text = format!("[[parameter]]\nkey = \"site.emf.{key}\"\nvalue = {value:?}\nunit = \"{unit}\"\n");
        writeln!(rules, "{text}confidence = \"default\"").unwrap();
    }
    rules
}

/// What is co-sited radiates farther than the column looks by itself.
#[test]
fn a_building_in_the_field_of_what_is_co_sited_is_found_and_alters_its_runs() {
    let world = World::new();
    load(&world.database, &emf_rules());
    let transmitter = json!({"code": "T", "kind": "transmitter", "organisation": "vnpt", "eirp_w": 100_000.0,
        "frequency_mhz": 100.0, "height_agl_m": 40});
    world.add(REFERENCES, point(10.0, 0.0), transmitter);
    world.marked();
    let run = world.ask("officer", 0.0, 0.0);
    assert!(world.sql("SELECT max(reach_m) FROM site_checks").parse::<f64>().unwrap() > 500.0);
    let building =
        json!({"code": "B", "kind": "building", "organisation": "people", "height_agl_m": 39, "occupied": true});
    let id = world.add(REFERENCES, square(125.0, 0.0, 0.01), building);
    world.marked();
    assert_eq!(now(&world, &run, "EMF"), Some(json!("block")));
    world.delete(REFERENCES, &id);
    world.marked();
    assert_eq!(now(&world, &run, "EMF"), None);
}

/// What a finding tells since a later engine is no difference to a run of an earlier one: nobody is told of a change where there is
/// none.
#[test]
fn a_run_of_an_engine_that_told_no_distances_is_answered_as_it_was() {
    let world = World::new();
    load(&world.database, &emf_rules());
    world.marked();
    let run = world.ask("officer", 0.0, 0.0);
    let emf = |of: &Json| of["findings"].as_array().unwrap().iter().find(|f| f["code"] == "EMF").unwrap().clone();
    assert_eq!(emf(&world.run("officer", &run))["compliance"]["sectors"][0]["azimuth_deg"], 120.0);
    let replay = || world.send("officer", "GET", &format!("{CHECKS}/{run}/replay"), None).json();
    let made = site_check::replay(&world.database.context(), &Actor::operator(), run.parse().unwrap()).unwrap();
    let n = made.findings.iter().position(|finding| finding.code == CheckCode::Emf).unwrap();
    for engine in [Some(3), None] {
        assert_ne!(Said::by(&made.findings[n], engine), Said::of(&made.findings[n]));
        let digests = made.findings.iter().map(|finding| hex(&Said::by(finding, engine).digest));
        let digests: Vec<String> = digests.map(|digest| format!("\\\\x{digest}")).collect();
        let engine = engine.map_or("NULL".to_owned(), |engine| engine.to_string());
        let set = format!("engine = {engine}, digests = '{{{}}}'", digests.join(","));
        let change = format!("SET session_replication_role = replica; UPDATE site_checks SET {set}");
        run_sql(&world.database.url, &change);
        assert_eq!(replay()["differences"], json!([]), "{engine}");
        let facts = json!({"code": format!("O-{engine}"), "kind": "other", "organisation": "people"});
        world.add(REFERENCES, point(20.0, 0.0), facts);
        world.marked();
        assert_eq!(world.run("officer", &run)["difference"], json!([]), "{engine}");
    }
    // One of now is held against all that is told now.
    let change = format!("SET session_replication_role = replica; UPDATE site_checks SET engine = {ENGINE}");
    run_sql(&world.database.url, &change);
    let differ = replay()["differences"].clone();
    assert!(differ.as_array().unwrap().iter().any(|one| one["code"] == "EMF"), "{differ}");
}
