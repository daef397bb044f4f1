//! Readers during writes: each answer is that of one revision, never a mix.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clearway::actions::conflict_check::{self, Drawn, Found, Question};
use clearway::actions::{Context, refresh};
use clearway::domain::actor::Actor;
use clearway::domain::corridor::Corridor;
use clearway::domain::layer::Layer;
use clearway::domain::work::Work;
use clearway::geometry::Geometry;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use crate::shapes::wkt;
use crate::support::Database;
use crate::world::{HERE, World, corridor_props, drawn, question, text, work_props};

/// How often the work moves: enough that readers meet hundreds of moments between two writes.
const MOVES: usize = 80;

/// Two squares far apart, and a drawn shape that meets whatever lies in either.
const SQUARES: [&str; 2] = ["POLYGON((0 0,100 0,100 100,0 100,0 0))", "POLYGON((900 0,1000 0,1000 100,900 100,900 0))"];

fn spot(square: usize) -> Geometry<f64> {
    wkt(["POINT(50 50)", "POINT(950 50)"][square], HERE)
}

/// What a reader saw: the revision, and each feature met with its subject.
type Seen = (i64, BTreeSet<String>);

fn subjects() -> Vec<Drawn> {
    SQUARES.iter().map(|s| drawn(&wkt(s, HERE), 0.0, None)).collect()
}

fn ask(context: &Context, actor: &Actor) -> Seen {
    let both = Question { against: vec![Layer::Works, Layer::Corridors], ..question(Layer::Works, Some(0.0)) };
    let answer = conflict_check::check(context, actor, &subjects(), &both).unwrap();
    let met = answer
        .results
        .iter()
        .enumerate()
        .flat_map(|(n, r)| r.conflicts.iter().map(move |c| format!("{n} {} {} {}", c.layer, c.code, c.severity)));
    (answer.revisions["VN-72"], met.collect())
}

/// What the stored work meets, and at which revision.
fn ask_stored(context: &Context, actor: &Actor, work: Uuid) -> Seen {
    let corridors = question(Layer::Corridors, Some(0.0));
    let answer = conflict_check::check_stored::<Work>(context, actor, work, &corridors).unwrap();
    let met = answer.results[0].conflicts.iter().map(|c| format!("{} {}", c.code, c.severity));
    (answer.revisions["VN-72"], met.collect())
}

/// Whether the work stands in stored land, from what is kept of it, and at which revision.
fn ask_land(context: &Context, actor: &Actor, land: Uuid) -> (i64, bool) {
    let works = question(Layer::Works, None);
    let answer = conflict_check::check_stored_as::<Corridor, Found>(context, actor, land, &works).unwrap();
    (answer.revisions["VN-72"], answer.results[0].conflicts.iter().any(|c| c.code == "MOVER"))
}

/// Whether the work is in conflict with the land of a square when this is what lies in the squares.
fn met_by_land(squares: &BTreeSet<String>, square: usize) -> bool {
    let counts = squares.iter().any(|m| m.starts_with(&format!("{square} corridors SQUARE-{square} ")));
    counts && squares.contains(&format!("{square} works MOVER blocks"))
}

/// What the work meets when this is what lies in the squares.
fn met_by_work(squares: &BTreeSet<String>) -> BTreeSet<String> {
    let at = (0..2).find(|n| squares.contains(&format!("{n} works MOVER blocks"))).unwrap();
    squares.iter().filter_map(|m| m.strip_prefix(&format!("{at} corridors "))).map(str::to_owned).collect()
}

/// The same question in SQL, in one statement and so in one snapshot.
fn ask_postgis(database: &Database) -> Seen {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        revision: i64,
        #[diesel(sql_type = Text)]
        met: String,
    }
    let square = |n: usize| {
        let shift = format!("ST_Translate('{}'::geometry, {}, {})", SQUARES[n], HERE.0, HERE.1);
        format!("({n}, ST_SetSRID({shift}, 9218))")
    };
    let sql = format!(
        "WITH s(n, g) AS (VALUES {}, {})
         SELECT r.revision, n || ' works ' || code || ' blocks' AS met FROM revisions r, s
         JOIN works ON ST_Intersects(geom_grid, g)
         WHERE status <> 'dismantled'
         UNION ALL
         SELECT r.revision, n || ' corridors ' || code || CASE status WHEN 'announced' THEN ' warns' ELSE ' blocks' END
         FROM revisions r, s JOIN corridors ON ST_Intersects(geom_grid, g) WHERE status <> 'cancelled'",
        square(0),
        square(1)
    );
    let rows: Vec<Row> = diesel::sql_query(sql).load(&mut database.connect()).unwrap();
    (rows[0].revision, rows.into_iter().map(|r| r.met).collect())
}

