//! Invented data from fixed seeds: works spread over the province, denser in towns, and corridors like roads. No file
//! is read but the boundary; the same numbers come out on every machine.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use clearway::geometry::encoding::geojson;
use clearway::geometry::measure::Prepared;
use clearway::geometry::{Coord, Geometry, LineString, Point, Polygon, valid};

use crate::Failed;

/// The clearance that is asked for, and that corridors state, metres.
pub const CLEARANCE_M: f64 = 30.0;
/// Every work states an accuracy between these, metres.
pub const ACCURACY_M: [f64; 2] = [0.05, 5.0];
/// Towns of the whole province, each with its share of the works.
pub const TOWNS: u32 = 20;
/// How far a town reaches, metres.
const TOWN_REACH_M: f64 = 4_000.0;
/// How long roads are, metres: a position every 100 to 400 m. The national roads of a real province have one every
/// 900 m, so roads of fifty positions are longer still there.
pub const ROADS_M: [f64; 2] = [5_000.0, 20_000.0];
/// How long short roads are, with a position every 40 to 160 m.
pub const SHORT_ROADS_M: [f64; 2] = [2_000.0, 8_000.0];
/// Positions of a centreline; its corridor has twice as many, and the one that closes it.
const CENTRELINE: u32 = 50;

/// A stream of numbers (splitmix64) that depends on nothing but its seed.
struct Rng(u64);

impl Rng {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * f64::from(u32::try_from(self.bits() >> 32).unwrap_or(0)) / 4_294_967_296.0
    }

    fn whole(&mut self, low: u32, high: u32) -> u32 {
        low + u32::try_from(self.bits() % u64::from(high - low + 1)).unwrap_or(0)
    }

    fn percent(&mut self, of_hundred: u32) -> bool {
        self.whole(1, 100) <= of_hundred
    }
}

/// Where things can stand.
pub struct Province<'a> {
    boundary: &'a Prepared,
    towns: Vec<Coord<f64>>,
}

impl<'a> Province<'a> {
    /// The ground inside a boundary on the grid, with so many towns.
    pub fn new(boundary: &'a Prepared, towns: u32) -> Self {
        let mut rng = Rng(1);
        let mut province = Self { boundary, towns: Vec::new() };
        province.towns = (0..towns).map(|_| province.anywhere(&mut rng)).collect();
        province
    }

    fn anywhere(&self, rng: &mut Rng) -> Coord<f64> {
        let area = self.boundary.bounds();
        loop {
            let place = Coord { x: rng.between(area.min[0], area.max[0]), y: rng.between(area.min[1], area.max[1]) };
            if Prepared::point(place).within(self.boundary, 0.0) {
                return place;
            }
        }
    }

    /// A place: in a town, the denser the nearer to its middle, or anywhere.
    fn place(&self, rng: &mut Rng, of_hundred_in_towns: u32) -> Coord<f64> {
        if !rng.percent(of_hundred_in_towns) {
            return self.anywhere(rng);
        }
        let town = self.towns[rng.whole(0, u32::try_from(self.towns.len()).unwrap_or(1) - 1) as usize];
        loop {
            let mut off = || TOWN_REACH_M * (rng.between(0.0, 1.0) + rng.between(-1.0, 0.0));
            let place = Coord { x: town.x + off(), y: town.y + off() };
            if Prepared::point(place).within(self.boundary, 0.0) {
                return place;
            }
        }
    }

    /// So many places, half of them in towns.
    #[allow(dead_code)] // one bench asks about places
    pub fn places(&self, seed: u64, count: usize) -> Vec<Coord<f64>> {
        let mut rng = Rng(seed);
        (0..count).map(|_| rounded(self.place(&mut rng, 50))).collect()
    }

    /// Writes works, one feature a line: 85 of 100 are points, 11 cables of 2 to 20 positions, 4 small buildings.
    pub fn write_works(&self, file: &Path, count: usize) -> Result<(), Failed> {
        self.write_works_of(2, file, count)
    }

