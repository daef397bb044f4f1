//! Features of a collection: list, read, create, replace, patch, delete.

use actix_web::http::header::{CACHE_CONTROL, ETAG, LOCATION, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::auth::{asker_of, identity_of};
use super::params::{self, GEOJSON, MERGE_PATCH, Query, path_id};
use super::problem::{Answer, request_id};
use super::{App, blocking};
use crate::actions::feature::{self, Draft, ListQuery, Registrable};
use crate::actions::{Asker, Context, Witness, version};
use crate::clock;
use crate::domain::feature::{Noun, Registered};
use crate::domain::version::Version;
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::wire::document::{self, Reading};
use crate::wire::feature::{Written, read_of, write};
use crate::wire::merge_patch;
use crate::wire::version::write_version;

/// A noun with a collection of its own.
pub trait Served: Registrable + Written {}
impl<T: Registrable + Written> Served for T {}

/// The parameters of a feature, as the API document shows them.
pub const ITEM_PARAMETERS: &[&str] = &["f", "as-of"];

/// The parameters of a list, as the API document shows them.
pub const LIST_PARAMETERS: &[&str] = &["bbox", "limit", "after", "jurisdiction", "f"];

pub(super) const CRS84: &str = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>";

/// `GET …/items`
///
/// # Errors
/// As [`feature::list`].
pub async fn list<T: Served>(request: HttpRequest, app: web::Data<App>) -> Answer {
    let settings = app.context.settings.clone();
    let query = Query::of(&request, LIST_PARAMETERS)?;
    format_is_json(&query)?;
    let asker = asker_of(&request)?;
    let asked = ListQuery {
        boxes: query.bbox()?,
        jurisdiction: query.text("jurisdiction").map(str::to_owned),
        after: query.id("after")?,
        limit: query.limit(settings.page_limit_default, settings.page_limit_max)?,
    };
    let page = {
        let (asked, context) = (asked.clone(), app.context.clone());
        blocking(move || feature::list::<T>(&context, &asker, &asked)).await?
    };
    let base = params::base(&request);
    let here = format!("{base}/ogc/collections/{}/items", T::LAYER);
    let mut links = vec![
        link(&format!("{base}{}", request.uri()), "self", GEOJSON, "This document"),
        link(&format!("{base}/ogc/collections/{}", T::LAYER), "collection", "application/json", "The collection"),
    ];
    if let Some(last) = page.next {
        let mut next = format!("{here}?limit={}&after={last}", asked.limit);
        for name in ["bbox", "jurisdiction"] {
            if let Some(value) = query.text(name) {
                next = format!("{next}&{name}={}", percent_encoded(value));
            }
        }
        links.push(link(&next, "next", GEOJSON, "The next page"));
    }
    let features: Vec<Json> = page.features.iter().map(|f| Json::Object(write(f))).collect();
    let document = json!({
        "type": "FeatureCollection",
        "timeStamp": clock::now().to_string(),
        "numberReturned": features.len(),
        "links": links,
        "features": features,
    });
    Ok(HttpResponse::Ok()
        .content_type(GEOJSON)
        .insert_header(("Content-Crs", CRS84))
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .body(document.to_string()))
}

/// `GET …/items/{id}`
///
/// # Errors
/// As [`feature::get`].
pub async fn get<T: Served>(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let query = Query::of(&request, ITEM_PARAMETERS)?;
    format_is_json(&query)?;
    let asker = asker_of(&request)?;
    let id = path_id(&id, T::WORD)?;
    let context = app.context.clone();
    if let Some(moment) = query.moment("as-of")? {
        let found = blocking(move || version::get::<T>(&context, &asker, id, moment)).await?;
        return Ok(as_of(&request, &found));
    }
    let found = blocking(move || feature::get::<T>(&context, &asker, id)).await?;
    let tag = etag(&found);
    if params::is_known(&request, &tag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).finish());
    }
    Ok(one(HttpResponse::Ok(), &request, &found))
}

