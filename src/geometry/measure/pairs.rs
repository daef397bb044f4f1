//! Walks over the edges of two shapes at once: the nearest pair, and whether any pair meets.

use geo_types::Coord;

use super::Bounds;
use super::kernel::{Meeting, SLACK_M, meeting, segments2};
use super::tree::{Holds, Node, Order, Tree};

/// A search for a small distance.
pub(super) struct Search {
    /// Any distance up to this one, in metres, ends the search.
    enough: f64,
    /// Square of the smallest distance so far.
    best2: f64,
    /// Boxes further apart than this (squared) cannot matter any more.
    pub(super) limit2: f64,
}

impl Search {
    /// For the smallest distance; it may end at any distance up to `enough`.
    pub(super) fn nearest(enough: f64) -> Self {
        Self { enough, best2: f64::INFINITY, limit2: f64::INFINITY }
    }

    /// For the smallest distance, looked for up to `reach`.
    pub(super) fn nearest_within(reach: f64) -> Self {
        Self { enough: 0.0, best2: f64::INFINITY, limit2: limit2(reach) }
    }

    /// For any distance up to `reach`; others are not looked for.
    pub(super) fn within(reach: f64) -> Self {
        Self { enough: reach, best2: f64::INFINITY, limit2: limit2(reach) }
    }

    /// Takes the square of a distance; true when it is enough.
    pub(super) fn offer(&mut self, d2: f64) -> bool {
        if d2 >= self.best2 {
            return false;
        }
        self.best2 = d2;
        let distance = d2.sqrt();
        self.limit2 = self.limit2.min(limit2(distance));
        distance <= self.enough
    }

    /// The smallest distance that was offered; infinite without any.
    pub(super) fn distance(&self) -> f64 {
        self.best2.sqrt()
    }
}

/// Square of the distance up to which boxes have to be looked into when points up to `reach` are wanted.
pub(super) fn limit2(reach: f64) -> f64 {
    (reach + SLACK_M) * (reach + SLACK_M)
}

/// What is asked of pairs of segments.
pub(super) trait Visit {
    /// Square of the distance of boxes up to which pairs matter.
    fn limit2(&self) -> f64;
    /// Takes a pair, and whether the second is of a ring; true ends the walk.
    fn pair(&mut self, s: [Coord<f64>; 2], t: [Coord<f64>; 2], ring: bool) -> bool;
}

impl Visit for Search {
    fn limit2(&self) -> f64 {
        self.limit2
    }

    fn pair(&mut self, s: [Coord<f64>; 2], t: [Coord<f64>; 2], _ring: bool) -> bool {
        self.offer(segments2(s, t))
    }
}

/// How edges of one shape meet those of another; a crossing of a ring ends the walk.
pub(super) struct Contact {
    /// The strongest meeting of any two segments.
    pub(super) strongest: Meeting,
    /// A ring of the second shape is crossed.
    pub(super) ring_crossed: bool,
}

impl Contact {
    pub(super) fn of(a: &Tree, b: &Tree) -> Self {
        let mut contact = Self { strongest: Meeting::Apart, ring_crossed: false };
        walk(a, b, &mut contact);
        contact
    }
}

impl Visit for Contact {
    fn limit2(&self) -> f64 {
        0.0
    }

    fn pair(&mut self, s: [Coord<f64>; 2], t: [Coord<f64>; 2], ring: bool) -> bool {
        let found = meeting(s, t);
        self.strongest = self.strongest.max(found);
        self.ring_crossed = ring && found == Meeting::Cross;
        self.ring_crossed
    }
}

/// Walks the pairs of segments of `a` and `b` that matter, near ones first; true when the visit ended it.
pub(super) fn walk(a: &Tree, b: &Tree, visit: &mut impl Visit) -> bool {
    match (a.root(), b.root()) {
        (Some(i), Some(j)) if a.bounds().distance_squared(&b.bounds()) <= visit.limit2() => step(a, i, b, j, visit),
        _ => false,
    }
}

fn step(a: &Tree, i: usize, b: &Tree, j: usize, visit: &mut impl Visit) -> bool {
    let (of_a, of_b) = (a.node(i), b.node(j));
    let a_first = of_b.holds != Holds::Nodes || extent(&of_a.bounds) > extent(&of_b.bounds);
    if of_a.holds == Holds::Nodes && a_first {
        let children = a.below(of_a).map(|(child, node)| (node.bounds.distance_squared(&of_b.bounds), child));
        let order = Order::of(children, visit.limit2());
        order.iter().any(|(d2, child)| d2 <= visit.limit2() && step(a, child, b, j, visit))
    } else if of_b.holds == Holds::Nodes {
        let children = b.below(of_b).map(|(child, node)| (node.bounds.distance_squared(&of_a.bounds), child));
        let order = Order::of(children, visit.limit2());
        order.iter().any(|(d2, child)| d2 <= visit.limit2() && step(a, i, b, child, visit))
    } else {
        segments(a, of_a, b, of_b, visit)
    }
}

fn segments(a: &Tree, of_a: &Node, b: &Tree, of_b: &Node, visit: &mut impl Visit) -> bool {
    let ring = matches!(of_b.holds, Holds::Ring { .. });
    a.segments(of_a).any(|s| {
        let s_box = Bounds::of(s);
        s_box.distance_squared(&of_b.bounds) <= visit.limit2()
            && b.segments(of_b)
                .any(|t| s_box.distance_squared(&Bounds::of(t)) <= visit.limit2() && visit.pair(s, t, ring))
    })
}

fn extent(bounds: &Bounds) -> f64 {
    (bounds.max[0] - bounds.min[0]) + (bounds.max[1] - bounds.min[1])
}
