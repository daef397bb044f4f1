//! Places in a batch: what a second thread brings, to checks in this process and over the door for batches.

use std::time::{Duration, Instant};

use clearway::actions::Context;
use clearway::actions::site_check::{self, Asked, SiteCheck};
use clearway::domain::actor::Actor;
use clearway::domain::word::Word;
use clearway::geometry::encoding::geojson;
use clearway::wire::site_check::subject_json;
use serde_json::{Value as Json, json};

use crate::lines;
use crate::places::Places;
use crate::report::{Comparison, Report, Side};
use crate::run::Failed;
use crate::setup::{Serving, Tasks, on_cpu};
use crate::{ROUNDS, middle, question};

/// How much of the gain of a loop that only counts checks have to reach on two threads.
const TARGET_THREADS: f64 = 0.85;

/// How far the loop counts.
const SPIN: u64 = 500_000_000;

/// Lines before anything is measured, and of which each answer is compared.
const COMPARED: usize = 500;

/// The door.
const DOOR: &str = "/api/site-checks/batch";

/// Checks places on so many threads; how many a second.
pub fn on_threads(context: &Context, asked: &[Asked], threads: usize) -> Result<f64, Failed> {
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

/// How much faster two threads count than one.
fn spin_gains() -> f64 {
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
    spin(2) / spin(1)
}

/// What a second thread brings to checks of many places: in this process, and over the door for batches.
pub fn compare(report: &mut Report, context: &Context, serving: &Serving, places: &Places) -> Result<(), Failed> {
    let check = |threads: usize| on_threads(context, &places.asked, threads);
    let door = Door::new(serving, places);
    let equal = door.same()?;
    let (mut ours, mut peer, mut served, mut wall) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut of_one = Duration::MAX;
    for _ in 0..ROUNDS {
        peer.push(spin_gains());
        ours.push(check(2)? / check(1)?);
        let (one, two) = (door.ask(1)?, door.ask(2)?);
        of_one = of_one.min(one.served);
        // Processor time alone: whoever waits for a lock costs none.
        served.push(2.0 * one.served.as_secs_f64() / two.served.as_secs_f64());
        wall.push(one.took.as_secs_f64() / two.took.as_secs_f64());
    }
    let peer = middle(&mut peer);
    let counted = || Some(Side::figure("a loop that counts, two threads against one", peer, "x"));
    report.add(Comparison {
        name: "site-two-threads",
        ours: Side::figure("places checked in this process, two threads against one", middle(&mut ours), "x"),
        peer: counted(),
        target: Some(TARGET_THREADS),
        equal: None,
    });
    report.note(format!(
        "site-batch-two-threads: by processor time, of which waiting costs none, {:.2} times as fast",
        middle(&mut served)
    ));
    report.add(Comparison {
        name: "site-batch-two-threads",
        ours: Side::figure(
            "two batches at once against one, on the clock, with a client on the same cores",
            middle(&mut wall),
            "x",
        ),
        peer: counted(),
        target: Some(TARGET_THREADS),
        equal: None,
    });
    let (actor, question) = (Actor::public(), question());
    let begun = on_cpu("thread-self");
    for one in &places.asked {
        site_check::check(&serving.context, &actor, std::slice::from_ref(one), &question)?;
    }
    let in_process = on_cpu("thread-self").saturating_sub(begun);
    let rate = |all: Duration| places.asked.len() as f64 / all.as_secs_f64();
    report.add(Comparison {
        name: "site-batch",
        ours: Side::figure("a line of a batch, a second of processor time", rate(of_one), "/s"),
        peer: Some(Side::figure("the checks in this process", rate(in_process), "/s")),
        target: None,
        equal: Some(equal),
    });
    Ok(())
}

/// The door for batches, and the lines that are sent to it.
struct Door<'a> {
    serving: &'a Serving,
    places: &'a Places,
    crs: String,
    lines: Vec<String>,
}

/// What asking cost.
struct Asking {
    took: Duration,
    /// Processor time of the server.
    served: Duration,
}

impl<'a> Door<'a> {
    fn new(serving: &'a Serving, places: &'a Places) -> Self {
        let line = |one: &Asked| {
            let geometry = geojson::to_value(&one.delivered.shape);
            format!("{}\n", json!({"type": "Feature", "geometry": geometry, "properties": subject_json(&one.subject)}))
        };
        Self { serving, places, crs: places.grid.to_string(), lines: places.asked.iter().map(line).collect() }
    }

    /// Sends all lines in so many requests at once.
    fn ask(&self, requests: usize) -> Result<Asking, Failed> {
        let (begun, tasks) = (Instant::now(), Tasks::now());
        // The threads that send and read have ended by then, and so are not among those that are counted.
        let answered = std::thread::scope(|scope| {
            let ask = |part: &[String]| {
                let mut answers = 0;
                let mut count = |bytes: &[u8]| answers += bytes.split(|b| *b == b'\n').count() - 1;
                lines::each(&self.serving.address, DOOR, &self.crs, part, &mut count).map_err(|e| e.to_string())?;
                Ok::<usize, String>(answers)
            };
            let parts = self.lines.chunks(self.lines.len().div_ceil(requests));
            let running: Vec<_> = parts.map(|part| scope.spawn(move || ask(part))).collect();
            let done = running.into_iter().map(|thread| thread.join().map_err(|_| "the client panicked".to_owned())?);
            done.sum::<Result<usize, String>>()
        })?;
        if answered != self.lines.len() {
            return Err(format!("{} lines have {answered} answers", self.lines.len()).into());
        }
        Ok(Asking { took: begun.elapsed(), served: tasks.elapsed() })
    }

    /// A batch says of each place what a check of it says. The threads that answer are made by it, and prepare their projections.
    fn same(&self) -> Result<bool, Failed> {
        let some = &self.lines[..self.lines.len().min(COMPARED)];
        let (answers, _) = lines::batch(&self.serving.address, DOOR, &self.crs, some)?;
        let (actor, question) = (Actor::public(), question());
        let mut equal = answers.len() == some.len();
        for (n, (answer, asked)) in answers.iter().zip(&self.places.asked).enumerate() {
            let answer: Json = serde_json::from_slice(answer)?;
            let checked = site_check::check(&self.serving.context, &actor, std::slice::from_ref(asked), &question)?;
            equal &= answer["line"] == n + 1 && says(&answer["results"][0], checked.first().ok_or("no answer")?);
        }
        Ok(equal)
    }
}

/// A result says what a check says: every finding with its verdict, sentence, measured value, limit and evidence.
fn says(result: &Json, check: &SiteCheck) -> bool {
    let (Some(found), verdict) = (result["findings"].as_array(), check.verdict()) else { return false };
    let same = |(found, expect): (&Json, &clearway::domain::site_check::Finding)| {
        let evidence = found["evidence"].as_array().map(|all| all.iter().map(|e| e["id"].as_str()).collect::<Vec<_>>());
        let ids: Vec<String> = expect.evidence.iter().map(|e| e.id.to_string()).collect();
        found["code"] == expect.code.as_str()
            && found["verdict"] == expect.verdict.as_str()
            && found["key"] == expect.message.key
            && found["measured"]["value"].as_f64() == expect.measured.map(|measured| measured.value)
            && found["limit"]["value"].as_f64() == expect.limit.map(|limit| limit.value)
            && evidence == Some(ids.iter().map(|id| Some(id.as_str())).collect())
    };
    result["verdict"] == verdict.as_str()
        && found.len() == check.findings.len()
        && found.iter().zip(&check.findings).all(same)
}
