//! Time passes: clocks, what is left of them, and what happens by itself when a day is over, once each.

use std::thread;

use clearway::actions::site_request::lapse::lapse;
use clearway::actions::{Witness, calendar, jurisdiction};
use clearway::domain::actor::Actor;
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, WORKS, mast, merged, point, rect, road};
use crate::rules::{VN, load};
use crate::site_request::{CaseOf, REQUESTS, begins, column, faults, today, trail_is_whole};
use crate::site_request_story::office;
use crate::support::{run_sql, vn35_draft};

const DAYS: &str = include_str!("../../fixtures/calendar/VN.toml");

/// Sets a calendar in another instance than the one asked.
pub fn set(api: &Api, text: &str, digest: &str) {
    let days = clearway::formats::calendar::read(text.as_bytes()).unwrap();
    let (operator, place) = (Actor::operator(), ["VN-72".to_owned()]);
    let context = api.database.context();
    calendar::set(&context, Witness::new(&operator, "test"), &place, &days, &digest.repeat(32)).unwrap();
}

/// The calendar of the fixtures with further days off, as a version of its own.
pub fn with_days_off(version: &str, days: &[Date]) -> String {
    let mut text = DAYS.replace("version = \"2026-11\"", &format!("version = \"{version}\""));
    for day in days {
        text = format!(
            "{text}\n[[holiday]]\ndate = {day}\nname_vi = \"nghỉ\"\nname_en = \"off\"\nconfidence = \"default\"\n"
        );
    }
    text
}

fn accepted(api: &Api) -> CaseOf<'_> {
    let mut case = CaseOf::file(api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case
}

