//! Site requests at each door: whose they are, what is refused, and what lapses by itself. The stories stand in
//! `site_request_story.rs`; here is what they share, too.

#![allow(clippy::needless_pass_by_value)] // documents are written where they are sent

use std::path::Path;
use std::{env, fs};

use clearway::actions::audit::{self, Range};
use clearway::actions::site_request::lapse::lapse;
use clearway::domain::actor::Actor;
use clearway::domain::audit::hex;
use clearway::domain::site_request::table::TABLE;
use clearway::domain::site_request::words::State;
use clearway::domain::workflow::diagram;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use jiff::civil::Date;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::document::added;
use crate::help::{Api, GRID, feature, merged, point};
use crate::site_request_story::office;
use crate::support::{Response, run_sql};

pub const REQUESTS: &str = "/ogc/collections/site-requests/items";

/// The SHA-256 of no file that there is.
pub const FILE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// SHA-256 as documents write it.
pub fn sha256(content: &[u8]) -> String {
    hex(Sha256::digest(content).as_ref())
}

/// What belongs to the dossier of [`column`]; the file of each is its own name.
const KINDS: [&str; 4] = ["application", "site_plan", "land_right", "design"];

/// What a carrier asks for, with everything that it takes.
pub fn column() -> Json {
    let document = |kind: &str| json!({"kind": kind, "sha256": sha256(kind.as_bytes())});
    json!({
        "column_class": "A2b",
        "height_agl_m": 42,
        "declarations": ["truthful", "land_agreed", "structure_safe", "exposure_limits"],
        "documents": KINDS.map(document),
    })
}

/// A case, as somebody follows it who reads it before each step.
pub struct CaseOf<'a> {
    pub api: &'a Api,
    /// Who asks for it.
    pub carrier: &'a str,
    pub id: String,
    pub version: i64,
    /// The request after the last step.
    pub now: Json,
}

impl<'a> CaseOf<'a> {
    /// Files a draft of Viettel so many metres east and north of the origin, with the files of its dossier.
    pub fn file(api: &'a Api, (east, north): (f64, f64), properties: Json) -> Self {
        Self::file_as(api, "carrier", point(east, north), properties)
    }

    /// The same of another carrier, or somewhere else.
    pub fn file_as(api: &'a Api, carrier: &'a str, place: Json, properties: Json) -> Self {
        Self::bare_as(api, carrier, place, properties).with_files()
    }

    /// With the files of its dossier.
    pub fn with_files(self) -> Self {
        for kind in KINDS {
            let path = format!("/api/site-requests/{}/documents", self.id);
            added(self.api, self.carrier, &path, &format!("kind={kind}&name={kind}.txt"), kind.as_bytes());
        }
        self
    }

    /// The same without any file.
    pub fn bare(api: &'a Api, (east, north): (f64, f64), properties: Json) -> Self {
        Self::bare_as(api, "carrier", point(east, north), properties)
    }

    fn bare_as(api: &'a Api, carrier: &'a str, place: Json, properties: Json) -> Self {
        let made = api.on_grid(carrier, "POST", REQUESTS, &feature(place, properties));
        assert_eq!(made.status, 201, "{}", made.text);
        Self::of(api, carrier, made.json())
    }

    /// One that was just filed.
    pub fn of(api: &'a Api, carrier: &'a str, now: Json) -> Self {
        Self { api, carrier, id: now["id"].as_str().unwrap().to_owned(), version: 1, now }
    }

    pub fn path(&self) -> String {
        format!("{REQUESTS}/{}", self.id)
    }

    /// The tag by which somebody names what he reads.
    pub fn tag(&self, role: &str) -> String {
        let read = self.api.server.get(role, &self.path());
        read.header("etag").map_or_else(|| format!("\"{}\"", self.version), str::to_owned)
    }

    /// Sends an event with the version as it is read.
    pub fn sends(&self, role: &str, event: &str, reason: Option<&str>, data: Json) -> Response {
        self.sends_with(role, &self.tag(role), event, reason, data)
    }

    /// Sends an event with a version that was read.
    pub fn sends_with(&self, role: &str, tag: &str, event: &str, reason: Option<&str>, data: Json) -> Response {
        let body = json!({"event": event, "reason": reason, "data": data});
        let headers = [("Content-Type", "application/json"), ("If-Match", tag)];
        self.api.send(role, "POST", &format!("/api/site-requests/{}/events", self.id), &headers, Some(&body))
    }

