//! EMF.

use jiff::civil::Date;

use super::prelude::*;

/// What it reads.
pub const READS: &[Source] = &[];

/// TODO
#[must_use]
pub fn check(_: &Subject, _: &Surroundings<'_>, _: &Parameters<'_>, _: Date) -> Finding {
    Finding::new(CheckCode::Emf, Verdict::NotApplicable, Message::new(key::NO_DATA))
}

/// How far round a column its field has to be looked at, in metres.
#[must_use]
pub fn reach(_: &Subject, _: &Parameters<'_>) -> f64 {
    0.0
}
