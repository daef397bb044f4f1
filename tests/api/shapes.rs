//! Every geometry type, every way to name a reference system, and what PostGIS holds of them.

use std::fs;

use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, WORKS, at, feature, line, mast, merged, point, rect, ring, road};
use crate::support::shared_data;

fn multi(kind: &str, parts: &[Json]) -> Json {
    json!({"type": kind, "coordinates": parts})
}

fn part(shape: &Json) -> Json {
    shape["coordinates"].clone()
}

/// A feature is created, read, and what was read is put back: the same feature, and the same shape to the bit.
fn check_round_trip(api: &Api, items: &str, code: &str, shape: Json, more: &Json, stored: &str) {
    let own = if items == WORKS { mast() } else { road() };
    let properties = merged(merged(json!({"code": code}), more), &own);
    let id = api.add(items, shape, properties);
    let table = if items == WORKS { "works" } else { "corridors" };
    let one = |what: &str| api.sql(&format!("SELECT {what} FROM {table} WHERE code = '{code}'")).unwrap();
    assert_eq!(one("GeometryType(recorded_geom)"), stored, "{code}");
    assert_eq!(one("ST_SRID(geom) || ' ' || ST_SRID(geom_grid) || ' ' || recorded_crs"), "4326 9218 9218", "{code}");
    assert_eq!(one("ST_IsValid(geom) AND ST_IsValid(geom_grid)"), "true", "{code}");
    // Both ways to the grid agree: ours at the door, and PostGIS's from the shape in WGS 84.
    let apart: f64 = one("ST_HausdorffDistance(geom_grid, ST_Transform(geom, 9218))").parse().unwrap();
    assert!(apart < 0.001, "{code}: {apart} m");
    let path = format!("{items}/{id}");
    let read = api.server.get("", &path);
    let again = api.server.call("officer", "PUT", &path, Some(&read.json()));
    assert_eq!(again.status, 200, "{code}: {}", again.text);
    let (mut before, mut after) = (read.json(), api.server.get("", &path).json());
    for document in [&mut before, &mut after] {
        let properties = document["properties"].as_object_mut().unwrap();
        for name in ["version", "revision", "recorded_at", "recorded_crs"] {
            properties.remove(name).unwrap();
        }
        if properties.contains_key("centreline") {
            // The land is made anew from a line that went to degrees and back: equal to the micrometre, not the bit.
            document.as_object_mut().unwrap().remove("geometry");
        }
    }
    assert_eq!(before, after, "{code}");
}

#[test]
fn works_take_every_geometry_type() {
    let api = Api::new();
    let cable = line(&[(0.0, 0.0), (30.0, 40.0), (900.0, 40.0)]);
    let yard = json!({"type": "Polygon", "coordinates": [ring(0.0, 0.0, 100.0, 100.0), ring(40.0, 40.0, 60.0, 60.0)]});
    let table = [
        ("POINT", point(1.5, 2.5)),
        ("MULTIPOINT", multi("MultiPoint", &[at((0.0, 0.0)), at((9.0, 0.0))])),
        ("LINESTRING", cable.clone()),
        ("MULTILINESTRING", multi("MultiLineString", &[part(&cable), part(&line(&[(5.0, 9.0), (6.0, 9.0)]))])),
        ("POLYGON", yard.clone()),
        ("MULTIPOLYGON", multi("MultiPolygon", &[part(&yard), part(&rect(200.0, 0.0, 210.0, 10.0))])),
    ];
    for (kind, shape) in table {
        check_round_trip(&api, WORKS, &format!("T-{kind}"), shape, &json!({}), kind);
    }
}

