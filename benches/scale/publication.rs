//! How long readers are blocked while a large change is published, and that they are told what stands in the database before
//! it or after it, and nothing in between.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clearway::actions::conflict_check::{self, Drawn};
use clearway::actions::{Context, refresh};
use clearway::domain::actor::Actor;
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::geometry::{Coord, Geometry};
use clearway::store::shape::Shape;
use diesel::pg::PgConnection;
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

/// How long the reader runs beside threads that count.
const QUIET: Duration = Duration::from_secs(20);

/// Nothing takes longer than this to be tidied up.
const TIDY_MAX: Duration = Duration::from_mins(2);

/// Places that a reader asks about, one after the other.
const PLACES: usize = 1_000;

/// The works near each place.
type Answers = Vec<BTreeSet<Uuid>>;

/// What a reader met.
#[derive(Debug, Default)]
struct Met {
    reads: usize,
    wall: Duration,
    blocked: Duration,
    /// The different answers about each place.
    told: Vec<BTreeSet<BTreeSet<Uuid>>>,
}

/// A large import, the index following it, and tidying up; beside it a reader.
pub fn compare(
    report: &mut Report,
    context: &Context,
    database: &Database,
    conn: &mut PgConnection,
    file: &Path,
    jurisdiction: &Jurisdiction,
) -> Result<(), Failed> {
    let places = places(jurisdiction);
    let drawn: Vec<[Drawn; 1]> = places.iter().map(|at| [place(*at, jurisdiction)]).collect();
    let before = by_postgis(conn, &places, jurisdiction)?;
    let quiet = while_reading(context, &drawn, || {
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
    let busy = while_reading(context, &drawn, || {
        database.import("works", file, jurisdiction)?;
        refresh::catch_up_all(context)?;
        until(TIDY_MAX, || refresh::is_tidy(context))
    })?;
    let after = by_postgis(conn, &places, jurisdiction)?;
    let mut equal = true;
    for (n, (before, after)) in before.iter().zip(&after).enumerate() {
        let now = conflict_check::check(context, &Actor::public(), &drawn[n], &question()?)?;
        equal &= complete(&now) == *after
            && quiet.told[n].iter().all(|told| told == before)
            && busy.told[n].iter().all(|told| told == before || told == after);
    }
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    report.note(format!(
        "scale-publication: every answer was compared with PostGIS before and after the change; it changed those of {changed} of \
         {PLACES} places"
    ));
    for (what, met) in [("beside threads that count", &quiet), ("during the change", &busy)] {
        report.note(format!(
            "scale-publication: {what} {} checks of a point, the longest {:.1} ms on the wall, blocked at most {:.2} ms",
            met.reads,
            met.wall.as_secs_f64() * 1e3,
            met.blocked.as_secs_f64() * 1e3
        ));
    }
    let milliseconds = |d: Duration| (d.as_secs_f64() * 1e3).max(0.001);
    report.add(Comparison {
        name: "scale-publication",
        ours: Side::figure("a reader was blocked during the change", milliseconds(busy.blocked), "ms"),
        peer: Some(Side::figure(
            "beside threads that count, and 20 ms",
            milliseconds(quiet.blocked + BLOCKED_MAX),
            "ms",
        )),
        target: Some(1.0),
        equal: Some(equal),
    });
    Ok(())
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

/// What PostGIS says of each place.
fn by_postgis(conn: &mut PgConnection, places: &[Coord<f64>], jurisdiction: &Jurisdiction) -> Result<Answers, Failed> {
    let near = |at: &Coord<f64>| {
        let subject = sql::Subject::Drawn(Shape::new(Geometry::Point((*at).into()), jurisdiction.grid));
        let widest = CLEARANCE_M + ACCURACY_M[1];
        let (jurisdiction, clearance) = (jurisdiction.code.as_str(), CLEARANCE_M);
        let ids = Ask { sql: sql::IDS, jurisdiction, subject: &subject, widest, clearance }.ids(conn)?;
        Ok(ids.into_iter().collect())
    };
    places.iter().map(near).collect()
}

/// Runs `work` beside a reader that checks one place after the other.
fn while_reading(
    context: &Context,
    places: &[[Drawn; 1]],
    work: impl FnOnce() -> Result<(), Failed>,
) -> Result<Met, Failed> {
    let (done, actor, question) = (AtomicBool::new(false), Actor::public(), question()?);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| -> Result<Met, String> {
            let mut met = Met { told: vec![BTreeSet::new(); places.len()], ..Met::default() };
            while !done.load(Ordering::Relaxed) {
                let n = met.reads % places.len();
                let (begun, not_blocked) = (Instant::now(), on_cpu_and_queued());
                let answer =
                    conflict_check::check(context, &actor, &places[n], &question).map_err(|e| e.to_string())?;
                let (wall, now) = (begun.elapsed(), on_cpu_and_queued());
                met.reads += 1;
                met.wall = met.wall.max(wall);
                met.blocked = met.blocked.max(wall.saturating_sub(now.saturating_sub(not_blocked)));
                met.told[n].insert(complete(&answer));
            }
            Ok(met)
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        let met = reader.join().map_err(|_| "the reader panicked")?;
        worked?;
        Ok(met?)
    })
}
