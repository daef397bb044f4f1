//! `--reason`: every command that writes says why, and it stands in the event.

use crate::program::{Folder, clearway, fixture, rows};
use crate::support::Database;

const AREA: &str =
    r#"{"type":"Polygon","coordinates":[[[107.6,11.95],[107.7,11.95],[107.7,12.05],[107.6,12.05],[107.6,11.95]]]}"#;

#[test]
fn every_command_that_writes_takes_one() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let area = folder.file("area.geojson", AREA);
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rules/VN-2027-01.toml");
    let works = fixture("ok-collection.geojson");
    let mut written = 0;
    let mut done = |arguments: &[&str]| {
        written += 1;
        let why = format!("công văn {written}/STTTT");
        let ran = clearway(&db, &[arguments, &["--reason", &why]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.err, ran.out);
        let events = rows(&db, "actor, request_id, deed", &format!("audit_events WHERE reason = '{why}'"));
        assert_eq!(events.len(), 1, "{arguments:?}: {events:?}");
        assert!(events[0].starts_with("operator command line "), "{events:?}");
        ran.out
    };
    done(&["import", "works", &works, "--jurisdiction", "VN-72"]);
    done(&["rules", "import", pack, "--jurisdiction", "VN-72"]);
    let made = done(&[
        "coverage",
        "add",
        "--jurisdiction",
        "VN-72",
        "--layer",
        "works",
        "--boundary",
        &area,
        "--source",
        "a survey",
    ]);
    let id = made.split([' ', ':']).nth(1).unwrap().to_owned();
    done(&["coverage", "remove", "--jurisdiction", "VN-72", &id]);
    let square =
        r#"{"type":"Polygon","coordinates":[[[108.3,11.8],[109.0,11.8],[109.0,12.4],[108.3,12.4],[108.3,11.8]]]}"#;
    let boundary = folder.file("b.geojson", square);
    done(&[
        "jurisdiction",
        "add",
        "--code",
        "VN-99",
        "--name",
        "Trial",
        "--grid",
        "EPSG:3406",
        "--boundary",
        &boundary,
    ]);
    done(&["organisation", "add", "office", "--name", "Office", "--kind", "office"]);
    done(&["account", "add", "nga", "--organisation", "office", "--role", "officer"]);
    done(&["account", "disable", "nga"]);
    done(&["account", "enable", "nga"]);
    done(&["account", "reset", "nga"]);
    let all = rows(&db, "count(*)", "audit_events WHERE reason IS NOT NULL");
    assert_eq!(all, [written.to_string()]);
    let long = "x".repeat(501);
    for wrong in ["", "  ", "two\nlines", long.as_str()] {
        let ran = clearway(&db, &["account", "disable", "nga", "--reason", wrong]);
        assert_eq!(ran.code, 2, "{wrong:?}: {}{}", ran.err, ran.out);
    }
}
