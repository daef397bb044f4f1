//! The conflicts of stored land, kept: found once, brought up to date by every change, read by every request.
//!
//! What is kept of a land is every pair that can be a conflict on any day, with its distance (`pairs`), and the lists that
//! were made of it, each for a day and for what somebody sees: no other request is answered by one. Where there are more
//! pairs than are listed, only that is kept. It says since which revision it is so: a reader whose snapshot is older does
//! not take it, and finds for itself. What stands beyond a border is not in it: `abroad` looks for that.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;

use jiff::civil::Date;
use uuid::Uuid;

use super::abroad::Borders;
use super::covered::Covered;
use super::detail::Detail;
use super::pairs::{Changed, KeptPair, LISTED_MAX, Pairs, pairs_of};
use super::patience::Patience;
use crate::actions::changes::Touched;
use crate::domain::actor::Sight;
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::layer::Layer;
use crate::error::Result;
use crate::geometry::Bounds;
use crate::index::{Coverages, Entry, Territory};

/// After a change of more features than this everything is found anew when it is asked for.
const TOUCHED_MAX: usize = 1_000;

/// Answers about coverage kept of one piece of land, and lists of its conflicts: few ask in more ways than this.
const WAYS_MAX: usize = 8;

/// Pairs, with the lists that were made of them, that a writer frees himself: a millisecond.
const FREED_HERE_MAX: usize = 1_000;

/// In what way a jurisdiction was asked for the coverage of a piece of land.
#[derive(Debug, Clone)]
pub(super) struct CoveredBy {
    pub(super) coverages: Arc<Coverages>,
    pub(super) day: Date,
    /// Of each layer asked, whether the asker is told that it hides something there.
    pub(super) hides: Vec<bool>,
}

/// In what way the coverage of a piece of land was asked for: how far round it, and of whom.
#[derive(Debug, Clone)]
pub(super) struct CoveredFor {
    pub(super) widest: f64,
    pub(super) by: Vec<CoveredBy>,
}

impl CoveredFor {
    /// Nobody declared or withdrew any between the two.
    fn is_of_one_state_with(&self, other: &Self) -> bool {
        let same = |(a, b): (&CoveredBy, &CoveredBy)| Arc::ptr_eq(&a.coverages, &b.coverages);
        self.by.len() == other.by.len() && self.by.iter().zip(&other.by).all(same)
    }

    fn is(&self, other: &Self) -> bool {
        let same = |(a, b): (&CoveredBy, &CoveredBy)| (a.day, &a.hides) == (b.day, &b.hides);
        self.widest.total_cmp(&other.widest).is_eq()
            && self.is_of_one_state_with(other)
            && self.by.iter().zip(&other.by).all(same)
    }
}

/// What was said of the coverage, and to whom.
type KnownCovered = (CoveredFor, Arc<Covered>);

/// Who asked for a list, and for which day.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ListedFor {
    pub(super) day: Date,
    pub(super) sight: Sight,
}

/// How many conflicts stand in all lists that are kept.
#[derive(Debug, Clone, Default)]
struct Room(Arc<AtomicUsize>);

/// A list that is kept, whatever is listed in it. It gives its room back when it goes.
#[derive(Debug)]
struct Listed {
    of: ListedFor,
    list: Arc<dyn Any + Send + Sync>,
    len: usize,
    room: Room,
}

impl Listed {
    fn give_room_back(&mut self) {
        self.room.0.fetch_sub(std::mem::take(&mut self.len), Ordering::Relaxed);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.give_room_back();
    }
}

/// Has what is large freed by somebody else: a reader would answer later for it, and a writer hold up others.
fn free_aside(what: impl Send + 'static) {
    // Where there is no thread for it, it is freed here.
    let _ = thread::Builder::new().name("free".into()).spawn(move || drop(what));
}

/// A list that was kept, and the one that follows it.
type Succession = (Arc<Kept>, Arc<Kept>);

/// What stands near a piece of land.
#[derive(Debug)]
enum Near {
    /// All of it.
    Pairs(Pairs),
    /// More than is listed.
    TooMany,
}

