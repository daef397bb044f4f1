//! The table of a plan, and random events by random actors.

#![allow(clippy::unwrap_used)] // in a test a panic is the report

use jiff::civil::{Date, date};
use proptest::prelude::*;
use uuid::Uuid;

use super::PlanGuard as G;
use super::*;
use crate::domain::actor::Role;
use crate::domain::site_check::CheckCode;
use crate::domain::word::Word;
use crate::domain::workflow::{By, Refusal, faults, is_terminal};

const TODAY: Date = date(2026, 12, 1);

fn actor(name: &str, organisation: &str, roles: &[Role]) -> Actor {
    Actor {
        name: name.into(),
        organisation: Some(organisation.into()),
        roles: roles.to_vec(),
        jurisdictions: Some(vec!["VN-72".into()]),
    }
}

fn said() -> PlanSaid {
    PlanSaid { code: "QH-1".into(), name: None, jurisdiction: None }
}

fn draft() -> Plan {
    Plan::draft("VN-72", Uuid::from_u128(1), said(), "office", "lan")
}

fn run() -> Checked {
    Checked { id: Uuid::from_u128(7), hash: [7; 32], is_of_these_zones: true, blocks: Vec::new(), waived: Vec::new() }
}

fn fine() -> Facts {
    Facts { zones: 3, check: Some(run()), of_committee: true, ..Facts::on(TODAY) }
}

fn whole() -> StepData {
    StepData {
        appraisal_number: Some("BC-1".into()),
        submission_number: Some("TTr-1".into()),
        check: Some(Uuid::from_u128(7)),
        check_sha256: Some([7; 32]),
        decision_number: Some("QD-1".into()),
        decision_date: Some(date(2026, 11, 30)),
        decision_signer: Some("Chairman".into()),
        decision_authority: None,
        effective_from: Some(date(2026, 12, 1)),
        effective_to: Some(date(2030, 12, 31)),
        file_sha256: Some([9; 32]),
        zone: None,
        code: None,
    }
}

fn send(
    plan: &Plan,
    actor: Option<&Actor>,
    event: PlanEvent,
    data: &StepData,
    facts: &Facts,
) -> Result<Plan, Refusal<PlanGuard>> {
    decide(plan, &Sent { actor, event, reason: Some("why"), data }, facts)
}

/// A plan that was brought to a state by the shortest way.
fn at(state: PlanState) -> Plan {
    let (officer, approver) = (actor("minh", "office", &[Role::Officer]), actor("chu", "committee", &[Role::Approver]));
    let mut plan = draft();
    let way: &[PlanEvent] = match state {
        PlanState::Draft => &[],
        PlanState::InAppraisal => &[PlanEvent::BeginAppraisal],
        PlanState::Appraised => &[PlanEvent::BeginAppraisal, PlanEvent::Appraise],
        PlanState::Submitted => &[PlanEvent::BeginAppraisal, PlanEvent::Appraise, PlanEvent::Submit],
        PlanState::Approved => &[PlanEvent::BeginAppraisal, PlanEvent::Appraise, PlanEvent::Submit, PlanEvent::Approve],
        _ => {
            &[PlanEvent::BeginAppraisal, PlanEvent::Appraise, PlanEvent::Submit, PlanEvent::Approve, PlanEvent::Publish]
        }
    };
    for event in way {
        let by = if *event == PlanEvent::Approve { &approver } else { &officer };
        plan = send(&plan, Some(by), *event, &whole(), &fine()).unwrap();
    }
    plan
}

#[test]
fn the_table_is_sound() {
    assert_eq!(faults(TRANSITIONS, PlanState::Draft), Vec::<String>::new());
    let last: Vec<PlanState> =
        PlanState::ALL.iter().map(|(state, _)| *state).filter(|state| is_terminal(TRANSITIONS, *state)).collect();
    assert_eq!(last, [PlanState::Rejected, PlanState::Superseded, PlanState::Revoked, PlanState::Expired]);
    let guards: Vec<PlanGuard> = TRANSITIONS.iter().flat_map(|row| row.guards).copied().collect();
    assert!(PlanGuard::ALL.iter().all(|(guard, _)| guards.contains(guard)), "every guard is asked");
}

