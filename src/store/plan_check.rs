//! Checks of plans that are kept, in rows: appended, and read; nothing here changes or deletes one.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{
    Array, BigInt, Binary, Date as DateSql, Double, Integer, Nullable, Text, Timestamptz, Uuid as UuidSql,
};
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::records::word;
use super::{Failure, Stored, WriteTx, audit};
use crate::domain::actor::Role;
use crate::domain::audit::Digest;
use crate::domain::plan::{Block, Plan, PlanRun, RunBasis, ZoneSaid};
use crate::domain::word::Word;
use crate::error::Error;

/// Keeps a check, whose revision was raised.
///
/// # Errors
/// The database's.
pub fn insert(tx: &mut WriteTx<'_>, run: &PlanRun) -> Stored<()> {
    tx.ask_versions(&run.jurisdiction)?;
    let basis = run.basis.as_ref();
    sql_query(
        "INSERT INTO plan_checks (jurisdiction, id, plan, zones_digest, at, day, recorded_at, revision, looked_at, actor,
             organisation, verdict, zones, warned, blocked_zones, blocked_codes, met_zones, met_corridors, shown_layers,
             shown_jurisdictions, shown_ids, document, hash, reach_m, seen_jurisdictions, seen_revisions, said_zones, said, roles,
             holds_in)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
             $26, $27, $28, $29, $30)",
    )
    .bind::<Text, _>(&run.jurisdiction)
    .bind::<UuidSql, _>(run.id)
    .bind::<UuidSql, _>(run.plan)
    .bind::<Binary, _>(run.zones_digest.as_slice())
    .bind::<Timestamptz, _>(run.at.to_diesel())
    .bind::<DateSql, _>(run.day.to_diesel())
    .bind::<Timestamptz, _>(run.recorded_at.to_diesel())
    .bind::<BigInt, _>(run.revision)
    .bind::<BigInt, _>(run.looked_at)
    .bind::<Text, _>(&run.actor)
    .bind::<Nullable<Text>, _>(run.organisation.as_deref())
    .bind::<Text, _>(run.verdict.to_string())
    .bind::<Integer, _>(run.zones)
    .bind::<Integer, _>(run.warned)
    .bind::<Array<UuidSql>, _>(run.blocks.iter().map(|block| block.zone).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(run.blocks.iter().map(|block| block.code.to_string()).collect::<Vec<_>>())
    .bind::<Array<UuidSql>, _>(run.met.iter().map(|(zone, _)| *zone).collect::<Vec<_>>())
    .bind::<Array<UuidSql>, _>(run.met.iter().map(|(_, corridor)| *corridor).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(run.shown.iter().map(|(layer, ..)| layer.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(run.shown.iter().map(|(_, code, _)| code.clone()).collect::<Vec<_>>())
    .bind::<Array<UuidSql>, _>(run.shown.iter().map(|(.., id)| *id).collect::<Vec<_>>())
    .bind::<Text, _>(&run.document)
    .bind::<Binary, _>(run.hash().as_slice())
    .bind::<Nullable<Double>, _>(basis.map(|basis| basis.reach_m))
    .bind::<Nullable<Array<Text>>, _>(basis.map(|basis| basis.revisions.keys().cloned().collect::<Vec<_>>()))
    .bind::<Nullable<Array<BigInt>>, _>(basis.map(|basis| basis.revisions.values().copied().collect::<Vec<_>>()))
    .bind::<Nullable<Array<UuidSql>>, _>(basis.map(|basis| basis.said.iter().map(|said| said.zone).collect::<Vec<_>>()))
    .bind::<Nullable<Array<Text>>, _>(basis.map(|basis| basis.said.iter().map(ToString::to_string).collect::<Vec<_>>()))
    .bind::<Nullable<Array<Text>>, _>(
        run.sight.as_ref().map(|(roles, _)| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>()),
    )
    .bind::<Nullable<Array<Text>>, _>(run.sight.as_ref().and_then(|(_, jurisdictions)| jurisdictions.as_deref()))
    .execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = UuidSql)]
    id: Uuid,
    #[diesel(sql_type = UuidSql)]
    plan: Uuid,
    #[diesel(sql_type = Binary)]
    zones_digest: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    at: jiff_diesel::Timestamp,
    #[diesel(sql_type = DateSql)]
    day: jiff_diesel::Date,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = BigInt)]
    looked_at: i64,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    organisation: Option<String>,
    #[diesel(sql_type = Text)]
    verdict: String,
    #[diesel(sql_type = Integer)]
    zones: i32,
    #[diesel(sql_type = Integer)]
    warned: i32,
    #[diesel(sql_type = Array<UuidSql>)]
    blocked_zones: Vec<Uuid>,
    #[diesel(sql_type = Array<Text>)]
    blocked_codes: Vec<String>,
    #[diesel(sql_type = Array<UuidSql>)]
    met_zones: Vec<Uuid>,
    #[diesel(sql_type = Array<UuidSql>)]
    met_corridors: Vec<Uuid>,
    #[diesel(sql_type = Array<Text>)]
    shown_layers: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    shown_jurisdictions: Vec<String>,
    #[diesel(sql_type = Array<UuidSql>)]
    shown_ids: Vec<Uuid>,
    #[diesel(sql_type = Text)]
    document: String,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Double>)]
    reach_m: Option<f64>,
    #[diesel(sql_type = Array<Text>)]
    seen_jurisdictions: Vec<String>,
    #[diesel(sql_type = Array<BigInt>)]
    seen_revisions: Vec<i64>,
    #[diesel(sql_type = Array<UuidSql>)]
    said_zones: Vec<Uuid>,
    #[diesel(sql_type = Array<Text>)]
    said: Vec<String>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    roles: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    holds_in: Option<Vec<String>>,
}

