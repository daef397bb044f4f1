//! The parameters of the rule pack by which requests are dealt with.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use crate::domain::rules::{CaseKey, Parameter};

/// What is in force on a day; none where no rule says it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// From the acceptance to the decision, working days.
    pub term_days: Option<u32>,
    /// For how many months a permit holds.
    pub permit_months: Option<u32>,
    /// How far from its place a column may stand, m.
    pub tolerance_m: Option<u32>,
    /// How many days somebody has to answer.
    pub consultation_days: Option<u32>,
    /// The most by which the term is extended, working days.
    pub extension_days_max: Option<u32>,
    /// A request that is overdue counts as approved.
    pub deemed_approval: bool,
}

impl Limits {
    /// Those of a pack on a day.
    #[must_use]
    pub fn on(parameters: &[Arc<Parameter>], day: Date) -> Self {
        let value = |key: CaseKey| key.on(parameters, day).map(|parameter| parameter.value);
        Self {
            term_days: value(CaseKey::TermDays),
            permit_months: value(CaseKey::PermitMonths),
            tolerance_m: value(CaseKey::AsBuiltTolerance),
            consultation_days: value(CaseKey::ConsultationDays),
            extension_days_max: value(CaseKey::ExtensionDaysMax),
            deemed_approval: value(CaseKey::DeemedApproval) == Some(1),
        }
    }

    /// First and last day of a permit that is given on `day`; it holds on both. The day itself is not counted: months end with the
    /// day of the same number, or with the last day of their last month where it has none (Civil Code of Viet Nam 2015,
    /// art. 147 and 148).
    #[must_use]
    pub fn permit(self, day: Date) -> Option<(Date, Date)> {
        let months: Span = i64::from(self.permit_months?).months();
        Some((day, day.checked_add(months).ok()?))
    }

    /// The last day for an answer to what is asked on `day`.
    #[must_use]
    pub fn answer_by(self, day: Date) -> Option<Date> {
        let days: Span = i64::from(self.consultation_days?).days();
        day.checked_add(days).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six months from a day end with the day of the same number, and that is a day of the permit; what lies after it is not.
    #[test]
    fn a_permit_holds_until_the_end_of_the_day_of_the_same_number() {
        let check = |months: u32, given: &str, last: &str| {
            let limits = Limits { permit_months: Some(months), ..Limits::default() };
            let day = |text: &str| text.parse::<Date>().unwrap();
            assert_eq!(limits.permit(day(given)), Some((day(given), day(last))), "{months} months from {given}");
        };
        check(6, "2026-01-15", "2026-07-15");
        check(6, "2026-11-26", "2027-05-26");
        check(6, "2026-08-31", "2027-02-28");
        check(6, "2027-08-31", "2028-02-29");
        check(6, "2026-12-31", "2027-06-30");
        check(1, "2027-01-31", "2027-02-28");
        check(12, "2028-02-29", "2029-02-28");
        assert_eq!(Limits::default().permit("2026-01-15".parse().unwrap()), None);
    }
}
