//! Whoever is asked about a request because a corridor or a column of his is near: he sees what he is asked about, at every door
//! alike, and answers for his organisation; nobody else does, and nobody is asked about a request of his own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clearway::actions::site_request::lapse::lapse;
use clearway::config::{Secret, TokenSetting};
use clearway::domain::notice::Told;
use clearway::domain::webhook::{Channel, Outcome, Parcel, Retry};
use clearway::http::routes::ROUTES;
use clearway::store::delivery::Step;
use clearway::store::{Store, StoreOptions};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value as Json, json};

use crate::document::{added, text};
use crate::help::{Api, CORRIDORS, GRID, WORKS, feature, merged, point, rect, road, sql};
use crate::history::{moment, revision};
use crate::matrix::{Door, door};
use crate::plan::committee;
use crate::site_check::{checked, finding};
use crate::site_request::{CaseOf, REQUESTS, column, sha256, trail_is_whole, visit};
use crate::site_request_story::{office, with_rules};
use crate::site_request_time::age;
use crate::support::run_sql;

/// A request of Viettel beside a column of VNPT and one of its own, under a road to come of the roads board.
pub fn asked(api: &Api) -> CaseOf<'_> {
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
/// Where it is he does not go on knowing.
const THERE: [i64; 7] = [200, 200, 200, 1, 0, 0, 1];

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
    // Who has no day to answer was not asked.
    case.refused("officer", "consult", None, json!({"due_on": "2026-01-31"}), &["time_to_answer"], &checked);
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
        let listed = api.server.get(role, REQUESTS).json()["features"][0]["properties"]["due_on"].clone();
        assert_eq!((&read["due_on"], &listed), (&json!("2099-01-31"), &json!("2099-01-31")), "{role}");
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
    // Of one the carrier does not even know that it is asked: by what is near he does not see it.
    let answered = consultations(case, "carrier").iter().filter(|c| !c["answer"].is_null()).count();
    assert_eq!((told("carrier"), answered), (vec![Json::Null], 1));
    // By now each of them has answered.
    assert_eq!((told("other-carrier"), told("project_owner")), (vec![vnpt], vec![roads]));
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
            "site_requests_history WHERE state <> 'draft'",
            "site_requests_meeting(ARRAY['VN-72'], ARRAY[ST_MakeEnvelope(107, 11, 109, 13, 4326)], NULL, 9)",
        ];
        let told = of.map(|of| sql(conn, &format!("SELECT count(*) > 0 FROM {of}")).unwrap() == "true");
        conn.batch_execute("ROLLBACK").unwrap();
        told
    };
    let vnpt = "{\"* public\",\"* carriers\",\"* @vnpt\",\"VN-72 ?vnpt\"}";
    assert_eq!(seen(vnpt), [false; 4], "named, and not asked");
    case.step("officer", "consult", None, json!({}), "consulting");
    // Of its past nobody reads anything because he is asked.
    assert_eq!(seen(vnpt), [true, true, false, true]);
    assert_eq!(seen("{\"* public\",\"* ?vnpt\"}"), [true, true, false, true]);
    assert_eq!(seen("{\"* public\",\"* @viettel\"}"), [true; 4]);
    for other in [
        "",
        "{}",
        "{\"* public\",\"* carriers\",\"* @gtel\"}",
        "{\"VN-35 government\",\"VN-35 ?vnpt\"}",
        "{\"* vnpt\"}",
        "{\"* @vnpt\"}",
    ] {
        assert_eq!(seen(other), [false; 4], "{other}");
    }
    let [_, copy] = crate::document::pair(&api, "site-requests", &case.id);
    let papers = format!("/api/site-requests/{}/documents", case.id);
    let own = added(&api, "other-carrier", &papers, "kind=consultation_answer&name=answer.txt", b"no objection");
    let own = text(&own, "id").to_owned();
    let read = |said: &str| -> BTreeSet<String> {
        let conn = &mut PgConnection::establish(&api.database.service_url).unwrap();
        conn.batch_execute(&format!("BEGIN; SET LOCAL clearway.sees = '{said}'")).unwrap();
        let all = sql(conn, "SELECT coalesce(string_agg(id::text, ' '), '') FROM documents").unwrap();
        all.split_whitespace().map(str::to_owned).collect()
    };
    let ids = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>();
    assert_eq!(read(vnpt), ids(&[&copy, &own]));
    case.step("other-carrier", "answer", None, json!({"answer": "agree"}), "consulting");
    assert_eq!(seen(vnpt), [true, true, false, false], "where it is whoever has answered does not go on knowing");
    assert_eq!(read(vnpt), ids(&[&own]), "of its documents he reads his own");
    age(&api, 16);
    let roads = "{\"* public\",\"* @roads-board\",\"VN-72 ?roads-board\"}";
    assert_eq!(read(roads), ids(&[]), "whose last day is over reads none");
}

