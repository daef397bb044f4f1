//! Square cells of a grid, 2 km wide and aligned to its origin: which of them a shape meets when it is widened.
//!
//! What may only be told coarsely is told by cells. So the answer here must depend on nothing but the shape and how far it
//! is widened, and it must never be too small: where two shapes come within `a + b` of each other, some cell is met both
//! by the one widened by `a` and by the other widened by `b`, for the way between them can be cut into a part of at most
//! `a` and a part of at most `b`, and the cut lies in a cell. To that comes a millimetre, more than any rounding.

use geo::CoordsIter;

use super::measure::{Dimension, Prepared};
use super::{Bounds, Coord, Geometry, LineString};

/// The side of a cell, metres.
pub const CELL_M: f64 = 2_000.0;

/// A shape is widened by so much more, metres: coordinates of a grid are rounded to some nanometres.
const MARGIN_M: f64 = 0.001;

/// A cell by its column (easting) and row (northing), counted from the origin of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// How many cells east of the origin.
    pub column: i32,
    /// How many cells north of it.
    pub row: i32,
}

/// Cells from one corner to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellBox {
    /// South-west.
    pub min: Cell,
    /// North-east.
    pub max: Cell,
}

impl CellBox {
    /// No cell; it grows by [`CellBox::merge`].
    pub const EMPTY: Self =
        Self { min: Cell { column: i32::MAX, row: i32::MAX }, max: Cell { column: i32::MIN, row: i32::MIN } };

    /// Every cell.
    pub const ALL: Self = Self { min: Self::EMPTY.max, max: Self::EMPTY.min };

    /// The cells that a box on the grid meets when it is widened by `reach` metres.
    #[must_use]
    pub fn round(bounds: &Bounds, reach: f64) -> Self {
        if bounds.is_empty() {
            return Self::EMPTY;
        }
        let Bounds { min, max } = bounds.widened(reach + MARGIN_M);
        Self {
            min: Cell { column: cell(min[0]), row: cell(min[1]) },
            max: Cell { column: cell(max[0]), row: cell(max[1]) },
        }
    }

    /// One cell.
    #[must_use]
    pub fn of(cell: Cell) -> Self {
        Self { min: cell, max: cell }
    }

    /// Grows to hold `other`.
    pub fn merge(&mut self, other: &Self) {
        self.min = Cell { column: self.min.column.min(other.min.column), row: self.min.row.min(other.min.row) };
        self.max = Cell { column: self.max.column.max(other.max.column), row: self.max.row.max(other.max.row) };
    }

    /// The cells of both.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self {
            min: Cell { column: self.min.column.max(other.min.column), row: self.min.row.max(other.min.row) },
            max: Cell { column: self.max.column.min(other.max.column), row: self.max.row.min(other.max.row) },
        }
    }

    /// There is no cell in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.min.column > self.max.column || self.min.row > self.max.row
    }

    /// The box on the grid that the cells fill, metres.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        if self.is_empty() {
            return Bounds::EMPTY;
        }
        let after = |n: i32| f64::from(n) * CELL_M + CELL_M;
        Bounds {
            min: [f64::from(self.min.column) * CELL_M, f64::from(self.min.row) * CELL_M],
            max: [after(self.max.column), after(self.max.row)],
        }
    }
}

/// The number of the cell in which a coordinate lies; the last number there is for what lies beyond.
#[allow(clippy::cast_possible_truncation)] // it saturates
fn cell(metres: f64) -> i32 {
    (metres / CELL_M).floor() as i32
}

/// The cells among those of `ground` that a shape meets when it is widened by `reach` metres in each direction of the
/// grid, in order; `None` where they are more than `most`.
#[must_use]
pub fn met(shape: &Prepared, reach: f64, ground: &CellBox, most: usize) -> Option<Vec<Cell>> {
    let whole = CellBox::round(&shape.bounds(), reach);
    let round = whole.common(ground);
    if round.is_empty() {
        return Some(Vec::new());
    }
    let mut found = Found { cells: Vec::new(), round, reach: reach + MARGIN_M, most };
    found.edges(&shape.geometry())?;
    found.sort();
    if shape.dimension() == Dimension::Area {
        found.inside(shape, &whole)?;
        found.sort();
    }
    (found.cells.len() <= most).then_some(found.cells)
}

/// Cells that are found so far, some of them perhaps several times.
struct Found {
    cells: Vec<Cell>,
    round: CellBox,
    reach: f64,
    most: usize,
}

