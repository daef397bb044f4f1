//! Zones of plans as a collection of features: listed and read as of any day, drawn while their plan is a draft.

use actix_web::http::header::{CACHE_CONTROL, ETAG, LOCATION, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::auth::{asker_of, identity_of};
use super::items::{format_is_json, link, percent_encoded, same_id};
use super::params::{self, GEOJSON, MERGE_PATCH, Query, path_id};
use super::problem::{Answer, request_id};
use super::{App, blocking, version};
use crate::actions::Witness;
use crate::actions::plan::zone::{self as action, When, ZoneDraft, ZoneQuery, ZoneView};
use crate::actions::plan::zone_version::{self, ZoneThen};
use crate::clock;
use crate::domain::plan::ZONES_MAX;
use crate::error::{Error, Result};
use crate::wire::document::{self, Reading};
use crate::wire::merge_patch;
use crate::wire::version::add_recorded;
use crate::wire::zone::{ReadZone, read, write};

/// The parameters of the list, as the API document shows them.
pub const LIST_PARAMETERS: &[&str] = &["bbox", "datetime", "limit", "after", "jurisdiction", "plan", "f"];

/// The parameters of a zone.
pub const ITEM_PARAMETERS: &[&str] = &["f", "as-of"];

const CRS84: &str = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>";

/// The noun, for messages.
const WORD: &str = "zone";

/// What a list is asked for by `datetime`: a moment or a day, or an interval of them that may be open (OGC API Features, 7.15.4).
fn datetime(query: &Query) -> Result<Option<(Option<When>, Option<When>)>> {
    let Some(text) = query.text("datetime") else { return Ok(None) };
    let wrong = |detail: String| Error::parameter("datetime", detail);
    let one = |text: &str| {
        if let Ok(day) = text.parse::<jiff::civil::Date>()
            && text.len() == 10
        {
            return Ok(When::On(day));
        }
        let moment = text.parse().map_err(|_| {
            wrong(format!("«{text}» is neither a moment nor a day; write it as 2026-03-01T00:00:00Z or 2026-03-01"))
        });
        moment.map(When::At)
    };
    let Some((from, to)) = text.split_once('/') else {
        let when = one(text)?;
        return Ok(Some((Some(when), Some(when))));
    };
    let end = |text: &str| if matches!(text, "" | "..") { Ok(None) } else { one(text).map(Some) };
    let (from, to) = (end(from)?, end(to)?);
    let is_turned = match (from, to) {
        (Some(When::At(from)), Some(When::At(to))) => to < from,
        (Some(When::On(from)), Some(When::On(to))) => to < from,
        _ => false,
    };
    if is_turned {
        return Err(wrong(format!("«{text}» ends before it begins")));
    }
    Ok(Some((from, to)))
}

/// `GET /ogc/collections/zones/items`
///
/// # Errors
/// As [`action::list`], and [`Error::Parameter`].
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    let settings = app.context.settings.clone();
    let query = Query::of(&request, LIST_PARAMETERS)?;
    format_is_json(&query)?;
    let asked = ZoneQuery {
        boxes: query.bbox()?,
        jurisdiction: query.text("jurisdiction").map(str::to_owned),
        plan: query.id("plan")?,
        datetime: datetime(&query)?,
        after: query.id("after")?,
        limit: query.limit(settings.page_limit_default, settings.page_limit_max)?,
    };
    let (asker, context) = (asker_of(&request)?, app.context.clone());
    let limit = asked.limit;
    let (zones, next) = blocking(move || action::list(&context, &asker.actor, &asked)).await?;
    let base = params::base(&request);
    let mut links = vec![
        link(&format!("{base}{}", request.uri()), "self", GEOJSON, "This document"),
        link(&format!("{base}/ogc/collections/zones"), "collection", "application/json", "The collection"),
    ];
    if let Some(last) = next {
        let mut href = format!("{base}/ogc/collections/zones/items?limit={limit}&after={last}");
        for name in ["bbox", "datetime", "jurisdiction", "plan"] {
            if let Some(value) = query.text(name) {
                href = format!("{href}&{name}={}", percent_encoded(value));
            }
        }
        links.push(link(&href, "next", GEOJSON, "The next page"));
    }
    let features: Vec<Json> = zones.iter().map(|v| Json::Object(write(&v.zone, &v.plan, v.state))).collect();
    let document = json!({
        "type": "FeatureCollection",
        "timeStamp": clock::now().to_string(),
        "numberReturned": features.len(),
        "links": links,
        "features": features,
    });
    Ok(answer(HttpResponse::Ok(), &document))
}

