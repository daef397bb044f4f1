//! The set of pairs: index = brute force = PostGIS, on lattices, off them, at every scale, drawn and stored.

use std::collections::{BTreeMap, BTreeSet};

use clearway::actions::conflict_check;
use clearway::actions::feature::{self, ListQuery};
use clearway::domain::conflict::{AccuracyDefaults, Facts};
use clearway::domain::corridor::Corridor;
use clearway::domain::feature::{Noun, Registered};
use clearway::domain::layer::Layer;
use clearway::domain::work::Work;
use clearway::geometry::{Geometry, Metres};
use clearway::store::records::Records;
use geo::{BoundingRect, Distance, Euclidean, Intersects, Rect};
use jiff::civil::date;
use uuid::Uuid;

use crate::features::random_features;
use crate::shapes::{ADVERSARIAL, Dice, Lattice, adversarial_points, wkt};
use crate::values::{Ground, Tally, compare};
use crate::world::{
    Found, HAIR_M, HERE, Pairs, Rows, World, by_index, corridor_props, drawn, question, same_set, split, text,
    work_props,
};
use clearway::domain::fields::Value;

/// Lattices of every scale, metres between columns: a millimetre, 5 m, a kilometre; and off the lattice.
const LATTICES: &[(&str, Lattice, Ground)] = &[
    ("5 m", Lattice { origin: HERE, step: 5.0, size: 12, jitter: 0.0 }, Ground::Lattice),
    ("1 m", Lattice { origin: (HERE.0 + 20.0, HERE.1 - 7.0), step: 1.0, size: 20, jitter: 0.0 }, Ground::Lattice),
    (
        "1 km",
        Lattice { origin: (HERE.0 - 9_000.0, HERE.1 - 9_000.0), step: 1_000.0, size: 20, jitter: 0.0 },
        Ground::Lattice,
    ),
    ("1/1024 m", Lattice { origin: HERE, step: 0.000_976_562_5, size: 8, jitter: 0.0 }, Ground::Lattice),
    ("off, 7 m", Lattice { origin: HERE, step: 7.0, size: 12, jitter: 0.5 }, Ground::Any),
    ("off, 500 m", Lattice { origin: HERE, step: 500.0, size: 20, jitter: 0.5 }, Ground::Any),
    ("off, 1 mm", Lattice { origin: HERE, step: 0.001, size: 9, jitter: 0.5 }, Ground::Any),
];

/// Every feature of a noun.
fn all<T: Records>(world: &World) -> Vec<Registered<T>> {
    let query = ListQuery { boxes: Vec::new(), jurisdiction: None, after: None, limit: 100_000 };
    feature::list::<T>(&world.context, &world.actor, &query).unwrap().features
}

/// Every pair by the geo crate, one after the other: its distance, and what must be kept beyond the corridor's edge. Only
/// boxes are asked first: two that lie farther apart than any threshold cannot hold shapes that are nearer. Of the code
/// that is judged it uses nothing that measures; who counts, and the accuracy, are judged against the SQL of PostGIS.
pub struct Brute {
    pairs: usize,
    close: Vec<Close>,
}

/// A pair that boxes do not decide.
struct Close {
    pair: (Uuid, Uuid),
    distance: f64,
    accuracy: f64,
    own_clearance: Option<f64>,
}

impl Brute {
    /// All pairs that count, for any of these clearances.
    pub fn of(world: &World, clearances: &[Option<f64>]) -> Self {
        let day = date(2026, 6, 1);
        let asked = clearances.iter().flatten().copied().fold(0.0, f64::max);
        let (works, corridors) = (all::<Work>(world), all::<Corridor>(world));
        let counts = |facts: Facts| facts.noun.severity(day).is_some();
        let lands: Vec<_> = corridors
            .iter()
            .filter(|c| counts(c.body.facts(c.id)))
            .map(|c| (c.id, &c.body.place().grid.0, around(&c.body.place().grid.0), c.body.props().clearance_m))
            .collect();
        let (mut pairs, mut close) = (0, Vec::new());
        for w in works.iter().filter(|w| counts(w.body.facts(w.id))) {
            let p = w.body.props();
            let accuracy = AccuracyDefaults::default().of(p.position_accuracy_m, p.capture_method).0.get();
            let shape = &w.body.place().grid.0;
            let its_box = around(shape);
            pairs += lands.len();
            for (id, land, land_box, own_clearance) in &lands {
                let reach = asked.max(own_clearance.unwrap_or(0.0)) + accuracy + 1.0;
                if apart(&its_box, land_box, reach) || apart(land_box, &its_box, reach) {
                    continue;
                }
                let distance = if shape.intersects(*land) { 0.0 } else { Euclidean.distance(shape, *land) };
                close.push(Close { pair: (w.id, *id), distance, accuracy, own_clearance: *own_clearance });
            }
        }
        Self { pairs, close }
    }

