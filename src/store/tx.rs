//! The one way to write. A [`WriteTx`] is made only by [`Store::write`], which commits only when every raised
//! jurisdiction has its audit entry, and writes the change rows and the notification in the same transaction. What is counted
//! and no event tells of is written while the chain of access is held, not raised.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::access::{self, Touched};
use super::prepared::{PLANNED_ONCE, prepared};
use super::records::IndexRow;
use super::schema::revisions;
use super::{Failure, Store, Stored, audit, is_deadlock, seen, standing, transaction};
use crate::domain::actor::Actor;
use crate::domain::audit::{ACCESS, AuditEntry, AuditEvent, Change, ChangeKind, Digest, Key, ZEROS, digest_of};
use crate::domain::layer::Layer;
use crate::domain::session::Identity;
use crate::domain::word::Word;
use crate::error::{Error, Result};

/// The channel on which commits are announced.
pub const CHANNEL: &str = "clearway_revisions";

/// How often a write that met a deadlock is done again before it is given up.
const ATTEMPTS_MAX: u32 = 5;

/// The revision that registers a jurisdiction, which is a version without a change.
const FIRST: i64 = 1;

/// Who writes, in which request, and why.
#[derive(Debug, Clone, Copy)]
pub struct Witness<'a> {
    /// The actor.
    pub actor: &'a Actor,
    /// Who that is, where it may be taken away from him until he writes.
    pub identity: Option<&'a Identity>,
    /// The request, as the log knows it.
    pub request_id: &'a str,
    /// Why, as the actor says.
    pub reason: Option<&'a str>,
}

impl<'a> Witness<'a> {
    /// Of a write without a reason.
    #[must_use]
    pub fn new(actor: &'a Actor, request_id: &'a str) -> Self {
        Self { actor, identity: None, request_id, reason: None }
    }

    /// The same by whoever is behind a request: he is looked at once more inside the write.
    #[must_use]
    pub fn by(identity: &'a Identity, request_id: &'a str) -> Self {
        Self { identity: Some(identity), ..Self::new(&identity.actor, request_id) }
    }

    /// The same, and why.
    #[must_use]
    pub fn because(self, reason: Option<&'a str>) -> Self {
        Self { reason, ..self }
    }
}

/// What was committed in a jurisdiction.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Its code.
    pub jurisdiction: String,
    /// The revision it has come to.
    pub revision: i64,
    /// What was written, where it was written feature by feature.
    pub written: Option<Written>,
}

/// All that a revision changed, so that an index which holds the one before need not ask.
#[derive(Debug, Clone)]
pub struct Written {
    /// When the revision was recorded.
    pub recorded_at: Timestamp,
    /// When the one before was.
    pub previous_at: Timestamp,
    /// The features, each as the index wants it; none where it was deleted.
    pub features: BTreeMap<(Layer, Uuid), Option<IndexRow>>,
}

/// The counter of a chain: its revision, when that and the one before were recorded, and the hash of its last event.
type Counter = (i64, Option<jiff_diesel::Timestamp>, Option<jiff_diesel::Timestamp>, Option<Vec<u8>>);

/// What a transaction has done to one jurisdiction.
struct Raised {
    revision: i64,
    recorded_at: Timestamp,
    previous_at: Option<Timestamp>,
    /// Hash of the event before.
    previous: Digest,
    changes: Vec<Change>,
    /// The versions ended and begun, each with its digest; where `None`, the database is asked.
    versions: Option<Versions>,
    /// The features written one by one, as they are last.
    features: BTreeMap<(Layer, Uuid), Option<IndexRow>>,
    /// The database is asked for them in any case: something was written that no change tells of.
    asks: bool,
    /// What a write of the chain of access is about, as it was before.
    touched: Vec<Touched>,
    entry: Option<AuditEntry>,
}

/// Versions with their digests.
#[derive(Default)]
struct Versions {
    /// So many changes noted theirs.
    changes: usize,
    ended: Vec<(Uuid, Digest)>,
    began: Vec<(Uuid, Digest)>,
}

/// An open transaction with the right to write.
pub struct WriteTx<'c> {
    /// The connection: reads and row locks of this ring go through it directly.
    pub(super) conn: &'c mut PgConnection,
    raised: BTreeMap<String, Raised>,
    /// Since when the chain of access is held.
    held: Option<Timestamp>,
    /// Who writes.
    identity: Option<&'c Identity>,
    /// What heads are signed with.
    key: Option<&'c Key>,
}

diesel::define_sql_function! {
    /// The present moment, even inside a transaction.
    fn clock_timestamp() -> Timestamptz;
}

