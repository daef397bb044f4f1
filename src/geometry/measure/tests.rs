//! Prepared shapes against geo's own algorithms and against looking at every edge, on shapes made to be degenerate.

use geo::{Area, Contains, CoordsIter, Distance, Euclidean, Intersects, Length, LinesIter, Relate, Rotate};
use geo_types::{
    Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon, coord,
    line_string, point, polygon,
};
use proptest::prelude::*;

use super::*;
use crate::geometry::overlay;
use crate::geometry::valid::problems;

fn prepared(shape: &Geometry<f64>) -> Prepared {
    Prepared::new(&Grid(shape.clone()))
}

/// Coordinates of a small lattice, so that shapes often share vertices, edges and lines.
fn lattice() -> impl Strategy<Value = Coord<f64>> {
    (0..14_i32, 0..14_i32).prop_map(|(x, y)| coord! { x: f64::from(x), y: f64::from(y) })
}

fn line() -> impl Strategy<Value = LineString<f64>> {
    prop::collection::vec(lattice(), 2..7)
        .prop_map(LineString)
        .prop_filter("has length", |l| problems(&l.clone().into()).is_empty())
}

/// A ring round `centre` with corners on the lattice; not always valid.
fn star(centre: Coord<f64>, radii: &[i32], shrink: f64) -> LineString<f64> {
    let turn = std::f64::consts::TAU / f64::from(u32::try_from(radii.len()).expect("few"));
    let corner = |(at, &radius): (usize, &i32)| {
        let angle = turn * f64::from(u32::try_from(at).expect("few"));
        let (y, x) = angle.sin_cos();
        let radius = f64::from(radius) * shrink;
        coord! { x: (centre.x + radius * x).round(), y: (centre.y + radius * y).round() }
    };
    let mut ring: Vec<_> = radii.iter().enumerate().map(corner).collect();
    ring.push(ring[0]);
    LineString(ring)
}

/// A valid polygon; half of them have a hole, which may touch the shell in one point.
fn area() -> impl Strategy<Value = Polygon<f64>> {
    let parts = (lattice(), prop::collection::vec(1..7_i32, 3..24), any::<bool>(), any::<bool>());
    parts.prop_filter_map("valid", |(centre, radii, hole, reverse)| {
        let holes = if hole { vec![star(centre, &radii, 0.5)] } else { vec![] };
        let mut shell = star(centre, &radii, 1.0);
        if reverse {
            shell.0.reverse();
        }
        let polygon = Polygon::new(shell, holes);
        problems(&polygon.clone().into()).is_empty().then_some(polygon)
    })
}

/// Valid shapes of every type on the lattice.
fn shape() -> impl Strategy<Value = Geometry<f64>> {
    prop_oneof![
        2 => lattice().prop_map(|c| Geometry::Point(Point(c))),
        1 => prop::collection::vec(lattice().prop_map(Point), 1..24).prop_map(|all| MultiPoint(all).into()),
        3 => line().prop_map(Geometry::LineString),
        1 => prop::collection::vec(line(), 1..4).prop_map(|all| MultiLineString(all).into()),
        4 => area().prop_map(Geometry::Polygon),
        2 => (area(), area(), 0..24_i32).prop_filter_map("valid", |(a, b, right)| {
            use geo::Translate;
            let parts = MultiPolygon(vec![a, b.translate(f64::from(right), 0.0)]);
            problems(&parts.clone().into()).is_empty().then_some(Geometry::MultiPolygon(parts))
        }),
    ]
}

/// Lattice shapes of 1 m, of 1 mm and of 1 km, at the origin and far away: always exact in binary.
fn pair() -> impl Strategy<Value = (Geometry<f64>, Geometry<f64>)> {
    let scale = prop_oneof![Just(1.0), Just(1.0 / 1024.0), Just(1024.0)];
    let offset = prop_oneof![Just((0.0, 0.0)), Just((1_000_000.0, 0.0)), Just((431_000.0, 1_327_000.0))];
    (shape(), shape(), scale, offset).prop_map(|(a, b, scale, (dx, dy))| {
        use geo::MapCoords;
        let place = |g: Geometry<f64>| g.map_coords(|c| coord! { x: c.x * scale + dx, y: c.y * scale + dy });
        (place(a), place(b))
    })
}

