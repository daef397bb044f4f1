//! Plans that wait for somebody, the longest first.

use std::collections::BTreeMap;

use super::today;
use crate::actions::Context;
use crate::actions::site_request::places;
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
    /// There are more.
    pub more: bool,
    /// How many plans somebody sees in each state.
    pub counts: BTreeMap<PlanState, i64>,
}

/// The plans that wait for an actor, `limit` of them at most, and how many he sees.
///
/// # Errors
/// [`Error::Parameter`](crate::error::Error::Parameter) for an unknown jurisdiction, [`Error::Busy`](crate::error::Error::Busy).
pub fn waiting(context: &Context, actor: &Actor, jurisdiction: Option<&str>, limit: u32) -> Result<Tray> {
    let places = places(context, jurisdiction)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut all = Vec::new();
    for (state, _) in PlanState::ALL {
        let Some(role) = state.waits_for() else { continue };
        let own: Vec<String> = places.iter().filter(|code| actor.acts_as(role, code)).cloned().collect();
        if !own.is_empty() {
            let most = i64::from(limit) + 1;
            all.extend(context.store.read_as(actor, |conn| plan_step::unchanged(conn, *state, &own, most))?);
        }
    }
    all.retain(|plan| plan.is_seen_by(actor));
    all.sort_by_key(|plan| (plan.recorded_at, plan.id));
    let more = all.len() > most;
    all.truncate(most);
    let one = |plan: Plan| {
        let day = today(context, &plan.jurisdiction)?;
        Ok(Waiting { state: plan.state_on(day), allowed: plan.allowed(actor, day), plan })
    };
    let waiting = all.into_iter().map(one).collect::<Result<_>>()?;
    let mut counts = BTreeMap::new();
    for alike in context.store.read_as(actor, |conn| plan_step::counts(conn, jurisdiction))? {
        let state = alike.state.on(today(context, &alike.jurisdiction)?, alike.last, alike.ended_on);
        *counts.entry(state).or_default() += alike.plans;
    }
    Ok(Tray { waiting, more, counts })
}
