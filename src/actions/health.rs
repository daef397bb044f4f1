//! Whether the service can do its work.

use super::{Context, refresh};
use crate::domain::actor::Actor;
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::error::{Error, Result};

/// One jurisdiction as this instance holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its code.
    pub jurisdiction: String,
    /// The revision that the index shows.
    pub revision: i64,
    /// Features in each layer that the asker sees.
    pub features: Vec<(&'static str, usize)>,
}

/// What the index holds, for whoever sees everything.
#[must_use]
pub fn loaded(context: &Context) -> Vec<Loaded> {
    seen(context, &Actor::operator())
}

/// What the actor sees of what the index holds: the number of hidden features is hidden too.
#[must_use]
pub fn seen(context: &Context, actor: &Actor) -> Vec<Loaded> {
    let snapshot = context.index.snapshot();
    snapshot
        .territories()
        .map(|t| {
            let sight = actor.sight(&t.jurisdiction.code);
            Loaded {
                jurisdiction: t.jurisdiction.code.clone(),
                revision: t.revision,
                features: Layer::ALL.iter().map(|(layer, name)| (*name, t.layer(*layer).count(&sight))).collect(),
            }
        })
        .collect()
}

/// The database answers, and the index shows every jurisdiction that is registered there at its present revision. One
/// that is behind gets one chance to catch up.
///
/// # Errors
/// [`Error::Busy`] when the database does not answer, or naming a jurisdiction that the index does not show as it is.
pub fn ready(context: &Context) -> Result<()> {
    let lag = refresh::lag(context)?;
    refresh::forget_gone(context, &lag);
    for code in lag.behind {
        if let Err(error) = refresh::catch_up(context, &code) {
            tracing::warn!(%error, jurisdiction = code, "not ready: the index could not follow this jurisdiction");
            return Err(Error::busy(format!("the index does not show the jurisdiction {code} as it is now")));
        }
    }
    Ok(())
}
