//! The only diesel: PostGIS, the truth. Functions take a connection or a [`WriteTx`], never the pool, so that they
//! compose in one transaction. Values are bound, never formatted.
//!
//! Read in this order: [`schema`], [`ewkb`] and [`shape`] (geometry in rows), this file (the pool), [`prepared`] (statements planned once), [`seen`] (what a
//! transaction sees), [`tx`] (the one way to write), [`audit`] (what it leaves behind), [`restricted_read`] (what looking leaves behind), [`records`] (what works and corridors share), [`followed`] (their rows that changed) and [`copied`] (those for a
//! whole index), [`version`] (what they were), [`jurisdiction`], [`work`], [`corridor`], [`coverage`], [`rules`], [`calendar`], [`case_rules`], [`changes`] (how the index follows),
//! [`site_check`] and [`site_check_later`] (runs that are kept, and what comes after), [`plan`], [`plan_step`], [`zone`] and [`plan_check`] (plans with their steps, zones and checks), [`site_request`] (what is asked for, and each event of it), [`document`] and [`objects`] (files, and what is in them), [`import`] (bulk), [`listen`] (other instances), [`organisation`], [`account`], [`session`], [`api_token`] and
//! [`access`] (who may sign in and with what), [`outbox`] (what is to be told), [`delivery`] (how that goes) and [`webhook`] (to whom), [`migrations`], [`address`] (what connections add to theirs),
//! [`cluster`] (a private PostgreSQL).

pub mod access;
pub mod account;
pub mod address;
pub mod api_token;
pub mod audit;
pub mod calendar;
pub mod case_rules;
pub mod changes;
pub mod cluster;
pub mod copied;
pub mod corridor;
pub mod coverage;
pub mod delivery;
pub mod document;
pub mod ewkb;
pub mod followed;
pub mod history;
pub mod import;
pub mod jurisdiction;
pub mod listen;
pub mod migrations;
pub mod objects;
pub mod organisation;
pub mod outbox;
pub mod plan;
pub mod plan_check;
pub mod plan_step;
pub mod prepared;
pub mod records;
pub mod reference;
pub mod restricted_read;
pub mod rules;
pub mod schema;
pub mod seen;
pub mod session;
pub mod shape;
pub mod site_check;
pub mod site_check_later;
pub mod site_request;
pub mod standing;
pub mod tx;
pub mod version;
pub mod webhook;
pub mod work;
pub mod zone;

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;
use diesel::r2d2::{ConnectionManager, ManageConnection, NopErrorHandler, Pool, R2D2Connection};
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::domain::actor::Actor;
use crate::domain::audit::Key;
use crate::error::{Error, Result};
use case_rules::KeptCaseRules;
pub use tx::{Committed, Witness, WriteTx, Written};

/// How the pool is set up.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Most connections at once.
    pub connections_max: u32,
    /// Longest wait for a free connection.
    pub pool_wait: Duration,
    /// Longest run of one statement; imports and index loading are exempt.
    pub statement_timeout: Duration,
}

/// The database.
#[derive(Clone)]
pub struct Store {
    pool: Pool<Manager>,
    url: String,
    /// What heads of the audit trail are signed with.
    key: Option<Arc<Key>>,
    /// By what cases are judged and counted.
    pub case_rules: Arc<KeptCaseRules>,
}

/// A connection and whether it is known to be dead.
pub struct Checked {
    connection: PgConnection,
    dead: bool,
}

/// Makes connections and throws dead ones away when they come back, so that the pool recovers by itself: checking
/// each one when it is taken would halve the throughput.
struct Manager {
    inner: ConnectionManager<PgConnection>,
    on_connect: String,
}

impl ManageConnection for Manager {
    type Connection = Checked;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Checked, Self::Error> {
        let mut connection = self.inner.connect()?;
        connection.batch_execute(&self.on_connect).map_err(diesel::r2d2::Error::QueryError)?;
        Ok(Checked { connection, dead: false })
    }

    fn is_valid(&self, checked: &mut Checked) -> Result<(), Self::Error> {
        self.inner.is_valid(&mut checked.connection)
    }

    fn has_broken(&self, checked: &mut Checked) -> bool {
        checked.dead || self.inner.has_broken(&mut checked.connection)
    }
}

