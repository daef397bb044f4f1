//! Coverage: full, partial, none, undeclared; holes, neighbours with a common edge, the border, and who may say so.

use clearway::actions::{Witness, coverage};
use clearway::domain::actor::{Actor, Role};
use clearway::domain::coverage::{Coverage, CoverageDraft};
use clearway::domain::layer::Layer;
use clearway::domain::reference::ReferenceKind;
use clearway::domain::word::Word;
use clearway::error::Error;
use clearway::geometry::encoding::geojson;
use clearway::geometry::measure::Prepared;
use clearway::geometry::{Epsg, Geometry, Grid, Point, crs};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::help::{Api, CHECKS, CORRIDORS, GRID, WORKS, feature, mast, merged, road};
use crate::support::{TestServer, vn72_draft};

/// A box in degrees, its corners in order.
fn area(west: f64, south: f64, east: f64, north: f64) -> Json {
    json!({"type": "Polygon", "coordinates": [ring(west, south, east, north)]})
}

fn ring(west: f64, south: f64, east: f64, north: f64) -> Json {
    json!([[west, south], [east, south], [east, north], [west, north], [west, south]])
}

fn point(x: f64, y: f64) -> Json {
    json!({"type": "Point", "coordinates": [x, y]})
}

fn line(from: [f64; 2], to: [f64; 2]) -> Json {
    json!({"type": "LineString", "coordinates": [from, to]})
}

fn draft(layer: Layer, shape: &Json) -> CoverageDraft {
    let boundary = geojson::geometry(shape, 1_000).unwrap();
    CoverageDraft {
        layer,
        kind: None,
        source: "survey of 2026".into(),
        as_of: Some("2026-03-01".parse().unwrap()),
        boundary,
    }
}

/// Declares as the operator, in another instance than the one asked.
pub fn declare(api: &Api, layer: Layer, shape: &Json) -> Uuid {
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "test");
    coverage::declare(&api.database.context(), witness, "VN-72", draft(layer, shape)).unwrap().id
}

fn revision(api: &Api) -> String {
    format!("VN-72={}", api.sql("SELECT revision FROM revisions").unwrap())
}

/// With a clearance of 0 m where the query names none: land of which nobody says one is never `full`.
fn with_clearance(query: &str) -> String {
    let so_far = if query.is_empty() { "?".to_owned() } else { format!("{query}&") };
    if query.contains("clearance_m=") { query.to_owned() } else { format!("{so_far}clearance_m=0") }
}

