//! A step as it is judged: what is asked of the table, what a refusal says, and what the guards need to know besides.

use jiff::civil::Date;

use super::step::Step;
use crate::domain::actor::Actor;
use crate::domain::audit::Digest;
use crate::domain::document::DocumentKind;
use crate::domain::site_request::case::Case;
use crate::domain::site_request::guards::{Asked, RunNow, allowed, step};
use crate::domain::site_request::limits::Limits;
use crate::domain::site_request::table::{Row, TABLE};
use crate::domain::site_request::told::Surveyed;
use crate::domain::site_request::words::{Event, Guard};
use crate::domain::site_request::{Filed, WORD};
use crate::domain::workflow::{self, Refusal};
use crate::error::{Error, Result};
use crate::geometry::{Geometry, crs};
use crate::store::{Stored, WriteTx, document};

/// What a step is judged by besides what is said.
pub(super) struct Facts {
    pub(super) day: Date,
    pub(super) received: Option<Date>,
    pub(super) submitted: Option<Date>,
    pub(super) run: Option<RunNow>,
    pub(super) deviation_m: Option<f64>,
    pub(super) limits: Limits,
    pub(super) kept: Vec<(DocumentKind, Digest)>,
    pub(super) uncounted: Option<String>,
    pub(super) due: Option<Date>,
    pub(super) full: Option<String>,
}

impl Facts {
    pub(super) fn on(day: Date) -> Self {
        Self {
            day,
            received: None,
            submitted: None,
            run: None,
            deviation_m: None,
            limits: Limits::default(),
            kept: Vec::new(),
            uncounted: None,
            due: None,
            full: None,
        }
    }
}

impl Step<'_> {
    /// The documents of a request, where the step asks for them.
    pub(super) fn kept(&self, tx: &mut WriteTx<'_>, of: &Filed) -> Stored<Vec<(DocumentKind, Digest)>> {
        let of_documents = |guard: &Guard| matches!(guard, Guard::Documented | Guard::EvidenceKept);
        let asks = workflow::row(TABLE, of.state, self.event).is_some_and(|row| row.guards.iter().any(of_documents));
        if asks { document::kept_in(tx, &of.jurisdiction, (WORD, of.id)) } else { Ok(Vec::new()) }
    }

    /// The row of the step, where all that it needs holds.
    pub(super) fn judged(&self, case: &Case, filed: &Filed, facts: &Facts) -> Result<&'static Row> {
        let asked = self.asked(filed, facts);
        step(case, self.event, &asked).map_err(|refusal| self.refusal(case, filed, refusal))
    }

    pub(super) fn asked<'a>(&'a self, filed: &'a Filed, facts: &'a Facts) -> Asked<'a> {
        Asked {
            actor: self.actor,
            jurisdiction: &filed.jurisdiction,
            props: &filed.body.props,
            kept: &facts.kept,
            stated: self.stated,
            reason: self.reason,
            day: facts.day,
            received: facts.received,
            submitted: facts.submitted,
            run: facts.run.clone(),
            deviation_m: facts.deviation_m,
            limits: facts.limits,
            uncounted: facts.uncounted.clone(),
            due: facts.due,
            full: facts.full.clone(),
        }
    }

    pub(super) fn refusal(&self, case: &Case, filed: &Filed, refusal: Refusal<Guard>) -> Error {
        let (owner, asked) = (&filed.body.props.organisation, case.consulted());
        let may = |actor: &Actor| allowed(case.state, &asked, actor, &filed.jurisdiction, owner);
        let may = self.actor.map(may).unwrap_or_default();
        let (detail, unmet) = match refusal {
            Refusal::NotFromHere => {
                (format!("«{}» is not for a request that is {}", self.event, case.state), Vec::new())
            }
            Refusal::NotYours => (format!("«{}» is not for you to send", self.event), Vec::new()),
            Refusal::Unmet(unmet) => (format!("«{}» cannot be done yet", self.event), unmet),
        };
        Error::StepRefused {
            detail,
            allowed: may.iter().map(ToString::to_string).collect(),
            unmet: unmet.into_iter().map(|(guard, missing)| (guard.to_string(), missing)).collect(),
        }
    }

    /// How far what was surveyed lies from the place, on the working grid.
    pub(super) fn deviation_m(&self, of: &Filed, surveyed: Option<&Surveyed>) -> Option<f64> {
        let surveyed = surveyed.filter(|_| self.event == Event::Verify)?;
        let point = Geometry::Point((surveyed.x, surveyed.y).into());
        let Ok(Geometry::Point(stands)) = crs::project(&point, surveyed.crs, of.body.place.grid_crs) else {
            return None;
        };
        let place = of.body.on_grid();
        Some((stands.x() - place.x).hypot(stands.y() - place.y))
    }
}
