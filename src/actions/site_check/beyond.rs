//! What matters to a column and lies beyond its own reach: buildings in the field of what is co-sited, and all that is counted in
//! a zone.

use std::collections::HashSet;

use jiff::civil::Date;
use uuid::Uuid;

use super::around::{Found, Looking, Of, Pace, Round};
use super::border::{IN_ZONES, Zone, brought, cover_zone, reaches};
use super::taken::Taken;
use crate::domain::coverage::Coverage;
use crate::domain::reference::{Attributes, ReferenceFacts, ReferenceKind};
use crate::domain::site_check::{Gap, GapWhy, Source, Surroundings};
use crate::domain::word::Word;
use crate::domain::work::WorkFacts;
use crate::error::Result;
use crate::geometry::measure::Prepared;
use crate::geometry::{Metres, outside};
use crate::index::{Entry, Snapshot, Territory};

/// What is looked for as far as all antennas at a place radiate.
const BUILDINGS: Source = Source::Reference(ReferenceKind::Building);

/// A source has to answer for more ground.
fn cover(home: &Territory, source: Source, shape: &Prepared, within: Metres, day: Date, around: &mut Surroundings<'_>) {
    let said = home.coverages().of_kind(source.layer(), source.kind(), shape, within.get(), day);
    let said = if said.later.is_some() { Coverage::Undeclared } else { said.coverage };
    let worst = around.coverage.entry(source).or_insert(said);
    *worst = said.min(*worst);
}

