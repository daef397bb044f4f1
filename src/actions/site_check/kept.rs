//! Runs that are kept: whoever signed in and asks about a column finds his answer again, with all that it rests on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{Timestamp, Unit};
use uuid::Uuid;

use super::{SiteCheck, Spot, on_grid};
use crate::actions::{Context, Reader, Witness, forbidden, refresh};
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditEntry, Deed, Digest, digest_of, hex};
use crate::domain::layer::{Layer, with_noun};
use crate::domain::site_check::waiver::role_for;
use crate::domain::site_check::{CheckCode, ENGINE, Ground, HiddenCells, Run, Said, Waiver};
use crate::domain::word::Visibility;
use crate::error::{Error, Result};
use crate::geometry::Coord;
use crate::index::Snapshot;
use crate::store::records::Records;
use crate::store::site_check::{self as store, Listing, StoredRun};
use crate::store::site_check_later::{self as later, Mark};
use crate::store::version;
use crate::store::{Connection, Stored, WriteTx};

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
    /// Whether it would is told; not to whoever was told of as many cells with something hidden as he may hear of.
    pub is_told: bool,
    /// The restricted features, of then and of now, on which it and its mark rest.
    pub restricted: Vec<Ground>,
}

impl KeptRun {
    /// Would now be answered otherwise.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.mark.as_ref().is_some_and(|mark| !mark.differences.is_empty())
    }

    /// The jurisdictions at which the mark looked.
    fn looked_at_later(&self) -> impl Iterator<Item = &String> {
        self.mark.iter().flat_map(|mark| mark.revisions.keys())
    }

    /// By his rights somebody may see it.
    fn is_seen_by(&self, actor: &Actor) -> bool {
        let sees_all = |code: &String| actor.sight(code).sees_all();
        let mark_is_known = self.mark.as_ref().is_none_or(|mark| mark.ground.is_some());
        self.run.is_seen_by(actor, self.looked_at_later())
            && (mark_is_known || self.run.revisions.keys().chain(self.looked_at_later()).all(sees_all))
    }

    /// Every feature on which it and its mark rest.
    fn ground(&self) -> impl Iterator<Item = &Ground> {
        let of_mark = self.mark.iter().flat_map(|mark| mark.ground.iter().flatten().chain(&mark.shown));
        self.run.ground.iter().flatten().chain(&self.run.shown).chain(of_mark)
    }
}

/// A moment as the database keeps it.
fn to_the_microsecond(at: Timestamp) -> Timestamp {
    at.round(Unit::Microsecond).unwrap_or(at)
}

/// Somebody acts in the jurisdiction of a check, and would see a run of his own.
fn may_keep(actor: &Actor, jurisdiction: &str, check: &SiteCheck) -> bool {
    let sees_all = || check.revisions.keys().all(|code| actor.sight(code).sees_all());
    !actor.is_public() && actor.serves(jurisdiction) && (actor.organisation.is_some() || sees_all())
}

