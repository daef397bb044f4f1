//! Well-known text and the exact problems of bad ones.

use geo_types::{line_string, point, polygon};

use super::*;

fn check(text: &str, expected: &[&str]) {
    match geometry(text, 1_000) {
        Err(Undecodable::Problems(all)) => {
            assert!(all.iter().all(|problem| problem.pointer.is_empty()));
            assert_eq!(all.iter().map(|problem| problem.detail.as_str()).collect::<Vec<_>>(), expected, "{text}");
        }
        other => panic!("{text} gave {other:?}"),
    }
}

fn reads(text: &str, srid: Option<u32>, shape: impl Into<Geometry<f64>>) {
    assert_eq!(geometry(text, 1_000), Ok(Read { srid: srid.map(Epsg), geometry: shape.into() }), "{text}");
}

#[test]
fn reads_shapes_and_drops_heights() {
    let at = point!(x: 107.5, y: 12.0);
    for text in [
        "POINT (107.5 12)",
        " point(107.5 12.0) ",
        "POINT Z (107.5 12 600)",
        "POINTZ(107.5 12 600)",
        "POINT M (107.5 12 3)",
        "POINT ZM (107.5 12 600 3)",
        "POINT (107.5 12 600)",
        "POINT(107.5 12 600 3)",
        "POINT(1.075e2 12)",
    ] {
        reads(text, None, at);
    }
    reads("SRID=4326;POINT(107.5 12)", Some(4326), at);
    reads("srid=9218; POINT(107.5 12 600)", Some(9218), at);
    reads("LINESTRING(0 0 5, 1 1 5)", None, line_string![(x: 0., y: 0.), (x: 1., y: 1.)]);
    let triangle = polygon![(x: 0., y: 0.), (x: 1., y: 0.), (x: 1., y: 1.), (x: 0., y: 0.)];
    reads("POLYGON((0 0,1 0,1 1,0 0))", None, triangle.clone());
    reads("MULTIPOLYGON (((0 0,1 0,1 1,0 0)))", None, geo_types::MultiPolygon(vec![triangle]));
    reads("MULTIPOINT(0 0,1 1)", None, geo_types::MultiPoint::new(vec![point!(x: 0., y: 0.), point!(x: 1., y: 1.)]));
}

#[test]
fn names_what_is_wrong() {
    let empty = "is EMPTY: an empty geometry stands nowhere";
    check(
        "",
        &["is not well-known text; it starts with one of POINT, MULTIPOINT, LINESTRING, MULTILINESTRING, \
                 POLYGON, MULTIPOLYGON"],
    );
    check(
        "CIRCLE (1 2)",
        &["starts with \"CIRCLE\"; one of POINT, MULTIPOINT, LINESTRING, MULTILINESTRING, POLYGON, \
                             MULTIPOLYGON belongs there"],
    );
    check(
        "GEOMETRYCOLLECTION (POINT (1 2))",
        &["is GEOMETRYCOLLECTION, which is not taken: send its parts one by one"],
    );
    check("POINT EMPTY", &[empty]);
    check("LINESTRING EMPTY", &[empty]);
    check("POLYGON EMPTY", &[empty]);
    check("MULTIPOLYGON EMPTY", &[empty]);
    check("MULTIPOLYGON (EMPTY, ((0 0,1 0,1 1,0 0)))", &[&format!("polygon 1: {empty}")]);
    check("POINT (1 2", &["ends before its last bracket is closed"]);
    check("POINT (1 2)) POINT (3 4)", &["goes on after its last bracket"]);
    check("POINT )1 2(", &["goes on after its last bracket"]);
    check("POINT (1)", &["is not well-known text: a position is not two numbers, or as many as Z and M ask"]);
    check("POINT (1 abc)", &["is not well-known text: Expected a number for the Y coordinate"]);
    check("POINT (1 -inf)", &["[1, -inf] is no place: a finite number belongs there"]);
    check("POINT (1 1e999)", &["[1, inf] is no place: a finite number belongs there"]);
    check("LINESTRING (1 2)", &["a line needs at least 2 positions; this one has 1"]);
    check(
        "SRID=4326 POINT (1 2)",
        &["starts with SRID= but has no semicolon; \"SRID=4326;POINT (108 12)\" would be right"],
    );
    check(
        "SRID=abc;POINT (1 2)",
        &["starts with SRID= but no code follows; \"SRID=4326;POINT (108 12)\" would be right"],
    );
    check(
        "POLYGON ((0 0,9 0,9 9,0 0),(1 1,2 1,2 2,1 1.5))",
        &[
            "ring 2: the ring is not closed: it starts at [1, 1] and ends at [1, 1.5]; repeat the first position at the \
           end",
        ],
    );
    check(
        "MULTIPOLYGON (((0 0,9 0,9 9,0 0)),((0 0,9 0,0 0)))",
        &["polygon 2, ring 1: a ring needs at least 4 positions, the last repeating the first; this one has 3"],
    );
}

#[test]
fn says_how_many_vertices_are_too_many() {
    let text = "MULTIPOINT (1 2, 3 4, 5 6)";
    assert!(geometry(text, 3).is_ok());
    assert_eq!(geometry(text, 2), Err(Undecodable::TooManyVertices { found: 3, limit: 2 }));
}

#[test]
fn survives_any_text() {
    for text in
        ["((((", "POINT", "SRID=", "SRID=1;", "POINT(", "ÄPOINT (1 2)", "POINT\0(1 2)", "Z", "POINT (1 2\u{0} 3)"]
    {
        assert!(geometry(text, 10).is_err(), "{text:?}");
    }
    let deep = format!("{}POINT (1 2){}", "GEOMETRYCOLLECTION (".repeat(100_000), ")".repeat(100_000));
    assert!(geometry(&deep, 10).is_err());
}
