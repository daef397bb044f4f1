//! The request that a column is asked for by: it is in no way of itself, nor is its column, where it was granted and somebody has
//! registered that. Whoever asks names it himself, so it counts as that only at its own place, on a day of its own.

use jiff::civil::Date;
use uuid::Uuid;

use super::around::Round;
use super::border::brought;
use crate::domain::actor::Actor;
use crate::domain::layer::Layer;
use crate::domain::reference::{Attributes, ReferenceFacts, ReferenceKind};
use crate::domain::site_check::{Parameters, SAME_PLACE_M, Subject, Surroundings, own_column};
use crate::error::Result;
use crate::geometry::measure::Dimension;
use crate::geometry::outside;
use crate::index::{Entry, Snapshot, Territory};

/// The request that is asked about.
pub(super) struct Own<'a> {
    pub(super) territory: &'a Territory,
    entry: &'a Entry,
}

/// The request of a place, as far as the asker sees it; none of another place, another carrier or another day.
pub(super) fn own<'a>(
    actor: &Actor,
    snapshot: &'a Snapshot,
    ground: &Round<'_>,
    subject: &Subject,
    day: Date,
) -> Result<Option<Own<'a>>> {
    let Some(id) = subject.request else { return Ok(None) };
    let round = outside::widened(&ground.bounds, SAME_PLACE_M);
    for territory in snapshot.territories().filter(|t| outside::meets_round_the_earth(&t.extent, &round)) {
        let sight = actor.sight(&territory.jurisdiction.code);
        for layer in Layer::all().filter(|layer| layer.is_told_by_kind()) {
            let features = territory.layer(layer);
            let Some(entry) = features.get(id).filter(|entry| features.sees(&sight, entry)) else { continue };
            if is_asked_for(entry, subject, day) && (ground.on)(territory)?.within(&entry.shape, SAME_PLACE_M) {
                return Ok(Some(Own { territory, entry }));
            }
        }
    }
    Ok(None)
}

/// It is a request for a column at one place, of the carrier that asks, and of this day.
fn is_asked_for(entry: &Entry, subject: &Subject, day: Date) -> bool {
    let Ok(told) = ReferenceFacts::try_from(entry.facts.noun) else { return false };
    let of_carrier = subject.organisation.as_deref().is_none_or(|carrier| *entry.facts.organisation == *carrier);
    let is_place = entry.shape.dimension() == Dimension::Point && entry.shape.positions() == 1;
    told.kind == ReferenceKind::SiteRequest && entry.facts.noun.severity(day).is_some() && of_carrier && is_place
}

impl Own<'_> {
    pub(super) fn id(&self) -> Uuid {
        self.entry.facts.id
    }

    /// Takes its column out of what stands round the place, where it was granted.
    pub(super) fn take_column(
        &self,
        home: &Territory,
        subject: &Subject,
        rules: &Parameters<'_>,
        around: &mut Surroundings<'_>,
    ) -> Result<()> {
        if !self.entry.facts.attributes.as_deref().is_some_and(Attributes::is_permitted) {
            return Ok(());
        }
        let place = brought(self.territory, home, &self.entry.shape)?;
        if let Some(own) = own_column(subject, &place, &around.works, rules) {
            around.works.retain(|work| work.facts.id != own);
        }
        Ok(())
    }
}
