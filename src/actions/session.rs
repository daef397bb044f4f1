//! Signing in, staying signed in, signing out, and one's own password.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::access::entry;
use super::{Context, Witness, password};
use crate::clock;
use crate::domain::account::{Account, Failures, wrong_password};
use crate::domain::actor::Actor;
use crate::domain::audit::{ACCESS, Deed, Digest};
use crate::domain::organisation::wrong_name;
use crate::domain::session::{CredentialKind, Identity, digest};
use crate::error::{Error, Result};
use crate::store::{self, Stored, WriteTx};

/// What somebody gets who signs in. Shown once; only digests are kept.
pub struct Issued {
    /// An access token, or the cookie of a browser.
    pub access: String,
    /// How long that lasts.
    pub expires_in: Duration,
    /// Exchanged for new ones; none for a browser.
    pub refresh: Option<String>,
}

/// The credentials of one step, made before anything is written: a write may be tried again.
struct Made {
    access: String,
    refresh: Option<String>,
}

impl Made {
    fn new(browser: bool) -> Result<Self> {
        let kind = if browser { CredentialKind::Cookie } else { CredentialKind::Access };
        let refresh = if browser { None } else { Some(password::new_credential(CredentialKind::Refresh)?) };
        Ok(Self { access: password::new_credential(kind)?, refresh })
    }

    /// Keeps their digests. A cookie and a refresh token last as long as the session, an access token some minutes.
    fn issue(&self, tx: &mut WriteTx<'_>, context: &Context, session: Uuid, end: Timestamp) -> Stored<Timestamp> {
        let (_, now) = tx.raise(ACCESS)?;
        let access_end = match &self.refresh {
            None => end,
            Some(refresh) => {
                store::session::issue(tx, session, &digest(refresh), end)?;
                later(now, SignedDuration::from_secs(i64::from(context.settings.access_token_s))).min(end)
            }
        };
        store::session::issue(tx, session, &digest(&self.access), access_end)?;
        Ok(access_end)
    }