#[test]
fn corridors_are_areas_or_centrelines_with_half_widths() {
    let api = Api::new();
    let widths = json!({"half_width_left_m": 30, "half_width_right_m": 15.5});
    let axis = line(&[(0.0, 0.0), (300.0, 40.0), (900.0, 40.0)]);
    let axes = multi("MultiLineString", &[part(&axis), part(&line(&[(0.0, 500.0), (60.0, 500.0)]))]);
    let area = rect(0.0, 0.0, 100.0, 20.0);
    check_round_trip(&api, CORRIDORS, "C-1", area.clone(), &json!({}), "POLYGON");
    let areas = multi("MultiPolygon", &[part(&area), part(&rect(200.0, 0.0, 210.0, 10.0))]);
    check_round_trip(&api, CORRIDORS, "C-2", areas, &json!({}), "MULTIPOLYGON");
    check_round_trip(&api, CORRIDORS, "C-3", axis.clone(), &widths, "LINESTRING");
    check_round_trip(&api, CORRIDORS, "C-4", axes.clone(), &widths, "MULTILINESTRING");
    let in_properties = merged(json!({"centreline": axis}), &widths);
    check_round_trip(&api, CORRIDORS, "C-5", Json::Null, &in_properties, "LINESTRING");
    // With a centreline the geometry is derived, so whatever is sent as geometry is not looked at.
    let both = merged(json!({"centreline": axes}), &widths);
    check_round_trip(&api, CORRIDORS, "C-6", area, &both, "MULTILINESTRING");
    let land =
        |code: &str| api.sql(&format!("SELECT md5(ST_AsBinary(geom_grid)) FROM corridors WHERE code = '{code}'"));
    assert_ne!(land("C-3"), land("C-4"));
    let apart = "SELECT max(ST_HausdorffDistance(a.geom_grid, b.geom_grid)) FROM corridors a, corridors b \
        WHERE (a.code, b.code) IN (('C-3', 'C-5'), ('C-4', 'C-6'))";
    assert!(api.sql(apart).unwrap().parse::<f64>().unwrap() < 1e-4);
}

#[test]
fn a_third_coordinate_is_dropped() {
    let api = Api::new();
    let high = json!({"type": "LineString", "coordinates": [[411_600.0, 1_327_600.0, 612.5], [411_700.0, 1_327_600.0, 613.0, 7]]});
    let id = api.add(WORKS, high, mast());
    assert_eq!(
        api.sql("SELECT ST_NDims(recorded_geom) || ' ' || ST_AsText(recorded_geom) FROM works").unwrap(),
        "2 LINESTRING(411600 1327600,411700 1327600)"
    );
    let read = api.server.get("", &format!("{WORKS}/{id}")).json();
    assert_eq!(read["geometry"]["coordinates"][0].as_array().unwrap().len(), 2);
    let document = api.server.get("", "/ogc/api").json();
    assert!(document["info"]["description"].as_str().unwrap().contains("a third coordinate is accepted and dropped"));
}

/// The systems of the table of test points: how a client names each, and the columns of its two numbers in the order
/// in which the name wants them.
const SYSTEMS: &[(&str, u32, [&str; 2])] = &[
    ("<http://www.opengis.net/def/crs/EPSG/0/9218>", 9218, ["E_9218_tm3_108_30", "N_9218"]),
    ("http://www.opengis.net/def/crs/EPSG/0/5899", 5899, ["E_5899_tm3_107_45", "N_5899"]),
    ("EPSG:3406", 3406, ["E_3406_utm49", "N_3406"]),
    ("urn:ogc:def:crs:EPSG::3405", 3405, ["E_3405_utm48", "N_3405"]),
    // An OGC name means the axes of the definition: latitude first. The short form means longitude first.
    ("<http://www.opengis.net/def/crs/EPSG/0/4756>", 4756, ["lat_4756", "lon_4756"]),
    ("EPSG:4756", 4756, ["lon_4756", "lat_4756"]),
    ("<http://www.opengis.net/def/crs/EPSG/0/4326>", 4326, ["lat_wgs84", "lon_wgs84"]),
    ("EPSG:4326", 4326, ["lon_wgs84", "lat_wgs84"]),
    ("<http://www.opengis.net/def/crs/OGC/1.3/CRS84>", 4326, ["lon_wgs84", "lat_wgs84"]),
];

