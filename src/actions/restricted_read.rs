//! Who looked at what: whoever is shown a feature of visibility `restricted` leaves a row. What shows features takes a
//! [`Reader`], as what writes takes a [`Witness`](super::Witness), and gives nothing back before
//! `RestrictedReads::shown` has taken note of it.
//!
//! **What it costs**: an answer without a restricted feature nothing; one with some a few strings that are put into memory. One
//! thread writes them to the database, many at once, after an interval or as soon as there are many. Where the database does
//! not take them the memory fills; then answers with restricted features wait, and are refused: nothing is shown that is
//! not written down. Where no such thread runs (a command, before and after serving) each answer writes its own rows first.
//!
//! **What is lost**: of a program that is killed the rows that were not written yet; one that is told to stop writes them
//! before it ends, or says how many it could not.
//!
//! Not here: the notice that something is hidden, which names no feature (`conflict_check/notice.rs` logs that).

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Context;
use crate::clock;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::layer::Layer;
use crate::domain::restricted_read::{RestrictedRead, Shown, by_ground};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::store::Store;

/// Rows that are written at once: they take some hundredths of a second, and the thread does not wait for the interval when
/// there are so many.
const BATCH_ROWS: usize = 1_000;

/// Most answers that wait for room: each holds a thread of those that work for requests, of some hundreds.
const WAITING_MAX: usize = 64;

/// How long the thread rests between two attempts when it is told to stop.
const LAST_REST: Duration = Duration::from_millis(50);

/// The door of whoever names none.
const NO_DOOR: &str = "this program";

/// Who reads, in which request, and by which door.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The actor.
    pub actor: &'a Actor,
    /// The request, as the log knows it.
    pub request_id: &'a str,
    /// The path of the route, or the command.
    pub door: &'a str,
}

/// Somebody who reads in this program, by no door of it: what is shown to him leaves rows, too.
impl<'a> From<&'a Actor> for Reader<'a> {
    fn from(actor: &'a Actor) -> Self {
        Self { actor, request_id: "", door: NO_DOOR }
    }
}

/// A [`Reader`] that outlives the thread in which he asked.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The actor.
    pub actor: Actor,
    /// The request, as the log knows it.
    pub request_id: String,
    /// The path of the route, or the command.
    pub door: String,
}

impl<'a> From<&'a Asker> for Reader<'a> {
    fn from(asker: &'a Asker) -> Self {
        Self { actor: &asker.actor, request_id: &asker.request_id, door: &asker.door }
    }
}

impl From<Reader<'_>> for Asker {
    fn from(reader: Reader<'_>) -> Self {
        let Reader { actor, request_id, door } = reader;
        Self { actor: actor.clone(), request_id: request_id.to_owned(), door: door.to_owned() }
    }
}

/// What was shown and is not written yet.
pub(crate) struct RestrictedReads {
    store: Store,
    bytes_max: usize,
    interval: Duration,
    wait: Duration,
    state: Mutex<State>,
    /// There is more room.
    written: Condvar,
    /// There is something to do at once.
    called: Condvar,
}

#[derive(Default)]
struct State {
    rows: VecDeque<RestrictedRead>,
    /// Of the rows, and of those that are being written.
    bytes: usize,
    /// A thread writes them.
    writes: bool,
    /// It is to end.
    ends: bool,
    /// Answers that wait for room.
    waiting: usize,
}

impl RestrictedReads {
    /// Nothing yet, and no thread that writes.
    pub(super) fn new(store: Store, settings: &Settings) -> Self {
        Self {
            store,
            bytes_max: settings.reads_buffer_bytes,
            interval: Duration::from_millis(settings.reads_interval_ms),
            wait: Duration::from_millis(settings.reads_wait_ms),
            state: Mutex::default(),
            written: Condvar::new(),
            called: Condvar::new(),
        }
    }

