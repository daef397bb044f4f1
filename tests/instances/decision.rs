//! A decision and what is told of it: whoever is killed between the two, and whatever becomes of the database, there is one decision,
//! and it is told as one.

use std::path::Path;
use std::thread;

use clearway::domain::audit::hex;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::instance::{Answer, Door, Instance, clearway, until};
use crate::receiver::{Got, Mood, Receiver};
use crate::restart::{How, Stoppable};
use crate::support::{Database, run_sql, token};
use crate::told::{SETTINGS, webhook};
use crate::world::{JURISDICTION, point, rect, value};

/// An instance for whoever draws plans, files requests and decides about them; they share a folder of documents.
fn instance(url: &str, documents: &Path) -> Instance {
    let role = |name: &str, organisation: &str| {
        format!(r#"{{token="{}",name="{name}",organisation="{organisation}",roles=["{name}"]}}"#, token(name))
    };
    let all = [("officer", "office"), ("approver", "committee"), ("carrier", "viettel")];
    let other = role("approver", "committee").replace("the-approver", "the-other-approver");
    let other = other.replace(r#"name="approver""#, r#"name="other-approver""#);
    let tokens = format!("[{},{other}]", all.map(|(name, organisation)| role(name, organisation)).join(","));
    let mut settings = SETTINGS.to_vec();
    settings.extend([("CLEARWAY_TOKENS", tokens.as_str()), ("CLEARWAY_DOCUMENTS", documents.to_str().unwrap())]);
    Instance::start(url, &settings)
}

/// Whatever is decided.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Noun {
    Plan,
    Request,
}

/// A plan or a request that is with the committee.
struct Submitted {
    noun: Noun,
    path: String,
    version: i64,
    decision: Json,
    /// So many steps led there, each of which the office is told.
    steps: usize,
}

/// The SHA-256 of no content.
const FILE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn sent(door: &Instance, role: &str, path: &str, version: Option<i64>, body: &Json) -> Json {
    let answer = door.json_as(role, path, version, body).unwrap();
    assert!(answer.status < 300, "{path} {body}: {}", answer.text);
    answer.json()
}

/// The day there.
fn today() -> String {
    clearway::clock::now().to_zoned(TimeZone::fixed(jiff::tz::offset(7))).date().to_string()
}

impl Submitted {
    fn lead(noun: Noun, door: &Instance) -> Self {
        match noun {
            Noun::Plan => Self::plan(door),
            Noun::Request => Self::request(door),
        }
    }

    fn plan(door: &Instance) -> Self {
        let plan = sent(door, "officer", "/api/plans", None, &json!({"code": "P"}));
        let path = format!("/api/plans/{}", plan["id"].as_str().unwrap());
        let zone = json!({"type": "Feature", "geometry": rect([0.0, 0.0, 100.0, 100.0]), "properties":
            {"plan": plan["id"], "code": "Z", "column_classes": ["A2b"], "height_max_m": 42}});
        sent(door, "officer", "/ogc/collections/zones/items", None, &zone);
        // Drawing a zone made another version of it.
        let mut version = 2;
        let mut step = |event: &str, data: &Json| {
            let body = json!({"event": event, "data": data});
            let done = sent(door, "officer", &format!("{path}/events"), Some(version), &body);
            version = done["version"].as_i64().unwrap();
        };
        step("begin_appraisal", &json!({}));
        let run = sent(door, "officer", &format!("{path}/checks"), None, &json!({}));
        step("appraise", &json!({"appraisal_number": "BC-1"}));
        step("submit", &json!({"submission_number": "TTr-1"}));
        let decision = json!({"check": run["id"], "check_sha256": run["sha256"], "decision_number": "QD-1",
            "decision_date": today(), "decision_signer": "The chairman", "effective_from": today(),
            "file_sha256": FILE});
        Self { noun: Noun::Plan, path, version, decision, steps: 3 }
    }

    fn request(door: &Instance) -> Self {
        const KINDS: [&str; 4] = ["application", "site_plan", "land_right", "design"];
        let listed = KINDS.map(|kind| json!({"kind": kind, "sha256": hex(Sha256::digest(kind).as_ref())}));
        let filed = json!({"type": "Feature", "geometry": point(0.0, 0.0), "properties": {"column_class": "A2b",
            "height_agl_m": 42, "documents": listed,
            "declarations": ["truthful", "land_agreed", "structure_safe", "exposure_limits"]}});
        let made = sent(door, "carrier", "/ogc/collections/site-requests/items", None, &filed);
        let path = format!("/api/site-requests/{}", made["id"].as_str().unwrap());
        for kind in KINDS {
            let added =
                door.file_as("carrier", &format!("{path}/documents?kind={kind}&name={kind}.txt"), kind).unwrap();
            assert_eq!(added.status, 201, "{}", added.text);
        }
        let (mut version, mut steps) = (1, 0);
        let mut step = |role: &str, event: &str, data: &Json| {
            let body = json!({"event": event, "reason": "it fits", "data": data});
            let done = sent(door, role, &format!("{path}/events"), Some(version), &body)["properties"].clone();
            (version, steps) = (done["version"].as_i64().unwrap(), steps + 1);
            done["case"].clone()
        };
        step("carrier", "submit", &json!({}));
        step("officer", "accept", &json!({}));
        let case = step("officer", "check", &json!({}));
        let asked = case["consultations"].as_array().unwrap().clone();
        if !asked.is_empty() {
            step("officer", "consult", &json!({}));
        }
        for one in asked {
            let answer = json!({"organisation": one["organisation"], "answer": "agree", "letter": "7/CV"});
            step("officer", "answer", &answer);
        }
        step("officer", "assess", &json!({}));
        step("officer", "visit", &json!({"on": today(), "by": ["nga"], "minutes": "free ground"}));
        step("officer", "recommend", &json!({"advice": "approve"}));
        step("officer", "refer", &json!({"number": "12/TTr"}));
        let decision = json!({"number": "34/QD", "on": today(), "signer": "chair", "file": FILE,
            "run": case["check"]["id"], "run_sha256": case["check"]["sha256"]});
        Self { noun: Noun::Request, path, version, decision, steps }
    }

    fn approve(&self, door: &Door) -> Result<Answer, ureq::Error> {
        self.decide(door, "approver", "approve")
    }

    /// What stands against it.
    fn against(&self) -> &'static str {
        if self.noun == Noun::Plan { "reject" } else { "refuse" }
    }

    fn decide(&self, door: &Door, role: &str, event: &str) -> Result<Answer, ureq::Error> {
        let data = if event == "reject" { json!({}) } else { self.decision.clone() };
        let body = json!({"event": event, "reason": "it has to be", "data": data});
        door.json_as(role, &format!("{}/events", self.path), Some(self.version), &body)
    }

    /// Checked once more; what is decided then rests on that.
    fn checked_again(&mut self, door: &Instance) {
        let run = match self.noun {
            Noun::Plan => sent(door, "officer", &format!("{}/checks", self.path), None, &json!({})),
            Noun::Request => {
                let body = json!({"event": "check"});
                let now = sent(door, "officer", &format!("{}/events", self.path), Some(self.version), &body);
                self.version = now["properties"]["version"].as_i64().unwrap();
                self.steps += 1;
                now["properties"]["case"]["check"].clone()
            }
        };
        let [id, hash] = if self.noun == Noun::Plan { ["check", "check_sha256"] } else { ["run", "run_sha256"] };
        (self.decision[id], self.decision[hash]) = (run["id"].clone(), run["sha256"].clone());
    }

    /// There is no decision of any kind, and nobody was told of one.
    #[track_caller]
    fn undecided(&self, conn: &mut PgConnection, receiver: &Receiver) {
        until("all is told", || value(conn, UNTOLD) == "0");
        assert_eq!(self.counted(conn), ["0"; 4], "{:?}", self.noun);
        let told = receiver.got();
        assert!(told.iter().all(|got| !DECISIONS.contains(&event(got).as_str())), "{told:#?}");
    }

    /// Decisions of any kind: steps, entries of the audit trail, notices, and deliveries of them.
    fn counted(&self, conn: &mut PgConnection) -> [String; 4] {
        let table = if self.noun == Noun::Plan { "plan_events" } else { "site_request_events" };
        let any = format!("('{}')", DECISIONS.join("', '"));
        [
            format!("SELECT count(*) FROM {table} WHERE event IN {any}"),
            format!("SELECT count(*) FROM audit_events WHERE deed = 'step' AND detail->>'event' IN {any}"),
            format!("SELECT count(*) FROM outbox WHERE event IN {any}"),
            format!(
                "SELECT count(*) FROM deliveries AS d JOIN outbox AS o ON o.jurisdiction = d.jurisdiction AND o.id = d.event
                 WHERE o.event IN {any}"
            ),
        ]
        .map(|sql| value(conn, &sql))
    }

    /// There is one decision, one notice of it, and every time it was told it was told as the same.
    #[track_caller]
    fn decided_once(&self, conn: &mut PgConnection, receiver: &Receiver, decision: &str, told: Told) {
        let (table, noun) = match self.noun {
            Noun::Plan => ("plan_events", "plan"),
            Noun::Request => ("site_request_events", "site_request"),
        };
        until("all is told", || value(conn, UNTOLD) == "0");
        assert_eq!(self.counted(conn), ["1"; 4], "{:?}", self.noun);
        assert_eq!(value(conn, &format!("SELECT count(*) FROM {table} WHERE event = '{decision}'")), "1");
        let steps = value(conn, &format!("SELECT string_agg(event, ' ' ORDER BY seq) FROM {table}"));
        let notices = format!("SELECT string_agg(event, ' ' ORDER BY number) FROM outbox WHERE noun = '{noun}'");
        assert_eq!(steps, value(conn, &notices));
        // Kept checks that would be answered otherwise are told, too.
        let of_case =
            |got: &Got| got.answered == Some(200) && self.path.ends_with(got.json()["data"]["id"].as_str().unwrap());
        let taken: Vec<Got> = receiver.got().into_iter().filter(of_case).collect();
        let mut ids: Vec<String> =
            taken.iter().filter(|got| DECISIONS.contains(&event(got).as_str())).map(Got::id).collect();
        let mut numbers: Vec<i64> = taken.iter().map(Got::number).collect();
        if told == Told::AsTheSame {
            ids.dedup();
            numbers.dedup();
        }
        assert_eq!(ids.len(), 1, "it is told {} times", ids.len());
        let all: Vec<i64> = (1..=i64::try_from(self.steps).unwrap() + 1).collect();
        assert_eq!(numbers, all, "each once, in their order");
    }
}

