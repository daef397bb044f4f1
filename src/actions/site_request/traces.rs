//! What a step leaves of itself besides the event: what a decision is made on, copies to search by, the entry of the audit trail.

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use crate::actions::password;
use crate::domain::audit::{AuditEntry, Deed, Digest, digest_of, hex};
use crate::domain::site_request::case::{Case, CaseEvent};
use crate::domain::site_request::told::Stated;
use crate::domain::site_request::words::{State, Waits};
use crate::domain::site_request::{Filed, WORD};
use crate::domain::word::Word;
use crate::error::Result;
use crate::store::site_request::Copies;

/// What a decision is made on, as a canonical text: what was submitted, the version, the check run, every consultation, what was
/// recommended. Its digest is told to more than those who read it, so there is something in it that nobody can guess.
pub(super) fn decided_on(case: &Case, now: &Filed) -> Result<(String, Digest)> {
    let mut lines = vec![format!("version {}", now.version), format!("events {}", case.seq)];
    lines.push(format!("salt {}", password::generated()?));
    lines.extend(case.submitted.map(|digest| format!("submitted {}", hex(&digest))));
    lines.extend(case.run.as_ref().map(|run| format!("run {} {}", run.run, hex(&run.hash))));
    for asked in &case.consultations {
        let answer = asked.answered.as_ref().map_or("lapsed", |(answer, _, _)| answer.as_str());
        lines.push(format!("consultation {} {answer}", asked.organisation));
    }
    lines.extend(case.advice.as_ref().map(|(advice, _)| format!("advice {advice}")));
    let text = lines.join("\n");
    let digest = Sha256::digest(text.as_bytes()).into();
    Ok((text, digest))
}

/// Copies of what a case has come to on a day, some of them in the request itself.
pub(super) fn copies(next: &mut Filed, case: &Case, day: Date) -> Copies {
    let waiting = case.open(day).filter(|_| case.state == State::Consulting);
    next.asked = waiting.map(|c| (c.organisation.clone(), c.answer_by)).collect();
    next.consulted = case.consulted();
    // Where somebody has no last day, there is none after which all are over.
    let last_days: Option<Vec<Date>> = next.asked.iter().map(|(_, last)| *last).collect();
    let waits_for = match case.waits_for() {
        Some(Waits::Consultee) if next.asked.is_empty() => Some(Waits::Officer),
        other => other,
    };
    Copies {
        waits_for,
        asked_until: last_days.and_then(|days| days.into_iter().max()),
        secret: case.secret,
        ends_on: case.permit.as_ref().map(|(_, _, to)| *to),
        wakes_on: case.wakes_on(next.due_on),
    }
}

/// The audit entry of a step.
pub(super) fn entry(filed: &Filed, event: &CaseEvent) -> AuditEntry {
    let props = &filed.body.props;
    let mut detail = vec![
        ("noun", WORD.to_owned()),
        ("code", props.code.clone().unwrap_or_default()),
        ("event", event.event.to_string()),
        ("from", event.from.to_string()),
        ("to", event.to.to_string()),
        ("version", filed.version.to_string()),
    ];
    if let Some(run) = &event.noted.run {
        // As of every run that is kept: a replay holds it against the run.
        detail.push(("check", run.run.to_string()));
        detail.extend(digest_of(&mut [(run.run, run.hash)]).map(|digest| ("sha256", hex(&digest))));
    }
    detail.extend(event.noted.snapshot_hash.map(|digest| ("snapshot_sha256", hex(&digest))));
    if let Stated::Decision(signed) = &event.stated {
        detail.push(("run", signed.run.to_string()));
        detail.push(("run_sha256", hex(&signed.run_hash)));
        detail.push(("file_sha256", hex(&signed.file)));
    }
    let owner = Some(props.organisation.clone());
    AuditEntry { deed: Deed::Step, layer: None, subject: Some(filed.id), owner, detail }
}
