//! What the audit trail costs a write: the statements of a new work, signed and not, the same without the insert of the event, and without
//! all that the trail adds (the digest of the version, the hash of the event, the event, the head of the chain).

use clearway::domain::audit::{AuditEvent, Head, Key, ZEROS};
use clearway::store::prepared::prepared;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Uuid as UuidSql};
use uuid::Uuid;

use crate::Failed;
use crate::report::{Comparison, Report, Side, Times};

/// With the trail a write may take a fifth longer.
const TARGET: f64 = 1.0 / 1.2;

#[derive(QueryableByName)]
struct Raised {
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    audit_hash: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = Nullable<Binary>)]
    digest: Option<Vec<u8>>,
}

/// Writes works in turns; both sides leave the same rows in every other table. The chain is of no use afterwards, so this
/// comes last.
pub fn compare(report: &mut Report, conn: &mut PgConnection, jurisdiction: &str, writes: usize) -> Result<(), Failed> {
    let key = Key::of_seed(&"1f".repeat(32)).ok_or("no key")?;
    let mut all: [Times; 4] = Default::default();
    // The first few plan the statements; each way comes first, second and last as often as the others.
    for n in 0..writes + WARM_UP {
        for turn in 0..TRAILS.len() {
            let which = (n + turn) % TRAILS.len();
            let mut one = Times::default();
            one.of(|| write(conn, jurisdiction, Uuid::now_v7(), TRAILS[which], &key))?;
            if n >= WARM_UP {
                all[which] = Times::joined([std::mem::take(&mut all[which]), one]);
            }
        }
    }
    let [whole, no_insert, none, signed] = &all;
    for (name, what, ours, peer, target) in [
        ("audit-cost", "the same SQL without the insert of the event", whole, no_insert, Some(TARGET)),
        ("audit-cost-signed", "the same SQL without the insert, unsigned", signed, no_insert, Some(TARGET)),
        ("audit-cost-whole", "without digest, hash, event and head", whole, none, None),
    ] {
        report.add(Comparison {
            name,
            ours: Side::rate("a write with its event", ours),
            peer: Some(Side::rate(what, peer)),
            target,
            equal: None,
        });
    }
    Ok(())
}

/// How much of the trail a write leaves.
#[derive(Clone, Copy, PartialEq)]
enum Trail {
    /// All of it.
    Whole,
    /// No event; its hash becomes the head of the chain all the same.
    NoInsert,
    /// Nothing.
    None,
    /// All of it, and the signature of the head.
    Signed,
}

const TRAILS: [Trail; 4] = [Trail::Whole, Trail::NoInsert, Trail::None, Trail::Signed];

const WARM_UP: usize = 20;

/// The change that a write notes, in the same statement.
const TOLD: &str = "told AS (
    INSERT INTO changes (jurisdiction, revision, ordinal, layer, kind, id) VALUES ($1, $2, 1, 'works', 'insert', $3)
)";

