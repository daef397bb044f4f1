//! Zones of plans: listed for everybody who sees their plan, and drawn while it is a draft.

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::step::refused;
use super::{entry, locked, may, store, today};
use crate::actions::feature::under_geometry;
use crate::actions::{Context, Witness, refresh};
use crate::domain::actor::{Actor, Duty};
use crate::domain::audit::Deed;
use crate::domain::place::{Delivered, Placed};
use crate::domain::plan::{Plan, PlanState, ZONES_MAX};
use crate::domain::zone::{Zone, ZoneProps};
use crate::error::{Error, Result};
use crate::geometry::{Bounds, Problem};
use crate::store::records::ListFilter;
use crate::store::zone::{Days, ZoneListing};
use crate::store::{Stored, WriteTx, zone as zones};

/// A zone with its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneView {
    /// The zone.
    pub zone: Zone,
    /// Its plan.
    pub plan: Plan,
    /// How far that has come today.
    pub state: PlanState,
}

/// What a document says of a zone.
#[derive(Debug, Clone)]
pub struct ZoneDraft {
    /// Where it stands in the document, for problems.
    pub pointer: String,
    /// The plan that it names.
    pub plan: Option<Uuid>,
    /// What is said of it.
    pub props: ZoneProps,
    /// Its shape; none: the present one stays.
    pub delivered: Option<Delivered>,
}

/// One end of a time that is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// A moment: the day of it where the zone lies.
    At(Timestamp),
    /// A day.
    On(Date),
}

/// Which zones are asked for.
#[derive(Debug, Clone)]
pub struct ZoneQuery {
    /// Boxes in WGS 84; none: everywhere.
    pub boxes: Vec<Bounds>,
    /// Only one jurisdiction.
    pub jurisdiction: Option<String>,
    /// Only of one version of a plan.
    pub plan: Option<Uuid>,
    /// Only those in force on a day from the first to the second; none: whatever their plans have come to.
    pub datetime: Option<(Option<When>, Option<When>)>,
    /// Only ids after this one.
    pub after: Option<Uuid>,
    /// Zones on the page.
    pub limit: u32,
}

/// Zones that the actor sees, by id, and after which one there are more.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered, [`Error::Busy`].
pub fn list(context: &Context, actor: &Actor, query: &ZoneQuery) -> Result<(Vec<ZoneView>, Option<Uuid>)> {
    let snapshot = context.index.snapshot();
    let (mut codes, mut days) = (Vec::new(), Vec::new());
    for territory in snapshot.territories() {
        let jurisdiction = &territory.jurisdiction;
        if query.jurisdiction.as_ref().is_some_and(|only| *only != jurisdiction.code) {
            continue;
        }
        let day = |when: Option<When>| {
            when.map(|when| match when {
                When::At(at) => at.to_zoned(jurisdiction.time_zone()).date(),
                When::On(day) => day,
            })
        };
        codes.push(jurisdiction.code.clone());
        if let Some((from, to)) = query.datetime {
            days.push(Days { jurisdiction: jurisdiction.code.clone(), from: day(from), to: day(to) });
        }
    }
    if let Some(code) = query.jurisdiction.as_ref().filter(|_| codes.is_empty()) {
        return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")));
    }
    let sights = vec![(codes, actor.sight_everywhere())];
    let limit = i64::from(query.limit) + 1;
    let filter = ListFilter { sights, boxes: query.boxes.clone(), after: query.after, limit };
    let listing = ZoneListing { filter, plan: query.plan, days: query.datetime.map(|_| days) };
    let (mut found, plans) = context.store.read_as(actor, |conn| {
        let found = zones::list(conn, &listing)?;
        let mut ids: Vec<Uuid> = found.iter().map(|zone| zone.plan).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok((found, store::find_many(conn, &ids)?))
    })?;
    let more = found.len() > query.limit as usize;
    found.truncate(query.limit as usize);
    let next = found.last().filter(|_| more).map(|zone| zone.id);
    let mut views = Vec::with_capacity(found.len());
    for zone in found {
        let plan = plans.iter().find(|plan| plan.id == zone.plan && plan.is_seen_by(actor));
        if let Some(plan) = plan {
            let state = plan.state_on(today(context, &plan.jurisdiction)?);
            views.push(ZoneView { zone, plan: plan.clone(), state });
        }
    }
    Ok((views, next))
}

