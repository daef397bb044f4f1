//! How the index follows: the revision of each jurisdiction, and what was deleted since one.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use uuid::Uuid;

use super::Stored;
use super::schema::{changes, revisions};
use crate::domain::audit::ChangeKind;
use crate::domain::layer::Layer;
use crate::domain::word::Word;

/// The revision of every jurisdiction.
///
/// # Errors
/// The database's.
pub fn revisions(conn: &mut PgConnection) -> Stored<Vec<(String, i64)>> {
    Ok(revisions::table.order(revisions::jurisdiction.asc()).load(conn)?)
}

/// The revision of one jurisdiction.
///
/// # Errors
/// The database's.
pub fn revision(conn: &mut PgConnection, jurisdiction: &str) -> Stored<Option<i64>> {
    Ok(revisions::table.find(jurisdiction).select(revisions::revision).first(conn).optional()?)
}

/// Features of a layer deleted after `after`.
///
/// # Errors
/// The database's.
pub fn deleted(conn: &mut PgConnection, jurisdiction: &str, layer: Layer, after: i64) -> Stored<Vec<Uuid>> {
    let ids: Vec<Option<Uuid>> = changes::table
        .filter(changes::jurisdiction.eq(jurisdiction))
        .filter(changes::revision.gt(after))
        .filter(changes::layer.eq(layer.as_str()))
        .filter(changes::kind.eq(ChangeKind::Delete.as_str()))
        .select(changes::id)
        .load(conn)?;
    Ok(ids.into_iter().flatten().collect())
}
