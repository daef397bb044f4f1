//! AIR.

use jiff::civil::Date;

use super::prelude::*;

/// What it reads.
pub const READS: &[Source] = &[];

/// TODO
#[must_use]
pub fn check(_: &Subject, _: &Surroundings<'_>, _: &Parameters<'_>, _: Date) -> Finding {
    Finding::new(CheckCode::Air, Verdict::NotApplicable, Message::new(key::NO_DATA))
}

/// How far from a runway its obstacle surfaces reach, on any day, in metres.
#[must_use]
pub fn reach(ever: &dyn Fn(SiteKey) -> f64) -> f64 {
    let conical = if ever(SiteKey::ConicalSlope) > 0.0 {
        ever(SiteKey::ConicalHeight) / ever(SiteKey::ConicalSlope)
    } else {
        0.0
    };
    ever(SiteKey::InnerHorizontalRadius) + conical
}
