//! Ways of a request that the stories do not go: what consultees say besides yes, reasons for which the clock stands still, a permit that
//! is revoked, and what is kept of what was submitted and of what was decided on.

use clearway::config::{Secret, TokenSetting};
use serde_json::{Value as Json, json};

use crate::help::{Api, WORKS, merged, point};
use crate::site_request::{CaseOf, FILE, begins, column, sha256, survey, today, trail_is_whole, visit};
use crate::site_request_story::{office, with_rules};
use crate::site_request_time::age;
use crate::support::{run_sql, token};

/// The events of a case as a role reads them.
fn history(case: &CaseOf<'_>, role: &str) -> Vec<Json> {
    let answer = case.api.server.get(role, &format!("/api/site-requests/{}/history", case.id));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["events"].as_array().unwrap().clone()
}

/// Leads a request to where the army is asked about it, and everybody else has said nothing.
fn asked(api: &Api) -> CaseOf<'_> {
    let mut case = CaseOf::file(api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    asks(&mut case);
    case
}

fn asks(case: &mut CaseOf<'_>) {
    case.step("officer", "check", None, json!({}), "checking");
    case.step("officer", "consult", None, json!({"also": [{"consultee": "army"}]}), "consulting");
    let all = case.now["properties"]["case"]["consultations"].as_array().unwrap().clone();
    for organisation in all.iter().map(|c| &c["organisation"]).filter(|one| **one != "army") {
        let answer = json!({"organisation": organisation, "answer": "no_comment", "letter": "3/CV"});
        case.step("officer", "answer", None, answer, "consulting");
    }
}

fn of_army(case: &CaseOf<'_>) -> Json {
    let all = case.now["properties"]["case"]["consultations"].as_array().unwrap().clone();
    all.into_iter().find(|c| c["organisation"] == "army").unwrap()
}

/// The snapshot on which the last decision was made.
fn decided_on(case: &CaseOf<'_>) -> String {
    let events = history(case, "officer");
    let decision = events.iter().rfind(|event| event["snapshot"].is_string()).unwrap();
    decision["snapshot"].as_str().unwrap().to_owned()
}

/// Who agrees with conditions states them; the decision takes them up, rests on them, and they are met before the column is verified.
#[test]
fn conditions_of_a_consultee_become_those_of_the_decision() {
    let api = office();
    let mut case = asked(&api);
    let bare = case.sends("consultee", "answer", None, json!({"answer": "agree_with_conditions"}));
    assert_eq!((bare.status, bare.problems().len()), (422, 1), "{}", bare.text);
    assert!(bare.problems()[0].starts_with("/data/text: "), "{:?}", bare.problems());
    let answer = json!({"answer": "agree_with_conditions", "text": "a red light on top"});
    case.step("consultee", "answer", None, answer, "consulting");
    case.step("officer", "assess", None, json!({}), "assessing");
    assert_eq!(of_army(&case)["answer"], "agree_with_conditions");
    let told = history(&case, "approver");
    let told = told.iter().rfind(|event| event["event"] == "answer").unwrap();
    assert_eq!(told["data"]["text"], "a red light on top", "whoever decides reads it");
    case.step("officer", "visit", None, visit(), "assessing");
    let advice = json!({"advice": "approve_with_conditions"});
    case.step("officer", "recommend", Some("the army wants a light"), advice, "recommended");
    case.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    let conditions =
        json!({"conditions": [{"text": "a red light on top", "reason": "the army", "due_on": "2027-01-31"}]});
    case.step("approver", "approve_with_conditions", None, case.decision(conditions), "approved_with_conditions");
    let snapshot = decided_on(&case);
    for line in ["consultation army agree_with_conditions", "advice approve_with_conditions"] {
        assert!(snapshot.lines().any(|l| l == line), "{line}: {snapshot}");
    }
    let stated = &case.now["properties"]["case"]["conditions"];
    assert_eq!((stated.as_array().unwrap().len(), &stated[0]["text"]), (1, &json!("a red light on top")));
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((0.0, 1.0), 42.0), "as_built_submitted");
    case.refused("officer", "verify", None, json!({}), &["conditions_met"], &["return_as_built", "verify"]);
    let light = json!({"condition": 1, "evidence": case.shows("a photograph of the light")});
    case.step("carrier", "meet_condition", None, light, "as_built_submitted");
    case.step("officer", "verify", None, json!({}), "verified");
    trail_is_whole(&api);
}

