//! Keeping accounts.

use uuid::Uuid;

use super::access::entry;
use super::{Context, Witness, forbidden, password};
use crate::clock;
use crate::domain::account::{Account, AccountChange, AccountDraft, Mail, wrong_password};
use crate::domain::actor::{Actor, Duty};
use crate::domain::audit::{ACCESS, Deed};
use crate::error::{Error, Result};
use crate::geometry::Problem;
use crate::store::{self, Stored, WriteTx};

/// Adds an account. The password is given back where nobody chose one: it is shown once and kept nowhere.
///
/// # Errors
/// [`Error::Invalid`] with every problem, [`Error::Taken`], [`Error::Forbidden`], [`Error::Busy`].
pub fn add(context: &Context, witness: Witness<'_>, new: AccountDraft) -> Result<(Account, Option<String>)> {
    permitted(witness.actor, &new.organisation, new.scope.jurisdictions.as_deref())?;
    let mut problems = Account::problems(&new.name, &new.scope);
    let wrong = new.password.as_ref().and_then(|p| wrong_password(p, &new.name));
    problems.extend(wrong.map(|detail| Problem::new("/password", detail)));
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let generated = if new.password.is_none() { Some(password::generated()?) } else { None };
    let hash = password::hash(new.password.as_ref().or(generated.as_ref()).map_or("", String::as_str))?;
    let account = Account {
        id: Uuid::now_v7(),
        name: new.name,
        organisation: new.organisation,
        scope: new.scope,
        disabled: false,
        mail: Mail::default(),
        version: 1,
        recorded_at: clock::now(),
    };
    let (account, _) = context.store.write(witness, |tx| {
        registered(tx, account.scope.jurisdictions.as_deref())?;
        let account = store::account::insert(tx, &account, &hash)?;
        tx.audit(ACCESS, entry(Deed::Create, "account", Some(account.id), detail(&account)))?;
        Ok(account)
    })?;
    Ok((account, generated))
}

/// Changes an account. Whoever is disabled, or gets another password, is signed out everywhere; another password ends API
/// tokens, too. One administrator of all jurisdictions remains who may sign in.
///
/// # Errors
/// [`Error::StillNeeded`] where none would remain,
/// [`Error::NotFound`], also for an account that is not the actor's to keep, [`Error::Changed`] where `expected` is not
/// its version, [`Error::Invalid`], [`Error::Forbidden`], [`Error::Busy`].
pub fn change(
    context: &Context,
    witness: Witness<'_>,
    id: Uuid,
    expected: Option<i32>,
    change: &AccountChange,
) -> Result<Account> {
    let before = find(context, witness.actor, id)?;
    let wrong = change.password.as_ref().and_then(|p| wrong_password(p, &before.name));
    if let Some(detail) = wrong {
        return Err(Error::invalid("/password", detail));
    }
    let hash = change.password.as_ref().map(|p| password::hash(p)).transpose()?;
    let (account, _) = context.store.write(witness, |tx| {
        let missing = || Error::NotFound(format!("the account {id}"));
        let mut account = store::account::lock(tx, id)?.ok_or_else(missing)?;
        if !keeps(witness.actor, &account) {
            return Err(missing().into());
        }
        if expected.is_some_and(|version| version != account.version) {
            return Err(Error::Changed(format!("the account is at version {}", account.version)).into());
        }
        let kept_all = account.keeps_all();
        if let Some(organisation) = &change.organisation {
            account.organisation.clone_from(organisation);
        }
        if let Some(roles) = &change.roles {
            account.scope.roles.clone_from(roles);
        }
        if let Some(jurisdictions) = &change.jurisdictions {
            account.scope.jurisdictions.clone_from(jurisdictions);
            registered(tx, jurisdictions.as_deref())?;
        }
        account.disabled = change.disabled.unwrap_or(account.disabled);
        permitted(witness.actor, &account.organisation, account.scope.jurisdictions.as_deref())?;
        if let Some(email) = &change.email {
            account.mail.address.clone_from(email);
        }
        account.mail.language = change.language.unwrap_or(account.mail.language);
        account.mail.wanted = change.mail.unwrap_or(account.mail.wanted);
        let mut problems = Account::problems(&account.name, &account.scope);
        problems.extend(account.mail.problems());
        if !problems.is_empty() {
            return Err(Error::Invalid(problems).into());
        }
        if kept_all && !account.keeps_all() && !store::account::another_keeps_all(tx, id)? {
            let detail = format!("{} is the last administrator of all jurisdictions who may sign in", account.name);
            return Err(Error::StillNeeded(format!("{detail}; make another one first")).into());
        }
        let account = store::account::update(tx, &account)?;
        let mut told = detail(&account);
        if let Some(hash) = &hash {
            store::account::set_password(tx, id, hash)?;
            told.push(("password", "reset".to_owned()));
            // Whoever knew the old one may have made one for himself.
            told.push(("api_tokens_revoked", store::api_token::delete_all(tx, id)?.to_string()));
        }
        if account.disabled || hash.is_some() {
            told.push(("sessions_ended", store::session::end_all(tx, id, None)?.to_string()));
        }
        tx.audit(ACCESS, entry(Deed::Replace, "account", Some(id), told))?;
        Ok(account)
    })?;
    context.access.forget();
    Ok(account)
}