/// The answer to a check at the present revision, which the instance asked has to hear of first.
fn check(api: &Api, query: &str, shape: &Json) -> Json {
    let query = with_clearance(query);
    let headers = [("Content-Type", "application/geo+json"), ("Min-Revision", &*revision(api))];
    let answer = api.send("", "POST", &format!("{CHECKS}{query}"), &headers, Some(shape));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// As [`check`], as a role.
fn check_as(api: &Api, role: &str, query: &str, shape: &Json) -> Json {
    let query = with_clearance(query);
    let headers = [("Content-Type", "application/geo+json"), ("Min-Revision", &*revision(api))];
    let answer = api.send(role, "POST", &format!("{CHECKS}{query}"), &headers, Some(shape));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// What the answer says: of the subject, in its list of layers, of the layer asked, and of each layer without data.
#[track_caller]
fn says(answer: &Json, expect: &str, gaps: &[&str]) {
    let result = &answer["results"][0];
    assert_eq!(
        (&result["coverage"], &result["layers"][0]["coverage"], &answer["checked"][0]["coverage"]),
        (&json!(expect), &json!(expect), &json!(expect)),
        "{answer}"
    );
    let named: Vec<&str> = result["not_checked"]["layers"]
        .as_array()
        .map(|all| all.iter().map(|g| g["detail"].as_str().unwrap()).collect())
        .unwrap_or_default();
    assert_eq!(named, gaps, "{answer}");
    assert_eq!(result["not_checked"].is_null(), gaps.is_empty(), "{answer}");
}

const PART: &str = "no data of layer works for a part of it";
const UNDECLARED: &str = "nobody has declared where works holds all there is";
const ALL: &str = "no data of layer works for it";

#[test]
fn full_partial_none_and_undeclared() {
    let api = Api::new();
    let inside = point(107.69, 12.01);
    says(&check(&api, "", &inside), "undeclared", &[UNDECLARED]);
    declare(&api, Layer::Corridors, &area(107.6, 11.95, 107.7, 12.05));
    says(&check(&api, "", &inside), "undeclared", &[UNDECLARED]);
    declare(&api, Layer::Works, &area(107.6, 11.95, 107.7, 12.05));
    says(&check(&api, "", &inside), "full", &[]);
    // 0.01° are some 1 089 m there.
    says(&check(&api, "?clearance_m=1000", &inside), "full", &[]);
    says(&check(&api, "?clearance_m=1200", &inside), "partial", &[PART]);
    says(&check(&api, "", &line([107.69, 12.01], [107.71, 12.01])), "partial", &[PART]);
    says(&check(&api, "", &point(107.75, 12.01)), "none", &[ALL]);
    says(&check(&api, "?clearance_m=5000", &point(107.74, 12.01)), "partial", &[PART]);
    // What reaches beyond is named, in the answer and on a map.
    let beyond = check(&api, "", &line([107.69, 12.01], [107.71, 12.01]));
    let gap = &beyond["results"][0]["not_checked"];
    assert_eq!((&gap["reason"], &gap["geometry"]), (&json!("layer_not_covered"), &Json::Null));
    assert_eq!(gap["layers"][0]["layer"], "works");
    let start = gap["layers"][0]["geometry"]["coordinates"][0][0][0].as_f64().unwrap();
    assert!((start - 107.7).abs() < 1e-9, "{gap}");
    // Several subjects: each its own word, and the worst of them for the layer.
    let several = json!({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": inside},
        {"type": "Feature", "properties": {}, "geometry": point(107.75, 12.01)},
        {"type": "Feature", "properties": {"position_accuracy_m": 1200}, "geometry": inside}]});
    let answer = check(&api, "?against=works,corridors", &several);
    let words: Vec<&Json> = answer["results"].as_array().unwrap().iter().map(|r| &r["coverage"]).collect();
    assert_eq!(words, ["full", "none", "partial"]);
    assert_eq!(
        (&answer["checked"][0]["coverage"], &answer["checked"][1]["coverage"]),
        (&json!("none"), &json!("none"))
    );
    // One layer that does not say is enough not to be clear.
    let api = Api::new();
    declare(&api, Layer::Works, &area(107.6, 11.95, 107.7, 12.05));
    let answer = check(&api, "?against=works,corridors", &inside);
    assert_eq!(answer["results"][0]["coverage"], "undeclared");
    assert_eq!(
        (&answer["checked"][0]["coverage"], &answer["checked"][1]["coverage"]),
        (&json!("full"), &json!("undeclared"))
    );
}

#[test]
fn a_hole_is_not_covered() {
    let api = Api::new();
    let holed = json!({"type": "Polygon", "coordinates": [
        ring(107.6, 11.95, 107.8, 12.1), ring(107.68, 12.0, 107.7, 12.02)]});
    declare(&api, Layer::Works, &holed);
    says(&check(&api, "", &point(107.69, 12.01)), "none", &[ALL]);
    says(&check(&api, "", &area(107.67, 11.99, 107.71, 12.03)), "partial", &[PART]);
    says(&check(&api, "", &line([107.65, 12.01], [107.66, 12.01])), "full", &[]);
    let filled = declare(&api, Layer::Works, &area(107.68, 12.0, 107.7, 12.02));
    says(&check(&api, "?clearance_m=30", &area(107.67, 11.99, 107.71, 12.03)), "full", &[]);
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "test");
    coverage::withdraw(&api.database.context(), witness, "VN-72", filled).unwrap();
    says(&check(&api, "", &point(107.69, 12.01)), "none", &[ALL]);
}

