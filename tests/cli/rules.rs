//! `clearway rules`: loaded, loaded again, listed; and what is wrong with a file, every problem with its line.

use crate::program::{Folder, clearway, rows};
use crate::support::Database;

const VN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rules/VN-2027-01.toml");

#[test]
fn loaded_once_and_listed() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let import = |file: &str, codes: &str| clearway(&db, &["rules", "import", file, "--jurisdiction", codes]);
    clearway(&db, &["rules", "list"]).gives(0, &[]);
    import(VN, "VN-72").gives(0, &["VN-72: loaded VN 2027-01, 160 parameters, revision 2."]);
    import(VN, "VN-72").gives(0, &["VN-72: VN 2027-01 is loaded already; nothing changed."]);
    assert_eq!(rows(&db, "revision", "revisions"), ["2"]);
    let digest = rows(&db, "detail->>'sha256'", "audit_events WHERE revision = 2");
    assert_eq!(digest, rows(&db, "digest", "rule_packs"));
    assert_eq!((digest.len(), digest[0].len()), (1, 64));
    let of_day = ["rules", "list", "--key", "corridor.power_line.clearance_m", "--at", "2014-06-01T00:00:00Z"];
    clearway(&db, &of_day).gives(
        0,
        &[
            "VN-72: VN 2027-01, 9 of 160 parameters, in force on 2014-06-01",
            "  corridor.power_line.clearance_m 1 m class COVERED –22 kV [law] 2014-04-15–2024-12-31 NĐ 14/2014/NĐ-CP art. 11",
            "  corridor.power_line.clearance_m 2 m class BARE –22 kV [law] 2014-04-15–2024-12-31 NĐ 14/2014/NĐ-CP art. 11",
            "  corridor.power_line.clearance_m 2 m –22 kV [default] 2014-04-15–2024-12-31 NĐ 14/2014/NĐ-CP art. 11",
            "  corridor.power_line.clearance_m 1.5 m class COVERED 35 kV [law] 2014-04-15–2024-12-31 NĐ 14/2014/NĐ-CP art. 11",
            "  corridor.power_line.clearance_m 3 m class BARE 35 kV [law] 2014-04-15–2024-12-31 NĐ 14/2014/NĐ-CP art. 11",
            "  corridor.power_line.clearance_m 3 m 35 kV [default] 2014-04-15–2024-12-31 NĐ 14/2014/NĐ-CP art. 11",
            "  corridor.power_line.clearance_m 4 m 110 kV [law] 2014-04-15–2024-12-31 NĐ 14/2014/NĐ-CP art. 11",
            "  corridor.power_line.clearance_m 6 m 220 kV [law] 2014-04-15–2024-12-31 NĐ 14/2014/NĐ-CP art. 11",
            "  corridor.power_line.clearance_m 7 m 500 kV [law] 2014-04-15–2024-12-31 NĐ 14/2014/NĐ-CP art. 11",
        ],
    );
    clearway(&db, &["rules", "list", "--jurisdiction", "VN-99"])
        .fails("clearway: parameter «jurisdiction»: «VN-99» is not registered");
    assert_eq!(clearway(&db, &["rules", "list", "--at", "yesterday"]).code, 2);
    // What no check reads is kept, and said: a slip in a key would show here.
    let other = folder.file(
        "other.toml",
        "name = \"T\"\nversion = \"1\"\n[[parameter]]\nkey = \"zone.spacing_m\"\nvalue = 100\nunit = \"m\"\nconfidence = \"check\"\n",
    );
    import(&other, "VN-72").gives(
        0,
        &["VN-72: loaded T 1, 1 parameters, revision 3.", "No check reads zone.spacing_m; kept for whoever asks."],
    );
    import(&other, "VN-72,VN-99").fails("clearway: the jurisdiction «VN-99» is not there");
    let changed = folder.file(
        "changed.toml",
        "name = \"T\"\nversion = \"1\"\n[[parameter]]\nkey = \"zone.spacing_m\"\nvalue = 50\nunit = \"m\"\nconfidence = \"check\"\n",
    );
    import(&changed, "VN-72").fails(
        "clearway: version T 1 was loaded in VN-72 with another content; give the changed file a version of its own",
    );
    assert_eq!(rows(&db, "revision", "revisions"), ["3"]);
}

/// Of two limits of a site check on one day nobody could tell which holds.
#[test]
fn a_limit_of_site_checks_that_stands_twice_on_a_day_is_refused() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let pack = |first: &str, second: &str| {
        let of = |day: &str| {
            format!(
                "[[parameter]]\nkey = \"site.spacing.urban_m\"\nvalue = 100\nunit = \"m\"\nconfidence = \"check\"\n{day}\n"
            )
        };
        let text = format!("name = \"T\"\nversion = \"1\"\n{}{}", of(first), of(second));
        clearway(&db, &["rules", "import", &folder.file("twice.toml", &text), "--jurisdiction", "VN-72"])
    };
    let refused = pack("valid_to = 2026-06-30", "valid_from = 2026-06-30");
    let told = "of two that are equally specific only one may be in force on a day";
    assert!(refused.code != 0 && refused.err.contains(told), "{}: {}", refused.code, refused.err);
    assert_eq!(rows(&db, "digest", "rule_packs"), [""; 0], "nothing was loaded");
    pack("valid_to = 2026-06-30", "valid_from = 2026-07-01")
        .gives(0, &["VN-72: loaded T 1, 2 parameters, revision 2."]);
}

