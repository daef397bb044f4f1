//! Many checks in one request: how much of a batch's processor time is the checks themselves.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use clearway::actions::conflict_check::Answer;
use clearway::geometry::encoding::geojson;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::Failed;
use crate::checks::{CLEARANCE_M, LIMIT, Subjects};
use crate::report::{Comparison, Report, Side};
use crate::setup::{Serving, Tasks, on_cpu};

/// How much of the rate in process, a second of processor time, a batch has to reach.
const TARGET: f64 = 0.8;

/// Lines before each of the two is measured: the threads that check are made then, and each prepares its projections.
const WARM_UP: usize = 200;

/// Compares a batch of all subjects with the same checks in this process on values that are ready: the text of the lines
/// has to be read and that of the answers written besides. The client has two threads, which are not counted.
pub fn all(report: &mut Report, serving: &Serving, subjects: &Subjects) -> Result<(), Failed> {
    let lines: Vec<String> = subjects.shapes.iter().map(|s| format!("{}\n", geojson::to_value(s))).collect();
    let crs = subjects.grid.to_string();
    for (name, target, measures) in [("batch", Some(TARGET), true), ("batch-set", None, false)] {
        let check = |n: usize| -> Result<(usize, BTreeSet<Uuid>), Failed> {
            if measures {
                ids(&subjects.check(&serving.context, n)?, |c| c.id)
            } else {
                ids(&subjects.find(&serving.context, n)?, |c| c.id)
            }
        };
        let path = format!("/api/conflict-checks/batch?clearance_m={CLEARANCE_M}&limit={LIMIT}&measures={measures}");
        let warm_up = &lines[..lines.len().min(WARM_UP)];
        batch(&serving.address, &path, &crs, warm_up)?;
        (0..warm_up.len()).try_for_each(|n| check(n).map(drop))?;

        let begun = on_cpu("thread-self");
        for n in 0..lines.len() {
            if measures {
                subjects.check(&serving.context, n)?;
            } else {
                subjects.find(&serving.context, n)?;
            }
        }
        let in_process = on_cpu("thread-self").saturating_sub(begun);
        let begun = Tasks::now();
        let (answers, reading) = batch(&serving.address, &path, &crs, &lines)?;
        let served = begun.elapsed().saturating_sub(reading);

        let mut equal = answers.len() == lines.len();
        for (n, answer) in answers.iter().enumerate() {
            let answer: Json = serde_json::from_slice(answer)?;
            let conflicts = answer["results"][0]["conflicts"].as_array().ok_or("a line without conflicts")?;
            let found = conflicts.iter().map(|c| Ok(c["id"].as_str().unwrap_or_default().parse()?));
            equal &= answer["line"] == n + 1 && (conflicts.len(), found.collect::<Result<_, Failed>>()?) == check(n)?;
        }
        let bytes = |all: usize| all / lines.len().max(1);
        let of_one = |all: Duration| all.as_secs_f64() * 1e6 / lines.len() as f64;
        report.note(format!(
            "{name}: processor time of one: the check in process {:.0} us, the batch {:.0} us; a line has {} bytes, its \
             answer {}",
            of_one(in_process),
            of_one(served),
            bytes(lines.iter().map(String::len).sum()),
            bytes(answers.iter().map(Vec::len).sum()),
        ));
        report.add(Comparison {
            name,
            ours: Side::figure("the batch, a second of processor time", 1e6 / of_one(served), "/s"),
            peer: Some(Side::figure("the checks in process", 1e6 / of_one(in_process), "/s")),
            target,
            equal: Some(equal),
        });
    }
    Ok(())
}

/// How many conflicts an answer lists, and which.
fn ids<C>(answer: &Answer<C>, id: impl Fn(&C) -> Uuid) -> Result<(usize, BTreeSet<Uuid>), Failed> {
    let result = answer.results.first().ok_or("an answer without a result")?;
    Ok((result.conflicts.len(), result.conflicts.iter().map(id).collect()))
}

/// Sends lines and reads their answers at the same time; gives the answers and the processor time of this thread, which
/// reads. The thread that sends has ended by then, and is counted nowhere.
fn batch(address: &str, path: &str, crs: &str, lines: &[String]) -> Result<(Vec<Vec<u8>>, Duration), Failed> {
    let mut stream = TcpStream::connect(address)?;
    let mut reader = BufReader::with_capacity(256 * 1024, stream.try_clone()?);
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || {
            let length: usize = lines.iter().map(String::len).sum();
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-ndjson\r\nContent-Crs: {crs}\r\n\
                 Content-Length: {length}\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
            lines.iter().try_for_each(|line| stream.write_all(line.as_bytes()))
        });
        let begun = on_cpu("thread-self");
        let body = chunked(&mut reader)?;
        let reading = on_cpu("thread-self").saturating_sub(begun);
        sending.join().map_err(|_| "the client panicked")??;
        let answers = body.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        Ok((answers, reading))
    })
}

/// A body in chunks, whole.
fn chunked(reader: &mut impl BufRead) -> Result<Vec<u8>, Failed> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if !line.contains(" 200 ") {
        return Err(line.into());
    }
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let mut body = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16)?;
        if reader.by_ref().take(length).read_to_end(&mut body)? as u64 != length {
            return Err("the answer broke off".into());
        }
        line.clear();
        reader.read_line(&mut line)?;
        if length == 0 {
            return Ok(body);
        }
    }
}
