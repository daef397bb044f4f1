//! Site checks: roads and power lines that stand without a corridor, corridors whose clearance nobody knows, who asks, windows
//! that are over, and an aerodrome as it is.

use clearway::actions::{Context, Witness, coverage, jurisdiction};
use clearway::domain::actor::Actor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::domain::layer::Layer;
use clearway::domain::reference::ReferenceKind;
use clearway::geometry::Epsg;
use clearway::geometry::encoding::geojson;
use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, REFERENCES, assert_near, feature, line, merged, point, rect};
use crate::rules::{VN, load_as};
use crate::site_check::{NOW, SITES, ask, checked, evidence, finding, prepared};
use crate::support::{Database, TestServer, shared_data};

fn reference(api: &Api, code: &str, kind: &str, shape: Json, more: Json) {
    let usual = json!({"code": code, "kind": kind, "organisation": "office"});
    api.add(REFERENCES, shape, merged(more, &usual));
}

#[test]
fn a_road_or_a_line_that_stands_keeps_its_own_ground_free() {
    let api = prepared(Api::new());
    let along = |east: f64| line(&[(east, -200.0), (east, 200.0)]);
    reference(&api, "QL-14", "road", along(0.0), json!({"class": "III", "half_width_m": 6}));
    reference(&api, "PATH", "road", along(3_000.0), json!({"class": "track", "half_width_m": 3}));
    reference(&api, "THIN", "road", along(6_000.0), json!({"class": "III"}));
    reference(&api, "P-220", "power_line", along(-3_000.0), json!({"voltage_kv": 220, "half_width_m": 4}));
    let said = |east: f64| {
        let result = checked(&api, "officer", NOW, (east, 0.0), json!({"height_agl_m": 3}));
        finding(&result, "COR").clone()
    };
    // East of the origin, what is said, what was measured, and the clearance by class or voltage.
    let table = [
        (19.0, "block", Some(13.0), Some(13.0), Some("corridor.road.clearance_m"), "QL-14"),
        (19.5, "pass", None, None, Some("site.fall.factor"), ""),
        // A class that the pack does not name: the widest of all may be kept free.
        (3_002.0, "block", Some(0.0), Some(20.0), Some("corridor.road.clearance_m"), "PATH"),
        (3_023.0, "needs_survey", Some(20.0), Some(20.0), Some("corridor.road.clearance_m"), "PATH"),
        (3_023.5, "pass", None, None, Some("site.fall.factor"), ""),
        // Nobody says how wide it is: up to 20 m to each side.
        (6_013.0, "block", Some(13.0), Some(13.0), Some("corridor.road.clearance_m"), "THIN"),
        (6_033.0, "needs_survey", Some(33.0), Some(13.0), Some("corridor.road.clearance_m"), "THIN"),
        (6_033.5, "pass", None, None, Some("site.fall.factor"), ""),
        (-2_990.0, "block", Some(6.0), Some(6.0), Some("corridor.power_line.clearance_m"), "P-220"),
        (-2_989.5, "pass", None, None, Some("site.fall.factor"), ""),
    ];
    for (east, verdict, measured, limit, rule, code) in table {
        let cor = said(east);
        assert_eq!((&cor["verdict"], cor["rule"]["key"].as_str()), (&json!(verdict), rule), "{east}: {cor}");
        assert_near(&cor["measured"]["value"], measured, &format!("{east}: {cor}"));
        assert_near(&cor["limit"]["value"], limit.or(Some(3.0)), &format!("{east}: {cor}"));
        let expect: Vec<&str> = [code].into_iter().filter(|code| !code.is_empty()).collect();
        assert_eq!(evidence(&cor), expect, "{east}: {cor}");
    }
    let cor = said(19.0);
    assert_eq!(
        cor["message"],
        json!({
        "vi": "Nằm trên QL-14, hoặc nằm trong 13 m phải để trống bên cạnh.",
        "en": "It stands on QL-14, or within the 13 m to be kept free beside it."})
    );
    assert_eq!(cor["consult"], json!(["corridor_owner"]));
    // The rule is that of the day asked.
    let then = checked(&api, "officer", "at=2020-06-01T00:00:00Z", (19.0, 0.0), json!({"height_agl_m": 3}));
    assert_eq!(finding(&then, "COR")["rule"]["document"], "NĐ 100/2013/NĐ-CP");
}