/// A check that is kept, with the hash that stands beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlanRun {
    /// The check.
    pub run: PlanRun,
    /// The hash that was stored with it.
    pub hash: Digest,
}

fn stored(row: Row) -> Stored<StoredPlanRun> {
    let block = |(zone, code): (&Uuid, &String)| Ok(Block { zone: *zone, code: word(code)? });
    let shown = |((layer, code), id): ((&String, &String), &Uuid)| Ok((word(layer)?, code.clone(), *id));
    let basis = match row.reach_m {
        None => None,
        Some(reach_m) => {
            let said = row.said_zones.into_iter().zip(&row.said).map(|(zone, text)| ZoneSaid::read(zone, text));
            let broken =
                || Failure::Ours(Error::Internal(format!("what the plan check {} said cannot be read", row.id)));
            let said = said.collect::<Option<Vec<_>>>().ok_or_else(broken)?;
            Some(RunBasis {
                reach_m,
                revisions: row.seen_jurisdictions.into_iter().zip(row.seen_revisions).collect(),
                said,
            })
        }
    };
    let roles: Option<Vec<Role>> =
        row.roles.map(|roles| roles.iter().map(|role| word(role)).collect::<Stored<_>>()).transpose()?;
    let run = PlanRun {
        id: row.id,
        jurisdiction: row.jurisdiction,
        plan: row.plan,
        zones_digest: audit::digest(&row.zones_digest)?,
        at: row.at.to_jiff(),
        day: row.day.to_jiff(),
        recorded_at: row.recorded_at.to_jiff(),
        revision: row.revision,
        looked_at: row.looked_at,
        actor: row.actor,
        organisation: row.organisation,
        sight: roles.map(|roles| (roles, row.holds_in)),
        verdict: word(&row.verdict)?,
        zones: row.zones,
        warned: row.warned,
        blocks: row.blocked_zones.iter().zip(&row.blocked_codes).map(block).collect::<Stored<_>>()?,
        met: row.met_zones.into_iter().zip(row.met_corridors).collect(),
        shown: row
            .shown_layers
            .iter()
            .zip(&row.shown_jurisdictions)
            .zip(&row.shown_ids)
            .map(shown)
            .collect::<Stored<_>>()?,
        document: row.document,
        basis,
    };
    Ok(StoredPlanRun { run, hash: audit::digest(&row.hash)? })
}

/// All of it, or all but the answer as it was given, which is long.
const COLUMNS: [&str; 2] = ["document", "'' AS document"];

fn one(conn: &mut PgConnection, plan: &Plan, id: Option<Uuid>, document: &str) -> Stored<Option<StoredPlanRun>> {
    let row: Option<Row> = sql_query(format!(
        "SELECT jurisdiction, id, plan, zones_digest, at, day, recorded_at, revision, looked_at, actor, organisation, verdict, zones,
             warned, blocked_zones, blocked_codes, met_zones, met_corridors, shown_layers, shown_jurisdictions, shown_ids,
             {document}, hash, reach_m, coalesce(seen_jurisdictions, '{{}}') AS seen_jurisdictions,
             coalesce(seen_revisions, '{{}}') AS seen_revisions, coalesce(said_zones, '{{}}') AS said_zones, coalesce(said, '{{}}') AS said,
             roles, holds_in
         FROM plan_checks WHERE jurisdiction = $1 AND plan = $2 AND ($3 IS NULL OR id = $3) ORDER BY id DESC LIMIT 1"
    ))
    .bind::<Text, _>(&plan.jurisdiction)
    .bind::<UuidSql, _>(plan.id)
    .bind::<Nullable<UuidSql>, _>(id)
    .get_result(conn)
    .optional()?;
    row.map(stored).transpose()
}

/// A check of a plan that the transaction sees: the one of this id, or the last one.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut PgConnection, plan: &Plan, id: Option<Uuid>) -> Stored<Option<StoredPlanRun>> {
    one(conn, plan, id, COLUMNS[0])
}

/// The same, without the answer as it was given.
///
/// # Errors
/// The database's.
pub fn find_in_brief(conn: &mut PgConnection, plan: &Plan, id: Option<Uuid>) -> Stored<Option<StoredPlanRun>> {
    one(conn, plan, id, COLUMNS[1])
}

/// The same, inside a write.
///
/// # Errors
/// The database's.
pub fn find_in(tx: &mut WriteTx<'_>, plan: &Plan, id: Option<Uuid>) -> Stored<Option<StoredPlanRun>> {
    one(tx.conn, plan, id, COLUMNS[1])
}
