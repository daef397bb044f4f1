//! Zones in rows.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Date as DateSql, Nullable, Text, Uuid as UuidSql};
use jiff::civil::Date;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::history::{EndedRow, every_version, version_at};
use super::records::{ListFilter, epsg, srid, word};
use super::schema::sql_types::Geometry as GeometrySql;
use super::schema::zones;
use super::shape::Shape;
use super::{Stored, WriteTx};
use crate::domain::place::{Delivered, Placed};
use crate::domain::plan::Plan;
use crate::domain::version::Ended;
use crate::domain::word::Word;
use crate::domain::work::ColumnClass;
use crate::domain::zone::{Zone, ZoneProps};
use crate::error::Error;
use crate::geometry::{Epsg, Grid, LonLat};

#[derive(Queryable, QueryableByName, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = zones, treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
struct Row {
    jurisdiction: String,
    id: Uuid,
    plan: Uuid,
    zone: Uuid,
    code: String,
    name: Option<String>,
    column_classes: Vec<String>,
    height_max_m: Option<f64>,
    spacing_m: Option<f64>,
    sharing_required: bool,
    quota: Option<i32>,
    recorded_crs: i32,
    recorded_geom: Shape,
    geom: Shape,
    geom_grid: Shape,
    version: i32,
    revision: i64,
    recorded_at: jiff_diesel::Timestamp,
}

fn to_row(zone: &Zone) -> Row {
    let (p, place) = (&zone.props, &zone.place);
    Row {
        jurisdiction: zone.jurisdiction.clone(),
        id: zone.id,
        plan: zone.plan,
        zone: zone.zone,
        code: zone.code().to_owned(),
        name: p.name.clone(),
        column_classes: p.column_classes.iter().map(|class| class.as_str().to_owned()).collect(),
        height_max_m: p.height_max_m,
        spacing_m: p.spacing_m,
        sharing_required: p.sharing_required,
        quota: p.quota.and_then(|n| i32::try_from(n).ok()),
        recorded_crs: srid(place.recorded.crs),
        recorded_geom: Shape::new(place.recorded.shape.clone(), place.recorded.crs),
        geom: Shape::new(place.lonlat.0.clone(), Epsg::WGS84),
        geom_grid: Shape::new(place.grid.0.clone(), place.grid_crs),
        version: zone.version,
        revision: zone.revision,
        recorded_at: zone.recorded_at.to_diesel(),
    }
}

fn to_zone(row: Row) -> Stored<Zone> {
    let props = ZoneProps {
        code: Some(row.code),
        name: row.name,
        column_classes: row.column_classes.iter().map(|class| word(class)).collect::<Stored<Vec<ColumnClass>>>()?,
        height_max_m: row.height_max_m,
        spacing_m: row.spacing_m,
        sharing_required: row.sharing_required,
        quota: row.quota.and_then(|n| u32::try_from(n).ok()),
    };
    let place = Placed {
        recorded: Delivered { shape: row.recorded_geom.geometry, crs: epsg(row.recorded_crs)? },
        lonlat: LonLat(row.geom.geometry),
        grid_crs: row.geom_grid.srid,
        grid: Grid(row.geom_grid.geometry),
    };
    Ok(Zone {
        jurisdiction: row.jurisdiction,
        id: row.id,
        plan: row.plan,
        zone: row.zone,
        props,
        place,
        version: row.version,
        revision: row.revision,
        recorded_at: row.recorded_at.to_jiff(),
    })
}

/// Zones in one statement: PostgreSQL binds at most 65 535 values, and each zone has 18.
const BATCH: usize = 1_000;

/// Stores new zones, in the revision that was raised.
///
/// # Errors
/// [`Error::Taken`], and the database's.
pub fn insert(tx: &mut WriteTx<'_>, new: &mut [Zone]) -> Stored<()> {
    let Some(place) = new.first().map(|zone| zone.jurisdiction.clone()) else { return Ok(()) };
    let (revision, recorded_at) = tx.raise(&place)?;
    tx.ask_versions(&place)?;
    for zone in &mut *new {
        (zone.version, zone.revision, zone.recorded_at) = (1, revision, recorded_at);
    }
    for some in new.chunks(BATCH) {
        let rows: Vec<Row> = some.iter().map(to_row).collect();
        diesel::insert_into(zones::table).values(rows).execute(tx.conn)?;
    }
    Ok(())
}

