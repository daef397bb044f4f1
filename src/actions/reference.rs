//! Which reference layers there are, where they come from, and how old they are.

use super::Context;
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::reference::ReferenceLayer;
use crate::error::{Error, Result};
use crate::store;

/// A reference layer as somebody sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The layer.
    pub layer: ReferenceLayer,
    /// Days since the oldest of its sources, in the jurisdiction; none where one of them states no day.
    pub age_days: Option<i64>,
}

/// The reference layers of a jurisdiction or of all, of which the actor sees something, and what he sees of them.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered, [`Error::Busy`].
pub fn layers(context: &Context, actor: &Actor, jurisdiction: Option<&str>) -> Result<Vec<Listed>> {
    let snapshot = context.index.snapshot();
    if let Some(code) = jurisdiction.filter(|code| snapshot.territory(code).is_none()) {
        return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")));
    }
    let layers = context.store.read_as(actor, |conn| store::reference::layers(conn, jurisdiction))?;
    let listed = layers.into_iter().map(|layer| {
        let zone = snapshot.territory(&layer.jurisdiction).map(|t| t.jurisdiction.time_zone());
        let age_days = layer.age_days(clock::now(), zone.unwrap_or(jiff::tz::TimeZone::UTC));
        Listed { layer, age_days }
    });
    Ok(listed.collect())
}
