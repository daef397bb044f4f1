//! Clearances and accuracies that come from rules: the index against a search through all parameters, pair by pair, and
//! against the same rules written in SQL, on days on which different parameters are in force.

use std::collections::BTreeMap;
use std::fmt::Write;

use clearway::actions::conflict_check::{self, Answer, Conflict, Drawn, Question};
use clearway::actions::rules;
use clearway::domain::conflict::Rule;
use clearway::domain::corridor::Corridor;
use clearway::domain::feature::{Noun, Registered};
use clearway::domain::fields::Value;
use clearway::domain::layer::Layer;
use clearway::domain::rules::{DrawnKind, LandKind, Parameter, RulePack};
use clearway::domain::work::Work;
use clearway::formats::rules as file;
use clearway::geometry::Geometry;
use clearway::store::records::{ListFilter, Records};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Double, Nullable, Text, Uuid as SqlUuid};
use geo::{Distance, Euclidean, Intersects};
use jiff::civil::Date;
use uuid::Uuid;

use crate::shapes::{Dice, Lattice};
use crate::support::{RULED_ACCURACY, RULED_CLEARANCE};
use crate::world::{HAIR_M, HERE, Pairs, Rows, World, corridor_props, drawn, question, text, work_props};

/// Moments on both sides of the days on which parameters change, and one whose day differs between UTC and the place.
const MOMENTS: [&str; 5] = [
    "2009-06-01T00:00:00Z",
    "2015-12-31T16:59:59Z",
    "2015-12-31T17:00:00Z",
    "2020-06-15T12:00:00Z",
    "2026-05-31T19:00:00Z",
];

const CLASSES: [&str; 5] = ["III", " iii ", "IV", "COVERED", "nobody's"];
const VOLTAGES: [f64; 6] = [0.4, 22.0, 35.0, 66.0, 110.0, 500.0];

fn pack(step: f64) -> RulePack {
    let mut pack = String::from("name = \"T\"\nversion = \"1\"\n");
    for (key, value, more) in [
        ("corridor.road.clearance_m", 1.0, ""),
        ("corridor.road.clearance_m", 4.0, "corridor_class='III'\nvalid_to=2015-12-31"),
        ("corridor.road.clearance_m", 2.0, "corridor_class='III'\nvalid_from=2016-01-01"),
        (
            "corridor.road.clearance_m",
            6.0,
            "corridor_class='III'\nwork_kind='mast'\nvalid_from=2020-06-15\nvalid_to=2020-06-15",
        ),
        ("corridor.road.clearance_m", 3.0, "work_kind='buried_cable'"),
        ("corridor.road.clearance_m", 0.0, "corridor_class='IV'\nvalid_from=2016-01-01"),
        ("corridor.power_line.clearance_m", 1.0, "voltage_to_kv=22\ncorridor_class='COVERED'"),
        ("corridor.power_line.clearance_m", 2.0, "voltage_to_kv=22"),
        ("corridor.power_line.clearance_m", 3.0, "voltage_kv=35\nvalid_from=2010-01-01"),
        ("corridor.power_line.clearance_m", 5.0, "voltage_from_kv=110\nvalid_to=2015-12-31"),
        ("corridor.power_line.clearance_m", 4.0, "voltage_from_kv=110\nvalid_from=2016-01-01"),
        ("corridor.power_line.clearance_m", 5.0, "voltage_from_kv=110\nwork_kind='pole'\nvalid_from=2026-06-01"),
        ("corridor.railway.clearance_m", 2.0, "corridor_class='III'"),
        ("corridor.railway.clearance_m", 5.0, "corridor_class='IV'\nvalid_to=2015-12-31"),
        ("corridor.railway.clearance_m", 5.0, "corridor_class='VI'\nvalid_to=2015-12-31"),
        ("corridor.railway.clearance_m", 6.0, "corridor_class='VII'\nvalid_from=2010-01-01\nvalid_to=2015-12-31"),
        ("corridor.railway.clearance_m", 7.0, "corridor_class='IV'\nwork_kind='mast'\nvalid_from=2020-06-15"),
        ("corridor.railway.clearance_m", 4.0, "corridor_class='V'\nvalid_from=2026-06-01"),
        ("corridor.pipeline.clearance_m", 4.0, "corridor_class='III'\nwork_kind='pole'"),
        ("position_accuracy.record_m", 5.0, "valid_to=2015-12-31"),
        ("position_accuracy.record_m", 1.0, "valid_from=2016-01-01"),
        ("position_accuracy.gnss_m", 2.0, ""),
        ("position_accuracy.unknown_m", 3.0, "valid_from=2020-01-01"),
    ] {
        let value = value * step;
        writeln!(pack, "[[parameter]]\nkey='{key}'\nvalue={value}\nunit='m'\nconfidence='default'\n{more}").unwrap();
    }
    file::read(pack.as_bytes()).unwrap()
}

