//! How the index follows the database: loaded whole at the start, then revision by revision.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use super::changes::{self as news, Touched};
use super::{Context, coverage, rules};
use crate::clock;
use crate::domain::layer::{Layer, with_noun};
use crate::domain::rules::Ruling;
use crate::error::{Error, Result};
use crate::index::{Entry, LayerIndex, Territory};
use crate::store::changes::Head;
use crate::store::listen::Listener;
use crate::store::records::{IndexRow, Records};
use crate::store::{Connection, Stored, changes, jurisdiction, lift_statement_timeout};

/// How often the listening connection is looked at: libpq has no way to wait for it together with a stop.
const LISTEN_EVERY: Duration = Duration::from_millis(25);

/// When the revision that the index shows of each jurisdiction was recorded. A database that was restored from a copy
/// may come to the same number again, but not at the same moment.
#[derive(Debug, Default)]
pub(super) struct Recorded(Mutex<BTreeMap<String, Option<Timestamp>>>);

impl Recorded {
    fn of(&self, code: &str) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(code).copied().flatten()
    }

    fn set(&self, code: &str, at: Option<Timestamp>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(code.to_owned(), at);
    }
}

/// What the index holds of a jurisdiction, and when that was recorded.
struct Held {
    territory: Arc<Territory>,
    recorded_at: Option<Timestamp>,
}

fn held(context: &Context, code: &str) -> Option<Held> {
    // Both are published under this right, so both are of one moment.
    let writing = context.index.begin();
    let territory = writing.snapshot().territory(code).cloned()?;
    Some(Held { territory, recorded_at: context.recorded.of(code) })
}

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
    for jurisdiction in lag.gone {
        tracing::warn!(jurisdiction, "the database does not have this jurisdiction any more; start the server again");
    }
    let mut first = None;
    for jurisdiction in lag.behind {
        if let Err(error) = catch_up(context, &jurisdiction) {
            tracing::warn!(%error, jurisdiction, "the index could not follow this jurisdiction");
            first.get_or_insert(error);
        }
    }
    first.map_or(Ok(()), Err)
}

/// Brings one jurisdiction to its present revision. It is loaded whole where the index does not hold it, or holds a
/// revision that is not in the database: then another database stands at this address now, or an older state of it.
///
/// # Errors
/// [`Error::NotFound`] for a jurisdiction that is not registered, [`Error::Busy`] when the database cannot be reached;
/// the present state stays.
pub fn catch_up(context: &Context, code: &str) -> Result<()> {
    loop {
        let held = held(context, code);
        // Read before the right to write is taken: a database that does not answer holds up nobody else.
        let Some(next) = read_since(context, code, held.as_ref())? else { return Ok(()) };
        let writing = context.index.begin();
        let now = writing.snapshot().territory(code).map(Arc::as_ptr);
        if now != held.as_ref().map(|h| Arc::as_ptr(&h.territory)) {
            // Somebody else published this jurisdiction meanwhile; what was read builds on what is no more.
            continue;
        }
        context.recorded.set(code, next.recorded_at);
        let (revision, snapshot) = (next.territory.revision, writing.snapshot());
        // What is told is told in the order in which it is published, and after that.
        let before = held.as_ref().map(|h| h.territory.as_ref());
        let event = match (&next.step, before) {
            (Step::Touched(touched), Some(before)) => {
                Some(news::event(&snapshot, before, &next.territory, touched, next.recorded_at, clock::now()))
            }
            (Step::Ruled, Some(before)) => Some(news::ruled(before, &next.territory, next.recorded_at)),
            _ => None,
        };
        match (&next.step, before) {
            (Step::Touched(touched), Some(before)) => context.kept.follow(before, &next.territory, touched),
            _ => context.kept.restart(&next.territory),
        }
        writing.publish(next.territory);
        match event {
            Some(event) => context.events.push(event),
            None => context.events.restart(code, revision),
        }
        return Ok(());
    }
}

/// Brings one jurisdiction to the state that was just committed. What is committed is done, so a failure here is no
/// failure of the write: the index follows by itself as soon as it can.
pub(super) fn after_commit(context: &Context, code: &str) {
    if let Err(error) = catch_up(context, code) {
        tracing::warn!(%error, jurisdiction = code, "the index could not follow a commit at once; it will try again");
    }
}

/// What comes next for a jurisdiction, read in one snapshot of the database.
struct Next {
    territory: Territory,
    recorded_at: Option<Timestamp>,
    step: Step,
}

