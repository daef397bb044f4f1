//! How deliveries are done, one at a time for each receiver, whichever instance does them; how they went, and doing them again.
//!
//! **Whoever delivers holds the receiver's row in `delivery_queues`** until the outcome is written, in one transaction, and others
//! pass it by (`SKIP LOCKED`). So a receiver is never told by two at the same moment, a slow one takes one of the
//! threads that deliver and no more, and what an instance held that is killed, or loses the database, is free again and tried again: at least once.
//!
//! **Order**: of what happened in one case nothing is sent while something earlier waits for the same receiver.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{
    Array, BigInt, Date as DateSql, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as UuidSql,
};
use jiff_diesel::ToDiesel;
use serde_json::Value as Json;
use uuid::Uuid;

use super::prepared::prepared;
use super::records::word;
use super::schema::{organisations, webhooks};
use super::webhook::WebhookRow;
use super::{Store, Stored, WriteTx, seen};
use crate::domain::actor::Actor;
use crate::domain::notice::{Notice, Told};
use crate::domain::webhook::{
    Channel, Delivery, DeliveryState, Outcome, Parcel, Replay, Retry, SigningSecret, To, Webhook,
};
use crate::domain::word::Word;
use crate::error::Result;

/// What there was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing is due.
    Nothing,
    /// What was due was done by another meanwhile.
    Lost,
    /// Something was tried.
    Tried(Channel, &'static str),
}

#[derive(QueryableByName)]
struct QueueRow {
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = UuidSql)]
    target: Uuid,
    #[diesel(sql_type = Text)]
    channel: String,
}

/// What of a receiver `q` is due and may be sent, in SQL. What is due is compared with the beginning of the transaction, so that
/// an index finds it.
macro_rules! ready {
    () => {
        "d.state = 'waiting' AND d.next_at <= now() AND NOT EXISTS (
             SELECT FROM deliveries AS e WHERE e.jurisdiction = d.jurisdiction AND e.target = d.target AND e.noun = d.noun
                 AND e.subject = d.subject AND e.state = 'waiting' AND e.number < d.number
         )"
    };
}

const CLAIM: &str = concat!(
    "SELECT q.jurisdiction, q.target, q.channel FROM delivery_queues AS q
     WHERE q.channel = ANY ($1) AND NOT EXISTS (SELECT FROM webhooks AS w WHERE w.id = q.target AND w.disabled)
         AND EXISTS (SELECT FROM deliveries AS d WHERE d.jurisdiction = q.jurisdiction AND d.target = q.target AND ",
    ready!(),
    ") ORDER BY q.served_at LIMIT 1 FOR UPDATE OF q SKIP LOCKED"
);

/// The number that an organisation is told: of what it was told of the case. What it was not told shows in none.
macro_rules! told {
    () => {
        "(
             SELECT count(*)::integer FROM outbox AS b
             WHERE b.jurisdiction = o.jurisdiction AND b.noun = o.noun AND b.subject = o.subject AND b.number <= o.number
                 AND d.organisation = ANY (b.organisations)
         ) AS told"
    };
}

const FIRST: &str = concat!(
    "SELECT o.*, d.organisation, ",
    told!(),
    ", extract(epoch FROM now() - d.queued_at)::float8 AS waited_s
     FROM deliveries AS d JOIN outbox AS o ON o.jurisdiction = d.jurisdiction AND o.id = d.event
     WHERE d.jurisdiction = $1 AND d.target = $2 AND ",
    ready!(),
    " ORDER BY d.next_at, d.number LIMIT 1"
);

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = UuidSql)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    noun: String,
    #[diesel(sql_type = UuidSql)]
    subject: Uuid,
    #[diesel(sql_type = Integer)]
    told: i32,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Nullable<Text>)]
    state: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    organisations: Vec<String>,
    #[diesel(sql_type = Text)]
    organisation: String,
    #[diesel(sql_type = Nullable<Text>)]
    owner: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    asked: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    needs: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    places: Vec<String>,
    #[diesel(sql_type = Nullable<DateSql>)]
    due: Option<jiff_diesel::Date>,
    #[diesel(sql_type = Jsonb)]
    detail: Json,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Double)]
    waited_s: f64,
}

impl EventRow {
    fn told(self) -> Stored<Told> {
        let texts = self.detail.as_object().into_iter().flatten();
        let detail: BTreeMap<String, String> =
            texts.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        let notice = Notice {
            noun: self.noun,
            id: self.subject,
            code: self.code,
            event: self.event,
            state: self.state,
            organisations: self.organisations,
            owner: self.owner,
            asked: self.asked,
            needs: self.needs.iter().map(|text| word(text)).collect::<Stored<_>>()?,
            places: self.places,
            due: self.due.map(jiff_diesel::Date::to_jiff),
            detail,
        };
        let Self { jurisdiction, id, told: number, .. } = self;
        let notice = notice.told_to(&self.organisation);
        Ok(Told { id, jurisdiction, number, recorded_at: self.recorded_at.to_jiff(), notice })
    }
}

