//! What changed, for whoever listens: every publication of the index leaves an event, the last ones are kept, and each
//! listener reads them from where it stands.
//!
//! A listener has no queue of its own, only a place in what is kept for all: however slow it is, it costs nothing. When
//! what it has not heard is no longer kept, it is told so. `difference` makes an event out of two states, `rings` keeps
//! them.

mod difference;
mod rings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use geo::CoordsIter;
use geo_types::Rect;
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::watch;

pub(super) use difference::{Touched, event, ruled};
pub use rings::Events;

use rings::Places;

use super::{Asker, Context, Reader, refresh};
use crate::domain::change::{
    ChangeEvent, Content, CoverageChange, Ear, FeatureChange, HeardFeature, HeardPair, Resync, Trace,
};
use crate::domain::layer::Layer;
use crate::domain::restricted_read::Shown;
use crate::error::{Error, Result};
use crate::geometry::{Bounds, Coord, Epsg, Geometry, crs, outside};
use crate::index::Snapshot;

/// The right to listen; as many are given as the settings allow.
pub struct Seat(#[allow(dead_code)] Arc<()>); // held, not read

/// Tells that there may be something to hear.
pub type News = watch::Receiver<u64>;

/// What a listener asks for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Only these jurisdictions, with the conflicts across their borders; empty: all.
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
    /// By which day it was told there; without it, what days changed since cannot be told.
    pub day: Option<Date>,
}

impl Wish {
    fn wants(&self, code: &str) -> bool {
        self.jurisdictions.is_empty() || self.jurisdictions.iter().any(|wanted| wanted == code)
    }

    /// Whether a listener has to look at an event: also at one of a neighbour, for what it says of conflicts across the
    /// border, or that nothing is told of them.
    fn concerns(&self, event: &ChangeEvent) -> bool {
        let across = |c: &Content| {
            let sides = c.pairs.iter().flat_map(|pair| [&pair.work, &pair.land]);
            sides.into_iter().any(|side| self.wants(&side.jurisdiction))
        };
        self.wants(&event.jurisdiction) || event.content.as_ref().map_or(true, across)
    }
}

/// A listener.
pub struct Listening {
    context: Context,
    asker: Asker,
    wish: Wish,
    places: Places,
    /// Two jurisdictions that may have conflicts between them, for each that is listened to, in this order: that one, and
    /// the other.
    borders: BTreeSet<(String, String)>,
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

    /// The features told of which it is to be known who is shown them.
    fn restricted(&self) -> impl Iterator<Item = Shown<'_>> {
        let features = self.features.iter().map(|heard| (heard.what, heard.told));
        let pairs =
            self.pairs.iter().flat_map(|heard| [(&heard.what.work, heard.work), (&heard.what.land, heard.land)]);
        let restricted = |(_, told): &(&FeatureChange, &Trace)| told.visibility.is_restricted();
        let all = features.chain(pairs).filter(restricted);
        all.map(|(what, _)| (what.layer, what.jurisdiction.as_str(), what.id))
    }
}

/// Begins to listen: from where the listener has heard, else from now.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered, [`Error::Busy`] where all seats are taken or the
/// database does not answer.
pub fn listen<'r>(context: &Context, reader: impl Into<Reader<'r>>, wish: Wish) -> Result<(Listening, Seat)> {
    let reader: Reader<'r> = reader.into();
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
    let gone = meet(context, &snapshot, &wish)?;
    let mut listening = Listening {
        context: context.clone(),
        asker: reader.into(),
        wish,
        places: Places::default(),
        borders: BTreeSet::new(),
        ears: BTreeMap::new(),
    };
    listening.prick_ears();
    let (wish, events) = (&listening.wish, &context.events);
    listening.places = if wish.heard.is_empty() {
        events.heads()
    } else {
        events.resume(&wish.heard, &listening.borders, &|code| wish.wants(code), &|event| wish.concerns(event))
    };
    listening.places.lost.extend(gone.into_iter().map(|code| (code, Resync::Unregistered)));
    Ok((listening, seat))
}

/// Follows the database as far as a listener has heard already: another instance was ahead of this one, unless the
/// database went back. Gives the jurisdictions that are wanted, were heard of, and are not registered.
fn meet(context: &Context, snapshot: &Snapshot, wish: &Wish) -> Result<Vec<String>> {
    let heard: BTreeMap<&str, i64> = wish.heard.iter().map(|h| (h.jurisdiction.as_str(), h.revision)).collect();
    for (code, revision) in &heard {
        if snapshot.territory(code).is_some_and(|t| t.revision < *revision) {
            refresh::catch_up(context, code)?;
        }
    }
    let mut gone = Vec::new();
    for code in heard.keys().filter(|code| wish.wants(code) && snapshot.territory(code).is_none()) {
        match refresh::catch_up(context, code) {
            Ok(()) => {}
            Err(Error::NotFound(_)) => gone.push((*code).to_owned()),
            Err(error) => return Err(error),
        }
    }
    Ok(gone)
}

