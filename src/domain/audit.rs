//! What a write leaves behind: one audit event, and the changes that the index follows. `event` says what an event is and how
//! it is hashed, `access` what those of the chain `access` changed, `verify` finds what was changed, left out or put elsewhere
//! in a chain of them, and `fault` says what that is.

mod access;
mod event;
mod fault;
mod signature;
mod verify;

use uuid::Uuid;

pub use self::access::{AccessPresent, AccessVersion, Amiss, Thing, misfits, sums_of};
pub use self::event::{AuditEvent, Digest, Head, RecordedEvent, ZEROS, digest_of, hex, unhex};
pub use self::fault::Fault;
pub use self::signature::{Key, RecordedHead, SignedHead};
pub use self::verify::{Counter, Kept, Report, Sums, Verifier, VersionDigest, versions_of};

use super::layer::Layer;
use super::word::words;

words! {
    /// What was done.
    Deed {
        Create = "create",
        Replace = "replace",
        Delete = "delete",
        Import = "import",
        Register = "register",
        SignIn = "sign_in",
        RefuseSignIn = "refuse_sign_in",
        Refresh = "refresh",
        SignOut = "sign_out",
        /// What somebody signed in with is worth nothing any more.
        Revoke = "revoke",
        Password = "password",
        /// A case went from one state to another.
        Step = "step",
    }
}

/// The chain of what belongs to no jurisdiction: organisations, accounts, sessions, tokens.
pub const ACCESS: &str = "access";

/// Most characters of a reason: a sentence and the number of a document.
const REASON_MAX: usize = 500;

/// Why somebody writes, as it is kept; none where nothing is said.
///
/// # Errors
/// What is wrong with it: too long, or no single line.
pub fn reason(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.chars().count() > REASON_MAX {
        return Err(format!("has more than {REASON_MAX} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("has characters that are no text, such as ends of lines".into());
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

impl Deed {
    /// Nobody may less than before: what is known of credentials still holds.
    pub const TAKES_NOTHING: &[Self] = &[Self::Create, Self::SignIn, Self::RefuseSignIn, Self::Refresh];
}

/// The entry that every write makes in the audit trail.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// What was done.
    pub deed: Deed,
    /// The layer it was done in; none for a jurisdiction.
    pub layer: Option<Layer>,
    /// The feature it was done to; none for a bulk.
    pub subject: Option<Uuid>,
    /// The organisation whose feature it is, where it is one.
    pub owner: Option<String>,
    /// What else is to be known: versions, digest of a file, counts; pairs of name and value.
    pub detail: Vec<(&'static str, String)>,
}

words! {
    /// How a feature changed.
    ChangeKind {
        Insert = "insert",
        Update = "update",
        Delete = "delete",
        /// Many at once: the rows carry the revision.
        Bulk = "bulk",
        /// No feature at all: where the layer holds all there is; the id is that of the area.
        Coverage = "coverage",
        /// No feature at all: by which rules the layer is judged, so all that was prepared of it is stale.
        Rules = "rules",
    }
}

/// One change, as the index and the event stream follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub layer: Layer,
    /// How.
    pub kind: ChangeKind,
    /// Which feature; none for a bulk and for rules.
    pub id: Option<Uuid>,
}
