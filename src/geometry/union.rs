//! Areas taken as one: whether a shape, with the ground round it, lies wholly in what they cover together.
//!
//! No polygon is built and no coordinate is moved. The edge of the whole is what is left of the edges of the areas
//! once every piece that has ground of the others on its far side is taken away: because it lies inside another area,
//! or because another area begins at that very edge. Whatever cannot be told exactly stays an edge, so a gap of the
//! width of a number's last digit still is one, and "inside" is never said in doubt.

use std::sync::Arc;

use geo::CoordsIter;
use geo::Orientation;
use geo::algorithm::kernels::{Kernel, RobustKernel};
use geo::orient::{Direction, Orient};
use geo_types::{Coord, Geometry, Line, LineString, MultiLineString, MultiPolygon};

use super::measure::Prepared;
use super::overlay::{Area, Cutter, Ground, Piece, Place};
use super::{Bounds, Grid};

/// A shape this near to the edge, metres, is not inside: what cutting edges loses by rounding is a thousandth of it.
const SLACK_M: f64 = 1e-6;

/// Cuts of one edge that differ by less are the same, metres.
const SAME_M: f64 = 1e-9;

/// Valid areas on one grid; they may overlap, repeat each other and share edges.
#[derive(Debug)]
pub struct Union {
    areas: Vec<Arc<Prepared>>,
    edge: Prepared,
}

impl Union {
    /// The union of `areas`.
    #[must_use]
    pub fn of(areas: &[Grid<MultiPolygon<f64>>]) -> Self {
        // Every ring runs so that its area is on the left.
        let turned: Vec<MultiPolygon<f64>> = areas.iter().map(|a| a.0.orient(Direction::Default)).collect();
        let edge = Prepared::new(&Grid(Geometry::MultiLineString(edge_of(&turned))));
        let prepare = |area| Arc::new(Prepared::new(&Grid(Geometry::MultiPolygon(area))));
        Self { areas: turned.into_iter().map(prepare).collect(), edge }
    }

    /// The areas, one by one.
    #[must_use]
    pub fn areas(&self) -> &[Arc<Prepared>] {
        &self.areas
    }

    /// `shape` and all ground within `distance` metres of it lie inside, touching the edge nowhere. Never true in
    /// doubt, of an empty shape, or of a distance that is none.
    #[must_use]
    pub fn holds_with(&self, shape: &Prepared, distance: f64) -> bool {
        // Far from the edge every connected piece is inside or outside as a whole: one position of each decides.
        let inside = |c: Coord<f64>| self.areas.iter().any(|a| Prepared::point(c).within(a, SLACK_M));
        distance >= 0.0
            && !shape.within(&self.edge, distance + SLACK_M)
            && shape.geometry().coords_iter().next().is_some()
            && every_part(&shape.geometry(), &inside)
    }

    /// Some of `shape`, or of the ground within `distance` metres of it, lies inside or touches.
    #[must_use]
    pub fn meets(&self, shape: &Prepared, distance: f64) -> bool {
        self.areas.iter().any(|a| shape.within(a, distance))
    }
}

/// `accepts` the first position of every part of a shape.
fn every_part(shape: &Geometry<f64>, accepts: &impl Fn(Coord<f64>) -> bool) -> bool {
    match shape {
        Geometry::MultiPoint(m) => m.0.iter().all(|p| accepts(p.0)),
        Geometry::MultiLineString(m) => m.0.iter().filter_map(|l| l.0.first()).all(|c| accepts(*c)),
        Geometry::MultiPolygon(m) => m.0.iter().filter_map(|p| p.exterior().0.first()).all(|c| accepts(*c)),
        Geometry::GeometryCollection(all) => all.0.iter().all(|g| every_part(g, accepts)),
        one => one.coords_iter().next().is_none_or(accepts),
    }
}

/// The edge of the union of areas whose rings have them on the left; at most too much of it.
fn edge_of(areas: &[MultiPolygon<f64>]) -> MultiLineString<f64> {
    let prepared: Vec<Area> = areas.iter().map(|a| Area::of(&Grid(a.clone()))).collect();
    let mut lines: Vec<LineString<f64>> = Vec::new();
    let mut cutter = Cutter::default();
    for (own, area) in areas.iter().enumerate() {
        let others = Others { areas: &prepared, own };
        for ring in area.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())) {
            let mut line: Vec<Coord<f64>> = Vec::new();
            for edge in ring.lines().filter(|l| l.start != l.end) {
                cutter.known = None;
                for piece in cutter.cut(edge, &others) {
                    let covered = match piece.place {
                        Place::Inside => true,
                        Place::Outside => false,
                        Place::Boundary => others.hold(piece) || others.begin_along(edge, piece),
                    };
                    if covered {
                        take(&mut line, &mut lines);
                        continue;
                    }
                    if line.last() != Some(&piece.start) {
                        take(&mut line, &mut lines);
                        line.push(piece.start);
                    }
                    line.push(piece.end);
                }
            }
            take(&mut line, &mut lines);
        }
    }
    MultiLineString(lines)
}

