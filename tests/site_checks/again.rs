//! Replay: the same answer after whatever came later, what was tampered with, and what another pack would say.

use std::process::Output;

use clearway::actions::{Witness, jurisdiction};
use clearway::config::Settings;
use clearway::domain::actor::Actor;
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::domain::site_check::ENGINE;
use clearway::geometry::encoding::geojson;
use serde_json::json;

use crate::border::{at, spot};
use crate::support::{TestServer, run_sql, vn35_draft};
use crate::world::{CHECKS, REFERENCES, WORKS, World, load, load_in, pack, point, send, settings, square};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_replay_is_the_same_whatever_came_later() {
    let world = World::new();
    let near = world.mast("DNO-1", 200.0, 0.0);
    let hidden = json!({"code": "H-1", "kind": "school", "organisation": "army", "visibility": "restricted"});
    let school = world.add(REFERENCES, point(30.0, 0.0), hidden);
    let runs = [world.ask("carrier", 0.0, 0.0), world.ask("officer", 0.0, 0.0), world.ask("officer", 900.0, 900.0)];
    let check = |when: &str| {
        for run in &runs {
            let replayed = world.program(&["replay", run]);
            assert!(replayed.status.success(), "{when}: {}", said(&replayed));
            assert!(said(&replayed).contains("The answer is the same."));
            let asked = world.send("officer", "GET", &format!("{CHECKS}/{run}/replay"), None).json();
            assert_eq!((&asked["same"], &asked["differences"]), (&json!(true), &json!([])), "{when}");
        }
    };
    check("at once");
    world.delete(crate::world::WORKS, &near);
    world.mast("DNO-2", 10.0, 0.0);
    check("after other works");
    let public = json!({"code": "H-1", "kind": "school", "organisation": "army", "visibility": "public"});
    let changed = world.send(
        "officer",
        "PUT",
        &format!("{REFERENCES}/{school}"),
        Some(&crate::world::feature(point(30.0, 0.0), public)),
    );
    assert_eq!(changed.status, 200, "{}", changed.text);
    check("after everybody may see what was hidden");
    load(&world.database, &pack("2", 50.0));
    check("after other rules");
    let area = tempfile::NamedTempFile::with_suffix(".geojson").unwrap();
    std::fs::write(
        area.path(),
        json!({"type": "Polygon", "coordinates": [[[107.5, 11.9], [107.9, 11.9], [107.9, 12.1],
        [107.5, 12.1], [107.5, 11.9]]]})
        .to_string(),
    )
    .unwrap();
    let arguments = ["coverage", "add", "--layer", "works", "--jurisdiction", "VN-72", "--source", "s", "--boundary"];
    let mut all = arguments.to_vec();
    all.push(area.path().to_str().unwrap());
    let declared = world.program(&all);
    assert!(declared.status.success(), "{}", said(&declared));
    check("after coverage");
    assert_eq!(world.send("other-carrier", "GET", &format!("{CHECKS}/{}/replay", runs[0]), None).status, 404);
}

