//! Bearer tokens of other issuers (OpenID Connect Core 1.0): JSON Web Tokens that are verified by the keys which their
//! issuer publishes, and what their claims mean here. None is ever made by us, and nothing of one is believed before its
//! signature holds.
//!
//! Read in this order: `token` (the text), `claims` (what it must say, and what that means), `key` (what verifies
//! it), `issuer` (which keys there are at the moment).

mod claims;
mod issuer;
mod key;
mod token;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use self::issuer::Issuer;
use self::token::Token;
use super::blocking;
use crate::actions::{Context, access};
use crate::clock;
use crate::config::Settings;
use crate::domain::session::Identity;
use crate::error::{Error, Result};

/// Longest token that is read, bytes: with hundreds of groups one has a few thousand.
const TOKEN_MAX: usize = 16 * 1024;

/// Fetches the document at an address, in so much time; or says why it cannot be had.
pub type Fetch = Arc<dyn Fn(&str, Duration) -> Result<Vec<u8>, String> + Send + Sync>;

/// The issuers that are believed.
#[derive(Default)]
pub struct Issuers(Vec<Arc<Issuer>>);

impl Issuers {
    /// Those of the settings. Nothing is fetched yet.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a role that does not exist.
    pub fn of(settings: &Settings, fetch: &Fetch) -> Result<Self> {
        let issuers = settings.oidc.iter().map(|setting| Issuer::new(setting, Arc::clone(fetch)).map(Arc::new));
        issuers.collect::<Result<_>>().map(Self)
    }

    /// Keeps the keys of every issuer as it publishes them, for as long as the server runs.
    pub fn follow(&self, context: &Context) {
        for issuer in &self.0 {
            actix_web::rt::spawn(issuer::follow(Arc::clone(issuer), context.clone()));
        }
    }

    /// Whom a token stands for; `None` where it is none of an issuer that is believed. It waits for an issuer only where
    /// the key is not known, and in no thread that serves.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a token that is not good, [`Error::Forbidden`] for a good one that gives nothing
    /// here, [`Error::Busy`] where nobody can tell.
    pub(super) async fn identify(&self, context: &Context, text: &str) -> Result<Option<Arc<Identity>>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        if let Some(known) = access::known(context, text) {
            return Ok(Some(known));
        }
        let Some((issuer, token)) = self.read(text) else { return Ok(None) };
        // What cannot be good whatever signed it costs no look at a key.
        let ends = issuer.rules.check(&token, clock::now())?;
        let name = token.key.as_deref().ok_or_else(|| refused("does not name its key"))?;
        let key = issuer.key(name).await?;
        let (context, text) = (context.clone(), text.to_owned());
        let verify = move || {
            if !key.signed(&token) {
                return Err(refused("is not signed by the key that it names"));
            }
            issuer.rules.identity(&token, ends)
        };
        blocking(move || access::admit(&context, &text, verify)).await.map(Some)
    }

    /// What says that the key of a token that was taken is not good any more.
    pub(super) fn withdrawn(&self, text: &str) -> Option<Arc<AtomicBool>> {
        let (issuer, token) = self.read(text)?;
        Some(issuer.withdrawn(token.key.as_deref()?))
    }

    /// A token, and the issuer that it names. That decides by whose keys it is verified, and nothing else.
    fn read(&self, text: &str) -> Option<(Arc<Issuer>, Token)> {
        let token = Token::read(text).filter(|_| text.len() <= TOKEN_MAX)?;
        let named = token.claims.get("iss")?.as_str()?;
        let issuer = self.0.iter().find(|issuer| issuer.rules.issuer() == named)?;
        Some((Arc::clone(issuer), token))
    }
}

/// The token is not good.
fn refused(why: &str) -> Error {
    Error::Unauthenticated(format!("the token {why}"))
}
