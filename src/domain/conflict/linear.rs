//! Where along the centreline of its land the part of a work lies that is in conflict, and its runs.
//!
//! That part is what of the work is in the land, or, where the two do not meet or the land is a line without an area,
//! what is within the clearance of it (within clearance and accuracy, where only the accuracy makes it a conflict). All
//! points of the part count, not its vertices alone (`geometry::linear::Span`). Of an area it is enough to look at its
//! outlines and at the centreline in it: on the way from a point to the nearest point of the centreline the chainage
//! stays and the offset shrinks, and that way ends at the centreline or leaves the part through an outline.

use geo::CoordsIter;

use super::{Land, RelationWord, SideWord, Standing, area_of};
use crate::geometry::linear::{Chainage, Span};
use crate::geometry::measure::{Dimension, Prepared};
use crate::geometry::stretch::{Edges, Stretch, connected, each_line};
use crate::geometry::{Bounds, Coord, Geometry, Grid, LineString, MultiPolygon, overlay};

/// At most so many runs are listed: an answer has to stay readable. The figures of the whole look at all.
pub const RUNS_MAX: usize = 1_000;

/// How much farther is looked where rounding hides what lies exactly at the clearance, metres.
const HAIR_M: f64 = 1e-6;

/// Where along a centreline a work stands.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearReference {
    /// Smallest chainage, in metres.
    pub from_m: f64,
    /// Largest chainage, in metres.
    pub to_m: f64,
    /// Smallest distance from the centreline, in metres.
    pub offset_m: f64,
    /// On which side; none where all of it is on the line.
    pub side: Option<SideWord>,
    /// Where a line or an area is in conflict in several stretches, each of them (at most [`RUNS_MAX`]), by chainage.
    pub runs: Vec<LinearRun>,
}

/// A connected part of a work that is in conflict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearRun {
    /// Smallest chainage, in metres.
    pub from_m: f64,
    /// Largest chainage, in metres.
    pub to_m: f64,
    /// Smallest distance from the centreline, in metres.
    pub offset_m: f64,
    /// On which side; none where all of it is on the line.
    pub side: Option<SideWord>,
    /// The length of a line in this run, in metres; none for areas.
    pub length_m: Option<f64>,
}

fn side_of(span: &Span) -> Option<SideWord> {
    match (span.left, span.right) {
        (true, true) => Some(SideWord::Both),
        (true, false) => Some(SideWord::Left),
        (false, true) => Some(SideWord::Right),
        (false, false) => None,
    }
}

fn reference(span: &Span, runs: Vec<LinearRun>) -> LinearReference {
    let Span { from_m, to_m, offset_m, .. } = *span;
    LinearReference { from_m, to_m, offset_m, side: side_of(span), runs }
}

/// Where along `line` the part of the work lies that is in conflict; `distance_m` is that of the pair.
pub(super) fn along(
    work: Standing<'_>,
    land: Land<'_>,
    line: &Chainage,
    relation: RelationWord,
    distance_m: f64,
) -> Option<LinearReference> {
    let geometry = work.shape.geometry();
    if let Geometry::Point(p) = geometry.as_ref() {
        return line.span(&[p.0]).map(|span| reference(&span, Vec::new()));
    }
    let pair = Pair { work, land, line, geometry: geometry.as_ref(), reach: reach(work, land, distance_m) };
    let met = relation != RelationWord::Near && land.shape.dimension() == Dimension::Area;
    match work.shape.dimension() {
        Dimension::Point => pair.points(if met { 0.0 } else { pair.reach }),
        Dimension::Line => pair.lines(&if met { pair.lines_inside(relation) } else { pair.lines_near() }),
        Dimension::Area => pair.areas(met, relation),
    }
    .or_else(|| {
        // Rounding hides every part: the work as a whole stands for it.
        let all: Vec<Coord<f64>> = geometry.coords_iter().collect();
        all.iter().filter_map(|c| line.span(&[*c])).reduce(Span::with).map(|span| reference(&span, Vec::new()))
    })
}

/// How far from the land the work is in conflict.
fn reach(work: Standing<'_>, land: Land<'_>, distance_m: f64) -> f64 {
    let clearance = land.clearance;
    if distance_m <= clearance.get() { clearance.get() } else { clearance.plus(work.accuracy).get() }
}

/// A work that is no point, and its land.
struct Pair<'a> {
    work: Standing<'a>,
    land: Land<'a>,
    line: &'a Chainage,
    geometry: &'a Geometry<f64>,
    reach: f64,
}

