//! One layer of one jurisdiction: parts of shapes in an R-tree, and the shapes they belong to.
//!
//! The tree holds parts, not wholes: a long corridor stands in it as some tens of small boxes, so that a search near
//! one end does not meet everything along it. Each box is widened by the most that its own feature brings to a check on
//! any day (a work the accuracy of its position, a corridor its clearance), so a search only widens by what the asker
//! brings; the exact test then takes the values of the day.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use compact_str::CompactString;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, ParentNode, RTree, RTreeNode, RTreeObject};
use uuid::Uuid;

use crate::domain::actor::Sight;
use crate::domain::conflict::{Facts, NounFacts};
use crate::domain::rules::{LandKind, LandNumber, Ruling};
use crate::domain::word::Visibility;
use crate::geometry::linear::Chainage;
use crate::geometry::measure::{Nearby, Prepared, Probe};
use crate::geometry::{Bounds, Geometry, Grid, Metres, MultiLineString};

/// Most boxes for one shape: more make the tree larger without making it sharper.
const PARTS_MAX: usize = 64;

/// A delta of more features than this becomes a new base: until then each write copies it.
const DELTA_MAX: usize = 1_000;

/// A feature in the index.
#[derive(Debug)]
pub struct Entry {
    /// What a check needs to know.
    pub facts: Facts,
    /// The shape on the working grid.
    pub shape: Prepared,
    /// The line it was drawn by.
    pub centreline: Option<Box<Chainage>>,
    /// How far beyond its shape it can be met by a search that widens by nothing, on any day.
    own_reach: Metres,
    /// What it is to the rules it was prepared by, where it is land.
    pub land: LandNumber,
}

impl Entry {
    /// Prepares a feature.
    #[must_use]
    pub fn new(
        facts: Facts,
        grid: &Grid<Geometry<f64>>,
        centreline: Option<Grid<MultiLineString<f64>>>,
        land: Option<&LandKind>,
        rules: &Ruling,
    ) -> Self {
        let centreline = centreline.and_then(|line| Chainage::of(&line)).map(Box::new);
        let land = land.map(|land| rules.land(land)).unwrap_or_default();
        let own_reach = match facts.noun {
            NounFacts::Corridor { clearance_m, .. } => {
                clearance_m.and_then(|m| Metres::new(m).ok()).unwrap_or_else(|| rules.clearance_max(land))
            }
            NounFacts::Work { .. } => rules.accuracy_max(&facts.noun),
        };
        Self { facts, shape: Prepared::new(grid), centreline, own_reach, land }
    }

    /// How far beyond its shape it can be met by a search that widens by nothing, on any day.
    #[must_use]
    pub fn reach(&self) -> Metres {
        self.own_reach
    }

    fn parts(&self, number: u32) -> impl Iterator<Item = Part> {
        let reach = self.own_reach.get();
        self.shape.cover(PARTS_MAX).into_iter().map(move |b| {
            let b = b.widened(reach);
            Part::new(Rectangle::from_corners(b.min, b.max), number)
        })
    }
}

/// A box and the number of the entry it belongs to.
type Part = GeomWithData<Rectangle<[f64; 2]>, u32>;

/// Entries with their tree.
#[derive(Debug, Default)]
struct Forest {
    entries: Vec<Arc<Entry>>,
    by_id: HashMap<Uuid, u32>,
    tree: RTree<Part>,
}

impl Forest {
    fn new(entries: Vec<Arc<Entry>>) -> Self {
        let numbered = || entries.iter().zip(0_u32..);
        let parts: Vec<Part> = numbered().flat_map(|(e, n)| e.parts(n)).collect();
        let by_id = numbered().map(|(e, n)| (e.facts.id, n)).collect();
        let tree = RTree::bulk_load(parts);
        Self { entries, by_id, tree }
    }

    fn get(&self, id: Uuid) -> Option<&Arc<Entry>> {
        self.by_id.get(&id).map(|n| &self.entries[*n as usize])
    }

    /// Entries that have a part within `reach` of `subject`, each once.
    fn near(&self, subject: &Prepared, reach: f64) -> Vec<u32> {
        let mut search = Near { probe: Probe::new(subject, reach), numbers: Vec::new() };
        let root = self.tree.root();
        if let nearby @ (Nearby::Edges(_) | Nearby::All) = search.probe.start(&bounds_of(&root.envelope())) {
            search.below(root, &nearby);
        }
        let mut numbers = search.numbers;
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// Walks only into those boxes that the subject comes near.
struct Near<'a> {
    probe: Probe<'a>,
    numbers: Vec<u32>,
}

impl Near<'_> {
    fn below(&mut self, node: &ParentNode<Part>, nearby: &Nearby) {
        for child in node.children() {
            match (child, nearby) {
                (_, Nearby::Nothing) => {}
                (RTreeNode::Leaf(part), Nearby::All) => self.numbers.push(part.data),
                (RTreeNode::Parent(parent), Nearby::All) => self.below(parent, nearby),
                (RTreeNode::Leaf(part), Nearby::Edges(edges)) => {
                    if self.probe.meets(edges.clone(), &bounds_of(&part.envelope())) {
                        self.numbers.push(part.data);
                    }
                }
                (RTreeNode::Parent(parent), Nearby::Edges(edges)) => {
                    let nearby = self.probe.narrow(edges.clone(), &bounds_of(&parent.envelope()));
                    self.below(parent, &nearby);
                    self.probe.back_to(edges);
                }
            }
        }
    }
}