/// The distance by looking at every pair of edges and points.
fn brute(a: &Geometry<f64>, b: &Geometry<f64>) -> f64 {
    if a.intersects(b) {
        return 0.0;
    }
    let mut least = f64::INFINITY;
    for (one, other) in [(a, b), (b, a)] {
        for c in one.coords_iter() {
            for line in lines(other) {
                least = least.min(Euclidean.distance(&Point(c), &line));
            }
            for d in other.coords_iter() {
                least = least.min(Euclidean.distance(Point(c), Point(d)));
            }
        }
    }
    least
}

fn lines(shape: &Geometry<f64>) -> Vec<geo_types::Line<f64>> {
    match shape {
        Geometry::LineString(l) => l.lines().collect(),
        Geometry::MultiLineString(m) => m.lines_iter().collect(),
        Geometry::Polygon(p) => p.lines_iter().collect(),
        Geometry::MultiPolygon(m) => m.lines_iter().collect(),
        Geometry::GeometryCollection(all) => all.0.iter().flat_map(lines).collect(),
        _ => Vec::new(),
    }
}

fn relation_by_matrix(work: &Geometry<f64>, land: &Geometry<f64>) -> Relation {
    let matrix = work.relate(land);
    match (matrix.is_disjoint(), matrix.is_within(), matrix.is_touches()) {
        (true, _, _) => Relation::Near,
        (_, true, _) => Relation::Inside,
        (_, _, true) => Relation::Touches,
        _ => Relation::Crosses,
    }
}

/// Points of the shape: vertices, points along edges and a grid of points inside.
fn samples(shape: &Geometry<f64>) -> Vec<Coord<f64>> {
    let mut all: Vec<_> = shape.coords_iter().collect();
    for line in lines(shape) {
        all.extend((1..8).map(|i| line.start + line.delta() * (f64::from(i) / 8.0)));
    }
    let area = prepared(shape).bounds();
    for i in 0..20 {
        for j in 0..20 {
            let at = |axis: usize, k: i32| area.min[axis] + (area.max[axis] - area.min[axis]) * f64::from(k) / 19.0;
            let c = coord! { x: at(0, i), y: at(1, j) };
            all.extend(shape.contains(&Point(c)).then_some(c));
        }
    }
    all
}

/// Whether a tree of one box would be gone into.
fn box_within(shape: &Prepared, b: &Bounds, reach: f64) -> bool {
    let mut probe = Probe::new(shape, reach);
    match probe.start(b) {
        Nearby::Nothing => false,
        Nearby::All => true,
        Nearby::Edges(edges) => probe.meets(edges, b),
    }
}

/// The four quarters of a box.
fn quartered(b: &Bounds) -> [Bounds; 4] {
    let middle = [0, 1].map(|axis| f64::midpoint(b.min[axis], b.max[axis]));
    let side = |axis: usize, high: bool| {
        if high { (middle[axis], b.max[axis]) } else { (b.min[axis], middle[axis]) }
    };
    [(false, false), (true, false), (false, true), (true, true)].map(|(east, north)| {
        let (x, y) = (side(0, east), side(1, north));
        Bounds { min: [x.0, y.0], max: [x.1, y.1] }
    })
}

/// The boxes that quartering comes to in so many steps.
fn lowest(b: &Bounds, steps: usize) -> Vec<Bounds> {
    if steps == 0 { vec![*b] } else { quartered(b).iter().flat_map(|q| lowest(q, steps - 1)).collect() }
}

