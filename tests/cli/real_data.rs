//! Real files of other people: roads, provinces, hospitals, cells, protected areas. They are not part of the project; where
//! they are not present these tests say so.

use std::time::Instant;

use serde_json::Value as Json;

use crate::program::{Folder, Ran, clearway, count, rows};
use crate::reference_data::across_provinces;
use crate::support::{Database, shared_data};

/// Runs an import and prints how long it took.
fn timed(db: &Database, what: &str, arguments: &[&str]) -> Ran {
    let clock = Instant::now();
    let ran = clearway(db, arguments);
    println!("{what}: {:.2} s; {}", clock.elapsed().as_secs_f64(), ran.out.lines().next().unwrap_or_default());
    ran
}

#[test]
fn national_roads_as_corridors() {
    let Some(file) = shared_data("daknong_roads_national.geojson") else { return };
    let db = Database::vn72();
    let arguments = [
        "import",
        "corridors",
        file.to_str().unwrap(),
        "--jurisdiction",
        "VN-72",
        "--map",
        "code=map_id",
        "--map",
        "name=ten",
        "--map",
        "class=loai_duong",
        "--set",
        "kind=road",
        "--set",
        "status=in_force",
        "--set",
        "half_width_left_m=30",
        "--set",
        "half_width_right_m=30",
        "--organisation",
        "roads-board",
    ];
    let ran = timed(&db, "roads, all or nothing", &arguments);
    let rejected: Vec<&str> = ran.err.lines().filter(|l| l.starts_with("rejected: ")).collect();
    let outside = |row: &str, code: &str, at: &str| {
        format!(
            "rejected: feature {row} «{code}»: /geometry/coordinates lies outside VN-72 (Dak Nong), even widened by 5000 m: \
             it begins at {at}"
        )
    };
    let expect = [
        outside("3 (line 4)", "gt_179", "108.45593, 11.94113"),
        outside("14 (line 15)", "gt_383", "108.07970, 12.68519"),
        outside("15 (line 16)", "gt_385", "108.06242, 12.69357"),
        outside("17 (line 18)", "gt_397", "108.00000, 12.67356"),
    ];
    assert_eq!(rejected, expect);
    assert_eq!((ran.code, count(&db, "corridors")), (1, 0));

    let mut skip = arguments.to_vec();
    skip.extend(["--on-error", "skip"]);
    let ran = timed(&db, "roads, the good ones", &skip);
    ran.counts("21 read: 17 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 4 rejected");
    assert_eq!(ran.code, 0);
    // 30 m to each side: the land is 60 m wide, less a little in the bends.
    let widths = "corridors WHERE ST_Area(geom_grid) / ST_Length(centreline_grid) NOT BETWEEN 59.8 AND 60.001";
    assert_eq!(rows(&db, "code", widths), [""; 0]);
    assert_eq!(count(&db, "corridors WHERE GeometryType(centreline) = 'MULTILINESTRING'"), 17);
}

/// Registers the provinces, each on the UTM zone where it begins; two at a time, as two people would.
fn register_provinces(db: &Database, file: &std::path::Path) -> usize {
    let folder = Folder::new();
    let all: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let features = all["features"].as_array().unwrap();
    let clock = Instant::now();
    std::thread::scope(|scope| {
        for half in features.chunks(features.len().div_ceil(2)) {
            let (folder, db) = (&folder, &db);
            scope.spawn(move || half.iter().for_each(|feature| register(db, folder, feature)));
        }
    });
    println!("{} provinces: {:.2} s", features.len(), clock.elapsed().as_secs_f64());
    features.len()
}

fn register(db: &Database, folder: &Folder, feature: &Json) {
    let word = |name: &str| feature["properties"][name].as_str().unwrap();
    let code = format!("VN-{}", word("code"));
    let east = feature["geometry"]["coordinates"][0][0][0][0].as_f64().unwrap() >= 108.0;
    let grid = if east { "EPSG:3406" } else { "EPSG:3405" };
    let boundary = folder.file(&format!("{code}.geojson"), feature.to_string());
    let mut all = vec!["jurisdiction", "add", "--code", &code, "--name", word("name"), "--name-en", word("nameEn")];
    all.extend(["--grid", grid, "--boundary", &boundary]);
    let ran = clearway(db, &all);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{code}");
}

#[test]
fn provinces_and_what_stands_in_them() {
    let names = [
        "vn_provinces_2025.geojson",
        "vn_hospitals_osm.geojson",
        "opencellid_vn_mcc452_20220910.csv",
        "vn_heritage_protected_areas.geojson",
        "vn_runways_ourairports.geojson",
    ];
    let files: Vec<_> = names.iter().filter_map(|name| shared_data(name)).collect();
    let [provinces, hospitals, cells, heritage, runways] = files.as_slice() else { return };
    let db = Database::vn72();
    assert_eq!(register_provinces(&db, provinces), 34);
    assert_eq!(count(&db, "jurisdictions"), 35);

    hospitals_are(&db, hospitals);
    cells_are(&db, cells);
    protected_areas_are(&db, heritage);
    across_provinces(&db, hospitals, heritage, runways);
}

