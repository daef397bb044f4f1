//! What a decision rests on is looked at again under the lock: whatever came between the check and the decision, and between the last
//! look and the lock.

use std::thread;

use clearway::config::{Secret, TokenSetting};
use clearway::geometry::{Epsg, Geometry, crs};
use diesel::connection::SimpleConnection;
use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, ORIGIN, REFERENCES, WORKS, feature, mast, merged, point, rect, road, school, sql};
use crate::operation::until;
use crate::plan::{ZONES, api, committee, decision, unmet, zone};
use crate::rules::VN;
use crate::site_border::{self, CORNER, sides, sides_with};
use crate::site_request::{CaseOf, column, trail_is_whole, visit};
use crate::site_request_story::{office, with_rules};
use crate::support::{Response, token};

/// Requests that wait for a lock.
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Both at once, while the revision of a jurisdiction is held: each waits for it, and gets it in its turn.
pub fn in_turn<A: Send, B: Send>(
    api: &Api,
    jurisdiction: &str,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (mut holder, mut conn) = (api.database.connect(), api.database.connect());
    let mut waiting = |n: &str| sql(&mut conn, WAITING).as_deref() == Some(n);
    let hold = format!("BEGIN; SELECT 1 FROM revisions WHERE jurisdiction = '{jurisdiction}' FOR UPDATE");
    holder.batch_execute(&hold).unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(first);
        until("the first waits", || waiting("1"));
        let second = scope.spawn(second);
        until("the second waits", || waiting("2"));
        holder.batch_execute("ROLLBACK").unwrap();
        (first.join().unwrap(), second.join().unwrap())
    })
}

fn put_in_force(api: &Api, corridor: &str) -> Response {
    let force = json!({"properties": {"status": "in_force"}});
    api.on_grid("officer", "PATCH", &format!("{CORRIDORS}/{corridor}"), &force)
}

/// The zones that the approval of a plan says were checked again, by code.
fn checked_again(api: &Api, plan: &str) -> Json {
    let history = api.server.get("officer", &format!("/api/plans/{plan}/history")).json();
    let approval =
        history["events"].as_array().unwrap().iter().find(|step| step["event"] == "approve").unwrap().clone();
    let zones = api.zones("officer", &format!("plan={plan}"));
    let code = |id: &Json| zones.iter().find(|zone| zone["id"] == *id).unwrap()["properties"]["code"].clone();
    let mut codes: Vec<String> =
        approval["checked_again"].as_array().unwrap().iter().map(|id| code(id).as_str().unwrap().to_owned()).collect();
    codes.sort_unstable();
    let counted = format!(
        "SELECT detail->>'checked_again' FROM audit_events WHERE subject = '{plan}' AND detail->>'event' = 'approve'"
    );
    assert_eq!(api.sql(&counted).unwrap(), codes.len().to_string());
    json!(codes)
}

/// A plan with three zones, 2 km apart: by the rules a check looks some hundred metres round each.
fn apart(api: &Api, code: &str) -> String {
    let id = api.plan(code, 0);
    for (n, east) in [0.0, 2_000.0, 4_000.0].into_iter().enumerate() {
        let drawn = api.on_grid("officer", "POST", ZONES, &zone(&id, &format!("Z-000{n}"), east, 0.0));
        assert_eq!(drawn.status, 201, "{}", drawn.text);
    }
    id
}

#[test]
fn zones_that_nothing_touched_are_not_checked_again() {
    let api = api();
    let id = api.plan("QH-1", 3);
    let data = api.submitted(&id);
    // Far away, and what stands for a request.
    api.school("FAR", rect(0.0, 30_000.0, 50.0, 30_050.0));
    api.add(CORRIDORS, rect(0.0, 20_000.0, 50.0, 20_050.0), merged(json!({"code": "R", "clearance_m": 10}), &road()));
    let request = json!({"code": "Q", "kind": "site_request", "organisation": "viettel"});
    api.add(REFERENCES, point(50.0, 50.0), request);
    api.done("approver", &id, "approve", &data);
    assert_eq!(checked_again(&api, &id), json!([]));
    assert_eq!(api.faults(), []);
}

