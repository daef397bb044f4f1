//! Finding a place: the best of all places of a pattern, as a check of each of them tells; and what cannot be searched.

use std::collections::BTreeMap;

use clearway::geometry::{Epsg, Geometry, Point, crs};
use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, ORIGIN, REFERENCES, feature, line, merged, point, rect, road};
use crate::site_check::{NOW, SITES, ask, holds, prepared, revision};

const SEARCH: &str = "/api/site-search";

/// Things in the way in some parts of the area that is searched.
fn world() -> Api {
    let api = prepared(Api::new());
    let zone = json!({"kind": "zone", "organisation": "office", "code": "Z", "column_classes": ["A2b"]});
    api.add(REFERENCES, rect(0.0, 0.0, 900.0, 1_500.0), zone);
    let heritage = json!({"kind": "heritage", "organisation": "culture", "code": "H"});
    api.add(REFERENCES, rect(200.0, 200.0, 300.0, 300.0), heritage);
    api.add(CORRIDORS, rect(500.0, 0.0, 520.0, 1_500.0), merged(json!({"code": "C", "class": "III"}), &road()));
    api.school("S", rect(700.0, 400.0, 740.0, 430.0));
    let frozen = json!({"kind": "freeze_window", "organisation": "office", "code": "F", "valid_from": "2026-05-01"});
    api.add(REFERENCES, rect(-40.0, 600.0, 300.0, 1_100.0), frozen);
    api.work("M", point(100.0, 1_400.0));
    api
}

fn column(more: Json) -> Json {
    let antennas = json!([{"frequency_mhz": 900, "eirp_w": 20}]);
    merged(more, &json!({"height_agl_m": 30, "column_class": "A2b", "antennas": antennas}))
}

fn search(api: &Api, query: &str, area: Json, more: Json) -> Json {
    let answer = ask(api, "officer", &format!("{SEARCH}?{NOW}{query}"), &feature(area, column(more)));
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/geo+json"));
    answer.json()
}

/// A place of an answer on the grid.
fn on_grid(feature: &Json) -> (f64, f64) {
    let at = &feature["geometry"]["coordinates"];
    let at = Geometry::Point(Point::new(at[0].as_f64().unwrap(), at[1].as_f64().unwrap()));
    let Geometry::Point(at) = crs::project(&at, Epsg::WGS84, Epsg(9218)).unwrap() else { panic!("no point") };
    (at.x() - ORIGIN[0], at.y() - ORIGIN[1])
}

/// How many findings of a check have each verdict, the worst first; one that is known in part is not checked as well.
fn rank(result: &Json) -> [usize; 4] {
    let all = result["findings"].as_array().unwrap();
    let in_part = |f: &Json| {
        let stands = ["block", "needs_survey", "warn"].iter().any(|v| f["verdict"] == *v);
        f["verdict"] == "not_checked" || stands && f["gaps"].as_array().is_some_and(|gaps| !gaps.is_empty())
    };
    let is = |v: &str| all.iter().filter(|f| f["verdict"] == v).count();
    [is("block"), is("needs_survey"), all.iter().filter(|f| in_part(f)).count(), is("warn")]
}

/// The places of a square pattern in a rectangle, by the grid's own round numbers.
fn candidates(west: f64, south: f64, east: f64, north: f64, spacing: f64) -> Vec<(f64, f64)> {
    #[allow(clippy::cast_possible_truncation)]
    let all = |low: f64, high: f64| ((low / spacing).ceil() as i32)..=((high / spacing).floor() as i32);
    let (xs, ys) = (all(ORIGIN[0] + west, ORIGIN[0] + east), all(ORIGIN[1] + south, ORIGIN[1] + north));
    let place = |x: i32, y: i32| (f64::from(x) * spacing - ORIGIN[0], f64::from(y) * spacing - ORIGIN[1]);
    xs.flat_map(|x| ys.clone().map(move |y| place(x, y))).collect()
}

