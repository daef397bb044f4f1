//! Following while the program serves. One thread hears of commits and says which jurisdictions are behind; others bring them
//! up to date, with connections of their own. No jurisdiction waits for one that is being loaded: what is short and what
//! takes long have threads of their own, and what turns out to take long is handed over before it is begun.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Reached, catch_up, catch_up_shortly, lag, turn_days, without_end};
use crate::actions::plan::upkeep::expire;
use crate::actions::{Context, access};
use crate::clock;
use crate::error::{Error, Result};
use crate::store::changes;
use crate::store::listen::{Heard, Listener};

/// How often the listening connection is looked at: libpq has no way to wait for it together with a stop.
const LISTEN_EVERY: Duration = Duration::from_millis(25);

/// Threads that bring a jurisdiction over a few commits, which takes milliseconds: a second one, for a layer may answer slowly.
const SHORT_AT_ONCE: u32 = 2;

/// Jurisdictions that are read whole, or by many features, at once. Others that have to wait: each takes a core, and as much
/// memory again as it holds.
const LONG_AT_ONCE: u32 = 2;

/// Connections of those who follow, besides the one that listens: one each, one that asks where everybody stands, and one that
/// forgets.
const CONNECTIONS: u32 = 2 + SHORT_AT_ONCE + LONG_AT_ONCE;

/// How often old changes are forgotten, and what has come to be by itself is recorded.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// The changes of so many revisions are kept of each jurisdiction, however old they are.
const KEPT_REVISIONS: i64 = 1_000;

/// The changes of so many revisions are forgotten in one transaction.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// How long the end waits for what is under way. It only reads, so nothing is lost with it.
const END_WITHIN: Duration = Duration::from_secs(2);

/// The index is kept in step with the database until this is ended or dropped.
#[derive(Debug)]
pub struct Following {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Following {
    /// Begins it: hears of commits from here on, and asks for revisions every `refresh_poll_ms`.
    ///
    /// # Errors
    /// [`Error::Internal`] where there are no threads for it.
    pub fn begin(context: &Context) -> Result<Self> {
        // Requests may take every connection there is for them, and those who load take none away from requests.
        let context = context.with_connections(CONNECTIONS);
        let stop = Arc::new(AtomicBool::new(false));
        let (report, reports) = mpsc::channel();
        let short = Lane::start(&context, &stop, &report, SHORT_AT_ONCE, "follow", |context, code| {
            catch_up_shortly(context, code)
        })?;
        let long = Lane::start(&context, &stop, &report, LONG_AT_ONCE, "load", |context, code| {
            catch_up(context, code).map(|()| Reached::There)
        })?;
        let thread = {
            let stop = Arc::clone(&stop);
            named("hear", move || {
                Work { context, short, long, reports, behind: BTreeSet::new(), taken: BTreeSet::new() }.run(&stop);
            })?
        };
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`Error::Internal`] where it had ended already, by a fault of ours.
    pub fn end(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        ended.map_err(|_| Error::Internal("the thread that follows the database ended badly".into()))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn named(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(work).map_err(|e| Error::Internal(e.to_string()))
}

/// How far a jurisdiction was brought.
struct Report {
    code: String,
    reached: Result<Reached>,
}

/// Some threads with one queue of jurisdictions.
struct Lane(Sender<String>);

impl Lane {
    fn start(
        context: &Context,
        stop: &Arc<AtomicBool>,
        report: &Sender<Report>,
        threads: u32,
        name: &str,
        follow: fn(&Context, &str) -> Result<Reached>,
    ) -> Result<Self> {
        let (send, receive) = mpsc::channel::<String>();
        let receive = Arc::new(Mutex::new(receive));
        for _ in 0..threads {
            let (context, stop, report) = (context.clone(), Arc::clone(stop), report.clone());
            let receive = Arc::clone(&receive);
            named(name, move || {
                while let Some(code) = next(&receive) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let reached = without_end(|| follow(&context, &code));
                    if report.send(Report { code, reached }).is_err() {
                        return;
                    }
                }
            })?;
        }
        Ok(Self(send))
    }

    fn take(&self, code: String) {
        // Its threads go only after the lane.
        let _ = self.0.send(code);
    }
}

/// The next jurisdiction of a lane; none where there will be no more.
fn next(queue: &Mutex<Receiver<String>>) -> Option<String> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Forgets the changes that are older than `changes_kept_days`.
fn forget_old_changes(context: &Context) {
    let days = context.settings.changes_kept_days;
    let forgotten = without_end(|| {
        if days == 0 {
            return Ok(());
        }
        for head in context.store.read(changes::heads)? {
            let code = head.jurisdiction;
            let forget = || context.store.read(|c| changes::forget(c, &code, days, KEPT_REVISIONS, FORGOTTEN_AT_ONCE));
            while forget()? > 0 {}
        }
        Ok(())
    });
    if let Err(error) = forgotten {
        tracing::warn!(%error, "old changes could not be forgotten; it will be tried again");
    }
}

/// Records which plans have expired.
fn record_expired(context: &Context) {
    if let Err(error) = without_end(|| expire(context)) {
        tracing::warn!(%error, "that plans have expired could not be recorded; it will be tried again");
    }
}

/// Who hears of commits, and what he has given to others.
struct Work {
    context: Context,
    short: Lane,
    long: Lane,
    reports: Receiver<Report>,
    /// Jurisdictions that are behind, and that nobody has taken yet.
    behind: BTreeSet<String>,
    /// Jurisdictions in one of the lanes.
    taken: BTreeSet<String>,
}

impl Work {
    fn run(mut self, stop: &AtomicBool) {
        let poll = Duration::from_millis(self.context.settings.refresh_poll_ms);
        let mut listener: Option<Listener> = None;
        let (mut asked, mut forgot): (Option<Instant>, Option<Instant>) = (None, None);
        while !stop.load(Ordering::Relaxed) {
            thread::sleep(LISTEN_EVERY);
            let mut news = self.take_reports();
            if let Some(l) = &mut listener {
                let heard = l.heard().unwrap_or_else(|_| {
                    tracing::warn!("the listening connection is lost; asking for revisions instead");
                    listener = None;
                    Heard { revisions: true, told: true }
                });
                news |= heard.revisions;
                if heard.told {
                    self.context.post.wake();
                }
            }
            if news || asked.is_none_or(|at| at.elapsed() >= poll) {
                asked = Some(Instant::now());
                if listener.is_none() {
                    // What is committed from here on is heard of; what was before is asked for below.
                    listener = Listener::connect(self.context.store.url()).ok();
                }
                self.ask();
            }
            self.hand_out();
            if forgot.is_none_or(|at| at.elapsed() >= FORGET_EVERY) {
                forgot = Some(Instant::now());
                let context = self.context.clone();
                // It takes as long as it takes; where there is no thread for it, it is done in an hour.
                drop(named("upkeep", move || {
                    forget_old_changes(&context);
                    record_expired(&context);
                }));
            }
        }
        self.end();
    }