/// All that a server had to deliver to webhooks, as it would; it has ended.
fn delivered(api: Api) -> Vec<Told> {
    let Api { server, database } = api;
    drop(server);
    run_sql(&database.url, "UPDATE deliveries SET state = 'waiting', next_at = now(), attempts = 0");
    let retry = Retry { first_ms: 1, longest_ms: 1, attempts_max: 1, days_max: 1 };
    let waits = Duration::from_secs(5);
    let options = StoreOptions { connections_max: 1, pool_wait: waits, statement_timeout: waits };
    let store = Store::connect(&database.service_url, &options).unwrap();
    let mut sent: Vec<Told> = Vec::new();
    loop {
        let take = &mut |parcel: &Parcel| {
            sent.push(parcel.told.clone());
            Outcome::Done
        };
        if matches!(store.deliver(&[Channel::Webhook], &retry, take).unwrap(), Step::Nothing) {
            return sent;
        }
    }
}

/// Whoever is asked is told of it by whatever he listens to, and of nothing before.
#[test]
fn whoever_is_asked_is_told() {
    let api = office();
    committee(&api);
    let mut hooks = BTreeMap::new();
    for (code, kind) in [("vnpt", "carrier"), ("roads-board", "project_owner"), ("viettel", "carrier")] {
        let new = json!({"code": code, "name": code, "kind": kind});
        let hook = json!({"organisation": code, "url": "https://a.example/hook"});
        for (path, body) in [("/api/organisations", new), ("/api/webhooks", hook)] {
            let made = api.send("administrator", "POST", path, &[("Content-Type", "application/json")], Some(&body));
            assert_eq!(made.status, 201, "{}", made.text);
            hooks.insert(code, made.json()["id"].clone());
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
    // What is answered is said to the office, for of some the carrier may not know that they are asked.
    assert_eq!(told("viettel"), "submit accept check consult");
    assert_eq!((told("vnpt").as_str(), told("roads-board").as_str()), ("consult", "consult"));
    for organisation in ["roads-board", "health"] {
        let letter = json!({"organisation": organisation, "answer": "agree", "letter": "1/CV"});
        case.step("officer", "answer", None, letter, "consulting");
    }
    case.step("officer", "assess", None, json!({}), "assessing");
    case.step("officer", "visit", None, visit(), "assessing");
    case.step("officer", "recommend", Some("too near"), json!({"advice": "refuse"}), "recommended");
    case.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    case.step("approver", "refuse", Some("too near"), case.decision(json!({})), "refused");
    assert_eq!((told("vnpt").as_str(), told("roads-board").as_str()), ("consult refuse", "consult refuse"));
    for (organisation, hook) in hooks {
        let path = format!("/api/webhooks/{}/deliveries", hook.as_str().unwrap());
        let all = api.server.get("administrator", &path).json()["deliveries"].clone();
        let numbers: Vec<i64> = all.as_array().unwrap().iter().map(|d| d["number"].as_i64().unwrap()).collect();
        assert!(
            !numbers.is_empty() && numbers.iter().copied().eq(1..=i64::try_from(numbers.len()).unwrap()),
            "{organisation}: {numbers:?}"
        );
    }
    // Whoever was asked is told that it is decided, and no more than his door shows; and what somebody is not told shows in no number.
    let sent = delivered(api);
    let asked = sent.iter().filter(|told| told.notice.event == "consult").collect::<Vec<_>>();
    assert!(asked.len() == 3 && asked.iter().all(|told| told.notice.detail.contains_key("receipt")), "{asked:?}");
    let decided: Vec<_> = sent.iter().filter(|told| told.notice.event == "refuse").collect();
    let full = |told: &&&Told| told.notice.detail.get("decision").is_some_and(|number| number == "34/QD");
    assert_eq!((decided.len(), decided.iter().filter(full).count()), (3, 1), "{decided:?}");
    let brief = |told: &&&Told| told.notice.detail.is_empty() && told.notice.due.is_none() && told.number == 2;
    assert_eq!(decided.iter().filter(brief).count(), 2, "{decided:?}");
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

/// What is submitted again as it was is what they were asked about: who has answered is not asked once more, and who could not meanwhile
/// sees and answers it once the office has checked it and consults him again.
#[test]
fn whoever_was_asked_is_still_asked_about_what_is_submitted_unchanged() {
    let api = office();
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({"due_on": "2099-01-31"}), "consulting");
    case.step("other-carrier", "answer", None, json!({"answer": "agree"}), "consulting");
    for organisation in consultations(&case, "officer").iter().filter(|c| c["answer"].is_null()) {
        let organisation = &organisation["organisation"];
        if organisation != "roads-board" {
            let letter = json!({"organisation": organisation, "answer": "agree", "letter": "1/CV"});
            case.step("officer", "answer", None, letter, "consulting");
        }
    }
    let missing = json!({"missing": ["design"]});
    case.step("officer", "request_supplement", Some("which road?"), missing, "returned_for_supplement");
    let papers = format!("/api/site-requests/{}/documents", case.id);
    added(&api, "carrier", &papers, "kind=other&name=letter.txt", b"the one in the south");
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    let checked = ["request_supplement", "check", "consult", "assess", "pause", "resume"];
    case.refused("officer", "assess", None, json!({}), &["consultations_done"], &checked);
    case.step("officer", "consult", None, json!({"due_on": "2099-03-31"}), "consulting");
    assert_eq!((found(&case, "project_owner"), found(&case, "other-carrier")), (WAITS, THERE));
    let own = api.server.get("project_owner", "/api/inbox").json()["features"][0]["properties"].clone();
    assert_eq!(own["due_on"], "2099-03-31", "as long as he is told now");
    // Nobody is asked twice about the same.
    let consulting = ["request_supplement", "check", "consult", "answer", "assess", "pause", "resume", "extend"];
    case.refused("officer", "consult", None, json!({}), &["somebody_to_ask"], &consulting);
    case.step("project_owner", "answer", None, json!({"answer": "object"}), "consulting");
    case.step("officer", "assess", None, json!({}), "assessing");
    trail_is_whole(&api);
}

/// The members of an object that say something.
fn saying(object: &Json) -> BTreeSet<&str> {
    let says = |value: &Json| !value.is_null() && *value != json!([]);
    object.as_object().unwrap().iter().filter(|(_, value)| says(value)).map(|(name, _)| name.as_str()).collect()
}

/// Of a case that goes on, whoever was asked reads his own consultation and how far it has come.
fn goes_on_seeing_his_own(case: &CaseOf<'_>, role: &str, answer: &Json, copy: &str) {
    let api = case.api;
    assert_eq!(found(case, role), THERE, "{role}");
    let read = api.server.get(role, &case.path());
    let feature = read.json();
    let officer = api.server.get("officer", &case.path()).json()["properties"].clone();
    let told = &feature["properties"];
    // Of what others answered no number tells him.
    assert!(read.header("etag").is_none(), "{role}");
    for (tag, event) in [("\"1\"", "answer"), ("\"2\"", "withdraw"), ("\"3\"", "assess")] {
        let refused = case.sends_with(role, tag, event, None, json!({"answer": "agree"}));
        let problem = refused.json();
        assert!([409, 422].contains(&refused.status), "{role} {event}: {}", refused.text);
        assert!(!problem["detail"].as_str().unwrap_or_default().contains("version"), "{role}: {}", refused.text);
    }
    let expect = ["allowed", "case", "code", "jurisdiction", "overdue", "recorded_crs", "state"];
    let may = |name: &&str| *name != "allowed" || told["allowed"] != json!([]);
    assert_eq!(saying(told), expect.into_iter().filter(may).collect(), "{role}");
    assert_eq!(
        (&told["state"], &told["code"], &feature["geometry"]),
        (&officer["state"], &officer["code"], &Json::Null)
    );
    assert_eq!(saying(&told["case"]).into_iter().collect::<Vec<_>>(), ["consultations"], "{role}");
    let own = told["case"]["consultations"].as_array().unwrap();
    assert_eq!((own.len(), &own[0]["answer"], &own[0]["lapsed"]), (1, answer, &json!(answer.is_null())), "{role}");
    let history = api.server.get(role, &format!("/api/site-requests/{}/history", case.id));
    for event in history.json()["events"].as_array().unwrap() {
        let is_own = event["event"] == "answer" && !answer.is_null();
        assert!(is_own || event["from"] != event["to"], "{role}: {event}");
        let expect: &[&str] = if is_own {
            &["actor", "at", "audit", "data", "event", "from", "organisation", "seq", "to"]
        } else {
            &["at", "event", "from", "seq", "to"]
        };
        assert_eq!(saying(event), expect.iter().copied().collect(), "{role}");
    }
    // Neither a file nor a check, at any door.
    let listed = api.server.get(role, REQUESTS);
    let papers = api.server.get(role, &format!("/api/site-requests/{}/documents", case.id));
    let feed = api.server.get(role, "/api/inbox.ics").text;
    assert_eq!((papers.json()["documents"].clone(), feed.contains("VEVENT")), (json!([]), false), "{role}");
    assert_eq!(api.server.get(role, &format!("/api/documents/{copy}")).status, 404, "{role}");
    let run = officer["case"]["check"]["id"].as_str().unwrap();
    for text in [&read.text, &listed.text, &papers.text, &history.text] {
        for hidden in [&sha256(b"design"), run, "viettel", "coordinates\":[", "\"snapshot\":\""] {
            assert!(!text.contains(hidden), "{role} {hidden}: {text}");
        }
    }
}

/// Afterwards he sees what he was asked and what he answered, and how far the case has come, as a receipt tells it; so does whoever let his
/// time pass, from the day on on which it is over.
#[test]
fn whoever_was_asked_goes_on_seeing_his_own_consultation_alone() {
    let api = office();
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({}), "consulting");
    let [_, copy] = crate::document::pair(&api, "site-requests", &case.id);
    for role in ["other-carrier", "project_owner"] {
        assert_eq!(api.server.get(role, &format!("/api/documents/{copy}")).status, 200, "{role}");
    }
    case.step("other-carrier", "answer", None, json!({"answer": "object", "text": "too near"}), "consulting");
    assert_eq!(case.now["geometry"], Json::Null, "by his answer, too");
    goes_on_seeing_his_own(&case, "other-carrier", &json!("object"), &copy);
    let paper = format!("/api/site-requests/{}/documents?kind=consultation_answer&name=more.txt", case.id);
    let more =
        api.server.send("POST", &paper, &[("Authorization", "Bearer test-token-of-the-other-carrier")], Some(b"x"));
    assert_eq!(more.status, 403, "{}", more.text);
    let patch = json!({"properties": {"antennas": [{"frequency_mhz": 900, "eirp_w": 1, "height_agl_m": 41}]}});
    assert_eq!(api.server.call("other-carrier", "PATCH", &case.path(), Some(&patch)).status, 403, "and nothing of it");
    // The last day is a day of it; the first after it is none, whether or not anybody was told.
    age(&api, 15);
    assert_eq!(found(&case, "project_owner"), WAITS);
    age(&api, 1);
    goes_on_seeing_his_own(&case, "project_owner", &Json::Null, &copy);
    let late =
        api.server.send("POST", &paper, &[("Authorization", "Bearer test-token-of-the-project_owner")], Some(b"x"));
    assert_eq!(late.status, 403, "nobody has to have told him: {}", late.text);
    assert_eq!(lapse(&api.database.context()), Ok(1));
    case.version = api.server.get("officer", &case.path()).json()["properties"]["version"].as_i64().unwrap();
    goes_on_seeing_his_own(&case, "project_owner", &Json::Null, &copy);
    case.step("officer", "assess", None, json!({}), "assessing");
    case.step("officer", "visit", None, crate::site_request::visit(), "assessing");
    case.step("officer", "recommend", Some("too near"), json!({"advice": "refuse"}), "recommended");
    case.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    case.step("approver", "check", None, json!({}), "awaiting_decision");
    for (role, answer) in [("other-carrier", json!("object")), ("project_owner", Json::Null)] {
        goes_on_seeing_his_own(&case, role, &answer, &copy);
    }
}

/// His own file is his own still.
#[test]
fn whoever_was_asked_goes_on_reading_what_he_added_himself() {
    let api = office();
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({}), "consulting");
    let papers = format!("/api/site-requests/{}/documents", case.id);
    let own = added(&api, "project_owner", &papers, "kind=consultation_answer&name=answer.txt", b"no objection");
    crate::document::pair(&api, "site-requests", &case.id);
    let listed = || api.server.get("project_owner", &papers).json()["documents"].as_array().unwrap().len();
    assert_eq!(listed(), 2, "his own, and the redacted copy");
    case.step("project_owner", "answer", None, json!({"answer": "agree"}), "consulting");
    assert_eq!(listed(), 1);
    assert_eq!(api.server.get("project_owner", &format!("/api/documents/{}", text(&own, "id"))).status, 200);
}