/// How often somebody was told what he has taken.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Told {
    /// Once, and not again.
    Once,
    /// Again, where nobody could write down that he has taken it; and then as the same.
    AsTheSame,
}

/// The events that decide about a plan or a request.
const DECISIONS: [&str; 5] = ["approve", "approve_with_conditions", "require_sharing", "reject", "refuse"];

/// Deliveries that nobody has taken.
const UNTOLD: &str = "SELECT count(*) FROM deliveries WHERE state <> 'done'";

/// Connections that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND wait_event_type = 'Lock'";

/// Nobody writes until this goes.
fn held(database: &Database) -> PgConnection {
    let mut holder = database.connect();
    holder.batch_execute("BEGIN; SELECT 1 FROM revisions FOR UPDATE").unwrap();
    holder
}

/// A request is judged and counted by rules, and on days on which the office works.
fn prepared(noun: Noun, url: &str) -> Receiver {
    let fixture = |name: &str| format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let loads = [["rules", "import"].map(str::to_owned), ["calendar", "set"].map(str::to_owned)];
    let files = [fixture("rules/VN-2027-01.toml"), fixture("calendar/VN.toml")];
    for (command, file) in loads.iter().zip(&files).filter(|_| noun == Noun::Request) {
        let arguments = [&command[0], &command[1], file, "--jurisdiction", JURISDICTION];
        assert!(clearway(url, &arguments).status().unwrap().success(), "{command:?}");
    }
    run_sql(url, "INSERT INTO organisations VALUES ('committee', 'The committee', 'committee')");
    let receiver = Receiver::start(Mood::Well);
    webhook(url, &receiver.url());
    receiver
}

