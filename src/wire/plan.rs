//! Plans as JSON: what somebody says of one, the events he sends, and what is shown of it, of its checks and its steps.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::document::{fields, object};
use super::feature::date;
use super::site_check::finding_json;
use crate::domain::audit::{Digest, hex, reason};
use crate::domain::fields::{Fields, Reading, Value};
use crate::domain::plan::{Changed, Plan, PlanEvent, PlanRun, PlanSaid, PlanState, StepData};
use crate::domain::site_check::{Finding, Verdict};
use crate::domain::word::Word;
use crate::domain::zone::Zone;
use crate::error::{Error, Result};
use crate::geometry::{Epsg, Problem};

/// Reads what somebody says of a plan that he begins.
///
/// # Errors
/// [`Error::Invalid`] with every problem.
pub fn read_said(document: &Json) -> Result<PlanSaid> {
    let document = object(document, "").map_err(|p| Error::Invalid(vec![p]))?;
    PlanSaid::read(&fields(document)).map_err(Error::Invalid)
}

/// Reads an event: which, why, and what comes with it.
///
/// # Errors
/// [`Error::Invalid`] with every problem.
pub fn read_event(document: &Json) -> Result<(PlanEvent, Option<String>, StepData)> {
    let document = object(document, "").map_err(|p| Error::Invalid(vec![p]))?;
    let mut problems = Vec::new();
    let empty = Map::new();
    let data = match document.get("data") {
        None | Some(Json::Null) => &empty,
        Some(data) => object(data, "/data").unwrap_or_else(|problem| {
            problems.push(problem);
            &empty
        }),
    };
    let data = StepData::read(&fields(data));
    let head: Fields = Fields(fields(document).0.into_iter().filter(|(name, _)| name != "data").collect());
    let mut r = Reading::of_document(&head, &["event", "reason"]);
    let event = r.word("event");
    let event = r.required("event", event);
    let why = match r.text("reason").map(|text| reason(&text)) {
        None => None,
        Some(Ok(why)) => why,
        Some(Err(detail)) => {
            r.wrong("reason", detail);
            None
        }
    };
    match (r.finish(event), data) {
        (Ok(event), Ok(data)) if problems.is_empty() => Ok((event, why, data)),
        (head, data) => {
            problems.extend(head.err().into_iter().flatten());
            problems.extend(data.err().into_iter().flatten().map(|p: Problem| p.under("/data")));
            Err(Error::Invalid(problems))
        }
    }
}

/// A plan, as it is in a list too.
#[must_use]
pub fn write(plan: &Plan, state: PlanState) -> Map<String, Json> {
    let decision = plan.decision.as_ref().map(|d| {
        json!({
            "number": d.number,
            "date": d.date.to_string(),
            "signer": d.signer,
            "authority": d.authority,
            "effective_from": d.from.to_string(),
            "effective_to": date(d.to),
            "file_sha256": hex(&d.sha256),
            "check": d.check,
        })
    });
    let in_force = plan.in_force().map(|(from, to)| json!({"from": from.to_string(), "to": date(to)}));
    let value = json!({
        "id": plan.id,
        "code": plan.code,
        "number": plan.number,
        "amends": plan.amends,
        "name": plan.name,
        "jurisdiction": plan.jurisdiction,
        "organisation": plan.organisation,
        "visibility": plan.visibility().as_str(),
        "state": state.as_str(),
        "appraisal_number": plan.appraisal_number,
        "submission_number": plan.submission_number,
        "decision": decision,
        "published_on": date(plan.published_on),
        "in_force": in_force,
        "version": plan.version,
        "revision": plan.revision,
        "recorded_at": plan.recorded_at.to_string(),
    });
    if let Json::Object(map) = value { map } else { Map::new() }
}

/// What a check of a plan came to; whether it is of the zones as they are, where that is known.
#[must_use]
pub fn check(run: &PlanRun, hash: &Digest, current: Option<bool>) -> Json {
    json!({
        "id": run.id,
        "sha256": hex(hash),
        "verdict": run.verdict.as_str(),
        "zones": run.zones,
        "warned": run.warned,
        "blocked": run.blocks.iter().map(|b| json!({"zone": b.zone, "code": b.code.as_str()})).collect::<Vec<_>>(),
        "at": run.at.to_string(),
        "day": run.day.to_string(),
        "revision": run.looked_at,
        "recorded_revision": run.revision,
        "asker": {"actor": run.actor, "organisation": run.organisation},
        "current": current,
    })
}

/// A check that was kept: what it came to, and the answer as it was given.
///
/// # Errors
/// [`Error::Internal`] where what was kept is no document.
pub fn kept(run: &PlanRun, hash: &Digest) -> Result<Json> {
    let broken = || Error::Internal(format!("the document of the plan check {} cannot be read", run.id));
    let Ok(Json::Object(document)) = serde_json::from_str(&run.document) else { return Err(broken()) };
    let Json::Object(mut written) = check(run, hash, None) else { return Err(broken()) };
    written.shift_remove("current");
    for (name, value) in document {
        written.insert(name, value);
    }
    Ok(Json::Object(written))
}

/// The zones of an answer: of each zone that somebody has to look at what the checks say, by code and verdict how many there are,
/// and which sources do not answer for how many of them.
///
/// # Errors
/// [`Error::Internal`], by a fault of ours alone.
pub fn findings<'a>(all: impl Iterator<Item = (&'a Zone, &'a [Finding])>, grid: Epsg) -> Result<Json> {
    let mut results = Vec::new();
    let mut counts: BTreeMap<&'static str, BTreeMap<&'static str, u32>> = BTreeMap::new();
    let mut gaps: BTreeMap<(String, &'static str), u32> = BTreeMap::new();
    for (zone, findings) in all {
        for finding in findings {
            *counts.entry(finding.code.as_str()).or_default().entry(finding.verdict.as_str()).or_default() += 1;
        }
        let mut of_zone: Vec<_> =
            findings.iter().flat_map(|f| &f.gaps).map(|gap| (gap.source.to_string(), gap.why.as_str())).collect();
        of_zone.sort_unstable();
        of_zone.dedup();
        for gap in of_zone {
            *gaps.entry(gap).or_default() += 1;
        }
        let said =
            |finding: &&Finding| matches!(finding.verdict, Verdict::Warn | Verdict::NeedsSurvey | Verdict::Block);
        let told =
            findings.iter().filter(said).map(|finding| finding_json(finding, grid)).collect::<Result<Vec<_>>>()?;
        if !told.is_empty() {
            let worst = findings.iter().filter(said).map(|finding| finding.verdict).max();
            results.push(json!({
                "zone": zone.id,
                "code": zone.code(),
                "verdict": worst.map(Word::as_str),
                "findings": told,
            }));
        }
    }
    let gaps = gaps.into_iter().map(|((source, why), n)| json!({"source": source, "reason": why, "zones": n}));
    Ok(json!({"counts": counts, "gaps": gaps.collect::<Vec<_>>(), "results": results}))
}

/// What comes with a step, as it was sent.
#[must_use]
pub fn data(data: &StepData) -> Json {
    let text = |value: Value| if let Value::Text(text) = value { Json::String(text) } else { Json::Null };
    Json::Object(data.fields().0.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// What becomes of a zone by an amendment.
#[must_use]
pub fn changed(one: &Changed<'_>) -> Json {
    let zone = one.after.or(one.before);
    json!({
        "zone": zone.map(|zone| zone.zone),
        "code": zone.map(Zone::code),
        "change": one.change.as_str(),
        "what": one.what,
        "before": one.before.map(|zone| zone.id),
        "after": one.after.map(|zone| zone.id),
    })
}
