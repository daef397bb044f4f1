//! What was said with an event, and what the service added to it, as JSON in a row.

use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::domain::actor::Sight;
use crate::domain::audit::{Digest, hex, unhex};
use crate::domain::fields::{Fields, Value};
use crate::domain::site_check::{CheckCode, HiddenCells, Verdict};
use crate::domain::site_request::case::{Candidate, Noted, RunNoted, ToAsk};
use crate::domain::site_request::dossier::Listed;
use crate::domain::site_request::reader::SaidTo;
use crate::domain::site_request::told::Told;
use crate::domain::word::Word;
use crate::error::Error;
use crate::geometry::cells::Cell;
use crate::store::{Failure, Stored};

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

/// What was said.
pub(super) fn told_json(told: &Told) -> Json {
    let mut all = members(&told.fields);
    for (name, list) in &told.lists {
        all.insert(name.clone(), list.iter().map(|fields| Json::Object(members(fields))).collect());
    }
    Json::Object(all)
}

fn read(value: &Json) -> Value {
    match value {
        Json::Null | Json::Object(_) => Value::Null,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => number.as_f64().map_or(Value::Null, Value::Number),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(read).collect()),
    }
}

fn fields(object: &Map<String, Json>) -> Fields {
    Fields(object.iter().map(|(name, of)| (name.clone(), read(of))).collect())
}

/// What was said, out of a row.
pub(super) fn told(json: &Json) -> Told {
    let mut told = Told::default();
    for (name, of) in json.as_object().into_iter().flatten() {
        let objects: Option<Vec<&Map<String, Json>>> =
            of.as_array().filter(|all| !all.is_empty()).and_then(|all| all.iter().map(Json::as_object).collect());
        match objects {
            Some(objects) => told.lists.push((name.clone(), objects.into_iter().map(fields).collect())),
            None => told.fields.0.push((name.clone(), read(of))),
        }
    }
    told
}

/// Documents of a dossier.
pub(super) fn documents_json(documents: &[Listed]) -> Json {
    let one = |d: &Listed| json!({"kind": d.kind.as_str(), "name": d.name, "sha256": hex(&d.sha256)});
    documents.iter().map(one).collect()
}

/// Documents of a dossier, out of a row.
pub(super) fn documents(json: &Json) -> Stored<Vec<Listed>> {
    let one = |json: &Json| json.as_object().and_then(|o| Listed::read(&fields(o)).ok());
    let all: Option<Vec<Listed>> = json.as_array().and_then(|all| all.iter().map(one).collect());
    all.ok_or_else(|| wrong("documents"))
}

pub(super) fn wrong(what: &str) -> Failure {
    Failure::Ours(Error::Internal(format!("a stored site request has {what} that is none")))
}

fn digest_json(digest: Option<&Digest>) -> Json {
    digest.map(|d| hex(d)).into()
}

fn run_json(run: &RunNoted) -> Json {
    let said = run.said.iter().map(|(code, verdict)| (code.to_string(), Json::from(verdict.as_str())));
    let consult = run.consult.iter().map(|to| {
        let rests_on: Vec<String> = to.rests_on.iter().map(|on| hex(on)).collect();
        json!({"code": to.code.as_str(), "consultee": to.consultee.as_str(), "organisation": to.organisation,
            "rests_on": rests_on})
    });
    let candidates = run.candidates.iter().map(|c| {
        json!({"id": c.id, "code": c.code, "organisation": c.organisation, "distance_m": c.distance_m,
            "spare_capacity": c.spare_capacity})
    });
    json!({
        "id": run.run,
        "sha256": hex(&run.hash),
        "said": said.collect::<Map<String, Json>>(),
        "sharing": run.sharing.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
        "consult": consult.collect::<Vec<_>>(),
        "candidates": candidates.collect::<Vec<_>>(),
        "to_others": run.to_others.iter().map(said_to_json).collect::<Vec<_>>(),
    })
}