    /// Takes in what became of those that were handed out; true where what they were brought to may be old already.
    fn take_reports(&mut self) -> bool {
        let mut news = false;
        while let Ok(Report { code, reached }) = self.reports.try_recv() {
            if let Ok(Reached::TakesLong) = reached {
                self.long.take(code);
                continue;
            }
            self.taken.remove(&code);
            match reached {
                // What was committed while it was read was heard of, and not handed out again.
                Ok(Reached::There | Reached::TakesLong) => news = true,
                Ok(Reached::Busy) => drop(self.behind.insert(code)),
                // It is tried again when revisions are asked for.
                Err(error) => {
                    tracing::warn!(%error, jurisdiction = code, "the index could not follow this jurisdiction");
                }
            }
        }
        news
    }

    /// Asks who is behind, and tells what has nothing to do with jurisdictions.
    fn ask(&mut self) {
        let context = &self.context;
        if let Err(error) = without_end(|| access::follow(context)) {
            tracing::warn!(%error, "what is known of credentials could not follow the database; it will try again");
        }
        match without_end(|| lag(context)) {
            Ok(lag) => {
                super::forget_gone(context, &lag);
                self.behind = lag.behind.into_iter().collect();
            }
            Err(error) => tracing::warn!(%error, "the index could not follow the database; it will try again"),
        }
        let turned = without_end(|| {
            turn_days(context, clock::now());
            Ok(())
        });
        if let Err(error) = turned {
            tracing::warn!(%error, "that a day came could not be told; it will be tried again");
        }
    }

    /// Hands those that are behind to others, but those that are with them already.
    fn hand_out(&mut self) {
        for code in std::mem::take(&mut self.behind) {
            if self.taken.insert(code.clone()) {
                self.short.take(code);
            }
        }
    }

    /// Waits for the others to end, as far as they do soon.
    fn end(self) {
        let Self { short, long, reports, .. } = self;
        drop((short, long));
        let until = Instant::now() + END_WITHIN;
        loop {
            match reports.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    tracing::warn!("a jurisdiction that is still being loaded is given up");
                    return;
                }
            }
        }
    }
}
