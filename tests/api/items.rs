//! One feature at a time: create, read, replace, patch, delete, and what the headers of each say.

use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, TOWN, WORKS, feature, line, mast, merged, point, rect, road, town};

const MERGE: &str = "application/merge-patch+json";

/// The version and the status of a change sent with `If-Match`.
fn change(api: &Api, method: &str, path: &str, tag: Option<&str>, body: &Json) -> u16 {
    let mut headers = vec![("Content-Type", "application/geo+json")];
    headers.extend(tag.map(|t| ("If-Match", t)));
    let body = (method != "DELETE").then_some(body);
    api.send("officer", method, path, &headers, body).status
}

fn patch(api: &Api, path: &str, patch: &Json) -> Json {
    let answer = api.send("officer", "PATCH", path, &[("Content-Type", MERGE)], Some(patch));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[test]
fn a_feature_lives_from_create_to_delete() {
    let api = Api::new();
    for (items, own) in [(WORKS, mast()), (CORRIDORS, road())] {
        let shape = if items == WORKS {
            town()
        } else {
            json!({"type":"Polygon","coordinates":[[[107.69,12.0],[107.7,12.0],[107.7,12.01],[107.69,12.0]]]})
        };
        let document = feature(shape.clone(), merged(json!({"code": "L-1"}), &own));
        let created = api.server.post("officer", items, &document);
        assert_eq!(created.status, 201, "{}", created.text);
        let id = created.json()["id"].as_str().unwrap().to_owned();
        let path = format!("{items}/{id}");
        assert_eq!(created.header("location"), Some(format!("{}{path}", api.server.base).as_str()));
        assert_eq!(created.header("etag"), Some("\"1\""));
        assert_eq!(created.header("content-type"), Some("application/geo+json"));
        assert_eq!(created.header("content-crs"), Some("<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"));
        let read = api.server.get("", &path);
        assert_eq!(read.json(), created.json());
        assert_eq!((&read.json()["geometry"], read.header("etag")), (&shape, Some("\"1\"")));
        assert_eq!(read.json()["links"][0]["href"], format!("{}{path}", api.server.base));

        let replacement = feature(shape, merged(json!({"code": "L-1", "name": "renamed"}), &own));
        let replaced = api.server.call("officer", "PUT", &path, Some(&replacement));
        assert_eq!((replaced.status, replaced.header("etag")), (200, Some("\"2\"")), "{}", replaced.text);
        assert_eq!(replaced.json()["properties"]["name"], "renamed");
        let patched = patch(&api, &path, &json!({"properties": {"name": "patched", "source": null}}));
        assert_eq!((&patched["properties"]["name"], &patched["properties"]["version"]), (&json!("patched"), &json!(3)));
        assert_eq!(api.server.get("", &path).json(), patched);

        let deleted = api.server.call("officer", "DELETE", &path, None);
        assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let gone = api.server.call("officer", method, &path, (method != "GET").then_some(&replacement));
            assert_eq!((gone.status, gone.json()["type"].as_str()), (404, Some("/problems/not-there")), "{method}");
        }
    }
}

#[test]
fn properties_have_the_names_of_the_api() {
    let api = Api::new();
    let work = json!({"code": "N-1", "jurisdiction": "VN-72", "name": "Cột Gia Nghĩa", "kind": "mast", "status": "suspended",
        "organisation": "viettel", "tenants": ["vnpt", "mobifone"], "spare_capacity": 2, "column_class": "A2b",
        "height_agl_m": 42.5, "position_accuracy_m": 1.5, "capture_method": "gnss", "importance": "important",
        "visibility": "public", "valid_from": "2009-03-01", "valid_to": "2030-01-01", "source": "register of 2009"});
    let corridor = json!({"code": "N-2", "jurisdiction": "VN-72", "name": "QL14", "kind": "road", "class": "III", "voltage_kv": 110.5,
        "status": "approved", "project": "QL14 widening", "organisation": "roads-board", "in_force_from": "2026-01-01",
        "in_force_to": "2036-01-01", "hand_over_on": "2027-06-30", "clearance_m": 13.0, "half_width_left_m": 15.0,
        "half_width_right_m": 20.0, "visibility": "government", "source": "decision"});
    let cable = json!({"type": "LineString", "coordinates": [TOWN, [107.70, 12.01]]});
    for (items, properties, shape) in [(WORKS, work, town()), (CORRIDORS, corridor, cable)] {
        let made = api.server.post("officer", items, &feature(shape, properties.clone()));
        assert_eq!(made.status, 201, "{}", made.text);
        let mut got = made.json()["properties"].clone();
        let written = got.as_object_mut().unwrap();
        for (name, expect) in [("version", json!(1)), ("recorded_crs", json!("EPSG:4326"))] {
            assert_eq!(written.remove(name), Some(expect), "{name}");
        }
        assert!(written.remove("revision").is_some_and(|r| r.as_i64() > Some(1)));
        assert!(written.remove("recorded_at").is_some_and(|t| t.as_str().is_some_and(|t| t.ends_with('Z'))));
        if items == CORRIDORS {
            assert_eq!(written.remove("centreline").unwrap()["type"], "LineString");
        }
        assert_eq!(got, properties);
    }
}

