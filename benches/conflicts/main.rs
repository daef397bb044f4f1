//! Conflict checks through the index against the same checks through PostGIS, in one run, on the same data.
//!
//! **Data** (invented, from fixed seeds, see `data`): 220 000 works (85 % points, 11 % cables of 2–20 positions, 4 %
//! small buildings; half of them in twenty towns; accuracies of 0.05–5 m) and 5 000 corridors of 101 positions, 5–20 km long
//! and 20–60 m wide, in VN-72. They come into a private, durable PostgreSQL through `clearway import`; ANALYZE follows.
//!
//! **What is compared**, with 2 000 of the corridors as drawn subjects and a clearance of 30 m:
//! * `conflict-check`: ours is `actions::conflict_check::check` on one thread, from the delivered coordinates to the
//!   complete answer (relation, verdict, distance, depth, overlap, share), limits and visibility included. The peer is
//!   one connection over the Unix socket with a prepared statement, parameters and results in binary, that returns ids
//!   only; its plan must use the `GiST` index, and it gets whichever of custom and generic plans is faster here.
//! * `conflict-check-short`: the same with roads of 2–8 km. PostGIS looks at everything in the box round a road, which
//!   grows with the square of its length, the index only along it: the shorter the roads, the smaller the ratio.
//! * `conflict-check-measured`: the peer returns what we return. `conflict-check-pieces`: the peer cuts the subject
//!   into pieces first, the best SQL we know.
//! * `http-…`: the real server on a loopback port, one kept connection (and two), the same subjects as GeoJSON, in
//!   EPSG:9218 and in WGS 84; against the SQL above, and against the same web framework with a constant answer of the
//!   mean size. `http-live` is the smallest answer of the real server.
//! * `stored-conflicts`: the set of a stored corridor, which is kept and brought up to date as works move between two
//!   rounds, against the SQL join; with all measures; and as `GET /api/corridors/{id}/conflicts` (`stored-corridor`).
//! * `batch`: `POST /api/conflict-checks/batch` with all subjects as its lines, against the same checks in this process on
//!   values that are ready; both a second of processor time, the client's threads not counted. `batch-set`: without measures.
//! * `propagation`: from the answer to a write until a second server over the same database shows it, 99 of 100 writes
//!   faster; the peer is the 250 ms that are promised. `propagation-beside`: while both servers load another jurisdiction with
//!   as many works, again and again.
//! * `audit-cost`: the transaction of a new work against the same SQL without what the audit trail adds to it; `audit-cost-signed`:
//!   the same where each head is signed.
//! * `conflict-check-visibility`: the same checks by a carrier who does not see some of the works, against somebody who sees
//!   all; each equal to SQL with the same filter.
//! * `restricted-reads`: the same checks by somebody who sees all, where whoever is shown a restricted work leaves a row,
//!   against an index in which nothing is restricted. Every work that was shown must stand in a row.
//! * `index-load`: reading and building the whole index against reading the same columns by COPY, binary, and throwing
//!   them away.
//!
//! **How**: everything is warmed up; ours and the peer take turns in blocks, so that noise meets both. The figure is
//! calls a second; the table has percentiles. `equal` is `yes` when every single check gave the same set of works (and
//! of relations and distances, where the peer returns them). A missed target or an unequal answer ends with code 1.
//!
//! `CLEARWAY_BENCH_SERVED=1` runs only what is asked over HTTP, `CLEARWAY_BENCH_SHORT=1` only the short roads, for a profile of it
//! (`perf record -e cpu-clock -g`).
//! `CLEARWAY_BENCH_QUICK=1` runs a hundredth of it, to see that it works: its figures mean nothing.

#![allow(clippy::cast_precision_loss)] // counts far below 2^52

mod audit;
mod bare;
mod batch;
mod checks;
mod data;
#[allow(dead_code)] // the other bench throws answers away
mod lines;
mod propagation;
mod reads;
mod report;
mod requests;
mod run;
#[allow(dead_code)] // the other bench needs more of it
mod setup;
mod sight;
mod sql;
mod stored;
mod web;

use std::process::ExitCode;
use std::time::Instant;

use clearway::actions::{Context, refresh};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use data::Province;
use report::{Comparison, Report, Side};
use run::Failed;
use setup::{Database, Folder, Serving};

