//! Waivers: somebody with a role that the rules name says, with a reason, that a finding does not stand in the way. The finding
//! stays as it is, and is shown as waived for ever.

use jiff::Timestamp;
use jiff::civil::Date;

use super::CheckCode;
use super::finding::Verdict;
use crate::domain::actor::{Actor, Role};
use crate::domain::rules::SiteRules;
use crate::domain::word::Word;

/// The key under which a rule pack names a role that may waive what a check says, as in `site.waiver.spc.officer`: its value is
/// how many people of that role it takes, which is one. What no parameter in force names, nobody waives.
const KEY: [&str; 2] = ["site", "waiver"];

/// Such a parameter, by its key; `None` for another key, or a check or role that does not exist.
#[must_use]
pub fn named_by(key: &str) -> Option<(CheckCode, Role)> {
    let parts: Vec<&str> = key.split('.').collect();
    let [first, second, code, role] = parts.as_slice() else { return None };
    let code = CheckCode::ALL.iter().find(|(_, text)| text.to_ascii_lowercase() == *code)?.0;
    ([*first, *second] == KEY).then_some((code, Role::parse(role)?))
}

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Of which check.
    pub code: CheckCode,
    /// Who.
    pub actor: String,
    /// For which organisation.
    pub organisation: Option<String>,
    /// By which role.
    pub role: Role,
    /// Why.
    pub reason: String,
    /// When.
    pub recorded_at: Timestamp,
    /// In which revision.
    pub revision: i64,
}

/// The role by which somebody may waive the finding of a check in a jurisdiction, as its rules name it on a day, the first of
/// his in the order of the pack; none where he may not.
#[must_use]
pub fn role_for(rules: &SiteRules, actor: &Actor, code: CheckCode, jurisdiction: &str, day: Date) -> Option<Role> {
    let in_force = rules.waivers().iter().filter(|waiver| waiver.code == code && waiver.rule.in_force(day));
    in_force.map(|waiver| waiver.role).find(|role| actor.acts_as(*role, jurisdiction))
}

impl Verdict {
    /// It stands in the way of something, or nobody knows whether anything does: so it may be waived.
    #[must_use]
    pub fn is_to_waive(self) -> bool {
        matches!(self, Self::Warn | Self::NeedsSurvey | Self::Block | Self::NotChecked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::rules::{Applies, Confidence, Parameter, Unit};

    #[test]
    fn a_role_is_what_the_rules_name_on_that_day() {
        let spc = |role, from, to| {
            let key = format!("site.waiver.spc.{role}");
            let period = |text: Option<&str>| text.map(|text| text.parse().unwrap());
            Arc::new(Parameter { valid_from: period(from), valid_to: period(to), ..named(&key) })
        };
        let rules = SiteRules::new(&[
            spc("approver", None, Some("2026-06-30")),
            spc("officer", Some("2026-07-01"), None),
            Arc::new(named("site.waiver.her.approver")),
        ]);
        let who = |role| Actor { roles: vec![role], jurisdictions: Some(vec!["VN-72".into()]), ..Actor::public() };
        let check = |role, code, place, day: &str, expect: bool| {
            let found = role_for(&rules, &who(role), code, place, day.parse().unwrap());
            assert_eq!(found, expect.then_some(role), "{role} {code} {place} {day}");
        };
        check(Role::Approver, CheckCode::Spc, "VN-72", "2026-06-30", true);
        check(Role::Officer, CheckCode::Spc, "VN-72", "2026-06-30", false);
        check(Role::Approver, CheckCode::Spc, "VN-72", "2026-07-01", false);
        check(Role::Officer, CheckCode::Spc, "VN-72", "2026-07-01", true);
        check(Role::Officer, CheckCode::Spc, "VN-35", "2026-07-01", false);
        check(Role::Approver, CheckCode::Her, "VN-72", "2026-07-01", true);
        check(Role::Approver, CheckCode::Def, "VN-72", "2026-07-01", false);
        assert_eq!(role_for(&rules, &Actor::operator(), CheckCode::Her, "VN-72", "2026-07-01".parse().unwrap()), None);
    }

    #[test]
    fn a_key_names_a_check_and_a_role() {
        assert_eq!(named_by("site.waiver.spc.officer"), Some((CheckCode::Spc, Role::Officer)));
        for wrong in
            ["site.waiver.spc", "site.waiver.SPC.officer", "site.waiver.xyz.officer", "site.spc.waiver.officer"]
        {
            assert_eq!(named_by(wrong), None, "{wrong}");
        }
        assert_eq!(named_by("site.waiver.spc.somebody"), None);
    }

    fn named(key: &str) -> Parameter {
        Parameter {
            key: key.into(),
            value: 1.0,
            unit: Unit::Count,
            applies: Applies::default(),
            document: None,
            article: None,
            valid_from: None,
            valid_to: None,
            confidence: Confidence::Default,
            note: None,
        }
    }
}