#[test]
fn another_pack_says_what_would_change() {
    let world = World::new();
    world.mast("DNO-1", 200.0, 0.0);
    world.add(REFERENCES, square(0.0, 0.0, 500.0), json!({"code": "Z", "kind": "boundary", "organisation": "office"}));
    let run = world.ask("carrier", 0.0, 0.0);
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), pack("what-if", 150.0)).unwrap();
    let path = file.path().to_str().unwrap();
    let told = world.program(&["replay", &run, "--rules", path]);
    assert!(told.status.success(), "{}", said(&told));
    assert!(said(&told).starts_with("SPC warn -> "), "{}", said(&told));
    assert!(said(&told).contains("site.spacing.elsewhere_m 150 m"), "{}", said(&told));
    std::fs::write(file.path(), pack("1", 500.0)).unwrap();
    assert_eq!(said(&world.program(&["replay", &run, "--rules", path])), "Nothing would change.\n");
    // Over the door it is asked of what is or was loaded, with the same answer.
    let door = |role: &str, query: &str| world.send(role, "GET", &format!("{CHECKS}/{run}/replay{query}"), None);
    for (version, spacing) in [("2", 150.0), ("3", 500.0)] {
        load(&world.database, &pack(version, spacing));
    }
    let would = door("officer", "?rules=2");
    assert_eq!(would.status, 200, "{}", would.text);
    let would = would.json();
    assert_eq!((&would["same"], &would["rules"]), (&json!(false), &json!({"name": "T", "version": "2"})), "{would}");
    let spacing = would["differences"].as_array().unwrap().iter().find(|d| d["code"] == "SPC").unwrap();
    assert_eq!((&spacing["before"], &spacing["rule"]["value"]), (&json!("warn"), &json!(150.0)), "{spacing}");
    assert_eq!(spacing["limit"]["value"], 150.0, "{spacing}");
    assert!(!would.to_string().contains("DNO-1"), "no feature is named: {would}");
    for version in ["1", "3"] {
        let nothing = door("officer", &format!("?rules={version}")).json();
        assert_eq!((&nothing["same"], &nothing["differences"]), (&json!(true), &json!([])), "{version} {nothing}");
    }
    let then = door("officer", "").json();
    assert_eq!((&then["same"], &then["rules"]), (&json!(true), &json!(null)), "{then}");
    // What was never loaded is named, with what was.
    let unknown = door("officer", "?rules=what-if");
    assert_eq!((unknown.status, unknown.text.contains("there are 3, 2, 1")), (400, true), "{}", unknown.text);
    assert_eq!(door("officer", "?rules=2&rules=3").status, 400);
    // Rules may reach farther than the asker was told of: they are for whoever sees everything.
    assert_eq!(["?rules=2", "", "?rules=what-if"].map(|query| door("carrier", query).status), [403, 200, 403]);
    assert_eq!(["?rules=2", ""].map(|query| door("other-carrier", query).status), [404, 404]);
    std::fs::write(file.path(), "name = 1").unwrap();
    assert!(!world.program(&["replay", &run, "--rules", path]).status.success());
    assert!(world.program(&["replay", &run]).status.success(), "nothing was loaded");
}

#[test]
fn tampering_is_found() {
    let world = World::new();
    world.mast("DNO-1", 200.0, 0.0);
    let run = world.ask("carrier", 0.0, 0.0);
    let url = &world.database.url;
    let tamper = |set: &str| {
        run_sql(url, &format!("SET session_replication_role = replica; UPDATE site_checks SET {set}"));
        let replayed = world.program(&["replay", &run]);
        assert_eq!(replayed.status.code(), Some(1), "{set}: {}", said(&replayed));
        said(&replayed)
    };
    let row = "tampered: the stored run is not what its hash says";
    let event = "tampered: the hash of the stored run is not the one in the audit trail";
    for (set, back) in [
        ("document = document || ' '", "document = rtrim(document)"),
        ("verdicts[4] = 'pass'", "verdicts[4] = 'warn'"),
        ("roles = '{officer}'", "roles = '{carrier}'"),
        ("reach_m = reach_m + 1", "reach_m = reach_m - 1"),
        ("engine = engine + 1", "engine = engine - 1"),
    ] {
        let told = tamper(set);
        assert!(told.contains(row) && !told.contains(event), "{set}: {told}");
        run_sql(url, &format!("SET session_replication_role = replica; UPDATE site_checks SET {back}"));
        assert!(world.program(&["replay", &run]).status.success(), "{back}");
    }
    let told = tamper("hash = sha256(hash)");
    assert!(told.contains(row) && told.contains(event), "{told}");
    let answer = world.send("officer", "GET", &format!("{CHECKS}/{run}/replay"), None).json();
    assert_eq!((&answer["same"], &answer["tampered"]), (&json!(false), &json!(["row", "event"])));
    // The service itself cannot.
    let refused = std::panic::catch_unwind(|| run_sql(&world.database.service_url, "UPDATE site_checks SET name = ''"));
    assert!(refused.is_err());
    let refused = std::panic::catch_unwind(|| run_sql(url, "DELETE FROM site_checks"));
    assert!(refused.is_err(), "nor the owner, unless he takes away the trigger");
}

#[test]
fn what_was_said_for_want_of_a_budget_is_said_again() {
    let world = World::with(|settings| settings.notice_cells_per_hour = 1);
    for (n, east) in [0.0, 6_000.0, 12_000.0].into_iter().enumerate() {
        let hidden =
            json!({"code": format!("H-{n}"), "kind": "school", "organisation": "army", "visibility": "restricted"});
        world.add(REFERENCES, point(east, 0.0), hidden);
        world.ask("carrier", east, 0.0);
    }
    // Nothing is hidden here, and he is told so all the same.
    let run = world.ask("carrier", -20_000.0, 20_000.0);
    let budget = world.sql(&format!("SELECT cardinality(told_by_budget) FROM site_checks WHERE id = '{run}'"));
    assert_ne!(budget, "0");
    for _ in 0..2 {
        let replayed = world.program(&["replay", &run]);
        assert!(replayed.status.success(), "{}", said(&replayed));
    }
    world.mast("DNO-1", -20_000.0, 20_900.0);
    world.marked();
    assert_eq!(world.run("officer", &run)["current"], true, "what he asked since then counts for nothing");
    assert_eq!(world.run("carrier", &run)["current"], json!(null), "and he is told nothing more");
}