    /// A step that is made, to a state.
    #[track_caller]
    pub fn step(&mut self, role: &str, event: &str, reason: Option<&str>, data: Json, to: &str) {
        let events = || self.api.sql("SELECT count(*) FROM audit_events").unwrap().parse::<u32>().unwrap();
        let before = events();
        let done = self.sends(role, event, reason, data);
        assert_eq!(done.status, 200, "{event}: {}", done.text);
        assert_eq!(events(), before + 1, "{event} leaves one event");
        self.now = done.json();
        assert_eq!(self.now["properties"]["state"], to, "{event}");
        let version = self.api.sql(&format!("SELECT version FROM site_requests WHERE id = '{}'", self.id)).unwrap();
        assert_eq!(version.parse(), Ok(self.version + 1), "{event} is one version");
        self.version += 1;
    }

    /// A step that is refused: by these guards, or as none of this state or person where there are none; it says what may be
    /// sent instead.
    #[track_caller]
    pub fn refused(
        &self,
        role: &str,
        event: &str,
        reason: Option<&str>,
        data: Json,
        guards: &[&str],
        allowed: &[&str],
    ) {
        let answer = self.sends(role, event, reason, data);
        assert_eq!(answer.status, 409, "{event}: {}", answer.text);
        let problem = answer.json();
        assert_eq!(problem["type"], "/problems/step-refused", "{event}");
        let unmet: Vec<&str> =
            problem["unmet"].as_array().unwrap().iter().map(|u| u["guard"].as_str().unwrap()).collect();
        assert_eq!(unmet, guards, "{event}: {problem}");
        assert_eq!(problem["allowed"], json!(allowed), "{event}");
    }

    /// Changes what is asked for, as its carrier.
    pub fn patch(&mut self, properties: Json) {
        let tag = self.tag("carrier");
        let headers =
            [("Content-Type", "application/merge-patch+json"), ("If-Match", tag.as_str()), ("Content-Crs", GRID)];
        let done = self.api.send("carrier", "PATCH", &self.path(), &headers, Some(&json!({"properties": properties})));
        assert_eq!(done.status, 200, "{}", done.text);
        self.now = done.json();
        self.version += 1;
    }

    /// Leads it to where it waits for a decision.
    pub fn lead_to_decision(&mut self) {
        self.lead_to_advice();
        self.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    }

    /// Leads it to where it is recommended.
    pub fn lead_to_advice(&mut self) {
        self.step(self.carrier, "submit", None, json!({}), "submitted");
        self.step("officer", "accept", None, json!({}), "accepted");
        self.step("officer", "check", None, json!({}), "checking");
        self.settle();
        self.step("officer", "visit", None, visit(), "assessing");
        self.step("officer", "recommend", Some("it fits"), json!({"advice": "approve"}), "recommended");
    }

    /// Asks whoever is to be asked, and writes down that each agrees.
    pub fn settle(&mut self) {
        let asked: Vec<String> = self.now["properties"]["case"]["consultations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["organisation"].as_str().unwrap().to_owned())
            .collect();
        if !asked.is_empty() {
            self.step("officer", "consult", None, json!({}), "consulting");
        }
        for organisation in asked {
            let answer = json!({"organisation": organisation, "answer": "agree", "letter": "7/CV"});
            self.step("officer", "answer", None, answer, "consulting");
        }
        self.step("officer", "assess", None, json!({}), "assessing");
    }

    /// What a decision says, on the check run of the case.
    pub fn decision(&self, more: Json) -> Json {
        let run = &self.now["properties"]["case"]["check"];
        let usual = json!({"number": "34/QD", "on": today(self.api), "signer": "chair", "file": FILE,
            "run": run["id"], "run_sha256": run["sha256"]});
        merged(more, &usual)
    }

    /// Adds a file that shows something; its hash.
    pub fn shows(&self, what: &str) -> String {
        let path = format!("/api/site-requests/{}/documents", self.id);
        added(self.api, "carrier", &path, "kind=evidence&name=evidence.txt", what.as_bytes());
        sha256(what.as_bytes())
    }

    /// A verdict of its check run.
    pub fn verdict(&self, code: &str) -> &str {
        self.now["properties"]["case"]["check"]["verdicts"][code].as_str().unwrap()
    }
}

/// The day there.
pub fn today(api: &Api) -> String {
    api.sql("SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date").unwrap()
}

/// What says that building begins today.
pub fn begins(api: &Api) -> Json {
    json!({"on": today(api)})
}

/// The day there, by the clock of the tests.
fn day_there() -> String {
    clearway::clock::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(7))).date().to_string()
}