fn features(dice: &mut Dice, lattice: Lattice, works: usize, corridors: usize) -> (Rows, Rows) {
    let (mut made_works, mut made_corridors): (Rows, Rows) = (Vec::new(), Vec::new());
    for n in 0..works {
        let mut props = work_props(&format!("W{n}"));
        props[1].1 = text(dice.pick(&["mast", "pole", "buried_cable", "cabinet"]));
        if dice.draw(0..3) == 0 {
            props.push(("position_accuracy_m", Value::Number(dice.pick(&[0.0, lattice.step]))));
        }
        if dice.draw(0..3) > 0 {
            props.push(("capture_method", text(dice.pick(&["gnss_rtk", "gnss", "record"]))));
        }
        made_works.push((props, dice.draw(lattice.any())));
    }
    for n in 0..corridors {
        let mut props = corridor_props(&format!("C{n}"));
        props[1].1 = text(dice.pick(&["road", "power_line", "canal", "railway", "pipeline"]));
        if dice.draw(0..3) > 0 {
            props.push(("class", text(dice.pick(&CLASSES))));
        }
        if dice.draw(0..3) > 0 {
            props.push(("voltage_kv", Value::Number(dice.pick(&VOLTAGES))));
        }
        if dice.draw(0..6) == 0 {
            props.push(("clearance_m", Value::Number(dice.pick(&[0.0, 3.0 * lattice.step]))));
        }
        made_corridors.push((props, dice.draw(lattice.area())));
    }
    (made_works, made_corridors)
}

