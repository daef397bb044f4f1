//! The ground on which runs lie that what changed could alter: boxes in degrees, few of them however much changed.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::geometry::Bounds;

/// So many boxes are looked up at once; where there are more, neighbours become one. That is more ground than needed, and no less.
const BOXES_MAX: usize = 500;

/// Neighbours lie in a square of this side at first, degrees: about a kilometre.
const SQUARE_DEG: f64 = 0.01;

/// Boxes that are being gathered.
#[derive(Debug, Default)]
pub(super) struct Ground {
    boxes: Vec<Bounds>,
    /// Zones of which the box is among them.
    zones: BTreeSet<Uuid>,
    /// The side of the squares in which neighbours became one; none yet.
    square: Option<f64>,
}

impl Ground {
    /// Takes a box as well.
    pub(super) fn add(&mut self, bounds: Bounds) {
        self.boxes.push(bounds);
        while self.boxes.len() > BOXES_MAX {
            let side = self.square.map_or(SQUARE_DEG, |side| 2.0 * side);
            self.square = Some(side);
            self.boxes = joined(&self.boxes, side);
        }
    }

    /// Takes the box of a zone, once.
    pub(super) fn add_zone(&mut self, id: Uuid, bounds: impl FnOnce() -> Bounds) {
        if self.zones.insert(id) {
            self.add(bounds());
        }
    }

    /// All of them.
    pub(super) fn boxes(&self) -> &[Bounds] {
        &self.boxes
    }
}

/// Boxes of which the middles lie in one square as one.
fn joined(boxes: &[Bounds], side: f64) -> Vec<Bounds> {
    let mut squares: BTreeMap<[i64; 2], Bounds> = BTreeMap::new();
    for bounds in boxes {
        #[allow(clippy::cast_possible_truncation)] // degrees by a hundredth of one
        let square = [0, 1].map(|axis| (f64::midpoint(bounds.min[axis], bounds.max[axis]) / side).floor() as i64);
        squares.entry(square).or_insert(Bounds::EMPTY).merge(bounds);
    }
    squares.into_values().collect()
}

#[cfg(test)]
mod tests {
    use geo::Coord;

    use super::*;

    fn bounds(x: f64, y: f64) -> Bounds {
        Bounds { min: [x, y], max: [x + 0.001, y + 0.001] }
    }

    #[test]
    fn of_many_boxes_few_remain_and_they_hold_all_of_them() {
        let mut ground = Ground::default();
        let mut all = Vec::new();
        for n in 0..10_000_u32 {
            let (x, y) = (107.0 + f64::from(n % 173) * 0.013, 11.0 + f64::from(n % 89) * 0.017);
            all.push(bounds(x, y));
            ground.add(bounds(x, y));
        }
        assert!((2..=BOXES_MAX).contains(&ground.boxes().len()), "{}", ground.boxes().len());
        for one in &all {
            let corner = |of: [f64; 2]| Coord { x: of[0], y: of[1] };
            let holds = |b: &Bounds| b.contains(corner(one.min)) && b.contains(corner(one.max));
            assert!(ground.boxes().iter().any(holds), "{one:?}");
        }
        // What lies apart is still apart.
        let held = |x, y| ground.boxes().iter().any(|b| b.contains(Coord { x, y }));
        assert!(held(107.5, 11.5) && !held(106.0, 11.5) && !held(107.5, 13.5));
    }

    #[test]
    fn few_boxes_stay_as_they_are_and_a_zone_is_one_of_them() {
        let mut ground = Ground::default();
        for n in 0..10_000_u32 {
            ground.add_zone(Uuid::from_u128(7), || bounds(f64::from(n), 0.0));
        }
        for n in 1..BOXES_MAX {
            ground.add(bounds(f64::from(u32::try_from(n).unwrap_or(0)) * 0.01, 1.0));
        }
        assert_eq!((ground.boxes().len(), ground.boxes()[0]), (BOXES_MAX, bounds(0.0, 0.0)));
    }
}
