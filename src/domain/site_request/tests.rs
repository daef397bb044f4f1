//! Random events by random people through a case: whatever they send, what must never be is not.

#![allow(clippy::unwrap_used)] // in a test a panic is the report

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use uuid::Uuid;

use super::case::{Candidate, Case, CaseEvent, Noted, RunNoted, ToAsk};
use super::guards::{Asked, RunNow, allowed, step};
use super::limits::Limits;
use super::table::{OF_TIMER, TABLE, decides};
use super::told::{AlsoAsked, ConditionDraft, Signed, Stated, Surveyed, Told};
use super::words::{Advice, Answer, Declaration, Event, State};
use super::{SiteRequestProps, dossier};
use crate::domain::actor::{Actor, Role};
use crate::domain::case_clock::{ClockStep, PauseReason, Run};
use crate::domain::document::DocumentKind;
use crate::domain::site_check::{CheckCode, Consultee, Subject, Verdict};
use crate::domain::word::Word;
use crate::domain::work::{CaptureMethod, ColumnClass, WorkKind};
use crate::domain::workflow::{By, is_terminal, row};
use crate::geometry::Epsg;

const HERE: &str = "VN-72";

fn person(name: &str, organisation: &str, roles: &[Role]) -> Actor {
    Actor { name: name.into(), organisation: Some(organisation.into()), roles: roles.to_vec(), jurisdictions: None }
}

fn people() -> Vec<Option<Actor>> {
    let of = |name, organisation, roles| Some(person(name, organisation, roles));
    vec![
        None,
        of("carrier", "viettel", &[Role::Carrier]),
        of("stranger", "vnpt", &[Role::Carrier]),
        of("nga", "office", &[Role::Officer]),
        // Who recommends may be of the committee, too; and does not decide then.
        of("both", "office", &[Role::Officer, Role::Approver]),
        of("chair", "committee", &[Role::Approver]),
        of("army", "army", &[Role::Consultee]),
        of("binh", "office", &[Role::Inspector]),
        // Who is of both sides, and who was of the other one.
        of("applicant", "viettel", &[Role::Carrier, Role::Officer, Role::Approver]),
        of("carrier", "office", &[Role::Officer, Role::Approver]),
    ]
}

fn props() -> SiteRequestProps {
    let subject = Subject {
        kind: WorkKind::Mast,
        column_class: Some(ColumnClass::A2b),
        height_agl_m: 42.0,
        ground_amsl_m: None,
        accuracy_m: 0.0,
        organisation: Some("viettel".into()),
        request: None,
        antennas: Vec::new(),
        starts_on: None,
        ends_on: None,
    };
    let mut props = SiteRequestProps {
        code: Some("Q".into()),
        name: None,
        organisation: "viettel".into(),
        subject,
        documents: Vec::new(),
        declarations: Declaration::ALL.iter().map(|(d, _)| *d).collect(),
    };
    let listed = |kind: DocumentKind| dossier::Listed { kind, name: None, sha256: [1; 32] };
    props.documents = dossier::required(&props).into_iter().map(listed).collect();
    props
}

/// What is thrown for one event.
#[derive(Debug, Clone)]
struct Throw {
    who: usize,
    what: usize,
    /// Of the events that he may send; else of all.
    fitting: bool,
    chance: u8,
    hours: u16,
}

fn throws() -> impl Strategy<Value = Vec<Throw>> {
    let one = (0..10_usize, any::<u16>(), prop::bool::weighted(0.9), any::<u8>(), 0..200_u16);
    let one =
        one.prop_map(|(who, what, fitting, chance, hours)| Throw { who, what: what.into(), fitting, chance, hours });
    prop::collection::vec(one, 0..300)
}

