//! `clearway coverage`: declared, listed, taken back; and the one word that a check says only where it may be relied on.

use crate::program::{Folder, clearway, count};
use crate::support::Database;

const AREA: &str =
    r#"{"type":"Polygon","coordinates":[[[107.6,11.95],[107.7,11.95],[107.7,12.05],[107.6,12.05],[107.6,11.95]]]}"#;

#[test]
fn declared_listed_and_taken_back() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let boundary = folder.file("area.geojson", AREA);
    let points = folder.file("points.csv", "code,lon,lat\nIN,107.65,12.0\nOUT,107.8,12.0\nEDGE,107.6,11.95\n");
    let says = || clearway(&db, &["check", &points, "--clearance-m", "1"]);
    let kept = |name: &str| format!("{name}: clearance 1 m by request.clearance_m.");
    let nothing = "no conflict found in what is registered";
    says().gives(
        0,
        &[
            "Checked 0 works of VN-72 at revision 1; coverage undeclared.",
            "",
            &kept("IN"),
            &format!("IN: {nothing}."),
            "",
            &kept("OUT"),
            &format!("OUT: {nothing}."),
            "",
            &kept("EDGE"),
            &format!("EDGE: {nothing}."),
        ],
    );
    let add = ["coverage", "add", "--jurisdiction", "VN-72", "--layer", "works", "--boundary", &boundary, "--source"];
    let made = clearway(&db, &[&add[..], &["survey", "--as-of", "2026-03-01"]].concat());
    assert_eq!(made.code, 0, "{}", made.err);
    let id = made.out.split([' ', ':']).nth(1).unwrap().to_owned();
    assert_eq!(made.out, format!("Declared {id}: coverage of works in VN-72, revision 2.\n"));
    says().gives(
        0,
        &[
            "Checked 0 works of VN-72 at revision 2; coverage none.",
            "",
            &kept("IN"),
            "IN: clear, no conflict.",
            "",
            "OUT: no data of layer works for it, so NOT CHECKED there.",
            &kept("OUT"),
            &format!("OUT: {nothing} where it was checked."),
            "",
            "EDGE: no data of layer works for a part of it, so NOT CHECKED there.",
            &kept("EDGE"),
            &format!("EDGE: {nothing} where it was checked."),
        ],
    );
    // Where nobody says how much must stay free nothing is clear; where the rules do, the answer says which and how sure.
    let unknown = "nobody says how far works must stay from it, so 0 m was applied: state clearance_m, or its kind with its class \
                   or voltage_kv, or load a rule pack that has it";
    let inside = folder.file("inside.csv", "code,lon,lat\nIN,107.65,12.0\n");
    clearway(&db, &["check", &inside]).gives(
        0,
        &[
            "Checked 0 works of VN-72 at revision 2; coverage partial.",
            "",
            &format!("IN: {unknown}."),
            "IN: clearance 0 m by none.",
            &format!("IN: {nothing}."),
        ],
    );
    let rules = folder.file(
        "rules.toml",
        "name = 'T'\nversion = '1'\nparameter = [\n\
         { key = 'corridor.road.clearance_m', value = 9, unit = 'm', confidence = 'law', document = 'D 1', article = '2' },\n\
         { key = 'corridor.road.clearance_m', value = 14, unit = 'm', confidence = 'check', work_kind = 'mast' },\n]\n",
    );
    assert_eq!(clearway(&db, &["rules", "import", &rules, "--jurisdiction", "VN-72"]).code, 0);
    let road = folder.file("road.csv", "code,kind,lon,lat\nIN,road,107.65,12.0\n");
    let lines = clearway(&db, &["check", &road]).out;
    let lines: Vec<&str> = lines.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "IN: clearance 9 m by corridor.road.clearance_m [law, D 1 art. 2], from bts, rooftop_mast, station_house, exchange, \
             cabinet, pole, manhole, duct, aerial_cable, buried_cable, public_access_point.",
            "IN: clearance 14 m by corridor.road.clearance_m [check], from mast.",
            "IN: clear, no conflict.",
        ]
    );
    let row = format!("{id} VN-72 works 2026-03-01 survey");
    clearway(&db, &["coverage", "list"]).gives(0, &[&row]);
    clearway(&db, &["coverage", "list", "--layer", "corridors"]).gives(0, &[]);
    clearway(&db, &["coverage", "list", "--jurisdiction", "VN-99"])
        .fails("clearway: parameter «jurisdiction»: «VN-99» is not registered");
    clearway(&db, &[&add[..], &[" "]].concat())
        .fails("clearway: /source is missing: who says that the layer holds all there is?");
    let remove = ["coverage", "remove", "--jurisdiction", "VN-72", &id];
    clearway(&db, &remove).gives(0, &[&format!("Removed {id}: coverage of works in VN-72.")]);
    assert_eq!(clearway(&db, &remove).code, 1, "it is not there any more");
    clearway(&db, &["coverage", "list"]).gives(0, &[]);
    assert_eq!(clearway(&db, &["coverage", "add", "--layer", "zones"]).code, 2);
}

