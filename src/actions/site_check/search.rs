//! Finding a place: the checks, asked of a grid of places in an area, and the best of them.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use geo::InteriorPoint;
use jiff::Timestamp;

use super::around::Mode;
use super::deadline::Deadline;
use super::{Asked, SiteCheck, Spot, asker_known, computed, home, restricted, taken};
use crate::actions::conflict_check::at_least;
use crate::actions::{Context, Reader};
use crate::domain::place::{self, Delivered};
use crate::domain::restricted_read::Shown;
use crate::domain::site_check::{Finding, Subject, Verdict};
use crate::domain::word::words;
use crate::error::{Error, Result};
use crate::geometry::measure::Prepared;
use crate::geometry::{Coord, Epsg, Geometry, Grid, Problem, crs, outside};
use crate::index::Snapshot;

/// Most places that one search looks at.
pub const PLACES_MAX: usize = 5_000;

/// Places nearer to each other than this are one, m.
pub const SPACING_MIN_M: f64 = 1.0;

/// A search that states no spacing looks at about so many places.
const PLACES_USUAL: f64 = 1_000.0;

words! {
    /// How the places of a search lie to each other.
    Pattern {
        /// Each has six neighbours at the same distance.
        Hexagonal = "hexagonal",
        /// Each has four.
        Square = "square",
    }
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The area, or a point with [`Wanted::radius_m`].
    pub area: Delivered,
    /// How far round the area places are looked for, m.
    pub radius_m: f64,
    /// The column.
    pub subject: Subject,
    /// How the places lie.
    pub pattern: Pattern,
    /// Between two neighbouring places, m; none: such that there are about a thousand.
    pub spacing_m: Option<f64>,
    /// Most places in the answer.
    pub limit: usize,
    /// The moment at which dates are looked at.
    pub at: Timestamp,
    /// Revisions that the answer must have reached.
    pub min_revision: Vec<(String, i64)>,
}

/// The best places.
#[derive(Debug, Clone, PartialEq)]
pub struct Places {
    /// The best first.
    pub best: Vec<SiteCheck>,
    /// How many were looked at.
    pub looked_at: usize,
    /// How many of them came to each verdict.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// Between two neighbouring places, m.
    pub spacing_m: f64,
}

/// Finds the best places for a column in an area: those whose worst finding is the least, of these those with the fewest such
/// findings, and of these the nearest to the middle of the area.
///
/// # Errors
/// [`Error::Invalid`] with every problem of the area, [`Error::TooLarge`] with more than [`PLACES_MAX`] places or where they
/// take longer than a request may, [`Error::Busy`] where the index has not reached `min_revision`, or too
/// many searches are running.
pub fn search<'r>(context: &Context, reader: impl Into<Reader<'r>>, wanted: &Wanted) -> Result<Places> {
    let reader = reader.into();
    let snapshot = at_least(context, &wanted.min_revision)?;
    let _searching = context.searches.begin()?;
    let deadline = Deadline::of_request(context);
    let subject = asker_known(context, reader.actor, &wanted.subject)?.map_err(|p| Error::Invalid(vec![p]))?;
    let wanted = &Wanted { subject, ..wanted.clone() };
    let (places, spacing_m) = places(&snapshot, wanted)?;
    let looked_at = places.len();
    let Looked { mut best, verdicts, mut shown, .. } =
        check_all(context, reader, &snapshot, wanted, &places, deadline)?;
    // Which places are the best rests on all of them.
    shown.sort_unstable_by_key(|(_, _, id)| *id);
    shown.dedup();
    context.reads.shown(reader, shown.into_iter())?;
    keep_best(&mut best, wanted.limit);
    let best = best.into_iter().map(|(_, _, check)| check).collect();
    Ok(Places { best, looked_at, verdicts, spacing_m })
}

/// How much stands against a place: how many findings of each verdict, the worst first. What is known only in part counts as
/// not checked as well: else a place beside something would be better than one where nobody knows of anything.
type Rank = [usize; 4];

fn rank(check: &SiteCheck) -> Rank {
    let count = |of: &dyn Fn(&Finding) -> bool| check.findings.iter().filter(|finding| of(finding)).count();
    let is = |verdict: Verdict| count(&|finding| finding.verdict == verdict);
    [is(Verdict::Block), is(Verdict::NeedsSurvey), count(&Finding::is_known_in_part), is(Verdict::Warn)]
}

/// A place, with how much stands against it and its number: the places are numbered by their distance from the middle.
type Ranked = (Rank, usize, SiteCheck);

/// Keeps the best, the best first.
fn keep_best(ranked: &mut Vec<Ranked>, limit: usize) {
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
    ranked.truncate(limit);
}

