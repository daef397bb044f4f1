//! How much an antenna sends where: a model that errs towards more.
//!
//! * In its beam, half the beamwidth to each side of its azimuth, it sends all of its EIRP. As far again beyond, it sends
//!   the share of the rules for its shoulders, half as what ends a beamwidth. Elsewhere it sends that for sides and back.
//! * The beam is taken to be as high as it is wide, and level; a real one is far lower, and tilted by a few degrees. What
//!   lies deeper than its lower edge gets the share of the rules for downwards.
//! * The ground is taken as level between antenna and building: nobody knows better here. A building gets what the nearest
//!   of its points would get if the beam reached it, where it reaches any of its points.
//! * The azimuth of a transmitter in another jurisdiction counts from the north of this grid. The two differ by some tenths of a
//!   degree, which is nothing to a beam of tens of degrees.

use std::borrow::Cow;

use crate::domain::reference::ReferenceKind;
use crate::domain::site_check::{NearReference, Subject, Surroundings};
use crate::geometry::measure::{Dimension, Prepared};
use crate::geometry::{Bounds, Coord, Geometry, LineString};

/// Nearer than this no density means anything, m.
const NEAREST_M: f64 = 0.1;

/// So far from a point or a line a building may reach of which nobody has drawn more, m `[default]`: such ones were kept before an
/// outline was asked for.
const UNDRAWN_M: f64 = 50.0;

/// How far beyond its shape a building may reach, m.
pub fn undrawn(near: &NearReference<'_>) -> f64 {
    let drawn = near.shape.as_deref().is_none_or(|shape| shape.dimension() == Dimension::Area);
    if drawn { 0.0 } else { UNDRAWN_M }
}

/// The shares of the rules.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// Beside the beam.
    pub shoulder: f64,
    /// Sides and back.
    pub side: f64,
    /// Downwards.
    pub down: f64,
}

/// A number that is not known exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Between {
    /// At least.
    pub low: f64,
    /// By positions as they are stated, and unknown heights at their worst.
    pub likely: f64,
    /// At most.
    pub high: f64,
}

impl Between {
    /// Each of them by a function.
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { low: f(self.low), likely: f(self.likely), high: f(self.high) }
    }
}

/// A building in which people may be.
pub struct Building<'a> {
    shape: &'a Prepared,
    outline: Cow<'a, Geometry<f64>>,
    height_m: Option<f64>,
    distance_m: f64,
    accuracy_m: f64,
}

impl<'a> Building<'a> {
    /// Of a reference feature.
    pub fn of(near: &'a NearReference<'_>) -> Option<Self> {
        let shape = near.shape.as_deref()?;
        Some(Self {
            shape,
            outline: shape.geometry(),
            height_m: near.attributes().height_agl_m,
            distance_m: near.distance_m,
            accuracy_m: near.accuracy_m + undrawn(near),
        })
    }
}

/// An antenna somewhere.
pub(super) struct Antenna<'a> {
    /// Its shape, of a transmitter; none: at the place.
    shape: Option<&'a Prepared>,
    at: Coord<f64>,
    accuracy_m: f64,
    /// It counts whatever its position really is.
    sure: bool,
    /// It counts by its position as stated.
    likely: bool,
    pub(super) eirp_w: f64,
    pub(super) azimuth_deg: Option<f64>,
    height_m: Option<f64>,
    /// Half of its beamwidth.
    pub(super) half_deg: f64,
}

/// The transmitters that may be co-sited with a column.
pub fn co_sited_with<'n, 'a>(
    subject: &'n Subject,
    around: &'n Surroundings<'a>,
    co_sited: f64,
) -> impl Iterator<Item = &'n NearReference<'a>> {
    let is_near = move |near: &&NearReference<'a>| near.distance_m - (subject.accuracy_m + near.accuracy_m) <= co_sited;
    around.of(ReferenceKind::Transmitter).filter(is_near)
}

/// The antennas of a column, and the transmitters that are co-sited.
pub struct Antennas<'a>(pub(super) Vec<Antenna<'a>>);

