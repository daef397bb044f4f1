//! Obstacle limitation surfaces round a runway: how high something may stand where, for aircraft to pass over it.
//!
//! The surfaces are those of ICAO Annex 14, Volume I, chapter 4, in grid metres: the strip and what rises from its sides
//! (transitional), what rises from both ends (approach, up to three sections, with transitional sides), and round all of it
//! a level (inner horizontal) and a rising (conical) surface. All that has a figure comes from [`Dimensions`].
//!
//! Heights are above the sea. The strip and its sides start from the height of the runway beside them, an approach from
//! that of its threshold, the other two from the lower end of the runway, so that none is higher than the annex has it.
//! Transitional surfaces end in the plane of the inner horizontal one. A runway is straight from threshold to threshold;
//! the inner horizontal surface is what is within its radius of that line.

mod outline;

use std::fmt;

use geo_types::{Coord, LineString};

pub use outline::outline;

/// No runway is shorter, m `[default]`: the shortest of ICAO Annex 14 are several times as long.
pub const LENGTH_MIN_M: f64 = 100.0;
/// No point of a runway that is drawn as a line stands farther off the line from end to end, m `[default]`: it would not be on
/// the narrowest one, which is 18 m wide.
pub const OFF_LINE_MAX_M: f64 = 9.0;

/// A runway: its two thresholds and their heights above the sea. It has a length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Runway {
    from: Coord<f64>,
    to: Coord<f64>,
    from_m: f64,
    to_m: f64,
}

/// Why a line is none from one threshold of a runway to the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoRunway {
    /// Its ends are so near to each other, m: it is closed, or goes round what it is to be.
    Short(f64),
    /// A point of it stands so far off the line from end to end, m.
    Bent(f64),
    /// It goes so far back, m.
    Back(f64),
}

impl fmt::Display for NoRunway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(m) => {
                write!(f, "has its ends {m:.1} m from each other, and no runway is shorter than {LENGTH_MIN_M} m")?;
            }
            Self::Bent(m) => {
                write!(
                    f,
                    "is bent: a point stands {m:.1} m off the line from end to end, at most {OFF_LINE_MAX_M} m may"
                )?;
            }
            Self::Back(m) => write!(f, "turns back by {m:.1} m on its way from end to end")?,
        }
        f.write_str("; a runway is a straight LineString from one threshold to the other, not its outline")
    }
}

impl Runway {
    /// The runway that a line on the grid draws, with the heights of its ends, m.
    ///
    /// # Errors
    /// It is no such line.
    pub fn along(line: &LineString<f64>, [from_m, to_m]: [f64; 2]) -> Result<Self, NoRunway> {
        let Some((from, to)) = line.0.first().copied().zip(line.0.last().copied()) else {
            return Err(NoRunway::Short(0.0));
        };
        let ends = to - from;
        let length = ends.x.hypot(ends.y);
        if length < LENGTH_MIN_M {
            return Err(NoRunway::Short(length));
        }
        let mut farthest = 0.0_f64;
        for point in &line.0 {
            let p = *point - from;
            let (along, off) = ((p.x * ends.x + p.y * ends.y) / length, (p.x * ends.y - p.y * ends.x).abs() / length);
            if off > OFF_LINE_MAX_M {
                return Err(NoRunway::Bent(off));
            }
            // It goes back from beyond its end as well.
            let back = (farthest - along).max(along - length);
            if back > OFF_LINE_MAX_M {
                return Err(NoRunway::Back(back));
            }
            farthest = farthest.max(along);
        }
        Ok(Self { from, to, from_m, to_m })
    }

    /// The line from one threshold to the other.
    #[must_use]
    pub fn line(&self) -> LineString<f64> {
        LineString(vec![self.from, self.to])
    }
}

/// A sloping section of an approach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Section {
    /// How long, m.
    pub length_m: f64,
    /// Rise by run.
    pub slope: f64,
}

