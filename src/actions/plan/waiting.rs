//! Plans that wait for somebody, the longest first.

use super::{Listed, PlanListing, list};
use crate::actions::Context;
use crate::domain::actor::{Actor, Role};
use crate::domain::plan::PlanState;
use crate::error::Result;

/// For whom a plan waits in a state: whoever draws it, until it is with the committee, and again to publish it.
const WAITS_FOR: &[(PlanState, Role)] = &[
    (PlanState::Draft, Role::Officer),
    (PlanState::InAppraisal, Role::Officer),
    (PlanState::Appraised, Role::Officer),
    (PlanState::Submitted, Role::Approver),
    (PlanState::Approved, Role::Officer),
];

/// The plans that wait for an actor, `limit` of each state at most.
///
/// # Errors
/// As [`list`].
pub fn waiting(context: &Context, actor: &Actor, jurisdiction: Option<&str>, limit: u32) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for (state, role) in WAITS_FOR.iter().filter(|(_, role)| actor.roles.contains(role)) {
        let listing = PlanListing {
            jurisdiction: jurisdiction.map(str::to_owned),
            state: Some(*state),
            code: None,
            after: None,
            limit: limit.into(),
        };
        let (found, _) = list(context, actor, &listing)?;
        all.extend(found.into_iter().filter(|(plan, _)| actor.acts_as(*role, &plan.jurisdiction)));
    }
    all.sort_by_key(|(plan, _)| (plan.recorded_at, plan.id));
    Ok(all)
}
