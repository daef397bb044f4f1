//! Points on each surface, joins, both ends, and the lowest of all.

#![allow(clippy::float_cmp)] // numbers that are given, or computed in the same way

use proptest::prelude::*;

use super::*;

/// Code 4, precision approach, as the rule pack of the fixtures has it.
const PRECISION: Dimensions = Dimensions {
    inner_radius_m: 4_000.0,
    inner_height_m: 45.0,
    conical_slope: 0.05,
    conical_height_m: 100.0,
    inner_edge_m: 300.0,
    from_threshold_m: 60.0,
    divergence: 0.15,
    first: Section { length_m: 3_000.0, slope: 0.02 },
    second: Section { length_m: 3_600.0, slope: 0.025 },
    horizontal_length_m: 8_400.0,
    transitional_slope: 0.143,
};

/// 3 km to the east, from 10 m to 16 m above the sea.
const RUNWAY: Runway =
    Runway { from: Coord { x: 0.0, y: 0.0 }, to: Coord { x: 3_000.0, y: 0.0 }, from_m: 10.0, to_m: 16.0 };

fn at(x: f64, y: f64) -> Option<(Surface, f64)> {
    over(&RUNWAY, &PRECISION, Coord { x, y }, 0.0).map(|c| (c.surface, c.height_m))
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn each_surface_has_the_height_of_the_annex() {
    use Surface::{Approach, Conical, InnerHorizontal, Strip, Transitional};
    let table = [
        // On the strip: the height of the runway there, and of its end beyond it.
        (0.0, 0.0, Strip, 10.0),
        (1_500.0, 0.0, Strip, 13.0),
        (1_500.0, -150.0, Strip, 13.0),
        (3_060.0, 20.0, Strip, 16.0),
        (-60.0, 0.0, Strip, 10.0),
        // Beside it: 1 in 7.
        (1_500.0, 250.0, Transitional, 13.0 + 14.3),
        (1_500.0, -250.0, Transitional, 13.0 + 14.3),
        // Up to the plane that starts 45 m above the lower end.
        (1_500.0, 150.0 + 42.0 / 0.143 - 0.001, Transitional, 55.0 - 0.001 * 0.143),
        (1_500.0, 150.0 + 42.0 / 0.143 + 0.001, InnerHorizontal, 55.0),
        // In front of both ends.
        (-1_060.0, 0.0, Approach, 10.0 + 20.0),
        (4_060.0, 0.0, Approach, 16.0 + 20.0),
        (-1_060.0, 300.0, Approach, 10.0 + 20.0),
        (-1_060.0, 301.0, Transitional, 10.0 + 20.0 + 0.143),
        (-1_060.0, -301.0, Transitional, 10.0 + 20.0 + 0.143),
        // Where it has risen through the level surface that one is lower.
        (-2_309.0, 0.0, Approach, 54.98),
        (-2_311.0, 0.0, InnerHorizontal, 55.0),
        (-3_999.0, 0.0, InnerHorizontal, 55.0),
        (1_500.0, 4_000.0, InnerHorizontal, 55.0),
        (1_500.0, 4_100.0, Conical, 60.0),
        (-5_000.0, 0.0, Conical, 105.0),
        (1_500.0, 6_000.0, Conical, 155.0),
        // Where the conical one has risen through the approach that one is lower: 10 + 60 + 0.025 · 2 640.
        (-5_700.0, 0.0, Approach, 136.0),
        (-6_660.0, 0.0, Approach, 160.0),
        (-10_000.0, 0.0, Approach, 160.0),
        (-15_060.0, 0.0, Approach, 160.0),
        (18_060.0, 2_400.0, Approach, 166.0),
    ];
    for (x, y, surface, height) in table {
        let found = at(x, y);
        assert!(found.is_some_and(|(is, m)| is == surface && near(m, height)), "{x} {y}: {found:?}");
    }
    for (x, y) in [(1_500.0, 6_000.001), (-15_060.001, 0.0), (18_060.001, 0.0), (18_060.0, 2_400.001)] {
        assert_eq!(at(x, y), None, "{x} {y}");
    }
}

#[test]
fn sections_join() {
    let height = |outward: f64| PRECISION.risen(outward);
    for joint in [0.0, 3_000.0, 6_600.0, 15_000.0] {
        assert!((height(joint - 1e-9) - height(joint + 1e-9)).abs() < 1e-9, "{joint}");
    }
    assert_eq!([height(3_000.0), height(6_600.0), height(15_000.0)].map(f64::round), [60.0, 150.0, 150.0]);
    // The strip and its sides join the approach and its sides at the inner edge, the level surface the conical one.
    for across in [0.0, 100.0, 200.0, 400.0] {
        let [inside, outside] = [-59.999_999_9, -60.000_000_1].map(|x| at(x, across).map_or(f64::NAN, |c| c.1));
        assert!((inside - outside).abs() < 1e-6, "{across}: {inside} {outside}");
    }
    let [inside, outside] = [3_999.999_999, 4_000.000_001].map(|y| at(1_500.0, y).map_or(f64::NAN, |c| c.1));
    assert!((inside - outside).abs() < 1e-6);
}

#[test]
fn a_runway_is_a_straight_line_from_end_to_end() {
    use NoRunway::{Back, Bent, Short};
    let of = |points: &[(f64, f64)]| Runway::along(&LineString::from(points.to_vec()), [10.0, 16.0]);
    assert_eq!(of(&[(0.0, 0.0), (3_000.0, 0.0)]), Ok(RUNWAY));
    // What stands a little off it, and a little behind what came before.
    assert_eq!(of(&[(0.0, 0.0), (1_000.0, 9.0), (2_000.0, -9.0), (1_991.0, 0.0), (3_000.0, 0.0)]), Ok(RUNWAY));
    assert!(of(&[(0.0, 0.0), (60.0, 80.0)]).is_ok());
    let outline = [(0.0, 0.0), (3_000.0, 0.0), (3_000.0, 45.0), (0.0, 45.0), (0.0, 0.0)];
    let table: [(&[(f64, f64)], NoRunway); 9] = [
        (&outline, Short(0.0)),
        (&outline[..4], Short(45.0)),
        (&outline[..3], Bent(45.0)),
        (&[(0.0, 0.0), (99.9, 0.0)], Short(99.9)),
        (&[], Short(0.0)),
        (&[(0.0, 0.0), (1_500.0, 9.5), (3_000.0, 0.0)], Bent(9.5)),
        (&[(0.0, 0.0), (2_000.0, 0.0), (1_000.0, 0.0), (3_000.0, 0.0)], Back(1_000.0)),
        (&[(0.0, 0.0), (3_010.0, 0.0), (3_000.0, 0.0)], Back(10.0)),
        (&[(0.0, 0.0), (-10.0, 0.0), (3_000.0, 0.0)], Back(10.0)),
    ];
    for (points, wrong) in table {
        let found = of(points).map_or_else(|wrong| wrong, |runway| panic!("{points:?}: {runway:?}"));
        let same = |a: f64, b: f64| (a - b).abs() < 1.0;
        let is = match (found, wrong) {
            // Off the line from one corner to the other, which is hardly turned.
            (Short(a), Short(b)) | (Back(a), Back(b)) | (Bent(a), Bent(b)) => same(a, b),
            _ => false,
        };
        assert!(is, "{points:?}: {found:?}");
        assert!(found.to_string().ends_with("not its outline"), "{found}");
    }
}

#[test]
fn where_the_place_is_not_known_well_the_height_is_not_either() {
    let of = |x, y, accuracy| over(&RUNWAY, &PRECISION, Coord { x, y }, accuracy).unwrap_or_else(|| unreachable!());
    let level = of(1_500.0, 2_000.0, 50.0);
    assert_eq!((level.least_m, level.height_m, level.most_m), (55.0, 55.0, 55.0));
    let sloping = of(-1_060.0, 0.0, 50.0);
    assert!(near(sloping.least_m, 29.0) && near(sloping.height_m, 30.0) && near(sloping.most_m, 31.0), "{sloping:?}");
    // At the outer edge there may be none, and where there is none there may be one.
    let edge = of(1_500.0, 5_999.0, 10.0);
    assert!(near(edge.least_m, 155.0 - 0.55) && edge.most_m == f64::INFINITY, "{edge:?}");
    let beyond = of(1_500.0, 6_009.0, 10.0);
    assert!(beyond.surface == Surface::Conical && near(beyond.least_m, 155.0 - 0.05), "{beyond:?}");
    assert_eq!(over(&RUNWAY, &PRECISION, Coord { x: 1_500.0, y: 6_011.0 }, 10.0), None);
}

/// Each surface as the annex describes it, one after the other.
fn each(runway: &Runway, by: &Dimensions, p: Coord<f64>) -> Vec<f64> {
    let floor = runway.from_m.min(runway.to_m);
    let (dx, dy) = (runway.to.x - runway.from.x, runway.to.y - runway.from.y);
    let length = dx.hypot(dy);
    let t = (((p.x - runway.from.x) * dx + (p.y - runway.from.y) * dy) / (length * length)).clamp(0.0, 1.0);
    let away = (p.x - runway.from.x - t * dx).hypot(p.y - runway.from.y - t * dy);
    let mut all = Vec::new();
    if away <= by.inner_radius_m {
        all.push(floor + by.inner_height_m);
    } else if away <= by.inner_radius_m + by.conical_height_m / by.conical_slope {
        all.push(floor + by.inner_height_m + (away - by.inner_radius_m) * by.conical_slope);
    }
    let along = ((p.x - runway.from.x) * dx + (p.y - runway.from.y) * dy) / length;
    let across = ((p.x - runway.from.x) * dy - (p.y - runway.from.y) * dx).abs() / length;
    let mut sides = |edge: f64, half: f64| {
        let height = edge + (across - half).max(0.0) * by.transitional_slope;
        if across <= half || height <= floor + by.inner_height_m {
            all.push(height);
        }
    };
    if -by.from_threshold_m <= along && along <= length + by.from_threshold_m {
        sides(runway.from_m + (runway.to_m - runway.from_m) * (along / length).clamp(0.0, 1.0), by.inner_edge_m / 2.0);
    }
    for (outward, threshold_m) in [(-along, runway.from_m), (along - length, runway.to_m)] {
        let s = outward - by.from_threshold_m;
        if (0.0..=by.approach_length_m()).contains(&s) {
            let second = (s - by.first.length_m).max(0.0).min(by.second.length_m);
            let risen = s.min(by.first.length_m) * by.first.slope + second * by.second.slope;
            sides(threshold_m + risen, by.inner_edge_m / 2.0 + by.divergence * s);
        }
    }
    all
}

fn runways() -> impl Strategy<Value = Runway> {
    let coord = || (-2_000.0..2_000.0, -2_000.0..2_000.0).prop_map(|(x, y)| Coord { x, y });
    (coord(), coord(), -5.0..900.0, -20.0..20.0_f64)
        .prop_filter("has a length", |(from, to, ..): &(Coord<f64>, Coord<f64>, f64, f64)| {
            (from.x - to.x).hypot(from.y - to.y) > 100.0
        })
        .prop_map(|(from, to, from_m, rise)| Runway { from, to, from_m, to_m: from_m + rise })
}

fn dimensions() -> impl Strategy<Value = Dimensions> {
    let round = (500.0..5_000.0, 20.0..60.0, 0.02..0.2, 0.0..120.0);
    let edge = (20.0..400.0, 0.0..100.0, 0.0..0.2, 0.1..0.4);
    let sections = (1_000.0..4_000.0, 0.01..0.06, 0.0..4_000.0, 0.0..0.06, 0.0..9_000.0);
    (round, edge, sections).prop_map(|(round, edge, sections)| Dimensions {
        inner_radius_m: round.0,
        inner_height_m: round.1,
        conical_slope: round.2,
        conical_height_m: round.3,
        inner_edge_m: edge.0,
        from_threshold_m: edge.1,
        divergence: edge.2,
        first: Section { length_m: sections.0, slope: sections.1 },
        second: Section { length_m: sections.2, slope: sections.3 },
        horizontal_length_m: sections.4,
        transitional_slope: edge.3,
    })
}

fn places() -> impl Strategy<Value = Coord<f64>> {
    let near = (-3_000.0..3_000.0, -3_000.0..3_000.0);
    let far = (-20_000.0..20_000.0, -20_000.0..20_000.0);
    prop_oneof![near, far].prop_map(|(x, y)| Coord { x, y })
}

proptest! {
    #[test]
    fn the_lowest_is_found(runway in runways(), by in dimensions(), at in places()) {
        let expect = each(&runway, &by, at).into_iter().min_by(f64::total_cmp);
        let found = over(&runway, &by, at, 0.0).map(|c| c.height_m);
        if let Some((found, expect)) = found.zip(expect) {
            prop_assert!((found - expect).abs() < 1e-6, "{found} {expect}");
        } else {
            prop_assert_eq!(found, expect);
        }
    }

    #[test]
    fn both_ends_and_both_sides_are_alike(runway in runways(), by in dimensions(), at in places()) {
        let turned = Runway { from: runway.to, to: runway.from, from_m: runway.to_m, to_m: runway.from_m };
        let mirror = |c: Coord<f64>| Coord { x: -c.x, y: c.y };
        let mirrored = Runway { from: mirror(runway.from), to: mirror(runway.to), ..runway };
        let height = |runway: &Runway, at| over(runway, &by, at, 0.0).map_or(f64::MAX, |c| c.height_m);
        let expect = height(&runway, at);
        prop_assert!((height(&turned, at) - expect).abs() < 1e-6);
        prop_assert!((height(&mirrored, mirror(at)) - expect).abs() < 1e-6);
    }

    /// Wherever within its accuracy the place is, the heights told hold it; and nothing reaches beyond the reach.
    #[test]
    fn what_is_told_holds_all_that_may_be(
        runway in runways(), by in dimensions(), at in places(), accuracy in 0.0..60.0_f64,
        angle in 0.0..std::f64::consts::TAU, share in 0.0..1.0_f64,
    ) {
        let (sin, cos) = angle.sin_cos();
        let really = Coord { x: at.x + accuracy * share * cos, y: at.y + accuracy * share * sin };
        let told = over(&runway, &by, at, accuracy);
        let there = over(&runway, &by, really, 0.0);
        if let Some(there) = there {
            let told = told.unwrap();
            prop_assert!(told.least_m <= there.height_m + 1e-9 && there.height_m <= told.most_m + 1e-9, "{told:?} {there:?}");
        }
        if let Some(told) = told.filter(|told| told.most_m.is_finite()) {
            prop_assert!(there.is_some(), "{told:?}");
        }
        let (dx, dy) = (runway.to.x - runway.from.x, runway.to.y - runway.from.y);
        let t = ((at.x - runway.from.x) * dx + (at.y - runway.from.y) * dy) / dx.hypot(dy).powi(2);
        let t = t.clamp(0.0, 1.0);
        let away = (at.x - runway.from.x - t * dx).hypot(at.y - runway.from.y - t * dy);
        prop_assert!(told.is_none() || away <= by.reach_m() + accuracy + 1e-6);
    }
}

/// A corner of a drawn circle lies on it, the middle of a side so much of the radius inside.
const DRAWN: f64 = 0.003;

fn drawn(runway: &Runway, at: Coord<f64>) -> Option<(Surface, f64)> {
    use geo::{Distance, Euclidean};
    let surface = over(runway, &PRECISION, at, 0.0)?.surface;
    let outline = outline(runway, &PRECISION, surface, at).unwrap();
    assert!(geo::Validation::is_valid(&outline), "{surface:?}: {outline:?}");
    Some((surface, Euclidean.distance(&geo_types::Point(at), &outline)))
}

#[test]
fn what_is_drawn_of_a_surface_has_its_corners() {
    let of = |x: f64, y: f64, surface| {
        let at = Coord { x, y };
        assert_eq!(over(&RUNWAY, &PRECISION, at, 0.0).unwrap().surface, surface);
        let mut corners = outline(&RUNWAY, &PRECISION, surface, at).unwrap().exterior().0.clone();
        corners.pop();
        let rounded = |c: &Coord<f64>| (c.x.round(), c.y.round());
        corners.iter().map(rounded).collect::<Vec<_>>()
    };
    let strip = [(-60.0, -150.0), (3_060.0, -150.0), (3_060.0, 150.0), (-60.0, 150.0)];
    assert_eq!(of(100.0, 20.0, Surface::Strip), strip);
    let west = [(-60.0, -150.0), (-15_060.0, -2_400.0), (-15_060.0, 2_400.0), (-60.0, 150.0)];
    assert_eq!(of(-1_000.0, 0.0, Surface::Approach), west);
    let east = [(3_060.0, -150.0), (18_060.0, -2_400.0), (18_060.0, 2_400.0), (3_060.0, 150.0)];
    assert_eq!(of(4_000.0, 0.0, Surface::Approach), east);
    // 45 m and 39 m of rise at 0.143.
    let (wide, less) = (465.0, 423.0);
    let south = [(-60.0, -150.0), (0.0, -150.0), (3_000.0, -150.0), (3_060.0, -150.0)];
    let far = [(3_060.0, -less), (3_000.0, -less), (0.0, -wide), (-60.0, -wide)];
    assert_eq!(of(1_500.0, -200.0, Surface::Transitional), [south, far].concat());
    // Beside the approach up to 2 250 m, where that has risen by 45 m.
    let beside = [(-60.0, 150.0), (-2_310.0, 488.0), (-2_310.0, 488.0), (-60.0, wide)];
    assert_eq!(of(-100.0, 200.0, Surface::Transitional), beside);
}

/// A section that does not rise never reaches the plane in which the sides end: they go on to the end of the approach.
#[test]
fn beside_a_level_approach_the_sides_are_drawn_to_its_end() {
    let level = |first, second| Dimensions {
        first: Section { slope: first, ..PRECISION.first },
        second: Section { slope: second, ..PRECISION.second },
        ..PRECISION
    };
    let far = |by: &Dimensions| {
        let drawn = outline(&RUNWAY, by, Surface::Transitional, Coord { x: -100.0, y: 200.0 }).unwrap();
        drawn.exterior().0.iter().map(|c| c.x).fold(0.0, f64::min)
    };
    // 45 m above the threshold: after 2 250 m at 2 %, or 3 000 m and 1 800 m at 2.5 %.
    for (first, second, end) in [
        (0.02, 0.025, -2_310.0),
        (0.0, 0.025, -4_860.0),
        (0.01, 0.0, -15_060.0),
        (0.0, 0.0, -15_060.0),
        (0.02, 0.0, -2_310.0),
    ] {
        let found = far(&level(first, second));
        assert!((found - end).abs() < 0.5, "{first} {second}: {found}");
    }
}

proptest! {
    #[test]
    fn a_place_lies_in_what_is_drawn_of_its_surface(
        (east, north) in (-20_000.0..20_000.0_f64, -8_000.0..8_000.0_f64),
        (dx, dy) in (-4_000.0..4_000.0_f64, -4_000.0..4_000.0_f64),
        to_m in 0.0..40.0_f64,
    ) {
        let runway = Runway { from: Coord { x: 0.0, y: 0.0 }, to: Coord { x: dx, y: dy }, from_m: 10.0, to_m };
        if let Some((surface, away)) = drawn(&runway, Coord { x: east, y: north }) {
            let round = matches!(surface, Surface::InnerHorizontal | Surface::Conical);
            let most = if round { DRAWN * 6_000.0 } else { 1e-6 };
            prop_assert!(away <= most, "{:?}: {}", surface, away);
        }
    }
}