#[test]
fn neighbours_with_a_common_edge_cover_together() {
    let api = Api::new();
    // A slanting edge of 15 km, walked in opposite directions: it is divided alike on the grid.
    let west = json!({"type": "Polygon", "coordinates":
        [[[107.6, 11.95], [107.7, 11.95], [107.7312, 12.0834], [107.6, 12.0834], [107.6, 11.95]]]});
    let east = json!({"type": "Polygon", "coordinates":
        [[[107.7, 11.95], [107.8, 11.95], [107.8, 12.0834], [107.7312, 12.0834], [107.7, 11.95]]]});
    declare(&api, Layer::Works, &west);
    let across = line([107.65, 12.01], [107.78, 12.02]);
    says(&check(&api, "?clearance_m=50", &across), "partial", &[PART]);
    declare(&api, Layer::Works, &east);
    says(&check(&api, "?clearance_m=50", &across), "full", &[]);
    // On the very edge, and over its end, which lies on the edge of the whole.
    says(&check(&api, "?clearance_m=50", &line([107.7078, 11.98335], [107.7234, 12.05005])), "full", &[]);
    says(&check(&api, "", &line([107.7, 11.95], [107.7312, 12.0834])), "partial", &[PART]);
}

#[test]
fn near_the_border_it_is_partial() {
    let api = Api::new();
    let boundary = geojson::to_value(&vn72_draft().boundary);
    declare(&api, Layer::Works, &boundary);
    // The boundary runs from 107.6, 11.745 to 107.66, 11.88; 0.002° are some 220 m.
    says(&check(&api, "", &point(107.69, 12.01)), "full", &[]);
    says(&check(&api, "", &point(107.628, 11.82)), "full", &[]);
    let near = check(&api, "?clearance_m=2000", &point(107.628, 11.82));
    let result = &near["results"][0];
    assert_eq!(
        (&result["coverage"], &result["not_checked"]["reason"], &result["layers"][0]["coverage"]),
        (&json!("partial"), &json!("clearance_outside_every_jurisdiction"), &json!("partial")),
        "{near}"
    );
    assert_eq!(result["not_checked"]["layers"][0]["detail"], PART);
    let away = check(&api, "", &point(100.0, 15.0));
    assert_eq!(away["results"][0]["coverage"], "none");
}