#[test]
fn what_is_missing_gets_a_default_that_is_told() {
    let api = Api::new();
    let made = api.server.post("carrier", WORKS, &feature(town(), json!({"kind": "pole"})));
    let got = made.json()["properties"].clone();
    let code = got["code"].as_str().unwrap();
    assert!(code.starts_with("W-") && code.len() == 14, "{code}");
    for (name, expect) in [
        ("organisation", json!("viettel")),
        ("status", json!("in_service")),
        ("importance", json!("ordinary")),
        ("visibility", json!("public")),
        ("jurisdiction", json!("VN-72")),
        ("tenants", json!([])),
        ("height_agl_m", Json::Null),
        ("position_accuracy_m", Json::Null),
    ] {
        assert_eq!(got[name], expect, "{name}");
    }
}

#[test]
fn if_match_guards_every_change() {
    let api = Api::new();
    let document = feature(town(), merged(json!({"code": "M-1"}), &mast()));
    for method in ["PUT", "PATCH", "DELETE"] {
        let id = api.server.post("officer", WORKS, &document).json()["id"].as_str().unwrap().to_owned();
        let path = format!("{WORKS}/{id}");
        assert_eq!(change(&api, "PUT", &path, None, &document), 200, "version 2");
        for (tag, expect) in [
            (Some("\"1\""), 412),
            (Some("\"3\""), 412),
            (Some("\"two\""), 412),
            (Some("\"02\""), 412),
            (Some("\"+2\""), 412),
            (Some("\"99999999999\""), 412),
            (Some("\"1\", \"2\""), 400),
            (Some("2"), 400),
            (Some("W/\"2\""), 412),
            (Some("\"2"), 400),
            (Some(""), 400),
        ] {
            assert_eq!(change(&api, method, &path, tag, &document), expect, "{method} {tag:?}");
            assert_eq!(api.server.get("", &path).header("etag"), Some("\"2\""), "{method} {tag:?} changed something");
        }
        let done = if method == "DELETE" { 204 } else { 200 };
        assert_eq!(change(&api, method, &path, Some("\"2\""), &document), done, "{method}");
        if method == "DELETE" {
            continue;
        }
        assert_eq!(change(&api, method, &path, Some("*"), &document), 200, "{method}");
        assert_eq!(change(&api, "DELETE", &path, Some("*"), &document), 204);
    }
    let nobody = format!("{WORKS}/01920000-0000-7000-8000-000000000000");
    for (method, tag) in [("PUT", Some("*")), ("PATCH", Some("\"1\"")), ("DELETE", None)] {
        assert_eq!(change(&api, method, &nobody, tag, &document), 404, "{method}");
    }
    let id = api.server.post("officer", WORKS, &document).json()["id"].as_str().unwrap().to_owned();
    let stale = api.send("officer", "DELETE", &format!("{WORKS}/{id}"), &[("If-Match", "\"7\"")], None).json();
    assert_eq!(stale["type"], "/problems/changed-meanwhile");
    assert_eq!(stale["detail"], "the feature has version 1 now, not 7: read it again before you change it");
}

#[test]
fn if_none_match_saves_the_body() {
    let api = Api::new();
    let id = api.work("C-1", point(0.0, 0.0));
    let path = format!("{WORKS}/{id}");
    for (tags, expect) in
        [("\"1\"", 304), ("W/\"1\"", 304), ("*", 304), ("\"0\", \"1\"", 304), ("\"2\"", 200), ("1", 200), ("", 200)]
    {
        let answer = api.send("", "GET", &path, &[("If-None-Match", tags)], None);
        assert_eq!(answer.status, expect, "{tags}");
        assert_eq!((answer.header("etag"), answer.text.is_empty()), (Some("\"1\""), expect == 304), "{tags}");
    }
}

