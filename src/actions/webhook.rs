//! Keeping webhooks: whoever keeps the accounts of an organisation says where it is told what happens.

use uuid::Uuid;

use super::access::entry;
use super::{Context, Witness, forbidden, password};
use crate::clock;
use crate::domain::actor::{Actor, Duty};
use crate::domain::audit::{ACCESS, Deed};
use crate::domain::webhook::{
    Delivery, DeliveryState, Replay, SECRET_BYTES, SigningSecret, WEBHOOKS_MAX, Webhook, WebhookChange, WebhookDraft,
    is_plain,
};
use crate::error::{Error, Result};
use crate::geometry::Problem;
use crate::store::webhook as store;
use crate::store::{Stored, WriteTx, delivery, jurisdiction};

fn missing(id: Uuid) -> Error {
    Error::NotFound(format!("the webhook {id}"))
}

fn keeps(actor: &Actor, webhook: &Webhook) -> bool {
    actor.may_keep_account(&webhook.organisation, webhook.jurisdictions.as_deref())
}

fn keeps_any(actor: &Actor) -> Result<()> {
    if actor.may_do(Duty::Accounts) { Ok(()) } else { Err(forbidden(actor, "keep webhooks")) }
}

fn permitted(actor: &Actor, webhook: &Webhook) -> Result<()> {
    let what = format!("keep webhooks of {} for these jurisdictions", webhook.organisation);
    if keeps(actor, webhook) { Ok(()) } else { Err(forbidden(actor, &what)) }
}

fn secret() -> Result<SigningSecret> {
    Ok(SigningSecret(password::random::<SECRET_BYTES>()?.to_vec()))
}

/// What is wrong with a webhook here.
fn problems(context: &Context, webhook: &Webhook) -> Vec<Problem> {
    let mut problems = Webhook::problems(&webhook.url, webhook.events.as_deref());
    if is_plain(&webhook.url) && context.settings.webhook_networks.is_empty() {
        problems.push(Problem::new("/url", "must begin with https://: what is sent must be read by nobody else"));
    }
    problems
}

/// Every jurisdiction is registered.
fn registered(tx: &mut WriteTx<'_>, webhook: &Webhook, mut problems: Vec<Problem>) -> Stored<()> {
    for (i, code) in webhook.jurisdictions.iter().flatten().enumerate() {
        if !jurisdiction::exists(tx, code)? {
            problems.push(Problem::new(format!("/jurisdictions/{i}"), format!("«{code}» is not registered")));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems).into()) }
}

fn detail(webhook: &Webhook) -> Vec<(&'static str, String)> {
    let all = |list: Option<&Vec<String>>| list.map_or_else(|| "all".into(), |list| list.join(","));
    vec![
        ("organisation", webhook.organisation.clone()),
        ("url", webhook.url.clone()),
        ("jurisdictions", all(webhook.jurisdictions.as_ref())),
        ("events", all(webhook.events.as_ref())),
        ("disabled", webhook.disabled.to_string()),
        ("version", webhook.version.to_string()),
    ]
}

/// Adds a webhook. Its secret is given back once.
///
/// # Errors
/// [`Error::Invalid`] with every problem, [`Error::Forbidden`], [`Error::TooLarge`] with more than [`WEBHOOKS_MAX`],
/// [`Error::Busy`].
pub fn add(context: &Context, witness: Witness<'_>, new: WebhookDraft) -> Result<(Webhook, SigningSecret)> {
    let WebhookDraft { organisation, url, jurisdictions, events } = new;
    let (id, recorded_at) = (Uuid::now_v7(), clock::now());
    let webhook = Webhook { id, organisation, url, jurisdictions, events, disabled: false, version: 1, recorded_at };
    permitted(witness.actor, &webhook)?;
    let secret = secret()?;
    let (webhook, _) = context.store.write(witness, |tx| {
        registered(tx, &webhook, problems(context, &webhook))?;
        let webhook = store::insert(tx, &webhook, &secret)?;
        let count = store::count(tx, &webhook.organisation)?;
        if count > WEBHOOKS_MAX {
            let (what, limit) = ("the organisation".to_owned(), format!("{WEBHOOKS_MAX} webhooks"));
            return Err(Error::TooLarge { what, found: format!("{count} webhooks"), limit }.into());
        }
        tx.audit(ACCESS, entry(Deed::Create, "webhook", Some(webhook.id), detail(&webhook)))?;
        Ok(webhook)
    })?;
    Ok((webhook, secret))
}

