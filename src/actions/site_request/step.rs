//! The one way on: an event is read, judged by the table and its guards inside one transaction, and written with all that
//! follows from it.
//!
//! A decision is judged three times: the kept check is asked again on the state that the database had come to; inside the
//! transaction, after its revision was raised, the database is asked for whatever changed near the place since, and for corridors
//! that take it. From there on nobody else writes in the jurisdiction, or in a neighbour that was looked at, so a corridor that comes
//! into force and an approval cannot pass each other.

use std::cell::Cell;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::check::{self, Write};
use super::{WholeCase, check_version, effects, get, locked, notice, read, territory};
use crate::actions::{Context, Reader, Witness, password, refresh};
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditEntry, Deed, Digest, hex};
use crate::domain::case_clock::Office;
use crate::domain::document::DocumentKind;
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::reference::REACH;
use crate::domain::rules::{CaseKey, Parameter};
use crate::domain::session::digest;
use crate::domain::site_check::CheckCode;
use crate::domain::site_request::case::{Case, CaseEvent, Noted, RunNoted};
use crate::domain::site_request::guards::{Asked, RunNow, allowed, step};
use crate::domain::site_request::limits::Limits;
use crate::domain::site_request::table::{Row, TABLE, decides};
use crate::domain::site_request::told::{Stated, Surveyed, Told};
use crate::domain::site_request::words::{Event, Guard, State, Waits};
use crate::domain::site_request::{Filed, WORD};
use crate::domain::word::Word;
use crate::domain::workflow::{self, Refusal};
use crate::error::{Error, Result};
use crate::geometry::{Geometry, Metres, crs};
use crate::store::site_request::{self as store, Copies};
use crate::store::{Stored, WriteTx, calendar, document};

/// How often a decision is made again where something near the place changed between its two looks.
const ATTEMPTS_MAX: u32 = 3;

/// An event as somebody sends it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The event.
    pub event: Event,
    /// What is said with it.
    pub told: Told,
    /// Why.
    pub reason: Option<String>,
    /// The version of the case that is meant.
    pub expected: i32,
}

/// What is known before the transaction begins.
struct Prepared {
    /// The check that ran for this event.
    ran: Option<RunNoted>,
    /// The run of the case as it stands now.
    now: Option<check::Now>,
    /// The receipt's secret.
    secret: Option<String>,
}

/// What a step is judged by besides what is said.
struct Facts {
    day: Date,
    run: Option<RunNow>,
    deviation_m: Option<f64>,
    limits: Limits,
    kept: Vec<(DocumentKind, Digest)>,
}

impl Facts {
    fn on(day: Date) -> Self {
        Self { day, run: None, deviation_m: None, limits: Limits::default(), kept: Vec::new() }
    }
}

/// What a step says and is judged by.
struct Step<'s> {
    context: &'s Context,
    /// Who sends it; none: the service itself.
    actor: Option<&'s Actor>,
    name: &'s str,
    organisation: Option<&'s str>,
    event: Event,
    told: &'s Told,
    stated: &'s Stated,
    reason: Option<&'s str>,
    jurisdiction: &'s Jurisdiction,
    /// Of the rule pack.
    parameters: &'s [Arc<Parameter>],
}

/// Sends an event to a request.
///
/// # Errors
/// [`Error::Invalid`] for what it says, [`Error::NotFound`] where the request is not there or not his to know,
/// [`Error::Changed`] where it has another version, [`Error::StepRefused`] with every guard that does not hold, [`Error::Busy`].
pub fn send(
    context: &Context,
    witness: Witness<'_>,
    reader: Reader<'_>,
    id: Uuid,
    sent: &Sent,
    write: Write<'_>,
) -> Result<WholeCase> {
    let stated = Stated::read(sent.event, &sent.told);
    let before = read(context, witness.actor, id)?;
    let stated =
        stated.map_err(|more| Error::Invalid(more.into_iter().map(|p| p.under("/data")).collect::<Vec<_>>()))?;
    check_version(&before.shown.filed, Some(sent.expected))?;
    let home = territory(context, &before.shown.filed.jurisdiction)?;
    let made = Step {
        context,
        actor: Some(witness.actor),
        name: &witness.actor.name,
        organisation: witness.actor.organisation.as_deref(),
        event: sent.event,
        told: &sent.told,
        stated: &stated,
        reason: sent.reason.as_deref(),
        jurisdiction: &home.jurisdiction,
        parameters: home.rules().parameters(),
    };
    let witness = witness.because(sent.reason.as_deref());
    let filed = &before.shown.filed;
    let mut prepared = Prepared { ran: None, now: None, secret: None };
    match sent.event {
        // The engine runs only for whom the event is.
        Event::Check => {
            made.judged(&before.case, filed, &Facts::on(before.day))?;
            prepared.ran = Some(check::run(context, witness, reader, filed, write)?);
        }
        // The number of a receipt stays, and so does the secret on it.
        Event::Accept if before.case.receipt.is_none() => prepared.secret = Some(password::generated()?),
        _ => {}
    }
    made.write(witness, filed, &before.case, prepared)
}

