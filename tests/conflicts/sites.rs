//! What a site check rests on: of random places and random features the same as PostGIS measures, and as a look at every
//! feature of the index gives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clearway::actions::site_check::{self, Asked, Fact, Question, facts};
use clearway::actions::{feature, rules};
use clearway::domain::actor::Actor;
use clearway::domain::corridor::Corridor;
use clearway::domain::fields::Value;
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::reference::Reference;
use clearway::domain::site_check::{Antenna, Subject};
use clearway::domain::work::{Work, WorkFacts, WorkKind};
use clearway::formats::rules as file;
use clearway::geometry::measure::Prepared;
use clearway::geometry::{Coord, Epsg, Geometry, Point, crs};
use clearway::index::Entry;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Double, Text, Uuid as SqlUuid};
use geo::MapCoords;
use uuid::Uuid;

use crate::border::{self, SIDES, with_neighbour};
use crate::references::random;
use crate::shapes::{Dice, Lattice};
use crate::world::{AT, GRID, HAIR_M, HERE, Rows, World, corridor_props, text, work_props};

const LATTICE: Lattice = Lattice { origin: HERE, step: 10.0, size: 60, jitter: 0.3 };

/// Limits of which each kind has its own, m.
const PACK: &str = include_str!("sites.toml");

fn works(dice: &mut Dice, count: usize) -> Rows {
    let one = |n: usize, dice: &mut Dice| {
        let mut props = work_props(&format!("W{n}"));
        props.push(("status", text(dice.pick(&["in_service", "planned", "dismantled"]))));
        props.push(("visibility", text(dice.pick(&["public", "carriers", "restricted"]))));
        props.push(("position_accuracy_m", Value::Number(f64::from(dice.draw(0..40)))));
        // Of one that is to stand later whoever builds near it has to know, and of one that is gone nobody.
        match dice.draw(0..6) {
            0 => props.push(("valid_from", text("2026-09-01"))),
            1 => props.push(("valid_to", text(dice.pick(&["2026-05-31", "2026-06-01"])))),
            _ => {}
        }
        (props, dice.draw(LATTICE.any()))
    };
    (0..count).map(|n| one(n, dice)).collect()
}

fn corridors(dice: &mut Dice, count: usize) -> Rows {
    let one = |n: usize, dice: &mut Dice| {
        let mut props = corridor_props(&format!("C{n}"));
        props[2].1 = text(dice.pick(&["in_force", "announced", "cancelled"]));
        props.push(("visibility", text(dice.pick(&["public", "restricted"]))));
        props.push(("clearance_m", Value::Number(f64::from(dice.draw(0..30)))));
        (props, dice.draw(LATTICE.area()))
    };
    (0..count).map(|n| one(n, dice)).collect()
}

fn load(world: &World, codes: &[&str]) {
    let (pack, codes) = (file::read(PACK.as_bytes()).unwrap(), codes.iter().map(|code| (*code).to_owned()));
    let codes: Vec<String> = codes.collect();
    rules::import(&world.context, world.witness(), &codes, &pack, &"0".repeat(64)).unwrap();
}

fn world(dice: &mut Dice) -> World {
    let world = World::new();
    load(&world, &["VN-72"]);
    world.import::<Work>(works(dice, 160));
    world.import::<Corridor>(corridors(dice, 60));
    world.import::<Reference>((0..260).map(|n| random(dice, &format!("R{n}"))).collect());
    world
}

/// A place, the column, and how far round it is looked for what brings no reach of its own.
fn asked(dice: &mut Dice) -> (Asked, Coord<f64>, f64) {
    let mut along = |origin: f64| origin + f64::from(dice.draw(-200_000..800_000)) / 1_000.0;
    let at = Coord { x: along(HERE.0), y: along(HERE.1) };
    let height_agl_m = f64::from(dice.draw(3..200));
    let accuracy_m = f64::from(dice.pick(&[0, 0, 3, 31]));
    let eirp: Vec<f64> = (0..dice.draw(0..4)).map(|_| f64::from(dice.draw(10..30_000))).collect();
    // Farther than this a field is less than a twentieth of the limit of 2 W/m², reflected: EIRP · 4 / (4π · r²).
    let field = (eirp.iter().sum::<f64>() / (std::f64::consts::PI * 0.1)).sqrt();
    let reach = 120_f64.max(height_agl_m).max(field) + accuracy_m;
    let antenna = |eirp_w: f64| Antenna {
        frequency_mhz: 1_800.0,
        eirp_w,
        azimuth_deg: None,
        height_agl_m: None,
        beamwidth_deg: None,
    };
    let subject = Subject {
        kind: WorkKind::Mast,
        column_class: None,
        height_agl_m,
        ground_amsl_m: None,
        accuracy_m,
        organisation: None,
        request: None,
        antennas: eirp.into_iter().map(antenna).collect(),
        starts_on: None,
        ends_on: None,
    };
    let delivered = Delivered { shape: Geometry::Point(Point(at)), crs: GRID };
    (Asked { name: String::new(), pointer: String::new(), delivered, subject }, at, reach)
}

