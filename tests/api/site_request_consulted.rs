//! Whoever is asked about a request because a corridor or a column of his is near: he sees what he is asked about, at every door
//! alike, and answers for his organisation; nobody else does, and nobody is asked about a request of his own.

use std::collections::BTreeSet;

use clearway::http::routes::ROUTES;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value as Json, json};

use crate::document::added;
use crate::help::{Api, CORRIDORS, GRID, WORKS, feature, merged, point, rect, road, sql};
use crate::matrix::{Door, door};
use crate::site_request::{CaseOf, REQUESTS, column, trail_is_whole};
use crate::site_request_story::office;

/// A request of Viettel beside a column of VNPT and one of its own, under a road to come of the roads board.
fn asked(api: &Api) -> CaseOf<'_> {
    let tower = |code: &str, of: &str| json!({"code": code, "kind": "mast", "organisation": of, "column_class": "A2b", "position_accuracy_m": 0});
    api.add(WORKS, point(60.0, 0.0), tower("TOWER", "vnpt"));
    api.add(WORKS, point(0.0, 60.0), tower("OWN", "viettel"));
    let land = merged(json!({"code": "R", "status": "announced", "visibility": "government"}), &road());
    api.add(CORRIDORS, rect(-9.0, -9.0, 9.0, 9.0), land);
    let mut case = CaseOf::file(api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    case
}

/// What somebody finds of a request: itself, its history, its documents, in the list, in a box, in his inbox, and counted there.
fn found(case: &CaseOf<'_>, role: &str) -> [i64; 7] {
    let api = case.api;
    let status = |path: &str| i64::from(api.server.get(role, path).status);
    let inbox = api.server.get(role, "/api/inbox").json();
    let counted: i64 = inbox["counts"].as_object().unwrap().values().map(|n| n.as_i64().unwrap()).sum();
    let listed = |query: &str| api.server.get(role, &format!("{REQUESTS}{query}")).json()["numberReturned"].clone();
    [
        status(&case.path()),
        status(&format!("/api/site-requests/{}/history", case.id)),
        status(&format!("/api/site-requests/{}/documents", case.id)),
        listed("").as_i64().unwrap(),
        listed("?bbox=107,11,109,13").as_i64().unwrap(),
        i64::try_from(inbox["features"].as_array().unwrap().len()).unwrap(),
        counted,
    ]
}

const ABSENT: [i64; 7] = [404, 404, 404, 0, 0, 0, 0];
const WAITS: [i64; 7] = [200, 200, 200, 1, 1, 1, 1];
const THERE: [i64; 7] = [200, 200, 200, 1, 1, 0, 1];

fn consultations(case: &CaseOf<'_>, role: &str) -> Vec<Json> {
    let read = case.api.server.get(role, &case.path()).json();
    read["properties"]["case"]["consultations"].as_array().unwrap().clone()
}

