//! What changed, for whoever listens: every publication of the index leaves an event, the last ones are kept, and each
//! listener reads them from where it stands.
//!
//! A listener has no queue of its own, only a place in what is kept for all: however slow it is, it costs nothing. When
//! what it has not heard is no longer kept, it is told so. `difference` makes an event out of two states.

mod difference;

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use geo::CoordsIter;
use geo_types::Rect;
use jiff::Timestamp;
use tokio::sync::watch;

pub(super) use difference::{Touched, event, ruled};

use super::{Context, refresh};
use crate::domain::actor::Actor;
use crate::domain::change::{ChangeEvent, CoverageChange, Ear, HeardFeature, HeardPair, Resync};
use crate::domain::layer::Layer;
use crate::error::{Error, Result};
use crate::geometry::{Bounds, Coord, Epsg, Geometry, crs};

/// Features and conflicts in the events that a listener is given at once, unless the first has more: one that comes back
/// after a long time takes no more memory than others.
const AT_ONCE_WEIGHT_MAX: usize = 10_000;

/// An event that is kept.
#[derive(Debug)]
struct Kept {
    /// Its number goes on through all jurisdictions: a conflict across a border begins by an event of the one side and
    /// may end by one of the other.
    number: u64,
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
}

impl Ring {
    fn place(&self) -> Place {
        Place { generation: self.generation, revision: self.head, recorded_at: self.recorded_at }
    }

    /// How many of the events were heard by whoever stands at `place`; or why that is not known.
    fn heard(&self, place: Place) -> Result<usize, Resync> {
        if self.generation != place.generation {
            return Err(Resync::Reloaded);
        }
        if place.revision == self.head {
            return if place.is_of(self.recorded_at) { Ok(self.events.len()) } else { Err(Resync::Reloaded) };
        }
        // An event that begins before that place tells the difference to another state than the listener knows.
        let heard = self.events.binary_search_by_key(&place.revision, |k| k.event.from).map_err(|_| Resync::Missed)?;
        if place.is_of(self.events[heard].from_recorded_at) { Ok(heard) } else { Err(Resync::Reloaded) }
    }
}

/// The last events of every jurisdiction.
#[derive(Debug, Default)]
struct Rings {
    by_code: BTreeMap<String, Ring>,
    /// How many events there were.
    count: u64,
}

/// What came after some places.
struct Since {
    /// In the order in which it happened.
    events: Vec<Arc<ChangeEvent>>,
    /// Jurisdictions of which that is not known, where they stand now, and why.
    lost: Vec<(String, Place, Resync)>,
}

/// The last events of every jurisdiction, and the news that there are more.
#[derive(Debug)]
pub struct Events {
    rings: Mutex<Rings>,
    news: watch::Sender<u64>,
    closing: watch::Sender<bool>,
    seats: Arc<()>,
    /// Features and conflicts in the events that are kept of one jurisdiction; the oldest go first.
    kept_max: usize,
}

/// The right to listen; as many are given as the settings allow.
pub struct Seat(#[allow(dead_code)] Arc<()>); // held, not read

/// Tells that there may be something to hear.
pub type News = watch::Receiver<u64>;

/// A place from which nothing is known: no event begins there.
const UNKNOWN: i64 = -1;

/// How far a listener has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    generation: u64,
    revision: i64,
    /// When that was recorded: the same number of another moment is of another history of the database. None where that
    /// is not known.
    recorded_at: Option<Timestamp>,
}

impl Place {
    /// Whether it may be the revision that was recorded at a moment.
    fn is_of(&self, recorded_at: Option<Timestamp>) -> bool {
        self.recorded_at.is_none() || self.recorded_at == recorded_at
    }
}