/// Lets the service itself make a step.
pub(super) fn by_itself(context: &Context, witness: Witness<'_>, id: Uuid, event: Event) -> Result<WholeCase> {
    let before = read(context, witness.actor, id)?;
    let home = territory(context, &before.shown.filed.jurisdiction)?;
    let made = Step {
        context,
        actor: None,
        name: &witness.actor.name,
        organisation: None,
        event,
        told: &Told::default(),
        stated: &Stated::Nothing,
        reason: None,
        jurisdiction: &home.jurisdiction,
        parameters: home.rules().parameters(),
    };
    let prepared = Prepared { ran: None, now: None, secret: None };
    made.write(witness, &before.shown.filed, &before.case, prepared)
}

impl Step<'_> {
    fn write(&self, witness: Witness<'_>, filed: &Filed, case: &Case, mut prepared: Prepared) -> Result<WholeCase> {
        let mut attempt = 1;
        let revisions = loop {
            if let Some(run) = case.run.as_ref().filter(|_| decides(self.event)) {
                prepared.now = Some(check::now(self.context, filed, run)?);
            }
            let stale = Cell::new(false);
            match self.context.store.write(witness, |tx| self.made(tx, filed, &prepared, &stale)) {
                Err(_) if stale.get() && attempt < ATTEMPTS_MAX => attempt += 1,
                Err(error) => return Err(error),
                Ok(((), revisions)) => break revisions,
            }
        };
        refresh::after_commit(self.context, witness.actor, &revisions);
        let done = get(self.context, witness.actor, filed.id)?;
        Ok(WholeCase { secret: prepared.secret, ..done })
    }

    /// All of a step, inside its transaction: rows are locked, the revision is raised, and then it is judged.
    fn made(&self, tx: &mut WriteTx<'_>, before: &Filed, prepared: &Prepared, stale: &Cell<bool>) -> Stored<()> {
        let now = locked(tx, before)?;
        let (revision, at) = tx.raise(&now.jurisdiction)?;
        let events = store::events_in(tx, &now.jurisdiction, now.id)?;
        let mut case = Case::of(&events);
        let day = at.to_zoned(self.jurisdiction.time_zone()).date();
        let limits = Limits::on(self.parameters, day);
        let deviation_m = self.deviation_m(&now, case.surveyed.as_ref());
        let run = prepared.now.as_ref().map(|now| now.run.clone());
        let kept = self.kept(tx, &now)?;
        let row = self.judged(&case, &now, &Facts { day, run, deviation_m, limits, kept })?;
        if let Some(check::Now { run, looked_at, reach_m }) = &prepared.now {
            let neighbours: Vec<String> = looked_at.iter().skip(1).map(|of| of.jurisdiction.clone()).collect();
            tx.keep_still(&neighbours)?;
            let reach = Metres::new(*reach_m).unwrap_or(Metres::ZERO);
            let found = store::in_the_way(tx, looked_at, (reach, REACH), day)?;
            let approves = matches!(self.event, Event::Approve | Event::ApproveWithConditions);
            let waived = run.waived.contains(&CheckCode::Cor);
            let blocks = |why: &str| why == "blocks" && approves && !waived;
            stale.set(found.iter().any(|way| way.why != "blocks"));
            if stale.get() || found.iter().any(|way| blocks(&way.why)) {
                let missing = "something near the place changed since the check; send «check»".to_owned();
                return Err(self.refusal(&case, &now, Refusal::Unmet(vec![(Guard::CheckFresh, missing)])).into());
            }
        }
        let event = CaseEvent {
            revision,
            seq: case.seq + 1,
            event: self.event,
            from: now.state,
            to: row.to,
            actor: self.name.to_owned(),
            organisation: self.organisation.map(str::to_owned),
            at,
            reason: self.reason.map(str::to_owned),
            data: self.told.clone(),
            stated: self.stated.clone(),
            noted: self.noted(&case, &now, prepared, (day, revision), limits, deviation_m),
        };
        self.written(tx, &now, &mut case, event, day)
    }

    /// Writes an event that was judged, and what follows from it.
    fn written(
        &self,
        tx: &mut WriteTx<'_>,
        now: &Filed,
        case: &mut Case,
        mut event: CaseEvent,
        day: Date,
    ) -> Stored<()> {
        if let Stated::Work(named) = self.stated {
            let reach = self.context.reach();
            event.noted.work = Some(effects::stands(tx, now, case, *named, self.jurisdiction, reach)?);
        }
        let ticks = case.clock.len();
        case.then(&event);
        let mut next = Filed { state: event.to, receipt: case.receipt.clone(), work: case.work, ..now.clone() };
        if case.clock.len() != ticks {
            next.due_on = self.due_on(tx, case, event.at)?;
        }
        next.projected = effects::project(tx, &next, case.shared.is_some())?;
        let copies = copies(case, day);
        let next = store::update(tx, next, &copies)?;
        store::append(tx, &next, &event)?;
        tx.audit(&next.jurisdiction, entry(&next, &event))?;
        notice::tell(tx, &next, case, &event, &copies)
    }

    /// The day at whose end the answer is due, by the calendar of the jurisdiction; none where no clock runs, or nobody set a
    /// calendar that reaches so far.
    fn due_on(&self, tx: &mut WriteTx<'_>, case: &Case, at: Timestamp) -> Stored<Option<Date>> {
        let Some(run) = case.clock_run().filter(|run| run.stopped.is_none()) else { return Ok(None) };
        let Some(found) = calendar::find(tx, &self.jurisdiction.code)? else { return Ok(None) };
        let day = at.to_zoned(self.jurisdiction.time_zone()).date();
        let cut_off = CaseKey::CutOffMinutes.on(self.parameters, day).map_or(Time::MAX, |hour| hour.hour());
        let office = Office { calendar: &found.calendar, time_zone: self.jurisdiction.time_zone(), cut_off };
        Ok(run.read(&office, at).ok().map(|clock| clock.due))
    }

    /// The documents of a request, where the step asks for them.
    fn kept(&self, tx: &mut WriteTx<'_>, of: &Filed) -> Stored<Vec<(DocumentKind, Digest)>> {
        let asks =
            workflow::row(TABLE, of.state, self.event).is_some_and(|row| row.guards.contains(&Guard::Documented));
        if asks { document::kept_in(tx, &of.jurisdiction, (WORD, of.id)) } else { Ok(Vec::new()) }
    }

    /// The row of the step, where all that it needs holds.
    fn judged(&self, case: &Case, filed: &Filed, facts: &Facts) -> Result<&'static Row> {
        let asked = self.asked(filed, facts);
        step(case, self.event, &asked).map_err(|refusal| self.refusal(case, filed, refusal))
    }

    fn asked<'a>(&'a self, filed: &'a Filed, facts: &'a Facts) -> Asked<'a> {
        Asked {
            actor: self.actor,
            jurisdiction: &filed.jurisdiction,
            props: &filed.body.props,
            kept: &facts.kept,
            stated: self.stated,
            reason: self.reason,
            day: facts.day,
            run: facts.run.clone(),
            deviation_m: facts.deviation_m,
            limits: facts.limits,
        }
    }

    fn refusal(&self, case: &Case, filed: &Filed, refusal: Refusal<Guard>) -> Error {
        let owner = &filed.body.props.organisation;
        let may = self.actor.map(|actor| allowed(case, actor, &filed.jurisdiction, owner)).unwrap_or_default();
        let (detail, unmet) = match refusal {
            Refusal::NotFromHere => {
                (format!("«{}» is not for a request that is {}", self.event, case.state), Vec::new())
            }
            Refusal::NotYours => (format!("«{}» is not for you to send", self.event), Vec::new()),
            Refusal::Unmet(unmet) => (format!("«{}» cannot be done yet", self.event), unmet),
        };
        Error::StepRefused {
            detail,
            allowed: may.iter().map(ToString::to_string).collect(),
            unmet: unmet.into_iter().map(|(guard, missing)| (guard.to_string(), missing)).collect(),
        }
    }

    /// How far what was surveyed lies from the place, on the working grid.
    fn deviation_m(&self, of: &Filed, surveyed: Option<&Surveyed>) -> Option<f64> {
        let surveyed = surveyed.filter(|_| self.event == Event::Verify)?;
        let point = Geometry::Point((surveyed.x, surveyed.y).into());
        let Ok(Geometry::Point(stands)) = crs::project(&point, surveyed.crs, of.body.place.grid_crs) else {
            return None;
        };
        let place = of.body.on_grid();
        Some((stands.x() - place.x).hypot(stands.y() - place.y))
    }

    /// What the service adds to the event.
    fn noted(
        &self,
        case: &Case,
        now: &Filed,
        prepared: &Prepared,
        (day, revision): (Date, i64),
        limits: Limits,
        deviation_m: Option<f64>,
    ) -> Noted {
        let mut noted = Noted { run: prepared.ran.clone(), ..Noted::default() };
        match self.event {
            Event::Submit => {
                let (text, hash) = now.body.snapshot(&now.jurisdiction);
                (noted.snapshot, noted.snapshot_hash) = (Some(text), Some(hash));
            }
            Event::Accept if case.receipt.is_none() => {
                noted.term_days = limits.term_days;
                noted.receipt = Some(format!("{}-{}-{revision:06}", now.jurisdiction, day.year()));
                noted.secret = prepared.secret.as_deref().map(digest);
            }
            Event::Consult => {
                let stated = if let Stated::Consultation { due_on, .. } = self.stated { *due_on } else { None };
                noted.answer_by = stated.or_else(|| limits.answer_by(day));
            }
            Event::Answer => {
                let facts = Facts { limits, ..Facts::on(day) };
                noted.answered_for = self.asked(now, &facts).answers_for().map(str::to_owned);
            }
            Event::IssuePermit | Event::RecordAgreement => noted.permit = limits.permit(day),
            Event::Verify => noted.deviation_m = deviation_m,
            event if decides(event) => {
                let (text, hash) = decided_on(case, now);
                (noted.snapshot, noted.snapshot_hash) = (Some(text), Some(hash));
            }
            _ => {}
        }
        noted
    }
}

