//! The only rstar: what answers conflict checks without the database. Derived from PostGIS and rebuildable from it at
//! any time; a reader holds one immutable [`Snapshot`] across all layers while writers prepare the next one.
//!
//! Read in this order: `entry` (a feature and its boxes), `forest` (features with their tree, found by `ids`), `level`
//! (a forest, and what of it is no more), [`LayerIndex`] (one layer: a short row of levels), `tidy` (what is done off
//! to the side), [`Coverages`], [`Hidden`] (where what somebody does not see may stand).
//!
//! # The method
//!
//! A check asks which features of a layer come within a distance of a subject. The picture is drawn by the code it
//! shows, on the demonstration data: the road is `DNO-HL-01`, the cable `DNO-0608`, the layer all the works.
//!
#![doc = include_str!("method.svg")]
//!
//! 1. **Parts, not wholes.** The tree holds boxes over parts of a shape, at most 64 of them: a box round all of a long,
//!    slanting road holds mostly ground that has nothing to do with it. Each box is **widened by what its own feature
//!    brings**, a work by the accuracy of its position, a corridor by its own clearance. So a search widens by nothing
//!    but what the asker brings, and one badly known position does not make every search wider.
//! 2. **Down the tree.** The search opens a box only where an edge of the subject comes within reach of it, or where
//!    the box lies wholly inside the subject; then all in it is taken without a further look. What is passed over is
//!    certainly not in conflict: boxes are only ever taken too large, by a micrometre, and never too small.
//! 3. **Edges are narrowed on the way down** (`geometry/measure/probe.rs`). Every box keeps the list of the subject's
//!    edges that come near it, and the boxes in it ask that list alone; a few levels below the root a road of hundreds of
//!    edges is one or two. Where none is left, it only remains whether the box lies inside an area: the edges of the
//!    area stand ready in slabs by northing (`geometry/measure/slabs.rs`), so that this costs a look at one slab.
//! 4. **Early exit.** Whether a candidate is in conflict is a yes or no
//!    ([`Prepared::within`](crate::geometry::measure::Prepared::within)): two shapes are walked box by box, the nearest
//!    first, and the first two edges that are near enough end the walk. Where the distance is wanted too, the walk only
//!    goes on into what can be nearer than the nearest so far. All else is measured of conflicts alone. The
//!    arithmetic is that of PostGIS, step by step, so both say the same at the threshold.
//!
//! # Staying in step
//!
//! A layer is **a short row of trees** that never change, each several times smaller than the one before: what is written
//! is planted as a small tree of its own, and what it replaces is marked as dead in the others. Small trees are merged by
//! the write itself, large ones by a thread off to the side. All layers of all jurisdictions are **one
//! immutable snapshot**: a writer prepares the next one aside and publishes it by swapping a pointer, a reader keeps the
//! one it began with, and neither waits for the other.

mod coverage;
mod entry;
mod forest;
mod hidden;
mod ids;
mod layer;
mod level;
#[cfg(test)]
mod tests;
mod tidy;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use geo::CoordsIter;

pub use coverage::{Coverages, Said};
pub use entry::Entry;
pub use hidden::{EVERYWHERE, Hidden};
pub use layer::{Changes, LayerIndex, Room, SeenNow, Sowing, Tidied};

use forest::Forest;

use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::layer::Layer;
use crate::domain::rules::Ruling;
use crate::domain::word::Word;
use crate::geometry::cells::CellBox;
use crate::geometry::crs::{self, Epsg};
use crate::geometry::{Bounds, Coord, Geometry, Metres};

/// One jurisdiction as the index holds it.
#[derive(Debug, Clone)]
pub struct Territory {
    /// The jurisdiction.
    pub jurisdiction: Arc<Jurisdiction>,
    /// The revision that the layers show.
    pub revision: i64,
    /// A box in WGS 84 round everything that belongs to it.
    pub extent: Bounds,
    layers: BTreeMap<&'static str, LayerIndex>,
    coverages: Arc<Coverages>,
    rules: Arc<Ruling>,
    /// The same for every state that came from one load.
    load: Arc<Load>,
}

