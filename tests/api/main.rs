//! The API as a client sees it: a real server, a real PostGIS, requests over HTTP.

#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

#[path = "../support/mod.rs"]
mod support;

mod at_once;
mod audit;
mod batch;
mod chainage;
mod changes;
mod conflicts;
mod conflicts_asked;
mod coverage;
mod edge;
mod following;
mod help;
mod items;
mod limits;
mod list;
mod min_revision;
mod operation;
mod outage;
mod parameters;
mod permission;
mod problems;
mod rate_limit;
mod routes;
mod rules;
mod shapes;
mod tls;
mod visibility;
