//! What is known of a document, as JSON: all but what is in it. (What any document of JSON is read by is `document.rs`.)

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::domain::audit::hex;
use crate::domain::document::Document;
use crate::domain::word::Word;

/// A document for somebody: `original` is what it is a redacted copy of, where he reads that, `author` who added it, where he may
/// know it.
#[must_use]
pub fn write(document: &Document, original: Option<Uuid>, author: Option<&str>, holders: &str) -> Json {
    json!({
        "id": document.id,
        "jurisdiction": document.jurisdiction,
        "holder": {"noun": holders, "id": document.holder},
        "kind": document.kind.as_str(),
        "name": document.name.as_str(),
        "media_type": document.media_type.as_str(),
        "bytes": document.bytes,
        "sha256": hex(&document.sha256),
        "redacted": document.redacts.is_some(),
        "redacts": original,
        "organisation": document.organisation,
        "added_by": author,
        "recorded_at": document.recorded_at.to_string(),
        "revision": document.revision,
    })
}
