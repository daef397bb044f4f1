//! Where along a centreline: hand-computed extents and runs, over HTTP, of stored corridors and of drawn lines.

use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, CORRIDORS, WORKS, assert_near, at, line, merged, rect, road};

/// From, to, offset, side.
type Extent = (f64, f64, f64, Json);

/// A run, and its length where it is one of a line.
type Run = (Extent, Option<f64>);

fn check_extent(got: &Json, (from, to, offset, side): &Extent, what: &str) {
    for (name, expect) in [("chainage_from_m", from), ("chainage_to_m", to), ("offset_m", offset)] {
        assert_near(&got[name], Some(*expect), &format!("{name} of {what}: {got}"));
    }
    assert_eq!(got["side"], *side, "{what}: {got}");
}

fn check(got: &Json, relation: &str, whole: &Extent, runs: &[Run], what: &str) {
    assert_eq!(got["relation"], relation, "{what}: {got}");
    check_extent(got, whole, what);
    let listed = got["runs"].as_array().unwrap();
    assert_eq!(listed.len(), runs.len(), "{what}: {got}");
    for (run, (extent, length)) in listed.iter().zip(runs) {
        check_extent(run, extent, what);
        assert_near(&run["length_m"], *length, &format!("length of a run of {what}"));
    }
}

