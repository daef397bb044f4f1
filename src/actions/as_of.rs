//! Jurisdictions as they were: what was recorded by a moment, made from the present versions and those that have ended, for
//! the ordinary engine. Only what is near the ground asked about is made, by one thread at a time, and the last few are
//! kept; of all others the rules alone are known, for those of any ground may widen a question.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::Context;
use super::conflict_check::at_least;
use crate::clock;
use crate::domain::conflict::AccuracyDefaults;
use crate::domain::feature::Noun;
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::layer::{Layer, with_noun};
use crate::domain::rules::Ruling;
use crate::error::{Error, Result};
use crate::geometry::cells::CELL_M;
use crate::geometry::{Bounds, Metres, outside};
use crate::index::{Coverages, Entry, LayerIndex, SeenNow, Snapshot, Sowing, Territory};
use crate::store::records::IndexRow;
use crate::store::version::{self, Recorded, Versions};
use crate::store::{Connection, Stored, changes, coverage, jurisdiction, rules};

/// Most past states that are kept, of whatever size: somebody who looks into a case asks of a few moments.
const STATES_MAX: usize = 16;

/// Most features in all the states that are kept, and so in one: about a gigabyte.
const FEATURES_MAX: usize = 2_000_000;

/// Most outlines that are kept: a state of a few hundred jurisdictions at some moments.
const OUTLINES_MAX: usize = 4_096;

/// Most requests that wait for a state to be made; each takes some seconds where there are a million features.
const WAITING_MAX: usize = 8;

/// What is known of the past.
#[derive(Debug, Default)]
pub(super) struct Past {
    outlines: Mutex<BTreeMap<(String, i64, Timestamp), Outline>>,
    /// The one used last stands last.
    states: Mutex<Vec<Arc<State>>>,
    making: Mutex<()>,
    waiting: AtomicUsize,
}

/// What is known of every jurisdiction at a revision.
#[derive(Debug, Clone)]
struct Outline {
    rules: Arc<Ruling>,
    /// A box in WGS 84 round all that it held and the cells that this reached into, at least; more only by whole cells.
    extent: Bounds,
}

/// A jurisdiction as it was at a revision.
#[derive(Debug)]
struct State {
    recorded: Recorded,
    territory: Territory,
    features: usize,
    seen_now: Mutex<SeenAt>,
}

/// Who may see at some later revision what there was then.
#[derive(Debug)]
struct SeenAt {
    revision: i64,
    recorded_at: Option<Timestamp>,
    layers: Vec<(Layer, Arc<SeenNow>)>,
}

