//! Change events as JSON, each from one listener's side.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::domain::change::{ChangeEvent, CoverageChange, FeatureChange, Happened, HeardFeature, HeardPair, Resync};
use crate::domain::word::Word;

/// What a listener hears of an event.
#[must_use]
pub fn write(
    event: &ChangeEvent,
    features: &[HeardFeature<'_>],
    pairs: &[HeardPair<'_>],
    coverage: &[&CoverageChange],
) -> Json {
    let changed = |heard: &HeardFeature<'_>| {
        let mut row = feature(heard.what, &heard.told.code);
        row["change"] = json!(heard.happened.as_str());
        row
    };
    let of =
        |wanted: Happened| -> Vec<Json> { pairs.iter().filter(|heard| heard.happened == wanted).map(pair).collect() };
    let conflicts = json!({
        "created": of(Happened::Begun),
        "changed": of(Happened::Different),
        "ended": of(Happened::Ended),
    });
    json!({
        "jurisdiction": event.jurisdiction.as_str(),
        "from": event.from,
        "revision": event.to,
        "recorded_at": event.recorded_at.map(|at| at.to_string()),
        "features": features.iter().map(changed).collect::<Vec<_>>(),
        "conflicts": conflicts,
        "coverage": coverage.iter().map(|c| json!({"layer": c.layer.as_str()})).collect::<Vec<_>>(),
    })
}

fn feature(change: &FeatureChange, code: &str) -> Json {
    json!({
        "jurisdiction": change.jurisdiction.as_str(),
        "layer": change.layer.as_str(),
        "id": change.id,
        "code": code,
    })
}

/// A conflict: what it means now, or meant before it ended, and what it meant before it came to mean something else.
fn pair(heard: &HeardPair<'_>) -> Json {
    let change = heard.what;
    let severity = if heard.happened == Happened::Ended { change.before } else { change.after };
    // Each of the two by what it is.
    let mut row = json!({
        change.work.layer.singular(): feature(&change.work, &heard.work.code),
        change.land.layer.singular(): feature(&change.land, &heard.land.code),
        "severity": severity.map(Word::as_str),
    });
    if heard.happened == Happened::Different {
        row["severity_before"] = json!(change.before.map(Word::as_str));
    }
    row
}

/// That everything of a jurisdiction is to be read again.
#[must_use]
pub fn write_resync(jurisdiction: &str, revision: i64, why: Resync) -> Json {
    json!({"jurisdiction": jurisdiction, "revision": revision, "reason": why.as_str()})
}

/// Where a listener stands.
#[must_use]
pub fn write_revisions(revisions: &BTreeMap<String, i64>) -> Json {
    json!({"revision": revisions})
}
