//! Runs that are kept are looked at again by themselves: after the index shows a new revision, those that it could alter are
//! answered again on the state of now, and where an answer differs, or is the first one again, a mark says so.
//!
//! **Which could be altered**: by a version that began or ended, the runs near it: as near as it can matter to a check by the
//! rules of any place, with the run's own reach, and two cells of 2 km farther where not everybody sees it, for that is how far
//! one is told of what is hidden. A column, built or permitted, counts for the quota of its zones, on whichever side of a
//! border they are kept, so all runs in these. By other rules, by coverage, by more than
//! `ALTERED_MAX` versions, and by a day that comes: all runs of that ground. That is more than needed; what is marked is what really differs.
//!
//! **Once, and never too early**: one instance marks at a time, under a lock, and only where it shows at least what others
//! marked on; marks and how far they have come are one transaction. A run that was kept on an older state than that is
//! looked at, too. An instance that is killed leaves nothing half done, and whoever comes next goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use jiff::civil::Date;
use uuid::Uuid;

use super::again::{Again, answer};
use super::border::{farther_anywhere, farthest_anywhere, zones_round};
use super::ground::Ground;
use crate::actions::{Context, refresh};
use crate::clock;
use crate::domain::conflict::Role;
use crate::domain::layer::{Layer, with_noun};
use crate::domain::notice::Notice;
use crate::domain::reference::ReferenceKind;
use crate::domain::site_check::{Run, Said, differences};
use crate::domain::word::Visibility;
use crate::error::{Error, Result};
use crate::geometry::cells::CELL_M;
use crate::geometry::{Metres, outside};
use crate::index::{Entry, Snapshot, Territory};
use crate::store::records::IndexRow;
use crate::store::site_check as store;
use crate::store::site_check_later::{self as later, Mark, Progress};
use crate::store::version::Versions;
use crate::store::{Connection, Stored, changes, outbox};

/// How often somebody looks whether the program ends: the index wakes whoever waits for it, not for that.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// While commits follow one another closely, those of so long are looked at together.
const TOGETHER: Duration = Duration::from_millis(50);

/// More versions than this are not looked at one by one.
const ALTERED_MAX: i64 = 10_000;

/// A run is kept so long after it was asked for at most: over midnight it was still asked for its own day.
const OVER_MIDNIGHT: SignedDuration = SignedDuration::from_mins(2);
/// A run that could not be answered again is tried once more after so long, if nothing changes near it before.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// Runs that are read at once.
const RUNS_AT_ONCE: usize = 500;

/// What is hidden and has a box as long as this may be told of everywhere, m.
const LONG_M: f64 = 50.0 * CELL_M;

/// The day that it is in each jurisdiction.
fn days(snapshot: &Snapshot) -> BTreeMap<String, Date> {
    let now = clock::now();
    snapshot
        .territories()
        .map(|t| (t.jurisdiction.code.clone(), now.to_zoned(t.jurisdiction.time_zone()).date()))
        .collect()
}

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

/// What was tried last.
struct Tried {
    revisions: BTreeMap<String, i64>,
    days: BTreeMap<String, Date>,
    /// All of it was marked.
    done: bool,
    began: Instant,
    at: Instant,
}