/// Whoever answers for the asked organisation somewhere else finds nothing.
#[test]
fn an_account_of_the_asked_organisation_that_serves_elsewhere_sees_nothing() {
    let of = |name: &str, place: &str| TokenSetting {
        token: Secret(crate::support::token(name)),
        name: name.into(),
        organisation: Some("vnpt".into()),
        roles: vec!["carrier".into()],
        jurisdictions: Some(vec![place.into()]),
    };
    let more = [of("vnpt-here", "VN-72"), of("vnpt-elsewhere", "VN-35")];
    let api = with_rules(Api::with(|settings| settings.tokens.extend(more)));
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({}), "consulting");
    let [_, copy] = crate::document::pair(&api, "site-requests", &case.id);
    let copy = |role: &str| api.server.get(role, &format!("/api/documents/{copy}")).status;
    for answered in [false, true] {
        assert_eq!((found(&case, "vnpt-elsewhere"), copy("vnpt-elsewhere")), (ABSENT, 404), "{answered}");
        assert!(!api.server.get("vnpt-elsewhere", "/api/inbox.ics").text.contains("VEVENT"), "{answered}");
        assert_eq!(case.sends("vnpt-elsewhere", "answer", None, json!({"answer": "agree"})).status, 404, "{answered}");
        if answered {
            assert_eq!(found(&case, "vnpt-here"), THERE);
        } else {
            assert_eq!((found(&case, "vnpt-here"), copy("vnpt-here")), (WAITS, 200));
            case.step("vnpt-here", "answer", None, json!({"answer": "agree"}), "consulting");
        }
    }
}

