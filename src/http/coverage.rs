//! Where the layers hold all there is: every feature that reaches into the ground declared.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::params::{GEOJSON, Query};
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::coverage;
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::error::Error;
use crate::wire::coverage::write;

/// The parameters of the list, as the API document shows them.
pub const PARAMETERS: &[&str] = &["jurisdiction", "layer"];

/// `GET /api/coverage`
///
/// # Errors
/// As [`coverage::list`], and [`Error::Parameter`] for an unknown layer.
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, PARAMETERS)?;
    let unknown = |t: &str| Error::parameter("layer", format!("«{t}» is not a layer; known are {}", Layer::known()));
    let layer = query.text("layer").map(|t| Layer::parse(t).ok_or_else(|| unknown(t))).transpose()?;
    let jurisdiction = query.text("jurisdiction").map(str::to_owned);
    let context = app.context.clone();
    let areas = blocking(move || coverage::list(&context, jurisdiction.as_deref(), layer)).await?;
    let features: Vec<Json> = areas.iter().map(write).collect();
    let document = json!({"type": "FeatureCollection", "features": features});
    Ok(HttpResponse::Ok().content_type(GEOJSON).insert_header((CACHE_CONTROL, "no-cache")).body(document.to_string()))
}
