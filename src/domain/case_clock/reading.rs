//! What a clock shows at a moment.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::{Pause, Run};
use crate::domain::calendar::{Calendar, Outside};

/// The office whose clock it is.
#[derive(Debug, Clone)]
pub struct Office<'c> {
    /// The days on which it works.
    pub calendar: &'c Calendar,
    /// The time zone of its days and hours.
    pub time_zone: TimeZone,
    /// The hour after which what reaches it counts as of the next working day.
    pub cut_off: Time,
}

/// What a clock shows. Numbers of days are of working days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseClock {
    /// The day of receipt of the case: the day after it is the first that counts.
    pub received: Date,
    /// The term with its extension.
    pub term_days: u32,
    /// The day at whose end the case is due; while the clock stands still, the earliest that it can be: were it to run on now.
    pub due: Date,
    /// How many days of the term have counted, this day included; never more than the term.
    pub used_days: u32,
    /// How many are left, without this day; 0 on the last one.
    pub left_days: u32,
    /// How many days have counted since the case was due; 0 where it is not overdue, and on days off after the last day.
    pub overdue_days: u32,
    /// The first day on which the case was overdue; of a clock that has stopped: it stopped too late.
    pub overdue_since: Option<Date>,
    /// The pause that has not ended.
    pub paused: Option<Pause>,
    /// When it stopped: then nothing of this changes any more.
    pub stopped: Option<Timestamp>,
}

impl CaseClock {
    /// What cases are ranked by, working days: those that are left, below 0 those that are too many.
    #[must_use]
    pub fn slack_days(&self) -> i64 {
        i64::from(self.left_days) - i64::from(self.overdue_days)
    }

    /// The case is overdue, or was when its clock stopped.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.overdue_since.is_some()
    }
}

impl Office<'_> {
    /// The day of a moment, where the office is.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.time_zone.clone()).date()
    }

    /// The day of receipt of what reaches the office at a moment.
    ///
    /// # Errors
    /// [`Outside`].
    pub fn day_of_receipt(&self, at: Timestamp) -> Result<Date, Outside> {
        let at = at.to_zoned(self.time_zone.clone());
        let late = at.time() > self.cut_off && self.calendar.is_working(at.date())?;
        self.calendar.working_day_from(if late { self.calendar.plus_working_days(at.date(), 1)? } else { at.date() })
    }
}

impl Run {
    /// What the clock shows at `now`; of one that has stopped, what it showed then. Where `now` lies before what happened
    /// last, as clocks of computers may differ, it is read at that.
    ///
    /// # Errors
    /// [`Outside`]: the calendar does not reach so far.
    pub fn read(&self, office: &Office<'_>, now: Timestamp) -> Result<CaseClock, Outside> {
        let calendar = office.calendar;
        let until = self.stopped.unwrap_or(now.max(self.last));
        let today = office.day(until);
        let received = office.day_of_receipt(self.accepted)?;
        let term_days = self.term_days + self.extension.as_ref().map_or(0, |extension| extension.days);
        let mut due = calendar.plus_working_days(received, term_days)?;
        let (mut runs_from, mut counted) = (received, 0);
        for pause in &self.pauses {
            // What is paused before the first day that could count takes nothing from before it.
            let from = office.day(pause.from).max(runs_from);
            let to = office.day_of_receipt(pause.to.unwrap_or(until))?;
            counted += calendar.working_days_between(runs_from, from)?;
            if from <= due {
                due = calendar.plus_working_days(due, calendar.working_days_between(from, to)?)?;
            }
            runs_from = to;
        }
        counted += calendar.working_days_between(runs_from, today)?;
        Ok(CaseClock {
            received,
            term_days,
            due,
            used_days: counted.min(term_days),
            left_days: term_days.saturating_sub(counted),
            overdue_days: counted.saturating_sub(term_days),
            overdue_since: due.tomorrow().ok().filter(|first| *first <= today),
            paused: self.paused().copied(),
            stopped: self.stopped,
        })
    }
}
