//! Plans: begun, drawn, checked, taken from state to state, amended, compared.
//!
//! Here is what is shown of a plan, how one begins, and its amendments; [`zone`] draws its zones and lists those of all plans, [`zone_version`] shows them as they were,
//! [`check`] checks them at once, [`step`] makes a step (`facts` asks the database for its guards, `again` checks again what changed, `projected` shows the zones to
//! site checks while they are in force), [`upkeep`] records what has come to be.

mod again;
pub mod check;
mod facts;
mod notice;
mod projected;
pub mod step;
pub mod upkeep;
mod waiting;
pub mod zone;
pub mod zone_version;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::{Context, Witness, forbidden, refresh};
use crate::clock;
use crate::domain::actor::{Actor, Duty};
use crate::domain::audit::{AuditEntry, Deed, Digest, RecordedHead};
use crate::domain::plan::{Plan, PlanEvent, PlanRun, PlanSaid, PlanState};
use crate::domain::zone::Zone;
use crate::error::{Error, Result};
use crate::store::plan as store;
use crate::store::{Connection, Stored, WriteTx, audit, plan_check, plan_step, zone as zones};

pub use crate::store::plan::PlanListing;
pub use crate::store::plan_step::PlanStep;

pub use self::waiting::{Tray, Waiting, waiting};

/// A plan, as it is shown to somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanView {
    /// The plan.
    pub plan: Plan,
    /// How far it has come today.
    pub state: PlanState,
    /// How many zones it has.
    pub zones: i64,
    /// The last check, where the actor may see it: with its hash, and whether the zones are those that were checked.
    pub check: Option<(PlanRun, Digest, bool)>,
    /// The events that he may send now.
    pub allowed: Vec<PlanEvent>,
    /// Where the audit trail stood after the decision.
    pub head: Option<RecordedHead>,
}

/// A plan in a list, with its state today.
pub type Listed = (Plan, PlanState);

/// The day in a jurisdiction.
pub(super) fn today(context: &Context, jurisdiction: &str) -> Result<Date> {
    day_of(context, jurisdiction, clock::now())
}

/// The day of a moment in a jurisdiction.
fn day_of(context: &Context, jurisdiction: &str, at: Timestamp) -> Result<Date> {
    let snapshot = context.index.snapshot();
    let territory = snapshot
        .territory(jurisdiction)
        .ok_or_else(|| Error::busy(format!("{jurisdiction} is being loaded; try again in a moment")))?;
    Ok(at.to_zoned(territory.jurisdiction.time_zone()).date())
}

fn not_there(id: Uuid) -> Error {
    Error::NotFound(format!("the plan {id}"))
}

/// A plan that somebody may see.
fn seen(context: &Context, actor: &Actor, id: Uuid) -> Result<Plan> {
    let found = context.store.read_as(actor, |conn| store::find(conn, id))?;
    found.filter(|plan| plan.is_seen_by(actor)).ok_or_else(|| not_there(id))
}

/// A plan, and what the actor may do with it.
///
/// # Errors
/// [`Error::NotFound`] where it is not there or not the actor's to know, [`Error::Busy`].
pub fn get(context: &Context, actor: &Actor, id: Uuid) -> Result<PlanView> {
    let found = context.store.read_as(actor, |conn| {
        let Some(plan) = store::find(conn, id)?.filter(|plan| plan.is_seen_by(actor)) else { return Ok(None) };
        let run = plan_check::find_in_brief(conn, &plan, None)?;
        let digest = if run.is_some() { store::zones_digest(conn, &plan)? } else { None };
        let head = if plan.decision.is_some() { head(conn, &plan)? } else { None };
        Ok(Some((zones::count(conn, &plan)?, run, digest, head, plan)))
    })?;
    let (count, run, digest, head, plan) = found.ok_or_else(|| not_there(id))?;
    let day = today(context, &plan.jurisdiction)?;
    let check = run.map(|stored| {
        let current = digest == Some(stored.run.zones_digest);
        (stored.run, stored.hash, current)
    });
    Ok(PlanView { state: plan.state_on(day), zones: count, check, allowed: plan.allowed(actor, day), head, plan })
}

