//! Arithmetic of points and segments: which side, whether they meet, how far apart.
//!
//! Sides are exact (robust predicates). Distances follow liblwgeom step by step, so that a comparison with a
//! threshold falls the same way here and in PostGIS. Nothing here knows of more than two segments.

use geo::kernels::{Kernel, Orientation, RobustKernel};
use geo_types::Coord;

use super::Bounds;

/// Boxes are taken this much larger than they are, in metres: more than the arithmetic of a grid (coordinates up to
/// 1e7 m) can lose, less than anybody can survey.
pub(super) const SLACK_M: f64 = 1e-6;

/// Below this square of a distance (a micrometre) it is asked exactly whether a point lies on a segment.
const DOUBTFUL_M2: f64 = 1e-12;

/// How two segments stand to each other, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meeting {
    Apart,
    /// They share a point, and at least one of them ends there or they are collinear.
    Touch,
    /// Each passes from one side of the other to the other side.
    Cross,
}

/// 1 when `p` is left of the line from `a` to `b`, −1 right of it, 0 exactly on it.
pub(super) fn side(a: Coord<f64>, b: Coord<f64>, p: Coord<f64>) -> i32 {
    match RobustKernel::orient2d(a, b, p) {
        Orientation::CounterClockwise => 1,
        Orientation::Clockwise => -1,
        Orientation::Collinear => 0,
    }
}

/// Square of the distance between two points.
pub(super) fn points2(p: Coord<f64>, q: Coord<f64>) -> f64 {
    let (dx, dy) = (q.x - p.x, q.y - p.y);
    dx * dx + dy * dy
}

/// Square of the distance from `p` to the segment from `a` to `b`; exactly 0 when `p` lies on it.
pub(super) fn point_segment2(p: Coord<f64>, a: Coord<f64>, b: Coord<f64>) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let length2 = dx * dx + dy * dy;
    // A segment without length gives 0/0, which is neither below 0 nor at least 1, so it is looked at first.
    if a == b {
        return points2(p, a);
    }
    let share = ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2;
    if share < 0.0 {
        return points2(p, a);
    }
    if share >= 1.0 {
        return points2(p, b);
    }
    let found = points2(p, Coord { x: a.x + share * dx, y: a.y + share * dy });
    if found < DOUBTFUL_M2 && side(a, b, p) == 0 { 0.0 } else { found }
}

/// Square of the distance between the segments `s` and `t`; exactly 0 when they share a point.
pub(super) fn segments2(s: [Coord<f64>; 2], t: [Coord<f64>; 2]) -> f64 {
    if s[0] == s[1] {
        return point_segment2(s[0], t[0], t[1]);
    }
    if t[0] == t[1] {
        return point_segment2(t[0], s[0], s[1]);
    }
    if meeting(s, t) != Meeting::Apart {
        return 0.0;
    }
    let from_s = point_segment2(s[0], t[0], t[1]).min(point_segment2(s[1], t[0], t[1]));
    let from_t = point_segment2(t[0], s[0], s[1]).min(point_segment2(t[1], s[0], s[1]));
    from_s.min(from_t)
}

/// Whether two segments (a lone point is a segment without length) share a point, and how; exact.
pub(super) fn meeting(s: [Coord<f64>; 2], t: [Coord<f64>; 2]) -> Meeting {
    if !Bounds::of(s).intersects(&Bounds::of(t)) {
        return Meeting::Apart;
    }
    let (t_start, t_end) = (side(s[0], s[1], t[0]), side(s[0], s[1], t[1]));
    if t_start == t_end && t_start != 0 {
        return Meeting::Apart;
    }
    let (s_start, s_end) = (side(t[0], t[1], s[0]), side(t[0], t[1], s[1]));
    if s_start == s_end && s_start != 0 {
        return Meeting::Apart;
    }
    // All four 0: one line holds both, and their boxes share a point, so they do.
    if t_start * t_end < 0 && s_start * s_end < 0 { Meeting::Cross } else { Meeting::Touch }
}

/// Whether the segment shares a point with the box; edges count. Exact but for rounding far below [`SLACK_M`].
pub(super) fn segment_meets_box([a, b]: [Coord<f64>; 2], area: &Bounds) -> bool {
    if !Bounds::of([a, b]).intersects(area) {
        return false;
    }
    // The boxes meet, so only the direction across the segment can still separate them.
    let half = [(area.max[0] - area.min[0]) / 2.0, (area.max[1] - area.min[1]) / 2.0];
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let across = dx * (area.min[1] + half[1] - a.y) - dy * (area.min[0] + half[0] - a.x);
    across.abs() <= half[0] * dy.abs() + half[1] * dx.abs()
}

/// Square of the distance from a point to a box; 0 inside.
pub(super) fn point_box2(p: Coord<f64>, area: &Bounds) -> f64 {
    let dx = (area.min[0] - p.x).max(p.x - area.max[0]).max(0.0);
    let dy = (area.min[1] - p.y).max(p.y - area.max[1]).max(0.0);
    dx * dx + dy * dy
}
