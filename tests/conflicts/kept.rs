//! What is kept of stored land: beyond each limit, and while everything that decides changes, the answer is that of a
//! search, and that of PostGIS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clearway::actions::conflict_check::{self, Answer, Conflict, Found, Question};
use clearway::actions::{Context, coverage, rules};
use clearway::domain::actor::{Actor, Role};
use clearway::domain::conflict::{Rule, RuleKey};
use clearway::domain::corridor::Corridor;
use clearway::domain::coverage::{Coverage, CoverageDraft};
use clearway::domain::fields::Value;
use clearway::domain::layer::Layer;
use clearway::domain::work::Work;
use clearway::formats::rules as file;
use clearway::geometry::{Epsg, Geometry, crs};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use uuid::Uuid;

use crate::concurrent::StopReaders;
use crate::features::random_features;
use crate::shapes::{Dice, Lattice, wkt};
use crate::values::{Ground, compare};
use crate::world::{AT, GRID, HERE, Props, World, by_index, corridor_props, question, text, work_props};

/// A small place, so that every land has several works.
const LATTICE: Lattice = Lattice { origin: HERE, step: 5.0, size: 40, jitter: 0.0 };

/// Asks everything from what is kept, twice, and compares it with PostGIS and with a fresh load.
fn check(what: &str, world: &World) -> usize {
    let mut pairs = 0;
    for time in ["first", "again"] {
        let kept = by_index(&world.context, world, Layer::Corridors, None);
        pairs = compare(&format!("{what}, {time}"), &kept, &world.by_postgis(None), Ground::Lattice).pairs;
    }
    let kept = by_index(&world.context, world, Layer::Corridors, None);
    assert_eq!(by_index(&world.database.context(), world, Layer::Corridors, None), kept, "{what}: loaded afresh");
    pairs
}

/// Moves some works and a corridor.
fn write(world: &World, dice: &mut Dice, round: usize) {
    let (works, mut corridors) = random_features(dice, &format!("M{round}"), LATTICE, 6, 1);
    let (old_works, old_corridors) = (world.ids(Layer::Works), world.ids(Layer::Corridors));
    for (props, shape) in works {
        world.replace::<Work>(dice.pick(&old_works), &props, shape);
    }
    let (props, shape) = corridors.remove(0);
    world.replace::<Corridor>(dice.pick(&old_corridors), &props, shape);
    world.delete::<Work>(dice.pick(&world.ids(Layer::Works)));
}

#[test]
fn beyond_the_limits_of_what_is_kept_the_answer_is_right() {
    // Room for all, for some of the lands, for some of the lists, for none.
    for (pairs_max, conflicts_max) in [(4_000_000, 1_000_000), (150, 1_000_000), (4_000_000, 100), (0, 0)] {
        let what = format!("{pairs_max} pairs and {conflicts_max} conflicts are kept");
        let world = World::with(|s| (s.kept_pairs_max, s.kept_conflicts_max) = (pairs_max, conflicts_max));
        let mut dice = Dice::new(60);
        let (works, corridors) = random_features(&mut dice, "K", LATTICE, 80, 16);
        world.import::<Corridor>(corridors);
        world.import::<Work>(works);
        for round in 0..3 {
            let pairs = check(&format!("{what}, round {round}"), &world);
            assert!(pairs > 150, "{what}: too few pairs to pass the limits: {pairs}");
            write(&world, &mut dice, round);
        }
        check(&format!("{what}, at last"), &world);
    }
}

#[test]
fn a_change_of_more_features_than_are_followed_one_by_one_is_followed() {
    let world = World::new();
    let mut dice = Dice::new(61);
    let (works, corridors) = random_features(&mut dice, "T", LATTICE, 1_001, 12);
    world.import::<Corridor>(corridors);
    assert_eq!(check("no works", &world), 0);
    world.import::<Work>(works[..1_000].to_vec());
    check("a thousand at once", &world);
    // All of them change at once, and one comes.
    let moved: Vec<_> = works.iter().map(|(props, _)| (props.clone(), dice.draw(LATTICE.any()))).collect();
    world.import::<Work>(moved);
    assert!(check("a thousand and one at once", &world) > 1_000);
}

