//! Checks of drawn shapes in this process, on one thread, against SQL.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use clearway::actions::Context;
use clearway::actions::conflict_check::{self, Answer, Conflict, Drawn, Found, Question};
use clearway::clock;
use clearway::domain::actor::Actor;
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::rules::DrawnKind;
use clearway::domain::word::Word;
use clearway::geometry::{Epsg, Geometry, Metres, Polygon};
use clearway::store::shape::Shape;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use uuid::Uuid;
use wkt::ToWkt as _;

use crate::Failed;
use crate::data::ACCURACY_M;
use crate::report::{Comparison, Report, Side, Times};
use crate::setup::on_cpu;
use crate::sql::{self, Ask, Measured};

/// The clearance asked for, metres.
pub use crate::data::CLEARANCE_M;

/// More than any subject here has.
pub const LIMIT: usize = 10_000;

/// Checks that one side makes before the other has its turn.
const BLOCK: usize = 100;

/// Distances computed in another order may differ by less than this, metres.
const SAME_M: f64 = 1e-6;

/// How much faster the complete answer has to be than SQL that gives ids alone, on one thread.
const TARGET: f64 = 30.0;
/// How much faster an answer has to be than SQL that gives the same: the set, or the measures too.
const TARGET_SAME: f64 = 50.0;
/// How much faster the set has to be than SQL that cuts the subject into pieces.
const TARGET_PIECES: f64 = 10.0;

/// How much of the gain of a loop that only counts checks have to reach on two threads.
const TARGET_THREADS: f64 = 0.85;
/// How far that loop counts.
const SPIN: u64 = 500_000_000;
/// How often the two are compared; the middle one counts.
const ROUNDS: usize = 5;

/// The shapes asked about, ready for either side.
pub struct Subjects {
    pub jurisdiction: String,
    pub grid: Epsg,
    pub shapes: Vec<Geometry<f64>>,
    drawn: Vec<[Drawn; 1]>,
    bound: Vec<sql::Subject>,
}

impl Subjects {
    pub fn new(polygons: &[Polygon<f64>], jurisdiction: &Jurisdiction) -> Self {
        let grid = jurisdiction.grid;
        let shapes: Vec<Geometry<f64>> = polygons.iter().cloned().map(Geometry::Polygon).collect();
        let drawn = |shape: &Geometry<f64>| {
            [Drawn {
                name: "0".into(),
                pointer: "/geometry".into(),
                delivered: Delivered { shape: shape.clone(), crs: grid },
                accuracy: Metres::ZERO,
                clearance_m: None,
                kind: DrawnKind::Unknown,
            }]
        };
        Self {
            jurisdiction: jurisdiction.code.clone(),
            grid,
            drawn: shapes.iter().map(drawn).collect(),
            bound: shapes.iter().map(|s| sql::Subject::Drawn(Shape::new(s.clone(), grid))).collect(),
            shapes,
        }
    }

    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// The complete answer about subject `n`, in this process.
    pub fn check(&self, context: &Context, n: usize) -> Result<Answer, Failed> {
        self.check_as(context, &Actor::public(), n)
    }

    /// The same, as somebody else.
    pub fn check_as(&self, context: &Context, actor: &Actor, n: usize) -> Result<Answer, Failed> {
        Ok(conflict_check::check(context, actor, &self.drawn[n], &question()?)?)
    }

    /// What is in conflict with subject `n`, without measures.
    pub fn find(&self, context: &Context, n: usize) -> Result<Answer<Found>, Failed> {
        Ok(conflict_check::check_as(context, &Actor::public(), &self.drawn[n], &question()?)?)
    }