/// A visit.
pub fn visit() -> Json {
    json!({"on": day_there(), "by": ["nga"], "minutes": "free ground"})
}

/// What was surveyed so many metres east and north of the origin.
pub fn survey((east, north): (f64, f64), height: f64) -> Json {
    let place = crate::help::at((east, north));
    json!({"x": place[0], "y": place[1], "crs": "EPSG:9218", "height_agl_m": height, "position_accuracy_m": 0.02,
        "capture_method": "gnss_rtk", "on": day_there(), "by": "surveyor"})
}

/// The trail of VN-72 is whole, and everything stored is what it says.
pub fn trail_is_whole(api: &Api) {
    assert_eq!(faults(api), Vec::<String>::new());
}

/// What does not fit in any chain.
pub fn faults(api: &Api) -> Vec<String> {
    let reports =
        audit::verify(&api.database.context(), &Actor::operator(), &Range::default(), audit::Kept::default()).unwrap();
    reports.iter().flat_map(|(chain, report)| report.faults.iter().map(move |f| format!("{chain}: {f:?}"))).collect()
}

/// A dossier is complete when what it lists is there: by kind and content, and whoever adds it.
#[test]
fn a_dossier_is_complete_when_its_files_are_there() {
    let api = office();
    let mut case = CaseOf::bare(&api, (0.0, 0.0), column());
    let path = format!("/api/site-requests/{}/documents", case.id);
    let add = |role: &str, kind: &str, content: &str| {
        added(&api, role, &path, &format!("kind={kind}&name={kind}.txt"), content.as_bytes())
    };
    for kind in ["application", "site_plan"] {
        add("carrier", kind, kind);
    }
    case.step("carrier", "submit", None, json!({}), "submitted");
    add("carrier", "land_right", "another paper");
    add("carrier", "other", "design");
    let intake = ["reject_at_intake", "request_supplement", "accept", "resume"];
    case.refused("officer", "accept", None, json!({}), &["documented"], &intake);
    let read = api.server.get("carrier", &case.path()).json();
    assert_eq!(read["properties"]["case"]["documents_missing"], json!(["land_right", "design"]));
    add("carrier", "land_right", "land_right");
    add("officer", "design", "design");
    case.step("officer", "accept", None, json!({}), "accepted");
    // Who sees the request sees which documents he reads; who does not sees no holder.
    let listed = |role: &str| {
        let answer = api.server.get(role, &path);
        (answer.status, answer.json()["documents"].as_array().map_or(0, Vec::len))
    };
    assert_eq!((listed("carrier"), listed("officer"), listed("consultee")), ((200, 5), (200, 6), (200, 0)));
    assert_eq!((listed("other-carrier").0, listed("").0), (404, 404));
}

/// A draft is its carrier's alone; what was submitted is the government's, too. Nobody else finds it at any door.
#[test]
fn a_request_is_seen_by_its_carrier_and_by_the_government_once_it_is_submitted() {
    let api = Api::new();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    let doors = |case: &CaseOf<'_>, role: &str| {
        let item = api.server.get(role, &case.path());
        let history = api.server.get(role, &format!("/api/site-requests/{}/history", case.id));
        let listed = api.server.get(role, REQUESTS).json()["numberReturned"].clone();
        let boxed = api.server.get(role, &format!("{REQUESTS}?bbox=107,11,109,13")).json()["numberReturned"].clone();
        let event = case.sends(role, "close", None, json!({}));
        (item.status, history.status, listed, boxed, event.status)
    };
    let absent = (404, 404, json!(0), json!(0), 404);
    let there = (200, 200, json!(1), json!(1), 409);
    for (role, sees) in [("carrier", true), ("other-carrier", false), ("officer", false), ("administrator", false)] {
        assert_eq!(doors(&case, role), if sees { there.clone() } else { absent.clone() }, "{role}: a draft");
    }
    case.step("carrier", "submit", None, json!({}), "submitted");
    for (role, sees) in [
        ("carrier", true),
        ("other-carrier", false),
        ("project_owner", false),
        ("officer-elsewhere", false),
        ("officer", true),
        ("approver", true),
        ("consultee", true),
        ("inspector", true),
        ("auditor", true),
    ] {
        assert_eq!(doors(&case, role), if sees { there.clone() } else { absent.clone() }, "{role}");
    }
    let stranger = api.server.get("", REQUESTS);
    assert_eq!((stranger.status, &stranger.json()["numberReturned"]), (200, &json!(0)));
    assert_eq!(api.server.get("", &case.path()).status, 404);
}