#[test]
fn a_corridor_whose_clearance_nobody_states_is_not_checked() {
    let api = prepared(Api::new());
    let canal = json!({"code": "KENH", "kind": "canal", "status": "in_force", "organisation": "water"});
    api.add(CORRIDORS, rect(0.0, 0.0, 20.0, 200.0), canal);
    for (east, verdict, key) in [
        (10.0, "block", "cor-blocked"),
        (40.0, "not_checked", "cor-clearance-unknown"),
        (400.0, "not_checked", "cor-clearance-unknown"),
        (600.0, "pass", "cor-clear"),
    ] {
        let result = checked(&api, "officer", NOW, (east, 100.0), json!({"height_agl_m": 3}));
        let cor = finding(&result, "COR");
        assert_eq!((&cor["verdict"], &cor["key"]), (&json!(verdict), &json!(key)), "{east}: {cor}");
    }
    let result = checked(&api, "officer", NOW, (40.0, 100.0), json!({"height_agl_m": 3}));
    let message = json!({
        "vi": "Chưa rõ khoảng cách phải để trống bên cạnh KENH, cách 20 m.",
        "en": "Nobody says what has to stay free beside KENH, which is 20 m away."});
    assert_eq!(finding(&result, "COR")["message"], message);
}

/// What is asked for is a column by what it is.
#[test]
fn whatever_sends_or_is_as_high_as_a_column_is_one() {
    let api = prepared(Api::new());
    let of = |column: Json| {
        let result = checked(&api, "officer", NOW, (0.0, 0.0), column);
        ["ZON", "SPC"].map(|code| finding(&result, code)["verdict"].clone())
    };
    let no = [json!("not_applicable"), json!("not_applicable")];
    let column = [json!("warn"), json!("pass")];
    let antenna = json!([{"frequency_mhz": 900, "eirp_w": 10}]);
    for kind in ["pole", "cabinet", "station_house"] {
        assert_eq!(of(json!({"kind": kind, "height_agl_m": 14.9})), no, "{kind}");
        assert_eq!(of(json!({"kind": kind, "height_agl_m": 15})), column, "{kind}");
        assert_eq!(of(json!({"kind": kind, "height_agl_m": 5, "antennas": antenna})), column, "{kind}");
    }
}

#[test]
fn who_asks_is_somebody_who_is_known() {
    let api = prepared(Api::new());
    let whose = json!({"organisation": "viettel"});
    reference(&api, "ASKED", "site_request", point(10.0, 0.0), whose.clone());
    let column = |more: Json| feature(point(0.0, 0.0), merged(more, &json!({"height_agl_m": 42})));
    let dup = |role: &str, more: Json| {
        let answer = ask(&api, role, &format!("{SITES}?store=no&{NOW}"), &column(more));
        assert_eq!(answer.status, 200, "{role}: {}", answer.text);
        let result = answer.json()["results"][0].clone();
        (finding(&result, "DUP")["verdict"].clone(), result["subject"]["properties"]["organisation"].clone())
    };
    // A carrier that does not say so asks for itself; whoever is none asks for nobody.
    assert_eq!(dup("carrier", json!({})), (json!("warn"), json!("viettel")));
    assert_eq!(dup("other-carrier", json!({})), (json!("pass"), json!("vnpt")));
    assert_eq!(dup("officer", json!({})), (json!("not_applicable"), Json::Null));
    assert_eq!(dup("officer", whose.clone()), (json!("warn"), json!("viettel")));
    assert_eq!(dup("", whose), (json!("warn"), json!("viettel")));
    // Strangers do not learn who is known.
    assert_eq!(dup("", json!({"organisation": "vietel"})), (json!("pass"), json!("vietel")));
    let unknown = column(json!({"organisation": "vietel"}));
    let told = "/properties/organisation: «vietel» is no organisation that is registered here";
    for role in ["officer", "carrier", "officer-elsewhere"] {
        let refused = ask(&api, role, SITES, &unknown);
        assert_eq!((refused.status, refused.problems()), (422, vec![told.to_owned()]), "{role}");
        let all = json!({"type": "FeatureCollection", "features": [column(json!({})), unknown.clone()]});
        let refused = ask(&api, role, SITES, &all);
        assert_eq!((refused.status, refused.problems()), (422, vec![format!("/features/1{told}")]), "{role}");
        let area = json!({"organisation": "vietel", "height_agl_m": 42, "radius_m": 50, "spacing_m": 50});
        let refused = ask(&api, role, "/api/site-search", &feature(point(0.0, 0.0), area));
        assert_eq!((refused.status, refused.problems()), (422, vec![told.to_owned()]), "{role}");
    }
    // Whoever is registered is known from then on.
    let vietel = json!({"code": "vietel", "name": "Vietel", "kind": "carrier"});
    let json = [("Content-Type", "application/json")];
    assert_eq!(api.send("administrator", "POST", "/api/organisations", &json, Some(&vietel)).status, 201);
    assert_eq!(dup("officer", json!({"organisation": "vietel"})).0, json!("pass"));
}