/// Where a consultee wants something changed the office asks its carrier for it, whose clock stands still; what is then submitted is
/// checked and asked about anew.
#[test]
fn an_amendment_that_a_consultee_needs_is_asked_for_and_asked_about_again() {
    let api = office();
    let mut case = asked(&api);
    let bare = case.sends("consultee", "answer", None, json!({"answer": "needs_amendment"}));
    assert!(bare.status == 422 && bare.problems()[0].starts_with("/data/text: "), "{}", bare.text);
    case.step("consultee", "answer", None, json!({"answer": "needs_amendment", "text": "10 m lower"}), "consulting");
    assert_eq!(of_army(&case)["answer"], "needs_amendment");
    let missing = json!({"missing": ["design"]});
    case.step("officer", "request_supplement", Some("the army: 10 m lower"), missing, "returned_for_supplement");
    assert_eq!(case.now["properties"]["case"]["clock_paused"], true);
    let told = history(&case, "carrier");
    assert_eq!(told.last().unwrap()["reason"], "the army: 10 m lower", "its carrier reads what is wanted");
    case.patch(json!({"height_agl_m": 32}));
    case.step("carrier", "submit", None, json!({}), "submitted");
    assert_eq!(case.now["properties"]["case"]["clock_paused"], false);
    case.step("officer", "accept", None, json!({}), "accepted");
    let open = case.now["properties"]["case"]["consultations"].as_array().unwrap();
    assert!(open.is_empty(), "what was said of another request is no answer: {open:?}");
    asks(&mut case);
    let checking = ["request_supplement", "check", "consult", "answer", "assess", "pause", "resume", "extend"];
    case.refused("officer", "assess", None, json!({}), &["consultations_done"], &checking);
    case.step("consultee", "answer", None, json!({"answer": "agree"}), "consulting");
    case.step("officer", "assess", None, json!({}), "assessing");
    case.step("officer", "visit", None, visit(), "assessing");
    case.step("officer", "recommend", Some("it fits"), json!({"advice": "approve"}), "recommended");
    case.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    let snapshot = decided_on(&case);
    assert!(snapshot.contains("consultation army agree") && !snapshot.contains("needs_amendment"), "{snapshot}");
    trail_is_whole(&api);
}

/// For each reason the clock stands still, and runs on as if that time had not been.
#[test]
fn the_clock_stands_still_for_each_reason() {
    for why in [
        "missing_information",
        "applicant_request",
        "pending_external_decision",
        "legal_action",
        "force_majeure",
        "freeze_window",
    ] {
        let api = office();
        let mut case = CaseOf::file(&api, (0.0, 0.0), column());
        case.step("carrier", "submit", None, json!({}), "submitted");
        case.step("officer", "accept", None, json!({}), "accepted");
        let due = case.now["properties"]["due_on"].as_str().unwrap().to_owned();
        case.step("officer", "pause", Some("because"), json!({"why": why}), "accepted");
        let read = case.now["properties"].clone();
        assert_eq!(
            (&read["due_on"], &read["overdue"], &read["case"]["clock_paused"]),
            (&Json::Null, &json!(false), &json!(true))
        );
        assert_eq!(read["case"]["clock"]["paused"]["reason"], why);
        let told = history(&case, "carrier");
        let told = told.last().unwrap();
        assert_eq!(
            (&told["event"], &told["data"]["why"], &told["reason"]),
            (&json!("pause"), &json!(why), &json!("because"))
        );
        // Four weeks, which is longer than the term.
        age(&api, 28);
        let still = api.server.get("carrier", &case.path()).json()["properties"].clone();
        assert_eq!((&still["due_on"], &still["overdue"]), (&Json::Null, &json!(false)), "{why}");
        case.step("officer", "resume", None, json!({}), "accepted");
        let clock = case.now["properties"]["case"]["clock"].clone();
        assert_eq!((&clock["paused"], &case.now["properties"]["overdue"]), (&Json::Null, &json!(false)), "{why}");
        assert_eq!(clock["due_on"], case.now["properties"]["due_on"], "{why}");
        // The first day that it was due was four weeks earlier, as everything was.
        let moved = format!("SELECT '{}'::date - ('{due}'::date - 28) >= 26", clock["due_on"].as_str().unwrap());
        assert_eq!(api.sql(&moved).unwrap(), "true", "{why}: {due} {clock}");
        let wrong = case.sends("officer", "pause", Some("because"), json!({"why": "tired"}));
        assert_eq!(wrong.status, 422, "{}", wrong.text);
    }
}

