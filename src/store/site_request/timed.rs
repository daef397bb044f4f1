//! Requests for which time passes.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Date as DateSql, Nullable, Text, Uuid as UuidSql};
use jiff::civil::Date;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::{Copies, Row, filed};
use crate::domain::site_request::Filed;
use crate::domain::site_request::words::State;
use crate::domain::word::Word;
use crate::store::records::word;
use crate::store::{Stored, WriteTx};

/// The requests of the jurisdiction `$1` whose clock may run, in SQL: accepted, and not decided on.
macro_rules! timed {
    () => {
        "jurisdiction = $1 AND receipt IS NOT NULL AND state IN ('submitted', 'returned_for_supplement', 'accepted', 'checking',
             'consulting', 'assessing', 'recommended', 'awaiting_decision')"
    };
}

#[derive(QueryableByName)]
struct OverRow {
    #[diesel(sql_type = UuidSql)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
}

/// Requests of a jurisdiction with which the service itself has something to do on a day, with their states: those whose permit
/// held until a day that is over, and those of which a last day for an answer is.
///
/// # Errors
/// The database's.
pub fn over(conn: &mut PgConnection, jurisdiction: &str, day: Date, limit: i64) -> Stored<Vec<(Uuid, State)>> {
    let rows: Vec<OverRow> = sql_query(
        "(SELECT id, state FROM site_requests WHERE state = 'permit_active' AND ends_on < $2 AND jurisdiction = $1
          ORDER BY ends_on LIMIT $3)
         UNION
         (SELECT id, state FROM site_requests WHERE jurisdiction = $1 AND wakes_on <= $2 ORDER BY wakes_on LIMIT $3)",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<DateSql, _>(day.to_diesel())
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    rows.into_iter().map(|row| Ok((row.id, word(&row.state)?))).collect()
}

/// Requests of a jurisdiction whose last day for an answer is over, by id, at most so many after one.
///
/// # Errors
/// The database's.
pub fn overdue(
    conn: &mut PgConnection,
    jurisdiction: &str,
    day: Date,
    after: Option<Uuid>,
    limit: i64,
) -> Stored<Vec<(Uuid, State)>> {
    let rows: Vec<OverRow> = sql_query(concat!(
        "SELECT id, state FROM site_requests WHERE ",
        timed!(),
        " AND due_on < $2 AND id > $3 ORDER BY id LIMIT $4"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<DateSql, _>(day.to_diesel())
    .bind::<UuidSql, _>(after.unwrap_or(Uuid::nil()))
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    rows.into_iter().map(|row| Ok((row.id, word(&row.state)?))).collect()
}

/// Locks the requests of a jurisdiction whose clock may run, until the transaction ends: whoever locks one raises no revision
/// before, so this comes before it, too.
///
/// # Errors
/// The database's.
pub fn lock_timed(tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<()> {
    sql_query(concat!("SELECT id FROM site_requests WHERE ", timed!(), " ORDER BY id FOR UPDATE"))
        .bind::<Text, _>(jurisdiction)
        .execute(tx.conn)?;
    Ok(())
}

/// Those, by their ids, at most so many after one.
///
/// # Errors
/// The database's.
pub fn timed(tx: &mut WriteTx<'_>, jurisdiction: &str, after: Option<Uuid>, limit: i64) -> Stored<Vec<Filed>> {
    let rows: Vec<Row> = sql_query(concat!(
        "SELECT * FROM site_requests WHERE ",
        timed!(),
        " AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<Nullable<UuidSql>, _>(after)
    .bind::<BigInt, _>(limit)
    .load(tx.conn)?;
    rows.into_iter().map(filed).collect()
}

/// The requests of a jurisdiction of which is to be counted anew what is kept of them, by id, at most so many after one.
///
/// # Errors
/// The database's.
pub fn to_count(conn: &mut PgConnection, jurisdiction: &str, after: Option<Uuid>, limit: i64) -> Stored<Vec<Filed>> {
    let rows: Vec<Row> = sql_query(
        "SELECT r.* FROM site_requests_to_count AS c JOIN site_requests AS r ON r.jurisdiction = c.jurisdiction AND r.id = c.id
         WHERE c.jurisdiction = $1 AND ($2 IS NULL OR c.id > $2) ORDER BY c.id LIMIT $3",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<Nullable<UuidSql>, _>(after)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    rows.into_iter().map(filed).collect()
}

/// That of one is done. It was still to be.
///
/// # Errors
/// The database's.
pub fn is_counted(tx: &mut WriteTx<'_>, of: &Filed) -> Stored<bool> {
    let gone = sql_query("DELETE FROM site_requests_to_count WHERE jurisdiction = $1 AND id = $2")
        .bind::<Text, _>(&of.jurisdiction)
        .bind::<UuidSql, _>(of.id)
        .execute(tx.conn)?;
    Ok(gone > 0)
}

/// What is kept of a request to search by says this.
///
/// # Errors
/// The database's.
pub fn says(tx: &mut WriteTx<'_>, of: &Filed, copies: &Copies) -> Stored<bool> {
    #[derive(QueryableByName)]
    struct SaysRow {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        it_says: bool,
    }
    let statement = sql_query(
        "SELECT EXISTS (
             SELECT FROM site_requests WHERE jurisdiction = $1 AND id = $2 AND waits_for IS NOT DISTINCT FROM $3
                 AND asked_until IS NOT DISTINCT FROM $4 AND ends_on IS NOT DISTINCT FROM $5 AND wakes_on IS NOT DISTINCT FROM $6
         ) AS it_says",
    )
    .bind::<Text, _>(&of.jurisdiction)
    .bind::<UuidSql, _>(of.id)
    .bind::<Nullable<Text>, _>(copies.waits_for.map(Word::as_str))
    .bind::<Nullable<DateSql>, _>(copies.asked_until.map(ToDiesel::to_diesel))
    .bind::<Nullable<DateSql>, _>(copies.ends_on.map(ToDiesel::to_diesel))
    .bind::<Nullable<DateSql>, _>(copies.wakes_on.map(ToDiesel::to_diesel));
    Ok(statement.get_result::<SaysRow>(tx.conn)?.it_says)
}
