//! The properties of a work as JSON.

use serde_json::{Map, Value as Json, json};

use super::feature::{Written, date, optional};
use crate::domain::word::Word;
use crate::domain::work::{Work, WorkProps};

impl Written for Work {
    fn write(p: &WorkProps) -> Map<String, Json> {
        let value = json!({
            "code": p.code,
            "name": p.name,
            "kind": p.kind.as_str(),
            "status": p.status.as_str(),
            "organisation": p.organisation,
            "tenants": p.tenants,
            "spare_capacity": p.spare_capacity,
            "column_class": optional(p.column_class),
            "height_agl_m": p.height_agl_m,
            "position_accuracy_m": p.position_accuracy_m,
            "capture_method": optional(p.capture_method),
            "importance": p.importance.as_str(),
            "visibility": p.visibility.as_str(),
            "valid_from": date(p.valid_from),
            "valid_to": date(p.valid_to),
            "source": p.source,
        });
        match value {
            Json::Object(map) => map,
            _ => Map::new(),
        }
    }
}
