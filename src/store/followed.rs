//! Rows for an index that follows: what came or changed, by ids where all of it is named, else by the revision.

use diesel::pg::PgConnection;
use uuid::Uuid;

use super::Stored;
use super::records::IndexRow;
use crate::domain::feature::Noun;

/// A noun whose changes are followed.
pub trait Followed: Noun {
    /// What changed after `revision`, row by row, each with its own; 0 gives every row.
    ///
    /// # Errors
    /// The database's.
    fn index_rows(
        conn: &mut PgConnection,
        jurisdiction: &str,
        after: i64,
        each: &mut dyn FnMut(IndexRow, i64),
    ) -> Stored<()>;

    /// Those of some features that are there, row by row, each with its revision.
    ///
    /// # Errors
    /// The database's.
    fn index_rows_named(
        conn: &mut PgConnection,
        jurisdiction: &str,
        ids: &[Uuid],
        each: &mut dyn FnMut(IndexRow, i64),
    ) -> Stored<()>;
}

/// Writes [`Followed`] for a noun whose file has `index_columns` and `index_row` at hand.
macro_rules! followed {
    ($Noun:ty, $table:ident) => {
        impl Followed for $Noun {
            fn index_rows(
                conn: &mut PgConnection,
                jurisdiction: &str,
                after: i64,
                each: &mut dyn FnMut(IndexRow, i64),
            ) -> Stored<()> {
                // One row or a million: that is for the planner to know.
                conn.batch_execute(PLANNED_BY_VALUES)?;
                let rows = $table::table
                    .filter($table::jurisdiction.eq(jurisdiction).and($table::revision.gt(after)))
                    .select((index_columns(), $table::revision))
                    .load_iter::<_, diesel::pg::PgRowByRowLoadingMode>(conn)?;
                for row in rows {
                    let (row, revision) = row?;
                    each(index_row(row)?, revision);
                }
                Ok(())
            }

            fn index_rows_named(
                conn: &mut PgConnection,
                jurisdiction: &str,
                ids: &[Uuid],
                each: &mut dyn FnMut(IndexRow, i64),
            ) -> Stored<()> {
                let rows = $table::table
                    .filter($table::jurisdiction.eq(jurisdiction).and($table::id.eq_any(ids)))
                    .select((index_columns(), $table::revision));
                for (row, revision) in prepared(rows).load(conn)? {
                    each(index_row(row)?, revision);
                }
                Ok(())
            }
        }
    };
}
pub(super) use followed;