/// Whoever is asked, and sees requests of others as well, has to answer on the same day wherever he looks; the office on another.
#[test]
fn what_somebody_is_asked_is_due_on_the_same_day_at_every_door() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    let army = json!({"also": [{"consultee": "army"}], "due_on": "2099-01-31"});
    case.step("officer", "consult", None, army, "consulting");
    let office = case.now["properties"]["due_on"].clone();
    assert!(office.is_string() && office != "2099-01-31", "{office}");
    let path = case.path();
    let days = |role: &str| {
        let of = |answer: &Json| answer["features"][0]["properties"].clone();
        let single = api.server.get(role, &path).json()["properties"].clone();
        let listed = of(&api.server.get(role, REQUESTS).json());
        let waiting = of(&api.server.get(role, "/api/inbox").json());
        for other in [&listed, &waiting] {
            if other.is_object() {
                for name in ["due_on", "slack_days", "overdue"] {
                    assert_eq!(other[name], single[name], "{role} {name}");
                }
            }
        }
        let day = single["due_on"].as_str().unwrap().replace('-', "");
        let feed = api.server.get(role, "/api/inbox.ics").text;
        assert_eq!(feed.contains("VEVENT"), feed.contains(&format!("DTSTART;VALUE=DATE:{day}\r\n")), "{role}: {feed}");
        (single["due_on"].clone(), waiting.is_object())
    };
    assert_eq!(days("consultee"), (json!("2099-01-31"), true));
    for role in ["officer", "carrier", "inspector"] {
        assert_eq!(days(role), (office.clone(), false), "{role}");
    }
    case.step("consultee", "answer", None, json!({"answer": "agree"}), "consulting");
    assert_eq!(days("consultee"), (office, false), "what is the office's to do then");
}

