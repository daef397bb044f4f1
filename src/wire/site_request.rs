//! Site requests: a document to what is asked for, an event to what is said, and a case as JSON.

use serde_json::{Map, Value as Json, json};

use super::audit::audit_head;
use super::document::{Reading, delivered, fields, object};
use super::feature::date;
use super::site_check::subject_json;
use crate::domain::audit::{RecordedHead, hex};
use crate::domain::case_clock::CaseClock;
use crate::domain::document::DocumentKind;
use crate::domain::fields::{Fields, Value};
use crate::domain::place::Delivered;
use crate::domain::site_request::case::{Candidate, Case, CaseEvent, Consultation, Noted};
use crate::domain::site_request::dossier;
use crate::domain::site_request::reader::{CaseReader, Standing};
use crate::domain::site_request::timing::Timing;
use crate::domain::site_request::told::Told;
use crate::domain::site_request::words::Event;
use crate::domain::site_request::{Filed, SiteRequestProps};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::geometry::Problem;
use crate::geometry::encoding::geojson;

/// What a Feature says of a request.
#[derive(Debug, Clone)]
pub struct Document {
    /// The properties.
    pub told: Told,
    /// The jurisdiction among them.
    pub jurisdiction: Option<String>,
    /// The place.
    pub delivered: Option<Delivered>,
}

/// Members with lists of objects apart.
fn told(members: &Map<String, Json>) -> Told {
    let mut told = Told::default();
    let mut rest = Map::new();
    for (name, value) in members {
        let objects: Option<Vec<&Map<String, Json>>> =
            value.as_array().filter(|all| !all.is_empty()).and_then(|all| all.iter().map(Json::as_object).collect());
        match objects {
            Some(objects) => told.lists.push((name.clone(), objects.into_iter().map(fields).collect())),
            None => {
                rest.insert(name.clone(), value.clone());
            }
        }
    }
    told.fields = fields(&rest);
    told
}

/// Reads a Feature, collecting every problem.
///
/// # Errors
/// [`Error::Invalid`] with every problem, those of its properties too, where it is to be of `owner`.
pub fn read(value: &Json, reading: Reading, owner: Option<&str>) -> Result<Document> {
    let feature = object(value, "").map_err(|p| Error::Invalid(vec![p]))?;
    let mut problems = Vec::new();
    if feature.get("type").and_then(Json::as_str) != Some("Feature") {
        problems.push(Problem::new("/type", "must be \"Feature\""));
    }
    if let Some(Err(problem)) = feature.get("crs").map(geojson::crs_member) {
        problems.push(problem.under("/crs"));
    }
    let empty = Map::new();
    let properties = match feature.get("properties") {
        None | Some(Json::Null) => &empty,
        Some(value) => object(value, "/properties").unwrap_or_else(|problem| {
            problems.push(problem);
            &empty
        }),
    };
    let shape = match feature.get("geometry") {
        None | Some(Json::Null) => None,
        Some(geometry) => match delivered(geometry, reading, "/geometry") {
            Ok(found) => Some(found),
            Err(Error::Invalid(more)) => {
                problems.extend(more);
                None
            }
            Err(other) => return Err(other),
        },
    };
    let jurisdiction = match properties.get("jurisdiction") {
        None | Some(Json::Null) => None,
        Some(Json::String(code)) => Some(code.clone()),
        Some(_) => {
            problems.push(Problem::new("/properties/jurisdiction", "text belongs here"));
            None
        }
    };
    let told = told(properties);
    if problems.is_empty() {
        return Ok(Document { told, jurisdiction, delivered: shape });
    }
    problems.extend(SiteRequestProps::read(&told, owner).err().unwrap_or_default());
    Err(Error::Invalid(problems))
}