    /// Takes note that an answer shows these restricted features to somebody; he may get it once this is done.
    ///
    /// # Errors
    /// [`Error::Busy`] where there is no room, and was none after `reads_wait_ms`.
    pub(crate) fn shown<'s>(&self, reader: Reader<'_>, shown: impl Iterator<Item = Shown<'s>>) -> Result<()> {
        let rows = rows(reader, shown);
        if rows.is_empty() { Ok(()) } else { self.keep(rows) }
    }

    /// The same, if it takes no time; `false`, and no note is taken, where it would.
    pub(crate) fn shown_at_once<'s>(&self, reader: Reader<'_>, shown: impl Iterator<Item = Shown<'s>>) -> bool {
        let rows = rows(reader, shown);
        if rows.is_empty() {
            return true;
        }
        let (bytes, mut state) = (bytes_of(&rows), self.state());
        let at_once = state.writes && self.has_room(&state, bytes);
        if at_once {
            self.take(&mut state, rows, bytes);
        }
        at_once
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer that is larger than all there is room for has it to itself.
    fn has_room(&self, state: &State, bytes: usize) -> bool {
        state.bytes == 0 || state.bytes.saturating_add(bytes) <= self.bytes_max
    }

    fn take(&self, state: &mut State, rows: Vec<RestrictedRead>, bytes: usize) {
        state.bytes += bytes;
        state.rows.extend(rows);
        if state.rows.len() >= BATCH_ROWS {
            self.called.notify_one();
        }
    }

    fn keep(&self, rows: Vec<RestrictedRead>) -> Result<()> {
        let (bytes, mut state) = (bytes_of(&rows), self.state());
        let full = |state: &mut State| state.writes && !self.has_room(state, bytes);
        if full(&mut state) && state.waiting < WAITING_MAX {
            state.waiting += 1;
            self.called.notify_one();
            let waited = self.written.wait_timeout_while(state, self.wait, full);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
        if full(&mut state) {
            return Err(Error::busy(
                "who is shown restricted features is written down, and there is no room for more; try again in a moment",
            ));
        }
        if state.writes {
            self.take(&mut state, rows, bytes);
            return Ok(());
        }
        drop(state);
        self.store.append_reads(&rows)
    }

    /// Writes until it is told to end and nothing is left, or nothing can be written any more; gives how many rows are lost.
    fn write_on(&self) -> usize {
        let mut failed = false;
        loop {
            let wanted = |state: &State| state.rows.len() >= BATCH_ROWS || state.waiting > 0;
            // A database that just failed is left alone for a while.
            let rest = |state: &mut State| !state.ends && (failed || !wanted(state));
            let rested = self.called.wait_timeout_while(self.state(), self.interval, rest);
            if rested.unwrap_or_else(PoisonError::into_inner).0.ends {
                return self.write_last();
            }
            failed = match self.write_all() {
                Ok(()) => false,
                Err(error) => {
                    let rows = self.state().rows.len();
                    tracing::error!(%error, rows, "who was shown restricted features could not be written; it waits in memory");
                    true
                }
            };
        }
    }

    /// What is left, for as long as an answer would wait for it; whoever shows something afterwards writes it himself.
    fn write_last(&self) -> usize {
        let begun = Instant::now();
        loop {
            let failed = self.write_all().err();
            let mut state = self.state();
            let gives_up = failed.is_some() && begun.elapsed() >= self.wait;
            if state.rows.is_empty() || gives_up {
                let lost = std::mem::take(&mut state.rows).len();
                (state.bytes, state.writes) = (0, false);
                self.written.notify_all();
                return lost;
            }
            drop(state);
            if failed.is_some() {
                std::thread::sleep(LAST_REST);
            }
        }
    }

    /// Writes what there is.
    fn write_all(&self) -> Result<()> {
        loop {
            let batch: Vec<RestrictedRead> = {
                let mut state = self.state();
                let count = state.rows.len().min(BATCH_ROWS);
                state.rows.drain(..count).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            let written = catch_unwind(AssertUnwindSafe(|| self.store.append_reads(&batch)));
            let written =
                written.unwrap_or_else(|_| Err(Error::Internal("writing who looked at what panicked".into())));
            let mut state = self.state();
            if let Err(error) = written {
                for row in batch.into_iter().rev() {
                    state.rows.push_front(row);
                }
                return Err(error);
            }
            state.bytes = state.bytes.saturating_sub(bytes_of(&batch));
            self.written.notify_all();
        }
    }
}

fn bytes_of(rows: &[RestrictedRead]) -> usize {
    rows.iter().map(RestrictedRead::bytes).sum()
}

fn rows<'s>(reader: Reader<'_>, shown: impl Iterator<Item = Shown<'s>>) -> Vec<RestrictedRead> {
    let mut shown = shown.peekable();
    if shown.peek().is_none() {
        return Vec::new();
    }
    let read_at = clock::now();
    let row = |(layer, jurisdiction, ids): (Layer, &str, Vec<Uuid>)| RestrictedRead {
        id: Uuid::now_v7(),
        read_at,
        actor: reader.actor.name.clone(),
        organisation: reader.actor.organisation.clone(),
        request_id: reader.request_id.to_owned(),
        door: reader.door.to_owned(),
        jurisdiction: jurisdiction.to_owned(),
        layer: layer.as_str().to_owned(),
        ids,
    };
    by_ground(shown).into_iter().map(row).collect()
}

/// The thread that writes down who was shown what, as long as this lives.
pub struct Writing {
    reads: Arc<RestrictedReads>,
    thread: Option<JoinHandle<usize>>,
}

impl Writing {
    /// Begins; from here on answers do not wait for the database.
    ///
    /// # Errors
    /// [`Error::Internal`] where there can be no thread.
    pub fn begin(context: &Context) -> Result<Self> {
        let reads = Arc::clone(&context.reads);
        let writer = Arc::clone(&reads);
        let thread = std::thread::Builder::new().name("reads".into()).spawn(move || writer.write_on());
        let thread = thread.map_err(|e| Error::Internal(e.to_string()))?;
        let mut state = reads.state();
        (state.writes, state.ends) = (true, false);
        drop(state);
        Ok(Self { reads, thread: Some(thread) })
    }

    /// Writes what is left, and ends.
    ///
    /// # Errors
    /// [`Error::Busy`] where some could not be written: they are lost.
    pub fn end(mut self) -> Result<()> {
        match self.stop() {
            0 => Ok(()),
            lost => Err(Error::busy(format!(
                "who was shown restricted features could not be written before the end; rows lost: {lost}"
            ))),
        }
    }

    fn stop(&mut self) -> usize {
        let Some(thread) = self.thread.take() else { return 0 };
        self.reads.state().ends = true;
        self.reads.called.notify_one();
        thread.join().unwrap_or_else(|_| self.reads.state().rows.len().max(1))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        match self.stop() {
            0 => {}
            lost => tracing::error!(lost, "who was shown restricted features could not be written before the end"),
        }
    }
}
