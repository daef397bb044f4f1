//! The last events of every jurisdiction, and where in the history of this instance each of them stands. Publications
//! are numbered over all jurisdictions: an event tells the difference to what the others were at its number, so only in
//! that order do events of several jurisdictions add up.

use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::watch;

use super::Heard;
use crate::domain::change::{ChangeEvent, Resync};

/// Features and conflicts in the events that a listener is given at once, unless the first has more: one that comes back
/// after a long time takes no more memory than others.
const AT_ONCE_WEIGHT_MAX: usize = 10_000;

/// An event that is kept.
#[derive(Debug)]
struct Kept {
    /// The number of its publication.
    at: u64,
    /// When the revision was recorded that it leads from.
    from_recorded_at: Option<Timestamp>,
    event: Arc<ChangeEvent>,
}

/// The last events of one jurisdiction.
#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Kept>,
    weight: usize,
    /// The revision that the index shows.
    head: i64,
    /// When that was recorded.
    recorded_at: Option<Timestamp>,
    /// Counts how often everything was read anew: what is kept leads from one revision to the next only since then.
    generation: u64,
    /// The publication of the oldest state from which events are kept.
    begun: u64,
    /// The day by which conflicts are told; what was heard on one before it may not hold any more.
    day: Option<Date>,
}

/// The rings, and the number of the last publication of them all.
#[derive(Debug, Default)]
struct Rings {
    of: BTreeMap<String, Ring>,
    published: u64,
}

/// The last events of every jurisdiction, and the news that there are more.
#[derive(Debug)]
pub struct Events {
    rings: Mutex<Rings>,
    pub(super) news: watch::Sender<u64>,
    pub(super) closing: watch::Sender<bool>,
    pub(super) seats: Arc<()>,
    /// Features and conflicts in the events that are kept of one jurisdiction; the oldest go first.
    kept_max: usize,
}

/// How far a listener has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    generation: u64,
    pub(super) revision: i64,
    /// When that was recorded: the same number of another moment is of another history of the database. None where that
    /// is not known.
    pub(super) recorded_at: Option<Timestamp>,
    /// By which day it was told, where that is known.
    pub(super) day: Option<Date>,
}

/// How far a listener has heard of each jurisdiction.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) of: BTreeMap<String, Place>,
    /// Where it is not known, and why. It becomes known when all that happened up to then is told.
    pub(super) lost: BTreeMap<String, Resync>,
}

/// A place in a ring: the publications from which and before which the jurisdiction stood there, and what comes next.
#[derive(Debug, Clone, Copy)]
struct Stand {
    from: u64,
    until: u64,
    next: usize,
}

impl Stand {
    fn meets(self, other: Self) -> bool {
        self.from < other.until && other.from < self.until
    }
}

impl Ring {
    fn place(&self) -> Place {
        let Self { generation, head: revision, recorded_at, day, .. } = *self;
        Place { generation, revision, recorded_at, day }
    }

    /// Where a place is; or why that is not known.
    fn stand(&self, place: Place) -> Result<Stand, Resync> {
        if self.generation != place.generation {
            return Err(Resync::Reloaded);
        }
        if place.day.zip(self.day).is_some_and(|(heard, today)| heard < today) {
            return Err(Resync::Day);
        }
        let is_of = |at: Option<Timestamp>| place.recorded_at.is_none() || place.recorded_at == at;
        let (next, recorded_at) = if place.revision == self.head {
            (self.events.len(), self.recorded_at)
        } else {
            // An event that begins before that place tells the difference to another state than the listener knows.
            let next = self.events.binary_search_by_key(&place.revision, |k| k.event.from);
            let next = next.map_err(|_| Resync::Missed)?;
            (next, self.events[next].from_recorded_at)
        };
        if !is_of(recorded_at) {
            return Err(Resync::Reloaded);
        }
        let until = self.events.get(next).map_or(u64::MAX, |kept| kept.at);
        Ok(Stand { from: self.published_before(next), until, next })
    }

