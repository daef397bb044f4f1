//! Which requests were granted: the column may be built, and is not verified yet.

use super::Attributes;

/// The class of such a request.
pub const PERMITTED: &str = "permitted";

impl Attributes {
    /// Of a request: it was granted.
    #[must_use]
    pub fn is_permitted(&self) -> bool {
        self.class.as_deref().is_some_and(|class| class.trim().eq_ignore_ascii_case(PERMITTED))
    }
}
