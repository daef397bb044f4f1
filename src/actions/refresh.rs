//! How the index follows the database: loaded whole at the start, then revision by revision.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Context;
use crate::domain::corridor::Corridor;
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::layer::Layer;
use crate::domain::work::Work;
use crate::error::{Error, Result};
use crate::index::{Entry, LayerIndex, Territory};
use crate::store::listen::Listener;
use crate::store::records::{IndexRow, Records};
use crate::store::{Connection, Stored, changes, jurisdiction, lift_statement_timeout};

/// How often the listening connection is looked at: libpq has no way to wait for it together with a stop.
const LISTEN_EVERY: Duration = Duration::from_millis(25);

/// Brings every jurisdiction to its present revision; new ones are loaded whole.
///
/// # Errors
/// [`Error::Busy`] when the database cannot be reached; what was loaded stays.
pub fn catch_up_all(context: &Context) -> Result<()> {
    let current = context.store.read(changes::revisions)?;
    let snapshot = context.index.snapshot();
    let unknown = current.iter().any(|(code, _)| snapshot.territory(code).is_none());
    let known = if unknown { context.store.read(jurisdiction::all)? } else { Vec::new() };
    for (code, revision) in current {
        match snapshot.territory(&code) {
            Some(territory) if territory.revision >= revision => {}
            Some(_) => catch_up(context, &code)?,
            None => {
                if let Some(found) = known.iter().find(|j| j.code == code) {
                    load(context, Arc::new(found.clone()))?;
                }
            }
        }
    }
    Ok(())
}

/// Brings one jurisdiction to its present revision.
///
/// # Errors
/// [`Error::Busy`] when the database cannot be reached; the present state stays.
pub fn catch_up(context: &Context, code: &str) -> Result<()> {
    let writing = context.index.begin();
    let Some(old) = writing.snapshot().territory(code).cloned() else {
        drop(writing);
        let known = context.store.read(jurisdiction::all)?;
        let found = known.into_iter().find(|j| j.code == code);
        return load(context, Arc::new(found.ok_or_else(|| Error::NotFound(format!("the jurisdiction «{code}»")))?));
    };
    let read = read_since(context, code, old.revision)?;
    if read.revision == old.revision {
        return Ok(());
    }
    if read.revision < old.revision {
        // The database went back: another one stands at this address now. Start again from nothing.
        drop(writing);
        return load(context, Arc::clone(&old.jurisdiction));
    }
    let works = old.layer(Layer::Works).applied(&read.works.deleted, read.works.upserted);
    let corridors = old.layer(Layer::Corridors).applied(&read.corridors.deleted, read.corridors.upserted);
    writing.publish(Territory::new(
        Arc::clone(&old.jurisdiction),
        read.revision,
        [(Layer::Works, works), (Layer::Corridors, corridors)],
        context.reach().get(),
    ));
    Ok(())
}

/// Brings one jurisdiction to the state that was just committed. What is committed is done, so a failure here is no
/// failure of the write: the index follows by itself as soon as it can.
pub(super) fn after_commit(context: &Context, code: &str) {
    if let Err(error) = catch_up(context, code) {
        tracing::warn!(%error, jurisdiction = code, "the index could not follow a commit at once; it will try again");
    }
}

/// Loads one jurisdiction whole.
///
/// # Errors
/// [`Error::Busy`] when the database cannot be reached; the present state stays.
pub(super) fn load(context: &Context, jurisdiction: Arc<Jurisdiction>) -> Result<()> {
    let writing = context.index.begin();
    let begun = Instant::now();
    let read = read_since(context, &jurisdiction.code, 0)?;
    let code = jurisdiction.code.clone();
    let (works, corridors) = (read.works.upserted.len(), read.corridors.upserted.len());
    writing.publish(Territory::new(
        jurisdiction,
        read.revision,
        [
            (Layer::Works, LayerIndex::new(read.works.upserted)),
            (Layer::Corridors, LayerIndex::new(read.corridors.upserted)),
        ],
        context.reach().get(),
    ));
    tracing::info!(
        jurisdiction = %code, revision = read.revision, works, corridors,
        milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "index loaded"
    );
    Ok(())
}

/// What changed in one layer.
#[derive(Default)]
struct LayerChanges {
    deleted: Vec<Uuid>,
    upserted: Vec<Arc<Entry>>,
}

/// What changed in a jurisdiction, read in one snapshot.
struct Changes {
    revision: i64,
    works: LayerChanges,
    corridors: LayerChanges,
}

fn read_since(context: &Context, code: &str, after: i64) -> Result<Changes> {
    context.store.snapshot(|conn| {
        lift_statement_timeout(conn)?;
        let revision = changes::revision(conn, code)?.unwrap_or(0);
        if revision <= after {
            return Ok(Changes { revision, works: LayerChanges::default(), corridors: LayerChanges::default() });
        }
        Ok(Changes {
            revision,
            works: read_layer::<Work>(context, conn, code, after)?,
            corridors: read_layer::<Corridor>(context, conn, code, after)?,
        })
    })
}

fn read_layer<N: Records>(context: &Context, conn: &mut Connection, code: &str, after: i64) -> Stored<LayerChanges> {
    let accuracies = context.accuracies();
    let mut upserted = Vec::new();
    N::index_rows(conn, code, after, &mut |row: IndexRow| {
        upserted.push(Arc::new(Entry::new(row.facts, &row.grid, row.centreline, &accuracies)));
    })?;
    let deleted = if after == 0 { Vec::new() } else { changes::deleted(conn, code, N::LAYER, after)? };
    Ok(LayerChanges { deleted, upserted })
}

/// Follows the database until `stop` is set: hears of commits, and asks for revisions every `refresh_poll_ms`.
pub fn follow(context: &Context, stop: &AtomicBool) {
    let poll = Duration::from_millis(context.settings.refresh_poll_ms);
    let mut listener: Option<Listener> = None;
    let mut asked = Instant::now();
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
        if !heard && asked.elapsed() < poll {
            continue;
        }
        asked = Instant::now();
        if listener.is_none() {
            listener = Listener::connect(context.store.url()).ok();
        }
        if let Err(error) = catch_up_all(context) {
            tracing::warn!(%error, "the index could not follow the database; it will try again");
        }
    }
}
