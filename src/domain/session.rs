//! What somebody signs in with: opaque credentials, what each stands for, and who is behind a request.

use base64ct::{Base64UrlUnpadded, Encoding};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::account::Scope;
use super::actor::{Actor, Role};
use super::audit::Digest;
use super::word::{Word, words};

words! {
    /// What a credential is for; the word stands in front of it, so that a leaked one is known for what it is.
    CredentialKind {
        /// Some minutes of access, sent as a bearer token.
        Access = "cwa_",
        /// Exchanged, once, for new ones.
        Refresh = "cwr_",
        /// The access of a machine, sent as a bearer token.
        ApiToken = "cwt_",
        /// A session of a browser, sent as a cookie.
        Cookie = "cws_",
    }
}

/// Random bytes of a credential: 256 bits cannot be guessed.
pub const CREDENTIAL_BYTES: usize = 32;

/// The credential that these random bytes make.
#[must_use]
pub fn credential(kind: CredentialKind, random: [u8; CREDENTIAL_BYTES]) -> String {
    format!("{kind}{}", Base64UrlUnpadded::encode_string(&random))
}

/// What a text is as a credential; none: it is none of ours.
#[must_use]
pub fn kind_of(text: &str) -> Option<CredentialKind> {
    let (kind, rest) = CredentialKind::ALL.iter().find_map(|(k, prefix)| Some((*k, text.strip_prefix(prefix)?)))?;
    let mut bytes = [0; CREDENTIAL_BYTES];
    let decoded = Base64UrlUnpadded::decode(rest, &mut bytes).ok()?;
    (decoded.len() == CREDENTIAL_BYTES).then_some(kind)
}

/// The SHA-256 of a credential: all that is kept of it, and what it is looked up by. Whoever measures how long a look-up
/// takes learns of digests, which lead to no credential.
#[must_use]
pub fn digest(credential: &str) -> Digest {
    Sha256::digest(credential.as_bytes()).into()
}

/// What a page sends back to show that it read an answer of ours and does not merely have the cookie sent along. It is
/// made of the cookie, so it belongs to that session and nothing of it has to be kept.
#[must_use]
pub fn csrf_token(cookie: &str) -> String {
    let made = Sha256::new().chain_update(b"clearway csrf\0").chain_update(cookie.as_bytes()).finalize();
    Base64UrlUnpadded::encode_string(&made)
}

/// By what somebody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By nothing: the public.
    Nobody,
    /// A token of the configuration.
    Configured,
    /// A token of another issuer.
    Issuer,
    /// An API token.
    ApiToken(Uuid),
    /// A bearer token of a session.
    Session(Uuid),
    /// The cookie of a session.
    Cookie(Uuid),
}

/// Who is behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who acts.
    pub actor: Actor,
    /// A name to show, where another than that of the actor is known. Nothing depends on it.
    pub display_name: Option<String>,
    /// The account, where it is one.
    pub account: Option<Uuid>,
    /// By what.
    pub via: Via,
    /// Until when; none: without end.
    pub expires_at: Option<Timestamp>,
}

impl Identity {
    /// Anybody who did not sign in.
    #[must_use]
    pub fn nobody() -> Self {
        Self { actor: Actor::public(), display_name: None, account: None, via: Via::Nobody, expires_at: None }
    }

    /// The session, where one signed in.
    #[must_use]
    pub fn session(&self) -> Option<Uuid> {
        match self.via {
            Via::Session(id) | Via::Cookie(id) => Some(id),
            Via::Nobody | Via::Configured | Via::Issuer | Via::ApiToken(_) => None,
        }
    }
}

/// A token to be.
pub struct ApiTokenDraft {
    /// What it is for.
    pub name: String,
    /// Its roles; without any named, those of the account.
    pub roles: Option<Vec<Role>>,
    /// Its jurisdictions; without any named, those of the account at the moment of each request.
    pub jurisdictions: Option<Vec<String>>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: Uuid,
    /// The account it acts for.
    pub account: Uuid,
    /// What it is for.
    pub name: String,
    /// Most that it may; never more than its account may at the moment.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_known_for_what_it_is() {
        for (kind, prefix) in CredentialKind::ALL {
            let text = credential(*kind, [0xfb; CREDENTIAL_BYTES]);
            assert_eq!(text, format!("{prefix}{}-_s", "-_v7".repeat(10)));
            assert_eq!(kind_of(&text), Some(*kind));
        }
        let good = credential(CredentialKind::Access, [7; CREDENTIAL_BYTES]);
        for bad in ["", "cwa_", &good[..46], &format!("{good}A"), &good.replace("cwa_", "cwx_"), "cwa_ü", &good[4..]] {
            assert_eq!(kind_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_csrf_token_belongs_to_one_cookie_and_does_not_show_it() {
        let (a, b) = (csrf_token("cws_a"), csrf_token("cws_b"));
        assert_ne!(a, b);
        assert_eq!(a.len(), 43);
        let digest = Base64UrlUnpadded::encode_string(&digest("cws_a"));
        assert_ne!(a, digest, "what the store keeps is not what a page sends");
    }
}
