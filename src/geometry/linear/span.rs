//! What a path has along a centreline: the smallest and largest chainage, the smallest offset and the sides, of all its
//! points and not of its vertices alone.
//!
//! The square of the distance from a point of a straight piece of path to one segment of the centreline is made of at
//! most three parabolas in the way along the piece: to the start of the segment, to the segment, to its end. The lowest
//! of the parabolas of all segments near the piece says which place of the centreline is nearest where (a lower
//! envelope); where two of them cut each other the chainage may jump, and between two cuts it is linear or constant.
//! So the ends of the stretches between cuts have the extremes. The cuts are roots of quadratic equations: chainages
//! and offsets are exact but for rounding (tests: a micrometre), except where two places of the centreline are equally
//! near within a nanometre over some way, for there [`Chainage::locate`]'s choice is no more exact either.

use geo_types::Coord;

use super::{Chainage, Located, ONE_PLACE_M, Segment, Side, TIE_M, side_of};
use crate::geometry::Bounds;

/// A path is taken in pieces of about this length, or of its distance from the centreline where that is more, metres:
/// then few segments can be nearest to a piece, and numbers stay small.
const PIECE_M: f64 = 100.0;

/// A place of the centreline that is nearest over a shorter stretch of the path is so by rounding only, metres.
const SHORTEST_M: f64 = 1e-6;

/// What a path has along a centreline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Smallest chainage, metres.
    pub from_m: f64,
    /// Largest chainage, metres.
    pub to_m: f64,
    /// Smallest distance from the centreline, metres; 0 exactly where the path crosses it.
    pub offset_m: f64,
    /// Some of the path lies to the left.
    pub left: bool,
    /// Some of the path lies to the right.
    pub right: bool,
}

impl Span {
    fn of(located: &Located) -> Self {
        let Located { chainage_m, offset_m, side } = *located;
        let (left, right) = (side == Side::Left, side == Side::Right);
        Self { from_m: chainage_m, to_m: chainage_m, offset_m, left, right }
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            from_m: self.from_m.min(other.from_m),
            to_m: self.to_m.max(other.to_m),
            offset_m: self.offset_m.min(other.offset_m),
            left: self.left || other.left,
            right: self.right || other.right,
        }
    }

    fn chainage(&mut self, chainage_m: f64) {
        self.from_m = self.from_m.min(chainage_m);
        self.to_m = self.to_m.max(chainage_m);
    }
}

/// A place of the centreline that can be nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Between,
    End,
}

/// The square of the distance to a place, `t` metres along a piece of path: `(x + c·t)² + (y + k·t)²`.
#[derive(Debug, Clone, Copy)]
struct Parabola {
    segment: usize,
    place: Place,
    /// Beyond the place along the segment; nothing between its ends.
    x: f64,
    c: f64,
    /// To the left of the segment.
    y: f64,
    k: f64,
    /// Chainage of the place at `t = 0`, and what it grows by.
    chainage_m: f64,
    slope: f64,
}

impl Parabola {
    /// `c² + k²`; exactly 1 for a vertex, so that those of two vertices cancel out.
    fn square(&self) -> f64 {
        if self.place == Place::Between { self.k * self.k } else { 1.0 }
    }

    fn distance(&self, t: f64) -> f64 {
        (self.x + self.c * t).hypot(self.y + self.k * t)
    }

    fn chainage_at(&self, t: f64) -> f64 {
        self.chainage_m + self.slope * t
    }

    /// Where this and `other` are equally high between `from` and `to`, at most two places in no order.
    fn cuts(&self, other: &Self, from: f64, to: f64) -> [f64; 2] {
        // Near the middle numbers are finer.
        let middle = f64::midpoint(from, to);
        let at = |p: &Self| (p.x + p.c * middle, p.y + p.k * middle);
        let ((fx, fy), (gx, gy)) = (at(self), at(other));
        let a = self.square() - other.square();
        let half_b = (fx * self.c + fy * self.k) - (gx * other.c + gy * other.k);
        let c = (fx - gx) * (fx + gx) + (fy - gy) * (fy + gy);
        let root = (half_b * half_b - a * c).sqrt();
        let q = -(half_b + root.copysign(half_b));
        [middle + q / a, middle + c / q]
    }
}

