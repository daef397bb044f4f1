//! How much of a subject's ground was checked: which of it lies in no jurisdiction, and on which the layers asked do
//! not hold all there is.

use jiff::civil::Date;

use super::asking::{Asking, OnGrid, Subject};
use super::{LayerCoverage, NotChecked, NotCheckedReason, NotCovered, Outside};
use crate::domain::conflict::Applied;
use crate::domain::coverage::{Coverage, GapReason};
use crate::domain::layer::Layer;
use crate::error::Result;
use crate::geometry::{Epsg, Geometry, LonLat, MultiPolygon, crs, outside};

/// What is said of a subject's ground.
#[derive(Debug)]
pub(super) struct Covered {
    /// The worst that is said.
    pub(super) coverage: Coverage,
    /// What each layer of each jurisdiction says.
    pub(super) layers: Vec<LayerCoverage>,
    /// The ground that was not checked.
    pub(super) not_checked: Option<NotChecked>,
    /// The asker is told that something is hidden there.
    pub(super) notice: bool,
}

impl Covered {
    /// Some ground is drawn in it.
    pub(super) fn draws_ground(&self) -> bool {
        let draws = |n: &NotChecked| n.outside.is_some() || n.not_covered.iter().any(|gap| gap.ground.is_some());
        self.not_checked.as_ref().is_some_and(draws)
    }
}

/// Why a layer does not answer for all of a subject's ground.
struct Gap {
    layer: Layer,
    coverage: Coverage,
    reason: GapReason,
    since: Option<Date>,
}