/// Whatever stands twice on a day is named, with the lines and both periods, and with each of several that it meets.
#[test]
fn every_overlap_of_a_file_is_told_with_both_periods() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let clauses = [
        ("site.spacing.urban_m", "valid_to = 2026-06-30"),
        ("site.spacing.urban_m", "valid_from = 2026-07-01"),
        ("site.heritage.distance_m", "valid_from = 2026-01-01\nvalid_to = 2026-12-31"),
        // Meets both halves of the first.
        ("site.spacing.urban_m", "valid_from = 2026-06-30\nvalid_to = 2026-07-01"),
        ("site.heritage.distance_m", "valid_from = 2026-12-31"),
        ("site.spacing.elsewhere_m", "valid_to = 2026-06-30"),
        ("site.spacing.elsewhere_m", "valid_from = 2026-07-01"),
    ];
    let of = |(key, days): &(&str, &str)| {
        format!("\n[[parameter]]\nkey = \"{key}\"\nvalue = 100\nunit = \"m\"\nconfidence = \"check\"\n{days}\n")
    };
    let text = format!("name = \"T\"\nversion = \"1\"\n{}", clauses.iter().map(of).collect::<String>());
    // That of the key, which is the next one.
    let line = |n: usize| 2 + text[..text.match_indices("[[parameter]]").nth(n).unwrap().0].lines().count();
    let file = folder.file("overlaps.toml", &text);
    let refused = clearway(&db, &["rules", "import", &file, "--jurisdiction", "VN-72"]);
    let told = |later: usize, when: &str, first: usize, then: &str| {
        let (key, last) = (clauses[later].0, "of two that are equally specific only one may be in force on a day");
        let (later, first) = (line(later), line(first));
        format!("{file}: line {later}: key {key} for all, {when}, meets the same {key} of line {first}, {then}: {last}")
    };
    let both = "in force from 2026-06-30 to 2026-07-01";
    let expect = [
        told(3, both, 0, "in force to 2026-06-30"),
        told(3, both, 1, "in force from 2026-07-01"),
        told(4, "in force from 2026-12-31", 2, "in force from 2026-01-01 to 2026-12-31"),
    ];
    assert_eq!((refused.code, refused.err), (1, format!("clearway: {}\n", expect.join("\n"))));
    assert_eq!(rows(&db, "digest", "rule_packs"), [""; 0], "nothing was loaded");
}

#[test]
fn a_version_that_was_replaced_still_says_what_it_said() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let pack = |file: &str, name: &str, version: &str, value: u32| {
        let parameter = format!("key = \"zone.spacing_m\"\nvalue = {value}\nunit = \"m\"\nconfidence = \"check\"");
        folder.file(file, format!("name = \"{name}\"\nversion = \"{version}\"\n[[parameter]]\n{parameter}\n"))
    };
    let import = |file: &str| clearway(&db, &["rules", "import", file, "--jurisdiction", "VN-72"]);
    let first = pack("first.toml", "T", "1", 100);
    for file in [&first, &pack("second.toml", "T", "2", 70), &pack("other.toml", "U", "1", 50)] {
        assert_eq!(import(file).code, 0);
    }
    import(&pack("changed.toml", "T", "1", 50)).fails(
        "clearway: version T 1 was loaded in VN-72 with another content; give the changed file a version of its own",
    );
    assert_eq!(rows(&db, "revision", "revisions"), ["4"]);
    // Going back to what it was is no second content.
    assert_eq!(import(&first).code, 0);
    assert_eq!(rows(&db, "name || ' ' || version", "rule_packs"), ["T 1"]);
}