    /// The same from another seed: other places under the same codes.
    pub fn write_works_of(&self, seed: u64, file: &Path, count: usize) -> Result<(), Failed> {
        let mut rng = Rng(seed);
        write_features(file, count, |n, text| {
            let at = self.place(&mut rng, 50);
            let accuracy = (rng.between(ACCURACY_M[0], ACCURACY_M[1]) * 100.0).round() / 100.0;
            let (kind, shape) = match rng.whole(1, 100) {
                1..=85 => (["pole", "manhole", "cabinet", "bts"][rng.whole(0, 3) as usize], Geometry::Point(Point(at))),
                86..=96 => ("buried_cable", Geometry::LineString(cable(&mut rng, at))),
                _ => ("station_house", Geometry::Polygon(building(&mut rng, at))),
            };
            let properties = format!(r#""code":"W-{n:07}","kind":"{kind}","position_accuracy_m":{accuracy}"#);
            feature(text, &properties, &shape);
        })
    }

    /// Corridors along wiggly roads of some length, 20 to 60 m wide, wholly inside the province.
    pub fn corridors(&self, count: usize, length_m: [f64; 2]) -> Vec<Polygon<f64>> {
        let mut rng = Rng(3);
        let mut found = Vec::with_capacity(count);
        while found.len() < count {
            let start = self.place(&mut rng, 25);
            let corridor = road(&mut rng, start, length_m);
            let inside = |c: &Coord<f64>| Prepared::point(*c).within(self.boundary, 0.0);
            if corridor.exterior().0.iter().all(inside)
                && valid::problems(&Geometry::Polygon(corridor.clone())).is_empty()
            {
                found.push(corridor);
            }
        }
        found
    }
}

/// Writes corridors, one feature a line, all in force.
pub fn write_corridors(file: &Path, corridors: &[Polygon<f64>]) -> Result<(), Failed> {
    write_features(file, corridors.len(), |n, text| {
        let properties =
            format!(r#""code":"{}","kind":"road","status":"in_force","clearance_m":{CLEARANCE_M}"#, corridor_code(n));
        feature(text, &properties, &Geometry::Polygon(corridors[n].clone()));
    })
}

/// The code of a corridor.
pub fn corridor_code(n: usize) -> String {
    format!("C-{n:05}")
}

fn write_features(file: &Path, count: usize, mut write: impl FnMut(usize, &mut String)) -> Result<(), Failed> {
    let mut out = BufWriter::new(File::create(file)?);
    let mut text = String::new();
    for n in 0..count {
        text.clear();
        write(n, &mut text);
        text.push('\n');
        out.write_all(text.as_bytes())?;
    }
    Ok(out.flush()?)
}

fn feature(text: &mut String, properties: &str, shape: &Geometry<f64>) {
    let geometry = geojson::to_value(shape);
    // Writing to a string cannot fail.
    let _ = write!(text, r#"{{"type":"Feature","properties":{{{properties}}},"geometry":{geometry}}}"#);
}

/// Millimetres: no register has finer ones.
fn rounded(c: Coord<f64>) -> Coord<f64> {
    Coord { x: (c.x * 1e3).round() / 1e3, y: (c.y * 1e3).round() / 1e3 }
}

/// Positions along a way that wiggles round one heading, so that it does not meet itself.
fn way(rng: &mut Rng, start: Coord<f64>, positions: u32, step_m: f64) -> Vec<Coord<f64>> {
    let heading = rng.between(0.0, std::f64::consts::TAU);
    let (mut at, mut bend) = (start, 0.0);
    let mut way = vec![at];
    for _ in 1..positions {
        bend = ((bend + rng.between(-0.3, 0.3)) * 0.93_f64).clamp(-1.0, 1.0);
        at = Coord { x: at.x + step_m * f64::cos(heading + bend), y: at.y + step_m * f64::sin(heading + bend) };
        way.push(at);
    }
    way
}

fn cable(rng: &mut Rng, start: Coord<f64>) -> LineString<f64> {
    let (positions, step_m) = (rng.whole(2, 20), rng.between(20.0, 80.0));
    LineString(way(rng, start, positions, step_m).into_iter().map(rounded).collect())
}

fn building(rng: &mut Rng, middle: Coord<f64>) -> Polygon<f64> {
    let (length, width, turn) = (rng.between(5.0, 20.0), rng.between(5.0, 20.0), rng.between(0.0, 1.5));
    let (sin, cos) = f64::sin_cos(turn);
    let corner = |(u, v): (f64, f64)| {
        let (x, y) = (u * length, v * width);
        rounded(Coord { x: middle.x + x * cos - y * sin, y: middle.y + x * sin + y * cos })
    };
    Polygon::new([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].into_iter().map(corner).collect(), vec![])
}

fn road(rng: &mut Rng, start: Coord<f64>, length_m: [f64; 2]) -> Polygon<f64> {
    let length_m = rng.between(length_m[0], length_m[1]);
    let half_m = rng.between(10.0, 30.0);
    let way = way(rng, start, CENTRELINE, length_m / f64::from(CENTRELINE - 1));
    let beside = |offset: f64| {
        let way = &way;
        (0..way.len()).map(move |i| {
            let (from, to) = (way[i.saturating_sub(1)], way[(i + 1).min(way.len() - 1)]);
            let (dx, dy) = (to.x - from.x, to.y - from.y);
            let length = dx.hypot(dy);
            rounded(Coord { x: way[i].x - dy / length * offset, y: way[i].y + dx / length * offset })
        })
    };
    let right: Vec<Coord<f64>> = beside(-half_m).collect();
    Polygon::new(LineString(beside(half_m).chain(right.into_iter().rev()).collect()), vec![])
}