/// The rules in SQL. $1: the moment; $2, $3: the configured accuracies of real-time kinematics and of the unknown; $4: the
/// clearance asked, or null.
fn ruled() -> String {
    format!(
        "
WITH today AS (SELECT ($1::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day),
r AS (
    SELECT p.* FROM rule_parameters AS p, today
    WHERE coalesce(valid_from <= day, true) AND coalesce(valid_to >= day, true)
),
w AS (
    SELECT id, kind, geom_grid AS g, coalesce(position_accuracy_m, {RULED_ACCURACY},
        CASE capture_method WHEN 'gnss_rtk' THEN $2 WHEN 'record' THEN 1e9 ELSE $3 END) AS accuracy
    FROM works
),
pairs AS (
    SELECT w.id AS work, c.id AS corridor, w.g AS wg, c.geom_grid AS cg, w.accuracy,
        coalesce($4, c.clearance_m, {RULED_CLEARANCE}, 0)::float8 AS clearance
    FROM w CROSS JOIN corridors AS c
)
SELECT work, corridor, ST_DWithin(wg, cg, clearance + accuracy) AS meets, clearance, accuracy::float8,
    (ST_Distance(wg, cg) - (clearance + accuracy))::float8 AS beyond
FROM pairs WHERE ST_DWithin(wg, cg, clearance + accuracy + 1e-6)"
    )
}

#[derive(Debug, QueryableByName)]
struct Judged {
    #[diesel(sql_type = SqlUuid)]
    work: Uuid,
    #[diesel(sql_type = SqlUuid)]
    corridor: Uuid,
    #[diesel(sql_type = Bool)]
    meets: bool,
    #[diesel(sql_type = Double)]
    clearance: f64,
    #[diesel(sql_type = Double)]
    accuracy: f64,
    #[diesel(sql_type = Double)]
    beyond: f64,
}

fn by_postgis(world: &World, at: &str, clearance: Option<f64>) -> Vec<Judged> {
    let s = &world.context.settings;
    diesel::sql_query(ruled())
        .bind::<Text, _>(at)
        .bind::<Double, _>(s.accuracy_gnss_rtk_m)
        .bind::<Double, _>(s.accuracy_unknown_m)
        .bind::<Nullable<Double>, _>(clearance)
        .load(&mut world.database.connect())
        .unwrap()
}

fn all<T: Records>(world: &World) -> Vec<Registered<T>> {
    let sights = vec![(vec!["VN-72".to_owned()], world.actor.sight("VN-72"))];
    let filter = ListFilter { sights, boxes: Vec::new(), after: None, limit: i64::MAX };
    T::list(&mut world.database.connect(), &filter).unwrap()
}

/// The clearance by a search through all parameters: of those that apply the one that states most; where none does, the
/// widest of that kind of land and of work, and of equals the first. And whether one applies.
fn searched<'p>(pack: &'p RulePack, day: Date, land: &LandKind, work: &str) -> Option<(&'p Parameter, bool)> {
    let key = format!("corridor.{}.clearance_m", land.kind);
    let states_voltage = |p: &Parameter| p.applies.voltage_from_kv.or(p.applies.voltage_to_kv).is_some();
    let speaks = |p: &&Parameter| {
        p.key == key && p.in_force(day) && p.applies.work_kind.is_none_or(|kind| kind.to_string() == work)
    };
    let fits = |p: &&Parameter| {
        let a = &p.applies;
        (a.corridor_class.is_none() || a.corridor_class == land.class)
            && (!states_voltage(p)
                || land.voltage_kv.is_some_and(|v| {
                    a.voltage_from_kv.unwrap_or(0.0) <= v && v <= a.voltage_to_kv.unwrap_or(f64::INFINITY)
                }))
    };
    let states = |p: &&Parameter| {
        let a = &p.applies;
        let stated = [a.corridor_class.is_some(), states_voltage(p), a.work_kind.is_some()];
        (stated.iter().filter(|s| **s).count(), stated)
    };
    let all = || pack.parameters.iter().map(AsRef::as_ref).filter(speaks);
    let decides = all().filter(fits).max_by_key(states);
    let widest = || all().rev().max_by(|a, b| a.value.total_cmp(&b.value));
    decides.map(|p| (p, true)).or_else(|| widest().map(|p| (p, false)))
}

/// The calendar day of a moment in the place.
fn day_of(at: &str) -> Date {
    let zone = jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    at.parse::<jiff::Timestamp>().unwrap().to_zoned(zone).date()
}

/// Pairs in conflict and pairs within a hair of it, by brute force.
fn by_force(world: &World, pack: &RulePack, at: &str, asked: Option<f64>) -> (Pairs, Pairs) {
    let day = day_of(at);
    let (mut pairs, mut doubtful) = (Pairs::new(), Pairs::new());
    let settings = &world.context.settings;
    for w in all::<Work>(world) {
        let p = w.body.props();
        let method = p.capture_method.map_or_else(|| "unknown".into(), |m| m.to_string());
        let key = format!("position_accuracy.{method}_m");
        let ruled = pack.parameters.iter().find(|p| p.key == key && p.in_force(day)).map(|p| p.value);
        let usual = if method == "gnss_rtk" { settings.accuracy_gnss_rtk_m } else { settings.accuracy_unknown_m };
        let accuracy = p.position_accuracy_m.or(ruled).unwrap_or(usual);
        for c in all::<Corridor>(world) {
            let q = c.body.props();
            let land = LandKind::new(q.kind, q.class.as_deref(), q.voltage_kv);
            let rule = searched(pack, day, &land, &p.kind.to_string()).map(|(p, _)| p.value);
            let clearance = asked.or(q.clearance_m).or(rule).unwrap_or(0.0);
            let (a, b) = (&w.body.place().grid.0, &c.body.place().grid.0);
            let distance = if a.intersects(b) { 0.0 } else { Euclidean.distance(a, b) };
            let beyond = distance - (clearance + accuracy);
            if beyond <= 0.0 {
                pairs.insert((w.id, c.id));
            }
            if beyond.abs() <= HAIR_M {
                doubtful.insert((w.id, c.id));
            }
        }
    }
    (pairs, doubtful)
}

