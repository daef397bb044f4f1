//! Prepared shapes: distances, thresholds, boxes and relations of shapes on a grid, answered without looking at more
//! edges than needed.
//!
//! A shape is prepared once and asked often; a point work asks about a road corridor in well under a microsecond.
//! Here is the public face; `kernel` has the arithmetic of segments, `tree` and `pairs` the walks over edges,
//! `cover` the boxes for an index, `relation` the words that describe a work on a piece of land, `inside` how deep and
//! how much of it is there. Not here: what a distance means to anybody, the index itself, overlays and buffers.

mod cover;
mod inside;
mod kernel;
mod pairs;
mod probe;
mod relation;
mod slabs;
#[cfg(test)]
mod tests;
mod tree;
#[cfg(test)]
mod watched;

use std::borrow::Cow;

use geo_types::{Coord, Geometry, Point};

pub use inside::{Inside, depth_inside, inside, nearest_point, signed_distance};
pub use probe::{Nearby, Probe};
pub use relation::{Relation, relation};
#[cfg(test)]
pub(crate) use watched::Compared;

use self::kernel::{point_box2, points2};
use self::pairs::{Search, limit2, walk};
use self::tree::{Holds, Position, Tree};
use super::{Bounds, Grid};

/// The dimension of a shape: that of its highest-dimensional part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Points only, or nothing at all.
    Point,
    /// Lines, but no areas.
    Line,
    /// At least one area.
    Area,
}

/// A shape on a grid, ready for many questions. A point takes no memory beyond the value itself.
///
/// Shapes are expected to be valid (see [`problems`](super::valid::problems)) and finite. The members of a
/// geometry collection count as one shape. An empty shape is infinitely far from everything.
#[derive(Debug)]
pub struct Prepared(Inner);

#[derive(Debug)]
enum Inner {
    Point(Coord<f64>),
    Shape(Box<Shape>),
}

#[derive(Debug)]
struct Shape {
    geometry: Geometry<f64>,
    dimension: Dimension,
    tree: Tree,
}

impl Prepared {
    /// Prepares a shape of any type; it keeps a copy.
    #[must_use]
    pub fn new(shape: &Grid<Geometry<f64>>) -> Self {
        if let Geometry::Point(point) = shape.0 {
            return Self::point(point.0);
        }
        let tree = Tree::new(&shape.0);
        let dimension = match (tree.has_area, tree.has_lines()) {
            (true, _) => Dimension::Area,
            (false, true) => Dimension::Line,
            (false, false) => Dimension::Point,
        };
        Self(Inner::Shape(Box::new(Shape { geometry: shape.0.clone(), dimension, tree })))
    }

    /// Prepares a point; allocates nothing.
    #[must_use]
    pub fn point(c: Coord<f64>) -> Self {
        Self(Inner::Point(c))
    }