#[test]
fn land_with_more_near_it_than_is_kept_of_one_is_asked_as_if_it_were_drawn() {
    let world = World::new();
    let mut wide = corridor_props("WIDE");
    wide.push(("clearance_m", Value::Number(10.0)));
    let land = world.create::<Corridor>(&wide, wkt("POLYGON((0 0,2000 0,2000 2000,0 2000,0 0))", HERE)).id;
    let row = |n: usize| {
        let (x, y) = (n % 200 * 10, n / 200 * 10);
        (work_props(&format!("N{n}")), wkt(&format!("POINT({x} {y})"), HERE))
    };
    let count = |limit| {
        let question = Question { limit, ..question(Layer::Works, None) };
        let answer: Answer<Found> =
            conflict_check::check_stored_as::<Corridor, _>(&world.context, &world.actor, land, &question).unwrap();
        (answer.results[0].conflict_count, answer.results[0].conflicts.len())
    };
    world.import::<Work>((0..10_000).map(row).collect());
    assert_eq!(count(5), (10_000, 5));
    let last = world.create::<Work>(&row(10_000).0, row(10_000).1).id;
    assert_eq!(count(5), (10_001, 5));
    assert_eq!(count(usize::MAX).0, 10_001);
    world.delete::<Work>(last);
    assert_eq!(count(usize::MAX), (10_000, 10_000));
}

fn actors() -> Vec<Actor> {
    let of = |name: &str, organisation: &str, role| Actor {
        name: name.into(),
        organisation: Some(organisation.into()),
        roles: vec![role],
        jurisdictions: None,
    };
    vec![
        Actor::public(),
        Actor::operator(),
        of("owner", "viettel", Role::Carrier),
        of("rival", "vnpt", Role::Carrier),
        of("consultee", "army", Role::Consultee),
    ]
}

#[test]
fn whoever_asks_in_more_ways_than_are_kept_is_answered_right() {
    let world = World::new();
    let mut dice = Dice::new(62);
    let (mut works, corridors) = random_features(&mut dice, "W", LATTICE, 60, 10);
    for (props, _) in &mut works {
        props.push(("visibility", text(dice.pick(&["public", "carriers", "government", "restricted"]))));
    }
    world.import::<Work>(works);
    let own = |(mut props, shape): (Props, Geometry<f64>)| {
        props.retain(|(name, _)| *name != "clearance_m");
        props.push(("clearance_m", Value::Number(10.0)));
        (props, shape)
    };
    world.import::<Corridor>(corridors.into_iter().map(own).collect());
    let days = ["2019-06-01T04:00:00Z", AT, "2026-06-01T04:00:00Z", "2026-06-02T04:00:00Z", "2031-01-01T00:00:00Z"];
    let mut counts = BTreeSet::new();
    // Twenty-five ways are more than are kept: the second time some are known and some are not.
    for time in 0..2 {
        for id in world.ids(Layer::Corridors) {
            for at in days {
                for actor in actors() {
                    let ask = |clearance| {
                        let question = Question { at: at.parse().unwrap(), ..question(Layer::Works, clearance) };
                        conflict_check::check_stored::<Corridor>(&world.context, &actor, id, &question).unwrap()
                    };
                    let kept = ask(None);
                    assert_eq!(kept, by_its_own_clearance(ask(Some(10.0))), "{time}, {at}, {}", actor.name);
                    counts.insert(kept.results[0].conflict_count);
                }
            }
        }
    }
    assert!(counts.len() > 8, "they see much the same: {counts:?}");
}

/// An answer to somebody who named the clearance of the corridor, as if nobody had.
fn by_its_own_clearance(mut answer: Answer) -> Answer {
    for conflict in answer.results.iter_mut().flat_map(|r| &mut r.conflicts) {
        conflict.rule = Rule::Word(RuleKey::Corridor);
    }
    for applied in answer.results.iter_mut().flat_map(|r| &mut r.clearances) {
        assert_eq!(applied.rule, Rule::Word(RuleKey::Request));
        applied.rule = Rule::Word(RuleKey::Corridor);
    }
    answer
}

/// What one answer says: how much of the ground is covered, and each work with the clearance that is kept from it.
type Said = (Coverage, BTreeSet<String>);

/// What actors were told of a land, by actor and revision.
type Told = BTreeMap<(usize, usize, i64), Said>;

