//! Zones as GeoJSON.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::document::{Reading, delivered, fields, object};
use super::feature::date;
use crate::domain::place::Delivered;
use crate::domain::plan::{Plan, PlanState};
use crate::domain::word::Word;
use crate::domain::zone::{Zone, ZoneProps};
use crate::error::{Error, Result};
use crate::geometry::Problem;
use crate::geometry::encoding::geojson;

/// What a document says of a zone.
#[derive(Debug, Clone)]
pub struct ReadZone {
    /// Where it stands in the document.
    pub pointer: String,
    /// The plan it names.
    pub plan: Option<Uuid>,
    /// Its properties.
    pub props: ZoneProps,
    /// Its shape.
    pub delivered: Option<Delivered>,
}

/// Reads a Feature, or the features of a `FeatureCollection`.
///
/// # Errors
/// [`Error::Invalid`] with every problem, [`Error::TooLarge`] with more than `most`.
pub fn read(value: &Json, reading: Reading, most: usize) -> Result<Vec<ReadZone>> {
    let document = object(value, "").map_err(|p| Error::Invalid(vec![p]))?;
    if document.get("type").and_then(Json::as_str) != Some("FeatureCollection") {
        return Ok(vec![read_one(value, "", reading)?]);
    }
    let Some(features) = document.get("features").and_then(Json::as_array).filter(|all| !all.is_empty()) else {
        return Err(Error::invalid("/features", "is missing or empty; a list of features belongs here"));
    };
    if features.len() > most {
        return Err(Error::TooLarge {
            what: "the collection".into(),
            found: format!("{} features", features.len()),
            limit: format!("{most} features"),
        });
    }
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    if let Some(Err(problem)) = document.get("crs").map(geojson::crs_member) {
        problems.push(problem.under("/crs"));
    }
    for (n, feature) in features.iter().enumerate() {
        match read_one(feature, &format!("/features/{n}"), reading) {
            Ok(zone) => found.push(zone),
            Err(Error::Invalid(more)) => problems.extend(more),
            Err(other) => return Err(other),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(Error::Invalid(problems)) }
}

fn read_one(value: &Json, pointer: &str, reading: Reading) -> Result<ReadZone> {
    let feature = object(value, pointer).map_err(|p| Error::Invalid(vec![p]))?;
    let mut problems: Vec<Problem> = Vec::new();
    let mut wrong = |problem: Problem| problems.push(problem.under(pointer));
    if feature.get("type").and_then(Json::as_str) != Some("Feature") {
        wrong(Problem::new("/type", "must be \"Feature\""));
    }
    if let Some(Err(problem)) = feature.get("crs").map(geojson::crs_member) {
        wrong(problem.under("/crs"));
    }
    let empty = Map::new();
    let properties = match feature.get("properties") {
        None | Some(Json::Null) => &empty,
        Some(value) => object(value, "/properties").unwrap_or_else(|problem| {
            wrong(problem);
            &empty
        }),
    };
    let said = ZoneProps::read(&fields(properties)).map_err(|more| more.into_iter().for_each(&mut wrong));
    let shape = match feature.get("geometry") {
        None | Some(Json::Null) => None,
        Some(geometry) => match delivered(geometry, reading, "/geometry") {
            Ok(shape) => Some(shape),
            Err(Error::Invalid(more)) => {
                more.into_iter().for_each(wrong);
                None
            }
            Err(other) => return Err(other),
        },
    };
    match said {
        Ok((plan, props)) if problems.is_empty() => {
            Ok(ReadZone { pointer: pointer.to_owned(), plan, props, delivered: shape })
        }
        _ => Err(Error::Invalid(problems)),
    }
}

/// Writes a zone in WGS 84, without links.
#[must_use]
pub fn write(zone: &Zone, plan: &Plan, state: PlanState) -> Map<String, Json> {
    let p = &zone.props;
    let in_force = plan.in_force();
    let value = json!({
        "type": "Feature",
        "id": zone.id,
        "geometry": geojson::to_value(&zone.place.lonlat.0),
        "properties": {
            "code": zone.code(),
            "jurisdiction": zone.jurisdiction,
            "plan": zone.plan,
            "plan_code": plan.code,
            "plan_number": plan.number,
            "zone": zone.zone,
            "state": state.as_str(),
            "name": p.name,
            "organisation": plan.organisation,
            "visibility": plan.visibility().as_str(),
            "column_classes": p.column_classes.iter().map(|class| class.as_str()).collect::<Vec<_>>(),
            "height_max_m": p.height_max_m,
            "spacing_m": p.spacing_m,
            "sharing_required": p.sharing_required,
            "quota": p.quota,
            "valid_from": date(in_force.map(|(from, _)| from)),
            "valid_to": date(in_force.and_then(|(_, to)| to)),
            "recorded_crs": zone.place.recorded.crs.to_string(),
            "recorded_at": zone.recorded_at.to_string(),
            "revision": zone.revision,
            "version": zone.version,
        },
    });
    if let Json::Object(map) = value { map } else { Map::new() }
}
