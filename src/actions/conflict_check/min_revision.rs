//! «At least this revision»: a check that asks for one waits until the index shows it, for a while. Nothing is polled:
//! whoever publishes wakes who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::actions::{Context, refresh};
use crate::domain::actor::Actor;
use crate::error::{Error, Result};
use crate::index::Snapshot;

/// How many requests wait for a revision just now.
#[derive(Debug, Default)]
pub(in crate::actions) struct Waits(AtomicUsize);

/// The place of one that waits.
struct Place<'a>(&'a Waits);

impl Waits {
    /// A place, unless `most` are taken.
    fn place(&self, most: usize) -> Option<Place<'_>> {
        let taken = |n: usize| (n < most).then_some(n + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).ok().map(|_| Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A snapshot that has reached the revisions in `wanted`; the present one where nothing is wanted. What the index
/// lacks is looked for in the database at once, and then waited for until `min_revision_wait_ms` have passed.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered; [`Error::Busy`] where the wait was in vain, or where
/// `min_revision_waits_max` others wait already.
pub fn at_least(context: &Context, wanted: &[(String, i64)]) -> Result<Arc<Snapshot>> {
    let snapshot = context.index.snapshot();
    if lacking(&snapshot, wanted).next().is_none() {
        return Ok(snapshot);
    }
    let settings = &context.settings;
    let until = Instant::now() + Duration::from_millis(settings.min_revision_wait_ms);
    let Some(_place) = context.waits.place(settings.min_revision_waits_max) else {
        let most = settings.min_revision_waits_max;
        return Err(Error::busy(format!("{most} requests wait for a revision here already, and no more may")));
    };
    for (code, _) in lacking(&snapshot, wanted) {
        match refresh::catch_up_until(context, code, Some(until)) {
            // A database that cannot be reached now may be back before the wait is over.
            Ok(()) | Err(Error::Busy { .. }) => {}
            // Somebody has to be told, and it is not the one who asks: to him it is not there yet.
            Err(Error::Internal(error)) => {
                tracing::warn!(error, jurisdiction = code, "the index could not follow this jurisdiction");
            }
            Err(Error::NotFound(_)) => {
                return Err(Error::parameter("Min-Revision", format!("«{code}» is not registered")));
            }
            Err(other) => return Err(other),
        }
    }
    let snapshot = context.index.wait(until, |snapshot| lacking(snapshot, wanted).next().is_none());
    if let Some((code, revision)) = lacking(&snapshot, wanted).next() {
        return Err(Error::busy(format!("{code} has not reached revision {revision} here yet")));
    }
    Ok(snapshot)
}

/// The revisions that somebody has to be shown because he wrote them by this instance, and it could not follow at once.
#[must_use]
pub fn owed_to(context: &Context, actor: &Actor) -> Vec<(String, i64)> {
    context.owed.to(&actor.name)
}

/// The present snapshot, if it has reached the revisions in `wanted`.
pub(super) fn at_once(context: &Context, wanted: &[(String, i64)]) -> Option<Arc<Snapshot>> {
    Some(context.index.snapshot()).filter(|snapshot| lacking(snapshot, wanted).next().is_none())
}

/// The revisions that a snapshot does not show.
fn lacking<'a>(snapshot: &Snapshot, wanted: &'a [(String, i64)]) -> impl Iterator<Item = &'a (String, i64)> {
    wanted.iter().filter(|(code, revision)| snapshot.territory(code).is_none_or(|t| t.revision < *revision))
}
