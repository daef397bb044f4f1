//! Stored land at a border: what is answered from what is kept is what a search finds, for everybody, on every day,
//! whatever changes on either side, and it takes no database.

use clearway::actions::conflict_check::{self, Answer, Conflict, Found, Question};
use clearway::actions::coverage;
use clearway::actions::restricted_read::Writing;
use clearway::actions::{feature, jurisdiction};
use clearway::domain::actor::{Actor, Role};
use clearway::domain::conflict::{Rule, RuleKey};
use clearway::domain::corridor::Corridor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::fields::Value;
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::work::Work;
use clearway::error::Error;
use clearway::geometry::encoding::geojson;
use clearway::geometry::{Coord, Epsg, Geometry, LineString, Point, crs};
use clearway::store::records::Records;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::shapes::Dice;
use crate::world::{GRID, Props, World, corridor_props, fields, question, text, work_props};

/// The two sides.
pub const SIDES: [&str; 2] = ["VN-72", "VN-35"];

/// The middle of what is tried: a corner of the border, in WGS 84.
const CORNER: (f64, f64) = (107.5, 11.785);

fn ring(corners: &[(f64, f64)]) -> Geometry<f64> {
    let corners: Json = corners.iter().map(|(x, y)| json!([x, y])).collect();
    geojson::geometry(&json!({"type": "Polygon", "coordinates": [corners]}), 100).unwrap()
}

/// A neighbour to the south on a grid of its own.
pub fn with_neighbour() -> World {
    let world = World::new();
    let draft = JurisdictionDraft {
        code: SIDES[1].into(),
        name_vi: "Lâm Đồng".into(),
        name_en: "Lam Dong".into(),
        grid: Epsg(5899),
        time_zone: "Asia/Tokyo".into(),
        related_crs: vec![],
        boundary: ring(&[(107.42, 11.742), (107.42, 11.5), (107.6, 11.5), (107.6, 11.745), CORNER, (107.42, 11.742)]),
    };
    jurisdiction::register(&world.context, world.witness(), draft).unwrap();
    world
}

/// A place so many metres east and north of the corner, on the grid of VN-72.
pub fn at(east: f64, north: f64) -> Coord<f64> {
    let corner = crs::project(&Geometry::Point(Point::new(CORNER.0, CORNER.1)), Epsg::WGS84, GRID).unwrap();
    let Geometry::Point(corner) = corner else { panic!("a point stays one") };
    Coord { x: corner.x().round() + east, y: corner.y().round() + north }
}

pub fn rect(east: f64, north: f64, width: f64, height: f64) -> Geometry<f64> {
    let corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height), (0.0, 0.0)];
    let ring: Vec<_> = corners.iter().map(|(x, y)| at(east + x, north + y)).collect();
    Geometry::Polygon(geo_types::Polygon::new(LineString::from(ring), vec![]))
}

pub fn point(east: f64, north: f64) -> Geometry<f64> {
    Geometry::Point(Point(at(east, north)))
}

pub fn draft(side: usize, props: &Props, shape: Geometry<f64>) -> feature::Draft {
    let delivered = Some(Delivered { shape, crs: GRID });
    feature::Draft { fields: fields(props), jurisdiction: Some(SIDES[side].into()), delivered }
}

