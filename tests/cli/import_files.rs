//! Every kind of file that is taken, and what is left of it in the database.

use sha2::{Digest, Sha256};

use crate::program::{Folder, clearway, command, count, fixture, rows};
use crate::support::Database;

/// Imports a fixture into VN-72 and compares what the layer holds then.
#[track_caller]
fn check(layer: &str, file: &str, arguments: &[&str], counts: &str, columns: &str, expect: &[&str]) {
    let db = Database::vn72();
    let file = fixture(file);
    let mut all = vec!["import", layer, &file, "--jurisdiction", "VN-72"];
    all.extend(arguments);
    let ran = clearway(&db, &all);
    assert_eq!(ran.code, 0, "{}{}", ran.err, ran.out);
    ran.counts(counts);
    assert_eq!(rows(&db, columns, &format!("{layer} ORDER BY code")), expect, "{file}");
    assert_eq!(count(&db, "changes WHERE kind = 'bulk'"), 1);
    assert_eq!(count(&db, "audit_events WHERE deed = 'import'"), 1);
}

const TWO: &str = "2 read: 2 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected";
const THREE: &str = "3 read: 3 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected";
const PLACE: &str = "code, kind, organisation, ST_AsText(geom, 4)";
const TWO_PLACES: &[&str] = &["IMP-1 mast viettel POINT(107.6907 12.0042)", "IMP-2 bts vnpt POINT(107.6217 12.4486)"];

#[test]
fn geojson_in_its_three_shapes() {
    check(
        "works",
        "ok-collection.geojson",
        &[],
        "4 read: 4 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected",
        "code, kind, height_agl_m, nullif(array_to_string(tenants, '+'), ''), ST_AsText(geom, 4)",
        &[
            // The third coordinate is accepted and dropped.
            "IMP-1 mast 42 vnpt+mobifone POINT(107.6907 12.0042)",
            "IMP-2 buried_cable LINESTRING(107.62 12.448,107.63 12.449,107.64 12.4485)",
            "IMP-3 exchange POLYGON((107.893 12.593,107.8933 12.593,107.8933 12.5932,107.893 12.5932,107.893 12.593))",
            "IMP-4 pole MULTIPOINT((107.691 12.005),(107.6912 12.0052))",
        ],
    );
    let three = &["IMP-1 mast 107.6907", "IMP-2 pole 107.6217", "IMP-3 bts 107.893"];
    check("works", "ok-lines.geojsonl", &[], THREE, "code, kind, ST_X(geom)", three);
    check("works", "ok-sequence.geojsons", &[], TWO, "code, kind, ST_X(geom)", &three[..2]);
}

#[test]
fn tables_with_every_delimiter() {
    for file in ["ok-comma.csv", "ok-semicolon.csv", "ok-tab.tsv", "ok-pipe.csv", "ok-bom.csv"] {
        check("works", file, &[], TWO, PLACE, TWO_PLACES);
    }
    check(
        "works",
        "ok-wkt.csv",
        &[],
        THREE,
        "code, kind, GeometryType(geom), ST_NPoints(geom)",
        &["IMP-1 mast POINT 1", "IMP-2 buried_cable LINESTRING 2", "IMP-3 exchange POLYGON 4"],
    );
}

#[test]
fn tables_on_a_grid_in_either_order() {
    // Kept as recorded, in WGS 84, and on the grid; within 1 mm of the point they were computed from.
    let columns = "code, recorded_crs, round(ST_X(recorded_geom)::numeric, 4), round(ST_Y(recorded_geom)::numeric, 4),
                   ST_SRID(geom_grid), ST_Distance(geom_grid, recorded_geom) < 0.001,
                   ST_Distance(ST_Transform(geom, 9218), recorded_geom) < 0.001, ST_AsText(geom, 6)";
    let expect = &[
        "IMP-1 9218 411677.8616 1327659.6234 9218 t t POINT(107.6907 12.0042)",
        "IMP-2 9218 404323.3136 1376844.3640 9218 t t POINT(107.6217 12.4486)",
    ];
    check("works", "ok-grid.csv", &["--crs", "EPSG:9218"], TWO, columns, expect);
    check("works", "ok-northing.csv", &["--crs", "EPSG:9218", "--axes", "ne"], TWO, columns, expect);
}

#[test]
fn columns_under_other_names_and_defaults() {
    check(
        "works",
        "ok-names.csv",
        &[
            "--map",
            "code=MÃ",
            "--map",
            "name=TÊN",
            "--map",
            "kind=LOẠI",
            "--map",
            "lon=KINH ĐỘ",
            "--map",
            "lat=VĨ ĐỘ",
            "--set",
            "kind=mast",
            "--set",
            "capture_method=gnss",
            "--organisation",
            "viettel",
        ],
        TWO,
        "code, kind, organisation, capture_method, name, ST_AsText(geom, 4)",
        &[
            "IMP-1 mast viettel gnss Trạm chợ POINT(107.6907 12.0042)",
            "IMP-2 bts viettel gnss Trạm Đắk Mil POINT(107.6217 12.4486)",
        ],
    );
}

