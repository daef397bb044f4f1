//! What an amendment changes: zones that it adds, changes and withdraws; the rest is kept.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::word::words;
use crate::domain::zone::{Zone, ZoneProps};

words! {
    /// What becomes of a zone.
    Change {
        Added = "added",
        Changed = "changed",
        Withdrawn = "withdrawn",
        Kept = "kept",
    }
}

/// A zone before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed<'a> {
    /// What becomes of it.
    pub change: Change,
    /// Which of its properties are others, the geometry among them.
    pub what: Vec<&'static str>,
    /// In the version before.
    pub before: Option<&'a Zone>,
    /// In this one.
    pub after: Option<&'a Zone>,
}

/// What becomes of each zone, by its identity.
#[must_use]
pub fn difference<'a>(before: &'a [Zone], after: &'a [Zone]) -> Vec<Changed<'a>> {
    let mut pairs: BTreeMap<Uuid, (Option<&Zone>, Option<&Zone>)> = BTreeMap::new();
    for zone in before {
        pairs.entry(zone.zone).or_default().0 = Some(zone);
    }
    for zone in after {
        pairs.entry(zone.zone).or_default().1 = Some(zone);
    }
    let one = |(before, after): (Option<&'a Zone>, Option<&'a Zone>)| {
        let what = before.zip(after).map_or_else(Vec::new, |(before, after)| others(before, after));
        let change = match (before, after) {
            (None, _) => Change::Added,
            (_, None) => Change::Withdrawn,
            _ if what.is_empty() => Change::Kept,
            _ => Change::Changed,
        };
        Changed { change, what, before, after }
    };
    pairs.into_values().map(one).collect()
}

fn others(before: &Zone, after: &Zone) -> Vec<&'static str> {
    type Same = fn(&ZoneProps, &ZoneProps) -> bool;
    const PROPERTIES: &[(&str, Same)] = &[
        ("code", |a, b| a.code == b.code),
        ("name", |a, b| a.name == b.name),
        ("column_classes", |a, b| a.column_classes == b.column_classes),
        ("height_max_m", |a, b| a.height_max_m == b.height_max_m),
        ("spacing_m", |a, b| a.spacing_m == b.spacing_m),
        ("sharing_required", |a, b| a.sharing_required == b.sharing_required),
        ("quota", |a, b| a.quota == b.quota),
    ];
    let differ = PROPERTIES.iter().filter(|(_, same)| !same(&before.props, &after.props));
    let mut what: Vec<&'static str> = differ.map(|(name, _)| *name).collect();
    if before.place.grid != after.place.grid {
        what.push("geometry");
    }
    what
}