impl Events {
    /// None yet.
    pub(super) fn new(kept_max: usize) -> Self {
        let (news, closing) = (watch::Sender::new(0), watch::Sender::new(false));
        Self { rings: Mutex::default(), news, closing, seats: Arc::default(), kept_max }
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what led to the state that was just published. Called under the right to publish, so in order.
    pub(super) fn push(&self, event: ChangeEvent) {
        let mut rings = self.rings();
        rings.count += 1;
        let number = rings.count;
        let ring = rings.by_code.entry(event.jurisdiction.to_string()).or_default();
        let from_recorded_at = std::mem::replace(&mut ring.recorded_at, event.recorded_at);
        ring.head = event.to;
        ring.weight += event.weight();
        ring.events.push_back(Kept { number, from_recorded_at, event: Arc::new(event) });
        while ring.weight > self.kept_max && ring.events.len() > 1 {
            ring.weight -= ring.events.pop_front().map_or(0, |gone| gone.event.weight());
        }
        drop(rings);
        self.tell();
    }

    /// Notes that a jurisdiction was read anew: nothing leads here from what was heard before.
    pub(super) fn restart(&self, code: &str, revision: i64, recorded_at: Option<Timestamp>) {
        let mut rings = self.rings();
        let ring = rings.by_code.entry(code.to_owned()).or_default();
        *ring = Ring { head: revision, recorded_at, generation: ring.generation + 1, ..Ring::default() };
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
    fn heads(&self) -> Vec<(String, Place)> {
        self.rings().by_code.iter().map(|(code, ring)| (code.clone(), ring.place())).collect()
    }

    /// What came after some places, or the first of it: of all of them as it was at one moment.
    fn since(&self, places: &BTreeMap<String, Place>) -> Since {
        let rings = self.rings();
        let (mut events, mut lost) = (Vec::new(), Vec::new());
        for (code, place) in places {
            let Some(ring) = rings.by_code.get(code) else { continue };
            match ring.heard(*place) {
                Ok(heard) => events.extend(ring.events.range(heard..)),
                Err(why) => lost.push((code.clone(), ring.place(), why)),
            }
        }
        events.sort_by_key(|kept| kept.number);
        let mut weight = 0;
        let at_once = |event: &Arc<ChangeEvent>| {
            weight += event.weight();
            weight == event.weight() || weight <= AT_ONCE_WEIGHT_MAX
        };
        let events = events.into_iter().map(|kept| Arc::clone(&kept.event)).take_while(at_once).collect();
        Since { events, lost }
    }

    /// What came after one of the places is not known.
    fn has_lost(&self, places: &BTreeMap<String, Place>) -> bool {
        let rings = self.rings();
        places.iter().any(|(code, place)| rings.by_code.get(code).is_some_and(|ring| ring.heard(*place).is_err()))
    }
}

/// What a listener asks for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Only these jurisdictions; empty: all.
    pub jurisdictions: Vec<String>,
    /// Only these layers; empty: all.
    pub layers: Vec<Layer>,
    /// Only what meets one of these boxes in WGS 84; empty: everywhere.
    pub boxes: Vec<Bounds>,
    /// How far the listener has heard already.
    pub heard: Vec<Heard>,
}

/// How far somebody has heard of a jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Which.
    pub jurisdiction: String,
    /// The revision.
    pub revision: i64,
    /// When that was recorded; without it, a database that went back and on past the revision cannot be told.
    pub recorded_at: Option<Timestamp>,
}

/// A listener.
pub struct Listening {
    context: Context,
    actor: Actor,
    wish: Wish,
    places: BTreeMap<String, Place>,
    /// With the ground that the boxes of each were cut to.
    ears: BTreeMap<String, (Bounds, Ear)>,
}

/// What a listener hears.
#[derive(Debug, Clone)]
pub enum Notice {
    /// Something changed.
    Event(Arc<ChangeEvent>),
    /// All of a jurisdiction has to be read again; it is at this revision now.
    Resync {
        /// Which.
        jurisdiction: String,
        /// Its revision.
        revision: i64,
        /// Why.
        why: Resync,
    },
}

