//! Organisations: list, add, change.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::{actor_of, identity_of};
use super::params::{self, Query};
use super::problem::{Answer, request_id};
use super::session::secret;
use super::{App, blocking};
use crate::actions::{Witness, organisation};
use crate::wire::organisation as wire;

/// `GET /api/organisations`
///
/// # Errors
/// As [`organisation::list`].
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    Query::of(&request, &[])?;
    let (actor, context) = (actor_of(&request)?, app.context.clone());
    let found = blocking(move || organisation::list(&context, &actor)).await?;
    let all: Vec<Json> = found.iter().map(wire::write).collect();
    Ok(secret(HttpResponse::Ok()).json(json!({"organisations": all})))
}

/// `POST /api/organisations`
///
/// # Errors
/// As [`organisation::add`].
pub async fn add(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let new = wire::organisation(&params::document(&request, payload, &app.context.settings).await?)?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let document = wire::write(&new);
    blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        organisation::add(&context, witness, &new)
    })
    .await?;
    Ok(secret(HttpResponse::Created()).json(document))
}

/// `PATCH /api/organisations/{code}`
///
/// # Errors
/// As [`organisation::change`].
pub async fn change(
    request: HttpRequest,
    app: web::Data<App>,
    code: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let (name, kind) = wire::change(&params::document(&request, payload, &app.context.settings).await?)?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let changed = blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        organisation::change(&context, witness, &code, name.as_deref(), kind)
    })
    .await?;
    Ok(secret(HttpResponse::Ok()).json(wire::write(&changed)))
}
