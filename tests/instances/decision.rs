//! A decision and what is told of it: whoever is killed between the two, and whatever becomes of the database, there is one decision,
//! and it is told as one.

use std::thread;

use diesel::PgConnection;
use serde_json::{Value as Json, json};

use crate::instance::{Answer, Instance, until};
use crate::receiver::{Got, Mood, Receiver};
use crate::restart::{How, Stoppable};
use crate::support::{Database, run_sql, token};
use crate::told::{SETTINGS, webhook};
use crate::world::{rect, value};

/// An instance for whoever draws plans and whoever decides about them.
fn instance(url: &str) -> Instance {
    let role = |name: &str, organisation: &str| {
        format!(r#"{{token="{}",name="{name}",organisation="{organisation}",roles=["{name}"]}}"#, token(name))
    };
    let tokens = format!("[{},{}]", role("officer", "office"), role("approver", "committee"));
    let mut settings = SETTINGS.to_vec();
    settings.push(("CLEARWAY_TOKENS", &tokens));
    Instance::start(url, &settings)
}

/// A plan that is with the committee.
struct Submitted {
    path: String,
    version: i64,
    decision: Json,
}

impl Submitted {
    fn lead(door: &Instance) -> Self {
        let sent = |role: &str, path: &str, version: Option<i64>, body: &Json| {
            let answer = door.json_as(role, path, version, body).unwrap();
            assert!(answer.status < 300, "{path} {body}: {}", answer.text);
            answer.json()
        };
        let plan = sent("officer", "/api/plans", None, &json!({"code": "P"}));
        let path = format!("/api/plans/{}", plan["id"].as_str().unwrap());
        let zone = json!({"type": "Feature", "geometry": rect([0.0, 0.0, 100.0, 100.0]), "properties":
            {"plan": plan["id"], "code": "Z", "column_classes": ["A2b"], "height_max_m": 42}});
        sent("officer", "/ogc/collections/zones/items", None, &zone);
        // Drawing a zone made another version of it.
        let mut version = 2;
        let mut step = |event: &str, data: &Json| {
            let body = json!({"event": event, "data": data});
            version = sent("officer", &format!("{path}/events"), Some(version), &body)["version"].as_i64().unwrap();
        };
        step("begin_appraisal", &json!({}));
        let run = sent("officer", &format!("{path}/checks"), None, &json!({}));
        step("appraise", &json!({"appraisal_number": "BC-1"}));
        step("submit", &json!({"submission_number": "TTr-1"}));
        let decision = json!({"check": run["id"], "check_sha256": run["sha256"], "decision_number": "QD-1",
            "decision_date": "2026-03-01", "decision_signer": "The chairman", "effective_from": "2026-01-01",
            "file_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"});
        Self { path, version, decision }
    }

    fn approve(&self, door: &Instance) -> Result<Answer, ureq::Error> {
        let body = json!({"event": "approve", "data": self.decision});
        door.json_as("approver", &format!("{}/events", self.path), Some(self.version), &body)
    }
}

fn prepared(url: &str) -> Receiver {
    run_sql(url, "INSERT INTO organisations VALUES ('committee', 'The committee', 'committee')");
    let receiver = Receiver::start(Mood::Well);
    webhook(url, &receiver.url());
    receiver
}

fn event(got: &Got) -> String {
    got.json()["data"]["event"].as_str().unwrap().to_owned()
}

/// There is one decision, one notice of it, and every time it was told it was told as the same.
#[track_caller]
fn decided_once(conn: &mut PgConnection, receiver: &Receiver) {
    until("all is told", || value(conn, "SELECT count(*) FROM deliveries WHERE state <> 'done'") == "0");
    assert_eq!(value(conn, "SELECT count(*) FROM plan_events WHERE event = 'approve'"), "1");
    assert_eq!(value(conn, "SELECT count(*) FROM outbox WHERE event = 'approve'"), "1");
    let steps = "SELECT string_agg(event, ' ' ORDER BY seq) FROM plan_events";
    assert_eq!(value(conn, steps), value(conn, "SELECT string_agg(event, ' ' ORDER BY number) FROM outbox"));
    let taken: Vec<Got> = receiver.got().into_iter().filter(|got| got.answered == Some(200)).collect();
    let mut ids: Vec<String> = taken.iter().filter(|got| event(got) == "approve").map(Got::id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let mut numbers: Vec<i64> = taken.iter().map(Got::number).collect();
    numbers.dedup();
    assert_eq!(numbers, [1, 2, 3, 4], "each once, in their order");
}

#[test]
fn a_decision_whose_instance_is_killed_before_it_is_told_is_told() {
    let database = Database::vn72();
    let receiver = prepared(&database.url);
    let mut first = instance(&database.url);
    let plan = Submitted::lead(&first);
    receiver.took(3);
    receiver.be(Mood::Silent);
    assert_eq!(plan.approve(&first).unwrap().status, 200);
    receiver.until("it is being told", |got| got.iter().any(|got| event(got) == "approve"));
    first.kill();
    receiver.idle();
    receiver.be(Mood::Well);
    let second = instance(&database.url);
    assert_eq!(plan.approve(&second).unwrap().status, 412, "it was decided");
    receiver.took(4);
    decided_once(&mut database.connect(), &receiver);
}

/// Whenever the database goes while somebody decides: what he hears is so, or he hears nothing, and looks again.
#[test]
fn a_decision_while_postgres_is_restarted_is_made_once() {
    for how in [How::Order, How::Crash] {
        let mut postgres = Stoppable::start();
        let receiver = prepared(&postgres.url);
        let first = instance(&postgres.url);
        let plan = Submitted::lead(&first);
        receiver.took(3);
        let heard = thread::scope(|scope| {
            let deciding = scope.spawn(|| plan.approve(&first));
            postgres.stop(how);
            deciding.join().unwrap()
        });
        postgres.go();
        let mut conn = <PgConnection as diesel::Connection>::establish(&postgres.url).unwrap();
        let approved = value(&mut conn, "SELECT count(*) FROM plans WHERE state = 'approved'") == "1";
        let heard = heard.map_or(0, |answer| answer.status);
        assert!(heard != 200 || approved, "{how:?}: what was said to be decided is");
        // It takes a while until it has connections again.
        let mut again = 0;
        until("it answers again", || {
            again = plan.approve(&first).map_or(0, |answer| answer.status);
            again == 200 || again == 412
        });
        assert_eq!(again, if approved { 412 } else { 200 }, "{how:?} {heard}");
        receiver.took(4);
        decided_once(&mut conn, &receiver);
    }
}
