//! Site checks that are kept, in rows: appended, and read; nothing here changes or deletes one.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Date as DateSql, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as UuidSql,
};
use jiff_diesel::ToDiesel;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::records::word;
use super::schema::sql_types::Geometry as GeometrySql;
use super::shape::Shape;
use super::{Failure, Stored, WriteTx, audit};
use crate::domain::actor::Actor;
use crate::domain::audit::Digest;
use crate::domain::conflict::AccuracyDefaults;
use crate::domain::fields::{Fields, Value};
use crate::domain::site_check::{Antenna, Ground, PackName, Run, Said, Subject, Verdict};
use crate::domain::word::Word;
use crate::error::Error;
use crate::geometry::{Coord, Epsg, Geometry, Metres};

/// A run as it is stored, with the hash that stands beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    /// The run.
    pub run: Run,
    /// The hash that was stored with it.
    pub hash: Digest,
}

/// Keeps a run, whose revision was raised.
///
/// # Errors
/// The database's.
pub fn insert(tx: &mut WriteTx<'_>, run: &Run) -> Stored<()> {
    #[derive(QueryableByName)]
    struct DigestRow {
        #[diesel(sql_type = Binary)]
        digest: Vec<u8>,
    }
    let point = |at: Coord<f64>, srid| Shape::new(Geometry::Point(at.into()), srid);
    let digests: Vec<&[u8]> = run.said.iter().map(|said| said.digest.as_slice()).collect();
    let pack = run.pack.as_ref();
    let row: DigestRow = sql_query(
        "INSERT INTO site_checks (jurisdiction, id, name, lonlat, geom_grid, reach_m, subject, at, day, recorded_at, revision,
             revisions, pack_name, pack_version, pack_digest, actor, organisation, roles, jurisdictions, told_by_budget, codes,
             verdicts, digests, shown_layers, shown_jurisdictions, shown_ids, ground_layers, ground_jurisdictions, ground_ids,
             document, hash, engine, accuracies)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
             $25, $26, $27, $28, $29, $30, $31, $32, $33)
         RETURNING version_digest(site_checks) AS digest",
    )
    .bind::<Text, _>(&run.jurisdiction)
    .bind::<UuidSql, _>(run.id)
    .bind::<Text, _>(&run.name)
    .bind::<GeometrySql, _>(point(run.lonlat, Epsg::WGS84))
    .bind::<GeometrySql, _>(point(run.on_grid, run.grid))
    .bind::<Double, _>(run.reach_m)
    .bind::<Jsonb, _>(subject_json(&run.subject))
    .bind::<Timestamptz, _>(run.at.to_diesel())
    .bind::<DateSql, _>(run.day.to_diesel())
    .bind::<Timestamptz, _>(run.recorded_at.to_diesel())
    .bind::<BigInt, _>(run.revision)
    .bind::<Jsonb, _>(json!(run.revisions))
    .bind::<Nullable<Text>, _>(pack.map(|p| &p.name))
    .bind::<Nullable<Text>, _>(pack.map(|p| &p.version))
    .bind::<Nullable<Text>, _>(pack.map(|p| &p.digest))
    .bind::<Text, _>(&run.asker.name)
    .bind::<Nullable<Text>, _>(run.asker.organisation.as_deref())
    .bind::<Array<Text>, _>(run.asker.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>())
    .bind::<Nullable<Array<Text>>, _>(run.asker.jurisdictions.as_deref())
    .bind::<Array<Text>, _>(&run.told_by_budget)
    .bind::<Array<Text>, _>(run.said.iter().map(|said| said.code.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(run.said.iter().map(|said| said.verdict.as_str()).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(digests)
    .bind::<Array<Text>, _>(layers(&run.shown))
    .bind::<Array<Text>, _>(codes(&run.shown))
    .bind::<Array<UuidSql>, _>(ground_ids(&run.shown))
    .bind::<Nullable<Array<Text>>, _>(run.ground.as_deref().map(layers))
    .bind::<Nullable<Array<Text>>, _>(run.ground.as_deref().map(codes))
    .bind::<Nullable<Array<UuidSql>>, _>(run.ground.as_deref().map(ground_ids))
    .bind::<Text, _>(&run.document)
    .bind::<Binary, _>(run.hash().as_slice())
    .bind::<Nullable<Integer>, _>(run.engine)
    .bind::<Nullable<Array<Double>>, _>(run.accuracies.map(|accuracies| accuracies.all().map(Metres::get).to_vec()))
    .get_result(tx.conn)?;
    tx.versions_apart(&run.jurisdiction, run.id, None, Some(audit::digest(&row.digest)?))
}

pub(super) fn layers(all: &[Ground]) -> Vec<&'static str> {
    all.iter().map(|(layer, _, _)| layer.as_str()).collect()
}

pub(super) fn codes(all: &[Ground]) -> Vec<&str> {
    all.iter().map(|(_, code, _)| code.as_str()).collect()
}

pub(super) fn ground_ids(all: &[Ground]) -> Vec<Uuid> {
    all.iter().map(|(_, _, id)| *id).collect()
}

/// Features by their layers, jurisdictions and ids.
pub(super) fn grounds(layers: &[String], codes: &[String], ids: &[Uuid]) -> Stored<Vec<Ground>> {
    let one = |((layer, code), id): ((&String, &String), &Uuid)| Ok((word(layer)?, code.clone(), *id));
    layers.iter().zip(codes).zip(ids).map(one).collect()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = UuidSql)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = GeometrySql)]
    lonlat: Shape,
    #[diesel(sql_type = GeometrySql)]
    geom_grid: Shape,
    #[diesel(sql_type = Double)]
    reach_m: f64,
    #[diesel(sql_type = Jsonb)]
    subject: Json,
    #[diesel(sql_type = Timestamptz)]
    at: jiff_diesel::Timestamp,
    #[diesel(sql_type = DateSql)]
    day: jiff_diesel::Date,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Jsonb)]
    revisions: Json,
    #[diesel(sql_type = Nullable<Text>)]
    pack_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pack_version: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pack_digest: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    engine: Option<i32>,
    #[diesel(sql_type = Nullable<Array<Double>>)]
    accuracies: Option<Vec<f64>>,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    organisation: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    jurisdictions: Option<Vec<String>>,
    #[diesel(sql_type = Array<Text>)]
    told_by_budget: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    codes: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    verdicts: Vec<String>,
    #[diesel(sql_type = Array<Binary>)]
    digests: Vec<Vec<u8>>,
    #[diesel(sql_type = Array<Text>)]
    shown_layers: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    shown_jurisdictions: Vec<String>,
    #[diesel(sql_type = Array<UuidSql>)]
    shown_ids: Vec<Uuid>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    ground_layers: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    ground_jurisdictions: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<UuidSql>>)]
    ground_ids: Option<Vec<Uuid>>,
    #[diesel(sql_type = Text)]
    document: String,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

