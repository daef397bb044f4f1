//! Where documents are kept, as the settings say it.

use super::{Settings, is_safe};

/// What the address of a bucket begins with.
const BUCKET: &str = "s3://";

impl Settings {
    /// The bucket in which documents are kept, and what its keys begin with; none where it is a folder.
    #[must_use]
    pub fn bucket(&self) -> Option<(&str, &str)> {
        let address = self.documents.strip_prefix(BUCKET)?;
        Some(address.split_once('/').unwrap_or((address, "")))
    }

    pub(super) fn check_documents(&self) -> Result<(), (&'static str, String)> {
        if self.documents.is_empty() {
            return Err(("documents", "must be a folder or a bucket such as s3://documents".into()));
        }
        let Some((name, _)) = self.bucket() else { return Ok(()) };
        let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'));
        if !letters || !(3..=63).contains(&name.len()) {
            return Err(("documents", format!("«{name}» is not the name of a bucket")));
        }
        let endpoint = &self.documents_s3_endpoint;
        if !endpoint.is_empty() && !is_safe(endpoint) {
            return Err(("documents_s3_endpoint", format!("«{endpoint}» must be an address with https")));
        }
        for (key, text) in [
            ("documents_s3_region", &self.documents_s3_region),
            ("documents_s3_key_id", &self.documents_s3_key_id),
            ("documents_s3_secret", &self.documents_s3_secret.0),
        ] {
            if text.is_empty() {
                return Err((key, "is needed for a bucket".into()));
            }
        }
        Ok(())
    }
}
