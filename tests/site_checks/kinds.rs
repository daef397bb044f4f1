//! Marks at a border and far from it, by the rules of the fixtures: whatever kind of feature changes, exactly those runs are
//! marked of which the answer changes.

use clearway::actions::{Witness, coverage};
use clearway::domain::actor::Actor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::layer::Layer;
use serde_json::{Value as Json, json};

use crate::border::{area, at, spot, until_shown};
use crate::marked::{Chance, ask, by_force, outdated};
use crate::support::{vn35_draft, vn72_draft};
use crate::world::{CORRIDORS, REFERENCES, SIDES, WORKS, World, load_in};

/// The rules of the fixtures with another spacing of columns, m.
fn whole_pack(version: &str, spacing: f64) -> String {
    let text = include_str!("../../fixtures/rules/VN-2027-01.toml");
    let before = "key = \"site.spacing.elsewhere_m\"\nvalue = 500";
    assert!(text.contains(before));
    let other = text.replace(before, &format!("key = \"site.spacing.elsewhere_m\"\nvalue = {spacing:?}"));
    other.replace("version = \"2027-01\"", &format!("version = \"{version}\""))
}

fn line(east: f64, north: f64, half: f64) -> Json {
    let end = |east| spot(east, north)["coordinates"].clone();
    json!({"type": "LineString", "coordinates": [end(east - half), end(east + half)]})
}

fn pick<'a>(chance: &mut Chance, of: &[&'a str]) -> &'a str {
    of[usize::try_from(chance.below(of.len() as u64)).unwrap()]
}

/// A feature of some kind, with its shape.
fn feature(chance: &mut Chance, kind: &str, (east, north): (f64, f64)) -> (Json, Json) {
    match kind {
        "building" => (area(east, north, 10.0), json!({"height_agl_m": 40, "occupied": true})),
        "transmitter" => {
            let eirp_w = 1_000.0 + chance.metres(90_000);
            (spot(east, north), json!({"eirp_w": eirp_w, "frequency_mhz": 100, "height_agl_m": 41}))
        }
        "road" => (line(east, north, 700.0), json!({"class": pick(chance, &["III", "V"])})),
        "power_line" => (line(east, north, 900.0), json!({"voltage_kv": 110})),
        "runway" => (line(east, north, 1_500.0), json!({"elevation_from_m": 600, "elevation_to_m": 605})),
        "urban_area" => (area(east, north, 900.0), json!({})),
        "boundary" => (area(east, north, 3_000.0), json!({})),
        "freeze_window" => (area(east, north, 900.0), json!({"valid_from": "2026-01-01"})),
        "heritage" => (area(east, north, 60.0), json!({})),
        "defence_area" => (area(east, north, 300.0), json!({})),
        "zone" => (area(east, north, 4_000.0), json!({"quota": 1 + chance.below(2), "column_classes": ["A2a"]})),
        "site_request" => (spot(east, north), json!({"class": pick(chance, &["permitted", "asked"])})),
        _ => (spot(east, north), json!({})),
    }
}

const KINDS: [&str; 16] = [
    "building",
    "transmitter",
    "road",
    "power_line",
    "runway",
    "urban_area",
    "boundary",
    "freeze_window",
    "zone",
    "site_request",
    "monument",
    "government_front",
    "hospital",
    "heritage",
    "school",
    "defence_area",
];

