//! Several instances over one database, as they run in production: real processes of `clearway serve`, a real PostgreSQL,
//! and everything that goes wrong between them. After each scenario every instance gives exactly what PostGIS gives.

#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

#[path = "../support/mod.rs"]
mod support;

mod cut;
mod decision;
mod equal;
mod import;
mod instance;
mod killed;
mod late;
mod loading;
#[path = "../told/mailbox.rs"]
#[allow(dead_code)] // this program uses a part of it
mod mailbox;
mod mailed;
mod propagation;
#[path = "../told/receiver.rs"]
mod receiver;
mod restart;
mod told;
mod world;