/// How much of everything.
#[derive(Debug, Clone, Copy)]
struct Size {
    works: usize,
    corridors: usize,
    checks: usize,
}

const FULL: Size = Size { works: 220_000, corridors: 5_000, checks: 2_000 };
const QUICK: Size = Size { works: 2_200, corridors: 50, checks: 20 };

fn main() -> ExitCode {
    run::run_in(FULL, QUICK, run)
}

fn run(size: Size) -> Result<bool, Failed> {
    let mut report = Report::default();
    let folder = Folder::new()?;
    let (database, jurisdiction) = Database::start(&folder)?;
    let province = Province::new(jurisdiction.boundary_grid(), data::TOWNS);
    let drawn = province.corridors(size.corridors, data::ROADS_M);
    let (works_file, corridors_file) = (folder.0.join("works.geojsonl"), folder.0.join("corridors.geojsonl"));
    province.write_works(&works_file, size.works)?;
    data::write_corridors(&corridors_file, &drawn)?;
    let seconds = database.import("works", &works_file, &jurisdiction)?;
    report.add(alone("import-works", "clearway import works", size.works as f64 / seconds));
    let seconds = database.import("corridors", &corridors_file, &jurisdiction)?;
    report.add(alone("import-corridors", "clearway import corridors", size.corridors as f64 / seconds));

    let mut conn = PgConnection::establish(&database.url)?;
    // One by one: several in one batch would be one transaction, in which VACUUM cannot run.
    for statement in ["VACUUM (ANALYZE) works", "VACUUM (ANALYZE) corridors", "CHECKPOINT"] {
        conn.batch_execute(statement)?;
    }
    load(&mut report, &database, size)?;

    let serving = Serving::start(database.settings())?;
    let subjects = checks::Subjects::new(&drawn[..size.checks], &jurisdiction);
    if !run::only_what_is_served() {
        if !run::only_short_roads() {
            checks::all(&mut report, &serving.context, &mut conn, &subjects)?;
            checks::two_threads(&mut report, &serving.context, &subjects)?;
        }
        let short = province.corridors((size.checks / 4).max(1), data::SHORT_ROADS_M);
        checks::short(&mut report, &serving.context, &mut conn, &checks::Subjects::new(&short, &jurisdiction))?;
    }
    if run::only_short_roads() {
        return Ok(report.finish());
    }
    requests::all(&mut report, &serving, &mut conn, &subjects)?;
    batch::all(&mut report, &serving, &subjects)?;
    if run::only_what_is_served() {
        return Ok(report.finish());
    }
    stored::all(&mut report, &serving, &mut conn, &subjects)?;
    propagation::all(&mut report, &serving, database.settings(), &jurisdiction.code)?;
    drop(serving);
    sight::all(&mut report, database.settings(), &mut conn, &subjects)?;
    audit::compare(&mut report, &mut conn, &jurisdiction.code, size.checks / 2)?;
    propagation::beside_a_load(&mut report, &database, &jurisdiction.code)?;
    Ok(report.finish())
}

fn alone(name: &'static str, what: &str, per_second: f64) -> Comparison {
    Comparison { name, ours: Side::figure(what, per_second, "/s"), peer: None, target: None, equal: None }
}

/// Loads the whole index, and reads the same columns only.
fn load(report: &mut Report, database: &Database, size: Size) -> Result<(), Failed> {
    let (mut ours, mut peer) = (f64::INFINITY, f64::INFINITY);
    for round in 0..2 {
        let begun = Instant::now();
        bare::copy(&database.url)?;
        peer = peer.min(begun.elapsed().as_secs_f64());
        let context = Context::connect(database.settings())?;
        let before = setup::resident()?;
        let begun = Instant::now();
        refresh::catch_up_all(&context)?;
        ours = ours.min(begun.elapsed().as_secs_f64());
        if round == 0 {
            let bytes = setup::resident()? - before;
            let features = size.works + size.corridors;
            report.note(format!(
                "the index holds {features} features in {:.0} MB, {:.0} bytes for each (resident memory, before and after)",
                bytes / 1e6,
                bytes / features as f64
            ));
        }
    }
    report.add(Comparison {
        name: "index-load",
        ours: Side::figure("read, prepare, build the trees", ours * 1e3, "ms"),
        peer: Some(Side::figure("COPY of the same columns, thrown away", peer * 1e3, "ms")),
        target: None,
        equal: None,
    });
    Ok(())
}
