//! A table of cases under the calendar of Viet Nam, sequences that are impossible, and what holds of any.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{CaseClock, ClockEvent, ClockStep, Impossible, Office, PauseReason, Run, TERM_DAYS_MAX};
use crate::domain::calendar::Calendar;
use crate::domain::word::Word;
use crate::formats::calendar::read;

fn viet_nam() -> Calendar {
    read(include_bytes!("../../../fixtures/calendar/VN.toml")).unwrap()
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Ho_Chi_Minh").unwrap()
}

fn office(calendar: &Calendar) -> Office<'_> {
    Office { calendar, time_zone: zone(), cut_off: Time::constant(16, 30, 0, 0) }
}

/// A moment as the clock on the wall of the office shows it.
fn wall(text: &str) -> Timestamp {
    text.parse::<DateTime>().unwrap().to_zoned(zone()).unwrap().timestamp()
}

/// An event as it is written in the tables: a moment, and a word with what belongs to it.
fn event(text: &str) -> ClockEvent {
    let parts: Vec<&str> = text.split(' ').collect();
    let days = || parts[2].parse().unwrap();
    let what = match parts[1] {
        "accepted" => ClockStep::Accepted { term_days: days() },
        "paused" => {
            let reason = parts.get(2).map_or(PauseReason::MissingInformation, |w| PauseReason::parse(w).unwrap());
            ClockStep::Paused { reason }
        }
        "resumed" => ClockStep::Resumed,
        "extended" => ClockStep::Extended { days: days(), agreed: true, reason: "a second survey".into() },
        "disagreed" => ClockStep::Extended { days: days(), agreed: false, reason: "a second survey".into() },
        "unreasoned" => ClockStep::Extended { days: days(), agreed: true, reason: " ".into() },
        "stopped" => ClockStep::Stopped,
        other => panic!("{other} is no event"),
    };
    ClockEvent { at: wall(parts[0]), what }
}

fn run(events: &str) -> Result<Option<Run>, Impossible> {
    let events: Vec<ClockEvent> = events.split(", ").filter(|e| !e.is_empty()).map(event).collect();
    Run::of(&events)
}

/// What a clock shows, as the tables have it: `due`, the days used, left and overdue, and what is to be said besides.
fn told(clock: &CaseClock) -> String {
    let mut text = format!(
        "due {}: {} of {} used, {} left, {} over",
        clock.due, clock.used_days, clock.term_days, clock.left_days, clock.overdue_days
    );
    if let Some(since) = clock.overdue_since {
        write!(text, ", overdue since {since}").unwrap();
    }
    if let Some(pause) = clock.paused {
        let from = pause.from.to_zoned(zone()).datetime();
        write!(text, ", paused since {from} by {}", pause.reason).unwrap();
    }
    if clock.stopped.is_some() {
        text += ", stopped";
    }
    text
}

/// What a clock shows after some events at a moment.
fn check(what: &str, events: &str, now: &str, expect: &str) {
    let calendar = viet_nam();
    let run = run(events).unwrap().unwrap();
    let got = run.read(&office(&calendar), wall(now)).map_or_else(|e| e.to_string(), |clock| told(&clock));
    assert_eq!(got, expect, "{what}: {events}, at {now}");
}

