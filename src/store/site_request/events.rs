//! Events of cases in rows.

use std::collections::HashMap;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as UuidSql};
use jiff::Timestamp;
use jiff_diesel::ToDiesel;
use serde_json::Value as Json;
use uuid::Uuid;

use super::DigestRow;
use super::json::{noted, noted_json, told, told_json, wrong};
use crate::domain::site_request::Filed;
use crate::domain::site_request::case::CaseEvent;
use crate::domain::site_request::reader::Uncounted;
use crate::domain::site_request::told::Stated;
use crate::domain::word::Word;
use crate::store::prepared::prepared;
use crate::store::records::word;
use crate::store::{Stored, WriteTx, audit};

/// Appends an event to a case.
///
/// # Errors
/// The database's.
pub fn append(tx: &mut WriteTx<'_>, of: &Filed, event: &CaseEvent) -> Stored<()> {
    let (revision, _) = tx.raise(&of.jurisdiction)?;
    let statement = sql_query(
        "INSERT INTO site_request_events (jurisdiction, request, seq, event, from_state, to_state, actor, organisation, at,
             reason, data, noted, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         RETURNING version_digest(site_request_events) AS digest",
    )
    .bind::<Text, _>(&of.jurisdiction)
    .bind::<UuidSql, _>(of.id)
    .bind::<Integer, _>(event.seq)
    .bind::<Text, _>(event.event.as_str())
    .bind::<Text, _>(event.from.as_str())
    .bind::<Text, _>(event.to.as_str())
    .bind::<Text, _>(&event.actor)
    .bind::<Nullable<Text>, _>(event.organisation.as_deref())
    .bind::<Timestamptz, _>(event.at.to_diesel())
    .bind::<Nullable<Text>, _>(event.reason.as_deref())
    .bind::<Jsonb, _>(told_json(&event.data))
    .bind::<Jsonb, _>(noted_json(&event.noted))
    .bind::<BigInt, _>(revision);
    let row: DigestRow = prepared(statement).get_result(tx.conn)?;
    tx.versions_apart(&of.jurisdiction, of.id, None, Some(audit::digest(&row.digest)?))
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Integer)]
    seq: i32,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Text)]
    from_state: String,
    #[diesel(sql_type = Text)]
    to_state: String,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    organisation: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Jsonb)]
    data: Json,
    #[diesel(sql_type = Jsonb)]
    noted: Json,
    #[diesel(sql_type = BigInt)]
    revision: i64,
}

fn event(row: EventRow) -> Stored<CaseEvent> {
    let (event, data) = (word(&row.event)?, told(&row.data));
    Ok(CaseEvent {
        revision: row.revision,
        seq: row.seq,
        event,
        from: word(&row.from_state)?,
        to: word(&row.to_state)?,
        actor: row.actor,
        organisation: row.organisation,
        at: row.at.to_jiff(),
        reason: row.reason,
        stated: Stated::read(event, &data).map_err(|_| wrong("an event"))?,
        data,
        noted: noted(&row.noted)?,
    })
}

/// Every event of a case that the transaction sees, in their order.
///
/// # Errors
/// The database's.
pub fn events(conn: &mut PgConnection, jurisdiction: &str, id: Uuid) -> Stored<Vec<CaseEvent>> {
    let statement = sql_query(
        "SELECT seq, event, from_state, to_state, actor, organisation, at, reason, data, noted, revision
         FROM site_request_events WHERE jurisdiction = $1 AND request = $2 ORDER BY seq",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<UuidSql, _>(id);
    let rows: Vec<EventRow> = prepared(statement).load(conn)?;
    rows.into_iter().map(event).collect()
}

/// Every event of several cases of a jurisdiction, inside a write, by their ids.
///
/// # Errors
/// The database's.
pub fn events_of(tx: &mut WriteTx<'_>, jurisdiction: &str, ids: &[Uuid]) -> Stored<HashMap<Uuid, Vec<CaseEvent>>> {
    #[derive(QueryableByName)]
    struct OfRow {
        #[diesel(sql_type = UuidSql)]
        request: Uuid,
        #[diesel(embed)]
        event: EventRow,
    }
    let rows: Vec<OfRow> = sql_query(
        "SELECT request, seq, event, from_state, to_state, actor, organisation, at, reason, data, noted, revision
         FROM site_request_events WHERE jurisdiction = $1 AND request = ANY ($2) ORDER BY request, seq",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<Array<UuidSql>, _>(ids)
    .load(tx.conn)?;
    let mut all: HashMap<Uuid, Vec<CaseEvent>> = HashMap::new();
    for row in rows {
        all.entry(row.request).or_default().push(event(row.event)?);
    }
    Ok(all)
}

/// Those of one, inside a write.
///
/// # Errors
/// The database's.
pub fn events_in(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid) -> Stored<Vec<CaseEvent>> {
    events(tx.conn, jurisdiction, id)
}

/// What of some requests does not count for somebody of an organisation who does not see everything ([`CaseReader::counts`]).
///
/// [`CaseReader::counts`]: crate::domain::site_request::reader::CaseReader::counts
///
/// # Errors
/// The database's.
pub fn uncounted(conn: &mut PgConnection, own: Option<&str>, of: &[&Filed]) -> Stored<HashMap<Uuid, Uncounted>> {
    #[derive(QueryableByName)]
    struct CountRow {
        #[diesel(sql_type = UuidSql)]
        request: Uuid,
        #[diesel(sql_type = Integer)]
        versions: i32,
        #[diesel(sql_type = BigInt)]
        last: i64,
    }
    let rows: Vec<CountRow> = sql_query(
        "SELECT request, count(*)::integer AS versions, max(revision) AS last FROM site_request_events
         WHERE jurisdiction = ANY ($1) AND request = ANY ($2)
             AND (event = 'lapse_consultation' OR event = 'answer' AND ($3 IS NULL OR organisation IS DISTINCT FROM $3))
         GROUP BY request",
    )
    .bind::<Array<Text>, _>(of.iter().map(|filed| filed.jurisdiction.as_str()).collect::<Vec<_>>())
    .bind::<Array<UuidSql>, _>(of.iter().map(|filed| filed.id).collect::<Vec<_>>())
    .bind::<Nullable<Text>, _>(own)
    .load(conn)?;
    let mut all = HashMap::new();
    for row in rows {
        let Some(filed) = of.iter().find(|filed| filed.id == row.request) else { continue };
        let last = if filed.revision == row.last { last_counted(conn, own, filed)? } else { None };
        all.insert(row.request, Uncounted { versions: row.versions, last });
    }
    Ok(all)
}

/// Revision and moment of the last version of a request that counts for somebody: one need not have begun with an event.
fn last_counted(conn: &mut PgConnection, own: Option<&str>, of: &Filed) -> Stored<Option<(i64, Timestamp)>> {
    #[derive(QueryableByName)]
    struct LastRow {
        #[diesel(sql_type = BigInt)]
        revision: i64,
        #[diesel(sql_type = Timestamptz)]
        recorded_at: jiff_diesel::Timestamp,
    }
    let statement = sql_query("SELECT revision, recorded_at FROM last_counted_version($1, $2, $3)")
        .bind::<Text, _>(&of.jurisdiction)
        .bind::<UuidSql, _>(of.id)
        .bind::<Nullable<Text>, _>(own);
    let row: Option<LastRow> = prepared(statement).get_result(conn).optional()?;
    Ok(row.map(|row| (row.revision, row.recorded_at.to_jiff())))
}
