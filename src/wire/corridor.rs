//! The properties of a corridor as JSON.

use serde_json::{Map, Value as Json, json};

use super::feature::{Written, date};
use crate::domain::corridor::{Corridor, CorridorProps};
use crate::domain::word::Word;

impl Written for Corridor {
    fn write(p: &CorridorProps) -> Map<String, Json> {
        let value = json!({
            "code": p.code,
            "name": p.name,
            "kind": p.kind.as_str(),
            "class": p.class,
            "voltage_kv": p.voltage_kv,
            "status": p.status.as_str(),
            "project": p.project,
            "organisation": p.organisation,
            "in_force_from": date(p.in_force_from),
            "in_force_to": date(p.in_force_to),
            "hand_over_on": date(p.hand_over_on),
            "clearance_m": p.clearance_m,
            "half_width_left_m": p.half_width_left_m,
            "half_width_right_m": p.half_width_right_m,
            "visibility": p.visibility.as_str(),
            "source": p.source,
        });
        match value {
            Json::Object(map) => map,
            _ => Map::new(),
        }
    }
}
