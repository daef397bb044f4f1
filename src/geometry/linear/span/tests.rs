//! Spans against dense sampling, and cases worked out by hand.

#![allow(clippy::float_cmp)] // crossings have an offset of 0 exactly

use geo_types::{Coord, LineString, MultiLineString};
use proptest::prelude::*;

use super::*;
use crate::geometry::Grid;

fn chainage(parts: &[&[(f64, f64)]]) -> Chainage {
    let parts = parts.iter().map(|p| LineString::from(p.to_vec())).collect();
    Chainage::of(&Grid(MultiLineString(parts))).unwrap()
}

fn path(positions: &[(f64, f64)]) -> Vec<Coord<f64>> {
    positions.iter().map(|&(x, y)| Coord { x, y }).collect()
}

fn check(line: &[&[(f64, f64)]], positions: &[(f64, f64)], from: f64, to: f64, offset: f64, sides: (bool, bool)) {
    let line = chainage(line);
    let mut back = path(positions);
    for _ in 0..2 {
        let got = line.span(&back).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(got.from_m, from) && near(got.to_m, to) && near(got.offset_m, offset), "{positions:?}: {got:?}");
        assert_eq!((got.left, got.right), sides, "{positions:?}: {got:?}");
        back.reverse();
    }
}

#[test]
fn spans_of_paths_by_hand() {
    const LEFT: (bool, bool) = (true, false);
    const RIGHT: (bool, bool) = (false, true);
    const BOTH: (bool, bool) = (true, true);
    let bend: &[&[(f64, f64)]] = &[&[(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)]];
    // One vertex far away on both ends, the bend between them: nearest to the line in the middle.
    check(bend, &[(60.0, 20.0), (80.0, 40.0)], 60.0, 140.0, 20.0, LEFT);
    // Outside the bend all see its vertex.
    check(bend, &[(101.0, -5.0), (105.0, -1.0)], 100.0, 100.0, 18f64.sqrt(), RIGHT);
    // Across one leg, over the bend, and across the other.
    check(bend, &[(90.0, -10.0), (110.0, 10.0)], 90.0, 110.0, 0.0, RIGHT);
    check(bend, &[(80.0, -10.0), (80.0, 10.0)], 80.0, 80.0, 0.0, BOTH);
    check(bend, &[(70.0, -30.0), (110.0, 30.0)], 70.0, 130.0, 0.0, BOTH);
    // Before the start: chainage 0, and both sides without crossing it.
    check(bend, &[(-10.0, -5.0), (-10.0, 5.0)], 0.0, 0.0, 10.0, BOTH);
    check(bend, &[(-10.0, 3.0), (30.0, 3.0)], 0.0, 30.0, 3.0, LEFT);
    check(bend, &[(-10.0, 0.0), (-4.0, 0.0)], 0.0, 0.0, 4.0, (false, false));
    check(bend, &[(99.0, 150.0), (99.0, 90.0)], 190.0, 200.0, 1.0, LEFT);
    // A long way back: the whole line is passed between two vertices.
    check(bend, &[(-500.0, 7.0), (500.0, 7.0)], 0.0, 107.0, 0.0, BOTH);
    // Ends on the line.
    check(bend, &[(50.0, 60.0), (50.0, 0.0)], 50.0, 160.0, 0.0, LEFT);
    // Along the line itself.
    check(bend, &[(20.0, 0.0), (70.0, 0.0)], 20.0, 70.0, 0.0, (false, false));
    // A single point.
    check(bend, &[(30.0, 4.0)], 30.0, 30.0, 4.0, LEFT);
    // Through a gap: on both sides, crossing nothing.
    let gap: &[&[(f64, f64)]] = &[&[(0.0, 0.0), (100.0, 0.0)], &[(120.0, 0.0), (220.0, 0.0)]];
    check(gap, &[(108.0, -6.0), (108.0, 6.0)], 100.0, 100.0, 8.0, BOTH);
    check(gap, &[(95.0, 5.0), (130.0, 5.0)], 95.0, 110.0, 5.0, LEFT);
    // A hairpin: from one leg to the other between its legs, always to the left.
    let hairpin: &[&[(f64, f64)]] = &[&[(0.0, 0.0), (100.0, 0.0), (100.0, 10.0), (0.0, 10.0)]];
    check(hairpin, &[(40.0, 1.0), (40.0, 9.0)], 40.0, 170.0, 1.0, LEFT);
    // A closed line: its beginning is its end.
    let square: &[&[(f64, f64)]] = &[&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0), (0.0, 0.0)]];
    check(square, &[(1.0, 3.0), (3.0, 1.0)], 2.0, 38.0, 1.0, LEFT);
    check(square, &[(-1.0, -3.0), (-3.0, -1.0)], 0.0, 0.0, 8f64.sqrt(), RIGHT);
    // Along one leg of a line that another of its legs crosses: there, both are nearest.
    let knot: &[&[(f64, f64)]] = &[&[(15.0, 5.0), (15.0, 10.0), (10.0, 5.0), (25.0, 10.0)]];
    let begin = 5.0 + 50f64.sqrt();
    check(knot, &[(10.0, 5.0), (25.0, 10.0)], begin, begin + 250f64.sqrt(), 0.0, (false, false));
    // From (0, 12.5) the beginning and the last leg are equally near, and nowhere beside it.
    let touch: &[&[(f64, f64)]] = &[&[(5.0, 15.0), (20.0, 20.0), (0.0, 0.0), (10.0, 5.0), (0.0, 25.0)]];
    let last = 250f64.sqrt() + 800f64.sqrt() + 125f64.sqrt();
    check(touch, &[(0.0, 10.0), (0.0, 15.0)], last + 80f64.sqrt(), last + 180f64.sqrt(), 20f64.sqrt(), LEFT);
    assert_eq!(chainage(bend).span(&[]), None);
}

