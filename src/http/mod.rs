//! The only actix: requests to actions, and outcomes to responses. No SQL, no rules.
//!
//! Read in this order: [`routes`] (every route there is), [`auth`] (who sends a request), [`oidc`] (the same by tokens of others), [`params`] (headers and query),
//! [`problem`] (errors to status codes), then a file for each noun or door.

pub mod account;
pub mod api_token;
pub mod auth;
pub mod batch;
pub mod calendar;
pub mod changes;
pub mod conflict_check;
pub mod cors;
pub mod coverage;
pub mod document;
pub mod forwarded;
pub mod head;
pub mod health;
pub mod inbox;
pub mod items;
pub mod ogc;
pub mod oidc;
pub mod openapi;
pub mod organisation;
pub mod params;
pub mod plan;
pub mod problem;
pub mod rate_limit;
pub mod reference;
pub mod routes;
pub mod rules;
pub mod session;
pub mod site_check;
pub mod site_check_run;
pub mod site_request;
pub mod site_search;
pub mod version;
pub mod webhook;
pub mod zone;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::actions::Context;
use crate::error::{Error, Result};

/// What every handler works with.
pub struct App {
    /// For the actions.
    pub context: Context,
    /// Who may sign in.
    pub tokens: auth::Tokens,
    /// Whose tokens are taken besides our own.
    pub issuers: oidc::Issuers,
    /// Who is believed when he says for whom he asks.
    pub proxies: forwarded::Proxies,
    /// How often one may ask.
    pub limits: rate_limit::Limits,
    /// Writes the metrics.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
    /// What those are told who watch.
    pub watched: health::Watched,
}

/// Runs something that waits for the database away from the threads that serve.
///
/// # Errors
/// What `f` fails with, [`Error::Internal`] where it panics, [`Error::Busy`] where it was not begun any more.
pub async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = actix_web::web::block(move || caught(f)).await;
    done.unwrap_or_else(|_| Err(Error::busy("the server is shutting down")))
}

/// Runs `f`; a panic is a fault of ours and no more. Nothing that `f` changes may be used after one, locks excepted:
/// they are taken all the same.
fn caught<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(Error::Internal(said(&*panic))))
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without a word"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)] // it is about panics
    use super::*;

    #[test]
    fn a_panic_is_a_fault_of_ours_and_no_shutdown() {
        let system = actix_web::rt::System::new();
        let check = |f: fn() -> Result<i32>, expect: Result<i32>| {
            assert_eq!(system.block_on(blocking(f)), expect);
        };
        check(|| Ok(7), Ok(7));
        check(|| Err(Error::busy("later")), Err(Error::busy("later")));
        check(|| panic!("a corner"), Err(Error::Internal("panic: a corner".into())));
        check(|| panic!("{} corners", 2), Err(Error::Internal("panic: 2 corners".into())));
    }
}
