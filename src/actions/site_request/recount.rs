//! What is due is counted anew where other days or other rules count: what is kept of it with each request is a copy.

use jiff::Timestamp;
use uuid::Uuid;

use super::traces::copies;
use crate::domain::site_request::Filed;
use crate::domain::site_request::case::Case;
use crate::domain::site_request::timing::Counting;
use crate::store::site_request as store;
use crate::store::{Stored, WriteTx};

/// Requests that are read at once.
const AT_ONCE: i64 = 1_000;

/// Holds the requests of a jurisdiction that are to be counted anew, before its revision is raised.
///
/// # Errors
/// The database's.
pub(in crate::actions) fn hold(tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<()> {
    store::lock_timed(tx, jurisdiction)
}

/// Counts them anew, each as its next version where it is due on another day.
///
/// # Errors
/// The database's.
pub(in crate::actions) fn recount(
    tx: &mut WriteTx<'_>,
    jurisdiction: &str,
    counting: &Counting<'_>,
    at: Timestamp,
) -> Stored<()> {
    let (day, mut after) = (at.to_zoned(counting.time_zone.clone()).date(), None);
    loop {
        let some = store::timed(tx, jurisdiction, after, AT_ONCE)?;
        let Some(last) = some.last() else { return Ok(()) };
        after = Some(last.id);
        let ids: Vec<Uuid> = some.iter().map(|filed| filed.id).collect();
        let events = store::events_of(tx, jurisdiction, &ids)?;
        for filed in some {
            let case = Case::of(events.get(&filed.id).map(Vec::as_slice).unwrap_or_default());
            let due_on = counting.due(&case, at);
            if due_on != filed.due_on {
                let mut next = Filed { due_on, ..filed };
                let copies = copies(&mut next, &case, day);
                store::update(tx, next, &copies)?;
            }
        }
    }
}
