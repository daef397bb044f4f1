//! What stands round a place, as the index has it: measured on the grid of each jurisdiction that it lies near, and told apart
//! by who asks.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;
use uuid::Uuid;

use super::deadline::Deadline;
use super::{Spot, on_grid};
use crate::actions::Context;
use crate::domain::actor::{Actor, Sight};
use crate::domain::conflict::{self, Role};
use crate::domain::coverage::Coverage;
use crate::domain::layer::Layer;
use crate::domain::place::Delivered;
use crate::domain::reference::{ReferenceFacts, ReferenceKind};
use crate::domain::site_check::{
    Finding, Ground, HiddenCells, Near, NearCorridor, NearReference, Parameters, Place, Source, Subject, Surroundings,
    reach_round, sources,
};
use crate::domain::word::Word;
use crate::error::Result;
use crate::geometry::cells::Cell;
use crate::geometry::measure::{Dimension, Prepared, depth_inside};
use crate::geometry::{Bounds, Geometry, Metres, outside};
use crate::index::{Entry, LayerIndex, Snapshot, Territory};

/// What was found, and what is to be known of who is shown it.
pub(super) struct Found<'a> {
    /// What the checks see.
    pub(super) around: Surroundings<'a>,
    /// Where each of it is from.
    pub(super) taken: Vec<Taken<'a>>,
    /// The revision of each jurisdiction looked at.
    pub(super) revisions: BTreeMap<String, i64>,
    /// Where something is said to be hidden only because the asker was told of as many cells as he may: jurisdiction and
    /// source.
    pub(super) told_by_budget: Vec<String>,
    /// What an answer that is made again tells of hidden features.
    pub(super) hidden: Vec<HiddenCells>,
}

/// A feature that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) layer: Layer,
    /// Its jurisdiction.
    pub(super) code: &'a str,
    pub(super) id: Uuid,
    /// It is to be known who is shown it.
    pub(super) restricted: bool,
}

/// What of it findings rest on, listed or not.
pub(super) fn ground<'a>(findings: &[Finding], mut taken: Vec<Taken<'a>>) -> Vec<Taken<'a>> {
    if !taken.is_empty() {
        let ground: HashSet<Uuid> = findings.iter().flat_map(Finding::ground).collect();
        taken.retain(|one| ground.contains(&one.id));
    }
    taken
}

