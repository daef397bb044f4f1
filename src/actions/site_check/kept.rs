//! Runs that are kept: whoever signed in and asks about a column finds his answer again, with all that it rests on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, Unit};
use uuid::Uuid;

use super::{SiteCheck, Spot, on_grid};
use crate::actions::{Context, Reader, Witness, forbidden, refresh};
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditEntry, Deed, Digest, digest_of, hex};
use crate::domain::site_check::waiver::role_for;
use crate::domain::site_check::{CheckCode, Run, Said, Waiver};
use crate::error::{Error, Result};
use crate::geometry::Coord;
use crate::index::Snapshot;
use crate::store::site_check::{self as store, Listing, StoredRun};
use crate::store::site_check_later::{self as later, Mark};
use crate::store::{Stored, WriteTx};

/// What is in the detail of the event that keeps runs.
const WHAT: &str = "site_checks";

/// A check that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: Uuid,
    /// The answer as it was written.
    pub document: String,
}

/// A run that is kept, with what came later.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRun {
    /// The run.
    pub run: Run,
    /// The hash that was stored with it.
    pub hash: Digest,
    /// What was waived of it.
    pub waivers: Vec<Waiver>,
    /// Where it would now be answered otherwise, if that was ever so.
    pub mark: Option<Mark>,
}

/// A moment as the database keeps it.
fn to_the_microsecond(at: Timestamp) -> Timestamp {
    at.round(Unit::Microsecond).unwrap_or(at)
}

/// Somebody would see a run of his own in this jurisdiction.
fn may_keep(actor: &Actor, jurisdiction: &str) -> bool {
    !actor.is_public() && (actor.organisation.is_some() || actor.sight(jurisdiction).sees_all())
}

/// Keeps checks that lie in a jurisdiction, where the asker is somebody who would see them again: `write` gives the answer with
/// its id. Of each check what was kept, in their order.
///
/// # Errors
/// [`Error::Invalid`] for a name that cannot be kept, [`Error::Busy`].
pub fn keep(
    context: &Context,
    witness: Witness<'_>,
    checks: &[SiteCheck],
    write: &dyn Fn(&SiteCheck, Uuid) -> String,
) -> Result<Vec<Option<Kept>>> {
    let snapshot = context.index.snapshot();
    let mut runs = Vec::new();
    for check in checks {
        let home = check.jurisdiction.as_deref().filter(|code| may_keep(witness.actor, code));
        runs.push(home.map(|code| run(&snapshot, witness.actor, check, code, write)).transpose()?);
    }
    let codes: BTreeSet<String> = runs.iter().flatten().map(|run| run.jurisdiction.clone()).collect();
    if !codes.is_empty() {
        let ((), reached) = context.store.write(witness, |tx| {
            for code in &codes {
                keep_in(tx, code, &mut runs.iter_mut().flatten().filter(|run| run.jurisdiction == *code))?;
            }
            Ok(())
        })?;
        refresh::after_commit(context, witness.actor, &reached);
    }
    Ok(runs.into_iter().map(|run| run.map(|run| Kept { id: run.id, document: run.document })).collect())
}

/// Keeps runs of one jurisdiction in one revision, with one event that names their hashes.
fn keep_in(tx: &mut WriteTx<'_>, code: &str, runs: &mut dyn Iterator<Item = &mut Run>) -> Stored<()> {
    let (revision, recorded_at) = tx.raise(code)?;
    let mut hashes = Vec::new();
    for run in runs {
        (run.revision, run.recorded_at) = (revision, recorded_at);
        run.pack = store::pack_in(tx, code, run.revisions.get(code).copied().unwrap_or(revision))?;
        store::insert(tx, run)?;
        hashes.push((run.id, run.hash()));
    }
    let subject = if let [(id, _)] = hashes.as_slice() { Some(*id) } else { None };
    let mut detail = vec![("what", WHAT.to_owned()), ("count", hashes.len().to_string())];
    detail.extend(digest_of(&mut hashes).map(|digest| ("sha256", hex(&digest))));
    tx.audit(code, AuditEntry { deed: Deed::Create, layer: None, subject, owner: None, detail })
}

fn run(
    snapshot: &Snapshot,
    actor: &Actor,
    check: &SiteCheck,
    code: &str,
    write: &dyn Fn(&SiteCheck, Uuid) -> String,
) -> Result<Run> {
    if check.name.contains('\0') {
        return Err(Error::invalid("/id", "has a NUL in it, which is part of no text"));
    }
    let home = snapshot.territory(code).ok_or_else(|| Error::Internal(format!("{code} left the index")))?;
    let at = on_grid(home, Spot { delivered: &check.delivered, lonlat: check.lonlat.0 })?;
    let id = Uuid::now_v7();
    Ok(Run {
        id,
        jurisdiction: code.to_owned(),
        name: check.name.clone(),
        lonlat: Coord { x: check.lonlat.0.x(), y: check.lonlat.0.y() },
        grid: check.grid,
        on_grid: at,
        reach_m: check.reach_m,
        subject: check.subject.clone(),
        at: to_the_microsecond(check.at),
        day: check.day,
        recorded_at: check.at,
        revision: 0,
        revisions: check.revisions.clone(),
        pack: None,
        asker: actor.clone(),
        told_by_budget: check.told_by_budget.clone(),
        said: check.findings.iter().map(Said::of).collect(),
        shown: check.shown.clone(),
        document: write(check, id),
    })
}

