//! `clearway jurisdiction add`: further jurisdictions anywhere, and nothing hard-wired to the first.

use crate::program::{Folder, Ran, clearway, count, rows};
use crate::support::{Database, TestServer};

fn square(west: f64, south: f64, east: f64, north: f64) -> String {
    format!(
        r#"{{"type":"Polygon","coordinates":[[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],[{west},{south}]]]}}"#
    )
}

fn add(db: &Database, code: &str, grid: &str, boundary: &str, more: &[&str]) -> Ran {
    let mut all = vec!["jurisdiction", "add", "--code", code, "--name", "Thử", "--grid", grid, "--boundary", boundary];
    all.extend(more);
    clearway(db, &all)
}

/// Registers an invented square east of VN-72, on another grid.
pub fn add_neighbour(db: &Database, folder: &Folder) {
    let boundary = folder.file("neighbour.geojson", square(108.3, 11.8, 109.0, 12.4));
    add(db, "VN-99", "EPSG:3406", &boundary, &[])
        .gives(0, &["Registered VN-99 (Thử) on EPSG:3406, in the time zone UTC: --time-zone names another."]);
}

#[test]
fn a_good_one_is_stored_with_all_it_was_given() {
    let (db, folder) = (Database::empty(), Folder::new());
    let boundary = folder.file("b.geojson", square(108.3, 11.8, 109.0, 12.4));
    let more = [
        "--name-en",
        "Trial",
        "--time-zone",
        "Asia/Bangkok",
        "--related-crs",
        "EPSG:9218",
        "--related-crs",
        "EPSG:5899",
    ];
    add(&db, "VN-99", "EPSG:3406", &boundary, &more)
        .gives(0, &["Registered VN-99 (Trial) on EPSG:3406, in the time zone Asia/Bangkok."]);
    assert_eq!(
        rows(&db, "code, name_vi, name_en, grid_srid, time_zone, related_crs, ST_NPoints(boundary)", "jurisdictions"),
        ["VN-99 Thử Trial 3406 Asia/Bangkok {9218,5899} 5"]
    );
    assert_eq!(rows(&db, "jurisdiction, revision, deed", "audit_events"), ["VN-99 1 register"]);
    add(&db, "VN-99", "EPSG:3406", &boundary, &[]).fails("clearway: this jurisdiction is registered already");
}

