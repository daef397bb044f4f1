//! `clearway serve`

use std::process::ExitCode;

use clap::Args;

use super::{Outcome, log, require_schema, with_database};
use crate::config::Settings;
use crate::server::{self, Server};

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
        require_schema(&settings)?;
        let listener = server::bind(&settings)?;
        let server = Server::prepare(settings, listener, server::record_metrics())?;
        let address = server.address()?;
        server.run(move |_| tracing::info!(%address, "serving"))?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}
