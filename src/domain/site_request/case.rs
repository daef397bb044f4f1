//! What the events of a request add up to. Nothing is kept of a case but its events: this fold is what reads them.

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

pub use super::condition::Condition;
pub use super::consultation::{Consultation, ToAsk};
use super::reader::SaidTo;
use super::told::{ConditionDraft, Signed, Stated, Surveyed, Told};
use super::words::{Advice, Event, State, Waits};
use crate::domain::actor::Actor;
use crate::domain::audit::Digest;
use crate::domain::case_clock::{ClockEvent, ClockStep, PauseReason, Run};
use crate::domain::site_check::{CheckCode, Verdict};
use crate::domain::workflow::{self, ClockEffect};

/// What a check found that a case goes on with.
#[derive(Debug, Clone, PartialEq)]
pub struct RunNoted {
    /// The run.
    pub run: Uuid,
    /// Its hash.
    pub hash: Digest,
    /// What each check said.
    pub said: Vec<(CheckCode, Verdict)>,
    /// The checks after which a column is to be shared instead.
    pub sharing: Vec<CheckCode>,
    /// Whom findings name.
    pub consult: Vec<ToAsk>,
    /// The columns that could be shared.
    pub candidates: Vec<Candidate>,
    /// What of all that is said to whoever does not see everything.
    pub to_others: Vec<SaidTo>,
}

/// A column that could be shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The work.
    pub id: Uuid,
    /// Its code.
    pub code: String,
    /// Whose it is.
    pub organisation: String,
    /// How far away, m.
    pub distance_m: f64,
    /// Places left on it.
    pub spare_capacity: Option<u32>,
}

/// What the service adds to an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Noted {
    /// The receipt number.
    pub receipt: Option<String>,
    /// SHA-256 of the secret on the receipt.
    pub secret: Option<Digest>,
    /// What was submitted, or decided on, as a canonical text.
    pub snapshot: Option<String>,
    /// SHA-256 of that.
    pub snapshot_hash: Option<Digest>,
    /// The term, working days, where a clock begins.
    pub term_days: Option<u32>,
    /// The check that ran.
    pub run: Option<RunNoted>,
    /// The day there on which somebody is asked, answers, or is late; none where it was noted before this was.
    pub day: Option<Date>,
    /// The last day for answers.
    pub answer_by: Option<Date>,
    /// For which organisation it was answered.
    pub answered_for: Option<String>,
    /// First and last day of the permit.
    pub permit: Option<(Date, Date)>,
    /// How far the survey lies from the place, m.
    pub deviation_m: Option<f64>,
    /// The work that stands.
    pub work: Option<Uuid>,
    /// The organisations whose time for an answer is over.
    pub lapsed: Vec<String>,
    /// The day that is over without an answer.
    pub overdue: Option<Date>,
    /// The conditions whose day is over, each by its number, from 1.
    pub conditions: Vec<u32>,
}

/// An event of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseEvent {
    /// The revision of the jurisdiction in which it happened.
    pub revision: i64,
    /// Its number in the case, from 1.
    pub seq: i32,
    /// What was done.
    pub event: Event,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// Who did it.
    pub actor: String,
    /// For which organisation.
    pub organisation: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// What was said, as it was sent.
    pub data: Told,
    /// The same, in words.
    pub stated: Stated,
    /// What the service added.
    pub noted: Noted,
}

/// A decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// What was decided.
    pub event: Event,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// As it was signed.
    pub signed: Signed,
    /// SHA-256 of what it was decided on.
    pub snapshot: Option<Digest>,
}

/// A case: what its events add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Events so far.
    pub seq: i32,
    /// How far it has come.
    pub state: State,
    /// Who submitted it, or appealed.
    pub applicants: Vec<String>,
    /// Hash of what was submitted last.
    pub submitted: Option<Digest>,
    /// Since when it is what it is.
    pub submitted_at: Option<Timestamp>,
    /// The receipt number.
    pub receipt: Option<String>,
    /// SHA-256 of the secret on it.
    pub secret: Option<Digest>,
    /// The last check of what was submitted last.
    pub run: Option<RunNoted>,
    /// Who is to be asked, or was.
    pub consultations: Vec<Consultation>,
    /// Days on which somebody was at the place.
    pub visits: Vec<Date>,
    /// What was recommended, and by whom.
    pub advice: Option<(Advice, String)>,
    /// What each check had said when it was.
    pub advised_on: Vec<(CheckCode, Verdict)>,
    /// The last decision.
    pub decided: Option<Decided>,
    /// Conditions of the approval.
    pub conditions: Vec<Condition>,
    /// Number, first and last day of the permit.
    pub permit: Option<(String, Date, Date)>,
    /// The column that is shared.
    pub shared: Option<Uuid>,
    /// The first day of building.
    pub starts_on: Option<Date>,
    /// What was surveyed last.
    pub surveyed: Option<Surveyed>,
    /// The work that stands.
    pub work: Option<Uuid>,
    /// For what the clock is to stand still, the oldest first: the event that ends it, and why.
    held: Vec<(Event, PauseReason)>,
    /// What happened to the clock; where another one began, to that.
    pub clock: Vec<ClockEvent>,
    /// The last day for the answer of which was told that it is over.
    pub escalated: Option<Date>,
    /// When it counted as approved because nobody had answered.
    pub deemed_at: Option<Timestamp>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            seq: 0,
            state: State::Draft,
            applicants: Vec::new(),
            submitted: None,
            submitted_at: None,
            receipt: None,
            secret: None,
            run: None,
            consultations: Vec::new(),
            visits: Vec::new(),
            advice: None,
            advised_on: Vec::new(),
            decided: None,
            conditions: Vec::new(),
            permit: None,
            shared: None,
            starts_on: None,
            surveyed: None,
            work: None,
            held: Vec::new(),
            clock: Vec::new(),
            escalated: None,
            deemed_at: None,
        }
    }
}

