//! Entries with their tree, immutable once planted.
//!
//! The tree holds parts, not wholes: a long corridor stands in it as some tens of small boxes, so that a search near
//! one end does not meet everything along it. Each box is widened by what its own feature brings to a check (a work
//! the accuracy of its position, a corridor its own clearance), so a search only widens by what the asker brings.

use std::borrow::Borrow;
use std::sync::Arc;

use rstar::{ParentNode, RTree, RTreeNode, RTreeObject};
use uuid::Uuid;

use super::entry::{Entry, Part, bounds_of};
use super::ids::Ids;
use crate::geometry::Bounds;
use crate::geometry::measure::{Nearby, Probe};

/// Entries with their tree.
#[derive(Debug, Default)]
pub(super) struct Forest {
    entries: Vec<Arc<Entry>>,
    ids: Ids,
    pub(super) tree: RTree<Part>,
}

impl Forest {
    /// A forest of these entries, whose ids differ, and of their parts, numbered by them. What is near in the plane
    /// comes to lie near in memory, so that a check finds its candidates side by side.
    pub(super) fn new<E: Borrow<Entry> + Into<Arc<Entry>>>(entries: Vec<E>, mut parts: Vec<Part>) -> Self {
        let mut all = Bounds::EMPTY;
        for e in &entries {
            all.merge(&e.borrow().shape.bounds());
        }
        let mut order: Vec<(u32, u32)> =
            entries.iter().zip(0..).map(|(e, n)| (along_curve(&all, &e.borrow().shape.bounds()), n)).collect();
        order.sort_unstable();
        let mut renumbered = vec![0; entries.len()];
        for ((_, old), new) in order.iter().zip(0_u32..) {
            renumbered[*old as usize] = new;
        }
        for part in &mut parts {
            part.data = renumbered[part.data as usize];
        }
        let mut unordered: Vec<Option<E>> = entries.into_iter().map(Some).collect();
        let mut ordered: Vec<Arc<Entry>> = Vec::with_capacity(unordered.len());
        ordered.extend(order.iter().filter_map(|(_, n)| unordered[*n as usize].take()).map(Into::into));
        Self { ids: Ids::new(&ordered), entries: ordered, tree: RTree::bulk_load(parts) }
    }

    /// A forest of these entries, whose parts are still to be made.
    pub(super) fn of<E: Borrow<Entry> + Into<Arc<Entry>>>(entries: Vec<E>) -> Self {
        let parts = entries.iter().zip(0..).flat_map(|(e, n)| e.borrow().parts(n)).collect();
        Self::new(entries, parts)
    }

    /// The entries; their places are their numbers.
    pub(super) fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The number of the entry with this id.
    pub(super) fn number(&self, id: Uuid) -> Option<u32> {
        self.ids.number(&self.entries, id)
    }

    /// Every box.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.tree.iter()
    }

    /// What it costs to plant it anew: boxes, or entries where those are more.
    pub(super) fn weight(&self) -> usize {
        self.tree.size().max(self.entries.len())
    }

    /// The box round everything.
    pub(super) fn bounds(&self) -> Bounds {
        if self.tree.size() == 0 { Bounds::EMPTY } else { bounds_of(&self.tree.root().envelope()) }
    }

    /// The numbers of the entries that have a part within the reach of `probe`, ascending, each once, in `numbers`; not all
    /// of them where `left`, the boxes that may be looked at, comes to nothing.
    pub(super) fn near(&self, probe: &mut Probe<'_>, numbers: &mut Vec<u32>, left: &mut usize) {
        numbers.clear();
        let root = self.tree.root();
        let mut search = Near { probe, numbers, left };
        if let nearby @ (Nearby::Edges(_) | Nearby::All) = search.probe.start(&bounds_of(&root.envelope())) {
            search.below(root, &nearby);
        }
        numbers.sort_unstable();
        numbers.dedup();
    }
}

/// Walks only into those boxes that the subject comes near.
struct Near<'a, 'p> {
    probe: &'a mut Probe<'p>,
    numbers: &'a mut Vec<u32>,
    left: &'a mut usize,
}

impl Near<'_, '_> {
    fn below(&mut self, node: &ParentNode<Part>, nearby: &Nearby) {
        *self.left = self.left.saturating_sub(node.children().len());
        if *self.left == 0 {
            return;
        }
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
