//! What site checks answer is what the API document says of it: each member is described, each word is among those that are
//! listed, each number is one.

use serde_json::{Map, Value as Json, json};

use crate::help::{Api, CORRIDORS, GRID, WORKS, feature, mast, merged, point, rect, road};
use crate::site_check::{NOW, SITES, ask, prepared};

/// A schema with what it refers to, and what all of it have, in one.
fn whole(document: &Json, schema: &Json) -> Json {
    let mut one = schema.clone();
    if let Some(pointer) = schema["$ref"].as_str() {
        let there = document.pointer(pointer.strip_prefix('#').unwrap());
        return whole(document, there.unwrap_or_else(|| panic!("{pointer} leads nowhere")));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let part = whole(document, part);
        for (name, value) in part.as_object().unwrap() {
            if name == "properties" && one.get("properties").is_some() {
                one["properties"] = merged(one["properties"].clone(), value);
            } else if one.get(name).is_none() {
                one[name] = value.clone();
            }
        }
    }
    one
}

/// Every way in which a value is not what a schema says.
fn misfits(document: &Json, schema: &Json, value: &Json, at: &str, found: &mut Vec<String>) {
    let schema = whole(document, schema);
    if value.is_null() {
        if schema["nullable"] != true {
            found.push(format!("{at} is null"));
        }
        return;
    }
    let is = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    };
    if !is {
        found.push(format!("{at} is {value}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is not listed"));
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        misfits(document, &schema["items"], item, &format!("{at}/{n}"), found);
    }
    let empty = Map::new();
    let known = schema["properties"].as_object();
    for (name, member) in value.as_object().unwrap_or(&empty) {
        match (known.and_then(|known| known.get(name)), schema.get("additionalProperties")) {
            (Some(schema), _) | (None, Some(schema)) => {
                misfits(document, schema, member, &format!("{at}/{name}"), found);
            }
            (None, None) if known.is_some() => found.push(format!("{at}/{name} is not described")),
            (None, None) => {}
        }
    }
}

struct Described {
    document: Json,
}

impl Described {
    /// The schema of a body: that of the request, or of an answer with a status.
    fn body(&self, path: &str, method: &str, status: Option<&str>) -> Json {
        let operation = &self.document["paths"][path][method];
        let body = status.map_or(&operation["requestBody"], |status| &operation["responses"][status]);
        let content = body["content"].as_object().unwrap_or_else(|| panic!("{path} {method}: {operation}"));
        content.values().next().unwrap()["schema"].clone()
    }

    fn fits(&self, schema: &Json, value: &Json, what: &str) {
        let mut found = Vec::new();
        misfits(&self.document, schema, value, what, &mut found);
        assert!(found.is_empty(), "{found:#?}");
    }
}

fn world() -> Api {
    let api = prepared(Api::new());
    let shared = json!({"code": "M", "column_class": "A2b", "spare_capacity": 1, "position_accuracy_m": 0});
    api.add(WORKS, point(200.0, 0.0), merged(shared, &mast()));
    api.add(CORRIDORS, rect(20.0, -90.0, 40.0, 90.0), merged(json!({"code": "C", "class": "III"}), &road()));
    let hidden = merged(json!({"code": "C-2", "visibility": "restricted"}), &road());
    api.add(CORRIDORS, rect(20.0, -900.0, 40.0, -800.0), hidden);
    api.school("S", rect(0.0, 30.0, 9.0, 40.0));
    api
}

#[test]
fn what_is_answered_is_described() {
    let api = world();
    let described = Described { document: api.server.get("", "/ogc/api").json() };
    let antenna = json!({"frequency_mhz": 900, "eirp_w": 4_000, "azimuth_deg": 90, "beamwidth_deg": 65});
    let column = json!({"height_agl_m": 60, "column_class": "A2b", "organisation": "viettel", "antennas": [antenna],
        "starts_on": "2026-07-01"});
    let one = feature(point(0.0, 0.0), column.clone());
    let request = whole(&described.document, &described.body(SITES, "post", None));
    described.fits(&request["oneOf"][0], &one, "request");
    let far = feature(json!({"type": "Point", "coordinates": [0, 0]}), column.clone());
    let several = json!({"type": "FeatureCollection", "features": [one, far, feature(point(0.0, 900.0), json!({"height_agl_m": 9}))]});
    for (role, store, status) in [("", "no", 200), ("officer", "no", 200), ("officer", "yes", 201)] {
        let answer = ask(&api, role, &format!("{SITES}?{NOW}&store={store}"), &several);
        assert_eq!(answer.status, status, "{}", answer.text);
        described.fits(&described.body(SITES, "post", Some("200")), &answer.json(), role);
    }
    let listed = api.server.get("officer", SITES);
    described.fits(&described.body(SITES, "get", Some("200")), &listed.json(), "list");
    let id = listed.json()["site_checks"][0]["id"].as_str().unwrap().to_owned();
    for more in ["", "/replay"] {
        let kept = api.server.get("officer", &format!("{SITES}/{id}{more}"));
        assert_eq!(kept.status, 200, "{}", kept.text);
        described.fits(&described.body(&format!("{SITES}/{{id}}{more}"), "get", Some("200")), &kept.json(), more);
        assert!(more.is_empty() || kept.json()["same"] == true, "{}", kept.text);
    }
    let lines = format!("{one}\n{{\n");
    let headers = [("Content-Type", "application/x-ndjson"), ("Content-Crs", GRID)];
    let batch = api.server.send("POST", &format!("{SITES}/batch"), &headers, Some(lines.as_bytes()));
    for line in batch.text.lines() {
        let line = serde_json::from_str(line).unwrap();
        described.fits(&described.body("/api/site-checks/batch", "post", Some("200")), &line, "batch");
    }
    let wanted =
        feature(rect(-90.0, -90.0, 90.0, 90.0), merged(json!({"spacing_m": 30, "pattern": "square"}), &column));
    described.fits(&described.body("/api/site-search", "post", None), &wanted, "search");
    let found = ask(&api, "officer", "/api/site-search?limit=5", &wanted);
    described.fits(&described.body("/api/site-search", "post", Some("200")), &found.json(), "search");
    let layers = api.server.get("", "/api/reference-layers").json();
    described.fits(&described.body("/api/reference-layers", "get", Some("200")), &layers, "layers");
}

/// A schema that leaves something out is found out.
#[test]
fn what_is_not_described_is_found() {
    let document =
        json!({"components": {"schemas": {"a": {"type": "object", "properties": {"n": {"type": "integer"}}}}}});
    let schema = json!({"allOf": [{"$ref": "#/components/schemas/a"}, {"type": "object", "properties": {"w": {"enum": ["x"]}}}]});
    let misfits_of = |value: Json| {
        let mut found = Vec::new();
        misfits(&document, &schema, &value, "", &mut found);
        found
    };
    assert_eq!(misfits_of(json!({"n": 1, "w": "x"})), [""; 0]);
    assert_eq!(misfits_of(json!({"n": 1.5, "w": "y", "z": 0})).len(), 3);
    assert_eq!(misfits_of(json!({"n": null})), ["/n is null"]);
}
