//! Site checks and searches in the API document.

use serde_json::{Value as Json, json};

use super::words;
use crate::domain::layer::Layer;
use crate::domain::rules::Unit;
use crate::domain::site_check::{CheckCode, Consultee, GapWhy, Outcome, Verdict, sources};
use crate::domain::word::Word;
use crate::domain::work::{ColumnClass, WorkKind};
use crate::http::routes::{Method, Route};

/// Columns are asked about, and what was kept is listed.
pub(super) const CHECKS: &str = "/api/site-checks";

/// The same, line by line.
pub(super) const BATCH: &str = "/api/site-checks/batch";

/// What a route answers; none where it is none of these.
pub(super) fn answer(route: &Route) -> Option<Json> {
    let (description, schema) = match (route.method, route.path) {
        (Method::Post, CHECKS) => ("What each check says of each column", "site_answer"),
        (Method::Get, CHECKS) => ("Those that are the asker's to see, the newest first", "site_runs"),
        (Method::Get, path) if path.starts_with(CHECKS) && path.ends_with("/replay") => {
            ("Whether the answer is the same again, and where it is not", "site_replay")
        }
        (_, path) if path.starts_with(CHECKS) => ("The answer as it was given, and what came later", "site_run"),
        _ => return None,
    };
    Some(json!({"description": description, "content": {"application/json": {"schema": reference(schema)}}}))
}

