//! How soon after a commit the kept runs that it alters are marked.

use std::time::{Duration, Instant};

use clearway::actions::feature::{self, Draft};
use clearway::actions::site_check::recheck::Rechecking;
use clearway::actions::site_check::{self, Asked, Question};
use clearway::actions::{Context, Witness};
use clearway::clock;
use clearway::domain::actor::Actor;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::work::Work;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::places::Places;
use crate::report::{Comparison, Report, Side, Times};
use crate::run::Failed;

/// Within what time a run is marked, ms.
pub const PROMISED_MS: f64 = 1_000.0;

/// How long is waited for a mark that does not come.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often is looked whether it has come.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Runs that are kept in one write.
const KEPT_AT_ONCE: usize = 500;

#[derive(QueryableByName)]
pub struct State {
    #[diesel(sql_type = BigInt)]
    behind: i64,
    /// Marks there are.
    #[diesel(sql_type = BigInt)]
    pub marks: i64,
}

/// Keeps a run of each of some columns.
pub fn keep(context: &Context, asked: &[Asked]) -> Result<(), Failed> {
    let actor = Actor::operator();
    let question = Question { at: clock::now(), min_revision: Vec::new() };
    for some in asked.chunks(KEPT_AT_ONCE) {
        let checks = site_check::check(context, &actor, some, &question)?;
        site_check::keep(context, Witness::new(&actor, "bench"), &checks, &|_, id| id.to_string())?;
    }
    Ok(())
}

/// Keeps so many runs, then writes masts next to some of them, one at a time: from the answer to the write until all that it
/// alters is marked.
pub fn compare(
    report: &mut Report,
    context: &Context,
    conn: &mut PgConnection,
    (places, jurisdiction): (&Places, &str),
    (kept, written): (usize, usize),
) -> Result<(), Failed> {
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "bench");
    let asked = &places.asked[..kept.min(places.asked.len())];
    keep(context, asked)?;
    let rechecking = Rechecking::begin(context)?;
    let first = settled(conn)?;
    let mut times = Times::default();
    for n in 0..written {
        let text = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
        let mut fields = vec![
            text("code", &format!("RECHECK-{n}")),
            text("kind", "mast"),
            text("column_class", "A2b"),
            text("organisation", "invented"),
        ];
        fields.push(("height_agl_m".to_owned(), Value::Number(40.0)));
        let draft = Draft {
            fields: Fields(fields),
            jurisdiction: Some(jurisdiction.to_owned()),
            delivered: Some(asked[n * asked.len() / written].delivered.clone()),
        };
        feature::create::<Work>(context, witness, &draft)?;
        times.of(|| settled(conn))?;
    }
    let marks = settled(conn)?.marks - first.marks;
    rechecking.end()?;
    report.note(format!("site-recheck: {written} masts beside {} kept runs made {marks} marks", asked.len()));
    let p99 = times.percentile(99).as_secs_f64() * 1_000.0;
    report.add(Comparison {
        name: "site-recheck",
        ours: Side::figure("from a commit until the runs it alters are marked, p99", p99, "ms"),
        peer: Some(Side::figure("as promised", PROMISED_MS, "ms")),
        target: Some(1.0),
        // Where a mast stands at the place itself, the spacing at least is another.
        equal: Some(marks >= i64::try_from(written)?),
    });
    Ok(())
}

/// Waits until whatever was committed is looked at.
pub fn settled(conn: &mut PgConnection) -> Result<State, Failed> {
    let begun = Instant::now();
    loop {
        let state: State = diesel::sql_query(
            "SELECT count(*) FILTER (WHERE p.revision IS DISTINCT FROM r.revision) AS behind,
                (SELECT coalesce(sum(number), 0)::bigint FROM site_check_marks) AS marks
             FROM revisions AS r LEFT JOIN site_check_progress AS p USING (jurisdiction)
             WHERE r.jurisdiction IN (SELECT code FROM jurisdictions)",
        )
        .get_result(conn)?;
        if state.behind == 0 {
            return Ok(state);
        }
        if begun.elapsed() > PATIENCE {
            return Err("the runs that a write altered are not marked".into());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
