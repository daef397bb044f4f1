//! Everything that can fail, in our words and without any transport: `http/problem.rs` gives it a status,
//! `cli` an exit code.

use std::time::Duration;

use crate::geometry::Problem;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The document breaks rules; every problem is listed.
    #[error("the document is not valid: {}", list(.0))]
    Invalid(Vec<Problem>),
    /// The text is no document at all: truncated, not JSON, not UTF-8.
    #[error("{0}")]
    Malformed(String),
    /// A parameter is unknown or cannot be read.
    #[error("parameter «{parameter}»: {detail}")]
    Parameter {
        /// Its name.
        parameter: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Nobody signed in, or the token is not known.
    #[error("{0}")]
    Unauthenticated(String),
    /// The actor may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// It is not there, or not the asker's to know.
    #[error("{0} is not there")]
    NotFound(String),
    /// The code belongs to another feature of the jurisdiction.
    #[error("the code «{0}» is taken by another feature of the jurisdiction")]
    CodeTaken(String),
    /// A name or a code is somebody else's already.
    #[error("{0}")]
    Taken(String),
    /// Nothing else would be left that does what it is for.
    #[error("{0}")]
    StillNeeded(String),
    /// A step of a workflow is not for this state, not for this actor, or not yet.
    #[error("{detail}")]
    StepRefused {
        /// Why, in a sentence.
        detail: String,
        /// The events that this actor may send now.
        allowed: Vec<String>,
        /// The guards that do not hold, each with what is missing.
        unmet: Vec<(String, String)>,
    },
    /// A condition of the request is missing that this resource decides by.
    #[error("{0}")]
    Unconditional(String),
    /// Somebody else was faster, or `If-Match` names another version.
    #[error("{0}")]
    Changed(String),
    /// More than a limit allows.
    #[error("{what} has {found}; the limit is {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// Its size, with unit.
        found: String,
        /// The limit, with unit.
        limit: String,
    },
    /// The address of the request is longer than allowed.
    #[error("the address has {found} bytes; the limit is {limit} bytes")]
    LongAddress {
        /// Its length, bytes.
        found: usize,
        /// The limit, bytes.
        limit: usize,
    },
    /// The headers of the request are larger than allowed.
    #[error("the headers have {found} bytes; the limit is {limit} bytes")]
    LargeHeaders {
        /// Their size, bytes.
        found: usize,
        /// The limit, bytes.
        limit: usize,
    },
    /// More requests came than allowed.
    #[error("{detail}")]
    TooMany {
        /// Of whom.
        detail: String,
        /// When the next one is taken.
        retry_after: Duration,
    },
    /// The media type is not taken here.
    #[error("{0}")]
    MediaType(String),
    /// The method is not for this resource; these are.
    #[error("only {0} are for this resource")]
    Method(String),
    /// The request took longer to arrive than allowed.
    #[error("{0}")]
    TooSlow(String),
    /// Not now: the database cannot be reached, or everything is in use.
    #[error("{detail}")]
    Busy {
        /// What is missing.
        detail: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// A fault of ours. The text is for the log, never for the client.
    #[error("internal: {0}")]
    Internal(String),
}

/// A result with our [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// How long a client waits before it tries again, unless something better is known.
    pub const RETRY_AFTER: Duration = Duration::from_secs(2);

    /// Busy, with the usual pause.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self::Busy { detail: detail.into(), retry_after: Self::RETRY_AFTER }
    }

    /// A parameter that cannot be read.
    pub fn parameter(parameter: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Parameter { parameter: parameter.into(), detail: detail.into() }
    }

    /// One problem of a document.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(pointer, detail)])
    }
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect::<Vec<_>>().join("; ")
}
