//! A plan is checked as one: every zone against what stands round it, in one answer that is kept with a hash.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, Unit};
use uuid::Uuid;

use super::facts::STANDS_FOR;
use super::{may, seen, store};
use crate::actions::site_check::area::Areas;
use crate::actions::{Asker, Context, Witness, refresh};
use crate::clock;
use crate::domain::actor::{Actor, Duty};
use crate::domain::audit::{AuditEntry, Deed, Digest, hex};
use crate::domain::layer::Layer;
use crate::domain::plan::{Block, Plan, PlanRun, RunBasis, ZoneSaid};
use crate::domain::site_check::{Area, Finding, Parameters, Subject, Verdict, reach_round};
use crate::domain::work::ColumnClass;
use crate::domain::zone::Zone;
use crate::error::{Error, Result};
use crate::geometry::Epsg;
use crate::store::{plan_check, zone as zones};

/// What the checks say of a zone.
#[derive(Debug, Clone)]
pub struct ZoneCheck {
    /// The zone.
    pub zone: Zone,
    /// One finding for each check that says something of areas.
    pub findings: Vec<Finding>,
}

impl ZoneCheck {
    /// The worst of its findings.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::NotChecked)
    }
}

/// What the checks say of all zones of a plan.
#[derive(Debug, Clone)]
pub struct PlanCheck {
    /// The plan.
    pub plan: Plan,
    /// The moment at which dates were looked at.
    pub at: Timestamp,
    /// The day of that in the jurisdiction.
    pub day: Date,
    /// The revision of each jurisdiction that was looked at.
    pub revisions: BTreeMap<String, i64>,
    /// The working grid, on which findings are drawn.
    pub grid: Epsg,
    /// How far round its zones was looked for what brings no reach of its own, m.
    pub reach_m: f64,
    /// Zone by zone.
    pub zones: Vec<ZoneCheck>,
}

impl PlanCheck {
    /// The worst of all findings.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.zones.iter().map(ZoneCheck::verdict).max().unwrap_or(Verdict::NotChecked)
    }
}

/// The column that is hardest to admit in a zone.
pub(super) fn area(zone: &Zone) -> Area {
    let p = &zone.props;
    let of_a1 = |class: &&ColumnClass| matches!(class, ColumnClass::A1a | ColumnClass::A1b);
    let column_class = p.column_classes.iter().find(|class| !of_a1(class)).or(p.column_classes.first()).copied();
    let column = Subject {
        kind: STANDS_FOR,
        column_class,
        height_agl_m: p.height_max_m.unwrap_or(0.0),
        ground_amsl_m: None,
        accuracy_m: 0.0,
        organisation: None,
        request: None,
        antennas: Vec::new(),
        starts_on: None,
        ends_on: None,
    };
    Area { column, quota: p.quota }
}

/// Checks all zones of a plan and keeps what came of it; `write` gives the answer, with its id. The run, with its hash.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Invalid`] of a plan without zones, [`Error::TooLarge`] where all of it takes
/// longer than a request may, [`Error::Busy`].
pub fn check(
    context: &Context,
    asker: &Asker,
    witness: Witness<'_>,
    id: Uuid,
    write: &dyn Fn(&PlanCheck, Uuid) -> Result<String>,
) -> Result<(PlanRun, Digest)> {
    let actor = witness.actor;
    let plan = seen(context, actor, id)?;
    let place = plan.jurisdiction.as_str();
    may(actor, Duty::PlanSteps, place, "check plans")?;
    let snapshot = context.index.snapshot();
    let home = snapshot.territory(place).ok_or_else(|| Error::busy(format!("{place} is being loaded")))?;
    let found = context.store.snapshot(|conn| Ok((zones::of_plan(conn, &plan)?, store::zones_digest(conn, &plan)?)))?;
    let (all, Some(zones_digest)) = found else {
        return Err(Error::invalid("", "the plan has no zones: there is nothing to check"));
    };
    let at = clock::now().round(Unit::Microsecond).unwrap_or_else(|_| clock::now());
    let day = at.to_zoned(home.jurisdiction.time_zone()).date();
    let areas = Areas::of(context, actor, &snapshot, home, day, format!("{}/", plan.code));
    let mut revisions = BTreeMap::from([(place.to_owned(), home.revision)]);
    let (mut checked, mut met) = (Vec::with_capacity(all.len()), Vec::new());
    let mut shown: BTreeSet<(Layer, String, Uuid)> = BTreeSet::new();
    for zone in all {
        let found = areas.check(&zone.place, &area(&zone))?;
        met.extend(found.met.into_iter().map(|corridor| (zone.id, corridor)));
        shown.extend(found.shown);
        revisions.extend(found.revisions);
        checked.push(ZoneCheck { zone, findings: found.findings });
    }
    met.sort_unstable();
    let grid = home.jurisdiction.grid;
    let parameters = Parameters::on(home.rules().site(), day);
    let reach_m = checked.iter().map(|of| reach_round(&area(&of.zone).column, &parameters)).fold(0.0, f64::max);
    let answer = PlanCheck { plan, at, day, revisions, grid, reach_m, zones: checked };
    context.reads.shown(asker.into(), shown.iter().map(|(layer, code, id)| (*layer, code.as_str(), *id)))?;
    let run = run(&answer, actor, home.revision, zones_digest, met, shown.into_iter().collect(), write)?;
    keep(context, witness, &answer.plan, run)
}

