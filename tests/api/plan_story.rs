//! A plan from its draft to its end, and a mast in its zone, as those send the steps who do. In each state everything that does not lead on
//! is refused, with its reason and with what may be sent instead; and so is everything that leads on where something lacks.

use clearway::domain::plan::{PlanEvent, TRANSITIONS};
use clearway::domain::word::Word;
use clearway::domain::workflow::By;
use serde_json::{Value as Json, json};

use crate::help::{Api, merged};
use crate::plan::{ZONES, committee, decision, unmet, zone};
use crate::site_check::{evidence, finding};
use crate::site_request::{CaseOf, begins, column, survey};
use crate::site_request_story::office;

/// In a state an officer and an approver may send these events, and no others: whatever else is sent, by whomever, is refused, says why,
/// and what he may send.
#[track_caller]
fn in_state(api: &Api, id: &str, state: &str, of_officer: &[&str], of_approver: &[&str]) {
    let path = format!("/api/plans/{id}");
    assert_eq!(api.server.get("officer", &path).json()["state"], state);
    let before = api.server.get("officer", &path);
    for (role, own, others) in [("officer", of_officer, of_approver), ("approver", of_approver, of_officer)] {
        assert_eq!(api.server.get(role, &path).json()["allowed"], json!(own), "{state} {role}");
        for (_, event) in PlanEvent::ALL.iter().filter(|(_, event)| !own.contains(event)) {
            let answer = api.event(role, id, event, &json!({}));
            let problem = answer.json();
            let says = |text: &str| assert!(answer.text.contains(text), "{state} {role} {event}: {}", answer.text);
            let of_timer = TRANSITIONS.iter().any(|row| row.event.as_str() == *event && row.by == By::Timer);
            if others.contains(event) || answer.status == 403 && of_timer {
                assert_eq!(
                    (answer.status, &problem["type"]),
                    (403, &json!("/problems/not-permitted")),
                    "{state} {role} {event}"
                );
                says("your roles do not let you");
            } else {
                assert_eq!(
                    (answer.status, &problem["type"]),
                    (409, &json!("/problems/step-refused")),
                    "{state} {role} {event}"
                );
                says(&format!("{event} does not lead on from {state}"));
                assert_eq!(
                    (&problem["allowed"], &problem["unmet"]),
                    (&json!(own), &json!([])),
                    "{state} {role} {event}"
                );
            }
        }
    }
    for role in ["carrier", "inspector"] {
        for event in [of_officer, of_approver].concat() {
            assert_eq!(api.event(role, id, event, &json!({})).status, 403, "{state} {role} {event}");
        }
    }
    let after = api.server.get("officer", &path);
    assert_eq!(
        (before.json(), before.header("etag")),
        (after.json(), after.header("etag")),
        "{state}: nothing came of it"
    );
}

/// What leads on and lacks something is refused with each guard that does not hold, a reason to each, and what may be sent.
#[track_caller]
fn lacks(api: &Api, role: &str, id: &str, event: &str, data: &Json, guards: &[&str], allowed: &[&str]) {
    let answer = api.event(role, id, event, data);
    assert_eq!(unmet(&answer), guards, "{event}: {}", answer.text);
    let problem = answer.json();
    let reasons = problem["unmet"].as_array().unwrap();
    assert!(reasons.iter().all(|u| u["detail"].as_str().is_some_and(|why| !why.is_empty())), "{}", answer.text);
    assert_eq!(problem["allowed"], json!(allowed), "{event}");
}

/// Sends an event without a reason.
fn without_reason(api: &Api, role: &str, id: &str, event: &str) -> Vec<String> {
    let path = format!("/api/plans/{id}");
    let now = api.server.get("officer", &path);
    let answer = api.json_as(role, "POST", &format!("{path}/events"), now.header("etag"), &json!({"event": event}));
    unmet(&answer)
}

