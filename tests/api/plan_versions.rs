//! Versions of a plan that follow each other, and are taken back: which one is in force on which day.

use clearway::actions::plan::upkeep;
use serde_json::{Value as Json, json};

use crate::checked_again::in_turn;
use crate::help::{Api, merged};
use crate::plan::{api, decision, unmet};

impl Api {
    fn in_force(&self, id: &str) -> Json {
        self.server.get("officer", &format!("/api/plans/{id}")).json()["in_force"].clone()
    }

    fn steps(&self, id: &str) -> Vec<String> {
        let history = self.server.get("officer", &format!("/api/plans/{id}/history")).json();
        let events = history["events"].as_array().unwrap().iter();
        events.map(|step| step["event"].as_str().unwrap().to_owned()).collect()
    }
}

/// An amendment that is taken back before its day leaves the one before as it was.
#[test]
fn what_was_to_be_superseded_goes_on_where_its_amendment_is_revoked() {
    let api = api();
    for event in ["revoke", "suspend"] {
        let first = api.plan(&format!("QH-{event}"), 1);
        api.published(&first, "2026-01-01", json!(null));
        let path = format!("/api/plans/{first}");
        let second = api.amended(&first);
        api.published(&second, "2028-01-01", json!(null));
        let known = || {
            let all = format!(
                "SELECT string_agg(concat_ws(' ', code, valid_from, valid_to), '; ' ORDER BY code)
                 FROM reference_features WHERE dataset = 'QH-{event}'"
            );
            (api.server.get("", &path).json()["in_force"]["to"].clone(), api.sql(&all).unwrap())
        };
        let one = format!("QH-{event}/1/Z-0000 2026-01-01");
        let both = format!("{one} 2027-12-31; QH-{event}/2/Z-0000 2028-01-01");
        assert_eq!(known(), (json!("2027-12-31"), both));
        api.done("approver", &second, event, &json!({}));
        assert_eq!(known(), (json!(null), one));
        assert_eq!(api.server.get("", &path).json()["state"], "published");
    }
    assert_eq!(api.faults(), []);
}

/// Of three versions, of which two are yet to come, one is in force on each day, whichever are taken back; and what went on can be
/// amended again, whatever was begun on what is no more.
#[test]
fn of_versions_that_are_yet_to_come_some_are_taken_back() {
    let api = api();
    for (n, event) in ["revoke", "suspend"].into_iter().enumerate() {
        let first = api.plan(&format!("QH-2{n}"), 1);
        api.published(&first, "2026-01-01", json!(null));
        let second = api.amended(&first);
        api.published(&second, "2098-01-01", json!(null));
        let third = api.amended(&second);
        api.published(&third, "2099-01-01", json!(null));
        let in_force = |id: &str| api.server.get("", &format!("/api/plans/{id}")).json()["in_force"].clone();
        let days = |from: &str, to: Option<&str>| json!({"from": from, "to": to});
        assert_eq!(in_force(&second), days("2098-01-01", Some("2098-12-31")));
        api.done("approver", &second, event, &json!({}));
        assert_eq!(in_force(&first), days("2026-01-01", Some("2098-12-31")));
        assert_eq!(in_force(&second), json!(null));
        api.done("approver", &third, event, &json!({}));
        assert_eq!(in_force(&first), days("2026-01-01", None));
        // What was suspended before it began is no base for the next one; what went on is.
        assert_eq!(api.amend(&third).status, 409);
        let fourth = api.amended(&first);
        assert_eq!(api.amend(&first).status, 409, "that is there");
        api.published(&fourth, "2097-01-01", json!(null));
        let fifth = api.amended(&fourth);
        let data = api.submitted(&fifth);
        api.done("approver", &fifth, "approve", &merged(json!({"effective_from": "2097-02-01"}), &data));
        api.done("approver", &fourth, event, &json!({}));
        let late = api.event("officer", &fifth, "publish", &json!({}));
        assert_eq!(unmet(&late), ["newest"], "{}", late.text);
        // It stands on what is no more, and in nobody's way.
        let sixth = api.amended(&first);
        let gone = api.done("approver", &fifth, "revoke", &json!({}));
        assert_eq!(gone["in_force"], json!(null));
        // And the one that was suspended is revoked when another version begins on its day: that one stands.
        api.published(&sixth, "2097-01-01", json!(null));
        assert_eq!(in_force(&first), days("2026-01-01", Some("2096-12-31")));
        if event == "suspend" {
            api.done("approver", &fourth, "revoke", &json!({}));
            assert_eq!(in_force(&first), days("2026-01-01", Some("2096-12-31")));
        }
        api.done("approver", &sixth, event, &json!({}));
        assert_eq!(in_force(&first), days("2026-01-01", None));
        let shown = format!(
            "SELECT string_agg(concat_ws(' ', code, valid_from, valid_to), '; ' ORDER BY code)
             FROM reference_features WHERE dataset = 'QH-2{n}'"
        );
        assert_eq!(api.sql(&shown), Some(format!("QH-2{n}/1/Z-0000 2026-01-01")));
    }
    assert_eq!(api.faults(), []);
}

