//! Reference features in rows.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use jiff::civil::Date;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::copied::{self, Decoder, Tuple, copied};
use super::followed::{Followed, followed};
use super::import::{Incoming, Merged};
use super::prepared::{PLANNED_BY_VALUES, prepared};
use super::records::{self, IndexRow, ListFilter, Records, epsg, records, rows, srid, word};
use super::schema::{import_reference_features, reference_features, reference_features_history};
use super::shape::Shape;
use super::version::{Versions, versions};
use super::{Stored, WriteTx, audit, import};
use crate::domain::audit::ChangeKind;
use crate::domain::conflict::Facts;
use crate::domain::feature::{Noun, Registered};
use crate::domain::place::{Delivered, Placed};
use crate::domain::reference::{
    Attributes, Decision, Reference, ReferenceFacts, ReferenceKind, ReferenceLayer, ReferenceProps,
};
use crate::domain::version::{Ended, Version};
use crate::domain::word::Word;
use crate::domain::work::ColumnClass;
use crate::error::Error;
use crate::geometry::{Epsg, Grid, LonLat};

rows! { reference_features, ReferenceRow; reference_features_history; import_reference_features, StagedReference {
    jurisdiction: String,
    id: Uuid,
    code: String,
    dataset: String,
    kind: String,
    name: Option<String>,
    organisation: String,
    visibility: String,
    valid_from: Option<jiff_diesel::Date>,
    valid_to: Option<jiff_diesel::Date>,
    source: Option<String>,
    source_date: Option<jiff_diesel::Date>,
    licence: Option<String>,
    class: Option<String>,
    voltage_kv: Option<f64>,
    half_width_m: Option<f64>,
    height_agl_m: Option<f64>,
    elevation_from_m: Option<f64>,
    elevation_to_m: Option<f64>,
    column_classes: Vec<String>,
    height_max_m: Option<f64>,
    quota: Option<i32>,
    spacing_m: Option<f64>,
    sharing_required: bool,
    occupied: Option<bool>,
    eirp_w: Option<f64>,
    frequency_mhz: Option<f64>,
    azimuth_deg: Option<f64>,
    recorded_crs: i32,
    recorded_geom: Shape,
    geom: Shape,
    geom_grid: Shape,
    version: i32,
    revision: i64,
    recorded_at: jiff_diesel::Timestamp,
} }

records!(Reference, reference_features, ReferenceRow, import_reference_features, StagedReference);
followed!(Reference, reference_features);
versions!(Reference, reference_features, reference_features_history, ReferenceRow);

fn to_row(feature: &Registered<Reference>) -> ReferenceRow {
    let p = feature.body.props();
    let a = &p.attributes;
    let place = feature.body.place();
    let text = |t: &Option<Arc<str>>| t.as_ref().map(ToString::to_string);
    ReferenceRow {
        jurisdiction: feature.jurisdiction.clone(),
        id: feature.id,
        code: p.code.clone().unwrap_or_default(),
        dataset: p.dataset.clone(),
        kind: p.kind.as_str().into(),
        name: text(&a.name),
        organisation: p.organisation.clone(),
        visibility: p.visibility.as_str().into(),
        valid_from: p.valid_from.map(ToDiesel::to_diesel),
        valid_to: p.valid_to.map(ToDiesel::to_diesel),
        source: p.source.clone(),
        source_date: p.source_date.map(ToDiesel::to_diesel),
        licence: p.licence.clone(),
        class: text(&a.class),
        voltage_kv: a.voltage_kv,
        half_width_m: a.half_width_m,
        height_agl_m: a.height_agl_m,
        elevation_from_m: a.elevation_from_m,
        elevation_to_m: a.elevation_to_m,
        column_classes: a.column_classes.iter().map(|class| class.as_str().to_owned()).collect(),
        height_max_m: a.height_max_m,
        quota: a.quota.and_then(|n| i32::try_from(n).ok()),
        spacing_m: a.spacing_m,
        sharing_required: a.sharing_required,
        occupied: a.occupied,
        eirp_w: a.eirp_w,
        frequency_mhz: a.frequency_mhz,
        azimuth_deg: a.azimuth_deg,
        recorded_crs: srid(place.recorded.crs),
        recorded_geom: Shape::new(place.recorded.shape.clone(), place.recorded.crs),
        geom: Shape::new(place.lonlat.0.clone(), Epsg::WGS84),
        geom_grid: Shape::new(place.grid.0.clone(), place.grid_crs),
        version: feature.version,
        revision: feature.revision,
        recorded_at: feature.recorded_at.to_diesel(),
    }
}

