//! PostgreSQL is stopped and started in the middle of writes and checks: checks are answered from memory all the time,
//! writes are done whole or refused with 503, and everything goes on by itself.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use clearway::store::cluster::{Cluster, Options};
use clearway::store::migrations;
use diesel::prelude::*;
use tempfile::TempDir;

use crate::equal::{equal_everywhere, keep, whole};
use crate::instance::{Instance, until};
use crate::support::{as_service, register_vn72};
use crate::world::{HERE, seed, value};

/// A PostgreSQL of its own, which can be stopped and started.
pub struct Stoppable {
    running: Option<Cluster>,
    pub url: String,
    folder: TempDir,
}

impl Stoppable {
    pub fn start() -> Self {
        let everybody = fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("clearway-restart-").permissions(everybody).tempdir().unwrap();
        let mut stoppable = Self { running: None, url: String::new(), folder };
        stoppable.go();
        migrations::migrate(&stoppable.url).unwrap();
        register_vn72(&as_service(&stoppable.url));
        stoppable
    }

    pub fn go(&mut self) {
        let options = Options { durable: true, shared_buffers_mb: 32 };
        let cluster = Cluster::start_with(self.folder.path(), &options).unwrap();
        self.url = cluster.url("clearway");
        self.running = Some(cluster);
    }

    pub fn stop(&mut self, how: How) {
        let cluster = self.running.take().unwrap();
        if how == How::Crash {
            let quit = Command::new("kill").args(["-QUIT", &cluster.server_pid().to_string()]).status();
            assert!(quit.unwrap().success());
        }
        cluster.stop().unwrap();
    }
}

/// How PostgreSQL ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum How {
    /// In order: every connection is ended, everything is written to disk.
    Order,
    /// At once; the next start replays its log.
    Crash,
}

/// What a client that writes all the time was told.
#[derive(Default)]
struct Told {
    done: BTreeSet<String>,
    refused: BTreeSet<String>,
}

#[test]
fn postgres_is_restarted_under_load() {
    const RESTARTS: [How; 2] = [How::Order, How::Crash];
    const SOME: usize = 15;
    let mut postgres = Stoppable::start();
    seed(&postgres.url);
    let quick = [("CLEARWAY_POOL_WAIT_MS", "200"), ("CLEARWAY_REFRESH_POLL_MS", "200")];
    let (a, b) = (Instance::start(&postgres.url, &quick), Instance::start(&postgres.url, &quick));
    let instances = [&a, &b];
    keep(&instances, &postgres.url);
    let address = postgres.url.clone();
    let (stop, checks, done, refused) =
        (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let told: Vec<Told> = thread::scope(|scope| {
        let (stop, checks, done, refused) = (&stop, &checks, &done, &refused);
        let going = move || !stop.load(Ordering::Relaxed);
        let ending = Ending(stop);
        for instance in instances {
            scope.spawn(move || {
                let mut last = (0, 0);
                while going() {
                    // A check that is not answered with 200 fails in here. Whoever wrote would have to wait for his write.
                    let now = instance.anonymous().count(None, HERE[0], HERE[1]);
                    assert!(now.1 >= last.1 && now.0 >= last.0, "{now:?} after {last:?}");
                    last = now;
                    checks.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let writers: Vec<_> = (0..2)
            .map(|w| {
                scope.spawn(move || {
                    let mut told = Told::default();
                    for n in 0.. {
                        if !going() {
                            break;
                        }
                        let code = format!("NEW-{w}-{n}");
                        let answer = instances[w].write(&code, HERE[0], HERE[1]);
                        match answer.status {
                            201 => {
                                done.fetch_add(1, Ordering::Relaxed);
                                told.done.insert(code)
                            }
                            503 => {
                                refused.fetch_add(1, Ordering::Relaxed);
                                told.refused.insert(code)
                            }
                            other => panic!("{other}: {}", answer.text),
                        };
                    }
                    told
                })
            })
            .collect();
        let more = |what: &str, of: &AtomicUsize| {
            let before = of.load(Ordering::Relaxed);
            until(what, || of.load(Ordering::Relaxed) >= before + SOME);
        };
        for how in RESTARTS {
            more("writes are done", done);
            postgres.stop(how);
            more("writes are refused", refused);
            more("checks are answered without the database", checks);
            postgres.go();
            more("writes are done again", done);
        }
        drop(ending);
        writers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    assert_eq!(postgres.url, address);
    let mut conn = PgConnection::establish(&postgres.url).unwrap();
    whole(&mut conn);
    let stored = value(&mut conn, "SELECT string_agg(code, ' ') FROM works WHERE code LIKE 'NEW-%'");
    let stored: BTreeSet<String> = stored.split(' ').map(str::to_owned).collect();
    for told in &told {
        assert!(told.done.is_subset(&stored), "what was confirmed is there");
    }
    // A commit whose confirmation was cut off is there though it was refused; it is never more than the one at hand.
    let unconfirmed = told.iter().map(|t| t.refused.intersection(&stored).count()).max().unwrap();
    assert!(unconfirmed <= RESTARTS.len(), "{unconfirmed} writes of one client were stored and refused");
    println!(
        "{done:?} writes done, {refused:?} refused, {unconfirmed} stored though refused, {checks:?} checks answered"
    );
    equal_everywhere(&instances, &postgres.url);
}

/// Tells the others to stop, in a test that panics, too.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
