//! The history of a feature.

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::asker_of;
use super::items::{Served, link};
use super::params::{self, GEOJSON, Query, path_id};
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::version::{self, VERSIONS_LIMIT_DEFAULT, VERSIONS_LIMIT_MAX};
use crate::domain::word::Word;
use crate::wire::version::{write_deleted, write_listed};

/// The parameters of a history, as the API document shows them.
pub const PARAMETERS: &[&str] = &["limit", "before"];

const JSON: &str = "application/json";

/// `GET /api/{noun}/{id}/history`
///
/// # Errors
/// As [`version::history`], and [`Error::Parameter`](crate::error::Error::Parameter) for parameters that cannot be read.
pub async fn history<T: Served>(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let query = Query::of(&request, PARAMETERS)?;
    let asker = asker_of(&request)?;
    let id = path_id(&id, T::WORD)?;
    let limit = query.limit(VERSIONS_LIMIT_DEFAULT, VERSIONS_LIMIT_MAX)?;
    let before = query.version("before")?;
    let context = app.context.clone();
    let page = blocking(move || version::history::<T>(&context, &asker, id, before, limit)).await?;
    let base = params::base(&request);
    let item = format!("{base}/ogc/collections/{}/items/{id}", T::LAYER);
    let versions: Vec<Json> = page
        .versions
        .iter()
        .map(|v| {
            let mut written = write_listed(v);
            let then = format!("{item}?as-of={}", v.recorded_at);
            written["links"] = json!([link(&then, "version", GEOJSON, "The feature as it was")]);
            written
        })
        .collect();
    let mut links = vec![
        link(&format!("{base}{}", request.uri()), "self", JSON, "This document"),
        link(&item, "item", GEOJSON, "The feature"),
    ];
    if let Some(last) = page.next {
        let next = format!("{base}{}?limit={limit}&before={last}", request.path());
        links.push(link(&next, "next", JSON, "Older versions"));
    }
    let document = json!({
        "id": id,
        "collection": T::LAYER.as_str(),
        "jurisdiction": page.jurisdiction,
        "deleted": page.deleted.as_ref().map(|(ended, by)| write_deleted(ended, by)),
        "versions": versions,
        "links": links,
    });
    Ok(HttpResponse::Ok()
        .content_type(JSON)
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .body(document.to_string()))
}
