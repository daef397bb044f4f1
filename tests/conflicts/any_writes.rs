//! After any writes the index still equals PostGIS, over all pairs, and a fresh load equals the followed one.

use clearway::actions::refresh;
use clearway::domain::corridor::Corridor;
use clearway::domain::fields::Value;
use clearway::domain::layer::Layer;
use clearway::domain::work::Work;

use crate::features::random_features;
use crate::shapes::{Dice, Lattice};
use crate::values::{Ground, Tally, compare};
use crate::world::{HERE, World, by_index, text};

/// Wide enough that a thousand works stay a crowd and do not become a heap.
const LATTICE: Lattice = Lattice { origin: HERE, step: 5.0, size: 100, jitter: 0.0 };

/// Features imported at a time: some imports pass from the delta into a new base, which has 1 000.
const BULK: usize = 350;

/// Four ways to the same pairs: asked from both layers, of the index that followed and of one loaded afresh.
fn check(what: &str, world: &World, afresh: bool) -> Tally {
    let clearance = Some(10.0);
    let followed = by_index(&world.context, world, Layer::Corridors, clearance);
    if afresh {
        let fresh = world.database.context();
        for from in [Layer::Corridors, Layer::Works] {
            let loaded = by_index(&fresh, world, from, clearance);
            assert_eq!(loaded.len(), followed.len(), "{what}: a fresh load, from {from}");
            assert!(loaded.iter().all(|(pair, c)| followed[pair].finding == c.finding), "{what}: {from}");
        }
    }
    let mut tally = compare(what, &followed, &world.by_postgis(clearance), Ground::Lattice);
    // As each corridor stands, which is kept from one time to the next: found afresh it is the same.
    let kept = by_index(&world.context, world, Layer::Corridors, None);
    if afresh {
        assert_eq!(by_index(&world.database.context(), world, Layer::Corridors, None), kept, "{what}: kept");
    }
    tally.add(compare(&format!("{what}, kept"), &kept, &world.by_postgis(None), Ground::Lattice));
    tally
}

#[test]
fn the_index_equals_postgis_after_any_writes() {
    let world = World::new();
    let mut dice = Dice::new(40);
    let mut tally = Tally::default();
    let (works, corridors) = random_features(&mut dice, "B", LATTICE, 40, 12);
    world.import::<Corridor>(corridors);
    world.import::<Work>(works);
    tally.add(check("first", &world, false));
    for round in 0..5 {
        // Each bulk brings new features, and new versions of half of those before: the codes meet.
        let (mut works, mut corridors) = random_features(&mut dice, &format!("B{}", round / 2), LATTICE, BULK, 8);
        if round % 2 == 1 {
            works.truncate(BULK / 2);
            corridors.truncate(4);
        }
        world.import::<Work>(works);
        world.import::<Corridor>(corridors);
        tally.add(check(&format!("bulk {round}"), &world, false));
        for step in 0..12 {
            one_write(&world, &mut dice, &format!("S{round}-{step}"));
            if step % 3 == 0 {
                let kept = by_index(&world.context, &world, Layer::Corridors, None);
                let what = format!("write {round}-{step}, kept");
                tally.add(compare(&what, &kept, &world.by_postgis(None), Ground::Lattice));
            }
        }
        tally.add(check(&format!("single writes {round}"), &world, round == 2 || round == 4));
    }
    eprintln!("after writes: {tally:?}");
    assert!(world.ids(Layer::Works).len() > 1_000, "too few to pass into a new base");
    assert!(tally.pairs > 2_000, "{tally:?}");
}

/// Creates, replaces, moves, retires or deletes something.
fn one_write(world: &World, dice: &mut Dice, code: &str) {
    let (mut works, mut corridors) = random_features(dice, code, LATTICE, 1, 1);
    let ((mut work, work_shape), (corridor, corridor_shape)) = (works.remove(0), corridors.remove(0));
    let (old_works, old_corridors) = (world.ids(Layer::Works), world.ids(Layer::Corridors));
    match dice.draw(0..6) {
        0 => drop(world.create::<Work>(&work, work_shape)),
        1 => drop(world.create::<Corridor>(&corridor, corridor_shape)),
        2 => world.replace::<Work>(dice.pick(&old_works), &work, work_shape),
        3 => world.replace::<Corridor>(dice.pick(&old_corridors), &corridor, corridor_shape),
        4 => {
            work.retain(|(name, _)| *name != "status");
            work.push(("status", text("dismantled")));
            world.replace::<Work>(dice.pick(&old_works), &work, work_shape);
        }
        _ => {
            world.delete::<Work>(dice.pick(&old_works));
            world.delete::<Corridor>(dice.pick(&old_corridors));
        }
    }
}

#[test]
fn another_instance_follows() {
    let world = World::new();
    let other = world.database.context();
    let mut dice = Dice::new(41);
    let narrow = Lattice { size: 20, ..LATTICE };
    let (works, corridors) = random_features(&mut dice, "F", narrow, 30, 10);
    world.import::<Corridor>(corridors);
    world.import::<Work>(works);
    for step in 0..20 {
        let id = dice.pick(&world.ids(Layer::Works));
        if step % 4 == 0 {
            world.delete::<Work>(id);
        } else {
            let (mut one, _) = random_features(&mut dice, &format!("F-{step}"), narrow, 1, 0);
            let (mut props, shape) = one.remove(0);
            props.retain(|(name, _)| *name != "position_accuracy_m");
            props.push(("position_accuracy_m", Value::Number(f64::from(step))));
            world.replace::<Work>(id, &props, shape);
        }
        if step % 3 == 0 {
            refresh::catch_up_all(&other).unwrap();
            let here = by_index(&world.context, &world, Layer::Works, None);
            assert_eq!(by_index(&other, &world, Layer::Works, None), here, "step {step}");
            compare(&format!("step {step}"), &here, &world.by_postgis(None), Ground::Lattice);
        }
    }
}