#[test]
fn a_check_of_files_goes_by_them() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let works = folder
        .file("works.csv", "code,kind,organisation,position_accuracy_m,lon,lat\nC-1,mast,viettel,0,107.71,12.0\n");
    assert_eq!(clearway(&db, &["import", "works", &works, "--jurisdiction", "VN-72"]).code, 0);
    assert_eq!(clearway(&db, &["rules", "import", VN, "--jurisdiction", "VN-72"]).code, 0);
    // A line some 11 m north of it.
    let drawn = |properties: &str| {
        let shape = r#"{"type":"LineString","coordinates":[[107.709,12.0001],[107.711,12.0001]]}"#;
        folder
            .file("drawn.geojson", format!(r#"{{"type":"Feature","properties":{{{properties}}},"geometry":{shape}}}"#))
    };
    let rule = |properties: &str, more: &[&str]| {
        let ran = clearway(&db, &[&["check", &drawn(properties)], more].concat());
        let line = ran.out.lines().find(|line| line.contains("C-1")).unwrap_or("none found");
        line.split_once("corridor.").map_or_else(|| line.to_owned(), |(_, rule)| rule.to_owned())
    };
    let road = r#""kind":"road","class":"iii""#;
    assert_eq!(rule(road, &["--at", "2014-06-01T00:00:00Z"]), "road.clearance_m = 13 m [law, NĐ 100/2013/NĐ-CP]");
    assert_eq!(rule(road, &[]), "road.clearance_m = 13 m [check]");
    assert_eq!(rule(road, &["--at", "2010-06-01T00:00:00Z"]), "none found");
    assert_eq!(rule(r#""kind":"road","class":"IV""#, &[]), "none found", "9 m are less");
    let line = r#""kind":"power_line","voltage_kv":500"#;
    assert_eq!(rule(line, &[]), "none found", "7 m are less");
    let file = drawn(r#""kind":"way","voltage_kv":500"#);
    let ran = clearway(&db, &["check", &file]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("/properties/kind «way» is not known here; known are, of corridors, road, "),
        "{}",
        ran.err
    );
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let parameter =
        "[[parameter]]\nkey = \"corridor.road.clearance_m\"\nvalue = 3\nunit = \"m\"\nconfidence = \"default\"\n";
    let good = format!("name = \"T\"\nversion = \"1\"\n\n{parameter}");
    let table: &[(&str, &[&str])] = &[
        (
            "",
            &[
                "the head: name is missing",
                "the head: version is missing",
                "the head: parameter is missing: the pack has no parameter",
            ],
        ),
        ("name = ", &["line 1: cannot be read as TOML: string values must be quoted, expected literal string"]),
        (
            "name = \"T\"\nversion = \"1\"\n[[parameter]]\nkey = \"a.b\"\nkey = \"a.c\"\n",
            &["line 5: cannot be read as TOML: duplicate key"],
        ),
        (
            "name = \"T\"\nversion = \"1\"\nparameter = 3\n",
            &[
                "line 3: parameter is no table; begin each parameter with [[parameter]]",
                "the head: parameter is missing: the pack has no parameter",
            ],
        ),
        (
            &format!("{good}valid_from = 2020-01-01\nvalid_to = 2019-12-31\n\n{parameter}"),
            &["line 5: valid_to 2019-12-31 is before valid_from 2020-01-01"],
        ),
        (
            &format!("{good}valid_from = 2020-01-01T00:00:00\n"),
            &["line 5: valid_from «2020-01-01T00:00:00» is not a date; write it as 2026-03-01"],
        ),
        (
            &format!("{good}{parameter}"),
            &[
                "line 10: key corridor.road.clearance_m for all, always in force, meets the same corridor.road.clearance_m \
               of line 5, always in force: of two that are equally specific only one may be in force on a day",
            ],
        ),
        (
            &good.replace("value = 3", "value = -0.5").replace("\"m\"", "\"ell\""),
            &[
                "line 5: value is -0.5; it must lie between 0 and 5000",
                "line 5: unit «ell» is not known here; known are m, km, m2, deg, kv, w, w_m2, mhz, vnd, minute, day, working_day, \
                 month, year, count, ratio",
            ],
        ),
        (&good.replace("value = 3", "value = nan"), &["line 5: value is NaN; it must lie between 0 and 5000"]),
        (
            &good.replace("road", "rode").replace("confidence", "faith"),
            &[
                "line 5: faith is not a member of a parameter; known are key, value, unit, corridor_kind, corridor_class, \
                 voltage_kv, voltage_from_kv, voltage_to_kv, work_kind, document, article, valid_from, valid_to, \
                 confidence, note",
                "line 5: key «rode» is not a kind of corridor; known are road, railway, power_line, canal, reservoir, \
                 pipeline, airport, urban, mining, defence, other",
                "line 5: confidence is missing",
            ],
        ),
    ];
    for (text, expect) in table {
        let file = folder.file("bad.toml", text);
        let ran = clearway(&db, &["rules", "import", &file, "--jurisdiction", "VN-72"]);
        let expect: Vec<String> = expect.iter().map(|line| format!("{file}: {line}")).collect();
        let said = ran.err.trim_end().strip_prefix("clearway: ").unwrap_or(&ran.err);
        assert_eq!(
            (ran.code, said.lines().collect::<Vec<_>>()),
            (1, expect.iter().map(String::as_str).collect()),
            "{text}"
        );
    }
    let file = folder.file("bad.toml", b"name = \"\xff\"");
    clearway(&db, &["rules", "import", &file, "--jurisdiction", "VN-72"])
        .fails(&format!("clearway: {file}: the file is not UTF-8: byte 8 is wrong"));
    let missing = folder.path("none.toml").display().to_string();
    clearway(&db, &["rules", "import", &missing, "--jurisdiction", "VN-72"])
        .fails(&format!("clearway: {missing} cannot be read: No such file or directory (os error 2)"));
    assert_eq!(clearway(&db, &["rules", "import", &file]).code, 2, "where to?");
    assert_eq!(rows(&db, "revision", "revisions"), ["1"], "nothing was written");
}
