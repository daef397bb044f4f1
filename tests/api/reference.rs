//! Reference features: what is said of each kind, what is wrong with a document, who sees them, and the list of their layers.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::help::{Api, REFERENCES, WORKS, feature, line, mast, merged, point, rect, school};
use crate::site_request::{CaseOf, column};
use crate::support::{Response, brought_in};

const LAYERS: &str = "/api/reference-layers";

fn runway() -> Json {
    json!({"kind": "runway", "organisation": "aviation", "elevation_from_m": 527.0, "elevation_to_m": 530.5})
}

fn strip() -> Json {
    line(&[(0.0, 0.0), (1_800.0, 0.0)])
}

fn created(api: &Api, role: &str, shape: Json, properties: Json) -> Response {
    api.on_grid(role, "POST", REFERENCES, &feature(shape, properties))
}

fn patched(api: &Api, role: &str, id: &str, body: &Json) -> Response {
    api.on_grid(role, "PATCH", &format!("{REFERENCES}/{id}"), body)
}

#[test]
fn a_reference_feature_is_made_changed_listed_and_deleted() {
    let api = Api::new();
    let area = json!({"code": "Z-1", "dataset": "station plan 2030", "kind": "urban_area", "name": "Khu trung tâm",
        "organisation": "office", "visibility": "government", "valid_from": "2026-01-01", "valid_to": "2030-12-31",
        "source": "Decision 12", "source_date": "2025-11-20", "licence": "internal", "column_classes": ["A1a", "A2b"],
        "height_max_m": 45.0, "quota": 12, "spacing_m": 300.0, "sharing_required": true});
    let made = created(&api, "officer", rect(0.0, 0.0, 500.0, 500.0), area.clone());
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{REFERENCES}/{id}");
    let read = || api.server.get("officer", &path).json()["properties"].clone();
    let has = |properties: &Json, expect: &Json| {
        for (name, value) in expect.as_object().unwrap() {
            assert_eq!(&properties[name], value, "{name}: {properties}");
        }
    };
    has(&read(), &area);
    // What it does not say has its usual value.
    has(&read(), &json!({"version": 1, "class": null, "eirp_w": null, "occupied": null}));
    let patch =
        json!({"properties": {"quota": 15, "sharing_required": null, "column_classes": ["A1b"], "licence": null}});
    assert_eq!(patched(&api, "officer", &id, &patch).status, 200);
    let expect = json!({"version": 2, "quota": 15, "sharing_required": false, "column_classes": ["A1b"], "licence": null,
        "height_max_m": 45.0, "dataset": "station plan 2030"});
    has(&read(), &expect);
    // Without a name its layer is called after its kind.
    let school = created(&api, "officer", point(0.0, 0.0), school()).json();
    has(&school["properties"], &json!({"dataset": "school", "visibility": "public", "sharing_required": false}));
    assert!(school["properties"]["code"].as_str().unwrap().starts_with("R-"), "{school}");
    let listed = |role: &str| {
        let page = api.server.get(role, &format!("{REFERENCES}?bbox=107,11,109,13")).json();
        page["features"].as_array().unwrap().len()
    };
    assert_eq!((listed("officer"), listed("")), (2, 1));
    let replaced = api.on_grid(
        "officer",
        "PUT",
        &path,
        &feature(
            rect(0.0, 0.0, 9.0, 9.0),
            json!({"kind": "urban_area",
        "organisation": "office", "visibility": "public"}),
        ),
    );
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    has(&read(), &json!({"version": 3, "code": "Z-1", "dataset": "urban_area", "quota": null, "column_classes": []}));
    assert_eq!(api.send("officer", "DELETE", &path, &[("If-Match", "\"2\"")], None).status, 412);
    assert_eq!(api.send("officer", "DELETE", &path, &[], None).status, 204);
    assert_eq!((listed("officer"), api.server.get("officer", &path).status), (1, 404));
    let history = api.server.get("officer", &format!("/api/references/{id}/history")).json();
    let versions = history["versions"].as_array().unwrap().iter().map(|v| v["version"].clone()).collect::<Vec<_>>();
    assert_eq!((json!(versions), &history["deleted"]["deed"]), (json!([3, 2, 1]), &json!("delete")));
}

