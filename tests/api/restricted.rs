//! What is hidden may matter: the answer says so by 2 km cells, and whoever asks often learns nothing finer.

#![allow(clippy::format_collect)] // short texts
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small counts out of a random number

use std::collections::{BTreeMap, BTreeSet};

use clearway::actions::{Witness, coverage};
use clearway::domain::actor::Actor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::layer::Layer;
use clearway::geometry::encoding::geojson;
use clearway::geometry::measure::Prepared;
use clearway::geometry::{Bounds, Coord, Geometry, Grid};
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, CORRIDORS, GRID, WORKS, feature, line, mast, merged, point, rect, road};
use crate::support::{TestServer, token, vn72_draft};

const BATCH: &str = "/api/conflict-checks/batch";
const CELL_M: f64 = 2_000.0;

/// A cell by column and row, from the origin of the grid.
type Cell = (i32, i32);

/// A hidden work: its shape, its accuracy in metres, its visibility.
type Hidden = (Json, f64, &'static str);

/// All works are declared to be known, and some of them are hidden from the public.
fn populated(cells_per_hour: usize, hidden: &[Hidden]) -> Api {
    let api = Api::with(|settings| settings.notice_cells_per_hour = cells_per_hour);
    declare(&api);
    for (n, (shape, accuracy, visibility)) in hidden.iter().enumerate() {
        let more = json!({"code": format!("H-{n}"), "visibility": visibility, "position_accuracy_m": accuracy});
        api.add(WORKS, shape.clone(), merged(more, &mast()));
    }
    api
}

fn declare(api: &Api) {
    let operator = Actor::operator();
    for layer in [Layer::Works, Layer::Corridors] {
        let boundary = vn72_draft().boundary;
        let as_of = Some("2026-03-01".parse().unwrap());
        let draft = CoverageDraft { layer, kind: None, source: "survey".into(), as_of, boundary };
        coverage::declare(&api.database.context(), Witness::new(&operator, "test"), "VN-72", draft).unwrap();
    }
}

/// A stream of numbers (splitmix64) from 0 to 1.
struct Rng(u64);

impl Rng {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (high - low) * f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) / 4_294_967_296.0
    }
}

/// The cells that a shape meets when it is widened, found by looking at each.
fn cells(shape: &Json, reach: f64) -> BTreeSet<Cell> {
    let shape: Geometry<f64> = geojson::geometry(shape, 1_000).unwrap();
    let shape = Prepared::new(&Grid(shape));
    let Bounds { min, max } = shape.bounds().widened(reach);
    #[allow(clippy::cast_possible_truncation)]
    let number = |m: f64| (m / CELL_M).floor() as i32;
    let all = (number(min[0])..=number(max[0])).flat_map(|c| (number(min[1])..=number(max[1])).map(move |r| (c, r)));
    let meets = |(column, row): &Cell| {
        let south_west = Coord { x: f64::from(*column) * CELL_M - reach, y: f64::from(*row) * CELL_M - reach };
        let north_east = Coord { x: south_west.x + CELL_M + 2.0 * reach, y: south_west.y + CELL_M + 2.0 * reach };
        let square = geo_types::Rect::new(south_west, north_east).to_polygon();
        shape.within(&Prepared::new(&Grid(Geometry::Polygon(square))), 0.0)
    };
    all.filter(meets).collect()
}

/// A batch on the grid as a role; the answers without the numbers of their lines.
fn batch(api: &Api, role: &str, query: &str, lines: &[Json]) -> Vec<String> {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let bearer = format!("Bearer {}", token(role));
    let mut headers = vec![("Content-Type", "application/x-ndjson"), ("Content-Crs", GRID)];
    if !role.is_empty() {
        headers.push(("Authorization", bearer.as_str()));
    }
    let answer = api.server.send("POST", &format!("{BATCH}?{query}"), &headers, Some(body.as_bytes()));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let lines = answer.text.lines().map(|line| line.split_once(',').unwrap().1);
    lines.map(|line| without_clearances(line, query)).collect()
}

