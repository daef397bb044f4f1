//! Files that are not taken, each with the exact words it gets. The fixtures `bad-*` are named by what is wrong.

use std::fmt::Write as _;

use crate::program::{Folder, clearway, clearway_with, count, fixture};
use crate::support::Database;

const STOPPED: &str =
    "clearway: nothing was stored, because of the rejected records; --on-error skip stores the others";
const OUT_OF_RANGE: &str = "is out of range: longitude lies between -180 and 180, latitude between -90 and 90";

/// Imports a bad fixture: nothing is stored, it exits with 1, and each line is a rejected record.
#[track_caller]
fn check(file: &str, arguments: &[&str], rejected: &[&str]) {
    let db = Database::vn72();
    let layer = if file.contains("corridor") { "corridors" } else { "works" };
    let path = fixture(file);
    let mut all = vec!["import", layer, &path];
    all.extend(arguments);
    if !arguments.contains(&"--jurisdiction") {
        all.extend(["--jurisdiction", "VN-72"]);
    }
    let ran = clearway(&db, &all);
    let expect: Vec<String> = rejected.iter().map(|r| format!("rejected: {r}")).chain([STOPPED.to_owned()]).collect();
    let said: Vec<&str> = ran.err.lines().collect();
    assert_eq!(said, expect, "{file}");
    assert_eq!((ran.code, count(&db, layer)), (1, 0), "{file}: {}", ran.out);
}

/// A file of which nothing is even read: one sentence.
#[track_caller]
fn refused(file: &str, arguments: &[&str], sentence: &str) {
    let db = Database::vn72();
    let mut all = vec!["import", "works", file, "--jurisdiction", "VN-72"];
    all.extend(arguments);
    clearway(&db, &all).fails(&format!("clearway: {sentence}"));
}

#[test]
fn rings_and_lines() {
    check(
        "bad-self-crossing.geojson",
        &[],
        &[
            "feature 2 (line 3) «IMP-1»: /geometry/coordinates/0/0 the ring crosses or touches itself at 107.695, 12.005: \
           the segment after position 0 meets the one after position 2",
        ],
    );
    check(
        "bad-unclosed-ring.geojson",
        &[],
        &["feature 1 (line 2) «IMP-1»: /geometry/coordinates/0 the ring is not closed: it starts at [107.69, 12] and \
           ends at [107.69, 12.01]; repeat the first position at the end"],
    );
}

#[test]
fn swapped_axes_are_told_only_where_the_other_order_fits() {
    check(
        "bad-swapped-axes.geojson",
        &[],
        &[&format!(
            "feature 1 (line 2) «IMP-1»: /geometry/coordinates position 0 (12.0042, 107.6907) {OUT_OF_RANGE}; the axes \
             look swapped: GeoJSON writes longitude first, then latitude"
        )],
    );
    check(
        "bad-swapped-axes.csv",
        &["--crs", "EPSG:9218"],
        &["row 1 (line 2) «IMP-1»: /geometry/coordinates lies outside VN-72 (Dak Nong), even widened by 5000 m: it \
           begins at 115.93193, 3.69099; with the axes swapped it lies in VN-72: the sheet may write X = northing \
           (--axes ne)"],
    );
    check(
        "bad-swapped-axes.csv",
        &["--crs", "EPSG:9218", "--jurisdiction", "auto"],
        &["row 1 (line 2) «IMP-1»: /geometry/coordinates lies outside every registered jurisdiction: it begins at \
           1327659.6234, 411677.8616; with the axes swapped it lies in VN-72: the sheet may write X = northing \
           (--axes ne)"],
    );
    check(
        "bad-far-away.csv",
        &["--crs", "EPSG:9218"],
        &["row 1 (line 2) «IMP-1»: /geometry/coordinates lies outside VN-72 (Dak Nong), even widened by 5000 m: it \
           begins at 124.79636, 6.17724"],
    );
}

#[test]
fn coordinates_of_another_system_or_meridian() {
    check(
        "bad-out-of-range.geojson",
        &[],
        &[
            &format!(
                "feature 1 (line 2) «IMP-1»: /geometry/coordinates position 0 (411677.8616, 1327659.6234) \
                 {OUT_OF_RANGE}; these look like metres of a grid, so name their system (Content-Crs or --crs); the \
                 numbers fit VN-72 as EPSG:9218 (VN-2000 / TM-3 108-30) or EPSG:9217 (VN-2000 / TM-3 108-15)"
            ),
            &format!(
                "feature 2 (line 3) «IMP-2»: /geometry/coordinates position 1 (187.69, 12) {OUT_OF_RANGE}; these look \
                 like metres of a grid, so name their system (Content-Crs or --crs)"
            ),
        ],
    );
    check(
        "bad-meridian.csv",
        &["--crs", "EPSG:9218"],
        &["row 1 (line 2) «IMP-1»: /geometry/coordinates lies outside VN-72 (Dak Nong), even widened by 5000 m: it \
           begins at 108.44070, 12.00420; the numbers fit VN-72 as EPSG:5898 (VN-2000 / TM-3 zone 491) or EPSG:5899 \
           (VN-2000 / TM-3 107-45) or EPSG:9216 (VN-2000 / TM-3 107-30)"],
    );
    check(
        "bad-crs-member.geojson",
        &[],
        &[
            "byte 100: the collection's crs names EPSG:5899, but the file is read as EPSG:4326; say which is right with \
           --crs",
        ],
    );
}

