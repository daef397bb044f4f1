//! Where along the centreline of its land the part of a work lies that is in conflict.

use geo::CoordsIter;

use super::{Land, RelationWord, SideWord, area_of, lines_of};
use crate::geometry::linear::{Chainage, Side};
use crate::geometry::measure::{Dimension, Prepared};
use crate::geometry::{Coord, Grid, overlay};

/// Where along a centreline a work stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearReference {
    /// Smallest chainage, in metres.
    pub from_m: f64,
    /// Largest chainage, in metres.
    pub to_m: f64,
    /// Smallest distance from the centreline, in metres.
    pub offset_m: f64,
    /// On which side.
    pub side: Option<SideWord>,
}

/// Where along `line` the part of the work lies that is in conflict.
pub(super) fn along(
    work: &Prepared,
    land: Land<'_>,
    line: &Chainage,
    relation: RelationWord,
) -> Option<LinearReference> {
    let geometry = work.geometry();
    let vertices = || geometry.coords_iter();
    let near = |reach: f64| vertices().filter(move |c| Prepared::point(*c).within(land.shape, reach));
    let mut coords: Vec<Coord<f64>> = match relation {
        RelationWord::Inside => vertices().collect(),
        RelationWord::Touches | RelationWord::Near => near(land.clearance.get()).collect(),
        RelationWord::Crosses => match (work.dimension(), area_of(&land.shape.geometry())) {
            (Dimension::Line, Some(area)) => {
                let runs = |part| overlay::runs_inside(&Grid(part), &area);
                let ends = lines_of(&geometry).0.into_iter().flat_map(runs).flat_map(|r| [r.start, r.end]);
                // Between the ends of a run the line may come nearer or reach farther along: at its vertices.
                ends.chain(near(0.0)).collect()
            }
            (_, Some(_)) => near(0.0).collect(),
            (_, None) => near(land.clearance.get()).chain(line.crossings(&lines_of(&geometry).0)).collect(),
        },
    };
    if coords.is_empty() {
        coords = vertices().collect();
    }
    let mut reference: Option<LinearReference> = None;
    for located in coords.into_iter().map(|c| line.locate(c)) {
        let side = match located.side {
            Side::Left => Some(SideWord::Left),
            Side::Right => Some(SideWord::Right),
            Side::On => None,
        };
        match &mut reference {
            None => {
                reference = Some(LinearReference {
                    from_m: located.chainage_m,
                    to_m: located.chainage_m,
                    offset_m: located.offset_m,
                    side,
                });
            }
            Some(r) => {
                r.from_m = r.from_m.min(located.chainage_m);
                r.to_m = r.to_m.max(located.chainage_m);
                r.offset_m = r.offset_m.min(located.offset_m);
                r.side = match (r.side, side) {
                    (Some(a), Some(b)) if a != b => Some(SideWord::Both),
                    (a, b) => a.or(b),
                };
            }
        }
    }
    if let Some(r) = &mut reference
        && r.side == Some(SideWord::Both)
    {
        // It stands on both sides, so it passes over the line.
        r.offset_m = 0.0;
    }
    reference
}
