//! Checks that are answered in the thread that serves, and plain documents that are read without a tree of values: both are
//! faster and say the same.

use clearway::actions::conflict_check::{self, Conflict, Drawn, Question, make_ready};
use clearway::actions::refresh;
use clearway::clock;
use clearway::domain::actor::Actor;
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::rules::DrawnKind;
use clearway::error::Error;
use clearway::geometry::encoding::geojson;
use clearway::geometry::{Epsg, Metres};
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, GRID, ORIGIN, TOWN, feature, line, point, rect};
use crate::support::TestServer;

const PROVINCE: f64 = 200_000.0;

/// Works in a row, two roads, and one that is wider than anything is looked at in passing.
fn filled() -> Api {
    let api = Api::new();
    for n in 0..12 {
        api.work(&format!("W-{n}"), point(f64::from(n) * 10.0, 0.0));
    }
    api.work("CABLE", line(&[(-50.0, 3.0), (60.0, 4.0), (200.0, 90.0)]));
    api.road("R-1", rect(-500.0, -20.0, 500.0, 20.0));
    api.road("R-2", rect(-20.0, -500.0, 20.0, 500.0));
    api
}

/// Documents of every kind, good and bad, plain and not.
fn documents() -> Vec<Vec<u8>> {
    let plain = rect(-5.0, -5.0, 35.0, 5.0);
    let mut named = feature(rect(-20.0, -20.0, 20.0, 20.0), json!({"clearance_m": 3, "kind": "road", "class": "II"}));
    named["id"] = json!("north");
    let cable = feature(line(&[(0.0, -9.0), (40.0, 9.0)]), json!({"position_accuracy_m": 2.5, "kind": "cable"}));
    let both = json!({"type": "FeatureCollection", "name": "two", "features": [named, cable]});
    let mut crs = plain.clone();
    crs["crs"] = json!({"type": "name", "properties": {"name": "EPSG:9218"}});
    let bad_width = feature(plain.clone(), json!({"clearance_m": -1, "position_accuracy_m": "wide", "kind": "castle"}));
    let [x, y] = ORIGIN;
    let written = |text: &str| text.replace('X', &x.to_string()).replace('Y', &y.to_string());
    let mut all: Vec<Vec<u8>> = [
        plain.clone(),
        point(3.0, 3.0),
        line(&[(-5.0, -5.0), (35.0, 5.0)]),
        named.clone(),
        feature(plain.clone(), Json::Null),
        cable.clone(),
        both.clone(),
        crs.clone(),
        feature(crs, json!({})),
        bad_width.clone(),
        json!({"type": "FeatureCollection", "features": [named, bad_width, feature(Json::Null, json!({}))]}),
        json!({"type": "FeatureCollection", "features": []}),
        json!({"type": "FeatureCollection"}),
        json!({"type": "Feature"}),
        json!({"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [3]]]}),
        json!({"type": "LineString", "coordinates": [[1, 1]]}),
        json!([1]),
        rect(-PROVINCE, -PROVINCE, PROVINCE, PROVINCE),
        rect(9e6, 9e6, 9.1e6, 9.1e6),
        // Positions in degrees: few, and thousands when they are brought to a grid.
        json!({"type": "LineString", "coordinates": [[107.0, 12.0], [112.0, 12.1], [107.0, 12.2], [112.0, 12.3]]}),
        // It crosses itself.
        json!({"type": "Polygon", "coordinates": [[[x, y], [x + 9.0, y + 9.0], [x + 9.0, y], [x, y + 9.0], [x, y]]]}),
    ]
    .iter()
    .map(|document| document.to_string().into_bytes())
    .collect();
    let texts = [
        r#" { "coordinates" : [ X , Y ] , "type" : "Point" } "#,
        r#"{"type":"Point","type":"Point","coordinates":[X,Y]}"#,
        r#"{"type":"Point","coordinates":[X.0e0,Y,7,8]}"#,
        r#"{"type":"Point","coordinates":[X,Y],"bbox":[1,2]}"#,
        r#"{"type":"Point","coordinates":[X,Y]}x"#,
        r#"{"type":"Point","coordinates":[X,Y"#,
        r#"{"type":"Point","coordinates":[X,0Y]}"#,
        r#"{"type":"Point","coordinates":[X,1e999]}"#,
        r#"{"type":"Feature","properties":{"clearance_m":7},"geometry":{"type":"Point","coordinates":[X,Y]},"id":1.50}"#,
        r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[X,Y]},"geometry":null}"#,
        r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[X,Y]},"features":[],"id":"a\"b"}"#,
        "",
        "nonsense",
    ];
    all.extend(texts.map(|text| written(text).into_bytes()));
    all.push([b"\xef\xbb\xbf".as_slice(), plain.to_string().as_bytes()].concat());
    all.push(b"{\"type\":\"Feature\",\"id\":\"\xff\"}".to_vec());
    all
}

/// What a client sees of an answer, but for the number of its request.
fn seen(server: &TestServer, path: &str, kind: &str, crs: &str, body: &[u8]) -> (u16, String) {
    let answer = server.send("POST", path, &[("Content-Type", kind), ("Content-Crs", crs)], Some(body));
    let id = answer.header("x-request-id").unwrap_or_default().to_owned();
    (answer.status, answer.text.replace(&id, "…"))
}

