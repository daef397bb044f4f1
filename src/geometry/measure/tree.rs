//! The edges of one shape in flat arrays, with boxes over runs of them and boxes over boxes.
//!
//! Here: building it, and the walks over it that ask about one point or one box. Walks over two trees are in
//! `pairs`. Nothing here knows whether an answer is wanted for a distance, a relation or an index.

use std::ops::ControlFlow;

use geo::Winding;
use geo_types::{Coord, Geometry, LineString, Polygon};

use super::Bounds;
use super::kernel::{point_box2, point_segment2, points2, segment_meets_box, side};
use super::pairs::Search;

/// Segments in a run and nodes in a node. Measured with points on rings of 100 and 5 000 vertices: 16 is slower
/// throughout, 4 on the large rings.
pub(super) const FAN: usize = 8;

/// Where a point stands to the areas of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Inside,
    Boundary,
    Outside,
}

/// What a node's range counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Other nodes.
    Nodes,
    /// Lone points.
    Points,
    /// Segments of a line, counted by their first coordinate.
    Line,
    /// Segments of a ring. `sign` is 1 when its area lies to the left of the ring as it is written, else −1.
    Ring { sign: i32 },
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) bounds: Bounds,
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) holds: Holds,
}

/// Edges and boxes of a shape; the root is the last node.
#[derive(Debug)]
pub(super) struct Tree {
    coords: Vec<Coord<f64>>,
    nodes: Vec<Node>,
    /// One coordinate of every connected piece of the edges: of every ring, line and point.
    pub(super) pieces: Vec<Coord<f64>>,
    pub(super) has_area: bool,
}

/// The children of a node that matter, nearest first.
pub(super) struct Order {
    found: [(f64, usize); FAN],
    len: usize,
}

impl Order {
    pub(super) fn of(children: impl Iterator<Item = (f64, usize)>, limit2: f64) -> Self {
        let mut order = Self { found: [(0.0, 0); FAN], len: 0 };
        for child in children.take(FAN).filter(|child| child.0 <= limit2) {
            let mut at = order.len;
            while at > 0 && order.found[at - 1].0 > child.0 {
                order.found[at] = order.found[at - 1];
                at -= 1;
            }
            order.found[at] = child;
            order.len += 1;
        }
        order
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (f64, usize)> {
        self.found[..self.len].iter().copied()
    }
}

impl Tree {
    pub(super) fn new(shape: &Geometry<f64>) -> Self {
        let mut tree = Self { coords: Vec::new(), nodes: Vec::new(), pieces: Vec::new(), has_area: false };
        tree.add(shape);
        let mut level = 0..tree.nodes.len();
        while level.len() > 1 {
            for first in level.clone().step_by(FAN) {
                let end = (first + FAN).min(level.end);
                let mut bounds = Bounds::EMPTY;
                tree.nodes[first..end].iter().for_each(|node| bounds.merge(&node.bounds));
                tree.nodes.push(Node { bounds, first, end, holds: Holds::Nodes });
            }
            level = level.end..tree.nodes.len();
        }
        // An index holds hundreds of thousands of these.
        tree.coords.shrink_to_fit();
        tree.nodes.shrink_to_fit();
        tree.pieces.shrink_to_fit();
        tree
    }

    fn add(&mut self, shape: &Geometry<f64>) {
        match shape {
            Geometry::Point(p) => self.add_points(&[p.0]),
            Geometry::MultiPoint(m) => self.add_points(&m.0.iter().map(|p| p.0).collect::<Vec<_>>()),
            Geometry::Line(l) => self.add_chain(&[l.start, l.end], Holds::Line),
            Geometry::LineString(l) => self.add_chain(&l.0, Holds::Line),
            Geometry::MultiLineString(m) => m.0.iter().for_each(|l| self.add_chain(&l.0, Holds::Line)),
            Geometry::Polygon(p) => self.add_polygon(p),
            Geometry::MultiPolygon(m) => m.0.iter().for_each(|p| self.add_polygon(p)),
            Geometry::Rect(r) => self.add_polygon(&r.to_polygon()),
            Geometry::Triangle(t) => self.add_polygon(&t.to_polygon()),
            Geometry::GeometryCollection(all) => all.0.iter().for_each(|one| self.add(one)),
        }
    }

    fn add_polygon(&mut self, polygon: &Polygon<f64>) {
        self.add_ring(polygon.exterior(), 1);
        polygon.interiors().iter().for_each(|hole| self.add_ring(hole, -1));
    }

    fn add_ring(&mut self, ring: &LineString<f64>, when_ccw: i32) {
        let sign = if ring.is_cw() { -when_ccw } else { when_ccw };
        self.has_area |= !ring.0.is_empty();
        self.add_chain(&ring.0, Holds::Ring { sign });
    }

    fn add_chain(&mut self, chain: &[Coord<f64>], holds: Holds) {
        let [first, _, ..] = chain else { return self.add_points(chain) };
        let from = self.coords.len();
        self.coords.extend_from_slice(chain);
        self.pieces.push(*first);
        self.add_runs(from, self.coords.len() - 1, holds);
    }

    fn add_points(&mut self, points: &[Coord<f64>]) {
        let from = self.coords.len();
        self.coords.extend_from_slice(points);
        self.pieces.extend_from_slice(points);
        self.add_runs(from, self.coords.len(), Holds::Points);
    }

    fn add_runs(&mut self, from: usize, to: usize, holds: Holds) {
        for first in (from..to).step_by(FAN) {
            let end = (first + FAN).min(to);
            let last = if holds == Holds::Points { end } else { end + 1 };
            let bounds = Bounds::of(self.coords[first..last].iter().copied());
            self.nodes.push(Node { bounds, first, end, holds });
        }
    }