impl<'a> Antennas<'a> {
    /// Those of a subject, and what is round it.
    pub fn of(subject: &'a Subject, around: &'a Surroundings<'_>, beamwidth: f64, co_sited: f64) -> Self {
        let own = subject.antennas.iter().map(|antenna| Antenna {
            shape: None,
            at: around.place.at,
            accuracy_m: subject.accuracy_m,
            sure: true,
            likely: true,
            eirp_w: antenna.eirp_w,
            azimuth_deg: antenna.azimuth_deg,
            height_m: Some(antenna.height_agl_m.unwrap_or(subject.height_agl_m)),
            half_deg: antenna.beamwidth_deg.unwrap_or(beamwidth) / 2.0,
        });
        let others = co_sited_with(subject, around, co_sited).filter_map(|near| {
            let shape = near.shape.as_deref()?;
            let accuracy = subject.accuracy_m + near.accuracy_m;
            let attributes = near.attributes();
            Some(Antenna {
                shape: Some(shape),
                at: middle(&shape.bounds()),
                accuracy_m: near.accuracy_m,
                sure: near.distance_m + accuracy <= co_sited,
                likely: near.distance_m <= co_sited,
                eirp_w: attributes.eirp_w.unwrap_or(0.0),
                azimuth_deg: attributes.azimuth_deg,
                height_m: attributes.height_agl_m,
                half_deg: beamwidth / 2.0,
            })
        });
        Self(own.chain(others).collect())
    }

    /// The sum of EIRP · share / r² at a building, W/m².
    pub fn density(&self, building: &Building<'_>, shares: &Shares) -> Between {
        self.0.iter().fold(Between::default(), |sum, antenna| {
            let one = antenna.density(building, shares);
            Between {
                low: sum.low + if antenna.sure { one.low } else { 0.0 },
                likely: sum.likely + if antenna.likely { one.likely } else { 0.0 },
                high: sum.high + one.high,
            }
        })
    }
}

/// How an antenna and a building lie to each other.
#[derive(Debug, Clone, Copy)]
struct Lie {
    /// From the antenna to the nearest point of the building, m.
    nearest_m: f64,
    /// To the farthest one, m.
    farthest_m: f64,
    /// From the middle of the beam to the nearest direction in which there is some of the building, degrees.
    off_deg: f64,
    /// By how much the top of the building is below the antenna, m; 0 where it is not.
    gap_m: f64,
}

impl Antenna<'_> {
    fn density(&self, building: &Building<'_>, shares: &Shares) -> Between {
        let nearest_m = self.shape.map_or(building.distance_m, |shape| shape.distance(building.shape));
        let farthest_m = farthest(self.at, &building.shape.bounds());
        let off_deg = match self.azimuth_deg {
            Some(azimuth) if nearest_m > 0.0 => off(self.at, azimuth, &building.outline),
            _ => 0.0,
        };
        let accuracy = self.accuracy_m + building.accuracy_m;
        // By so much the direction may be another one.
        let margin = if accuracy < nearest_m { (accuracy / nearest_m).asin().to_degrees() } else { 180.0 };
        let gap = |top: f64| self.height_m.map(|height| (height - top).max(0.0));
        // As high as the antenna, where nobody knows.
        let gap_m = building.height_m.and_then(gap).unwrap_or(0.0);
        let likely = Lie { nearest_m, farthest_m, off_deg, gap_m };
        let worst = Lie {
            nearest_m: (nearest_m - accuracy).max(0.0),
            farthest_m: farthest_m + accuracy,
            off_deg: (off_deg - margin).max(0.0),
            gap_m,
        };
        let turned = if self.azimuth_deg.is_some() { off_deg + margin } else { 0.0 };
        let best = gap(building.height_m.unwrap_or(0.0)).map(|gap_m| Lie {
            nearest_m: nearest_m + accuracy,
            farthest_m: (farthest_m - accuracy).max(nearest_m),
            off_deg: turned,
            gap_m,
        });
        let of = |lie: &Lie| self.sent(lie, shares);
        let likely = of(&likely);
        // The model is no better than its steps: what is more certain never says more than what is less.
        let (low, high) = (best.as_ref().map_or(0.0, of).min(likely), of(&worst).max(likely));
        Between { low, likely, high }
    }

    /// The share that it sends so many degrees off its azimuth.
    pub(super) fn across(&self, off_deg: f64, shares: &Shares) -> f64 {
        if self.azimuth_deg.is_none() || off_deg <= self.half_deg {
            1.0
        } else if off_deg <= 2.0 * self.half_deg {
            shares.shoulder.max(shares.side)
        } else {
            shares.side
        }
    }

    /// The share that it sends straight down.
    pub(super) fn below(&self, shares: &Shares) -> f64 {
        if self.is_level() { shares.down } else { 1.0 }
    }

    /// Its beam has a lower edge, for it is no half of all directions.
    fn is_level(&self) -> bool {
        self.half_deg < 90.0
    }

    /// EIRP · share / r² where a building lies so.
    fn sent(&self, lie: &Lie, shares: &Shares) -> f64 {
        let at = |share: f64, along: f64| {
            let r = along.hypot(lie.gap_m).max(NEAREST_M);
            self.eirp_w * share / (r * r)
        };
        let across = self.across(lie.off_deg, shares);
        let fall = if self.is_level() { self.half_deg.to_radians().tan() } else { f64::INFINITY };
        let enters_m = if lie.gap_m > 0.0 { lie.gap_m / fall } else { 0.0 };
        if enters_m <= lie.nearest_m {
            return at(across, lie.nearest_m);
        }
        let below = at(shares.down, lie.nearest_m);
        if enters_m <= lie.farthest_m { below.max(at(across, enters_m)) } else { below }
    }
}

