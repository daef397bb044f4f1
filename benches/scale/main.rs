//! The promise for a large register, each line a ratio in one run: **1 000 000 works and 20 000 corridors** against the
//! database itself, and against a register of a tenth of it on a tenth of the ground.
//!
//! **Data** (invented, from fixed seeds, see `conflicts/data`): works (85 % points, 11 % cables, 4 % small buildings; half
//! of them in towns) and corridors of 101 positions, 2–8 km long, in VN-72; the large register over all of it with
//! twenty towns, the small one with 100 000 works and 2 000 corridors over a tenth of the area with two: as many works
//! on a square kilometre. Both stand in one private, durable PostgreSQL, brought in by `clearway import`.
//!
//! * `scale-import`: `clearway import works` of 1 000 000 works, from reading the file to the commit, against a plain
//!   COPY of the same rows into a table with the same columns, constraints and indexes; at most 4 times as long.
//! * `scale-memory`: a process of its own loads the works alone; its resident memory before and after. At most 600 bytes
//!   for each, cables and buildings included.
//! * `scale-load`: the whole index from an empty process against a binary COPY of the same columns that is thrown away;
//!   at most 3 times as long.
//! * `scale-p99`: the slowest of a hundred checks, in turns with the same in the small register; at most twice as slow. The
//!   answers of the large one are compared with PostGIS.
//! * `scale-visible`: from the beginning of a write to a check that shows it, the slowest of a hundred, against that of a
//!   commit of one row in a plain table, in turns; at most 3 ms more.
//! * `scale-publication`: how long a reader of drawn points is blocked at most while 300 000 works change in one import, the
//!   index follows and large trees are built anew; against the same reader beside threads that only count, and 20 ms.
//!   `scale-publication-stored`: the same of stored corridors, whose conflicts are kept. Blocked is
//!   what the clock on the wall says without the time on a processor and the time in the queue for one. Every answer has to
//!   be what PostGIS says before the change or after it.
//!
//! A missed target or an unequal answer ends with code 1. `CLEARWAY_BENCH_QUICK=1` runs a hundredth of it, to see that it
//! works: its figures mean nothing.

#![allow(clippy::cast_precision_loss)] // counts far below 2^52

#[path = "../conflicts/bare.rs"]
mod bare;
#[allow(dead_code)] // the other bench compares more
#[path = "../conflicts/checks.rs"]
mod checks;
#[allow(dead_code)] // the other bench has longer roads
#[path = "../conflicts/data.rs"]
mod data;
mod import;
mod load;
mod publication;
#[allow(dead_code)] // the other bench has more kinds of figures
#[path = "../conflicts/report.rs"]
mod report;
#[path = "../conflicts/run.rs"]
mod run;
#[allow(dead_code)] // the other bench serves over HTTP
#[path = "../conflicts/setup.rs"]
mod setup;
#[allow(dead_code)] // the other bench asks more
#[path = "../conflicts/sql.rs"]
mod sql;
mod visible;

use std::process::ExitCode;

use clearway::actions::{Context, refresh};
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::geometry::measure::{self, Prepared, Relation};
use clearway::geometry::{Coord, Geometry, Grid};
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;

use checks::Subjects;
use data::Province;
use report::{Comparison, Report, Side, Times};
use run::Failed;
use setup::{Database, Folder};

/// How much of everything in the large register; the small one has a tenth.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Works.
    pub works: usize,
    /// Corridors.
    pub corridors: usize,
    /// Works that change at once.
    pub changed: usize,
    /// Checks, in each register.
    pub checks: usize,
    /// Checks that PostGIS repeats.
    pub repeated: usize,
    /// Single writes.
    pub writes: usize,
}

const FULL: Size =
    Size { works: 1_000_000, corridors: 20_000, changed: 300_000, checks: 4_000, repeated: 300, writes: 600 };
const QUICK: Size = Size { works: 10_000, corridors: 200, changed: 3_000, checks: 40, repeated: 10, writes: 20 };

/// How much of the ground, the works and the towns the small register has.
const SHARE: usize = 10;

/// How much of the speed in the small register a check has to keep.
const TARGET_P99: f64 = 0.5;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(load::ALONE) {
        return load::alone(&arguments.next().unwrap_or_default());
    }
    run::run_in(FULL, QUICK, run)
}