#[test]
fn days_that_count_and_days_that_are_too_many() {
    // Acceptance: its day does not count.
    check("a week", "2026-03-02T09:00 accepted 5", "2026-03-02T10:00", "due 2026-03-09: 0 of 5 used, 5 left, 0 over");
    check(
        "the next day",
        "2026-03-02T09:00 accepted 5",
        "2026-03-03T00:00",
        "due 2026-03-09: 1 of 5 used, 4 left, 0 over",
    );
    check("in time", "2026-03-02T16:30 accepted 5", "2026-03-04T12:00", "due 2026-03-09: 2 of 5 used, 3 left, 0 over");
    check("late", "2026-03-02T16:30:01 accepted 5", "2026-03-04T12:00", "due 2026-03-10: 1 of 5 used, 4 left, 0 over");
    check(
        "before midnight",
        "2026-03-02T23:59 accepted 5",
        "2026-03-02T23:59",
        "due 2026-03-10: 0 of 5 used, 5 left, 0 over",
    );
    check(
        "at midnight",
        "2026-03-03T00:00 accepted 5",
        "2026-03-03T08:00",
        "due 2026-03-10: 0 of 5 used, 5 left, 0 over",
    );
    check(
        "late on friday",
        "2026-03-06T17:00 accepted 1",
        "2026-03-07T08:00",
        "due 2026-03-10: 0 of 1 used, 1 left, 0 over",
    );
    check(
        "on saturday",
        "2026-03-07T09:00 accepted 1",
        "2026-03-09T08:00",
        "due 2026-03-10: 0 of 1 used, 1 left, 0 over",
    );
    check(
        "late on sunday",
        "2026-03-08T22:00 accepted 1",
        "2026-03-10T08:00",
        "due 2026-03-10: 1 of 1 used, 0 left, 0 over",
    );
    // Holidays, and days made up for.
    check("over Tết", "2026-02-12T09:00 accepted 3", "2026-02-18T12:00", "due 2026-02-24: 1 of 3 used, 2 left, 0 over");
    check(
        "late before Tết",
        "2026-02-13T17:00 accepted 3",
        "2026-02-18T12:00",
        "due 2026-02-26: 0 of 3 used, 3 left, 0 over",
    );
    check("in Tết", "2026-02-17T00:30 accepted 1", "2026-02-23T09:00", "due 2026-02-24: 0 of 1 used, 1 left, 0 over");
    check(
        "over 30 April",
        "2026-04-24T09:00 accepted 4",
        "2026-05-04T09:00",
        "due 2026-05-05: 3 of 4 used, 1 left, 0 over",
    );
    check(
        "a saturday made up for",
        "2026-01-08T09:00 accepted 3",
        "2026-01-10T09:00",
        "due 2026-01-12: 2 of 3 used, 1 left, 0 over",
    );
    check(
        "accepted on it",
        "2026-01-10T09:00 accepted 1",
        "2026-01-12T09:00",
        "due 2026-01-12: 1 of 1 used, 0 left, 0 over",
    );
    check(
        "late on it",
        "2026-01-10T16:45 accepted 1",
        "2026-01-12T09:00",
        "due 2026-01-13: 0 of 1 used, 1 left, 0 over",
    );
    check(
        "over new year",
        "2024-12-30T09:00 accepted 3",
        "2025-01-02T09:00",
        "due 2025-01-03: 2 of 3 used, 1 left, 0 over",
    );
    // Overdue.
    check(
        "the last day",
        "2026-03-02T09:00 accepted 4",
        "2026-03-06T23:59",
        "due 2026-03-06: 4 of 4 used, 0 left, 0 over",
    );
    check(
        "the day off after",
        "2026-03-02T09:00 accepted 4",
        "2026-03-07T00:00",
        "due 2026-03-06: 4 of 4 used, 0 left, 0 over, overdue since 2026-03-07",
    );
    check(
        "two days late",
        "2026-03-02T09:00 accepted 4",
        "2026-03-10T09:00",
        "due 2026-03-06: 4 of 4 used, 0 left, 2 over, overdue since 2026-03-07",
    );
}

