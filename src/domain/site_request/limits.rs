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
        }
    }

    /// First and last day of a permit that is given on `day`.
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
