//! Where the log goes: stderr, as JSON for machines or as text for people.

use tracing_subscriber::EnvFilter;

use super::Failed;
use crate::config::Settings;

/// Starts logging; once for a program.
pub(super) fn start(settings: &Settings) -> Result<(), Failed> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|e| format!("log «{}»: {e}", settings.log))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format.as_str() {
        "json" => builder.json().try_init(),
        "text" => builder.try_init(),
        other => return Err(format!("log_format «{other}» is not known; known are json and text").into()),
    };
    started.map_err(|e| e.to_string().into())
}
