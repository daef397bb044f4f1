//! Cells: the ground that one piece of a centreline sees, and how far it sees before other pieces are nearer.
//!
//! A strip is what a segment sees on one side, a fan what a vertex sees on the outer side of a bend, or beyond an
//! end. Every point of a cell lies on one ray `foot + r·normal`, and `r` is its distance to the foot. That some
//! other cell holds the point, and its piece is not farther away than `r`, are linear conditions on `r`: for
//! `|v − foot − r·normal| ≤ r` the squares of `r` cancel. So how far a ray goes is a closed formula, and only the
//! way from ray to ray is sampled: exactly at the corners, adaptively between them.

use geo_types::Coord;

use crate::geometry::Bounds;

/// How far the sampled edge of a cell may run beside the true one, metres.
const EDGE_ERROR_M: f64 = 0.002;

/// Corners are looked at from this far on either side, metres: at a corner itself rounding would decide.
const BESIDE_CORNER_M: f64 = 1e-5;

/// A ray that is in a cell for less than this, metres, is in it by rounding. Much less than
/// [`BESIDE_CORNER_M`], because beside a corner a ray is in a cell for no longer than that.
const GRAZING_M: f64 = 1e-8;

/// Pieces whose distances differ by less than this are equally near, metres.
const TIE_M: f64 = 1e-9;

/// No cell is drawn with more points between two corners than about this many: only rounding asks for more.
const POINTS_MAX: usize = 5_000;

/// A corner is hidden when something is nearer by more than this, metres.
const HIDDEN_M: f64 = 0.001;

/// Points of a cell's edge nearer than this to the straight way between their neighbours are left out, metres.
const STRAIGHT_M: f64 = 1e-6;

/// Between two corners at least 2^this pieces are looked at, so that a dip between two samples is seen.
const DEPTH_MIN: u32 = 2;

/// Samples nearer than this to each other are not divided further, metres.
const SAMPLES_APART_M: f64 = 0.001;

pub(super) fn dot(a: Coord<f64>, b: Coord<f64>) -> f64 {
    a.x * b.x + a.y * b.y
}

pub(super) fn cross(a: Coord<f64>, b: Coord<f64>) -> f64 {
    a.x * b.y - a.y * b.x
}

/// `v` turned by a right angle to the left.
pub(super) fn left_of(v: Coord<f64>) -> Coord<f64> {
    Coord { x: -v.y, y: v.x }
}

/// What a piece of the centreline sees.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell {
    /// What a segment sees on one side.
    Strip {
        /// Where the segment starts.
        start: Coord<f64>,
        /// Where it ends.
        end: Coord<f64>,
        /// Its direction, of length 1.
        along: Coord<f64>,
        /// Its length, metres.
        length: f64,
        /// Towards the side, of length 1.
        normal: Coord<f64>,
    },
    /// What a vertex sees between two directions, counterclockwise; at most half a turn.
    Fan {
        /// The vertex.
        apex: Coord<f64>,
        /// The first direction, of length 1.
        from: Coord<f64>,
        /// The last direction, of length 1.
        to: Coord<f64>,
        /// The angle between them, radians.
        angle: f64,
    },
}

/// A half-line: the points `foot + r·normal`.
#[derive(Debug, Clone, Copy)]
struct Ray {
    foot: Coord<f64>,
    normal: Coord<f64>,
}

impl Ray {
    fn at(self, r: f64) -> Coord<f64> {
        self.foot + self.normal * r
    }
}

/// The values of `r` that are still possible.
struct Span {
    low: f64,
    high: f64,
}

impl Span {
    /// Keeps the values where `constant + slope·r ≥ 0`.
    fn keep(&mut self, constant: f64, slope: f64) {
        if slope > 0.0 {
            self.low = self.low.max(-constant / slope);
        } else if slope < 0.0 {
            self.high = self.high.min(-constant / slope);
        } else if constant < 0.0 {
            self.high = f64::NEG_INFINITY;
        }
    }
}

