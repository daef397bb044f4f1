//! Features of any noun: a document to a draft, and a registered feature to a document.

use serde_json::{Map, Value as Json, json};

use super::document::{self, Reading, delivered, object};
use crate::domain::feature::{Noun, Registered};
use crate::domain::fields::{Fields, Value};
use crate::domain::place::Delivered;
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::geometry::encoding::geojson;
use crate::geometry::{Geometry, Problem};

/// What a Feature document says.
#[derive(Debug, Clone)]
pub struct Document {
    /// The properties, without the centreline.
    pub fields: Fields,
    /// The jurisdiction among them.
    pub jurisdiction: Option<String>,
    /// The shape: the centreline where there is one, else the geometry.
    pub delivered: Option<Delivered>,
}

/// A noun with its properties as JSON.
pub trait Written: Noun {
    /// Its properties, without what all nouns have.
    fn write(props: &Self::Props) -> Map<String, Json>;
}

/// Reads a Feature of one noun, collecting every problem but those of its properties.
fn read<T: Noun>(value: &Json, reading: Reading) -> Result<Document> {
    let feature = object(value, "").map_err(|p| Error::Invalid(vec![p]))?;
    let mut problems = Vec::new();
    match feature.get("type") {
        Some(Json::String(t)) if t == "Feature" => {}
        Some(other) => {
            problems.push(Problem::new("/type", format!("is {}; it must be \"Feature\"", geojson::describe(other))));
        }
        None => problems.push(Problem::new("/type", "is missing; it must be \"Feature\"")),
    }
    if let Some(crs) = feature.get("crs")
        && let Err(problem) = geojson::crs_member(crs)
    {
        problems.push(problem.under("/crs"));
    }
    let empty = Map::new();
    let properties = match feature.get("properties") {
        Some(Json::Null) | None => &empty,
        Some(value) => match object(value, "/properties") {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem);
                &empty
            }
        },
    };
    let centreline = properties.get("centreline").filter(|c| T::CENTRELINE && !c.is_null());
    let shape = match (centreline, feature.get("geometry")) {
        (Some(line), _) => Some((line, "/properties/centreline")),
        (None, Some(geometry)) if !geometry.is_null() => Some((geometry, "/geometry")),
        _ => None,
    };
    let shape = match shape.map(|(value, pointer)| delivered(value, reading, pointer)) {
        None => None,
        Some(Ok(found)) => Some(found),
        Some(Err(Error::Invalid(more))) => {
            problems.extend(more);
            None
        }
        Some(Err(other)) => return Err(other),
    };
    if centreline.is_some()
        && let Some(found) = &shape
        && !matches!(found.shape, Geometry::LineString(_) | Geometry::MultiLineString(_))
    {
        problems.push(Problem::new("/properties/centreline/type", "a centreline is a LineString or a MultiLineString"));
    }
    let fields = own_fields::<T>(properties);
    let jurisdiction = match fields.get("jurisdiction") {
        None | Some(Value::Null) => None,
        Some(Value::Text(code)) => Some(code.clone()),
        Some(_) => {
            problems.push(Problem::new("/properties/jurisdiction", "text belongs here"));
            None
        }
    };
    if problems.is_empty() {
        Ok(Document { fields, jurisdiction, delivered: shape })
    } else {
        Err(Error::Invalid(problems))
    }
}

/// The properties as fields; a centreline is a shape and none of them.
fn own_fields<T: Noun>(properties: &Map<String, Json>) -> Fields {
    let mut fields = document::fields(properties);
    fields.0.retain(|(name, _)| !(T::CENTRELINE && name == "centreline"));
    fields
}

/// Reads a Feature of one noun; where it has problems, those of its properties are among them.
///
/// # Errors
/// [`Error::Invalid`] with every problem, [`Error::TooLarge`].
pub fn read_of<T: Noun>(value: &Json, reading: Reading, owner: Option<&str>) -> Result<Document> {
    read::<T>(value, reading).map_err(|error| {
        let Error::Invalid(mut problems) = error else { return error };
        if let Some(properties) = value.get("properties").and_then(Json::as_object) {
            problems.extend(T::read(&own_fields::<T>(properties), owner).err().unwrap_or_default());
        }
        Error::Invalid(problems)
    })
}

/// Writes a Feature in WGS 84, without links.
#[must_use]
pub fn write<T: Written>(feature: &Registered<T>) -> Map<String, Json> {
    let place = feature.body.place();
    let mut properties = Map::new();
    let mut own = T::write(feature.body.props());
    properties.insert("code".into(), own.shift_remove("code").unwrap_or(Json::Null));
    properties.insert("jurisdiction".into(), json!(feature.jurisdiction));
    properties.append(&mut own);
    if let Some(line) = feature.body.centreline() {
        let shape = match line.lonlat.0.0.as_slice() {
            [one] => Geometry::LineString(one.clone()),
            _ => Geometry::MultiLineString(line.lonlat.0.clone()),
        };
        properties.insert("centreline".into(), geojson::to_value(&shape));
    }
    properties.insert("recorded_crs".into(), json!(place.recorded.crs.to_string()));
    properties.insert("recorded_at".into(), json!(feature.recorded_at.to_string()));
    properties.insert("revision".into(), json!(feature.revision));
    properties.insert("version".into(), json!(feature.version));
    let mut document = Map::new();
    document.insert("type".into(), json!("Feature"));
    document.insert("id".into(), json!(feature.id));
    document.insert("geometry".into(), geojson::to_value(&place.lonlat.0));
    document.insert("properties".into(), Json::Object(properties));
    document
}

/// A word, or null.
pub(super) fn optional<W: Word>(word: Option<W>) -> Json {
    word.map_or(Json::Null, |w| json!(w.as_str()))
}

/// A date, or null.
pub(super) fn date(date: Option<jiff::civil::Date>) -> Json {
    date.map_or(Json::Null, |d| json!(d.to_string()))
}
