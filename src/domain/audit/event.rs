//! One event of an audit chain, its canonical form and its hash; and the head of a chain, which is kept elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::signature::SignedHead;

/// A SHA-256: of an event, of a version, of a credential.
pub type Digest = [u8; 32];

/// What the first event of a chain names as the hash before it.
pub const ZEROS: Digest = [0; 32];

/// An event as it is hashed: everything it says, and the hash of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// A jurisdiction, or [`ACCESS`](super::ACCESS).
    pub chain: String,
    /// Its place in the chain, from 1 without gaps: the revision that it brought about.
    pub revision: i64,
    /// When, to the microsecond.
    pub recorded_at: Timestamp,
    /// Who.
    pub actor: String,
    /// For which organisation.
    pub organisation: Option<String>,
    /// The owner of what was written, where that is another organisation.
    pub on_behalf_of: Option<String>,
    /// In which request.
    pub request_id: String,
    /// Why, as the actor says.
    pub reason: Option<String>,
    /// What was done.
    pub deed: String,
    /// In which layer.
    pub layer: Option<String>,
    /// To which feature.
    pub subject: Option<Uuid>,
    /// What else is to be known.
    pub detail: BTreeMap<String, String>,
    /// SHA-256 over the digests of the versions that it ended, by id.
    pub before: Option<Digest>,
    /// The same of the versions that it began.
    pub after: Option<Digest>,
    /// Hash of the event before; [`ZEROS`] in the first. None in an event that is older than the chain.
    pub previous: Option<Digest>,
}

/// An event with the hash that is recorded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// What it says.
    pub event: AuditEvent,
    /// Its hash; none in an event that is older than the chain.
    pub hash: Option<Digest>,
    /// Who signed the head that it became, and how: public key and signature in hexadecimal; none where the writer had no key.
    pub signed: Option<(String, String)>,
}

impl AuditEvent {
    /// The event as canonical JSON (RFC 8785): members by name, no spaces, digests in lower-case hexadecimal, moments in
    /// UTC with six digits of the second.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut object = Object::default();
        self.write(&mut object);
        object.end()
    }

    fn write(&self, object: &mut Object) {
        let mut detail = Object::default();
        for (name, value) in &self.detail {
            detail.text(name, Some(value));
        }
        object.text("actor", Some(&self.actor));
        object.digest("after", self.after.as_ref());
        object.digest("before", self.before.as_ref());
        object.text("chain", Some(&self.chain));
        object.text("deed", Some(&self.deed));
        object.raw("detail", &detail.end());
        object.text("layer", self.layer.as_deref());
        object.text("on_behalf_of", self.on_behalf_of.as_deref());
        object.text("organisation", self.organisation.as_deref());
        object.digest("previous", self.previous.as_ref());
        object.text("reason", self.reason.as_deref());
        object.text("recorded_at", Some(&moment(self.recorded_at)));
        object.text("request_id", Some(&self.request_id));
        object.raw("revision", &self.revision.to_string());
        object.text("subject", self.subject.map(|id| id.to_string()).as_deref());
    }

    /// SHA-256 of the canonical form.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Sha256::digest(self.canonical()).into()
    }
}

impl RecordedEvent {
    /// The event as a line of an exported log: the canonical form with the hash behind, and behind that, where it is signed, the
    /// signature and the key.
    #[must_use]
    pub fn line(&self) -> String {
        let mut object = Object::default();
        self.event.write(&mut object);
        object.digest("hash", self.hash.as_ref());
        if let Some((signer, signature)) = &self.signed {
            object.text("signature", Some(signature));
            object.text("signer", Some(signer));
        }
        object.end()
    }

    /// The head that it became, as it was signed; none where it was not.
    #[must_use]
    pub fn signed_head(&self) -> Option<SignedHead> {
        let ((key, signature), hash) = (self.signed.clone()?, self.hash?);
        let event = &self.event;
        let (chain, revision) = (event.chain.clone(), event.revision);
        Some(SignedHead { head: Head { chain, revision, hash, signed_at: event.recorded_at }, key, signature })
    }
}

/// Where a chain stands. Kept elsewhere, and signed, it shows later that nothing before it was changed or cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The chain.
    pub chain: String,
    /// The revision of its last event.
    pub revision: i64,
    /// The hash of that event.
    pub hash: Digest,
    /// When this was said.
    pub signed_at: Timestamp,
}

impl Head {
    /// What is signed: canonical JSON (RFC 8785).
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut object = Object::default();
        object.text("chain", Some(&self.chain));
        object.digest("hash", Some(&self.hash));
        object.raw("revision", &self.revision.to_string());
        object.text("signed_at", Some(&moment(self.signed_at)));
        object.end()
    }
}

