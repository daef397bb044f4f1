//! Where a feature is: as it was delivered, in WGS 84, and on the working grid of its jurisdiction.
//!
//! This is the door through which every shape comes. Whatever passes it is valid, lies in or near its jurisdiction,
//! and has its grid shape computed exactly once.

use std::fmt;

use geo::{Area, CoordsIter, Euclidean, Length};

use super::jurisdiction::Jurisdiction;
use crate::geometry::crs::{self, Epsg, Grid, LonLat, axes_swapped};
use crate::geometry::measure::Prepared;
use crate::geometry::{Bounds, Geometry, Metres, MultiLineString, MultiPolygon, Polygon, Problem, overlay, valid};

/// A shape as somebody delivered it; x = easting or longitude, y = northing or latitude.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The coordinates.
    pub shape: Geometry<f64>,
    /// The system they are in.
    pub crs: Epsg,
}

/// A shape with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The coordinates as recorded.
    pub recorded: Delivered,
    /// The shape in WGS 84.
    pub lonlat: LonLat<Geometry<f64>>,
    /// The working grid.
    pub grid_crs: Epsg,
    /// The shape on the working grid.
    pub grid: Grid<Geometry<f64>>,
}

/// Checks `delivered` by itself and brings it to WGS 84.
///
/// # Errors
/// Every problem; pointers are relative to the geometry object.
pub fn to_lonlat(delivered: &Delivered) -> Result<LonLat<Geometry<f64>>, Vec<Problem>> {
    check(delivered)?;
    in_degrees(delivered)
}

/// Checks `delivered` by itself, and a box in WGS 84 round it, hardly larger than needed: to know where to look, at a
/// fraction of the price of bringing every position there.
///
/// # Errors
/// As [`to_lonlat`].
pub fn around(delivered: &Delivered) -> Result<Bounds, Vec<Problem>> {
    check(delivered)?;
    match around_small(delivered) {
        Some(bounds) => Ok(bounds),
        None => Ok(Bounds::of(in_degrees(delivered)?.0.coords_iter())),
    }
}

