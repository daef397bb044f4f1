//! Steps of plans in rows: appended, and read; nothing here changes or deletes one.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Date as DateSql, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as UuidSql};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel;
use serde_json::Value as Json;
use uuid::Uuid;

use super::plan::{Row, to_plan};
use super::records::word;
use super::schema::plans;
use super::{Failure, Stored, WriteTx};
use crate::domain::fields::{Fields, Value};
use crate::domain::plan::{Plan, PlanEvent, PlanState, StepData};
use crate::domain::word::Word;
use crate::error::Error;

/// A step of a plan, as it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanStep {
    /// Counts the steps of this version of the plan, from 1.
    pub seq: i32,
    /// The event.
    pub event: PlanEvent,
    /// The state before.
    pub from: PlanState,
    /// The state afterwards.
    pub to: PlanState,
    /// Who sent it.
    pub actor: String,
    /// For which organisation.
    pub organisation: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// What came with it.
    pub data: StepData,
    /// The zones that were checked again under the lock; none where it rests on no check.
    pub checked_again: Option<Vec<Uuid>>,
    /// The revision that records it.
    pub revision: i64,
}

/// How many plans the transaction sees that are alike: in a state as it is recorded, with their last day and the first day of what
/// follows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// Their jurisdiction.
    pub jurisdiction: String,
    /// The state.
    pub state: PlanState,
    /// Their last day.
    pub last: Option<Date>,
    /// The first day of what follows them.
    pub ended_on: Option<Date>,
    /// How many.
    pub plans: i64,
}

/// How many plans there are of each sort.
///
/// # Errors
/// The database's.
pub fn counts(conn: &mut PgConnection, jurisdiction: Option<&str>) -> Stored<Vec<Alike>> {
    #[derive(QueryableByName)]
    struct AlikeRow {
        #[diesel(sql_type = Text)]
        jurisdiction: String,
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = Nullable<DateSql>)]
        effective_to: Option<jiff_diesel::Date>,
        #[diesel(sql_type = Nullable<DateSql>)]
        ended_on: Option<jiff_diesel::Date>,
        #[diesel(sql_type = BigInt)]
        plans: i64,
    }
    let rows: Vec<AlikeRow> = sql_query(
        "SELECT jurisdiction, state, effective_to, ended_on, count(*) AS plans FROM plans
         WHERE $1 IS NULL OR jurisdiction = $1 GROUP BY jurisdiction, state, effective_to, ended_on",
    )
    .bind::<Nullable<Text>, _>(jurisdiction)
    .load(conn)?;
    let one = |row: AlikeRow| {
        let state = word(&row.state)?;
        let (last, ended_on) =
            (row.effective_to.map(jiff_diesel::Date::to_jiff), row.ended_on.map(jiff_diesel::Date::to_jiff));
        Ok(Alike { jurisdiction: row.jurisdiction, state, last, ended_on, plans: row.plans })
    };
    rows.into_iter().map(one).collect()
}

/// Versions in a state and of these jurisdictions that the transaction sees, the longest unchanged first.
///
/// # Errors
/// The database's.
pub fn unchanged(conn: &mut PgConnection, state: PlanState, places: &[String], limit: i64) -> Stored<Vec<Plan>> {
    let rows = plans::table
        .filter(plans::state.eq(state.as_str()).and(plans::jurisdiction.eq_any(places)))
        .order((plans::recorded_at.asc(), plans::id.asc()))
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(to_plan).collect()
}

/// Appends a step; its number is the next one.
///
/// # Errors
/// The database's.
pub fn append(tx: &mut WriteTx<'_>, plan: &Plan, step: &PlanStep) -> Stored<()> {
    tx.ask_versions(&plan.jurisdiction)?;
    sql_query(
        "INSERT INTO plan_events (jurisdiction, plan, seq, event, from_state, to_state, actor, organisation, at, reason, data,
             revision, checked_again)
         SELECT $1, $2, coalesce(max(seq), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM plan_events
         WHERE jurisdiction = $1 AND plan = $2",
    )
    .bind::<Text, _>(&plan.jurisdiction)
    .bind::<UuidSql, _>(plan.id)
    .bind::<Text, _>(step.event.as_str())
    .bind::<Text, _>(step.from.as_str())
    .bind::<Text, _>(step.to.as_str())
    .bind::<Text, _>(&step.actor)
    .bind::<Nullable<Text>, _>(step.organisation.as_deref())
    .bind::<Timestamptz, _>(step.at.to_diesel())
    .bind::<Nullable<Text>, _>(step.reason.as_deref())
    .bind::<Jsonb, _>(data_json(&step.data))
    .bind::<BigInt, _>(step.revision)
    .bind::<Nullable<Array<UuidSql>>, _>(step.checked_again.as_ref())
    .execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct StepRow {
    #[diesel(sql_type = Integer)]
    seq: i32,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Text)]
    from_state: String,
    #[diesel(sql_type = Text)]
    to_state: String,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    organisation: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Jsonb)]
    data: Json,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Nullable<Array<UuidSql>>)]
    checked_again: Option<Vec<Uuid>>,
}

/// The steps of a version of a plan, in their order.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, plan: &Plan) -> Stored<Vec<PlanStep>> {
    let rows: Vec<StepRow> = sql_query("SELECT * FROM plan_events WHERE jurisdiction = $1 AND plan = $2 ORDER BY seq")
        .bind::<Text, _>(&plan.jurisdiction)
        .bind::<UuidSql, _>(plan.id)
        .load(conn)?;
    let step = |row: StepRow| {
        Ok(PlanStep {
            seq: row.seq,
            event: word(&row.event)?,
            from: word(&row.from_state)?,
            to: word(&row.to_state)?,
            actor: row.actor,
            organisation: row.organisation,
            at: row.at.to_jiff(),
            reason: row.reason,
            data: data(&row.data)?,
            revision: row.revision,
            checked_again: row.checked_again,
        })
    };
    rows.into_iter().map(step).collect()
}

fn data_json(data: &StepData) -> Json {
    let text = |value: Value| if let Value::Text(text) = value { Json::String(text) } else { Json::Null };
    Json::Object(data.fields().0.into_iter().map(|(name, value)| (name, text(value))).collect())
}

fn data(json: &Json) -> Stored<StepData> {
    let wrong = || Failure::Ours(Error::Internal("a step of a plan with data that are none".into()));
    let object = json.as_object().ok_or_else(wrong)?;
    let value = |value: &Json| value.as_str().map_or(Value::Null, |text| Value::Text(text.to_owned()));
    let fields = Fields(object.iter().map(|(name, of)| (name.clone(), value(of))).collect());
    StepData::read(&fields).map_err(|_| wrong())
}

/// The steps of a plan, inside a write.
///
/// # Errors
/// The database's.
pub fn list_in(tx: &mut WriteTx<'_>, plan: &Plan) -> Stored<Vec<PlanStep>> {
    list(tx.conn, plan)
}