/// The parts of an event that somebody hears.
#[derive(Debug, Default)]
pub struct Parts<'a> {
    /// Features.
    pub features: Vec<HeardFeature<'a>>,
    /// Conflicts.
    pub pairs: Vec<HeardPair<'a>>,
    /// Layers whose coverage changed.
    pub coverage: Vec<&'a CoverageChange>,
}

impl Parts<'_> {
    /// There is nothing to hear.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty() && self.pairs.is_empty() && self.coverage.is_empty()
    }
}

/// Begins to listen: from where the listener has heard, else from now.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered, [`Error::Busy`] where all seats are taken or the
/// database does not answer.
pub fn listen(context: &Context, actor: &Actor, wish: Wish) -> Result<(Listening, Seat)> {
    let seat = Seat(Arc::clone(&context.events.seats));
    // Besides this seat's, one is that of the events themselves.
    if Arc::strong_count(&seat.0) > context.settings.listeners_max + 1 {
        return Err(Error::busy(format!("{} listeners are connected already", context.settings.listeners_max)));
    }
    let snapshot = context.index.snapshot();
    for code in &wish.jurisdictions {
        if snapshot.territory(code).is_none() {
            return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")));
        }
    }
    for Heard { jurisdiction: code, revision, .. } in &wish.heard {
        match snapshot.territory(code) {
            None => return Err(Error::parameter("Last-Event-ID", format!("«{code}» is not registered"))),
            // Another instance was ahead of this one, unless the database went back.
            Some(t) if t.revision < *revision => refresh::catch_up(context, code)?,
            Some(_) => {}
        }
    }
    let mut listening = Listening {
        context: context.clone(),
        actor: actor.clone(),
        wish,
        places: BTreeMap::new(),
        ears: BTreeMap::new(),
    };
    drop(listening.look_round());
    for (code, place) in &mut listening.places {
        match listening.wish.heard.iter().find(|heard| heard.jurisdiction == *code) {
            // What is newer than the database itself was heard of another state of it.
            Some(heard) if heard.revision <= place.revision => {
                (place.revision, place.recorded_at) = (heard.revision, heard.recorded_at);
            }
            // Whoever begins now begins here; whoever comes back and names others has not heard of this one.
            None if listening.wish.heard.is_empty() => {}
            _ => place.revision = UNKNOWN,
        }
    }
    Ok((listening, seat))
}

impl Listening {
    /// Takes in jurisdictions that are new, and says which with their revisions.
    fn look_round(&mut self) -> Vec<(String, i64)> {
        let wanted = |code: &String| self.wish.jurisdictions.is_empty() || self.wish.jurisdictions.contains(code);
        let mut new = Vec::new();
        for (code, place) in self.context.events.heads().into_iter().filter(|(code, _)| wanted(code)) {
            if let Entry::Vacant(free) = self.places.entry(code) {
                new.push((free.key().clone(), place.revision));
                free.insert(place);
            }
        }
        new
    }

    /// Takes in what jurisdictions have come to reach. What is published is told after that, so whoever has what to hear
    /// finds all of it on the ground there is now.
    fn prick_ears(&mut self) {
        // Of a pair across a border the other side counts too, whether it is listened to or not.
        for territory in self.context.index.snapshot().territories() {
            let code = &territory.jurisdiction.code;
            let mut extent = territory.extent;
            if let Some((known, _)) = self.ears.get(code) {
                extent.merge(known);
                if extent == *known {
                    continue;
                }
            }
            let boxes =
                (!self.wish.boxes.is_empty()).then(|| on_grid(&self.wish.boxes, &extent, territory.jurisdiction.grid));
            let ear = Ear { sight: self.actor.sight(code), layers: self.wish.layers.clone(), boxes };
            self.ears.insert(code.clone(), (extent, ear));
        }
    }

