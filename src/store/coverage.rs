//! Coverage areas in rows.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::records::{optional_word, word};
use super::schema::coverage_areas;
use super::shape::Shape;
use super::{Failure, Stored, WriteTx};
use crate::domain::audit::{Change, ChangeKind};
use crate::domain::coverage::{CoverageArea, RegisteredCoverage};
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::error::Error;
use crate::geometry::{Epsg, Geometry, Grid, LonLat, MultiPolygon};

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = coverage_areas, check_for_backend(diesel::pg::Pg))]
struct CoverageRow {
    jurisdiction: String,
    id: Uuid,
    layer: String,
    source: String,
    as_of: Option<jiff_diesel::Date>,
    geom: Shape,
    geom_grid: Shape,
    revision: i64,
    recorded_at: jiff_diesel::Timestamp,
    kind: Option<String>,
}

/// The areas of a jurisdiction or of all, of a layer or of all, by jurisdiction and id.
///
/// # Errors
/// The database's.
pub fn list(
    conn: &mut PgConnection,
    jurisdiction: Option<&str>,
    layer: Option<Layer>,
) -> Stored<Vec<RegisteredCoverage>> {
    let mut query = coverage_areas::table.select(CoverageRow::as_select()).into_boxed();
    if let Some(jurisdiction) = jurisdiction {
        query = query.filter(coverage_areas::jurisdiction.eq(jurisdiction.to_owned()));
    }
    if let Some(layer) = layer {
        query = query.filter(coverage_areas::layer.eq(layer.as_str()));
    }
    let rows = query.order((coverage_areas::jurisdiction.asc(), coverage_areas::id.asc())).load(conn)?;
    rows.into_iter().map(to_area).collect()
}

/// The areas of a jurisdiction as they were at a revision.
///
/// # Errors
/// The database's.
pub fn list_at(conn: &mut PgConnection, jurisdiction: &str, revision: i64) -> Stored<Vec<RegisteredCoverage>> {
    let columns = "jurisdiction, id, layer, source, as_of, geom, geom_grid, revision, recorded_at, kind";
    let rows: Vec<CoverageRow> = diesel::sql_query(format!(
        "SELECT {columns} FROM coverage_areas WHERE jurisdiction = $1 AND revision <= $2
         UNION ALL
         SELECT {columns} FROM coverage_areas_history
         WHERE jurisdiction = $1 AND revision <= $2 AND ended_revision > $2 ORDER BY id"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(revision)
    .load(conn)?;
    rows.into_iter().map(to_area).collect()
}

/// Stores a new area of a jurisdiction with the working grid `grid`.
///
/// # Errors
/// The database's.
pub fn insert(
    tx: &mut WriteTx<'_>,
    jurisdiction: &str,
    grid: Epsg,
    id: Uuid,
    area: CoverageArea,
) -> Stored<RegisteredCoverage> {
    let (revision, recorded_at) = tx.raise(jurisdiction)?;
    let row = CoverageRow {
        jurisdiction: jurisdiction.to_owned(),
        id,
        layer: area.layer.as_str().into(),
        source: area.source.clone(),
        as_of: area.as_of.map(ToDiesel::to_diesel),
        geom: Shape::new(Geometry::MultiPolygon(area.lonlat.0.clone()), Epsg::WGS84),
        geom_grid: Shape::new(Geometry::MultiPolygon(area.grid.0.clone()), grid),
        revision,
        recorded_at: recorded_at.to_diesel(),
        kind: area.kind.map(|kind| kind.as_str().into()),
    };
    diesel::insert_into(coverage_areas::table).values(row).execute(tx.conn)?;
    tx.changed(jurisdiction, Change { layer: area.layer, kind: ChangeKind::Coverage, id: Some(id) })?;
    Ok(RegisteredCoverage { jurisdiction: jurisdiction.to_owned(), id, revision, recorded_at, area })
}

/// How many areas a layer of a jurisdiction has.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut WriteTx<'_>, jurisdiction: &str, layer: Layer) -> Stored<usize> {
    let found: i64 = coverage_areas::table
        .filter(coverage_areas::jurisdiction.eq(jurisdiction))
        .filter(coverage_areas::layer.eq(layer.as_str()))
        .count()
        .get_result(tx.conn)?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

/// Deletes an area and gives it back; `None` where it is not there.
///
/// # Errors
/// The database's.
pub fn delete(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid) -> Stored<Option<RegisteredCoverage>> {
    let here = coverage_areas::table.find((jurisdiction, id));
    let row = here.select(CoverageRow::as_select()).for_update().first(tx.conn).optional()?;
    let Some(gone) = row.map(to_area).transpose()? else { return Ok(None) };
    // Before it goes: its version ends with the revision that there is then.
    tx.raise(jurisdiction)?;
    diesel::delete(here).execute(tx.conn)?;
    tx.changed(jurisdiction, Change { layer: gone.area.layer, kind: ChangeKind::Coverage, id: Some(id) })?;
    Ok(Some(gone))
}

fn to_area(row: CoverageRow) -> Stored<RegisteredCoverage> {
    let area = CoverageArea {
        layer: word(&row.layer)?,
        kind: optional_word(row.kind.as_deref())?,
        source: row.source,
        as_of: row.as_of.map(jiff_diesel::Date::to_jiff),
        lonlat: LonLat(polygons(row.geom)?),
        grid: Grid(polygons(row.geom_grid)?),
    };
    Ok(RegisteredCoverage {
        jurisdiction: row.jurisdiction,
        id: row.id,
        revision: row.revision,
        recorded_at: row.recorded_at.to_jiff(),
        area,
    })
}

fn polygons(shape: Shape) -> Stored<MultiPolygon<f64>> {
    match shape.geometry {
        Geometry::MultiPolygon(m) => Ok(m),
        Geometry::Polygon(p) => Ok(MultiPolygon(vec![p])),
        _ => Err(Failure::Ours(Error::Internal("a coverage area that is no area".into()))),
    }
}
