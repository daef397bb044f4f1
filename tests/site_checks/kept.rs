//! What is kept, and who sees it; waivers.

use clearway::domain::audit::hex;
use serde_json::json;

use crate::world::{CHECKS, World, column, finding, load, marked, pack};

#[test]
fn a_run_is_kept_as_it_was_given_and_seen_by_those_it_is_for() {
    let world = World::new();
    world.mast("DNO-1", 200.0, 0.0);
    let given = world.send("carrier", "POST", CHECKS, Some(&column(0.0, 0.0)));
    assert_eq!(given.status, 201, "{}", given.text);
    let result = given.json()["results"][0].clone();
    assert_eq!(finding(&result, "SPC")["verdict"], "warn");
    let id = result["id"].as_str().unwrap();
    let address = given.header("location").unwrap();
    assert!(address.ends_with(&format!("{CHECKS}/{id}")), "{address}");
    assert!(given.text.contains(&world.sql("SELECT document FROM site_checks")), "letter by letter");

    let kept = world.run("carrier", id);
    for (name, value) in result.as_object().unwrap() {
        if name != "findings" {
            assert_eq!(kept[name], *value, "{name}");
        }
    }
    let mut findings = kept["findings"].clone();
    for finding in findings.as_array_mut().unwrap() {
        assert_eq!(finding.as_object_mut().unwrap().shift_remove("waived"), Some(json!(null)));
    }
    assert_eq!(findings, result["findings"]);
    assert_eq!(kept["rules"], json!({"name": "T", "version": "1", "sha256": "1"}));
    assert_eq!(kept["asker"], json!({"actor": "carrier", "organisation": "viettel"}));
    assert_eq!((&kept["current"], &kept["difference"]), (&json!(true), &json!([])));

    for (role, status) in
        [("officer", 200), ("approver", 200), ("other-carrier", 404), ("planner", 404), ("consultee", 404), ("", 401)]
    {
        assert_eq!(world.send(role, "GET", &format!("{CHECKS}/{id}"), None).status, status, "{role}");
    }
    let absent = format!("{CHECKS}/{}", uuid::Uuid::nil());
    assert_eq!(world.send("officer", "GET", &absent, None).status, 404);

    let listed = |role: &str, query: &str| {
        let answer = world.send(role, "GET", &format!("{CHECKS}{query}"), None);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let json = answer.json();
        let ids: Vec<String> =
            json["site_checks"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().into()).collect();
        (ids, json["next"].as_str().map(str::to_owned))
    };
    let second = world.ask("carrier", 10.0, 0.0);
    assert_eq!(listed("carrier", "?limit=1"), (vec![id.to_owned()], Some(id.to_owned())));
    assert_eq!(listed("carrier", &format!("?after={id}&jurisdiction=VN-72")), (vec![second], None));
    assert_eq!(listed("other-carrier", "").0, Vec::<String>::new());
    assert_eq!(listed("carrier", "?outdated=yes").0, Vec::<String>::new());

    // Nobody who did not sign in, nobody who does not want it, and no batch leaves a run.
    let count = world.sql("SELECT count(*) FROM site_checks");
    let anonymous = world.send("", "POST", CHECKS, Some(&column(0.0, 0.0)));
    assert_eq!((anonymous.status, &anonymous.json()["results"][0]["id"]), (200, &json!(null)));
    assert_eq!(world.send("carrier", "POST", &format!("{CHECKS}?store=no"), Some(&column(0.0, 0.0))).status, 200);
    assert_eq!(world.send("carrier", "POST", &format!("{CHECKS}?store=perhaps"), Some(&column(0.0, 0.0))).status, 400);
    let nul = {
        let mut column = column(0.0, 0.0);
        column["id"] = json!("a\0b");
        world.send("carrier", "POST", CHECKS, Some(&column))
    };
    assert_eq!(nul.status, 422, "{}", nul.text);
    assert_eq!(world.sql("SELECT count(*) FROM site_checks"), count);
    let checked = world.program(&["verify-audit"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn many_columns_of_one_request_are_one_event() {
    let world = World::new();
    let before: i64 = world.sql("SELECT count(*) FROM audit_events").parse().unwrap();
    let all =
        json!({"type": "FeatureCollection", "features": [column(0.0, 0.0), column(300.0, 0.0), column(9.0, 9.0)]});
    let given = world.send("carrier", "POST", CHECKS, Some(&all));
    assert_eq!((given.status, given.header("location")), (201, None));
    assert_eq!(world.sql("SELECT count(*) FROM audit_events"), (before + 1).to_string());
    assert_eq!(world.sql("SELECT count(*) FROM site_checks"), "3");
    for result in given.json()["results"].as_array().unwrap() {
        let id = result["id"].as_str().unwrap();
        let replay = world.send("carrier", "GET", &format!("{CHECKS}/{id}/replay"), None);
        assert_eq!(replay.json()["same"], true, "{}", replay.text);
    }
}

#[test]
fn whoever_may_waives_a_finding_once_and_for_ever() {
    let world = World::new();
    world.mast("DNO-1", 200.0, 0.0);
    let id = world.ask("carrier", 0.0, 0.0);
    let waive = |role: &str, code: &str, reason: &str| {
        let path = format!("{CHECKS}/{id}/waivers");
        world.send(role, "POST", &path, Some(&json!({"code": code, "reason": reason})))
    };
    let before = world.sql("SELECT document || hash::text FROM site_checks");
    for (role, code, reason, status) in [
        ("", "SPC", "x", 401),
        ("other-carrier", "SPC", "x", 404),
        ("carrier", "SPC", "x", 403),
        ("officer", "DEF", "x", 403),
        ("officer", "GEO", "x", 409),
        ("officer", "XYZ", "x", 422),
        ("officer", "SPC", "  ", 422),
        ("officer", "SPC", "Cột cũ tháo dỡ, 12/QĐ", 201),
        ("approver", "SPC", "again", 409),
        // What was not checked somebody may have looked at otherwise.
        ("officer", "COV", "Bản đồ giấy, 13/QĐ", 201),
    ] {
        let answer = waive(role, code, reason);
        assert_eq!(answer.status, status, "{role} {code}: {}", answer.text);
    }
    let covered = finding(&world.run("carrier", &id), "COV").clone();
    assert_eq!((&covered["verdict"], &covered["waived"]["by"]), (&json!("not_checked"), &json!("officer")));
    let waived = finding(&world.run("carrier", &id), "SPC")["waived"].clone();
    assert_eq!((&waived["by"], &waived["role"]), (&json!("officer"), &json!("officer")));
    assert_eq!(waived["reason"], "Cột cũ tháo dỡ, 12/QĐ");
    assert!(waived["at"].is_string());
    assert_eq!(world.sql("SELECT document || hash::text FROM site_checks"), before);
    let event = world.sql("SELECT detail->>'code' || subject FROM audit_events ORDER BY revision DESC LIMIT 1");
    assert_eq!(event, format!("COV{id}"));
    assert!(world.program(&["verify-audit"]).status.success());
}

/// A waiver stands beside its run for ever: after what was waived has gone, in the list and where the run is made again.
#[test]
fn a_waiver_stays_visible_after_a_mark_in_the_list_and_in_a_replay() {
    let world = World::new();
    let near = world.mast("DNO-1", 200.0, 0.0);
    let id = world.ask("carrier", 0.0, 0.0);
    let why = json!({"code": "SPC", "reason": "12/QĐ"});
    assert_eq!(world.send("officer", "POST", &format!("{CHECKS}/{id}/waivers"), Some(&why)).status, 201);
    world.delete(crate::world::WORKS, &near);
    world.marked();
    let run = world.run("carrier", &id);
    assert_eq!(run["difference"][0]["code"], "SPC", "it is marked: {}", run["difference"]);
    assert_eq!(finding(&run, "SPC")["waived"]["reason"], "12/QĐ");
    for query in ["", "?outdated=yes"] {
        let listed = world.send("carrier", "GET", &format!("{CHECKS}{query}"), None).json();
        assert_eq!(listed["site_checks"][0]["waived"], json!(["SPC"]), "{query}");
    }
    let again = world.send("carrier", "GET", &format!("{CHECKS}/{id}/replay"), None).json();
    assert_eq!((&again["same"], &again["waived"]), (&json!(true), &json!(["SPC"])));
    let said = |more: &[&str]| {
        let all: Vec<&str> = ["replay", &id].iter().chain(more).copied().collect();
        let output = world.program(&all);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), pack("what-if", 150.0)).unwrap();
    for told in [said(&[]), said(&["--rules", file.path().to_str().unwrap()])] {
        assert!(told.contains("SPC was waived by officer (officer) at 20") && told.contains(": 12/QĐ\n"), "{told}");
    }
}

#[test]
fn the_rules_name_who_may_waive() {
    let world = World::new();
    world.mast("DNO-1", 200.0, 0.0);
    let id = world.ask("carrier", 0.0, 0.0);
    let waive = |role: &str| {
        let said = json!({"code": "SPC", "reason": "x"});
        world.send(role, "POST", &format!("{CHECKS}/{id}/waivers"), Some(&said)).status
    };
    // Another pack takes it from the officer, and gives it to the approver until a day that is over.
    let take = |version: &str, role: &str| {
        let key = |role: &str| format!("key = \"site.waiver.spc.{role}\"\n");
        let over = format!("{}valid_to = 2026-01-31\n", key("approver"));
        let text = pack(version, 500.0).replace(&key("officer"), &key(role)).replace(&key("approver"), &over);
        load(&world.database, &text);
        // The server that is asked marks by the pack it has.
        marked(&world.database);
    };
    take("2", "planner");
    assert_eq!((waive("officer"), waive("approver")), (403, 403));
    take("3", "officer");
    assert_eq!((waive("approver"), waive("officer")), (403, 201));
}

#[test]
fn runs_and_waivers_that_are_changed_forged_or_deleted_are_found() {
    let forged = "SELECT (jsonb_populate_record(s, '{\"id\": \"01900000-0000-7000-8000-000000000000\"}')).* FROM site_checks AS s LIMIT 1";
    for (what, sql) in [
        ("run", "UPDATE site_checks SET document = document || ' '".to_owned()),
        ("run", "UPDATE site_checks SET hash = sha256(hash)".to_owned()),
        ("run", "UPDATE site_checks SET ground_layers = '{}', ground_jurisdictions = '{}', ground_ids = '{}'".to_owned()),
        ("run", "UPDATE site_checks SET ground_ids = NULL".to_owned()),
        ("run", "UPDATE site_checks SET recorded_at = recorded_at + interval '1 microsecond'".to_owned()),
        ("run", "UPDATE site_checks SET organisation = 'vnpt'".to_owned()),
        ("run", "UPDATE site_checks SET engine = engine + 1".to_owned()),
        ("run", "UPDATE site_checks SET engine = NULL".to_owned()),
        ("run", "DELETE FROM site_check_waivers; DELETE FROM site_checks".to_owned()),
        ("run", format!("INSERT INTO site_checks {forged}")),
        ("waiver", "UPDATE site_check_waivers SET reason = 'x'".to_owned()),
        ("waiver", "UPDATE site_check_waivers SET code = 'DEF'".to_owned()),
        ("waiver", "UPDATE site_check_waivers SET recorded_at = recorded_at - interval '1 day'".to_owned()),
        ("waiver", "DELETE FROM site_check_waivers".to_owned()),
        (
            "waiver",
            "INSERT INTO site_check_waivers SELECT (jsonb_populate_record(w, '{\"code\": \"DEF\"}')).* FROM site_check_waivers AS w"
                .to_owned(),
        ),
    ] {
        let world = World::new();
        world.mast("DNO-1", 200.0, 0.0);
        let id = world.ask("carrier", 0.0, 0.0);
        let waiver = json!({"code": "SPC", "reason": "Cột cũ tháo dỡ"});
        assert_eq!(world.send("officer", "POST", &format!("{CHECKS}/{id}/waivers"), Some(&waiver)).status, 201);
        let verify = || {
            let ran = world.program(&["verify-audit"]);
            (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
        };
        assert_eq!(verify().0, Some(0), "{}", verify().1);
        let revision =
            world.sql(&format!("SELECT revision FROM site_check{}", if what == "run" { "s" } else { "_waivers" }));
        crate::support::run_sql(&world.database.url, &format!("SET session_replication_role = replica; {sql}"));
        let (code, said) = verify();
        assert_eq!(code, Some(1), "{sql}: {said}");
        assert!(said.contains(&format!("what revision {revision} stored was changed without an event")), "{sql}: {said}");
    }
}

/// The last event says nothing of versions, as when a run was in none; its hash is the one that it has so.
#[test]
fn a_run_that_is_older_than_its_digests_is_passed_over() {
    let world = World::new();
    let id = world.ask("carrier", 0.0, 0.0);
    let revision = world.sql("SELECT revision FROM site_checks");
    let exported = world.program(&["audit", "export", "--chain", "VN-72", "--from", &revision]).stdout;
    let mut recorded = clearway::wire::audit::event(String::from_utf8(exported).unwrap().trim_end()).unwrap();
    assert!(recorded.event.after.is_some());
    recorded.event.after = None;
    let hash = hex(&recorded.event.hash());
    let older = format!(
        "SET session_replication_role = replica;
         UPDATE audit_events SET after = NULL, hash = '\\x{hash}' WHERE revision = {revision};
         UPDATE revisions SET audit_hash = '\\x{hash}' WHERE jurisdiction = 'VN-72'"
    );
    crate::support::run_sql(&world.database.url, &older);
    assert!(world.program(&["verify-audit"]).status.success());
    assert!(world.program(&["replay", &id]).status.success());
    crate::support::run_sql(
        &world.database.url,
        "SET session_replication_role = replica; UPDATE site_checks SET document = document || ' '",
    );
    assert_eq!(world.program(&["replay", &id]).status.code(), Some(1), "its event has the hash");
}

/// Nobody knows what a run rests on that is older than that was kept.
#[test]
fn a_run_of_unknown_ground_is_seen_by_whoever_sees_all() {
    let world = World::new();
    world.mast("DNO-1", 200.0, 0.0);
    let id = world.ask("carrier", 0.0, 0.0);
    let set = "ground_layers = NULL, ground_jurisdictions = NULL, ground_ids = NULL";
    crate::support::run_sql(
        &world.database.url,
        &format!("SET session_replication_role = replica; UPDATE site_checks SET {set}"),
    );
    for (role, status) in [("officer", 200), ("carrier", 404), ("other-carrier", 404)] {
        assert_eq!(world.send(role, "GET", &format!("{CHECKS}/{id}"), None).status, status, "{role}");
    }
}

#[test]
fn the_readme_says_whom_the_first_pack_names() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let table = readme.split("| check | waived by `[default]` |\n|---|---|\n").nth(1).unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let mut printed: Vec<(String, String)> = rows
        .flat_map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let pair = |code: &str, role: &str| (code.to_ascii_lowercase(), role.to_owned());
            let roles: Vec<&str> = cells[1].split(", ").filter(|role| *role != "nobody").collect();
            cells[0].split(", ").flat_map(|code| roles.iter().map(move |role| pair(code, role))).collect::<Vec<_>>()
        })
        .collect();
    let pack = std::fs::read_to_string("fixtures/rules/VN-2027-01.toml").unwrap();
    let mut named: Vec<(String, String)> = pack
        .lines()
        .filter_map(|line| line.strip_prefix("key = \"site.waiver.")?.strip_suffix('"')?.split_once('.'))
        .map(|(code, role)| (code.to_owned(), role.to_owned()))
        .collect();
    printed.sort();
    named.sort();
    assert_eq!(printed, named);
    assert_eq!(named.len(), 14);
}
