//! What comes after a site check that is kept: waivers, marks that it would now be answered otherwise, and how far the
//! marking has come.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Date as DateSql, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as UuidSql,
};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::records::{optional_word, word};
use super::schema::sql_types::Geometry as GeometrySql;
use super::shape::Shape;
use super::site_check::{codes, ground_ids, grounds, layers, revisions, wrong};
use super::{Store, Stored, WriteTx, audit, seen};
use crate::domain::actor::Actor;
use crate::domain::audit::ZEROS;
use crate::domain::site_check::{CheckCode, Difference, Ground, HiddenCells, Waiver};
use crate::domain::word::Word;
use crate::error::Result;
use crate::geometry::cells::Cell;
use crate::geometry::{Bounds, Epsg, Geometry, outside};

/// Keeps a waiver, whose revision was raised.
///
/// # Errors
/// [`Error::Taken`](crate::error::Error::Taken) where the finding is waived already, and the database's.
pub fn waive(tx: &mut WriteTx<'_>, jurisdiction: &str, run: Uuid, waiver: &Waiver) -> Stored<()> {
    sql_query(
        "INSERT INTO site_check_waivers (jurisdiction, run, code, actor, organisation, role, reason, recorded_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<UuidSql, _>(run)
    .bind::<Text, _>(waiver.code.as_str())
    .bind::<Text, _>(&waiver.actor)
    .bind::<Nullable<Text>, _>(waiver.organisation.as_deref())
    .bind::<Text, _>(waiver.role.as_str())
    .bind::<Text, _>(&waiver.reason)
    .bind::<Timestamptz, _>(waiver.recorded_at.to_diesel())
    .bind::<BigInt, _>(waiver.revision)
    .execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct WaiverRow {
    #[diesel(sql_type = UuidSql)]
    run: Uuid,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    organisation: Option<String>,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    revision: i64,
}

/// The waivers of some runs.
///
/// # Errors
/// The database's.
pub fn waivers(conn: &mut PgConnection, runs: &[Uuid]) -> Stored<Vec<(Uuid, Waiver)>> {
    let rows: Vec<WaiverRow> =
        sql_query("SELECT * FROM site_check_waivers WHERE run = ANY ($1) ORDER BY run, revision")
            .bind::<Array<UuidSql>, _>(runs)
            .load(conn)?;
    let waiver = |row: WaiverRow| {
        let WaiverRow { run, code, actor, organisation, role, reason, recorded_at, revision } = row;
        let (code, role, recorded_at) = (word(&code)?, word(&role)?, recorded_at.to_jiff());
        Ok((run, Waiver { code, actor, organisation, role, reason, recorded_at, revision }))
    };
    rows.into_iter().map(waiver).collect()
}

/// Where a run would be answered otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its number, from 1 for each run.
    pub number: i32,
    /// When it was found.
    pub recorded_at: Timestamp,
    /// For which day.
    pub day: Date,
    /// On which revisions.
    pub revisions: BTreeMap<String, i64>,
    /// In what; in nothing where it would be answered as it was again.
    pub differences: Vec<Difference>,
    /// Every feature that the answer rests on; none where it was marked before that was known.
    pub ground: Option<Vec<Ground>>,
    /// Those of them that were restricted.
    pub shown: Vec<Ground>,
    /// What it tells of hidden features.
    pub hidden: Vec<HiddenCells>,
}

#[derive(QueryableByName)]
struct MarkRow {
    #[diesel(sql_type = UuidSql)]
    run: Uuid,
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = DateSql)]
    day: jiff_diesel::Date,
    #[diesel(sql_type = Jsonb)]
    revisions: Json,
    #[diesel(sql_type = Array<Text>)]
    codes: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    befores: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    afters: Vec<String>,
    #[diesel(sql_type = Array<Binary>)]
    digests: Vec<Vec<u8>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    ground_layers: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    ground_jurisdictions: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<UuidSql>>)]
    ground_ids: Option<Vec<Uuid>>,
    #[diesel(sql_type = Array<Text>)]
    shown_layers: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    shown_jurisdictions: Vec<String>,
    #[diesel(sql_type = Array<UuidSql>)]
    shown_ids: Vec<Uuid>,
    #[diesel(sql_type = Array<Text>)]
    hidden_cells: Vec<String>,
}

/// What there is where a check was not made before, or is not any more.
const NO_VERDICT: &str = "";