/// The clearance that was kept is the one that was asked, whatever is hidden; the rest of the answer depends on it by cells.
fn without_clearances(answer: &str, query: &str) -> String {
    let (before, rest) = answer.split_once(",\"clearances\":").unwrap();
    let (clearances, after) = rest.split_once(",\"conflicts\":").unwrap();
    let asked: f64 = query.split(['=', '&']).nth(1).unwrap().parse().unwrap();
    let clearances: Json = serde_json::from_str(clearances).unwrap();
    assert_eq!(clearances.as_array().unwrap().len(), 1, "{clearances}");
    assert_eq!(
        (&clearances[0]["clearance_m"], &clearances[0]["rule"]["key"]),
        (&json!(asked), &json!("request.clearance_m"))
    );
    format!("{before},\"conflicts\":{after}")
}

fn result(answer: &str) -> Json {
    let answer: Json = serde_json::from_str(&format!("{{{answer}")).unwrap();
    answer["results"][0].clone()
}

/// A check on the grid, its one result.
fn check(api: &Api, role: &str, query: &str, shape: &Json) -> Json {
    let answer = api.on_grid(role, "POST", &format!("{CHECKS}?{query}"), shape);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"][0].clone()
}

fn hidden_works() -> Vec<Hidden> {
    vec![
        (point(-600.0, -700.0), 0.0, "restricted"),
        // It reaches over the edge of its cell by its accuracy.
        (point(2_395.0, -1_000.0), 50.0, "restricted"),
        (line(&[(-4_000.0, 5_000.0), (-1_000.0, 8_100.0)]), 3.0, "government"),
        (rect(8_000.0, 8_000.0, 13_000.0, 12_500.0), 0.0, "restricted"),
        (point(-7_000.0, -3_000.0), 0.0, "carriers"),
    ]
}

/// A shape near something hidden, or anywhere, and the accuracy it states.
fn guess(rng: &mut Rng, near: (f64, f64)) -> (Json, f64) {
    let spread = [300.0, 3_000.0, 9_000.0][(rng.between(0.0, 3.0)) as usize];
    let mut around = || (near.0 + rng.between(-spread, spread), near.1 + rng.between(-spread, spread));
    let (a, b, c) = (around(), around(), around());
    let shape = match (rng.between(0.0, 3.0)) as usize {
        0 => point(a.0, a.1),
        1 => line(&[a, b, c]),
        _ => rect(a.0.min(b.0), a.1.min(b.1), a.0.max(b.0), a.1.max(b.1)),
    };
    let accuracy = if rng.between(0.0, 1.0) < 0.3 { rng.between(0.0, 100.0) } else { 0.0 };
    (shape, accuracy)
}

#[test]
fn thousands_of_questions_tell_of_each_cell_whether_something_is_hidden_and_no_more() {
    let hidden = hidden_works();
    let api = populated(1_000_000, &hidden);
    let everybody_hides = ["restricted", "government", "carriers"].as_slice();
    let mut rng = Rng(7);
    let mut notices = 0;
    for (role, unseen) in
        [("", everybody_hides), ("other-carrier", &everybody_hides[..2]), ("planner", &everybody_hides[..1])]
    {
        let of_hidden: BTreeSet<Cell> =
            hidden.iter().filter(|h| unseen.contains(&h.2)).flat_map(|h| cells(&h.0, h.1)).collect();
        // For each set of cells, by measures: the one answer.
        let mut by_cells: BTreeMap<(bool, BTreeSet<Cell>), String> = BTreeMap::new();
        for round in 0..16 {
            let clearance = [0.0, 0.5, rng.between(0.0, 40.0), rng.between(0.0, 900.0)][round % 4];
            let measures = round % 2 == 0;
            let guesses: Vec<(Json, f64)> = (0..150)
                .map(|_| {
                    let near = [
                        (-600.0, -700.0),
                        (2_395.0, -1_000.0),
                        (-2_500.0, 6_500.0),
                        (9_000.0, 9_000.0),
                        (-7_000.0, -3_000.0),
                    ][(rng.between(0.0, 5.0)) as usize];
                    guess(&mut rng, near)
                })
                .collect();
            let lines: Vec<Json> =
                guesses.iter().map(|(shape, a)| feature(shape.clone(), json!({"position_accuracy_m": a}))).collect();
            let query = format!("clearance_m={clearance}&measures={measures}");
            let of_officer = batch(&api, "officer", &query, &lines);
            let answers = batch(&api, role, &query, &lines);
            assert_eq!((of_officer.len(), answers.len()), (lines.len(), lines.len()));
            for ((answer, of_officer), (shape, accuracy)) in answers.into_iter().zip(of_officer).zip(&guesses) {
                // Where not everything is declared, or the asker sees a conflict, that is to be read in the answer, too.
                if result(&of_officer)["coverage"] != "full" || result(&answer)["conflict_count"] != 0 {
                    continue;
                }
                let met = cells(shape, clearance + accuracy);
                let told = result(&answer)["notice"]["code"] == "restricted_work";
                assert_eq!(told, !met.is_disjoint(&of_hidden), "{role} {shape} {clearance} {accuracy}: {answer}");
                // What is in conflict in truth is never passed over.
                assert!(told || result(&of_officer)["conflict_count"] == 0, "{role} {shape}");
                assert_eq!(result(&answer)["coverage"], if told { "partial" } else { "full" });
                notices += usize::from(told);
                let known = by_cells.entry((measures, met)).or_insert_with(|| answer.clone());
                assert_eq!(*known, answer, "{role} {shape} {clearance}");
            }
        }
        // Of all answers there are two: something is hidden, and nothing is.
        let texts: BTreeSet<&String> = by_cells.values().collect();
        assert_eq!(texts.len(), 2, "{texts:#?}");
        assert!(by_cells.len() > 100);
    }
    assert!(notices > 1_000, "{notices}");
}

