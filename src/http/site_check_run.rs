//! Site checks that are kept: read, made again, waived.

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::{asker_of, identity_of};
use super::params::{self, Query, path_id};
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::Witness;
use crate::actions::site_check::{self as action, KeptRun, Listing};
use crate::domain::site_check::ENGINE;
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::wire::site_check_run::{changes, differences, read_waiver, write};

/// The parameters of the list, as the API document shows them.
pub const LIST_PARAMETERS: &[&str] = &["jurisdiction", "outdated", "limit", "after"];

/// Those of an answer that is made again.
pub const REPLAY_PARAMETERS: &[&str] = &["rules"];

/// Runs on a page, where nothing else is asked for.
pub(super) const LIMIT_DEFAULT: u32 = 50;

/// Most runs on a page: each is a document of some kilobytes that has to be read.
pub(super) const LIMIT_MAX: u32 = 500;

/// `GET /api/site-checks/{id}`
///
/// # Errors
/// As [`action::of_id`].
pub async fn get(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, "site check")?, app.context.clone());
    let document = blocking(move || whole(&action::of_id(&context, &asker, id)?)).await?;
    Ok(answer(HttpResponse::Ok(), &document))
}

/// `GET /api/site-checks`
///
/// # Errors
/// As [`action::list`], and [`Error::Parameter`].
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, LIST_PARAMETERS)?;
    let outdated = match query.text("outdated") {
        None | Some("no") => false,
        Some("yes") => true,
        Some(other) => return Err(Error::parameter("outdated", format!("«{other}» is not yes or no")).into()),
    };
    let limit = query.limit(LIMIT_DEFAULT, LIMIT_MAX)?.into();
    let jurisdiction = query.text("jurisdiction").map(str::to_owned);
    let listing = Listing { jurisdiction, outdated, after: query.id("after")?, limit };
    let (asker, context) = (asker_of(&request)?, app.context.clone());
    let (kept, next) = blocking(move || action::list(&context, &asker, &listing)).await?;
    let base = format!("{}{}", params::base(&request), request.path());
    let mut document = json!({"site_checks": kept.iter().map(|kept| short(kept, &base)).collect::<Vec<_>>()});
    document["next"] = next.into_iter().map(|next| Json::from(next.to_string())).next().unwrap_or(Json::Null);
    Ok(answer(HttpResponse::Ok(), &document))
}

/// `GET /api/site-checks/{id}/replay`
///
/// # Errors
/// As [`action::replay`]; with `rules` as [`action::under_loaded`].
pub async fn replay(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let query = Query::of(&request, REPLAY_PARAMETERS)?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, "site check")?, app.context.clone());
    let version = query.text("rules").map(str::to_owned);
    let (replay, pack) = blocking(move || match version {
        None => Ok((action::replay(&context, &asker, id)?, None)),
        Some(version) => {
            action::under_loaded(&context, &asker, id, &version).map(|(replay, pack)| (replay, Some(pack)))
        }
    })
    .await?;
    // Who sees everything is told by which rule it would be so.
    let changes = match &pack {
        None => differences(&replay.differences),
        Some(_) => changes(&replay.differences, &replay.findings)?,
    };
    let document = json!({
        "id": id,
        "same": replay.is_same(),
        "rules": pack.as_ref().map(|pack| json!({"name": pack.name, "version": pack.version})),
        "not_known": replay.not_known,
        "tampered": replay.tampered.iter().map(|what| what.as_str()).collect::<Vec<_>>(),
        "differences": changes,
        "waived": replay.waived.iter().map(|waiver| waiver.code.as_str()).collect::<Vec<_>>(),
        "engine": {"then": replay.run.engine, "now": ENGINE},
        "accuracies_kept": replay.run.accuracies.is_some(),
    });
    Ok(answer(HttpResponse::Ok(), &document))
}

/// `POST /api/site-checks/{id}/waivers`
///
/// # Errors
/// As [`action::waive`], and [`Error::Invalid`].
pub async fn waive(request: HttpRequest, app: web::Data<App>, id: web::Path<String>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, "site check")?, app.context.clone());
    let identity = identity_of(&request)?;
    let document = params::document(&request, payload, &context.settings).await?;
    let (code, reason) = read_waiver(&document)?;
    let document = blocking(move || {
        let witness = Witness::by(&identity, &asker.request_id).because(Some(&reason));
        whole(&action::waive(&context, &asker, witness, id, code, &reason)?)
    })
    .await?;
    Ok(answer(HttpResponse::Created(), &document))
}

/// A run with all that is known of it.
fn whole(kept: &KeptRun) -> Result<Json> {
    let mut written = write(&kept.run, &kept.hash, &kept.waivers)?;
    let (current, difference) = now(kept);
    written.insert("current".into(), current);
    written.insert("difference".into(), difference);
    let mark = kept.mark.as_ref().filter(|_| kept.is_told);
    written.insert(
        "marked".into(),
        mark.map(|m| json!({"at": m.recorded_at.to_string(), "day": m.day.to_string(), "revision": m.revisions}))
            .into(),
    );
    Ok(Json::Object(written))
}

/// Whether it would be answered so now, null where that is not told; and where not.
fn now(kept: &KeptRun) -> (Json, Json) {
    let mark = kept.mark.as_ref().filter(|_| kept.is_told);
    let current = if kept.is_told { Json::from(!kept.is_outdated()) } else { Json::Null };
    (current, mark.map_or_else(|| json!([]), |mark| differences(&mark.differences)))
}

/// A run in a list.
fn short(kept: &KeptRun, base: &str) -> Json {
    let run = &kept.run;
    let (current, difference) = now(kept);
    json!({
        "id": run.id,
        "name": run.name,
        "jurisdiction": run.jurisdiction,
        "lon": run.lonlat.x,
        "lat": run.lonlat.y,
        "day": run.day.to_string(),
        "recorded_at": run.recorded_at.to_string(),
        "verdict": run.said.iter().map(|said| said.verdict).max().map(Word::as_str),
        "current": current,
        "difference": difference,
        "waived": kept.waivers.iter().map(|waiver| waiver.code.as_str()).collect::<Vec<_>>(),
        "href": format!("{base}/{}", run.id),
    })
}

fn answer(mut response: actix_web::HttpResponseBuilder, document: &Json) -> HttpResponse {
    response
        .content_type("application/json")
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .body(document.to_string())
}
