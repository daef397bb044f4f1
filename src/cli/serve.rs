//! `clearway serve`

use std::process::ExitCode;

use clap::Args;

use super::{Outcome, log, with_database};
use crate::config::Settings;
use crate::server::{self, Server};
use crate::store::migrations;

/// Serve.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

impl Serve {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let mut settings = with_database(settings)?;
        if let Some(listen) = self.listen {
            settings.listen = listen;
        }
        log::start(&settings)?;
        let pending = migrations::pending(&settings.database_url.0)?;
        if !pending.is_empty() {
            return Err(format!("the database lacks {}; run «clearway migrate» first", pending.join(", ")).into());
        }
        let listener = server::bind(&settings)?;
        let server = Server::prepare(settings, listener, server::record_metrics())?;
        tracing::info!(address = %server.address()?, "serving");
        server.run(|_| {})?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}
