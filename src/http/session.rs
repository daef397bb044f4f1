//! Signing in, refreshing, signing out, and one's own account and password.

use actix_web::http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::auth::{csrf_of, identity_of, set_cookie};
use super::params::{self, Query};
use super::problem::{Answer, request_id};
use super::{App, blocking};
use crate::actions::{Witness, session};
use crate::domain::session::{Via, csrf_token};
use crate::wire;

/// `POST /api/sessions`
///
/// # Errors
/// As [`session::sign_in`].
pub async fn sign_in(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let wish = wire::session::sign_in(&params::document(&request, payload, &app.context.settings).await?)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let issued =
        blocking(move || session::sign_in(&context, &request_id, &wish.name, &wish.password, wish.cookie)).await?;
    let mut response = secret(HttpResponse::Created());
    match &issued.refresh {
        Some(refresh) => Ok(response.json(wire::session::bearer(&issued.access, issued.expires_in, Some(refresh)))),
        None => Ok(response
            .insert_header((SET_COOKIE, set_cookie(&request, &issued.access, issued.expires_in.as_secs())))
            .json(wire::session::browser(&csrf_token(&issued.access), issued.expires_in))),
    }
}

/// `POST /api/sessions/refresh`
///
/// # Errors
/// As [`session::refresh`].
pub async fn refresh(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let token = wire::session::refresh(&params::document(&request, payload, &app.context.settings).await?)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let issued = blocking(move || session::refresh(&context, &request_id, &token)).await?;
    let document = wire::session::bearer(&issued.access, issued.expires_in, issued.refresh.as_deref());
    Ok(secret(HttpResponse::Ok()).json(document))
}

/// `DELETE /api/sessions/current`
///
/// # Errors
/// As [`session::sign_out`].
pub async fn sign_out(request: HttpRequest, app: web::Data<App>) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let by_cookie = matches!(identity.via, Via::Cookie(_));
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        session::sign_out(&context, witness, &identity)
    })
    .await?;
    let mut response = HttpResponse::NoContent();
    if by_cookie {
        response.insert_header((SET_COOKIE, set_cookie(&request, "", 0)));
    }
    Ok(response.finish())
}

/// `GET /api/account`
///
/// # Errors
/// [`Error::Parameter`](crate::error::Error::Parameter) for an unknown parameter.
pub async fn who(request: HttpRequest) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let document = wire::account::identity(&identity, csrf_of(&request).as_deref());
    Ok(secret(HttpResponse::Ok()).json(document))
}

/// `PUT /api/account/password`
///
/// # Errors
/// As [`session::change_password`].
pub async fn password(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let document = params::document(&request, payload, &app.context.settings).await?;
    let (present, new) = wire::session::passwords(&document)?;
    let reason = params::reason(&request)?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        session::change_password(&context, witness, &identity, &present, &new)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// An answer that is for this asker alone and is kept nowhere.
pub(super) fn secret(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((VARY, "Authorization, Cookie"));
    response
}