fn check(delivered: &Delivered) -> Result<(), Vec<Problem>> {
    let mut problems = out_of_range(delivered);
    if problems.is_empty() {
        problems = valid::problems(&delivered.shape);
    }
    if problems.is_empty() {
        problems = too_wide(delivered);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn in_degrees(delivered: &Delivered) -> Result<LonLat<Geometry<f64>>, Vec<Problem>> {
    crs::project(&delivered.shape, delivered.crs, Epsg::WGS84)
        .map(LonLat)
        .map_err(|e| vec![Problem::new("/coordinates", e.to_string())])
}

/// A shape in metres no larger than this has its box made of that box's corners, metres.
const SMALL_M: f64 = 20_000.0;

/// The sides of a small box bow by less than this in degrees (about 100 m): by 20 m at 65° of latitude.
const BOW_DEG: f64 = 0.001;

/// The box round a small shape on a plane in metres that is near neither a pole nor the line where longitude jumps.
fn around_small(delivered: &Delivered) -> Option<Bounds> {
    let plane = crs::definition(delivered.crs).ok().filter(|d| d.metric)?;
    let Bounds { min, max } = Bounds::of(delivered.shape.coords_iter());
    if max[0] - min[0] > SMALL_M || max[1] - min[1] > SMALL_M {
        return None;
    }
    let corners = [[min[0], min[1]], [max[0], min[1]], [min[0], max[1]], [max[0], max[1]]];
    let corners = Geometry::MultiPoint(corners.into_iter().collect());
    let found = Bounds::of(crs::project(&corners, plane.epsg, Epsg::WGS84).ok()?.coords_iter());
    let ordinary = found.max[0] - found.min[0] < 1.0 && found.max[1].abs().max(found.min[1].abs()) < 65.0;
    ordinary.then(|| found.widened(BOW_DEG))
}

/// No plane has larger numbers: the earth is 40 000 km round, and zones written in front of eastings reach 60 500 km.
/// PROJ takes many times as long for what lies far out, and has nothing to say of it.
const PLANE_MAX: f64 = 1e8;

/// Positions of a geographic system that lie beyond ±180° and ±90°, and of a plane beyond [`PLANE_MAX`].
fn out_of_range(delivered: &Delivered) -> Vec<Problem> {
    let Ok(definition) = crs::definition(delivered.crs) else {
        return vec![Problem::new("/coordinates", format!("{} is not known to PROJ", delivered.crs))];
    };
    if !definition.geographic {
        let outside = |v: f64| v.is_finite() && v.abs() > PLANE_MAX;
        let bad = delivered.shape.coords_iter().enumerate().find(|(_, c)| outside(c.x) || outside(c.y));
        let detail = |n: usize, x: f64, y: f64| {
            format!(
                "position {n} ({x}, {y}) is out of range: no plane reaches farther than {PLANE_MAX} from its origin"
            )
        };
        return bad.map(|(n, c)| Problem::new("/coordinates", detail(n, c.x, c.y))).into_iter().collect();
    }
    let outside = |x: f64, y: f64| !((-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y));
    let Some((n, bad)) = delivered.shape.coords_iter().enumerate().find(|(_, c)| outside(c.x, c.y)) else {
        return Vec::new();
    };
    let mut detail = format!(
        "position {n} ({}, {}) is out of range: longitude lies between -180 and 180, latitude between -90 and 90",
        bad.x, bad.y
    );
    if delivered.shape.coords_iter().all(|c| !outside(c.y, c.x)) {
        detail.push_str("; the axes look swapped: GeoJSON writes longitude first, then latitude");
    } else {
        detail.push_str("; these look like metres of a grid, so name their system (Content-Crs or --crs)");
    }
    vec![Problem::new("/coordinates", detail)]
}

/// An area wider than this is not projected, degrees of longitude. The edge of one that goes most of the way round the
/// earth comes out on a grid turned inside out, so that nothing would be found in it; tried on boxes of every size, no
/// narrower one does.
const AREA_WIDTH_MAX_DEG: f64 = 180.0;

/// Areas in longitude and latitude that are wider than [`AREA_WIDTH_MAX_DEG`].
fn too_wide(delivered: &Delivered) -> Vec<Problem> {
    if crs::definition(delivered.crs).is_ok_and(|d| !d.geographic) {
        return Vec::new();
    }
    let areas = match &delivered.shape {
        Geometry::Polygon(p) => std::slice::from_ref(p),
        Geometry::MultiPolygon(m) => &m.0,
        _ => &[],
    };
    let width = |p: &Polygon<f64>| {
        let Bounds { min, max } = Bounds::of(p.exterior().0.iter().copied());
        max[0] - min[0]
    };
    let Some(degrees) = areas.iter().map(width).find(|degrees| *degrees > AREA_WIDTH_MAX_DEG) else {
        return Vec::new();
    };
    let detail = format!(
        "spans {degrees}° of longitude; an area wider than {AREA_WIDTH_MAX_DEG}° has no inside on a grid: send it in parts"
    );
    vec![Problem::new("/coordinates", detail)]
}

/// Places `delivered` in `jurisdiction`: valid, touching its boundary widened by `reach`, projected once.
///
/// # Errors
/// Every problem, with a hint where another reading of the coordinates would fit; pointers are relative to the
/// geometry object.
pub fn place(delivered: Delivered, jurisdiction: &Jurisdiction, reach: Metres) -> Result<Placed, Vec<Problem>> {
    let lonlat = to_lonlat(&delivered).map_err(|mut problems| {
        add_hint(&mut problems, &delivered, jurisdiction, reach);
        problems
    })?;
    let Some(grid) = on_grid_if_near(&delivered, &lonlat, jurisdiction, reach) else {
        let hint = other_reading(&delivered, jurisdiction, reach);
        let message = outside_message(&lonlat, jurisdiction, reach);
        return Err(vec![Problem::outside("/coordinates", message, hint.as_deref())]);
    };
    let problems = valid::problems(&grid.0);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Placed { recorded: delivered, lonlat, grid_crs: jurisdiction.grid, grid })
}

fn outside_message(lonlat: &LonLat<Geometry<f64>>, jurisdiction: &Jurisdiction, reach: Metres) -> String {
    let at = lonlat.0.coords_iter().next().map(|c| format!("{:.5}, {:.5}", c.x, c.y)).unwrap_or_default();
    format!(
        "lies outside {} ({}), even widened by {} m: it begins at {at}",
        jurisdiction.code,
        jurisdiction.name_en,
        reach.get()
    )
}

/// The shape on the grid where it touches the boundary widened by `reach`.
fn on_grid_if_near(
    delivered: &Delivered,
    lonlat: &LonLat<Geometry<f64>>,
    jurisdiction: &Jurisdiction,
    reach: Metres,
) -> Option<Grid<Geometry<f64>>> {
    // A grid far from its zone gives meaningless numbers, so the box in degrees decides first.
    if !Bounds::of(lonlat.0.coords_iter()).intersects(&jurisdiction.bounds_widened(reach.get())) {
        return None;
    }
    let grid = Grid(crs::project(&delivered.shape, delivered.crs, jurisdiction.grid).ok()?);
    Prepared::new(&grid).within(jurisdiction.boundary_grid(), reach.get()).then_some(grid)
}

/// A reading of a shape is tried that adds at most so many positions to it where it is divided: 1 000 km of long segments,
/// more than any jurisdiction is wide. A hundred bytes may ask for 400 000, once for every reading.
const READING_ADDS_MAX: usize = 2_000;

/// Whether `delivered`, read as it stands, touches the widened boundary.
fn fits(delivered: &Delivered, jurisdiction: &Jurisdiction, reach: Metres) -> bool {
    let Ok(definition) = crs::definition(delivered.crs) else { return false };
    if !out_of_range(delivered).is_empty()
        || crs::positions_added(&delivered.shape, definition.geographic) > READING_ADDS_MAX
    {
        return false;
    }
    crs::project(&delivered.shape, delivered.crs, Epsg::WGS84)
        .is_ok_and(|lonlat| on_grid_if_near(delivered, &LonLat(lonlat), jurisdiction, reach).is_some())
}

/// Adds to the first problem which other reading of the coordinates would fit the jurisdiction.
fn add_hint(problems: &mut [Problem], delivered: &Delivered, jurisdiction: &Jurisdiction, reach: Metres) {
    let Some(first) = problems.first_mut() else { return };
    if let Some(hint) = other_reading(delivered, jurisdiction, reach)
        && !first.detail.contains("axes look swapped")
    {
        first.detail.push_str("; ");
        first.detail.push_str(&hint);
    }
}

/// Another reading of the same numbers that fits.
#[derive(Debug, Clone, PartialEq)]
pub enum OtherReading {
    /// With the axes swapped it lies in the jurisdiction with this code.
    Swapped(String),
    /// It lies there in other systems.
    Systems {
        /// The code of the jurisdiction.
        jurisdiction: String,
        /// Which, and whether with X = northing.
        systems: Vec<(Epsg, String, bool)>,
    },
}

impl fmt::Display for OtherReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Swapped(code) => {
                write!(f, "with the axes swapped it lies in {code}: the sheet may write X = northing (--axes ne)")
            }
            Self::Systems { jurisdiction, systems } => {
                let turned = |turned: bool| if turned { " with X = northing" } else { "" };
                let name = |(epsg, name, t): &(Epsg, String, bool)| format!("{epsg} ({name}){}", turned(*t));
                let names: Vec<String> = systems.iter().map(name).collect();
                write!(f, "the numbers fit {jurisdiction} as {}", names.join(" or "))
            }
        }
    }
}

