//! Rule packs in rows.

use std::sync::Arc;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use jiff_diesel::ToDiesel;

use super::records::{optional_word, word};
use super::schema::{rule_packs, rule_parameters};
use super::{Stored, WriteTx};
use crate::domain::audit::{Change, ChangeKind};
use crate::domain::layer::Layer;
use crate::domain::rules::{Applies, CaseKey, Parameter, RegisteredPack, RulePack};
use crate::domain::word::Word;

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = rule_packs, check_for_backend(diesel::pg::Pg))]
struct PackRow {
    jurisdiction: String,
    name: String,
    version: String,
    digest: String,
    revision: i64,
    recorded_at: jiff_diesel::Timestamp,
}

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = rule_parameters, check_for_backend(diesel::pg::Pg))]
struct ParameterRow {
    jurisdiction: String,
    number: i32,
    key: String,
    value: f64,
    unit: String,
    corridor_kind: Option<String>,
    corridor_class: Option<String>,
    voltage_from_kv: Option<f64>,
    voltage_to_kv: Option<f64>,
    work_kind: Option<String>,
    document: Option<String>,
    article: Option<String>,
    valid_from: Option<jiff_diesel::Date>,
    valid_to: Option<jiff_diesel::Date>,
    confidence: String,
    note: Option<String>,
}

/// Parameters in one statement: PostgreSQL binds at most 65 535 values, and each parameter has 16.
const BATCH: usize = 1_000;

/// The packs of a jurisdiction or of all, by jurisdiction.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, jurisdiction: Option<&str>) -> Stored<Vec<RegisteredPack>> {
    let mut query = rule_packs::table.select(PackRow::as_select()).into_boxed();
    if let Some(code) = jurisdiction {
        query = query.filter(rule_packs::jurisdiction.eq(code.to_owned()));
    }
    let packs: Vec<PackRow> = query.order(rule_packs::jurisdiction.asc()).load(conn)?;
    packs.into_iter().map(|pack| with_parameters(conn, pack)).collect()
}

/// The pack of a jurisdiction, inside a write.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<Option<RegisteredPack>> {
    Ok(list(tx.conn, Some(jurisdiction))?.pop())
}

/// The parameters of cases by which a jurisdiction judges, inside a write.
///
/// # Errors
/// The database's.
pub fn of_cases_in(tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<Vec<Arc<Parameter>>> {
    of_cases(tx.conn, jurisdiction)
}

/// The parameters of cases by which a jurisdiction judges.
///
/// # Errors
/// The database's.
pub fn of_cases(conn: &mut PgConnection, jurisdiction: &str) -> Stored<Vec<Arc<Parameter>>> {
    let keys: Vec<&str> = CaseKey::ALL.iter().map(|(_, key)| *key).collect();
    let rows: Vec<ParameterRow> = rule_parameters::table
        .filter(rule_parameters::jurisdiction.eq(jurisdiction).and(rule_parameters::key.eq_any(keys)))
        .order(rule_parameters::number.asc())
        .select(ParameterRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|r| Ok(Arc::new(to_parameter(r)?))).collect()
}

/// The parameters by which a jurisdiction judged at a revision.
///
/// # Errors
/// The database's.
pub fn parameters_at(conn: &mut PgConnection, jurisdiction: &str, revision: i64) -> Stored<Vec<Arc<Parameter>>> {
    let columns =
        "jurisdiction, p.number, p.key, p.value, p.unit, p.corridor_kind, p.corridor_class, p.voltage_from_kv,
        p.voltage_to_kv, p.work_kind, p.document, p.article, p.valid_from, p.valid_to, p.confidence, p.note";
    let rows: Vec<ParameterRow> = diesel::sql_query(format!(
        "SELECT {columns} FROM rule_packs JOIN rule_parameters AS p USING (jurisdiction)
         WHERE jurisdiction = $1 AND revision <= $2
         UNION ALL
         SELECT {columns} FROM rule_packs_history JOIN rule_parameters_history AS p USING (jurisdiction, ended_revision)
         WHERE jurisdiction = $1 AND revision <= $2 AND ended_revision > $2 ORDER BY number"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(revision)
    .load(conn)?;
    rows.into_iter().map(|r| Ok(Arc::new(to_parameter(r)?))).collect()
}

/// The packs by which a jurisdiction judges and judged, the newest first: the revision in which each was loaded, name and version.
///
/// # Errors
/// The database's.
pub fn ever(conn: &mut PgConnection, jurisdiction: &str) -> Stored<Vec<(i64, String, String)>> {
    let rows: Vec<PackRow> = diesel::sql_query(
        "SELECT jurisdiction, name, version, digest, revision, recorded_at FROM rule_packs WHERE jurisdiction = $1
         UNION ALL
         SELECT jurisdiction, name, version, digest, revision, recorded_at FROM rule_packs_history WHERE jurisdiction = $1
         ORDER BY revision DESC",
    )
    .bind::<Text, _>(jurisdiction)
    .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.revision, row.name, row.version)).collect())
}

