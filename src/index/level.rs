//! A forest in a layer, and which of its entries are no more; and how several become one.

use std::sync::Arc;

use rstar::primitives::Rectangle;
use uuid::Uuid;

use super::entry::{Entry, Part};
use super::forest::Forest;

/// One bit for each entry of a forest: set where the entry is deleted, or stands in another forest in a newer
/// version. A million take 125 kB, so a write may copy them.
#[derive(Debug, Clone, Default)]
struct Dead {
    /// Empty as long as there are none.
    words: Box<[u64]>,
    count: usize,
}

const BITS: u32 = u64::BITS;

impl Dead {
    fn has(&self, number: u32) -> bool {
        self.words.get((number / BITS) as usize).is_some_and(|word| word >> (number % BITS) & 1 == 1)
    }
}

/// A forest, and which of its entries are no more.
#[derive(Debug, Clone)]
pub(super) struct Level {
    forest: Arc<Forest>,
    dead: Arc<Dead>,
}

impl Level {
    /// A level in which everything lives.
    pub(super) fn new(forest: Arc<Forest>) -> Self {
        Self { forest, dead: Arc::default() }
    }

    pub(super) fn forest(&self) -> &Arc<Forest> {
        &self.forest
    }

    /// How many of its entries live.
    pub(super) fn alive(&self) -> usize {
        self.forest.entries().len() - self.dead.count
    }

    /// How many do not.
    pub(super) fn dead(&self) -> usize {
        self.dead.count
    }

    /// The entry with this number, if it lives.
    pub(super) fn living(&self, number: u32) -> Option<&Arc<Entry>> {
        (!self.dead.has(number)).then(|| &self.forest.entries()[number as usize])
    }

    /// The living entry with this id.
    pub(super) fn get(&self, id: Uuid) -> Option<&Arc<Entry>> {
        self.forest.number(id).and_then(|number| self.living(number))
    }

    /// Every living entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let everything_lives = self.dead.count == 0;
        let numbered = self.forest.entries().iter().zip(0_u32..);
        numbered.filter(move |(_, n)| everything_lives || !self.dead.has(*n)).map(|(e, _)| e)
    }

    /// Marks the entry with this id as dead; `None` where none of that id lives here.
    pub(super) fn bury(&mut self, id: Uuid) -> Option<&Arc<Entry>> {
        let number = self.forest.number(id).filter(|n| !self.dead.has(*n))?;
        let dead = Arc::make_mut(&mut self.dead);
        if dead.words.is_empty() {
            dead.words = vec![0; self.forest.entries().len().div_ceil(BITS as usize)].into_boxed_slice();
        }
        dead.words[(number / BITS) as usize] |= 1 << (number % BITS);
        dead.count += 1;
        Some(&self.forest.entries()[number as usize])
    }

    /// Ids of entries that lived in `before`, an earlier state of the same forest, and do not any more.
    fn died_since(&self, before: &Self) -> impl Iterator<Item = Uuid> {
        let words = self.dead.words.iter().enumerate();
        let died = words.map(|(at, now)| (at, now & !before.dead.words.get(at).copied().unwrap_or(0)));
        died.filter(|(_, word)| *word != 0).flat_map(move |(at, word)| {
            let set = (0..BITS as usize).filter(move |bit| word >> bit & 1 == 1);
            set.map(move |bit| self.forest.entries()[at * BITS as usize + bit].facts.id)
        })
    }

    /// Whether two levels are states of one forest.
    pub(super) fn same_forest(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.forest, &other.forest)
    }
}

/// One forest of all that lives in some levels. Their boxes are taken over: to cover a long shape anew would cost a
/// hundred times as much.
pub(super) fn merged(levels: &[Level]) -> Forest {
    const GONE: u32 = u32::MAX;
    let mut entries: Vec<Arc<Entry>> = Vec::with_capacity(levels.iter().map(Level::alive).sum());
    let mut parts: Vec<Part> = Vec::with_capacity(levels.iter().map(|l| l.forest.weight()).sum());
    for level in levels {
        let mut renumbered = Vec::with_capacity(level.forest.entries().len());
        let mut next = u32::try_from(entries.len()).unwrap_or(GONE);
        for (entry, number) in level.forest.entries().iter().zip(0_u32..) {
            if level.dead.has(number) {
                renumbered.push(GONE);
            } else {
                renumbered.push(next);
                next += 1;
                entries.push(Arc::clone(entry));
            }
        }
        for part in level.forest.parts() {
            let number = renumbered[part.data as usize];
            if number != GONE {
                let corners = part.geom();
                parts.push(Part::new(Rectangle::from_corners(corners.lower(), corners.upper()), number));
            }
        }
    }
    Forest::new(entries, parts)
}

/// The level that takes the place of `sources`, of whose living entries `forest` was made, in a layer that went on
/// meanwhile and now has the levels `now`: dead is what died there, or moved on into a forest that came since.
pub(super) fn caught_up(forest: Arc<Forest>, sources: &[Level], now: &[Level]) -> Level {
    let mut level = Level::new(forest);
    for source in sources {
        match now.iter().find(|l| l.same_forest(source)) {
            Some(present) => present.died_since(source).for_each(|id| {
                level.bury(id);
            }),
            None => source.entries().for_each(|entry| {
                level.bury(entry.facts.id);
            }),
        }
    }
    level
}
