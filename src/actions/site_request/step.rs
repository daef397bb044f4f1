//! The one way on: an event is read, judged by the table and its guards inside one transaction, and written with all that
//! follows from it.
//!
//! A decision is judged three times: the kept check is asked again on the state that the database had come to; inside the
//! transaction, after its revision was raised, the database is asked for whatever changed near the place since, and for corridors
//! that take it. From there on nobody else writes in the jurisdiction, or in a neighbour that was looked at, so a corridor that comes
//! into force and an approval cannot pass each other.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::check::{self, Write};
use super::judging::Facts;
use super::reading::{get_after, note};
use super::traces::{copies, decided_on, entry};
use super::{WholeCase, antennas, check_version, effects, locked, notice, read, territory};
use crate::actions::{Context, Reader, Witness, password, refresh};
use crate::domain::actor::Actor;
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::reference::REACH;
use crate::domain::session::digest;
use crate::domain::site_check::CheckCode;
use crate::domain::site_request::Filed;
use crate::domain::site_request::case::{Case, CaseEvent, Noted};
use crate::domain::site_request::guards::too_early;
use crate::domain::site_request::limits::Limits;
use crate::domain::site_request::reader::Standing;
use crate::domain::site_request::table::{OF_TIMER, TABLE, decides};
use crate::domain::site_request::timing::Counting;
use crate::domain::site_request::told::{Stated, Told};
use crate::domain::site_request::words::{Event, Guard};
use crate::domain::workflow::{self, ClockEffect, Refusal};
use crate::error::{Error, Result};
use crate::geometry::Metres;
use crate::store::case_rules::CaseRules;
use crate::store::site_request as store;
use crate::store::{Stored, WriteTx};

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

/// What a step is judged and counted by, as it stands once nobody else writes in the jurisdiction.
struct Office {
    rules: Arc<CaseRules>,
    /// Its days are counted.
    counts: bool,
}

/// What a step says and is judged by.
pub(super) struct Step<'s> {
    pub(super) context: &'s Context,
    /// Who sends it; none: the service itself.
    pub(super) actor: Option<&'s Actor>,
    /// Who is shown what becomes of it, and the restricted columns of which that is noted already.
    pub(super) reader: Option<(Reader<'s>, &'s [Uuid])>,
    pub(super) name: &'s str,
    pub(super) organisation: Option<&'s str>,
    pub(super) event: Event,
    pub(super) told: &'s Told,
    pub(super) stated: &'s Stated,
    pub(super) reason: Option<&'s str>,
    pub(super) jurisdiction: &'s Jurisdiction,
}

/// Sends an event to a request, as it is said of one that he may know.
///
/// # Errors
/// [`Error::Invalid`] for what it says, [`Error::NotFound`] where the request is not there or not his to know,
/// [`Error::Changed`] where it has another version, [`Error::StepRefused`] with every guard that does not hold, [`Error::Busy`].
pub fn send(
    context: &Context,
    witness: Witness<'_>,
    reader: Reader<'_>,
    id: Uuid,
    sent: impl FnOnce() -> Result<Sent>,
    write: Write<'_>,
) -> Result<WholeCase> {
    // Who may not know of it hears nothing else.
    let mut before = read(context, witness.actor, id)?;
    let sent = &sent()?;
    // What is refused may name them, and what cannot be noted is not begun.
    let noted = before.restricted.clone();
    note(context, reader, &before.shown.filed.jurisdiction, &noted)?;
    let mut attempt = 1;
    loop {
        match sent_once(context, witness, (reader, &noted), &before, sent, write) {
            // What came between may count for him, which is looked at again, or not.
            Err(changed @ Error::Changed(_)) if attempt < ATTEMPTS_MAX => {
                before = read(context, witness.actor, id)?;
                if before.shown.version() != sent.expected {
                    return Err(changed);
                }
                attempt += 1;
            }
            done => return done,
        }
    }
}

