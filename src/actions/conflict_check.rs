//! The conflict check: a drawn or stored shape against what the index holds, pair by pair on the working grid.

use std::collections::BTreeMap;
use std::sync::Arc;

use geo::CoordsIter;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Context, refresh};
use crate::domain::actor::{Actor, Sight};
use crate::domain::conflict::{
    self, AccuracySource, Facts, Finding, Land, NounFacts, RuleKey, Severity, Standing, is_conflict, measured,
};
use crate::domain::feature::Registered;
use crate::domain::layer::Layer;
use crate::domain::place::{Delivered, to_lonlat};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::geometry::crs;
use crate::geometry::measure::Prepared;
use crate::geometry::{Bounds, Epsg, Geometry, Grid, LonLat, Metres, MultiLineString, Problem, outside};
use crate::index::{Entry, Snapshot, Territory};
use crate::store::records::Records;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The layers asked.
    pub against: Vec<Layer>,
    /// The clearance to keep; `None`: each corridor's own.
    pub clearance: Option<Metres>,
    /// The moment at which dates are looked at.
    pub at: Timestamp,
    /// Most conflicts listed for one subject.
    pub limit: usize,
    /// Revisions that the answer must have reached.
    pub min_revision: Vec<(String, i64)>,
}

/// A drawn shape to ask about.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// How the asker calls it.
    pub name: String,
    /// Where it stands in the document, for problems.
    pub pointer: String,
    /// The shape.
    pub delivered: Delivered,
    /// Accuracy of its position where it stands for a work, in metres.
    pub accuracy: Metres,
    /// Its own clearance where it stands for a corridor, in metres.
    pub clearance_m: Option<f64>,
}

/// One conflict of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The jurisdiction in which it was found.
    pub jurisdiction: String,
    /// The layer of the feature met.
    pub layer: Layer,
    /// The feature met.
    pub id: Uuid,
    /// Its code.
    pub code: String,
    /// Its kind.
    pub kind: &'static str,
    /// What it means today.
    pub severity: Severity,
    /// The clearance applied.
    pub clearance: Metres,
    /// Where that comes from.
    pub rule: RuleKey,
    /// The accuracy of the work's position.
    pub accuracy: Metres,
    /// Where that comes from.
    pub accuracy_source: AccuracySource,
    /// What was measured.
    pub finding: Finding,
}

/// A layer that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Whose.
    pub jurisdiction: String,
    /// Which.
    pub layer: Layer,
    /// Features that the asker sees.
    pub features: usize,
}

/// What was found for one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectResult {
    /// How the asker calls it.
    pub subject: String,
    /// How many conflicts there are, listed or not.
    pub conflict_count: usize,
    /// By distance, then id; at most `limit`.
    pub conflicts: Vec<Conflict>,
    /// Ground of the subject that lies in no jurisdiction: nobody checked there.
    pub not_checked: Option<LonLat<Geometry<f64>>>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The revision of each jurisdiction asked.
    pub revisions: BTreeMap<String, i64>,
    /// The layers asked.
    pub checked: Vec<Checked>,
    /// One result for each subject, in order.
    pub results: Vec<SubjectResult>,
}

/// Checks drawn shapes.
///
/// # Errors
/// [`Error::Invalid`] with every problem of every subject, [`Error::Busy`] where the index has not reached
/// `min_revision`.
pub fn check(context: &Context, actor: &Actor, subjects: &[Drawn], question: &Question) -> Result<Answer> {
    let snapshot = at_least(context, &question.min_revision)?;
    let mut asking = Asking::new(&snapshot, actor, question, context.reach());
    let mut problems = Vec::new();
    let mut results = Vec::new();
    for drawn in subjects {
        match to_lonlat(&drawn.delivered) {
            Ok(lonlat) => {
                let subject = Subject {
                    name: drawn.name.clone(),
                    shape: drawn.delivered.clone(),
                    lonlat,
                    accuracy: drawn.accuracy,
                    accuracy_source: AccuracySource::Drawn,
                    own_clearance_m: drawn.clearance_m,
                    severity: Severity::Blocks,
                    centreline: None,
                    stored_in: None,
                };
                results.push(asking.ask(&subject)?);
            }
            Err(more) => problems.extend(more.into_iter().map(|p: Problem| p.under(&drawn.pointer))),
        }
    }
    if problems.is_empty() { Ok(asking.answer(results)) } else { Err(Error::Invalid(problems)) }
}