#[test]
fn corridors_by_centreline_in_the_properties_or_as_the_geometry() {
    let columns = "code, kind, half_width_left_m, half_width_right_m, ST_NumGeometries(centreline),
                   GeometryType(geom), abs(ST_Area(geom_grid) / ST_Length(centreline_grid)
                       - half_width_left_m - half_width_right_m) < 0.1";
    check(
        "corridors",
        "ok-centreline.geojson",
        &[],
        TWO,
        columns,
        &["IMP-R1 road 30 20 1 MULTIPOLYGON t", "IMP-R2 power_line 30 20 2 MULTIPOLYGON t"],
    );
    check(
        "corridors",
        "ok-roads.geojson",
        &[
            "--set",
            "kind=road",
            "--set",
            "status=in_force",
            "--set",
            "half_width_left_m=30",
            "--set",
            "half_width_right_m=15",
            "--organisation",
            "roads-board",
        ],
        TWO,
        columns,
        &["IMP-R1 road 30 15 1 MULTIPOLYGON t", "IMP-R2 road 30 15 1 MULTIPOLYGON t"],
    );
}

#[test]
fn the_same_file_again_updates_and_does_not_double() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let head = "code,kind,organisation,lon,lat\n";
    let unchanged = "IMP-1,mast,viettel,107.6907,12.0042\nIMP-2,bts,vnpt,107.6217,12.4486\n";
    let file = folder.file("works.csv", format!("{head}{unchanged}IMP-3,pole,vnpt,107.6218,12.4487\n"));
    let import = || clearway(&db, &["import", "works", &file, "--jurisdiction", "VN-72"]);
    let versions = || rows(&db, "code, kind, version, revision", "works ORDER BY code");
    let ids = || rows(&db, "id", "works ORDER BY code");

    import().gives(0, &[THREE, "Stored; revision VN-72=2."]);
    assert_eq!(versions(), ["IMP-1 mast 1 2", "IMP-2 bts 1 2", "IMP-3 pole 1 2"]);
    let first = ids();
    import().counts("3 read: 0 new, 0 changed, 3 unchanged, 0 repeated, 0 outside, 0 rejected");
    assert_eq!(versions(), ["IMP-1 mast 1 2", "IMP-2 bts 1 2", "IMP-3 pole 1 2"]);
    folder.file("works.csv", format!("{head}{unchanged}IMP-3,manhole,vnpt,107.6218,12.4487\n"));
    import().counts("3 read: 0 new, 1 changed, 2 unchanged, 0 repeated, 0 outside, 0 rejected");
    assert_eq!(versions(), ["IMP-1 mast 1 2", "IMP-2 bts 1 2", "IMP-3 manhole 2 4"]);
    assert_eq!(ids(), first, "the features are the same ones");
    // A place that moved is a change too.
    folder.file("works.csv", format!("{head}IMP-3,manhole,vnpt,107.6219,12.4487\n"));
    import().counts("1 read: 0 new, 1 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected");
    assert_eq!(versions(), ["IMP-1 mast 1 2", "IMP-2 bts 1 2", "IMP-3 manhole 3 5"]);
}

#[test]
fn records_without_a_code_get_one_and_do_not_double() {
    let db = Database::vn72();
    let file = fixture("ok-no-codes.csv");
    let import = || clearway(&db, &["import", "works", &file, "--jurisdiction", "VN-72"]);
    import().counts("3 read: 2 new, 0 changed, 0 unchanged, 1 repeated, 0 outside, 0 rejected");
    let codes = rows(&db, "code", "works ORDER BY code");
    assert_eq!(codes.len(), 2);
    assert!(codes.iter().all(|c| c.len() == 21 && c.starts_with("AUTO-")), "{codes:?}");
    import().counts("3 read: 0 new, 0 changed, 2 unchanged, 1 repeated, 0 outside, 0 rejected");
    assert_eq!(rows(&db, "code", "works ORDER BY code"), codes);
}

