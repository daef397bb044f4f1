//! Bad documents and parameters: the status, the type of problem and the exact sentence each one gets.

use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, CORRIDORS, WORKS, feature, line, mast, merged, point, rect, road, town};
use crate::support::Response;

const KNOWN_OF_WORKS: &str = "is not a property of this feature; known are code, jurisdiction, name, organisation, kind, \
    status, column_class, height_agl_m, position_accuracy_m, capture_method, importance, visibility, tenants, \
    spare_capacity, valid_from, valid_to, source";

/// An invalid document gets 422 with exactly these problems, in any door that takes it, and nothing is stored.
fn check(answer: &Response, expect: &[&str]) {
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["type"], "/problems/invalid-document");
    assert_eq!(problem["title"], "The document is not valid");
    assert_eq!(problem["status"], 422);
    assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(answer.problems(), expect);
}

/// The same shape is refused alike as a new feature, as a replacement and as a patch; drawn for a check it has the
/// problems that have nothing to do with a jurisdiction.
fn check_shape(api: &Api, shape: &Json, expect: &[&str], drawn: Option<&[&str]>) {
    let id = api.work("S-1", point(0.0, 0.0));
    let path = format!("{WORKS}/{id}");
    let document = feature(shape.clone(), mast());
    check(&api.server.post("officer", WORKS, &document), expect);
    check(&api.server.call("officer", "PUT", &path, Some(&document)), expect);
    if *shape != json!({"type": "Point"}) {
        // A patch without coordinates would keep those that are there.
        check(&api.server.call("officer", "PATCH", &path, Some(&json!({"geometry": shape}))), expect);
    }
    assert_eq!(api.server.call("officer", "DELETE", &path, None).status, 204);
    let as_feature = api.server.post("", CHECKS, &document);
    let as_geometry = api.server.post("", CHECKS, shape);
    match drawn {
        None => assert_eq!((as_feature.status, as_geometry.status), (200, 200), "{}", as_feature.text),
        Some(expect) => {
            check(&as_feature, expect);
            let bare: Vec<String> = expect.iter().map(|p| p.replacen("/geometry", "", 1)).collect();
            check(&as_geometry, &bare.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    assert_eq!(api.sql("SELECT count(*) FROM works"), Some("0".into()), "nothing half-done is stored");
}

#[test]
fn shapes_that_are_wrong_by_themselves() {
    let api = Api::new();
    let both = |shape: Json, expect: &[&str]| check_shape(&api, &shape, expect, Some(expect));
    let polygon = |ring: Json| json!({"type": "Polygon", "coordinates": [ring]});
    both(
        polygon(json!([[107.6, 12.0], [107.7, 12.1], [107.7, 12.0], [107.6, 12.1], [107.6, 12.0]])),
        &[
            "/geometry/coordinates/0/0: the ring crosses or touches itself at 107.65, 12.05: the segment after position 0 \
           meets the one after position 2",
        ],
    );
    both(
        polygon(json!([[107.6, 12.0], [107.7, 12.0], [107.7, 12.1], [107.6, 12.1]])),
        &[
            "/geometry/coordinates/0: the ring is not closed: it starts at [107.6, 12] and ends at [107.6, 12.1]; repeat \
           the first position at the end",
        ],
    );
    both(
        polygon(json!([[107.6, 12.0], [107.7, 12.0], [107.6, 12.0]])),
        &["/geometry/coordinates/0: a ring needs at least 4 positions, the last repeating the first; this one has 3"],
    );
    both(
        json!({"type": "LineString", "coordinates": [[107.6, 12.0]]}),
        &["/geometry/coordinates: a line needs at least 2 positions; this one has 1"],
    );
    both(
        json!({"type": "LineString", "coordinates": [[107.6, 12.0], [107.6, 12.0]]}),
        &["/geometry/coordinates: the line has no length: all its positions are the same"],
    );
    for kind in ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"] {
        both(
            json!({"type": kind, "coordinates": []}),
            &["/geometry/coordinates: is empty: an empty geometry stands nowhere"],
        );
    }
    both(json!({"type": "Point"}), &["/geometry/coordinates: is missing"]);
    both(
        json!({"type": "Point", "coordinates": ["107,6", 12.0]}),
        &["/geometry/coordinates/0: is the text \"107,6\"; a number belongs here"],
    );
    both(
        json!({"type": "LineString", "coordinates": [[107.6, 12.0], [107.7], [null, 12.0]]}),
        &[
            "/geometry/coordinates/1: has 1 number; a position needs 2",
            "/geometry/coordinates/2/0: is null; a number belongs here",
        ],
    );
    both(
        json!({"type": "GeometryCollection", "geometries": [town()]}),
        &["/geometry/type: is GeometryCollection, which is not taken: send its parts one by one"],
    );
    both(
        json!({"type": "point", "coordinates": [107.6, 12.0]}),
        &["/geometry/type: is \"point\"; write \"Point\", case matters"],
    );
    both(
        json!({"type": "Circle", "coordinates": [107.6, 12.0]}),
        &[
            "/geometry/type: is \"Circle\"; one of Point, MultiPoint, LineString, MultiLineString, Polygon, MultiPolygon \
           belongs here",
        ],
    );
    both(
        json!({"type": "Point", "coordinates": [107.6, 12.0], "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::9218"}}}),
        &["/geometry/crs: names EPSG:9218, but GeoJSON is WGS 84 longitude and latitude; give the system beside the \
           document instead"],
    );
}

