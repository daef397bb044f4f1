//! Keeping organisations.

use super::access::entry;
use super::{Context, Witness, forbidden};
use crate::domain::audit::{ACCESS, Deed};
use crate::domain::organisation::{Organisation, OrganisationKind, wrong_name};
use crate::error::{Error, Result};
use crate::store;

/// The organisations, by code. Who they are is no secret among those who signed in.
///
/// # Errors
/// [`Error::Unauthenticated`], [`Error::Busy`].
pub fn list(context: &Context, actor: &crate::domain::actor::Actor) -> Result<Vec<Organisation>> {
    if actor.is_public() {
        return Err(forbidden(actor, "list organisations"));
    }
    context.store.read(store::organisation::list)
}

/// Adds an organisation.
///
/// # Errors
/// [`Error::Taken`], [`Error::Forbidden`], [`Error::Busy`].
pub fn add(context: &Context, witness: Witness<'_>, organisation: &Organisation) -> Result<()> {
    permitted(witness)?;
    context.store.write(witness, |tx| {
        store::organisation::insert(tx, organisation)?;
        tx.audit(ACCESS, entry(Deed::Create, "organisation", None, detail(organisation)))
    })?;
    Ok(())
}

/// Gives an organisation another name or kind.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`], [`Error::Forbidden`], [`Error::Busy`].
pub fn change(
    context: &Context,
    witness: Witness<'_>,
    code: &str,
    name: Option<&str>,
    kind: Option<OrganisationKind>,
) -> Result<Organisation> {
    permitted(witness)?;
    let missing = || Error::NotFound(format!("the organisation {code}"));
    if wrong_name(code).is_some() {
        return Err(missing());
    }
    let (changed, _) = context.store.write(witness, |tx| {
        tx.raise(ACCESS)?;
        let before = store::organisation::find(tx, code)?.ok_or_else(missing)?;
        let changed = Organisation::new(code, name.unwrap_or(&before.name), kind.unwrap_or(before.kind));
        let changed = changed.map_err(Error::Invalid)?;
        store::organisation::update(tx, &changed)?;
        tx.audit(ACCESS, entry(Deed::Replace, "organisation", None, detail(&changed)))?;
        Ok(changed)
    })?;
    Ok(changed)
}

fn permitted(witness: Witness<'_>) -> Result<()> {
    if witness.actor.may_keep_organisations() {
        return Ok(());
    }
    Err(forbidden(witness.actor, "keep organisations"))
}

fn detail(organisation: &Organisation) -> Vec<(&'static str, String)> {
    vec![
        ("code", organisation.code.clone()),
        ("name", organisation.name.clone()),
        ("kind", organisation.kind.to_string()),
    ]
}
