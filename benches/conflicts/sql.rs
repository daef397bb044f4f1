//! The same questions to PostGIS, as well as SQL can ask them: prepared once, parameters and results in binary, over
//! a Unix socket. Whether a work counts today is left out, because here all do: that is to the peer's advantage.

use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Double, Integer, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use clearway::store::schema::sql_types::Geometry as SqlGeometry;
use clearway::store::shape::Shape;

use crate::Failed;

/// What a bind stands for; the others are `$1` to `$4` in this order.
const BIND: char = '?';

/// Ids of the works within clearance + accuracy. The constant radius comes first: one that differs from row to row
/// cannot use the index.
pub const IDS: &str = "SELECT w.id FROM works AS w WHERE w.jurisdiction = ? \
     AND ST_DWithin(w.geom_grid, ?, ?) AND ST_DWithin(w.geom_grid, $2, ? + w.position_accuracy_m)";

/// The same for somebody who does not see what is restricted.
pub const IDS_SEEN: &str = "SELECT w.id FROM works AS w WHERE w.jurisdiction = ? \
     AND ST_DWithin(w.geom_grid, ?, ?) AND ST_DWithin(w.geom_grid, $2, ? + w.position_accuracy_m) \
     AND w.visibility <> 'restricted'";

/// The same over a subject cut into pieces of so many positions, so that the boxes are smaller.
macro_rules! pieces {
    ($($positions:literal)+) => {
        &[$(concat!(
            "WITH cut AS MATERIALIZED (SELECT $1::text AS jurisdiction, ST_Subdivide($2, ", $positions, ") AS piece \
                 WHERE ? IS NOT NULL AND ? IS NOT NULL) \
             SELECT DISTINCT w.id FROM cut JOIN works AS w ON w.jurisdiction = cut.jurisdiction \
             AND ST_DWithin(w.geom_grid, cut.piece, ?) AND ST_DWithin(w.geom_grid, cut.piece, ? + w.position_accuracy_m)"
        ),)+]
    };
}

/// Of these the fastest is the peer.
pub const PIECES: &[&str] = pieces!(8 16 32 64);

/// With what we answer: relation, distance, depth of points, length or area inside.
pub const MEASURED: &str = "SELECT w.id, \
         CASE WHEN NOT m.meets THEN 'near' WHEN ST_Within(w.geom_grid, $2) THEN 'inside' \
              WHEN ST_Touches(w.geom_grid, $2) THEN 'touches' ELSE 'crosses' END, \
         CASE WHEN m.meets THEN 0 ELSE ST_Distance(w.geom_grid, $2) END, \
         CASE WHEN m.meets AND ST_Dimension(w.geom_grid) = 0 THEN ST_Distance(w.geom_grid, ST_Boundary($2)) END, \
         CASE WHEN m.meets THEN CASE ST_Dimension(w.geom_grid) \
              WHEN 1 THEN ST_Length(ST_Intersection(w.geom_grid, $2)) \
              WHEN 2 THEN ST_Area(ST_Intersection(w.geom_grid, $2)) END END \
     FROM works AS w CROSS JOIN LATERAL (SELECT ST_Intersects(w.geom_grid, $2) AS meets OFFSET 0) AS m \
     WHERE w.jurisdiction = ? \
     AND ST_DWithin(w.geom_grid, ?, ?) AND ST_DWithin(w.geom_grid, $2, ? + w.position_accuracy_m)";

/// Ids of the works in conflict with one stored corridor.
pub const STORED: &str = "SELECT w.id FROM corridors AS c JOIN works AS w ON w.jurisdiction = c.jurisdiction \
     AND ST_DWithin(w.geom_grid, c.geom_grid, $3) \
     AND ST_DWithin(w.geom_grid, c.geom_grid, $4 + w.position_accuracy_m) \
     WHERE c.jurisdiction = ? AND c.id = ? AND ? IS NOT NULL AND ? IS NOT NULL";

/// The subject of a statement.
pub enum Subject {
    /// A shape.
    Drawn(Shape),
    /// A corridor.
    Stored(Uuid),
}

/// A question.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// One of the statements of this file.
    pub sql: &'static str,
    /// `$1`
    pub jurisdiction: &'a str,
    /// `$2`
    pub subject: &'a Subject,
    /// `$3`: clearance and the largest accuracy, metres.
    pub widest: f64,
    /// `$4`: metres.
    pub clearance: f64,
}

impl Ask<'_> {
    /// The ids.
    pub fn ids(self, conn: &mut PgConnection) -> QueryResult<Vec<Uuid>> {
        Typed::<SqlUuid>(self, std::marker::PhantomData).load(conn)
    }

    /// Whatever the statement gives, thrown away.
    pub fn run(&self, conn: &mut PgConnection) -> QueryResult<()> {
        if self.sql == MEASURED { self.measured(conn).map(drop) } else { self.ids(conn).map(drop) }
    }

    /// The ids and what was measured.
    pub fn measured(self, conn: &mut PgConnection) -> QueryResult<Vec<Measured>> {
        Typed::<(SqlUuid, Text, Double, Nullable<Double>, Nullable<Double>)>(self, std::marker::PhantomData).load(conn)
    }
}

/// Id, relation, distance, depth, length or area inside.
pub type Measured = (Uuid, String, f64, Option<f64>, Option<f64>);

struct Typed<'a, T>(Ask<'a>, std::marker::PhantomData<T>);

impl<T> QueryId for Typed<'_, T> {
    type QueryId = ();
    // Found again by its text, and so prepared once.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> Query for Typed<'_, T> {
    type SqlType = T;
}

impl<T> RunQueryDsl<PgConnection> for Typed<'_, T> {}

impl<T> QueryFragment<Pg> for Typed<'_, T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let ask = &self.0;
        for (n, text) in ask.sql.split(BIND).enumerate() {
            match (n, ask.subject) {
                (0, _) => {}
                (1, _) => out.push_bind_param::<Text, _>(ask.jurisdiction)?,
                (2, Subject::Drawn(shape)) => out.push_bind_param::<SqlGeometry, _>(shape)?,
                (2, Subject::Stored(id)) => out.push_bind_param::<SqlUuid, _>(id)?,
                (3, _) => out.push_bind_param::<Double, _>(&ask.widest)?,
                _ => out.push_bind_param::<Double, _>(&ask.clearance)?,
            }
            out.push_sql(text);
        }
        Ok(())
    }
}

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    process: i32,
}

/// The process that serves the connection.
pub fn backend(conn: &mut PgConnection) -> QueryResult<String> {
    let found: Backend = diesel::sql_query("SELECT pg_backend_pid() AS process").get_result(conn)?;
    Ok(found.process.to_string())
}

/// The plan that the present session makes for a statement with these parameters.
pub fn plan(conn: &mut PgConnection, sql: &str, subject_type: &str, values: &str) -> Result<String, Failed> {
    let mark = |(n, text): (usize, &str)| if n > 0 { format!("${n}{text}") } else { text.to_owned() };
    let numbered: String = sql.split(BIND).enumerate().map(mark).collect();
    let types = format!("text, {subject_type}, float8, float8");
    conn.batch_execute(&format!("PREPARE explained ({types}) AS {numbered}"))?;
    let lines: Vec<PlanLine> = diesel::sql_query(format!("EXPLAIN EXECUTE explained ({values})")).load(conn)?;
    conn.batch_execute("DEALLOCATE explained")?;
    Ok(lines.into_iter().map(|l| l.line + "\n").collect())
}
