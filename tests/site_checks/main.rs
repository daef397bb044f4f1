//! Site checks that are kept: stored as given, made again, waived, and marked by themselves where the answer changes.

#![allow(clippy::unwrap_used)] // in a test a panic is the report

#[path = "../support/mod.rs"]
mod support;

mod again;
mod border;
mod decisions;
mod engine;
mod hidden;
mod kept;
mod kinds;
mod limits;
mod locks;
mod marked;
mod permits;
mod sight;
mod world;
mod zones;
