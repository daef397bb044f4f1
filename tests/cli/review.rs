//! What was silently taken or left out before: numbers that are none, features that only look outside, features of
//! others, made codes, axes of a definition, and a demo that was cut short.

use clearway::actions::Witness;
use clearway::actions::import::{ImportOptions, ImportReport, Observer, OnError, Rejected, Row, import};
use clearway::domain::actor::{Actor, Role};
use clearway::domain::fields::{Fields, Value};
use clearway::domain::place::Delivered;
use clearway::domain::work::Work;
use clearway::geometry::{Epsg, Geometry};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::program::{Folder, Running, clearway, command, count, fixture, free_port, rows};
use crate::support::{Database, as_superuser};

#[test]
fn numbers_that_are_none_are_problems_of_a_check() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let point = |properties: &str| {
        format!(
            r#"{{"type":"Feature","properties":{properties},"geometry":{{"type":"Point","coordinates":[107.7,12]}}}}"#
        )
    };
    let table = [
        (r#"{"clearance_m":"30"}"#, "/properties/clearance_m is the text «30»; a number belongs here"),
        (r#"{"clearance_m":-5}"#, "/properties/clearance_m is -5; it must lie between 0 and 5000"),
        (r#"{"clearance_m":5000.1}"#, "/properties/clearance_m is 5000.1; it must lie between 0 and 5000"),
        (r#"{"position_accuracy_m":true}"#, "/properties/position_accuracy_m is true; a number belongs here"),
        (r#"{"position_accuracy_m":-1}"#, "/properties/position_accuracy_m is -1; it must lie between 0 and 10000"),
    ];
    for (properties, expect) in table {
        let file = folder.file("one.geojson", point(properties));
        clearway(&db, &["check", &file]).fails(&format!("clearway: {file}: feature 1: {expect}"));
    }
    let file = folder.file(
        "table.csv",
        "code,lon,lat,clearance_m,position_accuracy_m\nA,107.7,12,30 m,abc\nB,107.7,12,,\nC,107.7,12,NaN,1\n",
    );
    clearway(&db, &["check", &file]).fails(&format!(
        "clearway: {file}: row 1 (line 2): /properties/position_accuracy_m «abc» is not a number\n\
         {file}: row 1 (line 2): /properties/clearance_m «30 m» is not a number\n\
         {file}: row 3 (line 4): /properties/clearance_m is NaN; it must lie between 0 and 5000"
    ));
    for good in [r#"{"clearance_m":5000,"position_accuracy_m":0}"#, r#"{"clearance_m":null}"#] {
        let file = folder.file("good.geojson", point(good));
        assert_eq!(clearway(&db, &["check", &file]).code, 0, "{good}");
    }
}

#[test]
fn what_another_reading_brings_inside_is_not_left_out() {
    let db = Database::vn72();
    for (file, jurisdiction) in [
        ("bad-meridian.csv", "VN-72"),
        ("bad-meridian.csv", "auto"),
        ("bad-swapped-axes.csv", "VN-72"),
        ("bad-swapped-axes.csv", "auto"),
    ] {
        let path = fixture(file);
        let all = ["import", "works", &path, "--jurisdiction", jurisdiction, "--crs", "EPSG:9218", "--outside", "skip"];
        let ran = clearway(&db, &all);
        assert_eq!(ran.code, 1, "{file} {jurisdiction}: {}", ran.out);
        ran.counts("1 read: 0 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected");
    }
    let far = fixture("bad-far-away.csv");
    for jurisdiction in ["VN-72", "auto"] {
        let all = ["import", "works", &far, "--jurisdiction", jurisdiction, "--crs", "EPSG:9218", "--outside", "skip"];
        clearway(&db, &all).counts("1 read: 0 new, 0 changed, 0 unchanged, 0 repeated, 1 outside, 0 rejected");
    }
}

#[test]
fn made_codes_are_made_of_the_record_alone() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let import = |content: &str, more: &[&str]| {
        let file = folder.file("made.csv", content);
        let mut all = vec!["import", "works", &file, "--jurisdiction", "VN-72"];
        all.extend(more);
        clearway(&db, &all)
    };
    let new = "1 read: 1 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected";
    let changed = "1 read: 0 new, 1 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected";
    let same = "1 read: 0 new, 0 changed, 1 unchanged, 0 repeated, 0 outside, 0 rejected";
    let plain = "name,lon,lat\nTrạm 1,107.69,12.004\n";
    import(plain, &["--set", "kind=mast", "--organisation", "vnpt"]).counts(new);
    let code = rows(&db, "code", "works");
    // Other defaults and another owner: the same feature. So with its columns in another order, or an empty one more.
    import(plain, &["--set", "kind=pole", "--organisation", "vnpt"]).counts(changed);
    import(plain, &["--set", "kind=pole", "--organisation", "viettel"]).counts(changed);
    let pole = ["--set", "kind=pole", "--organisation", "viettel"];
    import("lat,source,lon,name\n12.004,,107.69,Trạm 1\n", &pole).counts(same);
    assert_eq!(rows(&db, "code", "works"), code);
    // The record says something else, or stands elsewhere.
    import("name,lon,lat\nTrạm 2,107.69,12.004\n", &pole).counts(new);
    import("name,lon,lat\nTrạm 1,107.69,12.0041\n", &pole).counts(new);
    import("name,kind,lon,lat\nTrạm 1,pole,107.69,12.004\n", &["--organisation", "viettel"]).counts(new);
    assert_eq!(count(&db, "works"), 4);

    // A code that a record brings itself is one, whatever it begins with.
    let own = "code,kind,organisation,lon,lat\nAUTO-1,mast,vnpt,107.69,12.004\nAUTO-1,pole,vnpt,107.69,12.004\n";
    let ran = import(own, &[]);
    assert!(ran.err.contains("/properties/code «AUTO-1» stands already in row 1 (line 2)"), "{}", ran.err);
    ran.counts("2 read: 0 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected");
    // So it is where one of the two was made and the other was not.
    let mixed = format!("code,name,lon,lat\n,Trạm 1,107.69,12.004\n{},Trạm 9,107.69,12.004\n", code[0]);
    import(&mixed, &pole).counts("2 read: 0 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected");
}

#[test]
fn a_urn_follows_the_axes_of_its_definition() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let lat_first = folder.file(
        "lat.geojson",
        r#"{"type":"Feature","properties":{"code":"A","kind":"mast","organisation":"vnpt"},"geometry":{"type":"Point","coordinates":[12.004,107.69]}}"#,
    );
    let lon_first = folder.file(
        "lon.geojson",
        r#"{"type":"Feature","properties":{"code":"A","kind":"mast","organisation":"vnpt"},"geometry":{"type":"Point","coordinates":[107.69,12.004]}}"#,
    );
    let table: &[(&str, &[&str], i32)] = &[
        (&lat_first, &["--crs", "urn:ogc:def:crs:EPSG::4326"], 0),
        (&lat_first, &["--crs", "http://www.opengis.net/def/crs/EPSG/0/4326"], 0),
        (&lat_first, &["--crs", "EPSG:4326"], 1),
        (&lat_first, &["--crs", "EPSG:4326", "--axes", "ne"], 0),
        (&lon_first, &["--crs", "EPSG:4326"], 0),
        (&lon_first, &["--crs", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"], 0),
        (&lon_first, &["--crs", "urn:ogc:def:crs:EPSG::4326"], 1),
        (&lon_first, &["--crs", "urn:ogc:def:crs:EPSG::4326", "--axes", "en"], 0),
    ];
    for (file, more, expect) in table {
        let mut all = vec!["import", "works", file, "--jurisdiction", "VN-72", "--dry-run"];
        all.extend(*more);
        let ran = clearway(&db, &all);
        assert_eq!(ran.code, *expect, "{all:?}: {}", ran.err);
        if !more.contains(&"--axes") {
            let mut all = vec!["check", file];
            all.extend(*more);
            let ran = clearway(&db, &all);
            assert_eq!(ran.code, *expect, "{all:?}: {}", ran.err);
            assert!(!ran.out.contains("NOT CHECKED"), "{all:?}: {}", ran.out);
        }
    }
}

#[derive(Default)]
struct Said(Vec<String>);

impl Observer for Said {
    fn rejected(&mut self, rejected: &Rejected) {
        self.0.extend(rejected.problems.iter().map(|p| format!("{} {}", p.pointer, p.detail)));
    }

    fn read(&mut self, _: u64) {}

    fn digest(&mut self) -> String {
        String::new()
    }
}

#[test]
fn a_code_of_another_is_no_way_to_its_feature() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let head = "code,kind,organisation,lon,lat,visibility\n";
    let theirs = folder.file("theirs.csv", format!("{head}T-1,mast,vnpt,107.69,12.004,carriers\n"));
    assert_eq!(clearway(&db, &["import", "works", &theirs, "--jurisdiction", "VN-72"]).code, 0);
    let context = db.context();
    let carrier = Actor {
        name: "carrier".into(),
        organisation: Some("viettel".into()),
        roles: vec![Role::Carrier],
        jurisdictions: None,
    };
    let run = |on_error, codes: &[&str]| -> (ImportReport, Vec<String>) {
        let options = ImportOptions {
            jurisdiction: Some("VN-72".into()),
            organisation: Some("viettel".into()),
            on_error,
            outside_skips: false,
            dry_run: false,
        };
        let text = |t: &str| Value::Text(t.into());
        let mut rows = codes.iter().zip(1..).map(|(code, number)| Row {
            number,
            place: format!("row {number}"),
            shape_at: "/geometry",
            filled: Vec::new(),
            content: Ok((
                Fields(vec![("code".into(), text(code)), ("kind".into(), text("pole"))]),
                Ok(Delivered { shape: Geometry::Point((107.7, 12.0).into()), crs: Epsg::WGS84 }),
            )),
        });
        let mut said = Said::default();
        let witness = Witness::new(&carrier, "test");
        let report = import::<Work>(&context, witness, &options, &mut rows, &mut said).unwrap();
        (report, said.0)
    };
    let no = "/properties/code «T-1» belongs to another organisation";
    let (report, said) = run(OnError::Stop, &["T-1", "O-1"]);
    assert_eq!((report.stored, report.rejected, said), (false, 1, vec![no.to_owned()]));
    let (report, said) = run(OnError::Skip, &["T-1", "O-1"]);
    assert_eq!((report.stored, report.inserted, report.updated, report.rejected), (true, 1, 0, 1));
    assert_eq!(said, [no]);
    let (report, _) = run(OnError::Skip, &["T-1"]);
    assert_eq!((report.stored, report.rejected), (false, 1));
    let stored = ["O-1 pole viettel 1", "T-1 mast vnpt 1"];
    assert_eq!(rows(&db, "code, kind, organisation, version", "works ORDER BY code"), stored);
    // Whoever may write both brings it in, and its owner changes.
    let mine = folder.file("mine.csv", format!("{head}T-1,mast,viettel,107.69,12.004,\n"));
    clearway(&db, &["import", "works", &mine, "--jurisdiction", "VN-72"])
        .counts("1 read: 0 new, 1 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected");
}

#[test]
fn a_demo_that_was_cut_short_is_made_whole_and_deleted_stays_deleted() {
    use std::os::unix::fs::PermissionsExt;
    let everybody = std::fs::Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new().prefix("clearway-demo-").permissions(everybody).tempdir().unwrap();
    let listen = format!("127.0.0.1:{}", free_port());
    let all = ["demo", "--data-dir", folder.path().to_str().unwrap(), "--listen", &listen];
    // Starts it, sees what it says it holds, does something to its database, and ends it.
    let run = |expect: &str, sql: &str| {
        let mut running = Running::start(command(&all));
        let said = running.wait_for("Ctrl-C ends it");
        assert!(said.contains(expect), "{expect}: {said}");
        let url = std::fs::read_to_string(folder.path().join("database-url")).unwrap();
        PgConnection::establish(&as_superuser(&url)).unwrap().batch_execute(sql).unwrap();
        running.signal("TERM");
        assert_eq!(running.end().code(), Some(0), "{}", running.said());
    };
    let whole = "VN-72: 1197 works, 8 corridors, 182 references";
    run(whole, "DELETE FROM works WHERE organisation = 'mobifone'; DELETE FROM corridors");
    std::fs::remove_file(folder.path().join("loaded")).unwrap();
    run(whole, "DELETE FROM works WHERE id = (SELECT min(id::text)::uuid FROM works)");
    run("VN-72: 1196 works, 8 corridors", "SELECT 1");
}