/// What was found of some places.
#[derive(Default)]
struct Looked<'a> {
    /// Those among which the best are.
    best: Vec<Ranked>,
    /// What is worse than this is not among them.
    bound: Option<(Rank, usize)>,
    /// How many come to what.
    verdicts: BTreeMap<Verdict, usize>,
    /// What of what they rest on is restricted.
    shown: Vec<Shown<'a>>,
}

impl Looked<'_> {
    /// Takes a place in; what is not among the best is dropped at once, for findings are large and places many.
    fn take(&mut self, n: usize, check: SiteCheck, limit: usize) {
        *self.verdicts.entry(check.verdict()).or_insert(0) += 1;
        let rank = rank(&check);
        if self.bound.is_some_and(|bound| bound < (rank, n)) {
            return;
        }
        self.best.push((rank, n, check));
        if self.best.len() >= limit.saturating_mul(2) {
            keep_best(&mut self.best, limit);
            self.bound = self.best.last().map(|last| (last.0, last.1));
        }
    }

    fn join(&mut self, other: Self) {
        self.best.extend(other.best);
        self.shown.extend(other.shown);
        for (verdict, count) in other.verdicts {
            *self.verdicts.entry(verdict).or_insert(0) += count;
        }
    }
}

/// Checks every place, on as many threads as there are cores.
fn check_all<'a>(
    context: &Context,
    reader: Reader<'_>,
    snapshot: &'a Snapshot,
    wanted: &Wanted,
    places: &[Delivered],
    deadline: Deadline,
) -> Result<Looked<'a>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(places.len().max(1));
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || -> Result<Looked<'a>> {
        let mut looked = Looked::default();
        let mut asked = None;
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some(delivered) = places.get(n).filter(|_| !stop.load(Ordering::Relaxed)) else { return Ok(looked) };
            if deadline.is_over() {
                stop.store(true, Ordering::Relaxed);
                return Err(too_long(context, n, places.len()));
            }
            let asked = asked.get_or_insert_with(|| Asked {
                name: String::new(),
                pointer: String::new(),
                delivered: delivered.clone(),
                subject: wanted.subject.clone(),
            });
            asked.name = n.to_string();
            asked.delivered = delivered.clone();
            let computed = computed(context, reader.actor, snapshot, asked, wanted.at, (Mode::Ask, deadline));
            let (check, mut taken, _) = computed.inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            taken.retain(|one| one.restricted);
            looked.shown.extend(restricted(&taken::ground(&check.findings, taken)));
            looked.take(n, check, wanted.limit);
        }
    };
    let done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = vec![work()];
        let failed = |_| Err(Error::Internal("a search panicked".into()));
        all.extend(others.into_iter().map(|other| other.join().unwrap_or_else(failed)));
        all
    });
    let mut all = Looked::default();
    for part in done {
        all.join(part?);
    }
    Ok(all)
}

fn too_long(context: &Context, done: usize, all: usize) -> Error {
    Error::TooLarge {
        what: "the search".into(),
        found: format!("{all} places, of which {done} were checked in time"),
        limit: format!("{} s", context.settings.request_timeout_s),
    }
}

/// The places of a search on the working grid, the nearest to the middle of the area first, and their spacing.
fn places(snapshot: &Snapshot, wanted: &Wanted) -> Result<(Vec<Delivered>, f64)> {
    let invalid = |pointer: &str, detail: String| Error::Invalid(vec![Problem::new(pointer, detail)]);
    let lonlat = place::to_lonlat(&wanted.area).map_err(Error::Invalid)?.0;
    // The middle of its box, or its centre of gravity, need not lie in it.
    let inside = lonlat.interior_point().ok_or_else(|| invalid("/coordinates", "is empty".into()))?;
    let inside = Delivered { shape: Geometry::Point(inside), crs: Epsg::WGS84 };
    let Some(home) = home(snapshot, Spot::of(&inside)?)? else {
        let hint = snapshot
            .territories()
            .find_map(|t| place::other_reading(&wanted.area, &t.jurisdiction, crate::geometry::Metres::ZERO));
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        return Err(invalid("/coordinates", format!("the middle of it lies in no jurisdiction{hint}")));
    };
    let grid = home.jurisdiction.grid;
    // What is drawn on the grid keeps its coordinates.
    let mut area =
        crs::project(&wanted.area.shape, wanted.area.crs, grid).map_err(|e| invalid("/coordinates", e.to_string()))?;
    if wanted.radius_m > 0.0 {
        area = outside::around(&area, wanted.radius_m);
    }
    let area_m2 = geo::Area::unsigned_area(&area);
    if !matches!(area, Geometry::Polygon(_) | Geometry::MultiPolygon(_)) || area_m2 <= 0.0 {
        return Err(invalid("/type", "has no area: draw one, or state radius_m".into()));
    }
    let spacing_m = wanted.spacing_m.unwrap_or_else(|| (area_m2 / PLACES_USUAL).sqrt()).max(SPACING_MIN_M);
    let area = Prepared::new(&Grid(area));
    let middle = area.bounds();
    let middle =
        Coord { x: f64::midpoint(middle.min[0], middle.max[0]), y: f64::midpoint(middle.min[1], middle.max[1]) };
    let mut found = on_pattern(&area, wanted.pattern, spacing_m)?;
    let from_middle = |c: &Coord<f64>| (c.x - middle.x).powi(2) + (c.y - middle.y).powi(2);
    found.sort_by(|a, b| from_middle(a).total_cmp(&from_middle(b)).then(a.x.total_cmp(&b.x)).then(a.y.total_cmp(&b.y)));
    let delivered = |c: Coord<f64>| Delivered { shape: Geometry::Point(c.into()), crs: grid };
    Ok((found.into_iter().map(delivered).collect(), spacing_m))
}

