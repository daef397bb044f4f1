//! Zones in force, as site checks read them: a reference feature each, under the id of the zone. They begin when their plan is
//! published, and end with it.

use crate::domain::plan::Plan;
use crate::domain::reference::Reference;
use crate::store::records::Records;
use crate::store::{Stored, WriteTx, zone as zones};

/// Shows the zones of a plan that was published: how many.
pub(super) fn begin(tx: &mut WriteTx<'_>, plan: &Plan) -> Stored<usize> {
    let all = zones::of_plan_in(tx, plan)?;
    let mut count = 0;
    for zone in all {
        if let Some(body) = zone.projected(plan) {
            Reference::insert(tx, &plan.jurisdiction, zone.id, body)?;
            count += 1;
        }
    }
    Ok(count)
}

/// Ends the zones of a plan where it is in force no longer than this; those that never are are taken away.
pub(super) fn end(tx: &mut WriteTx<'_>, plan: &Plan) -> Stored<()> {
    let all = zones::of_plan_in(tx, plan)?;
    for zone in all {
        let Some(shown) = Reference::lock(tx, &plan.jurisdiction, zone.id)? else { continue };
        match zone.projected(plan) {
            Some(body) if body != shown.body => drop(Reference::update(tx, &shown, body)?),
            Some(_) => {}
            None => Reference::delete(tx, &shown)?,
        }
    }
    Ok(())
}