/// Two versions that are yet to come are taken back at the same moment, whichever comes first: what is in force goes on for good.
#[test]
fn of_versions_that_are_taken_back_at_the_same_moment_none_leaves_a_day_without_one() {
    let api = api();
    let mut in_force = 0;
    for (n, (one, other)) in
        [("revoke", "revoke"), ("suspend", "revoke"), ("revoke", "suspend")].into_iter().enumerate()
    {
        for turned in [false, true] {
            let code = format!("QH-3{n}{}", u8::from(turned));
            let first = api.plan(&code, 1);
            api.published(&first, "2026-01-01", json!(null));
            let second = api.amended(&first);
            api.published(&second, "2098-01-01", json!(null));
            let third = api.amended(&second);
            api.published(&third, "2099-01-01", json!(null));
            let take_second = || api.event("approver", &second, one, &json!({}));
            let take_third = || api.event("approver", &third, other, &json!({}));
            let (second_gone, third_gone) = if turned {
                let (third_gone, second_gone) = in_turn(&api, "VN-72", take_third, take_second);
                (second_gone, third_gone)
            } else {
                in_turn(&api, "VN-72", take_second, take_third)
            };
            assert_eq!(third_gone.status, 200, "{code}: {}", third_gone.text);
            // That the second goes on is another version of it.
            assert_eq!(second_gone.status, if turned { 412 } else { 200 }, "{code}: {}", second_gone.text);
            if turned {
                api.done("approver", &second, one, &json!({}));
            }
            let all = [&first, &second, &third].map(|id| api.in_force(id));
            assert_eq!(all, [json!({"from": "2026-01-01", "to": null}), json!(null), json!(null)], "{code}");
            in_force += 1;
            assert_eq!(api.codes("", "datetime=2100-01-01").len(), in_force, "{code}");
        }
    }
    assert_eq!(api.faults(), []);
}

/// What was begun on a version that is no more is never decided on, and stands in nobody's way, however far it has come.
#[test]
fn what_stands_on_a_version_that_was_taken_back_is_not_approved_and_blocks_nothing() {
    let api = api();
    for (n, event) in ["revoke", "suspend"].into_iter().enumerate() {
        for (k, come) in ["draft", "in_appraisal", "appraised", "submitted", "approved"].into_iter().enumerate() {
            let first = api.plan(&format!("QH-4{n}{k}"), 1);
            api.published(&first, "2026-01-01", json!(null));
            let second = api.amended(&first);
            api.published(&second, "2098-01-01", json!(null));
            let dead = api.amended(&second);
            let (mut run, numbers) =
                (json!({}), json!({"appraisal_number": "BC-12/2026", "submission_number": "TTr-7/2026"}));
            for step in ["begin_appraisal", "appraise", "submit", "approve"].into_iter().take(k) {
                match step {
                    "appraise" => run = api.check(&dead),
                    "approve" => {
                        let data = decision(&run, "2099-01-01", &json!(null));
                        api.done("approver", &dead, "approve", &data);
                        continue;
                    }
                    _ => {}
                }
                let data = match step {
                    "appraise" => json!({"appraisal_number": numbers["appraisal_number"]}),
                    "submit" => json!({"submission_number": numbers["submission_number"]}),
                    _ => json!({}),
                };
                api.done("officer", &dead, step, &data);
            }
            let path = format!("/api/plans/{dead}");
            assert_eq!(api.server.get("officer", &path).json()["state"], come);
            assert_eq!(api.amend(&second).status, 409, "{come}: until then it is the next one");
            api.done("approver", &second, event, &json!({}));
            let next = api.amend(&first);
            assert_eq!(next.status, 201, "{event} {come}: {}", next.text);
            assert_eq!((&next.json()["number"], &next.json()["amends"]), (&json!(4), &json!(first)));
            assert_eq!(api.amend(&first).status, 409, "{come}: one at a time");
            match come {
                "submitted" => {
                    let data = decision(&run, "2099-01-01", &json!(null));
                    let refused = api.event("approver", &dead, "approve", &data);
                    assert_eq!(unmet(&refused), ["newest"], "{}", refused.text);
                    assert_eq!(refused.json()["allowed"], json!(["approve", "return", "reject", "waive"]));
                    api.done("approver", &dead, "reject", &json!({}));
                }
                "approved" => {
                    assert_eq!(unmet(&api.event("officer", &dead, "publish", &json!({}))), ["newest"]);
                }
                _ => {}
            }
            let fourth = next.json()["id"].as_str().unwrap().to_owned();
            api.published(&fourth, "2097-01-01", json!(null));
            assert_eq!(api.in_force(&first), json!({"from": "2026-01-01", "to": "2096-12-31"}));
        }
    }
    assert_eq!(api.faults(), []);
}

