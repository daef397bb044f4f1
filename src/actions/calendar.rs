//! Setting the calendar of a jurisdiction, and reading it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::rules::Imported;
use super::site_request::recount;
use super::{Context, Witness, forbidden, refresh};
use crate::domain::audit::{AuditEntry, Deed};
use crate::domain::calendar::{Calendar, CalendarContent, RegisteredCalendar};
use crate::domain::site_request::timing::Counting;
use crate::error::{Error, Result};
use crate::store;

/// What it is called in the audit trail.
const WHAT: &str = "calendar";

/// Puts a calendar in the place of those of some jurisdictions, in all of them or in none. `digest` is the SHA-256 of its
/// file; where that is set already, nothing is written.
///
/// # Errors
/// [`Error::NotFound`] for a jurisdiction that is not registered, [`Error::Invalid`] where the same name and version were
/// ever set there with another content, [`Error::Forbidden`], [`Error::Busy`].
pub fn set(
    context: &Context,
    witness: Witness<'_>,
    codes: &[String],
    calendar: &Calendar,
    digest: &str,
) -> Result<Vec<Imported>> {
    let codes: BTreeSet<&str> = codes.iter().map(String::as_str).collect();
    for code in &codes {
        if !witness.actor.may_import_rules(code) {
            return Err(forbidden(witness.actor, &format!("set the calendar of {code}")));
        }
    }
    let (set, zones) = context.store.read(|conn| {
        let (mut set, mut zones) = (Vec::new(), BTreeMap::new());
        for code in &codes {
            if store::changes::revision(conn, code)?.is_none() {
                return Err(Error::NotFound(format!("the jurisdiction «{code}»")).into());
            }
            set.extend(store::calendar::list(conn, Some(code))?);
            let found = store::jurisdiction::find(conn, code)?;
            zones.extend(found.map(|found| (code.to_string(), found.time_zone())));
        }
        Ok((set, zones))
    })?;
    let is_set = |code: &str| set.iter().any(|s| s.jurisdiction == code && s.digest == digest);
    let fresh: Vec<&str> = codes.iter().copied().filter(|code| !is_set(code)).collect();
    let mut revisions = Vec::new();
    if !fresh.is_empty() {
        let CalendarContent { name, version, .. } = calendar.content();
        ((), revisions) = context.store.write(witness, |tx| {
            for code in &fresh {
                recount::hold(tx, code)?;
            }
            for code in &fresh {
                let (_, at) = tx.raise(code)?;
                // From here on nobody else sets one: what is refused now is refused for good.
                let before = store::calendar::find(tx, code)?;
                if store::audit::said_otherwise(tx, code, WHAT, (name, version), digest)? {
                    let detail = format!(
                        "{name} {version} was set in {code} with another content; give the changed file a version of its own"
                    );
                    return Err(Error::invalid("version", detail).into());
                }
                store::calendar::replace(tx, code, calendar, digest)?;
                // Whatever is due is so by these days from here on.
                let parameters = store::rules::of_cases_in(tx, code)?;
                let time_zone = zones.get(*code).cloned().unwrap_or(TimeZone::UTC);
                let counting = Counting { calendar: Some(calendar), time_zone, parameters: &parameters };
                recount::recount(tx, code, &counting, at)?;
                tx.audit(code, entry(calendar.content(), digest, before.as_ref()))?;
            }
            Ok(())
        })?;
        refresh::after_commit(context, witness.actor, &revisions);
    }
    let done = |code: &&str| Imported {
        jurisdiction: (*code).to_owned(),
        revision: revisions.iter().find(|raised| raised.jurisdiction == *code).map(|raised| raised.revision),
    };
    Ok(codes.iter().map(done).collect())
}

fn entry(content: &CalendarContent, digest: &str, before: Option<&RegisteredCalendar>) -> AuditEntry {
    let mut detail = vec![
        ("what", WHAT.to_owned()),
        ("name", content.name.clone()),
        ("version", content.version.clone()),
        ("years", format!("{}-{}", content.first_year, content.last_year)),
        ("days", content.days.len().to_string()),
        ("sha256", digest.to_owned()),
    ];
    detail.extend(before.map(|b| ("replaced_sha256", b.digest.clone())));
    AuditEntry { deed: Deed::Import, layer: None, subject: None, owner: None, detail }
}

/// The calendars that are set, of a jurisdiction or of all. When an office works is no secret.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered, [`Error::Busy`].
pub fn list(context: &Context, jurisdiction: Option<&str>) -> Result<Vec<RegisteredCalendar>> {
    context.store.snapshot(|conn| {
        if let Some(code) = jurisdiction
            && store::changes::revision(conn, code)?.is_none()
        {
            return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")).into());
        }
        store::calendar::list(conn, jurisdiction)
    })
}
