//! Webhooks: addresses to which an organisation is told what happens; and deliveries, to them and by mail. What a message looks
//! like stands in `wire/notice.rs`, how it is sent in `server/courier`.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::account::Mail;
use super::notice::{Notice, Told};
use super::organisation::OrganisationKind;
use super::word::words;
use crate::geometry::Problem;

/// Longest address, characters: more is no address of a program.
pub const URL_MAX: usize = 500;

/// Most webhooks of one organisation: one for each program that listens.
pub const WEBHOOKS_MAX: i64 = 20;

/// Bytes of a secret: as many as the digest has (RFC 2104, section 3).
pub const SECRET_BYTES: usize = 32;

words! {
    /// How somebody is told.
    Channel {
        Webhook = "webhook",
        Mail = "mail",
    }
}

words! {
    /// What became of a delivery.
    DeliveryState {
        /// It is tried until it is done, or given up.
        Waiting = "waiting",
        Done = "done",
        /// Given up, and kept for being sent again.
        Dead = "dead",
        /// It was not for the receiver any more.
        Withheld = "withheld",
    }
}

/// What messages are signed with; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(pub Vec<u8>);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A webhook. Its secret is known to the store alone, and to whoever signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Code of the organisation that is told.
    pub organisation: String,
    /// Where to.
    pub url: String,
    /// Of which jurisdictions; `None`: all.
    pub jurisdictions: Option<Vec<String>>,
    /// Of which types of events, each `noun.event`; `None`: all.
    pub events: Option<Vec<String>>,
    /// Nothing is sent.
    pub disabled: bool,
    /// Counts its changes.
    pub version: i32,
    /// When it was changed last.
    pub recorded_at: Timestamp,
}

/// A webhook to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDraft {
    /// Code of its organisation.
    pub organisation: String,
    /// Where to.
    pub url: String,
    /// Of which jurisdictions; `None`: all.
    pub jurisdictions: Option<Vec<String>>,
    /// Of which types of events; `None`: all.
    pub events: Option<Vec<String>>,
}

/// What is to be otherwise; what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Another address.
    pub url: Option<String>,
    /// Other jurisdictions; `Some(None)`: all.
    pub jurisdictions: Option<Option<Vec<String>>>,
    /// Other types of events; `Some(None)`: all.
    pub events: Option<Option<Vec<String>>>,
    /// Nothing is sent any more, or again.
    pub disabled: Option<bool>,
    /// A new secret in place of the old one.
    pub new_secret: bool,
}

impl Webhook {
    /// It is told of what happened in a jurisdiction, by an organisation of this kind.
    #[must_use]
    pub fn hears(&self, notice: &Notice, kind: OrganisationKind, jurisdiction: &str) -> bool {
        let covers = |code: &str| self.jurisdictions.as_ref().is_none_or(|all| all.iter().any(|own| own == code));
        let wanted = self.events.as_ref().is_none_or(|all| all.contains(&notice.kind()));
        wanted && notice.places(jurisdiction).all(covers) && notice.is_for(&self.organisation, kind)
    }

    /// What can be wrong with one.
    #[must_use]
    pub fn problems(url: &str, events: Option<&[String]>) -> Vec<Problem> {
        let mut problems: Vec<Problem> = wrong_url(url).map(|why| Problem::new("/url", why)).into_iter().collect();
        for (n, event) in events.unwrap_or_default().iter().enumerate() {
            let is_word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if !event.split_once('.').is_some_and(|(noun, event)| is_word(noun) && is_word(event)) {
                problems.push(Problem::new(format!("/events/{n}"), "is no type of event, such as site_check.changed"));
            }
        }
        problems
    }
}

/// What is wrong with an address, as far as it can be told without looking it up.
fn wrong_url(url: &str) -> Option<String> {
    if url.len() > URL_MAX {
        return Some(format!("has more than {URL_MAX} characters"));
    }
    if !url.bytes().all(|b| b.is_ascii_graphic()) || url.contains(['@', '\\', '#', '"', '<', '>']) {
        return Some("must be an address of plain characters, without a name, a password or a fragment".into());
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
    match host {
        None => Some("must begin with https://".into()),
        Some(host) if host.is_empty() || host.starts_with(':') => Some("names no host".into()),
        Some(_) => None,
    }
}

/// The address is not protected on its way.
#[must_use]
pub fn is_plain(url: &str) -> bool {
    url.starts_with("http://")
}

/// How failed deliveries are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first pause, ms; each further one is twice as long.
    pub first_ms: u64,
    /// The longest pause, ms.
    pub longest_ms: u64,
    /// So many attempts are made.
    pub attempts_max: u32,
    /// A message that is older than so many days is not sent any more.
    pub days_max: u32,
}

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// To an address, signed.
    Webhook {
        /// The address.
        url: String,
        /// What it is signed with.
        secret: SigningSecret,
    },
    /// To somebody.
    Mail {
        /// His account.
        account: Uuid,
        /// Where, and in which language.
        mail: Mail,
    },
}

