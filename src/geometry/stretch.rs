//! Stretches of lines: those within a distance of other edges, and which of many hang together.
//!
//! The stretch of a straight segment within a distance of one edge has no gaps (what is within a distance of an edge
//! is convex), so its two ends are roots of linear and quadratic equations, and the stretches of a line are unions of
//! such intervals. Nothing is sampled. Stretches inside an area are for [`super::overlay`].

use geo::algorithm::line_intersection::{LineIntersection, line_intersection};
use geo_types::{Coord, Geometry, Line, LineString};

use super::Bounds;
use super::boxes::BoxTree;

/// Stretches nearer to each other than this are one, metres; and what is farther than asked by less is near enough:
/// grid coordinates are no finer.
const SAME_M: f64 = 1e-9;

/// Ends nearer to each other than this are one place, metres: crossings are worked out from both lines.
const JOINT_M: f64 = 1e-6;

/// A connected part of a line; a single point is one of two equal positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Its positions.
    pub coords: Vec<Coord<f64>>,
    /// Its length, metres.
    pub length_m: f64,
}

impl Stretch {
    /// The stretch through `coords`.
    #[must_use]
    pub fn of(coords: Vec<Coord<f64>>) -> Self {
        let length_m = coords.windows(2).map(|w| (w[1].x - w[0].x).hypot(w[1].y - w[0].y)).sum();
        Self { coords, length_m }
    }

    /// Whether `p` is one of its points, give or take a micrometre.
    #[must_use]
    pub fn holds(&self, p: Coord<f64>) -> bool {
        self.coords.windows(2).any(|w| {
            Bounds::of([w[0], w[1]]).widened(JOINT_M).contains(p)
                && near_edge(p, Coord { x: 1.0, y: 0.0 }, 0.0, &Line::new(w[0], w[1]), JOINT_M).is_some()
        })
    }

    fn ends(&self) -> impl Iterator<Item = Coord<f64>> {
        self.coords.first().into_iter().chain(self.coords.last()).copied()
    }
}

/// Edges of lines and rings on a grid, to be asked by a few lines.
#[derive(Debug)]
pub struct Edges {
    edges: Vec<Line<f64>>,
    tree: BoxTree,
}

impl Edges {
    /// The edges of `shape` that meet `window`; metres on a grid.
    #[must_use]
    pub fn of(shape: &Geometry<f64>, window: &Bounds) -> Self {
        let mut edges: Vec<Line<f64>> = Vec::new();
        let mut boxes: Vec<Bounds> = Vec::new();
        each_line(shape, &mut |line| {
            for edge in line.lines() {
                let around = Bounds::of([edge.start, edge.end]);
                if around.intersects(window) {
                    edges.push(edge);
                    boxes.push(around);
                }
            }
        });
        Self { edges, tree: BoxTree::new(boxes) }
    }

    /// The longest stretches of `line` all of whose points lie within `reach` metres of an edge.
    #[must_use]
    pub fn stretches(&self, line: &LineString<f64>, reach: f64) -> Vec<Stretch> {
        let mut found: Vec<Stretch> = Vec::new();
        // The last stretch goes on where the next segment begins.
        let mut open = false;
        let mut intervals: Vec<(f64, f64)> = Vec::new();
        for segment in line.lines() {
            let d = segment.end - segment.start;
            let length = d.x.hypot(d.y);
            if length <= 0.0 {
                continue;
            }
            intervals.clear();
            let window = Bounds::of([segment.start, segment.end]).widened(reach + SAME_M);
            self.tree.meeting(&window, |i| {
                intervals.extend(near_edge(segment.start, d / length, length, &self.edges[i], reach + SAME_M));
            });
            intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut merged: Vec<(f64, f64)> = Vec::with_capacity(intervals.len());
            for &(from, to) in &intervals {
                match merged.last_mut().filter(|last| from <= last.1 + SAME_M) {
                    Some(last) => last.1 = last.1.max(to),
                    None => merged.push((from, to)),
                }
            }
            let at = |t: f64| if t >= length { segment.end } else { segment.start + d * (t / length) };
            let mut goes_on = false;
            for (from, to) in merged {
                goes_on = to >= length - SAME_M;
                let end = if goes_on { segment.end } else { at(to) };
                match found.last_mut().filter(|_| open && from <= SAME_M) {
                    Some(last) => {
                        last.coords.push(end);
                        last.length_m += to;
                    }
                    None => found.push(Stretch { coords: vec![at(from), end], length_m: to - from }),
                }
                open = false;
            }
            open = goes_on;
        }
        found
    }

    /// Where `line` meets the edges in single points.
    #[must_use]
    pub fn meetings(&self, line: &LineString<f64>) -> Vec<Coord<f64>> {
        let mut found = Vec::new();
        for segment in line.lines() {
            self.tree.meeting(&Bounds::of([segment.start, segment.end]), |i| {
                if let Some(LineIntersection::SinglePoint { intersection, .. }) =
                    line_intersection(segment, self.edges[i])
                {
                    found.push(intersection);
                }
            });
        }
        found
    }
}

/// Every line and ring of a shape.
pub fn each_line<'a>(shape: &'a Geometry<f64>, each: &mut impl FnMut(&'a LineString<f64>)) {
    match shape {
        Geometry::LineString(line) => each(line),
        Geometry::MultiLineString(lines) => lines.0.iter().for_each(each),
        Geometry::Polygon(p) => {
            each(p.exterior());
            p.interiors().iter().for_each(each);
        }
        Geometry::MultiPolygon(parts) => {
            for p in &parts.0 {
                each(p.exterior());
                p.interiors().iter().for_each(&mut *each);
            }
        }
        _ => {}
    }
}