#[test]
fn geometries_that_stand_nowhere_or_are_none() {
    check(
        "bad-geometry.geojson",
        &[],
        &[
            "feature 1 (line 2) «IMP-1»: /geometry is null: a feature without a geometry stands nowhere",
            "feature 2 (line 3) «IMP-2»: /geometry is missing: a feature without a geometry stands nowhere",
            "feature 3 (line 4) «IMP-3»: /geometry/coordinates is empty: an empty geometry stands nowhere",
            "feature 4 (line 5) «IMP-4»: /geometry/coordinates is empty: an empty geometry stands nowhere",
            "feature 5 (line 6) «IMP-5»: /geometry/type is \"Circle\"; one of Point, MultiPoint, LineString, \
             MultiLineString, Polygon, MultiPolygon belongs here",
            "feature 6 (line 7) «IMP-6»: /geometry/coordinates the line has no length: all its positions are the same",
            "feature 7 (line 8) «IMP-7»: /geometry/coordinates/0 is the text \"107.69\"; a number belongs here; \
             /geometry/coordinates/1 is the text \"12.0\"; a number belongs here",
            "feature 8 (line 9) «IMP-8»: /geometry/type is GeometryCollection, which is not taken: send its parts one \
             by one",
        ],
    );
    check(
        "bad-corridor-type.geojson",
        &[],
        &[
            "feature 1 (line 2) «IMP-1»: /geometry/type a corridor is a Polygon or MultiPolygon, or a LineString or \
             MultiLineString with half-widths",
            "feature 2 (line 3) «IMP-2»: /properties/half_width_left_m is missing: a centreline needs both \
             half-widths; /properties/half_width_right_m is missing: a centreline needs both half-widths",
            "feature 3 (line 4) «IMP-3»: /properties/half_width_left_m half-widths belong to a centreline; this \
             corridor is drawn as an area",
        ],
    );
}

