//! The same checks as a client sees them: over HTTP, from the real server.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use clearway::geometry::encoding::geojson;
use clearway::geometry::{Epsg, Geometry, crs};
use diesel::pg::PgConnection;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::Failed;
use crate::checks::{CLEARANCE_M, LIMIT, Subjects, blocks, complete};
use crate::report::{Comparison, Report, Side, Times};
use crate::setup::{Serving, Tasks, on_cpu};
use crate::sql;
use crate::web::{Client, Constant, get, post};

/// How much of what is possible the server has to reach.
const SHARE: f64 = 0.8;

/// Compares all of it.
pub fn all(report: &mut Report, serving: &Serving, conn: &mut PgConnection, subjects: &Subjects) -> Result<(), Failed> {
    let path = format!("/api/conflict-checks?against=works&clearance_m={CLEARANCE_M}&limit={LIMIT}");
    let body = |shape: &Geometry<f64>| geojson::to_value(shape).to_string();
    let on_grid: Vec<Vec<u8>> =
        subjects.shapes.iter().map(|s| post(&path, Some(&subjects.grid.to_string()), &body(s))).collect();
    let in_degrees = subjects.shapes.iter().map(|s| crs::project(s, subjects.grid, Epsg::WGS84));
    let in_degrees: Vec<Vec<u8>> =
        in_degrees.map(|s| Ok(post(&path, None, &body(&s?)))).collect::<Result<_, Failed>>()?;

    subjects.choose_plan(report, conn, "ids, beside HTTP", sql::IDS)?;
    // Each comparison has connections of its own: the server closes one that nobody uses for some seconds.
    let connect = || Client::connect(&serving.address);
    let (peer, size) = drawn(report, "http-grid", &mut connect()?, &on_grid, conn, subjects)?;
    report.note(format!("a request has {} bytes, its answer {size} on average", on_grid[0].len()));
    let (_, _) = drawn(report, "http-wgs84", &mut connect()?, &in_degrees, conn, subjects)?;
    two_clients(report, serving, &on_grid, &peer)?;
    share(report, serving, &on_grid, size, subjects)?;
    floor(report, serving, &mut connect()?, &on_grid, size)
}

/// One client against SQL; returns the peer's times and the mean size of an answer.
fn drawn(
    report: &mut Report,
    name: &'static str,
    client: &mut Client,
    requests: &[Vec<u8>],
    conn: &mut PgConnection,
    subjects: &Subjects,
) -> Result<(Times, usize), Failed> {
    for request in requests.iter().take(200) {
        client.send(request)?;
    }
    let (mut ours, mut peer, mut equal, mut bytes) = (Times::default(), Times::default(), true, 0);
    for block in blocks(requests.len()) {
        let mut expect = Vec::new();
        for n in block.clone() {
            expect.push(peer.of(|| subjects.ask(sql::IDS, n).ids(conn))?);
        }
        let mut answers = Vec::new();
        for n in block {
            answers.push(ours.of(|| client.send(&requests[n]))?);
        }
        for (answer, expect) in answers.iter().zip(expect) {
            bytes += answer.len();
            equal &= ids(answer)? == expect.into_iter().collect();
        }
    }
    report.add(Comparison {
        name,
        ours: Side::rate("the server, one client", &ours),
        peer: Some(Side::rate("PostGIS, prepared, ids only", &peer)),
        target: None,
        // Brought to degrees and back a coordinate moves by some nanometres, so there the sets could differ by right.
        equal: Some(equal),
    });
    Ok((peer, bytes / requests.len().max(1)))
}

fn two_clients(report: &mut Report, serving: &Serving, requests: &[Vec<u8>], peer: &Times) -> Result<(), Failed> {
    let (times, took) = together(&serving.address, requests, 2)?;
    report.add(Comparison {
        name: "http-grid-two-clients",
        ours: Side::rate_of_all("the server, two clients", &times, took),
        peer: Some(Side::rate("PostGIS, prepared, ids only, one client", peer)),
        target: None,
        equal: None,
    });
    Ok(())
}

