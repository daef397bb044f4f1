//! Which entry has an id: a table of numbers, open to the next place (Knuth, vol. 3, 6.4). The ids themselves stand in
//! the entries, so a table takes eight bytes for each, where a map that repeats them takes some forty.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use uuid::Uuid;

use super::entry::Entry;

/// Nothing stands here. Entries have smaller numbers: as many would take hundreds of gigabytes.
const FREE: u32 = u32::MAX;

/// Places for each entry: at most half of them are taken, so a search looks at two or three.
const PLACES: usize = 2;

/// The numbers of some entries by their ids.
#[derive(Debug, Default)]
pub(super) struct Ids {
    places: Box<[u32]>,
    // Keyed anew each time: whoever chooses ids cannot choose where they fall.
    keys: RandomState,
}

impl Ids {
    /// The table of `entries`, whose ids differ.
    pub(super) fn new(entries: &[Arc<Entry>]) -> Self {
        let places = vec![FREE; entries.len() * PLACES].into_boxed_slice();
        let mut ids = Self { places, keys: RandomState::new() };
        for (entry, number) in entries.iter().zip(0_u32..) {
            let mut at = ids.first(entry.facts.id);
            while ids.places[at] != FREE {
                at = ids.after(at);
            }
            ids.places[at] = number;
        }
        ids
    }

    /// The number of the entry with this id among the `entries` that the table was made of.
    pub(super) fn number(&self, entries: &[Arc<Entry>], id: Uuid) -> Option<u32> {
        if self.places.is_empty() {
            return None;
        }
        let mut at = self.first(id);
        loop {
            match self.places[at] {
                FREE => return None,
                number if entries[number as usize].facts.id == id => return Some(number),
                _ => at = self.after(at),
            }
        }
    }

    #[allow(clippy::cast_possible_truncation)] // a share of a number of places
    fn first(&self, id: Uuid) -> usize {
        let hash = u128::from(self.keys.hash_one(id));
        ((hash * self.places.len() as u128) >> 64) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.places.len() { 0 } else { at + 1 }
    }
}