/// Brute force: every so many metres along the path.
fn sampled(line: &Chainage, path: &[Coord<f64>], step: f64, mut look: impl FnMut(Coord<f64>, &Located)) {
    let mut at = |c| look(c, &line.locate(c));
    for w in path.windows(2) {
        let d = w[1] - w[0];
        let mut t = 0.0;
        while t < 1.0 {
            at(w[0] + d * t);
            t += step / d.x.hypot(d.y).max(step);
        }
    }
    path.last().copied().into_iter().for_each(&mut at);
}

/// Two places of the line are so nearly equally near to `p` that rounding decides.
fn is_tie(line: &Chainage, p: Coord<f64>, located: &Located) -> bool {
    let near = |s: &Segment| s.distance_squared(p).sqrt() <= located.offset_m + 1e-7;
    let chainages = line.segments.iter().filter(|s| near(s)).map(|s| s.from_m + s.nearest(p).0);
    chainages.into_iter().any(|m| (m - located.chainage_m).abs() > 1e-3)
}

fn agrees_with_sampling(line: &Chainage, path: &[Coord<f64>], step: f64) -> Result<(), TestCaseError> {
    let span = line.span(path).unwrap();
    let (mut from, mut to, mut offset) = (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY);
    let (mut left, mut right, mut outside) = (false, false, None);
    sampled(line, path, step, |p, l| {
        from = from.min(l.chainage_m);
        to = to.max(l.chainage_m);
        offset = offset.min(l.offset_m);
        let tie = is_tie(line, p, l);
        // A side that a hair changes is none, and where the line runs twice over the same ground each way has its own.
        let steady = || {
            let hairs = [(1e-6, 0.0), (-1e-6, 0.0), (0.0, 1e-6), (0.0, -1e-6)];
            !tie && hairs.into_iter().all(|(x, y)| line.locate(p + Coord { x, y }).side == l.side)
        };
        left |= !span.left && l.side == Side::Left && steady();
        right |= !span.right && l.side == Side::Right && steady();
        let held = span.from_m - 1e-6 <= l.chainage_m
            && l.chainage_m <= span.to_m + 1e-6
            && span.offset_m <= l.offset_m + 1e-6;
        if !held && !tie {
            outside = Some((p, *l));
        }
    });
    prop_assert!(outside.is_none(), "{span:?} does not hold {outside:?}");
    prop_assert!(!left && !right, "{span:?} has another side");
    let tight = |step: f64| from - span.from_m <= step && span.to_m - to <= step && offset - span.offset_m <= step;
    // What is found in a stretch shorter than a step has to be looked for more closely.
    if step > 1e-4 && !tight(step * 1.01) {
        return agrees_with_sampling(line, path, step / 100.0);
    }
    prop_assert!(tight(0.011), "{span:?}: {from} {to} {offset}");
    Ok(())
}

