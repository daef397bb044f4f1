//! Clearway: telecom works, clearance corridors, and the conflicts between them.

#![forbid(unsafe_code)]

pub mod domain;
pub mod formats;
pub mod geometry;
pub mod store;
