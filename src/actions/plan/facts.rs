//! What the guards of a step ask of the database, under the lock: PostGIS decides, whatever the index said.

use std::collections::BTreeSet;

use jiff::civil::Date;
use uuid::Uuid;

use super::store;
use crate::actions::Context;
use crate::domain::conflict::{self, Judged, Severity};
use crate::domain::plan::{Block, Checked, Facts, Plan, PlanEvent, PlanGuard, PlanRun, PlanState, Sent, TRANSITIONS};
use crate::domain::rules::Ruling;
use crate::domain::site_check::CheckCode;
use crate::domain::work::WorkKind;
use crate::domain::workflow;
use crate::store::{Stored, WriteTx, plan_check, plan_step, rules, zone as zones};

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
    let check = match &run {
        None => None,
        Some(stored) => Some(Checked {
            id: stored.run.id,
            hash: stored.hash,
            is_of_these_zones: store::zones_digest_in(tx, plan)? == Some(stored.run.zones_digest),
            blocks: stored.run.blocks.clone(),
            waived: waived(tx, plan, stored.run.id)?,
        }),
    };
    let new_blocks = match run.filter(|_| asks(PlanGuard::NothingNew)) {
        Some(stored) => new_blocks(context, tx, plan, &stored.run, today)?,
        None => Vec::new(),
    };
    let of_committee = match sent.actor.and_then(|actor| actor.organisation.as_deref()) {
        Some(code) if asks(PlanGuard::Committee) => store::is_committee(tx, code)?,
        _ => false,
    };
    let still = [PlanState::Published, PlanState::Suspended, PlanState::Expired];
    let newest = plan.amends.is_none() || before.is_some_and(|before| still.contains(&before.state));
    Ok(Facts {
        today,
        zones: of_zones.count,
        outside: of_zones.outside,
        without_limits: of_zones.lacks,
        check,
        new_blocks,
        of_committee,
        newest,
    })
}

/// What was waived of a check.
fn waived(tx: &mut WriteTx<'_>, plan: &Plan, run: Uuid) -> Stored<Vec<Block>> {
    let steps = plan_step::list_in(tx, plan)?;
    let of_run = steps.into_iter().filter(|step| step.event == PlanEvent::Waive && step.data.check == Some(run));
    Ok(of_run.filter_map(|step| Some(Block { zone: step.data.zone?, code: step.data.code? })).collect())
}

/// How far from a zone a reference feature may matter to it, m; runways reach farther, and count as long as they reach.
const NEAR_M: f64 = 5_000.0;

/// The zones that a corridor blocks now and did not when they were checked, in words. Only corridors are looked at that may have
/// come to do so since: changed, come in force by their day, or by other rules; and of the zones those whose box meets one.
fn new_blocks(context: &Context, tx: &mut WriteTx<'_>, plan: &Plan, run: &PlanRun, today: Date) -> Stored<Vec<String>> {
    let pack = rules::find(tx, &plan.jurisdiction)?;
    let ruled_anew = pack.as_ref().is_some_and(|pack| pack.revision > run.looked_at);
    let parameters = pack.map(|pack| pack.pack.parameters).unwrap_or_default();
    let ruling = Ruling::new(&parameters, context.accuracies());
    let (mut looked_at, mut changed) = (Vec::new(), BTreeSet::new());
    for corridor in store::blockers(tx, &plan.jurisdiction)? {
        let clearance = |day: Date| {
            let of_kind = || ruling.on(day).clearance(ruling.land(&corridor.land), Some(STANDS_FOR));
            conflict::clearance(None, corridor.facts.clearance_m, of_kind).0.get()
        };
        let blocks = |day: Date| corridor.facts.severity(day) == Some(Severity::Blocks);
        let (now, then) = (clearance(today), clearance(run.day));
        if corridor.revision > run.looked_at {
            changed.insert(corridor.id);
        }
        let is_new = corridor.revision > run.looked_at || ruled_anew || !blocks(run.day) || now > then;
        if blocks(today) && is_new {
            looked_at.push((corridor.id, now));
        }
    }
    // What was known of a corridor that changed since is known no more.
    let known: BTreeSet<&(Uuid, Uuid)> = run.met.iter().filter(|(_, corridor)| !changed.contains(corridor)).collect();
    let met = store::met(tx, plan, &looked_at)?;
    let zones: BTreeSet<Uuid> = met.iter().filter(|pair| !known.contains(pair)).map(|(zone, _)| *zone).collect();
    let mut all: Vec<String> = zones.into_iter().map(|zone| Block { zone, code: CheckCode::Cor }.to_string()).collect();
    let touched = store::touched(tx, plan, run.looked_at, NEAR_M)?;
    all.extend(touched.into_iter().map(|zone| format!("{zone}: something near it changed since the check")));
    Ok(all)
}
