//! Accounts: list, add, read, change.

use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::{actor_of, identity_of};
use super::params::{self, Query, path_id};
use super::problem::{Answer, request_id};
use super::session::secret;
use super::{App, blocking};
use crate::actions::{Witness, account};
use crate::domain::account::Account;
use crate::wire::account as wire;

/// The parameters of the list, as the API document shows them.
pub const LIST_PARAMETERS: &[&str] = &["limit", "after"];

/// `GET /api/accounts`
///
/// # Errors
/// As [`account::list`], and [`Error::Parameter`](crate::error::Error::Parameter).
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, LIST_PARAMETERS)?;
    let settings = &app.context.settings;
    let (after, limit) = (query.id("after")?, query.limit(settings.page_limit_default, settings.page_limit_max)?);
    let (actor, context) = (actor_of(&request)?, app.context.clone());
    let (found, next) = blocking(move || account::list(&context, &actor, after, limit)).await?;
    let next = next.map(|last| format!("{}/api/accounts?limit={limit}&after={last}", params::base(&request)));
    let all: Vec<Json> = found.iter().map(wire::write).collect();
    Ok(secret(HttpResponse::Ok()).json(json!({"accounts": all, "next": next})))
}

/// `POST /api/accounts`
///
/// # Errors
/// As [`account::add`].
pub async fn add(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let draft = wire::draft(&params::document(&request, payload, &app.context.settings).await?)?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let (made, generated) = blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        account::add(&context, witness, draft)
    })
    .await?;
    let mut document = wire::write(&made);
    if let Some(password) = generated {
        document["password"] = password.into();
    }
    let location = format!("{}/api/accounts/{}", params::base(&request), made.id);
    Ok(tagged(HttpResponse::Created(), &made).insert_header(("Location", location)).json(document))
}

/// `GET /api/accounts/{id}`
///
/// # Errors
/// As [`account::find`].
pub async fn get(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let id = path_id(&id, "account")?;
    let (actor, context) = (actor_of(&request)?, app.context.clone());
    let found = blocking(move || account::find(&context, &actor, id)).await?;
    Ok(tagged(HttpResponse::Ok(), &found).json(wire::write(&found)))
}

/// `PATCH /api/accounts/{id}`
///
/// # Errors
/// As [`account::change`].
pub async fn change(request: HttpRequest, app: web::Data<App>, id: web::Path<String>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let id = path_id(&id, "account")?;
    let expected = params::if_match(&request)?;
    let change = wire::change(&params::document(&request, payload, &app.context.settings).await?)?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let changed = blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        account::change(&context, witness, id, expected, &change)
    })
    .await?;
    Ok(tagged(HttpResponse::Ok(), &changed).json(wire::write(&changed)))
}

fn tagged(response: actix_web::HttpResponseBuilder, account: &Account) -> actix_web::HttpResponseBuilder {
    let mut response = secret(response);
    response.insert_header((ETAG, format!("\"{}\"", account.version)));
    response
}
