//! What was found round a place, measured on the working grid.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use jiff::civil::Date;

use super::Missing;
use super::finding::{Evidence, Gap, GapWhy};
use crate::domain::conflict::{Facts, Rule, Severity};
use crate::domain::corridor::CorridorFacts;
use crate::domain::coverage::Coverage;
use crate::domain::layer::{Layer, NounFacts};
use crate::domain::place::OtherReading;
use crate::domain::reference::{Attributes, ReferenceFacts, ReferenceKind};
use crate::domain::word::Word;
use crate::domain::work::WorkFacts;
use crate::geometry::measure::Prepared;
use crate::geometry::{Coord, Metres};

/// Where a check gets its facts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Telecom works.
    Works,
    /// Clearance corridors.
    Corridors,
    /// Reference features of a kind.
    Reference(ReferenceKind),
}

impl Source {
    /// The layer it is in.
    #[must_use]
    pub fn layer(self) -> Layer {
        match self {
            Self::Works => Layer::Works,
            Self::Corridors => Layer::Corridors,
            Self::Reference(_) => Layer::References,
        }
    }

    /// The kind, of reference features.
    #[must_use]
    pub fn kind(self) -> Option<ReferenceKind> {
        match self {
            Self::Reference(kind) => Some(kind),
            Self::Works | Self::Corridors => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Some(kind) => f.write_str(kind.as_str()),
            None => f.write_str(self.layer().as_str()),
        }
    }
}

/// The shape of something on the working grid of the place.
#[derive(Debug, Clone)]
pub enum Shape<'a> {
    /// It is kept on that grid.
    There(&'a Prepared),
    /// It is kept on another one, and was brought here.
    Brought(Arc<Prepared>),
}

impl Deref for Shape<'_> {
    type Target = Prepared;

    fn deref(&self) -> &Prepared {
        match self {
            Self::There(shape) => shape,
            Self::Brought(shape) => shape,
        }
    }
}

/// Something near the place, with what its layer says of it.
#[derive(Debug, Clone)]
pub struct Near<'a, F> {
    /// The layer it is in.
    pub layer: Layer,
    /// What all features have.
    pub facts: &'a Facts,
    /// What its noun tells.
    pub told: F,
    /// Its shape on the working grid of the place. None of what is kept on another grid and is measured from the place
    /// alone ([`is_measured`]), which is done on the grid it is kept on.
    pub shape: Option<Shape<'a>>,
    /// From the place to it, m; 0 where the place lies in it or on it.
    pub distance_m: f64,
    /// How far inside its area the place lies, m; 0 outside, and of what has none.
    pub depth_m: f64,
    /// How accurate its own position is, m; 0 of what is taken as it was drawn.
    pub accuracy_m: f64,
}

impl<F> Near<'_, F> {
    /// The place lies in it, or on its edge.
    #[must_use]
    pub fn holds_place(&self) -> bool {
        self.distance_m <= 0.0
    }

    /// From the place to its edge, m; negative inside.
    #[must_use]
    pub fn signed_m(&self) -> f64 {
        self.distance_m - self.depth_m
    }

    /// What people call it: its name, else its code.
    #[must_use]
    pub fn called(&self) -> &str {
        let name = self.facts.attributes.as_ref().and_then(|a| a.name.as_deref());
        name.unwrap_or(&self.facts.code)
    }

    /// What a finding shows of it.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        Evidence::of(self.layer, self.facts, self.distance_m)
    }
}

/// A telecom work near the place that counts on the day asked.
pub type NearWork<'a> = Near<'a, WorkFacts>;

/// A reference feature near the place that is valid on the day asked.
pub type NearReference<'a> = Near<'a, ReferenceFacts>;

impl<'a> NearReference<'a> {
    /// What is known of it.
    #[must_use]
    pub fn attributes(&self) -> &'a Attributes {
        self.facts.attributes.as_deref().unwrap_or(Attributes::NONE)
    }
}

/// A corridor near the place that counts on the day asked, with what must stay free beside it.
#[derive(Debug, Clone)]
pub struct NearCorridor<'a> {
    /// The corridor.
    pub near: Near<'a, CorridorFacts>,
    /// Whether it blocks or warns on that day.
    pub severity: Severity,
    /// What must stay free beyond its edge.
    pub clearance: Metres,
    /// Where that comes from.
    pub rule: Rule,
}

/// A road or a power line near the place that stands on the day asked, with what must stay free beside it.
#[derive(Debug, Clone)]
pub struct NearLine<'a> {
    /// The road or the line.
    pub near: NearReference<'a>,
    /// From what is drawn to its edge, m: at least, and at most where nobody says how wide it is.
    pub to_edge_m: [f64; 2],
    /// The rule of how wide it is at most, where it states no width and that is not in force.
    pub no_width: Option<Missing>,
    /// What must stay free beyond its edge.
    pub clearance: Metres,
    /// Where that comes from.
    pub rule: Rule,
    /// That is of its own class and voltage; else it is the widest of its kind, for nobody knows which is.
    pub is_of_its_class: bool,
}