/// What is over on the day asked is not over on the days of building.
#[test]
fn windows_are_compared_with_the_days_of_building() {
    let api = prepared(Api::new());
    let days = json!({"name": "Kỳ thi", "valid_from": "2026-05-01", "valid_to": "2026-05-31"});
    reference(&api, "EXAM", "freeze_window", rect(-50.0, -50.0, 50.0, 50.0), days);
    let said = |column: Json| finding(&checked(&api, "officer", NOW, (0.0, 0.0), column), "TIM")["verdict"].clone();
    for (column, verdict) in [
        (json!({}), "pass"),
        (json!({"starts_on": "2026-05-31", "ends_on": "2026-07-01"}), "block"),
        (json!({"starts_on": "2026-06-01", "ends_on": "2026-07-01"}), "pass"),
        (json!({"starts_on": "2026-05-20"}), "block"),
        // Of an end alone, from the day asked on.
        (json!({"ends_on": "2026-07-01"}), "pass"),
        (json!({"ends_on": "2026-05-15"}), "block"),
        (json!({"ends_on": "2026-04-30"}), "pass"),
    ] {
        assert_eq!(said(column.clone()), verdict, "{column}");
    }
}

/// A runway of which nobody knows the elevation is there, and says so.
#[test]
fn a_runway_without_elevations_is_for_a_survey() {
    let api = prepared(Api::new());
    let strip = line(&[(0.0, 0.0), (2_000.0, 0.0)]);
    reference(&api, "RWY", "runway", strip.clone(), json!({"elevation_from_m": 600}));
    let said = |north: f64| {
        let column = json!({"ground_amsl_m": 600, "height_agl_m": 30});
        finding(&checked(&api, "officer", NOW, (1_000.0, north), column), "AIR").clone()
    };
    let air = said(1_000.0);
    assert_eq!(
        (&air["verdict"], &air["key"], evidence(&air)),
        (&json!("needs_survey"), &json!("air-no-elevation"), vec!["RWY"])
    );
    assert_eq!(said(19_000.0)["verdict"], "pass");
    for shape in [Json::Null, json!({"type": "LineString", "coordinates": []})] {
        let facts = json!({"code": "NONE", "kind": "runway", "organisation": "office"});
        let refused = api.on_grid("officer", "POST", REFERENCES, &feature(shape, facts));
        assert_eq!(refused.status, 422, "{}", refused.text);
    }
}

