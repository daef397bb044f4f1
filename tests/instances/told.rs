//! Being told by several instances: whoever is killed, and whatever becomes of the database, nothing is lost, what comes twice
//! comes as the same, and no receiver is spoken to by two at a time.

use std::collections::{BTreeMap, BTreeSet};

use clearway::actions::Witness;
use clearway::domain::actor::Actor;
use clearway::domain::audit::{AuditEntry, Deed};
use clearway::domain::notice::Notice;
use clearway::error::Result;
use clearway::store::{Store, StoreOptions};
use uuid::Uuid;

use crate::instance::{Instance, PATIENCE, until};
use crate::receiver::{Got, Mood, Receiver, url};
use crate::restart::{How, Stoppable};
use crate::support::{Database, as_service, run_sql};
use crate::world::value;

/// It looks often, and tries again soon.
pub const SETTINGS: &[(&str, &str)] = &[
    ("CLEARWAY_WEBHOOK_NETWORKS", "[\"127.0.0.0/8\"]"),
    ("CLEARWAY_REFRESH_POLL_MS", "50"),
    ("CLEARWAY_DELIVERY_RETRY_MS", "1"),
    ("CLEARWAY_DELIVERY_RETRY_MAX_MS", "50"),
    ("CLEARWAY_DELIVERY_ATTEMPTS_MAX", "1000000"),
    ("CLEARWAY_WEBHOOK_TIMEOUT_MS", "600000"),
    ("CLEARWAY_POOL_WAIT_MS", "500"),
];

/// Whoever keeps it by the API is tested elsewhere.
pub fn webhook(database: &str, url: &str) {
    run_sql(
        database,
        &format!(
            "INSERT INTO organisations VALUES ('office', 'Office', 'office') ON CONFLICT DO NOTHING;
             INSERT INTO webhooks VALUES ('{}', 'office', '{}', NULL, NULL, sha256('x'), false, 1, now())",
            Uuid::now_v7(),
            url
        ),
    );
}

/// Something happens in a case, as a workflow writes it.
pub fn happens(url: &str, case: u128) -> Result<()> {
    let options = StoreOptions { connections_max: 1, pool_wait: PATIENCE, statement_timeout: PATIENCE };
    let store = Store::connect(&as_service(url), &options)?;
    let notice = Notice {
        noun: "site_request".into(),
        id: Uuid::from_u128(case),
        code: format!("R-{case}"),
        event: "accepted".into(),
        organisations: vec!["office".into()],
        ..Notice::default()
    };
    let done = store.write(Witness::new(&Actor::operator(), "test"), |tx| {
        tx.notify("VN-72", &notice)?;
        tx.audit(
            "VN-72",
            AuditEntry { deed: Deed::Replace, layer: None, subject: None, owner: None, detail: Vec::new() },
        )
    });
    done.map(|_| ())
}

/// The events that were taken of each case, in order, those that came twice once.
fn taken(got: &[Got]) -> BTreeMap<String, Vec<i64>> {
    let (mut all, mut known) = (BTreeMap::<String, Vec<i64>>::new(), BTreeSet::new());
    for got in got.iter().filter(|g| g.answered == Some(200)) {
        if known.insert(got.id()) {
            let case = got.json()["data"]["code"].as_str().unwrap().to_owned();
            all.entry(case).or_default().push(got.number());
        }
    }
    all
}

#[test]
fn several_instances_tell_each_event_once_and_in_order() {
    let database = Database::vn72();
    let receivers = [Receiver::start(Mood::Well), Receiver::start(Mood::Well)];
    for receiver in &receivers {
        webhook(&database.url, &receiver.url());
    }
    let _instances: Vec<Instance> = (0..3).map(|_| Instance::start(&database.url, SETTINGS)).collect();
    for n in 0..60 {
        happens(&database.url, n % 3).unwrap();
    }
    for receiver in &receivers {
        let got = receiver.took(60);
        let expect: Vec<i64> = (1..=20).collect();
        for case in 0..3 {
            assert_eq!(taken(&got)[&format!("R-{case}")], expect);
        }
        assert_eq!(receiver.open_most(), 1, "nobody else speaks to it meanwhile");
    }
    let mut conn = database.connect();
    until("all are written down", || value(&mut conn, "SELECT count(*) FROM deliveries WHERE state = 'done'") == "120");
    assert!(receivers.iter().all(|receiver| receiver.got().len() == 60), "none came twice");
}

