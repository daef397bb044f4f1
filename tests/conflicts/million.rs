//! A million decisions: every pair of many works and corridors, small and crowded, adversarial, and real, decided by the
//! index, by PostGIS in one join for each round, and by brute force with the geo crate. Pairs within a micrometre of
//! their threshold are counted, and listed in a file that the test names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clearway::domain::corridor::Corridor;
use clearway::domain::fields::Value;
use clearway::domain::layer::Layer;
use clearway::domain::work::Work;
use clearway::geometry::measure::Prepared;
use clearway::geometry::{Coord, Epsg, Geometry, Grid, LineString, MultiLineString, Point, crs};
use geo::{BoundingRect, CoordsIter, MapCoords};
use uuid::Uuid;

use crate::features::random_features;
use crate::pairs::Brute;
use crate::shapes::{ADVERSARIAL, Dice, Lattice, adversarial_points, seed, wkt};
use crate::support::{shared_data, tell, vn72_draft};
use crate::world::{GRID, HERE, Pairs, Rows, World, by_index, corridor_props, work_props};

/// So many of the pairs that are not answered alike are shown; the file has all.
const SHOWN_MAX: usize = 20;

/// What all rounds together met.
#[derive(Default)]
struct Count {
    decisions: usize,
    /// Pairs whose boxes come so near each other that somebody has to look closer.
    close: usize,
    conflicts: usize,
    /// Pairs within a micrometre of the threshold, as lines of the list.
    at_threshold: Vec<String>,
    /// Those of them that the three do not answer alike.
    differ: usize,
    /// Those of them that even the index and PostGIS do not.
    postgis_differs: usize,
}

/// All pairs of a world, for each clearance: the index, PostGIS and brute force each say which are in conflict, and a pair
/// on which they differ ends the test, unless its distance is within a micrometre of its threshold. `exact`: whole
/// metres, where not even a hair is allowed between the index and PostGIS.
fn decide(count: &mut Count, what: &str, world: &World, clearances: &[Option<f64>], exact: bool) {
    let started = Instant::now();
    let brute = Brute::of(world, clearances);
    assert_eq!(brute.pairs(), world.pairs_in_postgis(), "{what}: all three decide the same pairs");
    let (mut decisions, mut conflicts, mut near) = (0, 0, 0);
    // Asked from both sides in turn: what one side finds the other must not miss (`pairs` asks both each time).
    for (clearance, from) in clearances.iter().zip([Layer::Corridors, Layer::Works].into_iter().cycle()) {
        let index: Pairs = by_index(&world.context, world, from, *clearance).into_keys().collect();
        let judged = world.decided_by_postgis(*clearance);
        let postgis: Pairs = judged.iter().filter(|j| j.meets).map(|j| (j.work, j.corridor)).collect();
        let (brute_force, mut doubtful) = brute.decide(*clearance);
        doubtful.extend(judged.iter().filter(|j| j.doubtful()).map(|j| (j.work, j.corridor)));
        let beyond: BTreeMap<(Uuid, Uuid), f64> = judged.iter().map(|j| ((j.work, j.corridor), j.beyond)).collect();
        let differ = |a: &Pairs, b: &Pairs, hair: bool| -> Vec<(Uuid, Uuid)> {
            a.symmetric_difference(b).filter(|p| !hair || !doubtful.contains(p)).copied().collect()
        };
        let by_postgis = differ(&index, &postgis, !exact);
        assert!(by_postgis.is_empty(), "seed {}, {what}, {clearance:?}: index and PostGIS: {by_postgis:?}", seed());
        let by_force = differ(&index, &brute_force, true);
        assert!(by_force.is_empty(), "seed {}, {what}, {clearance:?}: index and brute force: {by_force:?}", seed());
        for pair in &doubtful {
            let answers = [&index, &postgis, &brute_force].map(|set| set.contains(pair));
            count.differ += usize::from(answers.iter().any(|a| *a != answers[0]));
            count.postgis_differs += usize::from(answers[0] != answers[1]);
            let beyond = beyond.get(pair).map_or_else(|| "more than 1e-6".into(), |m| format!("{m:e}"));
            let clearance = clearance.map_or_else(|| "own".into(), |m| m.to_string());
            count.at_threshold.push(format!(
                "{what},{clearance},{},{},{beyond},{},{},{}",
                pair.0, pair.1, answers[0], answers[1], answers[2]
            ));
        }
        decisions += brute.pairs();
        near += brute.close();
        conflicts += index.len();
    }
    eprintln!(
        "{what}: {decisions} decisions, {near} of them of near pairs, {conflicts} conflicts, {:.1} s",
        started.elapsed().as_secs_f64()
    );
    count.decisions += decisions;
    count.close += near;
    count.conflicts += conflicts;
}

