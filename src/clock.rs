//! The only `now()`. Everything else takes the time as an argument.

use jiff::Timestamp;

/// The present moment.
#[must_use]
#[allow(clippy::disallowed_methods)] // the one place that may
pub fn now() -> Timestamp {
    Timestamp::now()
}