#[test]
fn coordinates_that_stand_somewhere_else() {
    let api = Api::new();
    let point = |x: f64, y: f64| json!({"type": "Point", "coordinates": [x, y]});
    let swapped = "/geometry/coordinates: position 0 (12.0042, 107.6907) is out of range: longitude lies between -180 and \
        180, latitude between -90 and 90; the axes look swapped: GeoJSON writes longitude first, then latitude";
    check_shape(&api, &point(12.0042, 107.6907), &[swapped], Some(&[swapped]));
    let range = "/geometry/coordinates: position 0 (200, 95) is out of range: longitude lies between -180 and 180, \
        latitude between -90 and 90; these look like metres of a grid, so name their system (Content-Crs or --crs)";
    check_shape(&api, &point(200.0, 95.0), &[range], Some(&[range]));
}

/// On a plane an area that goes most of the way round the earth turns inside out, and nothing would be found in it.
#[test]
fn an_area_that_goes_round_the_earth_is_refused() {
    let api = Api::new();
    api.work("IN-IT", point(0.0, 0.0));
    let area = |west: f64, east: f64| {
        let ring = json!([[west, -60.0], [east, -60.0], [east, 60.0], [west, 60.0], [west, -60.0]]);
        json!({"type": "Polygon", "coordinates": [ring]})
    };
    let wide = |turns: &str| {
        format!(
            "/coordinates: spans {turns}° of longitude; an area wider than 180° has no inside on a grid: send it in parts"
        )
    };
    check(&api.server.post("", CHECKS, &area(-180.0, 180.0)), &[&wide("360")]);
    check(&api.server.post("", CHECKS, &area(-75.0, 105.5)), &[&wide("180.5")]);
    let both = json!({"type": "MultiPolygon", "coordinates":
        [area(-180.0, -1.0)["coordinates"], area(1.0, 180.0)["coordinates"]]});
    for whole in [area(0.0, 180.0), both] {
        let answer = api.server.post("", CHECKS, &whole);
        assert_eq!(answer.json()["results"][0]["conflict_count"], 1, "{}", answer.text);
    }
}

