//! How much an answer says of each conflict: all that can be measured, or only that it is there.

use uuid::Uuid;

use super::{Conflict, Found};
use crate::domain::conflict::{Clause, Land, Severity, Standing, conflict_distance, is_conflict, measured_at};
use crate::domain::layer::Layer;
use crate::domain::rules::Accuracy;
use crate::index::Entry;

/// A pair in conflict that is about to be listed.
pub struct Met<'a> {
    /// The jurisdiction in which it was found.
    pub jurisdiction: &'a str,
    /// The layer of the feature met.
    pub layer: Layer,
    /// The feature met.
    pub entry: &'a Entry,
    /// It is to be known who is shown it.
    pub restricted: bool,
    /// What it means on the day asked.
    pub severity: Severity,
    /// Which of the two is the work.
    pub work: Standing<'a>,
    /// Where the accuracy of its position comes from.
    pub accuracy: Accuracy<'a>,
    /// Which of the two is the land.
    pub land: Land<'a>,
    /// Where its clearance comes from.
    pub rule: Clause<'a>,
    /// What [`Detail::distance`] gave.
    pub distance_m: f64,
}

/// What an answer lists of a conflict.
pub trait Detail: Clone + Send + Sync + 'static {
    /// Whether distances are listed, and the list goes by them.
    const MEASURES: bool;

    /// The distance of a pair, metres, if it is in conflict; 0 where no distance is listed.
    fn distance(work: Standing<'_>, land: Land<'_>) -> Option<f64>;

    /// What is listed of the pair.
    fn of(met: &Met<'_>) -> Self;

    /// The feature met.
    fn feature(&self) -> (Layer, Uuid);

    /// Its jurisdiction, where it is to be known who is shown it.
    fn restricted(&self) -> Option<&str>;

    /// Its distance, metres; 0 where no distance is listed.
    fn distance_m(&self) -> f64;
}

impl Detail for Conflict {
    const MEASURES: bool = true;

    fn distance(work: Standing<'_>, land: Land<'_>) -> Option<f64> {
        conflict_distance(work, land)
    }

    fn of(met: &Met<'_>) -> Self {
        let Found { jurisdiction, layer, id, code, kind, severity, restricted } = Found::of(met);
        Self {
            jurisdiction,
            layer,
            id,
            code,
            kind,
            severity,
            clearance: met.land.clearance,
            rule: met.rule.into(),
            accuracy: met.accuracy.metres,
            accuracy_source: met.accuracy.source,
            accuracy_rule: met.accuracy.rule.cloned(),
            finding: measured_at(met.work, met.land, met.distance_m),
            restricted,
        }
    }

    fn feature(&self) -> (Layer, Uuid) {
        (self.layer, self.id)
    }

    fn restricted(&self) -> Option<&str> {
        self.restricted.then_some(&*self.jurisdiction)
    }

    fn distance_m(&self) -> f64 {
        self.finding.distance_m
    }
}

impl Detail for Found {
    const MEASURES: bool = false;

    fn distance(work: Standing<'_>, land: Land<'_>) -> Option<f64> {
        is_conflict(work, land).then_some(0.0)
    }

    fn of(met: &Met<'_>) -> Self {
        let facts = &met.entry.facts;
        Self {
            jurisdiction: met.jurisdiction.into(),
            layer: met.layer,
            id: facts.id,
            code: facts.code.clone(),
            kind: facts.noun.kind(),
            severity: met.severity,
            restricted: met.restricted,
        }
    }

    fn feature(&self) -> (Layer, Uuid) {
        (self.layer, self.id)
    }

    fn restricted(&self) -> Option<&str> {
        self.restricted.then_some(&*self.jurisdiction)
    }

    fn distance_m(&self) -> f64 {
        0.0
    }
}