fn asked(against: Layer, clearance: Option<f64>, at: &str) -> Question {
    Question { at: at.parse().unwrap(), ..question(against, clearance) }
}

/// Every pair that the index finds, asked from one side; the set alone must be the same.
fn by_index<T: Records>(world: &World, clearance: Option<f64>, at: &str) -> BTreeMap<(Uuid, Uuid), Conflict> {
    let question = asked(T::LAYER.opposite()[0], clearance, at);
    let mut found = BTreeMap::new();
    for id in world.ids(T::LAYER) {
        let answer: Answer = conflict_check::check_stored::<T>(&world.context, &world.actor, id, &question).unwrap();
        let set = conflict_check::check_stored_as::<T, _>(&world.context, &world.actor, id, &question).unwrap();
        crate::world::same_set(&answer.results[0], &set.results[0]);
        for c in answer.results.into_iter().flat_map(|r| r.conflicts) {
            found.insert(if T::LAND { (c.id, id) } else { (id, c.id) }, c);
        }
    }
    found
}

#[test]
fn index_is_a_search_through_all_is_postgis_by_the_rules_of_the_day() {
    let step = 10.0;
    let lattice = Lattice { origin: HERE, step, size: 30, jitter: 0.0 };
    let world = World::new();
    let pack = pack(step);
    let mut dice = Dice::new(77);
    let (works, corridors) = features(&mut dice, lattice, 60, 40);
    // Half of the features before the rules, half after: boxes made by no rules are made anew.
    let (late_works, late_corridors) = (works[30..].to_vec(), corridors[20..].to_vec());
    world.import::<Work>(works[..30].to_vec());
    world.import::<Corridor>(corridors[..20].to_vec());
    rules::import(&world.context, world.witness(), &["VN-72".into()], &pack, "1").unwrap();
    world.import::<Work>(late_works);
    world.import::<Corridor>(late_corridors);
    let seed = crate::shapes::seed();
    let kinds: BTreeMap<Uuid, String> =
        all::<Work>(&world).iter().map(|w| (w.id, w.body.props().kind.to_string())).collect();
    let lands: BTreeMap<Uuid, LandKind> =
        all::<Corridor>(&world).iter().map(|c| (c.id, c.body.land_kind().unwrap())).collect();
    let (mut pairs, mut sets, mut widened) = (0, Vec::new(), BTreeMap::<String, usize>::new());
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    for at in MOMENTS {
        for clearance in [None, Some(2.0 * step)] {
            let what = format!("seed {seed}, {at}, {clearance:?}");
            let found = by_index::<Corridor>(&world, clearance, at);
            let from_works = by_index::<Work>(&world, clearance, at);
            let set: Pairs = found.keys().copied().collect();
            assert_eq!(set, from_works.keys().copied().collect(), "{what}: from both sides");
            let (brute, doubtful) = by_force(&world, &pack, at, clearance);
            let judged = by_postgis(&world, at, clearance);
            let right: Pairs = judged.iter().filter(|j| j.meets).map(|j| (j.work, j.corridor)).collect();
            let hair = |pair: &&(Uuid, Uuid)| {
                !doubtful.contains(*pair)
                    && judged.iter().all(|j| (j.work, j.corridor) != **pair || j.beyond.abs() > HAIR_M)
            };
            let differ = |other: &Pairs| set.symmetric_difference(other).filter(hair).copied().collect::<Vec<_>>();
            assert_eq!(differ(&brute), [], "{what}: brute force");
            assert_eq!(differ(&right), [], "{what}: PostGIS");
            for j in judged.iter().filter(|j| set.contains(&(j.work, j.corridor))) {
                let (one, other) = (&found[&(j.work, j.corridor)], &from_works[&(j.work, j.corridor)]);
                assert_eq!((one.clearance.get(), one.accuracy.get()), (j.clearance, j.accuracy), "{what}: {j:?}");
                assert_eq!((&one.rule, one.accuracy_source), (&other.rule, other.accuracy_source), "{what}: {j:?}");
                if let Rule::Parameter(p) = &one.rule {
                    assert_eq!(p.value, j.clearance, "{what}: {j:?}");
                    let (same, applies) = searched(&pack, day_of(at), &lands[&j.corridor], &kinds[&j.work]).unwrap();
                    assert_eq!(&**p, same, "{what}: {j:?}");
                    if !applies {
                        *widened.entry(p.key.clone()).or_default() += 1;
                    }
                }
                *keys.entry(one.rule.key().to_owned()).or_default() += 1;
            }
            pairs += set.len();
            if clearance.is_none() {
                sets.push(set);
            }
        }
    }
    eprintln!("{pairs} pairs by {keys:?}, of them where none applies {widened:?}");
    for key in ["corridor.power_line.clearance_m", "corridor.railway.clearance_m", "corridor.pipeline.clearance_m"] {
        assert!(widened.get(key).is_some_and(|n| *n > 20), "too few of {key} where none applies: {widened:?}");
    }
    assert!(pairs > 2_000, "too few pairs to mean anything: {pairs}");
    for key in ["corridor.road.clearance_m", "corridor.power_line.clearance_m", "corridor.clearance_m", "none"] {
        assert!(keys.get(key).is_some_and(|n| *n > 20), "too few of {key}: {keys:?}");
    }
    sets.dedup();
    assert_eq!(sets.len(), MOMENTS.len(), "each of the moments has a set of its own");
}