#[test]
fn a_harmless_change_is_looked_at_and_the_plan_is_decided() {
    let api = api();
    let id = api.plan("QH-2", 3);
    let announced = merged(json!({"code": "ROAD", "status": "announced", "clearance_m": 10}), &road());
    // Through the second zone, 200 m from the next.
    let corridor = api.add(CORRIDORS, rect(240.0, -50.0, 260.0, 150.0), announced);
    let data = api.submitted(&id);
    let named = json!({"properties": {"name": "QL 14"}});
    assert_eq!(api.on_grid("officer", "PATCH", &format!("{CORRIDORS}/{corridor}"), &named).status, 200);
    // A work in the third one, which says nothing of it.
    let duct = json!({"code": "D", "kind": "cabinet", "organisation": "viettel"});
    api.add(WORKS, point(450.0, 50.0), duct);
    api.done("approver", &id, "approve", &data);
    assert_eq!(checked_again(&api, &id), json!(["Z-0001", "Z-0002"]));
    assert_eq!(api.faults(), []);
}

#[test]
fn a_reference_feature_that_says_something_else_of_a_zone_is_named_with_it() {
    let api = crate::site_check::prepared(api());
    let id = apart(&api, "QH-3");
    let data = api.submitted(&id);
    let school = api.school("S", rect(2_040.0, 40.0, 2_050.0, 50.0));
    let refused = api.event("approver", &id, "approve", &data);
    assert_eq!(unmet(&refused), ["nothing_new"]);
    let zones = api.zones("officer", &format!("plan={id}"));
    let second = zones.iter().find(|zone| zone["properties"]["code"] == "Z-0001").unwrap();
    let told = format!("SEN of zone {} was pass and is warn", second["id"].as_str().unwrap());
    assert!(refused.text.contains(&told), "{}", refused.text);
    assert_eq!(refused.text.matches(" of zone ").count(), 1, "{}", refused.text);
    // Gone again, it is as it was: what has changed is looked at, and nothing is worse.
    let gone = api.send("officer", "DELETE", &format!("{REFERENCES}/{school}"), &[], None);
    assert_eq!(gone.status, 204, "{}", gone.text);
    api.done("approver", &id, "approve", &data);
    assert_eq!(checked_again(&api, &id), json!(["Z-0001"]));
    assert_eq!(api.faults(), []);
}

#[test]
fn what_begins_or_ends_by_its_day_and_rules_touch_zones_too() {
    let api = crate::site_check::prepared(api());
    let (by_day, ruled) = (apart(&api, "QH-4"), apart(&api, "QH-5"));
    let begins = merged(json!({"code": "S", "valid_from": "2026-06-01"}), &school());
    api.add(REFERENCES, rect(2_040.0, 40.0, 2_050.0, 50.0), begins);
    let [data, of_ruled] = [&by_day, &ruled].map(|id| api.submitted(id));
    // As if it had been checked before the school was there.
    let past = "SET session_replication_role = replica; UPDATE plan_checks SET day = '2026-05-31'";
    crate::support::run_sql(&api.database.url, past);
    // The rules are those of the pack, some of which begin by their day.
    crate::support::run_sql(&api.database.url, "UPDATE rule_parameters SET valid_from = NULL, valid_to = NULL");
    api.done("approver", &by_day, "approve", &data);
    assert_eq!(checked_again(&api, &by_day), json!(["Z-0001"]));
    crate::rules::load(&api, &VN.replacen("version = \"", "version = \"again-", 1));
    let refused = api.event("approver", &ruled, "approve", &of_ruled);
    assert_eq!(refused.status, 200, "{}", refused.text);
    assert_eq!(
        checked_again(&api, &ruled),
        json!(["Z-0000", "Z-0001", "Z-0002"]),
        "other rules may say something else of all"
    );
}