/// Looks for all of it: for buildings as far as that, and in these zones.
pub(super) fn beyond<'a, 'q>(
    snapshot: &'a Snapshot,
    ground: &Round<'_>,
    here: &Looking<'a, 'q>,
    far: Metres,
    looking: &dyn Fn(&'a Territory) -> Result<Looking<'a, 'q>>,
    zones: Vec<Zone<'a>>,
    found: &mut Found<'a>,
) -> Result<()> {
    let (home, day, reach) = (here.home, here.day, here.reach);
    let near = |reach: Metres| here.context.reach().plus(reach).get();
    if reach < far {
        found.reach_m = far.get();
        cover(home, BUILDINGS, &here.shape, far, day, &mut found.around);
        let round = outside::widened(&ground.bounds, far.get());
        for territory in snapshot.territories().filter(|t| outside::meets_round_the_earth(&t.extent, &round)) {
            let looking = looking(territory)?;
            let matters = looking.buildings(far, found)?;
            if matters || looking.shape.within(territory.jurisdiction.boundary_grid(), near(far)) {
                found.revisions.insert(territory.jurisdiction.code.clone(), territory.revision);
            }
        }
    }
    for Zone { of, id, shape } in zones {
        cover_zone(of, shape, day, found);
        for territory in snapshot.territories().filter(|other| reaches(of, shape, other)) {
            let zone = brought(of, territory, shape)?;
            let looking = looking(territory)?;
            let matters = looking.all_in_zone(id, &zone, found)?;
            if matters || zone.within(territory.jurisdiction.boundary_grid(), near(reach)) {
                found.revisions.insert(territory.jurisdiction.code.clone(), territory.revision);
            }
        }
    }
    Ok(())
}

impl<'a> Looking<'a, '_> {
    /// Takes every building so near, besides those that are known already; whether there was any, that is seen or told of.
    fn buildings(&self, within: Metres, found: &mut Found<'a>) -> Result<bool> {
        let mut pace = Pace::new(self.how.deadline);
        let (layer, code) = (BUILDINGS.layer(), self.territory.jurisdiction.code.as_str());
        let (features, sight) = (self.territory.layer(layer), self.actor.sight(code));
        let known: HashSet<Uuid> = found.around.references.iter().map(|near| near.facts.id).collect();
        let (mut matters, mut failed) = (false, Ok(()));
        features.near(&self.shape, within, |entry| {
            let told =
                ReferenceFacts::try_from(entry.facts.noun).ok().filter(|told| BUILDINGS.kind() == Some(told.kind));
            let (Some(told), true) = (told, pace.next() && failed.is_ok()) else { return };
            let counts = entry.facts.noun.severity(self.day).is_some() && features.sees(&sight, entry);
            let Some(distance_m) = self.shape.distance_within(&entry.shape, within.get()) else { return };
            if !counts || known.contains(&entry.facts.id) {
                return;
            }
            matters = true;
            failed = self.near(layer, entry, told, distance_m).map(|near| found.around.references.push(near));
            let restricted = features.is_restricted(entry);
            found.taken.push(Taken { layer, code, id: entry.facts.id, restricted });
        });
        failed?;
        pace.done()?;
        if sight.sees_all() {
            return Ok(matters);
        }
        let cells = features.hidden().met_apart(false, &sight, &self.shape, within.get());
        let hidden = self.is_told(layer.as_str(), Of::Buildings, &cells, found);
        found.around.hidden.extend(Some(BUILDINGS).filter(|_| hidden));
        Ok(matters || hidden)
    }

    /// Takes every column in a zone that stands or is permitted, however far from the place; whether there was any, that is
    /// seen or told of.
    fn all_in_zone(&self, id: Uuid, zone: &Prepared, found: &mut Found<'a>) -> Result<bool> {
        let known = found.around.works.iter().map(|work| work.facts.id);
        let known = known.chain(found.around.references.iter().map(|near| near.facts.id)).collect();
        let mut matters = false;
        for source in IN_ZONES {
            matters |= self.source_in_zone(*source, (id, zone), &known, found)?;
        }
        Ok(matters)
    }

    /// Takes what a source has in a zone, besides what is known already.
    fn source_in_zone(
        &self,
        source: Source,
        (id, zone): (Uuid, &Prepared),
        known: &HashSet<Uuid>,
        found: &mut Found<'a>,
    ) -> Result<bool> {
        let mut pace = Pace::new(self.how.deadline);
        let (layer, code) = (source.layer(), self.territory.jurisdiction.code.as_str());
        let (features, sight) = (self.territory.layer(layer), self.actor.sight(code));
        let (mut matters, mut failed) = (false, Ok(()));
        features.near(zone, Metres::ZERO, |entry| {
            let new = pace.next() && failed.is_ok() && !known.contains(&entry.facts.id) && features.sees(&sight, entry);
            let noun = entry.facts.noun;
            let work = WorkFacts::try_from(noun).ok();
            let counts =
                || work.map_or_else(|| noun.severity(self.day).is_some(), |told| told.stands_or_will(self.day));
            if !new || !counts() {
                return;
            }
            // It may stand in it, as badly as its position is known.
            if !entry.shape.within(zone, self.territory.rules().on(self.day).accuracy(&entry.facts.noun).metres.get()) {
                return;
            }
            let distance_m = || self.shape.distance(&entry.shape);
            let taken = match (work, self.as_permit(entry)) {
                (Some(told), _) => self.near(layer, entry, told, distance_m()).map(|n| found.around.works.push(n)),
                (_, Some(told)) => self.near(layer, entry, told, distance_m()).map(|n| found.around.references.push(n)),
                (None, None) => return,
            };
            matters = true;
            failed = taken;
            let restricted = features.is_restricted(entry);
            found.taken.push(Taken { layer, code, id: entry.facts.id, restricted });
        });
        failed?;
        pace.done()?;
        if sight.sees_all() {
            return Ok(matters);
        }
        let hidden = features.hidden();
        // Of which kind what is hidden is, nobody is told.
        let cells = if layer.is_told_by_kind() {
            hidden.met_apart(false, &sight, zone, 0.0)
        } else {
            hidden.met(&sight, zone, 0.0)
        };
        let hidden = self.is_told(layer.as_str(), Of::Zone(id), &cells, found);
        if hidden {
            found.around.lacks_in_zone(Gap { source, why: GapWhy::Hidden });
        }
        Ok(matters || hidden)
    }

    /// A feature as a request of which the column may be built, where it is one, and not the one that is asked about.
    fn as_permit(&self, entry: &Entry) -> Option<ReferenceFacts> {
        let told = ReferenceFacts::try_from(entry.facts.noun).ok()?;
        let permitted = entry.facts.attributes.as_deref().is_some_and(Attributes::is_permitted);
        let other = self.own != Some(entry.facts.id);
        (told.kind == ReferenceKind::SiteRequest && permitted && other).then_some(told)
    }
}
