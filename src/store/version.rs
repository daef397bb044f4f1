//! Versions in rows: the present ones stand in the table of their noun, those that have ended in the table of the same
//! name with `_history`. A version is what was recorded at every revision from its own to the one that ended it.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Double, Text, Timestamptz, Uuid as UuidSql};
use jiff::Timestamp;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::Stored;
use super::records::{IndexRow, word};
use crate::domain::audit::ACCESS;
use crate::domain::feature::Noun;
use crate::domain::layer::{Layer, with_noun};
use crate::domain::version::{Newest, Version};
use crate::geometry::Bounds;

/// A noun whose versions are kept.
pub trait Versions: Noun {
    /// The table of the present versions: not always the name of the layer, which may be a word of SQL.
    const TABLE: &'static str;

    /// What the index needs of every feature that there was at a revision, row by row.
    ///
    /// # Errors
    /// The database's, and what `each` fails with.
    fn index_rows_at(
        conn: &mut PgConnection,
        jurisdiction: &str,
        revision: i64,
        each: &mut dyn FnMut(IndexRow) -> Stored<()>,
    ) -> Stored<()>;

    /// What the index needs of every version that began or ended after a revision, at most `most` of each, row by row.
    ///
    /// # Errors
    /// The database's, and what `each` fails with.
    fn index_rows_altered(
        conn: &mut PgConnection,
        jurisdiction: &str,
        after: i64,
        most: i64,
        each: &mut dyn FnMut(IndexRow) -> Stored<()>,
    ) -> Stored<()>;

    /// Some features as they were at a revision; those that there were not are left out.
    ///
    /// # Errors
    /// The database's.
    fn at(conn: &mut PgConnection, jurisdiction: &str, ids: &[Uuid], revision: i64) -> Stored<Vec<Version<Self>>>;
}

/// Writes [`Versions`] for a noun whose file has the columns of its rows at hand.
macro_rules! versions {
    ($Noun:ty, $table:ident, $history:ident, $Row:ident) => {
        impl Versions for $Noun {
            const TABLE: &'static str = stringify!($table);

            fn index_rows_at(
                conn: &mut PgConnection,
                jurisdiction: &str,
                revision: i64,
                each: &mut dyn FnMut(IndexRow) -> Stored<()>,
            ) -> Stored<()> {
                let rows = $table::table
                    .filter($table::jurisdiction.eq(jurisdiction).and($table::revision.le(revision)))
                    .select(index_columns())
                    .load_iter::<IndexValues, diesel::pg::PgRowByRowLoadingMode>(conn)?;
                for row in rows {
                    each(index_row(row?)?)?;
                }
                let rows = $history::table
                    .filter($history::jurisdiction.eq(jurisdiction).and($history::revision.le(revision)))
                    .filter($history::ended_revision.gt(revision))
                    .select(ended_index_columns())
                    .load_iter::<IndexValues, diesel::pg::PgRowByRowLoadingMode>(conn)?;
                for row in rows {
                    each(index_row(row?)?)?;
                }
                Ok(())
            }

            fn index_rows_altered(
                conn: &mut PgConnection,
                jurisdiction: &str,
                after: i64,
                most: i64,
                each: &mut dyn FnMut(IndexRow) -> Stored<()>,
            ) -> Stored<()> {
                let rows = $table::table
                    .filter($table::jurisdiction.eq(jurisdiction).and($table::revision.gt(after)))
                    .limit(most)
                    .select(index_columns())
                    .load_iter::<IndexValues, diesel::pg::PgRowByRowLoadingMode>(conn)?;
                for row in rows {
                    each(index_row(row?)?)?;
                }
                let rows = $history::table
                    .filter($history::jurisdiction.eq(jurisdiction).and($history::ended_revision.gt(after)))
                    .limit(most)
                    .select(ended_index_columns())
                    .load_iter::<IndexValues, diesel::pg::PgRowByRowLoadingMode>(conn)?;
                for row in rows {
                    each(index_row(row?)?)?;
                }
                Ok(())
            }

            fn at(
                conn: &mut PgConnection,
                jurisdiction: &str,
                ids: &[Uuid],
                revision: i64,
            ) -> Stored<Vec<Version<Self>>> {
                let present: Vec<$Row> = $table::table
                    .filter($table::jurisdiction.eq(jurisdiction).and($table::id.eq_any(ids)))
                    .filter($table::revision.le(revision))
                    .select($Row::as_select())
                    .load(conn)?;
                let ended: Vec<($Row, i64, jiff_diesel::Timestamp)> = $history::table
                    .filter($history::jurisdiction.eq(jurisdiction).and($history::id.eq_any(ids)))
                    .filter($history::revision.le(revision).and($history::ended_revision.gt(revision)))
                    .select((ended_columns(), $history::ended_revision, $history::ended_at))
                    .load(conn)?;
                let present = present.into_iter().map(|row| (row, None));
                let ended =
                    ended.into_iter().map(|(row, revision, at)| (row, Some(Ended { revision, at: at.to_jiff() })));
                present.chain(ended).map(|(row, ended)| Ok(Version { feature: to_feature(row)?, ended })).collect()
            }
        }
    };
}
pub(super) use versions;

