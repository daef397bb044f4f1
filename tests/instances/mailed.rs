//! Being told by mail by several instances: whoever is killed, no message is lost. A server of mail that has taken a message and
//! whose answer nobody wrote down is given it again: one message for each receiver and each kill may come twice. It is the same
//! one to the last byte, and by its `Message-ID`, which nothing else has, whoever reads it tells that it is.

use std::collections::BTreeMap;

use crate::instance::{Instance, until};
use crate::mailbox::{Mail, Mailbox};
use crate::support::{Database, run_sql};
use crate::told::{SETTINGS, happens};
use crate::world::value;

/// Somebody of the office who wants mail.
fn wants_mail(database: &Database) {
    run_sql(
        &database.url,
        "INSERT INTO organisations VALUES ('office', 'Office', 'office');
         INSERT INTO accounts (id, name, organisation, roles, password, version, recorded_at, email, language, mail)
         VALUES (gen_random_uuid(), 'nga', 'office', '{officer}', '', 1, now(), 'nga@so.example', 'vi', true)",
    );
}

fn instance(database: &Database, mailbox: &Mailbox) -> Instance {
    let (host, port) = (mailbox.address.ip().to_string(), mailbox.address.port().to_string());
    let mut settings = SETTINGS.to_vec();
    settings.extend([
        ("CLEARWAY_SMTP_HOST", host.as_str()),
        ("CLEARWAY_SMTP_PORT", port.as_str()),
        ("CLEARWAY_SMTP_SECURITY", "none"),
        ("CLEARWAY_SMTP_FROM", "Clearway <clearway@so.example>"),
        ("CLEARWAY_SMTP_TIMEOUT_MS", "600000"),
    ]);
    Instance::start(&database.url, &settings)
}

/// The messages that were taken, each with how often, in the order in which they came first. One that came again was the same.
fn taken(got: &[Mail]) -> Vec<(String, usize)> {
    let mut all: BTreeMap<String, (usize, usize, &Mail)> = BTreeMap::new();
    for (n, mail) in got.iter().enumerate() {
        let (_, times, first) = all.entry(mail.header("Message-ID").unwrap()).or_insert((n, 0, mail));
        *times += 1;
        assert_eq!(*first, mail, "what comes again is the same");
    }
    let mut all: Vec<(usize, usize, &Mail)> = all.into_values().collect();
    all.sort_by_key(|(n, ..)| *n);
    let case = |mail: &Mail| mail.header("Subject").unwrap().rsplit(' ').next().unwrap().to_owned();
    all.into_iter().map(|(_, times, mail)| (case(mail), times)).collect()
}

const DONE: &str = "SELECT count(*) FROM deliveries WHERE channel = 'mail' AND state = 'done'";

#[test]
fn mail_that_a_killed_instance_was_sending_is_sent_by_another_as_the_same() {
    for has_taken in [true, false] {
        let (database, mailbox) = (Database::vn72(), Mailbox::start());
        wants_mail(&database);
        let mut first = instance(&database, &mailbox);
        mailbox.be_silent(Some(has_taken));
        for case in 1..=3 {
            happens(&database.url, case).unwrap();
        }
        mailbox.until_silent(1);
        first.kill();
        let mut conn = database.connect();
        assert_eq!(value(&mut conn, DONE), "0", "nobody wrote it down");
        mailbox.be_silent(None);
        let _second = instance(&database, &mailbox);
        until("all are written down", || value(&mut conn, DONE) == "3");
        let expect = [1 + usize::from(has_taken), 1, 1];
        let expect: Vec<(String, usize)> = (1..=3).map(|n| format!("R-{n}")).zip(expect).collect();
        assert_eq!(taken(&mailbox.got()), expect, "taken {has_taken}");
    }
}

#[test]
fn no_mail_is_lost_whenever_an_instance_is_killed() {
    const MESSAGES: usize = 30;
    let (database, mailbox) = (Database::vn72(), Mailbox::start());
    wants_mail(&database);
    let mut instances: Vec<Instance> = (0..3).map(|_| instance(&database, &mailbox)).collect();
    let mut conn = database.connect();
    for (n, case) in (1..=MESSAGES).zip(1..) {
        happens(&database.url, case).unwrap();
        // Two of them, each while some of it is on its way.
        if n % 12 == 0 {
            mailbox.until("some of it is taken", |got| got.len() + 6 > n);
            instances.remove(0).kill();
        }
    }
    until("all are written down", || value(&mut conn, DONE) == MESSAGES.to_string());
    let all = taken(&mailbox.got());
    let expect: Vec<String> = (1..=MESSAGES).map(|n| format!("R-{n}")).collect();
    assert_eq!(all.iter().map(|(case, _)| case.clone()).collect::<Vec<_>>(), expect, "none is lost");
    assert!(all.iter().all(|(_, times)| *times <= 3) && mailbox.got().len() <= MESSAGES + 2, "{all:?}");
}
