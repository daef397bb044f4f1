//! `clearway check FILE…`: shapes out of files against what is registered.

use serde_json::Value as Json;

use crate::program::{Folder, Ran, clearway};
use crate::support::Database;

/// Three works along a line of latitude, and a corridor across it.
fn registered(folder: &Folder) -> Database {
    let db = Database::vn72();
    let works = folder.file(
        "works.csv",
        "code,kind,organisation,position_accuracy_m,lon,lat\nC-1,mast,viettel,0,107.7000,12.0000\n\
         C-2,pole,viettel,0,107.7100,12.0001\nC-3,pole,viettel,30,107.7200,12.0003\n",
    );
    let corridors = folder.file(
        "corridors.geojson",
        r#"{"type":"Feature","properties":{"code":"R-1","kind":"road","status":"in_force","organisation":"roads-board","clearance_m":0,"half_width_left_m":10,"half_width_right_m":10},"geometry":{"type":"LineString","coordinates":[[107.705,11.99],[107.705,12.01]]}}"#,
    );
    assert_eq!(clearway(&db, &["import", "works", &works, "--jurisdiction", "VN-72"]).code, 0);
    assert_eq!(clearway(&db, &["import", "corridors", &corridors, "--jurisdiction", "VN-72"]).code, 0);
    db
}

const ROAD: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"Tuyến A"},"geometry":{"type":"LineString","coordinates":[[107.695,12.0],[107.725,12.0]]}}]}"#;

/// The codes and verdicts of the first subject in a JSON answer.
#[track_caller]
fn found(ran: &Ran) -> Vec<String> {
    assert_eq!(ran.code, 0, "{}", ran.err);
    let answer: Json = serde_json::from_str(&ran.out).unwrap();
    let text = |c: &Json| {
        format!("{} {} {}", c["layer"].as_str().unwrap(), c["code"].as_str().unwrap(), c["verdict"].as_str().unwrap())
    };
    answer["results"][0]["conflicts"].as_array().unwrap().iter().map(text).collect()
}

#[test]
fn layers_and_clearance_are_the_askers() {
    let folder = Folder::new();
    let db = registered(&folder);
    let road = folder.file("road.geojson", ROAD);
    let table: &[(&[&str], &[&str])] = &[
        // The line itself bows less than a centimetre between its ends: C-1 stands on it.
        (&["--clearance-m", "1"], &["works C-1 certain"]),
        (&["--clearance-m", "15"], &["works C-1 certain", "works C-2 certain", "works C-3 possible"]),
        (&["--clearance-m", "70"], &["works C-1 certain", "works C-2 certain", "works C-3 certain"]),
        (&["--against", "corridors"], &["corridors R-1 certain"]),
        (&["--against", "works,corridors", "--clearance-m", "1"], &["corridors R-1 certain", "works C-1 certain"]),
    ];
    for (arguments, expect) in table {
        let mut all = vec!["check", &road, "--format", "json"];
        all.extend(*arguments);
        let mut codes = found(&clearway(&db, &all));
        codes.sort();
        assert_eq!(codes, *expect, "{arguments:?}");
    }
}

#[test]
fn several_stretches_are_listed_as_runs() {
    let folder = Folder::new();
    let db = registered(&folder);
    // East across R-1, round, and west across it again, a good 100 m farther north.
    let cable = folder.file(
        "cable.geojson",
        r#"{"type":"LineString","coordinates":[[107.704,12.0],[107.706,12.0],[107.706,12.001],[107.704,12.001]]}"#,
    );
    let check = |format: &str| clearway(&db, &["check", &cable, "--against", "corridors", "--format", format]).out;
    let table = check("table");
    let lines: Vec<&str> = table.lines().map(str::trim).collect();
    let runs: Vec<&&str> = lines.iter().filter(|l| l.starts_with("run at ")).collect();
    assert_eq!(runs.len(), 2, "{table}");
    assert!(runs[0].starts_with("run at 1106.") && runs[1].starts_with("run at 1216."), "{table}");
    assert!(runs.iter().all(|l| l.ends_with(", offset 0.0, both, 20.0 m of it")), "{table}");
    let row = lines.iter().find(|l| l.starts_with("R-1 ")).unwrap();
    assert!(row.contains(" 1106.") && row.contains("–1216."), "{table}");
    for (format, pointer) in
        [("json", "/results/0/conflicts/0/runs"), ("geojson", "/features/0/properties/conflict/runs")]
    {
        let answer: Json = serde_json::from_str(&check(format)).unwrap();
        let runs = answer.pointer(pointer).unwrap().as_array().unwrap();
        assert!(runs.len() == 2 && runs.iter().all(|r| r["side"] == "both" && r["offset_m"] == 0.0), "{answer}");
    }
}

#[test]
fn as_a_table_as_json_and_as_geojson() {
    let folder = Folder::new();
    let db = registered(&folder);
    let road = folder.file("road.geojson", ROAD);
    let check = |format: &str| {
        let ran = clearway(&db, &["check", &road, "--clearance-m", "15", "--format", format]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        ran.out
    };
    let table = check("table");
    let lines: Vec<Vec<&str>> = table.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "Checked 3 works of VN-72 at revision 3; coverage undeclared.");
    assert_eq!(lines[2].join(" "), "Tuyến A: clearance 15 m by request.clearance_m.");
    assert_eq!(lines[3].join(" "), "Tuyến A: 3 conflicts");
    assert_eq!(lines[4][..6], ["code", "kind", "relation", "verdict", "severe", "distance"]);
    assert_eq!(lines[6][..5], ["C-2", "pole", "near", "certain", "blocks"]);
    assert!(lines[6].ends_with(&["request.clearance_m", "=", "15", "m"]), "{table}");
    assert_eq!(lines[7][..5], ["C-3", "pole", "near", "possible", "blocks"]);

    let json: Json = serde_json::from_str(&check("json")).unwrap();
    assert_eq!(json["results"][0]["subject"], "Tuyến A");
    assert_eq!((&json["results"][0]["conflict_count"], &json["revision"]["VN-72"]), (&3.into(), &3.into()));

    let map: Json = serde_json::from_str(&check("geojson")).unwrap();
    let features = map["features"].as_array().unwrap();
    assert_eq!((map["type"].as_str(), features.len()), (Some("FeatureCollection"), 3));
    for feature in features {
        assert_eq!(feature["geometry"]["type"], "Point");
        assert_eq!(feature["properties"]["code"], feature["properties"]["conflict"]["code"]);
    }
}

