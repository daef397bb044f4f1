//! A request in each state: whatever does not lead on from there, or is somebody else's to send, is refused with its reason and with what
//! may be sent instead, and nothing comes of it.

use clearway::domain::actor::Role;
use clearway::domain::site_request::table::TABLE;
use clearway::domain::site_request::words::{Event, State};
use clearway::domain::word::Word;
use clearway::domain::workflow::By;
use serde_json::{Value as Json, json};

use crate::help::Api;
use crate::site_request::{CaseOf, FILE, begins, column, survey, today, visit};
use crate::support::run_sql;

const NONE: &str = "01920000-0000-7000-8000-000000000000";

/// What may be said with an event.
fn said(api: &Api, event: Event) -> Json {
    match event {
        Event::RequestSupplement => json!({"missing": ["design"]}),
        Event::Answer => json!({"answer": "agree"}),
        Event::Visit => visit(),
        Event::Recommend => json!({"advice": "approve"}),
        Event::Approve | Event::ApproveWithConditions | Event::RequireSharing | Event::Refuse => {
            json!({"number": "1", "on": today(api), "signer": "chair", "file": FILE, "run": NONE, "run_sha256": FILE})
        }
        Event::RecordAgreement => json!({"column": NONE, "number": "1", "on": today(api), "file": FILE}),
        Event::Refer | Event::IssuePermit => json!({"number": "1"}),
        Event::NotifyStart => begins(api),
        Event::MeetCondition => json!({"condition": 1, "evidence": FILE}),
        Event::SubmitAsBuilt => survey((0.0, 0.0), 42.0),
        Event::Pause => json!({"why": "force_majeure"}),
        Event::Extend => json!({"days": 1, "agreed": true}),
        _ => json!({}),
    }
}

/// What somebody of a role may send, by the table; the carrier's own it is, and nobody was asked.
fn may(state: State, role: Role) -> Vec<&'static str> {
    let rows = TABLE.iter().filter(|row| row.from.contains(&state));
    let his = rows.filter(|row| match row.by {
        By::Roles(roles) | By::Owner(roles) | By::Asked(_, roles) => roles.contains(&role),
        By::Timer => false,
    });
    his.map(|row| row.event.as_str()).collect()
}

#[test]
fn in_each_state_what_does_not_lead_on_is_refused_and_says_what_does() {
    let api = Api::new();
    let mut case = CaseOf::bare(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    let all = [("carrier", Role::Carrier), ("officer", Role::Officer), ("approver", Role::Approver)];
    let stored = || {
        let of = "(SELECT version FROM site_requests), (SELECT count(*) FROM site_request_events), (SELECT sum(revision) FROM revisions)";
        api.sql(&format!("SELECT concat_ws(' ', {of})")).unwrap()
    };
    let (before, mut sent) = (stored(), 0);
    for (n, (state, word)) in State::ALL.iter().enumerate() {
        run_sql(
            &api.database.url,
            &format!(
                "SET session_replication_role = replica; UPDATE site_requests SET state = '{word}';
                 UPDATE site_request_events SET to_state = '{word}'"
            ),
        );
        // A draft is its carrier's.
        let people = if *state == State::Draft { &all[..1] } else { &all[..] };
        for (role, of) in people {
            let read = api.server.get(role, &case.path()).json()["properties"].clone();
            assert_eq!((&read["state"], &read["allowed"]), (&json!(word), &json!(may(*state, *of))), "{word} {role}");
        }
        for (k, (event, name)) in Event::ALL.iter().enumerate() {
            let turn = (0..people.len()).map(|more| people[(n + k + more) % people.len()]);
            let Some((role, of)) = turn.into_iter().find(|(_, of)| !may(*state, *of).contains(name)) else { continue };
            let answer = case.sends_with(role, "\"2\"", name, Some("why"), said(&api, *event));
            let problem = answer.json();
            assert_eq!(
                (answer.status, &problem["type"], &problem["unmet"], &problem["allowed"]),
                (409, &json!("/problems/step-refused"), &json!([]), &json!(may(*state, of))),
                "{word} {role} {name}: {}",
                answer.text
            );
            let leads = TABLE.iter().any(|row| row.event == *event && row.from.contains(state));
            let why = if leads {
                format!("«{name}» is not for you to send")
            } else {
                format!("«{name}» is not for a request that is {word}")
            };
            assert_eq!(problem["detail"], why, "{word} {role}");
            sent += 1;
        }
    }
    assert_eq!(stored(), before, "nothing came of any of them");
    assert!(sent > 800, "{sent}");
}