#[test]
fn elevations_are_stated_in_metres_or_in_feet() {
    let api = Api::new();
    let feet = json!({"kind": "runway", "organisation": "aviation", "elevation_from_ft": 59, "elevation_to_ft": 79});
    let made = created(&api, "officer", strip(), feet);
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let elevations = || {
        let p = api.server.get("", &format!("{REFERENCES}/{id}")).json()["properties"].clone();
        assert!(p.get("elevation_from_ft").is_none(), "kept in metres: {p}");
        [&p["elevation_from_m"], &p["elevation_to_m"]].map(|m| format!("{:.4}", m.as_f64().unwrap()))
    };
    assert_eq!(elevations(), ["17.9832", "24.0792"], "an international foot has 0.3048 m");
    // Whoever patches one in feet takes the place of the metres that are kept.
    let higher = patched(&api, "officer", &id, &json!({"properties": {"elevation_to_ft": 100}}));
    assert_eq!(higher.status, 200, "{}", higher.text);
    assert_eq!(elevations(), ["17.9832", "30.4800"]);
    let both = patched(&api, "officer", &id, &json!({"properties": {"elevation_to_ft": 100, "elevation_to_m": 30}}));
    assert_eq!(both.problems(), ["/properties/elevation_to_ft: stands beside elevation_to_m: state one of the two"]);
    let none = patched(&api, "officer", &id, &json!({"properties": {"elevation_to_m": null}}));
    assert_eq!(both.status, 422);
    assert_eq!(none.status, 200, "nobody has to know how high it is: {}", none.text);
    assert_eq!(none.json()["properties"]["elevation_to_m"], Json::Null);
    let bare = created(&api, "officer", strip(), json!({"kind": "runway", "organisation": "aviation"}));
    assert_eq!(bare.status, 201, "{}", bare.text);
}

/// A shape, properties, and what is wrong with them.
type Bad = (Json, Json, Vec<String>);

