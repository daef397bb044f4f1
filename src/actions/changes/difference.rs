//! The difference between two states of a jurisdiction: its features before and after, and the conflicts that began,
//! ended or came to mean something else. A conflict is one by what each corridor brings itself, and counts on the day of
//! the change; that a day comes on which something begins to count is told by itself (`refresh::turn_days`).

use std::collections::btree_map::{BTreeMap, Entry as MapEntry};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::change::{
    ChangeEvent, Content, CoverageChange, EVENT_FEATURES_MAX, EVENT_PAIRS_MAX, FeatureChange, PairChange, Resync, Trace,
};
use crate::domain::conflict::{self, Land, Role, Severity, Standing, is_conflict};
use crate::domain::corridor::CLEARANCE_MAX_M;
use crate::domain::layer::Layer;
use crate::domain::rules::InForce;
use crate::domain::work::WorkKind;
use crate::geometry::measure::Prepared;
use crate::geometry::{Epsg, Grid, Metres, crs, outside};
use crate::index::{Entry, Snapshot, Territory};

/// What was read for the next state of a jurisdiction.
#[derive(Debug, Default)]
pub(in crate::actions) struct Touched {
    /// Features that came, changed or went, and the last revision in which they did.
    pub(in crate::actions) features: Vec<(Layer, Uuid, i64)>,
    /// Layers whose coverage changed, and the last revision in which it did.
    pub(in crate::actions) coverage: Vec<(Layer, i64)>,
}

impl Touched {
    /// Leaves out what happened up to a revision.
    pub(in crate::actions) fn only_after(&mut self, revision: i64) {
        self.features.retain(|(_, _, at)| *at > revision);
        self.coverage.retain(|(_, at)| *at > revision);
    }
}

/// Every jurisdiction at one moment: the one that changes, and the others.
struct World<'a> {
    others: &'a Snapshot,
    own: &'a Territory,
}

impl<'a> World<'a> {
    fn territories(&self) -> impl Iterator<Item = &'a Territory> {
        let (others, own) = (self.others, self.own);
        let others = others.territories().map(AsRef::as_ref).filter(|t| t.jurisdiction.code != own.jurisdiction.code);
        others.chain(std::iter::once(own))
    }

    fn territory(&self, code: &str) -> Option<&'a Territory> {
        self.territories().find(|t| t.jurisdiction.code == code)
    }
}

/// What leads from `before` to `after`, the other jurisdictions being as in `others`.
pub(in crate::actions) fn event(
    others: &Snapshot,
    before: &Territory,
    after: &Territory,
    touched: &Touched,
    recorded_at: Option<Timestamp>,
    now: Timestamp,
) -> ChangeEvent {
    let (before, after) = (World { others, own: before }, World { others, own: after });
    ChangeEvent {
        jurisdiction: after.own.jurisdiction.code.as_str().into(),
        from: before.own.revision,
        to: after.own.revision,
        recorded_at,
        content: content(&before, &after, touched, now),
    }
}

/// The rules changed between the two.
pub(in crate::actions) fn ruled(before: &Territory, after: &Territory, recorded_at: Option<Timestamp>) -> ChangeEvent {
    ChangeEvent {
        jurisdiction: after.jurisdiction.code.as_str().into(),
        from: before.revision,
        to: after.revision,
        recorded_at,
        content: Err(Resync::Rules),
    }
}

fn content(before: &World<'_>, after: &World<'_>, touched: &Touched, now: Timestamp) -> Result<Content, Resync> {
    if touched.features.len() > EVENT_FEATURES_MAX {
        return Err(Resync::TooMany);
    }
    let code = after.own.jurisdiction.code.as_str();
    let mut pairs: BTreeMap<(Uuid, Uuid), PairChange> = BTreeMap::new();
    let mut lands = Lands::new();
    let mut features = Vec::with_capacity(touched.features.len());
    for &(layer, id, _) in &touched.features {
        features.extend(change_of(before, after, code, layer, id));
        for (world, is_after) in [(before, false), (after, true)] {
            let Some(entry) = world.own.layer(layer).get(id) else { continue };
            each_partner(world, entry, layer, now, &mut lands, &mut |partner| {
                if let Some(pair) = pair_of(before, after, (code, layer, id), &partner, &mut pairs) {
                    let severity = Some(partner.severity);
                    if is_after { pair.after = severity } else { pair.before = severity }
                }
                // One piece of land may take a province: what is more than is told is not looked at.
                if pairs.len() > EVENT_PAIRS_MAX { Err(Resync::TooMany) } else { Ok(()) }
            })?;
        }
    }
    let coverage = touched.coverage.iter().map(|(layer, _)| CoverageChange { layer: *layer }).collect();
    let pairs = pairs.into_values().filter(|pair| !pair.is_nothing()).collect();
    Ok(Content { features, pairs, coverage })
}