fn to_feature(row: ReferenceRow) -> Stored<Registered<Reference>> {
    let column_classes = row.column_classes.iter().map(|class| word(class)).collect::<Stored<Vec<ColumnClass>>>()?;
    let attributes = Attributes {
        name: row.name.map(Arc::from),
        class: row.class.map(Arc::from),
        voltage_kv: row.voltage_kv,
        half_width_m: row.half_width_m,
        height_agl_m: row.height_agl_m,
        elevation_from_m: row.elevation_from_m,
        elevation_to_m: row.elevation_to_m,
        column_classes,
        height_max_m: row.height_max_m,
        quota: row.quota.and_then(|n| u32::try_from(n).ok()),
        spacing_m: row.spacing_m,
        sharing_required: row.sharing_required,
        occupied: row.occupied,
        eirp_w: row.eirp_w,
        frequency_mhz: row.frequency_mhz,
        azimuth_deg: row.azimuth_deg,
        decision: None,
    };
    let props = ReferenceProps {
        code: Some(row.code),
        dataset: row.dataset,
        kind: word(&row.kind)?,
        organisation: row.organisation,
        visibility: word(&row.visibility)?,
        valid_from: row.valid_from.map(jiff_diesel::Date::to_jiff),
        valid_to: row.valid_to.map(jiff_diesel::Date::to_jiff),
        source: row.source,
        source_date: row.source_date.map(jiff_diesel::Date::to_jiff),
        licence: row.licence,
        attributes: Arc::new(attributes),
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
        body: Reference::stored(props, place),
    })
}

copied! { Reference, reference_features, reference_features_history:
    id, code, organisation, visibility, kind, valid_from, valid_to, name, class, voltage_kv, half_width_m, height_agl_m,
    elevation_from_m, elevation_to_m, column_classes, height_max_m, quota, spacing_m, sharing_required, occupied, eirp_w,
    frequency_mhz, azimuth_deg, dataset, source, source_date, geom_grid;
    Nullable<Text>:
        "CASE WHEN reference_features.kind = 'zone' THEN zone_signer(reference_features.jurisdiction, reference_features.id) END",
        "CASE WHEN reference_features_history.kind = 'zone'
            THEN zone_signer(reference_features_history.jurisdiction, reference_features_history.id) END"
}

/// The decision that a zone names.
fn decision(
    kind: ReferenceKind,
    code: &str,
    dataset: &str,
    (source, source_date): (Option<&str>, Option<Date>),
    signer: Option<&str>,
) -> Option<Arc<Decision>> {
    let decision = || Decision::of_zone(code, dataset, source, source_date, signer);
    (kind == ReferenceKind::Zone).then(decision).flatten().map(Arc::new)
}

type IndexValues = (
    Uuid,
    String,
    String,
    String,
    String,
    Option<jiff_diesel::Date>,
    Option<jiff_diesel::Date>,
    Option<String>,
    Option<String>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Vec<String>,
    Option<f64>,
    Option<i32>,
    Option<f64>,
    bool,
    Option<bool>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    String,
    Option<String>,
    Option<jiff_diesel::Date>,
    Shape,
    Option<String>,
);

fn index_row(row: IndexValues) -> Stored<IndexRow> {
    let (
        id,
        code,
        organisation,
        visibility,
        kind,
        from,
        to,
        name,
        class,
        voltage_kv,
        half_width_m,
        height_agl_m,
        from_m,
        to_m,
        classes,
        height_max_m,
        quota,
        spacing_m,
        sharing_required,
        occupied,
        eirp_w,
        frequency_mhz,
        azimuth_deg,
        dataset,
        source,
        source_date,
        shape,
        signer,
    ) = row;
    let decided = (source.as_deref(), source_date.map(jiff_diesel::Date::to_jiff));
    let noun = ReferenceFacts {
        kind: word(&kind)?,
        valid_from: from.map(jiff_diesel::Date::to_jiff),
        valid_to: to.map(jiff_diesel::Date::to_jiff),
    };
    let attributes = Attributes {
        name: name.map(Arc::from),
        class: class.map(Arc::from),
        voltage_kv,
        half_width_m,
        height_agl_m,
        elevation_from_m: from_m,
        elevation_to_m: to_m,
        column_classes: classes.iter().map(|class| word(class)).collect::<Stored<Vec<ColumnClass>>>()?,
        height_max_m,
        quota: quota.and_then(|n| u32::try_from(n).ok()),
        spacing_m,
        sharing_required,
        occupied,
        eirp_w,
        frequency_mhz,
        azimuth_deg,
        decision: decision(noun.kind, &code, &dataset, decided, signer.as_deref()),
    };
    let facts = Facts {
        id,
        code: code.into(),
        organisation: organisation.into(),
        visibility: word(&visibility)?,
        noun: noun.into(),
        attributes: Some(Arc::new(attributes)),
    };
    Ok(IndexRow { facts, grid: Grid(shape.geometry), centreline: None, land: None })
}