#[test]
fn coordinates_come_out_within_a_millimetre_from_every_system() {
    let Some(file) = shared_data("vn2000_test_points.csv") else { return };
    let api = Api::with(|s| s.boundary_reach_m = 60_000.0);
    let mut table = csv::Reader::from_reader(fs::File::open(file).unwrap());
    let names = table.headers().unwrap().clone();
    let (mut number, mut worst) = (0, 0.0_f64);
    for row in table.records() {
        let row = row.unwrap();
        let of = |name: &str| row[names.iter().position(|n| n == name).unwrap()].parse::<f64>().unwrap();
        for (crs, epsg, columns) in SYSTEMS {
            number += 1;
            let shape = json!({"type": "Point", "coordinates": [of(columns[0]), of(columns[1])]});
            let code = format!("K-{number}");
            let made =
                api.in_crs(crs, "officer", "POST", WORKS, &feature(shape, merged(json!({"code": code}), &mast())));
            assert_eq!(made.status, 201, "{crs} {:?}: {}", &row[0], made.text);
            assert_eq!(made.json()["properties"]["recorded_crs"], format!("EPSG:{epsg}"));
            let sql = format!(
                "SELECT greatest(ST_Distance(geom_grid, ST_SetSRID(ST_MakePoint({}, {}), 9218)), \
                 ST_Distance(geom_grid, ST_Transform(geom, 9218)), \
                 ST_Distance(geom_grid, ST_Transform(recorded_geom, 9218))) FROM works WHERE code = '{code}'",
                of("E_9218_tm3_108_30"),
                of("N_9218")
            );
            let apart: f64 = api.sql(&sql).unwrap().parse().unwrap();
            worst = worst.max(apart);
            assert!(apart < 0.001, "{crs} {:?}: {apart} m", &row[0]);
            let lonlat = made.json()["geometry"]["coordinates"].clone();
            for (got, expect) in [(&lonlat[0], of("lon_wgs84")), (&lonlat[1], of("lat_wgs84"))] {
                assert!((got.as_f64().unwrap() - expect).abs() < 1e-8, "{crs} {:?}: {lonlat}", &row[0]);
            }
        }
    }
    assert_eq!(number, 16 * SYSTEMS.len());
    eprintln!("{number} points through the API: at most {:.3} mm apart", worst * 1000.0);
}

#[test]
fn what_is_recorded_is_what_was_delivered() {
    let api = Api::new();
    let shape = json!({"type": "Point", "coordinates": [12.004_200_000_001, 107.690_7]});
    let crs = "<http://www.opengis.net/def/crs/EPSG/0/4326>";
    let made = api.in_crs(crs, "officer", "POST", WORKS, &feature(shape, mast()));
    assert_eq!(made.json()["geometry"]["coordinates"], json!([107.690_7, 12.004_200_000_001]));
    assert_eq!(
        api.sql("SELECT ST_X(recorded_geom) || ' ' || ST_Y(recorded_geom) || ' ' || ST_SRID(recorded_geom) FROM works"),
        Some("107.6907 12.004200000001 4326".into())
    );
}

#[test]
fn a_long_segment_stays_straight_where_it_was_drawn() {
    let api = Api::new();
    let ends = json!([[107.5, 12.1], [107.7, 12.1]]);
    let made = api.server.post("officer", WORKS, &feature(json!({"type": "LineString", "coordinates": ends}), mast()));
    assert_eq!(made.json()["geometry"]["coordinates"], ends, "what is returned has no positions that nobody sent");
    let apart =
        "SELECT ST_HausdorffDistance(geom_grid, ST_Transform(ST_Segmentize(geom, 0.0005), 9218), 0.01) FROM works";
    assert!(api.sql(apart).unwrap().parse::<f64>().unwrap() < 0.01);
}

#[test]
fn an_unknown_system_is_refused_by_name() {
    let api = Api::new();
    for (crs, detail) in [
        ("EPSG:999999", "EPSG:999999 is not known to PROJ"),
        ("<http://www.opengis.net/def/crs/EPSG/0/12345>", "EPSG:12345 is not known to PROJ"),
        ("VN-2000", "«VN-2000» is not a coordinate reference system; write for example EPSG:9218"),
        ("", "«» is not a coordinate reference system; write for example EPSG:9218"),
        ("EPSG:4979", "EPSG:4979 (WGS 84) is neither longitude/latitude nor a plane"),
    ] {
        for (method, path) in [("POST", WORKS), ("POST", CORRIDORS), ("POST", "/api/conflict-checks")] {
            let refused = api.in_crs(crs, "officer", method, path, &feature(point(0.0, 0.0), mast()));
            assert_eq!((refused.status, &refused.json()["type"]), (400, &json!("/problems/parameter")), "{crs} {path}");
            assert_eq!(refused.json()["detail"], format!("parameter «Content-Crs»: {detail}"), "{path}");
        }
    }
}