fn bad_documents() -> Vec<Bad> {
    let base = |kind: &str| json!({"kind": kind, "organisation": "office"});
    let with = |kind: &str, more: Json| merged(more, &base(kind));
    let (area, spot) = (rect(0.0, 0.0, 9.0, 9.0), point(0.0, 0.0));
    let kinds = "boundary, heritage, monument, government_front, school, hospital, runway, road, power_line, defence_area, \
        urban_area, building, transmitter, zone, freeze_window, site_request, other";
    let lies_in_it = "/geometry/type: a place lies in it or not, so it is a Polygon or a MultiPolygon";
    let threshold = "/geometry/type: a runway is a LineString from one threshold to the other";
    let wanted = "a runway is a straight LineString from one threshold to the other, not its outline";
    let ends = |m: &str| {
        let short = "from each other, and no runway is shorter than 100 m";
        format!("/geometry/coordinates: has its ends {m} m {short}; {wanted}")
    };
    let is_drawn = "/geometry/type: a road or a line is drawn as a line or an area";
    vec![
        (Json::Null, runway(), vec!["/geometry: is missing or null: a feature has a place".into()]),
        (area.clone(), runway(), vec![threshold.into()]),
        (json!({"type": "MultiLineString", "coordinates": [strip()["coordinates"]]}), runway(), vec![threshold.into()]),
        // Its outline, closed and open, and what is bent.
        (line(&[(0.0, 0.0), (900.0, 0.0), (900.0, 45.0), (0.0, 45.0), (0.0, 0.0)]), runway(), vec![ends("0.0")]),
        (line(&[(0.0, 0.0), (900.0, 0.0), (900.0, 45.0), (0.0, 45.0)]), runway(), vec![ends("45.0")]),
        (
            line(&[(0.0, 0.0), (450.0, 100.0), (900.0, 0.0)]),
            runway(),
            vec![format!(
                "/geometry/coordinates: is bent: a point stands 100.0 m off the line from end to end, at most 9 m may; {wanted}"
            )],
        ),
        (
            strip(),
            merged(json!({"elevation_from_ft": 1_729}), &runway()),
            vec!["/properties/elevation_from_ft: stands beside elevation_from_m: state one of the two".into()],
        ),
        (
            strip(),
            merged(json!({"elevation_to_m": 9_001}), &runway()),
            vec!["/properties/elevation_to_m: is 9001; it must lie between -500 and 9000".into()],
        ),
        (spot.clone(), base("transmitter"), vec!["/properties/eirp_w: is missing".into()]),
        (
            spot.clone(),
            with("transmitter", json!({"eirp_w": 100_001, "frequency_mhz": 900})),
            vec!["/properties/eirp_w: is 100001; it must lie between 0.01 and 100000".into()],
        ),
        (
            spot.clone(),
            with("transmitter", json!({"eirp_w": 0, "azimuth_deg": 361, "frequency_mhz": 0.001})),
            vec![
                "/properties/eirp_w: is 0; it must lie between 0.01 and 100000".into(),
                "/properties/frequency_mhz: is 0.001; it must lie between 0.009 and 300000".into(),
                "/properties/azimuth_deg: is 361; it must lie between 0 and 360".into(),
            ],
        ),
        (
            spot.clone(),
            base("temple"),
            vec![format!("/properties/kind: «temple» is not known here; known are {kinds}")],
        ),
        (spot.clone(), json!({"organisation": "office"}), vec!["/properties/kind: is missing".into()]),
        (area.clone(), with("zone", json!({"quota": 1.5})), vec!["/properties/quota: must be a whole number".into()]),
        (
            area.clone(),
            with("zone", json!({"quota": -1, "height_max_m": -5, "column_classes": ["A1a", "B"]})),
            vec![
                "/properties/quota: is -1; it must lie between 0 and 100000".into(),
                "/properties/column_classes/1: «B» is not known here; known are A1a, A1b, A2a, A2b, A2c".into(),
                "/properties/height_max_m: is -5; it must lie between 0 and 1000".into(),
            ],
        ),
        (
            spot.clone(),
            with("hospital", json!({"dataset": "x".repeat(81), "licence": "y".repeat(81), "occupied": "yes"})),
            vec![
                "/properties/dataset: is longer than 80 characters".into(),
                "/properties/licence: is longer than 80 characters".into(),
                "/properties/occupied: is the text «yes»; true or false belongs here".into(),
            ],
        ),
        (
            spot.clone(),
            with("school", json!({"valid_from": "2026-02-01", "valid_to": "2026-01-31", "source_date": "2026"})),
            vec![
                "/properties/valid_to: 2026-01-31 is before valid_from 2026-02-01".into(),
                "/properties/source_date: «2026» is not a date; write it as 2026-03-01".into(),
            ],
        ),
        (spot.clone(), base("boundary"), vec![lies_in_it.into()]),
        (spot.clone(), base("urban_area"), vec![lies_in_it.into()]),
        (strip(), base("freeze_window"), vec![lies_in_it.into()]),
        (spot.clone(), base("zone"), vec![lies_in_it.into()]),
        (spot.clone(), base("road"), vec![is_drawn.into()]),
        (spot.clone(), base("power_line"), vec![is_drawn.into()]),
        (
            strip(),
            with("power_line", json!({"voltage_kv": 0})),
            vec!["/properties/voltage_kv: is 0; a voltage is more than that".into()],
        ),
    ]
}

