//! Marks at a border: what changes on one side alters runs on the other.

use std::sync::LazyLock;

use clearway::actions::site_check::{self, Asked, Question, SiteCheck};
use clearway::actions::{Context, Witness, refresh};
use clearway::clock;
use clearway::domain::actor::Actor;
use clearway::domain::place::Delivered;
use clearway::domain::site_check::Subject;
use clearway::domain::work::WorkKind;
use clearway::geometry::{Coord, Epsg, Geometry, Point, crs};
use clearway::store::site_check_later as later;
use serde_json::{Value as Json, json};

use crate::marked::{Chance, ask, by_force, outdated};
use crate::world::{
    CHECKS, ORIGIN, REFERENCES, SIDES, WORKS, World, column, load_in, pack, pack_of, point, square, until,
};

/// A corner of the border, so many metres from the origin. South of it lies VN-35.
static CORNER: LazyLock<Coord<f64>> = LazyLock::new(|| {
    let corner = Geometry::Point(Point::new(107.5, 11.785));
    let Geometry::Point(there) = crs::project(&corner, Epsg::WGS84, Epsg(9218)).unwrap() else { unreachable!() };
    Coord { x: there.x() - ORIGIN[0], y: there.y() - ORIGIN[1] }
});

/// So many metres east and north of the corner, from the origin.
pub fn at(east: f64, north: f64) -> (f64, f64) {
    (CORNER.x + east, CORNER.y + north)
}

pub fn spot(east: f64, north: f64) -> Json {
    let (east, north) = at(east, north);
    point(east, north)
}

pub fn area(east: f64, north: f64, half: f64) -> Json {
    let (east, north) = at(east, north);
    square(east, north, half)
}

fn ask_at(world: &World, east: f64, north: f64) -> String {
    let (east, north) = at(east, north);
    world.ask("carrier", east, north)
}

fn mast(code: &str, side: &str) -> Json {
    json!({"code": code, "jurisdiction": side, "kind": "mast", "organisation": "viettel", "position_accuracy_m": 0})
}

/// What a check says now of a run that said something else; none where it says the same.
fn now(world: &World, id: &str, code: &str) -> Option<Json> {
    let run = world.run("officer", id);
    run["difference"].as_array().unwrap().iter().find(|d| d["code"] == code).map(|d| d["after"].clone())
}

fn marks_of(world: &World, id: &str) -> String {
    world.sql(&format!("SELECT count(*) FROM site_check_marks WHERE run = '{id}'"))
}

/// Of a zone that lies across the border every column counts, on whichever side, and however far from the place.
#[test]
fn a_column_in_a_zone_across_the_border_alters_its_runs() {
    for of_zone in SIDES {
        let world = World::with_neighbour([&pack("1", 100.0), &pack("1", 100.0)]);
        let zone = json!({"code": "Z", "jurisdiction": of_zone, "kind": "zone", "organisation": "office", "quota": 1});
        world.add(REFERENCES, area(0.0, 0.0, 3_000.0), zone);
        let runs = [ask_at(&world, 0.0, 2_500.0), ask_at(&world, 0.0, -2_500.0)];
        for (side, north) in [("VN-35", -600.0), ("VN-72", 600.0)] {
            let id = world.add(WORKS, spot(0.0, north), mast("M", side));
            world.marked();
            for run in &runs {
                assert_eq!(now(&world, run, "ZON"), Some(json!("block")), "the zone of {of_zone}, the mast in {side}");
            }
            world.delete(WORKS, &id);
            world.marked();
            for run in &runs {
                assert_eq!(now(&world, run, "ZON"), None, "the zone of {of_zone}, no mast in {side}");
            }
        }
    }
}

/// A column that somebody does not see is hidden from him in that zone, too.
#[test]
fn a_hidden_column_in_a_zone_across_the_border_alters_its_runs() {
    let world = World::with_neighbour([&pack("1", 100.0), &pack("1", 100.0)]);
    let zone = json!({"code": "Z", "jurisdiction": "VN-72", "kind": "zone", "organisation": "office", "quota": 1});
    world.add(REFERENCES, area(0.0, 3_000.0, 9_000.0), zone);
    let run = ask_at(&world, 0.0, 11_000.0);
    let mut hidden = mast("M", "VN-35");
    (hidden["visibility"], hidden["organisation"]) = (json!("restricted"), json!("army"));
    world.add(WORKS, spot(0.0, -3_000.0), hidden);
    world.marked();
    assert_eq!(marks_of(&world, &run), "1");
}

