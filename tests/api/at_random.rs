//! Random events by random people, sent over HTTP: whatever they send, the database and the audit trail say afterwards that nothing
//! happened that must not. That a case is sound in itself is tested in `domain`; here only what was stored and told counts.

use std::collections::BTreeMap;

use clearway::actions::site_request::lapse::lapse;
use clearway::config::{Secret, TokenSetting};
use clearway::domain::plan::{PlanEvent, PlanState, TRANSITIONS};
use clearway::domain::site_request::table::{OF_TIMER, TABLE};
use clearway::domain::site_request::words::{Event, State, Waits};
use clearway::domain::word::Word;
use clearway::domain::workflow::{is_terminal, row};
use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, WORKS, feature, mast, merged, point, rect, road};
use crate::plan::{ZONES, committee, decision, zone};
use crate::rules::load;
use crate::site_request::{CaseOf, FILE, begins, column, sha256, survey, today, trail_is_whole, visit};
use crate::site_request_story::with_rules;
use crate::site_request_time::{age, silence_approves};
use crate::support::token;

/// Numbers that look like chance and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }

    /// Once in so many times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Mostly one of those who lead on, else anybody.
    fn somebody(&mut self, lead: &[&'static str]) -> &'static str {
        if lead.is_empty() || self.once_in(5) { PEOPLE[self.below(PEOPLE.len())] } else { lead[self.below(lead.len())] }
    }

    /// Mostly one that leads on.
    fn event(&mut self, allowed: &[String], leads: impl Fn(&str) -> bool) -> String {
        let lead: Vec<&String> = allowed.iter().filter(|event| leads(event)).collect();
        if lead.is_empty() || self.once_in(4) { self.one(allowed).clone() } else { (*self.one(&lead)).clone() }
    }

    pub fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Who is there; `both` recommends and decides, and is of the committee; so does `applicant`, who is of the carrier.
const PEOPLE: [&str; 11] = [
    "",
    "carrier",
    "other-carrier",
    "officer",
    "both",
    "approver",
    "other-approver",
    "consultee",
    "inspector",
    "administrator",
    "applicant",
];

/// With rules, a committee and somebody who is of both sides.
fn world() -> Api {
    let of = |name: &str, organisation: &str, roles: &[&str]| TokenSetting {
        token: Secret(token(name)),
        name: name.into(),
        organisation: Some(organisation.into()),
        roles: roles.iter().map(|role| (*role).into()).collect(),
        jurisdictions: None,
    };
    let both = of("both", "committee", &["officer", "approver"]);
    let applicant = of("applicant", "viettel", &["carrier", "officer", "approver"]);
    let api = with_rules(Api::with(|settings| settings.tokens.extend([both, applicant])));
    committee(&api);
    api
}

/// The status that a corridor had at a revision.
fn status_at(api: &Api, corridor: &str, revision: i64) -> String {
    let of = format!(
        "SELECT status FROM (
             SELECT status, revision, NULL::bigint AS ended FROM corridors WHERE id = '{corridor}'
             UNION ALL SELECT status, revision, ended_revision FROM corridors_history WHERE id = '{corridor}'
         ) AS v WHERE revision <= {revision} AND (ended IS NULL OR ended > {revision})"
    );
    api.sql(&of).unwrap()
}

/// Puts a corridor in force, or takes that back.
fn turn(api: &Api, corridor: &str, dice: &mut Dice) {
    let status = *dice.one(&["announced", "announced", "in_force"]);
    let patch = json!({"properties": {"status": status}});
    let done = api.on_grid("officer", "PATCH", &format!("{CORRIDORS}/{corridor}"), &patch);
    assert_eq!(done.status, 200, "{}", done.text);
}

/// Publishes a zone that admits no column as high round a place, or suspends the one that is there.
fn turn_zone(api: &Api, n: usize, east: f64, made: &mut Vec<String>, now: &mut Option<String>) {
    if let Some(plan) = now.take() {
        api.done("approver", &plan, "suspend", &json!({}));
        return;
    }
    let plan = api.plan(&format!("Z{n}-{}", made.len()), 0);
    let low = merged(json!({"height_max_m": 30}), &zone(&plan, "Z", east - 50.0, -50.0)["properties"]);
    let drawn = feature(rect(east - 50.0, -50.0, east + 50.0, 50.0), low);
    assert_eq!(api.on_grid("officer", "POST", ZONES, &drawn).status, 201);
    api.published(&plan, "2026-01-01", json!(null));
    made.push(plan.clone());
    *now = Some(plan);
}

/// The zones that were in force round a place at a revision.
fn zones_at(api: &Api, n: usize, revision: i64) -> Option<String> {
    api.sql(&format!(
        "SELECT string_agg(code, ',' ORDER BY code) FROM (
             SELECT code, revision, valid_to, NULL::bigint AS ended FROM reference_features WHERE kind = 'zone'
             UNION ALL SELECT code, revision, valid_to, ended_revision FROM reference_features_history WHERE kind = 'zone'
         ) AS v WHERE code LIKE 'Z{n}-%' AND valid_to IS NULL AND revision <= {revision} AND (ended IS NULL OR ended > {revision})"
    ))
}

