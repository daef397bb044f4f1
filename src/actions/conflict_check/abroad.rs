//! Stored land beyond the border: the land on the grid of a neighbour is kept, what of that is near it is looked for each
//! time. Few lands reach over a border, and fewer features stand there.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::jurisdiction::Jurisdiction;
use crate::geometry::crs;
use crate::geometry::linear::Chainage;
use crate::geometry::measure::Prepared;
use crate::geometry::{Epsg, Geometry, Grid, Metres};
use crate::index::{Entry, Territory};

/// A land on the grid of a jurisdiction that is not its own.
#[derive(Debug)]
pub(super) struct Abroad {
    /// Whose; it is the same value in every state that came from one load.
    jurisdiction: Arc<Jurisdiction>,
    pub(super) shape: Prepared,
    /// The line it was drawn by.
    pub(super) line: Option<Chainage>,
    /// Distance to the ground of the jurisdiction, metres; none where that is too far for it to be asked on any day.
    boundary_m: Option<f64>,
}

impl Abroad {
    fn new(home: Epsg, land: &Entry, territory: &Territory, reach: Metres) -> Option<Self> {
        let jurisdiction = Arc::clone(&territory.jurisdiction);
        let bring = |shape: &Geometry<f64>| crs::project(shape, home, jurisdiction.grid).ok().map(Grid);
        let shape = Prepared::new(&bring(&land.shape.geometry())?);
        let line = match &land.centreline {
            Some(line) => match bring(&Geometry::MultiLineString(line.line()))?.0 {
                Geometry::MultiLineString(line) => Chainage::of(&Grid(line)),
                _ => None,
            },
            None => None,
        };
        let boundary_m = shape.distance_within(jurisdiction.boundary_grid(), reach.plus(land.reach()).get());
        Some(Self { jurisdiction, shape, line, boundary_m })
    }

    /// It comes within so many metres of the ground of the jurisdiction.
    pub(super) fn is_near(&self, reach: f64) -> bool {
        self.boundary_m.is_some_and(|distance| distance <= reach)
    }
}

/// A land on the grids of the jurisdictions that it was asked about in.
#[derive(Debug, Default)]
pub(super) struct Borders(Mutex<Vec<Arc<Abroad>>>);

impl Borders {
    /// The land on the grid of a territory; it is brought there once. `reach`: how far outside its boundary features
    /// of a jurisdiction may lie. None where it cannot be brought there.
    pub(super) fn of(&self, home: Epsg, land: &Entry, territory: &Territory, reach: Metres) -> Option<Arc<Abroad>> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |a: &&Arc<Abroad>| Arc::ptr_eq(&a.jurisdiction, &territory.jurisdiction);
        if let Some(abroad) = known().iter().find(same) {
            return Some(Arc::clone(abroad));
        }
        let abroad = Arc::new(Abroad::new(home, land, territory, reach)?);
        let mut known = known();
        known.retain(|a| a.jurisdiction.code != territory.jurisdiction.code);
        known.push(Arc::clone(&abroad));
        Some(abroad)
    }
}