/// A zone with its plan.
///
/// # Errors
/// [`Error::NotFound`] where it is not there or not the actor's to know, [`Error::Busy`].
pub fn get(context: &Context, actor: &Actor, id: Uuid) -> Result<ZoneView> {
    let found = context.store.read_as(actor, |conn| {
        let Some(zone) = zones::find(conn, id)? else { return Ok(None) };
        Ok(store::find(conn, zone.plan)?.filter(|plan| plan.is_seen_by(actor)).map(|plan| (zone, plan)))
    })?;
    let (zone, plan) = found.ok_or_else(|| Error::NotFound(format!("the zone {id}")))?;
    let state = plan.state_on(today(context, &plan.jurisdiction)?);
    Ok(ZoneView { zone, plan, state })
}

/// A plan whose zones may be written by the actor, locked, with the revision raised.
fn drawn(tx: &mut WriteTx<'_>, plan: &Plan, actor: &Actor, day: Date) -> Stored<Plan> {
    let plan = locked(tx, plan)?;
    tx.raise(&plan.jurisdiction)?;
    if plan.state == PlanState::Draft {
        return Ok(plan);
    }
    let detail = format!("zones are drawn while their plan is a draft; this one is {}", plan.state);
    Err(refused(detail, &plan, actor, day).into())
}

/// The plan after somebody wrote its zones.
fn touch(tx: &mut WriteTx<'_>, plan: &Plan, actor: &Actor) -> Stored<Plan> {
    let mut next = plan.clone();
    next.made_by(&actor.name);
    store::update(tx, plan.version, &mut next)?;
    Ok(next)
}

fn placed(context: &Context, plan: &Plan, delivered: Delivered) -> Result<Placed> {
    let snapshot = context.index.snapshot();
    let territory = snapshot.territory(&plan.jurisdiction);
    let territory = territory.ok_or_else(|| Error::busy(format!("{} is being loaded", plan.jurisdiction)))?;
    Zone::placed(delivered, &territory.jurisdiction).map_err(under_geometry)
}

fn under(error: Error, pointer: &str, problems: &mut Vec<Problem>) -> Result<()> {
    match error {
        Error::Invalid(more) => {
            problems.extend(more.into_iter().map(|p| p.under(pointer)));
            Ok(())
        }
        other => Err(other),
    }
}