/// A stretch of the piece over which one place is nearest.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: f64,
    to: f64,
    nearest: Parabola,
}

fn dot(a: Coord<f64>, b: Coord<f64>) -> f64 {
    a.x * b.x + a.y * b.y
}

/// More than 0 where `b` turns to the left of `a`.
fn cross(a: Coord<f64>, b: Coord<f64>) -> f64 {
    a.x * b.y - a.y * b.x
}

/// A straight piece of path.
struct Piece<'a> {
    segments: &'a [Segment],
    start: Coord<f64>,
    along: Coord<f64>,
    length: f64,
}

impl Piece<'_> {
    fn at(&self, t: f64) -> Coord<f64> {
        self.start + self.along * t
    }

    /// The parabolas of one segment.
    fn parabolas(&self, segment: usize) -> Vec<Stretch> {
        let ground = &self.segments[segment];
        let unit = (ground.end - ground.start) / ground.length_m;
        let to = self.start - ground.start;
        let (x, y) = (dot(to, unit), cross(unit, to));
        let (c, k) = (dot(self.along, unit), cross(unit, self.along));
        let mut ends = [-x / c, (ground.length_m - x) / c];
        ends.sort_by(f64::total_cmp);
        let mut found: Vec<Stretch> = Vec::with_capacity(3);
        let mut from = 0.0;
        for end in ends.into_iter().chain([f64::INFINITY]) {
            // A piece straight across a segment has no such ends, but infinities or nothing.
            let to = if end.is_nan() { from } else { end.clamp(from, self.length) };
            if to > from {
                let at = x + c * f64::midpoint(from, to);
                let (place, x, c, chainage_m, slope) = if at < 0.0 {
                    (Place::Start, x, c, ground.from_m, 0.0)
                } else if at > ground.length_m {
                    (Place::End, x - ground.length_m, c, ground.from_m + ground.length_m, 0.0)
                } else {
                    (Place::Between, 0.0, 0.0, ground.from_m + x, c)
                };
                found.push(Stretch { from, to, nearest: Parabola { segment, place, x, c, y, k, chainage_m, slope } });
            }
            from = to;
        }
        found
    }

    /// The lower of two envelopes, each over the whole piece.
    fn lower(a: &[Stretch], b: &[Stretch]) -> Vec<Stretch> {
        let mut found: Vec<Stretch> = Vec::with_capacity(a.len() + b.len());
        let (mut i, mut j, mut from) = (0, 0, 0.0);
        while let (Some(f), Some(g)) = (a.get(i), b.get(j)) {
            let to = f.to.min(g.to);
            let mut cuts = f.nearest.cuts(&g.nearest, from, to);
            cuts.sort_by(f64::total_cmp);
            let begin = from;
            for cut in cuts.into_iter().filter(|cut| begin < *cut && *cut < to).chain([to]) {
                let nearest = Self::nearer(&f.nearest, &g.nearest, from, cut);
                match found.last_mut() {
                    Some(last) if (last.nearest.segment, last.nearest.place) == (nearest.segment, nearest.place) => {
                        last.to = cut;
                    }
                    _ => found.push(Stretch { from, to: cut, nearest }),
                }
                from = cut;
            }
            i += usize::from(f.to <= to);
            j += usize::from(g.to <= to);
        }
        found
    }

    /// The nearer of two that do not cut each other between `from` and `to`; where both are equally near, the first
    /// along the centreline.
    fn nearer(f: &Parabola, g: &Parabola, from: f64, to: f64) -> Parabola {
        let middle = f64::midpoint(from, to);
        // They may touch in one place, so where they differ most is asked.
        let places = [f64::midpoint(from, middle), middle, f64::midpoint(middle, to)];
        let (differ, t) = places.into_iter().fold((0.0_f64, middle), |most, t| {
            let differ = f.distance(t) - g.distance(t);
            if differ.abs() > most.0.abs() { (differ, t) } else { most }
        });
        let on = g.chainage_at(t) - f.chainage_at(t);
        // Beside a vertex both of its segments tie, and only the truly nearest has the right chainage.
        let first = if differ.abs() <= TIE_M && on.abs() > ONE_PLACE_M { on > 0.0 } else { differ <= 0.0 };
        if first { *f } else { *g }
    }

    /// Adds a stretch to what is known of the path.
    fn add(&self, stretch: &Stretch, span: &mut Span) {
        let Stretch { from, to, nearest } = stretch;
        let segment = &self.segments[nearest.segment];
        // Rounding leads beyond no end of the segment.
        let on_segment = |m: f64| m.clamp(segment.from_m, segment.from_m + segment.length_m);
        span.chainage(on_segment(nearest.chainage_at(*from)));
        span.chainage(on_segment(nearest.chainage_at(*to)));
        let lowest = -(nearest.x * nearest.c + nearest.y * nearest.k) / nearest.square();
        let lowest = if lowest.is_nan() { *from } else { lowest.clamp(*from, *to) };
        let left = |t: f64| nearest.y + nearest.k * t;
        let crosses = nearest.place == Place::Between && left(*from) * left(*to) < 0.0;
        span.offset_m = if crosses { 0.0 } else { span.offset_m.min(nearest.distance(lowest)) };
        // Where it passes from one side to the other: over the line, or straight beyond an end of it.
        let passes = (-nearest.y / nearest.k).clamp(*from, *to);
        let passes = if passes.is_nan() { *from } else { passes };
        for (from, to) in [(*from, passes), (passes, *to)] {
            if (span.left && span.right) || to - from <= TIE_M {
                continue;
            }
            let t = f64::midpoint(from, to);
            let lone_end = match nearest.place {
                Place::Start => segment.before.is_none(),
                Place::End => segment.after.is_none(),
                Place::Between => false,
            };
            // On the line, or straight beyond an end of it, but for rounding.
            if nearest.distance(t) <= TIE_M || (lone_end && left(t).abs() <= TIE_M) {
                continue;
            }
            let along = match nearest.place {
                Place::Start => 0.0,
                Place::End => segment.length_m,
                Place::Between => segment.length_m / 2.0,
            };
            match side_of(segment, along, self.at(t)) {
                Side::Left => span.left = true,
                Side::Right => span.right = true,
                Side::On => {}
            }
        }
    }
}