fn run(size: Size) -> Result<bool, Failed> {
    let mut report = Report::default();
    let folder = Folder::new()?;
    let (database, jurisdiction) = Database::start(&folder)?;
    let large = Province::new(jurisdiction.boundary_grid(), data::TOWNS);
    let square = a_tenth(&jurisdiction)?;
    let small = Province::new(&square, data::TOWNS / u32::try_from(SHARE)?);

    let works = folder.0.join("works.geojsonl");
    large.write_works(&works, size.works)?;
    let mut conn = PgConnection::establish(&database.url)?;
    import::compare(&mut report, &database, &mut conn, &folder, &works, &jurisdiction, size)?;
    vacuum(&mut conn)?;
    load::memory(&mut report, &database, size)?;

    let drawn = bring_corridors(&database, &folder, &large, &jurisdiction, size.corridors)?;
    vacuum(&mut conn)?;
    load::compare(&mut report, &database, &mut conn)?;

    let beside = database.beside("clearway_small")?;
    small.write_works(&works, size.works / SHARE)?;
    beside.import("works", &works, &jurisdiction)?;
    let drawn_small = bring_corridors(&beside, &folder, &small, &jurisdiction, size.corridors / SHARE)?;
    vacuum(&mut PgConnection::establish(&beside.url)?)?;

    let context = loaded(&database)?;
    let asked = Subjects::new(&some(&drawn, size.checks), &jurisdiction);
    let asked_small = Subjects::new(&some(&drawn_small, size.checks), &jurisdiction);
    p99(&mut report, [&context, &loaded(&beside)?], [&asked, &asked_small], &mut conn, size)?;
    visible::compare(&mut report, &context, &mut conn, &jurisdiction, size)?;

    large.write_works_of(7, &works, size.changed)?;
    publication::compare(&mut report, &context, &database, &mut conn, &works, &jurisdiction)?;
    Ok(report.finish())
}

/// A square inside a jurisdiction with a tenth of its area.
fn a_tenth(jurisdiction: &Jurisdiction) -> Result<Prepared, Failed> {
    const STEPS: u32 = 40;
    let boundary = jurisdiction.boundary_grid();
    let area = geo::Area::unsigned_area(boundary.geometry().as_ref());
    let (half, all) = ((area / SHARE as f64).sqrt() / 2.0, boundary.bounds());
    let at =
        |axis: usize, step: u32| all.min[axis] + (all.max[axis] - all.min[axis]) * f64::from(step) / f64::from(STEPS);
    let square = |n: u32| {
        let (x, y) = (at(0, n % STEPS), at(1, n / STEPS));
        let corner = |side: f64| Coord { x: x + side * half, y: y + side * half };
        let square = geo_types::Rect::new(corner(-1.0), corner(1.0)).to_polygon();
        Prepared::new(&Grid(Geometry::Polygon(square)))
    };
    let inside = |square: &Prepared| measure::relation(square, boundary) == Relation::Inside;
    (0..STEPS * STEPS).map(square).find(inside).ok_or_else(|| "no square of that size fits the jurisdiction".into())
}

fn bring_corridors(
    database: &Database,
    folder: &Folder,
    ground: &Province<'_>,
    jurisdiction: &Jurisdiction,
    count: usize,
) -> Result<Vec<clearway::geometry::Polygon<f64>>, Failed> {
    let drawn = ground.corridors(count, data::SHORT_ROADS_M);
    let file = folder.0.join("corridors.geojsonl");
    data::write_corridors(&file, &drawn)?;
    database.import("corridors", &file, jurisdiction)?;
    Ok(drawn)
}

/// The first so many, from the beginning again where there are fewer.
fn some<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    all.iter().cycle().take(count).cloned().collect()
}

fn vacuum(conn: &mut PgConnection) -> Result<(), Failed> {
    // One by one: several in one batch would be one transaction, in which VACUUM cannot run.
    for statement in ["VACUUM (ANALYZE) works", "VACUUM (ANALYZE) corridors", "CHECKPOINT"] {
        conn.batch_execute(statement)?;
    }
    Ok(())
}

/// A context with its index.
fn loaded(database: &Database) -> Result<Context, Failed> {
    let context = Context::connect(database.settings())?;
    refresh::catch_up_all(&context)?;
    Ok(context)
}

/// Checks in the large register and in the small one, in turns.
fn p99(
    report: &mut Report,
    contexts: [&Context; 2],
    subjects: [&Subjects; 2],
    conn: &mut PgConnection,
    size: Size,
) -> Result<(), Failed> {
    let mut times = [Times::default(), Times::default()];
    let mut found = [0, 0];
    let mut answers = Vec::new();
    for warm in [true, false] {
        for block in checks::blocks(size.checks) {
            for side in 0..2 {
                for n in block.clone() {
                    let answer = times[side].of(|| subjects[side].check(contexts[side], n))?;
                    found[side] += usize::from(!warm) * answer.results[0].conflict_count;
                    if !warm && side == 0 && n < size.repeated {
                        answers.push(checks::complete(&answer));
                    }
                }
            }
        }
        if warm {
            times = [Times::default(), Times::default()];
        }
    }
    let mut equal = true;
    for (n, answer) in answers.iter().enumerate() {
        let expect = subjects[0].ask(sql::IDS, n).ids(conn)?;
        equal &= *answer == expect.into_iter().collect();
    }
    let [large, small] = &times;
    let of_one = |all: usize| all as f64 / size.checks as f64;
    report.note(format!(
        "scale-p99: a check finds {:.1} works in the large register and {:.1} in the small one; {} answers were compared with PostGIS",
        of_one(found[0]),
        of_one(found[1]),
        answers.len()
    ));
    let side = |what: &str, t: &Times| Side {
        spread: Some((t.percentile(50), t.percentile(99))),
        ..Side::figure(what, t.percentile(99).as_secs_f64() * 1e3, "ms")
    };
    report.add(Comparison {
        name: "scale-p99",
        ours: side("99 of 100 checks, the large register", large),
        peer: Some(side("99 of 100 checks, the small register", small)),
        target: Some(TARGET_P99),
        equal: Some(equal),
    });
    Ok(())
}