    /// How many pairs there are.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// How many of them boxes do not decide.
    pub fn close(&self) -> usize {
        self.close.len()
    }

    /// The pairs in conflict, and those within a hair of the threshold.
    pub fn decide(&self, clearance: Option<f64>) -> (Pairs, Pairs) {
        let beyond = |c: &Close| c.distance - (clearance.or(c.own_clearance).unwrap_or(0.0) + c.accuracy);
        let pairs = |of: &dyn Fn(f64) -> bool| self.close.iter().filter(|c| of(beyond(c))).map(|c| c.pair).collect();
        (pairs(&|beyond| beyond <= 0.0), pairs(&|beyond| beyond.abs() <= HAIR_M))
    }
}

fn around(shape: &Geometry<f64>) -> Rect<f64> {
    shape.bounding_rect().expect("stored shapes are not empty")
}

/// One box lies farther than `reach` to the west or to the south of the other.
fn apart(one: &Rect<f64>, other: &Rect<f64>, reach: f64) -> bool {
    other.min().x - one.max().x > reach || other.min().y - one.max().y > reach
}

fn same_but_for_a_hair(what: &str, a: &Pairs, b: &Pairs, doubtful: &Pairs) {
    let differ: Vec<_> = a.symmetric_difference(b).filter(|p| !doubtful.contains(p)).collect();
    assert!(differ.is_empty(), "seed {}, {what}: {differ:?}", crate::shapes::seed());
}

/// Stored against stored, from both sides, for one clearance.
fn check_stored(what: &str, world: &World, clearance: Option<f64>, ground: Ground) -> Tally {
    let from_corridors = by_index(&world.context, world, Layer::Corridors, clearance);
    let from_works = by_index(&world.context, world, Layer::Works, clearance);
    symmetric(what, &from_corridors, &from_works);
    let found: BTreeSet<_> = from_corridors.keys().copied().collect();
    let (brute, doubtful) = Brute::of(world, &[clearance]).decide(clearance);
    same_but_for_a_hair(&format!("{what}: brute force"), &found, &brute, &doubtful);
    compare(what, &from_corridors, &world.by_postgis(clearance), ground)
}

/// A pair has the same numbers, whichever side asks.
fn symmetric(what: &str, a: &Found, b: &Found) {
    let differ: Vec<_> =
        a.keys().filter(|p| !b.contains_key(p)).chain(b.keys().filter(|p| !a.contains_key(p))).collect();
    assert!(differ.is_empty(), "{what}: found from one side only: {differ:?}");
    for (pair, one) in a {
        let other = &b[pair];
        assert_eq!(one.finding, other.finding, "{what} {pair:?}");
        assert_eq!((one.clearance, &one.rule, one.severity), (other.clearance, &other.rule, other.severity), "{what}");
        assert_eq!((one.accuracy, one.accuracy_source), (other.accuracy, other.accuracy_source), "{what}");
    }
}

/// Drawn shapes: as land against the works, and as works against the corridors.
fn check_drawn(what: &str, world: &World, shapes: &[Geometry<f64>], step: f64, ground: Ground) -> Tally {
    let mut tally = Tally::default();
    let number = |n: usize| Uuid::parse_str(&format!("00000000-0000-0000-0000-{n:012}")).unwrap();
    for clearance in [0.0, 5.0 * step] {
        let mut found = BTreeMap::new();
        for (n, shape) in shapes.iter().enumerate() {
            // Whether the asker gives the clearance or the drawn corridor brings it is the same.
            let (asked, own) = if n % 2 == 0 { (Some(clearance), None) } else { (None, Some(clearance)) };
            let subject = drawn(shape, 0.0, own);
            let (subject, question) = ([subject], question(Layer::Works, asked));
            let mut answer = conflict_check::check(&world.context, &world.actor, &subject, &question).unwrap();
            let set = conflict_check::check_as(&world.context, &world.actor, &subject, &question).unwrap();
            same_set(&answer.results[0], &set.results[0]);
            for c in answer.results[0].conflicts.drain(..) {
                found.insert((c.id, number(n)), c);
            }
        }
        tally.add(compare(
            &format!("{what}, drawn land"),
            &found,
            &world.drawn_land_by_postgis(shapes, clearance),
            ground,
        ));
    }
    for (clearance, accuracy) in [(None, 0.0), (Some(3.0 * step), 2.0 * step)] {
        let mut found = BTreeMap::new();
        let subjects: Vec<_> = shapes.iter().map(|s| drawn(s, accuracy, None)).collect();
        let answer =
            conflict_check::check(&world.context, &world.actor, &subjects, &question(Layer::Corridors, clearance));
        for (n, result) in answer.unwrap().results.into_iter().enumerate() {
            found.extend(result.conflicts.into_iter().map(|c| ((number(n), c.id), c)));
        }
        let judged = world.drawn_works_by_postgis(shapes, clearance, accuracy);
        tally.add(compare(&format!("{what}, drawn works"), &found, &judged, ground));
    }
    tally
}

