//! Site requests: a carrier files one, edits it while it is his, and sends it; what is done to it then is a step of its
//! workflow.
//!
//! Read in this order: this file (filing and finding; `reading` is who reads what), [`step`] (the one way on; `judging` asks the table), `check` (the automatic checks of a case),
//! `effects` (what else a step writes: the reference feature that keeps others off, the work), [`inbox`] and [`tracking`], [`version`] (what was
//! recorded of it before).

mod antennas;
mod check;
mod effects;
pub mod inbox;
mod judging;
pub mod lapse;
mod notice;
mod reading;
pub(super) mod recount;
pub mod step;
mod traces;
pub mod tracking;
pub mod version;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

pub use self::reading::get;
pub(super) use self::reading::read;
use self::reading::uncounted;
use super::feature::{ListQuery, under_geometry};
use super::{Context, Witness, forbidden};
use crate::clock;
use crate::domain::actor::{Actor, Role};
use crate::domain::audit::{AuditEntry, Deed, RecordedHead};
use crate::domain::calendar::Calendar;
use crate::domain::case_clock::CaseClock;
use crate::domain::document::DocumentKind;
use crate::domain::place::{Delivered, jurisdiction_of};
use crate::domain::site_request::case::{Case, CaseEvent};
use crate::domain::site_request::guards::allowed;
use crate::domain::site_request::reader::{CaseReader, Standing, Uncounted, due_for};
use crate::domain::site_request::timing::Timing;
use crate::domain::site_request::told::Told;
use crate::domain::site_request::words::Event;
use crate::domain::site_request::{Filed, SiteRequest, SiteRequestProps, WORD};
use crate::error::{Error, Result};
use crate::geometry::Problem;
use crate::index::Territory;
use crate::store::case_rules::CaseRules;
use crate::store::records::ListFilter;
use crate::store::seen::see;
use crate::store::site_request as store;
use crate::store::{Connection, Stored, WriteTx};

/// What a document says of a request.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The properties.
    pub told: Told,
    /// The jurisdiction named among them; `None`: chosen by place.
    pub jurisdiction: Option<String>,
    /// The place; `None`: the present one stays.
    pub delivered: Option<Delivered>,
}

/// A request with what somebody may do with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The request.
    pub filed: Filed,
    /// The events that he may send now.
    pub allowed: Vec<Event>,
    /// Until when it waits for him, where he is asked, or else for whomever it waits for.
    pub timing: Timing,
    /// By what he sees it.
    pub standing: Standing,
    /// What of it does not count for him.
    pub uncounted: Uncounted,
}

impl Shown {
    /// The request as it is counted for him.
    #[must_use]
    pub fn counted(&self) -> Cow<'_, Filed> {
        self.uncounted.of(&self.filed)
    }

    /// Its version as he reads it, and names it.
    #[must_use]
    pub fn version(&self) -> i32 {
        self.filed.version - self.uncounted.versions
    }
}

/// A request with its whole case.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeCase {
    /// The request, and what may be done.
    pub shown: Shown,
    /// What its events add up to.
    pub case: Case,
    /// Its events, in their order.
    pub events: Vec<CaseEvent>,
    /// The day in the jurisdiction.
    pub day: Date,
    /// The secret on the receipt: told once, to whoever accepted it.
    pub secret: Option<String>,
    /// Who reads it.
    pub reader: CaseReader,
    /// What the clock shows, where it was ever begun and a calendar says it.
    pub clock: Option<CaseClock>,
    /// The kinds of documents that its dossier lacks, while it is looked at.
    pub missing: Vec<DocumentKind>,
    /// The heads of the audit trail after its events, by their revisions.
    pub heads: BTreeMap<i64, RecordedHead>,
    /// The restricted columns among those that could be shared.
    pub restricted: Vec<Uuid>,
}

fn not_there(id: Uuid) -> Error {
    Error::NotFound(format!("the {WORD} {id}"))
}

