//! The calendar of an office: on which days it works. Pure; every day off and every day made up for comes out of data, and
//! nothing here knows a country. `read` checks a calendar as it was written.
//!
//! A calendar speaks for whole years. A question about any other day is answered by [`Outside`], never by a guess: that
//! nobody entered the holidays of a year does not make its days working days.

mod read;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;

use super::rules::Confidence;
use super::word::words;

pub use read::{DAYS_MAX, RUN_MAX, YEARS_MAX};

words! {
    /// A day of the week.
    DayOfWeek {
        Monday = "monday",
        Tuesday = "tuesday",
        Wednesday = "wednesday",
        Thursday = "thursday",
        Friday = "friday",
        Saturday = "saturday",
        Sunday = "sunday",
    }
}

impl DayOfWeek {
    /// That of a date.
    #[must_use]
    pub fn of(date: Date) -> Self {
        match date.weekday() {
            jiff::civil::Weekday::Monday => Self::Monday,
            jiff::civil::Weekday::Tuesday => Self::Tuesday,
            jiff::civil::Weekday::Wednesday => Self::Wednesday,
            jiff::civil::Weekday::Thursday => Self::Thursday,
            jiff::civil::Weekday::Friday => Self::Friday,
            jiff::civil::Weekday::Saturday => Self::Saturday,
            jiff::civil::Weekday::Sunday => Self::Sunday,
        }
    }
}

/// A day of which a calendar says something: a holiday, a day off instead of another, or a day off that is worked on
/// (`làm bù`).
#[derive(Debug, Clone, PartialEq)]
pub struct NamedDay {
    /// The day.
    pub date: Date,
    /// It is worked on, though it is a day of the week that is off; else it is off.
    pub working: bool,
    /// What it is, in Vietnamese or the language of the place.
    pub name_vi: String,
    /// What it is, in English.
    pub name_en: String,
    /// The document it stands in; none where nobody looked it up.
    pub document: Option<String>,
    /// The article of that document.
    pub article: Option<String>,
    /// How far it may be relied on.
    pub confidence: Confidence,
    /// What a reader should know.
    pub note: Option<String>,
}

/// What a calendar says, before it is prepared for questions.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarContent {
    /// What it is called.
    pub name: String,
    /// Which version: the same name and version never stand for two contents.
    pub version: String,
    /// The days of the week that are off.
    pub weekly_days_off: Vec<DayOfWeek>,
    /// The first year it speaks for.
    pub first_year: i16,
    /// The last year it speaks for.
    pub last_year: i16,
    /// The days of which it says something, in their order.
    pub days: Vec<NamedDay>,
}

/// A calendar, prepared: each question is a look into a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    content: CalendarContent,
    /// The first day it speaks for; none: it speaks for nothing.
    first: Option<Date>,
    /// Of each day from the first on: how many working days there are up to it and with it.
    until: Vec<u32>,
    /// The working days.
    working: Vec<Date>,
}

/// A calendar as the register holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredCalendar {
    /// The jurisdiction, and so the shard.
    pub jurisdiction: String,
    /// SHA-256 of the file it came from, hexadecimal.
    pub digest: String,
    /// The revision of the jurisdiction in which it was set.
    pub revision: i64,
    /// When it was set.
    pub recorded_at: Timestamp,
    /// The calendar itself.
    pub calendar: Calendar,
}

/// A question about a day for which a calendar does not speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// The calendar, by its name and version.
    pub calendar: String,
    /// The first and the last year it speaks for.
    pub years: (i16, i16),
    /// The day, or how it was reached.
    pub asked: String,
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calendar, years: (first, last), asked } = self;
        write!(f, "the calendar {calendar} speaks for {first} to {last}, and not for {asked}")
    }
}

impl std::error::Error for Outside {}

impl Calendar {
    /// Prepares what a calendar says. Days outside its years are of no account; of two entries of a day the first counts.
    #[must_use]
    pub fn new(mut content: CalendarContent) -> Self {
        content.days.sort_by_key(|day| day.date);
        let end = Date::new(content.last_year, 12, 31).ok();
        let first = Date::new(content.first_year, 1, 1).ok().filter(|first| end.is_some_and(|end| *first <= end));
        let (mut until, mut working) = (Vec::new(), Vec::new());
        let (mut day, mut count) = (first, 0);
        while let Some(today) = day.filter(|day| end.is_some_and(|end| *day <= end)) {
            let named = content.days.partition_point(|named| named.date < today);
            let named = content.days.get(named).filter(|named| named.date == today);
            if named.map_or_else(|| !content.weekly_days_off.contains(&DayOfWeek::of(today)), |named| named.working) {
                count += 1;
                working.push(today);
            }
            until.push(count);
            day = today.tomorrow().ok();
        }
        Self { content, first, until, working }
    }

    /// What it says.
    #[must_use]
    pub fn content(&self) -> &CalendarContent {
        &self.content
    }

    /// The office works on this day.
    ///
    /// # Errors
    /// [`Outside`].
    pub fn is_working(&self, day: Date) -> Result<bool, Outside> {
        let n = self.number(day)?;
        let before = n.checked_sub(1).map_or(0, |n| self.until[n]);
        Ok(self.until[n] > before)
    }

    /// The working day that is the `count`-th after `day`; with 0, the day itself, whatever it is.
    ///
    /// # Errors
    /// [`Outside`], of the day or of the one that is looked for.
    pub fn plus_working_days(&self, day: Date, count: u32) -> Result<Date, Outside> {
        let so_far = self.until[self.number(day)?];
        if count == 0 {
            return Ok(day);
        }
        let reached = usize::try_from(u64::from(so_far) + u64::from(count) - 1).ok().and_then(|n| self.working.get(n));
        reached.copied().ok_or_else(|| self.outside(format!("{count} working days after {day}")))
    }

    /// This day where the office works on it, else the next on which it does.
    ///
    /// # Errors
    /// As [`Calendar::plus_working_days`].
    pub fn working_day_from(&self, day: Date) -> Result<Date, Outside> {
        self.plus_working_days(day, u32::from(!self.is_working(day)?))
    }

    /// How many working days come after `from`, up to `to` and with it; 0 where `to` is not later.
    ///
    /// # Errors
    /// [`Outside`], of either day.
    pub fn working_days_between(&self, from: Date, to: Date) -> Result<u32, Outside> {
        let (from, to) = (self.until[self.number(from)?], self.until[self.number(to)?]);
        Ok(to.saturating_sub(from))
    }

    /// The place of a day in the tables.
    fn number(&self, day: Date) -> Result<usize, Outside> {
        let days = self.first.map(|first| first.duration_until(day).as_hours().div_euclid(24));
        let number = days.and_then(|days| usize::try_from(days).ok()).filter(|n| *n < self.until.len());
        number.ok_or_else(|| self.outside(day.to_string()))
    }

    fn outside(&self, asked: String) -> Outside {
        let CalendarContent { name, version, first_year, last_year, .. } = &self.content;
        Outside { calendar: format!("{name} {version}"), years: (*first_year, *last_year), asked }
    }
}