#[test]
fn every_problem_of_a_document_is_told_at_its_place() {
    let api = Api::new();
    let there = api.school("S", rect(0.0, 0.0, 9.0, 9.0));
    for (shape, properties, expect) in bad_documents() {
        let what = format!("{properties}");
        let refused = created(&api, "officer", shape.clone(), properties.clone());
        assert_eq!((refused.status, refused.problems()), (422, expect.clone()), "{what}: {}", refused.text);
        let path = format!("{REFERENCES}/{there}");
        let document = feature(shape.clone(), properties);
        let refused = api.on_grid("officer", "PUT", &path, &document);
        assert_eq!((refused.status, refused.problems()), (422, expect), "PUT {what}: {}", refused.text);
    }
    // The kind is as little changed to one of another shape.
    let refused =
        patched(&api, "officer", &there, &json!({"properties": merged(json!({"kind": "runway"}), &runway())}));
    assert_eq!(refused.problems(), ["/properties/kind: is of another shape than this feature has"]);
    // Nor is what is bent called a runway, nor a runway bent, by parts of it.
    let bent = line(&[(0.0, 0.0), (450.0, 100.0), (900.0, 0.0)]);
    let road = api.add(REFERENCES, bent.clone(), json!({"code": "R", "kind": "road", "organisation": "office"}));
    let straight = api.add(REFERENCES, strip(), merged(json!({"code": "W"}), &runway()));
    let is_bent = "is bent: a point stands 100.0 m off the line from end to end, at most 9 m may; a runway is a straight LineString \
        from one threshold to the other, not its outline";
    for (id, document, pointer) in [
        (
            &road,
            json!({"properties": {"kind": "runway", "elevation_from_m": 527}}),
            "/properties/kind: is of another shape than this feature has, which",
        ),
        (&road, json!({"properties": {"kind": "runway"}, "geometry": bent}), "/geometry/coordinates:"),
        (&straight, json!({"geometry": bent}), "/geometry/coordinates:"),
    ] {
        let refused = patched(&api, "officer", id, &document);
        assert_eq!((refused.status, refused.problems()), (422, vec![format!("{pointer} {is_bent}")]), "{document}");
    }
    for id in [road, straight] {
        assert_eq!(api.server.call("officer", "DELETE", &format!("{REFERENCES}/{id}"), None).status, 204);
    }
    let unknown = created(&api, "officer", point(0.0, 0.0), merged(json!({"colour": "red"}), &school())).problems();
    assert!(unknown[0].starts_with("/properties/colour: is not a property of this feature; known are code, jur"));
    assert_eq!(api.sql("SELECT count(*) || ' ' || max(version) FROM reference_features"), Some("1 1".into()));
}

/// An aerodrome matters far beyond a boundary, so reference features are taken from farther than works and corridors.
#[test]
fn what_lies_beyond_the_boundary_is_kept_as_far_as_an_approach_reaches() {
    let api = Api::new();
    // The boundary runs from 107.202, 12.22 to 107.204, 12.1; 0.1° are some 11 km.
    let at = |degrees: f64| json!({"type": "Point", "coordinates": [107.203 - degrees, 12.16]});
    let make = |items: &str, degrees: f64, properties: Json| {
        api.server.post("officer", items, &feature(at(degrees), properties))
    };
    let here = json!({"jurisdiction": "VN-72"});
    for named in [json!({}), here.clone()] {
        let made = make(REFERENCES, 0.1, merged(named, &school()));
        assert_eq!((made.status, &made.json()["properties"]["jurisdiction"]), (201, &json!("VN-72")), "{}", made.text);
    }
    let far = make(REFERENCES, 0.2, merged(here.clone(), &school())).problems();
    assert!(far[0].contains("lies outside VN-72 (Dak Nong), even widened by 20000 m"), "{far:?}");
    let work = make(WORKS, 0.1, merged(here.clone(), &mast())).problems();
    assert!(work[0].contains("even widened by 5000 m"), "{work:?}");
    // What is wrong with the properties does not make its place wrong.
    let wrong = merged(json!({"quota": 1.5, "jurisdiction": "VN-72"}), &school());
    assert_eq!(make(REFERENCES, 0.1, wrong).problems(), ["/properties/quota: must be a whole number"]);
    // A box finds it, and the collection says how far it reaches.
    let found = api.server.get("", &format!("{REFERENCES}?bbox=107,12.1,107.15,12.2")).json();
    assert_eq!(found["numberReturned"], 2, "{found}");
    let west = |layer: &str| {
        let collection = api.server.get("", &format!("/ogc/collections/{layer}")).json();
        collection["extent"]["spatial"]["bbox"][0][0].as_f64().unwrap()
    };
    assert!(west("references") < 107.103 && west("works") > 107.103, "{} {}", west("references"), west("works"));
}