impl Store {
    /// Opens a pool on `url`. Connections are made when they are needed.
    ///
    /// # Errors
    /// [`Error::Busy`] where the database cannot be reached at all.
    pub fn connect(url: &str, options: &StoreOptions) -> Result<Self> {
        let store = Self::open(address::with_defaults(url), options);
        store.run(seen::require_wall)??;
        Ok(store)
    }

    /// The same database by other connections: whoever has these takes none away from the others.
    #[must_use]
    pub fn beside(&self, options: &StoreOptions) -> Self {
        let opened = Self::open(self.url.clone(), options);
        Self { key: self.key.clone(), case_rules: Arc::clone(&self.case_rules), ..opened }
    }

    /// The same database, each of whose writes signs the head that it makes.
    #[must_use]
    pub fn signing(self, key: Option<Key>) -> Self {
        Self { key: key.map(Arc::new), ..self }
    }

    fn open(url: String, options: &StoreOptions) -> Self {
        let on_connect = format!(
            "SET statement_timeout = {}; SET application_name = 'clearway'; SET timezone = 'UTC'; \
             SET datestyle = 'ISO, MDY'",
            options.statement_timeout.as_millis()
        );
        let manager = Manager { inner: ConnectionManager::new(&url), on_connect };
        let pool = Pool::builder()
            .max_size(options.connections_max)
            .min_idle(Some(0))
            .connection_timeout(options.pool_wait)
            .test_on_check_out(false)
            .error_handler(Box::new(NopErrorHandler)) // what it would print may hold the address
            .build_unchecked(manager);
        Self { pool, url, key: None, case_rules: Arc::default() }
    }

    /// The address of the database, for a connection outside the pool. It may hold a secret.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs `f` on a connection, each statement on its own; it sees no features.
    ///
    /// # Errors
    /// What `f` fails with; [`Error::Busy`] without a connection.
    pub fn read<T>(&self, mut f: impl FnMut(&mut PgConnection) -> Result<T, Failure>) -> Result<T> {
        self.run(&mut f)
    }

    /// Runs `f` in a read-only transaction that sees of features what `actor` sees.
    ///
    /// # Errors
    /// What `f` fails with; [`Error::Busy`] without a connection.
    pub fn read_as<T>(&self, actor: &Actor, mut f: impl FnMut(&mut PgConnection) -> Result<T, Failure>) -> Result<T> {
        self.run(|c| {
            c.build_transaction().read_only().run(|c| {
                seen::see(c, actor)?;
                f(c)
            })
        })
    }

    /// Runs `f` in a read-only transaction that sees one state of the database throughout, and every feature: for what the
    /// program needs itself, and judges by itself. [`seen::see`] narrows it.
    ///
    /// # Errors
    /// What `f` fails with; [`Error::Busy`] without a connection.
    pub fn snapshot<T>(&self, mut f: impl FnMut(&mut PgConnection) -> Result<T, Failure>) -> Result<T> {
        self.run(|c| transaction(c, &seen::begin_snapshot(), &mut f))
    }

    /// As [`Store::snapshot`], and its statements may take their time, each `longest` or as long as it needs: loading an index is
    /// not a request.
    ///
    /// # Errors
    /// As [`Store::snapshot`].
    pub fn long_snapshot<T>(
        &self,
        longest: Option<Duration>,
        mut f: impl FnMut(&mut PgConnection) -> Result<T, Failure>,
    ) -> Result<T> {
        self.run(|c| {
            c.build_transaction().repeatable_read().read_only().run(|c| {
                seen::see_at_leisure(c, &Actor::operator(), longest)?;
                f(c)
            })
        })
    }

    /// As [`Store::long_snapshot`], for statements that find rows by their keys, or by where they come in an index: each is planned
    /// once for a connection.
    ///
    /// # Errors
    /// As [`Store::snapshot`].
    pub fn keyed_snapshot<T>(
        &self,
        longest: Option<Duration>,
        mut f: impl FnMut(&mut PgConnection) -> Result<T, Failure>,
    ) -> Result<T> {
        self.run(|c| transaction(c, &seen::begin_seeing_all(longest), &mut f))
    }

    fn run<T>(&self, f: impl FnOnce(&mut PgConnection) -> Result<T, Failure>) -> Result<T> {
        let mut checked = self.pool.get().map_err(|_| unreachable_database())?;
        let outcome = f(&mut checked.connection);
        outcome.map_err(|failure| match failure {
            Failure::Ours(error) => error,
            Failure::Database(error) => {
                // Only now is it worth asking whether the connection still lives.
                if matters_to_connection(&error) && checked.connection.ping().is_err() {
                    checked.dead = true;
                    return unreachable_database();
                }
                translate(&error)
            }
        })
    }

