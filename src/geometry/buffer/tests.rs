//! Corridors of known area, and membership against the definition applied point by point.

use std::f64::consts::PI;

use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::{Area, Validation};
use proptest::prelude::*;

use geo_types::LineString;

use super::*;

fn grid(parts: &[&[(f64, f64)]]) -> Grid<MultiLineString<f64>> {
    Grid(MultiLineString(parts.iter().map(|p| LineString::from(p.to_vec())).collect()))
}

fn build(line: &Grid<MultiLineString<f64>>, left: f64, right: f64) -> MultiPolygon<f64> {
    let land = match corridor(line, Metres::new(left).unwrap(), Metres::new(right).unwrap()) {
        Ok(land) => land.0,
        // Only the gap of a hairpin a millimetre wide, say; that no point with room round it is in it is checked too.
        Err(BufferError::TooSmall) => return MultiPolygon(Vec::new()),
        Err(other) => panic!("{other} from {line:?} {left} {right}"),
    };
    land.check_validation().unwrap_or_else(|e| panic!("{e} in {land:?} from {line:?} {left} {right}"));
    let shape = geo_types::Geometry::MultiPolygon(land.clone());
    let problems = crate::geometry::valid::problems(&shape);
    assert!(problems.is_empty(), "{problems:?} from {line:?} {left} {right}");
    for part in &land {
        assert!(Polygon::new(part.exterior().clone(), vec![]).signed_area() > SLIVER_M2);
        for hole in part.interiors() {
            assert!(Polygon::new(hole.clone(), vec![]).signed_area() < -SLIVER_M2);
        }
    }
    land
}

fn check_area(parts: &[&[(f64, f64)]], left: f64, right: f64, expect: f64, within: f64) {
    let area = build(&grid(parts), left, right).unsigned_area();
    assert!((area - expect).abs() <= within, "{parts:?} {left}/{right}: {area}, expected {expect}");
}

#[test]
fn has_the_area_of_simple_shapes() {
    check_area(&[&[(0.0, 0.0), (100.0, 0.0)]], 30.0, 10.0, 4000.0, 1e-3);
    check_area(&[&[(0.0, 0.0), (100.0, 0.0)]], 30.0, 0.0, 3000.0, 1e-3);
    check_area(&[&[(0.0, 0.0), (50.0, 0.0), (50.0, 0.0), (100.0, 0.0)]], 0.0, 10.0, 1000.0, 1e-3);
    // A right angle to the left: the inner rectangles share a square, outside comes a quarter of a disc.
    let bend: &[(f64, f64)] = &[(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)];
    check_area(&[bend], 30.0, 30.0, 12_000.0 - 900.0 + 900.0 * PI / 4.0, 0.4);
    check_area(&[bend], 30.0, 10.0, 8000.0 - 900.0 + 100.0 * PI / 4.0, 0.2);
    check_area(&[bend], 10.0, 30.0, 8000.0 - 100.0 + 900.0 * PI / 4.0, 0.4);
    // The same in two successive parts, and in two parts with a gap, which have flat ends.
    check_area(&[&bend[..2], &bend[1..]], 30.0, 30.0, 12_000.0 - 900.0 + 900.0 * PI / 4.0, 0.4);
    check_area(&[&[(0.0, 0.0), (40.0, 0.0)], &[(60.0, 0.0), (100.0, 0.0)]], 30.0, 10.0, 3200.0, 1e-3);
    // A closed square, counterclockwise: inside a frame, outside a frame with round corners.
    let square: &[(f64, f64)] = &[(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0), (0.0, 0.0)];
    check_area(&[square], 0.0, 10.0, 4000.0 + 100.0 * PI, 0.5);
    check_area(&[square], 10.0, 0.0, 3600.0, 1e-2);
    check_area(&[square], 60.0, 20.0, 10_000.0 + 8000.0 + 400.0 * PI, 0.8);
}

#[test]
fn cuts_flat_where_another_part_passes_the_end() {
    // A side road ends 5 m before a main road: behind the end, only what is nearer to the main road belongs to it.
    let line = grid(&[&[(-100.0, 0.0), (100.0, 0.0)], &[(0.0, 50.0), (0.0, 5.0)]]);
    let land = build(&line, 20.0, 20.0);
    let inside = |x: f64, y: f64| land.coordinate_position(&Coord { x, y }) == CoordPos::Inside;
    assert!(inside(0.0, 2.0) && !inside(0.0, 3.0) && inside(0.0, 6.0));
    assert!(inside(8.0, 3.0) && inside(-8.0, 3.0) && inside(0.0, -19.0));
}

