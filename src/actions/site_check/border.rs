//! What lies on both sides of a border: each side has a grid and rules of its own, and a zone may reach over it.

use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use super::around::Found;
use crate::domain::conflict::Role;
use crate::domain::coverage::Coverage;
use crate::domain::layer::Layer;
use crate::domain::reference::ReferenceKind;
use crate::domain::site_check::{Gap, Shape, Source};
use crate::domain::word::{Visibility, Word};
use crate::error::{Error, Result};
use crate::geometry::measure::Prepared;
use crate::geometry::{Grid, Metres, crs, outside};
use crate::index::{Entry, Snapshot, Territory};

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
    all.fold(Metres::ZERO, most)
}

/// How much farther than by the rules of its own territory an entry may matter to a place in any territory. What is hidden is
/// looked for as far as whatever matters most, for its kind is told to nobody.
pub(super) fn farther_anywhere(snapshot: &Snapshot, territory: &Territory, entry: &Entry) -> Metres {
    let Role::Refers(told) = entry.facts.noun.role() else { return Metres::ZERO };
    let more = |home: &Arc<Territory>| match entry.facts.visibility {
        Visibility::Public => more_at_home(home, territory, told.kind),
        _ => farther_at_home(home, territory),
    };
    snapshot.territories().map(more).fold(Metres::ZERO, most)
}

/// The same of whatever there is in a territory.
pub(super) fn farthest_anywhere(snapshot: &Snapshot, territory: &Territory) -> Metres {
    snapshot.territories().map(|home| farther_at_home(home, territory)).fold(Metres::ZERO, most)
}

fn most(a: Metres, b: Metres) -> Metres {
    if a < b { b } else { a }
}

/// A zone that admits so many columns and may hold the place, on the grid of its jurisdiction.
pub(super) struct Zone<'a> {
    pub(super) of: &'a Territory,
    pub(super) id: Uuid,
    pub(super) shape: &'a Prepared,
}

/// Something of `other` may stand in a zone of `of`.
pub(super) fn reaches(of: &Territory, zone: &Prepared, other: &Territory) -> bool {
    of.jurisdiction.code == other.jurisdiction.code
        || outside::meets_round_the_earth(&other.extent, &of.in_degrees(&zone.bounds()))
}

/// What is straight on one grid is bent on another, by less than this, m.
const BENT_M: f64 = 100.0;

/// Calls `each` for every zone that admits so many columns, of whichever territory, in which a shape of `of` that is widened by
/// `reach` may stand; `false` where nobody can tell.
pub(super) fn zones_round(
    snapshot: &Snapshot,
    of: &Territory,
    shape: &Prepared,
    reach: Metres,
    mut each: impl FnMut(&Territory, &Entry),
) -> bool {
    let round = outside::widened(&of.in_degrees(&shape.bounds()), reach.get());
    let bent = Metres::new(BENT_M).unwrap_or(Metres::ZERO);
    snapshot.territories().filter(|other| outside::meets_round_the_earth(&other.extent, &round)).all(|other| {
        let Ok(there) = brought(of, other, shape) else { return false };
        let reach = if matches!(there, Shape::There(_)) { reach } else { reach.plus(bent) };
        for layer in Layer::all().filter(|layer| layer.is_told_by_kind()) {
            other.layer(layer).near(&there, reach, |zone| {
                if quota(zone).is_some() {
                    each(other, zone);
                }
            });
        }
        true
    })
}

/// How many columns an entry admits, where it is a zone that says so.
pub(super) fn quota(entry: &Entry) -> Option<u32> {
    let Role::Refers(told) = entry.facts.noun.role() else { return None };
    entry.facts.attributes.as_deref()?.quota.filter(|_| told.kind == ReferenceKind::Zone)
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

/// What says how many columns a zone holds: those that stand, and those that may be built.
pub(super) const IN_ZONES: &[Source] = &[Source::Works, Source::Reference(ReferenceKind::SiteRequest)];

/// Columns in a zone are known as well as those of all of its ground are.
pub(super) fn cover_zone(of: &Territory, zone: &Prepared, day: Date, found: &mut Found<'_>) {
    for source in IN_ZONES {
        let said = of.coverages().of_kind(source.layer(), source.kind(), zone, 0.0, day);
        let said = if said.later.is_some() { Coverage::Undeclared } else { said.coverage };
        if let Some(why) = said.gap() {
            found.around.lacks_in_zone(Gap { source: *source, why });
        }
    }
}
