//! Checks of stored features: from what is kept of land that is asked about as it stands, else as a drawn shape is
//! checked.

use std::sync::Arc;

use geo::CoordsIter;
use jiff::civil::Date;
use uuid::Uuid;

use super::abroad::Abroad;
use super::asking::{Asking, Subject};
use super::covered::Covered;
use super::detail::{Detail, Met};
use super::kept::{CoveredFor, Kept, ListedFor};
use super::pairs::{KeptPair, LISTED_MAX, pairs_of};
use super::patience::Patience;
use super::{Answer, Conflict, Question, SubjectResult, at_least, then};
use crate::actions::{Context, Reader, feature, refresh};
use crate::domain::actor::{Actor, Sight};
use crate::domain::conflict::{self, Applied, Clause, Facts, Land, Severity, Standing};
use crate::domain::coverage::Coverage;
use crate::domain::feature::Registered;
use crate::domain::layer::Layer;
use crate::domain::place::Delivered;
use crate::domain::rules::{DrawnKind, InForce};
use crate::domain::work::WorkKind;
use crate::error::{Error, Result};
use crate::geometry::linear::Chainage;
use crate::geometry::measure::Prepared;
use crate::geometry::{Bounds, Metres, outside};
use crate::index::{Entry, Snapshot, Territory};
use crate::store::records::Records;

/// How often a check starts again because its feature was changed meanwhile: each time somebody wrote in between.
const IN_STEP_ATTEMPTS: u32 = 10;

/// Checks a stored feature against the other layer, or the layers asked, with all that can be measured.
///
/// # Errors
/// As [`check_stored_as`].
pub fn check_stored<'r, T: Records>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    id: Uuid,
    question: &Question,
) -> Result<Answer> {
    check_stored_as::<T, Conflict>(context, reader, id, question)
}

/// Checks a stored feature against the other layer, or the layers asked: a list of [`Conflict`], or, faster, of
/// [`Found`](super::Found).
///
/// # Errors
/// [`Error::NotFound`] where it is not there or not the actor's to know, [`Error::Busy`].
pub fn check_stored_as<'r, T: Records, C: Detail>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    id: Uuid,
    question: &Question,
) -> Result<Answer<C>> {
    let reader = reader.into();
    if let Some(same) = question.against.iter().find(|layer| !T::LAYER.opposite().contains(layer)) {
        let other = if *same == T::LAYER { "other " } else { "" };
        return Err(Error::parameter("against", format!("a {} is not in conflict with {other}{same}", T::WORD)));
    }
    if let Some(moment) = question.as_of {
        let (snapshot, stored, restricted) = then::round_stored::<T>(context, reader.actor, id, question, moment)?;
        return ask_stored(context, &snapshot, reader, (&stored, restricted), question);
    }
    if T::LAND && question.clearance.is_none() {
        let snapshot = at_least(context, &question.min_revision)?;
        if let Some(answer) = from_kept(context, &snapshot, reader, T::LAYER, id, question)? {
            return Ok(answer);
        }
    }
    let (snapshot, stored) = stored_in_step::<T>(context, reader.actor, id, question)?;
    let restricted = T::visibility(stored.body.props()).is_restricted();
    ask_stored(context, &snapshot, reader, (&stored, restricted), question)
}

/// Asks about a feature as it stands in the snapshot.
fn ask_stored<T: Records, C: Detail>(
    context: &Context,
    snapshot: &Snapshot,
    reader: Reader<'_>,
    (stored, restricted): (&Registered<T>, bool),
    question: &Question,
) -> Result<Answer<C>> {
    let id = stored.id;
    let gone = || Error::NotFound(format!("the jurisdiction «{}»", stored.jurisdiction));
    let home = snapshot.territory(&stored.jurisdiction).ok_or_else(gone)?;
    let mut asking = Asking::new(context, snapshot, reader, question, Patience::of_request(context));
    if restricted {
        asking.about((T::LAYER, home, id));
    }
    let facts = stored.body.facts(id);
    let Some(severity) = facts.noun.severity(asking.day(home)) else {
        return not_counting(asking, home, id);
    };
    let (place, role) = (stored.body.place(), facts.noun.role());
    let subject = Subject {
        name: id.to_string(),
        pointer: "/geometry".into(),
        shape: Delivered { shape: place.grid.0.clone(), crs: place.grid_crs },
        around: Bounds::of(place.lonlat.0.coords_iter()),
        lonlat: Some(place.lonlat.clone()),
        accuracy: home.rules().on(asking.day(home)).accuracy(&facts.noun),
        own_clearance_m: role.own_clearance_m(),
        kind: kind_of(stored),
        home: Some(home),
        severity,
        centreline: stored.body.centreline().map(|c| (place.grid_crs, c.grid.clone())),
        stored_in: Some(id),
    };
    let result = asking.ask(&subject)?;
    asking.answer(vec![result])
}

