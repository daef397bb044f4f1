//! One check in each file, and what all of them decide in the same way.
//!
//! Positions are known badly. So a check asks twice: what is so wherever within its accuracy the place may be, and what may
//! be so ([`Sure`]). Where the two answers differ, nobody can tell without a survey ([`settled`]).

pub mod air;
pub mod area;
pub mod cor;
pub mod cov;
pub mod def;
pub mod dup;
pub mod emf;
pub mod geo;
pub mod her;
pub mod permits;
pub mod sen;
pub mod spc;
#[cfg(test)]
pub(super) mod tests;
pub mod tim;
pub mod zon;

use std::sync::LazyLock;

use uuid::Uuid;

use super::surroundings::{Near, Surroundings};
use super::{CheckCode, Evidence, Missing, Parameters, SiteKey, Subject, Verdict};
use crate::domain::work::{ColumnClass, WorkKind};
use crate::geometry::measure::Prepared;
use crate::geometry::{Bounds, Coord, Geometry, Grid, LineString, Point, Polygon};

/// What every check uses.
mod prelude {
    pub(super) use super::super::message::key;
    pub(super) use super::super::{
        Argument, CheckCode, Consultee, Decided, Finding, Message, Missing, NearReference, NearWork, Outcome,
        Parameters, Quantity, SiteKey, Source, Subject, Surroundings, Verdict,
    };
    pub(super) use super::{Sure, circle, evidence, ids, is_column, is_for_column, outline, place, reached, settled};
    pub(super) use crate::domain::reference::ReferenceKind;
}

/// Whether something is so, of positions that are known with some accuracy. The last is the surest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sure {
    /// Nowhere.
    No,
    /// At some place within the accuracy, and not at another.
    Maybe,
    /// At every place within the accuracy.
    Yes,
}

impl Sure {
    /// A distance is at most `limit`, where both ends together are `accuracy` metres inaccurate. At the limit it is.
    pub(super) fn within(distance: f64, limit: f64, accuracy: f64) -> Self {
        match (distance + accuracy <= limit, distance - accuracy <= limit) {
            (true, _) => Self::Yes,
            (false, true) => Self::Maybe,
            (false, false) => Self::No,
        }
    }

    /// A distance is less than `limit`. At the limit it is not.
    pub(super) fn below(distance: f64, limit: f64, accuracy: f64) -> Self {
        match (distance + accuracy < limit, distance - accuracy < limit) {
            (true, _) => Self::Yes,
            (false, true) => Self::Maybe,
            (false, false) => Self::No,
        }
    }
}

/// The verdict of what is sure and the worst of what may be: where they differ, a survey has to tell.
pub(super) fn settled(sure: Verdict, worst: Verdict) -> Verdict {
    if sure == worst { sure } else { Verdict::NeedsSurvey }
}

/// The features within `limit` of the place, at the limit included, the nearest first, and how sure it is that there is one.
pub(super) fn reached<'n, 'a: 'n, F: 'n>(
    near: impl Iterator<Item = &'n Near<'a, F>>,
    limit: f64,
    accuracy: f64,
) -> (Sure, Vec<&'n Near<'a, F>>) {
    let mut surest = Sure::No;
    let mut found = Vec::new();
    for near in near {
        let sure = Sure::within(near.signed_m(), limit, accuracy + near.accuracy_m);
        surest = surest.max(sure);
        if sure != Sure::No {
            found.push(near);
        }
    }
    (surest, found)
}

/// What a finding shows of some features.
pub(super) fn evidence<'n, 'a: 'n, F: 'n>(near: impl IntoIterator<Item = &'n Near<'a, F>>) -> Vec<Evidence> {
    near.into_iter().map(Near::evidence).collect()
}

/// What a finding rests on of some features that it does not list.
pub(super) fn ids<'n, 'a: 'n, F: 'n>(near: impl IntoIterator<Item = &'n Near<'a, F>>) -> Vec<Uuid> {
    near.into_iter().map(|near| near.facts.id).collect()
}

/// It is an antenna column: by its kind, or because it has the class of one.
pub(in super::super) fn is_column(kind: WorkKind, class: Option<ColumnClass>) -> bool {
    matches!(kind, WorkKind::Bts | WorkKind::Mast | WorkKind::RooftopMast) || class.is_some()
}

/// Somebody asks for an antenna column, whatever he calls it: by its kind or class, because it has antennas, or because it is
/// as high as one `[default]`.
pub(super) fn is_for_column(code: CheckCode, subject: &Subject, rules: &Parameters<'_>) -> Result<bool, Missing> {
    if is_column(subject.kind, subject.column_class) || !subject.antennas.is_empty() {
        return Ok(true);
    }
    Ok(subject.height_agl_m >= rules.value(code, SiteKey::ColumnHeight)?)
}

/// Corners of a drawn circle: a map shows no more.
const CIRCLE_CORNERS: u8 = 48;

/// The corners of a circle with a radius of 1, the first one again as the last.
static CIRCLE: LazyLock<Vec<Coord<f64>>> = LazyLock::new(|| {
    let corner = |n: u8| {
        let (sin, cos) = (f64::from(n % CIRCLE_CORNERS) * std::f64::consts::TAU / f64::from(CIRCLE_CORNERS)).sin_cos();
        Coord { x: cos, y: sin }
    };
    (0..=CIRCLE_CORNERS).map(corner).collect()
});

/// A circle to draw, on the grid; of no radius the point.
pub fn circle(at: Coord<f64>, radius: f64) -> Grid<Geometry<f64>> {
    if radius <= 0.0 {
        return Grid(Geometry::Point(Point(at)));
    }
    let ring = CIRCLE.iter().map(|c| Coord { x: at.x + radius * c.x, y: at.y + radius * c.y }).collect();
    Grid(Geometry::Polygon(Polygon::new(LineString(ring), Vec::new())))
}

/// Where the place may be, to draw.
pub(super) fn place(subject: &Subject, around: &Surroundings<'_>) -> Grid<Geometry<f64>> {
    circle(around.place.at, subject.accuracy_m)
}

/// Positions of a shape that is drawn as it is: a map gets no more of it.
const OUTLINE_POSITIONS_MAX: usize = 100;

/// A shape to draw: itself, or the box round it where it has too many positions.
pub(super) fn outline(shape: &Prepared) -> Grid<Geometry<f64>> {
    if shape.positions() <= OUTLINE_POSITIONS_MAX {
        return Grid(shape.geometry().into_owned());
    }
    let Bounds { min, max } = shape.bounds();
    Grid(Geometry::Polygon(::geo::Rect::new(min, max).to_polygon()))
}
