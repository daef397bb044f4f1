//! What was recorded of a feature: as it was at a moment, and every version of it. Whatever is hidden now was hidden then:
//! a version is seen by whoever may see both it and the newest one, or of a deleted feature the last one.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Context, Reader, as_of};
use crate::domain::actor::Actor;
use crate::domain::version::{Authorship, Ended, ListedVersion, Newest, Version};
use crate::error::{Error, Result};
use crate::store::history::{self, Kept};
use crate::store::records::Records;
use crate::store::seen::see;
use crate::store::{Connection, Stored, version};

/// Most versions on a page of a history; each has its digest computed.
pub const VERSIONS_LIMIT_MAX: u32 = 1_000;

/// Versions on a page when nobody says.
pub const VERSIONS_LIMIT_DEFAULT: u32 = 100;

/// A feature as it was recorded at `moment`.
///
/// # Errors
/// [`Error::NotFound`] where it was not there, or is or was not the actor's to know; [`Error::Parameter`] for a moment of which
/// nobody can tell; [`Error::Busy`].
pub fn get<'r, T: Records>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    id: Uuid,
    moment: Timestamp,
) -> Result<Version<T>> {
    let reader = reader.into();
    let (found, restricted) = find::<T>(context, reader.actor, id, moment)?;
    let shown = restricted.then_some((T::LAYER, found.feature.jurisdiction.as_str(), id));
    context.reads.shown(reader, shown.into_iter())?;
    Ok(found)
}

/// A feature as it was recorded at `moment`, and whether it is restricted, then or now. Nobody is shown it yet.
pub(super) fn find<T: Records>(
    context: &Context,
    actor: &Actor,
    id: Uuid,
    moment: Timestamp,
) -> Result<(Version<T>, bool)> {
    as_of::not_in_the_future(moment)?;
    let unknown = || Error::NotFound(format!("the {} {id} as of {moment}", T::WORD));
    context.store.snapshot(|conn| {
        let newest = seen_newest::<T>(conn, actor, &[id])?.pop().ok_or_else(unknown)?;
        see(conn, actor)?;
        let recorded = as_of::recorded(conn, moment)?;
        let at = recorded.into_iter().find(|r| r.jurisdiction == newest.jurisdiction).ok_or_else(unknown)?;
        let found = T::at(conn, &at.jurisdiction, &[id], at.revision)?.pop();
        let found = found.filter(|v| sees(actor, v)).ok_or_else(unknown)?;
        let restricted = newest.visibility.is_restricted() || is_restricted(&found);
        Ok((found, restricted))
    })
}

/// Those of some features that there were at a revision, and that the actor sees, each with whether it is restricted, then
/// or now. Nobody is shown them yet.
pub(super) fn seen_at<T: Records>(
    context: &Context,
    actor: &Actor,
    jurisdiction: &str,
    ids: &[Uuid],
    revision: i64,
) -> Result<Vec<(Version<T>, bool)>> {
    context.store.snapshot(|conn| {
        let newest = seen_newest::<T>(conn, actor, ids)?;
        let now: Vec<Uuid> = newest.iter().map(|n| n.id).collect();
        see(conn, actor)?;
        let mut then = T::at(conn, jurisdiction, &now, revision)?;
        then.retain(|v| sees(actor, v));
        let restricted_now = |id| newest.iter().any(|n| n.id == id && n.visibility.is_restricted());
        let with = |v: Version<T>| {
            let restricted = is_restricted(&v) || restricted_now(v.feature.id);
            (v, restricted)
        };
        Ok(then.into_iter().map(with).collect())
    })
}

fn is_restricted<T: Records>(version: &Version<T>) -> bool {
    T::visibility(version.feature.body.props()).is_restricted()
}

fn sees<T: Records>(actor: &Actor, version: &Version<T>) -> bool {
    let props = version.feature.body.props();
    actor.sight(&version.feature.jurisdiction).sees(T::visibility(props), T::organisation(props))
}

/// The newest versions of features, of those whose newest version the actor sees.
fn seen_newest<T: Records>(conn: &mut Connection, actor: &Actor, ids: &[Uuid]) -> Stored<Vec<Newest>> {
    let mut newest = version::newest(conn, T::LAYER, ids)?;
    newest.retain(|n| actor.sight(&n.jurisdiction).sees(n.visibility, &n.organisation));
    Ok(newest)
}

/// A page of the history of a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Its jurisdiction.
    pub jurisdiction: String,
    /// When and by whom it was deleted; none where it is there.
    pub deleted: Option<(Ended, Authorship)>,
    /// Its versions, the newest first.
    pub versions: Vec<ListedVersion>,
    /// The last version of the page, where older ones follow.
    pub next: Option<i32>,
}

/// The versions of a feature that the actor sees, the newest first, from the one before `before` on. Who wrote them, and why, is
/// told to those whose duty it is to know, and of their own organisation to everybody.
///
/// # Errors
/// [`Error::NotFound`] where there never was one that the actor may know; [`Error::Busy`].
pub fn history<'r, T: Records>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    id: Uuid,
    before: Option<i32>,
    limit: u32,
) -> Result<History> {
    let reader = reader.into();
    let actor = reader.actor;
    let unknown = || Error::NotFound(format!("the {} {id}", T::WORD));
    let (history, restricted) = context.store.snapshot(|conn| {
        let newest = seen_newest::<T>(conn, actor, &[id])?.pop().ok_or_else(unknown)?;
        see(conn, actor)?;
        let feature = (newest.jurisdiction.as_str(), id);
        let history = page(conn, actor, Kept::Layer(T::LAYER), feature, (before, limit), &[])?;
        let restricted = newest.visibility.is_restricted() || history.versions.iter().any(|v| v.is_restricted);
        Ok((history, restricted))
    })?;
    let shown = restricted.then_some((T::LAYER, history.jurisdiction.as_str(), id));
    context.reads.shown(reader, shown.into_iter())?;
    Ok(history)
}

/// A page of the history of something that the actor may know, of those versions that he sees by what they say themselves, but for
/// those that began in the revisions `without`.
pub(super) fn page(
    conn: &mut Connection,
    actor: &Actor,
    of: Kept,
    (jurisdiction, id): (&str, Uuid),
    (before, limit): (Option<i32>, u32),
    without: &[i64],
) -> Stored<History> {
    let sight = actor.sight(jurisdiction);
    let mut versions = history::list(conn, of, (jurisdiction, id), &sight, (before, i64::from(limit) + 1), without)?;
    let more = versions.len() > limit as usize;
    versions.truncate(limit as usize);
    let mut deleted = history::deleted(conn, of, (jurisdiction, id))?;
    let all = versions.iter_mut().map(|v| &mut v.began).chain(deleted.as_mut().map(|(_, by)| by));
    for authorship in all {
        authorship.author.take_if(|a| !actor.may_know_author(jurisdiction, a.organisation.as_deref()));
    }
    let next = versions.last().filter(|_| more).map(|v| v.version);
    Ok(History { jurisdiction: jurisdiction.to_owned(), deleted, versions, next })
}
