//! The migrations, built into the program.

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::address;
use crate::error::{Error, Result};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Brings the database at `url` to the present schema; answers with the migrations it ran.
///
/// # Errors
/// [`Error::Busy`] when the database cannot be reached, [`Error::Internal`] when a migration fails.
pub fn migrate(url: &str) -> Result<Vec<String>> {
    if pending(url)?.is_empty() {
        // Nothing that takes rights; the service may ask.
        return Ok(Vec::new());
    }
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
    let ran = ran(&mut conn).map_err(|e| Error::Internal(format!("migration: {e}")))?;
    let all: Vec<Box<dyn Migration<Pg>>> =
        MIGRATIONS.migrations().map_err(|e| Error::Internal(format!("migration: {e}")))?;
    let lacking = all.iter().map(Migration::name).filter(|name| !ran.contains(&name.version().to_string()));
    let mut pending: Vec<String> = lacking.map(ToString::to_string).collect();
    pending.sort();
    Ok(pending)
}

/// The versions of the migrations that were run. What diesel itself asks creates its table where there is none, and that the
/// service may not.
fn ran(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let begun = diesel::dsl::sql::<Bool>("to_regclass('__diesel_schema_migrations') IS NOT NULL");
    if !diesel::select(begun).get_result::<bool>(conn)? {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = diesel::sql_query("SELECT version::text FROM __diesel_schema_migrations").load(conn)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

fn connect(url: &str) -> Result<PgConnection> {
    PgConnection::establish(&address::with_defaults(url)).map_err(|e| Error::busy(address::unreachable(&e.to_string())))
}
