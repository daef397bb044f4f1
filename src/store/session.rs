//! Sessions, what was issued on the strength of them, and wrong passwords, in rows.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use jiff::Timestamp;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::account::AccountRow;
use super::prepared::prepared;
use super::schema::{accounts, session_credentials, sessions, sign_in_failures};
use super::{Stored, WriteTx, access};
use crate::domain::account::{Account, FAILURES_FORGOTTEN, Failures, Scope};
use crate::domain::audit::{ACCESS, Digest, Thing};
use crate::error::Error;

/// A credential of a session, as it was found by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The session.
    pub session: Uuid,
    /// Its account.
    pub account: Account,
    /// When the credential ends.
    pub expires_at: Timestamp,
    /// When the session ends.
    pub session_expires_at: Timestamp,
    /// Exchanged already.
    pub used: bool,
    /// The session was signed out or revoked.
    pub ended: bool,
}

/// What a digest leads to.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut PgConnection, digest: &Digest) -> Stored<Option<Found>> {
    type Row = (
        Uuid,
        AccountRow,
        jiff_diesel::Timestamp,
        jiff_diesel::Timestamp,
        Option<jiff_diesel::Timestamp>,
        Option<jiff_diesel::Timestamp>,
    );
    let row: Option<Row> = session_credentials::table
        .inner_join(sessions::table.inner_join(accounts::table))
        .filter(session_credentials::digest.eq(digest.as_slice()))
        .select((
            sessions::id,
            AccountRow::as_select(),
            session_credentials::expires_at,
            sessions::expires_at,
            session_credentials::used_at,
            sessions::ended_at,
        ))
        .first(conn)
        .optional()?;
    let Some((session, account, expires_at, session_expires_at, used_at, ended_at)) = row else { return Ok(None) };
    Ok(Some(Found {
        session,
        account: account.account()?,
        expires_at: expires_at.to_jiff(),
        session_expires_at: session_expires_at.to_jiff(),
        used: used_at.is_some(),
        ended: ended_at.is_some(),
    }))
}

/// The same inside a write: nobody else writes any until it is over.
///
/// # Errors
/// The database's.
pub fn lock(tx: &mut WriteTx<'_>, digest: &Digest) -> Stored<Option<Found>> {
    tx.raise(ACCESS)?;
    find(tx.conn, digest)
}

/// The account of a session that runs, inside a write: neither is changed until it is over. None where it does not.
///
/// # Errors
/// The database's.
pub fn lock_account(tx: &mut WriteTx<'_>, session: Uuid) -> Stored<Option<Account>> {
    let (_, now) = tx.raise(ACCESS)?;
    let running = sessions::ended_at.is_null().and(sessions::expires_at.gt(now.to_diesel()));
    let row: Option<AccountRow> = sessions::table
        .inner_join(accounts::table)
        .filter(sessions::id.eq(session).and(running))
        .select(AccountRow::as_select())
        .first(tx.conn)
        .optional()?;
    row.map(AccountRow::account).transpose()
}

/// What the account of a session that was not ended may, and the account: neither it nor the session changes until the
/// transaction ends.
///
/// # Errors
/// The database's.
pub(super) fn share(conn: &mut PgConnection, session: Uuid) -> Stored<Option<(Scope, Account)>> {
    // The account first, as whoever changes it and ends its sessions locks them. A session never changes its account.
    let of = sessions::table.filter(sessions::id.eq(session)).select(sessions::account).single_value();
    let row: Option<AccountRow> =
        prepared(accounts::table.filter(accounts::id.nullable().eq(of)).select(AccountRow::as_select()).for_share())
            .get_result(conn)
            .optional()?;
    let running = sessions::id.eq(session).and(sessions::ended_at.is_null());
    let runs: Option<Uuid> =
        prepared(sessions::table.filter(running).select(sessions::id).for_share()).get_result(conn).optional()?;
    let row = row.filter(|_| runs.is_some());
    let account = row.map(AccountRow::account).transpose()?;
    Ok(account.map(|account| (account.scope.clone(), account)))
}

