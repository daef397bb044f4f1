//! Coordinate reference systems: which plane a shape lies on, and the way from one to another.
//!
//! Coordinates are always x = easting or longitude, y = northing or latitude, whatever the order of the axes in
//! the definition of the system; [`Definition::axes`] tells that order, for documents that follow it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use geo::{CoordsIter, Distance, Geodesic, LinesIter, MapCoords};
use geo_types::{Coord, Geometry, LineString, MultiLineString, MultiPolygon, Point, Polygon};
use proj::Proj;

/// Longer segments are divided before they are projected, so that a line stays straight in the system in which it
/// was delivered: a 22 km east–west segment would otherwise bow 2 m on a transverse Mercator grid.
pub const SEGMENT_MAX_M: f64 = 500.0;

/// Most positions of a shape after its segments were divided: five times round the earth along one line. A document of
/// a kilobyte can ask for them, and they are projected once for every reading of it that is tried.
pub const DENSIFIED_MAX: usize = 400_000;

/// Most transformations that one thread keeps: whoever asks chooses the systems, so there must be an end.
const PIPELINES_MAX: usize = 32;

/// Metres in one degree of latitude, rounded down: only decides how finely a segment is divided.
const METRES_PER_DEGREE: f64 = 111_000.0;

/// An EPSG code of a coordinate reference system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epsg(pub u32);

impl Epsg {
    /// WGS 84, in which GeoJSON speaks.
    pub const WGS84: Epsg = Epsg(4326);

    /// Reads `EPSG:9218`, `urn:ogc:def:crs:EPSG::9218`, `http://www.opengis.net/def/crs/EPSG/0/9218` (also in
    /// angle brackets) and the CRS84 forms of WGS 84.
    ///
    /// # Errors
    /// [`CrsError::NotACode`] for anything else.
    pub fn parse(text: &str) -> Result<CrsRef, CrsError> {
        let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
        let upper = bare.to_ascii_uppercase();
        if upper.ends_with("CRS84") && (upper.contains("OGC") || upper == "CRS84") {
            return Ok(CrsRef { epsg: Epsg::WGS84, axes_of_definition: false });
        }
        let (digits, is_uri) = if let Some(rest) = upper.strip_prefix("EPSG:") {
            (rest.to_owned(), false)
        } else if let Some(rest) = upper.strip_prefix("URN:OGC:DEF:CRS:EPSG:") {
            (rest.rsplit(':').next().unwrap_or_default().to_owned(), true)
        } else if let Some((_, rest)) = upper.split_once("/DEF/CRS/EPSG/") {
            (rest.rsplit('/').next().unwrap_or_default().to_owned(), true)
        } else {
            (String::new(), false)
        };
        match digits.parse::<u32>() {
            Ok(code) if (1024..=999_999).contains(&code) => Ok(CrsRef { epsg: Epsg(code), axes_of_definition: is_uri }),
            _ => Err(CrsError::NotACode(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for Epsg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EPSG:{}", self.0)
    }
}

/// A reference to a system as somebody wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrsRef {
    /// The system.
    pub epsg: Epsg,
    /// Written as an OGC URI or URN, in which coordinates follow the axis order of the definition.
    pub axes_of_definition: bool,
}

/// A shape in WGS 84, x = longitude, y = latitude, degrees. It has no measures: project it first.
#[derive(Debug, Clone, PartialEq)]
pub struct LonLat<G>(pub G);

/// A shape on a jurisdiction's working grid, x = easting, y = northing, metres.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid<G>(pub G);

/// The order of the axes in a definition, or in a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axes {
    /// First east (longitude, easting), then north.
    EastNorth,
    /// First north (latitude, northing), then east: EPSG:4326, and Vietnamese sheets with X = northing.
    NorthEast,
}

/// What PROJ's database says of a system.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Its code.
    pub epsg: Epsg,
    /// Its name, such as `VN-2000 / TM-3 108-30`.
    pub name: String,
    /// The order of its axes.
    pub axes: Axes,
    /// Degrees of longitude and latitude rather than a plane.
    pub geographic: bool,
    /// A plane in metres: fit to be a working grid.
    pub metric: bool,
}