/// Every pair of one piece of land, or that there are too many to keep them.
#[derive(Debug)]
pub(super) struct Kept {
    /// The revision in which it came to be so.
    since: i64,
    near: Near,
    /// A box in WGS 84 round the land.
    pub(super) around: Bounds,
    /// The land beyond the border.
    pub(super) borders: Arc<Borders>,
    covered: Mutex<Vec<KnownCovered>>,
    listed: Mutex<Vec<Listed>>,
}

impl Kept {
    fn new(since: i64, around: Bounds, borders: Arc<Borders>, near: Near) -> Self {
        Self { since, near, around, borders, covered: Mutex::default(), listed: Mutex::default() }
    }

    /// Finds every pair of a land in a territory, as far as so many are listed.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::error::Error::TooLarge) where it takes longer than there is patience.
    pub(super) fn find(territory: &Territory, layer: Layer, land: &Entry, patience: &Patience) -> Result<Arc<Self>> {
        let pairs = pairs_of(&land.shape, land.reach(), territory, &layer.opposite(), patience)?;
        let near = pairs.map_or(Near::TooMany, |pairs| Near::Pairs(Pairs::new(pairs)));
        let around = territory.in_degrees(&land.shape.bounds());
        Ok(Arc::new(Self::new(territory.revision, around, Arc::default(), near)))
    }

    /// Every pair; `None` where there are more than are listed.
    pub(super) fn pairs(&self) -> Option<&Pairs> {
        match &self.near {
            Near::Pairs(pairs) => Some(pairs),
            Near::TooMany => None,
        }
    }

    /// How many pairs are kept.
    fn len(&self) -> usize {
        self.pairs().map_or(0, Pairs::len)
    }

    /// What `find` says of the coverage; it is asked once as long as nobody declares or withdraws any.
    pub(super) fn covered<E>(
        &self,
        asked: &CoveredFor,
        find: impl FnOnce() -> Result<Covered, E>,
    ) -> Result<Arc<Covered>, E> {
        let known = || self.covered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, covered)) = known().iter().find(|(way, _)| way.is(asked)) {
            return Ok(Arc::clone(covered));
        }
        let covered = Arc::new(find()?);
        // Ground that is drawn may be large, and is drawn anew.
        if covered.draws_ground() {
            return Ok(covered);
        }
        let mut known = known();
        known.retain(|(way, _)| way.is_of_one_state_with(asked));
        if known.len() >= WAYS_MAX {
            known.remove(0);
        }
        known.push((asked.clone(), Arc::clone(&covered)));
        Ok(covered)
    }

    /// The conflicts that are listed for somebody on a day. What is listed once is kept as it is.
    pub(super) fn listed<C: Detail>(
        &self,
        kept: &KeptConflicts,
        asked: &ListedFor,
        list: impl FnOnce() -> Vec<C>,
    ) -> Arc<Vec<C>> {
        let known = || self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |known: &[Listed]| {
            let mut same = known.iter().filter(|l| l.of == *asked);
            same.find_map(|l| Arc::clone(&l.list).downcast::<Vec<C>>().ok())
        };
        if let Some(list) = find(&known()) {
            return list;
        }
        let list = Arc::new(list());
        let (len, room) = (list.len(), kept.room.clone());
        if room.0.fetch_add(len, Ordering::Relaxed) + len > kept.listed_max {
            kept.forget_lists();
        }
        // Dropped after the lock is given back.
        let _oldest;
        let mut known = known();
        if find(&known).is_none() {
            _oldest = (known.len() >= WAYS_MAX).then(|| known.remove(0));
            known.push(Listed { of: asked.clone(), list: Arc::clone(&list) as _, len, room });
        } else {
            // Somebody else listed the same meanwhile.
            room.0.fetch_sub(len, Ordering::Relaxed);
        }
        list
    }

    /// The same in a later state, in which features near the land changed; none where that is to be found anew.
    fn followed(&self, after: &Territory, land: &Entry, changed: &HashMap<Uuid, Layer>) -> Option<Self> {
        let now = |(id, layer): (&Uuid, &Layer)| {
            let entry = after.layer(*layer).get(*id);
            (*id, entry.and_then(|entry| KeptPair::of(&land.shape, land.reach(), *layer, entry)))
        };
        let changed: Changed = changed.iter().map(now).collect();
        let near = match &self.near {
            Near::Pairs(pairs) => match pairs.patched(&changed) {
                pairs if pairs.len() > LISTED_MAX => Near::TooMany,
                pairs => Near::Pairs(pairs),
            },
            // Some may be none any more, so there may be few enough.
            Near::TooMany if changed.values().any(Option::is_none) => return None,
            Near::TooMany => Near::TooMany,
        };
        Some(Self::new(after.revision, self.around, Arc::clone(&self.borders), near))
    }
}