fn index_tuple(row: &mut Tuple<'_>) -> Stored<IndexRow> {
    let (id, code, organisation, visibility) = (row.uuid()?, row.text()?, row.owner()?, row.word()?);
    let noun = ReferenceFacts { kind: row.word()?, valid_from: row.optional_date()?, valid_to: row.optional_date()? };
    let mut attributes = Attributes {
        name: row.optional_text()?.map(Arc::from),
        class: row.optional_text()?.map(Arc::from),
        voltage_kv: row.optional_number()?,
        half_width_m: row.optional_number()?,
        height_agl_m: row.optional_number()?,
        elevation_from_m: row.optional_number()?,
        elevation_to_m: row.optional_number()?,
        column_classes: row.words()?,
        height_max_m: row.optional_number()?,
        quota: row.optional_integer()?.and_then(|n| u32::try_from(n).ok()),
        spacing_m: row.optional_number()?,
        sharing_required: row.optional_truth()?.unwrap_or(false),
        occupied: row.optional_truth()?,
        eirp_w: row.optional_number()?,
        frequency_mhz: row.optional_number()?,
        azimuth_deg: row.optional_number()?,
        decision: None,
    };
    let (dataset, decided) = (row.text()?, (row.optional_text()?, row.optional_date()?));
    let grid = Grid(row.shape()?);
    attributes.decision = decision(noun.kind, code, dataset, decided, row.optional_text()?);
    let code = code.into();
    let attributes = Some(Arc::new(attributes));
    let facts = Facts { id, code, organisation, visibility, noun: noun.into(), attributes };
    Ok(IndexRow { facts, grid, centreline: None, land: None })
}

/// The reference features of a kind that come from a source, the oldest first.
///
/// # Errors
/// The database's.
pub fn of_source(tx: &mut WriteTx<'_>, jurisdiction: &str, kind: ReferenceKind, source: &str) -> Stored<Vec<Uuid>> {
    let of = reference_features::table.select(reference_features::id).order(reference_features::id);
    let of = of.filter(reference_features::jurisdiction.eq(jurisdiction));
    let of = of.filter(reference_features::kind.eq(kind.as_str())).filter(reference_features::source.eq(source));
    Ok(of.load(tx.conn)?)
}

/// The reference layers that the transaction sees something of, of a jurisdiction or of all, by name.
///
/// # Errors
/// The database's.
pub fn layers(conn: &mut PgConnection, jurisdiction: Option<&str>) -> Stored<Vec<ReferenceLayer>> {
    #[derive(QueryableByName)]
    #[diesel(check_for_backend(Pg))]
    struct Row {
        #[diesel(sql_type = Text)]
        jurisdiction: String,
        #[diesel(sql_type = Text)]
        dataset: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = BigInt)]
        features: i64,
        #[diesel(sql_type = Array<Text>)]
        sources: Vec<String>,
        #[diesel(sql_type = Array<Text>)]
        licences: Vec<String>,
        #[diesel(sql_type = Array<Text>)]
        visibilities: Vec<String>,
        #[diesel(sql_type = Nullable<diesel::sql_types::Date>)]
        oldest: Option<jiff_diesel::Date>,
        #[diesel(sql_type = Nullable<diesel::sql_types::Date>)]
        newest: Option<jiff_diesel::Date>,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT jurisdiction, dataset, kind, count(*) AS features,
            coalesce(array_agg(DISTINCT source) FILTER (WHERE source IS NOT NULL), '{}') AS sources,
            coalesce(array_agg(DISTINCT licence) FILTER (WHERE licence IS NOT NULL), '{}') AS licences,
            array_agg(DISTINCT visibility) AS visibilities,
            CASE WHEN bool_and(source_date IS NOT NULL) THEN min(source_date) END AS oldest,
            max(source_date) AS newest
         FROM reference_features WHERE $1 IS NULL OR jurisdiction = $1
         GROUP BY jurisdiction, dataset, kind ORDER BY jurisdiction, dataset, kind",
    )
    .bind::<Nullable<Text>, _>(jurisdiction)
    .load(conn)?;
    let layer = |row: Row| {
        Ok(ReferenceLayer {
            jurisdiction: row.jurisdiction,
            dataset: row.dataset,
            kind: word(&row.kind)?,
            features: row.features,
            sources: row.sources,
            licences: row.licences,
            visibilities: row.visibilities.iter().map(|v| word(v)).collect::<Stored<_>>()?,
            oldest: row.oldest.map(jiff_diesel::Date::to_jiff),
            newest: row.newest.map(jiff_diesel::Date::to_jiff),
        })
    };
    rows.into_iter().map(layer).collect()
}
