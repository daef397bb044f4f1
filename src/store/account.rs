//! Accounts in rows. The hash of a password is read by the one function that is asked for it.

use diesel::dsl::exists;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::records::word;
use super::schema::accounts;
use super::{Stored, WriteTx, access};
use crate::domain::account::{Account, Mail, Scope};
use crate::domain::actor::{Duty, roles_with};
use crate::domain::audit::{ACCESS, Thing};
use crate::domain::word::Word;

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts, check_for_backend(diesel::pg::Pg))]
pub(super) struct AccountRow {
    id: Uuid,
    name: String,
    organisation: String,
    roles: Vec<String>,
    jurisdictions: Option<Vec<String>>,
    disabled: bool,
    version: i32,
    recorded_at: jiff_diesel::Timestamp,
    email: Option<String>,
    language: String,
    mail: bool,
}

impl AccountRow {
    pub(super) fn account(self) -> Stored<Account> {
        Ok(Account {
            id: self.id,
            name: self.name,
            organisation: self.organisation,
            scope: scope(&self.roles, self.jurisdictions)?,
            disabled: self.disabled,
            mail: Mail { address: self.email, language: word(&self.language)?, wanted: self.mail },
            version: self.version,
            recorded_at: self.recorded_at.to_jiff(),
        })
    }
}

/// A scope as two columns hold it.
pub(super) fn scope(roles: &[String], jurisdictions: Option<Vec<String>>) -> Stored<Scope> {
    Ok(Scope { roles: roles.iter().map(|r| word(r)).collect::<Stored<_>>()?, jurisdictions })
}

/// The roles as a column holds them.
pub(super) fn roles(scope: &Scope) -> Vec<&'static str> {
    scope.roles.iter().map(|r| r.as_str()).collect()
}

/// Accounts after an id, in the order of ids.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, after: Option<Uuid>, limit: u32) -> Stored<Vec<Account>> {
    let after = after.unwrap_or_default();
    let rows: Vec<AccountRow> = accounts::table
        .filter(accounts::id.gt(after))
        .order(accounts::id.asc())
        .limit(limit.into())
        .select(AccountRow::as_select())
        .load(conn)?;
    rows.into_iter().map(AccountRow::account).collect()
}

/// One account.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut PgConnection, id: Uuid) -> Stored<Option<Account>> {
    let row = accounts::table.find(id).select(AccountRow::as_select()).first(conn).optional()?;
    row.map(AccountRow::account).transpose()
}

/// The account of a name, and the hash of its password.
///
/// # Errors
/// The database's.
pub fn by_name(conn: &mut PgConnection, name: &str) -> Stored<Option<(Account, String)>> {
    let row: Option<(AccountRow, String)> = accounts::table
        .filter(accounts::name.eq(name))
        .select((AccountRow::as_select(), accounts::password))
        .first(conn)
        .optional()?;
    row.map(|(row, password)| Ok((row.account()?, password))).transpose()
}

/// The account of a name and the hash of its password, locked inside a write.
///
/// # Errors
/// The database's.
pub fn lock_by_name(tx: &mut WriteTx<'_>, name: &str) -> Stored<Option<(Account, String)>> {
    tx.hold()?;
    by_name(tx.conn, name)
}

/// One account, inside a write: nobody else writes any until it is over.
///
/// # Errors
/// The database's.
pub fn lock(tx: &mut WriteTx<'_>, id: Uuid) -> Stored<Option<Account>> {
    tx.raise(ACCESS)?;
    find(tx.conn, id)
}

/// Whether an account besides this one [keeps all](Account::keeps_all), inside a write: none ceases to until it is over.
///
/// # Errors
/// The database's.
pub fn another_keeps_all(tx: &mut WriteTx<'_>, id: Uuid) -> Stored<bool> {
    tx.raise(ACCESS)?;
    let roles: Vec<&str> = roles_with(Duty::Accounts).map(Word::as_str).collect();
    let others = accounts::table
        .filter(accounts::id.ne(id).and(accounts::disabled.eq(false)))
        .filter(accounts::jurisdictions.is_null().and(accounts::roles.overlaps_with(roles)));
    Ok(diesel::select(exists(others)).get_result(tx.conn)?)
}

/// Adds an account with the hash of its password.
///
/// # Errors
/// [`Error::Taken`](crate::error::Error::Taken), [`Error::Invalid`](crate::error::Error::Invalid) for an organisation
/// that is not registered, and the database's.
pub fn insert(tx: &mut WriteTx<'_>, account: &Account, password: &str) -> Stored<Account> {
    let (_, recorded_at) = tx.raise(ACCESS)?;
    let account = Account { version: 1, recorded_at, ..account.clone() };
    access::touch(tx, Thing::Account, &account.id)?;
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(account.id),
            accounts::name.eq(&account.name),
            accounts::organisation.eq(&account.organisation),
            accounts::roles.eq(roles(&account.scope)),
            accounts::jurisdictions.eq(account.scope.jurisdictions.as_ref()),
            accounts::password.eq(password),
            accounts::disabled.eq(account.disabled),
            accounts::version.eq(account.version),
            accounts::recorded_at.eq(recorded_at.to_diesel()),
            accounts::email.eq(account.mail.address.as_ref()),
            accounts::language.eq(account.mail.language.as_str()),
            accounts::mail.eq(account.mail.wanted),
        ))
        .execute(tx.conn)?;
    Ok(account)
}

/// Writes an account as its next version.
///
/// # Errors
/// As [`insert`].
pub fn update(tx: &mut WriteTx<'_>, account: &Account) -> Stored<Account> {
    let (_, recorded_at) = tx.raise(ACCESS)?;
    let account = Account { version: account.version + 1, recorded_at, ..account.clone() };
    access::touch(tx, Thing::Account, &account.id)?;
    diesel::update(accounts::table.find(account.id))
        .set((
            accounts::organisation.eq(&account.organisation),
            accounts::roles.eq(roles(&account.scope)),
            accounts::jurisdictions.eq(account.scope.jurisdictions.as_ref()),
            accounts::disabled.eq(account.disabled),
            accounts::version.eq(account.version),
            accounts::recorded_at.eq(recorded_at.to_diesel()),
            accounts::email.eq(account.mail.address.as_ref()),
            accounts::language.eq(account.mail.language.as_str()),
            accounts::mail.eq(account.mail.wanted),
        ))
        .execute(tx.conn)?;
    Ok(account)
}

/// Writes the hash of a password.
///
/// # Errors
/// The database's.
pub fn set_password(tx: &mut WriteTx<'_>, id: Uuid, password: &str) -> Stored<()> {
    access::touch(tx, Thing::Account, &id)?;
    diesel::update(accounts::table.find(id)).set(accounts::password.eq(password)).execute(tx.conn)?;
    Ok(())
}