/// What somebody may do with a request, and until when, on a day there.
fn shown(
    actor: &Actor,
    filed: Filed,
    (calendar, day): (Option<&Calendar>, Date),
    uncounted: Option<&Uncounted>,
) -> Shown {
    let owner = &filed.body.props.organisation;
    let allowed = allowed(filed.state, &filed.consulted, actor, &filed.jurisdiction, owner);
    let timing = Timing::of(due_for(actor, &filed, day), calendar, day);
    let uncounted = uncounted.copied().unwrap_or_default();
    Shown { allowed, timing, standing: Standing::of(actor, &filed, day), uncounted, filed }
}

/// By what those jurisdictions count in which something of these is due.
fn case_rules<'f>(
    context: &Context,
    conn: &mut Connection,
    filed: impl Iterator<Item = &'f Filed>,
) -> Stored<BTreeMap<String, Arc<CaseRules>>> {
    let due = filed.filter(|filed| filed.due_on.is_some() || !filed.asked.is_empty());
    let places: BTreeSet<&str> = due.map(|filed| filed.jurisdiction.as_str()).collect();
    let mut all = BTreeMap::new();
    for code in places {
        all.insert(code.to_owned(), context.store.case_rules.of(conn, code)?);
    }
    Ok(all)
}

fn territory(context: &Context, code: &str) -> Result<Arc<Territory>> {
    let snapshot = context.index.snapshot();
    let found = snapshot.territory(code).cloned();
    found.ok_or_else(|| Error::Internal(format!("{code} left the index")))
}

/// The day of now in a jurisdiction.
pub(in crate::actions) fn today(context: &Context, code: &str) -> Result<Date> {
    Ok(clock::now().to_zoned(territory(context, code)?.jurisdiction.time_zone()).date())
}

/// Requests that somebody sees, by ascending id, and the last id where more follow.
///
/// # Errors
/// [`Error::Parameter`] for an unknown jurisdiction, [`Error::Busy`].
pub fn list(context: &Context, actor: &Actor, query: &ListQuery) -> Result<(Vec<Shown>, Option<Uuid>)> {
    let places = places(context, query.jurisdiction.as_deref())?;
    let sights = vec![(places, actor.sight_everywhere())];
    let filter =
        ListFilter { sights, boxes: query.boxes.clone(), after: query.after, limit: i64::from(query.limit) + 1 };
    // What is seen the policy of the table says.
    let (mut found, rules, uncounted) = context.store.snapshot(|conn| {
        see(conn, actor)?;
        let found = store::list(conn, &filter)?;
        let rules = case_rules(context, conn, found.iter())?;
        let uncounted = uncounted(conn, actor, found.iter())?;
        Ok((found, rules, uncounted))
    })?;
    let more = found.len() > query.limit as usize;
    found.truncate(query.limit as usize);
    let next = found.last().filter(|_| more).map(|filed| filed.id);
    let one = |filed: Filed| {
        let calendar = rules.get(&filed.jurisdiction).and_then(|rules| rules.days());
        let day = today(context, &filed.jurisdiction)?;
        let uncounted = uncounted.get(&filed.id);
        Ok(shown(actor, filed, (calendar, day), uncounted))
    };
    let mut found = found.into_iter().map(one).collect::<Result<Vec<_>>>()?;
    // Where it is whoever was asked does not go on knowing.
    found.retain(|shown| query.boxes.is_empty() || shown.standing != Standing::WasAsked);
    Ok((found, next))
}

/// The jurisdictions there are, or the one that is asked for.
pub(in crate::actions) fn places(context: &Context, only: Option<&str>) -> Result<Vec<String>> {
    let snapshot = context.index.snapshot();
    let all = snapshot.territories().map(|t| t.jurisdiction.code.clone());
    let places: Vec<String> = all.filter(|code| only.is_none_or(|only| only == code)).collect();
    match only {
        Some(only) if places.is_empty() => Err(Error::parameter("jurisdiction", format!("«{only}» is not registered"))),
        _ => Ok(places),
    }
}