/// Begins a session, and sweeps away those of the account that are over.
///
/// # Errors
/// The database's.
pub fn begin(tx: &mut WriteTx<'_>, id: Uuid, account: Uuid, expires_at: Timestamp) -> Stored<()> {
    let (_, now) = tx.raise(ACCESS)?;
    let over = || sessions::account.eq(account).and(sessions::expires_at.lt(now.to_diesel()));
    let swept = sessions::table.filter(over()).select(sessions::id).load(tx.conn)?;
    touch_all(tx, swept)?;
    diesel::delete(sessions::table.filter(over())).execute(tx.conn)?;
    access::touch(tx, Thing::Session, &id)?;
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(id),
            sessions::account.eq(account),
            sessions::started_at.eq(now.to_diesel()),
            sessions::expires_at.eq(expires_at.to_diesel()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

fn touch_all(tx: &mut WriteTx<'_>, ids: Vec<Uuid>) -> Stored<()> {
    ids.into_iter().try_for_each(|id| access::touch(tx, Thing::Session, &id))
}

/// Keeps the digest of a credential, and sweeps away those of the session that are over.
///
/// # Errors
/// The database's.
pub fn issue(tx: &mut WriteTx<'_>, session: Uuid, digest: &Digest, expires_at: Timestamp) -> Stored<()> {
    let (_, now) = tx.raise(ACCESS)?;
    access::touch(tx, Thing::Session, &session)?;
    let over = session_credentials::session.eq(session).and(session_credentials::expires_at.lt(now.to_diesel()));
    diesel::delete(session_credentials::table.filter(over)).execute(tx.conn)?;
    diesel::insert_into(session_credentials::table)
        .values((
            session_credentials::digest.eq(digest.as_slice()),
            session_credentials::session.eq(session),
            session_credentials::expires_at.eq(expires_at.to_diesel()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Notes that a credential was exchanged.
///
/// # Errors
/// The database's.
pub fn use_up(tx: &mut WriteTx<'_>, digest: &Digest) -> Stored<()> {
    let (_, now) = tx.raise(ACCESS)?;
    let credential = session_credentials::table.find(digest.as_slice());
    let session = credential.select(session_credentials::session).load(tx.conn)?;
    touch_all(tx, session)?;
    diesel::update(session_credentials::table.find(digest.as_slice()))
        .set(session_credentials::used_at.eq(now.to_diesel()))
        .execute(tx.conn)?;
    Ok(())
}

/// Ends a session; false where there is none that runs.
///
/// # Errors
/// The database's.
pub fn end(tx: &mut WriteTx<'_>, session: Uuid) -> Stored<bool> {
    let (_, now) = tx.raise(ACCESS)?;
    access::touch(tx, Thing::Session, &session)?;
    let running = sessions::id.eq(session).and(sessions::ended_at.is_null());
    let ended =
        diesel::update(sessions::table.filter(running)).set(sessions::ended_at.eq(now.to_diesel())).execute(tx.conn)?;
    Ok(ended > 0)
}

/// Ends every session of an account but one; how many those were.
///
/// # Errors
/// The database's.
pub fn end_all(tx: &mut WriteTx<'_>, account: Uuid, but: Option<Uuid>) -> Stored<usize> {
    let (_, now) = tx.raise(ACCESS)?;
    let running = sessions::account.eq(account).and(sessions::ended_at.is_null());
    let others = running.and(sessions::id.ne(but.unwrap_or_default()));
    let ends = sessions::table.filter(others).select(sessions::id).load(tx.conn)?;
    touch_all(tx, ends)?;
    Ok(diesel::update(sessions::table.filter(others)).set(sessions::ended_at.eq(now.to_diesel())).execute(tx.conn)?)
}

/// Wrong passwords in a row for the name of a digest.
///
/// # Errors
/// The database's.
pub fn failures(conn: &mut PgConnection, name: &Digest) -> Stored<Option<Failures>> {
    let row: Option<(i32, jiff_diesel::Timestamp)> = sign_in_failures::table
        .find(name.as_slice())
        .select((sign_in_failures::failures, sign_in_failures::last_at))
        .first(conn)
        .optional()?;
    Ok(row.map(|(count, last)| Failures { count: count.unsigned_abs(), last: last.to_jiff() }))
}

/// The same inside a write, with the present moment of the database.
///
/// # Errors
/// The database's.
pub fn lock_failures(tx: &mut WriteTx<'_>, name: &Digest) -> Stored<(Option<Failures>, Timestamp)> {
    let now = tx.hold()?;
    Ok((failures(tx.conn, name)?, now))
}

/// Keeps how many there are now, and sweeps away those that are forgotten.
///
/// # Errors
/// The database's.
pub fn set_failures(tx: &mut WriteTx<'_>, name: &Digest, failures: &Failures) -> Stored<()> {
    tx.hold()?;
    let forgotten = failures.last.checked_sub(FAILURES_FORGOTTEN).map_err(|e| Error::Internal(e.to_string()))?;
    let over = sign_in_failures::last_at.lt(forgotten.to_diesel());
    diesel::delete(sign_in_failures::table.filter(over)).execute(tx.conn)?;
    let count = i32::try_from(failures.count).unwrap_or(i32::MAX);
    let now = (sign_in_failures::failures.eq(count), sign_in_failures::last_at.eq(failures.last.to_diesel()));
    diesel::insert_into(sign_in_failures::table)
        .values((sign_in_failures::name_digest.eq(name.as_slice()), now))
        .on_conflict(sign_in_failures::name_digest)
        .do_update()
        .set(now)
        .execute(tx.conn)?;
    Ok(())
}

/// Forgets them: the right password was given.
///
/// # Errors
/// The database's.
pub fn forget_failures(tx: &mut WriteTx<'_>, name: &Digest) -> Stored<()> {
    tx.hold()?;
    diesel::delete(sign_in_failures::table.find(name.as_slice())).execute(tx.conn)?;
    Ok(())
}
