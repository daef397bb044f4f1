//! The audit trail: where its chains stand, what stands in them, and whether anybody touched them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Context, forbidden};
use crate::config::Settings;
use crate::domain::actor::Actor;
pub use crate::domain::audit::Kept;
use crate::domain::audit::{ACCESS, Counter, Head, Key, RecordedEvent, Report, Verifier, misfits, sums_of};
use crate::domain::restricted_read::RestrictedRead;
use crate::error::{Error, Result};
use crate::store::{access, audit, restricted_read};

/// Which events are meant.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// Only this chain.
    pub chain: Option<String>,
    /// From this revision on.
    pub from: Option<i64>,
    /// To this one.
    pub to: Option<i64>,
}

impl Range {
    /// Whether there is anything in it, and every head of a chain that is meant: none is passed over.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn holds(&self, kept: &[Head]) -> Result<()> {
        let (from, to) = (self.from.unwrap_or(1), self.to.unwrap_or(i64::MAX));
        if from > to {
            return Err(Error::Malformed(format!("there are no revisions from {from} to {to}")));
        }
        let meant = |head: &&Head| self.chain.as_ref().is_none_or(|only| *only == head.chain);
        match kept.iter().filter(meant).find(|head| !(from..=to).contains(&head.revision)) {
            None => Ok(()),
            Some(Head { chain, revision, .. }) => Err(Error::Malformed(format!(
                "the head of {chain} at revision {revision} is not among the revisions to be looked at"
            ))),
        }
    }
}

/// What the service signs heads with, where a file with a key is named.
///
/// # Errors
/// [`Error::Parameter`] for a file that cannot be read or holds no key.
pub fn key(settings: &Settings) -> Result<Option<Key>> {
    let file = &settings.audit_key;
    if file.is_empty() {
        return Ok(None);
    }
    let wrong = |why: String| Error::parameter("audit_key", format!("{file} {why}"));
    let text = std::fs::read_to_string(file).map_err(|e| wrong(format!("cannot be read: {e}")))?;
    let key = Key::of_seed(&text).ok_or_else(|| wrong("does not hold a key: 64 hexadecimal digits".into()))?;
    Ok(Some(key))
}

fn may_read(actor: &Actor) -> Result<()> {
    if actor.may_read_audit() { Ok(()) } else { Err(forbidden(actor, "read the audit trail")) }
}

/// The chains meant.
fn chains(all: Vec<Counter>, only: Option<&str>) -> Result<Vec<Counter>> {
    let Some(only) = only else { return Ok(all) };
    let found: Vec<_> = all.into_iter().filter(|counter| counter.chain == only).collect();
    if found.is_empty() { Err(Error::NotFound(format!("the chain «{only}»"))) } else { Ok(found) }
}

/// Where each chain stands; chains without a hashed event are left out.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`] for an unknown chain, [`Error::Busy`].
pub fn heads(context: &Context, actor: &Actor, chain: Option<&str>, now: Timestamp) -> Result<Vec<Head>> {
    may_read(actor)?;
    context.store.snapshot(|conn| {
        let mut heads = Vec::new();
        for Counter { chain, .. } in chains(audit::chains(conn)?, chain)? {
            let Some(RecordedEvent { event, hash: Some(hash), .. }) = audit::last(conn, &chain)? else { continue };
            heads.push(Head { chain, revision: event.revision, hash, signed_at: now });
        }
        Ok(heads)
    })
}

/// Gives `each` the events meant, chain by chain, in their order and from one state of the database.
///
/// # Errors
/// As [`heads`], and what `each` fails with.
pub fn export(
    context: &Context,
    actor: &Actor,
    range: &Range,
    each: &mut dyn FnMut(&RecordedEvent) -> Result<()>,
) -> Result<()> {
    may_read(actor)?;
    context.store.long_snapshot(None, |conn| {
        for Counter { chain, .. } in chains(audit::chains(conn)?, range.chain.as_deref())? {
            audit::events(conn, &chain, range.from.unwrap_or(1), range.to, &mut |event| Ok(each(&event)?))?;
        }
        Ok(())
    })
}

/// Gives `each` who was shown which restricted features, from one moment on to before another, by time and from one state of
/// the database. What servers have shown since a moment may wait in their memory still.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::Busy`], and what `each` fails with.
pub fn reads(
    context: &Context,
    actor: &Actor,
    [from, to]: [Option<Timestamp>; 2],
    each: &mut dyn FnMut(&RestrictedRead) -> Result<()>,
) -> Result<()> {
    may_read(actor)?;
    context.store.long_snapshot(None, |conn| restricted_read::reads(conn, from, to, &mut |read| Ok(each(&read)?)))
}

/// Looks for whatever was changed, left out or put elsewhere in the chains meant, and for features, accounts and
/// what belongs to them that are not what the events say of them. `kept` was kept elsewhere.
///
/// # Errors
/// As [`heads`], and as [`Range::holds`].
pub fn verify(context: &Context, actor: &Actor, range: &Range, kept: Kept<'_>) -> Result<Vec<(String, Report)>> {
    may_read(actor)?;
    range.holds(kept.heads)?;
    let from = range.from.unwrap_or(1);
    context.store.long_snapshot(None, |conn| {
        let known = audit::chains(conn)?;
        let mut reports = Vec::new();
        // A chain that was deleted as a whole is missed by whoever kept its head.
        let deleted = kept.heads.iter().filter(|h| known.iter().all(|counter| counter.chain != h.chain));
        let deleted: BTreeSet<_> = deleted.map(|h| h.chain.clone()).collect();
        let deleted: Vec<_> =
            deleted.into_iter().map(|chain| Counter { chain, revision: 0, hash: None, missing: false }).collect();
        let all = known.into_iter().chain(deleted).collect();
        for counter in chains(all, range.chain.as_deref())? {
            let (chain, revision) = (counter.chain.clone(), counter.revision);
            let mut verifier = Verifier::new(&chain, from, kept);
            let of_access = if chain == ACCESS { access::versions(conn)? } else { Vec::new() };
            let stored = if chain == ACCESS { sums_of(&of_access) } else { audit::versions(conn, &chain)? };
            // An event of before the first is of no chain, and is looked for all the same.
            let first = if from <= 1 { i64::MIN } else { from };
            audit::events(conn, &chain, first, range.to, &mut |event| {
                verifier.take(&event);
                let (ended, began) = stored.get(&event.event.revision).copied().unwrap_or_default();
                verifier.versions(&event, ended, began);
                Ok(())
            })?;
            // Revisions count from 1; what was there before digests of access were taken stands under 0, and is in no sum.
            if from <= 1 {
                stored.range(..1).for_each(|(before, _)| verifier.beyond(*before));
            }
            if range.to.is_none_or(|to| to >= revision) {
                verifier.counter(&counter);
            }
            verifier.moments(audit::other_moments(conn, &chain, from, range.to)?);
            let last = range.to.map_or(revision, |to| to.min(revision));
            if range.to.is_none() {
                stored.range(revision + 1..).for_each(|(beyond, _)| verifier.beyond(*beyond));
                if chain == ACCESS {
                    verifier.amiss(misfits(&of_access, &access::present(conn)?));
                }
            }
            reports.push((chain, verifier.end(Some(last))));
        }
        Ok(reports)
    })
}