impl Found {
    fn sort(&mut self) {
        self.cells.sort_unstable();
        self.cells.dedup();
    }

    fn push(&mut self, cell: Cell) -> Option<()> {
        if self.cells.last() == Some(&cell) {
            return Some(());
        }
        if self.cells.len() > self.most.saturating_mul(2) {
            self.sort();
            if self.cells.len() > self.most {
                return None;
            }
        }
        self.cells.push(cell);
        Some(())
    }

    fn edges(&mut self, shape: &Geometry<f64>) -> Option<()> {
        match shape {
            Geometry::LineString(line) => self.line(line),
            Geometry::MultiLineString(lines) => lines.0.iter().try_for_each(|line| self.line(line)),
            Geometry::Polygon(p) => self.rings(p),
            Geometry::MultiPolygon(m) => m.0.iter().try_for_each(|p| self.rings(p)),
            Geometry::GeometryCollection(all) => all.0.iter().try_for_each(|one| self.edges(one)),
            Geometry::Line(l) => self.segment(l.start, l.end),
            Geometry::Rect(r) => self.rings(&r.to_polygon()),
            Geometry::Triangle(t) => self.rings(&t.to_polygon()),
            Geometry::Point(_) | Geometry::MultiPoint(_) => shape.coords_iter().try_for_each(|c| self.segment(c, c)),
        }
    }

    fn rings(&mut self, polygon: &geo_types::Polygon<f64>) -> Option<()> {
        self.line(polygon.exterior())?;
        polygon.interiors().iter().try_for_each(|ring| self.line(ring))
    }

    fn line(&mut self, line: &LineString<f64>) -> Option<()> {
        line.0.windows(2).try_for_each(|ends| self.segment(ends[0], ends[1]))
    }

    /// Row by row: the part of the segment that comes near a row, and the columns that part comes near.
    fn segment(&mut self, a: Coord<f64>, b: Coord<f64>) -> Option<()> {
        let (low, high) = if a.y <= b.y { (a, b) } else { (b, a) };
        let (first, last) = (cell(low.y - self.reach), cell(high.y + self.reach));
        for row in first.max(self.round.min.row)..=last.min(self.round.max.row) {
            let south = f64::from(row) * CELL_M - self.reach;
            let north = f64::from(row) * CELL_M + CELL_M + self.reach;
            let x_at = |y: f64, end: f64| {
                if high.y > low.y {
                    low.x + (high.x - low.x) * ((y - low.y) / (high.y - low.y)).clamp(0.0, 1.0)
                } else {
                    end
                }
            };
            let (from, to) = (x_at(south, low.x), x_at(north, high.x));
            let (west, east) = (cell(from.min(to) - self.reach), cell(from.max(to) + self.reach));
            for column in west.max(self.round.min.column)..=east.min(self.round.max.column) {
                self.push(Cell { column, row })?;
            }
        }
        Some(())
    }

