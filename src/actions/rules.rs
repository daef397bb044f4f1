//! Loading a rule pack, and reading what is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::site_request::recount;
use super::{Context, Witness, forbidden, refresh};
use crate::domain::audit::{AuditEntry, Deed};
use crate::domain::rules::{RegisteredPack, RulePack, Ruling};
use crate::domain::site_request::timing::Counting;
use crate::error::{Error, Result};
use crate::index::Territory;
use crate::store::{self, Connection, Stored};

/// What it is called in the audit trail.
const WHAT: &str = "rules";

/// What loading a file came to in one jurisdiction.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Where.
    pub jurisdiction: String,
    /// The revision it has come to; none where this very file was loaded already.
    pub revision: Option<i64>,
}

/// Puts a pack in the place of those of some jurisdictions, in all of them or in none. `digest` is the SHA-256 of its
/// file; where that is loaded already, nothing is written.
///
/// # Errors
/// [`Error::NotFound`] for a jurisdiction that is not registered, [`Error::Invalid`] where the same name and version were
/// ever loaded there with another content, [`Error::Forbidden`], [`Error::Busy`].
pub fn import(
    context: &Context,
    witness: Witness<'_>,
    codes: &[String],
    pack: &RulePack,
    digest: &str,
) -> Result<Vec<Imported>> {
    let codes: BTreeSet<&str> = codes.iter().map(String::as_str).collect();
    for code in &codes {
        if !witness.actor.may_import_rules(code) {
            return Err(forbidden(witness.actor, &format!("load rules in {code}")));
        }
    }
    let (loaded, zones) = context.store.read(|conn| {
        let (mut loaded, mut zones) = (Vec::new(), BTreeMap::new());
        for code in &codes {
            if store::changes::revision(conn, code)?.is_none() {
                return Err(Error::NotFound(format!("the jurisdiction «{code}»")).into());
            }
            loaded.extend(store::rules::list(conn, Some(code))?);
            let found = store::jurisdiction::find(conn, code)?;
            zones.extend(found.map(|found| (code.to_string(), found.time_zone())));
        }
        Ok((loaded, zones))
    })?;
    let is_loaded = |code: &str| loaded.iter().any(|l| l.jurisdiction == code && l.digest == digest);
    let fresh: Vec<&str> = codes.iter().copied().filter(|code| !is_loaded(code)).collect();
    let mut revisions = Vec::new();
    if !fresh.is_empty() {
        ((), revisions) = context.store.write(witness, |tx| {
            for code in &fresh {
                recount::hold(tx, code)?;
            }
            for code in &fresh {
                let (_, at) = tx.raise(code)?;
                // From here on nobody else loads one: what is refused now is refused for good.
                let before = store::rules::find(tx, code)?;
                if store::audit::said_otherwise(tx, code, WHAT, (&pack.name, &pack.version), digest)? {
                    return Err(two_contents(code, pack).into());
                }
                store::rules::replace(tx, code, pack, digest)?;
                // The hour after which a day does not count may be another one.
                let calendar = store::calendar::find(tx, code)?;
                let counting = Counting {
                    calendar: calendar.as_ref().map(|found| &found.calendar),
                    time_zone: zones.get(*code).cloned().unwrap_or(TimeZone::UTC),
                    parameters: &pack.parameters,
                };
                recount::recount(tx, code, &counting, at)?;
                tx.audit(code, entry(pack, digest, before.as_ref()))?;
            }
            Ok(())
        })?;
        refresh::after_commit(context, witness.actor, &revisions);
    }
    let imported = |code: &&str| Imported {
        jurisdiction: (*code).to_owned(),
        revision: revisions.iter().find(|raised| raised.jurisdiction == *code).map(|raised| raised.revision),
    };
    Ok(codes.iter().map(imported).collect())
}

/// A version that says two things is none.
fn two_contents(code: &str, pack: &RulePack) -> Error {
    let detail = format!(
        "{} {} was loaded in {code} with another content; give the changed file a version of its own",
        pack.name, pack.version
    );
    Error::invalid("version", detail)
}

fn entry(pack: &RulePack, digest: &str, before: Option<&RegisteredPack>) -> AuditEntry {
    let mut detail = vec![
        ("what", WHAT.to_owned()),
        ("name", pack.name.clone()),
        ("version", pack.version.clone()),
        ("parameters", pack.parameters.len().to_string()),
        ("sha256", digest.to_owned()),
    ];
    detail.extend(before.map(|b| ("replaced_sha256", b.digest.clone())));
    AuditEntry { deed: Deed::Import, layer: None, subject: None, owner: None, detail }
}

/// Which parameters are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only of this jurisdiction.
    pub jurisdiction: Option<String>,
    /// Only with this key.
    pub key: Option<String>,
    /// Only those in force at a moment, on its calendar day in each jurisdiction.
    pub at: Option<Timestamp>,
}

/// A pack with those of its parameters that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The pack.
    pub pack: RegisteredPack,
    /// How many parameters it has, listed or not.
    pub count: usize,
    /// The day on which those listed are in force; none: whenever they are.
    pub day: Option<Date>,
}

/// The rule packs that are loaded. What the law says is no secret.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered, [`Error::Busy`].
pub fn list(context: &Context, wanted: &Wanted) -> Result<Vec<Listed>> {
    context.store.snapshot(|conn| {
        if let Some(code) = &wanted.jurisdiction
            && store::changes::revision(conn, code)?.is_none()
        {
            return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")).into());
        }
        let mut listed = Vec::new();
        for mut pack in store::rules::list(conn, wanted.jurisdiction.as_deref())? {
            let day = match wanted.at {
                None => None,
                Some(at) => Some(at.to_zoned(time_zone(context, conn, &pack.jurisdiction)?).date()),
            };
            let count = pack.pack.parameters.len();
            pack.pack.parameters.retain(|p| {
                wanted.key.as_ref().is_none_or(|key| *key == p.key) && day.is_none_or(|day| p.in_force(day))
            });
            listed.push(Listed { pack, count, day });
        }
        Ok(listed)
    })
}

/// The time zone whose calendar days count: as the index has it, for the database would have to make the whole
/// jurisdiction; but a command has no index.
fn time_zone(context: &Context, conn: &mut Connection, code: &str) -> Stored<TimeZone> {
    if let Some(territory) = context.index.snapshot().territory(code) {
        return Ok(territory.jurisdiction.time_zone());
    }
    let unknown = || Error::NotFound(format!("the jurisdiction «{code}»"));
    Ok(store::jurisdiction::find(conn, code)?.ok_or_else(unknown)?.time_zone())
}

/// The rules of a jurisdiction for the index: what `known` has, a state since which no pack was loaded.
///
/// # Errors
/// The database's.
pub(super) fn read(
    context: &Context,
    conn: &mut Connection,
    code: &str,
    known: Option<&Territory>,
) -> Stored<Arc<Ruling>> {
    if let Some(known) = known {
        return Ok(Arc::clone(known.rules()));
    }
    let loaded = store::rules::list(conn, Some(code))?;
    let parameters = loaded.first().map(|l| l.pack.parameters.as_slice()).unwrap_or_default();
    Ok(Arc::new(Ruling::new(parameters, context.accuracies())))
}