/// What the office finds of something hidden shows nobody from whom it is hidden more than he hears where he asks about the place
/// himself: wherever in its cell it stands, he reads the same.
#[test]
fn a_case_tells_whoever_does_not_see_everything_what_his_own_check_would() {
    let place = (-600.0, -600.0);
    // All in one cell, the second and the third where the checks of the office find nothing.
    let worlds = [(-540.0, -600.0), (300.0, 300.0), (-1_500.0, 300.0)].map(|(east, north)| {
        let api = office();
        let hidden = json!({"organisation": "ministry", "visibility": "restricted"});
        let mast = merged(hidden.clone(), &json!({"code": "SECRET-W", "kind": "mast", "column_class": "A2b", "position_accuracy_m": 0}));
        api.add(WORKS, point(east, north), mast);
        let land = merged(merged(json!({"code": "SECRET-C"}), &hidden), &road());
        let (east, north) = (east - 60.0, north);
        api.add(CORRIDORS, rect(east - 9.0, north - 9.0, east + 9.0, north + 9.0), land);
        let own = merged(json!({"code": "R", "status": "announced", "visibility": "government"}), &road());
        api.add(CORRIDORS, rect(-612.0, -612.0, -588.0, -588.0), own);
        let shared = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b", "position_accuracy_m": 0});
        api.add(WORKS, point(-560.0, -560.0), shared);
        api
    });
    let read = |api: &Api| {
        let asks = checked(api, "carrier", "", place, json!({"column_class": "A2b"}));
        let mut case = CaseOf::file(api, place, column());
        case.step("carrier", "submit", None, json!({}), "submitted");
        case.step("officer", "accept", None, json!({}), "accepted");
        case.step("officer", "check", None, json!({}), "checking");
        // It is what he hears where he asks.
        let own = told(api, &case, "carrier")["check"].take();
        for said in asks["findings"].as_array().unwrap() {
            let code = said["code"].as_str().unwrap();
            assert_eq!(own["verdicts"][code], said["verdict"], "{code}");
            assert_eq!(
                json!(own["restricted"].as_array().unwrap().contains(&said["code"])),
                said["restricted"],
                "{code}"
            );
        }
        let early = told(api, &case, "carrier");
        case.step("officer", "consult", None, json!({}), "consulting");
        // Letters of all who are asked; of some only the office knows.
        let asked = case.now["properties"]["case"]["consultations"].as_array().unwrap().clone();
        for one in &asked {
            let letter = json!({"organisation": one["organisation"], "answer": "agree", "letter": "1/CV"});
            case.step("officer", "answer", None, letter, "consulting");
        }
        let roles = ["carrier", "inspector", "consultee", "other-carrier", "project_owner", "planner"];
        let mut all: Vec<Json> = roles.iter().map(|role| told(api, &case, role)).collect();
        all.push(early);
        all.extend(roles.map(|role| answers(api, &case, role)));
        assert_eq!(answers(api, &case, "officer").as_array().unwrap().len(), asked.len());
        (case.verdict("SPC").to_owned() + case.verdict("COR"), all)
    };
    let [near, far, farther] = worlds.each_ref().map(read);
    assert_ne!(near.0, far.0, "the office reads where it is");
    for (role, ((one, other), third)) in near.1.iter().zip(&far.1).zip(&farther.1).enumerate() {
        assert_eq!((one, one), (other, third), "{role}");
        assert!(!one.to_string().contains("SECRET"));
    }
    let carrier = &near.1[0]["check"];
    assert_eq!(carrier["verdicts"]["COR"], "not_checked");
    assert_eq!(carrier["restricted"], json!(["COR", "COV", "DUP", "SPC", "ZON"]));
}

