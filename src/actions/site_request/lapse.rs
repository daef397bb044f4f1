//! Permits lapse by themselves: whoever's time has come is looked for now and then.

use super::step::by_itself;
use crate::actions::{Context, Witness};
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::site_request::words::Event;
use crate::error::{Error, Result};
use crate::store::site_request as store;

/// Permits that lapse at once in a jurisdiction; the others come next.
const AT_ONCE: i64 = 1_000;

/// Lets lapse every permit that held until a day that is over. How many there were.
///
/// # Errors
/// [`Error::Busy`].
pub fn lapse(context: &Context) -> Result<usize> {
    let (operator, mut lapsed) = (Actor { name: "timer".into(), ..Actor::operator() }, 0);
    for territory in context.index.snapshot().territories() {
        let code = territory.jurisdiction.code.as_str();
        let day = clock::now().to_zoned(territory.jurisdiction.time_zone()).date();
        let over = context.store.read_as(&operator, |conn| store::over(conn, code, day, AT_ONCE))?;
        for id in over {
            match by_itself(context, Witness::new(&operator, "timer"), id, Event::Lapse) {
                Ok(_) => lapsed += 1,
                // Somebody else made a step meanwhile, or another instance this one.
                Err(Error::Changed(_) | Error::StepRefused { .. }) => {}
                Err(other) => return Err(other),
            }
        }
    }
    Ok(lapsed)
}
