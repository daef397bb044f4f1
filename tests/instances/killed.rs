//! `kill -9` in the middle: nothing is half-stored, nobody else is held up, and what was interrupted can be done again.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::equal::{equal_everywhere, keep, whole};
use crate::instance::{Instance, WORKS, clearway, until};
use crate::support::Database;
use crate::world::{Writing, import, point, revision, seed, value, work};

/// So many records of an import.
const RECORDS: u32 = 4_000;

/// Features that are there for a check when the whole import is.
const HERE: [f64; 2] = [9_000.0, 9_000.0];

fn record(n: u32) -> String {
    let (east, north) = if n < 5 { (HERE[0], HERE[1]) } else { (f64::from(n % 100) * 30.0, f64::from(n / 100) * 30.0) };
    format!("{}\n", work(&format!("FILE-{n}"), &point(east, north), &json!({})))
}

/// Connections that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND wait_event_type = 'Lock'";

/// Connections in the middle of a transaction, besides the one that asks.
const OPEN: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL \
                    AND pid <> pg_backend_pid()";

/// Begins an import of works.
fn begin_import(url: &str, file: &Path) -> Child {
    clearway(url, &["import", "works", "--jurisdiction", "VN-72", "--crs", "EPSG:9218"])
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// When the import is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    /// While it reads its file.
    Reading,
    /// While it waits for its turn to write, everything read.
    Writing,
}

#[test]
fn an_import_that_is_killed_leaves_nothing() {
    for when in [When::Reading, When::Writing] {
        let database = Database::vn72();
        seed(&database.url);
        let (a, b) = (Instance::start(&database.url, &[]), Instance::start(&database.url, &[]));
        keep(&[&a, &b], &database.url);
        let mut conn = database.connect();
        let before = revision(&mut conn);
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("works.geojsonl");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let mut holder = (when == When::Writing).then(|| Writing::begin(&database.url));
        if let Some(holder) = &mut holder {
            holder.raise();
            holder.insert("NEW-HOLDER", 0.0, 0.0);
        }
        let mut importing = begin_import(&database.url, &pipe);
        let mut file = OpenOptions::new().write(true).open(&pipe).unwrap();
        // More than a pipe holds, so that the last of it is written when most of it was read.
        (0..RECORDS).for_each(|n| file.write_all(record(n).as_bytes()).unwrap());
        match when {
            When::Reading => until("it is in the middle", || value(&mut conn, OPEN) != "0"),
            When::Writing => {
                drop(file);
                until("it waits for its turn", || value(&mut conn, WAITING) == "1");
            }
        }
        importing.kill().unwrap();
        importing.wait().unwrap();
        // The others answer and write on, as if nothing had been.
        drop(holder);
        a.wrote("NEW-1", 0.0, 0.0);
        assert_eq!(b.count(Some(before + 1), HERE[0], HERE[1]), (0, before + 1), "{when:?}");
        until("nothing of it is open", || value(&mut conn, OPEN) == "0");
        assert_eq!(value(&mut conn, "SELECT count(*) FROM works WHERE code LIKE 'FILE-%'"), "0", "{when:?}");
        equal_everywhere(&[&a, &b], &database.url);
        whole(&mut conn);

        let whole_file = folder.path().join("again.geojsonl");
        std::fs::write(&whole_file, (0..RECORDS).map(record).collect::<String>()).unwrap();
        import(&database.url, "works", &whole_file);
        for instance in [&a, &b] {
            assert_eq!(instance.count(Some(before + 2), HERE[0], HERE[1]), (5, before + 2), "{when:?}");
        }
        equal_everywhere(&[&a, &b], &database.url);
    }
}

#[test]
fn an_instance_that_is_killed_in_a_write_leaves_nothing_and_comes_back() {
    let database = Database::vn72();
    seed(&database.url);
    let (mut a, b) = (Instance::start(&database.url, &[]), Instance::start(&database.url, &[]));
    keep(&[&a, &b], &database.url);
    let mut conn = database.connect();
    let before = revision(&mut conn);
    let mut holder = Writing::begin(&database.url);
    holder.raise();
    thread::scope(|scope| {
        let (door, body) = (a.clone(), work("NEW-LOST", &point(HERE[0], HERE[1]), &json!({})).to_string());
        let cut = scope.spawn(move || door.try_send("POST", WORKS, None, Some(&body)));
        until("the write waits", || value(&mut conn, WAITING) == "1");
        a.kill();
        assert!(cut.join().unwrap().is_err(), "nobody confirms it");
    });
    drop(holder);
    until("nothing of it is open", || value(&mut conn, OPEN) == "0");
    assert_eq!((revision(&mut conn), b.count(None, HERE[0], HERE[1])), (before, (0, before)));
    b.wrote("NEW-1", HERE[0], HERE[1]);
    let again = Instance::start(&database.url, &[]);
    assert_eq!(again.count(None, HERE[0], HERE[1]), (1, before + 1));
    equal_everywhere(&[&b, &again], &database.url);
    whole(&mut conn);
}

#[test]
fn an_instance_that_is_killed_while_it_follows_an_import_comes_back_equal() {
    let database = Database::vn72();
    seed(&database.url);
    let (a, mut b) = (Instance::start(&database.url, &[]), Instance::start(&database.url, &[]));
    keep(&[&a, &b], &database.url);
    let (mut conn, mut lock) = (database.connect(), database.connect());
    let before = revision(&mut conn);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("works.geojsonl");
    // A work that is there already, so that the import has its hand on the table while it waits.
    let moved = work("SEED-2", &point(HERE[0], HERE[1]), &json!({}));
    std::fs::write(&file, (0..RECORDS).map(record).collect::<String>() + &moved.to_string()).unwrap();

    let mut holder = Writing::begin(&database.url);
    holder.raise();
    let mut importing = begin_import(&database.url, &file);
    until("the import waits for its turn", || value(&mut conn, WAITING) == "1");
    // Whoever wants to read works after the import has to wait for this lock, which waits for the import.
    let locked = thread::spawn(move || {
        lock.batch_execute("BEGIN; LOCK TABLE works IN ACCESS EXCLUSIVE MODE").unwrap();
        lock
    });
    until("the lock waits for the import", || value(&mut conn, WAITING) == "2");
    drop(holder);
    assert!(importing.wait().unwrap().success());
    let mut lock = locked.join().unwrap();
    until("both instances are in the middle of following it", || value(&mut conn, WAITING) == "2");
    for instance in [&a, &b] {
        assert_eq!(instance.count(None, HERE[0], HERE[1]), (0, before), "nothing of it is shown");
    }
    b.kill();
    lock.batch_execute("COMMIT").unwrap();

    assert_eq!(a.count(Some(before + 1), HERE[0], HERE[1]), (6, before + 1));
    a.wrote("NEW-1", HERE[0], HERE[1]);
    let again = Instance::start(&database.url, &[]);
    assert_eq!(again.count(None, HERE[0], HERE[1]), (7, before + 2));
    equal_everywhere(&[&a, &again], &database.url);
    until("nothing of it is open", || value(&mut conn, OPEN) == "0");
    whole(&mut conn);
}