    /// What there is to hear, in the order in which it happened; nothing where nothing happened.
    pub fn pull(&mut self) -> Vec<Notice> {
        // What was in a jurisdiction when it appeared was never told.
        let appeared = self.look_round().into_iter();
        let mut notices: Vec<Notice> = appeared
            .map(|(jurisdiction, revision)| Notice::Resync { jurisdiction, revision, why: Resync::Reloaded })
            .collect();
        let Since { events, lost } = self.context.events.since(&self.places);
        for (jurisdiction, place, why) in lost {
            notices.push(Notice::Resync { jurisdiction: jurisdiction.clone(), revision: place.revision, why });
            self.places.insert(jurisdiction, place);
        }
        for event in events {
            if let Some(place) = self.places.get_mut(event.jurisdiction.as_str()) {
                (place.revision, place.recorded_at) = (event.to, event.recorded_at);
            }
            notices.push(Notice::Event(event));
        }
        self.prick_ears();
        notices
    }

    /// What is not kept any more is not only not heard: the listener is too slow for it.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        self.context.events.has_lost(&self.places)
    }

    /// The parts of an event for this listener.
    #[must_use]
    pub fn parts<'a>(&'a self, event: &'a ChangeEvent) -> Parts<'a> {
        let (Ok(content), Some(ear)) = (&event.content, self.ear(&event.jurisdiction)) else {
            return Parts::default();
        };
        Parts {
            features: ear.features(content),
            pairs: ear.pairs(content, |code| self.ear(code)),
            coverage: ear.coverage(content),
        }
    }

    fn ear(&self, code: &str) -> Option<&Ear> {
        self.ears.get(code).map(|(_, ear)| ear)
    }

    /// Tells when there may be something to hear.
    #[must_use]
    pub fn news(&self) -> News {
        self.context.events.news.subscribe()
    }

    /// Tells when the server ends.
    #[must_use]
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.context.events.closing.subscribe()
    }

    /// Goes on from where each jurisdiction stands now, whatever was not heard.
    pub fn skip(&mut self) {
        for (code, head) in self.context.events.heads() {
            self.places.entry(code).and_modify(|place| *place = head);
        }
    }

    /// How far was heard, and when that was recorded.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        let heard = |(code, place): (&String, &Place)| Heard {
            jurisdiction: code.clone(),
            revision: place.revision,
            recorded_at: place.recorded_at,
        };
        self.places.iter().map(heard).collect()
    }

    /// Whether it listens to one jurisdiction alone.
    #[must_use]
    pub fn is_to_one(&self) -> bool {
        self.wish.jurisdictions.len() == 1
    }

    /// The revision of each jurisdiction that was heard.
    #[must_use]
    pub fn revisions(&self) -> BTreeMap<String, i64> {
        self.places.iter().map(|(code, place)| (code.clone(), place.revision)).collect()
    }
}

/// The boxes, cut to `extent`, on the grid of a jurisdiction, slightly larger than needed; where that cannot be told,
/// everywhere.
fn on_grid(boxes: &[Bounds], extent: &Bounds, grid: Epsg) -> Vec<Bounds> {
    let everywhere = Bounds { min: [f64::NEG_INFINITY; 2], max: [f64::INFINITY; 2] };
    let one = |b: &Bounds| {
        // Far from the jurisdiction the projection says nothing; what is asked for there is none of its features.
        let here = Bounds {
            min: [b.min[0].max(extent.min[0]), b.min[1].max(extent.min[1])],
            max: [b.max[0].min(extent.max[0]), b.max[1].min(extent.max[1])],
        };
        if here.is_empty() {
            return None;
        }
        let corners = Rect::new(Coord { x: here.min[0], y: here.min[1] }, Coord { x: here.max[0], y: here.max[1] });
        let shape = crs::project(&Geometry::Polygon(corners.to_polygon()), Epsg::WGS84, grid);
        Some(shape.map_or(everywhere, |s| Bounds::of(s.coords_iter()).widened(1.0)))
    };
    boxes.iter().filter_map(one).collect()
}
