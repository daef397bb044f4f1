//! Who looked at what, in rows. They are appended, and read; nothing here changes or deletes one.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as UuidSql};
use jiff::Timestamp;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::schema::restricted_reads;
use super::{Store, Stored};
use crate::domain::restricted_read::RestrictedRead;
use crate::error::Result;

impl Store {
    /// Appends rows, in one statement. One that is there already stays as it is, so whoever does not know whether they
    /// were written writes them again. It is no write of the register: nothing is raised, and no event left.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::error::Error::Busy) where the database cannot be reached: then some, all or none are there.
    pub fn append_reads(&self, reads: &[RestrictedRead]) -> Result<()> {
        if reads.is_empty() { Ok(()) } else { self.run(|conn| append(conn, reads)) }
    }
}

/// The ids of all rows are one array, for arrays of several lengths are none: of each row, where its part begins and ends.
fn append(conn: &mut PgConnection, reads: &[RestrictedRead]) -> Stored<()> {
    let column = |of: fn(&RestrictedRead) -> &str| -> Vec<&str> { reads.iter().map(of).collect() };
    let (mut ids, mut from, mut to): (Vec<Uuid>, Vec<i32>, Vec<i32>) = (Vec::new(), Vec::new(), Vec::new());
    // Far more ids than memory may hold of them would be too many.
    let place = |ids: &Vec<Uuid>| i32::try_from(ids.len()).unwrap_or(i32::MAX);
    for read in reads {
        from.push(place(&ids).saturating_add(1));
        ids.extend(&read.ids);
        to.push(place(&ids));
    }
    sql_query(
        "INSERT INTO restricted_reads (jurisdiction, id, read_at, actor, organisation, request_id, door, layer, ids)
         SELECT r.jurisdiction, r.id, r.read_at, r.actor, r.organisation, r.request_id, r.door, r.layer,
             ($9::uuid[])[r.first : r.last]
         FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
             $10::int[], $11::int[])
             AS r (jurisdiction, id, read_at, actor, organisation, request_id, door, layer, first, last)
         ON CONFLICT DO NOTHING",
    )
    .bind::<Array<Text>, _>(column(|r| &r.jurisdiction))
    .bind::<Array<UuidSql>, _>(reads.iter().map(|r| r.id).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(reads.iter().map(|r| r.read_at.to_diesel()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(column(|r| &r.actor))
    .bind::<Array<Nullable<Text>>, _>(reads.iter().map(|r| r.organisation.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(column(|r| &r.request_id))
    .bind::<Array<Text>, _>(column(|r| &r.door))
    .bind::<Array<Text>, _>(column(|r| &r.layer))
    .bind::<Array<UuidSql>, _>(ids)
    .bind::<Array<Integer>, _>(from)
    .bind::<Array<Integer>, _>(to)
    .execute(conn)?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = restricted_reads, check_for_backend(diesel::pg::Pg))]
struct Row {
    jurisdiction: String,
    id: Uuid,
    read_at: jiff_diesel::Timestamp,
    actor: String,
    organisation: Option<String>,
    request_id: String,
    door: String,
    layer: String,
    ids: Vec<Uuid>,
}

/// What was read from one moment on to before another, row by row, by time.
///
/// # Errors
/// The database's, and what `each` fails with.
pub fn reads(
    conn: &mut PgConnection,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    each: &mut dyn FnMut(RestrictedRead) -> Stored<()>,
) -> Stored<()> {
    let mut rows = restricted_reads::table
        .order((restricted_reads::read_at.asc(), restricted_reads::id.asc()))
        .select(Row::as_select())
        .into_boxed();
    if let Some(from) = from {
        rows = rows.filter(restricted_reads::read_at.ge(from.to_diesel()));
    }
    if let Some(to) = to {
        rows = rows.filter(restricted_reads::read_at.lt(to.to_diesel()));
    }
    for row in rows.load_iter::<Row, diesel::pg::PgRowByRowLoadingMode>(conn)? {
        let Row { jurisdiction, id, read_at, actor, organisation, request_id, door, layer, ids } = row?;
        let read_at = read_at.to_jiff();
        each(RestrictedRead { id, read_at, actor, organisation, request_id, door, jurisdiction, layer, ids })?;
    }
    Ok(())
}