/// Whoever sends a corridor by its line and half-widths expects its land to be checked, not a line without width.
#[test]
fn half_widths_of_a_drawn_line_are_not_passed_over() {
    let api = Api::new();
    let drawn = |shape: &Json, widths: Json| json!({"type": "Feature", "geometry": shape, "properties": widths});
    let road = json!({"type": "LineString", "coordinates": [[107.6, 12.0], [107.7, 12.0]]});
    let detail = "is not applied to a shape without an area: draw the area it takes, or ask with a clearance";
    check(
        &api.server.post("", CHECKS, &drawn(&road, json!({"half_width_left_m": 30, "half_width_right_m": 30}))),
        &[&format!("/properties/half_width_left_m: {detail}"), &format!("/properties/half_width_right_m: {detail}")],
    );
    let several = json!({"type": "FeatureCollection", "features":
        [drawn(&road, json!({})), drawn(&road, json!({"half_width_left_m": 30, "half_width_right_m": null}))]});
    check(&api.server.post("", CHECKS, &several), &[&format!("/features/1/properties/half_width_left_m: {detail}")]);
    // A registered corridor, sent as it was read, is checked by the land it takes.
    let area = json!({"type": "Polygon", "coordinates":
        [[[107.6, 12.0], [107.7, 12.0], [107.7, 12.001], [107.6, 12.0]]]});
    let read = drawn(&area, json!({"centreline": road, "half_width_left_m": 30, "half_width_right_m": 0}));
    assert_eq!(api.server.post("", CHECKS, &read).status, 200);
}

/// Grid numbers sent under a name that is not theirs: outside, and told which name fits.
#[test]
fn coordinates_that_fit_only_under_another_meridian() {
    let api = Api::new();
    let outside = "/geometry/coordinates: lies outside VN-72 (Dak Nong), even widened by 5000 m: it begins at";
    let nowhere = "/geometry/coordinates: lies in no registered jurisdiction";
    let old = "the numbers fit VN-72 as EPSG:5898 (VN-2000 / TM-3 zone 491) or EPSG:5899 (VN-2000 / TM-3 107-45) or EPSG:9216 \
        (VN-2000 / TM-3 107-30)";
    let own = "the numbers fit VN-72 as EPSG:9218 (VN-2000 / TM-3 108-30) or EPSG:9217 (VN-2000 / TM-3 108-15)";
    let swapped = "with the axes swapped it lies in VN-72: the sheet may write X = northing (--axes ne)";
    let range = "/geometry/coordinates: position 0 (411677.8616, 1327659.6234) is out of range: longitude lies between -180 \
        and 180, latitude between -90 and 90; these look like metres of a grid, so name their system (Content-Crs or --crs)";
    let check = |crs: &str, [x, y]: [f64; 2], jurisdiction: Option<&str>, expect: String| {
        let properties = merged(json!({"jurisdiction": jurisdiction}), &mast());
        let shape = json!({"type": "Point", "coordinates": [x, y]});
        check(&api.in_crs(crs, "officer", "POST", WORKS, &feature(shape, properties)), &[&expect]);
    };
    // Gia Nghĩa in EPSG:5899 and in EPSG:9218, as in the table of test points.
    let (in_old, in_own) = ([493_347.821, 1_327_530.322_2], [411_677.861_6, 1_327_659.623_4]);
    let turned = [in_own[1], in_own[0]];
    let named = Some("VN-72");
    check("EPSG:9218", in_old, named, format!("{outside} 108.44070, 12.00420; {old}"));
    check("EPSG:5899", in_own, named, format!("{outside} 106.94070, 12.00420; {own}"));
    check("EPSG:9218", turned, named, format!("{outside} 115.93193, 3.69099; {swapped}"));
    check("EPSG:4326", in_own, named, format!("{range}; {own}"));
    check("EPSG:4326", [106.7, 10.8], named, format!("{outside} 106.70000, 10.80000"));
    // The same when the place is to choose the jurisdiction.
    for place in [None, Some("auto")] {
        check("EPSG:9218", in_old, place, format!("{nowhere}; {old}"));
        check("EPSG:5899", in_own, place, format!("{nowhere}; {own}"));
        check("EPSG:9218", turned, place, format!("{nowhere}; {swapped}"));
        check("EPSG:4326", [106.7, 10.8], place, nowhere.to_owned());
    }
}

