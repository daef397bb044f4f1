//! The judge: shapes go to PostGIS in one statement and come back in order.

use clearway::geometry::{Epsg, Geometry};
use clearway::store::schema::sql_types;
use clearway::store::shape::Shape;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};

use crate::support::{Database, run_sql};

/// A database in which PostGIS knows these systems; PROJ's own database supplies the rest.
pub fn database(codes: &[u32]) -> Database {
    let database = Database::empty();
    for code in codes {
        let row = format!("INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid) VALUES ({code}, 'EPSG', {code})");
        run_sql(&database.url, &format!("{row} ON CONFLICT (srid) DO NOTHING"));
    }
    database
}

#[derive(QueryableByName)]
struct ShapeRow {
    #[diesel(sql_type = sql_types::Geometry)]
    shape: Shape,
}

/// `ST_Transform` of every shape.
pub fn transformed(database: &Database, shapes: &[Geometry<f64>], from: Epsg, to: Epsg) -> Vec<Geometry<f64>> {
    let bound: Vec<Shape> = shapes.iter().map(|g| Shape::new(g.clone(), from)).collect();
    let sql = format!(
        "SELECT ST_Transform(g, {}) AS shape FROM unnest($1::geometry[]) WITH ORDINALITY AS s(g, n) ORDER BY n",
        to.0
    );
    let rows: Vec<ShapeRow> =
        diesel::sql_query(sql).bind::<Array<sql_types::Geometry>, _>(bound).load(&mut database.connect()).unwrap();
    rows.into_iter().map(|r| r.shape.geometry).collect()
}

/// What PostGIS says of a shape.
#[derive(Debug, QueryableByName)]
pub struct Verdict {
    #[diesel(sql_type = Bool)]
    pub valid: bool,
    #[diesel(sql_type = Text)]
    pub reason: String,
    #[diesel(sql_type = Text)]
    pub text: String,
}

/// `ST_IsValid` of every shape.
pub fn validity(database: &Database, shapes: &[Geometry<f64>]) -> Vec<Verdict> {
    let bound: Vec<Shape> = shapes.iter().map(|g| Shape::new(g.clone(), Epsg(9218))).collect();
    // PostGIS tells of every fault in a notice, which would fill the log.
    run_sql(
        &database.url,
        "ALTER DATABASE current SET client_min_messages TO error".replace("current", &name(database)).as_str(),
    );
    diesel::sql_query(
        "SELECT ST_IsValid(g) AS valid, ST_IsValidReason(g) AS reason, left(ST_AsText(g), 500) AS text
         FROM unnest($1::geometry[]) WITH ORDINALITY AS s(g, n) ORDER BY n",
    )
    .bind::<Array<sql_types::Geometry>, _>(bound)
    .load(&mut database.connect())
    .unwrap()
}

fn name(database: &Database) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let row: Row =
        diesel::sql_query("SELECT current_database()::text AS name").get_result(&mut database.connect()).unwrap();
    row.name
}

/// A shape and its extended well-known text, after a way through a row.
#[derive(Debug, QueryableByName)]
pub struct Back {
    #[diesel(sql_type = sql_types::Geometry)]
    pub shape: Shape,
    #[diesel(sql_type = Text)]
    pub ewkt: String,
    #[diesel(sql_type = Bool)]
    pub equal: bool,
}

/// Stores a shape in a row beside the same written as text, and reads it again.
pub fn through_a_row(database: &Database, shape: &Shape, wkt: &str) -> Back {
    run_sql(&database.url, "DROP TABLE IF EXISTS shapes; CREATE TABLE shapes (g geometry, t geometry)");
    let mut conn = database.connect();
    diesel::sql_query("INSERT INTO shapes VALUES ($1, ST_GeomFromText($2, ST_SRID($1)))")
        .bind::<sql_types::Geometry, _>(shape)
        .bind::<Text, _>(wkt)
        .execute(&mut conn)
        .unwrap();
    diesel::sql_query(
        "SELECT g AS shape, ST_AsEWKT(g, 17) AS ewkt, ST_AsBinary(g) = ST_AsBinary(t) AS equal FROM shapes",
    )
    .get_result(&mut conn)
    .unwrap()
}

/// `ST_Segmentize`.
pub fn segmentized(database: &Database, shape: &Geometry<f64>, crs: Epsg, metres: f64) -> Geometry<f64> {
    let row: ShapeRow = diesel::sql_query("SELECT ST_Segmentize($1::geometry, $2::float8) AS shape")
        .bind::<sql_types::Geometry, _>(Shape::new(shape.clone(), crs))
        .bind::<diesel::sql_types::Double, _>(metres)
        .get_result(&mut database.connect())
        .unwrap();
    row.shape.geometry
}
