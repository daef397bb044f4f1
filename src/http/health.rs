//! Whether the service lives, whether it can work, and its figures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value as Json, json};
use tokio::sync::Mutex;

use super::auth::actor_of;
use super::params::Query;
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::Context;
use crate::actions::health::{self, Loaded};
use crate::domain::actor::Actor;
use crate::error::{Error, Result};

/// So long what was found is told to all who ask: those who watch are not counted, and cost no more for being many.
const TOLD_FOR: Duration = Duration::from_millis(250);

/// What those are told who watch.
pub struct Watched {
    ready: Shared<Result<()>>,
    metrics: Shared<String>,
}

impl Default for Watched {
    fn default() -> Self {
        Self { ready: Shared::new(TOLD_FOR), metrics: Shared::new(TOLD_FOR) }
    }
}

/// Something that is found out once for all who ask at about the same time.
struct Shared<T> {
    told_for: Duration,
    found: Arc<Mutex<Option<(Instant, T)>>>,
}

impl<T: Clone + 'static> Shared<T> {
    fn new(told_for: Duration) -> Self {
        Self { told_for, found: Arc::default() }
    }

    /// What was found last, if that is not too long ago, else what `look` finds; who asks meanwhile waits for it.
    async fn get<F: Future<Output = T> + 'static>(&self, look: impl FnOnce() -> F) -> Result<T> {
        let mut found = Arc::clone(&self.found).lock_owned().await;
        if let Some((at, known)) = &*found
            && at.elapsed() < self.told_for
        {
            return Ok(known.clone());
        }
        let look = look();
        // Whoever asked and went away began it for all others, too.
        let looking = actix_web::rt::spawn(async move {
            let seen = look.await;
            *found = Some((Instant::now(), seen.clone()));
            seen
        });
        looking.await.map_err(|_| Error::busy("the server is shutting down"))
    }
}

/// `GET /health/live`
///
/// # Errors
/// [`Error::Parameter`] for an unknown parameter.
pub async fn live(request: HttpRequest) -> Answer {
    Query::of(&request, &[])?;
    Ok(HttpResponse::Ok().json(json!({"status": "live"})))
}

/// `GET /health/ready`: the database answers, and the index shows every registered jurisdiction at its present
/// revision; with revisions, and counts of what the asker sees.
///
/// # Errors
/// [`Error::Busy`] when it is not so, [`Error::Unauthenticated`] for a token that is not known.
pub async fn ready(request: HttpRequest, app: web::Data<App>) -> Answer {
    Query::of(&request, &[])?;
    let actor = actor_of(&request)?;
    let context = app.context.clone();
    app.watched.ready.get(move || blocking(move || health::ready(&context))).await??;
    let jurisdictions: Vec<Json> = health::seen(&app.context, &actor).iter().map(written).collect();
    Ok(HttpResponse::Ok()
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({"status": "ready", "jurisdictions": jurisdictions})))
}

fn written(loaded: &Loaded) -> Json {
    let features: serde_json::Map<String, Json> =
        loaded.features.iter().map(|(layer, n)| ((*layer).to_owned(), json!(n))).collect();
    json!({"jurisdiction": loaded.jurisdiction, "revision": loaded.revision, "features": features})
}

/// `GET /metrics`, in the text format of Prometheus. Anybody may read it, so it counts public features alone.
///
/// # Errors
/// [`Error::NotFound`] where metrics are not recorded.
pub async fn metrics(request: HttpRequest, app: web::Data<App>) -> Answer {
    Query::of(&request, &[])?;
    let handle = app.metrics.clone().ok_or_else(|| Error::NotFound("the metrics".into()))?;
    let context = app.context.clone();
    let text = app.watched.metrics.get(move || async move { figures(&context, &handle) }).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text))
}

fn figures(context: &Context, handle: &PrometheusHandle) -> String {
    for loaded in health::seen(context, &Actor::public()) {
        #[allow(clippy::cast_precision_loss)] // a revision stays far below 2^52
        metrics::gauge!("clearway_index_revision", "jurisdiction" => loaded.jurisdiction.clone())
            .set(loaded.revision as f64);
        for (layer, n) in &loaded.features {
            #[allow(clippy::cast_precision_loss)] // so does a count
            metrics::gauge!("clearway_index_features", "jurisdiction" => loaded.jurisdiction.clone(),
                "layer" => *layer, "visibility" => "public")
            .set(*n as f64);
        }
    }
    handle.render()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that ends so has failed
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// How often is looked where so many ask at once, and what they are told.
    fn looks(told_for: Duration, askers: usize) -> (usize, Vec<usize>) {
        let (shared, looked) = (Rc::new(Shared::new(told_for)), Rc::new(Cell::new(0)));
        let told = actix_web::rt::System::new().block_on(async {
            let ask = |_| {
                let (shared, looked) = (Rc::clone(&shared), Rc::clone(&looked));
                actix_web::rt::spawn(async move {
                    let look = || async move {
                        looked.set(looked.get() + 1);
                        // Everybody else asks in the meantime.
                        tokio::task::yield_now().await;
                        looked.get()
                    };
                    shared.get(look).await.unwrap()
                })
            };
            let asking: Vec<_> = (0..askers).map(ask).collect();
            let mut told = Vec::new();
            for one in asking {
                told.push(one.await.unwrap());
            }
            told
        });
        (looked.get(), told)
    }

    #[test]
    fn all_who_ask_soon_enough_are_told_what_one_found() {
        assert_eq!(looks(Duration::from_hours(1), 40), (1, vec![1; 40]));
        assert_eq!(looks(Duration::ZERO, 4), (4, vec![1, 2, 3, 4]));
    }

    #[test]
    fn who_goes_away_has_looked_for_those_who_wait() {
        let shared: Shared<u8> = Shared::new(Duration::from_hours(1));
        actix_web::rt::System::new().block_on(async {
            let begun = shared.get(|| async {
                tokio::task::yield_now().await;
                1
            });
            tokio::select! {
                biased;
                told = begun => assert_eq!(told, Err(Error::busy("it was to go on"))),
                () = std::future::ready(()) => {}
            }
            assert_eq!(shared.get(|| async { 2 }).await, Ok(1));
        });
    }
}
