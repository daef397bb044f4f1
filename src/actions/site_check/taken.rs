//! Features that were found round a place, and which of them an answer rests on.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::layer::Layer;
use crate::domain::site_check::{Finding, Ground};

/// A feature that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) layer: Layer,
    /// Its jurisdiction.
    pub(super) code: &'a str,
    pub(super) id: Uuid,
    /// It is to be known who is shown it.
    pub(super) restricted: bool,
}

/// What of it findings rest on, listed or not.
pub(super) fn ground<'a>(findings: &[Finding], mut taken: Vec<Taken<'a>>) -> Vec<Taken<'a>> {
    if !taken.is_empty() {
        let ground: HashSet<Uuid> = findings.iter().flat_map(Finding::ground).collect();
        taken.retain(|one| ground.contains(&one.id));
    }
    taken
}

/// What of it is restricted, or all of it, as it is kept.
pub(super) fn kept(taken: &[Taken<'_>], restricted: bool) -> Vec<Ground> {
    let wanted = taken.iter().filter(|one| one.restricted || !restricted);
    wanted.map(|one| (one.layer, one.code.to_owned(), one.id)).collect()
}
