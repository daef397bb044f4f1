//! How the index follows: the revision of each jurisdiction, and what was deleted since one.

use std::collections::{BTreeMap, BTreeSet};

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz};
use jiff::Timestamp;
use uuid::Uuid;

use super::Stored;
use super::prepared::prepared;
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

/// Where one jurisdiction stands, and when that revision and another one were recorded; `None` where it is not registered.
///
/// # Errors
/// The database's.
pub fn stands(conn: &mut PgConnection, jurisdiction: &str, other: i64) -> Stored<Option<Stands>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        revision: i64,
        #[diesel(sql_type = BigInt)]
        changes_after: i64,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        recorded_at: Option<jiff_diesel::Timestamp>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        other_recorded_at: Option<jiff_diesel::Timestamp>,
    }
    // One question, for every commit is followed by it; only who is further behind has the trail looked into.
    let statement = sql_query(
        "SELECT r.revision, r.changes_after, coalesce(r.recorded_at, (
                 SELECT e.recorded_at FROM audit_events AS e WHERE e.jurisdiction = $1 AND e.revision = r.revision
             )) AS recorded_at,
             CASE WHEN $2 = r.revision - 1 AND r.previous_at IS NOT NULL THEN r.previous_at ELSE (
                 SELECT e.recorded_at FROM audit_events AS e WHERE e.jurisdiction = $1 AND e.revision = $2
             ) END AS other_recorded_at
         FROM revisions AS r WHERE r.jurisdiction = $1",
    )
    .bind::<Text, _>(jurisdiction)
    .bind::<BigInt, _>(other);
    let row: Option<Row> = prepared(statement).get_result(conn).optional()?;
    let stands = |Row { revision, changes_after, recorded_at, other_recorded_at }| {
        let events = [(revision, recorded_at), (other, other_recorded_at)].into_iter();
        let recorded = events.filter_map(|(revision, at)| Some((revision, at?.to_jiff()))).collect();
        Stands { revision, changes_after, recorded }
    };
    Ok(row.map(stands))
}

/// Where a jurisdiction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stands {
    /// Its revision.
    pub revision: i64,
    /// What changed after this revision is kept.
    pub changes_after: i64,
    recorded: BTreeMap<i64, Timestamp>,
}

impl Stands {
    /// When its revision or the other one asked was recorded; `None` where there is no such revision.
    #[must_use]
    pub fn recorded_at(&self, revision: i64) -> Option<Timestamp> {
        self.recorded.get(&revision).copied()
    }
}

/// Forgets what changed in revisions of a jurisdiction that are older than some `days`, but for those of the `newest` ones, and
/// of `most` revisions at once; how many changes that were. Whoever is further behind reads everything anew.
///
/// # Errors
/// The database's.
pub fn forget(conn: &mut PgConnection, jurisdiction: &str, days: u32, newest: i64, most: i64) -> Stored<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        forgotten: i64,
    }
    let statement = sql_query("SELECT forget_changes($1, $2, $3, $4) AS forgotten")
        .bind::<Text, _>(jurisdiction)
        .bind::<Integer, _>(i32::try_from(days).unwrap_or(i32::MAX))
        .bind::<BigInt, _>(newest)
        .bind::<BigInt, _>(most);
    let row: Row = statement.get_result(conn)?;
    Ok(row.forgotten)
}

/// More features than this are found by their revisions.
const NAMED_MAX: usize = 1_000;

/// What happened to the features of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Altered {
    deleted: Vec<(Uuid, i64)>,
    /// Those that came or changed.
    named: BTreeSet<Uuid>,
    /// And more than these.
    bulk: bool,
}

/// What changed after a revision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Since {
    /// The layers whose features changed.
    features: BTreeMap<String, Altered>,
    /// The layers whose coverage was declared or withdrawn, each once, with the last revision in which it was.
    pub coverage: Vec<(Layer, i64)>,
    /// A rule pack was loaded.
    pub rules: bool,
    /// Features were imported: more than are named.
    pub bulk: bool,
}

impl Since {
    /// Whether nothing changed but what is named one by one.
    #[must_use]
    pub fn is_short(&self) -> bool {
        !self.rules && !self.bulk
    }

    /// What was deleted in a layer whose features changed, each with the revision in which it was; `None` where they are
    /// as they were.
    #[must_use]
    pub fn deleted(&self, layer: Layer) -> Option<&[(Uuid, i64)]> {
        self.features.get(layer.as_str()).map(|altered| altered.deleted.as_slice())
    }

    /// The features of a layer that came or changed, each once, some of which may be gone again; `None` where they are not all
    /// named, or too many.
    #[must_use]
    pub fn named(&self, layer: Layer) -> Option<Vec<Uuid>> {
        let Some(altered) = self.features.get(layer.as_str()) else { return Some(Vec::new()) };
        let all = !altered.bulk && altered.named.len() <= NAMED_MAX;
        all.then(|| altered.named.iter().copied().collect())
    }
}

/// What changed after `after` up to `to`, the present revision, unless that is more than `most` changes. No row changes without saying so, so a layer that is
/// not named has no new rows either.
///
/// # Errors
/// The database's.
pub fn since(
    conn: &mut PgConnection,
    jurisdiction: &str,
    (after, to): (i64, i64),
    most: Option<usize>,
) -> Stored<Option<Since>> {
    let limit = most.map_or(i64::MAX, |most| i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1));
    let rows: Vec<(String, String, Option<Uuid>, i64)> = changes::table
        // With both ends the planner takes it for few, whatever they are, and goes by the key.
        .filter(changes::jurisdiction.eq(jurisdiction).and(changes::revision.gt(after)).and(changes::revision.le(to)))
        .order(changes::revision.asc())
        .select((changes::layer, changes::kind, changes::id, changes::revision))
        .limit(limit)
        .load(conn)?;
    if most.is_some_and(|most| rows.len() > most) {
        return Ok(None);
    }
    let mut since = Since::default();
    for (layer, kind, id, revision) in rows {
        let kind = word(&kind)?;
        match kind {
            ChangeKind::Insert | ChangeKind::Update | ChangeKind::Bulk => {
                let altered = since.features.entry(layer).or_default();
                altered.named.extend(id);
                altered.bulk |= id.is_none();
                since.bulk |= kind == ChangeKind::Bulk;
            }
            ChangeKind::Delete => {
                since.features.entry(layer).or_default().deleted.extend(id.map(|id| (id, revision)));
            }
            ChangeKind::Coverage => {
                let layer = word(&layer)?;
                since.coverage.retain(|(other, _)| *other != layer);
                since.coverage.push((layer, revision));
            }
            ChangeKind::Rules => since.rules = true,
        }
    }
    Ok(Some(since))
}