#[test]
fn an_import_is_one_event_and_one_bulk_change_in_each_jurisdiction() {
    let (db, folder) = (Database::vn72(), Folder::new());
    crate::jurisdiction::add_neighbour(&db, &folder);
    let file = fixture("ok-two-provinces.geojson");
    let auto = ["import", "works", &file, "--jurisdiction", "auto", "--on-error", "skip"];
    let ran = clearway(&db, &auto);
    ran.gives(
        0,
        &[
            "rejected: feature 4 (line 5) «IMP-4»: /geometry/coordinates lies outside every registered jurisdiction: \
             it begins at 107.1, 12",
            "4 read: 3 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected",
            "Stored; revision VN-72=2, VN-99=2.",
        ],
    );
    assert_eq!(
        rows(&db, "jurisdiction, code, ST_SRID(geom_grid)", "works ORDER BY code"),
        ["VN-72 IMP-1 9218", "VN-99 IMP-2 3406", "VN-99 IMP-3 3406"]
    );
    let bytes: Vec<String> = Sha256::digest(std::fs::read(&file).unwrap()).iter().map(|b| format!("{b:02x}")).collect();
    let digest = bytes.concat();
    let events = rows(
        &db,
        "jurisdiction, revision, actor, layer, detail->>'inserted', detail->>'rejected', detail->>'sha256'",
        "audit_events WHERE deed = 'import' ORDER BY 1",
    );
    assert_eq!(
        events,
        [format!("VN-72 2 operator works 1 1 {digest}"), format!("VN-99 2 operator works 2 1 {digest}")]
    );
    assert_eq!(
        rows(&db, "jurisdiction, revision, ordinal, layer, kind, id", "changes ORDER BY 1"),
        ["VN-72 2 1 works bulk", "VN-99 2 1 works bulk"]
    );
}

const OUTSIDE: &str =
    "code,kind,organisation,lon,lat\nIMP-1,mast,viettel,107.6907,12.0042\nIMP-2,mast,viettel,105.8,21.0\n";

#[test]
fn all_or_nothing_unless_the_good_rows_alone_are_wanted() {
    let folder = Folder::new();
    let bad = folder.file("bad.csv", OUTSIDE.replace(",105.8,21.0", ",here,21.0") + "IMP-3,tower,,107.6907,12.0042\n");
    let named = [
        "rejected: row 2 (line 3) «IMP-2»: /lon «here» is not a number",
        "rejected: row 3 (line 4) «IMP-3»: /properties/kind «tower» is not known here; known are bts, mast, \
         rooftop_mast, station_house, exchange, cabinet, pole, manhole, duct, aerial_cable, buried_cable, \
         public_access_point; /properties/organisation is missing",
    ];
    let report = folder.path("report.csv");
    let arguments = ["import", "works", &bad, "--jurisdiction", "VN-72", "--report", report.to_str().unwrap()];
    let stop = "clearway: nothing was stored, because of the rejected records; --on-error skip stores the others";
    let counts = "3 read: 0 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 2 rejected";
    let db = Database::vn72();
    clearway(&db, &arguments).gives(1, &[named[0], named[1], stop, counts]);
    assert_eq!(count(&db, "works"), 0);
    assert_eq!(rows(&db, "revision", "revisions"), ["1"], "not even the revision went on");
    let mut lines = csv::Reader::from_path(&report).unwrap();
    assert_eq!(lines.headers().unwrap(), vec!["number", "place", "feature", "column", "reason"]);
    let records: Vec<Vec<String>> = lines.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
    let heads: Vec<&[String]> = records.iter().map(|r| &r[..4]).collect();
    assert_eq!(
        heads,
        [
            ["2", "row 2 (line 3)", "IMP-2", "lon"],
            ["3", "row 3 (line 4)", "IMP-3", "kind"],
            ["3", "row 3 (line 4)", "IMP-3", "organisation"]
        ]
    );
    assert_eq!((records[0][4].as_str(), records[2][4].as_str()), ("«here» is not a number", "is missing"));

    let mut skip = arguments.to_vec();
    skip.extend(["--on-error", "skip"]);
    let counts = "3 read: 1 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 2 rejected";
    clearway(&db, &skip).gives(0, &[named[0], named[1], counts, "Stored; revision VN-72=2."]);
    assert_eq!(rows(&db, "code", "works"), ["IMP-1"]);
}

#[test]
fn what_lies_outside_is_rejected_by_name_or_left_out() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let file = folder.file("outside.csv", OUTSIDE);
    let arguments = ["import", "works", &file, "--jurisdiction", "VN-72"];
    let ran = clearway(&db, &arguments);
    assert!(
        ran.err.starts_with(
            "rejected: row 2 (line 3) «IMP-2»: /geometry/coordinates lies outside VN-72 (Dak Nong), even widened by \
             5000 m: it begins at 105.80000, 21.00000\n"
        ),
        "{}",
        ran.err
    );
    assert_eq!((ran.code, count(&db, "works")), (1, 0));
    let mut skip = arguments.to_vec();
    skip.extend(["--outside", "skip"]);
    clearway(&db, &skip).gives(
        0,
        &["2 read: 1 new, 0 changed, 0 unchanged, 0 repeated, 1 outside, 0 rejected", "Stored; revision VN-72=2."],
    );
    // A sheet with its axes swapped lies outside too; it is not left out in silence.
    let swapped = fixture("bad-swapped-axes.csv");
    let ran = clearway(
        &db,
        &["import", "works", &swapped, "--jurisdiction", "VN-72", "--crs", "EPSG:9218", "--outside", "skip"],
    );
    assert_eq!(ran.code, 1, "{}", ran.out);
}