#[test]
fn the_carrier_edits_in_two_states_and_deletes_a_draft() {
    let api = Api::new();
    let case = CaseOf::file(&api, (0.0, 0.0), column());
    let send = |role: &str, method: &str, tag: &str, body: Option<&Json>, path: &str| {
        let headers = [("Content-Type", "application/geo+json"), ("Content-Crs", GRID), ("If-Match", tag)];
        api.send(role, method, path, &headers, body)
    };
    let moved = feature(point(7.0, 0.0), column());
    assert_eq!(send("carrier", "PUT", "\"2\"", Some(&moved), &case.path()).status, 412);
    let put = send("carrier", "PUT", "\"1\"", Some(&moved), &case.path());
    assert_eq!((put.status, put.header("etag")), (200, Some("\"2\"")), "{}", put.text);
    let given = json!({"properties": {"organisation": "vnpt"}});
    assert_eq!(send("carrier", "PATCH", "\"2\"", Some(&given), &case.path()).status, 403, "nobody gives away");
    // What was read is what may be sent back.
    let again = api.server.get("carrier", &case.path()).json();
    let headers = [("Content-Type", "application/geo+json")];
    let same = api.send("carrier", "PUT", &case.path(), &headers, Some(&again));
    assert_eq!(same.status, 200, "{}", same.text);
    assert_eq!(send("carrier", "DELETE", "\"3\"", None, &case.path()).status, 204);
    assert_eq!(api.server.get("carrier", &case.path()).status, 404);
    let mut sent = CaseOf::file(&api, (0.0, 0.0), column());
    sent.step("carrier", "submit", None, json!({}), "submitted");
    let put = send("carrier", "PUT", "\"2\"", Some(&moved), &sent.path());
    assert_eq!((put.status, &put.json()["allowed"]), (409, &json!(["withdraw"])), "{}", put.text);
    assert_eq!(send("carrier", "DELETE", "\"2\"", None, &sent.path()).status, 409);
    sent.step(
        "officer",
        "request_supplement",
        Some("no plan"),
        json!({"missing": ["site_plan"]}),
        "returned_for_supplement",
    );
    let put = send("carrier", "PUT", "\"3\"", Some(&moved), &sent.path());
    assert_eq!(put.status, 200, "{}", put.text);
    trail_is_whole(&api);
}

#[test]
fn what_is_wrong_with_a_request_is_told_at_its_place() {
    let api = Api::new();
    let bad = json!({"height_agl_m": -1, "colour": "red", "declarations": ["maybe"], "antennas": [{"eirp_w": 1}],
        "documents": [{"kind": "poem", "sha256": "12"}]});
    let line = json!({"type": "LineString", "coordinates": [[0.0, 0.0], [1.0, 1.0]]});
    let told = api.on_grid("carrier", "POST", REQUESTS, &feature(point(0.0, 0.0), bad));
    assert_eq!(told.status, 422, "{}", told.text);
    let at: Vec<String> = told.problems().iter().map(|p| p.split(':').next().unwrap().to_owned()).collect();
    for pointer in [
        "/properties/height_agl_m",
        "/properties/colour",
        "/properties/declarations/0",
        "/properties/antennas/0/frequency_mhz",
        "/properties/documents/0/kind",
        "/properties/documents/0/sha256",
    ] {
        assert!(at.iter().any(|p| p == pointer), "{pointer}: {at:?}");
    }
    let told = api.on_grid("carrier", "POST", REQUESTS, &feature(line, column()));
    assert_eq!(told.status, 422, "{}", told.text);
    for (role, expect) in [("", 401), ("officer", 403), ("consultee", 403)] {
        let refused = api.on_grid(role, "POST", REQUESTS, &feature(point(0.0, 0.0), column()));
        assert_eq!(refused.status, expect, "{role}: {}", refused.text);
    }
    let case = CaseOf::file(&api, (0.0, 0.0), column());
    let events = format!("/api/site-requests/{}/events", case.id);
    let json_only = [("Content-Type", "application/json")];
    let unconditional = api.send("carrier", "POST", &events, &json_only, Some(&json!({"event": "submit"})));
    assert_eq!(unconditional.status, 428, "{}", unconditional.text);
    let stale = [("Content-Type", "application/json"), ("If-Match", "\"7\"")];
    assert_eq!(api.send("carrier", "POST", &events, &stale, Some(&json!({"event": "submit"}))).status, 412);
    let strange = case.sends("carrier", "dance", None, json!({}));
    assert_eq!(strange.status, 422, "{}", strange.text);
    let chatty = case.sends("carrier", "submit", None, json!({"why": "now"}));
    assert_eq!((chatty.status, chatty.problems().len()), (422, 1), "{}", chatty.text);
    assert!(chatty.problems()[0].starts_with("/data/why"), "{}", chatty.text);
}

