//! Finding a place: a document to what is looked for.

use serde_json::{Map, Value as Json};

use super::document::{Reading, delivered, fields, object};
use super::site_check::read_subject;
use crate::domain::fields::{Fields, Reading as FieldReading};
use crate::domain::place::Delivered;
use crate::domain::site_check::Subject;
use crate::error::{Error, Result};
use crate::geometry::encoding::geojson;
use crate::geometry::{Geometry, Problem};

/// What is said of a search besides the column.
const OWN: &[&str] = &["radius_m", "spacing_m", "pattern"];

/// Farthest round a shape that is searched, m.
const RADIUS_MAX_M: f64 = 100_000.0;

/// A search.
#[derive(Debug, Clone)]
pub struct Search {
    /// The area, or what is searched round.
    pub area: Delivered,
    /// How far round it, m.
    pub radius_m: f64,
    /// The column.
    pub subject: Subject,
    /// How the places lie, as it is written.
    pub pattern: Option<String>,
    /// Between two neighbouring places, m.
    pub spacing_m: Option<f64>,
}

/// Reads a Feature: where, and among its properties what for.
///
/// # Errors
/// [`Error::Invalid`] with every problem, [`Error::TooLarge`] for a shape with too many positions.
pub fn search(value: &Json, reading: Reading) -> Result<Search> {
    let feature = object(value, "").map_err(|p| Error::Invalid(vec![p]))?;
    let mut problems = Vec::new();
    if feature.get("type").and_then(Json::as_str) != Some("Feature") {
        return Err(Error::invalid("/type", "must be \"Feature\": the area, and among its properties the column"));
    }
    if let Some(Err(problem)) = feature.get("crs").map(geojson::crs_member) {
        problems.push(problem.under("/crs"));
    }
    let empty = Map::new();
    let properties = match feature.get("properties") {
        None | Some(Json::Null) => &empty,
        Some(value) => object(value, "/properties").unwrap_or_else(|problem| {
            problems.push(problem);
            &empty
        }),
    };
    let (own, column): (Map<String, Json>, Map<String, Json>) =
        properties.clone().into_iter().partition(|(name, _)| OWN.contains(&name.as_str()));
    let subject = read_subject(&column).map_err(|more| problems.extend(more));
    let own: Fields = fields(&own);
    let mut r = FieldReading::new(&own, OWN, &[]);
    let radius_m = r.number("radius_m", 0.0, RADIUS_MAX_M).unwrap_or(0.0);
    let spacing_m = r.number("spacing_m", 1.0, RADIUS_MAX_M);
    let pattern = r.text("pattern");
    if let Err(more) = r.finish(Some(())) {
        problems.extend(more);
    }
    let area = match feature.get("geometry") {
        None | Some(Json::Null) => {
            problems.push(Problem::new("/geometry", "is missing or null: where is to be searched?"));
            None
        }
        Some(geometry) => match delivered(geometry, reading, "/geometry") {
            Ok(area) => Some(area),
            Err(Error::Invalid(more)) => {
                problems.extend(more);
                None
            }
            Err(other) => return Err(other),
        },
    };
    let has_area = |area: &Delivered| matches!(area.shape, Geometry::Polygon(_) | Geometry::MultiPolygon(_));
    if area.as_ref().is_some_and(|area| !has_area(area)) && radius_m <= 0.0 {
        problems.push(Problem::new("/properties/radius_m", "is missing: a shape without an area is searched round"));
    }
    match (area, subject) {
        (Some(area), Ok(subject)) if problems.is_empty() => Ok(Search { area, radius_m, subject, pattern, spacing_m }),
        _ => Err(Error::Invalid(problems)),
    }
}