#[test]
#[allow(clippy::too_many_lines)] // one story
fn a_plan_from_its_draft_to_a_mast_and_to_its_end() {
    let api = office();
    committee(&api);
    let id = api.plan("QH-STORY", 0);
    let no = json!({});
    // The draft.
    in_state(&api, &id, "draft", &["begin_appraisal"], &[]);
    lacks(&api, "officer", &id, "begin_appraisal", &no, &["zones"], &["begin_appraisal"]);
    let mut bare = zone(&id, "Z-1", 0.0, 0.0);
    bare["properties"] = json!({"plan": id, "code": "Z-1"});
    let drawn = api.on_grid("officer", "POST", ZONES, &bare);
    assert_eq!(drawn.status, 201, "{}", drawn.text);
    lacks(&api, "officer", &id, "begin_appraisal", &no, &["limits"], &["begin_appraisal"]);
    let path = format!("{ZONES}/{}", drawn.json()["id"].as_str().unwrap());
    let limits = json!({"properties": {"column_classes": ["A2b"], "height_max_m": 45}});
    assert_eq!(api.on_grid("officer", "PATCH", &path, &limits).status, 200);
    api.done("officer", &id, "begin_appraisal", &no);
    // The appraisal, and what it is returned for.
    let (appraising, waive) = (["appraise", "return"], ["waive"]);
    in_state(&api, &id, "in_appraisal", &appraising, &waive);
    lacks(&api, "officer", &id, "appraise", &no, &["appraisal_number", "fresh_check"], &appraising);
    lacks(&api, "approver", &id, "waive", &no, &["fresh_check", "waivable"], &waive);
    assert_eq!(without_reason(&api, "officer", &id, "return"), ["reason"]);
    api.done("officer", &id, "return", &no);
    in_state(&api, &id, "draft", &["begin_appraisal"], &[]);
    api.done("officer", &id, "begin_appraisal", &no);
    let run = api.check(&id);
    lacks(&api, "officer", &id, "appraise", &no, &["appraisal_number"], &appraising);
    api.done("officer", &id, "appraise", &json!({"appraisal_number": "BC-1"}));
    // The submission.
    in_state(&api, &id, "appraised", &["submit"], &waive);
    lacks(&api, "officer", &id, "submit", &no, &["submission_number"], &["submit"]);
    api.done("officer", &id, "submit", &json!({"submission_number": "TTr-1"}));
    // The decision.
    let deciding = ["approve", "return", "reject", "waive"];
    in_state(&api, &id, "submitted", &[], &deciding);
    let stated =
        ["check_named", "decision_number", "decision_date", "decision_signer", "effective_period", "file_hash"];
    lacks(&api, "approver", &id, "approve", &no, &stated, &deciding);
    assert_eq!(without_reason(&api, "approver", &id, "return"), ["reason"]);
    assert_eq!(without_reason(&api, "approver", &id, "reject"), ["reason"]);
    let data = decision(&run, "2026-01-01", &json!(null));
    let late = merged(json!({"decision_date": "2999-01-01", "effective_from": "2999-01-01"}), &data);
    lacks(&api, "approver", &id, "approve", &late, &["decision_date"], &deciding);
    let backwards = merged(json!({"effective_to": "2025-12-31"}), &data);
    lacks(&api, "approver", &id, "approve", &backwards, &["effective_period"], &deciding);
    api.done("approver", &id, "approve", &data);
    // Decided, it is published or taken back.
    in_state(&api, &id, "approved", &["publish"], &["revoke"]);
    assert_eq!(without_reason(&api, "approver", &id, "revoke"), ["reason"]);
    let early = CaseOf::file(&api, (50.0, 50.0), column());
    assert_eq!(api.codes("carrier", ""), [""; 0], "nobody reads what is not published");
    assert_eq!(api.amend(&id).status, 409);
    api.done("officer", &id, "publish", &no);
    in_state(&api, &id, "published", &[], &["suspend", "revoke"]);
    assert_eq!(without_reason(&api, "approver", &id, "suspend"), ["reason"]);
    assert_eq!(api.codes("carrier", ""), ["Z-1"]);

    // A mast in its zone.
    let mut case = early;
    case.lead_to_decision();
    let run = case.now["properties"]["case"]["check"]["id"].as_str().unwrap().to_owned();
    let run = api.server.get("officer", &format!("/api/site-checks/{run}")).json();
    assert!(evidence(finding(&run, "ZON")).contains(&"QH-STORY/1/Z-1"), "{run}");
    let deciding = ["check", "send_back", "approve", "approve_with_conditions", "require_sharing", "refuse"];
    case.refused("approver", "require_sharing", None, case.decision(json!({})), &["sharing_found"], &deciding);
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    case.refused("carrier", "notify_start", None, begins(&api), &[], &[]);
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.refused("officer", "verify", None, json!({}), &[], &[]);
    case.step("carrier", "submit_as_built", None, survey((50.0, 57.0), 41.0), "as_built_submitted");
    case.refused("officer", "verify", None, json!({}), &["within_tolerance"], &["return_as_built", "verify"]);
    case.step("inspector", "return_as_built", Some("7 m away"), json!({}), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((50.0, 51.0), 41.0), "as_built_submitted");
    case.step("officer", "verify", None, json!({}), "verified");

    // Its end: suspended, superseded by the next version, which is rejected at first.
    api.done("approver", &id, "suspend", &no);
    in_state(&api, &id, "suspended", &[], &["revoke"]);
    let rejected = api.amended(&id);
    api.submitted(&rejected);
    api.done("approver", &rejected, "reject", &no);
    in_state(&api, &rejected, "rejected", &[], &[]);
    let next = api.amended(&id);
    api.published(&next, "2026-06-01", json!(null));
    in_state(&api, &id, "superseded", &[], &[]);
    api.done("approver", &next, "revoke", &no);
    in_state(&api, &next, "revoked", &[], &[]);
    let over = api.plan("QH-OVER", 1);
    api.published(&over, "2026-01-01", json!("2026-02-01"));
    in_state(&api, &over, "expired", &[], &[]);
    assert_eq!(api.faults(), []);
}