/// A permit is revoked by the committee, with a reason, until the column stands; then nothing leads on, nobody has to keep off, and the
/// carrier hears it.
#[test]
fn a_permit_is_revoked() {
    for state in ["permit_active", "construction_notified"] {
        let api = office();
        run_sql(&api.database.url, "INSERT INTO organisations VALUES ('viettel', 'viettel', 'carrier')");
        let mut case = CaseOf::file(&api, (0.0, 0.0), column());
        case.lead_to_decision();
        case.step("approver", "approve", None, case.decision(json!({})), "approved");
        case.refused("approver", "revoke", Some("why"), json!({}), &[], &[]);
        case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
        if state == "construction_notified" {
            case.step("carrier", "notify_start", None, begins(&api), state);
        }
        let own = if state == "permit_active" {
            ["meet_condition", "notify_start"]
        } else {
            ["meet_condition", "submit_as_built"]
        };
        case.refused("carrier", "revoke", Some("why"), json!({}), &[], &own);
        case.refused("officer", "revoke", Some("why"), json!({}), &[], &[]);
        case.refused("approver", "revoke", None, json!({}), &["reasoned"], &["revoke"]);
        let pending = "SELECT count(*) FROM reference_features WHERE kind = 'site_request'";
        assert_eq!(api.sql(pending).unwrap(), "1");
        case.step("approver", "revoke", Some("the ground slides"), json!({}), "revoked");
        assert_eq!(api.sql(pending).unwrap(), "0", "others need not keep off");
        assert_eq!(case.now["properties"]["allowed"], json!([]));
        for (role, event) in [("approver", "revoke"), ("carrier", "notify_start"), ("officer", "issue_permit")] {
            let data = match event {
                "notify_start" => begins(&api),
                "issue_permit" => json!({"number": "GP-2"}),
                _ => json!({}),
            };
            case.refused(role, event, Some("why"), data, &[], &[]);
        }
        let told = history(&case, "carrier");
        let told = told.last().unwrap();
        assert_eq!((&told["event"], &told["reason"]), (&json!("revoke"), &json!("the ground slides")));
        let notices = "SELECT string_agg(concat_ws(' ', state, 'viettel' = ANY (organisations)), ';') FROM outbox WHERE event = 'revoke'";
        assert_eq!(api.sql(notices).unwrap(), "revoked t");
        let trail = "SELECT concat_ws(' ', actor, detail->>'from', detail->>'to') FROM audit_events ORDER BY revision DESC LIMIT 1";
        assert_eq!(api.sql(trail).unwrap(), format!("approver {state} revoked"));
        trail_is_whole(&api);
    }
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((0.0, 1.0), 42.0), "as_built_submitted");
    case.refused("approver", "revoke", Some("why"), json!({}), &[], &[]);
}

