//! The walk over two shapes, watched: for the picture in the docs of the index.

use geo_types::Coord;

use super::pairs::{Search, Visit, walk};
use super::tree::{Holds, Tree};
use super::{Bounds, Inner, Prepared};

/// What [`Prepared::within`] looked at to say yes or no.
pub(crate) struct Compared {
    /// Pairs of edges whose distance was taken, in their order.
    pub(crate) pairs: Vec<[[Coord<f64>; 2]; 2]>,
    /// The last of them was near enough.
    pub(crate) ended_early: bool,
    /// Boxes round the runs of edges of both shapes.
    pub(crate) runs: [Vec<Bounds>; 2],
    /// Edges of both shapes.
    pub(crate) edges: [usize; 2],
}

struct Watched {
    search: Search,
    pairs: Vec<[[Coord<f64>; 2]; 2]>,
}

impl Visit for Watched {
    fn limit2(&self) -> f64 {
        self.search.limit2()
    }

    fn pair(&mut self, s: [Coord<f64>; 2], t: [Coord<f64>; 2], ring: bool) -> bool {
        self.pairs.push([s, t]);
        self.search.pair(s, t, ring)
    }
}

impl Prepared {
    /// [`Prepared::within`] of two shapes that are not points, watched.
    pub(crate) fn compared(&self, other: &Self, reach: f64) -> Compared {
        let (Inner::Shape(a), Inner::Shape(b)) = (&self.0, &other.0) else { panic!("points have no edges") };
        let mut watched = Watched { search: Search::within(reach), pairs: Vec::new() };
        let ended_early = walk(&a.tree, &b.tree, &mut watched);
        assert!(!ended_early || self.within(other, reach), "what was watched is what is answered");
        let runs = |tree: &Tree| tree.runs().map(|run| run.bounds).collect();
        let edges = |tree: &Tree| tree.runs().map(|run| tree.segments(run).count()).sum();
        Compared {
            pairs: watched.pairs,
            ended_early,
            runs: [runs(&a.tree), runs(&b.tree)],
            edges: [edges(&a.tree), edges(&b.tree)],
        }
    }
}

impl Tree {
    /// Hands over every edge below a node.
    pub(crate) fn each_segment(&self, at: usize, take: &mut impl FnMut([Coord<f64>; 2])) {
        let node = self.node(at);
        match node.holds {
            Holds::Nodes => self.below(node).for_each(|(child, _)| self.each_segment(child, take)),
            _ => self.segments(node).for_each(take),
        }
    }
}