    /// The question of subject `n` in SQL.
    pub fn ask(&self, sql: &'static str, n: usize) -> Ask<'_> {
        self.ask_about(sql, &self.bound[n])
    }

    /// The faster plan of a statement about all of them.
    pub fn choose_plan(
        &self,
        report: &mut Report,
        conn: &mut PgConnection,
        name: &str,
        sql: &'static str,
    ) -> Result<(), Failed> {
        let asks: Vec<Ask<'_>> = (0..self.len()).map(|n| self.ask(sql, n)).collect();
        let first = format!("'SRID={};{}'", self.grid.0, self.shapes[0].wkt_string());
        choose_plan(report, conn, (name, &self.jurisdiction), &asks, ["geometry", &first])
    }

    /// The statement that cuts into pieces of the size that is the fastest here.
    fn choose_pieces(&self, conn: &mut PgConnection) -> Result<&'static str, Failed> {
        let mut best: Option<(f64, &'static str)> = None;
        for &sql in sql::PIECES {
            let mut times = Times::default();
            for n in 0..self.len().min(2 * BLOCK) {
                times.of(|| self.ask(sql, n).run(conn))?;
            }
            if best.is_none_or(|(rate, _)| rate < times.per_second()) {
                best = Some((times.per_second(), sql));
            }
        }
        Ok(best.ok_or("no statement cuts into pieces")?.1)
    }

    pub fn ask_about<'a>(&'a self, sql: &'static str, subject: &'a sql::Subject) -> Ask<'a> {
        let widest = CLEARANCE_M + ACCURACY_M[1];
        Ask { sql, jurisdiction: &self.jurisdiction, subject, widest, clearance: CLEARANCE_M }
    }
}

/// What the index is asked.
pub fn question() -> Result<Question, Failed> {
    Ok(Question {
        against: vec![Layer::Works],
        clearance: Some(Metres::new(CLEARANCE_M)?),
        at: clock::now(),
        limit: LIMIT,
        as_of: None,
        min_revision: Vec::new(),
    })
}

/// Numbers in blocks, for two sides that take turns.
pub fn blocks(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..count).step_by(BLOCK).map(move |first| first..(first + BLOCK).min(count))
}

/// Compares all of it.
pub fn all(report: &mut Report, context: &Context, conn: &mut PgConnection, subjects: &Subjects) -> Result<(), Failed> {
    let actor = Actor::public();
    let question = question()?;
    let check = |n: usize| conflict_check::check(context, &actor, &subjects.drawn[n], &question);
    let find = |n: usize| conflict_check::check_as(context, &actor, &subjects.drawn[n], &question);
    for n in 0..subjects.len().min(4 * BLOCK) {
        complete(&check(n)?);
        set(&find(n)?);
    }

    subjects.choose_plan(report, conn, "ids", sql::IDS)?;
    let mut ask = Asking { report, conn, subjects, sql: sql::IDS };
    ask.compare(["conflict-check", COMPLETE, IDS_ONLY], Some(TARGET), check, complete)?;
    ask.compare(["conflict-check-set", SET_ONLY, IDS_ONLY], Some(TARGET_SAME), find, set)?;
    ask.sql = subjects.choose_pieces(ask.conn)?;
    let size = ask.sql.split_once("ST_Subdivide(").and_then(|(_, rest)| rest.split(')').next()).unwrap_or_default();
    subjects.choose_plan(ask.report, ask.conn, &format!("pieces ({size})"), ask.sql)?;
    ask.compare(["conflict-check-pieces", SET_ONLY, PIECES], Some(TARGET_PIECES), find, set)?;

    subjects.choose_plan(report, conn, "measures", sql::MEASURED)?;
    let (mut ours, mut peer, mut equal) = (Times::default(), Times::default(), true);
    // Slower by far, so a part of the subjects is enough.
    for block in blocks((subjects.len() / 4).max(1)) {
        let mut expect = Vec::with_capacity(BLOCK);
        for n in block.clone() {
            expect.push(peer.of(|| subjects.ask(sql::MEASURED, n).measured(conn))?);
        }
        for (n, expect) in block.zip(expect) {
            let answer = ours.of(|| check(n))?;
            equal &= same_measures(&answer, expect);
        }
    }
    report.add(Comparison {
        name: "conflict-check-measured",
        ours: Side::rate(COMPLETE, &ours),
        peer: Some(Side::rate("PostGIS, prepared, the measures too", &peer)),
        target: Some(TARGET_SAME),
        equal: Some(equal),
    });

    Ok(())
}