/// A feature in both states; none where it is in neither.
fn change_of(before: &World<'_>, after: &World<'_>, code: &str, layer: Layer, id: Uuid) -> Option<FeatureChange> {
    let find = |world: &World<'_>| world.territory(code).and_then(|t| t.layer(layer).get(id).cloned());
    let (before, after) = (find(before), find(after));
    let trace = |entry: &Entry| Trace {
        code: entry.facts.code.clone(),
        visibility: entry.facts.visibility,
        organisation: Arc::clone(&entry.facts.organisation),
        bounds: entry.shape.bounds(),
    };
    if before.is_none() && after.is_none() {
        return None;
    }
    Some(FeatureChange {
        jurisdiction: code.into(),
        layer,
        id,
        before: before.as_deref().map(trace),
        after: after.as_deref().map(trace),
    })
}

/// The other side of a conflict.
struct Partner<'a> {
    code: &'a str,
    layer: Layer,
    id: Uuid,
    severity: Severity,
}

/// The pair of a feature and its partner, made where it is met first.
fn pair_of<'p>(
    before: &World<'_>,
    after: &World<'_>,
    (code, layer, id): (&str, Layer, Uuid),
    partner: &Partner<'_>,
    pairs: &'p mut BTreeMap<(Uuid, Uuid), PairChange>,
) -> Option<&'p mut PairChange> {
    let key = if layer.is_land() { (partner.id, id) } else { (id, partner.id) };
    match pairs.entry(key) {
        MapEntry::Occupied(known) => {
            let pair = known.into_mut();
            if !pair.by.contains(&layer) {
                pair.by.push(layer);
            }
            Some(pair)
        }
        MapEntry::Vacant(new) => {
            let one = change_of(before, after, code, layer, id)?;
            let other = change_of(before, after, partner.code, partner.layer, partner.id)?;
            let (work, land) = if layer.is_land() { (other, one) } else { (one, other) };
            Some(new.insert(PairChange { by: vec![layer], work, land, before: None, after: None }))
        }
    }
}

/// Land of neighbours on the grid of the jurisdiction that changes. It is the same before and after.
type Lands = BTreeMap<Uuid, Prepared>;

/// Every conflict of a feature of `world.own` that counts now, until `each` has enough. A pair across a border is measured
/// on the grid of the work, whichever side changes, as the check of the land does: so what began there ends there.
fn each_partner(
    world: &World<'_>,
    entry: &Entry,
    layer: Layer,
    now: Timestamp,
    lands: &mut Lands,
    each: &mut dyn FnMut(Partner<'_>) -> Result<(), Resync>,
) -> Result<(), Resync> {
    let own = Side::of(&Home::of(world.own, now), entry);
    let Some(severity) = own.severity() else { return Ok(()) };
    let home = world.own.jurisdiction.grid;
    for territory in world.territories() {
        let is_own = territory.jurisdiction.code == world.own.jurisdiction.code;
        // Works are measured on their own grid, so their neighbours' land is only looked for on that of the land.
        let is_sought = !is_own && !layer.is_land();
        let reach = if is_sought { beyond(own.reach()) } else { own.reach() };
        let brought;
        let shape = if is_own {
            &entry.shape
        } else {
            let around = outside::widened(&world.own.in_degrees(&entry.shape.bounds()), reach.get());
            if !outside::meets_round_the_earth(&around, &territory.extent) {
                continue;
            }
            brought = bring(&entry.shape, home, territory.jurisdiction.grid)?;
            &brought
        };
        let (there, mut result) = (Home::of(territory, now), Ok(()));
        for other in layer.opposite() {
            territory.layer(other).near(shape, reach, |met| {
                if result.is_err() {
                    return;
                }
                let met_side = Side::of(&there, met);
                if met_side.severity().is_none() {
                    return;
                }
                let found = if is_sought {
                    let land = match lands.entry(met.facts.id) {
                        MapEntry::Occupied(known) => Ok(&*known.into_mut()),
                        MapEntry::Vacant(new) => {
                            bring(&met.shape, territory.jurisdiction.grid, home).map(|land| &*new.insert(land))
                        }
                    };
                    land.map(|land| own.meets(severity, &entry.shape, &met_side, land))
                } else {
                    Ok(own.meets(severity, shape, &met_side, &met.shape))
                };
                let code = territory.jurisdiction.code.as_str();
                result = found.and_then(|found| match found {
                    Some(severity) => each(Partner { code, layer: other, id: met.facts.id, severity }),
                    None => Ok(()),
                });
            });
            result?;
        }
    }
    Ok(())
}

/// A shape on another grid.
fn bring(shape: &Prepared, from: Epsg, to: Epsg) -> Result<Prepared, Resync> {
    match crs::project(&shape.geometry(), from, to) {
        Ok(there) => Ok(Prepared::new(&Grid(there))),
        Err(error) => {
            tracing::warn!(%error, "a conflict across a border cannot be measured");
            Err(Resync::Unmeasured)
        }
    }
}

/// How far to look on another grid for what lies within a distance, or the widest clearance, on one's own: what two grids
/// say of a length near a border differs by far less than a hundredth.
fn beyond(reach: Metres) -> Metres {
    let more = Metres::new(1.0 + (reach.get() + CLEARANCE_MAX_M) / 100.0).unwrap_or(Metres::ZERO);
    reach.plus(more)
}

/// The day in a jurisdiction, and its rules on that day.
#[derive(Clone, Copy)]
struct Home<'a> {
    day: Date,
    rules: InForce<'a>,
}

