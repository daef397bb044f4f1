//! What lies inside an area: the runs of a line, and the common ground of two areas.
//!
//! Areas are closed: what runs along a boundary is inside. Lines are cut at every edge they meet and each piece is
//! placed by exact predicates; no coordinate is moved. The common ground is added up along the same pieces (its
//! boundary is made of them), so no polygon is built and no raster limits the precision.

use geo::CoordsIter;
use geo::algorithm::kernels::{Kernel, RobustKernel};
use geo::algorithm::line_intersection::{LineIntersection, line_intersection};
use geo::{Area as _, BooleanOps, Orientation, Translate};
use geo_types::{Coord, Line, LineString, MultiLineString, MultiPolygon, Polygon};

use super::boxes::BoxTree;
use super::{Bounds, Grid};

/// Pieces shorter than this are points, metres: grid coordinates are no finer.
const POINT_M: f64 = 1e-9;

/// A vertex nearer than this to an edge lies on it but for rounding, metres.
pub(super) const SAME_EDGE_M: f64 = 1e-8;

/// How far the boundary of common ground may fail to close, metres, before it is not believed.
const GAP_M: f64 = 1e-6;

/// A stretch of a line inside an area.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Where it begins, metres along the line.
    pub from_m: f64,
    /// Where it ends, metres along the line; always more than `from_m`.
    pub to_m: f64,
    /// Its first position.
    pub start: Coord<f64>,
    /// Its last position.
    pub end: Coord<f64>,
    /// All of it lies on the area's boundary: the run touches the area and does not enter it.
    pub along_boundary: bool,
    /// All positions, `start` and `end` with the line's vertices between them.
    pub coords: Vec<Coord<f64>>,
}

impl Run {
    /// Its length, metres.
    #[must_use]
    pub fn length_m(&self) -> f64 {
        self.to_m - self.from_m
    }
}

/// Where a point lies to an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Inside,
    Boundary,
    Outside,
}

/// A stretch of one segment between two cuts; metres along the segment.
pub(super) struct Piece {
    pub(super) from_m: f64,
    pub(super) to_m: f64,
    pub(super) start: Coord<f64>,
    pub(super) end: Coord<f64>,
    pub(super) place: Place,
}

/// An area that segments are cut by, however it is prepared.
pub(super) trait Ground {
    /// Calls `each` for every edge whose box meets `window`.
    fn each_edge(&self, window: &Bounds, each: impl FnMut(Line<f64>));
    /// Where `p` lies, exactly.
    fn place(&self, p: Coord<f64>) -> Place;
}

/// Cuts the segments of a line one after the other; what it needs for one is kept for the next.
#[derive(Default)]
pub(super) struct Cutter {
    /// The place of the next segment's beginning, if no edge meets that: only where the boundary was met is a place
    /// worked out anew.
    pub(super) known: Option<Place>,
    cuts: Vec<(f64, Coord<f64>)>,
    shared: Vec<(f64, f64)>,
    pieces: Vec<Piece>,
}

/// An area prepared for many lines.
#[derive(Debug, Clone)]
pub struct Area {
    edges: Vec<Line<f64>>,
    tree: BoxTree,
    bounds: Bounds,
}

impl Area {
    /// Prepares a valid `area`.
    #[must_use]
    pub fn of(area: &Grid<MultiPolygon<f64>>) -> Self {
        Self::of_edges(all_edges(&area.0.0))
    }

    /// Prepares what of a valid area can be met by lines in `window`, for a few lines that are short beside it.
    fn near(edges: impl Iterator<Item = Line<f64>>, window: &Bounds) -> Self {
        // Places are found by a ray to the east, so what lies there counts, too.
        let reach = Bounds { max: [f64::INFINITY, window.max[1]], ..*window }.widened(SAME_EDGE_M);
        let mut bounds = Bounds::EMPTY;
        let met = |e: &Line<f64>| {
            let around = Bounds::of([e.start, e.end]);
            bounds.merge(&around);
            around.intersects(&reach)
        };
        let part = Self::of_edges(edges.filter(met));
        Self { bounds, ..part }
    }