#[test]
fn how_far_outside_is_still_taken_can_be_set() {
    let (db, folder) = (Database::vn72(), Folder::new());
    // 3 km west of a corner of the outline.
    let near = "code,kind,organisation,lon,lat\nIMP-1,mast,viettel,107.39245,11.742\n";
    let file = folder.file("near.csv", near);
    let arguments = ["import", "works", &file, "--jurisdiction", "VN-72", "--dry-run"];
    assert_eq!(clearway(&db, &arguments).code, 0);
    let nearer = command(&arguments)
        .env("DATABASE_URL", &db.service_url)
        .env("CLEARWAY_BOUNDARY_REACH_M", "1000")
        .output()
        .unwrap();
    let said = String::from_utf8(nearer.stderr).unwrap();
    assert!(said.contains("even widened by 1000 m"), "{said}");
}

#[test]
fn a_dry_run_stores_nothing_and_says_so() {
    let db = Database::vn72();
    let file = fixture("ok-comma.csv");
    clearway(&db, &["import", "works", &file, "--jurisdiction", "VN-72", "--dry-run"])
        .gives(0, &[&format!("{file}: columns not used: remark"), TWO, "Nothing was stored: this was a dry run."]);
    assert_eq!((count(&db, "works"), count(&db, "audit_events WHERE deed = 'import'")), (0, 0));
    assert_eq!(rows(&db, "revision", "revisions"), ["1"]);
}

#[test]
fn a_dry_run_exits_as_the_run_would() {
    let folder = Folder::new();
    let good = "code,kind,organisation,lon,lat\nIMP-1,mast,viettel,107.6907,12.0042\n";
    let mixed = folder.file("mixed.csv", format!("{good}IMP-2,tower,viettel,107.6907,12.0042\n"));
    let bad = folder.file("bad.csv", good.replace("mast", "tower"));
    for (file, on_error, code) in [(&mixed, "skip", 0), (&mixed, "stop", 1), (&bad, "skip", 1), (&bad, "stop", 1)] {
        let db = Database::vn72();
        let run = ["import", "works", file, "--jurisdiction", "VN-72", "--on-error", on_error];
        let dry = [&run[..], &["--dry-run"]].concat();
        assert_eq!(clearway(&db, &dry).code, code, "{file} {on_error}, dry");
        assert_eq!(clearway(&db, &run).code, code, "{file} {on_error}");
    }
}

#[test]
fn several_files_are_one_import_and_each_record_says_which() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let first = fixture("ok-semicolon.csv");
    let second = folder.file("second.csv", "code,kind,organisation,lon,lat\nIMP-9,tower,vnpt,107.6907,12.0042\n");
    let ran = clearway(&db, &["import", "works", &first, &second, "--jurisdiction", "VN-72", "--on-error", "skip"]);
    assert!(
        ran.err.starts_with(&format!("rejected: {second}: row 1 (line 2) «IMP-9»: /properties/kind")),
        "{}",
        ran.err
    );
    assert_eq!((count(&db, "works"), count(&db, "audit_events WHERE deed = 'import'")), (2, 1));
    assert_eq!(rows(&db, "length(detail->>'sha256')", "audit_events WHERE deed = 'import'"), ["129"]);
}

#[test]
fn every_fixture_is_in_a_test() {
    let tests = concat!(include_str!("import_files.rs"), include_str!("import_bad.rs"));
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/import");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(tests.contains(&format!("\"{name}\"")), "no test imports {name}");
    }
}

#[test]
fn progress_is_a_bar_on_a_terminal() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let mut text = "code,lon,lat\n".to_owned();
    for n in 0..3_000 {
        text += &["M-", &n.to_string(), ",107.69,12.00\n"].concat();
    }
    let file = folder.file("many.csv", text);
    // `script` gives the program a terminal, as a person has one.
    let import = format!(
        "{} import works {file} --jurisdiction VN-72 --set kind=mast --organisation vnpt",
        env!("CARGO_BIN_EXE_clearway")
    );
    let ran = std::process::Command::new("script")
        .args(["-qec", &import, "/dev/null"])
        .envs([("DATABASE_URL", db.service_url.as_str()), ("TERM", "xterm")])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && shown.contains("3000 read: "), "{shown}");
    assert!(shown.contains('█') && shown.contains(" records"), "no bar: {shown}");
}
