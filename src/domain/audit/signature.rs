//! Heads of chains, signed by Ed25519 (RFC 8032).

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::{Digest, Head, hex, unhex};

/// What heads are signed with.
#[derive(Debug)]
pub struct Key(Ed25519KeyPair);

impl Key {
    /// The key that a seed of 32 bytes stands for, written as 64 hexadecimal digits; `None` for other texts.
    #[must_use]
    pub fn of_seed(text: &str) -> Option<Self> {
        let seed: Digest = unhex(text.trim())?;
        Ed25519KeyPair::from_seed_unchecked(&seed).map(Self).ok()
    }

    /// What tells its signatures from those of others, in hexadecimal.
    #[must_use]
    pub fn public(&self) -> String {
        hex(self.0.public_key().as_ref())
    }

    /// Signs a head.
    #[must_use]
    pub fn sign(&self, head: Head) -> SignedHead {
        let signature = hex(self.0.sign(head.canonical().as_bytes()).as_ref());
        SignedHead { head, key: self.public(), signature }
    }
}

/// A head that somebody signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// What was signed.
    pub head: Head,
    /// The public key, in hexadecimal.
    pub key: String,
    /// The signature, in hexadecimal.
    pub signature: String,
}

impl SignedHead {
    /// The signature is that of the key, over this head.
    #[must_use]
    pub fn holds(&self) -> bool {
        let Some(key) = unhex(&self.key) else { return false };
        let (Some(first), Some(second)) =
            (self.signature.get(..64).and_then(unhex), self.signature.get(64..).and_then(unhex))
        else {
            return false;
        };
        let signature = [first, second].concat();
        UnparsedPublicKey::new(&ED25519, key).verify(self.head.canonical().as_bytes(), &signature).is_ok()
    }
}

/// A head as the trail has it: signed by the service where it had a key then, in the transaction that made the chain stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedHead {
    /// The head; its moment is that of the event.
    pub head: Head,
    /// The public key and the signature, in hexadecimal.
    pub signature: Option<(String, String)>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // in a test a panic is the report
    use super::*;

    fn head() -> Head {
        Head { chain: "VN-72".into(), revision: 3, hash: [7; 32], signed_at: jiff::Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn only_what_was_signed_holds() {
        // RFC 8032, 7.1, test 1.
        let key = Key::of_seed("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n").unwrap();
        assert_eq!(key.public(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let signed = key.sign(head());
        assert!(signed.holds());
        let mut other = signed.clone();
        other.head.revision = 4;
        assert!(!other.holds());
        let mut other = signed.clone();
        other.signature.replace_range(..2, if signed.signature.starts_with("00") { "01" } else { "00" });
        assert!(!other.holds());
        let mut other = signed;
        other.key = Key::of_seed(&"1".repeat(64)).unwrap().public();
        assert!(!other.holds());
        assert!(Key::of_seed("short").is_none());
    }
}