    /// The shape as it was given. A point is made anew, which costs nothing.
    #[must_use]
    pub fn geometry(&self) -> Cow<'_, Geometry<f64>> {
        match &self.0 {
            Inner::Point(p) => Cow::Owned(Geometry::Point(Point(*p))),
            Inner::Shape(shape) => Cow::Borrowed(&shape.geometry),
        }
    }

    /// The smallest box round the shape, metres.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        match &self.0 {
            Inner::Point(p) => Bounds { min: [p.x, p.y], max: [p.x, p.y] },
            Inner::Shape(shape) => shape.tree.bounds(),
        }
    }

    /// The dimension of the highest-dimensional part.
    #[must_use]
    pub fn dimension(&self) -> Dimension {
        match &self.0 {
            Inner::Point(_) => Dimension::Point,
            Inner::Shape(shape) => shape.dimension,
        }
    }

    /// How many positions it has.
    #[must_use]
    pub fn positions(&self) -> usize {
        match &self.0 {
            Inner::Point(_) => 1,
            Inner::Shape(shape) => shape.tree.positions(),
        }
    }

    /// The length of the lines among the parts, metres.
    #[must_use]
    pub fn length_m(&self) -> f64 {
        match &self.0 {
            Inner::Point(_) => 0.0,
            Inner::Shape(shape) => {
                let lines = shape.tree.runs().filter(|run| run.holds == Holds::Line);
                lines.map(|run| shape.tree.length(run)).sum()
            }
        }
    }

    /// The distance in metres as `ST_Distance` has it: 0 when the shapes share a point, the inside of areas
    /// included. Infinite when one of them is empty.
    #[must_use]
    pub fn distance(&self, other: &Self) -> f64 {
        match (&self.0, &other.0) {
            (Inner::Point(p), Inner::Point(q)) => points2(*p, *q).sqrt(),
            (Inner::Point(p), Inner::Shape(shape)) | (Inner::Shape(shape), Inner::Point(p)) => {
                if shape.tree.locate(*p) != Position::Outside {
                    return 0.0;
                }
                let mut search = Search::nearest(0.0);
                shape.search_point(*p, &mut search);
                search.distance()
            }
            (Inner::Shape(a), Inner::Shape(b)) => {
                if a.holds_piece_of(b) || b.holds_piece_of(a) {
                    return 0.0;
                }
                let mut search = Search::nearest(0.0);
                walk(&a.tree, &b.tree, &mut search);
                search.distance()
            }
        }
    }

    /// Whether the distance is at most `reach` metres, as `ST_DWithin` has it. The same arithmetic as
    /// [`Prepared::distance`], so the two never disagree; never true of an empty shape.
    #[must_use]
    pub fn within(&self, other: &Self, reach: f64) -> bool {
        if reach.is_nan() || reach < 0.0 {
            return false;
        }
        match (&self.0, &other.0) {
            (Inner::Point(p), Inner::Point(q)) => points2(*p, *q).sqrt() <= reach,
            (Inner::Point(p), Inner::Shape(shape)) | (Inner::Shape(shape), Inner::Point(p)) => {
                shape.search_point(*p, &mut Search::within(reach)) || shape.tree.locate(*p) != Position::Outside
            }
            (Inner::Shape(a), Inner::Shape(b)) => {
                a.tree.bounds().distance_squared(&b.tree.bounds()) <= limit2(reach)
                    && (walk(&a.tree, &b.tree, &mut Search::within(reach))
                        || a.holds_piece_of(b)
                        || b.holds_piece_of(a))
            }
        }
    }

    /// The distance in metres where it is at most `reach`: [`Prepared::within`] and [`Prepared::distance`] in one.
    #[must_use]
    pub fn distance_within(&self, other: &Self, reach: f64) -> Option<f64> {
        if reach.is_nan() || reach < 0.0 {
            return None;
        }
        let found = match (&self.0, &other.0) {
            (Inner::Point(p), Inner::Point(q)) => points2(*p, *q).sqrt(),
            (Inner::Point(p), Inner::Shape(shape)) | (Inner::Shape(shape), Inner::Point(p)) => {
                if shape.tree.locate(*p) != Position::Outside {
                    return Some(0.0);
                }
                let mut search = Search::nearest_within(reach);
                shape.search_point(*p, &mut search);
                search.distance()
            }
            (Inner::Shape(a), Inner::Shape(b)) => {
                if a.holds_piece_of(b) || b.holds_piece_of(a) {
                    return Some(0.0);
                }
                let mut search = Search::nearest_within(reach);
                walk(&a.tree, &b.tree, &mut search);
                search.distance()
            }
        };
        (found <= reach).then_some(found)
    }

    /// At most `cells_max` boxes that together hold every point of the shape, the inside of areas included: few for
    /// compact shapes, many small ones along winding or slanting ones. A point gives one box without extent, an
    /// empty shape none.
    #[must_use]
    pub fn cover(&self, cells_max: usize) -> Vec<Bounds> {
        match &self.0 {
            Inner::Point(_) => vec![self.bounds()],
            Inner::Shape(shape) => cover::cover(&shape.tree, cells_max),
        }
    }
}

impl Shape {
    fn search_point(&self, p: Coord<f64>, search: &mut Search) -> bool {
        match self.tree.root() {
            Some(root) if point_box2(p, &self.tree.bounds()) <= search.limit2 => {
                self.tree.search_point(root, p, false, search)
            }
            _ => false,
        }
    }

    /// Whether a piece of the other shape's edges starts in an area of this one. When no edges of the two meet,
    /// this is the same as "a piece lies inside".
    fn holds_piece_of(&self, other: &Self) -> bool {
        self.tree.has_area
            && self.tree.bounds().intersects(&other.tree.bounds())
            && other.tree.pieces.iter().any(|&piece| self.tree.locate(piece) != Position::Outside)
    }
}