    /// The publication of the state that an event leads from.
    fn published_before(&self, next: usize) -> u64 {
        next.checked_sub(1).and_then(|last| self.events.get(last)).map_or(self.begun, |kept| kept.at)
    }

    /// Where it stood from one publication on and before another one, if nothing wanted happened between them; none where
    /// that is not kept.
    fn at(&self, from: u64, until: u64, wanted: &dyn Fn(&ChangeEvent) -> bool) -> Option<Place> {
        if from < self.begun {
            return None;
        }
        let next = self.events.partition_point(|kept| kept.at <= from);
        if self.events.iter().skip(next).take_while(|kept| kept.at < until).any(|kept| wanted(&kept.event)) {
            return None;
        }
        Some(match self.events.get(next) {
            None => self.place(),
            Some(kept) => Place { revision: kept.event.from, recorded_at: kept.from_recorded_at, ..self.place() },
        })
    }
}

impl Events {
    /// None yet.
    pub(in crate::actions) fn new(kept_max: usize) -> Self {
        let (news, closing) = (watch::Sender::new(0), watch::Sender::new(false));
        Self { rings: Mutex::default(), news, closing, seats: Arc::default(), kept_max }
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what led to the state that was just published. Called under the right to publish, so in order.
    pub(in crate::actions) fn push(&self, event: ChangeEvent) {
        let mut rings = self.rings();
        rings.published += 1;
        let at = rings.published;
        let ring = rings.of.entry(event.jurisdiction.to_string()).or_default();
        let from_recorded_at = std::mem::replace(&mut ring.recorded_at, event.recorded_at);
        ring.head = event.to;
        ring.weight += event.weight();
        ring.events.push_back(Kept { at, from_recorded_at, event: Arc::new(event) });
        while ring.weight > self.kept_max && ring.events.len() > 1 {
            let Some(gone) = ring.events.pop_front() else { break };
            ring.weight -= gone.event.weight();
            ring.begun = gone.at;
        }
        drop(rings);
        self.tell();
    }

    /// Notes that a jurisdiction was read anew: nothing leads here from what was heard before.
    pub(in crate::actions) fn restart(&self, code: &str, revision: i64, recorded_at: Option<Timestamp>) {
        let mut rings = self.rings();
        rings.published += 1;
        let begun = rings.published;
        let ring = rings.of.entry(code.to_owned()).or_default();
        let Ring { generation, day, .. } = *ring;
        *ring = Ring { head: revision, recorded_at, begun, generation: generation + 1, day, ..Ring::default() };
        drop(rings);
        self.tell();
    }

    /// Notes that a jurisdiction is no more.
    pub(in crate::actions) fn end(&self, code: &str) {
        let mut rings = self.rings();
        rings.published += 1;
        rings.of.remove(code);
        drop(rings);
        self.tell();
    }

    /// Notes that it is `today` in a jurisdiction. Whoever heard of it on a day before has to read it again, whether or not that
    /// changes anything: nobody tells each of what a day changes, and to be told of some days alone would tell of what is hidden.
    /// Called under the right to publish.
    pub(in crate::actions) fn turn(&self, code: &str, today: Date) {
        let mut rings = self.rings();
        let Some(ring) = rings.of.get_mut(code).filter(|ring| ring.day != Some(today)) else { return };
        ring.day = Some(today);
        drop(rings);
        self.tell();
    }

    fn tell(&self) {
        self.news.send_modify(|n| *n += 1);
    }

    /// Tells every listener that the server ends.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Where each jurisdiction stands.
    pub(super) fn heads(&self) -> Places {
        let of = self.rings().of.iter().map(|(code, ring)| (code.clone(), ring.place())).collect();
        Places { of, lost: BTreeMap::new() }
    }

    /// Whether what comes next after a place is kept; not asked where that is lost already.
    pub(super) fn has_missed(&self, places: &Places, matters: impl Fn(&str) -> bool) -> bool {
        let rings = self.rings();
        let known = places.of.iter().filter(|(code, _)| !places.lost.contains_key(*code) && matters(code));
        known.filter_map(|(code, place)| Some((rings.of.get(code)?, place))).any(|(r, p)| r.stand(*p).is_err())
    }

    /// The places from which somebody goes on who heard `heard` here or elsewhere. `borders` are the jurisdictions with
    /// conflicts between them; of each two of them the first is one that is `wanted`, and the second may be.
    pub(super) fn resume(
        &self,
        heard: &[Heard],
        borders: &BTreeSet<(String, String)>,
        wanted: &dyn Fn(&str) -> bool,
        concerns: &dyn Fn(&ChangeEvent) -> bool,
    ) -> Places {
        let rings = self.rings();
        let (mut places, mut stands) = (Places::default(), BTreeMap::new());
        for (code, ring) in &rings.of {
            let place = ring.place();
            let named = heard.iter().find(|heard| heard.jurisdiction == *code);
            let known = named.map(|h| Place { revision: h.revision, recorded_at: h.recorded_at, day: h.day, ..place });
            places.of.insert(code.clone(), known.unwrap_or(place));
            // What is newer than the database itself was heard of another state of it; whoever comes back and names
            // others has not heard of this one.
            let stand = known.map(|known| ring.stand(known));
            match stand {
                Some(Ok(stand)) => {
                    stands.insert(code.as_str(), stand);
                }
                Some(Err(why)) => {
                    places.lost.insert(code.clone(), why);
                }
                None if wanted(code) => {
                    places.lost.insert(code.clone(), Resync::Missed);
                }
                None => {}
            }
        }
        for (one, other) in borders {
            let (Some(a), Some(ring)) = (stands.get(one.as_str()).copied(), rings.of.get(other)) else { continue };
            if places.lost.contains_key(one) || places.lost.contains_key(other) {
                continue;
            }
            match stands.get(other.as_str()) {
                // Both revisions never were at one moment here, so what is kept does not lead on from there.
                Some(b) if !a.meets(*b) => {
                    places.lost.insert(one.clone(), Resync::Reordered);
                }
                Some(_) => {}
                // It is not said how far this one was heard of: that is known where it makes no difference.
                None => {
                    let known_since = rings.of.get(one).is_some_and(|ring| a.from > ring.begun);
                    match ring.at(a.from, a.until, concerns).filter(|_| known_since) {
                        Some(place) => {
                            if let Ok(stand) = ring.stand(place) {
                                stands.insert(other.as_str(), stand);
                            }
                            places.of.insert(other.clone(), place);
                        }
                        None => {
                            places.lost.insert(other.clone(), Resync::Missed);
                        }
                    }
                }
            }
        }
        places
    }

    /// What came after the places and `concerns` somebody, or the first of it, in the order of publication; and, when
    /// that is all, which jurisdictions are to be read again after it, and why.
    pub(super) fn pull(
        &self,
        places: &mut Places,
        concerns: &dyn Fn(&ChangeEvent) -> bool,
    ) -> (Vec<Arc<ChangeEvent>>, BTreeMap<String, Resync>) {
        let rings = self.rings();
        let ended: Vec<String> = places.of.keys().filter(|code| !rings.of.contains_key(*code)).cloned().collect();
        for code in ended {
            places.of.remove(&code);
            places.lost.insert(code, Resync::Unregistered);
        }
        let mut next = BTreeMap::new();
        for (code, ring) in &rings.of {
            let place = match places.of.entry(code.clone()) {
                Entry::Occupied(known) => *known.get(),
                // What was in a jurisdiction when it appeared was never told.
                Entry::Vacant(new) => {
                    places.lost.entry(code.clone()).or_insert(Resync::Reloaded);
                    *new.insert(ring.place())
                }
            };
            if places.lost.contains_key(code) {
                continue;
            }
            match ring.stand(place) {
                Ok(stand) => {
                    next.insert(stand.until, (code, ring, stand.next));
                }
                Err(why) => {
                    places.lost.insert(code.clone(), why);
                }
            }
        }
        next.remove(&u64::MAX);
        let (mut events, mut weight) = (Vec::new(), 0);
        while let Some((_, (code, ring, number))) = next.pop_first() {
            let kept = &ring.events[number];
            if concerns(&kept.event) {
                weight += kept.event.weight();
                if weight > AT_ONCE_WEIGHT_MAX && !events.is_empty() {
                    return (events, BTreeMap::new());
                }
                events.push(Arc::clone(&kept.event));
            }
            let (revision, recorded_at) = (kept.event.to, kept.event.recorded_at);
            let day = places.of.get(code).and_then(|place| place.day);
            places.of.insert(code.clone(), Place { generation: ring.generation, revision, recorded_at, day });
            if let Some(following) = ring.events.get(number + 1) {
                next.insert(following.at, (code, ring, number + 1));
            }
        }
        // Whoever reads a jurisdiction again now finds all that was told before, and hears what comes later.
        let lost = std::mem::take(&mut places.lost);
        for code in lost.keys() {
            if let Some(ring) = rings.of.get(code) {
                places.of.insert(code.clone(), ring.place());
            }
        }
        (events, lost)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::change::{Content, FeatureChange};
    use crate::domain::layer::Layer;
    use uuid::Uuid;

    fn event(jurisdiction: &str, to: i64, features: usize) -> ChangeEvent {
        let feature = |_| FeatureChange {
            jurisdiction: jurisdiction.into(),
            layer: Layer::Works,
            id: Uuid::nil(),
            before: None,
            after: None,
        };
        let content = Content { features: (0..features).map(feature).collect(), ..Content::default() };
        let recorded_at = Timestamp::from_second(to).ok();
        ChangeEvent { jurisdiction: jurisdiction.into(), from: to - 1, to, recorded_at, content: Ok(content) }
    }

    /// B and A, each at 1, and then these.
    fn events(kept_max: usize, told: &[(&str, i64, usize)]) -> Events {
        let events = Events::new(kept_max);
        for code in ["B", "A"] {
            events.restart(code, 1, Timestamp::from_second(1).ok());
        }
        for (code, to, features) in told {
            events.push(event(code, *to, *features));
        }
        events
    }

    fn heard(all: &[(&str, i64)]) -> Vec<Heard> {
        let one = |(code, revision): &(&str, i64)| Heard {
            jurisdiction: (*code).to_owned(),
            revision: *revision,
            recorded_at: Timestamp::from_second(*revision).ok(),
            day: None,
        };
        all.iter().map(one).collect()
    }

    fn borders() -> BTreeSet<(String, String)> {
        [("A", "B"), ("B", "A")].map(|(one, other)| (one.to_owned(), other.to_owned())).into()
    }

    fn resumed(events: &Events, from: &[(&str, i64)]) -> Places {
        events.resume(&heard(from), &borders(), &|_| true, &|_| true)
    }

    fn told(events: &Events, places: &mut Places) -> Vec<String> {
        let (told, lost) = events.pull(places, &|_| true);
        let told = told.iter().map(|e| format!("{}{}", e.jurisdiction, e.to));
        told.chain(lost.iter().map(|(code, why)| format!("{code} {why}"))).collect()
    }

    const TOLD: &[(&str, i64, usize)] = &[("B", 2, 1), ("A", 2, 6_000), ("B", 3, 3_000), ("A", 3, 2_000), ("B", 4, 1)];

    #[test]
    fn what_is_told_in_several_pieces_keeps_its_order() {
        let events = events(usize::MAX, TOLD);
        let mut places = resumed(&events, &[("A", 1), ("B", 1)]);
        assert_eq!(told(&events, &mut places), ["B2", "A2", "B3"]);
        // Whoever breaks off there goes on from there.
        let between: Vec<_> = places.of.iter().map(|(code, place)| (code.as_str(), place.revision)).collect();
        assert_eq!(told(&events, &mut resumed(&events, &between)), ["A3", "B4"]);
        assert_eq!(told(&events, &mut places), ["A3", "B4"]);
        assert_eq!(told(&events, &mut places), [""; 0]);
    }

    #[test]
    fn what_is_lost_is_told_after_all_that_it_holds() {
        let events = events(usize::MAX, TOLD);
        let mut places = resumed(&events, &[("A", 1)]);
        assert_eq!(told(&events, &mut places), ["A2", "A3", "B missed"]);
        let mut places = resumed(&events, &[("B", 1), ("A", 9)]);
        assert_eq!(told(&events, &mut places), ["B2", "B3", "B4", "A missed"]);
        // Not before the last piece: what is told later would be older.
        let long = [("A", 2, 6_000), ("A", 3, 6_000)];
        let events = self::events(usize::MAX, &long);
        let mut places = resumed(&events, &[("A", 1)]);
        assert_eq!(told(&events, &mut places), ["A2"]);
        assert!(places.lost.contains_key("B") && !events.has_missed(&places, |_| true));
        assert_eq!(told(&events, &mut places), ["A3", "B missed"]);
        assert!(places.lost.is_empty());
    }

    #[test]
    fn that_a_jurisdiction_is_no_more_is_told_once() {
        let events = events(usize::MAX, TOLD);
        let mut places = resumed(&events, &[("A", 3), ("B", 3)]);
        events.end("B");
        assert_eq!(told(&events, &mut places), ["B not_registered"]);
        assert_eq!(told(&events, &mut places), [""; 0]);
        events.restart("B", 1, Timestamp::from_second(9).ok());
        assert_eq!(told(&events, &mut places), ["B reloaded"]);
    }

    #[test]
    fn one_goes_on_from_states_that_were_there_together() {
        let events = events(usize::MAX, TOLD);
        for (a, b, together) in [
            (1, 1, true),
            (1, 2, true),
            (2, 2, true),
            (2, 3, true),
            (3, 3, true),
            (3, 4, true),
            (2, 1, false),
            (1, 3, false),
            (3, 2, false),
            (2, 4, false),
        ] {
            let places = resumed(&events, &[("A", a), ("B", b)]);
            assert_eq!(places.lost.is_empty(), together, "A{a} B{b}: {places:?}");
            let far = events.resume(&heard(&[("A", a), ("B", b)]), &BTreeSet::new(), &|_| true, &|_| true);
            assert!(far.lost.is_empty(), "without a border: {far:?}");
        }
    }

    #[test]
    fn a_neighbour_that_is_not_named_is_known_where_it_makes_no_difference() {
        let (wanted, all) = (|code: &str| code == "A", events(usize::MAX, TOLD));
        let border = borders().into_iter().take(1).collect();
        let resume =
            |events: &Events, a, concerns: bool| events.resume(&heard(&[("A", a)]), &border, &wanted, &|_| concerns);
        for (a, concerns, b) in [(2, false, Some(2)), (2, true, None), (3, false, Some(3)), (3, true, None)] {
            let places = resume(&all, a, concerns);
            let place = (!places.lost.contains_key("B")).then(|| places.of["B"].revision);
            assert_eq!(place, b, "A{a} {concerns}");
        }
        // Since when it stands at what was loaded is not known.
        assert!(resume(&all, 1, false).lost.contains_key("B"));
        // What happened at that moment is not kept any more.
        let few = events(1, TOLD);
        assert!(resume(&few, 2, false).lost.contains_key("B"));
        assert_eq!(resume(&few, 3, false).of["B"].revision, 3);
    }
}
