//! What is to be told, in rows: written in the transaction that makes it happen, with a delivery for each of those who are told.
//! How these are done stands in [`delivery`](super::delivery).

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Date as DateSql, Jsonb, Nullable, Text, Timestamptz, Uuid as UuidSql};
use jiff::Timestamp;
use jiff_diesel::ToDiesel;
use serde_json::json;
use uuid::Uuid;

use super::account::AccountRow;
use super::prepared::prepared;
use super::records::word;
use super::schema::{accounts, organisations, webhooks};
use super::webhook::WebhookRow;
use super::{Stored, WriteTx};
use crate::domain::notice::Notice;
use crate::domain::webhook::Channel;
use crate::domain::word::{Visibility, Word};

impl WriteTx<'_> {
    /// Tells those whom it concerns what this write makes happen in a case: they hear of it once it is committed, or, where it
    /// is not, never. Raises the revision of the jurisdiction where that was not done.
    ///
    /// # Errors
    /// As [`WriteTx::raise`].
    pub fn notify(&mut self, jurisdiction: &str, notice: &Notice) -> Stored<()> {
        let (revision, recorded_at) = self.raise(jurisdiction)?;
        tell(self.conn, jurisdiction, Some(revision), recorded_at, notice)
    }
}

/// Somebody who is told.
struct Receiver {
    target: Uuid,
    channel: Channel,
    organisation: String,
}

/// Those who are told of a notice.
fn receivers(conn: &mut PgConnection, jurisdiction: &str, notice: &Notice) -> Stored<Vec<Receiver>> {
    let concerned = &notice.organisations;
    let hooks: Vec<(WebhookRow, String)> = webhooks::table
        .inner_join(organisations::table)
        .filter(webhooks::organisation.eq_any(concerned).and(webhooks::disabled.eq(false)))
        .select((WebhookRow::as_select(), organisations::kind))
        .load(conn)?;
    let mut all = Vec::new();
    for (row, kind) in hooks {
        let hook = row.webhook();
        if hook.hears(notice, word(&kind)?, jurisdiction) {
            all.push(Receiver { target: hook.id, channel: Channel::Webhook, organisation: hook.organisation });
        }
    }
    let people: Vec<AccountRow> = accounts::table
        .filter(accounts::organisation.eq_any(concerned).and(accounts::mail.eq(true)))
        .select(AccountRow::as_select())
        .load(conn)?;
    for row in people {
        let account = row.account()?;
        if notice.is_for_account(&account, jurisdiction) {
            all.push(Receiver { target: account.id, channel: Channel::Mail, organisation: account.organisation });
        }
    }
    Ok(all)
}

/// Writes a notice into the outbox, and a delivery for each of those who are told, in the transaction that this connection is in.
///
/// # Errors
/// The database's.
pub fn tell(
    conn: &mut PgConnection,
    jurisdiction: &str,
    revision: Option<i64>,
    at: Timestamp,
    notice: &Notice,
) -> Stored<()> {
    let receivers = receivers(conn, jurisdiction, notice)?;
    let words = |needs: &[Visibility]| needs.iter().map(|v| v.as_str()).collect::<Vec<_>>();
    let statement =
        sql_query("SELECT tell($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)")
            .bind::<Text, _>(jurisdiction)
            .bind::<UuidSql, _>(Uuid::now_v7())
            .bind::<Text, _>(&notice.noun)
            .bind::<UuidSql, _>(notice.id)
            .bind::<Text, _>(&notice.code)
            .bind::<Text, _>(&notice.event)
            .bind::<Nullable<Text>, _>(notice.state.as_deref())
            .bind::<Array<Text>, _>(&notice.organisations)
            .bind::<Nullable<Text>, _>(notice.owner.as_deref())
            .bind::<Array<Text>, _>(words(&notice.needs))
            .bind::<Array<Text>, _>(&notice.places)
            .bind::<Nullable<DateSql>, _>(notice.due.map(ToDiesel::to_diesel))
            .bind::<Jsonb, _>(json!(notice.detail))
            .bind::<Nullable<BigInt>, _>(revision)
            .bind::<Timestamptz, _>(at.to_diesel())
            .bind::<Array<UuidSql>, _>(receivers.iter().map(|r| r.target).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(receivers.iter().map(|r| r.channel.as_str()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(receivers.iter().map(|r| r.organisation.as_str()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(&notice.asked);
    prepared(statement).execute(conn)?;
    Ok(())
}
