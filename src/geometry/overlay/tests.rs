//! Runs and common ground of known size, and against the overlay of `geo`.

use geo::{Euclidean, Length, Validation};
use proptest::prelude::*;

use super::*;

type Ring<'a> = &'a [(f64, f64)];

const SQUARE: Ring<'static> = &[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)];
const HOLE: Ring<'static> = &[(4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)];

fn ring(r: Ring<'_>) -> LineString<f64> {
    LineString::from(r.to_vec())
}

fn area(parts: &[&[Ring<'_>]]) -> Grid<MultiPolygon<f64>> {
    let part = |p: &&[Ring<'_>]| Polygon::new(ring(p[0]), p[1..].iter().map(|h| ring(h)).collect());
    Grid(MultiPolygon(parts.iter().map(part).collect()))
}

/// Each expected run: from, to, along the boundary, number of positions.
fn check(parts: &[&[Ring<'_>]], line: Ring<'_>, expect: &[(f64, f64, bool, usize)]) {
    let line = ring(line);
    let back: LineString<f64> = line.0.iter().rev().copied().collect();
    let length = Euclidean.length(&line);
    let mirrored: Vec<_> = expect.iter().rev().map(|e| (length - e.1, length - e.0, e.2, e.3)).collect();
    for (line, expect) in [(line, expect.to_vec()), (back, mirrored)] {
        let runs = runs_inside(&Grid(line.clone()), &area(parts));
        assert_eq!(runs.len(), expect.len(), "{line:?}: {runs:?}");
        for (run, (from, to, along, count)) in runs.iter().zip(expect) {
            assert!((run.from_m - from).abs() < 1e-9 && (run.to_m - to).abs() < 1e-9, "{line:?}: {run:?}");
            assert_eq!((run.along_boundary, run.coords.len()), (along, count), "{line:?}: {run:?}");
            assert_eq!((run.coords.first(), run.coords.last()), (Some(&run.start), Some(&run.end)));
            let drawn = Euclidean.length(&LineString(run.coords.clone()));
            assert!((drawn - run.length_m()).abs() < 1e-9, "{line:?}: {run:?}");
        }
    }
}

#[test]
fn finds_the_runs_in_every_position() {
    let square: &[&[Ring<'_>]] = &[&[SQUARE]];
    let holed: &[&[Ring<'_>]] = &[&[SQUARE, HOLE]];
    // Across, wholly inside, wholly outside, outside but round a corner.
    check(square, &[(-5.0, 5.0), (15.0, 5.0)], &[(5.0, 15.0, false, 2)]);
    check(square, &[(1.0, 1.0), (5.0, 1.0), (5.0, 4.0)], &[(0.0, 7.0, false, 3)]);
    check(square, &[(20.0, 1.0), (25.0, 1.0)], &[]);
    check(square, &[(-1.0, 5.0), (-1.0, 11.0), (5.0, 11.0)], &[]);
    // Out and in again; through a hole; wholly in the hole.
    check(square, &[(5.0, 5.0), (5.0, 15.0), (7.0, 15.0), (7.0, 5.0)], &[(0.0, 5.0, false, 2), (17.0, 22.0, false, 2)]);
    check(holed, &[(-5.0, 5.0), (15.0, 5.0)], &[(5.0, 9.0, false, 2), (11.0, 15.0, false, 2)]);
    check(holed, &[(4.5, 5.0), (5.5, 5.0)], &[]);
    // Through two corners; past a corner, which is a point and no run; ending on the boundary from outside.
    check(square, &[(-5.0, -5.0), (15.0, 15.0)], &[(50f64.sqrt(), 450f64.sqrt(), false, 2)]);
    check(square, &[(-5.0, 5.0), (5.0, -5.0)], &[]);
    check(square, &[(-5.0, 5.0), (0.0, 5.0)], &[]);
    check(square, &[(-5.0, 5.0), (0.0, 5.0), (-5.0, 6.0)], &[]);
    // Along an edge: beyond it on both sides, part of it, into the area afterwards, along a hole, round a corner.
    check(square, &[(-5.0, 0.0), (15.0, 0.0)], &[(5.0, 15.0, true, 2)]);
    check(square, &[(2.0, 0.0), (7.0, 0.0)], &[(0.0, 5.0, true, 2)]);
    check(square, &[(2.0, 0.0), (7.0, 0.0), (7.0, 5.0)], &[(0.0, 10.0, false, 3)]);
    check(square, &[(5.0, 0.0), (10.0, 0.0), (10.0, 5.0), (12.0, 5.0)], &[(0.0, 10.0, true, 3)]);
    check(holed, &[(4.0, 4.5), (4.0, 5.5)], &[(0.0, 1.0, true, 2)]);
    check(holed, &[(4.0, 0.0), (4.0, 10.0)], &[(0.0, 10.0, false, 2)]);
    // A vertex of the line on the boundary, from inside to inside: one run. Repeated positions add nothing.
    check(square, &[(5.0, 5.0), (10.0, 6.0), (5.0, 7.0)], &[(0.0, 2.0 * 26f64.sqrt(), false, 3)]);
    check(square, &[(1.0, 1.0), (1.0, 1.0), (2.0, 1.0)], &[(0.0, 1.0, false, 2)]);
    // Two parts that meet in a point, and two apart.
    let two: &[&[Ring<'_>]] = &[&[SQUARE], &[&[(10.0, 10.0), (20.0, 10.0), (20.0, 20.0), (10.0, 20.0)]]];
    check(two, &[(0.0, 0.0), (20.0, 20.0)], &[(0.0, 800f64.sqrt(), false, 2)]);
    check(two, &[(0.0, 15.0), (25.0, 15.0)], &[(10.0, 20.0, false, 2)]);
    check(&[], &[(0.0, 0.0), (1.0, 1.0)], &[]);
    check(square, &[(1.0, 1.0), (1.0, 1.0)], &[]);
}

fn check_ground(a: &[&[Ring<'_>]], b: &[&[Ring<'_>]], expect: f64) {
    for (dx, dy) in [(0.0, 0.0), (500_000.0, 1_300_000.0)] {
        let (a, b) = (Grid(area(a).0.translate(dx, dy)), Grid(area(b).0.translate(dx, dy)));
        for (a, b) in [(&a, &b), (&b, &a)] {
            let got = area_inside(&Grid(&a.0.0), &Grid(&b.0.0));
            assert!((got - expect).abs() < 1e-6, "{a:?} {b:?}: {got}, expected {expect}");
        }
    }
}

#[test]
fn measures_common_ground() {
    let square: &[&[Ring<'_>]] = &[&[SQUARE]];
    let holed: &[&[Ring<'_>]] = &[&[SQUARE, HOLE]];
    let reversed: &[(f64, f64)] = &[(0.0, 10.0), (10.0, 10.0), (10.0, 0.0), (0.0, 0.0)];
    let beside: &[(f64, f64)] = &[(10.0, 0.0), (20.0, 0.0), (20.0, 10.0), (10.0, 10.0)];
    let over: &[(f64, f64)] = &[(5.0, 5.0), (15.0, 5.0), (15.0, 15.0), (5.0, 15.0)];
    let corner: &[(f64, f64)] = &[(0.0, 0.0), (5.0, 0.0), (5.0, 5.0), (0.0, 5.0)];
    check_ground(square, square, 100.0);
    check_ground(square, &[&[reversed]], 100.0);
    check_ground(square, &[&[beside]], 0.0);
    check_ground(square, &[&[over]], 25.0);
    check_ground(square, &[&[corner]], 25.0);
    check_ground(holed, square, 96.0);
    check_ground(holed, holed, 96.0);
    check_ground(holed, &[&[HOLE]], 0.0);
    check_ground(holed, &[&[over]], 24.0);
    check_ground(square, &[&[over], &[corner]], 50.0 - 0.0);
    check_ground(square, &[], 0.0);
    check_ground(square, &[&[&[(90.0, 90.0), (91.0, 90.0), (91.0, 91.0)]]], 0.0);
    // The neighbour's border has a vertex more, which rounding puts a hair off the line.
    let slanted: Ring<'_> = &[(0.0, 0.0), (10.0, 3.0), (10.0, 10.0), (0.0, 10.0)];
    let below: Ring<'_> = &[(0.0, 0.0), (0.0, -5.0), (10.0, -5.0), (10.0, 3.0), (3.3, 0.99), (1.1, 0.33)];
    check_ground(&[&[slanted]], &[&[below]], 0.0);
    let within: Ring<'_> = &[(0.0, 0.0), (1.1, 0.33), (3.3, 0.99), (10.0, 3.0), (10.0, 4.0)];
    let expect = Polygon::new(ring(within), vec![]).unsigned_area();
    check_ground(&[&[slanted]], &[&[within]], expect);
}

fn count<T>(of: &[T]) -> f64 {
    of.iter().map(|_| 1.0).sum()
}

/// Edges that lie on one line but for rounding, and part from it at vertices that the other area has not.
#[test]
fn measures_where_edges_run_beside_each_other() {
    let third = |v: f64| v / 3.0 + 1.0;
    for turn in 0..50 {
        let (sin, cos) = (f64::from(turn) * 0.1).sin_cos();
        let turned = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
            points.iter().map(|&(x, y)| (third(x * cos - y * sin), third(x * sin + y * cos))).collect()
        };
        let slab = turned(&[(0.0, 0.0), (90.0, 0.0), (90.0, 30.0), (0.0, 30.0)]);
        let comb = turned(&[
            (-9.0, 0.0),
            (10.0, 0.0),
            (13.0, 6.0),
            (17.0, 0.0),
            (31.0, 0.0),
            (33.0, -6.0),
            (37.0, 0.0),
            (99.0, 0.0),
            (99.0, 15.0),
            (-9.0, 15.0),
        ]);
        let other = turned(&[
            (-9.0, 0.0),
            (10.0, 0.0),
            (13.0, 6.0),
            (17.0, 0.0),
            (31.0, 0.0),
            (33.0, -6.0),
            (37.0, 0.0),
            (99.0, 0.0),
            (99.0, -15.0),
            (-9.0, -15.0),
        ]);
        check_ground(&[&[&slab]], &[&[&comb]], (90.0 * 15.0 - 21.0) / 9.0);
        check_ground(&[&[&slab]], &[&[&other]], 21.0 / 9.0);
    }
}

/// A star-shaped ring: simple by construction, with corners in and out; on a coarse raster things touch.
fn star(coarse: bool) -> impl Strategy<Value = Vec<(f64, f64)>> {
    (prop::collection::vec(0.2..1.0f64, 3..40), -60.0..60.0f64, -60.0..60.0f64, 5.0..80.0f64).prop_map(
        move |(radii, x, y, size)| {
            let step = std::f64::consts::TAU / count(&radii);
            let snap = |v: f64| if coarse { (v / 5.0).round() * 5.0 } else { v };
            let mut angle = 0.0;
            let mut out = Vec::new();
            for r in radii {
                out.push((snap(x + size * r * f64::cos(angle)), snap(y + size * r * f64::sin(angle))));
                angle += step;
            }
            out
        },
    )
}

/// A star with a hole of its own shape, on a raster with a square one, and beside it, out of reach, another star.
fn shapes(coarse: bool) -> impl Strategy<Value = Grid<MultiPolygon<f64>>> {
    (star(coarse), star(coarse), any::<bool>(), any::<bool>())
        .prop_map(move |(a, b, hole, more)| {
            let centre = a.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0 / count(&a), s.1 + p.1 / count(&a)));
            let small: Vec<(f64, f64)> = if coarse {
                let (x, y) = ((centre.0 / 5.0).round() * 5.0, (centre.1 / 5.0).round() * 5.0);
                vec![(x, y), (x, y + 5.0), (x + 5.0, y + 5.0), (x + 5.0, y)]
            } else {
                let near = |p: &(f64, f64)| (centre.0 + (p.0 - centre.0) * 0.05, centre.1 + (p.1 - centre.1) * 0.05);
                a.iter().rev().map(near).collect()
            };
            let far: Vec<(f64, f64)> = b.iter().map(|p| (p.0 + 300.0, p.1)).collect();
            let outer: &[Ring<'_>] = if hole { &[&a, &small] } else { &[&a] };
            if more { area(&[outer, &[&far]]) } else { area(&[outer]) }
        })
        .prop_filter("valid", |a| a.0.is_valid())
}

fn steps(coarse: bool) -> impl Strategy<Value = LineString<f64>> {
    prop::collection::vec((-100.0..100.0f64, -100.0..100.0f64), 2..30).prop_map(move |points| {
        let snap = |v: f64| if coarse { (v / 5.0).round() * 5.0 } else { v };
        points.into_iter().map(|(x, y)| Coord { x: snap(x), y: snap(y) }).collect()
    })
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn runs_are_as_long_as_what_geo_clips(line in steps(false), area in shapes(false)) {
        let ours = length_inside(&Grid(MultiLineString(vec![line.clone()])), &area);
        let clipped = area.0.clip(&MultiLineString(vec![line.clone()]), false);
        let theirs: f64 = Euclidean.length(&clipped);
        prop_assert!((ours - theirs).abs() <= 1e-6 * Euclidean.length(&line).max(1.0), "{} {}", ours, theirs);
    }

    /// On a raster lines run along edges and through corners all the time. Each segment alone is compared, because
    /// a clip counts ground that is run over twice only once.
    #[test]
    fn runs_are_as_long_where_things_touch(line in steps(true), area in shapes(true)) {
        let whole = length_inside(&Grid(MultiLineString(vec![line.clone()])), &area);
        let mut alone = 0.0;
        for segment in edges(&line) {
            let one = MultiLineString(vec![LineString(vec![segment.start, segment.end])]);
            let ours = length_inside(&Grid(one.clone()), &area);
            let theirs: f64 = Euclidean.length(&area.0.clip(&one, false));
            prop_assert!((ours - theirs).abs() <= 1e-6 * Euclidean.length(&one).max(1.0), "{} {}", ours, theirs);
            alone += ours;
        }
        prop_assert!((whole - alone).abs() <= 1e-6 * whole.max(1.0), "{} {}", whole, alone);
    }

    #[test]
    fn common_ground_is_as_large_as_geos(a in shapes(false), b in shapes(false)) {
        let theirs = a.0.intersection(&b.0).unsigned_area();
        let ours = area_inside(&Grid(&a.0.0), &Grid(&b.0.0));
        prop_assert!((ours - theirs).abs() <= 1e-6 * a.0.unsigned_area().max(1.0), "{} {}", ours, theirs);
    }

    #[test]
    fn common_ground_is_as_large_where_things_touch(a in shapes(true), b in shapes(true)) {
        let theirs = a.0.intersection(&b.0).unsigned_area();
        let ours = area_inside(&Grid(&a.0.0), &Grid(&b.0.0));
        prop_assert!((ours - theirs).abs() <= 1e-6 * a.0.unsigned_area().max(1.0), "{} {}", ours, theirs);
    }
}
