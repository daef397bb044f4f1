//! Conflict checks: a document to the shapes asked about, and features for a map. The answer as JSON: `answer`.

use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use super::answer::Row;
use super::document::{Reading, delivered, fields, object};
use crate::domain::corridor::{CLEARANCE_MAX_M, widths_of_drawn};
use crate::domain::coverage::{Coverage, GapReason};
use crate::domain::fields::Reading as FieldReading;
use crate::domain::layer::Layer;
use crate::domain::place::Delivered;
use crate::domain::rules::DrawnKind;
use crate::domain::word::Word;
use crate::domain::work::ACCURACY_MAX_M;
use crate::error::{Error, Result};
use crate::geometry::encoding::geojson;
use crate::geometry::{Geometry, LonLat, Metres, Problem};

/// A shape somebody asks about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// How the answer calls it: the id of the feature, else its place in the document, from 0.
    pub name: String,
    /// Where its geometry stands in the document.
    pub pointer: String,
    /// The shape.
    pub delivered: Delivered,
    /// `position_accuracy_m` among its properties.
    pub accuracy: Metres,
    /// `clearance_m` among its properties.
    pub clearance_m: Option<f64>,
    /// `kind`, `class` and `voltage_kv` among its properties.
    pub kind: DrawnKind,
}

/// Reads a Geometry, a Feature or a `FeatureCollection`.
///
/// # Errors
/// [`Error::Invalid`] with every problem of every subject, [`Error::TooLarge`] with more than `subjects_max`.
pub fn subjects(value: &Json, reading: Reading, subjects_max: usize) -> Result<Vec<Subject>> {
    let document = object(value, "").map_err(|p| Error::Invalid(vec![p]))?;
    let kind = document.get("type").and_then(Json::as_str).unwrap_or_default();
    let mut problems = Vec::new();
    if kind == "FeatureCollection" {
        problems.extend(crs_problem(document, ""));
    }
    let mut found = Vec::new();
    match kind {
        "FeatureCollection" => {
            let Some(features) = document.get("features").and_then(Json::as_array) else {
                return Err(Error::invalid("/features", "is missing; a list of features belongs here"));
            };
            if features.len() > subjects_max {
                return Err(Error::TooLarge {
                    what: "the collection".into(),
                    found: format!("{} features", features.len()),
                    limit: format!("{subjects_max} features"),
                });
            }
            if features.is_empty() {
                problems.push(Problem::new("/features", "is empty; there is nothing to check"));
            }
            for (n, feature) in features.iter().enumerate() {
                read_one(feature, n, &format!("/features/{n}"), reading, &mut found, &mut problems)?;
            }
        }
        "Feature" => read_one(value, 0, "", reading, &mut found, &mut problems)?,
        _ => match delivered(value, reading, "") {
            Ok(shape) => found.push(bare(shape)),
            Err(Error::Invalid(more)) => problems.extend(more),
            Err(other) => return Err(other),
        },
    }
    if problems.is_empty() { Ok(found) } else { Err(Error::Invalid(problems)) }
}

/// A shape that nothing more is said of.
pub(super) fn bare(delivered: Delivered) -> Subject {
    Subject {
        name: "0".into(),
        pointer: String::new(),
        delivered,
        accuracy: Metres::ZERO,
        clearance_m: None,
        kind: DrawnKind::Unknown,
    }
}

/// The shape of a feature: still in its document, or read already.
pub(super) enum Shape<'a> {
    Json(Option<&'a Json>, Reading),
    Read(Delivered),
}

/// What is wrong with the `crs` member of a feature or a collection; that of a geometry is looked at with it.
fn crs_problem(object: &Map<String, Json>, pointer: &str) -> Option<Problem> {
    let problem = geojson::crs_member(object.get("crs")?).err()?;
    Some(problem.under("/crs").under(pointer))
}

fn read_one(
    value: &Json,
    number: usize,
    pointer: &str,
    reading: Reading,
    found: &mut Vec<Subject>,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let feature = match object(value, pointer) {
        Ok(feature) => feature,
        Err(problem) => {
            problems.push(problem);
            return Ok(());
        }
    };
    read_feature(feature, number, pointer, Shape::Json(feature.get("geometry"), reading), found, problems)
}

