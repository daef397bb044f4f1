//! API tokens as JSON.

use serde_json::{Value as Json, json};

use super::account::{jurisdictions, words};
use super::session::read;
use crate::domain::session::{ApiToken, ApiTokenDraft};
use crate::error::Result;

/// Reads a token to be.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) with every problem.
pub fn draft(document: &Json) -> Result<ApiTokenDraft> {
    read(document, &["name", "roles", "jurisdictions", "expires_at"], |r| {
        let name = r.text("name");
        let name = r.required("name", name);
        let roles = r.words("roles");
        let draft = ApiTokenDraft {
            name: name.clone().unwrap_or_default(),
            roles: document.get("roles").filter(|given| !given.is_null()).map(|_| roles),
            jurisdictions: jurisdictions(r, document),
            expires_at: r.moment("expires_at"),
        };
        name.map(|_| draft)
    })
}

/// A token; its secret is shown by the answer that made it, and by no other.
#[must_use]
pub fn write(token: &ApiToken, secret: Option<&str>) -> Json {
    let mut document = json!({
        "id": token.id,
        "name": token.name,
        "roles": words(&token.scope.roles),
        "jurisdictions": token.scope.jurisdictions,
        "created_at": token.created_at.to_string(),
        "expires_at": token.expires_at.to_string(),
    });
    if let Some(secret) = secret {
        document["token"] = secret.into();
    }
    document
}