fn hospitals_are(db: &Database, file: &std::path::Path) {
    let arguments = [
        "import",
        "works",
        file.to_str().unwrap(),
        "--jurisdiction",
        "auto",
        "--set",
        "kind=public_access_point",
        "--set",
        "capture_method=digitised",
        "--set",
        "source=OpenStreetMap",
        "--organisation",
        "osm",
    ];
    let ran = timed(db, "hospitals", &arguments);
    ran.counts("1479 read: 1479 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected");
    assert!(ran.err.contains("columns not used: address, city, district, newProvince, newWard, oldDistrict"));
    assert_eq!(count(db, "works WHERE code LIKE 'AUTO-%' AND name IS NOT NULL"), 1479);
    // They have no codes of their own; the same file again meets the same features.
    let ran = timed(db, "hospitals again", &arguments);
    ran.counts("1479 read: 0 new, 0 changed, 1479 unchanged, 0 repeated, 0 outside, 0 rejected");
    // PostGIS agrees with each place: inside, or within the 5 km beside, the jurisdiction it was given to.
    let misplaced = "works w JOIN jurisdictions j ON j.code = w.jurisdiction
                     WHERE NOT ST_DWithin(w.geom_grid, ST_Transform(j.boundary, j.grid_srid), 5000)";
    assert_eq!(count(db, misplaced), 0);
    let elsewhere = "works w JOIN jurisdictions own ON own.code = w.jurisdiction
                     WHERE NOT ST_Intersects(w.geom, own.boundary)
                       AND EXISTS (SELECT FROM jurisdictions o WHERE ST_Intersects(w.geom, o.boundary))";
    assert_eq!(count(db, elsewhere), 0, "none is given to a neighbour of the one that holds it");
    assert_eq!(rows(db, "count(*), count(DISTINCT jurisdiction)", "works"), ["1479 35"]);
    assert_eq!(count(db, "works WHERE jurisdiction = 'VN-72'"), 6);
}

fn cells_are(db: &Database, file: &std::path::Path) {
    let arguments = [
        "import",
        "works",
        file.to_str().unwrap(),
        "--jurisdiction",
        "auto",
        "--map",
        "code=cell",
        "--map",
        "position_accuracy_m=range",
        "--set",
        "kind=bts",
        "--set",
        "capture_method=estimated",
        "--set",
        "source=OpenCelliD",
        "--organisation",
        "mobifone",
    ];
    let ran = timed(db, "cells", &arguments);
    ran.counts("178 read: 178 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected");
    assert!(ran.err.contains("columns not used: area, averageSignal, changeable, created, mcc, net, radio"));
    let cells = "works WHERE organisation = 'mobifone' AND kind = 'bts'";
    assert_eq!(rows(db, "count(*), count(DISTINCT jurisdiction), max(position_accuracy_m)", cells), ["178 11 8004"]);
}

fn protected_areas_are(db: &Database, file: &std::path::Path) {
    let folder = Folder::new();
    let report = folder.path("report.csv");
    let arguments = [
        "import",
        "corridors",
        file.to_str().unwrap(),
        "--jurisdiction",
        "auto",
        "--map",
        "name=Ten",
        "--map",
        "code=Ten",
        "--set",
        "kind=other",
        "--set",
        "status=in_force",
        "--organisation",
        "heritage",
        "--report",
        report.to_str().unwrap(),
    ];
    // Which feature and where; which of the segments that meet there is named first does not matter.
    let is_named = |ran: &Ran| {
        // On a busy machine how far it has come is told before.
        let first = ran.err.lines().find(|l| l.starts_with("rejected: ")).unwrap_or_default();
        first.starts_with("rejected: feature 8 (line 13) «Tây Nghệ An»: /geometry/coordinates/0/0/")
            && first.contains("the ring crosses or touches itself at 104.844931405, 19.904965295: ")
    };
    let ran = timed(db, "protected areas, all or nothing", &arguments);
    assert!(is_named(&ran), "{}", ran.err);
    assert_eq!((ran.code, count(db, "corridors")), (1, 0));
    let mut lines = csv::Reader::from_path(&report).unwrap();
    let records: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 1);
    let [number, place, name, column] = [0, 1, 2, 3].map(|i| &records[0][i]);
    assert_eq!((number, place, name), ("8", "feature 8 (line 13)", "Tây Nghệ An"));
    assert!(column.starts_with("geometry/coordinates/0/0/"), "{column}");

    let mut skip = arguments.to_vec();
    skip.extend(["--on-error", "skip"]);
    let ran = timed(db, "protected areas, the good ones", &skip);
    assert_eq!((is_named(&ran), ran.code), (true, 0), "{}", ran.err);
    ran.counts("14 read: 13 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected");
    // Each belongs to the province that holds most of it, though many reach into another.
    let place = rows(db, "jurisdiction, code", "corridors ORDER BY 1");
    let expect = [
        "VN-19 Vườn quốc gia Ba Bể",
        "VN-22 Vịnh Hạ Long",
        "VN-31 Cát Bà",
        "VN-37 Châu thổ sông Hồng",
        "VN-37 Tràng An - Ninh Bình",
        "VN-37 Xuân Thủy - Nam Định",
        "VN-44 Vườn quốc gia Phong Nha - Kẻ Bàng",
        "VN-48 Cù Lao Chàm - Hội An",
        "VN-75 Cát Tiên",
        "VN-79 Cần Giờ",
        "VN-82 Vường quốc gia Tràm Chim",
        "VN-91 Kiên Giang",
        "VN-96 Mũi Cà Mau",
    ];
    assert_eq!(place, expect);
}
