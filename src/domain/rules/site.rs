//! The parameters of site checks, prepared for looking them up.

use std::sync::Arc;

use super::Parameter;
use crate::domain::actor::Role;
use crate::domain::site_check::waiver::named_by;
use crate::domain::site_check::{CheckCode, SiteKey};
use crate::domain::word::Word;

/// The parameters that site checks read, by their key.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteRules {
    by_key: Vec<Vec<Arc<Parameter>>>,
    waivers: Vec<MayWaive>,
}

/// A rule that names a role which may waive what a check says.
#[derive(Debug, Clone, PartialEq)]
pub struct MayWaive {
    /// The check.
    pub code: CheckCode,
    /// The role.
    pub role: Role,
    /// The parameter, with its document and its days.
    pub rule: Arc<Parameter>,
}

impl Default for SiteRules {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl SiteRules {
    /// Those among `parameters`.
    #[must_use]
    pub fn new(parameters: &[Arc<Parameter>]) -> Self {
        let mut by_key = vec![Vec::new(); SiteKey::ALL.len()];
        let mut waivers = Vec::new();
        for parameter in parameters {
            if let Some(key) = SiteKey::parse(&parameter.key) {
                by_key[key as usize].push(Arc::clone(parameter));
            } else if let Some((code, role)) = named_by(&parameter.key) {
                waivers.push(MayWaive { code, role, rule: Arc::clone(parameter) });
            }
        }
        Self { by_key, waivers }
    }

    /// Those of a key, in the order of the pack.
    #[must_use]
    pub fn of(&self, key: SiteKey) -> &[Arc<Parameter>] {
        &self.by_key[key as usize]
    }

    /// Who may waive what, in the order of the pack.
    #[must_use]
    pub fn waivers(&self) -> &[MayWaive] {
        &self.waivers
    }

    /// The largest value of a key, of all classes, on any day; 0 without one.
    #[must_use]
    pub fn most(&self, key: SiteKey) -> f64 {
        self.of(key).iter().map(|p| p.value).fold(0.0, f64::max)
    }

    /// The smallest value of a key that is not 0, of all classes, on any day; none without one.
    #[must_use]
    pub fn least(&self, key: SiteKey) -> Option<f64> {
        self.of(key).iter().map(|p| p.value).filter(|value| *value > 0.0).min_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fields::{Fields, Value};
    use crate::domain::rules::{Clause, RulePack};
    use crate::geometry::Problem;

    /// A parameter of the spacing in urban areas, and more of it.
    fn spacing(line: u32, more: &[(&str, &str)]) -> Clause {
        let stated = [("key", "site.spacing.urban_m"), ("unit", "m"), ("confidence", "default")];
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::Text((*value).to_owned()));
        let mut fields: Vec<_> = stated.iter().chain(more).map(text).collect();
        fields.push(("value".into(), Value::Number(100.0)));
        Clause { place: format!("line {line}"), fields: Fields(fields) }
    }

    fn read(clauses: &[Clause]) -> Result<RulePack, Vec<String>> {
        let text = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
        let head = Clause { place: "the head".into(), fields: Fields(vec![text("name", "T"), text("version", "1")]) };
        RulePack::read(&head, clauses).map_err(|all| {
            all.into_iter().map(|Problem { pointer, detail, .. }| format!("{pointer} {detail}")).collect()
        })
    }

    #[test]
    fn a_limit_that_stands_twice_on_a_day_is_refused() {
        let until = [("valid_to", "2026-06-30")];
        let from = |day| [("valid_from", day)];
        assert_eq!(
            read(&[spacing(1, &until), spacing(9, &from("2026-06-30"))]),
            Err(vec![
                "line 9: key site.spacing.urban_m for all, in force from 2026-06-30, meets the same site.spacing.urban_m of \
                 line 1, in force to 2026-06-30: of two that are equally specific only one may be in force on a day"
                    .to_owned()
            ])
        );
        assert!(read(&[spacing(1, &until), spacing(9, &from("2026-07-01"))]).is_ok());
        assert!(read(&[spacing(1, &[]), spacing(9, &[("corridor_class", "X")])]).is_ok(), "one says more");
        let two = read(&[spacing(1, &[("corridor_class", "x")]), spacing(9, &[("corridor_class", " X ")])]);
        assert!(two.is_err_and(|problems| problems.len() == 1), "classes are compared as written in capitals");
    }

    #[test]
    fn a_limit_is_a_length_a_share_or_what_its_key_says() {
        let told = |more: &[(&str, &str)]| read(&[spacing(1, more)]).err().unwrap_or_default().join("; ");
        assert!(told(&[("voltage_kv", "x")]).contains("voltage_kv"));
        assert!(told(&[("work_kind", "mast")]).contains("depends on a class (corridor_class) at most"));
    }

    #[test]
    fn the_least_is_of_those_that_are_something() {
        let of = |value: f64| {
            let pack = read(&[spacing(1, &[])]).unwrap_or_else(|problems| panic!("{problems:?}"));
            Arc::new(Parameter { value, ..pack.parameters[0].as_ref().clone() })
        };
        let rules = SiteRules::new(&[of(0.0), of(30.0), of(20.0)]);
        assert_eq!((rules.most(SiteKey::SpacingUrban), rules.least(SiteKey::SpacingUrban)), (30.0, Some(20.0)));
        assert_eq!((rules.most(SiteKey::FallFactor), rules.least(SiteKey::FallFactor)), (0.0, None));
    }
}