/// What was submitted, each time, and what each decision was made on is there with its SHA-256, which is that of the text that is served,
/// and the same in the case, in the decision and in the audit trail.
#[test]
fn what_was_submitted_and_decided_on_is_kept_with_its_hash() {
    let conditions = json!({"conditions": [{"text": "paint it", "reason": "landscape"}]});
    for (decision, state, more) in [
        ("approve", "approved", json!({})),
        ("approve_with_conditions", "approved_with_conditions", conditions),
        ("refuse", "refused", json!({})),
        ("require_sharing", "sharing_required", json!({})),
    ] {
        let api = office();
        if decision == "require_sharing" {
            let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b",
                "spare_capacity": 2, "position_accuracy_m": 0});
            api.add(WORKS, point(60.0, 0.0), tower);
        }
        let mut case = CaseOf::file(&api, (0.0, 0.0), column());
        case.step("carrier", "submit", None, json!({}), "submitted");
        let missing = json!({"missing": ["design"]});
        case.step("officer", "request_supplement", Some("why"), missing, "returned_for_supplement");
        case.patch(json!({"height_agl_m": 41}));
        case.lead_to_decision();
        let run = case.now["properties"]["case"]["check"].clone();
        let version = case.version;
        case.step("approver", decision, Some("why"), case.decision(more), state);
        let events = history(&case, "officer");
        let mut kept = Vec::new();
        for event in &events {
            let is_kept = ["submit", decision].contains(&event["event"].as_str().unwrap());
            assert_eq!(
                (event["snapshot"].is_string(), event["snapshot_sha256"].is_string()),
                (is_kept, is_kept),
                "{event}"
            );
            if !is_kept {
                continue;
            }
            let text = event["snapshot"].as_str().unwrap();
            assert_eq!(event["snapshot_sha256"], sha256(text.as_bytes()), "{text}");
            let audited = format!(
                "SELECT detail->>'snapshot_sha256' FROM audit_events WHERE revision = {}",
                event["audit"]["revision"]
            );
            assert_eq!(json!(api.sql(&audited).unwrap()), event["snapshot_sha256"], "{event}");
            kept.push((text.to_owned(), event["snapshot_sha256"].clone()));
        }
        let [first, second, decided] = kept.try_into().unwrap();
        assert_ne!(first.1, second.1, "it was changed between");
        for (text, height) in [(&first.0, "42"), (&second.0, "41")] {
            assert!(text.contains("organisation 7:viettel") && text.contains(height), "{text}");
        }
        let now = &case.now["properties"]["case"];
        assert_eq!((&now["submitted_sha256"], &now["decision"]["snapshot_sha256"]), (&second.1, &decided.1));
        let lines: Vec<&str> = decided.0.lines().collect();
        for line in [
            format!("version {version}"),
            format!("submitted {}", second.1.as_str().unwrap()),
            format!("run {} {}", run["id"].as_str().unwrap(), run["sha256"].as_str().unwrap()),
            "advice approve".to_owned(),
        ] {
            assert!(lines.contains(&line.as_str()), "{line}: {lines:?}");
        }
        // What was submitted is its carrier's to read; what the committee had before it is the government's.
        let own = history(&case, "carrier");
        let shown = |event: &str| own.iter().rfind(|e| e["event"] == event).unwrap()["snapshot"].clone();
        assert_eq!((shown("submit"), shown(decision)), (json!(second.0), Json::Null));
        trail_is_whole(&api);
    }
}

/// Leads a request to a permit under one condition.
fn conditioned(api: &Api) -> CaseOf<'_> {
    let mut case = CaseOf::file(api, (0.0, 0.0), column());
    case.lead_to_decision();
    let conditions = json!({"conditions": [{"text": "paint it", "reason": "landscape", "due_on": "2027-01-31"}]});
    case.step("approver", "approve_with_conditions", None, case.decision(conditions), "approved_with_conditions");
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    case
}

/// What shows that a condition is met is a file that is there, and another one may take its place until the column is verified.
#[test]
fn evidence_is_a_file_that_is_there_and_may_be_corrected() {
    let api = office();
    let mut case = conditioned(&api);
    let met = |hash: &str| json!({"condition": 1, "evidence": hash});
    let active = ["meet_condition", "notify_start"];
    for none in [FILE.to_owned(), sha256(b"a photograph")] {
        case.refused("carrier", "meet_condition", None, met(&none), &["evidence_kept"], &active);
    }
    // That of another request is none of it.
    let other = CaseOf::file(&api, (500.0, 0.0), column());
    let strange = other.shows("a photograph of another");
    case.refused("carrier", "meet_condition", None, met(&strange), &["evidence_kept"], &active);
    let (wrong, right) = (case.shows("a photograph of the lawn"), case.shows("a photograph of the paint"));
    case.step("carrier", "meet_condition", None, met(&wrong), "permit_active");
    case.step("carrier", "meet_condition", None, met(&right), "permit_active");
    assert_eq!(case.now["properties"]["case"]["conditions"][0]["evidence"], right);
    let told = history(&case, "carrier").iter().filter(|e| e["event"] == "meet_condition").count();
    assert_eq!(told, 2, "the first stays in the record");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((0.0, 1.0), 42.0), "as_built_submitted");
    case.step("carrier", "meet_condition", None, met(&wrong), "as_built_submitted");
    case.step("officer", "verify", None, json!({}), "verified");
    case.refused("carrier", "meet_condition", None, met(&right), &[], &[]);
}

