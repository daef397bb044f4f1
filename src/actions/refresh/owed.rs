//! Commits that stand and that the index does not show yet, for it could not follow at once: whoever made one is told
//! nothing older by this instance.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// By the names of those who wrote, and by jurisdiction: the revision that they have to be shown.
type ByWriter = BTreeMap<String, BTreeMap<String, i64>>;

/// What is owed to those who wrote.
#[derive(Debug, Default)]
pub(in crate::actions) struct Owed {
    of: Mutex<ByWriter>,
    /// Something is: nobody else has to look.
    any: AtomicBool,
}

impl Owed {
    fn of(&self) -> MutexGuard<'_, ByWriter> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, writer: &str, code: &str, revision: i64) {
        let mut of = self.of();
        let owed = of.entry(writer.to_owned()).or_default().entry(code.to_owned()).or_default();
        *owed = revision.max(*owed);
        self.any.store(true, Ordering::Release);
    }

    /// A jurisdiction is shown up to a revision; none: as another history of it, in which those revisions may never be.
    pub(super) fn settle(&self, code: &str, shown: Option<i64>) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut of = self.of();
        of.retain(|_, owed| {
            owed.retain(|of, revision| of != code || shown.is_some_and(|shown| shown < *revision));
            !owed.is_empty()
        });
        self.any.store(!of.is_empty(), Ordering::Release);
    }

    /// The revisions that somebody has to be shown.
    pub(in crate::actions) fn to(&self, writer: &str) -> Vec<(String, i64)> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        self.of().get(writer).into_iter().flatten().map(|(code, revision)| (code.clone(), *revision)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_owed_to_the_writer_until_it_is_shown() {
        let owed = Owed::default();
        assert_eq!(owed.to("a"), []);
        for (writer, code, revision) in [("a", "X", 5), ("a", "X", 4), ("a", "Y", 2), ("b", "X", 7)] {
            owed.note(writer, code, revision);
        }
        let pair = |code: &str, revision| (code.to_owned(), revision);
        assert_eq!((owed.to("a"), owed.to("b")), (vec![pair("X", 5), pair("Y", 2)], vec![pair("X", 7)]));
        assert_eq!(owed.to("c"), []);
        owed.settle("X", Some(4));
        assert_eq!(owed.to("a"), [pair("X", 5), pair("Y", 2)]);
        owed.settle("X", Some(6));
        assert_eq!((owed.to("a"), owed.to("b")), (vec![pair("Y", 2)], vec![pair("X", 7)]));
        owed.settle("X", None);
        owed.settle("Y", Some(2));
        assert_eq!((owed.to("a"), owed.to("b"), owed.any.load(Ordering::Acquire)), (vec![], vec![], false));
    }
}