/// A message, and to whom it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// To whom.
    pub to: To,
    /// What.
    pub told: Told,
}

/// What came of an attempt. Reasons are short, and say nothing of the network on this side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Done,
    /// The receiver did not take it: this one is tried again later.
    Refused(String),
    /// There was no receiver: all that is due to him is tried again later.
    NoAnswer(String),
    /// The receiver will never take it.
    Never(String),
}

/// A delivery, as whoever keeps its webhook sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event; of one webhook, the id of the delivery.
    pub event: Uuid,
    /// Where it happened.
    pub jurisdiction: String,
    /// The type of the event.
    pub kind: String,
    /// The case.
    pub subject: Uuid,
    /// The place of the event among those of the case.
    pub number: i32,
    /// What became of it.
    pub state: DeliveryState,
    /// Attempts that failed, since it was queued last.
    pub attempts: i32,
    /// When it was queued last.
    pub queued_at: Timestamp,
    /// When it is tried next, where it waits.
    pub next_at: Option<Timestamp>,
    /// When the receiver took it.
    pub done_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub problem: Option<String>,
}

/// Which deliveries of a webhook are sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replay {
    /// These events; none named: whatever fits the rest.
    pub events: Option<Vec<Uuid>>,
    /// What was queued from this moment on; without it and without events: only what was given up.
    pub since: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain() {
        for good in ["https://a.example", "https://a.example:8443/x?y=z", "http://10.1.2.3/x", "https://[2001:db8::1]/"]
        {
            assert_eq!(wrong_url(good), None, "{good}");
        }
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "https://",
            "https:///x",
            "https://:8443/x",
            "https://nga:hunter2@a.example/",
            "https://a.example/#x",
            "https://a.example/ x",
            "https://a.example/\r\nHost: b",
            "https://a.example\\@b.example/",
            "https://ví-dụ.example/",
            &format!("https://a.example/{}", "x".repeat(URL_MAX)),
        ] {
            assert!(wrong_url(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_webhook_hears_what_it_asked_for() {
        let webhook = |jurisdictions: Option<&[&str]>, events: Option<&[&str]>| {
            let texts = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect();
            Webhook {
                id: Uuid::nil(),
                organisation: "vnpt".into(),
                url: "https://a.example".into(),
                jurisdictions: jurisdictions.map(texts),
                events: events.map(texts),
                disabled: false,
                version: 1,
                recorded_at: Timestamp::UNIX_EPOCH,
            }
        };
        let notice = Notice {
            noun: "site_check".into(),
            event: "changed".into(),
            organisations: vec!["vnpt".into()],
            places: vec!["VN-35".into()],
            ..Notice::default()
        };
        let check = |webhook: &Webhook, expect: bool| {
            assert_eq!(webhook.hears(&notice, OrganisationKind::Carrier, "VN-72"), expect, "{webhook:?}");
        };
        check(&webhook(None, None), true);
        check(&webhook(Some(&["VN-35", "VN-72"]), Some(&["plan.decided", "site_check.changed"])), true);
        check(&webhook(Some(&["VN-72"]), None), false);
        check(&webhook(None, Some(&["plan.decided"])), false);
        check(&Webhook { organisation: "viettel".into(), ..webhook(None, None) }, false);
    }

    #[test]
    fn secrets_are_not_printed() {
        assert!(!format!("{:?}", SigningSecret(b"hunter2".to_vec())).contains("104"));
    }

    #[test]
    fn types_of_events_have_a_noun() {
        let check = |events: &[&str], expect: &[&str]| {
            let events: Vec<String> = events.iter().map(|e| (*e).to_owned()).collect();
            let found = Webhook::problems("https://a.example", Some(&events));
            assert_eq!(found.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), expect);
        };
        check(&["plan.decided", "site_check.changed"], &[]);
        check(&["plan", "a.b.c", ".x", "Plan.decided"], &["/events/0", "/events/1", "/events/2", "/events/3"]);
    }
}
