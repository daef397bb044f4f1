//! Bulk: what an import does in the database once its rows are staged. The names in these statements are constants
//! of the program; every value is bound.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use jiff_diesel::ToDiesel;

use super::records::{Duplicate, Merged};
use super::{Stored, WriteTx};
use crate::domain::audit::{Change, ChangeKind};
use crate::domain::layer::Layer;

/// Columns that a merge sets by itself.
const OWN: &[&str] = &["jurisdiction", "id", "version", "revision", "recorded_at"];

#[derive(QueryableByName)]
struct DuplicateRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    first: String,
}

#[derive(QueryableByName)]
struct MergedRow {
    #[diesel(sql_type = BigInt)]
    inserted: i64,
    #[diesel(sql_type = BigInt)]
    updated: i64,
}

/// Records whose code stands in an earlier one, in their order.
pub(super) fn duplicates(tx: &mut WriteTx<'_>, staging: &'static str) -> Stored<Vec<Duplicate>> {
    let rows: Vec<DuplicateRow> = sql_query(format!(
        "SELECT code, number, place, first FROM (
             SELECT code, number, place, first_value(place) OVER same AS first, row_number() OVER same AS nth
             FROM {staging} WINDOW same AS (PARTITION BY jurisdiction, code ORDER BY number)
         ) AS numbered WHERE nth > 1 ORDER BY number"
    ))
    .load(tx.conn)?;
    let duplicate = |r: DuplicateRow| Duplicate { code: r.code, number: r.number, place: r.place, first: r.first };
    Ok(rows.into_iter().map(duplicate).collect())
}

/// Keeps the first record of each code.
pub(super) fn drop_duplicates(tx: &mut WriteTx<'_>, staging: &'static str) -> Stored<()> {
    sql_query(format!(
        "DELETE FROM {staging} AS d USING (
             SELECT jurisdiction, code, min(number) AS first FROM {staging} GROUP BY jurisdiction, code
         ) AS kept
         WHERE d.jurisdiction = kept.jurisdiction AND d.code = kept.code AND d.number > kept.first"
    ))
    .execute(tx.conn)?;
    Ok(())
}

/// Brings the staged rows of one jurisdiction into the table, with one bulk change.
pub(super) fn merge(
    tx: &mut WriteTx<'_>,
    layer: Layer,
    table: &'static str,
    staging: &'static str,
    columns: &[&'static str],
    jurisdiction: &str,
) -> Stored<Merged> {
    // Features first, then the revision: the order in which every write locks, so that two cannot wait for each other.
    sql_query(format!(
        "SELECT 1 FROM {table} AS t JOIN {staging} AS s USING (jurisdiction, code)
         WHERE jurisdiction = $1 ORDER BY t.id FOR UPDATE OF t"
    ))
    .bind::<Text, _>(jurisdiction)
    .execute(tx.conn)?;
    let (revision, recorded_at) = tx.raise(jurisdiction)?;
    let taken: Vec<&str> = columns.iter().copied().filter(|c| !OWN.contains(c)).collect();
    let list = taken.join(", ");
    let set = taken.iter().map(|c| format!("{c} = EXCLUDED.{c}")).collect::<Vec<_>>().join(", ");
    let differs = taken.iter().map(|c| format!("t.{c} IS DISTINCT FROM EXCLUDED.{c}")).collect::<Vec<_>>().join(" OR ");
    let row: MergedRow = sql_query(format!(
        "WITH merged AS (
             INSERT INTO {table} AS t (jurisdiction, id, version, revision, recorded_at, {list})
             SELECT jurisdiction, id, 1, $1, $2, {list} FROM {staging} WHERE jurisdiction = $3 ORDER BY number
             ON CONFLICT (jurisdiction, code) DO UPDATE
             SET version = t.version + 1, revision = EXCLUDED.revision, recorded_at = EXCLUDED.recorded_at, {set}
             WHERE {differs}
             RETURNING (t.xmax = 0) AS is_new
         )
         SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged"
    ))
    .bind::<BigInt, _>(revision)
    .bind::<Timestamptz, _>(recorded_at.to_diesel())
    .bind::<Text, _>(jurisdiction)
    .get_result(tx.conn)?;
    tx.changed(jurisdiction, Change { layer, kind: ChangeKind::Bulk, id: None })?;
    Ok(Merged { inserted: row.inserted, updated: row.updated })
}