/// One digest for several versions: SHA-256 over theirs, which stand by id, or by what else they are known by. `None` where
/// there are none.
#[must_use]
pub fn digest_of<K: Ord>(versions: &mut [(K, Digest)]) -> Option<Digest> {
    if versions.is_empty() {
        return None;
    }
    versions.sort_unstable();
    let mut sum = Sha256::new();
    for (_, digest) in versions {
        sum.update(*digest);
    }
    Some(sum.finalize().into())
}

/// A moment as it is hashed: UTC, six digits of the second, for the database keeps no more.
fn moment(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The digest that a text of 64 hexadecimal digits writes.
#[must_use]
pub fn unhex(text: &str) -> Option<Digest> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// An object of JSON that is being written, its members in the order in which they come.
#[derive(Default)]
struct Object(String);

impl Object {
    fn raw(&mut self, name: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        quote(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(value);
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        match text {
            None => self.raw(name, "null"),
            Some(text) => {
                self.raw(name, "");
                quote(&mut self.0, text);
            }
        }
    }

    fn digest(&mut self, name: &str, digest: Option<&Digest>) {
        self.text(name, digest.map(|d| hex(d)).as_deref());
    }

    fn end(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }
}

/// Writes a text as RFC 8785, 3.2.2.2 wants it.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // in a test a panic is the report
    use super::*;

    fn event() -> AuditEvent {
        AuditEvent {
            chain: "VN-72".into(),
            revision: 7,
            recorded_at: "2026-11-25T01:02:03.5Z".parse().unwrap(),
            actor: "Trạm \"A\"\n".into(),
            organisation: None,
            on_behalf_of: Some("vnpt".into()),
            request_id: "r".into(),
            reason: Some("\u{1}\\".into()),
            deed: "replace".into(),
            layer: Some("works".into()),
            subject: Some(Uuid::nil()),
            detail: [("version".to_owned(), "2".to_owned()), ("code".to_owned(), "A-1".to_owned())].into(),
            before: Some([0xAB; 32]),
            after: None,
            previous: Some(ZEROS),
        }
    }

    #[test]
    fn the_canonical_form_is_what_rfc_8785_makes_of_it() {
        let (ab, zeros) = ("ab".repeat(32), "0".repeat(64));
        let expect = [
            r#"{"actor":"Trạm \"A\"\n","after":null,"before":""#,
            &ab,
            r#"","chain":"VN-72","deed":"replace","detail":{"code":"A-1","version":"2"},"layer":"works","#,
            r#""on_behalf_of":"vnpt","organisation":null,"previous":""#,
            &zeros,
            r#"","reason":"\u0001\\","recorded_at":"2026-11-25T01:02:03.500000Z","request_id":"r","revision":7,"#,
            r#""subject":"00000000-0000-0000-0000-000000000000"}"#,
        ]
        .concat();
        assert_eq!(event().canonical(), expect);
        let parsed: serde_json::Value = serde_json::from_str(&expect).unwrap();
        assert_eq!(parsed["actor"], "Trạm \"A\"\n", "it is JSON");
    }

    #[test]
    fn a_line_of_the_log_is_the_canonical_form_with_the_hash_behind() {
        let recorded = RecordedEvent { hash: Some(event().hash()), event: event(), signed: None };
        let line = recorded.line();
        let (said, hash) = line.rsplit_once(",\"hash\":\"").unwrap();
        let sum: Digest = Sha256::digest(format!("{said}}}")).into();
        assert_eq!(hash, format!("{}\"}}", hex(&sum)), "whoever has the line alone can hash it");
    }

    #[test]
    fn every_member_counts() {
        let whole = event().hash();
        let changes: &[fn(&mut AuditEvent)] = &[
            |e| e.chain.push('x'),
            |e| e.revision += 1,
            |e| e.recorded_at += jiff::SignedDuration::from_micros(1),
            |e| e.actor.clear(),
            |e| e.organisation = Some(String::new()),
            |e| e.on_behalf_of = None,
            |e| e.request_id.clear(),
            |e| e.reason = None,
            |e| e.deed.clear(),
            |e| e.layer = None,
            |e| e.subject = None,
            |e| e.detail.clear(),
            |e| e.before = None,
            |e| e.after = Some(ZEROS),
            |e| e.previous = None,
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut changed = event();
            change(&mut changed);
            assert_ne!(changed.hash(), whole, "change {number}");
        }
    }

    #[test]
    fn hexadecimal_there_and_back() {
        let digest: Digest = Sha256::digest("x").into();
        assert_eq!(unhex(&hex(&digest)), Some(digest));
        for wrong in ["ab", &"zz".repeat(32), &"é".repeat(32)] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
