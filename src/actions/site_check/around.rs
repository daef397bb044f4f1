//! What stands round a place, as the index has it: measured on the grid of each jurisdiction that it lies near, and told apart
//! by who asks.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use uuid::Uuid;

use super::beyond::beyond;
use super::border::{Zone, brought, farther_at_home, more_at_home, quota};
use super::deadline::Deadline;
use super::own::{self, Own};
use super::taken::Taken;
use super::{Spot, on_grid};
use crate::actions::Context;
use crate::domain::actor::{Actor, Sight};
use crate::domain::conflict::{self, Facts, Role, Rule};
use crate::domain::coverage::Coverage;
use crate::domain::layer::Layer;
use crate::domain::place::Delivered;
use crate::domain::reference::{Attributes, ReferenceFacts, ReferenceKind};
use crate::domain::site_check::{
    HiddenCells, Near, NearCorridor, NearLine, Parameters, Place, SAME_PLACE_M, Source, Subject, Surroundings,
    asked_within, is_drawn, is_measured, land_of, looked_for_buildings, no_width_of, reach_round, sources, to_edge_of,
};
use crate::domain::word::Word;
use crate::domain::work::WorkFacts;
use crate::error::Result;
use crate::geometry::cells::Cell;
use crate::geometry::measure::{Dimension, Prepared, depth_inside};
use crate::geometry::{Bounds, Coord, Geometry, Metres, outside};
use crate::index::{Entry, LayerIndex, Snapshot, Territory};

/// What was found, and what is to be known of who is shown it.
pub(super) struct Found<'a> {
    /// What the checks see.
    pub(super) around: Surroundings<'a>,
    /// Where each of it is from.
    pub(super) taken: Vec<Taken<'a>>,
    /// The revision of each jurisdiction looked at.
    pub(super) revisions: BTreeMap<String, i64>,
    /// Where something is said to be hidden only because the asker was told of as many cells as he may: jurisdiction,
    /// source, and what was asked of it ([`Of`]).
    pub(super) told_by_budget: Vec<String>,
    /// What an answer that is made again tells of hidden features.
    pub(super) hidden: Vec<HiddenCells>,
    /// How far round the place was looked for what brings no reach of its own, m.
    pub(super) reach_m: f64,
}

/// Whether somebody asks, or an answer that was given is made again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode<'m> {
    /// What he is told of hidden features is counted.
    Ask,
    /// It is not; he had been told of these by his budget alone.
    Again(&'m [String]),
}

/// What is asked of a source: one question asks several times, and a budget may end between.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    /// What is near the place.
    Near,
    /// Buildings as far as whatever is co-sited radiates.
    Buildings,
    /// What is in a zone.
    Zone(Uuid),
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Near => f.write_str("near"),
            Self::Buildings => f.write_str("buildings"),
            Self::Zone(id) => write!(f, "zone {id}"),
        }
    }
}

/// In what way it is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'m> {
    /// Who is told what, and whether that counts.
    pub(super) mode: Mode<'m>,
    /// When it has to be done.
    pub(super) deadline: Deadline,
}

/// So many features are looked at before somebody looks at the clock.
const LOOK_AT_CLOCK_EVERY: u32 = 1_024;

/// Counts what is looked at, and looks at the clock now and then.
pub(super) struct Pace {
    deadline: Deadline,
    looked_at: u32,
    late: bool,
}

impl Pace {
    pub(super) fn new(deadline: Deadline) -> Self {
        Self { deadline, looked_at: 0, late: false }
    }

    /// Another feature is looked at next; `false` where there is no time for it.
    pub(super) fn next(&mut self) -> bool {
        self.looked_at += 1;
        self.late = self.late || (self.looked_at.is_multiple_of(LOOK_AT_CLOCK_EVERY) && self.deadline.is_over());
        !self.late
    }

    /// All was looked at.
    pub(super) fn done(&self) -> Result<()> {
        if self.late { self.deadline.in_time() } else { Ok(()) }
    }
}

