//! Site checks of whoever does not see everything: nothing of what is hidden stands in a finding, asking often tells no more
//! than the 2 km cell in which something is, and who is shown something restricted leaves a row.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, GRID, ORIGIN, REFERENCES, WORKS, feature, mast, merged, point, rect, road};
use crate::restricted_reads::left;
use crate::site_check::{NOW, SITES, checked, evidence, finding, holds, prepared, revision};
use crate::support::token;

const CELL_M: f64 = 2_000.0;

/// Hidden things, each in the middle of a cell of its own that has none of the others near.
fn world() -> Api {
    world_at(0.0)
}

/// The same, each so many metres to the north and east of where it is else.
fn world_at(off: f64) -> Api {
    let rect = |w: f64, s: f64, e: f64, n: f64| rect(w + off, s + off, e + off, n + off);
    let api = prepared(Api::with(|settings| settings.notice_cells_per_hour = 1_000_000));
    let hide = |code: &str, more: Json| merged(more, &json!({"code": code, "visibility": "restricted"}));
    // The origin is the middle of nothing: the cell of (east, north) begins at (-1600, -1600).
    let secret = json!({"name": "SECRET-NAME", "organisation": "vnpt", "position_accuracy_m": 0, "spare_capacity": 3});
    api.add(WORKS, point(off - 600.0, off - 600.0), merged(hide("SECRET-W", secret), &mast()));
    let area = json!({"kind": "defence_area", "organisation": "ministry", "name": "SECRET-NAME"});
    api.add(REFERENCES, rect(5_300.0, 5_300.0, 5_500.0, 5_500.0), hide("SECRET-D", area));
    let land = hide("SECRET-C", json!({"class": "III", "name": "SECRET-NAME"}));
    api.add(CORRIDORS, rect(-6_700.0, 5_300.0, -6_500.0, 5_500.0), merged(land, &road()));
    let school = json!({"kind": "school", "organisation": "education", "name": "SECRET-NAME"});
    api.add(REFERENCES, rect(5_300.0, -6_700.0, 5_500.0, -6_500.0), hide("SECRET-S", school));
    api
}

/// Places of [`world`] that touch what is hidden, and the check that has to do with it.
const HIDDEN: [(&str, (f64, f64), &str); 3] = [
    ("SPC", (-600.0, -600.0), "works"),
    ("COR", (-6_600.0, 5_400.0), "corridors"),
    ("SEN", (5_400.0, -6_600.0), "school"),
];

#[test]
fn what_is_hidden_is_no_pass_and_in_no_finding() {
    let api = world();
    for role in ["", "carrier", "planner"] {
        for (code, at, source) in HIDDEN {
            let result = checked(&api, role, NOW, at, json!({"column_class": "A2b"}));
            holds(&result);
            assert!(!result.to_string().contains("SECRET"), "{role} {result}");
            let said = finding(&result, code);
            assert_eq!((&said["verdict"], &said["restricted"]), (&json!("not_checked"), &json!(true)), "{role} {said}");
            assert_eq!(said["consult"], json!(["office"]), "{role} {said}");
            let gap = json!({"source": source, "reason": "features_not_seen"});
            assert!(said["gaps"].as_array().unwrap().contains(&gap), "{role} {said}");
            assert!(said["message"]["en"].as_str().unwrap().ends_with("ask the office."), "{role} {said}");
            assert_eq!((&said["measured"], &said["geometry"], evidence(said).len()), (&Json::Null, &Json::Null, 0));
            let all = checked(&api, "officer", NOW, at, json!({"column_class": "A2b"}));
            assert_eq!((evidence(finding(&all, code)).len(), &finding(&all, code)["restricted"]), (1, &json!(false)));
        }
    }
}