/// Checks a stored feature against the other layer, or the layers asked.
///
/// # Errors
/// [`Error::NotFound`] where it is not there or not the actor's to know, [`Error::Busy`].
pub fn check_stored<T: Records>(context: &Context, actor: &Actor, id: Uuid, question: &Question) -> Result<Answer> {
    let snapshot = at_least(context, &question.min_revision)?;
    let stored: Registered<T> = super::feature::get(context, actor, id)?;
    let place = stored.body.place();
    let facts = stored.body.facts(id);
    let (accuracy, accuracy_source) = context.accuracies().of_facts(&facts.noun);
    let own_clearance_m = match facts.noun {
        NounFacts::Corridor { clearance_m, .. } => clearance_m,
        NounFacts::Work { .. } => None,
    };
    let mut asking = Asking::new(&snapshot, actor, question, context.reach());
    let Some(severity) = facts.noun.severity(asking.day(&stored.jurisdiction)) else {
        // It does not count today, so it is in conflict with nothing; the layers are listed all the same.
        if let Some(territory) = snapshot.territory(&stored.jurisdiction) {
            asking.note(territory);
        }
        let nothing =
            SubjectResult { subject: id.to_string(), conflict_count: 0, conflicts: Vec::new(), not_checked: None };
        return Ok(asking.answer(vec![nothing]));
    };
    let subject = Subject {
        name: id.to_string(),
        shape: Delivered { shape: place.grid.0.clone(), crs: place.grid_crs },
        lonlat: place.lonlat.clone(),
        accuracy,
        accuracy_source,
        own_clearance_m,
        severity,
        centreline: stored.body.centreline().map(|c| (place.grid_crs, c.grid.clone())),
        stored_in: Some(id),
    };
    let result = asking.ask(&subject)?;
    Ok(asking.answer(vec![result]))
}

/// The features that an answer names, for a map.
///
/// # Errors
/// [`Error::Busy`].
pub fn features_of<T: Records>(context: &Context, answer: &Answer) -> Result<BTreeMap<Uuid, Registered<T>>> {
    let ids: Vec<Uuid> =
        answer.results.iter().flat_map(|r| &r.conflicts).filter(|c| c.layer == T::LAYER).map(|c| c.id).collect();
    let found = context.store.read(|conn| T::find_many(conn, &ids))?;
    Ok(found.into_iter().map(|f: Registered<T>| (f.id, f)).collect())
}

/// The present snapshot, once it has reached the revisions asked for.
fn at_least(context: &Context, wanted: &[(String, i64)]) -> Result<Arc<Snapshot>> {
    let mut snapshot = context.index.snapshot();
    for (code, revision) in wanted {
        let has = |s: &Snapshot| s.territory(code).map(|t| t.revision);
        if has(&snapshot).is_none() {
            return Err(Error::parameter("Min-Revision", format!("«{code}» is not registered")));
        }
        if has(&snapshot) < Some(*revision) {
            refresh::catch_up(context, code)?;
            snapshot = context.index.snapshot();
        }
        if has(&snapshot) < Some(*revision) {
            return Err(Error::busy(format!("{code} has not reached revision {revision} here yet")));
        }
    }
    Ok(snapshot)
}

