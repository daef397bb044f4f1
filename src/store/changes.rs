//! How the index follows: the revision of each jurisdiction, and what was deleted since one.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::Stored;
use super::records::word;
use super::schema::{audit_events, changes, revisions};
use crate::domain::audit::{ACCESS, ChangeKind};
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
        .filter(revisions::jurisdiction.ne(ACCESS))
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

/// When revisions were recorded; those that there are not are left out.
///
/// # Errors
/// The database's.
pub fn recorded_at(conn: &mut PgConnection, jurisdiction: &str, revisions: &[i64]) -> Stored<BTreeMap<i64, Timestamp>> {
    let rows: Vec<(i64, jiff_diesel::Timestamp)> = audit_events::table
        .filter(audit_events::jurisdiction.eq(jurisdiction).and(audit_events::revision.eq_any(revisions)))
        .select((audit_events::revision, audit_events::recorded_at))
        .load(conn)?;
    Ok(rows.into_iter().map(|(revision, at)| (revision, at.to_jiff())).collect())
}

/// What changed after a revision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Since {
    /// The layers whose features changed, and what was deleted in each.
    features: BTreeMap<String, Vec<(Uuid, i64)>>,
    /// The layers whose coverage was declared or withdrawn, each once, with the last revision in which it was.
    pub coverage: Vec<(Layer, i64)>,
    /// A rule pack was loaded.
    pub rules: bool,
}

impl Since {
    /// What was deleted in a layer whose features changed, each with the revision in which it was; `None` where they are
    /// as they were.
    #[must_use]
    pub fn deleted(&self, layer: Layer) -> Option<&[(Uuid, i64)]> {
        self.features.get(layer.as_str()).map(Vec::as_slice)
    }
}

/// What changed after `after`. No row changes without saying so, so a layer that is not named has no new rows either.
///
/// # Errors
/// The database's.
pub fn since(conn: &mut PgConnection, jurisdiction: &str, after: i64) -> Stored<Since> {
    let rows: Vec<(String, String, Option<Uuid>, i64)> = changes::table
        .filter(changes::jurisdiction.eq(jurisdiction).and(changes::revision.gt(after)))
        .order(changes::revision.asc())
        .select((changes::layer, changes::kind, changes::id, changes::revision))
        .load(conn)?;
    let mut since = Since::default();
    for (layer, kind, id, revision) in rows {
        match word(&kind)? {
            ChangeKind::Insert | ChangeKind::Update | ChangeKind::Bulk => {
                since.features.entry(layer).or_default();
            }
            ChangeKind::Delete => {
                since.features.entry(layer).or_default().extend(id.map(|id| (id, revision)));
            }
            ChangeKind::Coverage => {
                let layer = word(&layer)?;
                since.coverage.retain(|(other, _)| *other != layer);
                since.coverage.push((layer, revision));
            }
            ChangeKind::Rules => since.rules = true,
        }
    }
    Ok(since)
}