/// Everything that decides on the answers here: two lands of the rule's clearance, works at their edge, the coverage.
struct Stage {
    world: World,
    lands: Vec<Uuid>,
    works: Vec<Uuid>,
    area: Option<Uuid>,
}

const STRIPS: [&str; 2] = ["POLYGON((0 0,400 0,400 50,0 50,0 0))", "POLYGON((0 300,400 300,400 350,0 350,0 300))"];

impl Stage {
    fn new() -> Self {
        let world = World::new();
        let land = |n: usize| world.create::<Corridor>(&corridor_props(&format!("S{n}")), wkt(STRIPS[n], HERE)).id;
        let lands = (0..2).map(land).collect();
        let works = (0..8).map(|n| world.create::<Work>(&Self::work(n, "public"), Self::place(n, 0)).id).collect();
        Self { world, lands, works, area: None }
    }

    fn work(n: usize, visibility: &str) -> Props {
        let mut props = work_props(&format!("W{n}"));
        props.extend([("position_accuracy_m", Value::Number(0.0)), ("visibility", text(visibility))]);
        props
    }

    /// At some distance above the one land or the other.
    fn place(n: usize, step: usize) -> Geometry<f64> {
        let north = [50, 350][(n + step) % 2] + 5 * (1 + (n * 3 + step) % 8);
        wkt(&format!("POINT({} {north})", 20 + 45 * n), HERE)
    }

    /// One of the things that change what is told.
    fn change(&mut self, step: usize) {
        let n = step / 4 % self.works.len();
        let visibility = ["public", "restricted", "carriers", "government"][step / 3 % 4];
        match step % 4 {
            0 => {
                let value = 5 * (1 + step / 4 % 9);
                let pack = format!(
                    "name = \"T\"\nversion = \"{step}\"\n[[parameter]]\nkey='corridor.road.clearance_m'\nvalue={value}\n\
                     unit='m'\nconfidence='default'\n"
                );
                let pack = file::read(pack.as_bytes()).unwrap();
                let codes = ["VN-72".to_owned()];
                rules::import(&self.world.context, self.world.witness(), &codes, &pack, &step.to_string()).unwrap();
            }
            1 => self.world.replace::<Work>(self.works[n], &Self::work(n, visibility), Self::place(n, 0)),
            2 => self.world.replace::<Work>(self.works[n], &Self::work(n, "public"), Self::place(n, step)),
            _ => self.change_coverage(step),
        }
    }

    fn change_coverage(&mut self, step: usize) {
        let (context, witness) = (&self.world.context, self.world.witness());
        if let Some(area) = self.area.take() {
            coverage::withdraw(context, witness, "VN-72", area).unwrap();
            return;
        }
        // Now round all of it, now round a part.
        let ground = ["POLYGON((-900 -900,900 -900,900 900,-900 900,-900 -900))", STRIPS[1]][step / 8 % 2];
        let boundary = crs::project(&wkt(ground, HERE), GRID, Epsg::WGS84).unwrap();
        let as_of = Some("2020-01-01".parse().unwrap());
        let draft = CoverageDraft { layer: Layer::Works, kind: None, source: "the office".into(), as_of, boundary };
        self.area = Some(coverage::declare(context, witness, "VN-72", draft).unwrap().id);
    }

    /// What is told, by a search: each work of the drawn land, by the clearance that the rules have come to.
    fn searched(&self) -> Told {
        let (revision, clearance, met) = self.by_postgis();
        let mut told = Told::new();
        for (a, actor) in actors().iter().enumerate() {
            for (l, id) in self.lands.iter().enumerate() {
                let question = question(Layer::Works, Some(clearance));
                let answer: Answer =
                    conflict_check::check_stored::<Corridor>(&self.world.context, actor, *id, &question).unwrap();
                assert_eq!(answer.revisions["VN-72"], revision);
                let said = said(&answer);
                let seen = |(land, visibility, code): &(usize, String, String)| {
                    let sees = actor.sight("VN-72").sees(visibility_of(visibility), "viettel");
                    (*land == l && sees).then(|| format!("{code} {clearance}"))
                };
                assert_eq!(said.1, met.iter().filter_map(seen).collect(), "PostGIS, {}, land {l}", actor.name);
                told.insert((a, l, revision), said);
            }
        }
        told
    }