#[test]
fn pauses() {
    check(
        "while it lasts",
        "2026-03-02T09:00 accepted 5, 2026-03-04T11:00 paused",
        "2026-03-06T09:00",
        "due 2026-03-11: 2 of 5 used, 3 left, 0 over, paused since 2026-03-04T11:00:00 by missing_information",
    );
    check(
        "for ever, it is never overdue",
        "2026-03-02T09:00 accepted 5, 2026-03-04T11:00 paused legal_action",
        "2026-12-30T09:00",
        "due 2027-01-05: 2 of 5 used, 3 left, 0 over, paused since 2026-03-04T11:00:00 by legal_action",
    );
    let days = "2026-03-02T09:00 accepted 5, 2026-03-04T11:00 paused, 2026-03-06T11:00 resumed";
    check("of two days", days, "2026-03-09T09:00", "due 2026-03-11: 3 of 5 used, 2 left, 0 over");
    let hours = "2026-03-02T09:00 accepted 5, 2026-03-04T09:00 paused, 2026-03-04T16:00 resumed";
    check("of hours", hours, "2026-03-05T09:00", "due 2026-03-09: 3 of 5 used, 2 left, 0 over");
    let late = "2026-03-02T09:00 accepted 5, 2026-03-04T09:00 paused, 2026-03-04T17:00 resumed";
    check("ended late", late, "2026-03-06T09:00", "due 2026-03-10: 3 of 5 used, 2 left, 0 over");
    let saturday = "2026-03-02T09:00 accepted 5, 2026-03-06T09:00 paused, 2026-03-07T09:00 resumed";
    check("ended on saturday", saturday, "2026-03-10T09:00", "due 2026-03-10: 5 of 5 used, 0 left, 0 over");
    let over_tet = "2026-02-11T09:00 accepted 5, 2026-02-13T10:00 paused, 2026-02-25T10:00 resumed";
    check("over Tết", over_tet, "2026-02-26T09:00", "due 2026-03-02: 3 of 5 used, 2 left, 0 over");
    let in_tet = "2026-02-11T09:00 accepted 5, 2026-02-15T10:00 paused force_majeure, 2026-02-19T10:00 resumed";
    check("within Tết", in_tet, "2026-02-26T09:00", "due 2026-02-26: 5 of 5 used, 0 left, 0 over");
    let last_day = "2026-03-02T09:00 accepted 2, 2026-03-04T09:00 paused, 2026-03-06T09:00 resumed";
    check("on the last day", last_day, "2026-03-06T12:00", "due 2026-03-06: 2 of 2 used, 0 left, 0 over");
    check(
        "on the last day, then late",
        last_day,
        "2026-03-09T12:00",
        "due 2026-03-06: 2 of 2 used, 0 left, 1 over, overdue since 2026-03-07",
    );
    let overdue = "2026-03-02T09:00 accepted 2, 2026-03-06T09:00 paused, 2026-03-11T09:00 resumed";
    check(
        "heals nothing",
        overdue,
        "2026-03-12T09:00",
        "due 2026-03-04: 2 of 2 used, 0 left, 3 over, overdue since 2026-03-05",
    );
    let early = "2026-03-06T17:00 accepted 2, 2026-03-07T09:00 paused, 2026-03-10T09:00 resumed";
    check("before the first day", early, "2026-03-11T09:00", "due 2026-03-12: 1 of 2 used, 1 left, 0 over");
    let twice = "2026-03-02T09:00 accepted 5, 2026-03-03T09:00 paused, 2026-03-04T17:00 resumed, 2026-03-04T18:00 paused \
                 freeze_window, 2026-03-09T09:00 resumed";
    check("two that meet", twice, "2026-03-10T09:00", "due 2026-03-13: 2 of 5 used, 3 left, 0 over");
}

