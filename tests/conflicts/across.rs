//! What is told of conflicts across a border: in which order, from where one stopped, to whom, and measured how.

use clearway::actions::changes::{self, Heard, Listening, Notice, Wish};
use clearway::actions::{Context, feature, refresh};
use clearway::domain::change::{Happened, Resync};
use clearway::domain::corridor::Corridor;
use clearway::domain::fields::Value;
use clearway::domain::layer::Layer;
use clearway::domain::work::Work;
use clearway::geometry::measure::Prepared;
use clearway::geometry::{Epsg, Geometry, Grid, crs};
use clearway::store::records::Records;
use uuid::Uuid;

use crate::border::{SIDES, draft, point, rect, with_neighbour};
use crate::world::{GRID, HERE, Pairs, Props, World, corridor_props, question, work_props};

/// An instance that follows one jurisdiction at a time, as it is told to.
fn instance(world: &World) -> Context {
    world.database.context()
}

fn publish(context: &Context, sides: &[usize]) {
    for side in sides {
        refresh::catch_up(context, SIDES[*side]).unwrap();
    }
}

fn listen(world: &World, context: &Context, wish: Wish) -> Listening {
    changes::listen(context, &world.actor, wish).unwrap().0
}

fn to(side: usize) -> Vec<String> {
    vec![SIDES[side].to_owned()]
}

/// What was told: conflicts that began and ended in their order, and jurisdictions to be read again.
#[derive(Debug, Default, PartialEq)]
struct Told {
    pairs: Vec<(Happened, Uuid, Uuid)>,
    features: usize,
    again: Vec<(String, Resync)>,
}

fn hear(listening: &mut Listening) -> Told {
    let mut told = Told::default();
    for notice in listening.pull() {
        match notice {
            Notice::Event(event) => {
                let parts = listening.parts(&event).unwrap();
                told.features += parts.features.len();
                told.pairs.extend(parts.pairs.iter().map(|p| (p.happened, p.what.work.id, p.what.land.id)));
            }
            Notice::Resync { jurisdiction, why, .. } => told.again.push((jurisdiction, why)),
        }
    }
    told
}

fn work(world: &World, side: usize, code: &str, place: Geometry<f64>) -> Uuid {
    add::<Work>(world, side, &exact(work_props(code)), place)
}

fn land(world: &World, side: usize, code: &str, clearance_m: f64, place: Geometry<f64>) -> Uuid {
    let mut props = corridor_props(code);
    props.push(("clearance_m", Value::Number(clearance_m)));
    add::<Corridor>(world, side, &props, place)
}

fn exact(mut props: Props) -> Props {
    props.push(("position_accuracy_m", Value::Number(0.0)));
    props
}

fn add<T: Records>(world: &World, side: usize, props: &Props, place: Geometry<f64>) -> Uuid {
    feature::create::<T>(&world.context, world.witness(), &draft(side, props, place)).unwrap().id
}

fn delete<T: Records>(world: &World, id: Uuid) {
    feature::delete::<T>(&world.context, world.witness(), id, None).unwrap();
}

use Happened::{Begun, Ended};

/// The land comes on one side and the work goes on the other: whichever is published first decides whether there ever
/// was a conflict, and what is told is told in that order.
#[test]
fn what_two_jurisdictions_tell_is_told_in_the_order_of_publication() {
    let world = with_neighbour();
    for (round, (of_land, first)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
        let of_work = 1 - of_land;
        let one = work(&world, of_work, &format!("W{round}"), point(0.0, 0.0));
        let here = instance(&world);
        let mut listening = listen(&world, &here, Wish::default());
        let way = land(&world, of_land, &format!("C{round}"), 50.0, rect(-20.0, -20.0, 40.0, 40.0));
        delete::<Work>(&world, one);
        publish(&here, &[first, 1 - first]);
        let expect = if first == of_land { vec![(Begun, one, way), (Ended, one, way)] } else { vec![] };
        let told = hear(&mut listening);
        assert_eq!((told.pairs, told.again), (expect, vec![]), "land in {}, {} first", SIDES[of_land], SIDES[first]);
        delete::<Corridor>(&world, way);
    }
}

