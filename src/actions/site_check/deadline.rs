//! How long the site checks of a request, of a line of a batch or of a search may take: the time of a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::actions::Context;
use crate::error::{Error, Result};

/// Most searches that an instance makes at once: each takes all cores for as long as it runs.
const SEARCHES_AT_ONCE_MAX: usize = 4;

/// When it has to be done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    time: Duration,
    until: Instant,
}

impl Deadline {
    /// The time of a request from now on.
    pub(super) fn of_request(context: &Context) -> Self {
        Self::within(Duration::from_secs(context.settings.request_timeout_s))
    }

    fn within(time: Duration) -> Self {
        Self { time, until: Instant::now() + time }
    }

    /// There is no time left.
    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.until
    }

    /// There is time left.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(super) fn in_time(self) -> Result<()> {
        if !self.is_over() {
            return Ok(());
        }
        let seconds = format!("{} s", self.time.as_secs());
        Err(Error::TooLarge {
            what: "the check".into(),
            found: format!(
                "more to look at than can be done in {seconds}: ask for fewer places, or less ground, at once"
            ),
            limit: seconds,
        })
    }
}

/// The searches that run.
#[derive(Debug, Default)]
pub(in crate::actions) struct Searches(Arc<AtomicUsize>);

/// One of them; it is over when this is dropped.
#[derive(Debug)]
pub(super) struct Searching(Arc<AtomicUsize>);

impl Searches {
    /// Another one begins.
    ///
    /// # Errors
    /// [`Error::Busy`] where there are as many as may be.
    pub(super) fn begin(&self) -> Result<Searching> {
        let begun = Searching(Arc::clone(&self.0));
        if self.0.fetch_add(1, Ordering::Relaxed) < SEARCHES_AT_ONCE_MAX {
            return Ok(begun);
        }
        Err(Error::busy(format!("{SEARCHES_AT_ONCE_MAX} searches are running, as many as may; try again in a moment")))
    }
}

impl Drop for Searching {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn so_many_searches_run_at_once() {
        let searches = Searches::default();
        let mut running: Vec<Searching> = (0..SEARCHES_AT_ONCE_MAX).map(|_| searches.begin().unwrap()).collect();
        for _ in 0..3 {
            let refused = searches.begin().unwrap_err();
            assert!(matches!(refused, Error::Busy { .. }), "{refused}");
        }
        running.pop();
        running.push(searches.begin().unwrap());
        assert!(searches.begin().is_err());
        running.clear();
        assert!(searches.begin().is_ok());
    }

    #[test]
    fn after_its_time_it_is_too_much() {
        assert_eq!(Deadline::within(Duration::from_mins(10)).in_time(), Ok(()));
        let late = Deadline::within(Duration::ZERO).in_time().unwrap_err();
        assert!(matches!(late, Error::TooLarge { .. }) && late.to_string().contains("ask for fewer places"), "{late}");
    }
}