#[test]
fn everybody_reads_it_and_every_instance_hears_of_it() {
    let api = Api::new();
    let other = TestServer::start(&api.database);
    let shape = area(107.6, 11.95, 107.7, 12.05);
    let id = declare(&api, Layer::Works, &shape);
    declare(&api, Layer::Corridors, &shape);
    let event = api.sql(
        "SELECT concat_ws(' ', actor, deed, layer, subject, detail->>'what', detail->>'as_of') FROM audit_events WHERE revision = 2",
    );
    assert_eq!(event, Some(format!("operator create works {id} coverage 2026-03-01")));
    let change = api.sql("SELECT concat_ws(' ', layer, kind, id) FROM changes WHERE revision = 2");
    assert_eq!(change, Some(format!("works coverage {id}")));
    assert_eq!(
        api.sql("SELECT ST_SRID(geom_grid) = 9218 AND ST_Area(geom_grid) > 1e8 FROM coverage_areas LIMIT 1"),
        Some("true".into())
    );
    for (query, expect) in
        [("", 2), ("?layer=works", 1), ("?jurisdiction=VN-72&layer=corridors", 1), ("?jurisdiction=VN-72", 2)]
    {
        let answer = other.get("", &format!("/api/coverage{query}"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/geo+json")));
        assert_eq!(answer.json()["features"].as_array().unwrap().len(), expect, "{query}");
    }
    let first = other.get("", "/api/coverage?layer=works").json()["features"][0].clone();
    assert_eq!((&first["id"], &first["geometry"]["coordinates"][0]), (&json!(id), &shape["coordinates"]));
    let p = &first["properties"];
    assert_eq!(
        (&p["jurisdiction"], &p["layer"], &p["source"], &p["as_of"], &p["revision"]),
        (&json!("VN-72"), &json!("works"), &json!("survey of 2026"), &json!("2026-03-01"), &json!(2))
    );
    for (query, detail) in [
        ("?layer=zones", "parameter «layer»: «zones» is not a layer; known are works, corridors, references"),
        ("?jurisdiction=VN-99", "parameter «jurisdiction»: «VN-99» is not registered"),
        ("?colour=red", "parameter «colour»: is not known here; known are jurisdiction, layer"),
    ] {
        let refused = other.get("", &format!("/api/coverage{query}"));
        assert_eq!((refused.status, &refused.json()["detail"]), (400, &json!(detail)));
    }
    assert_eq!(other.get("nobody", "/api/coverage").status, 401);
    // Neither instance wrote it.
    let at = revision(&api);
    let headers = [("Content-Type", "application/geo+json"), ("Min-Revision", at.as_str())];
    let body = point(107.69, 12.01).to_string();
    let path = format!("{CHECKS}?clearance_m=0");
    let answer = other.send("POST", &path, &headers, Some(body.as_bytes())).json();
    assert_eq!(answer["results"][0]["coverage"], "full", "{answer}");
}

#[test]
fn only_who_answers_for_a_layer_declares_it_and_only_what_makes_sense() {
    let api = Api::new();
    let context = api.database.context();
    let shape = area(107.6, 11.95, 107.7, 12.05);
    let as_role = |role: Role, layer: Layer, shape: &Json, source: &str| {
        let actor =
            Actor { name: "x".into(), organisation: Some("viettel".into()), roles: vec![role], jurisdictions: None };
        let asked = CoverageDraft { source: source.into(), ..draft(layer, shape) };
        coverage::declare(&context, Witness::new(&actor, "test"), "VN-72", asked)
    };
    for role in [Role::Carrier, Role::Planner, Role::Auditor] {
        assert!(matches!(as_role(role, Layer::Works, &shape, "s"), Err(Error::Forbidden(_))), "{role}");
    }
    for (shape, source, pointer) in [
        (&shape, " ", "/source"),
        (&point(107.69, 12.01), "s", "/boundary"),
        (&area(10.0, 10.0, 11.0, 11.0), "s", "/boundary/coordinates"),
    ] {
        let Err(Error::Invalid(problems)) = as_role(Role::Officer, Layer::Works, shape, source) else { panic!() };
        assert_eq!(problems[0].pointer, pointer, "{problems:?}");
    }
    assert_eq!(api.sql("SELECT revision FROM revisions"), Some("1".into()), "nothing was written");
    let made = as_role(Role::Officer, Layer::Works, &shape, "s").unwrap();
    let carrier = Actor { roles: vec![Role::Carrier], ..Actor::operator() };
    let refused = coverage::withdraw(&context, Witness::new(&carrier, "test"), "VN-72", made.id);
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    assert_eq!(api.sql("SELECT count(*) FROM coverage_areas"), Some("1".into()));
}

const HIDDEN: &str = "some works here are not yours to see; ask the office";

#[test]
fn it_is_never_full_for_who_does_not_see_everything() {
    let api = Api::new();
    let whole = geojson::to_value(&vn72_draft().boundary);
    declare(&api, Layer::Works, &area(107.6, 11.95, 107.7, 12.05));
    declare(&api, Layer::Corridors, &whole);
    let work = |visibility: &str, at: Json| {
        api.server.post("officer", WORKS, &feature(at, merged(json!({"visibility": visibility}), &mast())))
    };
    let (inside, beyond) = (point(107.69, 12.01), point(107.75, 12.01));
    let across = line([107.69, 12.01], [107.71, 12.01]);
    assert_eq!(work("public", point(107.65, 12.0)).status, 201);
    says(&check(&api, "", &inside), "full", &[]);
    // It stands in the 2 km cell of some of what is asked, and near nothing of it.
    let secret = work("restricted", point(107.6925, 12.012)).json()["id"].as_str().unwrap().to_owned();
    for (role, sees) in
        [("", false), ("carrier", true), ("other-carrier", false), ("planner", false), ("officer", true)]
    {
        let hidden: &[&str] = if sees { &[] } else { &[HIDDEN] };
        says(&check_as(&api, role, "", &inside), if sees { "full" } else { "partial" }, hidden);
        says(&check_as(&api, role, "", &across), "partial", &[&[PART], hidden].concat());
        says(&check_as(&api, role, "", &beyond), "none", &[ALL]);
        says(&check_as(&api, role, "", &point(107.62, 11.96)), "full", &[]);
    }
    // The same at the place of it and anywhere else in the cell: nobody finds it by asking again and again.
    let of = |at: &Json| check(&api, "", at)["results"][0]["not_checked"].clone();
    assert_eq!(of(&point(107.6925, 12.012)), of(&inside));
    assert_eq!(of(&inside)["reason"], "features_not_seen");
    assert_eq!(
        of(&inside)["layers"],
        json!([{"layer": "works", "coverage": "partial", "reason": "features_not_seen", "detail": HIDDEN, "geometry": null}])
    );
    // Only of the layer that hides something.
    let both = check(&api, "?against=works,corridors", &inside);
    let words: Vec<&Json> = both["checked"].as_array().unwrap().iter().map(|c| &c["coverage"]).collect();
    assert_eq!(words, ["partial", "full"]);
    says(&check(&api, "?against=corridors", &inside), "full", &[]);
    // On a map, and without measures.
    let headers = [("Content-Type", "application/geo+json"), ("Accept", "application/geo+json")];
    let map = api.send("", "POST", CHECKS, &headers, Some(&inside)).json();
    assert_eq!(map["not_checked"][0]["ground"]["layers"][0]["detail"], HIDDEN, "{map}");
    assert_eq!(check(&api, "?measures=false", &inside)["results"][0]["coverage"], "partial");
    // A stored subject, and a layer that declares nothing.
    let public = api.sql("SELECT id FROM works WHERE visibility = 'public'").unwrap();
    let [there, here] = [107.65, 107.691].map(|west| {
        let road = feature(area(west, 12.0, west + 0.001, 12.01), merged(json!({"clearance_m": 0}), &road()));
        api.server.post("officer", CORRIDORS, &road).json()["id"].as_str().unwrap().to_owned()
    });
    for (role, expect) in [("", "partial"), ("officer", "full")] {
        let of_here = api.server.get(role, &format!("/api/corridors/{here}/conflicts")).json();
        assert_eq!(of_here["results"][0]["coverage"], expect);
        let of_road = api.server.get(role, &format!("/api/corridors/{there}/conflicts")).json();
        assert_eq!(
            (&of_road["results"][0]["coverage"], &of_road["results"][0]["conflict_count"]),
            (&json!("full"), &json!(1))
        );
        let of_work = api.server.get(role, &format!("/api/works/{public}/conflicts")).json();
        assert_eq!(of_work["results"][0]["coverage"], "full", "{of_work}");
    }
    assert_eq!(api.server.call("officer", "DELETE", &format!("{WORKS}/{secret}"), None).status, 204);
    says(&check(&api, "", &inside), "full", &[]);
}

#[test]
fn a_day_before_the_coverage_is_not_covered() {
    let api = Api::new();
    let inside = point(107.69, 12.01);
    let elsewhere = point(107.85, 12.01);
    let (first, second) = (area(107.6, 11.95, 107.7, 12.05), area(107.8, 11.95, 107.9, 12.05));
    declare_of(&api, &first, Some("2026-03-01"));
    let at = |day: &str| format!("?at={day}T12:00:00Z");
    let later = |day: &str| format!("the coverage of layer works is declared as of {day}, after the day asked");
    let first_day = later("2026-03-01");
    says(&check(&api, &at("2026-03-01"), &inside), "full", &[]);
    says(&check(&api, &at("2026-02-28"), &inside), "undeclared", &[&first_day]);
    // The day is that of the jurisdiction: there it is seven hours later.
    says(&check(&api, "?at=2026-02-28T16:59:59Z", &inside), "undeclared", &[&first_day]);
    says(&check(&api, "?at=2026-02-28T17:00:00Z", &inside), "full", &[]);
    // Between two: what is declared by then cannot be told from what is declared later, so it is not full.
    declare_of(&api, &second, Some("2026-06-01"));
    let second_day = later("2026-06-01");
    says(&check(&api, &at("2026-05-31"), &inside), "partial", &[&second_day]);
    says(&check(&api, &at("2026-05-31"), &elsewhere), "partial", &[&second_day]);
    says(&check(&api, &at("2026-05-31"), &point(107.75, 12.01)), "none", &[ALL]);
    says(&check(&api, &at("2026-06-01"), &elsewhere), "full", &[]);
    let gap = &check(&api, &at("2026-05-31"), &inside)["results"][0]["not_checked"];
    assert_eq!(
        (&gap["reason"], &gap["layers"][0]["reason"]),
        (&json!("coverage_declared_later"), &json!("coverage_declared_later"))
    );
    // Without a day of its own it counts from the day on which it was recorded.
    let api = Api::new();
    declare_of(&api, &first, None);
    let recorded = api.sql("SELECT (recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date FROM coverage_areas").unwrap();
    says(&check(&api, "", &inside), "full", &[]);
    says(&check(&api, &at("2014-06-01"), &inside), "undeclared", &[&later(&recorded)]);
}

#[test]
fn nobody_declares_the_ground_of_a_neighbour() {
    let api = Api::new();
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "test");
    let refused =
        |shape: &Json| match coverage::declare(&api.database.context(), witness, "VN-72", draft(Layer::Works, shape)) {
            Err(Error::Invalid(problems)) => problems.iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect(),
            Err(other) => panic!("{other}"),
            Ok(_) => Vec::new(),
        };
    let expect = "/boundary/coordinates reaches more than 5000 m beyond VN-72 (Dak Nong): a jurisdiction answers for its \
                  own ground and what is next to it";
    // Touching, and going far beyond; 0.06° are some 6.5 km.
    assert_eq!(refused(&area(107.6, 11.95, 110.0, 12.05)), [expect]);
    // The boundary runs from 107.202, 12.22 to 107.204, 12.1.
    assert_eq!(refused(&area(107.142, 12.12, 107.3, 12.2)), [expect]);
    // A part of it far away is as wrong as one that goes there.
    let two = json!({"type": "MultiPolygon", "coordinates": [[ring(107.6, 11.95, 107.7, 12.05)], [ring(10.0, 10.0, 11.0, 11.0)]]});
    assert_eq!(refused(&two), [expect]);
    assert_eq!(api.sql("SELECT count(*) FROM coverage_areas"), Some("0".into()));
    assert!(refused(&area(107.172, 12.12, 107.3, 12.2)).is_empty());
    assert!(refused(&geojson::to_value(&vn72_draft().boundary)).is_empty());
}

/// Declares the coverage of works as of a day.
fn declare_of(api: &Api, shape: &Json, as_of: Option<&str>) {
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "test");
    let draft = CoverageDraft { as_of: as_of.map(|day| day.parse().unwrap()), ..draft(Layer::Works, shape) };
    coverage::declare(&api.database.context(), witness, "VN-72", draft).unwrap();
}