/// What a decision is made on, as a canonical text: what was submitted, the version, the check run, every consultation, what was
/// recommended.
fn decided_on(case: &Case, now: &Filed) -> (String, Digest) {
    let mut lines = vec![format!("version {}", now.version), format!("events {}", case.seq)];
    lines.extend(case.submitted.map(|digest| format!("submitted {}", hex(&digest))));
    lines.extend(case.run.as_ref().map(|run| format!("run {} {}", run.run, hex(&run.hash))));
    for asked in &case.consultations {
        let answer = asked.answered.as_ref().map_or("lapsed", |(answer, _, _)| answer.as_str());
        lines.push(format!("consultation {} {answer}", asked.organisation));
    }
    lines.extend(case.advice.as_ref().map(|(advice, _)| format!("advice {advice}")));
    let text = lines.join("\n");
    let digest = Sha256::digest(text.as_bytes()).into();
    (text, digest)
}

/// Copies of what a case has come to.
fn copies(case: &Case, day: Date) -> Copies {
    let asked = if case.state == State::Consulting { case.asked(day) } else { Vec::new() };
    let open = case.consultations.iter().filter(|c| c.asked_at.is_some() && c.is_open(day));
    let asked_until = open.filter_map(|c| c.answer_by).max().filter(|_| !asked.is_empty());
    let waits_for = match case.state.waits_for() {
        Some(Waits::Consultee) if asked.is_empty() => Some(Waits::Officer),
        other => other,
    };
    let ends_on = case.permit.as_ref().map(|(_, _, to)| *to);
    Copies { waits_for, asked, asked_until, secret: case.secret, ends_on }
}

/// The audit entry of a step.
fn entry(filed: &Filed, event: &CaseEvent) -> AuditEntry {
    let props = &filed.body.props;
    let mut detail = vec![
        ("noun", WORD.to_owned()),
        ("code", props.code.clone().unwrap_or_default()),
        ("event", event.event.to_string()),
        ("from", event.from.to_string()),
        ("to", event.to.to_string()),
        ("version", filed.version.to_string()),
    ];
    detail.extend(event.noted.snapshot_hash.map(|digest| ("snapshot_sha256", hex(&digest))));
    if let Stated::Decision(signed) = &event.stated {
        detail.push(("run", signed.run.to_string()));
        detail.push(("run_sha256", hex(&signed.run_hash)));
        detail.push(("file_sha256", hex(&signed.file)));
    }
    let owner = Some(props.organisation.clone());
    AuditEntry { deed: Deed::Step, layer: None, subject: Some(filed.id), owner, detail }
}
