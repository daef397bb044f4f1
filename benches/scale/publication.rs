//! How long readers are blocked while a large change is published, and that they are told what stands in the database before
//! it or after it, and nothing in between.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clearway::actions::conflict_check::{self, Drawn, Question};
use clearway::actions::{Context, refresh};
use clearway::domain::actor::Actor;
use clearway::domain::corridor::Corridor;
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::geometry::{Coord, Geometry};
use clearway::store::schema::corridors;
use clearway::store::shape::Shape;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use uuid::Uuid;

use crate::Failed;
use crate::checks::{CLEARANCE_M, complete, question};
use crate::data::ACCURACY_M;
use crate::report::{Comparison, Report, Side};
use crate::setup::{Database, on_cpu_and_queued};
use crate::sql::{self, Ask};
use crate::visible::{place, until};

/// What a reader may be blocked longer than beside threads that only count.
const BLOCKED_MAX: Duration = Duration::from_millis(20);

/// How long the readers run beside threads that count.
const QUIET: Duration = Duration::from_secs(20);

/// Nothing takes longer than this to be tidied up.
const TIDY_MAX: Duration = Duration::from_mins(2);

/// Places, and stored corridors, that readers ask about, one after the other.
const PLACES: usize = 1_000;

/// The works near each subject.
type Answers = Vec<BTreeSet<Uuid>>;

/// What a reader met.
#[derive(Debug, Default)]
struct Met {
    reads: usize,
    wall: Duration,
    blocked: Duration,
    /// The different answers about each subject.
    told: Vec<BTreeSet<BTreeSet<Uuid>>>,
}

/// What readers of one kind ask about, one subject after the other.
struct Reader<'a> {
    name: &'static str,
    what: &'static str,
    subjects: Vec<sql::Subject>,
    of: &'static str,
    ask: Box<dyn Fn(usize) -> Result<BTreeSet<Uuid>, Failed> + Sync + 'a>,
}

impl Reader<'_> {
    /// What PostGIS says of each subject.
    fn by_postgis(&self, conn: &mut PgConnection, jurisdiction: &Jurisdiction) -> Result<Answers, Failed> {
        let near = |subject| {
            let (jurisdiction, clearance) = (jurisdiction.code.as_str(), CLEARANCE_M);
            let widest = CLEARANCE_M + ACCURACY_M[1];
            let ids = Ask { sql: self.of, jurisdiction, subject, widest, clearance }.ids(conn)?;
            Ok(ids.into_iter().collect())
        };
        self.subjects.iter().map(near).collect()
    }

    /// Asks until it is told to end.
    fn read(&self, done: &AtomicBool) -> Result<Met, String> {
        let mut met = Met { told: vec![BTreeSet::new(); self.subjects.len()], ..Met::default() };
        while !done.load(Ordering::Relaxed) {
            let n = met.reads % self.subjects.len();
            let (begun, not_blocked) = (Instant::now(), on_cpu_and_queued());
            let answer = (self.ask)(n).map_err(|e| e.to_string())?;
            let (wall, now) = (begun.elapsed(), on_cpu_and_queued());
            met.reads += 1;
            met.wall = met.wall.max(wall);
            met.blocked = met.blocked.max(wall.saturating_sub(now.saturating_sub(not_blocked)));
            met.told[n].insert(answer);
        }
        Ok(met)
    }
}

