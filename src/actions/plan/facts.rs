//! What the guards of a step ask of the database, under the lock.

use jiff::civil::Date;
use uuid::Uuid;

use super::again::{Again, again};
use super::{day_of, store};
use crate::actions::Context;
use crate::domain::plan::{Block, Checked, Facts, Plan, PlanEvent, PlanGuard, PlanState, Sent, TRANSITIONS};
use crate::domain::work::WorkKind;
use crate::domain::workflow;
use crate::store::plan_step::PlanStep;
use crate::store::{Stored, WriteTx, plan_check, plan_step, zone as zones};

/// What a zone is held against corridors as: where a mast may stand.
pub(super) const STANDS_FOR: WorkKind = WorkKind::Mast;

/// What the guards of the step that is asked for look at; what none of them does is left out.
pub(super) fn facts(
    context: &Context,
    tx: &mut WriteTx<'_>,
    plan: &Plan,
    before: Option<&Plan>,
    sent: &Sent<'_>,
    today: Date,
) -> Stored<Facts> {
    let guards = workflow::row(TRANSITIONS, plan.state, sent.event).map_or(&[] as &[PlanGuard], |row| row.guards);
    let asks = |guard: PlanGuard| guards.contains(&guard);
    let of_zones = if asks(PlanGuard::Zones) {
        zones::facts(tx, plan, asks(PlanGuard::Geometry))?
    } else {
        zones::ZoneFacts::default()
    };
    // The last one: an older one that says better is no check of now.
    let run = if asks(PlanGuard::FreshCheck) { plan_check::find_in(tx, plan, None)? } else { None };
    let steps = if run.is_some() { plan_step::list_in(tx, plan)? } else { Vec::new() };
    let waivers = || steps.iter().filter(|step| step.event == PlanEvent::Waive);
    let check = match &run {
        None => None,
        Some(stored) => Some(Checked {
            id: stored.run.id,
            hash: stored.hash,
            is_of_these_zones: store::zones_digest_in(tx, plan)? == Some(stored.run.zones_digest),
            blocks: stored.run.blocks.clone(),
            waived: waivers().filter_map(|step| waived(step, stored.run.id)).collect(),
        }),
    };
    let submitted = steps.iter().rfind(|step| step.event == PlanEvent::Submit);
    let submitted_on = submitted.map(|step| day_of(context, &plan.jurisdiction, step.at)).transpose()?;
    let waived_by = waivers().map(|step| step.actor.clone()).collect();
    let Again { checked, worse } = match run.filter(|_| asks(PlanGuard::NothingNew)) {
        Some(stored) => again(context, tx, plan, &stored.run, today)?,
        None => Again::default(),
    };
    let of_committee = match sent.actor.and_then(|actor| actor.organisation.as_deref()) {
        Some(code) if asks(PlanGuard::Committee) => store::is_committee(tx, code)?,
        _ => false,
    };
    let over = before.filter(|before| before.state_on(today) == PlanState::Expired);
    Ok(Facts {
        today,
        submitted_on,
        zones: of_zones.count,
        outside: of_zones.outside,
        without_limits: of_zones.lacks,
        check,
        checked_again: checked,
        worse,
        waived_by,
        of_committee,
        newest: plan.amends.is_none() || before.is_some_and(Plan::may_be_followed),
        amended_from: before.and_then(|before| before.decision.as_ref()).map(|decision| decision.from),
        amended_until: over.and_then(Plan::in_force).and_then(|(_, last)| last),
    })
}

/// What a step waived of a check.
fn waived(step: &PlanStep, run: Uuid) -> Option<Block> {
    let data = Some(&step.data).filter(|data| data.check == Some(run))?;
    Some(Block { zone: data.zone?, code: data.code? })
}
