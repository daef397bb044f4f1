//! A key as an issuer publishes it (RFC 7517, RFC 7518, RFC 8037), and whether it signed a token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use base64ct::{Base64UrlUnpadded, Encoding};
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value as Json;

use super::token::{Algorithm, Token};
use crate::domain::word::Word;

/// The kinds of key that are taken. Each verifies by its own algorithms alone, whatever a token says.
#[derive(Debug, PartialEq, Eq)]
enum Material {
    /// RSA with 2048 to 8192 bits: modulus and exponent, big-endian.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point of P-256, uncompressed.
    P256(Vec<u8>),
    /// A point of P-384, uncompressed.
    P384(Vec<u8>),
    /// A point of Ed25519.
    Ed25519(Vec<u8>),
}

/// A public key.
#[derive(Debug)]
pub(super) struct Key {
    material: Material,
    /// The only algorithm that it is for, where the issuer says so.
    algorithm: Option<Algorithm>,
    /// It is not good any more.
    pub(super) withdrawn: Arc<AtomicBool>,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.material == other.material && self.algorithm == other.algorithm
    }
}

impl Key {
    /// A token is signed by this key, by an algorithm that it is for.
    pub(super) fn signed(&self, token: &Token) -> bool {
        let Some(algorithm) = token.algorithm else { return false };
        self.algorithm.is_none_or(|only| only == algorithm)
            && self.material.verifies(algorithm, token.signed.as_bytes(), &token.signature)
    }
}

impl Material {
    fn verifies(&self, algorithm: Algorithm, message: &[u8], by: &[u8]) -> bool {
        let rsa = |n: &Vec<u8>, e: &Vec<u8>, parameters: &RsaParameters| {
            RsaPublicKeyComponents { n, e }.verify(parameters, message, by).is_ok()
        };
        let curve = |algorithm: &'static dyn VerificationAlgorithm, point: &Vec<u8>| {
            UnparsedPublicKey::new(algorithm, point).verify(message, by).is_ok()
        };
        match (self, algorithm) {
            (Self::Rsa { n, e }, Algorithm::Rs256) => rsa(n, e, &signature::RSA_PKCS1_2048_8192_SHA256),
            (Self::Rsa { n, e }, Algorithm::Rs384) => rsa(n, e, &signature::RSA_PKCS1_2048_8192_SHA384),
            (Self::Rsa { n, e }, Algorithm::Rs512) => rsa(n, e, &signature::RSA_PKCS1_2048_8192_SHA512),
            (Self::Rsa { n, e }, Algorithm::Ps256) => rsa(n, e, &signature::RSA_PSS_2048_8192_SHA256),
            (Self::Rsa { n, e }, Algorithm::Ps384) => rsa(n, e, &signature::RSA_PSS_2048_8192_SHA384),
            (Self::Rsa { n, e }, Algorithm::Ps512) => rsa(n, e, &signature::RSA_PSS_2048_8192_SHA512),
            (Self::P256(point), Algorithm::Es256) => curve(&signature::ECDSA_P256_SHA256_FIXED, point),
            (Self::P384(point), Algorithm::Es384) => curve(&signature::ECDSA_P384_SHA384_FIXED, point),
            (Self::Ed25519(point), Algorithm::EdDsa) => curve(&signature::ED25519, point),
            _ => false,
        }
    }
}

/// The keys of a set by their names; those that are not for signatures, or not of a kind that is taken, are passed over,
/// as RFC 7517, section 5, asks. `None` where it is no set.
pub(super) fn read(set: &Json) -> Option<BTreeMap<String, Key>> {
    let mut keys = BTreeMap::new();
    for (name, key) in set.get("keys")?.as_array()?.iter().filter_map(one) {
        keys.entry(name).or_insert(key);
    }
    Some(keys)
}