#[test]
fn bisecting_the_clearance_ends_at_the_edge_of_a_cell() {
    let api = populated(1_000_000, &hidden_works());
    // 1 500 m west of the hidden mast, 500 m west of the edge of its cell.
    let from = point(-2_100.0, -700.0);
    let road = api.add(CORRIDORS, rect(-2_150.0, -710.0, -2_100.0, -690.0), road());
    let stored = format!("/api/corridors/{road}/conflicts");
    let last = |api: &Api| {
        let moment = "SELECT to_char(max(recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
        api.sql(&format!("{moment} FROM audit_events")).unwrap()
    };
    let as_of = last(&api);
    // What was hidden and is no more is told in the same way as of then, by whoever starts afterwards, too.
    let later = populated(1_000_000, &hidden_works());
    let then = last(&later);
    for id in later.sql("SELECT string_agg(id::text, ' ') FROM works").unwrap().split(' ') {
        assert_eq!(later.send("officer", "DELETE", &format!("{WORKS}/{id}"), &[], None).status, 204);
    }
    let later = Api { server: TestServer::start(&later.database), ..later };
    let ways: [&dyn Fn(f64) -> Json; 6] = [
        &|clearance| check(&api, "", &format!("clearance_m={clearance}"), &from),
        &|clearance| check(&api, "", &format!("clearance_m={clearance}&measures=false"), &from),
        &|clearance| api.server.get("", &format!("{stored}?clearance_m={clearance}")).json()["results"][0].clone(),
        &|clearance| check(&api, "", &format!("clearance_m={clearance}&as-of={as_of}"), &from),
        &|clearance| {
            api.server.get("", &format!("{stored}?clearance_m={clearance}&as-of={as_of}")).json()["results"][0].clone()
        },
        &|clearance| check(&later, "", &format!("clearance_m={clearance}&as-of={then}"), &from),
    ];
    for way in ways {
        let (mut silent, mut told) = (0.0, 1_000.0);
        assert_eq!(
            (way(silent)["notice"].clone(), &way(told)["notice"]["code"]),
            (Json::Null, &json!("restricted_work"))
        );
        while told - silent > 0.01 {
            let middle = f64::midpoint(silent, told);
            if way(middle)["notice"].is_null() { silent = middle } else { told = middle }
        }
        assert!((told - 500.0).abs() < 0.02, "{told}");
        // Where it is in conflict in truth nothing more is said.
        let but_the_clearance = |clearance: f64| {
            let mut result = way(clearance);
            assert_eq!(result["clearances"][0]["clearance_m"], clearance);
            result["clearances"] = Json::Null;
            result
        };
        assert_eq!(but_the_clearance(900.0), but_the_clearance(1_499.0));
        assert_eq!(but_the_clearance(900.0), but_the_clearance(1_501.0));
    }
    assert_eq!(check(&api, "officer", "clearance_m=1501", &from)["conflict_count"], 1);
}