impl Listening {
    /// Takes in what jurisdictions have come to reach. What is published is told after that, so whoever has what to hear
    /// finds all of it on the ground there is now.
    fn prick_ears(&mut self) {
        let snapshot = self.context.index.snapshot();
        self.borders = borders(&snapshot, &self.wish, self.context.reach().get());
        // Of a pair across a border the other side counts too, whether it is listened to or not.
        for territory in snapshot.territories() {
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
            let ear = Ear { sight: self.asker.actor.sight(code), layers: self.wish.layers.clone(), boxes };
            self.ears.insert(code.clone(), (extent, ear));
        }
    }

    /// What there is to hear, in the order in which it was published, then what is to be read again; nothing where nothing
    /// happened.
    pub fn pull(&mut self) -> Vec<Notice> {
        let wish = &self.wish;
        let (events, lost) = self.context.events.pull(&mut self.places, &|event| wish.concerns(event));
        self.prick_ears();
        let mut notices = Vec::new();
        for event in events {
            match event.content {
                Err(why) if !self.wish.wants(&event.jurisdiction) => {
                    notices.extend(self.neighbours(&event.jurisdiction).map(|code| self.resync(code, why)));
                }
                _ => notices.push(Notice::Event(event)),
            }
        }
        let mut again = BTreeMap::new();
        for (code, why) in &lost {
            if self.wish.wants(code) {
                again.insert(code.as_str(), *why);
            } else {
                for wanted in self.neighbours(code) {
                    again.entry(wanted).or_insert(*why);
                }
            }
        }
        notices.extend(again.into_iter().map(|(code, why)| self.resync(code, why)));
        notices
    }

    /// The jurisdictions listened to that may have conflicts with another one.
    fn neighbours<'a>(&'a self, code: &str) -> impl Iterator<Item = &'a str> {
        self.borders.iter().filter(move |(_, other)| other == code).map(|(wanted, _)| wanted.as_str())
    }

    fn resync(&self, code: &str, why: Resync) -> Notice {
        let revision = self.places.of.get(code).map_or(0, |place| place.revision);
        Notice::Resync { jurisdiction: code.to_owned(), revision, why }
    }

    /// What is not kept any more is not only not heard: the listener is too slow for it.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        self.context.events.has_missed(&self.places, |code| self.matters(code))
    }

    /// It is listened to, or has conflicts with one that is.
    fn matters(&self, code: &str) -> bool {
        self.wish.wants(code) || self.neighbours(code).next().is_some()
    }

    /// The parts of an event for this listener, once it is noted which restricted features they show.
    ///
    /// # Errors
    /// [`Error::Busy`] where there is no room to note it.
    pub fn parts<'a>(&'a self, event: &'a ChangeEvent) -> Result<Parts<'a>> {
        let parts = self.heard_of(event);
        self.context.reads.shown((&self.asker).into(), parts.restricted())?;
        Ok(parts)
    }

    fn heard_of<'a>(&'a self, event: &'a ChangeEvent) -> Parts<'a> {
        let (Ok(content), Some(ear)) = (&event.content, self.ear(&event.jurisdiction)) else {
            return Parts::default();
        };
        let mut pairs = ear.pairs(content, |code| self.ear(code));
        if !self.wish.wants(&event.jurisdiction) {
            pairs.retain(|p| [&p.what.work, &p.what.land].iter().any(|side| self.wish.wants(&side.jurisdiction)));
            return Parts { pairs, ..Parts::default() };
        }
        Parts { features: ear.features(content), pairs, coverage: ear.coverage(content) }
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
        self.places = self.context.events.heads();
    }

    /// How far was heard, and when that was recorded, of what is listened to and of the neighbours: conflicts across a
    /// border depend on both sides. Where it is not known it is left out.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        let known =
            self.places.of.iter().filter(|(code, _)| !self.places.lost.contains_key(*code) && self.matters(code));
        let heard = known.map(|(code, place)| Heard {
            jurisdiction: code.clone(),
            revision: place.revision,
            recorded_at: place.recorded_at,
            day: place.day,
        });
        heard.collect()
    }

    /// Whether it listens to this jurisdiction alone.
    #[must_use]
    pub fn is_to_one(&self, code: &str) -> bool {
        matches!(&*self.wish.jurisdictions, [one] if one == code)
    }

    /// The revision of each jurisdiction that is listened to, as far as it was heard.
    #[must_use]
    pub fn revisions(&self) -> BTreeMap<String, i64> {
        let heard = self.heard().into_iter().filter(|heard| self.wish.wants(&heard.jurisdiction));
        heard.map(|heard| (heard.jurisdiction, heard.revision)).collect()
    }
}

/// Jurisdictions that are wanted, each with every other one that features of the two may be in conflict with.
fn borders(snapshot: &Snapshot, wish: &Wish, reach: f64) -> BTreeSet<(String, String)> {
    let mut borders = BTreeSet::new();
    for one in snapshot.territories().filter(|t| wish.wants(&t.jurisdiction.code)) {
        let around = outside::widened(&one.extent, reach);
        for other in snapshot.territories().filter(|t| t.jurisdiction.code != one.jurisdiction.code) {
            if outside::meets_round_the_earth(&around, &other.extent) {
                borders.insert((one.jurisdiction.code.clone(), other.jurisdiction.code.clone()));
            }
        }
    }
    borders
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
