//! Shapes to text and back: [`geojson`] and [`wkt`]. Both say the same things in the same words. [`plain`] reads the
//! commonest GeoJSON faster.
//!
//! Here is what the two share: the rules a shape must keep to be a shape at all. Whether a shape is *valid* (rings that cross themselves) is not asked here.

pub mod geojson;
pub mod plain;
pub mod wkt;

use geo_types::Coord;

use super::Problem;
use super::problem::Collector;

/// Why a text or a document is not taken as a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecodable {
    /// It is not a shape: every problem, at most [`PROBLEMS_MAX`](super::problem::PROBLEMS_MAX) of
    /// them and one that counts the rest.
    Problems(Vec<Problem>),
    /// It is larger than its reader allows.
    TooManyVertices {
        /// Vertices counted.
        found: usize,
        /// Vertices allowed.
        limit: usize,
    },
}

impl Undecodable {
    /// The same as problems, for callers to whom too large is one problem among others.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        match self {
            Self::Problems(problems) => problems,
            Self::TooManyVertices { found, limit } => {
                vec![Problem::new("", format!("has {found} vertices; at most {limit} are taken"))]
            }
        }
    }

    /// One problem with the whole.
    fn whole(detail: impl Into<String>) -> Self {
        Self::Problems(vec![Problem::new("", detail)])
    }
}

/// What is wrong with a line of `positions`, if it is too short.
fn line_fault(positions: usize) -> Option<String> {
    (positions < 2).then(|| format!("a line needs at least 2 positions; this one has {positions}"))
}

/// What is wrong with the number of `positions` of a ring.
fn ring_length_fault(positions: usize) -> Option<String> {
    (positions < 4)
        .then(|| format!("a ring needs at least 4 positions, the last repeating the first; this one has {positions}"))
}

/// What is wrong with the ends of a ring.
fn ring_end_fault(first: Coord<f64>, last: Coord<f64>) -> Option<String> {
    (first != last).then(|| {
        format!(
            "the ring is not closed: it starts at [{}, {}] and ends at [{}, {}]; repeat the first position at the end",
            first.x, first.y, last.x, last.y
        )
    })
}
