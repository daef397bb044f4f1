//! What was recorded of a zone: as it was at a moment, with its plan as that was then, and every version of it. Whatever its plan
//! hides now was hidden then.

use jiff::Timestamp;
use uuid::Uuid;

use super::zone::ZoneView;
use super::{day_of, store};
use crate::actions::version::{History, page};
use crate::actions::{Context, as_of};
use crate::domain::actor::Actor;
use crate::domain::version::Ended;
use crate::domain::zone::Zone;
use crate::error::{Error, Result};
use crate::store::history::Kept;
use crate::store::seen::see;
use crate::store::{Connection, Stored, zone as zones};

/// A zone as it was recorded for a time.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneThen {
    /// The zone, and its plan as that was at the moment asked for.
    pub view: ZoneView,
    /// How that ended; none where the zone is so still.
    pub ended: Option<Ended>,
}

/// A zone as it was recorded at `moment`.
///
/// # Errors
/// [`Error::NotFound`] where it was not there, or is or was not the actor's to know; [`Error::Parameter`] for a moment of which
/// nobody can tell; [`Error::Busy`].
pub fn get(context: &Context, actor: &Actor, id: Uuid, moment: Timestamp) -> Result<ZoneThen> {
    as_of::not_in_the_future(moment)?;
    let unknown = || Error::NotFound(format!("the zone {id} as of {moment}"));
    let (zone, plan, ended) = context.store.snapshot(|conn| {
        see(conn, actor)?;
        let newest = newest(conn, actor, id)?.ok_or_else(unknown)?;
        let recorded = as_of::recorded(conn, moment)?;
        let at = recorded.into_iter().find(|r| r.jurisdiction == newest.jurisdiction).ok_or_else(unknown)?;
        let (zone, ended) = zones::at(conn, &newest, at.revision)?.ok_or_else(unknown)?;
        let plan = store::at(conn, &zone.jurisdiction, zone.plan, at.revision)?;
        let plan = plan.filter(|plan| plan.is_seen_by(actor)).ok_or_else(unknown)?;
        Ok((zone, plan, ended))
    })?;
    let state = plan.state_on(day_of(context, &plan.jurisdiction, moment)?);
    Ok(ZoneThen { view: ZoneView { zone, plan, state }, ended })
}

/// The newest version of a zone of whose plan the actor knows.
fn newest(conn: &mut Connection, actor: &Actor, id: Uuid) -> Stored<Option<Zone>> {
    let Some(zone) = zones::newest(conn, id)? else { return Ok(None) };
    let plan = store::find(conn, zone.plan)?;
    Ok(plan.filter(|plan| plan.is_seen_by(actor)).map(|_| zone))
}

/// The versions of a zone that the actor sees, the newest first, from the one before `before` on: those that have ended are of
/// a draft.
///
/// # Errors
/// [`Error::NotFound`] where there never was one that the actor may know; [`Error::Busy`].
pub fn history(context: &Context, actor: &Actor, id: Uuid, before: Option<i32>, limit: u32) -> Result<History> {
    context.store.snapshot(|conn| {
        see(conn, actor)?;
        let newest = newest(conn, actor, id)?.ok_or_else(|| Error::NotFound(format!("the zone {id}")))?;
        page(conn, actor, Kept::Zones, (&newest.jurisdiction, id), (before, limit), &[])
    })
}
