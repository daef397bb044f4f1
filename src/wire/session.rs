//! Signing in, refreshing and changing a password as JSON (the words of RFC 6749).

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::document::{fields, object};
use crate::domain::fields::Reading;
use crate::error::{Error, Result};

/// Who wants to sign in.
pub struct SignIn {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// As a browser, with a cookie.
    pub cookie: bool,
}

/// Reads a document of a few members; unknown ones are problems.
pub(super) fn read<T>(document: &Json, known: &[&str], f: impl FnOnce(&mut Reading<'_>) -> Option<T>) -> Result<T> {
    let fields = fields(object(document, "").map_err(|p| Error::Invalid(vec![p]))?);
    let mut reading = Reading::of_document(&fields, known);
    let value = f(&mut reading);
    reading.finish(value).map_err(Error::Invalid)
}

/// A secret that must be there.
fn secret(reading: &mut Reading<'_>, name: &str) -> Option<String> {
    let given = reading.secret(name);
    reading.required(name, given)
}

/// Reads a sign-in.
///
/// # Errors
/// [`Error::Invalid`] with every problem, none of which repeats a secret.
pub fn sign_in(document: &Json) -> Result<SignIn> {
    read(document, &["name", "password", "cookie"], |r| {
        // People type passwords where a name belongs.
        let (name, password) = (secret(r, "name"), secret(r, "password"));
        let cookie = r.yes_or_no("cookie").unwrap_or(false);
        Some(SignIn { name: name?, password: password?, cookie })
    })
}

/// Reads a refresh token.
///
/// # Errors
/// As [`sign_in`].
pub fn refresh(document: &Json) -> Result<String> {
    read(document, &["refresh_token"], |r| secret(r, "refresh_token"))
}

/// Reads the present and the new password.
///
/// # Errors
/// As [`sign_in`].
pub fn passwords(document: &Json) -> Result<(String, String)> {
    read(document, &["password", "new_password"], |r| {
        let (present, new) = (secret(r, "password"), secret(r, "new_password"));
        present.zip(new)
    })
}

/// What a program gets that signs in.
#[must_use]
pub fn bearer(access: &str, expires_in: Duration, refresh: Option<&str>) -> Json {
    json!({"access_token": access, "token_type": "Bearer", "expires_in": expires_in.as_secs(), "refresh_token": refresh})
}

/// What a browser gets besides its cookie.
#[must_use]
pub fn browser(csrf_token: &str, expires_in: Duration) -> Json {
    json!({"csrf_token": csrf_token, "expires_in": expires_in.as_secs()})
}
