//! How the index follows the database: loaded whole at the start, then revision by revision.

mod following;
mod held;
mod owed;
mod turns;
mod written;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

pub use following::Following;
pub(super) use held::Recorded;
use held::{Held, held};
pub(super) use owed::Owed;
use turns::Taken;
pub(super) use turns::Turns;
use written::follow_written;

use super::changes::{self as news, Touched};
use super::{Context, coverage, rules};
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::layer::{Layer, with_noun};
use crate::domain::rules::Ruling;
use crate::error::{Error, Result};
use crate::index::{Changes, Coverages, Entry, LayerIndex, Sowing, Territory};
use crate::store::changes::Head;
use crate::store::copied::{Copied, Decoder};
use crate::store::followed::Followed;
use crate::store::records::IndexRow;
use crate::store::{Committed, Connection, Stored, changes, jurisdiction};

/// More features than this are not read by those who follow shortly: so many take some hundredths of a second.
const SHORT_MAX: usize = 1_000;

/// Chunks of rows that may be read before they are prepared: enough that neither waits for a hiccup of the other.
const CHUNKS_AHEAD: usize = 8;

/// How the index differs from the database.
pub(super) struct Lag {
    /// Jurisdictions that it does not hold, or holds at another revision.
    pub(super) behind: Vec<String>,
    /// Jurisdictions that only the index still has.
    pub(super) gone: Vec<String>,
}

/// Where the index differs from the database.
///
/// # Errors
/// [`Error::Busy`] when the database cannot be reached.
pub(super) fn lag(context: &Context) -> Result<Lag> {
    let heads = context.store.read(changes::heads)?;
    let snapshot = context.index.snapshot();
    let codes = snapshot.territories().map(|t| &t.jurisdiction.code);
    let gone = codes.filter(|code| heads.iter().all(|h| h.jurisdiction != **code)).cloned().collect();
    let in_step = |head: &Head| {
        held(context, &head.jurisdiction)
            .is_some_and(|h| h.territory.revision == head.revision && h.recorded_at == head.recorded_at)
    };
    let behind = heads.into_iter().filter(|head| !in_step(head)).map(|head| head.jurisdiction).collect();
    Ok(Lag { behind, gone })
}

/// Brings every jurisdiction to its present revision; new ones are loaded whole. One that fails does not keep the
/// others from following.
///
/// # Errors
/// [`Error::Busy`] when the database cannot be reached, else the first failure; what was loaded stays.
pub fn catch_up_all(context: &Context) -> Result<()> {
    let lag = lag(context)?;
    forget_gone(context, &lag);
    let mut first = None;
    for jurisdiction in lag.behind {
        if let Err(error) = without_end(|| catch_up(context, &jurisdiction)) {
            tracing::warn!(%error, jurisdiction, "the index could not follow this jurisdiction");
            first.get_or_insert(error);
        }
    }
    first.map_or(Ok(()), Err)
}

/// Brings one jurisdiction to its present revision. It is loaded whole where the index does not hold it, where what changed
/// since is not kept any more, or where it holds a revision that is not in the database: then another database stands at this
/// address now, or an older state of it.
///
/// # Errors
/// [`Error::NotFound`] for a jurisdiction that is not registered, [`Error::Busy`] when the database cannot be reached;
/// the present state stays.
pub fn catch_up(context: &Context, code: &str) -> Result<()> {
    catch_up_until(context, code, None)
}

/// The same for one who waits no longer than until a moment.
///
/// # Errors
/// As [`catch_up`], and [`Error::Busy`] where that moment came before.
pub(super) fn catch_up_until(context: &Context, code: &str, until: Option<Instant>) -> Result<()> {
    let Some(taken) = context.turns.take(code, until)? else { return Ok(()) };
    follow(context, taken, until, Extent::All).map(drop)
}

/// How far one came who does not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// The present revision.
    There,
    /// Nowhere: somebody else follows this jurisdiction just now.
    Busy,
    /// Nowhere: there is much to read.
    TakesLong,
}

/// The same for one who waits for nobody, and reads no more than some features.
fn catch_up_shortly(context: &Context, code: &str) -> Result<Reached> {
    let Some(taken) = context.turns.take_free(code) else { return Ok(Reached::Busy) };
    follow(context, taken, None, Extent::Short)
}