/// The rules of the place judge it: they may let something across the border matter that does not by those there.
#[test]
fn what_the_rules_at_home_reach_across_the_border_is_looked_at_again() {
    for visibility in ["public", "restricted"] {
        let world = World::with_neighbour([&pack_of("wide", 100.0, 3_000.0), &pack_of("narrow", 100.0, 10.0)]);
        let [home, far] = [ask_at(&world, 0.0, 300.0), ask_at(&world, 0.0, -300.0)];
        let heritage = json!({"code": "H", "jurisdiction": "VN-35", "kind": "heritage", "organisation": "office",
            "visibility": visibility});
        let id = world.add(REFERENCES, spot(0.0, -2_500.0), heritage);
        world.marked();
        assert_eq!(marks_of(&world, &home), "1", "{visibility}");
        if visibility == "public" {
            assert_eq!(now(&world, &home, "HER"), Some(json!("warn")));
            assert_eq!(now(&world, &far, "HER"), None, "10 m are asked for there");
        }
        world.delete(REFERENCES, &id);
        world.marked();
        assert_eq!(now(&world, &home, "HER"), None, "{visibility}");
    }
}

/// Asks on a state that an instance of its own shows, and keeps none of it.
fn asked_on(context: &Context, east: f64, north: f64) -> Vec<SiteCheck> {
    let (east, north) = at(east, north);
    let subject = Subject {
        kind: WorkKind::Mast,
        column_class: None,
        height_agl_m: 30.0,
        ground_amsl_m: None,
        accuracy_m: 0.0,
        organisation: None,
        request: None,
        antennas: Vec::new(),
        starts_on: None,
        ends_on: None,
    };
    let shape = Geometry::Point(Point::new(ORIGIN[0] + east, ORIGIN[1] + north));
    let delivered = Delivered { shape, crs: Epsg(9218) };
    let asked = Asked { name: "late".into(), pointer: String::new(), delivered, subject };
    let question = Question { at: clock::now(), min_revision: Vec::new() };
    site_check::check(context, &Actor::operator(), &[asked], &question).unwrap()
}

/// A run that is kept after something far across the border was marked for others did not look there at all.
#[test]
fn a_run_that_is_kept_late_is_looked_at_for_what_it_did_not_look_at() {
    let world = World::with_neighbour([&pack_of("wide", 100.0, 9_000.0), &pack_of("narrow", 100.0, 10.0)]);
    let context = world.database.context();
    refresh::catch_up_all(&context).unwrap();
    let first = ask_at(&world, 0.0, 7_000.0);
    let checks = asked_on(&context, 0.0, 7_000.0);
    assert_eq!(checks[0].revisions.keys().collect::<Vec<_>>(), ["VN-72"], "nothing is there, and it is far");
    let heritage = json!({"code": "H", "jurisdiction": "VN-35", "kind": "heritage", "organisation": "office"});
    world.add(REFERENCES, spot(0.0, -500.0), heritage);
    world.marked();
    assert_eq!(now(&world, &first, "HER"), Some(json!("warn")));
    let operator = Actor::operator();
    let kept = site_check::keep(&context, Witness::new(&operator, "test"), &checks, &|_, _| {
        Ok(json!({"findings": []}).to_string())
    });
    let kept = kept.unwrap().into_iter().flatten().next().unwrap().id;
    world.marked();
    let marked = world.sql(&format!("SELECT codes FROM site_check_marks WHERE run = '{kept}'"));
    assert!(marked.contains("HER"), "{marked}");
}

/// What a mark looked at matters to the run as what the run itself looked at.
#[test]
fn a_run_looks_at_what_its_mark_looked_at() {
    let world = World::with_neighbour([&pack_of("narrow", 100.0, 10.0), &pack_of("narrow", 100.0, 10.0)]);
    let heritage = json!({"code": "H", "jurisdiction": "VN-35", "kind": "heritage", "organisation": "office"});
    world.add(REFERENCES, spot(0.0, -500.0), heritage);
    world.marked();
    let run = ask_at(&world, 0.0, 7_000.0);
    let looked_at = || {
        let all = later::that_looked_at(&mut world.database.connect(), "VN-35").unwrap();
        all.iter().any(|id| id.to_string() == run)
    };
    assert!(!looked_at());
    load_in(&world.database, "VN-72", &pack_of("wide", 100.0, 9_000.0));
    world.marked();
    assert_eq!(now(&world, &run, "HER"), Some(json!("warn")));
    assert!(looked_at());
}