impl Cell {
    pub(super) fn fan(apex: Coord<f64>, from: Coord<f64>, to: Coord<f64>) -> Self {
        // Half a turn can come out as a hair more, which would read as minus half a turn.
        let angle = cross(from, to).atan2(dot(from, to));
        let angle = if angle < -1.0 { std::f64::consts::PI } else { angle.max(0.0) };
        Cell::Fan { apex, from, to, angle }
    }

    /// A polygon round the cell as far as `width`, counterclockwise; strips begin at `inner`. No more than
    /// `error` metres too large.
    pub(super) fn hull(&self, inner: f64, width: f64, error: f64) -> Vec<Coord<f64>> {
        match *self {
            Cell::Strip { start, end, normal, along, .. } => {
                let mut ring =
                    vec![start + normal * inner, end + normal * inner, end + normal * width, start + normal * width];
                if cross(along, normal) < 0.0 {
                    ring.reverse();
                }
                ring
            }
            Cell::Fan { apex, from, to, angle } => {
                let mut ring = vec![apex, apex + from * width];
                arc_round(apex, from, angle, width, error, &mut ring);
                ring.push(apex + to * width);
                ring
            }
        }
    }

    /// The box round the cell as far as `width`.
    pub(super) fn bounds(&self, width: f64) -> Bounds {
        match *self {
            Cell::Strip { start, end, normal, .. } => {
                Bounds::of([start, end, start + normal * width, end + normal * width])
            }
            Cell::Fan { apex, .. } => Bounds::of([apex]).widened(width),
        }
    }

    /// The size of the parameter that numbers the rays: metres along a strip, radians round a fan.
    fn size(&self) -> f64 {
        match *self {
            Cell::Strip { length, .. } => length,
            Cell::Fan { angle, .. } => angle,
        }
    }

    /// The ray number `x`; those of both ends are exact, so that neighbouring cells share them bit for bit.
    fn ray(&self, x: f64) -> Ray {
        match *self {
            Cell::Strip { start, end, along, length, normal } => {
                let foot = if x >= length { end } else { start + along * x };
                Ray { foot, normal }
            }
            Cell::Fan { apex, from, to, angle } => {
                let normal = if x >= angle { to } else { from * x.cos() + left_of(from) * x.sin() };
                Ray { foot: apex, normal }
            }
        }
    }

    /// The number of the ray through `p`; meaningless where `p` is the apex of a fan.
    fn ray_through(&self, p: Coord<f64>) -> f64 {
        match *self {
            Cell::Strip { start, along, .. } => dot(along, p - start),
            Cell::Fan { apex, from, .. } => cross(from, p - apex).atan2(dot(from, p - apex)),
        }
    }

    /// The two rays at the sides of the cell.
    fn sides(&self) -> [Ray; 2] {
        [self.ray(0.0), self.ray(f64::INFINITY)]
    }

    /// The piece itself as a ray, with its length; a vertex has none.
    fn base(&self) -> Option<(Ray, f64)> {
        match *self {
            Cell::Strip { start, along, length, .. } => Some((Ray { foot: start, normal: along }, length)),
            Cell::Fan { .. } => None,
        }
    }

    /// The smallest `r` at which `ray` is in this cell and this cell's piece is not farther away than `r`.
    fn takes_over(&self, ray: Ray) -> f64 {
        let mut span = Span { low: 0.0, high: f64::INFINITY };
        match *self {
            Cell::Strip { start, along, length, normal, .. } => {
                let (u, u_slope) = (dot(along, ray.foot - start), dot(along, ray.normal));
                let (h, h_slope) = (dot(normal, ray.foot - start), dot(normal, ray.normal));
                span.keep(u, u_slope);
                span.keep(length - u, -u_slope);
                span.keep(h, h_slope);
                // Of two pieces on one line both are nearest; rounding must not choose anew for every ray.
                span.keep(TIE_M - h, 1.0 - h_slope);
            }
            Cell::Fan { apex, from, to, .. } => {
                let d = ray.foot - apex;
                span.keep(cross(from, d), cross(from, ray.normal));
                span.keep(cross(d, to), cross(ray.normal, to));
                span.keep(-dot(d, d), -2.0 * dot(ray.normal, d));
            }
        }
        // A ray that only grazes the cell, above all where both begin at one vertex, is not in it.
        if span.high - span.low > GRAZING_M { span.low } else { f64::INFINITY }
    }

