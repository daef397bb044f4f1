//! Shapes to text and back: [`geojson`] and [`wkt`]. Both say the same things in the same words.
//!
//! Here is what the two share: the rules a shape must keep to be a shape at all, and the collecting of
//! every problem. Whether a shape is *valid* (rings that cross themselves) is not asked here.

pub mod geojson;
pub mod wkt;

use geo_types::Coord;

use super::Problem;

/// Problems named one by one before the rest is only counted: nobody reads more, and a broken
/// document of a million vertices must not become a million sentences.
pub const PROBLEMS_MAX: usize = 100;

/// Why a text or a document is not taken as a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecodable {
    /// It is not a shape: every problem, at most [`PROBLEMS_MAX`] of them and one that counts the rest.
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

/// Collects problems up to [`PROBLEMS_MAX`] and counts the others.
#[derive(Debug, Default)]
struct Collector {
    named: Vec<Problem>,
    more: usize,
}

impl Collector {
    /// Adds a problem; `problem` is only asked for it while there is room.
    fn push(&mut self, problem: impl FnOnce() -> Problem) {
        if self.named.len() < PROBLEMS_MAX {
            self.named.push(problem());
        } else {
            self.more += 1;
        }
    }

    /// All of them, the uncounted rest as the last one.
    fn finish(mut self) -> Vec<Problem> {
        if self.more > 0 {
            self.named.push(Problem::new("", format!("and {} more problems", self.more)));
        }
        self.named
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