#[test]
fn whoever_is_asked_sees_the_request_and_answers() {
    let api = office();
    let mut case = asked(&api);
    let named: Vec<Json> = consultations(&case, "officer").iter().map(|c| c["organisation"].clone()).collect();
    assert!(named.contains(&json!("vnpt")) && named.contains(&json!("roads-board")), "{named:?}");
    assert!(!named.contains(&json!("viettel")), "nobody is asked about a request of his own: {named:?}");
    for role in ["other-carrier", "project_owner"] {
        assert_eq!(found(&case, role), ABSENT, "{role}: named, and not asked");
        assert_eq!(case.sends(role, "answer", None, json!({"answer": "agree"})).status, 404, "{role}");
    }
    let checked = ["request_supplement", "check", "consult", "assess", "pause", "resume"];
    let own = json!({"also": [{"consultee": "carrier", "organisation": "viettel"}]});
    case.refused("officer", "consult", None, own, &["somebody_to_ask"], &checked);
    case.step("officer", "consult", None, json!({"due_on": "2099-01-31"}), "consulting");
    for (role, organisation, code) in [("other-carrier", "vnpt", "SPC"), ("project_owner", "roads-board", "COR")] {
        assert_eq!(found(&case, role), WAITS, "{role}");
        let read = api.server.get(role, &case.path()).json()["properties"].clone();
        assert_eq!(read["allowed"], json!(["answer"]), "{role}");
        // Of whom else is asked, and of what else was found, he reads nothing.
        let told = consultations(&case, role);
        assert_eq!((told.len(), &told[0]["organisation"]), (1, &json!(organisation)), "{role}: {told:?}");
        assert!(told[0]["because"].as_array().unwrap().contains(&json!(code)), "{role}: {told:?}");
        let verdicts = read["case"]["check"]["verdicts"].as_object().unwrap();
        assert!(verdicts.keys().map(String::as_str).eq([code]), "{role}: {verdicts:?}");
        let candidates = read["case"]["check"]["candidates"].as_array().unwrap();
        assert!(candidates.iter().all(|c| c["organisation"] == organisation), "{role}: {candidates:?}");
        // What he has to do is due when he is asked for it, and not when the office answers.
        let inbox = api.server.get(role, "/api/inbox").json()["features"][0]["properties"].clone();
        assert_eq!((&inbox["due_on"], &inbox["overdue"]), (&json!("2099-01-31"), &json!(false)), "{role}");
        let feed = api.server.get(role, "/api/inbox.ics").text;
        assert!(feed.contains("DTSTART;VALUE=DATE:20990131\r\n") && feed.matches("DTSTART").count() == 1, "{feed}");
        let papers = api.server.get(role, &format!("/api/site-requests/{}/documents", case.id)).json();
        assert_eq!(papers["documents"], json!([]), "{role}: originals are the carrier's");
    }
    for role in ["officer-elsewhere", ""] {
        assert_eq!(api.server.get(role, &case.path()).status, 404, "{role}");
    }
    // Who only sees what is the government's is not asked.
    case.refused("consultee", "answer", None, json!({"answer": "agree"}), &[], &[]);
    let wrong = json!({"answer": "agree", "organisation": "roads-board"});
    case.refused("other-carrier", "answer", None, wrong, &["was_asked"], &["answer"]);
    case.step("other-carrier", "answer", None, json!({"answer": "object", "text": "too near"}), "consulting");
    assert_eq!(api.sql("SELECT count(*) FROM reference_features WHERE kind = 'site_request'").unwrap(), "1");
    assert_eq!((found(&case, "other-carrier"), found(&case, "project_owner")), (THERE, WAITS));
    case.refused("other-carrier", "answer", None, json!({"answer": "agree"}), &["was_asked"], &["answer"]);
    let paper = format!("/api/site-requests/{}/documents", case.id);
    added(&api, "project_owner", &paper, "kind=consultation_answer&name=answer.txt", b"no objection");
    let papers = api.server.get("project_owner", &paper).json();
    assert_eq!(papers["documents"].as_array().unwrap().len(), 1, "his own");
    case.step("project_owner", "answer", None, json!({"answer": "agree"}), "consulting");
    who_answered(&case);
    trail_is_whole(&api);
}

/// Whose corridor or column is near the history tells nobody who does not know.
fn who_answered(case: &CaseOf<'_>) {
    let told = |role: &str| -> Vec<Json> {
        let history = case.api.server.get(role, &format!("/api/site-requests/{}/history", case.id)).json();
        let events = history["events"].as_array().unwrap().clone();
        events.iter().filter(|e| e["event"] == "answer").map(|e| e["organisation"].clone()).collect()
    };
    let (vnpt, roads) = (json!("vnpt"), json!("roads-board"));
    assert_eq!(told("officer"), [vnpt.clone(), roads.clone()]);
    assert_eq!(told("carrier"), [Json::Null, Json::Null]);
    assert_eq!(told("other-carrier"), [vnpt, Json::Null]);
    assert_eq!(told("project_owner"), [Json::Null, roads]);
}

/// Every door to requests is one of those above; the others show none, or none that is not one's own.
#[test]
fn every_door_to_requests_is_looked_through() {
    let looked = [
        "GET /ogc/collections/site-requests/items",
        "GET /ogc/collections/site-requests/items/{id}",
        "GET /api/site-requests/{id}/history",
        "POST /api/site-requests/{id}/events",
        "GET /api/inbox",
        "GET /api/inbox.ics",
    ];
    let others = [
        "GET /ogc/collections/site-requests",
        "POST /ogc/collections/site-requests/items",
        "PUT /ogc/collections/site-requests/items/{id}",
        "PATCH /ogc/collections/site-requests/items/{id}",
        "DELETE /ogc/collections/site-requests/items/{id}",
        "GET /api/tracking/{receipt}",
    ];
    let there = ROUTES.iter().filter(|route| door(route) == Door::Requests);
    let there: BTreeSet<String> = there.map(|route| format!("{} {}", route.method.as_str(), route.path)).collect();
    assert_eq!(there, looked.into_iter().chain(others).map(str::to_owned).collect());
}

