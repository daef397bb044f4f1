//! The land of a corridor: a centreline widened to the left and to the right, with flat ends.
//!
//! The corridor is every point whose **nearest** point of the centreline lies within the half-width of the side on
//! which it is seen. A point whose nearest point is an end, beyond that end, is outside. So on a road that comes
//! near itself, or bends sharply, a wide side does not reach across a narrow one, which a union of rectangles
//! would let it do. Where two pieces are equally near, the point belongs to the corridor if either lets it in.
//!
//! How: the union of what every piece sees (`cells`), minus the cells of the ends, and where the half-widths
//! differ, minus what is seen on the narrow side (`outline`), put together by `rings`. Only cells that meet
//! other cells are worked out. Roads take milliseconds; a line that crosses itself thousands of times, seconds.

mod cells;
mod outline;
mod rings;
#[cfg(test)]
mod tests;

use geo::{Area, Euclidean, Length, MapCoords, Translate};
use geo_types::{Coord, Geometry, MultiLineString, MultiPolygon, Polygon};

use self::cells::{Cell, arc_round, are_apart, cross, dot, left_of};
use self::rings::Ring;
use super::boxes::BoxTree;
use super::{Bounds, Grid, Metres, valid};

/// How much arcs lie outside the true circle at most, metres; one centimetre is promised in all.
const ARC_ERROR_M: f64 = 0.008;

/// Parts and holes thinner than this are leavings of rounding, metres: the overlay works on a raster of at most a
/// fifth of a millimetre.
const SLIVER_M: f64 = 2e-4;

/// Parts and holes smaller than this are leavings of rounding, square metres.
const SLIVER_M2: f64 = 1e-6;

/// The overlay can fail on a raster on which things happen to meet. Then the raster is laid another way, radians.
const TURNS: [f64; 4] = [0.0, 0.1, 0.7, 1.3];

/// A centreline and half-widths that make no land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BufferError {
    /// All positions of the centreline are the same, or there are none.
    #[error("the centreline has no length")]
    NoLength,
    /// Both half-widths are 0.
    #[error("the corridor has no width: at least one of its half-widths must be more than 0")]
    NoWidth,
    /// A position is infinite or not a number.
    #[error("the centreline has a position that is not a finite number")]
    NotFinite,
    /// What comes out is smaller than the precision of the numbers.
    #[error("the corridor is too small to have an area")]
    TooSmall,
    /// The overlay gave no valid polygon, whichever way its raster was laid.
    #[error("the land of this centreline could not be worked out; a simpler line would help")]
    Unresolved,
}

/// The land of a corridor on the grid: all within `left` and `right` metres of `centreline`, ends flat, arcs at most
/// a centimetre outside. Parts that follow each other (end = next start) count as one line; a closed line has no
/// ends. The outer rings run counterclockwise.
///
/// # Errors
/// [`BufferError`] where there is no length, no width or no number.
pub fn corridor(
    centreline: &Grid<MultiLineString<f64>>,
    left: Metres,
    right: Metres,
) -> Result<Grid<MultiPolygon<f64>>, BufferError> {
    let (left, right) = (left.get(), right.get());
    if left <= 0.0 && right <= 0.0 {
        return Err(BufferError::NoWidth);
    }
    if centreline.0.iter().flat_map(|l| &l.0).any(|c| !c.x.is_finite() || !c.y.is_finite()) {
        return Err(BufferError::NotFinite);
    }
    let box_all = Bounds::of(centreline.0.iter().flat_map(|l| l.0.iter().copied()));
    if box_all.is_empty() {
        return Err(BufferError::NoLength);
    }
    // Near the origin numbers are finer; whole metres keep the way back exact.
    let origin = Coord {
        x: f64::midpoint(box_all.min[0], box_all.max[0]).round(),
        y: f64::midpoint(box_all.min[1], box_all.max[1]).round(),
    };
    let chains = chains(&centreline.0, origin);
    if chains.is_empty() {
        return Err(BufferError::NoLength);
    }
    for angle in TURNS {
        let turned: Vec<Chain> = chains.iter().map(|c| c.turned(angle)).collect();
        let land = rings::polygons(&Pieces::of(&turned).land(left, right), is_land);
        if land.0.is_empty() {
            return Err(BufferError::TooSmall);
        }
        let land = Geometry::MultiPolygon(land.map_coords(|c| turn(c, -angle)).translate(origin.x, origin.y));
        if valid::problems(&land).is_empty()
            && let Geometry::MultiPolygon(land) = land
        {
            return Ok(Grid(land));
        }
    }
    Err(BufferError::Unresolved)
}