impl Case {
    /// What events add up to, in their order.
    #[must_use]
    pub fn of(events: &[CaseEvent]) -> Self {
        let mut case = Self::default();
        for event in events {
            case.then(event);
        }
        case
    }

    /// Takes the next event.
    pub fn then(&mut self, event: &CaseEvent) {
        self.seq = event.seq;
        self.state = event.to;
        self.tick(event);
        if matches!(event.event, Event::Submit | Event::Appeal) && !self.applicants.contains(&event.actor) {
            self.applicants.push(event.actor.clone());
        }
        match event.event {
            Event::Submit => self.submitted_again(event.noted.snapshot_hash, event.at),
            Event::Check => self.checked(event),
            Event::SendBack => self.advice = None,
            Event::Accept => {
                self.receipt = self.receipt.take().or_else(|| event.noted.receipt.clone());
                self.secret = self.secret.or(event.noted.secret);
            }
            Event::LapseConsultation => self.told_of_lapse(event),
            Event::Escalate => self.escalated = event.noted.overdue,
            Event::DeemApproved => self.deemed_at = Some(event.at),
            Event::Remind => self.reminded(&event.noted.conditions),
            _ => {}
        }
        match &event.stated {
            Stated::Consultation { also, .. } => self.asked(also, event),
            Stated::Answer { answer, .. } => self.answered(*answer, event),
            Stated::Visit { on, .. } => self.visits.push(*on),
            Stated::Advice(advice) => {
                self.advice = Some((*advice, event.actor.clone()));
                self.advised_on = self.run.as_ref().map(|run| run.said.clone()).unwrap_or_default();
            }
            Stated::Decision(signed) => {
                let met = |draft: &ConditionDraft| Condition { draft: draft.clone(), met: None, told: false };
                self.conditions = signed.conditions.iter().map(met).collect();
                let (by, at, snapshot) = (event.actor.clone(), event.at, event.noted.snapshot_hash);
                self.decided = Some(Decided { event: event.event, by, at, signed: signed.clone(), snapshot });
            }
            Stated::Agreement { column, number, .. } => {
                self.shared = Some(*column);
                self.permit = event.noted.permit.map(|(from, to)| (number.clone(), from, to));
            }
            Stated::Permit(number) => {
                self.permit = event.noted.permit.map(|(from, to)| (number.clone(), from, to));
            }
            Stated::Met { condition, evidence } => {
                if let Some(condition) = self.condition_mut(*condition) {
                    condition.met = Some((*evidence, event.at));
                }
            }
            Stated::Start(on) => self.starts_on = Some(*on),
            Stated::Survey(surveyed) => self.surveyed = Some(surveyed.clone()),
            Stated::Work(_) => self.work = event.noted.work,
            Stated::Nothing | Stated::Missing(_) | Stated::Submission(_) | Stated::Pause(_) | Stated::Extension(_) => {}
        }
    }

    /// He asks for it: his organisation does, or did by him. Whoever writes a request is of its organisation.
    #[must_use]
    pub fn is_applicant(&self, actor: &Actor, owner: &str) -> bool {
        actor.organisation.as_deref() == Some(owner) || self.applicants.contains(&actor.name)
    }

    /// The check that was run last found something by this code, not that it could not look.
    #[must_use]
    pub fn found(&self, code: CheckCode) -> bool {
        let something = |verdict: Verdict| verdict.is_to_waive() && verdict != Verdict::NotChecked;
        self.run.iter().flat_map(|run| &run.said).any(|(of, verdict)| *of == code && something(*verdict))
    }

    /// The first day at whose end something of what was decided is due: a condition that is not met, or, as long as nothing is said to
    /// stand there, the end of the permit.
    #[must_use]
    pub fn ends_on(&self) -> Option<Date> {
        let builds = matches!(self.state, State::PermitActive | State::ConstructionNotified);
        let permit = self.permit.as_ref().filter(|_| builds).map(|(_, _, last)| *last);
        let open = self.conditions.iter().filter(|condition| condition.met.is_none());
        open.filter_map(|condition| condition.draft.due_on).chain(permit).min()
    }