    /// Cells that no edge comes near lie wholly inside the areas or wholly outside, and all of a row between two that an
    /// edge comes near alike. Before the first and after the last edge of a row they lie outside, unless edges were cut off
    /// there; `whole` is the box of cells before that.
    fn inside(&mut self, shape: &Prepared, whole: &CellBox) -> Option<()> {
        let CellBox { min, max } = self.round;
        let mut edges = self.cells.clone();
        edges.sort_unstable_by_key(|c| (c.row, c.column));
        let mut edges = edges.into_iter().peekable();
        for row in min.row..=max.row {
            let mut from = min.column;
            loop {
                let edge = edges.next_if(|c| c.row == row).map(|c| c.column);
                let until = edge.map_or(max.column, |column| column.saturating_sub(1));
                let beside = from == min.column && min.column == whole.min.column
                    || edge.is_none() && max.column == whole.max.column;
                if from <= until && !beside {
                    let middle = |n: i32| f64::from(n) * CELL_M + CELL_M / 2.0;
                    if Prepared::point(Coord { x: middle(from), y: middle(row) }).within(shape, 0.0) {
                        (from..=until).try_for_each(|column| self.push(Cell { column, row }))?;
                    }
                }
                let Some(column) = edge else { break };
                from = column.saturating_add(1);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::geometry::Grid;
    use geo_types::MultiPoint;
    use proptest::prelude::*;

    fn prepared(shape: Geometry<f64>) -> Prepared {
        Prepared::new(&Grid(shape))
    }

    fn found(shape: &Prepared, reach: f64) -> Vec<Cell> {
        met(shape, reach, &CellBox::ALL, 1_000_000).unwrap()
    }

    fn square(cell: Cell) -> Prepared {
        let Bounds { min, max } = CellBox::of(cell).bounds();
        let square = geo_types::Rect::new(Coord { x: min[0], y: min[1] }, Coord { x: max[0], y: max[1] });
        prepared(Geometry::Polygon(square.to_polygon()))
    }

    fn coord() -> impl Strategy<Value = Coord<f64>> {
        let axis = || prop_oneof![-9_000.0..9_000.0, (-4..5).prop_map(|n| f64::from(n) * CELL_M)];
        (axis(), axis()).prop_map(|(x, y)| Coord { x, y })
    }

    fn shape() -> impl Strategy<Value = Geometry<f64>> {
        let triangle = |c: Vec<Coord<f64>>| Geometry::Triangle(geo_types::Triangle::new(c[0], c[1], c[2]));
        prop_oneof![
            coord().prop_map(|c| Geometry::Point(c.into())),
            prop::collection::vec(coord(), 1..4).prop_map(|c| Geometry::MultiPoint(MultiPoint::from(c))),
            prop::collection::vec(coord(), 2..5).prop_map(|c| Geometry::LineString(LineString(c))),
            prop::collection::vec(coord(), 3).prop_map(move |c| match triangle(c) {
                Geometry::Triangle(t) => Geometry::Polygon(t.to_polygon()),
                other => other,
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// No cell is missed, and none is found that the shape is far from.
        #[test]
        fn cells_are_those_near_the_shape(shape in shape(), reach in 0.0..3_000.0_f64) {
            let shape = prepared(shape);
            let cells = found(&shape, reach);
            for column in -8..8 {
                for row in -8..8 {
                    let cell = Cell { column, row };
                    let distance = shape.distance(&square(cell));
                    let is_met = cells.binary_search(&cell).is_ok();
                    prop_assert!(is_met || distance > reach, "{cell:?} is missed at {distance}");
                    // Farther than the corner of a square of that reach.
                    prop_assert!(!is_met || distance <= (reach + 0.01) * 1.415, "{cell:?} is far at {distance}");
                }
            }
        }

        /// Whatever comes within the sum of two reaches has a cell in common.
        #[test]
        fn what_is_near_has_a_cell_in_common(a in shape(), b in shape(), share in 0.0..=1.0_f64) {
            let (a, b) = (prepared(a), prepared(b));
            let distance = a.distance(&b);
            let (of_a, of_b) = (found(&a, distance * share), found(&b, distance - distance * share));
            prop_assert!(of_a.iter().any(|cell| of_b.binary_search(cell).is_ok()), "{distance}");
        }

        /// Less ground gives the cells of all ground that lie in it.
        #[test]
        fn ground_only_cuts_off(shape in shape(), reach in 0.0..3_000.0_f64, at in (-4..4, -4..4), size in (0..5, 0..5)) {
            let shape = prepared(shape);
            let min = Cell { column: at.0, row: at.1 };
            let ground = CellBox { min, max: Cell { column: at.0 + size.0, row: at.1 + size.1 } };
            let mut expect = found(&shape, reach);
            expect.retain(|cell| !CellBox::of(*cell).common(&ground).is_empty());
            prop_assert_eq!(met(&shape, reach, &ground, 1_000_000).unwrap(), expect);
        }
    }

    #[test]
    fn too_many_are_not_listed() {
        let side = |m: f64| [(0.0, 0.0), (m, 0.0), (m, m), (0.0, m), (0.0, 0.0)].to_vec();
        let area = |m: f64| prepared(Geometry::Polygon(geo_types::Polygon::new(side(m).into(), Vec::new())));
        assert_eq!(met(&area(19_000.0), 0.0, &CellBox::ALL, 121).map(|cells| cells.len()), Some(121));
        assert_eq!(met(&area(19_000.0), 0.0, &CellBox::ALL, 120), None);
        assert_eq!(met(&area(1e8), 0.0, &CellBox::ALL, 1_000), None);
        let line = prepared(Geometry::LineString(vec![(0.0, 0.0), (1e12, 1e12)].into()));
        assert_eq!(met(&line, 0.0, &CellBox::ALL, 1_000), None);
        let ground = CellBox { min: Cell { column: 5, row: 5 }, max: Cell { column: 7, row: 6 } };
        assert_eq!(met(&area(1e8), 0.0, &ground, 1_000).map(|cells| cells.len()), Some(6));
        let nothing = prepared(Geometry::LineString(LineString(Vec::new())));
        assert_eq!(found(&nothing, 5.0), []);
    }
}
