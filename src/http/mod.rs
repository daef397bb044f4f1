//! The only actix: requests to actions, and outcomes to responses. No SQL, no rules.
//!
//! Read in this order: [`routes`] (every route there is), [`auth`] (token to actor), [`params`] (headers and query),
//! [`problem`] (errors to status codes), then a file for each noun or door.

pub mod auth;
pub mod conflict_check;
pub mod cors;
pub mod health;
pub mod items;
pub mod ogc;
pub mod openapi;
pub mod params;
pub mod problem;
pub mod routes;

use crate::actions::Context;
use crate::error::{Error, Result};

/// What every handler works with.
pub struct App {
    /// For the actions.
    pub context: Context,
    /// Who may sign in.
    pub tokens: auth::Tokens,
    /// Writes the metrics.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
}

/// Runs something that waits for the database away from the threads that serve.
///
/// # Errors
/// What `f` fails with.
pub async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    actix_web::web::block(f).await.unwrap_or_else(|_| Err(Error::busy("the server is shutting down")))
}