/// `c` turned round the origin by `angle` radians; by 0 it stays bit for bit.
fn turn(c: Coord<f64>, angle: f64) -> Coord<f64> {
    let (sin, cos) = angle.sin_cos();
    Coord { x: c.x * cos - c.y * sin, y: c.x * sin + c.y * cos }
}

/// A polyline without repeated vertices, relative to the local origin.
struct Chain {
    /// A closed one ends with its first vertex.
    vertices: Vec<Coord<f64>>,
}

impl Chain {
    fn turned(&self, angle: f64) -> Self {
        Self { vertices: self.vertices.iter().map(|&c| turn(c, angle)).collect() }
    }

    fn closed(&self) -> bool {
        self.vertices.first() == self.vertices.last()
    }
}

/// The polylines of the centreline, successive ones joined, repeated vertices dropped.
fn chains(centreline: &MultiLineString<f64>, origin: Coord<f64>) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    for part in centreline {
        let mut vertices: Vec<Coord<f64>> = part.0.iter().map(|&c| c - origin).collect();
        vertices.dedup();
        if vertices.len() < 2 {
            continue;
        }
        match chains.last_mut().filter(|before| before.vertices.last() == vertices.first()) {
            Some(before) => before.vertices.extend_from_slice(&vertices[1..]),
            None => chains.push(Chain { vertices }),
        }
    }
    chains
}

/// A side of the centreline, seen in its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// One segment with the bend at its end.
struct Segment {
    start: Coord<f64>,
    end: Coord<f64>,
    along: Coord<f64>,
    /// The direction of the segment that follows, if one does.
    next: Option<Coord<f64>>,
}

impl Segment {
    /// Towards a side, of length 1.
    fn normal(along: Coord<f64>, side: Side) -> Coord<f64> {
        match side {
            Side::Left => left_of(along),
            Side::Right => left_of(along) * -1.0,
        }
    }

    /// What the segment sees on `side`.
    fn strip(&self, side: Side) -> Cell {
        let span = self.end - self.start;
        Cell::Strip {
            start: self.start,
            end: self.end,
            along: self.along,
            length: span.x.hypot(span.y),
            normal: Self::normal(self.along, side),
        }
    }

    /// What the vertex at the end sees on `side`, if that is the outer side of its bend. A line that turns back in
    /// itself has both sides outside.
    fn fan(&self, side: Side) -> Option<Cell> {
        let next = self.next?;
        let turn = cross(self.along, next);
        let back = turn == 0.0 && dot(self.along, next) < 0.0;
        let (here, there) = (Self::normal(self.along, side), Self::normal(next, side));
        match side {
            Side::Right if turn > 0.0 || back => Some(Cell::fan(self.end, here, there)),
            Side::Left if turn < 0.0 || back => Some(Cell::fan(self.end, there, here)),
            _ => None,
        }
    }

    /// What the segment and the bend at its end see on both sides, without regard to anything else.
    fn land(&self, left: f64, right: f64) -> Ring {
        let (to_left, to_right) = (Self::normal(self.along, Side::Left), Self::normal(self.along, Side::Right));
        let mut corners = vec![self.start + to_right * right, self.end + to_right * right];
        let bend = |side: Side, width: f64, ring: &mut Vec<Coord<f64>>| {
            if let Some(Cell::Fan { apex, from, to, angle }) = self.fan(side).filter(|_| width > 0.0) {
                ring.push(apex + from * width);
                arc_round(apex, from, angle, width, ARC_ERROR_M, ring);
                ring.push(apex + to * width);
            }
        };
        bend(Side::Right, right, &mut corners);
        corners.push(self.end);
        bend(Side::Left, left, &mut corners);
        corners.extend([self.end + to_left * left, self.start + to_left * left]);
        ring(corners)
    }
}

fn ring(corners: impl IntoIterator<Item = Coord<f64>>) -> Ring {
    corners.into_iter().map(|c| [c.x, c.y]).collect()
}

/// The centreline taken to pieces.
struct Pieces {
    segments: Vec<Segment>,
    /// What lies beyond every end: half discs.
    caps: Vec<Cell>,
}

