//! Made-up shapes: on a lattice of whole metres, where touching and thresholds are exact, and off it.

use clearway::geometry::{Coord, Geometry, LineString, MultiLineString, MultiPolygon, Point, Polygon, valid};
use geo::CoordsIter;
use geo_types::MultiPoint;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The seed of this run.
pub fn seed() -> u64 {
    std::env::var("CLEARWAY_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(72)
}

/// Draws values from strategies; the same seed and salt draw the same values.
pub struct Dice(TestRunner);

impl Dice {
    pub fn new(salt: u64) -> Self {
        let mut bytes = [7_u8; 32];
        bytes[..8].copy_from_slice(&seed().to_le_bytes());
        bytes[8..16].copy_from_slice(&salt.to_le_bytes());
        Self(TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)))
    }

    pub fn draw<S: Strategy>(&mut self, strategy: S) -> S::Value {
        strategy.new_tree(&mut self.0).unwrap().current()
    }

    pub fn pick<T: Clone + std::fmt::Debug + 'static>(&mut self, of: &[T]) -> T {
        self.draw(prop::sample::select(of.to_vec()))
    }
}

/// Where lattice cells stand on the grid: origin, metres between columns, columns.
#[derive(Debug, Clone, Copy)]
pub struct Lattice {
    pub origin: (f64, f64),
    pub step: f64,
    pub size: i32,
    /// Shapes shifted off the lattice by up to this share of a step; 0: exactly on it.
    pub jitter: f64,
}

type Cell = (i32, i32);

impl Lattice {
    fn at(&self, cell: Cell) -> Coord<f64> {
        Coord { x: self.origin.0 + self.step * f64::from(cell.0), y: self.origin.1 + self.step * f64::from(cell.1) }
    }

    fn cell(self) -> impl Strategy<Value = Coord<f64>> {
        let shift = -self.jitter..=self.jitter;
        (0..=self.size, 0..=self.size, shift.clone(), shift).prop_map(move |(i, j, dx, dy)| {
            let c = self.at((i, j));
            if self.jitter == 0.0 { c } else { Coord { x: c.x + dx * self.step, y: c.y + dy * self.step } }
        })
    }

    fn line(self) -> impl Strategy<Value = LineString<f64>> {
        prop::collection::vec(self.cell(), 2..7).prop_map(LineString)
    }

    fn rectangle(self) -> impl Strategy<Value = Polygon<f64>> {
        let corner = 0..self.size;
        (corner.clone(), corner, 1..=self.size, 1..=self.size, any::<bool>()).prop_map(move |(i, j, w, h, hole)| {
            let ring = |i: i32, j: i32, w: i32, h: i32| {
                LineString([(i, j), (i + w, j), (i + w, j + h), (i, j + h), (i, j)].map(|c| self.at(c)).to_vec())
            };
            let holes = if hole && w > 2 && h > 2 { vec![ring(i + 1, j + 1, w - 2, h - 2)] } else { vec![] };
            Polygon::new(ring(i, j, w, h), holes)
        })
    }

    fn ring(self) -> impl Strategy<Value = LineString<f64>> {
        prop::collection::vec(self.cell(), 3..8).prop_map(|mut corners| {
            corners.push(corners[0]);
            LineString(corners)
        })
    }

    fn polygon(self) -> impl Strategy<Value = Polygon<f64>> {
        prop_oneof![
            2 => self.rectangle(),
            2 => self.ring().prop_map(|r| Polygon::new(r, vec![])),
            1 => (self.ring(), self.ring()).prop_map(|(r, hole)| Polygon::new(r, vec![hole])),
        ]
    }

    /// Any area; may be invalid.
    pub fn any_area(self) -> impl Strategy<Value = Geometry<f64>> {
        prop_oneof![
            3 => self.polygon().prop_map(Geometry::Polygon),
            1 => prop::collection::vec(self.polygon(), 2..4).prop_map(|p| Geometry::MultiPolygon(MultiPolygon(p))),
        ]
    }

    /// A valid area.
    pub fn area(self) -> impl Strategy<Value = Geometry<f64>> {
        self.any_area().prop_filter("valid", |g| valid::problems(g).is_empty())
    }

    pub fn point(self) -> impl Strategy<Value = Geometry<f64>> {
        self.cell().prop_map(|c| Geometry::Point(Point(c)))
    }

    fn lines(self) -> impl Strategy<Value = Geometry<f64>> {
        prop_oneof![
            3 => self.line().prop_map(Geometry::LineString),
            1 => prop::collection::vec(self.line(), 2..4).prop_map(|l| Geometry::MultiLineString(MultiLineString(l))),
        ]
        .prop_filter("valid", |g| valid::problems(g).is_empty())
    }

    /// Any shape that a work can have.
    pub fn any(self) -> impl Strategy<Value = Geometry<f64>> {
        prop_oneof![
            4 => self.point(),
            3 => self.lines(),
            3 => self.area(),
            1 => prop::collection::vec(self.cell(), 1..4)
                .prop_map(|c| Geometry::MultiPoint(MultiPoint(c.into_iter().map(Point).collect()))),
        ]
    }
}

/// Reads well-known text of whole metres, its origin laid at `origin`.
pub fn wkt(text: &str, origin: (f64, f64)) -> Geometry<f64> {
    use wkt::TryFromWkt;
    let shape = Geometry::<f64>::try_from_wkt_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    geo::MapCoords::map_coords(&shape, |c| Coord { x: c.x + origin.0, y: c.y + origin.1 })
}

