//! Site checks through the index against the same geometric facts by PostGIS, in one run, on the same data.
//!
//! **Data**: 100 000 invented works and 2 000 corridors in VN-72 as in `conflicts`, 20 000 invented reference features (schools,
//! hospitals, buildings, urban areas, heritage, transmitters, roads), and the real layers of `../shared/data` where they are there:
//! communes, heritage, hospitals, runways and roads, by the ordinary import.
//!
//! * `site-check`: a full check of one place on one thread, all twelve findings, from the coordinates on, against one prepared
//!   statement that gives the facts these rest on: each feature near enough, its distance, and how deep the place lies in it. At
//!   least 30 times as fast. `equal`: the facts of every place are the same.
//! * `site-two-threads`: 10 000 places on two threads against one thread, and that against a loop that only counts.
//! * `site-search`: 5 000 candidate places of one search, against a batch of the same places on two threads.
//! * `site-check-visibility`: the same places checked by a carrier who does not see one work or reference feature of fifty, against
//!   the operator where nothing is hidden. `equal`: the facts are those of the operator but the hidden ones, of which it is told.
//!
//! * `site-recheck`: 10 000 runs are kept, and masts written beside some of them: from the sending of the commit until the runs that
//!   it alters are marked, 99 of 100 writes faster; the peer is the second that is promised. `equal`: each mast made a mark.
//!
//! * `site-recheck-rules`, `-import` and `-coverage`: the same on the province of the demonstration, with its layers and coverage and
//!   500 runs, after another pack of rules, an import of 2 000 masts, and a layer that is declared to be whole or not any more: the
//!   slowest of five. `equal`: marks were made.
//!
//! A missed target or an unequal answer ends with code 1. `CLEARWAY_BENCH_QUICK=1` runs a hundredth of it, to see that it
//! works: its figures mean nothing.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts far below 2^32

#[allow(dead_code)] // the other bench has more of it
#[path = "../conflicts/data.rs"]
mod data;
mod demo;
mod facts;
mod places;
mod recheck;
#[allow(dead_code)] // the other bench has more kinds of figures
#[path = "../conflicts/report.rs"]
mod report;
#[path = "../conflicts/run.rs"]
mod run;
#[allow(dead_code)] // the other bench serves over HTTP
#[path = "../conflicts/setup.rs"]
mod setup;
mod sight;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use clearway::actions::site_check::search::{self, Pattern, Wanted};
use clearway::actions::site_check::{self, Asked, Question};
use clearway::actions::{Context, Witness, organisation, refresh};
use clearway::clock;
use clearway::domain::actor::Actor;
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::domain::organisation::{Organisation, OrganisationKind};
use clearway::domain::place::Delivered;
use clearway::geometry::Geometry;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use geo_types::Rect;

use data::Province;
use places::Places;
use report::{Comparison, Report, Side, Times};
use run::Failed;
use setup::{Database, Folder};

/// How much of everything.
#[derive(Debug, Clone, Copy)]
struct Size {
    works: usize,
    corridors: usize,
    references: usize,
    /// Places that PostGIS is asked about, too.
    compared: usize,
    /// Places of a batch.
    batch: usize,
    /// Candidate places of a search.
    searched: usize,
    /// Masts that are written beside runs.
    written: usize,
    /// On the province of the demonstration.
    demo: demo::Size,
}

const FULL: Size = Size {
    works: 100_000,
    corridors: 2_000,
    references: 20_000,
    compared: 2_000,
    batch: 10_000,
    searched: 5_000,
    written: 200,
    demo: demo::Size { runs: 500, imported: 2_000, rounds: 5 },
};
const QUICK: Size = Size {
    works: 1_000,
    corridors: 20,
    references: 200,
    compared: 20,
    batch: 100,
    searched: 50,
    written: 5,
    demo: demo::Size { runs: 20, imported: 200, rounds: 2 },
};

/// How much faster a check has to be than SQL that gives the facts alone.
const TARGET: f64 = 30.0;
/// How much of the gain of a loop that only counts checks have to reach on two threads.
const TARGET_THREADS: f64 = 0.85;
/// How much of the rate of a batch of the same places a search has to reach.
const TARGET_SEARCH: f64 = 1.0;
/// How often two sides of a ratio are taken; the middle one counts.
const ROUNDS: usize = 3;
/// How far the loop counts.
const SPIN: u64 = 500_000_000;
/// Checks that one side makes before the other has its turn.
const BLOCK: usize = 100;

fn main() -> ExitCode {
    run::run_in(FULL, QUICK, run)
}