/// To whom something goes; none where it is not for him any more.
fn receiver(conn: &mut PgConnection, queue: &QueueRow, channel: Channel, told: &Told) -> Stored<Option<To>> {
    match channel {
        Channel::Webhook => {
            let row: Option<(WebhookRow, Vec<u8>, String)> = webhooks::table
                .inner_join(organisations::table)
                .filter(webhooks::id.eq(queue.target))
                .select((WebhookRow::as_select(), webhooks::secret, organisations::kind))
                .first(conn)
                .optional()?;
            let Some((row, secret, kind)) = row else { return Ok(None) };
            let Webhook { url, .. } = match row.webhook() {
                hook if hook.hears(&told.notice, word(&kind)?, &told.jurisdiction) => hook,
                _ => return Ok(None),
            };
            Ok(Some(To::Webhook { url, secret: SigningSecret(secret) }))
        }
        Channel::Mail => {
            let account = super::account::find(conn, queue.target)?;
            let wants = account.filter(|a| a.mail.wanted && told.notice.is_for_account(a, &told.jurisdiction));
            Ok(wants.map(|account| To::Mail { account: account.id, mail: account.mail }))
        }
    }
}

impl Store {
    /// Does one delivery that is due by one of these channels: `send` tries it, while nobody else tries anything with the same
    /// receiver. It is no write of the register: nothing is raised, and no event left.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::error::Error::Busy) without a database: where that happens after `send`, the same is sent again.
    pub fn deliver(
        &self,
        channels: &[Channel],
        retry: &Retry,
        send: &mut dyn FnMut(&Parcel) -> Outcome,
    ) -> Result<Step> {
        let words: Vec<&str> = channels.iter().map(|c| c.as_str()).collect();
        self.run(|conn| {
            conn.build_transaction().read_committed().run(|conn| {
                seen::see(conn, &Actor::operator())?;
                let claim = sql_query(CLAIM).bind::<Array<Text>, _>(&words);
                let Some(queue) = prepared(claim).get_result::<QueueRow>(conn).optional()? else {
                    return Ok(Step::Nothing);
                };
                // By a snapshot of its own: what it was claimed for may have been done before it was locked.
                let first = sql_query(FIRST).bind::<Text, _>(&queue.jurisdiction).bind::<UuidSql, _>(queue.target);
                let Some(row) = prepared(first).get_result::<EventRow>(conn).optional()? else {
                    return Ok(Step::Lost);
                };
                let channel: Channel = word(&queue.channel)?;
                let is_old = row.waited_s > f64::from(retry.days_max) * 86_400.0;
                let told = row.told()?;
                let came = match receiver(conn, &queue, channel, &told)? {
                    None => None,
                    Some(_) if is_old => Some(Outcome::Never(format!("waited for more than {} days", retry.days_max))),
                    Some(to) => Some(send(&Parcel { to, told: told.clone() })),
                };
                let word = record(conn, &queue, told.id, came.as_ref(), retry)?;
                Ok(Step::Tried(channel, word))
            })
        })
    }
}

/// Writes down what came of an attempt; in a word for the figures.
fn record(
    conn: &mut PgConnection,
    queue: &QueueRow,
    event: Uuid,
    came: Option<&Outcome>,
    retry: &Retry,
) -> Stored<&'static str> {
    sql_query("UPDATE delivery_queues SET served_at = clock_timestamp() WHERE jurisdiction = $1 AND target = $2")
        .bind::<Text, _>(&queue.jurisdiction)
        .bind::<UuidSql, _>(queue.target)
        .execute(conn)?;
    let (state, problem, word) = match came {
        Some(Outcome::Done) => (DeliveryState::Done, None, "done"),
        Some(Outcome::Never(why)) => (DeliveryState::Dead, Some(why), "never"),
        None => (DeliveryState::Withheld, None, "withheld"),
        Some(Outcome::Refused(why)) => {
            failed(conn, queue, Some(event), why, retry)?;
            return Ok("refused");
        }
        Some(Outcome::NoAnswer(why)) => {
            failed(conn, queue, None, why, retry)?;
            return Ok("no_answer");
        }
    };
    sql_query(
        "UPDATE deliveries SET state = $4, problem = $5,
             attempts = attempts + CASE WHEN $4 = 'dead' THEN 1 ELSE 0 END,
             done_at = CASE WHEN $4 = 'done' THEN clock_timestamp() END
         WHERE jurisdiction = $1 AND target = $2 AND event = $3 AND state = 'waiting'",
    )
    .bind::<Text, _>(&queue.jurisdiction)
    .bind::<UuidSql, _>(queue.target)
    .bind::<UuidSql, _>(event)
    .bind::<Text, _>(state.as_str())
    .bind::<Nullable<Text>, _>(problem)
    .execute(conn)?;
    Ok(word)
}