/// Keeps checks that lie in a jurisdiction, where the roles of the asker hold and he would see them again: `write` gives the answer with
/// its id. Of each check what was kept, in their order.
///
/// # Errors
/// [`Error::Invalid`] for a name that cannot be kept, [`Error::Busy`].
pub fn keep(
    context: &Context,
    witness: Witness<'_>,
    checks: &[SiteCheck],
    write: &dyn Fn(&SiteCheck, Uuid) -> Result<String>,
) -> Result<Vec<Option<Kept>>> {
    let snapshot = context.index.snapshot();
    let mut runs = Vec::new();
    for check in checks {
        let home = check.jurisdiction.as_deref().filter(|code| may_keep(witness.actor, code, check));
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

/// A check as it would be kept, where it would.
pub(in crate::actions) fn to_keep(
    context: &Context,
    actor: &Actor,
    check: &SiteCheck,
    write: &dyn Fn(&SiteCheck, Uuid) -> Result<String>,
) -> Result<Option<Run>> {
    let home = check.jurisdiction.as_deref().filter(|code| may_keep(actor, code, check));
    home.map(|code| run(&context.index.snapshot(), actor, check, code, write)).transpose()
}

/// Keeps a run in the revision of another write, whose event names it; its hash.
pub(in crate::actions) fn keep_with(tx: &mut WriteTx<'_>, mut run: Run) -> Stored<Digest> {
    let code = run.jurisdiction.clone();
    let stands = tx.raise(&code)?;
    keep_at(tx, &code, stands, &mut run)?;
    Ok(run.hash())
}

fn keep_at(tx: &mut WriteTx<'_>, code: &str, (revision, at): (i64, Timestamp), run: &mut Run) -> Stored<()> {
    (run.revision, run.recorded_at) = (revision, at);
    run.pack = store::pack_in(tx, code, run.revisions.get(code).copied().unwrap_or(revision))?;
    store::insert(tx, run)
}

/// Keeps runs of one jurisdiction in one revision, with one event that names their hashes.
fn keep_in(tx: &mut WriteTx<'_>, code: &str, runs: &mut dyn Iterator<Item = &mut Run>) -> Stored<()> {
    let stands = tx.raise(code)?;
    let mut hashes = Vec::new();
    for run in runs {
        keep_at(tx, code, stands, run)?;
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
    write: &dyn Fn(&SiteCheck, Uuid) -> Result<String>,
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
        engine: Some(ENGINE),
        accuracies: Some(home.rules().defaults()),
        asker: actor.clone(),
        told_by_budget: check.told_by_budget.clone(),
        said: check.findings.iter().map(Said::of).collect(),
        shown: check.shown.clone(),
        ground: Some(check.ground.clone()),
        document: write(check, id)?,
    })
}

fn with_later(conn: &mut Connection, stored: Vec<StoredRun>) -> Stored<Vec<KeptRun>> {
    let ids: Vec<Uuid> = stored.iter().map(|stored| stored.run.id).collect();
    let mut waivers: BTreeMap<Uuid, Vec<Waiver>> = BTreeMap::new();
    for (run, waiver) in later::waivers(conn, &ids)? {
        waivers.entry(run).or_default().push(waiver);
    }
    let mut marks = later::marks(conn, &ids)?;
    let kept = |StoredRun { run, hash }: StoredRun| {
        let (waivers, mark) = (waivers.remove(&run.id).unwrap_or_default(), marks.remove(&run.id));
        KeptRun { run, hash, waivers, mark, is_told: true, restricted: Vec::new() }
    };
    Ok(stored.into_iter().map(kept).collect())
}

/// Of some runs those that somebody may see: by his rights, and because he sees of every feature on which they and their marks
/// rest the newest version, or of what is gone the last. The transaction sees what he sees.
fn seen_of(conn: &mut Connection, actor: &Actor, stored: Vec<StoredRun>) -> Stored<Vec<KeptRun>> {
    let mut kept = with_later(conn, stored)?;
    kept.retain(|kept| kept.is_seen_by(actor));
    let mut newest: HashMap<(Layer, Uuid), Visibility> = HashMap::new();
    for layer in Layer::all() {
        let of_layer = kept.iter().flat_map(KeptRun::ground).filter(|(of, _, _)| *of == layer);
        let ids: Vec<Uuid> = of_layer.map(|(_, _, id)| *id).collect::<BTreeSet<_>>().into_iter().collect();
        if ids.is_empty() {
            continue;
        }
        for feature in version::newest(conn, layer, &ids)? {
            if actor.sight(&feature.jurisdiction).sees(feature.visibility, &feature.organisation) {
                newest.insert((layer, feature.id), feature.visibility);
            }
        }
    }
    kept.retain(|kept| kept.ground().all(|(layer, _, id)| newest.contains_key(&(*layer, *id))));
    for kept in &mut kept {
        let now = |(layer, _, id): &&Ground| newest.get(&(*layer, *id)).is_some_and(|v| v.is_restricted());
        let of_then = kept.run.shown.iter().chain(kept.mark.iter().flat_map(|mark| &mark.shown));
        let restricted: BTreeSet<Ground> = of_then.chain(kept.ground().filter(now)).cloned().collect();
        kept.restricted = restricted.into_iter().collect();
    }
    Ok(kept)
}

/// Takes note of the restricted features on which what is shown of some runs rests.
fn note(context: &Context, reader: Reader<'_>, kept: &[KeptRun]) -> Result<()> {
    let shown = kept.iter().flat_map(|kept| &kept.restricted);
    context.reads.shown(reader, shown.map(|(layer, code, id)| (*layer, code.as_str(), *id)))
}

/// Whether somebody is told if a run would be answered otherwise: what that says of hidden features counts as if he asked.
fn is_told(context: &Context, actor: &Actor, kept: &KeptRun) -> bool {
    let hidden_from = |code: &String| !actor.sight(code).sees_all();
    if !kept.run.revisions.keys().chain(kept.looked_at_later()).any(hidden_from) {
        return true;
    }
    let hidden = kept.mark.iter().flat_map(|mark| &mark.hidden);
    may_hear(context, actor, hidden.filter(|one| hidden_from(&one.jurisdiction)))
}

/// Whether somebody may hear what depends on some cells with something hidden: it counts as if he asked.
pub(in crate::actions) fn may_hear<'h>(
    context: &Context,
    actor: &Actor,
    hidden: impl IntoIterator<Item = &'h HiddenCells>,
) -> bool {
    let mut may = may_hear_more(context, actor);
    for HiddenCells { jurisdiction, source, cells } in hidden {
        may = may && context.notices.may_hear(actor, (jurisdiction, source, None), cells);
    }
    may
}

