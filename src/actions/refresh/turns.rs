//! One follows a jurisdiction at a time, and whoever comes meanwhile waits for it.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Who follows each jurisdiction at this moment: one at a time, for several would read the same changes, and hold them in memory,
/// as often.
#[derive(Debug, Default)]
pub(in crate::actions) struct Turns {
    of: Mutex<BTreeMap<String, Turn>>,
    ended: Condvar,
}

/// The runs of one jurisdiction, by number.
#[derive(Debug, Default, Clone, Copy)]
struct Turn {
    begun: u64,
    succeeded: u64,
    running: bool,
}

/// The turn of one who follows.
pub(super) struct Taken<'a> {
    turns: &'a Turns,
    code: &'a str,
    number: u64,
    /// Set by the one who has done it.
    pub(super) succeeded: bool,
}

impl<'a> Taken<'a> {
    /// The jurisdiction.
    pub(super) fn code(&self) -> &'a str {
        self.code
    }
}

impl Turns {
    fn of(&self) -> MutexGuard<'_, BTreeMap<String, Turn>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn to follow a jurisdiction; none while somebody else has it.
    pub(super) fn take_free<'a>(&'a self, code: &'a str) -> Option<Taken<'a>> {
        let number = self.of().entry(code.to_owned()).or_default().begin()?;
        Some(Taken { turns: self, code, number, succeeded: false })
    }

    /// The turn to follow a jurisdiction; none where another one who began after this was called has done it.
    pub(super) fn take<'a>(&'a self, code: &'a str, until: Option<Instant>) -> Result<Option<Taken<'a>>> {
        let mut of = self.of();
        let wanted = of.get(code).map_or(0, |turn| turn.begun) + 1;
        loop {
            let turn = of.entry(code.to_owned()).or_default();
            if turn.succeeded >= wanted {
                return Ok(None);
            }
            if let Some(number) = turn.begin() {
                return Ok(Some(Taken { turns: self, code, number, succeeded: false }));
            }
            of = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.ended.wait(of).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    return Err(Error::busy(format!("{code} is being followed, which takes a while")));
                }
                Some(left) => self.ended.wait_timeout(of, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }
}

impl Turn {
    /// The number of the run that begins now; none while another one goes on.
    fn begin(&mut self) -> Option<u64> {
        if self.running {
            return None;
        }
        self.running = true;
        self.begun += 1;
        Some(self.begun)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut of = self.turns.of();
        if let Some(turn) = of.get_mut(self.code) {
            turn.running = false;
            if self.succeeded {
                turn.succeeded = self.number;
            }
        }
        drop(of);
        self.turns.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// Whoever comes while somebody follows waits for one who began later, and no more than one of them does it.
    #[test]
    fn one_follows_at_a_time_and_for_all_who_wait() {
        let (turns, runs) = (Turns::default(), AtomicUsize::new(0));
        let first = turns.take("A", None).unwrap().unwrap();
        assert!(turns.take("B", None).unwrap().is_some(), "another jurisdiction has a turn of its own");
        let soon = Instant::now() + Duration::from_millis(1);
        assert!(matches!(turns.take("A", Some(soon)), Err(Error::Busy { .. })));
        assert!(turns.take_free("A").is_none() && turns.take_free("B").is_some(), "A is taken, and B is free again");
        thread::scope(|scope| {
            let (come, came) = mpsc::channel();
            for _ in 0..8 {
                let (turns, runs, come) = (&turns, &runs, come.clone());
                scope.spawn(move || {
                    come.send(()).unwrap();
                    if let Some(mut taken) = turns.take("A", None).unwrap() {
                        runs.fetch_add(1, Ordering::Relaxed);
                        taken.succeeded = true;
                    }
                });
            }
            // All of them have come, and most wait; who came late finds that nobody began after it, and does it again.
            came.iter().take(8).for_each(drop);
            drop(first);
        });
        assert!((1..=8).contains(&runs.load(Ordering::Relaxed)));
        let of = turns.of();
        assert!(!of["A"].running && of["A"].succeeded == of["A"].begun);
    }

    /// A turn that failed is nobody's but its own.
    #[test]
    fn who_waited_for_a_failure_follows_himself() {
        let turns = Turns::default();
        thread::scope(|scope| {
            let failing = turns.take("A", None).unwrap().unwrap();
            let waiting = scope.spawn(|| turns.take("A", None).unwrap().is_some());
            drop(failing);
            assert!(waiting.join().unwrap());
        });
    }
}
