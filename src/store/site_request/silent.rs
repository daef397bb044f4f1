//! Requests that were granted and of which something is counted nowhere yet: their antennas, the place on a column that is shared.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as UuidSql};
use uuid::Uuid;

use super::{Row, filed};
use crate::domain::reference::ReferenceKind;
use crate::domain::site_request::Filed;
use crate::domain::site_request::words::{Event, State};
use crate::domain::word::Word;
use crate::domain::work::WorkStatus;
use crate::store::{Stored, WriteTx};

/// Requests of a jurisdiction with antennas that may be built, or that became a column which still counts, and of which no transmitter
/// stands in the register: by id, at most so many after one.
///
/// # Errors
/// The database's.
pub fn without_transmitters(
    conn: &mut PgConnection,
    jurisdiction: &str,
    (after, limit): (Option<Uuid>, i64),
) -> Stored<Vec<Filed>> {
    let words = |all: Vec<State>| all.into_iter().map(Word::as_str).collect::<Vec<_>>();
    let permitted = State::ALL.iter().map(|(state, _)| *state).filter(|state| state.is_permitted()).collect();
    let counts: Vec<&str> =
        WorkStatus::ALL.iter().filter(|(status, _)| status.counts()).map(|(status, _)| status.as_str()).collect();
    let rows: Vec<Row> = sql_query(
        "SELECT * FROM site_requests AS r
         WHERE r.jurisdiction = $1 AND ($2 IS NULL OR r.id > $2) AND jsonb_path_exists(r.subject, '$.antennas[*]')
             AND (r.state = ANY ($3) OR r.state = ANY ($4) AND EXISTS (
                 SELECT FROM works AS w WHERE w.jurisdiction = r.jurisdiction AND w.id = r.work AND w.status = ANY ($5)
             ))
             AND NOT EXISTS (
                 SELECT FROM reference_features AS t
                 WHERE t.jurisdiction = r.jurisdiction AND t.kind = $6 AND t.source = $7 || ' ' || r.id
             )
         ORDER BY r.id LIMIT $8",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<Nullable<UuidSql>, _>(after)
    .bind::<Array<Text>, _>(words(permitted))
    .bind::<Array<Text>, _>(words(vec![State::Verified, State::Closed]))
    .bind::<Array<Text>, _>(counts)
    .bind::<Text, _>(ReferenceKind::Transmitter.as_str())
    .bind::<Text, _>(ReferenceKind::SiteRequest.as_str())
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    rows.into_iter().map(filed).collect()
}

/// The feature that stood for a request last, where none does any more.
///
/// # Errors
/// The database's.
pub fn last_projected(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid) -> Stored<Option<Uuid>> {
    #[derive(QueryableByName)]
    struct StoodRow {
        #[diesel(sql_type = UuidSql)]
        projected: Uuid,
    }
    let row: Option<StoodRow> = sql_query(
        "SELECT projected FROM site_requests_history WHERE jurisdiction = $1 AND id = $2 AND projected IS NOT NULL
         ORDER BY version DESC LIMIT 1",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<UuidSql, _>(id)
    .get_result(tx.conn)
    .optional()?;
    Ok(row.map(|row| row.projected))
}

/// Whose requests are to come on a column that is shared, by an agreement on it: those that nobody verified yet and that have not ended.
///
/// # Errors
/// The database's.
pub fn agreed_on(tx: &mut WriteTx<'_>, jurisdiction: &str, column: Uuid) -> Stored<Vec<String>> {
    #[derive(QueryableByName)]
    struct WhoRow {
        #[diesel(sql_type = Text)]
        organisation: String,
    }
    let to_come = [State::PermitActive, State::ConstructionNotified, State::AsBuiltSubmitted].map(Word::as_str);
    let rows: Vec<WhoRow> = sql_query(
        "SELECT DISTINCT r.organisation FROM site_request_events AS e
         JOIN site_requests AS r ON r.jurisdiction = e.jurisdiction AND r.id = e.request
         WHERE e.jurisdiction = $1 AND e.event = $2 AND e.data->>'column' = $3 AND r.state = ANY ($4)",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<Text, _>(Event::RecordAgreement.as_str())
    .bind::<Text, _>(column.to_string())
    .bind::<Array<Text>, _>(to_come.as_slice())
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.organisation).collect())
}