/// A system that is not there, or a coordinate that does not fit it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CrsError {
    /// The text names no EPSG code.
    #[error("«{0}» is not a coordinate reference system; write for example EPSG:9218")]
    NotACode(String),
    /// PROJ does not know the code.
    #[error("{0} is not known to PROJ")]
    Unknown(Epsg),
    /// The system is neither geographic nor a plane in metres with two axes.
    #[error("{0} ({1}) is neither longitude/latitude nor a plane")]
    NotHorizontal(Epsg, String),
    /// A coordinate has no image in the other system.
    #[error("the coordinate {x}, {y} has no place in {to}: it does not fit {from}")]
    OutOfDomain {
        /// The coordinate's x as delivered.
        x: f64,
        /// The coordinate's y as delivered.
        y: f64,
        /// The system of the coordinate.
        from: Epsg,
        /// The system it should have come to.
        to: Epsg,
    },
    /// The shape is too long to be divided into pieces of [`SEGMENT_MAX_M`].
    #[error(
        "is too long to be projected: divided into pieces of 500 m it has {0} positions; the limit is {DENSIFIED_MAX}"
    )]
    TooLong(usize),
    /// PROJ itself failed.
    #[error("PROJ: {0}")]
    Proj(String),
}

/// Most codes that are remembered as refused: there are a million of them, and whoever asks chooses.
const REFUSED_MAX: usize = 1_000;

static DEFINITIONS: LazyLock<Mutex<HashMap<Epsg, Arc<Definition>>>> = LazyLock::new(Mutex::default);

static REFUSED: LazyLock<Mutex<Refused>> = LazyLock::new(Mutex::default);

/// Codes that name no system to be used here, and why: to look for one takes PROJ milliseconds, and a line on stderr.
#[derive(Default)]
struct Refused(HashMap<Epsg, CrsError>);

impl Refused {
    fn remember(&mut self, epsg: Epsg, why: CrsError) {
        if self.0.len() >= REFUSED_MAX {
            self.0.clear();
        }
        self.0.insert(epsg, why);
    }
}

/// What PROJ's database says of `epsg`; remembered for the life of the program.
///
/// # Errors
/// [`CrsError::Unknown`], [`CrsError::NotHorizontal`].
pub fn definition(epsg: Epsg) -> Result<Arc<Definition>, CrsError> {
    let known = DEFINITIONS.lock().unwrap_or_else(PoisonError::into_inner).get(&epsg).cloned();
    if let Some(found) = known {
        return Ok(found);
    }
    if let Some(why) = REFUSED.lock().unwrap_or_else(PoisonError::into_inner).0.get(&epsg) {
        return Err(why.clone());
    }
    let made = Arc::new(read_definition(epsg).inspect_err(|why| {
        // Where PROJ finds nothing at all, its database cannot be read just now: that says nothing of this code.
        if epsg != Epsg::WGS84 && read_definition(Epsg::WGS84).is_ok() {
            REFUSED.lock().unwrap_or_else(PoisonError::into_inner).remember(epsg, why.clone());
        }
    })?);
    DEFINITIONS.lock().unwrap_or_else(PoisonError::into_inner).insert(epsg, Arc::clone(&made));
    Ok(made)
}

fn read_definition(epsg: Epsg) -> Result<Definition, CrsError> {
    let object = Proj::new(&epsg.to_string()).map_err(|_| CrsError::Unknown(epsg))?;
    let text = object.to_projjson(Some(false), None, None).map_err(|_| CrsError::Unknown(epsg))?;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| CrsError::Proj(e.to_string()))?;
    let name = json["name"].as_str().unwrap_or_default().to_owned();
    let kind = json["type"].as_str().unwrap_or_default();
    let axes = json["coordinate_system"]["axis"].as_array().cloned().unwrap_or_default();
    let geographic = kind == "GeographicCRS";
    if axes.len() != 2 || !(geographic || kind == "ProjectedCRS") {
        return Err(CrsError::NotHorizontal(epsg, name));
    }
    let order = if axes[0]["direction"].as_str() == Some("north") { Axes::NorthEast } else { Axes::EastNorth };
    let metric = !geographic && axes.iter().all(|a| a["unit"].as_str() == Some("metre"));
    Ok(Definition { epsg, name, axes: order, geographic, metric })
}