#[test]
fn what_is_drawn_is_judged_as_what_is_stored() {
    let step = 10.0;
    let lattice = Lattice { origin: HERE, step, size: 30, jitter: 0.0 };
    let world = World::new();
    let mut dice = Dice::new(78);
    let (works, corridors) = features(&mut dice, lattice, 40, 30);
    world.import::<Work>(works);
    world.import::<Corridor>(corridors);
    rules::import(&world.context, world.witness(), &["VN-72".into()], &pack(step), "1").unwrap();
    let of = |shape: &Geometry<f64>, accuracy: f64, own: Option<f64>, kind: DrawnKind| Drawn {
        kind,
        ..drawn(shape, accuracy, own)
    };
    let mut pairs = 0;
    for at in MOMENTS {
        let land = by_index::<Corridor>(&world, None, at);
        for c in all::<Corridor>(&world) {
            let p = c.body.props();
            let kind = DrawnKind::Land(c.body.land_kind().unwrap());
            let subject = [of(&c.body.place().grid.0, 0.0, p.clearance_m, kind)];
            let answer =
                conflict_check::check(&world.context, &world.actor, &subject, &asked(Layer::Works, None, at)).unwrap();
            let found: Vec<_> = answer.results[0].conflicts.iter().map(|f| (f.id, f.clearance, &f.rule)).collect();
            let mut expect: Vec<_> = land.iter().filter(|((_, id), _)| *id == c.id).map(|(_, f)| f).collect();
            expect.sort_by(|a, b| a.finding.distance_m.total_cmp(&b.finding.distance_m).then(a.id.cmp(&b.id)));
            assert_eq!(found, expect.iter().map(|f| (f.id, f.clearance, &f.rule)).collect::<Vec<_>>(), "{at} {p:?}");
            pairs += found.len();
        }
        for w in all::<Work>(&world) {
            let shape = &w.body.place().grid.0;
            let ask = |kind: DrawnKind| {
                let question = asked(Layer::Corridors, None, at);
                let subject = [of(shape, 0.0, None, kind)];
                let answer = conflict_check::check(&world.context, &world.actor, &subject, &question).unwrap();
                answer.results[0].conflicts.iter().map(|f| (f.id, f.clearance)).collect::<BTreeMap<_, _>>()
            };
            let (known, unknown) = (ask(DrawnKind::Work(w.body.props().kind)), ask(DrawnKind::Unknown));
            for (id, clearance) in &known {
                assert!(unknown.get(id) >= Some(clearance), "an unknown kind misses nothing: {at} {id}");
            }
            pairs += known.len();
        }
    }
    assert!(pairs > 1_000, "too few pairs to mean anything: {pairs}");
}