    fn of_edges(edges: impl Iterator<Item = Line<f64>>) -> Self {
        let edges: Vec<Line<f64>> = edges.collect();
        let boxes: Vec<Bounds> = edges.iter().map(|e| Bounds::of([e.start, e.end])).collect();
        let mut bounds = Bounds::EMPTY;
        for b in &boxes {
            bounds.merge(b);
        }
        Self { edges, tree: BoxTree::new(boxes), bounds }
    }

    /// The maximal stretches of `line` that lie in the area, its boundary included. Where the line only touches at a
    /// point there is none. A line that runs twice over the same ground has both runs.
    #[must_use]
    pub fn runs(&self, line: &LineString<f64>) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        if !self.bounds.intersects(&Bounds::of(line.0.iter().copied())) {
            return runs;
        }
        let mut before_m = 0.0;
        let mut open = false;
        let mut cutter = Cutter::default();
        for segment in edges(line) {
            let pieces = cutter.cut(segment, self);
            let length = pieces.last().map_or(0.0, |p| p.to_m);
            for piece in pieces {
                if piece.place == Place::Outside {
                    open = false;
                    continue;
                }
                let along_boundary = piece.place == Place::Boundary;
                match runs.last_mut().filter(|_| open) {
                    Some(run) => {
                        run.to_m = before_m + piece.to_m;
                        run.along_boundary &= along_boundary;
                        run.end = piece.end;
                        if piece.from_m > 0.0 {
                            // The cut between two pieces of one segment is no vertex of the line.
                            run.coords.pop();
                        }
                        run.coords.push(piece.end);
                    }
                    None => runs.push(Run {
                        from_m: before_m + piece.from_m,
                        to_m: before_m + piece.to_m,
                        start: piece.start,
                        end: piece.end,
                        along_boundary,
                        coords: vec![piece.start, piece.end],
                    }),
                }
                open = true;
            }
            before_m += length;
        }
        runs.retain(|r| r.length_m() > POINT_M);
        runs
    }

    /// The direction of an edge that runs within [`SAME_EDGE_M`] of `p`, if there is one.
    fn edge_at(&self, p: Coord<f64>) -> Option<Coord<f64>> {
        let mut found = None;
        self.tree.meeting(&Bounds::of([p]).widened(SAME_EDGE_M), |i| {
            let (d, to) = (self.edges[i].end - self.edges[i].start, p - self.edges[i].start);
            let t = ((d.x * to.x + d.y * to.y) / (d.x * d.x + d.y * d.y)).clamp(0.0, 1.0);
            let off = to - d * t;
            if off.x.hypot(off.y) <= SAME_EDGE_M {
                found = Some(d);
            }
        });
        found
    }

    /// What the boundary of this area inside `other` adds to the common ground, square metres. An edge that both
    /// have counts half from each when both lie on the same side of it, and not at all when they only touch there.
    /// With it comes the way from the beginning to the end of all that counted.
    fn ground_along(&self, other: &Area) -> (f64, Coord<f64>) {
        let (mut sum, mut way) = (0.0, Coord { x: 0.0, y: 0.0 });
        let mut cutter = Cutter::default();
        for &edge in &self.edges {
            // The next ring may begin anywhere.
            cutter.known = None;
            if !other.bounds.intersects(&Bounds::of([edge.start, edge.end])) {
                continue;
            }
            for piece in cutter.cut(edge, other) {
                let d = edge.end - edge.start;
                let middle = Coord {
                    x: f64::midpoint(piece.start.x, piece.end.x),
                    y: f64::midpoint(piece.start.y, piece.end.y),
                };
                let share = match other.edge_at(middle) {
                    Some(theirs) if theirs.x * d.x + theirs.y * d.y > 0.0 => 0.5,
                    Some(_) => 0.0,
                    None if piece.place == Place::Outside => 0.0,
                    None => 1.0,
                };
                way = way + (piece.end - piece.start) * share;
                sum += share * (piece.start.x * piece.end.y - piece.start.y * piece.end.x) / 2.0;
            }
        }
        (sum, way)
    }
}

impl Ground for Area {
    fn each_edge(&self, window: &Bounds, mut each: impl FnMut(Line<f64>)) {
        self.tree.meeting(window, |i| each(self.edges[i]));
    }

