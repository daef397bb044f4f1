//! What it costs that whoever is shown a restricted work leaves a row.

use std::collections::BTreeMap;

use clearway::actions::Context;
use clearway::actions::restricted_read::Writing;
use clearway::domain::actor::Actor;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use uuid::Uuid;

use crate::Failed;
use crate::checks::{Subjects, blocks, complete};
use crate::report::{Comparison, Report, Side, Times};

/// The rate of a check that leaves a row, of that of the same check that leaves none.
const TARGET: f64 = 0.9;

/// How often each work was shown.
type Shown = BTreeMap<Uuid, i64>;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

/// What stands in the rows.
fn noted(conn: &mut PgConnection) -> Result<Shown, Failed> {
    let sql = "SELECT work AS id, count(*) AS times FROM restricted_reads CROSS JOIN unnest(ids) AS shown (work) GROUP BY work";
    let rows: Vec<Row> = sql_query(sql).load(conn)?;
    Ok(rows.into_iter().map(|row| (row.id, row.times)).collect())
}

/// Checks by somebody who sees all: of an index in which some works are restricted, against one in which none is. The thread
/// that writes runs on the same processors.
pub fn compare(
    report: &mut Report,
    [restricted, open]: [&Context; 2],
    conn: &mut PgConnection,
    subjects: &Subjects,
) -> Result<(), Failed> {
    let office = Actor::operator();
    let mut expect = noted(conn)?;
    let writing = Writing::begin(restricted)?;
    let (mut ours, mut peer, mut equal, mut shown) = (Times::default(), Times::default(), true, 0_usize);
    for n in 0..subjects.len().min(400) {
        subjects.check_as(open, &office, n)?;
    }
    for block in blocks(subjects.len()) {
        let mut without = Vec::new();
        for n in block.clone() {
            without.push(peer.of(|| subjects.check_as(open, &office, n))?);
        }
        for (n, without) in block.zip(without) {
            let with = ours.of(|| subjects.check_as(restricted, &office, n))?;
            equal &= complete(&with) == complete(&without);
            for conflict in with.results.iter().flat_map(|r| &r.conflicts).filter(|c| c.restricted) {
                shown += 1;
                *expect.entry(conflict.id).or_default() += 1;
            }
        }
    }
    writing.end()?;
    equal &= shown > 0 && noted(conn)? == expect;
    report
        .note(format!("restricted reads: {shown} times a restricted feature was shown, of {} features", expect.len()));
    report.add(Comparison {
        name: "restricted-reads",
        ours: Side::rate("a check by the office, with who was shown what", &ours),
        peer: Some(Side::rate("the same check where nothing is restricted", &peer)),
        target: Some(TARGET),
        equal: Some(equal),
    });
    Ok(())
}