/// Whoever was first in the queue for the lock is in force when it is the other's turn.
#[test]
fn a_corridor_that_has_the_lock_before_the_decision_about_a_plan_stands_against_it() {
    let api = api();
    let id = api.plan("QH-6", 3);
    let announced = merged(json!({"code": "ROAD", "status": "announced", "clearance_m": 10}), &road());
    let corridor = api.add(CORRIDORS, rect(240.0, -50.0, 260.0, 150.0), announced);
    let data = api.submitted(&id);
    let (force, refused) =
        in_turn(&api, "VN-72", || put_in_force(&api, &corridor), || api.event("approver", &id, "approve", &data));
    assert_eq!(force.status, 200, "{}", force.text);
    assert_eq!(unmet(&refused), ["nothing_new"]);
    assert_eq!(refused.text.matches("COR of zone").count(), 1, "{}", refused.text);
    assert_eq!(api.sql("SELECT count(*) FROM plan_events WHERE event = 'approve'").unwrap(), "0");
    assert_eq!(api.faults(), []);
}

/// The other way round the decision is made, and the corridor comes after it.
#[test]
fn a_corridor_that_has_the_lock_after_the_decision_comes_after_it() {
    let api = api();
    let id = api.plan("QH-7", 3);
    let announced = merged(json!({"code": "ROAD", "status": "announced", "clearance_m": 10}), &road());
    let corridor = api.add(CORRIDORS, rect(240.0, -50.0, 260.0, 150.0), announced);
    let data = api.submitted(&id);
    let (approved, force) =
        in_turn(&api, "VN-72", || api.event("approver", &id, "approve", &data), || put_in_force(&api, &corridor));
    assert_eq!((approved.status, force.status), (200, 200), "{}", approved.text);
    let order = "SELECT string_agg(deed, ' ' ORDER BY revision DESC) FROM (
        SELECT deed, revision FROM audit_events ORDER BY revision DESC LIMIT 2) AS last";
    assert_eq!(api.sql(order).unwrap(), "replace step");
}

/// The check is asked again before the lock, when the corridor was not there; the database, under the lock, when it was.
#[test]
fn a_corridor_that_has_the_lock_before_the_decision_about_a_request_stands_against_it() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    let announced = merged(json!({"code": "R", "status": "announced"}), &road());
    // So far that it says nothing of the place before it is there.
    let corridor = api.add(CORRIDORS, rect(900.0, -9.0, 920.0, 9.0), announced);
    let data = case.decision(json!({}));
    let onto = feature(rect(-9.0, -9.0, 9.0, 9.0), merged(json!({"code": "R", "status": "in_force"}), &road()));
    let path = format!("{CORRIDORS}/{corridor}");
    let (moved, refused) = in_turn(
        &api,
        "VN-72",
        || api.on_grid("officer", "PUT", &path, &onto),
        || case.sends("approver", "approve", None, data.clone()),
    );
    assert_eq!(moved.status, 200, "{}", moved.text);
    assert_eq!(unmet(&refused), ["check_fresh"]);
    assert_eq!(api.sql("SELECT count(*) FROM site_request_events WHERE event = 'approve'").unwrap(), "0");
    trail_is_whole(&api);
}

/// What changed near the place and says nothing of it is looked at once more, and it is decided once.
#[test]
fn a_harmless_change_that_has_the_lock_before_the_decision_about_a_request_does_not_stand_against_it() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    let data = case.decision(json!({}));
    let far = feature(point(4_000.0, 0.0), merged(json!({"code": "FAR"}), &mast()));
    let (made, approved) = in_turn(
        &api,
        "VN-72",
        || api.on_grid("officer", "POST", WORKS, &far),
        || case.sends("approver", "approve", None, data.clone()),
    );
    assert_eq!((made.status, approved.status), (201, 200), "{}", approved.text);
    assert_eq!(api.sql("SELECT count(*) FROM site_request_events WHERE event = 'approve'").unwrap(), "1");
    trail_is_whole(&api);
}

