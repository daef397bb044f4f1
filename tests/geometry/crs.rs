//! Projections: the test points of five systems, PostGIS's `ST_Transform`, densified lines, round trips.

use clearway::geometry::crs::{self, Epsg, SEGMENT_MAX_M};
use clearway::geometry::{Coord, Geometry, LineString, MultiPolygon, Point, Polygon};
use geo::{CoordsIter, MapCoords};

use crate::postgis::{database, transformed};
use crate::support::{shared_data, vn72_draft};

const GRID: Epsg = Epsg(9218);

/// The grid, its neighbour, two UTM zones, longitude/latitude of VN-2000, and WGS 84.
const SYSTEMS: [u32; 6] = [9218, 5899, 3406, 3405, 4756, 4326];

fn point(x: f64, y: f64) -> Geometry<f64> {
    Geometry::Point(Point(Coord { x, y }))
}

/// Waits for the cluster. PROJ takes a lock of its own in a forked child, which hangs for ever when another thread
/// holds it at that moment: so nothing is projected while PostgreSQL is being started.
fn after_the_cluster() {
    drop(crate::support::Database::bare());
}

/// The greatest distance between positions of the two, metres; degrees count as on the ground.
fn apart_m(a: &Geometry<f64>, b: &Geometry<f64>, geographic: bool) -> f64 {
    assert_eq!(a.coords_count(), b.coords_count());
    let metres = if geographic { 111_320.0 } else { 1.0 };
    a.coords_iter().zip(b.coords_iter()).map(|(p, q)| (p.x - q.x).hypot(p.y - q.y) * metres).fold(0.0, f64::max)
}

fn geographic(epsg: Epsg) -> bool {
    crs::definition(epsg).unwrap().geographic
}

/// Whatever PROJ does here it does in PostGIS: a micrometre, 1e-11 degrees.
fn check_as_postgis(shapes: &[Geometry<f64>], from: Epsg, to: Epsg, judge: &crate::support::Database) {
    let dense: Vec<Geometry<f64>> = shapes.iter().map(|s| crs::densified(s, geographic(from))).collect();
    for (shape, theirs) in shapes.iter().zip(transformed(judge, &dense, from, to)) {
        let ours = crs::project(shape, from, to).unwrap();
        let apart = apart_m(&ours, &theirs, false);
        let limit = if geographic(to) { 1e-11 } else { 1e-6 };
        assert!(apart <= limit, "{from} to {to}: {apart}\n{shape:?}");
    }
}

#[test]
fn the_test_points_come_out_within_a_millimetre_from_every_system() {
    let Some(file) = shared_data("vn2000_test_points.csv") else { return };
    let judge = database(&SYSTEMS);
    let mut reader = csv::Reader::from_path(file).unwrap();
    let mut points = 0;
    for row in reader.records() {
        let row = row.unwrap();
        let at = |n: usize| row[n].parse::<f64>().unwrap();
        let (wgs84, grid) = (point(at(2), at(1)), point(at(3), at(4)));
        let all = [
            (Epsg(9218), grid.clone()),
            (Epsg(5899), point(at(5), at(6))),
            (Epsg(3406), point(at(7), at(8))),
            (Epsg(3405), point(at(9), at(10))),
            (Epsg(4756), point(at(12), at(11))),
        ];
        for (from, shape) in all {
            for (to, expect) in [(Epsg::WGS84, &wgs84), (GRID, &grid)] {
                let got = crs::project(&shape, from, to).unwrap();
                let apart = apart_m(&got, expect, geographic(to));
                assert!(apart <= 0.001, "{}: {from} to {to} is {apart} m off", &row[0]);
                if from != to {
                    check_as_postgis(std::slice::from_ref(&shape), from, to, &judge);
                }
            }
        }
        points += 1;
    }
    assert_eq!(points, 16);
}

/// A lattice of made-up points over VN-72, in WGS 84.
fn lattice() -> Vec<Geometry<f64>> {
    let steps = |from: f64, to: f64, n: i32| (0..=n).map(move |k| from + (to - from) * f64::from(k) / f64::from(n));
    steps(107.2, 108.1, 12).flat_map(|x| steps(11.74, 12.82, 12).map(move |y| point(x, y))).collect()
}

#[test]
fn points_of_the_province_are_those_of_postgis_in_every_system_and_come_back() {
    let judge = database(&SYSTEMS);
    let mut worst = 0.0_f64;
    for system in SYSTEMS.map(Epsg).into_iter().filter(|s| *s != Epsg::WGS84) {
        let there: Vec<_> = lattice().iter().map(|p| crs::project(p, Epsg::WGS84, system).unwrap()).collect();
        check_as_postgis(&lattice(), Epsg::WGS84, system, &judge);
        check_as_postgis(&there, system, Epsg::WGS84, &judge);
        if system != GRID {
            check_as_postgis(&there, system, GRID, &judge);
        }
        for (p, q) in lattice().iter().zip(&there) {
            let back = crs::project(q, system, Epsg::WGS84).unwrap();
            worst = worst.max(apart_m(p, &back, true));
            let again = crs::project(&back, Epsg::WGS84, system).unwrap();
            worst = worst.max(apart_m(q, &again, geographic(system)));
        }
    }
    eprintln!("there and back: at most {worst:.1e} m off");
    assert!(worst <= 0.001, "{worst}");
}