/// How far round a place is looked for what brings no reach of its own.
pub(super) fn reach(subject: &Subject, rules: &Parameters<'_>) -> Metres {
    Metres::new(reach_round(subject, rules)).unwrap_or(Metres::ZERO)
}

/// What is looked round: a place, or an area.
pub(super) struct Round<'g> {
    /// Where drawings begin, on the grid of its own jurisdiction.
    pub(super) at: Coord<f64>,
    /// Round it, in degrees.
    pub(super) bounds: Bounds,
    /// It on the grid of a territory.
    pub(super) on: &'g dyn Fn(&Territory) -> Result<Prepared>,
}

/// Looks round a place.
#[allow(clippy::too_many_arguments)] // each is one thing of the question
pub(super) fn found<'a>(
    context: &Context,
    actor: &Actor,
    snapshot: &'a Snapshot,
    home: &'a Territory,
    spot: Spot<'_>,
    subject: &Subject,
    rules: &Parameters<'_>,
    day: Date,
    how: How<'_>,
) -> Result<Found<'a>> {
    // From here on the place is where the grid of its own jurisdiction has it: that is what a run keeps of it.
    let at = on_grid(home, spot)?;
    let delivered = Delivered { shape: Geometry::Point(at.into()), crs: home.jurisdiction.grid };
    let (spot, lonlat) = (Spot { delivered: &delivered, lonlat: spot.lonlat }, spot.lonlat);
    let bounds = Bounds { min: [lonlat.x(), lonlat.y()], max: [lonlat.x(), lonlat.y()] };
    let on = |territory: &Territory| on_grid(territory, spot).map(Prepared::point);
    let ground = Round { at, bounds, on: &on };
    found_round(context, actor, snapshot, home, &ground, subject, rules, day, how)
}

/// Looks round a place or an area.
#[allow(clippy::too_many_arguments)] // each is one thing of the question
pub(super) fn found_round<'a>(
    context: &Context,
    actor: &Actor,
    snapshot: &'a Snapshot,
    home: &'a Territory,
    ground: &Round<'_>,
    subject: &Subject,
    rules: &Parameters<'_>,
    day: Date,
    how: How<'_>,
) -> Result<Found<'a>> {
    let reach = reach(subject, rules);
    let shape = (ground.on)(home)?;
    let boundary = home.jurisdiction.boundary_grid();
    let place = Place {
        at: ground.at,
        inside: true,
        to_boundary_m: depth_inside(&shape, boundary),
        boundary_at: None,
        hint: None,
    };
    let coverage = covered(home, &shape, subject, reach, day);
    let around = Surroundings { coverage, ..Surroundings::nowhere(place) };
    let (taken, told_by_budget, hidden) = (Vec::new(), Vec::new(), Vec::new());
    let mut found = Found { around, taken, revisions: BTreeMap::new(), told_by_budget, hidden, reach_m: reach.get() };
    let own = own::own(actor, snapshot, ground, subject, day)?;
    let looking = |territory: &'a Territory| -> Result<Looking<'a, '_>> {
        let shape = (ground.on)(territory)?;
        Ok(Looking { context, actor, home, territory, shape, subject, own: own.as_ref().map(Own::id), reach, day, how })
    };
    // The extent tells where something is, hidden or not; the boundary tells nothing.
    let near = context.reach().plus(reach).get();
    let mut zones = Vec::new();
    for territory in snapshot.territories() {
        let round = outside::widened(&ground.bounds, reach.plus(farther_at_home(home, territory)).get());
        // The extent holds all of the cells of what belongs to it, each widened by what it brings.
        if !outside::meets_round_the_earth(&territory.extent, &round) {
            continue;
        }
        let looking = looking(territory)?;
        let matters = looking.all(&mut found, &mut zones)?;
        if matters || looking.shape.within(territory.jurisdiction.boundary_grid(), near) {
            found.revisions.insert(territory.jurisdiction.code.clone(), territory.revision);
        }
    }
    // What is co-sited may radiate farther than the column looks by itself.
    let far = Metres::new(looked_for_buildings(subject, &found.around, rules)).unwrap_or(Metres::ZERO);
    if reach < far || !zones.is_empty() {
        beyond(snapshot, ground, &looking(home)?, far, &looking, zones, &mut found)?;
    }
    if let Some(own) = &own {
        // It was looked at, though nothing of it was found.
        found.revisions.insert(own.territory.jurisdiction.code.clone(), own.territory.revision);
        own.take_column(home, subject, rules, &mut found.around)?;
    }
    sort(&mut found.around);
    Ok(found)
}