/// The places of a pattern that lie in an area. Rows begin at round numbers of the grid, so that two searches whose areas
/// overlap look at the same places.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // bounded: the box holds at most some times PLACES_MAX
fn on_pattern(area: &Prepared, pattern: Pattern, spacing_m: f64) -> Result<Vec<Coord<f64>>> {
    let row_m = match pattern {
        Pattern::Hexagonal => spacing_m * 3_f64.sqrt() / 2.0,
        Pattern::Square => spacing_m,
    };
    let bounds = area.bounds();
    let places = (bounds.max[0] - bounds.min[0]) / spacing_m * ((bounds.max[1] - bounds.min[1]) / row_m);
    let too_many = |found: String| Error::TooLarge {
        what: "the search".into(),
        found,
        limit: format!("{PLACES_MAX} places: state a larger spacing_m, or a smaller area"),
    };
    // A box may hold much more than the area in it.
    if places > 100.0 * PLACES_MAX as f64 {
        return Err(too_many(format!("about {places:.0} places in the box round the area")));
    }
    let mut found = Vec::new();
    let mut row = (bounds.min[1] / row_m).floor() as i64;
    while row as f64 * row_m <= bounds.max[1] {
        let shift = if pattern == Pattern::Hexagonal && row.rem_euclid(2) == 1 { spacing_m / 2.0 } else { 0.0 };
        let mut column = ((bounds.min[0] - shift) / spacing_m).floor() as i64;
        loop {
            let at = Coord { x: column as f64 * spacing_m + shift, y: row as f64 * row_m };
            if at.x > bounds.max[0] {
                break;
            }
            if Prepared::point(at).within(area, 0.0) {
                found.push(at);
            }
            column += 1;
        }
        row += 1;
    }
    if found.len() > PLACES_MAX {
        return Err(too_many(format!("{} places", found.len())));
    }
    if found.is_empty() {
        let detail = format!("no place of a pattern of {spacing_m} m lies in it: state a smaller spacing_m");
        return Err(Error::Invalid(vec![Problem::new("/coordinates", detail)]));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use geo_types::Rect;

    use super::*;

    fn square(side: f64) -> Prepared {
        let area = Rect::new(Coord { x: 10.0, y: 10.0 }, Coord { x: 10.0 + side, y: 10.0 + side });
        Prepared::new(&Grid(Geometry::Polygon(area.to_polygon())))
    }

    #[test]
    fn neighbours_of_a_pattern_stand_as_far_apart_as_asked() {
        for (pattern, neighbours) in [(Pattern::Hexagonal, 6), (Pattern::Square, 4)] {
            let found = on_pattern(&square(1_000.0), pattern, 100.0).unwrap();
            let middle = *found
                .iter()
                .min_by(|a, b| {
                    let far = |c: &Coord<f64>| (c.x - 510.0).hypot(c.y - 510.0);
                    far(a).total_cmp(&far(b))
                })
                .unwrap();
            let apart = |c: &&Coord<f64>| (c.x - middle.x).hypot(c.y - middle.y);
            let nearest: Vec<f64> = found.iter().filter(|c| **c != middle).map(|c| apart(&c)).collect();
            assert!(nearest.iter().all(|d| *d > 99.999), "{pattern}");
            assert_eq!(nearest.iter().filter(|d| **d < 100.001).count(), neighbours, "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_searched_is_refused_with_what_to_do() {
        let refused =
            |side: f64, spacing: f64| format!("{:?}", on_pattern(&square(side), Pattern::Square, spacing).unwrap_err());
        assert!(refused(1_000.0, 10.0).contains("state a larger spacing_m"));
        assert!(refused(100_000.0, 1.0).contains("in the box round the area"));
        assert!(refused(5.0, 1_000.0).contains("state a smaller spacing_m"));
        assert_eq!(on_pattern(&square(690.0), Pattern::Square, 10.0).unwrap().len(), 70 * 70);
    }
}
