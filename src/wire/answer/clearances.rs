//! The clearances that a check kept from its subject, as JSON.

use serde_json::Value as Json;

use super::{Repeated, list, member, rule};
use crate::domain::conflict::Applied;
use crate::domain::word::Word;

/// Writes a list of them; `repeated` is of the rules before in the same text.
pub(super) fn write(applied: &[Applied], text: &mut Vec<u8>, repeated: &mut Repeated) {
    list(text, applied, |one, text| {
        member(text, "{\"clearance_m\":", &one.clearance.get());
        rule(&one.rule, text, repeated);
        text.extend_from_slice(b",\"work_kinds\":");
        if one.work_kinds.is_all() {
            text.extend_from_slice(b"null}");
            return;
        }
        // Words of ours need no escaping.
        for (n, kind) in one.work_kinds.iter().enumerate() {
            text.extend_from_slice(if n == 0 { b"[\"" } else { b",\"" });
            text.extend_from_slice(kind.as_str().as_bytes());
            text.push(b'"');
        }
        text.extend_from_slice(b"]}");
    });
}

/// The same as a value, for a document that is not an answer.
#[must_use]
pub fn json(applied: &[Applied]) -> Json {
    let mut text = Vec::new();
    write(applied, &mut text, &mut Repeated::default());
    serde_json::from_slice(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::domain::conflict::applied;
    use crate::domain::rules::{Applies, Confidence, Parameter, Unit};
    use crate::domain::work::WorkKind;
    use crate::geometry::Metres;

    fn parameter(value: f64) -> Arc<Parameter> {
        Arc::new(Parameter {
            key: "corridor.road.clearance_m".into(),
            value,
            unit: Unit::Metres,
            applies: Applies::default(),
            document: Some("NĐ \"100\"".into()),
            article: None,
            valid_from: None,
            valid_to: Some("2024-12-31".parse().unwrap()),
            confidence: Confidence::Law,
            note: None,
        })
    }

    /// Each width once, with the works it is kept from, and a rule that is repeated reads as it did at first.
    #[test]
    fn what_is_kept_free_is_listed_by_rule() {
        let (all, masts) = (parameter(9.0), parameter(14.0));
        let of = |p: &Parameter| {
            json!({"key": p.key, "value": p.value, "unit": "m", "document": "NĐ \"100\"", "article": null, "valid_from": null,
                "valid_to": "2024-12-31", "confidence": "law"})
        };
        let word = |key: &str| {
            json!({"key": key, "value": null, "unit": null, "document": null, "article": null, "valid_from": null,
                "valid_to": null, "confidence": null})
        };
        let others: Vec<&str> = WorkKind::ALL.iter().map(|(_, text)| *text).filter(|text| *text != "mast").collect();
        let by_rules = |kind| Some(if kind == WorkKind::Mast { &masts } else { &all });
        assert_eq!(
            json(&applied(None, None, by_rules)),
            json!([{"clearance_m": 9.0, "rule": of(&all), "work_kinds": others},
                {"clearance_m": 14.0, "rule": of(&masts), "work_kinds": ["mast"]}])
        );
        let some = |kind| (kind == WorkKind::Mast).then_some(&masts);
        let list = applied(None, None, some);
        assert_eq!(list.iter().map(Applied::is_unknown).collect::<Vec<_>>(), [true, false]);
        assert_eq!(json(&list)[0], json!({"clearance_m": 0.0, "rule": word("none"), "work_kinds": others}));
        let asked = Some(Metres::constant(0.0));
        for (asked, own, key, metres) in
            [(asked, Some(3.0), "request.clearance_m", 0.0), (None, Some(3.0), "corridor.clearance_m", 3.0)]
        {
            let list = applied(asked, own, by_rules);
            assert!(!list[0].is_unknown(), "0 m that somebody states is known");
            assert_eq!(json(&list), json!([{"clearance_m": metres, "rule": word(key), "work_kinds": null}]));
        }
        let twice = [applied(None, None, |_| Some(&all)), applied(None, None, |_| Some(&all))].concat();
        let one = json!({"clearance_m": 9.0, "rule": of(&all), "work_kinds": null});
        assert_eq!(json(&twice), json!([one, one]));
    }
}
