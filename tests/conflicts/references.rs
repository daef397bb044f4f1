//! Reference features in the index: loaded, followed by another instance and as they were they are the same, and what is near
//! a place is what PostGIS says.

use std::collections::{BTreeMap, BTreeSet};

use clearway::actions::{Context, refresh, rules};
use clearway::domain::conflict::Facts;
use clearway::domain::fields::Value;
use clearway::domain::layer::Layer;
use clearway::domain::reference::Reference;
use clearway::formats::rules as file;
use clearway::geometry::measure::Prepared;
use clearway::geometry::{Coord, Geometry, LineString, Metres, MultiLineString};
use clearway::store::version::Versions;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use proptest::prelude::*;
use uuid::Uuid;

use crate::shapes::{Dice, Lattice};
use crate::world::{HERE, Props, World, text};

const LATTICE: Lattice = Lattice { origin: HERE, step: 10.0, size: 60, jitter: 0.3 };

/// Imported at a time: some imports pass from the delta into a new base, which has 1 000.
const BULK: usize = 450;

/// Searched round a place, m. Off the lattice nothing stands exactly so far from it.
const RADII_M: [f64; 3] = [7.3, 61.7, 419.3];

const KINDS: [&str; 9] =
    ["heritage", "school", "hospital", "zone", "runway", "road", "power_line", "transmitter", "building"];

/// What the index holds of a feature: what is known of it, its shape, and how far it is met beyond it.
type Held = BTreeMap<Uuid, (Facts, Geometry<f64>, Metres)>;

fn held(context: &Context) -> Held {
    let snapshot = context.snapshot();
    let layer = snapshot.territory("VN-72").unwrap().layer(Layer::References);
    let all = layer.entries().map(|e| (e.facts.id, (e.facts.clone(), e.shape.geometry().into_owned(), e.reach())));
    let held: Held = all.collect();
    assert_eq!(held.len(), layer.len(), "none twice");
    held
}

/// Properties of any kind, with a shape that the kind may have.
pub fn random(dice: &mut Dice, code: &str) -> (Props, Geometry<f64>) {
    // A code keeps its kind: an import of another one would be refused.
    let kind = KINDS[code.bytes().map(usize::from).sum::<usize>() % KINDS.len()];
    let mut props = vec![
        ("code", text(code)),
        ("kind", text(kind)),
        ("organisation", text(dice.pick(&["office", "army"]))),
        ("visibility", text(dice.pick(&["public", "public", "government", "restricted"]))),
    ];
    let number = |dice: &mut Dice, most: u32| Value::Number(f64::from(dice.draw(1..most)));
    let corners = |dice: &mut Dice| {
        let mut at = || Coord { x: HERE.0 + dice.draw(0.0..600.0), y: HERE.1 + dice.draw(0.0..600.0) };
        LineString(vec![at(), at()])
    };
    let shape = match kind {
        "zone" => {
            props.push(("quota", number(dice, 9)));
            props.push(("column_classes", Value::List(vec![text("A1a"), text("A2c")])));
            props.push(("sharing_required", Value::Bool(dice.draw(any::<bool>()))));
            dice.draw(LATTICE.area())
        }
        "runway" => {
            props.push(("elevation_from_ft", number(dice, 900)));
            props.push(("elevation_to_m", number(dice, 900)));
            props.push(("class", text("4 PRECISION")));
            // As long as one is at least.
            let LineString(ends) = corners(dice);
            Geometry::LineString(LineString(vec![ends[0], Coord { x: ends[0].x + 150.0, ..ends[1] }]))
        }
        "road" | "power_line" => {
            props.push(("half_width_m", number(dice, 30)));
            props.push(("voltage_kv", number(dice, 500)));
            Geometry::MultiLineString(MultiLineString(vec![corners(dice), corners(dice)]))
        }
        "transmitter" => {
            props.push(("eirp_w", number(dice, 50_000)));
            props.push(("frequency_mhz", number(dice, 3_500)));
            props.push(("azimuth_deg", number(dice, 359)));
            dice.draw(LATTICE.point())
        }
        _ => {
            props.push(("occupied", Value::Bool(dice.draw(any::<bool>()))));
            props.push(("height_agl_m", number(dice, 60)));
            props.push(("valid_to", text(dice.pick(&["2020-01-01", "2030-01-01"]))));
            if kind == "building" { dice.draw(LATTICE.area()) } else { dice.draw(LATTICE.any()) }
        }
    };
    (props, shape)
}