/// Files a draft.
///
/// # Errors
/// [`Error::Invalid`] with every problem, [`Error::CodeTaken`], [`Error::Forbidden`], [`Error::Busy`].
pub fn create(context: &Context, witness: Witness<'_>, draft: &Draft) -> Result<WholeCase> {
    let actor = witness.actor;
    if !actor.roles.contains(&Role::Carrier) {
        return Err(forbidden(actor, "file a site request: it takes the role carrier"));
    }
    let props = SiteRequestProps::read(&draft.told, actor.organisation.as_deref());
    let home = home(context, draft);
    let (mut props, home) = both(props, home)?;
    let code = home.jurisdiction.code.clone();
    may_edit(actor, &code, &props)?;
    let id = Uuid::now_v7();
    if props.code.is_none() {
        props.code = Some(made_code(id));
    }
    let delivered = draft.delivered.clone().ok_or_else(no_place)?;
    let body = SiteRequest::build(props, delivered, &home.jurisdiction, context.reach()).map_err(under_geometry)?;
    let (filed, revisions) = context.store.write(witness, |tx| {
        let filed = store::insert(tx, &code, id, body.clone())?;
        written(tx, Deed::Create, &filed)?;
        Ok(filed)
    })?;
    super::refresh::after_commit(context, actor, &revisions);
    get(context, actor, filed.id)
}

/// Replaces what is asked for, while the carrier may write it. `expected` is the version it must still have.
///
/// # Errors
/// As [`create`], and [`Error::NotFound`], [`Error::Changed`], [`Error::StepRefused`] in a state in which nobody writes it.
pub fn replace(
    context: &Context,
    witness: Witness<'_>,
    id: Uuid,
    expected: Option<i32>,
    draft: &Draft,
) -> Result<WholeCase> {
    let actor = witness.actor;
    let present = read(context, actor, id)?.shown;
    editable(actor, &present)?;
    check_version(&present, expected)?;
    let present = present.filed;
    let props = SiteRequestProps::read(&draft.told, Some(&present.body.props.organisation));
    if draft.jurisdiction.as_ref().is_some_and(|code| code != "auto" && *code != present.jurisdiction) {
        let detail = format!("the request belongs to {}: delete it and file it there", present.jurisdiction);
        return Err(Error::invalid("/properties/jurisdiction", detail));
    }
    let mut props = props.map_err(Error::Invalid)?;
    may_edit(actor, &present.jurisdiction, &props)?;
    props.code = props.code.or_else(|| present.body.props.code.clone());
    let home = territory(context, &present.jurisdiction)?;
    let body = match &draft.delivered {
        Some(delivered) => SiteRequest::build(props, delivered.clone(), &home.jurisdiction, context.reach()),
        None => Ok(SiteRequest { props, place: present.body.place.clone() }),
    };
    let body = body.map_err(under_geometry)?;
    let day = today(context, &present.jurisdiction)?;
    let ((), revisions) = context.store.write(witness, |tx| {
        let now = locked(tx, &present)?;
        let events = store::events_in(tx, &now.jurisdiction, id)?;
        let case = Case::of(&events);
        let mut next = Filed { body: body.clone(), ..now };
        let copies = traces::copies(&mut next, &case, day);
        next.projected = effects::project(tx, &next, false)?;
        let next = store::update(tx, next, &copies)?;
        written(tx, Deed::Replace, &next)
    })?;
    super::refresh::after_commit(context, actor, &revisions);
    get(context, actor, id)
}

/// Deletes a draft.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Changed`], [`Error::StepRefused`] for what was submitted, [`Error::Busy`].
pub fn delete(context: &Context, witness: Witness<'_>, id: Uuid, expected: Option<i32>) -> Result<()> {
    let actor = witness.actor;
    let present = read(context, actor, id)?;
    editable(actor, &present.shown)?;
    if !present.events.is_empty() {
        return Err(refused("what was submitted once is not deleted: it may be withdrawn", &present.shown));
    }
    check_version(&present.shown, expected)?;
    let present = present.shown.filed;
    let ((), revisions) = context.store.write(witness, |tx| {
        let now = locked(tx, &present)?;
        store::delete(tx, &now)?;
        written(tx, Deed::Delete, &now)
    })?;
    super::refresh::after_commit(context, actor, &revisions);
    Ok(())
}

/// What was read and decided on must still be what stands there.
fn locked(tx: &mut WriteTx<'_>, present: &Filed) -> Stored<Filed> {
    let now = store::lock(tx, &present.jurisdiction, present.id)?.ok_or_else(|| not_there(present.id))?;
    if now.version != present.version {
        return Err(changed("the request was changed meanwhile").into());
    }
    Ok(now)
}

