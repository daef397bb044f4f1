//! What a workflow leads, and an import leaves as it is.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::{TakenOut, meant};
use crate::domain::reference::OF_REQUEST;
use crate::geometry::Problem;
use crate::store::{Stored, WriteTx};

/// Why a transmitter is left as it is; others are written by whoever owns them.
const OF_ANTENNA: &str =
    "it stands for an antenna of a site request, and is written with that alone: see /ogc/collections/site-requests";

#[derive(QueryableByName)]
struct LedRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// Takes the rows out of the staging table whose code is that of a feature which stands for a zone of a plan, for a site request or for
/// an antenna of one: that is written with these alone.
pub(super) fn take_out_led(
    tx: &mut WriteTx<'_>,
    table: &'static str,
    staging: &'static str,
    led: &[(&'static str, &'static str)],
    jurisdiction: &str,
) -> Stored<Vec<TakenOut>> {
    let meant = meant(table);
    let rows: Vec<LedRow> = sql_query(format!(
        "WITH gone AS (
             DELETE FROM {staging} AS s USING {table} AS t WHERE t.jurisdiction = $1 AND {meant} AND (
                 EXISTS (SELECT FROM zones AS z WHERE z.jurisdiction = t.jurisdiction AND z.id = t.id)
                 OR t.kind = 'site_request' AND EXISTS (
                     SELECT FROM site_requests AS r WHERE r.jurisdiction = t.jurisdiction AND r.projected = t.id
                 )
                 OR t.kind = 'transmitter' AND starts_with(t.class, '{OF_REQUEST}')
             )
             RETURNING s.code, s.number, s.place, t.kind
         )
         SELECT * FROM gone ORDER BY number"
    ))
    .bind::<Text, _>(jurisdiction)
    .load(tx.conn)?;
    let because = |LedRow { code, number, place, kind }| {
        let why = led.iter().find(|(of, _)| *of == kind).map_or(OF_ANTENNA, |(_, why)| *why);
        let problem = Problem::new("/properties/code", format!("«{code}» is there already: {why}"));
        TakenOut { code, number, place, problem }
    };
    Ok(rows.into_iter().map(because).collect())
}
