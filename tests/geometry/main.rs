//! Shapes and planes against PostGIS: projections, validity, and shapes in rows.

#![allow(clippy::unwrap_used)] // a test that cannot go on ends

#[path = "../support/mod.rs"]
mod support;

mod crs;
mod postgis;
mod rows;
mod validity;
