//! Audit events in rows. They are appended, and read; nothing here changes or deletes one.

use std::collections::BTreeMap;

use diesel::dsl::{exists, not, sql};
use diesel::expression::SqlLiteral;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as UuidSql};
use jiff_diesel::ToDiesel;
use serde_json::json;
use uuid::Uuid;

use super::prepared::prepared;
use super::schema::{audit_events, revisions};
use super::{Failure, Stored, WriteTx, version};
use crate::domain::audit::{
    ACCESS, AuditEvent, Change, Counter, Deed, Digest, Head, Key, RecordedEvent, RecordedHead, Sums, VersionDigest,
    versions_of,
};
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::error::Error;

/// Appends the event to its chain, whose head it becomes, signed where there is a key, with the changes of its revision, and
/// announces that on `channel` at commit: one statement, for every write waits for it.
pub(super) fn append(
    conn: &mut PgConnection,
    (event, key): (&AuditEvent, Option<&Key>),
    changes: &[Change],
    channel: &str,
) -> Stored<()> {
    let detail: serde_json::Map<String, serde_json::Value> =
        event.detail.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let hash = event.hash();
    let head = || Head { chain: event.chain.clone(), revision: event.revision, hash, signed_at: event.recorded_at };
    let (signer, signature) = key.map(|key| key.sign(head())).map(|signed| (signed.key, signed.signature)).unzip();
    let statement = sql_query(
        "WITH event AS (
             INSERT INTO audit_events (jurisdiction, revision, recorded_at, actor, organisation, on_behalf_of, request_id,
                 reason, deed, layer, subject, detail, before, after, previous, hash, signer, signature)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $22, $23)
         ), head AS (
             UPDATE revisions SET audit_hash = $16 WHERE jurisdiction = $1
         ), told AS (
             INSERT INTO changes (jurisdiction, revision, ordinal, layer, kind, id)
             SELECT $1, $2, c.ordinal, c.layer, c.kind, c.id
             FROM unnest($19, $20, $21) WITH ORDINALITY AS c (layer, kind, id, ordinal)
         )
         SELECT pg_notify($17, $18)",
    )
    .bind::<Text, _>(&event.chain)
    .bind::<BigInt, _>(event.revision)
    .bind::<Timestamptz, _>(event.recorded_at.to_diesel())
    .bind::<Text, _>(&event.actor)
    .bind::<Nullable<Text>, _>(event.organisation.as_deref())
    .bind::<Nullable<Text>, _>(event.on_behalf_of.as_deref())
    .bind::<Text, _>(&event.request_id)
    .bind::<Nullable<Text>, _>(event.reason.as_deref())
    .bind::<Text, _>(&event.deed)
    .bind::<Nullable<Text>, _>(event.layer.as_deref())
    .bind::<Nullable<UuidSql>, _>(event.subject)
    .bind::<Jsonb, _>(serde_json::Value::Object(detail))
    .bind::<Nullable<Binary>, _>(event.before.as_ref().map(<[u8; 32]>::as_slice))
    .bind::<Nullable<Binary>, _>(event.after.as_ref().map(<[u8; 32]>::as_slice))
    .bind::<Nullable<Binary>, _>(event.previous.as_ref().map(<[u8; 32]>::as_slice))
    .bind::<Binary, _>(hash.as_slice())
    .bind::<Text, _>(channel)
    .bind::<Text, _>(format!("{} {}", event.chain, event.revision))
    .bind::<Array<Text>, _>(changes.iter().map(|c| c.layer.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(changes.iter().map(|c| c.kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<UuidSql>>, _>(changes.iter().map(|c| c.id).collect::<Vec<_>>())
    .bind::<Nullable<Text>, _>(signer)
    .bind::<Nullable<Text>, _>(signature);
    prepared(statement).execute(conn)?;
    Ok(())
}

/// The digest in a column of bytes.
pub(super) fn digest(bytes: &[u8]) -> Stored<Digest> {
    let wrong = |_| Failure::Ours(Error::Internal(format!("a digest of {} bytes in a row", bytes.len())));
    Digest::try_from(bytes).map_err(wrong)
}

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = UuidSql)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    ended_revision: Option<i64>,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

fn version(row: VersionRow) -> Stored<VersionDigest> {
    let VersionRow { id, revision, ended_revision, digest: bytes } = row;
    Ok(VersionDigest { id, revision, ended: ended_revision, digest: digest(&bytes)? })
}

#[derive(QueryableByName)]
struct SumRow {
    #[diesel(sql_type = Nullable<Binary>)]
    ended: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    began: Option<Vec<u8>>,
}

/// One digest of the versions that a revision ended, and one of those that it began, as they are stored. The database sums,
/// for an import may have begun a million.
pub(super) fn versions_in(
    conn: &mut PgConnection,
    chain: &str,
    revision: i64,
) -> Stored<(Option<Digest>, Option<Digest>)> {
    let row: SumRow = sql_query("SELECT ended, began FROM versions_in($1, $2)")
        .bind::<Text, _>(chain)
        .bind::<BigInt, _>(revision)
        .get_result(conn)?;
    let optional = |bytes: Option<Vec<u8>>| bytes.as_deref().map(digest).transpose();
    Ok((optional(row.ended)?, optional(row.began)?))
}

/// For each revision of a chain one digest of the versions that it ended, and one of those that it began, as they are stored.
///
/// # Errors
/// The database's.
pub fn versions(conn: &mut PgConnection, chain: &str) -> Stored<Sums> {
    let rows: Vec<VersionRow> = sql_query("SELECT id, revision, ended_revision, digest FROM versions_of($1)")
        .bind::<Text, _>(chain)
        .load(conn)?;
    Ok(versions_of(&rows.into_iter().map(version).collect::<Stored<Vec<_>>>()?))
}

/// The heads that the trail of a jurisdiction had after some revisions, for whoever sees what was written in them.
///
/// # Errors
/// The database's.
pub fn heads(conn: &mut PgConnection, jurisdiction: &str, revisions: &[i64]) -> Stored<BTreeMap<i64, RecordedHead>> {
    #[derive(QueryableByName)]
    struct HeadRow {
        #[diesel(sql_type = BigInt)]
        revision: i64,
        #[diesel(sql_type = Binary)]
        hash: Vec<u8>,
        #[diesel(sql_type = Timestamptz)]
        recorded_at: jiff_diesel::Timestamp,
        #[diesel(sql_type = Nullable<Text>)]
        signer: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        signature: Option<String>,
    }
    let statement = sql_query("SELECT revision, hash, recorded_at, signer, signature FROM audit_heads($1, $2)");
    let rows: Vec<HeadRow> =
        prepared(statement.bind::<Text, _>(jurisdiction).bind::<Array<BigInt>, _>(revisions)).load(conn)?;
    let head = |HeadRow { revision, hash, recorded_at, signer, signature }| {
        let (chain, hash, signed_at) = (jurisdiction.to_owned(), digest(&hash)?, recorded_at.to_jiff());
        let head = Head { chain, revision, hash, signed_at };
        Ok((revision, RecordedHead { head, signature: signer.zip(signature) }))
    };
    rows.into_iter().map(head).collect()
}

/// Whether something of a kind, a name and a version was ever imported with another content, inside a write. What was
/// replaced is in no table any more, but the trail names the content of each.
///
/// # Errors
/// The database's.
pub fn said_otherwise(
    tx: &mut WriteTx<'_>,
    jurisdiction: &str,
    what: &str,
    (name, version): (&str, &str),
    digest: &str,
) -> Stored<bool> {
    let same = json!({"what": what, "name": name, "version": version});
    let other = audit_events::table
        .filter(audit_events::jurisdiction.eq(jurisdiction).and(audit_events::deed.eq(Deed::Import.as_str())))
        .filter(audit_events::detail.contains(same))
        .filter(not(audit_events::detail.contains(json!({"sha256": digest}))));
    Ok(diesel::select(exists(other)).get_result(tx.conn)?)
}

/// The tables whose rows say when they began, and in `…_history` when they ended; no digest has these moments.
fn with_moments() -> impl Iterator<Item = &'static str> {
    Layer::all().map(version::table).chain(["coverage_areas", "rule_packs", "calendars", "plans", "zones"])
}

#[derive(QueryableByName)]
struct MomentRow {
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Bool)]
    began: bool,
}

