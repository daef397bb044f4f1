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

    /// The day at whose end something is due: of the office the answer, of its carrier what was decided.
    #[must_use]
    pub fn due_of(&self, case: &Case, now: Timestamp) -> Option<Date> {
        if case.state.is_permitted() { case.ends_on() } else { self.due(case, now) }
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
            return Some(
                "nobody set the calendar of the jurisdiction, which says on which days the office works".into(),
            );
        }
        match Run::of(&[ClockEvent { at, what: ClockStep::Accepted { term_days } }]) {
            Err(why) => Some(why.to_string()),
            Ok(run) => self.read(&run?, at).err().map(|outside| outside.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // in a test a panic is the report

    use super::*;
    use crate::domain::case_clock::PauseReason;
    use crate::domain::site_request::case::{CaseEvent, Noted};
    use crate::domain::site_request::told::{Stated, Told};
    use crate::domain::site_request::words::{Event, State};
    use crate::domain::word::Word;

    fn viet_nam() -> Calendar {
        crate::formats::calendar::read(include_bytes!("../../../fixtures/calendar/VN.toml")).unwrap()
    }

    fn rules() -> Vec<Arc<Parameter>> {
        crate::formats::rules::read(include_bytes!("../../../fixtures/rules/VN-2027-01.toml")).unwrap().parameters
    }

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Ho_Chi_Minh").unwrap()
    }

    fn wall(text: &str) -> Timestamp {
        text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone()).unwrap().timestamp()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// A case by its events, each a moment, the event, and the state before and after it.
    fn case(events: &str) -> Case {
        let mut case = Case::default();
        for (seq, text) in (1..).zip(events.split(", ").filter(|text| !text.is_empty())) {
            let [at, event, from, to] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let event = Event::parse(event).unwrap();
            let begins = matches!(event, Event::Accept | Event::AdmitAppeal | Event::Refer);
            let stated = match event {
                Event::Pause => Stated::Pause(PauseReason::ForceMajeure),
                Event::Extend => Stated::Extension(5),
                _ => Stated::Nothing,
            };
            let overdue = (event == Event::Escalate).then(|| wall(at).to_zoned(zone()).date().yesterday().unwrap());
            case.then(&CaseEvent {
                revision: 1,
                seq,
                event,
                from: State::parse(from).unwrap(),
                to: State::parse(to).unwrap(),
                actor: "nga".into(),
                organisation: None,
                at: wall(at),
                reason: Some("why".into()),
                data: Told::default(),
                stated,
                noted: Noted { term_days: begins.then_some(20), overdue, ..Noted::default() },
            });
        }
        case
    }

    /// When a case is due, and from which day on the service has something to do with it, as it is kept at a moment.
    fn check(what: &str, events: &str, now: &str, expect: &str) {
        let (calendar, parameters, case) = (viet_nam(), rules(), case(events));
        let counting = Counting { calendar: Some(&calendar), time_zone: zone(), parameters: &parameters };
        let due = counting.due(&case, wall(now));
        let text = |day: Option<Date>| day.map_or("-".to_owned(), |day| day.to_string());
        assert_eq!(format!("{} {}", text(due), text(case.wakes_on(due))), expect, "{what}: {events}");
    }

    #[test]
    fn what_is_kept_of_a_clock_follows_from_the_events() {
        const ACCEPTED: &str = "2026-03-02T09:00 accept submitted accepted";
        let then = |more: &str| format!("{ACCEPTED}, {more}");
        check("no clock before it is accepted", "2026-03-02T09:00 submit draft submitted", "2026-03-02T09:00", "- -");
        check("20 working days", ACCEPTED, "2026-03-02T09:00", "2026-03-30 2026-03-31");
        check(
            "after the cut-off",
            "2026-03-02T16:31 accept submitted accepted",
            "2026-03-02T16:31",
            "2026-03-31 2026-04-01",
        );
        // Were it kept while the clock stands still it would be another day tomorrow.
        let paused = then("2026-03-10T09:00 pause accepted accepted");
        check("paused", &paused, "2026-03-10T09:00", "- -");
        check("still paused", &paused, "2026-05-10T09:00", "- -");
        let resumed = format!("{paused}, 2026-03-16T09:00 resume accepted accepted");
        check("four days of a pause", &resumed, "2026-03-16T09:00", "2026-04-03 2026-04-04");
        // What is overdue stays so.
        check(
            "paused too late",
            &then("2026-04-06T09:00 pause accepted accepted"),
            "2026-04-20T09:00",
            "2026-03-30 2026-03-31",
        );
        check(
            "extended",
            &then("2026-03-10T09:00 extend assessing assessing"),
            "2026-03-10T09:00",
            "2026-04-06 2026-04-07",
        );
        check("told", &then("2026-03-31T00:10 escalate accepted accepted"), "2026-03-31T00:10", "2026-03-30 -");
        let later = then("2026-03-31T00:10 escalate assessing assessing, 2026-03-31T09:00 extend assessing assessing");
        check("told, and extended", &later, "2026-03-31T09:00", "2026-04-06 2026-04-07");
        let decided = then("2026-03-20T09:00 refuse awaiting_decision refused");
        check("decided", &decided, "2026-03-20T09:00", "- -");
        let appealed = format!(
            "{decided}, 2026-04-01T09:00 appeal refused appealed, \
             2026-04-06T09:00 admit_appeal appealed awaiting_decision"
        );
        check("a clock of its own", &appealed, "2026-04-06T09:00", "2026-05-07 2026-05-08");
        let extended = format!("{appealed}, 2026-04-07T09:00 extend awaiting_decision awaiting_decision");
        check("which is extended, too", &extended, "2026-04-07T09:00", "2026-05-14 2026-05-15");
        let again = format!("{appealed}, 2026-04-20T09:00 approve awaiting_decision approved");
        check("decided again", &again, "2026-04-20T09:00", "- -");
        let shared = then(
            "2026-03-20T09:00 require_sharing awaiting_decision sharing_required, \
             2026-04-06T09:00 refer sharing_required awaiting_decision",
        );
        check("nothing agreed on", &shared, "2026-04-06T09:00", "2026-05-07 2026-05-08");
    }

    #[test]
    fn what_is_left_is_counted_in_working_days() {
        let calendar = viet_nam();
        let check = |due: Option<&str>, today: &str, slack: Option<i64>, overdue: bool| {
            let timing = Timing::of(due.map(day), Some(&calendar), day(today));
            assert_eq!((timing.slack_days, timing.is_overdue), (slack, overdue), "{due:?} on {today}");
        };
        check(None, "2026-03-02", None, false);
        check(Some("2026-03-30"), "2026-03-02", Some(20), false);
        check(Some("2026-03-30"), "2026-03-29", Some(1), false);
        check(Some("2026-03-30"), "2026-03-30", Some(0), false);
        check(Some("2026-03-30"), "2026-03-31", Some(-1), true);
        // On a day off after the last day it is overdue by no day yet.
        check(Some("2026-03-27"), "2026-03-28", Some(0), true);
        check(Some("2028-01-03"), "2026-03-28", None, false);
        let without = Timing::of(Some(day("2026-03-30")), None, day("2026-03-31"));
        assert_eq!((without.slack_days, without.is_overdue), (None, true));
        let ranks = |due: Option<&str>, today: &str| Timing::of(due.map(day), Some(&calendar), day(today)).rank();
        assert!(ranks(Some("2026-03-30"), "2026-03-31") < ranks(Some("2026-04-30"), "2026-03-31"));
        assert!(ranks(Some("2026-04-30"), "2026-03-31") < ranks(None, "2026-03-31"));
    }

    #[test]
    fn what_is_lacking_for_a_clock_is_named() {
        let (calendar, parameters) = (viet_nam(), rules());
        let counting = Counting { calendar: Some(&calendar), time_zone: zone(), parameters: &parameters };
        let lacks =
            |counting: &Counting<'_>, term: Option<u32>, at: &str| counting.lacks(term, wall(at)).unwrap_or_default();
        assert_eq!(lacks(&counting, Some(20), "2026-03-02T09:00"), "");
        assert!(lacks(&counting, None, "2026-03-02T09:00").contains("site_request.term_days"));
        let without = Counting { calendar: None, ..counting.clone() };
        assert!(lacks(&without, Some(20), "2026-03-02T09:00").contains("calendar"));
        assert!(lacks(&counting, Some(20), "2027-12-20T09:00").contains("speaks for 2024 to 2027"));
    }
}