/// Heard at one instance up to a state that another one never showed.
#[test]
fn who_heard_of_two_jurisdictions_in_another_order_is_told_to_read_again() {
    let world = with_neighbour();
    for (wished, of_land) in [(vec![], 0), (to(0), 0), (to(1), 0), (vec![], 1), (to(0), 1), (to(1), 1)] {
        let of_work = 1 - of_land;
        let one = work(&world, of_work, "W", point(0.0, 0.0));
        let [same, other] = [instance(&world), instance(&world)];
        let wish = Wish { jurisdictions: wished.clone(), ..Wish::default() };
        let mut listening = listen(&world, &same, wish.clone());
        let way = land(&world, of_land, "C", 50.0, rect(-20.0, -20.0, 40.0, 40.0));
        delete::<Work>(&world, one);
        publish(&same, &[of_land]);
        assert_eq!(hear(&mut listening).pairs, [(Begun, one, way)], "{wished:?}");
        let heard = listening.heard();
        publish(&same, &[of_work]);
        publish(&other, &[of_work, of_land]);
        let back = Wish { heard, ..wish };
        let told = hear(&mut listen(&world, &same, back.clone()));
        assert_eq!((told.pairs, told.again), (vec![(Ended, one, way)], vec![]), "{wished:?}, where it was");
        let told = hear(&mut listen(&world, &other, back));
        let again: Vec<_> = told.again.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(again.len(), 1, "{wished:?}: {told:?}");
        assert!(wished.is_empty() || again == wished, "{wished:?}: {told:?}");
        delete::<Corridor>(&world, way);
    }
}

/// A place that names one of two jurisdictions alone, though conflicts with the other are told.
#[test]
fn who_names_one_jurisdiction_goes_on_only_where_that_is_one_state() {
    let world = with_neighbour();
    let here = instance(&world);
    let mut listening = listen(&world, &here, Wish { jurisdictions: to(0), ..Wish::default() });
    let way = land(&world, 0, "C", 50.0, rect(-20.0, -20.0, 40.0, 40.0));
    publish(&here, &[0]);
    hear(&mut listening);
    let heard: Vec<Heard> = listening.heard().into_iter().filter(|h| h.jurisdiction == SIDES[0]).collect();
    let back = Wish { jurisdictions: to(0), heard, ..Wish::default() };
    work(&world, 1, "FAR", point(0.0, -3_000.0));
    publish(&here, &[1]);
    assert_eq!(hear(&mut listen(&world, &here, back.clone())), Told::default(), "nothing that concerns it");
    let one = work(&world, 1, "W", point(0.0, 0.0));
    publish(&here, &[1]);
    assert_eq!(hear(&mut listening).pairs, [(Begun, one, way)]);
    let told = hear(&mut listen(&world, &here, back));
    assert_eq!(told.again, [(SIDES[0].to_owned(), Resync::Missed)], "before or after that conflict began");
}

/// Whoever listens to one side hears how conflicts begin and end, whichever side changed, and nothing else of the other.
#[test]
fn who_listens_to_one_side_hears_of_conflicts_from_both() {
    let world = with_neighbour();
    let here = instance(&world);
    let wish = |side, layers: &[Layer]| Wish { jurisdictions: to(side), layers: layers.to_vec(), ..Wish::default() };
    let mut both = [listen(&world, &here, wish(0, &[])), listen(&world, &here, wish(1, &[]))];
    let mut roads = listen(&world, &here, wish(0, &[Layer::Corridors]));
    let way = land(&world, 0, "C", 50.0, rect(-20.0, -20.0, 40.0, 40.0));
    let one = work(&world, 1, "W", point(0.0, 0.0));
    let of_one_side = work(&world, 1, "FAR", point(0.0, -3_000.0));
    publish(&here, &[0, 1]);
    for (listening, features) in both.iter_mut().zip([1, 2]) {
        let told = hear(listening);
        assert_eq!((told.pairs, told.features), (vec![(Begun, one, way)], features));
    }
    assert_eq!(hear(&mut roads).pairs, [], "a conflict is told for the layer whose change it is due to");
    delete::<Work>(&world, one);
    delete::<Work>(&world, of_one_side);
    publish(&here, &[1]);
    for (listening, features) in both.iter_mut().zip([0, 2]) {
        let told = hear(listening);
        assert_eq!((told.pairs, told.features), (vec![(Ended, one, way)], features));
    }
}

