//! Geometry on whatever coordinates come: validity of anything, and of what is valid the measures of a pair, its
//! overlay and its way along a centreline, and the land of a line.
#![no_main]

use clearway_fuzz::domain::conflict::{Land, Standing, conflict_distance, measured};
use clearway_fuzz::end_at_panics;
use clearway_fuzz::geometry::linear::Chainage;
use clearway_fuzz::geometry::measure::Prepared;
use clearway_fuzz::geometry::{
    Bounds, Coord, Geometry, Grid, LineString, Metres, MultiLineString, MultiPolygon, Point, Polygon, buffer, valid,
};
use geo::CoordsIter;
use geo_types::MultiPoint;
use libfuzzer_sys::fuzz_target;

/// Bytes as numbers and shapes; it ends with zeros.
struct Bytes<'a> {
    left: &'a [u8],
    scale: u8,
}

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.left.split_first() else { return 0 };
        self.left = rest;
        *first
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// A lattice of metres, sixteenths of a metre far from the origin, or any number there is.
    fn number(&mut self) -> f64 {
        match self.scale % 4 {
            0 => f64::from(self.byte() as i8),
            1 => 1_340_000.0 + f64::from(i16::from_le_bytes(self.array())) / 16.0,
            2 => 430_000.0 + f64::from(self.byte() as i8) * 1.1 + f64::from(self.byte()) * 1e-9,
            _ => f64::from_le_bytes(self.array()),
        }
    }

    fn line(&mut self) -> LineString<f64> {
        let size = self.byte() % 16;
        LineString((0..size).map(|_| Coord { x: self.number(), y: self.number() }).collect())
    }

    fn polygon(&mut self) -> Polygon<f64> {
        let holes = self.byte() % 3;
        Polygon::new(self.line(), (0..holes).map(|_| self.line()).collect())
    }

    fn shape(&mut self) -> Geometry<f64> {
        let (kind, parts) = (self.byte() % 6, self.byte() % 4);
        match kind {
            0 => Geometry::Point(Point::new(self.number(), self.number())),
            1 => Geometry::MultiPoint(MultiPoint(self.line().0.into_iter().map(Point).collect())),
            2 => Geometry::LineString(self.line()),
            3 => Geometry::MultiLineString(MultiLineString((0..parts).map(|_| self.line()).collect())),
            4 => Geometry::Polygon(self.polygon()),
            _ => Geometry::MultiPolygon(MultiPolygon((0..parts).map(|_| self.polygon()).collect())),
        }
    }
}

/// So large that squares of distances are no more numbers with millimetres; the grid of a jurisdiction never is.
const LARGEST_M: f64 = 1e8;

fn check(a: &Geometry<f64>, b: &Geometry<f64>, line: &Chainage, clearance: Metres) {
    let (work, land) = (Prepared::new(&Grid(a.clone())), Prepared::new(&Grid(b.clone())));
    let distance = work.distance(&land);
    assert!(distance >= 0.0, "{distance}");
    assert!(work.within(&land, distance) && land.within(&work, distance), "{distance} is not within itself");
    let (work, land) = (
        Standing { shape: &work, accuracy: Metres::ZERO },
        Land { shape: &land, centreline: Some(line), clearance },
    );
    let found = conflict_distance(work, land);
    assert_eq!(found.is_some(), distance <= clearance.get(), "{distance} {found:?}");
    if found.is_some() {
        let finding = measured(work, land);
        assert!((0.0..=1.0).contains(&finding.share), "{finding:?}");
        let linear = finding.linear.expect("there is a centreline");
        assert!(0.0 <= linear.from_m && linear.from_m <= linear.to_m && linear.to_m <= line.length_m() * 1.000_001);
        assert!(linear.offset_m >= 0.0 && linear.runs.len() != 1, "{linear:?}");
    }
    for (shape, prepared) in [(a, work.shape), (b, land.shape)] {
        let boxes = prepared.cover(8);
        let held = |c: Coord<f64>| boxes.iter().any(|b| b.widened(1e-6).contains(c));
        assert!(boxes.len() <= 8 && shape.coords_iter().all(held), "a vertex lies in no box");
    }
}

fuzz_target!(init: end_at_panics(), |data: &[u8]| {
    let mut bytes = Bytes { left: data, scale: 0 };
    bytes.scale = bytes.byte();
    let (a, b, centreline) = (bytes.shape(), bytes.shape(), MultiLineString(vec![bytes.line(), bytes.line()]));
    let (left, right) = (f64::from(bytes.byte()), f64::from(bytes.byte()) / 4.0);
    let metres = |m| Metres::new(m).unwrap_or(Metres::ZERO);
    let sound = |shape: &Geometry<f64>| {
        let bounds = Bounds::of(shape.coords_iter());
        let largest = bounds.min.into_iter().chain(bounds.max).map(f64::abs).fold(0.0, f64::max);
        valid::problems(shape).is_empty() && largest <= LARGEST_M
    };
    let (a_is, b_is) = (sound(&a), sound(&b));
    let axis = Geometry::MultiLineString(centreline.clone());
    let finite = axis.coords_iter().all(|c| c.x.abs() <= LARGEST_M && c.y.abs() <= LARGEST_M);
    let centreline = Grid(centreline);
    if !finite {
        let _ = buffer::corridor(&centreline, metres(left), metres(right));
        return;
    }
    let Some(line) = Chainage::of(&centreline) else { return };
    if a_is && b_is {
        check(&a, &b, &line, metres(left));
    }
    if let Ok(land) = buffer::corridor(&centreline, metres(left), metres(right)) {
        let land = Geometry::MultiPolygon(land.0);
        assert!(valid::problems(&land).is_empty(), "the land of a line is valid");
        if a_is {
            check(&a, &land, &line, metres(right));
        }
    }
});
