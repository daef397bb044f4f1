//! Linear referencing: where along a centreline a point lies, how far beside it, and on which side.
//!
//! Chainage is the length along the parts in their order, in metres; gaps between parts have none. `span` has what a
//! whole path has along the line. Nothing here widens a line ([`super::buffer`]) or cuts one ([`super::overlay`]).

mod span;

use geo::Orientation;
use geo::algorithm::kernels::{Kernel, RobustKernel};
use geo_types::{Coord, MultiLineString};

use super::boxes::BoxTree;
use super::{Bounds, Grid};

pub use span::Span;

/// Distances that differ by less are equal, metres: grid coordinates are no finer.
const TIE_M: f64 = 1e-9;

/// Nearest points closer together than this are one place, of which the truly nearest counts, metres.
const ONE_PLACE_M: f64 = 0.1;

/// A side of a line, seen in its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// On the line itself, or straight beyond an end.
    On,
}

/// Where a point lies against a centreline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Located {
    /// Chainage of the nearest point of the centreline, metres; the smallest where several are equally near.
    pub chainage_m: f64,
    /// Distance to it, metres, never negative.
    pub offset_m: f64,
    /// The side on which the point lies.
    pub side: Side,
}

/// One segment of positive length.
#[derive(Debug, Clone)]
struct Segment {
    start: Coord<f64>,
    end: Coord<f64>,
    from_m: f64,
    length_m: f64,
    /// Where the line comes from and goes on to, unless it starts or ends here.
    before: Option<Coord<f64>>,
    after: Option<Coord<f64>>,
}

impl Segment {
    /// How far along the segment the point nearest to `p` lies, metres, and that point.
    fn nearest(&self, p: Coord<f64>) -> (f64, Coord<f64>) {
        let (d, to) = (self.end - self.start, p - self.start);
        let along = (d.x * to.x + d.y * to.y) / self.length_m;
        if along <= 0.0 {
            (0.0, self.start)
        } else if along >= self.length_m {
            (self.length_m, self.end)
        } else {
            (along, self.start + d * (along / self.length_m))
        }
    }

    fn distance_squared(&self, p: Coord<f64>) -> f64 {
        let off = p - self.nearest(p).1;
        off.x * off.x + off.y * off.y
    }
}

/// A centreline prepared for many questions.
#[derive(Debug, Clone)]
pub struct Chainage {
    segments: Vec<Segment>,
    tree: BoxTree,
    length_m: f64,
}

impl Chainage {
    /// Prepares `centreline`; nothing when it has no length.
    #[must_use]
    pub fn of(centreline: &Grid<MultiLineString<f64>>) -> Option<Self> {
        let mut segments: Vec<Segment> = Vec::new();
        let mut length_m = 0.0;
        // Where the polyline began that is being read; parts that follow each other are one.
        let mut first = 0;
        for part in &centreline.0 {
            for line in part.lines() {
                let span = line.end - line.start;
                let length = span.x.hypot(span.y);
                if length <= 0.0 || !length.is_finite() {
                    continue;
                }
                let mut new = Segment {
                    start: line.start,
                    end: line.end,
                    from_m: length_m,
                    length_m: length,
                    before: None,
                    after: None,
                };
                if let Some(last) = segments.last_mut().filter(|last| last.end == line.start) {
                    last.after = Some(line.end);
                    new.before = Some(last.start);
                } else {
                    close(&mut segments[first..]);
                    first = segments.len();
                }
                length_m += length;
                segments.push(new);
            }
        }
        close(&mut segments[first..]);
        let tree = BoxTree::new(segments.iter().map(|s| Bounds::of([s.start, s.end])).collect());
        (!segments.is_empty()).then_some(Self { segments, tree, length_m })
    }

    /// The length of all parts, metres.
    #[must_use]
    pub fn length_m(&self) -> f64 {
        self.length_m
    }

    /// The line again, as a part for each segment: what is made of it is the same.
    #[must_use]
    pub fn line(&self) -> MultiLineString<f64> {
        self.segments.iter().map(|s| geo_types::LineString::from(vec![s.start, s.end])).collect()
    }

    /// Calls `each` for every segment whose box meets `window`.
    pub fn each_segment(&self, window: &Bounds, mut each: impl FnMut([Coord<f64>; 2])) {
        self.tree.meeting(window, |i| each([self.segments[i].start, self.segments[i].end]));
    }

    /// Where `p` lies against the centreline.
    #[must_use]
    pub fn locate(&self, p: Coord<f64>) -> Located {
        self.locate_on(p).0
    }