/// The head of the audit trail after the decision about a plan.
fn head(conn: &mut Connection, plan: &Plan) -> Stored<Option<RecordedHead>> {
    let steps = plan_step::list(conn, plan)?;
    let decided = steps.iter().rfind(|step| step.event == PlanEvent::Approve).map(|step| step.revision);
    let heads = audit::heads(conn, &plan.jurisdiction, &decided.into_iter().collect::<Vec<_>>())?;
    Ok(heads.into_values().next())
}

/// Plans that the actor sees, by id, each with its state today, and after which one there are more.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered, [`Error::Busy`].
pub fn list(context: &Context, actor: &Actor, listing: &PlanListing) -> Result<(Vec<Listed>, Option<Uuid>)> {
    if let Some(code) = &listing.jurisdiction
        && context.index.snapshot().territory(code).is_none()
    {
        return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")));
    }
    let more = PlanListing { limit: listing.limit + 1, ..listing.clone() };
    let mut plans = context.store.read_as(actor, |conn| store::list(conn, &more))?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let are_more = plans.len() > limit;
    plans.truncate(limit);
    let next = plans.last().filter(|_| are_more).map(|plan| plan.id);
    plans.retain(|plan| plan.is_seen_by(actor));
    let with_state = |plan: Plan| {
        let state = plan.state_on(today(context, &plan.jurisdiction)?);
        Ok((plan, state))
    };
    Ok((plans.into_iter().map(with_state).collect::<Result<_>>()?, next))
}

/// The steps of a plan, in their order; whether the actor may know who made them.
///
/// # Errors
/// As [`get`].
pub fn history(context: &Context, actor: &Actor, id: Uuid) -> Result<(Vec<PlanStep>, bool)> {
    let plan = seen(context, actor, id)?;
    let steps = context.store.read_as(actor, |conn| plan_step::list(conn, &plan))?;
    Ok((steps, actor.may_know_author(&plan.jurisdiction, Some(&plan.organisation))))
}

fn may(actor: &Actor, duty: Duty, jurisdiction: &str, what: &str) -> Result<()> {
    if actor.may_do_in(duty, jurisdiction) {
        return Ok(());
    }
    Err(forbidden(actor, &format!("{what} in {jurisdiction}")))
}

/// Begins a plan without zones.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Taken`] for the code of another plan, [`Error::Forbidden`], [`Error::Busy`].
pub fn create(context: &Context, witness: Witness<'_>, said: &PlanSaid) -> Result<PlanView> {
    let actor = witness.actor;
    let snapshot = context.index.snapshot();
    let mut all = snapshot.territories().map(|territory| territory.jurisdiction.code.clone());
    let place = match (&said.jurisdiction, all.next(), all.next()) {
        (Some(code), ..) if snapshot.territory(code).is_some() => code.clone(),
        (Some(code), ..) => return Err(Error::invalid("/jurisdiction", format!("«{code}» is not registered here"))),
        (None, Some(only), None) => only,
        (None, ..) => return Err(Error::invalid("/jurisdiction", "is missing")),
    };
    may(actor, Duty::Plans, &place, "draw plans")?;
    let owner = actor.organisation.as_deref().unwrap_or(&actor.name);
    let id = Uuid::now_v7();
    let mut plan = Plan::draft(&place, id, said.clone(), owner, &actor.name);
    let ((), reached) = context.store.write(witness, |tx| {
        tx.raise(&place)?;
        store::insert(tx, &mut plan)?;
        tx.audit(&place, entry(Deed::Create, &plan, "plan", Vec::new()))
    })?;
    refresh::after_commit(context, actor, &reached);
    get(context, actor, id)
}

