//! What was recorded of a site request: as it was at a moment, with its case as far as that had come, and every version of it.
//! For whoever does not see everything no answer of somebody else is a version: the one before goes on instead.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::reading::{Heads, note, reader as reads, seen_candidates, told, whole};
use super::{WholeCase, not_there, store, territory, today};
use crate::actions::version::{History, page};
use crate::actions::{Context, Reader, as_of};
use crate::domain::actor::Actor;
use crate::domain::site_request::case::{Case, CaseEvent};
use crate::domain::site_request::reader::{CaseReader, Standing};
use crate::domain::site_request::words::State;
use crate::domain::site_request::{Filed, WORD};
use crate::domain::version::Ended;
use crate::error::{Error, Result};
use crate::store::history::Kept;
use crate::store::seen::see;
use crate::store::{Connection, Stored};

/// A request as it was recorded for a time.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestThen {
    /// The request.
    pub filed: Filed,
    /// What its events had come to by then.
    pub case: Case,
    /// How many of them the reader knows.
    pub events: usize,
    /// Who reads it.
    pub reader: CaseReader,
    /// The day in the jurisdiction.
    pub day: Date,
    /// How that ended; none where it is so still.
    pub ended: Option<Ended>,
}

/// A request of which somebody may know more than that he was asked, in the state in which its versions are read.
struct Known {
    newest: Filed,
    reader: CaseReader,
    events: Vec<CaseEvent>,
    /// The revisions of its events that do not count for him.
    uncounted: BTreeSet<i64>,
}

/// A request, or a draft that was deleted, as somebody knows it now.
fn known(conn: &mut Connection, context: &Context, actor: &Actor, id: Uuid) -> Stored<Option<Known>> {
    let (newest, standing) = match store::find(conn, id)? {
        Some(filed) => {
            let standing = Standing::of(actor, &filed, today(context, &filed.jurisdiction)?);
            (filed, standing)
        }
        // Only drafts are deleted, which nobody else saw.
        None => match store::newest(conn, id)?.filter(|filed| is_own(actor, filed)) {
            Some(filed) => (filed, Standing::Within),
            None => return Ok(None),
        },
    };
    let reader = reads(actor, &newest.jurisdiction, standing);
    let events = store::events(conn, &newest.jurisdiction, id)?;
    let uncounted = events.iter().filter(|event| !reader.counts(event)).map(|event| event.revision).collect();
    Ok(Some(Known { newest, reader, events, uncounted }))
}

fn is_own(actor: &Actor, filed: &Filed) -> bool {
    actor.organisation.as_ref() == Some(&filed.body.props.organisation)
}

impl Known {
    /// The version that was recorded at a revision, as far as it counts.
    fn at(&self, conn: &mut Connection, revision: i64) -> Stored<Option<(Filed, Option<Ended>)>> {
        let mut found = store::at(conn, &self.newest, revision)?;
        while let Some((filed, _)) = &found
            && self.uncounted.contains(&filed.revision)
        {
            found = store::at(conn, &self.newest, filed.revision - 1)?;
        }
        let Some((filed, ended)) = found else { return Ok(None) };
        Ok(Some((filed, self.ended(conn, ended)?)))
    }

    /// The numbers of its versions that do not count.
    fn numbers(&self, conn: &mut Connection) -> Stored<Vec<i32>> {
        store::numbers(conn, &self.newest, &self.uncounted.iter().copied().collect::<Vec<_>>())
    }

    /// How a version ended, as far as it counts.
    fn ended(&self, conn: &mut Connection, mut ended: Option<Ended>) -> Stored<Option<Ended>> {
        while let Some(by) = ended
            && self.uncounted.contains(&by.revision)
        {
            ended = store::at(conn, &self.newest, by.revision)?.and_then(|(_, ended)| ended);
        }
        Ok(ended)
    }
}

/// A version as it is counted where those of some numbers, in their order, do not count.
fn counted(version: i32, without: &[i32]) -> i32 {
    version - i32::try_from(without.iter().filter(|number| **number < version).count()).unwrap_or(i32::MAX)
}

/// The version of a number as it is counted.
fn uncounted(mut version: i32, without: &[i32]) -> i32 {
    for number in without {
        version += i32::from(*number <= version);
    }
    version
}

