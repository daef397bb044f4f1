//! Passwords to hashes and back to yes or no, and random numbers. Slow on purpose: for the blocking pool alone.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64ct::{Base64UrlUnpadded, Encoding};

use crate::domain::session::{CREDENTIAL_BYTES, CredentialKind, credential};
use crate::error::{Error, Result};

/// Memory of one hash, KiB. This and the next two: OWASP Password Storage Cheat Sheet, Argon2id, first choice for small
/// memory.
pub const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
pub const PASSES: u32 = 2;
/// Lanes: more threads for one password would be fewer for the others.
pub const LANES: u32 = 1;

/// Random bytes of a salt, as RFC 9106, 3.1 recommends.
const SALT_BYTES: usize = 16;

/// Random bytes of a password that nobody chose: 144 bits, 24 characters.
const GENERATED_BYTES: usize = 18;

/// The hash of no password: an unknown name takes as long as a known one.
pub(super) const OF_NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmUhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(broken)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("argon2: {error}"))
}

/// The hash of a password with a salt of its own, as a PHC string.
pub(super) fn hash(password: &str) -> Result<String> {
    let salt: [u8; SALT_BYTES] = random()?;
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(broken)?;
    Ok(hash.to_string())
}

/// Whether this is the password of a hash, with the costs that the hash was made with.
pub(super) fn matches(password: &str, hash: &str) -> Result<bool> {
    let hash = PasswordHash::new(hash).map_err(broken)?;
    Ok(argon2()?.verify_password(password.as_bytes(), &hash).is_ok())
}

/// A password that nobody chose.
///
/// # Errors
/// [`Error::Internal`] where the system has no random numbers.
pub fn generated() -> Result<String> {
    Ok(Base64UrlUnpadded::encode_string(&random::<GENERATED_BYTES>()?))
}

/// A new credential.
pub(super) fn new_credential(kind: CredentialKind) -> Result<String> {
    Ok(credential(kind, random::<CREDENTIAL_BYTES>()?))
}

/// Bytes that nobody can guess.
///
/// # Errors
/// [`Error::Internal`] where the system has none.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::Internal(format!("no random numbers: {e}")))?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in a test a panic is the report
mod tests {
    use argon2::password_hash::phc::Output;

    use super::*;
    use crate::domain::account::wrong_password;

    #[test]
    fn a_hash_knows_its_password_and_has_its_costs() {
        let (first, second) = (hash("correct horse battery").unwrap(), hash("correct horse battery").unwrap());
        assert_ne!(first, second, "each has a salt of its own");
        assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
        assert!(
            matches("correct horse battery", &first).unwrap() && matches("correct horse battery", &second).unwrap()
        );
        assert!(!matches("correct horse batterY", &first).unwrap() && !matches("", &first).unwrap());
        assert!(matches("x", "plain").is_err());
    }

    /// Else an unknown name would answer faster.
    #[test]
    fn nobody_costs_as_much_as_somebody() {
        let (nobody, somebody) = (PasswordHash::new(OF_NOBODY).unwrap(), hash("x").unwrap());
        let somebody = PasswordHash::new(&somebody).unwrap();
        assert_eq!((nobody.algorithm, nobody.version), (somebody.algorithm, somebody.version));
        assert_eq!(nobody.params.to_string(), somebody.params.to_string());
        let length = |h: &PasswordHash| (h.salt.as_ref().map(|s| s.len()), h.hash.as_ref().map(Output::len));
        assert_eq!(length(&nobody), length(&somebody));
        assert!(!matches("", OF_NOBODY).unwrap());
    }

    #[test]
    fn a_generated_password_can_be_used() {
        let (one, other) = (generated().unwrap(), generated().unwrap());
        assert_ne!(one, other);
        assert_eq!((one.len(), wrong_password(&one, "somebody-else")), (24, None));
    }
}
