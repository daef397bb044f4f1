//! What waits for somebody, beside site requests: plans, and the feed of due dates that calendars follow.

use base64ct::{Base64, Encoding};
use serde_json::{Value as Json, json};

use crate::plan::{ZONES, committee, zone};
use crate::site_request::{CaseOf, begins, column, survey, today};
use crate::site_request_story::office;
use crate::site_request_time::age;
use crate::support::token;

const FEED: &str = "/api/inbox.ics";

/// A day for each case with a due date, in the form of RFC 5545, for whoever it waits for and nobody else; a calendar brings an
/// API token as the password of HTTP Basic, and opens nothing else by it.
#[test]
fn due_dates_are_a_feed_for_calendars() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    let read = |role: &str| api.server.get(role, FEED);
    assert!(!read("officer").text.contains("BEGIN:VEVENT"), "no clock runs before it is accepted");
    case.step("officer", "accept", None, json!({}), "accepted");
    let due = case.now["properties"]["due_on"].as_str().unwrap().replace('-', "");
    let feed = read("officer");
    assert_eq!(
        (feed.status, feed.header("content-type")),
        (200, Some("text/calendar; charset=utf-8")),
        "{}",
        feed.text
    );
    assert!(feed.text.starts_with("BEGIN:VCALENDAR\r\n") && feed.text.ends_with("END:VCALENDAR\r\n"), "{}", feed.text);
    assert!(feed.text.lines().all(|line| line.len() <= 75), "{}", feed.text);
    let whole = feed.text.replace("\r\n ", "");
    for line in
        [format!("UID:{}@", case.id), format!("DTSTART;VALUE=DATE:{due}\r\n"), "DTSTAMP:".into(), "URL:http".into()]
    {
        assert_eq!(whole.matches(&line).count(), 1, "{line} {whole}");
    }
    assert!(!read("carrier").text.contains(&case.id), "it does not wait for the carrier");
    let basic = |user_and_password: &str| format!("Basic {}", Base64::encode_string(user_and_password.as_bytes()));
    let by = |path: &str, header: &str| api.send("", "GET", path, &[("Authorization", header)], None);
    let right = basic(&format!("anybody:{}", token("officer")));
    assert_eq!(by(FEED, &right).text, feed.text);
    for (path, header) in [(FEED, basic("officer:wrong")), (FEED, "Basic !".into()), ("/api/inbox", right)] {
        assert_eq!(by(path, &header).status, 401, "{path} {header}");
    }
    let nobody = api.send("", "GET", FEED, &[], None);
    let challenges: Vec<&str> =
        nobody.headers.iter().filter(|(name, _)| name == "www-authenticate").map(|(_, v)| v.as_str()).collect();
    assert!(nobody.status == 401 && challenges.iter().any(|c| c.starts_with("Basic ")), "{challenges:?}");
}

/// A plan waits for whoever has the next step, and says which steps there are; how many there are in each state is counted apart from
/// requests, of what somebody sees.
#[test]
fn plans_wait_for_whoever_is_next() {
    let api = office();
    committee(&api);
    let plan = api.plan("P", 1);
    let waiting = |role: &str| {
        let answer = api.server.get(role, "/api/inbox").json();
        let one = |plan: &Json| {
            assert_eq!((&plan["due_on"], &plan["slack_days"]), (&Json::Null, &Json::Null), "no law says until when");
            let own = api.server.get(role, &format!("/api/plans/{}", plan["id"].as_str().unwrap())).json();
            assert_eq!(plan["allowed"], own["allowed"], "as the plan itself says");
            assert!(!plan["allowed"].as_array().unwrap().is_empty(), "{role}: {plan}");
            plan["id"].as_str().unwrap().to_owned()
        };
        let plans: Vec<String> = answer["plans"].as_array().unwrap().iter().map(one).collect();
        assert_eq!(answer["counts"], json!({}), "{role}");
        (plans, answer["plan_counts"].clone())
    };
    let (nothing, draft) = (Vec::<String>::new(), json!({"draft": 1}));
    assert_eq!(waiting("officer"), (vec![plan.clone()], draft.clone()));
    assert_eq!(waiting("approver"), (nothing.clone(), draft));
    assert_eq!(waiting("carrier"), (nothing.clone(), json!({})), "what is no public matter yet");
    // The longest first, and whoever is shown some hears that there are more.
    let other = api.plan("Q", 1);
    let drawn = api.on_grid("officer", "POST", ZONES, &zone(&plan, "LATER", 0.0, 3000.0));
    assert_eq!(drawn.status, 201, "{}", drawn.text);
    for (limit, expect) in [(1, vec![&other]), (2, vec![&other, &plan])] {
        let answer = api.server.get("officer", &format!("/api/inbox?limit={limit}")).json();
        let plans: Vec<&str> =
            answer["plans"].as_array().unwrap().iter().map(|plan| plan["id"].as_str().unwrap()).collect();
        assert_eq!((plans, &answer["more"]), (expect.iter().map(|id| id.as_str()).collect(), &json!(limit == 1)));
    }
    api.published(&other, "2026-01-01", json!("2026-01-31"));
    api.submitted(&plan);
    let submitted = json!({"submitted": 1, "expired": 1});
    assert_eq!(waiting("officer"), (nothing.clone(), submitted.clone()));
    assert_eq!(waiting("approver"), (vec![plan], submitted));
    assert_eq!(waiting("carrier"), (nothing, json!({"expired": 1})), "by date, as the plan says");
}

