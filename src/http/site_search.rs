//! Finding a place for a column.

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::asker_of;
use super::params::{self, GEOJSON, Query};
use super::problem::Answer as Response;
use super::{App, blocking, site_check};
use crate::actions::site_check::search::{self as action, Pattern, Places, Wanted};
use crate::clock;
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::geometry::encoding::geojson;
use crate::geometry::{Geometry, Problem};
use crate::wire::document;
use crate::wire::site_search::search;

/// The parameters of a search, as the API document shows them.
pub const PARAMETERS: &[&str] = &["at", "limit"];

/// Places in an answer where nobody says how many.
pub(super) const LIMIT_DEFAULT: u32 = 20;
/// Most places in an answer.
pub(super) const LIMIT_MAX: u32 = 200;

/// `POST /api/site-search`
///
/// # Errors
/// As [`action::search`].
pub async fn find(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Response {
    let query = Query::of(&request, PARAMETERS)?;
    let asker = asker_of(&request)?;
    let (at, limit) = (query.moment("at")?.unwrap_or_else(clock::now), query.limit(LIMIT_DEFAULT, LIMIT_MAX)?);
    let (reading, min_revision) = (params::reading(&request, &app.context.settings)?, params::min_revision(&request)?);
    let text = params::body(&request, payload, &app.context.settings, &[GEOJSON, "application/json"]).await?;
    let context = app.context.clone();
    let document = blocking(move || {
        let asked = search(&document::json(&text)?, reading)?;
        let unknown = |text: &str| format!("«{text}» is not known here; known are {}", Pattern::known());
        let pattern = match asked.pattern.as_deref() {
            None => Pattern::Hexagonal,
            Some(text) => Pattern::parse(text).ok_or_else(|| Error::invalid("/properties/pattern", unknown(text)))?,
        };
        let wanted = Wanted {
            area: asked.area,
            radius_m: asked.radius_m,
            subject: asked.subject,
            pattern,
            spacing_m: asked.spacing_m,
            limit: limit as usize,
            at,
            min_revision,
        };
        // What is wrong with the area is told of its geometry.
        let in_document = |p: Problem| if p.pointer.starts_with("/properties/") { p } else { p.under("/geometry") };
        let under = |e: Error| match e {
            Error::Invalid(all) => Error::Invalid(all.into_iter().map(in_document).collect()),
            other => other,
        };
        Ok(write(&action::search(&context, &asker, &wanted).map_err(under)?)?.to_string())
    })
    .await?;
    Ok(HttpResponse::Ok()
        .content_type(GEOJSON)
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(document))
}

/// The best places as features of a map, the best first, each with all that the checks say of it.
fn write(places: &Places) -> Result<Json> {
    let features = places.best.iter().zip(1_u32..).map(|(check, rank)| {
        let written = serde_json::from_str(&site_check::write(check, None)?);
        let mut properties: Json = written.map_err(|e| Error::Internal(format!("a site check is no document: {e}")))?;
        if let Some(object) = properties.as_object_mut() {
            object.remove("subject");
            object.insert("rank".into(), rank.into());
        }
        Ok(json!({
            "type": "Feature",
            "id": rank,
            "geometry": geojson::to_value(&Geometry::Point(check.lonlat.0)),
            "properties": properties,
        }))
    });
    let verdicts: serde_json::Map<String, Json> =
        places.verdicts.iter().map(|(verdict, n)| (verdict.as_str().to_owned(), (*n).into())).collect();
    Ok(json!({
        "type": "FeatureCollection",
        "looked_at": places.looked_at,
        "verdicts": verdicts,
        "spacing_m": places.spacing_m,
        "features": features.collect::<Result<Vec<_>>>()?,
    }))
}
