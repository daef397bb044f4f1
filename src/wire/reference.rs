//! The properties of a reference feature as JSON.

use serde_json::{Map, Value as Json, json};

use super::account::words;
use super::feature::{Written, date};
use crate::domain::reference::{Reference, ReferenceLayer, ReferenceProps};
use crate::domain::word::Word;

impl Written for Reference {
    fn write(p: &ReferenceProps) -> Map<String, Json> {
        let a = &p.attributes;
        let value = json!({
            "code": p.code,
            "dataset": p.dataset,
            "kind": p.kind.as_str(),
            "name": a.name.as_deref(),
            "organisation": p.organisation,
            "visibility": p.visibility.as_str(),
            "valid_from": date(p.valid_from),
            "valid_to": date(p.valid_to),
            "source": p.source,
            "source_date": date(p.source_date),
            "licence": p.licence,
            "class": a.class.as_deref(),
            "voltage_kv": a.voltage_kv,
            "half_width_m": a.half_width_m,
            "height_agl_m": a.height_agl_m,
            "elevation_from_m": a.elevation_from_m,
            "elevation_to_m": a.elevation_to_m,
            "column_classes": a.column_classes.iter().map(|class| class.as_str()).collect::<Vec<_>>(),
            "height_max_m": a.height_max_m,
            "quota": a.quota,
            "spacing_m": a.spacing_m,
            "sharing_required": a.sharing_required,
            "occupied": a.occupied,
            "eirp_w": a.eirp_w,
            "frequency_mhz": a.frequency_mhz,
            "azimuth_deg": a.azimuth_deg,
        });
        match value {
            Json::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// A reference layer, and how many days old it is.
#[must_use]
pub fn write_layer(layer: &ReferenceLayer, age_days: Option<i64>) -> Json {
    json!({
        "jurisdiction": layer.jurisdiction,
        "dataset": layer.dataset,
        "kind": layer.kind.as_str(),
        "features": layer.features,
        "sources": layer.sources,
        "licences": layer.licences,
        "visibilities": words(&layer.visibilities),
        "source_date_oldest": date(layer.oldest),
        "source_date_newest": date(layer.newest),
        "age_days": age_days,
    })
}