/// Points that adversaries choose: the vertices of a shape, the middles of its edges, and each a hair beside.
pub fn adversarial_points(shape: &Geometry<f64>) -> Vec<Geometry<f64>> {
    let all: Vec<Coord<f64>> = shape.coords_iter().collect();
    let middles = all.windows(2).map(|w| Coord { x: f64::midpoint(w[0].x, w[1].x), y: f64::midpoint(w[0].y, w[1].y) });
    let chosen: Vec<Coord<f64>> = all.iter().copied().chain(middles).collect();
    let beside = chosen.iter().map(|c| Coord { x: c.x + 0.001, y: c.y });
    chosen.iter().copied().chain(beside).map(|c| Geometry::Point(Point(c))).collect()
}

/// Pairs of a work and a piece of land, in whole metres, that have gone wrong somewhere once.
pub const ADVERSARIAL: &[(&str, &str)] = &[
    // touching exactly: at a vertex, along an edge, in the middle of an edge, from inside a hole
    ("POLYGON((0 0,10 0,10 10,0 10,0 0))", "POLYGON((10 10,20 10,20 20,10 20,10 10))"),
    ("POLYGON((0 0,10 0,10 10,0 10,0 0))", "POLYGON((10 2,20 2,20 8,10 8,10 2))"),
    ("POINT(10 5)", "POLYGON((10 0,20 0,20 10,10 10,10 0))"),
    ("POINT(10 0)", "POLYGON((10 0,20 0,20 10,10 10,10 0))"),
    ("POLYGON((2 2,8 2,8 8,2 8,2 2))", "POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,8 2,8 8,2 8,2 2))"),
    ("LINESTRING(0 0,10 0)", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("LINESTRING(-5 0,15 0)", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("LINESTRING(10 -5,10 15)", "POLYGON((0 0,10 5,0 10,0 0))"),
    // inside a hole, with 3, 4 and 5 metres around
    ("POINT(5 5)", "POLYGON((-10 -10,20 -10,20 20,-10 20,-10 -10),(1 2,9 2,9 8,1 8,1 2))"),
    ("LINESTRING(4 5,6 5)", "POLYGON((-10 -10,20 -10,20 20,-10 20,-10 -10),(1 2,9 2,9 8,1 8,1 2))"),
    ("POLYGON((4 5,6 5,6 6,4 6,4 5))", "POLYGON((-10 -10,20 -10,20 20,-10 20,-10 -10),(1 2,9 2,9 8,1 8,1 2))"),
    // identical, covering, through a hole, in two parts of one
    ("POLYGON((0 0,10 0,10 10,0 10,0 0))", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("POLYGON((0 0,10 0,10 10,0 10,0 0))", "POLYGON((10 10,0 10,0 0,10 0,10 5,10 10))"),
    ("POLYGON((-5 -5,25 -5,25 25,-5 25,-5 -5))", "POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,8 2,8 8,2 8,2 2))"),
    ("LINESTRING(-5 5,15 5)", "POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,8 2,8 8,2 8,2 2))"),
    ("LINESTRING(1 5,41 5)", "MULTIPOLYGON(((0 0,10 0,10 10,0 10,0 0)),((30 0,50 0,50 10,30 10,30 0)))"),
    ("MULTIPOINT(5 5,20 5,40 5)", "MULTIPOLYGON(((0 0,10 0,10 10,0 10,0 0)),((30 0,50 0,50 10,30 10,30 0)))"),
    ("MULTIPOINT(0 0,10 10)", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("MULTILINESTRING((-9 -9,-5 -9),(5 5,6 6))", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("MULTIPOLYGON(((2 2,3 2,3 3,2 2)),((30 30,31 30,31 31,30 30)))", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    // at 3-4-5 distances: from a corner, from a slanting edge
    ("POINT(13 14)", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("POLYGON((13 14,20 14,20 20,13 20,13 14))", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("POINT(8 0)", "POLYGON((0 0,-16 12,-20 0,0 0))"),
    ("LINESTRING(-5 40,45 15)", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    // very long: 100 km, and 25 m beside it
    ("LINESTRING(0 0,-28000 96000)", "POLYGON((10 0,0 0,0 -10,10 -10,10 0))"),
    ("LINESTRING(24 7,-27976 96007)", "POLYGON((0 0,-28000 96000,-28001 96000,0 -1,0 0))"),
    ("POINT(-14000 48000)", "POLYGON((0 0,-28000 96000,-28001 96000,0 -1,0 0))"),
    ("POINT(-13976 48007)", "POLYGON((0 0,-28000 96000,-28001 96000,0 -1,0 0))"),
    // very small: a millimetre
    ("POLYGON((0 0,0.001 0,0.001 0.001,0 0.001,0 0))", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("POLYGON((5 5,5.001 5,5.001 5.001,5 5.001,5 5))", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("POLYGON((0 0,10 0,10 10,0 10,0 0))", "POLYGON((4 4,4.001 4,4.001 4.001,4 4.001,4 4))"),
    ("LINESTRING(5 5,5.001 5.001)", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    ("LINESTRING(10 5,10.001 5)", "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
    // shared vertices and spikes
    ("LINESTRING(0 0,5 5,10 0)", "POLYGON((5 5,10 10,0 10,5 5))"),
    ("LINESTRING(0 0,5 5,10 10)", "POLYGON((5 5,10 10,0 10,5 5))"),
    ("POLYGON((5 5,10 0,0 0,5 5))", "POLYGON((5 5,10 10,0 10,5 5))"),
    ("POLYGON((5 5,10 10,10 0,5 5))", "POLYGON((5 5,10 10,0 10,5 5))"),
];