impl<'a> Home<'a> {
    fn of(territory: &'a Territory, now: Timestamp) -> Self {
        let day = now.to_zoned(territory.jurisdiction.time_zone()).date();
        Self { day, rules: territory.rules().on(day) }
    }
}

/// One side of a pair, judged by the rules and the day of its own jurisdiction.
struct Side<'a> {
    entry: &'a Entry,
    day: Date,
    rules: InForce<'a>,
}

impl<'a> Side<'a> {
    fn of(home: &Home<'a>, entry: &'a Entry) -> Self {
        Self { entry, day: home.day, rules: home.rules }
    }

    fn role(&self) -> Role {
        self.entry.facts.noun.role()
    }

    fn severity(&self) -> Option<Severity> {
        self.entry.facts.noun.severity(self.day)
    }

    /// What must stay free beyond its edge, where it is land; of a work of an unknown kind, the most.
    fn clearance(&self, work: Option<WorkKind>) -> Metres {
        match self.role() {
            Role::TakesLand(own) => {
                conflict::clearance(None, own.clearance_m, || self.rules.clearance(self.entry.land, work)).0
            }
            Role::Stands(_) | Role::Refers(_) => Metres::ZERO,
        }
    }

    /// How far round it a feature looks for others; what those bring is in their boxes.
    fn reach(&self) -> Metres {
        match self.role() {
            Role::Stands(_) => self.rules.accuracy(&self.entry.facts.noun).metres,
            Role::TakesLand(_) => self.clearance(None),
            Role::Refers(_) => Metres::ZERO,
        }
    }

    /// What the pair of the two means, if it is one: of the severity of the land. The shapes are on one grid.
    fn meets(&self, severity: Severity, shape: &Prepared, met: &Side<'_>, met_shape: &Prepared) -> Option<Severity> {
        let severity_met = met.severity()?;
        let (work, work_shape, land, land_shape, severity) = match (self.role(), met.role()) {
            (Role::Stands(_), Role::TakesLand(_)) => (self, shape, met, met_shape, severity_met),
            (Role::TakesLand(_), Role::Stands(_)) => (met, met_shape, self, shape, severity),
            _ => return None,
        };
        let accuracy = work.rules.accuracy(&work.entry.facts.noun).metres;
        let clearance = land.clearance(work.role().work_kind());
        let work = Standing { shape: work_shape, accuracy };
        is_conflict(work, Land { shape: land_shape, centreline: None, clearance }).then_some(severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_on_the_other_grid_is_not_passed_over() {
        let far = Prepared::new(&Grid(geo_types::Geometry::Point((1e9, 1e9).into())));
        assert_eq!(bring(&far, Epsg(9218), Epsg(5899)).err(), Some(Resync::Unmeasured));
        let near = Prepared::new(&Grid(geo_types::Geometry::Point((430_000.0, 1_340_000.0).into())));
        assert!(bring(&near, Epsg(9218), Epsg(5899)).is_ok());
    }

    #[test]
    fn what_was_published_meanwhile_is_left_out() {
        let id = Uuid::from_u128;
        let features = vec![(Layer::Works, id(1), 4), (Layer::Corridors, id(2), 5), (Layer::Works, id(3), 6)];
        let coverage = vec![(Layer::Works, 5), (Layer::Corridors, 6)];
        let table = [(3, vec![1, 2, 3], 2), (4, vec![2, 3], 2), (5, vec![3], 1), (6, vec![], 0)];
        for (revision, ids, layers) in table {
            let mut touched = Touched { features: features.clone(), coverage: coverage.clone() };
            touched.only_after(revision);
            let left: Vec<_> = touched.features.iter().map(|(_, id, _)| id.as_u128()).collect();
            assert_eq!((left, touched.coverage.len()), (ids, layers), "after {revision}");
        }
    }
}