/// A step as it is stored: event, from, to, actor, revision.
type Step = (String, String, String, String, i64);

/// The steps of a case by its table, which are those that the audit trail has and history tells: each once, in their order.
fn steps(api: &Api, table: &str, subject: &str, id: &str, history: &str) -> Vec<Step> {
    let text = |select: &str| api.sql(select).unwrap_or_default();
    let stored = text(&format!(
        "SELECT string_agg(concat_ws('|', event, from_state, to_state, actor, revision), ',' ORDER BY seq)
         FROM {table} WHERE {subject} = '{id}'"
    ));
    let audited = text(&format!(
        "SELECT string_agg(concat_ws('|', detail->>'event', detail->>'from', detail->>'to', actor, revision), ',' ORDER BY revision)
         FROM audit_events WHERE subject = '{id}' AND deed = 'step'"
    ));
    assert_eq!(stored, audited, "every step is audited, and nothing else");
    let told = api.server.get("both", history).json();
    let told: Vec<String> =
        told["events"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap().into()).collect();
    let all: Vec<Step> = stored
        .split(',')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let parts: Vec<&str> = line.split('|').collect();
            let [event, from, to, actor, revision] = parts[..] else { panic!("{line}") };
            (event.into(), from.into(), to.into(), actor.into(), revision.parse().unwrap())
        })
        .collect();
    assert_eq!(told, all.iter().map(|step| step.0.clone()).collect::<Vec<_>>());
    all
}

/// What somebody says with an event of a request, mostly as it should be.
fn said(case: &CaseOf<'_>, role: &str, event: &str, place: (f64, f64), dice: &mut Dice) -> Json {
    let of_case = &case.now["properties"]["case"];
    let asked = of_case["consultations"].as_array().into_iter().flatten();
    let open = asked.filter(|c| !c["asked_at"].is_null()).find(|c| c["answer"].is_null());
    let hash = if dice.once_in(12) { json!(FILE) } else { of_case["check"]["sha256"].clone() };
    let signed = json!({"number": "34/QD", "on": today(case.api), "signer": "chair", "file": FILE,
        "run": of_case["check"]["id"], "run_sha256": hash});
    match event {
        "request_supplement" => json!({"missing": ["design"]}),
        "consult" if dice.once_in(4) => json!({"also": [{"consultee": "army"}]}),
        "answer" if role == "consultee" => json!({"answer": "agree"}),
        "answer" => {
            json!({"answer": "agree", "letter": "7/CV", "organisation": open.map(|c| c["organisation"].clone())})
        }
        "visit" => visit(),
        "recommend" => json!({"advice": "approve"}),
        "refer" => json!({"number": "12/TTr"}),
        "approve" | "refuse" | "require_sharing" => signed,
        "approve_with_conditions" => merged(json!({"conditions": [{"text": "paint it", "reason": "law"}]}), &signed),
        "issue_permit" => json!({"number": "GP-1"}),
        "record_agreement" => {
            json!({"column": of_case["check"]["candidates"][0]["id"], "number": "HD-1", "on": "2026-11-25",
            "file": FILE})
        }
        "notify_start" => begins(case.api),
        "meet_condition" => {
            json!({"condition": 1, "evidence": if dice.once_in(3) { FILE.into() } else { sha256(b"design") }})
        }
        "submit_as_built" => {
            let off = f64::from(u8::try_from(dice.below(8)).unwrap());
            survey((place.0 + off, place.1), 41.0)
        }
        "pause" => json!({"why": "force_majeure"}),
        "extend" => json!({"days": 5, "agreed": true}),
        _ => json!({}),
    }
}

/// What leads nowhere.
const ASIDE: [&str; 5] = ["pause", "resume", "extend", "check", "meet_condition"];