#[test]
fn the_extension_the_end_and_what_lies_beyond() {
    let extended = "2026-03-02T09:00 accepted 5, 2026-03-06T09:00 extended 3";
    check("longer", extended, "2026-03-10T09:00", "due 2026-03-12: 6 of 8 used, 2 left, 0 over");
    let in_pause =
        "2026-03-02T09:00 accepted 5, 2026-03-03T09:00 paused, 2026-03-04T09:00 extended 3, 2026-03-05T09:00 resumed";
    check("in a pause", in_pause, "2026-03-10T09:00", "due 2026-03-16: 4 of 8 used, 4 left, 0 over");
    let too_late = "2026-03-02T09:00 accepted 2, 2026-03-06T09:00 extended 3";
    check("agreed when it was late", too_late, "2026-03-06T09:00", "due 2026-03-09: 4 of 5 used, 1 left, 0 over");
    // The end.
    let stopped = "2026-03-02T09:00 accepted 5, 2026-03-05T18:00 stopped";
    check("in time", stopped, "2026-06-01T09:00", "due 2026-03-09: 3 of 5 used, 2 left, 0 over, stopped");
    let stopped = "2026-03-02T09:00 accepted 2, 2026-03-05T09:00 stopped";
    check(
        "too late",
        stopped,
        "2026-06-01T09:00",
        "due 2026-03-04: 2 of 2 used, 0 left, 1 over, overdue since 2026-03-05, stopped",
    );
    let stopped = "2026-03-02T09:00 accepted 5, 2026-03-04T09:00 paused, 2026-03-06T09:00 stopped";
    check("in a pause", stopped, "2026-06-01T09:00", "due 2026-03-11: 2 of 5 used, 3 left, 0 over, stopped");
    let days = "2026-03-02T09:00 accepted 5, 2026-03-04T11:00 paused, 2026-03-06T11:00 resumed";
    check("a server whose clock is behind", days, "2026-03-01T09:00", "due 2026-03-11: 2 of 5 used, 3 left, 0 over");
    // Beyond the calendar.
    let outside = "the calendar VN 2026-11 speaks for 2024 to 2027, and not for";
    check(
        "a term that ends after it",
        "2027-12-20T09:00 accepted 20",
        "2027-12-21T09:00",
        &format!("{outside} 20 working days after 2027-12-20"),
    );
    check("before it", "2023-12-29T09:00 accepted 5", "2024-01-10T09:00", &format!("{outside} 2023-12-29"));
    check("read after it", "2027-12-20T09:00 accepted 5", "2028-01-03T09:00", &format!("{outside} 2028-01-03"));
    check(
        "a pause that lasts beyond it",
        "2027-12-20T09:00 accepted 5, 2027-12-22T09:00 paused",
        "2027-12-31T17:00",
        &format!("{outside} 1 working days after 2027-12-31"),
    );
}

#[test]
fn the_hours_are_those_of_the_office() {
    let calendar = viet_nam();
    // Half past four in the afternoon in Viet Nam, and a second more.
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let due = |text: &str, time_zone: &str| {
        let office = Office { time_zone: TimeZone::get(time_zone).unwrap(), ..office(&calendar) };
        let run = Run::of(&[ClockEvent { at: at(text), what: ClockStep::Accepted { term_days: 1 } }]).unwrap().unwrap();
        run.read(&office, at(text)).unwrap().due.to_string()
    };
    assert_eq!(due("2026-03-02T09:30:00Z", "Asia/Ho_Chi_Minh"), "2026-03-03");
    assert_eq!(due("2026-03-02T09:30:00.000000001Z", "Asia/Ho_Chi_Minh"), "2026-03-04");
    assert_eq!(due("2026-03-02T09:30:01Z", "Europe/London"), "2026-03-03");
    assert_eq!(due("2026-03-02T17:00:00Z", "Asia/Ho_Chi_Minh"), "2026-03-04", "it is the 3rd there");
}

#[test]
fn sequences_that_are_impossible() {
    let check = |events: &str, expect: Impossible| assert_eq!(run(events).unwrap_err(), expect, "{events}");
    assert_eq!(run(""), Ok(None));
    for first in ["paused", "resumed", "extended 3", "stopped"] {
        check(&format!("2026-03-02T09:00 {first}"), Impossible::NotAccepted);
    }
    let accepted = "2026-03-02T09:00 accepted 5";
    let then = |more: &str, expect| check(&format!("{accepted}, {more}"), expect);
    check("2026-03-02T09:00 accepted 0", Impossible::Days(0));
    check(&format!("2026-03-02T09:00 accepted {}", TERM_DAYS_MAX + 1), Impossible::Days(TERM_DAYS_MAX + 1));
    then("2026-03-03T09:00 accepted 5", Impossible::AcceptedAlready);
    then("2026-03-03T09:00 resumed", Impossible::NotPaused);
    then("2026-03-03T09:00 paused, 2026-03-04T09:00 paused legal_action", Impossible::PausedAlready);
    then("2026-03-03T09:00 paused, 2026-03-04T09:00 resumed, 2026-03-04T09:00 resumed", Impossible::NotPaused);
    then("2026-03-03T09:00 extended 3, 2026-03-04T09:00 extended 3", Impossible::ExtendedAlready);
    then("2026-03-03T09:00 disagreed 3", Impossible::NotAgreed);
    then("2026-03-03T09:00 unreasoned 3", Impossible::NoReason);
    then("2026-03-03T09:00 extended 0", Impossible::Days(0));
    for after in ["accepted 5", "paused", "resumed", "extended 3", "stopped"] {
        then(&format!("2026-03-03T09:00 stopped, 2026-03-03T10:00 {after}"), Impossible::Stopped);
    }
    then("2026-03-02T08:59 paused", Impossible::BackInTime);
    assert!(run(&format!("{accepted}, 2026-03-02T09:00 paused, 2026-03-02T09:00 resumed")).is_ok(), "at one moment");
    assert_eq!(Impossible::Days(0).to_string(), "0 working days are no term; it must lie between 1 and 1000");
}