#[test]
fn a_decision_names_everything_that_is_missing() {
    let plan = at(PlanState::Submitted);
    let approver = actor("chu", "committee", &[Role::Approver]);
    let of = |data: &StepData, facts: &Facts, by: &Actor| match send(&plan, Some(by), PlanEvent::Approve, data, facts) {
        Ok(plan) => {
            assert_eq!(plan.state, PlanState::Approved);
            Vec::new()
        }
        Err(Refusal::Unmet(unmet)) => unmet.into_iter().map(|(guard, _)| guard).collect(),
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(of(&whole(), &fine(), &approver), []);
    let decision = [G::DecisionNumber, G::DecisionDate, G::DecisionSigner, G::EffectivePeriod, G::FileHash];
    let none = StepData { check: whole().check, check_sha256: whole().check_sha256, ..StepData::default() };
    assert_eq!(of(&none, &fine(), &approver), decision);
    let table: [(StepData, Facts, &[G]); 15] = [
        (StepData { check: None, ..whole() }, fine(), &[G::CheckNamed]),
        (StepData { check_sha256: Some([8; 32]), ..whole() }, fine(), &[G::CheckNamed]),
        (StepData { effective_to: Some(date(2026, 11, 30)), ..whole() }, fine(), &[G::EffectivePeriod]),
        (
            StepData { decision_date: Some(date(2026, 12, 2)), effective_from: Some(date(2026, 12, 2)), ..whole() },
            fine(),
            &[G::DecisionDate],
        ),
        (whole(), Facts { submitted_on: Some(date(2026, 12, 1)), ..fine() }, &[G::DecisionDate]),
        (whole(), Facts { submitted_on: Some(date(2026, 11, 30)), ..fine() }, &[]),
        (StepData { effective_from: Some(date(2026, 11, 29)), ..whole() }, fine(), &[G::EffectivePeriod]),
        (StepData { effective_from: Some(date(2026, 11, 30)), ..whole() }, fine(), &[]),
        (whole(), Facts { amended_from: Some(date(2026, 12, 2)), ..fine() }, &[G::EffectivePeriod]),
        (whole(), Facts { waived_by: vec!["chu".into()], ..fine() }, &[G::NotWaiver]),
        (whole(), Facts { of_committee: false, ..fine() }, &[G::Committee]),
        (whole(), Facts { worse: vec!["COR".into()], ..fine() }, &[G::NothingNew]),
        (whole(), Facts { check: None, ..fine() }, &[G::CheckNamed, G::FreshCheck]),
        (whole(), Facts { check: Some(Checked { is_of_these_zones: false, ..run() }), ..fine() }, &[G::FreshCheck]),
        (
            whole(),
            Facts { zones: 0, outside: vec!["Z".into()], without_limits: vec!["Z".into()], ..fine() },
            &[G::Zones, G::Geometry, G::Limits],
        ),
    ];
    for (data, facts, expect) in table {
        assert_eq!(of(&data, &facts, &approver), expect, "{data:?} {facts:?}");
    }
    for maker in ["lan", "minh"] {
        let maker = actor(maker, "committee", &[Role::Approver]);
        assert_eq!(of(&whole(), &fine(), &maker), [G::NotMaker], "{}", maker.name);
    }
}

#[test]
fn what_blocks_stands_until_it_is_waived() {
    let plan = at(PlanState::Submitted);
    let approver = actor("chu", "committee", &[Role::Approver]);
    let block = Block { zone: Uuid::from_u128(3), code: CheckCode::Cor };
    let mut facts = Facts { check: Some(Checked { blocks: vec![block], ..run() }), ..fine() };
    let refused = send(&plan, Some(&approver), PlanEvent::Approve, &whole(), &facts).unwrap_err();
    assert!(matches!(refused, Refusal::Unmet(unmet) if unmet[0].0 == PlanGuard::NoBlocks));
    let waived = StepData { zone: Some(block.zone), code: Some(block.code), ..StepData::default() };
    let other = StepData { code: Some(CheckCode::Her), ..waived.clone() };
    assert!(send(&plan, Some(&approver), PlanEvent::Waive, &other, &facts).is_err());
    assert_eq!(send(&plan, Some(&approver), PlanEvent::Waive, &waived, &facts).unwrap().state, PlanState::Submitted);
    facts.check = Some(Checked { blocks: vec![block], waived: vec![block], ..run() });
    assert!(send(&plan, Some(&approver), PlanEvent::Waive, &waived, &facts).is_err(), "a second time");
    assert!(send(&plan, Some(&approver), PlanEvent::Approve, &whole(), &facts).is_ok());
}

#[test]
fn it_is_in_force_from_its_day_to_the_day_before_something_ends_it() {
    let plan = at(PlanState::Published);
    let (from, to) = (date(2026, 12, 1), date(2030, 12, 31));
    assert_eq!(plan.in_force(), Some((from, Some(to))));
    assert_eq!(at(PlanState::Approved).in_force(), None);
    let ended = |day| Plan { ended_on: Some(day), ..plan.clone() }.in_force();
    assert_eq!(ended(date(2027, 1, 1)), Some((from, Some(date(2026, 12, 31)))));
    assert_eq!(ended(from), None);
    assert_eq!(ended(date(2031, 6, 1)), Some((from, Some(to))));
    let of = |day| plan.state_on(day);
    assert_eq!((of(to), of(date(2031, 1, 1))), (PlanState::Published, PlanState::Expired));
    // Published, it ends before its period does only where its amendment begins.
    let amended = Plan { ended_on: Some(date(2028, 1, 1)), ..plan.clone() };
    assert_eq!(amended.state_on(date(2027, 12, 31)), PlanState::Published);
    assert_eq!(amended.state_on(date(2028, 1, 1)), PlanState::Superseded);
    let later = Plan { ended_on: Some(date(2032, 1, 1)), ..plan.clone() };
    assert_eq!(later.state_on(date(2032, 1, 1)), PlanState::Expired);
    // Nobody but the service records it, and not too early.
    let approver = actor("chu", "committee", &[Role::Approver]);
    let facts = |today| Facts { today, ..fine() };
    let expire = |by, today| send(&plan, by, PlanEvent::Expire, &StepData::default(), &facts(today));
    assert!(matches!(expire(None, to), Err(Refusal::Unmet(_))));
    assert_eq!(expire(None, date(2031, 1, 1)).unwrap().state, PlanState::Expired);
    assert_eq!(expire(Some(&approver), to), Err(Refusal::NotYours));
    // Over, it is over for everybody, recorded or not.
    let revoke = send(&plan, Some(&approver), PlanEvent::Revoke, &StepData::default(), &facts(date(2031, 1, 1)));
    assert_eq!(revoke, Err(Refusal::NotFromHere));
}

#[test]
fn a_draft_is_the_governments_and_what_was_published_is_everybodys() {
    let (published, drawn) = (at(PlanState::Published), draft());
    let check = |plan: &Plan, actor: &Actor, expect| assert_eq!(plan.is_seen_by(actor), expect, "{actor:?}");
    for (role, text) in Role::ALL {
        let government = !matches!(role, Role::Carrier | Role::ProjectOwner);
        // That it is his organisation's is no reason.
        let of_office = actor(text, "office", &[*role]);
        check(&drawn, &of_office, government);
        check(&drawn, &Actor { jurisdictions: Some(vec!["VN-35".into()]), ..of_office.clone() }, false);
        check(&published, &of_office, true);
    }
    check(&drawn, &Actor::public(), false);
    check(&published, &Actor::public(), true);
}

fn data() -> impl Strategy<Value = StepData> {
    (any::<[bool; 10]>()).prop_map(|has| {
        let mut data = whole();
        let mut has = has.into_iter();
        let mut keep = || has.next().unwrap_or(true);
        data.appraisal_number = data.appraisal_number.filter(|_| keep());
        data.submission_number = data.submission_number.filter(|_| keep());
        data.check = data.check.filter(|_| keep());
        data.check_sha256 = data.check_sha256.filter(|_| keep());
        data.decision_number = data.decision_number.filter(|_| keep());
        data.decision_date = data.decision_date.filter(|_| keep());
        data.decision_signer = data.decision_signer.filter(|_| keep());
        data.effective_from = data.effective_from.filter(|_| keep());
        data.file_sha256 = data.file_sha256.filter(|_| keep());
        data
    })
}

/// Mostly as it should be, so that plans get anywhere.
fn facts() -> impl Strategy<Value = Facts> {
    let seldom = || prop::bool::weighted(0.1);
    (seldom(), seldom(), seldom(), seldom(), seldom(), seldom(), seldom()).prop_map(
        |(empty, stale, unchecked, blocked, new, outside, stranger)| Facts {
            zones: if empty { 0 } else { 3 },
            check: (!unchecked).then(|| Checked {
                is_of_these_zones: !stale,
                blocks: if blocked { vec![Block { zone: Uuid::nil(), code: CheckCode::Cor }] } else { Vec::new() },
                ..run()
            }),
            worse: if new { vec!["COR".into()] } else { Vec::new() },
            outside: if outside { vec!["Z-1".into()] } else { Vec::new() },
            of_committee: !stranger,
            ..fine()
        },
    )
}

fn whole_or_less() -> impl Strategy<Value = StepData> {
    prop_oneof![3 => Just(whole()), 1 => data()]
}

fn people() -> Vec<Option<Actor>> {
    vec![
        None,
        Some(actor("lan", "office", &[Role::Officer])),
        Some(actor("minh", "office", &[Role::Officer])),
        Some(actor("chu", "committee", &[Role::Approver])),
        Some(actor("both", "committee", &[Role::Officer, Role::Approver])),
        Some(actor("xe", "viettel", &[Role::Carrier])),
        Some(Actor::operator()),
        Some(Actor::public()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_events_by_random_actors_break_no_rule(
        steps in prop::collection::vec((0..PlanEvent::ALL.len(), 0..8_usize, whole_or_less(), facts(), any::<bool>()), 1..60)
    ) {
        let people = people();
        let mut plan = draft();
        for (event, who, data, facts, with_reason) in steps {
            let (event, by) = (PlanEvent::ALL[event].0, people[who].as_ref());
            let sent = Sent { actor: by, event, reason: with_reason.then_some("why"), data: &data };
            let before = plan.clone();
            let row = workflow::row(TRANSITIONS, plan.state, event);
            match decide(&plan, &sent, &facts) {
                Err(Refusal::NotFromHere) => prop_assert!(row.is_none()),
                Err(Refusal::NotYours) => {
                    let row = row.unwrap();
                    prop_assert!(by.map_or(row.by != By::Timer, |a| !row.by.admits(a, "VN-72", "office")));
                }
                Err(Refusal::Unmet(unmet)) => prop_assert!(unmet.iter().all(|(g, why)| row.unwrap().guards.contains(g) && !why.is_empty())),
                Ok(next) => {
                    let row = row.unwrap();
                    prop_assert_eq!(next.state, row.to);
                    prop_assert!(!is_terminal(TRANSITIONS, before.state), "terminal is immutable");
                    // What may be sent is what the API says may be.
                    prop_assert!(by.is_none_or(|actor| before.allowed(actor, TODAY).contains(&event)));
                    if event == PlanEvent::Approve {
                        let check = facts.check.as_ref().unwrap();
                        prop_assert!(check.is_of_these_zones && check.blocks.is_empty() && facts.worse.is_empty());
                        prop_assert!(facts.of_committee && data.check == Some(check.id) && data.check_sha256 == Some(check.hash));
                        prop_assert!(!before.makers.contains(&by.unwrap().name), "maker is not approver");
                        prop_assert!(next.decision.is_some());
                    } else {
                        prop_assert_eq!(&next.decision, &before.decision, "a decision is made once");
                    }
                    prop_assert!(before.makers.iter().all(|maker| next.makers.contains(maker)));
                    let published = next.published_on.is_some();
                    prop_assert!(!published || next.decision.is_some());
                    prop_assert_eq!((next.id, &next.code, next.number), (before.id, &before.code, before.number));
                    plan = next;
                }
            }
        }
    }
}

#[test]
fn every_refused_event_leads_nowhere_and_every_state_says_what_may_be_sent() {
    let officer = actor("minh", "office", &[Role::Officer]);
    let approver = actor("chu", "committee", &[Role::Approver]);
    for (state, expect_officer, expect_approver) in [
        (PlanState::Draft, &[PlanEvent::BeginAppraisal] as &[_], &[] as &[_]),
        (PlanState::InAppraisal, &[PlanEvent::Appraise, PlanEvent::Return], &[PlanEvent::Waive]),
        (PlanState::Appraised, &[PlanEvent::Submit], &[PlanEvent::Waive]),
        (PlanState::Submitted, &[], &[PlanEvent::Approve, PlanEvent::Return, PlanEvent::Reject, PlanEvent::Waive]),
        (PlanState::Approved, &[PlanEvent::Publish], &[PlanEvent::Revoke]),
        (PlanState::Published, &[], &[PlanEvent::Suspend, PlanEvent::Revoke]),
    ] {
        assert_eq!(at(state).allowed(&officer, TODAY), expect_officer, "{state}");
        assert_eq!(at(state).allowed(&approver, TODAY), expect_approver, "{state}");
    }
}
