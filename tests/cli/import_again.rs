//! The same codes again: what a record states is taken, what it does not state stays as it was.

use crate::program::{Folder, clearway, count, rows};
use crate::support::Database;

/// Every property of a work but its code.
const WORK: &str = "name, organisation, kind, status, column_class, height_agl_m, position_accuracy_m, capture_method,
    importance, visibility, array_to_string(tenants, '+'), spare_capacity, valid_from, valid_to, source";

const WHOLE: &str = "Trạm chợ viettel mast planned A2a 42 0.5 gnss important restricted vnpt+mobifone 3 2026-01-01 \
                     2030-12-31 survey";

const HEAD: &str = "code,kind,organisation,lon,lat";

const REST: &str = "name,status,column_class,height_agl_m,position_accuracy_m,capture_method,importance,visibility,tenants,\
     spare_capacity,valid_from,valid_to,source";

/// A database with one work that states everything there is, at version 1.
fn with_a_whole_work(folder: &Folder) -> Database {
    let db = Database::vn72();
    let row = "VIS1,mast,viettel,107.69,12,Trạm chợ,planned,A2a,42,0.5,gnss,important,restricted,\"vnpt,mobifone\",3,\
               2026-01-01,2030-12-31,survey";
    let file = folder.file("whole.csv", format!("{HEAD},{REST}\n{row}\n"));
    import(&db, "works", &file, &[], "1 new, 0 changed, 0 unchanged");
    assert_eq!(rows(&db, WORK, "works"), [WHOLE]);
    db
}

#[track_caller]
fn import(db: &Database, layer: &str, file: &str, more: &[&str], expect: &str) {
    let ran = clearway(db, &[&["import", layer, file, "--jurisdiction", "VN-72"], more].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.err, ran.out);
    let counts = ran.out.lines().find(|line| line.contains(" read: ")).unwrap();
    assert!(counts.contains(expect), "{counts}, expected {expect}");
}

