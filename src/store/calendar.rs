//! Calendars in rows.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use jiff_diesel::ToDiesel;

use super::records::word;
use super::schema::{calendar_days, calendars};
use super::{Stored, WriteTx};
use crate::domain::calendar::{Calendar, CalendarContent, NamedDay, RegisteredCalendar};
use crate::domain::word::Word;

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = calendars, check_for_backend(diesel::pg::Pg))]
struct CalendarRow {
    jurisdiction: String,
    name: String,
    version: String,
    digest: String,
    weekly_days_off: Vec<String>,
    first_year: i16,
    last_year: i16,
    revision: i64,
    recorded_at: jiff_diesel::Timestamp,
}

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = calendar_days, check_for_backend(diesel::pg::Pg))]
struct DayRow {
    jurisdiction: String,
    day: jiff_diesel::Date,
    working: bool,
    name_vi: String,
    name_en: String,
    document: Option<String>,
    article: Option<String>,
    confidence: String,
    note: Option<String>,
}

/// Days in one statement: PostgreSQL binds at most 65 535 values, and each day has 9.
const BATCH: usize = 5_000;

/// The calendars of a jurisdiction or of all, by jurisdiction.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, jurisdiction: Option<&str>) -> Stored<Vec<RegisteredCalendar>> {
    let mut query = calendars::table.select(CalendarRow::as_select()).into_boxed();
    if let Some(code) = jurisdiction {
        query = query.filter(calendars::jurisdiction.eq(code.to_owned()));
    }
    let found: Vec<CalendarRow> = query.order(calendars::jurisdiction.asc()).load(conn)?;
    let with_days = |row: CalendarRow| {
        let days = calendar_days::table.filter(calendar_days::jurisdiction.eq(&row.jurisdiction));
        let days = days.select(DayRow::as_select()).load(conn)?;
        to_calendar(row, days)
    };
    found.into_iter().map(with_days).collect()
}

/// The calendar of a jurisdiction, inside a write.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<Option<RegisteredCalendar>> {
    Ok(list(tx.conn, Some(jurisdiction))?.pop())
}

/// The calendar by which a jurisdiction counted at a revision.
///
/// # Errors
/// The database's.
pub fn at(conn: &mut PgConnection, jurisdiction: &str, revision: i64) -> Stored<Option<RegisteredCalendar>> {
    let columns = "jurisdiction, c.name, c.version, c.digest, c.weekly_days_off, c.first_year, c.last_year, c.revision, c.recorded_at";
    let row: Option<CalendarRow> = diesel::sql_query(format!(
        "SELECT {columns} FROM calendars AS c WHERE jurisdiction = $1 AND revision <= $2
         UNION ALL
         SELECT {columns} FROM calendars_history AS c WHERE jurisdiction = $1 AND revision <= $2 AND ended_revision > $2"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(revision)
    .get_result(conn)
    .optional()?;
    let Some(row) = row else { return Ok(None) };
    let columns = "jurisdiction, d.day, d.working, d.name_vi, d.name_en, d.document, d.article, d.confidence, d.note";
    let days: Vec<DayRow> = diesel::sql_query(format!(
        "SELECT {columns} FROM calendars JOIN calendar_days AS d USING (jurisdiction)
         WHERE jurisdiction = $1 AND revision <= $2
         UNION ALL
         SELECT {columns} FROM calendars_history JOIN calendar_days_history AS d USING (jurisdiction, ended_revision)
         WHERE jurisdiction = $1 AND revision <= $2 AND ended_revision > $2"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(revision)
    .load(conn)?;
    to_calendar(row, days).map(Some)
}

/// Puts a calendar in the place of the one there is. No layer changes by it: what is due is reckoned when it is asked for.
///
/// # Errors
/// The database's.
pub fn replace(
    tx: &mut WriteTx<'_>,
    jurisdiction: &str,
    calendar: &Calendar,
    digest: &str,
) -> Stored<RegisteredCalendar> {
    let (revision, recorded_at) = tx.raise(jurisdiction)?;
    tx.ask_versions(jurisdiction)?;
    diesel::delete(calendars::table.find(jurisdiction)).execute(tx.conn)?;
    let content = calendar.content();
    let row = CalendarRow {
        jurisdiction: jurisdiction.to_owned(),
        name: content.name.clone(),
        version: content.version.clone(),
        digest: digest.to_owned(),
        weekly_days_off: content.weekly_days_off.iter().map(ToString::to_string).collect(),
        first_year: content.first_year,
        last_year: content.last_year,
        revision,
        recorded_at: recorded_at.to_diesel(),
    };
    diesel::insert_into(calendars::table).values(row).execute(tx.conn)?;
    for some in content.days.chunks(BATCH) {
        let rows: Vec<DayRow> = some.iter().map(|day| to_row(jurisdiction, day)).collect();
        diesel::insert_into(calendar_days::table).values(rows).execute(tx.conn)?;
    }
    let (jurisdiction, digest) = (jurisdiction.to_owned(), digest.to_owned());
    Ok(RegisteredCalendar { jurisdiction, digest, revision, recorded_at, calendar: calendar.clone() })
}

fn to_row(jurisdiction: &str, day: &NamedDay) -> DayRow {
    DayRow {
        jurisdiction: jurisdiction.to_owned(),
        day: day.date.to_diesel(),
        working: day.working,
        name_vi: day.name_vi.clone(),
        name_en: day.name_en.clone(),
        document: day.document.clone(),
        article: day.article.clone(),
        confidence: day.confidence.as_str().into(),
        note: day.note.clone(),
    }
}

fn to_calendar(row: CalendarRow, days: Vec<DayRow>) -> Stored<RegisteredCalendar> {
    let days = days.into_iter().map(to_day).collect::<Stored<_>>()?;
    let weekly_days_off = row.weekly_days_off.iter().map(|text| word(text)).collect::<Stored<_>>()?;
    let CalendarRow { name, version, first_year, last_year, .. } = row;
    Ok(RegisteredCalendar {
        jurisdiction: row.jurisdiction,
        digest: row.digest,
        revision: row.revision,
        recorded_at: row.recorded_at.to_jiff(),
        calendar: Calendar::new(CalendarContent { name, version, weekly_days_off, first_year, last_year, days }),
    })
}

fn to_day(row: DayRow) -> Stored<NamedDay> {
    Ok(NamedDay {
        date: row.day.to_jiff(),
        working: row.working,
        name_vi: row.name_vi,
        name_en: row.name_en,
        document: row.document,
        article: row.article,
        confidence: word(&row.confidence)?,
        note: row.note,
    })
}
