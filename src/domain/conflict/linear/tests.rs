//! Chainages, offsets, sides and runs of whole pairs against dense sampling of the work.

use geo_types::Polygon;
use proptest::prelude::*;

use super::*;
use crate::domain::conflict::{Finding, conflict_distance, measured};
use crate::geometry::{Metres, MultiLineString, buffer, valid};

const AT: Coord<f64> = Coord { x: 430_000.0, y: 1_340_000.0 };

/// A work and the land of a centreline.
struct Case {
    line: Chainage,
    land: Prepared,
    /// The edges of the land.
    outline: Prepared,
    work: Prepared,
    clearance: Metres,
}

impl Case {
    fn finding(&self) -> Option<Finding> {
        let work = Standing { shape: &self.work, accuracy: Metres::ZERO };
        let land = Land { shape: &self.land, centreline: Some(&self.line), clearance: self.clearance };
        conflict_distance(work, land).map(|_| measured(work, land))
    }

    /// How far `c` may lie from the land to count; by how much it does.
    fn spare(&self, c: Coord<f64>, finding: &Finding) -> f64 {
        let met = finding.relation != RelationWord::Near && self.land.dimension() == Dimension::Area;
        let distance = Prepared::point(c).distance(&self.land);
        if met { if distance > 0.0 { -distance } else { 1.0 } } else { self.clearance.get() - distance }
    }

    /// Whether something is decided in a square of the work: the edge of what counts passes through it, or the chainage jumps or
    /// runs in it. Elsewhere the least and the most of anything lie at its rim.
    fn decides(&self, c: Coord<f64>, size: f64, finding: &Finding) -> bool {
        let middle = Prepared::point(c + Coord { x: size / 2.0, y: size / 2.0 });
        if !middle.within(&self.work, size) {
            return false;
        }
        let met = finding.relation != RelationWord::Near && self.land.dimension() == Dimension::Area;
        let to_edge = if met {
            middle.distance(&self.outline)
        } else {
            (middle.distance(&self.land) - self.clearance.get()).abs()
        };
        let corners = [(0.0, 0.0), (size, 0.0), (0.0, size), (size, size)];
        let chainages = corners.map(|(x, y)| self.line.locate(c + Coord { x, y }).chainage_m);
        let (least, most) =
            chainages.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), m| (a.min(*m), b.max(*m)));
        to_edge <= size || most - least > 3.0 * size
    }
}

fn coords(all: &[(f64, f64)]) -> Vec<Coord<f64>> {
    all.iter().map(|&(x, y)| AT + Coord { x, y }).collect()
}

fn outline(land: &Geometry<f64>) -> Prepared {
    let mut edges = Vec::new();
    each_line(land, &mut |line| edges.push(line.clone()));
    Prepared::new(&Grid(Geometry::MultiLineString(MultiLineString(edges))))
}

fn case(road: &[(f64, f64)], widths: Option<(f64, f64)>, work: Geometry<f64>, clearance: f64) -> Option<Case> {
    let centreline = Grid(MultiLineString(vec![LineString(coords(road))]));
    let line = Chainage::of(&centreline)?;
    let metres = |m| Metres::new(m).unwrap();
    let land = match widths {
        Some((left, right)) => {
            Geometry::MultiPolygon(buffer::corridor(&centreline, metres(left), metres(right)).ok()?.0)
        }
        None => Geometry::MultiLineString(centreline.0),
    };
    if !valid::problems(&work).is_empty() {
        return None;
    }
    let (outline, work) = (outline(&land), Prepared::new(&Grid(work)));
    Some(Case { line, land: Prepared::new(&Grid(land)), outline, work, clearance: metres(clearance) })
}

