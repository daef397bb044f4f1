//! Who is behind a credential. What was looked up is kept for some seconds, so that a check needs no SQL, and dropped as
//! soon as anybody may less than before, here or at another instance.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::{Context, password};
use crate::clock;
use crate::domain::audit::{AuditEntry, Deed, Digest};
use crate::domain::organisation::wrong_name;
use crate::domain::session::{CredentialKind, Identity, Via, digest};
use crate::error::{Error, Result};
use crate::store;

/// How long an identity is kept: the bound where an instance hears of nothing, for it cannot reach the database.
const KEPT_FOR: SignedDuration = SignedDuration::from_secs(5);

/// Most identities kept, some hundred bytes each; beyond, all are dropped and looked up again.
const KEPT_MAX: usize = 10_000;

/// Most passwords looked at once: each takes 19 MiB and a core for some hundredths of a second.
const PASSWORD_CHECKS_MAX: usize = 16;

/// What is known of credentials.
#[derive(Debug, Default)]
pub(crate) struct Access {
    kept: RwLock<Kept>,
    /// The revision of the chain of access up to which that was followed.
    followed: AtomicI64,
    password_checks: AtomicUsize,
}

#[derive(Debug, Default)]
struct Kept {
    /// Counts how often everything was dropped: what was read before does not come in after.
    dropped: u64,
    identities: HashMap<Digest, (Arc<Identity>, Timestamp)>,
}

impl Access {
    fn known(&self, digest: &Digest, now: Timestamp) -> Option<Arc<Identity>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.identities.get(digest).filter(|(_, until)| now < *until).map(|(identity, _)| Arc::clone(identity))
    }

    fn dropped(&self) -> u64 {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).dropped
    }

    fn keep(&self, dropped: u64, digest: Digest, identity: &Arc<Identity>, now: Timestamp) {
        let until = now.saturating_add(KEPT_FOR).unwrap_or(now);
        let until = identity.expires_at.map_or(until, |end| end.min(until));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.dropped != dropped {
            return;
        }
        if kept.identities.len() >= KEPT_MAX {
            kept.identities.clear();
        }
        kept.identities.insert(digest, (Arc::clone(identity), until));
    }

    /// Drops everything: somebody may less than before.
    pub(super) fn forget(&self) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.dropped += 1;
        kept.identities.clear();
    }

    /// Whether this is the password of a hash.
    ///
    /// # Errors
    /// [`Error::Busy`] while too many are looked at.
    pub(super) fn password_matches(&self, password: &str, hash: &str) -> Result<bool> {
        let looking = self.password_checks.fetch_add(1, Ordering::Relaxed);
        let matches = if looking < PASSWORD_CHECKS_MAX {
            password::matches(password, hash)
        } else {
            Err(Error::busy("too many people sign in at once; try again in a moment"))
        };
        self.password_checks.fetch_sub(1, Ordering::Relaxed);
        matches
    }
}

/// Who is behind a credential, if that was looked up a moment ago. No SQL.
#[must_use]
pub fn known(context: &Context, credential: &str) -> Option<Arc<Identity>> {
    context.access.known(&digest(credential), clock::now())
}

/// Who is behind a credential; none: it is not known, has expired or was revoked, which is all the same to whoever
/// sends it.
///
/// # Errors
/// [`Error::Busy`] where the database cannot be reached.
pub fn identify(context: &Context, credential: &str, kind: CredentialKind) -> Result<Option<Arc<Identity>>> {
    let (digest, now) = (digest(credential), clock::now());
    if let Some(known) = context.access.known(&digest, now) {
        return Ok(Some(known));
    }
    let dropped = context.access.dropped();
    let found = context.store.read(|conn| match kind {
        CredentialKind::Access | CredentialKind::Cookie => {
            let found = store::session::find(conn, &digest)?.filter(|f| !f.ended && !f.account.disabled);
            Ok(found.map(|f| Identity {
                actor: f.account.actor(&f.account.scope),
                display_name: None,
                account: Some(f.account.id),
                via: if kind == CredentialKind::Cookie { Via::Cookie(f.session) } else { Via::Session(f.session) },
                expires_at: Some(f.expires_at.min(f.session_expires_at)),
            }))
        }
        CredentialKind::ApiToken => {
            let found = store::api_token::find(conn, &digest)?.filter(|(_, account)| !account.disabled);
            Ok(found.map(|(token, account)| Identity {
                actor: account.actor(&token.scope),
                display_name: None,
                account: Some(account.id),
                via: Via::ApiToken(token.id),
                expires_at: Some(token.expires_at),
            }))
        }
        CredentialKind::Refresh => Ok(None),
    })?;
    // Whoever has lost every role of a token is nobody, and must not be taken for the public.
    let alive = |i: &Identity| !i.actor.is_public() && i.expires_at.is_none_or(|end| now < end);
    let found = found.filter(alive).map(Arc::new);
    if let Some(identity) = &found {
        context.access.keep(dropped, digest, identity, now);
    }
    Ok(found)
}

/// Who is behind a token of another issuer, as `verify` finds him: for an organisation that is registered, or for none.
///
/// # Errors
/// What `verify` fails with, [`Error::Forbidden`] for an organisation that is not there, [`Error::Busy`] where the
/// database cannot be reached.
pub fn admit(context: &Context, token: &str, verify: impl FnOnce() -> Result<Identity>) -> Result<Arc<Identity>> {
    let (digest, now) = (digest(token), clock::now());
    if let Some(known) = context.access.known(&digest, now) {
        return Ok(known);
    }
    // Looked at first: what is verified by a key that is withdrawn meanwhile is not kept.
    let dropped = context.access.dropped();
    let identity = Arc::new(verify()?);
    if let Some(code) = &identity.actor.organisation
        && (wrong_name(code).is_some() || !context.store.read(|conn| store::organisation::is_registered(conn, code))?)
    {
        return Err(Error::Forbidden("the organisation of your token is not registered here".into()));
    }
    context.access.keep(dropped, digest, &identity, now);
    Ok(identity)
}