    /// How far out on `side`, the side of another cell, the other piece is exactly as near as this one.
    fn level_with(&self, side: Ray) -> f64 {
        match *self {
            Cell::Strip { start, normal, .. } => dot(normal, side.foot - start) / (1.0 - dot(normal, side.normal)),
            Cell::Fan { apex, .. } => {
                let d = side.foot - apex;
                -dot(d, d) / (2.0 * dot(side.normal, d))
            }
        }
    }

    /// How far out on `edge` this piece is `distance` away.
    fn away(&self, edge: Ray, distance: f64) -> [f64; 2] {
        match *self {
            Cell::Strip { start, normal, .. } => {
                let (h, slope) = (dot(normal, edge.foot - start), dot(normal, edge.normal));
                [(distance - h) / slope, f64::NAN]
            }
            Cell::Fan { apex, .. } => {
                let d = edge.foot - apex;
                let half = dot(edge.normal, d);
                let root = (half * half - dot(d, d) + distance * distance).sqrt();
                [-half - root, -half + root]
            }
        }
    }

    fn distance(&self, p: Coord<f64>) -> f64 {
        match *self {
            Cell::Strip { start, normal, .. } => dot(normal, p - start),
            Cell::Fan { apex, .. } => (p - apex).x.hypot((p - apex).y),
        }
    }

    /// The part of the cell, as far as `limit`, in which no cell of `others` is nearer: a ring, not closed.
    pub(super) fn seen_before(&self, others: &[Cell], limit: f64) -> Vec<Coord<f64>> {
        let size = self.size();
        let beside = match self {
            Cell::Strip { .. } => BESIDE_CORNER_M,
            Cell::Fan { .. } => BESIDE_CORNER_M / limit.max(1.0),
        };
        let sampler = Sampler { cell: self, others, limit };
        let mut ring = Vec::new();
        for pair in self.corners(others, limit, beside).windows(2) {
            let (x0, x1) = (pair[0], pair[1]);
            let beside = beside.min((x1 - x0) / 4.0);
            let first = (x0, sampler.reach(x0 + beside));
            let last = (x1, sampler.reach(x1 - beside));
            ring.push(self.ray(x0).at(first.1));
            let most = ring.len() + POINTS_MAX;
            sampler.refine(first, last, (0, most), &mut ring);
            ring.push(self.ray(x1).at(last.1));
        }
        ring.push(self.ray(size).foot);
        if matches!(self, Cell::Strip { .. }) {
            ring.push(self.ray(0.0).foot);
        }
        let mut ring = without_straight_points(&ring);
        let turns_left = match *self {
            Cell::Strip { along, normal, .. } => cross(along, normal) < 0.0,
            Cell::Fan { .. } => true,
        };
        if !turns_left {
            ring.reverse();
        }
        ring
    }

    /// The numbers of the rays at which the end of the cell may bend or jump, with both its sides, in order.
    fn corners(&self, others: &[Cell], limit: f64, beside: f64) -> Vec<f64> {
        let size = self.size();
        let mut at = vec![0.0, size];
        // A corner behind something nearer changes nothing.
        let is_hidden = |x: f64, r: f64| {
            let ray = self.ray(x);
            others.iter().any(|o| o.takes_over(ray) < r - HIDDEN_M)
        };
        let mut add = |edge: Ray, out: f64, most: f64| {
            // Also false where `out` is not a number: the two never meet.
            if out >= 0.0 && out <= most && out.is_finite() {
                let p = edge.at(out);
                let (x, r) = (self.ray_through(p), self.distance(p));
                let inside = x > beside && x < size - beside && r >= -GRAZING_M && r <= limit + GRAZING_M;
                if inside && !(is_hidden(x - beside, r) && is_hidden(x + beside, r)) {
                    at.push(x);
                }
            }
        };
        for other in others {
            for side in other.sides() {
                let [near, far] = self.away(side, limit);
                for out in [0.0, self.level_with(side), near, far] {
                    add(side, out, f64::INFINITY);
                }
            }
            if let Some((base, length)) = other.base() {
                for out in self.away(base, limit).into_iter().chain(self.away(base, 0.0)) {
                    add(base, out, length);
                }
            }
        }
        at.sort_by(f64::total_cmp);
        let mut kept: Vec<f64> = Vec::with_capacity(at.len());
        for x in at {
            if kept.last().is_none_or(|last| x - last > 4.0 * beside) {
                kept.push(x);
            }
        }
        // The far side is part of the ring even when a corner fell next to it.
        if let Some(last) = kept.last_mut().filter(|last| **last > 0.0) {
            *last = size;
        } else {
            kept.push(size);
        }
        kept
    }
}

