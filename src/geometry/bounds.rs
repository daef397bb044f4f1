//! Axis-parallel boxes on one plane.

use geo_types::Coord;

/// A box with its corners. Units are those of its plane: metres on a grid, degrees in WGS 84.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Smallest x and y.
    pub min: [f64; 2],
    /// Largest x and y.
    pub max: [f64; 2],
}

impl Bounds {
    /// The box that holds nothing and grows by [`Bounds::extend`].
    pub const EMPTY: Bounds = Bounds { min: [f64::INFINITY; 2], max: [f64::NEG_INFINITY; 2] };

    /// The smallest box round `coords`; [`Bounds::EMPTY`] when there are none.
    pub fn of(coords: impl IntoIterator<Item = Coord<f64>>) -> Self {
        let mut all = Self::EMPTY;
        for c in coords {
            all.extend(c);
        }
        all
    }

    /// Grows to hold `c`.
    pub fn extend(&mut self, c: Coord<f64>) {
        self.min = [self.min[0].min(c.x), self.min[1].min(c.y)];
        self.max = [self.max[0].max(c.x), self.max[1].max(c.y)];
    }

    /// Grows to hold `other`.
    pub fn merge(&mut self, other: &Self) {
        self.min = [self.min[0].min(other.min[0]), self.min[1].min(other.min[1])];
        self.max = [self.max[0].max(other.max[0]), self.max[1].max(other.max[1])];
    }

    /// Holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.min[0] > self.max[0] || self.min[1] > self.max[1]
    }

    /// The box widened by `by` on all sides.
    #[must_use]
    pub fn widened(&self, by: f64) -> Self {
        Self { min: [self.min[0] - by, self.min[1] - by], max: [self.max[0] + by, self.max[1] + by] }
    }

    /// Shares at least one point with `other`; edges count.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.min[0] <= other.max[0]
            && other.min[0] <= self.max[0]
            && self.min[1] <= other.max[1]
            && other.min[1] <= self.max[1]
    }

    /// Holds the point `c`; edges count.
    #[must_use]
    pub fn contains(&self, c: Coord<f64>) -> bool {
        self.min[0] <= c.x && c.x <= self.max[0] && self.min[1] <= c.y && c.y <= self.max[1]
    }

    /// Square of the distance between two boxes; 0 when they meet.
    #[must_use]
    pub fn distance_squared(&self, other: &Self) -> f64 {
        let gap = |axis: usize| (other.min[axis] - self.max[axis]).max(self.min[axis] - other.max[axis]).max(0.0);
        let (dx, dy) = (gap(0), gap(1));
        dx * dx + dy * dy
    }
}
