//! Clearway: telecom works, clearance corridors, and the conflicts between them.
//!
//! PostGIS holds the truth, an in-memory R-tree answers conflict checks, and rules written without any IO decide.
//! The modules are rings; each may only use what stands before it in this list (held by `tests/architecture.rs`):
//!
//! * [`geometry`], [`clock`], [`config`]: shapes and planes, the present moment, settings and limits
//! * [`domain`]: words and rules
//! * [`error`]: everything that can fail
//! * [`wire`], [`formats`], [`store`], [`index`]: JSON, files, PostGIS, the R-tree; none knows another
//! * [`actions`]: what a person can do
//! * [`http`]: requests to actions
//! * [`server`], [`cli`]: the program

#![forbid(unsafe_code)]

pub mod actions;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod error;
pub mod formats;
pub mod geometry;
pub mod http;
pub mod index;
pub mod server;
pub mod store;
pub mod wire;