/// The ways from `start` along `along`, 0 to `length` metres, that lie within `reach` of `edge`.
fn near_edge(start: Coord<f64>, along: Coord<f64>, length: f64, edge: &Line<f64>, reach: f64) -> Option<(f64, f64)> {
    let d = edge.end - edge.start;
    let size = d.x.hypot(d.y);
    let disc = |centre: Coord<f64>| {
        let to = start - centre;
        let (before, beside) = (to.x * along.x + to.y * along.y, along.x * to.y - along.y * to.x);
        let half = ((reach - beside) * (reach + beside)).sqrt();
        (!half.is_nan()).then(|| (-before - half, -before + half))
    };
    let strip = || {
        let e = d / size;
        let to = start - edge.start;
        let lengthwise = band(to.x * e.x + to.y * e.y, along.x * e.x + along.y * e.y, 0.0, size)?;
        let across = band(e.x * to.y - e.y * to.x, e.x * along.y - e.y * along.x, -reach, reach)?;
        let both = (lengthwise.0.max(across.0), lengthwise.1.min(across.1));
        (both.0 <= both.1).then_some(both)
    };
    let parts = [disc(edge.start), disc(edge.end), if size > 0.0 { strip() } else { None }];
    let (from, to) = parts.into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    let (from, to) = (from.max(0.0), to.min(length));
    (from <= to).then_some((from, to))
}

/// Where `at + slope · t` lies from `low` to `high`.
fn band(at: f64, slope: f64, low: f64, high: f64) -> Option<(f64, f64)> {
    if slope == 0.0 {
        return (low <= at && at <= high).then_some((f64::NEG_INFINITY, f64::INFINITY));
    }
    let (a, b) = ((low - at) / slope, (high - at) / slope);
    Some((a.min(b), a.max(b)))
}

/// Numbers the stretches by what hangs together: those with a common end, and, if they bound an area, those that bound
/// one part of it; `in_area` says whether a point is in that area.
#[must_use]
pub fn connected(stretches: &[Stretch], in_area: Option<&dyn Fn(Coord<f64>) -> bool>) -> Vec<usize> {
    let mut groups = Groups((0..stretches.len()).collect());
    let ends_of = |(i, s): (usize, &Stretch)| s.ends().map(move |c| (c, i)).collect::<Vec<_>>();
    let mut ends: Vec<(Coord<f64>, usize)> = stretches.iter().enumerate().flat_map(ends_of).collect();
    ends.sort_by(|a, b| a.0.x.total_cmp(&b.0.x));
    for (n, (here, i)) in ends.iter().enumerate() {
        for (there, j) in ends[n + 1..].iter().take_while(|end| end.0.x - here.x <= JOINT_M) {
            if (there.y - here.y).abs() <= JOINT_M {
                groups.join(*i, *j);
            }
        }
    }
    if let Some(in_area) = in_area {
        join_rings(stretches, &mut groups, in_area);
    }
    (0..stretches.len()).map(|i| groups.of(i)).collect()
}

/// Joins what ends on another stretch, and the boundaries of holes to those round them: what lies directly to the west of the westernmost point of a
/// group bounds the same part, if the ground between is in the area.
fn join_rings(stretches: &[Stretch], groups: &mut Groups, in_area: &dyn Fn(Coord<f64>) -> bool) {
    for (i, s) in stretches.iter().enumerate() {
        for end in s.ends() {
            let met = |(j, other): &(usize, &Stretch)| groups.of(*j) != groups.of(i) && other.holds(end);
            if let Some((j, _)) = stretches.iter().enumerate().find(met) {
                groups.join(i, j);
            }
        }
    }
    let mut first: std::collections::BTreeMap<usize, Coord<f64>> = std::collections::BTreeMap::new();
    for (i, s) in stretches.iter().enumerate() {
        let west = s.coords.iter().copied().min_by(|a, b| a.x.total_cmp(&b.x));
        let Some(west) = west else { continue };
        let known = first.entry(groups.of(i)).or_insert(west);
        if west.x < known.x {
            *known = west;
        }
    }
    if first.len() < 2 {
        return;
    }
    let own: Vec<usize> = (0..stretches.len()).map(|i| groups.of(i)).collect();
    for (group, here) in first {
        let mut hit: Option<(f64, usize)> = None;
        for (i, s) in stretches.iter().enumerate().filter(|(i, _)| own[*i] != group) {
            for w in s.coords.windows(2).filter(|w| (w[0].y > here.y) != (w[1].y > here.y)) {
                let x = w[0].x + (w[1].x - w[0].x) * ((here.y - w[0].y) / (w[1].y - w[0].y));
                if x <= here.x + JOINT_M && hit.is_none_or(|best| x > best.0) {
                    hit = Some((x, i));
                }
            }
        }
        if let Some((x, i)) = hit
            && (here.x - x <= JOINT_M || in_area(Coord { x: f64::midpoint(x, here.x), y: here.y }))
        {
            groups.join(group, i);
        }
    }
}

/// Which numbers belong together: each names another of its group, or itself.
struct Groups(Vec<usize>);

impl Groups {
    fn of(&self, mut i: usize) -> usize {
        while self.0[i] != i {
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, i: usize, j: usize) {
        let (a, b) = (self.of(i), self.of(j));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests;
