//! Versions of features: what was recorded of one, from when to when, and who said so.

use jiff::Timestamp;
use uuid::Uuid;

use super::audit::Digest;
use super::feature::Registered;
use super::word::Visibility;

/// How a version ended: another took its place, or the feature was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The revision of the jurisdiction that ended it.
    pub revision: i64,
    /// When that was recorded.
    pub at: Timestamp,
}

/// A feature as it was recorded for a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Version<T> {
    /// The feature.
    pub feature: Registered<T>,
    /// How that ended; none where it is so still.
    pub ended: Option<Ended>,
}

/// Whose the newest version of a feature is, and who may see it. Where a feature is deleted, its last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The feature.
    pub id: Uuid,
    /// Its jurisdiction.
    pub jurisdiction: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whose it is.
    pub organisation: String,
}

/// What was done in a revision, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorship {
    /// What was done.
    pub deed: String,
    /// By whom, and why; none for whoever may not know it.
    pub author: Option<Author>,
}

/// Who did it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name of the account.
    pub name: String,
    /// For which organisation.
    pub organisation: Option<String>,
    /// The owner of what was written, where that is another organisation.
    pub on_behalf_of: Option<String>,
    /// Why, as the actor said.
    pub reason: Option<String>,
}

/// A version as a history lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// Counts the versions of the feature from 1.
    pub version: i32,
    /// The revision of the jurisdiction that began it.
    pub revision: i64,
    /// When that was recorded.
    pub recorded_at: Timestamp,
    /// How it ended; none for the present one.
    pub ended: Option<Ended>,
    /// Only those see it who see what is restricted.
    pub is_restricted: bool,
    /// What it says, as one digest: the one that the audit trail sums up; none for whoever may not know all that it says.
    pub digest: Option<Digest>,
    /// How it began.
    pub began: Authorship,
}
