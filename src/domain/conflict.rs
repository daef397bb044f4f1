//! The conflict check, the heart: when a work and a piece of land are in conflict, how, and how sure that is.
//!
//! A conflict is a pair (work, corridor). Everything is measured on the working grid, in metres. A pair is in
//! conflict when `s ≤ clearance + a`, where `s` is the signed distance (distance outside, minus depth inside) and
//! `a` the accuracy of the work's position; it is certain when `s + a ≤ clearance`.

mod applied;
mod linear;
mod role;
mod words;

use std::sync::Arc;

use compact_str::CompactString;
use geo::Area;
use uuid::Uuid;

use super::layer::NounFacts;
use super::reference::Attributes;
use super::rules::Parameter;
use super::word::{Visibility, Word};
use super::work::CaptureMethod;
use crate::geometry::linear::Chainage;
use crate::geometry::measure::{self, Dimension, Prepared, Relation};
use crate::geometry::{Geometry, Grid, Metres, MultiPolygon, Polygon, overlay};

pub use applied::{Applied, WorkKinds, applied};
pub use linear::{LinearReference, LinearRun, RUNS_MAX};
pub use role::{Judged, Refers, Role, Side, Stands, TakesLand};
pub use words::{AccuracySource, RelationWord, RuleKey, Severity, SideWord, Verdict};

/// What a check needs to know of a feature besides its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The feature.
    pub id: Uuid,
    /// Its code.
    pub code: CompactString,
    /// Its owner; features of one owner share the text where many are loaded.
    pub organisation: Arc<str>,
    /// Who may see it.
    pub visibility: Visibility,
    /// What depends on the noun.
    pub noun: NounFacts,
    /// What else is known of a reference feature.
    pub attributes: Option<Arc<Attributes>>,
}

/// The accuracy of a position that states none, by its capture method, where no rule pack says it. Defaults of our own,
/// labelled so in answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccuracyDefaults {
    /// Real-time kinematic satellite positioning.
    pub gnss_rtk: Metres,
    /// Satellite positioning.
    pub gnss: Metres,
    /// Drawn from a map or an image.
    pub digitised: Metres,
    /// Taken from a record.
    pub record: Metres,
    /// Estimated.
    pub estimated: Metres,
    /// Nobody knows.
    pub unknown: Metres,
}

impl AccuracyDefaults {
    /// Each of them in this order.
    #[must_use]
    pub fn all(self) -> [Metres; 6] {
        [self.gnss_rtk, self.gnss, self.digitised, self.record, self.estimated, self.unknown]
    }
}

impl From<[Metres; 6]> for AccuracyDefaults {
    fn from([gnss_rtk, gnss, digitised, record, estimated, unknown]: [Metres; 6]) -> Self {
        Self { gnss_rtk, gnss, digitised, record, estimated, unknown }
    }
}

impl Default for AccuracyDefaults {
    fn default() -> Self {
        Self {
            gnss_rtk: Metres::constant(0.05),
            gnss: Metres::constant(5.0),
            digitised: Metres::constant(10.0),
            record: Metres::constant(20.0),
            estimated: Metres::constant(50.0),
            unknown: Metres::constant(20.0),
        }
    }
}

impl AccuracyDefaults {
    /// The worst of them.
    #[must_use]
    pub fn worst(&self) -> Metres {
        let Self { gnss_rtk, gnss, digitised, record, estimated, unknown } = *self;
        [gnss, digitised, record, estimated, unknown].into_iter().fold(gnss_rtk, |a, b| if a < b { b } else { a })
    }

    /// The accuracy of a work's position.
    #[must_use]
    pub fn of(&self, recorded: Option<f64>, method: Option<CaptureMethod>) -> (Metres, AccuracySource) {
        if let Some(metres) = recorded.and_then(|m| Metres::new(m).ok()) {
            return (metres, AccuracySource::Recorded);
        }
        let metres = match method {
            Some(CaptureMethod::GnssRtk) => self.gnss_rtk,
            Some(CaptureMethod::Gnss) => self.gnss,
            Some(CaptureMethod::Digitised) => self.digitised,
            Some(CaptureMethod::Record) => self.record,
            Some(CaptureMethod::Estimated) => self.estimated,
            None => self.unknown,
        };
        (metres, AccuracySource::Default)
    }
}

/// What gave a clearance, while a pair is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clause<'r> {
    /// No parameter.
    Word(RuleKey),
    /// A parameter of the rule pack.
    Parameter(&'r Arc<Parameter>),
}

/// What gave a clearance, as an answer keeps it.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// No parameter.
    Word(RuleKey),
    /// A parameter of the rule pack.
    Parameter(Arc<Parameter>),
}

impl From<Clause<'_>> for Rule {
    fn from(clause: Clause<'_>) -> Self {
        match clause {
            Clause::Word(word) => Self::Word(word),
            Clause::Parameter(parameter) => Self::Parameter(Arc::clone(parameter)),
        }
    }
}

impl Rule {
    /// Its name.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Word(word) => word.as_str(),
            Self::Parameter(parameter) => &parameter.key,
        }
    }
}

/// The clearance to keep from a corridor: the asker's, else the corridor's own, else the rule's, else none.
#[must_use]
pub fn clearance<'r>(
    asked: Option<Metres>,
    own: Option<f64>,
    rule: impl FnOnce() -> Option<&'r Arc<Parameter>>,
) -> (Metres, Clause<'r>) {
    match (asked, own.and_then(|m| Metres::new(m).ok())) {
        (Some(metres), _) => (metres, Clause::Word(RuleKey::Request)),
        (None, Some(metres)) => (metres, Clause::Word(RuleKey::Corridor)),
        (None, None) => match rule() {
            Some(parameter) => (parameter.metres(), Clause::Parameter(parameter)),
            None => (Metres::ZERO, Clause::Word(RuleKey::None)),
        },
    }
}