/// Where in its cell something hidden is shows in nothing that is said: neither in a drawing nor in a number.
#[test]
fn no_member_of_any_finding_shows_where_something_hidden_is() {
    let worlds = [0.0, 37.25].map(world_at);
    let places: Vec<(f64, f64)> = HIDDEN.iter().map(|(_, at, _)| *at).chain([(5_400.0, 5_400.0)]).collect();
    let places: Vec<(f64, f64)> =
        places.iter().flat_map(|(x, y)| [(*x, *y), (x + 37.25, y + 37.25), (x - 400.0, y + 90.0)]).collect();
    for role in ["", "carrier", "planner"] {
        for at in &places {
            let more = json!({"column_class": "A2b", "position_accuracy_m": 3.0});
            let [one, other] = [0, 1].map(|n: usize| checked(&worlds[n], role, NOW, *at, more.clone()));
            for result in [&one, &other] {
                holds(result);
            }
            assert_eq!(one["findings"], other["findings"], "{role} {at:?}");
        }
    }
    // Whoever sees it hears where it is: it is the same that matters.
    let [one, other] = [0, 1].map(|n: usize| checked(&worlds[n], "officer", NOW, (5_000.0, -6_600.0), json!({})));
    let of = |result: &Json| evidence(finding(result, "SEN")).len();
    assert_eq!((of(&one), of(&other)), (0, 0));
    let [one, other] = [0, 1].map(|n: usize| checked(&worlds[n], "officer", NOW, (5_290.0, -6_600.0), json!({})));
    assert_ne!(finding(&one, "SEN")["measured"], finding(&other, "SEN")["measured"]);
}

/// Of a defence area everybody hears the same, whether he may see it or not.
#[test]
fn of_a_defence_area_nobody_hears_more_than_to_ask_the_military() {
    let api = world();
    let (mut said, mut drawn) = (Vec::new(), Vec::new());
    for role in ["", "carrier", "consultee", "planner", "officer", "administrator"] {
        for at in [(5_400.0, 5_400.0), (5_299.0, 5_299.0)] {
            let result = checked(&api, role, NOW, at, json!({}));
            holds(&result);
            assert!(!result.to_string().contains("SECRET"), "{role} {result}");
            let mut def = finding(&result, "DEF").clone();
            drawn.push(def["geometry"].take());
            said.push(def);
            assert_eq!(finding(&result, "COV")["verdict"], "pass", "that it is hidden is no gap: {role}");
        }
    }
    assert_eq!((&said[0]["verdict"], &said[0]["consult"]), (&json!("warn"), &json!(["army"])));
    let nothing = ["measured", "limit", "rule", "outcome"].map(|name| said[0][name].is_null());
    assert_eq!((nothing, &said[0]["evidence"], &said[0]["gaps"]), ([true; 4], &json!([]), &json!([])));
    assert!(said.iter().all(|s| *s == said[0]), "{said:#?}");
    // Round the place as far as the rule asks, for everybody.
    assert_eq!(drawn[0]["type"], "Polygon");
    assert!(drawn.chunks(2).all(|of_role| of_role == &drawn[..2]), "{drawn:#?}");
    // Who is told nothing of where it is is told as far as its cell reaches, who sees it as far as the rules ask.
    let near = |role: &str| finding(&checked(&api, role, NOW, (4_500.0, 4_500.0), json!({})), "DEF")["verdict"].clone();
    assert_eq!((near("carrier"), near("officer")), (json!("warn"), json!("pass")));
}

/// What is said of a place, but for where it is and what is measured of what anybody sees.
fn words(result: &Json) -> String {
    let all = result["findings"].as_array().unwrap().iter();
    let one = |f: &Json| format!("{} {} {} {} {}", f["code"], f["verdict"], f["key"], f["gaps"], f["evidence"]);
    all.map(one).collect::<Vec<_>>().join("; ")
}

/// The first and the last cell along an axis.
type Span = (i64, i64);

/// The numbers, west to east, of the cells that a place meets with the reach round it.
fn span(at: f64, origin: f64, reach: f64) -> Span {
    #[allow(clippy::cast_possible_truncation)]
    let cell = |m: f64| ((origin + m) / CELL_M).floor() as i64;
    (cell(at - reach), cell(at + reach))
}

#[test]
fn bisecting_the_place_ends_at_the_edge_of_a_cell() {
    let api = world();
    // Spacing is looked for within 500 m, and that is the farthest of all here.
    let reach = 500.0;
    for (code, (east, north), source) in HIDDEN {
        let told = |x: f64, y: f64| {
            let said = finding(&checked(&api, "", NOW, (x, y), json!({"organisation": "viettel"})), code).clone();
            said["gaps"].to_string().contains(source)
        };
        // Toward each side from the hidden thing outward.
        for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
            let (mut near, mut far) = (0.0, 3.9 * CELL_M / 2.0);
            let at = |way: f64| (east + dx * way, north + dy * way);
            assert!(told(at(near).0, at(near).1) && !told(at(far).0, at(far).1), "{code} {dx} {dy}");
            while far - near > 0.01 {
                let middle = f64::midpoint(near, far);
                if told(at(middle).0, at(middle).1) { near = middle } else { far = middle }
            }
            // The edge lies where the reach leaves the cell, which is a round number of the grid.
            let (along, origin) = if dx == 0.0 { (at(near).1, ORIGIN[1]) } else { (at(near).0, ORIGIN[0]) };
            let edge = origin + along - (dx + dy) * reach;
            let off = (edge / CELL_M - (edge / CELL_M).round()).abs() * CELL_M;
            assert!(off < 0.02, "{code} {dx} {dy}: {edge} is no edge of a cell");
        }
    }
}

