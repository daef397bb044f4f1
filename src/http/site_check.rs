//! Automatic site checks of columns that nobody has asked for yet.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, LOCATION, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value as Json;
use uuid::Uuid;

use super::auth::{asker_of, identity_of};
use super::params::{self, GEOJSON, Query};
use super::problem::Answer as Response;
use super::{App, batch, blocking};
use crate::actions::site_check::{self as action, Asked as AskedSite, Question, SiteCheck};
use crate::actions::{Asker, Context, Witness};
use crate::clock;
use crate::error::{Error, Result};
use crate::wire::document;
use crate::wire::site_check::{CheckedRow, subjects};

/// The parameters of a site check, as the API document shows them.
pub const PARAMETERS: &[&str] = &["at", "store"];

/// Those of a batch, which is never kept.
pub const BATCH_PARAMETERS: &[&str] = &["at"];

/// `POST /api/site-checks`
///
/// # Errors
/// As [`action::check`].
pub async fn check(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Response {
    let query = Query::of(&request, PARAMETERS)?;
    let identity = identity_of(&request)?;
    let stores = match query.text("store") {
        None | Some("yes") => !identity.actor.is_public(),
        Some("no") => false,
        Some(other) => return Err(Error::parameter("store", format!("«{other}» is not yes or no")).into()),
    };
    let asked = Asked::of(&request, &app, &query)?;
    let reason = params::reason(&request)?;
    let text = params::body(&request, payload, &app.context.settings, &[GEOJSON, "application/json"]).await?;
    let (document, ids) = blocking(move || {
        let checks = asked.checks(&document::json(&text)?)?;
        if !stores {
            let written = checks.iter().map(|check| write(check, None)).collect::<Result<Vec<_>>>()?;
            return Ok((results(&written), Vec::new()));
        }
        let witness = Witness::by(&identity, &asked.asker.request_id).because(reason.as_deref());
        let kept = action::keep(&asked.context, witness, &checks, &|check, id| write(check, Some(id)))?;
        let ids: Vec<Uuid> = kept.iter().flatten().map(|kept| kept.id).collect();
        let given = checks.iter().zip(kept).map(|(check, kept)| match kept {
            Some(kept) => Ok(kept.document),
            None => write(check, None),
        });
        Ok((results(&given.collect::<Result<Vec<_>>>()?), ids))
    })
    .await?;
    let mut response = if ids.is_empty() { HttpResponse::Ok() } else { HttpResponse::Created() };
    if let [id] = ids.as_slice() {
        response.insert_header((LOCATION, format!("{}/api/site-checks/{id}", params::base(&request))));
    }
    Ok(response
        .content_type("application/json")
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(document))
}

/// An answer of results that are written already: what is kept of each is what is given, letter by letter.
fn results(written: &[String]) -> String {
    format!("{{\"results\":[{}]}}", written.join(","))
}

/// `POST /api/site-checks/batch`
///
/// # Errors
/// What is wrong with the request as a whole. What is wrong with a line, or its check, stands in the answer's line.
pub async fn check_batch(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Response {
    let query = Query::of(&request, BATCH_PARAMETERS)?;
    let asked = Asked::of(&request, &app, &query)?;
    batch::run(request, app, payload, Arc::new(asked)).await
}

/// Site checks as far as the head of a request says it: all but the columns.
struct Asked {
    context: Context,
    asker: Asker,
    question: Question,
    reading: document::Reading,
}

impl Asked {
    fn of(request: &HttpRequest, app: &App, query: &Query) -> Result<Self> {
        Ok(Self {
            asker: asker_of(request)?,
            question: Question {
                at: query.moment("at")?.unwrap_or_else(clock::now),
                min_revision: params::min_revision(request)?,
            },
            reading: params::reading(request, &app.context.settings)?,
            context: app.context.clone(),
        })
    }

    fn checks(&self, document: &Json) -> Result<Vec<SiteCheck>> {
        let asked = subjects(document, self.reading, self.context.settings.subjects_max)?;
        let asked: Vec<AskedSite> = asked
            .into_iter()
            .map(|s| AskedSite { name: s.name, pointer: s.pointer, delivered: s.delivered, subject: s.subject })
            .collect();
        action::check(&self.context, &self.asker, &asked, &self.question)
    }
}

impl batch::Asks for Asked {
    fn reach(&self) -> Result<()> {
        action::can_answer(&self.context, &self.question)
    }

    fn answer_line(&self, number: u64, line: &[u8], text: &mut Vec<u8>) -> Result<()> {
        let checks = self.checks(&document::json_line(line)?)?;
        text.extend_from_slice(format!("{{\"line\":{number},\"results\":[").as_bytes());
        for (n, check) in checks.iter().enumerate() {
            if n > 0 {
                text.push(b',');
            }
            write_behind(check, None, text)?;
        }
        text.extend_from_slice(b"]}\n");
        Ok(())
    }

    fn answer_line_at_once(&self, _: u64, _: &[u8], _: &mut Vec<u8>) -> Result<bool> {
        // It may have to wait until it is noted who is shown what.
        Ok(false)
    }
}

/// Writes what the checks say of a column, with the id of the run that is kept, behind `text`.
fn write_behind(check: &SiteCheck, id: Option<Uuid>, text: &mut Vec<u8>) -> Result<()> {
    CheckedRow {
        id,
        name: &check.name,
        delivered: &check.delivered,
        lonlat: &check.lonlat,
        subject: &check.subject,
        jurisdiction: check.jurisdiction.as_deref(),
        revisions: &check.revisions,
        at: check.at,
        day: check.day,
        verdict: check.verdict(),
        grid: check.grid,
        findings: &check.findings,
    }
    .write(text)
}

/// What the checks say of a column; with the id of the run that is kept.
pub(super) fn write(check: &SiteCheck, id: Option<Uuid>) -> Result<String> {
    let mut text = Vec::new();
    write_behind(check, id, &mut text)?;
    String::from_utf8(text).map_err(|e| Error::Internal(e.to_string()))
}
