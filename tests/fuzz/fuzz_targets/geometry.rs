//! Geometry on whatever coordinates come: validity of anything, and of what is valid the measures of a pair, its
//! overlay and its way along a centreline, compared with brute force and with what the index rests on; and the land of a
//! line.
#![no_main]

use clearway_fuzz::domain::conflict::{Land, Standing, conflict_distance, measured};
use clearway_fuzz::end_at_panics;
use clearway_fuzz::geometry::linear::Chainage;
use clearway_fuzz::geometry::measure::{Nearby, Prepared, Probe, Relation, relation};
use clearway_fuzz::geometry::union::Union;
use clearway_fuzz::geometry::{Bounds, Coord, Geometry, Grid, Metres, MultiLineString, MultiPolygon, buffer, valid};
use clearway_fuzz::shapes::Bytes;
use geo::{CoordsIter, Distance, Euclidean, InteriorPoint, Intersects, LinesIter};
use geo_types::Line;
use libfuzzer_sys::fuzz_target;

/// So large that squares of distances are no more numbers with millimetres; the grid of a jurisdiction never is.
const LARGEST_M: f64 = 1e8;

/// Share of the largest coordinate by which two ways to measure may differ.
const ROUNDING: f64 = 1e-12;

fn check(a: &Geometry<f64>, b: &Geometry<f64>, line: &Chainage, clearance: Metres) {
    let (work, land) = (Prepared::new(&Grid(a.clone())), Prepared::new(&Grid(b.clone())));
    let distance = work.distance(&land);
    same_as_brute_force(a, b, distance);
    assert_eq!(distance, land.distance(&work), "the same from both sides");
    assert!(work.within(&land, distance) && land.within(&work, distance), "{distance} is not within itself");
    for reach in [clearance.get(), distance, 0.0] {
        assert_eq!(work.within(&land, reach), distance <= reach, "{distance} within {reach}");
        assert_eq!(work.distance_within(&land, reach), (distance <= reach).then_some(distance), "{reach}");
        // A micrometre is what boxes are taken larger; on numbers this large the sum of two may be less than both.
        if distance <= reach && distance + reach < LARGEST_M {
            assert!(an_index_finds(&work, &land, reach) && an_index_finds(&land, &work, reach), "{distance} {reach}");
        }
    }
    let word = relation(&work, &land);
    assert!(if word == Relation::Near { !a.intersects(b) } else { distance == 0.0 }, "{word:?} at {distance}");
    for (shape, prepared) in [(a, &work), (b, &land)] {
        covered(shape, prepared);
    }
    covered_together(a, b, &work, &land, clearance.get());
    let (work, land) =
        (Standing { shape: &work, accuracy: Metres::ZERO }, Land { shape: &land, centreline: Some(line), clearance });
    let found = conflict_distance(work, land);
    assert_eq!(found.is_some(), distance <= clearance.get(), "{distance} {found:?}");
    if found.is_some() {
        let finding = measured(work, land);
        assert!((0.0..=1.0).contains(&finding.share), "{finding:?}");
        assert!(finding.depth_m.is_none_or(|depth| depth >= 0.0 && distance == 0.0), "{finding:?}");
        let linear = finding.linear.expect("there is a centreline");
        assert!(0.0 <= linear.from_m && linear.from_m <= linear.to_m && linear.to_m <= line.length_m() * 1.000_001);
        assert!(linear.offset_m >= 0.0 && linear.runs.len() != 1, "{linear:?}");
    }
}

/// The distance that the geo crate finds by looking at every edge, but for rounding.
fn same_as_brute_force(a: &Geometry<f64>, b: &Geometry<f64>, distance: f64) {
    let expect = if a.intersects(b) { 0.0 } else { Euclidean.distance(a, b) };
    let largest = a.coords_iter().chain(b.coords_iter()).map(|c| c.x.abs().max(c.y.abs())).fold(1.0, f64::max);
    assert!((distance - expect).abs() <= largest * ROUNDING, "{distance} is {expect} for {a:?} and {b:?}");
}