/// Buôn Ma Thuột as `OurAirports` has it: the runway 09/27 of VVBM, 3 km long, at 1 712 and 1 729 feet above the sea.
#[test]
fn columns_beside_a_real_runway() {
    let files = ["vn_provinces_2025.geojson", "vn_runways_ourairports.geojson"].map(shared_data);
    let [Some(provinces), Some(runways)] = files else { return };
    let read = |file| -> Json { serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap() };
    let feature_of = |all: &Json, name: &str, is: &str| {
        let all = all["features"].as_array().unwrap();
        all.iter().find(|f| f["properties"][name] == is).unwrap().clone()
    };
    let province = feature_of(&read(provinces), "nameEn", "Dak Lak");
    let runway = feature_of(&read(runways), "airport_ident", "VVBM");
    let database = Database::empty();
    let draft = JurisdictionDraft {
        code: "VN-33".into(),
        name_vi: "Đắk Lắk".into(),
        name_en: "Dak Lak".into(),
        grid: Epsg(9218),
        time_zone: "Asia/Ho_Chi_Minh".into(),
        related_crs: vec![],
        boundary: geojson::geometry(&province["geometry"], 1_000_000).unwrap(),
    };
    let context = Context::connect(database.settings()).unwrap();
    let operator = Actor::operator();
    jurisdiction::register(&context, Witness::new(&operator, "test"), draft.clone()).unwrap();
    let declared = CoverageDraft {
        layer: Layer::References,
        kind: Some(ReferenceKind::Runway),
        source: "OurAirports".into(),
        as_of: Some("2025-06-12".parse().unwrap()),
        boundary: draft.boundary,
    };
    coverage::declare(&context, Witness::new(&operator, "test"), "VN-33", declared).unwrap();
    let server = TestServer::start(&database);
    let api = Api { server, database };
    load_as(&api, &Actor::operator(), &["VN-33"], VN).unwrap();
    let p = &runway["properties"];
    let feet = |name: &str| p[name].as_str().unwrap().parse::<f64>().unwrap();
    let facts = json!({"code": "VVBM", "kind": "runway", "name": "Buôn Ma Thuột 09/27", "organisation": "aviation",
        "source": "OurAirports", "class": "4 PRECISION", "elevation_from_ft": feet("le_elevation_ft"),
        "elevation_to_ft": feet("he_elevation_ft")});
    let made = api.server.post("officer", REFERENCES, &feature(runway["geometry"].clone(), facts));
    assert_eq!(made.status, 201, "{}", made.text);
    let revision = format!("VN-33={}", api.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-33'").unwrap());
    let (low, high) = (1_712.0 * 0.3048, 1_729.0 * 0.3048);
    let said = |lon: f64, lat: f64, top: f64| {
        let place = json!({"type": "Point", "coordinates": [lon, lat]});
        let column = feature(place, json!({"height_agl_m": 30, "ground_amsl_m": top - 30.0}));
        let headers = [("Content-Type", "application/geo+json"), ("Min-Revision", &*revision)];
        let answer = api.send("officer", "POST", &format!("{SITES}?store=no"), &headers, Some(&column));
        assert_eq!(answer.status, 200, "{}", answer.text);
        finding(&answer.json()["results"][0], "AIR").clone()
    };
    // Longitude and latitude, the height of the lowest surface there, which it is, and how well the test knows it: 2 km north of
    // its middle; 1 060 m before threshold 09 on the extended line, where the approach has risen for 1 000 m at 2 %; 5 km north,
    // where the cone has risen for 1 km; and on the runway.
    let table = [
        (108.12, 12.6864, low + 45.0, "inner horizontal", 1e-6),
        (108.096_243, 12.668_64, low + 20.0, "approach", 0.5),
        (108.12, 12.7135, low + 45.0 + 50.0, "conical", 2.0),
        (108.12, 12.668_3, low, "strip", high - low),
    ];
    for (lon, lat, height, surface, by) in table {
        let air = said(lon, lat, 5_000.0);
        let limit = air["limit"]["value"].as_f64().unwrap();
        assert!((limit - height).abs() <= by, "{surface}: {height}, {air}");
        let sentence = air["message"]["en"].as_str().unwrap();
        assert!(sentence.contains(&format!("above the {surface} surface of Buôn Ma Thuột 09/27")), "{sentence}");
        assert_eq!((&air["verdict"], evidence(&air)), (&json!("block"), vec!["VVBM"]));
        assert_eq!(said(lon, lat, limit + 0.01)["verdict"], "block", "{surface}");
        assert_eq!(said(lon, lat, limit - 0.01)["verdict"], "pass", "{surface}");
    }
    assert_eq!(said(108.12, 12.9, 5_000.0)["verdict"], "pass", "25 km away");
}