/// The table of the present versions of a layer.
pub(super) fn table(layer: Layer) -> &'static str {
    with_noun!(layer, N => N::TABLE)
}

/// The revision of a jurisdiction at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The jurisdiction.
    pub jurisdiction: String,
    /// The last revision that was recorded by then.
    pub revision: i64,
    /// When it was.
    pub recorded_at: Timestamp,
    /// What ended after it was kept: else nobody can tell what there was.
    pub kept: bool,
}

#[derive(QueryableByName)]
struct RecordedRow {
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Bool)]
    kept: bool,
}

/// Where every jurisdiction stood at `moment`, by code; those that were not registered by then are left out. A write that is
/// being committed is not known yet, whenever it was recorded.
///
/// # Errors
/// The database's.
pub fn recorded_by(conn: &mut PgConnection, moment: Timestamp) -> Stored<Vec<Recorded>> {
    // Versions are kept since there are hashes: an event without one may have ended versions that nobody has.
    let rows: Vec<RecordedRow> = sql_query(
        "SELECT r.jurisdiction, e.revision, e.recorded_at,
             NOT EXISTS (
                 SELECT FROM audit_events AS n
                 WHERE n.jurisdiction = r.jurisdiction AND n.revision = e.revision + 1 AND n.hash IS NULL
             ) AS kept
         FROM revisions AS r CROSS JOIN LATERAL (
             SELECT revision, recorded_at FROM audit_events AS e
             WHERE e.jurisdiction = r.jurisdiction AND e.recorded_at <= $1
             ORDER BY e.recorded_at DESC, e.revision DESC LIMIT 1
         ) AS e
         WHERE r.jurisdiction <> $2 ORDER BY r.jurisdiction",
    )
    .bind::<Timestamptz, _>(moment.to_diesel())
    .bind::<Text, _>(ACCESS)
    .load(conn)?;
    let recorded = |row: RecordedRow| {
        let RecordedRow { jurisdiction, revision, recorded_at, kept } = row;
        Recorded { jurisdiction, revision, recorded_at: recorded_at.to_jiff(), kept }
    };
    Ok(rows.into_iter().map(recorded).collect())
}

