//! GeoJSON geometries and the exact problems of bad ones.

use serde_json::json;

use super::*;

/// The problems of a document, one `pointer detail` a line.
fn problems(value: &Value) -> Vec<String> {
    match geometry(value, 1_000) {
        Err(Undecodable::Problems(all)) => all.iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect(),
        other => panic!("{value} gave {other:?}"),
    }
}

fn check(value: &Value, expected: &[&str]) {
    assert_eq!(problems(value), expected, "{value}");
}

const KNOWN: &str = "one of Point, MultiPoint, LineString, MultiLineString, Polygon, MultiPolygon belongs here";

#[test]
fn names_what_is_wrong_with_the_object() {
    check(&json!(null), &[" is null; a GeoJSON geometry object belongs here"]);
    check(&json!("x"), &[" is the text \"x\"; a GeoJSON geometry object belongs here"]);
    check(&json!({}), &[&format!("/type is missing; {KNOWN}"), "/coordinates is missing"]);
    check(&json!({"type": "point", "coordinates": [1, 2]}), &["/type is \"point\"; write \"Point\", case matters"]);
    check(&json!({"type": "Circle", "coordinates": [1, 2]}), &[&format!("/type is \"Circle\"; {KNOWN}")]);
    check(&json!({"type": 7, "coordinates": [1, 2]}), &[&format!("/type is the number 7; {KNOWN}")]);
    check(
        &json!({"type": "GeometryCollection", "geometries": []}),
        &["/type is GeometryCollection, which is not taken: send its parts one by one"],
    );
    check(
        &json!({"type": "Feature", "geometry": null}),
        &["/type is Feature; a geometry belongs here, such as the one inside a Feature"],
    );
    check(&json!({"type": "Point"}), &["/coordinates is missing"]);
    check(&json!({"type": "Point", "coordinates": null}), &["/coordinates is null; an array belongs here"]);
    check(&json!({"type": "Point", "coordinates": []}), &["/coordinates is empty: an empty geometry stands nowhere"]);
    check(
        &json!({"type": "Point", "coordinates": "1 2"}),
        &["/coordinates is the text \"1 2\"; an array belongs here"],
    );
    check(
        &json!({"type": "Point", "coordinates": [1, 2], "crs": {"type": "name", "properties": {"name": "EPSG:9218"}}}),
        &["/crs names EPSG:9218, but GeoJSON is WGS 84 longitude and latitude; give the system beside the document \
           instead"],
    );
}

#[test]
fn names_what_is_wrong_with_positions() {
    check(
        &json!({"type": "Point", "coordinates": ["107.6", 12.0]}),
        &["/coordinates/0 is the text \"107.6\"; a number belongs here"],
    );
    check(&json!({"type": "Point", "coordinates": [107.6]}), &["/coordinates has 1 number; a position needs 2"]);
    check(&json!({"type": "Point", "coordinates": [1, 2, null]}), &["/coordinates/2 is null; a number belongs here"]);
    check(
        &json!({"type": "LineString", "coordinates": [[1, 2], [3, null], [], 7]}),
        &[
            "/coordinates/1/1 is null; a number belongs here",
            "/coordinates/2 is empty; a position needs 2 numbers",
            "/coordinates/3 is the number 7; a position, an array of numbers, belongs here",
        ],
    );
    check(
        &json!({"type": "Polygon", "coordinates": [[1, 2], [3, 4]]}),
        &[
            "/coordinates/0/0 is the number 1; a position, an array of numbers, belongs here",
            "/coordinates/0/1 is the number 2; a position, an array of numbers, belongs here",
            "/coordinates/0 a ring needs at least 4 positions, the last repeating the first; this one has 2",
            "/coordinates/1/0 is the number 3; a position, an array of numbers, belongs here",
            "/coordinates/1/1 is the number 4; a position, an array of numbers, belongs here",
            "/coordinates/1 a ring needs at least 4 positions, the last repeating the first; this one has 2",
        ],
    );
}

#[test]
fn names_what_is_wrong_with_lines_and_rings() {
    check(
        &json!({"type": "LineString", "coordinates": [[1, 2]]}),
        &["/coordinates a line needs at least 2 positions; this one has 1"],
    );
    check(
        &json!({"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], []]}),
        &["/coordinates/1 is empty; a line, an array of positions, belongs here"],
    );
    check(
        &json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0.5]]]}),
        &[
            "/coordinates/0 the ring is not closed: it starts at [0, 0] and ends at [0, 0.5]; repeat the first position \
           at the end",
        ],
    );
    check(
        &json!({"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [0, 0]], []]]}),
        &[
            "/coordinates/0/0 a ring needs at least 4 positions, the last repeating the first; this one has 3",
            "/coordinates/0/1 is empty; a ring, an array of positions, belongs here",
        ],
    );
}

#[test]
fn drops_heights_and_ignores_foreign_members() {
    let value = json!({"type": "Polygon", "bbox": [0, 0, 1, 1], "note": "x", "crs": null,
        "coordinates": [[[0, 0, 9], [1, 0, 8, 7], [1, 1], [0, 0, 6]]]});
    let flat = json!({"type": "Polygon", "coordinates": [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]});
    assert_eq!(geometry(&value, 4).map(|shape| to_value(&shape)), Ok(flat));
}

#[test]
fn says_how_many_vertices_are_too_many() {
    let value = json!({"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], [[1, 2], [3, 4], [5, 6]]]});
    assert!(geometry(&value, 5).is_ok());
    assert_eq!(geometry(&value, 4), Err(Undecodable::TooManyVertices { found: 5, limit: 4 }));
}

#[test]
fn counts_the_problems_beyond_the_limit() {
    let coordinates: Vec<Value> = (0..250).map(|_| json!([null, 1])).collect();
    let all = problems(&json!({"type": "MultiPoint", "coordinates": coordinates}));
    assert_eq!(all.len(), crate::geometry::problem::PROBLEMS_MAX + 1);
    assert_eq!(all.last().map(String::as_str), Some(" and 150 more problems"));
}

#[test]
fn understands_the_names_of_reference_systems() {
    let named = |name: &str| crs_named(&json!({"type": "name", "properties": {"name": name}}));
    for wgs84 in [
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "urn:ogc:def:crs:OGC::CRS84",
        "OGC:CRS84",
        "CRS84",
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "EPSG:4326",
        "epsg:4326",
        "urn:ogc:def:crs:EPSG::4326",
        "urn:ogc:def:crs:EPSG:6.18:4326",
        "https://www.opengis.net/def/crs/EPSG/0/4326",
    ] {
        assert_eq!(named(wgs84), Ok(Some(Epsg::WGS84)), "{wgs84}");
        assert_eq!(crs_member(&json!({"type": "name", "properties": {"name": wgs84}})), Ok(()), "{wgs84}");
    }
    assert_eq!(named("urn:ogc:def:crs:EPSG::9218"), Ok(Some(Epsg(9218))));
    assert_eq!(crs_named(&json!({"type": "EPSG", "properties": {"code": 9218}})), Ok(Some(Epsg(9218))));
    assert_eq!(crs_member(&Value::Null), Ok(()));
    for unknown in ["", "VN-2000", "urn:ogc:def:crs:EPSG::", "urn:ogc:def:crs:OGC:1.3:CRS83", "4326"] {
        assert!(named(unknown).is_err_and(|p| p.pointer == "/properties/name"), "{unknown}");
    }
    for bad in [json!({}), json!("EPSG:4326"), json!({"type": "link", "properties": {"href": "x"}})] {
        assert!(crs_member(&bad).is_err(), "{bad}");
    }
}
