//! Webhooks in rows. A secret is written here, and read by [`delivery`](super::delivery) alone.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use super::schema::webhooks;
use super::{Stored, WriteTx, access};
use crate::domain::audit::{ACCESS, Thing};
use crate::domain::webhook::{SigningSecret, Webhook};

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::pg::Pg))]
pub(super) struct WebhookRow {
    id: Uuid,
    organisation: String,
    url: String,
    jurisdictions: Option<Vec<String>>,
    events: Option<Vec<String>>,
    disabled: bool,
    version: i32,
    recorded_at: jiff_diesel::Timestamp,
}

impl WebhookRow {
    pub(super) fn webhook(self) -> Webhook {
        let Self { id, organisation, url, jurisdictions, events, disabled, version, recorded_at } = self;
        let recorded_at = recorded_at.to_jiff();
        Webhook { id, organisation, url, jurisdictions, events, disabled, version, recorded_at }
    }
}

/// Webhooks after an id, in the order of ids.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, after: Option<Uuid>, limit: u32) -> Stored<Vec<Webhook>> {
    let rows: Vec<WebhookRow> = webhooks::table
        .filter(webhooks::id.gt(after.unwrap_or_default()))
        .order(webhooks::id.asc())
        .limit(limit.into())
        .select(WebhookRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(WebhookRow::webhook).collect())
}

/// One webhook.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut PgConnection, id: Uuid) -> Stored<Option<Webhook>> {
    let row = webhooks::table.find(id).select(WebhookRow::as_select()).first(conn).optional()?;
    Ok(row.map(WebhookRow::webhook))
}

/// One webhook, inside a write: nobody else writes any until it is over.
///
/// # Errors
/// The database's.
pub fn lock(tx: &mut WriteTx<'_>, id: Uuid) -> Stored<Option<Webhook>> {
    tx.raise(ACCESS)?;
    find(tx.conn, id)
}

/// How many an organisation has, inside a write.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut WriteTx<'_>, organisation: &str) -> Stored<i64> {
    tx.raise(ACCESS)?;
    Ok(webhooks::table.filter(webhooks::organisation.eq(organisation)).count().get_result(tx.conn)?)
}

/// Adds a webhook with its secret.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) for an organisation that is not registered, and the database's.
pub fn insert(tx: &mut WriteTx<'_>, webhook: &Webhook, secret: &SigningSecret) -> Stored<Webhook> {
    let (_, recorded_at) = tx.raise(ACCESS)?;
    let webhook = Webhook { version: 1, recorded_at, ..webhook.clone() };
    access::touch(tx, Thing::Webhook, &webhook.id)?;
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::id.eq(webhook.id),
            webhooks::organisation.eq(&webhook.organisation),
            webhooks::url.eq(&webhook.url),
            webhooks::jurisdictions.eq(webhook.jurisdictions.as_ref()),
            webhooks::events.eq(webhook.events.as_ref()),
            webhooks::secret.eq(&secret.0),
            webhooks::disabled.eq(webhook.disabled),
            webhooks::version.eq(webhook.version),
            webhooks::recorded_at.eq(recorded_at.to_diesel()),
        ))
        .execute(tx.conn)?;
    Ok(webhook)
}

/// Writes a webhook as its next version, with another secret where there is one.
///
/// # Errors
/// The database's.
pub fn update(tx: &mut WriteTx<'_>, webhook: &Webhook, secret: Option<&SigningSecret>) -> Stored<Webhook> {
    let (_, recorded_at) = tx.raise(ACCESS)?;
    let webhook = Webhook { version: webhook.version + 1, recorded_at, ..webhook.clone() };
    access::touch(tx, Thing::Webhook, &webhook.id)?;
    diesel::update(webhooks::table.find(webhook.id))
        .set((
            webhooks::url.eq(&webhook.url),
            webhooks::jurisdictions.eq(webhook.jurisdictions.as_ref()),
            webhooks::events.eq(webhook.events.as_ref()),
            secret.map(|secret| webhooks::secret.eq(&secret.0)),
            webhooks::disabled.eq(webhook.disabled),
            webhooks::version.eq(webhook.version),
            webhooks::recorded_at.eq(recorded_at.to_diesel()),
        ))
        .execute(tx.conn)?;
    Ok(webhook)
}

/// Deletes a webhook.
///
/// # Errors
/// The database's.
pub fn delete(tx: &mut WriteTx<'_>, id: Uuid) -> Stored<()> {
    access::touch(tx, Thing::Webhook, &id)?;
    diesel::delete(webhooks::table.find(id)).execute(tx.conn)?;
    Ok(())
}
