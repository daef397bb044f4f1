//! Plans in rows, with their steps.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Date as DateSql, Double, Nullable, Text, Uuid as UuidSql};
use jiff::civil::Date;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::history::version_at;
use super::records::word;
use super::schema::plans;
use super::{Failure, Stored, WriteTx, audit};
use crate::domain::audit::Digest;
use crate::domain::corridor::{CLEARANCE_MAX_M, CorridorFacts};
use crate::domain::organisation::OrganisationKind;
use crate::domain::plan::{Decision, Plan, PlanState};
use crate::domain::reference::ReferenceKind;
use crate::domain::rules::LandKind;
use crate::domain::word::Word;
use crate::error::Error;

#[derive(Queryable, QueryableByName, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = plans, treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    jurisdiction: String,
    id: Uuid,
    code: String,
    number: i32,
    amends: Option<Uuid>,
    name: Option<String>,
    organisation: String,
    visibility: String,
    state: String,
    makers: Vec<String>,
    appraisal_number: Option<String>,
    submission_number: Option<String>,
    decision_number: Option<String>,
    decision_date: Option<jiff_diesel::Date>,
    decision_signer: Option<String>,
    decision_authority: Option<String>,
    decision_sha256: Option<Vec<u8>>,
    decided_by: Option<String>,
    check_run: Option<Uuid>,
    effective_from: Option<jiff_diesel::Date>,
    effective_to: Option<jiff_diesel::Date>,
    published_on: Option<jiff_diesel::Date>,
    ended_on: Option<jiff_diesel::Date>,
    version: i32,
    revision: i64,
    recorded_at: jiff_diesel::Timestamp,
}

fn to_row(plan: &Plan) -> Row {
    let decision = plan.decision.as_ref();
    let day = |day: Option<Date>| day.map(ToDiesel::to_diesel);
    Row {
        jurisdiction: plan.jurisdiction.clone(),
        id: plan.id,
        code: plan.code.clone(),
        number: plan.number,
        amends: plan.amends,
        name: plan.name.clone(),
        organisation: plan.organisation.clone(),
        visibility: plan.visibility().as_str().into(),
        state: plan.state.as_str().into(),
        makers: plan.makers.clone(),
        appraisal_number: plan.appraisal_number.clone(),
        submission_number: plan.submission_number.clone(),
        decision_number: decision.map(|d| d.number.clone()),
        decision_date: day(decision.map(|d| d.date)),
        decision_signer: decision.map(|d| d.signer.clone()),
        decision_authority: decision.and_then(|d| d.authority.clone()),
        decision_sha256: decision.map(|d| d.sha256.to_vec()),
        decided_by: decision.map(|d| d.by.clone()),
        check_run: decision.map(|d| d.check),
        effective_from: day(decision.map(|d| d.from)),
        effective_to: day(decision.and_then(|d| d.to)),
        published_on: day(plan.published_on),
        ended_on: day(plan.ended_on),
        version: plan.version,
        revision: plan.revision,
        recorded_at: plan.recorded_at.to_diesel(),
    }
}

pub(super) fn to_plan(row: Row) -> Stored<Plan> {
    let incomplete = || Failure::Ours(Error::Internal("a plan with a part of a decision".into()));
    let day = |day: Option<jiff_diesel::Date>| day.map(jiff_diesel::Date::to_jiff);
    let decision = match row.decision_number {
        None => None,
        Some(number) => Some(Decision {
            number,
            date: day(row.decision_date).ok_or_else(incomplete)?,
            signer: row.decision_signer.ok_or_else(incomplete)?,
            authority: row.decision_authority,
            from: day(row.effective_from).ok_or_else(incomplete)?,
            to: day(row.effective_to),
            sha256: audit::digest(&row.decision_sha256.ok_or_else(incomplete)?)?,
            by: row.decided_by.ok_or_else(incomplete)?,
            check: row.check_run.ok_or_else(incomplete)?,
        }),
    };
    Ok(Plan {
        jurisdiction: row.jurisdiction,
        id: row.id,
        code: row.code,
        number: row.number,
        amends: row.amends,
        name: row.name,
        organisation: row.organisation,
        state: word(&row.state)?,
        makers: row.makers,
        appraisal_number: row.appraisal_number,
        submission_number: row.submission_number,
        decision,
        published_on: day(row.published_on),
        ended_on: day(row.ended_on),
        version: row.version,
        revision: row.revision,
        recorded_at: row.recorded_at.to_jiff(),
    })
}

