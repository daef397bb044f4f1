//! Zones in which columns are shared: whose columns stand in them, however far from the place that is asked about.

use super::{SiteCheck, Spot, on_grid};
use crate::actions::Context;
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::layer::Layer;
use crate::domain::site_check::{CheckCode, Evidence, Outcome, Source, column_on};
use crate::error::Result;
use crate::geometry::Metres;
use crate::geometry::measure::Prepared;

/// The columns in the zones after which a check wants one shared, as far as the actor sees them and they are not restricted.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) for a place that the grid of a neighbour does not hold.
pub(in crate::actions) fn columns_in_zones(
    context: &Context,
    actor: &Actor,
    check: &SiteCheck,
) -> Result<Vec<Evidence>> {
    let wants = |code: CheckCode, outcome| code == CheckCode::Zon && outcome == Some(Outcome::SharingRequired);
    let zones = check.findings.iter().filter(|f| wants(f.code, f.outcome)).flat_map(|f| &f.evidence);
    let snapshot = context.index.snapshot();
    let spot = Spot::of(&check.delivered)?;
    let mut found = Vec::new();
    for evidence in zones {
        for territory in snapshot.territories() {
            let Some(zone) = territory.layer(evidence.layer).get(evidence.id) else { continue };
            if !zone.facts.attributes.as_deref().is_some_and(|a| a.sharing_required) {
                continue;
            }
            let day = clock::now().to_zoned(territory.jurisdiction.time_zone()).date();
            let place = Prepared::point(on_grid(territory, spot)?);
            let layer: Layer = Source::Works.layer();
            let (features, sight) = (territory.layer(layer), actor.sight(&territory.jurisdiction.code));
            features.near(&zone.shape, Metres::ZERO, |entry| {
                let Some(column) = column_on(&entry.facts.noun, day) else { return };
                let offered = features.sees(&sight, entry) && !features.is_restricted(entry);
                if offered && entry.shape.within(&zone.shape, 0.0) {
                    let distance_m = place.distance(&entry.shape);
                    found.push(Evidence {
                        spare_capacity: column.spare_capacity,
                        ..Evidence::of(layer, &entry.facts, distance_m)
                    });
                }
            });
        }
    }
    Ok(found)
}
