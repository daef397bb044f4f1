//! `clearway migrate`

use std::process::ExitCode;

use clap::Args;

use super::{Outcome, with_database};
use crate::config::Settings;
use crate::store::migrations;

/// Bring the database to the present schema, as the role of `MIGRATION_DATABASE_URL`, else of `DATABASE_URL`.
#[derive(Debug, Args)]
pub(super) struct Migrate {}

impl Migrate {
    #[allow(clippy::unused_self)] // every command is run the same way
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let ran = match std::env::var("MIGRATION_DATABASE_URL") {
            Ok(url) if !url.trim().is_empty() => migrations::migrate(url.trim())?,
            _ => migrations::migrate(&with_database(settings)?.database_url.0)?,
        };
        if ran.is_empty() {
            println!("The schema is up to date.");
        }
        for migration in ran {
            println!("Ran {migration}.");
        }
        Ok(ExitCode::SUCCESS)
    }
}
