//! A feature as the index holds it, and the boxes that stand for it in a tree.

use rstar::AABB;
use rstar::primitives::{GeomWithData, Rectangle};

use crate::domain::conflict::{Facts, Role};
use crate::domain::reference::Attributes;
use crate::domain::rules::{LandKind, LandNumber, Ruling};
use crate::domain::site_check::{land_of, to_edge_of};
use crate::geometry::linear::Chainage;
use crate::geometry::measure::{Dimension, Prepared};
use crate::geometry::{Bounds, Geometry, Grid, Metres, MultiLineString};

/// Most boxes for one shape: more make the tree larger without making it sharper.
pub(super) const PARTS_MAX: usize = 64;

/// A feature in the index.
#[derive(Debug)]
pub struct Entry {
    /// What a check needs to know.
    pub facts: Facts,
    /// The shape on the working grid.
    pub shape: Prepared,
    /// The line it was drawn by.
    pub centreline: Option<Box<Chainage>>,
    /// How far beyond its shape it can be met by a search that widens by nothing, on any day.
    own_reach: Metres,
    /// What it is to the rules it was prepared by, where something must stay free beside it.
    pub land: LandNumber,
}

impl Entry {
    /// Prepares a feature.
    #[must_use]
    pub fn new(
        facts: Facts,
        grid: &Grid<Geometry<f64>>,
        centreline: Option<Grid<MultiLineString<f64>>>,
        land: Option<&LandKind>,
        rules: &Ruling,
    ) -> Self {
        let centreline = centreline.and_then(|line| Chainage::of(&line)).map(Box::new);
        let mut land = land.map_or(LandNumber::NONE, |land| rules.land(land));
        let shape = Prepared::new(grid);
        let own_reach = match facts.noun.role() {
            Role::TakesLand(own) => {
                own.clearance_m.and_then(|m| Metres::new(m).ok()).unwrap_or_else(|| rules.clearance_max(land))
            }
            Role::Stands(_) => rules.accuracy_max(&facts.noun),
            Role::Refers(what) => {
                let reach = rules.site_reach(what.kind);
                let known = facts.attributes.as_deref().unwrap_or(Attributes::NONE);
                match land_of(what.kind, known) {
                    None => reach,
                    Some(of_line) => {
                        land = rules.land(&of_line);
                        let is_line = shape.dimension() == Dimension::Line;
                        let [_, edge] = to_edge_of(what.kind, known, is_line, rules.site(), None);
                        reach.plus(rules.clearance_max(land)).plus(Metres::new(edge).unwrap_or(Metres::ZERO))
                    }
                }
            }
        };
        Self { facts, shape, centreline, own_reach, land }
    }

    /// How far beyond its shape it can be met by a search that widens by nothing, on any day.
    #[must_use]
    pub fn reach(&self) -> Metres {
        self.own_reach
    }

    /// The boxes of the entry with this number, each widened by the most that the feature brings to a check on
    /// any day.
    pub(super) fn parts(&self, number: u32) -> impl Iterator<Item = Part> {
        let reach = self.own_reach.get();
        self.shape.cover(PARTS_MAX).into_iter().map(move |b| {
            let b = b.widened(reach);
            Part::new(Rectangle::from_corners(b.min, b.max), number)
        })
    }
}

/// A box and the number of the entry it belongs to.
pub(super) type Part = GeomWithData<Rectangle<[f64; 2]>, u32>;

/// A box of a tree in our words.
pub(super) fn bounds_of(envelope: &AABB<[f64; 2]>) -> Bounds {
    Bounds { min: envelope.lower(), max: envelope.upper() }
}
