//! Whether the service lives, whether it can work, and its figures.

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::actor_of;
use super::params::Query;
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::health::{self, Loaded};
use crate::domain::actor::Actor;
use crate::error::Error;

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
    let loaded = blocking(move || health::ready(&context, &actor)).await?;
    let jurisdictions: Vec<Json> = loaded.iter().map(written).collect();
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
    let handle = app.metrics.as_ref().ok_or_else(|| Error::NotFound("the metrics".into()))?;
    for loaded in health::seen(&app.context, &Actor::public()) {
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
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render()))
}