/// Drops what is known: an issuer has withdrawn a key.
pub fn forget(context: &Context) {
    context.access.forget();
}

/// Who asked for an answer that takes long, and whether he still is who he was: asked before each piece of it.
pub struct Standing {
    context: Context,
    identity: Arc<Identity>,
    /// What he is known by; none where that cannot be taken away.
    credential: Option<(String, CredentialKind)>,
    /// The key that his token was signed by is not good any more.
    withdrawn: Option<Arc<AtomicBool>>,
    /// How often everything had been dropped when that was looked at last, and when that was.
    looked: Mutex<Option<(u64, Instant)>>,
}

impl Standing {
    /// For what was asked by `identity`, known by `credential`.
    #[must_use]
    pub fn new(context: Context, identity: Arc<Identity>, credential: Option<(String, CredentialKind)>) -> Self {
        // Never looked at: it may have been taken away since it was looked up.
        Self { context, identity, credential, withdrawn: None, looked: Mutex::new(None) }
    }

    /// The same, no longer than until `withdrawn` is said.
    #[must_use]
    pub fn until(self, withdrawn: Option<Arc<AtomicBool>>) -> Self {
        Self { withdrawn, ..self }
    }

    /// It has to be looked up whether the asker still may what he might: somebody may less than before, or that would not have
    /// been heard of, for the last look is longer ago than an identity is kept.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.credential.is_some() && !self.looked_at(self.context.access.dropped())
    }

    /// That was looked at since everything was dropped for the `dropped`th time, and a moment ago.
    fn looked_at(&self, dropped: u64) -> bool {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.is_some_and(|(then, at)| then == dropped && at.elapsed() < KEPT_FOR.unsigned_abs())
    }

    /// The asker is who he was, with the same rights. SQL only where that is in doubt, and no word is kept of him.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where he is not, [`Error::Busy`] where nobody can tell.
    pub fn holds(&self) -> Result<()> {
        let ended =
            || Error::Unauthenticated("what you signed in with has ended, or gives other rights; ask again".into());
        let is_withdrawn = self.withdrawn.as_ref().is_some_and(|withdrawn| withdrawn.load(Ordering::Acquire));
        if is_withdrawn || self.identity.expires_at.is_some_and(|end| end <= clock::now()) {
            return Err(ended());
        }
        let Some((credential, kind)) = &self.credential else { return Ok(()) };
        let dropped = self.context.access.dropped();
        if !self.looked_at(dropped) {
            let at = Instant::now();
            identify(&self.context, credential, *kind)?.filter(|now| **now == *self.identity).ok_or_else(ended)?;
            *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some((dropped, at));
        }
        Ok(())
    }
}

/// Drops what is known where somebody may less since it was looked up.
///
/// # Errors
/// [`Error::Busy`] when the database cannot be reached.
pub(super) fn follow(context: &Context) -> Result<()> {
    let followed = context.access.followed.load(Ordering::Relaxed);
    let (revision, takes) = context.store.read(|conn| store::access::since(conn, followed))?;
    if takes {
        context.access.forget();
    }
    context.access.followed.store(revision, Ordering::Relaxed);
    Ok(())
}

/// An event of the chain of access.
pub(super) fn entry(
    deed: Deed,
    what: &'static str,
    subject: Option<uuid::Uuid>,
    more: Vec<(&'static str, String)>,
) -> AuditEntry {
    let mut detail = vec![("what", what.to_owned())];
    detail.extend(more);
    AuditEntry { deed, layer: None, subject, owner: None, detail }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in a test a panic is the report
mod tests {
    use super::*;

    fn identity(expires_at: Option<Timestamp>) -> Arc<Identity> {
        Arc::new(Identity { expires_at, ..Identity::nobody() })
    }

    #[test]
    fn an_identity_is_kept_for_some_seconds_and_never_longer_than_it_lasts() {
        let at = |ms: i64| Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap();
        let access = Access::default();
        let known = |n: u8, ms: i64| access.known(&[n; 32], at(ms)).is_some();
        access.keep(0, [1; 32], &identity(None), at(0));
        access.keep(0, [2; 32], &identity(Some(at(1_000))), at(0));
        assert!(known(1, 4_999) && !known(1, 5_000) && known(2, 999) && !known(2, 1_000) && !known(3, 0));
        access.forget();
        assert!(!known(1, 0));
        access.keep(0, [1; 32], &identity(None), at(0));
        assert!(!known(1, 0), "what was read before everything was dropped must not come in after");
        access.keep(1, [1; 32], &identity(None), at(0));
        assert!(known(1, 0));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let access = Access::default();
        let now = clock::now();
        for n in 0..=KEPT_MAX {
            access.keep(0, digest(&n.to_string()), &identity(None), now);
        }
        assert_eq!(access.kept.read().unwrap().identities.len(), 1);
    }

    #[test]
    fn only_so_many_passwords_are_looked_at_once() {
        let access = Access::default();
        access.password_checks.store(PASSWORD_CHECKS_MAX, Ordering::Relaxed);
        assert!(matches!(access.password_matches("x", password::OF_NOBODY), Err(Error::Busy { .. })));
        assert_eq!(access.password_checks.load(Ordering::Relaxed), PASSWORD_CHECKS_MAX);
        access.password_checks.store(0, Ordering::Relaxed);
        assert_eq!(access.password_matches("x", password::OF_NOBODY), Ok(false));
    }
}
