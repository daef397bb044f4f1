//! Corridors in rows.

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
use super::records::{self, IndexRow, ListFilter, Records, epsg, lines, records, rows, srid, word};
use super::schema::{corridors, corridors_history, import_corridors};
use super::shape::Shape;
use super::version::{Versions, versions};
use super::{Failure, Stored, WriteTx, audit, import};
use crate::domain::audit::ChangeKind;
use crate::domain::conflict::Facts;
use crate::domain::corridor::{Corridor, CorridorFacts, CorridorProps};
use crate::domain::feature::{Centreline, Noun, Registered};
use crate::domain::place::{Delivered, Placed};
use crate::domain::rules::LandKind;
use crate::domain::version::{Ended, Version};
use crate::domain::word::Word;
use crate::error::Error;
use crate::geometry::{Epsg, Geometry, Grid, LonLat, Metres};

rows! { corridors, CorridorRow; corridors_history; import_corridors, StagedCorridor {
    jurisdiction: String,
    id: Uuid,
    code: String,
    name: Option<String>,
    kind: String,
    class: Option<String>,
    status: String,
    project: Option<String>,
    organisation: String,
    in_force_from: Option<jiff_diesel::Date>,
    in_force_to: Option<jiff_diesel::Date>,
    hand_over_on: Option<jiff_diesel::Date>,
    clearance_m: Option<f64>,
    half_width_left_m: Option<f64>,
    half_width_right_m: Option<f64>,
    visibility: String,
    source: Option<String>,
    recorded_crs: i32,
    recorded_geom: Shape,
    centreline: Option<Shape>,
    centreline_grid: Option<Shape>,
    geom: Shape,
    geom_grid: Shape,
    version: i32,
    revision: i64,
    recorded_at: jiff_diesel::Timestamp,
    voltage_kv: Option<f64>,
} }

records!(Corridor, corridors, CorridorRow, import_corridors, StagedCorridor);
followed!(Corridor, corridors);
versions!(Corridor, corridors, corridors_history, CorridorRow);

fn to_row(feature: &Registered<Corridor>) -> CorridorRow {
    let p = feature.body.props();
    let place = feature.body.place();
    let line = feature.body.centreline();
    CorridorRow {
        jurisdiction: feature.jurisdiction.clone(),
        id: feature.id,
        code: p.code.clone().unwrap_or_default(),
        name: p.name.clone(),
        kind: p.kind.as_str().into(),
        class: p.class.clone(),
        status: p.status.as_str().into(),
        project: p.project.clone(),
        organisation: p.organisation.clone(),
        in_force_from: p.in_force_from.map(ToDiesel::to_diesel),
        in_force_to: p.in_force_to.map(ToDiesel::to_diesel),
        hand_over_on: p.hand_over_on.map(ToDiesel::to_diesel),
        clearance_m: p.clearance_m,
        half_width_left_m: p.half_width_left_m,
        half_width_right_m: p.half_width_right_m,
        visibility: p.visibility.as_str().into(),
        source: p.source.clone(),
        recorded_crs: srid(place.recorded.crs),
        recorded_geom: Shape::new(place.recorded.shape.clone(), place.recorded.crs),
        centreline: line.map(|l| Shape::new(Geometry::MultiLineString(l.lonlat.0.clone()), Epsg::WGS84)),
        centreline_grid: line.map(|l| Shape::new(Geometry::MultiLineString(l.grid.0.clone()), place.grid_crs)),
        geom: Shape::new(place.lonlat.0.clone(), Epsg::WGS84),
        geom_grid: Shape::new(place.grid.0.clone(), place.grid_crs),
        version: feature.version,
        revision: feature.revision,
        recorded_at: feature.recorded_at.to_diesel(),
        voltage_kv: p.voltage_kv,
    }
}

fn to_feature(row: CorridorRow) -> Stored<Registered<Corridor>> {
    let width = |metres: Option<f64>| {
        metres
            .and_then(|m| Metres::new(m).ok())
            .ok_or_else(|| Failure::Ours(Error::Internal("a centreline without half-widths".into())))
    };
    let centreline = match (row.centreline, row.centreline_grid) {
        (Some(lonlat), Some(grid)) => Some(Centreline {
            lonlat: LonLat(lines(lonlat)?),
            grid: Grid(lines(grid)?),
            left: width(row.half_width_left_m)?,
            right: width(row.half_width_right_m)?,
        }),
        _ => None,
    };
    let props = CorridorProps {
        code: Some(row.code),
        name: row.name,
        kind: word(&row.kind)?,
        class: row.class,
        voltage_kv: row.voltage_kv,
        status: word(&row.status)?,
        project: row.project,
        organisation: row.organisation,
        in_force_from: row.in_force_from.map(jiff_diesel::Date::to_jiff),
        in_force_to: row.in_force_to.map(jiff_diesel::Date::to_jiff),
        hand_over_on: row.hand_over_on.map(jiff_diesel::Date::to_jiff),
        clearance_m: row.clearance_m,
        half_width_left_m: row.half_width_left_m,
        half_width_right_m: row.half_width_right_m,
        visibility: word(&row.visibility)?,
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
        body: Corridor::stored(props, place, centreline),
    })
}

copied! { Corridor, corridors, corridors_history:
    id, code, organisation, visibility, kind, class, voltage_kv, status,
    in_force_from, in_force_to, clearance_m, geom_grid, centreline_grid,
}

type IndexValues = (
    Uuid,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<f64>,
    String,
    Option<jiff_diesel::Date>,
    Option<jiff_diesel::Date>,
    Option<f64>,
    Shape,
    Option<Shape>,
);

fn index_row(row: IndexValues) -> Stored<IndexRow> {
    let (id, code, organisation, visibility, kind, class, voltage_kv, status, from, to, clearance_m, shape, line) = row;
    let kind = word(&kind)?;
    let land = Some(LandKind::new(kind, class.as_deref(), voltage_kv));
    let noun = CorridorFacts {
        kind,
        status: word(&status)?,
        in_force_from: from.map(jiff_diesel::Date::to_jiff),
        in_force_to: to.map(jiff_diesel::Date::to_jiff),
        clearance_m,
    };
    let facts = Facts {
        id,
        code: code.into(),
        organisation: organisation.into(),
        visibility: word(&visibility)?,
        noun: noun.into(),
        attributes: None,
    };
    let centreline = line.map(lines).transpose()?.map(Grid);
    Ok(IndexRow { facts, grid: Grid(shape.geometry), centreline, land })
}

fn index_tuple(row: &mut Tuple<'_>) -> Stored<IndexRow> {
    let (id, code, organisation, visibility) = (row.uuid()?, row.text()?.into(), row.owner()?, row.word()?);
    let (kind, class, voltage_kv) = (row.word()?, row.optional_text()?, row.optional_number()?);
    let land = Some(LandKind::new(kind, class, voltage_kv));
    let noun = CorridorFacts {
        kind,
        status: row.word()?,
        in_force_from: row.optional_date()?,
        in_force_to: row.optional_date()?,
        clearance_m: row.optional_number()?,
    };
    let facts = Facts { id, code, organisation, visibility, noun: noun.into(), attributes: None };
    let grid = Grid(row.shape()?);
    let centreline = row.optional_shape()?.map(|shape| lines(Shape::new(shape, Epsg(0)))).transpose()?.map(Grid);
    Ok(IndexRow { facts, grid, centreline, land })
}
