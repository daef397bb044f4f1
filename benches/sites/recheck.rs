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
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double};

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
        site_check::keep(context, Witness::new(&actor, "bench"), &checks, &|_, id| Ok(id.to_string()))?;
    }
    Ok(())
}

/// Keeps so many runs, then writes masts next to some of them, one at a time: from the sending of the commit until all that
/// it alters is marked.
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
    watch_commits(conn)?;
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
        forget_commits(conn)?;
        feature::create::<Work>(context, witness, &draft)?;
        settled(conn)?;
        times.add(since_commit(conn)?);
    }
    let marks = settled(conn)?.marks - first.marks;
    rechecking.end()?;
    report.note(format!("site-recheck: {written} masts beside {} kept runs made {marks} marks", asked.len()));
    let p99 = times.percentile(99).as_secs_f64() * 1_000.0;
    report.add(Comparison {
        name: "site-recheck",
        ours: Side::figure("from the sending of a commit until the runs it alters are marked, p99", p99, "ms"),
        peer: Some(Side::figure("as promised", PROMISED_MS, "ms")),
        target: Some(1.0),
        // Where a mast stands at the place itself, the spacing at least is another.
        equal: Some(marks >= i64::try_from(written)?),
    });
    Ok(())
}

/// From now on the database notes when a commit begins: a deferred trigger runs when a COMMIT comes in, before anything of it is
/// written or seen.
pub fn watch_commits(conn: &mut PgConnection) -> Result<(), Failed> {
    conn.batch_execute(
        "CREATE TABLE IF NOT EXISTS bench_commits (at timestamptz NOT NULL);
         CREATE OR REPLACE FUNCTION bench_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
         BEGIN
             INSERT INTO public.bench_commits VALUES (clock_timestamp());
             RETURN NULL;
         END $$;
         DROP TRIGGER IF EXISTS bench_commit ON audit_events;
         CREATE CONSTRAINT TRIGGER bench_commit AFTER INSERT ON audit_events
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bench_commit()",
    )?;
    Ok(())
}

/// Forgets the commits that were noted.
pub fn forget_commits(conn: &mut PgConnection) -> Result<(), Failed> {
    conn.batch_execute("DELETE FROM bench_commits")?;
    Ok(())
}

/// How long ago the first of those that were noted began.
pub fn since_commit(conn: &mut PgConnection) -> Result<Duration, Failed> {
    #[derive(QueryableByName)]
    struct Ago {
        #[diesel(sql_type = Double)]
        seconds: f64,
    }
    let select =
        "SELECT extract(epoch FROM clock_timestamp() - min(at))::double precision AS seconds FROM bench_commits";
    let ago: Ago = diesel::sql_query(select).get_result(conn)?;
    Ok(Duration::from_secs_f64(ago.seconds))
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
