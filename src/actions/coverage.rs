//! Saying where a layer holds all there is, taking it back, and reading what was said.

use std::sync::Arc;

use uuid::Uuid;

use super::{Context, Witness, forbidden, refresh};
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditEntry, Deed};
use crate::domain::coverage::{CoverageArea, CoverageDraft, RegisteredCoverage};
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::index::{Coverages, Territory};
use crate::store::{self, Connection, Stored};

/// Most areas of one layer of a jurisdiction: all of them are looked at by every check.
pub const AREAS_MAX: usize = 1_000;

/// Declares that a layer holds all there is on some ground. What is declared already just so stays as it is.
///
/// # Errors
/// [`Error::Invalid`] with every problem, [`Error::NotFound`] for a jurisdiction that is not registered,
/// [`Error::TooLarge`] with more than [`AREAS_MAX`] areas, [`Error::Forbidden`], [`Error::Busy`].
pub fn declare(
    context: &Context,
    witness: Witness<'_>,
    code: &str,
    draft: CoverageDraft,
) -> Result<RegisteredCoverage> {
    let (jurisdiction, area) = look_at(context, witness.actor, code, draft)?;
    let known = context.store.read(|conn| store::coverage::list(conn, Some(code), Some(area.layer)))?;
    if let Some(same) = known.into_iter().find(|known| known.area == area) {
        return Ok(same);
    }
    let id = Uuid::now_v7();
    let (declared, revisions) = context.store.write(witness, |tx| {
        let declared = store::coverage::insert(tx, code, jurisdiction.grid, id, area.clone())?;
        let count = store::coverage::count(tx, code, area.layer)?;
        if count > AREAS_MAX {
            return Err(Error::TooLarge {
                what: format!("the coverage of {} in {code}", area.layer),
                found: format!("{count} areas"),
                limit: format!("{AREAS_MAX} areas"),
            }
            .into());
        }
        tx.audit(code, entry(Deed::Create, &declared))?;
        Ok(declared)
    })?;
    refresh::after_commit(context, witness.actor, &revisions);
    Ok(declared)
}

/// Looks whether somebody may declare an area, and whether it could be one, and declares nothing.
///
/// # Errors
/// As [`declare`].
pub fn look_at(
    context: &Context,
    actor: &Actor,
    code: &str,
    draft: CoverageDraft,
) -> Result<(Jurisdiction, CoverageArea)> {
    if !actor.answers_for(draft.layer, code) {
        return Err(forbidden(actor, &format!("declare the coverage of {} in {code}", draft.layer)));
    }
    let unknown = || Error::NotFound(format!("the jurisdiction «{code}»"));
    let jurisdiction = context.store.read(|conn| store::jurisdiction::find(conn, code))?.ok_or_else(unknown)?;
    let area = CoverageArea::new(draft, &jurisdiction, context.reach()).map_err(Error::Invalid)?;
    Ok((jurisdiction, area))
}

/// Takes a coverage area back.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Busy`].
pub fn withdraw(context: &Context, witness: Witness<'_>, code: &str, id: Uuid) -> Result<RegisteredCoverage> {
    let (gone, revisions) = context.store.write(witness, |tx| {
        let missing = || Error::NotFound(format!("the coverage area {id} of {code}"));
        let gone = store::coverage::delete(tx, code, id)?.ok_or_else(missing)?;
        if !witness.actor.answers_for(gone.area.layer, code) {
            return Err(
                forbidden(witness.actor, &format!("withdraw the coverage of {} in {code}", gone.area.layer)).into()
            );
        }
        tx.audit(code, entry(Deed::Delete, &gone))?;
        Ok(gone)
    })?;
    refresh::after_commit(context, witness.actor, &revisions);
    Ok(gone)
}

fn entry(deed: Deed, declared: &RegisteredCoverage) -> AuditEntry {
    let area = &declared.area;
    let mut detail = vec![("what", "coverage".to_owned()), ("source", area.source.clone())];
    detail.extend(area.kind.map(|kind| ("kind", kind.as_str().to_owned())));
    detail.extend(area.as_of.map(|day| ("as_of", day.to_string())));
    AuditEntry { deed, layer: Some(area.layer), subject: Some(declared.id), owner: None, detail }
}

/// The coverage areas of a jurisdiction or of all, of a layer or of all. Where data are complete is no secret.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered, [`Error::Busy`].
pub fn list(context: &Context, jurisdiction: Option<&str>, layer: Option<Layer>) -> Result<Vec<RegisteredCoverage>> {
    context.store.read(|conn| {
        if let Some(code) = jurisdiction
            && store::changes::revision(conn, code)?.is_none()
        {
            return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")).into());
        }
        store::coverage::list(conn, jurisdiction, layer)
    })
}

/// The coverage of a jurisdiction for the index: what the state `known` has, unless something was declared or withdrawn since.
///
/// # Errors
/// The database's.
pub(super) fn read(
    conn: &mut Connection,
    jurisdiction: &Jurisdiction,
    known: Option<&Territory>,
    changed: bool,
) -> Stored<Arc<Coverages>> {
    let known = known.map(Territory::coverages);
    if let Some(known) = known.filter(|_| !changed) {
        return Ok(Arc::clone(known));
    }
    let areas = store::coverage::list(conn, Some(&jurisdiction.code), None)?;
    Ok(Arc::new(Coverages::new(&areas, &jurisdiction.time_zone(), known.map(Arc::as_ref))))
}