#[test]
fn head_options_and_other_methods_say_what_is_there() {
    let api = Api::new();
    let id = api.work("H-1", point(0.0, 0.0));
    let item = format!("{WORKS}/{id}");
    for (path, allow) in [
        (WORKS, "GET, HEAD, POST, OPTIONS"),
        (item.as_str(), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        (CORRIDORS, "GET, HEAD, POST, OPTIONS"),
        ("/api/conflict-checks", "POST, OPTIONS"),
        ("/health/live", "GET, HEAD, OPTIONS"),
    ] {
        let options = api.server.call("", "OPTIONS", path, None);
        assert_eq!((options.status, options.header("allow")), (200, Some(allow)), "{path}");
        let refused = api.server.call("officer", "TRACE", path, None);
        assert_eq!((refused.status, refused.header("allow")), (405, Some(allow)), "{path}");
        assert_eq!(refused.json()["type"], "/problems/method", "{path}");
        assert_eq!(refused.json()["detail"], format!("only {allow} are for this resource"), "{path}");
        if allow.starts_with("GET") {
            let (get, head) = (api.server.get("", path), api.server.call("", "HEAD", path, None));
            assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
            for name in ["content-type", "etag", "content-crs", "vary"] {
                assert_eq!(head.header(name), get.header(name), "{path} {name}");
            }
        }
    }
    for path in [
        "/nothing",
        "/ogc/collections/rivers/items",
        "/ogc/collections/works/items/17",
        "/ogc/",
        "/api/works/17/conflicts",
    ] {
        let missing = api.server.get("", path);
        assert_eq!((missing.status, missing.header("content-type")), (404, Some("application/problem+json")), "{path}");
        let problem = missing.json();
        assert_eq!((&problem["type"], &problem["instance"]), (&json!("/problems/not-there"), &json!(path)));
    }
}

#[test]
fn a_patch_of_properties_keeps_the_place_bit_for_bit() {
    let api = Api::new();
    let place = "SELECT string_agg(recorded_crs || encode(ST_AsEWKB(recorded_geom), 'hex') || encode(ST_AsEWKB(geom), 'hex') \
        || encode(ST_AsEWKB(geom_grid), 'hex'), ' ' ORDER BY code)";
    let work = api.work("B-1", line(&[(0.1, 0.2), (700.3, 1.7), (700.3, 900.9)]));
    let widths = merged(json!({"code": "B-2", "half_width_left_m": 9.5, "half_width_right_m": 11.0}), &road());
    let corridor = api.add(CORRIDORS, line(&[(0.1, 0.2), (700.3, 1.7), (700.3, 900.9)]), widths);
    for (items, id, table) in [(WORKS, work, "works"), (CORRIDORS, corridor, "corridors")] {
        let path = format!("{items}/{id}");
        let sql = format!("{place} FROM {table}");
        let before = (api.sql(&sql), api.server.get("", &path).json());
        let after = patch(&api, &path, &json!({"properties": {"name": "named", "visibility": "public"}}));
        assert_eq!(api.sql(&sql), before.0, "{table}");
        assert_eq!(after["geometry"], before.1["geometry"]);
        assert_eq!(after["properties"]["recorded_crs"], "EPSG:9218");
        assert_eq!(after["properties"]["centreline"], before.1["properties"]["centreline"]);
        // A whole feature sent back as a patch says something of the shape, so it is recorded anew.
        let whole = patch(&api, &path, &before.1);
        assert_eq!(whole["properties"]["recorded_crs"], "EPSG:4326");
    }
}

#[test]
fn a_patch_merges_the_geometry_object() {
    let api = Api::new();
    let path = format!("{WORKS}/{}", api.work("G-1", point(0.0, 0.0)));
    let moved = patch(&api, &path, &json!({"geometry": {"coordinates": [107.7, 12.01]}}));
    assert_eq!(moved["geometry"], json!({"type": "Point", "coordinates": [107.7, 12.01]}));
    let lined = patch(
        &api,
        &path,
        &json!({"geometry": {"type": "LineString", "coordinates": [[107.7, 12.01], [107.71, 12.01]]}}),
    );
    assert_eq!(lined["geometry"]["type"], "LineString");
    assert_eq!(lined["properties"]["code"], "G-1");
    let on_grid = api.on_grid("officer", "PATCH", &path, &json!({"geometry": point(5.0, 5.0)}));
    assert_eq!(on_grid.json()["properties"]["recorded_crs"], "EPSG:9218");
    assert_eq!(api.sql("SELECT ST_AsText(geom_grid) FROM works"), Some("POINT(411605 1327605)".into()));
    for body in [json!({"geometry": null}), json!({"geometry": {"coordinates": null}}), json!([]), json!({"id": "x"})] {
        assert_eq!(change(&api, "PATCH", &path, None, &body), 422, "{body}");
    }
}

#[test]
fn a_patch_of_the_geometry_alone_clears_the_centreline() {
    let api = Api::new();
    let widths = merged(json!({"code": "C-1", "half_width_left_m": 10, "half_width_right_m": 5}), &road());
    let path = format!("{CORRIDORS}/{}", api.add(CORRIDORS, line(&[(0.0, 0.0), (100.0, 0.0)]), widths));
    let area = "SELECT ST_Area(geom_grid)::numeric(9,3) FROM corridors";
    assert_eq!(api.sql(area), Some("1500.000".into()));
    // Wider on one side: the same line under new widths, the line itself as it was recorded.
    let wider = patch(&api, &path, &json!({"properties": {"half_width_right_m": 10}}));
    assert_eq!((api.sql(area), &wider["properties"]["recorded_crs"]), (Some("2000.000".into()), &json!("EPSG:9218")));
    let moved = api.on_grid(
        "officer",
        "PATCH",
        &path,
        &json!({"properties": {"centreline": line(&[(0.0, 0.0), (200.0, 0.0)])}}),
    );
    assert_eq!((moved.status, api.sql(area)), (200, Some("4000.000".into())), "{}", moved.text);
    let drawn = api.on_grid("officer", "PATCH", &path, &json!({"geometry": rect(0.0, 0.0, 10.0, 10.0)}));
    assert_eq!(drawn.status, 200, "{}", drawn.text);
    let properties = &drawn.json()["properties"];
    assert_eq!((&properties["half_width_left_m"], properties.get("centreline")), (&Json::Null, None));
    assert_eq!(api.sql(area), Some("100.000".into()));
    assert_eq!(api.sql("SELECT centreline IS NULL AND half_width_left_m IS NULL FROM corridors"), Some("true".into()));
}

#[test]
fn a_replacement_never_makes_public_by_leaving_out() {
    let api = Api::new();
    for (items, shape, own) in [(WORKS, point(0.0, 0.0), mast()), (CORRIDORS, rect(0.0, 0.0, 10.0, 10.0), road())] {
        let with = |more: Json| feature(shape.clone(), merged(more, &own));
        for visibility in ["carriers", "government", "restricted"] {
            let id = api.add(items, shape.clone(), merged(json!({"visibility": visibility}), &own));
            let path = format!("{items}/{id}");
            let put = |more: Json| api.on_grid("officer", "PUT", &path, &with(more));
            let expect = [format!(
                "/properties/visibility: is missing, and without it the feature would be public; it is {visibility} now, \
                 so say which it is to be"
            )];
            for silent in [json!({}), json!({"visibility": null}), json!({"visibility": " "})] {
                let refused = put(silent);
                assert_eq!((refused.status, refused.problems()), (422, expect.to_vec()), "{}", refused.text);
            }
            // It stands among the other problems.
            let refused = put(json!({"kind": "tower"}));
            assert_eq!((refused.status, refused.problems().len()), (422, 2), "{}", refused.text);
            let emptied = json!({"properties": {"visibility": null}});
            let refused = api.send("officer", "PATCH", &path, &[("Content-Type", MERGE)], Some(&emptied));
            assert_eq!((refused.status, refused.problems()), (422, expect.to_vec()), "{}", refused.text);
            assert_eq!(api.server.get("officer", &path).json()["properties"]["visibility"], visibility);
            assert_eq!(put(json!({"visibility": visibility})).status, 200);
            assert_eq!(put(json!({"visibility": "public"})).status, 200);
            // What is public already is so by default, too.
            assert_eq!(put(json!({})).status, 200);
        }
    }
}

#[test]
fn problems_of_a_centreline_stand_at_the_centreline() {
    let api = Api::new();
    let line = |from: [f64; 2]| json!({"type": "LineString", "coordinates": [from, [from[0] + 0.01, from[1]]]});
    let drawn = |from: [f64; 2]| {
        let widths = json!({"half_width_left_m": 5, "half_width_right_m": 5, "centreline": line(from)});
        feature(Json::Null, merged(widths, &road()))
    };
    let away = "/properties/centreline/coordinates: lies in no registered jurisdiction";
    let problems = |answer: crate::support::Response| (answer.status, answer.problems());
    assert_eq!(problems(api.server.post("officer", CORRIDORS, &drawn([100.0, 10.0]))), (422, vec![away.into()]));
    let made = api.server.post("officer", CORRIDORS, &drawn(TOWN));
    let path = format!("{CORRIDORS}/{}", made.json()["id"].as_str().unwrap());
    let outside = "/properties/centreline/coordinates: lies outside VN-72 (Dak Nong), even widened by 5000 m: it begins \
                   at 100.00000, 10.00000";
    assert_eq!(
        problems(api.server.call("officer", "PUT", &path, Some(&drawn([100.0, 10.0])))),
        (422, vec![outside.into()])
    );
    let moved = json!({"properties": {"centreline": line([100.0, 10.0])}});
    let patched = api.send("officer", "PATCH", &path, &[("Content-Type", MERGE)], Some(&moved));
    assert_eq!(problems(patched), (422, vec![outside.into()]));
}
