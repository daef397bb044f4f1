//! One layer of one jurisdiction, as a short row of immutable forests, each several times smaller than the one before
//! it (the logarithmic method of Bentley and Saxe, 1980). A write plants a forest of what it brings and marks what it
//! replaces as dead in the others; small forests are merged by the write itself, large ones off to the side.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::entry::{Entry, Part};
use super::forest::Forest;
use super::hidden::Hidden;
use super::level::{Level, caught_up, merged};
use crate::domain::actor::Sight;
use crate::domain::word::Visibility;
use crate::geometry::measure::{Prepared, Probe};
use crate::geometry::{Bounds, Metres};

/// A forest is at least so many times the weight of the next one: more would mean more work to keep it so, less would
/// mean more forests for a check to look into.
const RATIO: usize = 4;

/// The heaviest forest that a write plants anew, in boxes: half a millisecond.
const MERGED_BY_WRITE_MAX: usize = 1_024;

/// A forest of which so many of a hundred entries are dead is planted anew.
const DEAD_PERCENT_MAX: usize = 25;

/// What the newest versions of features say of who may see them, where that is not what the layer says: of a layer that shows
/// what was.
pub type SeenNow = HashMap<Uuid, (Visibility, Arc<str>)>;

/// How many features there are of each owner and visibility.
type Census = HashMap<(Visibility, Arc<str>), usize>;

/// What a write brings to a layer, made ready before anybody has to wait for it.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    deleted: Vec<Uuid>,
    forest: Option<Arc<Forest>>,
}

impl Changes {
    /// Features that were deleted, and features that came or changed. Of several with one id the last counts.
    #[must_use]
    pub fn new(deleted: Vec<Uuid>, mut upserted: Vec<Arc<Entry>>) -> Self {
        let mut seen = HashSet::with_capacity(upserted.len());
        if upserted.iter().any(|e| !seen.insert(e.facts.id)) {
            seen.clear();
            upserted.reverse();
            upserted.retain(|e| seen.insert(e.facts.id));
        }
        let forest = (!upserted.is_empty()).then(|| Arc::new(Forest::of(upserted)));
        Self { deleted, forest }
    }

    /// The box round what came or changed.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.forest.as_ref().map_or(Bounds::EMPTY, |f| f.bounds())
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.deleted.is_empty() && self.forest.is_none()
    }
}

/// Features on their way into a new layer: each is boxed as it comes, so that reading and preparing go on together.
#[derive(Debug, Default)]
pub struct Sowing {
    entries: Vec<Entry>,
    parts: Vec<Part>,
}

impl Sowing {
    /// Takes a feature; their ids differ.
    pub fn add(&mut self, entry: Entry) {
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.parts.extend(entry.parts(number));
        self.entries.push(entry);
    }

    /// The layer of all that was taken.
    #[must_use]
    pub fn layer(self) -> LayerIndex {
        let (census, hidden) = (census(self.entries.iter()), Hidden::of(self.entries.iter()));
        LayerIndex::of(Forest::new(self.entries, self.parts), census, hidden)
    }
}

fn census<'a>(entries: impl Iterator<Item = &'a Entry>) -> Census {
    let mut census = Census::new();
    for e in entries {
        *census.entry((e.facts.visibility, Arc::clone(&e.facts.organisation))).or_insert(0) += 1;
    }
    census
}

/// One layer of one jurisdiction at one moment.
#[derive(Debug, Clone, Default)]
pub struct LayerIndex {
    /// The heaviest first. An id lives in one of them at most.
    levels: Vec<Level>,
    census: Arc<Census>,
    hidden: Arc<Hidden>,
    seen_now: Option<Arc<SeenNow>>,
}