/// What a second thread brings, against what it brings to a loop that only counts.
pub fn two_threads(report: &mut Report, context: &Context, subjects: &Subjects) -> Result<(), Failed> {
    let check = |threads: usize| -> Result<f64, Failed> {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let all = || {
                (0..subjects.len()).try_for_each(|n| subjects.check(context, n).map(drop).map_err(|e| e.to_string()))
            };
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(all)).collect();
            running.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
        })?;
        Ok((threads * subjects.len()) as f64 / begun.elapsed().as_secs_f64())
    };
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
    let (mut ours, mut peer): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        peer.push(spin(2) / spin(1));
        ours.push(check(2)? / check(1)?);
    }
    let middle = |all: &mut Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    report.add(Comparison {
        name: "two-threads",
        ours: Side::figure("checks, two threads against one", middle(&mut ours), "x"),
        peer: Some(Side::figure("a loop that counts, two threads against one", middle(&mut peer), "x")),
        target: Some(TARGET_THREADS),
        equal: None,
    });
    Ok(())
}

/// Compares checks of shorter roads, whose boxes suit PostGIS better.
pub fn short(
    report: &mut Report,
    context: &Context,
    conn: &mut PgConnection,
    subjects: &Subjects,
) -> Result<(), Failed> {
    let actor = Actor::public();
    let question = question()?;
    let check = |n: usize| conflict_check::check(context, &actor, &subjects.drawn[n], &question);
    let find = |n: usize| conflict_check::check_as(context, &actor, &subjects.drawn[n], &question);
    subjects.choose_plan(report, conn, "ids, short roads", sql::IDS)?;
    let mut ask = Asking { report, conn, subjects, sql: sql::IDS };
    ask.compare(["conflict-check-short", COMPLETE, IDS_ONLY], None, check, complete)?;
    ask.compare(["conflict-check-short-set", SET_ONLY, IDS_ONLY], Some(TARGET_SAME), find, set)
}

const COMPLETE: &str = "the index, one thread, complete answer";
const SET_ONLY: &str = "the index, one thread, the set only";
const IDS_ONLY: &str = "PostGIS, prepared, ids only";
const PIECES: &str = "PostGIS, prepared, subject cut into pieces";

/// Both sides, the peer with one statement that gives ids.
struct Asking<'a> {
    report: &'a mut Report,
    conn: &'a mut PgConnection,
    subjects: &'a Subjects,
    sql: &'static str,
}

impl Asking<'_> {
    /// Asks both sides in turns. `names` are those of the comparison, of ours and of the peer.
    fn compare<A>(
        &mut self,
        [name, ours_is, peer_is]: [&'static str; 3],
        target: Option<f64>,
        check: impl Fn(usize) -> clearway::error::Result<A>,
        ids: impl Fn(&A) -> BTreeSet<Uuid>,
    ) -> Result<(), Failed> {
        let subjects = self.subjects;
        let backend = sql::backend(self.conn)?;
        let (mut ours, mut peer, mut equal, mut pairs) = (Times::default(), Times::default(), true, 0);
        let (mut our_cpu, mut peer_cpu) = (Duration::ZERO, Duration::ZERO);
        for block in blocks(subjects.len()) {
            let (mut expect, mut answers) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
            let begun = on_cpu(&backend);
            for n in block.clone() {
                expect.push(peer.of(|| subjects.ask(self.sql, n).ids(self.conn))?);
            }
            peer_cpu += on_cpu(&backend).saturating_sub(begun);
            let begun = on_cpu("thread-self");
            for n in block {
                answers.push(ours.of(|| check(n))?);
            }
            our_cpu += on_cpu("thread-self").saturating_sub(begun);
            for (answer, expect) in answers.iter().zip(expect) {
                pairs += expect.len();
                equal &= ids(answer) == expect.into_iter().collect();
            }
        }
        let of_one = |all: Duration| all.as_secs_f64() * 1e6 / subjects.len() as f64;
        self.report.note(format!(
            "{name}: {} checks found {pairs} conflicts; processor time of one: the index {:.0} us, PostGIS {:.0} us \
             without the client ({:.1}x)",
            subjects.len(),
            of_one(our_cpu),
            of_one(peer_cpu),
            peer_cpu.as_secs_f64() / our_cpu.as_secs_f64()
        ));
        let (ours, peer) = (Side::rate(ours_is, &ours), Side::rate(peer_is, &peer));
        self.report.add(Comparison { name, ours, peer: Some(peer), target, equal: Some(equal) });
        Ok(())
    }
}

