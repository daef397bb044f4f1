//! Site checks through the index against the same geometric facts by PostGIS, in one run, on the same data.
//!
//! **Data**: 100 000 invented works and 2 000 corridors in VN-72 as in `conflicts`, 20 000 invented reference features (schools,
//! hospitals, buildings, urban areas, heritage, transmitters, roads, zones with classes, quotas and spacings, requests) and six
//! runways, all declared to be whole, and the real layers of `../shared/data` where they are there: communes, heritage, hospitals,
//! runways and roads, by the ordinary import.
//!
//! * `site-check`: a full check of one place on one thread, all twelve findings, from the coordinates on, against one prepared
//!   statement that gives the facts these rest on: each feature near enough, its distance, and how deep the place lies in it; the
//!   lowest obstacle surface over the place (AIR); the columns in each zone with a quota that holds it, however far away (ZON); the
//!   spacing that holds there and the columns that are nearer (SPC); the compliance distance of all antennas with those that are
//!   co-sited (EMF). What the peer does not compute: directions of antennas, verdicts, sentences, law. At least 30 times as fast.
//!   `equal`: of every place the facts, and what the findings say of these, are the same to a micrometre. One of a hundred places at
//!   least has each of them, or the bench fails.
//! * `site-two-threads`: 10 000 places checked in this process on two threads against one thread, and that against a loop that only
//!   counts. `site-batch-two-threads`: the same places as lines of `POST /api/site-checks/batch`, in two requests at once against one,
//!   on the clock, for waiting costs no processor time: with it is measured a client that reads the answers on the same two cores.
//! * `site-batch`: such a batch in one request against the same checks in this process, both a second of processor time. `equal`: each
//!   of the first 500 lines says what a check of it says.
//! * `site-search` and `site-search-hexagonal`: 5 000 candidate places of one search, in both patterns, against a batch of the same
//!   places on two threads. `equal`: the best places are those of single checks of all of them, in their order, with the same findings.
//! * `site-check-visibility`: the same places checked by a carrier who does not see one work or reference feature of fifty, against
//!   the operator where nothing is hidden. `equal`: the facts are those of the operator but the hidden ones, of which it is told.
//!
//! * `site-recheck`: 10 000 runs are kept, and masts written beside some of them: from the sending of the commit until the runs that
//!   it alters are marked, 99 of 100 writes faster; the peer is the second that is promised. `equal`: each mast made a mark.
//!
//! * `site-recheck-rules`, `-import`, `-coverage`, `-runway` and `-corridor`: the same on the province of the demonstration, with its
//!   layers and coverage and 500 runs, after another pack of rules, an import of 2 000 masts, a layer that is declared to be whole or
//!   not any more, a new runway, and a new corridor in force: the slowest of five. `equal`: marks were made.
//!
//! A missed target or an unequal answer ends with code 1. `CLEARWAY_BENCH_QUICK=1` runs a hundredth of it, to see that it
//! works: its figures mean nothing.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts far below 2^32

mod batch;
#[allow(dead_code)] // the other bench has more of it
#[path = "../conflicts/data.rs"]
mod data;
mod demo;
mod facts;
#[path = "../conflicts/lines.rs"]
mod lines;
mod places;
mod recheck;
#[allow(dead_code)] // the other bench has more kinds of figures
#[path = "../conflicts/report.rs"]
mod report;
#[path = "../conflicts/run.rs"]
mod run;
mod search;
#[allow(dead_code)] // the other bench measures memory
#[path = "../conflicts/setup.rs"]
mod setup;
mod sight;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clearway::actions::site_check::{self, Question};
use clearway::actions::{Context, Witness, organisation, refresh};
use clearway::clock;
use clearway::domain::actor::Actor;
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::domain::organisation::{Organisation, OrganisationKind};
use clearway::geometry::{Epsg, crs, outside};
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;

use data::Province;
use places::Places;
use report::{Comparison, Report, Side, Times};
use run::Failed;
use setup::{Database, Folder, Serving};

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
    /// Candidate places of a search: columns and rows.
    searched: [u32; 2],
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
    searched: [50, 100],
    written: 200,
    demo: demo::Size { runs: 500, imported: 2_000, rounds: 5 },
};
const QUICK: Size = Size {
    works: 1_000,
    corridors: 20,
    references: 1_000,
    compared: 80,
    batch: 100,
    searched: [5, 10],
    written: 5,
    demo: demo::Size { runs: 20, imported: 200, rounds: 2 },
};

/// How much faster a check has to be than SQL that gives the facts alone.
const TARGET: f64 = 30.0;
/// How often two sides of a ratio are taken; the middle one counts.
const ROUNDS: usize = 3;
/// So far beyond the border all is there that there is, m: farther than anything is looked for.
const BEYOND_M: f64 = 4_000.0;
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
    {
        let serving = Serving::start(database.settings())?;
        batch::compare(&mut report, &context, &serving, &places)?;
    }
    search::compare(&mut report, &context, &jurisdiction, &places, size.searched)?;
    sight::compare(&mut report, &context, database.settings(), &mut conn, (&places, size.compared))?;
    recheck::compare(&mut report, &context, &mut conn, (&places, &jurisdiction.code), (size.batch, size.written))?;
    demo::compare(&mut report, &database, &folder.0, &jurisdiction, size.demo)?;
    let reached = report.finish();
    // Whatever the size: a target may be missed by a small run, an answer may not.
    if !report.is_equal() {
        return Err("answers differ".into());
    }
    Ok(reached)
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
    // What is not there counts as such only where all there is was loaded: also beyond the border, as far as places look.
    let context = Context::connect(database.settings())?;
    refresh::catch_up_all(&context)?;
    let ground = outside::around(&jurisdiction.boundary_grid().geometry(), BEYOND_M);
    demo::declare_all(&context, jurisdiction, &crs::project(&ground, jurisdiction.grid, Epsg::WGS84)?)?;
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
    let (mut ours, mut peer) = (Times::default(), Times::default());
    let mut compared = facts::Compared::by(&peer_asks);
    for first in (0..count).step_by(BLOCK) {
        let block = first..(first + BLOCK).min(count);
        let mut expect = Vec::with_capacity(BLOCK);
        for n in block.clone() {
            expect.push(peer.of(|| peer_asks.facts(conn, places, n))?);
        }
        let mut checks = Vec::with_capacity(BLOCK);
        for n in block.clone() {
            let asked = std::slice::from_ref(&places.asked[n]);
            checks.extend(ours.of(|| site_check::check(context, &actor, asked, &question))?);
        }
        for (n, (rows, check)) in block.zip(expect.iter().zip(&checks)) {
            let features = site_check::facts(context, &actor, &places.asked[n], &question)?;
            compared.place(n, &features, check, rows)?;
        }
    }
    let facts::Compared { met, differs, .. } = compared;
    report.note(format!("{count} places: {met:?}"));
    if let Some(differs) = &differs {
        report.note(format!("not the same: {differs}"));
    }
    if !met.is_enough(count) {
        return Err(format!("of {count} places too few have what is compared: {met:?}").into());
    }
    report.add(Comparison {
        name: "site-check",
        ours: Side::rate("all twelve checks of a place, one thread", &ours),
        peer: Some(Side::rate("PostGIS, prepared, the facts alone", &peer)),
        target: Some(TARGET),
        equal: Some(differs.is_none()),
    });
    Ok(())
}

fn middle(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
