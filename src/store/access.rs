//! How what is known of credentials follows the database, and what the events of the chain of access changed, as digests.

use diesel::dsl::exists;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};

use super::audit::digest;
use super::schema::audit_events;
use super::{Stored, WriteTx, changes};
use crate::domain::audit::{ACCESS, AccessPresent, AccessVersion, Deed, Digest, Thing, sums_of};
use crate::domain::word::Word;

/// The revision of the chain of access, and whether anybody may less since `after`.
///
/// # Errors
/// The database's.
pub fn since(conn: &mut PgConnection, after: i64) -> Stored<(i64, bool)> {
    let revision = changes::revision(conn, ACCESS)?.unwrap_or(0);
    if revision == after {
        return Ok((revision, false));
    }
    let harmless: Vec<&str> = Deed::TAKES_NOTHING.iter().map(|d| d.as_str()).collect();
    let takes = audit_events::table
        .filter(audit_events::jurisdiction.eq(ACCESS).and(audit_events::revision.gt(after)))
        .filter(audit_events::deed.ne_all(harmless));
    let any: bool = diesel::select(exists(takes)).get_result(conn)?;
    // A database that went back is another one.
    Ok((revision, any || revision < after))
}

/// What a write is about, as it was before.
#[derive(Debug)]
pub(super) struct Touched {
    what: Thing,
    key: String,
    before: Option<Digest>,
}

/// Notes what a write is about to add, change or delete. What it was then, and what it is when the write ends, goes into the
/// event.
pub(super) fn touch(tx: &mut WriteTx<'_>, what: Thing, key: &impl ToString) -> Stored<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Binary>)]
        digest: Option<Vec<u8>>,
    }
    tx.raise(ACCESS)?;
    let key = key.to_string();
    if tx.touched()?.iter().any(|t| t.what == what && t.key == key) {
        return Ok(());
    }
    let row: Row = sql_query("SELECT access_digest($1, $2) AS digest")
        .bind::<Text, _>(what.as_str())
        .bind::<Text, _>(&key)
        .get_result(tx.conn)?;
    let before = row.digest.as_deref().map(digest).transpose()?;
    tx.touched()?.push(Touched { what, key, before });
    Ok(())
}

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Nullable<Binary>)]
    before: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    after: Option<Vec<u8>>,
}

fn version(row: VersionRow) -> Stored<AccessVersion> {
    let VersionRow { revision, what, key, before, after } = row;
    let optional = |bytes: Option<Vec<u8>>| bytes.as_deref().map(digest).transpose();
    Ok(AccessVersion { revision, what, key, before: optional(before)?, after: optional(after)? })
}

/// Keeps what a revision changed, and gives one digest of what there was before, and one of what there is now.
pub(super) fn versions_in(
    conn: &mut PgConnection,
    revision: i64,
    touched: &[Touched],
) -> Stored<(Option<Digest>, Option<Digest>)> {
    if touched.is_empty() {
        return Ok((None, None));
    }
    let rows: Vec<VersionRow> = sql_query(
        "INSERT INTO access_versions (revision, what, key, before, after)
         SELECT $1, what, key, before, after FROM (
             SELECT t.what, t.key, t.before, access_digest(t.what, t.key) AS after
             FROM unnest($2::text[], $3::text[], $4::bytea[]) AS t (what, key, before)
         ) AS t WHERE before IS DISTINCT FROM after
         RETURNING revision, what, key, before, after",
    )
    .bind::<BigInt, _>(revision)
    .bind::<Array<Text>, _>(touched.iter().map(|t| t.what.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(touched.iter().map(|t| t.key.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Binary>>, _>(touched.iter().map(|t| t.before.map(Vec::from)).collect::<Vec<_>>())
    .load(conn)?;
    let versions = rows.into_iter().map(version).collect::<Stored<Vec<_>>>()?;
    Ok(sums_of(&versions).remove(&revision).unwrap_or_default())
}

/// What every event changed, and what there was before digests were taken.
///
/// # Errors
/// The database's.
pub fn versions(conn: &mut PgConnection) -> Stored<Vec<AccessVersion>> {
    let rows: Vec<VersionRow> =
        sql_query("SELECT revision, what, key, before, after FROM access_versions").load(conn)?;
    rows.into_iter().map(version).collect()
}

#[derive(QueryableByName)]
struct PresentRow {
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

/// Everything that the chain of access tells of, as it is stored now.
///
/// # Errors
/// The database's.
pub fn present(conn: &mut PgConnection) -> Stored<Vec<AccessPresent>> {
    let rows: Vec<PresentRow> = sql_query("SELECT what, key, name, digest FROM access_present").load(conn)?;
    let present = |row: PresentRow| {
        let PresentRow { what, key, name, digest: bytes } = row;
        Ok(AccessPresent { what, key, name, digest: digest(&bytes)? })
    };
    rows.into_iter().map(present).collect()
}
