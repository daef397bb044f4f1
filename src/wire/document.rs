//! Text to JSON, and JSON to the fields that the domain reads.

use serde_json::{Map, Value as Json};

use crate::domain::fields::{Fields, Value};
use crate::domain::place::Delivered;
use crate::error::{Error, Result};
use crate::geometry::crs::{self, Axes, CrsRef, axes_swapped};
use crate::geometry::encoding::{Undecodable, geojson};
use crate::geometry::{Epsg, Geometry, Problem};

/// How the coordinates of a document are to be read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// The system of the coordinates.
    pub crs: CrsRef,
    /// Most positions in one geometry.
    pub vertices_max: usize,
}

impl Reading {
    /// WGS 84, longitude first, as GeoJSON has it.
    #[must_use]
    pub fn geojson(vertices_max: usize) -> Self {
        Self { crs: CrsRef { epsg: Epsg::WGS84, axes_of_definition: false }, vertices_max }
    }
}

/// Reads JSON.
///
/// # Errors
/// [`Error::Malformed`], saying where the text breaks off or goes wrong.
pub fn json(text: &[u8]) -> Result<Json> {
    read(text, "body", |e| {
        let how = if e.is_eof() { "the document breaks off" } else { "the document is not JSON" };
        format!("{how} at line {}, column {}: {e}", e.line(), e.column())
    })
}

/// Reads JSON that stands on one line of a body.
///
/// # Errors
/// [`Error::Malformed`], saying where the line breaks off or goes wrong.
pub fn json_line(text: &[u8]) -> Result<Json> {
    read(text.trim_ascii(), "line", |e| {
        let how = if e.is_eof() { "the line breaks off" } else { "the line is not JSON" };
        format!("{how} at column {}: {e}", e.column())
    })
}

/// `text` without the mark that some editors put in front; a reader may ignore it (RFC 8259, section 8.1).
#[must_use]
pub fn unmarked(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

fn read(text: &[u8], what: &str, wrong: impl Fn(&serde_json::Error) -> String) -> Result<Json> {
    let text = unmarked(text);
    if text.is_empty() {
        return Err(Error::Malformed(format!("the {what} is empty; a JSON document belongs here")));
    }
    if let Err(e) = std::str::from_utf8(text) {
        return Err(Error::Malformed(format!("the {what} is not UTF-8: byte {} is wrong", e.valid_up_to())));
    }
    serde_json::from_slice(text).map_err(|e| Error::Malformed(wrong(&e)))
}

/// A geometry object with the coordinates brought to x = east, y = north.
///
/// # Errors
/// Every problem at `pointer`, or that it is too large.
pub fn delivered(value: &Json, reading: Reading, pointer: &str) -> Result<Delivered> {
    let shape = geojson::geometry(value, reading.vertices_max).map_err(|e| match e {
        Undecodable::Problems(all) => Error::Invalid(all.into_iter().map(|p| p.under(pointer)).collect()),
        Undecodable::TooManyVertices { found, limit } => Error::TooLarge {
            what: "the geometry".into(),
            found: format!("{found} positions"),
            limit: format!("{limit} positions"),
        },
    })?;
    Ok(turned(shape, reading))
}

/// A shape with the coordinates brought to x = east, y = north.
#[must_use]
pub fn turned(shape: Geometry<f64>, reading: Reading) -> Delivered {
    let turned =
        reading.crs.axes_of_definition && crs::definition(reading.crs.epsg).is_ok_and(|d| d.axes == Axes::NorthEast);
    let shape = if turned { axes_swapped(&shape) } else { shape };
    Delivered { shape, crs: reading.crs.epsg }
}

/// The members of an object as fields.
#[must_use]
pub fn fields(object: &Map<String, Json>) -> Fields {
    Fields(object.iter().map(|(name, value)| (name.clone(), field(value))).collect())
}

fn field(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => n.as_f64().map_or(Value::Object, Value::Number),
        Json::String(s) => Value::Text(s.clone()),
        Json::Array(items) => Value::List(items.iter().map(field).collect()),
        Json::Object(_) => Value::Object,
    }
}

/// The object in `value`.
///
/// # Errors
/// The problem at `pointer`.
pub fn object<'a>(value: &'a Json, pointer: &str) -> Result<&'a Map<String, Json>, Problem> {
    value
        .as_object()
        .ok_or_else(|| Problem::new(pointer, format!("is {}; an object belongs here", geojson::describe(value))))
}