/// Nothing that somebody saw when a run was made, and on which it rests, is hidden from him since. Nobody is shown any of it.
pub(in crate::actions) fn is_seen_still(context: &Context, actor: &Actor, run: Uuid) -> Result<bool> {
    context.store.snapshot(|conn| {
        let stored = store::of_ids(conn, &[run])?.pop();
        let Some((revisions, ground)) = stored.and_then(|s| s.run.ground.map(|ground| (s.run.revisions, ground)))
        else {
            return Ok(false);
        };
        for layer in Layer::all() {
            let of_layer: Vec<Uuid> = ground.iter().filter(|(of, _, _)| *of == layer).map(|(_, _, id)| *id).collect();
            let mut hidden: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
            for newest in version::newest(conn, layer, &of_layer)? {
                if !actor.sight(&newest.jurisdiction).sees(newest.visibility, &newest.organisation) {
                    hidden.entry(newest.jurisdiction).or_default().push(newest.id);
                }
            }
            for (code, ids) in &hidden {
                let Some(then) = revisions.get(code) else { return Ok(false) };
                if with_noun!(layer, N => saw::<N>(conn, actor, code, ids, *then)?) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    })
}

/// Somebody saw one of some features as it was at a revision.
fn saw<T: Records>(conn: &mut Connection, actor: &Actor, code: &str, ids: &[Uuid], then: i64) -> Stored<bool> {
    let sight = actor.sight(code);
    let sees = |props: &T::Props| sight.sees(T::visibility(props), T::organisation(props));
    Ok(T::at(conn, code, ids, then)?.iter().any(|version| sees(version.feature.body.props())))
}

/// Somebody was not told of as many cells as he may hear of yet.
fn may_hear_more(context: &Context, actor: &Actor) -> bool {
    context.notices.may_hear(actor, ("", "", None), &[])
}

fn not_there(id: Uuid) -> Error {
    Error::NotFound(format!("the site check {id}"))
}

/// A run that somebody may see; that he does is noted.
pub(super) fn seen(context: &Context, reader: Reader<'_>, id: Uuid) -> Result<KeptRun> {
    let found = context.store.snapshot(|conn| {
        crate::store::seen::see(conn, reader.actor)?;
        let stored = store::of_ids(conn, &[id])?;
        seen_of(conn, reader.actor, stored)
    })?;
    note(context, reader, &found)?;
    found.into_iter().next().ok_or_else(|| not_there(id))
}

/// A run, with what came later.
///
/// # Errors
/// [`Error::NotFound`] where it is not there, or not the reader's to see; [`Error::Busy`].
pub fn of_id<'r>(context: &Context, reader: impl Into<Reader<'r>>, id: Uuid) -> Result<KeptRun> {
    let reader = reader.into();
    let mut kept = seen(context, reader, id)?;
    kept.is_told = is_told(context, reader.actor, &kept);
    Ok(kept)
}

/// Runs that somebody may see, by time, each without its answer as it was given, and after which one there are more. Where he is
/// not told which are outdated, those are listed, too, of which nobody tells him.
///
/// # Errors
/// [`Error::Busy`].
pub fn list<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    listing: &Listing,
) -> Result<(Vec<KeptRun>, Option<Uuid>)> {
    let reader = reader.into();
    let actor = reader.actor;
    let most = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let (mut page, mut more): (Vec<KeptRun>, bool) = (Vec::new(), false);
    let mut wanted = Listing { limit: listing.limit + 1, ..listing.clone() };
    // Whoever may hear no more would be told by what is not in the list.
    wanted.outdated &= actor.sight_everywhere().sees_all() || may_hear_more(context, actor);
    // Where a page ended at a run of others, the address of the next one would tell of it.
    'pages: loop {
        let (found, last, full) = context.store.snapshot(|conn| {
            crate::store::seen::see(conn, actor)?;
            if let Some(code) = &listing.jurisdiction
                && crate::store::changes::revision(conn, code)?.is_none()
            {
                return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")).into());
            }
            let stored = store::list(conn, &wanted)?;
            let (last, full) = (stored.last().map(|stored| stored.run.id), stored.len() > most);
            Ok((seen_of(conn, actor, stored)?, last, full))
        })?;
        for mut kept in found {
            more = page.len() == most;
            if more {
                break 'pages;
            }
            kept.is_told = is_told(context, actor, &kept);
            if wanted.outdated && !kept.is_told {
                // That it was found at all would tell: from here on all are listed.
                wanted.outdated = false;
                continue 'pages;
            }
            wanted.after = Some(kept.run.id);
            if !listing.outdated || !kept.is_told || kept.is_outdated() {
                page.push(kept);
            }
        }
        if !full {
            break;
        }
        wanted.after = last;
    }
    note(context, reader, &page)?;
    let next = page.last().map(|kept| kept.run.id).filter(|_| more);
    Ok((page, next))
}

