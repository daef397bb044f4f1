//! Site requests: a collection of features, and the steps of each case.

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_MATCH, LOCATION, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Value as Json, json};

use super::auth::{asker_of, identity_of};
use super::items::{CRS84, LIST_PARAMETERS, format_is_json, link, percent_encoded, same_id};
use super::params::{self, GEOJSON, MERGE_PATCH, Query, path_id};
use super::problem::{Answer, request_id};
use super::{App, blocking, version};
use crate::actions::feature::ListQuery;
use crate::actions::site_request::version::{self as requests_then, RequestThen};
use crate::actions::site_request::{self as action, Draft, Shown, WholeCase, step, tracking};
use crate::actions::{Reader, Witness};
use crate::clock;
use crate::domain::site_request::WORD;
use crate::domain::site_request::reader::Standing;
use crate::domain::site_request::table::decides;
use crate::domain::site_request::timing::Timing;
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::wire::document::{self, Reading};
use crate::wire::merge_patch;
use crate::wire::site_request::{read, read_event, write, write_case, write_event, write_tracked};
use crate::wire::version::{add_recorded, write_deleted};

/// The parameters of a request, as the API document shows them.
pub const ITEM_PARAMETERS: &[&str] = &["f", "as-of"];

/// The header with the secret of a receipt.
pub const SECRET: &str = "Tracking-Secret";

const COLLECTION: &str = "/ogc/collections/site-requests";

/// The collection as it is listed.
#[must_use]
pub fn described(base: &str) -> Json {
    let here = format!("{base}{COLLECTION}");
    json!({
        "id": "site-requests",
        "title": "Site requests",
        "description": "Columns that carriers ask for, and how far each case has come",
        "itemType": "feature",
        "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
        "links": [
            link(&here, "self", "application/json", "This collection"),
            link(&format!("{here}/items"), "items", GEOJSON, "Its features"),
        ],
    })
}

/// `GET /ogc/collections/site-requests`
///
/// # Errors
/// [`Error::Parameter`] for an unknown parameter.
pub async fn collection(request: HttpRequest) -> Answer {
    let query = Query::of(&request, &["f"])?;
    format_is_json(&query)?;
    Ok(HttpResponse::Ok().json(described(&params::base(&request))))
}

/// `GET /ogc/collections/site-requests/items`
///
/// # Errors
/// As [`action::list`].
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
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
    let limit = asked.limit;
    let context = app.context.clone();
    let (found, next) = blocking(move || action::list(&context, &asker.actor, &asked)).await?;
    let base = params::base(&request);
    let mut links = vec![link(&format!("{base}{}", request.uri()), "self", GEOJSON, "This document")];
    if let Some(last) = next {
        let mut next = format!("{base}{COLLECTION}/items?limit={limit}&after={last}");
        for name in ["bbox", "jurisdiction"] {
            if let Some(value) = query.text(name) {
                next = format!("{next}&{name}={}", percent_encoded(value));
            }
        }
        links.push(link(&next, "next", GEOJSON, "The next page"));
    }
    let document = json!({
        "type": "FeatureCollection",
        "timeStamp": clock::now().to_string(),
        "numberReturned": found.len(),
        "links": links,
        "features": features(&found),
    });
    Ok(answered(HttpResponse::Ok(), GEOJSON, &document))
}

/// Requests as features, each with the events that may be sent now.
pub(super) fn features(found: &[Shown]) -> Vec<Json> {
    found
        .iter()
        .map(|shown| Json::Object(write(&shown.counted(), &shown.allowed, &shown.timing, shown.standing)))
        .collect()
}

