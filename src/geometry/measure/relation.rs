//! How a work stands to a piece of land: the word for it, and how deep it is inside.

use geo::Relate;
use geo_types::{Coord, Geometry};

use super::kernel::{Meeting, meeting};
use super::pairs::{Contact, Search};
use super::tree::{Holds, Position, Tree};
use super::{Bounds, Inner, Prepared, Shape};

/// How a work stands to a piece of land, described from the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `ST_Within`: no point of the work is outside, and their insides meet.
    Inside,
    /// `ST_Touches`: they meet, but their insides do not.
    Touches,
    /// They meet in any other way.
    Crosses,
    /// They do not meet.
    Near,
}

/// The relation of `work` to `land`; exact. Of a geometry collection it is only told whether the two meet: then it
/// is [`Relation::Crosses`] (PostGIS refuses the other words for collections too).
#[must_use]
pub fn relation(work: &Prepared, land: &Prepared) -> Relation {
    match (&work.0, &land.0) {
        (Inner::Point(p), Inner::Point(q)) => {
            if p == q {
                Relation::Inside
            } else {
                Relation::Near
            }
        }
        (Inner::Point(p), Inner::Shape(land_shape)) if land_shape.only_areas() => match land_shape.tree.locate(*p) {
            Position::Inside => Relation::Inside,
            Position::Boundary => Relation::Touches,
            Position::Outside => Relation::Near,
        },
        (Inner::Shape(a), Inner::Shape(b)) if !a.is_collection() && !b.is_collection() => {
            let contact = Contact::of(&a.tree, &b.tree);
            match (contact.strongest, contact.ring_crossed) {
                (Meeting::Apart, _) => without_contact(&a.tree, &b.tree),
                // On both sides of a boundary of the land: inside it and outside it.
                (_, true) => Relation::Crosses,
                // The matrix rests on rounded crossings and may miss one that is as shallow as their rounding.
                (strongest, false) => match (by_matrix(work, land), strongest) {
                    (Relation::Near, Meeting::Cross) => Relation::Crosses,
                    (Relation::Near, _) => Relation::Touches,
                    (found, _) => found,
                },
            }
        }
        (Inner::Point(_), Inner::Shape(b)) if !b.is_collection() && work.within(land, 0.0) => by_matrix(work, land),
        (Inner::Shape(a), Inner::Point(_)) if !a.is_collection() && work.within(land, 0.0) => by_matrix(work, land),
        _ if work.within(land, 0.0) => Relation::Crosses,
        _ => Relation::Near,
    }
}

/// The relation when no edge of one meets an edge of the other, so that every piece is wholly in or out.
fn without_contact(work: &Tree, land: &Tree) -> Relation {
    let is_in = |tree: &Tree, piece: &Coord<f64>| tree.locate(*piece) != Position::Outside;
    // A ring of the land inside the work (the land itself or one of its holes): the work reaches beyond it.
    if work.has_area && land.pieces.iter().any(|piece| is_in(work, piece)) {
        return Relation::Crosses;
    }
    let inside = work.pieces.iter().filter(|piece| is_in(land, piece)).count();
    match inside {
        0 => Relation::Near,
        all if all == work.pieces.len() => Relation::Inside,
        _ => Relation::Crosses,
    }
}

/// The relation from the full matrix of intersections (DE-9IM).
fn by_matrix(work: &Prepared, land: &Prepared) -> Relation {
    let matrix = work.geometry().relate(land.geometry().as_ref());
    if matrix.is_disjoint() {
        Relation::Near
    } else if matrix.is_within() {
        Relation::Inside
    } else if matrix.is_touches() {
        Relation::Touches
    } else {
        Relation::Crosses
    }
}

/// How deep `work` is inside the areas of `land`, metres; 0 when it is not, or land has no area.
///
/// A point: its distance to the boundary. Points: the greatest. Lines and areas: the greatest among the vertices of
/// the work inside and the midpoints of the stretches of its segments between crossings with the boundary, a lower
/// bound of the true depth.
#[must_use]
pub fn depth_inside(work: &Prepared, land: &Prepared) -> f64 {
    let Inner::Shape(land) = &land.0 else { return 0.0 };
    let mut depth = Depth { land: &land.tree, greatest: 0.0, shares: Vec::new() };
    match &work.0 {
        _ if !land.tree.has_area => {}
        Inner::Point(p) => depth.look(*p),
        Inner::Shape(work) => {
            if !work.tree.bounds().intersects(&land.tree.bounds()) {
                return 0.0;
            }
            work.tree.coords().iter().for_each(|&c| depth.look(c));
            for run in work.tree.runs().filter(|run| run.holds != Holds::Points) {
                if run.bounds.intersects(&land.tree.bounds()) {
                    work.tree.segments(run).for_each(|segment| depth.look_along(segment));
                }
            }
        }
    }
    depth.greatest
}

/// The distance outside, the negative depth inside, metres; 0 on the boundary.
#[must_use]
pub fn signed_distance(work: &Prepared, land: &Prepared) -> f64 {
    let distance = work.distance(land);
    if distance > 0.0 { distance } else { 0.0 - depth_inside(work, land) }
}

struct Depth<'a> {
    land: &'a Tree,
    greatest: f64,
    /// Where the present segment is cut; kept, because segments are many and cuts few.
    shares: Vec<f64>,
}

impl Depth<'_> {
    fn look(&mut self, p: Coord<f64>) {
        let Some(root) = self.land.root() else { return };
        if self.land.locate(p) == Position::Inside {
            // The boundary no further than the greatest depth so far: the point adds nothing.
            let mut search = Search::nearest(self.greatest);
            self.land.search_point(root, p, true, &mut search);
            self.greatest = self.greatest.max(search.distance());
        }
    }

    fn look_along(&mut self, segment: [Coord<f64>; 2]) {
        let Some(root) = self.land.root() else { return };
        let mut shares = std::mem::take(&mut self.shares);
        shares.clear();
        shares.extend([0.0, 1.0]);
        self.land.each_ring_segment(root, &Bounds::of(segment), &mut |edge| {
            if meeting(segment, edge) != Meeting::Apart {
                shares.extend(shares_of(segment, edge));
            }
        });
        shares.sort_by(f64::total_cmp);
        let [from, to] = segment;
        for stretch in shares.windows(2).filter(|stretch| stretch[0] < stretch[1]) {
            let share = f64::midpoint(stretch[0], stretch[1]);
            self.look(Coord { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) });
        }
        self.shares = shares;
    }
}

/// Where along `segment` (0 to 1) the `edge` that meets it does so; both ends when it runs along it.
fn shares_of([a, b]: [Coord<f64>; 2], [c, d]: [Coord<f64>; 2]) -> [f64; 2] {
    let (along, across) = (b - a, d - c);
    let turn = along.x * across.y - along.y * across.x;
    if turn == 0.0 {
        let length2 = along.x * along.x + along.y * along.y;
        return [c, d].map(|end| (((end.x - a.x) * along.x + (end.y - a.y) * along.y) / length2).clamp(0.0, 1.0));
    }
    [(((c.x - a.x) * across.y - (c.y - a.y) * across.x) / turn).clamp(0.0, 1.0); 2]
}

impl Shape {
    fn is_collection(&self) -> bool {
        matches!(self.geometry, Geometry::GeometryCollection(_))
    }

    fn only_areas(&self) -> bool {
        self.tree.has_area && !self.is_collection()
    }
}