/// How much may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    All,
    /// Some changes one by one.
    Short,
}

/// Does what a turn is for.
fn follow(context: &Context, mut taken: Taken<'_>, until: Option<Instant>, extent: Extent) -> Result<Reached> {
    let code = taken.code();
    loop {
        let held = held(context, code);
        // Read and prepared before the right to write is taken: a database that does not answer holds up nobody else.
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let next = match read_since(context, code, held.as_ref(), left, extent)? {
            Since::Nothing => break,
            Since::TooMuch => return Ok(Reached::TakesLong),
            Since::Something(next) => next,
        };
        let ready = ready(context, code, &next);
        if publish(context, code, held.as_ref(), next, ready) {
            context.index.tidy();
            break;
        }
        // Somebody else loaded this jurisdiction anew meanwhile; what was read builds on what is no more.
    }
    taken.succeeded = true;
    Ok(Reached::There)
}

/// A territory, and what it becomes by some changes.
struct Ready {
    before: Arc<Territory>,
    after: Territory,
}

/// Makes ready what is to be published, from the state that the index shows just now. Of many changes that takes long, and
/// others publish meanwhile.
fn ready(context: &Context, code: &str, next: &Next) -> Option<Ready> {
    let Content::Since { changes, coverages, .. } = &next.content else { return None };
    let before = Arc::clone(context.index.snapshot().territory(code)?);
    let after = before.followed(next.revision, changes).covered(Arc::clone(coverages));
    Some(Ready { before, after })
}

/// Publishes what was read after `held`, unless the index is at least there already; false where it cannot be told how
/// the two go together.
fn publish(context: &Context, code: &str, held: Option<&Held>, next: Next, ready: Option<Ready>) -> bool {
    let writing = context.index.begin();
    let snapshot = writing.snapshot();
    let now = snapshot.territory(code);
    let one_load = match (now, held) {
        (Some(now), Some(held)) => now.is_of_one_load_with(&held.territory),
        (None, None) => true,
        _ => false,
    };
    if !one_load {
        return false;
    }
    if now.is_some_and(|now| next.follows && now.revision >= next.revision) {
        return true;
    }
    let moment = clock::now();
    if let Some(now) = now {
        turn_of_day(context, now, moment);
    }
    let (territory, event) = match (next.content, now) {
        (Content::Whole(territory), now) => {
            // That the index held a state which this one follows, and it was read whole, is due to the rules.
            let event = now.filter(|_| next.follows).map(|now| news::ruled(now, &territory, next.recorded_at));
            context.kept.restart(&territory);
            (territory, event)
        }
        (Content::Since { changes, coverages, mut touched }, Some(now)) => {
            // Others may have published a part of these changes meanwhile: to make them twice changes nothing, but to
            // tell of them twice would.
            touched.only_after(now.revision);
            let territory = match ready {
                Some(ready) if Arc::ptr_eq(&ready.before, now) => ready.after,
                // It was tidied up in between.
                _ => now.followed(next.revision, &changes).covered(coverages),
            };
            let event = news::event(&snapshot, now, &territory, &touched, next.recorded_at, moment);
            context.kept.follow(now, &territory, &touched);
            (territory, Some(event))
        }
        (Content::Since { .. }, None) => return false,
    };
    context.recorded.set(code, next.recorded_at);
    let shown = next.follows.then_some(next.revision);
    let today = moment.to_zoned(territory.jurisdiction.time_zone()).date();
    writing.publish(territory);
    context.owed.settle(code, shown);
    // What is told is told in the order in which it is published, and after that.
    if let Some(event) = event {
        context.events.push(event);
    } else {
        context.events.restart(code, next.revision, next.recorded_at);
        context.events.turn(code, today);
    }
    true
}

/// Tells that a day has come. Under the right to publish.
fn turn_of_day(context: &Context, now: &Territory, moment: Timestamp) {
    let today = moment.to_zoned(now.jurisdiction.time_zone()).date();
    context.events.turn(&now.jurisdiction.code, today);
}

/// Tells of every jurisdiction in which a day has come by `moment`.
pub fn turn_days(context: &Context, moment: Timestamp) {
    let writing = context.index.begin();
    for territory in writing.snapshot().territories() {
        turn_of_day(context, territory, moment);
    }
}

