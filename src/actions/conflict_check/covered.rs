//! How much of a subject's ground was checked: which of it lies in no jurisdiction, and on which the layers asked do
//! not hold all there is.

use super::asking::{Asking, OnGrid, Subject};
use super::{LayerCoverage, NotChecked, NotCheckedReason, NotCovered, Outside};
use crate::domain::coverage::Coverage;
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
}

impl Asking<'_> {
    /// Of the subject, and of the clearance round it.
    pub(super) fn covered(&self, subject: &Subject<'_>, grids: &[OnGrid<'_>], widest: f64) -> Result<Covered> {
        let mut layers = Vec::new();
        let mut gaps = Vec::new();
        let mut worst = Coverage::Full;
        for &layer in &self.question().against {
            let mut best = Coverage::None;
            for on_grid in grids.iter().filter(|g| g.asked) {
                let (jurisdiction, coverages) = (&on_grid.territory.jurisdiction, on_grid.territory.coverages());
                let coverage = coverages.of(layer, &on_grid.shape, widest);
                layers.push(LayerCoverage { jurisdiction: jurisdiction.code.as_str().into(), layer, coverage });
                // A jurisdiction that is only near says nothing of this ground by its silence.
                let here = || on_grid.shape.within(jurisdiction.boundary_grid(), widest);
                if coverage != Coverage::Undeclared || best < Coverage::Undeclared && here() {
                    best = best.max(coverage);
                }
            }
            worst = worst.min(best);
            if matches!(best, Coverage::Partial | Coverage::None) {
                gaps.push((layer, best));
            }
        }
        let (held, outside) = held(subject, grids, widest)?;
        let mut not_covered = Vec::new();
        // Where no jurisdiction looks after any of it, that says it all.
        for (layer, coverage) in gaps.into_iter().filter(|_| held != Coverage::None) {
            let areas: Vec<_> = grids.iter().flat_map(|g| g.territory.coverages().areas(layer)).collect();
            let ground = beyond(subject, grids, widest, &areas)?.map(|(_, ground)| ground);
            not_covered.push(NotCovered { layer, coverage, ground });
        }
        let not_checked = (outside.is_some() || !not_covered.is_empty()).then_some(NotChecked { outside, not_covered });
        let coverage = match held {
            Coverage::Partial if worst != Coverage::None => Coverage::Partial,
            Coverage::None => Coverage::None,
            _ => worst,
        };
        Ok(Covered { coverage, layers, not_checked })
    }
}

/// How much of the subject, and of the clearance round it, lies in jurisdictions, and what does not.
fn held(subject: &Subject<'_>, grids: &[OnGrid<'_>], widest: f64) -> Result<(Coverage, Option<Outside>)> {
    if grids.iter().any(|g| g.territory.jurisdiction.holds_with(&g.shape, widest)) {
        return Ok((Coverage::Full, None));
    }
    let boundaries: Vec<_> = grids.iter().map(|g| &g.territory.jurisdiction.boundary).collect();
    Ok(match beyond(subject, grids, widest, &boundaries)? {
        Some((Part::Itself, ground)) => {
            let touched = grids.iter().any(|g| g.shape.within(g.territory.jurisdiction.boundary_grid(), 0.0));
            let coverage = if touched { Coverage::Partial } else { Coverage::None };
            (coverage, Some((NotCheckedReason::Outside, ground)))
        }
        Some((Part::Round, ground)) => (Coverage::Partial, Some((NotCheckedReason::ClearanceOutside, ground))),
        None => (Coverage::Full, None),
    })
}

/// What of a subject lies beyond some areas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Itself,
    Round,
}

/// What of a subject lies in none of `areas`; where nothing does, what of the ground within `widest` metres of it.
fn beyond(
    subject: &Subject<'_>,
    grids: &[OnGrid<'_>],
    widest: f64,
    areas: &[&LonLat<MultiPolygon<f64>>],
) -> Result<Option<(Part, LonLat<Geometry<f64>>)>> {
    let without =
        |ground: LonLat<Geometry<f64>>| areas.iter().try_fold(ground, |rest, area| outside::without(&rest, area));
    if let Some(ground) = without(subject.lonlat()?) {
        return Ok(Some((Part::Itself, ground)));
    }
    let band = grids.first().and_then(|g| {
        let round = outside::around(&g.shape.geometry(), widest);
        crs::project(&round, g.territory.jurisdiction.grid, Epsg::WGS84).ok()
    });
    Ok(band.and_then(|band| without(LonLat(band))).map(|ground| (Part::Round, ground)))
}