#[test]
fn whichever_thread_answers_says_the_same() {
    let api = filled();
    let handing_over = |features: usize| {
        let mut settings = api.database.settings();
        settings.check_at_once_features = features;
        TestServer::with(settings)
    };
    let never = handing_over(0);
    let seldom = handing_over(4);
    let queries =
        ["", "?clearance_m=30&measures=false", "?against=works,corridors&limit=3", "?at=1990-01-01T00:00:00Z"];
    for query in queries {
        let path = format!("{CHECKS}{query}");
        for crs in [GRID, "EPSG:4326", "EPSG:3405"] {
            for document in documents() {
                let expect = seen(&never, &path, "application/json", crs, &document);
                for server in [&api.server, &seldom] {
                    let found = seen(server, &path, "application/json", crs, &document);
                    assert_eq!(found, expect, "{query} {crs} {}", String::from_utf8_lossy(&document));
                }
            }
        }
        let lines = documents().join(&b'\n');
        let batch = |server| seen(server, &format!("{CHECKS}/batch{query}"), "application/x-ndjson", GRID, &lines);
        let expect = batch(&never);
        assert_eq!(expect.1.lines().count(), documents().len());
        assert_eq!((batch(&api.server), batch(&seldom)), (expect.clone(), expect), "{query}");
    }
}

#[test]
fn what_takes_long_is_not_answered_at_once() {
    let api = filled();
    let mut settings = api.database.settings();
    settings.check_at_once_features = 10;
    let context = clearway::actions::Context::connect(settings).unwrap();
    refresh::catch_up_all(&context).unwrap();
    let question = |min_revision| Question {
        against: vec![Layer::Works],
        clearance: Metres::new(1.0).ok(),
        at: clock::now(),
        limit: 100,
        as_of: None,
        min_revision,
    };
    let all_at_once = |shapes: &[&Json], crs: Epsg, min_revision: Vec<(String, i64)>| {
        let drawn = |shape: &&Json| Drawn {
            name: "0".into(),
            pointer: String::new(),
            delivered: Delivered { shape: geojson::geometry(shape, 1_000).unwrap(), crs },
            accuracy: Metres::ZERO,
            clearance_m: None,
            kind: DrawnKind::Unknown,
        };
        let drawn: Vec<Drawn> = shapes.iter().map(drawn).collect();
        let question = question(min_revision);
        let found = conflict_check::check_at_once::<Conflict>(&context, &Actor::public(), &drawn, &question);
        if let Some(found) = &found
            && question.min_revision.is_empty()
        {
            assert_eq!(*found, conflict_check::check(&context, &Actor::public(), &drawn, &question));
        }
        found.map(|answer| answer.map(|answer| answer.results[0].conflict_count))
    };
    let at_once = |shape: &Json, crs, min_revision| all_at_once(&[shape], crs, min_revision);
    let (grid, small) = (Epsg(9218), rect(-5.0, -1.0, 25.0, 1.0));
    let [lon, lat] = TOWN;
    let in_degrees = json!({"type": "Point", "coordinates": [lon, lat]});
    let elsewhere = std::thread::scope(|scope| scope.spawn(|| at_once(&small, grid, vec![])).join().unwrap());
    assert_eq!(elsewhere, None, "nothing is prepared in that thread to bring it to degrees");
    make_ready(&context);
    assert_eq!(at_once(&small, grid, vec![]), Some(Ok(3)));
    assert!(at_once(&in_degrees, Epsg::WGS84, vec![]).is_some());
    assert_eq!(at_once(&rect(-5.0, -1.0, 95.0, 1.0), grid, vec![]), None, "there are ten works to look at");
    assert_eq!(at_once(&small, grid, vec![("VN-72".into(), 1)]), Some(Ok(3)));
    assert_eq!(at_once(&small, grid, vec![("VN-72".into(), 1_000)]), None, "it would have to wait");
    assert_eq!(at_once(&rect(-PROVINCE, 50.0, 0.0, 60.0), grid, vec![]), None, "a part of it lies outside");
    // A few positions far apart become thousands before they are brought to another system.
    let to_and_fro = |n: u32, off: f64| -> Vec<[f64; 2]> {
        (0..n).map(|n| [lon + f64::from(n % 2) * off, lat + 0.01 + f64::from(n) * 1e-4]).collect()
    };
    let zigzag = |n, off| json!({"type": "LineString", "coordinates": to_and_fro(n, off)});
    assert!(at_once(&zigzag(9, 0.01), Epsg::WGS84, vec![]).is_some(), "short segments");
    assert_eq!(at_once(&zigzag(400, 0.05), Epsg::WGS84, vec![]), None, "some thousand positions");
    let line = zigzag(40, 0.05);
    assert!(at_once(&line, Epsg::WGS84, vec![]).is_some(), "some hundred positions");
    assert_eq!(all_at_once(&[&line; 16], Epsg::WGS84, vec![]), None, "as many for each shape");
    let [x, y] = ORIGIN;
    let far: Vec<[f64; 2]> = (0..9).map(|n| [x + f64::from(n % 2) * 5e5, y + f64::from(n)]).collect();
    assert_eq!(at_once(&json!({"type": "LineString", "coordinates": far}), grid, vec![]), None, "to degrees");
    // Not even to find out that it is no good.
    let around_the_earth: Vec<[f64; 2]> = (0..800).map(|n| [f64::from(n % 2) * 170.0, f64::from(n) * 1e-3]).collect();
    let around_the_earth = json!({"type": "LineString", "coordinates": around_the_earth});
    assert!(around_the_earth.to_string().len() < 16 * 1024);
    assert_eq!(at_once(&around_the_earth, Epsg::WGS84, vec![]), None);
    let crossing = json!({"type": "Polygon", "coordinates": [[[411_600, 1_327_600], [411_609, 1_327_609],
        [411_609, 1_327_600], [411_600, 1_327_609], [411_600, 1_327_600]]]});
    assert!(matches!(at_once(&crossing, grid, vec![]), Some(Err(Error::Invalid(_)))), "it is refused at once");
}