/// Minutes that are added to a beginning.
fn moment(minutes: i64) -> Timestamp {
    wall("2024-06-03T00:00") + jiff::SignedDuration::from_mins(minutes)
}

/// Two years in minutes, so that whatever follows lies in the calendar.
const YEARS: i64 = 2 * 365 * 24 * 60;

/// An accepted case with some pauses and perhaps an extension, in order, and a moment after them.
fn any_case() -> impl Strategy<Value = (Vec<ClockEvent>, Timestamp)> {
    let steps = prop::collection::vec((0..20_000_i64, 0..4_u8), 0..12);
    (0..YEARS, 1..60_u32, steps, 0..60_000_i64).prop_map(|(begin, term_days, steps, after)| {
        let mut minutes = begin;
        let mut events = vec![ClockEvent { at: moment(minutes), what: ClockStep::Accepted { term_days } }];
        let (mut paused, mut extended) = (false, false);
        for (gap, kind) in steps {
            minutes += gap;
            let what = match kind {
                0 if !extended => {
                    extended = true;
                    ClockStep::Extended { days: term_days, agreed: true, reason: "more to see".into() }
                }
                1 if gap < 500 => ClockStep::Stopped,
                _ if paused => ClockStep::Resumed,
                _ => ClockStep::Paused { reason: PauseReason::ApplicantRequest },
            };
            paused = matches!(what, ClockStep::Paused { .. }) || paused && !matches!(what, ClockStep::Resumed);
            let stops = what == ClockStep::Stopped;
            events.push(ClockEvent { at: moment(minutes), what });
            if stops {
                break;
            }
        }
        (events, moment(minutes + after))
    })
}

/// What the day-by-day definition says: which days have counted until a day, one after the other.
fn counted(run: &Run, office: &Office<'_>, until: Timestamp) -> Vec<Date> {
    let received = office.day_of_receipt(run.accepted).unwrap();
    let pauses: Vec<(Date, Date)> = run
        .pauses
        .iter()
        .map(|pause| (office.day(pause.from), office.day_of_receipt(pause.to.unwrap_or(until)).unwrap()))
        .collect();
    let days = received.series(jiff::Span::new().days(1)).skip(1).take_while(|day| *day <= office.day(until));
    days.filter(|day| office.calendar.is_working(*day).unwrap())
        .filter(|day| !pauses.iter().any(|(from, to)| from < day && day <= to))
        .collect()
}