fn said_to_json(to: &SaidTo) -> Json {
    let words = |codes: &[CheckCode]| -> Json { codes.iter().map(|code| code.as_str()).collect() };
    let said = to.said.iter().map(|(code, verdict)| (code.to_string(), Json::from(verdict.as_str())));
    let consult = to.consult.iter().map(|(code, who)| json!({"code": code.as_str(), "consultee": who.as_str()}));
    let hidden = to.hidden.iter().map(|of| {
        let cells: Vec<[i32; 2]> = of.cells.iter().map(|cell| [cell.column, cell.row]).collect();
        json!({"jurisdiction": of.jurisdiction, "source": of.source, "cells": cells})
    });
    json!({
        "sees": to.sight.visibilities.iter().map(|v| v.as_str()).collect::<Vec<_>>(),
        "organisation": to.sight.organisation,
        "said": said.collect::<Map<String, Json>>(),
        "restricted": words(&to.restricted),
        "sharing": words(&to.sharing),
        "consult": consult.collect::<Vec<_>>(),
        "candidates": to.candidates,
        "hidden": hidden.collect::<Vec<_>>(),
    })
}

/// What the service added; what it did not is left out.
pub(super) fn noted_json(noted: &Noted) -> Json {
    let day = |day: Option<Date>| Json::from(day.map(|d| d.to_string()));
    let mut all = json!({
        "receipt": noted.receipt,
        "secret_sha256": digest_json(noted.secret.as_ref()),
        "snapshot": noted.snapshot,
        "snapshot_sha256": digest_json(noted.snapshot_hash.as_ref()),
        "term_days": noted.term_days,
        "run": noted.run.as_ref().map(run_json),
        "day": day(noted.day),
        "answer_by": day(noted.answer_by),
        "answered_for": noted.answered_for,
        "permit_from": day(noted.permit.map(|(from, _)| from)),
        "permit_to": day(noted.permit.map(|(_, to)| to)),
        "deviation_m": noted.deviation_m,
        "work": noted.work,
        "lapsed": (!noted.lapsed.is_empty()).then_some(&noted.lapsed),
        "overdue": day(noted.overdue),
        "conditions": (!noted.conditions.is_empty()).then_some(&noted.conditions),
    });
    if let Json::Object(members) = &mut all {
        members.retain(|_, value| !value.is_null());
    }
    all
}

fn text<'j>(json: &'j Json, name: &str) -> Option<&'j str> {
    json.get(name).and_then(Json::as_str)
}

fn parsed<T: std::str::FromStr>(json: &Json, name: &str) -> Stored<Option<T>> {
    text(json, name).map(|t| t.parse().map_err(|_| wrong(name))).transpose()
}

fn digest(json: &Json, name: &str) -> Stored<Option<Digest>> {
    text(json, name).map(|t| unhex(t).ok_or_else(|| wrong(name))).transpose()
}

fn word<W: Word>(json: &Json, name: &str) -> Stored<W> {
    text(json, name).and_then(W::parse).ok_or_else(|| wrong(name))
}

fn each<'j>(json: &'j Json, name: &str) -> impl Iterator<Item = &'j Json> {
    json.get(name).and_then(Json::as_array).into_iter().flatten()
}

fn said(json: &Json) -> Stored<Vec<(CheckCode, Verdict)>> {
    let said = json.get("said").and_then(Json::as_object).ok_or_else(|| wrong("a run"))?;
    let said = said.iter().map(|(code, verdict)| {
        let verdict = verdict.as_str().and_then(Word::parse);
        Word::parse(code).zip(verdict).ok_or_else(|| wrong("a run"))
    });
    said.collect()
}

fn words<W: Word>(json: &Json, name: &str) -> Stored<Vec<W>> {
    each(json, name).map(|one| one.as_str().and_then(W::parse).ok_or_else(|| wrong(name))).collect()
}

