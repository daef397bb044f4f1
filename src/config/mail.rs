//! How mail leaves.

use serde::{Deserialize, Serialize};

/// What protects mail on its way to the server that takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// TLS after a greeting in the clear; without it nothing is sent (RFC 3207).
    StartTls,
    /// TLS from the first byte on (RFC 8314).
    Tls,
    /// Nothing: for a server on the same machine.
    None,
}
