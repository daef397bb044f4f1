//! What of a work lies inside the areas of a piece of land: how deep, and how much of its lines.
//!
//! The edges of the work are cut at those of the land (`overlay` knows how) run by run: most runs meet none, and one
//! position then tells where all of the run is.

use geo_types::{Coord, Line};

use super::pairs::Search;
use super::tree::{Holds, Node, Position, Tree};
use super::{Bounds, Inner, Prepared};
use crate::geometry::overlay::{Cutter, Ground, Place, SAME_EDGE_M};
use crate::geometry::stretch::each_line;

/// What of a work lies inside the areas of a piece of land.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inside {
    /// How deep, metres; 0 when nothing is inside.
    ///
    /// A point: its distance to the boundary. Points: the greatest. Lines and areas: the greatest among the vertices
    /// of the work inside and the midpoints of the stretches of its segments between crossings with the boundary, a
    /// lower bound of the true depth.
    pub depth_m: f64,
    /// The length of the work's lines inside, the boundary of the land included, metres.
    pub length_m: f64,
}

/// What of `work` lies inside the areas of `land`.
#[must_use]
pub fn inside(work: &Prepared, land: &Prepared) -> Inside {
    let nothing = Inside { depth_m: 0.0, length_m: 0.0 };
    let Inner::Shape(land) = &land.0 else { return nothing };
    let Some(root) = land.tree.root().filter(|_| land.tree.has_area) else { return nothing };
    let mut walk = Walk { land: &land.tree, root, found: nothing, cutter: Cutter::default(), edges: Vec::new() };
    match &work.0 {
        Inner::Point(p) => walk.point(*p),
        Inner::Shape(work) => walk.shape(&work.tree),
    }
    walk.found
}

/// How deep `work` is inside the areas of `land`, metres; 0 when it is not, or land has no area. See [`Inside`].
#[must_use]
pub fn depth_inside(work: &Prepared, land: &Prepared) -> f64 {
    inside(work, land).depth_m
}

/// The point of a shape that is nearest to another point, of an area on its edge; none where there is no such.
#[must_use]
pub fn nearest_point(shape: &Prepared, to: Coord<f64>) -> Option<Coord<f64>> {
    let mut nearest = None::<(f64, Coord<f64>)>;
    each_line(&shape.geometry(), &mut |line| {
        for edge in line.lines() {
            let along = edge.end - edge.start;
            let length2 = along.x * along.x + along.y * along.y;
            let out = to - edge.start;
            let share =
                if length2 > 0.0 { ((out.x * along.x + out.y * along.y) / length2).clamp(0.0, 1.0) } else { 0.0 };
            let there = edge.start + along * share;
            let away = (there.x - to.x).hypot(there.y - to.y);
            if nearest.is_none_or(|(least, _)| away < least) {
                nearest = Some((away, there));
            }
        }
    });
    nearest.map(|(_, there)| there)
}

/// The distance outside, the negative depth inside, metres; 0 on the boundary.
#[must_use]
pub fn signed_distance(work: &Prepared, land: &Prepared) -> f64 {
    let distance = work.distance(land);
    if distance > 0.0 { distance } else { 0.0 - depth_inside(work, land) }
}

struct Walk<'a> {
    land: &'a Tree,
    root: usize,
    found: Inside,
    cutter: Cutter,
    /// Edges of the land that the present run may meet.
    edges: Vec<Line<f64>>,
}

impl Walk<'_> {
    fn point(&mut self, p: Coord<f64>) {
        if self.land.locate(p) == Position::Inside {
            self.look(p);
        }
    }

    /// Looks how deep a point lies that is known to be inside.
    fn look(&mut self, p: Coord<f64>) {
        // The boundary no further than the greatest depth so far: the point adds nothing.
        let mut search = Search::nearest(self.found.depth_m);
        self.land.search_point(self.root, p, true, &mut search);
        self.found.depth_m = self.found.depth_m.max(search.distance());
    }

    fn shape(&mut self, work: &Tree) {
        let mut end_before = None;
        for run in work.runs() {
            if end_before != Some(run.first) {
                self.cutter.known = None;
            }
            end_before = Some(run.end);
            if !run.bounds.intersects(&self.land.bounds()) {
                self.cutter.known = Some(Place::Outside);
                continue;
            }
            if run.holds == Holds::Points {
                work.segments(run).for_each(|[p, _]| self.point(p));
                continue;
            }
            let around = run.bounds.widened(SAME_EDGE_M);
            let mut edges = std::mem::take(&mut self.edges);
            edges.clear();
            self.land.each_ring_segment(self.root, &around, &mut |[a, b]| edges.push(Line::new(a, b)));
            if edges.is_empty() {
                self.whole(work, run);
            } else {
                self.cut(work, run, &edges);
            }
            self.edges = edges;
        }
    }

    /// A run that meets no edge of the land is inside or outside as a whole.
    fn whole(&mut self, work: &Tree, run: &Node) {
        let Some([first, _]) = work.segments(run).next() else { return };
        let place = self.cutter.known.unwrap_or_else(|| place(self.land, first));
        self.cutter.known = Some(place);
        if place != Place::Inside {
            return;
        }
        self.look(first);
        for [a, b] in work.segments(run) {
            self.look(middle(a, b));
            self.look(b);
        }
        if run.holds == Holds::Line {
            self.found.length_m += work.length(run);
        }
    }

    fn cut(&mut self, work: &Tree, run: &Node, edges: &[Line<f64>]) {
        let ground = Nearby { land: self.land, edges };
        let mut cutter = std::mem::take(&mut self.cutter);
        for [a, b] in work.segments(run).filter(|[a, b]| a != b) {
            for piece in cutter.cut(Line::new(a, b), &ground) {
                if piece.place == Place::Inside {
                    self.look(piece.start);
                    self.look(middle(piece.start, piece.end));
                    self.look(piece.end);
                }
                if piece.place != Place::Outside && run.holds == Holds::Line {
                    self.found.length_m += piece.to_m - piece.from_m;
                }
            }
        }
        self.cutter = cutter;
    }
}

fn middle(a: Coord<f64>, b: Coord<f64>) -> Coord<f64> {
    Coord { x: f64::midpoint(a.x, b.x), y: f64::midpoint(a.y, b.y) }
}

fn place(land: &Tree, p: Coord<f64>) -> Place {
    match land.locate(p) {
        Position::Inside => Place::Inside,
        Position::Boundary => Place::Boundary,
        Position::Outside => Place::Outside,
    }
}

/// The land with those of its edges that one run can meet.
struct Nearby<'a> {
    land: &'a Tree,
    edges: &'a [Line<f64>],
}

impl Ground for Nearby<'_> {
    fn each_edge(&self, window: &Bounds, each: impl FnMut(Line<f64>)) {
        let met = |edge: &Line<f64>| Bounds::of([edge.start, edge.end]).intersects(window);
        self.edges.iter().copied().filter(met).for_each(each);
    }

    fn place(&self, p: Coord<f64>) -> Place {
        place(self.land, p)
    }
}
