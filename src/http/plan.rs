//! Plans: begun, shown, checked, amended, compared, and taken from state to state by events.

use actix_web::http::header::{CACHE_CONTROL, ETAG, LOCATION, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::auth::{asker_of, identity_of};
use super::params::{self, Query, path_id};
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::plan::check::{self, PlanCheck};
use crate::actions::plan::step::{Asked, step};
use crate::actions::plan::{self as action, PlanListing, PlanStep, PlanView};
use crate::actions::{Asker, Witness};
use crate::domain::plan::{Change, Plan, PlanState, difference};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::wire::audit::audit_head;
use crate::wire::plan as wire;

/// The parameters of the list, as the API document shows them.
pub const LIST_PARAMETERS: &[&str] = &["jurisdiction", "state", "limit", "after"];

/// The parameter of the check that is read.
pub const CHECK_PARAMETERS: &[&str] = &["run"];

/// The noun, for messages.
const WORD: &str = "plan";

/// `GET /api/plans`
///
/// # Errors
/// As [`action::list`], and [`Error::Parameter`].
pub async fn list(request: HttpRequest, app: web::Data<App>) -> Answer {
    let settings = app.context.settings.clone();
    let query = Query::of(&request, LIST_PARAMETERS)?;
    let state = query.text("state").map(|text| {
        let detail = || format!("«{text}» is not a state; known are {}", PlanState::known());
        PlanState::parse(text).ok_or_else(|| Error::parameter("state", detail()))
    });
    let listing = PlanListing {
        jurisdiction: query.text("jurisdiction").map(str::to_owned),
        state: state.transpose()?,
        code: None,
        after: query.id("after")?,
        limit: query.limit(settings.page_limit_default, settings.page_limit_max)?.into(),
    };
    let (asker, context) = (asker_of(&request)?, app.context.clone());
    let (plans, next) = blocking(move || action::list(&context, &asker.actor, &listing)).await?;
    let base = format!("{}/api/plans", params::base(&request));
    let one = |(plan, state): &(Plan, PlanState)| {
        let mut written = wire::write(plan, *state);
        written.insert("href".into(), format!("{base}/{}", plan.id).into());
        Json::Object(written)
    };
    let document = json!({"plans": plans.iter().map(one).collect::<Vec<_>>(), "next": next});
    Ok(answer(HttpResponse::Ok(), &document))
}

/// `POST /api/plans`
///
/// # Errors
/// As [`action::create`].
pub async fn create(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let (identity, context) = (identity_of(&request)?, app.context.clone());
    let reason = params::reason(&request)?;
    let document = params::document(&request, payload, &context.settings).await?;
    let request_id = super::problem::request_id(&request);
    let view = blocking(move || {
        let said = wire::read_said(&document)?;
        action::create(&context, Witness::by(&identity, &request_id).because(reason.as_deref()), &said)
    })
    .await?;
    Ok(made(&request, &view))
}

/// `GET /api/plans/{id}`
///
/// # Errors
/// As [`action::get`].
pub async fn get(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    let view = blocking(move || action::get(&context, &asker.actor, id)).await?;
    Ok(shown(HttpResponse::Ok(), &request, &view))
}

/// `GET /api/plans/{id}/history`
///
/// # Errors
/// As [`action::history`].
pub async fn history(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    let (steps, knows) = blocking(move || action::history(&context, &asker.actor, id)).await?;
    let one = |step: &PlanStep| {
        json!({
            "seq": step.seq,
            "event": step.event.as_str(),
            "from": step.from.as_str(),
            "to": step.to.as_str(),
            "at": step.at.to_string(),
            "revision": step.revision,
            "actor": knows.then_some(&step.actor),
            "organisation": step.organisation,
            "reason": knows.then_some(step.reason.as_ref()).flatten(),
            "checked_again": knows.then_some(step.checked_again.as_ref()).flatten(),
            "data": if knows { wire::data(&step.data) } else { Json::Null },
        })
    };
    Ok(answer(HttpResponse::Ok(), &json!({"events": steps.iter().map(one).collect::<Vec<_>>()})))
}

/// `POST /api/plans/{id}/events`
///
/// # Errors
/// As [`step`].
pub async fn event(request: HttpRequest, app: web::Data<App>, id: web::Path<String>, payload: web::Payload) -> Answer {
    Query::of(&request, &[])?;
    let (identity, id, context) = (identity_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    let expected = params::if_match(&request)?;
    let by_header = params::reason(&request)?;
    let document = params::document(&request, payload, &context.settings).await?;
    let request_id = super::problem::request_id(&request);
    let view = blocking(move || {
        let (event, reason, data) = wire::read_event(&document)?;
        let reason = reason.or(by_header);
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        step(&context, witness, id, &Asked { event, data, expected })
    })
    .await?;
    Ok(shown(HttpResponse::Ok(), &request, &view))
}

/// `POST /api/plans/{id}/amendments`
///
/// # Errors
/// As [`action::amend`].
pub async fn amend(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (identity, id, context) = (identity_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    let reason = params::reason(&request)?;
    let request_id = super::problem::request_id(&request);
    let view =
        blocking(move || action::amend(&context, Witness::by(&identity, &request_id).because(reason.as_deref()), id))
            .await?;
    Ok(made(&request, &view))
}

/// `GET /api/plans/{id}/difference`
///
/// # Errors
/// As [`action::compare`].
pub async fn compare(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    let document = blocking(move || {
        let compared = action::compare(&context, &asker.actor, id)?;
        let all = difference(&compared.before_zones, &compared.after_zones);
        let count = |change: Change| all.iter().filter(|one| one.change == change).count();
        let told = all.iter().filter(|one| one.change != Change::Kept).map(wire::changed);
        Ok(json!({
            "before": compared.before.as_ref().map(|plan| json!({"id": plan.id, "number": plan.number})),
            "after": {"id": compared.after.id, "number": compared.after.number},
            "added": count(Change::Added),
            "changed": count(Change::Changed),
            "withdrawn": count(Change::Withdrawn),
            "kept": count(Change::Kept),
            "zones": told.collect::<Vec<_>>(),
        }))
    })
    .await?;
    Ok(answer(HttpResponse::Ok(), &document))
}

/// `POST /api/plans/{id}/checks`
///
/// # Errors
/// As [`check::check`].
pub async fn check(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (identity, asker) = (identity_of(&request)?, asker_of(&request)?);
    let (id, context) = (path_id(&id, WORD)?, app.context.clone());
    let reason = params::reason(&request)?;
    let (run, document) = blocking(move || {
        let witness = Witness::by(&identity, &asker.request_id).because(reason.as_deref());
        let write = |check: &PlanCheck, id| Ok(written(check, id)?.to_string());
        let (run, hash) = check::check(&context, &asker, witness, id, &write)?;
        Ok((run.id, wire::kept(&run, &hash)?))
    })
    .await?;
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, format!("{}/api/plans/{id}/checks?run={run}", params::base(&request))));
    Ok(answer(response, &document))
}

/// `GET /api/plans/{id}/checks`
///
/// # Errors
/// As [`check::kept`].
pub async fn kept(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let query = Query::of(&request, CHECK_PARAMETERS)?;
    let (asker, id, context): (Asker, _, _) = (asker_of(&request)?, path_id(&id, WORD)?, app.context.clone());
    let run = query.id("run")?;
    let document = blocking(move || {
        let (run, hash) = check::kept(&context, &asker, id, run)?;
        wire::kept(&run, &hash)
    })
    .await?;
    Ok(answer(HttpResponse::Ok(), &document))
}

/// The answer of a check, as it is kept.
///
/// # Errors
/// [`Error::Internal`], by a fault of ours alone.
pub fn written(check: &PlanCheck, id: Uuid) -> Result<Json> {
    let mut document = json!({
        "id": id,
        "plan": check.plan.id,
        "plan_version": check.plan.version,
        "revisions": check.revisions,
    });
    let zones = check.zones.iter().map(|of| (&of.zone, of.findings.as_slice()));
    if let (Json::Object(document), Json::Object(more)) = (&mut document, wire::findings(zones, check.grid)?) {
        document.extend(more);
    }
    Ok(document)
}

fn made(request: &HttpRequest, view: &PlanView) -> HttpResponse {
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, format!("{}/api/plans/{}", params::base(request), view.plan.id)));
    shown(response, request, view)
}

fn shown(mut response: HttpResponseBuilder, request: &HttpRequest, view: &PlanView) -> HttpResponse {
    let PlanView { plan, state, zones, check, allowed, head } = view;
    let mut written = wire::write(plan, *state);
    if let (Some(decision), Some(head)) = (written.get_mut("decision"), head) {
        decision["audit"] = audit_head(head);
    }
    written.insert("zones".into(), (*zones).into());
    let check = check.as_ref().map(|(run, hash, current)| wire::check(run, hash, Some(*current)));
    written.insert("check".into(), check.unwrap_or(Json::Null));
    written.insert("allowed".into(), allowed.iter().map(|event| event.as_str()).collect::<Vec<_>>().into());
    let items = format!("{}/ogc/collections/zones/items?plan={}", params::base(request), plan.id);
    written.insert("items".into(), items.into());
    response.insert_header((ETAG, format!("\"{}\"", plan.version)));
    answer(response, &Json::Object(written))
}

fn answer(mut response: HttpResponseBuilder, document: &Json) -> HttpResponse {
    response
        .content_type("application/json")
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .body(document.to_string())
}
