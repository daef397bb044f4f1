//! `clearway audit` and `clearway verify-audit`: nobody changes what happened without being found out, superusers included.

use std::fs;

use clearway::domain::audit::{RecordedEvent, hex};
use clearway::wire;

use crate::program::{Folder, Ran, clearway, clearway_with, fixture, rows};
use crate::support::{Database, run_sql};

/// A database with four revisions: VN-72, two works imported, one of them changed by an import, a rule pack.
fn with_history(folder: &Folder) -> Database {
    let db = Database::vn72();
    for height in [40, 41] {
        let head = "code,kind,status,organisation,lon,lat,height_agl_m";
        let text =
            format!("{head}\nI-1,mast,in_service,vnpt,107.69,12.0,{height}\nI-2,mast,in_service,vnpt,107.7,12.0,30\n");
        let file = folder.file(&format!("{height}.csv"), text);
        let ran = clearway(&db, &["import", "works", &file, "--jurisdiction", "VN-72"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let pack = fixture("../rules/VN-2027-01.toml");
    let ran = clearway(&db, &["rules", "import", &pack, "--jurisdiction", "VN-72"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    db
}

fn verify(db: &Database, more: &[&str]) -> Ran {
    clearway(db, &[&["verify-audit"], more].concat())
}

/// What it found in VN-72, without the last line.
fn faults(ran: &Ran) -> Vec<String> {
    let lines: Vec<&str> = ran.out.lines().collect();
    lines[..lines.len() - 1].iter().map(|line| line.trim_start_matches("VN-72: ").to_owned()).collect()
}

#[test]
fn a_trail_that_nobody_touched_verifies() {
    let folder = Folder::new();
    let db = with_history(&folder);
    let ran = verify(&db, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("VN-72: 4 events, the last is revision 4, "), "{}", ran.out);
    assert!(ran.out.ends_with(": nothing was touched\n"), "{}", ran.out);
    let part = verify(&db, &["--from", "2", "--to", "3", "--chain", "VN-72"]);
    assert!(part.out.starts_with("VN-72: 2 events, the last is revision 3, "), "{}", part.out);
    verify(&db, &["--chain", "VN-99"]).fails("clearway: the chain «VN-99» is not there");
    let beyond = verify(&db, &["--from", "5"]);
    assert_eq!((faults(&beyond), beyond.code), (vec!["there is no event of revision 5 or later".to_owned()], 1));
    verify(&db, &["--from", "3", "--to", "2"]).fails("clearway: there are no revisions from 3 to 2");
    let begun = rows(&db, "revision, before IS NULL, after IS NULL, length(hash)", "audit_events ORDER BY revision");
    assert_eq!(
        begun,
        ["1 t f 32", "2 t f 32", "3 f f 32", "4 t f 32"],
        "the import changed one work, the pack was new"
    );
}

/// What a superuser does without triggers.
pub fn tamper(db: &Database, sql: &str) {
    run_sql(&db.url, &format!("SET session_replication_role = replica; {sql}"));
}

#[test]
fn every_way_of_tampering_is_found() {
    let cases: &[(&str, &[&str])] = &[
        (
            "UPDATE audit_events SET actor = 'nobody' WHERE revision = 3",
            &["the event of revision 3 was changed: its hash does not fit"],
        ),
        (
            "UPDATE audit_events SET detail = detail || '{\"sha256\": \"0\"}' WHERE revision = 2",
            &["the event of revision 2 was changed: its hash does not fit"],
        ),
        (
            "UPDATE audit_events SET detail = '[]' WHERE revision = 2",
            &["the event of revision 2 was changed: its hash does not fit"],
        ),
        (
            "INSERT INTO audit_events SELECT (jsonb_populate_record(e, '{\"revision\": 0, \"before\": null, \"after\": null}')).*
             FROM audit_events AS e WHERE revision = 2",
            &[
                "the event of revision 0 stands behind that of 0",
                "the event of revision 0 was changed: its hash does not fit",
                "the event of revision 1 names another one before it: that one was changed",
            ],
        ),
        ("DELETE FROM audit_events WHERE revision = 2", &["the event of revision 2 is missing"]),
        (
            "DELETE FROM audit_events WHERE revision = 4",
            &["the chain ends at revision 3, but there was a revision 4: its end was cut off"],
        ),
        (
            "UPDATE audit_events SET revision = 9 WHERE revision = 2; UPDATE audit_events SET revision = 2 WHERE revision = 3;
             UPDATE audit_events SET revision = 3 WHERE revision = 9",
            &[
                "the event of revision 2 was changed: its hash does not fit",
                "the event of revision 2 names another one before it: that one was changed",
                "what revision 2 stored was changed without an event",
                "what revision 2 put an end to was changed without an event",
                "the event of revision 3 was changed: its hash does not fit",
                "the event of revision 3 names another one before it: that one was changed",
                "what revision 3 stored was changed without an event",
                "what revision 3 put an end to was changed without an event",
                "the event of revision 4 names another one before it: that one was changed",
                "what revision 2 stored says that it began at another moment",
                "what revision 3 stored says that it began at another moment",
                "what revision 3 put an end to says that it ended at another moment",
            ],
        ),
        (
            "UPDATE works SET height_agl_m = 50 WHERE code = 'I-1'",
            &["what revision 3 stored was changed without an event"],
        ),
        (
            "UPDATE works SET geom_grid = ST_Translate(geom_grid, 1e-6, 0) WHERE code = 'I-2'",
            &["what revision 2 stored was changed without an event"],
        ),
        (
            "UPDATE works SET recorded_at = recorded_at - interval '1 microsecond' WHERE code = 'I-2';
             UPDATE works_history SET recorded_at = recorded_at - interval '1 day', ended_at = ended_at - interval '1 day';
             UPDATE rule_packs SET recorded_at = recorded_at + interval '1 day'",
            &[
                "what revision 2 stored says that it began at another moment",
                "what revision 3 put an end to says that it ended at another moment",
                "what revision 4 stored says that it began at another moment",
            ],
        ),
        ("DELETE FROM works WHERE code = 'I-2'", &["what revision 2 stored was changed without an event"]),
        (
            "UPDATE works_history SET name = 'x'",
            &[
                "what revision 2 stored was changed without an event",
                "what revision 3 put an end to was changed without an event",
            ],
        ),
        (
            "INSERT INTO works SELECT (jsonb_populate_record(w, '{\"code\": \"I-9\", \"id\": \"01900000-0000-7000-8000-000000000000\"}')).*
             FROM works AS w WHERE code = 'I-2'",
            &["what revision 2 stored was changed without an event"],
        ),
        (
            "ALTER TABLE works DROP CONSTRAINT works_revision_positive;
             INSERT INTO works SELECT (jsonb_populate_record(w, jsonb_build_object('code', 'I-' || n, 'id', gen_random_uuid(), 'revision', n))).*
             FROM works AS w, generate_series(-1, 0) AS n WHERE w.code = 'I-2'",
            &["what revision -1 stored was changed without an event", "what revision 0 stored was changed without an event"],
        ),
        ("UPDATE rule_parameters SET value = 1 WHERE number = 1", &["what revision 4 stored was changed without an event"]),
        (
            "UPDATE jurisdictions SET boundary = ST_Multi(ST_Buffer(boundary, 0.01))",
            &["what revision 1 stored was changed without an event"],
        ),
    ];
    for (sql, expect) in cases {
        let folder = Folder::new();
        let db = with_history(&folder);
        tamper(&db, sql);
        let ran = verify(&db, &[]);
        assert_eq!(
            (faults(&ran), ran.code),
            (expect.iter().map(ToString::to_string).collect(), 1),
            "{sql}: {}",
            ran.out
        );
    }
}

/// A database with three revisions: VN-72, two schools imported, one of them changed by an import.
fn with_schools(folder: &Folder) -> Database {
    let db = Database::vn72();
    for name in ["one", "two"] {
        let text = format!("code,name,lon,lat\nS-1,{name},107.69,12.0\nS-2,same,107.7,12.0\n");
        let file = folder.file(&format!("{name}.csv"), text);
        let ran = clearway(&db, &["import", "school", &file, "--jurisdiction", "VN-72", "--organisation", "office"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    db
}

#[test]
fn tampering_with_reference_features_is_found() {
    let began = |n: u32| format!("what revision {n} stored says that it began at another moment");
    let ended = |n: u32| format!("what revision {n} put an end to says that it ended at another moment");
    let stored = |n: u32| format!("what revision {n} stored was changed without an event");
    let put_an_end = |n: u32| format!("what revision {n} put an end to was changed without an event");
    let later = "recorded_at = recorded_at + interval '1 microsecond'";
    for (sql, expect) in [
        (format!("UPDATE reference_features SET {later} WHERE code = 'S-1'"), vec![began(3)]),
        (format!("UPDATE reference_features SET {later} WHERE code = 'S-2'"), vec![began(2)]),
        (format!("UPDATE reference_features_history SET {later}"), vec![began(2)]),
        ("UPDATE reference_features_history SET ended_at = ended_at - interval '1 day'".into(), vec![ended(3)]),
        ("UPDATE reference_features SET kind = 'hospital' WHERE code = 'S-2'".into(), vec![stored(2)]),
        ("UPDATE reference_features SET visibility = 'restricted' WHERE code = 'S-1'".into(), vec![stored(3)]),
        ("UPDATE reference_features_history SET organisation = 'x'".into(), vec![stored(2), put_an_end(3)]),
        ("DELETE FROM reference_features_history".into(), vec![stored(2), put_an_end(3)]),
        ("DELETE FROM reference_features WHERE code = 'S-1'".into(), vec![stored(3)]),
    ] {
        let db = with_schools(&Folder::new());
        assert_eq!(verify(&db, &[]).code, 0);
        tamper(&db, &sql);
        let ran = verify(&db, &[]);
        assert_eq!((faults(&ran), ran.code), (expect, 1), "{sql}: {}", ran.out);
    }
    // All that is left of a chain is a feature of it.
    let db = with_schools(&Folder::new());
    tamper(
        &db,
        "DELETE FROM revisions; DELETE FROM audit_events; DELETE FROM changes; DELETE FROM jurisdictions;
         DELETE FROM reference_features_history",
    );
    let ran = verify(&db, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("VN-72: the chain has no counter"), "{}", ran.out);
}

/// Nobody kept a head elsewhere, and the row that says how far the chain goes is gone.
#[test]
fn a_chain_without_its_counter_is_found() {
    let no_counter = "the chain has no counter: its row of revisions was deleted, and its end may have been cut off";
    let gone = "DELETE FROM revisions WHERE jurisdiction = 'VN-72'";
    let events = "DELETE FROM audit_events WHERE jurisdiction = 'VN-72'";
    let features = "DELETE FROM works; DELETE FROM works_history; DELETE FROM rule_packs; DELETE FROM rule_parameters;
        DELETE FROM jurisdictions";
    let changed = |revisions: &[i32]| {
        let mut all = vec![no_counter.to_owned()];
        all.extend(revisions.iter().map(|n| format!("what revision {n} stored was changed without an event")));
        all
    };
    let cut = "DELETE FROM audit_events WHERE revision = 4";
    for (sql, expect) in [
        (vec![gone], changed(&[])),
        (vec![gone, cut], changed(&[4])),
        (vec![gone, events], changed(&[1, 2, 3, 4])),
        (vec![gone, cut, features], Vec::new()),
    ] {
        let folder = Folder::new();
        let db = with_history(&folder);
        tamper(&db, &sql.join("; "));
        let ran = verify(&db, &[]);
        assert_eq!(ran.code, 1, "{sql:?}: {ran:?}");
        let found = faults(&ran);
        assert!(found.iter().any(|fault| fault == no_counter), "{sql:?}: {found:?}");
        assert!(expect.is_empty() || found == expect, "{sql:?}: {found:?}");
    }
    // Of accounts there is a chain, too.
    let db = with_history(&Folder::new());
    clearway(&db, &["organisation", "add", "office", "--name", "Sở", "--kind", "office"])
        .gives(0, &["Added office (office), Sở."]);
    tamper(
        &db,
        "DELETE FROM revisions WHERE jurisdiction = 'access'; DELETE FROM audit_events WHERE jurisdiction = 'access'",
    );
    let ran = verify(&db, &["--chain", "access"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains(no_counter), "{}", ran.out);
}

/// The last event says something else, with the hash that it would have then.
fn rewritten(line: &str) -> RecordedEvent {
    let mut recorded = wire::audit::event(line).unwrap();
    recorded.event.actor = "nobody".into();
    recorded.hash = Some(recorded.event.hash());
    recorded
}

#[test]
fn the_counter_of_a_chain_vouches_for_its_last_event() {
    let folder = Folder::new();
    let db = with_history(&folder);
    let counter = "the chain does not end with the event that its counter names, of revision 4";
    let exported = clearway(&db, &["audit", "export", "--from", "4"]);
    let hash = rewritten(exported.out.trim_end()).hash.unwrap();
    tamper(&db, &format!("UPDATE audit_events SET actor = 'nobody', hash = '\\x{}' WHERE revision = 4", hex(&hash)));
    let ran = verify(&db, &[]);
    assert_eq!((faults(&ran), ran.code), (vec![counter.to_owned()], 1), "the last alone was rewritten: {ran:?}");
    assert_eq!(verify(&db, &["--to", "3"]).code, 0, "what was not looked at is not told");

    // A detail that is no text, and would be written as one that was hashed.
    let db = with_history(&folder);
    let mut recorded = wire::audit::event(exported.out.trim_end()).unwrap();
    recorded.event.detail.insert("n".into(), "1".into());
    let hash = hex(&recorded.event.hash());
    let event =
        format!("UPDATE audit_events SET detail = detail || '{{\"n\": 1}}', hash = '\\x{hash}' WHERE revision = 4");
    tamper(&db, &format!("{event}; UPDATE revisions SET audit_hash = '\\x{hash}'"));
    assert_eq!(faults(&verify(&db, &[])), ["the event of revision 4 was changed: its hash does not fit"]);

    // Every hash is gone, so that no event is hashed.
    tamper(&db, "UPDATE audit_events SET hash = NULL, previous = NULL");
    let ran = verify(&db, &[]);
    assert_eq!((faults(&ran), ran.code), (vec![counter.to_owned()], 1), "{ran:?}");
    tamper(&db, "UPDATE revisions SET audit_hash = NULL");
    let ran = verify(&db, &[]);
    let unknown = "VN-72: 4 events, 4 of them without a hash, the last is revision 4: no hash vouches for these 4\n";
    assert_eq!((ran.out.as_str(), ran.code), (unknown, 0));
    let file = folder.file("more.csv", "code,kind,status,organisation,lon,lat\nI-3,mast,in_service,vnpt,107.69,12.0\n");
    let ran = clearway(&db, &["import", "works", &file, "--jurisdiction", "VN-72"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = verify(&db, &[]);
    assert!(ran.out.starts_with("VN-72: 5 events, 4 of them without a hash, the last is revision 5, "), "{}", ran.out);
    assert!(ran.out.ends_with(": no hash vouches for 4, and the other 1 were not touched\n"), "{}", ran.out);
}

#[test]
fn even_a_superuser_stumbles_over_the_trigger_first() {
    let folder = Folder::new();
    let db = with_history(&folder);
    for sql in ["UPDATE audit_events SET actor = ''", "DELETE FROM audit_events", "TRUNCATE audit_events"] {
        let refused = diesel::connection::SimpleConnection::batch_execute(&mut db.connect(), sql).unwrap_err();
        assert_eq!(refused.to_string(), "audit events are never changed or deleted", "{sql}");
    }
    // A check stops even those who switch the triggers off.
    for table in ["works", "works_history"] {
        let sql = format!("SET session_replication_role = replica; UPDATE {table} SET revision = 0");
        let refused = diesel::connection::SimpleConnection::batch_execute(&mut db.connect(), &sql).unwrap_err();
        assert!(refused.to_string().contains(&format!("{table}_revision_positive")), "{refused}");
    }
}

#[test]
fn a_head_that_was_kept_elsewhere_finds_what_the_database_cannot_tell() {
    let folder = Folder::new();
    let db = with_history(&folder);
    let key = folder.path("key").to_str().unwrap().to_owned();
    let made = clearway(&db, &["audit", "key", &key]);
    assert_eq!(made.code, 0, "{made:?}");
    let public = made.out.trim_end().to_owned();
    clearway(&db, &["audit", "key", &key]).fails(&format!("clearway: {key} cannot be made: File exists (os error 17)"));
    let environment = [("DATABASE_URL", db.service_url.as_str()), ("CLEARWAY_AUDIT_KEY", key.as_str())];
    let signed = clearway_with(&environment, &["audit", "head"]);
    assert_eq!((signed.code, signed.out.lines().count()), (0, 1), "{signed:?}");
    let head = folder.file("head.json", &signed.out);
    assert_eq!(verify(&db, &["--head", &head, "--key", &public]).code, 0);
    verify(&db, &["--head", &head, "--key", &"0".repeat(64)])
        .fails(&format!("clearway: {head}, line 1: signed by another key, {public}"));
    // A head is never passed over.
    assert_eq!(verify(&db, &["--head", &head, "--from", "4"]).code, 0);
    let left_out = "clearway: the head of VN-72 at revision 4 is not among the revisions to be looked at";
    verify(&db, &["--head", &head, "--key", &public, "--from", "5"]).fails(left_out);
    verify(&db, &["--head", &head, "--key", &public, "--to", "3"]).fails(left_out);
    let unsigned =
        folder.file("unsigned.json", format!(r#"{{"chain":"VN-72","revision":4,"hash":"{}"}}"#, "00".repeat(32)));
    verify(&db, &["--head", &unsigned]).fails(&format!("clearway: {unsigned}, line 1: nobody signed this head"));
    // Whoever names a key that is none is told so at once, at every command.
    for (file, why) in [("nowhere", "cannot be read: No such file"), (head.as_str(), "does not hold a key")] {
        let environment = [("DATABASE_URL", db.service_url.as_str()), ("CLEARWAY_AUDIT_KEY", file)];
        for command in [["audit", "head"].as_slice(), &["serve"]] {
            let ran = clearway_with(&environment, command);
            assert!(ran.code == 1 && ran.err.contains(why), "{ran:?}");
        }
    }
    clearway(&db, &["audit", "head"]).fails("clearway: heads are signed with a key: make one with «clearway audit key FILE» and name it by CLEARWAY_AUDIT_KEY");
    let forged = folder.file("forged.json", signed.out.replace("\"revision\":4", "\"revision\":3"));
    verify(&db, &["--head", &forged]).fails(&format!("clearway: {forged}, line 1: the signature does not hold"));

    // The tail cut off with everything that speaks of it: the database is in order in itself.
    tamper(
        &db,
        "DELETE FROM audit_events WHERE revision = 4; DELETE FROM changes WHERE revision = 4; DELETE FROM rule_packs; DELETE FROM rule_parameters;
         UPDATE revisions SET revision = 3, audit_hash = (SELECT hash FROM audit_events WHERE revision = 3)",
    );
    assert_eq!(verify(&db, &[]).code, 0, "nothing in the database tells");
    let ran = verify(&db, &["--head", &head, "--key", &public]);
    assert_eq!(faults(&ran), ["the chain ends at revision 3, but there was a revision 4: its end was cut off"]);

    // The end written anew after that, in its form.
    let file = folder.file("more.csv", "code,kind,status,organisation,lon,lat\nI-3,mast,in_service,vnpt,107.69,12.0\n");
    let ran = clearway(&db, &["import", "works", &file, "--jurisdiction", "VN-72"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = verify(&db, &["--head", &head]);
    assert_eq!(faults(&ran), ["the event of revision 4 has another hash than the head that was signed"]);

    // The whole chain: told once, however many of its heads were kept.
    tamper(&db, "DELETE FROM audit_events; DELETE FROM changes; DELETE FROM revisions; DELETE FROM works");
    let ran = verify(&db, &["--head", &head, "--head", &head, "--key", &public]);
    let cut = "the chain ends at revision 0, but there was a revision 4: its end was cut off";
    assert_eq!(faults(&ran).iter().filter(|fault| *fault == cut).count(), 1, "{ran:?}");
    assert_eq!(ran.out.matches("VN-72: 0 events: TOUCHED\n").count(), 1, "{ran:?}");
}

#[test]
fn an_exported_log_is_verified_without_a_database() {
    let folder = Folder::new();
    let db = with_history(&folder);
    let exported = clearway(&db, &["audit", "export"]);
    assert_eq!((exported.code, exported.out.lines().count()), (0, 4), "{exported:?}");
    let part = clearway(&db, &["audit", "export", "--from", "2", "--to", "3", "--chain", "VN-72"]);
    assert_eq!(part.out.lines().collect::<Vec<_>>(), exported.out.lines().skip(1).take(2).collect::<Vec<_>>());
    let lines: Vec<&str> = exported.out.lines().collect();
    let check = |name: &str, lines: &[&str], more: &[&str], expect: &[&str]| {
        let log = folder.file(name, lines.join("\n"));
        let ran = clearway_with(&[], &[&["verify-audit", "--log", &log], more].concat());
        assert_eq!(
            (faults(&ran), ran.code),
            (expect.iter().map(ToString::to_string).collect(), i32::from(!expect.is_empty())),
            "{name}: {ran:?}"
        );
    };
    check("whole", &lines, &[], &[]);
    check("from the middle", &lines[2..], &["--from", "3"], &[]);
    check("beyond", &lines, &["--from", "5"], &["there is no event of revision 5 or later"]);
    let log = folder.file("empty", "");
    let nothing = clearway_with(&[], &["verify-audit", "--log", &log]);
    nothing.fails(&format!("clearway: {log}: an event is not there"));
    let log = folder.file("log", &exported.out);
    let nothing = clearway_with(&[], &["verify-audit", "--log", &log, "--chain", "VN-99"]);
    nothing.fails(&format!("clearway: {log}: the chain «VN-99» is not there"));
    check("without one", &[lines[0], lines[1], lines[3]], &[], &["the event of revision 3 is missing"]);
    check(
        "in another order",
        &[lines[0], lines[2], lines[1], lines[3]],
        &[],
        &[
            "the event of revision 2 is missing",
            "the event of revision 2 stands behind that of 3",
            "the event of revision 4 names another one before it: that one was changed",
        ],
    );
    let changed = lines[1].replace("\"actor\":\"operator\"", "\"actor\":\"nobody\"");
    assert_ne!(changed, lines[1]);
    let expect = ["the event of revision 2 was changed: its hash does not fit"];
    check("changed", &[lines[0], &changed, lines[2], lines[3]], &[], &expect);
    // What stands in no hash.
    let (moment, rest) = lines[3].split_once("Z\",\"request_id\"").unwrap();
    let finer = format!("{moment}1Z\",\"request_id\"{rest}");
    let (before, detail) = lines[3].split_once("\"detail\":{").unwrap();
    let name = detail.split('"').nth(1).unwrap();
    let twice = format!("{before}\"detail\":{{\"{name}\":\"another\",{detail}");
    let spaced = lines[3].replacen("\"detail\":{", "\"detail\": {", 1);
    for line in [&finer, &twice, &spaced] {
        assert_ne!(line, lines[3]);
        let expect = ["the line of revision 4 says more than its event, or otherwise: it was not exported so"];
        check("line", &[lines[0], lines[1], lines[2], line], &[], &expect);
    }
    let more = format!("{},\"more\":1}}", lines[3].trim_end_matches('}'));
    let log = folder.file("more", [lines[0], lines[1], lines[2], &more].join("\n"));
    let ran = clearway_with(&[], &["verify-audit", "--log", &log]);
    assert_eq!(ran.code, 1, "a member that nobody hashed: {ran:?}");
    fs::remove_file(log).unwrap();
}

#[test]
fn a_head_finds_what_an_exported_log_cannot_tell() {
    let folder = Folder::new();
    let db = with_history(&folder);
    let key = folder.path("key").to_str().unwrap().to_owned();
    let public = clearway(&db, &["audit", "key", &key]).out.trim_end().to_owned();
    let environment = [("DATABASE_URL", db.service_url.as_str()), ("CLEARWAY_AUDIT_KEY", key.as_str())];
    let signed = clearway_with(&environment, &["audit", "head"]);
    assert_eq!(signed.code, 0, "{signed:?}");
    let head = folder.file("head.json", &signed.out);
    let exported = clearway(&db, &["audit", "export"]);
    let lines: Vec<&str> = exported.out.lines().collect();
    let end = rewritten(lines[3]).line();
    let cut = "the chain ends at revision 3, but there was a revision 4: its end was cut off";
    let other = "the event of revision 4 has another hash than the head that was signed";
    let cases: &[(&[&str], &[&str])] = &[
        (&lines, &[]),
        (&lines[..3], &[cut]),
        (&[lines[0], lines[1], lines[2], &end], &[other]),
        (&[], &["the chain ends at revision 0, but there was a revision 4: its end was cut off"]),
    ];
    for (lines, expect) in cases {
        let log = folder.file("log", lines.join("\n"));
        let verify = |more: &[&str]| clearway_with(&[], &[&["verify-audit", "--log", &log], more].concat());
        let ran = verify(&["--head", &head, "--key", &public]);
        assert_eq!(faults(&ran), *expect, "{ran:?}");
        assert_eq!((ran.code, ran.err.is_empty()), (i32::from(!expect.is_empty()), expect.is_empty()), "{ran:?}");
        if !lines.is_empty() {
            assert_eq!((faults(&verify(&[])).len(), verify(&[]).code), (0, 0), "the log alone does not tell");
        }
        let key = "0".repeat(64);
        verify(&["--head", &head, "--key", &key])
            .fails(&format!("clearway: {head}, line 1: signed by another key, {public}"));
        let forged = folder.file("forged.json", signed.out.replace("\"revision\":4", "\"revision\":3"));
        verify(&["--head", &forged, "--key", &public])
            .fails(&format!("clearway: {forged}, line 1: the signature does not hold"));
    }
    let log = folder.file("log", &exported.out);
    let left_out = "clearway: the head of VN-72 at revision 4 is not among the revisions to be looked at";
    clearway_with(&[], &["verify-audit", "--log", &log, "--head", &head, "--key", &public, "--from", "5"])
        .fails(left_out);
}

#[test]
fn a_check_on_the_command_line_leaves_what_it_showed() {
    let folder = Folder::new();
    let db = Database::vn72();
    let head = "code,kind,organisation,position_accuracy_m,visibility,lon,lat";
    let text = format!("{head}\nS-1,mast,vnpt,0,restricted,107.69,12.0\nO-1,mast,vnpt,0,public,107.69,12.0\n");
    let works = folder.file("works.csv", text);
    assert_eq!(clearway(&db, &["import", "works", &works, "--jurisdiction", "VN-72"]).code, 0);
    let here = r#"{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[107.69,12.0]}}"#;
    let here = folder.file("here.geojson", here);
    assert_eq!(clearway(&db, &["audit", "reads"]).gives(0, &[]).out, "");
    for format in ["table", "json", "geojson"] {
        let ran = clearway(&db, &["check", &here, "--clearance-m", "1", "--format", format]);
        assert!(ran.code == 0 && ran.out.contains("S-1"), "{ran:?}");
    }
    let ran = clearway(&db, &["audit", "reads"]);
    let id = rows(&db, "id", "works WHERE code = 'S-1'").remove(0);
    let moments: Vec<String> = ran.out.lines().map(|line| line.split('"').nth(3).unwrap().to_owned()).collect();
    let line = |moment: &String| {
        format!(
            "{{\"read_at\":\"{moment}\",\"actor\":\"operator\",\"organisation\":null,\"door\":\"clearway check\",\
             \"request_id\":\"command line\",\"jurisdiction\":\"VN-72\",\"layer\":\"works\",\"ids\":[\"{id}\"]}}"
        )
    };
    let lines: Vec<String> = moments.iter().map(line).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(lines.len(), 3);
    ran.gives(0, &lines);
    // From a moment on, to before another.
    let part = ["audit", "reads", "--from", &moments[1], "--to", &moments[2]];
    clearway(&db, &part).gives(0, &lines[1..2]);
    assert_eq!(clearway(&db, &["audit", "reads", "--from", "yesterday"]).code, 2);
}

/// Signatures that are stored with events are held against the key, in the database and in an exported log.
#[test]
fn a_stored_signature_that_was_taken_away_or_altered_is_found() {
    let folder = Folder::new();
    let db = with_history(&folder);
    let [key, others] = ["key", "others"].map(|name| folder.path(name).to_str().unwrap().to_owned());
    let [public, foreign] =
        [&key, &others].map(|file| clearway(&db, &["audit", "key", file]).out.trim_end().to_owned());
    let import = |code: &str, key: &str| {
        let text = format!("code,kind,status,organisation,lon,lat\n{code},mast,in_service,vnpt,107.69,12.0\n");
        let file = folder.file("more.csv", text);
        let environment = [("DATABASE_URL", db.service_url.as_str()), ("CLEARWAY_AUDIT_KEY", key)];
        clearway_with(&environment, &["import", "works", &file, "--jurisdiction", "VN-72"])
    };
    for code in ["I-3", "I-4", "I-5"] {
        assert_eq!(import(code, &key).code, 0);
    }
    let signed = rows(&db, "revision", "audit_events WHERE signature IS NOT NULL ORDER BY revision");
    assert_eq!(signed, ["5", "6", "7"], "signing began with the fifth");
    let bad = "the event of revision 6 or its signature was changed: the signature does not hold";
    let another = format!("the event of revision 6 is signed by another key, {foreign}");
    let foreign_key = format!("signer = '{foreign}'");
    // What a superuser sets, what is found without the key, and with it.
    let cases: [(&str, &[&str], &[&str]); 4] = [
        ("revision = revision", &[], &[]),
        // Somebody may have written without the key: it is said, and no fault.
        ("signer = NULL, signature = NULL", &[], &[]),
        ("signature = (SELECT o.signature FROM audit_events AS o WHERE o.revision = 7)", &[bad], &[bad]),
        (&foreign_key, &[bad], &[&another]),
    ];
    run_sql(&db.url, "CREATE TABLE kept AS SELECT revision, signer, signature FROM audit_events");
    for (set, alone, with_key) in cases {
        tamper(&db, &format!("UPDATE audit_events SET {set} WHERE revision = 6"));
        let exported = clearway(&db, &["audit", "export"]);
        let log = folder.file("log", &exported.out);
        for (more, expect) in [(&[][..], alone), (&["--key", &public, "--key", &"0".repeat(64)], with_key)] {
            let ran = verify(&db, more);
            assert_eq!((faults(&ran), ran.code), (strings(expect), i32::from(!expect.is_empty())), "{set}: {ran:?}");
            let without =
                ran.out.contains(", 2 of them signed and 1 after the first of those not, the last is revision 7");
            assert_eq!(without, set.contains("signature = NULL"), "{ran:?}");
            let offline = clearway_with(&[], &[&["verify-audit", "--log", &log], more].concat());
            assert_eq!((faults(&offline), offline.code), (faults(&ran), ran.code), "{set}: {offline:?}");
        }
        tamper(
            &db,
            "UPDATE audit_events AS e SET signer = k.signer, signature = k.signature FROM kept AS k WHERE k.revision = e.revision",
        );
    }
    // Of a line that is signed nothing is left out, and nothing added.
    let exported = clearway(&db, &["audit", "export"]);
    let half = exported.out.replace(&format!(",\"signer\":\"{public}\""), "");
    let log = folder.file("half", &half);
    let ran = clearway_with(&[], &["verify-audit", "--log", &log]);
    assert!(ran.code == 1 && ran.err.contains("line 5: a signature stands beside the key of its signer"), "{ran:?}");
}

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}