/// The revisions of a chain, from one to another, of which something is stored with another moment than that of the event: what
/// the revision began (true), or what it ended. Events without a hash vouch for no moment.
///
/// # Errors
/// The database's.
pub fn other_moments(conn: &mut PgConnection, chain: &str, from: i64, to: Option<i64>) -> Stored<Vec<(i64, bool)>> {
    let stored: Vec<String> = with_moments()
        .map(|table| {
            format!(
                "SELECT revision, recorded_at AS at, true AS began FROM {table} WHERE jurisdiction = $1
             UNION ALL SELECT revision, recorded_at, true FROM {table}_history WHERE jurisdiction = $1
             UNION ALL SELECT ended_revision, ended_at, false FROM {table}_history WHERE jurisdiction = $1"
            )
        })
        .collect();
    let rows: Vec<MomentRow> = sql_query(format!(
        "SELECT DISTINCT e.revision, s.began FROM ({}) AS s
         JOIN audit_events AS e ON e.jurisdiction = $1 AND e.revision = s.revision
         WHERE e.hash IS NOT NULL AND e.recorded_at <> s.at AND e.revision BETWEEN $2 AND $3
         ORDER BY e.revision, s.began DESC",
        stored.join(" UNION ALL ")
    ))
    .bind::<Text, _>(chain)
    .bind::<BigInt, _>(from)
    .bind::<BigInt, _>(to.unwrap_or(i64::MAX))
    .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.revision, row.began)).collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::pg::Pg))]
