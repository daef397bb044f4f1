//! The conflict check against two judges: every pair by brute force with the geo crate, and PostGIS on `geom_grid`.
//!
//! `world` has the database and both judges, `shapes` and `features` what is made up. `CLEARWAY_TEST_SEED` (a number) makes other
//! shapes than the usual ones; the seed stands in every message.

#![allow(clippy::unwrap_used, clippy::float_cmp)] // a test that cannot go on ends; lattice numbers are exact

#[path = "../support/mod.rs"]
mod support;

mod across;
mod any_writes;
mod border;
mod centreline;
mod concurrent;
mod days;
mod events;
mod features;
mod kept;
mod million;
mod pairs;
mod references;
mod ruled;
mod shapes;
mod sites;
mod values;
mod world;