fn stated(event: Event, case: &Case, chance: u8, day: Date) -> Stated {
    // Mostly the day itself.
    let on = if chance & 0x38 == 0x38 { "2026-11-20".parse().unwrap() } else { day };
    let run = case.run.as_ref().map_or((Uuid::nil(), [0; 32]), |run| (run.run, run.hash));
    match event {
        Event::RequestSupplement => Stated::Missing(vec![DocumentKind::Design]),
        Event::Consult => Stated::Consultation {
            due_on: None,
            also: vec![AlsoAsked { consultee: Consultee::Army, organisation: "army".into() }],
        },
        Event::Answer => Stated::Answer {
            organisation: (chance & 1 == 1).then(|| "army".into()),
            answer: Answer::Agree,
            text: None,
            letter: (chance & 2 == 2).then(|| "7".into()),
        },
        Event::Visit => Stated::Visit { on, by: vec!["nga".into()], minutes: "free".into() },
        Event::Recommend => Stated::Advice(Advice::Approve),
        Event::Refer => Stated::Submission("1".into()),
        event if decides(event) => Stated::Decision(Signed {
            number: "1".into(),
            on,
            signer: "chair".into(),
            file: [2; 32],
            run: run.0,
            run_hash: if chance & 7 == 7 { [9; 32] } else { run.1 },
            conditions: vec![ConditionDraft {
                text: "paint".into(),
                reason: "law".into(),
                due_on: (chance & 8 == 8).then_some(day),
            }],
        }),
        Event::RecordAgreement => Stated::Agreement { column: Uuid::nil(), number: "1".into(), on: day, file: [3; 32] },
        Event::IssuePermit => Stated::Permit("1".into()),
        Event::NotifyStart => Stated::Start(on),
        Event::MeetCondition => Stated::Met {
            condition: u32::from(chance & 1) + 1,
            evidence: if chance & 2 == 2 { [4; 32] } else { [1; 32] },
        },
        Event::SubmitAsBuilt => Stated::Survey(Surveyed {
            x: 0.0,
            y: 0.0,
            crs: Epsg(9218),
            height_agl_m: if chance & 1 == 1 { 50.0 } else { 40.0 },
            accuracy_m: 0.1,
            capture_method: CaptureMethod::GnssRtk,
            on,
            by: "s".into(),
        }),
        Event::Verify => Stated::Work(None),
        Event::Pause => Stated::Pause(PauseReason::ForceMajeure),
        Event::Extend => Stated::Extension(5),
        _ => Stated::Nothing,
    }
}

/// Whom a check names: of four things one.
fn to_ask(chance: u8) -> ToAsk {
    let rests_on = vec![[chance & 3; 32]];
    ToAsk { code: CheckCode::Def, consultee: Consultee::Army, organisation: "army".into(), rests_on }
}

fn noted(event: Event, chance: u8, day: Date) -> Noted {
    let spc = if chance & 3 == 3 { Verdict::Warn } else { Verdict::Pass };
    let cor = if chance & 0x0c == 0x0c { Verdict::Block } else { Verdict::Pass };
    let candidate = Candidate {
        id: Uuid::nil(),
        code: "T".into(),
        organisation: "vnpt".into(),
        distance_m: 1.0,
        spare_capacity: None,
    };
    let run = RunNoted {
        run: Uuid::from_u128(chance.into()),
        hash: [chance; 32],
        said: vec![(CheckCode::Cor, cor), (CheckCode::Spc, spc)],
        sharing: if spc == Verdict::Warn { vec![CheckCode::Spc] } else { Vec::new() },
        consult: (chance & 16 == 16).then(|| to_ask(chance)).into_iter().collect(),
        candidates: vec![candidate],
        to_others: Vec::new(),
    };
    Noted {
        receipt: (event == Event::Accept).then(|| format!("R-{chance}")),
        term_days: matches!(event, Event::Accept | Event::AdmitAppeal | Event::Refer).then_some(20),
        secret: (event == Event::Accept).then_some([chance; 32]),
        snapshot_hash: (event == Event::Submit).then_some([chance & 1; 32]),
        run: (event == Event::Check).then_some(run),
        day: Some(day),
        answer_by: (event == Event::Consult).then(|| day.saturating_add(3.days())),
        answered_for: (event == Event::Answer).then(|| "army".into()),
        permit: matches!(event, Event::IssuePermit | Event::RecordAgreement)
            .then(|| (day, day.saturating_add(10.days()))),
        work: (event == Event::Verify).then(Uuid::nil),
        lapsed: if event == Event::LapseConsultation { vec!["army".into()] } else { Vec::new() },
        overdue: (event == Event::Escalate).then_some(day),
        ..Noted::default()
    }
}