/// Another reading of the same numbers that fits, in words: swapped axes, or another meridian.
#[must_use]
pub fn other_reading(delivered: &Delivered, jurisdiction: &Jurisdiction, reach: Metres) -> Option<String> {
    read_otherwise(delivered, jurisdiction, reach).map(|reading| reading.to_string())
}

/// Another reading of the same numbers that fits: swapped axes, or another meridian.
#[must_use]
pub fn read_otherwise(delivered: &Delivered, jurisdiction: &Jurisdiction, reach: Metres) -> Option<OtherReading> {
    let swapped = Delivered { shape: axes_swapped(&delivered.shape), crs: delivered.crs };
    if fits(&swapped, jurisdiction, reach) {
        return Some(OtherReading::Swapped(jurisdiction.code.clone()));
    }
    let mut systems = Vec::new();
    // The grid may stand among the related systems again.
    let others = jurisdiction.related_crs.iter().filter(|e| **e != jurisdiction.grid);
    for &epsg in std::iter::once(&jurisdiction.grid).chain(others).filter(|e| **e != delivered.crs) {
        let Ok(definition) = crs::definition(epsg) else { continue };
        let straight = Delivered { shape: delivered.shape.clone(), crs: epsg };
        let turned = Delivered { shape: swapped.shape.clone(), crs: epsg };
        if fits(&straight, jurisdiction, Metres::ZERO) {
            systems.push((epsg, definition.name.clone(), false));
        } else if fits(&turned, jurisdiction, Metres::ZERO) {
            systems.push((epsg, definition.name.clone(), true));
        }
    }
    let jurisdiction = jurisdiction.code.clone();
    (!systems.is_empty()).then_some(OtherReading::Systems { jurisdiction, systems })
}

/// Shares of a shape that differ by less are the same: borders of neighbours do not meet exactly.
const SHARE_STEP: f64 = 0.001;

