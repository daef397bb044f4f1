//! A transaction that is open for long and commits after others: it is never lost, and revisions follow commits.

use std::thread;

use crate::equal::{equal_everywhere, keep, whole};
use crate::instance::{Instance, until};
use crate::support::Database;
use crate::world::{Writing, revision, seed, value};

/// What the transaction inserts stands here, far from what was there before.
const HERE: [f64; 2] = [9_000.0, 9_000.0];

fn here(instance: &Instance, min: i64) -> (u64, i64) {
    instance.count(Some(min), HERE[0], HERE[1])
}

/// It began before others wrote, and comes to write after them.
#[test]
fn what_began_early_and_was_written_late_has_the_last_revision() {
    let database = Database::vn72();
    seed(&database.url);
    let (a, b) = (Instance::start(&database.url, &[]), Instance::start(&database.url, &[]));
    keep(&[&a, &b], &database.url);
    let mut conn = database.connect();
    let before = revision(&mut conn);
    let mut late = Writing::begin(&database.url);
    for n in 0..3 {
        a.wrote(&format!("NEW-A{n}"), 10.0, 10.0);
        b.wrote(&format!("NEW-B{n}"), 20.0, 20.0);
    }
    assert_eq!(late.raise(), before + 7);
    late.insert("LATE", HERE[0], HERE[1]);
    // Nobody sees what is not committed.
    assert_eq!((here(&a, before + 6), here(&b, before + 6)), ((0, before + 6), (0, before + 6)));
    late.commit();
    for instance in [&a, &b] {
        assert_eq!(here(instance, before + 7), (1, before + 7));
    }
    equal_everywhere(&[&a, &b], &database.url);
    whole(&mut conn);
}

/// It has raised the revision and holds it: others wait for it, and come after it.
#[test]
fn others_wait_for_one_that_holds_the_revision() {
    let database = Database::vn72();
    seed(&database.url);
    let patient = [("CLEARWAY_MIN_REVISION_WAIT_MS", "60000")];
    let (a, b) = (Instance::start(&database.url, &patient), Instance::start(&database.url, &patient));
    keep(&[&a, &b], &database.url);
    let mut conn = database.connect();
    let before = revision(&mut conn);
    let mut late = Writing::begin(&database.url);
    let its = late.raise();
    assert_eq!(its, before + 1);
    late.insert("LATE", HERE[0], HERE[1]);
    thread::scope(|scope| {
        let (a, b) = (&a, &b);
        let written = scope.spawn(move || a.wrote("NEW-AFTER", HERE[0], HERE[1]));
        let seen = scope.spawn(move || here(b, its));
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND wait_event_type = 'Lock'";
        until("the write waits for the revision", || value(&mut conn, waiting) == "1");
        assert_eq!((here(a, before), here(b, before)), ((0, before), (0, before)));
        assert!(!written.is_finished() && !seen.is_finished());
        late.commit();
        written.join().unwrap();
        let (works, at) = seen.join().unwrap();
        assert_eq!(i64::try_from(works).unwrap(), at - before, "what it shows is of one revision");
    });
    assert_eq!((here(&a, its + 1), here(&b, its + 1)), ((2, its + 1), (2, its + 1)));
    equal_everywhere(&[&a, &b], &database.url);
    whole(&mut conn);
}