/// A zone is full with a column far away from the place, too: the whole of it is looked at under the lock.
#[test]
fn a_column_that_fills_a_wide_zone_and_has_the_lock_before_the_decision_stands_against_it() {
    let api = office();
    let zone = json!({"code": "WIDE", "kind": "zone", "organisation": "office", "quota": 1});
    api.add(REFERENCES, rect(-100.0, -100.0, 20_000.0, 100.0), zone);
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    assert_ne!(case.verdict("ZON"), "block");
    let data = case.decision(json!({}));
    let far = feature(point(15_000.0, 0.0), merged(json!({"code": "FAR"}), &mast()));
    let (made, refused) = in_turn(
        &api,
        "VN-72",
        || api.on_grid("officer", "POST", WORKS, &far),
        || case.sends("approver", "approve", None, data.clone()),
    );
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(unmet(&refused), ["check_fresh"]);
    assert_eq!(api.sql("SELECT count(*) FROM site_request_events WHERE event = 'approve'").unwrap(), "0");
    trail_is_whole(&api);
}

/// So many metres east and north of the corner of the border, from the origin of other shapes.
fn from_corner(east: f64, north: f64) -> (f64, f64) {
    let corner = Geometry::Point((CORNER[0], CORNER[1]).into());
    let Ok(Geometry::Point(on_grid)) = crs::project(&corner, Epsg::WGS84, Epsg(9218)) else { panic!("no corner") };
    (on_grid.x() - ORIGIN[0] + east, on_grid.y() - ORIGIN[1] + north)
}

/// A corridor of the neighbour to the south, up to the border.
fn over_there(api: &Api) -> String {
    let announced = json!({"kind": "road", "status": "announced", "clearance_m": 100});
    site_border::add(api, CORRIDORS, "VN-35", "SOUTH", site_border::rect(-300.0, -300.0, 300.0, -20.0), announced);
    api.sql("SELECT id FROM corridors WHERE code = 'SOUTH'").unwrap()
}

#[test]
fn a_corridor_of_a_neighbour_between_check_and_decision_is_noticed() {
    let api = sides([VN; 2]);
    committee(&api);
    let corridor = over_there(&api);
    let made = api.json_as("officer", "POST", "/api/plans", None, &json!({"code": "QH", "jurisdiction": "VN-72"}));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let (near, far) = (from_corner(-50.0, 40.0), from_corner(-50.0, 9_000.0));
    for (code, (east, north)) in [("NEAR", near), ("FAR", far)] {
        let drawn = api.on_grid("officer", "POST", ZONES, &zone(&id, code, east, north));
        assert_eq!(drawn.status, 201, "{}", drawn.text);
    }
    api.submitted(&id);
    let run = api.server.get("officer", &format!("/api/plans/{id}/checks")).json();
    let data = decision(&run, "2026-01-01", &json!(null));
    // Nobody holds the lock of the plan's own jurisdiction.
    let (force, refused) =
        in_turn(&api, "VN-35", || put_in_force(&api, &corridor), || api.event("approver", &id, "approve", &data));
    assert_eq!(force.status, 200, "{}", force.text);
    assert_eq!(unmet(&refused), ["nothing_new"]);
    let zones = api.zones("officer", &format!("plan={id}"));
    let near =
        zones.iter().find(|zone| zone["properties"]["code"] == "NEAR").unwrap()["id"].as_str().unwrap().to_owned();
    assert!(refused.text.contains(&format!("COR of zone {near} was warn and is block")), "{}", refused.text);
    assert_eq!(refused.text.matches(" of zone ").count(), 1, "{}", refused.text);
}

#[test]
fn a_corridor_of_a_neighbour_that_has_the_lock_before_the_decision_about_a_request_stands_against_it() {
    let api = with_rules(sides([VN; 2]));
    let corridor = over_there(&api);
    let mut case = CaseOf::file(&api, from_corner(0.0, 40.0), column());
    case.lead_to_decision();
    assert_eq!(case.verdict("COR"), "warn");
    let data = case.decision(json!({}));
    let (force, refused) = in_turn(
        &api,
        "VN-35",
        || put_in_force(&api, &corridor),
        || case.sends("approver", "approve", None, data.clone()),
    );
    assert_eq!(force.status, 200, "{}", force.text);
    assert_eq!(unmet(&refused), ["check_fresh"]);
    assert_eq!(api.sql("SELECT count(*) FROM site_request_events WHERE event = 'approve'").unwrap(), "0");
}

