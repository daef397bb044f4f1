//! The one way on: an event is read, judged by the table and its guards inside one transaction, and written with all that
//! follows from it.
//!
//! A decision is judged three times: the kept check is asked again on the state that the database had come to; inside the
//! transaction, after its revision was raised, the database is asked for whatever changed near the place since, and for corridors
//! that take it. From there on nobody else writes in the jurisdiction, or in a neighbour that was looked at, so a corridor that comes
//! into force and an approval cannot pass each other.

use std::cell::Cell;
use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use super::check::{self, Write};
use super::traces::{copies, decided_on, entry};
use super::{WholeCase, antennas, check_version, effects, get, locked, notice, read, territory};
use crate::actions::{Context, Reader, Witness, password, refresh};
use crate::domain::actor::Actor;
use crate::domain::audit::Digest;
use crate::domain::calendar::RegisteredCalendar;
use crate::domain::document::DocumentKind;
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::reference::REACH;
use crate::domain::rules::Parameter;
use crate::domain::session::digest;
use crate::domain::site_check::CheckCode;
use crate::domain::site_request::case::{Case, CaseEvent, Noted};
use crate::domain::site_request::guards::{Asked, RunNow, allowed, step, too_early};
use crate::domain::site_request::limits::Limits;
use crate::domain::site_request::reader::Standing;
use crate::domain::site_request::table::{OF_TIMER, Row, TABLE, decides};
use crate::domain::site_request::timing::Counting;
use crate::domain::site_request::told::{Stated, Surveyed, Told};
use crate::domain::site_request::words::{Event, Guard};
use crate::domain::site_request::{Filed, WORD};
use crate::domain::workflow::{self, ClockEffect, Refusal};
use crate::error::{Error, Result};
use crate::geometry::{Geometry, Metres, crs};
use crate::store::site_request as store;
use crate::store::{Stored, WriteTx, calendar, document, rules};

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
    ran: Option<check::Ran>,
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
    uncounted: Option<String>,
    due: Option<Date>,
}

impl Facts {
    fn on(day: Date) -> Self {
        Self {
            day,
            run: None,
            deviation_m: None,
            limits: Limits::default(),
            kept: Vec::new(),
            uncounted: None,
            due: None,
        }
    }
}

/// What a step is judged and counted by, as it stands once nobody else writes in the jurisdiction.
struct Office {
    parameters: Vec<Arc<Parameter>>,
    calendar: Option<RegisteredCalendar>,
}

/// What a step says and is judged by.
struct Step<'s> {
    context: &'s Context,
    /// Who sends it; none: the service itself.
    actor: Option<&'s Actor>,
    /// Who is shown what becomes of it.
    reader: Option<Reader<'s>>,
    name: &'s str,
    organisation: Option<&'s str>,
    event: Event,
    told: &'s Told,
    stated: &'s Stated,
    reason: Option<&'s str>,
    jurisdiction: &'s Jurisdiction,
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
    // Whoever was asked knows of no version, and nothing is his to send: that is what he is told.
    if before.shown.standing != Standing::WasAsked {
        check_version(&before.shown, Some(sent.expected))?;
    }
    let home = territory(context, &before.shown.filed.jurisdiction)?;
    let made = Step {
        context,
        actor: Some(witness.actor),
        reader: Some(reader),
        name: &witness.actor.name,
        organisation: witness.actor.organisation.as_deref(),
        event: sent.event,
        told: &sent.told,
        stated: &stated,
        reason: sent.reason.as_deref(),
        jurisdiction: &home.jurisdiction,
    };
    let witness = witness.because(sent.reason.as_deref());
    let filed = &before.shown.filed;
    let mut prepared = Prepared { ran: None, now: None, secret: None };
    match sent.event {
        // The engine runs only for whom the event is.
        Event::Check => {
            made.judged(&before.case, filed, &Facts::on(before.day))?;
            prepared.ran = Some(check::run(context, reader, filed, write)?);
        }
        // The number of a receipt stays, and so does the secret on it.
        Event::Accept if before.case.receipt.is_none() => prepared.secret = Some(password::generated()?),
        _ => {}
    }
    made.write(witness, filed, &before.case, prepared)
}

/// Lets the service itself make a step, with a reason where there is one to tell.
pub(super) fn by_itself(
    context: &Context,
    witness: Witness<'_>,
    id: Uuid,
    event: Event,
    reason: Option<&str>,
) -> Result<WholeCase> {
    let before = read(context, witness.actor, id)?;
    let home = territory(context, &before.shown.filed.jurisdiction)?;
    let made = Step {
        context,
        actor: None,
        reader: None,
        name: &witness.actor.name,
        organisation: None,
        event,
        told: &Told::default(),
        stated: &Stated::Nothing,
        reason,
        jurisdiction: &home.jurisdiction,
    };
    // The engine runs only where silence may come to something.
    if event == Event::DeemApproved {
        made.moment_has_come(&before)?;
    }
    let prepared = Prepared { ran: None, now: None, secret: None };
    made.write(witness.because(reason), &before.shown.filed, &before.case, prepared)
}