#[test]
fn centrelines() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let widths = r#""half_width_left_m":5,"half_width_right_m":5"#;
    let feature = |shape: &str, positions: &str| {
        let line = format!(r#"{{"type":"{shape}","coordinates":{positions}}}"#);
        format!(r#"{{"type":"Feature","geometry":null,"properties":{{"kind":"road",{widths},"centreline":{line}}}}}"#)
    };
    let lines = [
        feature("LineString", "[[10.0,50.0],[10.1,50.0]]"),
        feature("Point", "[107.69,12.0]"),
        feature("LineString", "[[107.69,12.0],[107.69]]"),
    ];
    let file = folder.file("lines.geojsonl", lines.join("\n"));
    let report = folder.path("report.csv").display().to_string();
    let set = ["--set", "status=in_force", "--organisation", "o", "--jurisdiction", "VN-72", "--report", &report];
    assert_eq!(clearway(&db, &[&["import", "corridors", &file][..], &set].concat()).code, 1);
    let text = std::fs::read_to_string(&report).unwrap();
    let columns: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').nth(3).unwrap()).collect();
    assert_eq!(columns, ["centreline/coordinates", "centreline/type", "centreline/coordinates/1"], "{text}");
}

#[test]
fn values() {
    check(
        "bad-words.csv",
        &[],
        &[
            "row 1 (line 2) «IMP-1»: /properties/kind «tower» is not known here; known are bts, mast, rooftop_mast, \
             station_house, exchange, cabinet, pole, manhole, duct, aerial_cable, buried_cable, public_access_point",
            "row 2 (line 3) «IMP-2»: /properties/status «built» is not known here; known are planned, permitted, \
             under_construction, in_service, suspended, relocating, relocated, dismantled, abandoned; \
             /properties/visibility «everyone» is not known here; known are public, carriers, government, restricted",
            "row 3 (line 4) «IMP-3»: /properties/kind is missing; /properties/organisation is missing",
        ],
    );
    check(
        "bad-numbers.csv",
        &[],
        &[
            "row 1 (line 2) «IMP-1»: /properties/height_agl_m «high» is not a number",
            "row 2 (line 3) «IMP-2»: /properties/valid_from «01/02/2020» is not a date; write it as 2026-03-01; \
             /properties/height_agl_m is -5; it must lie between 0 and 1000; /properties/spare_capacity must be a \
             whole number",
            "row 3 (line 4) «IMP-3»: /lon «east» is not a number; /lat is empty; a number belongs here",
            "row 4 (line 5) «IMP-4»: /lon «1,327,659» is not a number",
        ],
    );
    check(
        "bad-duplicates.csv",
        &[],
        &["row 3 (line 4) «IMP-1»: /properties/code «IMP-1» stands already in row 1 (line 2)"],
    );
    check(
        "bad-cells.csv",
        &[],
        &["row 1 (line 2): has 4 cells, the header has 5", "row 2 (line 3): has 6 cells, the header has 5"],
    );
}

#[test]
fn broken_files() {
    check(
        "bad-truncated.geojson",
        &[],
        &["feature 3 (line 4): the file is cut off: it ends inside feature 3 (line 4)"],
    );
    check(
        "bad-truncated.csv",
        &[],
        &["row 2 (line 3): the file ends inside row 2 (line 3): the quotation mark opened on line 3 is never closed, \
           or the file is cut off"],
    );
    check(
        "bad-not-utf8.csv",
        &[],
        &["row 1 (line 2): /name is not UTF-8: the byte 0xE9 stands at byte 44 of the file; save the file as UTF-8"],
    );
}

#[test]
fn files_that_are_not_even_begun() {
    let folder = Folder::new();
    let empty = fixture("bad-empty.csv");
    refused(&empty, &[], &format!("{empty}: the file is empty"));
    refused("/nowhere.csv", &[], "/nowhere.csv: there is no such file");
    refused("/tmp", &[], "/tmp: it is a folder; name the files in it");
    let nothing = fixture("bad-no-place.csv");
    refused(
        &nothing,
        &[],
        &format!(
            "{nothing}: no column is known to hold the place; map lon and lat, x and y, or wkt to one column each; the \
             header is: «code», «kind», «organisation», «address»"
        ),
    );
    let good = fixture("ok-semicolon.csv");
    refused(
        &good,
        &["--map", "name=TEN"],
        &format!(
            "{good}: there is no column «TEN» to map; the header is: «code», «kind», «organisation», «Longitude», \
             «Latitude»"
        ),
    );
    refused(
        &good,
        &["--crs", "nonsense"],
        "«nonsense» is not a coordinate reference system; write for example EPSG:9218",
    );
    let report = folder.path("no/report.csv").to_str().unwrap().to_owned();
    refused(&good, &["--report", &report], &format!("{report}: No such file or directory (os error 2)"));
    let db = Database::vn72();
    // PROJ itself has a word to say about codes it does not know.
    let ran = clearway(&db, &["import", "works", &good, "--jurisdiction", "VN-72", "--crs", "EPSG:99999"]);
    assert_eq!((ran.code, ran.err.lines().last()), (1, Some("clearway: EPSG:99999 is not known to PROJ")));
    clearway(&db, &["import", "works", &good, "--jurisdiction", "VN-01"])
        .fails("clearway: the jurisdiction «VN-01» is not there");
    // A property that a document may have or not is only told.
    let document = fixture("ok-collection.geojson");
    let ran = clearway(&db, &["import", "works", &document, "--jurisdiction", "VN-72", "--map", "name=TEN"]);
    assert_eq!(
        (ran.code, ran.err.trim_end()),
        (0, format!("{document}: no record has the mapped column «TEN»").as_str())
    );
}

#[test]
fn wrong_usage_exits_with_2() {
    let file = fixture("ok-comma.csv");
    let table: &[(&[&str], &str)] = &[
        (&["import"], "the following required arguments were not provided"),
        (&["import", "works", &file], "--jurisdiction <JURISDICTION>"),
        (&["import", "zones", &file, "--jurisdiction", "VN-72"], "known are works, corridors"),
        (&["import", "works", &file, "--jurisdiction", "VN-72", "--map", "name"], "write it as field=value"),
        (&["import", "works", &file, "--jurisdiction", "VN-72", "--axes", "nw"], "[possible values: en, ne]"),
        (&["import", "works", &file, "--jurisdiction", "VN-72", "--on-error", "weep"], "[possible values: stop, skip]"),
        (&["export"], "unrecognized subcommand 'export'"),
        (&[], "Usage: clearway"),
    ];
    for (arguments, said) in table {
        let ran = clearway_with(&[("DATABASE_URL", "host=/nowhere")], arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn too_many_vertices() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let mut text = String::from(
        r#"{"type":"Feature","properties":{"code":"IMP-1","kind":"buried_cable","organisation":"vnpt"},"geometry":{"type":"LineString","coordinates":[[107.6,12.1]"#,
    );
    for i in 1..1_000_000 {
        write!(text, ",[107.6,{}]", 12.1 + f64::from(i) / 1e7).unwrap();
    }
    text.push_str("]}}");
    let file = folder.file("long.geojson", text);
    let ran = clearway(&db, &["import", "works", &file, "--jurisdiction", "VN-72"]);
    assert_eq!((ran.code, count(&db, "works")), (1, 0));
    let expect = "rejected: feature 1 «IMP-1»: /geometry has 1000000 vertices; at most 100000 are taken";
    assert_eq!(ran.err.lines().next(), Some(expect));
}