/// Brings jurisdictions to the state that somebody just committed. What is committed is done, so a failure here is no
/// failure of the write: the index follows by itself as soon as it can, and until then the writer is told nothing older.
pub(super) fn after_commit(context: &Context, writer: &Actor, committed: &[Committed]) {
    for done in committed {
        let code = &done.jurisdiction;
        let follow = || if follow_written(context, done) { Ok(()) } else { catch_up(context, code) };
        if let Err(error) = without_end(follow) {
            tracing::warn!(%error, jurisdiction = code, "the index could not follow a commit at once; it will try again");
            context.owed.note(&writer.name, code, done.revision);
        }
    }
}

/// What comes next for a jurisdiction, read in one snapshot of the database.
struct Next {
    revision: i64,
    recorded_at: Option<Timestamp>,
    /// It is a later state of what the index held.
    follows: bool,
    content: Content,
}

/// All of it, or what changed.
enum Content {
    Whole(Territory),
    Since { changes: Vec<(Layer, Changes)>, coverages: Arc<Coverages>, touched: Touched },
}

/// What was found after the state that the index holds.
enum Since {
    /// It is the present one.
    Nothing,
    /// More than was to be read.
    TooMuch,
    Something(Next),
}

/// The present state of a jurisdiction, as far as the index does not have it. No statement takes longer than `left`.
fn read_since(
    context: &Context,
    code: &str,
    held: Option<&Held>,
    left: Option<Duration>,
    extent: Extent,
) -> Result<Since> {
    let begun = Instant::now();
    context.store.keyed_snapshot(left, |conn| {
        let unknown = || Error::NotFound(format!("the jurisdiction «{code}»"));
        let known = held.map_or(0, |h| h.territory.revision);
        let stands = changes::stands(conn, code, known)?.ok_or_else(unknown)?;
        let revision = stands.revision;
        let recorded_at = stands.recorded_at(revision);
        let is_kept = (stands.changes_after..=revision).contains(&known);
        let follows = |h: &&Held| is_kept && stands.recorded_at(known) == h.recorded_at;
        let base = held.filter(follows).map(|h| h.territory.as_ref());
        if base.is_some_and(|b| b.revision == revision) {
            return Ok(Since::Nothing);
        }
        let short = extent == Extent::Short;
        let since = match base {
            Some(base) => changes::since(conn, code, (base.revision, revision), short.then_some(SHORT_MAX))?,
            None => (!short).then(changes::Since::default),
        };
        let Some(since) = since.filter(|since| !short || since.is_short()) else { return Ok(Since::TooMuch) };
        let rules = rules::read(context, conn, code, base.filter(|_| !since.rules))?;
        let jurisdiction = match base {
            Some(base) => Arc::clone(&base.jurisdiction),
            None => Arc::new(jurisdiction::find(conn, code)?.ok_or_else(unknown)?),
        };
        let coverages = coverage::read(conn, &jurisdiction, base, !since.coverage.is_empty())?;
        let next = |content| Next { revision, recorded_at, follows: base.is_some(), content };
        // Other rules widen the boxes otherwise: then everything is read anew.
        if let Some(base) = base.filter(|b| Arc::ptr_eq(b.rules(), &rules)) {
            let mut touched = Touched { coverage: since.coverage.clone(), ..Touched::default() };
            let read = |layer| {
                let changes = match since.deleted(layer) {
                    None => Changes::default(),
                    Some(gone) => {
                        touched.features.extend(gone.iter().map(|(id, revision)| (layer, *id, *revision)));
                        let upserted = &mut touched.features;
                        let came = since.named(layer);
                        with_noun!(layer, N => read_changes::<N>(conn, base, gone, came.as_deref(), upserted))?
                    }
                };
                Ok((layer, changes))
            };
            let changes = Layer::all().map(read).collect::<Stored<_>>()?;
            return Ok(Since::Something(next(Content::Since { changes, coverages, touched })));
        }
        let layers = read_layers(conn, code, &rules)?;
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let features: usize = layers.iter().map(|(_, layer)| layer.len()).sum();
        tracing::info!(jurisdiction = code, revision, features, milliseconds, "index loaded");
        let territory = Territory::new(jurisdiction, revision, layers, context.reach().get());
        Ok(Since::Something(next(Content::Whole(territory.covered(coverages).ruled(rules)))))
    })
}