/// `GET /ogc/collections/site-requests/items/{id}`
///
/// # Errors
/// As [`action::get`].
pub async fn get(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let query = Query::of(&request, ITEM_PARAMETERS)?;
    format_is_json(&query)?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    if let Some(moment) = query.moment("as-of")? {
        let found = blocking(move || requests_then::get_as_of(&context, &asker, id, moment)).await?;
        return Ok(as_of(&request, &found));
    }
    let found = blocking(move || action::get(&context, &asker, id)).await?;
    // What is left of the time is another thing tomorrow, of the same version.
    let passes =
        found.clock.as_ref().is_some_and(|clock| clock.stopped.is_none()) || found.shown.standing == Standing::Asked;
    // Of whoever does not see everything, not all that he reads makes another version.
    if !passes && found.reader.sees_all() && params::is_known(&request, &etag(&found)) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag(&found))).finish());
    }
    Ok(one(HttpResponse::Ok(), &request, &found))
}

/// `POST /ogc/collections/site-requests/items`
///
/// # Errors
/// As [`action::create`].
pub async fn create(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let identity = identity_of(&request)?;
    let reading = params::reading(&request, &app.context.settings)?;
    let text = params::body(&request, payload, &app.context.settings, &[GEOJSON, "application/json"]).await?;
    let (context, request_id, reason) = (app.context.clone(), request_id(&request), params::reason(&request)?);
    let created = blocking(move || {
        let draft = draft(&document::json(&text)?, reading, identity.actor.organisation.as_deref())?;
        action::create(&context, Witness::by(&identity, &request_id).because(reason.as_deref()), &draft)
    })
    .await?;
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, address(&request, &created)));
    Ok(one(response, &request, &created))
}

/// `PUT /ogc/collections/site-requests/items/{id}`
///
/// # Errors
/// As [`action::replace`].
pub async fn replace(
    request: HttpRequest,
    app: web::Data<App>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    change(&request, &app, &id, payload, false).await
}

/// `PATCH /ogc/collections/site-requests/items/{id}`
///
/// # Errors
/// As [`action::replace`].
pub async fn patch(request: HttpRequest, app: web::Data<App>, id: web::Path<String>, payload: web::Payload) -> Answer {
    change(&request, &app, &id, payload, true).await
}

async fn change(request: &HttpRequest, app: &App, id: &str, payload: web::Payload, patches: bool) -> Answer {
    Query::of(request, &[])?;
    let (identity, id) = (identity_of(request)?, path_id(id, WORD)?);
    let expected = params::if_match(request)?;
    let reading = params::reading(request, &app.context.settings)?;
    let taken: &[&str] =
        if patches { &[MERGE_PATCH, GEOJSON, "application/json"] } else { &[GEOJSON, "application/json"] };
    let text = params::body(request, payload, &app.context.settings, taken).await?;
    let (context, request_id, reason) = (app.context.clone(), request_id(request), params::reason(request)?);
    let changed = blocking(move || {
        let sent = document::json(&text)?;
        let present = action::get(&context, &identity.actor, id)?;
        same_id(&sent, id)?;
        // What is wrong with what he sends would tell whoever sees little of it what stands there.
        if !present.reader.is_within() {
            action::may_write(&identity.actor, &present.shown)?;
        }
        let expected = expected.or_else(|| patches.then_some(present.shown.version()));
        let draft = if patches { patched(&present, &sent, reading)? } else { draft(&sent, reading, None)? };
        if draft.delivered.is_none() && (!patches || merge_patch::touches_shape(&sent)) {
            return Err(Error::invalid("/geometry", "is missing or null: a column stands somewhere"));
        }
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        action::replace(&context, witness, id, expected, &draft)
    })
    .await?;
    Ok(one(HttpResponse::Ok(), request, &changed))
}

fn patched(present: &WholeCase, patch: &Json, reading: Reading) -> Result<Draft> {
    if !patch.is_object() {
        return Err(Error::invalid("", "a merge-patch of a feature is an object"));
    }
    let mut document = Json::Object(write(&present.shown.filed, &[], &present.shown.timing, Standing::Within));
    merge_patch::apply(&mut document, patch);
    let touched = merge_patch::touches_shape(patch);
    // Where the patch says nothing of the place, the stored one is kept as recorded, whatever its system.
    let reading = if touched { reading } else { Reading::geojson(usize::MAX) };
    let draft = draft(&document, reading, None)?;
    Ok(Draft { delivered: draft.delivered.filter(|_| touched), ..draft })
}

