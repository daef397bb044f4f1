//! Validity: `valid::problems` is empty exactly where `ST_IsValid` is true, and names places on the shape.

use clearway::geometry::{Coord, Geometry, LineString, MultiLineString, MultiPolygon, Point, Polygon, encoding, valid};
use geo::{Distance, Euclidean};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value as Json;

use crate::postgis::{database, validity};
use crate::support::shared_data;

/// Shapes of each sort that are looked at.
const SHAPES: usize = 6_000;

fn ring(size: i32, corners: usize) -> impl Strategy<Value = LineString<f64>> {
    prop::collection::vec((0..=size, 0..=size), 3..=corners).prop_map(|all| {
        let mut coords: Vec<Coord<f64>> = all.iter().map(|&(x, y)| Coord { x: x.into(), y: y.into() }).collect();
        coords.push(coords[0]);
        LineString(coords)
    })
}

/// A ring round a rectangle: mostly valid, so that holes and parts get to be looked at.
fn rectangle(size: i32) -> impl Strategy<Value = LineString<f64>> {
    (0..size, 0..size, 1..=size, 1..=size, any::<bool>()).prop_map(move |(x, y, w, h, cut)| {
        let (e, n) = ((x + w).min(size), (y + h).min(size));
        let mut all = vec![(x, y), (e, y), (e, n), (x, n), (x, y)];
        if cut {
            all.remove(2);
        }
        LineString(all.into_iter().map(|(x, y)| Coord { x: x.into(), y: y.into() }).collect())
    })
}

fn any_ring(size: i32) -> impl Strategy<Value = LineString<f64>> {
    prop_oneof![3 => rectangle(size), 1 => ring(size, 4), 1 => ring(size, 7)]
}

fn polygon(size: i32, holes: usize) -> impl Strategy<Value = Polygon<f64>> {
    (any_ring(size), prop::collection::vec(any_ring(size), 0..=holes)).prop_map(|(r, h)| Polygon::new(r, h))
}

/// A large square with holes: holes touch each other, the edge, in chains and circles.
fn holed(size: i32) -> impl Strategy<Value = Polygon<f64>> {
    let end = f64::from(size);
    let square = LineString::from(vec![(0.0, 0.0), (end, 0.0), (end, end), (0.0, end), (0.0, 0.0)]);
    prop::collection::vec(prop_oneof![rectangle(size), ring(size, 4)], 1..=4)
        .prop_map(move |holes| Polygon::new(square.clone(), holes))
}

fn shape() -> impl Strategy<Value = Geometry<f64>> {
    let many = |size, holes| prop::collection::vec(polygon(size, holes), 1..=3).prop_map(MultiPolygon);
    let line = || prop::collection::vec((0..3, 0..3), 2..5);
    let coords = |l: Vec<(i32, i32)>| {
        LineString::from(l.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect::<Vec<_>>())
    };
    prop_oneof![
        2 => polygon(4, 0).prop_map(Geometry::Polygon),
        2 => polygon(8, 2).prop_map(Geometry::Polygon),
        4 => holed(7).prop_map(Geometry::Polygon),
        4 => many(7, 1).prop_map(Geometry::MultiPolygon),
        1 => line().prop_map(move |l| Geometry::LineString(coords(l))),
        1 => prop::collection::vec(line(), 1..3).prop_map(move |all| {
            Geometry::MultiLineString(MultiLineString(all.into_iter().map(coords).collect()))
        }),
        1 => (0_i32..3, 0_i32..3).prop_map(|(x, y)| Geometry::Point(Point::new(x.into(), y.into()))),
    ]
}

/// The places a problem names: `at x, y`.
fn places(detail: &str) -> Vec<Coord<f64>> {
    detail
        .split(" at ")
        .skip(1)
        .filter_map(|rest| {
            let mut numbers = rest.split([',', ':', ' ']).filter(|t| !t.is_empty());
            Some(Coord { x: numbers.next()?.parse().ok()?, y: numbers.next()?.parse().ok()? })
        })
        .collect()
}

/// Differences between the two judgements, and how many shapes are invalid.
fn compare(what: &str, shapes: &[Geometry<f64>]) -> (usize, Vec<String>) {
    let judge = database(&[]);
    let (mut invalid, mut differ) = (0, Vec::new());
    for (shape, verdict) in shapes.iter().zip(validity(&judge, shapes)) {
        let problems = valid::problems(shape);
        if problems.is_empty() != verdict.valid {
            differ.push(format!("{what}: PostGIS says {}, we say {problems:?} of {}", verdict.reason, verdict.text));
        }
        invalid += usize::from(!verdict.valid);
        for problem in &problems {
            for place in places(&problem.detail) {
                let off = Euclidean.distance(&Geometry::Point(Point(place)), &boundary(shape));
                assert!(off < 1e-9, "{what}: {place:?} is {off} off the shape: {problem:?}");
            }
        }
    }
    (invalid, differ)
}

fn boundary(shape: &Geometry<f64>) -> Geometry<f64> {
    let rings = |p: &Polygon<f64>| std::iter::once(p.exterior()).chain(p.interiors()).cloned().collect::<Vec<_>>();
    match shape {
        Geometry::Polygon(p) => Geometry::MultiLineString(MultiLineString(rings(p))),
        Geometry::MultiPolygon(m) => Geometry::MultiLineString(MultiLineString(m.0.iter().flat_map(rings).collect())),
        other => other.clone(),
    }
}

#[test]
fn what_is_valid_is_what_postgis_calls_valid() {
    let seed: u64 = std::env::var("CLEARWAY_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(72);
    let mut bytes = [3_u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let shapes: Vec<_> = (0..SHAPES).map(|_| shape().new_tree(&mut runner).unwrap().current()).collect();
    let (invalid, differ) = compare(&format!("seed {seed}"), &shapes);
    eprintln!("{invalid} of {SHAPES} are invalid");
    assert!(differ.is_empty(), "{} differ\n{}", differ.len(), differ[..differ.len().min(8)].join("\n"));
    assert!(invalid > SHAPES / 5 && invalid < SHAPES * 4 / 5, "not mixed: {invalid}");
}

#[test]
fn places_are_read_from_what_is_said() {
    assert_eq!(places("the ring crosses or touches itself at 2, 2.5: the segment"), [Coord { x: 2.0, y: 2.5 }]);
    assert_eq!(places("falls apart, last at -1, 0"), [Coord { x: -1.0, y: 0.0 }]);
}

#[test]
fn real_files_are_judged_as_by_postgis() {
    // How many of each PostGIS calls invalid is part of what is known of these files.
    let table = [
        ("vn_heritage_protected_areas.geojson", 1),
        ("daknong_districts_pre2025.geojson", 3),
        ("daknong_communes_2025.geojson", 0),
        ("vn_provinces_2025.geojson", 0),
        ("daknong_roads_national.geojson", 0),
    ];
    for (file, expect) in table {
        let Some(path) = shared_data(file) else { continue };
        let json: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let read = |f: &Json| encoding::geojson::geometry(&f["geometry"], usize::MAX).ok();
        let shapes: Vec<Geometry<f64>> = json["features"].as_array().unwrap().iter().filter_map(read).collect();
        assert!(shapes.len() > 7, "{file}: {}", shapes.len());
        let (invalid, differ) = compare(file, &shapes);
        assert!(differ.is_empty(), "{}", differ.join("\n"));
        assert_eq!(invalid, expect, "{file}");
    }
}
