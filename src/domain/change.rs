//! What the others hear of a write: which features changed, and which conflicts that made or ended. Pure: who hears what
//! is decided here, for each listener by what that one sees; how it is told is not.
//!
//! An event leads from one revision of a jurisdiction to a later one, often by more than one step: an instance that
//! follows several commits at once knows the state after the last of them only. What was made and ended in between is
//! in no event, and nothing depends on it.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::Timestamp;
use uuid::Uuid;

use super::actor::Sight;
use super::conflict::Severity;
use super::layer::Layer;
use super::word::{Visibility, words};
use crate::geometry::Bounds;

/// An event of more features than this is told as [`Resync`]: reading all again is cheaper than hearing of each.
pub const EVENT_FEATURES_MAX: usize = 10_000;

/// The same for the conflicts of an event.
pub const EVENT_PAIRS_MAX: usize = 10_000;

words! {
    /// What happened to something, as one listener sees it.
    Happened {
        /// It is there now: a feature that came or came into sight, a conflict that began.
        Begun = "insert",
        /// It is there as before, but different.
        Different = "update",
        /// It is no longer there, or out of sight.
        Ended = "delete",
    }
}

words! {
    /// Why a listener has to read everything again.
    Resync {
        /// More changed than is told one by one.
        TooMany = "too_many_changes",
        /// What came after the last event heard is not kept any more.
        Missed = "missed",
        /// The listener is so slow that what it has not heard is not kept any more; the stream ends.
        Slow = "too_slow",
        /// The database went back to an older state, or everything was read anew.
        Reloaded = "reloaded",
        /// The rules changed, and with them any conflict.
        Rules = "rules",
        /// A day came, on which something may begin, or cease, to count.
        Day = "day",
        /// Two jurisdictions were heard of up to revisions that this instance never showed together: it followed them in
        /// another order, so its events do not say how their conflicts go on from there.
        Reordered = "other_order",
        /// The jurisdiction that was heard of is not registered any more.
        Unregistered = "not_registered",
        /// A conflict across a border could not be measured.
        Unmeasured = "not_measured",
    }
}

/// What a feature was at one moment, as far as it decides on who hears of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Its code.
    pub code: CompactString,
    /// Who may see it.
    pub visibility: Visibility,
    /// Its owner.
    pub organisation: Arc<str>,
    /// A box round it on the grid of its jurisdiction, metres.
    pub bounds: Bounds,
}

/// A feature before and after an event.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureChange {
    /// Its jurisdiction.
    pub jurisdiction: CompactString,
    /// Its layer.
    pub layer: Layer,
    /// The feature.
    pub id: Uuid,
    /// As it was; none where it was not there.
    pub before: Option<Trace>,
    /// As it is; none where it is not there any more.
    pub after: Option<Trace>,
}

/// A conflict before and after an event.
#[derive(Debug, Clone, PartialEq)]
pub struct PairChange {
    /// The layers whose changes it is due to.
    pub by: Vec<Layer>,
    /// What stands in the way.
    pub work: FeatureChange,
    /// The land that is taken.
    pub land: FeatureChange,
    /// What it meant; none where it was none.
    pub before: Option<Severity>,
    /// What it means; none where it is none.
    pub after: Option<Severity>,
}

/// A layer whose declared coverage changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageChange {
    /// The layer.
    pub layer: Layer,
}

/// What led a jurisdiction from one revision to a later one.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeEvent {
    /// The jurisdiction.
    pub jurisdiction: CompactString,
    /// The revision before.
    pub from: i64,
    /// The revision after.
    pub to: i64,
    /// When the last of it was recorded.
    pub recorded_at: Option<Timestamp>,
    /// What happened, or why it is not told.
    pub content: Result<Content, Resync>,
}

/// What happened in an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Content {
    /// Features that changed.
    pub features: Vec<FeatureChange>,
    /// Conflicts that began, ended, or mean something else.
    pub pairs: Vec<PairChange>,
    /// Layers whose coverage changed.
    pub coverage: Vec<CoverageChange>,
}

/// What a listener wants to hear of one jurisdiction, and may.
#[derive(Debug, Clone)]
pub struct Ear {
    /// What it sees.
    pub sight: Sight,
    /// Only these layers; empty: all.
    pub layers: Vec<Layer>,
    /// Only what meets one of these boxes on the grid, metres; none: everywhere.
    pub boxes: Option<Vec<Bounds>>,
}

/// A feature of an event, as one listener hears of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeardFeature<'a> {
    /// Which.
    pub what: &'a FeatureChange,
    /// The state that is told: the last that the listener may see.
    pub told: &'a Trace,
    /// How it looks from there.
    pub happened: Happened,
}

/// A conflict of an event, as one listener hears of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeardPair<'a> {
    /// Which.
    pub what: &'a PairChange,
    /// The work in the state that is told.
    pub work: &'a Trace,
    /// The land in the state that is told.
    pub land: &'a Trace,
    /// How it looks from there.
    pub happened: Happened,
}

