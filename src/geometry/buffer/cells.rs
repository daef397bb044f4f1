//! Cells: the ground that one piece of a centreline sees, and how far it sees before other pieces are nearer.
//!
//! A strip is what a segment sees on one side, a fan what a vertex sees on the outer side of a bend, or beyond an
//! end. Every point of a cell lies on one ray `foot + r·normal`, and `r` is its distance to the foot. That some
//! other cell holds the point, and its piece is not farther away than `r`, are linear conditions on `r`: for
//! `|v − foot − r·normal| ≤ r` the squares of `r` cancel. So how far a ray goes is a closed formula; the way from
//! ray to ray is [`super::outline`]'s.

use geo_types::Coord;

use crate::geometry::Bounds;

/// A ray that is in a cell for less than this, metres, is in it by rounding. Much less than
/// the outline keeps away from corners, because beside a corner a ray is in a cell for no longer than that.
pub(super) const GRAZING_M: f64 = 1e-8;

/// Pieces whose distances differ by less than this are equally near, metres.
pub(super) const TIE_M: f64 = 1e-9;

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
pub(super) struct Ray {
    pub(super) foot: Coord<f64>,
    pub(super) normal: Coord<f64>,
}

impl Ray {
    pub(super) fn at(self, r: f64) -> Coord<f64> {
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
    pub(super) fn size(&self) -> f64 {
        match *self {
            Cell::Strip { length, .. } => length,
            Cell::Fan { angle, .. } => angle,
        }
    }

    /// The ray number `x`; those of both ends are exact, so that neighbouring cells share them bit for bit.
    pub(super) fn ray(&self, x: f64) -> Ray {
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
    pub(super) fn ray_through(&self, p: Coord<f64>) -> f64 {
        match *self {
            Cell::Strip { start, along, .. } => dot(along, p - start),
            Cell::Fan { apex, from, .. } => cross(from, p - apex).atan2(dot(from, p - apex)),
        }
    }

    /// The two rays at the sides of the cell.
    pub(super) fn sides(&self) -> [Ray; 2] {
        [self.ray(0.0), self.ray(f64::INFINITY)]
    }

    /// The piece itself as a ray, with its length; a vertex has none.
    pub(super) fn base(&self) -> Option<(Ray, f64)> {
        match *self {
            Cell::Strip { start, along, length, .. } => Some((Ray { foot: start, normal: along }, length)),
            Cell::Fan { .. } => None,
        }
    }

    /// The smallest `r` at which `ray` is in this cell and this cell's piece is not farther away than `r`.
    pub(super) fn takes_over(&self, ray: Ray) -> f64 {
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
