//! What an import tells, while it runs and at its end.

use crate::geometry::Problem;

/// A record that was not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Which one, counted through all files.
    pub number: i64,
    /// Where it stands.
    pub place: String,
    /// Its code or name, if it has one.
    pub name: Option<String>,
    /// Why.
    pub problems: Vec<Problem>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Records read.
    pub read: u64,
    /// New features.
    pub inserted: i64,
    /// Features with a new version.
    pub updated: i64,
    /// Features that were there already just so.
    pub unchanged: i64,
    /// Records that stand twice in the same words and were taken once.
    pub repeated: u64,
    /// Records left out because they lie outside.
    pub outside: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Stored; `false` after a dry run or where a bad record stopped it all.
    pub stored: bool,
    /// The revisions that the jurisdictions have come to.
    pub revisions: Vec<(String, i64)>,
}

/// What an import tells while it runs.
pub trait Observer {
    /// A record was not imported.
    fn rejected(&mut self, rejected: &Rejected);
    /// So many records were read.
    fn read(&mut self, records: u64);
    /// The SHA-256 of what was read, in hex, once everything was.
    fn digest(&mut self) -> String;
}