/// A large import, the index following it, and tidying up; beside it somebody who asks about drawn points, and somebody who
/// asks about stored corridors.
pub fn compare(
    report: &mut Report,
    context: &Context,
    database: &Database,
    conn: &mut PgConnection,
    file: &Path,
    jurisdiction: &Jurisdiction,
) -> Result<(), Failed> {
    let readers = [of_drawn(context, jurisdiction)?, of_stored(context, conn, jurisdiction)?];
    let say = |conn: &mut PgConnection| -> Result<Vec<Answers>, Failed> {
        readers.iter().map(|reader| reader.by_postgis(conn, jurisdiction)).collect()
    };
    let before = say(conn)?;
    let quiet = while_reading(&readers, || {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let count = || {
                let mut n = 0_u64;
                while !done.load(Ordering::Relaxed) {
                    n = std::hint::black_box(n + 1);
                }
            };
            (0..2).for_each(|_| drop(scope.spawn(count)));
            std::thread::sleep(QUIET);
            done.store(true, Ordering::Relaxed);
        });
        Ok(())
    })?;
    let busy = while_reading(&readers, || {
        database.import("works", file, jurisdiction)?;
        refresh::catch_up_all(context)?;
        until(TIDY_MAX, || refresh::is_tidy(context))
    })?;
    let after = say(conn)?;
    for (k, reader) in readers.iter().enumerate() {
        let (before, after, quiet, busy) = (&before[k], &after[k], &quiet[k], &busy[k]);
        let mut equal = true;
        for (n, (before, after)) in before.iter().zip(after).enumerate() {
            equal &= (reader.ask)(n)? == *after
                && quiet.told[n].iter().all(|told| told == before)
                && busy.told[n].iter().all(|told| told == before || told == after);
        }
        let (name, what, changed) =
            (reader.name, reader.what, before.iter().zip(after).filter(|(b, a)| b != a).count());
        report.note(format!(
            "{name}: every answer was compared with PostGIS before and after the change; it changed those of {changed} of \
             {} {what}",
            reader.subjects.len()
        ));
        for (when, met) in [("beside threads that count", quiet), ("during the change", busy)] {
            report.note(format!(
                "{name}: {when} {} checks of {what}, the longest {:.1} ms on the wall, blocked at most {:.2} ms",
                met.reads,
                met.wall.as_secs_f64() * 1e3,
                met.blocked.as_secs_f64() * 1e3
            ));
        }
        let milliseconds = |d: Duration| (d.as_secs_f64() * 1e3).max(0.001);
        report.add(Comparison {
            name,
            ours: Side::figure(
                format!("a reader of {what} was blocked during the change"),
                milliseconds(busy.blocked),
                "ms",
            ),
            peer: Some(Side::figure(
                "beside threads that count, and 20 ms",
                milliseconds(quiet.blocked + BLOCKED_MAX),
                "ms",
            )),
            target: Some(1.0),
            equal: Some(equal),
        });
    }
    Ok(())
}

/// Drawn points.
fn of_drawn<'a>(context: &'a Context, jurisdiction: &Jurisdiction) -> Result<Reader<'a>, Failed> {
    let places = places(jurisdiction);
    let drawn: Vec<[Drawn; 1]> = places.iter().map(|at| [place(*at, jurisdiction)]).collect();
    let (actor, question) = (Actor::public(), question()?);
    let shape = |at: Coord<f64>| sql::Subject::Drawn(Shape::new(Geometry::Point(at.into()), jurisdiction.grid));
    Ok(Reader {
        name: "scale-publication",
        what: "drawn points",
        subjects: places.into_iter().map(shape).collect(),
        of: sql::IDS,
        ask: Box::new(move |n| Ok(complete(&conflict_check::check(context, &actor, &drawn[n], &question)?))),
    })
}

/// Stored corridors, whose conflicts are kept; they have a clearance of their own, [`CLEARANCE_M`].
fn of_stored<'a>(
    context: &'a Context,
    conn: &mut PgConnection,
    jurisdiction: &Jurisdiction,
) -> Result<Reader<'a>, Failed> {
    let first = i64::try_from(PLACES)?;
    let ids: Vec<Uuid> = corridors::table
        .filter(corridors::jurisdiction.eq(&jurisdiction.code))
        .order(corridors::code.asc())
        .limit(first)
        .select(corridors::id)
        .load(conn)?;
    let (actor, question) = (Actor::public(), Question { clearance: None, ..question()? });
    Ok(Reader {
        name: "scale-publication-stored",
        what: "stored corridors",
        subjects: ids.iter().copied().map(sql::Subject::Stored).collect(),
        of: sql::STORED,
        ask: Box::new(move |n| {
            let answer = conflict_check::check_stored::<Corridor>(context, &actor, ids[n], &question)?;
            Ok(complete(&answer))
        }),
    })
}

/// Places all over a jurisdiction.
fn places(jurisdiction: &Jurisdiction) -> Vec<Coord<f64>> {
    let all = jurisdiction.boundary_grid().bounds();
    let along = |n: usize| (n % PLACES) as f64 / PLACES as f64;
    let at = |n: usize| Coord {
        x: all.min[0] + (all.max[0] - all.min[0]) * along(n * 7),
        y: all.min[1] + (all.max[1] - all.min[1]) * along(n * 13),
    };
    (0..PLACES).map(at).collect()
}

/// Runs `work` beside a reader of each kind, who asks about one subject after the other.
fn while_reading(readers: &[Reader<'_>], work: impl FnOnce() -> Result<(), Failed>) -> Result<Vec<Met>, Failed> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading: Vec<_> = readers.iter().map(|reader| scope.spawn(|| reader.read(&done))).collect();
        let worked = work();
        done.store(true, Ordering::Relaxed);
        let met: Vec<_> = reading.into_iter().map(|reader| reader.join().map_err(|_| "a reader panicked")).collect();
        worked?;
        met.into_iter().map(|met| Ok(met??)).collect()
    })
}
