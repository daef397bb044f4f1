//! The automatic checks of a case: run and kept by the engine of site checks, and asked again before a decision rests on them.

use uuid::Uuid;

use super::not_there;
use crate::actions::site_check::{self, Asked, Question, SiteCheck};
use crate::actions::{Context, Reader, Witness};
use crate::clock;
use crate::domain::reference::ReferenceKind;
use crate::domain::site_check::{CheckCode, Consultee, Evidence, Finding, Ground, Outcome, Subject};
use crate::domain::site_request::Filed;
use crate::domain::site_request::case::{Candidate, RunNoted};
use crate::domain::site_request::guards::RunNow;
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::store::changes;

/// Writes the answer of a check as it is kept.
pub type Write<'w> = &'w dyn Fn(&SiteCheck, Uuid) -> String;

/// Runs the checks on a request and keeps the run.
pub(super) fn run(
    context: &Context,
    witness: Witness<'_>,
    reader: Reader<'_>,
    of: &Filed,
    write: Write<'_>,
) -> Result<RunNoted> {
    let props = &of.body.props;
    // It does not stand in its own way.
    let subject = Subject { request: of.projected, ..props.subject.clone() };
    let name = props.code.clone().unwrap_or_default();
    let asked = Asked { name, pointer: "/geometry".into(), delivered: of.body.place.recorded.clone(), subject };
    let question = Question { at: clock::now(), min_revision: vec![(of.jurisdiction.clone(), revision(context, of)?)] };
    let checks = site_check::check(context, reader, std::slice::from_ref(&asked), &question)?;
    let kept = site_check::keep(context, witness, &checks, write)?;
    let (Some(check), Some(Some(kept))) = (checks.first(), kept.first()) else {
        return Err(Error::invalid("/geometry", "lies in no jurisdiction, so no check of it is kept"));
    };
    let hash = site_check::of_id(context, reader, kept.id)?.hash;
    Ok(RunNoted {
        run: kept.id,
        hash,
        said: check.findings.iter().map(|f| (f.code, f.verdict)).collect(),
        consult: check.findings.iter().flat_map(|finding| asked_by(finding, &props.organisation)).collect(),
        candidates: candidates(&check.findings, &check.shown),
    })
}

/// Whom a finding names, with the organisation that answers: whose corridor or column it is, else the one that is called as the
/// consultee. The office asks itself nothing, and nobody is asked about a request of his own.
fn asked_by(finding: &Finding, applicant: &str) -> Vec<(CheckCode, Consultee, String)> {
    let mut all = Vec::new();
    for consultee in finding.consult.iter().filter(|c| **c != Consultee::Office) {
        let of_evidence = matches!(consultee, Consultee::CorridorOwner | Consultee::Carrier);
        let owners = finding.evidence.iter().map(|e| e.organisation.to_string());
        let owners: Vec<String> = if of_evidence { owners.collect() } else { vec![consultee.to_string()] };
        for owner in owners.into_iter().filter(|owner| owner != applicant) {
            let one = (finding.code, *consultee, owner);
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

/// The columns that could be shared, the nearest first. What is restricted is not offered to whoever sees the case.
fn candidates(findings: &[Finding], restricted: &[Ground]) -> Vec<Candidate> {
    let sharing = findings.iter().filter(|f| f.code == CheckCode::Spc && f.outcome == Some(Outcome::SharingRequired));
    // Another request is no column yet.
    let columns = sharing.flat_map(|f| &f.evidence).filter(|e| e.kind != ReferenceKind::SiteRequest.as_str());
    let columns = columns.filter(|e| restricted.iter().all(|(_, _, id)| *id != e.id));
    let one = |e: &Evidence| Candidate {
        id: e.id,
        code: e.code.to_string(),
        organisation: e.organisation.to_string(),
        distance_m: e.distance_m,
        spare_capacity: e.spare_capacity,
    };
    columns.map(one).collect()
}

/// The revision that the database has come to: what is checked is no older.
fn revision(context: &Context, of: &Filed) -> Result<i64> {
    let revision = context.store.read(|conn| changes::revision(conn, &of.jurisdiction))?;
    revision.ok_or_else(|| not_there(of.id))
}

/// The run of a case as it stands now: what was waived, and which checks would say something else on the state that the database
/// has come to; with the revision of that, and how far round the place was looked.
pub(super) fn now(context: &Context, of: &Filed, run: &RunNoted) -> Result<(RunNow, i64, f64)> {
    let revision = revision(context, of)?;
    let again = site_check::asked_again(context, run.run, &[(of.jurisdiction.clone(), revision)])?;
    let changed = again.differences.iter().map(|d| d.code).collect();
    let now = RunNow { run: run.run, hash: again.hash, waived: again.waived, changed };
    let seen = again.revisions.get(&of.jurisdiction).copied().unwrap_or(revision);
    Ok((now, seen, again.reach_m))
}
