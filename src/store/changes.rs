//! How the index follows: the revision of each jurisdiction, and what was deleted since one.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::Stored;
use super::schema::{audit_events, changes, revisions};
use crate::domain::audit::ChangeKind;
use crate::domain::layer::Layer;
use crate::domain::word::Word;

/// Where a jurisdiction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its code.
    pub jurisdiction: String,
    /// Its revision.
    pub revision: i64,
    /// When that was recorded.
    pub recorded_at: Option<Timestamp>,
}

/// Where every jurisdiction stands.
///
/// # Errors
/// The database's.
pub fn heads(conn: &mut PgConnection) -> Stored<Vec<Head>> {
    let event = audit_events::table
        .on(audit_events::jurisdiction.eq(revisions::jurisdiction).and(audit_events::revision.eq(revisions::revision)));
    let rows: Vec<(String, i64, Option<jiff_diesel::Timestamp>)> = revisions::table
        .left_join(event)
        .order(revisions::jurisdiction.asc())
        .select((revisions::jurisdiction, revisions::revision, audit_events::recorded_at.nullable()))
        .load(conn)?;
    let head = |(jurisdiction, revision, at): (String, i64, Option<jiff_diesel::Timestamp>)| Head {
        jurisdiction,
        revision,
        recorded_at: at.map(jiff_diesel::Timestamp::to_jiff),
    };
    Ok(rows.into_iter().map(head).collect())
}

/// The revision of one jurisdiction.
///
/// # Errors
/// The database's.
pub fn revision(conn: &mut PgConnection, jurisdiction: &str) -> Stored<Option<i64>> {
    Ok(revisions::table.find(jurisdiction).select(revisions::revision).first(conn).optional()?)
}

/// When a revision was recorded; `None` where there is none such.
///
/// # Errors
/// The database's.
pub fn recorded_at(conn: &mut PgConnection, jurisdiction: &str, revision: i64) -> Stored<Option<Timestamp>> {
    let at: Option<jiff_diesel::Timestamp> =
        audit_events::table.find((jurisdiction, revision)).select(audit_events::recorded_at).first(conn).optional()?;
    Ok(at.map(jiff_diesel::Timestamp::to_jiff))
}

/// Features of a layer deleted after `after`, each with the revision in which it was.
///
/// # Errors
/// The database's.
pub fn deleted(conn: &mut PgConnection, jurisdiction: &str, layer: Layer, after: i64) -> Stored<Vec<(Uuid, i64)>> {
    let rows: Vec<(Option<Uuid>, i64)> = changes::table
        .filter(changes::jurisdiction.eq(jurisdiction))
        .filter(changes::revision.gt(after))
        .filter(changes::layer.eq(layer.as_str()))
        .filter(changes::kind.eq(ChangeKind::Delete.as_str()))
        .select((changes::id, changes::revision))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(id, revision)| Some((id?, revision))).collect())
}
