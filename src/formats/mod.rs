//! Files to features and back.
