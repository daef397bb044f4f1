//! A request in no way of itself, nor its column: where it is the request of that very place, and a permit of that very day; looked at
//! again and made again as it was.

use serde_json::{Value as Json, json};

use crate::border::{at, spot};
use crate::world::{CHECKS, REFERENCES, WORKS, World, column, finding, pack, point, square};

/// A request of a carrier.
fn request(world: &World, geometry: Json, carrier: &str, more: &Json) -> String {
    let mut facts = json!({"code": "R", "kind": "site_request", "organisation": carrier, "visibility": "government"});
    facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.add(REFERENCES, geometry, facts)
}

fn granted() -> Json {
    json!({"class": "permitted"})
}

fn zone(world: &World, quota: u32) {
    let zone = json!({"code": "Z", "kind": "zone", "organisation": "office", "quota": quota});
    world.add(REFERENCES, square(0.0, 0.0, 3_000.0), zone);
}

fn mast(world: &World, code: &str, east: f64, status: &str) -> String {
    let facts = json!({"code": code, "kind": "mast", "organisation": "viettel", "status": status,
        "position_accuracy_m": 0});
    world.add(WORKS, point(east, 0.0), facts)
}

/// What is said to somebody who asks by a request: the columns that count in the zone where they fill it, and the codes of what SPC and
/// DUP find.
fn said(world: &World, role: &str, east: f64, request: &str) -> (Option<f64>, String, String) {
    let mut column = column(east, 0.0);
    column["properties"]["request"] = json!(request);
    let answer = world.send(role, "POST", &format!("{CHECKS}?store=no"), Some(&column));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let result = answer.json()["results"][0].clone();
    let zon = finding(&result, "ZON");
    let full = (zon["key"] == "zon-quota").then(|| zon["measured"]["value"].as_f64().unwrap());
    let found = |code: &str| {
        let all = finding(&result, code)["evidence"].as_array().unwrap().iter();
        all.map(|e| e["code"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    (full, found("SPC"), found("DUP"))
}

/// What is expected.
fn of(full: Option<f64>, spc: &str, dup: &str) -> (Option<f64>, String, String) {
    (full, spc.into(), dup.into())
}

/// Whoever has a permit elsewhere and names it hides nothing of what stands here, nor the permit itself.
#[test]
fn a_permit_of_another_place_is_no_permit_of_this_one() {
    let world = World::new();
    zone(&world, 1);
    let far = request(&world, point(2_000.0, 0.0), "viettel", &granted());
    mast(&world, "M", 20.0, "permitted");
    assert_eq!(said(&world, "carrier", 0.0, &far), of(Some(2.0), "M", "M"));
    // Where it is, it is in no way of itself, and what is far from it still counts.
    assert_eq!(said(&world, "carrier", 2_000.0, &far), of(Some(1.0), "", ""));
    // So near as a survey accepts it is the same place, and farther it is not.
    assert_eq!(said(&world, "carrier", 1_995.0, &far), of(Some(1.0), "", ""));
    assert_eq!(said(&world, "carrier", 1_994.9, &far), of(Some(2.0), "R", "R"));
}

/// Of one that is pending, of another carrier, or of another day the same.
#[test]
fn a_request_is_in_no_way_of_itself_alone() {
    let world = World::new();
    zone(&world, 1);
    mast(&world, "M", 20.0, "permitted");
    let pending = request(&world, point(0.0, 0.0), "viettel", &json!({}));
    assert_eq!(said(&world, "carrier", 0.0, &pending), of(Some(1.0), "M", "M"), "nobody granted it");
    assert_eq!(said(&world, "carrier", 6.0, &pending), of(Some(1.0), "R M", "R M"), "it is asked for elsewhere");
    world.delete(REFERENCES, &pending);
    let of_another = request(&world, point(0.0, 0.0), "vnpt", &json!({"class": "permitted", "visibility": "public"}));
    assert_eq!(said(&world, "carrier", 0.0, &of_another), of(Some(2.0), "R M", "M"), "it is none of his");
    assert_eq!(said(&world, "officer", 0.0, &of_another), of(Some(1.0), "M", ""), "of whoever has it");
    world.delete(REFERENCES, &of_another);
    let over = json!({"class": "permitted", "valid_to": "2020-01-01"});
    let over = request(&world, point(0.0, 0.0), "viettel", &over);
    assert_eq!(said(&world, "carrier", 0.0, &over), of(Some(1.0), "M", "M"), "it holds no more");
    world.delete(REFERENCES, &over);
    let holds = request(&world, point(0.0, 0.0), "viettel", &granted());
    assert_eq!(said(&world, "carrier", 0.0, &holds), of(None, "", ""), "its own");
}

/// One to come as near as requests of one carrier are one; one that stands as near as a survey accepts it.
#[test]
fn the_column_of_a_permit_is_not_in_the_way_of_the_request_that_it_is_of() {
    let world = World::new();
    zone(&world, 1);
    let own = request(&world, point(0.0, 0.0), "viettel", &granted());
    let planned = mast(&world, "M", 20.0, "permitted");
    assert_eq!(said(&world, "carrier", 0.0, &own), of(None, "", ""));
    world.delete(WORKS, &planned);
    let old = mast(&world, "M", 20.0, "in_service");
    assert_eq!(said(&world, "carrier", 0.0, &own), of(Some(1.0), "M", ""), "it stood there before");
    world.delete(WORKS, &old);
    let stands = mast(&world, "M", 4.0, "in_service");
    assert_eq!(said(&world, "carrier", 0.0, &own), of(None, "", ""), "nobody has verified it yet");
    // It is measured from what was permitted.
    assert_eq!(said(&world, "carrier", -2.0, &own), of(None, "", ""));
    // Another one is in the way, and so is one to come that is farther away.
    mast(&world, "N", 30.0, "in_service");
    assert_eq!(said(&world, "carrier", 0.0, &own), of(Some(1.0), "N", ""));
    world.delete(WORKS, &stands);
    mast(&world, "O", 60.0, "permitted");
    assert_eq!(said(&world, "carrier", 0.0, &own), of(Some(2.0), "N O", ""));
}

/// Asks about a column by a request and keeps the run.
fn kept(world: &World, (east, north): (f64, f64), request: &str) -> String {
    let mut column = column(east, north);
    column["properties"]["request"] = json!(request);
    let answer = world.send("carrier", "POST", CHECKS, Some(&column));
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["results"][0]["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn made_again(world: &World, run: &str) {
    let replayed = world.program(&["replay", run]);
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stdout));
}

/// What a check says now of a run that said something else.
fn now(world: &World, run: &str, code: &str) -> Option<Json> {
    let run = world.run("officer", run);
    run["difference"].as_array().unwrap().iter().find(|d| d["code"] == code).map(|d| d["after"].clone())
}

/// Wherever its request is kept, a run by it is made again as it was, and marked where the request comes, is granted, or goes.
#[test]
fn a_run_by_a_request_is_made_again_and_looked_at_again() {
    for (side, north) in [("VN-72", 900.0), ("VN-35", 900.0), ("VN-35", 12_000.0)] {
        let world = World::with_neighbour([&pack("1", 100.0), &pack("1", 100.0)]);
        let place = at(0.0, north);
        let mast = json!({"code": "M", "jurisdiction": "VN-72", "kind": "mast", "organisation": "viettel",
            "status": "permitted", "position_accuracy_m": 0});
        world.add(WORKS, spot(10.0, north), mast);
        let more = json!({"class": "permitted", "jurisdiction": side});
        let own = request(&world, spot(3.0, north), "viettel", &more);
        let run = kept(&world, place, &own);
        made_again(&world, &run);
        world.delete(REFERENCES, &own);
        world.marked();
        assert_eq!(now(&world, &run, "SPC"), Some(json!("warn")), "{side} {north}");
        assert_eq!(now(&world, &run, "DUP"), Some(json!("warn")), "{side} {north}");
        made_again(&world, &run);
        // One that is there no more.
        let run = kept(&world, place, &own);
        request(&world, spot(3.0, north), "viettel", &more);
        world.marked();
        made_again(&world, &run);
    }
}