/// The last mark of each of some runs that have any.
///
/// # Errors
/// The database's.
pub fn marks(conn: &mut PgConnection, runs: &[Uuid]) -> Stored<BTreeMap<Uuid, Mark>> {
    let rows: Vec<MarkRow> = sql_query(
        "SELECT DISTINCT ON (run) run, number, recorded_at, day, revisions, codes, befores, afters, digests, ground_layers,
             ground_jurisdictions, ground_ids, shown_layers, shown_jurisdictions, shown_ids, hidden_cells
         FROM site_check_marks WHERE run = ANY ($1) ORDER BY run, number DESC",
    )
    .bind::<Array<UuidSql>, _>(runs)
    .load(conn)?;
    let mark = |row: MarkRow| {
        let verdict = |text: &str| optional_word(Some(text).filter(|text| *text != NO_VERDICT));
        let differences = row.codes.iter().zip(&row.befores).zip(row.afters.iter().zip(&row.digests));
        let difference = |((code, before), (after, digest)): ((&String, &String), (&String, &Vec<u8>))| {
            let digest = audit::digest(digest)?;
            let after = verdict(after)?.map(|after| (after, digest));
            Ok(Difference { code: word::<CheckCode>(code)?, before: verdict(before)?, after })
        };
        let differences = differences.map(difference).collect::<Stored<_>>()?;
        let revisions = revisions(&row.revisions)?;
        let (recorded_at, day) = (row.recorded_at.to_jiff(), row.day.to_jiff());
        let ground =
            row.ground_layers.as_deref().zip(row.ground_jurisdictions.as_deref()).zip(row.ground_ids.as_deref());
        let ground = ground.map(|((layers, codes), ids)| grounds(layers, codes, ids)).transpose()?;
        let shown = grounds(&row.shown_layers, &row.shown_jurisdictions, &row.shown_ids)?;
        let hidden = hidden(&row.hidden_cells)?;
        Ok((row.run, Mark { number: row.number, recorded_at, day, revisions, differences, ground, shown, hidden }))
    };
    rows.into_iter().map(mark).collect()
}

/// Cells as they are stored, each with its jurisdiction and source.
fn hidden_cells(hidden: &[HiddenCells]) -> Vec<String> {
    let of = |one: &HiddenCells| {
        let cell = |cell: &Cell| format!("{} {} {} {}", one.jurisdiction, one.source, cell.column, cell.row);
        one.cells.iter().map(cell).collect::<Vec<_>>()
    };
    hidden.iter().flat_map(of).collect()
}

fn hidden(stored: &[String]) -> Stored<Vec<HiddenCells>> {
    let mut all: Vec<HiddenCells> = Vec::new();
    for text in stored {
        let parts: Vec<&str> = text.split(' ').collect();
        let [code, source, column, row] = parts[..] else { return Err(wrong("a cell")) };
        let (Ok(column), Ok(row)) = (column.parse(), row.parse()) else { return Err(wrong("a cell")) };
        match all.last_mut().filter(|last| last.jurisdiction == code && last.source == source) {
            Some(last) => last.cells.push(Cell { column, row }),
            None => all.push(HiddenCells {
                jurisdiction: code.to_owned(),
                source: source.to_owned(),
                cells: vec![Cell { column, row }],
            }),
        }
    }
    Ok(all)
}

