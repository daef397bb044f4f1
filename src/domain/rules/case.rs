//! The parameters of cases: how long an office may take. They stand in the rule pack as those of checks do; here are their
//! names, their units and their limits.

use std::sync::Arc;

use jiff::civil::{Date, Time};

use super::{Parameter, Unit};
use crate::domain::case_clock::TERM_DAYS_MAX;
use crate::domain::word::words;

/// Minutes of a day.
const DAY_MINUTES: u32 = 24 * 60;

words! {
    /// A parameter of cases.
    CaseKey {
        /// From the acceptance of a site request to its decision, working days.
        TermDays = "site_request.term_days",
        /// The most by which that is extended, working days; 0: it is not.
        ExtensionDaysMax = "site_request.extension_days_max",
        /// The hour after which what reaches the office counts as of the next working day, minutes after midnight.
        CutOffMinutes = "site_request.cut_off_minutes",
        /// For how long a permit holds, months.
        PermitMonths = "site_request.permit_months",
        /// How far from its place a column may stand, m.
        AsBuiltTolerance = "site_request.as_built_tolerance_m",
        /// How long whoever is asked has to answer, days.
        ConsultationDays = "site_request.consultation_days",
        /// 1: a site request that is overdue counts as approved; 0: it does not.
        DeemedApproval = "site_request.deemed_approval",
    }
}

impl CaseKey {
    /// The unit in which it is read.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::TermDays | Self::ExtensionDaysMax => Unit::WorkingDays,
            Self::CutOffMinutes => Unit::Minutes,
            Self::PermitMonths => Unit::Months,
            Self::AsBuiltTolerance => Unit::Metres,
            Self::ConsultationDays => Unit::Days,
            Self::DeemedApproval => Unit::Count,
        }
    }

    /// The least and the most that it may be; it is a whole number.
    #[must_use]
    pub fn limits(self) -> (u32, u32) {
        match self {
            Self::TermDays => (1, TERM_DAYS_MAX),
            Self::ExtensionDaysMax => (0, TERM_DAYS_MAX),
            Self::CutOffMinutes => (0, DAY_MINUTES - 1),
            Self::PermitMonths => (1, 120),
            Self::AsBuiltTolerance => (0, 1_000),
            Self::ConsultationDays => (1, 365),
            Self::DeemedApproval => (0, 1),
        }
    }

    /// The parameter that is in force on a day, if there is one.
    #[must_use]
    pub fn on(self, parameters: &[Arc<Parameter>], day: Date) -> Option<CaseParameter> {
        let found = parameters.iter().find(|p| p.key == self.to_string() && p.in_force(day))?;
        let (least, most) = self.limits();
        // A pack that was read holds whole numbers within the limits.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let value = found.value.clamp(f64::from(least), f64::from(most)).trunc() as u32;
        Some(CaseParameter { value, parameter: Arc::clone(found) })
    }
}

/// A parameter of cases that is in force, as a number.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseParameter {
    /// How much, in the unit of its key.
    pub value: u32,
    /// The parameter, with where it stands.
    pub parameter: Arc<Parameter>,
}

impl CaseParameter {
    /// An hour of the day, of one that is minutes after midnight.
    #[must_use]
    pub fn hour(&self) -> Time {
        let part = |n: u32| i8::try_from(n).unwrap_or_default();
        Time::new(part(self.value / 60), part(self.value % 60), 0, 0).unwrap_or(Time::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::word::Word;
    use crate::formats::rules::read;

    #[test]
    fn the_pack_of_viet_nam_has_all_of_them() {
        let pack = read(include_bytes!("../../../fixtures/rules/VN-2027-01.toml")).unwrap();
        let on = |key: CaseKey| key.on(&pack.parameters, "2026-12-01".parse().unwrap());
        for (key, name) in CaseKey::ALL {
            assert!(on(*key).is_some(), "{name}");
        }
        assert_eq!(on(CaseKey::CutOffMinutes).unwrap().hour(), Time::constant(16, 30, 0, 0));
        assert_eq!(on(CaseKey::DeemedApproval).unwrap().value, 0, "deemed approval is off");
    }

    #[test]
    fn a_parameter_of_cases_is_a_whole_number_of_its_unit_for_all() {
        let check = |key: &str, value: &str, more: &str, expect: &[&str]| {
            let head = "name = \"T\"\nversion = \"1\"\n[[parameter]]\nconfidence = \"default\"\n";
            let text = format!("{head}key = \"{key}\"\nvalue = {value}\n{more}");
            let told = read(text.as_bytes()).err().unwrap_or_default();
            let told: Vec<String> = told.iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect();
            assert_eq!(told, expect, "{text}");
        };
        let days = "unit = \"working_day\"\n";
        check("site_request.term_days", "20", days, &[]);
        check("site_request.term_days", "0", days, &["line 4: value is 0; it must lie between 1 and 1000"]);
        check("site_request.term_days", "2.5", days, &["line 4: value is 2.5; a whole number belongs here"]);
        check(
            "site_request.term_days",
            "20",
            "unit = \"day\"\n",
            &["line 4: unit is day; this key is read in working_day"],
        );
        check("site_request.cut_off_minutes", "1439", "unit = \"minute\"\n", &[]);
        check(
            "site_request.cut_off_minutes",
            "1440",
            "unit = \"minute\"\n",
            &["line 4: value is 1440; it must lie between 0 and 1439"],
        );
        check(
            "site_request.term_days",
            "20",
            &format!("{days}work_kind = \"mast\"\n"),
            &["line 4: key what is read of cases depends on nothing else"],
        );
        check(
            "site_request.trem_days",
            "20",
            days,
            &["line 4: key «site_request.trem_days» is not a key of cases; known are site_request.term_days, \
               site_request.extension_days_max, site_request.cut_off_minutes, site_request.permit_months, \
               site_request.as_built_tolerance_m, site_request.consultation_days, site_request.deemed_approval"],
        );
    }
}