/// Stores a new version of a plan, in the revision that was raised.
///
/// # Errors
/// [`Error::Taken`], and the database's.
pub fn insert(tx: &mut WriteTx<'_>, plan: &mut Plan) -> Stored<()> {
    (plan.revision, plan.recorded_at) = tx.raise(&plan.jurisdiction)?;
    tx.ask_versions(&plan.jurisdiction)?;
    diesel::insert_into(plans::table).values(to_row(plan)).execute(tx.conn)?;
    Ok(())
}

/// Stores `next` in the place of the version `of` of the row, if that is still the present one.
///
/// # Errors
/// [`Error::Changed`], and the database's.
pub fn update(tx: &mut WriteTx<'_>, of: i32, next: &mut Plan) -> Stored<()> {
    (next.revision, next.recorded_at) = tx.raise(&next.jurisdiction)?;
    tx.ask_versions(&next.jurisdiction)?;
    next.version = of + 1;
    let target = plans::table.find((&next.jurisdiction, next.id)).filter(plans::version.eq(of));
    if diesel::update(target).set(to_row(next)).execute(tx.conn)? == 0 {
        return Err(Error::Changed("the plan was changed meanwhile".into()).into());
    }
    Ok(())
}

/// A version of a plan that the transaction sees.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut PgConnection, id: Uuid) -> Stored<Option<Plan>> {
    let row = plans::table.filter(plans::id.eq(id)).select(Row::as_select()).first(conn).optional()?;
    row.map(to_plan).transpose()
}

/// A plan as it was recorded at a revision, as far as the transaction sees that.
///
/// # Errors
/// The database's.
pub fn at(conn: &mut PgConnection, jurisdiction: &str, id: Uuid, revision: i64) -> Stored<Option<Plan>> {
    let statement = sql_query(version_at("plans")).bind::<Text, _>(jurisdiction).bind::<UuidSql, _>(id);
    statement.bind::<BigInt, _>(revision).get_result(conn).optional()?.map(to_plan).transpose()
}

/// Versions of plans that the transaction sees; those that are not there are left out.
///
/// # Errors
/// The database's.
pub fn find_many(conn: &mut PgConnection, ids: &[Uuid]) -> Stored<Vec<Plan>> {
    let rows = plans::table.filter(plans::id.eq_any(ids)).select(Row::as_select()).load(conn)?;
    rows.into_iter().map(to_plan).collect()
}

/// A version of a plan, locked until the transaction ends.
///
/// # Errors
/// The database's.
pub fn lock(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid) -> Stored<Option<Plan>> {
    let row = plans::table.find((jurisdiction, id)).select(Row::as_select()).for_update().first(tx.conn).optional()?;
    row.map(to_plan).transpose()
}

/// Which plans are listed.
#[derive(Debug, Clone, Default)]
pub struct PlanListing {
    /// Only of this jurisdiction.
    pub jurisdiction: Option<String>,
    /// Only in this state, as recorded.
    pub state: Option<PlanState>,
    /// Only of this code.
    pub code: Option<String>,
    /// Only after this one.
    pub after: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

/// Versions of plans that the transaction sees, by id.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, listing: &PlanListing) -> Stored<Vec<Plan>> {
    let mut query = plans::table.select(Row::as_select()).into_boxed();
    if let Some(code) = &listing.jurisdiction {
        query = query.filter(plans::jurisdiction.eq(code.clone()));
    }
    if let Some(state) = listing.state {
        query = query.filter(plans::state.eq(state.as_str()));
    }
    if let Some(code) = &listing.code {
        query = query.filter(plans::code.eq(code.clone()));
    }
    if let Some(after) = listing.after {
        query = query.filter(plans::id.gt(after));
    }
    let rows = query.order(plans::id.asc()).limit(listing.limit).load(conn)?;
    rows.into_iter().map(to_plan).collect()
}