    /// The database answers.
    ///
    /// # Errors
    /// [`Error::Busy`] when it does not.
    pub fn ping(&self) -> Result<()> {
        self.read(|c| Ok(c.ping()?))
    }
}

/// Runs `f` in a transaction that begins as the text says, with one message.
fn transaction<T>(conn: &mut PgConnection, begin: &str, f: impl FnOnce(&mut PgConnection) -> Stored<T>) -> Stored<T> {
    AnsiTransactionManager::begin_transaction_sql(conn, begin)?;
    match f(conn) {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(conn)?;
            Ok(value)
        }
        Err(failure) => match AnsiTransactionManager::rollback_transaction(conn) {
            Ok(()) | Err(DieselError::BrokenTransactionManager) => Err(failure),
            Err(error) => Err(error.into()),
        },
    }
}

fn unreachable_database() -> Error {
    Error::busy("the database cannot be reached or all its connections are in use; try again in a moment")
}

/// What a function of this ring fails with before it is translated: our error, or diesel's.
#[derive(Debug)]
pub enum Failure {
    /// Already in our words.
    Ours(Error),
    /// Still in the database's words.
    Database(DieselError),
}

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// A result inside this ring.
pub type Stored<T> = Result<T, Failure>;

fn matters_to_connection(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(kind, _) => matches!(
            kind,
            DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction
                | DatabaseErrorKind::Unknown
        ),
        DieselError::BrokenTransactionManager | DieselError::RollbackErrorOnCommit { .. } => true,
        _ => false,
    }
}

/// Our words for an error of a living connection. Named constraints become domain errors here and nowhere else.
fn translate(error: &DieselError) -> Error {
    match error {
        DieselError::NotFound => Error::NotFound("the record".into()),
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => match info.constraint_name() {
            Some(
                "works_code_key" | "corridors_code_key" | "reference_features_code_key" | "site_requests_code_key",
            ) => Error::CodeTaken(info.details().and_then(code_of_detail).unwrap_or_default()),
            Some("plans_code_key") => {
                Error::Taken("this code is that of another plan, or of an amendment of this one".into())
            }
            Some("zones_code_key") => Error::Taken("this code is that of another zone of the plan".into()),
            Some("documents_content_key") => Error::Taken("this file of yours is there already, as this kind".into()),
            Some("site_check_waivers_pkey") => Error::Taken("this finding is waived already".into()),
            Some("organisations_pkey") => Error::Taken("this code is that of another organisation".into()),
            Some("accounts_name_key") => Error::Taken("this name is, or was, that of another account".into()),
            Some("api_tokens_name_key") => Error::Taken("this name is that of another of your tokens".into()),
            Some("jurisdictions_pkey") => Error::Changed("this jurisdiction is registered already".into()),
            _ => Error::Internal(error.to_string()),
        },
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, info)
            if matches!(info.constraint_name(), Some("accounts_organisation_fkey" | "webhooks_organisation_fkey")) =>
        {
            Error::invalid("/organisation", "is no organisation that is registered")
        }
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
            if info.message().contains("statement timeout") =>
        {
            Error::busy("the database took too long; ask for less, or try again in a moment")
        }
        DieselError::DatabaseError(DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection, _) => {
            unreachable_database()
        }
        other => Error::Internal(other.to_string()),
    }
}

/// The code in `Key (jurisdiction, code, organisation, visibility)=(VN-72, DNO-0042, vnpt, public) already exists.` An owner
/// may have a comma in his name; then a part of it stands with the code.
fn code_of_detail(detail: &str) -> Option<String> {
    let (_, values) = detail.split_once(")=(")?;
    let (values, _) = values.rsplit_once(')')?;
    let (_, rest) = values.split_once(", ")?;
    rest.rsplitn(3, ", ").last().map(str::to_owned)
}

/// Another transaction was in the way; the whole action may be done again.
fn is_deadlock(failure: &Failure) -> bool {
    match failure {
        Failure::Database(DieselError::DatabaseError(kind, info)) => {
            matches!(kind, DatabaseErrorKind::SerializationFailure) || info.message().contains("deadlock detected")
        }
        _ => false,
    }
}

/// A connection, for the functions of this ring.
pub type Connection = PgConnection;
