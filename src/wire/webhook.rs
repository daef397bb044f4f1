//! Webhooks and deliveries as JSON.

use base64ct::{Base64, Encoding};
use serde_json::{Value as Json, json};

use super::account::jurisdictions;
use super::session::read;
use crate::domain::fields::Reading;
use crate::domain::webhook::{Delivery, Replay, SigningSecret, Webhook, WebhookChange, WebhookDraft};
use crate::domain::word::Word;
use crate::error::Result;

/// What a secret begins with, as "Standard Webhooks" writes it.
const SECRET_PREFIX: &str = "whsec_";

/// The types of events that a document names; null, as not to name any, is all of them.
fn events(reading: &mut Reading<'_>, document: &Json) -> Option<Vec<String>> {
    let events = reading.texts("events");
    document.get("events").filter(|given| !given.is_null()).map(|_| events)
}

/// Reads a webhook to be.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) with every problem.
pub fn draft(document: &Json) -> Result<WebhookDraft> {
    read(document, &["organisation", "url", "jurisdictions", "events"], |r| {
        let (organisation, url) = (r.text("organisation"), r.text("url"));
        let (organisation, url) = (r.required("organisation", organisation), r.required("url", url));
        let (jurisdictions, events) = (jurisdictions(r, document), events(r, document));
        Some(WebhookDraft { organisation: organisation?, url: url?, jurisdictions, events })
    })
}

/// Reads what is to be otherwise.
///
/// # Errors
/// As [`draft`].
pub fn change(document: &Json) -> Result<WebhookChange> {
    read(document, &["url", "jurisdictions", "events", "disabled", "new_secret"], |r| {
        let (jurisdictions, events) = (jurisdictions(r, document), events(r, document));
        Some(WebhookChange {
            url: r.text("url"),
            jurisdictions: document.get("jurisdictions").map(|_| jurisdictions),
            events: document.get("events").map(|_| events),
            disabled: r.yes_or_no("disabled"),
            new_secret: r.yes_or_no("new_secret").unwrap_or(false),
        })
    })
}

/// Reads which deliveries are sent again: `events` by their ids, or what was queued `since`; without either what was given up.
///
/// # Errors
/// As [`draft`].
pub fn replay(document: &Json) -> Result<Replay> {
    read(document, &["events", "since"], |r| {
        let texts = events(r, document);
        let ids = texts.map(|all| all.iter().map(|text| text.parse().ok()).collect::<Option<Vec<_>>>());
        if ids == Some(None) {
            r.wrong("events", "has something in it that is no id of an event");
        }
        Some(Replay { events: ids.flatten(), since: r.moment("since") })
    })
}

/// A webhook; its version is its tag. Its secret is shown by the answer that made it, and by no other.
#[must_use]
pub fn write(webhook: &Webhook, secret: Option<&SigningSecret>) -> Json {
    let mut document = json!({
        "id": webhook.id,
        "organisation": webhook.organisation,
        "url": webhook.url,
        "jurisdictions": webhook.jurisdictions,
        "events": webhook.events,
        "disabled": webhook.disabled,
        "version": webhook.version,
        "recorded_at": webhook.recorded_at.to_string(),
    });
    if let Some(SigningSecret(bytes)) = secret {
        document["secret"] = format!("{SECRET_PREFIX}{}", Base64::encode_string(bytes)).into();
    }
    document
}

/// A delivery.
#[must_use]
pub fn delivery(delivery: &Delivery) -> Json {
    json!({
        "event": delivery.event,
        "jurisdiction": delivery.jurisdiction,
        "type": format!("clearway.{}", delivery.kind),
        "subject": delivery.subject,
        "number": delivery.number,
        "state": delivery.state.as_str(),
        "attempts": delivery.attempts,
        "queued_at": delivery.queued_at.to_string(),
        "next_at": delivery.next_at.map(|at| at.to_string()),
        "done_at": delivery.done_at.map(|at| at.to_string()),
        "problem": delivery.problem,
    })
}
