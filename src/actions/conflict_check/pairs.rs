//! The pairs of a piece of land with what stands near it: found as far as so many are listed, and patched by every change.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::asking::LOOK_AT_CLOCK_EVERY;
use super::patience::Patience;
use crate::domain::layer::Layer;
use crate::error::Result;
use crate::geometry::Metres;
use crate::geometry::measure::Prepared;
use crate::index::{Entry, Territory};

/// Land with more features near it than this is asked about as if it were drawn, and nothing of it is kept: to follow every
/// change near it would cost each writer more than it spares a reader.
pub(super) const LISTED_MAX: usize = 10_000;

/// After more changes at once than this all pairs are put in order anew; one change is some passes over the places.
const PATCHED_MAX: usize = 32;

/// A stored piece of land with a feature that stands near it.
#[derive(Debug)]
pub(super) struct KeptPair {
    pub(super) layer: Layer,
    pub(super) entry: Arc<Entry>,
    /// Planar distance of the two, metres.
    pub(super) distance_m: f64,
}

impl KeptPair {
    /// The pair of a land that reaches so far and a feature, if it can be a conflict on any day.
    pub(super) fn of(land: &Prepared, reach: Metres, layer: Layer, entry: &Arc<Entry>) -> Option<Arc<Self>> {
        let distance_m = entry.shape.distance_within(land, reach.plus(entry.reach()).get())?;
        Some(Arc::new(Self { layer, entry: Arc::clone(entry), distance_m }))
    }

    fn id(&self) -> Uuid {
        self.entry.facts.id
    }
}

/// Features that changed, each with its pair as it is now, if it is one.
pub(super) type Changed = HashMap<Uuid, Option<Arc<KeptPair>>>;

/// Every pair of a land that reaches so far with the features of some layers; `None` where there are more than
/// [`LISTED_MAX`].
///
/// # Errors
/// [`Error::TooLarge`](crate::error::Error::TooLarge) where it takes longer than there is patience.
pub(super) fn pairs_of(
    land: &Prepared,
    reach: Metres,
    territory: &Territory,
    layers: &[Layer],
    patience: &Patience,
) -> Result<Option<Vec<Arc<KeptPair>>>> {
    let (mut pairs, mut looked_at, mut in_time) = (Vec::new(), 0_u32, Ok(()));
    for layer in layers {
        let features = territory.layer(*layer);
        features.near(land, reach, |met| {
            if pairs.len() > LISTED_MAX || in_time.is_err() {
                return;
            }
            if looked_at.is_multiple_of(LOOK_AT_CLOCK_EVERY) {
                in_time = patience.in_time();
            }
            looked_at += 1;
            pairs.extend(features.get(met.facts.id).and_then(|entry| KeptPair::of(land, reach, *layer, entry)));
        });
    }
    in_time?;
    Ok((pairs.len() <= LISTED_MAX).then_some(pairs))
}

/// Pairs in two orders.
#[derive(Debug, Clone, Default)]
pub(super) struct Pairs {
    by_id: Vec<Arc<KeptPair>>,
    /// Their places, by distance, then id.
    by_distance: Vec<u32>,
}

impl Pairs {
    /// Pairs of different features.
    pub(super) fn new(mut by_id: Vec<Arc<KeptPair>>) -> Self {
        by_id.sort_by_key(|pair| pair.id());
        let mut pairs = Self { by_distance: (0..).take(by_id.len()).collect(), by_id };
        let mut by_distance = std::mem::take(&mut pairs.by_distance);
        by_distance.sort_by(|a, b| pairs.distance(*a).total_cmp(&pairs.distance(*b)).then(a.cmp(b)));
        pairs.by_distance = by_distance;
        pairs
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// All of them, by distance, then id; or by id.
    pub(super) fn iter(&self, by_distance: bool) -> impl Iterator<Item = &KeptPair> {
        let place = move |n: usize| if by_distance { self.by_distance[n] as usize } else { n };
        (0..self.len()).map(move |n| self.by_id[place(n)].as_ref())
    }

    /// The same after some features changed.
    pub(super) fn patched(&self, changed: &Changed) -> Self {
        if changed.len() > PATCHED_MAX {
            let others = self.by_id.iter().filter(|pair| !changed.contains_key(&pair.id())).cloned();
            return Self::new(others.chain(changed.values().flatten().cloned()).collect());
        }
        let mut next = self.clone();
        for (id, pair) in changed {
            next.remove(*id);
            next.insert(pair.clone());
        }
        next
    }

    fn distance(&self, place: u32) -> f64 {
        self.by_id[place as usize].distance_m
    }

    /// How many pairs come before the one at this place, by distance.
    fn rank(&self, place: u32) -> usize {
        let own = self.distance(place);
        self.by_distance.partition_point(|n| self.distance(*n).total_cmp(&own).then(n.cmp(&place)).is_lt())
    }

    fn remove(&mut self, id: Uuid) {
        let Ok(at) = self.by_id.binary_search_by_key(&id, |pair| pair.id()) else { return };
        let place = number(at);
        self.by_distance.remove(self.rank(place));
        self.by_id.remove(at);
        for other in &mut self.by_distance {
            *other -= u32::from(*other > place);
        }
    }

    /// Takes the pair of a feature that has none here.
    fn insert(&mut self, new: Option<Arc<KeptPair>>) {
        let Some(new) = new else { return };
        let (Ok(at) | Err(at)) = self.by_id.binary_search_by_key(&new.id(), |pair| pair.id());
        let place = number(at);
        for other in &mut self.by_distance {
            *other += u32::from(*other >= place);
        }
        self.by_id.insert(at, new);
        self.by_distance.insert(self.rank(place), place);
    }
}

/// A place; there are far fewer than that.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "pairs_tests.rs"]
mod tests;
