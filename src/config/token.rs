//! Bearer tokens of the settings, and texts that nobody is shown.

use std::fmt;

use serde::{Deserialize, Serialize};

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
