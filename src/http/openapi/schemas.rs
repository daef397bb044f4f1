//! Schemas of what is answered.

use serde_json::{Value as Json, json};

use super::{clearances, document, history, not_checked, notice, plan, reference_layers, rule, site_check, words};
use crate::domain::conflict::AccuracySource;
use crate::domain::coverage::Coverage;
use crate::domain::work::WorkKind;

/// What a check answers.
pub(super) fn schemas() -> Json {
    let metres = |description: &str| json!({"type": "number", "nullable": true, "description": description});
    let side = json!({"type": "string", "enum": ["left", "right", "both"], "nullable": true,
        "description": "The side of the centreline, seen along it; null where all of the work is on it"});
    let extent = || {
        json!({
            "chainage_from_m": metres("Smallest chainage of the part of the work in conflict"),
            "chainage_to_m": metres("Largest chainage of that part"),
            "offset_m": metres("Smallest distance of that part from the centreline; 0 only where it meets it"),
            "side": side,
        })
    };
    let mut run = extent();
    run["length_m"] = metres("The length of a line in this run; null for an area");
    let mut conflict = extent();
    conflict["runs"] = json!({"type": "array", "items": {"$ref": "#/components/schemas/run"},
        "description": "Where a line or an area is in conflict in several stretches, each of them, by chainage"});
    conflict["rule"] = json!({"$ref": "#/components/schemas/rule"});
    conflict["position_accuracy_from"] = json!({"type": "string", "enum": words::<AccuracySource>(),
        "description": "Where position_accuracy_m comes from"});
    conflict["position_accuracy_rule"] = json!({"type": "string", "nullable": true,
        "description": "The parameter that gave it, where the rules did"});
    let list = |of: &str| json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{of}")}});
    let mut all = json!({
        "rule": {"type": "object", "properties": rule()},
        "run": {"type": "object", "properties": run},
        "conflict": {"type": "object", "properties": conflict},
        "clearance": {"type": "object", "properties": {
            "clearance_m": {"type": "number", "minimum": 0, "description": "What was kept free beside the subject, in metres"},
            "rule": {"$ref": "#/components/schemas/rule"},
            "work_kinds": {"type": "array", "items": {"type": "string", "enum": words::<WorkKind>()}, "nullable": true,
                "description": "The kinds of work it was kept from; null: all"}}},
        "result": {"type": "object", "properties": {"conflicts": list("conflict"), "clearances": clearances(),
            "coverage": {"type": "string", "enum": words::<Coverage>(), "description": "Only full means clear"},
            "not_checked": not_checked(), "notice": notice()}},
        "answer": {"type": "object", "properties": {"results": list("result"), "as_of": {"type": "string",
            "format": "date-time", "description": "The moment at which this was known; left out where none was asked"}}},
        "history": history(),
        "reference_layers": reference_layers(),
        "answer_line": {"allOf": [{"$ref": "#/components/schemas/answer"}, {"type": "object", "required": ["line"],
            "properties": {"line": {"type": "integer", "minimum": 1},
                "error": {"type": "object", "description": "What is wrong with the line, RFC 9457"}}}]},
    });
    for (name, schema) in site_check::schemas().into_iter().chain(plan::schemas()).chain(document::schemas()) {
        all[name] = schema;
    }
    all
}