    /// For whom it waits: whoever has the next step, and its carrier, where that has something to bring.
    #[must_use]
    pub fn waits_for(&self) -> Option<Waits> {
        let brings = workflow::row(super::table::TABLE, self.state, Event::MeetCondition).is_some();
        let open = self.conditions.iter().any(|condition| condition.met.is_none());
        // What is to be shared it agrees on with whoever has a column.
        match self.state.waits_for() {
            Some(Waits::Officer) if brings && open || self.state == State::SharingRequired => {
                Some(Waits::OwnerAndOfficer)
            }
            waits => waits,
        }
    }

    /// What an event does to the clock, where that follows from what happened to it before.
    fn tick(&mut self, event: &CaseEvent) {
        let row = workflow::row(super::table::TABLE, event.from, event.event);
        match (row.map_or(ClockEffect::Keeps, |row| row.clock), &event.stated) {
            (_, Stated::Extension(days)) => {
                let reason = event.reason.clone().unwrap_or_default();
                self.ticked(event.at, ClockStep::Extended { days: *days, agreed: true, reason });
            }
            (ClockEffect::Starts, _) => {
                if let Some(term_days) = event.noted.term_days {
                    self.ticked(event.at, ClockStep::Accepted { term_days });
                }
            }
            (ClockEffect::Pauses, Stated::Pause(reason)) => self.held_for(event.at, Event::Resume, *reason),
            (ClockEffect::Pauses, _) => self.held_for(event.at, Event::Submit, PauseReason::MissingInformation),
            (ClockEffect::Resumes, _) => {
                self.held.retain(|(ends, _)| *ends != event.event);
                self.ticked(event.at, ClockStep::Resumed);
                // For what is left it goes on standing still.
                if let Some((_, reason)) = self.held.first() {
                    self.ticked(event.at, ClockStep::Paused { reason: *reason });
                }
            }
            (ClockEffect::Stops, _) => {
                self.held.clear();
                self.ticked(event.at, ClockStep::Stopped);
            }
            (ClockEffect::Keeps, _) => {}
        }
    }

    /// Lets the clock stand still until an event ends that.
    fn held_for(&mut self, at: Timestamp, ends: Event, reason: PauseReason) {
        self.held.push((ends, reason));
        // Where it stands still already, it does so for the older reason.
        self.ticked(at, ClockStep::Paused { reason });
    }

    fn ticked(&mut self, at: Timestamp, what: ClockStep) {
        // One that has stopped stays so: another one begins.
        if matches!(what, ClockStep::Accepted { .. }) && self.clock_run().is_some_and(|run| run.stopped.is_some()) {
            self.clock.clear();
        }
        self.clock.push(ClockEvent { at, what });
        // One that was accepted before goes on as it did; one that was never accepted has no clock.
        if Run::of(&self.clock).is_err() {
            self.clock.pop();
        }
    }

    /// What happened to the clock; none before the request is accepted.
    #[must_use]
    pub fn clock_run(&self) -> Option<Run> {
        Run::of(&self.clock).ok().flatten()
    }

    /// The clock runs.
    #[must_use]
    pub fn clock_runs(&self) -> bool {
        self.clock_run().is_some_and(|run| run.stopped.is_none() && run.paused().is_none())
    }

    /// The clock stands still and is to run on.
    #[must_use]
    pub fn clock_is_paused(&self) -> bool {
        self.clock_run().is_some_and(|run| run.stopped.is_none() && run.paused().is_some())
    }

    /// An officer lets it stand still.
    #[must_use]
    pub fn is_held_by_office(&self) -> bool {
        self.clock_is_paused() && self.held.iter().any(|(ends, _)| *ends == Event::Resume)
    }

    /// The clock was extended.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.clock_run().is_some_and(|run| run.extension.is_some())
    }

    /// What was found of the request as it was before is worth nothing for another one.
    fn submitted_again(&mut self, snapshot: Option<Digest>, at: Timestamp) {
        if self.submitted != snapshot || self.submitted_at.is_none() {
            self.consultations.clear();
            self.visits.clear();
            self.submitted_at = Some(at);
        }
        self.barred();
        (self.submitted, self.run, self.advice) = (snapshot, None, None);
    }

    /// The first day on which the service itself has something to do: the one after a last day for an answer, of somebody who was
    /// asked or, `due`, of the office, or after the day of a condition.
    #[must_use]
    pub fn wakes_on(&self, due: Option<Date>) -> Option<Date> {
        let leads = |event: Event| workflow::row(super::table::TABLE, self.state, event).is_some();
        let waits = |c: &&Consultation| c.asked_at.is_some() && c.answered.is_none() && !c.lapse_told;
        let answers = self.consultations.iter().filter(waits).filter_map(|c| c.answer_by);
        let answer = answers.min().filter(|_| leads(Event::LapseConsultation));
        let due = due.filter(|due| leads(Event::Escalate) && self.escalated.is_none_or(|told| told < *due));
        let untold = self.conditions.iter().filter(|condition| condition.met.is_none() && !condition.told);
        let untold = untold.filter_map(|condition| condition.draft.due_on).filter(|_| leads(Event::Remind));
        answer.into_iter().chain(due).chain(untold).min().and_then(|last| last.tomorrow().ok())
    }
}
