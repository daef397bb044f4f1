//! What the audit trail costs a write: the statements of a new work, with and without those that the trail adds (the digest
//! of the version, the hash of the event before, the event, the head of the chain).

use clearway::domain::audit::{AuditEvent, ZEROS};
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
    let (mut ours, mut peer) = (Times::default(), Times::default());
    // The first few plan the statements.
    for n in 0..writes + 20 {
        let (with, without) = (Uuid::now_v7(), Uuid::now_v7());
        let (mut first, mut second) = (Times::default(), Times::default());
        if n % 2 == 0 {
            first.of(|| write(conn, jurisdiction, with, true))?;
            second.of(|| write(conn, jurisdiction, without, false))?;
        } else {
            second.of(|| write(conn, jurisdiction, without, false))?;
            first.of(|| write(conn, jurisdiction, with, true))?;
        }
        if n >= 20 {
            ours = Times::joined([ours, first]);
            peer = Times::joined([peer, second]);
        }
    }
    report.add(Comparison {
        name: "audit-cost",
        ours: Side::rate("a write with its event", &ours),
        peer: Some(Side::rate("the same SQL without it", &peer)),
        target: Some(TARGET),
        equal: None,
    });
    Ok(())
}

/// One transaction as `store::tx` makes it.
fn write(conn: &mut PgConnection, jurisdiction: &str, id: Uuid, audited: bool) -> Result<(), Failed> {
    conn.batch_execute("BEGIN")?;
    let raised: Raised = sql_query(
        "UPDATE revisions SET revision = revision + 1, recorded_at = clock_timestamp() WHERE jurisdiction = $1
         RETURNING revision, audit_hash",
    )
    .bind::<Text, _>(jurisdiction)
    .get_result(conn)?;
    let digest = if audited { "version_digest(works)" } else { "NULL::bytea" };
    let inserted: Inserted = sql_query(format!(
        "INSERT INTO works (jurisdiction, id, code, organisation, kind, status, importance, visibility, recorded_crs,
             recorded_geom, geom, geom_grid, version, revision, recorded_at)
         SELECT jurisdiction, $2, $2::text, organisation, kind, status, importance, visibility, recorded_crs,
             recorded_geom, geom, geom_grid, 1, $3, clock_timestamp()
         FROM (SELECT * FROM works WHERE jurisdiction = $1 LIMIT 1) AS like_this
         RETURNING {digest} AS digest"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<UuidSql, _>(id)
    .bind::<BigInt, _>(raised.revision)
    .get_result(conn)?;
    sql_query("INSERT INTO changes (jurisdiction, revision, ordinal, layer, kind, id) VALUES ($1, $2, 1, 'works', 'insert', $3)")
        .bind::<Text, _>(jurisdiction)
        .bind::<BigInt, _>(raised.revision)
        .bind::<UuidSql, _>(id)
        .execute(conn)?;
    let payload = format!("{jurisdiction} {}", raised.revision);
    if audited {
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
        sql_query(
            "WITH event AS (
                 INSERT INTO audit_events (jurisdiction, revision, recorded_at, actor, on_behalf_of, request_id, deed, layer,
                     subject, detail, after, previous, hash)
                 VALUES ($1, $2, clock_timestamp(), 'operator', 'invented', 'bench', 'create', 'works', $3,
                     jsonb_build_object('code', $3, 'version', '1'), $4, $5, $6)
             ), head AS (
                 UPDATE revisions SET audit_hash = $6 WHERE jurisdiction = $1
             )
             SELECT pg_notify('clearway_bench', $7)",
        )
        .bind::<Text, _>(jurisdiction)
        .bind::<BigInt, _>(raised.revision)
        .bind::<UuidSql, _>(id)
        .bind::<Nullable<Binary>, _>(event.after.as_ref().map(<[u8; 32]>::as_slice))
        .bind::<Nullable<Binary>, _>(event.previous.as_ref().map(<[u8; 32]>::as_slice))
        .bind::<Binary, _>(event.hash().as_slice())
        .bind::<Text, _>(payload)
        .execute(conn)?;
    } else {
        sql_query("SELECT pg_notify('clearway_bench', $1)").bind::<Text, _>(payload).execute(conn)?;
    }
    conn.batch_execute("COMMIT")?;
    Ok(())
}