#[test]
fn cuts_flat_beyond_an_end_that_two_parts_share() {
    // Both start at the origin, a hundred degrees apart: what is beyond both starts belongs to none, though strips
    // of the far leg reach there.
    let line = grid(&[&[(0.0, 0.0), (50.0, 0.0), (50.0, -30.0), (-50.0, -30.0)], &[(0.0, 0.0), (-10.0, 50.0)]]);
    let land = build(&line, 40.0, 40.0);
    let inside = |x: f64, y: f64| land.coordinate_position(&Coord { x, y }) == CoordPos::Inside;
    assert!(!inside(-3.0, -3.0) && !inside(-10.0, -5.0));
    assert!(inside(1.0, -3.0) && inside(-10.0, -1.0) && inside(-3.0, -20.0));
}

#[test]
fn wide_side_does_not_reach_across_the_narrow_one() {
    // Up 100 m, over 12 m, back down: the wide left sides look outward, then inward.
    let line = grid(&[&[(0.0, 0.0), (0.0, 100.0), (12.0, 100.0), (12.0, 0.0)]]);
    let land = build(&line, 30.0, 2.0);
    let inside = |x: f64, y: f64| land.coordinate_position(&Coord { x, y }) == CoordPos::Inside;
    assert!(inside(-25.0, 50.0) && inside(1.0, 50.0) && !inside(6.0, 50.0) && inside(11.0, 50.0) && inside(41.0, 50.0));
    // Two parallel lanes the same way: the left of the right lane must stop half way to the left lane.
    let line = grid(&[&[(0.0, 0.0), (0.0, 100.0)], &[(12.0, 0.0), (12.0, 100.0)]]);
    let land = build(&line, 30.0, 2.0);
    let inside = |x: f64, y: f64| land.coordinate_position(&Coord { x, y }) == CoordPos::Inside;
    assert!(inside(1.0, 50.0) && !inside(4.0, 50.0) && inside(7.0, 50.0) && inside(-25.0, 50.0));
}

#[test]
fn narrow_side_ends_where_another_wide_side_begins() {
    // A zigzag closed by a slanted line, which crosses its rungs: beside the slanted line the wide sides of the rungs
    // begin at the crossings, at 22.5, 20 and 67.5, 60.
    let line = grid(&[&[
        (0.0, 0.0),
        (90.0, 0.0),
        (90.0, 20.0),
        (0.0, 20.0),
        (0.0, 40.0),
        (90.0, 40.0),
        (90.0, 60.0),
        (0.0, 60.0),
        (0.0, 80.0),
        (90.0, 80.0),
        (0.0, 0.0),
    ]]);
    let land = build(&line, 0.0, 1.5);
    let inside = |x: f64, y: f64| land.coordinate_position(&Coord { x, y }) == CoordPos::Inside;
    for (x, y, expect) in [(24.0, 20.3, true), (24.0, 19.7, false), (69.0, 60.3, true), (69.0, 59.7, false)] {
        assert_eq!(inside(x, y), expect, "{x} {y}");
    }
}

/// Numbers of any size: where halving comes to no number in between, the walk along an end comes to its end, too.
#[test]
fn comes_to_an_end_whatever_the_numbers() {
    proptest!(ProptestConfig::with_cases(cases() / 4), |(
        size in 0..308_i32,
        places in prop::collection::vec((-9.0..9.0_f64, -9.0..9.0_f64), 2..9),
        powers in prop::collection::vec(-3..3_i32, 9),
    )| {
        let number = |n: f64, i: usize| n * 10_f64.powi((size + powers[i]).clamp(0, 307));
        let line: Vec<_> = places.iter().enumerate().map(|(i, &(x, y))| (number(x, i), number(y, i))).collect();
        let left = Metres::new(10.0).unwrap();
        for right in [0.0, 3.0, 10.0] {
            if let Ok(land) = corridor(&grid(&[&line]), left, Metres::new(right).unwrap()) {
                assert!(crate::geometry::valid::problems(&geo_types::Geometry::MultiPolygon(land.0)).is_empty());
            }
        }
    });
}

#[test]
fn refuses_what_has_no_land() {
    let ok = grid(&[&[(0.0, 0.0), (1.0, 0.0)]]);
    let metres = |m| Metres::new(m).unwrap();
    let check = |line: &Grid<MultiLineString<f64>>, width: f64, expect| {
        assert_eq!(corridor(line, metres(width), metres(0.0)).map(|_| ()), Err(expect));
    };
    check(&ok, 0.0, BufferError::NoWidth);
    check(&grid(&[&[(1.0, 1.0), (1.0, 1.0)]]), 5.0, BufferError::NoLength);
    check(&grid(&[]), 5.0, BufferError::NoLength);
    check(&grid(&[&[(0.0, 0.0), (f64::NAN, 0.0)]]), 5.0, BufferError::NotFinite);
    check(&grid(&[&[(0.0, 0.0), (1e-5, 0.0)]]), 1e-5, BufferError::TooSmall);
}