/// How the next state came about.
enum Step {
    /// Everything was read: nothing leads there from what was held.
    Whole,
    /// The rules changed, and with them any conflict.
    Ruled,
    /// This changed.
    Touched(Touched),
}

/// The present state of a jurisdiction; `None` where the index has it already.
fn read_since(context: &Context, code: &str, held: Option<&Held>) -> Result<Option<Next>> {
    let begun = Instant::now();
    context.store.snapshot(|conn| {
        lift_statement_timeout(conn)?;
        let unknown = || Error::NotFound(format!("the jurisdiction «{code}»"));
        let revision = changes::revision(conn, code)?.ok_or_else(unknown)?;
        let recorded_at = changes::recorded_at(conn, code, revision)?;
        let mut base = None;
        if let Some(held) = held {
            let known = held.territory.revision;
            if known <= revision && changes::recorded_at(conn, code, known)? == held.recorded_at {
                base = Some(held.territory.as_ref());
            }
        }
        if base.is_some_and(|b| b.revision == revision) {
            return Ok(None);
        }
        let jurisdiction = match base {
            Some(base) => Arc::clone(&base.jurisdiction),
            None => Arc::new(jurisdiction::find(conn, code)?.ok_or_else(unknown)?),
        };
        let rules = rules::read(context, conn, code, base)?;
        // Other rules widen the boxes otherwise: the layers are loaded whole.
        let prepared = base.filter(|b| Arc::ptr_eq(b.rules(), &rules));
        let mut touched = Touched::default();
        let read = |layer| {
            let features = &mut touched.features;
            Ok((layer, with_noun!(layer, N => read_layer::<N>(conn, code, prepared, &rules, features))?))
        };
        let layers: Vec<(Layer, LayerIndex)> = Layer::all().map(read).collect::<Stored<_>>()?;
        if base.is_none() {
            let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let features: usize = layers.iter().map(|(_, layer)| layer.len()).sum();
            tracing::info!(jurisdiction = code, revision, features, milliseconds, "index loaded");
        }
        let (coverages, changed) = coverage::read(conn, code, base)?;
        touched.coverage = changed;
        let next = match (base, prepared) {
            (None, _) => Step::Whole,
            (Some(_), None) => Step::Ruled,
            (Some(_), Some(_)) => Step::Touched(touched),
        };
        let territory = Territory::new(jurisdiction, revision, layers, context.reach().get());
        let territory = territory.covered(coverages).ruled(rules);
        Ok(Some(Next { territory, recorded_at, step: next }))
    })
}

/// A layer as it is now: `base` with what changed since, or whole.
fn read_layer<N: Records>(
    conn: &mut Connection,
    code: &str,
    base: Option<&Territory>,
    rules: &Ruling,
    touched: &mut Vec<(Layer, Uuid)>,
) -> Stored<LayerIndex> {
    let after = base.map_or(0, |b| b.revision);
    let mut upserted = Vec::new();
    N::index_rows(conn, code, after, &mut |row: IndexRow| {
        upserted.push(Entry::new(row.facts, &row.grid, row.centreline, row.land.as_ref(), rules));
    })?;
    match base {
        None => Ok(LayerIndex::new(upserted)),
        Some(base) => {
            let deleted = changes::deleted(conn, code, N::LAYER, after)?;
            let ids = deleted.iter().copied().chain(upserted.iter().map(|e| e.facts.id));
            touched.extend(ids.map(|id| (N::LAYER, id)));
            Ok(base.layer(N::LAYER).applied(&deleted, upserted.into_iter().map(Arc::new).collect()))
        }
    }
}

/// Follows the database until `stop` is set: hears of commits from the start, and asks for revisions every
/// `refresh_poll_ms`.
pub fn follow(context: &Context, stop: &AtomicBool) {
    let poll = Duration::from_millis(context.settings.refresh_poll_ms);
    let mut listener: Option<Listener> = None;
    let mut asked: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LISTEN_EVERY);
        let heard = match &mut listener {
            Some(l) => l.heard().unwrap_or_else(|_| {
                tracing::warn!("the listening connection is lost; asking for revisions instead");
                listener = None;
                true
            }),
            None => false,
        };
        if !heard && asked.is_some_and(|at| at.elapsed() < poll) {
            continue;
        }
        asked = Some(Instant::now());
        if listener.is_none() {
            // What is committed from here on is heard of; what was before is asked for below.
            listener = Listener::connect(context.store.url()).ok();
        }
        if let Err(error) = catch_up_all(context) {
            tracing::warn!(%error, "the index could not follow the database; it will try again");
        }
    }
}
