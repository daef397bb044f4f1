//! What waits for somebody, found by the indexes on who has to act next.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Date as DateSql, Nullable, Text};
use jiff::civil::Date;
use jiff_diesel::ToDiesel;

use super::{Row, filed};
use crate::domain::site_request::Filed;
use crate::domain::site_request::words::{State, Waits};
use crate::store::Stored;
use crate::store::prepared::prepared;
use crate::store::records::word;

/// A tray of somebody: for whom requests wait, where, and of which organisation they are, or who was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Tray {
    /// The jurisdictions.
    pub places: Vec<String>,
    /// For whom.
    pub waits: Waits,
    /// Of an owner his own, of a consultee what he was asked.
    pub organisation: Option<String>,
    /// The day, on which the time of consultees may be over.
    pub day: Date,
}

/// What waits in a tray, what is due first before the others; at most `limit` of each jurisdiction.
///
/// # Errors
/// The database's.
pub fn waiting(conn: &mut PgConnection, of: &Tray, limit: i64) -> Stored<Vec<Filed>> {
    // One statement for each, so that each has its own index; within a jurisdiction the index gives the order.
    let statement = match of.waits {
        Waits::Owner => {
            "SELECT r.* FROM unnest($1) AS j (code) CROSS JOIN LATERAL (
                 (SELECT * FROM site_requests WHERE jurisdiction = j.code AND organisation = $2 AND waits_for = 'owner'
                      AND $3 IS NOT NULL
                  ORDER BY due_on, id LIMIT $4)
                 UNION ALL
                 (SELECT * FROM site_requests WHERE jurisdiction = j.code AND organisation = $2
                      AND waits_for = 'owner_and_officer'
                  ORDER BY due_on, id LIMIT $4)) AS r"
        }
        // No operator of lists is leakproof, so beside the policy none uses an index: those that wait for answers are gone through.
        Waits::Consultee => {
            "SELECT r.* FROM unnest($1) AS j (code) CROSS JOIN LATERAL (
                 SELECT q.* FROM site_requests AS q, unnest(q.asked, q.answer_by) AS a (organisation, last)
                 WHERE q.jurisdiction = j.code AND q.waits_for = 'consultee' AND a.organisation = $2
                     AND (a.last IS NULL OR a.last >= $3)
                 ORDER BY a.last, q.id LIMIT $4) AS r"
        }
        // What a carrier was to do after a decision, and did not in time, is the office's, too.
        Waits::Officer | Waits::OwnerAndOfficer => {
            "SELECT r.* FROM unnest($1) AS j (code) CROSS JOIN LATERAL (
                 (SELECT * FROM site_requests WHERE jurisdiction = j.code AND waits_for = 'officer' AND $2 IS NULL
                  ORDER BY due_on, id LIMIT $4)
                 UNION ALL
                 (SELECT * FROM site_requests WHERE jurisdiction = j.code AND waits_for = 'owner_and_officer'
                  ORDER BY due_on, id LIMIT $4)
                 UNION ALL
                 (SELECT * FROM site_requests WHERE jurisdiction = j.code AND waits_for = 'consultee' AND asked_until < $3
                  ORDER BY due_on, id LIMIT $4)
                 UNION ALL
                 (SELECT * FROM site_requests WHERE jurisdiction = j.code AND waits_for = 'owner' AND due_on < $3
                      AND state <> 'returned_for_supplement'
                  ORDER BY due_on, id LIMIT $4)) AS r"
        }
        Waits::Approver => {
            "SELECT r.* FROM unnest($1) AS j (code) CROSS JOIN LATERAL (
                 SELECT * FROM site_requests WHERE jurisdiction = j.code AND waits_for = 'approver' AND $2 IS NULL
                     AND $3 IS NOT NULL
                 ORDER BY due_on, id LIMIT $4) AS r"
        }
    };
    let statement = sql_query(statement)
        .bind::<Array<Text>, _>(&of.places)
        .bind::<Nullable<Text>, _>(of.organisation.as_deref())
        .bind::<DateSql, _>(of.day.to_diesel())
        .bind::<BigInt, _>(limit);
    let rows: Vec<Row> = prepared(statement).load(conn)?;
    rows.into_iter().map(filed).collect()
}

/// How many requests are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The state.
    pub state: State,
    /// How many.
    pub requests: i64,
}

/// What an organisation sees because it was asked, and else would not.
#[derive(Debug, Clone, Copy)]
pub struct Consulted<'a> {
    /// The organisation.
    pub organisation: &'a str,
    /// The jurisdictions in which it sees no requests of others.
    pub places: &'a [String],
}

/// How many requests the transaction sees in each state, of these jurisdictions; those that are seen because somebody was asked
/// about them are counted one by one.
///
/// # Errors
/// The database's.
pub fn counts(conn: &mut PgConnection, places: &[String], of: Option<Consulted<'_>>) -> Stored<Vec<Count>> {
    #[derive(QueryableByName)]
    struct CountRow {
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = BigInt)]
        requests: i64,
    }
    let statement = sql_query(
        "SELECT state, sum(requests)::bigint AS requests FROM (
             SELECT state, requests FROM site_request_counts WHERE jurisdiction = ANY ($1)
             UNION ALL
             SELECT state, 1 FROM site_requests WHERE jurisdiction = ANY ($2) AND $3 = ANY (consulted)
         ) AS c GROUP BY state HAVING sum(requests) > 0 ORDER BY state",
    )
    .bind::<Array<Text>, _>(places)
    .bind::<Array<Text>, _>(of.map_or(&[] as &[String], |of| of.places))
    .bind::<Nullable<Text>, _>(of.map(|of| of.organisation));
    let rows: Vec<CountRow> = prepared(statement).load(conn)?;
    rows.into_iter().map(|row| Ok(Count { state: word(&row.state)?, requests: row.requests })).collect()
}
