//! Works in rows.

use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::copied::{self, Decoder, Tuple, copied};
use super::followed::{Followed, followed};
use super::import::{Incoming, Merged};
use super::prepared::{PLANNED_BY_VALUES, prepared};
use super::records::{self, IndexRow, ListFilter, Records, epsg, optional_word, records, rows, srid, word};
use super::schema::{import_works, works, works_history};
use super::shape::Shape;
use super::version::{Versions, versions};
use super::{Stored, WriteTx, audit, import};
use crate::domain::audit::ChangeKind;
use crate::domain::conflict::Facts;
use crate::domain::feature::{Noun, Registered};
use crate::domain::place::{Delivered, Placed};
use crate::domain::version::{Ended, Version};
use crate::domain::word::{Visibility, Word};
use crate::domain::work::{Work, WorkFacts, WorkProps};
use crate::error::Error;
use crate::geometry::{Epsg, Grid, LonLat};

rows! { works, WorkRow; works_history; import_works, StagedWork {
    jurisdiction: String,
    id: Uuid,
    code: String,
    name: Option<String>,
    organisation: String,
    kind: String,
    status: String,
    column_class: Option<String>,
    height_agl_m: Option<f64>,
    position_accuracy_m: Option<f64>,
    capture_method: Option<String>,
    importance: String,
    visibility: String,
    tenants: Vec<String>,
    spare_capacity: Option<i32>,
    valid_from: Option<jiff_diesel::Date>,
    valid_to: Option<jiff_diesel::Date>,
    source: Option<String>,
    recorded_crs: i32,
    recorded_geom: Shape,
    geom: Shape,
    geom_grid: Shape,
    version: i32,
    revision: i64,
    recorded_at: jiff_diesel::Timestamp,
} }

records!(Work, works, WorkRow, import_works, StagedWork);
followed!(Work, works);
versions!(Work, works, works_history, WorkRow);

fn to_row(feature: &Registered<Work>) -> WorkRow {
    let p = feature.body.props();
    let place = feature.body.place();
    WorkRow {
        jurisdiction: feature.jurisdiction.clone(),
        id: feature.id,
        code: p.code.clone().unwrap_or_default(),
        name: p.name.clone(),
        organisation: p.organisation.clone(),
        kind: p.kind.as_str().into(),
        status: p.status.as_str().into(),
        column_class: p.column_class.map(|w| w.as_str().into()),
        height_agl_m: p.height_agl_m,
        position_accuracy_m: p.position_accuracy_m,
        capture_method: p.capture_method.map(|w| w.as_str().into()),
        importance: p.importance.as_str().into(),
        visibility: p.visibility.as_str().into(),
        tenants: p.tenants.clone(),
        spare_capacity: p.spare_capacity,
        valid_from: p.valid_from.map(ToDiesel::to_diesel),
        valid_to: p.valid_to.map(ToDiesel::to_diesel),
        source: p.source.clone(),
        recorded_crs: srid(place.recorded.crs),
        recorded_geom: Shape::new(place.recorded.shape.clone(), place.recorded.crs),
        geom: Shape::new(place.lonlat.0.clone(), Epsg::WGS84),
        geom_grid: Shape::new(place.grid.0.clone(), place.grid_crs),
        version: feature.version,
        revision: feature.revision,
        recorded_at: feature.recorded_at.to_diesel(),
    }
}