fn run(size: Size) -> Result<bool, Failed> {
    let mut report = Report::default();
    let folder = Folder::new()?;
    let (database, jurisdiction) = Database::start(&folder)?;
    let province = Province::new(jurisdiction.boundary_grid(), data::TOWNS);
    let mut conn = PgConnection::establish(&database.url)?;
    bring(&mut report, &database, &folder, &province, &jurisdiction, size)?;
    // By kind the peer looks for each as far as that matters, and no farther.
    conn.batch_execute("CREATE INDEX by_kind ON reference_features USING gist (jurisdiction, kind, geom_grid)")?;
    for statement in ["VACUUM (ANALYZE) works", "VACUUM (ANALYZE) corridors", "VACUUM (ANALYZE) reference_features"] {
        conn.batch_execute(statement)?;
    }
    let context = Context::connect(database.settings())?;
    refresh::catch_up_all(&context)?;
    let places = Places::new(&province, &jurisdiction, size.batch)?;
    register_carrier(&context)?;
    one_place(&mut report, &context, &mut conn, &places, size.compared)?;
    two_threads(&mut report, &context, &places)?;
    one_search(&mut report, &context, &jurisdiction, &places, size.searched)?;
    sight::compare(&mut report, &context, database.settings(), &mut conn, (&places, size.compared))?;
    recheck::compare(&mut report, &context, &mut conn, (&places, &jurisdiction.code), (size.batch, size.written))?;
    demo::compare(&mut report, &database, &folder.0, &jurisdiction, size.demo)?;
    Ok(report.finish())
}

/// Registers the carrier that asks.
fn register_carrier(context: &Context) -> Result<(), Failed> {
    let carrier = Organisation::new("invented", "An invented carrier", OrganisationKind::Carrier);
    let carrier = carrier.map_err(|problems| format!("{problems:?}"))?;
    organisation::add(context, Witness::new(&Actor::operator(), "bench"), &carrier)?;
    Ok(())
}

fn question() -> Question {
    Question { at: clock::now(), min_revision: Vec::new() }
}

/// Brings everything in by the program's own import.
fn bring(
    report: &mut Report,
    database: &Database,
    folder: &Folder,
    province: &Province<'_>,
    jurisdiction: &Jurisdiction,
    size: Size,
) -> Result<(), Failed> {
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules/VN-2027-01.toml");
    clearway(database, &["rules", "import"], &pack, &["--jurisdiction", &jurisdiction.code])?;
    let file = |name: &str| folder.0.join(name);
    province.write_works(&file("works.geojsonl"), size.works)?;
    data::write_corridors(&file("corridors.geojsonl"), &province.corridors(size.corridors, data::SHORT_ROADS_M))?;
    places::write_references(&file("references.geojsonl"), province, size.references)?;
    let grid = jurisdiction.grid.to_string();
    let on_grid = ["--jurisdiction", &jurisdiction.code, "--organisation", "invented", "--crs", &grid];
    clearway(database, &["import", "works"], &file("works.geojsonl"), &on_grid)?;
    clearway(database, &["import", "corridors"], &file("corridors.geojsonl"), &on_grid)?;
    clearway(database, &["import", "references"], &file("references.geojsonl"), &on_grid)?;
    let mut absent = Vec::new();
    for (kind, name, more) in places::REAL {
        let real = shared(name);
        if !real.is_file() {
            absent.push(*name);
            continue;
        }
        let skip = ["--on-error", "skip", "--outside", "skip"];
        let own = [&["--jurisdiction", &jurisdiction.code, "--organisation", "invented"], &skip[..], more].concat();
        match clearway(database, &["import", kind], &real, &own) {
            // An import of which nothing is left is refused: all of it lies outside, or is nowhere.
            Err(why) if ["lies outside", "/geometry is null"].iter().any(|so| why.to_string().contains(so)) => {
                absent.push(*name);
            }
            done => done?,
        }
    }
    if absent.is_empty() {
        report.note("the real layers are loaded: communes, heritage, hospitals, runways, roads".into());
    } else {
        report.note(format!("real layers that are not there, or have nothing here: {}", absent.join(", ")));
    }
    Ok(())
}

/// A file of real data beside the project.
fn shared(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name)
}

fn clearway(database: &Database, command: &[&str], file: &Path, more: &[&str]) -> Result<(), Failed> {
    let done = Command::new(env!("CARGO_BIN_EXE_clearway"))
        .args(command)
        .arg(file)
        .args(more)
        .env("DATABASE_URL", &database.service_url)
        .env("CLEARWAY_LOG", "warn")
        .output()?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} {}: {}", file.display(), String::from_utf8_lossy(&done.stderr)).into())
}