fn with_parameters(conn: &mut PgConnection, row: PackRow) -> Stored<RegisteredPack> {
    let rows: Vec<ParameterRow> = rule_parameters::table
        .filter(rule_parameters::jurisdiction.eq(&row.jurisdiction))
        .order(rule_parameters::number.asc())
        .select(ParameterRow::as_select())
        .load(conn)?;
    let parameters = rows.into_iter().map(|r| Ok(Arc::new(to_parameter(r)?))).collect::<Stored<_>>()?;
    Ok(RegisteredPack {
        jurisdiction: row.jurisdiction,
        digest: row.digest,
        revision: row.revision,
        recorded_at: row.recorded_at.to_jiff(),
        pack: RulePack { name: row.name, version: row.version, parameters },
    })
}

/// Puts a pack in the place of the one there is, with one change for each layer: all of them are judged anew.
///
/// # Errors
/// The database's.
pub fn replace(tx: &mut WriteTx<'_>, jurisdiction: &str, pack: &RulePack, digest: &str) -> Stored<RegisteredPack> {
    let (revision, recorded_at) = tx.raise(jurisdiction)?;
    diesel::delete(rule_packs::table.find(jurisdiction)).execute(tx.conn)?;
    let row = PackRow {
        jurisdiction: jurisdiction.to_owned(),
        name: pack.name.clone(),
        version: pack.version.clone(),
        digest: digest.to_owned(),
        revision,
        recorded_at: recorded_at.to_diesel(),
    };
    diesel::insert_into(rule_packs::table).values(row).execute(tx.conn)?;
    let numbered: Vec<(i32, &Arc<Parameter>)> = (1..).zip(&pack.parameters).collect();
    for some in numbered.chunks(BATCH) {
        let rows: Vec<ParameterRow> = some.iter().map(|(number, p)| to_row(jurisdiction, *number, p)).collect();
        diesel::insert_into(rule_parameters::table).values(rows).execute(tx.conn)?;
    }
    for layer in Layer::all() {
        tx.changed(jurisdiction, Change { layer, kind: ChangeKind::Rules, id: None })?;
    }
    let jurisdiction = jurisdiction.to_owned();
    Ok(RegisteredPack { jurisdiction, digest: digest.to_owned(), revision, recorded_at, pack: pack.clone() })
}

fn to_row(jurisdiction: &str, number: i32, p: &Parameter) -> ParameterRow {
    let a = &p.applies;
    ParameterRow {
        jurisdiction: jurisdiction.to_owned(),
        number,
        key: p.key.clone(),
        value: p.value,
        unit: p.unit.as_str().into(),
        corridor_kind: a.corridor_kind.map(|k| k.as_str().into()),
        corridor_class: a.corridor_class.clone(),
        voltage_from_kv: a.voltage_from_kv,
        voltage_to_kv: a.voltage_to_kv,
        work_kind: a.work_kind.map(|k| k.as_str().into()),
        document: p.document.clone(),
        article: p.article.clone(),
        valid_from: p.valid_from.map(ToDiesel::to_diesel),
        valid_to: p.valid_to.map(ToDiesel::to_diesel),
        confidence: p.confidence.as_str().into(),
        note: p.note.clone(),
    }
}

fn to_parameter(row: ParameterRow) -> Stored<Parameter> {
    Ok(Parameter {
        key: row.key,
        value: row.value,
        unit: word(&row.unit)?,
        applies: Applies {
            corridor_kind: optional_word(row.corridor_kind.as_deref())?,
            corridor_class: row.corridor_class,
            voltage_from_kv: row.voltage_from_kv,
            voltage_to_kv: row.voltage_to_kv,
            work_kind: optional_word(row.work_kind.as_deref())?,
        },
        document: row.document,
        article: row.article,
        valid_from: row.valid_from.map(jiff_diesel::Date::to_jiff),
        valid_to: row.valid_to.map(jiff_diesel::Date::to_jiff),
        confidence: word(&row.confidence)?,
        note: row.note,
    })
}