#[test]
fn numbers_that_fit_in_another_reading_are_told_so() {
    let api = Api::new();
    let asked = |crs: &str, x: f64, y: f64| {
        let answer = api.in_crs(crs, "", "POST", CHECKS, &point(x, y)).json();
        let result = &answer["results"][0];
        assert_eq!(result["conflict_count"], 0, "{answer}");
        (result["coverage"].as_str().unwrap().to_owned(), result["not_checked"]["hint"].clone())
    };
    let swapped = "with the axes swapped it lies in VN-72: the sheet may write X = northing (--axes ne)";
    let none = || "none".to_owned();
    assert_eq!(asked(GRID, 1_327_600.0, 411_600.0), (none(), json!(swapped)));
    let (coverage, hint) = asked("<http://www.opengis.net/def/crs/EPSG/0/5899>", 411_600.0, 1_327_600.0);
    assert_eq!(coverage, "none");
    let hint = hint.as_str().unwrap();
    assert!(hint.starts_with("the numbers fit VN-72 as EPSG:") && hint.contains("EPSG:9218"), "{hint}");
    // Where no reading fits, and where none is needed.
    assert_eq!(asked(GRID, 5_000_000.0, 5_000_000.0), (none(), Json::Null));
    assert_eq!(asked(GRID, 411_600.0, 1_327_600.0), ("undeclared".into(), Json::Null));
    let headers = [("Content-Type", "application/geo+json"), ("Accept", "application/geo+json"), ("Content-Crs", GRID)];
    let map = api.send("", "POST", CHECKS, &headers, Some(&point(1_327_600.0, 411_600.0))).json();
    assert_eq!(map["not_checked"][0]["ground"]["hint"], swapped, "{map}");
}

