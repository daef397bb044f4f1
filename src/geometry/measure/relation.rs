//! How a work stands to a piece of land: the word for it.

use geo::Relate;
use geo_types::{Coord, Geometry};

use super::kernel::Meeting;
use super::pairs::Contact;
use super::tree::{Position, Tree};
use super::{Inner, Prepared, Shape};

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

impl Shape {
    fn is_collection(&self) -> bool {
        matches!(self.geometry, Geometry::GeometryCollection(_))
    }

    fn only_areas(&self) -> bool {
        self.tree.has_area && !self.is_collection()
    }
}
