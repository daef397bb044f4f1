//! Plans that wait for somebody, the longest first.

use std::collections::BTreeMap;

use super::{PlanListing, list, today};
use crate::actions::Context;
use crate::domain::actor::Actor;
use crate::domain::plan::{Plan, PlanEvent, PlanState};
use crate::domain::word::Word;
use crate::error::Result;
use crate::store::plan_step;

/// A plan that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The plan.
    pub plan: Plan,
    /// How far it has come.
    pub state: PlanState,
    /// The events that somebody may send now.
    pub allowed: Vec<PlanEvent>,
}

/// What waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Tray {
    /// The plans, the longest first.
    pub waiting: Vec<Waiting>,
    /// How many plans somebody sees in each state.
    pub counts: BTreeMap<PlanState, i64>,
}

/// The plans that wait for an actor, `limit` of each state at most, and how many he sees.
///
/// # Errors
/// As [`list`].
pub fn waiting(context: &Context, actor: &Actor, jurisdiction: Option<&str>, limit: u32) -> Result<Tray> {
    let mut all = Vec::new();
    for (state, _) in PlanState::ALL {
        let Some(role) = state.waits_for().filter(|role| actor.roles.contains(role)) else { continue };
        let listing = PlanListing {
            jurisdiction: jurisdiction.map(str::to_owned),
            state: Some(*state),
            code: None,
            after: None,
            limit: limit.into(),
        };
        let (found, _) = list(context, actor, &listing)?;
        all.extend(found.into_iter().filter(|(plan, _)| actor.acts_as(role, &plan.jurisdiction)));
    }
    all.sort_by_key(|(plan, _)| (plan.recorded_at, plan.id));
    let one = |(plan, state): (Plan, PlanState)| {
        let allowed = plan.allowed(actor, today(context, &plan.jurisdiction)?);
        Ok(Waiting { plan, state, allowed })
    };
    let waiting = all.into_iter().map(one).collect::<Result<_>>()?;
    let mut counts = BTreeMap::new();
    for alike in context.store.read_as(actor, |conn| plan_step::counts(conn, jurisdiction))? {
        let state = alike.state.on(today(context, &alike.jurisdiction)?, alike.last, alike.ended_on);
        *counts.entry(state).or_default() += alike.plans;
    }
    Ok(Tray { waiting, counts })
}