#[test]
fn the_best_places_are_those_of_a_check_of_each() {
    let api = world();
    let (west, south, east, north, spacing) = (-40.0, -40.0, 1_010.0, 1_030.0, 70.0);
    let area = rect(west, south, east, north);
    let found = search(&api, "&limit=40", area, json!({"pattern": "square", "spacing_m": spacing}));
    let places = candidates(west, south, east, north, spacing);
    let features: Vec<Json> = places.iter().map(|(x, y)| feature(point(*x, *y), column(json!({})))).collect();
    let collection = json!({"type": "FeatureCollection", "features": features});
    let checks = ask(&api, "officer", &format!("{SITES}?store=no&{NOW}"), &collection).json();
    let checks = checks["results"].as_array().unwrap();
    let (middle_x, middle_y) = (f64::midpoint(west, east), f64::midpoint(south, north));
    let away = |(x, y): (f64, f64)| (x - middle_x).powi(2) + (y - middle_y).powi(2);
    let mut ranked: Vec<_> = places.iter().zip(checks).map(|(at, check)| (rank(check), *at, check)).collect();
    ranked.sort_by(|a, b| {
        a.0.cmp(&b.0).then(away(a.1).total_cmp(&away(b.1))).then(a.1.0.total_cmp(&b.1.0)).then(a.1.1.total_cmp(&b.1.1))
    });
    let ranks: std::collections::BTreeSet<_> = ranked.iter().map(|r| r.0).collect();
    assert!(ranks.len() >= 4, "too dull: {ranks:?}");
    assert_eq!((&found["looked_at"], &found["spacing_m"]), (&json!(places.len()), &json!(spacing)));
    let best = found["features"].as_array().unwrap();
    assert_eq!(best.len(), 40);
    for (n, (place, (expect_rank, at, check))) in best.iter().zip(&ranked).enumerate() {
        let (x, y) = on_grid(place);
        assert!((x - at.0).abs() < 1e-3 && (y - at.1).abs() < 1e-3, "{n}: {x} {y}, expected {at:?}");
        let said = &place["properties"];
        assert_eq!((&said["rank"], &place["id"]), (&json!(n + 1), &json!(n + 1)));
        assert_eq!(rank(said), *expect_rank, "{n}");
        let verdicts = |r: &Json| -> Vec<Json> {
            r["findings"]
                .as_array()
                .unwrap()
                .iter()
                .map(|f| json!([f["verdict"], f["key"], f["evidence"][0]["code"]]))
                .collect()
        };
        assert_eq!(verdicts(said), verdicts(check), "{n}");
        let mut whole = said.clone();
        whole["subject"] = json!({"geometry": place["geometry"]});
        holds(&whole);
    }
    let mut verdicts = BTreeMap::new();
    for (_, _, check) in &ranked {
        *verdicts.entry(check["verdict"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(found["verdicts"], json!(verdicts));
}

#[test]
fn places_lie_in_the_area_as_far_apart_as_is_said() {
    let api = world();
    // Within a radius of a point, in the pattern that is usual.
    let round = search(&api, "&limit=200", point(450.0, 700.0), json!({"radius_m": 300}));
    let spacing = round["spacing_m"].as_f64().unwrap();
    let looked_at = round["looked_at"].as_f64().unwrap();
    assert!((900.0..1_300.0).contains(&looked_at), "about a thousand: {looked_at}");
    let all: Vec<(f64, f64)> = round["features"].as_array().unwrap().iter().map(on_grid).collect();
    assert_eq!(all.len(), 200);
    assert!(all.iter().all(|(x, y)| (x - 450.0).hypot(y - 700.0) < 300.001), "outside the radius");
    let apart = |a: &(f64, f64), b: &(f64, f64)| (a.0 - b.0).hypot(a.1 - b.1);
    for (n, one) in all.iter().enumerate() {
        let nearest =
            all.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, b)| apart(one, b)).fold(f64::MAX, f64::min);
        assert!(nearest > spacing - 0.001, "{nearest} for {spacing}");
    }
    // Round a line, and in a polygon with a corner cut off: a place in the box round it is none in it.
    let along = search(&api, "", line(&[(0.0, 0.0), (800.0, 800.0)]), json!({"radius_m": 20, "spacing_m": 10}));
    for place in along["features"].as_array().unwrap() {
        let (x, y) = on_grid(place);
        assert!((x - y).abs() / 2_f64.sqrt() < 20.001, "{x} {y}");
    }
    assert_eq!(along["features"].as_array().unwrap().len(), 20, "as many as are usual");
    let corners = [(0.0, 0.0), (900.0, 0.0), (0.0, 900.0), (0.0, 0.0)].map(crate::help::at);
    let triangle = json!({"type": "Polygon", "coordinates": [corners]});
    let inside = search(&api, "&limit=200", triangle, json!({"spacing_m": 50, "pattern": "hexagonal"}));
    for place in inside["features"].as_array().unwrap() {
        let (x, y) = on_grid(place);
        assert!(x > -0.001 && y > -0.001 && x + y < 900.001, "{x} {y}");
    }
    assert_eq!(inside["spacing_m"], 50.0);
}

/// Round a point in a hexagonal grid as well: by rank, each with what a check of that place says.
#[test]
fn places_of_a_hexagonal_grid_within_a_radius_are_ranked_with_their_reasons() {
    let api = world();
    let pattern = json!({"radius_m": 400, "spacing_m": 57.3, "pattern": "hexagonal"});
    let found = search(&api, "&limit=200", point(450.0, 500.0), pattern);
    let best = found["features"].as_array().unwrap();
    assert_eq!(found["looked_at"], json!(best.len()));
    assert!((150..200).contains(&best.len()), "{}", best.len());
    let features: Vec<Json> = best
        .iter()
        .map(|place| {
            let (x, y) = on_grid(place);
            feature(point(x, y), column(json!({})))
        })
        .collect();
    let collection = json!({"type": "FeatureCollection", "features": features});
    let checks = ask(&api, "officer", &format!("{SITES}?store=no&{NOW}"), &collection).json();
    let away = |place: &Json| {
        let (x, y) = on_grid(place);
        (x - 450.0).hypot(y - 500.0)
    };
    let ranks: Vec<[usize; 4]> = best.iter().map(|place| rank(&place["properties"])).collect();
    for (n, (place, check)) in best.iter().zip(checks["results"].as_array().unwrap()).enumerate() {
        let reasons = |r: &Json| -> Vec<Json> {
            let all = r["findings"].as_array().unwrap().iter();
            all.map(|f| json!([f["code"], f["verdict"], f["key"], f["evidence"][0]["code"]])).collect()
        };
        assert_eq!(reasons(&place["properties"]), reasons(check), "{n}");
        let before = (n > 0).then(|| (ranks[n - 1], away(&best[n - 1])));
        let is_ranked = before.is_none_or(|(r, m)| r < ranks[n] || r == ranks[n] && m < away(place) + 0.001);
        assert!(is_ranked, "{n}: {before:?} before {:?}", ranks[n]);
    }
    assert!(ranks.iter().collect::<std::collections::BTreeSet<_>>().len() >= 3, "too dull: {ranks:?}");
}

#[test]
fn who_sees_less_is_given_less_and_the_best_have_their_reasons() {
    let api = world();
    let hidden = json!({"code": "HIDE", "kind": "school", "organisation": "education", "visibility": "restricted"});
    api.add(REFERENCES, rect(600.0, 1_000.0, 640.0, 1_040.0), hidden);
    let document = feature(rect(550.0, 500.0, 890.0, 1_400.0), column(json!({"spacing_m": 60})));
    let asked = |role: &str| ask(&api, role, &format!("{SEARCH}?{NOW}"), &document);
    let (public, officer) = (asked(""), asked("officer"));
    assert!(!public.text.contains("HIDE"), "{}", public.text);
    assert_eq!(public.json()["verdicts"]["pass"], Json::Null, "{}", public.json()["verdicts"]);
    assert!(officer.json()["verdicts"]["pass"].as_u64() > Some(0), "{}", officer.json()["verdicts"]);
}

#[test]
fn what_cannot_be_searched_is_told_at_its_place() {
    let api = world();
    let area = || rect(0.0, 0.0, 500.0, 500.0);
    let line = line(&[(0.0, 0.0), (9.0, 9.0)]);
    let elsewhere = json!({"type": "Point", "coordinates": [ORIGIN[0], ORIGIN[1] + 300_000.0]});
    for (shape, properties, expect) in [
        (point(0.0, 0.0), json!({}), "/properties/radius_m: is missing"),
        (line, json!({}), "/properties/radius_m: is missing"),
        (Json::Null, json!({}), "/geometry: is missing or null"),
        (
            area(),
            json!({"pattern": "star"}),
            "/properties/pattern: «star» is not known here; known are hexagonal, square",
        ),
        (area(), json!({"pattern": 7}), "/properties/pattern: "),
        (area(), json!({"height_agl_m": -5}), "/properties/height_agl_m: is -5"),
        (area(), json!({"radius_m": -1}), "/properties/radius_m: is -1; it must lie between 0 and 100000"),
        (area(), json!({"spacing_m": 0.5}), "/properties/spacing_m: is 0.5; it must lie between 1 and 100000"),
        (area(), json!({"spacing": 5}), "/properties/spacing: is not a property"),
        (
            rect(3.0, 3.0, 5.0, 5.0),
            json!({"spacing_m": 9_000}),
            "/geometry/coordinates: no place of a pattern of 9000 m",
        ),
        (elsewhere, json!({"radius_m": 100}), "/geometry/coordinates: the middle of it lies in no jurisdiction"),
    ] {
        let refused = ask(&api, "officer", SEARCH, &feature(shape, column(properties.clone())));
        assert_eq!(refused.status, 422, "{properties}: {}", refused.text);
        let problems = refused.problems();
        assert!(problems.len() == 1 && problems[0].starts_with(expect), "{properties}: {problems:?}");
    }
    // Everything that is wrong at once.
    let bad = feature(point(0.0, 0.0), json!({"height_agl_m": -5, "column_class": "B", "spacing_m": 0}));
    assert_eq!(ask(&api, "officer", SEARCH, &bad).problems().len(), 4);
    for (area, spacing) in [(area(), 2.0), (rect(0.0, 0.0, 30_000.0, 30_000.0), 1.0)] {
        let refused = ask(&api, "officer", SEARCH, &feature(area, column(json!({"spacing_m": spacing}))));
        assert_eq!(refused.status, 413, "{}", refused.text);
        assert!(refused.text.contains("state a larger spacing_m"), "{}", refused.text);
    }
    for query in ["?limit=0", "?limit=many", "?best=3", "?at=now"] {
        let refused = ask(&api, "officer", &format!("{SEARCH}{query}"), &feature(area(), column(json!({}))));
        assert_eq!(refused.status, 400, "{query}: {}", refused.text);
    }
}

/// Where nobody says what there is, a place beside something known is no better than one where nothing is known.
#[test]
fn what_is_known_in_part_makes_no_place_better() {
    let api = Api::new();
    crate::rules::load(&api, crate::rules::VN);
    api.school("S", rect(-10.0, -10.0, 10.0, 10.0));
    let more = json!({"pattern": "square", "spacing_m": 50.0});
    let found = search(&api, "&limit=100", rect(-210.0, -210.0, 210.0, 210.0), more);
    let places = found["features"].as_array().unwrap();
    let away = |place: &Json| {
        let (x, y) = on_grid(place);
        x.hypot(y)
    };
    let warns = |place: &Json| {
        let all = place["properties"]["findings"].as_array().unwrap();
        all.iter().any(|f| f["code"] == "SEN" && f["verdict"] == "warn")
    };
    assert_eq!(places.len(), 81);
    let near = places.iter().filter(|place| warns(place)).count();
    assert!(near > 0 && near < places.len(), "{near}");
    // All that the school stands near to come last.
    assert!(places[..places.len() - near].iter().all(|place| !warns(place) && away(place) > 50.0));
    assert!(places[places.len() - near..].iter().all(|place| warns(place) && away(place) < 100.0));
}

/// The centre of gravity of an area that is bent round a corner of the border lies on the other side.
#[test]
fn an_area_is_searched_where_it_lies_and_not_where_its_middle_does() {
    let api = prepared(Api::new());
    let bent = [
        [107.425, 11.748],
        [107.5, 11.788],
        [107.595, 11.750],
        [107.595, 11.752],
        [107.5, 11.790],
        [107.425, 11.750],
        [107.425, 11.748],
    ];
    let area = json!({"type": "Polygon", "coordinates": [bent]});
    let headers = [("Content-Type", "application/geo+json"), ("Min-Revision", &*revision(&api))];
    let wanted = feature(area, column(json!({"spacing_m": 500})));
    let answer = api.send("officer", "POST", SEARCH, &headers, Some(&wanted));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let found = answer.json();
    assert!(found["looked_at"].as_u64().unwrap() > 10, "{found}");
    for place in found["features"].as_array().unwrap() {
        assert_eq!(place["properties"]["jurisdiction"], "VN-72");
    }
}