fn one(jwk: &Json) -> Option<(String, Key)> {
    let text = |name: &str| jwk.get(name).and_then(Json::as_str);
    let bytes = |name: &str| text(name).and_then(|t| Base64UrlUnpadded::decode_vec(t).ok());
    let point = |length: usize| {
        let (x, y) = (bytes("x")?, bytes("y")?);
        (x.len() == length && y.len() == length).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
    };
    let name = text("kid").filter(|name| !name.is_empty())?;
    let is_for = |member: &str, wanted: &str| match jwk.get(member) {
        None => true,
        Some(Json::Array(all)) => all.iter().any(|one| one == wanted),
        Some(one) => one == wanted,
    };
    if !is_for("use", "sig") || !is_for("key_ops", "verify") {
        return None;
    }
    let algorithm = match jwk.get("alg") {
        None => None,
        Some(named) => Some(named.as_str().and_then(Algorithm::parse)?),
    };
    let material = match (text("kty")?, text("crv")) {
        ("RSA", _) => Material::Rsa { n: bytes("n")?, e: bytes("e")? },
        ("EC", Some("P-256")) => Material::P256(point(32)?),
        ("EC", Some("P-384")) => Material::P384(point(48)?),
        ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x").filter(|x| x.len() == 32)?),
        _ => return None,
    };
    Some((name.to_owned(), Key { material, algorithm, withdrawn: Arc::default() }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    /// RFC 8037, appendix A.4 and A.5: a key, and what it signed.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const SIGNATURE: &str = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    #[test]
    fn a_key_verifies_what_it_signed_by_its_own_algorithm_alone() {
        let key = Material::Ed25519(Base64UrlUnpadded::decode_vec(X).unwrap());
        let mut signature = Base64UrlUnpadded::decode_vec(SIGNATURE).unwrap();
        for (algorithm, _) in Algorithm::ALL {
            let verifies = key.verifies(*algorithm, SIGNED.as_bytes(), &signature);
            assert_eq!(verifies, *algorithm == Algorithm::EdDsa, "{algorithm}");
        }
        signature[7] ^= 1;
        assert!(!key.verifies(Algorithm::EdDsa, SIGNED.as_bytes(), &signature));
        assert!(!key.verifies(Algorithm::EdDsa, SIGNED.as_bytes(), b""));
    }

    #[test]
    fn whatever_is_changed_in_a_token_it_is_not_signed_any_more() {
        use ring::signature::{Ed25519KeyPair, KeyPair};
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let material = Material::Ed25519(pair.public_key().as_ref().to_vec());
        let key = Key { material, algorithm: None, withdrawn: Arc::default() };
        let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let front = format!("{}.{}", encode(br#"{"alg":"EdDSA","kid":"a"}"#), encode(br#"{"sub":"f3"}"#));
        let good = format!("{front}.{}", encode(pair.sign(front.as_bytes()).as_ref()));
        let holds = |text: &str| Token::read(text).is_some_and(|token| key.signed(&token));
        assert!(holds(&good));
        for (at, is) in good.char_indices() {
            for other in ['A', 'B', 'w', '_', '.', '=', ' '].into_iter().filter(|other| *other != is) {
                let mut changed = good.clone();
                changed.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
                assert!(!holds(&changed), "{at}: {other}");
                changed = good.clone();
                changed.insert(at, other);
                assert!(!holds(&changed), "{other} before {at}");
            }
            assert!(!holds(&good[..at]) && !holds(&format!("{}{}", &good[..at], &good[at + 1..])), "{at}");
        }
    }

    #[test]
    fn keys_for_something_else_are_passed_over() {
        let ed = |more: Json| {
            let mut key = json!({"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": X});
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            key
        };
        let half = "11qYAYKxCrfVS_7TyWQHOg";
        for (key, taken) in [
            (ed(json!({})), true),
            (ed(json!({"use": "sig", "alg": "EdDSA", "key_ops": ["verify"]})), true),
            (ed(json!({"use": "enc"})), false),
            (ed(json!({"use": null})), false),
            (ed(json!({"key_ops": ["encrypt"]})), false),
            (ed(json!({"alg": "RSA-OAEP"})), false),
            (ed(json!({"alg": "HS256"})), false),
            (ed(json!({"alg": "none"})), false),
            (ed(json!({"alg": null})), false),
            (ed(json!({"kid": ""})), false),
            (ed(json!({"kid": 1})), false),
            (ed(json!({"crv": "X25519"})), false),
            (ed(json!({"x": half})), false),
            (ed(json!({"x": "!"})), false),
            (json!({"kid": "a", "kty": "oct", "k": X}), false),
            (json!({"kid": "a", "kty": "EC", "crv": "P-256", "x": X, "y": X}), true),
            (json!({"kid": "a", "kty": "EC", "crv": "P-256", "x": X}), false),
            (json!({"kid": "a", "kty": "EC", "crv": "P-384", "x": X, "y": X}), false),
            (json!({"kid": "a", "kty": "EC", "crv": "P-521", "x": X, "y": X}), false),
            (json!({"kid": "a", "kty": "RSA", "n": X, "e": "AQAB"}), true),
            (json!({"kid": "a", "kty": "RSA", "n": X}), false),
            (json!("a"), false),
        ] {
            assert_eq!(read(&json!({"keys": [key]})).unwrap().len(), usize::from(taken), "{key}");
        }
        for none in [json!({}), json!([]), json!({"keys": {}}), json!(null)] {
            assert!(read(&none).is_none(), "{none}");
        }
    }

    #[test]
    fn a_short_rsa_key_verifies_nothing() {
        // A signature of 1 with an exponent of 1 would be its own message; ring does not even look at it.
        let key = Material::Rsa { n: vec![0xff; 128], e: vec![1, 0, 1] };
        assert!(!key.verifies(Algorithm::Rs256, b"x", &[1; 128]));
    }
}