/// Changes a webhook; the new secret, where one was asked for.
///
/// # Errors
/// [`Error::NotFound`], also for a webhook that is not the actor's to keep, [`Error::Changed`] where `expected` is not its version,
/// [`Error::Invalid`], [`Error::Forbidden`], [`Error::Busy`].
pub fn change(
    context: &Context,
    witness: Witness<'_>,
    id: Uuid,
    expected: Option<i32>,
    change: &WebhookChange,
) -> Result<(Webhook, Option<SigningSecret>)> {
    keeps_any(witness.actor)?;
    let secret = if change.new_secret { Some(secret()?) } else { None };
    let (webhook, _) = context.store.write(witness, |tx| {
        let mut webhook = locked(tx, witness.actor, id)?;
        if expected.is_some_and(|version| version != webhook.version) {
            return Err(Error::Changed(format!("the webhook is at version {}", webhook.version)).into());
        }
        if let Some(url) = &change.url {
            webhook.url.clone_from(url);
        }
        if let Some(jurisdictions) = &change.jurisdictions {
            webhook.jurisdictions.clone_from(jurisdictions);
        }
        if let Some(events) = &change.events {
            webhook.events.clone_from(events);
        }
        webhook.disabled = change.disabled.unwrap_or(webhook.disabled);
        permitted(witness.actor, &webhook)?;
        registered(tx, &webhook, problems(context, &webhook))?;
        let webhook = store::update(tx, &webhook, secret.as_ref())?;
        let mut told = detail(&webhook);
        told.extend(secret.as_ref().map(|_| ("secret", "new".to_owned())));
        tx.audit(ACCESS, entry(Deed::Replace, "webhook", Some(id), told))?;
        Ok(webhook)
    })?;
    context.post.wake();
    Ok((webhook, secret))
}

/// Deletes a webhook. What still waits for it is sent to nobody.
///
/// # Errors
/// [`Error::NotFound`], also for a webhook that is not the actor's to keep, [`Error::Forbidden`], [`Error::Busy`].
pub fn remove(context: &Context, witness: Witness<'_>, id: Uuid) -> Result<()> {
    keeps_any(witness.actor)?;
    context.store.write(witness, |tx| {
        let webhook = locked(tx, witness.actor, id)?;
        delivery::withhold(tx, id)?;
        store::delete(tx, id)?;
        tx.audit(ACCESS, entry(Deed::Delete, "webhook", Some(id), detail(&webhook)))
    })?;
    Ok(())
}

fn locked(tx: &mut WriteTx<'_>, actor: &Actor, id: Uuid) -> Stored<Webhook> {
    let found = store::lock(tx, id)?.filter(|webhook| keeps(actor, webhook));
    Ok(found.ok_or_else(|| missing(id))?)
}

/// A webhook.
///
/// # Errors
/// [`Error::NotFound`], also for one that is not the actor's to keep, [`Error::Forbidden`], [`Error::Busy`].
pub fn find(context: &Context, actor: &Actor, id: Uuid) -> Result<Webhook> {
    keeps_any(actor)?;
    let found = context.store.read(|conn| store::find(conn, id))?;
    found.filter(|webhook| keeps(actor, webhook)).ok_or_else(|| missing(id))
}

/// Webhooks that are the actor's to keep, after an id, and the last of them where there may be more.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::Busy`].
pub fn list(context: &Context, actor: &Actor, after: Option<Uuid>, limit: u32) -> Result<(Vec<Webhook>, Option<Uuid>)> {
    keeps_any(actor)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut mine, mut from) = (Vec::new(), after);
    // As for accounts: a page ends at one's own.
    loop {
        let found = context.store.read(|conn| store::list(conn, from, limit))?;
        let full = found.len() >= most;
        from = found.last().map(|webhook| webhook.id);
        mine.extend(found.into_iter().filter(|webhook| keeps(actor, webhook)));
        if !full || mine.len() > most {
            break;
        }
    }
    let more = mine.len() > most;
    mine.truncate(most);
    let next = mine.last().map(|webhook| webhook.id).filter(|_| more);
    Ok((mine, next))
}

/// Deliveries to a webhook in the order of their events, after one, and the last of them where there are more.
///
/// # Errors
/// As [`find`].
pub fn deliveries(
    context: &Context,
    actor: &Actor,
    id: Uuid,
    state: Option<DeliveryState>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<(Vec<Delivery>, Option<Uuid>)> {
    find(context, actor, id)?;
    let more = limit.saturating_add(1);
    let mut found = context.store.read_as(actor, |conn| delivery::deliveries(conn, id, state, after, more))?;
    let are_more = found.len() >= usize::try_from(more).unwrap_or(usize::MAX);
    if are_more {
        found.pop();
    }
    let next = found.last().map(|last| last.event).filter(|_| are_more);
    Ok((found, next))
}

/// Sends again what a webhook was sent, or was not; how many messages.
///
/// # Errors
/// As [`remove`].
pub fn replay(context: &Context, witness: Witness<'_>, id: Uuid, which: &Replay) -> Result<usize> {
    keeps_any(witness.actor)?;
    let (count, _) = context.store.write(witness, |tx| {
        let webhook = locked(tx, witness.actor, id)?;
        let count = delivery::replay(tx, id, which)?;
        let told = vec![("organisation", webhook.organisation), ("replayed", count.to_string())];
        tx.audit(ACCESS, entry(Deed::Create, "webhook_replay", Some(id), told))?;
        Ok(count)
    })?;
    context.post.wake();
    Ok(count)
}