fn load_rules(world: &World, version: usize, metres: usize) {
    let text = format!(
        "name = \"T\"\nversion = \"{version}\"\n[[parameter]]\nkey = \"site.heritage.distance_m\"\nvalue = {metres}\n\
         unit = \"m\"\nconfidence = \"default\"\n"
    );
    let pack = file::read(text.as_bytes()).unwrap();
    let digest = format!("{version:064x}");
    rules::import(&world.context, world.witness(), &["VN-72".to_owned()], &pack, &digest).unwrap();
}

fn one_write(world: &World, dice: &mut Dice, code: &str) {
    let there: Vec<Uuid> = held(&world.context).into_keys().collect();
    let (props, shape) = random(dice, code);
    match dice.draw(0..4) {
        0 => drop(world.create::<Reference>(&props, shape)),
        1 => world.delete::<Reference>(dice.pick(&there)),
        _ => world.replace::<Reference>(dice.pick(&there), &props, shape),
    }
}

/// What stands within a radius of a place, by the index and by PostGIS.
fn near(world: &World, dice: &mut Dice) -> usize {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let snapshot = world.context.snapshot();
    let layer = snapshot.territory("VN-72").unwrap().layer(Layer::References);
    let (mut conn, mut found) = (world.database.connect(), 0);
    for radius in RADII_M {
        let at = Coord { x: HERE.0 + f64::from(dice.draw(0..600)), y: HERE.1 + f64::from(dice.draw(0..600)) };
        let place = Prepared::point(at);
        let mut by_index = BTreeSet::new();
        layer.near(&place, Metres::new(radius).unwrap(), |entry| {
            if place.distance_within(&entry.shape, radius).is_some() {
                assert!(by_index.insert(entry.facts.id), "met twice");
            }
        });
        let sql = format!(
            "SELECT id FROM reference_features WHERE ST_DWithin(geom_grid, ST_SetSRID(ST_MakePoint({}, {}), 9218), {radius})",
            at.x, at.y
        );
        let rows: Vec<Row> = diesel::sql_query(sql).load(&mut conn).unwrap();
        let by_postgis: BTreeSet<Uuid> = rows.into_iter().map(|row| row.id).collect();
        assert_eq!(by_index, by_postgis, "{radius} m round {at:?}");
        found += by_postgis.len();
    }
    found
}

#[test]
fn loaded_followed_and_as_they_were_they_are_the_same() {
    let world = World::new();
    let other = world.database.context();
    let mut dice = Dice::new(90);
    let mut then: BTreeMap<i64, Held> = BTreeMap::new();
    let mut found = 0;
    for round in 0..4 {
        // Each import brings new features, and new versions of half of those before: the codes meet.
        let rows = (0..BULK).map(|n| random(&mut dice, &format!("B{}", round * BULK / 2 + n))).collect();
        world.import::<Reference>(rows);
        for step in 0..8 {
            if step == 4 {
                load_rules(&world, round, 10 * round);
            } else {
                one_write(&world, &mut dice, &format!("S{round}-{step}"));
            }
            let here = held(&world.context);
            if step % 2 == 0 {
                refresh::catch_up_all(&other).unwrap();
                assert_eq!(held(&other), here, "another instance, round {round}, step {step}");
            }
            let revision = world.context.snapshot().territory("VN-72").unwrap().revision;
            then.insert(revision, here);
            found += near(&world, &mut dice);
        }
        assert_eq!(held(&world.database.context()), held(&world.context), "a fresh load, round {round}");
    }
    assert!(held(&world.context).len() > 1_000, "too few to pass into a new base");
    assert!(held(&world.context).values().any(|(_, _, reach)| reach.get() == 30.0), "rules widen none");
    assert!(found > 2_000, "{found}");
    // As of each revision the rows are those that the index held.
    let mut conn = world.database.connect();
    for (revision, expect) in &then {
        let mut rows = BTreeMap::new();
        Reference::index_rows_at(&mut conn, "VN-72", *revision, &mut |row| {
            assert!(rows.insert(row.facts.id, (row.facts, row.grid.0)).is_none(), "twice at {revision}");
            Ok(())
        })
        .unwrap();
        let expect: BTreeMap<_, _> =
            expect.iter().map(|(id, (facts, shape, _))| (*id, (facts.clone(), shape.clone()))).collect();
        assert!(rows == expect, "revision {revision}: {} rows for {}", rows.len(), expect.len());
    }
    eprintln!("{} states of up to {} features, {found} near a place", then.len(), held(&world.context).len());
}
