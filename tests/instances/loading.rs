//! Jurisdictions that take long to be loaded hold up no other: its commits show elsewhere as soon as ever, and the
//! instances can be stopped.

use diesel::connection::SimpleConnection;

use crate::equal::{equal_everywhere, keep, whole};
use crate::instance::{CHECKS, Instance, until};
use crate::support::Database;
use crate::world::{HERE, JURISDICTION, point, seed, value};

/// More than are loaded at once; they stand before and after the other one in every order there is.
const LOADING: [&str; 5] = ["VN-01", "VN-02", "VN-71", "VN-98", "VN-99"];

const HELD: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND wait_event_type = 'Lock' AND query LIKE '%coverage_areas%'";

/// Two at once on each of three instances are in the middle of it. The database does not look whether one that waits for a
/// lock is still wanted.
const HELD_ON_THREE: &str = "6";

/// Which jurisdictions an instance shows: all have the same ground.
fn shown(instance: &Instance) -> Vec<String> {
    let answer = instance.send("POST", CHECKS, None, Some(&point(HERE[0], HERE[1]).to_string()));
    answer.json()["revision"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn what_is_loaded_holds_up_no_other() {
    let database = Database::vn72();
    seed(&database.url);
    // Heard of, and not asked for.
    let seldom = [("CLEARWAY_REFRESH_POLL_MS", "3600000")];
    let (a, b) = (Instance::start(&database.url, &seldom), Instance::start(&database.url, &seldom));
    keep(&[&a, &b], &database.url);
    let mut stopped = Instance::start(&database.url, &seldom);
    let mut conn = database.connect();
    let listening =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'";
    until("all listen", || value(&mut conn, listening) == "3");

    // What is loaded whole reads this table, and what only follows does not.
    let mut holder = database.connect();
    holder.batch_execute("BEGIN; LOCK TABLE coverage_areas IN ACCESS EXCLUSIVE MODE").unwrap();
    for code in LOADING {
        conn.batch_execute(&format!(
            "INSERT INTO jurisdictions SELECT '{code}', name_vi, name_en, grid_srid, time_zone, related_crs, boundary
             FROM jurisdictions WHERE code = '{JURISDICTION}'; INSERT INTO revisions VALUES ('{code}', 1);
             SELECT pg_notify('clearway_revisions', '{code} 1')"
        ))
        .unwrap();
    }
    until("all are in the middle of loading", || value(&mut conn, HELD) == HELD_ON_THREE);
    // It only reads, and ends as it is told to.
    assert!(stopped.stop().success());

    for n in 1..=10 {
        let (writes, hears) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        writes.wrote(&format!("NEW-{n}"), HERE[0], HERE[1]);
        assert_eq!(writes.count(None, HERE[0], HERE[1]).0, n, "the writer sees its write in its next request");
        until("it is heard of", || hears.count(None, HERE[0], HERE[1]).0 == n);
    }
    assert_eq!(value(&mut conn, HELD), HELD_ON_THREE, "they are held all the time");

    holder.batch_execute("COMMIT").unwrap();
    let mut all: Vec<&str> = LOADING.into_iter().chain([JURISDICTION]).collect();
    all.sort_unstable();
    for instance in [&a, &b] {
        until("all are loaded", || shown(instance) == all);
    }
    conn.batch_execute(&format!("DELETE FROM revisions WHERE jurisdiction <> '{JURISDICTION}'")).unwrap();
    equal_everywhere(&[&a, &b], &database.url);
    whole(&mut conn);
}
