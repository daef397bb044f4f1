//! The reference layers there are.

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::asker_of;
use super::params::Query;
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::reference;
use crate::wire::reference::write_layer;

/// The parameters of the list, as the API document shows them.
pub const PARAMETERS: &[&str] = &["jurisdiction"];

/// `GET /api/reference-layers`
///
/// # Errors
/// As [`reference::layers`].
pub async fn layers(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, PARAMETERS)?;
    let asker = asker_of(&request)?;
    let jurisdiction = query.text("jurisdiction").map(str::to_owned);
    let context = app.context.clone();
    let listed = blocking(move || reference::layers(&context, &asker.actor, jurisdiction.as_deref())).await?;
    let layers: Vec<Json> = listed.iter().map(|l| write_layer(&l.layer, l.age_days)).collect();
    let document = json!({"layers": layers}).to_string();
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .insert_header((VARY, "Authorization, Cookie"))
        .body(document))
}
