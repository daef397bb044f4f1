//! Stretches against dense sampling, and what hangs together.

use geo_types::{Coord, Geometry, LineString, Polygon, polygon};
use proptest::prelude::*;

use super::*;
use crate::geometry::Grid;
use crate::geometry::measure::Prepared;

fn line(positions: &[(f64, f64)]) -> LineString<f64> {
    LineString::from(positions.to_vec())
}

const EVERYWHERE: Bounds = Bounds { min: [f64::NEG_INFINITY; 2], max: [f64::INFINITY; 2] };

fn check(edges: &[(f64, f64)], reach: f64, path: &[(f64, f64)], expect: &[&[(f64, f64)]]) {
    let edges = Edges::of(&Geometry::LineString(line(edges)), &EVERYWHERE);
    let got = edges.stretches(&line(path), reach);
    assert_eq!(got.len(), expect.len(), "{got:?}");
    for (stretch, expect) in got.iter().zip(expect) {
        assert_eq!(stretch.coords.len(), expect.len(), "{stretch:?}");
        for (c, (x, y)) in stretch.coords.iter().zip(*expect) {
            assert!((c.x - x).abs() < 1e-8 && (c.y - y).abs() < 1e-8, "{stretch:?}, not {expect:?}");
        }
        assert!((stretch.length_m - Stretch::of(stretch.coords.clone()).length_m).abs() < 1e-8);
    }
}

#[test]
fn stretches_by_hand() {
    let road = [(0.0, 0.0), (100.0, 0.0)];
    check(&road, 5.0, &[(30.0, 20.0), (30.0, -20.0)], &[&[(30.0, 5.0), (30.0, -5.0)]]);
    check(&road, 5.0, &[(-20.0, 3.0), (120.0, 3.0)], &[&[(-4.0, 3.0), (104.0, 3.0)]]);
    // Exactly as far off as asked, over a vertex of its own.
    check(&road, 5.0, &[(20.0, 5.0), (40.0, 5.0), (60.0, 5.0)], &[&[(20.0, 5.0), (40.0, 5.0), (60.0, 5.0)]]);
    check(&road, 5.0, &[(20.0, 5.1), (40.0, 5.1)], &[]);
    // Out and back in.
    let there = [(10.0, 3.0), (10.0, 9.0), (20.0, 9.0), (20.0, 3.0)];
    check(&road, 5.0, &there, &[&[(10.0, 3.0), (10.0, 5.0)], &[(20.0, 5.0), (20.0, 3.0)]]);
    // Only where it stands: nothing within no distance but the point itself.
    check(&road, 0.0, &[(30.0, 0.0), (30.0, 40.0)], &[&[(30.0, 0.0), (30.0, 0.0)]]);
    check(&road, 5.0, &[(105.0, 0.0), (120.0, 0.0)], &[&[(105.0, 0.0), (105.0, 0.0)]]);
}

#[test]
fn what_hangs_together_is_one() {
    let square = |at: f64, size: f64| {
        let (a, b) = (at, at + size);
        line(&[(a, a), (b, a), (b, b), (a, b), (a, a)])
    };
    let stretches = |lines: &[LineString<f64>]| lines.iter().map(|l| Stretch::of(l.0.clone())).collect::<Vec<_>>();
    let halves =
        stretches(&[line(&[(0.0, 0.0), (5.0, 0.0)]), line(&[(9.0, 9.0), (5.0, 0.0)]), line(&[(7.0, 7.0), (8.0, 7.0)])]);
    assert_eq!(connected(&halves, None), [0, 0, 2]);
    // A hole in one of two areas, and an area in the hole.
    let outer: Polygon<f64> = Polygon::new(square(0.0, 100.0), vec![square(10.0, 50.0)]);
    let all = Geometry::MultiPolygon(
        vec![
            outer,
            Polygon::new(square(20.0, 10.0), vec![]),
            polygon![(x: 200.0, y: 0.0), (x: 210.0, y: 0.0), (x: 210.0, y: 90.0)],
        ]
        .into(),
    );
    let mut rings = Vec::new();
    each_line(&all, &mut |ring| rings.push(ring.clone()));
    let prepared = Prepared::new(&Grid(all.clone()));
    let inside = |c: Coord<f64>| Prepared::point(c).within(&prepared, 0.0);
    assert_eq!(connected(&stretches(&rings), Some(&inside)), [0, 0, 2, 3]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    /// A point of the path is in a stretch exactly if it is within reach.
    #[test]
    fn stretches_are_what_is_within_reach(
        edges in prop::collection::vec((0.0..40.0f64, 0.0..40.0f64), 2..12),
        path in prop::collection::vec((-10.0..50.0f64, -10.0..50.0f64), 2..5),
        reach in 0.1..10.0f64,
    ) {
        let shape = Geometry::LineString(line(&edges));
        let prepared = Prepared::new(&Grid(shape.clone()));
        let path = line(&path);
        let found = Edges::of(&shape, &EVERYWHERE).stretches(&path, reach);
        for edge in path.lines() {
            for n in 0..400 {
                let p = edge.start + (edge.end - edge.start) * (f64::from(n) / 400.0);
                let distance = Prepared::point(p).distance(&prepared);
                if (distance - reach).abs() > 1e-5 {
                    let held = found.iter().any(|s| s.holds(p));
                    prop_assert_eq!(held, distance < reach, "{:?} is {} m off", p, distance);
                }
            }
        }
    }
}