impl LayerIndex {
    /// A layer of these features, whose ids differ.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        let (census, hidden) = (census(entries.iter()), Hidden::of(entries.iter()));
        Self::of(Forest::of(entries), census, hidden)
    }

    fn of(forest: Forest, census: Census, hidden: Hidden) -> Self {
        let levels = if forest.entries().is_empty() { Vec::new() } else { vec![Level::new(Arc::new(forest))] };
        Self { levels, census: Arc::new(census), hidden: Arc::new(hidden), seen_now: None }
    }

    /// The layer after some features were deleted and others came or changed.
    #[must_use]
    pub fn applied(&self, deleted: &[Uuid], upserted: Vec<Arc<Entry>>) -> Self {
        self.changed(&Changes::new(deleted.to_vec(), upserted))
    }

    /// The layer after `changes`, which cost nothing more than their number and a small merge.
    #[must_use]
    pub fn changed(&self, changes: &Changes) -> Self {
        if changes.is_empty() {
            return self.clone();
        }
        let mut next = self.clone();
        let brought = changes.forest.iter().flat_map(|f| f.entries());
        let census = Arc::make_mut(&mut next.census);
        for id in changes.deleted.iter().copied().chain(brought.clone().map(|e| e.facts.id)) {
            if let Some(old) = next.levels.iter_mut().rev().find_map(|level| level.bury(id)) {
                if let Some(n) = census.get_mut(&(old.facts.visibility, Arc::clone(&old.facts.organisation))) {
                    *n -= 1;
                }
                Hidden::leave(&mut next.hidden, old);
            }
        }
        for new in brought {
            Hidden::enter(&mut next.hidden, new);
            *census.entry((new.facts.visibility, Arc::clone(&new.facts.organisation))).or_insert(0) += 1;
        }
        next.levels.extend(changes.forest.iter().map(|f| Level::new(Arc::clone(f))));
        next.levels.retain(|level| level.alive() > 0);
        next.merge_small();
        next
    }

    /// Merges the last forests where they are too alike in weight and small enough for a write.
    fn merge_small(&mut self) {
        let first = self.alike();
        if first + 1 < self.levels.len() {
            let forest = Arc::new(merged(&self.levels[first..]));
            self.levels.truncate(first);
            self.levels.push(Level::new(forest));
        }
    }

    /// The first of the last levels that a write has to merge, as far as they do not weigh too much together.
    fn alike(&self) -> usize {
        let mut first = self.levels.len().saturating_sub(1);
        let mut weight = self.levels.last().map_or(0, |l| l.forest().weight());
        while let Some(before) = first.checked_sub(1) {
            let more = self.levels[before].forest().weight();
            if more >= RATIO * weight || weight + more > MERGED_BY_WRITE_MAX {
                break;
            }
            weight += more;
            first = before;
        }
        first
    }

    /// The first of the last levels that should become one, off to the side.
    fn untidy(&self) -> Option<usize> {
        let full = |level: &Level| 100 * level.dead() > DEAD_PERCENT_MAX * level.forest().entries().len();
        // What weighs little is merged by the next writes.
        let heavy = |level: &Level| level.forest().weight() > MERGED_BY_WRITE_MAX;
        let dead = self.levels.iter().position(|level| heavy(level) && full(level));
        // A writer has merged what it may, so what is still alike is for somebody else.
        let alike = self.levels.windows(2).position(|l| l[0].forest().weight() < RATIO * l[1].forest().weight());
        dead.into_iter().chain(alike).min()
    }

    /// Whether there is something to tidy up off to the side.
    #[must_use]
    pub fn is_untidy(&self) -> bool {
        self.untidy().is_some()
    }

    /// What it takes to tidy the layer up: slow, and to be done while others go on with the layer.
    #[must_use]
    pub fn tidied(&self) -> Option<Tidied> {
        let sources = self.levels[self.untidy()?..].to_vec();
        let forest = Arc::new(merged(&sources));
        Some(Tidied { sources, forest })
    }

    /// The layer with `tidied` in place of what that was made of, whatever was written meanwhile; `None` where nothing
    /// of it is left here.
    #[must_use]
    pub fn with(&self, tidied: &Tidied) -> Option<Self> {
        let Tidied { sources, forest } = tidied;
        let replaced = |level: &Level| sources.iter().any(|s| s.same_forest(level));
        let first = self.levels.iter().position(replaced)?;
        let level = caught_up(Arc::clone(forest), sources, &self.levels);
        let mut levels = self.levels.clone();
        levels.retain(|l| !replaced(l));
        if level.alive() > 0 {
            levels.insert(first, level);
        }
        Some(Self { levels, ..self.clone() })
    }

    /// Forests of this layer that are not in `next`, if freeing them takes long enough to matter.
    pub(super) fn left_behind<'a>(&'a self, next: &'a Self) -> impl Iterator<Item = Arc<Forest>> + 'a {
        let heavy = self.levels.iter().filter(|l| l.forest().weight() > MERGED_BY_WRITE_MAX);
        heavy.filter(|l| !next.levels.iter().any(|n| n.same_forest(l))).map(|l| Arc::clone(l.forest()))
    }

    /// Every feature of the layer.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.levels.iter().flat_map(Level::entries)
    }

    /// One feature.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&Arc<Entry>> {
        self.levels.iter().rev().find_map(|level| level.get(id))
    }

    /// Calls `each` once for every feature that may lie within `reach` of `subject`, its own accuracy and clearance
    /// added. What is not called certainly does not.
    pub fn near<'a>(&'a self, subject: &Prepared, reach: Metres, each: impl FnMut(&'a Entry)) {
        self.near_within(subject, reach, &mut { Room::ENDLESS }, each);
    }

    /// As [`LayerIndex::near`], as far as there is `room`, which becomes less; `false` where there is too little to tell
    /// all. Of each tree it is known before anything in it is called.
    pub fn near_within<'a>(
        &'a self,
        subject: &Prepared,
        reach: Metres,
        room: &mut Room,
        mut each: impl FnMut(&'a Entry),
    ) -> bool {
        let (mut probe, mut numbers) = (Probe::new(subject, reach.get()), Vec::new());
        for level in &self.levels {
            level.forest().near(&mut probe, &mut numbers, &mut room.boxes);
            room.features = room.features.saturating_sub(numbers.len());
            if room.boxes == 0 || room.features == 0 {
                return false;
            }
            for entry in numbers.iter().filter_map(|number| level.living(*number)) {
                each(entry);
            }
        }
        true
    }

    /// The layer, of which only that is seen that may be seen now, too.
    #[must_use]
    pub fn seen_by(&self, seen_now: Arc<SeenNow>) -> Self {
        // What may not be seen any more is hidden where it stood, as what might not be seen then.
        let mut hidden = Arc::clone(&self.hidden);
        for (id, (visibility, organisation)) in seen_now.iter() {
            if let Some(entry) = self.get(*id) {
                Hidden::enter_as(&mut hidden, entry, *visibility, organisation);
            }
        }
        Self { seen_now: Some(seen_now).filter(|seen| !seen.is_empty()), hidden, ..self.clone() }
    }

    /// Somebody sees a feature of the layer.
    #[must_use]
    pub fn sees(&self, sight: &Sight, entry: &Entry) -> bool {
        let may_now = |seen: &Arc<SeenNow>| seen.get(&entry.facts.id).is_none_or(|(v, owner)| sight.sees(*v, owner));
        sight.sees(entry.facts.visibility, &entry.facts.organisation) && self.seen_now.as_ref().is_none_or(may_now)
    }

    /// It is to be known who is shown this feature: it is restricted, or, as it was then, restricted now.
    #[must_use]
    pub fn is_restricted(&self, entry: &Entry) -> bool {
        let now = |seen: &Arc<SeenNow>| seen.get(&entry.facts.id).is_some_and(|(v, _)| v.is_restricted());
        entry.facts.visibility.is_restricted() || self.seen_now.as_ref().is_some_and(now)
    }

    /// How many features somebody sees.
    #[must_use]
    pub fn count(&self, sight: &Sight) -> usize {
        let seen: usize = self.census.iter().filter(|((v, owner), _)| sight.sees(*v, owner)).map(|(_, n)| n).sum();
        let changed = self.seen_now.iter().flat_map(|seen| seen.keys()).filter_map(|id| self.get(*id));
        let not_now = |e: &&Arc<Entry>| sight.sees(e.facts.visibility, &e.facts.organisation) && !self.sees(sight, e);
        seen - changed.filter(not_now).count()
    }

    /// Where features stand that somebody does not see, by the cells they meet.
    #[must_use]
    pub fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    /// How many features there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.levels.iter().map(Level::alive).sum()
    }

    /// There is no feature.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// The box on the grid round everything in the layer.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let mut all = Bounds::EMPTY;
        for level in &self.levels {
            all.merge(&level.forest().bounds());
        }
        all
    }
}

#[cfg(test)]
impl LayerIndex {
    /// How many entries live in each level.
    pub(super) fn levels(&self) -> Vec<usize> {
        self.levels.iter().map(Level::alive).collect()
    }

    /// Its forests, not held.
    pub(super) fn forests(&self) -> Vec<std::sync::Weak<Forest>> {
        self.levels.iter().map(|l| Arc::downgrade(l.forest())).collect()
    }
}

/// How much a search may look at.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Boxes of trees.
    pub boxes: usize,
    /// Features.
    pub features: usize,
}

impl Room {
    /// More than there is.
    pub const ENDLESS: Self = Self { boxes: usize::MAX, features: usize::MAX };
}

/// Several levels of a layer as one.
#[derive(Debug)]
pub struct Tidied {
    sources: Vec<Level>,
    forest: Arc<Forest>,
}