fn refused(detail: &str, shown: &Shown) -> Error {
    let allowed = shown.allowed.iter().map(ToString::to_string).collect();
    Error::StepRefused { detail: detail.into(), allowed, unmet: Vec::new() }
}

fn editable(actor: &Actor, shown: &Shown) -> Result<()> {
    may_edit(actor, &shown.filed.jurisdiction, &shown.filed.body.props)?;
    if shown.filed.state.is_editable() {
        return Ok(());
    }
    let detail = format!(
        "nobody writes a request that is {}: its carrier does while it is a draft, or returned for supplement",
        shown.filed.state
    );
    Err(refused(&detail, shown))
}

/// Somebody may write what is asked for, whatever its state.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn may_write(actor: &Actor, shown: &Shown) -> Result<()> {
    may_edit(actor, &shown.filed.jurisdiction, &shown.filed.body.props)
}

fn may_edit(actor: &Actor, jurisdiction: &str, props: &SiteRequestProps) -> Result<()> {
    let own = actor.organisation.as_deref() == Some(props.organisation.as_str());
    if own && actor.acts_as(Role::Carrier, jurisdiction) {
        return Ok(());
    }
    Err(forbidden(actor, &format!("write a {WORD} of {} in {jurisdiction}", props.organisation)))
}

/// It has the version that somebody names as he read it.
fn check_version(present: &Shown, expected: Option<i32>) -> Result<()> {
    match expected {
        Some(version) if version != present.version() => {
            Err(changed(&format!("the request has version {} now, not {version}", present.version())))
        }
        _ => Ok(()),
    }
}

fn changed(what: &str) -> Error {
    Error::Changed(format!("{what}: read it again before you change it"))
}

fn no_place() -> Error {
    Error::invalid("/geometry", "is missing or null: a column stands somewhere")
}

fn made_code(id: Uuid) -> String {
    let hex = id.simple().to_string();
    format!("Q-{}", &hex[hex.len() - 12..].to_uppercase())
}

/// The territory that is named, or the one in which the place lies.
fn home(context: &Context, draft: &Draft) -> Result<Arc<Territory>> {
    let snapshot = context.index.snapshot();
    if let Some(code) = draft.jurisdiction.as_deref().filter(|code| *code != "auto") {
        let unknown = || Error::invalid("/properties/jurisdiction", format!("«{code}» is not registered here"));
        return snapshot.territory(code).cloned().ok_or_else(unknown);
    }
    let delivered = draft.delivered.as_ref().ok_or_else(no_place)?;
    let all: Vec<_> = snapshot.territories().map(|t| Arc::clone(&t.jurisdiction)).collect();
    let found = jurisdiction_of(delivered, &all, context.reach());
    let outside = || Error::invalid("/geometry/coordinates", "lies in no registered jurisdiction");
    snapshot.territory(&found.ok_or_else(outside)?.code).cloned().ok_or_else(outside)
}

/// Both, or the problems of both.
fn both<T>(
    props: std::result::Result<SiteRequestProps, Vec<Problem>>,
    other: Result<T>,
) -> Result<(SiteRequestProps, T)> {
    match (props, other) {
        (Ok(props), Ok(other)) => Ok((props, other)),
        (Err(mut problems), Err(Error::Invalid(more))) => {
            problems.extend(more);
            Err(Error::Invalid(problems))
        }
        (Err(problems), _) => Err(Error::Invalid(problems)),
        (_, Err(error)) => Err(error),
    }
}

/// The audit entry of what is no step.
fn written(tx: &mut WriteTx<'_>, deed: Deed, filed: &Filed) -> Stored<()> {
    let detail = vec![
        ("noun", WORD.to_owned()),
        ("code", filed.body.props.code.clone().unwrap_or_default()),
        ("version", filed.version.to_string()),
    ];
    let owner = Some(filed.body.props.organisation.clone());
    tx.audit(&filed.jurisdiction, AuditEntry { deed, layer: None, subject: Some(filed.id), owner, detail })
}
