//! Webhooks: list, add, read, change, delete; their deliveries, and sending them again.

use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Value as Json, json};

use super::auth::{actor_of, identity_of};
use super::params::{self, Query, path_id};
use super::problem::{Answer, request_id};
use super::session::secret;
use super::{App, blocking};
use crate::actions::{Witness, webhook};
use crate::domain::webhook::{DeliveryState, Webhook};
use crate::domain::word::Word;
use crate::error::Error;
use crate::wire::webhook as wire;

/// The parameters of the list, as the API document shows them.
pub const LIST_PARAMETERS: &[&str] = &["limit", "after"];

/// The parameters of the deliveries.
pub const DELIVERY_PARAMETERS: &[&str] = &["state", "limit", "after"];

fn tagged(mut response: HttpResponseBuilder, webhook: &Webhook) -> HttpResponseBuilder {
    response.insert_header((ETAG, format!("\"{}\"", webhook.version)));
    secret(response)
}

/// `GET /api/webhooks`
///
/// # Errors
/// As [`webhook::list`], and [`Error::Parameter`].
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, LIST_PARAMETERS)?;
    let settings = &app.context.settings;
    let (after, limit) = (query.id("after")?, query.limit(settings.page_limit_default, settings.page_limit_max)?);
    let (actor, context) = (actor_of(&request)?, app.context.clone());
    let (found, next) = blocking(move || webhook::list(&context, &actor, after, limit)).await?;
    let next = next.map(|last| format!("{}/api/webhooks?limit={limit}&after={last}", params::base(&request)));
    let all: Vec<Json> = found.iter().map(|webhook| wire::write(webhook, None)).collect();
    Ok(secret(HttpResponse::Ok()).json(json!({"webhooks": all, "next": next})))
}

/// `POST /api/webhooks`
///
/// # Errors
/// As [`webhook::add`].
pub async fn add(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let draft = wire::draft(&params::document(&request, payload, &app.context.settings).await?)?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let (made, key) = blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        webhook::add(&context, witness, draft)
    })
    .await?;
    let location = format!("{}/api/webhooks/{}", params::base(&request), made.id);
    let document = wire::write(&made, Some(&key));
    Ok(tagged(HttpResponse::Created(), &made).insert_header(("Location", location)).json(document))
}

/// `GET /api/webhooks/{id}`
///
/// # Errors
/// As [`webhook::find`].
pub async fn get(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let id = path_id(&id, "webhook")?;
    let (actor, context) = (actor_of(&request)?, app.context.clone());
    let found = blocking(move || webhook::find(&context, &actor, id)).await?;
    Ok(tagged(HttpResponse::Ok(), &found).json(wire::write(&found, None)))
}

/// `PATCH /api/webhooks/{id}`
///
/// # Errors
/// As [`webhook::change`].
pub async fn change(request: HttpRequest, app: web::Data<App>, id: web::Path<String>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let id = path_id(&id, "webhook")?;
    let expected = params::if_match(&request)?;
    let change = wire::change(&params::document(&request, payload, &app.context.settings).await?)?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let (changed, key) = blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        webhook::change(&context, witness, id, expected, &change)
    })
    .await?;
    Ok(tagged(HttpResponse::Ok(), &changed).json(wire::write(&changed, key.as_ref())))
}

/// `DELETE /api/webhooks/{id}`
///
/// # Errors
/// As [`webhook::remove`].
pub async fn remove(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let id = path_id(&id, "webhook")?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        webhook::remove(&context, witness, id)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /api/webhooks/{id}/deliveries`
///
/// # Errors
/// As [`webhook::deliveries`], and [`Error::Parameter`].
pub async fn deliveries(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let query = Query::of(&request, DELIVERY_PARAMETERS)?;
    let settings = &app.context.settings;
    let (after, limit) = (query.id("after")?, query.limit(settings.page_limit_default, settings.page_limit_max)?);
    let unknown = |text: &str| Error::parameter("state", format!("«{text}» is none of {}", DeliveryState::known()));
    let state = query.text("state").map(|text| DeliveryState::parse(text).ok_or_else(|| unknown(text))).transpose()?;
    let id = path_id(&id, "webhook")?;
    let (actor, context) = (actor_of(&request)?, app.context.clone());
    let (found, next) = blocking(move || webhook::deliveries(&context, &actor, id, state, after, limit)).await?;
    let only = state.map(|state| format!("&state={state}")).unwrap_or_default();
    let path = format!("{}/api/webhooks/{id}/deliveries?limit={limit}{only}", params::base(&request));
    let next = next.map(|last| format!("{path}&after={last}"));
    let all: Vec<Json> = found.iter().map(wire::delivery).collect();
    Ok(secret(HttpResponse::Ok()).json(json!({"deliveries": all, "next": next})))
}

/// `POST /api/webhooks/{id}/replay`
///
/// # Errors
/// As [`webhook::replay`].
pub async fn replay(request: HttpRequest, app: web::Data<App>, id: web::Path<String>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let id = path_id(&id, "webhook")?;
    let which = wire::replay(&params::document(&request, payload, &app.context.settings).await?)?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let count = blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        webhook::replay(&context, witness, id, &which)
    })
    .await?;
    Ok(secret(HttpResponse::Ok()).json(json!({"replayed": count})))
}
