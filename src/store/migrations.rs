//! The migrations, built into the program.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::address;
use crate::error::{Error, Result};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Brings the database at `url` to the present schema; answers with the migrations it ran.
///
/// # Errors
/// [`Error::Busy`] when the database cannot be reached, [`Error::Internal`] when a migration fails.
pub fn migrate(url: &str) -> Result<Vec<String>> {
    let mut conn = connect(url)?;
    let ran = conn.run_pending_migrations(MIGRATIONS).map_err(|e| Error::Internal(format!("migration: {e}")))?;
    Ok(ran.iter().map(ToString::to_string).collect())
}

/// Takes every migration back; everything stored is lost.
///
/// # Errors
/// As [`migrate`].
pub fn revert_all(url: &str) -> Result<()> {
    let mut conn = connect(url)?;
    conn.revert_all_migrations(MIGRATIONS).map_err(|e| Error::Internal(format!("migration: {e}")))?;
    Ok(())
}

/// The migrations that the database at `url` still lacks.
///
/// # Errors
/// As [`migrate`].
pub fn pending(url: &str) -> Result<Vec<String>> {
    let mut conn = connect(url)?;
    let pending = conn.pending_migrations(MIGRATIONS).map_err(|e| Error::Internal(format!("migration: {e}")))?;
    Ok(pending.iter().map(|m| m.name().to_string()).collect())
}

fn connect(url: &str) -> Result<PgConnection> {
    PgConnection::establish(&address::with_defaults(url)).map_err(|e| Error::busy(address::unreachable(&e.to_string())))
}