    /// A ray to the east crosses the boundary an odd number of times from inside.
    fn place(&self, p: Coord<f64>) -> Place {
        let mut place = Place::Outside;
        let mut on_edge = false;
        if self.bounds.contains(p) {
            self.tree.meeting(&Bounds { min: [p.x, p.y], max: [f64::INFINITY, p.y] }, |i| {
                let Line { start, end } = self.edges[i];
                let (low, high) = if start.y <= end.y { (start, end) } else { (end, start) };
                let crosses = low.y <= p.y && p.y < high.y;
                match RobustKernel::orient2d(low, high, p) {
                    Orientation::Collinear => on_edge |= Bounds::of([start, end]).contains(p),
                    Orientation::CounterClockwise if crosses => {
                        place = if place == Place::Outside { Place::Inside } else { Place::Outside };
                    }
                    _ => {}
                }
            });
        }
        if on_edge { Place::Boundary } else { place }
    }
}
impl Cutter {
    /// `segment` cut where it meets the boundary of `ground`.
    pub(super) fn cut(&mut self, segment: Line<f64>, ground: &impl Ground) -> &[Piece] {
        let d = segment.end - segment.start;
        let length = d.x.hypot(d.y);
        let along = |c: Coord<f64>| {
            if c == segment.start {
                0.0
            } else if c == segment.end {
                length
            } else {
                (((c.x - segment.start.x) * d.x + (c.y - segment.start.y) * d.y) / length).clamp(0.0, length)
            }
        };
        let Self { known, cuts, shared, pieces } = self;
        cuts.clear();
        cuts.extend([(0.0, segment.start), (length, segment.end)]);
        shared.clear();
        let window = Bounds::of([segment.start, segment.end]).widened(SAME_EDGE_M);
        ground.each_edge(&window, |edge| {
            // Where an edge runs beside the segment no farther off than rounding, nothing need cross. Cut there too,
            // so that no piece is judged by a middle that rounding can place on either side.
            let to = edge.start - segment.start;
            let at = (to.x * d.x + to.y * d.y) / length;
            if at > 0.0 && at < length && (to.x * d.y - to.y * d.x).abs() <= SAME_EDGE_M * length {
                cuts.push((at, edge.start));
            }
            match line_intersection(segment, edge) {
                Some(LineIntersection::SinglePoint { intersection, .. }) => {
                    cuts.push((along(intersection), intersection));
                }
                Some(LineIntersection::Collinear { intersection }) => {
                    let (a, b) = (along(intersection.start), along(intersection.end));
                    cuts.extend([(a, intersection.start), (b, intersection.end)]);
                    shared.push((a.min(b), a.max(b)));
                }
                None => {}
            }
        });
        let end_is_met = cuts[2..].iter().any(|c| length - c.0 <= POINT_M);
        if cuts[2..].iter().any(|c| c.0 <= POINT_M) {
            *known = None;
        }
        cuts.sort_by(|a, b| a.0.total_cmp(&b.0));
        pieces.clear();
        let (mut from_m, mut start) = cuts[0];
        for (k, &(to_m, end)) in cuts.iter().enumerate().skip(1) {
            let last = k + 1 == cuts.len();
            if to_m - from_m <= POINT_M && !(last && pieces.is_empty()) {
                // Too near to the cut before it to be another; the end of the segment is kept as it is.
                if let Some(piece) = pieces.last_mut().filter(|_| last) {
                    (piece.to_m, piece.end) = (to_m, end);
                }
                continue;
            }
            let middle_m = f64::midpoint(from_m, to_m);
            let place = if shared.iter().any(|s| s.0 <= middle_m && middle_m <= s.1) {
                Place::Boundary
            } else if let Some(place) = known.filter(|_| pieces.is_empty()) {
                place
            } else {
                ground.place(Coord { x: f64::midpoint(start.x, end.x), y: f64::midpoint(start.y, end.y) })
            };
            pieces.push(Piece { from_m, to_m, start, end, place });
            (from_m, start) = (to_m, end);
        }
        *known = pieces.last().map(|p| p.place).filter(|p| !end_is_met && *p != Place::Boundary);
        pieces
    }
}