#[test]
fn the_traps_are_as_large_as_they_are_said_to_be() {
    after_the_cluster();
    // Gia Nghĩa, made up to the hundredth of a degree.
    let town = point(107.69, 12.0);
    let right = crs::project(&town, Epsg::WGS84, GRID).unwrap();
    let no_shift = crs::project(&town, Epsg(4756), GRID).unwrap();
    assert!((200.0..250.0).contains(&apart_m(&right, &no_shift, false)), "the datum shift is about 225 m");
    let wrong_meridian = crs::project(&town, Epsg::WGS84, Epsg(5899)).unwrap();
    assert!(
        (80_000.0..83_000.0).contains(&apart_m(&right, &wrong_meridian, false)),
        "the other meridian is 81 km away"
    );
}

/// A line in WGS 84.
fn line(coords: &[(f64, f64)]) -> Geometry<f64> {
    Geometry::LineString(LineString::from(coords.to_vec()))
}

#[test]
fn a_line_stays_straight_in_the_system_it_came_in() {
    after_the_cluster();
    // 22 km from west to east.
    let whole = line(&[(107.5, 12.2), (107.702, 12.2)]);
    let Geometry::LineString(dense) = crs::project(&whole, Epsg::WGS84, GRID).unwrap() else { panic!("a line") };
    assert!(dense.lines().all(|l| geo::Length::length(&geo::Euclidean, &l) < SEGMENT_MAX_M * 1.01));
    let ends = LineString(vec![dense.0[0], *dense.0.last().unwrap()]);
    let bow = dense.points().map(|p| geo::Distance::distance(&geo::Euclidean, &p, &ends)).fold(0.0, f64::max);
    eprintln!("22 km from west to east bow {bow:.2} m");
    assert!(bow > 1.0, "without densifying nothing would be lost: {bow}");
    // Between two of the positions the true line is still near.
    for pair in dense.0.windows(2) {
        let on_grid = Geometry::Point(Point((pair[0] + pair[1]) / 2.0));
        let back = crs::project(&on_grid, GRID, Epsg::WGS84).unwrap();
        let off = (back.coords_iter().next().unwrap().y - 12.2).abs() * 111_000.0;
        assert!(off < 0.002, "{off} m beside the line");
    }
}

#[test]
fn densified_shapes_are_those_of_postgis() {
    let judge = database(&SYSTEMS);
    let ring = |shift: f64| {
        LineString::from(vec![
            (107.4 + shift, 12.0),
            (107.9, 12.05),
            (107.85, 12.5 - shift),
            (107.5, 12.4),
            (107.4 + shift, 12.0),
        ])
    };
    let hole = LineString::from(vec![(107.6, 12.2), (107.6, 12.3), (107.7, 12.3), (107.7, 12.2), (107.6, 12.2)]);
    let polygon = Polygon::new(ring(0.0), vec![hole]);
    let far = polygon.map_coords(|c| Coord { x: c.x + 1.0, y: c.y + 0.6 });
    let shapes = [
        line(&[(107.3, 12.1), (107.9, 12.1), (107.9, 12.7)]),
        line(&[(107.3, 12.1), (107.300_001, 12.1)]),
        Geometry::Polygon(polygon.clone()),
        Geometry::MultiPolygon(MultiPolygon(vec![polygon, far])),
        Geometry::MultiLineString(geo_types::MultiLineString(vec![ring(0.01), ring(0.02)])),
        Geometry::MultiPoint(geo_types::MultiPoint(vec![Point::new(107.3, 12.1), Point::new(107.8, 12.3)])),
    ];
    for system in SYSTEMS.map(Epsg).into_iter().filter(|s| *s != Epsg::WGS84) {
        check_as_postgis(&shapes, Epsg::WGS84, system, &judge);
        let there: Vec<_> = shapes.iter().map(|s| crs::project(s, Epsg::WGS84, system).unwrap()).collect();
        check_as_postgis(&there, system, Epsg::WGS84, &judge);
    }
    // The boundary of the province, in thousands of pieces.
    check_as_postgis(&[vn72_draft().boundary], Epsg::WGS84, GRID, &judge);
}

#[test]
fn the_division_is_that_of_st_segmentize() {
    // On a plane both divide a segment into the smallest number of equal pieces that are short enough.
    let judge = database(&SYSTEMS);
    for length in [499.0, 500.0, 500.5, 1_000.0, 1_250.0, 33_333.0] {
        let straight =
            Geometry::LineString(LineString::from(vec![(400_000.0, 1_300_000.0), (400_000.0 + length, 1_300_000.0)]));
        let ours = crs::densified(&straight, false);
        let theirs = crate::postgis::segmentized(&judge, &straight, GRID, SEGMENT_MAX_M);
        assert!(apart_m(&ours, &theirs, false) < 1e-6, "{length}");
    }
}