/// What somebody changes of a case behind the program is found.
#[test]
fn verify_audit_finds_what_was_changed_of_a_case() {
    let api = Api::new();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    trail_is_whole(&api);
    let faults = || faults(&api).len();
    let tamper = |sql: &str| run_sql(&api.database.url, sql);
    tamper("ALTER TABLE site_request_events DISABLE TRIGGER USER; UPDATE site_request_events SET reason = 'because'");
    assert!(faults() > 0, "an event was changed");
    tamper("UPDATE site_request_events SET reason = NULL");
    assert_eq!(faults(), 0);
    tamper("ALTER TABLE site_requests DISABLE TRIGGER USER; UPDATE site_requests SET state = 'approved'");
    assert!(faults() > 0, "a state was changed");
    let conn = &mut PgConnection::establish(&api.database.service_url).unwrap();
    for sql in ["UPDATE site_request_events SET reason = 'x'", "DELETE FROM site_request_events"] {
        assert!(conn.batch_execute(sql).is_err(), "the service does not {sql}");
    }
}

/// A permit that nobody began with by its last day lapses by itself, and the place is free again.
#[test]
fn a_permit_lapses_by_itself() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    let context = api.database.context();
    assert_eq!(lapse(&context), Ok(0), "it holds");
    // As if it had been issued half a year ago.
    let past = "ALTER TABLE site_request_events DISABLE TRIGGER USER;
        UPDATE site_request_events SET noted = noted || '{\"permit_from\": \"2026-01-01\", \"permit_to\": \"2026-06-30\"}'
        WHERE event = 'issue_permit'; UPDATE site_requests SET ends_on = '2026-06-30'";
    run_sql(&api.database.url, past);
    case.refused("carrier", "notify_start", None, begins(&api), &["permit_holds"], &["meet_condition", "notify_start"]);
    case.refused("officer", "lapse", None, json!({}), &[], &[]);
    assert_eq!((lapse(&context), lapse(&context)), (Ok(1), Ok(0)));
    let now = api.server.get("carrier", &case.path()).json();
    assert_eq!((&now["properties"]["state"], &now["properties"]["allowed"]), (&json!("lapsed"), &json!([])));
    assert_eq!(api.sql("SELECT count(*) FROM reference_features WHERE kind = 'site_request'").unwrap(), "0");
    assert_eq!(api.sql("SELECT actor FROM audit_events ORDER BY revision DESC LIMIT 1").unwrap(), "timer");
}

/// What keeps others off is written with the request alone; it goes with it.
#[test]
fn what_stands_for_a_request_is_not_written_by_the_door_of_references() {
    let api = Api::new();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    let reference = api.sql("SELECT id FROM reference_features WHERE kind = 'site_request'").unwrap();
    let path = format!("/ogc/collections/references/items/{reference}");
    let moved = json!({"properties": {"name": "elsewhere"}});
    for (method, body) in [("PATCH", Some(&moved)), ("DELETE", None)] {
        let refused = api.server.call("officer", method, &path, body);
        assert_eq!(refused.status, 409, "{method}: {}", refused.text);
        assert!(refused.text.contains("site-requests"), "{}", refused.text);
    }
    case.step("carrier", "withdraw", None, json!({}), "withdrawn");
    assert_eq!(api.server.get("officer", &path).status, 404);
    trail_is_whole(&api);
}

