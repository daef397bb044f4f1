//! What is done off to the side of reading and writing: large forests become one, and forests that nobody finds any
//! more are freed, which takes a hundred milliseconds for a million features.
//!
//! A thread does it that comes when there is something to do and goes when there is nothing left, so that every program
//! with an index has it, whether it follows the database or not.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::{Index, LayerIndex, Territory, Tidied};

/// How often is looked whether the last reader has let go of a forest.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Territory {
    /// The territory with one of its layers tidied up, if one is not tidy.
    fn untidy(&self) -> Option<(&'static str, Tidied)> {
        self.layers.iter().find_map(|(name, layer)| Some((*name, layer.tidied()?)))
    }
}

impl Index {
    /// Has somebody tidy up, if that is needed and nobody does.
    pub fn tidy(self: &Arc<Self>) {
        if self.is_tidy() || self.tidying.swap(true, Ordering::AcqRel) {
            return;
        }
        let index = Arc::downgrade(self);
        let started = thread::Builder::new().name("tidy".into()).spawn(move || until_tidy(&index));
        if let Err(error) = started {
            // The next write asks again; checks are right all the same, only slower.
            tracing::warn!(%error, "no thread to tidy the index up");
            self.tidying.store(false, Ordering::Release);
        }
    }

    /// Whether nothing is left to do off to the side.
    #[must_use]
    pub fn is_tidy(&self) -> bool {
        let layers_are = || !self.snapshot().territories().any(|t| t.layers.values().any(LayerIndex::is_untidy));
        self.retired().is_empty() && layers_are()
    }

    /// Tidies one layer up; false where all are tidy.
    pub(super) fn tidy_one(&self) -> bool {
        let snapshot = self.snapshot();
        let found = snapshot.territories().find_map(|t| Some((&t.jurisdiction.code, t.untidy()?)));
        let Some((code, (name, tidied))) = found else { return false };
        let writing = self.begin();
        let now = writing.snapshot();
        if let Some(territory) = now.territory(code)
            && let Some(layer) = territory.layers[name].with(&tidied)
        {
            let mut next = Territory::clone(territory);
            next.layers.insert(name, layer);
            writing.publish(next);
        }
        true
    }

    /// Frees what nobody reads any more. What readers hold of it can only become less.
    pub(super) fn free_retired(&self) {
        let mut free = Vec::new();
        self.retired().retain(|forest| {
            let read = Arc::strong_count(forest) > 1;
            if !read {
                free.push(Arc::clone(forest));
            }
            read
        });
    }
}

/// Lets somebody else tidy up where a thread that did is lost.
struct GivesUp<'a>(&'a Weak<Index>);

impl Drop for GivesUp<'_> {
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(index) = self.0.upgrade()
        {
            index.tidying.store(false, Ordering::Release);
        }
    }
}

/// Tidies up until there is nothing left to do, or no index.
fn until_tidy(index: &Weak<Index>) {
    let _lost = GivesUp(index);
    while let Some(index) = index.upgrade() {
        while index.tidy_one() {}
        index.free_retired();
        if !index.is_tidy() {
            drop(index);
            thread::sleep(LOOK_EVERY);
            continue;
        }
        index.tidying.store(false, Ordering::Release);
        // What came between the two looks had nobody to do it.
        if index.is_tidy() || index.tidying.swap(true, Ordering::AcqRel) {
            return;
        }
    }
}