fn happened(before: bool, after: bool) -> Option<Happened> {
    match (before, after) {
        (false, false) => None,
        (false, true) => Some(Happened::Begun),
        (true, true) => Some(Happened::Different),
        (true, false) => Some(Happened::Ended),
    }
}

impl Ear {
    fn wants(&self, layer: Layer) -> bool {
        self.layers.is_empty() || self.layers.contains(&layer)
    }

    fn sees(&self, trace: Option<&Trace>) -> bool {
        trace.is_some_and(|t| self.sight.sees(t.visibility, &t.organisation))
    }

    /// It is, or was, in one of the boxes, as far as the listener may see where. What moved out of them is heard of as
    /// what moved in them; where something hides is never asked.
    fn is_near(&self, feature: &FeatureChange) -> bool {
        let Some(boxes) = &self.boxes else { return true };
        let traces = [feature.before.as_ref(), feature.after.as_ref()];
        let here = |t: &Trace| boxes.iter().any(|b| b.intersects(&t.bounds));
        traces.into_iter().filter(|t| self.sees(*t)).flatten().any(here)
    }

    /// The features of an event that the listener hears of.
    #[must_use]
    pub fn features<'a>(&self, content: &'a Content) -> Vec<HeardFeature<'a>> {
        let heard = |what: &'a FeatureChange| {
            let seen = [&what.before, &what.after].map(|t| t.as_ref().filter(|t| self.sees(Some(t))));
            let happened = happened(seen[0].is_some(), seen[1].is_some())?;
            let told = seen[1].or(seen[0])?;
            (self.wants(what.layer) && self.is_near(what)).then_some(HeardFeature { what, told, happened })
        };
        content.features.iter().filter_map(heard).collect()
    }

    /// The conflicts of an event that the listener hears of. `of` gives the ear for another jurisdiction: the two sides
    /// of a border may lie in two.
    pub fn pairs<'a>(&'a self, content: &'a Content, of: impl Fn(&str) -> Option<&'a Self>) -> Vec<HeardPair<'a>> {
        let heard = |what: &'a PairChange| {
            let ears = (of(&what.work.jurisdiction)?, of(&what.land.jurisdiction)?);
            let both = |work: Option<&Trace>, land: Option<&Trace>| ears.0.sees(work) && ears.1.sees(land);
            let before = what.before.is_some() && both(what.work.before.as_ref(), what.land.before.as_ref());
            let after = what.after.is_some() && both(what.work.after.as_ref(), what.land.after.as_ref());
            let happened = happened(before, after)?;
            let told = |f: &'a FeatureChange| if after { f.after.as_ref() } else { f.before.as_ref() };
            let (work, land) = (told(&what.work)?, told(&what.land)?);
            // What somebody else saw begin or end is nothing new to whoever sees it before and after.
            let is_news = happened != Happened::Different || what.before != what.after;
            let near = ears.0.is_near(&what.work) || ears.1.is_near(&what.land);
            let wanted = what.by.iter().any(|layer| self.wants(*layer));
            (is_news && wanted && near).then_some(HeardPair { what, work, land, happened })
        };
        content.pairs.iter().filter_map(heard).collect()
    }

    /// The layers whose coverage changed, as far as the listener wants to hear of them.
    #[must_use]
    pub fn coverage<'a>(&self, content: &'a Content) -> Vec<&'a CoverageChange> {
        content.coverage.iter().filter(|c| self.wants(c.layer)).collect()
    }
}

impl PairChange {
    /// Whoever sees everything has nothing to hear of it, and nobody else has: nothing that decides on it changed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let same = |f: &FeatureChange| match (&f.before, &f.after) {
            (Some(a), Some(b)) => a.visibility == b.visibility && a.organisation == b.organisation,
            (a, b) => a.is_none() && b.is_none(),
        };
        self.before == self.after && same(&self.work) && same(&self.land)
    }
}