/// How a point sees one segment by the definition.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Seen {
    On(Side),
    BeyondEnd,
    /// At a vertex where the line turns back: either side.
    Unclear,
}

/// How `point` sees segment `i` of `chain`, and from how far.
fn sight(chain: &[Coord<f64>], i: usize, point: Coord<f64>, near: f64) -> (f64, Seen) {
    let count = chain.len() - 1;
    let closed = chain[0] == chain[count];
    let direction = |k: usize| chain[k + 1] - chain[k];
    let (start, own) = (chain[i], direction(i));
    let t = dot(point - start, own) / dot(own, own);
    let off = point - (start + own * t.clamp(0.0, 1.0));
    let distance = off.x.hypot(off.y);
    let before = if i > 0 { Some(i - 1) } else { closed.then_some(count - 1) }.map(direction);
    let after = if i + 1 < count { Some(i + 1) } else { closed.then_some(0) }.map(direction);
    let length = dot(own, own).sqrt();
    let ends = [(before, -t * length), (after, (t - 1.0) * length)];
    if ends.iter().any(|(beside, beyond)| beside.is_none() && beyond.abs() < near) {
        return (distance, Seen::Unclear);
    }
    if ends.iter().any(|(beside, beyond)| beside.is_none() && *beyond > 0.0) {
        return (distance, Seen::BeyondEnd);
    }
    let left = match (before, after) {
        (Some(before), _) if t < 0.0 => outer_is_left(before, own),
        (_, Some(after)) if t > 1.0 => outer_is_left(own, after),
        _ => Some(cross(own, point - start) >= 0.0),
    };
    (distance, left.map_or(Seen::Unclear, |left| Seen::On(if left { Side::Left } else { Side::Right })))
}

/// Nothing where the line turns back in itself.
fn outer_is_left(first: Coord<f64>, second: Coord<f64>) -> Option<bool> {
    let (turn, along) = (cross(first, second), dot(first, second));
    (along > 0.0 || turn.abs() > 1e-6 * along.abs()).then_some(turn < 0.0)
}

/// What the definition says of `point`; nothing where it lies within `near` of a change of the answer.
fn by_definition(chains: &[Vec<Coord<f64>>], left: f64, right: f64, point: Coord<f64>, near: f64) -> Option<bool> {
    let all: Vec<(f64, Seen)> =
        chains.iter().flat_map(|c| (0..c.len() - 1).map(move |i| sight(c, i, point, near))).collect();
    let nearest = all.iter().map(|s| s.0).fold(f64::INFINITY, f64::min);
    let width = |seen| match seen {
        Seen::On(Side::Left) => Some(left),
        Seen::On(Side::Right) => Some(right),
        _ => None,
    };
    let mut answer = None;
    for (distance, seen) in all.into_iter().filter(|s| s.0 <= nearest + near) {
        if seen == Seen::Unclear && distance <= left.max(right) + near {
            return None;
        }
        if distance < near && left.min(right) < near {
            return None;
        }
        let inside = match width(seen) {
            Some(width) if (distance - width).abs() < near => return None,
            Some(width) => distance < width,
            None => false,
        };
        if answer.is_some_and(|before| before != inside) {
            return None;
        }
        answer = Some(inside);
    }
    answer
}

/// Compares at points round the line; most of them must be decidable, lest the test say nothing.
fn check_membership(line: &Grid<MultiLineString<f64>>, left: f64, right: f64, samples: &[(f64, f64)]) {
    let land = build(line, left, right);
    let chains: Vec<Vec<Coord<f64>>> =
        chains(&line.0, Coord { x: 0.0, y: 0.0 }).into_iter().map(|c| c.vertices).collect();
    let box_all = Bounds::of(chains.iter().flatten().copied()).widened(left.max(right) * 1.2 + 1.0);
    let mut points: Vec<Coord<f64>> = samples
        .iter()
        .map(|&(u, v)| Coord {
            x: box_all.min[0] + u * (box_all.max[0] - box_all.min[0]),
            y: box_all.min[1] + v * (box_all.max[1] - box_all.min[1]),
        })
        .collect();
    // Half of the points lie near vertices, edges and ends, where mistakes would be.
    for (k, &(u, v)) in samples.iter().enumerate() {
        let chain = &chains[k % chains.len()];
        let i = k % (chain.len() - 1);
        let (a, b) = (chain[i], chain[i + 1]);
        let out = [left, right, 1.2 * left.max(right), 0.3][k % 4] * 1.05;
        let angle = v * std::f64::consts::TAU;
        let t = [0.0, u, 1.0][k % 3];
        points.push(a + (b - a) * t + Coord { x: angle.cos(), y: angle.sin() } * (out * u.sqrt()));
    }
    for p in points {
        if let Some(expect) = by_definition(&chains, left, right, p, 0.015) {
            let got = land.coordinate_position(&p) != CoordPos::Outside;
            assert_eq!(got, expect, "{p:?} of {left}/{right} round {line:?}");
        }
    }
}

