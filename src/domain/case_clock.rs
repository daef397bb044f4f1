//! The clock of a case: until when an office has to decide. Pure: all of it comes out of the events of the case, the
//! [calendar](super::calendar) and the moment at which it is read, so that nothing of it is ever stored but as a copy.
//!
//! The clock counts whole working days:
//! * What reaches the office after its cut-off hour, or on a day off, counts as of the next working day: the acceptance of a
//!   case, and what lets the clock run on after a pause. That day is the *day of receipt*. The minute of the cut-off itself is
//!   in time.
//! * The day of receipt does not count; the working day after it is the first that does.
//! * A working day counts where the clock ran at its beginning: the day on which it is paused counts, and those after it do
//!   not, up to and with the day of receipt of what ends the pause. A pause that begins and ends on one day takes nothing.
//! * A case is due at the end of the day on which as many days have counted as the term has, an extension included. Where the
//!   clock is paused on that very day, what is left of it is left until the pause is over: the case is due on the day of receipt
//!   of what ends it. So a pause moves the day by exactly as many working days as it takes.
//! * From the day after that the case is overdue, and no pause heals that. An extension does, for it is agreed.
//! * The end of a day is midnight: a decision after the cut-off hour of the last day is in time.

mod reading;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;

use super::word::words;

pub use reading::{CaseClock, Office};

words! {
    /// Why a clock stands still.
    PauseReason {
        /// The applicant has to bring something.
        MissingInformation = "missing_information",
        /// The applicant asked for it.
        ApplicantRequest = "applicant_request",
        /// Somebody else has to decide first.
        PendingExternalDecision = "pending_external_decision",
        /// A court, or an appeal.
        LegalAction = "legal_action",
        /// Storm, flood and the like.
        ForceMajeure = "force_majeure",
        /// Nothing may be done there now.
        FreezeWindow = "freeze_window",
    }
}

/// Most working days of a term or an extension: four years of them.
pub const TERM_DAYS_MAX: u32 = 1_000;

/// What happens to a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: ClockStep,
}

/// What happens to a clock, apart from when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockStep {
    /// The case is accepted: the clock runs from here.
    Accepted {
        /// The term, working days.
        term_days: u32,
    },
    /// It stands still.
    Paused {
        /// Why.
        reason: PauseReason,
    },
    /// It runs on.
    Resumed,
    /// The term is longer.
    Extended {
        /// By how much, working days.
        days: u32,
        /// The applicant agreed.
        agreed: bool,
        /// Why.
        reason: String,
    },
    /// It is over: what was due is done, or given up.
    Stopped,
}

/// Why events are none of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impossible {
    /// Something happens before the case is accepted.
    NotAccepted,
    /// It is accepted again.
    AcceptedAlready,
    /// It is paused while it is paused.
    PausedAlready,
    /// It runs on without having been paused.
    NotPaused,
    /// It is extended a second time.
    ExtendedAlready,
    /// The applicant did not agree to the extension.
    NotAgreed,
    /// Nothing is said of why it is extended.
    NoReason,
    /// A term or an extension of no day, or of more than [`TERM_DAYS_MAX`].
    Days(u32),
    /// Something happens after it stopped.
    Stopped,
    /// Something happens before what comes before it.
    BackInTime,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NotAccepted => "the case is not accepted: its clock does not run yet",
            Self::AcceptedAlready => "the case is accepted already",
            Self::PausedAlready => "the clock stands still already",
            Self::NotPaused => "the clock does not stand still",
            Self::ExtendedAlready => "the term was extended already; once is all there is",
            Self::NotAgreed => "the applicant has to agree to a longer term",
            Self::NoReason => "an extension needs a reason",
            Self::Days(days) => {
                return write!(f, "{days} working days are no term; it must lie between 1 and {TERM_DAYS_MAX}");
            }
            Self::Stopped => "the clock has stopped",
            Self::BackInTime => "this lies before what happened last",
        };
        f.write_str(text)
    }
}

impl std::error::Error for Impossible {}

/// A time in which the clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub from: Timestamp,
    /// Until when; none: it still does.
    pub to: Option<Timestamp>,
    /// Why.
    pub reason: PauseReason,
}

/// An extension of the term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// When it was agreed.
    pub at: Timestamp,
    /// By how much, working days.
    pub days: u32,
    /// Why.
    pub reason: String,
}

/// What happened to the clock of a case, without what days that comes to: no calendar, old or new, makes it impossible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When the case was accepted.
    pub accepted: Timestamp,
    /// The term, working days, without an extension.
    pub term_days: u32,
    /// The extension, at most one.
    pub extension: Option<Extension>,
    /// The pauses, in their order; only the last may still last.
    pub pauses: Vec<Pause>,
    /// When it stopped. A pause that had not ended ends there.
    pub stopped: Option<Timestamp>,
    /// When something happened last.
    last: Timestamp,
}

impl Run {
    /// What these events come to, in their order; none where there is none yet.
    ///
    /// # Errors
    /// [`Impossible`], of the first that does not follow from those before it.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e ClockEvent>) -> Result<Option<Self>, Impossible> {
        let mut run: Option<Self> = None;
        for event in events {
            run = Some(match (run, &event.what) {
                (None, ClockStep::Accepted { term_days }) => Self::begun(event.at, *term_days)?,
                (None, _) => return Err(Impossible::NotAccepted),
                (Some(run), step) => run.then(event.at, step)?,
            });
        }
        Ok(run)
    }

    /// The pause that has not ended.
    #[must_use]
    pub fn paused(&self) -> Option<&Pause> {
        self.pauses.last().filter(|pause| pause.to.is_none())
    }

    fn begun(at: Timestamp, term_days: u32) -> Result<Self, Impossible> {
        let term_days = days(term_days)?;
        Ok(Self { accepted: at, term_days, extension: None, pauses: Vec::new(), stopped: None, last: at })
    }

    /// The same, and what happened next.
    fn then(mut self, at: Timestamp, step: &ClockStep) -> Result<Self, Impossible> {
        if self.stopped.is_some() {
            return Err(Impossible::Stopped);
        }
        if at < self.last {
            return Err(Impossible::BackInTime);
        }
        self.last = at;
        let paused = self.pauses.last_mut().filter(|pause| pause.to.is_none());
        match step {
            ClockStep::Accepted { .. } => return Err(Impossible::AcceptedAlready),
            ClockStep::Paused { .. } if paused.is_some() => return Err(Impossible::PausedAlready),
            ClockStep::Paused { reason } => self.pauses.push(Pause { from: at, to: None, reason: *reason }),
            ClockStep::Resumed => paused.ok_or(Impossible::NotPaused)?.to = Some(at),
            ClockStep::Extended { .. } if self.extension.is_some() => return Err(Impossible::ExtendedAlready),
            ClockStep::Extended { agreed: false, .. } => return Err(Impossible::NotAgreed),
            ClockStep::Extended { reason, .. } if reason.trim().is_empty() => return Err(Impossible::NoReason),
            ClockStep::Extended { days: more, reason, .. } => {
                self.extension = Some(Extension { at, days: days(*more)?, reason: reason.clone() });
            }
            ClockStep::Stopped => {
                if let Some(pause) = paused {
                    pause.to = Some(at);
                }
                self.stopped = Some(at);
            }
        }
        Ok(self)
    }
}

/// A number of days that a term may have.
fn days(days: u32) -> Result<u32, Impossible> {
    if (1..=TERM_DAYS_MAX).contains(&days) { Ok(days) } else { Err(Impossible::Days(days)) }
}