/// The budget ends in the middle of one question: what was asked before that was answered as it is.
#[test]
fn a_budget_that_ends_in_the_middle_of_a_question_hides_no_more_when_it_is_answered_again() {
    let world = World::with(|settings| settings.notice_cells_per_hour = 1);
    let zone = json!({"code": "Z", "kind": "zone", "organisation": "office", "quota": 9});
    world.add(REFERENCES, square(0.0, 0.0, 9_000.0), zone);
    for (n, north) in [-5_000.0, 5_000.0].into_iter().enumerate() {
        let hidden =
            json!({"code": format!("H-{n}"), "kind": "mast", "organisation": "army", "visibility": "restricted"});
        world.add(crate::world::WORKS, point(7_000.0, north), hidden);
    }
    // Near the place nothing is hidden. That columns are in the zone takes all he may hear of; of the requests in it, of which
    // none is hidden, he is told so all the same.
    let run = world.ask("carrier", 0.0, 0.0);
    let of_budget = |run: &str| world.sql(&format!("SELECT told_by_budget FROM site_checks WHERE id = '{run}'"));
    let zone = world.sql("SELECT id FROM reference_features");
    assert_eq!(of_budget(&run), format!("{{\"VN-72 references zone {zone}\"}}"));
    // Whatever he asks then is answered for want of a budget.
    let later = world.ask("carrier", 0.0, 0.0);
    assert!(of_budget(&later).contains("VN-72 references near"), "{}", of_budget(&later));
    for run in [&run, &later] {
        let replayed = world.program(&["replay", run]);
        assert!(replayed.status.success(), "{}", said(&replayed));
    }
    // A run that is older than what was asked was told apart means whatever was asked.
    let old =
        "UPDATE site_checks SET told_by_budget = '{VN-72 works,VN-72 corridors,VN-72 references,VN-72 defence_area}'";
    run_sql(&world.database.url, &format!("SET session_replication_role = replica; {old} WHERE id = '{later}'"));
    let replayed = said(&world.program(&["replay", &later]));
    assert!(replayed.starts_with("tampered") && !replayed.contains("different"), "{replayed}");
}