/// Owner and visibility: `viettel`, `army` and the office are those of the tokens.
#[test]
fn who_sees_them_and_who_writes_them() {
    let api = Api::new();
    let mut ids = BTreeMap::new();
    for visibility in ["public", "carriers", "government", "restricted"] {
        for owner in ["army", "viettel"] {
            let code = format!("{visibility}-{owner}");
            let area = json!({"code": code, "kind": "defence_area", "organisation": owner, "visibility": visibility});
            ids.insert(code, api.add(REFERENCES, rect(0.0, 0.0, 9.0, 9.0), area));
        }
    }
    for (role, words, owner) in [
        ("", &["public"][..], ""),
        ("carrier", &["public", "carriers"], "viettel"),
        ("consultee", &["public", "government"], "army"),
        ("planner", &["public", "carriers", "government"], "office"),
        ("officer", &["public", "carriers", "government", "restricted"], "office"),
        ("officer-elsewhere", &["public"], "office"),
    ] {
        let sees = |code: &str| {
            let (visibility, of) = code.split_once('-').unwrap();
            words.contains(&visibility) || of == owner
        };
        let page = api.server.get(role, &format!("{REFERENCES}?limit=100")).json();
        let mut listed: Vec<&str> =
            page["features"].as_array().unwrap().iter().map(|f| f["properties"]["code"].as_str().unwrap()).collect();
        listed.sort_unstable();
        let expect: Vec<&str> = ids.keys().map(String::as_str).filter(|code| sees(code)).collect();
        assert_eq!(listed, expect, "{role}");
        for (code, id) in &ids {
            let expect = if sees(code) { 200 } else { 404 };
            for path in [format!("{REFERENCES}/{id}"), format!("/api/references/{id}/history")] {
                assert_eq!(api.server.get(role, &path).status, expect, "{role} {code} {path}");
            }
        }
    }
    // A consultee keeps its own; nobody else but the office keeps any.
    let rename = json!({"properties": {"name": "x"}});
    for (role, code, expect) in [
        ("consultee", "restricted-army", 200),
        ("consultee", "public-viettel", 403),
        ("carrier", "public-viettel", 403),
        ("planner", "public-army", 403),
        ("officer", "restricted-viettel", 200),
        ("officer-elsewhere", "public-army", 403),
    ] {
        assert_eq!(patched(&api, role, &ids[code], &rename).status, expect, "{role} {code}");
    }
    // Where nobody says who may see one, few do; of other kinds everybody does.
    let unsaid = json!({"code": "UNSAID", "kind": "defence_area", "organisation": "army"});
    let made = created(&api, "officer", rect(0.0, 0.0, 9.0, 9.0), unsaid);
    assert_eq!(made.json()["properties"]["visibility"], "restricted", "{}", made.text);
    let own = json!({"kind": "defence_area", "visibility": "restricted"});
    let made = created(&api, "consultee", rect(0.0, 0.0, 9.0, 9.0), own);
    assert_eq!((made.status, &made.json()["properties"]["organisation"]), (201, &json!("army")), "{}", made.text);
    // Whoever is shown something restricted leaves it, here as everywhere.
    let Api { server, database } = api;
    drop(server);
    let shown = "SELECT string_agg(DISTINCT concat_ws(' ', actor, layer), ', ') FROM restricted_reads";
    let shown = crate::help::sql(&mut database.connect(), shown);
    assert_eq!(shown.as_deref(), Some("carrier references, consultee references, officer references"));
}