fn all_edges(area: &[Polygon<f64>]) -> impl Iterator<Item = Line<f64>> + '_ {
    area.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())).flat_map(edges)
}

fn edges(line: &LineString<f64>) -> impl Iterator<Item = Line<f64>> + '_ {
    line.lines().filter(|l| l.start != l.end)
}

/// The edges of `area` relative to `origin`, the area on the left of each: those that matter in `window`.
fn oriented(area: &[Polygon<f64>], origin: Coord<f64>, window: &Bounds) -> Area {
    let rings =
        area.iter().flat_map(|p| std::iter::once((p.exterior(), true)).chain(p.interiors().iter().map(|h| (h, false))));
    let local = move |l: Line<f64>| Line::new(l.start - origin, l.end - origin);
    let edges = rings.flat_map(move |(ring, outer)| {
        let twice: f64 = edges(ring).map(local).map(|l| l.determinant()).sum();
        let keep = (twice > 0.0) == outer;
        edges(ring).map(local).map(move |l| if keep { l } else { Line::new(l.end, l.start) })
    });
    let shift = |c: [f64; 2]| [c[0] - origin.x, c[1] - origin.y];
    Area::near(edges, &Bounds { min: shift(window.min), max: shift(window.max) })
}

/// The maximal stretches of `line` that lie in `area`, its boundary included. For many lines prepare an [`Area`].
#[must_use]
pub fn runs_inside(line: &Grid<LineString<f64>>, area: &Grid<MultiPolygon<f64>>) -> Vec<Run> {
    Area::near(all_edges(&area.0.0), &Bounds::of(line.0.0.iter().copied())).runs(&line.0)
}

/// The length of `lines` inside `area`, its boundary included, metres.
#[must_use]
pub fn length_inside(lines: &Grid<MultiLineString<f64>>, area: &Grid<MultiPolygon<f64>>) -> f64 {
    let area = Area::near(all_edges(&area.0.0), &Bounds::of(lines.0.coords_iter()));
    lines.0.iter().flat_map(|line| area.runs(line)).map(|run| run.length_m()).sum()
}

/// The ground common to two valid areas, each given by its parts, square metres.
#[must_use]
pub fn area_inside(a: &Grid<&[Polygon<f64>]>, b: &Grid<&[Polygon<f64>]>) -> f64 {
    let bounds = |area: &[Polygon<f64>]| Bounds::of(area.iter().flat_map(|p| p.exterior().0.iter().copied()));
    let (of_a, of_b) = (bounds(a.0), bounds(b.0));
    if of_a.is_empty() || of_b.is_empty() || !of_a.intersects(&of_b) {
        return 0.0;
    }
    let shared = Bounds {
        min: [of_a.min[0].max(of_b.min[0]), of_a.min[1].max(of_b.min[1])],
        max: [of_a.max[0].min(of_b.max[0]), of_a.max[1].min(of_b.max[1])],
    };
    // Cross products are finest near the origin, so it lies in the middle of what both can share.
    let middle = |axis: usize| f64::midpoint(shared.min[axis], shared.max[axis]).round();
    let origin = Coord { x: middle(0), y: middle(1) };
    let (edges_a, edges_b) = (oriented(a.0, origin, &shared), oriented(b.0, origin, &shared));
    let (along_a, along_b) = (edges_a.ground_along(&edges_b), edges_b.ground_along(&edges_a));
    let (ground, gap) = (along_a.0 + along_b.0, along_a.1 + along_b.1);
    if gap.x.hypot(gap.y) <= GAP_M {
        return ground.max(0.0);
    }
    // A boundary that does not close was placed differently from its two sides, where edges run beside each other
    // hardly farther off than rounding. The overlay on a raster is coarser but sees both at once; it can panic
    // (iShape-Rust/iOverlay, 78 and 79).
    let local = |area: &[Polygon<f64>]| MultiPolygon(area.to_vec()).translate(-origin.x, -origin.y);
    std::panic::catch_unwind(|| local(a.0).intersection(&local(b.0)).unsigned_area()).unwrap_or(ground.max(0.0))
}

#[cfg(test)]
mod tests;
