//! Covering a shape with few tight boxes, for an index that knows only boxes.
//!
//! The box round the shape is cut in two across its longer side, what lies in each half is boxed anew, and the
//! largest of all boxes goes next. In the end halves that are hardly smaller than their whole are put together again.

use std::collections::BinaryHeap;
use std::ops::Range;

use geo_types::Coord;

use super::Bounds;
use super::kernel::SLACK_M;
use super::tree::{Position, Tree};

/// The least reach that questions are expected to have, metres: every box is weighed as if widened by it, so that
/// boxes are not cut below the size that matters.
const REACH_M: f64 = 40.0;

/// The halves of a box must weigh less than this share of it, else the box stays whole.
const WORTHWHILE: f64 = 0.9;

/// A box with the edges in it, cut to it. Without edges it lies wholly inside an area.
struct Cell {
    bounds: Bounds,
    /// Its edges among those of all cells.
    edges: Range<usize>,
    /// Its bounds went through arithmetic.
    cut: bool,
    /// The cells it was cut into; none for a leaf.
    halves: Range<usize>,
}

/// All edges of all cells lie in one list: hundreds of thousands of lines are covered when an index is loaded, and a list for
/// each cell would take most of the time.
type Edges = Vec<[Coord<f64>; 2]>;

/// At most `cells_max` boxes (at least one) whose union holds the shape of `tree`.
pub(super) fn cover(tree: &Tree, cells_max: usize) -> Vec<Bounds> {
    if tree.root().is_none() {
        return Vec::new();
    }
    let mut edges: Edges = tree.runs().flat_map(|run| tree.segments(run)).collect();
    let mut cells = vec![Cell { bounds: tree.bounds(), edges: 0..edges.len(), cut: false, halves: 0..0 }];
    // Weights are positive, so the order of their bits is the order of the numbers.
    let mut queue = BinaryHeap::from([(weight(&cells[0].bounds).to_bits(), 0)]);
    let mut leaves = 1;
    while leaves < cells_max {
        let Some((_, at)) = queue.pop() else { break };
        let first = cells.len();
        halve(tree, &mut cells, at, &mut edges);
        if cells.len() == first {
            continue;
        }
        leaves += cells.len() - first - 1;
        cells[at].halves = first..cells.len();
        queue.extend((first..cells.len()).map(|half| (weight(&cells[half].bounds).to_bits(), half)));
    }
    let mut boxes = Vec::with_capacity(leaves);
    gather(&cells, 0, &mut boxes);
    boxes
}

/// Appends the boxes of the cell `at`; returns what they weigh.
fn gather(cells: &[Cell], at: usize, boxes: &mut Vec<Bounds>) -> f64 {
    let cell = &cells[at];
    let before = boxes.len();
    let whole = weight(&cell.bounds);
    if !cell.halves.is_empty() {
        let halves: f64 = cell.halves.clone().map(|half| gather(cells, half, boxes)).sum();
        if halves < WORTHWHILE * whole {
            return halves;
        }
        boxes.truncate(before);
    }
    boxes.push(if cell.cut { cell.bounds.widened(SLACK_M) } else { cell.bounds });
    whole
}

fn weight(bounds: &Bounds) -> f64 {
    let side = |axis: usize| bounds.max[axis] - bounds.min[axis] + 2.0 * REACH_M;
    side(0) * side(1)
}

/// Cuts the cell `at` across its longer side, if that can help, and appends the halves; one that holds nothing of the shape
/// is left out.
fn halve(tree: &Tree, cells: &mut Vec<Cell>, at: usize, edges: &mut Edges) {
    let (whole, of_whole) = (cells[at].bounds, cells[at].edges.clone());
    let Bounds { min, max } = whole;
    let axis = usize::from(max[1] - min[1] > max[0] - min[0]);
    let middle = min[axis] + (max[axis] - min[axis]) / 2.0;
    // A cell without edges is full; one smaller than the reach gains nothing.
    if of_whole.is_empty() || max[axis] - min[axis] <= REACH_M {
        return;
    }
    for low in [true, false] {
        let mut area = whole;
        if low {
            area.max[axis] = middle;
        } else {
            area.min[axis] = middle;
        }
        let first = edges.len();
        let mut bounds = Bounds::EMPTY;
        for n in of_whole.clone() {
            if let Some(part) = cut(edges[n], axis, middle, low) {
                for c in part {
                    bounds.extend(c);
                }
                edges.push(part);
            }
        }
        // What is in a box of an area reaches furthest at its edges or at the corners of the box. To locate a corner costs
        // more than all the rest, so one that would not make the box larger is not asked.
        for i in 0..4 {
            let corner = Coord {
                x: if i & 1 == 0 { area.min[0] } else { area.max[0] },
                y: if i & 2 == 0 { area.min[1] } else { area.max[1] },
            };
            if !bounds.contains(corner) && tree.locate(corner) != Position::Outside {
                bounds.extend(corner);
            }
        }
        if !bounds.is_empty() {
            cells.push(Cell { bounds, edges: first..edges.len(), cut: true, halves: 0..0 });
        }
    }
}

/// The part of an edge on one side of `middle`. An edge along the middle belongs to the low side.
fn cut(edge: [Coord<f64>; 2], axis: usize, middle: f64, low: bool) -> Option<[Coord<f64>; 2]> {
    let along = |c: Coord<f64>| if axis == 0 { c.x } else { c.y };
    let (least, most) = (along(edge[0]).min(along(edge[1])), along(edge[0]).max(along(edge[1])));
    if most <= middle {
        return low.then_some(edge);
    }
    if least >= middle {
        return (!low).then_some(edge);
    }
    let share = (middle - along(edge[0])) / (along(edge[1]) - along(edge[0]));
    let at = if axis == 0 {
        Coord { x: middle, y: edge[0].y + share * (edge[1].y - edge[0].y) }
    } else {
        Coord { x: edge[0].x + share * (edge[1].x - edge[0].x), y: middle }
    };
    Some(edge.map(|end| if (along(end) <= middle) == low { end } else { at }))
}