/// Stores a feature, asks about it, and deletes it; what was said goes to `answers`, without what names it.
fn own(api: &Api, role: &str, noun: &str, feature: &Json, answers: &mut BTreeSet<String>) {
    let items = format!("/ogc/collections/{noun}/items");
    let made = api.on_grid(role, "POST", &items, feature);
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for query in ["", "?measures=false", "", "?measures=false"] {
        let mut answer = api.server.get(role, &format!("/api/{noun}/{id}/conflicts{query}")).json();
        (answer["results"][0]["subject"], answer["revision"]) = (Json::Null, Json::Null);
        let of_land = noun == "corridors";
        let own = of_land.then(|| &feature["properties"]["clearance_m"]);
        assert_eq!(answer["results"][0]["clearances"].get(0).map(|c| &c["clearance_m"]), own, "{answer}");
        answer["results"][0]["clearances"] = Json::Null;
        answers.insert(answer.to_string());
    }
    let gone = api.server.call(role, "DELETE", &format!("{items}/{id}"), None);
    assert_eq!(gone.status, 204, "{}", gone.text);
}

#[test]
fn what_somebody_stores_himself_tells_no_more_than_what_he_draws() {
    let api = populated(1_000_000, &hidden_works());
    let hide = json!({"code": "C-H", "visibility": "restricted", "clearance_m": 40});
    api.add(CORRIDORS, rect(-700.0, -1_500.0, -650.0, -1_400.0), merged(hide, &road()));
    let mut rng = Rng(11);
    // All within one cell with the clearance of their own; then, in another, where nothing is hidden.
    for ((west, south), expect) in [((-1_550.0, -1_550.0), true), ((-3_550.0, -1_550.0), false)] {
        let (mut of_land, mut of_works) = (BTreeSet::new(), BTreeSet::new());
        for n in 0..25 {
            let (x, y) = (west + rng.between(0.0, 1_850.0), south + rng.between(0.0, 1_850.0));
            let mut reach = || rng.between(0.0, 40.0);
            let land =
                json!({"code": format!("OWN-{n}"), "kind": "road", "status": "surveyed", "clearance_m": reach()});
            let work = json!({"code": format!("OWN-{n}"), "kind": "mast", "position_accuracy_m": reach()});
            let land = feature(rect(x, y, x + 8.0, y + 8.0), land);
            own(&api, "project_owner", "corridors", &land, &mut of_land);
            own(&api, "other-carrier", "works", &feature(point(x, y), work), &mut of_works);
        }
        for answers in [&of_land, &of_works] {
            assert_eq!(answers.len(), 1, "{answers:#?}");
            assert_eq!(answers.iter().all(|a| a.contains("restricted_work")), expect);
        }
    }
}

#[test]
fn beyond_so_many_cells_an_hour_every_answer_has_the_notice() {
    let mast_at = |east: f64| (point(east, -700.0), 0.0, "restricted");
    let api = populated(2, &[mast_at(-600.0), mast_at(3_400.0), mast_at(7_400.0)]);
    let told = |role: &str, east: f64| {
        let result = check(&api, role, "clearance_m=1", &point(east, 0.0));
        let told = !result["notice"].is_null();
        assert_eq!(result["coverage"], if told { "partial" } else { "full" }, "{result}");
        told
    };
    let empty = -5_000.0;
    // The same cells again and again cost nothing.
    for _ in 0..3 {
        assert!(told("", 0.0) && told("", 3_000.0) && !told("", empty));
    }
    assert!(told("", 7_000.0));
    let at_first = check(&api, "", "clearance_m=1", &point(0.0, 0.0));
    for n in 0..20 {
        let anywhere = point(empty + f64::from(n) * 731.0, -f64::from(n) * 377.0);
        assert_eq!(check(&api, "", "clearance_m=1", &anywhere), at_first, "{n}");
    }
    let stored = api.road("ROAD", rect(empty, 0.0, empty + 10.0, 10.0));
    let stored = format!("/api/corridors/{stored}/conflicts");
    assert_eq!(api.server.get("", &stored).json()["results"][0]["notice"]["code"], "restricted_work");
    // It is his own account that is full; and whoever sees all is told what there is.
    assert!(!told("other-carrier", empty) && told("other-carrier", 0.0));
    for role in ["officer", "auditor", "administrator"] {
        assert!(!told(role, 0.0) && !told(role, empty), "{role}");
    }
    // The carrier sees what is its own, so of that it is told nothing.
    assert!(!told("carrier", 0.0));
    assert!(!told("carrier", 7_000.0));
}