/// Runs of these ids, by id.
///
/// # Errors
/// The database's.
pub fn of_ids(conn: &mut PgConnection, ids: &[Uuid]) -> Stored<Vec<StoredRun>> {
    let rows: Vec<Row> = sql_query("SELECT * FROM site_checks WHERE id = ANY ($1) ORDER BY id")
        .bind::<Array<UuidSql>, _>(ids)
        .load(conn)?;
    rows.into_iter().map(run).collect()
}

/// All of a run but its answer as it was given, which is long.
const IN_BRIEF: &str = "r.jurisdiction, r.id, r.name, r.lonlat, r.geom_grid, r.reach_m, r.subject, r.at, r.day, r.recorded_at,
    r.revision, r.revisions, r.pack_name, r.pack_version, r.pack_digest, r.engine, r.accuracies, r.actor, r.organisation, r.roles, r.jurisdictions,
    r.told_by_budget, r.codes, r.verdicts, r.digests, r.shown_layers, r.shown_jurisdictions, r.shown_ids, r.ground_layers,
    r.ground_jurisdictions, r.ground_ids, '' AS document, r.hash";

/// As [`of_ids`], without the answers as they were given, which are long.
///
/// # Errors
/// The database's.
pub fn of_ids_in_brief(conn: &mut PgConnection, ids: &[Uuid]) -> Stored<Vec<StoredRun>> {
    let select = format!("SELECT {IN_BRIEF} FROM site_checks AS r WHERE id = ANY ($1) ORDER BY id");
    let rows: Vec<Row> = sql_query(select).bind::<Array<UuidSql>, _>(ids).load(conn)?;
    rows.into_iter().map(run).collect()
}

