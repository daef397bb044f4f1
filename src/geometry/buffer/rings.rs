//! Rings over rings: union and difference on a raster, and valid polygons made of what is left.
//!
//! The overlay crate is asked for bare rings and these are put together here: its own way to polygons that are valid
//! by OGC (which `geo` uses) goes wrong where rings touch, and then panics or loses ground
//! (iShape-Rust/iOverlay, 78 and 79). Rings run with their ground on the left.

use std::collections::HashMap;

use geo::algorithm::kernels::{Kernel, RobustKernel};
use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::{Area, Orientation};
use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::core::solver::Solver;
use i_overlay::float::overlay::{FloatOverlay, OverlayOptions};

use crate::geometry::Bounds;

/// A ring, not closed. Its ground is on the left.
pub(super) type Ring = Vec<[f64; 2]>;

/// The ground of any of `rings`. What runs clockwise by rounding does not count.
pub(super) fn union(rings: &[Ring]) -> Vec<Ring> {
    overlay(rings, &[], OverlayRule::Subject)
}

/// The ground of `rings` without that of `others`.
pub(super) fn difference(rings: &[Ring], others: &[Ring]) -> Vec<Ring> {
    overlay(rings, others, OverlayRule::Difference)
}

fn overlay(rings: &[Ring], others: &[Ring], rule: OverlayRule) -> Vec<Ring> {
    // Where rings touch, the points must stay, or the rings could not be told apart there.
    let options = OverlayOptions { preserve_output_collinear: true, ..OverlayOptions::default() };
    let shapes = FloatOverlay::with_subj_and_clip_custom(rings, others, options, Solver::default())
        .overlay(rule, FillRule::Positive);
    shapes.into_iter().flatten().collect()
}

/// All edges of some rings, by the points they start from.
struct Net {
    points: Vec<Coord<f64>>,
    /// The points at which every edge starts and ends.
    edges: Vec<(usize, usize)>,
    /// The edges that start at every point.
    leaving: Vec<Vec<usize>>,
}

impl Net {
    fn of(rings: &[Ring]) -> Self {
        let mut net = Net { points: Vec::new(), edges: Vec::new(), leaving: Vec::new() };
        let mut known: HashMap<[u64; 2], usize> = HashMap::new();
        for ring in rings {
            let mut numbers: Vec<usize> = Vec::with_capacity(ring.len());
            for &[x, y] in ring {
                let number = *known.entry([x.to_bits(), y.to_bits()]).or_insert_with(|| {
                    net.points.push(Coord { x, y });
                    net.leaving.push(Vec::new());
                    net.points.len() - 1
                });
                numbers.push(number);
            }
            for (&from, &to) in numbers.iter().zip(numbers.iter().cycle().skip(1)) {
                if from != to {
                    net.leaving[from].push(net.edges.len());
                    net.edges.push((from, to));
                }
            }
        }
        net
    }

    /// The edge that goes on along the ground on the left of `edge`: the first one clockwise from the way back.
    fn next(&self, edge: usize) -> Option<usize> {
        let (from, at) = self.edges[edge];
        if let [only] = self.leaving[at][..] {
            return Some(only);
        }
        let angle = |to: usize| {
            let d = self.points[to] - self.points[at];
            d.y.atan2(d.x)
        };
        let back = angle(from);
        let turn = |next: usize| {
            let clockwise = (back - angle(self.edges[next].1)).rem_euclid(std::f64::consts::TAU);
            if clockwise > 0.0 { clockwise } else { std::f64::consts::TAU }
        };
        self.leaving[at].iter().copied().min_by(|&a, &b| turn(a).total_cmp(&turn(b)))
    }

    /// The edges of one boundary of one piece of ground, from `first` on, as the points they start from.
    fn walk(&self, first: usize, done: &mut [bool]) -> Vec<usize> {
        let mut points = Vec::new();
        let mut edge = first;
        while !done[edge] {
            done[edge] = true;
            points.push(self.edges[edge].0);
            match self.next(edge) {
                Some(next) => edge = next,
                None => break,
            }
        }
        points
    }

    /// The closed rings without a repeated point that `walk` consists of.
    fn simple(&self, walk: &[usize]) -> Vec<LineString<f64>> {
        let mut open: Vec<usize> = Vec::new();
        let mut place: HashMap<usize, usize> = HashMap::new();
        let mut rings = Vec::new();
        for &point in walk.iter().chain(walk.first()) {
            if let Some(&from) = place.get(&point) {
                let loop_points = open.split_off(from);
                for p in &loop_points {
                    place.remove(p);
                }
                rings.extend(self.ring(&loop_points));
            }
            place.insert(point, open.len());
            open.push(point);
        }
        rings
    }

    /// The points as a ring, without those that lie straight between their neighbours and belong to no other ring.
    fn ring(&self, points: &[usize]) -> Option<LineString<f64>> {
        let mut kept: Vec<Coord<f64>> = Vec::with_capacity(points.len() + 1);
        let count = points.len();
        for (i, &point) in points.iter().enumerate() {
            let before = self.points[points[(i + count - 1) % count]];
            let (here, after) = (self.points[point], self.points[points[(i + 1) % count]]);
            let straight = RobustKernel::orient2d(before, here, after) == Orientation::Collinear;
            if !straight || self.leaving[point].len() > 1 {
                kept.push(here);
            }
        }
        kept.push(*kept.first()?);
        (kept.len() > 3).then_some(LineString(kept))
    }
}

