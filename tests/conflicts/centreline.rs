//! The land of centrelines: what is stored is DOMAIN's definition, point by point, measured by PostGIS.

use std::collections::BTreeMap;

use clearway::domain::corridor::Corridor;
use clearway::domain::fields::Value;
use clearway::domain::layer::Layer;
use clearway::domain::work::Work;
use clearway::geometry::{Coord, Geometry, LineString, MultiLineString, Point};
use clearway::store::schema::sql_types;
use clearway::store::shape::Shape;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Text};
use proptest::prelude::*;

use crate::features::random_features;
use crate::shapes::{Dice, Lattice};
use crate::values::{Ground, Tally, compare};
use crate::world::{GRID, HERE, Props, World, by_index, corridor_props};

/// What is promised of an arc, and of a point near an edge: a centimetre, and a hair more for the question itself.
const PROMISED_M: f64 = 0.010_1;

/// How a point lies to one segment of a centreline.
#[derive(Debug, Clone, QueryableByName)]
struct Sight {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    point: i64,
    #[diesel(sql_type = Bool)]
    covered: bool,
    #[diesel(sql_type = Bool)]
    first_of_line: bool,
    #[diesel(sql_type = Bool)]
    last_of_line: bool,
    #[diesel(sql_type = Double)]
    distance: f64,
    /// Where along the segment the nearest point lies, metres, not held to its ends; and how far to the left.
    #[diesel(sql_type = Double)]
    along: f64,
    #[diesel(sql_type = Double)]
    to_left: f64,
    #[diesel(sql_type = Double)]
    length: f64,
    #[diesel(sql_type = Double)]
    left: f64,
    #[diesel(sql_type = Double)]
    right: f64,
    #[diesel(sql_type = Text)]
    place: String,
}

const SIGHTS: &str = "
WITH parts AS (
    SELECT code, geom_grid, half_width_left_m AS l, half_width_right_m AS r, (d).path[1] AS part, (d).geom AS line
    FROM (SELECT *, ST_Dump(centreline_grid) AS d FROM corridors) AS dumped
),
segments AS (
    SELECT *, row_number() OVER (PARTITION BY code ORDER BY part, n) AS segment,
        ST_PointN(line, n) AS a, ST_PointN(line, n + 1) AS b
    FROM parts, generate_series(1, ST_NPoints(line) - 1) AS n
    WHERE NOT ST_Equals(ST_PointN(line, n), ST_PointN(line, n + 1))
),
points AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::geometry[]) AS p(code, point, g))
SELECT s.code, p.point, ST_Intersects(p.g, s.geom_grid) AS covered,
    lag(s.b) OVER w IS DISTINCT FROM s.a AND NOT bool_or(s.b = s.a) OVER w AS first_of_line,
    lead(s.a) OVER w IS DISTINCT FROM s.b AS last_of_line,
    ST_Distance(p.g, ST_MakeLine(s.a, s.b)) AS distance,
    ((ST_X(p.g) - ST_X(a)) * (ST_X(b) - ST_X(a)) + (ST_Y(p.g) - ST_Y(a)) * (ST_Y(b) - ST_Y(a))) / ST_Distance(a, b)
        AS along,
    ((ST_X(b) - ST_X(a)) * (ST_Y(p.g) - ST_Y(a)) - (ST_Y(b) - ST_Y(a)) * (ST_X(p.g) - ST_X(a))) / ST_Distance(a, b)
        AS to_left,
    ST_Distance(a, b) AS length, s.l AS left, s.r AS right,
    ST_AsText(p.g, 4) || ' ~ ' || ST_AsText(ST_Translate(s.line, -430000, -1340000), 4) AS place
FROM points AS p JOIN segments AS s USING (code)
WINDOW w AS (PARTITION BY s.code, p.point ORDER BY s.segment)
ORDER BY s.code, p.point, s.segment";

/// Whether a point that sees these segments is in the corridor, each way that `PROMISED_M` and ties leave open.
fn may_be(sights: &[Sight]) -> (bool, bool) {
    let nearest = sights.iter().map(|s| s.distance).fold(f64::INFINITY, f64::min);
    // Segments that would be nearest if the point stood a promise away.
    let near = sights.iter().enumerate().filter(|(_, s)| s.distance <= nearest + 2.0 * PROMISED_M);
    let (mut may_in, mut may_out) = (false, false);
    for (n, s) in near {
        let beyond_start = s.along < 0.0;
        let beyond_end = s.along > s.length;
        // Beyond an end of the line nobody sees the point; beyond a bend the outer side does.
        let outside_end =
            (s.first_of_line && s.along < PROMISED_M) || (s.last_of_line && s.along > s.length - PROMISED_M);
        if outside_end {
            may_out = true;
            let clearly =
                (s.first_of_line && s.along < -PROMISED_M) || (s.last_of_line && s.along > s.length + PROMISED_M);
            if clearly {
                continue;
            }
        }
        let other = match (beyond_start, beyond_end) {
            (true, _) => n.checked_sub(1).map(|k| &sights[k]),
            (_, true) => sights.get(n + 1),
            _ => None,
        };
        let mut widths = Vec::new();
        if s.to_left > -PROMISED_M {
            widths.push(s.left);
        }
        if s.to_left < PROMISED_M {
            widths.push(s.right);
        }
        if let Some(o) =
            other.filter(|o| o.to_left.signum() != s.to_left.signum() && (o.distance - s.distance).abs() < 1e-9)
        {
            // In the outer wedge of a sharp bend the two segments disagree: both answers are looked at.
            widths = vec![o.left, o.right];
        }
        for width in widths {
            // A side without width has no land but the line itself.
            may_in |= s.distance <= width + PROMISED_M;
            may_out |= s.distance >= width - PROMISED_M;
        }
    }
    (may_in, may_out)
}