/// What ends a case or leads back comes seldom: else hardly any would get on.
const SELDOM: [&str; 8] =
    ["withdraw", "reject_at_intake", "revoke", "request_supplement", "send_back", "refuse", "return", "reject"];

const ROUNDS: usize = 700;

/// From here on days go by now and then.
const TIME_PASSES_FROM: usize = 300;

/// From here on silence is an approval.
const SILENCE_APPROVES_FROM: usize = 520;

/// Those that are filed then, the last ones.
const LATER: usize = 4;

/// The place whose column is to be shared.
const SHARED: usize = 3;

#[test]
#[allow(clippy::too_many_lines)] // one property
fn requests_are_sound_whatever_is_sent() {
    let (api, mut dice) = (world(), Dice(0x2545_F491_4F6C_DD1D));
    let places = [0.0, 4_000.0, 8_000.0, 12_000.0, 16_000.0, 20_000.0, 24_000.0].map(|east| (east, 0.0));
    // Too near to one of them: that column is to be shared.
    let tower = json!({"code": "TOWER", "organisation": "vnpt", "spare_capacity": 2, "position_accuracy_m": 0});
    api.add(WORKS, point(12_060.0, 0.0), merged(tower, &mast()));
    let mut cases: Vec<CaseOf<'_>> = places[..LATER].iter().map(|place| CaseOf::file(&api, *place, column())).collect();
    let corridors = places.map(|(east, _)| {
        let code = json!({"code": format!("R-{east}"), "status": "announced"});
        api.add(CORRIDORS, rect(east - 9.0, -9.0, east + 9.0, 9.0), merged(code, &road()))
    });
    let digest =
        |id: &str| api.sql(&format!("SELECT version_digest(r)::text FROM site_requests AS r WHERE id = '{id}'"));
    let (mut accepted, mut ended) = (vec![0; places.len()], BTreeMap::new());
    let (mut zoned, mut plans, mut by_itself) = (vec![None; places.len()], Vec::new(), 0);
    let context = api.database.context();
    for round in 0..ROUNDS {
        if round == TIME_PASSES_FROM {
            // What is older than it was told is in no trail.
            trail_is_whole(&api);
            cases.extend(places[LATER..].iter().map(|place| CaseOf::file(&api, *place, column())));
        }
        if round == SILENCE_APPROVES_FROM {
            load(&api, &silence_approves());
        }
        let is_late = round >= TIME_PASSES_FROM;
        let n =
            if is_late && !dice.once_in(6) { LATER + dice.below(cases.len() - LATER) } else { dice.below(cases.len()) };
        if is_late && dice.once_in(10) {
            age(&api, *dice.one(&[1, 10, 30]));
            by_itself += lapse(&context).unwrap();
            for case in &cases {
                let state = api.sql(&format!("SELECT state FROM site_requests WHERE id = '{}'", case.id)).unwrap();
                if State::parse(&state).is_some_and(|state| is_terminal(TABLE, state)) {
                    ended.entry(case.id.clone()).or_insert_with(|| digest(&case.id));
                }
            }
            continue;
        }
        if dice.once_in(25) {
            turn(&api, &corridors[n], &mut dice);
            continue;
        }
        if dice.once_in(50) {
            // A plan is not decided on where it is blocked.
            let status = api.sql(&format!("SELECT status FROM corridors WHERE id = '{}'", corridors[n])).unwrap();
            if zoned[n].is_some() || status == "announced" {
                turn_zone(&api, n, places[n].0, &mut plans, &mut zoned[n]);
            }
            continue;
        }
        let now =
            State::parse(&api.sql(&format!("SELECT state FROM site_requests WHERE id = '{}'", cases[n].id)).unwrap());
        let role = dice.somebody(match now.and_then(State::waits_for) {
            Some(Waits::Owner) => &["carrier"],
            Some(Waits::Officer | Waits::OwnerAndOfficer) => &["officer", "both"],
            Some(Waits::Approver) => &["approver", "other-approver", "both"],
            Some(Waits::Consultee) => &["consultee", "officer"],
            None => &[],
        });
        let path = cases[n].path();
        // As the one reads it who sees all of it.
        let reader = if api.server.get("both", &path).status == 200 { "both" } else { "carrier" };
        let case = &mut cases[n];
        case.now = api.server.get(reader, &path).json();
        case.version = case.now["properties"]["version"].as_i64().unwrap();
        let seen = api.server.get(role, &path);
        let allowed: Vec<String> = if seen.status == 200 {
            seen.json()["properties"]["allowed"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e.as_str().unwrap().into())
                .collect()
        } else {
            Vec::new()
        };
        let event = if allowed.is_empty() || dice.once_in(10) {
            if dice.below(4) > 0 {
                continue;
            }
            dice.one(Event::ALL).1.to_owned()
        } else {
            let asked = case.now["properties"]["case"]["consultations"].as_array().cloned().unwrap_or_default();
            let unasked = asked.iter().any(|c| c["asked_at"].is_null());
            let open = asked.iter().any(|c| !c["asked_at"].is_null() && c["answer"].is_null());
            let unchecked = case.now["properties"]["case"]["check"].is_null();
            dice.event(&allowed, |event| match event {
                "consult" => unasked,
                "answer" => open,
                "assess" => !open && !unasked,
                "check" => unchecked,
                // No column is to be shared but there.
                "approve" | "approve_with_conditions" => n != SHARED,
                event => !ASIDE.contains(&event) && !SELDOM.contains(&event),
            })
        };
        if SELDOM.contains(&event.as_str()) && !dice.once_in(14) {
            continue;
        }
        let data = said(case, role, &event, places[n], &mut dice);
        let reason = (!dice.once_in(8)).then_some("why");
        let before = digest(&case.id);
        let answer = case.sends(role, &event, reason, data);
        if answer.status == 200 {
            accepted[n] += 1;
            assert!(allowed.contains(&event), "{role} {event}: what is done is among what may be");
            let state = State::parse(answer.json()["properties"]["state"].as_str().unwrap()).unwrap();
            if is_terminal(TABLE, state) {
                ended.insert(case.id.clone(), digest(&case.id));
            }
        } else {
            assert!([401, 403, 404, 409, 422].contains(&answer.status), "{role} {event}: {}", answer.text);
            assert_eq!(digest(&case.id), before, "{role} {event}: what is refused changes nothing");
        }
    }
    let (mut decisions, mut made_by_itself, mut dated, mut seen) = (0, 0, 0, std::collections::BTreeSet::new());
    for (n, case) in cases.iter().enumerate() {
        let history = format!("/api/site-requests/{}/history", case.id);
        if api.server.get("both", &history).status != 200 {
            continue;
        }
        let all = steps(&api, "site_request_events", "request", &case.id, &history);
        let timed = all.iter().filter(|step| step.3 == "timer").count();
        assert_eq!(all.len(), accepted[n] + timed);
        let by_timer = |event: &str| OF_TIMER.contains(&Event::parse(event).unwrap());
        assert!(all.iter().all(|step| by_timer(&step.0) == (step.3 == "timer")), "nobody else makes its steps");
        made_by_itself += timed;
        let (mut state, mut recommended, mut checked) = (State::Draft, None, None);
        for (seq, (event, from, to, actor, revision)) in (1..).zip(&all) {
            seen.insert(event.clone());
            let event = Event::parse(event).unwrap();
            assert_eq!(State::parse(from), Some(state), "each goes on where the one before ended");
            assert_eq!(row(TABLE, state, event).map(|row| row.to), State::parse(to), "{event}");
            state = State::parse(to).unwrap();
            let judges = matches!(event, Event::Recommend | Event::AdmitAppeal | Event::DismissAppeal)
                || clearway::domain::site_request::table::decides(event);
            assert!(!judges || actor != "applicant", "{event} by who is of the carrier");
            match event {
                Event::Recommend => recommended = Some(actor.clone()),
                Event::Check => checked = Some((seq, *revision)),
                Event::Submit => checked = None,
                event if clearway::domain::site_request::table::decides(event) => {
                    decisions += 1;
                    assert_ne!(recommended.as_ref(), Some(actor), "who recommends does not decide");
                    let (check, at) = checked.unwrap();
                    let rests = format!(
                        "SELECT count(*) FROM site_request_events AS d
                         JOIN site_request_events AS c ON c.request = d.request AND c.seq = {check}
                         JOIN site_checks AS r ON r.id = (c.noted->'run'->>'id')::uuid
                         WHERE d.request = '{id}' AND d.seq = {seq} AND d.data->>'run' = r.id::text
                             AND d.data->>'run_sha256' = encode(r.hash, 'hex')",
                        id = case.id
                    );
                    assert_eq!(api.sql(&rests).unwrap(), "1", "{event} rests on the last check of the case");
                    let [then, now] = [at, *revision].map(|r| status_at(&api, &corridors[n], r));
                    assert_eq!(then, now, "{event}: the corridor is what it was when it was checked");
                    let [zones_then, zones_now] = [at, *revision].map(|r| zones_at(&api, n, r));
                    assert_eq!(zones_then, zones_now, "{event}: so are the zones");
                    let approves = matches!(event, Event::Approve | Event::ApproveWithConditions);
                    assert!(!approves || now == "announced" && zones_now.is_none(), "what is blocked is approved");
                    assert!(!approves || n != SHARED, "where a column is to be shared none is approved");
                    assert!(event != Event::RequireSharing || n == SHARED, "no other is to be shared");
                }
                Event::DeemApproved => {
                    let free = zones_at(&api, n, *revision).is_none();
                    assert!(
                        free && status_at(&api, &corridors[n], *revision) == "announced",
                        "what is blocked is approved"
                    );
                }
                Event::RecordAgreement => assert_eq!(n, SHARED),
                _ => {}
            }
        }
        let due = format!(
            "SELECT count(*) || ' ' || count(*) FILTER (WHERE r.due_on >= (e.at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)
             FROM site_requests AS r LEFT JOIN LATERAL (
                 SELECT min(at) AS at FROM site_request_events WHERE request = r.id AND event = 'accept'
             ) AS e ON true WHERE r.id = '{}' AND r.due_on IS NOT NULL",
            case.id
        );
        let due = api.sql(&due).unwrap();
        let (all, since) = due.split_once(' ').unwrap();
        assert_eq!(all, since, "what is due was accepted, and no later than that");
        dated += all.parse::<u32>().unwrap();
    }
    for (id, then) in &ended {
        assert_eq!(digest(id), *then, "what has ended is what it was");
    }
    assert_eq!(made_by_itself, by_itself);
    eprintln!(
        "{accepted:?} steps, {by_itself} by itself, {decisions} decisions, {} zones, {} ended: {seen:?}",
        plans.len(),
        ended.len()
    );
    assert!(decisions > 0 && !ended.is_empty() && by_itself > 0 && !plans.is_empty(), "it is about something");
    assert!(dated > 0, "something is due");
    for event in ["require_sharing", "escalate"] {
        assert!(seen.contains(event), "{event}: {seen:?}");
    }
}

