//! COR.

use jiff::civil::Date;

use super::prelude::*;

/// What it reads.
pub const READS: &[Source] = &[];

/// TODO
#[must_use]
pub fn check(_: &Subject, _: &Surroundings<'_>, _: &Parameters<'_>, _: Date) -> Finding {
    Finding::new(CheckCode::Cor, Verdict::NotApplicable, Message::new(key::NO_DATA))
}

/// How far round a column corridors, roads and lines matter, in metres.
#[must_use]
pub fn reach(subject: &Subject, rules: &Parameters<'_>) -> f64 {
    subject.height_agl_m * rules.most(SiteKey::FallFactor)
}