#[test]
fn features_that_lack_a_shape_or_have_the_wrong_one() {
    let api = Api::new();
    let missing = "/geometry: is missing or null: a feature has a place";
    for (items, own) in [(WORKS, mast()), (CORRIDORS, road())] {
        check(&api.server.post("officer", items, &feature(Json::Null, own.clone())), &[missing]);
        check(&api.server.post("officer", items, &json!({"type": "Feature", "properties": own})), &[missing]);
    }
    let path = format!("{WORKS}/{}", api.work("N-1", point(0.0, 0.0)));
    check(&api.server.call("officer", "PUT", &path, Some(&feature(Json::Null, mast()))), &[missing]);
    let nothing = "/geometry: is missing or null: there is nothing to check";
    check(&api.server.post("", CHECKS, &feature(Json::Null, json!({}))), &[nothing]);

    let wrong =
        "/geometry/type: a corridor is a Polygon or MultiPolygon, or a LineString or MultiLineString with half-widths";
    check(&api.on_grid("officer", "POST", CORRIDORS, &feature(point(0.0, 0.0), road())), &[wrong]);
    let multi = json!({"type": "MultiPoint", "coordinates": [town()["coordinates"]]});
    check(&api.server.post("officer", CORRIDORS, &feature(multi, road())), &[wrong]);
    let axis = line(&[(0.0, 0.0), (50.0, 0.0)]);
    let left = "/properties/half_width_left_m: is missing: a centreline needs both half-widths";
    let right = "/properties/half_width_right_m: is missing: a centreline needs both half-widths";
    let corridor = |shape: &Json, more: Json| {
        api.on_grid("officer", "POST", CORRIDORS, &feature(shape.clone(), merged(more, &road())))
    };
    check(&corridor(&axis, json!({})), &[left, right]);
    check(&corridor(&axis, json!({"half_width_left_m": 5})), &[right]);
    check(&corridor(&Json::Null, json!({"centreline": axis})), &[left, right]);
    check(
        &corridor(&Json::Null, json!({"centreline": point(0.0, 0.0), "half_width_left_m": 5, "half_width_right_m": 5})),
        &["/properties/centreline/type: a centreline is a LineString or a MultiLineString"],
    );
    check(
        &corridor(&axis, json!({"half_width_left_m": 0, "half_width_right_m": 0})),
        &["/properties/half_width_right_m: one of the two half-widths must be more than 0"],
    );
    check(
        &corridor(&rect(0.0, 0.0, 9.0, 9.0), json!({"half_width_left_m": 5})),
        &["/properties/half_width_left_m: half-widths belong to a centreline; this corridor is drawn as an area"],
    );
    check(
        &corridor(
            &Json::Null,
            json!({"centreline": {"type": "LineString", "coordinates": [[1, 2]]}, "half_width_left_m": 5, "half_width_right_m": 5}),
        ),
        &["/properties/centreline/coordinates: a line needs at least 2 positions; this one has 1"],
    );
    for lined in [town(), json!({"type": "LineString", "coordinates": [[107.69, 12.0], [107.7, 12.0]]})] {
        let document = feature(town(), merged(json!({"centreline": lined}), &mast()));
        check(&api.server.post("officer", WORKS, &document), &[&format!("/properties/centreline: {KNOWN_OF_WORKS}")]);
    }
}