/// What of it is restricted, or all of it, as it is kept.
pub(super) fn kept(taken: &[Taken<'_>], restricted: bool) -> Vec<Ground> {
    let wanted = taken.iter().filter(|one| one.restricted || !restricted);
    wanted.map(|one| (one.layer, one.code.to_owned(), one.id)).collect()
}

/// Whether somebody asks, or an answer that was given is made again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode<'m> {
    /// What he is told of hidden features is counted.
    Ask,
    /// It is not; he had been told of these by his budget alone.
    Again(&'m [String]),
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
struct Pace {
    deadline: Deadline,
    looked_at: u32,
    late: bool,
}

impl Pace {
    fn new(deadline: Deadline) -> Self {
        Self { deadline, looked_at: 0, late: false }
    }

    /// Another feature is looked at next; `false` where there is no time for it.
    fn next(&mut self) -> bool {
        self.looked_at += 1;
        self.late = self.late || (self.looked_at.is_multiple_of(LOOK_AT_CLOCK_EVERY) && self.deadline.is_over());
        !self.late
    }

    /// All was looked at.
    fn done(&self) -> Result<()> {
        if self.late { self.deadline.in_time() } else { Ok(()) }
    }
}

/// How far round a place is looked for what brings no reach of its own.
pub(super) fn reach(subject: &Subject, rules: &Parameters<'_>) -> Metres {
    Metres::new(reach_round(subject, rules)).unwrap_or(Metres::ZERO)
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
    let reach = reach(subject, rules);
    let at = on_grid(home, spot)?;
    let shape = Prepared::point(at);
    let boundary = home.jurisdiction.boundary_grid();
    let place = Place { at, inside: true, to_boundary_m: depth_inside(&shape, boundary), hint: None };
    let around = Surroundings {
        place,
        works: Vec::new(),
        corridors: Vec::new(),
        references: Vec::new(),
        coverage: covered(home, &shape, subject, reach, day),
        hidden: Vec::new(),
    };
    let (taken, told_by_budget, hidden) = (Vec::new(), Vec::new(), Vec::new());
    let mut found = Found { around, taken, revisions: BTreeMap::new(), told_by_budget, hidden };
    // From here on the place is where the grid of its own jurisdiction has it: that is what a run keeps of it.
    let delivered = Delivered { shape: Geometry::Point(at.into()), crs: home.jurisdiction.grid };
    let (spot, lonlat) = (Spot { delivered: &delivered, lonlat: spot.lonlat }, spot.lonlat);
    let here = Bounds { min: [lonlat.x(), lonlat.y()], max: [lonlat.x(), lonlat.y()] };
    let here = outside::widened(&here, reach.get());
    for territory in snapshot.territories() {
        // The extent holds all of the cells of what belongs to it, each widened by what it brings.
        if !outside::meets_round_the_earth(&territory.extent, &here) {
            continue;
        }
        let at = on_grid(territory, spot)?;
        let looking = Looking { context, actor, territory, shape: Prepared::point(at), subject, reach, day, how };
        let matters = looking.all(&mut found)?;
        // The extent tells where something is, hidden or not; the boundary tells nothing.
        let near = context.reach().plus(reach).get();
        if matters || looking.shape.within(territory.jurisdiction.boundary_grid(), near) {
            found.revisions.insert(territory.jurisdiction.code.clone(), territory.revision);
        }
    }
    let by = |a: (f64, Uuid), b: (f64, Uuid)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let around = &mut found.around;
    around.works.sort_by(|a, b| by((a.distance_m, a.facts.id), (b.distance_m, b.facts.id)));
    around.references.sort_by(|a, b| by((a.distance_m, a.facts.id), (b.distance_m, b.facts.id)));
    around.corridors.sort_by(|a, b| by((a.near.distance_m, a.near.facts.id), (b.near.distance_m, b.near.facts.id)));
    around.hidden.sort_unstable();
    around.hidden.dedup();
    Ok(found)
}

/// How much each source answers for the ground that matters. What a feature brings itself, the declaration speaks of.
fn covered(
    home: &Territory,
    shape: &Prepared,
    subject: &Subject,
    reach: Metres,
    day: Date,
) -> BTreeMap<Source, Coverage> {
    let of = |source: Source| {
        let brings_its_own = source.kind().is_some_and(|kind| home.rules().site_reach(kind) > Metres::ZERO);
        let distance = if brings_its_own { subject.accuracy_m } else { reach.get() };
        let said = home.coverages().of_kind(source.layer(), source.kind(), shape, distance, day);
        let coverage = if said.later.is_some() { Coverage::Undeclared } else { said.coverage };
        (source, coverage)
    };
    sources().iter().copied().map(of).collect()
}

/// Looking round a place in one territory.
struct Looking<'a, 'q> {
    context: &'q Context,
    actor: &'q Actor,
    territory: &'a Territory,
    shape: Prepared,
    subject: &'q Subject,
    reach: Metres,
    day: Date,
    how: How<'q>,
}

impl<'a> Looking<'a, '_> {
    /// Looks for everything; whether there was anything, that is seen or told of.
    fn all(&self, found: &mut Found<'a>) -> Result<bool> {
        let code = self.territory.jurisdiction.code.as_str();
        let sight = self.actor.sight(code);
        let known = found.around.references.len();
        let (mut matters, mut pace) = (false, Pace::new(self.how.deadline));
        for layer in Layer::all() {
            let features = self.territory.layer(layer);
            features.near(&self.shape, self.reach, |entry| {
                if pace.next() && features.sees(&sight, entry) && self.take(layer, entry, &mut found.around) {
                    matters = true;
                    found.taken.push(Taken {
                        layer,
                        code,
                        id: entry.facts.id,
                        restricted: features.is_restricted(entry),
                    });
                }
            });
            pace.done()?;
            if !sight.sees_all() {
                matters |= self.hidden(layer, features, &sight, found);
            }
        }
        let admits_so_many = |near: &&NearReference<'a>| {
            near.told.kind == ReferenceKind::Zone
                && near.attributes().quota.is_some()
                && near.distance_m <= self.subject.accuracy_m
        };
        let zones: Vec<&Prepared> =
            found.around.references[known..].iter().filter(admits_so_many).map(|z| z.shape).collect();
        for zone in zones {
            self.all_in_zone(zone, &sight, found)?;
        }
        Ok(matters)
    }

    /// Takes every column in a zone that admits so many of them, however far from the place it stands.
    fn all_in_zone(&self, zone: &'a Prepared, sight: &Sight, found: &mut Found<'a>) -> Result<()> {
        let mut pace = Pace::new(self.how.deadline);
        let (layer, code) = (Source::Works.layer(), self.territory.jurisdiction.code.as_str());
        let features = self.territory.layer(layer);
        let known: HashSet<Uuid> = found.around.works.iter().map(|work| work.facts.id).collect();
        features.near(zone, Metres::ZERO, |entry| {
            let new = pace.next() && !known.contains(&entry.facts.id) && features.sees(sight, entry);
            let (Ok(told), Some(_)) = (entry.facts.noun.try_into(), entry.facts.noun.severity(self.day)) else {
                return;
            };
            if new && entry.shape.within(zone, 0.0) {
                let near = self.near(layer, entry, told, self.shape.distance(&entry.shape));
                found.around.works.push(near);
                let restricted = features.is_restricted(entry);
                found.taken.push(Taken { layer, code, id: entry.facts.id, restricted });
            }
        });
        pace.done()?;
        let cells = features.hidden().met(sight, zone, 0.0);
        let hidden = !sight.sees_all() && self.is_told(layer.as_str(), &cells, found);
        if hidden {
            found.around.hidden.push(Source::Works);
        }
        let said = self.territory.coverages().of(layer, zone, 0.0, self.day);
        let said = if said.later.is_some() { Coverage::Undeclared } else { said.coverage };
        let worst = found.around.coverage.entry(Source::Works).or_insert(said);
        *worst = said.min(*worst);
        Ok(())
    }

    /// A feature as the checks see it, so far from the place.
    fn near<F>(&self, layer: Layer, entry: &'a Entry, told: F, distance_m: f64) -> Near<'a, F> {
        let is_inside = distance_m <= 0.0 && entry.shape.dimension() == Dimension::Area;
        let depth_m = if is_inside { depth_inside(&self.shape, &entry.shape) } else { 0.0 };
        let accuracy_m = self.territory.rules().on(self.day).accuracy(&entry.facts.noun).metres.get();
        Near { layer, facts: &entry.facts, told, shape: &entry.shape, distance_m, depth_m, accuracy_m }
    }

    /// Takes a feature that the asker sees, if it is near enough and counts.
    fn take(&self, layer: Layer, entry: &'a Entry, around: &mut Surroundings<'a>) -> bool {
        let facts = &entry.facts;
        let reach = self.reach.plus(entry.reach());
        let Some(distance_m) = self.shape.distance_within(&entry.shape, reach.get()) else { return false };
        let severity = facts.noun.severity(self.day);
        let rules = self.territory.rules().on(self.day);
        if let Ok(told) = facts.noun.try_into() {
            if severity.is_some() {
                around.works.push(self.near(layer, entry, told, distance_m));
            }
            return severity.is_some();
        }
        if let Ok(told) = ReferenceFacts::try_from(facts.noun) {
            // A window that is to come matters to whoever builds then.
            let matters = severity.is_some() || told.kind == ReferenceKind::FreezeWindow && !told.is_over(self.day);
            if matters {
                around.references.push(self.near(layer, entry, told, distance_m));
            }
            return matters;
        }
        let (Role::TakesLand(own), Ok(told), Some(severity)) = (facts.noun.role(), facts.noun.try_into(), severity)
        else {
            return false;
        };
        let of_kind = || rules.clearance(entry.land, Some(self.subject.kind));
        let (clearance, rule) = conflict::clearance(None, own.clearance_m, of_kind);
        let near = self.near(layer, entry, told, distance_m);
        around.corridors.push(NearCorridor { near, severity, clearance, rule: rule.into() });
        true
    }

    /// Which sources of a layer have something near that the asker does not see: told by cells of 2 km, as in conflict
    /// checks, so that asking often tells no more. Of reference features defence areas are told apart, for whoever has to be
    /// asked is told so; all others as one, or the kind of what is hidden would be told. Whether anything is.
    fn hidden(&self, layer: Layer, features: &'a LayerIndex, sight: &Sight, found: &mut Found<'a>) -> bool {
        let of_layer = || sources().iter().copied().filter(|source| source.layer() == layer);
        if !layer.is_told_by_kind() {
            let cells = features.hidden().met(sight, &self.shape, self.reach.get());
            let told = self.is_told(layer.as_str(), &cells, found);
            found.around.hidden.extend(of_layer().filter(|_| told));
            return told;
        }
        let met = |apart| features.hidden().met_apart(apart, sight, &self.shape, self.reach.get());
        let (others, defence) = (met(false), met(true));
        let is_defence = |source: &Source| source.kind() == Some(DEFENCE);
        let told = self.is_told(layer.as_str(), &others, found);
        found.around.hidden.extend(of_layer().filter(|source| told && !is_defence(source)));
        let told_of_defence = self.is_told(DEFENCE.as_str(), &defence, found);
        found.around.hidden.extend(of_layer().filter(|source| told_of_defence && is_defence(source)));
        told || told_of_defence
    }

    /// Whether the asker is told that there is something in these cells.
    fn is_told(&self, what: &'static str, cells: &[Cell], found: &mut Found<'a>) -> bool {
        let code = &self.territory.jurisdiction.code;
        let by_budget = || format!("{code} {what}");
        match self.how.mode {
            Mode::Again(told) => {
                if !cells.is_empty() {
                    let (jurisdiction, source) = (code.clone(), what.to_owned());
                    found.hidden.push(HiddenCells { jurisdiction, source, cells: cells.to_vec() });
                }
                !cells.is_empty() || told.contains(&by_budget())
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