/// Looks at runs again whenever the index shows something new, or a day begins, until `stop` is set.
fn follow(context: &Context, stop: &AtomicBool) {
    let poll = Duration::from_millis(context.settings.refresh_poll_ms);
    let mut tried: Option<Tried> = None;
    while !stop.load(Ordering::Relaxed) {
        let is_new = |s: &Snapshot| tried.as_ref().is_none_or(|tried| tried.revisions != revisions(s));
        let mut snapshot = context.index.wait(Instant::now() + LOOK_EVERY, is_new);
        let today = days(&snapshot);
        let day_came = tried.as_ref().is_none_or(|tried| tried.days != today);
        // Where another instance was marking, or nothing could be read, it is tried again after a while.
        let again = |tried: &Tried| !tried.done && tried.at.elapsed() >= poll;
        if !is_new(&snapshot) && !day_came && !tried.as_ref().is_some_and(again) {
            continue;
        }
        if let Some(tried) = &tried {
            std::thread::sleep(TOGETHER.saturating_sub(tried.began.elapsed()));
            snapshot = context.index.snapshot();
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
        let (began, today) = (Instant::now(), days(&snapshot));
        let done = refresh::without_end(|| pass(context, &snapshot)).unwrap_or_else(|error| {
            tracing::warn!(%error, "site checks could not be looked at again; it will be tried again");
            false
        });
        tried = Some(Tried { revisions: revisions(&snapshot), days: today, done, began, at: Instant::now() });
    }
}

/// Marks what the state of a snapshot alters; `false` where another instance marks, or marked on a later state.
///
/// # Errors
/// [`Error::Busy`](crate::error::Error::Busy).
fn pass(context: &Context, snapshot: &Snapshot) -> Result<bool> {
    let (reached, today) = (revisions(snapshot), days(snapshot));
    let due = |progress: &BTreeMap<String, Progress>| -> Option<Vec<Due>> {
        // A state that is older in one jurisdiction would take back what was marked there.
        if progress.iter().any(|(code, to)| reached.get(code).is_some_and(|revision| *revision < to.revision)) {
            return None;
        }
        let of = |(code, to): (&String, &i64)| {
            let before = progress.get(code);
            let after = before.map_or(0, |before| before.revision);
            let day_came = before.and_then(|before| before.day) != today.get(code).copied();
            (after < *to || day_came).then(|| Due { code: code.clone(), after, day_came })
        };
        Some(reached.iter().filter_map(of).collect())
    };
    let (progress, unanswered) =
        context.store.snapshot(|conn| Ok((later::progress(conn)?, later::unanswered(conn)?)))?;
    let tried_by = clock::now() - AGAIN_AFTER;
    let again: Vec<Uuid> = unanswered.iter().filter(|(_, at)| *at <= tried_by).map(|(id, _)| *id).collect();
    match due(&progress) {
        None => return Ok(false),
        Some(due) if due.is_empty() && again.is_empty() => return Ok(unanswered.is_empty()),
        Some(_) => {}
    }
    let marked = context.store.marking(|conn| {
        let Some(due) = due(&later::progress(conn)?) else { return Ok(false) };
        let mut runs: BTreeSet<Uuid> = again.iter().copied().collect();
        let widest = later::widest(conn)?;
        for Due { code, after, day_came } in &due {
            // Without runs nobody need read what changed since the beginning.
            let Some((territory, widest)) = snapshot.territory(code).zip(widest) else { continue };
            if *day_came {
                runs.extend(later::that_looked_at(conn, code)?);
            }
            runs.extend(later::late(conn, code, *after)?);
            runs.extend(alterable(conn, snapshot, territory, *after, widest)?);
        }
        let runs: Vec<Uuid> = runs.into_iter().collect();
        let mut widest_m = 0.0;
        for some in runs.chunks(RUNS_AT_ONCE) {
            widest_m = look_at(context, conn, snapshot, some)?.max(widest_m);
        }
        let to = |(code, revision): (&String, &i64)| {
            (code.clone(), Progress { revision: *revision, day: today.get(code).copied(), widest_m })
        };
        later::set_progress(conn, &reached.iter().map(to).collect())?;
        Ok(later::unanswered(conn)?.is_empty())
    })?;
    Ok(marked.unwrap_or(false))
}

/// A jurisdiction in which runs are to be looked at.
struct Due {
    code: String,
    /// For what came after this revision.
    after: i64,
    /// Another day came: whatever goes by it may be different.
    day_came: bool,
}

/// The runs that whatever changed in a territory after a revision could alter.
fn alterable(
    conn: &mut Connection,
    snapshot: &Snapshot,
    territory: &Territory,
    after: i64,
    widest: f64,
) -> Stored<Vec<Uuid>> {
    let code = &territory.jurisdiction.code;
    // What changed is forgotten after a while.
    let stands = changes::stands(conn, code, after)?.filter(|stands| stands.changes_after <= after);
    let since = match stands {
        Some(stands) => changes::since(conn, code, (after, stands.revision), None)?,
        None => None,
    };
    let since = since.filter(|since| !since.rules && since.coverage.is_empty());
    let (mut ground, mut known) = (Ground::default(), since.is_some());
    for layer in Layer::all() {
        if known && since.as_ref().is_some_and(|since| since.deleted(layer).is_some()) {
            known = with_noun!(layer, N => grounds::<N>(conn, snapshot, territory, after, widest, &mut ground)?);
        }
    }
    if !known {
        let mut runs = later::that_looked_at(conn, code)?;
        let widest = widest + farthest_anywhere(snapshot, territory).get();
        runs.extend(later::meeting(conn, &[outside::widened(&territory.extent, widest)])?);
        return Ok(runs);
    }
    later::meeting(conn, ground.boxes())
}

/// Adds where runs lie that what changed in a layer could alter; `false` where that is everywhere.
fn grounds<N: Versions>(
    conn: &mut Connection,
    snapshot: &Snapshot,
    territory: &Territory,
    after: i64,
    widest: f64,
    ground: &mut Ground,
) -> Stored<bool> {
    let (mut count, mut everywhere) = (0, false);
    N::index_rows_altered(conn, &territory.jurisdiction.code, after, ALTERED_MAX + 1, &mut |row: IndexRow| {
        count += 1;
        if everywhere || count > ALTERED_MAX {
            everywhere = true;
            return Ok(());
        }
        let rules = territory.rules();
        let entry = Entry::new(row.facts, &row.grid, row.centreline, row.land.as_ref(), rules);
        everywhere = !add_ground(snapshot, territory, &entry, widest, ground);
        Ok(())
    })?;
    Ok(!everywhere)
}

/// Adds where runs lie that a version could alter; `false` where that is everywhere.
fn add_ground(snapshot: &Snapshot, territory: &Territory, entry: &Entry, widest: f64, ground: &mut Ground) -> bool {
    let bounds = entry.shape.bounds();
    let mut own = entry.reach().plus(farther_anywhere(snapshot, territory, entry));
    let mut told = Metres::ZERO;
    if entry.facts.visibility != Visibility::Public {
        if (bounds.max[0] - bounds.min[0]).max(bounds.max[1] - bounds.min[1]) > LONG_M {
            return false;
        }
        own = own.plus(Metres::new(2.0 * CELL_M).unwrap_or(Metres::ZERO));
        told = own;
    }
    ground.add(outside::widened(&territory.in_degrees(&bounds), widest + own.get()));
    // It may stand in a zone, as badly as its position is known.
    !counts_in_zones(entry)
        || zones_round(snapshot, territory, &entry.shape, told.plus(entry.reach()), |of, zone| {
            ground.add_zone(zone.facts.id, || outside::widened(&of.in_degrees(&zone.shape.bounds()), widest));
        })
}

/// What a version is, or that it is hidden, may tell how many columns a zone holds.
fn counts_in_zones(entry: &Entry) -> bool {
    match entry.facts.noun.role() {
        Role::Stands(_) => true,
        Role::Refers(what) if what.kind.is_told_apart() => false,
        // Of what kind something hidden is, nobody is told.
        Role::Refers(what) => what.kind == ReferenceKind::SiteRequest || entry.facts.visibility != Visibility::Public,
        Role::TakesLand(_) => false,
    }
}

/// The day for which a run is answered now: that of now, unless it was asked for another day than its own.
fn day_of(run: &Run, territory: &Territory) -> Date {
    let zone = territory.jurisdiction.time_zone();
    let own = [run.recorded_at, run.recorded_at - OVER_MIDNIGHT].map(|at| at.to_zoned(zone.clone()).date());
    if own.contains(&run.day) { clock::now().to_zoned(zone).date() } else { run.day }
}

/// What the organisation that asked is told of a mark: that there is one, and nothing of what it says. Nothing at all where what was
/// said, or is said now, tells of what not everybody sees, for that is counted and noted where it is shown.
fn notice(conn: &mut Connection, run: &Run, last: Option<&Mark>, mark: &Mark) -> Stored<Option<Notice>> {
    let Some(owner) = run.asker.organisation.clone() else { return Ok(None) };
    let tells = |mark: &Mark| !mark.shown.is_empty() || !mark.hidden.is_empty();
    let whole = store::of_ids(conn, &[run.id])?;
    if whole.iter().any(|stored| stored.run.tells_of_hidden()) || last.into_iter().chain([mark]).any(tells) {
        return Ok(None);
    }
    let places: BTreeSet<&String> = run.revisions.keys().chain(mark.revisions.keys()).collect();
    Ok(Some(Notice {
        noun: "site_check".into(),
        id: run.id,
        code: run.name.clone(),
        event: "changed".into(),
        state: None,
        organisations: vec![owner],
        // The organisation sees a run of its own only where it sees as much as whoever asked.
        owner: None,
        asked: Vec::new(),
        needs: run.needs(),
        places: places.into_iter().filter(|code| **code != run.jurisdiction).cloned().collect(),
        due: None,
        detail: BTreeMap::new(),
    }))
}

/// Answers some runs again, and marks those of which it is another answer than was marked last. How wide they looked round
/// their places by the rules of now, at most, m.
fn look_at(context: &Context, conn: &mut Connection, snapshot: &Snapshot, ids: &[Uuid]) -> Stored<f64> {
    let mut last = later::marks(conn, ids)?;
    let mut widest_m: f64 = 0.0;
    later::try_to_answer(conn, ids)?;
    for stored in store::of_ids_in_brief(conn, ids)? {
        let run = stored.run;
        let Some(home) = snapshot.territory(&run.jurisdiction) else { continue };
        metrics::counter!("clearway_site_checks_looked_at_total").increment(1);
        let day = day_of(&run, home);
        let again = match answer(context, snapshot, &run, day) {
            Ok(again) => again,
            Err(error) => {
                tracing::warn!(%error, run = %run.id, "a site check could not be answered again; it will be tried again");
                later::could_not_answer(conn, &run.jurisdiction, run.id, clock::now())?;
                continue;
            }
        };
        widest_m = widest_m.max(again.reach_m);
        let said: Vec<Said> = again.findings.iter().map(|finding| Said::by(finding, run.engine)).collect();
        let differences = differences(&run.said, &said);
        let last = last.remove(&run.id);
        if last.as_ref().map_or(&[] as &[_], |mark| mark.differences.as_slice()) == differences {
            continue;
        }
        let number = last.as_ref().map_or(1, |mark| mark.number + 1);
        let Again { ground, shown, hidden, revisions, .. } = again;
        let (recorded_at, ground) = (clock::now(), Some(ground));
        let mark = Mark { number, recorded_at, day, revisions, differences, ground, shown, hidden };
        later::mark(conn, &run.jurisdiction, run.id, &mark)?;
        if let Some(notice) = notice(conn, &run, last.as_ref(), &mark)? {
            outbox::tell(conn, &run.jurisdiction, None, mark.recorded_at, &notice)?;
        }
        metrics::counter!("clearway_site_checks_marked_total").increment(1);
    }
    Ok(widest_m)
}
