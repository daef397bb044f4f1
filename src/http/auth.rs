//! Bearer tokens to actors. Until there are accounts, the tokens come from the configuration.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::{Settings, TokenSetting};
use crate::domain::actor::{Actor, Role};
use crate::domain::word::Word;
use crate::error::{Error, Result};

/// The tokens that are known, as digests.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Vec<([u8; 32], Actor)>);

impl Tokens {
    /// The tokens of a configuration.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a role that does not exist.
    pub fn of(settings: &Settings) -> Result<Self> {
        settings.tokens.iter().map(|t| Ok((digest(&t.token.0), actor(t)?))).collect::<Result<_>>().map(Self)
    }

    /// The actor a token stands for. Every known token is compared, in constant time.
    #[must_use]
    pub fn actor(&self, token: &str) -> Option<&Actor> {
        let given = digest(token);
        let mut found = None;
        for (known, actor) in &self.0 {
            if bool::from(known.ct_eq(&given)) {
                found = Some(actor);
            }
        }
        found
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn actor(setting: &TokenSetting) -> Result<Actor> {
    let roles = setting.roles.iter().map(|text| {
        Role::parse(text)
            .ok_or_else(|| Error::parameter("tokens", format!("«{text}» is not a role; known are {}", Role::known())))
    });
    Ok(Actor {
        name: setting.name.clone(),
        organisation: setting.organisation.clone(),
        roles: roles.collect::<Result<_>>()?,
        jurisdictions: setting.jurisdictions.clone(),
    })
}

/// The digest of the token of a request, where it is one that is known: requests are counted by it.
#[must_use]
pub fn known(request: &HttpRequest, tokens: &Tokens) -> Option<[u8; 32]> {
    let (_, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    tokens.actor(token.trim()).map(|_| digest(token.trim()))
}

/// Who sent a request; without a token, the public.
///
/// # Errors
/// [`Error::Unauthenticated`] for a token that is not known: it is never taken for none.
pub fn actor_of(request: &HttpRequest, tokens: &Tokens) -> Result<Actor> {
    let Some(header) = request.headers().get(AUTHORIZATION) else { return Ok(Actor::public()) };
    let refused = || Error::Unauthenticated("the token is not known; send «Authorization: Bearer …»".into());
    let text = header.to_str().map_err(|_| refused())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    tokens.actor(token.trim()).cloned().ok_or_else(refused)
}