/// A feature as PostGIS sees it from a place.
#[derive(QueryableByName, Debug, Clone)]
struct Row {
    #[diesel(sql_type = Text)]
    layer: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Double)]
    distance: f64,
    #[diesel(sql_type = Double)]
    depth: f64,
    /// How far beyond its shape it matters.
    #[diesel(sql_type = Double)]
    own: f64,
    #[diesel(sql_type = Bool)]
    near: bool,
    /// It stands in a zone with a quota that may hold the place, and which everybody sees or the asker sees all.
    #[diesel(sql_type = Bool)]
    in_zone: bool,
    #[diesel(sql_type = Bool)]
    in_public_zone: bool,
    #[diesel(sql_type = Text)]
    visibility: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Double)]
    eirp_w: f64,
}

/// How far buildings are looked for: as far as all that is co-sited, no more than 25 m away, radiates.
fn far<'r>(asked: &Asked, seen: impl Iterator<Item = &'r Row>) -> f64 {
    let (subject, mut total, mut beside) = (&asked.subject, 0.0, 0.0_f64);
    for row in seen.filter(|row| row.kind == "transmitter" && row.distance - subject.accuracy_m <= 25.0) {
        total += row.eirp_w;
        beside = beside.max(row.distance);
    }
    let own: f64 = subject.antennas.iter().map(|antenna| antenna.eirp_w).sum();
    if subject.antennas.is_empty() {
        return 0.0;
    }
    ((own + total) / (std::f64::consts::PI * 0.1)).sqrt() + beside + subject.accuracy_m
}

/// How far beyond its shape a reference feature matters.
const OWN: &str = "coalesce(CASE f.kind::text WHEN 'heritage' THEN 45 WHEN 'school' THEN 30 WHEN 'hospital' THEN 30 \
    WHEN 'runway' THEN 200 WHEN 'transmitter' THEN 25 WHEN 'road' THEN f.half_width_m + 11 \
    WHEN 'power_line' THEN f.half_width_m + CASE WHEN f.voltage_kv <= 100 THEN 2 ELSE 7 END END, 0)";

/// Works that stand, or are to.
const WORKS: &str = "f.status::text <> 'dismantled' AND (f.valid_to IS NULL OR f.valid_to >= '2026-06-01')";

fn by_postgis(world: &World, at: Coord<f64>, reach: f64, accuracy: f64) -> Vec<Row> {
    let measured = |layer: &str, own: &str, in_zone: &str, counts: &str| {
        let zone = |also: &str| in_zone.replace("ALSO", also);
        format!(
            "SELECT '{layer}' AS layer, f.id, ST_Distance(f.geom_grid, p.g) AS distance, ({own})::float8 AS own,
                CASE WHEN ST_Dimension(f.geom_grid) = 2 AND ST_Intersects(f.geom_grid, p.g)
                    THEN ST_Distance(ST_Boundary(f.geom_grid), p.g) ELSE 0 END AS depth,
                ST_DWithin(f.geom_grid, p.g, {reach} + ({own})) AS near, {} AS in_zone, {} AS in_public_zone,
                f.visibility::text AS visibility, {} AS kind, {} AS eirp_w
            FROM {} f, p WHERE {counts}",
            zone(""),
            zone("AND z.visibility::text = 'public'"),
            if layer == "references" { "f.kind::text" } else { "''" },
            if layer == "references" { "coalesce(f.eirp_w, 0)::float8" } else { "0::float8" },
            if layer == "references" { "reference_features" } else { layer },
        )
    };
    let in_zone = format!(
        "EXISTS (SELECT 1 FROM reference_features z WHERE z.kind::text = 'zone' AND z.quota IS NOT NULL ALSO
            AND ST_DWithin(z.geom_grid, p.g, {accuracy}) AND ST_DWithin(f.geom_grid, z.geom_grid, f.position_accuracy_m))"
    );
    let sql = format!(
        "WITH p AS (SELECT ST_SetSRID(ST_MakePoint({}, {}), 9218) AS g) {} UNION ALL {} UNION ALL {}",
        at.x,
        at.y,
        measured("works", "f.position_accuracy_m", &in_zone, WORKS),
        measured("corridors", "f.clearance_m", "false", "f.status::text <> 'cancelled'"),
        measured("references", OWN, "false", "f.valid_to IS NULL OR f.valid_to >= '2026-06-01'"),
    );
    diesel::sql_query(sql).load(&mut world.database.connect()).unwrap()
}