fn event(got: &Got) -> String {
    got.json()["data"]["event"].as_str().unwrap().to_owned()
}

#[test]
fn a_decision_whose_instance_is_killed_before_it_is_told_is_told() {
    for noun in [Noun::Plan, Noun::Request] {
        let (database, documents) = (Database::vn72(), tempfile::tempdir().unwrap());
        let receiver = prepared(noun, &database.url);
        let mut first = instance(&database.url, documents.path());
        let case = Submitted::lead(noun, &first);
        receiver.took(case.steps);
        receiver.be(Mood::Silent);
        assert_eq!(case.approve(&first).unwrap().status, 200, "{noun:?}");
        receiver.until("it is being told", |got| got.iter().any(|got| event(got) == "approve"));
        first.kill();
        receiver.idle();
        receiver.be(Mood::Well);
        let second = instance(&database.url, documents.path());
        assert_eq!(case.approve(&second).unwrap().status, 412, "{noun:?}: it was decided");
        receiver.took(case.steps + 1);
        case.decided_once(&mut database.connect(), &receiver, "approve", Told::Once);
    }
}

/// Whenever the database goes while somebody decides: what he hears is so, or he hears nothing, and looks again.
#[test]
fn a_decision_while_postgres_is_restarted_is_made_once() {
    for (noun, how) in [Noun::Plan, Noun::Request].into_iter().flat_map(|n| [How::Order, How::Crash].map(|h| (n, h))) {
        let (mut postgres, documents) = (Stoppable::start(), tempfile::tempdir().unwrap());
        let receiver = prepared(noun, &postgres.url);
        let first = instance(&postgres.url, documents.path());
        let case = Submitted::lead(noun, &first);
        receiver.took(case.steps);
        let heard = thread::scope(|scope| {
            let deciding = scope.spawn(|| case.approve(&first));
            postgres.stop(how);
            deciding.join().unwrap()
        });
        postgres.go();
        let mut conn = <PgConnection as diesel::Connection>::establish(&postgres.url).unwrap();
        let table = if noun == Noun::Plan { "plans" } else { "site_requests" };
        let approved = value(&mut conn, &format!("SELECT count(*) FROM {table} WHERE state = 'approved'")) == "1";
        let heard = heard.map_or(0, |answer| answer.status);
        assert!(heard != 200 || approved, "{noun:?} {how:?}: what was said to be decided is");
        // It takes a while until it has connections again.
        let mut again = 0;
        until("it answers again", || {
            again = case.approve(&first).map_or(0, |answer| answer.status);
            again == 200 || again == 412
        });
        assert_eq!(again, if approved { 412 } else { 200 }, "{noun:?} {how:?} {heard}");
        receiver.took(case.steps + 1);
        case.decided_once(&mut conn, &receiver, "approve", Told::AsTheSame);
    }
}

