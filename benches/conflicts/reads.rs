//! What it costs that whoever is shown a restricted work leaves a row.

use clearway::actions::Context;
use clearway::actions::restricted_read::Writing;
use clearway::domain::actor::Actor;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

use crate::Failed;
use crate::checks::{Subjects, blocks, complete};
use crate::report::{Comparison, Report, Side, Times};

/// The rate of a check that leaves a row, of that of the same check that leaves none.
const TARGET: f64 = 0.9;

#[derive(QueryableByName)]
struct Rows {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = BigInt)]
    ids: i64,
}

fn rows(conn: &mut PgConnection) -> Result<Rows, Failed> {
    let sql = "SELECT count(*) AS rows, coalesce(sum(cardinality(ids)), 0)::bigint AS ids FROM restricted_reads";
    Ok(sql_query(sql).get_result(conn)?)
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
    let before = rows(conn)?;
    let writing = Writing::begin(restricted)?;
    let (mut ours, mut peer, mut equal, mut shown) = (Times::default(), Times::default(), true, 0);
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
            shown += with.results.iter().flat_map(|r| &r.conflicts).filter(|c| c.restricted).count();
        }
    }
    writing.end()?;
    let after = rows(conn)?;
    equal &= shown > 0 && after.ids - before.ids == i64::try_from(shown)?;
    report.note(format!("restricted reads: {} rows of {shown} features shown", after.rows - before.rows));
    report.add(Comparison {
        name: "restricted-reads",
        ours: Side::rate("a check by the office, with who was shown what", &ours),
        peer: Some(Side::rate("the same check where nothing is restricted", &peer)),
        target: Some(TARGET),
        equal: Some(equal),
    });
    Ok(())
}
