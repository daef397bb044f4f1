//! API tokens: list, make, revoke.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::identity_of;
use super::params::{self, Query, path_id};
use super::problem::{Answer, request_id};
use super::session::secret;
use super::{App, blocking};
use crate::actions::{Witness, api_token};
use crate::wire::api_token as wire;

/// `GET /api/tokens`
///
/// # Errors
/// As [`api_token::list`].
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    Query::of(&request, &[])?;
    let (identity, context) = (identity_of(&request)?, app.context.clone());
    let found = blocking(move || api_token::list(&context, &identity)).await?;
    let all: Vec<Json> = found.iter().map(|token| wire::write(token, None)).collect();
    Ok(secret(HttpResponse::Ok()).json(json!({"tokens": all})))
}

/// `POST /api/tokens`
///
/// # Errors
/// As [`api_token::add`].
pub async fn add(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let draft = wire::draft(&params::document(&request, payload, &app.context.settings).await?)?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let (token, made) = blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        api_token::add(&context, witness, &identity, draft)
    })
    .await?;
    Ok(secret(HttpResponse::Created()).json(wire::write(&token, Some(&made))))
}

/// `DELETE /api/tokens/{id}`
///
/// # Errors
/// As [`api_token::revoke`].
pub async fn revoke(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let id = path_id(&id, "token")?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        api_token::revoke(&context, witness, &identity, id)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