/// Keeps a mark of a run.
///
/// # Errors
/// The database's.
pub fn mark(conn: &mut PgConnection, jurisdiction: &str, run: Uuid, mark: &Mark) -> Stored<()> {
    let all = &mark.differences;
    let digests: Vec<&[u8]> = all.iter().map(|d| d.after.as_ref().map_or(ZEROS.as_slice(), |(_, d)| d)).collect();
    let before = |d: &Difference| d.before.map_or(NO_VERDICT, Word::as_str);
    let after = |d: &Difference| d.after.map_or(NO_VERDICT, |(verdict, _)| verdict.as_str());
    sql_query(
        "INSERT INTO site_check_marks (jurisdiction, run, number, recorded_at, day, revisions, codes, befores, afters, digests,
             ground_layers, ground_jurisdictions, ground_ids, shown_layers, shown_jurisdictions, shown_ids, hidden_cells)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<UuidSql, _>(run)
    .bind::<Integer, _>(mark.number)
    .bind::<Timestamptz, _>(mark.recorded_at.to_diesel())
    .bind::<DateSql, _>(mark.day.to_diesel())
    .bind::<Jsonb, _>(json!(mark.revisions))
    .bind::<Array<Text>, _>(all.iter().map(|d| d.code.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(all.iter().map(before).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(all.iter().map(after).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(digests)
    .bind::<Nullable<Array<Text>>, _>(mark.ground.as_deref().map(layers))
    .bind::<Nullable<Array<Text>>, _>(mark.ground.as_deref().map(codes))
    .bind::<Nullable<Array<UuidSql>>, _>(mark.ground.as_deref().map(ground_ids))
    .bind::<Array<Text>, _>(layers(&mark.shown))
    .bind::<Array<Text>, _>(codes(&mark.shown))
    .bind::<Array<UuidSql>, _>(ground_ids(&mark.shown))
    .bind::<Array<Text>, _>(hidden_cells(&mark.hidden))
    .execute(conn)?;
    Ok(())
}

/// One instance marks at a time, in whatever jurisdiction: a run may stand near the border of two.
const MARKING: i64 = 0x7369_7465_6368_6b73;

impl Store {
    /// Runs `f` in one transaction that marks runs; `None` where another instance does. It is no write of the register:
    /// nothing is raised, and no event left, for marks say nothing that could not be found again.
    ///
    /// # Errors
    /// What `f` fails with; [`Error::Busy`](crate::error::Error::Busy) without a connection.
    pub fn marking<T>(&self, mut f: impl FnMut(&mut PgConnection) -> Stored<T>) -> Result<Option<T>> {
        #[derive(QueryableByName)]
        struct Taken {
            #[diesel(sql_type = Bool)]
            taken: bool,
        }
        self.run(|conn| {
            conn.build_transaction().read_committed().run(|conn| {
                let lock = sql_query("SELECT pg_try_advisory_xact_lock($1) AS taken").bind::<BigInt, _>(MARKING);
                if !lock.get_result::<Taken>(conn)?.taken {
                    return Ok(None);
                }
                seen::see_at_leisure(conn, &Actor::operator(), None)?;
                f(conn).map(Some)
            })
        })
    }
}

/// How far the runs of a jurisdiction are marked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// To which revision.
    pub revision: i64,
    /// For which day; none: for none yet.
    pub day: Option<Date>,
    /// The widest that any of them looked round its place when it was answered again, m.
    pub widest_m: f64,
}

#[derive(QueryableByName)]
struct ProgressRow {
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Nullable<DateSql>)]
    day: Option<jiff_diesel::Date>,
    #[diesel(sql_type = Double)]
    widest_m: f64,
}

/// How far the runs are marked, by jurisdiction.
///
/// # Errors
/// The database's.
pub fn progress(conn: &mut PgConnection) -> Stored<BTreeMap<String, Progress>> {
    let rows: Vec<ProgressRow> =
        sql_query("SELECT jurisdiction, revision, day, widest_m FROM site_check_progress").load(conn)?;
    let progress = |row: ProgressRow| {
        let day = row.day.map(jiff_diesel::Date::to_jiff);
        (row.jurisdiction, Progress { revision: row.revision, day, widest_m: row.widest_m })
    };
    Ok(rows.into_iter().map(progress).collect())
}

/// Says how far they are now; what they looked round their places never gets less.
///
/// # Errors
/// The database's.
pub fn set_progress(conn: &mut PgConnection, reached: &BTreeMap<String, Progress>) -> Stored<()> {
    let days = reached.values().map(|to| to.day.map(ToDiesel::to_diesel));
    sql_query(
        "INSERT INTO site_check_progress AS p (jurisdiction, revision, day, widest_m) SELECT * FROM unnest($1, $2, $3, $4)
         ON CONFLICT (jurisdiction) DO UPDATE SET revision = excluded.revision, day = excluded.day,
             widest_m = greatest(p.widest_m, excluded.widest_m)",
    )
    .bind::<Array<Text>, _>(reached.keys().collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(reached.values().map(|to| to.revision).collect::<Vec<_>>())
    .bind::<Array<Nullable<DateSql>>, _>(days.collect::<Vec<_>>())
    .bind::<Array<Double>, _>(reached.values().map(|to| to.widest_m).collect::<Vec<_>>())
    .execute(conn)?;
    Ok(())
}

/// The runs that could not be answered again when they should have been, and when that was.
///
/// # Errors
/// The database's.
pub fn unanswered(conn: &mut PgConnection) -> Stored<Vec<(Uuid, Timestamp)>> {
    #[derive(QueryableByName)]
    struct UnansweredRow {
        #[diesel(sql_type = UuidSql)]
        run: Uuid,
        #[diesel(sql_type = Timestamptz)]
        failed_at: jiff_diesel::Timestamp,
    }
    let rows: Vec<UnansweredRow> = sql_query("SELECT run, failed_at FROM site_check_unanswered").load(conn)?;
    Ok(rows.into_iter().map(|row| (row.run, row.failed_at.to_jiff())).collect())
}

/// Notes that a run could not be answered again.
///
/// # Errors
/// The database's.
pub fn could_not_answer(conn: &mut PgConnection, jurisdiction: &str, run: Uuid, at: Timestamp) -> Stored<()> {
    sql_query("INSERT INTO site_check_unanswered (jurisdiction, run, failed_at) VALUES ($1, $2, $3)")
        .bind::<Text, _>(jurisdiction)
        .bind::<UuidSql, _>(run)
        .bind::<Timestamptz, _>(at.to_diesel())
        .execute(conn)?;
    Ok(())
}

/// Forgets that these runs could not be answered again: they are tried now.
///
/// # Errors
/// The database's.
pub fn try_to_answer(conn: &mut PgConnection, runs: &[Uuid]) -> Stored<()> {
    sql_query("DELETE FROM site_check_unanswered WHERE run = ANY ($1)")
        .bind::<Array<UuidSql>, _>(runs)
        .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = UuidSql)]
    id: Uuid,
}