impl Pair<'_> {
    fn points(&self, reach: f64) -> Option<LinearReference> {
        let near = self.geometry.coords_iter().filter(|c| Prepared::point(*c).within(self.land.shape, reach));
        let span = near.filter_map(|c| self.line.span(&[c])).reduce(Span::with)?;
        Some(reference(&span, Vec::new()))
    }

    fn lines(&self, stretches: &[Stretch]) -> Option<LinearReference> {
        let groups = connected(stretches, None);
        self.reference(stretches, &groups, true)
    }

    /// What of the work's lines or rings lies in the land, single points included.
    fn lines_inside(&self, relation: RelationWord) -> Vec<Stretch> {
        let mut found = Vec::new();
        if relation == RelationWord::Inside {
            each_line(self.geometry, &mut |line| found.push(Stretch::of(line.0.clone())));
            return found;
        }
        let land = self.land.shape.geometry();
        let Some(area) = area_of(&land) else { return found };
        let edges = Edges::of(&land, &self.work.shape.bounds());
        each_line(self.geometry, &mut |line| {
            let before = found.len();
            found.extend(runs(line, &area));
            for point in edges.meetings(line) {
                // Runs begin and end at the edges of the land, or touch them; what is left is a touch alone.
                if !found[before..].iter().any(|s| s.holds(point)) {
                    found.push(Stretch { coords: vec![point, point], length_m: 0.0 });
                }
            }
        });
        found
    }

    /// What of the work's lines or rings lies within reach of the land's edges.
    fn lines_near(&self) -> Vec<Stretch> {
        for reach in [self.reach, self.reach + HAIR_M] {
            let window = self.work.shape.bounds().widened(reach + HAIR_M);
            let edges = Edges::of(&self.land.shape.geometry(), &window);
            let mut found = Vec::new();
            each_line(self.geometry, &mut |line| found.extend(edges.stretches(line, reach)));
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn areas(&self, met: bool, relation: RelationWord) -> Option<LinearReference> {
        let mut stretches = if met { self.lines_inside(relation) } else { self.lines_near() };
        let work = area_of(self.geometry)?;
        if met && relation != RelationWord::Inside {
            each_line(&self.land.shape.geometry(), &mut |line| stretches.extend(runs(line, &work)));
        }
        let outlines = stretches.len();
        self.line.each_segment(&self.work.shape.bounds(), |segment| {
            let inside = overlay::runs_inside(&Grid(LineString(segment.to_vec())), &work);
            stretches.extend(inside.into_iter().map(|run| Stretch { coords: run.coords, length_m: 0.0 }));
        });
        let reach = if met { 0.0 } else { self.reach };
        let in_conflict = |c: Coord<f64>| {
            let c = Prepared::point(c);
            c.within(self.work.shape, 0.0) && c.within(self.land.shape, reach)
        };
        let groups = connected(&stretches, Some(&in_conflict));
        let mut found = self.reference(&stretches, &groups, false)?;
        if outlines == 0 {
            // Only the centreline is left: the work holds it with ground on both sides.
            found.side = Some(SideWord::Both);
        }
        Some(found)
    }

    /// The runs of the stretches that have the same number, and what they have together.
    fn reference(&self, stretches: &[Stretch], groups: &[usize], is_line: bool) -> Option<LinearReference> {
        let mut by_group: Vec<Option<(Span, f64)>> = vec![None; stretches.len()];
        for (stretch, group) in stretches.iter().zip(groups) {
            let Some(span) = self.line.span(&stretch.coords) else { continue };
            let known = &mut by_group[*group];
            *known = Some(known.map_or((span, stretch.length_m), |(all, m)| (all.with(span), m + stretch.length_m)));
        }
        let groups: Vec<(Span, f64)> = by_group.into_iter().flatten().collect();
        let whole = groups.iter().map(|g| g.0).reduce(Span::with)?;
        if groups.len() < 2 {
            return Some(reference(&whole, Vec::new()));
        }
        let mut runs: Vec<LinearRun> = groups
            .iter()
            .map(|(span, length_m)| LinearRun {
                from_m: span.from_m,
                to_m: span.to_m,
                offset_m: span.offset_m,
                side: side_of(span),
                length_m: is_line.then_some(*length_m),
            })
            .collect();
        runs.sort_by(|a, b| a.from_m.total_cmp(&b.from_m).then_with(|| a.to_m.total_cmp(&b.to_m)));
        runs.truncate(RUNS_MAX);
        Some(reference(&whole, runs))
    }
}

/// The runs of `line` in `area`.
fn runs(line: &LineString<f64>, area: &Grid<MultiPolygon<f64>>) -> impl Iterator<Item = Stretch> {
    let runs = if Bounds::of(line.0.iter().copied()).is_empty() {
        Vec::new()
    } else {
        overlay::runs_inside(&Grid(line.clone()), area)
    };
    runs.into_iter().map(|run| Stretch { length_m: run.length_m(), coords: run.coords })
}

#[cfg(test)]
mod tests;