/// One loading of a territory as a whole. It holds something, for allocations of nothing are all alike.
#[derive(Debug, Default)]
struct Load(#[allow(dead_code)] u8);

impl Territory {
    /// A territory at `revision`; layers that are not given are empty.
    #[must_use]
    pub fn new(
        jurisdiction: Arc<Jurisdiction>,
        revision: i64,
        layers: impl IntoIterator<Item = (Layer, LayerIndex)>,
        reach_m: f64,
    ) -> Self {
        let mut all: BTreeMap<&'static str, LayerIndex> =
            Layer::ALL.iter().map(|(_, name)| (*name, LayerIndex::default())).collect();
        for (layer, index) in layers {
            all.insert(layer.as_str(), index);
        }
        let mut extent = jurisdiction.bounds_widened(reach_m);
        for layer in all.values() {
            extent.merge(&ground(&layer.bounds(), Metres::ZERO, jurisdiction.grid));
        }
        let (coverages, rules, load) = (Arc::default(), Arc::default(), Arc::default());
        Self { jurisdiction, revision, extent, layers: all, coverages, rules, load }
    }

    /// The territory at a later `revision`, when its layers had changed so.
    #[must_use]
    pub fn followed(&self, revision: i64, changes: &[(Layer, Changes)]) -> Self {
        let mut next = Self { revision, ..self.clone() };
        for (layer, changes) in changes {
            // The box never shrinks: asking once too often is never wrong.
            next.extent.merge(&self.ground(&changes.bounds(), Metres::ZERO));
            next.layers.insert(layer.as_str(), self.layer(*layer).changed(changes));
        }
        next
    }

    /// Whether `other` came from the same loading as a whole, so that what follows the one follows the other.
    #[must_use]
    pub fn is_of_one_load_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.load, &other.load)
    }

    /// The territory with what its layers declare of their coverage.
    #[must_use]
    pub fn covered(self, coverages: Arc<Coverages>) -> Self {
        Self { coverages, ..self }
    }

    /// The territory with the rules that its layers were prepared by.
    #[must_use]
    pub fn ruled(self, rules: Arc<Ruling>) -> Self {
        Self { rules, ..self }
    }

    /// The territory, of whose layers only that is seen that may be seen now, too.
    #[must_use]
    pub fn seen_by(&self, seen_now: &[(Layer, Arc<SeenNow>)]) -> Self {
        let mut seen = self.clone();
        for (layer, now) in seen_now {
            seen.layers.insert(layer.as_str(), self.layer(*layer).seen_by(Arc::clone(now)));
        }
        seen
    }

    /// The rules that its layers were prepared by.
    #[must_use]
    pub fn rules(&self) -> &Arc<Ruling> {
        &self.rules
    }

    /// Where its layers hold all there is.
    #[must_use]
    pub fn coverages(&self) -> &Arc<Coverages> {
        &self.coverages
    }

    /// A box in WGS 84 round all of each cell that a box on the grid meets when it is widened by `reach`; nothing round nothing.
    #[must_use]
    pub fn ground(&self, bounds: &Bounds, reach: Metres) -> Bounds {
        ground(bounds, reach, self.jurisdiction.grid)
    }

    /// The box in WGS 84 round a box on the grid, slightly larger than needed; the whole earth where that cannot be told.
    #[must_use]
    pub fn in_degrees(&self, bounds: &Bounds) -> Bounds {
        in_degrees(bounds, self.jurisdiction.grid).unwrap_or(EARTH)
    }

    /// One layer.
    ///
    /// # Panics
    /// Never: every layer is there from the start.
    #[must_use]
    pub fn layer(&self, layer: Layer) -> &LayerIndex {
        &self.layers[layer.as_str()]
    }
}

/// As [`Territory::ground`]: an extent may tell nothing of a hidden feature that its cells do not.
fn ground(bounds: &Bounds, reach: Metres, grid: Epsg) -> Bounds {
    let cells = CellBox::round(bounds, reach.get());
    if cells.is_empty() {
        return Bounds::EMPTY;
    }
    // What cannot be told in degrees may be anywhere: asking once too often is never wrong.
    in_degrees(&cells.bounds(), grid).unwrap_or(EARTH)
}

const EARTH: Bounds = Bounds { min: [-180.0, -90.0], max: [180.0, 90.0] };

/// A side of a box is straight on the grid and bent on the earth: by some metres when it is so long.
const SIDE_STRAIGHT_M: f64 = 10_000.0;

/// A longer one is looked at in so many steps.
const SIDE_STEPS: u32 = 16;

