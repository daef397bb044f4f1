//! Runs are marked by themselves where their answer changes: exactly those, once, and whoever was away catches up.

use std::collections::BTreeSet;

use diesel::RunQueryDsl;
use serde_json::{Value as Json, json};

use crate::support::TestServer;
use crate::world::{
    CHECKS, CORRIDORS, Process, REFERENCES, WORKS, World, column, load, marked, pack, point, program, send, settings,
    sql, square,
};

/// Numbers that look like chance and are the same in every run.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    #[allow(clippy::cast_precision_loss)] // small numbers
    pub fn metres(&mut self, most: u64) -> f64 {
        self.below(most) as f64
    }
}

/// What two answers are compared by.
fn essence(result: &Json) -> Vec<Json> {
    let one = |f: &Json| {
        let evidence: Vec<Json> = f["evidence"].as_array().unwrap().clone();
        json!([
            f["code"],
            f["verdict"],
            f["message"],
            f["measured"],
            f["limit"],
            f["rule"],
            evidence,
            f["consult"],
            f["outcome"],
            f["gaps"]
        ])
    };
    result["findings"].as_array().unwrap().iter().map(one).collect()
}

pub struct Asked {
    role: &'static str,
    at: (f64, f64),
    id: String,
    first: Vec<Json>,
}

pub fn ask(world: &World, role: &'static str, places: &[(f64, f64)]) -> Vec<Asked> {
    let results = answers(world, role, places, "");
    let asked = |(at, result): (&(f64, f64), &Json)| Asked {
        role,
        at: *at,
        id: result["id"].as_str().unwrap().to_owned(),
        first: essence(result),
    };
    places.iter().zip(&results).map(asked).collect()
}

pub fn answers(world: &World, role: &str, places: &[(f64, f64)], query: &str) -> Vec<Json> {
    let columns: Vec<Json> = places.iter().map(|(east, north)| column(*east, *north)).collect();
    let all = json!({"type": "FeatureCollection", "features": columns});
    let answer = world.send(role, "POST", &format!("{CHECKS}{query}"), Some(&all));
    assert!(answer.status < 300, "{}", answer.text);
    answer.json()["results"].as_array().unwrap().clone()
}

/// Runs, each with the checks that now say something else, and what they come to.
pub type Outdated = BTreeSet<(String, String, String)>;

/// The runs that are answered otherwise now, by asking all of them again.
pub fn by_force(world: &World, all: &[Asked]) -> Outdated {
    let mut differ = BTreeSet::new();
    for role in ["carrier", "officer", "other-carrier"] {
        let of_role: Vec<&Asked> = all.iter().filter(|asked| asked.role == role).collect();
        let places: Vec<(f64, f64)> = of_role.iter().map(|asked| asked.at).collect();
        if places.is_empty() {
            continue;
        }
        let now = answers(world, role, &places, "?store=no");
        for (asked, now) in of_role.iter().zip(&now) {
            let changed = asked.first.iter().zip(essence(now)).filter(|(first, now)| *first != now);
            let text = |value: &Json| value.as_str().unwrap().to_owned();
            differ.extend(changed.map(|(_, now)| (asked.id.clone(), text(&now[0]), text(&now[1]))));
        }
    }
    differ
}

pub fn outdated(world: &World) -> Outdated {
    let answer = world.send("officer", "GET", &format!("{CHECKS}?outdated=yes&limit=500"), None);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let all = answer.json();
    let runs = all["site_checks"].as_array().unwrap().iter();
    let of_run = |r: &Json| -> Vec<_> {
        let differences = r["difference"].as_array().unwrap().iter();
        differences.map(|d| (text(&r["id"]), text(&d["code"]), text(&d["after"]))).collect()
    };
    runs.flat_map(of_run).collect()
}

