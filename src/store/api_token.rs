//! API tokens in rows.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::account::{AccountRow, roles, scope};
use super::schema::{accounts, api_tokens};
use super::{Stored, WriteTx, access};
use crate::domain::account::{Account, Scope};
use crate::domain::audit::{ACCESS, Digest, Thing};
use crate::domain::session::ApiToken;

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg))]
struct TokenRow {
    id: Uuid,
    account: Uuid,
    name: String,
    roles: Vec<String>,
    jurisdictions: Option<Vec<String>>,
    created_at: jiff_diesel::Timestamp,
    expires_at: jiff_diesel::Timestamp,
}

impl TokenRow {
    fn token(self) -> Stored<ApiToken> {
        Ok(ApiToken {
            id: self.id,
            account: self.account,
            name: self.name,
            scope: scope(&self.roles, self.jurisdictions)?,
            created_at: self.created_at.to_jiff(),
            expires_at: self.expires_at.to_jiff(),
        })
    }
}

/// What a digest leads to.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut PgConnection, digest: &Digest) -> Stored<Option<(ApiToken, Account)>> {
    let row: Option<(TokenRow, AccountRow)> = api_tokens::table
        .inner_join(accounts::table)
        .filter(api_tokens::digest.eq(digest.as_slice()))
        .select((TokenRow::as_select(), AccountRow::as_select()))
        .first(conn)
        .optional()?;
    row.map(|(token, account)| Ok((token.token()?, account.account()?))).transpose()
}

/// What a token is made for, and its account, which does not change until the transaction ends; nor is the token revoked.
///
/// # Errors
/// The database's.
pub(super) fn share(conn: &mut PgConnection, id: Uuid, account: Uuid) -> Stored<Option<(Scope, Account)>> {
    // Whoever revokes a token locks its account; looked at behind that, for the service may lock no token.
    let of: Option<AccountRow> =
        accounts::table.find(account).select(AccountRow::as_select()).for_share().first(conn).optional()?;
    let row: Option<TokenRow> = api_tokens::table
        .filter(api_tokens::id.eq(id).and(api_tokens::account.eq(account)))
        .select(TokenRow::as_select())
        .first(conn)
        .optional()?;
    let (Some(row), Some(of)) = (row, of) else { return Ok(None) };
    Ok(Some((row.token()?.scope, of.account()?)))
}

/// The tokens of an account, oldest first.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, account: Uuid) -> Stored<Vec<ApiToken>> {
    let rows: Vec<TokenRow> = api_tokens::table
        .filter(api_tokens::account.eq(account))
        .order(api_tokens::id.asc())
        .select(TokenRow::as_select())
        .load(conn)?;
    rows.into_iter().map(TokenRow::token).collect()
}

/// How many tokens an account has, inside a write.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut WriteTx<'_>, account: Uuid) -> Stored<i64> {
    tx.raise(ACCESS)?;
    Ok(api_tokens::table.filter(api_tokens::account.eq(account)).count().get_result(tx.conn)?)
}

/// Adds a token.
///
/// # Errors
/// [`Error::Taken`](crate::error::Error::Taken), and the database's.
pub fn insert(tx: &mut WriteTx<'_>, token: &ApiToken, digest: &Digest) -> Stored<()> {
    access::touch(tx, Thing::ApiToken, &token.id)?;
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::id.eq(token.id),
            api_tokens::account.eq(token.account),
            api_tokens::name.eq(&token.name),
            api_tokens::digest.eq(digest.as_slice()),
            api_tokens::roles.eq(roles(&token.scope)),
            api_tokens::jurisdictions.eq(token.scope.jurisdictions.as_ref()),
            api_tokens::created_at.eq(token.created_at.to_diesel()),
            api_tokens::expires_at.eq(token.expires_at.to_diesel()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Deletes a token; what it was, and whose.
///
/// # Errors
/// The database's.
pub fn delete(tx: &mut WriteTx<'_>, id: Uuid) -> Stored<Option<(ApiToken, Account)>> {
    access::touch(tx, Thing::ApiToken, &id)?;
    let of = api_tokens::table.filter(api_tokens::id.eq(id)).select(api_tokens::account);
    let _: Vec<Uuid> =
        accounts::table.filter(accounts::id.eq_any(of)).select(accounts::id).for_no_key_update().load(tx.conn)?;
    let row: Option<(TokenRow, AccountRow)> = api_tokens::table
        .inner_join(accounts::table)
        .filter(api_tokens::id.eq(id))
        .select((TokenRow::as_select(), AccountRow::as_select()))
        .first(tx.conn)
        .optional()?;
    diesel::delete(api_tokens::table.find(id)).execute(tx.conn)?;
    row.map(|(token, account)| Ok((token.token()?, account.account()?))).transpose()
}

/// Deletes every token of an account; how many those were.
///
/// # Errors
/// The database's.
pub fn delete_all(tx: &mut WriteTx<'_>, account: Uuid) -> Stored<usize> {
    tx.raise(ACCESS)?;
    let of_account = api_tokens::table.filter(api_tokens::account.eq(account));
    let ids: Vec<Uuid> = of_account.select(api_tokens::id).load(tx.conn)?;
    ids.iter().try_for_each(|id| access::touch(tx, Thing::ApiToken, id))?;
    Ok(diesel::delete(of_account).execute(tx.conn)?)
}