/// How much of its processor time the server spends on what it cannot do without: the check itself, and an answer of
/// that size. The client has a thread of its own in this process, which is not counted.
fn share(
    report: &mut Report,
    serving: &Serving,
    requests: &[Vec<u8>],
    size: usize,
    subjects: &Subjects,
) -> Result<(), Failed> {
    let constant = Constant::start(size)?;
    let (mut client, mut constant_client) = (Client::connect(&serving.address)?, Client::connect(&constant.address)?);
    let (mut check, mut bare, mut whole) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut equal = true;
    let served = |client: &mut Client, block: std::ops::Range<usize>| -> Result<(Duration, Vec<Vec<u8>>), Failed> {
        let mut answers = Vec::with_capacity(block.len());
        let (begun, of_client) = (Tasks::now(), on_cpu("thread-self"));
        for n in block {
            answers.push(client.send(&requests[n])?);
        }
        Ok((begun.elapsed().saturating_sub(on_cpu("thread-self").saturating_sub(of_client)), answers))
    };
    for block in blocks(requests.len()) {
        let mut expect = Vec::with_capacity(block.len());
        let begun = on_cpu("thread-self");
        for n in block.clone() {
            expect.push(subjects.check(&serving.context, n)?);
        }
        check += on_cpu("thread-self").saturating_sub(begun);
        bare += served(&mut constant_client, block.clone())?.0;
        let (took, answers) = served(&mut client, block)?;
        whole += took;
        for (answer, expect) in answers.iter().zip(&expect) {
            equal &= ids(answer)? == complete(expect);
        }
    }
    let of_one = |all: Duration| all.as_secs_f64() * 1e6 / requests.len() as f64;
    report.note(format!(
        "http-share: processor time of one: the check in process {:.0} us, a constant answer {:.0} us, the server {:.0} us",
        of_one(check),
        of_one(bare),
        of_one(whole)
    ));
    report.add(Comparison {
        name: "http-share",
        ours: Side::figure("the server, a second of processor time", 1e6 / of_one(whole), "/s"),
        peer: Some(Side::figure("the check in process and a constant answer", 1e6 / of_one(check + bare), "/s")),
        target: Some(SHARE),
        equal: Some(equal),
    });
    Ok(())
}

/// What HTTP costs without a check.
fn floor(
    report: &mut Report,
    serving: &Serving,
    client: &mut Client,
    requests: &[Vec<u8>],
    size: usize,
) -> Result<(), Failed> {
    let constant = Constant::start(size)?;
    let mut constant_client = Client::connect(&constant.address)?;
    let live = get("/health/live");
    let (mut ours, mut peer, mut small) = (Times::default(), Times::default(), Times::default());
    for block in blocks(requests.len()) {
        for n in block.clone() {
            peer.of(|| constant_client.send(&requests[n]))?;
        }
        for n in block.clone() {
            ours.of(|| client.send(&requests[n]))?;
        }
        for _ in block {
            small.of(|| client.send(&live))?;
        }
    }
    report.add(Comparison {
        name: "http-constant",
        ours: Side::rate("the server, one client", &ours),
        peer: Some(Side::rate("a constant answer of that size", &peer)),
        target: None,
        equal: None,
    });
    report.add(Comparison {
        name: "http-live",
        ours: Side::rate("the server, /health/live, one client", &small),
        peer: None,
        target: None,
        equal: None,
    });
    let (of_live, took) = together(&serving.address, &vec![live; requests.len()], 2)?;
    report.add(Comparison {
        name: "http-live-two-clients",
        ours: Side::rate_of_all("the server, /health/live, two clients", &of_live, took),
        peer: None,
        target: None,
        equal: None,
    });
    Ok(())
}

/// Several clients at once, each sending every request.
fn together(address: &str, requests: &[Vec<u8>], clients: usize) -> Result<(Times, Duration), Failed> {
    let begin = Barrier::new(clients + 1);
    std::thread::scope(|scope| {
        let send = || -> Result<Times, String> {
            let client = Client::connect(address).map_err(|e| e.to_string());
            begin.wait();
            let (mut client, mut times) = (client?, Times::default());
            for request in requests {
                times.of(|| client.send(request)).map_err(|e| e.to_string())?;
            }
            Ok(times)
        };
        let running: Vec<_> = (0..clients).map(|_| scope.spawn(send)).collect();
        begin.wait();
        let begun = Instant::now();
        let mut all = Vec::new();
        for client in running {
            all.push(client.join().map_err(|_| "a client panicked")??);
        }
        Ok((Times::joined(all), begun.elapsed()))
    })
}

/// The works of an answer.
pub fn ids(answer: &[u8]) -> Result<BTreeSet<Uuid>, Failed> {
    let document: Json = serde_json::from_slice(answer)?;
    let conflicts = document["results"][0]["conflicts"].as_array().ok_or("an answer without conflicts")?;
    conflicts.iter().map(|c| Ok(c["id"].as_str().unwrap_or_default().parse()?)).collect()
}
