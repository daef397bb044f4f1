//! Words and rules: pure and synchronous. No IO, no clock, no serde, no actix, no diesel.

pub mod fields;