fn sent_once(
    context: &Context,
    witness: Witness<'_>,
    (reader, noted): (Reader<'_>, &[Uuid]),
    before: &WholeCase,
    sent: &Sent,
    write: Write<'_>,
) -> Result<WholeCase> {
    let stated = Stated::read(sent.event, &sent.told);
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
        reader: Some((reader, noted)),
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
            Some((reader, noted)) => get_after(self.context, reader, filed.id, noted)?,
            None => read(self.context, witness.actor, filed.id)?,
        };
        Ok(WholeCase { secret: prepared.secret, ..done })
    }

    /// All of a step, inside its transaction: rows are locked, the revision is raised, and then it is judged.
    fn made(&self, tx: &mut WriteTx<'_>, before: &Filed, prepared: &Prepared, stale: &Cell<bool>) -> Stored<()> {
        let now = locked(tx, before)?;
        let events = store::events_in(tx, &now.jurisdiction, now.id)?;
        let mut case = Case::of(&events);
        let work = effects::work(tx, &now, &case, self.stated)?;
        let (revision, at) = tx.raise(&now.jurisdiction)?;
        let day = at.to_zoned(self.jurisdiction.time_zone()).date();
        let office = self.office(tx, &now)?;
        let counting = self.counting(&office);
        let limits = Limits::on(&office.rules.parameters, day);
        let begins = self.begins_clock(&case);
        let date = |at: Timestamp| at.to_zoned(self.jurisdiction.time_zone()).date();
        let facts = Facts {
            day,
            received: case.clock_run().map(|run| date(run.accepted)),
            submitted: case.submitted_at.map(date),
            run: prepared.now.as_ref().map(|now| now.run.clone()),
            deviation_m: self.deviation_m(&now, case.surveyed.as_ref()),
            limits,
            kept: self.kept(tx, &now)?,
            uncounted: if begins { counting.lacks(limits.term_days, at) } else { None },
            due: counting.due(&case, at),
            full: effects::full(tx, &now, self.stated, work.as_ref(), day)?,
        };
        let row = self.judged(&case, &now, &facts)?;
        if let Some(check::Now { run, looked_at, reach_m, day: looked_on }) = &prepared.now {
            // What was waived is what the check found. That it could not be checked, and that was waived, is no leave to stand there.
            let waived =
                case.found(CheckCode::Cor) && run.is_waived(CheckCode::Cor, &case, &now.body.props.organisation);
            let neighbours: Vec<String> = looked_at.iter().skip(1).map(|of| of.jurisdiction.clone()).collect();
            tx.keep_still(&neighbours)?;
            let reach = Metres::new(*reach_m).unwrap_or(Metres::ZERO);
            let found = store::in_the_way(tx, looked_at, (reach, REACH), day)?;
            let approves = matches!(self.event, Event::Approve | Event::ApproveWithConditions | Event::DeemApproved);
            let blocks = |why: &str| why == "blocks" && approves && !waived;
            // On another day other things count.
            stale.set(*looked_on != day || found.iter().any(|way| way.why != "blocks"));
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
        let row = workflow::row(TABLE, now.state, self.event);
        let ticks = row.is_some_and(|row| row.clock != ClockEffect::Keeps) || self.event == Event::Extend;
        let counts = ticks || OF_TIMER.contains(&self.event);
        Ok(Office { rules: self.context.store.case_rules.of_in(tx, &now.jurisdiction)?, counts })
    }

    fn counting<'o>(&self, office: &'o Office) -> Counting<'o> {
        Counting {
            calendar: office.rules.days().filter(|_| office.counts),
            time_zone: self.jurisdiction.time_zone(),
            parameters: &office.rules.parameters,
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
        if case.clock != clock || now.state.is_permitted() || next.state.is_permitted() {
            next.due_on = counting.due_of(case, event.at);
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
        notice::tell(tx, &next, case, &event, &copies)
    }

    /// Its moment may have come, by what is stored.
    fn moment_has_come(&self, before: &WholeCase) -> Result<()> {
        let filed = &before.shown.filed;
        let rules = self.context.store.snapshot(|conn| self.context.store.case_rules.of(conn, &filed.jurisdiction))?;
        let limits = Limits::on(&rules.parameters, before.day);
        let facts = Facts { due: filed.due_on, limits, ..Facts::on(before.day) };
        match too_early(&before.case, self.event, &self.asked(filed, &facts)) {
            Some(refusal) => Err(self.refusal(&before.case, filed, refusal)),
            None => Ok(()),
        }
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
                noted.day = Some(day);
                noted.answer_by = stated.or_else(|| limits.answer_by(day));
            }
            Event::Answer => {
                noted.day = Some(day);
                noted.answered_for = self.asked(now, facts).answers_for().map(str::to_owned);
            }
            Event::IssuePermit | Event::RecordAgreement => noted.permit = limits.permit(day),
            Event::Verify => noted.deviation_m = facts.deviation_m,
            Event::LapseConsultation => {
                noted.day = Some(day);
                let late: BTreeSet<&String> = case.over(day).map(|c| &c.organisation).collect();
                noted.lapsed = late.into_iter().cloned().collect();
            }
            Event::Escalate => noted.overdue = facts.due,
            Event::Remind => noted.conditions = case.late(day).collect(),
            event if decides(event) || event == Event::DeemApproved => {
                let (text, hash) = decided_on(case, now)?;
                (noted.snapshot, noted.snapshot_hash) = (Some(text), Some(hash));
            }
            _ => {}
        }
        Ok(noted)
    }
}
