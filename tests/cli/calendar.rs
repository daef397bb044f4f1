//! `clearway calendar`: set, set again, shown; what is wrong with a file, every problem with its line; and what was changed
//! without an event.

use crate::program::{Folder, clearway, rows};
use crate::support::Database;

const VN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/calendar/VN.toml");

/// A calendar of one year with one holiday.
fn of_2026(version: &str, date: &str) -> String {
    format!(
        "name = \"T\"\nversion = \"{version}\"\nweekly_days_off = [\"sunday\"]\nfirst_year = 2026\nlast_year = 2026\n\
         [[holiday]]\ndate = {date}\nname_vi = \"Nghỉ\"\nname_en = \"Off\"\ndocument = \"QĐ 1\"\narticle = \"2\"\n\
         confidence = \"law\"\n[[working_day]]\ndate = 2026-03-01\nname_vi = \"Làm bù\"\nname_en = \"Made up for\"\n\
         confidence = \"default\"\n"
    )
}

#[test]
fn set_once_and_shown() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let set = |file: &str, codes: &str| clearway(&db, &["calendar", "set", file, "--jurisdiction", codes]);
    let show = || clearway(&db, &["calendar", "list"]);
    show().gives(0, &[]);
    set(VN, "VN-72").gives(0, &["VN-72: set VN 2026-11, 2024 to 2027, 68 days, revision 2."]);
    set(VN, "VN-72").gives(0, &["VN-72: VN 2026-11 is set already; nothing changed."]);
    assert_eq!(rows(&db, "revision", "revisions"), ["2"]);
    let digest = rows(&db, "detail->>'sha256'", "audit_events WHERE revision = 2");
    assert_eq!(digest, rows(&db, "digest", "calendars"));
    let said = "concat_ws(' ', actor, deed, detail->>'what', detail->>'name', detail->>'version', detail->>'years')";
    assert_eq!(rows(&db, said, "audit_events WHERE revision = 2"), ["operator import calendar VN 2026-11 2024-2027"]);
    let first = folder.file("first.toml", of_2026("1", "2026-01-01"));
    set(&first, "VN-72").gives(0, &["VN-72: set T 1, 2026 to 2026, 2 days, revision 3."]);
    show().gives(
        0,
        &[
            "VN-72: T 1, 2026 to 2026; off every sunday",
            "  2026-01-01 off [law] Nghỉ / Off QĐ 1 art. 2",
            "  2026-03-01 worked on [default] Làm bù / Made up for",
        ],
    );
    set(&first, "VN-72,VN-99").fails("clearway: the jurisdiction «VN-99» is not there");
    let changed = folder.file("changed.toml", of_2026("1", "2026-01-02"));
    set(&changed, "VN-72").fails(
        "clearway: version T 1 was set in VN-72 with another content; give the changed file a version of its own",
    );
    clearway(&db, &["calendar", "list", "--jurisdiction", "VN-99"])
        .fails("clearway: parameter «jurisdiction»: «VN-99» is not registered");
    assert_eq!(rows(&db, "revision", "revisions"), ["3"]);
    // What others took the place of is kept.
    assert_eq!(rows(&db, "name || ended_revision", "calendars_history"), ["VN3"]);
    assert_eq!(rows(&db, "count(*)", "calendar_days_history"), ["68"]);
    let ran = clearway(&db, &["verify-audit"]);
    assert!(ran.code == 0 && ran.out.starts_with("VN-72: 3 events"), "{ran:?}");
}

#[test]
fn every_problem_of_a_file_is_told_with_its_line() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let file = folder.file("bad.toml", of_2026("1", "2025-01-01").replace("2026-03-01", "2026-03-02"));
    let ran = clearway(&db, &["calendar", "set", &file, "--jurisdiction", "VN-72"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for expect in [
        "bad.toml: line 7: date 2025-01-01 is not in the years 2026 to 2026 that the calendar speaks for",
        "bad.toml: line 14: date 2026-03-02 is a monday, which is no day off: it is worked on anyway",
    ] {
        assert!(ran.err.contains(expect), "{expect}: {ran:?}");
    }
    assert_eq!(rows(&db, "count(*)", "calendars"), ["0"]);
}

#[test]
fn a_day_that_was_changed_without_an_event_is_found() {
    for (change, revision) in [
        ("UPDATE calendar_days SET working = true WHERE day = '2026-01-01'", 3),
        ("UPDATE calendars SET weekly_days_off = '{}'", 3),
        ("DELETE FROM calendar_days_history WHERE day = '2026-01-02'", 2),
    ] {
        let (db, folder) = (Database::vn72(), Folder::new());
        for (version, date) in [("1", "2026-01-02"), ("2", "2026-01-01")] {
            let file = folder.file("calendar.toml", of_2026(version, date));
            assert_eq!(clearway(&db, &["calendar", "set", &file, "--jurisdiction", "VN-72"]).code, 0);
        }
        crate::audit::tamper(&db, change);
        let ran = clearway(&db, &["verify-audit"]);
        let expect = format!("what revision {revision} stored was changed without an event");
        assert!(ran.code == 1 && ran.out.contains(&expect), "{change}: {ran:?}");
    }
}