    /// The revision, the clearance by the rules, and the land, visibility and code of each pair.
    fn by_postgis(&self) -> (i64, f64, Vec<(usize, String, String)>) {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            revision: i64,
            #[diesel(sql_type = BigInt)]
            clearance: i64,
            #[diesel(sql_type = Nullable<Text>)]
            met: Option<String>,
        }
        let sql = "WITH r AS (SELECT coalesce((SELECT value FROM rule_parameters), 0) AS clearance)
            SELECT v.revision, r.clearance::bigint AS clearance, c.code || ' ' || w.visibility || ' ' || w.code AS met
            FROM revisions AS v CROSS JOIN r LEFT JOIN (works AS w CROSS JOIN corridors AS c)
            ON ST_DWithin(w.geom_grid, c.geom_grid, r.clearance + w.position_accuracy_m)";
        let rows: Vec<Row> = diesel::sql_query(sql).load(&mut self.world.database.connect()).unwrap();
        let pair = |met: &String| {
            let words: Vec<&str> = met.split(' ').collect();
            (words[0][1..].parse().unwrap(), words[1].to_owned(), words[2].to_owned())
        };
        let met = rows.iter().filter_map(|r| r.met.as_ref()).map(pair).collect();
        (rows[0].revision, f64::from(i32::try_from(rows[0].clearance).unwrap()), met)
    }
}

fn visibility_of(text: &str) -> clearway::domain::word::Visibility {
    clearway::domain::word::Word::parse(text).unwrap()
}

fn said(answer: &Answer<Conflict>) -> Said {
    let [result] = answer.results.as_slice() else { panic!("one subject, one result") };
    assert_eq!(result.conflict_count, result.conflicts.len());
    let met = result.conflicts.iter().map(|c| format!("{} {}", c.code, c.clearance.get()));
    (result.coverage, met.collect())
}

/// Asks from what is kept, as everybody, again and again.
fn ask_all(context: &Context, lands: &[Uuid]) -> Vec<((usize, usize, i64), Said)> {
    let mut told = Vec::new();
    for (a, actor) in actors().iter().enumerate() {
        for (l, id) in lands.iter().enumerate() {
            let answer: Answer =
                conflict_check::check_stored::<Corridor>(context, actor, *id, &question(Layer::Works, None)).unwrap();
            told.push(((a, l, answer.revisions["VN-72"]), said(&answer)));
        }
    }
    told
}

/// Changes of the rules, of who sees what, of where works stand and of the coverage, while others ask.
const STEPS: usize = 64;

#[test]
fn while_rules_coverage_and_visibility_change_each_answer_is_that_of_its_revision() {
    let mut stage = Stage::new();
    let (context, lands) = (stage.world.context.clone(), stage.lands.clone());
    let done = AtomicBool::new(false);
    let mut truth = stage.searched();
    let read = || {
        let mut told = Told::new();
        while !done.load(Ordering::Relaxed) {
            for (at, said) in ask_all(&context, &lands) {
                let before = told.insert(at, said.clone());
                assert!(before.is_none_or(|before| before == said), "two answers of one revision differ: {at:?}");
            }
        }
        told
    };
    let told: Vec<Told> = thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read)];
        let stop = StopReaders(&done);
        for step in 0..STEPS {
            stage.change(step);
            let now = stage.searched();
            let kept: Told = ask_all(&stage.world.context, &stage.lands).into_iter().collect();
            assert_eq!(kept, now, "after step {step}");
            truth.extend(now);
        }
        drop(stop);
        readers.into_iter().map(|r| r.join().unwrap()).collect()
    });
    let mut heard = BTreeSet::new();
    for (at, said) in told.iter().flatten() {
        assert_eq!(Some(said), truth.get(at), "actor, land and revision {at:?}");
        heard.insert(at.2);
    }
    let coverages: BTreeSet<String> = truth.values().map(|(coverage, _)| format!("{coverage:?}")).collect();
    let different: BTreeSet<_> = truth.values().map(|(_, met)| met).collect();
    eprintln!("{} of {STEPS} states heard by readers, {} different lists, {coverages:?}", heard.len(), different.len());
    assert!(heard.len() > STEPS / 4 && different.len() > 20 && coverages.len() == 4, "too little happened");
}