#[test]
#[allow(clippy::too_many_lines)] // one property
fn plans_are_sound_whatever_is_sent() {
    let (api, mut dice) = (world(), Dice(0x9E37_79B9_7F4A_7C15));
    let plans: Vec<String> = (0..8).map(|n| api.plan(&format!("QH-{n}"), 2)).collect();
    // Through the second zone of each, which lie upon each other.
    let announced = merged(json!({"code": "R", "status": "announced", "clearance_m": 1}), &road());
    let corridor = api.add(CORRIDORS, rect(240.0, -50.0, 260.0, 150.0), announced);
    let digest = |id: &str| api.sql(&format!("SELECT version_digest(p)::text FROM plans AS p WHERE id = '{id}'"));
    let (mut accepted, mut ended) = (vec![0; plans.len()], BTreeMap::new());
    let mut runs: BTreeMap<&str, Json> = BTreeMap::new();
    for _ in 0..420 {
        let n = dice.below(plans.len());
        let (id, path) = (plans[n].as_str(), format!("/api/plans/{}", plans[n]));
        match dice.below(24) {
            0..2 => {
                turn(&api, &corridor, &mut dice);
                continue;
            }
            2..5 => {
                runs.insert(id, api.check(id));
                continue;
            }
            _ => {}
        }
        let role =
            dice.somebody(match api.sql(&format!("SELECT state FROM plans WHERE id = '{id}'")).unwrap().as_str() {
                "draft" | "in_appraisal" | "appraised" | "approved" => &["officer", "both"],
                "submitted" | "published" | "suspended" => &["approver", "other-approver", "both"],
                _ => &[],
            });
        let seen = api.server.get(role, &path);
        let allowed: Vec<String> = if seen.status == 200 {
            seen.json()["allowed"].as_array().unwrap().iter().map(|e| e.as_str().unwrap().into()).collect()
        } else {
            Vec::new()
        };
        let event = if allowed.is_empty() || dice.once_in(10) {
            if dice.below(4) > 0 {
                continue;
            }
            dice.one(PlanEvent::ALL).1.to_owned()
        } else {
            dice.event(&allowed, |event| !SELDOM.contains(&event))
        };
        if SELDOM.contains(&event.as_str()) && !dice.once_in(8) {
            continue;
        }
        let run = runs.get(id).cloned().unwrap_or(json!({"id": null, "sha256": null}));
        let data = match event.as_str() {
            "appraise" => json!({"appraisal_number": "BC-1"}),
            "submit" => json!({"submission_number": "TTr-1"}),
            "waive" => run["blocked"].get(0).cloned().unwrap_or(json!({})),
            "approve" => {
                let mut data = decision(&run, "2026-01-01", &json!(null));
                if dice.once_in(12) {
                    data["check_sha256"] = json!(FILE);
                }
                data
            }
            _ => json!({}),
        };
        let before = digest(id);
        let reason = (!dice.once_in(8)).then_some("why");
        let version = api.server.get("both", &path).header("etag").unwrap().to_owned();
        let body = json!({"event": event, "reason": reason, "data": data});
        let send = || api.json_as(role, "POST", &format!("{path}/events"), Some(&version), &body);
        let answer = if event == "approve" { api.submitted_long_ago(id, send) } else { send() };
        if answer.status == 200 {
            accepted[n] += 1;
            assert!(allowed.contains(&event), "{role} {event}: what is done is among what may be");
            let state = PlanState::parse(answer.json()["state"].as_str().unwrap()).unwrap();
            if is_terminal(TRANSITIONS, state) {
                ended.insert(id, digest(id));
            }
        } else {
            assert!([401, 403, 404, 409, 422].contains(&answer.status), "{role} {event}: {}", answer.text);
            assert_eq!(digest(id), before, "{role} {event}: what is refused changes nothing");
        }
    }
    let (mut decisions, mut seen) = (0, std::collections::BTreeSet::new());
    for (n, id) in plans.iter().enumerate() {
        let all = steps(&api, "plan_events", "plan", id, &format!("/api/plans/{id}/history"));
        assert_eq!(all.len(), accepted[n]);
        let (mut state, mut waivers) = (PlanState::Draft, Vec::new());
        for (seq, (event, from, to, actor, revision)) in (1..).zip(&all) {
            seen.insert(event.clone());
            let event = PlanEvent::parse(event).unwrap();
            assert_eq!(PlanState::parse(from), Some(state), "each goes on where the one before ended");
            assert_eq!(row(TRANSITIONS, state, event).map(|row| row.to), PlanState::parse(to), "{event}");
            state = PlanState::parse(to).unwrap();
            if event == PlanEvent::Waive {
                waivers.push(actor.clone());
            }
            if event != PlanEvent::Approve {
                continue;
            }
            decisions += 1;
            let makers =
                format!("SELECT decided_by = ANY (makers) OR decided_by <> '{actor}' FROM plans WHERE id = '{id}'");
            assert_eq!(api.sql(&makers).unwrap(), "false", "who had a hand in it does not decide");
            assert!(!waivers.contains(actor), "who waived something does not approve");
            let rests = format!(
                "SELECT count(*) FROM plan_events AS d JOIN plan_checks AS c ON c.plan = d.plan AND c.id = (
                     SELECT id FROM plan_checks WHERE plan = d.plan AND revision < d.revision ORDER BY id DESC LIMIT 1
                 ) WHERE d.plan = '{id}' AND d.seq = {seq} AND d.data->>'check' = c.id::text
                     AND d.data->>'check_sha256' = encode(c.hash, 'hex')"
            );
            assert_eq!(api.sql(&rests).unwrap(), "1", "it rests on the last check");
            let waived = format!(
                "SELECT EXISTS (SELECT FROM plan_events AS w JOIN plan_events AS d ON d.plan = w.plan AND d.seq = {seq}
                 WHERE w.plan = '{id}' AND w.event = 'waive' AND w.data->>'check' = d.data->>'check')"
            );
            let blocks = status_at(&api, &corridor, *revision) == "in_force";
            assert!(!blocks || api.sql(&waived).unwrap() == "true", "what is blocked is approved");
        }
    }
    for (id, then) in &ended {
        assert_eq!(digest(id), *then, "what has ended is what it was");
    }
    trail_is_whole(&api);
    eprintln!("{accepted:?} steps, {decisions} decisions, {} ended: {seen:?}", ended.len());
    assert!(decisions > 0 && !ended.is_empty(), "it is about something");
}
