//! Versions of a plan that follow each other, and are taken back: which one is in force on which day.

use std::collections::{BTreeMap, BTreeSet};

use clearway::actions::plan::upkeep;
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use crate::at_random::Dice;
use crate::checked_again::in_turn;
use crate::help::{Api, merged};
use crate::plan::{ZONES, api, decision, unmet, zone};
use crate::site_request::today;

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

/// What was in force yesterday was so, whatever is decided today: a decision is of no day before the plan was submitted to whoever decides.
#[test]
fn a_decision_on_a_plan_is_of_a_day_since_it_was_submitted() {
    let api = api();
    let first = api.plan("QH-8", 1);
    api.published(&first, "2026-01-01", json!(null));
    let listed = |day: &str| api.zones("", &format!("datetime={day}"))[0]["properties"]["plan"].clone();
    api.done("approver", &first, "suspend", &json!({}));
    let second = api.amended(&first);
    let data = api.submitted(&second);
    let day = |days: i32| api.sql(&format!("SELECT '{}'::date + {days}", today(&api))).unwrap();
    let decides = |on: &str, from: &str| {
        let data = merged(json!({"decision_date": on, "effective_from": from}), &data);
        api.event_now("approver", &second, "approve", &data)
    };
    for (on, from) in [("2026-01-01", "2026-06-01"), (&day(-1), &day(-1)), (&day(1), &day(1))] {
        let refused = decides(on, from);
        assert_eq!(unmet(&refused), ["decision_date"], "{on}: {}", refused.text);
    }
    let approved = decides(&day(0), &day(0));
    assert_eq!(approved.status, 200, "{}", approved.text);
    api.done("officer", &second, "publish", &json!({}));
    assert_eq!((listed("2026-08-01"), listed(&day(-1))), (json!(first), json!(first)));
    assert_eq!((listed(&day(0)), api.faults()), (json!(second), vec![]));
}

/// The days on which versions begin and end; some are past.
const DAYS: [&str; 9] = [
    "2026-01-01",
    "2026-02-01",
    "2026-04-01",
    "2026-07-01",
    "2026-10-01",
    "2097-01-01",
    "2098-01-01",
    "2099-01-01",
    "2099-07-01",
];

/// Versions of plans that are drawn, decided, published and taken back by chance.
struct Chain<'a> {
    api: &'a Api,
    dice: Dice,
    /// The versions of each plan, the newest last; of a plan that is over another one follows.
    plans: Vec<Vec<String>>,
    /// What was done, how often.
    done: BTreeMap<&'static str, usize>,
}