/// Positions of the work, so dense that none of its ground is farther than `step` from one: everywhere, or where that would be too
/// many, wherever something is decided.
fn sampled(case: &Case, finding: &Finding, step: f64) -> Vec<Coord<f64>> {
    let (work, mut found) = (&case.work, Vec::new());
    each_line(&work.geometry(), &mut |line| {
        for edge in line.lines() {
            let d = edge.end - edge.start;
            let mut t = 0.0;
            while t < 1.0 {
                found.push(edge.start + d * t);
                t += step / d.x.hypot(d.y).max(step);
            }
        }
    });
    if work.dimension() != Dimension::Area {
        return found;
    }
    let (all, size) = (work.bounds(), step.max(COARSE_M));
    let mut open = Vec::new();
    let mut c = Coord { x: all.min[0], y: all.min[1] };
    while c.y < all.max[1] {
        open.push((c, size));
        c.x += size;
        if c.x > all.max[0] {
            c = Coord { x: all.min[0], y: c.y + size };
        }
    }
    while let Some((c, size)) = open.pop() {
        if Prepared::point(c).within(work, 0.0) {
            found.push(c);
        }
        if size > step && case.decides(c, size, finding) {
            let half = size / 2.0;
            let corners = [(0.0, 0.0), (half, 0.0), (0.0, half), (half, half)];
            open.extend(corners.map(|(x, y)| (c + Coord { x, y }, half)));
        }
    }
    found
}

/// Ground of a work is looked at everywhere in steps of this, metres, and finer only where it matters.
const COARSE_M: f64 = 0.5;

fn agrees(case: &Case, step: f64) -> Result<(), TestCaseError> {
    let Some(finding) = case.finding() else { return Ok(()) };
    let whole = finding.linear.as_ref().unwrap();
    let (mut from, mut to, mut offset, mut count) = (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, 0);
    for c in sampled(case, &finding, step) {
        let spare = case.spare(c, &finding);
        if spare < 1e-6 {
            continue;
        }
        let l = case.line.locate(c);
        // Where two places are equally near, a hair decides.
        let near = |d: Coord<f64>| (case.line.locate(c + d).chainage_m - l.chainage_m).abs() < 1e-3;
        if ![(1e-6, 0.0), (-1e-6, 0.0), (0.0, 1e-6), (0.0, -1e-6)].into_iter().all(|(x, y)| near(Coord { x, y })) {
            continue;
        }
        (from, to, offset) = (from.min(l.chainage_m), to.max(l.chainage_m), offset.min(l.offset_m));
        count += 1;
        let holds = |from: f64, to: f64, offset: f64| {
            from - 1e-5 <= l.chainage_m && l.chainage_m <= to + 1e-5 && offset <= l.offset_m + 1e-5
        };
        prop_assert!(holds(whole.from_m, whole.to_m, whole.offset_m), "{c:?} {l:?} is not in {finding:?}");
        let in_a_run = whole.runs.is_empty() || whole.runs.iter().any(|r| holds(r.from_m, r.to_m, r.offset_m));
        prop_assert!(in_a_run, "{c:?} {l:?} is in no run of {finding:?}");
    }
    // What is smaller than a step is not sampled; and on the way to a jump of the chainage it may be steep.
    let allowed = (3.0 * step).max(0.03);
    let tight = from - whole.from_m <= allowed && whole.to_m - to <= allowed && offset - whole.offset_m <= allowed;
    if count == 0 || tight {
        return Ok(());
    }
    prop_assert!(step > 2e-4, "{count} samples: {from} {to} {offset}, {finding:?}");
    agrees(case, step / 10.0)
}

fn runs_fit(finding: &Finding) -> Result<(), TestCaseError> {
    let Some(linear) = &finding.linear else { return Ok(()) };
    let Some(first) = linear.runs.first() else { return Ok(()) };
    prop_assert!(linear.runs.len() > 1 && (first.from_m - linear.from_m).abs() < 1e-9, "{linear:?}");
    let to = linear.runs.iter().map(|r| r.to_m).fold(0.0, f64::max);
    let offset = linear.runs.iter().map(|r| r.offset_m).fold(f64::INFINITY, f64::min);
    prop_assert!((to - linear.to_m).abs() < 1e-9 && (offset - linear.offset_m).abs() < 1e-9, "{linear:?}");
    if let Some(overlap_m) = finding.overlap_m.filter(|m| *m > 0.0 && linear.runs.iter().all(|r| r.length_m.is_some()))
    {
        let length: f64 = linear.runs.iter().filter_map(|r| r.length_m).sum();
        prop_assert!((length - overlap_m).abs() < 1e-6 * (1.0 + overlap_m), "{length} {overlap_m}: {linear:?}");
    }
    Ok(())
}

fn road() -> impl Strategy<Value = Vec<(f64, f64)>> {
    (prop::collection::vec((-1.2..1.2f64, 5.0..40.0f64), 2..12)).prop_map(|turns| {
        let (mut at, mut heading) = ((0.0, 0.0), 0.0_f64);
        let mut road = vec![at];
        for (turn, length) in turns {
            heading += turn;
            at = (at.0 + length * heading.cos(), at.1 + length * heading.sin());
            road.push(at);
        }
        road
    })
}

