//! The one way to write. A [`WriteTx`] is made only by [`Store::write`], which commits only when every raised
//! jurisdiction has its audit entry, and writes the change rows and the notification in the same transaction.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use jiff::Timestamp;
use jiff_diesel::ToDiesel;

use super::schema::{audit_events, changes, revisions};
use super::{Failure, Store, Stored, is_deadlock};
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditEntry, Change};
use crate::domain::word::Word;
use crate::error::{Error, Result};

/// The channel on which commits are announced.
pub const CHANNEL: &str = "clearway_revisions";

/// How often a write that met a deadlock is done again before it is given up.
const ATTEMPTS_MAX: u32 = 5;

/// Who writes, and in which request.
#[derive(Debug, Clone, Copy)]
pub struct Witness<'a> {
    /// The actor.
    pub actor: &'a Actor,
    /// The request, as the log knows it.
    pub request_id: &'a str,
}

/// What a transaction has done to one jurisdiction.
struct Raised {
    revision: i64,
    recorded_at: Timestamp,
    changes: Vec<Change>,
    entry: Option<AuditEntry>,
}

/// An open transaction with the right to write.
pub struct WriteTx<'c> {
    /// The connection: reads and row locks of this ring go through it directly.
    pub(super) conn: &'c mut PgConnection,
    raised: BTreeMap<String, Raised>,
}

diesel::define_sql_function! {
    /// Announces on a channel at commit.
    fn pg_notify(channel: Text, payload: Text);
}
diesel::define_sql_function! {
    /// The present moment, even inside a transaction.
    fn clock_timestamp() -> Timestamptz;
}

impl Store {
    /// Runs `f` in one transaction and commits it with its audit entries. `f` runs again when it met a deadlock.
    /// Answers with what `f` gave and the revision that each jurisdiction has come to.
    ///
    /// # Errors
    /// What `f` fails with, and [`Error::Internal`] when it raised no revision or wrote without saying so: nothing is
    /// stored then.
    pub fn write<T>(
        &self,
        witness: Witness<'_>,
        mut f: impl FnMut(&mut WriteTx<'_>) -> Stored<T>,
    ) -> Result<(T, Vec<(String, i64)>)> {
        let mut attempt = 1;
        loop {
            let outcome = self.run(|conn| {
                let done = conn.build_transaction().read_committed().run(|conn| {
                    let mut tx = WriteTx { conn, raised: BTreeMap::new() };
                    let value = f(&mut tx)?;
                    let revisions = tx.finish(witness)?;
                    Ok::<_, Failure>((value, revisions))
                });
                match done {
                    Err(failure) if is_deadlock(&failure) && attempt < ATTEMPTS_MAX => Ok(None),
                    other => other.map(Some),
                }
            })?;
            match outcome {
                Some(done) => return Ok(done),
                None => attempt += 1,
            }
        }
    }
}

impl WriteTx<'_> {
    /// Locks and raises the revision of `jurisdiction`; later calls give the same number. From here on this
    /// transaction is the only one that writes there, so checks that a decision rests on come after it.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a jurisdiction that is not registered.
    pub fn raise(&mut self, jurisdiction: &str) -> Stored<(i64, Timestamp)> {
        if let Some(raised) = self.raised.get(jurisdiction) {
            return Ok((raised.revision, raised.recorded_at));
        }
        let found: Option<(i64, jiff_diesel::Timestamp)> = diesel::update(revisions::table.find(jurisdiction))
            .set(revisions::revision.eq(revisions::revision + 1))
            .returning((revisions::revision, clock_timestamp()))
            .get_result(self.conn)
            .optional()?;
        let Some((revision, now)) = found else {
            return Err(Error::NotFound(format!("the jurisdiction «{jurisdiction}»")).into());
        };
        let recorded_at = now.to_jiff();
        let raised = Raised { revision, recorded_at, changes: Vec::new(), entry: None };
        self.raised.insert(jurisdiction.to_owned(), raised);
        Ok((revision, recorded_at))
    }

    /// Notes a change in a jurisdiction that was raised.
    ///
    /// # Errors
    /// [`Error::Internal`] where it was not.
    pub fn changed(&mut self, jurisdiction: &str, change: Change) -> Stored<()> {
        self.of(jurisdiction)?.changes.push(change);
        Ok(())
    }

    /// Says what was done: one entry for each raised jurisdiction.
    ///
    /// # Errors
    /// [`Error::Internal`] where it was not raised, or has an entry already.
    pub fn audit(&mut self, jurisdiction: &str, entry: AuditEntry) -> Stored<()> {
        let raised = self.of(jurisdiction)?;
        if raised.entry.is_some() {
            return Err(Error::Internal(format!("a second audit entry for one revision of {jurisdiction}")).into());
        }
        raised.entry = Some(entry);
        Ok(())
    }

    fn of(&mut self, jurisdiction: &str) -> Stored<&mut Raised> {
        self.raised
            .get_mut(jurisdiction)
            .ok_or_else(|| Error::Internal(format!("a write in {jurisdiction} before its revision was raised")).into())
    }

    fn finish(self, witness: Witness<'_>) -> Stored<Vec<(String, i64)>> {
        if self.raised.is_empty() {
            return Err(Error::Internal("a write that wrote nothing".into()).into());
        }
        let mut revisions = Vec::new();
        for (jurisdiction, raised) in self.raised {
            let Some(entry) = raised.entry else {
                return Err(Error::Internal(format!("a write in {jurisdiction} without an audit entry")).into());
            };
            let rows: Vec<_> = raised
                .changes
                .iter()
                .zip(1_i32..)
                .map(|(change, ordinal)| {
                    (
                        changes::jurisdiction.eq(&jurisdiction),
                        changes::revision.eq(raised.revision),
                        changes::ordinal.eq(ordinal),
                        changes::layer.eq(change.layer.as_str()),
                        changes::kind.eq(change.kind.as_str()),
                        changes::id.eq(change.id),
                    )
                })
                .collect();
            diesel::insert_into(changes::table).values(&rows).execute(self.conn)?;
            let detail: serde_json::Map<String, serde_json::Value> =
                entry.detail.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
            diesel::insert_into(audit_events::table)
                .values((
                    audit_events::jurisdiction.eq(&jurisdiction),
                    audit_events::revision.eq(raised.revision),
                    audit_events::recorded_at.eq(raised.recorded_at.to_diesel()),
                    audit_events::actor.eq(&witness.actor.name),
                    audit_events::organisation.eq(witness.actor.organisation.as_deref()),
                    audit_events::request_id.eq(witness.request_id),
                    audit_events::deed.eq(entry.deed.as_str()),
                    audit_events::layer.eq(entry.layer.map(Word::as_str)),
                    audit_events::subject.eq(entry.subject),
                    audit_events::detail.eq(serde_json::Value::Object(detail)),
                ))
                .execute(self.conn)?;
            let payload = format!("{jurisdiction} {}", raised.revision);
            diesel::select(pg_notify(CHANNEL, payload)).execute(self.conn)?;
            revisions.push((jurisdiction, raised.revision));
        }
        Ok(revisions)
    }
}