#[test]
fn properties_that_are_not_known() {
    let api = Api::new();
    let send = |more: Json| api.server.post("officer", WORKS, &feature(town(), merged(more, &mast())));
    check(
        &send(json!({"kind": "tower"})),
        &["/properties/kind: «tower» is not known here; known are bts, mast, \
        rooftop_mast, station_house, exchange, cabinet, pole, manhole, duct, aerial_cable, buried_cable, \
        public_access_point"],
    );
    check(&send(json!({"kind": null})), &["/properties/kind: is missing"]);
    check(&send(json!({"colour": "red"})), &[&format!("/properties/colour: {KNOWN_OF_WORKS}")]);
    check(&send(json!({"height_agl_m": "42"})), &["/properties/height_agl_m: is the text «42»; a number belongs here"]);
    check(&send(json!({"height_agl_m": -1})), &["/properties/height_agl_m: is -1; it must lie between 0 and 1000"]);
    check(
        &send(json!({"position_accuracy_m": 1e9})),
        &["/properties/position_accuracy_m: is 1000000000; it must lie between 0 and 10000"],
    );
    check(&send(json!({"spare_capacity": 1.5})), &["/properties/spare_capacity: must be a whole number"]);
    check(&send(json!({"code": 17})), &["/properties/code: is the number 17; text belongs here"]);
    check(&send(json!({"code": "x".repeat(81)})), &["/properties/code: is longer than 80 characters"]);
    check(&send(json!({"name": "a\u{0}b"})), &["/properties/name: contains control characters"]);
    check(&send(json!({"name": "x".repeat(501)})), &["/properties/name: is longer than 500 characters"]);
    check(
        &send(json!({"tenants": "vnpt"})),
        &["/properties/tenants: is the text «vnpt»; a list of at most 50 texts belongs here"],
    );
    check(&send(json!({"tenants": ["vnpt", 7]})), &["/properties/tenants/1: text belongs here"]);
    check(
        &send(json!({"valid_from": "01/03/2009"})),
        &["/properties/valid_from: «01/03/2009» is not a date; write it as 2026-03-01"],
    );
    check(
        &send(json!({"valid_from": "2020-01-01", "valid_to": "2019-12-31"})),
        &["/properties/valid_to: 2019-12-31 is before valid_from 2020-01-01"],
    );
    check(&send(json!({"jurisdiction": "VN-99"})), &["/properties/jurisdiction: «VN-99» is not registered here"]);
    check(&send(json!({"jurisdiction": 72})), &["/properties/jurisdiction: text belongs here"]);
    check(
        &api.server.post("administrator", WORKS, &feature(town(), json!({"kind": "mast"}))),
        &["/properties/organisation: is missing"],
    );
    check(
        &api.server.post("officer", WORKS, &json!({"type": "Feature", "geometry": town(), "properties": []})),
        &["/properties: is an array; an object belongs here"],
    );
    check(&api.server.post("officer", WORKS, &json!([])), &[": is an array; an object belongs here"]);
    check(
        &api.server.post("officer", WORKS, &json!({"type": "feature", "geometry": town(), "properties": mast()})),
        &["/type: is the text \"feature\"; it must be \"Feature\""],
    );
    let old = json!({"type": "Feature", "crs": {"type": "name", "properties": {"name": "EPSG:9218"}}, "geometry": town(), "properties": mast()});
    check(
        &api.server.post("officer", WORKS, &old),
        &["/crs: names EPSG:9218, but GeoJSON is WGS 84 longitude and latitude; \
        give the system beside the document instead"],
    );
    let told =
        ": names EPSG:9218, but GeoJSON is WGS 84 longitude and latitude; give the system beside the document instead";
    check(&api.server.post("", CHECKS, &old), &[&format!("/crs{told}")]);
    let inner = json!({"type": "FeatureCollection", "crs": old["crs"], "features": [feature(town(), json!({})), old]});
    check(&api.server.post("", CHECKS, &inner), &[&format!("/crs{told}"), &format!("/features/1/crs{told}")]);
    let path = format!("{WORKS}/{}", api.work("J-1", point(0.0, 0.0)));
    check(
        &api.server.call("officer", "PATCH", &path, Some(&json!({"properties": {"jurisdiction": "VN-35"}}))),
        &["/properties/jurisdiction: is VN-35, but the feature belongs to VN-72; delete it and create it there"],
    );
}