#[test]
fn tables_and_several_files_are_taken_too() {
    let folder = Folder::new();
    let db = registered(&folder);
    let points = folder.file("points.csv", "code;wkt\nP-1;POINT (107.7 12.00001)\nP-2;POINT (107.65 12.2)\n");
    let named = folder.file("point.csv", "name,lon,lat\nP-3,107.71,12.00011\n");
    let ran = clearway(&db, &["check", &points, &named, "--clearance-m", "5"]);
    let heads: Vec<&str> = ran.out.lines().filter(|l| l.starts_with("P-")).collect();
    let kept = |name: &str| format!("{name}: clearance 5 m by request.clearance_m.");
    let nothing = "P-2: no conflict found in what is registered.";
    assert_eq!(heads, [&kept("P-1"), "P-1: 1 conflict", &kept("P-2"), nothing, &kept("P-3"), "P-3: 1 conflict"]);
}

#[test]
fn ground_outside_every_jurisdiction_is_said_not_to_be_checked() {
    let folder = Folder::new();
    let db = registered(&folder);
    let outside = folder.file("outside.csv", "code,lon,lat\nO-1,100.0,10.0\n");
    let ran = clearway(&db, &["check", &outside]);
    ran.gives(
        0,
        &[
            "",
            "O-1: ground of it lies outside every jurisdiction and was NOT CHECKED.",
            "O-1: no conflict found in what is registered where it was checked.",
        ],
    );
    let swapped = folder.file("swapped.csv", "code,x,y\nO-2,1327600,411600\n");
    clearway(&db, &["check", &swapped, "--crs", "EPSG:9218"]).gives(
        0,
        &[
            "",
            "O-2: ground of it lies outside every jurisdiction and was NOT CHECKED; with the axes swapped it lies in VN-72: \
             the sheet may write X = northing (--axes ne).",
            "O-2: no conflict found in what is registered where it was checked.",
        ],
    );
    let ran = clearway(&db, &["check", &outside, "--format", "json"]);
    let answer: Json = serde_json::from_str(&ran.out).unwrap();
    let ground = &answer["results"][0]["not_checked"];
    assert_eq!(ground["reason"], "outside_every_jurisdiction");
    assert_eq!(ground["geometry"]["coordinates"], serde_json::json!([100.0, 10.0]));
    // A line out of the province: what lies inside is checked.
    let across = folder.file("across.geojson", r#"{"type":"LineString","coordinates":[[107.70,12.0],[109.0,12.0]]}"#);
    let ran = clearway(&db, &["check", &across, "--clearance-m", "1"]);
    assert!(ran.out.contains("NOT CHECKED") && ran.out.contains("feature 1: 1 conflict"), "{}", ran.out);
}

#[test]
fn bad_files_and_questions_are_refused_with_the_place() {
    let folder = Folder::new();
    let db = registered(&folder);
    let road = folder.file("road.geojson", ROAD);
    let crossed = crate::program::fixture("bad-self-crossing.geojson");
    let empty = folder.file("empty.geojson", r#"{"type":"FeatureCollection","features":[]}"#);
    let widths = folder.file(
        "widths.geojson",
        r#"{"type":"Feature","geometry":null,"properties":{"centreline":{"type":"LineString","coordinates":[[107.6,12.0],[107.7,12.0]]},"half_width_left_m":30}}"#,
    );
    let swapped = folder.file("swapped.geojson", r#"{"type":"Point","coordinates":[12.0,107.7]}"#);
    let table: &[(&[&str], i32, &str)] = &[
        (
            &[&crossed],
            1,
            &format!(
                "clearway: {crossed}: feature 2 (line 3): /coordinates/0/0 the ring crosses or touches itself at 107.695, \
                 12.005: the segment after position 0 meets the one after position 2"
            ),
        ),
        (&[&empty], 1, "clearway: there is nothing to check: no feature is in the files"),
        (&[&swapped], 1, "the axes look swapped"),
        (
            &[&widths],
            1,
            &format!(
                "clearway: {widths}: feature 1: /properties/half_width_left_m is not applied to a shape without an area: draw \
                 the area it takes, or ask with a clearance"
            ),
        ),
        (&["/nowhere.geojson"], 1, "clearway: /nowhere.geojson: there is no such file"),
        (
            &[&road, "--against", "zones"],
            1,
            "clearway: parameter «against»: «zones» is not a layer; known are works, corridors",
        ),
        (
            &[&road, "--clearance-m=-3"],
            1,
            "clearway: -3 is not a length in metres: it must be a finite number, zero or more",
        ),
        (&[&road, "--clearance-m", "wide"], 2, "invalid value 'wide' for '--clearance-m <METRES>'"),
        (&[&road, "--format", "xml"], 2, "[possible values: table, json, geojson]"),
        (&[], 2, "<FILE>..."),
    ];
    for (arguments, code, said) in table {
        let mut all = vec!["check"];
        all.extend(*arguments);
        let ran = clearway(&db, &all);
        assert_eq!(ran.code, *code, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}