/// Under a pack by which columns matter farther away, neighbours count at which the run did not look: as they were then.
#[test]
fn another_pack_that_reaches_farther_looks_at_neighbours_as_they_were() {
    let world = World::with_neighbour([&pack("1", 100.0), &pack("1", 100.0)]);
    // A thousand kilometres to the north.
    let ring = json!([[107.6, 21.0], [107.7, 21.0], [107.7, 21.1], [107.6, 21.1], [107.6, 21.0]]);
    let boundary = geojson::geometry(&json!({"type": "Polygon", "coordinates": [ring]}), 100).unwrap();
    let far = JurisdictionDraft { code: "VN-22".into(), boundary, ..vn35_draft() };
    jurisdiction::register(&world.database.context(), Witness::new(&Actor::operator(), "test"), far).unwrap();
    let mast = |code: &str| {
        let facts = json!({"code": code, "jurisdiction": "VN-35", "kind": "mast", "organisation": "viettel",
            "position_accuracy_m": 0});
        world.add(crate::world::WORKS, spot(0.0, -3_000.0), facts)
    };
    let ask = || {
        let (east, north) = at(0.0, 14_000.0);
        let run = world.ask("carrier", east, north);
        let looked_at = world.sql(&format!("SELECT revisions ? 'VN-35' FROM site_checks WHERE id = '{run}'"));
        assert_eq!(looked_at, "false", "it is far from there");
        run
    };
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), pack("what-if", 20_000.0)).unwrap();
    let told = |run: &str| {
        let told = world.program(&["replay", run, "--rules", file.path().to_str().unwrap()]);
        assert!(told.status.success(), "{}", said(&told));
        said(&told)
    };
    let without = ask();
    let there = mast("DNB-1");
    let with = ask();
    world.delete(crate::world::WORKS, &there);
    let after = ask();
    mast("DNB-2");
    for (run, counts) in [(&without, false), (&with, true), (&after, false)] {
        let told = told(run);
        assert_eq!(told.contains("SPC not_checked -> warn by site.spacing.elsewhere_m 20000 m"), counts, "{told}");
        assert!(world.program(&["replay", run]).status.success());
    }
    // Over the door it is refused to whoever does not see everything there, too.
    let (east, north) = at(0.0, -14_000.0);
    let beyond = world.ask("carrier", east, north);
    for (version, spacing) in [("far", 20_000.0), ("near", 100.0)] {
        load_in(&world.database, "VN-35", &pack(version, spacing));
    }
    // While the first is in force it may be looked at beyond the border, and is hidden from whoever does not see all there.
    world.marked();
    let door = |role: &str, version: &str| {
        let answer = world.send(role, "GET", &format!("{CHECKS}/{beyond}/replay?rules={version}"), None);
        (answer.status, answer.text.contains("it looks at all of VN-72"))
    };
    assert_eq!([door("officer", "far"), door("officer-elsewhere", "near")], [(200, false); 2]);
    assert_eq!(door("officer-elsewhere", "far"), (403, true));
    // What was there before versions were kept nobody can tell, and that is said: of what lies so near that it may matter.
    let forget = "UPDATE audit_events SET hash = NULL, previous = NULL WHERE jurisdiction IN ('VN-35', 'VN-22')";
    run_sql(&world.database.url, &format!("SET session_replication_role = replica; {forget}"));
    let told = told(&with);
    assert!(told.contains("VN-35: nobody can tell any more what it held then"), "{told}");
    assert!(!told.contains("VN-22"), "{told}");
    assert!(world.program(&["replay", &with]).status.success(), "what it looked at is known");
}

/// Whoever made a run is kept with it, and named where it is answered otherwise.
#[test]
fn an_answer_of_another_engine_is_said_to_be_one() {
    let world = World::new();
    world.mast("DNO-1", 200.0, 0.0);
    let run = world.ask("carrier", 0.0, 0.0);
    let replayed = || said(&world.program(&["replay", &run]));
    let change = |set: &str| {
        run_sql(&world.database.url, &format!("SET session_replication_role = replica; UPDATE site_checks SET {set}"));
    };
    assert_eq!(world.sql("SELECT engine FROM site_checks"), ENGINE.to_string());
    assert_eq!(world.run("carrier", &run)["engine"], ENGINE);
    assert!(!replayed().contains("ngine"), "{}", replayed());
    // What no check of now says.
    change("digests[4] = sha256('')");
    assert!(replayed().contains(&format!("Engine {ENGINE} answered then, and answers now.")), "{}", replayed());
    change("engine = 77");
    assert!(replayed().contains(&format!("Engine 77 answered then, and engine {ENGINE} now")), "{}", replayed());
    let told = world.send("carrier", "GET", &format!("{CHECKS}/{run}/replay"), None).json();
    assert_eq!(told["engine"], json!({"then": 77, "now": ENGINE}));
    change("engine = NULL");
    assert!(replayed().contains("An engine older than 1 answered then"), "{}", replayed());
}

/// How accurate positions are that state nothing is a setting: a run is answered again by that of then, and one that does not say it by
/// that of now, which the replay says.
#[test]
fn a_run_is_answered_again_by_the_accuracies_of_then() {
    let world = World::new();
    world.add(
        WORKS,
        point(510.0, 0.0),
        json!({"code": "M", "kind": "mast", "organisation": "vnpt", "status": "in_service"}),
    );
    let run = world.ask("officer", 0.0, 0.0);
    let changed = TestServer::with(Settings { accuracy_unknown_m: 0.0, ..settings(&world.database) });
    let replay = || send(&changed, "officer", "GET", &format!("{CHECKS}/{run}/replay"), None).json();
    let then = replay();
    assert_eq!((&then["same"], &then["accuracies_kept"]), (&json!(true), &json!(true)), "{then}");
    let old = "ALTER TABLE site_checks DISABLE TRIGGER USER; UPDATE site_checks SET accuracies = NULL";
    run_sql(&world.database.url, old);
    let now = replay();
    assert_eq!((&now["same"], &now["accuracies_kept"]), (&json!(false), &json!(false)), "{now}");
    assert!(now["differences"].as_array().unwrap().iter().any(|d| d["code"] == "SPC"), "{now}");
}
