//! GeoJSON geometry objects (RFC 7946) to shapes and back, in whatever CRS their reader knows them to be.
//!
//! Reads one geometry object that is in memory already and names everything wrong with it. Features,
//! collections and files are read elsewhere.

use geo_types::{Coord, Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};
use serde_json::Value;

use super::{Collector, Undecodable, line_fault, ring_end_fault, ring_length_fault};
use crate::geometry::{Epsg, Problem};

/// The geometry types that are taken, and how deep their positions are nested.
const KINDS: [(&str, u8); 6] =
    [("Point", 0), ("MultiPoint", 1), ("LineString", 1), ("MultiLineString", 2), ("Polygon", 2), ("MultiPolygon", 3)];

/// Characters of a delivered text that a problem repeats; enough to recognise it.
const QUOTED_MAX: usize = 40;

/// Reads the geometry object `value`. A third and further number of a position is dropped, foreign
/// members are ignored; a `crs` member must name WGS 84 (see [`crs_member`]).
///
/// # Errors
/// Every problem with a pointer relative to `value`, or the count when there are more than
/// `vertices_max` positions.
pub fn geometry(value: &Value, vertices_max: usize) -> Result<Geometry<f64>, Undecodable> {
    let Some(object) = value.as_object() else {
        return Err(Undecodable::whole(format!("is {}; a GeoJSON geometry object belongs here", describe(value))));
    };
    let mut reader = Reader { problems: Collector::default() };
    if let Some(Err(problem)) = object.get("crs").map(crs_member) {
        reader.problems.push(|| problem.under("/crs"));
    }
    let kind = match kind(object.get("type")) {
        Ok(kind) => Some(kind),
        Err(Unknown { detail, has_coordinates }) => {
            reader.problems.push(|| Problem::new("/type", detail));
            if !has_coordinates {
                return Err(Undecodable::Problems(reader.problems.finish()));
            }
            None
        }
    };
    let shape = match (object.get("coordinates"), kind) {
        (None, _) => reader.refuse_at("/coordinates", "is missing"),
        (Some(Value::Null), _) => reader.refuse_at("/coordinates", "is null; an array belongs here"),
        (Some(Value::Array(items)), _) if items.is_empty() => {
            reader.refuse_at("/coordinates", "is empty: an empty geometry stands nowhere")
        }
        (Some(Value::Array(_)), None) => None,
        (Some(coordinates @ Value::Array(_)), Some((name, depth))) => {
            let found = count_positions(coordinates, depth);
            if found > vertices_max {
                return Err(Undecodable::TooManyVertices { found, limit: vertices_max });
            }
            reader.shape(name, coordinates)
        }
        (Some(other), _) => reader.refuse_at("/coordinates", &format!("is {}; an array belongs here", describe(other))),
    };
    match (shape, reader.problems.finish()) {
        (Some(shape), problems) if problems.is_empty() => Ok(shape),
        (_, problems) => Err(Undecodable::Problems(problems)),
    }
}

/// A GeoJSON geometry object, which a serialiser takes as it is.
pub use ::geojson::GeometryValue;

/// The GeoJSON geometry object of `shape`.
#[must_use]
pub fn to_value(shape: &Geometry<f64>) -> Value {
    Value::from(&geojson::GeometryValue::from(shape))
}

/// Accepts the value of a `crs` member (GeoJSON of 2008) that names WGS 84, or `null`.
///
/// # Errors
/// It names another system, or cannot be understood: a `crs` is never ignored.
pub fn crs_member(value: &Value) -> Result<(), Problem> {
    match crs_named(value)? {
        None | Some(Epsg::WGS84) => Ok(()),
        Some(other) => Err(Problem::new(
            "",
            format!(
                "names {other}, but GeoJSON is WGS 84 longitude and latitude; give the system beside the document \
                 instead"
            ),
        )),
    }
}