thread_local! {
    // A `Proj` is neither Send nor Sync and takes 10 to 27 ms to make: one for each thread and pair of systems.
    static PIPELINES: RefCell<HashMap<(Epsg, Epsg), Rc<Proj>>> = RefCell::default();
}

fn pipeline(from: Epsg, to: Epsg) -> Result<Rc<Proj>, CrsError> {
    PIPELINES.with_borrow_mut(|made| {
        if let Some(found) = made.get(&(from, to)) {
            return Ok(Rc::clone(found));
        }
        definition(from)?;
        definition(to)?;
        let new =
            Proj::new_known_crs(&from.to_string(), &to.to_string(), None).map_err(|e| CrsError::Proj(e.to_string()))?;
        let new = Rc::new(new);
        if made.len() >= PIPELINES_MAX {
            made.clear();
        }
        made.insert((from, to), Rc::clone(&new));
        Ok(new)
    })
}

/// Whether this thread brings shapes from one system to another without preparing anything first.
#[must_use]
pub fn is_ready(from: Epsg, to: Epsg) -> bool {
    from == to || PIPELINES.with_borrow(|made| made.contains_key(&(from, to)))
}

/// Prepares this thread to bring shapes from one system to another.
///
/// # Errors
/// [`CrsError`] for a system that is not known.
pub fn make_ready(from: Epsg, to: Epsg) -> Result<(), CrsError> {
    if is_ready(from, to) { Ok(()) } else { pipeline(from, to).map(drop) }
}

/// Brings `shape` from one system to another. Segments longer than [`SEGMENT_MAX_M`] are divided first; points, and
/// everything when the two systems are the same, keep their coordinates bit for bit.
///
/// # Errors
/// [`CrsError`], naming the first coordinate that has no image.
pub fn project(shape: &Geometry<f64>, from: Epsg, to: Epsg) -> Result<Geometry<f64>, CrsError> {
    if from == to {
        return Ok(shape.clone());
    }
    let geographic = definition(from)?.geographic;
    let positions = densified_count(shape, geographic);
    if positions > DENSIFIED_MAX {
        return Err(CrsError::TooLong(positions));
    }
    let dense = densified(shape, geographic);
    let transform = pipeline(from, to)?;
    if let Geometry::Point(p) = &dense {
        return Ok(Geometry::Point(convert(&transform, p.0, from, to)?.into()));
    }
    let original: Vec<Coord<f64>> = dense.coords_iter().collect();
    let mut moved: Vec<(f64, f64)> = original.iter().map(|c| (c.x, c.y)).collect();
    if transform.convert_array(&mut moved).is_err() || moved.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
        for c in &original {
            convert(&transform, *c, from, to)?;
        }
        return Err(CrsError::OutOfDomain { x: original[0].x, y: original[0].y, from, to });
    }
    // `coords_iter` and `map_coords` walk a geometry in the same order.
    let at = Cell::new(0);
    Ok(dense.map_coords(|_| {
        let (x, y) = moved[at.get()];
        at.set(at.get() + 1);
        Coord { x, y }
    }))
}

/// How many positions [`project`] brings from one system to another: those of `shape` after its segments were divided,
/// and one more for each of its lines and rings.
#[must_use]
pub fn positions_projected(shape: &Geometry<f64>, from: Epsg, to: Epsg) -> usize {
    match definition(from) {
        Ok(definition) if from != to => densified_count(shape, definition.geographic),
        _ => 0,
    }
}

fn convert(transform: &Proj, c: Coord<f64>, from: Epsg, to: Epsg) -> Result<Coord<f64>, CrsError> {
    match transform.convert((c.x, c.y)) {
        Ok((x, y)) if x.is_finite() && y.is_finite() => Ok(Coord { x, y }),
        _ => Err(CrsError::OutOfDomain { x: c.x, y: c.y, from, to }),
    }
}

/// Shorter edges say little of a scale, metres: their ends may be rounded to decimetres.
const SCALE_EDGE_MIN_M: f64 = 10.0;