/// As if everything had been done so many days earlier.
pub fn age(api: &Api, days: u32) {
    run_sql(
        &api.database.url,
        &format!(
            "ALTER TABLE site_request_events DISABLE TRIGGER USER; ALTER TABLE site_requests DISABLE TRIGGER USER;
             UPDATE site_request_events SET at = at - interval '{days} days',
                 noted = noted || (SELECT coalesce(jsonb_object_agg(key, (value #>> '{{}}')::date - {days}), '{{}}') FROM jsonb_each(noted)
                     WHERE key IN ('day', 'answer_by', 'permit_from', 'permit_to', 'overdue') AND value <> 'null'),
                 data = CASE WHEN event = 'notify_start' THEN jsonb_set(data, '{{on}}', to_jsonb((data->>'on')::date - {days}))
                     WHEN jsonb_typeof(data->'conditions') = 'array' THEN data || jsonb_build_object('conditions',
                     (SELECT coalesce(jsonb_agg(c || jsonb_build_object('due_on', (c->>'due_on')::date - {days})), '[]')
                      FROM jsonb_array_elements(data->'conditions') AS c)) ELSE data END;
             UPDATE site_requests SET due_on = due_on - {days}, wakes_on = wakes_on - {days}, asked_until = asked_until - {days},
                 ends_on = CASE WHEN state = 'permit_active' THEN ends_on - {days} ELSE ends_on END,
                 answer_by = ARRAY(SELECT day - {days} FROM unnest(answer_by) AS a (day));
             ALTER TABLE site_request_events ENABLE TRIGGER USER; ALTER TABLE site_requests ENABLE TRIGGER USER"
        ),
    );
}

fn told(api: &Api, event: &str) -> Vec<String> {
    let of = format!(
        "SELECT string_agg(concat_ws(' ', state, array_to_string(organisations, ',')), ';') FROM outbox WHERE event = '{event}'"
    );
    api.sql(&of).unwrap_or_default().split(';').filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

fn one(api: &Api, role: &str) -> Json {
    let inbox = api.server.get(role, "/api/inbox").json();
    let all = inbox["features"].as_array().unwrap();
    assert!(all.len() <= 1, "{inbox}");
    all.first().map_or(Json::Null, |f| f["properties"].clone())
}

/// Until somebody says how long an answer may take and on which days the office works, nothing is accepted: nobody could tell when
/// it is due.
#[test]
fn nothing_is_accepted_where_nobody_can_say_until_when_it_is_answered() {
    let api = Api::new();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    let lacks = |text: &str| {
        let answer = case.sends("officer", "accept", None, json!({}));
        assert_eq!(answer.status, 409, "{}", answer.text);
        let unmet = answer.json()["unmet"].clone();
        assert_eq!((unmet.as_array().unwrap().len(), &unmet[0]["guard"]), (1, &json!("term_known")), "{unmet}");
        assert!(unmet[0]["detail"].as_str().unwrap_or_default().contains(text), "{text}: {unmet}");
    };
    lacks("site_request.term_days");
    load(&api, VN);
    lacks("calendar");
    set(&api, &DAYS.split("# 2025").next().unwrap().replace("last_year = 2027", "last_year = 2024"), "aa");
    lacks("speaks for 2024 to 2024");
    set(&api, &with_days_off("whole", &[]), "bb");
    case.step("officer", "accept", None, json!({}), "accepted");
    assert!(case.now["properties"]["due_on"].is_string());
}

/// What is due by the days of one calendar is due by those of the next, at every door.
#[test]
fn a_calendar_that_is_set_later_moves_what_is_due() {
    let api = office();
    let case = accepted(&api);
    let due: Date = case.now["properties"]["due_on"].as_str().unwrap().parse().unwrap();
    set(&api, &with_days_off("later", &[due]), "cd");
    let read = |role: &str| api.server.get(role, &case.path()).json()["properties"].clone();
    let next: Date = read("carrier")["due_on"].as_str().unwrap().parse().unwrap();
    assert!(next > due, "{due} {next}");
    assert_eq!(read("officer")["version"], case.version + 1, "it is another version");
    assert_eq!(read("officer")["case"]["clock"]["due_on"], json!(next.to_string()));
    assert_eq!(one(&api, "officer")["due_on"], json!(next.to_string()));
    // A copy like every other: the step is refused that was meant for what it was before.
    let stale = format!("\"{}\"", case.version);
    assert_eq!(case.sends_with("officer", &stale, "check", None, json!({})).status, 412);
    assert_eq!(api.sql("SELECT wakes_on - due_on FROM site_requests").unwrap(), "1");
    set(&api, &with_days_off("again", &[due, due.yesterday().unwrap().yesterday().unwrap()]), "ce");
    trail_is_whole(&api);
}

/// So is what is due by the hour of one rule pack by that of the next.
#[test]
fn rules_that_are_loaded_later_move_what_is_due() {
    let api = office();
    let case = accepted(&api);
    let due = |cut_off: u32| -> Date {
        let text = VN.replacen("version = \"", &format!("version = \"cut-{cut_off}-"), 1);
        load(&api, &text.replace("cut_off_minutes\"\nvalue = 990", &format!("cut_off_minutes\"\nvalue = {cut_off}")));
        api.sql("SELECT due_on FROM site_requests").unwrap().parse().unwrap()
    };
    let (latest, earliest) = (due(1439), due(0));
    let days = clearway::formats::calendar::read(DAYS.as_bytes()).unwrap();
    let accepted_on =
        api.sql("SELECT (at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date FROM site_request_events WHERE event = 'accept'");
    // What comes on a day off is received on the next working day whatever the hour.
    let works = days.is_working(accepted_on.unwrap().parse().unwrap()).unwrap();
    assert_eq!(earliest, days.plus_working_days(latest, u32::from(works)).unwrap());
    assert!(api.server.get("officer", &case.path()).json()["properties"]["version"].as_i64().unwrap() >= case.version);
    trail_is_whole(&api);
}

/// What is left is shown with each request, and its clock with one; while it stands still, it is due on no day.
#[test]
fn what_is_left_of_the_time_is_shown() {
    let api = office();
    let mut case = accepted(&api);
    let shown = |p: &Json| (p["due_on"].is_string(), p["slack_days"].clone(), p["overdue"].clone());
    let read = case.now["properties"].clone();
    // What comes after the cut-off hour, or on a day off, is received on the next working day.
    let slack = &read["slack_days"];
    assert!(read["due_on"].is_string() && (*slack == 20 || *slack == 21), "{read}");
    for all in [one(&api, "officer"), api.server.get("carrier", REQUESTS).json()["features"][0]["properties"].clone()] {
        assert_eq!(shown(&all), shown(&read));
    }
    let clock = &read["case"]["clock"];
    assert_eq!((&clock["term_days"], &clock["used_days"], &clock["left_days"]), (&json!(20), &json!(0), &json!(20)));
    assert_eq!((&clock["due_on"], &clock["paused"]), (&read["due_on"], &Json::Null));
    case.step("officer", "pause", Some("a storm"), json!({"why": "force_majeure"}), "accepted");
    let read = case.now["properties"].clone();
    assert_eq!(shown(&read), (false, Json::Null, json!(false)), "the day moves as long as the clock stands still");
    assert_eq!(read["case"]["clock"]["paused"]["reason"], "force_majeure");
    age(&api, 40);
    let read = api.server.get("officer", &case.path()).json()["properties"].clone();
    let earliest: Date = read["case"]["clock"]["due_on"].as_str().unwrap().parse().unwrap();
    assert!(earliest.to_string() > api.sql("SELECT now()::date").unwrap(), "were it to run on now: {earliest}");
    assert_eq!((lapse(&api.database.context()), told(&api, "escalate").len()), (Ok(0), 0));
    case.step("officer", "resume", None, json!({}), "accepted");
    assert_eq!(case.now["properties"]["due_on"], read["case"]["clock"]["due_on"]);
    let passes = [("If-None-Match", format!("\"{}\"", case.version))];
    let passes = [(passes[0].0, passes[0].1.as_str())];
    assert_eq!(api.send("officer", "GET", &case.path(), &passes, None).status, 200, "tomorrow it says something else");
}

/// That a request is overdue is told once: to its carrier, to the office, and to the committee; in the history, too.
#[test]
fn that_a_request_is_overdue_is_told_once() {
    let api = office();
    for (code, kind) in [("office", "office"), ("committee", "committee")] {
        run_sql(&api.database.url, &format!("INSERT INTO organisations VALUES ('{code}', '{code}', '{kind}')"));
    }
    let case = accepted(&api);
    let context = api.database.context();
    assert_eq!(lapse(&context), Ok(0), "it is in time");
    age(&api, 60);
    let late = one(&api, "officer");
    assert!(late["overdue"] == true && late["slack_days"].as_i64().unwrap() < 0, "{late}");
    let other = api.database.context();
    let made = thread::scope(|scope| {
        let ways = [&context, &other].map(|context| scope.spawn(|| lapse(context)));
        ways.map(|way| way.join().unwrap())
    });
    assert_eq!(made.into_iter().map(Result::unwrap).sum::<usize>(), 1);
    assert_eq!((lapse(&context), lapse(&other)), (Ok(0), Ok(0)));
    assert_eq!(told(&api, "escalate"), ["accepted committee,office,viettel"]);
    let history = api.server.get("officer", &format!("/api/site-requests/{}/history", case.id)).json();
    let last = history["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["event"], &last["actor"]), (&json!("escalate"), &json!("timer")));
    assert_eq!((&last["from"], &last["to"]), (&json!("accepted"), &json!("accepted")));
    assert_eq!(
        api.sql("SELECT concat_ws(' ', actor, deed) FROM audit_events ORDER BY revision DESC LIMIT 1").unwrap(),
        "timer step"
    );
    let stale = format!("\"{}\"", case.version);
    let by_hand = case.sends_with("officer", &stale, "escalate", None, json!({}));
    assert_eq!(by_hand.status, 412, "it is another version: {}", by_hand.text);
}

/// That the day of a condition is over is told once, to the carrier that owes what shows it and to the office, and stands in the inbox of
/// both until it is met; each condition has a day of its own.
#[test]
fn that_the_day_of_a_condition_is_over_is_told_once() {
    let api = office();
    for (code, kind) in [("office", "office"), ("committee", "committee")] {
        run_sql(&api.database.url, &format!("INSERT INTO organisations VALUES ('{code}', '{code}', '{kind}')"));
    }
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    let day = |days: i32| api.sql(&format!("SELECT '{}'::date + {days}", today(&api))).unwrap();
    let conditions = json!({"conditions": [
        {"text": "paint it", "reason": "landscape", "due_on": day(60)},
        {"text": "fence it", "reason": "safety", "due_on": day(30)},
        {"text": "keep it", "reason": "order"},
    ]});
    case.step("approver", "approve_with_conditions", None, case.decision(conditions), "approved_with_conditions");
    let (context, other) = (api.database.context(), api.database.context());
    age(&api, 30);
    assert_eq!(lapse(&context), Ok(0), "the last day is a day of it");
    age(&api, 1);
    let made = thread::scope(|scope| {
        let ways = [&context, &other].map(|context| scope.spawn(|| lapse(context)));
        ways.map(|way| way.join().unwrap())
    });
    assert_eq!(made.into_iter().map(Result::unwrap).sum::<usize>(), 1);
    assert_eq!((lapse(&context), lapse(&api.database.context())), (Ok(0), Ok(0)));
    assert_eq!(told(&api, "remind"), ["approved_with_conditions office,viettel"]);
    let says = "SELECT string_agg(concat_ws(' ', due, detail->>'condition'), ',' ORDER BY due) FROM outbox WHERE event = 'remind'";
    assert_eq!(api.sql(says).unwrap(), format!("{} 2", day(-1)));
    let shown = |role: &str| {
        let p = one(&api, role);
        (p["due_on"].clone(), p["overdue"].clone(), p["slack_days"].as_i64().is_some_and(|days| days <= 0))
    };
    let late = (json!(day(-1)), json!(true), true);
    assert_eq!((shown("carrier"), shown("officer")), (late.clone(), late.clone()));
    case.version += 1;
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    assert_eq!((shown("carrier"), shown("officer")), (late.clone(), late), "the office goes on seeing what is late");
    let overdue = |n: usize| case.now["properties"]["case"]["conditions"][n]["overdue"].clone();
    assert_eq!([overdue(0), overdue(1), overdue(2)], [json!(false), json!(true), json!(false)]);
    let evidence = case.shows("a photograph");
    case.step("carrier", "meet_condition", None, json!({"condition": 2, "evidence": evidence}), "permit_active");
    assert_eq!((shown("carrier").0, one(&api, "officer")), (json!(day(29)), Json::Null));
    age(&api, 30);
    assert_eq!((lapse(&context), lapse(&other)), (Ok(1), Ok(0)), "the other condition");
    assert_eq!(api.sql(says).unwrap(), format!("{} 2,{} 1", day(-1), day(-1)));
    assert_eq!(one(&api, "officer")["overdue"], true);
    let history = api.server.get("officer", &format!("/api/site-requests/{}/history", case.id)).json();
    let last = history["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["event"], &last["actor"], &last["to"]),
        (&json!("remind"), &json!("timer"), &json!("permit_active"))
    );
    case.refused("officer", "remind", None, json!({}), &[], &[]);
}

/// What was granted, or put to sharing, before its carrier was reminded of anything is counted anew once: then it is in the inbox of whom
/// it waits for, and he is told that a day is over, as of anything else, once.
#[test]
fn what_was_granted_before_anybody_was_reminded_is_counted_anew() {
    let api = office();
    run_sql(&api.database.url, "INSERT INTO organisations VALUES ('office', 'office', 'office')");
    let day = |days: i32| api.sql(&format!("SELECT '{}'::date + {days}", today(&api))).unwrap();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    let conditions = json!({"conditions": [{"text": "paint it", "reason": "landscape", "due_on": day(30)}]});
    case.step("approver", "approve_with_conditions", None, case.decision(conditions), "approved_with_conditions");
    let late = case.id.clone();
    age(&api, 31);
    let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b",
        "position_accuracy_m": 0});
    api.add(crate::help::WORKS, crate::help::point(3_060.0, 0.0), tower);
    let mut case = CaseOf::file(&api, (3_000.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "require_sharing", None, case.decision(json!({})), "sharing_required");
    // As both were kept before, and as the service finds them.
    let kept =
        "SELECT string_agg(concat_ws(' ', state, waits_for, wakes_on, due_on), ',' ORDER BY id) FROM site_requests";
    let right = api.sql(kept).unwrap();
    run_sql(
        &api.database.url,
        "ALTER TABLE site_requests DISABLE TRIGGER USER;
         UPDATE site_requests SET waits_for = 'officer', wakes_on = NULL, due_on = NULL;
         INSERT INTO site_requests_to_count (jurisdiction, id) SELECT jurisdiction, id FROM site_requests;
         ALTER TABLE site_requests ENABLE TRIGGER USER",
    );
    let versions = || api.sql("SELECT string_agg(version::text, ',' ORDER BY id) FROM site_requests").unwrap();
    let waits = || api.server.get("carrier", "/api/inbox").json()["features"].as_array().unwrap().len();
    assert_eq!((api.sql(kept).unwrap() == right, waits()), (false, 0));
    let forged = faults(&api);
    let contexts = [api.database.context(), api.database.context()];
    let made = thread::scope(|scope| {
        let ways = contexts.each_ref().map(|context| scope.spawn(|| lapse(context)));
        ways.map(|way| way.join().unwrap())
    });
    assert_eq!(made.into_iter().map(Result::unwrap).sum::<usize>(), 3, "two are counted, and one is late");
    let (before, counted) = (versions(), api.sql(kept).unwrap());
    assert_eq!((told(&api, "remind"), waits()), (vec!["approved_with_conditions office,viettel".to_owned()], 2));
    let is_late = format!("SELECT concat_ws(' ', waits_for, wakes_on, due_on) FROM site_requests WHERE id = '{late}'");
    assert_eq!(api.sql(&is_late).unwrap(), format!("owner_and_officer {}", day(-1)), "told, and shown as late");
    assert_eq!((lapse(&contexts[0]), lapse(&contexts[1])), (Ok(0), Ok(0)));
    assert_eq!((versions(), api.sql(kept).unwrap()), (before, counted));
    assert_eq!(api.sql("SELECT count(*) FROM site_requests_to_count").unwrap(), "0");
    assert_eq!(faults(&api), forged, "what is counted is in the trail");
}

/// What fails of one jurisdiction, from the first that is asked about it, is said each time, and holds up none of the others.
#[test]
fn what_fails_of_one_jurisdiction_holds_up_no_other() {
    let api = office();
    accepted(&api);
    age(&api, 60);
    let operator = Actor::operator();
    jurisdiction::register(&api.database.context(), Witness::new(&operator, "test"), vn35_draft()).unwrap();
    // By its code it comes first.
    let wrong = |sql: &str| run_sql(&api.database.url, &format!("SET session_replication_role = replica; {sql}"));
    wrong(
        "ALTER TABLE site_requests DROP CONSTRAINT site_requests_state_known;
         INSERT INTO site_requests SELECT p.* FROM site_requests AS r, LATERAL jsonb_populate_record(r,
             '{\"jurisdiction\": \"VN-35\", \"state\": \"nonsense\"}') AS p",
    );
    let context = api.database.context();
    assert!(lapse(&context).is_err() && lapse(&context).is_err(), "it is said, and tried again");
    assert_eq!(told(&api, "escalate").len(), 1);
    wrong("DELETE FROM site_requests WHERE jurisdiction = 'VN-35'");
    assert_eq!(lapse(&context), Ok(0));
}

/// No pause heals that it is overdue, and nobody has to be asked what the checks say now to tell so.
#[test]
fn that_a_request_is_overdue_is_told_whatever_was_done_since_and_without_a_check() {
    for after in ["nothing", "pause", "request_supplement", "patch"] {
        let api = office();
        let mut case = accepted(&api);
        case.step("officer", "check", None, json!({}), "checking");
        age(&api, 60);
        match after {
            "pause" => case.step("officer", after, Some("a storm"), json!({"why": "force_majeure"}), "checking"),
            "request_supplement" => {
                case.step("officer", after, Some("why"), json!({"missing": ["design"]}), "returned_for_supplement");
            }
            // By whoever brings what is missing before anybody was told.
            "patch" => {
                let missing = json!({"missing": ["design"]});
                case.step("officer", "request_supplement", Some("why"), missing, "returned_for_supplement");
                case.patch(json!({"name": "Đồi"}));
            }
            _ => {}
        }
        // No check of it could be asked again.
        run_sql(&api.database.url, "SET session_replication_role = replica; DELETE FROM site_checks");
        let context = api.database.context();
        assert_eq!((lapse(&context), lapse(&context)), (Ok(1), Ok(0)), "{after}");
        assert_eq!(told(&api, "escalate").len(), 1, "{after}");
    }
}

/// While it is recommended its clock is the office's as before and after that.
#[test]
fn the_clock_of_what_is_recommended_is_paused_and_extended_too() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_advice();
    case.step("officer", "pause", Some("a storm"), json!({"why": "force_majeure"}), "recommended");
    assert_eq!(case.now["properties"]["due_on"], Json::Null);
    case.step("officer", "resume", None, json!({}), "recommended");
    let due = case.now["properties"]["due_on"].as_str().unwrap().to_owned();
    case.step("officer", "extend", Some("a second survey"), json!({"days": 5, "agreed": true}), "recommended");
    assert!(*case.now["properties"]["due_on"].as_str().unwrap() > *due);
}

/// What counts goes by the day: a decision that waits until after midnight rests on no look of the day before.
#[test]
fn a_decision_rests_on_no_look_of_another_day() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    // As if whoever decides waited for the others until it is tomorrow.
    let late = "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.recorded_at := NEW.recorded_at + interval '1 day'; RETURN NEW; END $$;
        CREATE TRIGGER late BEFORE UPDATE ON revisions FOR EACH ROW EXECUTE FUNCTION late()";
    run_sql(&api.database.url, late);
    let refused = case.sends("approver", "approve", None, case.decision(json!({})));
    assert_eq!(
        (refused.status, &refused.json()["unmet"][0]["guard"]),
        (409, &json!("check_fresh")),
        "{}",
        refused.text
    );
    run_sql(&api.database.url, "DROP TRIGGER late ON revisions");
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
}

/// That somebody's time for an answer is over is told once, to him and to the office, whose turn it is then.
#[test]
fn that_the_time_for_an_answer_is_over_is_told_once() {
    let api = office();
    run_sql(&api.database.url, "INSERT INTO organisations VALUES ('office', 'office', 'office')");
    let mut case = accepted(&api);
    case.step("officer", "check", None, json!({}), "checking");
    let also = json!({"also": [{"consultee": "army"}, {"consultee": "police"}]});
    case.step("officer", "consult", None, also, "consulting");
    let police = json!({"organisation": "police", "answer": "agree", "letter": "7/CV"});
    case.step("officer", "answer", None, police, "consulting");
    let context = api.database.context();
    // The last day is a day of it.
    age(&api, 15);
    assert_eq!((lapse(&context), one(&api, "consultee")["overdue"].clone()), (Ok(0), json!(false)));
    age(&api, 1);
    assert_eq!(one(&api, "consultee"), Json::Null);
    assert_eq!((lapse(&context), lapse(&context)), (Ok(1), Ok(0)));
    let of = told(&api, "lapse_consultation");
    assert!(of.len() == 1 && of[0].contains("army") && of[0].contains("office") && !of[0].contains("police"), "{of:?}");
    assert_eq!(api.sql("SELECT concat_ws(' ', waits_for, asked::text) FROM site_requests").unwrap(), "officer {}");
    case.version += 1;
    case.refused("consultee", "answer", None, json!({"answer": "agree"}), &["was_asked"], &["answer"]);
    case.step("officer", "assess", None, json!({}), "assessing");
}

/// The rules of the fixtures, by which a request that is overdue counts as approved.
pub fn silence_approves() -> String {
    let off = "key = \"site_request.deemed_approval\"\nvalue = 0";
    assert!(VN.contains(off));
    VN.replace(off, &off.replace('0', "1")).replacen("version = \"", "version = \"deemed-", 1)
}

/// By the rules a request that is overdue may count as approved: off, it is overdue and nothing else; on, it is approved by itself,
/// but for what is known to stand in its way.
#[test]
fn silence_is_an_approval_where_the_rules_say_so() {
    let deemed = silence_approves();
    for (on, blocked, checked, state) in [
        (false, false, true, "checking"),
        (true, false, true, "approved"),
        (true, false, false, "approved"),
        (true, true, true, "checking"),
        (true, true, false, "accepted"),
    ] {
        let what = format!("on {on}, blocked {blocked}, checked {checked}");
        let api = office();
        let context = api.database.context();
        if on {
            load(&api, &deemed);
        }
        let mut case = accepted(&api);
        if blocked {
            api.add(CORRIDORS, rect(-9.0, -9.0, 9.0, 9.0), merged(json!({"code": "R"}), &road()));
        }
        if checked {
            case.step("officer", "check", None, json!({}), "checking");
        }
        age(&api, 60);
        assert_eq!((lapse(&context), lapse(&context)), (Ok(1), Ok(0)), "{what}");
        let read = api.server.get("carrier", &case.path()).json()["properties"].clone();
        assert_eq!(read["state"], state, "{what}");
        let approved = state == "approved";
        assert_eq!(read["case"]["deemed_approved_at"].is_string(), approved, "{what}");
        assert_eq!(
            (told(&api, "deem_approved").len(), told(&api, "escalate").len()),
            (usize::from(approved), usize::from(!approved)),
            "{what}"
        );
        if approved {
            let trail =
                "SELECT concat_ws(' ', actor, detail->>'event', detail->>'to', length(detail->>'snapshot_sha256'))
                FROM audit_events ORDER BY revision DESC LIMIT 1";
            assert_eq!(api.sql(trail).unwrap(), "timer deem_approved approved 64", "{what}");
            assert_eq!((&read["due_on"], &read["overdue"]), (&Json::Null, &json!(false)), "it is answered");
            case.version += 1;
            case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
        }
    }
}

/// What is worse than when it was checked is approved by nobody's silence, nor what a corridor takes by the width that the rules
/// have for it; what changed and is no worse is.
#[test]
fn silence_approves_nothing_that_is_worse_now() {
    let deemed = silence_approves();
    for (what, checked, state) in [
        ("a road by its class", true, "checking"),
        ("a road by its class", false, "accepted"),
        ("a column", true, "checking"),
        ("a column", false, "accepted"),
        ("a column that was there", true, "checking"),
        ("a column far away", true, "approved"),
        ("a pause", true, "checking"),
    ] {
        let api = office();
        load(&api, &deemed);
        let mut case = accepted(&api);
        let column = |east: f64| api.add(WORKS, point(east, 0.0), merged(json!({"code": "M"}), &mast()));
        if what == "a column that was there" {
            column(60.0);
        }
        if checked {
            case.step("officer", "check", None, json!({}), "checking");
        }
        age(&api, 60);
        match what {
            "a column that was there" => {}
            "a road by its class" => {
                let road = merged(json!({"code": "R", "class": "I"}), &road());
                api.add(CORRIDORS, rect(10.0, -50.0, 30.0, 50.0), road);
            }
            "a pause" => case.step("officer", "pause", Some("why"), json!({"why": "legal_action"}), "checking"),
            "a column" => drop(column(60.0)),
            _ => drop(column(4_000.0)),
        }
        let context = api.database.context();
        assert_eq!((lapse(&context), lapse(&context)), (Ok(1), Ok(0)), "{what}, checked {checked}");
        let read = api.server.get("carrier", &case.path()).json()["properties"].clone();
        assert_eq!(read["state"], state, "{what}, checked {checked}");
    }
}

/// What stands in the way of silence is said to the office where the case is told to be overdue, and holds up the approval for as long
/// as it stands there, and no longer.
#[test]
fn silence_approves_once_nothing_stands_in_its_way_any_more() {
    let deemed = silence_approves();
    for (what, checked, guard) in
        [("a corridor", false, "not_worse"), ("a corridor", true, "no_blocks"), ("a pause", true, "clock_runs")]
    {
        let what = format!("{what}, checked {checked}");
        let api = office();
        load(&api, &deemed);
        let mut case = accepted(&api);
        let corridor = (guard != "clock_runs")
            .then(|| api.add(CORRIDORS, rect(-9.0, -9.0, 9.0, 9.0), merged(json!({"code": "R"}), &road())));
        if checked {
            case.step("officer", "check", None, json!({}), "checking");
        }
        age(&api, 60);
        if guard == "clock_runs" {
            case.step("officer", "pause", Some("why"), json!({"why": "legal_action"}), "checking");
        }
        let context = api.database.context();
        assert_eq!((lapse(&context), lapse(&context)), (Ok(1), Ok(0)), "{what}");
        let history = format!("/api/site-requests/{}/history", case.id);
        let last =
            |role: &str| api.server.get(role, &history).json()["events"].as_array().unwrap().last().unwrap().clone();
        let reason = last("officer")["reason"].as_str().unwrap_or_default().to_owned();
        assert!(last("officer")["event"] == "escalate" && reason.contains(guard), "{what}: {reason}");
        assert_eq!(last("carrier")["reason"], Json::Null, "{what}: what stands there may be hidden from him");
        match guard {
            "not_worse" => {
                let path = format!("{CORRIDORS}/{}", corridor.unwrap());
                assert_eq!(api.on_grid("officer", "DELETE", &path, &json!({})).status, 204, "{what}");
            }
            "no_blocks" => {
                let run = case.now["properties"]["case"]["check"]["id"].as_str().unwrap().to_owned();
                let waiver = json!({"code": "COR", "reason": "the road goes round it"});
                let headers = [("Content-Type", "application/json")];
                let waived =
                    api.send("approver", "POST", &format!("/api/site-checks/{run}/waivers"), &headers, Some(&waiver));
                assert_eq!(waived.status, 201, "{what}: {}", waived.text);
            }
            _ => {
                case.version += 1;
                case.step("officer", "resume", None, json!({}), "checking");
            }
        }
        let context = api.database.context();
        assert_eq!((lapse(&context), lapse(&context)), (Ok(1), Ok(0)), "{what}");
        let read = api.server.get("carrier", &case.path()).json()["properties"].clone();
        assert_eq!(
            (&read["state"], &last("officer")["event"]),
            (&json!("approved"), &json!("deem_approved")),
            "{what}"
        );
        assert_eq!((told(&api, "deem_approved").len(), told(&api, "escalate").len()), (1, 1), "{what}");
    }
}

/// That the checks could not be asked for a moment is no answer: the request is overdue, and the approval is tried again.
#[test]
fn silence_approves_later_where_the_checks_could_not_be_asked() {
    let api = office();
    load(&api, &silence_approves());
    let mut case = accepted(&api);
    case.step("officer", "check", None, json!({}), "checking");
    age(&api, 60);
    let context = api.database.context();
    let away = |from: &str, to: &str| run_sql(&api.database.url, &format!("ALTER TABLE {from} RENAME TO {to}"));
    away("site_checks", "site_checks_away");
    assert!(lapse(&context).is_err() && lapse(&context).is_err(), "it is said");
    assert_eq!((told(&api, "deem_approved").len(), told(&api, "escalate").len()), (0, 1));
    let history = api.server.get("officer", &format!("/api/site-requests/{}/history", case.id)).json();
    let last = history["events"].as_array().unwrap().last().unwrap().clone();
    assert!(last["reason"].as_str().is_some_and(|reason| reason.contains("tried again")), "{last}");
    away("site_checks_away", "site_checks");
    assert_eq!((lapse(&context), lapse(&context)), (Ok(1), Ok(0)));
    let read = api.server.get("carrier", &case.path()).json()["properties"].clone();
    assert_eq!(read["state"], "approved");
    assert_eq!((told(&api, "deem_approved").len(), told(&api, "escalate").len()), (1, 1));
}

/// A permit holds through its last day, and is over on the next.
#[test]
fn a_permit_holds_through_its_last_day() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    let permit = &case.now["properties"]["case"]["permit"];
    let day = |name: &str| permit[name].as_str().unwrap();
    let months = format!("SELECT ('{}'::date + interval '6 months')::date", day("valid_from"));
    assert_eq!(api.sql(&months).unwrap(), day("valid_to"));
    let ends = |when: &str| {
        let sql = format!(
            "ALTER TABLE site_request_events DISABLE TRIGGER USER; ALTER TABLE site_requests DISABLE TRIGGER USER;
             UPDATE site_request_events SET noted = noted || jsonb_build_object('permit_to', {when}) WHERE event = 'issue_permit';
             UPDATE site_requests SET ends_on = {when};
             ALTER TABLE site_request_events ENABLE TRIGGER USER; ALTER TABLE site_requests ENABLE TRIGGER USER"
        );
        run_sql(&api.database.url, &sql);
    };
    let context = api.database.context();
    let today = "(now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date";
    ends(today);
    assert_eq!(lapse(&context), Ok(0), "it holds on its last day");
    ends(&format!("{today} - 1"));
    let start = begins(&api);
    case.refused(
        "carrier",
        "notify_start",
        None,
        start.clone(),
        &["permit_holds"],
        &["meet_condition", "notify_start"],
    );
    ends(today);
    case.step("carrier", "notify_start", None, start, "construction_notified");
}

/// A step goes by the rules of the moment at which nobody else writes, whether or not this instance has heard of them, and
/// whatever it read before.
#[test]
fn a_step_goes_by_the_rules_that_are_stored() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    let six = "key = \"site_request.permit_months\"\nvalue = 6";
    assert!(VN.contains(six));
    load(&api, &VN.replace(six, &six.replace('6', "1")).replacen("version = \"", "version = \"short-", 1));
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    let permit = &case.now["properties"]["case"]["permit"];
    let (from, to) = (permit["valid_from"].as_str().unwrap(), permit["valid_to"].as_str().unwrap());
    assert_eq!(api.sql(&format!("SELECT ('{from}'::date + interval '1 month')::date")).unwrap(), to);
}

/// Building begins on a day on which the permit holds; what was begun in time lapses no more.
#[test]
fn building_begins_on_a_day_of_the_permit() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    let last = case.now["properties"]["case"]["permit"]["valid_to"].as_str().unwrap().to_owned();
    let day = |from: &str, days: i32| json!({"on": api.sql(&format!("SELECT '{from}'::date + {days}")).unwrap()});
    for on in [json!({"on": "2099-01-01"}), day(&last, 1), day(&today(&api), -1)] {
        case.refused("carrier", "notify_start", None, on, &["permit_holds"], &["meet_condition", "notify_start"]);
    }
    case.step("carrier", "notify_start", None, day(&last, 0), "construction_notified");
    age(&api, 250);
    assert_eq!(lapse(&api.database.context()), Ok(0));
    case.step("carrier", "submit_as_built", None, crate::site_request::survey((0.0, 1.0), 42.0), "as_built_submitted");
}