    /// The same, with the number of the segment that is nearest.
    fn locate_on(&self, p: Coord<f64>) -> (Located, usize) {
        let offset_m = self.tree.nearest(p, |i| self.segments[i].distance_squared(p)).sqrt();
        let window = Bounds::of([p]).widened(offset_m + TIE_M);
        let mut tied: Vec<(f64, usize)> = Vec::new();
        self.tree.meeting(&window, |i| {
            let distance = self.segments[i].distance_squared(p).sqrt();
            if distance <= offset_m + TIE_M {
                tied.push((distance, i));
            }
        });
        // The truly nearest of those that are at one place with the first along the line: beside a vertex both of
        // its segments tie, and only one of them has the right chainage.
        let chosen = tied.first().copied().unwrap_or((offset_m, 0));
        let place = self.segments[chosen.1].nearest(p).1;
        let near = tied.into_iter().filter(|(_, i)| {
            let apart = self.segments[*i].nearest(p).1 - place;
            apart.x.hypot(apart.y) <= ONE_PLACE_M
        });
        let (offset_m, i) = near.fold(chosen, |best, next| if next.0 < best.0 { next } else { best });
        let segment = &self.segments[i];
        let along = segment.nearest(p).0;
        let side = if offset_m <= TIE_M { Side::On } else { side_of(segment, along, p) };
        (Located { chainage_m: segment.from_m + along, offset_m, side }, i)
    }

    /// The point at `chainage_m`; at a gap the end of the part before it. Nothing outside 0 … length, give or take
    /// a micrometre of rounding.
    #[must_use]
    pub fn point_at(&self, chainage_m: f64) -> Option<Coord<f64>> {
        if !(-1e-6..=self.length_m + 1e-6).contains(&chainage_m) {
            return None;
        }
        let i = self.segments.partition_point(|s| s.from_m + s.length_m < chainage_m).min(self.segments.len() - 1);
        let s = &self.segments[i];
        let along = (chainage_m - s.from_m).clamp(0.0, s.length_m);
        Some(if along >= s.length_m { s.end } else { s.start + (s.end - s.start) * (along / s.length_m) })
    }
}

/// Tells the ends of a closed polyline of each other.
fn close(polyline: &mut [Segment]) {
    if let [first, .., last] = polyline
        && first.start == last.end
    {
        first.before = Some(last.start);
        last.after = Some(first.end);
    }
}

fn side_by(a: Coord<f64>, b: Coord<f64>, p: Coord<f64>) -> Side {
    match RobustKernel::orient2d(a, b, p) {
        Orientation::CounterClockwise => Side::Left,
        Orientation::Clockwise => Side::Right,
        Orientation::Collinear => Side::On,
    }
}

/// The side of `p` whose nearest point lies `along` metres on `segment`. At a vertex the segment alone can be wrong:
/// in the outer wedge of a sharp bend `p` may lie to the left of one segment and to the right of the other; it is
/// then on the outer side.
fn side_of(segment: &Segment, along: f64, p: Coord<f64>) -> Side {
    let own = side_by(segment.start, segment.end, p);
    let bend = if along <= 0.0 {
        segment.before.map(|before| (before, segment.start, segment.end))
    } else if along >= segment.length_m {
        segment.after.map(|after| (segment.start, segment.end, after))
    } else {
        None
    };
    let Some((a, b, c)) = bend else { return own };
    match (side_by(a, b, p), side_by(b, c, p)) {
        (first, second) if first == second => first,
        (Side::On, other) | (other, Side::On) => other,
        (first, _) => match side_by(a, b, c) {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
            // It turns back in itself: both sides are outside.
            Side::On => first,
        },
    }
}

/// Where `p` lies against `centreline`; nothing when that has no length. For many points prepare a [`Chainage`].
#[must_use]
pub fn locate(centreline: &Grid<MultiLineString<f64>>, p: Coord<f64>) -> Option<Located> {
    Chainage::of(centreline).map(|prepared| prepared.locate(p))
}

