//! Being told: what happens in a case reaches those whom it concerns, by webhook and by mail, at real receivers that speak the
//! protocols; and nobody else.

#![allow(clippy::unwrap_used)] // in a test a panic is the report

#[path = "../support/mod.rs"]
mod support;
#[path = "../site_checks/world.rs"]
#[allow(dead_code)] // this program uses a part of it
mod world;

mod mail;
#[allow(dead_code)] // silence is for others
mod mailbox;
mod office;
mod receiver;
mod webhook;