/// What is kept of one jurisdiction, as long as it is not read anew.
#[derive(Debug)]
struct Table {
    jurisdiction: Arc<Jurisdiction>,
    /// The revision up to which everything in it is brought.
    head: i64,
    by_land: HashMap<Uuid, Arc<Kept>>,
    pairs: usize,
}

impl Table {
    fn of(territory: &Territory) -> Self {
        let jurisdiction = Arc::clone(&territory.jurisdiction);
        Self { jurisdiction, head: territory.revision, by_land: HashMap::new(), pairs: 0 }
    }

    fn is_of(&self, territory: &Territory) -> bool {
        Arc::ptr_eq(&self.jurisdiction, &territory.jurisdiction)
    }

    /// What was kept of the land before; to be dropped by whoever holds no lock.
    fn insert(&mut self, land: Uuid, kept: Arc<Kept>, pairs_max: usize) -> Option<Arc<Kept>> {
        let old = self.remove(land);
        if self.pairs + kept.len() <= pairs_max {
            self.pairs += kept.len();
            self.by_land.insert(land, kept);
        }
        old
    }

    /// What was kept of the land; to be dropped by whoever holds no lock.
    fn remove(&mut self, land: Uuid) -> Option<Arc<Kept>> {
        let old = self.by_land.remove(&land)?;
        self.pairs -= old.len();
        Some(old)
    }
}

/// What is kept of every jurisdiction.
#[derive(Debug)]
pub(in crate::actions) struct KeptConflicts {
    tables: RwLock<BTreeMap<String, Table>>,
    room: Room,
    /// Most pairs kept of one jurisdiction.
    pairs_max: usize,
    /// Most conflicts in all lists that are kept.
    listed_max: usize,
}

impl KeptConflicts {
    /// Nothing yet.
    pub(in crate::actions) fn new(pairs_max: usize, listed_max: usize) -> Self {
        Self { tables: RwLock::default(), room: Room::default(), pairs_max, listed_max }
    }