/// What is kept with one revision of a jurisdiction: each run with the hash that stands beside it.
///
/// # Errors
/// The database's.
pub fn hashes_of(conn: &mut PgConnection, jurisdiction: &str, revision: i64) -> Stored<Vec<(Uuid, Digest)>> {
    #[derive(QueryableByName)]
    struct HashRow {
        #[diesel(sql_type = UuidSql)]
        id: Uuid,
        #[diesel(sql_type = Binary)]
        hash: Vec<u8>,
    }
    let rows: Vec<HashRow> = sql_query("SELECT id, hash FROM site_checks WHERE jurisdiction = $1 AND revision = $2")
        .bind::<Text, _>(jurisdiction)
        .bind::<BigInt, _>(revision)
        .load(conn)?;
    rows.into_iter().map(|row| Ok((row.id, audit::digest(&row.hash)?))).collect()
}

/// Which runs are listed.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Only of this jurisdiction.
    pub jurisdiction: Option<String>,
    /// Only those that would be answered otherwise now.
    pub outdated: bool,
    /// Only those after this one.
    pub after: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

/// Runs that the transaction sees, by id, which is by time, each in brief.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, listing: &Listing) -> Stored<Vec<StoredRun>> {
    let rows: Vec<Row> = sql_query(format!(
        "SELECT {IN_BRIEF} FROM site_checks AS r
         WHERE ($1 IS NULL OR r.jurisdiction = $1) AND ($2 IS NULL OR r.id > $2) AND (NOT $3 OR (
             SELECT cardinality(m.codes) > 0 FROM site_check_marks AS m
             WHERE m.jurisdiction = r.jurisdiction AND m.run = r.id ORDER BY m.number DESC LIMIT 1
         )) ORDER BY r.id LIMIT $4"
    ))
    .bind::<Nullable<Text>, _>(listing.jurisdiction.as_deref())
    .bind::<Nullable<UuidSql>, _>(listing.after)
    .bind::<Bool, _>(listing.outdated)
    .bind::<BigInt, _>(listing.limit)
    .load(conn)?;
    rows.into_iter().map(run).collect()
}

