//! Delivering what is to be told: threads of each server take what is due from the database and hand it to a [`Courier`], which
//! alone knows how it is sent. What is told, and to whom, was decided when it happened (`store/outbox.rs`, `domain/notice.rs`).
//!
//! They are woken where something to be told is committed, by whichever instance, and look for what is to be tried again every
//! `refresh_poll_ms`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use super::{Context, refresh};
use crate::clock;
use crate::config::Settings;
use crate::domain::webhook::{Channel, Outcome, Parcel, Retry};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::store::delivery::Step;

/// Deliveries at once: each waits for somebody else's server most of the time, and holds a connection meanwhile.
const AT_ONCE: u32 = 3;

/// Sends messages.
pub trait Courier: Send + Sync {
    /// The channels by which it can.
    fn channels(&self) -> Vec<Channel>;

    /// Tries to send a message at a moment.
    fn carry(&self, parcel: &Parcel, at: Timestamp) -> Outcome;
}

/// Wakes those who deliver.
#[derive(Debug, Default)]
pub(crate) struct Post {
    /// Counts the calls.
    calls: Mutex<u64>,
    called: Condvar,
}

impl Post {
    /// There may be something to deliver.
    pub(crate) fn wake(&self) {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.called.notify_all();
    }

    fn calls(&self) -> u64 {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a call after those that were heard of, or until it is time to look anyway.
    fn wait(&self, heard: u64, longest: Duration) {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.called.wait_timeout_while(calls, longest, |calls| *calls == heard));
    }
}

fn retry(settings: &Settings) -> Retry {
    Retry {
        first_ms: settings.delivery_retry_ms,
        longest_ms: settings.delivery_retry_max_ms,
        attempts_max: settings.delivery_attempts_max,
        days_max: settings.delivery_days_max,
    }
}

/// What is to be told is delivered until this is ended or dropped.
#[derive(Debug)]
pub struct Delivering {
    stop: Arc<AtomicBool>,
    post: Arc<Post>,
    threads: Vec<JoinHandle<()>>,
}

impl Delivering {
    /// Begins it, with connections of its own.
    ///
    /// # Errors
    /// [`Error::Internal`] where there are no threads for it.
    pub fn begin(context: &Context, courier: &Arc<dyn Courier>) -> Result<Self> {
        let context = context.with_connections(AT_ONCE);
        let mut delivering = Self { stop: Arc::default(), post: Arc::clone(&context.post), threads: Vec::new() };
        for _ in 0..AT_ONCE {
            let (context, courier, stop) = (context.clone(), Arc::clone(courier), Arc::clone(&delivering.stop));
            let thread = std::thread::Builder::new().name("deliver".into());
            let thread = thread.spawn(move || follow(&context, &*courier, &stop));
            delivering.threads.push(thread.map_err(|e| Error::Internal(e.to_string()))?);
        }
        Ok(delivering)
    }

    /// Ends it, after what is being sent.
    ///
    /// # Errors
    /// [`Error::Internal`] where it had ended already, by a fault of ours.
    pub fn end(mut self) -> Result<()> {
        self.stop();
        let ended: Vec<_> = self.threads.drain(..).map(JoinHandle::join).collect();
        let badly = |_| Error::Internal("a thread that delivers ended badly".into());
        ended.into_iter().try_for_each(|ended| ended.map_err(badly))
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.post.wake();
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Delivers what is due until `stop` is set.
fn follow(context: &Context, courier: &dyn Courier, stop: &AtomicBool) {
    let (channels, retry) = (courier.channels(), retry(&context.settings));
    let poll = Duration::from_millis(context.settings.refresh_poll_ms);
    while !stop.load(Ordering::Relaxed) {
        // What is committed from here on is looked for once more.
        let heard = context.post.calls();
        let step = refresh::without_end(|| {
            context.store.deliver(&channels, &retry, &mut |parcel| courier.carry(parcel, clock::now()))
        });
        match step {
            Ok(Step::Tried(channel, outcome)) => {
                metrics::counter!("clearway_deliveries_total", "channel" => channel.as_str(), "outcome" => outcome)
                    .increment(1);
            }
            Ok(Step::Lost) => {}
            Ok(Step::Nothing) => context.post.wait(heard, poll),
            Err(error) => {
                tracing::warn!(%error, "what is to be told could not be delivered; it will be tried again");
                context.post.wait(context.post.calls(), poll);
            }
        }
    }
}