/// Thousands of places in a batch: whoever meets the same cells is told the same.
#[test]
fn many_places_tell_of_each_cell_whether_something_is_hidden_and_no_more() {
    let api = world();
    let revision = revision(&api);
    let mut by_cells: BTreeMap<[Span; 2], String> = BTreeMap::new();
    let (mut lines, mut places) = (Vec::new(), Vec::new());
    let mut state = 7_u64;
    let mut random = |least: f64, most: f64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        least + (most - least) * f64::from(u32::try_from(state >> 32).unwrap()) / 4_294_967_296.0
    };
    for _ in 0..3_000 {
        let (east, north) = (random(-8_000.0, 8_000.0), random(-8_000.0, 8_000.0));
        let column = json!({"height_agl_m": random(1.0, 44.0), "column_class": "A2b"});
        lines.push(feature(point(east, north), column).to_string());
        places.push((east, north));
    }
    let headers =
        [("Content-Type", "application/x-ndjson"), ("Content-Crs", GRID), ("Min-Revision", revision.as_str())];
    let answer = api.server.send("POST", &format!("{SITES}/batch?{NOW}"), &headers, Some(lines.join("\n").as_bytes()));
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!answer.text.contains("SECRET"));
    let mut count = 0;
    for (line, (east, north)) in answer.text.lines().zip(&places) {
        let result = serde_json::from_str::<Json>(line).unwrap()["results"][0].clone();
        // A disc that only nears a corner of its box does not meet the cell there: only places whose box is met alike by it.
        let cells = [span(*east, ORIGIN[0], 500.0), span(*north, ORIGIN[1], 500.0)];
        if cells.iter().all(|(first, last)| first != last) {
            continue;
        }
        let said = by_cells.entry(cells).or_insert_with(|| words(&result));
        assert_eq!(*said, words(&result), "{east} {north}");
        count += 1;
    }
    let mut texts: Vec<&String> = by_cells.values().collect();
    texts.sort_unstable();
    texts.dedup();
    // Nothing hidden, and each of the four: the same words everywhere.
    assert_eq!(texts.len(), 5, "{texts:#?}");
    assert!(count > 2_000, "{count}");
}

#[test]
fn who_is_shown_restricted_evidence_leaves_a_row() {
    let api = world();
    let sees = |role: &str, at: (f64, f64)| drop(checked(&api, role, NOW, at, json!({})));
    for role in ["", "carrier", "planner"] {
        for (_, at, _) in HIDDEN {
            sees(role, at);
        }
    }
    sees("officer", (5_400.0, 5_400.0));
    sees("officer", (0.0, 9_000.0));
    sees("officer", HIDDEN[0].1);
    sees("auditor", HIDDEN[2].1);
    let lines = [feature(point(-6_600.0, 5_400.0), json!({"height_agl_m": 42})).to_string()];
    let bearer = format!("Bearer {}", token("officer"));
    let headers = [("Content-Type", "application/x-ndjson"), ("Content-Crs", GRID), ("Authorization", &*bearer)];
    let batch = api.server.send("POST", &format!("{SITES}/batch?{NOW}"), &headers, Some(lines.join("\n").as_bytes()));
    assert_eq!(batch.status, 200);
    let id = |layer: &str, code: &str| api.sql(&format!("SELECT id FROM {layer} WHERE code = '{code}'")).unwrap();
    let (work, land) = (id("works", "SECRET-W"), id("corridors", "SECRET-C"));
    let (school, area) = (id("reference_features", "SECRET-S"), id("reference_features", "SECRET-D"));
    let Api { server, database } = api;
    drop(server);
    // That the military has to be asked rests on the area, though nobody is shown it; the others were told nothing.
    let expect = [
        format!("auditor {SITES} references {school}"),
        format!("officer {SITES} references {area}"),
        format!("officer {SITES} works {work}"),
        format!("officer {SITES}/batch corridors {land}"),
    ];
    assert_eq!(left(&database).into_iter().collect::<Vec<_>>(), expect);
}