/// Valid polygons of the ground on the left of `rings`, which may touch but not cross. Rings that `stays` refuses
/// are left out.
pub(super) fn polygons(rings: &[Ring], stays: impl Fn(&Polygon<f64>) -> bool) -> MultiPolygon<f64> {
    let net = Net::of(rings);
    let mut done = vec![false; net.edges.len()];
    let mut parts: Vec<(Polygon<f64>, Bounds)> = Vec::new();
    let mut holes: Vec<LineString<f64>> = Vec::new();
    for first in 0..net.edges.len() {
        if done[first] {
            continue;
        }
        for ring in net.simple(&net.walk(first, &mut done)) {
            let filled = Polygon::new(ring, Vec::new());
            if !stays(&filled) {
                continue;
            }
            let bounds = Bounds::of(filled.exterior().0.iter().copied());
            if filled.signed_area() > 0.0 {
                parts.push((filled, bounds));
            } else {
                holes.push(filled.exterior().clone());
            }
        }
    }
    // The smallest part round a hole is the one it is in.
    parts.sort_by(|a, b| a.0.unsigned_area().total_cmp(&b.0.unsigned_area()));
    let mut of_part: Vec<Vec<LineString<f64>>> = vec![Vec::new(); parts.len()];
    for hole in holes {
        let bounds = Bounds::of(hole.0.iter().copied());
        let round = parts.iter().position(|(part, b)| {
            let covers = b.contains(Coord { x: bounds.min[0], y: bounds.min[1] })
                && b.contains(Coord { x: bounds.max[0], y: bounds.max[1] });
            covers && is_within(&hole, part)
        });
        if let Some(i) = round {
            of_part[i].push(hole);
        }
    }
    let finished = parts.into_iter().zip(of_part);
    MultiPolygon(finished.map(|((part, _), holes)| Polygon::new(part.into_inner().0, holes)).collect())
}

/// `hole` lies within `part`, whose ring it may touch but not cross.
fn is_within(hole: &LineString<f64>, part: &Polygon<f64>) -> bool {
    let middles =
        hole.lines().map(|l| Coord { x: f64::midpoint(l.start.x, l.end.x), y: f64::midpoint(l.start.y, l.end.y) });
    let places = hole.0.iter().copied().chain(middles).map(|c| part.coordinate_position(&c));
    places.into_iter().find(|p| *p != CoordPos::OnBoundary) == Some(CoordPos::Inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rings: &[Ring], expect: &[(f64, usize)]) {
        let made = polygons(rings, |_| true);
        let problems = crate::geometry::valid::problems(&geo_types::Geometry::MultiPolygon(made.clone()));
        assert!(problems.is_empty(), "{problems:?}");
        let mut got: Vec<(f64, usize)> = made.iter().map(|p| (p.unsigned_area(), p.interiors().len())).collect();
        got.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(got, expect, "{made:?}");
    }

    #[test]
    fn makes_valid_polygons_of_rings_that_touch() {
        let square = vec![[0.0, 0.0], [4.0, 0.0], [8.0, 0.0], [8.0, 8.0], [0.0, 8.0]];
        let hole = vec![[2.0, 2.0], [2.0, 4.0], [4.0, 4.0], [4.0, 2.0]];
        check(&[square.clone(), hole.clone()], &[(60.0, 1)]);
        // A hole that touches the outer ring at one point, in one walk with it and as a ring of its own.
        let touching = vec![[4.0, 0.0], [3.0, 2.0], [5.0, 2.0]];
        check(&[square.clone(), touching.clone()], &[(62.0, 1)]);
        let one_walk =
            vec![[0.0, 0.0], [4.0, 0.0], [3.0, 2.0], [5.0, 2.0], [4.0, 0.0], [8.0, 0.0], [8.0, 8.0], [0.0, 8.0]];
        check(&[one_walk], &[(62.0, 1)]);
        // A hole that touches it at two points cuts the ground in two.
        let cutting = vec![[4.0, 0.0], [0.0, 8.0], [5.0, 4.0]];
        check(&[square.clone(), cutting], &[(16.0, 0), (36.0, 0)]);
        // Two squares that meet at a point, drawn as an eight; an island in a hole; two holes that touch.
        let eight =
            vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [2.0, 1.0], [2.0, 3.0], [1.0, 3.0], [1.0, 1.0], [0.0, 1.0]];
        check(&[eight], &[(1.0, 0), (2.0, 0)]);
        let island = vec![[2.5, 2.5], [3.5, 2.5], [3.5, 3.5], [2.5, 3.5]];
        check(&[square.clone(), hole.clone(), island], &[(1.0, 0), (60.0, 1)]);
        let beside = vec![[4.0, 4.0], [4.0, 6.0], [6.0, 6.0], [6.0, 4.0]];
        check(&[square, hole, beside], &[(56.0, 2)]);
    }
}