/// A request as it was recorded at `moment`. Whoever sees it only because he is asked, or was, sees no more than it is now.
///
/// # Errors
/// [`Error::NotFound`] where it was not there, or is or was not the reader's to know; [`Error::Parameter`] for a moment of which
/// nobody can tell; [`Error::Busy`].
pub fn get_as_of<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    id: Uuid,
    moment: Timestamp,
) -> Result<RequestThen> {
    as_of::not_in_the_future(moment)?;
    let reader = reader.into();
    let unknown = || Error::NotFound(format!("the {WORD} {id} as of {moment}"));
    let (filed, ended, known, (case, restricted)) = context.store.snapshot(|conn| {
        see(conn, reader.actor)?;
        let known = known(conn, context, reader.actor, id)?.filter(|known| known.reader.is_within());
        let mut known = known.ok_or_else(unknown)?;
        let recorded = as_of::recorded(conn, moment)?;
        let at = recorded.into_iter().find(|r| r.jurisdiction == known.newest.jurisdiction).ok_or_else(unknown)?;
        let found = known.at(conn, at.revision)?;
        let seen = |(filed, _): &(Filed, _)| filed.state != State::Draft || is_own(reader.actor, filed);
        let (mut filed, ended) = found.filter(seen).ok_or_else(unknown)?;
        known.events.retain(|event| event.revision <= filed.revision);
        let mut case = Case::of(&known.events);
        let restricted = seen_candidates(conn, &mut case)?;
        filed.version = counted(filed.version, &known.numbers(conn)?);
        Ok((filed, ended, known, (case, restricted)))
    })?;
    note(context, reader, &filed.jurisdiction, &restricted)?;
    let day = moment.to_zoned(territory(context, &filed.jurisdiction)?.jurisdiction.time_zone()).date();
    let told = told(context, reader.actor, &case, &known.reader)?;
    let reader = CaseReader { told, ..known.reader };
    let events = reader.known(&known.events, &case);
    Ok(RequestThen { filed, case, events, reader, day, ended })
}

/// The versions of a request of which somebody may know, the newest first, from the one before `before` on, and its whole case,
/// where it was not deleted. Whoever sees it only because he is asked, or was, hears of no version.
///
/// # Errors
/// [`Error::NotFound`] where there never was one that he may know; [`Error::Busy`].
pub fn history<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    id: Uuid,
    before: Option<i32>,
    limit: u32,
) -> Result<(History, Option<WholeCase>)> {
    let reader = reader.into();
    let case = match whole(context, reader.actor, id, Heads::OfAll) {
        Ok(case) => Some(case),
        Err(Error::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let history = context.store.snapshot(|conn| {
        see(conn, reader.actor)?;
        let known = known(conn, context, reader.actor, id)?.ok_or_else(|| not_there(id))?;
        if !known.reader.is_within() {
            let jurisdiction = known.newest.jurisdiction;
            return Ok(History { jurisdiction, deleted: None, versions: Vec::new(), next: None });
        }
        let of = (known.newest.jurisdiction.as_str(), id);
        let (without, numbers): (Vec<i64>, _) = (known.uncounted.iter().copied().collect(), known.numbers(conn)?);
        // Of a number that there is not yet, all are before it.
        let last = counted(known.newest.version, &numbers);
        let before = before.filter(|version| *version <= last).map(|version| uncounted(version, &numbers));
        let mut history = page(conn, reader.actor, Kept::SiteRequests, of, (before, limit), &without)?;
        for version in &mut history.versions {
            version.ended = known.ended(conn, version.ended)?;
            version.version = counted(version.version, &numbers);
            // It is one of more than he reads.
            version.digest.take_if(|_| !known.reader.sees_all());
        }
        history.next = history.next.map(|version| counted(version, &numbers));
        Ok(history)
    })?;
    Ok((history, case))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_count_leaves_no_gap() {
        let without = [3, 4, 7];
        let all: Vec<i32> = (1..10).filter(|version| !without.contains(version)).collect();
        assert!(all.iter().map(|version| counted(*version, &without)).eq(1..7));
        assert!((1..7).map(|version| uncounted(version, &without)).eq(all));
    }
}