/// Gives the peer the faster of custom and generic plans for the statement that it is asked next, and makes sure that this
/// uses the index. `first`: the type of the subject, and the first one as a literal.
pub fn choose_plan(
    report: &mut Report,
    conn: &mut PgConnection,
    (name, jurisdiction): (&str, &str),
    asks: &[Ask<'_>],
    [subject_type, first]: [&str; 2],
) -> Result<(), Failed> {
    let mut best: Option<(f64, &str)> = None;
    for mode in ["force_custom_plan", "force_generic_plan"] {
        conn.batch_execute(&format!("SET plan_cache_mode = {mode}"))?;
        let mut times = Times::default();
        for ask in asks.iter().take(2 * BLOCK) {
            times.of(|| ask.run(conn))?;
        }
        if best.is_none_or(|(rate, _)| rate < times.per_second()) {
            best = Some((times.per_second(), mode));
        }
    }
    let mode = best.map_or("auto", |(_, mode)| mode);
    conn.batch_execute(&format!("SET plan_cache_mode = {mode}"))?;
    let Some(ask) = asks.first() else { return Ok(()) };
    let values = format!("'{jurisdiction}', {first}, {}, {}", ask.widest, ask.clearance);
    let plan = sql::plan(conn, ask.sql, subject_type, &values)?;
    // Few rows need no index; the full run has to use it.
    if !plan.contains("works_geom_grid_idx") && asks.len() >= BLOCK {
        return Err(format!("the peer's plan does not use the index, so it is no peer:\n{plan}").into());
    }
    report.note(format!("the peer, {name}: it has its faster plan ({mode}), an index scan on works_geom_grid_idx"));
    Ok(())
}

/// The works of a complete answer.
pub fn complete(answer: &Answer<Conflict>) -> BTreeSet<Uuid> {
    answer.results.iter().flat_map(|r| &r.conflicts).map(|c| c.id).collect()
}

/// The works of an answer that lists nothing else.
fn set(answer: &Answer<Found>) -> BTreeSet<Uuid> {
    answer.results.iter().flat_map(|r| &r.conflicts).map(|c| c.id).collect()
}

/// What one side measured of a pair: relation, distance, depth, length or area inside; lengths in metres.
pub type Measures<'a> = (&'a str, f64, Option<f64>, Option<f64>);

/// The same relation, and the same measures but for the order of the arithmetic. What one side says the other says, too.
pub fn same(ours: Measures<'_>, theirs: Measures<'_>) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() < SAME_M.max(a.abs() * 1e-9);
    let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => near(a, b),
        _ => false,
    };
    ours.0 == theirs.0 && near(ours.1, theirs.1) && close(ours.2, theirs.2) && close(ours.3, theirs.3)
}

/// What we measured of a conflict.
pub fn measures(conflict: &Conflict) -> Measures<'_> {
    let f = &conflict.finding;
    (f.relation.as_str(), f.distance_m, f.depth_m, f.overlap_m.or(f.overlap_m2))
}

/// On purpose the two do not say the same of two things: SQL gives no depth but that of points, which a distance to the
/// boundary is; and of what is not inside we give no measure, where SQL gives 0.
fn same_measures(answer: &Answer, mut expect: Vec<Measured>) -> bool {
    let mut found: Vec<_> = answer.results.iter().flat_map(|r| &r.conflicts).collect();
    found.sort_by_key(|c| c.id);
    expect.sort_by_key(|e| e.0);
    let inside = |of_peer: Option<f64>, ours: Option<f64>| of_peer.filter(|m| ours.is_some() || m.abs() >= SAME_M);
    // Of what does not meet, SQL measures nothing, and we say that nothing of it is inside.
    let overlap_of = |of_peer: Option<f64>, ours: Option<f64>| inside(of_peer, ours).or(ours.map(|_| 0.0));
    found.len() == expect.len()
        && found.iter().zip(&expect).all(|(conflict, (id, relation, distance, depth, overlap))| {
            let (word, distance_m, depth_m, overlap_m) = measures(conflict);
            let ours = (word, distance_m, depth.and(depth_m), overlap_m);
            let theirs = (relation.as_str(), *distance, inside(*depth, depth_m), overlap_of(*overlap, overlap_m));
            conflict.id == *id && same(ours, theirs)
        })
}
