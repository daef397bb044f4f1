//! One question on its way through the jurisdictions: candidates from the index, the exact test, and the measures of
//! those conflicts that are listed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use super::covered::Covered;
use super::detail::{Detail, Met};
use super::kept::CoveredBy;
use super::notice::Notices;
use super::patience::Patience;
use super::{Answer, Checked, Question, SubjectResult};
use crate::actions::restricted_read::RestrictedReads;
use crate::actions::{Context, Reader};
use crate::domain::actor::{Actor, Sight};
use crate::domain::conflict::{self, Applied, Clause, Facts, Land, Role, Severity, Standing};
use crate::domain::layer::Layer;
use crate::domain::place::{self, Delivered};
use crate::domain::restricted_read::Shown;
use crate::domain::rules::{Accuracy, DrawnKind, InForce, LandNumber};
use crate::domain::work::WorkKind;
use crate::error::{Error, Result};
use crate::geometry::crs;
use crate::geometry::linear::Chainage;
use crate::geometry::measure::Prepared;
use crate::geometry::{Bounds, Epsg, Geometry, Grid, LonLat, Metres, MultiLineString, outside};
use crate::index::{Entry, LayerIndex, Snapshot, Territory};

/// What is asked about.
pub(super) struct Subject<'a> {
    pub(super) name: String,
    pub(super) pointer: String,
    pub(super) shape: Delivered,
    /// A box in WGS 84 round it.
    pub(super) around: Bounds,
    /// In WGS 84, where it is known so; else it is brought there when somebody needs it.
    pub(super) lonlat: Option<LonLat<Geometry<f64>>>,
    pub(super) accuracy: Accuracy<'a>,
    pub(super) own_clearance_m: Option<f64>,
    pub(super) kind: DrawnKind,
    /// Whose rules it is judged by where it is stored; a drawn one is judged by those of the ground it meets.
    pub(super) home: Option<&'a Territory>,
    pub(super) severity: Severity,
    pub(super) centreline: Option<(Epsg, Grid<MultiLineString<f64>>)>,
    pub(super) stored_in: Option<Uuid>,
}

impl Subject<'_> {
    pub(super) fn lonlat(&self) -> Result<LonLat<Geometry<f64>>> {
        match &self.lonlat {
            Some(known) => Ok(known.clone()),
            None => crs::project(&self.shape.shape, self.shape.crs, Epsg::WGS84)
                .map(LonLat)
                .map_err(|e| Error::invalid(format!("{}/coordinates", self.pointer), e.to_string())),
        }
    }

    fn work_kind(&self) -> Option<WorkKind> {
        match self.kind {
            DrawnKind::Work(kind) => Some(kind),
            DrawnKind::Land(_) | DrawnKind::Unknown => None,
        }
    }

    /// The severity of a conflict with `entry` of a layer, if the asker sees it and it counts on `day`.
    fn meets(&self, features: &LayerIndex, entry: &Entry, sight: &Sight, day: Date) -> Option<Severity> {
        let Facts { id, noun, .. } = &entry.facts;
        if self.stored_in == Some(*id) || !features.sees(sight, entry) {
            return None;
        }
        let severity = noun.severity(day)?;
        Some(if noun.role().is_land() { severity } else { self.severity })
    }
}

/// One question on its way through the territories.
pub(super) struct Asking<'a> {
    snapshot: &'a Snapshot,
    pub(super) actor: &'a Actor,
    reader: Reader<'a>,
    reads: Arc<RestrictedReads>,
    /// The stored subject, where it is to be known who is shown it.
    subject: Option<Shown<'a>>,
    question: &'a Question,
    pub(super) notices: Arc<Notices>,
    reach: Metres,
    pub(super) patience: Patience,
    /// Conflicts that may still be listed in this answer.
    listed_left: usize,
    revisions: BTreeMap<String, i64>,
    checked: Vec<Checked>,
}

/// A conflict that is found and not yet measured.
struct Hit<'a> {
    distance_m: f64,
    entry: &'a Entry,
    layer: Layer,
    on: usize,
    severity: Severity,
}

/// The subject on the grid of one territory.
pub(super) struct OnGrid<'a> {
    pub(super) territory: &'a Territory,
    pub(super) shape: Prepared,
    pub(super) day: Date,
    /// Of each layer asked, whether the asker is told that it hides something there.
    pub(super) hides: Vec<bool>,
    /// The rules of the features met.
    rules: InForce<'a>,
    /// The rules of the subject, and what it is to them, where it is land of a known kind.
    own: Option<(InForce<'a>, LandNumber)>,
    line: Option<Chainage>,
}