#[test]
fn reference_features_are_declared_by_kind() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let boundary = folder.file("area.geojson", AREA);
    let add = |layer: &str| {
        let all = ["coverage", "add", "--jurisdiction", "VN-72", "--layer", layer, "--boundary", &boundary];
        clearway(&db, &[&all[..], &["--source", "the ministry"]].concat())
    };
    let refused = add("references");
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.starts_with("clearway: /layer references are covered by kind: name one of boundary, "),
        "{}",
        refused.err
    );
    let unknown = add("temple");
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.err.contains("known are works, corridors, references; of reference features boundary"),
        "{}",
        unknown.err
    );
    let made = add("hospital");
    let id = made.out.split([' ', ':']).nth(1).unwrap().to_owned();
    made.gives(0, &[&format!("Declared {id}: coverage of hospital in VN-72, revision 2.")]);
    let row = format!("{id} VN-72 hospital – the ministry");
    clearway(&db, &["coverage", "list"]).gives(0, &[&row]);
    clearway(&db, &["coverage", "list", "--layer", "references"]).gives(0, &[&row]);
    clearway(&db, &["coverage", "list", "--layer", "works"]).gives(0, &[]);
    let removed = clearway(&db, &["coverage", "remove", "--jurisdiction", "VN-72", &id]);
    removed.gives(0, &[&format!("Removed {id}: coverage of hospital in VN-72.")]);
}

/// Whoever brings a whole layer says so with the import: once, however often, and not of what was rejected.
#[test]
fn an_import_declares_where_it_is_all_there_is() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let boundary = folder.file("area.geojson", AREA);
    let whole = folder.file("whole.csv", "code,lon,lat\nH-1,107.65,12.0\n");
    let import = |file: &str, more: &[&str]| {
        let all = ["import", "hospital", file, "--jurisdiction", "VN-72", "--organisation", "health"];
        clearway(&db, &[&all[..], more].concat())
    };
    let says = ["--coverage", &boundary, "--coverage-source", "the ministry", "--coverage-as-of", "2026-03-01"];
    let listed = || clearway(&db, &["coverage", "list"]).out;
    for (more, told) in
        [(&["--coverage", &boundary][..], "--coverage-source"), (&["--coverage-source", "the ministry"], "--coverage")]
    {
        let refused = import(&whole, more);
        assert!(refused.code == 2 && refused.err.contains(told), "{}", refused.err);
    }
    let nowhere = folder.file("point.geojson", r#"{"type":"Point","coordinates":[107.6,11.95]}"#);
    let refused = import(&whole, &["--coverage", &nowhere, "--coverage-source", "the ministry"]);
    assert!(refused.code == 1 && refused.err.contains("is no polygon"), "{}", refused.err);
    let beyond = AREA.replace("107.6,", "100.6,");
    let far = folder.file("far.geojson", &beyond);
    for more in [&[][..], &["--dry-run"]] {
        let refused = import(&whole, &[&["--coverage", &far, "--coverage-source", "the ministry"], more].concat());
        assert!(refused.code == 1 && refused.err.contains("/boundary"), "{}", refused.err);
    }
    let auto = ["import", "hospital", &whole, "--jurisdiction", "auto", "--organisation", "health"];
    clearway(&db, &[&auto[..], &says].concat()).fails("clearway: a coverage is of one jurisdiction: name it");
    assert_eq!(import(&whole, &[&says[..], &["--dry-run"]].concat()).code, 0);
    assert_eq!((listed(), count(&db, "reference_features")), (String::new(), 0), "nothing is stored or declared");

    let part = folder.file("part.csv", "code,lon,lat\nH-1,107.65,12.0\nH-2,here,12.0\n");
    assert_eq!(import(&part, &says).code, 1);
    let skipped = import(&part, &[&says[..], &["--on-error", "skip"]].concat());
    let told = "clearway: the coverage was not declared, for what was rejected is not there";
    assert!(skipped.code == 1 && skipped.err.contains(told), "{}", skipped.err);
    assert_eq!((listed(), count(&db, "reference_features")), (String::new(), 1));

    for _ in 0..2 {
        let made = import(&whole, &says);
        assert!(made.code == 0 && made.out.contains(": coverage of hospital in VN-72.\n"), "{}{}", made.out, made.err);
    }
    let all = listed();
    assert!(all.lines().count() == 1 && all.ends_with(" VN-72 hospital 2026-03-01 the ministry\n"), "{all}");
}