#[test]
fn index_is_brute_force_is_postgis_on_random_shapes() {
    for (salt, (name, lattice, ground)) in LATTICES.iter().enumerate() {
        let world = World::new();
        let mut dice = Dice::new(salt as u64);
        let (works, corridors) = random_features(&mut dice, "R", *lattice, 60, 30);
        world.import::<Work>(works);
        world.import::<Corridor>(corridors);
        assert_eq!(world.invalid_in_postgis(), Vec::<String>::new());
        let mut tally = Tally::default();
        for clearance in [None, Some(0.0), Some(2.0 * lattice.step), Some(5.0 * lattice.step)] {
            tally.add(check_stored(&format!("{name}, {clearance:?}"), &world, clearance, *ground));
        }
        let shapes: Vec<Geometry<f64>> = (0..30).map(|_| dice.draw(lattice.any())).collect();
        tally.add(check_drawn(name, &world, &shapes, lattice.step, *ground));
        eprintln!("{name}: {tally:?}");
        assert!(tally.pairs > 300, "{name}: too few pairs to mean anything: {tally:?}");
    }
}

#[test]
fn index_is_brute_force_is_postgis_on_adversarial_shapes() {
    let world = World::new();
    let (mut works, mut corridors): (Rows, Rows) = (Vec::new(), Vec::new());
    let mut drawn = Vec::new();
    let exactly = |code: String| {
        let mut props = work_props(&code);
        props.push(("position_accuracy_m", Value::Number(0.0)));
        props
    };
    for (n, (work, land)) in ADVERSARIAL.iter().enumerate() {
        let column = f64::from(u8::try_from(n).unwrap());
        let origin = (HERE.0 + 200.0 * column, HERE.1);
        let land = wkt(land, origin);
        drawn.push(wkt(work, origin));
        works.push((exactly(format!("A-{n}")), wkt(work, origin)));
        // What lies on one adversary's edge lies on the edge of all, so few lands are walked round.
        if [2, 4, 8, 15, 18, 33].contains(&n) {
            for (k, point) in adversarial_points(&land).into_iter().enumerate() {
                works.push((exactly(format!("A-{n}-{k}")), point));
            }
        }
        corridors.push((corridor_props(&format!("A-{n}")), land));
    }
    corridors[0].0[2].1 = text("announced");
    let lands: Vec<Geometry<f64>> = corridors.iter().map(|(_, shape)| shape.clone()).collect();
    world.import::<Work>(works);
    world.import::<Corridor>(corridors);
    assert_eq!(world.invalid_in_postgis(), Vec::<String>::new());
    let mut tally = Tally::default();
    for clearance in [None, Some(3.0), Some(4.0), Some(5.0), Some(25.0)] {
        tally.add(check_stored(&format!("adversarial, {clearance:?}"), &world, clearance, Ground::Any));
    }
    tally.add(check_drawn("adversarial works", &world, &drawn, 1.0, Ground::Any));
    tally.add(check_drawn("adversarial lands", &world, &lands, 1.0, Ground::Any));
    eprintln!("adversarial: {tally:?}");
    assert!(tally.at_threshold > 20, "the thresholds were not met: {tally:?}");
    for word in ["inside", "touches", "crosses", "near"] {
        assert!(tally.relations.get(word).is_some_and(|n| *n > 3), "too few of {word}: {tally:?}");
    }
}

#[test]
fn a_millimetre_decides() {
    // 3-4-5 from the corner at 10, 10: the distance is 5 exactly, and what is 5.001 away is out.
    let world = World::new();
    let square = wkt("POLYGON((0 0,10 0,10 10,0 10,0 0))", HERE);
    let corridor = world.create::<Corridor>(&corridor_props("C"), square);
    for (code, x, y) in [("AT", 13.0, 14.0), ("OUT", 13.0, 14.001), ("IN", 13.0, 13.999)] {
        let mut props = work_props(code);
        props.push(("position_accuracy_m", Value::Number(0.0)));
        world.create::<Work>(&props, Geometry::Point((HERE.0 + x, HERE.1 + y).into()));
    }
    let codes = |metres: f64| {
        let q = question(Layer::Works, Some(metres));
        let answer = conflict_check::check_stored::<Corridor>(&world.context, &world.actor, corridor.id, &q).unwrap();
        answer.results[0].conflicts.iter().map(|c| c.code.clone()).collect::<Vec<_>>()
    };
    assert_eq!(codes(5.0), ["IN", "AT"]);
    assert_eq!(codes(4.9999), ["IN"]);
    assert_eq!(codes(5.001), ["IN", "AT", "OUT"]);
    assert_eq!(Metres::new(5.0).unwrap().get(), 5.0);
    let (found, doubtful) = split(&world.by_postgis(Some(5.0)));
    assert_eq!((found.len(), doubtful.len()), (2, 1));
}
