//! The parameters of site checks, prepared for looking them up.

use std::sync::Arc;

use super::Parameter;
use crate::domain::site_check::SiteKey;
use crate::domain::word::Word;

/// The parameters that site checks read, by their key.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteRules(Vec<Vec<Arc<Parameter>>>);

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
        for parameter in parameters {
            if let Some(key) = SiteKey::parse(&parameter.key) {
                by_key[key as usize].push(Arc::clone(parameter));
            }
        }
        Self(by_key)
    }

    /// Those of a key, in the order of the pack.
    #[must_use]
    pub fn of(&self, key: SiteKey) -> &[Arc<Parameter>] {
        &self.0[key as usize]
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