/// The work of a pair.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its shape.
    pub shape: &'a Prepared,
    /// Accuracy of its position.
    pub accuracy: Metres,
}

/// The land of a pair.
#[derive(Debug, Clone, Copy)]
pub struct Land<'a> {
    /// Its shape.
    pub shape: &'a Prepared,
    /// The line it was drawn by; chainage runs along it.
    pub centreline: Option<&'a Chainage>,
    /// What must stay free beyond its edge.
    pub clearance: Metres,
}

/// A conflict, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// How the work lies to the land.
    pub relation: RelationWord,
    /// How sure it is.
    pub verdict: Verdict,
    /// Planar distance in metres; 0 when they meet.
    pub distance_m: f64,
    /// How deep inside, in metres; none outside.
    pub depth_m: Option<f64>,
    /// Length inside, of a line.
    pub overlap_m: Option<f64>,
    /// Area inside, of an area.
    pub overlap_m2: Option<f64>,
    /// The part of the work that is inside, 0 to 1.
    pub share: f64,
    /// Where along the centreline.
    pub linear: Option<LinearReference>,
}

/// Whether the pair is in conflict at all: `distance ≤ clearance + accuracy`, cheaply.
#[must_use]
pub fn is_conflict(work: Standing<'_>, land: Land<'_>) -> bool {
    work.shape.within(land.shape, land.clearance.plus(work.accuracy).get())
}

/// The distance of the pair, metres, if it [`is_conflict`].
#[must_use]
pub fn conflict_distance(work: Standing<'_>, land: Land<'_>) -> Option<f64> {
    work.shape.distance_within(land.shape, land.clearance.plus(work.accuracy).get())
}

/// Measures a pair that [`is_conflict`].
#[must_use]
pub fn measured(work: Standing<'_>, land: Land<'_>) -> Finding {
    measured_at(work, land, work.shape.distance(land.shape))
}

/// Measures a pair with this [`conflict_distance`].
#[must_use]
pub fn measured_at(work: Standing<'_>, land: Land<'_>, distance_m: f64) -> Finding {
    // Shapes that meet have no distance; that two without a distance meet is for the exact words to say.
    let relation = if distance_m > 0.0 { Relation::Near } else { measure::relation(work.shape, land.shape) };
    let relation = match relation {
        Relation::Inside => RelationWord::Inside,
        Relation::Touches => RelationWord::Touches,
        Relation::Crosses => RelationWord::Crosses,
        Relation::Near => RelationWord::Near,
    };
    let meets = relation != RelationWord::Near;
    let land_has_area = land.shape.dimension() == Dimension::Area;
    let inside = (meets && land_has_area).then(|| measure::inside(work.shape, land.shape));
    let depth_m = inside.map(|i| i.depth_m);
    let signed = distance_m - depth_m.unwrap_or(0.0);
    let verdict =
        if signed + work.accuracy.get() <= land.clearance.get() { Verdict::Certain } else { Verdict::Possible };
    let length_m = inside.map_or(0.0, |i| i.length_m);
    let (overlap_m, overlap_m2, share) = overlap(work.shape, land.shape, relation, length_m);
    let linear = land.centreline.and_then(|line| linear::along(work, land, line, relation, distance_m));
    Finding { relation, verdict, distance_m, depth_m, overlap_m, overlap_m2, share, linear }
}

/// Length and area of the work inside the land, and its share; `length_m` is what its lines have inside.
fn overlap(work: &Prepared, land: &Prepared, relation: RelationWord, length_m: f64) -> (Option<f64>, Option<f64>, f64) {
    let outside = matches!(relation, RelationWord::Near);
    let inside = relation == RelationWord::Inside;
    match work.dimension() {
        Dimension::Point => {
            let share = match work.geometry().as_ref() {
                _ if inside => 1.0,
                // The edge belongs to the land, for points as for lines along it.
                Geometry::Point(_) if !outside => 1.0,
                Geometry::MultiPoint(points) if !outside && !points.0.is_empty() => {
                    let within = points.0.iter().filter(|p| Prepared::point(p.0).within(land, 0.0)).count();
                    ratio(f64_of(within), f64_of(points.0.len()))
                }
                _ => 0.0,
            };
            (None, None, share)
        }
        Dimension::Line => {
            let whole = work.length_m();
            // Also within a drawn line, which has no area to be inside of.
            let part = if inside { whole } else { length_m };
            (Some(part), None, ratio(part, whole))
        }
        Dimension::Area => {
            let (work, land) = (work.geometry(), land.geometry());
            let (work, land) = (polygons(&work), polygons(&land));
            let whole = work.iter().map(Area::unsigned_area).sum();
            let part = match (outside, inside) {
                (true, _) => 0.0,
                (_, true) => whole,
                _ => overlay::area_inside(&Grid(work), &Grid(land)),
            };
            (None, Some(part), ratio(part, whole))
        }
    }
}

#[allow(clippy::cast_precision_loss)] // counts of positions, far below 2^52
fn f64_of(count: usize) -> f64 {
    count as f64
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

fn polygons(shape: &Geometry<f64>) -> &[Polygon<f64>] {
    match shape {
        Geometry::Polygon(p) => std::slice::from_ref(p),
        Geometry::MultiPolygon(m) => &m.0,
        _ => &[],
    }
}

fn area_of(shape: &Geometry<f64>) -> Option<Grid<MultiPolygon<f64>>> {
    let parts = polygons(shape);
    (!parts.is_empty()).then(|| Grid(MultiPolygon(parts.to_vec())))
}