/// An event as it was sent: which, what is said with it, and why.
///
/// # Errors
/// [`Error::Invalid`] with every problem.
pub fn read_event(document: &Json) -> Result<(Event, Told, Option<String>)> {
    let document = object(document, "").map_err(|p| Error::Invalid(vec![p]))?;
    let given = fields(document);
    let mut r = crate::domain::fields::Reading::of_document(&given, &["event", "reason", "data"]);
    let event = r.word("event");
    let (event, reason) = (r.required("event", event), r.text("reason"));
    let data = match document.get("data") {
        None | Some(Json::Null) => Some(Told::default()),
        Some(Json::Object(data)) => Some(told(data)),
        Some(_) => {
            r.wrong("data", "is no object");
            None
        }
    };
    let (event, data) = r.finish(event.zip(data)).map_err(Error::Invalid)?;
    Ok((event, data, reason))
}

/// What whoever was asked goes on reading of a request: as much as a receipt tells of it.
const OF_WAS_ASKED: &[&str] =
    &["code", "jurisdiction", "state", "allowed", "due_on", "slack_days", "overdue", "recorded_crs"];

/// A request as a Feature in WGS 84, without links; with it the events that may be sent now, and what is left of the time.
#[must_use]
pub fn write(filed: &Filed, allowed: &[Event], timing: &Timing, standing: Standing) -> Map<String, Json> {
    let props = &filed.body.props;
    let mut properties = Map::new();
    let mut put = |name: &str, value: Json| properties.insert(name.to_owned(), value);
    put("code", json!(props.code));
    put("jurisdiction", json!(filed.jurisdiction));
    put("state", json!(filed.state.as_str()));
    put("allowed", allowed.iter().map(|event| event.as_str()).collect());
    put("receipt", json!(filed.receipt));
    put("due_on", date(timing.due_on));
    put("slack_days", json!(timing.slack_days));
    put("overdue", json!(timing.is_overdue));
    put("name", json!(props.name));
    if let Json::Object(subject) = subject_json(&props.subject) {
        for (name, value) in subject.into_iter().filter(|(name, _)| name != "request") {
            put(&name, value);
        }
    }
    let documents = props.documents.iter();
    let document = documents.map(|d| json!({"kind": d.kind.as_str(), "name": d.name, "sha256": hex(&d.sha256)}));
    put("documents", document.collect());
    put("declarations", props.declarations.iter().map(|d| d.as_str()).collect());
    put("work", json!(filed.work));
    put("recorded_crs", json!(filed.body.place.recorded.crs.to_string()));
    put("recorded_at", json!(filed.recorded_at.to_string()));
    put("revision", json!(filed.revision));
    put("version", json!(filed.version));
    let was_asked = standing == Standing::WasAsked;
    if was_asked {
        let hidden = properties.iter_mut().filter(|(name, _)| !OF_WAS_ASKED.contains(&name.as_str()));
        hidden.for_each(|(_, value)| *value = if value.is_array() { json!([]) } else { Json::Null });
    }
    let mut document = Map::new();
    document.insert("type".into(), json!("Feature"));
    document.insert("id".into(), json!(filed.id));
    let place = || geojson::to_value(&filed.body.place.lonlat.0);
    document.insert("geometry".into(), if was_asked { Json::Null } else { place() });
    document.insert("properties".into(), Json::Object(properties));
    document
}