/// What a write of a plan leaves in the audit trail.
fn entry(deed: Deed, plan: &Plan, what: &str, more: Vec<(&'static str, String)>) -> AuditEntry {
    let mut detail = vec![
        ("what", what.to_owned()),
        ("code", plan.code.clone()),
        ("number", plan.number.to_string()),
        ("version", plan.version.to_string()),
    ];
    detail.extend(more);
    AuditEntry { deed, layer: None, subject: Some(plan.id), owner: Some(plan.organisation.clone()), detail }
}

/// A plan, locked.
fn locked(tx: &mut WriteTx<'_>, plan: &Plan) -> Stored<Plan> {
    store::lock(tx, &plan.jurisdiction, plan.id)?.ok_or_else(|| not_there(plan.id).into())
}

/// Begins the next version of a plan that is or was published, with all its zones.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::StepRefused`] for a plan that is not in force, [`Error::Taken`] where a
/// later version is there already, [`Error::Busy`].
pub fn amend(context: &Context, witness: Witness<'_>, id: Uuid) -> Result<PlanView> {
    let actor = witness.actor;
    let before = seen(context, actor, id)?;
    let place = before.jurisdiction.as_str();
    may(actor, Duty::Plans, place, "draw plans")?;
    let id = Uuid::now_v7();
    let ((), reached) = context.store.write(witness, |tx| {
        let before = locked(tx, &before)?;
        let (_, at) = tx.raise(place)?;
        let day = day_of(context, place, at)?;
        let state = before.state_on(day);
        if !matches!(state, PlanState::Published | PlanState::Suspended | PlanState::Expired) {
            let detail = format!("a plan that is {state} is not amended: what was published is");
            return Err(step::refused(detail, &before, actor, day).into());
        }
        if before.was_taken_back() {
            let detail =
                "a version that was suspended before its first day is not amended: the one before went on, amend that";
            return Err(step::refused(detail.into(), &before, actor, day).into());
        }
        let later = store::later(tx, &before)?;
        // What stands on a version that was taken back never comes in force, however far it has come.
        let stands = |plan: &Plan| {
            let base = later.iter().chain([&before]).find(|base| plan.amends == Some(base.id));
            plan.published_on.is_some() || base.is_none_or(Plan::may_be_followed)
        };
        let is_open = |plan: &&Plan| plan.state != PlanState::Rejected && !plan.was_taken_back() && stands(plan);
        if let Some(open) = later.iter().find(is_open) {
            let detail = format!("version {} of this plan is there already: {}", open.number, open.id);
            return Err(Error::Taken(detail).into());
        }
        let said = PlanSaid { code: before.code.clone(), name: before.name.clone(), jurisdiction: None };
        let mut plan = Plan::draft(place, id, said, &before.organisation, &actor.name);
        plan.number = later.first().map_or(before.number, |newest| newest.number) + 1;
        plan.amends = Some(before.id);
        store::insert(tx, &mut plan)?;
        let mut kept = zones::of_plan_in(tx, &before)?;
        for zone in &mut kept {
            (zone.id, zone.plan) = (Uuid::now_v7(), plan.id);
        }
        zones::insert(tx, &mut kept)?;
        let more = vec![("amends", before.id.to_string()), ("zones", kept.len().to_string())];
        tx.audit(place, entry(Deed::Create, &plan, "plan", more))
    })?;
    refresh::after_commit(context, actor, &reached);
    get(context, actor, id)
}

/// A version of a plan, and the one before, each with its zones.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The version before; none of a plan that amends none, or where the actor may not see it.
    pub before: Option<Plan>,
    /// Its zones.
    pub before_zones: Vec<Zone>,
    /// This version.
    pub after: Plan,
    /// Its zones.
    pub after_zones: Vec<Zone>,
}

/// What a version of a plan and the one before say.
///
/// # Errors
/// As [`get`].
pub fn compare(context: &Context, actor: &Actor, id: Uuid) -> Result<Compared> {
    let after = seen(context, actor, id)?;
    context.store.read_as(actor, |conn| {
        let before = match after.amends {
            Some(before) => store::find(conn, before)?.filter(|plan| plan.is_seen_by(actor)),
            None => None,
        };
        let before_zones = before.as_ref().map(|plan| zones::of_plan(conn, plan)).transpose()?.unwrap_or_default();
        Ok(Compared { after_zones: zones::of_plan(conn, &after)?, before, before_zones, after: after.clone() })
    })
}
