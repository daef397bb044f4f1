//! Coverage areas as features of a map.

use serde_json::{Value as Json, json};

use crate::domain::coverage::RegisteredCoverage;
use crate::domain::word::Word;
use crate::geometry::Geometry;
use crate::geometry::encoding::geojson;

/// A coverage area as a Feature.
#[must_use]
pub fn write(declared: &RegisteredCoverage) -> Json {
    let area = &declared.area;
    json!({
        "type": "Feature",
        "id": declared.id,
        "geometry": geojson::to_value(&Geometry::MultiPolygon(area.lonlat.0.clone())),
        "properties": {
            "jurisdiction": declared.jurisdiction,
            "layer": area.layer.as_str(),
            "kind": area.kind.map(Word::as_str),
            "source": area.source,
            "as_of": super::feature::date(area.as_of),
            "revision": declared.revision,
            "recorded_at": declared.recorded_at.to_string(),
        },
    })
}
