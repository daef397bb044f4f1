//! A calendar as somebody wrote it, checked: every problem with its place.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Calendar, CalendarContent, DayOfWeek, NamedDay};
use crate::domain::fields::{Reading, Value};
use crate::domain::rules::{Clause, read_named, read_source};
use crate::domain::word::Word;
use crate::geometry::Problem;
use crate::geometry::problem::Collector;

/// Most years that a calendar speaks for: its tables grow with them.
pub const YEARS_MAX: i16 = 50;

/// Most entries of a calendar: a country has some twenty holidays a year.
pub const DAYS_MAX: usize = 2_000;

/// Most days of one holiday.
pub const RUN_MAX: usize = 31;

const HEAD: &[&str] = &["name", "version", "weekly_days_off", "first_year", "last_year", "note"];

const HOLIDAY: &[&str] = &["date", "to", "name_vi", "name_en", "document", "article", "confidence", "note"];

const WORKING_DAY: &[&str] = &["date", "name_vi", "name_en", "document", "article", "confidence", "note"];

/// What the head says: the name, the version, the days of the week that are off, and the years.
type Head = ((String, String), Vec<DayOfWeek>, (i16, i16));

impl Calendar {
    /// Checks a calendar as it was written: its head, its holidays, and the days that are worked on though they would be off.
    ///
    /// # Errors
    /// Every problem, at the place of its clause and the name of its member; of very many the rest is only counted.
    pub fn read(head: &Clause, holidays: &[Clause], working_days: &[Clause]) -> Result<Self, Vec<Problem>> {
        let mut problems = Collector::default();
        if holidays.len() + working_days.len() > DAYS_MAX {
            let detail = format!("and working_day stand {} times", holidays.len() + working_days.len());
            return Err(vec![head.problem("holiday", format!("{detail}; the limit is {DAYS_MAX}"))]);
        }
        let said = read_head(head).map_err(|more| problems.extend(more)).ok();
        let (weekly, years) = said.as_ref().map(|(_, weekly, years)| (weekly.as_slice(), *years)).unzip();
        let mut days: BTreeMap<Date, (&Clause, NamedDay)> = BTreeMap::new();
        for (clause, working) in holidays.iter().map(|c| (c, false)).chain(working_days.iter().map(|c| (c, true))) {
            let read = match read_days(clause, working) {
                Ok(read) => read,
                Err(more) => {
                    problems.extend(more);
                    continue;
                }
            };
            if let Some(detail) = read.iter().find_map(|day| misplaced(day, weekly, years)) {
                problems.push(|| clause.problem("date", detail));
            }
            for day in read {
                if let Some((elsewhere, _)) = days.get(&day.date) {
                    problems
                        .push(|| clause.problem("date", format!("{} stands in {}, too", day.date, elsewhere.place)));
                } else {
                    days.insert(day.date, (clause, day));
                }
            }
        }
        // Of what could not be read nobody knows the year.
        for year in years.filter(|_| problems.is_empty()).into_iter().flat_map(|(first, last)| first..=last) {
            if !days.values().any(|(_, day)| !day.working && day.date.year() == year) {
                let detail = format!("is missing in {year}: a year without one is a year that nobody entered");
                problems.push(|| head.problem("holiday", detail));
            }
        }
        match said {
            Some(((name, version), weekly_days_off, (first_year, last_year))) if problems.is_empty() => {
                let days = days.into_values().map(|(_, day)| day).collect();
                Ok(Self::new(CalendarContent { name, version, weekly_days_off, first_year, last_year, days }))
            }
            _ => Err(problems.finish()),
        }
    }
}

fn read_head(head: &Clause) -> Result<Head, Vec<Problem>> {
    let mut r = head.reading(HEAD, "a calendar, besides its holidays and working days");
    let named = read_named(&mut r);
    let given = head.fields.get("weekly_days_off").filter(|given| **given != Value::Null);
    r.required("weekly_days_off", given);
    let weekly: Vec<DayOfWeek> = r.words("weekly_days_off");
    if weekly.len() == DayOfWeek::ALL.len() {
        r.wrong("weekly_days_off", "are all days of the week: there would be no working day");
    }
    let (first, last) = (read_year(&mut r, "first_year"), read_year(&mut r, "last_year"));
    let years = first.zip(last);
    if let Some((first, last)) = years
        && !(0..YEARS_MAX).contains(&(last - first))
    {
        r.wrong("last_year", format!("{last} must not be before first_year {first}, nor {YEARS_MAX} years after it"));
    }
    r.text("note");
    let said = named.zip(years).map(|(named, years)| (named, weekly, years));
    r.finish(said).map_err(|problems| head.placed(problems))
}

fn read_year(r: &mut Reading<'_>, name: &str) -> Option<i16> {
    let year = r.number(name, 1900.0, 2200.0);
    let year = r.required(name, year)?;
    let whole = year.to_string().parse().ok();
    if whole.is_none() {
        r.wrong(name, format!("{year} is not a year"));
    }
    whole
}

/// What a clause says, day by day.
fn read_days(clause: &Clause, working: bool) -> Result<Vec<NamedDay>, Vec<Problem>> {
    let mut r =
        if working { clause.reading(WORKING_DAY, "a working day") } else { clause.reading(HOLIDAY, "a holiday") };
    let date = r.date("date");
    let date = r.required("date", date);
    let to = if working { None } else { r.date("to") };
    let (name_vi, name_en) = (r.text("name_vi"), r.text("name_en"));
    let (name_vi, name_en) = (r.required("name_vi", name_vi), r.required("name_en", name_en));
    let (document, article, confidence) = read_source(&mut r);
    let note = r.text("note");
    let mut dates: Vec<Date> = date.into_iter().collect();
    if let (Some(date), Some(to)) = (date, to) {
        dates = date.series(jiff::Span::new().days(1)).take_while(|day| *day <= to).take(RUN_MAX + 1).collect();
        if dates.is_empty() {
            r.wrong("to", format!("{to} is before date {date}"));
        } else if dates.len() > RUN_MAX {
            r.wrong("to", format!("{to} is more than {RUN_MAX} days from date {date}"));
        }
    }
    let day = match (name_vi, name_en, confidence) {
        (Some(name_vi), Some(name_en), Some(confidence)) => {
            let date = Date::ZERO;
            Some(NamedDay { date, working, name_vi, name_en, document, article, confidence, note })
        }
        _ => None,
    };
    let day = r.finish(day).map_err(|problems| clause.placed(problems))?;
    Ok(dates.into_iter().map(|date| NamedDay { date, ..day.clone() }).collect())
}

/// Why a day cannot stand where it does.
fn misplaced(day: &NamedDay, weekly: Option<&[DayOfWeek]>, years: Option<(i16, i16)>) -> Option<String> {
    let date = day.date;
    if let Some((first, last)) = years
        && !(first..=last).contains(&date.year())
    {
        return Some(format!("{date} is not in the years {first} to {last} that the calendar speaks for"));
    }
    let of_week = DayOfWeek::of(date);
    let works_anyway = day.working && weekly.is_some_and(|weekly| !weekly.contains(&of_week));
    works_anyway.then(|| format!("{date} is a {of_week}, which is no day off: it is worked on anyway"))
}