    pub(super) fn root(&self) -> Option<usize> {
        self.nodes.len().checked_sub(1)
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.nodes.last().map_or(Bounds::EMPTY, |node| node.bounds)
    }

    pub(super) fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    /// The nodes below a node that holds nodes.
    pub(super) fn below(&self, node: &Node) -> impl Iterator<Item = (usize, &Node)> {
        (node.first..node.end).zip(&self.nodes[node.first..node.end])
    }

    /// The segments of a run; a lone point is a segment without length.
    pub(super) fn segments(&self, run: &Node) -> impl Iterator<Item = [Coord<f64>; 2]> {
        let step = usize::from(run.holds != Holds::Points);
        let starts = &self.coords[run.first..run.end];
        let ends = &self.coords[run.first + step..run.end + step];
        starts.iter().zip(ends).map(|(&a, &b)| [a, b])
    }

    /// How many positions there are.
    pub(super) fn positions(&self) -> usize {
        self.coords.len()
    }

    /// The length of a run of segments, metres.
    pub(super) fn length(&self, run: &Node) -> f64 {
        self.segments(run).map(|[a, b]| points2(a, b).sqrt()).sum()
    }

    /// The segment that begins at coordinate `i`, which is not the last of its line or ring.
    pub(super) fn segment(&self, i: usize) -> [Coord<f64>; 2] {
        [self.coords[i], self.coords[i + 1]]
    }

    /// All runs in the order of the shape.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().take_while(|node| node.holds != Holds::Nodes)
    }

    pub(super) fn has_lines(&self) -> bool {
        self.runs().any(|run| run.holds == Holds::Line)
    }

    /// Looks for edges near `p`; true when the search is satisfied.
    pub(super) fn search_point(&self, at: usize, p: Coord<f64>, rings_only: bool, search: &mut Search) -> bool {
        let node = &self.nodes[at];
        match node.holds {
            Holds::Nodes => {
                let children = self.below(node).map(|(child, node)| (point_box2(p, &node.bounds), child));
                let order = Order::of(children, search.limit2);
                order.iter().any(|(d2, child)| d2 <= search.limit2 && self.search_point(child, p, rings_only, search))
            }
            Holds::Points | Holds::Line if rings_only => false,
            _ => self.segments(node).any(|[a, b]| search.offer(point_segment2(p, a, b))),
        }
    }

    /// Where `p` stands to the areas; exact. Areas that overlap (parts of a collection) count as one, but their
    /// boundaries stay boundaries.
    pub(super) fn locate(&self, p: Coord<f64>) -> Position {
        let Some(root) = self.root().filter(|_| self.has_area && self.bounds().contains(p)) else {
            return Position::Outside;
        };
        let mut winding = 0;
        match self.wind(root, p, &mut winding) {
            ControlFlow::Break(()) => Position::Boundary,
            ControlFlow::Continue(()) if winding == 0 => Position::Outside,
            ControlFlow::Continue(()) => Position::Inside,
        }
    }

    /// Counts how often the rings go round `p`, by their crossings with the ray to the right; breaks on a ring.
    fn wind(&self, at: usize, p: Coord<f64>, winding: &mut i32) -> ControlFlow<()> {
        let node = &self.nodes[at];
        let Bounds { min, max } = node.bounds;
        if p.y < min[1] || p.y > max[1] || p.x > max[0] {
            return ControlFlow::Continue(());
        }
        let above = |c: Coord<f64>| i32::from(c.y > p.y);
        match node.holds {
            Holds::Nodes => self.below(node).try_for_each(|(child, _)| self.wind(child, p, winding)),
            Holds::Points | Holds::Line => ControlFlow::Continue(()),
            Holds::Ring { sign } if p.x < min[0] => {
                // The whole run is to the right: what it crosses in between cancels out.
                *winding += sign * (above(self.coords[node.end]) - above(self.coords[node.first]));
                ControlFlow::Continue(())
            }
            Holds::Ring { sign } => self.segments(node).try_for_each(|[a, b]| {
                if p.x > a.x.max(b.x) || p.y < a.y.min(b.y) || p.y > a.y.max(b.y) {
                    return ControlFlow::Continue(());
                }
                let upward = above(b) - above(a);
                if p.x < a.x.min(b.x) {
                    *winding += sign * upward;
                    return ControlFlow::Continue(());
                }
                match side(a, b, p) {
                    0 => return ControlFlow::Break(()),
                    side if side == upward => *winding += sign * upward,
                    _ => {}
                }
                ControlFlow::Continue(())
            }),
        }
    }

    /// Whether an edge meets the box.
    pub(super) fn meets_box(&self, at: usize, area: &Bounds) -> bool {
        let node = &self.nodes[at];
        if !node.bounds.intersects(area) {
            return false;
        }
        match node.holds {
            Holds::Nodes => self.below(node).any(|(child, _)| self.meets_box(child, area)),
            _ => self.segments(node).any(|segment| segment_meets_box(segment, area)),
        }
    }

    /// Hands over every segment of a ring whose box meets `area`.
    pub(super) fn each_ring_segment(&self, at: usize, area: &Bounds, take: &mut impl FnMut([Coord<f64>; 2])) {
        let node = &self.nodes[at];
        if !node.bounds.intersects(area) {
            return;
        }
        match node.holds {
            Holds::Nodes => self.below(node).for_each(|(child, _)| self.each_ring_segment(child, area, take)),
            Holds::Points | Holds::Line => {}
            Holds::Ring { .. } => {
                self.segments(node).filter(|segment| Bounds::of(*segment).intersects(area)).for_each(take);
            }
        }
    }
}