/// The answers in the history that somebody reads, without their moments, and how many steps there are.
fn answers(api: &Api, case: &CaseOf<'_>, role: &str) -> Json {
    let history = api.server.get(role, &format!("/api/site-requests/{}/history", case.id)).json();
    let events = history["events"].as_array().cloned().unwrap_or_default();
    let numbers: Vec<&Json> = events.iter().map(|e| &e["seq"]).collect();
    assert_eq!(json!(numbers), json!((1..=events.len()).collect::<Vec<_>>()), "{role}");
    let answers = events.iter().filter(|e| e["event"] == "answer");
    answers.map(|e| json!([e["seq"], e["organisation"], e["actor"], e["reason"], e["data"]])).collect()
}

/// What somebody reads of a case that a check came to, without the names that each run has.
fn told(api: &Api, case: &CaseOf<'_>, role: &str) -> Json {
    let mut read = api.server.get(role, &case.path()).json()["properties"]["case"].take();
    let mut check = read["check"].take();
    if let Some(check) = check.as_object_mut() {
        check.remove("id");
        check.remove("sha256");
        for candidate in check["candidates"].as_array_mut().unwrap() {
            candidate["id"].take();
        }
    }
    let mut asked = read["consultations"].take();
    for one in asked.as_array_mut().unwrap() {
        one["asked_at"].take();
    }
    json!({"check": check, "consultations": asked})
}