/// The rule pack by which a jurisdiction judged at a revision.
///
/// # Errors
/// The database's.
pub fn pack_at(conn: &mut PgConnection, jurisdiction: &str, revision: i64) -> Stored<Option<PackName>> {
    #[derive(QueryableByName)]
    struct PackRow {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        version: String,
        #[diesel(sql_type = Text)]
        digest: String,
    }
    let row: Option<PackRow> = sql_query(
        "SELECT name, version, digest FROM rule_packs WHERE jurisdiction = $1 AND revision <= $2
         UNION ALL
         SELECT name, version, digest FROM rule_packs_history
         WHERE jurisdiction = $1 AND revision <= $2 AND ended_revision > $2",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(revision)
    .get_result(conn)
    .optional()?;
    Ok(row.map(|PackRow { name, version, digest }| PackName { name, version, digest }))
}

/// The same, inside a write.
///
/// # Errors
/// The database's.
pub fn pack_in(tx: &mut WriteTx<'_>, jurisdiction: &str, revision: i64) -> Stored<Option<PackName>> {
    pack_at(tx.conn, jurisdiction, revision)
}

pub(super) fn wrong(what: &str) -> Failure {
    Failure::Ours(Error::Internal(format!("a stored site check has {what} that is none")))
}

fn run(row: Row) -> Stored<StoredRun> {
    let coord = |shape: &Shape| match &shape.geometry {
        Geometry::Point(point) => Ok(point.0),
        _ => Err(wrong("a place")),
    };
    let said = |((code, verdict), digest): ((&String, &String), &Vec<u8>)| {
        Ok(Said { code: word(code)?, verdict: word::<Verdict>(verdict)?, digest: audit::digest(digest)? })
    };
    let ground = row.ground_layers.as_deref().zip(row.ground_jurisdictions.as_deref()).zip(row.ground_ids.as_deref());
    let pack = row.pack_name.zip(row.pack_version).zip(row.pack_digest);
    let run = Run {
        lonlat: coord(&row.lonlat)?,
        grid: row.geom_grid.srid,
        on_grid: coord(&row.geom_grid)?,
        subject: subject(&row.subject)?,
        revisions: revisions(&row.revisions)?,
        pack: pack.map(|((name, version), digest)| PackName { name, version, digest }),
        engine: row.engine,
        accuracies: row.accuracies.as_deref().map(accuracies).transpose()?,
        asker: Actor {
            name: row.actor,
            organisation: row.organisation,
            roles: row.roles.iter().map(|role| word(role)).collect::<Stored<_>>()?,
            jurisdictions: row.jurisdictions,
        },
        said: row.codes.iter().zip(&row.verdicts).zip(&row.digests).map(said).collect::<Stored<_>>()?,
        shown: grounds(&row.shown_layers, &row.shown_jurisdictions, &row.shown_ids)?,
        ground: ground.map(|((layers, codes), ids)| grounds(layers, codes, ids)).transpose()?,
        id: row.id,
        jurisdiction: row.jurisdiction,
        name: row.name,
        reach_m: row.reach_m,
        at: row.at.to_jiff(),
        day: row.day.to_jiff(),
        recorded_at: row.recorded_at.to_jiff(),
        revision: row.revision,
        told_by_budget: row.told_by_budget,
        document: row.document,
    };
    Ok(StoredRun { run, hash: audit::digest(&row.hash)? })
}

fn accuracies(kept: &[f64]) -> Stored<AccuracyDefaults> {
    let metres = kept.iter().map(|m| Metres::new(*m)).collect::<Result<Vec<_>, _>>();
    let all: Option<[Metres; 6]> = metres.ok().and_then(|all| all.try_into().ok());
    all.map(AccuracyDefaults::from).ok_or_else(|| wrong("accuracies"))
}

pub(super) fn revisions(json: &Json) -> Stored<BTreeMap<String, i64>> {
    let object = json.as_object().ok_or_else(|| wrong("revisions"))?;
    let one = |(code, n): (&String, &Json)| Ok((code.clone(), n.as_i64().ok_or_else(|| wrong("a revision"))?));
    object.iter().map(one).collect()
}

fn members(fields: &Fields) -> Map<String, Json> {
    let value = |value: &Value| match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Number(number) => Json::from(*number),
        _ => Json::Null,
    };
    fields.0.iter().map(|(name, of)| (name.clone(), value(of))).collect()
}

pub(super) fn subject_json(subject: &Subject) -> Json {
    let mut all = members(&subject.fields());
    let antennas = subject.antennas.iter().map(|antenna| Json::Object(members(&antenna.fields())));
    all.insert("antennas".into(), antennas.collect());
    Json::Object(all)
}

pub(super) fn fields(object: &Map<String, Json>) -> Fields {
    let value = |value: &Json| match value {
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => number.as_f64().map_or(Value::Null, Value::Number),
        _ => Value::Null,
    };
    Fields(object.iter().map(|(name, of)| (name.clone(), value(of))).collect())
}

pub(super) fn subject(json: &Json) -> Stored<Subject> {
    let object = json.as_object().ok_or_else(|| wrong("a subject"))?;
    let antenna = |json: &Json| {
        let object = json.as_object().ok_or_else(|| wrong("an antenna"))?;
        Antenna::read(&fields(object)).map_err(|_| wrong("an antenna"))
    };
    let antennas = object.get("antennas").and_then(Json::as_array).ok_or_else(|| wrong("antennas"))?;
    let antennas = antennas.iter().map(antenna).collect::<Stored<Vec<_>>>()?;
    let mut column = object.clone();
    column.shift_remove("antennas");
    Subject::read(&fields(&column), antennas).map_err(|_| wrong("a subject"))
}
