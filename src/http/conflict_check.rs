//! Conflict checks of drawn and of stored shapes.

use std::collections::BTreeMap;

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::auth::actor_of;
use super::items::Served;
use super::params::{self, GEOJSON, Query, path_id};
use super::problem::Answer as Response;
use super::{App, blocking};
use crate::actions::Context;
use crate::actions::conflict_check::{self as action, Answer, Drawn, Question, SubjectResult, layers, usual_layers};
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::corridor::{CLEARANCE_MAX_M, Corridor};
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::domain::work::Work;
use crate::error::{Error, Result};
use crate::geometry::Metres;
use crate::wire::conflict::{self as wire, ConflictRow, with_conflict, write_conflict, write_not_checked};
use crate::wire::{document, feature};

/// The parameters of a check, as the API document shows them.
pub const PARAMETERS: &[&str] = &["against", "clearance_m", "limit", "at"];

/// `POST /api/conflict-checks`
///
/// # Errors
/// As [`action::check`].
pub async fn check(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Response {
    let query = Query::of(&request, PARAMETERS)?;
    let actor = actor_of(&request, &app.tokens)?;
    let question = question(&request, &query, &app.context, vec![Layer::Works])?;
    let reading = params::reading(&request, &app.context.settings)?;
    let text = params::body(&request, payload, &app.context.settings, &[GEOJSON, "application/json"]).await?;
    let as_map = params::wants_geojson(&request);
    let context = app.context.clone();
    // How long a check takes depends on the ground it covers, not on the size of its document.
    let document = blocking(move || {
        let subjects = wire::subjects(&document::json(&text)?, reading, context.settings.subjects_max)?;
        let drawn: Vec<Drawn> = subjects
            .into_iter()
            .map(|s| Drawn {
                name: s.name,
                pointer: s.pointer,
                delivered: s.delivered,
                accuracy: s.accuracy,
                clearance_m: s.clearance_m,
            })
            .collect();
        let answer = action::check(&context, &actor, &drawn, &question)?;
        written(&context, &actor, &answer, as_map)
    })
    .await?;
    Ok(response(&document, as_map))
}

/// `GET /api/{noun}/{id}/conflicts`
///
/// # Errors
/// As [`action::check_stored`].
pub async fn check_stored<T: Served>(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Response {
    let query = Query::of(&request, PARAMETERS)?;
    let actor = actor_of(&request, &app.tokens)?;
    let id = path_id(&id, T::WORD)?;
    let question = question(&request, &query, &app.context, usual_layers(T::LAYER))?;
    let as_map = params::wants_geojson(&request);
    let context = app.context.clone();
    let document = blocking(move || {
        let answer = action::check_stored::<T>(&context, &actor, id, &question)?;
        written(&context, &actor, &answer, as_map)
    })
    .await?;
    Ok(response(&document, as_map))
}

fn question(request: &HttpRequest, query: &Query, context: &Context, usual: Vec<Layer>) -> Result<Question> {
    let settings = &context.settings;
    let limit = query.limit(settings.conflicts_limit_default, settings.conflicts_limit_max)?;
    let at = match query.text("at") {
        None => clock::now(),
        Some(text) => text.parse().map_err(|_| {
            Error::parameter("at", format!("«{text}» is not a moment; write it as 2026-03-01T00:00:00Z"))
        })?,
    };
    Ok(Question {
        against: query.text("against").map(layers).transpose()?.unwrap_or(usual),
        clearance: query.metres("clearance_m", CLEARANCE_MAX_M)?.and_then(|m| Metres::new(m).ok()),
        at,
        limit: limit as usize,
        min_revision: params::min_revision(request)?,
    })
}

fn response(document: &Json, as_map: bool) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(if as_map { GEOJSON } else { "application/json" })
        .insert_header((VARY, "Accept, Authorization"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(document.to_string())
}

/// An answer as JSON, or as features for a map.
pub(crate) fn written(context: &Context, actor: &Actor, answer: &Answer, as_map: bool) -> Result<Json> {
    if as_map { as_features(context, actor, answer) } else { Ok(as_json(answer)) }
}

fn head(answer: &Answer) -> Map<String, Json> {
    let mut head = Map::new();
    head.insert("revision".into(), json!(answer.revisions));
    let checked: Vec<Json> = answer
        .checked
        .iter()
        .map(|c| {
            json!({"jurisdiction": c.jurisdiction, "layer": c.layer.to_string(), "features": c.features,
                   "coverage": "undeclared"})
        })
        .collect();
    head.insert("checked".into(), Json::Array(checked));
    head
}

fn as_json(answer: &Answer) -> Json {
    let mut document = head(answer);
    let results: Vec<Json> = answer
        .results
        .iter()
        .map(|r| {
            let conflicts: Vec<Json> = r.conflicts.iter().map(|c| write_conflict(row(c))).collect();
            json!({
                "subject": r.subject,
                "conflict_count": r.conflict_count,
                "truncated": r.conflict_count > conflicts.len(),
                "coverage": r.coverage.as_str(),
                "counts": r.counts,
                "not_checked": not_checked_of(r),
                "conflicts": conflicts,
            })
        })
        .collect();
    document.insert("results".into(), Json::Array(results));
    Json::Object(document)
}

fn as_features(context: &Context, actor: &Actor, answer: &Answer) -> Result<Json> {
    let works: BTreeMap<Uuid, _> = action::features_of::<Work>(context, actor, answer)?;
    let corridors: BTreeMap<Uuid, _> = action::features_of::<Corridor>(context, actor, answer)?;
    let mut features = Vec::new();
    let mut not_checked = Vec::new();
    for result in &answer.results {
        if result.not_checked.is_some() {
            not_checked.push(json!({"subject": result.subject, "ground": not_checked_of(result)}));
        }
        for conflict in &result.conflicts {
            let stored = match conflict.layer {
                Layer::Works => works.get(&conflict.id).map(feature::write),
                Layer::Corridors => corridors.get(&conflict.id).map(feature::write),
            };
            // What was deleted since the snapshot has no shape any more; the conflict is shown all the same.
            let stored = stored.unwrap_or_else(|| {
                let mut gone = Map::new();
                gone.insert("type".into(), json!("Feature"));
                gone.insert("id".into(), json!(conflict.id));
                gone.insert("geometry".into(), Json::Null);
                gone.insert("properties".into(), json!({"code": conflict.code.as_str()}));
                gone
            });
            features.push(with_conflict(stored, &result.subject, write_conflict(row(conflict))));
        }
    }
    let mut document = Map::new();
    document.insert("type".into(), json!("FeatureCollection"));
    document.append(&mut head(answer));
    let truncated = answer.results.iter().any(|r| r.conflict_count > r.conflicts.len());
    document.insert("truncated".into(), json!(truncated));
    document.insert("not_checked".into(), Json::Array(not_checked));
    document.insert("features".into(), Json::Array(features));
    Ok(Json::Object(document))
}

fn not_checked_of(result: &SubjectResult) -> Json {
    write_not_checked(result.not_checked.as_ref().map(|n| (n.reason.as_str(), &n.ground)))
}

fn row(c: &action::Conflict) -> ConflictRow<'_> {
    ConflictRow {
        jurisdiction: &c.jurisdiction,
        layer: c.layer,
        id: c.id,
        code: &c.code,
        kind: c.kind,
        severity: c.severity,
        clearance: c.clearance,
        rule: c.rule,
        accuracy: c.accuracy,
        accuracy_source: c.accuracy_source,
        finding: &c.finding,
    }
}