/// One edit on either side of the border, out of all sorts that reach over it.
fn edit(world: &World, chance: &mut Chance, n: u32, there: &mut Vec<(&'static str, String)>) -> &'static str {
    let mut metres = || chance.metres(8_000) - 4_000.0;
    let (east, north) = (metres(), metres());
    let side = SIDES[usize::try_from(chance.below(2)).unwrap()];
    let code = format!("E-{n}");
    match chance.below(10) {
        0..=2 if !there.is_empty() => {
            let at = usize::try_from(chance.below(there.len() as u64)).unwrap();
            let (items, id) = there.swap_remove(at);
            world.delete(items, &id);
            "delete"
        }
        3 => {
            let zone = json!({"code": code, "jurisdiction": side, "kind": "zone", "organisation": "office",
                "quota": 1 + chance.below(2)});
            there.push((REFERENCES, world.add(REFERENCES, area(east / 4.0, north / 4.0, 1_800.0), zone)));
            "zone"
        }
        4 if n.is_multiple_of(3) => {
            let heritage = if side == "VN-72" { 2_500.0 } else { 30.0 };
            load_in(&world.database, side, &pack_of(&format!("r{n}"), 100.0 + chance.metres(200), heritage));
            "rules"
        }
        4..=6 => {
            let kind = ["heritage", "heritage", "school", "defence_area"][usize::try_from(chance.below(4)).unwrap()];
            let visibility =
                ["public", "public", "restricted", "government"][usize::try_from(chance.below(4)).unwrap()];
            // Heritage over there, for it is far from here by the rules of here alone.
            let side = if kind == "heritage" { "VN-35" } else { side };
            let facts = json!({"code": code, "jurisdiction": side, "kind": kind, "organisation": "army",
                "visibility": visibility});
            let near = if side == "VN-72" { north.abs() } else { -north.abs() };
            there.push((REFERENCES, world.add(REFERENCES, area(east / 4.0, near, 100.0), facts)));
            "reference"
        }
        7 => {
            let facts = json!({"code": code, "kind": "mast", "organisation": "army", "visibility": "restricted"});
            there.push((WORKS, world.add(WORKS, spot(east, north), facts)));
            "hidden work"
        }
        _ => {
            let facts = json!({"code": code, "kind": "mast", "organisation": "viettel", "position_accuracy_m": 0});
            there.push((WORKS, world.add(WORKS, spot(east, north), facts)));
            "work"
        }
    }
}

/// Waits until the server asked shows the present revisions of both sides.
pub fn until_shown(world: &World) {
    let (east, north) = at(0.0, 0.0);
    let revision = |code| -> i64 {
        world.sql(&format!("SELECT revision FROM revisions WHERE jurisdiction = '{code}'")).parse().unwrap()
    };
    let expect = SIDES.map(revision);
    until("the index shows it", || {
        let answer = world.send("officer", "POST", &format!("{CHECKS}?store=no"), Some(&column(east, north)));
        let shown = answer.json()["results"][0]["revision"].clone();
        SIDES.iter().zip(&expect).all(|(code, expect)| shown[code] == *expect)
    });
}

#[test]
fn exactly_those_runs_on_both_sides_are_marked_of_which_the_answer_changes() {
    let world = World::with_neighbour([&pack_of("1", 200.0, 2_500.0), &pack_of("1", 100.0, 30.0)]);
    let mut chance = Chance(3);
    let mut all = Vec::new();
    for role in ["carrier", "officer"] {
        let mut metres = || chance.metres(8_000) - 4_000.0;
        let places: Vec<(f64, f64)> = (0..20).map(|_| (metres(), metres())).map(|(e, n)| at(e, n)).collect();
        all.extend(ask(&world, role, &places));
    }
    let (mut there, mut sizes) = (Vec::new(), Vec::new());
    for n in 0..60 {
        let what = edit(&world, &mut chance, n, &mut there);
        until_shown(&world);
        world.marked();
        let expect = by_force(&world, &all);
        assert_eq!(outdated(&world), expect, "edit {n}: {what}");
        sizes.push(expect.len());
    }
    assert!(sizes.iter().any(|n| *n > 0), "{sizes:?}");
}
