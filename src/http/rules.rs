//! The rule packs that are loaded.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::params::Query;
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::rules::{self, Wanted};
use crate::wire::rules::write;

/// The parameters of the list, as the API document shows them.
pub const PARAMETERS: &[&str] = &["jurisdiction", "key", "at"];

/// `GET /api/rules`
///
/// # Errors
/// As [`rules::list`], and [`Error::Parameter`](crate::error::Error::Parameter) for a moment that is none.
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, PARAMETERS)?;
    let text = |name: &str| query.text(name).map(str::to_owned);
    let wanted = Wanted { jurisdiction: text("jurisdiction"), key: text("key"), at: query.moment("at")? };
    let context = app.context.clone();
    let listed = blocking(move || rules::list(&context, &wanted)).await?;
    let packs: Vec<Json> = listed.iter().map(|l| write(&l.pack, l.count, l.day)).collect();
    let document = json!({"packs": packs}).to_string();
    Ok(HttpResponse::Ok().content_type("application/json").insert_header((CACHE_CONTROL, "no-cache")).body(document))
}