#[test]
fn several_problems_are_told_at_once() {
    let api = Api::new();
    let ring = json!([[107.6, 12.0], [107.7, 12.0], [107.7, 12.1], [107.6, 12.1]]);
    let document = feature(
        json!({"type": "Polygon", "coordinates": [ring]}),
        json!({"kind": "tower", "status": "broken", "height_agl_m": "high", "colour": "red"}),
    );
    let answer = api.server.post("administrator", WORKS, &document);
    let pointers: Vec<String> = answer.problems().iter().map(|p| p.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(
        pointers,
        [
            "/geometry/coordinates/0",
            "/properties/colour",
            "/properties/kind",
            "/properties/organisation",
            "/properties/status",
            "/properties/height_agl_m"
        ]
    );
    assert_eq!(answer.json()["detail"], "6 problems; see errors");
    // A shape that can be read but stands elsewhere, and properties that are wrong.
    let document = feature(
        json!({"type": "Point", "coordinates": [106.7, 10.8]}),
        json!({"kind": "tower", "jurisdiction": "VN-72"}),
    );
    let answer = api.server.post("officer", WORKS, &document);
    let pointers: Vec<String> = answer.problems().iter().map(|p| p.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(pointers, ["/properties/kind", "/geometry/coordinates"]);
    // Every subject of a check.
    let bad = json!({"type": "Point", "coordinates": [200, 0]});
    let collection = json!({"type": "FeatureCollection", "features": [feature(town(), json!({})), feature(bad.clone(), json!({})),
        feature(Json::Null, json!({})), 7, feature(town(), json!({"clearance_m": -1, "position_accuracy_m": "3 m"}))]});
    let answer = api.server.post("", CHECKS, &collection);
    let pointers: Vec<String> = answer.problems().iter().map(|p| p.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(
        pointers,
        [
            "/features/2/geometry",
            "/features/3",
            "/features/4/properties/position_accuracy_m",
            "/features/4/properties/clearance_m"
        ]
    );
    let answer = api.server.post(
        "",
        CHECKS,
        &json!({"type": "FeatureCollection", "features": [feature(bad.clone(), json!({})), feature(bad, json!({}))]}),
    );
    assert_eq!(answer.problems().len(), 2, "{}", answer.text);
}

#[test]
fn codes_are_unique_in_their_layer() {
    let api = Api::new();
    let first = api.work("D-1", point(0.0, 0.0));
    let second = api.work("D-2", point(1.0, 0.0));
    api.road("D-1", rect(0.0, 0.0, 9.0, 9.0));
    let taken = feature(point(5.0, 0.0), merged(json!({"code": "D-1"}), &mast()));
    let patch = json!({"properties": {"code": "D-1"}});
    for (method, path, body) in [
        ("POST", WORKS.to_owned(), &taken),
        ("PUT", format!("{WORKS}/{second}"), &taken),
        ("PATCH", format!("{WORKS}/{second}"), &patch),
    ] {
        let refused = api.on_grid("officer", method, &path, body);
        assert_eq!((refused.status, &refused.json()["type"]), (409, &json!("/problems/code-taken")), "{method}");
        assert_eq!(
            refused.json()["detail"],
            "the code «D-1» is taken by another feature of the jurisdiction",
            "{method}"
        );
    }
    assert_eq!(api.server.call("officer", "DELETE", &format!("{WORKS}/{first}"), None).status, 204);
    assert_eq!(api.on_grid("officer", "PUT", &format!("{WORKS}/{second}"), &taken).status, 200, "free again");
    for odd in ["Đ-1, (2)", "a)=(b", "'; --", "😀"] {
        api.work(odd, point(0.0, 0.0));
        let again = feature(point(0.0, 0.0), merged(json!({"code": odd}), &mast()));
        let detail = api.on_grid("officer", "POST", WORKS, &again).json()["detail"].clone();
        assert_eq!(detail, format!("the code «{odd}» is taken by another feature of the jurisdiction"));
    }
}
