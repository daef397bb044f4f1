//! A static tree of boxes over things that lie in an order, such as the segments of a line: what follows in the
//! order lies near in the plane, so the order itself is the tree. It finds and knows nothing but boxes.

use std::ops::ControlFlow;

use geo_types::Coord;

use super::Bounds;

/// Boxes under one box: small enough that little is looked at in vain, large enough that the tree stays flat.
const FAN: usize = 8;

/// Boxes by their place in an order, with the boxes round every [`FAN`] of them, and so on up to one.
#[derive(Debug, Clone, Default)]
pub(super) struct BoxTree {
    levels: Vec<Vec<Bounds>>,
}

impl BoxTree {
    /// The tree over `leaves`, which keep their numbers.
    pub(super) fn new(leaves: Vec<Bounds>) -> Self {
        let mut levels = vec![leaves];
        while let Some(top) = levels.last().filter(|top| top.len() > 1) {
            let above = top.chunks(FAN).map(|under| {
                let mut all = Bounds::EMPTY;
                for b in under {
                    all.merge(b);
                }
                all
            });
            let above = above.collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// Calls `found` for every leaf whose box meets `window`, in their order.
    pub(super) fn meeting(&self, window: &Bounds, mut found: impl FnMut(usize)) {
        self.select(&mut |b| b.intersects(window), &mut found);
    }

    /// Calls `found` for every leaf whose box, and all boxes above it, `wanted` accepts; in their order.
    pub(super) fn select(&self, wanted: &mut impl FnMut(&Bounds) -> bool, found: &mut impl FnMut(usize)) {
        if let Some(top) = self.levels.len().checked_sub(1) {
            self.select_in(top, 0..self.levels[top].len(), wanted, found);
        }
    }

    fn select_in(
        &self,
        level: usize,
        nodes: std::ops::Range<usize>,
        wanted: &mut impl FnMut(&Bounds) -> bool,
        found: &mut impl FnMut(usize),
    ) {
        for node in nodes {
            if !wanted(&self.levels[level][node]) {
                continue;
            }
            if level == 0 {
                found(node);
            } else {
                self.select_in(level - 1, self.under(level, node), wanted, found);
            }
        }
    }

    /// Calls `found` for every two leaves whose boxes meet, each pair once, the earlier one first; in no order. It ends
    /// as soon as `found` breaks.
    pub(super) fn pairs_meeting(&self, found: &mut impl FnMut(usize, usize) -> ControlFlow<()>) -> ControlFlow<()> {
        match self.levels.len().checked_sub(1) {
            Some(top) => self.pairs_under(top, 0, found),
            None => ControlFlow::Continue(()),
        }
    }

    /// The numbers of the boxes under a box.
    fn under(&self, level: usize, node: usize) -> std::ops::Range<usize> {
        node * FAN..((node + 1) * FAN).min(self.levels[level - 1].len())
    }

    fn pairs_under(
        &self,
        level: usize,
        node: usize,
        found: &mut impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if level == 0 {
            return ControlFlow::Continue(());
        }
        let under = self.under(level, node);
        for a in under.clone() {
            self.pairs_under(level - 1, a, found)?;
            for b in a + 1..under.end {
                self.pairs_between(level - 1, a, b, found)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn pairs_between(
        &self,
        level: usize,
        a: usize,
        b: usize,
        found: &mut impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !self.levels[level][a].intersects(&self.levels[level][b]) {
            return ControlFlow::Continue(());
        }
        if level == 0 {
            return found(a, b);
        }
        for i in self.under(level, a) {
            if self.levels[level - 1][i].intersects(&self.levels[level][b]) {
                for k in self.under(level, b) {
                    self.pairs_between(level - 1, i, k, found)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The smallest of `distance_squared` over the leaves; it must not be less than the square of the distance to
    /// the leaf's box. Infinity when there are no leaves.
    pub(super) fn nearest(&self, p: Coord<f64>, mut distance_squared: impl FnMut(usize) -> f64) -> f64 {
        let mut best = f64::INFINITY;
        let Some(top) = self.levels.len().checked_sub(1) else { return best };
        let here = Bounds { min: [p.x, p.y], max: [p.x, p.y] };
        let mut open: Vec<(f64, usize, usize)> = Vec::new();
        let push = |open: &mut Vec<(f64, usize, usize)>, level: usize, nodes: std::ops::Range<usize>| {
            let from = open.len();
            open.extend(nodes.map(|i| (self.levels[level][i].distance_squared(&here), level, i)));
            // The nearest box is opened first, because it shuts out the most of the others.
            open[from..].sort_by(|a, b| b.0.total_cmp(&a.0));
        };
        push(&mut open, top, 0..self.levels[top].len());
        while let Some((bound, level, node)) = open.pop() {
            if bound >= best {
                continue;
            }
            if level == 0 {
                best = best.min(distance_squared(node));
            } else {
                push(&mut open, level - 1, self.under(level, node));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_look_at_every_box_finds(
            corners in prop::collection::vec((-99.0..99.0f64, -99.0..99.0f64, 0.0..9.0f64, 0.0..9.0f64), 0..200),
            (x, y, w, h) in (-99.0..99.0f64, -99.0..99.0f64, 0.0..50.0f64, 0.0..50.0f64),
        ) {
            let leaves: Vec<Bounds> =
                corners.iter().map(|&(x, y, w, h)| Bounds { min: [x, y], max: [x + w, y + h] }).collect();
            let tree = BoxTree::new(leaves.clone());
            let window = Bounds { min: [x, y], max: [x + w, y + h] };
            let mut found = Vec::new();
            tree.meeting(&window, |i| found.push(i));
            let expect: Vec<usize> = (0..leaves.len()).filter(|&i| leaves[i].intersects(&window)).collect();
            prop_assert_eq!(found, expect);

            let mut pairs = Vec::new();
            let went_on = tree.pairs_meeting(&mut |a, b| {
                pairs.push((a, b));
                ControlFlow::Continue(())
            });
            prop_assert!(went_on.is_continue());
            pairs.sort_unstable();
            let mut expect = Vec::new();
            for a in 0..leaves.len() {
                expect.extend((a + 1..leaves.len()).filter(|&b| leaves[a].intersects(&leaves[b])).map(|b| (a, b)));
            }
            prop_assert_eq!(pairs, expect);

            let p = Bounds { min: [x, y], max: [x, y] };
            let nearest = tree.nearest(Coord { x, y }, |i| leaves[i].distance_squared(&p));
            let expect = leaves.iter().map(|b| b.distance_squared(&p)).fold(f64::INFINITY, f64::min);
            prop_assert!(nearest.total_cmp(&expect).is_eq(), "{} {}", nearest, expect);
        }
    }
}