/// What is asked about, in WGS 84 and as delivered.
struct Subject {
    name: String,
    shape: Delivered,
    lonlat: LonLat<Geometry<f64>>,
    accuracy: Metres,
    accuracy_source: AccuracySource,
    own_clearance_m: Option<f64>,
    severity: Severity,
    centreline: Option<(Epsg, Grid<MultiLineString<f64>>)>,
    stored_in: Option<Uuid>,
}

/// One question on its way through the territories.
struct Asking<'a> {
    snapshot: &'a Snapshot,
    actor: &'a Actor,
    question: &'a Question,
    reach: Metres,
    revisions: BTreeMap<String, i64>,
    checked: Vec<Checked>,
}

impl<'a> Asking<'a> {
    fn new(snapshot: &'a Snapshot, actor: &'a Actor, question: &'a Question, reach: Metres) -> Self {
        Self { snapshot, actor, question, reach, revisions: BTreeMap::new(), checked: Vec::new() }
    }

    fn answer(self, results: Vec<SubjectResult>) -> Answer {
        Answer { revisions: self.revisions, checked: self.checked, results }
    }

    /// The calendar day of the question in a jurisdiction.
    fn day(&self, code: &str) -> jiff::civil::Date {
        let zone = self.snapshot.territory(code).map_or(jiff::tz::TimeZone::UTC, |t| t.jurisdiction.time_zone());
        self.question.at.to_zoned(zone).date()
    }

    /// Notes that a territory was asked.
    fn note(&mut self, territory: &Territory) {
        let code = &territory.jurisdiction.code;
        if self.revisions.insert(code.clone(), territory.revision).is_some() {
            return;
        }
        let sight = self.actor.sight(code);
        for layer in &self.question.against {
            let features = territory.layer(*layer).count(&sight);
            self.checked.push(Checked { jurisdiction: code.clone(), layer: *layer, features });
        }
    }

    fn ask(&mut self, subject: &Subject) -> Result<SubjectResult> {
        let box_lonlat = Bounds::of(subject.lonlat.0.coords_iter());
        let own = subject.own_clearance_m.unwrap_or(0.0);
        let widest = self.question.clearance.map_or(own, Metres::get) + subject.accuracy.get();
        let mut conflicts = Vec::new();
        let mut uncovered = Some(subject.lonlat.clone());
        for territory in self.snapshot.territories() {
            let near = outside::widened(&box_lonlat, widest).intersects(&territory.extent);
            if !near {
                continue;
            }
            let jurisdiction = &territory.jurisdiction;
            let grid = Grid(
                crs::project(&subject.shape.shape, subject.shape.crs, jurisdiction.grid)
                    .map_err(|e| Error::invalid("/geometry/coordinates", e.to_string()))?,
            );
            let shape = Prepared::new(&grid);
            let before = conflicts.len();
            self.ask_territory(subject, territory, &grid, &shape, &mut conflicts);
            let touches = shape.within(jurisdiction.boundary_grid(), self.reach.get() + widest);
            if touches || conflicts.len() > before {
                self.note(territory);
            }
            uncovered = uncovered.and_then(|rest| {
                if jurisdiction.holds(&shape) { None } else { outside::without(&rest, &jurisdiction.boundary) }
            });
        }
        conflicts.sort_by(|a, b| {
            let by_distance = a.finding.distance_m.total_cmp(&b.finding.distance_m);
            by_distance.then_with(|| a.id.cmp(&b.id)).then_with(|| a.jurisdiction.cmp(&b.jurisdiction))
        });
        let conflict_count = conflicts.len();
        conflicts.truncate(self.question.limit);
        Ok(SubjectResult { subject: subject.name.clone(), conflict_count, conflicts, not_checked: uncovered })
    }

