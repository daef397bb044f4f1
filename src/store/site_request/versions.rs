//! Versions of site requests, present or ended.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Text, Uuid as UuidSql};
use uuid::Uuid;

use super::{Row, filed};
use crate::domain::site_request::Filed;
use crate::domain::version::Ended;
use crate::store::Stored;
use crate::store::history::{EndedRow, every_version, version_at};

/// The newest version of a request that the transaction sees, or of a draft that was deleted the last.
///
/// # Errors
/// The database's.
pub fn newest(conn: &mut PgConnection, id: Uuid) -> Stored<Option<Filed>> {
    let every = every_version("site_requests", "id = $1");
    let statement = sql_query(format!("{every} ORDER BY version DESC LIMIT 1")).bind::<UuidSql, _>(id);
    statement.get_result(conn).optional()?.map(filed).transpose()
}

/// The numbers of the versions of a request that began in some revisions, in their order.
///
/// # Errors
/// The database's.
pub fn numbers(conn: &mut PgConnection, of: &Filed, revisions: &[i64]) -> Stored<Vec<i32>> {
    #[derive(QueryableByName)]
    struct NumberRow {
        #[diesel(sql_type = Integer)]
        version: i32,
    }
    let every = every_version("site_requests", "jurisdiction = $1 AND id = $2 AND revision = ANY ($3)");
    let rows: Vec<NumberRow> = sql_query(format!("SELECT version FROM ({every}) AS v ORDER BY version"))
        .bind::<Text, _>(&of.jurisdiction)
        .bind::<UuidSql, _>(of.id)
        .bind::<Array<BigInt>, _>(revisions)
        .load(conn)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// A request as it was recorded at a revision, and how that ended.
///
/// # Errors
/// The database's.
pub fn at(conn: &mut PgConnection, of: &Filed, revision: i64) -> Stored<Option<(Filed, Option<Ended>)>> {
    let row: Option<(Row, EndedRow)> = sql_query(version_at("site_requests"))
        .bind::<Text, _>(&of.jurisdiction)
        .bind::<UuidSql, _>(of.id)
        .bind::<BigInt, _>(revision)
        .get_result(conn)
        .optional()?;
    row.map(|(row, ended)| Ok((filed(row)?, ended.ended()))).transpose()
}