/// The jurisdiction a shape belongs to: of those whose ground it touches the one that holds most of it, and the
/// smallest of several that hold as much; else the nearest within `reach`.
#[must_use]
pub fn jurisdiction_of<'a, J>(delivered: &Delivered, all: &'a [J], reach: Metres) -> Option<&'a Jurisdiction>
where
    J: AsRef<Jurisdiction>,
{
    let lonlat = to_lonlat(delivered).ok()?;
    let mut touched: Vec<(Grid<Geometry<f64>>, &Jurisdiction)> = Vec::new();
    let mut nearest: Option<(f64, &Jurisdiction)> = None;
    for jurisdiction in all.iter().map(AsRef::as_ref) {
        let Some(grid) = on_grid_if_near(delivered, &lonlat, jurisdiction, reach) else { continue };
        let distance = Prepared::new(&grid).distance(jurisdiction.boundary_grid());
        if distance == 0.0 {
            touched.push((grid, jurisdiction));
        } else if nearest.is_none_or(|(d, _)| distance < d) {
            nearest = Some((distance, jurisdiction));
        }
    }
    if let [(_, only)] = touched.as_slice() {
        return Some(only);
    }
    let steps = |(grid, jurisdiction): &(Grid<Geometry<f64>>, &Jurisdiction)| {
        (share_inside(grid, jurisdiction) / SHARE_STEP).round()
    };
    let most = touched.iter().map(|t| (steps(t), t.1)).min_by(|(share_a, a), (share_b, b)| {
        share_b.total_cmp(share_a).then_with(|| a.area_m2().total_cmp(&b.area_m2()))
    });
    most.or(nearest).map(|(_, jurisdiction)| jurisdiction)
}

/// The share of a shape that lies in a jurisdiction, 0 to 1; of points, which have no size, all of it.
fn share_inside(shape: &Grid<Geometry<f64>>, jurisdiction: &Jurisdiction) -> f64 {
    let Geometry::MultiPolygon(ground) = jurisdiction.boundary_grid().geometry().as_ref().clone() else { return 0.0 };
    let ground = Grid(ground);
    let (inside, whole) = match &shape.0 {
        Geometry::LineString(l) => lengths(MultiLineString(vec![l.clone()]), &ground),
        Geometry::MultiLineString(m) => lengths(m.clone(), &ground),
        Geometry::Polygon(p) => areas(std::slice::from_ref(p), &ground),
        Geometry::MultiPolygon(m) => areas(&m.0, &ground),
        _ => (1.0, 1.0),
    };
    inside / whole
}

fn lengths(lines: MultiLineString<f64>, ground: &Grid<MultiPolygon<f64>>) -> (f64, f64) {
    let whole = Euclidean.length(&lines);
    (overlay::length_inside(&Grid(lines), ground), whole)
}

fn areas(area: &[Polygon<f64>], ground: &Grid<MultiPolygon<f64>>) -> (f64, f64) {
    let whole = area.iter().map(Area::unsigned_area).sum();
    (overlay::area_inside(&Grid(area), &Grid(&ground.0.0)), whole)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::jurisdiction::JurisdictionDraft;

    #[test]
    fn a_shape_longer_than_any_jurisdiction_is_tried_in_no_other_reading() {
        let side = |from: f64, to: f64| [(from, from), (to, from), (to, to), (from, to), (from, from)];
        let jurisdiction = Jurisdiction::new(JurisdictionDraft {
            code: "VN-72".into(),
            name_vi: "Đắk Nông".into(),
            name_en: "Dak Nong".into(),
            grid: Epsg(9218),
            time_zone: "UTC".into(),
            related_crs: vec![Epsg(5899)],
            boundary: Geometry::Polygon(Polygon::new(
                side(0.0, 0.5).map(|(x, y)| (x + 107.3, y + 11.8)).to_vec().into(),
                vec![],
            )),
        });
        let jurisdiction = jurisdiction.unwrap();
        let hint = |shape: Vec<(f64, f64)>, crs: u32| {
            let delivered = Delivered { shape: Geometry::LineString(shape.into()), crs: Epsg(crs) };
            other_reading(&delivered, &jurisdiction, Metres::ZERO)
        };
        assert!(hint(vec![(12.0, 107.5), (12.1, 107.6)], 4326).is_some_and(|h| h.contains("axes swapped")));
        assert_eq!(hint(vec![(12.0, 107.5), (80.0, 170.0)], 4326), None);
        let grid = |far: f64| vec![(411_600.0, 1_327_600.0), (411_600.0, far)];
        assert!(hint(grid(1_330_000.0), 5899).is_some_and(|h| h.contains("EPSG:9218")));
        assert_eq!(hint(grid(4_000_000.0), 5899), None);
    }

    #[test]
    fn no_plane_reaches_a_hundred_thousand_kilometres() {
        let at = |y: f64| Delivered { shape: Geometry::Point((0.0, y).into()), crs: Epsg(5899) };
        let detail = |y: f64| to_lonlat(&at(y)).unwrap_err().into_iter().map(|p| p.detail).collect::<Vec<_>>();
        let expect =
            "position 0 (0, 100000001) is out of range: no plane reaches farther than 100000000 from its origin";
        assert_eq!(detail(100_000_001.0), [expect]);
        assert!(!detail(f64::NAN).contains(&expect.to_owned()));
        assert_eq!(out_of_range(&at(-1e8)), []);
    }
}