/// Many small features over ground of `across` steps, crowded enough that most have some neighbours.
fn crowd(salt: u64, step: f64, jitter: f64, across: i32, works: usize, corridors: usize) -> (Rows, Rows) {
    let mut dice = Dice::new(salt);
    let (mut all_works, mut all_corridors) = (Vec::new(), Vec::new());
    let lattice = |dice: &mut Dice| {
        let (i, j) = dice.draw((0..across, 0..across));
        let origin = (HERE.0 + step * f64::from(i), HERE.1 + step * f64::from(j));
        Lattice { origin, step, size: 6, jitter }
    };
    for n in 0..works {
        let place = lattice(&mut dice);
        all_works.extend(random_features(&mut dice, &format!("M{n}"), place, 1, 0).0);
    }
    for n in 0..corridors {
        let place = lattice(&mut dice);
        all_corridors.extend(random_features(&mut dice, &format!("M{n}"), place, 0, 1).1);
    }
    (all_works, all_corridors)
}

fn world_of(works: Rows, corridors: Rows) -> World {
    let world = World::new();
    world.import::<Work>(works);
    world.import::<Corridor>(corridors);
    world
}

/// A work where it was drawn.
fn exactly(code: &str, shape: Geometry<f64>) -> (crate::world::Props, Geometry<f64>) {
    let mut props = work_props(code);
    props.push(("position_accuracy_m", Value::Number(0.0)));
    (props, shape)
}

/// The adversaries so near each other that they are in each other's way, too.
fn adversaries() -> World {
    let (mut works, mut corridors): (Rows, Rows) = (Vec::new(), Vec::new());
    for (n, (work, land)) in (0_u32..).zip(ADVERSARIAL) {
        let origin = (HERE.0 + 60.0 * f64::from(n), HERE.1);
        let land = wkt(land, origin);
        works.push(exactly(&format!("A-{n}"), wkt(work, origin)));
        // The ends of the very long ones lie outside the jurisdiction.
        let here = |p: &Geometry<f64>| p.coords_iter().all(|c| (c.y - HERE.1).abs() < 50_000.0);
        for (k, point) in adversarial_points(&land).into_iter().filter(here).enumerate() {
            works.push(exactly(&format!("A-{n}-{k}"), point));
        }
        corridors.push((corridor_props(&format!("A-{n}")), land));
    }
    world_of(works, corridors)
}

/// The shapes of a file on the working grid; those far away are moved to the middle of it.
fn real(file: &Path) -> Vec<Geometry<f64>> {
    let document: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let (mut found, features) = (Vec::new(), document["features"].as_array().unwrap());
    for feature in features {
        let read = clearway::geometry::encoding::geojson::geometry(&feature["geometry"], usize::MAX);
        let Ok(shape) = read.map(|shape| crs::project(&shape, Epsg::WGS84, GRID).unwrap()) else { continue };
        if !clearway::geometry::valid::problems(&shape).is_empty() {
            continue;
        }
        let middle = shape.bounding_rect().unwrap().center();
        let far = (middle.x - HERE.0).hypot(middle.y - HERE.1) > 100_000.0;
        let (dx, dy) = if far { (HERE.0 - middle.x, HERE.1 - middle.y) } else { (0.0, 0.0) };
        found.push(shape.map_coords(|c| Coord { x: c.x + dx, y: c.y + dy }));
    }
    eprintln!("{}: {} of {} shapes are valid", file.display(), found.len(), features.len());
    assert!(!found.is_empty(), "{}", file.display());
    found
}