/// What the events of a case add up to, for somebody who reads it on a day and knows so many of them.
#[must_use]
pub fn write_case(
    filed: &Filed,
    case: &Case,
    missing: &[DocumentKind],
    head: Option<&RecordedHead>,
    clock: Option<&CaseClock>,
    (day, reader, events): (jiff::civil::Date, &CaseReader, usize),
) -> Json {
    let asked = case.consultations.iter().filter(|c| reader.knows_of(c));
    let consultations: Vec<Json> = asked.map(|c| consultation(c, day, reader)).collect();
    if reader.standing == Standing::WasAsked {
        return json!({"consultations": consultations});
    }
    let required = dossier::required(&filed.body.props);
    let names = |kinds: &[DocumentKind]| -> Json { kinds.iter().map(|kind| kind.as_str()).collect() };
    let run = case.run.as_ref().map(|run| {
        let said = reader.verdicts(case);
        let said: Map<String, Json> = said.map(|(c, v)| (c.to_string(), v.as_str().into())).collect();
        json!({
            "id": run.run,
            "sha256": hex(&run.hash),
            "verdicts": said,
            "restricted": reader.restricted(case).map(Word::as_str).collect::<Vec<_>>(),
            "sharing": reader.sharing(case).map(Word::as_str).collect::<Vec<_>>(),
            "candidates": reader.candidates(case).map(candidate).collect::<Vec<_>>(),
        })
    });
    // What is between the office and the carrier.
    let theirs = reader.is_within();
    let conditions = case.conditions.iter().filter(|_| theirs).map(|c| {
        json!({
            "text": c.draft.text,
            "reason": c.draft.reason,
            "due_on": date(c.draft.due_on),
            "overdue": c.is_overdue(day),
            "evidence": c.met.map(|(evidence, _)| hex(&evidence)),
            "met_at": c.met.map(|(_, at)| at.to_string()),
        })
    });
    let decided = case.decided.as_ref().map(|d| {
        json!({
            "event": d.event.as_str(),
            "at": d.at.to_string(),
            "number": d.signed.number,
            "on": d.signed.on.to_string(),
            "signer": d.signed.signer,
            "file": hex(&d.signed.file),
            "run": d.signed.run,
            "snapshot_sha256": d.snapshot.map(|digest| hex(&digest)),
            "audit": head.map(audit_head),
        })
    });
    json!({
        "events": events,
        "documents_required": names(&required),
        "documents_missing": names(missing),
        "submitted_sha256": case.submitted.map(|digest| hex(&digest)),
        "check": run,
        "consultations": consultations,
        "visits": case.visits.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "advice": case.advice.as_ref().filter(|_| theirs).map(|(advice, _)| advice.as_str()),
        "decision": decided,
        "conditions": conditions.collect::<Vec<_>>(),
        "permit": case.permit.as_ref().map(|(number, from, to)| json!({
            "number": number, "valid_from": from.to_string(), "valid_to": to.to_string(),
        })),
        "shared_column": case.shared.filter(|_| theirs),
        "clock_paused": case.clock_is_paused(),
        "clock": clock.filter(|_| theirs).map(write_clock),
        "deemed_approved_at": case.deemed_at.map(|at| at.to_string()),
    })
}

/// What the clock of a case shows; numbers of days are of working days.
fn write_clock(clock: &CaseClock) -> Json {
    json!({
        "received_on": clock.received.to_string(),
        "term_days": clock.term_days,
        // Of one that stands still: were it to run on now.
        "due_on": clock.due.to_string(),
        "used_days": clock.used_days,
        "left_days": clock.left_days,
        "overdue_days": clock.overdue_days,
        "overdue_since": date(clock.overdue_since),
        "paused": clock.paused.map(|pause| json!({"since": pause.from.to_string(), "reason": pause.reason.as_str()})),
        "stopped_at": clock.stopped.map(|at| at.to_string()),
    })
}

fn candidate(candidate: &Candidate) -> Json {
    json!({
        "id": candidate.id,
        "code": candidate.code,
        "organisation": candidate.organisation,
        "distance_m": candidate.distance_m,
        "spare_capacity": candidate.spare_capacity,
    })
}

fn consultation(c: &Consultation, day: jiff::civil::Date, reader: &CaseReader) -> Json {
    json!({
        "consultee": c.consultee.as_str(),
        "organisation": reader.knows_who(c).then_some(&c.organisation),
        "because": reader.because(c).map(Word::as_str).collect::<Vec<_>>(),
        "asked_at": c.asked_at.map(|at| at.to_string()),
        "answer_by": date(c.answer_by),
        "answer": c.answered.as_ref().map(|(answer, _, _)| answer.as_str()),
        "lapsed": c.has_lapsed(day),
    })
}