fn centreline_props(code: &str, left: f64, right: f64) -> Props {
    let mut props = corridor_props(code);
    props.push(("half_width_left_m", Value::Number(left)));
    props.push(("half_width_right_m", Value::Number(right)));
    props
}

fn bent() -> impl Strategy<Value = LineString<f64>> {
    let whole = || (-300_i32..300, -300_i32..300);
    let road = prop::collection::vec(whole(), 2..7).prop_map(|all| {
        LineString(all.into_iter().map(|(x, y)| Coord { x: HERE.0 + f64::from(x), y: HERE.1 + f64::from(y) }).collect())
    });
    road.prop_filter("a line", |l| l.0.windows(2).all(|w| w[0] != w[1]))
}

#[test]
fn the_land_of_a_centreline_is_its_definition() {
    let world = World::new();
    let mut dice = Dice::new(60);
    let widths = [0.0, 3.0, 10.0, 30.0, 75.0];
    let (mut rows, mut probes) = (Vec::new(), Vec::new());
    for n in 0..40 {
        let (left, mut right) = (dice.pick(&widths), dice.pick(&widths));
        if left == 0.0 && right == 0.0 {
            right = 17.0;
        }
        let line = if n % 5 == 4 {
            Geometry::MultiLineString(MultiLineString(vec![dice.draw(bent()), dice.draw(bent())]))
        } else {
            Geometry::LineString(dice.draw(bent()))
        };
        let code = format!("L-{n}");
        let vertices: Vec<Coord<f64>> = geo::CoordsIter::coords_iter(&line).collect();
        for _ in 0..150 {
            // Beside the line, beyond its bends and ends.
            let (corner, along, x, y) = dice.draw((1..vertices.len(), -0.1..1.1, -90.0..90.0, -90.0..90.0));
            let (from, to) = (vertices[corner - 1], vertices[corner]);
            probes.push((code.clone(), from + (to - from) * along + Coord { x, y }));
        }
        rows.push((centreline_props(&code, left, right), line));
    }
    world.import::<Corridor>(rows);
    assert_eq!(world.invalid_in_postgis(), Vec::<String>::new());
    let codes: Vec<String> = probes.iter().map(|p| p.0.clone()).collect();
    let numbers: Vec<i64> = (0_i64..).take(probes.len()).collect();
    let shapes: Vec<Shape> = probes.iter().map(|p| Shape::new(Geometry::Point(Point(p.1)), GRID)).collect();
    let sights: Vec<Sight> = diesel::sql_query(SIGHTS)
        .bind::<Array<Text>, _>(codes)
        .bind::<Array<BigInt>, _>(numbers)
        .bind::<Array<sql_types::Geometry>, _>(shapes)
        .load(&mut world.database.connect())
        .unwrap();
    let mut by_point: BTreeMap<i64, Vec<Sight>> = BTreeMap::new();
    for s in sights {
        by_point.entry(s.point).or_default().push(s);
    }
    let (mut inside, mut doubtful, mut wrong) = (0, 0, Vec::new());
    for all in by_point.values() {
        let (may_in, may_out) = may_be(all);
        let covered = all[0].covered;
        inside += usize::from(covered);
        doubtful += usize::from(may_in && may_out);
        if (covered && !may_in) || (!covered && !may_out) {
            wrong.push(format!(
                "{} covered: {covered}, widths {} {}, {}",
                all[0].code, all[0].left, all[0].right, all[0].place
            ));
        }
    }
    eprintln!("{} points, {inside} inside, {doubtful} too near an edge to tell", by_point.len());
    let count = wrong.len();
    wrong.truncate(5);
    assert!(wrong.is_empty(), "seed {}: {count}\n{}", crate::shapes::seed(), wrong.join("\n"));
    assert!(inside > 500 && doubtful * 10 < by_point.len(), "{inside} {doubtful}");
}

#[test]
fn pairs_with_centreline_land_are_those_of_postgis() {
    let world = World::new();
    let mut dice = Dice::new(61);
    let lattice = Lattice { origin: (HERE.0 - 400.0, HERE.1 - 400.0), step: 20.0, size: 40, jitter: 0.3 };
    let (works, _) = random_features(&mut dice, "W", lattice, 80, 0);
    world.import::<Work>(works);
    let lines = (0..25).map(|n| {
        let (left, right) = dice.draw((0.5..40.0, 0.0..60.0));
        let mut props = centreline_props(&format!("L-{n}"), left, right);
        props.push(("clearance_m", Value::Number(7.5)));
        (props, Geometry::LineString(dice.draw(bent())))
    });
    world.import::<Corridor>(lines.collect());
    let mut tally = Tally::default();
    for clearance in [None, Some(0.0), Some(30.0)] {
        let found = by_index(&world.context, &world, Layer::Corridors, clearance);
        assert_eq!(
            found,
            by_index(&world.context, &world, Layer::Works, clearance)
                .into_iter()
                .map(|(pair, mut c)| {
                    // The same numbers; only the feature met is the other one.
                    let own = &found[&pair];
                    (c.layer, c.id, c.code, c.kind) = (own.layer, own.id, own.code.clone(), own.kind);
                    (pair, c)
                })
                .collect()
        );
        tally.add(compare(&format!("centrelines, {clearance:?}"), &found, &world.by_postgis(clearance), Ground::Any));
    }
    eprintln!("centrelines: {tally:?}");
    assert!(tally.pairs > 500, "{tally:?}");
}