#[test]
fn what_a_record_of_a_work_does_not_state_stays() {
    let folder = Folder::new();
    let stated = |name: &str, value: &str| {
        format!(
            r#"{{"type":"Feature","geometry":{{"type":"Point","coordinates":[107.69,12]}},
               "properties":{{"code":"VIS1","kind":"mast","organisation":"viettel"{name}{value}}}}}"#
        )
    };
    let empty = ",".repeat(REST.matches(',').count() + 1);
    let without = |gone: &str| WHOLE.replace(gone, "");
    // What the second file says, with which arguments, how the counts read, and what is stored then.
    let table: &[(String, &[&str], &str, String)] = &[
        (format!("{HEAD}\nVIS1,mast,viettel,107.69,12\n"), &[], "0 changed, 1 unchanged", WHOLE.into()),
        (format!("{HEAD},{REST}\nVIS1,mast,viettel,107.69,12{empty}\n"), &[], "0 changed, 1 unchanged", WHOLE.into()),
        (stated("", ""), &[], "0 changed, 1 unchanged", WHOLE.into()),
        // What cannot be empty is not emptied, and least of all made public.
        (stated(r#","visibility":null,"status":null"#, r#","importance":"""#), &[], "1 unchanged", WHOLE.into()),
        (stated(r#","height_agl_m":"#, "null"), &[], "1 changed, 0 unchanged", without("42 ")),
        (stated(r#","tenants":null,"valid_to":null"#, r#","name":"""#), &[], "1 changed", {
            let rest = without("2030-12-31 ").replace("vnpt+mobifone", "");
            rest.replace("Trạm chợ ", "")
        }),
        (stated(r#","visibility":"#, r#""public""#), &[], "1 changed", WHOLE.replace("restricted", "public")),
        (
            format!("{HEAD}\nVIS1,mast,viettel,107.69,12\n"),
            &["--set", "visibility=government"],
            "1 changed",
            WHOLE.replace("restricted", "government"),
        ),
        (
            format!("{HEAD},height_agl_m\nVIS1,pole,vnpt,107.7,12,43\n"),
            &[],
            "1 changed",
            WHOLE.replace("viettel mast", "vnpt pole").replace("42", "43"),
        ),
    ];
    for (text, more, counts, expect) in table {
        let db = with_a_whole_work(&folder);
        let file = folder.file(if text.starts_with('{') { "again.geojsonl" } else { "again.csv" }, {
            text.replace('\n', if text.starts_with('{') { "" } else { "\n" })
        });
        import(&db, "works", &file, more, counts);
        assert_eq!(&rows(&db, WORK, "works")[0], expect, "{text}");
        let version = if counts.contains("1 changed") { "2" } else { "1" };
        assert_eq!(rows(&db, "version", "works"), [version], "{text}");
        // The same file once more changes nothing, and each import is one event.
        import(&db, "works", &file, more, "0 new, 0 changed, 1 unchanged");
        assert_eq!(rows(&db, "version", "works"), [version], "{text}");
        assert_eq!(&rows(&db, WORK, "works")[0], expect, "{text}");
        assert_eq!(count(&db, "audit_events WHERE deed = 'import'"), 3);
    }
}

#[test]
fn a_new_work_beside_a_known_one_gets_the_usual_defaults() {
    let folder = Folder::new();
    let db = with_a_whole_work(&folder);
    let text = format!("{HEAD}\nVIS1,mast,viettel,107.69,12.001\nVIS2,mast,viettel,107.69,12.002\n");
    import(&db, "works", &folder.file("again.csv", text), &[], "1 new, 1 changed, 0 unchanged");
    assert_eq!(
        rows(&db, "code, version, ST_Y(geom), status, importance, visibility, height_agl_m", "works ORDER BY code"),
        ["VIS1 2 12.001 planned important restricted 42", "VIS2 1 12.002 in_service ordinary public"]
    );
}

#[test]
fn what_a_record_of_a_corridor_does_not_state_stays_but_its_shape_comes_whole() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let columns = "code, name, class, voltage_kv, project, in_force_from, in_force_to, hand_over_on, clearance_m,
        half_width_left_m, half_width_right_m, visibility, source, GeometryType(centreline), version";
    let line = r#""geometry":{"type":"LineString","coordinates":[[107.69,12],[107.7,12]]}"#;
    let area = r#""geometry":{"type":"Polygon","coordinates":[[[107.69,12],[107.7,12],[107.7,12.001],[107.69,12]]]}"#;
    let head = r#""code":"R","kind":"power_line","status":"in_force","organisation":"evn""#;
    let file = |shape: &str, more: &str| {
        folder.file("r.geojsonl", format!(r#"{{"type":"Feature",{shape},"properties":{{{head}{more}}}}}"#))
    };
    let widths = r#","half_width_left_m":7,"half_width_right_m":8"#;
    let rest = r#","name":"Line","class":"bare","voltage_kv":110,"project":"P","in_force_from":"2026-01-01",
        "in_force_to":"2040-01-01","hand_over_on":"2026-06-01","clearance_m":4,"visibility":"restricted","source":"s""#;
    let kept = "Line bare 110 P 2026-01-01 2040-01-01 2026-06-01 4";
    import(&db, "corridors", &file(line, &format!("{widths}{}", rest.replace('\n', ""))), &[], "1 new");
    let whole = format!("R {kept} 7 8 restricted s MULTILINESTRING 1");
    assert_eq!(rows(&db, columns, "corridors"), std::slice::from_ref(&whole));
    import(&db, "corridors", &file(line, widths), &[], "0 changed, 1 unchanged");
    assert_eq!(rows(&db, columns, "corridors"), [whole]);
    import(&db, "corridors", &file(area, r#","voltage_kv":220"#), &[], "1 changed");
    let drawn = format!("R {} restricted s 2", kept.replace("110", "220"));
    assert_eq!(rows(&db, columns, "corridors"), [drawn]);
}

#[test]
fn a_period_that_only_the_register_makes_wrong_is_a_bad_record() {
    let folder = Folder::new();
    let db = with_a_whole_work(&folder);
    let text = format!("{HEAD},valid_to\nVIS1,mast,viettel,107.69,12,2025-06-30\nVIS2,mast,viettel,107.69,12,\n");
    let file = folder.file("again.csv", text);
    let skip = ["import", "works", &file, "--jurisdiction", "VN-72", "--on-error", "skip"];
    clearway(&db, &skip).gives(
        0,
        &[
            "rejected: row 1 (line 2) «VIS1»: /properties/valid_to 2025-06-30 is before valid_from 2026-01-01, which is \
             registered and not stated here",
            "2 read: 1 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected",
            "Stored; revision VN-72=3.",
        ],
    );
    assert_eq!(rows(&db, WORK, "works WHERE code = 'VIS1'"), [WHOLE]);
    clearway(&db, &skip[..5]).gives(
        1,
        &[
            "rejected: row 1 (line 2) «VIS1»: /properties/valid_to 2025-06-30 is before valid_from 2026-01-01, which is \
             registered and not stated here",
            "clearway: nothing was stored, because of the rejected records; --on-error skip stores the others",
            "2 read: 0 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected",
        ],
    );
}

#[test]
fn records_without_a_code_keep_what_was_set_for_them() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let file = folder.file("works.csv", "kind,organisation,lon,lat\nmast,viettel,107.69,12\n");
    import(&db, "works", &file, &["--set", "visibility=restricted"], "1 new");
    let before = rows(&db, "code, visibility, version", "works");
    import(&db, "works", &file, &[], "0 new, 0 changed, 1 unchanged");
    assert_eq!(rows(&db, "code, visibility, version", "works"), before);
}