/// Lets the readers end, also when the writer fails.
pub struct StopReaders<'a>(pub &'a AtomicBool);

impl Drop for StopReaders<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_reader_ever_sees_a_mix() {
    let world = World::new();
    let props = corridor_props;
    let corridors = [0, 1].map(|n| world.create::<Corridor>(&props(&format!("SQUARE-{n}")), wkt(SQUARES[n], HERE)));
    let work = world.create::<Work>(&work_props("MOVER"), spot(0));
    let follower = world.database.context();
    let done = AtomicBool::new(false);
    let mut truth: BTreeMap<i64, BTreeSet<String>> = BTreeMap::from([ask_postgis(&world.database)]);
    let read = |context: &Context, follows: bool| {
        let (mut seen, mut stored): (Vec<Seen>, Vec<Seen>) = (Vec::new(), Vec::new());
        let mut kept: BTreeSet<(usize, i64, bool)> = BTreeSet::new();
        while !done.load(Ordering::Relaxed) {
            if follows {
                refresh::catch_up_all(context).unwrap();
            }
            let now = ask(context, &world.actor);
            assert!(seen.last().is_none_or(|before| before.0 <= now.0), "a reader went back in time");
            if seen.last() != Some(&now) {
                seen.push(now);
            }
            let now = ask_stored(context, &world.actor, work.id);
            if stored.last() != Some(&now) {
                stored.push(now);
            }
            for (n, land) in corridors.iter().enumerate() {
                let (revision, met) = ask_land(context, &world.actor, land.id);
                kept.insert((n, revision, met));
            }
        }
        (seen, stored, kept)
    };
    let all: Vec<_> = thread::scope(|scope| {
        let readers = [
            scope.spawn(|| read(&world.context, false)),
            scope.spawn(|| read(&world.context, false)),
            scope.spawn(|| read(&follower, true)),
        ];
        let stop = StopReaders(&done);
        for n in 1..=MOVES {
            match n % 5 {
                // The corridor changes what it means, the work stays.
                4 => {
                    let mut changed = props("SQUARE-0");
                    changed[2].1 = text(["announced", "in_force", "cancelled"][n / 5 % 3]);
                    world.replace::<Corridor>(corridors[0].id, &changed, wkt(SQUARES[0], HERE));
                }
                // One write moves the work and so takes it from one square and gives it to the other.
                _ => world.replace::<Work>(work.id, &work_props("MOVER"), spot(n % 2)),
            }
            let (revision, met) = ask_postgis(&world.database);
            assert_eq!(ask(&world.context, &world.actor), (revision, met.clone()), "read your writes");
            for (n, land) in corridors.iter().enumerate() {
                let now = ask_land(&world.context, &world.actor, land.id);
                assert_eq!(now, (revision, met_by_land(&met, n)), "read your writes, kept");
            }
            truth.insert(revision, met);
        }
        drop(stop);
        readers.into_iter().map(|r| r.join().unwrap()).collect()
    });
    let seen: Vec<_> = all.iter().flat_map(|(seen, _, _)| seen.clone()).collect();
    let stored: Vec<_> = all.iter().flat_map(|(_, stored, _)| stored.clone()).collect();
    for (n, revision, met) in all.iter().flat_map(|(_, _, kept)| kept) {
        let expect = truth.get(revision).map(|squares| met_by_land(squares, *n));
        assert_eq!(Some(*met), expect, "the stored land {n} at revision {revision}");
    }
    for (revision, met) in &seen {
        assert_eq!(met.iter().filter(|m| m.contains("MOVER")).count(), 1, "at {revision} the work is in one: {met:?}");
        assert_eq!(Some(met), truth.get(revision), "at revision {revision}");
    }
    for (revision, met) in &stored {
        assert_eq!(Some(met), truth.get(revision).map(met_by_work).as_ref(), "the stored work at revision {revision}");
    }
    eprintln!("{} answers between {MOVES} writes, each of one revision", seen.len());
    assert!(seen.len() > MOVES / 2, "the readers saw too little to mean anything: {}", seen.len());
}
