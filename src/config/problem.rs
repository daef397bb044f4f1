//! Why settings cannot be used.

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The file, or a variable, holds something else than the setting needs.
    #[error("{from}: {reason}")]
    Wrong {
        /// The file or the variable.
        from: String,
        /// What is wrong; never the value of a secret.
        reason: String,
    },
}
