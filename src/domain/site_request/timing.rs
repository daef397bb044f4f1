//! What is left of the time for an answer.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::case::Case;
use crate::domain::calendar::{Calendar, Outside};
use crate::domain::case_clock::{CaseClock, ClockEvent, ClockStep, Office, Run};
use crate::domain::rules::{CaseKey, Parameter};

/// Until when somebody has to answer, as it is read on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// The day at whose end it is over; none: no time runs.
    pub due_on: Option<Date>,
    /// Working days that are left of it, below 0 those that are too many; none where no calendar says.
    pub slack_days: Option<i64>,
    /// It is over.
    pub is_overdue: bool,
}

impl Timing {
    /// On a day, of what is due at the end of another.
    #[must_use]
    pub fn of(due_on: Option<Date>, calendar: Option<&Calendar>, day: Date) -> Self {
        let Some(due) = due_on else { return Self::default() };
        let between = |from, to| calendar.and_then(|days| days.working_days_between(from, to).ok()).map(i64::from);
        let slack_days = if day <= due { between(day, due) } else { between(due, day).map(|late| -late) };
        Self { due_on, slack_days, is_overdue: due < day }
    }

    /// What cases are put in order by: the least slack first; what has none comes last.
    #[must_use]
    pub fn rank(&self) -> (bool, bool, i64, Option<Date>) {
        (self.due_on.is_none(), self.slack_days.is_none(), self.slack_days.unwrap_or_default(), self.due_on)
    }
}

/// By what the days of an office are counted.
#[derive(Debug, Clone)]
pub struct Counting<'c> {
    /// The days on which it works; none: nobody set them.
    pub calendar: Option<&'c Calendar>,
    /// The time zone of its days and hours.
    pub time_zone: TimeZone,
    /// The rules of its jurisdiction.
    pub parameters: &'c [Arc<Parameter>],
}

impl Counting<'_> {
    /// What the clock of a case shows; none before there is one, and where no calendar says it.
    ///
    /// # Errors
    /// [`Outside`].
    pub fn read(&self, run: &Run, now: Timestamp) -> Result<Option<CaseClock>, Outside> {
        let Some(calendar) = self.calendar else { return Ok(None) };
        // By the hour that was in force when the clock began: no later one moves a day that was told.
        let begun = run.accepted.to_zoned(self.time_zone.clone()).date();
        let cut_off = CaseKey::CutOffMinutes.on(self.parameters, begun).map_or(Time::MAX, |hour| hour.hour());
        run.read(&Office { calendar, time_zone: self.time_zone.clone(), cut_off }, now).map(Some)
    }

    /// The day at whose end the answer is due. None where no clock runs, where it stands still and so moves that day, and where
    /// nobody set a calendar that reaches so far.
    #[must_use]
    pub fn due(&self, case: &Case, now: Timestamp) -> Option<Date> {
        let run = case.clock_run().filter(|run| run.stopped.is_none())?;
        let clock = self.read(&run, now).ok()??;
        (clock.paused.is_none() || clock.is_overdue()).then_some(clock.due)
    }

    /// Why an office cannot say until when it answers what it accepts at a moment; none where it can.
    #[must_use]
    pub fn lacks(&self, term_days: Option<u32>, at: Timestamp) -> Option<String> {
        let Some(term_days) = term_days else {
            return Some("no rule says within how many working days it is answered (site_request.term_days)".into());
        };
        if self.calendar.is_none() {
            return Some("nobody set the calendar of the jurisdiction, which says on which days the office works".into());
        }
        match Run::of(&[ClockEvent { at, what: ClockStep::Accepted { term_days } }]) {
            Err(why) => Some(why.to_string()),
            Ok(run) => self.read(&run?, at).err().map(|outside| outside.to_string()),
        }
    }
}