/// `POST …/items`
///
/// # Errors
/// As [`feature::create`].
pub async fn create<T: Served>(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let reading = params::reading(&request, &app.context.settings)?;
    let text = params::body(&request, payload, &app.context.settings, &[GEOJSON, "application/json"]).await?;
    let (context, request_id) = (app.context.clone(), request_id(&request));
    let reason = params::reason(&request)?;
    let created = blocking(move || {
        let document = document::json(&text)?;
        let draft = draft_of::<T>(&document, reading, identity.actor.organisation.as_deref())?;
        feature::create::<T>(&context, Witness::by(&identity, &request_id).because(reason.as_deref()), &draft)
            .map_err(|error| at_its_line::<T>(error, &document))
    })
    .await?;
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, address(&request, &created)));
    Ok(one(response, &request, &created))
}

/// `PUT …/items/{id}`
///
/// # Errors
/// As [`feature::replace`].
pub async fn replace<T: Served>(
    request: HttpRequest,
    app: web::Data<App>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    change::<T>(&request, &app, &id, payload, &[GEOJSON, "application/json"], |sent, document| {
        let draft = draft_of::<T>(&document, sent.reading, sent.asker.actor.organisation.as_deref())?;
        if draft.delivered.is_none() {
            return Err(Error::invalid("/geometry", "is missing or null: a feature has a place"));
        }
        // Whatever becomes of it, the answer tells of the present feature.
        feature::get::<T>(&sent.context, &sent.asker, sent.id)?;
        Ok(Next { document, draft, expected: sent.expected })
    })
    .await
}

/// `PATCH …/items/{id}`
///
/// # Errors
/// As [`feature::replace`].
pub async fn patch<T: Served>(
    request: HttpRequest,
    app: web::Data<App>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let taken = [MERGE_PATCH, GEOJSON, "application/json"];
    change::<T>(&request, &app, &id, payload, &taken, |sent, patch| {
        if !patch.is_object() {
            return Err(Error::invalid("", "a merge-patch of a feature is an object"));
        }
        let present: Registered<T> = feature::get(&sent.context, &sent.asker, sent.id)?;
        let mut document = Json::Object(write(&present));
        merge_patch::clear_centreline(&mut document, &patch);
        merge_patch::clear_aliased(&mut document, &patch, T::ALIASES);
        merge_patch::apply(&mut document, &patch);
        let touched = merge_patch::touches_shape(&patch);
        // Where the patch says nothing of the shape, the stored one is kept as recorded, whatever its system.
        let reading = if touched { sent.reading } else { Reading::geojson(usize::MAX) };
        let mut draft = draft_of::<T>(&document, reading, None)?;
        if !touched {
            draft.delivered = None;
        } else if draft.delivered.is_none() {
            return Err(Error::invalid("/geometry", "is null: a feature has a place"));
        }
        Ok(Next { document, draft, expected: Some(sent.expected.unwrap_or(present.version)) })
    })
    .await
}

/// A request to change a feature, but for its document.
struct Sent {
    context: Context,
    asker: Asker,
    id: Uuid,
    /// The version that `If-Match` names.
    expected: Option<i32>,
    reading: Reading,
}

/// What a feature is to become.
struct Next {
    /// Its whole document.
    document: Json,
    draft: Draft,
    /// The version that it must still have.
    expected: Option<i32>,
}

/// Replaces a feature by what `next` makes of the document sent, one of the media types `taken`.
async fn change<T: Served>(
    request: &HttpRequest,
    app: &App,
    id: &str,
    payload: web::Payload,
    taken: &[&str],
    next: impl FnOnce(&Sent, Json) -> Result<Next> + Send + 'static,
) -> Answer {
    Query::of(request, &[])?;
    let (asker, identity) = (asker_of(request)?, identity_of(request)?);
    let id = path_id(id, T::WORD)?;
    let expected = params::if_match(request)?;
    let reading = params::reading(request, &app.context.settings)?;
    let text = params::body(request, payload, &app.context.settings, taken).await?;
    let sent = Sent { context: app.context.clone(), asker, id, expected, reading };
    let reason = params::reason(request)?;
    let changed = blocking(move || {
        let document = document::json(&text)?;
        same_id(&document, id)?;
        let Next { document, draft, expected } = next(&sent, document)?;
        let witness = Witness::by(&identity, &sent.asker.request_id).because(reason.as_deref());
        feature::replace::<T>(&sent.context, witness, id, expected, &draft)
            .map_err(|error| at_its_line::<T>(error, &document))
    })
    .await?;
    Ok(one(HttpResponse::Ok(), request, &changed))
}

