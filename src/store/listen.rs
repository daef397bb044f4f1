//! Hearing of the commits of other instances. A notification only says where to look; nothing depends on it.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;

use super::tx::CHANNEL;
use crate::error::{Error, Result};

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

    /// Whether something was committed since the last call. Does not wait.
    ///
    /// # Errors
    /// [`Error::Busy`] when the connection is lost.
    pub fn heard(&mut self) -> Result<bool> {
        let mut any = false;
        for notification in self.conn.notifications_iter() {
            notification.map_err(|_| Error::busy("the listening connection is lost"))?;
            any = true;
        }
        Ok(any)
    }
}