    fn read<T>(&self, f: impl FnOnce(&BTreeMap<String, Table>) -> T) -> T {
        f(&self.tables.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, f: impl FnOnce(&mut BTreeMap<String, Table>) -> T) -> T {
        f(&mut self.tables.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is kept of a land, as the territory shows it.
    pub(super) fn get(&self, territory: &Territory, land: Uuid) -> Option<Arc<Kept>> {
        self.read(|tables| {
            let table = tables.get(&territory.jurisdiction.code).filter(|t| t.is_of(territory))?;
            table.by_land.get(&land).filter(|kept| kept.since <= territory.revision).cloned()
        })
    }

    /// Gives up every list: those of yesterday are asked for by nobody, and the others are soon listed again.
    fn forget_lists(&self) {
        let all: Vec<Arc<Kept>> =
            self.read(|tables| tables.values().flat_map(|table| table.by_land.values().cloned()).collect());
        let take = |kept: &Arc<Kept>| {
            let mut lists = std::mem::take(&mut *kept.listed.lock().unwrap_or_else(PoisonError::into_inner));
            lists.iter_mut().for_each(Listed::give_room_back);
            lists
        };
        let lists: Vec<Vec<Listed>> = all.iter().map(take).collect();
        free_aside((lists, all));
    }

    /// Keeps what was found in a territory, unless its next state is known already.
    pub(super) fn put(&self, territory: &Territory, land: Uuid, kept: &Arc<Kept>) {
        let old = self.write(|tables| {
            let table = tables.get_mut(&territory.jurisdiction.code)?;
            let is_next = table.is_of(territory) && table.head == kept.since;
            is_next.then(|| table.insert(land, Arc::clone(kept), self.pairs_max))
        });
        drop(old);
    }

    /// Forgets everything of a territory that was read anew, or whose rules changed. Called under the right to publish,
    /// before that.
    pub(in crate::actions) fn restart(&self, territory: &Territory) {
        let table = Table::of(territory);
        free_aside(self.write(|tables| tables.insert(territory.jurisdiction.code.clone(), table)));
    }

    /// Forgets everything of a jurisdiction that is no more.
    pub(in crate::actions) fn end(&self, jurisdiction: &str) {
        free_aside(self.write(|tables| tables.remove(jurisdiction)));
    }

    /// Brings what is kept from one state of a territory to the next. Called under the right to publish, before that.
    pub(in crate::actions) fn follow(&self, before: &Territory, after: &Territory, touched: &Touched) {
        if touched.features.len() > TOUCHED_MAX {
            self.restart(after);
            return;
        }
        let code = &after.jurisdiction.code;
        let mut next: Vec<(Uuid, Option<Succession>)> = Vec::new();
        for (land, change) in changes(before, after, touched) {
            let kept = self.read(|tables| tables.get(code).and_then(|t| t.by_land.get(&land).cloned()));
            // What is not kept yet may be filled in until the lock is taken below, from the state before: then it goes. Land
            // that changed itself is looked at by whoever asks for it, not by the writer.
            let new = kept.zip(change).and_then(|(kept, (layer, changed))| {
                let new = kept.followed(after, after.layer(layer).get(land)?, &changed)?;
                Some((kept, Arc::new(new)))
            });
            next.push((land, new));
        }
        let (mut gone, mut unused) = (Vec::new(), Vec::new());
        self.write(|tables| {
            let table = tables.entry(code.clone()).or_insert_with(|| Table::of(after));
            table.head = after.revision;
            for (land, new) in next {
                match new {
                    Some((old, new)) if table.by_land.get(&land).is_some_and(|now| Arc::ptr_eq(now, &old)) => {
                        gone.extend(table.insert(land, new, self.pairs_max));
                        unused.push((old, None));
                    }
                    new => {
                        gone.extend(table.remove(land));
                        unused.extend(new.map(|(old, new)| (old, Some(new))));
                    }
                }
            }
        });
        if gone.iter().map(|kept| kept.len()).sum::<usize>() > FREED_HERE_MAX {
            free_aside((gone, unused));
        }
    }
}

/// The layer of a land, and those features near it that changed, each with its layer.
type NearChange = (Layer, HashMap<Uuid, Layer>);

/// Every land whose pairs may change; none where it changed itself.
fn changes(before: &Territory, after: &Territory, touched: &Touched) -> HashMap<Uuid, Option<NearChange>> {
    let (lands, standing): (Vec<_>, Vec<_>) =
        touched.features.iter().copied().partition(|(layer, _, _)| layer.is_land());
    let mut changes: HashMap<Uuid, Option<NearChange>> = lands.into_iter().map(|(_, id, _)| (id, None)).collect();
    for (layer, id, _) in standing {
        for territory in [before, after] {
            let Some(entry) = territory.layer(layer).get(id) else { continue };
            for land_layer in layer.opposite() {
                territory.layer(land_layer).near(&entry.shape, entry.reach(), |land| {
                    let near = changes.entry(land.facts.id).or_insert_with(|| Some((land_layer, HashMap::new())));
                    if let Some((_, changed)) = near {
                        changed.insert(id, layer);
                    }
                });
            }
        }
    }
    changes
}

#[cfg(test)]
#[path = "kept_tests.rs"]
pub(super) mod tests;
