//! SPC.

use jiff::civil::Date;

use super::prelude::*;

/// What it reads.
pub const READS: &[Source] = &[];

/// TODO
#[must_use]
pub fn check(_: &Subject, _: &Surroundings<'_>, _: &Parameters<'_>, _: Date) -> Finding {
    Finding::new(CheckCode::Spc, Verdict::NotApplicable, Message::new(key::NO_DATA))
}

/// How far round a column spacing looks, on any day, in metres.
#[must_use]
pub fn reach(ever: &dyn Fn(SiteKey) -> f64) -> f64 {
    ever(SiteKey::SpacingUrban).max(ever(SiteKey::SpacingElsewhere))
}
