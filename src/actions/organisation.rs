//! Keeping organisations.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

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

/// The codes that are known to be registered: none is ever taken back, so no database has to be asked twice.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashSet<String>>);

/// Somebody goes by this code: it is registered, or a token of the configuration acts for it.
///
/// # Errors
/// [`Error::Busy`].
pub(super) fn is_known(context: &Context, code: &str) -> Result<bool> {
    if wrong_name(code).is_some() {
        return Ok(false);
    }
    let known = || context.organisations.0.lock().unwrap_or_else(PoisonError::into_inner);
    let of_token = context.settings.tokens.iter().any(|token| token.organisation.as_deref() == Some(code));
    if of_token || known().contains(code) {
        return Ok(true);
    }
    let is_registered = context.store.read(|conn| store::organisation::is_registered(conn, code))?;
    if is_registered {
        known().insert(code.to_owned());
    }
    Ok(is_registered)
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
