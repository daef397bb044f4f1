//! What the surfaces look like on a map.

use geo_types::{Coord, LineString, Polygon};

use super::{Dimensions, Runway, Section, Surface, rise_run};

/// Corners of half a drawn circle: a map shows no more.
const HALF_CIRCLE_CORNERS: u8 = 24;

/// The ground under a surface, to draw: of approaches that of the end at which `at` lies, of what rises from the sides that of
/// its side. None where nothing rises there.
#[must_use]
pub fn outline(runway: &Runway, by: &Dimensions, surface: Surface, at: Coord<f64>) -> Option<Polygon<f64>> {
    let frame = Frame::of(runway);
    let round = |radius| frame.round(radius);
    let drawn = match surface {
        Surface::InnerHorizontal => Polygon::new(round(by.inner_radius_m), Vec::new()),
        Surface::Conical => {
            let outer = by.inner_radius_m + rise_run(by.conical_height_m, by.conical_slope);
            Polygon::new(round(outer), vec![round(by.inner_radius_m)])
        }
        Surface::Strip => {
            let (first, last, half) = (-by.from_threshold_m, frame.length + by.from_threshold_m, by.inner_edge_m / 2.0);
            frame.area([(first, -half), (last, -half), (last, half), (first, half)])
        }
        Surface::Approach => {
            let (last, _) = frame.end_at(runway, at);
            let (near, far) = (by.half_width(0.0), by.half_width(by.approach_length_m()));
            let out = |along: f64| frame.out(last, by.from_threshold_m + along);
            let length = by.approach_length_m();
            frame.area([(out(0.0), -near), (out(length), -far), (out(length), far), (out(0.0), near)])
        }
        Surface::Transitional => transitional(&frame, runway, by, at)?,
    };
    Some(drawn)
}

/// What rises from a side of the strip, or of an approach, up to the plane of the inner horizontal surface.
fn transitional(frame: &Frame, runway: &Runway, by: &Dimensions, at: Coord<f64>) -> Option<Polygon<f64>> {
    let ceiling = runway.from_m.min(runway.to_m) + by.inner_height_m;
    let (along, across) = frame.place(at);
    let side = if across < 0.0 { -1.0 } else { 1.0 };
    let beyond = |ground: f64| rise_run((ceiling - ground).max(0.0), by.transitional_slope);
    let (first, last) = (-by.from_threshold_m, frame.length + by.from_threshold_m);
    // Where its edges have corners: along the runway, and how far from its axis it begins and ends.
    let corners: Vec<[f64; 3]> = if (first..=last).contains(&along) {
        let half = by.inner_edge_m / 2.0;
        let of = |along: f64, ground: f64| [along, half, half + beyond(ground)];
        let (from, to) = (runway.from_m, runway.to_m);
        vec![of(first, from), of(0.0, from), of(frame.length, to), of(last, to)]
    } else {
        let (at_last, threshold) = frame.end_at(runway, at);
        let rise = ceiling - threshold;
        let steps = [0.0, by.first.length_m, by.first.length_m + by.second.length_m, by.approach_length_m()];
        // It ends where the approach itself has risen to that plane; what is level never does.
        let rises = |from: f64, section: &Section| {
            let top = from + rise_run(rise - by.risen(from), section.slope);
            (section.slope > 0.0 && top > 0.0 && top <= from + section.length_m).then_some(top)
        };
        let top = rises(0.0, &by.first).or_else(|| rises(by.first.length_m, &by.second));
        let top = top.unwrap_or(by.approach_length_m());
        let all = steps.into_iter().filter(|step| *step < top).chain([top]).filter(|_| rise > 0.0);
        let of = |along: f64| {
            let half = by.half_width(along);
            [frame.out(at_last, by.from_threshold_m + along), half, half + beyond(threshold + by.risen(along))]
        };
        all.map(of).collect()
    };
    let inner = corners.iter().map(|[along, from, _]| (*along, side * from));
    let outer = corners.iter().rev().map(|[along, _, to]| (*along, side * to));
    (!corners.is_empty()).then(|| frame.area(inner.chain(outer)))
}

/// The plane as seen from the first threshold of a runway: along it, and across to the left.
struct Frame {
    from: Coord<f64>,
    to: Coord<f64>,
    unit: Coord<f64>,
    length: f64,
}

impl Frame {
    fn of(runway: &Runway) -> Self {
        let (from, to) = (runway.from, runway.to);
        let length = (to.x - from.x).hypot(to.y - from.y);
        Self { from, to, unit: (to - from) / length, length }
    }

    fn place(&self, at: Coord<f64>) -> (f64, f64) {
        let Coord { x, y } = at - self.from;
        (x * self.unit.x + y * self.unit.y, y * self.unit.x - x * self.unit.y)
    }

    fn corner(&self, (along, across): (f64, f64)) -> Coord<f64> {
        let left = Coord { x: -self.unit.y, y: self.unit.x };
        self.from + self.unit * along + left * across
    }

    fn area(&self, corners: impl IntoIterator<Item = (f64, f64)>) -> Polygon<f64> {
        Polygon::new(corners.into_iter().map(|corner| self.corner(corner)).collect(), Vec::new())
    }

    /// Whether a place is nearer to the last end, and the height of the nearer one above the sea.
    fn end_at(&self, runway: &Runway, at: Coord<f64>) -> (bool, f64) {
        let (along, _) = self.place(at);
        if along > self.length / 2.0 { (true, runway.to_m) } else { (false, runway.from_m) }
    }

    /// So far outward from the last end, or the first, along the runway.
    fn out(&self, last: bool, outward: f64) -> f64 {
        if last { self.length + outward } else { -outward }
    }

    /// All that is so far from the runway.
    fn round(&self, radius: f64) -> LineString<f64> {
        let half = |middle: Coord<f64>, turned: f64| {
            (0..=HALF_CIRCLE_CORNERS).map(move |n| {
                let angle = turned + std::f64::consts::PI * (f64::from(n) / f64::from(HALF_CIRCLE_CORNERS) - 0.5);
                let (sin, cos) = angle.sin_cos();
                let out = Coord { x: self.unit.x * cos - self.unit.y * sin, y: self.unit.y * cos + self.unit.x * sin };
                middle + out * radius
            })
        };
        let mut ring: Vec<Coord<f64>> = half(self.to, 0.0).chain(half(self.from, std::f64::consts::PI)).collect();
        ring.extend(ring.first().copied());
        LineString(ring)
    }
}
