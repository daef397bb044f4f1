//! Zones that are checked again under the lock. PostGIS says which: those near which something changed since the check that a step
//! rests on, or comes in force or ends by its day; and holds the corridors that may have come to block against all of them. From then
//! on nobody writes in the jurisdiction or in a neighbour that was looked at, and the checks are asked once more of these zones alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use super::check::area;
use super::facts::STANDS_FOR;
use super::store;
use crate::actions::Context;
use crate::actions::conflict_check::at_least;
use crate::actions::site_check::area::Areas;
use crate::domain::actor::Actor;
use crate::domain::conflict::{self, Judged, Severity};
use crate::domain::corridor::HALF_WIDTH_MAX_M;
use crate::domain::plan::{Block, Plan, PlanRun, ZoneSaid};
use crate::domain::reference::ReferenceKind;
use crate::domain::rules::{Parameter, Ruling};
use crate::domain::site_check::CheckCode;
use crate::domain::word::Word;
use crate::domain::zone::Zone;
use crate::error::Error;
use crate::store::plan::Nearness;
use crate::store::{Stored, WriteTx, rules, zone as zones};

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// The zones that were checked again.
    pub(super) checked: Vec<Uuid>,
    /// Where it is worse than it was, in words.
    pub(super) worse: Vec<String>,
}

/// Checks again what may be otherwise than a check of the plan has it. The revision of the plan's jurisdiction was raised.
pub(super) fn again(context: &Context, tx: &mut WriteTx<'_>, plan: &Plan, run: &PlanRun, today: Date) -> Stored<Again> {
    let (raised, _) = tx.raise(&plan.jurisdiction)?;
    let others = run.basis.iter().flat_map(|basis| basis.revisions.keys()).filter(|code| **code != plan.jurisdiction);
    let mut stand = tx.keep_still(&others.cloned().collect::<Vec<_>>())?;
    stand.push((plan.jurisdiction.clone(), raised - 1));
    // What a decision rests on is read after the lock: rules, too.
    let pack = rules::find(tx, &plan.jurisdiction)?;
    let ruled_anew = pack.as_ref().is_some_and(|pack| pack.revision > run.looked_at);
    let parameters = pack.map(|pack| pack.pack.parameters).unwrap_or_default();
    let blocked = newly_blocked(context, tx, plan, run, (&parameters, ruled_anew), today)?;
    let checked = touched(context, tx, plan, run, &parameters, today)?;
    let mut worse: Vec<String> =
        blocked.iter().map(|zone| Block { zone: *zone, code: CheckCode::Cor }.to_string()).collect();
    if !checked.is_empty() {
        let all = zones::of_plan_in(tx, plan)?.into_iter().filter(|zone| checked.binary_search(&zone.id).is_ok());
        let found = checked_now(context, plan, run, all.collect(), &stand, today)?;
        let told = |(zone, code, _): &(Uuid, CheckCode, String)| *code != CheckCode::Cor || !blocked.contains(zone);
        worse.extend(found.into_iter().filter(told).map(|(zone, code, why)| format!("{} {why}", Block { zone, code })));
    }
    Ok(Again { checked, worse })
}

/// What the checks say of zones now that is worse than it was.
fn checked_now(
    context: &Context,
    plan: &Plan,
    run: &PlanRun,
    all: Vec<Zone>,
    stand: &[(String, i64)],
    today: Date,
) -> Stored<Vec<(Uuid, CheckCode, String)>> {
    let Some(basis) = &run.basis else {
        let why = "may be otherwise, and that check is too old to tell: check the plan again";
        return Ok(all.into_iter().map(|zone| (zone.id, CheckCode::Cov, why.to_owned())).collect());
    };
    let snapshot = at_least(context, stand)?;
    let home = snapshot.territory(&plan.jurisdiction);
    let home = home.ok_or_else(|| Error::busy(format!("{} is being loaded", plan.jurisdiction)))?;
    // As whoever asked saw it; nobody is shown anything but where it is worse.
    let asker = run.asker().unwrap_or_else(Actor::operator);
    let areas = Areas::of(context, &asker, &snapshot, home, today, format!("{}/", plan.code)).again();
    let before: BTreeMap<Uuid, &ZoneSaid> = basis.said.iter().map(|said| (said.zone, said)).collect();
    let mut worse = Vec::new();
    for zone in all {
        let found = areas.check(&zone.place, &area(&zone))?;
        let now = ZoneSaid::of(zone.id, &found.findings);
        let Some(then) = before.get(&zone.id) else {
            worse.push((zone.id, CheckCode::Cov, "was not there when the plan was checked: check it again".to_owned()));
            continue;
        };
        worse.extend(now.worse_than(then).into_iter().map(|(code, why)| (zone.id, code, why)));
    }
    Ok(worse)
}

/// The zones to be checked again, by id.
fn touched(
    context: &Context,
    tx: &mut WriteTx<'_>,
    plan: &Plan,
    run: &PlanRun,
    parameters: &[Arc<Parameter>],
    today: Date,
) -> Stored<Vec<Uuid>> {
    // Rules that begin or end by their day may say something else of each of them.
    if parameters.iter().any(|p| p.in_force(run.day) != p.in_force(today)) {
        return Ok(zones::of_plan_in(tx, plan)?.into_iter().map(|zone| zone.id).collect());
    }
    let clearances = parameters.iter().filter(|p| p.key.ends_with(".clearance_m")).map(|p| p.value);
    let ruled_m = clearances.fold(0.0, f64::max);
    let snapshot = context.index.snapshot();
    let mut since = vec![(plan.jurisdiction.clone(), run.looked_at)];
    let basis = run.basis.as_ref();
    since.extend(
        basis
            .iter()
            .flat_map(|basis| &basis.revisions)
            .filter(|(code, _)| **code != plan.jurisdiction)
            .map(|(code, revision)| (code.clone(), *revision)),
    );
    let farthest = |kind: ReferenceKind| {
        let own = snapshot.territories().map(|t| t.rules().site_reach(kind).get()).fold(0.0, f64::max);
        let is_line = matches!(kind, ReferenceKind::Road | ReferenceKind::PowerLine);
        if is_line { own + ruled_m + HALF_WIDTH_MAX_M } else { own }
    };
    // Of requests only those that were granted say something of an area: the statement knows.
    let kinds = ReferenceKind::ALL.iter().map(|(kind, _)| *kind);
    let near = Nearness {
        reach_m: basis.map_or(FAR_M, |basis| basis.reach_m),
        ruled_m,
        kinds: kinds.map(|kind| (kind, farthest(kind))).collect(),
    };
    store::touched(tx, plan, &since, &near, (run.day, today))
}

/// How far a check looked that does not say so, m.
const FAR_M: f64 = 5_000.0;

/// The zones that a corridor blocks now and did not when they were checked. Only corridors are looked at that may have
/// come to do so since: changed, come in force by their day, or by other rules; and of the zones those whose box meets one.
fn newly_blocked(
    context: &Context,
    tx: &mut WriteTx<'_>,
    plan: &Plan,
    run: &PlanRun,
    (parameters, ruled_anew): (&[Arc<Parameter>], bool),
    today: Date,
) -> Stored<BTreeSet<Uuid>> {
    let ruling = Ruling::new(parameters, context.accuracies());
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
    Ok(met.iter().filter(|pair| !known.contains(pair)).map(|(zone, _)| *zone).collect())
}