/// More changed at the neighbour than is told one by one, conflicts across the border perhaps among it.
#[test]
fn who_listens_to_one_side_reads_again_what_is_not_told_of_the_other() {
    let world = with_neighbour();
    let here = instance(&world);
    let mut listening = listen(&world, &here, Wish { jurisdictions: to(1), ..Wish::default() });
    let place = |n: u32| Geometry::Point((HERE.0 + f64::from(n), HERE.1).into());
    world.import::<Work>((0..10_001).map(|n| (work_props(&format!("W{n}")), place(n))).collect());
    publish(&here, &[0]);
    let told = hear(&mut listening);
    assert_eq!(told, Told { again: vec![(SIDES[1].to_owned(), Resync::TooMany)], ..Told::default() });
}

/// Between what the two grids say of a distance: both events and the check of the land take the same.
#[test]
fn a_pair_across_the_border_is_measured_on_one_grid() {
    let world = with_neighbour();
    let on = |shape: &Geometry<f64>, grid: Epsg| Prepared::new(&Grid(crs::project(shape, GRID, grid).unwrap()));
    let grids = [GRID, Epsg(5899)];
    for (of_land, land_first) in [(0, true), (0, false), (1, true), (1, false)] {
        let (place, ground) = (point(0.0, 0.0), rect(700.0, -100.0, 50.0, 200.0));
        let there = grids.map(|grid| on(&place, grid).distance(&on(&ground, grid)));
        assert!((there[0] - there[1]).abs() > 1e-3, "no difference: {there:?}");
        let mut listening = listen(&world, &world.context, Wish::default());
        let clearance = f64::midpoint(there[0], there[1]);
        let make_land = || land(&world, of_land, "C", clearance, ground.clone());
        let make_work = || work(&world, 1 - of_land, "W", place.clone());
        let (way, one) = if land_first { (make_land(), make_work()) } else { (make_work(), make_land()) };
        let (way, one) = if land_first { (way, one) } else { (one, way) };
        let question = question(Layer::Works, None);
        let answer: clearway::actions::conflict_check::Answer = clearway::actions::conflict_check::check_stored_as::<
            Corridor,
            _,
        >(&world.context, &world.actor, way, &question)
        .unwrap();
        let checked: Pairs = answer.results[0].conflicts.iter().map(|c| (c.id, way)).collect();
        let what = format!("land in {}, first: {land_first}, {there:?}", SIDES[of_land]);
        let expect = if there[1 - of_land] <= clearance { Pairs::from([(one, way)]) } else { Pairs::new() };
        assert_eq!(checked, expect, "{what}: the check");
        let told = hear(&mut listening).pairs;
        assert_eq!(told, expect.iter().map(|(w, l)| (Begun, *w, *l)).collect::<Vec<_>>(), "{what}: begun");
        if land_first {
            delete::<Corridor>(&world, way);
        } else {
            delete::<Work>(&world, one);
        }
        let told = hear(&mut listening).pairs;
        assert_eq!(told, expect.iter().map(|(w, l)| (Ended, *w, *l)).collect::<Vec<_>>(), "{what}: ended");
        if land_first {
            delete::<Work>(&world, one);
        } else {
            delete::<Corridor>(&world, way);
        }
        hear(&mut listening);
    }
}
