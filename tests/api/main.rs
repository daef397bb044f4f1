//! The API as a client sees it: a real server, a real PostGIS, requests over HTTP.

#[path = "../support/mod.rs"]
mod support;

mod smoke;
