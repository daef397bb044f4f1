//! Covering a shape with few tight boxes, for an index that knows only boxes.
//!
//! The box round the shape is cut in two across its longer side, what lies in each half is boxed anew, and the
//! largest of all boxes goes next. In the end halves that are hardly smaller than their whole are put together again.

use std::collections::BinaryHeap;

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
    edges: Vec<[Coord<f64>; 2]>,
    /// Its bounds went through arithmetic.
    cut: bool,
    /// The cells it was cut into; none for a leaf.
    halves: Vec<usize>,
}

/// At most `cells_max` boxes (at least one) whose union holds the shape of `tree`.
pub(super) fn cover(tree: &Tree, cells_max: usize) -> Vec<Bounds> {
    if tree.root().is_none() {
        return Vec::new();
    }
    let edges = tree.runs().flat_map(|run| tree.segments(run)).collect();
    let mut cells = vec![Cell { bounds: tree.bounds(), edges, cut: false, halves: Vec::new() }];
    // Weights are positive, so the order of their bits is the order of the numbers.
    let mut queue = BinaryHeap::from([(weight(&cells[0].bounds).to_bits(), 0)]);
    let mut leaves = 1;
    while leaves < cells_max {
        let Some((_, at)) = queue.pop() else { break };
        let Some(halves) = halves(tree, &cells[at]) else { continue };
        leaves += halves.len() - 1;
        cells[at].edges = Vec::new();
        for half in halves {
            queue.push((weight(&half.bounds).to_bits(), cells.len()));
            let place = cells.len();
            cells[at].halves.push(place);
            cells.push(half);
        }
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
        let halves: f64 = cell.halves.iter().map(|&half| gather(cells, half, boxes)).sum();
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

/// Cuts a cell across its longer side, if that can help; a half that holds nothing of the shape is left out.
fn halves(tree: &Tree, cell: &Cell) -> Option<Vec<Cell>> {
    let Bounds { min, max } = cell.bounds;
    let axis = usize::from(max[1] - min[1] > max[0] - min[0]);
    let middle = min[axis] + (max[axis] - min[axis]) / 2.0;
    // A cell without edges is full; one smaller than the reach gains nothing.
    if cell.edges.is_empty() || max[axis] - min[axis] <= REACH_M {
        return None;
    }
    let half = |low: bool| {
        let mut area = cell.bounds;
        if low {
            area.max[axis] = middle;
        } else {
            area.min[axis] = middle;
        }
        let mut edges = Vec::with_capacity(cell.edges.len());
        edges.extend(cell.edges.iter().filter_map(|&edge| cut(edge, axis, middle, low)));
        let mut bounds = Bounds::of(edges.iter().copied().flatten());
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
        (!bounds.is_empty()).then_some(Cell { bounds, edges, cut: true, halves: Vec::new() })
    };
    Some([half(true), half(false)].into_iter().flatten().collect())
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
