//! Which side of an area a point is on, where no edge is near: the edges of the area in slabs by northing.
//!
//! Faster by far than a walk over the tree of edges, but worth making only for a shape that is asked hundreds of times
//! at once: the subject of a search.

use geo_types::Coord;

use super::kernel::side;
use super::tree::{Holds, Tree};

/// Edges of a shape for each slab: fewer make more slabs than pay.
const EDGES_A_SLAB: usize = 2;

/// Where the edges together would stand in more slabs than this times their number, there are no slabs.
const SHARE: usize = 8;

/// Most slabs.
const SLABS_MAX: usize = 4_096;

/// An edge, and by how much it changes how often rings go round what lies to the left of it.
struct Edge {
    low: Coord<f64>,
    high: Coord<f64>,
    turn: i32,
}

/// The edges of all rings of a shape, each in every slab it reaches into.
pub(super) struct Slabs {
    min_y: f64,
    per_m: f64,
    edges: Vec<Edge>,
    /// The edges of slab `i` have the numbers `numbers[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Slabs {
    /// Slabs for the areas of a shape; `None` where the shape has no area, or slabs would be no gain.
    pub(super) fn of(tree: &Tree) -> Option<Self> {
        if !tree.has_area {
            return None;
        }
        let mut edges = Vec::new();
        for run in tree.runs() {
            if let Holds::Ring { sign } = run.holds {
                edges.extend(tree.segments(run).filter(|[a, b]| a.y.total_cmp(&b.y).is_ne()).map(|[a, b]| {
                    if a.y < b.y { Edge { low: a, high: b, turn: sign } } else { Edge { low: b, high: a, turn: -sign } }
                }));
            }
        }
        let bounds = tree.bounds();
        let slabs = (edges.len() / EDGES_A_SLAB).clamp(1, SLABS_MAX);
        #[allow(clippy::cast_precision_loss)] // at most SLABS_MAX
        let per_m = slabs as f64 / (bounds.max[1] - bounds.min[1]);
        let mut all = Self { min_y: bounds.min[1], per_m, edges, starts: vec![0; slabs + 1], numbers: vec![] };
        let mut total = 0;
        for edge in &all.edges {
            let (first, last) = (all.slab(edge.low.y), all.slab(edge.high.y));
            total += last - first + 1;
            if total > SHARE * all.edges.len() {
                return None;
            }
            all.starts[first..=last].iter_mut().for_each(|n| *n += 1);
        }
        // From counts to the ends of each slab, which become its starts as the edges are put in from behind.
        let mut end = 0;
        for n in &mut all.starts {
            end += *n;
            *n = end;
        }
        all.numbers = vec![0; total];
        for (number, edge) in (0..).zip(&all.edges) {
            for slab in all.slab(edge.low.y)..=all.slab(edge.high.y) {
                all.starts[slab] -= 1;
                all.numbers[all.starts[slab] as usize] = number;
            }
        }
        Some(all)
    }

    /// The slab at a northing: the same arithmetic for edges and for points, so that both come to the same one.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to the slabs there are
    fn slab(&self, y: f64) -> usize {
        (((y - self.min_y) * self.per_m) as usize).min(self.starts.len() - 2)
    }

    /// Whether `p`, which lies on no edge, is inside an area.
    pub(super) fn holds(&self, p: Coord<f64>) -> bool {
        let slab = self.slab(p.y);
        let mut winding = 0;
        for number in &self.numbers[self.starts[slab] as usize..self.starts[slab + 1] as usize] {
            let edge = &self.edges[*number as usize];
            if edge.low.y <= p.y && p.y < edge.high.y && side(edge.low, edge.high, p) > 0 {
                winding += edge.turn;
            }
        }
        winding != 0
    }
}