struct EventRow {
    jurisdiction: String,
    revision: i64,
    recorded_at: jiff_diesel::Timestamp,
    actor: String,
    organisation: Option<String>,
    request_id: String,
    deed: String,
    layer: Option<String>,
    subject: Option<Uuid>,
    detail: serde_json::Value,
    on_behalf_of: Option<String>,
    reason: Option<String>,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    previous: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
    signer: Option<String>,
    signature: Option<String>,
}

fn to_event(row: EventRow) -> Stored<RecordedEvent> {
    let optional = |bytes: Option<Vec<u8>>| bytes.as_deref().map(digest).transpose();
    // A detail is always a text; whatever else stands there was not written by us. No text of the database has a NUL, so the
    // hash does not fit, whatever was hashed.
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => format!("\0{other}"),
    };
    let detail = match row.detail {
        serde_json::Value::Object(detail) => detail.into_iter().map(|(name, value)| (name, text(value))).collect(),
        other => [("\0".to_owned(), text(other))].into(),
    };
    let event = AuditEvent {
        chain: row.jurisdiction,
        revision: row.revision,
        recorded_at: row.recorded_at.to_jiff(),
        actor: row.actor,
        organisation: row.organisation,
        on_behalf_of: row.on_behalf_of,
        request_id: row.request_id,
        reason: row.reason,
        deed: row.deed,
        layer: row.layer,
        subject: row.subject,
        detail,
        before: optional(row.before)?,
        after: optional(row.after)?,
        previous: optional(row.previous)?,
    };
    Ok(RecordedEvent { event, hash: optional(row.hash)?, signed: row.signer.zip(row.signature) })
}

/// What the row that a statement returns says, as one digest.
pub(super) fn present_digest(table: &'static str) -> SqlLiteral<Binary> {
    sql(&format!("version_digest({table})"))
}

