//! What happens by itself when a day is over: permits lapse, and the time of whoever was asked; a request becomes overdue, and, where
//! the rules say so, counts as approved; and the antennas of what was granted before they were kept are brought in, as is what is kept of a request to search by. Whatever has something due is looked for now and then; what is overdue and waits for an approval
//! by silence again and again, for nothing that stood in its way has to stay there.

use std::collections::BTreeSet;

use jiff::civil::Date;
use uuid::Uuid;

use super::step::by_itself;
use super::{antennas, recount};
use crate::actions::{Context, Witness};
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::site_request::limits::Limits;
use crate::domain::site_request::table::{OF_TIMER, TABLE};
use crate::domain::site_request::words::{Event, Guard, State};
use crate::domain::word::Word;
use crate::domain::workflow;
use crate::error::{Error, Result};
use crate::store::site_request as store;

/// Requests of a jurisdiction at once; the others come next.
const AT_ONCE: i64 = 1_000;

/// Does everything for which a day is over, and what is to be brought in. How many steps that was.
///
/// # Errors
/// The first failure, once everything else was tried: [`Error::Busy`].
pub fn lapse(context: &Context) -> Result<usize> {
    let operator = Actor { name: "timer".into(), ..Actor::operator() };
    let witness = Witness::new(&operator, "timer");
    let mut made = Made::default();
    for territory in context.index.snapshot().territories() {
        let code = territory.jurisdiction.code.as_str();
        let day = clock::now().to_zoned(territory.jurisdiction.time_zone()).date();
        // By what is kept is looked for what has something due.
        made.add(recount::bring_in(context, witness, &territory.jurisdiction));
        let done = of_jurisdiction(context, witness, code, day).inspect_err(|error| {
            tracing::warn!(%error, jurisdiction = code, "not everything for which a day is over could be done");
        });
        made.add(done);
        made.add(antennas::bring_in(context, witness, &territory.jurisdiction));
    }
    made.all()
}

/// Steps that were made, and the first failure.
#[derive(Default)]
struct Made {
    steps: usize,
    failed: Option<Error>,
}

impl Made {
    fn add(&mut self, steps: Result<usize>) {
        match steps {
            Ok(steps) => self.steps += steps,
            Err(error) => self.failed = self.failed.take().or(Some(error)),
        }
    }

    fn all(self) -> Result<usize> {
        self.failed.map_or(Ok(self.steps), Err)
    }
}

/// The same of one jurisdiction, on a day there.
fn of_jurisdiction(context: &Context, witness: Witness<'_>, code: &str, day: Date) -> Result<usize> {
    let over = context.store.read_as(witness.actor, |conn| store::over(conn, code, day, AT_ONCE))?;
    let tried: BTreeSet<Uuid> = over.iter().map(|(id, _)| *id).collect();
    let mut made = Made::default();
    for (id, state) in over {
        made.add(steps(context, witness, id, state));
    }
    made.add(silence(context, witness, code, day, &tried));
    made.all()
}

/// The steps of one request, each once.
fn steps(context: &Context, witness: Witness<'_>, id: Uuid, mut state: State) -> Result<usize> {
    let (mut made, mut failed, mut against) = (0, None, None);
    for event in OF_TIMER {
        if workflow::row(TABLE, state, *event).is_none() {
            continue;
        }
        let reason = against.as_deref().filter(|_| *event == Event::Escalate);
        match by_itself(context, witness, id, *event, reason) {
            Ok(done) => (made, state) = (made + 1, done.shown.filed.state),
            Err(Error::StepRefused { unmet, .. }) if *event == Event::DeemApproved => against = why_not(&unmet),
            // Its moment has not come, or somebody else made a step meanwhile, or another instance this one.
            Err(Error::Changed(_) | Error::StepRefused { .. }) => {}
            // That one step cannot be made, as where a check takes too long, holds up none of the others.
            Err(other) => {
                if *event == Event::DeemApproved {
                    against =
                        Some("does not count as approved yet: the checks could not be asked; it is tried again".into());
                }
                failed = failed.or(Some(other));
            }
        }
    }
    failed.map_or(Ok(made), Err)
}

/// What stands against an approval by silence; none where nobody grants one, or it is too early.
fn why_not(unmet: &[(String, String)]) -> Option<String> {
    let is = |guard: Guard| unmet.iter().any(|(unmet, _)| unmet == guard.as_str());
    if unmet.is_empty() || is(Guard::DeemedApproval) || is(Guard::Overdue) {
        return None;
    }
    let named: Vec<String> = unmet.iter().map(|(guard, why)| format!("{guard}: {why}")).collect();
    Some(format!("does not count as approved as long as this stands against it: {}", named.join("; ")))
}

/// Approvals by silence, where the rules grant them, of everything that is overdue and was not tried before.
fn silence(
    context: &Context,
    witness: Witness<'_>,
    jurisdiction: &str,
    day: Date,
    tried: &BTreeSet<Uuid>,
) -> Result<usize> {
    let rules = context.store.snapshot(|conn| context.store.case_rules.of(conn, jurisdiction))?;
    if !Limits::on(&rules.parameters, day).deemed_approval {
        return Ok(0);
    }
    let (mut made, mut failed, mut after) = (0, None, None);
    loop {
        let late =
            context.store.read_as(witness.actor, |conn| store::overdue(conn, jurisdiction, day, after, AT_ONCE))?;
        let Some((last, _)) = late.last() else { return failed.map_or(Ok(made), Err) };
        after = Some(*last);
        let may = |state: &State| workflow::row(TABLE, *state, Event::DeemApproved).is_some();
        for (id, _) in late.iter().filter(|(id, state)| may(state) && !tried.contains(id)) {
            match by_itself(context, witness, *id, Event::DeemApproved, None) {
                Ok(_) => made += 1,
                Err(Error::Changed(_) | Error::StepRefused { .. }) => {}
                Err(other) => failed = failed.or(Some(other)),
            }
        }
    }
}