/// The later versions of a plan, the newest first.
///
/// # Errors
/// The database's.
pub fn later(tx: &mut WriteTx<'_>, plan: &Plan) -> Stored<Vec<Plan>> {
    let rows = plans::table
        .filter(plans::jurisdiction.eq(&plan.jurisdiction).and(plans::code.eq(&plan.code)))
        .filter(plans::number.gt(plan.number))
        .order(plans::number.desc())
        .select(Row::as_select())
        .load(tx.conn)?;
    rows.into_iter().map(to_plan).collect()
}

/// The version that was published and ends where `by` begins, locked until the transaction ends.
///
/// Whoever waits for a row is told what became of it, and of none but those that he asked for: so all earlier versions are asked
/// for, by what never changes, and it is looked among them as they are then which one ends there. The newest comes first, as
/// wherever two versions are locked.
///
/// # Errors
/// The database's.
pub fn lock_ending_where(tx: &mut WriteTx<'_>, by: &Plan) -> Stored<Option<Plan>> {
    let Some(from) = by.decision.as_ref().map(|decision| decision.from) else { return Ok(None) };
    let rows = plans::table
        .filter(plans::jurisdiction.eq(&by.jurisdiction).and(plans::code.eq(&by.code)))
        .filter(plans::number.lt(by.number))
        .order(plans::number.desc())
        .select(Row::as_select())
        .for_update()
        .load(tx.conn)?;
    let earlier = rows.into_iter().map(to_plan).collect::<Stored<Vec<Plan>>>()?;
    Ok(earlier.into_iter().find(|plan| plan.state == PlanState::Published && plan.ended_on == Some(from)))
}

/// Plans whose period was over before a day, or that ended by it because their amendment began, and of which that is not recorded.
///
/// # Errors
/// The database's.
pub fn over_by(conn: &mut PgConnection, day: Date) -> Stored<Vec<Plan>> {
    let still = [PlanState::Published.as_str(), PlanState::Suspended.as_str()];
    let rows = plans::table
        .filter(plans::state.eq_any(still))
        .filter(
            (plans::effective_to.is_not_null().and(plans::effective_to.lt(day.to_diesel())))
                .or(plans::state.eq(still[0]).and(plans::ended_on.le(day.to_diesel()))),
        )
        .order(plans::id.asc())
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(to_plan).collect()
}

/// A corridor, as far as whether it blocks, and how far, goes by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocker {
    /// Which.
    pub id: Uuid,
    /// Its code.
    pub code: String,
    /// When it counts, and its own clearance.
    pub facts: CorridorFacts,
    /// By which rules choose its clearance.
    pub land: LandKind,
    /// The revision of its present version.
    pub revision: i64,
}

/// The corridors of a jurisdiction that the transaction sees, without their shapes.
///
/// # Errors
/// The database's.
pub fn blockers(tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<Vec<Blocker>> {
    #[derive(QueryableByName)]
    struct CorridorRow {
        #[diesel(sql_type = UuidSql)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Nullable<Text>)]
        class: Option<String>,
        #[diesel(sql_type = Nullable<Double>)]
        voltage_kv: Option<f64>,
        #[diesel(sql_type = Text)]
        status: String,
        #[diesel(sql_type = Nullable<DateSql>)]
        in_force_from: Option<jiff_diesel::Date>,
        #[diesel(sql_type = Nullable<DateSql>)]
        in_force_to: Option<jiff_diesel::Date>,
        #[diesel(sql_type = Nullable<Double>)]
        clearance_m: Option<f64>,
        #[diesel(sql_type = BigInt)]
        revision: i64,
    }
    let rows: Vec<CorridorRow> = sql_query(
        "SELECT id, code, kind, class, voltage_kv, status, in_force_from, in_force_to, clearance_m, revision FROM corridors
         WHERE jurisdiction = $1 ORDER BY id",
    )
    .bind::<Text, _>(jurisdiction)
    .load(tx.conn)?;
    let blocker = |row: CorridorRow| {
        let kind = word(&row.kind)?;
        Ok(Blocker {
            id: row.id,
            code: row.code,
            facts: CorridorFacts {
                kind,
                status: word(&row.status)?,
                in_force_from: row.in_force_from.map(jiff_diesel::Date::to_jiff),
                in_force_to: row.in_force_to.map(jiff_diesel::Date::to_jiff),
                clearance_m: row.clearance_m,
            },
            land: LandKind::new(kind, row.class.as_deref(), row.voltage_kv),
            revision: row.revision,
        })
    };
    rows.into_iter().map(blocker).collect()
}

/// Which zones of a plan lie within the clearance of which of these corridors, as PostGIS has it on the working grid.
///
/// # Errors
/// The database's.
pub fn met(tx: &mut WriteTx<'_>, plan: &Plan, corridors: &[(Uuid, f64)]) -> Stored<Vec<(Uuid, Uuid)>> {
    #[derive(QueryableByName)]
    struct Met {
        #[diesel(sql_type = UuidSql)]
        zone: Uuid,
        #[diesel(sql_type = UuidSql)]
        corridor: Uuid,
    }
    if corridors.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Met> = sql_query("SELECT zone, corridor FROM zones_met($1, $2, $3, $4) ORDER BY zone, corridor")
        .bind::<Text, _>(&plan.jurisdiction)
        .bind::<UuidSql, _>(plan.id)
        .bind::<Array<UuidSql>, _>(corridors.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<Double>, _>(corridors.iter().map(|(_, clearance)| *clearance).collect::<Vec<_>>())
        .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| (row.zone, row.corridor)).collect())
}

