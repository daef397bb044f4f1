//! Rule packs as JSON.

use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::feature::{date, optional};
use crate::domain::rules::{Parameter, RegisteredPack};
use crate::domain::word::Word;

/// A pack with the parameters that are listed of it, and of which day they are.
#[must_use]
pub fn write(registered: &RegisteredPack, count: usize, day: Option<Date>) -> Json {
    let pack = &registered.pack;
    json!({
        "jurisdiction": registered.jurisdiction,
        "name": pack.name,
        "version": pack.version,
        "sha256": registered.digest,
        "revision": registered.revision,
        "recorded_at": registered.recorded_at.to_string(),
        "parameter_count": count,
        "day": date(day),
        "parameters": pack.parameters.iter().map(|p| parameter(p)).collect::<Vec<_>>(),
    })
}

/// A parameter with where it stands and when it is in force.
pub(super) fn parameter(p: &Parameter) -> Json {
    json!({
        "key": p.key,
        "value": p.value,
        "unit": p.unit.as_str(),
        "corridor_kind": optional(p.applies.corridor_kind),
        "corridor_class": p.applies.corridor_class,
        "voltage_from_kv": p.applies.voltage_from_kv,
        "voltage_to_kv": p.applies.voltage_to_kv,
        "work_kind": optional(p.applies.work_kind),
        "document": p.document,
        "article": p.article,
        "valid_from": date(p.valid_from),
        "valid_to": date(p.valid_to),
        "confidence": p.confidence.as_str(),
        "note": p.note,
    })
}
