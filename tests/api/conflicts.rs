//! What a conflict check measures: hand-computed pairs in round metres on the working grid.

use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, CORRIDORS, WORKS, assert_near, at, line, mast, merged, point, rect, ring, road};

/// The one conflict of a check, or null.
fn only(answer: &Json) -> Json {
    let conflicts = answer["results"][0]["conflicts"].as_array().unwrap();
    assert!(conflicts.len() < 2, "{answer}");
    conflicts.first().cloned().unwrap_or(Json::Null)
}

/// What a pair must give: relation, distance, depth, overlap (m), overlap (m²), share, verdict.
type Expected = Option<(&'static str, f64, Option<f64>, Option<f64>, Option<f64>, f64, &'static str)>;

fn check(got: &Json, expect: Expected, what: &str) {
    let Some((relation, distance, depth, overlap_m, overlap_m2, share, verdict)) = expect else {
        assert!(got.is_null(), "{what}: {got}");
        return;
    };
    assert_eq!((&got["relation"], &got["verdict"]), (&json!(relation), &json!(verdict)), "{what}: {got}");
    assert_near(&got["distance_m"], Some(distance), &format!("{what} distance"));
    assert_near(&got["depth_m"], depth, &format!("{what} depth"));
    assert_near(&got["overlap_m"], overlap_m, &format!("{what} overlap_m"));
    assert_near(&got["overlap_m2"], overlap_m2, &format!("{what} overlap_m2"));
    assert_near(&got["share"], Some(share), &format!("{what} share"));
}

