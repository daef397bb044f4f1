//! What a writer wrote feature by feature, published without being read again.

use std::sync::Arc;

use super::held::held;
use super::{Content, Next, publish, ready};
use crate::actions::Context;
use crate::actions::changes::Touched;
use crate::domain::layer::Layer;
use crate::index::{Changes, Entry};
use crate::store::Committed;
use crate::store::records::IndexRow;

/// Publishes what was written feature by feature, where the index holds just the revision before it: then nothing needs to be
/// read. False where it does not.
pub(super) fn follow_written(
    context: &Context,
    Committed { jurisdiction: code, revision, written }: &Committed,
) -> bool {
    let Some(written) = written else { return false };
    let Some(held) = held(context, code) else { return false };
    let stands = (held.territory.revision, held.recorded_at);
    if stands == (*revision, Some(written.recorded_at)) {
        // Whoever heard of it was faster.
        return true;
    }
    if stands != (revision - 1, Some(written.previous_at)) {
        return false;
    }
    let base = &held.territory;
    let of_layer = |layer: Layer| {
        let (mut gone, mut entries) = (Vec::new(), Vec::new());
        for ((_, id), row) in written.features.iter().filter(|((of, _), _)| *of == layer) {
            match row {
                Some(IndexRow { facts, grid, centreline, land }) => {
                    let (facts, line) = (facts.clone(), centreline.clone());
                    entries.push(Arc::new(Entry::new(facts, grid, line, land.as_ref(), base.rules())));
                }
                None => gone.push(*id),
            }
        }
        (layer, Changes::new(gone, entries))
    };
    let changes = Layer::all().map(of_layer).collect();
    let features = written.features.keys().map(|(layer, id)| (*layer, *id, *revision)).collect();
    let touched = Touched { features, ..Touched::default() };
    let content = Content::Since { changes, coverages: Arc::clone(base.coverages()), touched };
    let recorded_at = Some(written.recorded_at);
    let next = Next { revision: *revision, recorded_at, follows: true, content };
    let ready = ready(context, code, &next);
    let published = publish(context, code, Some(&held), next, ready);
    if published {
        context.index.tidy();
    }
    published
}