/// What the walk of the index down its boxes rests on: a subject comes near at least one box of what is within reach.
fn an_index_finds(subject: &Prepared, other: &Prepared, reach: f64) -> bool {
    let mut probe = Probe::new(subject, reach);
    match probe.start(&other.bounds()) {
        Nearby::Nothing => false,
        Nearby::All => true,
        Nearby::Edges(all) => other.cover(8).iter().any(|part| {
            let met = probe.meets(all.clone(), part);
            let narrowed = !matches!(probe.narrow(all.clone(), part), Nearby::Nothing);
            assert!(narrowed || !met, "what is met is not passed over");
            probe.back_to(&all);
            met
        }),
    }
}

/// Two areas taken as one say that they hold only what they hold.
fn covered_together(a: &Geometry<f64>, b: &Geometry<f64>, work: &Prepared, land: &Prepared, distance: f64) {
    let (Some(first), Some(second)) = (areas(a), areas(b)) else { return };
    let both = Union::of(&[Grid(first), Grid(second.clone())]);
    for (shape, prepared) in [(a, work), (b, land)] {
        if both.holds_with(prepared, distance) {
            assert!(both.meets(prepared, 0.0) && shape.coords_iter().all(|c| both.meets(&Prepared::point(c), 0.0)));
        }
    }
    if Union::of(&[Grid(second)]).holds_with(work, 0.0) {
        assert_eq!(relation(work, land), Relation::Inside);
    }
}

fn areas(shape: &Geometry<f64>) -> Option<MultiPolygon<f64>> {
    match shape {
        Geometry::Polygon(p) => Some(MultiPolygon(vec![p.clone()])),
        Geometry::MultiPolygon(m) => Some(m.clone()),
        _ => None,
    }
}

/// At most as many boxes as asked for hold every edge of a shape and a point inside each of its areas.
fn covered(shape: &Geometry<f64>, prepared: &Prepared) {
    let boxes = prepared.cover(8);
    let held = |c: Coord<f64>| boxes.iter().any(|b| b.widened(1e-6).contains(c));
    assert!(boxes.len() <= 8 && shape.coords_iter().all(held), "a vertex lies in no box");
    let edges: Vec<Line<f64>> = match shape {
        Geometry::LineString(l) => l.lines().collect(),
        Geometry::MultiLineString(m) => m.lines_iter().collect(),
        Geometry::Polygon(p) => p.lines_iter().collect(),
        Geometry::MultiPolygon(m) => m.lines_iter().collect(),
        _ => Vec::new(),
    };
    let places = edges.iter().flat_map(|l| [0.25, 0.5, 0.9].map(|share| l.start + l.delta() * share));
    assert!(places.chain(shape.interior_point().map(|p| p.0)).all(held), "a place lies in no box");
}

fuzz_target!(init: end_at_panics(), |data: &[u8]| {
    let mut bytes = Bytes::new(data);
    let (a, b, centreline) = (bytes.shape(), bytes.shape(), MultiLineString(vec![bytes.line(), bytes.line()]));
    let (left, right) = (f64::from(bytes.byte()), f64::from(bytes.byte()) / 4.0);
    let metres = |m| Metres::new(m).unwrap_or(Metres::ZERO);
    let sound = |shape: &Geometry<f64>| {
        let bounds = Bounds::of(shape.coords_iter());
        let largest = bounds.min.into_iter().chain(bounds.max).map(f64::abs).fold(0.0, f64::max);
        valid::problems(shape).is_empty() && largest <= LARGEST_M
    };
    let (a_is, b_is) = (sound(&a), sound(&b));
    let axis = Geometry::MultiLineString(centreline.clone());
    let finite = axis.coords_iter().all(|c| c.x.abs() <= LARGEST_M && c.y.abs() <= LARGEST_M);
    let centreline = Grid(centreline);
    if !finite {
        let _ = buffer::corridor(&centreline, metres(left), metres(right));
        return;
    }
    let Some(line) = Chainage::of(&centreline) else { return };
    if a_is && b_is {
        check(&a, &b, &line, metres(left));
    }
    if let Ok(land) = buffer::corridor(&centreline, metres(left), metres(right)) {
        let land = Geometry::MultiPolygon(land.0);
        assert!(valid::problems(&land).is_empty(), "the land of a line is valid");
        if a_is {
            check(&a, &land, &line, metres(right));
        }
    }
});