impl SeenAt {
    /// As it was then.
    fn then(recorded: &Recorded) -> Self {
        let layers = Layer::all().map(|layer| (layer, Arc::default())).collect();
        Self { revision: recorded.revision, recorded_at: Some(recorded.recorded_at), layers }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody knows yet what will be recorded.
///
/// # Errors
/// [`Error::Parameter`].
pub(super) fn not_in_the_future(moment: Timestamp) -> Result<()> {
    if moment <= clock::now() {
        return Ok(());
    }
    Err(Error::parameter("as-of", format!("{moment} is in the future, and nobody knows what will be known then")))
}

/// Where every jurisdiction that was registered by then stood at `moment`.
pub(super) fn recorded(conn: &mut Connection, moment: Timestamp) -> Stored<Vec<Recorded>> {
    let all = version::recorded_by(conn, moment)?;
    for recorded in &all {
        require_kept(recorded, &moment.to_string())?;
    }
    Ok(all)
}

/// As [`recorded`], of a moment that is no future one.
pub(super) fn known(context: &Context, moment: Timestamp) -> Result<Vec<Recorded>> {
    not_in_the_future(moment)?;
    context.store.snapshot(|conn| recorded(conn, moment))
}

/// Every jurisdiction that was registered at `moment` as it was then; those near one of the boxes in WGS 84 with all that they
/// held. `boxes` is given the rules of all.
///
/// # Errors
/// [`Error::Parameter`] for a moment in the future, or of which nobody can tell; [`Error::TooLarge`] where a jurisdiction held
/// more than can be made; [`Error::Busy`].
pub(super) fn snapshot(
    context: &Context,
    moment: Timestamp,
    boxes: impl FnOnce(&[Arc<Ruling>]) -> Vec<Bounds>,
) -> Result<Arc<Snapshot>> {
    let recorded = known(context, moment)?;
    let wanted: Vec<_> = recorded.iter().map(|r| (r.jurisdiction.clone(), r.revision)).collect();
    let present = at_least(context, &wanted)?;
    // Read after the present state was taken, which is later than then: what was there and is not in that has ended here.
    let outlined = context.store.snapshot(|conn| {
        let mut outlined = Vec::new();
        for recorded in &recorded {
            // Where it is not there, the database does not have it any more either.
            let Some(now) = present.territory(&recorded.jurisdiction) else { continue };
            outlined.push((recorded, now, context.past.outline(context, conn, recorded, now)?));
        }
        Ok(outlined)
    })?;
    let rules: Vec<_> = outlined.iter().map(|(_, _, outline)| Arc::clone(&outline.rules)).collect();
    let boxes = boxes(&rules);
    let mut territories = Vec::new();
    for (recorded, now, Outline { rules, extent }) in outlined {
        let is_near = boxes.iter().any(|around| outside::meets_round_the_earth(around, &extent));
        territories.push(Arc::new(if is_near {
            context.past.territory(context, &now.jurisdiction, recorded, &rules)?
        } else {
            let reach = context.reach().get();
            Territory::new(Arc::clone(&now.jurisdiction), recorded.revision, [], reach).ruled(rules)
        }));
    }
    Ok(Arc::new(territories.into_iter().collect()))
}

/// Jurisdictions as they were at these revisions, with all that they held and who could see it then, where what states no accuracy
/// has one of `accuracies`; one of them under other rules, where `instead` says so. For whoever shows nothing of it but what an answer was.
///
/// # Errors
/// As [`snapshot`], and [`Error::NotFound`] for a revision that there is not.
pub(super) fn at_revisions(
    context: &Context,
    revisions: &BTreeMap<String, i64>,
    accuracies: AccuracyDefaults,
    instead: Option<(&str, &Arc<Ruling>)>,
) -> Result<Snapshot> {
    let mut territories = Vec::new();
    for (code, revision) in revisions {
        let not_there = || Error::NotFound(format!("revision {revision} of «{code}»"));
        let (jurisdiction, recorded, parameters) = context.store.snapshot(|conn| {
            let jurisdiction = jurisdiction::find(conn, code)?.ok_or_else(not_there)?;
            let recorded = version::recorded_at(conn, code, *revision)?.ok_or_else(not_there)?;
            require_kept(&recorded, &format!("revision {revision}"))?;
            Ok((Arc::new(jurisdiction), recorded, rules::parameters_at(conn, code, *revision)?))
        })?;
        let other = instead.filter(|(of, _)| of == code).map(|(_, rules)| rules);
        let then = || Arc::new(Ruling::new(&parameters, accuracies));
        let rules = other.map_or_else(then, Arc::clone);
        let state = if other.is_some() || accuracies != context.accuracies() {
            // What nobody judged by is not kept.
            Arc::new(State::read(context, &jurisdiction, &recorded, &rules)?)
        } else {
            context.past.state(context, &jurisdiction, &recorded, &rules)?
        };
        territories.push(Arc::new(state.territory.clone()));
    }
    Ok(territories.into_iter().collect())
}

/// Jurisdictions that an answer did not look at, as they were.
pub(super) struct Others {
    /// Those that held something in the box that was asked about, with all that they held.
    pub(super) near: Vec<Arc<Territory>>,
    /// Those of which nobody can tell any more what they held, where that may have been in that box.
    pub(super) unknown: Vec<String>,
}

/// Jurisdictions as they were at `moment`, besides those of `looked_at`. `round` is given each without what it held, and gives the
/// box in WGS 84 in which that may matter. For whoever shows nothing of it but what an answer was.
///
/// # Errors
/// As [`at_revisions`].
pub(super) fn others(
    context: &Context,
    moment: Timestamp,
    looked_at: &BTreeMap<String, i64>,
    accuracies: AccuracyDefaults,
    round: &dyn Fn(&Territory) -> Bounds,
) -> Result<Others> {
    let recorded = context.store.snapshot(|conn| version::recorded_by(conn, moment))?;
    let mut others = Others { near: Vec::new(), unknown: Vec::new() };
    for recorded in recorded.iter().filter(|recorded| !looked_at.contains_key(&recorded.jurisdiction)) {
        let (code, revision) = (&recorded.jurisdiction, recorded.revision);
        let found = context.store.snapshot(|conn| {
            let Some(jurisdiction) = jurisdiction::find(conn, code)? else { return Ok(None) };
            let rules = Arc::new(Ruling::new(&rules::parameters_at(conn, code, revision)?, accuracies));
            let empty = Territory::new(Arc::new(jurisdiction), revision, [], context.reach().get());
            let (empty, reach) = (empty.ruled(Arc::clone(&rules)), rules.reach_max());
            let mut extent = empty.extent;
            if !recorded.kept {
                extent.merge(&empty.jurisdiction.bounds_widened(farthest(context, reach)));
                return Ok(Some((empty, rules, extent)));
            }
            for layer in Layer::all() {
                extent.merge(&empty.ground(&version::box_at(conn, layer, code, revision)?, reach));
            }
            Ok(Some((empty, rules, extent)))
        })?;
        let Some((empty, rules, extent)) = found else { continue };
        if !outside::meets_round_the_earth(&round(&empty), &extent) {
            continue;
        }
        if recorded.kept {
            let state = if accuracies == context.accuracies() {
                context.past.state(context, &empty.jurisdiction, recorded, &rules)?
            } else {
                Arc::new(State::read(context, &empty.jurisdiction, recorded, &rules)?)
            };
            others.near.push(Arc::new(state.territory.clone()));
        } else {
            others.unknown.push(code.clone());
        }
    }
    Ok(others)
}

/// So far beyond its boundary, in metres, something of a jurisdiction may matter of which nobody can tell any more what it held: it
/// was kept within some distance, reached no farther than that or than its rules let it, and is told of by whole cells.
fn farthest(context: &Context, reach: Metres) -> f64 {
    let kept =
        Layer::all().map(|layer| with_noun!(layer, N => N::kept_within(context.reach())).get()).fold(0.0, f64::max);
    kept + reach.get().max(kept) + 2.0 * CELL_M
}

fn require_kept(recorded: &Recorded, when: &str) -> Result<()> {
    if recorded.kept {
        return Ok(());
    }
    let detail = format!("{when} is before versions were kept in {}: nobody can tell any more", recorded.jurisdiction);
    Err(Error::parameter("as-of", detail))
}

impl Past {
    /// What is known of a jurisdiction at a revision without its features; `now` is a later state, older than the connection shows.
    fn outline(
        &self,
        context: &Context,
        conn: &mut Connection,
        recorded: &Recorded,
        now: &Territory,
    ) -> Stored<Outline> {
        let (code, revision) = (&recorded.jurisdiction, recorded.revision);
        let key = (code.clone(), revision, recorded.recorded_at);
        if let Some(known) = lock(&self.outlines).get(&key) {
            return Ok(known.clone());
        }
        let rules = Arc::new(Ruling::new(&rules::parameters_at(conn, code, revision)?, context.accuracies()));
        let mut extent = now.extent;
        let reach = rules.reach_max();
        for layer in Layer::all() {
            // What is there still reached as far as the rules of then let it.
            let mut held = now.layer(layer).bounds();
            held.merge(&version::ended_box(conn, layer, code, revision)?);
            extent.merge(&now.ground(&held, reach));
        }
        let outline = Outline { rules, extent };
        let mut outlines = lock(&self.outlines);
        if outlines.len() >= OUTLINES_MAX {
            outlines.clear();
        }
        outlines.insert(key, outline.clone());
        Ok(outline)
    }

    /// A jurisdiction as it was, of which only that is seen that may be seen now, too.
    fn territory(
        &self,
        context: &Context,
        jurisdiction: &Arc<Jurisdiction>,
        recorded: &Recorded,
        rules: &Arc<Ruling>,
    ) -> Result<Territory> {
        let state = self.state(context, jurisdiction, recorded, rules)?;
        let seen = context.store.snapshot(|conn| state.seen_now(conn))?;
        Ok(state.territory.seen_by(&seen))
    }

    /// A jurisdiction as it was.
    fn state(
        &self,
        context: &Context,
        jurisdiction: &Arc<Jurisdiction>,
        recorded: &Recorded,
        rules: &Arc<Ruling>,
    ) -> Result<Arc<State>> {
        self.known(recorded).map_or_else(|| self.make(context, jurisdiction, recorded, rules), Ok)
    }

    fn known(&self, recorded: &Recorded) -> Option<Arc<State>> {
        let mut states = lock(&self.states);
        let at = states.iter().position(|s| s.recorded == *recorded)?;
        let state = states.remove(at);
        states.push(Arc::clone(&state));
        Some(state)
    }

    /// Makes a state, one at a time; who waited finds it made.
    fn make(
        &self,
        context: &Context,
        jurisdiction: &Arc<Jurisdiction>,
        recorded: &Recorded,
        rules: &Arc<Ruling>,
    ) -> Result<Arc<State>> {
        let _place = Place::of(&self.waiting)?;
        let _one_at_a_time = lock(&self.making);
        if let Some(state) = self.known(recorded) {
            return Ok(state);
        }
        let state = Arc::new(State::read(context, jurisdiction, recorded, rules)?);
        let mut states = lock(&self.states);
        states.push(Arc::clone(&state));
        while states.len() > STATES_MAX || states.iter().map(|s| s.features).sum::<usize>() > FEATURES_MAX {
            states.remove(0);
        }
        Ok(state)
    }
}

impl State {
    fn read(
        context: &Context,
        jurisdiction: &Arc<Jurisdiction>,
        recorded: &Recorded,
        rules: &Arc<Ruling>,
    ) -> Result<Self> {
        let (code, revision) = (&recorded.jurisdiction, recorded.revision);
        let (layers, areas) = context.store.long_snapshot(None, |conn| {
            let mut left = FEATURES_MAX;
            let layer =
                |layer| Ok((layer, with_noun!(layer, N => read_layer::<N>(conn, code, revision, rules, &mut left))?));
            let layers = Layer::all().map(layer).collect::<Stored<Vec<_>>>()?;
            Ok((layers, coverage::list_at(conn, code, revision)?))
        })?;
        let features = layers.iter().map(|(_, layer)| layer.len()).sum();
        let shown = context.snapshot();
        let known = shown.territory(code).map(|territory| territory.coverages().as_ref());
        let coverages = Arc::new(Coverages::new(&areas, &jurisdiction.time_zone(), known));
        let territory = Territory::new(Arc::clone(jurisdiction), revision, layers, context.reach().get());
        let territory = territory.covered(coverages).ruled(Arc::clone(rules));
        let seen_now = Mutex::new(SeenAt::then(recorded));
        Ok(Self { recorded: recorded.clone(), territory, features, seen_now })
    }

    /// What the newest versions of its features say of who may see them.
    fn seen_now(&self, conn: &mut Connection) -> Stored<Vec<(Layer, Arc<SeenNow>)>> {
        let code = &self.recorded.jurisdiction;
        let mut seen = lock(&self.seen_now);
        let unknown = || Error::NotFound(format!("the jurisdiction «{code}»"));
        let stands = changes::stands(conn, code, seen.revision)?.ok_or_else(unknown)?;
        let now = stands.revision;
        // A database that was restored has another history from some revision on.
        if seen.revision > now || stands.recorded_at(seen.revision) != seen.recorded_at {
            *seen = SeenAt::then(&self.recorded);
        }
        if seen.revision < now {
            let after = seen.revision;
            for (layer, known) in &mut seen.layers {
                let changed = version::newest_since(conn, *layer, code, after)?;
                let known = Arc::make_mut(known);
                for newest in changed {
                    let Some(then) = self.territory.layer(*layer).get(newest.id) else { continue };
                    if then.facts.visibility == newest.visibility && *then.facts.organisation == *newest.organisation {
                        known.remove(&newest.id);
                    } else {
                        known.insert(newest.id, (newest.visibility, newest.organisation.into()));
                    }
                }
            }
            (seen.revision, seen.recorded_at) = (now, stands.recorded_at(now));
        }
        Ok(seen.layers.clone())
    }
}

fn read_layer<N: Versions>(
    conn: &mut Connection,
    code: &str,
    revision: i64,
    rules: &Ruling,
    left: &mut usize,
) -> Stored<LayerIndex> {
    let mut sowing = Sowing::default();
    N::index_rows_at(conn, code, revision, &mut |row: IndexRow| {
        let too_large = || Error::TooLarge {
            what: format!("{code} as it was"),
            found: format!("more than {FEATURES_MAX} features"),
            limit: format!("{FEATURES_MAX} features"),
        };
        *left = left.checked_sub(1).ok_or_else(too_large)?;
        sowing.add(Entry::new(row.facts, &row.grid, row.centreline, row.land.as_ref(), rules));
        Ok(())
    })?;
    Ok(sowing.layer())
}

/// The place of one that waits for a state.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn of(waiting: &'a AtomicUsize) -> Result<Self> {
        let taken = |n: usize| (n < WAITING_MAX).then_some(n + 1);
        let full = || Error::busy(format!("{WAITING_MAX} requests wait for past states to be made, and no more may"));
        waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).map(|_| Self(waiting)).map_err(|_| full())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
