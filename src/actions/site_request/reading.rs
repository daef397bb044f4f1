//! A request read with its case, as somebody may know it: what of it does not count for him, what its last check says to him, and
//! which columns he is shown.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::{WholeCase, not_there, shown, store, territory};
use crate::actions::{Context, Reader, site_check};
use crate::clock;
use crate::domain::actor::{Actor, Role};
use crate::domain::layer::Layer;
use crate::domain::site_request::case::{Case, CaseEvent};
use crate::domain::site_request::reader::{CaseReader, SaidTo, Standing, Uncounted};
use crate::domain::site_request::table::decides;
use crate::domain::site_request::timing::Counting;
use crate::domain::site_request::words::State;
use crate::domain::site_request::{Filed, WORD, dossier};
use crate::error::Result;
use crate::store::seen::see;
use crate::store::{Connection, Stored, audit, document, work};

/// One request that somebody sees, with its case.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) where it is not there or not his to know, [`Error::Busy`](crate::error::Error::Busy).
pub fn get<'r>(context: &Context, reader: impl Into<Reader<'r>>, id: Uuid) -> Result<WholeCase> {
    get_after(context, reader.into(), id, &[])
}

/// The same, once it was noted of some restricted columns that he is shown them.
pub(super) fn get_after(context: &Context, reader: Reader<'_>, id: Uuid, noted: &[Uuid]) -> Result<WholeCase> {
    let whole = whole(context, reader.actor, id, Heads::OfDecisions)?;
    let fresh: Vec<Uuid> = whole.restricted.iter().copied().filter(|id| !noted.contains(id)).collect();
    note(context, reader, &whole.shown.filed.jurisdiction, &fresh)?;
    Ok(whole)
}

/// After which events of a case the heads of the audit trail are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heads {
    /// After those that decide.
    OfDecisions,
    /// After each.
    OfAll,
}

/// The same, before somebody is shown it.
pub(super) fn whole(context: &Context, actor: &Actor, id: Uuid, heads: Heads) -> Result<WholeCase> {
    let case = read(context, actor, id)?;
    let filed = &case.shown.filed;
    let lacks = matches!(filed.state, State::Draft | State::ReturnedForSupplement | State::Submitted);
    // Whether a file is there whoever sees the request may know, if he reads it or not.
    let after = |event: &&CaseEvent| heads == Heads::OfAll || decides(event.event);
    let revisions: Vec<i64> = case.events.iter().filter(after).map(|event| event.revision).collect();
    let (kept, heads) = if lacks || !revisions.is_empty() {
        context.store.read_as(&Actor::operator(), |conn| {
            let kept = if lacks { document::kept(conn, &filed.jurisdiction, (WORD, id))? } else { Vec::new() };
            Ok((kept, audit::heads(conn, &filed.jurisdiction, &revisions)?))
        })?
    } else {
        (Vec::new(), BTreeMap::new())
    };
    let missing = if lacks { dossier::missing(&filed.body.props, &kept) } else { Vec::new() };
    let told = told(context, actor, &case.case, &case.reader)?;
    Ok(WholeCase { missing, heads, reader: CaseReader { told, ..case.reader }, ..case })
}

/// Who reads a case, before anything is said of its checks.
pub(super) fn reader(actor: &Actor, jurisdiction: &str, standing: Standing) -> CaseReader {
    let decides = actor.acts_as(Role::Approver, jurisdiction);
    let organisation = actor.organisation.clone();
    CaseReader { organisation, sight: actor.sight(jurisdiction), standing, decides, told: None }
}

/// What the last check of a case says to somebody who does not see everything: nothing where he was told of as many cells with
/// something hidden as he may hear of, or where something is hidden from him since that it rests on.
pub(super) fn told(context: &Context, actor: &Actor, case: &Case, reader: &CaseReader) -> Result<Option<SaidTo>> {
    let Some(run) = &case.run else { return Ok(None) };
    let most = reader.most(&run.to_others).filter(|told| site_check::may_hear(context, actor, &told.hidden));
    match most {
        Some(told) if site_check::is_seen_still(context, actor, run.run)? => Ok(Some(told.clone())),
        _ => Ok(None),
    }
}

/// Leaves in a case of the columns that could be shared those that the transaction sees; which of them are restricted.
pub(super) fn seen_candidates(conn: &mut Connection, case: &mut Case) -> Stored<Vec<Uuid>> {
    let Some(run) = case.run.as_mut().filter(|run| !run.candidates.is_empty()) else { return Ok(Vec::new()) };
    let ids: Vec<Uuid> = run.candidates.iter().map(|candidate| candidate.id).collect();
    let seen = work::seen(conn, &ids)?;
    run.candidates.retain(|candidate| seen.iter().any(|(id, _)| *id == candidate.id));
    Ok(seen.into_iter().filter(|(_, visibility)| visibility.is_restricted()).map(|(id, _)| id).collect())
}

/// Takes note of the restricted columns that somebody is shown.
pub(super) fn note(context: &Context, reader: Reader<'_>, jurisdiction: &str, restricted: &[Uuid]) -> Result<()> {
    context.reads.shown(reader, restricted.iter().map(|id| (Layer::Works, jurisdiction, *id)))
}

/// The same, without what is only shown, for what shows no more of it than that it is there.
pub(in crate::actions) fn read(context: &Context, actor: &Actor, id: Uuid) -> Result<WholeCase> {
    // In one state: what does not count is taken from what is.
    let (filed, events, case, rules, restricted, uncounted) = context.store.snapshot(|conn| {
        see(conn, actor)?;
        let Some(filed) = store::find(conn, id)? else { return Err(not_there(id).into()) };
        let events = store::events(conn, &filed.jurisdiction, id)?;
        let mut case = Case::of(&events);
        let restricted = seen_candidates(conn, &mut case)?;
        let counts = !case.clock.is_empty() || !filed.asked.is_empty();
        let rules = counts.then(|| context.store.case_rules.of(conn, &filed.jurisdiction)).transpose()?;
        let uncounted = uncounted(conn, actor, std::iter::once(&filed))?.remove(&id);
        Ok((filed, events, case, rules, restricted, uncounted))
    })?;
    let (home, now) = (territory(context, &filed.jurisdiction)?, clock::now());
    let day = now.to_zoned(home.jurisdiction.time_zone()).date();
    let counting = Counting {
        calendar: rules.as_ref().and_then(|rules| rules.days()),
        time_zone: home.jurisdiction.time_zone(),
        parameters: home.rules().parameters(),
    };
    let clock = case.clock_run().and_then(|run| counting.read(&run, now).ok().flatten());
    let reader = reader(actor, &filed.jurisdiction, Standing::of(actor, &filed, day));
    let shown = shown(actor, filed, (counting.calendar, day), uncounted.as_ref());
    let (missing, heads) = (Vec::new(), BTreeMap::new());
    Ok(WholeCase { case, shown, events, day, secret: None, reader, clock, missing, heads, restricted })
}

/// What of some requests does not count for somebody.
pub(super) fn uncounted<'f>(
    conn: &mut Connection,
    actor: &Actor,
    filed: impl Iterator<Item = &'f Filed>,
) -> Stored<HashMap<Uuid, Uncounted>> {
    let hides = |filed: &&Filed| !reader(actor, &filed.jurisdiction, Standing::Within).sees_all();
    let some: Vec<&Filed> = filed.filter(hides).collect();
    if some.is_empty() { Ok(HashMap::new()) } else { store::uncounted(conn, actor.organisation.as_deref(), &some) }
}