#[test]
fn what_a_killed_instance_was_sending_is_sent_by_another_as_the_same() {
    let database = Database::vn72();
    let receiver = Receiver::start(Mood::Silent);
    webhook(&database.url, &receiver.url());
    let mut first = Instance::start(&database.url, SETTINGS);
    happens(&database.url, 1).unwrap();
    happens(&database.url, 1).unwrap();
    let got = receiver.until("it is being sent", |got| got.len() == 1);
    first.kill();
    let mut conn = database.connect();
    let claimed = "SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
                   WHERE c.relname = 'delivery_queues' AND l.mode = 'RowShareLock'";
    until("what it held is free", || value(&mut conn, claimed) == "0");
    receiver.idle();
    receiver.be(Mood::Well);
    assert_eq!(value(&mut conn, "SELECT count(*) FROM deliveries WHERE state = 'waiting'"), "2", "nothing is lost");
    let _second = Instance::start(&database.url, SETTINGS);
    let all = receiver.took(2);
    assert_eq!((all[0].id(), all[0].number(), all[1].number()), (got[0].id(), 1, 2));
    until("both are written down", || value(&mut conn, "SELECT count(*) FROM deliveries WHERE state = 'done'") == "2");
    assert_eq!(receiver.got().len(), 3);
}

#[test]
fn what_was_committed_before_anybody_could_send_it_is_sent() {
    let database = Database::vn72();
    let address = Receiver::nobody();
    let mut first = Instance::start(&database.url, SETTINGS);
    webhook(&database.url, &url(address));
    for n in 0..10 {
        happens(&database.url, n % 2).unwrap();
    }
    first.kill();
    let receiver = Receiver::at(address, Mood::Well);
    let _second = Instance::start(&database.url, SETTINGS);
    let expect: Vec<i64> = (1..=5).collect();
    assert_eq!(taken(&receiver.took(10)), [("R-0".to_owned(), expect.clone()), ("R-1".to_owned(), expect)].into());
}

#[test]
fn postgres_is_restarted_while_something_is_being_sent() {
    for how in [How::Order, How::Crash] {
        let mut postgres = Stoppable::start();
        let receiver = Receiver::start(Mood::Silent);
        webhook(&postgres.url, &receiver.url());
        let _instances: Vec<Instance> = (0..2).map(|_| Instance::start(&postgres.url, SETTINGS)).collect();
        for n in 0..10 {
            happens(&postgres.url, n % 2).unwrap();
        }
        let got = receiver.until("something is being sent", |got| !got.is_empty());
        postgres.stop(how);
        // What it takes now, nobody can write down.
        receiver.be(Mood::Well);
        receiver.took(1);
        postgres.go();
        let address = postgres.url.clone();
        let mut conn = <diesel::PgConnection as diesel::Connection>::establish(&address).unwrap();
        until("all are written down", || {
            value(&mut conn, "SELECT count(*) FROM deliveries WHERE state = 'done'") == "10"
        });
        let all = receiver.got();
        let expect: Vec<i64> = (1..=5).collect();
        assert_eq!(taken(&all), [("R-0".to_owned(), expect.clone()), ("R-1".to_owned(), expect)].into(), "{how:?}");
        let again = all.iter().filter(|g| g.id() == got[0].id()).count();
        assert!(again >= 2 && all.len() > 10, "what could not be written down came again: {again}");
    }
}
