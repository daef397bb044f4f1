//! What waits for somebody, what has the least time left before the others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Shown, case_rules, places, shown, today, uncounted};
use crate::actions::Context;
use crate::domain::actor::{Actor, Role};
use crate::domain::site_request::reader::sees_others;
use crate::domain::site_request::table::ASKED;
use crate::domain::site_request::words::{State, Waits};
use crate::error::Result;
use crate::store::seen::see;
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
    let blind: Vec<String> = all.iter().filter(|code| !sees_others(actor, code)).cloned().collect();
    let consulted = actor.organisation.as_deref().map(|organisation| Consulted { organisation, places: &blind });
    let (found, rules, uncounted, counts) = context.store.snapshot(|conn| {
        see(conn, actor)?;
        let mut found = Vec::new();
        for tray in &trays {
            let waiting = store::waiting(conn, tray, i64::from(limit) + 1)?;
            found.extend(waiting.into_iter().map(|filed| (filed, tray.day)));
        }
        let rules = case_rules(context, conn, found.iter().map(|(filed, _)| filed))?;
        let uncounted = uncounted(conn, actor, found.iter().map(|(filed, _)| filed))?;
        Ok((found, rules, uncounted, store::counts(conn, &all, consulted)?))
    })?;
    let mut waiting: Vec<Shown> = found
        .into_iter()
        .map(|(filed, day)| {
            let calendar = rules.get(&filed.jurisdiction).and_then(|rules| rules.days());
            let uncounted = uncounted.get(&filed.id);
            shown(actor, filed, (calendar, day), uncounted)
        })
        .collect();
    waiting.sort_by_key(|shown| (shown.timing.rank(), shown.filed.id));
    let mut seen = BTreeSet::new();
    waiting.retain(|shown| seen.insert(shown.filed.id));
    let more = waiting.len() > limit as usize;
    waiting.truncate(limit as usize);
    let counts = counts.into_iter().map(|count| (count.state, count.requests)).collect();
    Ok(Inbox { waiting, more, counts })
}