impl Chainage {
    /// What `path`, a line through these positions, has along the centreline; nothing without a position. The points of
    /// the path are all looked at, not its vertices alone.
    #[must_use]
    pub fn span(&self, path: &[Coord<f64>]) -> Option<Span> {
        let (located, mut nearest) = self.locate_on(*path.first()?);
        let mut span = Span::of(&located);
        for ends in path.windows(2) {
            let d = ends[1] - ends[0];
            let length = d.x.hypot(d.y);
            if length <= 0.0 {
                continue;
            }
            let along = d / length;
            let mut from = 0.0;
            while from < length {
                let start = ends[0] + along * from;
                let near = self.segments[nearest].distance_squared(start).sqrt();
                let left = length - from;
                // No short rest: it would cost as much as a whole piece.
                let step = if left <= 1.5 * PIECE_M.max(near) { left } else { PIECE_M.max(near) };
                nearest = self.span_of_piece(start, along, step, nearest, &mut span);
                from += step;
            }
        }
        Some(span)
    }

    /// Adds a straight piece; `known` is any segment, better a near one. Gives the segment nearest to its end.
    fn span_of_piece(&self, start: Coord<f64>, along: Coord<f64>, length: f64, known: usize, span: &mut Span) -> usize {
        let piece = Piece { segments: &self.segments, start, along, length };
        let middle = piece.at(length / 2.0);
        // The distance to the nearest grows by no more than the way along the piece.
        let near = self.segments[known].distance_squared(middle).sqrt() + length / 2.0 + TIE_M;
        let mut envelope = piece.parabolas(known);
        self.tree.meeting(&Bounds::of([start, piece.at(length)]).widened(near), |i| {
            let far = near + length / 2.0;
            if i != known && self.segments[i].distance_squared(middle) <= far * far {
                envelope = Piece::lower(&envelope, &piece.parabolas(i));
            }
        });
        for stretch in &envelope {
            // Where the path lies on one part of the centreline and another crosses both, rounding makes a stretch of
            // the other at the very crossing.
            if stretch.to - stretch.from >= SHORTEST_M || envelope.len() == 1 {
                piece.add(stretch, span);
            }
        }
        envelope.last().map_or(known, |last| last.nearest.segment)
    }
}

#[cfg(test)]
mod tests;
