//! Site requests and their events in rows. Events are appended, and read; nothing here changes or deletes one.

mod events;
mod inbox;
mod json;
mod silent;
mod timed;
mod versions;

use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{
    Array, BigInt, Binary, Date as DateSql, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as UuidSql,
};
use jiff::civil::Date;
use jiff_diesel::ToDiesel;
use serde_json::Value as Json;
use uuid::Uuid;

pub use self::events::{append, events, events_in, events_of, uncounted};
pub use self::inbox::{Consulted, Count, Tray, counts, waiting};
use self::json::{documents, documents_json};
pub use self::silent::{agreed_on, last_projected, without_transmitters};
pub use self::timed::{is_counted, lock_timed, over, overdue, says, timed, to_count};
pub use self::versions::{at, newest, numbers};
use super::prepared::prepared;
use super::records::{ListFilter, epsg, srid, word};
use super::schema::sql_types::Geometry as GeometrySql;
use super::shape::Shape;
use super::site_check::{subject, subject_json};
use super::{Stored, WriteTx, audit};
use crate::domain::audit::Digest;
use crate::domain::corridor::CLEARANCE_MAX_M;
use crate::domain::place::{Delivered, Placed};
use crate::domain::site_request::words::{Declaration, State, Waits};
use crate::domain::site_request::{Filed, SiteRequest, SiteRequestProps};
use crate::domain::word::Word;
use crate::domain::work::ACCURACY_MAX_M;
use crate::geometry::{Epsg, Geometry, Grid, LonLat, Metres};

/// Copies of what a case has come to, to search by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Copies {
    /// Who has to act next.
    pub waits_for: Option<Waits>,
    /// The last day on which one of those who were asked may answer; none: there is always one who may, or nobody was.
    pub asked_until: Option<Date>,
    /// SHA-256 of the secret on the receipt.
    pub secret: Option<Digest>,
    /// The last day of the permit.
    pub ends_on: Option<Date>,
    /// The first day on which the service itself has something to do.
    pub wakes_on: Option<Date>,
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = UuidSql)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Text)]
    organisation: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Jsonb)]
    subject: Json,
    #[diesel(sql_type = Jsonb)]
    documents: Json,
    #[diesel(sql_type = Array<Text>)]
    declarations: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    consulted: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    asked: Vec<String>,
    #[diesel(sql_type = Array<Nullable<DateSql>>)]
    answer_by: Vec<Option<jiff_diesel::Date>>,
    #[diesel(sql_type = Nullable<Text>)]
    receipt: Option<String>,
    #[diesel(sql_type = Nullable<DateSql>)]
    due_on: Option<jiff_diesel::Date>,
    #[diesel(sql_type = Nullable<UuidSql>)]
    projected: Option<Uuid>,
    #[diesel(sql_type = Nullable<UuidSql>)]
    work: Option<Uuid>,
    #[diesel(sql_type = Integer)]
    recorded_crs: i32,
    #[diesel(sql_type = GeometrySql)]
    recorded_geom: Shape,
    #[diesel(sql_type = GeometrySql)]
    geom: Shape,
    #[diesel(sql_type = GeometrySql)]
    geom_grid: Shape,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
}

pub(super) fn filed(row: Row) -> Stored<Filed> {
    let declarations = row.declarations.iter().map(|d| word::<Declaration>(d)).collect::<Stored<_>>()?;
    let props = SiteRequestProps {
        code: Some(row.code),
        name: row.name,
        organisation: row.organisation,
        subject: subject(&row.subject)?,
        documents: documents(&row.documents)?,
        declarations,
    };
    let last_days = row.answer_by.into_iter().map(|day| day.map(jiff_diesel::Date::to_jiff));
    let last_days = last_days.chain(std::iter::repeat(None));
    let place = Placed {
        recorded: Delivered { shape: row.recorded_geom.geometry, crs: epsg(row.recorded_crs)? },
        lonlat: LonLat(row.geom.geometry),
        grid_crs: row.geom_grid.srid,
        grid: Grid(row.geom_grid.geometry),
    };
    Ok(Filed {
        jurisdiction: row.jurisdiction,
        id: row.id,
        version: row.version,
        revision: row.revision,
        recorded_at: row.recorded_at.to_jiff(),
        state: word(&row.state)?,
        receipt: row.receipt,
        due_on: row.due_on.map(jiff_diesel::Date::to_jiff),
        consulted: row.consulted,
        asked: row.asked.into_iter().zip(last_days).collect(),
        projected: row.projected,
        work: row.work,
        body: SiteRequest { props, place },
    })
}

