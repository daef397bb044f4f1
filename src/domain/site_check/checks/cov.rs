//! COV.

use jiff::civil::Date;

use super::prelude::*;

/// TODO
#[must_use]
pub fn check(_: &Subject, _: &Surroundings<'_>, _: &Parameters<'_>, _: Date) -> Finding {
    Finding::new(CheckCode::Cov, Verdict::NotApplicable, Message::new(key::NO_DATA))
}
