//! What waits for somebody, what is due first before the others.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Shown, places, shown, today};
use crate::actions::Context;
use crate::domain::actor::{Actor, Role};
use crate::domain::site_request::words::{State, Waits};
use crate::error::Result;
use crate::store::site_request::{self as store, Tray};

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

/// Who waits for whom: a role, and for what it is looked for.
const TRAYS: &[(Role, Waits)] = &[
    (Role::Carrier, Waits::Owner),
    (Role::Officer, Waits::Officer),
    (Role::Approver, Waits::Approver),
    (Role::Consultee, Waits::Consultee),
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
    let mut trays = Vec::new();
    for (role, waits) in TRAYS {
        let own = matches!(waits, Waits::Owner | Waits::Consultee);
        let organisation = actor.organisation.clone().filter(|_| own);
        for (day, codes) in &by_day {
            let places: Vec<String> = codes.iter().filter(|code| actor.acts_as(*role, code)).cloned().collect();
            if !places.is_empty() && (!own || organisation.is_some()) {
                trays.push(Tray { places, waits: *waits, organisation: organisation.clone(), day: *day });
            }
        }
    }
    let (mut waiting, counts) = context.store.read_as(actor, |conn| {
        let mut waiting = Vec::new();
        for tray in &trays {
            waiting.extend(store::waiting(conn, tray, i64::from(limit) + 1)?);
        }
        Ok((waiting, store::counts(conn, &all)?))
    })?;
    waiting.sort_by_key(|filed| (filed.due_on.is_none(), filed.due_on, filed.id));
    waiting.dedup_by_key(|filed| filed.id);
    let more = waiting.len() > limit as usize;
    waiting.truncate(limit as usize);
    let counts = counts.into_iter().map(|count| (count.state, count.requests)).collect();
    Ok(Inbox { waiting: waiting.into_iter().map(|filed| shown(actor, filed)).collect(), more, counts })
}