/// Two approvers at the same moment, at two instances, while somebody else writes: whoever came first has decided, the other one hears
/// that it is another version, and it is told once.
#[test]
fn of_two_approvers_at_two_instances_one_decides_and_it_is_told_once() {
    for noun in [Noun::Plan, Noun::Request] {
        for approved in [true, false] {
            let (database, documents) = (Database::vn72(), tempfile::tempdir().unwrap());
            let receiver = prepared(noun, &database.url);
            let instances = [(); 2].map(|()| instance(&database.url, documents.path()));
            let case = Submitted::lead(noun, &instances[0]);
            receiver.took(case.steps);
            let mut conn = database.connect();
            let events = if approved { ["approve", case.against()] } else { [case.against(), "approve"] };
            let holder = held(&database);
            let statuses = thread::scope(|scope| {
                let one = scope.spawn(|| case.decide(&instances[0], "approver", events[0]).unwrap().status);
                until("the first waits", || value(&mut conn, WAITING) == "1");
                let other = scope.spawn(|| case.decide(&instances[1], "other-approver", events[1]).unwrap().status);
                until("the second waits", || value(&mut conn, WAITING) == "2");
                drop(holder);
                [one.join().unwrap(), other.join().unwrap()]
            });
            assert_eq!(statuses, [200, 412], "{noun:?} {events:?}");
            receiver.took(case.steps + 1);
            case.decided_once(&mut conn, &receiver, events[0], Told::Once);
        }
    }
}

/// A corridor that comes into force by another instance between the check and the decision, while that one waits: nothing is decided, and
/// nobody is told that anything was; once it only warns again there is one decision, which is told once.
#[test]
fn a_corridor_between_check_and_decision_leaves_no_decision_and_no_notice_of_one() {
    for noun in [Noun::Plan, Noun::Request] {
        let (database, documents) = (Database::vn72(), tempfile::tempdir().unwrap());
        let receiver = prepared(noun, &database.url);
        let instances = [(); 2].map(|()| instance(&database.url, documents.path()));
        let announced = json!({"type": "Feature", "geometry": rect([-5.0, -5.0, 5.0, 5.0]), "properties":
            {"code": "R", "kind": "road", "status": "announced", "organisation": "roads-board", "clearance_m": 1}});
        let corridor = sent(&instances[0], "officer", "/ogc/collections/corridors/items", None, &announced);
        let corridor = format!("/ogc/collections/corridors/items/{}", corridor["id"].as_str().unwrap());
        let comes = |door: &Door, status: &str| {
            let body = json!({"properties": {"status": status}}).to_string();
            door.try_send("PATCH", &corridor, None, Some(&body)).unwrap().status
        };
        let mut case = Submitted::lead(noun, &instances[0]);
        receiver.took(case.steps);
        let mut conn = database.connect();
        let holder = held(&database);
        let statuses = thread::scope(|scope| {
            let in_force = scope.spawn(|| comes(&instances[1], "in_force"));
            until("the corridor waits", || value(&mut conn, WAITING) == "1");
            let deciding = scope.spawn(|| case.approve(&instances[0]).unwrap().status);
            until("the decision waits", || value(&mut conn, WAITING) == "2");
            drop(holder);
            [in_force.join().unwrap(), deciding.join().unwrap()]
        });
        assert_eq!(statuses, [200, 409], "{noun:?}");
        case.undecided(&mut conn, &receiver);
        // An instance has heard of what it wrote itself.
        assert_eq!(comes(&instances[0], "announced"), 200);
        case.checked_again(&instances[0]);
        let decided = case.approve(&instances[0]).unwrap();
        assert_eq!(decided.status, 200, "{noun:?}: {}", decided.text);
        let decides = |got: &Got| got.answered == Some(200) && DECISIONS.contains(&event(got).as_str());
        receiver.until("it is told", |got| got.iter().any(decides));
        case.decided_once(&mut conn, &receiver, "approve", Told::Once);
    }
}
