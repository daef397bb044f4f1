//! The only diesel.
