//! TIM.

use jiff::civil::Date;

use super::prelude::*;

/// What it reads.
pub const READS: &[Source] = &[];

/// TODO
#[must_use]
pub fn check(_: &Subject, _: &Surroundings<'_>, _: &Parameters<'_>, _: Date) -> Finding {
    Finding::new(CheckCode::Tim, Verdict::NotApplicable, Message::new(key::NO_DATA))
}
