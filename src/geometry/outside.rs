//! What of a shape lies outside an area, both in WGS 84. It measures nothing: which ground nobody looks after is a
//! question of sets, not of lengths.

use geo::{BooleanOps, BoundingRect, Buffer, CoordsIter};
use geo_types::Rect;

use super::{Bounds, Geometry, LonLat, MultiLineString, MultiPolygon, Polygon};

/// A box in degrees widened by metres, on the safe side.
#[must_use]
pub fn widened(bounds: &Bounds, metres: f64) -> Bounds {
    let latitude = bounds.max[1].abs().max(bounds.min[1].abs()).min(89.0);
    let dy = metres / 110_000.0;
    bounds.widened(dy / latitude.to_radians().cos())
}

/// What of `shape` lies outside `boundary`, all of it where that cannot be told; `None` when nothing does. Planar in
/// degrees: it measures nothing.
#[must_use]
pub fn without(shape: &LonLat<Geometry<f64>>, boundary: &LonLat<MultiPolygon<f64>>) -> Option<LonLat<Geometry<f64>>> {
    let area = near_parts(&boundary.0, shape.0.bounding_rect()?);
    // geo gives up on rare shapes by panicking: then nothing is known to be covered.
    let rest = std::panic::catch_unwind(|| difference(&shape.0, &area)).unwrap_or_else(|_| shape.0.clone());
    (rest.coords_count() > 0).then_some(LonLat(rest))
}

fn difference(shape: &Geometry<f64>, area: &MultiPolygon<f64>) -> Geometry<f64> {
    match shape {
        Geometry::Polygon(p) => Geometry::MultiPolygon(p.difference(area)),
        Geometry::MultiPolygon(m) => Geometry::MultiPolygon(m.difference(area)),
        Geometry::LineString(l) => Geometry::MultiLineString(area.clip(&MultiLineString(vec![l.clone()]), true)),
        Geometry::MultiLineString(m) => Geometry::MultiLineString(area.clip(m, true)),
        points => {
            let kept: Vec<geo_types::Point<f64>> =
                points.coords_iter().filter(|c| !geo::Intersects::intersects(area, c)).map(Into::into).collect();
            Geometry::MultiPoint(geo_types::MultiPoint(kept))
        }
    }
}

/// The parts of a boundary that can meet a box: a province of a thousand islands is mostly somewhere else.
fn near_parts(boundary: &MultiPolygon<f64>, around: Rect<f64>) -> MultiPolygon<f64> {
    let meets = |p: &&Polygon<f64>| {
        p.bounding_rect().is_some_and(|b| {
            b.min().x <= around.max().x
                && around.min().x <= b.max().x
                && b.min().y <= around.max().y
                && around.min().y <= b.max().y
        })
    };
    MultiPolygon(boundary.0.iter().filter(meets).cloned().collect())
}

/// Two boxes in degrees meet, also across the antimeridian, where one may stand 360° beside the other.
#[must_use]
pub fn meets_round_the_earth(a: &Bounds, b: &Bounds) -> bool {
    turned(a).any(|turned| turned.intersects(b))
}

/// Where a box in degrees holds longitudes from -180° to 180°, also what of it lies across the antimeridian.
pub fn round_the_earth(bounds: &Bounds) -> impl Iterator<Item = Bounds> + use<> {
    let earth = Bounds { min: [-180.0, f64::NEG_INFINITY], max: [180.0, f64::INFINITY] };
    turned(bounds).filter(move |turned| turned.intersects(&earth))
}

/// A box, and 360° beside it on either side.
fn turned(bounds: &Bounds) -> impl Iterator<Item = Bounds> + use<> {
    let Bounds { min, max } = *bounds;
    let beside = |turn| Bounds { min: [min[0] + turn, min[1]], max: [max[0] + turn, max[1]] };
    [-360.0, 0.0, 360.0].map(beside).into_iter()
}

/// The ground within `distance` of a shape on a plane in metres.
#[must_use]
pub fn around(shape: &Geometry<f64>, distance: f64) -> Geometry<f64> {
    Geometry::MultiPolygon(shape.buffer(distance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_across_the_antimeridian_is_on_both_sides_of_it() {
        let of = |west: f64, east: f64| {
            let all = round_the_earth(&Bounds { min: [west, -1.0], max: [east, 1.0] });
            all.map(|b| (b.min[0], b.max[0])).collect::<Vec<_>>()
        };
        assert_eq!(of(107.0, 108.0), [(107.0, 108.0)]);
        assert_eq!(of(179.0, 181.0), [(-181.0, -179.0), (179.0, 181.0)]);
        assert_eq!(of(-181.0, -179.0), [(-181.0, -179.0), (179.0, 181.0)]);
    }
}