/// The figures of the surfaces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dimensions {
    /// How far the inner horizontal surface reaches from the runway, m.
    pub inner_radius_m: f64,
    /// How high above the lower end of the runway it is, m.
    pub inner_height_m: f64,
    /// Rise by run of the conical surface.
    pub conical_slope: f64,
    /// How far it rises, m.
    pub conical_height_m: f64,
    /// Length of the inner edge of an approach, and width of the strip, m.
    pub inner_edge_m: f64,
    /// From a threshold to the inner edge, m.
    pub from_threshold_m: f64,
    /// By how much each side of an approach diverges, run by run.
    pub divergence: f64,
    /// The first section of an approach.
    pub first: Section,
    /// The second one; of no length where there is none.
    pub second: Section,
    /// Length of the level section, m.
    pub horizontal_length_m: f64,
    /// Rise by run of the transitional surfaces.
    pub transitional_slope: f64,
}

/// Which surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Surface {
    /// The ground of the strip, on which nothing stands.
    Strip,
    /// What rises to an end of the runway.
    Approach,
    /// What rises from the sides of the strip and of an approach.
    Transitional,
    /// The level one.
    InnerHorizontal,
    /// What rises round that.
    Conical,
}

/// How high the surfaces are over some ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceiling {
    /// The lowest surface at the middle, or the lowest anywhere where there is none.
    pub surface: Surface,
    /// Its height above the sea there, m.
    pub height_m: f64,
    /// Something not higher than this, m, is below all surfaces wherever it stands.
    pub least_m: f64,
    /// Something higher than this, m, is above a surface wherever it stands; infinite where there need be none.
    pub most_m: f64,
}

/// Numbers between two others.
#[derive(Debug, Clone, Copy)]
struct Span {
    low: f64,
    high: f64,
}

impl Span {
    fn round(middle: f64, by: f64) -> Self {
        Self { low: middle - by, high: middle + by }
    }

    /// Of something that is a distance.
    fn distance(middle: f64, by: f64) -> Self {
        Self { low: (middle - by).max(0.0), high: middle + by }
    }
}

/// Between which heights a surface is over some ground: `high` is infinite where it does not hold all of it.
type Heights = Option<Span>;

impl Dimensions {
    /// The length of an approach, m.
    #[must_use]
    pub fn approach_length_m(&self) -> f64 {
        self.first.length_m + self.second.length_m + self.horizontal_length_m
    }

    /// How far from the runway the farthest surface reaches, m.
    #[must_use]
    pub fn reach_m(&self) -> f64 {
        let length = self.approach_length_m();
        let beside =
            self.inner_edge_m / 2.0 + self.divergence * length + rise_run(self.inner_height_m, self.transitional_slope);
        let round = self.inner_radius_m + rise_run(self.conical_height_m, self.conical_slope);
        round.max((self.from_threshold_m + length).hypot(beside))
    }

    /// How far an approach has risen at `along` m from its inner edge.
    fn risen(&self, along: f64) -> f64 {
        let first = along.clamp(0.0, self.first.length_m);
        let second = (along - self.first.length_m).clamp(0.0, self.second.length_m);
        first * self.first.slope + second * self.second.slope
    }

    /// Half the width of an approach at `along` m from its inner edge.
    fn half_width(&self, along: f64) -> f64 {
        self.inner_edge_m / 2.0 + self.divergence * along
    }
}

/// How far a slope runs until it has risen by `height`; nowhere where it does not rise.
fn rise_run(height: f64, slope: f64) -> f64 {
    if slope > 0.0 { height / slope } else { 0.0 }
}

/// The lowest of the surfaces over the ground within `accuracy` metres of `at`; none where there is none.
#[must_use]
pub fn over(runway: &Runway, by: &Dimensions, at: Coord<f64>, accuracy: f64) -> Option<Ceiling> {
    let exactly = surfaces(runway, by, at, 0.0);
    let around = surfaces(runway, by, at, accuracy.max(0.0));
    let least = lowest(around.iter().map(|(surface, heights)| (*surface, heights.map(|h| h.low))))?;
    let most_m = around.iter().filter_map(|(_, heights)| heights.map(|h| h.high)).fold(f64::INFINITY, f64::min);
    let (surface, height_m) =
        lowest(exactly.iter().map(|(surface, heights)| (*surface, heights.map(|h| h.low)))).unwrap_or(least);
    Some(Ceiling { surface, height_m, least_m: least.1, most_m })
}