/// Reads what a feature says of its shape.
pub(super) fn read_feature(
    feature: &Map<String, Json>,
    number: usize,
    pointer: &str,
    shape: Shape<'_>,
    found: &mut Vec<Subject>,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    problems.extend(crs_problem(feature, pointer));
    if feature.get("type").and_then(Json::as_str) != Some("Feature") {
        problems.push(Problem::new(format!("{pointer}/type"), "must be \"Feature\""));
        return Ok(());
    }
    let geometry_pointer = format!("{pointer}/geometry");
    if matches!(shape, Shape::Json(None | Some(Json::Null), _)) {
        problems.push(Problem::new(geometry_pointer, "is missing or null: there is nothing to check"));
        return Ok(());
    }
    let mut length = |name: &str, max: f64| -> Option<f64> {
        let value = feature.get("properties").and_then(|p| p.get(name)).filter(|v| !v.is_null())?;
        let metres = value.as_f64().filter(|m| (0.0..=max).contains(m));
        if metres.is_none() {
            problems.push(Problem::new(
                format!("{pointer}/properties/{name}"),
                format!("is {}; a number of metres from 0 to {max} belongs here", geojson::describe(value)),
            ));
        }
        metres
    };
    let accuracy = length("position_accuracy_m", ACCURACY_MAX_M).and_then(|m| Metres::new(m).ok());
    let accuracy = accuracy.unwrap_or(Metres::ZERO);
    let clearance_m = length("clearance_m", CLEARANCE_MAX_M);
    let kind = read_kind(feature, pointer, problems);
    let name = match feature.get("id") {
        Some(Json::String(id)) => id.clone(),
        Some(Json::Number(id)) => id.to_string(),
        _ => number.to_string(),
    };
    let shape = match shape {
        Shape::Json(geometry, reading) => delivered(geometry.unwrap_or(&Json::Null), reading, &geometry_pointer),
        Shape::Read(shape) => Ok(shape),
    };
    match shape {
        Ok(shape) => {
            let states = |name: &str| feature.get("properties").and_then(|p| p.get(name)).is_some_and(|v| !v.is_null());
            problems.extend(widths_of_drawn(&shape.shape, states).into_iter().map(|p| p.under(pointer)));
            found.push(Subject { name, pointer: geometry_pointer, delivered: shape, accuracy, clearance_m, kind });
        }
        Err(Error::Invalid(more)) => problems.extend(more),
        Err(other) => return Err(other),
    }
    Ok(())
}

/// What the properties of a drawn feature say that it stands for.
fn read_kind(feature: &Map<String, Json>, pointer: &str, problems: &mut Vec<Problem>) -> DrawnKind {
    let Some(properties) = feature.get("properties").and_then(Json::as_object) else { return DrawnKind::Unknown };
    let members = DrawnKind::MEMBERS.iter().filter_map(|name| properties.get_key_value(*name));
    let fields = fields(&members.map(|(name, value)| (name.clone(), value.clone())).collect());
    let mut reading = FieldReading::new(&fields, &DrawnKind::MEMBERS, &[]);
    let kind = DrawnKind::read(&mut reading);
    match reading.finish(Some(kind)) {
        Ok(kind) => kind,
        Err(more) => {
            problems.extend(more.into_iter().map(|p| p.under(pointer)));
            DrawnKind::Unknown
        }
    }
}

/// A layer that does not answer for all of a subject's ground.
#[derive(Debug, Clone, Copy)]
pub struct GapRow<'a> {
    /// The layer.
    pub layer: Layer,
    /// How much it answers for.
    pub coverage: Coverage,
    /// Why it is no more.
    pub reason: GapReason,
    /// The day as of which its coverage is declared, where that is the reason.
    pub since: Option<Date>,
    /// Where it has no data.
    pub ground: Option<&'a LonLat<Geometry<f64>>>,
}

impl GapRow<'_> {
    /// The reason for a person.
    #[must_use]
    pub fn detail(&self) -> String {
        let Self { layer, coverage, since, .. } = self;
        match self.reason {
            GapReason::NoData => {
                let part = if *coverage == Coverage::Partial { "a part of it" } else { "it" };
                format!("no data of layer {layer} for {part}")
            }
            GapReason::Undeclared => format!("nobody has declared where {layer} holds all there is"),
            GapReason::NotSeen => format!("some {layer} here are not yours to see; ask the office"),
            GapReason::Later => {
                let day = since.map(|day| day.to_string()).unwrap_or_default();
                format!("the coverage of layer {layer} is declared as of {day}, after the day asked")
            }
            GapReason::ClearanceUnknown => format!(
                "nobody says how far {layer} must stay from it, so 0 m was applied: state clearance_m, or its kind with its \
                 class or voltage_kv, or load a rule pack that has it"
            ),
        }
    }
}

/// The ground of a subject that nobody checked, and the layers that do not answer for all of it, as JSON; `hint` is
/// another reading of the coordinates that would fit.
#[must_use]
pub fn write_not_checked(
    outside: Option<(&str, Option<&LonLat<Geometry<f64>>>)>,
    gaps: &[GapRow<'_>],
    hint: Option<&str>,
) -> Json {
    let shape = |ground: Option<&LonLat<Geometry<f64>>>| ground.map(|g| geojson::to_value(&g.0));
    let layers = gaps.iter().map(|gap| {
        json!({"layer": gap.layer.as_str(), "coverage": gap.coverage.as_str(), "reason": gap.reason.as_str(),
               "detail": gap.detail(), "geometry": shape(gap.ground)})
    });
    let of_layers = gaps.first().map(|gap| gap.reason.as_str());
    let reason = outside.map(|(reason, _)| reason).or(of_layers);
    let ground = shape(outside.and_then(|(_, ground)| ground));
    let mut written = json!({"reason": reason, "geometry": ground, "layers": layers.collect::<Vec<_>>()});
    if let Some(hint) = hint {
        written["hint"] = json!(hint);
    }
    written
}

/// A feature for a map, with its conflict among its properties.
#[must_use]
pub fn with_conflict(mut feature: Map<String, Json>, subject: &str, conflict: &impl Row) -> Json {
    if let Some(Json::Object(properties)) = feature.get_mut("properties") {
        properties.insert("subject".into(), json!(subject));
        properties.insert("conflict".into(), conflict.json());
    }
    Json::Object(feature)
}