fn take(line: &mut Vec<Coord<f64>>, lines: &mut Vec<LineString<f64>>) {
    if !line.is_empty() {
        lines.push(LineString(std::mem::take(line)));
    }
}

/// All areas but one.
struct Others<'a> {
    areas: &'a [Area],
    own: usize,
}

impl Others<'_> {
    fn each(&self) -> impl Iterator<Item = &Area> {
        self.areas.iter().enumerate().filter(|(n, _)| *n != self.own).map(|(_, area)| area)
    }

    /// The piece runs through the inside of one of them.
    fn hold(&self, piece: &Piece) -> bool {
        let middle =
            Coord { x: f64::midpoint(piece.start.x, piece.end.x), y: f64::midpoint(piece.start.y, piece.end.y) };
        self.each().any(|area| area.place(middle) == Place::Inside)
    }

    /// One of them begins on the far side of `edge`, all along `piece`: its own edge runs there the other way.
    fn begin_along(&self, edge: Line<f64>, piece: &Piece) -> bool {
        let d = edge.end - edge.start;
        let length = d.x.hypot(d.y);
        let along = |c: Coord<f64>| ((c.x - edge.start.x) * d.x + (c.y - edge.start.y) * d.y) / length;
        let on_line = |c| RobustKernel::orient2d(edge.start, edge.end, c) == Orientation::Collinear;
        let mut found = false;
        self.each_edge(&Bounds::of([piece.start, piece.end]).widened(SAME_M), |theirs| {
            let opposite = along(theirs.end) <= piece.from_m + SAME_M && piece.to_m <= along(theirs.start) + SAME_M;
            found |= opposite && on_line(theirs.start) && on_line(theirs.end);
        });
        found
    }
}