fn run(
    answer: &PlanCheck,
    actor: &Actor,
    looked_at: i64,
    zones_digest: Digest,
    met: Vec<(Uuid, Uuid)>,
    shown: Vec<(Layer, String, Uuid)>,
    write: &dyn Fn(&PlanCheck, Uuid) -> Result<String>,
) -> Result<PlanRun> {
    let id = Uuid::now_v7();
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let blocks: Vec<Block> = answer
        .zones
        .iter()
        .flat_map(|of| of.findings.iter().map(|finding| (of.zone.id, finding)))
        .filter(|(_, finding)| finding.verdict == Verdict::Block)
        .map(|(zone, finding)| Block { zone, code: finding.code })
        .collect();
    let basis = RunBasis {
        reach_m: answer.reach_m,
        revisions: answer.revisions.clone(),
        said: answer.zones.iter().map(|of| ZoneSaid::of(of.zone.id, &of.findings)).collect(),
    };
    let warned = |of: &&ZoneCheck| matches!(of.verdict(), Verdict::Warn | Verdict::NotChecked | Verdict::NeedsSurvey);
    Ok(PlanRun {
        id,
        jurisdiction: answer.plan.jurisdiction.clone(),
        plan: answer.plan.id,
        zones_digest,
        at: answer.at,
        day: answer.day,
        recorded_at: answer.at,
        revision: 0,
        looked_at,
        actor: actor.name.clone(),
        organisation: actor.organisation.clone(),
        sight: Some((actor.roles.clone(), actor.jurisdictions.clone())),
        verdict: answer.verdict(),
        zones: count(answer.zones.len()),
        warned: count(answer.zones.iter().filter(warned).count()),
        blocks,
        met,
        basis: Some(basis),
        shown,
        document: write(answer, id)?,
    })
}

fn keep(context: &Context, witness: Witness<'_>, plan: &Plan, mut run: PlanRun) -> Result<(PlanRun, Digest)> {
    let place = plan.jurisdiction.as_str();
    let (hash, reached) = context.store.write(witness, |tx| {
        (run.revision, run.recorded_at) = tx.raise(place)?;
        plan_check::insert(tx, &run)?;
        let hash = run.hash();
        let detail = vec![
            ("what", "plan_check".to_owned()),
            ("plan", plan.id.to_string()),
            ("verdict", run.verdict.to_string()),
            ("zones", run.zones.to_string()),
            ("sha256", hex(&hash)),
        ];
        let owner = Some(plan.organisation.clone());
        tx.audit(place, AuditEntry { deed: Deed::Create, layer: None, subject: Some(run.id), owner, detail })?;
        Ok(hash)
    })?;
    refresh::after_commit(context, witness.actor, &reached);
    Ok((run, hash))
}

/// A check of a plan that was kept, the last one where none is named.
///
/// # Errors
/// [`Error::NotFound`] where it is not there, or not the actor's to see; [`Error::Busy`].
pub fn kept(context: &Context, asker: &Asker, id: Uuid, run: Option<Uuid>) -> Result<(PlanRun, Digest)> {
    let actor = &asker.actor;
    let plan = seen(context, actor, id)?;
    let none = || match run {
        Some(run) => Error::NotFound(format!("the check {run} of the plan {id}")),
        None => Error::NotFound(format!("a check of the plan {id}")),
    };
    if !actor.sight(&plan.jurisdiction).sees_all() {
        return Err(none());
    }
    let found = context.store.read_as(actor, |conn| plan_check::find(conn, &plan, run))?;
    let stored = found.ok_or_else(none)?;
    let shown = stored.run.shown.iter().map(|(layer, code, id)| (*layer, code.as_str(), *id));
    context.reads.shown(asker.into(), shown)?;
    Ok((stored.run, stored.hash))
}
