//! Site checks of an area in which columns are to be admitted, as a zone that is drawn: the same surroundings, measured from the
//! area instead of from a place.

use std::collections::BTreeMap;

use geo::CoordsIter;
use jiff::civil::Date;
use uuid::Uuid;

use super::around::{Found, How, Mode, Round, found_round};
use super::deadline::Deadline;
use super::taken;
use crate::actions::Context;
use crate::domain::actor::Actor;
use crate::domain::conflict::Severity;
use crate::domain::layer::Layer;
use crate::domain::place::Placed;
use crate::domain::reference::ReferenceKind;
use crate::domain::site_check::{Area, Finding, Parameters, run_area};
use crate::error::{Error, Result};
use crate::geometry::measure::Prepared;
use crate::geometry::{Bounds, Grid, Problem, crs};
use crate::index::{Snapshot, Territory};

/// What the checks say of an area.
#[derive(Debug, Clone)]
pub(in crate::actions) struct AreaCheck {
    /// One finding for each check that says something of areas.
    pub(in crate::actions) findings: Vec<Finding>,
    /// The corridors of its own jurisdiction that block it.
    pub(in crate::actions) met: Vec<Uuid>,
    /// The restricted features that the findings rest on, listed or not.
    pub(in crate::actions) shown: Vec<(Layer, String, Uuid)>,
    /// The revision of each jurisdiction that was looked at.
    pub(in crate::actions) revisions: BTreeMap<String, i64>,
}

/// Checks areas one after the other, all of them within the time of a request.
pub(in crate::actions) struct Areas<'a> {
    context: &'a Context,
    actor: &'a Actor,
    snapshot: &'a Snapshot,
    home: &'a Territory,
    day: Date,
    deadline: Deadline,
    /// Zones whose code begins so are those of the plan itself, as it was.
    own: String,
    mode: Mode<'a>,
}

impl<'a> Areas<'a> {
    pub(in crate::actions) fn of(
        context: &'a Context,
        actor: &'a Actor,
        snapshot: &'a Snapshot,
        home: &'a Territory,
        day: Date,
        own: String,
    ) -> Self {
        Self { context, actor, snapshot, home, day, deadline: Deadline::of_request(context), own, mode: Mode::Ask }
    }

    /// They are checked again, for whoever asked before: nobody is told, so nothing of what is hidden is counted.
    pub(in crate::actions) fn again(self) -> Self {
        Self { mode: Mode::Again(&[]), ..self }
    }

    /// Checks one of them.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where there is no time left.
    pub(in crate::actions) fn check(&self, place: &Placed, area: &Area) -> Result<AreaCheck> {
        self.deadline.in_time()?;
        let on = |territory: &Territory| {
            let grid = territory.jurisdiction.grid;
            if grid == place.grid_crs {
                return Ok(Prepared::new(&place.grid));
            }
            let shape = crs::project(&place.recorded.shape, place.recorded.crs, grid)
                .map_err(|e| Error::Invalid(vec![Problem::new("/geometry/coordinates", e.to_string())]))?;
            Ok(Prepared::new(&Grid(shape)))
        };
        let at = place.grid.0.coords_iter().next().unwrap_or_default();
        let ground = Round { at, bounds: Bounds::of(place.lonlat.0.coords_iter()), on: &on };
        let parameters = Parameters::on(self.home.rules().site(), self.day);
        let how = How { mode: self.mode, deadline: self.deadline };
        let column = &area.column;
        let Found { mut around, taken, revisions, .. } = found_round(
            self.context,
            self.actor,
            self.snapshot,
            self.home,
            &ground,
            column,
            &parameters,
            self.day,
            how,
        )?;
        around
            .references
            .retain(|near| near.told.kind != ReferenceKind::Zone || !near.facts.code.starts_with(self.own.as_str()));
        let findings = run_area(area, &around, &parameters, self.day);
        let own = self.home.layer(Layer::Corridors);
        let blocks = around
            .corridors
            .iter()
            .filter(|c| c.severity == Severity::Blocks && c.near.distance_m <= c.clearance.get())
            .map(|c| c.near.facts.id)
            .filter(|id| own.get(*id).is_some());
        let met = blocks.collect();
        let shown = taken::kept(&taken::ground(&findings, taken), true);
        Ok(AreaCheck { findings, met, shown, revisions })
    }
}
