//! Checks of what was known then: the ordinary check, on jurisdictions as they were recorded by a moment. Which are made
//! depends on the ground asked about, so here is how far round a subject anything can matter.

use std::collections::BTreeMap;
use std::sync::Arc;

use geo::CoordsIter;
use jiff::Timestamp;
use uuid::Uuid;

use super::stored::kind_of;
use super::{Drawn, Question, at_least};
use crate::actions::{Context, as_of, version};
use crate::domain::actor::Actor;
use crate::domain::feature::Registered;
use crate::domain::place;
use crate::domain::rules::{DrawnKind, Ruling};
use crate::error::Result;
use crate::geometry::{Bounds, Metres, outside};
use crate::index::Snapshot;
use crate::store::records::Records;

/// Jurisdictions as they were at `moment`, those near drawn shapes with all that they held.
pub(super) fn round_drawn(
    context: &Context,
    subjects: &[Drawn],
    question: &Question,
    moment: Timestamp,
) -> Result<Arc<Snapshot>> {
    at_least(context, &question.min_revision)?;
    let boxes = |rules: &[Arc<Ruling>]| {
        // A shape without a place is refused later, with everything else that is wrong with it.
        let around = |drawn: &Drawn| {
            let around = place::around(&drawn.delivered).ok()?;
            Some(widened(&around, question, drawn.clearance_m, &drawn.kind, drawn.accuracy, rules))
        };
        subjects.iter().filter_map(around).collect()
    };
    as_of::snapshot(context, moment, boxes)
}

/// Jurisdictions as they were at `moment`, a feature as it was then, and whether it is restricted, then or now.
pub(super) fn round_stored<T: Records>(
    context: &Context,
    actor: &Actor,
    id: Uuid,
    question: &Question,
    moment: Timestamp,
) -> Result<(Arc<Snapshot>, Registered<T>, bool)> {
    at_least(context, &question.min_revision)?;
    let (stored, restricted) = version::find::<T>(context, actor, id, moment)?;
    let stored = stored.feature;
    let around = Bounds::of(stored.body.place().lonlat.0.coords_iter());
    let facts = stored.body.facts(id).noun;
    let boxes = |rules: &[Arc<Ruling>]| {
        let accuracy = rules.iter().map(|r| r.accuracy_max(&facts)).fold(Metres::ZERO, worse);
        vec![widened(&around, question, facts.role().own_clearance_m(), &kind_of(&stored), accuracy, rules)]
    };
    Ok((as_of::snapshot(context, moment, boxes)?, stored, restricted))
}

fn worse(a: Metres, b: Metres) -> Metres {
    if a.get() < b.get() { b } else { a }
}

/// The box in which everything lies that can matter to a subject: no rule of any day reaches further.
fn widened(
    around: &Bounds,
    question: &Question,
    own_clearance_m: Option<f64>,
    kind: &DrawnKind,
    accuracy: Metres,
    rules: &[Arc<Ruling>],
) -> Bounds {
    let by_rules = || match kind {
        DrawnKind::Land(land) => rules.iter().map(|r| r.clearance_max(r.land(land)).get()).fold(0.0, f64::max),
        DrawnKind::Work(_) | DrawnKind::Unknown => 0.0,
    };
    let clearance = question.clearance.map(Metres::get).or(own_clearance_m).unwrap_or_else(by_rules);
    outside::widened(around, clearance + accuracy.get())
}

/// Features by id, and which of them it is to be known of who is shown them.
pub(super) type Found<T> = (BTreeMap<Uuid, Registered<T>>, Vec<Uuid>);

/// Features as they were at some revisions, those that the actor sees, and which of them are restricted, then or now.
pub(super) fn features<T: Records>(
    context: &Context,
    actor: &Actor,
    ids: &[Uuid],
    revisions: &BTreeMap<String, i64>,
) -> Result<Found<T>> {
    let (mut found, mut restricted) = (BTreeMap::new(), Vec::new());
    for (jurisdiction, revision) in revisions {
        for (version, is_restricted) in version::seen_at::<T>(context, actor, jurisdiction, ids, *revision)? {
            restricted.extend(is_restricted.then_some(version.feature.id));
            found.insert(version.feature.id, version.feature);
        }
    }
    Ok((found, restricted))
}