/// One request that the transaction sees.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut PgConnection, id: Uuid) -> Stored<Option<Filed>> {
    let statement = sql_query("SELECT * FROM site_requests WHERE id = $1").bind::<UuidSql, _>(id);
    prepared(statement).get_result(conn).optional()?.map(filed).transpose()
}

/// Several requests that the transaction sees, by id.
///
/// # Errors
/// The database's.
pub fn of_ids(conn: &mut PgConnection, ids: &[Uuid]) -> Stored<Vec<Filed>> {
    let rows: Vec<Row> = sql_query("SELECT * FROM site_requests WHERE id = ANY ($1) ORDER BY id")
        .bind::<Array<UuidSql>, _>(ids)
        .load(conn)?;
    rows.into_iter().map(filed).collect()
}

/// One request, locked until the transaction ends.
///
/// # Errors
/// The database's.
pub fn lock(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid) -> Stored<Option<Filed>> {
    let statement = sql_query("SELECT * FROM site_requests WHERE jurisdiction = $1 AND id = $2 FOR UPDATE")
        .bind::<Text, _>(jurisdiction)
        .bind::<UuidSql, _>(id);
    prepared(statement).get_result(tx.conn).optional()?.map(filed).transpose()
}

/// Requests that the transaction sees, by ascending id.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, filter: &ListFilter) -> Stored<Vec<Filed>> {
    #[derive(QueryableByName)]
    struct IdRow {
        #[diesel(sql_type = UuidSql)]
        id: Uuid,
    }
    let places: Vec<&String> = filter.sights.iter().flat_map(|(codes, _)| codes).collect();
    if filter.boxes.is_empty() {
        let rows: Vec<Row> = sql_query(
            "SELECT * FROM site_requests WHERE jurisdiction = ANY ($1) AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3",
        )
        .bind::<Array<Text>, _>(places)
        .bind::<Nullable<UuidSql>, _>(filter.after)
        .bind::<BigInt, _>(filter.limit)
        .load(conn)?;
        return rows.into_iter().map(filed).collect();
    }
    let met: Vec<IdRow> = sql_query("SELECT id FROM site_requests_meeting($1, $2, $3, $4) AS id")
        .bind::<Array<Text>, _>(places)
        .bind::<Array<GeometrySql>, _>(filter.areas())
        .bind::<Nullable<UuidSql>, _>(filter.after)
        .bind::<BigInt, _>(filter.limit)
        .load(conn)?;
    of_ids(conn, &met.into_iter().map(|row| row.id).collect::<Vec<_>>())
}

