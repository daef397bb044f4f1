//! What comes to be by itself: a plan whose period is over has expired, and one whose amendment has begun is superseded, whether
//! somebody records it or not; here it is recorded.

use uuid::Uuid;

use super::step::make;
use super::{store, today};
use crate::actions::{Context, Witness, refresh};
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::plan::{Facts, Plan, PlanEvent, PlanState, Sent, StepData};
use crate::error::{Error, Result};

/// Records of every plan whose period is over that it has expired, or was superseded: of how many.
///
/// # Errors
/// The first failure, once every other plan was tried: [`Error::Busy`].
pub fn expire(context: &Context) -> Result<usize> {
    // Nowhere is a day earlier over than this.
    let now = clock::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let latest = now.tomorrow().unwrap_or(now);
    let over = context.store.snapshot(|conn| store::over_by(conn, latest))?;
    let (mut count, mut failed) = (0, None);
    for plan in over {
        match expire_one(context, &plan) {
            Ok(is_recorded) => count += usize::from(is_recorded),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(count), Err)
}

/// Records it of one plan, unless another instance did, or its last day is not over there.
fn expire_one(context: &Context, plan: &Plan) -> Result<bool> {
    let day = today(context, &plan.jurisdiction)?;
    let event = match plan.state_on(day) {
        PlanState::Expired => PlanEvent::Expire,
        PlanState::Superseded => PlanEvent::Supersede,
        _ => return Ok(false),
    };
    let timer = Actor { name: "timer".into(), ..Actor::operator() };
    let request_id = Uuid::now_v7().to_string();
    let data = StepData::default();
    let sent = Sent { actor: None, event, reason: None, data: &data };
    let done = context.store.write(Witness::new(&timer, &request_id), |tx| {
        let locked = store::lock(tx, &plan.jurisdiction, plan.id)?;
        let Some(plan) = locked.filter(|now| now.version == plan.version) else {
            return Err(Error::Changed("somebody was faster".into()).into());
        };
        let (_, at) = tx.raise(&plan.jurisdiction)?;
        let facts = Facts::on(day);
        make(tx, &plan, None, &sent, &facts, at)
    });
    match done {
        Ok(((), reached)) => {
            refresh::after_commit(context, &timer, &reached);
            Ok(true)
        }
        Err(Error::Changed(_)) => Ok(false),
        Err(other) => Err(other),
    }
}