/// Where a jurisdiction stood at a revision; none where there is no such revision.
///
/// # Errors
/// The database's.
pub fn recorded_at(conn: &mut PgConnection, jurisdiction: &str, revision: i64) -> Stored<Option<Recorded>> {
    let row: Option<RecordedRow> = sql_query(
        "SELECT e.jurisdiction, e.revision, e.recorded_at,
             NOT EXISTS (
                 SELECT FROM audit_events AS n
                 WHERE n.jurisdiction = e.jurisdiction AND n.revision = e.revision + 1 AND n.hash IS NULL
             ) AS kept
         FROM audit_events AS e WHERE e.jurisdiction = $1 AND e.revision = $2",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(revision)
    .get_result(conn)
    .optional()?;
    Ok(row.map(|row| Recorded {
        jurisdiction: row.jurisdiction,
        revision: row.revision,
        recorded_at: row.recorded_at.to_jiff(),
        kept: row.kept,
    }))
}

#[derive(QueryableByName)]
struct NewestRow {
    #[diesel(sql_type = UuidSql)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = Text)]
    visibility: String,
    #[diesel(sql_type = Text)]
    organisation: String,
}

fn newest_of(row: NewestRow) -> Stored<Newest> {
    let NewestRow { id, jurisdiction, visibility, organisation } = row;
    Ok(Newest { id, jurisdiction, visibility: word(&visibility)?, organisation })
}

/// The newest versions of some features; those that there never were are left out.
///
/// # Errors
/// The database's.
pub fn newest(conn: &mut PgConnection, layer: Layer, ids: &[Uuid]) -> Stored<Vec<Newest>> {
    let table = table(layer);
    let rows: Vec<NewestRow> = sql_query(format!(
        "SELECT DISTINCT ON (id) id, jurisdiction, visibility, organisation FROM (
             SELECT id, jurisdiction, version, visibility, organisation FROM {table} WHERE id = ANY ($1)
             UNION ALL
             SELECT id, jurisdiction, version, visibility, organisation FROM {table}_history WHERE id = ANY ($1)
         ) AS every ORDER BY id, version DESC"
    ))
    .bind::<Array<UuidSql>, _>(ids)
    .load(conn)?;
    rows.into_iter().map(newest_of).collect()
}

/// The newest versions of the features of a jurisdiction that changed or were deleted after a revision.
///
/// # Errors
/// The database's.
pub fn newest_since(conn: &mut PgConnection, layer: Layer, jurisdiction: &str, after: i64) -> Stored<Vec<Newest>> {
    let table = table(layer);
    let rows: Vec<NewestRow> = sql_query(format!(
        "SELECT DISTINCT ON (id) id, jurisdiction, visibility, organisation FROM (
             SELECT id, jurisdiction, version, visibility, organisation FROM {table}
             WHERE jurisdiction = $1 AND revision > $2
             UNION ALL
             SELECT id, jurisdiction, version, visibility, organisation FROM {table}_history
             WHERE jurisdiction = $1 AND ended_revision > $2
         ) AS every ORDER BY id, version DESC"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(after)
    .load(conn)?;
    rows.into_iter().map(newest_of).collect()
}

#[derive(QueryableByName)]
struct BoxRow {
    #[diesel(sql_type = Double)]
    west: f64,
    #[diesel(sql_type = Double)]
    south: f64,
    #[diesel(sql_type = Double)]
    east: f64,
    #[diesel(sql_type = Double)]
    north: f64,
}

/// The box on the working grid round the versions of a layer that were recorded at a revision and have ended since.
///
/// # Errors
/// The database's.
pub fn ended_box(conn: &mut PgConnection, layer: Layer, jurisdiction: &str, revision: i64) -> Stored<Bounds> {
    let ended = "SELECT ST_Extent(geom_grid) AS around FROM {table}_history
        WHERE jurisdiction = $1 AND revision <= $2 AND ended_revision > $2";
    box_of(conn, ended, layer, jurisdiction, revision)
}

/// The same round all that were recorded at a revision, whether they have ended since or not.
///
/// # Errors
/// The database's.
pub fn box_at(conn: &mut PgConnection, layer: Layer, jurisdiction: &str, revision: i64) -> Stored<Bounds> {
    let present = "SELECT ST_Extent(geom_grid) AS around FROM {table} WHERE jurisdiction = $1 AND revision <= $2";
    let mut around = ended_box(conn, layer, jurisdiction, revision)?;
    around.merge(&box_of(conn, present, layer, jurisdiction, revision)?);
    Ok(around)
}

/// The box that a query for `around` gives, in which `{table}` is the table of the layer.
fn box_of(conn: &mut PgConnection, query: &str, layer: Layer, jurisdiction: &str, revision: i64) -> Stored<Bounds> {
    let query = query.replace("{table}", table(layer));
    let found: Option<BoxRow> = sql_query(format!(
        "SELECT ST_XMin(around) AS west, ST_YMin(around) AS south, ST_XMax(around) AS east, ST_YMax(around) AS north
         FROM ({query}) AS found WHERE around IS NOT NULL"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(revision)
    .get_result(conn)
    .optional()?;
    Ok(found.map_or(Bounds::EMPTY, |b| Bounds { min: [b.west, b.south], max: [b.east, b.north] }))
}