proptest! {
    #[test]
    fn a_clock_counts_the_days_that_count((events, now) in any_case()) {
        let calendar = viet_nam();
        let office = office(&calendar);
        let run = Run::of(&events).unwrap().unwrap();
        let clock = run.read(&office, now).unwrap();
        let until = run.stopped.unwrap_or(now);
        let days = counted(&run, &office, until);
        let n = u32::try_from(days.len()).unwrap();
        prop_assert_eq!((clock.used_days, clock.left_days), (n.min(clock.term_days), clock.term_days.saturating_sub(n)));
        prop_assert_eq!(clock.overdue_days, n.saturating_sub(clock.term_days));
        prop_assert_eq!(clock.slack_days(), i64::from(clock.term_days) - i64::from(n));
        prop_assert!(calendar.is_working(clock.due).unwrap(), "due on a day off");
        prop_assert!(clock.received < clock.due);
        prop_assert_eq!(clock.is_overdue(), clock.due < office.day(until));
        if n > clock.term_days {
            prop_assert!(clock.is_overdue());
        }
        if let Some(last) = days.get(clock.term_days as usize - 1) {
            prop_assert!(clock.due >= *last);
        }
        if clock.left_days > 0 {
            prop_assert!(!clock.is_overdue());
            if clock.paused.is_none() && clock.stopped.is_none() {
                let from = office.day(until).max(days.last().copied().unwrap_or(clock.received));
                let resumed = run.pauses.last().and_then(|p| p.to).map_or(from, |to| office.day_of_receipt(to).unwrap());
                let reached = calendar.plus_working_days(from.max(resumed), clock.left_days).unwrap();
                prop_assert_eq!(clock.due, reached, "the days that are left are not those to the last one");
            }
        }
    }

    #[test]
    fn the_same_events_say_the_same((events, now) in any_case(), cut in 0..12_usize) {
        let calendar = viet_nam();
        let run = Run::of(&events).unwrap();
        prop_assert_eq!(&Run::of(&events.clone()).unwrap(), &run);
        let read = |run: &Option<Run>| run.as_ref().unwrap().read(&office(&calendar), now).unwrap();
        prop_assert_eq!(read(&run), read(&Run::of(&events).unwrap()));
        // What comes later changes nothing of what was: folded in two goes it is the same.
        let (before, after) = events.split_at(cut.clamp(1, events.len()));
        let half = Run::of(before).unwrap().unwrap();
        let whole = after.iter().try_fold(half, |run, event| run.then(event.at, &event.what)).unwrap();
        prop_assert_eq!(Some(whole), run);
    }

    #[test]
    fn a_pause_moves_the_day_by_as_many_working_days_as_it_takes(
        (events, _) in any_case(), into in 0..30_000_i64, long in 0..80_000_i64,
    ) {
        let calendar = viet_nam();
        let office = office(&calendar);
        // Without what stops it, and running at the end.
        let mut events: Vec<ClockEvent> = events.into_iter().filter(|e| e.what != ClockStep::Stopped).collect();
        let last = events.last().unwrap().at;
        if Run::of(&events).unwrap().unwrap().paused().is_some() {
            events.push(ClockEvent { at: last, what: ClockStep::Resumed });
        }
        let minutes = |n: i64| jiff::SignedDuration::from_mins(n);
        let (from, to) = (last + minutes(into), last + minutes(into + long));
        let before = Run::of(&events).unwrap().unwrap();
        let begins = before.pauses.last().and_then(|p| p.to).unwrap_or(before.accepted);
        let begins = office.day_of_receipt(begins).unwrap().max(office.day(from));
        let was = before.read(&office, from).unwrap();
        events.push(ClockEvent { at: from, what: ClockStep::Paused { reason: PauseReason::LegalAction } });
        let paused = Run::of(&events).unwrap().unwrap().read(&office, to).unwrap();
        events.push(ClockEvent { at: to, what: ClockStep::Resumed });
        let is = Run::of(&events).unwrap().unwrap().read(&office, to).unwrap();
        prop_assert_eq!(is.due, paused.due, "while it lasts the day is that of a pause that ends now");
        prop_assert!(is.due >= was.due);
        let took = calendar.working_days_between(begins, office.day_of_receipt(to).unwrap()).unwrap();
        let moved = calendar.working_days_between(was.due, is.due).unwrap();
        prop_assert_eq!(moved, if was.is_overdue() { 0 } else { took });
        prop_assert_eq!(is.is_overdue(), was.is_overdue());
        prop_assert_eq!(is.slack_days() , paused.slack_days());
    }
}
