//! Whether whoever writes still is who he was when he was let in, and may what he might: asked inside the write, so that what
//! is taken away from him either waits for the write or is seen by it.

use diesel::pg::PgConnection;

use super::{Stored, api_token, session};
use crate::domain::account::Scope;
use crate::domain::session::{Identity, Via};
use crate::error::Error;

/// The identity is worth what it was, and stays so until the transaction ends: its account, and its session, are locked
/// against change. What is no account of ours is not looked at.
///
/// # Errors
/// [`Error::Unauthenticated`] where it is worth less, and the database's.
pub(super) fn holds(conn: &mut PgConnection, identity: &Identity) -> Stored<()> {
    let found = match (identity.via, identity.account) {
        (Via::Session(id) | Via::Cookie(id), _) => session::share(conn, id)?,
        (Via::ApiToken(id), Some(account)) => api_token::share(conn, id, account)?,
        (Via::ApiToken(_), None) => None,
        (Via::Nobody | Via::Configured | Via::Issuer, _) => return Ok(()),
    };
    let holds = found.filter(|(_, account)| !account.disabled).is_some_and(|(scope, account)| {
        let (was, now) = (&identity.actor, account.actor(&scope));
        let scope = |roles: &[_], jurisdictions: &Option<Vec<String>>| Scope {
            roles: roles.to_vec(),
            jurisdictions: jurisdictions.clone(),
        };
        let now_scope = scope(&now.roles, &now.jurisdictions);
        was.organisation == now.organisation && scope(&was.roles, &was.jurisdictions).beyond(&now_scope).is_empty()
    });
    if holds {
        return Ok(());
    }
    Err(Error::Unauthenticated("what you signed in with has ended, or gives other rights; ask again".into()).into())
}