impl Asking<'_> {
    /// Of the subject, and of the clearance round it, `widest` metres; `clearances` are those kept where it is land.
    pub(super) fn covered(
        &self,
        subject: &Subject<'_>,
        grids: &[OnGrid<'_>],
        widest: f64,
        clearances: &[Applied],
    ) -> Result<Covered> {
        let mut layers = Vec::new();
        let mut gaps = Vec::new();
        let mut worst = Coverage::Full;
        for (n, &layer) in self.question().against.iter().enumerate() {
            // From land of which nobody says how much must stay free beside it, nothing is known to stand far enough.
            let unknown = !layer.is_land() && clearances.iter().any(Applied::is_unknown);
            worst = worst.min(Self::of_layer((n, layer), grids, (widest, unknown), &mut layers, &mut gaps));
        }
        let (held, outside) = self.held(subject, grids, widest)?;
        let mut not_covered = Vec::new();
        // Where no jurisdiction looks after any of it, that says it all.
        for Gap { layer, coverage, reason, since } in gaps.into_iter().filter(|_| held != Coverage::None) {
            let areas = || grids.iter().flat_map(|g| g.territory.coverages().areas(layer)).collect::<Vec<_>>();
            let ground = match reason {
                GapReason::NoData => self.beyond(subject, grids, widest, &areas())?.and_then(|(_, ground)| ground),
                GapReason::Undeclared | GapReason::NotSeen | GapReason::Later | GapReason::ClearanceUnknown => None,
            };
            not_covered.push(NotCovered { layer, coverage, reason, since, ground });
        }
        let hint = (held == Coverage::None).then(|| self.other_reading(subject)).flatten();
        let said = outside.is_some() || !not_covered.is_empty();
        let not_checked = said.then_some(NotChecked { outside, not_covered, hint });
        let coverage = match held {
            Coverage::Partial if worst != Coverage::None => Coverage::Partial,
            Coverage::None => Coverage::None,
            _ => worst,
        };
        let notice = grids.iter().any(|g| g.hides.contains(&true));
        Ok(Covered { coverage, layers, not_checked, notice })
    }

    /// What a layer, of those asked the one with this number, says in each jurisdiction asked, the best of it, and why that is no
    /// more; of ground within so many metres of the subject, and whether the clearance from its features is unknown.
    fn of_layer(
        (asked, layer): (usize, Layer),
        grids: &[OnGrid<'_>],
        (widest, unknown): (f64, bool),
        layers: &mut Vec<LayerCoverage>,
        gaps: &mut Vec<Gap>,
    ) -> Coverage {
        // By the areas that are declared, and by what is left of that for this asker and this day.
        let (mut by_areas, mut best) = (Coverage::None, Coverage::None);
        let (mut hides, mut since) = (false, None);
        for on_grid in grids {
            let (territory, jurisdiction) = (on_grid.territory, &on_grid.territory.jurisdiction);
            let said = territory.coverages().of(layer, &on_grid.shape, widest, on_grid.day);
            let hidden = on_grid.hides.get(asked).copied().unwrap_or(false);
            let most = if hidden || unknown || said.later.is_some() { Coverage::Partial } else { Coverage::Full };
            let coverage = said.coverage.min(most);
            layers.push(LayerCoverage { jurisdiction: jurisdiction.code.as_str().into(), layer, coverage });
            hides |= hidden;
            since = since.max(said.later);
            // A jurisdiction that is only near says nothing of this ground by its silence.
            let here = || on_grid.shape.within(jurisdiction.boundary_grid(), widest);
            if coverage != Coverage::Undeclared || best < Coverage::Undeclared && here() {
                best = best.max(coverage);
                by_areas = by_areas.max(said.coverage);
            }
        }
        if matches!(by_areas, Coverage::Partial | Coverage::None) {
            gaps.push(Gap { layer, coverage: by_areas, reason: GapReason::NoData, since: None });
        }
        if by_areas == Coverage::Undeclared && since.is_none() {
            gaps.push(Gap { layer, coverage: by_areas, reason: GapReason::Undeclared, since: None });
        }
        if hides {
            best = best.min(Coverage::Partial);
        }
        // One jurisdiction that answers for all of it is enough, unless another hides something there.
        if best < Coverage::Full {
            let later = since.map(|_| (GapReason::Later, since));
            let unknown = unknown.then_some((GapReason::ClearanceUnknown, None));
            let reasons = hides.then_some((GapReason::NotSeen, None)).into_iter().chain(later).chain(unknown);
            gaps.extend(reasons.map(|(reason, since)| Gap { layer, coverage: best, reason, since }));
        }
        best
    }

    /// How much of the subject, and of the clearance round it, lies in jurisdictions, and what does not.
    fn held(&self, subject: &Subject<'_>, grids: &[OnGrid<'_>], widest: f64) -> Result<(Coverage, Option<Outside>)> {
        if grids.iter().any(|g| g.territory.jurisdiction.holds_with(&g.shape, widest)) {
            return Ok((Coverage::Full, None));
        }
        let boundaries: Vec<_> = grids.iter().map(|g| &g.territory.jurisdiction.boundary).collect();
        Ok(match self.beyond(subject, grids, widest, &boundaries)? {
            Some((Part::Itself, ground)) => {
                let touched = grids.iter().any(|g| g.shape.within(g.territory.jurisdiction.boundary_grid(), 0.0));
                let coverage = if touched { Coverage::Partial } else { Coverage::None };
                (coverage, Some((NotCheckedReason::Outside, ground)))
            }
            Some((Part::Round, ground)) => (Coverage::Partial, Some((NotCheckedReason::ClearanceOutside, ground))),
            None => (Coverage::Full, None),
        })
    }

    /// What of a subject lies in none of `areas`; where nothing does, what of the ground within `widest` metres of it. Ground
    /// that cannot be brought to degrees is not known to lie in them.
    fn beyond(
        &self,
        subject: &Subject<'_>,
        grids: &[OnGrid<'_>],
        widest: f64,
        areas: &[&LonLat<MultiPolygon<f64>>],
    ) -> Result<Option<Beyond>> {
        self.patience.if_not_at_once()?;
        let without =
            |ground: LonLat<Geometry<f64>>| areas.iter().try_fold(ground, |rest, area| outside::without(&rest, area));
        if let Some(ground) = without(subject.lonlat()?) {
            return Ok(Some((Part::Itself, Some(ground))));
        }
        let band = own_grid(grids).and_then(|g| {
            let round = outside::around(&g.shape.geometry(), widest);
            crs::project(&round, g.territory.jurisdiction.grid, Epsg::WGS84).ok()
        });
        Ok(match band {
            Some(band) => without(LonLat(band)).map(|ground| (Part::Round, Some(ground))),
            None => Some((Part::Round, None)),
        })
    }
}

/// What of a subject lies beyond some areas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Itself,
    Round,
}

/// A part of a subject that lies beyond some areas, and which ground that is, where it is known.
type Beyond = (Part, Option<LonLat<Geometry<f64>>>);

/// The grid that is made for the ground of the subject: of those asked that of the nearest jurisdiction. On the grid of
/// one far away metres are not metres.
fn own_grid<'g, 'a>(grids: &'g [OnGrid<'a>]) -> Option<&'g OnGrid<'a>> {
    let distance = |g: &OnGrid<'_>| g.shape.distance(g.territory.jurisdiction.boundary_grid());
    grids.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}