/// Whoever waives that something could not be checked waives nothing that stands there.
#[test]
fn what_nobody_could_check_and_was_waived_is_no_leave_to_stand_in_a_corridor() {
    let local = |name: &str, role: &str, organisation: &str| TokenSetting {
        token: Secret(token(name)),
        name: name.into(),
        organisation: Some(organisation.into()),
        roles: vec![role.into()],
        jurisdictions: Some(vec!["VN-72".into()]),
    };
    let api = with_rules(sides_with([VN; 2], |settings| {
        settings.tokens.push(local("local", "officer", "office"));
        // Whoever waives sees the run as the office sees it.
        settings.tokens.push(local("waiving", "approver", "office"));
        settings.tokens.push(local("deciding", "approver", "committee"));
    }));
    let hidden = json!({"kind": "road", "status": "in_force", "clearance_m": 100, "visibility": "restricted",
        "organisation": "army"});
    site_border::add(&api, CORRIDORS, "VN-35", "SOUTH", site_border::rect(-300.0, -300.0, 300.0, -20.0), hidden);
    let mut case = CaseOf::file(&api, from_corner(0.0, 40.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("local", "check", None, json!({}), "checking");
    assert_eq!(case.verdict("COR"), "not_checked");
    case.settle();
    case.step("local", "visit", None, visit(), "assessing");
    case.step("local", "recommend", Some("it fits"), json!({"advice": "approve"}), "recommended");
    case.step("local", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    let run = case.now["properties"]["case"]["check"]["id"].as_str().unwrap().to_owned();
    let waived = |role: &str| {
        let why = json!({"code": "COR", "reason": "the map on paper"});
        let headers = [("Content-Type", "application/json")];
        api.send(role, "POST", &format!("/api/site-checks/{run}/waivers"), &headers, Some(&why)).status
    };
    assert_eq!(waived("waiving"), 201);
    let refused = case.sends("deciding", "approve", None, case.decision(json!({})));
    assert_eq!(unmet(&refused), ["check_fresh"], "{}", refused.text);
}

/// A zone is checked again as whoever made the run sees it: what he does not see over there was never said of it.
#[test]
fn zones_are_checked_again_with_the_sight_of_whoever_checked_them() {
    let local = TokenSetting {
        token: Secret(token("local")),
        name: "local".into(),
        organisation: Some("office".into()),
        roles: vec!["officer".into()],
        jurisdictions: Some(vec!["VN-72".into()]),
    };
    let api = sides_with([VN; 2], |settings| settings.tokens.push(local));
    committee(&api);
    let hidden = json!({"kind": "road", "status": "in_force", "clearance_m": 100, "visibility": "restricted",
        "organisation": "army"});
    site_border::add(&api, CORRIDORS, "VN-35", "SOUTH", site_border::rect(-300.0, -300.0, 300.0, -20.0), hidden);
    let made = api.json_as("officer", "POST", "/api/plans", None, &json!({"code": "QH", "jurisdiction": "VN-72"}));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let (east, north) = from_corner(-50.0, 40.0);
    assert_eq!(api.on_grid("officer", "POST", ZONES, &zone(&id, "NEAR", east, north)).status, 201);
    api.done("officer", &id, "begin_appraisal", &json!({}));
    let checked = api.json_as("local", "POST", &format!("/api/plans/{id}/checks"), None, &json!({}));
    assert_eq!(checked.status, 201, "{}", checked.text);
    let run = checked.json();
    assert_eq!(run["blocked"], json!([]), "he does not see it");
    api.done("officer", &id, "appraise", &json!({"appraisal_number": "BC-12/2026"}));
    api.done("officer", &id, "submit", &json!({"submission_number": "TTr-7/2026"}));
    // Something near it changed that says nothing of it.
    let duct = json!({"code": "D", "kind": "cabinet", "organisation": "viettel"});
    api.add(WORKS, point(east + 50.0, north + 50.0), duct);
    api.done("approver", &id, "approve", &decision(&run, "2026-01-01", &json!(null)));
    assert_eq!(checked_again(&api, &id), json!(["NEAR"]));
    assert_eq!(api.faults(), []);
}
