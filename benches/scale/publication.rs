//! How long readers are blocked while a large change is published.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clearway::actions::conflict_check::{self, Drawn};
use clearway::actions::{Context, refresh};
use clearway::domain::actor::Actor;
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::geometry::Coord;

use crate::Failed;
use crate::checks::question;
use crate::report::{Comparison, Report, Side};
use crate::setup::{Database, on_cpu_and_queued};
use crate::visible::{place, until};

/// What a reader may be blocked longer than beside threads that only count.
const BLOCKED_MAX: Duration = Duration::from_millis(20);

/// How long the reader runs beside threads that count.
const QUIET: Duration = Duration::from_secs(20);

/// Nothing takes longer than this to be tidied up.
const TIDY_MAX: Duration = Duration::from_mins(2);

/// What a reader met.
#[derive(Debug, Default)]
struct Met {
    reads: usize,
    wall: Duration,
    blocked: Duration,
}

/// A large import, the index following it, and tidying up; beside it a reader.
pub fn compare(
    report: &mut Report,
    context: &Context,
    database: &Database,
    file: &Path,
    jurisdiction: &Jurisdiction,
) -> Result<(), Failed> {
    let quiet = while_reading(context, jurisdiction, || {
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
    let busy = while_reading(context, jurisdiction, || {
        database.import("works", file, jurisdiction)?;
        refresh::catch_up_all(context)?;
        until(TIDY_MAX, || refresh::is_tidy(context))
    })?;
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
        equal: None,
    });
    Ok(())
}

/// Runs `work` beside a reader that checks one place after the other.
fn while_reading(
    context: &Context,
    jurisdiction: &Jurisdiction,
    work: impl FnOnce() -> Result<(), Failed>,
) -> Result<Met, Failed> {
    let all = jurisdiction.boundary_grid().bounds();
    let along = |n: usize| (n % 1_000) as f64 / 1_000.0;
    let at = |n: usize| Coord {
        x: all.min[0] + (all.max[0] - all.min[0]) * along(n * 7),
        y: all.min[1] + (all.max[1] - all.min[1]) * along(n * 13),
    };
    let places: Vec<[Drawn; 1]> = (0..1_000).map(|n| [place(at(n), jurisdiction)]).collect();
    let (done, actor, question) = (AtomicBool::new(false), Actor::public(), question()?);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| -> Result<Met, String> {
            let mut met = Met::default();
            while !done.load(Ordering::Relaxed) {
                let (begun, not_blocked) = (Instant::now(), on_cpu_and_queued());
                let drawn = &places[met.reads % places.len()];
                conflict_check::check(context, &actor, drawn, &question).map_err(|e| e.to_string())?;
                let (wall, now) = (begun.elapsed(), on_cpu_and_queued());
                met.reads += 1;
                met.wall = met.wall.max(wall);
                met.blocked = met.blocked.max(wall.saturating_sub(now.saturating_sub(not_blocked)));
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