/// The system that the value of a `crs` member names; `None` for `null`. Knows EPSG codes and CRS84 as
/// names, URNs and OGC addresses.
///
/// # Errors
/// It cannot be understood.
pub fn crs_named(value: &Value) -> Result<Option<Epsg>, Problem> {
    if value.is_null() {
        return Ok(None);
    }
    if let (Some("EPSG"), Some(code)) =
        (value.get("type").and_then(Value::as_str), value.pointer("/properties/code").and_then(Value::as_u64))
    {
        return u32::try_from(code)
            .map(|code| Some(Epsg(code)))
            .map_err(|_| Problem::new("/properties/code", format!("{code} is no EPSG code")));
    }
    let Some(name) = value.pointer("/properties/name").and_then(Value::as_str) else {
        return Err(Problem::new("", "names no coordinate reference system that can be understood"));
    };
    crs_from_name(name).map(Some).ok_or_else(|| {
        Problem::new(
            "/properties/name",
            format!("{} is no coordinate reference system known here; EPSG:4326 would be one", quoted(name)),
        )
    })
}

/// The system behind a name such as `EPSG:9218`, `urn:ogc:def:crs:OGC:1.3:CRS84` or its OGC address.
fn crs_from_name(name: &str) -> Option<Epsg> {
    let parts: Vec<&str> = name.trim().split([':', '/']).filter(|part| !part.is_empty()).collect();
    let code = *parts.last()?;
    let has = |word: &str| parts.iter().any(|part| part.eq_ignore_ascii_case(word));
    match code {
        "CRS84" | "CRS84h" if parts.len() == 1 || has("OGC") => Some(Epsg::WGS84),
        "WGS84" | "WGS 84" if parts.len() == 1 => Some(Epsg::WGS84),
        _ if has("EPSG") => code.parse().ok().map(Epsg),
        _ => None,
    }
}

/// A value in words, for a sentence that says what stands where something else belongs.
#[must_use]
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// `text` in quotation marks, shortened where it is long.
fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// A `type` that is not taken, and whether such an object has coordinates to look at.
struct Unknown {
    detail: String,
    has_coordinates: bool,
}

/// Name and depth of the geometry type that a `type` member names.
fn kind(value: Option<&Value>) -> Result<(&'static str, u8), Unknown> {
    let known = || KINDS.map(|(name, _)| name).join(", ");
    let unknown = |has_coordinates, detail| Unknown { detail, has_coordinates };
    match value {
        None => Err(unknown(true, format!("is missing; one of {} belongs here", known()))),
        Some(Value::String(name)) => {
            if let Some(kind) = KINDS.iter().find(|(known, _)| known == name) {
                return Ok(*kind);
            }
            match name.as_str() {
                "GeometryCollection" => {
                    Err(unknown(false, "is GeometryCollection, which is not taken: send its parts one by one".into()))
                }
                "Feature" | "FeatureCollection" => {
                    Err(unknown(false, format!("is {name}; a geometry belongs here, such as the one inside a Feature")))
                }
                _ => Err(unknown(
                    true,
                    match KINDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                        Some((right, _)) => format!("is {}; write {right:?}, case matters", quoted(name)),
                        None => format!("is {}; one of {} belongs here", quoted(name), known()),
                    },
                )),
            }
        }
        Some(other) => Err(unknown(true, format!("is {}; one of {} belongs here", describe(other), known()))),
    }
}

/// Positions in `value`, which nests them `depth` deep.
fn count_positions(value: &Value, depth: u8) -> usize {
    match (value, depth) {
        (_, 0) => 1,
        (Value::Array(items), 1) => items.len(),
        (Value::Array(items), _) => items.iter().map(|item| count_positions(item, depth - 1)).sum(),
        _ => 0,
    }
}

/// Where a value stands below `/coordinates`; written out only when it is wrong.
#[derive(Clone, Copy)]
struct Path<'a> {
    up: Option<&'a Path<'a>>,
    index: usize,
}

impl Path<'_> {
    const ROOT: Path<'static> = Path { up: None, index: 0 };

    fn pointer(&self) -> String {
        match self.up {
            None => "/coordinates".to_owned(),
            Some(up) => format!("{}/{}", up.pointer(), self.index),
        }
    }
}

/// Reads coordinates and remembers all that is wrong with them. A part with a problem is `None`.
struct Reader {
    problems: Collector,
}

impl Reader {
    fn refuse<T>(&mut self, at: Path<'_>, detail: impl FnOnce() -> String) -> Option<T> {
        self.problems.push(|| Problem::new(at.pointer(), detail()));
        None
    }