/// Sends what was thrown through a case; every event that came in, and how many were refused.
#[allow(clippy::too_many_lines)] // one property
fn played(throws: &[Throw]) -> (Vec<CaseEvent>, usize) {
    let (people, props) = (people(), props());
    let limits = Limits {
        term_days: Some(20),
        permit_months: Some(6),
        tolerance_m: Some(5),
        consultation_days: Some(15),
        extension_days_max: Some(10),
        deemed_approval: true,
    };
    let (mut case, mut events, mut refused) = (Case::default(), Vec::<CaseEvent>::new(), 0);
    let mut asked_about = std::collections::HashSet::new();
    let mut at: Timestamp = "2026-11-26T01:00:00Z".parse().unwrap();
    for throw in throws {
        at = at.checked_add(i64::from(throw.hours).hours()).unwrap();
        let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let may_send = |actor: &Option<Actor>| match actor {
            Some(actor) => allowed(case.state, &case.consulted(), actor, HERE, &props.organisation),
            None => OF_TIMER.to_vec(),
        };
        let able: Vec<&Option<Actor>> = people.iter().filter(|who| !may_send(who).is_empty()).collect();
        let who = if throw.fitting { able[throw.who % able.len()] } else { &people[throw.who] };
        let (actor, may) = (who.as_ref(), may_send(who));
        let all: Vec<Event> = Event::ALL.iter().map(|(e, _)| *e).collect();
        let of = if throw.fitting && !may.is_empty() { &may } else { &all };
        let event = of[throw.what % of.len()];
        // What ends a case, or leads back, comes seldom: else hardly any would get on.
        let seldom = [Event::Withdraw, Event::RejectAtIntake, Event::Revoke, Event::RequestSupplement, Event::SendBack];
        if seldom.contains(&event) && throw.hours % 16 != 0 {
            continue;
        }
        let said = stated(event, &case, throw.chance, day);
        let changed = if throw.chance & 0x60 == 0x60 { vec![CheckCode::Cor] } else { Vec::new() };
        let run = case.run.as_ref().map(|run| RunNow {
            run: run.run,
            hash: run.hash,
            waived: Vec::new(),
            worse: changed.clone(),
            changed,
        });
        let kept: Vec<_> = props.documents.iter().map(|listed| (listed.kind, listed.sha256)).collect();
        let asked = Asked {
            actor,
            jurisdiction: HERE,
            props: &props,
            kept: &kept,
            stated: &said,
            reason: (throw.chance & 128 == 0).then_some("why"),
            day,
            received: case.clock_run().map(|run| run.accepted.to_zoned(jiff::tz::TimeZone::UTC).date()),
            submitted: case.submitted_at.map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date()),
            run,
            deviation_m: Some(f64::from(throw.chance & 7)),
            limits,
            uncounted: None,
            full: None,
            due: (throw.chance & 0x18 == 0x18).then(|| day.yesterday().unwrap()),
        };
        let Ok(taken) = step(&case, event, &asked) else {
            refused += 1;
            continue;
        };
        // What must never be.
        assert!(!is_terminal(TABLE, case.state), "{event} leads on from {}", case.state);
        if decides(event) || matches!(event, Event::Recommend | Event::AdmitAppeal | Event::DismissAppeal) {
            let actor = actor.unwrap();
            let submitted = |e: &CaseEvent| e.event == Event::Submit && e.actor == actor.name;
            let asks = actor.organisation.as_deref() == Some("viettel") || events.iter().any(submitted);
            assert!(!asks, "{event} by who asks for it");
        }
        if decides(event) {
            let (_, recommender) = case.advice.as_ref().unwrap();
            assert_ne!(*recommender, actor.unwrap().name, "who recommends decides");
            assert!(asked.run.as_ref().unwrap().changed.is_empty(), "{event} on a check that is not fresh");
            assert!(case.consultations.iter().all(|c| !c.is_open(day)), "{event} before all were heard");
            let mut named = case.run.iter().flat_map(|run| &run.consult).flat_map(|to| &to.rests_on);
            assert!(named.all(|on| asked_about.contains(on)), "{event} before somebody was asked about what was found");
            let Stated::Decision(signed) = &said else { panic!("{event} without a decision") };
            let known = case.run.as_ref().unwrap();
            assert_eq!((signed.run, signed.run_hash), (known.run, known.hash), "{event} on another check");
        }
        if let Stated::Decision(Signed { on, .. })
        | Stated::Start(on)
        | Stated::Visit { on, .. }
        | Stated::Survey(Surveyed { on, .. }) = &said
        {
            assert!(*on <= day && on.to_string().as_str() > "2026-11-20", "{event} on {on}");
        }
        if let Stated::Met { evidence, .. } = &said {
            assert!(kept.iter().any(|(_, sha256)| sha256 == evidence), "{event} by no document");
        }
        if matches!(event, Event::Approve | Event::ApproveWithConditions) {
            let blocked = case.run.as_ref().unwrap().said.iter().any(|(_, v)| *v == Verdict::Block);
            assert!(!blocked, "what is blocked is approved");
            let advised = |code: CheckCode| case.advised_on.iter().find(|(of, _)| *of == code).unwrap().1;
            let said = &case.run.as_ref().unwrap().said;
            assert!(said.iter().all(|(code, now)| *now <= advised(*code)), "{event} on what nobody recommended it on");
        }
        assert_eq!(taken.by == By::Timer, actor.is_none(), "{event}");
        let mut noted = noted(event, throw.chance, day);
        if event == Event::Remind {
            noted.conditions = case.late(day).collect();
            assert!(noted.conditions.iter().all(|n| case.condition(*n).unwrap().met.is_none()), "of one that is met");
            assert!(!noted.conditions.is_empty(), "of nothing");
        }
        match event {
            Event::Submit if noted.snapshot_hash != case.submitted => asked_about.clear(),
            Event::Consult => {
                let named = case.run.iter().flat_map(|run| &run.consult);
                asked_about.extend(named.flat_map(|to| to.rests_on.clone()));
            }
            _ => {}
        }
        let record = CaseEvent {
            revision: 1,
            seq: case.seq + 1,
            event,
            from: case.state,
            to: taken.to,
            actor: actor.map_or("timer", |a| &a.name).to_owned(),
            organisation: actor.and_then(|a| a.organisation.clone()),
            at,
            reason: asked.reason.map(str::to_owned),
            data: Told::default(),
            stated: said.clone(),
            noted,
        };
        case.then(&record);
        events.push(record);
    }
    (events, refused)
}

