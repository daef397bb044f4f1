//! Site checks that are kept, as JSON: the answer as it was given, and what came later.

use serde_json::{Map, Value as Json, json};

use super::document::{fields, object};
use super::site_check::finding_json;
use crate::domain::audit::hex;
use crate::domain::fields::Reading;
use crate::domain::site_check::{CheckCode, Difference, Finding, Run, Waiver};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::geometry::Epsg;

/// A run with its waivers: its answer as it was given, each finding with what was waived of it, and what it rests on.
///
/// # Errors
/// [`Error::Internal`] where what was kept is no document.
pub fn write(run: &Run, hash: &[u8], waivers: &[Waiver]) -> Result<Map<String, Json>> {
    let broken = || Error::Internal(format!("the document of the site check {} cannot be read", run.id));
    let Ok(Json::Object(mut written)) = serde_json::from_str(&run.document) else { return Err(broken()) };
    for finding in written.get_mut("findings").and_then(Json::as_array_mut).ok_or_else(broken)? {
        let of_it = waivers.iter().find(|waiver| finding["code"] == waiver.code.as_str());
        finding["waived"] = of_it.map_or(Json::Null, waiver);
    }
    let pack = run.pack.as_ref().map(|p| json!({"name": p.name, "version": p.version, "sha256": p.digest}));
    written.insert("recorded_at".into(), run.recorded_at.to_string().into());
    written.insert("recorded_revision".into(), run.revision.into());
    written.insert("rules".into(), pack.into());
    written.insert("engine".into(), run.engine.into());
    written.insert("asker".into(), json!({"actor": run.asker.name, "organisation": run.asker.organisation}));
    written.insert("sha256".into(), hex(hash).into());
    Ok(written)
}

/// A waiver.
#[must_use]
pub fn waiver(waiver: &Waiver) -> Json {
    json!({
        "by": waiver.actor,
        "organisation": waiver.organisation,
        "role": waiver.role.as_str(),
        "reason": waiver.reason,
        "at": waiver.recorded_at.to_string(),
    })
}

/// Where an answer is another one.
#[must_use]
pub fn differences(all: &[Difference]) -> Json {
    let one = |d: &Difference| {
        json!({
            "code": d.code.as_str(),
            "before": d.before.map(Word::as_str),
            "after": d.after.map(|(verdict, _)| verdict.as_str()),
        })
    };
    all.iter().map(one).collect()
}

/// Where an answer would be another one under other rules, with the rule by which it would and the limit. Of features nothing is
/// told: nobody takes note of who hears of them here.
///
/// # Errors
/// [`Error::Internal`], by a fault of ours alone.
pub fn changes(all: &[Difference], findings: &[Finding]) -> Result<Json> {
    let mut changes = differences(all);
    for (written, difference) in changes.as_array_mut().into_iter().flatten().zip(all) {
        let finding = findings.iter().find(|finding| finding.code == difference.code);
        let finding = finding.map(|finding| finding_json(finding, Epsg::WGS84)).transpose()?;
        for name in ["limit", "rule"] {
            written[name] = finding.as_ref().map_or(Json::Null, |finding| finding[name].clone());
        }
    }
    Ok(changes)
}

/// Reads what somebody waives, and why.
///
/// # Errors
/// [`Error::Invalid`] with every problem.
pub fn read_waiver(document: &Json) -> Result<(CheckCode, String)> {
    let document = object(document, "").map_err(|p| Error::Invalid(vec![p]))?;
    let fields = fields(document);
    let mut r = Reading::of_document(&fields, &["code", "reason"]);
    let code = r.word("code");
    let code = r.required("code", code);
    let reason = r.text("reason");
    let reason = r.required("reason", reason);
    r.finish(code.zip(reason)).map_err(Error::Invalid)
}