/// Gives an account a password that nobody chose; it is shown once.
///
/// # Errors
/// As [`change`].
pub fn reset(context: &Context, witness: Witness<'_>, id: Uuid, chosen: Option<String>) -> Result<Option<String>> {
    let generated = if chosen.is_none() { Some(password::generated()?) } else { None };
    let password = chosen.or_else(|| generated.clone());
    change(context, witness, id, None, &AccountChange { password, ..AccountChange::default() })?;
    Ok(generated)
}

/// An account.
///
/// # Errors
/// [`Error::NotFound`], also for one that is not the actor's to keep, [`Error::Forbidden`], [`Error::Busy`].
pub fn find(context: &Context, actor: &Actor, id: Uuid) -> Result<Account> {
    keeps_any(actor)?;
    let found = context.store.read(|conn| store::account::find(conn, id))?;
    found.filter(|account| keeps(actor, account)).ok_or_else(|| Error::NotFound(format!("the account {id}")))
}

/// The account of a name.
///
/// # Errors
/// As [`find`].
pub fn by_name(context: &Context, actor: &Actor, name: &str) -> Result<Account> {
    keeps_any(actor)?;
    let found = context.store.read(|conn| store::account::by_name(conn, name))?.map(|(account, _)| account);
    found.filter(|account| keeps(actor, account)).ok_or_else(|| Error::NotFound(format!("the account {name}")))
}

/// Accounts that are the actor's to keep, after an id, and the last of them where there may be more.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::Busy`].
pub fn list(context: &Context, actor: &Actor, after: Option<Uuid>, limit: u32) -> Result<(Vec<Account>, Option<Uuid>)> {
    keeps_any(actor)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut mine, mut from) = (Vec::new(), after);
    // Where a page ended at an account of others, the address of the next one would tell of it.
    loop {
        let found = context.store.read(|conn| store::account::list(conn, from, limit))?;
        let full = found.len() >= most;
        from = found.last().map(|a| a.id);
        mine.extend(found.into_iter().filter(|account| keeps(actor, account)));
        if !full || mine.len() > most {
            break;
        }
    }
    let more = mine.len() > most;
    mine.truncate(most);
    let next = mine.last().map(|a| a.id).filter(|_| more);
    Ok((mine, next))
}

fn keeps_any(actor: &Actor) -> Result<()> {
    if actor.may_do(Duty::Accounts) { Ok(()) } else { Err(forbidden(actor, "keep accounts")) }
}

/// Whether an account is the actor's to keep, and to know.
pub(super) fn keeps(actor: &Actor, account: &Account) -> bool {
    actor.may_keep_account(&account.organisation, account.scope.jurisdictions.as_deref())
}

fn permitted(actor: &Actor, organisation: &str, jurisdictions: Option<&[String]>) -> Result<()> {
    if actor.may_keep_account(organisation, jurisdictions) {
        return Ok(());
    }
    let wher = match jurisdictions {
        None => "all jurisdictions".to_owned(),
        Some([]) => "no jurisdiction".to_owned(),
        Some(codes) => codes.join(", "),
    };
    Err(forbidden(actor, &format!("keep accounts of {organisation} in {wher}")))
}

/// Every jurisdiction is registered.
fn registered(tx: &mut WriteTx<'_>, jurisdictions: Option<&[String]>) -> Stored<()> {
    let mut problems = Vec::new();
    for (i, code) in jurisdictions.unwrap_or_default().iter().enumerate() {
        if !store::jurisdiction::exists(tx, code)? {
            problems.push(Problem::new(format!("/jurisdictions/{i}"), format!("«{code}» is not registered")));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems).into()) }
}

fn detail(account: &Account) -> Vec<(&'static str, String)> {
    let roles: Vec<String> = account.scope.roles.iter().map(ToString::to_string).collect();
    vec![
        ("name", account.name.clone()),
        ("organisation", account.organisation.clone()),
        ("roles", roles.join(",")),
        ("jurisdictions", account.scope.jurisdictions.as_ref().map_or_else(|| "all".into(), |all| all.join(","))),
        ("disabled", account.disabled.to_string()),
        ("mail", account.mail.wanted.to_string()),
        ("version", account.version.to_string()),
    ]
}