    fn refuse_at<T>(&mut self, pointer: &str, detail: &str) -> Option<T> {
        self.problems.push(|| Problem::new(pointer, detail));
        None
    }

    fn shape(&mut self, name: &str, coordinates: &Value) -> Option<Geometry<f64>> {
        let at = Path::ROOT;
        match name {
            "Point" => self.position(coordinates, at).map(|c| Geometry::Point(Point(c))),
            "MultiPoint" => self
                .list(coordinates, at, "an array of positions", Self::position)
                .map(|all| Geometry::MultiPoint(MultiPoint(all.into_iter().map(Point).collect()))),
            "LineString" => self.line(coordinates, at).map(Geometry::LineString),
            "MultiLineString" => self
                .list(coordinates, at, "an array of lines", Self::line)
                .map(|all| Geometry::MultiLineString(MultiLineString(all))),
            "Polygon" => self.polygon(coordinates, at).map(Geometry::Polygon),
            _ => self
                .list(coordinates, at, "an array of polygons", Self::polygon)
                .map(|all| Geometry::MultiPolygon(MultiPolygon(all))),
        }
    }

    fn polygon(&mut self, value: &Value, at: Path<'_>) -> Option<Polygon<f64>> {
        let mut rings = self.list(value, at, "an array of rings", Self::ring)?.into_iter();
        let exterior = rings.next()?;
        Some(Polygon::new(exterior, rings.collect()))
    }

    fn ring(&mut self, value: &Value, at: Path<'_>) -> Option<LineString<f64>> {
        let positions = self.list(value, at, "a ring, an array of positions,", Self::position);
        let length = value.as_array().map_or(0, Vec::len);
        // An empty array was refused as such already.
        let too_short = if length == 0 { None } else { ring_length_fault(length) };
        let ends = positions.as_ref().and_then(|all| ring_end_fault(*all.first()?, *all.last()?));
        let sound = too_short.is_none() && ends.is_none();
        for fault in [too_short, ends].into_iter().flatten() {
            self.refuse::<()>(at, || fault);
        }
        positions.filter(|_| sound).map(LineString)
    }

    fn line(&mut self, value: &Value, at: Path<'_>) -> Option<LineString<f64>> {
        let positions = self.list(value, at, "a line, an array of positions,", Self::position);
        match value.as_array().map(Vec::len).filter(|length| *length > 0).and_then(line_fault) {
            Some(fault) => self.refuse(at, || fault),
            None => positions.map(LineString),
        }
    }

    /// Reads every item even where one before it was wrong, so that all problems are named at once.
    fn list<T>(
        &mut self,
        value: &Value,
        at: Path<'_>,
        wanted: &str,
        read: fn(&mut Self, &Value, Path<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(items) = value.as_array() else {
            return self.refuse(at, || format!("is {}; {wanted} belongs here", describe(value)));
        };
        if items.is_empty() {
            return self.refuse(at, || format!("is empty; {wanted} belongs here"));
        }
        let mut all = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            all.extend(read(self, item, Path { up: Some(&at), index }));
        }
        (all.len() == items.len()).then_some(all)
    }

    fn position(&mut self, value: &Value, at: Path<'_>) -> Option<Coord<f64>> {
        let Some(items) = value.as_array() else {
            return self
                .refuse(at, || format!("is {}; a position, an array of numbers, belongs here", describe(value)));
        };
        let mut numbers = [None; 2];
        let mut sound = true;
        for (index, item) in items.iter().enumerate() {
            let number = item.as_f64().filter(|number| number.is_finite());
            if number.is_none() {
                sound = false;
                self.refuse::<()>(Path { up: Some(&at), index }, || {
                    format!("is {}; a number belongs here", describe(item))
                });
            }
            if let Some(place) = numbers.get_mut(index) {
                *place = number;
            }
        }
        match (items.len(), numbers) {
            (2.., [Some(x), Some(y)]) if sound => Some(Coord { x, y }),
            (2.., _) => None,
            (1, _) => self.refuse(at, || "has 1 number; a position needs 2".to_owned()),
            (_, _) => self.refuse(at, || "is empty; a position needs 2 numbers".to_owned()),
        }
    }
}

#[cfg(test)]
#[path = "geojson_tests.rs"]
mod tests;