/// `GET /ogc/collections/zones/items/{id}`
///
/// # Errors
/// As [`action::get`].
pub async fn get(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let query = Query::of(&request, ITEM_PARAMETERS)?;
    format_is_json(&query)?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    if let Some(moment) = query.moment("as-of")? {
        let found = blocking(move || zone_version::get(&context, &asker.actor, id, moment)).await?;
        return Ok(as_of(&request, &found));
    }
    let found = blocking(move || action::get(&context, &asker.actor, id)).await?;
    Ok(one(HttpResponse::Ok(), &request, &found))
}

/// `GET /api/zones/{id}/history`
///
/// # Errors
/// As [`zone_version::history`], and [`Error::Parameter`].
pub async fn history(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let (before, limit) = version::page_of(&request)?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    let page = blocking(move || zone_version::history(&context, &asker.actor, id, before, limit)).await?;
    Ok(version::answer(&request, "zones", id, &page, limit))
}

/// `POST /ogc/collections/zones/items`: a Feature, or all of a `FeatureCollection` at once.
///
/// # Errors
/// As [`action::create`].
pub async fn create(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let (asker, identity) = (asker_of(&request)?, identity_of(&request)?);
    let reading = params::reading(&request, &app.context.settings)?;
    let text = params::body(&request, payload, &app.context.settings, &[GEOJSON, "application/json"]).await?;
    let reason = params::reason(&request)?;
    let context = app.context.clone();
    let base = params::base(&request);
    let (ids, first) = blocking(move || {
        let drafts: Vec<ZoneDraft> =
            read(&document::json(&text)?, reading, ZONES_MAX)?.into_iter().map(draft).collect();
        let witness = Witness::by(&identity, &asker.request_id).because(reason.as_deref());
        let ids = action::create(&context, witness, &drafts)?;
        let first = match ids.as_slice() {
            [id] => Some(action::get(&context, &asker.actor, *id)?),
            _ => None,
        };
        Ok((ids, first))
    })
    .await?;
    let mut response = HttpResponse::Created();
    if let Some(made) = first {
        response.insert_header((LOCATION, address(&base, made.zone.id)));
        return Ok(one(response, &request, &made));
    }
    Ok(answer(response, &json!({"ids": ids})))
}

/// `PUT /ogc/collections/zones/items/{id}`
///
/// # Errors
/// As [`action::replace`].
pub async fn replace(
    request: HttpRequest,
    app: web::Data<App>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    change(request, app, id, payload, false).await
}

/// `PATCH /ogc/collections/zones/items/{id}`
///
/// # Errors
/// As [`action::replace`].
pub async fn patch(request: HttpRequest, app: web::Data<App>, id: web::Path<String>, payload: web::Payload) -> Answer {
    change(request, app, id, payload, true).await
}

async fn change(
    request: HttpRequest,
    app: web::Data<App>,
    id: web::Path<String>,
    payload: web::Payload,
    is_patch: bool,
) -> Answer {
    Query::of(&request, &[])?;
    let (asker, identity) = (asker_of(&request)?, identity_of(&request)?);
    let (id, context) = (path_id(&id, WORD)?, app.context.clone());
    let expected = params::if_match(&request)?;
    let reading = params::reading(&request, &context.settings)?;
    let taken: &[&str] =
        if is_patch { &[MERGE_PATCH, GEOJSON, "application/json"] } else { &[GEOJSON, "application/json"] };
    let text = params::body(&request, payload, &context.settings, taken).await?;
    let reason = params::reason(&request)?;
    let changed = blocking(move || {
        let sent = document::json(&text)?;
        let present = action::get(&context, &asker.actor, id)?;
        same_id(&sent, id)?;
        let (draft, expected) = if is_patch {
            let draft = patched(&present, &sent, reading)?;
            (draft, expected.or(Some(present.zone.version)))
        } else {
            (whole(&sent, reading)?, expected)
        };
        let witness = Witness::by(&identity, &asker.request_id).because(reason.as_deref());
        action::replace(&context, witness, id, expected, &draft)
    })
    .await?;
    Ok(one(HttpResponse::Ok(), &request, &changed))
}