/// What a stored feature stands for.
pub(super) fn kind_of<T: Records>(stored: &Registered<T>) -> DrawnKind {
    match (stored.body.land_kind(), stored.body.facts(stored.id).noun.role().work_kind()) {
        (Some(land), _) => DrawnKind::Land(land),
        (None, Some(kind)) => DrawnKind::Work(kind),
        (None, None) => DrawnKind::Unknown,
    }
}

/// It does not count on that day, so it is in conflict with nothing; the layers are listed all the same.
fn not_counting<C: Detail>(mut asking: Asking<'_>, home: &Territory, id: Uuid) -> Result<Answer<C>> {
    asking.note(home);
    let nothing = SubjectResult {
        subject: id.to_string(),
        conflict_count: 0,
        conflicts: Vec::new(),
        clearances: Vec::new(),
        coverage: Coverage::Undeclared,
        layers: Vec::new(),
        not_checked: None,
        notice: false,
        counts: false,
    };
    asking.answer(vec![nothing])
}

/// A snapshot, and the feature as it was at that snapshot's revision: the two make one moment.
fn stored_in_step<T: Records>(
    context: &Context,
    actor: &Actor,
    id: Uuid,
    question: &Question,
) -> Result<(Arc<Snapshot>, Registered<T>)> {
    for _ in 0..IN_STEP_ATTEMPTS {
        let snapshot = at_least(context, &question.min_revision)?;
        // Read after the snapshot was taken: a version that is no newer than the snapshot is the one it shows.
        let stored: Registered<T> = feature::present(context, actor, id)?;
        let shown = snapshot.territory(&stored.jurisdiction).map(|t| t.revision);
        if shown.is_some_and(|revision| stored.revision <= revision) {
            return Ok((snapshot, stored));
        }
        refresh::catch_up(context, &stored.jurisdiction)?;
    }
    Err(Error::busy(format!("the {} {id} changes faster than it can be checked", T::WORD)))
}

