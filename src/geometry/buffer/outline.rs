//! The outline of what a piece of the centreline sees before any other piece is nearer.
//!
//! From ray to ray the end of a cell is smooth but for corners, which are worked out; between them it is sampled as
//! finely as its curve asks. How far a single ray goes is the matter of [`super::cells`].

use geo_types::Coord;

use super::cells::{Cell, GRAZING_M, Ray, TIE_M, cross, dot};

/// How far the sampled edge of a cell may run beside the true one, metres.
const EDGE_ERROR_M: f64 = 0.002;

/// Corners are looked at from this far on either side, metres: at a corner itself rounding would decide.
const BESIDE_CORNER_M: f64 = 1e-5;

/// No cell is drawn with more points between two corners than about this many: only rounding asks for more.
const POINTS_MAX: usize = 5_000;

/// A corner is hidden when something is nearer by more than this, metres.
const HIDDEN_M: f64 = 0.001;

/// Points of a cell's edge nearer than this to the straight way between their neighbours are left out, metres.
const STRAIGHT_M: f64 = 1e-6;

/// Between two corners at least 2^this pieces are looked at, so that a dip between two samples is seen.
const DEPTH_MIN: u32 = 2;

/// And at most 2^this: of the longest end of a line round the earth no half is longer than a sample then. Of numbers so large that
/// no two lie nearer to each other there is no end.
const DEPTH_MAX: u32 = 40;

/// Samples nearer than this to each other are not divided further, metres.
const SAMPLES_APART_M: f64 = 0.001;

impl Cell {
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

    /// The ray on which the piece of `other` takes over first, and how far out, where that may be between two corners:
    /// halfway to a vertex, or from a vertex halfway to a line.
    fn deepest(&self, other: &Cell) -> Option<(f64, f64)> {
        match (self, other) {
            (_, Cell::Fan { apex, .. }) => Some((self.ray_through(*apex), self.distance(*apex) / 2.0)),
            (Cell::Fan { apex, .. }, Cell::Strip { start, normal, .. }) => {
                Some((self.ray_through(*apex - *normal), dot(*normal, *apex - *start) / 2.0))
            }
            _ => None,
        }
    }

    /// Where the piece of another cell goes through the apex of a fan, that cell begins there, in these directions.
    fn corners_at_apex(&self, other: &Cell) -> Vec<f64> {
        let Cell::Fan { apex, .. } = *self else { return Vec::new() };
        let directions = match *other {
            Cell::Strip { start, along, length, normal, .. } => {
                let u = dot(along, apex - start);
                let touches = u >= -TIE_M && u <= length + TIE_M && dot(normal, apex - start).abs() <= TIE_M;
                if touches { vec![along, along * -1.0, normal] } else { Vec::new() }
            }
            Cell::Fan { apex: vertex, from, to, .. } => {
                if dot(vertex - apex, vertex - apex) <= TIE_M * TIE_M {
                    vec![from, to]
                } else {
                    Vec::new()
                }
            }
        };
        directions.into_iter().map(|d| self.ray_through(apex + d)).collect()
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
        let mut add = |x: f64, r: f64| {
            let inside = x > beside && x < size - beside && r >= -GRAZING_M && r <= limit + GRAZING_M;
            if inside && !(is_hidden(x - beside, r) && is_hidden(x + beside, r)) {
                at.push(x);
            }
        };
        let mut add_on = |edge: Ray, out: f64, most: f64| {
            // Also false where `out` is not a number: the two never meet.
            if out >= 0.0 && out <= most && out.is_finite() {
                let p = edge.at(out);
                add(self.ray_through(p), self.distance(p));
            }
        };
        for other in others {
            for side in other.sides() {
                let [near, far] = self.away(side, limit);
                for out in [0.0, self.level_with(side), near, far] {
                    add_on(side, out, f64::INFINITY);
                }
            }
            if let Some((base, length)) = other.base() {
                for out in self.away(base, limit).into_iter().chain(self.away(base, 0.0)) {
                    add_on(base, out, length);
                }
            }
        }
        for (x, r) in others.iter().filter_map(|o| self.deepest(o)) {
            add(x, r);
        }
        at.extend(others.iter().flat_map(|o| self.corners_at_apex(o)).filter(|x| *x > beside && *x < size - beside));
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
        if length < SAMPLES_APART_M || ring.len() > most || depth >= DEPTH_MAX {
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
