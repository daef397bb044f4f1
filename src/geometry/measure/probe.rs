//! A shape that goes down a tree of boxes, taking along at each only those of its edges that come near it.

use geo_types::Coord;

use super::kernel::{SLACK_M, point_box2, segment_meets_box};
use super::pairs::limit2;
use super::slabs::Slabs;
use super::tree::{Holds, Position, Tree};
use super::{Bounds, Inner, Prepared};

/// A shape on its way down a tree of boxes: which boxes have a point within its reach.
///
/// At every box stands a list of edges that come near it; the boxes below it ask only those. The lists of one way
/// down lie in one vector, one behind the other, that only grows.
pub struct Probe<'a> {
    shape: &'a Prepared,
    reach: f64,
    near: Vec<u32>,
    slabs: Option<Slabs>,
}

/// What of the shape comes near a box.
#[derive(Debug, Clone)]
pub enum Nearby {
    /// Nothing.
    Nothing,
    /// The box lies wholly inside the shape, and so does every box in it.
    All,
    /// These edges.
    Edges(std::ops::Range<usize>),
}

impl<'a> Probe<'a> {
    /// A shape that asks for everything within `reach` metres.
    #[must_use]
    pub fn new(shape: &'a Prepared, reach: f64) -> Self {
        let slabs = match &shape.0 {
            Inner::Point(_) => None,
            Inner::Shape(shape) => Slabs::of(&shape.tree),
        };
        Self { shape, reach, near: Vec::new(), slabs }
    }

    /// What comes near the box round everything.
    #[must_use]
    pub fn start(&mut self, all: &Bounds) -> Nearby {
        self.near.clear();
        match &self.shape.0 {
            Inner::Shape(shape) => match shape.tree.root() {
                Some(root) if !all.is_empty() => {
                    self.near.push(number(root));
                    self.narrow(0..1, all)
                }
                _ => Nearby::Nothing,
            },
            Inner::Point(_) => self.narrow(0..0, all),
        }
    }

    /// What of the `edges` that come near a box comes near a box inside it.
    pub fn narrow(&mut self, edges: std::ops::Range<usize>, area: &Bounds) -> Nearby {
        let from = self.near.len();
        match &self.shape.0 {
            Inner::Point(p) => {
                if point_box2(*p, area) <= limit2(self.reach) {
                    Nearby::Edges(0..0)
                } else {
                    Nearby::Nothing
                }
            }
            Inner::Shape(shape) => {
                let window = area.widened(self.reach + SLACK_M);
                for i in edges {
                    shape.tree.narrow(self.near[i], &window, &mut self.near);
                }
                if self.near.len() > from {
                    Nearby::Edges(from..self.near.len())
                } else if self.holds(area) {
                    Nearby::All
                } else {
                    Nearby::Nothing
                }
            }
        }
    }

    /// Forgets the lists of the boxes below the one with `edges`.
    pub fn back_to(&mut self, edges: &std::ops::Range<usize>) {
        self.near.truncate(edges.end);
    }

    /// Whether a lowest box has a point within reach. False only when it has none; true may be wrong at the corners of
    /// the box, by less than half of the reach.
    #[must_use]
    pub fn meets(&self, edges: std::ops::Range<usize>, area: &Bounds) -> bool {
        match &self.shape.0 {
            Inner::Point(p) => point_box2(*p, area) <= limit2(self.reach),
            Inner::Shape(shape) => {
                let window = area.widened(self.reach + SLACK_M);
                self.near[edges].iter().any(|&item| shape.tree.meets(item, &window)) || self.holds(area)
            }
        }
    }

    /// A box that no edge comes near is inside an area of the shape or outside as a whole.
    fn holds(&self, area: &Bounds) -> bool {
        let Inner::Shape(shape) = &self.shape.0 else { return false };
        let corner = Coord { x: area.min[0], y: area.min[1] };
        shape.tree.bounds().contains(corner)
            && match &self.slabs {
                Some(slabs) => slabs.holds(corner),
                None => shape.tree.locate(corner) != Position::Outside,
            }
    }
}

#[cfg(test)]
impl Probe<'_> {
    /// The edges of a list, one by one, for a picture.
    pub(crate) fn edges(&self, list: std::ops::Range<usize>) -> Vec<[Coord<f64>; 2]> {
        let Inner::Shape(shape) = &self.shape.0 else { return Vec::new() };
        let mut found = Vec::new();
        for &item in &self.near[list] {
            if item & SEGMENT != 0 {
                found.push(shape.tree.segment((item & !SEGMENT) as usize));
            } else {
                shape.tree.each_segment(item as usize, &mut |segment| found.push(segment));
            }
        }
        found
    }
}

/// Marks the number of a segment's first coordinate in a list that else has numbers of nodes.
const SEGMENT: u32 = 1 << 31;

impl Tree {
    /// Appends what of an item of a list meets `window`: nodes not much larger than it, or single segments.
    fn narrow(&self, item: u32, window: &Bounds, found: &mut Vec<u32>) {
        if item & SEGMENT != 0 {
            if self.meets(item, window) {
                found.push(item);
            }
            return;
        }
        let node = self.node(item as usize);
        if !node.bounds.intersects(window) {
            return;
        }
        if node.holds == Holds::Points || longer_side(&node.bounds) <= longer_side(window) {
            found.push(item);
        } else if node.holds == Holds::Nodes {
            self.below(node).for_each(|(child, _)| self.narrow(number(child), window, found));
        } else {
            let segments = (node.first..node.end).map(|i| number(i) | SEGMENT);
            found.extend(segments.filter(|segment| self.meets(*segment, window)));
        }
    }

    /// Whether an edge of an item of a list meets `window`.
    fn meets(&self, item: u32, window: &Bounds) -> bool {
        if item & SEGMENT == 0 {
            return self.meets_box(item as usize, window);
        }
        segment_meets_box(self.segment((item & !SEGMENT) as usize), window)
    }
}

/// The number of a coordinate or node in a list. A shape of more than 2³¹ coordinates takes 32 GB and is read by nobody.
fn number(i: usize) -> u32 {
    u32::try_from(i).unwrap_or(SEGMENT - 1)
}

fn longer_side(bounds: &Bounds) -> f64 {
    (bounds.max[0] - bounds.min[0]).max(bounds.max[1] - bounds.min[1])
}