/// That all hospitals are here says nothing of schools, and nothing is said of all reference features at once.
#[test]
fn reference_features_are_covered_by_kind() {
    let api = Api::new();
    let context = api.database.context();
    let actor = Actor::operator();
    let ground = area(107.6, 11.95, 107.7, 12.05);
    let declare = |layer: Layer, kind: Option<ReferenceKind>, shape: &Json| {
        let draft = CoverageDraft { kind, ..draft(layer, shape) };
        coverage::declare(&context, Witness::new(&actor, "test"), "VN-72", draft)
    };
    for (layer, kind, detail) in [
        (Layer::References, None, "references are covered by kind: name one of boundary, heritage, "),
        (Layer::Works, Some(ReferenceKind::School), "works are not covered by kind"),
        (Layer::Corridors, Some(ReferenceKind::Road), "corridors are not covered by kind"),
    ] {
        let Err(Error::Invalid(problems)) = declare(layer, kind, &ground) else { panic!("{layer}") };
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].pointer, "/layer");
        assert!(problems[0].detail.starts_with(detail), "{problems:?}");
    }
    assert_eq!(api.sql("SELECT count(*) FROM coverage_areas"), Some("0".into()));
    let made = declare(Layer::References, Some(ReferenceKind::Hospital), &ground).unwrap();
    // Another instance, which loads what it did not declare, and this one, which followed.
    let other = api.database.context();
    for context in [&other, &context] {
        let snapshot = context.snapshot();
        let territory = snapshot.territory("VN-72").unwrap();
        let place = |x: f64, y: f64| {
            let point = Geometry::Point(Point::new(x, y));
            Prepared::new(&Grid(crs::project(&point, Epsg::WGS84, territory.jurisdiction.grid).unwrap()))
        };
        let day = "2026-06-01".parse().unwrap();
        let says = |kind: Option<ReferenceKind>, x: f64, y: f64| {
            territory.coverages().of_kind(Layer::References, kind, &place(x, y), 10.0, day).coverage
        };
        assert_eq!(says(Some(ReferenceKind::Hospital), 107.65, 12.0), Coverage::Full);
        assert_eq!(says(Some(ReferenceKind::Hospital), 107.75, 12.0), Coverage::None);
        for kind in ReferenceKind::ALL.iter().map(|(kind, _)| *kind).filter(|k| *k != ReferenceKind::Hospital) {
            assert_eq!(says(Some(kind), 107.65, 12.0), Coverage::Undeclared, "{kind}");
        }
        assert_eq!(says(None, 107.65, 12.0), Coverage::Undeclared);
        assert_eq!(
            territory.coverages().of(Layer::Works, &place(107.65, 12.0), 10.0, day).coverage,
            Coverage::Undeclared
        );
    }
    let listed = api.server.get("", "/api/coverage?layer=references").json()["features"].clone();
    let said = |p: &Json| (p["layer"].clone(), p["kind"].clone());
    assert_eq!(said(&listed[0]["properties"]), (json!("references"), json!("hospital")));
    assert_eq!(api.server.get("", "/api/coverage?layer=works").json()["features"], json!([]));
    // A conflict check is asked of works, and hears nothing of it.
    says(&check(&api, "", &point(107.65, 12.0)), "undeclared", &["nobody has declared where works holds all there is"]);
    // An approach reaches far beyond the boundary, and so does what is declared of it; of works it does not.
    let beyond = area(107.1, 12.12, 107.3, 12.2);
    assert!(declare(Layer::References, Some(ReferenceKind::Runway), &beyond).is_ok());
    assert!(declare(Layer::Works, None, &beyond).is_err());
    coverage::withdraw(&context, Witness::new(&actor, "test"), "VN-72", made.id).unwrap();
    let kept = api.sql(
        "SELECT string_agg(concat_ws(' ', layer, kind, revision, ended_revision), ', ') FROM coverage_areas_history",
    );
    assert_eq!(kept, Some("references hospital 2 4".into()));
    let event = "SELECT bool_and(e.before = sha256(version_digest(h))) FROM audit_events AS e, coverage_areas_history AS h WHERE e.revision = 4";
    assert_eq!(api.sql(event), Some("true".into()), "the event names what it ended");
}

#[test]
fn a_withdrawn_area_ends_with_the_revision_that_withdraws_it() {
    let api = Api::new();
    let id = declare(&api, Layer::Works, &area(107.6, 11.9, 107.8, 12.1));
    let actor = Actor::operator();
    coverage::withdraw(&api.database.context(), Witness::new(&actor, "test"), "VN-72", id).unwrap();
    let kept = api.sql("SELECT concat_ws(' ', revision, ended_revision) FROM coverage_areas_history");
    assert_eq!(kept, Some("2 3".into()));
    let event = "SELECT before = sha256(version_digest(h)) FROM audit_events AS e, coverage_areas_history AS h WHERE e.revision = 3";
    assert_eq!(api.sql(event), Some("true".into()), "the event names what it ended");
}
