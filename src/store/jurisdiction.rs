//! Jurisdictions in rows.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::records::{epsg, srid};
use super::schema::{jurisdictions, revisions};
use super::shape::Shape;
use super::{Failure, Stored, WriteTx};
use crate::domain::jurisdiction::{Jurisdiction, JurisdictionDraft};
use crate::error::Error;
use crate::geometry::{Epsg, Geometry};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = jurisdictions, check_for_backend(diesel::pg::Pg))]
struct JurisdictionRow {
    code: String,
    name_vi: String,
    name_en: String,
    grid_srid: i32,
    time_zone: String,
    related_crs: Vec<i32>,
    boundary: Shape,
}

/// Every jurisdiction, by code.
///
/// # Errors
/// The database's.
pub fn all(conn: &mut PgConnection) -> Stored<Vec<Jurisdiction>> {
    let rows: Vec<JurisdictionRow> =
        jurisdictions::table.order(jurisdictions::code.asc()).select(JurisdictionRow::as_select()).load(conn)?;
    rows.into_iter().map(to_jurisdiction).collect()
}

/// One jurisdiction.
///
/// # Errors
/// The database's, and [`Error::Internal`] where it is stored in a way that cannot be used.
pub fn find(conn: &mut PgConnection, code: &str) -> Stored<Option<Jurisdiction>> {
    let row = jurisdictions::table.find(code).select(JurisdictionRow::as_select()).first(conn).optional()?;
    row.map(to_jurisdiction).transpose()
}

/// It is registered.
///
/// # Errors
/// The database's.
pub fn exists(tx: &mut WriteTx<'_>, code: &str) -> Stored<bool> {
    Ok(diesel::select(diesel::dsl::exists(jurisdictions::table.find(code))).get_result(tx.conn)?)
}

fn to_jurisdiction(row: JurisdictionRow) -> Stored<Jurisdiction> {
    let code = row.code.clone();
    let draft = JurisdictionDraft {
        code: row.code,
        name_vi: row.name_vi,
        name_en: row.name_en,
        grid: epsg(row.grid_srid)?,
        time_zone: row.time_zone,
        related_crs: row.related_crs.into_iter().map(epsg).collect::<Stored<_>>()?,
        boundary: row.boundary.geometry,
    };
    Jurisdiction::new(draft).map_err(|problems| {
        let first = problems.first().map(|p| format!("{} {}", p.pointer, p.detail)).unwrap_or_default();
        Failure::Ours(Error::Internal(format!("the stored jurisdiction {code} is not valid: {first}")))
    })
}

/// Registers a jurisdiction with its counter at 0, raises it, and tells PostGIS of its grid where it lacks it.
///
/// # Errors
/// [`Error::Changed`] where the code is registered already, and the database's.
pub fn insert(tx: &mut WriteTx<'_>, jurisdiction: &Jurisdiction) -> Stored<()> {
    let grid = srid(jurisdiction.grid);
    diesel::sql_query("SELECT register_grid($1)").bind::<Integer, _>(grid).execute(tx.conn)?;
    let row = JurisdictionRow {
        code: jurisdiction.code.clone(),
        name_vi: jurisdiction.name_vi.clone(),
        name_en: jurisdiction.name_en.clone(),
        grid_srid: grid,
        time_zone: jurisdiction.time_zone.clone(),
        related_crs: jurisdiction.related_crs.iter().copied().map(srid).collect(),
        boundary: Shape::new(Geometry::MultiPolygon(jurisdiction.boundary.0.clone()), Epsg::WGS84),
    };
    diesel::insert_into(jurisdictions::table).values(row).execute(tx.conn)?;
    diesel::insert_into(revisions::table)
        .values((revisions::jurisdiction.eq(&jurisdiction.code), revisions::revision.eq(0_i64)))
        .execute(tx.conn)?;
    tx.raise(&jurisdiction.code)?;
    Ok(())
}
