//! The connections that hear of commits are cut: asking for revisions takes over, and listening comes back.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::equal::{equal_everywhere, keep, whole};
use crate::instance::{Instance, until};
use crate::support::Database;
use crate::world::{HERE, seed, value};

const LISTENING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'";

const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND query LIKE 'LISTEN %'";

/// Asked for so seldom that who shows a commit has heard of it.
#[test]
fn commits_are_heard_of_and_not_asked_for() {
    let database = Database::vn72();
    let seldom = [("CLEARWAY_REFRESH_POLL_MS", "3600000")];
    let (a, b) = (Instance::start(&database.url, &seldom), Instance::start(&database.url, &seldom));
    let mut conn = database.connect();
    until("both listen", || value(&mut conn, LISTENING) == "2");
    for n in 1..20 {
        let (writes, hears) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        writes.wrote(&format!("NEW-{n}"), 0.0, 0.0);
        assert_eq!(writes.count(None, 0.0, 0.0).0, n, "the writer sees its write in its next request");
        until("it is heard of", || hears.count(None, 0.0, 0.0).0 == n);
    }
}

#[test]
fn without_a_listening_connection_an_instance_asks_and_then_listens_again() {
    let database = Database::vn72();
    seed(&database.url);
    let often = [("CLEARWAY_REFRESH_POLL_MS", "200")];
    let (a, b) = (Instance::start(&database.url, &often), Instance::start(&database.url, &often));
    keep(&[&a, &b], &database.url);
    let mut conn = database.connect();
    // A write on the one and a check on the other, which asks for no revision.
    let follows = |what: &str, n: u64| {
        a.wrote(&format!("NEW-{n}"), HERE[0], HERE[1]);
        until(what, || b.count(None, HERE[0], HERE[1]).0 == n);
    };
    until("both listen", || value(&mut conn, LISTENING) == "2");
    follows("while it listens", 1);

    // New connections are refused, and what is open stays open: nobody can listen, and the pools go on.
    let name = value(&mut conn, "SELECT current_database()");
    let mut elsewhere = PgConnection::establish(&database.url.replace(&name, "clearway")).unwrap();
    elsewhere.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).unwrap();
    assert_eq!(value(&mut conn, CUT), "2");
    for n in 2..5 {
        follows("while it cannot listen", n);
        assert_eq!(value(&mut conn, LISTENING), "0");
    }

    elsewhere.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    until("both listen again", || value(&mut conn, LISTENING) == "2");
    follows("when it listens again", 5);
    // Once more, with nothing in the way of listening again at once, and a write right behind the cut.
    assert_eq!(value(&mut conn, CUT), "2");
    follows("right after a cut", 6);
    until("both listen once more", || value(&mut conn, LISTENING) == "2");
    equal_everywhere(&[&a, &b], &database.url);
    whole(&mut conn);
}