impl Chain<'_> {
    fn state(&self, id: &str) -> String {
        let now = self.api.server.get("officer", &format!("/api/plans/{id}")).json();
        now["state"].as_str().unwrap().to_owned()
    }

    /// One step of one version; whether it was made.
    fn step(&mut self) -> bool {
        const OVER: [&str; 3] = ["revoked", "rejected", "superseded"];
        let mut versions = self.plans.last().unwrap().clone();
        versions.retain(|id| !OVER.contains(&self.state(id).as_str()));
        if versions.is_empty() {
            let next = self.api.plan(&format!("QH-R{}", self.plans.len()), 2);
            self.plans.push(vec![next]);
            return false;
        }
        // Mostly of the newest.
        let id = if self.dice.once_in(3) { self.dice.one(&versions).clone() } else { versions.last().unwrap().clone() };
        let state = self.state(&id);
        let what = match state.as_str() {
            "draft" | "submitted" => "approve",
            "approved" if !self.dice.once_in(6) => "publish",
            "expired" if self.dice.once_in(2) => "expire",
            "published" | "suspended" | "expired" if !self.dice.once_in(3) => "amend",
            "published" if self.dice.once_in(2) => "suspend",
            "published" | "suspended" | "approved" => "revoke",
            _ => "expire",
        };
        let made = match what {
            "amend" => self.amends(&id),
            "approve" => self.approves(&id, &state),
            "expire" => upkeep::expire(&self.api.database.context()).unwrap() > 0,
            event => {
                let role = if event == "publish" { "officer" } else { "approver" };
                let answer = self.api.event(role, &id, event, &json!({}));
                assert!(matches!(answer.status, 200 | 409), "{event} {state}: {}", answer.text);
                answer.status == 200
            }
        };
        *self.done.entry(if made { what } else { "nothing" }).or_default() += 1;
        made
    }

    fn amends(&mut self, id: &str) -> bool {
        let answer = self.api.amend(id);
        assert!(matches!(answer.status, 201 | 409), "{}", answer.text);
        if answer.status != 201 {
            return false;
        }
        let made = answer.json()["id"].as_str().unwrap().to_owned();
        let drawn = self.api.zones("officer", &format!("plan={made}"));
        let versions = self.plans.last_mut().unwrap();
        let n = versions.len();
        if self.dice.once_in(2) || drawn.len() < 2 {
            let new = zone(&made, &format!("N-{n}"), 0.0, f64::from(u32::try_from(n).unwrap()) * 300.0);
            assert_eq!(self.api.on_grid("officer", "POST", ZONES, &new).status, 201);
        } else {
            let path = format!("{ZONES}/{}", self.dice.one(&drawn)["id"].as_str().unwrap());
            assert_eq!(self.api.send("officer", "DELETE", &path, &[], None).status, 204);
        }
        versions.push(made);
        true
    }

    /// Leads a draft to the committee, and has it decide about days that it draws, until some fit.
    fn approves(&mut self, id: &str, state: &str) -> bool {
        if state == "draft" {
            self.api.submitted(id);
        }
        let run = self.api.check(id);
        for _ in 0..8 {
            // The first one early, so that something is over by now.
            let is_first = self.plans.last().unwrap().len() == 1;
            let from = if is_first { DAYS[0] } else { *self.dice.one(&DAYS) };
            let later: Vec<&str> = DAYS.into_iter().filter(|day| *day > from).collect();
            let to = match later.first() {
                Some(_) if is_first && self.dice.once_in(2) => json!(DAYS[3]),
                Some(next) if self.dice.once_in(3) => json!(next),
                Some(_) if self.dice.once_in(2) => json!(*self.dice.one(&later)),
                _ => json!(null),
            };
            let answer = self.api.event("approver", id, "approve", &decision(&run, from, &to));
            if answer.status == 200 {
                return true;
            }
            let unmet = unmet(&answer);
            assert!(
                unmet.iter().all(|guard| ["effective_period", "newest"].contains(&guard.as_str())),
                "{}",
                answer.text
            );
            // What never comes in force is no further.
            if unmet.contains(&"newest".to_owned()) {
                break;
            }
        }
        self.api.done("approver", id, "reject", &json!({}));
        false
    }

    /// Of no plan two versions are in force on one day; and what is listed of a day, and what site checks know of it, is theirs.
    fn is_sound(&self, what: &str) {
        let mut periods: Vec<(usize, Date, Option<Date>, BTreeSet<String>)> = Vec::new();
        for (plan, id) in self.plans.iter().enumerate().flat_map(|(n, ids)| ids.iter().map(move |id| (n, id))) {
            let in_force = self.api.in_force(id);
            let day = |name: &str| in_force[name].as_str().map(|day| day.parse::<Date>().unwrap());
            let Some(from) = day("from") else { continue };
            let zones = self.api.zones("officer", &format!("plan={id}"));
            periods.push((plan, from, day("to"), zones.iter().map(|z| z["id"].as_str().unwrap().to_owned()).collect()));
        }
        let mut days: BTreeSet<Date> = DAYS.iter().map(|day| day.parse().unwrap()).collect();
        // Of those that are over nothing changes any more.
        for (_, from, to, _) in periods.iter().filter(|(plan, ..)| *plan + 1 == self.plans.len()) {
            days.extend([from.yesterday().unwrap(), *from]);
            days.extend(to.iter().flat_map(|to| [*to, to.tomorrow().unwrap()]));
        }
        for day in days {
            let (mut plans, mut expect) = (BTreeSet::new(), BTreeSet::new());
            for (plan, _, _, zones) in
                periods.iter().filter(|(_, from, to, _)| *from <= day && to.is_none_or(|to| day <= to))
            {
                assert!(plans.insert(plan), "{what}: on {day} there are two: {periods:?}");
                expect.extend(zones.iter().cloned());
            }
            let listed = self.api.zones("", &format!("datetime={day}"));
            let listed: BTreeSet<String> = listed.iter().map(|z| z["id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(listed, expect, "{what}: listed of {day}");
            let known = self.api.sql(&format!(
                "SELECT string_agg(id::text, ' ') FROM reference_features WHERE kind = 'zone' AND valid_from <= '{day}'
                     AND coalesce(valid_to >= '{day}', true)"
            ));
            let known: BTreeSet<String> = known.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
            assert_eq!(known, expect, "{what}: known to site checks on {day}");
        }
    }
}

/// However amendments are drawn, decided, published and taken back, at most one version is in force on each day, and the register says
/// of each day what site checks know of it.
#[test]
fn amendments_that_are_drawn_at_random_leave_one_version_in_force_on_each_day() {
    let mut done = BTreeMap::<&str, usize>::new();
    for seed in [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03, 0x2545_F491_4F6C_DD1D, 0x1234_5678_9ABC_DEF1] {
        let api = api();
        let first = api.plan("QH-R", 2);
        let mut chain = Chain { api: &api, dice: Dice(seed), plans: vec![vec![first]], done: BTreeMap::new() };
        for n in 0..60 {
            if chain.step() {
                chain.is_sound(&format!("{seed:x} {n} {:?}", chain.done));
            }
        }
        assert_eq!(api.faults(), []);
        for (what, times) in chain.done {
            *done.entry(what).or_default() += times;
        }
    }
    crate::support::tell(&format!("amendments at random: {done:?}"));
    for (what, least) in [("amend", 20), ("publish", 15), ("revoke", 5), ("suspend", 2), ("expire", 1)] {
        assert!(done.get(what).is_some_and(|times| *times >= least), "{what}: {done:?}");
    }
}