/// Which is the work, which the land, and who says how wide and how accurate.
struct Pair<'p> {
    work: Standing<'p>,
    land: Land<'p>,
    rule: Clause<'p>,
    accuracy: Accuracy<'p>,
}

fn widest_of((rules, land): (InForce<'_>, LandNumber)) -> Metres {
    rules.clearance(land, None).map_or(Metres::ZERO, |p| p.metres())
}

impl<'a> Asking<'a> {
    pub(super) fn new(
        context: &Context,
        snapshot: &'a Snapshot,
        reader: Reader<'a>,
        question: &'a Question,
        patience: Patience,
    ) -> Self {
        Self {
            snapshot,
            actor: reader.actor,
            reader,
            reads: Arc::clone(&context.reads),
            subject: None,
            question,
            notices: Arc::clone(&context.notices),
            reach: context.reach(),
            patience,
            listed_left: context.settings.conflicts_answer_max,
            revisions: BTreeMap::new(),
            checked: Vec::new(),
        }
    }

    /// It is asked about a stored feature of which it is to be known who is shown it: its conflicts tell where it lies.
    pub(super) fn about(&mut self, (layer, home, id): (Layer, &'a Territory, Uuid)) {
        self.subject = Some((layer, home.jurisdiction.code.as_str(), id));
    }

    /// The answer, once it is noted who is shown what.
    pub(super) fn answer<C: Detail>(self, results: Vec<SubjectResult<C>>) -> Result<Answer<C>> {
        self.reads.shown(self.reader, self.subject.into_iter().chain(shown(&results)))?;
        Ok(self.answered(results))
    }

    /// The same, if that can be noted at once.
    pub(super) fn answer_at_once<C: Detail>(self, results: Vec<SubjectResult<C>>) -> Option<Answer<C>> {
        let noted = self.reads.shown_at_once(self.reader, self.subject.into_iter().chain(shown(&results)));
        noted.then(|| self.answered(results))
    }

    fn answered<C>(self, results: Vec<SubjectResult<C>>) -> Answer<C> {
        Answer { revisions: self.revisions, as_of: self.question.as_of, checked: self.checked, results }
    }

    /// The calendar day of the question in a jurisdiction.
    pub(super) fn day(&self, territory: &Territory) -> Date {
        self.question.at.to_zoned(territory.jurisdiction.time_zone()).date()
    }

    /// By which rules the subject is judged in a territory, and what it is to them.
    fn own_rules<'t>(&self, subject: &Subject<'t>, territory: &'t Territory) -> Option<(InForce<'t>, LandNumber)> {
        let DrawnKind::Land(land) = &subject.kind else { return None };
        let judge = subject.home.unwrap_or(territory);
        Some((judge.rules().on(self.day(judge)), judge.rules().land(land)))
    }

    /// How far round the subject anything can matter, as far as the asker decides: what is asked, else its own
    /// clearance, else the widest that the rules of any ground give it.
    fn widest(&self, subject: &Subject<'a>) -> f64 {
        let own = self.question.clearance.map(Metres::get).or(subject.own_clearance_m).unwrap_or_else(|| {
            let rules = self.snapshot.territories().filter_map(|t| self.own_rules(subject, t));
            rules.map(|own| widest_of(own).get()).fold(0.0, f64::max)
        });
        own + subject.accuracy.metres.get()
    }

    /// What is kept free beside the subject, where it is asked about as land: by the asker, by itself, or by the rules of each
    /// territory asked.
    fn clearances(&self, subject: &Subject<'_>, grids: &[OnGrid<'_>]) -> Vec<Applied> {
        if self.question.against.iter().all(|layer| layer.is_land()) {
            return Vec::new();
        }
        let (asked, own) = (self.question.clearance, subject.own_clearance_m);
        let in_one = |on_grid: &OnGrid<'_>| {
            conflict::applied(asked, own, |kind| {
                on_grid.own.and_then(|(rules, land)| rules.clearance(land, Some(kind)))
            })
        };
        let mut all = grids.first().map(in_one).unwrap_or_default();
        for one in grids.iter().skip(1).flat_map(in_one) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }

    /// Notes that a territory was asked.
    pub(super) fn note(&mut self, territory: &Territory) {
        let code = &territory.jurisdiction.code;
        if self.revisions.insert(code.clone(), territory.revision).is_some() {
            return;
        }
        let sight = self.actor.sight(code);
        for layer in &self.question.against {
            let index = territory.layer(*layer);
            let features = index.count(&sight);
            self.checked.push(Checked { jurisdiction: code.clone(), layer: *layer, features, coverage: None });
        }
    }

    /// In what way a territory that was asked is asked for its coverage.
    pub(super) fn covered_by(&self, territory: &Territory, hides: Vec<bool>) -> CoveredBy {
        CoveredBy { coverages: Arc::clone(territory.coverages()), day: self.day(territory), hides }
    }

    /// Another reading of the coordinates of a drawn subject that would bring it into some jurisdiction.
    pub(super) fn other_reading(&self, subject: &Subject<'_>) -> Option<String> {
        let mut jurisdictions = self.snapshot.territories().map(|t| &t.jurisdiction);
        jurisdictions
            .find_map(|j| place::other_reading(&subject.shape, j, self.reach))
            .filter(|_| subject.home.is_none())
    }

    /// What is asked.
    pub(super) fn question(&self) -> &'a Question {
        self.question
    }

    /// An answer names the worst coverage that any subject met.
    pub(super) fn keep_worst(&mut self, covered: &Covered) {
        for of in &covered.layers {
            let asked = self.checked.iter_mut().find(|c| c.layer == of.layer && c.jurisdiction == of.jurisdiction);
            if let Some(Checked { coverage, .. }) = asked {
                *coverage = Some(coverage.map_or(of.coverage, |worst| worst.min(of.coverage)));
            }
        }
    }

    pub(super) fn ask<C: Detail>(&mut self, subject: &Subject<'a>) -> Result<SubjectResult<C>> {
        let widest = self.widest(subject);
        let around = outside::widened(&subject.around, widest);
        let snapshot = self.snapshot;
        let mut grids: Vec<OnGrid<'a>> = Vec::new();
        let mut hits: Vec<Hit<'a>> = Vec::new();
        for territory in snapshot.territories().filter(|t| outside::meets_round_the_earth(&around, &t.extent)) {
            let mut on_grid = self.on_grid(subject, territory)?;
            on_grid.hides = self.hides(territory, &on_grid.shape, widest);
            let before = hits.len();
            self.search::<C>(subject, &on_grid, grids.len(), &mut hits)?;
            let reach = self.reach.get() + widest;
            // What is too far away has nothing to say of the subject.
            let matters = hits.len() > before || on_grid.hides.contains(&true);
            if matters || on_grid.shape.within(territory.jurisdiction.boundary_grid(), reach) {
                self.note(territory);
                grids.push(on_grid);
            }
        }
        let clearances = self.clearances(subject, &grids);
        let covered = self.covered(subject, &grids, widest, &clearances)?;
        self.keep_worst(&covered);
        let conflict_count = hits.len();
        hits.sort_by(|a, b| {
            let by_id = || a.entry.facts.id.cmp(&b.entry.facts.id);
            a.distance_m.total_cmp(&b.distance_m).then_with(by_id).then_with(|| a.on.cmp(&b.on))
        });
        hits.truncate(self.question.limit.min(self.listed_left));
        self.listed_left -= hits.len();
        let mut conflicts = Vec::with_capacity(hits.len());
        for hit in &hits {
            self.patience.in_time()?;
            conflicts.push(C::of(&self.met(subject, &grids[hit.on], hit)));
        }
        Ok(SubjectResult {
            subject: subject.name.clone(),
            conflict_count,
            conflicts,
            clearances,
            coverage: covered.coverage,
            layers: covered.layers,
            not_checked: covered.not_checked,
            notice: covered.notice,
            counts: true,
        })
    }

    pub(super) fn on_grid(&self, subject: &Subject<'a>, territory: &'a Territory) -> Result<OnGrid<'a>> {
        self.patience.in_time()?;
        let (code, grid) = (&territory.jurisdiction.code, territory.jurisdiction.grid);
        self.patience.projects(&subject.shape.shape, subject.shape.crs, grid)?;
        let bring = |shape: &Geometry<f64>, from: Epsg| {
            crs::project(shape, from, grid).map(Grid).map_err(|e| {
                let pointer = format!("{}/coordinates", subject.pointer);
                Error::invalid(pointer, format!("cannot be brought to the grid of {code}: {e}"))
            })
        };
        let shape = bring(&subject.shape.shape, subject.shape.crs)?;
        let line = match &subject.centreline {
            Some((from, line)) => lines(&bring(&Geometry::MultiLineString(line.0.clone()), *from)?.0),
            None => lines(&shape.0),
        };
        let line = line.and_then(|line| Chainage::of(&Grid(line)));
        let day = self.day(territory);
        let (rules, own) = (territory.rules().on(day), self.own_rules(subject, territory));
        Ok(OnGrid { territory, shape: Prepared::new(&shape), day, hides: Vec::new(), rules, own, line })
    }

    /// Every conflict in one territory, with its distance.
    fn search<C: Detail>(
        &self,
        subject: &Subject<'a>,
        on_grid: &OnGrid<'a>,
        on: usize,
        hits: &mut Vec<Hit<'a>>,
    ) -> Result<()> {
        let (sight, day) = (self.actor.sight(&on_grid.territory.jurisdiction.code), on_grid.day);
        let mut late = false;
        for &layer in &self.question.against {
            // A search widens by what the asker brings; what each feature brings is in its boxes already.
            let reach = if layer.is_land() {
                self.question.clearance.unwrap_or(Metres::ZERO).plus(subject.accuracy.metres)
            } else {
                let widest = || on_grid.own.and_then(|(rules, land)| rules.clearance(land, None));
                conflict::clearance(self.question.clearance, subject.own_clearance_m, widest).0
            };
            let mut looked_at = 0_u32;
            let features = on_grid.territory.layer(layer);
            let mut room = self.patience.room();
            let all = features.near_within(&on_grid.shape, reach, &mut room, |entry| {
                looked_at += 1;
                late = late || (looked_at.is_multiple_of(LOOK_AT_CLOCK_EVERY) && self.patience.in_time().is_err());
                if let Some(severity) = subject.meets(features, entry, &sight, day) {
                    if late || self.patience.looks_at(entry).is_err() {
                        return;
                    }
                    let Pair { work, land, .. } = self.pair(subject, on_grid, entry);
                    if let Some(distance_m) = C::distance(work, land) {
                        hits.push(Hit { distance_m, entry, layer, on, severity });
                    }
                }
            });
            self.patience.left(room);
            if !all {
                self.patience.if_not_at_once()?;
            }
            if late || self.patience.gave_up() {
                self.patience.in_time()?;
            }
        }
        Ok(())
    }

    /// Which of the two is the work, and which the land.
    fn pair<'p>(&self, subject: &Subject<'p>, on_grid: &'p OnGrid<'_>, entry: &'p Entry) -> Pair<'p> {
        let asked = self.question.clearance;
        match entry.facts.noun.role() {
            role @ (Role::Stands(_) | Role::Refers(_)) => {
                let of_kind = || on_grid.own.and_then(|(rules, land)| rules.clearance(land, role.work_kind()));
                let (clearance, rule) = conflict::clearance(asked, subject.own_clearance_m, of_kind);
                let accuracy = on_grid.rules.accuracy(&entry.facts.noun);
                let work = Standing { shape: &entry.shape, accuracy: accuracy.metres };
                let land = Land { shape: &on_grid.shape, centreline: on_grid.line.as_ref(), clearance };
                Pair { work, land, rule, accuracy }
            }
            Role::TakesLand(own) => {
                let of_kind = || on_grid.rules.clearance(entry.land, subject.work_kind());
                let (clearance, rule) = conflict::clearance(asked, own.clearance_m, of_kind);
                let work = Standing { shape: &on_grid.shape, accuracy: subject.accuracy.metres };
                let land = Land { shape: &entry.shape, centreline: entry.centreline.as_deref(), clearance };
                Pair { work, land, rule, accuracy: subject.accuracy }
            }
        }
    }

    fn met<'p>(&self, subject: &Subject<'p>, on_grid: &'p OnGrid<'_>, hit: &Hit<'p>) -> Met<'p> {
        let Pair { work, land, rule, accuracy } = self.pair(subject, on_grid, hit.entry);
        Met {
            jurisdiction: &on_grid.territory.jurisdiction.code,
            layer: hit.layer,
            entry: hit.entry,
            restricted: on_grid.territory.layer(hit.layer).is_restricted(hit.entry),
            severity: hit.severity,
            work,
            accuracy,
            land,
            rule,
            distance_m: hit.distance_m,
        }
    }
}

/// The features listed of which it is to be known who is shown them.
fn shown<C: Detail>(results: &[SubjectResult<C>]) -> impl Iterator<Item = Shown<'_>> {
    let listed = results.iter().flat_map(|r| &r.conflicts);
    listed.filter_map(|c| c.restricted().map(|code| (c.feature().0, code, c.feature().1)))
}

/// A check looks at the clock after so many candidates: often enough for the limit, too seldom to cost.
pub(super) const LOOK_AT_CLOCK_EVERY: u32 = 64;

fn lines(shape: &Geometry<f64>) -> Option<MultiLineString<f64>> {
    match shape {
        Geometry::LineString(l) => Some(MultiLineString(vec![l.clone()])),
        Geometry::MultiLineString(m) => Some(m.clone()),
        _ => None,
    }
}