/// Stores `next` in the place of the version `of` of a zone, if that is still the present one.
///
/// # Errors
/// [`Error::Changed`], [`Error::Taken`], and the database's.
pub fn update(tx: &mut WriteTx<'_>, of: i32, next: &mut Zone) -> Stored<()> {
    (next.revision, next.recorded_at) = tx.raise(&next.jurisdiction)?;
    tx.ask_versions(&next.jurisdiction)?;
    next.version = of + 1;
    let target = zones::table.find((&next.jurisdiction, next.id)).filter(zones::version.eq(of));
    if diesel::update(target).set(to_row(next)).execute(tx.conn)? == 0 {
        return Err(Error::Changed("the zone was changed meanwhile".into()).into());
    }
    Ok(())
}

/// Takes a zone out of its plan, if this is still its present version.
///
/// # Errors
/// [`Error::Changed`], and the database's.
pub fn delete(tx: &mut WriteTx<'_>, zone: &Zone) -> Stored<()> {
    tx.raise(&zone.jurisdiction)?;
    tx.ask_versions(&zone.jurisdiction)?;
    let target = zones::table.find((&zone.jurisdiction, zone.id)).filter(zones::version.eq(zone.version));
    if diesel::delete(target).execute(tx.conn)? == 0 {
        return Err(Error::Changed("the zone was changed meanwhile".into()).into());
    }
    Ok(())
}

/// A zone that the transaction sees.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut PgConnection, id: Uuid) -> Stored<Option<Zone>> {
    let row = zones::table.filter(zones::id.eq(id)).select(Row::as_select()).first(conn).optional()?;
    row.map(to_zone).transpose()
}

/// The newest version of a zone that the transaction sees, or of one that was withdrawn the last.
///
/// # Errors
/// The database's.
pub fn newest(conn: &mut PgConnection, id: Uuid) -> Stored<Option<Zone>> {
    let every = every_version("zones", "id = $1");
    let row: Option<Row> = sql_query(format!("{every} ORDER BY version DESC LIMIT 1"))
        .bind::<UuidSql, _>(id)
        .get_result(conn)
        .optional()?;
    row.map(to_zone).transpose()
}

/// A zone as it was recorded at a revision, and how that ended.
///
/// # Errors
/// The database's.
pub fn at(conn: &mut PgConnection, of: &Zone, revision: i64) -> Stored<Option<(Zone, Option<Ended>)>> {
    let row: Option<(Row, EndedRow)> = sql_query(version_at("zones"))
        .bind::<Text, _>(&of.jurisdiction)
        .bind::<UuidSql, _>(of.id)
        .bind::<BigInt, _>(revision)
        .get_result(conn)
        .optional()?;
    row.map(|(row, ended)| Ok((to_zone(row)?, ended.ended()))).transpose()
}

/// The zones of a plan, by id.
///
/// # Errors
/// The database's.
pub fn of_plan(conn: &mut PgConnection, plan: &Plan) -> Stored<Vec<Zone>> {
    let rows = zones::table
        .filter(zones::jurisdiction.eq(&plan.jurisdiction).and(zones::plan.eq(plan.id)))
        .order(zones::id.asc())
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(to_zone).collect()
}

/// The same, inside a write.
///
/// # Errors
/// The database's.
pub fn of_plan_in(tx: &mut WriteTx<'_>, plan: &Plan) -> Stored<Vec<Zone>> {
    of_plan(tx.conn, plan)
}

/// How many zones a plan has.
///
/// # Errors
/// The database's.
pub fn count(conn: &mut PgConnection, plan: &Plan) -> Stored<i64> {
    let of = zones::table.filter(zones::jurisdiction.eq(&plan.jurisdiction).and(zones::plan.eq(plan.id)));
    Ok(of.count().get_result(conn)?)
}

/// What guards ask of the zones of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZoneFacts {
    /// How many there are.
    pub count: usize,
    /// Codes of those that are not valid or reach out of the jurisdiction.
    pub outside: Vec<String>,
    /// What they lack: code and property.
    pub lacks: Vec<String>,
}