/// The one conflict of an answer.
fn only(answer: &Json) -> Json {
    let conflicts = answer["results"][0]["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1, "{answer}");
    conflicts[0].clone()
}

fn area(positions: &[(f64, f64)]) -> Json {
    let ring: Vec<Json> = positions.iter().chain(positions.first()).copied().map(at).collect();
    json!({"type": "Polygon", "coordinates": [ring]})
}

fn left() -> Json {
    json!("left")
}

fn right() -> Json {
    json!("right")
}

fn both() -> Json {
    json!("both")
}

/// What, the work, the clearance asked for, the relation, the extent of the whole, the runs.
type Case = (&'static str, Json, f64, &'static str, Extent, Vec<Run>);

/// Against an axis that goes east for 100 m, then north for 100 m, with land of 10 m to the left and 5 m to the right.
fn at_a_bend() -> Vec<Case> {
    let zigzag = [(20.0, -20.0), (20.0, 30.0), (60.0, 30.0), (60.0, -20.0)];
    let saw = [(20.0, 30.0), (30.0, 10.0), (40.0, 30.0), (50.0, 10.0), (60.0, 30.0)];
    let fork = [
        (20.0, -20.0),
        (60.0, -20.0),
        (60.0, 20.0),
        (50.0, 20.0),
        (50.0, -10.0),
        (30.0, -10.0),
        (30.0, 20.0),
        (20.0, 20.0),
    ];
    let two = |a: Extent, b: Extent, length: Option<f64>| vec![(a, length), (b, length)];
    let parts = json!({"type": "MultiLineString", "coordinates": [
        line(&[(10.0, 2.0), (15.0, 2.0)])["coordinates"], line(&[(30.0, -3.0), (45.0, -3.0)])["coordinates"]]});
    let joined = json!({"type": "MultiLineString", "coordinates": [
        line(&[(10.0, 2.0), (15.0, 2.0)])["coordinates"], line(&[(15.0, 2.0), (45.0, 3.0)])["coordinates"]]});
    vec![
        (
            "two crossings",
            line(&zigzag),
            0.0,
            "crosses",
            (20.0, 60.0, 0.0, both()),
            two((20.0, 20.0, 0.0, both()), (60.0, 60.0, 0.0, both()), Some(15.0)),
        ),
        (
            "two touches",
            line(&saw),
            0.0,
            "touches",
            (30.0, 50.0, 10.0, left()),
            two((30.0, 30.0, 10.0, left()), (50.0, 50.0, 10.0, left()), Some(0.0)),
        ),
        (
            "two parts inside",
            parts,
            0.0,
            "inside",
            (10.0, 45.0, 2.0, both()),
            vec![((10.0, 15.0, 2.0, left()), Some(5.0)), ((30.0, 45.0, 3.0, right()), Some(15.0))],
        ),
        ("parts that follow each other", joined, 0.0, "inside", (10.0, 45.0, 2.0, left()), vec![]),
        ("across the bend", line(&[(60.0, -20.0), (130.0, 50.0)]), 0.0, "crosses", (75.0, 125.0, 0.0, both()), vec![]),
        ("inside the bend", line(&[(85.0, 4.0), (96.0, 15.0)]), 0.0, "inside", (85.0, 115.0, 4.0, left()), vec![]),
        (
            "round the bend, no vertex near",
            line(&[(40.0, -70.0), (180.0, 70.0)]),
            3.0,
            "near",
            (100.0, 100.0, 50f64.sqrt(), right()),
            vec![],
        ),
        (
            "one vertex near",
            line(&[(10.0, 30.0), (50.0, 12.0), (80.0, 30.0)]),
            3.0,
            "near",
            (50.0 - 1.0 / 0.45, 50.0 + 1.0 / 0.6, 12.0, left()),
            vec![],
        ),
        ("round the start", rect(-8.0, -3.0, -2.0, 4.0), 3.0, "near", (0.0, 0.0, 2.0, both()), vec![]),
        ("beyond the end", line(&[(95.0, 104.0), (104.0, 104.0)]), 5.0, "near", (200.0, 200.0, 4.0, both()), vec![]),
        ("past the end", line(&[(96.0, 130.0), (96.0, 50.0)]), 0.0, "crosses", (150.0, 200.0, 4.0, left()), vec![]),
        ("up to the edge", line(&[(50.0, 40.0), (50.0, 10.0)]), 0.0, "touches", (50.0, 50.0, 10.0, left()), vec![]),
        (
            "a fork",
            area(&fork),
            0.0,
            "crosses",
            (20.0, 60.0, 0.0, both()),
            two((20.0, 30.0, 0.0, both()), (50.0, 60.0, 0.0, both()), None),
        ),
        ("over the bend", rect(70.0, -20.0, 130.0, 20.0), 0.0, "crosses", (70.0, 120.0, 0.0, both()), vec![]),
        ("all of it", rect(-20.0, -20.0, 130.0, 130.0), 0.0, "crosses", (0.0, 200.0, 0.0, both()), vec![]),
        ("beside the second leg", rect(60.0, 30.0, 80.0, 80.0), 12.0, "near", (130.0, 180.0, 20.0, left()), vec![]),
        ("wall to wall", rect(30.0, 10.0, 40.0, 30.0), 0.0, "touches", (30.0, 40.0, 10.0, left()), vec![]),
    ]
}

/// Against two parts of 50 m with a gap of 50 m between them, 10 m to each side.
fn at_a_gap() -> Vec<Case> {
    vec![
        (
            "into both parts",
            line(&[(40.0, 5.0), (110.0, 5.0)]),
            0.0,
            "crosses",
            (40.0, 60.0, 5.0, left()),
            vec![((40.0, 50.0, 5.0, left()), Some(10.0)), ((50.0, 60.0, 5.0, left()), Some(10.0))],
        ),
        ("through the gap", line(&[(75.0, -20.0), (75.0, 20.0)]), 25.0, "near", (50.0, 50.0, 25.0, both()), vec![]),
        (
            "to the second part",
            line(&[(120.0, -40.0), (120.0, -4.0)]),
            0.0,
            "crosses",
            (70.0, 70.0, 4.0, right()),
            vec![],
        ),
    ]
}

/// Against a hairpin: 100 m east, 12 m north, 100 m west, with 10 m to the left and 5 m to the right.
fn at_a_hairpin() -> Vec<Case> {
    vec![
        ("from leg to leg", line(&[(50.0, 1.0), (50.0, 11.0)]), 0.0, "inside", (50.0, 162.0, 1.0, left()), vec![]),
        ("across both", line(&[(50.0, -20.0), (50.0, 40.0)]), 0.0, "crosses", (50.0, 162.0, 0.0, both()), vec![]),
        (
            "beside the bend",
            line(&[(103.0, -20.0), (103.0, 40.0)]),
            0.0,
            "crosses",
            (100.0, 112.0, 3.0, right()),
            vec![],
        ),
    ]
}

fn check_all(api: &Api, axis: Json, widths: (f64, f64), cases: Vec<Case>) {
    let widths = merged(json!({"half_width_left_m": widths.0, "half_width_right_m": widths.1}), &road());
    let corridor = api.add(CORRIDORS, axis, widths);
    for (what, shape, clearance, relation, whole, runs) in cases {
        let work = api.work("W", shape);
        let query = format!("conflicts?clearance_m={clearance}");
        let of_corridor = format!("/api/corridors/{corridor}/{query}");
        check(&only(&api.server.get("", &of_corridor).json()), relation, &whole, &runs, what);
        check(&only(&api.server.get("", &format!("/api/works/{work}/{query}")).json()), relation, &whole, &runs, what);
        let map = api.send("", "GET", &of_corridor, &[("Accept", "application/geo+json")], None).json();
        check(&map["features"][0]["properties"]["conflict"], relation, &whole, &runs, what);
        assert_eq!(api.server.call("officer", "DELETE", &format!("{WORKS}/{work}"), None).status, 204);
    }
    assert_eq!(api.server.call("officer", "DELETE", &format!("{CORRIDORS}/{corridor}"), None).status, 204);
}

#[test]
fn extents_and_runs_are_those_of_the_whole_part_in_conflict() {
    let api = Api::new();
    check_all(&api, line(&[(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)]), (10.0, 5.0), at_a_bend());
    let gap = json!({"type": "MultiLineString", "coordinates": [
        line(&[(0.0, 0.0), (50.0, 0.0)])["coordinates"], line(&[(100.0, 0.0), (150.0, 0.0)])["coordinates"]]});
    check_all(&api, gap, (10.0, 10.0), at_a_gap());
    let hairpin = line(&[(0.0, 0.0), (100.0, 0.0), (100.0, 12.0), (0.0, 12.0)]);
    check_all(&api, hairpin, (10.0, 5.0), at_a_hairpin());
}

/// A drawn line has no area: the part in conflict is what lies within the clearance of it.
#[test]
fn a_drawn_line_is_its_own_centreline() {
    let api = Api::new();
    let axis = line(&[(0.0, 0.0), (100.0, 0.0)]);
    let cases: Vec<Case> = vec![
        (
            "two crossings",
            line(&[(20.0, -20.0), (20.0, 30.0), (60.0, 30.0), (60.0, -20.0)]),
            5.0,
            "crosses",
            (20.0, 60.0, 0.0, both()),
            vec![((20.0, 20.0, 0.0, both()), Some(10.0)), ((60.0, 60.0, 0.0, both()), Some(10.0))],
        ),
        ("slanting by", line(&[(10.0, 40.0), (50.0, 0.0)]), 10.0, "touches", (40.0, 50.0, 0.0, left()), vec![]),
        ("slanting in", line(&[(0.0, 50.0), (45.0, 5.0)]), 10.0, "near", (40.0, 45.0, 5.0, left()), vec![]),
        ("along", line(&[(20.0, 0.0), (70.0, 0.0)]), 10.0, "inside", (20.0, 70.0, 0.0, Json::Null), vec![]),
        ("ground on both sides", rect(-50.0, -50.0, 150.0, 50.0), 10.0, "crosses", (0.0, 100.0, 0.0, both()), vec![]),
        ("over one end", rect(-50.0, -3.0, 30.0, 50.0), 10.0, "crosses", (0.0, 30.0, 0.0, both()), vec![]),
    ];
    for (what, shape, clearance, relation, whole, runs) in cases {
        let work = api.work("W", shape);
        let drawn = only(&api.on_grid("", "POST", &format!("{CHECKS}?clearance_m={clearance}"), &axis).json());
        check(&drawn, relation, &whole, &runs, what);
        assert_eq!(api.server.call("officer", "DELETE", &format!("{WORKS}/{work}"), None).status, 204);
    }
}