/// Every layer as it is now. This thread reads what the database copies; each layer is prepared by a thread of its own,
/// and becomes a tree while the next one is read.
fn read_layers(conn: &mut Connection, code: &str, rules: &Arc<Ruling>) -> Stored<Vec<(Layer, LayerIndex)>> {
    thread::scope(|scope| {
        let mut preparing = Vec::new();
        for layer in Layer::all() {
            preparing.push((layer, with_noun!(layer, N => read_layer::<N>(conn, code, rules, scope)?)));
        }
        let ready = |(layer, thread): (Layer, Preparing<'_>)| {
            let prepared = thread.join().map_err(|_| Error::Internal("a thread that prepares a layer panicked".into()));
            Ok((layer, prepared??))
        };
        preparing.into_iter().map(ready).collect()
    })
}

/// A layer on its way.
type Preparing<'scope> = ScopedJoinHandle<'scope, Stored<LayerIndex>>;

/// Reads a layer to its end; it is prepared meanwhile, and somewhat longer.
fn read_layer<'scope, N: Copied>(
    conn: &mut Connection,
    code: &str,
    rules: &Arc<Ruling>,
    scope: &'scope Scope<'scope, '_>,
) -> Stored<Preparing<'scope>> {
    let rules = Arc::clone(rules);
    let (send, receive) = mpsc::sync_channel::<Vec<u8>>(CHUNKS_AHEAD);
    let preparing = scope.spawn(move || {
        let (mut decoder, mut sowing) = (Decoder::default(), Sowing::default());
        for chunk in receive {
            N::decode(&mut decoder, &chunk, &mut |row: IndexRow| {
                sowing.add(Entry::new(row.facts, &row.grid, row.centreline, row.land.as_ref(), &rules));
            })?;
        }
        decoder.end()?;
        Ok(sowing.layer())
    });
    N::copy_index_rows(conn, code, &mut |chunk| send.send(chunk).is_ok())?;
    Ok(preparing)
}

/// What changed in a layer after the state that is held; `came` are the features that came or changed, where all are named;
/// `upserted` gets each of them, with the revision in which it did.
fn read_changes<N: Followed>(
    conn: &mut Connection,
    base: &Territory,
    deleted: &[(Uuid, i64)],
    came: Option<&[Uuid]>,
    upserted: &mut Vec<(Layer, Uuid, i64)>,
) -> Stored<Changes> {
    let mut entries = Vec::new();
    let mut each = |row: IndexRow, revision| {
        upserted.push((N::LAYER, row.facts.id, revision));
        entries.push(Arc::new(Entry::new(row.facts, &row.grid, row.centreline, row.land.as_ref(), base.rules())));
    };
    let code = &base.jurisdiction.code;
    match came {
        Some(ids) => N::index_rows_named(conn, code, ids, &mut each)?,
        None => N::index_rows(conn, code, base.revision, &mut each)?,
    }
    Ok(Changes::new(deleted.iter().map(|(id, _)| *id).collect(), entries))
}

/// Forgets the jurisdictions that are not in the database any more: nobody is told of them what nobody can look up.
pub(super) fn forget_gone(context: &Context, lag: &Lag) {
    for code in &lag.gone {
        let writing = context.index.begin();
        if writing.withdraw(code) {
            tracing::warn!(
                jurisdiction = code,
                "the database does not have this jurisdiction any more; it is forgotten"
            );
            context.kept.end(code);
            context.recorded.end(code);
            context.owed.settle(code, None);
            context.events.end(code);
        }
    }
    context.index.tidy();
}

/// Whether nothing is left to do off to the side: no large trees to be built anew, and none to be freed.
#[must_use]
pub fn is_tidy(context: &Context) -> bool {
    context.index.is_tidy()
}

/// Runs a step of the following, which has to go on for ever; a panic in it is a fault of ours and no more. What it changes must be
/// behind locks, which are taken after one all the same.
pub(super) fn without_end<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| Err(Error::Internal("following panicked".into())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)] // it is about one
    use super::*;

    #[test]
    fn a_panic_does_not_end_the_following() {
        assert!(matches!(without_end::<()>(|| panic!("of a jurisdiction")), Err(Error::Internal(_))));
        assert!(matches!(without_end::<()>(|| Err(Error::busy("database"))), Err(Error::Busy { .. })));
        assert!(without_end(|| Ok(())).is_ok());
    }
}