/// Whoever was told of as many cells with something hidden as he may reads nothing more of them in a case, either.
#[test]
fn a_case_tells_nothing_more_to_whoever_was_told_enough() {
    let api = with_rules(Api::with(|settings| settings.notice_cells_per_hour = 1));
    let hide = |code: &str, at: (f64, f64)| {
        let own = json!({"code": code, "kind": "mast", "organisation": "ministry", "visibility": "restricted", "column_class": "A2b", "position_accuracy_m": 0});
        api.add(WORKS, point(at.0, at.1), own);
    };
    hide("A", (5_400.0, 5_400.0));
    hide("B", (9_400.0, 9_400.0));
    let mut case = CaseOf::file(&api, (-600.0, -600.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    let restricted = |role: &str| {
        let told = told(&api, &case, role)["check"]["restricted"].take();
        told.as_array().unwrap().contains(&json!("SPC"))
    };
    assert!(!restricted("carrier"), "there is nothing");
    for at in [(5_400.0, 5_400.0), (9_400.0, 9_400.0)] {
        checked(&api, "carrier", "", at, json!({}));
    }
    let asks = checked(&api, "carrier", "", (-600.0, -600.0), json!({"column_class": "A2b"}));
    assert_eq!(finding(&asks, "SPC")["restricted"], json!(true), "he was told enough");
    assert!(restricted("carrier") && !restricted("inspector") && !restricted("officer"));
}

/// What was recorded of a case tells of what was hidden then, and of nothing that is hidden now: nor does it count as if it did.
#[test]
fn a_case_as_it_was_tells_of_what_was_hidden_then_alone() {
    let api = with_rules(Api::with(|settings| settings.notice_cells_per_hour = 1));
    let hide = |code: &str, at: (f64, f64)| {
        let own = json!({"code": code, "kind": "mast", "organisation": "ministry", "visibility": "restricted", "column_class": "A2b", "position_accuracy_m": 0});
        api.add(WORKS, point(at.0, at.1), own);
    };
    hide("A", (5_400.0, 5_400.0));
    let mut case = CaseOf::file(&api, (-600.0, -600.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    let free = moment(&api, revision(&api));
    hide("B", (-560.0, -600.0));
    case.step("officer", "check", None, json!({}), "checking");
    let then = api.server.get("carrier", &format!("{}?as-of={free}", case.path()));
    assert_eq!(then.status, 200, "{}", then.text);
    let restricted = &then.json()["properties"]["case"]["check"]["restricted"];
    assert!(restricted.as_array().is_some_and(|codes| !codes.contains(&json!("SPC"))), "{restricted}");
    let said = |at: (f64, f64)| {
        let asks = checked(&api, "carrier", "", at, json!({"column_class": "A2b"}));
        finding(&asks, "SPC")["restricted"].clone()
    };
    assert_eq!(said((5_400.0, 5_400.0)), json!(true), "the one cell of this hour");
    assert_ne!(said((-4_600.0, 5_400.0)), json!(true), "and he was told of no other");
}
