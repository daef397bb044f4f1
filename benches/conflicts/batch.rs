//! Many checks in one request: how much of a batch's processor time is the checks themselves.

use std::time::Duration;

use clearway::actions::conflict_check::{Answer, Conflict, Found};
use clearway::domain::word::Word;
use clearway::geometry::encoding::geojson;
use serde_json::Value as Json;

use crate::Failed;
use crate::checks::{CLEARANCE_M, LIMIT, Subjects, measures, same};
use crate::lines::batch;
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
    for (name, target, measured) in [("batch", Some(TARGET), true), ("batch-set", None, false)] {
        let check = |n: usize| -> Result<(), Failed> {
            if measured {
                subjects.check(&serving.context, n).map(drop)
            } else {
                subjects.find(&serving.context, n).map(drop)
            }
        };
        let path = format!("/api/conflict-checks/batch?clearance_m={CLEARANCE_M}&limit={LIMIT}&measures={measured}");
        let warm_up = &lines[..lines.len().min(WARM_UP)];
        batch(&serving.address, &path, &crs, warm_up)?;
        (0..warm_up.len()).try_for_each(check)?;

        let begun = on_cpu("thread-self");
        (0..lines.len()).try_for_each(check)?;
        let in_process = on_cpu("thread-self").saturating_sub(begun);
        let begun = Tasks::now();
        let (answers, reading) = batch(&serving.address, &path, &crs, &lines)?;
        let served = begun.elapsed().saturating_sub(reading);

        let (beside, writing) = beside_answers(&answers, check)?;
        let mut equal = answers.len() == lines.len();
        for (n, answer) in answers.iter().enumerate() {
            let answer: Json = serde_json::from_slice(answer)?;
            let found = answer["results"][0]["conflicts"].as_array().ok_or("a line without conflicts")?;
            equal &= answer["line"] == n + 1;
            equal &= if measured {
                same_conflicts(found, &subjects.check(&serving.context, n)?)?
            } else {
                same_ids(found, &subjects.find(&serving.context, n)?)?
            };
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
        report.note(format!(
            "{name}: the check in process beside answers that are copied and dropped {:.0} us, of which {:.0} us are the copies \
             alone: the check itself costs {:+.0} us there, for its caches",
            of_one(beside),
            of_one(writing),
            of_one(beside) - of_one(writing) - of_one(in_process),
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

/// The processor time of the checks where after each a text as long as its answer is written and dropped, and that of
/// writing the texts alone.
fn beside_answers(
    answers: &[Vec<u8>],
    check: impl Fn(usize) -> Result<(), Failed>,
) -> Result<(Duration, Duration), Failed> {
    let write = |answer: &Vec<u8>| drop(std::hint::black_box(answer.clone()));
    let begun = on_cpu("thread-self");
    for (n, answer) in answers.iter().enumerate() {
        check(n)?;
        write(answer);
    }
    let beside = on_cpu("thread-self").saturating_sub(begun);
    let begun = on_cpu("thread-self");
    answers.iter().for_each(write);
    Ok((beside, on_cpu("thread-self").saturating_sub(begun)))
}

/// A line lists the works of an answer, in its order.
fn same_ids(found: &[Json], answer: &Answer<Found>) -> Result<bool, Failed> {
    let expect = &answer.results.first().ok_or("an answer without a result")?.conflicts;
    let same = |(found, expect): (&Json, &Found)| found["id"] == expect.id.to_string();
    Ok(found.len() == expect.len() && found.iter().zip(expect).all(same))
}

/// And what was measured of each.
fn same_conflicts(found: &[Json], answer: &Answer) -> Result<bool, Failed> {
    let expect = &answer.results.first().ok_or("an answer without a result")?.conflicts;
    let same = |(found, expect): (&Json, &Conflict)| {
        let number = |name: &str| found[name].as_f64();
        let word = found["relation"].as_str().unwrap_or_default();
        let distance_m = number("distance_m").unwrap_or(f64::NAN);
        let inside = number("overlap_m").or(number("overlap_m2"));
        found["id"] == expect.id.to_string()
            && same((word, distance_m, number("depth_m"), inside), measures(expect))
            && found["verdict"] == expect.finding.verdict.as_str()
            && number("share") == Some(expect.finding.share)
    };
    Ok(found.len() == expect.len() && found.iter().zip(expect).all(same))
}