fn to_feature(row: WorkRow) -> Stored<Registered<Work>> {
    let props = WorkProps {
        code: Some(row.code),
        name: row.name,
        organisation: row.organisation,
        kind: word(&row.kind)?,
        status: word(&row.status)?,
        column_class: optional_word(row.column_class.as_deref())?,
        height_agl_m: row.height_agl_m,
        position_accuracy_m: row.position_accuracy_m,
        capture_method: optional_word(row.capture_method.as_deref())?,
        importance: word(&row.importance)?,
        visibility: word(&row.visibility)?,
        tenants: row.tenants,
        spare_capacity: row.spare_capacity,
        valid_from: row.valid_from.map(jiff_diesel::Date::to_jiff),
        valid_to: row.valid_to.map(jiff_diesel::Date::to_jiff),
        source: row.source,
    };
    let place = Placed {
        recorded: Delivered { shape: row.recorded_geom.geometry, crs: epsg(row.recorded_crs)? },
        lonlat: LonLat(row.geom.geometry),
        grid_crs: row.geom_grid.srid,
        grid: Grid(row.geom_grid.geometry),
    };
    Ok(Registered {
        jurisdiction: row.jurisdiction,
        id: row.id,
        version: row.version,
        revision: row.revision,
        recorded_at: row.recorded_at.to_jiff(),
        body: Work::stored(props, place),
    })
}

copied! { Work, works, works_history:
    id, code, organisation, visibility, kind, status,
    valid_from, valid_to, position_accuracy_m, capture_method, column_class, height_agl_m, spare_capacity, geom_grid,
}

type IndexValues = (
    Uuid,
    String,
    String,
    String,
    String,
    String,
    Option<jiff_diesel::Date>,
    Option<jiff_diesel::Date>,
    Option<f64>,
    Option<String>,
    Option<String>,
    Option<f64>,
    Option<i32>,
    Shape,
);

fn index_row(row: IndexValues) -> Stored<IndexRow> {
    let (
        id,
        code,
        organisation,
        visibility,
        kind,
        status,
        from,
        to,
        position_accuracy_m,
        method,
        class,
        height,
        spare,
        shape,
    ) = row;
    let noun = WorkFacts {
        kind: word(&kind)?,
        status: word(&status)?,
        valid_from: from.map(jiff_diesel::Date::to_jiff),
        valid_to: to.map(jiff_diesel::Date::to_jiff),
        position_accuracy_m,
        capture_method: optional_word(method.as_deref())?,
        column_class: optional_word(class.as_deref())?,
        height_agl_m: height,
        spare_capacity: spare,
    };
    let facts = Facts {
        id,
        code: code.into(),
        organisation: organisation.into(),
        visibility: word(&visibility)?,
        noun: noun.into(),
        attributes: None,
    };
    Ok(IndexRow { facts, grid: Grid(shape.geometry), centreline: None, land: None })
}

fn index_tuple(row: &mut Tuple<'_>) -> Stored<IndexRow> {
    let (id, code, organisation, visibility) = (row.uuid()?, row.text()?.into(), row.owner()?, row.word()?);
    let noun = WorkFacts {
        kind: row.word()?,
        status: row.word()?,
        valid_from: row.optional_date()?,
        valid_to: row.optional_date()?,
        position_accuracy_m: row.optional_number()?,
        capture_method: row.optional_word()?,
        column_class: row.optional_word()?,
        height_agl_m: row.optional_number()?,
        spare_capacity: row.optional_integer()?,
    };
    let facts = Facts { id, code, organisation, visibility, noun: noun.into(), attributes: None };
    Ok(IndexRow { facts, grid: Grid(row.shape()?), centreline: None, land: None })
}

/// Those of some works that the transaction sees, with who may see them.
///
/// # Errors
/// The database's.
pub fn seen(conn: &mut PgConnection, ids: &[Uuid]) -> Stored<Vec<(Uuid, Visibility)>> {
    let rows: Vec<(Uuid, String)> =
        works::table.filter(works::id.eq_any(ids)).select((works::id, works::visibility)).load(conn)?;
    rows.into_iter().map(|(id, visibility)| Ok((id, word(&visibility)?))).collect()
}

/// The works of a jurisdiction with a code that the writer sees.
///
/// # Errors
/// The database's.
pub fn of_code(tx: &mut WriteTx<'_>, jurisdiction: &str, code: &str) -> Stored<Vec<Registered<Work>>> {
    let of = works::table.filter(works::jurisdiction.eq(jurisdiction).and(works::code.eq(code)));
    let rows = of.select(WorkRow::as_select()).order(works::id).load(tx.conn)?;
    rows.into_iter().map(to_feature).collect()
}
