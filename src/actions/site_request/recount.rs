//! What is due is counted anew where other days or other rules count: what is kept of it with each request is a copy.

use jiff::Timestamp;
use uuid::Uuid;

use super::traces::copies;
use super::{locked, written};
use crate::actions::{Context, Witness, refresh};
use crate::domain::audit::Deed;
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::site_request::Filed;
use crate::domain::site_request::case::Case;
use crate::domain::site_request::timing::Counting;
use crate::error::{Error, Result};
use crate::store::{Stored, WriteTx, calendar, rules, site_request as store};

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

/// Counts anew, once, what is kept of those requests of a jurisdiction that made their last step before all of it was kept. Of how many it
/// said something else.
///
/// # Errors
/// The first failure, once the others were tried.
pub(super) fn bring_in(context: &Context, witness: Witness<'_>, jurisdiction: &Jurisdiction) -> Result<usize> {
    let witness = witness.because(Some("what is kept of it to search by was written before all of it was kept"));
    let (mut made, mut failed, mut after) = (0, None, None);
    loop {
        let some =
            context.store.read_as(witness.actor, |conn| store::to_count(conn, &jurisdiction.code, after, AT_ONCE))?;
        let Some(last) = some.last() else { return failed.map_or(Ok(made), Err) };
        after = Some(last.id);
        for filed in &some {
            match bring_in_one(context, witness, jurisdiction, filed) {
                Ok(differs) => made += usize::from(differs),
                // Somebody made a step meanwhile: it is looked at the next time.
                Err(Error::Changed(_)) => {}
                Err(other) => failed = failed.or(Some(other)),
            }
        }
    }
}

fn bring_in_one(context: &Context, witness: Witness<'_>, jurisdiction: &Jurisdiction, present: &Filed) -> Result<bool> {
    let (differs, revisions) = context.store.write(witness, |tx| {
        let now = locked(tx, present)?;
        // Another instance was first.
        if !store::is_counted(tx, &now)? {
            return Ok(false);
        }
        let code = now.jurisdiction.clone();
        let parameters = rules::of_cases_in(tx, &code)?;
        let calendar = calendar::find(tx, &code)?;
        let counting = Counting {
            calendar: calendar.as_ref().map(|found| &found.calendar),
            time_zone: jurisdiction.time_zone(),
            parameters: &parameters,
        };
        let case = Case::of(&store::events_in(tx, &code, now.id)?);
        let at = crate::clock::now();
        let mut next = Filed { due_on: counting.due_of(&case, at), ..now.clone() };
        let copies = copies(&mut next, &case, at.to_zoned(jurisdiction.time_zone()).date());
        if next == now && store::says(tx, &now, &copies)? {
            return Ok(false);
        }
        let next = store::update(tx, next, &copies)?;
        written(tx, Deed::Replace, &next)?;
        Ok(true)
    })?;
    refresh::after_commit(context, witness.actor, &revisions);
    Ok(differs)
}
