//! The difference between two states of a jurisdiction: its features before and after, and the conflicts that began,
//! ended or came to mean something else. A conflict is one by what each corridor brings itself, and counts on the day of
//! the change; that a day comes on which something begins to count is no change.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::change::{
    ChangeEvent, Content, CoverageChange, EVENT_FEATURES_MAX, EVENT_PAIRS_MAX, FeatureChange, PairChange, Resync, Trace,
};
use crate::domain::conflict::{self, Land, Role, Severity, Standing, is_conflict};
use crate::domain::layer::Layer;
use crate::domain::rules::InForce;
use crate::domain::work::WorkKind;
use crate::geometry::measure::Prepared;
use crate::geometry::{Grid, Metres, crs, outside};
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
    let mut features = Vec::with_capacity(touched.features.len());
    for &(layer, id, _) in &touched.features {
        features.extend(change_of(before, after, code, layer, id));
        for (world, is_after) in [(before, false), (after, true)] {
            let Some(entry) = world.own.layer(layer).get(id) else { continue };
            each_partner(world, entry, layer, now, &mut |partner| {
                // One piece of land may take a province: what is more than is told is not made.
                if pairs.len() > EVENT_PAIRS_MAX {
                    return;
                }
                if let Some(pair) = pair_of(before, after, (code, layer, id), &partner, &mut pairs) {
                    let severity = Some(partner.severity);
                    if is_after { pair.after = severity } else { pair.before = severity }
                }
            });
            if pairs.len() > EVENT_PAIRS_MAX {
                return Err(Resync::TooMany);
            }
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
        std::collections::btree_map::Entry::Occupied(known) => {
            let pair = known.into_mut();
            if !pair.by.contains(&layer) {
                pair.by.push(layer);
            }
            Some(pair)
        }
        std::collections::btree_map::Entry::Vacant(new) => {
            let one = change_of(before, after, code, layer, id)?;
            let other = change_of(before, after, partner.code, partner.layer, partner.id)?;
            let (work, land) = if layer.is_land() { (other, one) } else { (one, other) };
            Some(new.insert(PairChange { by: vec![layer], work, land, before: None, after: None }))
        }
    }
}

/// Every conflict of a feature of `world.own` that counts now.
fn each_partner(world: &World<'_>, entry: &Entry, layer: Layer, now: Timestamp, each: &mut dyn FnMut(Partner<'_>)) {
    let own = Side::of(&Home::of(world.own, now), entry);
    let Some(severity) = own.severity() else { return };
    let reach = own.reach();
    for territory in world.territories() {
        let brought;
        let shape = if territory.jurisdiction.code == world.own.jurisdiction.code {
            &entry.shape
        } else {
            let around = outside::widened(&world.own.in_degrees(&entry.shape.bounds()), reach.get());
            if !outside::meets_round_the_earth(&around, &territory.extent) {
                continue;
            }
            let (from, to) = (world.own.jurisdiction.grid, territory.jurisdiction.grid);
            let Ok(there) = crs::project(&entry.shape.geometry(), from, to) else { continue };
            brought = Prepared::new(&Grid(there));
            &brought
        };
        let home = Home::of(territory, now);
        for other in layer.opposite() {
            territory.layer(other).near(shape, reach, |met| {
                if let Some(severity) = own.meets(severity, shape, &Side::of(&home, met)) {
                    let code = territory.jurisdiction.code.as_str();
                    each(Partner { code, layer: other, id: met.facts.id, severity });
                }
            });
        }
    }
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
            Role::Stands(_) => Metres::ZERO,
        }
    }

    /// How far round it a feature looks for others; what those bring is in their boxes.
    fn reach(&self) -> Metres {
        match self.role() {
            Role::Stands(_) => self.rules.accuracy(&self.entry.facts.noun).metres,
            Role::TakesLand(_) => self.clearance(None),
        }
    }

    /// What the pair of the two means, if it is one: of the severity of the land. `shape` is this one's on the other's grid.
    fn meets(&self, severity: Severity, shape: &Prepared, met: &Side<'_>) -> Option<Severity> {
        let severity_met = met.severity()?;
        let (work, work_shape, land, land_shape, severity) = match (self.role(), met.role()) {
            (Role::Stands(_), Role::TakesLand(_)) => (self, shape, met, &met.entry.shape, severity_met),
            (Role::TakesLand(_), Role::Stands(_)) => (met, &met.entry.shape, self, shape, severity),
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