/// A full check of one place against the facts by SQL.
fn one_place(
    report: &mut Report,
    context: &Context,
    conn: &mut PgConnection,
    places: &Places,
    count: usize,
) -> Result<(), Failed> {
    let (actor, question) = (Actor::operator(), question());
    let peer_asks = facts::Statement::new(&facts::Reaches::of(context, conn, places)?)?;
    for n in 0..count.min(BLOCK) {
        site_check::check(context, &actor, std::slice::from_ref(&places.asked[n]), &question)?;
    }
    report.note(peer_asks.choose_plan(conn, places, count)?);
    let (mut ours, mut peer, mut equal, mut seen) = (Times::default(), Times::default(), true, 0);
    for first in (0..count).step_by(BLOCK) {
        let block = first..(first + BLOCK).min(count);
        let mut expect = Vec::with_capacity(BLOCK);
        for n in block.clone() {
            expect.push(peer.of(|| peer_asks.facts(conn, places, n))?);
        }
        for n in block.clone() {
            ours.of(|| site_check::check(context, &actor, std::slice::from_ref(&places.asked[n]), &question))?;
        }
        for (n, expect) in block.zip(expect) {
            let found = site_check::facts(context, &actor, &places.asked[n], &question)?;
            seen += found.len();
            equal &= facts::same(&found, expect);
        }
    }
    report.note(format!("{count} places have {seen} facts"));
    report.add(Comparison {
        name: "site-check",
        ours: Side::rate("all twelve checks of a place, one thread", &ours),
        peer: Some(Side::rate("PostGIS, prepared, the facts alone", &peer)),
        target: Some(TARGET),
        equal: Some(equal),
    });
    Ok(())
}

/// Checks places on so many threads; how many a second.
fn on_threads(context: &Context, asked: &[Asked], threads: usize) -> Result<f64, Failed> {
    let (actor, question) = (Actor::operator(), question());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let all = |part: &[Asked]| {
            part.iter().try_for_each(|one| {
                let checked = site_check::check(context, &actor, std::slice::from_ref(one), &question);
                checked.map(drop).map_err(|e| e.to_string())
            })
        };
        let parts = asked.chunks(asked.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || all(part))).collect();
        running.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
    })?;
    Ok(asked.len() as f64 / begun.elapsed().as_secs_f64())
}

/// What a second thread brings to checks of many places.
fn two_threads(report: &mut Report, context: &Context, places: &Places) -> Result<(), Failed> {
    let check = |threads: usize| on_threads(context, &places.asked, threads);
    let spin = |threads: usize| {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let count = || {
                (0..SPIN).for_each(|n| {
                    std::hint::black_box(n);
                });
            };
            (0..threads).for_each(|_| drop(scope.spawn(count)));
        });
        threads as f64 / begun.elapsed().as_secs_f64()
    };
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        peer.push(spin(2) / spin(1));
        ours.push(check(2)? / check(1)?);
    }
    report.add(Comparison {
        name: "site-two-threads",
        ours: Side::figure("places, two threads against one", middle(&mut ours), "x"),
        peer: Some(Side::figure("a loop that counts, two threads against one", middle(&mut peer), "x")),
        target: Some(TARGET_THREADS),
        equal: None,
    });
    Ok(())
}

fn middle(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// A search over so many candidate places, against a batch of the same places on two threads.
fn one_search(
    report: &mut Report,
    context: &Context,
    jurisdiction: &Jurisdiction,
    places: &Places,
    candidates: usize,
) -> Result<(), Failed> {
    const SPACING_M: f64 = 50.0;
    let (mut ours, mut peer, mut looked_at) = (Vec::new(), Vec::new(), 0);
    for one in places.asked.iter().take(ROUNDS) {
        let Geometry::Point(at) = one.delivered.shape else { return Err("a place is a point".into()) };
        // A square of the grid with so many places in it; the pattern begins at round numbers.
        let side = (candidates as f64).sqrt().floor();
        let corner = |v: f64| ((v / SPACING_M).floor() - (side / 2.0).floor()) * SPACING_M;
        let (west, south, size) = (corner(at.x()), corner(at.y()), (side - 1.0) * SPACING_M);
        let area = Rect::new((west - 1.0, south - 1.0), (west + size + 1.0, south + size + 1.0));
        let wanted = Wanted {
            area: Delivered { shape: Geometry::Polygon(area.to_polygon()), crs: jurisdiction.grid },
            radius_m: 0.0,
            subject: one.subject.clone(),
            pattern: Pattern::Square,
            spacing_m: Some(SPACING_M),
            limit: 20,
            at: clock::now(),
            min_revision: Vec::new(),
        };
        let begun = Instant::now();
        let found = search::search(context, &Actor::operator(), &wanted)?;
        ours.push(found.looked_at as f64 / begun.elapsed().as_secs_f64());
        let mut same = Vec::new();
        for (column, row) in (0..side as u32).flat_map(|c| (0..side as u32).map(move |r| (f64::from(c), f64::from(r))))
        {
            let shape = Geometry::Point((west + column * SPACING_M, south + row * SPACING_M).into());
            same.push(Asked { delivered: Delivered { shape, crs: jurisdiction.grid }, ..one.clone() });
        }
        if same.len() != found.looked_at {
            return Err(format!("the search looked at {} places, and there are {}", found.looked_at, same.len()).into());
        }
        looked_at += found.looked_at;
        peer.push(on_threads(context, &same, 2)?);
    }
    report.note(format!("{ROUNDS} searches looked at {looked_at} places"));
    report.add(Comparison {
        name: "site-search",
        ours: Side::figure("candidate places of a search", middle(&mut ours), "/s"),
        peer: Some(Side::figure("the same places as a batch, two threads", middle(&mut peer), "/s")),
        target: Some(TARGET_SEARCH),
        equal: None,
    });
    Ok(())
}
