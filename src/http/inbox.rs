//! What waits for somebody: as a document, and as a feed for calendars (iCalendar, RFC 5545) that ask by HTTP Basic (RFC 7617), as
//! they know no other credential. Who asks so has an API token as his password; a feed is all that it opens.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json, json};

use super::auth::asker_of;
use super::params::{self, GEOJSON, Query};
use super::problem::Answer;
use super::site_request::{answered, features};
use super::{App, blocking};
use crate::actions::plan::{self, Waiting};
use crate::actions::site_request::inbox as action;
use crate::domain::word::Word;
use crate::wire::{ical, plan as wire};

/// The parameters of the inbox, as the API document shows them.
pub const PARAMETERS: &[&str] = &["jurisdiction", "limit"];

/// The parameters of the feed.
pub const FEED_PARAMETERS: &[&str] = &["jurisdiction"];

/// Where people ask.
pub const INBOX: &str = "/api/inbox";

/// Where calendars ask.
pub const FEED: &str = "/api/inbox.ics";

/// What those who ask for a feed without a credential are told to bring.
pub(super) const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"clearway\", charset=\"UTF-8\"");

/// `GET /api/inbox`
///
/// # Errors
/// As [`action::inbox`].
pub async fn get(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, PARAMETERS)?;
    let settings = app.context.settings.clone();
    let limit = query.limit(settings.page_limit_default, settings.page_limit_max)?;
    let jurisdiction = query.text("jurisdiction").map(str::to_owned);
    let (asker, context) = (asker_of(&request)?, app.context.clone());
    let (found, plans) = blocking(move || {
        let found = action::inbox(&context, &asker.actor, jurisdiction.as_deref(), limit)?;
        Ok((found, plan::waiting(&context, &asker.actor, jurisdiction.as_deref(), limit)?))
    })
    .await?;
    let base = params::base(&request);
    let one = |Waiting { plan, state, allowed }: &Waiting| {
        let mut written = wire::write(plan, *state);
        written.insert("allowed".into(), allowed.iter().map(|event| event.as_str()).collect());
        // No law says until when a plan is decided on.
        written.insert("due_on".into(), Json::Null);
        written.insert("slack_days".into(), Json::Null);
        written.insert("href".into(), format!("{base}/api/plans/{}", plan.id).into());
        Json::Object(written)
    };
    let counts: Map<String, Json> =
        found.counts.iter().map(|(state, n)| (state.as_str().to_owned(), json!(n))).collect();
    let plan_counts: Map<String, Json> =
        plans.counts.iter().map(|(state, n)| (state.as_str().to_owned(), json!(n))).collect();
    let document = json!({
        "type": "FeatureCollection",
        "features": features(&found.waiting),
        "more": found.more || plans.more,
        "counts": counts,
        "plans": plans.waiting.iter().map(one).collect::<Vec<_>>(),
        "plan_counts": plan_counts,
    });
    Ok(answered(HttpResponse::Ok(), GEOJSON, &document))
}

/// `GET /api/inbox.ics`
///
/// # Errors
/// As [`action::inbox`].
pub async fn feed(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, FEED_PARAMETERS)?;
    let limit = app.context.settings.page_limit_max;
    let jurisdiction = query.text("jurisdiction").map(str::to_owned);
    let (asker, context) = (asker_of(&request)?, app.context.clone());
    let found = blocking(move || action::inbox(&context, &asker.actor, jurisdiction.as_deref(), limit)).await?;
    let due: Vec<_> = found.waiting.iter().filter_map(|shown| Some((shown.counted(), shown.timing.due_on?))).collect();
    let due = due.iter().map(|(filed, day)| (filed.as_ref(), *day));
    let text = ical::due_dates(due, &params::base(&request));
    let mut response = HttpResponse::Ok();
    response.content_type("text/calendar; charset=utf-8").insert_header((VARY, "Authorization, Cookie"));
    Ok(response.insert_header((CACHE_CONTROL, "private, no-store")).body(text))
}
