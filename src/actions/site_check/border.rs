//! What lies on both sides of a border: each side has a grid and rules of its own, and a zone may reach over it.

use std::sync::Arc;

use jiff::civil::Date;

use super::around::Found;
use crate::domain::coverage::Coverage;
use crate::domain::reference::ReferenceKind;
use crate::domain::site_check::{Shape, Source};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::geometry::measure::Prepared;
use crate::geometry::{Grid, Metres, crs, outside};
use crate::index::Territory;

/// The rules that judge a place are those of its own jurisdiction: by so much more than by those of `other` they let a
/// reference feature of a kind matter.
pub(super) fn more_at_home(home: &Territory, other: &Territory, kind: ReferenceKind) -> Metres {
    let [here, there] = [home, other].map(|territory| territory.rules().site_reach(kind).get());
    Metres::new(here - there).unwrap_or(Metres::ZERO)
}

/// The same of the kind of which it is the most.
pub(super) fn farther_at_home(home: &Territory, other: &Territory) -> Metres {
    if Arc::ptr_eq(home.rules(), other.rules()) {
        return Metres::ZERO;
    }
    let all = ReferenceKind::ALL.iter().map(|(kind, _)| more_at_home(home, other, *kind));
    all.fold(Metres::ZERO, |a, b| if a < b { b } else { a })
}

/// A zone that admits so many columns and may hold the place, on the grid of its jurisdiction.
pub(super) struct Zone<'a> {
    pub(super) of: &'a Territory,
    pub(super) shape: &'a Prepared,
}

/// Something of `other` may stand in a zone of `of`.
pub(super) fn reaches(of: &Territory, zone: &Prepared, other: &Territory) -> bool {
    of.jurisdiction.code == other.jurisdiction.code
        || outside::meets_round_the_earth(&other.extent, &of.in_degrees(&zone.bounds()))
}

/// A shape on the grid of `of`, on that of `to`.
pub(super) fn brought<'a>(of: &Territory, to: &Territory, shape: &'a Prepared) -> Result<Shape<'a>> {
    let (from, to) = (of.jurisdiction.grid, to.jurisdiction.grid);
    if from == to {
        return Ok(Shape::There(shape));
    }
    let there = crs::project(&shape.geometry(), from, to).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(Shape::Brought(Arc::new(Prepared::new(&Grid(there)))))
}

/// Columns in a zone are known as well as those of all of its ground are.
pub(super) fn cover_zone(of: &Territory, zone: &Prepared, day: Date, found: &mut Found<'_>) {
    let said = of.coverages().of(Source::Works.layer(), zone, 0.0, day);
    let said = if said.later.is_some() { Coverage::Undeclared } else { said.coverage };
    let worst = found.around.coverage.entry(Source::Works).or_insert(said);
    *worst = said.min(*worst);
}