/// What a version that has ended says, as one digest.
pub(super) fn ended_digest(
    conn: &mut PgConnection,
    table: &'static str,
    jurisdiction: &str,
    id: Uuid,
    version: i32,
) -> Stored<Digest> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        digest: Vec<u8>,
    }
    let statement = sql_query(format!(
        "SELECT version_digest(h) AS digest FROM {table}_history AS h WHERE jurisdiction = $1 AND id = $2 AND version = $3"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<UuidSql, _>(id)
    .bind::<Integer, _>(version);
    let row: Row = prepared(statement).get_result(conn)?;
    digest(&row.digest)
}

/// The chains there are, each as its counter says; and those that have none, of which there is an event, a jurisdiction, a
/// feature or something that happened to it all the same, each as its last event says.
///
/// # Errors
/// The database's.
pub fn chains(conn: &mut PgConnection) -> Stored<Vec<Counter>> {
    let mut all = counted(conn)?;
    let of = |table| format!("SELECT jurisdiction FROM {table} UNION SELECT jurisdiction FROM {table}_history UNION ");
    let of = with_moments().map(of).collect::<Vec<_>>().concat();
    let rows: Vec<UncountedRow> = sql_query(format!(
        "SELECT s.chain, coalesce(e.revision, 0) AS revision, e.hash FROM (
             {of} SELECT jurisdiction FROM audit_events UNION SELECT jurisdiction FROM site_checks UNION SELECT code FROM jurisdictions
             UNION SELECT $1 FROM access_versions WHERE revision > 0
         ) AS s (chain)
         LEFT JOIN LATERAL (
             SELECT revision, hash FROM audit_events WHERE jurisdiction = s.chain ORDER BY revision DESC LIMIT 1
         ) AS e ON true
         WHERE NOT EXISTS (SELECT FROM revisions AS r WHERE r.jurisdiction = s.chain)"
    ))
    .bind::<Text, _>(ACCESS)
    .load(conn)?;
    for UncountedRow { chain, revision, hash } in rows {
        all.push(Counter { chain, revision, hash: hash.as_deref().map(digest).transpose()?, missing: true });
    }
    all.sort_by(|a, b| a.chain.cmp(&b.chain));
    Ok(all)
}

#[derive(QueryableByName)]
struct UncountedRow {
    #[diesel(sql_type = Text)]
    chain: String,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    hash: Option<Vec<u8>>,
}

fn counted(conn: &mut PgConnection) -> Stored<Vec<Counter>> {
    let rows: Vec<(String, i64, Option<Vec<u8>>)> = revisions::table
        .order(revisions::jurisdiction.asc())
        .select((revisions::jurisdiction, revisions::revision, revisions::audit_hash))
        .load(conn)?;
    let counter = |(chain, revision, hash): (String, i64, Option<Vec<u8>>)| {
        Ok(Counter { chain, revision, hash: hash.as_deref().map(digest).transpose()?, missing: false })
    };
    rows.into_iter().map(counter).collect()
}

/// The events of a chain from one revision to another, row by row in their order.
///
/// # Errors
/// The database's, and what `each` fails with.
pub fn events(
    conn: &mut PgConnection,
    chain: &str,
    from: i64,
    to: Option<i64>,
    each: &mut dyn FnMut(RecordedEvent) -> Stored<()>,
) -> Stored<()> {
    let rows = audit_events::table
        .filter(audit_events::jurisdiction.eq(chain))
        .filter(audit_events::revision.between(from, to.unwrap_or(i64::MAX)))
        .order(audit_events::revision.asc())
        .select(EventRow::as_select())
        .load_iter::<_, diesel::pg::PgRowByRowLoadingMode>(conn)?;
    for row in rows {
        each(to_event(row?)?)?;
    }
    Ok(())
}

/// The last event of a chain.
///
/// # Errors
/// The database's.
pub fn last(conn: &mut PgConnection, chain: &str) -> Stored<Option<RecordedEvent>> {
    let row = audit_events::table
        .filter(audit_events::jurisdiction.eq(chain))
        .order(audit_events::revision.desc())
        .select(EventRow::as_select())
        .first(conn)
        .optional()?;
    row.map(to_event).transpose()
}
