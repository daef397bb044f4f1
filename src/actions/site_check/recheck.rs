//! Runs that are kept are looked at again by themselves: after the index shows a new revision, those that it could alter are
//! answered again on the state of now, and where an answer differs, or is the first one again, a mark says so.
//!
//! **Which could be altered**: by a version that began or ended, the runs near it: as near as it can matter to a check, with the
//! run's own reach, and two cells of 2 km farther where not everybody sees it, for that is how far one is told of what is
//! hidden. A column counts for the quota of its zones, so all runs in these. By other rules, by coverage, and by more than
//! [`ALTERED_MAX`] versions: all runs of that ground. That is more than needed; what is marked is what really differs.
//!
//! **Once, and never too early**: one instance marks at a time, under a lock, and only where it shows at least what others
//! marked on; marks and how far they have come are one transaction. A run that was kept on an older state than that is
//! looked at, too. An instance that is killed leaves nothing half done, and whoever comes next goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use geo_types::Point;
use jiff::civil::Date;
use uuid::Uuid;

use super::again::answer;
use super::on_grid;
use crate::actions::{Context, refresh};
use crate::clock;
use crate::domain::layer::Layer;
use crate::domain::reference::{Attributes, ReferenceFacts, ReferenceKind};
use crate::domain::rules::Unit;
use crate::domain::site_check::{Run, Said, differences};
use crate::error::{Error, Result};
use crate::geometry::cells::CELL_M;
use crate::geometry::measure::Prepared;
use crate::geometry::{Bounds, Metres, outside};
use crate::index::{Snapshot, Territory};
use crate::store::site_check::{self as store};
use crate::store::site_check_later::{self as later, Altered, Mark};
use crate::store::{Connection, Stored, changes};

/// How often somebody looks whether the program ends: the index wakes whoever waits for it, not for that.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// More versions than this are not looked at one by one.
const ALTERED_MAX: usize = 10_000;

/// Runs that are read at once.
const RUNS_AT_ONCE: usize = 500;

/// What is hidden and has a box as long as this may be told of everywhere, m.
const LONG_M: f64 = 50.0 * CELL_M;

/// Metres in a degree of latitude, at least.
const DEGREE_M: f64 = 110_000.0;

fn revisions(snapshot: &Snapshot) -> BTreeMap<String, i64> {
    snapshot.territories().map(|t| (t.jurisdiction.code.clone(), t.revision)).collect()
}

/// Runs are looked at again until this is ended or dropped.
#[derive(Debug)]
pub struct Rechecking {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Rechecking {
    /// Begins it, with a connection of its own.
    ///
    /// # Errors
    /// [`Error::Internal`] where there is no thread for it.
    pub fn begin(context: &Context) -> Result<Self> {
        let context = context.with_connections(1);
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let stop = Arc::clone(&stop);
            std::thread::Builder::new().name("recheck".into()).spawn(move || follow(&context, &stop))
        };
        Ok(Self { stop, thread: Some(thread.map_err(|e| Error::Internal(e.to_string()))?) })
    }

    /// Ends it, after what it is at.
    ///
    /// # Errors
    /// [`Error::Internal`] where it had ended already, by a fault of ours.
    pub fn end(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        ended.map_err(|_| Error::Internal("the thread that looks at site checks again ended badly".into()))
    }
}