/// One edit on either side, beside a place that somebody asked about or anywhere.
fn edit(
    world: &World,
    chance: &mut Chance,
    n: u32,
    places: &[(f64, f64)],
    there: &mut Vec<(&'static str, String)>,
) -> String {
    let place = places[usize::try_from(chance.below(places.len() as u64)).unwrap()];
    let by = if chance.below(3) == 0 { 3_000 } else { 80 };
    let mut near = |from: f64| from + chance.metres(2 * by) - chance.metres(by);
    let (east, north) = (near(place.0), near(place.1));
    let side = if north < 0.0 { "VN-35" } else { "VN-72" };
    let code = format!("E-{n}");
    match chance.below(12) {
        0..=2 if !there.is_empty() => {
            let at = usize::try_from(chance.below(there.len() as u64)).unwrap();
            let (items, id) = there.swap_remove(at);
            world.delete(items, &id);
            "delete".into()
        }
        3 => {
            let (draft, layer) = (if side == "VN-72" { vn72_draft() } else { vn35_draft() }, Layer::Works);
            let draft = CoverageDraft { layer, kind: None, source: code, as_of: None, boundary: draft.boundary };
            let (context, operator) = (world.database.context(), Actor::operator());
            coverage::declare(&context, Witness::new(&operator, "test"), side, draft).unwrap();
            "coverage".into()
        }
        4 if n.is_multiple_of(3) => {
            let side = SIDES[usize::try_from(chance.below(2)).unwrap()];
            load_in(&world.database, side, &whole_pack(&code, 300.0 + chance.metres(200)));
            "rules".into()
        }
        5 => {
            let road = json!({"code": code, "kind": "road", "status": "in_force", "organisation": "roads-board"});
            there.push((CORRIDORS, world.add(CORRIDORS, area(east, north, 150.0), road)));
            "corridor".into()
        }
        6 | 7 => {
            let facts = json!({"code": code, "kind": "mast", "organisation": "vnpt", "position_accuracy_m": 2,
                "visibility": pick(chance, &["public", "restricted"]), "status": pick(chance, &["permitted", "in_service"])});
            there.push((WORKS, world.add(WORKS, spot(east, north), facts)));
            "work".into()
        }
        _ => {
            let kind = pick(chance, &KINDS);
            let visibility = pick(chance, &["public", "public", "restricted", "government"]);
            let (shape, mut facts) = feature(chance, kind, (east, north));
            let own = json!({"code": code, "jurisdiction": side, "kind": kind, "organisation": "vnpt",
                "visibility": visibility});
            facts.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
            there.push((REFERENCES, world.add(REFERENCES, shape, facts)));
            format!("{visibility} {kind}")
        }
    }
}

#[test]
fn of_every_kind_near_the_border_and_far_from_it_exactly_those_runs_are_marked() {
    let world = World::with_neighbour([&whole_pack("1", 500.0), &whole_pack("1", 400.0)]);
    let mut chance = Chance(17);
    let mut places = Vec::new();
    // At the border, and 9 to 13 km from it on both sides.
    for (count, from) in [(8, -1_500.0), (4, 9_000.0), (4, -13_000.0)] {
        for _ in 0..count {
            places.push((chance.metres(4_000) - 2_000.0, from + chance.metres(if count == 8 { 3_000 } else { 4_000 })));
        }
    }
    let asked: Vec<(f64, f64)> = places.iter().map(|(east, north)| at(*east, *north)).collect();
    let mut all = ask(&world, "carrier", &asked);
    all.extend(ask(&world, "officer", &asked));
    let (mut there, mut changed) = (Vec::new(), 0);
    for n in 0..70 {
        let what = edit(&world, &mut chance, n, &places, &mut there);
        until_shown(&world);
        world.marked();
        let expect = by_force(&world, &all);
        assert_eq!(outdated(&world), expect, "edit {n}: {what}");
        changed += usize::from(!expect.is_empty());
    }
    assert!(changed > 20, "{changed}");
}

/// What reaches over many runs at once, as the surfaces of a runway do: those whose answer changes, and no other.
#[test]
fn a_runway_a_zone_or_a_boundary_marks_whom_it_reaches() {
    let world = World::with_neighbour([&whole_pack("1", 500.0), &whole_pack("1", 400.0)]);
    // Beside the runway, under its approach, and out of all of it.
    let places = [(0.0, 1_500.0), (0.0, -1_500.0), (4_500.0, 1_000.0), (1_500.0, 900.0), (-2_000.0, 11_000.0)];
    let asked: Vec<(f64, f64)> = places.iter().map(|(east, north)| at(*east, *north)).collect();
    let all = ask(&world, "officer", &asked);
    let cases = [
        ("runway", line(0.0, 1_000.0, 1_500.0), json!({"elevation_from_m": 20, "elevation_to_m": 25}), "AIR"),
        ("zone", area(0.0, 0.0, 2_000.0), json!({"column_classes": ["A1a"]}), "ZON"),
        ("boundary", area(0.0, 0.0, 2_000.0), json!({"name": "Xã"}), "GEO"),
    ];
    for (side, (kind, shape, more, code)) in SIDES.iter().cycle().zip(cases.iter().flat_map(|case| [case, case])) {
        let mut facts = json!({"code": "K", "jurisdiction": side, "kind": kind, "organisation": "office"});
        facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let id = world.add(REFERENCES, shape.clone(), facts);
        until_shown(&world);
        world.marked();
        let expect = by_force(&world, &all);
        assert_eq!(outdated(&world), expect, "{kind} of {side}");
        let runs = expect.iter().filter(|(_, of, _)| of == code).count();
        assert!((2..places.len()).contains(&runs), "{kind} of {side} alters {runs} runs: {expect:?}");
        world.delete(REFERENCES, &id);
        world.marked();
        assert_eq!(outdated(&world).len(), 0, "without the {kind} of {side}");
    }
}