/// The answer about stored land from what is kept of it, without the database; none where the index does not hold it,
/// or where it is asked about in another way than it is kept.
fn from_kept<C: Detail>(
    context: &Context,
    snapshot: &Snapshot,
    reader: Reader<'_>,
    layer: Layer,
    id: Uuid,
    question: &Question,
) -> Result<Option<Answer<C>>> {
    let holds = |t: &'_ &Arc<Territory>| t.layer(layer).get(id).is_some();
    let Some(home) = snapshot.territories().find(holds) else { return Ok(None) };
    let Some(entry) = home.layer(layer).get(id) else { return Ok(None) };
    let sight = reader.actor.sight(&home.jurisdiction.code);
    // Whoever may not see it is told so where everybody is.
    let asked = layer.opposite();
    if question.against != asked || !sight.sees(entry.facts.visibility, &entry.facts.organisation) {
        return Ok(None);
    }
    let mut asking = Asking::new(context, snapshot, reader, question, Patience::of_request(context));
    if home.layer(layer).is_restricted(entry) {
        asking.about((layer, home, id));
    }
    let day = asking.day(home);
    let Some(severity) = entry.facts.noun.severity(day) else { return not_counting(asking, home, id).map(Some) };
    let kept = if let Some(kept) = context.kept.get(home, id) {
        kept
    } else {
        let found = Kept::find(home, layer, entry, &asking.patience)?;
        context.kept.put(home, id, &found);
        found
    };
    // So many are measured under the limits of a request, as far as they are listed.
    let Some(pairs) = kept.pairs() else { return Ok(None) };
    let land = StoredLand { home, entry, severity, rules: home.rules().on(day) };
    let Some(beyond) = land.beyond(context, snapshot, &asking.patience, &kept, &asked)? else { return Ok(None) };
    if pairs.len() + beyond.iter().map(|b| b.pairs.len()).sum::<usize>() > LISTED_MAX {
        return Ok(None);
    }
    let here = Ground { territory: home, day, shape: &entry.shape, line: entry.centreline.as_deref() };
    let asked = ListedFor { day, sight };
    let list = kept.listed(&context.kept, &asked, || {
        let met = pairs.iter(C::MEASURES).filter_map(|pair| land.met(&here, pair, &asked.sight));
        met.map(|met| C::of(&met)).collect()
    });
    let widest = land.clearance(None).0.get();
    let (mut grounds, mut found) = (vec![(home.as_ref(), asking.hides(home, &entry.shape, widest))], Vec::new());
    for part in &beyond {
        let more = part.met::<C>(&land, &asking, &reader.actor.sight(&part.territory.jurisdiction.code));
        let hides = asking.hides(part.territory, &part.land.shape, widest);
        if !more.is_empty() || hides.contains(&true) || part.land.is_near(context.reach().get() + widest) {
            grounds.push((part.territory, hides));
        }
        found.extend(more);
    }
    let clearances = land.clearances();
    let covered = land.covered(&mut asking, &kept, grounds, (widest, &clearances))?;
    let result = SubjectResult {
        subject: id.to_string(),
        conflict_count: list.len() + found.len(),
        conflicts: first_of(question.limit.min(context.settings.conflicts_answer_max), &list, found),
        clearances,
        coverage: covered.coverage,
        layers: covered.layers.clone(),
        not_checked: covered.not_checked.clone(),
        notice: covered.notice,
        counts: true,
    };
    asking.answer(vec![result]).map(Some)
}

/// The first of two lists together; the one is in order.
fn first_of<C: Detail>(most: usize, list: &[C], more: Vec<C>) -> Vec<C> {
    let mut first: Vec<C> = list.iter().take(most).cloned().collect();
    if !more.is_empty() {
        first.extend(more);
        first.sort_by(|a, b| a.distance_m().total_cmp(&b.distance_m()).then_with(|| a.feature().1.cmp(&b.feature().1)));
        first.truncate(most);
    }
    first
}

/// Stored land, judged by the rules of its own jurisdiction on the day asked.
struct StoredLand<'a> {
    home: &'a Territory,
    entry: &'a Entry,
    severity: Severity,
    rules: InForce<'a>,
}

/// The land on the grid of a jurisdiction.
struct Ground<'a> {
    territory: &'a Territory,
    day: Date,
    shape: &'a Prepared,
    line: Option<&'a Chainage>,
}

/// The land beyond the border, with all that is near it there.
struct Beyond<'a> {
    territory: &'a Territory,
    land: Arc<Abroad>,
    pairs: Vec<Arc<KeptPair>>,
}

impl Beyond<'_> {
    /// The conflicts there that somebody sees.
    fn met<C: Detail>(&self, land: &StoredLand<'_>, asking: &Asking<'_>, sight: &Sight) -> Vec<C> {
        let (territory, day) = (self.territory, asking.day(self.territory));
        let ground = Ground { territory, day, shape: &self.land.shape, line: self.land.line.as_ref() };
        let met = self.pairs.iter().filter_map(|pair| land.met(&ground, pair, sight));
        met.map(|met| C::of(&met)).collect()
    }
}

