//! Plans and their zones, from the first drawing to what is in force on any day.

use std::env;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use clearway::actions::audit::{self, Range};
use clearway::actions::plan::upkeep;
use clearway::domain::actor::Actor;
use clearway::domain::audit::Fault;
use clearway::domain::plan::{PlanState, TRANSITIONS};
use clearway::domain::workflow::diagram;
use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, REFERENCES, feature, merged, rect, road};
use crate::support::{Response, run_sql, tell};

pub const ZONES: &str = "/ogc/collections/zones/items";

/// A decision of a day before this one is an old one.
const RECENT: &str = "2026-11";

const SHA: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// A server with a committee.
pub fn api() -> Api {
    let api = Api::new();
    committee(&api);
    api
}

/// The organisation of the approver is one.
pub fn committee(api: &Api) {
    run_sql(&api.database.url, "INSERT INTO organisations VALUES ('committee', 'The committee', 'committee')");
}

fn limits() -> Json {
    json!({"column_classes": ["A2a", "A2b"], "height_max_m": 42})
}

impl Api {
    /// Begins a plan with so many zones in a row, each 100 m wide, 200 m apart.
    pub fn plan(&self, code: &str, zones: u32) -> String {
        let made = self.server.post("officer", "/api/plans", &json!({"code": code}));
        assert_eq!(made.status, 415, "a plan is no GeoJSON");
        let made = self.json_as("officer", "POST", "/api/plans", None, &json!({"code": code, "name": "BTS zones"}));
        assert_eq!(made.status, 201, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        if zones > 0 {
            let all = self.on_grid("officer", "POST", ZONES, &collection(&id, zones));
            assert_eq!(all.status, 201, "{}", all.text);
        }
        id
    }

    pub fn json_as(&self, role: &str, method: &str, path: &str, tag: Option<&str>, body: &Json) -> Response {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(tag.map(|tag| ("If-Match", tag)));
        self.send(role, method, path, &headers, Some(body))
    }

    /// Sends an event to the plan as it is now; one that approves by an old decision, as if it had been submitted before that.
    pub fn event(&self, role: &str, id: &str, event: &str, data: &Json) -> Response {
        if event == "approve" && data["decision_date"].as_str().is_some_and(|day| day < RECENT) {
            return self.submitted_long_ago(id, || self.event_now(role, id, event, data));
        }
        self.event_now(role, id, event, data)
    }

    /// As if the plan had been submitted years ago, and as long as something is done.
    pub fn submitted_long_ago<T>(&self, id: &str, done: impl FnOnce() -> T) -> T {
        let moved = |by: &str| {
            let submitted = format!("UPDATE plan_events SET at = at {by} interval '3000 days'");
            let of = format!("WHERE plan = '{id}' AND event = 'submit'");
            run_sql(&self.database.url, &format!("SET session_replication_role = replica; {submitted} {of}"));
        };
        moved("-");
        let answer = done();
        moved("+");
        answer
    }

    /// Sends an event to the plan as it is now.
    pub fn event_now(&self, role: &str, id: &str, event: &str, data: &Json) -> Response {
        let now = self.server.get("officer", &format!("/api/plans/{id}"));
        let body = json!({"event": event, "reason": "because", "data": data});
        self.json_as(role, "POST", &format!("/api/plans/{id}/events"), now.header("etag"), &body)
    }

    pub fn done(&self, role: &str, id: &str, event: &str, data: &Json) -> Json {
        let answer = self.event(role, id, event, data);
        assert_eq!(answer.status, 200, "{event}: {}", answer.text);
        answer.json()
    }

    pub fn check(&self, id: &str) -> Json {
        let checked = self.json_as("officer", "POST", &format!("/api/plans/{id}/checks"), None, &json!({}));
        assert_eq!(checked.status, 201, "{}", checked.text);
        checked.json()
    }

    /// Brings a plan to the committee; with what a decision has to name.
    pub fn submitted(&self, id: &str) -> Json {
        self.done("officer", id, "begin_appraisal", &json!({}));
        let run = self.check(id);
        self.done("officer", id, "appraise", &json!({"appraisal_number": "BC-12/2026"}));
        self.done("officer", id, "submit", &json!({"submission_number": "TTr-7/2026"}));
        decision(&run, "2026-01-01", &json!(null))
    }

    /// Begins the next version of a plan.
    pub fn amended(&self, id: &str) -> String {
        let made = self.amend(id);
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    pub fn amend(&self, id: &str) -> Response {
        self.json_as("officer", "POST", &format!("/api/plans/{id}/amendments"), None, &json!({}))
    }

    pub fn published(&self, id: &str, from: &str, to: Json) -> Json {
        let mut data = self.submitted(id);
        (data["effective_from"], data["effective_to"]) = (json!(from), to);
        self.done("approver", id, "approve", &data);
        self.done("officer", id, "publish", &json!({}))
    }

    pub fn zones(&self, role: &str, query: &str) -> Vec<Json> {
        let answer = self.server.get(role, &format!("{ZONES}?limit=1000&{query}"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["features"].as_array().unwrap().clone()
    }

    pub fn codes(&self, role: &str, query: &str) -> Vec<String> {
        let zones = self.zones(role, query);
        zones.iter().map(|z| z["properties"]["code"].as_str().unwrap().to_owned()).collect()
    }

    pub fn faults(&self) -> Vec<Fault> {
        let reports =
            audit::verify(&self.database.context(), &Actor::operator(), &Range::default(), audit::Kept::default())
                .unwrap();
        reports.into_iter().flat_map(|(_, report)| report.faults).collect()
    }
}

pub fn zone(plan: &str, code: &str, west: f64, south: f64) -> Json {
    let own = json!({"plan": plan, "code": code});
    feature(rect(west, south, west + 100.0, south + 100.0), merged(own, &limits()))
}

fn collection(plan: &str, zones: u32) -> Json {
    let zone = |n: u32| {
        let (column, line) = (f64::from(n % 50), f64::from(n / 50));
        zone(plan, &format!("Z-{n:04}"), column * 200.0, line * 200.0)
    };
    json!({"type": "FeatureCollection", "features": (0..zones).map(zone).collect::<Vec<_>>()})
}

pub fn decision(run: &Json, from: &str, to: &Json) -> Json {
    json!({"check": run["id"], "check_sha256": run["sha256"], "decision_number": "QD-88/2026", "decision_date": "2026-01-01",
        "decision_signer": "The chairman", "decision_authority": "People's committee", "effective_from": from,
        "effective_to": to, "file_sha256": SHA})
}

pub fn unmet(answer: &Response) -> Vec<String> {
    assert_eq!(answer.status, 409, "{}", answer.text);
    let json = answer.json();
    json["unmet"].as_array().unwrap().iter().map(|u| u["guard"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_plan_goes_from_a_draft_to_what_site_checks_know() {
    let api = api();
    let id = api.plan("QH-BTS", 3);
    let path = format!("/api/plans/{id}");
    let events = format!("{path}/events");
    let draft = api.server.get("officer", &path).json();
    assert_eq!(
        (&draft["state"], &draft["zones"], &draft["allowed"]),
        (&json!("draft"), &json!(3), &json!(["begin_appraisal"]))
    );
    // Until it is published it is the government's, at every door.
    for role in ["", "carrier", "project_owner", "officer-elsewhere"] {
        assert_eq!(api.server.get(role, &path).status, 404, "{role}");
        for more in ["difference", "history"] {
            assert_eq!(api.server.get(role, &format!("{path}/{more}")).status, 404, "{role} {more}");
        }
        assert_eq!(api.server.get(role, "/api/plans").json()["plans"], json!([]), "{role}");
        assert_eq!(api.codes(role, ""), [""; 0], "{role}");
        assert_eq!(api.codes(role, "bbox=107,11,109,13"), [""; 0], "{role}");
    }
    assert_eq!(api.codes("inspector", "bbox=107,11,109,13").len(), 3);
    let zone_id = api.zones("planner", "")[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.server.get("carrier", &format!("{ZONES}/{zone_id}")).status, 404);

    // Which version is meant has to be said, and right.
    let begin = json!({"event": "begin_appraisal"});
    assert_eq!(api.json_as("officer", "POST", &events, None, &begin).status, 428);
    assert_eq!(api.json_as("officer", "POST", &events, Some("*"), &begin).status, 428);
    assert_eq!(api.json_as("officer", "POST", &events, Some("\"1\""), &begin).status, 412, "zones were drawn since");
    assert_eq!(api.json_as("officer", "POST", &events, Some("\"2\""), &json!({"event": "x"})).status, 422);
    let early = api.event("officer", &id, "publish", &json!({}));
    assert_eq!((early.status, early.json()["allowed"].clone()), (409, json!(["begin_appraisal"])), "{}", early.text);
    assert_eq!(api.event("approver", &id, "begin_appraisal", &json!({})).status, 403);
    let carrier = api.json_as("carrier", "POST", &events, Some("\"2\""), &begin);
    assert_eq!(carrier.status, 403, "{}", carrier.text);

    api.done("officer", &id, "begin_appraisal", &json!({}));
    assert_eq!(unmet(&api.event("officer", &id, "appraise", &json!({}))), ["appraisal_number", "fresh_check"]);
    let back = api.done("officer", &id, "return", &json!({}));
    assert_eq!(back["state"], "draft");
    let mut data = api.submitted(&id);
    // A zone is drawn in a draft alone, whatever statement asks.
    let late = api.on_grid("officer", "POST", ZONES, &zone(&id, "LATE", 0.0, 5000.0));
    assert_eq!((late.status, late.json()["type"].clone()), (409, json!("/problems/step-refused")), "{}", late.text);
    assert_eq!(api.call_zone("DELETE", &zone_id).status, 409);

    // Each part that is missing is named.
    let approve = |data: &Json| api.event("approver", &id, "approve", data);
    for (member, guard) in [
        ("check", "check_named"),
        ("check_sha256", "check_named"),
        ("decision_number", "decision_number"),
        ("decision_date", "decision_date"),
        ("decision_signer", "decision_signer"),
        ("effective_from", "effective_period"),
        ("file_sha256", "file_hash"),
    ] {
        let mut less = data.clone();
        less.as_object_mut().unwrap().remove(member);
        assert_eq!(unmet(&approve(&less)), [guard], "{member}");
    }
    data["check_sha256"] = json!(SHA);
    assert_eq!(unmet(&approve(&data)), ["check_named"]);
    data["check_sha256"] = api.server.get("officer", &format!("{path}/checks")).json()["sha256"].clone();
    assert_eq!(api.event("officer", &id, "approve", &data).status, 403);
    let approved = api.done("approver", &id, "approve", &data);
    assert_eq!((&approved["state"], &approved["decision"]["file_sha256"]), (&json!("approved"), &json!(SHA)));
    assert_eq!(api.server.get("", &path).status, 404, "decided, and not published");
    let published = api.done("officer", &id, "publish", &json!({}));
    assert_eq!(published["in_force"], json!({"from": "2026-01-01", "to": null}));

    // Now it is everybody's, and site checks know its zones.
    assert_eq!(api.server.get("", &path).json()["state"], "published");
    assert_eq!(api.server.get("", &path).json()["check"], json!(null), "what a check names may be restricted");
    assert_eq!(api.codes("", "bbox=107,11,109,13").len(), 3);
    let projected = "SELECT string_agg(concat_ws(' ', r.id = z.id, r.kind, r.code, r.visibility, r.valid_from, r.valid_to,
        ST_Equals(r.geom_grid, z.geom_grid), r.height_max_m = z.height_max_m, r.column_classes = z.column_classes), '; ' ORDER BY r.code)
        FROM zones AS z JOIN reference_features AS r ON r.id = z.id";
    let one = |n: u32| format!("t zone QH-BTS/1/Z-{n:04} public 2026-01-01 t t t");
    assert_eq!(api.sql(projected).unwrap(), [one(0), one(1), one(2)].join("; "));
    // There they are the plan's, and nobody else's to write.
    for method in ["PATCH", "DELETE"] {
        let shown = format!("{REFERENCES}/{zone_id}");
        let refused = api.on_grid("officer", method, &shown, &json!({"properties": {"quota": 9}}));
        assert_eq!(
            (refused.status, refused.json()["type"].clone()),
            (409, json!("/problems/still-needed")),
            "{method}"
        );
    }
    let steps = api.server.get("officer", &format!("{path}/history")).json();
    let steps: Vec<&str> =
        steps["events"].as_array().unwrap().iter().map(|step| step["event"].as_str().unwrap()).collect();
    assert_eq!(steps, ["begin_appraisal", "return", "begin_appraisal", "appraise", "submit", "approve", "publish"]);
    let unsigned = api.server.get("", &format!("{path}/history")).json();
    assert_eq!(unsigned["events"][5]["actor"], json!(null), "who did it is for whoever may know");
    assert_eq!(api.faults(), []);
    let deeds = "SELECT string_agg(detail->>'event', ' ' ORDER BY revision) FROM audit_events WHERE deed = 'step'";
    assert_eq!(api.sql(deeds).unwrap(), steps.join(" "));
}

impl Api {
    fn call_zone(&self, method: &str, id: &str) -> Response {
        self.send("officer", method, &format!("{ZONES}/{id}"), &[], None)
    }
}

#[test]
fn zones_are_drawn_read_and_paged() {
    let api = api();
    let id = api.plan("QH-1", 0);
    let made = api.on_grid("officer", "POST", ZONES, &zone(&id, "A", 0.0, 0.0));
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")), "{}", made.text);
    let a = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{ZONES}/{a}");
    assert_eq!(api.on_grid("officer", "POST", ZONES, &zone(&id, "A", 0.0, 0.0)).status, 409, "the code is taken");
    for (document, problem) in [
        (feature(rect(0.0, 0.0, 9.0, 9.0), json!({})), "/properties/plan: is missing"),
        (
            feature(crate::help::point(0.0, 0.0), json!({"plan": id})),
            "/geometry/type: a zone is a Polygon or a MultiPolygon",
        ),
        (feature(rect(0.0, 0.0, 9.0, 9.0), json!({"plan": id, "height": 1})), "/properties/height: is not a property"),
        (feature(rect(9e5, 0.0, 9e5 + 9.0, 9.0), json!({"plan": id})), "/geometry/coordinates: lies outside VN-72"),
    ] {
        let answer = api.on_grid("officer", "POST", ZONES, &document);
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert!(answer.problems()[0].starts_with(problem), "{:?}", answer.problems());
    }
    for role in ["planner", "approver", "carrier"] {
        assert_eq!(api.on_grid(role, "POST", ZONES, &zone(&id, "B", 0.0, 0.0)).status, 403, "{role}");
    }
    let patch = json!({"properties": {"quota": 3, "sharing_required": true}});
    assert_eq!(
        api.send(
            "officer",
            "PATCH",
            &path,
            &[("Content-Type", "application/json"), ("If-Match", "\"9\"")],
            Some(&patch)
        )
        .status,
        412
    );
    let patched = api.on_grid("officer", "PATCH", &path, &patch);
    assert_eq!(patched.status, 200, "{}", patched.text);
    let p = &patched.json()["properties"];
    assert_eq!(
        (&p["quota"], &p["code"], &p["version"], &p["height_max_m"]),
        (&json!(3), &json!("A"), &json!(2), &json!(42.0))
    );
    let put = api.on_grid("officer", "PUT", &path, &feature(rect(0.0, 0.0, 50.0, 50.0), json!({"name": "Half"})));
    assert_eq!(put.status, 200, "{}", put.text);
    assert_eq!(put.json()["properties"]["column_classes"], json!([]));
    // What it lacks is said before anybody appraises it.
    let begin = api.event("officer", &id, "begin_appraisal", &json!({}));
    assert_eq!(unmet(&begin), ["limits"]);
    assert!(begin.text.contains("A column_classes, A height_max_m"), "{}", begin.text);
    assert_eq!(api.call_zone("DELETE", &a).status, 204);
    assert_eq!(api.server.get("officer", &path).status, 404);
    assert_eq!(unmet(&api.event("officer", &id, "begin_appraisal", &json!({}))), ["zones"]);
    // Pages go by id, and a box is met.
    assert_eq!(api.on_grid("officer", "POST", ZONES, &collection(&id, 7)).status, 201);
    let (mut seen, mut next) = (Vec::new(), format!("{ZONES}?limit=3&plan={id}"));
    loop {
        let page = api.server.get("officer", &next).json();
        seen.extend(
            page["features"].as_array().unwrap().iter().map(|f| f["properties"]["code"].as_str().unwrap().to_owned()),
        );
        let links = page["links"].as_array().unwrap();
        let Some(link) = links.iter().find(|l| l["rel"] == "next") else { break };
        next = link["href"].as_str().unwrap().strip_prefix(&api.server.base).unwrap().to_owned();
    }
    assert_eq!(seen, (0..7).map(|n| format!("Z-{n:04}")).collect::<Vec<_>>());
    assert_eq!(api.faults(), []);
}

#[test]
fn a_corridor_that_comes_in_force_between_check_and_decision_stands_against_it() {
    let api = api();
    let id = api.plan("QH-2", 4);
    let announced = merged(json!({"code": "ROAD", "status": "announced", "clearance_m": 10}), &road());
    // Through the second zone.
    let corridor = api.add(CORRIDORS, rect(240.0, -50.0, 260.0, 150.0), announced);
    let data = api.submitted(&id);
    let checked = api.server.get("officer", &format!("/api/plans/{id}/checks")).json();
    assert_eq!(checked["blocked"], json!([]), "it only warns: {checked}");
    let of_corridors: Vec<&Json> = checked["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|zone| zone["findings"].as_array().unwrap().iter().any(|f| f["code"] == "COR"))
        .collect();
    assert_eq!((of_corridors.len(), &of_corridors[0]["code"]), (1, &json!("Z-0001")));
    let far = merged(json!({"code": "FAR"}), &road());
    api.add(CORRIDORS, rect(0.0, 5000.0, 50.0, 5100.0), far);
    let force = json!({"properties": {"status": "in_force"}});
    assert_eq!(api.on_grid("officer", "PATCH", &format!("{CORRIDORS}/{corridor}"), &force).status, 200);
    let refused = api.event("approver", &id, "approve", &data);
    assert_eq!(unmet(&refused), ["nothing_new"]);
    assert_eq!(refused.text.matches("COR of zone").count(), 1, "{}", refused.text);
    let decided = || {
        ["plan_events", "outbox"]
            .map(|of| api.sql(&format!("SELECT count(*) FROM {of} WHERE event = 'approve'")).unwrap())
    };
    assert_eq!(decided(), ["0", "0"]);
    // Checked again, it blocks until somebody who may waives it.
    let again = api.check(&id);
    assert_eq!(again["blocked"].as_array().unwrap().len(), 1, "{again}");
    let mut data = decision(&again, "2026-01-01", &json!("2030-12-31"));
    assert_eq!(unmet(&api.event("approver", &id, "approve", &data)), ["no_blocks"]);
    let block = again["blocked"][0].clone();
    assert_eq!(
        unmet(&api.event("approver", &id, "waive", &json!({"zone": block["zone"], "code": "HER"}))),
        ["waivable"]
    );
    api.done("approver", &id, "waive", &block);
    // Whoever waived it does not approve what that made way for.
    assert_eq!(unmet(&api.event("approver", &id, "approve", &data)), ["not_waiver"]);
    api.done("other-approver", &id, "approve", &data);
    // By the edge of its clearance: 10 m from the third zone and no more.
    data["decision_number"] = json!("another");
    assert_eq!(api.event("other-approver", &id, "approve", &data).status, 409, "one decision");
    assert_eq!(decided(), ["1", "1"]);
    assert_eq!(api.faults(), []);
}

#[test]
fn who_had_a_hand_in_it_does_not_decide_and_who_decides_is_of_a_committee() {
    let api = api();
    let id = api.plan("QH-3", 1);
    let data = api.submitted(&id);
    run_sql(&api.database.url, "UPDATE organisations SET kind = 'office' WHERE code = 'committee'");
    assert_eq!(unmet(&api.event("approver", &id, "approve", &data)), ["committee"]);
    run_sql(
        &api.database.url,
        "UPDATE organisations SET kind = 'committee' WHERE code = 'committee';
         UPDATE plans SET makers = array_append(makers, 'approver')",
    );
    assert_eq!(unmet(&api.event("approver", &id, "approve", &data)), ["not_maker"]);
    assert_eq!(unmet(&api.event("approver", &id, "reject", &json!({}))), ["not_maker"]);
    // That row was changed behind everybody's back.
    assert!(!api.faults().is_empty());
}

#[test]
fn an_amendment_keeps_the_rest_and_what_is_in_force_goes_by_the_day() {
    let api = api();
    let first = api.plan("QH-4", 3);
    api.published(&first, "2026-01-01", json!("2031-12-31"));
    let amended = api.json_as("officer", "POST", &format!("/api/plans/{first}/amendments"), None, &json!({}));
    assert_eq!((amended.status, amended.json()["number"].clone()), (201, json!(2)), "{}", amended.text);
    let second = amended.json()["id"].as_str().unwrap().to_owned();
    let twice = api.json_as("officer", "POST", &format!("/api/plans/{first}/amendments"), None, &json!({}));
    assert_eq!(twice.status, 409, "{}", twice.text);
    let drawn = api.zones("officer", &format!("plan={second}"));
    let id_of = |n: usize| drawn[n]["id"].as_str().unwrap();
    assert_eq!(
        api.on_grid("officer", "PATCH", &format!("{ZONES}/{}", id_of(0)), &json!({"properties": {"quota": 2}})).status,
        200
    );
    assert_eq!(api.call_zone("DELETE", id_of(1)).status, 204);
    assert_eq!(api.on_grid("officer", "POST", ZONES, &zone(&second, "NEW", 0.0, 3000.0)).status, 201);
    let difference = api.server.get("officer", &format!("/api/plans/{second}/difference")).json();
    let counts = ["added", "changed", "withdrawn", "kept"].map(|name| difference[name].as_i64().unwrap());
    assert_eq!(counts, [1, 1, 1, 1], "{difference}");
    let changed = difference["zones"].as_array().unwrap().iter().find(|zone| zone["change"] == "changed").unwrap();
    assert_eq!((&changed["code"], &changed["what"]), (&json!("Z-0000"), &json!(["quota"])));
    let data = api.submitted(&second);
    // On its very first day it would leave nothing of the other.
    let first_day = ("2026-01-01", "not after the first day");
    for (from, why) in [("2025-12-31", "before data.decision_date"), ("2026-02-01", "backwards"), first_day] {
        let signed = if why == "backwards" { "2026-03-01" } else { "2026-01-01" };
        let early = merged(json!({"effective_from": from, "decision_date": signed}), &data);
        let refused = api.event("approver", &second, "approve", &early);
        assert_eq!(unmet(&refused), ["effective_period"]);
        assert!(refused.text.contains(why), "{}", refused.text);
    }
    api.done("approver", &second, "approve", &merged(json!({"effective_from": "2028-01-01"}), &data));
    api.done("officer", &second, "publish", &json!({}));
    // Until that day the one before is what it was.
    let before = api.server.get("", &format!("/api/plans/{first}")).json();
    assert_eq!(before["state"], "published");
    assert_eq!(before["in_force"], json!({"from": "2026-01-01", "to": "2027-12-31"}));
    let old = ["Z-0000", "Z-0001", "Z-0002"];
    let new = ["Z-0000", "Z-0002", "NEW"];
    let check = |datetime: &str, expect: &[&str]| {
        let mut codes = api.codes("", &format!("datetime={datetime}"));
        let mut expect: Vec<String> = expect.iter().map(|code| (*code).to_owned()).collect();
        codes.sort_unstable();
        expect.sort_unstable();
        assert_eq!(codes, expect, "{datetime}");
    };
    check("2025-12-31", &[]);
    check("2026-01-01", &old);
    check("2027-12-31", &old);
    check("2028-01-01", &new);
    // Midnight there is seven hours before that of UTC.
    check("2027-12-31T16:59:59Z", &old);
    check("2027-12-31T17:00:00Z", &new);
    check("../2025-12-31", &[]);
    check("2029-01-01/..", &new);
    check("2027-12-31/2028-01-01", &[old, new].concat());
    check("../..", &[old, new].concat());
    for wrong in ["2026", "2026-13-01", "2028-01-01/2027-01-01", "2026-01-01/2026-01-02/2026-01-03", "yesterday"] {
        assert_eq!(api.server.get("", &format!("{ZONES}?datetime={wrong}")).status, 400, "{wrong}");
    }
    assert_eq!(api.faults(), []);
    // As if that day had come: it is superseded, whether that is recorded or not.
    let context = api.database.context();
    assert_eq!(upkeep::expire(&context), Ok(0), "it is yet to come");
    run_sql(
        &api.database.url,
        &format!(
            "SET session_replication_role = replica; UPDATE plans SET ended_on = '2026-06-01' WHERE id = '{first}'"
        ),
    );
    let state = || api.sql(&format!("SELECT state FROM plans WHERE id = '{first}'")).unwrap();
    let shown = || api.server.get("", &format!("/api/plans/{first}")).json()["state"].clone();
    assert_eq!((shown(), state()), (json!("superseded"), "published".into()));
    assert_eq!((upkeep::expire(&context), upkeep::expire(&context)), (Ok(1), Ok(0)));
    assert_eq!((shown(), state()), (json!("superseded"), "superseded".into()));
    let told = format!("SELECT string_agg(event, ' ' ORDER BY seq) FROM plan_events WHERE plan = '{first}'");
    assert!(api.sql(&told).unwrap().ends_with("publish supersede"));
    // Site checks know both, each for its time.
    let shown =
        "SELECT string_agg(concat_ws(' ', code, valid_from, valid_to), '; ' ORDER BY code) FROM reference_features";
    assert_eq!(
        api.sql(shown).unwrap(),
        "QH-4/1/Z-0000 2026-01-01 2027-12-31; QH-4/1/Z-0001 2026-01-01 2027-12-31; QH-4/1/Z-0002 2026-01-01 2027-12-31; \
         QH-4/2/NEW 2028-01-01; QH-4/2/Z-0000 2028-01-01; QH-4/2/Z-0002 2028-01-01"
    );
}

#[test]
fn of_two_decisions_at_the_same_moment_one_is_made() {
    let api = api();
    let id = api.plan("QH-9", 1);
    let data = api.submitted(&id);
    let tag = api.server.get("officer", &format!("/api/plans/{id}")).header("etag").unwrap().to_owned();
    let send = &|role: &str, event: &str| {
        let body = json!({"event": event, "reason": "because", "data": data});
        api.json_as(role, "POST", &format!("/api/plans/{id}/events"), Some(&tag), &body).status
    };
    let at_once = || -> Vec<u16> {
        thread::scope(|scope| {
            let sent = [
                ("approver", "approve"),
                ("other-approver", "reject"),
                ("other-approver", "approve"),
                ("approver", "return"),
            ];
            let sent = sent.map(|(role, event)| scope.spawn(move || send(role, event)));
            sent.map(|sent| sent.join().unwrap()).to_vec()
        })
    };
    let mut answers = api.submitted_long_ago(&id, at_once);
    answers.sort_unstable();
    assert_eq!(answers, [200, 412, 412, 412]);
    let made = "SELECT count(*) FROM plan_events WHERE event IN ('approve', 'reject', 'return')";
    assert_eq!(api.sql(made), Some("1".into()));
    let told = "SELECT count(*) FROM outbox WHERE event IN ('approve', 'reject', 'return')";
    assert_eq!(api.sql(told), Some("1".into()));
    assert_eq!(api.faults(), []);
}

#[test]
fn what_is_suspended_revoked_or_over_is_in_force_no_longer() {
    let api = api();
    let (suspended, over) = (api.plan("QH-5", 1), api.plan("QH-6", 1));
    api.published(&suspended, "2026-01-01", json!(null));
    assert_eq!(api.event("officer", &suspended, "suspend", &json!({})).status, 403);
    api.done("approver", &suspended, "suspend", &json!({}));
    assert_eq!(api.codes("", "datetime=2026-06-01"), ["Z-0000"]);
    assert_eq!(api.codes("", "datetime=2999-01-01"), [""; 0]);
    let revoked = api.done("approver", &suspended, "revoke", &json!({}));
    assert_eq!((&revoked["state"], &revoked["allowed"]), (&json!("revoked"), &json!([])));
    let again = api.event("approver", &suspended, "suspend", &json!({}));
    assert_eq!((again.status, again.json()["allowed"].clone()), (409, json!([])));

    // Its last day is past: it has expired, whether that is recorded or not.
    let path = format!("/api/plans/{over}");
    api.published(&over, "2026-01-01", json!("2026-02-01"));
    let state = || api.sql(&format!("SELECT state FROM plans WHERE id = '{over}'")).unwrap();
    assert_eq!((api.server.get("", &path).json()["state"].clone(), state()), (json!("expired"), "published".into()));
    assert_eq!(api.event("approver", &over, "revoke", &json!({})).status, 409);
    let context = api.database.context();
    assert_eq!(upkeep::expire(&context), Ok(1));
    assert_eq!(upkeep::expire(&context), Ok(0));
    assert_eq!(state(), "expired");
    assert_eq!(api.faults(), []);
}

/// That one cannot be recorded, as where this instance knows nothing of the jurisdiction yet, is said, and holds up no other.
#[test]
fn a_plan_that_cannot_be_recorded_as_over_holds_up_no_other() {
    let api = api();
    let over = api.plan("QH-7", 1);
    api.published(&over, "2026-01-01", json!("2026-02-01"));
    let first = "00000000-0000-0000-0000-000000000001";
    run_sql(
        &api.database.url,
        &format!(
            "SET session_replication_role = replica; INSERT INTO plans SELECT p.* FROM plans AS r,
                 LATERAL jsonb_populate_record(r, '{{\"jurisdiction\": \"VN-99\", \"id\": \"{first}\"}}') AS p"
        ),
    );
    let context = api.database.context();
    assert!(upkeep::expire(&context).is_err() && upkeep::expire(&context).is_err(), "it is said, and tried again");
    let state = format!("SELECT state FROM plans WHERE id = '{over}'");
    assert_eq!(api.sql(&state).unwrap(), "expired");
}

#[test]
fn what_was_decided_is_changed_by_no_statement_and_tampering_shows() {
    use diesel::connection::SimpleConnection;
    let api = api();
    let id = api.plan("QH-7", 2);
    api.published(&id, "2026-01-01", json!(null));
    let mut conn = api.database.connect();
    for statement in [
        "UPDATE zones SET geom_grid = ST_Translate(geom_grid, 1, 0)",
        "UPDATE zones SET quota = 9",
        "DELETE FROM zones",
        "UPDATE plans SET decision_number = 'another'",
        "UPDATE plans SET effective_to = '2099-01-01'",
        "DELETE FROM plan_events",
        "UPDATE plan_events SET reason = 'another'",
        "UPDATE plan_checks SET verdict = 'pass'",
        "TRUNCATE plans CASCADE",
    ] {
        assert!(conn.batch_execute(statement).is_err(), "{statement}");
    }
    api.done("approver", &id, "revoke", &json!({}));
    assert!(conn.batch_execute("UPDATE plans SET name = 'another'").is_err(), "over, it is never changed");
    assert_eq!(api.faults(), []);
    // Whoever owns the tables may, and is found out.
    for (table, change) in [
        ("zones", "quota = 9"),
        ("zones", "geom_grid = ST_Translate(geom_grid, 1, 0)"),
        ("plans", "decision_signer = 'another'"),
        ("plan_events", "reason = 'another'"),
        ("plan_checks", "document = '{}'"),
    ] {
        let quietly = |change: &str| {
            format!(
                "SET session_replication_role = replica; UPDATE {table} SET {change}; SET session_replication_role = DEFAULT"
            )
        };
        let kept = format!("CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}");
        conn.batch_execute(&kept).unwrap_or_default();
        conn.batch_execute(&quietly(change)).unwrap();
        let faults = api.faults();
        assert!(faults.iter().any(|fault| matches!(fault, Fault::Versions { .. })), "{table} {change}: {faults:?}");
        let column = change.split(' ').next().unwrap();
        let key = if table == "plan_events" { "k.plan = t.plan AND k.seq = t.seq" } else { "k.id = t.id" };
        conn.batch_execute(&format!(
            "SET session_replication_role = replica;
             UPDATE {table} AS t SET {column} = k.{column} FROM kept_{table} AS k WHERE {key};
             SET session_replication_role = DEFAULT"
        ))
        .unwrap();
        assert_eq!(api.faults(), [], "{table} is as it was");
    }
}

#[test]
fn two_thousand_zones_are_checked_shown_and_decided_as_one() {
    const MANY: u32 = 2_000;
    let api = api();
    let timed =
        |what: &str, begun: Instant| tell(&format!("{MANY} zones {what} in {:.1} s", begun.elapsed().as_secs_f64()));
    let begun = Instant::now();
    let id = api.plan("QH-8", MANY);
    timed("drawn", begun);
    // Works, schools and corridors among them.
    for n in 0..5 {
        let west = f64::from(n) * 400.0;
        api.school(&format!("S-{n}"), rect(west + 40.0, 40.0, west + 50.0, 50.0));
    }
    api.done("officer", &id, "begin_appraisal", &json!({}));
    let begun = Instant::now();
    let run = api.check(&id);
    timed("checked", begun);
    assert_eq!(run["zones"], MANY);
    let counted: u64 = run["counts"]["COR"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(counted, u64::from(MANY), "{}", run["counts"]);
    api.done("officer", &id, "appraise", &json!({"appraisal_number": "BC-1"}));
    api.done("officer", &id, "submit", &json!({"submission_number": "TTr-1"}));
    let begun = Instant::now();
    api.done("approver", &id, "approve", &decision(&run, "2026-01-01", &json!(null)));
    timed("decided", begun);
    let begun = Instant::now();
    api.done("officer", &id, "publish", &json!({}));
    timed("published", begun);
    let begun = Instant::now();
    let shown = api.server.get("", &format!("{ZONES}?limit=10000&datetime=2026-06-01")).json();
    timed("shown", begun);
    assert_eq!(shown["features"].as_array().unwrap().len(), MANY as usize);
    let alike = "SELECT count(*) FROM zones AS z JOIN reference_features AS r ON r.jurisdiction = z.jurisdiction AND r.id = z.id";
    assert_eq!(api.sql(alike), Some(MANY.to_string()));
    assert_eq!(api.server.get("", &format!("{REFERENCES}?limit=1")).status, 200);
}

#[test]
fn the_diagram_of_the_readme_is_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("<!-- plan:").unwrap();
    let (mark, rest) = rest.split_once("-->\n").unwrap();
    let (kept, after) = rest.split_once("<!-- end of plan -->").unwrap();
    let fresh = format!("\n```mermaid\n{}```\n\n", diagram(TRANSITIONS, PlanState::Draft));
    if env::var_os("CLEARWAY_DRAW").is_some() {
        fs::write(&file, format!("{before}<!-- plan:{mark}-->\n{fresh}<!-- end of plan -->{after}")).unwrap();
        return;
    }
    assert!(kept == fresh, "README.md is stale: run `CLEARWAY_DRAW=1 cargo test --test api the_diagram_of_the_readme`");
}