proptest! {
    #[test]
    fn whatever_is_sent_a_case_is_sound(throws in throws()) {
        let (events, _) = played(&throws);
        let case = Case::of(&events);
        // Every transition is an event, in its order, by a row of the table.
        let mut state = State::Draft;
        for (n, event) in (1..).zip(&events) {
            prop_assert_eq!((event.seq, event.from), (n, state));
            prop_assert_eq!(row(TABLE, event.from, event.event).map(|r| r.to), Some(event.to));
            state = event.to;
        }
        prop_assert_eq!(case.state, state);
        // The clock begins once, turns by turns, and nothing comes after its end; no time runs backwards.
        let begun = case.clock.first().is_none_or(|first| matches!(first.what, ClockStep::Accepted { .. }));
        prop_assert!(begun && case.clock.is_empty() != events.iter().any(|e| e.event == Event::Accept));
        prop_assert!(case.clock.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let run = Run::of(&case.clock).unwrap();
        for pause in run.iter().flat_map(|run| &run.pauses) {
            prop_assert!(pause.to.is_none_or(|to| pause.from <= to) && run.as_ref().unwrap().accepted <= pause.from);
        }
        // Who has a permit was decided about, and what stands was surveyed.
        prop_assert!(case.permit.is_none() || case.decided.is_some() || case.deemed_at.is_some());
        prop_assert!(case.work.is_none() || case.surveyed.is_some() && case.permit.is_some());
        prop_assert!(case.receipt.is_some() == events.iter().any(|e| e.event == Event::Accept));
    }
}

/// The property above is about something: among so many cases each event comes in, and some cases reach their end.
#[test]
fn what_is_thrown_reaches_the_whole_table() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..4_000 {
        let throws = throws().new_tree(&mut runner).unwrap().current();
        seen.extend(played(&throws).0.into_iter().map(|event| event.event));
    }
    let unseen: Vec<&str> =
        Event::ALL.iter().filter(|(event, _)| !seen.contains(event)).map(|(_, name)| *name).collect();
    assert!(unseen.is_empty(), "never sent: {unseen:?}");
}
