//! How long a check may take: the time of a request, or so little that a thread that serves can make it itself.
//!
//! To hand a check over to another thread and its answer back costs as much as a tenth of it, and the other thread's
//! caches know nothing of it. So a check is tried at once first. It is given up as soon as it is known to be long: the
//! search through the trees tells how many features there are to look at, before any is looked at. It is given up, too,
//! before whatever cannot be cut short: a shape that is too large, or becomes so when its long segments are divided, an
//! overlay, a projection that is still to be prepared.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::actions::Context;
use crate::error::{Error, Result};
use crate::geometry::{Epsg, Geometry, crs};
use crate::index::{Entry, Room};

/// Most boxes that a check at once looks at; each takes some tens of nanoseconds.
const BOXES_MAX: usize = 16_384;

/// However little a check looks at, it is given up after this. It is no more than a net: what is slow because the machine
/// is busy is no faster elsewhere.
const AT_ONCE: Duration = Duration::from_millis(10);

/// Most positions of a feature that a check at once looks at; to measure a pair takes a fraction of a microsecond for each.
const POSITIONS_MAX: usize = 250;

/// Most positions that a check at once brings to other systems, all its shapes together, their long segments divided: each
/// takes a fraction of a microsecond. A document that is tried at once has some hundred, which may become hundreds of
/// thousands.
const PROJECTED_MAX: usize = 4_000;

/// Most grids that a thread which serves makes ready for: each takes some tens of milliseconds at its start.
const GRIDS_MAX: usize = 8;

/// How long a check may take.
pub(super) struct Patience {
    time: Duration,
    until: Instant,
    /// How much may still be looked at, where it is to be answered at once.
    room: Option<Cell<Room>>,
    /// How many positions may still be brought to another system, where it is to be answered at once.
    positions_left: Cell<usize>,
    gave_up: Cell<bool>,
}

impl Patience {
    /// The time of a request.
    pub(super) fn of_request(context: &Context) -> Self {
        Self::new(Duration::from_secs(context.settings.request_timeout_s), None)
    }

    /// As long as a thread that serves may be held up; `None` where it may not at all.
    pub(super) fn at_once(context: &Context) -> Option<Self> {
        let features = context.settings.check_at_once_features;
        (features > 0).then(|| Self::new(AT_ONCE, Some(Room { boxes: BOXES_MAX, features })))
    }

    pub(super) fn new(time: Duration, room: Option<Room>) -> Self {
        Self {
            time,
            until: Instant::now() + time,
            room: room.map(Cell::new),
            positions_left: Cell::new(PROJECTED_MAX),
            gave_up: Cell::new(false),
        }
    }

    /// It was given up, and nothing that came of it is true.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up.get()
    }

    /// The time of a request is a limit for a check, too: one that asks for more ground than that is told so.
    pub(super) fn in_time(&self) -> Result<()> {
        if Instant::now() < self.until && !self.gave_up() {
            return Ok(());
        }
        self.if_not_at_once()?;
        let seconds = format!("{} s", self.time.as_secs());
        Err(Error::TooLarge {
            what: "the check".into(),
            found: format!("more to look at than can be done in {seconds}: ask for less ground at once"),
            limit: seconds,
        })
    }

    /// What comes next may take any time.
    pub(super) fn if_not_at_once(&self) -> Result<()> {
        if self.room.is_none() {
            return Ok(());
        }
        self.gave_up.set(true);
        // Nobody sees it: who asks at once looks at `gave_up`.
        Err(Error::busy("not at once"))
    }

    /// A shape is brought from one system to another next, or to a box round it there.
    pub(super) fn projects(&self, shape: &Geometry<f64>, from: Epsg, to: Epsg) -> Result<()> {
        if self.room.is_none() {
            return Ok(());
        }
        let left = self.positions_left.get().checked_sub(crs::positions_projected(shape, from, to));
        let Some(left) = left.filter(|_| crs::is_ready(from, to)) else { return self.if_not_at_once() };
        self.positions_left.set(left);
        Ok(())
    }

    /// The pair with this feature is looked at next.
    pub(super) fn looks_at(&self, entry: &Entry) -> Result<()> {
        if self.room.is_some() && entry.shape.positions() > POSITIONS_MAX { self.if_not_at_once() } else { Ok(()) }
    }

    /// How much the next search may look at.
    pub(super) fn room(&self) -> Room {
        self.room.as_ref().map_or(Room::ENDLESS, Cell::get)
    }

    /// So much was left by a search, for all the others together.
    pub(super) fn left(&self, room: Room) {
        if let Some(left) = &self.room {
            left.set(room);
        }
    }
}

/// Makes this thread ready for checks at once on the grids of the jurisdictions there are.
pub fn make_ready(context: &Context) {
    if context.settings.check_at_once_features == 0 {
        return;
    }
    let snapshot = context.index.snapshot();
    let mut grids: Vec<Epsg> = snapshot.territories().map(|t| t.jurisdiction.grid).collect();
    grids.sort_unstable();
    grids.dedup();
    for grid in grids.into_iter().take(GRIDS_MAX) {
        for (from, to) in [(Epsg::WGS84, grid), (grid, Epsg::WGS84)] {
            // A grid that PROJ does not know was refused when its jurisdiction was registered.
            let _ = crs::make_ready(from, to);
        }
    }
}