impl ChangeEvent {
    /// How much it takes to keep it: features and pairs.
    #[must_use]
    pub fn weight(&self) -> usize {
        1 + self.content.as_ref().map_or(0, |c| c.features.len() + 2 * c.pairs.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[allow(clippy::unnecessary_wraps)] // as a feature has it before and after
    fn trace(visibility: Visibility, x: f64) -> Option<Trace> {
        let bounds = Bounds { min: [x, 0.0], max: [x + 1.0, 1.0] };
        let code = format!("{visibility}-{x}").into();
        Some(Trace { code, visibility, organisation: "vnpt".into(), bounds })
    }

    fn feature(layer: Layer, before: Option<Trace>, after: Option<Trace>) -> FeatureChange {
        let id = Uuid::from_u128(layer as u128);
        FeatureChange { jurisdiction: "VN-72".into(), layer, id, before, after }
    }

    fn ear(visibilities: &[Visibility], layers: &[Layer], boxes: Option<f64>) -> Ear {
        let bounds = |x| vec![Bounds { min: [x, 0.0], max: [x + 1.0, 1.0] }];
        Ear {
            sight: Sight { visibilities: visibilities.to_vec(), organisation: None },
            layers: layers.to_vec(),
            boxes: boxes.map(bounds),
        }
    }

    use Visibility::{Public, Restricted};

    #[test]
    fn a_feature_comes_and_goes_with_what_one_sees_of_it() {
        let check = |before, after, ear: &Ear, expect: Option<&str>| {
            let content = Content { features: vec![feature(Layer::Works, before, after)], ..Content::default() };
            let heard = ear.features(&content);
            assert_eq!(heard.first().map(|h| h.happened.to_string()).as_deref(), expect, "{content:?} {ear:?}");
        };
        let (public, all) = (ear(&[Public], &[], None), ear(&[Public, Restricted], &[], None));
        check(None, trace(Public, 0.0), &public, Some("insert"));
        check(trace(Public, 0.0), trace(Public, 5.0), &public, Some("update"));
        check(trace(Public, 0.0), None, &public, Some("delete"));
        check(trace(Public, 0.0), trace(Restricted, 0.0), &public, Some("delete"));
        check(trace(Restricted, 0.0), trace(Public, 0.0), &public, Some("insert"));
        check(trace(Restricted, 0.0), trace(Public, 0.0), &all, Some("update"));
        check(trace(Restricted, 0.0), trace(Restricted, 1.0), &public, None);
        check(None, trace(Restricted, 0.0), &public, None);
        check(None, trace(Public, 0.0), &ear(&[Public], &[Layer::Corridors], None), None);
        check(None, trace(Public, 0.0), &ear(&[Public], &[Layer::Works], None), Some("insert"));
        // Out of the box and into it.
        check(trace(Public, 0.0), trace(Public, 9.0), &ear(&[Public], &[], Some(0.5)), Some("update"));
        check(trace(Public, 9.0), trace(Public, 0.0), &ear(&[Public], &[], Some(0.5)), Some("update"));
        check(trace(Public, 5.0), trace(Public, 9.0), &ear(&[Public], &[], Some(0.5)), None);
        // Where it hides is not asked, whatever box somebody draws.
        check(trace(Public, 5.0), trace(Restricted, 0.0), &ear(&[Public], &[], Some(0.5)), None);
        check(trace(Public, 0.0), trace(Restricted, 5.0), &ear(&[Public], &[], Some(0.5)), Some("delete"));
        check(trace(Restricted, 0.0), trace(Public, 5.0), &ear(&[Public], &[], Some(0.5)), None);
    }

    #[test]
    fn the_code_told_is_the_last_that_one_sees() {
        let public = ear(&[Public], &[], None);
        for (before, after, expect) in [
            (trace(Public, 0.0), trace(Restricted, 1.0), "public-0"),
            (trace(Restricted, 0.0), trace(Public, 1.0), "public-1"),
            (trace(Public, 0.0), trace(Public, 1.0), "public-1"),
            (trace(Public, 0.0), None, "public-0"),
        ] {
            let content = Content { features: vec![feature(Layer::Works, before, after)], ..Content::default() };
            assert_eq!(public.features(&content)[0].told.code, expect);
        }
    }

    #[test]
    fn a_conflict_is_heard_of_by_whoever_sees_both() {
        use Severity::{Blocks, Warns};
        let there = |v| (trace(v, 0.0), trace(v, 0.0));
        let check =
            |work: (Option<Trace>, Option<Trace>), was: Option<Severity>, is, ear: &Ear, expect: Option<&str>| {
                let land = there(Public);
                let pair = PairChange {
                    by: vec![Layer::Corridors],
                    work: feature(Layer::Works, work.0, work.1),
                    land: feature(Layer::Corridors, land.0, land.1),
                    before: was,
                    after: is,
                };
                let content = Content { pairs: vec![pair], ..Content::default() };
                let heard = ear.pairs(&content, |_| Some(ear));
                assert_eq!(heard.first().map(|h| h.happened.to_string()).as_deref(), expect, "{content:?} {ear:?}");
            };
        let (public, all) = (ear(&[Public], &[], None), ear(&[Public, Restricted], &[], None));
        check(there(Public), None, Some(Blocks), &public, Some("insert"));
        check(there(Public), Some(Warns), Some(Blocks), &public, Some("update"));
        check(there(Public), Some(Warns), Some(Warns), &public, None);
        check(there(Public), Some(Warns), None, &public, Some("delete"));
        check(there(Restricted), None, Some(Blocks), &public, None);
        check(there(Restricted), None, Some(Blocks), &all, Some("insert"));
        // It was there all the time, and now one sees it.
        let shown = (trace(Restricted, 0.0), trace(Public, 0.0));
        check(shown.clone(), Some(Warns), Some(Warns), &public, Some("insert"));
        check(shown, Some(Warns), Some(Warns), &all, None);
        check(there(Public), None, Some(Blocks), &ear(&[Public], &[Layer::Works], None), None);
        check(there(Public), None, Some(Blocks), &ear(&[Public], &[Layer::Corridors], Some(0.5)), Some("insert"));
        check(there(Public), None, Some(Blocks), &ear(&[Public], &[], Some(5.0)), None);
    }
}
