//! Which requests were granted: the column may be built, and is not verified yet.

use super::Attributes;

/// The class of such a request.
pub const PERMITTED: &str = "permitted";

/// The class of a transmitter that stands for an antenna of a request that was granted begins so; then comes the id of the feature
/// that stands, or stood, for the request. Nobody else writes it.
pub const OF_REQUEST: &str = "site_request:";

impl Attributes {
    /// Of a transmitter: it stands for an antenna of a request.
    #[must_use]
    pub fn is_of_request(&self) -> bool {
        self.class.as_deref().is_some_and(|class| class.starts_with(OF_REQUEST))
    }

    /// Of a transmitter: the feature that stands for the request of which it is an antenna.
    #[must_use]
    pub fn of_request(&self) -> Option<uuid::Uuid> {
        self.class.as_deref()?.strip_prefix(OF_REQUEST)?.parse().ok()
    }

    /// Of a request: it was granted.
    #[must_use]
    pub fn is_permitted(&self) -> bool {
        self.class.as_deref().is_some_and(|class| class.trim().eq_ignore_ascii_case(PERMITTED))
    }
}
