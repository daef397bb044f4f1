//! One function for each thing a person can do: read, decide, write. The only ring that composes storage, index and
//! rules. Every function takes the [`Actor`](crate::domain::actor::Actor), so nothing is done anonymously by accident.
//!
//! Read in this order: [`feature`] (the register), [`conflict_check`] (the heart), [`site_check`] (a place for a new column), [`plan`] (zones that are decided as one), [`site_request`] (a column that is asked for), [`import`], [`jurisdiction`], [`coverage`],
//! [`mod@reference`] (reference layers and their age), [`document`] (files that belong to something), [`rules`], [`calendar`], [`audit`] (what happened, for ever), [`restricted_read`] (who looked at
//! what), [`version`] (what was recorded of a feature), `as_of` (jurisdictions as they were), [`organisation`], [`account`], [`session`] and [`api_token`] (who may sign
//! in), [`access`] (who is behind a credential), [`outbox`] (what is told to organisations and people) and [`webhook`] (where to), [`refresh`] (how the index follows the database), [`changes`] (who hears
//! of it), [`health`].

pub mod access;
pub mod account;
pub mod api_token;
mod as_of;
pub mod audit;
pub mod calendar;
pub mod changes;
pub mod conflict_check;
pub mod coverage;
pub mod document;
pub mod feature;
pub mod health;
pub mod import;
pub mod jurisdiction;
pub mod organisation;
pub mod outbox;
pub mod password;
pub mod plan;
pub mod reference;
pub mod refresh;
pub mod restricted_read;
pub mod rules;
pub mod session;
pub mod site_check;
pub mod site_request;
pub mod version;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use crate::config::Settings;
use crate::domain::conflict::AccuracyDefaults;
use crate::error::{Error, Result};
use crate::geometry::Metres;
use crate::index::{Index, Snapshot};
use crate::store::objects::Objects;
use crate::store::{Store, StoreOptions};

pub use self::restricted_read::{Asker, Reader};
pub use crate::store::Witness;

/// What every action works with.
#[derive(Clone)]
pub struct Context {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The truth.
    pub(crate) store: Store,
    /// What answers checks; derived from the store.
    pub(crate) index: Arc<Index>,
    /// When the revisions that the index shows were recorded.
    recorded: Arc<refresh::Recorded>,
    /// Who brings the index to where the database is.
    turns: Arc<refresh::Turns>,
    /// What it still has to show to those who wrote.
    owed: Arc<refresh::Owed>,
    /// What led to the present state of the index, for whoever listens.
    pub(crate) events: Arc<changes::Events>,
    /// The conflicts of stored land, as the index shows them.
    kept: Arc<conflict_check::KeptConflicts>,
    /// Jurisdictions as they were.
    past: Arc<as_of::Past>,
    /// Who waits for a revision.
    waits: Arc<conflict_check::Waits>,
    /// What is known of credentials.
    pub(crate) access: Arc<access::Access>,
    /// Which organisations there are.
    organisations: Arc<organisation::Known>,
    /// Who was told of how many cells where something is hidden.
    notices: Arc<conflict_check::Notices>,
    /// The searches for places that run.
    searches: Arc<site_check::Searches>,
    /// Who was shown which restricted features.
    reads: Arc<restricted_read::RestrictedReads>,
    /// What is in documents.
    objects: Arc<Objects>,
    /// The documents that come in.
    uploads: Arc<document::upload::Uploads>,
    /// Wakes those who deliver what is to be told.
    post: Arc<outbox::Post>,
}

/// So many connections at most, otherwise as they are set.
fn connections(settings: &Settings, most: u32) -> StoreOptions {
    StoreOptions {
        connections_max: most,
        pool_wait: Duration::from_millis(settings.pool_wait_ms),
        statement_timeout: Duration::from_millis(settings.statement_timeout_ms),
    }
}

impl Context {
    /// Connects to the database; the index is still empty.
    ///
    /// # Errors
    /// [`Error::Busy`] when the database cannot be reached, and as [`audit::key`].
    pub fn connect(settings: Settings) -> Result<Self> {
        let key = audit::key(&settings)?;
        let store =
            Store::connect(&settings.database_url.0, &connections(&settings, settings.connections_max))?.signing(key);
        let events = Arc::new(changes::Events::new(settings.events_kept));
        let kept = conflict_check::KeptConflicts::new(settings.kept_pairs_max, settings.kept_conflicts_max);
        let notices = conflict_check::Notices::new(settings.notice_cells_per_hour);
        let reads = restricted_read::RestrictedReads::new(store.clone(), &settings);
        let objects = Arc::new(Objects::of(document::keeping::place(&settings)));
        Ok(Self {
            settings: Arc::new(settings),
            store,
            index: Arc::default(),
            recorded: Arc::default(),
            turns: Arc::default(),
            owed: Arc::default(),
            events,
            kept: Arc::new(kept),
            past: Arc::default(),
            waits: Arc::default(),
            access: Arc::default(),
            organisations: Arc::default(),
            notices: Arc::new(notices),
            searches: Arc::default(),
            reads: Arc::new(reads),
            objects,
            uploads: Arc::default(),
            post: Arc::default(),
        })
    }

    /// The same with so many connections of its own.
    fn with_connections(&self, most: u32) -> Self {
        Self { store: self.store.beside(&connections(&self.settings, most)), ..self.clone() }
    }

    /// What the index shows, which is all that there is, whoever may see it: it does not change while it is held.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.index.snapshot()
    }

    /// Ends the streams of those who listen: the server is about to end.
    pub fn end_streams(&self) {
        self.events.close();
    }

    /// How far outside the boundary a feature may lie.
    pub(crate) fn reach(&self) -> Metres {
        Metres::new(self.settings.boundary_reach_m).unwrap_or(Metres::ZERO)
    }

    /// Accuracies of positions that state none.
    pub(crate) fn accuracies(&self) -> AccuracyDefaults {
        let metres = |m: f64| Metres::new(m).unwrap_or(Metres::ZERO);
        let s = &self.settings;
        AccuracyDefaults {
            gnss_rtk: metres(s.accuracy_gnss_rtk_m),
            gnss: metres(s.accuracy_gnss_m),
            digitised: metres(s.accuracy_digitised_m),
            record: metres(s.accuracy_record_m),
            estimated: metres(s.accuracy_estimated_m),
            unknown: metres(s.accuracy_unknown_m),
        }
    }
}

/// Whoever did not sign in may not write; whoever did may not write this.
pub(crate) fn forbidden(actor: &crate::domain::actor::Actor, what: &str) -> Error {
    if actor.is_public() {
        Error::Unauthenticated(format!("sign in to {what}"))
    } else {
        Error::Forbidden(format!("your roles do not let you {what}"))
    }
}