type Facts = BTreeMap<(String, Uuid), Fact>;

fn by_index(world: &World, actor: &Actor, asked: &Asked) -> Facts {
    let question = Question { at: AT.parse().unwrap(), min_revision: Vec::new() };
    let all = facts(&world.context, actor, asked, &question).unwrap();
    let count = all.len();
    let all: Facts = all.into_iter().map(|fact| ((fact.layer.to_string(), fact.id), fact)).collect();
    assert_eq!(all.len(), count, "one twice");
    all
}

#[test]
fn what_stands_round_a_place_is_what_postgis_measures_and_what_a_look_at_everything_gives() {
    let mut dice = Dice::new(95);
    let world = world(&mut dice);
    let (mut decided, mut met, mut deep, mut by_zone, mut by_field) = (0, 0, 0, 0, 0);
    for round in 0..60 {
        let (asked, at, reach) = asked(&mut dice);
        let rows = by_postgis(&world, at, reach, asked.subject.accuracy_m);
        for (actor, all) in [(Actor::operator(), true), (Actor::public(), false)] {
            let found = by_index(&world, &actor, &asked);
            let ids: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
            assert!(found.keys().all(|(_, id)| ids.contains(id)), "round {round}: what does not count");
            let far = far(&asked, rows.iter().filter(|row| all || row.visibility == "public"));
            for row in &rows {
                let fact = found.get(&(row.layer.clone(), row.id));
                let is_building = row.kind == "building";
                if is_building && (row.distance - far).abs() <= HAIR_M {
                    continue;
                }
                let in_field = is_building && row.distance <= far;
                let in_zone = if all { row.in_zone } else { row.in_public_zone };
                if (row.distance - reach - row.own).abs() <= HAIR_M && !in_zone {
                    continue;
                }
                let expect = (all || row.visibility == "public") && (row.near || in_zone || in_field);
                assert_eq!(fact.is_some(), expect, "round {round}, {at:?}, reach {reach}: {row:?}");
                decided += 1;
                let Some(fact) = fact else { continue };
                assert!((fact.distance_m - row.distance).abs() < HAIR_M, "round {round}: {fact:?} {row:?}");
                assert!((fact.depth_m - row.depth).abs() < HAIR_M, "round {round}: {fact:?} {row:?}");
                met += 1;
                deep += usize::from(fact.depth_m > 0.0);
                by_zone += usize::from(!row.near && in_zone);
                by_field += usize::from(!row.near && in_field);
            }
        }
        everything(&world, &by_index(&world, &Actor::operator(), &asked), at, reach);
    }
    eprintln!(
        "{decided} decisions, {met} near a place, {deep} inside, {by_zone} by their zone alone, {by_field} in a field"
    );
    assert!(decided > 20_000 && met > 5_000 && deep > 200 && by_zone > 20, "{decided} {met} {deep} {by_zone}");
    assert!(by_field > 0, "no building stands in the field of what is co-sited alone");
}

/// The same by a look at each entry of the index, without its tree.
fn everything(world: &World, found: &Facts, at: Coord<f64>, reach: f64) {
    let place = Prepared::point(at);
    let snapshot = world.context.snapshot();
    let territory = snapshot.territory("VN-72").unwrap();
    let day = "2026-06-01".parse().unwrap();
    for layer in Layer::all() {
        let counts = |entry: &&Arc<Entry>| {
            let noun = entry.facts.noun;
            WorkFacts::try_from(noun).map_or_else(|()| noun.severity(day).is_some(), |work| work.stands_or_will(day))
        };
        for entry in territory.layer(layer).entries().filter(counts) {
            let fact = found.get(&(layer.to_string(), entry.facts.id));
            let distance = place.distance(&entry.shape);
            let limit = reach + entry.reach().get();
            assert!(
                fact.is_some() || distance > limit - HAIR_M,
                "{layer} {} is missed at {distance} m",
                entry.facts.code
            );
            assert!(fact.is_none_or(|fact| fact.distance_m == distance), "{layer} {}: {distance}", entry.facts.code);
        }
    }
}

