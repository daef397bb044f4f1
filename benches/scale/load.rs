//! Loading the index: how long it takes, and how much memory.

use std::process::{Command, ExitCode};
use std::time::Instant;

use clearway::actions::{Context, health, refresh};
use clearway::config::{Secret, Settings};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::report::{Comparison, Report, Side};
use crate::setup::{Database, resident};
use crate::{Failed, Size, bare};

/// The argument of a process that only loads.
pub const ALONE: &str = "--load-alone";

/// How much of the speed of a bare COPY loading has to reach.
const TARGET: f64 = 1.0 / 3.0;

/// The most that a work may take, bytes.
const BYTES_MAX: f64 = 600.0;

/// How often both sides load; the fastest counts.
const ROUNDS: usize = 3;

/// Loads in a process that has done nothing else, so that nothing it did is mistaken for the index or hides it; says
/// how long it took, ms, and how much more memory is resident, bytes.
pub fn alone(url: &str) -> ExitCode {
    let load = || -> Result<(f64, f64), Failed> {
        let settings = Settings { database_url: Secret(url.to_owned()), ..Settings::default() };
        let context = Context::connect(settings)?;
        let before = resident()?;
        let begun = Instant::now();
        refresh::catch_up_all(&context)?;
        let took = begun.elapsed().as_secs_f64() * 1e3;
        Ok((took, resident()? - before))
    };
    match load() {
        Ok((milliseconds, bytes)) => {
            println!("{milliseconds} {bytes}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Loads in a process of its own: milliseconds and bytes.
fn in_a_process(url: &str) -> Result<(f64, f64), Failed> {
    let done = Command::new(std::env::current_exe()?).args([ALONE, url]).output()?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
    }
    let text = String::from_utf8(done.stdout)?;
    let (milliseconds, bytes) = text.trim().split_once(' ').ok_or("a process that loads said nothing")?;
    Ok((milliseconds.parse()?, bytes.parse()?))
}

/// The memory of the works.
pub fn memory(report: &mut Report, database: &Database, size: Size) -> Result<(), Failed> {
    let (_, bytes) = in_a_process(&database.service_url)?;
    report.add(Comparison {
        name: "scale-memory",
        ours: Side::figure("resident for each work, corridors not loaded", bytes / size.works as f64, "B"),
        peer: Some(Side::figure("the most that is allowed", BYTES_MAX, "B")),
        target: Some(1.0),
        equal: None,
    });
    Ok(())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Loads the whole index, and reads the same columns only.
pub fn compare(report: &mut Report, database: &Database, conn: &mut PgConnection) -> Result<(), Failed> {
    let (mut ours, mut peer, mut memory) = (f64::INFINITY, f64::INFINITY, 0.0);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        bare::copy(&database.url)?;
        peer = peer.min(begun.elapsed().as_secs_f64() * 1e3);
        let (milliseconds, bytes) = in_a_process(&database.service_url)?;
        ours = ours.min(milliseconds);
        memory = bytes;
    }
    let context = Context::connect(database.settings())?;
    refresh::catch_up_all(&context)?;
    let held: usize = health::loaded(&context).iter().flat_map(|l| &l.features).map(|(_, n)| n).sum();
    let stored: Count =
        diesel::sql_query("SELECT (SELECT count(*) FROM works) + (SELECT count(*) FROM corridors) AS count")
            .get_result(conn)?;
    report.note(format!("scale-load: {held} features in {:.0} MB of resident memory", memory / 1e6));
    report.add(Comparison {
        name: "scale-load",
        ours: Side::figure("read, prepare, build the trees", ours, "ms"),
        peer: Some(Side::figure("COPY of the same columns, thrown away", peer, "ms")),
        target: Some(TARGET),
        equal: Some(i64::try_from(held)? == stored.count),
    });
    Ok(())
}