impl<'a> StoredLand<'a> {
    /// The land in every other jurisdiction that it may reach; none where it cannot be brought to the grid of one, or where
    /// more is near it there than is listed.
    fn beyond<'s>(
        &self,
        context: &Context,
        snapshot: &'s Snapshot,
        patience: &Patience,
        kept: &Kept,
        against: &[Layer],
    ) -> Result<Option<Vec<Beyond<'s>>>> {
        let around = outside::widened(&kept.around, self.entry.reach().get());
        let others = snapshot.territories().map(AsRef::as_ref).filter(|t| !std::ptr::eq(*t, self.home));
        let mut beyond = Vec::new();
        for territory in others.filter(|t| outside::meets_round_the_earth(&around, &t.extent)) {
            let home = self.home.jurisdiction.grid;
            let Some(land) = kept.borders.of(home, self.entry, territory, context.reach()) else { return Ok(None) };
            let pairs = pairs_of(&land.shape, self.entry.reach(), territory, against, patience)?;
            let Some(pairs) = pairs else { return Ok(None) };
            beyond.push(Beyond { territory, land, pairs });
        }
        Ok(Some(beyond))
    }

    /// What must stay free beyond its edge, and what says so; of works of an unknown kind, the most.
    fn clearance(&self, work: Option<WorkKind>) -> (Metres, Clause<'a>) {
        let own = self.entry.facts.noun.role().own_clearance_m();
        conflict::clearance(None, own, || self.rules.clearance(self.entry.land, work))
    }

    /// What must stay free beyond its edge, by kinds of work.
    fn clearances(&self) -> Vec<Applied> {
        let own = self.entry.facts.noun.role().own_clearance_m();
        conflict::applied(None, own, |kind| self.rules.clearance(self.entry.land, Some(kind)))
    }

    /// The conflict with a feature near it, if it is one on that day and the asker sees it.
    fn met<'p>(&'p self, ground: &'p Ground<'_>, pair: &'p KeptPair, sight: &Sight) -> Option<Met<'p>> {
        let Facts { visibility, organisation, noun, .. } = &pair.entry.facts;
        if !sight.sees(*visibility, organisation) {
            return None;
        }
        noun.severity(ground.day)?;
        let (clearance, rule) = self.clearance(noun.role().work_kind());
        let accuracy = ground.territory.rules().on(ground.day).accuracy(noun);
        // The distance of a pair and whether it is within some reach are one arithmetic.
        (pair.distance_m <= clearance.plus(accuracy.metres).get()).then(|| Met {
            jurisdiction: &ground.territory.jurisdiction.code,
            layer: pair.layer,
            entry: &pair.entry,
            restricted: visibility.is_restricted(),
            severity: self.severity,
            work: Standing { shape: &pair.entry.shape, accuracy: accuracy.metres },
            accuracy,
            land: Land { shape: ground.shape, centreline: ground.line, clearance },
            rule,
            distance_m: pair.distance_m,
        })
    }

    /// How much of its ground the jurisdictions that are asked answer for. The clearances kept are those of the day, which is
    /// among what the answer is kept by.
    fn covered(
        &self,
        asking: &mut Asking<'a>,
        kept: &Kept,
        mut asked: Vec<(&'a Territory, Vec<bool>)>,
        (widest, clearances): (f64, &[Applied]),
    ) -> Result<Arc<Covered>> {
        asked.sort_by(|(a, _), (b, _)| a.jurisdiction.code.cmp(&b.jurisdiction.code));
        for (territory, _) in &asked {
            asking.note(territory);
        }
        let by = asked.iter().map(|(territory, hides)| asking.covered_by(territory, hides.clone())).collect();
        let covered = kept.covered(&CoveredFor { widest, by }, || {
            let subject = self.subject(kept.around);
            let on_grid = |(territory, hides): &(&'a Territory, Vec<bool>)| {
                let mut on_grid = asking.on_grid(&subject, territory)?;
                on_grid.hides.clone_from(hides);
                Ok(on_grid)
            };
            let grids = asked.iter().map(on_grid).collect::<Result<Vec<_>>>()?;
            asking.covered(&subject, &grids, widest, clearances)
        })?;
        asking.keep_worst(&covered);
        Ok(covered)
    }

    /// The land as far as its coverage goes.
    fn subject(&self, around: Bounds) -> Subject<'a> {
        Subject {
            name: self.entry.facts.id.to_string(),
            pointer: "/geometry".into(),
            shape: Delivered { shape: self.entry.shape.geometry().into_owned(), crs: self.home.jurisdiction.grid },
            around,
            lonlat: None,
            accuracy: self.rules.accuracy(&self.entry.facts.noun),
            own_clearance_m: None,
            kind: DrawnKind::Unknown,
            home: Some(self.home),
            severity: self.severity,
            centreline: None,
            stored_in: Some(self.entry.facts.id),
        }
    }
}