/// As seen from either side of a border, what is near on both sides, each measured by PostGIS on the grid that it is kept on.
#[test]
fn at_a_border_each_side_is_measured_on_its_own_grid() {
    let mut dice = Dice::new(96);
    let world = with_neighbour();
    load(&world, &SIDES);
    let corner = border::at(-300.0, -300.0);
    let moved = |c: Coord<f64>| Coord { x: c.x - HERE.0 + corner.x, y: c.y - HERE.1 + corner.y };
    for side in [0, 1] {
        let add = |rows: Rows, make: &dyn Fn(&feature::Draft)| {
            for (props, shape) in &rows {
                make(&border::draft(side, props, shape.map_coords(moved)));
            }
        };
        let (context, witness) = (&world.context, || world.witness());
        add(works(&mut dice, 40), &|draft| drop(feature::create::<Work>(context, witness(), draft).unwrap()));
        add(corridors(&mut dice, 20), &|draft| drop(feature::create::<Corridor>(context, witness(), draft).unwrap()));
        // What is counted in a zone of the other side is for the tests of the API.
        let references: Rows = (0..90).map(|n| random(&mut dice, &format!("R{n}"))).collect();
        let references = references.into_iter().filter(|(props, _)| !props.contains(&("kind", text("zone")))).collect();
        add(references, &|draft| drop(feature::create::<Reference>(context, witness(), draft).unwrap()));
    }
    let (mut met, mut homes) = ([0, 0], BTreeSet::new());
    for round in 0..40 {
        let (mut asked, at, reach) = asked(&mut dice);
        asked.delivered.shape = Geometry::Point(Point(moved(at)));
        let found = by_index(&world, &Actor::operator(), &asked);
        let mut expected = 0;
        let sides = SIDES.map(|code| of_side(&world, code, &asked.delivered.shape, reach));
        let far = far(&asked, sides.iter().flatten());
        for (side, (code, rows)) in SIDES.iter().zip(&sides).enumerate() {
            assert!(rows.len() > 100, "{code}: {}", rows.len());
            for row in rows {
                let fact = found.get(&(row.layer.clone(), row.id));
                let (is_building, edges) = (row.kind == "building", [reach + row.own, far]);
                if edges.iter().all(|edge| (row.distance - edge).abs() > HAIR_M) {
                    let expect = row.near || is_building && row.distance <= far;
                    assert_eq!(fact.is_some(), expect, "round {round}, {code}: {row:?}");
                }
                let Some(fact) = fact else { continue };
                assert!((fact.distance_m - row.distance).abs() < HAIR_M, "round {round}, {code}: {fact:?} {row:?}");
                expected += 1;
                met[side] += 1;
            }
        }
        assert_eq!(found.len(), expected, "round {round}");
        let question = Question { at: AT.parse().unwrap(), min_revision: Vec::new() };
        let checked = site_check::check(&world.context, &Actor::operator(), &[asked], &question).unwrap();
        homes.insert(checked[0].jurisdiction.clone());
    }
    assert!(met.iter().all(|n| *n > 1_000), "{met:?}");
    assert_eq!(homes.len(), 2, "{homes:?}");
}

fn of_side(world: &World, code: &str, place: &Geometry<f64>, reach: f64) -> Vec<Row> {
    let grid = if code == SIDES[0] { GRID } else { Epsg(5899) };
    let Geometry::Point(at) = crs::project(place, GRID, grid).unwrap() else { panic!("a point stays one") };
    let measured = |layer: &str, table: &str, own: &str, counts: &str| {
        format!(
            "SELECT '{layer}' AS layer, f.id, ST_Distance(f.geom_grid, p.g) AS distance, ({own})::float8 AS own,
                0::float8 AS depth, ST_DWithin(f.geom_grid, p.g, {reach} + ({own})) AS near, false AS in_zone,
                false AS in_public_zone, f.visibility::text AS visibility, {} AS kind, {} AS eirp_w
            FROM {table} f, p WHERE f.jurisdiction = '{code}' AND {counts}",
            if layer == "references" { "f.kind::text" } else { "''" },
            if layer == "references" { "coalesce(f.eirp_w, 0)::float8" } else { "0::float8" },
        )
    };
    let sql = format!(
        "WITH p AS (SELECT ST_SetSRID(ST_MakePoint({}, {}), {}) AS g) {} UNION ALL {} UNION ALL {}",
        at.x(),
        at.y(),
        grid.0,
        measured("works", "works", "f.position_accuracy_m", WORKS),
        measured("corridors", "corridors", "f.clearance_m", "f.status::text <> 'cancelled'"),
        measured("references", "reference_features", OWN, "(f.valid_to IS NULL OR f.valid_to >= '2026-06-01')"),
    );
    diesel::sql_query(sql).load(&mut world.database.connect()).unwrap()
}