fn with_later(conn: &mut crate::store::Connection, stored: Vec<StoredRun>) -> Stored<Vec<KeptRun>> {
    let ids: Vec<Uuid> = stored.iter().map(|stored| stored.run.id).collect();
    let mut waivers: BTreeMap<Uuid, Vec<Waiver>> = BTreeMap::new();
    for (run, waiver) in later::waivers(conn, &ids)? {
        waivers.entry(run).or_default().push(waiver);
    }
    let mut marks = later::marks(conn, &ids)?;
    let kept = |StoredRun { run, hash }: StoredRun| {
        let (waivers, mark) = (waivers.remove(&run.id).unwrap_or_default(), marks.remove(&run.id));
        KeptRun { run, hash, waivers, mark }
    };
    Ok(stored.into_iter().map(kept).collect())
}

fn not_there(id: Uuid) -> Error {
    Error::NotFound(format!("the site check {id}"))
}

/// A run that somebody may see.
pub(super) fn seen(context: &Context, actor: &Actor, id: Uuid) -> Result<KeptRun> {
    let found = context.store.snapshot(|conn| {
        crate::store::seen::see(conn, actor)?;
        let stored = store::of_ids(conn, &[id])?;
        with_later(conn, stored)
    })?;
    found.into_iter().find(|kept| kept.run.is_seen_by(actor)).ok_or_else(|| not_there(id))
}

/// A run, with what came later.
///
/// # Errors
/// [`Error::NotFound`] where it is not there, or not the reader's to see; [`Error::Busy`].
pub fn of_id<'r>(context: &Context, reader: impl Into<Reader<'r>>, id: Uuid) -> Result<KeptRun> {
    let reader = reader.into();
    let kept = seen(context, reader.actor, id)?;
    context.reads.shown(reader, kept.run.shown.iter().map(|(layer, code, id)| (*layer, code.as_str(), *id)))?;
    Ok(kept)
}

/// Runs that somebody may see, by time, and after which one there are more.
///
/// # Errors
/// [`Error::Busy`].
pub fn list(context: &Context, actor: &Actor, listing: &Listing) -> Result<(Vec<KeptRun>, Option<Uuid>)> {
    let more = Listing { limit: listing.limit + 1, ..listing.clone() };
    context.store.snapshot(|conn| {
        crate::store::seen::see(conn, actor)?;
        if let Some(code) = &listing.jurisdiction
            && crate::store::changes::revision(conn, code)?.is_none()
        {
            return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")).into());
        }
        let mut stored = store::list(conn, &more)?;
        let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
        let are_more = stored.len() > limit;
        stored.truncate(limit);
        let next = stored.last().filter(|_| are_more).map(|stored| stored.run.id);
        let mut kept = with_later(conn, stored)?;
        kept.retain(|kept| kept.run.is_seen_by(actor));
        Ok((kept, next))
    })
}

/// Waives the finding of a check in a run.
///
/// # Errors
/// [`Error::NotFound`] for a run that somebody does not see, [`Error::Forbidden`] where no role of his may waive it,
/// [`Error::Taken`] where it is waived already, or nothing stands in the way.
pub fn waive(context: &Context, witness: Witness<'_>, id: Uuid, code: CheckCode, reason: &str) -> Result<()> {
    let KeptRun { run, waivers, .. } = seen(context, witness.actor, id)?;
    let snapshot = context.index.snapshot();
    let Some(home) = snapshot.territory(&run.jurisdiction) else { return Err(not_there(id)) };
    let today = clock::now().to_zoned(home.jurisdiction.time_zone()).date();
    let Some(role) = role_for(home.rules().site(), witness.actor, code, &run.jurisdiction, today) else {
        return Err(forbidden(witness.actor, &format!("waive what {code} says, for the rules name none of them")));
    };
    if !run.said(code).is_some_and(|said| said.verdict.is_to_waive()) {
        return Err(Error::Taken(format!("what {code} says stands in no way: there is nothing to waive")));
    }
    if waivers.iter().any(|waiver| waiver.code == code) {
        return Err(Error::Taken("this finding is waived already".into()));
    }
    let place = run.jurisdiction.as_str();
    let ((), reached) = context.store.write(witness, |tx| {
        let (revision, recorded_at) = tx.raise(place)?;
        let Actor { name: actor, organisation, .. } = witness.actor.clone();
        let waiver = Waiver { code, actor, organisation, role, reason: reason.to_owned(), recorded_at, revision };
        later::waive(tx, place, id, &waiver)?;
        let detail = vec![
            ("what", "site_check_waiver".to_owned()),
            ("code", code.to_string()),
            ("role", role.to_string()),
            ("reason", reason.to_owned()),
        ];
        let owner = run.asker.organisation.clone();
        tx.audit(place, AuditEntry { deed: Deed::Create, layer: None, subject: Some(id), owner, detail })
    })?;
    refresh::after_commit(context, witness.actor, &reached);
    Ok(())
}