impl Step<'_> {
    fn write(&self, witness: Witness<'_>, filed: &Filed, case: &Case, mut prepared: Prepared) -> Result<WholeCase> {
        let mut attempt = 1;
        let revisions = loop {
            prepared.now = match &case.run {
                Some(run) if decides(self.event) || self.event == Event::DeemApproved => {
                    Some(check::now(self.context, filed, run)?)
                }
                None if self.event == Event::DeemApproved => Some(check::unchecked(self.context, filed)?),
                _ => None,
            };
            let stale = Cell::new(false);
            match self.context.store.write(witness, |tx| self.made(tx, filed, &prepared, &stale)) {
                Err(_) if stale.get() && attempt < ATTEMPTS_MAX => attempt += 1,
                Err(error) => return Err(error),
                Ok(((), revisions)) => break revisions,
            }
        };
        refresh::after_commit(self.context, witness.actor, &revisions);
        let done = match self.reader {
            Some(reader) => get(self.context, reader, filed.id)?,
            None => read(self.context, witness.actor, filed.id)?,
        };
        Ok(WholeCase { secret: prepared.secret, ..done })
    }

    /// All of a step, inside its transaction: rows are locked, the revision is raised, and then it is judged.
    fn made(&self, tx: &mut WriteTx<'_>, before: &Filed, prepared: &Prepared, stale: &Cell<bool>) -> Stored<()> {
        let now = locked(tx, before)?;
        let (revision, at) = tx.raise(&now.jurisdiction)?;
        let events = store::events_in(tx, &now.jurisdiction, now.id)?;
        let mut case = Case::of(&events);
        let day = at.to_zoned(self.jurisdiction.time_zone()).date();
        let office = self.office(tx, &now)?;
        let counting = self.counting(&office);
        let limits = Limits::on(&office.parameters, day);
        let begins = self.begins_clock(&case);
        let facts = Facts {
            day,
            run: prepared.now.as_ref().map(|now| now.run.clone()),
            deviation_m: self.deviation_m(&now, case.surveyed.as_ref()),
            limits,
            kept: self.kept(tx, &now)?,
            uncounted: if begins { counting.lacks(limits.term_days, at) } else { None },
            due: counting.due(&case, at),
        };
        let row = self.judged(&case, &now, &facts)?;
        if let Some(check::Now { run, looked_at, reach_m }) = &prepared.now {
            let waived = run.is_waived(CheckCode::Cor);
            let neighbours: Vec<String> = looked_at.iter().skip(1).map(|of| of.jurisdiction.clone()).collect();
            tx.keep_still(&neighbours)?;
            let reach = Metres::new(*reach_m).unwrap_or(Metres::ZERO);
            let found = store::in_the_way(tx, looked_at, (reach, REACH), day)?;
            let approves = matches!(self.event, Event::Approve | Event::ApproveWithConditions | Event::DeemApproved);
            let blocks = |why: &str| why == "blocks" && approves && !waived;
            stale.set(found.iter().any(|way| way.why != "blocks"));
            if stale.get() || found.iter().any(|way| blocks(&way.why)) {
                let missing = "something near the place changed since the check; send «check»".to_owned();
                return Err(self.refusal(&case, &now, Refusal::Unmet(vec![(Guard::CheckFresh, missing)])).into());
            }
        }
        let mut noted = self.noted(&case, &now, prepared, revision, &facts)?;
        if let Some(ran) = &prepared.ran {
            noted.run = Some(ran.kept(tx)?);
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
            noted,
        };
        self.written(tx, &now, &mut case, event, (day, &counting))
    }

    /// By what it is judged and counted: read once the revision is raised, and so after everybody else's.
    fn office(&self, tx: &mut WriteTx<'_>, now: &Filed) -> Stored<Office> {
        let parameters = rules::of_cases_in(tx, &now.jurisdiction)?;
        let row = workflow::row(TABLE, now.state, self.event);
        let ticks = row.is_some_and(|row| row.clock != ClockEffect::Keeps) || self.event == Event::Extend;
        let counts = ticks || OF_TIMER.contains(&self.event);
        let calendar = if counts { calendar::find(tx, &now.jurisdiction)? } else { None };
        Ok(Office { parameters, calendar })
    }

    fn counting<'o>(&self, office: &'o Office) -> Counting<'o> {
        Counting {
            calendar: office.calendar.as_ref().map(|found| &found.calendar),
            time_zone: self.jurisdiction.time_zone(),
            parameters: &office.parameters,
        }
    }

    /// A clock begins with this step.
    fn begins_clock(&self, case: &Case) -> bool {
        let starts = workflow::row(TABLE, case.state, self.event).is_some_and(|row| row.clock == ClockEffect::Starts);
        starts && case.clock_run().is_none_or(|run| run.stopped.is_some())
    }

    /// Writes an event that was judged, and what follows from it.
    fn written(
        &self,
        tx: &mut WriteTx<'_>,
        now: &Filed,
        case: &mut Case,
        mut event: CaseEvent,
        (day, counting): (Date, &Counting<'_>),
    ) -> Stored<()> {
        if let Stated::Work(named) = self.stated {
            let reach = self.context.reach();
            event.noted.work = Some(effects::stands(tx, now, case, *named, self.jurisdiction, reach)?);
        }
        let clock = case.clock.clone();
        case.then(&event);
        let mut next = Filed { state: event.to, receipt: case.receipt.clone(), work: case.work, ..now.clone() };
        if case.clock != clock {
            next.due_on = counting.due(case, event.at);
        }
        // What it says of the place changes with a permit alone, and whoever is asked does not see it.
        let comes_or_goes = effects::stands_for(&next, case.shared.is_some()) != now.projected.is_some();
        if comes_or_goes || next.state.is_permitted() != now.state.is_permitted() {
            next.projected = effects::project(tx, &next, case.shared.is_some())?;
        }
        antennas::keep(tx, self.context, now, &next, case, day)?;
        let copies = copies(&mut next, case, day);
        let next = store::update(tx, next, &copies)?;
        store::append(tx, &next, &event)?;
        tx.audit(&next.jurisdiction, entry(&next, &event))?;
        notice::tell(tx, &next, &event, &copies)
    }

    /// Its moment may have come, by what is stored.
    fn moment_has_come(&self, before: &WholeCase) -> Result<()> {
        let filed = &before.shown.filed;
        let parameters = self.context.store.read(|conn| rules::of_cases(conn, &filed.jurisdiction))?;
        let facts = Facts { due: filed.due_on, limits: Limits::on(&parameters, before.day), ..Facts::on(before.day) };
        match too_early(&before.case, self.event, &self.asked(filed, &facts)) {
            Some(refusal) => Err(self.refusal(&before.case, filed, refusal)),
            None => Ok(()),
        }
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
            uncounted: facts.uncounted.clone(),
            due: facts.due,
        }
    }

    fn refusal(&self, case: &Case, filed: &Filed, refusal: Refusal<Guard>) -> Error {
        let (owner, asked) = (&filed.body.props.organisation, case.consulted());
        let may = |actor: &Actor| allowed(case.state, &asked, actor, &filed.jurisdiction, owner);
        let may = self.actor.map(may).unwrap_or_default();
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
    fn noted(&self, case: &Case, now: &Filed, prepared: &Prepared, revision: i64, facts: &Facts) -> Result<Noted> {
        let (day, limits) = (facts.day, facts.limits);
        let term_days = limits.term_days.filter(|_| self.begins_clock(case));
        let mut noted = Noted { term_days, ..Noted::default() };
        match self.event {
            Event::Submit => {
                let (text, hash) = now.body.snapshot(&now.jurisdiction);
                (noted.snapshot, noted.snapshot_hash) = (Some(text), Some(hash));
            }
            Event::Accept if case.receipt.is_none() => {
                noted.receipt = Some(format!("{}-{}-{revision:06}", now.jurisdiction, day.year()));
                noted.secret = prepared.secret.as_deref().map(digest);
            }
            Event::Consult => {
                let stated = if let Stated::Consultation { due_on, .. } = self.stated { *due_on } else { None };
                noted.answer_by = stated.or_else(|| limits.answer_by(day));
            }
            Event::Answer => {
                noted.answered_for = self.asked(now, facts).answers_for().map(str::to_owned);
            }
            Event::IssuePermit | Event::RecordAgreement => noted.permit = limits.permit(day),
            Event::Verify => noted.deviation_m = facts.deviation_m,
            Event::LapseConsultation => noted.lapsed = case.over(day).map(|c| c.organisation.clone()).collect(),
            Event::Escalate => noted.overdue = facts.due,
            event if decides(event) || event == Event::DeemApproved => {
                let (text, hash) = decided_on(case, now)?;
                (noted.snapshot, noted.snapshot_hash) = (Some(text), Some(hash));
            }
            _ => {}
        }
        Ok(noted)
    }
}