/// `DELETE …/items/{id}`
///
/// # Errors
/// As [`feature::delete`].
pub async fn delete<T: Served>(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (asker, identity) = (asker_of(&request)?, identity_of(&request)?);
    let id = path_id(&id, T::WORD)?;
    let expected = params::if_match(&request)?;
    let context = app.context.clone();
    let reason = params::reason(&request)?;
    blocking(move || {
        // A refusal tells of the feature, too.
        feature::get::<T>(&context, &asker, id)?;
        let witness = Witness::by(&identity, &asker.request_id).because(reason.as_deref());
        feature::delete::<T>(&context, witness, id, expected)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn draft_of<T: Noun>(document: &Json, reading: Reading, owner: Option<&str>) -> Result<Draft> {
    let read = read_of::<T>(document, reading, owner)?;
    Ok(Draft { fields: read.fields, jurisdiction: read.jurisdiction, delivered: read.delivered })
}

/// What is wrong with the shape of something drawn by a line stands at that line.
fn at_its_line<T: Noun>(error: Error, document: &Json) -> Error {
    let drawn = document.pointer("/properties/centreline").is_some_and(|line| T::CENTRELINE && !line.is_null());
    let Error::Invalid(mut problems) = error else { return error };
    for problem in problems.iter_mut().filter(|_| drawn) {
        if let Some(rest) = problem.pointer.strip_prefix("/geometry") {
            problem.pointer = format!("/properties/centreline{rest}");
        }
    }
    Error::Invalid(problems)
}

/// The document names no other feature than the address does.
pub(super) fn same_id(document: &Json, id: Uuid) -> Result<()> {
    match document.get("id") {
        Some(Json::String(text)) if text.parse() != Ok(id) => {
            Err(Error::invalid("/id", format!("is {text}, but the address names {id}")))
        }
        _ => Ok(()),
    }
}

pub(super) fn format_is_json(query: &Query) -> Result<()> {
    match query.text("f") {
        None | Some("json" | "geojson") => Ok(()),
        Some(other) => Err(Error::parameter("f", format!("«{other}» is not a format; known is json"))),
    }
}

fn etag<T>(feature: &Registered<T>) -> String {
    format!("\"{}\"", feature.version)
}

fn address<T: Noun>(request: &HttpRequest, feature: &Registered<T>) -> String {
    format!("{}/ogc/collections/{}/items/{}", params::base(request), T::LAYER.as_str(), feature.id)
}

fn one<T: Served>(
    mut response: actix_web::HttpResponseBuilder,
    request: &HttpRequest,
    feature: &Registered<T>,
) -> HttpResponse {
    response.insert_header((ETAG, etag(feature)));
    shown::<T>(response, request, &address(request, feature), write(feature))
}

/// A feature as it was. It has no tag: by one, the present version is changed.
fn as_of<T: Served>(request: &HttpRequest, version: &Version<T>) -> HttpResponse {
    let here = format!("{}{}", params::base(request), request.uri());
    shown::<T>(HttpResponse::Ok(), request, &here, write_version(version))
}

fn shown<T: Noun>(
    mut response: actix_web::HttpResponseBuilder,
    request: &HttpRequest,
    here: &str,
    mut document: Map<String, Json>,
) -> HttpResponse {
    let collection = format!("{}/ogc/collections/{}", params::base(request), T::LAYER);
    document.insert(
        "links".into(),
        json!([
            link(here, "self", GEOJSON, "This feature"),
            link(&collection, "collection", "application/json", "The collection"),
        ]),
    );
    response
        .content_type(GEOJSON)
        .insert_header(("Content-Crs", CRS84))
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .body(Json::Object(document).to_string())
}

/// A link of a document.
pub(super) fn link(href: &str, rel: &str, media_type: &str, title: &str) -> Json {
    json!({"href": href, "rel": rel, "type": media_type, "title": title})
}

pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