/// Half-widths of a corridor, or a drawn line without an area.
fn widths() -> impl Strategy<Value = Option<(f64, f64)>> {
    prop_oneof![Just(None), (1.0..15.0f64, 1.0..15.0f64).prop_map(Some), Just(Some((8.0, 0.0)))]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn of_cables(
        road in road(),
        widths in widths(),
        clearance in prop_oneof![Just(0.0), 1.0..20.0f64],
        cable in prop::collection::vec((any::<prop::sample::Index>(), -40.0..40.0f64, -40.0..40.0f64), 2..6),
    ) {
        let cable: Vec<(f64, f64)> = cable.iter().map(|(i, x, y)| {
            let (a, b) = road[i.index(road.len())];
            (a + x, b + y)
        }).collect();
        if let Some(case) = case(&road, widths, Geometry::LineString(LineString(coords(&cable))), clearance) {
            agrees(&case, 0.1)?;
            if let Some(finding) = case.finding() {
                runs_fit(&finding)?;
                let linear = finding.linear.unwrap();
                // On the line or not: what crosses a drawn line is at it.
                prop_assert!(linear.side != Some(SideWord::Both) || linear.offset_m >= 0.0);
            }
        }
    }

    #[test]
    fn of_yards(
        road in road(),
        widths in widths(),
        clearance in prop_oneof![Just(0.0), 1.0..20.0f64],
        (i, x, y) in (any::<prop::sample::Index>(), -40.0..40.0f64, -40.0..40.0f64),
        (w, h, turn) in (2.0..60.0f64, 2.0..60.0f64, 0.0..1.5f64),
        hole in any::<bool>(),
    ) {
        let (a, b) = road[i.index(road.len())];
        let corner = |u: f64, v: f64| (a + x + u * turn.cos() - v * turn.sin(), b + y + u * turn.sin() + v * turn.cos());
        let ring = |f: f64, t: f64| LineString(coords(&[corner(w * f, h * f), corner(w * t, h * f), corner(w * t, h * t), corner(w * f, h * t), corner(w * f, h * f)]));
        let yard = Polygon::new(ring(0.0, 1.0), if hole { vec![ring(0.3, 0.7)] } else { vec![] });
        if let Some(case) = case(&road, widths, Geometry::Polygon(yard), clearance) {
            agrees(&case, 0.5)?;
            if let Some(finding) = case.finding() {
                runs_fit(&finding)?;
            }
        }
    }
}

/// Found by fuzzing: rounding led a hair beyond an end.
#[test]
fn no_chainage_lies_beyond_the_ends_of_the_line() {
    let line_of = |all: &[(f64, f64)]| LineString::from(all.to_vec());
    let metres = |m| Metres::new(m).unwrap();
    let centreline = Grid(MultiLineString(vec![
        line_of(&[(48.0, 46.0), (50.0, 48.0), (54.0, 56.0), (57.0, 54.0), (53.0, 53.0)]),
        line_of(&[(58.0, 35.0), (0.0, 0.0)]),
    ]));
    let work = Geometry::LineString(line_of(&[
        (35.0, 17.0),
        (0.0, -82.0),
        (0.0, 0.0),
        (35.0, 0.0),
        (52.0, 52.0),
        (56.0, 50.0),
        (55.0, 53.0),
        (-1.0, 35.0),
        (17.0, 0.0),
        (-82.0, 0.0),
        (0.0, 35.0),
        (0.0, 52.0),
        (52.0, 56.0),
        (50.0, 55.0),
        (53.0, 56.0),
    ]));
    let point = Geometry::Point((44.0, 32.0).into());
    let land = Geometry::MultiPolygon(buffer::corridor(&centreline, metres(255.0), metres(7.5)).unwrap().0);
    for (land, clearance) in [(point, 255.0), (land, 7.5)] {
        let case = Case {
            line: Chainage::of(&centreline).unwrap(),
            outline: outline(&land),
            land: Prepared::new(&Grid(land)),
            work: Prepared::new(&Grid(work.clone())),
            clearance: metres(clearance),
        };
        let found = case.finding().unwrap().linear.unwrap();
        assert!(0.0 <= found.from_m && found.to_m <= case.line.length_m(), "{found:?}");
    }
}