#[test]
fn reference_layers_are_listed_with_source_licence_and_age() {
    let api = Api::new();
    let days = |api: &Api, since: &str| -> i64 {
        let age = format!("SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - date '{since}'");
        api.sql(&age).unwrap().parse().unwrap()
    };
    assert_eq!(api.server.get("", LAYERS).json(), json!({"layers": []}));
    let add = |kind: &str, more: Json| {
        let base = json!({"kind": kind, "organisation": "health", "dataset": "real places"});
        api.add(REFERENCES, point(0.0, 0.0), merged(more, &base));
    };
    let osm = json!({"source": "OpenStreetMap", "licence": "ODbL-1.0"});
    add("hospital", merged(json!({"source_date": "2025-03-01"}), &osm));
    add("hospital", merged(json!({"source_date": "2024-12-31"}), &osm));
    add("hospital", json!({"source": "the ministry", "source_date": "2023-01-01", "visibility": "government"}));
    add("school", json!({"source_date": "2025-01-01"}));
    add("school", json!({}));
    add("heritage", json!({"visibility": "restricted", "dataset": "secret places", "source_date": "2020-01-01"}));
    let list = |role: &str| {
        let answer = api.server.get(role, &format!("{LAYERS}?jurisdiction=VN-72"));
        assert_eq!((answer.status, answer.header("vary").is_some()), (200, true), "{}", answer.text);
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        assert_eq!(answer.json(), api.server.get(role, LAYERS).json());
        answer.json()["layers"].as_array().unwrap().clone()
    };
    // It may be midnight there while the test runs.
    let before = days(&api, "2024-12-31");
    let public = list("");
    let age = public[0]["age_days"].as_i64().unwrap();
    assert!((before..=days(&api, "2024-12-31")).contains(&age), "{age}");
    let hospitals = json!({"jurisdiction": "VN-72", "dataset": "real places", "kind": "hospital", "features": 2,
        "sources": ["OpenStreetMap"], "licences": ["ODbL-1.0"], "visibilities": ["public"],
        "source_date_oldest": "2024-12-31", "source_date_newest": "2025-03-01", "age_days": age});
    // Where one of them states no day, nobody knows how old the layer is.
    let schools = json!({"jurisdiction": "VN-72", "dataset": "real places", "kind": "school", "features": 2,
        "sources": [], "licences": [], "visibilities": ["public"],
        "source_date_oldest": null, "source_date_newest": "2025-01-01", "age_days": null});
    assert_eq!(public, [hospitals, schools.clone()]);
    // Of what somebody does not see there is neither a source nor a day, nor the name of its layer.
    let offices = list("planner");
    assert_eq!(offices.len(), 2);
    let first = &offices[0];
    assert_eq!(
        (&first["features"], &first["sources"], &first["source_date_oldest"], &first["visibilities"]),
        (&json!(3), &json!(["OpenStreetMap", "the ministry"]), &json!("2023-01-01"), &json!(["government", "public"]))
    );
    let all = list("officer");
    assert_eq!(
        all.iter().map(|l| l["dataset"].as_str().unwrap()).collect::<Vec<_>>(),
        ["real places", "real places", "secret places"]
    );
    assert_eq!(api.server.get("nobody", LAYERS).status, 401);
    // The document of the API names what an entry has, and which layers can be in conflict.
    let document = api.server.get("", "/ogc/api").json();
    let described =
        &document["components"]["schemas"]["reference_layers"]["properties"]["layers"]["items"]["properties"];
    let names = |object: &Json| object.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(names(described), names(&schools));
    let parameters = &document["components"]["parameters"];
    assert_eq!(parameters["against"]["schema"]["items"]["enum"], json!(["works", "corridors"]));
    assert_eq!(parameters["layer"]["schema"]["enum"], json!(["works", "corridors", "references"]));
}