/// A decision is of a day on which there was something to decide on, and which has come.
#[test]
fn a_decision_is_of_a_day_since_the_request_was_received() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    let on = |days: i32| {
        let of = api.sql(&format!("SELECT '{}'::date + {days}", today(&api))).unwrap();
        case.decision(json!({"on": of}))
    };
    for (event, state) in [("approve", "approved"), ("refuse", "refused")] {
        for days in [-1, 1] {
            let answer = case.sends("approver", event, Some("why"), on(days));
            assert_eq!(answer.status, 409, "{state} {days}: {}", answer.text);
            let unmet = answer.json()["unmet"].clone();
            assert_eq!((unmet.as_array().unwrap().len(), &unmet[0]["guard"]), (1, &json!("decision_date")), "{unmet}");
        }
    }
    age(&api, 3);
    let signed = on(-2);
    case.step("approver", "approve", None, signed, "approved");
}

/// Nobody was at a place tomorrow, nor before there was a request; nothing is surveyed before building begins, nor tomorrow, for from
/// that day on the work counts.
#[test]
fn a_visit_and_a_survey_are_of_a_day_that_has_come() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    case.settle();
    let day = |days: i32| json!(api.sql(&format!("SELECT '{}'::date + {days}", today(&api))).unwrap());
    let of = |days: i32, data: Json| merged(json!({"on": day(days)}), &data);
    let unmet = |case: &CaseOf<'_>, role: &str, event: &str, data: Json| {
        let answer = case.sends(role, event, None, data);
        assert_eq!(answer.status, 409, "{event}: {}", answer.text);
        answer.json()["unmet"].as_array().unwrap().iter().map(|one| one["guard"].clone()).collect::<Vec<_>>()
    };
    for days in [-1, 1] {
        assert_eq!(unmet(&case, "officer", "visit", of(days, visit())), ["visit_date"], "{days}");
    }
    let advice = json!({"advice": "approve"});
    assert_eq!(
        case.sends("officer", "recommend", Some("it fits"), advice.clone()).json()["unmet"][0]["guard"],
        "visited"
    );
    case.step("officer", "visit", None, visit(), "assessing");
    case.step("officer", "recommend", Some("it fits"), advice, "recommended");
    case.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    let stands = survey((0.0, 1.0), 42.0);
    for days in [-1, 1, 13_000] {
        assert_eq!(unmet(&case, "carrier", "submit_as_built", of(days, stands.clone())), ["survey_date"], "{days}");
    }
    case.step("carrier", "submit_as_built", None, stands, "as_built_submitted");
    case.step("officer", "verify", None, json!({}), "verified");
    let mast = format!("{WORKS}/{}", case.now["properties"]["work"].as_str().unwrap());
    assert_eq!(api.server.get("officer", &mast).json()["properties"]["valid_from"], day(0), "it counts");
    trail_is_whole(&api);
}

/// A day on which building was to begin, and that was announced wrongly, holds up no survey of what stands: that is of a day of the permit.
#[test]
fn a_start_that_was_announced_too_late_holds_up_no_survey() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    let last = case.now["properties"]["case"]["permit"]["valid_to"].clone();
    case.step("carrier", "notify_start", None, json!({"on": last}), "construction_notified");
    let before = api.sql(&format!("SELECT '{}'::date - 1", today(&api))).unwrap();
    let early = merged(json!({"on": before}), &survey((0.0, 1.0), 42.0));
    let built = ["meet_condition", "submit_as_built"];
    case.refused("carrier", "submit_as_built", None, early, &["survey_date"], &built);
    case.step("carrier", "submit_as_built", None, survey((0.0, 1.0), 42.0), "as_built_submitted");
}

/// A visit is of a day since the place was as it is: not of one before it was changed, and as well of one before an appeal.
#[test]
fn a_visit_is_of_a_day_since_what_is_visited_was_submitted() {
    let api = office();
    let of = |days: i32| {
        let on = api.sql(&format!("SELECT '{}'::date + {days}", today(&api))).unwrap();
        merged(json!({"on": on}), &visit())
    };
    let missing = || json!({"missing": ["design"]});
    let again = |case: &mut CaseOf<'_>| {
        case.step("carrier", "submit", None, json!({}), "submitted");
        case.step("officer", "accept", None, json!({}), "accepted");
        case.step("officer", "check", None, json!({}), "checking");
        case.settle();
    };
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    again(&mut case);
    age(&api, 3);
    case.step("officer", "visit", None, of(-3), "assessing");
    case.step("officer", "request_supplement", Some("why"), missing(), "returned_for_supplement");
    case.patch(json!({"height_agl_m": 41}));
    again(&mut case);
    let left = case.now["properties"]["allowed"].as_array().unwrap().clone();
    let left: Vec<&str> = left.iter().map(|event| event.as_str().unwrap()).collect();
    case.refused("officer", "visit", None, of(-1), &["visit_date"], &left);
    case.step("officer", "visit", None, of(0), "assessing");
    case.step("officer", "recommend", Some("it does not fit"), json!({"advice": "refuse"}), "recommended");
    case.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    case.step("approver", "refuse", Some("why"), case.decision(json!({})), "refused");
    age(&api, 3);
    case.step("carrier", "appeal", Some("why not"), json!({}), "appealed");
    case.step("other-approver", "admit_appeal", Some("the map was old"), json!({}), "awaiting_decision");
    case.step("other-approver", "send_back", Some("look again"), json!({}), "assessing");
    case.step("officer", "visit", None, of(-2), "assessing");
    case.refused("officer", "visit", None, of(-4), &["visit_date"], &left);
}