/// The place of a box along a curve that visits the quarters of `all` one by one, and in each its quarters, and so on
/// (Z-order, Morton 1966).
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of 65 535
fn along_curve(all: &Bounds, one: &Bounds) -> u32 {
    let step = |axis: usize| {
        let size = all.max[axis] - all.min[axis];
        let share = if size > 0.0 { (one.min[axis] - all.min[axis]) / size } else { 0.0 };
        (share.clamp(0.0, 1.0) * f64::from(u16::MAX)) as u32
    };
    let spread = |mut v: u32| {
        v = (v | (v << 8)) & 0x00ff_00ff;
        v = (v | (v << 4)) & 0x0f0f_0f0f;
        v = (v | (v << 2)) & 0x3333_3333;
        (v | (v << 1)) & 0x5555_5555
    };
    spread(step(0)) | (spread(step(1)) << 1)
}

fn bounds_of(envelope: &AABB<[f64; 2]>) -> Bounds {
    Bounds { min: envelope.lower(), max: envelope.upper() }
}

/// One layer: an immutable base, and what came since.
#[derive(Debug, Clone, Default)]
pub struct LayerIndex {
    base: Arc<Forest>,
    delta: Arc<Forest>,
    /// Ids of the base that are deleted or stand in the delta in a newer version.
    gone: Arc<HashSet<Uuid>>,
    census: Arc<HashMap<(Visibility, CompactString), usize>>,
}

impl LayerIndex {
    /// A layer of these features, all in its base. What is near in the plane comes to lie near in memory, so that a
    /// check finds its candidates side by side.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        let mut all = Bounds::EMPTY;
        for e in &entries {
            all.merge(&e.shape.bounds());
        }
        entries.sort_by_cached_key(|e| along_curve(&all, &e.shape.bounds()));
        Self::of(entries.into_iter().map(Arc::new).collect())
    }

    fn of(entries: Vec<Arc<Entry>>) -> Self {
        let mut census = HashMap::new();
        for e in &entries {
            *census.entry((e.facts.visibility, e.facts.organisation.clone())).or_insert(0) += 1;
        }
        Self {
            base: Arc::new(Forest::new(entries)),
            delta: Arc::default(),
            gone: Arc::default(),
            census: Arc::new(census),
        }
    }

    /// The layer after some features were deleted and others came or changed.
    #[must_use]
    pub fn applied(&self, deleted: &[Uuid], upserted: Vec<Arc<Entry>>) -> Self {
        if deleted.is_empty() && upserted.is_empty() {
            return self.clone();
        }
        let touched: HashSet<Uuid> = deleted.iter().copied().chain(upserted.iter().map(|e| e.facts.id)).collect();
        if self.delta.entries.len() + self.gone.len() + touched.len() > DELTA_MAX {
            let kept = self.entries().filter(|e| !touched.contains(&e.facts.id)).cloned();
            return Self::of(kept.chain(upserted).collect());
        }
        let mut census = HashMap::clone(&self.census);
        for old in touched.iter().filter_map(|id| self.get(*id)) {
            if let Some(n) = census.get_mut(&(old.facts.visibility, old.facts.organisation.clone())) {
                *n -= 1;
            }
        }
        for new in &upserted {
            *census.entry((new.facts.visibility, new.facts.organisation.clone())).or_insert(0) += 1;
        }
        let mut gone = HashSet::clone(&self.gone);
        gone.extend(touched.iter().filter(|id| self.base.by_id.contains_key(*id)));
        let kept = self.delta.entries.iter().filter(|e| !touched.contains(&e.facts.id)).cloned();
        Self {
            base: Arc::clone(&self.base),
            delta: Arc::new(Forest::new(kept.chain(upserted).collect())),
            gone: Arc::new(gone),
            census: Arc::new(census),
        }
    }

    /// Every feature of the layer.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let base = self.base.entries.iter().filter(|e| !self.gone.contains(&e.facts.id));
        base.chain(&self.delta.entries)
    }

    /// One feature.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&Arc<Entry>> {
        self.delta.get(id).or_else(|| self.base.get(id).filter(|_| !self.gone.contains(&id)))
    }

    /// Calls `each` once for every feature that may lie within `reach` of `subject`, its own accuracy and clearance
    /// added. What is not called certainly does not.
    pub fn near<'a>(&'a self, subject: &Prepared, reach: Metres, mut each: impl FnMut(&'a Entry)) {
        for number in self.base.near(subject, reach.get()) {
            let entry = &self.base.entries[number as usize];
            if self.gone.is_empty() || !self.gone.contains(&entry.facts.id) {
                each(entry);
            }
        }
        for number in self.delta.near(subject, reach.get()) {
            each(&self.delta.entries[number as usize]);
        }
    }

    /// How many features somebody sees.
    #[must_use]
    pub fn count(&self, sight: &Sight) -> usize {
        self.census.iter().filter(|((v, owner), _)| sight.sees(*v, owner)).map(|(_, n)| n).sum()
    }

    /// How many features there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.census.values().sum()
    }

    /// There is no feature.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The box on the grid round everything in the layer.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let mut all = Bounds::EMPTY;
        for forest in [&self.base, &self.delta] {
            if forest.tree.size() > 0 {
                all.merge(&bounds_of(&forest.tree.root().envelope()));
            }
        }
        all
    }
}
