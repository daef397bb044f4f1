//! Validity of shapes by OGC 06-103r4 (Simple Feature Access), with the place of every fault.
//!
//! The shape has been read already: rings are closed and long enough, numbers are finite. Here it is looked at as a
//! whole: rings that cross or touch themselves, rings that cross each other, holes outside, parts that overlap, an
//! interior that falls apart. It agrees with PostGIS's `ST_IsValid` (shown in `tests/geometry.rs`).

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use geo::Orientation;
use geo::algorithm::kernels::{Kernel, RobustKernel};
use geo::algorithm::line_intersection::{LineIntersection, line_intersection};
use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::{BoundingRect, CoordsIter};
use geo_types::{Coord, Geometry, Line, LineString, MultiPolygon, Polygon, Rect};

use super::boxes::BoxTree;
use super::{Bounds, Problem};

/// At most this many problems are listed of one shape: enough to mend it, not enough to drown in.
pub const PROBLEMS_MAX: usize = 20;

/// So many meetings of segments are listed and put in order before they are looked at.
const MEETINGS_MAX: usize = 10_000;

/// Everything that makes `shape` invalid; pointers are relative to the GeoJSON geometry object.
#[must_use]
pub fn problems(shape: &Geometry<f64>) -> Vec<Problem> {
    let mut found = Vec::new();
    if shape.coords_count() == 0 {
        found.push(Problem::new("/coordinates", "the geometry is empty"));
    }
    // What follows compares positions, and NaN equals nothing, not even where a ring begins and ends.
    if !shape.coords_iter().all(|c| c.x.is_finite() && c.y.is_finite()) {
        found.push(Problem::new("/coordinates", "a coordinate is not a finite number"));
        return found;
    }
    match shape {
        Geometry::LineString(l) => check_line(l, "/coordinates", &mut found),
        Geometry::MultiLineString(m) => {
            for (i, l) in m.0.iter().enumerate() {
                check_line(l, &format!("/coordinates/{i}"), &mut found);
            }
        }
        Geometry::Polygon(p) => check_area(std::slice::from_ref(p), false, &mut found),
        Geometry::MultiPolygon(MultiPolygon(parts)) => check_area(parts, true, &mut found),
        _ => {}
    }
    found.truncate(PROBLEMS_MAX);
    found
}

fn check_line(line: &LineString<f64>, pointer: &str, found: &mut Vec<Problem>) {
    if line.0.iter().all(|c| Some(c) == line.0.first()) {
        found.push(Problem::new(pointer, "the line has no length: all its positions are the same"));
    }
}

/// One ring of one part, with where it stands in the document.
struct Ring<'a> {
    part: usize,
    hole: bool,
    line: &'a LineString<f64>,
    /// Computed once: a country has thousands of islands, and each is compared with every other.
    bounds: Option<Rect<f64>>,
    pointer: String,
}

/// One segment of one ring.
struct Segment {
    ring: usize,
    index: usize,
    line: Line<f64>,
}

fn check_area(parts: &[Polygon<f64>], multi: bool, found: &mut Vec<Problem>) {
    let rings = rings_of(parts, multi);
    for ring in &rings {
        let mut distinct: Vec<Coord<f64>> = Vec::new();
        for c in &ring.line.0 {
            if !distinct.contains(c) {
                distinct.push(*c);
            }
            if distinct.len() == 3 {
                break;
            }
        }
        if distinct.len() < 3 {
            found.push(Problem::new(&ring.pointer, "the ring has fewer than three different positions"));
        }
    }
    if !found.is_empty() {
        return;
    }
    let mut touches: Vec<(usize, usize, Coord<f64>)> = Vec::new();
    crossings(&rings, found, &mut touches);
    if found.is_empty() {
        nesting(&rings, parts, found);
    }
    if found.is_empty() {
        connectedness(&rings, &touches, found);
    }
}

fn rings_of(parts: &[Polygon<f64>], multi: bool) -> Vec<Ring<'_>> {
    let mut rings = Vec::new();
    for (part, polygon) in parts.iter().enumerate() {
        for (r, line) in std::iter::once(polygon.exterior()).chain(polygon.interiors()).enumerate() {
            let pointer = if multi { format!("/coordinates/{part}/{r}") } else { format!("/coordinates/{r}") };
            rings.push(Ring { part, hole: r > 0, line, bounds: line.bounding_rect(), pointer });
        }
    }
    rings
}