/// Leads a request to where its column is surveyed.
fn built<'a>(api: &'a Api, code: &str) -> CaseOf<'a> {
    let mut case = CaseOf::file(api, (0.0, 0.0), merged(json!({"code": code}), &column()));
    case.lead_to_decision();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    case.step("carrier", "notify_start", None, begins(api), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((0.0, 1.0), 41.0), "as_built_submitted");
    case
}

/// What was registered for a column that was to come is what stands then, by its id and its code; where the code of the request is that
/// of a column that stands already, what is new has another one.
#[test]
fn verifying_updates_the_work_that_is_named_and_takes_no_code_of_another() {
    for code in ["BTS-7", "BTS-8"] {
        let api = office();
        let mast = |code: &str, status: &str| {
            json!({"code": code, "kind": "mast", "organisation": "viettel", "column_class": "A2b", "status": status,
                "position_accuracy_m": 0, "valid_from": "2020-01-01"})
        };
        let old = api.add(WORKS, point(3_000.0, 0.0), mast("BTS-7", "in_service"));
        let next =
            api.add(WORKS, point(6_000.0, 0.0), merged(json!({"valid_from": "2099-01-01"}), &mast("NEXT", "planned")));
        let mut case = built(&api, code);
        let named = case.sends("officer", "verify", None, json!({"work": old}));
        assert_eq!((named.status, named.problems().len()), (422, 1), "it stands already: {}", named.text);
        let works = || api.sql("SELECT count(*) FROM works").unwrap();
        let of = |id: &str| api.server.get("officer", &format!("{WORKS}/{id}")).json();
        let before = of(&old);
        if code == "BTS-7" {
            case.step("officer", "verify", None, json!({}), "verified");
            let stands = of(case.now["properties"]["work"].as_str().unwrap());
            assert_eq!((&stands["properties"]["source"], works()), (&json!("as-built of BTS-7"), "3".into()));
            assert_ne!(stands["properties"]["code"], "BTS-7");
        } else {
            case.step("officer", "verify", None, json!({"work": next}), "verified");
            assert_eq!((case.now["properties"]["work"].as_str(), works()), (Some(next.as_str()), "2".into()));
            let stands = of(&next);
            let told = &stands["properties"];
            assert_eq!(
                (&told["code"], &told["status"], &told["height_agl_m"], &told["version"], &told["valid_from"]),
                (&json!("NEXT"), &json!("in_service"), &json!(41.0), &json!(2), &json!(today(&api)))
            );
            let at = |place: &Json| place["geometry"]["coordinates"][0].as_f64().unwrap();
            assert!((at(&stands) - at(&case.now)).abs() < 1e-5, "{stands}");
        }
        assert_eq!(of(&old), before);
        trail_is_whole(&api);
    }
}

/// Where a work of the carrier that is to come has the code of the request it is the one that is built: it is named, and none is made
/// beside it.
#[test]
fn a_work_that_is_to_come_by_the_code_of_the_request_is_named() {
    let api = office();
    let planned = json!({"code": "BTS-7", "kind": "mast", "organisation": "viettel", "column_class": "A2b",
        "status": "planned", "position_accuracy_m": 0, "valid_from": "2099-01-01"});
    let planned = api.add(WORKS, point(6_000.0, 0.0), planned);
    let mut case = built(&api, "BTS-7");
    let unnamed = case.sends("officer", "verify", None, json!({}));
    let problems = unnamed.problems();
    assert_eq!((unnamed.status, problems.len()), (422, 1), "{}", unnamed.text);
    let says = |what: &str| problems[0].contains(what);
    assert!(problems[0].starts_with("/data/work: ") && says("BTS-7") && says(&planned), "{problems:?}");
    case.step("officer", "verify", None, json!({"work": planned}), "verified");
    let works = "SELECT string_agg(code || ' ' || status, ',') FROM works";
    assert_eq!(api.sql(works).unwrap(), "BTS-7 in_service");
    trail_is_whole(&api);
}

