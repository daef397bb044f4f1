//! The decision that a zone in force rests on.

use std::sync::Arc;

use jiff::civil::Date;

/// The decision of a version of a plan, as its zones name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The code of the plan.
    pub plan: Arc<str>,
    /// Which version of it.
    pub version: u32,
    /// The number of the decision.
    pub number: Arc<str>,
    /// Its day.
    pub date: Date,
    /// Who signed it, where the plan says so.
    pub signer: Option<Arc<str>>,
}

impl Decision {
    /// Of a zone that stands in a reference layer: by its code that of a zone of the plan after which the layer is called, with the
    /// decision for its source, as [`Zone::projected`](crate::domain::zone::Zone::projected) has it. None of a zone that was brought
    /// in from elsewhere.
    #[must_use]
    pub fn of_zone(
        code: &str,
        dataset: &str,
        source: Option<&str>,
        source_date: Option<Date>,
        signer: Option<&str>,
    ) -> Option<Self> {
        let (version, _) = code.strip_prefix(dataset)?.strip_prefix('/')?.split_once('/')?;
        let (version, number, date) = (version.parse().ok()?, source?.into(), source_date?);
        Some(Self { plan: dataset.into(), version, number, date, signer: signer.map(Arc::from) })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_zone_of_a_plan_names_its_decision_and_one_from_elsewhere_none() {
        let day = date(2026, 1, 2);
        let of = |code, dataset, source, day| Decision::of_zone(code, dataset, source, day, Some("A"));
        let decided =
            Decision { plan: "QH/BTS".into(), version: 2, number: "QD-88".into(), date: day, signer: Some("A".into()) };
        assert_eq!(of("QH/BTS/2/Z-1", "QH/BTS", Some("QD-88"), Some(day)), Some(decided));
        for (code, dataset, source, day) in [
            ("Z-1", "zones", Some("a map"), Some(day)),
            ("QH/x/Z-1", "QH", Some("QD-88"), Some(day)),
            ("QH/2", "QH", Some("QD-88"), Some(day)),
            ("QH/2/Z-1", "Q", Some("QD-88"), Some(day)),
            ("QH/2/Z-1", "QH", None, Some(day)),
            ("QH/2/Z-1", "QH", Some("QD-88"), None),
        ] {
            assert_eq!(of(code, dataset, source, day), None, "{code} {dataset} {source:?} {day:?}");
        }
    }
}