fn ids(rows: Vec<IdRow>) -> Vec<Uuid> {
    rows.into_iter().map(|row| row.id).collect()
}

/// The runs whose place lies in one of some boxes in WGS 84, also across the antimeridian.
///
/// # Errors
/// The database's.
pub fn meeting(conn: &mut PgConnection, boxes: &[Bounds]) -> Stored<Vec<Uuid>> {
    if boxes.is_empty() {
        return Ok(Vec::new());
    }
    let shape = |b: Bounds| {
        let corners = geo_types::Rect::new((b.min[0], b.min[1]), (b.max[0], b.max[1]));
        Shape::new(Geometry::Polygon(corners.to_polygon()), Epsg::WGS84)
    };
    let rows: Vec<IdRow> = sql_query("SELECT site_checks_meeting($1) AS id")
        .bind::<Array<GeometrySql>, _>(boxes.iter().flat_map(outside::round_the_earth).map(shape).collect::<Vec<_>>())
        .load(conn)?;
    Ok(ids(rows))
}

/// All runs that looked at a jurisdiction, when they were kept or when they were marked.
///
/// # Errors
/// The database's.
pub fn that_looked_at(conn: &mut PgConnection, jurisdiction: &str) -> Stored<Vec<Uuid>> {
    let rows: Vec<IdRow> = sql_query(
        "SELECT id FROM site_checks WHERE jsonb_exists(revisions, $1)
         UNION SELECT run FROM site_check_marks WHERE jsonb_exists(revisions, $1)",
    )
    .bind::<Text, _>(jurisdiction)
    .load(conn)?;
    Ok(ids(rows))
}

/// The runs kept after a revision of their jurisdiction, unless they looked at all that others are marked to, in every
/// jurisdiction: what a run did not look at then may matter to it now.
///
/// # Errors
/// The database's.
pub fn late(conn: &mut PgConnection, jurisdiction: &str, after: i64) -> Stored<Vec<Uuid>> {
    let rows: Vec<IdRow> = sql_query(
        "SELECT id FROM site_checks AS r WHERE jurisdiction = $1 AND revision > $2 AND EXISTS (
             SELECT FROM site_check_progress AS p WHERE coalesce((r.revisions->>p.jurisdiction)::bigint, -1) < p.revision
         )",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(after)
    .load(conn)?;
    Ok(ids(rows))
}

/// The widest that any run looked round its place, by the rules of when it was kept or of a later answer, m; none where there
/// are no runs.
///
/// # Errors
/// The database's.
pub fn widest(conn: &mut PgConnection) -> Stored<Option<f64>> {
    #[derive(QueryableByName)]
    struct Widest {
        #[diesel(sql_type = Nullable<Double>)]
        most: Option<f64>,
    }
    let row: Widest = sql_query(
        "SELECT greatest(max(reach_m), (SELECT max(widest_m) FROM site_check_progress)) AS most
         FROM site_checks HAVING count(*) > 0",
    )
    .get_result(conn)
    .optional()?
    .unwrap_or(Widest { most: None });
    Ok(row.most)
}
