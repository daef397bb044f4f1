//! What waits for somebody, what has the least time left before the others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Shown, calendars, places, sees_his_alone, shown, today};
use crate::actions::Context;
use crate::domain::actor::{Actor, Role};
use crate::domain::site_request::Filed;
use crate::domain::site_request::table::ASKED;
use crate::domain::site_request::timing::Timing;
use crate::domain::site_request::words::{State, Waits};
use crate::error::Result;
use crate::store::site_request::{self as store, Consulted, Tray};

/// What waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Inbox {
    /// The requests, what is due first before the others; what has no day comes last.
    pub waiting: Vec<Shown>,
    /// There are more.
    pub more: bool,
    /// How many requests somebody sees in each state.
    pub counts: BTreeMap<State, i64>,
}

/// Who waits for whom: roles, and for what they are looked for.
const TRAYS: &[(&[Role], Waits)] = &[
    (&[Role::Carrier], Waits::Owner),
    (&[Role::Officer], Waits::Officer),
    (&[Role::Approver], Waits::Approver),
    (ASKED, Waits::Consultee),
];

/// What waits for somebody, `limit` of it at most.
///
/// # Errors
/// [`Error::Parameter`](crate::error::Error::Parameter) for an unknown jurisdiction, [`Error::Busy`](crate::error::Error::Busy).
pub fn inbox(context: &Context, actor: &Actor, jurisdiction: Option<&str>, limit: u32) -> Result<Inbox> {
    let all = places(context, jurisdiction)?;
    let mut by_day: BTreeMap<Date, Vec<String>> = BTreeMap::new();
    for code in &all {
        by_day.entry(today(context, code)?).or_default().push(code.clone());
    }
    let acts = |roles: &[Role], code: &str| roles.iter().any(|role| actor.acts_as(*role, code));
    let mut trays = Vec::new();
    for (roles, waits) in TRAYS {
        let own = matches!(waits, Waits::Owner | Waits::Consultee);
        let organisation = actor.organisation.clone().filter(|_| own);
        for (day, codes) in &by_day {
            let places: Vec<String> = codes.iter().filter(|code| acts(roles, code)).cloned().collect();
            if !places.is_empty() && (!own || organisation.is_some()) {
                trays.push(Tray { places, waits: *waits, organisation: organisation.clone(), day: *day });
            }
        }
    }
    // Where it sees no requests of others, an organisation sees those about which it was asked.
    let blind: Vec<String> = all.iter().filter(|code| sees_his_alone(actor, code)).cloned().collect();
    let consulted = actor.organisation.as_deref().map(|organisation| Consulted { organisation, places: &blind });
    let (found, calendars, counts) = context.store.read_as(actor, |conn| {
        let mut found: Vec<(Filed, Option<Date>, Date)> = Vec::new();
        for tray in &trays {
            for filed in store::waiting(conn, tray, i64::from(limit) + 1)? {
                let due = due(tray, &filed);
                found.push((filed, due, tray.day));
            }
        }
        let calendars = calendars(conn, found.iter().map(|(filed, _, _)| filed))?;
        Ok((found, calendars, store::counts(conn, &all, consulted)?))
    })?;
    let mut waiting: Vec<(Filed, Timing)> = found
        .into_iter()
        .map(|(filed, due, day)| {
            let calendar = calendars.get(&filed.jurisdiction).map(|found| &found.calendar);
            let timing = Timing::of(due, calendar, day);
            (filed, timing)
        })
        .collect();
    waiting.sort_by_key(|(filed, timing)| (timing.rank(), filed.id));
    let mut seen = BTreeSet::new();
    waiting.retain(|(filed, _)| seen.insert(filed.id));
    let more = waiting.len() > limit as usize;
    waiting.truncate(limit as usize);
    let counts = counts.into_iter().map(|count| (count.state, count.requests)).collect();
    let waiting = waiting.into_iter().map(|(filed, timing)| shown(actor, filed, timing)).collect();
    Ok(Inbox { waiting, more, counts })
}

/// Until when a request of a tray waits: the office's answer, or of whoever was asked his own.
fn due(tray: &Tray, filed: &Filed) -> Option<Date> {
    if tray.waits != Waits::Consultee {
        return filed.due_on;
    }
    let own = filed.asked.iter().find(|(organisation, _)| Some(organisation) == tray.organisation.as_ref());
    own.and_then(|(_, last)| *last)
}
