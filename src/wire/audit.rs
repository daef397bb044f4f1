//! Lines of an exported audit log, signed heads, and who looked at what, as JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::domain::audit::{AuditEvent, Digest, Head, RecordedEvent, RecordedHead, SignedHead, hex, unhex};
use crate::domain::restricted_read::RestrictedRead;
use crate::error::{Error, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine {
    actor: String,
    after: Option<String>,
    before: Option<String>,
    chain: String,
    deed: String,
    detail: BTreeMap<String, String>,
    layer: Option<String>,
    on_behalf_of: Option<String>,
    organisation: Option<String>,
    previous: Option<String>,
    reason: Option<String>,
    recorded_at: String,
    request_id: String,
    revision: i64,
    subject: Option<Uuid>,
    hash: Option<String>,
    signature: Option<String>,
    signer: Option<String>,
}

fn digest(text: Option<String>) -> Result<Option<Digest>> {
    let wrong = || Error::Malformed("a digest is 64 hexadecimal digits".into());
    text.map(|text| unhex(&text).ok_or_else(wrong)).transpose()
}

fn moment(text: &str) -> Result<Timestamp> {
    text.parse().map_err(|_| Error::Malformed(format!("«{text}» is no moment")))
}

/// Reads a line of an exported log.
///
/// # Errors
/// [`Error::Malformed`] for what is no line of one: a member that is not known counts for it too, for it was not hashed.
pub fn event(line: &str) -> Result<RecordedEvent> {
    let read: EventLine = serde_json::from_str(line).map_err(|e| Error::Malformed(e.to_string()))?;
    let event = AuditEvent {
        chain: read.chain,
        revision: read.revision,
        recorded_at: moment(&read.recorded_at)?,
        actor: read.actor,
        organisation: read.organisation,
        on_behalf_of: read.on_behalf_of,
        request_id: read.request_id,
        reason: read.reason,
        deed: read.deed,
        layer: read.layer,
        subject: read.subject,
        detail: read.detail,
        before: digest(read.before)?,
        after: digest(read.after)?,
        previous: digest(read.previous)?,
    };
    if read.signer.is_some() != read.signature.is_some() {
        return Err(Error::Malformed("a signature stands beside the key of its signer".into()));
    }
    Ok(RecordedEvent { event, hash: digest(read.hash)?, signed: read.signer.zip(read.signature) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadLine {
    chain: String,
    hash: String,
    key: Option<String>,
    revision: i64,
    signature: Option<String>,
    signed_at: Option<String>,
}

/// Reads a signed head, whose signature is not looked at here.
///
/// # Errors
/// [`Error::Malformed`], also for a head that nobody signed.
pub fn head(line: &str) -> Result<SignedHead> {
    let read: HeadLine = serde_json::from_str(line).map_err(|e| Error::Malformed(e.to_string()))?;
    let hash = digest(Some(read.hash))?.unwrap_or_default();
    let (Some(key), Some(signature), Some(signed_at)) = (read.key, read.signature, read.signed_at) else {
        return Err(Error::Malformed("nobody signed this head".into()));
    };
    let head = Head { chain: read.chain, revision: read.revision, hash, signed_at: moment(&signed_at)? };
    Ok(SignedHead { head, key, signature })
}

/// A signed head as a line.
#[must_use]
pub fn write_head(SignedHead { head, key, signature }: &SignedHead) -> String {
    signed(head, key, signature).to_string()
}

fn signed(head: &Head, key: &str, signature: &str) -> Json {
    json!({
        "chain": head.chain,
        "revision": head.revision,
        "hash": hex(&head.hash),
        "signed_at": format!("{:.6}", head.signed_at),
        "key": key,
        "signature": signature,
    })
}

/// Who was shown restricted features, as a line.
#[must_use]
pub fn write_read(read: &RestrictedRead) -> String {
    json!({
        "read_at": format!("{:.6}", read.read_at),
        "actor": read.actor,
        "organisation": read.organisation,
        "door": read.door,
        "request_id": read.request_id,
        "jurisdiction": read.jurisdiction,
        "layer": read.layer,
        "ids": read.ids,
    })
    .to_string()
}

/// Where the audit trail of a jurisdiction stood after a revision, signed where the service had a key: the very line that
/// [`head`] reads. Whoever keeps it can tell later whether anything before it was changed.
#[must_use]
pub fn audit_head(RecordedHead { head, signature }: &RecordedHead) -> Json {
    match signature {
        Some((key, signature)) => signed(head, key, signature),
        None => json!({"chain": head.chain, "revision": head.revision, "hash": hex(&head.hash)}),
    }
}