const AT: Coord<f64> = Coord { x: 430_000.0, y: 1_340_000.0 };

fn moved(all: &[(f64, f64)]) -> Vec<Coord<f64>> {
    all.iter().map(|&(x, y)| AT + Coord { x, y }).collect()
}

fn prepared(parts: &[Vec<(f64, f64)>]) -> Option<Chainage> {
    Chainage::of(&Grid(MultiLineString(parts.iter().map(|p| LineString(moved(p))).collect())))
}

fn positions(size: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((0.0..60.0f64, 0.0..60.0f64), size)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() })]

    /// Lines that cross themselves, in one part or several, closed or not.
    #[test]
    fn spans_are_those_of_dense_sampling(
        mut parts in prop::collection::vec(positions(2..9), 1..3),
        closed in any::<bool>(),
        path in positions(1..5),
    ) {
        // A line that turns back in itself is two places at once.
        if closed && parts[0].len() > 2 {
            let first = parts[0][0];
            parts[0].push(first);
        }
        if let Some(line) = prepared(&parts) {
            agrees_with_sampling(&line, &moved(&path), 0.01)?;
        }
    }

    /// On whole metres: ties, right angles, paths along the line and through its vertices.
    #[test]
    fn spans_are_those_of_dense_sampling_on_a_lattice(
        line in prop::collection::vec((0..6_i32, 0..6_i32), 2..9),
        path in prop::collection::vec((0..6_i32, 0..6_i32), 1..4),
    ) {
        let metres = |all: &[(i32, i32)]| all.iter().map(|&(x, y)| (f64::from(x) * 5.0, f64::from(y) * 5.0)).collect();
        // A line that turns back in itself has no side at its tip.
        let back = |w: &[(i32, i32)]| {
            let ((ax, ay), (bx, by)) = ((w[1].0 - w[0].0, w[1].1 - w[0].1), (w[2].0 - w[1].0, w[2].1 - w[1].1));
            ax * by == ay * bx && ax * bx + ay * by < 0
        };
        let mut distinct = line.clone();
        distinct.dedup();
        prop_assume!(!distinct.windows(3).any(back));
        let (line, path): (Vec<_>, Vec<_>) = (metres(&line), metres(&path));
        if let Some(line) = prepared(&[line]) {
            agrees_with_sampling(&line, &moved(&path), 0.01)?;
        }
    }

    /// Roads as they are: hairpins and bends of many vertices, with a cable beside and across.
    #[test]
    fn spans_along_bends_are_those_of_dense_sampling(
        turns in prop::collection::vec(-0.9..0.9f64, 10..60),
        cable in prop::collection::vec((any::<prop::sample::Index>(), -25.0..25.0f64, -25.0..25.0f64), 2..4),
    ) {
        let (mut at, mut heading) = ((0.0, 0.0), 0.0_f64);
        let mut road = vec![at];
        for turn in turns {
            heading += turn;
            at = (at.0 + 6.0 * heading.cos(), at.1 + 6.0 * heading.sin());
            road.push(at);
        }
        let cable: Vec<(f64, f64)> = cable.iter().map(|(i, x, y)| {
            let at = road[i.index(road.len())];
            (at.0 + x, at.1 + y)
        }).collect();
        if let Some(line) = prepared(&[road]) {
            agrees_with_sampling(&line, &moved(&cable), 0.01)?;
        }
    }
}