/// Creates a feature; none where it does not lie near enough to the side that it is to belong to.
fn create<T: Records>(world: &World, side: usize, props: &Props, shape: Geometry<f64>) -> Option<Uuid> {
    match feature::create::<T>(&world.context, world.witness(), &draft(side, props, shape)) {
        Ok(made) => Some(made.id),
        Err(Error::Invalid(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

fn with_clearance(mut props: Props, metres: f64) -> Props {
    props.push(("clearance_m", Value::Number(metres)));
    props
}

fn with_accuracy(mut props: Props, metres: f64) -> Props {
    props.push(("position_accuracy_m", Value::Number(metres)));
    props
}

/// A land with the clearance of its own.
type OwnLand = (Uuid, f64);

/// The answer from what is kept, and that of a search: who names the clearance is not answered from what is kept.
fn both<C: conflict_check::Detail>(
    world: &World,
    actor: &Actor,
    (id, clearance): OwnLand,
    at: &str,
) -> (Answer<C>, Answer<C>) {
    let ask = |clearance| {
        let question = Question { at: at.parse().unwrap(), ..question(Layer::Works, clearance) };
        conflict_check::check_stored_as::<Corridor, C>(&world.context, actor, id, &question).unwrap()
    };
    let (kept, mut searched) = (ask(None), ask(Some(clearance)));
    for applied in searched.results.iter_mut().flat_map(|r| &mut r.clearances) {
        assert_eq!(applied.rule, Rule::Word(RuleKey::Request));
        applied.rule = Rule::Word(RuleKey::Corridor);
    }
    (kept, searched)
}

/// The two are the same, for everybody who may see the land and on days on both sides of all that begins and ends.
fn same(what: &str, world: &World, land: OwnLand) -> Answer {
    let carrier = Actor { organisation: Some("vnpt".into()), roles: vec![Role::Carrier], ..Actor::public() };
    let home_only = Actor {
        name: "home".into(),
        organisation: None,
        roles: vec![Role::Officer],
        jurisdictions: Some(vec![SIDES[0].into()]),
    };
    let mut answers = Vec::new();
    // Between 15:00 and 17:00 UTC it is another day in the one than in the other.
    for at in ["2026-06-01T04:00:00Z", "2026-06-01T16:00:00Z", "2030-01-01T00:00:00Z"] {
        for actor in [&world.actor, &Actor::public(), &carrier, &home_only] {
            let (kept, searched) = both::<Found>(world, actor, land, at);
            assert_eq!(kept, searched, "{what}, {at}, {}", actor.name);
            let (kept, mut searched) = both::<Conflict>(world, actor, land, at);
            for conflict in searched.results.iter_mut().flat_map(|r| &mut r.conflicts) {
                conflict.rule = Rule::Word(RuleKey::Corridor);
            }
            assert_eq!(kept, searched, "{what}, {at}, {}", actor.name);
            answers.push(kept);
        }
    }
    answers.swap_remove(0)
}

/// `jurisdiction code` of each conflict.
fn met(answer: &Answer) -> Vec<String> {
    answer.results[0].conflicts.iter().map(|c| format!("{} {}", c.jurisdiction, c.code)).collect()
}

fn asked(answer: &Answer) -> Vec<&str> {
    answer.revisions.keys().map(String::as_str).collect()
}

#[test]
fn each_way_to_lie_at_a_border_is_answered_from_what_is_kept() {
    let world = with_neighbour();
    let land = |code: &str, shape: Geometry<f64>| {
        let props = with_clearance(corridor_props(code), 100.0);
        (create::<Corridor>(&world, 0, &props, shape).unwrap(), 100.0)
    };
    let work = |side: usize, code: &str, east: f64, north: f64| {
        create::<Work>(&world, side, &with_accuracy(work_props(code), 0.0), point(east, north)).unwrap()
    };
    let across = land("ACROSS", rect(-200.0, -500.0, 400.0, 2_000.0));
    let near = land("NEAR", rect(1_000.0, 1_000.0, 200.0, 200.0));
    let far_away = land("FAR", rect(4_000.0, 3_000.0, 200.0, 200.0));
    // In the box of the neighbour, which is 5 km wider than its ground, and more than 5 km off its ground.
    let in_the_box = land("BOX", rect(14_500.0, 3_000.0, 200.0, 200.0));
    let [north, south] = [work(0, "NORTH", 0.0, 500.0), work(1, "SOUTH", 0.0, -300.0)];
    // It belongs to the neighbour and stands beyond its border.
    work(1, "GUEST", 1_100.0, 1_250.0);
    work(0, "HOST", 1_100.0, 950.0);
    work(0, "LONELY", 14_600.0, 3_250.0);
    let check = |what: &str| {
        let (across, near) = (same(what, &world, across), same(what, &world, near));
        let (far_away, in_the_box) = (same(what, &world, far_away), same(what, &world, in_the_box));
        assert_eq!((met(&far_away), asked(&far_away)), (vec![], vec!["VN-35", "VN-72"]), "{what}");
        assert_eq!((met(&in_the_box), asked(&in_the_box)), (vec!["VN-72 LONELY".into()], vec!["VN-72"]), "{what}");
        [met(&across), met(&near)]
    };
    let near_always = ["VN-35 GUEST", "VN-72 HOST"];
    let [met_across, mut met_near] = check("first");
    met_near.sort();
    assert_eq!(
        (met_across, met_near),
        (vec!["VN-72 NORTH".into(), "VN-35 SOUTH".into()], near_always.map(Into::into).into())
    );
    // On either side something goes, something comes, something hides; each is seen in the next answer.
    feature::delete::<Work>(&world.context, world.witness(), south, None).unwrap();
    assert_eq!(check("the one beyond the border goes")[0], ["VN-72 NORTH"]);
    work(1, "NEW", 50.0, -100.0);
    assert_eq!(check("one comes beyond the border")[0].len(), 2);
    feature::delete::<Work>(&world.context, world.witness(), north, None).unwrap();
    assert_eq!(check("the one here goes")[0], ["VN-35 NEW"]);
    let mut hidden = with_accuracy(work_props("HIDDEN"), 0.0);
    hidden.push(("visibility", text("restricted")));
    create::<Work>(&world, 1, &hidden, point(60.0, -100.0)).unwrap();
    assert_eq!(check("one hides beyond the border")[0].len(), 2);
    let (for_all, _) = both::<Conflict>(&world, &Actor::public(), across, "2026-06-01T04:00:00Z");
    assert_eq!(met(&for_all), ["VN-35 NEW"]);
    for (side, boundary) in [
        (1, ring(&[(107.45, 11.74), (107.55, 11.74), (107.55, 11.80), (107.45, 11.80), (107.45, 11.74)])),
        (0, ring(&[(107.46, 11.77), (107.54, 11.77), (107.54, 11.81), (107.46, 11.81), (107.46, 11.77)])),
    ] {
        let draft =
            CoverageDraft { layer: Layer::Works, kind: None, source: "the office".into(), as_of: None, boundary };
        coverage::declare(&world.context, world.witness(), SIDES[side], draft).unwrap();
        check(&format!("{} declares its coverage", SIDES[side]));
    }
    // Every one of them is answered from memory.
    let lands = [across, near, far_away, in_the_box];
    // As in a server, who was shown what is restricted waits in memory.
    let writing = Writing::begin(&world.context).unwrap();
    world.database.allow_connections(false);
    for (id, clearance) in lands {
        let ask = |clearance| {
            let question = question(Layer::Works, clearance);
            conflict_check::check_stored::<Corridor>(&world.context, &world.actor, id, &question)
        };
        assert!(ask(None).is_ok(), "{id} is answered without the database");
        assert!(matches!(ask(Some(clearance)), Err(Error::Busy { .. })), "a search reads the database");
    }
    world.database.allow_connections(true);
    writing.end().unwrap();
}

/// A corridor that is drawn as an area, or by its line.
fn some_corridor(dice: &mut Dice, code: &str) -> (Props, Geometry<f64>, f64) {
    let clearance = dice.pick(&[0.0, 30.0, 100.0, 500.0]);
    let mut props = with_clearance(corridor_props(code), clearance);
    let (east, north) = (f64::from(dice.draw(-80..160)) * 100.0, f64::from(dice.draw(-40..50)) * 100.0);
    if dice.draw(0..2) == 0 {
        let (width, height) = (f64::from(dice.draw(1..20)) * 50.0, f64::from(dice.draw(1..20)) * 50.0);
        return (props, rect(east, north, width, height), clearance);
    }
    props.push(("half_width_left_m", Value::Number(20.0)));
    props.push(("half_width_right_m", Value::Number(35.0)));
    let bends =
        (1..4).map(|_| at(east + f64::from(dice.draw(-20..20)) * 50.0, north + f64::from(dice.draw(-20..20)) * 50.0));
    let line: Vec<_> = std::iter::once(at(east, north)).chain(bends.collect::<Vec<_>>()).collect();
    (props, Geometry::LineString(LineString::from(line)), clearance)
}

/// A point or a line, seen by some, there on some days.
fn some_work(dice: &mut Dice, code: &str) -> (Props, Geometry<f64>) {
    let mut props = with_accuracy(work_props(code), dice.pick(&[0.0, 5.0, 50.0]));
    props.push(("visibility", text(dice.pick(&["public", "public", "carriers", "restricted"]))));
    if dice.draw(0..3) == 0 {
        props.push(("valid_to", text("2026-06-01")));
    }
    let (east, north) = (f64::from(dice.draw(-80..160)) * 100.0, f64::from(dice.draw(-40..50)) * 100.0);
    if dice.draw(0..3) > 0 {
        return (props, point(east, north));
    }
    let ends = vec![at(east, north), at(east + f64::from(dice.draw(-9..9)) * 300.0, north + 900.0)];
    (props, Geometry::LineString(LineString::from(ends)))
}

#[test]
fn the_kept_is_the_searched_at_a_border_whatever_changes() {
    let world = with_neighbour();
    let mut dice = Dice::new(90);
    let mut lands: Vec<OwnLand> = Vec::new();
    for n in 0..40 {
        let (props, shape, clearance) = some_corridor(&mut dice, &format!("C{n}"));
        lands.extend(create::<Corridor>(&world, 0, &props, shape).map(|id| (id, clearance)));
    }
    let mut works: Vec<(usize, Uuid)> = Vec::new();
    for n in 0..240 {
        let (props, shape) = some_work(&mut dice, &format!("W{n}"));
        works.extend(create::<Work>(&world, n % 2, &props, shape).map(|id| (n % 2, id)));
    }
    let (mut pairs, mut beyond, mut alone) = (0, 0, 0);
    for round in 0..3 {
        for land in &lands {
            let answer = same(&format!("round {round}, {}", land.0), &world, *land);
            pairs += answer.results[0].conflict_count;
            beyond += answer.results[0].conflicts.iter().filter(|c| c.jurisdiction == SIDES[1]).count();
            alone += usize::from(answer.revisions.len() == 1);
        }
        for n in 0..12 {
            let (side, id) = dice.pick(&works);
            let (props, shape) = some_work(&mut dice, &format!("M{round}-{n}"));
            let moved =
                feature::replace::<Work>(&world.context, world.witness(), id, None, &draft(side, &props, shape));
            assert!(matches!(moved, Ok(_) | Err(Error::Invalid(_))), "{:?}", moved.err());
        }
        let (props, shape, clearance) = some_corridor(&mut dice, &format!("R{round}"));
        let place = dice.draw(0..lands.len());
        let id = lands[place].0;
        if feature::replace::<Corridor>(&world.context, world.witness(), id, None, &draft(0, &props, shape)).is_ok() {
            lands[place].1 = clearance;
        }
    }
    eprintln!(
        "{} lands, {} works: {pairs} pairs, {beyond} of them beyond the border, {alone} answers of one side",
        lands.len(),
        works.len()
    );
    assert!(pairs > 150 && beyond > 50 && alone > 10, "too few to mean anything: {pairs} {beyond} {alone}");
    // As in a server, who was shown what is restricted waits in memory.
    let writing = Writing::begin(&world.context).unwrap();
    world.database.allow_connections(false);
    for (id, _) in &lands {
        let question = question(Layer::Works, None);
        assert!(conflict_check::check_stored::<Corridor>(&world.context, &world.actor, *id, &question).is_ok());
    }
    world.database.allow_connections(true);
    writing.end().unwrap();
}