#[test]
fn a_bad_one_is_refused_with_the_reason() {
    let (db, folder) = (Database::empty(), Folder::new());
    let good = folder.file("good.geojson", square(108.3, 11.8, 109.0, 12.4));
    let line = folder.file("line.geojson", r#"{"type":"LineString","coordinates":[[108,12],[109,12]]}"#);
    let crossed = folder.file(
        "crossed.geojson",
        r#"{"type":"Polygon","coordinates":[[[108,12],[109,13],[109,12],[108,13],[108,12]]]}"#,
    );
    let nothing = folder.file("nothing.geojson", r#"{"type":"FeatureCollection","features":[]}"#);
    let missing = folder.path("missing.geojson").to_str().unwrap().to_owned();
    let table: &[(&str, &str, &str, &[&str], &str)] = &[
        ("Vietnam", "EPSG:3406", &good, &[], "/code «Vietnam» is not an ISO 3166-2 code such as VN-72"),
        ("vn-72", "EPSG:3406", &good, &[], "/code «vn-72» is not an ISO 3166-2 code such as VN-72"),
        ("VN-99", "grid", &good, &[], "«grid» is not a coordinate reference system; write for example EPSG:9218"),
        ("VN-99", "EPSG:99999", &good, &[], "/grid EPSG:99999 is not known to PROJ"),
        (
            "VN-99",
            "EPSG:4756",
            &good,
            &[],
            "/grid EPSG:4756 (VN-2000) is not a plane in metres, so nothing can be measured on it",
        ),
        (
            "VN-99",
            "EPSG:3857",
            &good,
            &[],
            "/grid EPSG:3857 (WGS 84 / Pseudo-Mercator) is not made for this place: lengths on it are up to 2.9 % wrong \
             here, and 1 % is the limit",
        ),
        (
            "VN-99",
            "EPSG:32633",
            &good,
            &[],
            "/grid EPSG:32633 (WGS 84 / UTM zone 33N) is not made for this place: lengths on it are up to 343.7 % wrong \
             here, and 1 % is the limit",
        ),
        ("VN-99", "EPSG:3406", &good, &["--time-zone", "Mars/Olympus"], "/time_zone «Mars/Olympus» is not a time zone"),
        ("VN-99", "EPSG:3406", &line, &[], &format!("{line}: feature 1 is no polygon")),
        ("VN-99", "EPSG:3406", &nothing, &[], &format!("{nothing}: there is no polygon in it")),
        ("VN-99", "EPSG:3406", &missing, &[], &format!("{missing}: there is no such file")),
        (
            "VN-99",
            "EPSG:3406",
            &crossed,
            &[],
            "/boundary/coordinates/0/0/0 the ring crosses or touches itself at 108.5, 12.5: the segment after position 0 \
             meets the one after position 2",
        ),
    ];
    for (code, grid, boundary, more, sentence) in table {
        let ran = add(&db, code, grid, boundary, more);
        assert_eq!(ran.code, 1);
        // PROJ itself has a word to say about codes it does not know.
        assert_eq!(ran.err.lines().last(), Some(format!("clearway: {sentence}").as_str()), "{}", ran.err);
    }
    assert_eq!(count(&db, "jurisdictions"), 0);
    assert_eq!(clearway(&db, &["jurisdiction", "add", "--code", "VN-99"]).code, 2);
}

#[test]
fn a_server_that_starts_later_or_runs_already_sees_it() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let running = TestServer::start(&db);
    add_neighbour(&db, &folder);
    let later = TestServer::start(&db);
    assert!(later.get("", "/health/ready").text.contains("VN-99"));
    // The one that runs hears of it: no longer than the poll of a second, were the notification lost.
    let until = std::time::Instant::now() + crate::program::PATIENCE;
    while !running.get("", "/health/ready").text.contains("VN-99") {
        assert!(std::time::Instant::now() < until, "it never heard");
    }
}

#[test]
fn elsewhere_in_the_world_everything_works_the_same() {
    let (db, folder) = (Database::empty(), Folder::new());
    // An invented square at Grenoble, on Lambert-93.
    let boundary = folder.file("fr.geojson", square(5.6, 45.1, 5.9, 45.3));
    add(&db, "FR-38", "EPSG:2154", &boundary, &["--time-zone", "Europe/Paris"])
        .gives(0, &["Registered FR-38 (Thử) on EPSG:2154, in the time zone Europe/Paris."]);
    let works = folder.file(
        "works.csv",
        "code,kind,organisation,lon,lat,position_accuracy_m\nGRE-1,mast,orange,5.72,45.19,0\nGRE-2,pole,orange,5.75,45.19,0\n\
         GRE-3,pole,orange,107.69,12.0,0\n",
    );
    let ran = clearway(&db, &["import", "works", &works, "--jurisdiction", "auto", "--on-error", "skip"]);
    ran.counts("3 read: 2 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected");
    assert_eq!(
        rows(
            &db,
            "code, jurisdiction, ST_SRID(geom_grid), ST_Distance(geom_grid, ST_Transform(geom, 2154)) < 0.001",
            "works ORDER BY code"
        ),
        ["GRE-1 FR-38 2154 t", "GRE-2 FR-38 2154 t"]
    );
    let line = folder.file("road.geojson", r#"{"type":"LineString","coordinates":[[5.71,45.1899],[5.73,45.1899]]}"#);
    let ran = clearway(&db, &["check", &line, "--clearance-m", "20", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let conflicts = answer["results"][0]["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1, "{}", ran.out);
    let expect: f64 = rows(
        &db,
        "ST_Distance(geom_grid, ST_Transform(ST_Segmentize('SRID=4326;LINESTRING(5.71 45.1899,5.73 45.1899)'::geometry, 0.001), 2154))",
        "works WHERE code = 'GRE-1'",
    )[0]
    .parse()
    .unwrap();
    let distance = conflicts[0]["distance_m"].as_f64().unwrap();
    assert_eq!((conflicts[0]["code"].as_str(), conflicts[0]["verdict"].as_str()), (Some("GRE-1"), Some("certain")));
    assert!((distance - expect).abs() < 0.001 && (10.0..12.0).contains(&distance), "{distance} m, PostGIS {expect} m");
}
