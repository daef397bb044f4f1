//! A message to a webhook: a `CloudEvent`, signed as "Standard Webhooks" has it (`webhook-id`, `webhook-timestamp`,
//! `webhook-signature`), to an address that is looked up once, looked at, and then connected to. No answer leads elsewhere, no
//! proxy comes between, and nothing of an answer is read but its status.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use ipnet::IpNet;
use jiff::Timestamp;
use ring::hmac;
use rustls::crypto::ring as provider;
use ureq::config::Config;
use ureq::http::{Uri, uri::Scheme};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::address::is_public;
use crate::config::Settings;
use crate::domain::notice::Told;
use crate::domain::webhook::{Outcome, SigningSecret};
use crate::error::Result;
use crate::wire::notice::cloud_event;

/// What a message is, as its receiver is told.
const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Sends messages to webhooks.
pub(super) struct Sender {
    agent: Agent,
}

impl Sender {
    /// By these settings.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::error::Error::Parameter) for networks that are none.
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        let networks = settings.webhook_networks();
        let networks = networks.map_err(|why| crate::error::Error::parameter("webhook_networks", why))?;
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(provider::default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // An address is looked at whenever it is connected to: no connection is kept for another message.
            .max_idle_connections(0)
            // It would connect in our place, to whatever it takes the name for.
            .proxy(None)
            .timeout_global(Some(Duration::from_millis(settings.webhook_timeout_ms)))
            .user_agent(concat!("clearway/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        let resolver = Walled { inner: DefaultResolver::default(), networks };
        Ok(Self { agent: Agent::with_parts(config, DefaultConnector::default(), resolver) })
    }

    /// Tries to send a message.
    pub(super) fn send(&self, url: &str, secret: &SigningSecret, told: &Told, at: Timestamp) -> Outcome {
        let body = cloud_event(told).to_string();
        let (id, timestamp) = (told.id.to_string(), at.as_second().to_string());
        let signature = signature(secret, &id, &timestamp, &body);
        let request = self
            .agent
            .post(url)
            .header("Content-Type", MEDIA_TYPE)
            .header("webhook-id", &id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", &signature);
        match request.send(&body) {
            Ok(answer) if answer.status().is_success() => Outcome::Done,
            Ok(answer) => Outcome::Refused(format!("answered {}", answer.status().as_u16())),
            Err(error) => Outcome::NoAnswer(why(&error).to_owned()),
        }
    }
}

/// Why there was no answer, in few words: what stands in the way on this side is nothing to whoever keeps the webhook.
fn why(error: &Error) -> &'static str {
    match error {
        Error::Timeout(_) => "did not answer in time",
        Error::HostNotFound => "the name of the host leads nowhere",
        Error::Other(inner) if inner.is::<Behind>() => "leads to an address that is not for webhooks",
        Error::Tls(_) | Error::Rustls(_) => "could not agree on TLS",
        Error::BadUri(_) => "is no address",
        _ => "could not be reached, or broke off",
    }
}

/// The signature of a message: HMAC-SHA256 of its id, the moment and the body, each letter of it.
fn signature(secret: &SigningSecret, id: &str, timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret.0);
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", Base64::encode_string(tag.as_ref()))
}

/// Looks names up, and gives only addresses that may be spoken to.
#[derive(Debug)]
struct Walled {
    inner: DefaultResolver,
    networks: Vec<IpNet>,
}

/// The address is behind the wall.
#[derive(Debug)]
struct Behind;

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address that is not for webhooks")
    }
}

impl std::error::Error for Behind {}

impl Resolver for Walled {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let is_plain = uri.scheme() != Some(&Scheme::HTTPS);
        let mut open = self.empty();
        for address in &found {
            let is_ours = self.networks.iter().any(|network| network.contains(&address.ip().to_canonical()));
            if is_ours || !is_plain && is_public(address.ip()) {
                open.push(*address);
            }
        }
        if open.is_empty() { Err(Error::Other(Box::new(Behind))) } else { Ok(open) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn messages_are_signed_as_the_standard_has_it() {
        let secret = Base64::decode_vec("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap_or_default();
        let made =
            signature(&SigningSecret(secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(made, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