/// What is over has been what it was: an amendment takes no day from it, whether that it is over was recorded before the decision, before
/// the publication, or not yet.
#[test]
fn an_amendment_of_what_is_over_begins_after_its_last_day() {
    let api = api();
    let context = api.database.context();
    for recorded in [false, true] {
        let first = api.plan(&format!("QH-6-{recorded}"), 1);
        api.published(&first, "2026-01-01", json!("2026-06-30"));
        if recorded {
            assert!(upkeep::expire(&context).unwrap() > 0);
        }
        let second = api.amended(&first);
        let data = api.submitted(&second);
        let of = |from: &str| merged(json!({"effective_from": from}), &data);
        for from in ["2026-03-01", "2026-06-30"] {
            let refused = api.event("approver", &second, "approve", &of(from));
            assert_eq!(unmet(&refused), ["effective_period"], "{recorded} {from}");
            assert!(refused.text.contains("last day of the version that it amends"), "{}", refused.text);
        }
        api.done("approver", &second, "approve", &of("2026-07-01"));
        api.done("officer", &second, "publish", &json!({}));
        assert_eq!(api.in_force(&first), json!({"from": "2026-01-01", "to": "2026-06-30"}));
        assert_eq!(api.in_force(&second), json!({"from": "2026-07-01", "to": null}));
    }
    // Decided on while it was in force, published when it was over.
    for recorded in [false, true] {
        let first = api.plan(&format!("QH-7-{recorded}"), 1);
        api.published(&first, "2026-01-01", json!("2099-12-31"));
        let second = api.amended(&first);
        let data = api.submitted(&second);
        api.done("approver", &second, "approve", &merged(json!({"effective_from": "2026-03-01"}), &data));
        crate::support::run_sql(
            &api.database.url,
            &format!(
                "SET session_replication_role = replica; UPDATE plans SET effective_to = '2026-06-30' WHERE id = '{first}'"
            ),
        );
        if recorded {
            assert!(upkeep::expire(&context).unwrap() > 0);
        }
        let refused = api.event("officer", &second, "publish", &json!({}));
        assert_eq!(unmet(&refused), ["newest"], "{recorded}: {}", refused.text);
        assert!(refused.text.contains("decide anew"), "{}", refused.text);
    }
}

/// That a version goes on because what was to follow it was taken back is a step of its own, of which all hear who heard that it was to
/// end.
#[test]
fn that_a_version_goes_on_stands_in_its_history_and_is_told() {
    let api = api();
    crate::support::run_sql(
        &api.database.url,
        "INSERT INTO organisations VALUES ('office', 'office', 'office'), ('viettel', 'viettel', 'carrier')",
    );
    for event in ["revoke", "suspend"] {
        let first = api.plan(&format!("QH-5-{event}"), 1);
        api.published(&first, "2026-01-01", json!(null));
        let second = api.amended(&first);
        api.published(&second, "2098-01-01", json!(null));
        let third = api.amended(&second);
        api.published(&third, "2099-01-01", json!(null));
        let told = |id: &str| {
            let all = format!(
                "SELECT count(*) || ' ' || coalesce(string_agg(DISTINCT concat_ws(' ', state, array_to_string(organisations, ',')), ';'), '')
                 FROM outbox WHERE event = 'go_on' AND subject = '{id}'"
            );
            api.sql(&all).unwrap()
        };
        assert_eq!((told(&first), told(&second)), ("0 ".into(), "0 ".into()));
        api.done("approver", &second, event, &json!({}));
        assert_eq!(api.in_force(&first), json!({"from": "2026-01-01", "to": "2098-12-31"}));
        assert_eq!(told(&first), "1 published committee,office,viettel");
        api.done("approver", &third, event, &json!({}));
        assert_eq!(api.steps(&first).split_off(4), ["publish", "go_on", "go_on"]);
        assert_eq!(told(&first), "2 published committee,office,viettel");
        let history = api.server.get("officer", &format!("/api/plans/{first}/history")).json();
        let last = history["events"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["actor"], &last["from"], &last["to"]),
            (&json!("timer"), &json!("published"), &json!("published"))
        );
        assert_eq!(told(&second), "0 ", "it is no more");
        // What was in force when it was taken back leaves nobody to go on, and nobody sends it.
        let by_hand = api.event("approver", &first, "go_on", &json!({}));
        assert_eq!(by_hand.status, 403, "{}", by_hand.text);
        api.done("approver", &first, event, &json!({}));
        assert_eq!(told(&first), "2 published committee,office,viettel");
    }
    assert_eq!(api.faults(), []);
}