/// By how much the edges of `area`, in WGS 84, are longer or shorter on `grid` than on the ground, at most: 0.01 is a
/// centimetre in a metre. On the ground means the geodesic of the WGS 84 ellipsoid.
///
/// # Errors
/// [`CrsError`], naming the first coordinate that has no image.
pub fn length_error(area: &MultiPolygon<f64>, grid: Epsg) -> Result<f64, CrsError> {
    let mut worst = 0.0_f64;
    for ring in area.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())) {
        // As points, for what is divided has no counterpart.
        let points = Geometry::MultiPoint(ring.points().collect());
        let on_grid: Vec<Coord<f64>> = project(&points, Epsg::WGS84, grid)?.coords_iter().collect();
        for (ground, plane) in ring.0.windows(2).zip(on_grid.windows(2)) {
            let metres = Geodesic.distance(Point(ground[0]), Point(ground[1]));
            if metres >= SCALE_EDGE_MIN_M {
                let span = plane[1] - plane[0];
                worst = worst.max((span.x.hypot(span.y) / metres - 1.0).abs());
            }
        }
    }
    Ok(worst)
}

/// Divides every segment longer than [`SEGMENT_MAX_M`] into equal pieces, straight in the plane of `shape`.
#[must_use]
pub fn densified(shape: &Geometry<f64>, geographic: bool) -> Geometry<f64> {
    let line = |l: &LineString<f64>| densified_line(l, geographic);
    let polygon = |p: &Polygon<f64>| Polygon::new(line(p.exterior()), p.interiors().iter().map(line).collect());
    match shape {
        Geometry::LineString(l) => Geometry::LineString(line(l)),
        Geometry::MultiLineString(m) => Geometry::MultiLineString(MultiLineString(m.0.iter().map(line).collect())),
        Geometry::Polygon(p) => Geometry::Polygon(polygon(p)),
        Geometry::MultiPolygon(m) => Geometry::MultiPolygon(MultiPolygon(m.0.iter().map(polygon).collect())),
        other => other.clone(),
    }
}

/// How many positions [`densified`] adds, or one less for each line and ring.
#[must_use]
pub fn positions_added(shape: &Geometry<f64>, geographic: bool) -> usize {
    densified_count(shape, geographic).saturating_sub(2 * shape.coords_count())
}

/// How many positions [`densified`] gives.
fn densified_count(shape: &Geometry<f64>, geographic: bool) -> usize {
    let of = |l: geo_types::Line<f64>| pieces(l.start, l.end, geographic);
    let divided: f64 = match shape {
        Geometry::LineString(l) => l.lines_iter().map(of).sum(),
        Geometry::MultiLineString(m) => m.lines_iter().map(of).sum(),
        Geometry::Polygon(p) => p.lines_iter().map(of).sum(),
        Geometry::MultiPolygon(m) => m.lines_iter().map(of).sum(),
        _ => 0.0,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a sum of whole numbers from 1 to 100 000
    let divided = divided as usize;
    divided.saturating_add(shape.coords_count())
}

/// Into how many equal pieces a segment is divided: a whole number.
fn pieces(a: Coord<f64>, b: Coord<f64>, geographic: bool) -> f64 {
    let (mut dx, mut dy) = (b.x - a.x, b.y - a.y);
    if geographic {
        dx *= METRES_PER_DEGREE * (f64::midpoint(a.y, b.y)).to_radians().cos();
        dy *= METRES_PER_DEGREE;
    }
    (dx.hypot(dy) / SEGMENT_MAX_M).ceil().clamp(1.0, 100_000.0)
}

fn densified_line(line: &LineString<f64>, geographic: bool) -> LineString<f64> {
    let mut out = Vec::with_capacity(line.0.len());
    for pair in line.0.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        out.push(a);
        let pieces = pieces(a, b, geographic);
        // Neighbours walk their common edge in opposite directions and must come to the same positions.
        let forward = (a.x, a.y) <= (b.x, b.y);
        let (from, to) = if forward { (a, b) } else { (b, a) };
        let mut k = 1.0;
        while k < pieces {
            let t = if forward { k } else { pieces - k } / pieces;
            out.push(Coord { x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t });
            k += 1.0;
        }
    }
    out.extend(line.0.last());
    LineString(out)
}