/// One transaction as `store::tx` makes it.
fn write(conn: &mut PgConnection, jurisdiction: &str, id: Uuid, trail: Trail, key: &Key) -> Result<(), Failed> {
    conn.batch_execute("BEGIN")?;
    let raise = sql_query(
        "UPDATE revisions SET revision = revision + 1, recorded_at = clock_timestamp() WHERE jurisdiction = $1
         RETURNING revision, audit_hash",
    )
    .bind::<Text, _>(jurisdiction);
    let raised: Raised = prepared(raise).get_result(conn)?;
    let digest = if trail == Trail::None { "NULL::bytea" } else { "version_digest(works)" };
    let insert = sql_query(format!(
        "INSERT INTO works (jurisdiction, id, code, organisation, kind, status, importance, visibility, recorded_crs,
             recorded_geom, geom, geom_grid, version, revision, recorded_at)
         SELECT jurisdiction, $2, $2::text, organisation, kind, status, importance, visibility, recorded_crs,
             recorded_geom, geom, geom_grid, 1, $3, clock_timestamp()
         FROM (SELECT * FROM works WHERE jurisdiction = $1 LIMIT 1) AS like_this
         RETURNING {digest} AS digest"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<UuidSql, _>(id)
    .bind::<BigInt, _>(raised.revision);
    let inserted: Inserted = prepared(insert).get_result(conn)?;
    let payload = format!("{jurisdiction} {}", raised.revision);
    if trail == Trail::None {
        let tell = sql_query(format!("WITH {TOLD} SELECT pg_notify('clearway_bench', $4)"))
            .bind::<Text, _>(jurisdiction)
            .bind::<BigInt, _>(raised.revision)
            .bind::<UuidSql, _>(id)
            .bind::<Text, _>(payload);
        prepared(tell).execute(conn)?;
    } else {
        let digest = |bytes: Option<Vec<u8>>| bytes.and_then(|b| <[u8; 32]>::try_from(b).ok());
        let event = AuditEvent {
            chain: jurisdiction.to_owned(),
            revision: raised.revision,
            recorded_at: jiff::Timestamp::UNIX_EPOCH,
            actor: "operator".into(),
            organisation: None,
            on_behalf_of: Some("invented".into()),
            request_id: "bench".into(),
            reason: None,
            deed: "create".into(),
            layer: Some("works".into()),
            subject: Some(id),
            detail: [("code".to_owned(), id.to_string()), ("version".to_owned(), "1".to_owned())].into(),
            before: None,
            after: digest(inserted.digest),
            previous: Some(digest(raised.audit_hash).unwrap_or(ZEROS)),
        };
        let hash = event.hash();
        if trail == Trail::NoInsert {
            let tell = sql_query(format!(
                "WITH head AS (UPDATE revisions SET audit_hash = $5 WHERE jurisdiction = $1), {TOLD}
                 SELECT pg_notify('clearway_bench', $4)"
            ))
            .bind::<Text, _>(jurisdiction)
            .bind::<BigInt, _>(raised.revision)
            .bind::<UuidSql, _>(id)
            .bind::<Text, _>(payload)
            .bind::<Binary, _>(hash.as_slice());
            prepared(tell).execute(conn)?;
        } else {
            let head = || Head {
                chain: jurisdiction.to_owned(),
                revision: raised.revision,
                hash,
                signed_at: jiff::Timestamp::UNIX_EPOCH,
            };
            let signed = (trail == Trail::Signed).then(|| key.sign(head()));
            let append = sql_query(format!(
                "WITH event AS (
                     INSERT INTO audit_events (jurisdiction, revision, recorded_at, actor, on_behalf_of, request_id, deed, layer,
                         subject, detail, after, previous, hash, signer, signature)
                     VALUES ($1, $2, clock_timestamp(), 'operator', 'invented', 'bench', 'create', 'works', $3,
                         jsonb_build_object('code', $3, 'version', '1'), $4, $5, $6, $8, $9)
                 ), head AS (
                     UPDATE revisions SET audit_hash = $6 WHERE jurisdiction = $1
                 ), {TOLD}
                 SELECT pg_notify('clearway_bench', $7)"
            ))
            .bind::<Text, _>(jurisdiction)
            .bind::<BigInt, _>(raised.revision)
            .bind::<UuidSql, _>(id)
            .bind::<Nullable<Binary>, _>(event.after.as_ref().map(<[u8; 32]>::as_slice))
            .bind::<Nullable<Binary>, _>(event.previous.as_ref().map(<[u8; 32]>::as_slice))
            .bind::<Binary, _>(hash.as_slice())
            .bind::<Text, _>(payload)
            .bind::<Nullable<Text>, _>(signed.as_ref().map(|signed| signed.key.as_str()))
            .bind::<Nullable<Text>, _>(signed.as_ref().map(|signed| signed.signature.as_str()));
            prepared(append).execute(conn)?;
        }
    }
    conn.batch_execute("COMMIT")?;
    Ok(())
}