fn middle(b: &Bounds) -> Coord<f64> {
    Coord { x: f64::midpoint(b.min[0], b.max[0]), y: f64::midpoint(b.min[1], b.max[1]) }
}

fn farthest(at: Coord<f64>, b: &Bounds) -> f64 {
    let away = |axis: usize, of: f64| (of - b.min[axis]).abs().max((of - b.max[axis]).abs());
    away(0, at.x).hypot(away(1, at.y))
}

/// Degrees from -180 to 180.
pub(super) fn wrapped(deg: f64) -> f64 {
    let turned = deg.rem_euclid(360.0);
    if turned > 180.0 { turned - 360.0 } else { turned }
}

/// The least angle between an azimuth and a direction in which some of a shape lies, degrees; 0 where that is not clear.
fn off(at: Coord<f64>, azimuth_deg: f64, shape: &Geometry<f64>) -> f64 {
    // Clockwise from grid north, against the azimuth; none of a point that is where the antenna is.
    let relative = |c: &Coord<f64>| {
        let (dx, dy) = (c.x - at.x, c.y - at.y);
        (dx != 0.0 || dy != 0.0).then(|| wrapped(dx.atan2(dy).to_degrees() - azimuth_deg))
    };
    let edge = |a: &Coord<f64>, b: &Coord<f64>| {
        let Some((a, b)) = relative(a).zip(relative(b)) else { return 0.0 };
        // The shorter way round from one end to the other; over the middle of the beam it changes its side.
        let turn = wrapped(b - a);
        let over = (a <= 0.0) != (a + turn <= 0.0);
        if over { 0.0 } else { a.abs().min(b.abs()) }
    };
    let ring = |line: &LineString<f64>| line.0.windows(2).map(|e| edge(&e[0], &e[1])).fold(180.0, f64::min);
    match shape {
        Geometry::Point(p) => relative(&p.0).map_or(0.0, f64::abs),
        Geometry::LineString(line) => ring(line),
        Geometry::Polygon(polygon) => ring(polygon.exterior()),
        Geometry::MultiPolygon(all) => all.0.iter().map(|polygon| ring(polygon.exterior())).fold(180.0, f64::min),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn square(x: f64, y: f64, half: f64) -> LineString<f64> {
        let ([west, south], [east, north]) = ([x - half, y - half], [x + half, y + half]);
        LineString::from(vec![(west, south), (east, south), (east, north), (west, north), (west, south)])
    }

    #[test]
    fn directions_are_clockwise_from_north_and_the_nearest_one_counts() {
        let here = Coord { x: 0.0, y: 0.0 };
        let point = |x, y| Geometry::Point((x, y).into());
        let area = |x, y, half| Geometry::Polygon(geo::Polygon::new(square(x, y, half), Vec::new()));
        let table = [
            (0.0, point(0.0, 10.0), 0.0),
            (90.0, point(10.0, 0.0), 0.0),
            (350.0, point(10.0, 0.0), 100.0),
            (270.0, point(10.0, 0.0), 180.0),
            (10.0, point(-10.0, 0.0), 100.0),
            // Two corners to the sides, and the middle of the beam between them.
            (90.0, area(20.0, 0.0, 10.0), 0.0),
            (0.0, area(20.0, 0.0, 10.0), 45.0),
            (270.0, area(20.0, 0.0, 10.0), 135.0),
            (180.0, area(0.0, 20.0, 10.0), 135.0),
        ];
        for (azimuth, shape, expect) in table {
            assert!((off(here, azimuth, &shape) - expect).abs() < 1e-9, "{azimuth} {shape:?}");
        }
    }

    proptest! {
        /// No point of a building is nearer to the middle of the beam than what is told.
        #[test]
        fn no_direction_is_missed(
            x in -100.0..100.0_f64, y in -100.0..100.0_f64, half in 1.0..20.0_f64, azimuth in 0.0..360.0_f64,
            side in 0_usize..4, share in 0.0..1.0_f64,
        ) {
            prop_assume!(x.abs() > half || y.abs() > half);
            let ring = square(x, y, half);
            let (a, b) = (ring.0[side], ring.0[side + 1]);
            let p = Coord { x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y) };
            let here = Coord { x: 0.0, y: 0.0 };
            let told = off(here, azimuth, &Geometry::Polygon(geo::Polygon::new(ring, Vec::new())));
            prop_assert!(told <= off(here, azimuth, &Geometry::Point(p.into())) + 1e-9);
        }
    }
}