fn said_to(json: &Json) -> Stored<SaidTo> {
    let number = |n: Option<&Json>| n.and_then(Json::as_i64).and_then(|n| i32::try_from(n).ok());
    let cell = |cell: &Json| {
        let (column, row) = number(cell.get(0)).zip(number(cell.get(1))).ok_or_else(|| wrong("a cell"))?;
        Ok(Cell { column, row })
    };
    let hidden = each(json, "hidden").map(|of| {
        Ok(HiddenCells {
            jurisdiction: text(of, "jurisdiction").unwrap_or_default().to_owned(),
            source: text(of, "source").unwrap_or_default().to_owned(),
            cells: each(of, "cells").map(cell).collect::<Stored<_>>()?,
        })
    });
    let id = |id: &Json| id.as_str().and_then(|id| id.parse().ok()).ok_or_else(|| wrong("a candidate"));
    Ok(SaidTo {
        sight: Sight {
            visibilities: words(json, "sees")?,
            organisation: text(json, "organisation").map(str::to_owned),
        },
        said: said(json)?,
        restricted: words(json, "restricted")?,
        sharing: words(json, "sharing")?,
        consult: each(json, "consult").map(|c| Ok((word(c, "code")?, word(c, "consultee")?))).collect::<Stored<_>>()?,
        candidates: each(json, "candidates").map(id).collect::<Stored<_>>()?,
        hidden: hidden.collect::<Stored<_>>()?,
    })
}

fn run(json: &Json) -> Stored<RunNoted> {
    let said = said(json)?;
    let sharing = if json.get("sharing").is_some() {
        words(json, "sharing")?
    } else {
        // Of a run that was noted before a zone could ask for it.
        said.iter().filter(|one| **one == (CheckCode::Spc, Verdict::Warn)).map(|(code, _)| *code).collect()
    };
    let consult = each(json, "consult").map(|c| {
        let on = |on: &Json| on.as_str().and_then(unhex).ok_or_else(|| wrong("a run"));
        Ok(ToAsk {
            code: word(c, "code")?,
            consultee: word(c, "consultee")?,
            organisation: text(c, "organisation").unwrap_or_default().to_owned(),
            rests_on: each(c, "rests_on").map(on).collect::<Stored<_>>()?,
        })
    });
    let candidates = each(json, "candidates").map(|c| {
        Ok(Candidate {
            id: parsed(c, "id")?.ok_or_else(|| wrong("a candidate"))?,
            code: text(c, "code").unwrap_or_default().to_owned(),
            organisation: text(c, "organisation").unwrap_or_default().to_owned(),
            distance_m: c.get("distance_m").and_then(Json::as_f64).unwrap_or_default(),
            spare_capacity: c.get("spare_capacity").and_then(Json::as_u64).and_then(|n| u32::try_from(n).ok()),
        })
    });
    Ok(RunNoted {
        run: parsed::<Uuid>(json, "id")?.ok_or_else(|| wrong("a run"))?,
        hash: digest(json, "sha256")?.ok_or_else(|| wrong("a run"))?,
        said,
        sharing,
        consult: consult.collect::<Stored<_>>()?,
        candidates: candidates.collect::<Stored<_>>()?,
        // Of one that was noted before that was known nothing is said to anybody else.
        to_others: each(json, "to_others").map(said_to).collect::<Stored<_>>()?,
    })
}

/// What the service added, out of a row.
pub(super) fn noted(json: &Json) -> Stored<Noted> {
    Ok(Noted {
        receipt: text(json, "receipt").map(str::to_owned),
        secret: digest(json, "secret_sha256")?,
        snapshot: text(json, "snapshot").map(str::to_owned),
        snapshot_hash: digest(json, "snapshot_sha256")?,
        term_days: json.get("term_days").and_then(Json::as_u64).and_then(|n| u32::try_from(n).ok()),
        run: json.get("run").map(run).transpose()?,
        day: parsed(json, "day")?,
        answer_by: parsed(json, "answer_by")?,
        answered_for: text(json, "answered_for").map(str::to_owned),
        permit: parsed(json, "permit_from")?.zip(parsed(json, "permit_to")?),
        deviation_m: json.get("deviation_m").and_then(Json::as_f64),
        work: parsed(json, "work")?,
        lapsed: each(json, "lapsed").filter_map(Json::as_str).map(str::to_owned).collect(),
        overdue: parsed(json, "overdue")?,
        conditions: each(json, "conditions").filter_map(Json::as_u64).filter_map(|n| u32::try_from(n).ok()).collect(),
    })
}
