//! The history of a feature.

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::auth::asker_of;
use super::items::{Served, link};
use super::params::{self, GEOJSON, Query, path_id};
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::version::{self, History, VERSIONS_LIMIT_DEFAULT, VERSIONS_LIMIT_MAX};
use crate::domain::version::ListedVersion;
use crate::domain::word::Word;
use crate::error::Result;
use crate::wire::version::{write_deleted, write_listed};

/// The parameters of a history, as the API document shows them.
pub const PARAMETERS: &[&str] = &["limit", "before"];

const JSON: &str = "application/json";

/// `GET /api/{noun}/{id}/history`
///
/// # Errors
/// As [`version::history`], and [`Error::Parameter`](crate::error::Error::Parameter) for parameters that cannot be read.
pub async fn history<T: Served>(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let (before, limit) = page_of(&request)?;
    let asker = asker_of(&request)?;
    let id = path_id(&id, T::WORD)?;
    let context = app.context.clone();
    let page = blocking(move || version::history::<T>(&context, &asker, id, before, limit)).await?;
    Ok(answer(&request, T::LAYER.as_str(), id, &page, limit))
}

/// Which page of a history is asked for: the version before which it begins, and how many there are on it.
pub(super) fn page_of(request: &HttpRequest) -> Result<(Option<i32>, u32)> {
    let query = Query::of(request, PARAMETERS)?;
    Ok((query.version("before")?, query.limit(VERSIONS_LIMIT_DEFAULT, VERSIONS_LIMIT_MAX)?))
}

/// A page of the history of a feature of a collection.
pub(super) fn answer(request: &HttpRequest, collection: &str, id: Uuid, page: &History, limit: u32) -> HttpResponse {
    let base = params::base(request);
    let item = format!("{base}/ogc/collections/{collection}/items/{id}");
    let mut links = vec![
        link(&format!("{base}{}", request.uri()), "self", JSON, "This document"),
        link(&item, "item", GEOJSON, "The feature"),
    ];
    links.extend(next(request, page, limit));
    let document = json!({
        "id": id,
        "collection": collection,
        "jurisdiction": page.jurisdiction,
        "deleted": page.deleted.as_ref().map(|(ended, by)| write_deleted(ended, by)),
        "versions": versions(&item, page),
        "links": links,
    });
    HttpResponse::Ok()
        .content_type(JSON)
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .body(document.to_string())
}

/// The versions of a page, each with where the feature at `item` is read as it was.
pub(super) fn versions(item: &str, page: &History) -> Vec<Json> {
    let one = |v: &ListedVersion| {
        let mut written = write_listed(v);
        let then = format!("{item}?as-of={}", v.recorded_at);
        written["links"] = json!([link(&then, "version", GEOJSON, "The feature as it was")]);
        written
    };
    page.versions.iter().map(one).collect()
}

/// Where older versions follow.
pub(super) fn next(request: &HttpRequest, page: &History, limit: u32) -> Option<Json> {
    let last = page.next?;
    let next = format!("{}{}?limit={limit}&before={last}", params::base(request), request.path());
    Some(link(&next, "next", JSON, "Older versions"))
}