/// Waives the finding of a check in a run.
///
/// # Errors
/// [`Error::NotFound`] for a run that somebody does not see, [`Error::Forbidden`] where no role of his may waive it, or his own
/// organisation asks for it,
/// [`Error::Taken`] where it is waived already, or nothing stands in the way.
pub fn waive<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    witness: Witness<'_>,
    id: Uuid,
    code: CheckCode,
    reason: &str,
) -> Result<KeptRun> {
    // What the answer shows is noted before anything is written.
    let mut kept = of_id(context, reader, id)?;
    let KeptRun { run, waivers, .. } = &kept;
    let snapshot = context.index.snapshot();
    let Some(home) = snapshot.territory(&run.jurisdiction) else { return Err(not_there(id)) };
    let today = clock::now().to_zoned(home.jurisdiction.time_zone()).date();
    let Some(role) = role_for(home.rules().site(), witness.actor, code, &run.jurisdiction, today) else {
        return Err(forbidden(witness.actor, &format!("waive what {code} says, for the rules name none of them")));
    };
    // What is checked of a request is in the way of whoever asks for it.
    let owner = run.subject.organisation.as_ref().filter(|_| run.subject.request.is_some());
    if owner.is_some() && owner == witness.actor.organisation.as_ref() {
        return Err(forbidden(witness.actor, "waive what is in the way of a request of his own organisation"));
    }
    if !run.said(code).is_some_and(|said| said.verdict.is_to_waive()) {
        return Err(Error::Taken(format!("what {code} says stands in no way: there is nothing to waive")));
    }
    if waivers.iter().any(|waiver| waiver.code == code) {
        return Err(Error::Taken("this finding is waived already".into()));
    }
    let place = run.jurisdiction.as_str();
    let (waiver, reached) = context.store.write(witness, |tx| {
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
        tx.audit(place, AuditEntry { deed: Deed::Create, layer: None, subject: Some(id), owner, detail })?;
        Ok(waiver)
    })?;
    refresh::after_commit(context, witness.actor, &reached);
    kept.waivers.push(waiver);
    Ok(kept)
}