/// Their schemas, each with its name.
pub(super) fn schemas() -> Vec<(&'static str, Json)> {
    let verdict = json!({"type": "string", "enum": words::<Verdict>(), "description": "The worst of all findings. Of verdicts the \
        order is not_applicable, pass, warn, not_checked, needs_survey, block; not_checked is no pass: no data covers the place, \
        or something is hidden from the asker"});
    let checked = json!({
        "jurisdiction": {"type": "string", "nullable": true, "description": "Where it lies; null where nobody looks after that ground"},
        "revision": {"type": "object", "additionalProperties": {"type": "integer"},
            "description": "The revision of each jurisdiction that was looked at"},
        "at": {"type": "string", "format": "date-time", "description": "The moment at which dates were looked at"},
        "day": {"type": "string", "format": "date", "description": "The day of that in the jurisdiction"},
        "verdict": verdict,
        "findings": {"type": "array", "items": reference("finding"), "description": "One of each check, always all of them"},
    });
    let mut result = checked.clone();
    result["subject"] =
        json!({"allOf": [reference("column")], "description": "What was asked, in WGS 84, as it was understood"});
    let mut run = result.clone();
    run["id"] = json!({"type": "string", "format": "uuid"});
    run["recorded_at"] = json!({"type": "string", "format": "date-time"});
    run["recorded_revision"] =
        json!({"type": "integer", "description": "The revision of the jurisdiction in which it was recorded"});
    run["rules"] = json!({"type": "object", "nullable": true, "description": "The rule pack by which it was judged"});
    run["asker"] = json!({"type": "object", "description": "Who asked"});
    run["engine"] = engine();
    run["sha256"] = json!({"type": "string", "description": "Of all that is kept, as the audit trail has it"});
    let now = changed();
    for (name, schema) in now.as_object().into_iter().flatten() {
        run[name] = schema.clone();
    }
    result["id"] = json!({"type": "string", "format": "uuid", "description": "Of the run, where it is kept"});
    let mut place = checked;
    place["rank"] = json!({"type": "integer", "minimum": 1});
    vec![
        ("antenna", object(&antenna())),
        ("column_properties", required(object(&column()), &["height_agl_m"])),
        ("column", feature(&json!({"type": "object", "description": "A Point"}), &reference("column_properties"))),
        (
            "columns",
            json!({"oneOf": [reference("column"), {"type": "object", "required": ["type", "features"], "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "minItems": 1, "items": reference("column")}}}]}),
        ),
        ("finding", object(&finding())),
        ("site_result", object(&result)),
        ("site_answer", object(&json!({"results": {"type": "array", "items": reference("site_result")}}))),
        (
            "site_line",
            json!({"allOf": [reference("site_answer"), {"type": "object", "required": ["line"], "properties": {
            "line": {"type": "integer", "minimum": 1},
            "error": {"type": "object", "description": "What is wrong with the line, RFC 9457"}}}]}),
        ),
        ("site_run", object(&run)),
        ("site_runs", runs(&now)),
        (
            "site_replay",
            object(&json!({
                "id": {"type": "string", "format": "uuid"},
                "same": {"type": "boolean"},
                "rules": {"type": "object", "nullable": true, "description": "The rules that were asked for, where other ones than those of then",
                    "properties": {"name": {"type": "string"}, "version": {"type": "string"}}},
                "not_known": {"type": "array", "items": {"type": "string"}, "description": "Jurisdictions at which it would look under \
                    these rules, and of which nobody can tell any more what they held"},
                "tampered": {"type": "array", "items": {"type": "string"}, "description": "What does not fit what was kept"},
                "differences": changes(&now["difference"]),
                "waived": {"type": "array", "items": {"type": "string"}, "description": "The checks whose findings were waived"},
                "engine": {"type": "object", "description": "The version of the checks that answered", "properties": {
                    "then": engine(), "now": {"type": "integer"}}},
                "accuracies_kept": {"type": "boolean", "description": "The run says how accurate positions were taken to be that state \
                    nothing; one that is older than that is kept is answered by the settings of now"},
            })),
        ),
        ("site_search", search()),
        ("site_place", feature(&json!({"type": "object", "description": "A Point"}), &object(&place))),
        ("site_places", places()),
    ]
}

fn engine() -> Json {
    json!({"type": "integer", "nullable": true, "description": "The version of the checks; null of a run that is older than that is kept"})
}

fn reference(of: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{of}")})
}

fn object(properties: &Json) -> Json {
    json!({"type": "object", "properties": properties})
}

fn required(mut schema: Json, names: &[&str]) -> Json {
    schema["required"] = json!(names);
    schema
}

fn feature(geometry: &Json, properties: &Json) -> Json {
    json!({"type": "object", "required": ["type", "geometry", "properties"], "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"description": "How the answer calls it; else its place in the document, from 0"},
        "geometry": geometry,
        "properties": properties,
    }})
}

fn number(description: &str) -> Json {
    json!({"type": "number", "nullable": true, "description": description})
}

fn antenna() -> Json {
    json!({
        "frequency_mhz": number("Frequency, MHz; has to be stated"),
        "eirp_w": number("Power in the main direction as if from an isotropic antenna, W; or state eirp_dbm. What no network radiates is \
            refused: it is of another unit"),
        "eirp_dbm": number("The same in dBm; answers have watts"),
        "azimuth_deg": number("Where it points, degrees clockwise from grid north; without it all round"),
        "height_agl_m": number("Its middle above ground, m; without it at the top"),
        "beamwidth_deg": number("The angle in which it radiates at least half, degrees; without it by the rules"),
    })
}

fn column() -> Json {
    let day =
        |description: &str| json!({"type": "string", "format": "date", "nullable": true, "description": description});
    json!({
        "name": {"type": "string", "nullable": true},
        "kind": {"type": "string", "enum": words::<WorkKind>(), "default": WorkKind::Mast.as_str(), "description": "What it is to be"},
        "column_class": {"type": "string", "enum": words::<ColumnClass>(), "nullable": true},
        "height_agl_m": {"type": "number", "minimum": 0, "exclusiveMinimum": true,
            "description": "Height above ground with antennas and lightning rod, m"},
        "ground_amsl_m": number("The ground at the place above the sea, m: without it nobody can tell below an obstacle surface"),
        "position_accuracy_m": number("How accurate the place is, m; 0 by default"),
        "organisation": {"type": "string", "nullable": true, "description": "The carrier that asks, by its code; where a carrier leaves it out, itself"},
        "request": {"type": "string", "format": "uuid", "nullable": true,
            "description": "The reference feature of a site request that is checked: it is not in its own way"},
        "antennas": {"type": "array", "items": reference("antenna"), "nullable": true},
        "starts_on": day("The first day of building"),
        "ends_on": day("The last day of building"),
    })
}

fn finding() -> Json {
    let quantity = |description: &str| {
        json!({"type": "object", "nullable": true, "description": description, "properties": {
            "value": {"type": "number"}, "unit": {"type": "string", "enum": words::<Unit>()}}})
    };
    let source: Vec<String> = sources().iter().map(ToString::to_string).collect();
    let evidence = json!({
        "layer": {"type": "string", "enum": words::<Layer>()},
        "id": {"type": "string", "format": "uuid"},
        "code": {"type": "string"},
        "kind": {"type": "string"},
        "name": {"type": "string", "nullable": true},
        "organisation": {"type": "string"},
        "distance_m": {"type": "number", "description": "From the place, m; 0 where the place lies in it"},
        "spare_capacity": {"type": "integer", "nullable": true, "description": "Places left on a column for further carriers"},
    });
    json!({
        "waived": {"type": "object", "nullable": true, "description": "Who waived it and why; of what is kept alone"},
        "code": {"type": "string", "enum": words::<CheckCode>()},
        "verdict": {"type": "string", "enum": words::<Verdict>()},
        "key": {"type": "string", "description": "Which sentence it is, for programs"},
        "message": {"type": "object", "properties": {"vi": {"type": "string"}, "en": {"type": "string"}}},
        "measured": quantity("What was measured"),
        "limit": quantity("What it was held against"),
        "rule": {"oneOf": [{"allOf": [reference("rule"), object(&applies())]}, object(&decided())], "nullable": true,
            "description": "The parameter that gave the limit, with what it applies to; of what a zone says the decision of its plan"},
        "compliance": compliance(),
        "evidence": {"type": "array", "items": object(&evidence), "description": "What it rests on, the nearest first"},
        "restricted": {"type": "boolean", "description": "Something there is not the asker's to see: ask the office"},
        "consult": {"type": "array", "items": {"type": "string", "enum": words::<Consultee>()}, "description": "Who has to be asked"},
        "outcome": {"type": "string", "enum": words::<Outcome>(), "nullable": true, "description": "What follows, where it is no refusal"},
        "gaps": {"type": "array", "description": "What does not answer for the place", "items": object(&json!({
            "source": {"type": "string", "enum": source}, "reason": {"type": "string", "enum": words::<GapWhy>()}}))},
        "geometry": {"type": "object", "nullable": true, "description": "Something small to draw, in WGS 84, where there is something to see: \
            the ground that was measured or asked about, a Point where the place is exact; the ground under a surface of a runway; a zone or a freeze \
            window, or the box round it where it has more than 100 positions; of a place outside the way to the nearest boundary. \
            What passes and has nothing of its own to draw shows where the place may be"},
    })
}

/// How far people keep from antennas.
fn compliance() -> Json {
    let metres = |description: &str| json!({"type": "number", "description": description});
    let sector = json!({
        "azimuth_deg": number("Where it points, degrees clockwise from grid north; null where it sends all round"),
        "beamwidth_deg": {"type": "number", "description": "As stated, else by the rules"},
        "eirp_w": {"type": "number"},
        "front_m": metres("In its beam, m"),
        "shoulder_m": metres("Beside its beam, as far again as it is wide to each side, m"),
        "side_m": metres("At its sides and back, m"),
        "below_m": metres("Below it, m"),
        "summed_m": metres("With all that is co-sited, each by what it sends that way, in the direction in its beam in which they are most, m"),
        "summed_side_m": metres("The same at its sides and back, m"),
    });
    json!({"type": "object", "nullable": true, "description": "Of EMF where antennas are stated: nearer than this there is more than the limit \
        of power density, whatever their frequency", "properties": {
        "sectors": {"type": "array", "items": object(&sector), "description": "Each antenna of the column alone, in the order in which they are stated"},
        "summed_m": metres("From all antennas of the column and what is co-sited, as if all pointed the same way, m"),
        "summed_below_m": metres("Below all of them, m"),
    }})
}

/// The decision of the plan of a zone.
fn decided() -> Json {
    let text = |description: &str| json!({"type": "string", "description": description});
    let day =
        |description: &str| json!({"type": "string", "format": "date", "nullable": true, "description": description});
    json!({
        "zone": text("The code of the zone"),
        "plan": text("The code of the plan"),
        "plan_version": {"type": "integer", "minimum": 1},
        "document": text("The number of the decision"),
        "date": {"type": "string", "format": "date", "description": "Its day"},
        "signer": {"type": "string", "nullable": true, "description": "Who signed it"},
        "valid_from": day("The first day on which the zone is in force"),
        "valid_to": day("The last one"),
    })
}

/// What a parameter applies to: what is null is no condition.
fn applies() -> Json {
    let text = || json!({"type": "string", "nullable": true});
    json!({
        "corridor_kind": text(),
        "corridor_class": {"type": "string", "nullable": true, "description": "Of a runway, too"},
        "voltage_from_kv": number("kV"),
        "voltage_to_kv": number("kV"),
        "work_kind": {"type": "string", "enum": words::<WorkKind>(), "nullable": true},
        "note": text(),
    })
}

/// Where an answer is another one; under other rules with the rule by which it would be.
fn changes(differences: &Json) -> Json {
    let (mut all, finding) = (differences.clone(), finding());
    for name in ["limit", "rule"] {
        let mut said = finding[name].clone();
        said["nullable"] = true.into();
        all["items"]["properties"][name] = said;
    }
    all["description"] = "Where it is not; under other rules with the limit and the rule by which it would be".into();
    all
}

/// What is known of a kept run since.
fn changed() -> Json {
    let verdict = || json!({"type": "string", "enum": words::<Verdict>(), "nullable": true});
    let one =
        json!({"code": {"type": "string", "enum": words::<CheckCode>()}, "before": verdict(), "after": verdict()});
    json!({
        "current": {"type": "boolean", "nullable": true, "description": "It would be answered so now; null where the asker was told of so \
            much that is hidden that he is not told"},
        "difference": {"type": "array", "items": object(&one), "description": "Where it would not"},
        "marked": {"type": "object", "nullable": true, "description": "When that was found, for which day and revisions"},
    })
}

fn runs(now: &Json) -> Json {
    let one = json!({
        "id": {"type": "string", "format": "uuid"},
        "name": {"type": "string"},
        "jurisdiction": {"type": "string"},
        "lon": {"type": "number"},
        "lat": {"type": "number"},
        "day": {"type": "string", "format": "date"},
        "recorded_at": {"type": "string", "format": "date-time"},
        "verdict": {"type": "string", "enum": words::<Verdict>()},
        "current": now["current"].clone(),
        "difference": now["difference"].clone(),
        "waived": {"type": "array", "items": {"type": "string"}, "description": "The checks whose findings were waived"},
        "href": {"type": "string"},
    });
    object(&json!({
        "site_checks": {"type": "array", "items": object(&one)},
        "next": {"type": "string", "nullable": true, "description": "What «after» has to say for the next page"},
    }))
}

fn search() -> Json {
    let own = json!({
        "radius_m": number("How far round the shape is searched, m; a shape without an area needs it"),
        "spacing_m": number("Between two neighbouring places, m; without it such that there are about a thousand, of at most 5 000"),
        "pattern": {"type": "string", "enum": ["hexagonal", "square"], "default": "hexagonal", "nullable": true},
    });
    feature(
        &json!({"type": "object", "description": "Where: an area, or what is searched round"}),
        &json!({"allOf": [reference("column_properties"), object(&own)]}),
    )
}

fn places() -> Json {
    object(&json!({
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "looked_at": {"type": "integer", "minimum": 1, "description": "How many places were looked at"},
        "verdicts": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "How many of them came to each verdict"},
        "spacing_m": {"type": "number", "description": "Between two neighbouring places, m"},
        "features": {"type": "array", "items": reference("site_place"), "description": "The best first"},
    }))
}