/// What guards ask of the zones of a plan; where they lie only if `places` is set, for it takes longest.
///
/// # Errors
/// The database's.
pub fn facts(tx: &mut WriteTx<'_>, plan: &Plan, places: bool) -> Stored<ZoneFacts> {
    #[derive(QueryableByName)]
    struct FactRow {
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = Bool)]
        no_classes: bool,
        #[diesel(sql_type = Bool)]
        no_height: bool,
        #[diesel(sql_type = Bool)]
        outside: bool,
    }
    let rows: Vec<FactRow> = sql_query(
        "SELECT z.code, cardinality(z.column_classes) = 0 AS no_classes, z.height_max_m IS NULL AS no_height, o.id IS NOT NULL AS outside
         FROM zones AS z LEFT JOIN (SELECT id FROM zones_outside($1, $2) AS id WHERE $3) AS o ON o.id = z.id
         WHERE z.jurisdiction = $1 AND z.plan = $2 ORDER BY z.code",
    )
    .bind::<Text, _>(&plan.jurisdiction)
    .bind::<UuidSql, _>(plan.id)
    .bind::<Bool, _>(places)
    .load(tx.conn)?;
    let mut facts = ZoneFacts { count: rows.len(), ..ZoneFacts::default() };
    for row in rows {
        if row.no_classes {
            facts.lacks.push(format!("{} column_classes", row.code));
        }
        if row.no_height {
            facts.lacks.push(format!("{} height_max_m", row.code));
        }
        if row.outside {
            facts.outside.push(row.code);
        }
    }
    Ok(facts)
}

/// Days of one jurisdiction, on one of which a zone has to be in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// The jurisdiction.
    pub jurisdiction: String,
    /// The first of them; none: any before.
    pub from: Option<Date>,
    /// The last of them; none: any after.
    pub to: Option<Date>,
}

/// Which zones are listed.
#[derive(Debug, Clone)]
pub struct ZoneListing {
    /// Where, and which boxes, after which one, how many.
    pub filter: ListFilter,
    /// Only of this version of a plan.
    pub plan: Option<Uuid>,
    /// Only those in force on one of these days, by jurisdiction; none: whatever their plans have come to.
    pub days: Option<Vec<Days>>,
}

/// Zones that the transaction sees, by id.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, listing: &ZoneListing) -> Stored<Vec<Zone>> {
    let places: Vec<&String> = listing.filter.sights.iter().flat_map(|(codes, _)| codes).collect();
    let days = listing.days.as_deref().unwrap_or_default();
    let diesel_day = |day: Option<Date>| day.map(ToDiesel::to_diesel);
    let rows: Vec<Row> = sql_query(
        "SELECT z.* FROM zones AS z JOIN plans AS p ON p.jurisdiction = z.jurisdiction AND p.id = z.plan
         WHERE z.jurisdiction = ANY ($1) AND ($2 IS NULL OR z.id > $2) AND ($3 IS NULL OR z.plan = $3)
             AND (cardinality($4) = 0 OR z.id IN (SELECT id FROM zones_meeting($1, $4) AS id))
             AND (NOT $5 OR p.published_on IS NOT NULL AND EXISTS (
                 SELECT FROM unnest($6, $7, $8) AS d (place, first, last)
                 WHERE d.place = z.jurisdiction AND (d.last IS NULL OR p.effective_from <= d.last)
                     AND (p.ended_on IS NULL OR p.ended_on > p.effective_from)
                     AND (d.first IS NULL OR (p.effective_to IS NULL OR p.effective_to >= d.first)
                         AND (p.ended_on IS NULL OR p.ended_on > d.first))
             ))
         ORDER BY z.id LIMIT $9",
    )
    .bind::<Array<Text>, _>(places)
    .bind::<Nullable<UuidSql>, _>(listing.filter.after)
    .bind::<Nullable<UuidSql>, _>(listing.plan)
    .bind::<Array<GeometrySql>, _>(listing.filter.areas())
    .bind::<Bool, _>(listing.days.is_some())
    .bind::<Array<Text>, _>(days.iter().map(|d| d.jurisdiction.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<DateSql>>, _>(days.iter().map(|d| diesel_day(d.from)).collect::<Vec<_>>())
    .bind::<Array<Nullable<DateSql>>, _>(days.iter().map(|d| diesel_day(d.to)).collect::<Vec<_>>())
    .bind::<BigInt, _>(listing.filter.limit)
    .load(conn)?;
    rows.into_iter().map(to_zone).collect()
}
