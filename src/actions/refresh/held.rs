//! What the index holds, as far as following asks for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::actions::Context;
use crate::index::Territory;

/// When the revision that the index shows of each jurisdiction was recorded. A database that was restored from a copy
/// may come to the same number again, but not at the same moment.
#[derive(Debug, Default)]
pub(in crate::actions) struct Recorded(Mutex<BTreeMap<String, Option<Timestamp>>>);

impl Recorded {
    fn of(&self, code: &str) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(code).copied().flatten()
    }

    pub(super) fn end(&self, code: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(code);
    }

    pub(super) fn set(&self, code: &str, at: Option<Timestamp>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(code.to_owned(), at);
    }
}

/// What the index holds of a jurisdiction, and when that was recorded.
pub(super) struct Held {
    pub(super) territory: Arc<Territory>,
    pub(super) recorded_at: Option<Timestamp>,
}

/// What the index holds of a jurisdiction; none where that is nothing.
pub(super) fn held(context: &Context, code: &str) -> Option<Held> {
    // Both are published under this right, so both are of one moment.
    let writing = context.index.begin();
    let territory = writing.snapshot().territory(code).cloned()?;
    Some(Held { territory, recorded_at: context.recorded.of(code) })
}