impl Drop for Rechecking {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Looks at runs again whenever the index shows something new, until `stop` is set.
fn follow(context: &Context, stop: &AtomicBool) {
    let poll = Duration::from_millis(context.settings.refresh_poll_ms);
    let mut tried: Option<(BTreeMap<String, i64>, bool, Instant)> = None;
    while !stop.load(Ordering::Relaxed) {
        let is_new = |s: &Snapshot| tried.as_ref().is_none_or(|(before, _, _)| *before != revisions(s));
        let snapshot = context.index.wait(Instant::now() + LOOK_EVERY, is_new);
        // Where another instance was marking, or nothing could be read, it is tried again after a while.
        let again = |(_, done, at): &(_, bool, Instant)| !done && at.elapsed() >= poll;
        if !is_new(&snapshot) && !tried.as_ref().is_some_and(again) {
            continue;
        }
        let done = refresh::without_end(|| pass(context, &snapshot)).unwrap_or_else(|error| {
            tracing::warn!(%error, "site checks could not be looked at again; it will be tried again");
            false
        });
        tried = Some((revisions(&snapshot), done, Instant::now()));
    }
}

/// Marks what the state of a snapshot alters; `false` where another instance marks, or marked on a later state.
///
/// # Errors
/// [`Error::Busy`](crate::error::Error::Busy).
fn pass(context: &Context, snapshot: &Snapshot) -> Result<bool> {
    let reached = revisions(snapshot);
    let due = |progress: &BTreeMap<String, i64>| -> Option<Vec<(String, i64)>> {
        // A state that is older in one jurisdiction would take back what was marked there.
        if progress.iter().any(|(code, to)| reached.get(code).is_some_and(|revision| revision < to)) {
            return None;
        }
        let after = |code: &String| progress.get(code).copied().unwrap_or(0);
        Some(
            reached
                .iter()
                .map(|(code, to)| (code.clone(), *to, after(code)))
                .filter(|(_, to, after)| after < to)
                .map(|(code, _, after)| (code, after))
                .collect(),
        )
    };
    match due(&context.store.snapshot(later::progress)?) {
        None => return Ok(false),
        Some(due) if due.is_empty() => return Ok(true),
        Some(_) => {}
    }
    let marked = context.store.marking(|conn| {
        let Some(due) = due(&later::progress(conn)?) else { return Ok(false) };
        let mut runs = BTreeSet::new();
        let widest = later::widest(conn)?;
        for (code, after) in &due {
            let Some(territory) = snapshot.territory(code) else { continue };
            runs.extend(later::late(conn, code, *after)?);
            runs.extend(alterable(context, conn, territory, *after, widest)?);
        }
        let runs: Vec<Uuid> = runs.into_iter().collect();
        for some in runs.chunks(RUNS_AT_ONCE) {
            look_at(context, conn, snapshot, some)?;
        }
        later::set_progress(conn, &reached)?;
        Ok(true)
    })?;
    Ok(marked.unwrap_or(false))
}

/// The runs that whatever changed in a territory after a revision could alter.
fn alterable(
    context: &Context,
    conn: &mut Connection,
    territory: &Territory,
    after: i64,
    widest: f64,
) -> Stored<Vec<Uuid>> {
    let code = &territory.jurisdiction.code;
    let since = changes::since(conn, code, after)?;
    let mut boxes = Vec::new();
    let mut all = since.rules || !since.coverage.is_empty();
    for layer in Layer::all() {
        if all || since.deleted(layer).is_none() {
            continue;
        }
        match later::altered(conn, layer, code, after, ALTERED_MAX)? {
            None => all = true,
            Some(altered) => {
                for one in altered {
                    match ground(context, territory, layer, &one, widest) {
                        Some(more) => boxes.extend(more),
                        None => all = true,
                    }
                }
            }
        }
    }
    if all {
        let mut runs = later::that_looked_at(conn, code)?;
        runs.extend(later::meeting(conn, &[outside::widened(&territory.extent, widest)])?);
        return Ok(runs);
    }
    later::meeting(conn, &boxes)
}

/// Where runs lie that a version could alter; none where that is everywhere.
fn ground(context: &Context, territory: &Territory, layer: Layer, one: &Altered, widest: f64) -> Option<Vec<Bounds>> {
    let bounds = one.bounds;
    let length = (bounds.max[0] - bounds.min[0]).max(bounds.max[1] - bounds.min[1]) * DEGREE_M;
    let mut reach = widest + reach_of(context, territory, layer, one);
    if one.hidden {
        if length > LONG_M {
            return None;
        }
        reach += 2.0 * CELL_M;
    }
    let mut boxes = vec![outside::widened(&bounds, reach)];
    if layer != Layer::Corridors {
        // What cannot be brought to the grid lies in no zone.
        let middle =
            Point::new(f64::midpoint(bounds.min[0], bounds.max[0]), f64::midpoint(bounds.min[1], bounds.max[1]));
        let around = on_grid(territory, middle).ok().zip(Metres::new(length).ok());
        if let Some((middle, length)) = around {
            territory.layer(Layer::References).near(&Prepared::point(middle), length, |entry| {
                let has_quota = entry.facts.attributes.as_deref().is_some_and(|a| a.quota.is_some());
                if has_quota && ReferenceFacts::try_from(entry.facts.noun).is_ok_and(|r| r.kind == ReferenceKind::Zone)
                {
                    boxes.push(outside::widened(&territory.in_degrees(&entry.shape.bounds()), widest));
                }
            });
        }
    }
    Some(boxes)
}

/// How far beyond its shape a version can matter, m.
fn reach_of(context: &Context, territory: &Territory, layer: Layer, one: &Altered) -> f64 {
    let rules = territory.rules();
    let ruled = |begins: &str| {
        let these = rules.parameters().iter().filter(|p| p.unit == Unit::Metres && p.key.starts_with(begins));
        these.map(|p| p.value).fold(0.0, f64::max)
    };
    match layer {
        Layer::Works => one.own_m.unwrap_or_else(|| {
            let d = context.accuracies();
            let all = [d.gnss_rtk, d.gnss, d.digitised, d.record, d.estimated, d.unknown];
            all.into_iter().map(Metres::get).fold(ruled("position_accuracy."), f64::max)
        }),
        Layer::Corridors => one.own_m.unwrap_or_else(|| ruled("corridor.")),
        Layer::References => {
            let of_kind = one.kind.map_or(Metres::ZERO, |kind| rules.site_reach(kind, Attributes::NONE));
            of_kind.get() + one.own_m.unwrap_or(0.0)
        }
    }
}

/// The day for which a run is answered now: that of now, unless it was asked for another day than its own.
fn day_of(run: &Run, territory: &Territory) -> Date {
    let zone = territory.jurisdiction.time_zone();
    let asked_for_its_own = run.recorded_at.to_zoned(zone.clone()).date() == run.day;
    if asked_for_its_own { clock::now().to_zoned(zone).date() } else { run.day }
}

/// Answers some runs again, and marks those of which it is another answer than was marked last.
fn look_at(context: &Context, conn: &mut Connection, snapshot: &Snapshot, ids: &[Uuid]) -> Stored<()> {
    let mut last = later::marks(conn, ids)?;
    for stored in store::of_ids_in_brief(conn, ids)? {
        let run = stored.run;
        let Some(home) = snapshot.territory(&run.jurisdiction) else { continue };
        metrics::counter!("clearway_site_checks_looked_at_total").increment(1);
        let day = day_of(&run, home);
        let said: Vec<Said> = match answer(context, snapshot, &run, day) {
            Ok(findings) => findings.iter().map(Said::of).collect(),
            Err(error) => {
                tracing::warn!(%error, run = %run.id, "a site check could not be answered again");
                continue;
            }
        };
        let differences = differences(&run.said, &said);
        let last = last.remove(&run.id);
        if last.as_ref().map_or(&[] as &[_], |mark| mark.differences.as_slice()) == differences {
            continue;
        }
        let number = last.map_or(1, |mark| mark.number + 1);
        let looked = revisions(snapshot).into_iter().filter(|(code, _)| run.revisions.contains_key(code)).collect();
        let mark = Mark { number, recorded_at: clock::now(), day, revisions: looked, differences };
        later::mark(conn, &run.jurisdiction, run.id, &mark)?;
        metrics::counter!("clearway_site_checks_marked_total").increment(1);
    }
    Ok(())
}