/// Whoever is asked writes nothing of what the carrier asks for.
#[test]
fn whoever_is_asked_writes_nothing_but_his_answer() {
    let api = office();
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({}), "consulting");
    let tag = format!("\"{}\"", case.version);
    let headers = [("Content-Type", "application/geo+json"), ("Content-Crs", GRID), ("If-Match", tag.as_str())];
    let moved = feature(point(7.0, 0.0), column());
    for role in ["other-carrier", "project_owner"] {
        for (method, body) in [("PUT", Some(&moved)), ("DELETE", None)] {
            let refused = api.send(role, method, &case.path(), &headers, body);
            assert_eq!(refused.status, 403, "{role} {method}: {}", refused.text);
        }
        for event in ["withdraw", "accept", "assess", "check", "consult", "approve", "escalate"] {
            let data = if event == "approve" { case.decision(json!({})) } else { json!({}) };
            case.refused(role, event, None, data, &[], &["answer"]);
        }
    }
}

/// Behind the program the database shows him the same, and nobody else more.
#[test]
fn raw_sql_of_whoever_is_asked_sees_what_he_is_asked_about() {
    let api = office();
    let mut case = asked(&api);
    let conn = &mut PgConnection::establish(&api.database.service_url).unwrap();
    let mut seen = |said: &str| {
        conn.batch_execute(&format!("BEGIN; SET LOCAL clearway.sees = '{said}'")).unwrap();
        let of = [
            "site_requests",
            "site_request_events",
            "site_requests_meeting(ARRAY['VN-72'], ARRAY[ST_MakeEnvelope(107, 11, 109, 13, 4326)], NULL, 9)",
        ];
        let told = of.map(|of| sql(conn, &format!("SELECT count(*) > 0 FROM {of}")).unwrap() == "true");
        conn.batch_execute("ROLLBACK").unwrap();
        told
    };
    let vnpt = "{\"* public\",\"* carriers\",\"* @vnpt\"}";
    assert_eq!(seen(vnpt), [false; 3], "named, and not asked");
    case.step("officer", "consult", None, json!({}), "consulting");
    assert_eq!(seen(vnpt), [true; 3]);
    for other in ["", "{}", "{\"* public\",\"* carriers\",\"* @gtel\"}", "{\"VN-35 government\"}", "{\"* vnpt\"}"] {
        assert_eq!(seen(other), [false; 3], "{other}");
    }
}

/// Whoever is asked is told of it by whatever he listens to, and of nothing before.
#[test]
fn whoever_is_asked_is_told() {
    let api = office();
    for (code, kind) in [("vnpt", "carrier"), ("roads-board", "project_owner"), ("viettel", "carrier")] {
        let new = json!({"code": code, "name": code, "kind": kind});
        let hook = json!({"organisation": code, "url": "https://a.example/hook"});
        for (path, body) in [("/api/organisations", new), ("/api/webhooks", hook)] {
            let made = api.send("administrator", "POST", path, &[("Content-Type", "application/json")], Some(&body));
            assert_eq!(made.status, 201, "{}", made.text);
        }
    }
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({"due_on": "2099-01-31"}), "consulting");
    case.step("other-carrier", "answer", None, json!({"answer": "agree"}), "consulting");
    let told = |organisation: &str| {
        let of = format!(
            "SELECT string_agg(o.event, ' ' ORDER BY o.number) FROM deliveries AS d JOIN outbox AS o ON o.id = d.event
             WHERE d.organisation = '{organisation}'"
        );
        api.sql(&of).unwrap_or_default()
    };
    assert_eq!(told("viettel"), "submit accept check consult answer");
    assert_eq!((told("vnpt").as_str(), told("roads-board").as_str()), ("consult", "consult"));
}

/// What the carrier writes meanwhile is his, as a draft is; and another request is another matter: whoever was asked about what it was before is not asked about it.
#[test]
fn what_is_submitted_anew_is_seen_by_whoever_is_asked_anew() {
    let api = office();
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({}), "consulting");
    assert_eq!(found(&case, "other-carrier"), WAITS);
    let missing = json!({"missing": ["design"]});
    case.step("officer", "request_supplement", Some("lower"), missing, "returned_for_supplement");
    assert_eq!(found(&case, "other-carrier"), ABSENT);
    case.patch(json!({"height_agl_m": 30}));
    assert_eq!(found(&case, "other-carrier"), ABSENT);
    case.step("carrier", "submit", None, json!({}), "submitted");
    assert_eq!(found(&case, "other-carrier"), ABSENT);
    trail_is_whole(&api);
}