/// The place itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// On the working grid; of one that nobody looks after longitude and latitude.
    pub at: Coord<f64>,
    /// It lies inside the boundary of the jurisdiction.
    pub inside: bool,
    /// From the place to the boundary, m.
    pub to_boundary_m: f64,
    /// The nearest point of the nearest boundary, of a place outside.
    pub boundary_at: Option<Coord<f64>>,
    /// Another reading of the coordinates that would fit: swapped axes, another meridian.
    pub hint: Option<OtherReading>,
}

/// What was found round a place.
#[derive(Debug, Clone)]
pub struct Surroundings<'a> {
    /// The place.
    pub place: Place,
    /// Works, the nearest first: those near the place, and of a zone with a quota that the place may lie in every column,
    /// however far it is. Of requests the same: every one in such a zone that was permitted.
    pub works: Vec<NearWork<'a>>,
    /// Corridors, the nearest first.
    pub corridors: Vec<NearCorridor<'a>>,
    /// Roads and power lines, the nearest first.
    pub lines: Vec<NearLine<'a>>,
    /// Other reference features, the nearest first: those that are valid on the day asked, and freeze windows that are valid
    /// on a day of building.
    pub references: Vec<NearReference<'a>>,
    /// How much each source answers for the ground that matters.
    pub coverage: BTreeMap<Source, Coverage>,
    /// Sources with something near that is not the asker's to see.
    pub hidden: Vec<Source>,
    /// What does not answer for all the ground of the zones with a quota that the place may lie in, each source once.
    pub in_zones: Vec<Gap>,
}

impl<'a> Surroundings<'a> {
    /// Nothing, at a place that nobody looks after.
    #[must_use]
    pub fn nowhere(place: Place) -> Self {
        let (works, corridors, lines, references) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (coverage, hidden, in_zones) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { place, works, corridors, lines, references, coverage, hidden, in_zones }
    }

    /// Takes note that a source does not answer for all the ground of a zone.
    pub fn lacks_in_zone(&mut self, gap: Gap) {
        gap.join(&mut self.in_zones);
        // Whichever zone was found first.
        self.in_zones.sort_unstable_by_key(|gap| gap.source);
    }

    /// The reference features of a kind that is no road and no power line, the nearest first.
    pub fn of(&self, kind: ReferenceKind) -> impl Iterator<Item = &NearReference<'a>> {
        self.references.iter().filter(move |near| near.told.kind == kind)
    }

    /// Why finding nothing in a source says nothing; none where it says that there is nothing. Of defence areas everybody
    /// hears the same, so that one is hidden is no gap.
    #[must_use]
    pub fn gap(&self, source: Source) -> Option<Gap> {
        let told_alike = source == Source::Reference(ReferenceKind::DefenceArea);
        let why = if self.hidden.contains(&source) && !told_alike {
            Some(GapWhy::Hidden)
        } else {
            self.coverage.get(&source).copied().unwrap_or(Coverage::Undeclared).gap()
        };
        why.map(|why| Gap { source, why })
    }
}

/// A column that stands, or is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingColumn {
    /// Places left on it for further carriers, where that is known.
    pub spare_capacity: Option<u32>,
}

/// What a feature is as a column on a day, or from a later one on; none where it is no column, or does not count.
#[must_use]
pub fn column_on(noun: &NounFacts, day: Date) -> Option<StandingColumn> {
    let told = WorkFacts::try_from(*noun).ok().filter(|told| super::checks::is_column(told.kind, told.column_class))?;
    told.stands_or_will(day).then_some(())?;
    Some(StandingColumn { spare_capacity: told.spare_capacity.and_then(|places| u32::try_from(places).ok()) })
}

/// Whether a check measures to a feature from elsewhere than the place, and so needs its shape on the grid of the place: to a
/// column from a zone, built or permitted, to a building from a transmitter, to what lies under the surfaces of a runway.
#[must_use]
pub fn is_measured(noun: &NounFacts) -> bool {
    if let Ok(WorkFacts { kind, column_class, .. }) = WorkFacts::try_from(*noun) {
        return super::checks::is_column(kind, column_class);
    }
    ReferenceFacts::try_from(*noun).is_ok_and(|told| match told.kind {
        ReferenceKind::Runway
        | ReferenceKind::Zone
        | ReferenceKind::Building
        | ReferenceKind::Transmitter
        | ReferenceKind::SiteRequest => true,
        ReferenceKind::Boundary
        | ReferenceKind::Heritage
        | ReferenceKind::Monument
        | ReferenceKind::GovernmentFront
        | ReferenceKind::School
        | ReferenceKind::Hospital
        | ReferenceKind::Road
        | ReferenceKind::PowerLine
        | ReferenceKind::DefenceArea
        | ReferenceKind::UrbanArea
        | ReferenceKind::FreezeWindow
        | ReferenceKind::Other => false,
    })
}