fn value(value: &Value) -> Json {
    match value {
        Value::Null | Value::Object => Json::Null,
        Value::Bool(yes) => (*yes).into(),
        Value::Number(number) => (*number).into(),
        Value::Text(text) | Value::Cell(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(self::value).collect(),
    }
}

fn members(fields: &Fields) -> Map<String, Json> {
    fields.0.iter().map(|(name, of)| (name.clone(), value(of))).collect()
}

/// What the office and the committee say with it is said to whoever sees the case.
fn is_addressed(event: Event) -> bool {
    use Event::{
        AdmitAppeal, Approve, ApproveWithConditions, DismissAppeal, Extend, IssuePermit, Pause, RecordAgreement,
        Refuse, RejectAtIntake, RequestSupplement, RequireSharing, ReturnAsBuilt, Revoke,
    };
    matches!(
        event,
        RejectAtIntake
            | RequestSupplement
            | Approve
            | ApproveWithConditions
            | RequireSharing
            | Refuse
            | AdmitAppeal
            | DismissAppeal
            | IssuePermit
            | RecordAgreement
            | ReturnAsBuilt
            | Revoke
            | Pause
            | Extend
    )
}

/// An event of a history, the so-manieth of those that are shown. Who sent it is told to whoever may know the authors, and for which organisation to whoever may know that.
#[must_use]
pub fn write_event(
    (event, number): (&CaseEvent, u32),
    case: &Case,
    head: Option<&RecordedHead>,
    names: bool,
    reader: &CaseReader,
) -> Json {
    let mut data = members(&event.data.fields);
    for (name, list) in &event.data.lists {
        data.insert(name.clone(), list.iter().map(|fields| Json::Object(members(fields))).collect());
    }
    // What is said within the office and by those whom it asks is theirs; what is said to the carrier is in what he is told.
    let told = names || reader.knows_papers() || is_addressed(event.event) && reader.knows_what(event);
    let told = told && reader.knows_content(event);
    let nothing = Noted::default();
    let noted = if reader.knows_content(event) { &event.noted } else { &nothing };
    json!({
        "seq": number,
        "event": event.event.as_str(),
        "from": event.from.as_str(),
        "to": event.to.as_str(),
        "at": event.at.to_string(),
        "actor": names.then_some(&event.actor),
        "organisation": event.organisation.as_ref().filter(|_| names || reader.knows_sender(event, case)),
        "reason": event.reason.as_ref().filter(|_| told),
        "data": if told { Json::Object(data) } else { Json::Null },
        "receipt": noted.receipt,
        "snapshot": noted.snapshot.as_ref().filter(|_| reader.knows_snapshot(event)),
        "snapshot_sha256": noted.snapshot_hash.map(|digest| hex(&digest)),
        "check": noted.run.as_ref().map(|run| json!({"id": run.run, "sha256": hex(&run.hash)})),
        "deviation_m": noted.deviation_m,
        "work": noted.work,
        "audit": head.filter(|_| reader.knows_content(event)).map(audit_head),
    })
}

/// How far a request has come, for whoever has the receipt: no reasons, no persons, no documents.
#[must_use]
pub fn write_tracked(filed: &Filed, events: &[CaseEvent]) -> Json {
    let steps = events.iter().filter(|event| event.from != event.to);
    let step = |event: &CaseEvent| json!({"state": event.to.as_str(), "since": event.at.to_string()});
    json!({
        "receipt": filed.receipt,
        "code": filed.body.props.code,
        "state": filed.state.as_str(),
        // The answer; what is due after it is between the office and the carrier.
        "due_on": date(filed.due_on.filter(|_| !filed.state.is_permitted())),
        "steps": steps.map(step).collect::<Vec<_>>(),
    })
}