impl Pieces {
    fn of(chains: &[Chain]) -> Self {
        let (mut segments, mut caps) = (Vec::new(), Vec::new());
        for chain in chains {
            let from = segments.len();
            for pair in chain.vertices.windows(2) {
                let span = pair[1] - pair[0];
                let along = span / span.x.hypot(span.y);
                segments.push(Segment { start: pair[0], end: pair[1], along, next: None });
            }
            for i in from + 1..segments.len() {
                segments[i - 1].next = Some(segments[i].along);
            }
            let (first, last) = (from, segments.len() - 1);
            if chain.closed() {
                segments[last].next = Some(segments[first].along);
            } else {
                let ends =
                    [(segments[first].start, segments[first].along * -1.0), (segments[last].end, segments[last].along)];
                for (end, out) in ends {
                    caps.push(Cell::fan(end, left_of(out) * -1.0, left_of(out)));
                }
            }
        }
        Self { segments, caps }
    }

    /// What all segments and bends see on both sides.
    fn widened(&self, left: f64, right: f64) -> Vec<Ring> {
        self.segments.iter().map(|s| s.land(left, right)).collect()
    }

    fn land(&self, left: f64, right: f64) -> Vec<Ring> {
        let wide_side = if left > right { Side::Left } else { Side::Right };
        let cells = Neighbours::of(self, left, right);
        let (wide, narrow) = (left.max(right), left.min(right));
        let taken = if wide > narrow { self.seen_from_narrow_side(&cells, wide_side, narrow) } else { Vec::new() };
        let mut land = if taken.is_empty() {
            self.widened(left, right)
        } else {
            let one_side = if wide_side == Side::Left { self.widened(wide, 0.0) } else { self.widened(0.0, wide) };
            // Each first by itself: what overlaps much costs less the fewer edges there are to cross.
            rings::difference(&rings::union(&one_side), &rings::union(&taken))
        };
        if !taken.is_empty() && narrow > 0.0 {
            land.extend(rings::union(&self.widened(narrow, narrow)));
        }
        let beyond: Vec<Ring> =
            self.caps.iter().filter_map(|cap| cells.part_seen_first(cap, 0.0, wide, None)).collect();
        if beyond.is_empty() { rings::union(&land) } else { rings::difference(&land, &beyond) }
    }

    /// The ground nearest to a piece that sees it on its narrow side, as far as the wide side of others reaches it.
    fn seen_from_narrow_side(&self, cells: &Neighbours, wide_side: Side, narrow: f64) -> Vec<Ring> {
        let (side, wide) = match wide_side {
            Side::Left => (Side::Right, cells.left),
            Side::Right => (Side::Left, cells.right),
        };
        let own = self.segments.iter().flat_map(|s| [Some(s.strip(side)), s.fan(side)]).flatten();
        own.filter_map(|cell| cells.part_seen_first(&cell, narrow, wide, Some(wide_side))).collect()
    }
}

/// All cells of a centreline, to be found by place.
struct Neighbours {
    cells: Vec<(Side, Cell)>,
    tree: BoxTree,
    left: f64,
    right: f64,
}

impl Neighbours {
    fn of(pieces: &Pieces, left: f64, right: f64) -> Self {
        let mut cells = Vec::with_capacity(pieces.segments.len() * 3);
        for s in &pieces.segments {
            for (side, width) in [(Side::Left, left), (Side::Right, right)] {
                if width > 0.0 {
                    cells.push((side, s.strip(side)));
                    cells.extend(s.fan(side).map(|fan| (side, fan)));
                }
            }
        }
        let width = |side| if side == Side::Left { left } else { right };
        let tree = BoxTree::new(cells.iter().map(|(side, cell)| cell.bounds(width(*side))).collect());
        Self { cells, tree, left, right }
    }

    /// The part of `cell` in which no other piece, or none on `only` that side, is nearer. Nothing when no other
    /// cell reaches into it between `inner` and `outer`, for then nobody else claims it.
    fn part_seen_first(&self, cell: &Cell, inner: f64, outer: f64, only: Option<Side>) -> Option<Ring> {
        let own = cell.hull(inner, outer, outer / 8.0);
        let mut others = Vec::new();
        self.tree.meeting(&cell.bounds(outer), |i| {
            let (side, other) = &self.cells[i];
            let width = if *side == Side::Left { self.left } else { self.right };
            if only.is_none_or(|only| only == *side) && !are_apart(&own, &other.hull(0.0, width, width / 8.0)) {
                others.push(*other);
            }
        });
        if others.is_empty() {
            return None;
        }
        // A little farther than any other reaches, arcs included, lest a rim of theirs be left.
        let corners = cell.seen_before(&others, outer + 4.0 * ARC_ERROR_M);
        (corners.len() > 2).then(|| ring(corners))
    }
}

/// A ring is more than leavings of rounding.
fn is_land(filled: &Polygon<f64>) -> bool {
    let area = filled.unsigned_area();
    area > SLIVER_M2 && area > SLIVER_M * Euclidean.length(filled.exterior()) / 2.0
}