/// The box in WGS 84 round a box on a grid, slightly larger than needed; `None` where there is none.
fn in_degrees(bounds: &Bounds, grid: Epsg) -> Option<Bounds> {
    let [min, max] = [bounds.min, bounds.max].map(|[x, y]| Coord { x, y });
    let steps = if (max.x - min.x).max(max.y - min.y) > SIDE_STRAIGHT_M { SIDE_STEPS } else { 1 };
    let along = |step: u32| min + (max - min) * (f64::from(step) / f64::from(steps));
    let sides = (0..=steps).map(along).flat_map(|Coord { x, y }| {
        [Coord { x, y: min.y }, Coord { x, y: max.y }, Coord { x: min.x, y }, Coord { x: max.x, y }]
    });
    let around = crs::project(&Geometry::LineString(sides.collect()), grid, Epsg::WGS84).ok()?;
    Some(Bounds::of(around.coords_iter()).widened(0.001))
}

/// The whole index at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    territories: BTreeMap<String, Arc<Territory>>,
}

impl FromIterator<Arc<Territory>> for Snapshot {
    fn from_iter<I: IntoIterator<Item = Arc<Territory>>>(territories: I) -> Self {
        Self { territories: territories.into_iter().map(|t| (t.jurisdiction.code.clone(), t)).collect() }
    }
}

impl Snapshot {
    /// The territory of a jurisdiction.
    #[must_use]
    pub fn territory(&self, jurisdiction: &str) -> Option<&Arc<Territory>> {
        self.territories.get(jurisdiction)
    }

    /// Every territory, by code.
    pub fn territories(&self) -> impl Iterator<Item = &Arc<Territory>> {
        self.territories.values()
    }
}

/// The index of this instance.
#[derive(Debug, Default)]
pub struct Index {
    snapshot: ArcSwap<Snapshot>,
    writing: Mutex<()>,
    /// Held while a snapshot is looked at before a wait, and after one was published: so no publication is missed.
    looking: Mutex<()>,
    published: Condvar,
    /// Forests that nobody finds any more. Whoever held one last would have to free it, and must not be a reader.
    retired: Mutex<Vec<Arc<Forest>>>,
    /// Somebody tidies up.
    tidying: AtomicBool,
}

/// The right to prepare the next snapshot; readers go on meanwhile.
pub struct Writing<'a> {
    index: &'a Index,
    _one_at_a_time: MutexGuard<'a, ()>,
}

impl Index {
    /// The present state; it does not change while it is held.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The first snapshot that is `wanted`, or the one that stands at the moment `until`.
    pub fn wait(&self, until: Instant, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let snapshot = self.snapshot();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || wanted(&snapshot) {
                return snapshot;
            }
            looking = self.published.wait_timeout(looking, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the right to write.
    pub fn begin(&self) -> Writing<'_> {
        Writing { index: self, _one_at_a_time: self.writing.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    fn retired(&self) -> MutexGuard<'_, Vec<Arc<Forest>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing<'_> {
    /// The state to build on.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.index.snapshot()
    }

    /// Publishes a territory in one step, and wakes who waits for it.
    pub fn publish(&self, territory: Territory) {
        let mut next = Snapshot::clone(&self.index.snapshot());
        if let Some(before) = next.territories.get(&territory.jurisdiction.code) {
            let layers = before.layers.iter().map(|(name, layer)| (layer, &territory.layers[name]));
            self.index.retired().extend(layers.flat_map(|(layer, now)| layer.left_behind(now)));
        }
        next.territories.insert(territory.jurisdiction.code.clone(), Arc::new(territory));
        self.show(next);
    }

    /// Takes a territory back; false where there is none.
    #[must_use]
    pub fn withdraw(&self, jurisdiction: &str) -> bool {
        let mut next = Snapshot::clone(&self.index.snapshot());
        let Some(before) = next.territories.remove(jurisdiction) else { return false };
        let nothing = LayerIndex::default();
        self.index.retired().extend(before.layers.values().flat_map(|layer| layer.left_behind(&nothing)));
        self.show(next);
        true
    }

    fn show(&self, next: Snapshot) {
        self.index.snapshot.store(Arc::new(next));
        drop(self.index.looking.lock().unwrap_or_else(PoisonError::into_inner));
        self.index.published.notify_all();
    }
}