#[test]
fn a_notice_has_words_for_people_and_nothing_else() {
    let api = populated(100, &hidden_works());
    let answer = api.on_grid("", "POST", &format!("{CHECKS}?clearance_m=5"), &point(-600.0, -700.0));
    let notice = json!({"code": "restricted_work", "text": {
        "vi": "Khu vực này có công trình hạn chế thông tin: đề nghị liên hệ cơ quan quản lý.",
        "en": "Restricted work here: ask the office."}});
    let result = &answer.json()["results"][0];
    assert_eq!((&result["notice"], &result["conflict_count"]), (&notice, &json!(0)));
    assert_eq!(
        (&result["not_checked"]["reason"], &result["not_checked"]["geometry"]),
        (&json!("features_not_seen"), &Json::Null)
    );
    for secret in ["H-0", "viettel", "\"mast\""] {
        assert!(!answer.text.contains(secret), "{secret}");
    }
    let headers = [("Accept", "application/geo+json"), ("Content-Type", "application/geo+json"), ("Content-Crs", GRID)];
    let map = api.send("", "POST", CHECKS, &headers, Some(&point(-600.0, -700.0))).json();
    assert_eq!(map["notices"], json!([{"subject": "0", "notice": notice}]));
    assert_eq!(
        api.send("officer", "POST", CHECKS, &headers, Some(&point(-600.0, -700.0))).json()["notices"],
        json!([])
    );
}

/// Whatever does not name a revision is, byte for byte, what it was before anything was hidden.
#[test]
fn no_other_door_tells_that_something_was_hidden() {
    let api = populated(100, &[]);
    api.work("SHOWN", point(100.0, 100.0));
    let doors = [
        "/ogc/collections",
        "/ogc/collections/works",
        "/ogc/api",
        "/api/coverage",
        "/health/ready",
        WORKS,
        &format!("{WORKS}?bbox=107,11,109,13&jurisdiction=VN-72"),
        &format!("{WORKS}?limit=1"),
        CORRIDORS,
    ];
    let far = rect(-15_000.0, -15_000.0, -14_000.0, -14_000.0);
    let seen = || -> Vec<String> {
        let mut texts: Vec<String> = doors
            .iter()
            .map(|door| {
                let answer = api.server.get("", door);
                assert_eq!(answer.status, 200, "{door}");
                format!("{:?} {}", answer.header("etag"), without_revision(&answer.text))
            })
            .collect();
        let checked = api.on_grid("", "POST", &format!("{CHECKS}?against=works,corridors&clearance_m=5"), &far);
        texts.push(without_revision(&checked.text));
        texts
    };
    let before = seen();
    for (n, (shape, _, visibility)) in hidden_works().into_iter().enumerate() {
        let more = json!({"code": format!("H-{n}"), "visibility": visibility});
        api.add(WORKS, shape, merged(more, &mast()));
    }
    // Far beyond the border, too: what a jurisdiction reaches to is not told by the shapes that somebody else hides.
    let more = json!({"code": "H-FAR", "visibility": "restricted"});
    let far = api.add(WORKS, line(&[(0.0, 0.0), (-200_000.0, 0.0)]), merged(more, &mast()));
    for (now, before) in seen().iter().zip(&before) {
        assert_eq!(now, before);
    }
    // What is there is not there for whoever may not know, in the same words as what never was.
    for (method, body) in [
        ("GET", None),
        ("PUT", Some(feature(point(0.0, 0.0), mast()))),
        ("PATCH", Some(json!({"properties": {}}))),
        ("DELETE", None),
    ] {
        let refused = |id: &str| {
            let answer = api.server.call("other-carrier", method, &format!("{WORKS}/{id}"), body.as_ref());
            assert_eq!(answer.status, 404, "{method} {}", answer.text);
            let mut problem = answer.json();
            for name in ["request_id", "instance"] {
                problem.as_object_mut().unwrap().remove(name);
            }
            problem.to_string().replace(id, "ID")
        };
        assert_eq!(refused(&far), refused("01920000-0000-7000-8000-000000000000"), "{method}");
    }
    let stored = format!("/api/works/{far}/conflicts");
    assert_eq!(api.server.get("", &stored).status, 404);
}

fn without_revision(text: &str) -> String {
    let mut value: Json = serde_json::from_str(text).unwrap();
    for name in ["revision", "timeStamp"] {
        if let Some(moment) = value.get_mut(name) {
            *moment = Json::Null;
        }
    }
    for jurisdiction in value.get_mut("jurisdictions").and_then(Json::as_array_mut).into_iter().flatten() {
        jurisdiction["revision"] = Json::Null;
    }
    value.to_string()
}
