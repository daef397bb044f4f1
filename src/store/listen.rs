//! Hearing of the commits of other instances. A notification only says where to look; nothing depends on it.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;

use super::tx::CHANNEL;
use crate::error::{Error, Result};

/// What the function `tell` of the database says where somebody is to be told of something; everything else is of revisions.
const TOLD: &str = "told";

/// What was heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// Some jurisdiction has a new revision.
    pub revisions: bool,
    /// There is something to deliver.
    pub told: bool,
}

/// A connection of its own, outside the pool, that listens.
pub struct Listener {
    conn: PgConnection,
}

impl Listener {
    /// Connects and listens.
    ///
    /// # Errors
    /// [`Error::Busy`] when the database cannot be reached.
    pub fn connect(url: &str) -> Result<Self> {
        let mut conn = PgConnection::establish(url).map_err(|_| Error::busy("the database cannot be reached"))?;
        conn.batch_execute(&format!("LISTEN {CHANNEL}")).map_err(|_| Error::busy("the database cannot be reached"))?;
        Ok(Self { conn })
    }

    /// What was committed since the last call. Does not wait.
    ///
    /// # Errors
    /// [`Error::Busy`] when the connection is lost.
    pub fn heard(&mut self) -> Result<Heard> {
        let mut heard = Heard::default();
        for notification in self.conn.notifications_iter() {
            let notification = notification.map_err(|_| Error::busy("the listening connection is lost"))?;
            if notification.payload == TOLD {
                heard.told = true;
            } else {
                heard.revisions = true;
            }
        }
        Ok(heard)
    }
}