/// `DELETE /ogc/collections/site-requests/items/{id}`
///
/// # Errors
/// As [`action::delete`].
pub async fn delete(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (identity, id, expected) = (identity_of(&request)?, path_id(&id, WORD)?, params::if_match(&request)?);
    let (context, request_id, reason) = (app.context.clone(), request_id(&request), params::reason(&request)?);
    blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        action::delete(&context, witness, id, expected)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /api/site-requests/{id}/events`
///
/// # Errors
/// As [`step::send`], and [`Error::Unconditional`] without `If-Match`.
pub async fn send(request: HttpRequest, app: web::Data<App>, id: web::Path<String>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let (asker, identity, id) = (asker_of(&request)?, identity_of(&request)?, path_id(&id, WORD)?);
    let named = request.headers().contains_key(IF_MATCH);
    let expected = params::if_match(&request)?.filter(|_| named);
    let body = params::document(&request, payload, &app.context.settings).await?;
    let context = app.context.clone();
    let done = blocking(move || {
        let sent = || {
            let expected = expected.ok_or_else(|| {
                Error::Unconditional("say which version is meant: send If-Match with the ETag of the request".into())
            })?;
            let (event, told, reason) = read_event(&body)?;
            Ok(step::Sent { event, told, reason, expected })
        };
        let witness = Witness::by(&identity, &asker.request_id);
        let written = |check: &crate::actions::site_check::SiteCheck, run| super::site_check::write(check, Some(run));
        step::send(&context, witness, Reader::from(&asker), id, sent, &written)
    })
    .await?;
    Ok(one(HttpResponse::Ok(), &request, &done))
}

/// `GET /api/site-requests/{id}/history`
///
/// # Errors
/// As [`requests_then::history`], and [`Error::Parameter`].
pub async fn history(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let (before, limit) = version::page_of(&request)?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    let actor = asker.actor.clone();
    let (page, found) = blocking(move || requests_then::history(&context, &asker, id, before, limit)).await?;
    let item = format!("{}{COLLECTION}/items/{id}", params::base(&request));
    let versions = version::versions(&item, &page);
    let links: Vec<Json> = version::next(&request, &page, limit).into_iter().collect();
    let deleted = page.deleted.as_ref().map(|(ended, by)| write_deleted(ended, by));
    let Some(found) = found else {
        let document = json!({
            "id": id, "jurisdiction": page.jurisdiction, "deleted": deleted, "events": [], "versions": versions, "links": links,
        });
        return Ok(answered(HttpResponse::Ok(), "application/json", &document));
    };
    let filed = &found.shown.filed;
    let knows = |organisation: Option<&str>| actor.may_know_author(&filed.jurisdiction, organisation);
    let events = found.events.iter().filter(|event| found.reader.knows_event(event, &found.case));
    // Numbered as they are shown: a gap would tell of what is not.
    let events = events.zip(1..).map(|(event, number)| {
        let names = knows(event.organisation.as_deref());
        write_event((event, number), &found.case, found.heads.get(&event.revision), names, &found.reader)
    });
    let document = json!({
        "id": filed.id,
        "jurisdiction": filed.jurisdiction,
        "state": filed.state.as_str(),
        "version": found.shown.version(),
        "deleted": deleted,
        "events": events.collect::<Vec<_>>(),
        "versions": versions,
        "links": links,
    });
    Ok(answered(HttpResponse::Ok(), "application/json", &document))
}

/// `GET /api/tracking/{receipt}`
///
/// # Errors
/// As [`tracking::track`].
pub async fn track(request: HttpRequest, app: web::Data<App>, receipt: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let secret = request.headers().get(SECRET).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let context = app.context.clone();
    let found = blocking(move || tracking::track(&context, &receipt, &secret)).await?;
    Ok(answered(HttpResponse::Ok(), "application/json", &write_tracked(&found.shown.filed, &found.events)))
}

fn draft(document: &Json, reading: Reading, owner: Option<&str>) -> Result<Draft> {
    let read = read(document, reading, owner)?;
    Ok(Draft { told: read.told, jurisdiction: read.jurisdiction, delivered: read.delivered })
}

fn etag(found: &WholeCase) -> String {
    format!("\"{}\"", found.shown.version())
}

fn address(request: &HttpRequest, found: &WholeCase) -> String {
    format!("{}{COLLECTION}/items/{}", params::base(request), found.shown.filed.id)
}

fn one(mut response: HttpResponseBuilder, request: &HttpRequest, found: &WholeCase) -> HttpResponse {
    let filed = &found.shown.filed;
    let mut document = write(&found.shown.counted(), &found.shown.allowed, &found.shown.timing, found.shown.standing);
    let decided = found.events.iter().rfind(|event| decides(event.event)).map(|event| event.revision);
    let head = decided.and_then(|revision| found.heads.get(&revision));
    if let Some(Json::Object(properties)) = document.get_mut("properties") {
        let events = found.reader.known(&found.events, &found.case);
        let read = (found.day, &found.reader, events);
        let case = write_case(filed, &found.case, &found.missing, head, found.clock.as_ref(), read);
        properties.insert("case".into(), case);
        if let Some(secret) = &found.secret {
            properties.insert("receipt_secret".into(), json!(secret));
        }
    }
    let here = address(request, found);
    let history = format!("{}/api/site-requests/{}/history", params::base(request), filed.id);
    document.insert(
        "links".into(),
        json!([
            link(&here, "self", GEOJSON, "This feature"),
            link(&history, "version-history", "application/json", "What was done to it"),
        ]),
    );
    // Whoever was asked changes nothing any more.
    if found.shown.standing != Standing::WasAsked {
        response.insert_header((ETAG, etag(found)));
    }
    answered(response, GEOJSON, &Json::Object(document))
}

/// A request as it was. It has no tag: by one, the present version is changed; and nothing of what can be done, or is left of the time.
fn as_of(request: &HttpRequest, then: &RequestThen) -> HttpResponse {
    let filed = &then.filed;
    let due = Timing { due_on: filed.due_on, ..Timing::default() };
    let mut document = write(filed, &[], &due, Standing::Within);
    let mut case = write_case(filed, &then.case, &[], None, None, (then.day, &then.reader, then.events));
    without(&mut case, OF_NOW_IN_CASE);
    if let Some(properties) = document.get_mut("properties") {
        without(properties, OF_NOW);
        properties["case"] = case;
    }
    add_recorded(&mut document, filed.recorded_at, then.ended.as_ref());
    let here = format!("{}{}", params::base(request), request.uri());
    let history = format!("{}/api/site-requests/{}/history", params::base(request), filed.id);
    document.insert(
        "links".into(),
        json!([
            link(&here, "self", GEOJSON, "This feature"),
            link(&history, "version-history", "application/json", "What was done to it"),
        ]),
    );
    answered(HttpResponse::Ok(), GEOJSON, &Json::Object(document))
}

/// What is said of a request only as it is now.
const OF_NOW: &[&str] = &["allowed", "slack_days", "overdue"];

/// What is said of a case only as it is now.
const OF_NOW_IN_CASE: &[&str] = &["documents_missing", "clock"];

fn without(document: &mut Json, names: &[&str]) {
    if let Json::Object(members) = document {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
}

pub(super) fn answered(mut response: HttpResponseBuilder, media_type: &str, document: &Json) -> HttpResponse {
    response
        .content_type(media_type)
        .insert_header(("Content-Crs", CRS84))
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(document.to_string())
}