/// The nearest first.
fn sort(around: &mut Surroundings<'_>) {
    let by = |a: (f64, Uuid), b: (f64, Uuid)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    around.works.sort_by(|a, b| by((a.distance_m, a.facts.id), (b.distance_m, b.facts.id)));
    around.references.sort_by(|a, b| by((a.distance_m, a.facts.id), (b.distance_m, b.facts.id)));
    around.corridors.sort_by(|a, b| by((a.near.distance_m, a.near.facts.id), (b.near.distance_m, b.near.facts.id)));
    around.lines.sort_by(|a, b| by((a.near.distance_m, a.near.facts.id), (b.near.distance_m, b.near.facts.id)));
    around.hidden.sort_unstable();
    around.hidden.dedup();
}

/// How much each source answers for the ground that matters.
fn covered(
    home: &Territory,
    shape: &Prepared,
    subject: &Subject,
    reach: Metres,
    day: Date,
) -> BTreeMap<Source, Coverage> {
    let of = |source: Source| {
        let own = source.kind().map_or(Metres::ZERO, |kind| home.rules().site_reach(kind));
        let distance = asked_within(source, own.get(), subject, reach.get());
        let said = home.coverages().of_kind(source.layer(), source.kind(), shape, distance, day);
        let coverage = if said.later.is_some() { Coverage::Undeclared } else { said.coverage };
        (source, coverage)
    };
    sources().iter().copied().map(of).collect()
}

/// Looking round a place in one territory.
pub(super) struct Looking<'a, 'q> {
    pub(super) context: &'q Context,
    pub(super) actor: &'q Actor,
    pub(super) home: &'a Territory,
    pub(super) territory: &'a Territory,
    /// The place on the grid of the territory.
    pub(super) shape: Prepared,
    pub(super) subject: &'q Subject,
    /// The request that is asked about, where it is one of this place.
    pub(super) own: Option<Uuid>,
    pub(super) reach: Metres,
    pub(super) day: Date,
    pub(super) how: How<'q>,
}