/// Adds zones to a plan, all of them or none.
///
/// # Errors
/// [`Error::Invalid`] with every problem of every zone, [`Error::NotFound`] for their plan, [`Error::StepRefused`] where it is no
/// draft, [`Error::Taken`], [`Error::TooLarge`], [`Error::Forbidden`], [`Error::Busy`].
pub fn create(context: &Context, witness: Witness<'_>, drafts: &[ZoneDraft]) -> Result<Vec<Uuid>> {
    let actor = witness.actor;
    let mut problems = Vec::new();
    let first = drafts.iter().find_map(|draft| draft.plan);
    for draft in drafts {
        match draft.plan {
            None => problems.push(Problem::new("/properties/plan", "is missing").under(&draft.pointer)),
            Some(plan) if Some(plan) != first => {
                let detail = "is another plan than that of the first zone: zones of one plan are added at once";
                problems.push(Problem::new("/properties/plan", detail).under(&draft.pointer));
            }
            Some(_) => {}
        }
    }
    let Some(id) = first.filter(|_| problems.is_empty()) else { return Err(Error::Invalid(problems)) };
    let plan = super::seen(context, actor, id)?;
    may(actor, Duty::Plans, &plan.jurisdiction, "draw plans")?;
    let mut new = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let delivered = draft.delivered.clone();
        let place = delivered.ok_or_else(|| Error::invalid("/geometry", "is missing or null: a zone has a place"));
        match place.and_then(|delivered| placed(context, &plan, delivered)) {
            Ok(place) => new.push(zone(&plan, Uuid::now_v7(), draft.props.clone(), place)),
            Err(error) => under(error, &draft.pointer, &mut problems)?,
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let day = today(context, &plan.jurisdiction)?;
    let ((), reached) = context.store.write(witness, |tx| {
        let plan = drawn(tx, &plan, actor, day)?;
        let facts = zones::facts(tx, &plan, false)?;
        if facts.count + new.len() > ZONES_MAX {
            return Err(Error::TooLarge {
                what: "the plan".into(),
                found: format!("{} zones", facts.count + new.len()),
                limit: format!("{ZONES_MAX} zones"),
            }
            .into());
        }
        let next = touch(tx, &plan, actor)?;
        zones::insert(tx, &mut new)?;
        let mut more = vec![("zones", new.len().to_string())];
        if let [one] = new.as_slice() {
            more.push(("zone", one.id.to_string()));
        }
        tx.audit(&plan.jurisdiction, entry(Deed::Create, &next, "zones", more))
    })?;
    refresh::after_commit(context, actor, &reached);
    Ok(new.iter().map(|zone| zone.id).collect())
}

fn zone(plan: &Plan, id: Uuid, mut props: ZoneProps, place: Placed) -> Zone {
    if props.code.is_none() {
        let hex = id.simple().to_string();
        props.code = Some(format!("Z-{}", hex[hex.len() - 12..].to_uppercase()));
    }
    Zone {
        jurisdiction: plan.jurisdiction.clone(),
        id,
        plan: plan.id,
        zone: id,
        props,
        place,
        version: 1,
        revision: 0,
        recorded_at: Timestamp::UNIX_EPOCH,
    }
}

fn check_version(zone: &Zone, expected: Option<i32>) -> Result<()> {
    match expected {
        Some(version) if version != zone.version => Err(Error::Changed(format!(
            "the zone has version {} now, not {version}: read it again before you change it",
            zone.version
        ))),
        _ => Ok(()),
    }
}

/// Replaces a zone of a plan that is a draft. `expected` is the version it must still have.
///
/// # Errors
/// As [`create`], and [`Error::Changed`].
pub fn replace(
    context: &Context,
    witness: Witness<'_>,
    id: Uuid,
    expected: Option<i32>,
    draft: &ZoneDraft,
) -> Result<ZoneView> {
    let actor = witness.actor;
    let ZoneView { zone: present, plan, .. } = get(context, actor, id)?;
    may(actor, Duty::Plans, &plan.jurisdiction, "draw plans")?;
    check_version(&present, expected)?;
    if draft.plan.is_some_and(|other| other != plan.id) {
        return Err(Error::invalid("/properties/plan", "is another plan: a zone stays in its own"));
    }
    let place = match &draft.delivered {
        Some(delivered) => placed(context, &plan, delivered.clone())?,
        None => present.place.clone(),
    };
    let mut props = draft.props.clone();
    props.code = props.code.or_else(|| present.props.code.clone());
    let mut next = Zone { props, place, ..present.clone() };
    let day = today(context, &plan.jurisdiction)?;
    let ((), reached) = context.store.write(witness, |tx| {
        let plan = drawn(tx, &plan, actor, day)?;
        zones::update(tx, present.version, &mut next)?;
        let touched = touch(tx, &plan, actor)?;
        let more = vec![("zone", id.to_string()), ("zone_code", next.code().to_owned())];
        tx.audit(&plan.jurisdiction, entry(Deed::Replace, &touched, "zones", more))
    })?;
    refresh::after_commit(context, actor, &reached);
    get(context, actor, id)
}

/// Withdraws a zone from a plan that is a draft. `expected` is the version it must still have.
///
/// # Errors
/// As [`replace`].
pub fn delete(context: &Context, witness: Witness<'_>, id: Uuid, expected: Option<i32>) -> Result<()> {
    let actor = witness.actor;
    let ZoneView { zone: present, plan, .. } = get(context, actor, id)?;
    may(actor, Duty::Plans, &plan.jurisdiction, "draw plans")?;
    check_version(&present, expected)?;
    let day = today(context, &plan.jurisdiction)?;
    let ((), reached) = context.store.write(witness, |tx| {
        let plan = drawn(tx, &plan, actor, day)?;
        zones::delete(tx, &present)?;
        let touched = touch(tx, &plan, actor)?;
        let more = vec![("zone", id.to_string()), ("zone_code", present.code().to_owned())];
        tx.audit(&plan.jurisdiction, entry(Deed::Delete, &touched, "zones", more))
    })?;
    refresh::after_commit(context, actor, &reached);
    Ok(())
}