/// `shape` with its two axes exchanged.
#[must_use]
pub fn axes_swapped(shape: &Geometry<f64>) -> Geometry<f64> {
    shape.map_coords(|c| Coord { x: c.y, y: c.x })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling_of_a_code() {
        let table = [
            ("EPSG:9218", Some((9218, false))),
            ("epsg:9218", Some((9218, false))),
            ("<http://www.opengis.net/def/crs/EPSG/0/9218>", Some((9218, true))),
            ("urn:ogc:def:crs:EPSG::4756", Some((4756, true))),
            ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", Some((4326, false))),
            ("urn:ogc:def:crs:OGC:1.3:CRS84", Some((4326, false))),
            ("9218", None),
            ("EPSG:abc", None),
            ("", None),
        ];
        for (text, expect) in table {
            let got = Epsg::parse(text).ok().map(|r| (r.epsg.0, r.axes_of_definition));
            assert_eq!(got, expect, "{text}");
        }
    }

    #[test]
    fn knows_axes_and_units() {
        let wgs = definition(Epsg::WGS84).unwrap();
        assert!(wgs.geographic && wgs.axes == Axes::NorthEast && !wgs.metric);
        let grid = definition(Epsg(9218)).unwrap();
        assert!(grid.metric && !grid.geographic, "{grid:?}");
        assert_eq!(definition(Epsg(999_999)), Err(CrsError::Unknown(Epsg(999_999))));
        assert!(matches!(definition(Epsg(4979)), Err(CrsError::NotHorizontal(..))));
    }

    #[test]
    fn a_code_that_is_refused_is_looked_for_once() {
        for (code, expect) in [(999_998, CrsError::Unknown(Epsg(999_998))), (4978, definition(Epsg(4978)).unwrap_err())]
        {
            assert_eq!(definition(Epsg(code)), Err(expect.clone()));
            assert_eq!(REFUSED.lock().unwrap().0.get(&Epsg(code)), Some(&expect));
            assert_eq!(definition(Epsg(code)), Err(expect));
        }
        let mut refused = Refused::default();
        for code in 0..3_000 {
            refused.remember(Epsg(code), CrsError::Unknown(Epsg(code)));
            assert!(refused.0.len() <= REFUSED_MAX && refused.0.contains_key(&Epsg(code)));
        }
    }

    #[test]
    fn divides_long_segments_evenly() {
        let line = Geometry::LineString(LineString::from(vec![(0.0, 0.0), (1250.0, 0.0), (1300.0, 0.0)]));
        let Geometry::LineString(dense) = densified(&line, false) else { panic!("a line stays a line") };
        assert_eq!(dense.0.len(), 5);
        assert!(dense.0.windows(2).all(|w| (w[1].x - w[0].x) <= SEGMENT_MAX_M));
    }

    #[test]
    fn a_line_round_and_round_the_earth_is_refused_before_it_is_divided() {
        let round = (0..5_000).map(|n| if n % 2 == 0 { (-180.0, 12.0) } else { (180.0, 12.0) });
        let line = Geometry::LineString(round.collect());
        assert!(matches!(project(&line, Epsg::WGS84, Epsg(9218)), Err(CrsError::TooLong(_))));
    }

    #[test]
    fn a_few_positions_far_apart_are_refused_before_they_are_divided() {
        // 300 bytes would else be a million positions, projected once for every reading of them that is tried.
        let to_and_fro = (0..=10).map(|n| if n % 2 == 0 { (0.0, 0.0) } else { (5e7, 0.0) });
        let line = Geometry::LineString(to_and_fro.collect());
        assert!(matches!(project(&line, Epsg(9218), Epsg::WGS84), Err(CrsError::TooLong(_))));
    }

    #[test]
    fn says_which_coordinate_has_no_place() {
        let bad = Geometry::Point((f64::INFINITY, 1.0).into());
        assert!(matches!(project(&bad, Epsg(9218), Epsg::WGS84), Err(CrsError::OutOfDomain { .. })));
    }
}
