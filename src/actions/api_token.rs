//! Tokens for machines.

use jiff::SignedDuration;
use uuid::Uuid;

use super::access::entry;
use super::account::keeps;
use super::{Context, Witness, password};
use crate::clock;
use crate::domain::account::Scope;
use crate::domain::audit::{ACCESS, Deed};
use crate::domain::session::{ApiToken, ApiTokenDraft, CredentialKind, Identity, digest};
use crate::error::{Error, Result};
use crate::geometry::Problem;
use crate::store;

/// Most tokens of one account: one for each machine, not one for each run.
pub const TOKENS_MAX: i64 = 50;

/// How long a token lasts when nobody says.
const USUAL_DAYS: u32 = 90;

/// Makes a token for the account of the asker, who signed in. The token itself is given back once and kept nowhere.
///
/// # Errors
/// [`Error::Invalid`] for what the asker has not, [`Error::Taken`], [`Error::Forbidden`] without a session,
/// [`Error::Unauthenticated`] where the session has ended or gives less meanwhile, [`Error::TooLarge`] with more than [`TOKENS_MAX`], [`Error::Busy`].
pub fn add(
    context: &Context,
    witness: Witness<'_>,
    identity: &Identity,
    new: ApiTokenDraft,
) -> Result<(ApiToken, String)> {
    let (Some(session), Some(account)) = (identity.session(), identity.account) else {
        return Err(Error::Forbidden("only whoever signed in with a password may make API tokens".into()));
    };
    let own = Scope { roles: witness.actor.roles.clone(), jurisdictions: witness.actor.jurisdictions.clone() };
    let scope = Scope { roles: new.roles.unwrap_or_else(|| own.roles.clone()), jurisdictions: new.jurisdictions };
    let mut problems = beyond(&scope, &own);
    if scope.roles.is_empty() {
        problems.push(Problem::new("/roles", "is empty; a token has a role"));
    }
    let now = clock::now();
    let days = |n: u32| now.saturating_add(SignedDuration::from_hours(i64::from(n) * 24)).unwrap_or(now);
    let most = context.settings.api_token_days_max;
    let expires_at = new.expires_at.unwrap_or_else(|| days(USUAL_DAYS.min(most)));
    if expires_at <= now || expires_at > days(most) {
        problems.push(Problem::new("/expires_at", format!("must lie within the next {most} days")));
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let secret = password::new_credential(CredentialKind::ApiToken)?;
    let token = ApiToken { id: Uuid::now_v7(), account, name: new.name, scope, created_at: now, expires_at };
    context.store.write(witness, |tx| {
        // What the asker had when the door let him in may have been taken away since.
        let present = store::session::lock_account(tx, session)?.filter(|a| a.id == account && !a.disabled);
        let present =
            present.ok_or_else(|| Error::Unauthenticated("what you signed in with has ended; sign in".into()))?;
        let problems = beyond(&token.scope, &present.scope);
        if !problems.is_empty() {
            return Err(Error::Invalid(problems).into());
        }
        store::api_token::insert(tx, &token, &digest(&secret))?;
        let count = store::api_token::count(tx, account)?;
        if count > TOKENS_MAX {
            let (what, limit) = ("the account".to_owned(), format!("{TOKENS_MAX} tokens"));
            return Err(Error::TooLarge { what, found: format!("{count} tokens"), limit }.into());
        }
        tx.audit(ACCESS, entry(Deed::Create, "api_token", Some(account), detail(&token)))
    })?;
    Ok((token, secret))
}

/// The tokens of the account of the asker, without their secrets.
///
/// # Errors
/// [`Error::Forbidden`] for who has no account, [`Error::Busy`].
pub fn list(context: &Context, identity: &Identity) -> Result<Vec<ApiToken>> {
    let none = || Error::Forbidden("only an account has API tokens".into());
    let account = identity.account.ok_or_else(none)?;
    context.store.read(|conn| store::api_token::list(conn, account))
}

/// Revokes a token, of the asker or of an account that is his to keep.
///
/// # Errors
/// [`Error::NotFound`], also for a token of somebody else, [`Error::Busy`].
pub fn revoke(context: &Context, witness: Witness<'_>, identity: &Identity, id: Uuid) -> Result<()> {
    let missing = || Error::NotFound(format!("the token {id}"));
    context.store.write(witness, |tx| {
        let (token, account) = store::api_token::delete(tx, id)?.ok_or_else(missing)?;
        if identity.account != Some(account.id) && !keeps(witness.actor, &account) {
            return Err(missing().into());
        }
        tx.audit(ACCESS, entry(Deed::Delete, "api_token", Some(account.id), detail(&token)))
    })?;
    context.access.forget();
    Ok(())
}

/// What a token would have that its account has not; where it names no jurisdictions it has those of the account.
fn beyond(wish: &Scope, own: &Scope) -> Vec<Problem> {
    let jurisdictions = wish.jurisdictions.clone().or_else(|| own.jurisdictions.clone());
    Scope { jurisdictions, ..wish.clone() }.beyond(own)
}

fn detail(token: &ApiToken) -> Vec<(&'static str, String)> {
    let roles: Vec<String> = token.scope.roles.iter().map(ToString::to_string).collect();
    let jurisdictions = token.scope.jurisdictions.as_ref();
    vec![
        ("token", token.id.to_string()),
        ("name", token.name.clone()),
        ("roles", roles.join(",")),
        ("jurisdictions", jurisdictions.map_or_else(|| "those of the account".into(), |all| all.join(","))),
        ("expires_at", token.expires_at.to_string()),
    ]
}
