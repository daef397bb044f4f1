//! Whether the service can do its work.

use super::Context;
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::error::Result;

/// One jurisdiction as this instance holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its code.
    pub jurisdiction: String,
    /// The revision that the index shows.
    pub revision: i64,
    /// Features in each layer.
    pub features: Vec<(&'static str, usize)>,
}

/// What the index holds.
#[must_use]
pub fn loaded(context: &Context) -> Vec<Loaded> {
    let snapshot = context.index.snapshot();
    snapshot
        .territories()
        .map(|t| Loaded {
            jurisdiction: t.jurisdiction.code.clone(),
            revision: t.revision,
            features: Layer::ALL.iter().map(|(layer, name)| (*name, t.layer(*layer).len())).collect(),
        })
        .collect()
}

/// The database answers, and the index holds something to answer from.
///
/// # Errors
/// [`Error::Busy`](crate::error::Error::Busy) when the database does not answer.
pub fn ready(context: &Context) -> Result<Vec<Loaded>> {
    context.store.ping()?;
    Ok(loaded(context))
}
