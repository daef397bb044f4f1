//! The calendars by which offices count working days.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::params::Query;
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::calendar;
use crate::wire::calendar::write;

/// The parameters, as the API document shows them.
pub const PARAMETERS: &[&str] = &["jurisdiction"];

/// `GET /api/calendar`
///
/// # Errors
/// As [`calendar::list`].
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, PARAMETERS)?;
    let jurisdiction = query.text("jurisdiction").map(str::to_owned);
    let context = app.context.clone();
    let listed = blocking(move || calendar::list(&context, jurisdiction.as_deref())).await?;
    let calendars: Vec<Json> = listed.iter().map(write).collect();
    let document = json!({"calendars": calendars}).to_string();
    Ok(HttpResponse::Ok().content_type("application/json").insert_header((CACHE_CONTROL, "no-cache")).body(document))
}
