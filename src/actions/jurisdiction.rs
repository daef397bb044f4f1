//! Registering a jurisdiction.

use std::sync::Arc;

use super::{Context, Witness, forbidden, refresh};
use crate::domain::audit::{AuditEntry, Deed};
use crate::domain::jurisdiction::{Jurisdiction, JurisdictionDraft};
use crate::error::{Error, Result};
use crate::store;

/// Registers a jurisdiction with its working grid and boundary.
///
/// # Errors
/// [`Error::Invalid`] with every problem, [`Error::Changed`] where the code is taken, [`Error::Forbidden`],
/// [`Error::Busy`].
pub fn register(context: &Context, witness: Witness<'_>, draft: JurisdictionDraft) -> Result<Jurisdiction> {
    if !witness.actor.may_register_jurisdictions() {
        return Err(forbidden(witness.actor, "register a jurisdiction"));
    }
    let jurisdiction = Jurisdiction::new(draft).map_err(Error::Invalid)?;
    jurisdiction.measures_truly().map_err(Error::Invalid)?;
    let ((), revisions) = context.store.write(witness, |tx| {
        store::jurisdiction::insert(tx, &jurisdiction)?;
        let detail = vec![("name", jurisdiction.name_en.clone()), ("grid", jurisdiction.grid.to_string())];
        let entry = AuditEntry { deed: Deed::Register, layer: None, subject: None, owner: None, detail };
        tx.audit(&jurisdiction.code, entry)
    })?;
    refresh::after_commit(context, witness.actor, &revisions);
    Ok(jurisdiction)
}

/// The jurisdictions registered here.
#[must_use]
pub fn list(context: &Context) -> Vec<Arc<Jurisdiction>> {
    context.index.snapshot().territories().map(|t| Arc::clone(&t.jurisdiction)).collect()
}