/// Looks exactly at every pair of segments whose boxes meet.
fn crossings(rings: &[Ring<'_>], found: &mut Vec<Problem>, touches: &mut Vec<(usize, usize, Coord<f64>)>) {
    let mut segments: Vec<Segment> = Vec::new();
    for (ring, r) in rings.iter().enumerate() {
        for (index, line) in r.line.lines().enumerate() {
            if line.start != line.end {
                segments.push(Segment { ring, index, line });
            }
        }
    }
    let tree = BoxTree::new(segments.iter().map(|s| Bounds::of([s.line.start, s.line.end])).collect());
    let mut meeting: Vec<(usize, usize)> = Vec::new();
    let listed = tree.pairs_meeting(&mut |earlier, later| {
        let (a, b) = (&segments[earlier], &segments[later]);
        if !follow_each_other(a, b, rings) && line_intersection(a.line, b.line).is_some() {
            meeting.push((later, earlier));
        }
        if meeting.len() < MEETINGS_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    if listed.is_continue() {
        meeting.sort_unstable();
        for (later, earlier) in meeting {
            if found.len() < PROBLEMS_MAX {
                look_at_pair(&segments[later], &segments[earlier], rings, found, touches);
            }
        }
        return;
    }
    // So many are not remembered, but looked at one segment after the other, until there are problems enough.
    for (i, segment) in segments.iter().enumerate() {
        tree.meeting(&Bounds::of([segment.line.start, segment.line.end]), |k| {
            if k < i && found.len() < PROBLEMS_MAX {
                look_at_pair(segment, &segments[k], rings, found, touches);
            }
        });
        if found.len() >= PROBLEMS_MAX {
            return;
        }
    }
}

/// The second segment goes on where the first one ends, and not back over it: they meet there and nowhere else.
fn follow_each_other(a: &Segment, b: &Segment, rings: &[Ring<'_>]) -> bool {
    let turns = |p: &Segment, q: &Segment| {
        p.line.end == q.line.start
            && RobustKernel::orient2d(p.line.start, p.line.end, q.line.end) != Orientation::Collinear
    };
    a.ring == b.ring
        && (a.index + 1 == b.index && turns(a, b)
            || a.index == 0 && b.index + 2 == rings[b.ring].line.0.len() && turns(b, a))
}

fn look_at_pair(
    a: &Segment,
    b: &Segment,
    rings: &[Ring<'_>],
    found: &mut Vec<Problem>,
    touches: &mut Vec<(usize, usize, Coord<f64>)>,
) {
    let Some(meeting) = line_intersection(a.line, b.line) else { return };
    let (at, along) = match meeting {
        LineIntersection::SinglePoint { intersection, .. } => (intersection, false),
        LineIntersection::Collinear { intersection } => (intersection.start, intersection.start != intersection.end),
    };
    let (first, second) = if (a.ring, a.index) <= (b.ring, b.index) { (a, b) } else { (b, a) };
    let ring = &rings[first.ring];
    let pointer = format!("{}/{}", ring.pointer, first.index);
    if first.ring == second.ring {
        if !along && are_neighbours(ring.line, first.index, second.index) {
            return;
        }
        let how = if along { "runs back over itself" } else { "crosses or touches itself" };
        let place = format!(" itself at {}:", written(at));
        if !along && found.iter().any(|p| p.detail.contains(&place)) {
            // A vertex on another segment meets it with both of its own segments: one fault, said once.
            return;
        }
        found.push(Problem::new(
            pointer,
            format!(
                "the ring {how} at {}: the segment after position {} meets the one after position {}",
                written(at),
                first.index,
                second.index
            ),
        ));
        return;
    }
    let proper = matches!(meeting, LineIntersection::SinglePoint { is_proper: true, .. });
    let other = &rings[second.ring];
    if proper || along || cross_at(&Path::of(ring.line, first.index, at), &Path::of(other.line, second.index, at)) {
        let how = if along { "share an edge" } else { "cross" };
        let detail = format!("two rings {how} at {}: this one and {}", written(at), other.pointer);
        // Where both have a vertex, up to four pairs of segments meet.
        if proper || along || found.iter().all(|p| p.detail != detail) {
            found.push(Problem::new(pointer, detail));
        }
    } else {
        touches.push((first.ring, second.ring, at));
    }
}

/// How a ring passes a point of itself: the positions before and after it.
struct Path {
    before: Coord<f64>,
    at: Coord<f64>,
    after: Coord<f64>,
}

impl Path {
    /// The path of `ring` through `at`, which lies on the segment after position `index`.
    fn of(ring: &LineString<f64>, index: usize, at: Coord<f64>) -> Self {
        let n = ring.0.len() - 1;
        let (mut before, mut after) = (index, index + 1);
        for _ in 0..n {
            if ring.0[before] != at {
                break;
            }
            before = (before + n - 1) % n;
        }
        for _ in 0..n {
            if ring.0[after % n] != at {
                break;
            }
            after += 1;
        }
        Self { before: ring.0[before], at, after: ring.0[after % n] }
    }

    /// Whether `p`, which does not lie on the path near its point, is on the left of it there.
    fn has_on_left(&self, p: Coord<f64>) -> bool {
        let left_of = |a, b, c| RobustKernel::orient2d(a, b, c) == Orientation::CounterClockwise;
        let right_of = |a, b, c| RobustKernel::orient2d(a, b, c) == Orientation::Clockwise;
        if right_of(self.before, self.at, self.after) {
            // A turn to the right: on the right is only the smaller angle.
            !(right_of(self.before, self.at, p) && right_of(self.at, self.after, p))
        } else {
            left_of(self.before, self.at, p) && left_of(self.at, self.after, p)
        }
    }
}

/// Two rings that share a point, but no edge there, pass from one side of each other to the other.
fn cross_at(a: &Path, b: &Path) -> bool {
    b.has_on_left(a.before) != b.has_on_left(a.after)
}

/// A place as people read it: a crossing is computed, so its last digits are noise. 1e-9° is a tenth of a millimetre.
fn written(at: Coord<f64>) -> String {
    let rounded = |v: f64| (v * 1e9).round() / 1e9;
    format!("{}, {}", rounded(at.x), rounded(at.y))
}

/// Two segments of one ring follow each other, whatever repeated positions lie between.
fn are_neighbours(ring: &LineString<f64>, first: usize, second: usize) -> bool {
    let n = ring.0.len() - 1;
    let empty = |i: usize| ring.0[i % n] == ring.0[(i + 1) % n];
    let reaches = |from: usize, to: usize| {
        let mut i = (from + 1) % n;
        while i != to && empty(i) {
            i = (i + 1) % n;
        }
        i == to
    };
    reaches(first, second) || reaches(second, first)
}

/// Where a ring lies against an area whose edges it does not cross.
fn ring_position(ring: &LineString<f64>, area: &Polygon<f64>) -> CoordPos {
    let vertices = ring.0.iter().copied();
    let middles =
        ring.lines().map(|l| Coord { x: f64::midpoint(l.start.x, l.end.x), y: f64::midpoint(l.start.y, l.end.y) });
    vertices
        .chain(middles)
        .map(|c| area.coordinate_position(&c))
        .find(|p| *p != CoordPos::OnBoundary)
        .unwrap_or(CoordPos::OnBoundary)
}

fn boxes_meet(a: &Ring<'_>, b: &Ring<'_>) -> bool {
    match (a.bounds, b.bounds) {
        (Some(a), Some(b)) => {
            a.min().x <= b.max().x && b.min().x <= a.max().x && a.min().y <= b.max().y && b.min().y <= a.max().y
        }
        _ => false,
    }
}

fn nesting(rings: &[Ring<'_>], parts: &[Polygon<f64>], found: &mut Vec<Problem>) {
    for polygon_holes in rings.iter().filter(|r| r.hole) {
        let shell = Polygon::new(parts[polygon_holes.part].exterior().clone(), vec![]);
        if ring_position(polygon_holes.line, &shell) != CoordPos::Inside {
            found.push(Problem::new(&polygon_holes.pointer, "the hole does not lie inside its outer ring"));
        }
        for other in rings.iter().filter(|o| o.hole && o.part == polygon_holes.part) {
            if std::ptr::eq(other.line, polygon_holes.line) || !boxes_meet(other, polygon_holes) {
                continue;
            }
            let as_area = Polygon::new(other.line.clone(), vec![]);
            if ring_position(polygon_holes.line, &as_area) == CoordPos::Inside {
                found.push(Problem::new(
                    &polygon_holes.pointer,
                    format!("the hole lies inside another hole, {}", other.pointer),
                ));
            }
        }
    }
    let shells: Vec<&Ring<'_>> = rings.iter().filter(|r| !r.hole).collect();
    for a in &shells {
        for b in &shells {
            if a.part != b.part && boxes_meet(a, b) && ring_position(a.line, &parts[b.part]) == CoordPos::Inside {
                found.push(Problem::new(&a.pointer, format!("the part lies inside another part, {}", b.pointer)));
            }
        }
    }
}

/// Rings of one part that touch in a circle cut its interior in two.
fn connectedness(rings: &[Ring<'_>], touches: &[(usize, usize, Coord<f64>)], found: &mut Vec<Problem>) {
    let mut node_of_point: HashMap<(usize, u64, u64), usize> = HashMap::new();
    let mut parent: Vec<usize> = (0..rings.len()).collect();
    let mut seen: HashSet<(usize, usize)> = HashSet::new();
    for &(a, b, at) in touches {
        let part = rings[a].part;
        if part != rings[b].part {
            continue;
        }
        let point = *node_of_point.entry((part, at.x.to_bits(), at.y.to_bits())).or_insert_with(|| {
            parent.push(parent.len());
            parent.len() - 1
        });
        for ring in [a, b] {
            if !seen.insert((ring, point)) {
                continue;
            }
            let (r, p) = (root(&mut parent, ring), root(&mut parent, point));
            if r == p {
                found.push(Problem::new(
                    &rings[ring].pointer,
                    format!("the rings touch so that the interior falls apart, last at {}", written(at)),
                ));
                return;
            }
            parent[r] = p;
        }
    }
}

fn root(parent: &mut [usize], mut of: usize) -> usize {
    while parent[of] != of {
        parent[of] = parent[parent[of]];
        of = parent[of];
    }
    of
}

#[cfg(test)]
mod tests {
    use super::*;
    use wkt::TryFromWkt;

    fn check(text: &str, expect: &[(&str, &str)]) {
        let shape = Geometry::<f64>::try_from_wkt_str(text).unwrap();
        let got = problems(&shape);
        assert_eq!(got.len(), expect.len(), "{text}: {got:?}");
        for (problem, (pointer, words)) in got.iter().zip(expect) {
            assert_eq!(&problem.pointer, pointer, "{text}");
            assert!(problem.detail.contains(words), "{text}: {}", problem.detail);
        }
    }

    #[test]
    fn what_is_no_number_is_never_valid() {
        let ring = |x: f64, y: f64| LineString::from(vec![(x, 0.0), (4.0, 0.0), (4.0, y), (x, 0.0)]);
        let sound = || ring(0.0, 4.0);
        for wrong in [ring(f64::NAN, 4.0), ring(0.0, f64::NAN), ring(0.0, f64::INFINITY)] {
            for shape in [
                Geometry::LineString(wrong.clone()),
                Geometry::Polygon(Polygon::new(wrong.clone(), vec![sound()])),
                Geometry::Polygon(Polygon::new(sound(), vec![sound(), wrong.clone()])),
            ] {
                let got = problems(&shape);
                assert!(got[0].detail.contains("not a finite number"), "{shape:?}: {got:?}");
            }
        }
    }

    #[test]
    fn names_the_place_of_every_fault() {
        check("POLYGON((0 0,4 0,4 4,0 4,0 0))", &[]);
        check("POLYGON((0 0,4 0,4 0,4 4,0 4,0 0))", &[]);
        check("POLYGON((0 0,4 4,4 0,0 4,0 0))", &[("/coordinates/0/0", "itself at 2, 2")]);
        check(
            "POLYGON((0 0,4 0,2 0,2 4,0 0))",
            &[("/coordinates/0/0", "runs back over itself"), ("/coordinates/0/0", "itself at 2, 0")],
        );
        check("POLYGON((0 0,4 0,4 4,2 0,0 4,0 0))", &[("/coordinates/0/0", "itself at 2, 0")]);
        check("POLYGON((0 0,9 0,9 9,0 9,0 0),(20 20,21 20,21 21,20 20))", &[("/coordinates/1", "does not lie inside")]);
        check(
            "POLYGON((0 0,9 0,9 9,0 9,0 0),(1 1,5 1,5 5,1 5,1 1),(2 2,3 2,3 3,2 2))",
            &[("/coordinates/2", "inside another hole, /coordinates/1")],
        );
        check("POLYGON((0 0,9 0,9 9,0 9,0 0),(0 4,4 0,4 4,0 4))", &[("/coordinates/1", "falls apart")]);
        check(
            "MULTIPOLYGON(((0 0,9 0,9 9,0 9,0 0)),((1 1,2 1,2 2,1 1)))",
            &[("/coordinates/1/0", "inside another part, /coordinates/0/0")],
        );
        check(
            "MULTIPOLYGON(((0 0,4 0,4 4,0 4,0 0)),((4 1,6 1,6 3,4 3,4 1)))",
            &[("/coordinates/0/0/1", "share an edge")],
        );
        check("MULTIPOLYGON(((0 0,4 0,4 4,0 4,0 0)),((4 4,6 4,6 6,4 4)))", &[]);
        // Every meeting is at a vertex: of one, then of both.
        check(
            "MULTIPOLYGON(((1 3,3 3,1 7,1 3)),((6 0,2 4,1 7,6 0)))",
            &[
                ("/coordinates/0/0/0", "cross at 3, 3: this one and /coordinates/1/0"),
                ("/coordinates/0/0/1", "cross at 1, 7: this one and /coordinates/1/0"),
            ],
        );
        check("LINESTRING(1 1,1 1)", &[("/coordinates", "no length")]);
        check("MULTILINESTRING((0 0,1 1),(2 2,2 2))", &[("/coordinates/1", "no length")]);
        check("POLYGON((0 0,1 1,0 0,0 0))", &[("/coordinates/0", "fewer than three")]);
    }
}
