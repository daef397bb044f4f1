//! Documents, in rows: appended, and read; nothing here changes or deletes one. What is in them is in `objects.rs`.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz, Uuid as UuidSql};
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::records::word;
use super::{Failure, Stored, WriteTx, audit};
use crate::domain::audit::Digest;
use crate::domain::document::{Document, DocumentKind, FileName};
use crate::domain::word::Word;
use crate::error::Error;

/// The lock under which objects are kept, shared, or swept away, alone; any number that nothing else in the database locks.
const OBJECTS: i64 = 0x636c_7764_6f63;

/// So many documents of a holder are looked at by a step at most, the first of them.
const KEPT_MAX: i64 = 10_000;

/// Until the transaction ends no object is swept away: what is there stays.
///
/// # Errors
/// The database's.
pub fn hold_objects(tx: &mut WriteTx<'_>) -> Stored<()> {
    sql_query("SELECT pg_advisory_xact_lock_shared($1)").bind::<BigInt, _>(OBJECTS).execute(tx.conn)?;
    Ok(())
}

/// Adds a document, whose revision was raised.
///
/// # Errors
/// The database's.
pub fn insert(tx: &mut WriteTx<'_>, document: &Document) -> Stored<()> {
    sql_query(
        "INSERT INTO documents (jurisdiction, id, noun, holder, kind, name, media_type, bytes, sha256, redacts, actor,
             organisation, recorded_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind::<Text, _>(&document.jurisdiction)
    .bind::<UuidSql, _>(document.id)
    .bind::<Text, _>(&document.noun)
    .bind::<UuidSql, _>(document.holder)
    .bind::<Text, _>(document.kind.as_str())
    .bind::<Text, _>(document.name.as_str())
    .bind::<Text, _>(document.media_type.as_str())
    .bind::<BigInt, _>(i64::try_from(document.bytes).unwrap_or(i64::MAX))
    .bind::<Binary, _>(document.sha256.as_slice())
    .bind::<Nullable<UuidSql>, _>(document.redacts)
    .bind::<Text, _>(&document.actor)
    .bind::<Nullable<Text>, _>(document.organisation.as_deref())
    .bind::<Timestamptz, _>(document.recorded_at.to_diesel())
    .bind::<BigInt, _>(document.revision)
    .execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = UuidSql)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    noun: String,
    #[diesel(sql_type = UuidSql)]
    holder: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    media_type: String,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
    #[diesel(sql_type = Binary)]
    sha256: Vec<u8>,
    #[diesel(sql_type = Nullable<UuidSql>)]
    redacts: Option<Uuid>,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    organisation: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    revision: i64,
}

/// The documents of these ids that the transaction sees.
///
/// # Errors
/// The database's.
pub fn of_ids(conn: &mut PgConnection, ids: &[Uuid]) -> Stored<Vec<Document>> {
    let rows: Vec<Row> =
        sql_query("SELECT * FROM documents WHERE id = ANY ($1)").bind::<Array<UuidSql>, _>(ids).load(conn)?;
    rows.into_iter().map(document).collect()
}

/// Documents of a holder that the transaction sees, by id, which is by time: at most so many after one.
///
/// # Errors
/// The database's.
pub fn of_holder(
    conn: &mut PgConnection,
    jurisdiction: &str,
    (noun, holder): (&str, Uuid),
    after: Option<Uuid>,
    limit: i64,
) -> Stored<Vec<Document>> {
    let rows: Vec<Row> = sql_query(
        "SELECT * FROM documents WHERE jurisdiction = $1 AND noun = $2 AND holder = $3 AND ($4 IS NULL OR id > $4)
         ORDER BY id LIMIT $5",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<Text, _>(noun)
    .bind::<UuidSql, _>(holder)
    .bind::<Nullable<UuidSql>, _>(after)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    rows.into_iter().map(document).collect()
}

/// Kind and hash of the documents of a holder that the transaction sees.
///
/// # Errors
/// The database's.
pub fn kept(conn: &mut PgConnection, jurisdiction: &str, of: (&str, Uuid)) -> Stored<Vec<(DocumentKind, Digest)>> {
    let all = of_holder(conn, jurisdiction, of, None, KEPT_MAX)?;
    Ok(all.into_iter().filter(|one| one.redacts.is_none()).map(|one| (one.kind, one.sha256)).collect())
}

/// The same, inside a write.
///
/// # Errors
/// The database's.
pub fn kept_in(tx: &mut WriteTx<'_>, jurisdiction: &str, of: (&str, Uuid)) -> Stored<Vec<(DocumentKind, Digest)>> {
    kept(tx.conn, jurisdiction, of)
}

/// Those of some hashes that no document of any jurisdiction has, for a transaction that sees everything. Until it ends nobody
/// adds one.
///
/// # Errors
/// The database's.
pub fn in_no_document(conn: &mut PgConnection, hashes: &[Digest]) -> Stored<Vec<Digest>> {
    #[derive(QueryableByName)]
    struct HashRow {
        #[diesel(sql_type = Binary)]
        sha256: Vec<u8>,
    }
    sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(OBJECTS).execute(conn)?;
    let rows: Vec<HashRow> = sql_query(
        "SELECT h.sha256 FROM unnest($1::bytea[]) AS h (sha256)
         WHERE NOT EXISTS (SELECT FROM documents AS d WHERE d.sha256 = h.sha256)",
    )
    .bind::<Array<Binary>, _>(hashes.iter().map(Digest::as_slice).collect::<Vec<_>>())
    .load(conn)?;
    rows.iter().map(|row| audit::digest(&row.sha256)).collect()
}

/// The hashes of all documents with their lengths, for a transaction that sees everything, after one of them.
///
/// # Errors
/// The database's.
pub fn hashes(conn: &mut PgConnection, after: Option<&Digest>, limit: i64) -> Stored<Vec<(Digest, u64)>> {
    #[derive(QueryableByName)]
    struct HashRow {
        #[diesel(sql_type = Binary)]
        sha256: Vec<u8>,
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let rows: Vec<HashRow> = sql_query(
        "SELECT DISTINCT sha256, bytes FROM documents WHERE $1 IS NULL OR sha256 > $1 ORDER BY sha256, bytes LIMIT $2",
    )
    .bind::<Nullable<Binary>, _>(after.map(Digest::as_slice))
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    rows.iter().map(|row| Ok((audit::digest(&row.sha256)?, length(row.bytes)?))).collect()
}

fn wrong(what: &str) -> Failure {
    Failure::Ours(Error::Internal(format!("a stored document has {what} that is none")))
}

fn length(bytes: i64) -> Stored<u64> {
    u64::try_from(bytes).map_err(|_| wrong("a length"))
}

fn document(row: Row) -> Stored<Document> {
    Ok(Document {
        kind: word(&row.kind)?,
        name: FileName::parse(&row.name).map_err(|_| wrong("a name"))?,
        media_type: word(&row.media_type)?,
        bytes: length(row.bytes)?,
        sha256: audit::digest(&row.sha256)?,
        jurisdiction: row.jurisdiction,
        id: row.id,
        noun: row.noun,
        holder: row.holder,
        redacts: row.redacts,
        actor: row.actor,
        organisation: row.organisation,
        recorded_at: row.recorded_at.to_jiff(),
        revision: row.revision,
    })
}
