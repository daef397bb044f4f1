//! How messages leave: to webhooks by HTTP, to people by mail. `address` says which addresses of the network may be spoken to.

mod address;
mod mail;
mod webhook;

use std::sync::Arc;

use jiff::Timestamp;

use crate::actions::outbox::Courier;
use crate::config::Settings;
use crate::domain::webhook::{Channel, Outcome, Parcel, To};
use crate::error::Result;

/// Sends by the ways that are set up.
struct ByNetwork {
    webhooks: webhook::Sender,
    mail: Option<mail::Sender>,
}

/// Who sends messages by these settings.
///
/// # Errors
/// [`Error::Parameter`](crate::error::Error::Parameter) for settings that cannot be used.
pub fn by_network(settings: &Settings) -> Result<Arc<dyn Courier>> {
    Ok(Arc::new(ByNetwork { webhooks: webhook::Sender::of(settings)?, mail: mail::Sender::of(settings)? }))
}

impl Courier for ByNetwork {
    fn channels(&self) -> Vec<Channel> {
        let mail = self.mail.as_ref().map(|_| Channel::Mail);
        [Some(Channel::Webhook), mail].into_iter().flatten().collect()
    }

    fn carry(&self, parcel: &Parcel, at: Timestamp) -> Outcome {
        match &parcel.to {
            To::Webhook { url, secret } => self.webhooks.send(url, secret, &parcel.told, at),
            To::Mail { account, mail } => {
                let none = || Outcome::NoAnswer("no server of mail is set up".into());
                self.mail.as_ref().map_or_else(none, |sender| sender.send(*account, mail, &parcel.told))
            }
        }
    }
}