#[derive(QueryableByName)]
struct DigestRow {
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

#[derive(QueryableByName)]
struct EndedRow {
    #[diesel(sql_type = Binary)]
    ended: Vec<u8>,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

/// Files a new request as version 1.
///
/// # Errors
/// [`Error::CodeTaken`](crate::error::Error::CodeTaken), and the database's.
pub fn insert(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid, body: SiteRequest) -> Stored<Filed> {
    let (revision, recorded_at) = tx.raise(jurisdiction)?;
    let new = Filed {
        jurisdiction: jurisdiction.to_owned(),
        id,
        version: 1,
        revision,
        recorded_at,
        state: State::Draft,
        receipt: None,
        due_on: None,
        consulted: Vec::new(),
        asked: Vec::new(),
        projected: None,
        work: None,
        body,
    };
    let copies = Copies { waits_for: State::Draft.waits_for(), ..Copies::default() };
    let row: DigestRow = written(
        "INSERT INTO site_requests (jurisdiction, id, code, name, organisation, state, waits_for, asked, subject, documents,
             declarations, receipt, secret, asked_until, due_on, ends_on, projected, work, recorded_crs, recorded_geom, geom,
             geom_grid, version, revision, recorded_at, consulted, answer_by, wakes_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
             $26, $27, $28)
         RETURNING version_digest(site_requests) AS digest",
        tx,
        &new,
        &copies,
    )?;
    tx.versions_apart(jurisdiction, id, None, Some(audit::digest(&row.digest)?))?;
    Ok(new)
}

/// Writes the next version of a request that is locked.
///
/// # Errors
/// [`Error::CodeTaken`](crate::error::Error::CodeTaken), and the database's.
pub fn update(tx: &mut WriteTx<'_>, next: Filed, copies: &Copies) -> Stored<Filed> {
    let (revision, recorded_at) = tx.raise(&next.jurisdiction)?;
    let before = next.version;
    let next = Filed { version: before + 1, revision, recorded_at, ..next };
    let row: EndedRow = written(
        "UPDATE site_requests SET code = $3, name = $4, organisation = $5, state = $6, waits_for = $7, asked = $8, subject = $9,
             documents = $10, declarations = $11, receipt = $12, secret = $13, asked_until = $14, due_on = $15, ends_on = $16,
             projected = $17, work = $18, recorded_crs = $19, recorded_geom = $20, geom = $21, geom_grid = $22, version = $23,
             revision = $24, recorded_at = $25, consulted = $26, answer_by = $27, wakes_on = $28
         FROM (SELECT version_digest(r) AS ended FROM site_requests AS r WHERE jurisdiction = $1 AND id = $2) AS before
         WHERE jurisdiction = $1 AND id = $2 RETURNING before.ended, version_digest(site_requests) AS digest",
        tx,
        &next,
        copies,
    )?;
    let (ended, began) = (audit::digest(&row.ended)?, audit::digest(&row.digest)?);
    tx.versions_apart(&next.jurisdiction, next.id, Some(ended), Some(began))?;
    Ok(next)
}

fn written<R>(statement: &str, tx: &mut WriteTx<'_>, of: &Filed, copies: &Copies) -> Stored<R>
where
    R: QueryableByName<Pg> + 'static,
{
    let props = &of.body.props;
    let place = &of.body.place;
    let declarations: Vec<&str> = props.declarations.iter().map(|d| d.as_str()).collect();
    let (asked, last_days): (Vec<&str>, Vec<Option<jiff_diesel::Date>>) =
        of.asked.iter().map(|(who, last)| (who.as_str(), last.map(ToDiesel::to_diesel))).unzip();
    let statement = sql_query(statement)
        .bind::<Text, _>(&of.jurisdiction)
        .bind::<UuidSql, _>(of.id)
        .bind::<Text, _>(props.code.as_deref().unwrap_or_default())
        .bind::<Nullable<Text>, _>(props.name.as_deref())
        .bind::<Text, _>(&props.organisation)
        .bind::<Text, _>(of.state.as_str())
        .bind::<Nullable<Text>, _>(copies.waits_for.map(Word::as_str))
        .bind::<Array<Text>, _>(asked)
        .bind::<Jsonb, _>(subject_json(&props.subject))
        .bind::<Jsonb, _>(documents_json(&props.documents))
        .bind::<Array<Text>, _>(declarations)
        .bind::<Nullable<Text>, _>(of.receipt.as_deref())
        .bind::<Nullable<Binary>, _>(copies.secret.as_ref().map(<[u8; 32]>::as_slice))
        .bind::<Nullable<DateSql>, _>(copies.asked_until.map(ToDiesel::to_diesel))
        .bind::<Nullable<DateSql>, _>(of.due_on.map(ToDiesel::to_diesel))
        .bind::<Nullable<DateSql>, _>(copies.ends_on.map(ToDiesel::to_diesel))
        .bind::<Nullable<UuidSql>, _>(of.projected)
        .bind::<Nullable<UuidSql>, _>(of.work)
        .bind::<Integer, _>(srid(place.recorded.crs))
        .bind::<GeometrySql, _>(Shape::new(place.recorded.shape.clone(), place.recorded.crs))
        .bind::<GeometrySql, _>(Shape::new(place.lonlat.0.clone(), Epsg::WGS84))
        .bind::<GeometrySql, _>(Shape::new(place.grid.0.clone(), place.grid_crs))
        .bind::<Integer, _>(of.version)
        .bind::<BigInt, _>(of.revision)
        .bind::<Timestamptz, _>(of.recorded_at.to_diesel())
        .bind::<Array<Text>, _>(&of.consulted)
        .bind::<Array<Nullable<DateSql>>, _>(last_days)
        .bind::<Nullable<DateSql>, _>(copies.wakes_on.map(ToDiesel::to_diesel));
    Ok(prepared(statement).get_result(tx.conn)?)
}

/// Deletes a draft that is locked.
///
/// # Errors
/// The database's.
pub fn delete(tx: &mut WriteTx<'_>, old: &Filed) -> Stored<()> {
    tx.raise(&old.jurisdiction)?;
    let statement = sql_query(
        "DELETE FROM site_requests WHERE jurisdiction = $1 AND id = $2 RETURNING version_digest(site_requests) AS digest",
    )
    .bind::<Text, _>(&old.jurisdiction)
    .bind::<UuidSql, _>(old.id);
    let ended: DigestRow = prepared(statement).get_result(tx.conn)?;
    tx.versions_apart(&old.jurisdiction, old.id, Some(audit::digest(&ended.digest)?), None)
}

/// A reference feature stands for a request.
///
/// # Errors
/// The database's.
pub fn is_projected(conn: &mut PgConnection, reference: Uuid) -> Stored<bool> {
    #[derive(QueryableByName)]
    struct IsRow {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        it_is: bool,
    }
    let statement = sql_query("SELECT EXISTS (SELECT FROM site_requests WHERE projected = $1) AS it_is")
        .bind::<UuidSql, _>(reference);
    Ok(statement.get_result::<IsRow>(conn)?.it_is)
}

/// The request of a receipt number, with the SHA-256 of the secret on it.
///
/// # Errors
/// The database's.
pub fn of_receipt(conn: &mut PgConnection, receipt: &str) -> Stored<Option<(Uuid, Digest)>> {
    #[derive(QueryableByName)]
    struct SecretRow {
        #[diesel(sql_type = UuidSql)]
        id: Uuid,
        #[diesel(sql_type = Binary)]
        secret: Vec<u8>,
    }
    let row: Option<SecretRow> = sql_query(
        "SELECT r.id, r.secret FROM jurisdictions AS j
         JOIN site_requests AS r ON r.jurisdiction = j.code AND r.receipt = $1 WHERE r.secret IS NOT NULL",
    )
    .bind::<Text, _>(receipt)
    .get_result(conn)
    .optional()?;
    row.map(|row| Ok((row.id, audit::digest(&row.secret)?))).transpose()
}

/// Why a place is not what it was taken for.
#[derive(Debug, Clone, PartialEq)]
pub struct InTheWay {
    /// The feature; none: something else than one.
    pub id: Option<Uuid>,
    /// `blocks`: a corridor that takes the place; else what changed.
    pub why: String,
}

/// A jurisdiction that was looked at: the place on its grid, and its revision then.
#[derive(Debug, Clone, PartialEq)]
pub struct LookedAt {
    /// The jurisdiction.
    pub jurisdiction: String,
    /// The place.
    pub spot: Geometry<f64>,
    /// On which grid.
    pub grid: Epsg,
    /// The revision.
    pub revision: i64,
    /// How inaccurate a position there is taken to be at most that states nothing.
    pub unsure: Metres,
}

/// The geometry once more, in the deciding transaction after its revision was raised: what blocks a place on a day, and what
/// changed after a revision of each jurisdiction within `reach` of it, or of reference features within `far`, or of columns and
/// permits anywhere in a zone that may hold it; columns as far away from either as their position is not known.
///
/// # Errors
/// The database's.
pub fn in_the_way(
    tx: &mut WriteTx<'_>,
    looked_at: &[LookedAt],
    (reach, far): (Metres, Metres),
    day: Date,
) -> Stored<Vec<InTheWay>> {
    #[derive(QueryableByName)]
    struct WayRow {
        #[diesel(sql_type = Nullable<UuidSql>)]
        id: Option<Uuid>,
        #[diesel(sql_type = Text)]
        why: String,
    }
    let unsure: Vec<f64> = looked_at.iter().map(|of| of.unsure.get()).collect();
    let worst = unsure.iter().copied().fold(ACCURACY_MAX_M, f64::max);
    let statement = sql_query("SELECT id, why FROM in_the_way($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind::<Array<Text>, _>(looked_at.iter().map(|of| of.jurisdiction.as_str()).collect::<Vec<_>>())
        .bind::<Array<GeometrySql>, _>(
            looked_at.iter().map(|of| Shape::new(of.spot.clone(), of.grid)).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(looked_at.iter().map(|of| of.revision).collect::<Vec<_>>())
        .bind::<Array<Double>, _>(unsure)
        .bind::<Double, _>(reach.get())
        .bind::<Double, _>(CLEARANCE_MAX_M)
        .bind::<Double, _>(worst)
        .bind::<Double, _>(far.get())
        .bind::<DateSql, _>(day.to_diesel());
    let rows: Vec<WayRow> = statement.load(tx.conn)?;
    Ok(rows.into_iter().map(|WayRow { id, why }| InTheWay { id, why }).collect())
}