fn lowest(all: impl Iterator<Item = (Surface, Option<f64>)>) -> Option<(Surface, f64)> {
    all.filter_map(|(surface, height)| Some((surface, height?))).min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Each surface that may be over the ground within `accuracy` of `at`.
fn surfaces(runway: &Runway, by: &Dimensions, at: Coord<f64>, accuracy: f64) -> [(Surface, Heights); 4] {
    let Runway { from, to, from_m, to_m } = *runway;
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = dx.hypot(dy);
    let (ux, uy) = (dx / length, dy / length);
    let (px, py) = (at.x - from.x, at.y - from.y);
    let (along, across) = (px * ux + py * uy, (px * uy - py * ux).abs());
    let away = (along - length).max(-along).max(0.0).hypot(across);

    let floor = from_m.min(to_m);
    let ceiling = floor + by.inner_height_m;
    let sideways = Span::distance(across, accuracy);
    let round = around(by, ceiling, Span::distance(away, accuracy));
    let round_is = if away <= by.inner_radius_m { Surface::InnerHorizontal } else { Surface::Conical };
    let on_strip = across <= by.inner_edge_m / 2.0;
    let strip_is = if on_strip { Surface::Strip } else { Surface::Transitional };
    let approach_is = |outward: f64| {
        if across <= by.half_width(outward - by.from_threshold_m) { Surface::Approach } else { Surface::Transitional }
    };
    let to_end = |outward: f64, threshold_m: f64| {
        (approach_is(outward), approach(by, threshold_m, ceiling, Span::round(outward, accuracy), sideways))
    };
    let strip = strip(by, [from_m, to_m], length, ceiling, Span::round(along, accuracy), sideways);
    [(round_is, round), (strip_is, strip), to_end(-along, from_m), to_end(along - length, to_m)]
}

/// Inner horizontal and conical surface, at some distance from the runway.
fn around(by: &Dimensions, ceiling: f64, away: Span) -> Heights {
    let outer = by.inner_radius_m + rise_run(by.conical_height_m, by.conical_slope);
    let height = |away: f64| ceiling + (away - by.inner_radius_m).max(0.0) * by.conical_slope;
    let high = if away.high <= outer { height(away.high) } else { f64::INFINITY };
    (away.low <= outer).then(|| Span { low: height(away.low), high })
}

/// The strip and its sides, at some distance along the runway from its first threshold.
fn strip(by: &Dimensions, ends: [f64; 2], length: f64, ceiling: f64, along: Span, across: Span) -> Heights {
    let (first, last) = (-by.from_threshold_m, length + by.from_threshold_m);
    if along.high < first || last < along.low {
        return None;
    }
    let [from_m, to_m] = ends;
    let ground = |along: f64| from_m + (to_m - from_m) * (along / length).clamp(0.0, 1.0);
    let (one, other) = (ground(along.low), ground(along.high));
    let half = by.inner_edge_m / 2.0;
    let height = |ground: f64, across: f64| ground + (across - half).max(0.0) * by.transitional_slope;
    let holds = |across: f64, height: f64| across <= half || height <= ceiling;
    let low = height(one.min(other), across.low);
    let high = height(one.max(other), across.high);
    let whole = first <= along.low && along.high <= last && holds(across.high, high);
    holds(across.low, low).then_some(Span { low, high: if whole { high } else { f64::INFINITY } })
}

/// An approach and its sides, at some distance outward from its threshold.
fn approach(by: &Dimensions, threshold_m: f64, ceiling: f64, outward: Span, across: Span) -> Heights {
    let last = by.approach_length_m();
    let (near, far) = (outward.low - by.from_threshold_m, outward.high - by.from_threshold_m);
    if far < 0.0 || last < near {
        return None;
    }
    let height = |along: f64, beyond: f64| threshold_m + by.risen(along) + beyond.max(0.0) * by.transitional_slope;
    let (nearest, farthest) = (near.max(0.0), far.min(last));
    // Lowest where it has risen least, at its widest; highest the other way round.
    let beyond = across.low - by.half_width(farthest);
    let low = height(nearest, beyond);
    let outside = across.high - by.half_width(nearest);
    let high = height(farthest, outside);
    let whole = 0.0 <= near && far <= last && (outside <= 0.0 || high <= ceiling);
    (beyond <= 0.0 || low <= ceiling).then_some(Span { low, high: if whole { high } else { f64::INFINITY } })
}

#[cfg(test)]
mod tests;
