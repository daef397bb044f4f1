//! Plans and zones in the API document.

use serde_json::{Value as Json, json};

use super::words;
use crate::domain::plan::{Change, PlanEvent, PlanGuard, PlanState};
use crate::domain::site_check::Verdict;
use crate::http::routes::{Method, Route};

/// Plans are listed and begun.
pub(super) const PLANS: &str = "/api/plans";

/// The next version of one begins.
pub(super) const AMENDMENTS: &str = "/api/plans/{id}/amendments";

/// All zones of one are checked.
pub(super) const CHECKS: &str = "/api/plans/{id}/checks";

/// One is taken from state to state.
pub(super) const EVENTS: &str = "/api/plans/{id}/events";

/// What a route answers; none where it is none of these.
pub(super) fn answer(route: &Route) -> Option<Json> {
    let (description, schema) = match (route.method, route.path) {
        (Method::Get, PLANS) => ("Those that the asker may see, by id", "plans"),
        (_, CHECKS) => ("What the checks say of every zone, as it is kept", "plan_check"),
        (_, "/api/plans/{id}/difference") => ("Zones that are added, changed and withdrawn", "plan_difference"),
        (_, "/api/plans/{id}/history") => ("Its steps, in their order", "plan_steps"),
        (_, EVENTS) => (
            "The plan after the step. A step that is refused is answered 409, with allowed and every unmet guard",
            "plan",
        ),
        (_, path) if path.starts_with(PLANS) => ("The plan, and the events that the asker may send now", "plan"),
        _ => return None,
    };
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    Some(json!({"description": description, "content": {"application/json": {"schema": schema}}}))
}

/// Their schemas, each with its name.
pub(super) fn schemas() -> Vec<(&'static str, Json)> {
    let text = |description: &str| json!({"type": "string", "nullable": true, "description": description});
    let day =
        |description: &str| json!({"type": "string", "format": "date", "nullable": true, "description": description});
    let events = json!({"type": "array", "items": {"type": "string", "enum": words::<PlanEvent>()}});
    let decision = json!({"type": "object", "nullable": true, "properties": {
        "number": text("Its number"), "date": day("Its day"), "signer": text("Who signed it"), "authority": text("For whom"),
        "effective_from": day("The first day in force"), "effective_to": day("The last; null: until something ends it"),
        "file_sha256": text("SHA-256 of the signed file"), "check": text("The check it rests on")}});
    let plan = json!({"type": "object", "properties": {
        "id": {"type": "string", "format": "uuid"},
        "code": {"type": "string"},
        "number": {"type": "integer", "minimum": 1, "description": "Which version of the plan it is"},
        "amends": text("The id of the version before"),
        "state": {"type": "string", "enum": words::<PlanState>()},
        "decision": decision,
        "in_force": {"type": "object", "nullable": true, "properties": {"from": day("First day"), "to": day("Last day")}},
        "zones": {"type": "integer", "minimum": 0},
        "check": {"type": "object", "nullable": true,
            "description": "The last check, and whether the zones are those that were checked; null for whoever may not see it"},
        "version": {"type": "integer", "minimum": 1},
        "allowed": events}});
    let list = |of: &str| json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{of}")}});
    let check = json!({"type": "object", "properties": {
        "id": {"type": "string", "format": "uuid"},
        "sha256": text("Of all that is kept: a decision names it"),
        "verdict": {"type": "string", "enum": words::<Verdict>()},
        "zones": {"type": "integer"},
        "blocked": {"type": "array", "items": {"type": "object"}},
        "counts": {"type": "object", "description": "By check and verdict, how many zones"},
        "gaps": {"type": "array", "items": {"type": "object"}, "description": "Sources that do not answer for the ground of so many zones"},
        "results": {"type": "array", "items": {"type": "object"}, "description": "The zones that somebody has to look at, each with its findings"}}});
    let changed = json!({"type": "object", "properties": {
        "zone": text("The zone, the same in every version"),
        "change": {"type": "string", "enum": words::<Change>()},
        "what": {"type": "array", "items": {"type": "string"}}}});
    let step = json!({"type": "object", "properties": {
        "event": {"type": "string", "enum": words::<PlanEvent>()},
        "from": {"type": "string", "enum": words::<PlanState>()},
        "to": {"type": "string", "enum": words::<PlanState>()}}});
    let unmet = json!({"type": "object", "properties": {
        "guard": {"type": "string", "enum": words::<PlanGuard>()}, "detail": {"type": "string"}}});
    vec![
        ("plan", plan),
        (
            "plans",
            json!({"type": "object", "properties": {"plans": list("plan"), "next": text("The last id, where more follow")}}),
        ),
        ("plan_check", check),
        ("plan_difference", json!({"type": "object", "properties": {"zones": {"type": "array", "items": changed}}})),
        ("plan_steps", json!({"type": "object", "properties": {"events": {"type": "array", "items": step}}})),
        ("plan_unmet", unmet),
    ]
}

/// All parameters, with those of plans and zones.
pub(super) fn with_parameters(mut all: Json) -> Json {
    for (name, parameter) in parameters() {
        all[name] = parameter;
    }
    all
}

/// Their parameters, each with its name.
fn parameters() -> Vec<(&'static str, Json)> {
    let query = |name: &str, description: &str, schema: Json| {
        json!({"name": name, "in": "query", "required": false, "description": description,
               "style": "form", "explode": false, "schema": schema})
    };
    let id = || json!({"type": "string", "format": "uuid"});
    let datetime = "In force then: a moment (RFC 3339), a day, or an interval of them such as 2026-01-01/.., each the day where \
        the zone lies; without it zones are listed whatever their plans have come to";
    vec![
        ("datetime", query("datetime", datetime, json!({"type": "string"}))),
        ("plan", query("plan", "Only zones of this version of a plan", id())),
        (
            "state",
            query(
                "state",
                "Only in this state, as it is recorded",
                json!({"type": "string", "enum": words::<PlanState>()}),
            ),
        ),
        ("run", query("run", "This check; the last one by default", id())),
    ]
}