/// Communes, heritage areas and QL14 as corridors; points on and beside their edges and the road itself as works.
fn of_real_shapes(files: &[PathBuf]) -> World {
    let (mut works, mut corridors): (Rows, Rows) = (Vec::new(), Vec::new());
    let boundary = crs::project(&vn72_draft().boundary, Epsg::WGS84, GRID).unwrap();
    let boundary = Prepared::new(&Grid(boundary));
    let inside = |c: Coord<f64>| Prepared::point(c).within(&boundary, 4_000.0);
    for (f, file) in files.iter().enumerate() {
        for (n, shape) in real(file).into_iter().enumerate() {
            let code = format!("REAL-{f}-{n}");
            let vertices: Vec<Coord<f64>> = shape.coords_iter().collect();
            if !vertices.iter().any(|c| inside(*c)) {
                continue;
            }
            // Each file gives about as many points, spread along its shapes.
            let every = (vertices.len() / 8).max(1);
            for (k, pair) in vertices.windows(2).step_by(every).enumerate() {
                let (a, b) = (pair[0], pair[1]);
                let middle = Coord { x: f64::midpoint(a.x, b.x), y: f64::midpoint(a.y, b.y) };
                for (m, c) in [a, middle, Coord { x: a.x + 30.0, y: a.y }].into_iter().enumerate() {
                    if inside(c) {
                        works.push(exactly(&format!("{code}-{k}-{m}"), Geometry::Point(Point(c))));
                    }
                }
            }
            let mut props = corridor_props(&code);
            if matches!(shape, Geometry::LineString(_) | Geometry::MultiLineString(_)) {
                props.push(("half_width_left_m", Value::Number(30.0)));
                props.push(("half_width_right_m", Value::Number(12.5)));
                let lines = match &shape {
                    Geometry::MultiLineString(m) => m.clone(),
                    Geometry::LineString(l) => MultiLineString(vec![l.clone()]),
                    _ => MultiLineString(vec![]),
                };
                for (k, LineString(line)) in lines.0.into_iter().enumerate() {
                    let cable = line.into_iter().filter(|c| inside(*c)).map(|c| Coord { x: c.x + 40.0, y: c.y + 5.0 });
                    let cable = LineString(cable.collect());
                    if cable.0.len() > 1 {
                        works.push(exactly(&format!("{code}-cable-{k}"), Geometry::LineString(cable)));
                    }
                }
            }
            corridors.push((props, shape));
        }
    }
    world_of(works, corridors)
}

#[test]
fn a_million_decisions_are_the_same_three_times() {
    let mut count = Count::default();
    let steps = |step: f64| [None, Some(0.0), Some(2.0 * step), Some(5.0 * step)];
    for (salt, (what, step, jitter)) in (500..).zip([("lattice of 5 m", 5.0, 0.0), ("off the lattice", 7.0, 0.5)]) {
        let (works, corridors) = crowd(salt, step, jitter, 40, 1_000, 200);
        decide(&mut count, what, &world_of(works, corridors), &steps(step), jitter == 0.0);
    }
    decide(&mut count, "adversaries", &adversaries(), &[None, Some(3.0), Some(5.0), Some(25.0)], false);
    let files: Vec<PathBuf> =
        ["daknong_roads_national.geojson", "vn_heritage_protected_areas.geojson", "daknong_communes_2025.geojson"]
            .into_iter()
            .filter_map(shared_data)
            .collect();
    // Without the real data the made-up worlds are still a million.
    let made_up = count.decisions;
    assert!(files.is_empty() || files.len() == 3, "all of the real shapes are there, or none: {files:?}");
    if files.is_empty() {
        tell(
            "REAL SHAPES: NOT DECIDED HERE, for none of their files is present; what follows is of made-up worlds alone",
        );
    } else {
        decide(&mut count, "real shapes", &of_real_shapes(&files), &[None, Some(30.0), Some(100.0)], false);
    }
    let list = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pairs-at-threshold.csv");
    let head = "world,clearance_m,work,corridor,beyond_m,index,postgis,brute_force\n";
    fs::write(&list, format!("{head}{}\n", count.at_threshold.join("\n"))).unwrap();
    tell(&format!(
        "seed {}: {} decisions, {} of them of near pairs, {} conflicts; {} within 1 µm of the threshold, {} of them not answered \
         alike ({} by index and PostGIS): {}",
        seed(),
        count.decisions,
        count.close,
        count.conflicts,
        count.at_threshold.len(),
        count.differ,
        count.postgis_differs,
        list.display()
    ));
    let alike = |l: &str| l.ends_with("true,true,true") || l.ends_with("false,false,false");
    for line in count.at_threshold.iter().filter(|l| !alike(l)).take(SHOWN_MAX) {
        tell(&format!("  {line}"));
    }
    assert!(made_up >= 1_000_000, "{made_up}");
    assert!(files.is_empty() || count.decisions > made_up + 10_000, "the real shapes are too few to mean anything");
    assert!(
        count.conflicts > 20_000 && count.at_threshold.len() > 500,
        "{} {}",
        count.conflicts,
        count.at_threshold.len()
    );
    assert!(count.close > count.conflicts, "{} near pairs: nobody had to look closer", count.close);
    let words: BTreeSet<&str> = count.at_threshold.iter().filter_map(|l| l.split(',').next()).collect();
    assert!(words.contains("adversaries"), "{words:?}");
}