/// Walks from ray to ray along the end of a cell.
struct Sampler<'a> {
    cell: &'a Cell,
    others: &'a [Cell],
    limit: f64,
}

impl Sampler<'_> {
    fn reach(&self, x: f64) -> f64 {
        let ray = self.cell.ray(x);
        self.others.iter().map(|o| o.takes_over(ray)).fold(self.limit, f64::min)
    }

    fn refine(&self, first: (f64, f64), last: (f64, f64), (depth, most): (u32, usize), ring: &mut Vec<Coord<f64>>) {
        let (p, q) = (self.cell.ray(first.0).at(first.1), self.cell.ray(last.0).at(last.1));
        let chord = q - p;
        let length = chord.x.hypot(chord.y);
        if length < SAMPLES_APART_M || ring.len() > most {
            return;
        }
        let x = f64::midpoint(first.0, last.0);
        let middle = (x, self.reach(x));
        let between = self.cell.ray(x).at(middle.1);
        let off = cross(chord, between - p).abs() / length;
        if depth >= DEPTH_MIN && off <= EDGE_ERROR_M {
            return;
        }
        self.refine(first, middle, (depth + 1, most), ring);
        ring.push(between);
        self.refine(middle, last, (depth + 1, most), ring);
    }
}

/// Points round the arc that starts at `centre + from·radius` and turns left by `angle`, between its ends: the
/// corners of a chain of tangents, so that nothing of the disc is lost and at most `error` metres are gained.
pub(super) fn arc_round(
    centre: Coord<f64>,
    from: Coord<f64>,
    angle: f64,
    radius: f64,
    error: f64,
    ring: &mut Vec<Coord<f64>>,
) {
    if radius <= 0.0 || angle <= 0.0 {
        return;
    }
    let widest = 2.0 * (radius / (radius + error)).acos();
    let pieces = (angle / widest).ceil().clamp(1.0, 10_000.0);
    let step = angle / pieces;
    let out = radius / (step / 2.0).cos();
    let mut k = 0.5;
    while k < pieces {
        let (sin, cos) = (k * step).sin_cos();
        ring.push(centre + (from * cos + left_of(from) * sin) * out);
        k += 1.0;
    }
}

fn without_straight_points(path: &[Coord<f64>]) -> Vec<Coord<f64>> {
    let mut kept: Vec<Coord<f64>> = Vec::with_capacity(path.len());
    for (i, &p) in path.iter().enumerate() {
        if let (Some(&before), Some(&after)) = (kept.last(), path.get(i + 1)) {
            let (whole, part) = (after - before, p - before);
            let length = dot(whole, whole).sqrt();
            let along = dot(whole, part);
            let between = along >= 0.0 && along <= length * length;
            if part == Coord::zero() || (between && cross(whole, part).abs() <= STRAIGHT_M * length) {
                continue;
            }
        }
        kept.push(p);
    }
    kept
}

/// The two convex rings, both counterclockwise, have no more in common than a strip of a micrometre.
pub(super) fn are_apart(a: &[Coord<f64>], b: &[Coord<f64>]) -> bool {
    let divides = |a: &[Coord<f64>], b: &[Coord<f64>]| {
        a.iter().zip(a.iter().cycle().skip(1)).any(|(&p, &q)| {
            let edge = q - p;
            let length = edge.x.hypot(edge.y);
            length > 0.0 && b.iter().all(|&c| cross(edge, c - p) <= 1e-6 * length)
        })
    };
    divides(a, b) || divides(b, a)
}