    fn ask_territory(
        &self,
        subject: &Subject,
        territory: &Territory,
        grid: &Grid<Geometry<f64>>,
        shape: &Prepared,
        conflicts: &mut Vec<Conflict>,
    ) {
        let code = &territory.jurisdiction.code;
        let sight = self.actor.sight(code);
        let day = self.day(code);
        let drawn_line = match (&subject.centreline, &grid.0) {
            (Some((epsg, line)), _) => (*epsg == territory.jurisdiction.grid).then(|| line.clone()),
            (None, Geometry::LineString(l)) => Some(Grid(MultiLineString(vec![l.clone()]))),
            (None, Geometry::MultiLineString(m)) => Some(Grid(m.clone())),
            _ => None,
        };
        let asked = Asked { subject, shape, line: drawn_line.as_ref(), clearance: self.question.clearance };
        for &layer in &self.question.against {
            // A search widens by what the asker brings; what each feature brings is in its boxes already.
            let (brought, _) = conflict::clearance(self.question.clearance, subject.own_clearance_m);
            let reach = match layer {
                Layer::Works => brought,
                Layer::Corridors => self.question.clearance.unwrap_or(Metres::ZERO).plus(subject.accuracy),
            };
            territory.layer(layer).near(shape, reach, |entry| {
                if let Some(found) = asked.meets(entry, layer, code, &sight, day) {
                    conflicts.push(found);
                }
            });
        }
    }
}

/// One subject on one grid.
struct Asked<'a> {
    subject: &'a Subject,
    shape: &'a Prepared,
    line: Option<&'a Grid<MultiLineString<f64>>>,
    clearance: Option<Metres>,
}

impl Asked<'_> {
    /// The conflict with `entry`, if there is one that the asker sees and that counts on `day`.
    fn meets(
        &self,
        entry: &Entry,
        layer: Layer,
        jurisdiction: &str,
        sight: &Sight,
        day: jiff::civil::Date,
    ) -> Option<Conflict> {
        let Facts { id, visibility, organisation, noun, .. } = &entry.facts;
        if self.subject.stored_in == Some(*id) || !sight.sees(*visibility, organisation) {
            return None;
        }
        let severity = noun.severity(day)?;
        let (work, land, rule, accuracy_source, severity) = match noun {
            NounFacts::Work { .. } => {
                let (clearance, rule) = conflict::clearance(self.clearance, self.subject.own_clearance_m);
                let work = Standing { shape: &entry.shape, accuracy: entry.accuracy };
                let land = Land { shape: self.shape, centreline: self.line, clearance };
                (work, land, rule, entry.accuracy_source, self.subject.severity)
            }
            NounFacts::Corridor { clearance_m, .. } => {
                let (clearance, rule) = conflict::clearance(self.clearance, *clearance_m);
                let work = Standing { shape: self.shape, accuracy: self.subject.accuracy };
                let land = Land { shape: &entry.shape, centreline: entry.centreline.as_deref(), clearance };
                (work, land, rule, self.subject.accuracy_source, severity)
            }
        };
        if !is_conflict(work, land) {
            return None;
        }
        Some(Conflict {
            jurisdiction: jurisdiction.to_owned(),
            layer,
            id: *id,
            code: entry.facts.code.to_string(),
            kind: noun.kind(),
            severity,
            clearance: land.clearance,
            rule,
            accuracy: work.accuracy,
            accuracy_source,
            finding: measured(work, land),
        })
    }
}

/// The layers a noun is checked against when nobody says.
#[must_use]
pub fn usual_layers(layer: Layer) -> Vec<Layer> {
    match layer {
        Layer::Works => vec![Layer::Corridors],
        Layer::Corridors => vec![Layer::Works],
    }
}

/// The words for a list of layers, such as `works,corridors`.
///
/// # Errors
/// [`Error::Parameter`] for an unknown or missing one.
pub fn layers(text: &str) -> Result<Vec<Layer>> {
    let mut found = Vec::new();
    for word in text.split(',').map(str::trim) {
        let layer = Layer::parse(word).ok_or_else(|| {
            Error::parameter("against", format!("«{word}» is not a layer; known are {}", Layer::known()))
        })?;
        if !found.contains(&layer) {
            found.push(layer);
        }
    }
    Ok(found)
}
