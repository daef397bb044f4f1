//! A step of a plan: under the lock of its row its guards are asked again, then it is made, recorded and, where zones come in force or
//! end, shown to site checks, and told (`notice`).

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::facts::facts;
use super::{PlanView, day_of, entry, get, locked, notice, projected, seen, store};
use crate::actions::{Context, Witness, refresh};
use crate::domain::actor::Actor;
use crate::domain::audit::{Deed, hex};
use crate::domain::plan::{Facts, Plan, PlanEvent, PlanGuard, PlanState, Sent, StepData, TRANSITIONS, decide};
use crate::domain::word::Word;
use crate::domain::workflow::{self, Refusal};
use crate::error::{Error, Result};
use crate::store::plan_step::{self, PlanStep};
use crate::store::{Stored, WriteTx};

/// A step as somebody asks for it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The event.
    pub event: PlanEvent,
    /// What comes with it.
    pub data: StepData,
    /// The version of the plan that the sender has seen.
    pub expected: Option<i32>,
}

/// Makes a step.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Unconditional`] without a version and [`Error::Changed`] with another one;
/// [`Error::Forbidden`] where the step is another role's; [`Error::StepRefused`] with every guard that does not hold;
/// [`Error::Busy`].
pub fn step(context: &Context, witness: Witness<'_>, id: Uuid, asked: &Asked) -> Result<PlanView> {
    let actor = witness.actor;
    let present = seen(context, actor, id)?;
    let Some(expected) = asked.expected else {
        let detail = "send «If-Match» with the version of the plan that you have seen, such as \"3\"";
        return Err(Error::Unconditional(detail.into()));
    };
    let ((), reached) = context.store.write(witness, |tx| {
        let plan = locked(tx, &present)?;
        if plan.version != expected {
            let detail = format!("the plan has version {} now, not {expected}: read it again first", plan.version);
            return Err(Error::Changed(detail).into());
        }
        let before = match (asked.event, plan.amends) {
            (PlanEvent::Approve | PlanEvent::Publish, Some(before)) => store::lock(tx, &plan.jurisdiction, before)?,
            // One that is suspended was taken back then, and nothing waits for it.
            (PlanEvent::Suspend | PlanEvent::Revoke, Some(_)) if plan.state == PlanState::Published => {
                store::lock_ending_where(tx, &plan)?
            }
            _ => None,
        };
        // From here on nobody else writes there: what the step rests on is read after this.
        let (_, at) = tx.raise(&plan.jurisdiction)?;
        let day = day_of(context, &plan.jurisdiction, at)?;
        let sent = Sent { actor: Some(actor), event: asked.event, reason: witness.reason, data: &asked.data };
        let facts = facts(context, tx, &plan, before.as_ref(), &sent, day)?;
        make(tx, &plan, before, &sent, &facts, at)
    })?;
    refresh::after_commit(context, actor, &reached);
    get(context, actor, id)
}

/// Makes a step in a transaction that holds the plan, and has raised its jurisdiction. `before` is the version that it amends, or
/// of one that is suspended or revoked the version that was to end where it begins.
pub(super) fn make(
    tx: &mut WriteTx<'_>,
    plan: &Plan,
    before: Option<Plan>,
    sent: &Sent<'_>,
    facts: &Facts,
    at: Timestamp,
) -> Stored<()> {
    let mut next = decide(plan, sent, facts).map_err(|refusal| why(refusal, plan, sent, facts.today))?;
    store::update(tx, plan.version, &mut next)?;
    let mut data = sent.data.clone();
    data.check = data
        .check
        .or_else(|| facts.check.as_ref().map(|check| check.id).filter(|_| asks(plan, sent, PlanGuard::FreshCheck)));
    let again = Some(&facts.checked_again).filter(|_| asks(plan, sent, PlanGuard::NothingNew));
    made(tx, (plan, &next), sent, &data, again, at)?;
    let mut more =
        vec![("event", sent.event.to_string()), ("from", plan.state.to_string()), ("to", next.state.to_string())];
    more.extend(again.map(|zones| ("checked_again", zones.len().to_string())));
    if sent.event == PlanEvent::Approve
        && let (Some(check), Some(decision)) = (&facts.check, &next.decision)
    {
        more.extend([
            ("check", check.id.to_string()),
            ("check_sha256", hex(&check.hash)),
            ("decision", decision.number.clone()),
            ("file_sha256", hex(&decision.sha256)),
        ]);
    }
    match sent.event {
        PlanEvent::Publish => {
            if let Some(before) = before.filter(|b| matches!(b.state, PlanState::Published | PlanState::Suspended)) {
                more.push(("supersedes", before.id.to_string()));
                supersede(tx, &before, &next, facts, at)?;
            }
            more.push(("zones", projected::begin(tx, &next)?.to_string()));
        }
        PlanEvent::Suspend | PlanEvent::Revoke => {
            projected::end(tx, &next)?;
            let is_to_come = |next: &Plan| next.decision.as_ref().is_some_and(|d| facts.today < d.from);
            if let Some(before) = before.filter(|_| is_to_come(&next)) {
                more.push(("goes_on", before.id.to_string()));
                go_on(tx, &before, plan, facts, at)?;
            }
        }
        _ => {}
    }
    tx.audit(&plan.jurisdiction, entry(Deed::Step, &next, "plan", more))
}