impl Ground for Others<'_> {
    fn each_edge(&self, window: &Bounds, mut each: impl FnMut(Line<f64>)) {
        for area in self.each() {
            area.each_edge(window, &mut each);
        }
    }

    fn place(&self, p: Coord<f64>) -> Place {
        let mut found = Place::Outside;
        for area in self.each() {
            match area.place(p) {
                Place::Inside => return Place::Inside,
                Place::Boundary => found = Place::Boundary,
                Place::Outside => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a shape that cannot be read has failed the test
    use super::*;
    use wkt::TryFromWkt;

    fn union(areas: &[&str]) -> Union {
        let read = |text: &&str| match Geometry::<f64>::try_from_wkt_str(text).unwrap() {
            Geometry::Polygon(p) => Grid(MultiPolygon(vec![p])),
            Geometry::MultiPolygon(m) => Grid(m),
            other => unreachable!("{other:?}"),
        };
        Union::of(&areas.iter().map(read).collect::<Vec<_>>())
    }

    fn shape(text: &str) -> Prepared {
        Prepared::new(&Grid(Geometry::<f64>::try_from_wkt_str(text).unwrap()))
    }

    #[track_caller]
    fn check(areas: &[&str], subject: &str, distance: f64, holds: bool, meets: bool) {
        let (union, subject_shape) = (union(areas), shape(subject));
        let got = (union.holds_with(&subject_shape, distance), union.meets(&subject_shape, distance));
        assert_eq!(got, (holds, meets), "{areas:?} {subject} {distance}");
        // Which way the rings run and which area comes first says nothing.
        let mut turned: Vec<MultiPolygon<f64>> = Vec::new();
        for area in union.areas().iter().rev() {
            if let Geometry::MultiPolygon(m) = area.geometry().as_ref() {
                turned.push(m.orient(Direction::Reversed));
            }
        }
        let again = Union::of(&turned.into_iter().map(Grid).collect::<Vec<_>>());
        assert_eq!((again.holds_with(&subject_shape, distance), again.meets(&subject_shape, distance)), got);
    }

    const WEST: &str = "POLYGON((0 0,10 0,10 10,0 10,0 0))";
    const EAST: &str = "POLYGON((10 0,20 0,20 10,10 10,10 0))";
    const ACROSS: &str = "LINESTRING(5 5,15 5)";

    #[test]
    fn one_area_holds_what_stays_off_its_edge() {
        check(&[WEST], "POINT(5 5)", 4.9, true, true);
        check(&[WEST], "POINT(5 5)", 5.0, false, true);
        check(&[WEST], "POINT(0 5)", 0.0, false, true);
        check(&[WEST], "POINT(11 5)", 0.9, false, false);
        check(&[WEST], "POINT(11 5)", 1.0, false, true);
        check(&[WEST], "MULTIPOINT((5 5),(50 50))", 1.0, false, true);
        check(&[WEST], "MULTILINESTRING((4 4,5 5),(30 30,40 40))", 0.0, false, true);
        check(&[WEST], "GEOMETRYCOLLECTION(POINT(5 5),POINT(50 5))", 0.0, false, true);
        check(&[WEST], "POLYGON((-5 -5,50 -5,50 50,-5 50,-5 -5))", 0.0, false, true);
        check(&[WEST], "POINT(5 5)", f64::NAN, false, false);
        check(&[WEST], "POINT(5 5)", f64::INFINITY, false, true);
        check(&[WEST], "GEOMETRYCOLLECTION EMPTY", 1.0, false, false);
    }

    #[test]
    fn a_hole_is_not_covered_until_something_fills_it() {
        let holed = "POLYGON((0 0,10 0,10 10,0 10,0 0),(4 4,4 6,6 6,6 4,4 4))";
        check(&[holed], "POINT(5 5)", 0.5, false, false);
        check(&[holed], "POINT(5 5)", 1.0, false, true);
        check(&[holed], "POLYGON((3 3,7 3,7 7,3 7,3 3))", 0.0, false, true);
        check(&[holed], "POINT(2 5)", 1.9, true, true);
        check(&[holed], "POINT(2 5)", 2.0, false, true);
        check(&[holed, "POLYGON((4 4,6 4,6 6,4 6,4 4))"], "POLYGON((3 3,7 3,7 7,3 7,3 3))", 2.9, true, true);
        check(&[holed, "POLYGON((3.5 3.5,6.5 3.5,6.5 6.5,3.5 6.5,3.5 3.5))"], "POINT(5 5)", 4.9, true, true);
        check(&[holed, "POLYGON((4 4,6 4,6 5,4 5,4 4))"], "POINT(5 4.5)", 0.4, true, true);
        check(&[holed, "POLYGON((4 4,6 4,6 5,4 5,4 4))"], "POINT(5 4.5)", 0.6, false, true);
    }

    #[test]
    fn neighbours_with_a_common_edge_cover_together() {
        check(&[WEST, EAST], ACROSS, 4.9, true, true);
        check(&[WEST, EAST], ACROSS, 5.0, false, true);
        check(&[WEST, EAST], "LINESTRING(10 2,10 8)", 1.9, true, true);
        check(&[WEST, EAST], "LINESTRING(10 0,10 8)", 0.0, false, true);
        // A part of the edge, and an edge in several pieces.
        check(&[WEST, "POLYGON((10 2,20 2,20 8,10 8,10 2))"], ACROSS, 2.9, true, true);
        check(&[WEST, "POLYGON((10 2,20 2,20 8,10 8,10 2))"], "LINESTRING(5 5,15 9)", 0.0, false, true);
        check(
            &[WEST, "POLYGON((10 0,20 0,20 5,10 5,10 0))", "POLYGON((10 5,20 5,20 10,10 10,10 5))"],
            ACROSS,
            4.9,
            true,
            true,
        );
        // Four that meet in a point.
        let quarter = |x: u8, y: u8| format!("POLYGON(({x} {y},{0} {y},{0} {1},{x} {1},{x} {y}))", x + 5, y + 5);
        let four = [quarter(0, 0), quarter(5, 0), quarter(0, 5), quarter(5, 5)];
        let four: Vec<&str> = four.iter().map(String::as_str).collect();
        check(&four, "POINT(5 5)", 4.9, true, true);
        check(&four[..3], "POINT(5 5)", 0.0, false, true);
    }

    #[test]
    fn a_gap_is_a_gap_however_narrow() {
        check(
            &[WEST, "POLYGON((10.000000000000002 0,20 0,20 10,10.000000000000002 10,10.000000000000002 0))"],
            ACROSS,
            0.0,
            false,
            true,
        );
        check(
            &[WEST, "POLYGON((9.999999999999998 0,20 0,20 10,9.999999999999998 10,9.999999999999998 0))"],
            ACROSS,
            4.9,
            true,
            true,
        );
        // One end of the common edge is a little off: what opens there is no ground of either.
        check(&[WEST, "POLYGON((10 0,20 0,20 10,10.000001 10,10 0))"], ACROSS, 0.0, false, true);
        check(&[WEST, "POLYGON((10 0,20 0,20 10,9.999999 10,10 0))"], ACROSS, 4.9, true, true);
    }

    #[test]
    fn areas_may_overlap_and_repeat() {
        let cross = ["POLYGON((0 4,20 4,20 6,0 6,0 4))", "POLYGON((9 0,11 0,11 20,9 20,9 0))"];
        check(&cross, "POINT(10 5)", 0.9, true, true);
        check(&cross, "POINT(10 5)", 1.4, true, true);
        check(&cross, "POINT(10 5)", 1.5, false, true);
        check(&cross, "LINESTRING(1 5,10 5,10 19)", 0.9, true, true);
        check(&[WEST, WEST], "POINT(5 5)", 4.9, true, true);
        check(&[WEST, WEST], "POINT(5 5)", 5.0, false, true);
        check(&[WEST, WEST, EAST, EAST], ACROSS, 4.9, true, true);
        check(&[WEST, WEST, "POLYGON((-1 -1,11 -1,11 11,-1 11,-1 -1))"], "POINT(5 5)", 5.9, true, true);
    }
}