/// The point of `centreline` at `chainage_m`; nothing outside 0 … its length.
#[must_use]
pub fn point_at(centreline: &Grid<MultiLineString<f64>>, chainage_m: f64) -> Option<Coord<f64>> {
    Chainage::of(centreline)?.point_at(chainage_m)
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo_types::LineString;
    use proptest::prelude::*;

    fn grid(parts: &[&[(f64, f64)]]) -> Grid<MultiLineString<f64>> {
        Grid(MultiLineString(parts.iter().map(|p| LineString::from(p.to_vec())).collect()))
    }

    fn check(parts: &[&[(f64, f64)]], p: (f64, f64), chainage: f64, offset: f64, side: Side) {
        let got = locate(&grid(parts), Coord { x: p.0, y: p.1 }).unwrap();
        assert!((got.chainage_m - chainage).abs() < 1e-9, "{p:?}: {got:?}");
        assert!((got.offset_m - offset).abs() < 1e-9, "{p:?}: {got:?}");
        assert_eq!(got.side, side, "{p:?}: {got:?}");
    }

    #[test]
    fn locates_points_in_every_position() {
        use Side::{Left, On, Right};
        let line: &[&[(f64, f64)]] = &[&[(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)], &[(200.0, 100.0), (300.0, 100.0)]];
        check(line, (30.0, 4.0), 30.0, 4.0, Left);
        check(line, (30.0, -4.0), 30.0, 4.0, Right);
        check(line, (30.0, 0.0), 30.0, 0.0, On);
        check(line, (103.0, -4.0), 100.0, 5.0, Right);
        check(line, (-3.0, 4.0), 0.0, 5.0, Left);
        check(line, (-3.0, 0.0), 0.0, 3.0, On);
        // The second part goes on where the first ended: the gap has no chainage.
        check(line, (230.0, 93.0), 230.0, 7.0, Right);
        // Equally near to two places: the first counts.
        check(line, (90.0, 10.0), 90.0, 10.0, Left);
        check(line, (150.0, 100.0), 200.0, 50.0, Right);
        // A hairpin to the left: the wedge lies to the left of the second segment, yet on the outer side.
        let hairpin: &[&[(f64, f64)]] = &[&[(0.0, 0.0), (100.0, 0.0)], &[(100.0, 0.0), (0.0, 10.0)]];
        check(hairpin, (105.0, 1.0), 100.0, 26f64.sqrt(), Right);
        check(hairpin, (105.0, -1.0), 100.0, 26f64.sqrt(), Right);
        // A closed line has a bend where it closes.
        let square: &[&[(f64, f64)]] = &[&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0), (0.0, 0.0)]];
        check(square, (-3.0, -4.0), 0.0, 5.0, Right);
        check(square, (5.0, 5.0), 5.0, 5.0, Left);
        assert_eq!(locate(&grid(&[&[(1.0, 1.0), (1.0, 1.0)]]), Coord { x: 0.0, y: 0.0 }), None);
        assert_eq!(locate(&grid(&[]), Coord { x: 0.0, y: 0.0 }), None);
    }

    #[test]
    fn finds_the_point_of_a_chainage() {
        let line = grid(&[&[(0.0, 0.0), (100.0, 0.0)], &[(200.0, 0.0), (200.0, 50.0)]]);
        let table = [
            (-1.0, None),
            (0.0, Some((0.0, 0.0))),
            (30.0, Some((30.0, 0.0))),
            (100.0, Some((100.0, 0.0))),
            (101.0, Some((200.0, 1.0))),
            (150.0, Some((200.0, 50.0))),
            (151.0, None),
            (f64::NAN, None),
        ];
        for (chainage, expect) in table {
            assert_eq!(point_at(&line, chainage), expect.map(|(x, y)| Coord { x, y }), "{chainage}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Along a line that runs east, a point beside it is found again where it was put, side and all.
        #[test]
        fn finds_back_what_was_put_beside_the_line(
            steps in prop::collection::vec((5.0..100.0f64, -50.0..50.0f64), 1..40),
            which in any::<prop::sample::Index>(),
            t in 0.1..0.9f64,
            offset in 0.001..0.2f64,
            left in any::<bool>(),
        ) {
            let mut at = Coord { x: 500_000.0, y: 1_300_000.0 };
            let mut line = vec![at];
            for (x, y) in steps {
                at = at + Coord { x, y };
                line.push(at);
            }
            let i = which.index(line.len() - 1);
            let d = line[i + 1] - line[i];
            let length = d.x.hypot(d.y);
            let out = Coord { x: -d.y, y: d.x } * (if left { offset } else { -offset } / length);
            let p = line[i] + d * t + out;
            let before: f64 = line[..=i].windows(2).map(|w| (w[1] - w[0]).x.hypot((w[1] - w[0]).y)).sum();
            let centreline = Grid(MultiLineString(vec![LineString(line)]));
            let got = locate(&centreline, p).unwrap();
            prop_assert!((got.chainage_m - before - t * length).abs() < 1e-6, "{:?}", got);
            prop_assert!((got.offset_m - offset).abs() < 1e-6, "{:?}", got);
            prop_assert_eq!(got.side, if left { Side::Left } else { Side::Right });
            let back = point_at(&centreline, got.chainage_m).unwrap() - (p - out);
            prop_assert!(back.x.hypot(back.y) < 1e-6);
        }

        /// On any line the offset is the smallest over all segments, and the point of the chainage is that far away.
        #[test]
        fn offset_is_the_distance_to_the_point_of_the_chainage(
            line in prop::collection::vec((0.0..100.0f64, 0.0..100.0f64), 2..60),
            (x, y) in (-20.0..120.0f64, -20.0..120.0f64),
        ) {
            let centreline = grid(&[&line]);
            let p = Coord { x, y };
            let got = locate(&centreline, p).unwrap();
            let prepared = Chainage::of(&centreline).unwrap();
            let least = prepared.segments.iter().map(|s| s.distance_squared(p).sqrt()).fold(f64::INFINITY, f64::min);
            prop_assert!((got.offset_m - least).abs() < 1e-9);
            let to = point_at(&centreline, got.chainage_m).unwrap() - p;
            prop_assert!((to.x.hypot(to.y) - got.offset_m).abs() < 1e-6);
        }
    }
}
