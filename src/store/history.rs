//! Histories: every version of a feature, a zone or a site request, with who wrote it.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as UuidSql};
use uuid::Uuid;

use super::version::table;
use super::{Stored, audit};
use crate::domain::actor::Sight;
use crate::domain::layer::Layer;
use crate::domain::version::{Author, Authorship, Ended, ListedVersion};
use crate::domain::word::Word;

/// What versions are kept of, each in a table beside which there is another one of the same name with `_history`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Features of a layer.
    Layer(Layer),
    /// Zones of plans.
    Zones,
    /// Site requests.
    SiteRequests,
}

impl Kept {
    fn table(self) -> &'static str {
        match self {
            Self::Layer(layer) => table(layer),
            Self::Zones => "zones",
            Self::SiteRequests => "site_requests",
        }
    }

    /// Who may see a version by what it says itself, and whose it is.
    fn seen_by(self, has_ended: bool) -> (&'static str, &'static str) {
        match self {
            Self::Layer(_) => ("visibility", "organisation"),
            // Whoever sees the plan sees the zone; what has ended was of a draft.
            Self::Zones if has_ended => ("'government'", "NULL::text"),
            Self::Zones => ("'public'", "NULL::text"),
            // A draft is its carrier's alone.
            Self::SiteRequests => ("CASE state WHEN 'draft' THEN 'none' ELSE 'government' END", "organisation"),
        }
    }
}

/// How a version ended, beside its other columns.
#[derive(QueryableByName)]
pub(super) struct EndedRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    ended_revision: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<jiff_diesel::Timestamp>,
}

impl EndedRow {
    /// How it did; none for the present one.
    pub(super) fn ended(self) -> Option<Ended> {
        let both = self.ended_revision.zip(self.ended_at);
        both.map(|(revision, at)| Ended { revision, at: at.to_jiff() })
    }
}

/// Every version of something that meets a condition, present or ended, with [`EndedRow`].
pub(super) fn every_version(table: &str, which: &str) -> String {
    format!(
        "SELECT NULL::bigint AS ended_revision, NULL::timestamptz AS ended_at, p.* FROM {table} AS p WHERE {which}
         UNION ALL SELECT h.* FROM {table}_history AS h WHERE {which}"
    )
}

/// Those of [`every_version`] that there were at a revision: `$1` the jurisdiction, `$2` the id, `$3` the revision.
pub(super) fn version_at(table: &str) -> String {
    let which = "jurisdiction = $1 AND id = $2 AND revision <= $3";
    format!("SELECT * FROM ({}) AS v WHERE ended_revision IS NULL OR ended_revision > $3", every_version(table, which))
}

#[derive(QueryableByName)]
struct ListedRow {
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
    #[diesel(embed)]
    ended: EndedRow,
    #[diesel(sql_type = Bool)]
    is_restricted: bool,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = BigInt)]
    event_revision: i64,
    #[diesel(sql_type = Text)]
    deed: String,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    organisation: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    on_behalf_of: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
}

/// The versions of a feature that somebody sees by what they say themselves, but for those that began in the revisions `without`,
/// the newest first, with who began them.
///
/// # Errors
/// The database's.
pub fn list(
    conn: &mut PgConnection,
    of: Kept,
    (jurisdiction, id): (&str, Uuid),
    sight: &Sight,
    (before, limit): (Option<i32>, i64),
    without: &[i64],
) -> Stored<Vec<ListedVersion>> {
    let table = of.table();
    let part = |has_ended: bool, columns: &str, from: &str| {
        let (visibility, owner) = of.seen_by(has_ended);
        format!(
            "SELECT version, revision, recorded_at, {columns}, {visibility} = 'restricted' AS is_restricted, version_digest(v) AS digest
             FROM {from} AS v
             WHERE jurisdiction = $1 AND id = $2 AND version < $3 AND ({visibility} = ANY ($4) OR {owner} = $5)
                 AND revision <> ALL ($7)"
        )
    };
    let present = part(false, "NULL::bigint AS ended_revision, NULL::timestamptz AS ended_at", table);
    let ended = part(true, "ended_revision, ended_at", &format!("{table}_history"));
    let rows: Vec<(ListedRow, EventRow)> = sql_query(format!(
        "SELECT v.*, e.revision AS event_revision, e.deed, e.actor, e.organisation, e.on_behalf_of, e.reason FROM (
             {present} UNION ALL {ended}
             ORDER BY version DESC LIMIT $6
         ) AS v JOIN audit_events AS e ON e.jurisdiction = $1 AND e.revision = v.revision ORDER BY v.version DESC"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<UuidSql, _>(id)
    .bind::<BigInt, _>(before.map_or(i64::MAX, i64::from))
    .bind::<Array<Text>, _>(sight.visibilities.iter().map(|v| v.as_str()).collect::<Vec<_>>())
    .bind::<Nullable<Text>, _>(sight.organisation.as_deref())
    .bind::<BigInt, _>(limit)
    .bind::<Array<BigInt>, _>(without)
    .load(conn)?;
    let listed = |(row, event): (ListedRow, EventRow)| {
        Ok(ListedVersion {
            version: row.version,
            revision: row.revision,
            recorded_at: row.recorded_at.to_jiff(),
            ended: row.ended.ended(),
            is_restricted: row.is_restricted,
            digest: Some(audit::digest(&row.digest)?),
            began: authorship(event),
        })
    };
    rows.into_iter().map(listed).collect()
}

fn authorship(row: EventRow) -> Authorship {
    let EventRow { deed, actor: name, organisation, on_behalf_of, reason, .. } = row;
    Authorship { deed, author: Some(Author { name, organisation, on_behalf_of, reason }) }
}

/// How the last version of a feature ended, and who ended it; none where the feature is there.
///
/// # Errors
/// The database's.
pub fn deleted(
    conn: &mut PgConnection,
    of: Kept,
    (jurisdiction, id): (&str, Uuid),
) -> Stored<Option<(Ended, Authorship)>> {
    #[derive(QueryableByName)]
    struct At {
        #[diesel(sql_type = Timestamptz)]
        ended_at: jiff_diesel::Timestamp,
    }
    let table = of.table();
    let row: Option<(At, EventRow)> = sql_query(format!(
        "SELECT h.ended_at, e.revision AS event_revision, e.deed, e.actor, e.organisation, e.on_behalf_of, e.reason
         FROM {table}_history AS h JOIN audit_events AS e ON e.jurisdiction = h.jurisdiction AND e.revision = h.ended_revision
         WHERE h.jurisdiction = $1 AND h.id = $2
             AND NOT EXISTS (SELECT FROM {table} AS p WHERE p.jurisdiction = $1 AND p.id = $2)
         ORDER BY h.version DESC LIMIT 1"
    ))
    .bind::<Text, _>(jurisdiction)
    .bind::<UuidSql, _>(id)
    .get_result(conn)
    .optional()?;
    Ok(row.map(|(At { ended_at }, event)| {
        (Ended { revision: event.event_revision, at: ended_at.to_jiff() }, authorship(event))
    }))
}