/// Turtle steps, length and turn: roads, tangles, dust, long beside short, a raster of eighths of a turn, right
/// angles and near reversals, spirals, hairpins.
fn steps() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let one_of =
        |lengths: &'static [f64], turns: &'static [f64]| (prop::sample::select(lengths), prop::sample::select(turns));
    prop_oneof![
        prop::collection::vec((1.0..80.0f64, -1.2..1.2f64), 1..14),
        prop::collection::vec((2.0..60.0f64, -PI..PI), 1..12),
        prop::collection::vec((0.001..2.0f64, -1.0..1.0f64), 1..25),
        prop::collection::vec((prop::sample::select(&[300.0, 0.01, 40.0][..]), -2.0..2.0f64), 1..8),
        prop::collection::vec(
            one_of(&[10.0, 25.0], &[0.0, PI / 4.0, PI / 2.0, PI * 0.75, PI, PI * 1.25, PI * 1.5, PI * 1.75]),
            1..14
        ),
        prop::collection::vec(one_of(&[10.0, 30.0], &[0.0, PI - 1e-4, PI / 2.0, -1.6]), 1..9),
        (4..30u32, 2.0..12.0f64, 0.2..0.9f64).prop_map(|(count, length, turn)| {
            (0..count).map(|k| (length * (1.0 + f64::from(k) * 0.05), turn)).collect()
        }),
        (2..6usize, 20.0..90.0f64, 3.0..25.0f64).prop_map(|(count, length, gap)| {
            let bend = |k| if k % 2 == 0 { 1.57 } else { -1.57 };
            (0..count).flat_map(|k| [(length, bend(k)), (gap, bend(k))]).collect()
        }),
    ]
}

fn path() -> impl Strategy<Value = Vec<(f64, f64)>> {
    (steps(), -100.0..100.0f64, -100.0..100.0f64, -3.2..3.2f64, any::<bool>()).prop_map(
        |(steps, x, y, heading, close)| {
            let (mut at, mut heading) = ((x, y), heading);
            let mut out = vec![at];
            for (length, turn) in steps {
                at = (at.0 + length * heading.cos(), at.1 + length * heading.sin());
                out.push(at);
                heading += turn;
            }
            if close && out.len() > 4 {
                out.push(out[0]);
            }
            out
        },
    )
}

fn centreline() -> impl Strategy<Value = Grid<MultiLineString<f64>>> {
    prop_oneof![
        3 => path().prop_map(|p| vec![p]),
        1 => prop::collection::vec(path(), 2..4),
        // Cut in two that follow each other.
        1 => path().prop_map(|p| {
            let at = p.len() / 2;
            vec![p[..=at].to_vec(), p[at..].to_vec()]
        }),
        // A second part that starts at a vertex of the first, or ends there.
        1 => (path(), path(), any::<prop::sample::Index>(), any::<bool>()).prop_map(|(p, mut q, i, turn)| {
            q[0] = p[i.index(p.len())];
            if turn { q.reverse(); }
            vec![p, q]
        }),
    ]
    .prop_map(|parts| {
        let far = |(x, y): (f64, f64)| (x + 500_000.0, y + 1_300_000.0);
        Grid(MultiLineString(
            parts.into_iter().map(|p| LineString::from(p.into_iter().map(far).collect::<Vec<_>>())).collect(),
        ))
    })
}

fn widths() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        (0.5..40.0f64, 0.5..40.0f64),
        (0.5..40.0f64).prop_map(|w| (w, w)),
        (0.5..40.0f64).prop_map(|w| (w, 0.0)),
        (0.5..40.0f64).prop_map(|w| (0.0, w)),
        (20.0..60.0f64, 0.05..2.0f64),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn holds_the_points_of_the_definition(
        line in centreline(),
        (left, right) in widths(),
        samples in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 60),
    ) {
        check_membership(&line, left, right, &samples);
    }
}

/// Enough for every run; more by the environment of proptest.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300)
}
