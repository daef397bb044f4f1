//! What was recorded of a site request: as it was at a moment, with its case as far as that had come, and every version of it.
//! Whoever may not know of a step finds no version that began with it: the one before goes on instead.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::{WholeCase, get, not_there, seen_candidates, store, territory};
use crate::actions::version::{History, page};
use crate::actions::{Context, Reader, as_of};
use crate::domain::actor::Actor;
use crate::domain::site_request::case::Case;
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
    /// Who reads it.
    pub reader: CaseReader,
    /// The day in the jurisdiction.
    pub day: Date,
    /// How that ended; none where it is so still.
    pub ended: Option<Ended>,
}

/// A request of which somebody may know more than that he was asked.
struct Known {
    newest: Filed,
    /// Its case; none of a draft that was deleted.
    whole: Option<WholeCase>,
    reader: CaseReader,
    /// The revisions of its events of which he may not know.
    hidden: BTreeSet<i64>,
}

/// A request, or a draft that was deleted, as somebody knows it now.
fn known(context: &Context, reader: Reader<'_>, id: Uuid) -> Result<Option<Known>> {
    match get(context, reader, id) {
        Ok(whole) => {
            let unknown = whole.events.iter().filter(|event| !whole.reader.knows_event(event, &whole.case));
            let hidden = unknown.map(|event| event.revision).collect();
            let (newest, reader) = (whole.shown.filed.clone(), whole.reader.clone());
            Ok(Some(Known { newest, whole: Some(whole), reader, hidden }))
        }
        Err(Error::NotFound(_)) => {
            let found = context.store.read_as(reader.actor, |conn| store::newest(conn, id))?;
            // Only drafts are deleted, which nobody else saw.
            let own = found.filter(|filed| is_own(reader.actor, filed));
            Ok(own.map(|newest| {
                let reader = super::reader(reader.actor, &newest.jurisdiction, Standing::Within);
                Known { newest, whole: None, reader, hidden: BTreeSet::new() }
            }))
        }
        Err(error) => Err(error),
    }
}

fn is_own(actor: &Actor, filed: &Filed) -> bool {
    actor.organisation.as_ref() == Some(&filed.body.props.organisation)
}

impl Known {
    /// The version that was recorded at a revision, as far as he may know.
    fn at(&self, conn: &mut Connection, revision: i64) -> Stored<Option<(Filed, Option<Ended>)>> {
        let mut found = store::at(conn, &self.newest, revision)?;
        while let Some((filed, _)) = &found
            && self.hidden.contains(&filed.revision)
        {
            found = store::at(conn, &self.newest, filed.revision - 1)?;
        }
        let Some((filed, ended)) = found else { return Ok(None) };
        Ok(Some((filed, self.ended(conn, ended)?)))
    }

    /// How a version ended, as far as he may know.
    fn ended(&self, conn: &mut Connection, mut ended: Option<Ended>) -> Stored<Option<Ended>> {
        while let Some(by) = ended
            && self.hidden.contains(&by.revision)
        {
            ended = store::at(conn, &self.newest, by.revision)?.and_then(|(_, ended)| ended);
        }
        Ok(ended)
    }
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
    let known = known(context, reader, id)?.filter(|known| known.reader.is_within()).ok_or_else(unknown)?;
    let (filed, ended, case) = context.store.snapshot(|conn| {
        see(conn, reader.actor)?;
        let recorded = as_of::recorded(conn, moment)?;
        let at = recorded.into_iter().find(|r| r.jurisdiction == known.newest.jurisdiction).ok_or_else(unknown)?;
        let found = known.at(conn, at.revision)?;
        let seen = |(filed, _): &(Filed, _)| filed.state != State::Draft || is_own(reader.actor, filed);
        let (filed, ended) = found.filter(seen).ok_or_else(unknown)?;
        let mut events = store::events(conn, &filed.jurisdiction, id)?;
        events.retain(|event| event.revision <= filed.revision);
        let mut case = Case::of(&events);
        let restricted = seen_candidates(conn, &mut case)?;
        Ok((filed, ended, (case, restricted)))
    })?;
    let (case, restricted) = case;
    super::note(context, reader, &filed.jurisdiction, &restricted)?;
    let day = moment.to_zoned(territory(context, &filed.jurisdiction)?.jurisdiction.time_zone()).date();
    let told = super::told(context, reader.actor, &case, &known.reader)?;
    Ok(RequestThen { reader: CaseReader { told, ..known.reader }, filed, case, day, ended })
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
    let known = known(context, reader, id)?.ok_or_else(|| not_there(id))?;
    if !known.reader.is_within() {
        let jurisdiction = known.newest.jurisdiction;
        return Ok((History { jurisdiction, deleted: None, versions: Vec::new(), next: None }, known.whole));
    }
    let history = context.store.snapshot(|conn| {
        see(conn, reader.actor)?;
        let of = (known.newest.jurisdiction.as_str(), id);
        let mut history = page(conn, reader.actor, Kept::SiteRequests, of, before, limit)?;
        history.versions.retain(|version| !known.hidden.contains(&version.revision));
        for version in &mut history.versions {
            version.ended = known.ended(conn, version.ended)?;
        }
        Ok(history)
    })?;
    Ok((history, known.whole))
}