/// A work, the accuracy of its position, the clearance asked for, and what the pair must give.
type Pair = (&'static str, Json, f64, f64, Expected);

#[allow(clippy::unnecessary_wraps)] // what a pair gives may be nothing
fn of_point(relation: &'static str, distance: f64, depth: Option<f64>, share: f64, verdict: &'static str) -> Expected {
    Some((relation, distance, depth, None, None, share, verdict))
}

#[allow(clippy::unnecessary_wraps)] // what a pair gives may be nothing
fn of_line(relation: &'static str, distance: f64, depth: Option<f64>, overlap_m: f64, share: f64) -> Expected {
    Some((relation, distance, depth, Some(overlap_m), None, share, "certain"))
}

#[allow(clippy::unnecessary_wraps)] // what a pair gives may be nothing
fn of_area(relation: &'static str, distance: f64, depth: Option<f64>, overlap_m2: f64, share: f64) -> Expected {
    Some((relation, distance, depth, None, Some(overlap_m2), share, "certain"))
}

fn points() -> Vec<Pair> {
    let two = |a, b| json!({"type": "MultiPoint", "coordinates": [at(a), at(b)]});
    let (deep, edge) = (Some(10.0), Some(0.0));
    vec![
        ("in the middle", point(50.0, 10.0), 0.0, 0.0, of_point("inside", 0.0, deep, 1.0, "certain")),
        ("as deep as its error", point(50.0, 10.0), 10.0, 0.0, of_point("inside", 0.0, deep, 1.0, "certain")),
        ("less deep than its error", point(50.0, 10.0), 10.5, 0.0, of_point("inside", 0.0, deep, 1.0, "possible")),
        ("clearance makes it certain", point(50.0, 10.0), 10.5, 0.5, of_point("inside", 0.0, deep, 1.0, "certain")),
        ("near the west edge", point(3.0, 10.0), 0.0, 0.0, of_point("inside", 0.0, Some(3.0), 1.0, "certain")),
        ("on the edge", point(50.0, 20.0), 0.0, 0.0, of_point("touches", 0.0, edge, 1.0, "certain")),
        ("on the edge, unsure", point(50.0, 20.0), 1.0, 0.0, of_point("touches", 0.0, edge, 1.0, "possible")),
        ("on the corner", point(100.0, 20.0), 0.0, 0.0, of_point("touches", 0.0, edge, 1.0, "certain")),
        ("outside", point(50.0, 25.0), 0.0, 0.0, None),
        ("nearer than the clearance", point(50.0, 25.0), 0.0, 7.0, of_point("near", 5.0, None, 0.0, "certain")),
        ("exactly at the clearance", point(50.0, 25.0), 0.0, 5.0, of_point("near", 5.0, None, 0.0, "certain")),
        ("just beyond the clearance", point(50.0, 25.0), 0.0, 4.999, None),
        ("within clearance and error", point(50.0, 25.0), 2.0, 4.0, of_point("near", 5.0, None, 0.0, "possible")),
        ("exactly at clearance and error", point(50.0, 25.0), 1.0, 4.0, of_point("near", 5.0, None, 0.0, "possible")),
        ("beyond clearance and error", point(50.0, 25.0), 0.5, 4.0, None),
        ("certain with its error", point(50.0, 25.0), 1.0, 6.0, of_point("near", 5.0, None, 0.0, "certain")),
        ("off the corner", point(103.0, 24.0), 0.0, 5.0, of_point("near", 5.0, None, 0.0, "certain")),
        (
            "one of two inside",
            two((50.0, 10.0), (50.0, 40.0)),
            0.0,
            0.0,
            of_point("crosses", 0.0, deep, 0.5, "certain"),
        ),
        (
            "one of two on the edge",
            two((50.0, 20.0), (50.0, 40.0)),
            0.0,
            0.0,
            of_point("touches", 0.0, edge, 0.5, "certain"),
        ),
        ("both inside", two((50.0, 10.0), (60.0, 19.0)), 0.0, 0.0, of_point("inside", 0.0, deep, 1.0, "certain")),
    ]
}

fn cables() -> Vec<Pair> {
    let twice = [(20.0, -10.0), (20.0, 30.0), (80.0, 30.0), (80.0, -10.0)];
    let (deep, edge) = (Some(10.0), Some(0.0));
    vec![
        ("across", line(&[(50.0, -10.0), (50.0, 30.0)]), 0.0, 0.0, of_line("crosses", 0.0, deep, 20.0, 0.5)),
        ("within", line(&[(10.0, 5.0), (90.0, 5.0)]), 0.0, 0.0, of_line("inside", 0.0, Some(5.0), 80.0, 1.0)),
        (
            "ends inside",
            line(&[(50.0, -30.0), (50.0, 8.0)]),
            0.0,
            0.0,
            of_line("crosses", 0.0, Some(8.0), 8.0, 8.0 / 38.0),
        ),
        ("ends at the edge", line(&[(50.0, 40.0), (50.0, 20.0)]), 0.0, 0.0, of_line("touches", 0.0, edge, 0.0, 0.0)),
        (
            "along the edge",
            line(&[(10.0, 20.0), (90.0, 20.0), (90.0, 40.0)]),
            0.0,
            0.0,
            of_line("touches", 0.0, edge, 80.0, 0.8),
        ),
        ("along, outside", line(&[(-50.0, 23.0), (150.0, 23.0)]), 0.0, 3.0, of_line("near", 3.0, None, 0.0, 0.0)),
        ("along, too far", line(&[(-50.0, 23.0), (150.0, 23.0)]), 0.0, 2.9, None),
        ("twice across", line(&twice), 0.0, 0.0, of_line("crosses", 0.0, deep, 40.0, 40.0 / 140.0)),
    ]
}

fn yards() -> Vec<Pair> {
    let (outer, inner) = (ring(-20.0, -20.0, 120.0, 40.0), ring(-10.0, -10.0, 110.0, 30.0));
    let round = json!({"type": "Polygon", "coordinates": [outer, inner]});
    let (deep, edge) = (Some(10.0), Some(0.0));
    vec![
        ("on the corner", rect(90.0, 10.0, 110.0, 30.0), 0.0, 0.0, of_area("crosses", 0.0, deep, 100.0, 0.25)),
        ("within", rect(40.0, 4.0, 60.0, 10.0), 0.0, 0.0, of_area("inside", 0.0, deep, 120.0, 1.0)),
        ("wall to wall", rect(100.0, 0.0, 120.0, 20.0), 0.0, 0.0, of_area("touches", 0.0, edge, 0.0, 0.0)),
        ("beside", rect(104.0, 0.0, 120.0, 20.0), 0.0, 4.0, of_area("near", 4.0, None, 0.0, 0.0)),
        ("a ring round the road", round, 0.0, 10.0, of_area("near", 10.0, None, 0.0, 0.0)),
        (SAME_GROUND, rect(0.0, 0.0, 100.0, 20.0), 0.0, 0.0, of_area("inside", 0.0, None, 2000.0, 1.0)),
    ]
}

const SAME_GROUND: &str = "the same ground";

/// One work against a road of 100 × 20 m whose south-west corner is the origin: asked of the road, of the work, and
/// drawn both ways; all four answers are the same.
#[test]
fn every_pair_is_measured_as_the_domain_defines_it() {
    let api = Api::new();
    let land = rect(0.0, 0.0, 100.0, 20.0);
    let road = api.road("ROAD", land.clone());
    for (what, shape, accuracy, clearance, expect) in points().into_iter().chain(cables()).chain(yards()) {
        let properties = merged(json!({"code": "WORK", "position_accuracy_m": accuracy}), &mast());
        let work = api.add(WORKS, shape.clone(), properties);
        let query = format!("clearance_m={clearance}");
        let of_road = only(&api.server.get("", &format!("/api/corridors/{road}/conflicts?{query}")).json());
        let of_work = only(&api.server.get("", &format!("/api/works/{work}/conflicts?{query}")).json());
        let drawn_land = only(&api.on_grid("", "POST", &format!("{CHECKS}?{query}"), &land).json());
        let drawn = json!({"type": "Feature", "geometry": shape, "properties": {"position_accuracy_m": accuracy}});
        let drawn_work = only(&api.on_grid("", "POST", &format!("{CHECKS}?{query}&against=corridors"), &drawn).json());
        let whole = what == SAME_GROUND;
        for (who, got) in
            [("road", &of_road), ("work", &of_work), ("drawn road", &drawn_land), ("drawn work", &drawn_work)]
        {
            let mut got = got.clone();
            if whole {
                // Its corners lie on the edge; only that it is a number is defined.
                assert!(got["depth_m"].as_f64().is_some_and(|d| (0.0..=10.0).contains(&d)), "{got}");
                got["depth_m"] = Json::Null;
            }
            check(&got, expect, &format!("{what}, asked of the {who}"));
            if let (Some(_), "road" | "drawn road") = (expect, who) {
                assert_eq!(
                    (&got["layer"], &got["id"], &got["code"], &got["kind"]),
                    (&json!("works"), &json!(work), &json!("WORK"), &json!("mast"))
                );
            }
        }
        // PostGIS says the same of the set and of the distance.
        let sql = format!(
            "SELECT CASE WHEN ST_DWithin(w.geom_grid, c.geom_grid, {clearance} + {accuracy}) \
            THEN ST_Distance(w.geom_grid, c.geom_grid) END FROM works w, corridors c"
        );
        let distance = api.sql(&sql).map(|d| d.parse::<f64>().unwrap());
        assert_near(&of_road["distance_m"], distance, &format!("{what}, in SQL"));
        assert_eq!(api.server.call("officer", "DELETE", &format!("{WORKS}/{work}"), None).status, 204);
    }
}

#[test]
fn chainage_offset_and_side_follow_the_centreline() {
    let api = Api::new();
    // East for 100 m, then north; 10 m to the left, 5 m to the right.
    let axis = line(&[(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)]);
    let widths = merged(json!({"half_width_left_m": 10, "half_width_right_m": 5}), &road());
    let corridor = api.add(CORRIDORS, axis.clone(), widths);
    let both = json!("both");
    // work, relation, distance, chainage from and to, offset, side
    let table = [
        (point(30.0, 4.0), "inside", 0.0, 30.0, 30.0, 4.0, json!("left")),
        (point(30.0, -3.0), "inside", 0.0, 30.0, 30.0, 3.0, json!("right")),
        (point(30.0, 0.0), "inside", 0.0, 30.0, 30.0, 0.0, Json::Null),
        (point(30.0, 12.0), "near", 2.0, 30.0, 30.0, 12.0, json!("left")),
        (point(103.0, 60.0), "inside", 0.0, 160.0, 160.0, 3.0, json!("right")),
        (point(91.0, 60.0), "inside", 0.0, 160.0, 160.0, 9.0, json!("left")),
        (line(&[(40.0, -20.0), (40.0, 20.0)]), "crosses", 0.0, 40.0, 40.0, 0.0, both.clone()),
        (line(&[(20.0, 2.0), (70.0, 6.0)]), "inside", 0.0, 20.0, 70.0, 2.0, json!("left")),
        (line(&[(10.0, 30.0), (10.0, 4.0), (60.0, 4.0), (60.0, 30.0)]), "crosses", 0.0, 10.0, 60.0, 4.0, json!("left")),
        (rect(20.0, -2.0, 50.0, 3.0), "inside", 0.0, 20.0, 50.0, 0.0, both),
    ];
    for (shape, relation, distance, from, to, offset, side) in table {
        let work = api.work("W", shape.clone());
        let stored = only(&api.server.get("", &format!("/api/corridors/{corridor}/conflicts?clearance_m=3")).json());
        let reverse = only(&api.server.get("", &format!("/api/works/{work}/conflicts?clearance_m=3")).json());
        for got in [&stored, &reverse] {
            assert_eq!(got["relation"], relation, "{shape}");
            for (name, expect) in
                [("distance_m", distance), ("chainage_from_m", from), ("chainage_to_m", to), ("offset_m", offset)]
            {
                assert_near(&got[name], Some(expect), &format!("{name} of {shape}"));
            }
            assert_eq!(got["side"], side, "{shape}: {got}");
        }
        // A drawn line is its own centreline.
        let drawn = only(&api.on_grid("", "POST", &format!("{CHECKS}?clearance_m=13"), &axis).json());
        for (name, expect) in [("chainage_from_m", from), ("chainage_to_m", to), ("offset_m", offset)] {
            // What of the work lies within 13 m of the line is not what lies in the land beside it.
            if shape["type"] == "Point" {
                assert_near(&drawn[name], Some(expect), &format!("{name} of {shape}, drawn"));
            }
        }
        assert_eq!(drawn["distance_m"].as_f64().unwrap() > 0.0, offset > 0.0, "{shape}: {drawn}");
        assert_eq!(api.server.call("officer", "DELETE", &format!("{WORKS}/{work}"), None).status, 204);
    }
    // Chainage runs through the parts in their order and skips the gap.
    let parts = json!({"type": "MultiLineString", "coordinates": [line(&[(0.0, 500.0), (50.0, 500.0)])["coordinates"], line(&[(100.0, 500.0), (150.0, 500.0)])["coordinates"]]});
    api.work("GAP", point(110.0, 502.0));
    let drawn = only(&api.on_grid("", "POST", &format!("{CHECKS}?clearance_m=13"), &parts).json());
    assert_near(&drawn["chainage_from_m"], Some(60.0), "after a gap");
    // An area has none.
    let area = only(&api.on_grid("", "POST", CHECKS, &rect(105.0, 495.0, 115.0, 505.0)).json());
    assert_eq!((&area["chainage_from_m"], &area["offset_m"], &area["side"]), (&Json::Null, &Json::Null, &Json::Null));
}

#[test]
fn an_accuracy_that_nobody_stated_is_labelled() {
    let api = Api::new();
    for (name, more, metres, from) in [
        ("stated", json!({"position_accuracy_m": 1.5, "capture_method": "gnss"}), 1.5, "recorded"),
        ("rtk", json!({"capture_method": "gnss_rtk"}), 0.05, "default"),
        ("gnss", json!({"capture_method": "gnss"}), 5.0, "default"),
        ("digitised", json!({"capture_method": "digitised"}), 10.0, "default"),
        ("record", json!({"capture_method": "record"}), 20.0, "default"),
        ("estimated", json!({"capture_method": "estimated"}), 50.0, "default"),
        ("unknown", json!({}), 20.0, "default"),
    ] {
        // As far from the land as its error is large, but for a millimetre; and 1 cm farther.
        let near = api.add(WORKS, point(0.0, 19.999 + metres), merged(more.clone(), &mast()));
        let far = api.add(WORKS, point(50.0, 20.01 + metres), merged(more, &mast()));
        let got = only(&api.on_grid("", "POST", CHECKS, &rect(-100.0, 0.0, 100.0, 20.0)).json());
        assert_eq!(got["id"], json!(near), "{name}");
        assert_near(&got["position_accuracy_m"], Some(metres), name);
        assert_eq!((&got["position_accuracy_from"], &got["verdict"]), (&json!(from), &json!("possible")), "{name}");
        for id in [near, far] {
            api.server.call("officer", "DELETE", &format!("{WORKS}/{id}"), None);
        }
    }
    api.road("R", rect(0.0, 0.0, 100.0, 20.0));
    let drawn = only(&api.on_grid("", "POST", &format!("{CHECKS}?against=corridors"), &point(1.0, 1.0)).json());
    assert_eq!((&drawn["position_accuracy_m"], &drawn["position_accuracy_from"]), (&json!(0.0), &json!("drawn")));
}

#[test]
fn who_counts_and_how_much_depends_on_status_and_day() {
    let api = Api::new();
    let work = api.work("W", point(50.0, 10.0));
    let path = format!("{WORKS}/{work}");
    let asked = |at: &str| format!("/api/works/{work}/conflicts?at={at}");
    let corridor = api.road("C", rect(0.0, 0.0, 100.0, 20.0));
    let land = format!("{CORRIDORS}/{corridor}");
    let patch = |path: &str, properties: Json| {
        let done = api.server.call("officer", "PATCH", path, Some(&json!({"properties": properties})));
        assert_eq!(done.status, 200, "{}", done.text);
    };
    let severity = |at: &str| {
        let of_work = only(&api.server.get("", &asked(at)).json())["severity"].clone();
        let of_land =
            only(&api.server.get("", &format!("/api/corridors/{corridor}/conflicts?at={at}")).json())["severity"]
                .clone();
        assert_eq!(of_work, of_land);
        of_work
    };
    let noon = "2026-06-15T05:00:00Z";
    for (status, expect) in [
        ("announced", json!("warns")),
        ("surveyed", json!("warns")),
        ("approved", json!("warns")),
        ("suspended", json!("warns")),
        ("in_force", json!("blocks")),
        ("handed_over", json!("blocks")),
        ("completed", Json::Null),
        ("cancelled", Json::Null),
        ("realigned", Json::Null),
    ] {
        patch(&land, json!({"status": status}));
        assert_eq!(severity(noon), expect, "{status}");
    }
    patch(&land, json!({"status": "in_force", "in_force_from": "2026-06-16", "in_force_to": "2026-06-30"}));
    // The day begins at midnight in Đắk Nông, seven hours before it does in Greenwich.
    for (at, expect) in [
        (noon, json!("warns")),
        ("2026-06-15T16:59:59Z", json!("warns")),
        ("2026-06-15T17:00:00Z", json!("blocks")),
        ("2026-06-30T16:59:59Z", json!("blocks")),
        ("2026-06-30T17:00:00Z", Json::Null),
        ("2026-07-01T00:00:00%2B07:00", Json::Null),
        ("2026-06-30T23:59:59%2B07:00", json!("blocks")),
    ] {
        assert_eq!(severity(at), expect, "{at}");
    }
    patch(&land, json!({"in_force_from": null, "in_force_to": null}));
    for (status, counts) in [
        ("planned", true),
        ("permitted", true),
        ("under_construction", true),
        ("in_service", true),
        ("suspended", true),
        ("relocating", true),
        ("relocated", false),
        ("dismantled", false),
        ("abandoned", false),
    ] {
        patch(&path, json!({"status": status}));
        assert_eq!(severity(noon), if counts { json!("blocks") } else { Json::Null }, "{status}");
    }
    patch(&path, json!({"status": "in_service", "valid_from": "2026-06-15", "valid_to": "2026-06-16"}));
    for (at, counts) in [
        ("2026-06-14T16:59:59Z", false),
        ("2026-06-14T17:00:00Z", true),
        ("2026-06-16T16:59:59Z", true),
        ("2026-06-16T17:00:00Z", false),
    ] {
        assert_eq!(severity(at), if counts { json!("blocks") } else { Json::Null }, "{at}");
    }
}