/// Goes down a tree of quarters and notes the lowest boxes it comes to.
fn go_down(probe: &mut Probe<'_>, nearby: &Nearby, b: &Bounds, steps: usize, reached: &mut Vec<Bounds>) {
    for quarter in quartered(b) {
        match nearby {
            Nearby::Nothing => {}
            Nearby::All => reached.extend(lowest(&quarter, steps - 1)),
            Nearby::Edges(edges) if steps == 1 => {
                if probe.meets(edges.clone(), &quarter) {
                    reached.push(quarter);
                }
            }
            Nearby::Edges(edges) => {
                let nearby = probe.narrow(edges.clone(), &quarter);
                go_down(probe, &nearby, &quarter, steps - 1, reached);
                probe.back_to(edges);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn distance_is_that_of_every_pair_of_edges((a, b) in pair()) {
        let (p, q) = (prepared(&a), prepared(&b));
        let (ours, theirs) = (p.distance(&q), brute(&a, &b));
        prop_assert_eq!(ours == 0.0, a.intersects(&b), "{} for {:?} {:?}", ours, a, b);
        prop_assert!((ours - theirs).abs() <= 1e-9 * (1.0 + theirs), "{} not {} for {:?} {:?}", ours, theirs, a, b);
        let of_geo = Euclidean.distance(&a, &b);
        prop_assert!((ours - of_geo).abs() <= 1e-9 * (1.0 + of_geo), "{} not geo's {} for {:?} {:?}", ours, of_geo, a, b);
        prop_assert_eq!(ours.to_bits(), q.distance(&p).to_bits());
    }

    #[test]
    fn within_is_distance_compared((a, b) in pair(), reach in 0.0..20.0_f64) {
        let (p, q) = (prepared(&a), prepared(&b));
        let distance = p.distance(&q);
        let below = distance.next_down();
        for reach in [0.0, reach, reach / 1024.0, distance, below, distance.next_up(), distance.round(), 1e7] {
            prop_assert_eq!(p.within(&q, reach), distance <= reach, "{} for {:?} {:?}", reach, a, b);
            prop_assert_eq!(q.within(&p, reach), distance <= reach, "{} for {:?} {:?}", reach, b, a);
            let expect = (distance <= reach).then_some(distance);
            prop_assert_eq!(p.distance_within(&q, reach), expect, "{} for {:?} {:?}", reach, a, b);
        }
        prop_assert!(!p.within(&q, -1.0) && !p.within(&q, f64::NAN));
        prop_assert!(p.distance_within(&q, -1.0).is_none() && p.distance_within(&q, f64::NAN).is_none());
    }

    #[test]
    fn relation_is_that_of_the_matrix((a, b) in pair()) {
        let ours = relation(&prepared(&a), &prepared(&b));
        prop_assert_eq!(ours, relation_by_matrix(&a, &b), "{:?} {:?}", a, b);
    }

    #[test]
    fn no_box_with_a_near_point_is_pruned((a, b) in pair(), reach in 0.0..6.0_f64) {
        let (p, bounds) = (prepared(&a), prepared(&b).bounds());
        let area = geo_types::Rect::new(bounds.min, bounds.max).to_polygon();
        let distance = brute(&a, &area.into());
        prop_assert!(box_within(&p, &bounds, distance), "{:?} {:?}", a, bounds);
        if distance > reach * 1.5 + 2e-6 {
            prop_assert!(!box_within(&p, &bounds, reach), "{} at {} {:?} {:?}", reach, distance, a, bounds);
        }
    }

    #[test]
    fn no_box_with_a_near_point_is_pruned_on_the_way_down((a, b) in pair(), reach in 0.0..3.0_f64) {
        let (shape, all) = (prepared(&a), prepared(&b).bounds().widened(4.0));
        let mut reached = Vec::new();
        let mut probe = Probe::new(&shape, reach);
        let nearby = probe.start(&all);
        go_down(&mut probe, &nearby, &all, 3, &mut reached);
        for one in lowest(&all, 3) {
            let distance = brute(&a, &geo_types::Rect::new(one.min, one.max).to_polygon().into());
            if distance <= reach {
                prop_assert!(reached.contains(&one), "{:?} of {:?} {:?} at {}", one, a, all, reach);
            } else if distance > reach * 1.5 + 2e-6 {
                prop_assert!(!reached.contains(&one), "{:?} of {:?} {:?} at {}", one, a, all, reach);
            }
        }
    }

    #[test]
    fn slabs_hold_what_the_tree_locates_inside((a, _) in pair()) {
        let Inner::Shape(shape) = prepared(&a).0 else { return Ok(()) };
        let slabs = slabs::Slabs::of(&shape.tree);
        prop_assert!(slabs.is_some() || !shape.tree.has_area || shape.tree.runs().count() > 8);
        // Off the lattice, so on no vertex; those on an edge are nobody's question.
        for (i, k) in (-2..64).flat_map(|i| (-2..64).map(move |k| (f64::from(i), f64::from(k)))) {
            let p = coord! { x: i * 0.25 + 0.11, y: k * 0.25 + 0.07 };
            let place = shape.tree.locate(p);
            if let Some(slabs) = slabs.as_ref().filter(|_| place != Position::Boundary && shape.tree.bounds().contains(p)) {
                prop_assert_eq!(slabs.holds(p), place == Position::Inside, "{:?} in {:?}", p, a);
            }
        }
    }

    #[test]
    fn the_length_inside_is_that_of_the_overlay((a, b) in pair()) {
        let lines = match &a {
            Geometry::LineString(l) => MultiLineString(vec![l.clone()]),
            Geometry::MultiLineString(m) => m.clone(),
            _ => return Ok(()),
        };
        let area = match &b {
            Geometry::Polygon(p) => MultiPolygon(vec![p.clone()]),
            Geometry::MultiPolygon(m) => m.clone(),
            _ => return Ok(()),
        };
        let ours = inside(&prepared(&a), &prepared(&b)).length_m;
        let theirs = overlay::length_inside(&Grid(lines.clone()), &Grid(area));
        prop_assert!((ours - theirs).abs() < 1e-8, "{} not {} for {:?} {:?}", ours, theirs, a, b);
        prop_assert!((prepared(&a).length_m() - Euclidean.length(&lines)).abs() < 1e-9);
    }

    #[test]
    fn cover_holds_every_point((a, _) in pair(), cells_max in 0..40_usize) {
        let boxes = prepared(&a).cover(cells_max);
        prop_assert!(boxes.len() <= cells_max.max(1));
        for c in samples(&a) {
            prop_assert!(boxes.iter().any(|b| b.contains(c)), "{:?} of {:?} {:?}", c, a, boxes);
        }
        let whole = prepared(&a).bounds().widened(2e-6);
        prop_assert!(boxes.iter().all(|b| whole.contains(b.min.into()) && whole.contains(b.max.into())));
    }

    #[test]
    fn depth_is_the_distance_to_the_boundary((a, b) in pair(), c in lattice()) {
        let p = Prepared::point(c);
        let land = prepared(&a);
        let expected = match &a {
            Geometry::Polygon(_) | Geometry::MultiPolygon(_) if a.contains(&Point(c)) =>
                lines(&a).iter().map(|line| Euclidean.distance(&Point(c), line)).fold(f64::INFINITY, f64::min),
            _ => 0.0,
        };
        prop_assert!((depth_inside(&p, &land) - expected).abs() <= 1e-9 * (1.0 + expected));
        // No shape is deeper than the deepest of all points, and touching is not depth.
        let work = prepared(&b);
        let depth = depth_inside(&work, &land);
        prop_assert!(depth >= 0.0 && depth.is_finite());
        if relation(&work, &land) == Relation::Inside && land.dimension() == Dimension::Area {
            prop_assert!(depth > 0.0, "{:?} {:?}", a, b);
        }
        let signed = signed_distance(&work, &land);
        prop_assert_eq!(signed > 0.0, work.distance(&land) > 0.0);
        prop_assert!(depth == 0.0 || signed.to_bits() == (-depth).to_bits());
    }

    #[test]
    fn coordinates_off_the_lattice_agree_too((a, b) in pair(), angle in 0.0..360.0_f64) {
        let (a, b) = (a.rotate_around_point(angle, point!(x: 3.0, y: 5.0)), b);
        let (p, q) = (prepared(&a), prepared(&b));
        let (ours, theirs) = (p.distance(&q), brute(&a, &b));
        prop_assert!((ours - theirs).abs() <= 1e-9 * (1.0 + theirs), "{} not {} for {:?} {:?}", ours, theirs, a, b);
        prop_assert_eq!(p.within(&q, ours), true);
        prop_assert_eq!(p.within(&q, ours.next_down()), false);
    }
}

/// A polygon of `2 × stations + 1` vertices round a winding line across the plane, with its length in metres.
fn corridor(stations: u32, length: f64, half_width: f64, slant_deg: f64) -> Polygon<f64> {
    let mut left = Vec::new();
    let mut right = Vec::new();
    for i in 0..stations {
        let x = length * f64::from(i) / f64::from(stations - 1);
        let y = 250.0 * (x / 900.0).sin() + 90.0 * (x / 310.0).cos();
        left.push(coord! { x: 1_000_000.0 + x, y: 1_300_000.0 + y + half_width });
        right.push(coord! { x: 1_000_000.0 + x, y: 1_300_000.0 + y - half_width });
    }
    right.reverse();
    left.extend(right);
    Polygon::new(LineString(left), vec![]).rotate_around_point(slant_deg, point!(x: 1_000_000.0, y: 1_300_000.0))
}

#[test]
fn a_long_corridor_is_covered_closely() {
    for slant in [0.0, 30.0, 45.0, 80.0, 135.0] {
        let polygon = corridor(50, 20_000.0, 30.0, slant);
        let boxes = prepared(&polygon.clone().into()).cover(64);
        let covered: f64 = boxes.iter().map(|b| (b.max[0] - b.min[0]) * (b.max[1] - b.min[1])).sum();
        assert_eq!(polygon.exterior().0.len(), 101);
        assert!(
            covered < 6.0 * polygon.unsigned_area(),
            "{slant}: {} of {}",
            covered / polygon.unsigned_area(),
            boxes.len()
        );
        for c in samples(&polygon.into()) {
            assert!(boxes.iter().any(|b| b.contains(c)), "{slant}: {c:?}");
        }
    }
}

#[test]
fn compact_shapes_are_one_box() {
    let house = polygon![(x: 0.0, y: 0.0), (x: 12.0, y: 0.0), (x: 12.0, y: 8.0), (x: 0.0, y: 8.0)];
    assert_eq!(prepared(&house.into()).cover(64).len(), 1);
    let block = polygon![(x: 0.0, y: 0.0), (x: 900.0, y: 0.0), (x: 900.0, y: 900.0), (x: 0.0, y: 900.0)];
    assert_eq!(prepared(&block.into()).cover(64).len(), 1);
    let c = coord! { x: 3.0, y: 4.0 };
    assert_eq!(Prepared::point(c).cover(64), vec![Bounds { min: [3.0, 4.0], max: [3.0, 4.0] }]);
}

#[test]
fn a_slanting_line_is_many_small_boxes() {
    let line = line_string![(x: 0.0, y: 0.0), (x: 10_000.0, y: 10_000.0)];
    let boxes = prepared(&line.into()).cover(50);
    let covered: f64 = boxes.iter().map(|b| (b.max[0] - b.min[0]) * (b.max[1] - b.min[1])).sum();
    assert!(boxes.len() > 40 && covered < 1e8 / 25.0, "{} boxes, {covered} m²", boxes.len());
}

#[test]
fn a_large_ring_equals_its_edges() {
    let polygon = corridor(2_500, 80_000.0, 40.0, 33.0);
    assert_eq!(polygon.exterior().0.len(), 5_001);
    let land = prepared(&polygon.clone().into());
    let edges: Vec<_> = polygon.exterior().lines().collect();
    for i in 0..60 {
        let near = edges[i * 83].start;
        for step in [0.0, 0.5, 20.0, 39.0, 41.0, 90.0, 4_000.0] {
            let p = Point(near + coord! { x: step * 0.6, y: -step * 0.8 });
            let to_edges = edges.iter().map(|edge| Euclidean.distance(&p, edge)).fold(f64::INFINITY, f64::min);
            let inside = polygon.intersects(&p);
            let work = Prepared::point(p.0);
            assert!((work.distance(&land) - if inside { 0.0 } else { to_edges }).abs() < 1e-8);
            assert!((depth_inside(&work, &land) - if polygon.contains(&p) { to_edges } else { 0.0 }).abs() < 1e-8);
        }
    }
}

/// Boxes along the middle of a C and in its mouth: pruned only in the mouth.
#[test]
fn boxes_inside_areas_are_kept_and_in_holes_are_not() {
    let yard = polygon!(
        exterior: [(x: 0.0, y: 0.0), (x: 1000.0, y: 0.0), (x: 1000.0, y: 1000.0), (x: 0.0, y: 1000.0)],
        interiors: [[(x: 400.0, y: 400.0), (x: 400.0, y: 600.0), (x: 600.0, y: 600.0), (x: 600.0, y: 400.0)]],
    );
    let land = prepared(&yard.into());
    let at = |x: f64, y: f64| Bounds { min: [x, y], max: [x + 10.0, y + 10.0] };
    assert!(box_within(&land, &at(200.0, 200.0), 5.0));
    assert!(!box_within(&land, &at(495.0, 495.0), 5.0));
    assert!(box_within(&land, &at(495.0, 495.0), 95.0));
    assert!(!box_within(&land, &Bounds::EMPTY, 5.0));
    assert!(box_within(&land, &Bounds { min: [-9.0, -9.0], max: [2000.0, 2000.0] }, 0.0));
    let in_hole = Prepared::point(coord! { x: 490.0, y: 500.0 });
    assert!((in_hole.distance(&land) - 90.0).abs() < 1e-12);
    assert!((signed_distance(&in_hole, &land) - 90.0).abs() < 1e-12);
}

#[test]
fn words_and_depths_of_known_cases() {
    let land = prepared(&polygon![(x: 0.0, y: 0.0), (x: 100.0, y: 0.0), (x: 100.0, y: 60.0), (x: 0.0, y: 60.0)].into());
    let check = |work: Geometry<f64>, word: Relation, signed: f64| {
        let work = prepared(&work);
        assert_eq!(relation(&work, &land), word, "{work:?}");
        assert!((signed_distance(&work, &land) - signed).abs() < 1e-9, "{work:?}");
    };
    check(point!(x: 50.0, y: 20.0).into(), Relation::Inside, -20.0);
    check(point!(x: 100.0, y: 60.0).into(), Relation::Touches, 0.0);
    check(point!(x: 103.0, y: 64.0).into(), Relation::Near, 5.0);
    check(MultiPoint::from(vec![(50.0, 10.0), (50.0, 25.0), (50.0, 90.0)]).into(), Relation::Crosses, -25.0);
    // A line straight through: no vertex inside, the midpoint of the stretch inside is 30 m deep.
    check(line_string![(x: 50.0, y: -500.0), (x: 50.0, y: 160.0)].into(), Relation::Crosses, -30.0);
    check(line_string![(x: 0.0, y: 60.0), (x: 100.0, y: 60.0)].into(), Relation::Touches, 0.0);
    check(line_string![(x: 0.0, y: 30.0), (x: 100.0, y: 30.0)].into(), Relation::Inside, -30.0);
    check(polygon![(x: 100.0, y: 0.0), (x: 120.0, y: 0.0), (x: 120.0, y: 60.0)].into(), Relation::Touches, 0.0);
    check(
        polygon![(x: -9.0, y: -9.0), (x: 300.0, y: -9.0), (x: 300.0, y: 90.0), (x: -9.0, y: 90.0)].into(),
        Relation::Crosses,
        0.0,
    );
}

/// The lines cross 1e-11 m beyond the end of the second; geo's matrix rounds the crossing away.
#[test]
fn a_crossing_shallower_than_rounding_is_still_one() {
    let one = line_string![(x: 431_154.973, y: 1_327_839.720_000_000_2), (x: 431_910.813, y: 1_327_422.6)];
    let other = line_string![(x: 431_532.893, y: 1_327_631.160_000_000_1), (x: 431_677.943, y: 1_328_229.01)];
    let (a, b) = (prepared(&one.into()), prepared(&other.into()));
    assert!(a.within(&b, 0.0));
    assert_eq!((relation(&a, &b), relation(&b, &a)), (Relation::Crosses, Relation::Crosses));
}

#[test]
fn collections_count_as_one_shape_and_empty_ones_as_nothing() {
    let square = |x: f64| polygon![(x: x, y: 0.0), (x: x + 10.0, y: 0.0), (x: x + 10.0, y: 10.0), (x: x, y: 10.0)];
    let parts: Vec<Geometry<f64>> = vec![
        square(0.0).into(),
        square(5.0).into(),
        line_string![(x: 0.0, y: 20.0), (x: 40.0, y: 20.0)].into(),
        point!(x: 100.0, y: 0.0).into(),
    ];
    let all = prepared(&Geometry::GeometryCollection(GeometryCollection(parts)));
    assert_eq!(all.dimension(), Dimension::Area);
    for (x, y, distance) in [(7.0, 5.0, 0.0), (2.0, 5.0, 0.0), (40.0, 23.0, 3.0), (96.0, 3.0, 5.0), (-2.0, 5.0, 2.0)] {
        let p = Prepared::point(coord! { x: x, y: y });
        assert!((p.distance(&all) - distance).abs() < 1e-12, "{x} {y}");
        assert_eq!(relation(&p, &all) == Relation::Near, distance > 0.0, "{x} {y}");
    }
    let empty = prepared(&Geometry::MultiPolygon(MultiPolygon(vec![])));
    assert_eq!((empty.dimension(), empty.cover(9).len(), empty.bounds().is_empty()), (Dimension::Point, 0, true));
    assert!(
        empty.distance(&all).is_infinite()
            && !empty.within(&all, f64::INFINITY)
            && !box_within(&empty, &all.bounds(), 1e9)
    );
    assert_eq!(relation(&empty, &all), Relation::Near);
    assert!(depth_inside(&all, &empty).abs() < f64::EPSILON);
}

#[test]
fn a_point_is_small_and_comes_back() {
    assert!(size_of::<Prepared>() <= 32);
    let p = prepared(&point!(x: 1.0, y: 2.0).into());
    assert_eq!(*p.geometry(), Geometry::Point(point!(x: 1.0, y: 2.0)));
    assert_eq!(p.dimension(), Dimension::Point);
    let many: Geometry<f64> = MultiPoint::from(vec![(1.0, 2.0)]).into();
    assert_eq!(*prepared(&many).geometry(), many);
}

#[test]
fn prepared_shapes_go_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Prepared>();
}
