//! Settings that are secrets, or hold some: none of them is ever printed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A shorter token could be guessed.
pub const TOKEN_LENGTH_MIN: usize = 16;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A bearer token and whom it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSetting {
    /// The token itself; at least 16 characters.
    pub token: Secret,
    /// A name for the audit trail.
    pub name: String,
    /// Code of the organisation acted for.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Roles, as in the permission table.
    pub roles: Vec<String>,
    /// The jurisdictions in which the roles hold; absent: all.
    #[serde(default)]
    pub jurisdictions: Option<Vec<String>>,
}

/// Reads the settings that hold secrets by themselves: what serde says of a wrong value repeats the value.
pub(super) fn secrets_fit(table: &toml::Table) -> Result<(), (&'static str, String)> {
    for key in ["database_url", "documents_s3_secret", "smtp_password"] {
        if table.get(key).is_some_and(|v| !v.is_str()) {
            return Err((key, "must be a text".into()));
        }
    }
    let tokens = table.get("tokens").cloned().unwrap_or_else(|| toml::Value::Array(Vec::new()));
    if tokens.try_into::<Vec<TokenSetting>>().is_err() {
        return Err((
            "tokens",
            "must be a list whose entries have token, name and roles, and may have organisation and jurisdictions; \
             roles and jurisdictions are lists of texts, the others texts"
                .into(),
        ));
    }
    Ok(())
}
