//! What happens by itself when a day is over: permits lapse, and the time of whoever was asked; a request becomes overdue, and, where
//! the rules say so, counts as approved. Whatever has something due is looked for now and then.

use uuid::Uuid;

use super::step::by_itself;
use crate::actions::{Context, Witness};
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::site_request::table::{OF_TIMER, TABLE};
use crate::domain::site_request::words::State;
use crate::domain::workflow;
use crate::error::{Error, Result};
use crate::store::site_request as store;

/// Requests of a jurisdiction at once; the others come next.
const AT_ONCE: i64 = 1_000;

/// Does everything for which a day is over. How many steps that was.
///
/// # Errors
/// The first failure, once everything else was tried: [`Error::Busy`].
pub fn lapse(context: &Context) -> Result<usize> {
    let operator = Actor { name: "timer".into(), ..Actor::operator() };
    let (mut made, mut failed) = (0, None);
    for territory in context.index.snapshot().territories() {
        let code = territory.jurisdiction.code.as_str();
        let day = clock::now().to_zoned(territory.jurisdiction.time_zone()).date();
        let over = context.store.read_as(&operator, |conn| store::over(conn, code, day, AT_ONCE))?;
        for (id, state) in over {
            match steps(context, Witness::new(&operator, "timer"), id, state) {
                Ok(steps) => made += steps,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
    }
    failed.map_or(Ok(made), Err)
}

/// The steps of one request, each once.
fn steps(context: &Context, witness: Witness<'_>, id: Uuid, mut state: State) -> Result<usize> {
    let (mut made, mut failed) = (0, None);
    for event in OF_TIMER {
        if workflow::row(TABLE, state, *event).is_none() {
            continue;
        }
        match by_itself(context, witness, id, *event) {
            Ok(done) => (made, state) = (made + 1, done.shown.filed.state),
            // Its moment has not come, or somebody else made a step meanwhile, or another instance this one.
            Err(Error::Changed(_) | Error::StepRefused { .. }) => {}
            // That one step cannot be made, as where a check takes too long, holds up none of the others.
            Err(other) => failed = Some(other),
        }
    }
    failed.map_or(Ok(made), Err)
}