/// One edit out of all sorts, with what can be taken back.
fn edit(world: &World, chance: &mut Chance, n: u32, there: &mut Vec<(&'static str, String)>) -> &'static str {
    let (east, north) = (chance.metres(6_000), chance.metres(6_000));
    let code = format!("E-{n}");
    if n % 15 == 7 {
        let square = json!({"type": "Polygon", "coordinates": [[[107.5, 11.9], [107.71, 11.9], [107.71, 12.1], [107.5, 12.1],
            [107.5, 11.9]]]});
        let file = tempfile::NamedTempFile::with_suffix(".geojson").unwrap();
        std::fs::write(file.path(), square.to_string()).unwrap();
        let layer = ["works", "school", "heritage", "corridors"][n as usize / 15];
        let declared = world.program(&[
            "coverage",
            "add",
            "--layer",
            layer,
            "--jurisdiction",
            "VN-72",
            "--source",
            "s",
            "--boundary",
            file.path().to_str().unwrap(),
        ]);
        assert!(declared.status.success(), "{}", String::from_utf8_lossy(&declared.stderr));
        return "coverage";
    }
    let kinds = ["heritage", "school", "defence_area", "urban_area", "hospital", "site_request", "freeze_window"];
    match chance.below(10) {
        0 | 1 if !there.is_empty() => {
            let at = usize::try_from(chance.below(there.len() as u64)).unwrap();
            let (items, id) = there.swap_remove(at);
            world.delete(items, &id);
            "delete"
        }
        2 => {
            let road = json!({"code": code, "kind": "road", "status": "in_force", "organisation": "roads-board"});
            there.push((CORRIDORS, world.add(CORRIDORS, square(east, north, 150.0), road)));
            "corridor"
        }
        3 | 4 => {
            let kind = kinds[usize::try_from(chance.below(kinds.len() as u64)).unwrap()];
            let visibility = ["public", "restricted", "government"][usize::try_from(chance.below(3)).unwrap()];
            let facts = json!({"code": code, "kind": kind, "organisation": "army", "visibility": visibility});
            there.push((REFERENCES, world.add(REFERENCES, square(east, north, 120.0), facts)));
            "reference"
        }
        5 => {
            let facts = json!({"code": code, "kind": "zone", "organisation": "office", "quota": 1,
                "column_classes": ["A2a"], "height_max_m": 30, "spacing_m": 300});
            there.push((REFERENCES, world.add(REFERENCES, square(east, north, 900.0), facts)));
            "zone"
        }
        6 => {
            load(&world.database, &pack(&format!("r{n}"), 100.0 + chance.metres(500)));
            "rules"
        }
        7 => {
            let facts = json!({"code": code, "kind": "mast", "organisation": "viettel", "visibility": "restricted"});
            there.push((WORKS, world.add(WORKS, point(east, north), facts)));
            "hidden work"
        }
        8 if !there.is_empty() => {
            let (items, id) = &there[usize::try_from(chance.below(there.len() as u64)).unwrap()];
            let other = json!({"properties": {"organisation": "mobifone", "code": code}});
            let changed = world.send("officer", "PATCH", &format!("{items}/{id}"), Some(&other));
            // What a workflow leads is changed by its steps alone.
            assert!(matches!(changed.status, 200 | 204 | 409 | 422), "{}", changed.text);
            "owner"
        }
        _ => {
            there.push((WORKS, world.mast(&code, east, north)));
            "work"
        }
    }
}

#[test]
fn exactly_those_runs_are_marked_of_which_the_answer_changes() {
    let world = World::new();
    let mut chance = Chance(7);
    let mut all = Vec::new();
    for role in ["carrier", "officer"] {
        let places: Vec<(f64, f64)> = (0..30).map(|_| (chance.metres(6_000), chance.metres(6_000))).collect();
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
    // All of it taken back, and the first rules: every answer is the first one again.
    for (items, id) in there {
        world.delete(items, &id);
    }
    load(&world.database, &pack("1", 500.0));
    until_shown(&world);
    world.marked();
    assert_eq!(outdated(&world), by_force(&world, &all));
    assert!(sizes.iter().any(|n| *n > 0), "{sizes:?}");
    let repeated = "SELECT count(*) FROM site_check_marks AS m JOIN site_check_marks AS next
        ON next.run = m.run AND next.number = m.number + 1 AND (next.codes, next.digests) = (m.codes, m.digests)";
    assert_eq!(world.sql(repeated), "0", "a mark says something new");
}

/// Waits until the server asked shows the present revision.
fn until_shown(world: &World) {
    let revision: i64 = world.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'").parse().unwrap();
    crate::world::until("the index shows it", || {
        let answer = world.send("officer", "POST", &format!("{CHECKS}?store=no"), Some(&column(0.0, 0.0)));
        answer.json()["results"][0]["revision"]["VN-72"] == revision
    });
}

#[test]
fn a_run_shows_what_differs_and_later_that_nothing_does() {
    let world = World::new();
    let (near, far) = (world.ask("carrier", 0.0, 0.0), world.ask("carrier", 5_000.0, 0.0));
    let mast = world.mast("DNO-1", 200.0, 0.0);
    world.marked();
    let run = world.run("carrier", &near);
    assert_eq!(run["current"], false);
    let spc = run["difference"].as_array().unwrap().iter().find(|d| d["code"] == "SPC").unwrap().clone();
    assert_eq!(spc["after"], "warn", "{run:#}");
    assert_eq!(world.run("carrier", &far)["current"], true);
    world.delete(WORKS, &mast);
    world.marked();
    let run = world.run("carrier", &near);
    assert_eq!((&run["current"], &run["difference"]), (&json!(true), &json!([])));
    assert_eq!(world.sql("SELECT count(*) FROM site_check_marks"), "2", "one for each change of an answer");
}

/// Who has to be asked, and which rule is named, is part of the answer.
#[test]
fn whose_a_column_is_and_how_a_rule_stands_is_part_of_an_answer() {
    let world = World::new();
    let mast = world.mast("DNO-1", 200.0, 0.0);
    let id = world.ask("carrier", 0.0, 0.0);
    let patched = |facts: Json| {
        let path = format!("{WORKS}/{mast}");
        let changed = world.send("officer", "PATCH", &path, Some(&json!({"properties": facts})));
        assert_eq!(changed.status, 200, "{}", changed.text);
    };
    let spacing = || {
        world.marked();
        let run = world.run("carrier", &id);
        let differs: Vec<&str> =
            run["difference"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
        (run["current"] == true, differs.contains(&"SPC"))
    };
    for (changed, back) in [
        (json!({"organisation": "mobifone"}), json!({"organisation": "viettel"})),
        (json!({"code": "DNO-2"}), json!({"code": "DNO-1"})),
    ] {
        patched(changed);
        assert_eq!(spacing(), (false, true));
        patched(back);
        assert_eq!(spacing(), (true, false));
    }
    let elsewhere = "key = \"site.spacing.elsewhere_m\"\nvalue = 500.0\nunit = \"m\"\nconfidence = \"";
    let checked = pack("2", 500.0).replace(&format!("{elsewhere}default"), &format!("{elsewhere}check"));
    load(&world.database, &checked);
    assert_eq!(spacing(), (false, true));
    load(&world.database, &pack("3", 500.0));
    assert_eq!(spacing(), (true, false));
}

/// A column that is to stand from a later day on is near already.
#[test]
fn a_column_that_is_to_stand_later_is_known_today() {
    let world = World::new();
    let day = |days: u32| world.sql(&format!("SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date + {days}"));
    let mast = |code: &str, status: &str, east: f64, more: Json| {
        let mut facts = json!({"code": code, "kind": "mast", "organisation": "viettel", "status": status});
        facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.add(WORKS, point(east, 0.0), facts);
    };
    mast("TO-COME", "permitted", 200.0, json!({"valid_from": day(1)}));
    mast("OVER", "in_service", 5_200.0, json!({"valid_to": "2026-01-01"}));
    let spacing = |east: f64| {
        let run = world.run("officer", &world.ask("officer", east, 0.0));
        let of = run["findings"].as_array().unwrap().iter().find(|f| f["code"] == "SPC").unwrap().clone();
        (of["verdict"].clone(), of["evidence"][0]["code"].clone())
    };
    assert_eq!(spacing(0.0), (json!("warn"), json!("TO-COME")));
    assert_ne!(spacing(5_000.0).0, "warn");
    // Far from the place it takes a place of the quota, and is one that could be shared.
    mast("FAR", "permitted", 14_000.0, json!({"valid_from": day(1)}));
    mast("GONE", "permitted", 13_000.0, json!({"valid_to": "2026-01-01"}));
    let zone = json!({"code": "Z", "kind": "zone", "organisation": "office", "quota": 1, "sharing_required": true});
    world.add(REFERENCES, square(12_500.0, 0.0, 2_500.0), zone);
    let run = world.run("officer", &world.ask("officer", 10_100.0, 0.0));
    let of = run["findings"].as_array().unwrap().iter().find(|f| f["code"] == "ZON").unwrap().clone();
    assert_eq!((&of["verdict"], &of["measured"]["value"]), (&json!("block"), &json!(1.0)), "{of}");
}

#[test]
fn what_somebody_may_not_see_is_in_no_mark() {
    let world = World::new();
    let runs = [world.ask("carrier", 0.0, 0.0), world.ask("officer", 0.0, 0.0)];
    let hidden = json!({"code": "SECRET-7", "kind": "school", "organisation": "army", "visibility": "restricted"});
    let id = world.add(REFERENCES, point(20.0, 0.0), hidden);
    world.marked();
    let [carrier, officer] = [world.run("carrier", &runs[0]), world.run("officer", &runs[1])];
    let of = |run: &Json, code: &str| {
        run["difference"].as_array().unwrap().iter().find(|d| d["code"] == code).map(|d| d["after"].clone())
    };
    // By the cell alone: nobody can tell. That it is a school so near is for whoever sees it.
    assert_eq!(of(&officer, "SEN"), Some(json!("warn")), "{officer:#}");
    assert_ne!(of(&carrier, "SEN"), Some(json!("warn")), "{carrier:#}");
    let shown = carrier.to_string();
    assert!(!shown.contains("SECRET-7") && !shown.contains(&id), "{shown}");
    let of_carrier = format!("SELECT string_agg(m::text, ' ') FROM site_check_marks AS m WHERE run = '{}'", runs[0]);
    let stored = world.sql(&of_carrier);
    assert!(!stored.contains("SECRET-7") && !stored.contains(&id), "{stored}");
}

#[test]
fn two_servers_mark_once() {
    let world = World::new();
    let second = TestServer::with(settings(&world.database));
    let runs: Vec<String> = (0..8).map(|n| world.ask("carrier", f64::from(n) * 10.0, 0.0)).collect();
    for n in 0..10 {
        let facts =
            json!({"code": format!("M-{n}"), "kind": "mast", "organisation": "viettel", "position_accuracy_m": 0});
        let here = crate::world::feature(point(100.0 + f64::from(n), 3.0), facts);
        let server = if n % 2 == 0 { &world.server } else { &second };
        assert_eq!(send(server, "officer", "POST", WORKS, Some(&here)).status, 201);
        if n % 3 == 0 {
            world.marked();
        }
    }
    world.marked();
    let repeated = "SELECT count(*) FROM site_check_marks AS m JOIN site_check_marks AS next
        ON next.run = m.run AND next.number = m.number + 1 AND (next.codes, next.digests) = (m.codes, m.digests)";
    assert_eq!(world.sql(repeated), "0");
    for run in runs {
        assert_eq!(world.run("carrier", &run)["current"], false);
    }
    // What marks writes is followed by nothing: all stands still.
    let marks = world.sql("SELECT count(*) FROM site_check_marks");
    let revision = world.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'");
    world.ask("officer", 9_000.0, 0.0);
    world.marked();
    assert_eq!(world.sql("SELECT count(*) FROM site_check_marks"), marks);
    let later: i64 = world.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'").parse().unwrap();
    assert_eq!(later, revision.parse::<i64>().unwrap() + 1);
}

#[test]
fn whoever_was_away_catches_up() {
    let world = World::new();
    let (near, far) = (world.ask("carrier", 0.0, 0.0), world.ask("carrier", 5_000.0, 0.0));
    world.marked();
    let World { server, database } = world;
    drop(server);
    let file = tempfile::NamedTempFile::with_suffix(".geojson").unwrap();
    let school = crate::world::feature(
        point(20.0, 0.0),
        json!({"code": "S-1", "kind": "school", "organisation": "office", "dataset": "schools"}),
    );
    std::fs::write(file.path(), school.to_string()).unwrap();
    let arguments =
        ["import", "references", "--jurisdiction", "VN-72", "--crs", "EPSG:9218", file.path().to_str().unwrap()];
    let imported = program(&database, &arguments);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    assert_eq!(sql(&database, "SELECT count(*) FROM site_check_marks"), "0");
    let world = World { server: TestServer::with(settings(&database)), database };
    marked(&world.database);
    let run = world.run("carrier", &near);
    assert!(run["difference"].as_array().unwrap().iter().any(|d| d["code"] == "SEN"), "{run:#}");
    assert_eq!(world.run("carrier", &far)["current"], true);
}

#[test]
fn a_server_that_is_killed_leaves_nothing_half_marked() {
    let world = World::new();
    let mut chance = Chance(11);
    let places: Vec<(f64, f64)> = (0..20).map(|_| (chance.metres(1_500), chance.metres(1_500))).collect();
    let all = ask(&world, "carrier", &places);
    let World { mut server, mut database } = world;
    for n in 0..4 {
        drop(server);
        let process = Process::start(&database);
        let school = json!({"code": format!("K-{n}"), "kind": "school", "organisation": "office"});
        let at = point(chance.metres(1_500), chance.metres(1_500));
        process.add(REFERENCES, &crate::world::feature(at, school));
        // Whether it has marked by now nobody knows.
        drop(process);
        server = TestServer::with(settings(&database));
        marked(&database);
        let again = World { server, database };
        assert_eq!(outdated(&again), by_force(&again, &all), "round {n}");
        let World { server: next, database: same } = again;
        (server, database) = (next, same);
    }
}

/// A pack may reach farther than the one by which a run was kept.
#[test]
fn what_wider_rules_reach_is_looked_at_again() {
    let world = World::new();
    let id = world.ask("carrier", 0.0, 0.0);
    load(&world.database, &pack("2", 2_000.0));
    world.marked();
    let spacing = |run: &Json| {
        let all = run["difference"].as_array().unwrap();
        all.iter().find(|d| d["code"] == "SPC").map(|d| d["after"].clone())
    };
    assert_ne!(spacing(&world.run("carrier", &id)), Some(json!("warn")));
    let mast = world.mast("DNO-1", 1_500.0, 0.0);
    world.marked();
    assert_eq!(spacing(&world.run("carrier", &id)), Some(json!("warn")));
    world.delete(WORKS, &mast);
    world.marked();
    assert_ne!(spacing(&world.run("carrier", &id)), Some(json!("warn")));
}

/// What goes by its date alters an answer without any change.
#[test]
fn a_day_that_comes_is_looked_at_by_itself() {
    let world = World::new();
    let today = world.sql("SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date");
    let school = json!({"code": "S-1", "kind": "school", "organisation": "education", "valid_from": today});
    world.add(REFERENCES, point(20.0, 0.0), school);
    let yesterday = world.sql("SELECT to_char(now() - interval '1 day', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
    let answer = world.send("officer", "POST", &format!("{CHECKS}?at={yesterday}"), Some(&column(0.0, 0.0)));
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json()["results"][0]["id"].as_str().unwrap().to_owned();
    world.marked();
    assert_eq!(world.run("officer", &id)["current"], true, "it was asked for that day");
    // As if it had been kept yesterday, and looked at then.
    let mut conn = world.database.connect();
    for write in [
        "ALTER TABLE site_checks DISABLE TRIGGER USER",
        "UPDATE site_checks SET recorded_at = recorded_at - interval '1 day'",
        "ALTER TABLE site_checks ENABLE TRIGGER USER",
        "UPDATE site_check_progress SET day = day - 1",
    ] {
        diesel::sql_query(write).execute(&mut conn).unwrap();
    }
    let again = TestServer::with(crate::world::settings(&world.database));
    crate::world::until("the day is looked at", || world.sql("SELECT count(*) FROM site_check_marks") == "1");
    let run = crate::world::send(&again, "officer", "GET", &format!("{CHECKS}/{id}"), None).json();
    let said = run["difference"].as_array().unwrap().iter().find(|d| d["code"] == "SEN").unwrap().clone();
    assert_eq!((&run["current"], &said["after"]), (&json!(false), &json!("warn")), "{run:#}");
}