fn single(document: &Json, reading: Reading) -> Result<ZoneDraft> {
    if document.get("type").and_then(Json::as_str) == Some("FeatureCollection") {
        return Err(Error::invalid("/type", "must be \"Feature\""));
    }
    let mut all = read(document, reading, 1)?;
    all.pop().map(draft).ok_or_else(|| Error::invalid("", "is no zone"))
}

fn whole(document: &Json, reading: Reading) -> Result<ZoneDraft> {
    let draft = single(document, reading)?;
    if draft.delivered.is_none() {
        return Err(Error::invalid("/geometry", "is missing or null: a zone has a place"));
    }
    Ok(draft)
}

/// The present zone under a patch; where that says nothing of the shape, the stored one is kept as recorded.
fn patched(present: &ZoneView, patch: &Json, reading: Reading) -> Result<ZoneDraft> {
    if !patch.is_object() {
        return Err(Error::invalid("", "a merge-patch of a feature is an object"));
    }
    let mut document = Json::Object(write(&present.zone, &present.plan, present.state));
    merge_patch::apply(&mut document, patch);
    let touched = merge_patch::touches_shape(patch);
    let mut draft = single(&document, if touched { reading } else { Reading::geojson(usize::MAX) })?;
    if !touched {
        draft.delivered = None;
    } else if draft.delivered.is_none() {
        return Err(Error::invalid("/geometry", "is null: a zone has a place"));
    }
    Ok(draft)
}

/// `DELETE /ogc/collections/zones/items/{id}`
///
/// # Errors
/// As [`action::delete`].
pub async fn delete(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let (id, context) = (path_id(&id, WORD)?, app.context.clone());
    let (expected, reason) = (params::if_match(&request)?, params::reason(&request)?);
    let request_id = request_id(&request);
    blocking(move || {
        action::delete(&context, Witness::by(&identity, &request_id).because(reason.as_deref()), id, expected)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn draft(read: ReadZone) -> ZoneDraft {
    ZoneDraft { pointer: read.pointer, plan: read.plan, props: read.props, delivered: read.delivered }
}

fn address(base: &str, id: Uuid) -> String {
    format!("{base}/ogc/collections/zones/items/{id}")
}

fn one(mut response: HttpResponseBuilder, request: &HttpRequest, view: &ZoneView) -> HttpResponse {
    response.insert_header((ETAG, format!("\"{}\"", view.zone.version)));
    let here = address(&params::base(request), view.zone.id);
    shown(response, request, &here, view, write(&view.zone, &view.plan, view.state))
}

/// A zone as it was. It has no tag: by one, the present version is changed.
fn as_of(request: &HttpRequest, then: &ZoneThen) -> HttpResponse {
    let ZoneView { zone, plan, state } = &then.view;
    let mut document = write(zone, plan, *state);
    add_recorded(&mut document, zone.recorded_at, then.ended.as_ref());
    let here = format!("{}{}", params::base(request), request.uri());
    shown(HttpResponse::Ok(), request, &here, &then.view, document)
}

fn shown(
    response: HttpResponseBuilder,
    request: &HttpRequest,
    here: &str,
    view: &ZoneView,
    mut document: Map<String, Json>,
) -> HttpResponse {
    let base = params::base(request);
    document.insert(
        "links".into(),
        json!([
            link(here, "self", GEOJSON, "This zone"),
            link(&format!("{base}/ogc/collections/zones"), "collection", "application/json", "The collection"),
            link(&format!("{base}/api/plans/{}", view.plan.id), "up", "application/json", "Its plan"),
            link(
                &format!("{base}/api/zones/{}/history", view.zone.id),
                "version-history",
                "application/json",
                "Its versions"
            ),
        ]),
    );
    answer(response, &Json::Object(document))
}

fn answer(mut response: HttpResponseBuilder, document: &Json) -> HttpResponse {
    response
        .content_type(GEOJSON)
        .insert_header(("Content-Crs", CRS84))
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .body(document.to_string())
}
