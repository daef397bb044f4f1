//! A signed JSON Web Token as text: RFC 7515 (compact serialization) and RFC 7519. Reading one verifies nothing.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value as Json};

use crate::domain::word::{Word, words};

words! {
    /// How a token may be signed: by a private key whose public one the issuer publishes (RFC 7518, RFC 8037). `none` and
    /// what is made with a shared secret are no words of this list, so nothing can be verified by them.
    Algorithm {
        Rs256 = "RS256",
        Rs384 = "RS384",
        Rs512 = "RS512",
        Ps256 = "PS256",
        Ps384 = "PS384",
        Ps512 = "PS512",
        Es256 = "ES256",
        Es384 = "ES384",
        EdDsa = "EdDSA",
    }
}

/// What a token says. All of it is a claim of whoever sent it.
#[derive(Debug)]
pub(super) struct Token {
    /// How it is signed; none: in a way that is not taken.
    pub(super) algorithm: Option<Algorithm>,
    /// The name of the key.
    pub(super) key: Option<String>,
    /// Its type, in lower case and without `application/`.
    pub(super) kind: String,
    /// There is something in its head that must be understood (RFC 7515, 4.1.11); we understand no such thing.
    pub(super) is_critical: bool,
    /// What it claims.
    pub(super) claims: Map<String, Json>,
    /// What is signed.
    pub(super) signed: String,
    /// The signature.
    pub(super) signature: Vec<u8>,
}

impl Token {
    /// Reads a token; `None` where the text is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (head, claims) = signed.split_once('.')?;
        let (head, claims) = (object(head)?, object(claims)?);
        let text = |name: &str| head.get(name).and_then(Json::as_str);
        let kind = text("typ").unwrap_or("JWT").to_ascii_lowercase();
        Some(Self {
            algorithm: text("alg").and_then(Algorithm::parse),
            key: text("kid").map(str::to_owned),
            kind: kind.strip_prefix("application/").unwrap_or(&kind).to_owned(),
            is_critical: head.contains_key("crit"),
            claims,
            signed: signed.to_owned(),
            signature: Base64UrlUnpadded::decode_vec(signature).ok()?,
        })
    }
}

fn object(part: &str) -> Option<Map<String, Json>> {
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(head: &str, claims: &str) -> String {
        let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        format!("{}.{}.AAAA", encode(head), encode(claims))
    }

    #[test]
    fn only_signatures_by_keys_are_read() {
        for (head, algorithm) in [
            (r#"{"alg":"RS256"}"#, Some(Algorithm::Rs256)),
            (r#"{"alg":"EdDSA"}"#, Some(Algorithm::EdDsa)),
            (r#"{"alg":"none"}"#, None),
            (r#"{"alg":"None"}"#, None),
            (r#"{"alg":"HS256"}"#, None),
            (r#"{"alg":"rs256"}"#, None),
            (r#"{"alg":""}"#, None),
            (r#"{"alg":["RS256"]}"#, None),
            (r#"{"alg":null}"#, None),
            ("{}", None),
        ] {
            assert_eq!(Token::read(&text(head, "{}")).unwrap().algorithm, algorithm, "{head}");
        }
    }

    #[test]
    fn types_are_compared_as_media_types_are() {
        for (head, kind) in [
            (r#"{"typ":"at+jwt"}"#, "at+jwt"),
            (r#"{"typ":"application/AT+JWT"}"#, "at+jwt"),
            (r#"{"typ":"JWT"}"#, "jwt"),
            ("{}", "jwt"),
        ] {
            assert_eq!(Token::read(&text(head, "{}")).unwrap().kind, kind, "{head}");
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        let good = text(r#"{"alg":"RS256"}"#, "{}");
        assert!(Token::read(&good).is_some());
        let nested = text(&("[".repeat(9_000) + &"]".repeat(9_000)), "{}");
        for bad in [
            "",
            ".",
            "..",
            "a.b.c",
            &good.replace('.', ""),
            &good[..good.len() - 5],
            &format!("{good}="),
            &format!("{good}.AAAA"),
            &format!("{good} "),
            &text("[]", "{}"),
            &text("{}", "1"),
            &text("", "{}"),
            &nested,
        ] {
            assert!(Token::read(bad).is_none(), "{bad}");
        }
    }
}