/// The copies that are searched by are what the events add up to.
#[test]
fn what_is_copied_of_a_case_is_what_its_events_say() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    let asked = json!({"also": [{"consultee": "army"}, {"consultee": "police"}], "due_on": "2099-01-31"});
    case.step("officer", "consult", None, asked, "consulting");
    case.step("consultee", "answer", None, json!({"answer": "agree"}), "consulting");
    let copies =
        api.sql("SELECT concat_ws(' ', state, waits_for, asked::text, asked_until, receipt) FROM site_requests");
    let receipt = case.now["properties"]["receipt"].as_str().unwrap();
    let told = copies.unwrap();
    assert!(told.starts_with("consulting consultee {") && told.contains("police"), "{told}");
    assert!(!told.contains("army") && told.ends_with(&format!("2099-01-31 {receipt}")), "{told}");
    let of_those = "SELECT concat_ws(' ', consulted::text, answer_by::text, asked_until, wakes_on) FROM site_requests";
    let of_those = api.sql(of_those).unwrap();
    let day = case.now["properties"]["due_on"].as_str().unwrap().parse::<Date>().unwrap().tomorrow().unwrap();
    assert!(of_those.starts_with("{army,police") || of_those.contains(",army,police"), "{of_those}");
    assert!(of_those.contains("2099-01-31") && of_those.ends_with(&day.to_string()), "{of_those} {day}");
    CaseOf::file(&api, (50.0, 0.0), column());
    counts_fit(&api);
}

fn counts_fit(api: &Api) {
    let counted = "SELECT string_agg(concat_ws(' ', jurisdiction, organisation, state, requests), ',' ORDER BY state)
        FROM site_request_counts WHERE requests <> 0";
    let there = "SELECT string_agg(concat_ws(' ', jurisdiction, organisation, state, n), ',' ORDER BY state) FROM (
        SELECT jurisdiction, organisation, state, count(*) AS n FROM site_requests GROUP BY 1, 2, 3) AS s";
    assert_eq!(api.sql(counted), api.sql(there));
}

/// An inbox of fifty thousand: what is due first comes first, whatever else there is, and nobody counts rows.
#[test]
fn an_inbox_of_many_tells_what_is_due_first() {
    const MANY: i64 = 50_000;
    let api = Api::new();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    let copy = format!(
        "INSERT INTO site_requests SELECT p.* FROM site_requests AS r, generate_series(1, {MANY}) AS n,
             LATERAL jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'code', 'C-' || n,
                 'state', (ARRAY['submitted', 'closed', 'awaiting_decision', 'consulting'])[1 + n % 4],
                 'waits_for', (ARRAY['officer', NULL, 'approver', 'consultee'])[1 + n % 4],
                 'asked', CASE WHEN n % 400 = 3 THEN '[\"army\"]' ELSE '[]' END::jsonb, 'asked_until', date '2099-12-31',
                 'answer_by', jsonb_build_array(date '2099-01-01' + (n * 7919 % 1000)::int),
                 'due_on', date '2027-01-01' + (n * 7919 % 1000)::int)) AS p; ANALYZE site_requests"
    );
    run_sql(&api.database.url, &copy);
    for (role, state, waiting) in
        [("officer", "submitted", 12_500), ("approver", "awaiting_decision", 12_500), ("consultee", "consulting", 125)]
    {
        let begun = std::time::Instant::now();
        let answer = api.server.get(role, "/api/inbox?limit=100");
        let took = begun.elapsed();
        assert_eq!(answer.status, 200, "{}", answer.text);
        let inbox = answer.json();
        let due: Vec<&str> =
            inbox["features"].as_array().unwrap().iter().filter_map(|f| f["properties"]["due_on"].as_str()).collect();
        assert_eq!((due.len(), inbox["more"].as_bool()), (100, Some(waiting > 100)), "{role}");
        assert!(due.is_sorted(), "{role}: {due:?}");
        let first = format!("SELECT min(due_on) FROM site_requests WHERE state = '{state}'");
        if role != "consultee" {
            assert_eq!(api.sql(&first).unwrap(), due[0], "{role}");
        }
        assert_eq!(inbox["counts"]["closed"], 12_500, "{role}");
        eprintln!("{role}: 100 of {waiting} in {took:?}, unoptimised");
    }
    counts_fit(&api);
}

/// The diagram of the README is that of the table.
#[test]
fn the_diagram_of_site_requests_in_the_readme_is_that_of_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("<!-- site requests:").unwrap();
    let (mark, rest) = rest.split_once("-->\n").unwrap();
    let (kept, after) = rest.split_once("<!-- end of site requests -->").unwrap();
    let fresh = format!("```mermaid\n{}```\n", diagram(TABLE, State::Draft));
    if env::var_os("CLEARWAY_DRAW").is_some() {
        fs::write(&file, format!("{before}<!-- site requests:{mark}-->\n{fresh}<!-- end of site requests -->{after}"))
            .unwrap();
        return;
    }
    assert!(kept == fresh, "README.md is stale: run `CLEARWAY_DRAW=1 cargo test --test api diagram_of_site_requests`");
}