impl<'a> Looking<'a, '_> {
    /// Looks for everything; whether there was anything, that is seen or told of.
    fn all(&self, found: &mut Found<'a>, zones: &mut Vec<Zone<'a>>) -> Result<bool> {
        let code = self.territory.jurisdiction.code.as_str();
        let sight = self.actor.sight(code);
        let (mut matters, mut pace) = (false, Pace::new(self.how.deadline));
        for layer in Layer::all() {
            let features = self.territory.layer(layer);
            let mut failed = Ok(());
            features.near(&self.shape, self.reach_in(layer), |entry| {
                if !pace.next() || failed.is_err() || !features.sees(&sight, entry) {
                    return;
                }
                match self.take(layer, entry, &mut found.around) {
                    Ok(false) => {}
                    Ok(true) => {
                        matters = true;
                        zones.extend(self.as_zone(entry));
                        let restricted = features.is_restricted(entry);
                        found.taken.push(Taken { layer, code, id: entry.facts.id, restricted });
                    }
                    Err(error) => failed = Err(error),
                }
            });
            failed?;
            pace.done()?;
            if !sight.sees_all() {
                matters |= self.hidden(layer, features, &sight, found);
            }
        }
        Ok(matters)
    }

    /// How far round the place features of a layer are looked for, besides what they bring by the rules of the territory.
    fn reach_in(&self, layer: Layer) -> Metres {
        if layer.is_told_by_kind() {
            return self.reach.plus(farther_at_home(self.home, self.territory));
        }
        self.reach
    }

    /// A feature as a zone that admits so many columns and may hold the place, where it is one.
    fn as_zone(&self, entry: &'a Entry) -> Option<Zone<'a>> {
        let holds = quota(entry).is_some() && self.shape.within(&entry.shape, self.subject.accuracy_m);
        holds.then_some(Zone { of: self.territory, id: entry.facts.id, shape: &entry.shape })
    }

    /// A feature as the checks see it, so far from the place. Distances are those on the grid that it is kept on.
    pub(super) fn near<F>(&self, layer: Layer, entry: &'a Entry, told: F, distance_m: f64) -> Result<Near<'a, F>> {
        let is_inside = distance_m <= 0.0 && entry.shape.dimension() == Dimension::Area;
        let depth_m = if is_inside { depth_inside(&self.shape, &entry.shape) } else { 0.0 };
        let accuracy_m = self.territory.rules().on(self.day).accuracy(&entry.facts.noun).metres.get();
        let is_here = self.territory.jurisdiction.grid == self.home.jurisdiction.grid;
        let shape =
            (is_here || is_measured(&entry.facts.noun)).then(|| brought(self.territory, self.home, &entry.shape));
        Ok(Near { layer, facts: &entry.facts, told, shape: shape.transpose()?, distance_m, depth_m, accuracy_m })
    }

    /// It stands for an antenna of the request that is asked about, at its place: that is one of the subject, and not counted twice.
    fn is_own_antenna(&self, facts: &Facts, distance_m: f64) -> bool {
        let of_carrier = self.subject.organisation.as_deref().is_none_or(|carrier| *facts.organisation == *carrier);
        let request = facts.attributes.as_deref().and_then(Attributes::of_request);
        request.is_some() && request == self.subject.request && of_carrier && distance_m <= SAME_PLACE_M
    }

    /// Takes a feature that the asker sees, if it is near enough and counts.
    fn take(&self, layer: Layer, entry: &'a Entry, around: &mut Surroundings<'a>) -> Result<bool> {
        let facts = &entry.facts;
        let reference = ReferenceFacts::try_from(facts.noun).ok();
        if self.own == Some(facts.id) {
            return Ok(false);
        }
        let more = reference.map_or(Metres::ZERO, |told| more_at_home(self.home, self.territory, told.kind));
        let reach = self.reach.plus(entry.reach()).plus(more);
        let Some(distance_m) = self.shape.distance_within(&entry.shape, reach.get()) else { return Ok(false) };
        if let Ok(told) = WorkFacts::try_from(facts.noun) {
            let matters = told.stands_or_will(self.day);
            if matters {
                around.works.push(self.near(layer, entry, told, distance_m)?);
            }
            return Ok(matters);
        }
        let severity = facts.noun.severity(self.day);
        if let Some(told) = reference {
            if told.kind == ReferenceKind::Transmitter && self.is_own_antenna(facts, distance_m) {
                return Ok(false);
            }
            let matters =
                severity.is_some() || told.kind == ReferenceKind::FreezeWindow && !told.is_over(self.first_day());
            match (matters, is_drawn(told.kind)) {
                (false, _) => {}
                (true, true) => around.lines.push(self.line(layer, entry, told, distance_m)?),
                (true, false) => around.references.push(self.near(layer, entry, told, distance_m)?),
            }
            return Ok(matters);
        }
        let (Role::TakesLand(own), Ok(told), Some(severity)) = (facts.noun.role(), facts.noun.try_into(), severity)
        else {
            return Ok(false);
        };
        let (clearance, rule) = self.clearance(entry, own.clearance_m);
        let near = self.near(layer, entry, told, distance_m)?;
        around.corridors.push(NearCorridor { near, severity, clearance, rule });
        Ok(true)
    }

    /// The first day of which freeze windows matter: that asked, or that on which somebody begins to build. Of an end alone it is the
    /// day asked, or that end where it is over.
    fn first_day(&self) -> Date {
        match (self.subject.starts_on, self.subject.ends_on) {
            (Some(starts_on), _) => starts_on.min(self.day),
            (None, Some(ends_on)) => ends_on.min(self.day),
            (None, None) => self.day,
        }
    }

    /// What must stay free beside a feature.
    fn clearance(&self, entry: &Entry, own: Option<f64>) -> (Metres, Rule) {
        let rules = self.territory.rules().on(self.day);
        let (clearance, rule) = conflict::clearance(None, own, || rules.clearance(entry.land, Some(self.subject.kind)));
        (clearance, rule.into())
    }

    /// A road or a power line as the checks see it.
    fn line(&self, layer: Layer, entry: &'a Entry, told: ReferenceFacts, distance_m: f64) -> Result<NearLine<'a>> {
        let near = self.near(layer, entry, told, distance_m)?;
        let known = near.attributes();
        let is_line = entry.shape.dimension() == Dimension::Line;
        let rules = self.territory.rules().site();
        let to_edge_m = to_edge_of(told.kind, known, is_line, rules, Some(self.day));
        let no_width = no_width_of(told.kind, known, is_line, rules, self.day);
        let (clearance, rule) = self.clearance(entry, None);
        let land = land_of(told.kind, known);
        let is_of_its_class = match &rule {
            Rule::Parameter(rule) => land.is_some_and(|land| rule.is_of(&land)),
            Rule::Word(_) => false,
        };
        Ok(NearLine { near, to_edge_m, no_width, clearance, rule, is_of_its_class })
    }

    /// Which sources of a layer have something near that the asker does not see: told by cells of 2 km, as in conflict
    /// checks, so that asking often tells no more. Of reference features defence areas are told apart, for whoever has to be
    /// asked is told so; all others as one, or the kind of what is hidden would be told. Whether anything is.
    fn hidden(&self, layer: Layer, features: &'a LayerIndex, sight: &Sight, found: &mut Found<'a>) -> bool {
        let of_layer = || sources().iter().copied().filter(|source| source.layer() == layer);
        if !layer.is_told_by_kind() {
            let cells = features.hidden().met(sight, &self.shape, self.reach.get());
            let told = self.is_told(layer.as_str(), Of::Near, &cells, found);
            found.around.hidden.extend(of_layer().filter(|_| told));
            return told;
        }
        let met = |apart| features.hidden().met_apart(apart, sight, &self.shape, self.reach_in(layer).get());
        let (others, defence) = (met(false), met(true));
        let is_defence = |source: &Source| source.kind() == Some(DEFENCE);
        let told = self.is_told(layer.as_str(), Of::Near, &others, found);
        found.around.hidden.extend(of_layer().filter(|source| told && !is_defence(source)));
        let told_of_defence = self.is_told(DEFENCE.as_str(), Of::Near, &defence, found);
        found.around.hidden.extend(of_layer().filter(|source| told_of_defence && is_defence(source)));
        told || told_of_defence
    }

    /// Whether the asker is told that there is something in these cells.
    pub(super) fn is_told(&self, what: &'static str, of: Of, cells: &[Cell], found: &mut Found<'a>) -> bool {
        let code = &self.territory.jurisdiction.code;
        let by_budget = || format!("{code} {what} {of}");
        match self.how.mode {
            Mode::Again(told) => {
                if !cells.is_empty() {
                    let (jurisdiction, source) = (code.clone(), what.to_owned());
                    found.hidden.push(HiddenCells { jurisdiction, source, cells: cells.to_vec() });
                }
                // Of a run that is older than this was told apart nobody knows what of it was asked.
                let by_budget = || [by_budget(), format!("{code} {what}")].iter().any(|one| told.contains(one));
                !cells.is_empty() || by_budget()
            }
            Mode::Ask => {
                let is_told = self.context.notices.is_told(self.actor, (code, what, None), cells);
                if is_told && cells.is_empty() && !found.told_by_budget.contains(&by_budget()) {
                    found.told_by_budget.push(by_budget());
                }
                is_told
            }
        }
    }
}

/// The kind of which everybody hears the same.
const DEFENCE: ReferenceKind = ReferenceKind::DefenceArea;