impl Store {
    /// Runs `f` in one transaction, which sees of features what the actor sees, and commits it with its audit entries. `f` runs
    /// again when it met a deadlock.
    /// Answers with what `f` gave and what was committed in each jurisdiction.
    ///
    /// # Errors
    /// What `f` fails with, [`Error::Unauthenticated`] where the writer may less than when he was let in, and [`Error::Internal`] when it neither raised a revision nor held one, or wrote without saying so: nothing is
    /// stored then.
    pub fn write<T>(
        &self,
        witness: Witness<'_>,
        f: impl FnMut(&mut WriteTx<'_>) -> Stored<T>,
    ) -> Result<(T, Vec<Committed>)> {
        self.write_in("BEGIN ISOLATION LEVEL READ COMMITTED", witness, f)
    }

    /// The same for statements that find rows by their keys: each is planned once for a connection.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_keyed<T>(
        &self,
        witness: Witness<'_>,
        f: impl FnMut(&mut WriteTx<'_>) -> Stored<T>,
    ) -> Result<(T, Vec<Committed>)> {
        self.write_in(&format!("BEGIN ISOLATION LEVEL READ COMMITTED; {PLANNED_ONCE}"), witness, f)
    }

    fn write_in<T>(
        &self,
        begin: &str,
        witness: Witness<'_>,
        mut f: impl FnMut(&mut WriteTx<'_>) -> Stored<T>,
    ) -> Result<(T, Vec<Committed>)> {
        let mut attempt = 1;
        loop {
            let outcome = self.run(|conn| {
                let done = transaction(conn, begin, |conn| {
                    seen::see(conn, witness.actor)?;
                    let mut tx = WriteTx {
                        conn,
                        raised: BTreeMap::new(),
                        held: None,
                        identity: witness.identity,
                        key: self.key.as_deref(),
                    };
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
        if jurisdiction == ACCESS {
            self.begin_access()?;
        }
        let raise = diesel::update(revisions::table.find(jurisdiction))
            .set((
                revisions::revision.eq(revisions::revision + 1),
                revisions::previous_at.eq(revisions::recorded_at),
                revisions::recorded_at.eq(clock_timestamp().nullable()),
            ))
            .returning((revisions::revision, revisions::recorded_at, revisions::previous_at, revisions::audit_hash));
        let found: Option<Counter> = prepared(raise).get_result(self.conn).optional()?;
        let Some((revision, Some(now), previous_at, previous)) = found else {
            return Err(Error::NotFound(format!("the jurisdiction «{jurisdiction}»")).into());
        };
        if jurisdiction == ACCESS {
            // Before the write may end what he is known by; nobody else does from here on.
            self.still_holds()?;
        }
        let recorded_at = now.to_jiff();
        let previous = previous.as_deref().map_or(Ok(ZEROS), audit::digest)?;
        let raised = Raised {
            revision,
            recorded_at,
            previous_at: previous_at.map(jiff_diesel::Timestamp::to_jiff),
            previous,
            changes: Vec::new(),
            versions: None,
            features: BTreeMap::new(),
            asks: false,
            touched: Vec::new(),
            entry: None,
        };
        self.raised.insert(jurisdiction.to_owned(), raised);
        Ok((revision, recorded_at))
    }

    /// Keeps others from writing in jurisdictions in which this transaction writes nothing itself, until it ends: where each stands.
    ///
    /// # Errors
    /// The database's; a deadlock with a transaction that does the same the other way round, after which this one is tried again.
    pub fn keep_still(&mut self, jurisdictions: &[String]) -> Stored<Vec<(String, i64)>> {
        if jurisdictions.is_empty() {
            return Ok(Vec::new());
        }
        let all = revisions::table
            .filter(revisions::jurisdiction.eq_any(jurisdictions))
            .order(revisions::jurisdiction.asc())
            .select((revisions::jurisdiction, revisions::revision));
        Ok(all.for_share().load(self.conn)?)
    }

    /// Locks the chain of access as [`WriteTx::raise`] does, without a revision and so without an event: for what is counted
    /// and changes nobody's access. It may be raised afterwards. The moment since when it is locked.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn hold(&mut self) -> Stored<Timestamp> {
        if let Some(since) = self.raised.get(ACCESS).map(|raised| raised.recorded_at).or(self.held) {
            return Ok(since);
        }
        self.begin_access()?;
        // An update takes the moment after it has waited; a `SELECT … FOR UPDATE` before.
        let now: jiff_diesel::Timestamp = diesel::update(revisions::table.find(ACCESS))
            .set(revisions::revision.eq(revisions::revision))
            .returning(clock_timestamp())
            .get_result(self.conn)?;
        self.held = Some(now.to_jiff());
        Ok(now.to_jiff())
    }

    /// The counter of the chain of access begins with the first account.
    fn begin_access(&mut self) -> Stored<()> {
        diesel::insert_into(revisions::table)
            .values((revisions::jurisdiction.eq(ACCESS), revisions::revision.eq(0_i64)))
            .on_conflict_do_nothing()
            .execute(self.conn)?;
        Ok(())
    }

    /// Notes a change in a jurisdiction that was raised.
    ///
    /// # Errors
    /// [`Error::Internal`] where it was not.
    pub fn changed(&mut self, jurisdiction: &str, change: Change) -> Stored<()> {
        self.of(jurisdiction)?.changes.push(change);
        Ok(())
    }

    /// Notes a change of one feature, and the row that the index is to have of it.
    ///
    /// # Errors
    /// As [`WriteTx::changed`].
    pub(super) fn changed_one(
        &mut self,
        jurisdiction: &str,
        (layer, kind, id): (Layer, ChangeKind, Uuid),
        row: Option<IndexRow>,
    ) -> Stored<()> {
        self.of(jurisdiction)?.features.insert((layer, id), row);
        self.changed(jurisdiction, Change { layer, kind, id: Some(id) })
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

    /// Notes the versions that a write ended and began, in place of asking for them; once for each change that it notes. Where
    /// another change of this transaction notes none, the database is asked for all.
    pub(super) fn versions(
        &mut self,
        jurisdiction: &str,
        id: Uuid,
        ended: Option<Digest>,
        began: Option<Digest>,
    ) -> Stored<()> {
        let versions = self.of(jurisdiction)?.versions.get_or_insert_default();
        versions.changes += 1;
        versions.ended.extend(ended.map(|digest| (id, digest)));
        versions.began.extend(began.map(|digest| (id, digest)));
        Ok(())
    }

    /// The same of what is no change of a layer: the index does not follow it. Where a change notes no versions, the database
    /// is asked for all.
    pub(super) fn versions_apart(
        &mut self,
        jurisdiction: &str,
        id: Uuid,
        ended: Option<Digest>,
        began: Option<Digest>,
    ) -> Stored<()> {
        let versions = self.of(jurisdiction)?.versions.get_or_insert_default();
        versions.ended.extend(ended.map(|digest| (id, digest)));
        versions.began.extend(began.map(|digest| (id, digest)));
        Ok(())
    }

    /// The database is asked which versions a write ended and began: whoever notes none says so.
    pub(super) fn ask_versions(&mut self, jurisdiction: &str) -> Stored<()> {
        self.of(jurisdiction)?.asks = true;
        Ok(())
    }

    /// What a write of the chain of access is about, as far as it is known by now.
    pub(super) fn touched(&mut self) -> Stored<&mut Vec<Touched>> {
        Ok(&mut self.of(ACCESS)?.touched)
    }

    fn of(&mut self, jurisdiction: &str) -> Stored<&mut Raised> {
        self.raised
            .get_mut(jurisdiction)
            .ok_or_else(|| Error::Internal(format!("a write in {jurisdiction} before its revision was raised")).into())
    }

    fn still_holds(&mut self) -> Stored<()> {
        self.identity.map_or(Ok(()), |identity| standing::holds(self.conn, identity))
    }

    fn finish(mut self, witness: Witness<'_>) -> Stored<Vec<Committed>> {
        if self.raised.is_empty() && self.held.is_none() {
            return Err(Error::Internal("a write that wrote nothing".into()).into());
        }
        if self.raised.keys().any(|chain| chain != ACCESS) {
            self.still_holds()?;
        }
        let mut committed = Vec::new();
        for (jurisdiction, raised) in self.raised {
            let Some(entry) = raised.entry else {
                return Err(Error::Internal(format!("a write in {jurisdiction} without an audit entry")).into());
            };
            let all_noted =
                |noted: &Versions| !raised.asks && noted.changes == raised.changes.len() && raised.revision > FIRST;
            let (before, after) = match raised.versions.filter(all_noted) {
                Some(mut noted) => (digest_of(&mut noted.ended), digest_of(&mut noted.began)),
                None if jurisdiction == ACCESS => access::versions_in(self.conn, raised.revision, &raised.touched)?,
                None => audit::versions_in(self.conn, &jurisdiction, raised.revision)?,
            };
            let actor = witness.actor;
            let event = AuditEvent {
                chain: jurisdiction.clone(),
                revision: raised.revision,
                recorded_at: raised.recorded_at,
                actor: actor.name.clone(),
                organisation: actor.organisation.clone(),
                on_behalf_of: entry.owner.filter(|owner| actor.organisation.as_ref() != Some(owner)),
                request_id: witness.request_id.to_owned(),
                reason: witness.reason.map(str::to_owned),
                deed: entry.deed.as_str().to_owned(),
                layer: entry.layer.map(|layer| layer.as_str().to_owned()),
                subject: entry.subject,
                detail: entry.detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                before,
                after,
                previous: Some(raised.previous),
            };
            audit::append(self.conn, (&event, self.key), &raised.changes, CHANNEL)?;
            // Of what was written twice, or otherwise, the index asks.
            let written = raised.previous_at.filter(|_| raised.features.len() == raised.changes.len());
            let Raised { revision, recorded_at, features, .. } = raised;
            let written = written.map(|previous_at| Written { recorded_at, previous_at, features });
            committed.push(Committed { jurisdiction, revision, written });
        }
        Ok(committed)
    }
}