/// The version before ends where the one that amends it begins: on that day, where it is yet to come, and till then it is what it was.
fn supersede(tx: &mut WriteTx<'_>, before: &Plan, by: &Plan, facts: &Facts, at: Timestamp) -> Stored<()> {
    let Some(from) = by.decision.as_ref().map(|decision| decision.from) else {
        return Err(Error::Internal("a plan without a decision is published".into()).into());
    };
    let ended_on = Some(before.ended_on.map_or(from, |day| day.min(from)));
    if before.state == PlanState::Published && facts.today < from {
        let mut ends = Plan { ended_on, ..before.clone() };
        store::update(tx, before.version, &mut ends)?;
        return projected::end(tx, &ends);
    }
    let data = StepData::default();
    let sent = Sent { actor: None, event: PlanEvent::Supersede, reason: None, data: &data };
    let mut ended = decide(before, &sent, facts).map_err(|refusal| why(refusal, before, &sent, facts.today))?;
    ended.ended_on = ended_on;
    store::update(tx, before.version, &mut ended)?;
    made(tx, (before, &ended), &sent, &data, None, at)?;
    projected::end(tx, &ended)
}

/// The version before goes on, until the one begins that was to follow what was taken back.
fn go_on(tx: &mut WriteTx<'_>, before: &Plan, taken: &Plan, facts: &Facts, at: Timestamp) -> Stored<()> {
    let data = StepData::default();
    let sent = Sent { actor: None, event: PlanEvent::GoOn, reason: None, data: &data };
    let mut goes_on = decide(before, &sent, facts).map_err(|refusal| why(refusal, before, &sent, facts.today))?;
    goes_on.ended_on = taken.ended_on;
    store::update(tx, before.version, &mut goes_on)?;
    made(tx, (before, &goes_on), &sent, &data, None, at)?;
    projected::end(tx, &goes_on)
}

fn asks(plan: &Plan, sent: &Sent<'_>, guard: PlanGuard) -> bool {
    workflow::row(TRANSITIONS, plan.state, sent.event).is_some_and(|row| row.guards.contains(&guard))
}

/// Records a step that was made: every step passes here, in the transaction that makes it.
fn made(
    tx: &mut WriteTx<'_>,
    (plan, next): (&Plan, &Plan),
    sent: &Sent<'_>,
    data: &StepData,
    checked_again: Option<&Vec<Uuid>>,
    at: Timestamp,
) -> Stored<()> {
    let step = PlanStep {
        seq: 0,
        event: sent.event,
        from: plan.state,
        to: next.state,
        actor: sent.actor.map_or("timer", |actor| actor.name.as_str()).to_owned(),
        organisation: sent.actor.and_then(|actor| actor.organisation.clone()),
        at,
        reason: sent.reason.map(str::to_owned),
        data: data.clone(),
        checked_again: checked_again.cloned(),
        revision: next.revision,
    };
    plan_step::append(tx, next, &step)?;
    notice::tell(tx, next, sent.event)
}

/// A refusal with what the actor may do instead.
pub(super) fn refused(detail: String, plan: &Plan, actor: &Actor, day: Date) -> Error {
    let allowed = plan.allowed(actor, day).into_iter().map(|event| event.to_string()).collect();
    Error::StepRefused { detail, allowed, unmet: Vec::new() }
}

/// Why a step is not made.
fn why(refusal: Refusal<PlanGuard>, plan: &Plan, sent: &Sent<'_>, day: Date) -> Error {
    let (event, state) = (sent.event, plan.state_on(day));
    let allowed = sent.actor.map_or_else(Vec::new, |actor| plan.allowed(actor, day));
    let allowed = allowed.into_iter().map(|event| event.to_string()).collect();
    match refusal {
        Refusal::NotFromHere => {
            Error::StepRefused { detail: format!("{event} does not lead on from {state}"), allowed, unmet: Vec::new() }
        }
        Refusal::NotYours => {
            let by = workflow::row(TRANSITIONS, state, event).map(|row| row.by.to_string()).unwrap_or_default();
            Error::Forbidden(format!("your roles do not let you {event} this plan: it is for {by}"))
        }
        Refusal::Unmet(unmet) => Error::StepRefused {
            detail: format!("{event} lacks what it takes; see unmet"),
            allowed,
            unmet: unmet.into_iter().map(|(guard, detail)| (guard.as_str().to_owned(), detail)).collect(),
        },
    }
}