/// Near what a zone has to have changed to be looked at again.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearness {
    /// What brings no reach of its own, m.
    pub reach_m: f64,
    /// The widest clearance by the rules of the plan's own jurisdiction, of corridors that state none, m.
    pub ruled_m: f64,
    /// How far a reference feature of a kind matters, m; of others nothing is asked.
    pub kinds: Vec<(ReferenceKind, f64)>,
}

/// The zones of a plan near which something changed after the revisions of some jurisdictions, its own the first, or comes in force
/// or ends by its day after the first and by the last of two days; all of them where rules or coverage changed.
///
/// # Errors
/// The database's.
pub fn touched(
    tx: &mut WriteTx<'_>,
    plan: &Plan,
    since: &[(String, i64)],
    near: &Nearness,
    (from, to): (Date, Date),
) -> Stored<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct ZoneRow {
        #[diesel(sql_type = UuidSql)]
        zone: Uuid,
    }
    let rows: Vec<ZoneRow> =
        sql_query("SELECT zone FROM zones_touched($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ORDER BY zone")
            .bind::<UuidSql, _>(plan.id)
            .bind::<Array<Text>, _>(since.iter().map(|(code, _)| code).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(since.iter().map(|(_, revision)| *revision).collect::<Vec<_>>())
            .bind::<Double, _>(near.reach_m)
            .bind::<Double, _>(near.ruled_m)
            .bind::<Double, _>(CLEARANCE_MAX_M)
            .bind::<Array<Text>, _>(near.kinds.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>())
            .bind::<Array<Double>, _>(near.kinds.iter().map(|(_, metres)| *metres).collect::<Vec<_>>())
            .bind::<DateSql, _>(from.to_diesel())
            .bind::<DateSql, _>(to.to_diesel())
            .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.zone).collect())
}

/// What the zones of a plan are, as one digest; none where it has none.
///
/// # Errors
/// The database's.
pub fn zones_digest(conn: &mut PgConnection, plan: &Plan) -> Stored<Option<Digest>> {
    #[derive(QueryableByName)]
    struct One {
        #[diesel(sql_type = Nullable<diesel::sql_types::Binary>)]
        digest: Option<Vec<u8>>,
    }
    let one: One = sql_query(
        "SELECT sha256(string_agg(version_digest(z), ''::bytea ORDER BY z.id)) AS digest FROM zones AS z
         WHERE z.jurisdiction = $1 AND z.plan = $2",
    )
    .bind::<Text, _>(&plan.jurisdiction)
    .bind::<UuidSql, _>(plan.id)
    .get_result(conn)?;
    one.digest.as_deref().map(audit::digest).transpose()
}

/// The same, inside a write.
///
/// # Errors
/// The database's.
pub fn zones_digest_in(tx: &mut WriteTx<'_>, plan: &Plan) -> Stored<Option<Digest>> {
    zones_digest(tx.conn, plan)
}

/// The kind of an organisation is that of a committee.
///
/// # Errors
/// The database's.
pub fn is_committee(tx: &mut WriteTx<'_>, organisation: &str) -> Stored<bool> {
    let found = super::organisation::find(tx, organisation)?;
    Ok(found.is_some_and(|found| found.kind == OrganisationKind::Committee))
}