/// What a workflow leads is written by its own door: by no request, and by no import where something of it stands there already.
#[test]
fn zones_and_site_requests_are_written_by_their_own_doors() {
    let api = Api::new();
    crate::plan::committee(&api);
    let plan = api.plan("QH-1", 1);
    api.published(&plan, "2026-01-01", json!(null));
    let mut case = CaseOf::file(&api, (900.0, 0.0), merged(json!({"code": "BTS-1"}), &column()));
    case.step("carrier", "submit", None, json!({}), "submitted");
    let urban = json!({"kind": "urban_area", "organisation": "office", "code": "U"});
    let urban = api.add(REFERENCES, rect(0.0, 0.0, 9.0, 9.0), urban);
    for (kind, shape, door) in [
        ("zone", rect(0.0, 0.0, 9.0, 9.0), "/api/plans"),
        ("site_request", point(0.0, 0.0), "/ogc/collections/site-requests"),
    ] {
        let document = feature(shape, json!({"kind": kind, "organisation": "office", "code": "NEW"}));
        // The program itself brings in what there was before; it stays as it is.
        let before = brought_in(
            &api.server,
            &api.database,
            9218,
            &feature(
                document["geometry"].clone(),
                json!({"kind": kind, "organisation": "office", "code": format!("OLD-{kind}")}),
            ),
        );
        for role in ["officer", "administrator"] {
            for (method, path, body) in [
                ("POST", REFERENCES.to_owned(), document.clone()),
                ("PATCH", format!("{REFERENCES}/{before}"), json!({"properties": {"name": "another"}})),
                ("PATCH", format!("{REFERENCES}/{before}"), json!({"properties": {"kind": "other"}})),
                ("PUT", format!("{REFERENCES}/{before}"), document.clone()),
                ("PUT", format!("{REFERENCES}/{urban}"), document.clone()),
            ] {
                let refused = api.on_grid(role, method, &path, &body);
                assert_eq!(refused.status, 422, "{role} {method} {path}: {}", refused.text);
                let problem = refused.problems().join(" ");
                assert!(
                    problem.starts_with("/properties/kind") && problem.contains(door),
                    "{role} {method}: {problem}"
                );
            }
        }
    }
    let there = || {
        let all = "SELECT string_agg(version_digest(r)::text, ' ' ORDER BY id) FROM reference_features AS r";
        (api.sql(all).unwrap(), api.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'"))
    };
    let before = there();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("references.geojson");
    let zone = |dataset: &str| {
        feature(
            rect(0.0, 0.0, 900.0, 900.0),
            json!({"code": "QH-1/1/Z-0000", "kind": "zone", "dataset": dataset,
            "organisation": "office", "quota": 99}),
        )
    };
    let request =
        feature(point(5_000.0, 0.0), json!({"code": "BTS-1", "kind": "site_request", "organisation": "viettel"}));
    for (document, door) in [(zone("QH-1"), "/api/plans"), (zone("mine"), "/api/plans"), (request, "site-requests")] {
        fs::write(&file, json!({"type": "FeatureCollection", "features": [document]}).to_string()).unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_clearway"))
            .args(["import", "references", "--jurisdiction", "VN-72", "--crs", "EPSG:9218"])
            .arg(&file)
            .env_clear()
            .env("DATABASE_URL", &api.database.service_url)
            .output()
            .unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(!done.status.success() && told.contains(door) && told.contains("is there already"), "{told}");
        assert_eq!(there(), before, "{told}");
    }
}
