//! The program as a person runs it: the real binary, real files, a real PostGIS; what it prints, what it stores, how it
//! exits. What the server answers over HTTP is in `tests/api`.

#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

#[path = "../support/mod.rs"]
mod support;

#[path = "../api/issuer.rs"]
mod issuer;

mod account;
mod audit;
mod batch_large;
mod calendar;
mod check;
mod coverage;
mod demo;
mod document;
mod import_again;
mod import_bad;
mod import_files;
mod import_large;
mod jurisdiction;
mod oidc;
mod program;
mod real_data;
mod reason;
mod reference_data;
mod review;
mod rules;
mod secrets;
mod serve;
