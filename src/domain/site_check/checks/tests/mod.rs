//! What holds for all checks.

#![allow(clippy::unwrap_used, clippy::float_cmp)] // in a test a panic is the report; values are given, not computed

mod ground;
mod reach;
pub mod support;

use std::collections::BTreeSet;

use crate::domain::site_check::{CHECKS, CheckCode};
use crate::domain::word::Word;

#[test]
fn every_code_has_one_check() {
    let listed: Vec<CheckCode> = CHECKS.iter().map(|check| check.code).collect();
    let known: Vec<CheckCode> = CheckCode::ALL.iter().map(|(code, _)| *code).collect();
    assert_eq!(listed, known);
    assert_eq!(listed.iter().map(|code| code.as_str()).collect::<BTreeSet<_>>().len(), known.len());
}