/// Counts an attempt that failed of one event, or of all that is due to the receiver; gives up what was tried often enough. What a mail
/// server says for now it says to all who are told by mail, and nobody has mail sent again: until its days are over it is tried.
fn failed(conn: &mut PgConnection, queue: &QueueRow, event: Option<Uuid>, why: &str, retry: &Retry) -> Stored<()> {
    let is_for_days = queue.channel == Channel::Mail.as_str();
    let most = if is_for_days { i64::MAX } else { i64::from(retry.attempts_max) };
    sql_query(
        "UPDATE deliveries SET attempts = attempts + 1, problem = $4,
             state = CASE WHEN attempts + 1 >= $5 THEN 'dead' ELSE 'waiting' END,
             next_at = clock_timestamp() + least($6 * power(2::float8, least(attempts, 40)), $7) * interval '1 ms'
         WHERE jurisdiction = $1 AND target = $2 AND state = 'waiting' AND (event = $3 OR $3 IS NULL AND next_at <= now())",
    )
    .bind::<Text, _>(&queue.jurisdiction)
    .bind::<UuidSql, _>(queue.target)
    .bind::<Nullable<UuidSql>, _>(event)
    .bind::<Text, _>(why)
    .bind::<BigInt, _>(most)
    .bind::<Double, _>(milliseconds(retry.first_ms))
    .bind::<Double, _>(milliseconds(retry.longest_ms))
    .execute(conn)?;
    Ok(())
}

/// A pause as the database multiplies it.
fn milliseconds(ms: u64) -> f64 {
    f64::from(u32::try_from(ms).unwrap_or(u32::MAX))
}

#[derive(QueryableByName)]
struct DeliveryRow {
    #[diesel(sql_type = UuidSql)]
    event: Uuid,
    #[diesel(sql_type = Text)]
    jurisdiction: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = UuidSql)]
    subject: Uuid,
    #[diesel(sql_type = Integer)]
    told: i32,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Timestamptz)]
    queued_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    done_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    problem: Option<String>,
}

/// Deliveries to a webhook, in the order of their events, after one, in a state where one is named.
///
/// # Errors
/// The database's.
pub fn deliveries(
    conn: &mut PgConnection,
    webhook: Uuid,
    state: Option<DeliveryState>,
    after: Option<Uuid>,
    limit: u32,
) -> Stored<Vec<Delivery>> {
    let rows: Vec<DeliveryRow> = sql_query(concat!(
        "SELECT d.event, d.jurisdiction, o.noun || '.' || o.event AS kind, d.subject, d.state, d.attempts, d.queued_at, ",
        told!(),
        ", CASE WHEN d.state = 'waiting' THEN d.next_at END AS next_at, d.done_at, d.problem
         FROM deliveries AS d JOIN outbox AS o ON o.jurisdiction = d.jurisdiction AND o.id = d.event
         WHERE d.target = $1 AND ($2 IS NULL OR d.state = $2) AND d.event > $3 ORDER BY d.event LIMIT $4"
    ))
    .bind::<UuidSql, _>(webhook)
    .bind::<Nullable<Text>, _>(state.map(Word::as_str))
    .bind::<UuidSql, _>(after.unwrap_or_default())
    .bind::<BigInt, _>(i64::from(limit))
    .load(conn)?;
    let delivery = |row: DeliveryRow| {
        let DeliveryRow { event, jurisdiction, kind, subject, told: number, state, attempts, problem, .. } = row;
        let jiff = |at: Option<jiff_diesel::Timestamp>| at.map(jiff_diesel::Timestamp::to_jiff);
        let (queued_at, next_at, done_at) = (row.queued_at.to_jiff(), jiff(row.next_at), jiff(row.done_at));
        let state = word(&state)?;
        Ok(Delivery {
            event,
            jurisdiction,
            kind,
            subject,
            number,
            state,
            attempts,
            queued_at,
            next_at,
            done_at,
            problem,
        })
    };
    rows.into_iter().map(delivery).collect()
}

/// Queues deliveries of a webhook once more; how many.
///
/// # Errors
/// The database's.
pub fn replay(tx: &mut WriteTx<'_>, webhook: Uuid, which: &Replay) -> Stored<usize> {
    let count = sql_query(
        "UPDATE deliveries SET state = 'waiting', attempts = 0, next_at = clock_timestamp(), queued_at = clock_timestamp(),
             done_at = NULL, problem = NULL
         WHERE target = $1 AND state <> 'waiting' AND CASE
             WHEN $2 IS NOT NULL THEN event = ANY ($2)
             WHEN $3 IS NOT NULL THEN queued_at >= $3 AND state <> 'withheld'
             ELSE state = 'dead'
         END",
    )
    .bind::<UuidSql, _>(webhook)
    .bind::<Nullable<Array<UuidSql>>, _>(which.events.as_deref())
    .bind::<Nullable<Timestamptz>, _>(which.since.map(ToDiesel::to_diesel))
    .execute(tx.conn)?;
    Ok(count)
}

/// What still waits for a webhook that goes is for nobody any more.
///
/// # Errors
/// The database's.
pub fn withhold(tx: &mut WriteTx<'_>, webhook: Uuid) -> Stored<()> {
    sql_query("UPDATE deliveries SET state = 'withheld' WHERE target = $1 AND state = 'waiting'")
        .bind::<UuidSql, _>(webhook)
        .execute(tx.conn)?;
    Ok(())
}