/// Two reasons for which the clock stands still have both to be over before it runs on, whichever is over first.
#[test]
fn a_carrier_ends_no_pause_of_the_office() {
    for office_first in [true, false] {
        let api = office();
        let mut case = CaseOf::file(&api, (0.0, 0.0), column());
        case.step("carrier", "submit", None, json!({}), "submitted");
        case.step("officer", "accept", None, json!({}), "accepted");
        let due = case.now["properties"]["due_on"].as_str().unwrap().to_owned();
        case.step("officer", "pause", Some("a court"), json!({"why": "legal_action"}), "accepted");
        age(&api, 7);
        let missing = json!({"missing": ["design"]});
        case.step("officer", "request_supplement", Some("why"), missing, "returned_for_supplement");
        age(&api, 7);
        let still = |case: &CaseOf<'_>, why: &str| {
            let read = &case.now["properties"];
            assert_eq!((&read["due_on"], &read["overdue"]), (&Json::Null, &json!(false)), "{office_first} {why}");
            let paused = case.api.server.get("officer", &case.path()).json();
            assert_eq!(paused["properties"]["case"]["clock"]["paused"]["reason"], why, "{office_first}");
        };
        if office_first {
            case.step("officer", "resume", None, json!({}), "returned_for_supplement");
            still(&case, "missing_information");
            age(&api, 14);
            case.step("carrier", "submit", None, json!({}), "submitted");
        } else {
            case.step("carrier", "submit", None, json!({}), "submitted");
            still(&case, "legal_action");
            case.step("officer", "accept", None, json!({}), "accepted");
            still(&case, "legal_action");
            age(&api, 14);
            case.step("officer", "resume", None, json!({}), "accepted");
        }
        // All of the four weeks stands still, as if one pause had lasted as long.
        let clock = case.now["properties"]["case"]["clock"].clone();
        let due_on = case.now["properties"]["due_on"].as_str().unwrap();
        assert_eq!((&clock["paused"], &clock["used_days"]), (&Json::Null, &json!(0)), "{office_first} {clock}");
        let moved = format!("SELECT '{due_on}'::date - ('{due}'::date - 28) >= 26");
        assert_eq!(api.sql(&moved).unwrap(), "true", "{office_first}: {due} {clock}");
        let again = case.sends("officer", "resume", None, json!({}));
        assert_eq!(again.status, 409, "{office_first}: {}", again.text);
    }
}

/// Who is of both sides neither recommends nor decides on what his own organisation asks for, nor on an appeal of it.
#[test]
fn nobody_judges_what_his_own_organisation_asks_for() {
    let own = TokenSetting {
        token: Secret(token("applicant")),
        name: "applicant".into(),
        organisation: Some("viettel".into()),
        roles: ["carrier", "officer", "approver"].map(str::to_owned).to_vec(),
        jurisdictions: None,
    };
    let api = with_rules(Api::with(|settings| settings.tokens.push(own)));
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("applicant", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    case.settle();
    case.step("officer", "visit", None, visit(), "assessing");
    let unmet = |case: &CaseOf<'_>, event: &str, data: Json| -> Vec<Json> {
        let answer = case.sends("applicant", event, Some("why"), data);
        assert_eq!(answer.status, 409, "{event}: {}", answer.text);
        answer.json()["unmet"].as_array().unwrap().iter().map(|one| one["guard"].clone()).collect()
    };
    assert_eq!(unmet(&case, "recommend", json!({"advice": "approve"})), ["not_applicant"]);
    case.step("officer", "recommend", Some("it fits"), json!({"advice": "approve"}), "recommended");
    case.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    for event in ["approve", "refuse"] {
        assert_eq!(unmet(&case, event, case.decision(json!({}))), ["not_applicant"]);
    }
    case.step("approver", "refuse", Some("why"), case.decision(json!({})), "refused");
    case.step("applicant", "appeal", Some("why not"), json!({}), "appealed");
    for event in ["admit_appeal", "dismiss_appeal"] {
        assert_eq!(unmet(&case, event, json!({})), ["not_applicant"]);
    }
}