    fn issued(self, end: Timestamp) -> Issued {
        let expires_in = Duration::try_from(end.duration_since(clock::now())).unwrap_or_default();
        Issued { access: self.access, expires_in, refresh: self.refresh }
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The same words whatever is wrong: nobody learns which names there are.
fn refused() -> Error {
    Error::Unauthenticated("the name or the password is wrong".into())
}

/// The same whether the name is one or not.
fn unlocked(failures: Option<Failures>, now: Timestamp) -> Result<()> {
    match failures.and_then(|f| f.locked_for(now)) {
        None => Ok(()),
        Some(retry_after) => {
            Err(Error::TooMany { detail: "too many wrong passwords for this name; wait a while".into(), retry_after })
        }
    }
}

/// Signs in with name and password; `browser` gets a cookie. An unknown name costs what a wrong password does.
///
/// # Errors
/// [`Error::Unauthenticated`], [`Error::TooMany`] after too many wrong passwords, [`Error::Busy`].
pub fn sign_in(context: &Context, request_id: &str, name: &str, password: &str, browser: bool) -> Result<Issued> {
    let mut name = name.trim().to_lowercase();
    let key = digest(&name);
    if wrong_name(&name).is_some() {
        // What can be no name is that of nobody; the database could not even take every such text.
        name.clear();
    }
    let (found, failures) = context
        .store
        .read(|conn| Ok((store::account::by_name(conn, &name)?, store::session::failures(conn, &key)?)))?;
    unlocked(failures, clock::now())?;
    let hash = found.as_ref().map_or(password::OF_NOBODY, |(_, hash)| hash);
    let right = context.access.password_matches(password, hash)?;
    let actor = match &found {
        Some((account, _)) if right && !account.disabled => account.actor(&account.scope),
        _ => Actor::public(),
    };
    let (made, session) = (Made::new(browser)?, Uuid::now_v7());
    let (end, _) = context.store.write(Witness::new(&actor, request_id), |tx| {
        let (failures, now) = store::session::lock_failures(tx, &key)?;
        // Whoever guesses at many doors at once learns nothing from those that come after the lock.
        unlocked(failures, now)?;
        let present = store::account::lock_by_name(tx, &name)?;
        let subject = present.as_ref().map(|(account, _)| account.id);
        // The account may have been changed since its password was looked at.
        let Some((account, _)) = present.filter(|(account, now)| right && !account.disabled && now == hash) else {
            count_failure(tx, &key, subject, "session")?;
            return Ok(None);
        };
        let end = later(now, SignedDuration::from_hours(i64::from(context.settings.session_h)));
        store::session::forget_failures(tx, &key)?;
        store::session::begin(tx, session, account.id, end)?;
        let end = made.issue(tx, context, session, end)?;
        let how = if browser { "cookie" } else { "bearer" };
        let detail = vec![("session", session.to_string()), ("as", how.to_owned())];
        tx.audit(ACCESS, entry(Deed::SignIn, "session", subject, detail))?;
        Ok(Some(end))
    })?;
    end.map(|end| made.issued(end)).ok_or_else(refused)
}

/// One wrong password more. The event names the account, and never what was typed. For a name that is none there is no
/// event: nobody's access was tried, and anybody could fill the audit trail, which is kept for ever.
fn count_failure(tx: &mut WriteTx<'_>, key: &Digest, subject: Option<Uuid>, what: &'static str) -> Stored<()> {
    let (before, now) = store::session::lock_failures(tx, key)?;
    let failures = Failures::and_one(before, now);
    store::session::set_failures(tx, key, &failures)?;
    if subject.is_none() {
        return Ok(());
    }
    tx.raise(ACCESS)?;
    tx.audit(ACCESS, entry(Deed::RefuseSignIn, what, subject, vec![("failures", failures.count.to_string())]))
}

/// Exchanges a refresh token. One that was exchanged before ends its session: either it was stolen, or the thief has the
/// one that it was exchanged for (RFC 9700, 4.14.2).
///
/// # Errors
/// [`Error::Unauthenticated`], [`Error::Busy`].
pub fn refresh(context: &Context, request_id: &str, token: &str) -> Result<Issued> {
    let refused = || Error::Unauthenticated("the refresh token is not known, or not any more; sign in".into());
    let digest = digest(token);
    let usable = |found: &store::session::Found, now: Timestamp| {
        !found.ended && !found.account.disabled && now < found.expires_at && now < found.session_expires_at
    };
    if crate::domain::session::kind_of(token) != Some(CredentialKind::Refresh) {
        return Err(refused());
    }
    // Nothing is written for what is not known: else everybody could fill the audit trail.
    let found = context.store.read(|conn| store::session::find(conn, &digest))?;
    let found = found.filter(|f| usable(f, clock::now())).ok_or_else(refused)?;
    let actor = found.account.actor(&found.account.scope);
    let made = Made::new(false)?;
    let (end, _) = context.store.write(Witness::new(&actor, request_id), |tx| {
        let (_, now) = tx.raise(ACCESS)?;
        let found = store::session::lock(tx, &digest)?.filter(|f| usable(f, now)).ok_or_else(refused)?;
        let detail = |reason: &[(&'static str, &str)]| {
            let mut all = vec![("session", found.session.to_string())];
            all.extend(reason.iter().map(|(name, value)| (*name, (*value).to_owned())));
            all
        };
        if found.used {
            store::session::end(tx, found.session)?;
            let detail = detail(&[("why", "a refresh token was used twice")]);
            tx.audit(ACCESS, entry(Deed::Revoke, "session", Some(found.account.id), detail))?;
            return Ok(None);
        }
        store::session::use_up(tx, &digest)?;
        let end = made.issue(tx, context, found.session, found.session_expires_at)?;
        tx.audit(ACCESS, entry(Deed::Refresh, "session", Some(found.account.id), detail(&[])))?;
        Ok(Some(end))
    })?;
    if end.is_none() {
        context.access.forget();
    }
    end.map(|end| made.issued(end)).ok_or_else(refused)
}

/// Ends the session that the request came with.
///
/// # Errors
/// [`Error::NotFound`] where it came with none, or with one that was ended meanwhile, [`Error::Busy`].
pub fn sign_out(context: &Context, witness: Witness<'_>, identity: &Identity) -> Result<()> {
    let none = || Error::NotFound("a session".into());
    let session = identity.session().ok_or_else(none)?;
    context.store.write(witness, |tx| {
        if !store::session::end(tx, session)? {
            return Err(none().into());
        }
        let detail = vec![("session", session.to_string())];
        tx.audit(ACCESS, entry(Deed::SignOut, "session", identity.account, detail))
    })?;
    context.access.forget();
    Ok(())
}

/// Changes one's own password and ends all other sessions of the account. A wrong one counts as it does at the door.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Forbidden`] without a session, [`Error::TooMany`], [`Error::Busy`].
pub fn change_password(
    context: &Context,
    witness: Witness<'_>,
    identity: &Identity,
    present: &str,
    new: &str,
) -> Result<()> {
    let (Some(session), Some(id)) = (identity.session(), identity.account) else {
        return Err(Error::Forbidden("only whoever signed in with the password may change it".into()));
    };
    let name = &witness.actor.name;
    if let Some(detail) = wrong_password(new, name) {
        return Err(Error::invalid("/new_password", detail));
    }
    let key = digest(name);
    let (found, failures) =
        context.store.read(|conn| Ok((store::account::by_name(conn, name)?, store::session::failures(conn, &key)?)))?;
    unlocked(failures, clock::now())?;
    let (_, hash): (Account, String) = found.ok_or_else(refused)?;
    let right = context.access.password_matches(present, &hash)?;
    let new = if right { password::hash(new)? } else { String::new() };
    let (changed, _) = context.store.write(witness, |tx| {
        let (failures, now) = store::session::lock_failures(tx, &key)?;
        unlocked(failures, now)?;
        let still = store::account::lock_by_name(tx, name)?.is_some_and(|(a, now)| !a.disabled && now == hash);
        if !(right && still) {
            count_failure(tx, &key, Some(id), "password")?;
            return Ok(false);
        }
        store::session::forget_failures(tx, &key)?;
        store::account::set_password(tx, id, &new)?;
        let ended = store::session::end_all(tx, id, Some(session))?;
        tx.audit(ACCESS, entry(Deed::Password, "account", Some(id), vec![("sessions_ended", ended.to_string())]))?;
        Ok(true)
    })?;
    if !changed {
        return Err(Error::invalid("/password", "is not your password"));
    }
    context.access.forget();
    Ok(())
}