/// What was decided has its days, too: the first at whose end a condition is due or the permit ends is in the inbox and in the feed of
/// its carrier, until the column stands.
#[test]
fn what_a_carrier_has_to_do_is_due_in_his_inbox_and_in_his_feed() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    let day = |days: u32| api.sql(&format!("SELECT '{}'::date + {days}", today(&api))).unwrap();
    let conditions = json!({"conditions": [
        {"text": "paint it", "reason": "landscape", "due_on": day(60)},
        {"text": "fence it", "reason": "safety", "due_on": day(30)},
        {"text": "keep it", "reason": "order"},
    ]});
    case.step("approver", "approve_with_conditions", None, case.decision(conditions), "approved_with_conditions");
    // The office is next, and its carrier has something to bring.
    let due = |role: &str| {
        let inbox = api.server.get(role, "/api/inbox").json();
        let waiting = inbox["features"].as_array().unwrap();
        assert!(waiting.len() <= 1, "{inbox}");
        let found = waiting.first().map(|f| f["properties"]["due_on"].clone());
        let of_feed = api.server.get(role, FEED).text;
        let dated = found.iter().filter_map(Json::as_str).map(|day| day.replace('-', ""));
        let dated: Vec<String> = dated.map(|day| format!("DTSTART;VALUE=DATE:{day}\r\n")).collect();
        assert_eq!(of_feed.matches("DTSTART").count(), dated.len(), "{of_feed}");
        assert!(dated.iter().all(|line| of_feed.contains(line)), "{of_feed}");
        found
    };
    assert_eq!((due("officer"), due("carrier")), (Some(json!(day(30))), Some(json!(day(30)))));
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    let ends = case.now["properties"]["case"]["permit"]["valid_to"].clone();
    assert_eq!((due("officer"), due("carrier")), (None, Some(json!(day(30)))));
    let photograph = case.shows("a photograph");
    let met = |n: u32| json!({"condition": n, "evidence": photograph});
    case.step("carrier", "meet_condition", None, met(2), "permit_active");
    assert_eq!(due("carrier"), Some(json!(day(60))));
    age(&api, 61);
    let late = api.server.get("carrier", "/api/inbox").json()["features"][0]["properties"].clone();
    assert_eq!(late["overdue"], true, "{late}");
    assert_eq!(due("officer"), Some(late["due_on"].clone()), "what is late is the office's, too");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.step("carrier", "meet_condition", None, met(1), "construction_notified");
    let ends = api.sql(&format!("SELECT {ends}::date - 61").replace('"', "'")).unwrap();
    assert_eq!(due("carrier"), Some(json!(ends)), "the end of the permit");
    case.step("carrier", "submit_as_built", None, survey((0.0, 1.0), 42.0), "as_built_submitted");
    let without = Some(Json::Null);
    assert_eq!((due("officer"), due("carrier")), (without.clone(), without), "no condition with a day is open");
    case.step("carrier", "meet_condition", None, met(3), "as_built_submitted");
    assert_eq!((due("officer"), due("carrier")), (Some(Json::Null), None), "it has brought everything");
    case.step("officer", "verify", None, json!({}), "verified");
    assert_eq!(case.now["properties"]["due_on"], Json::Null);
}
