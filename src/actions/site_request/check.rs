//! The automatic checks of a case: run and kept by the engine of site checks, and asked again before a decision rests on them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{not_there, today};
use crate::actions::site_check::{self, Asked, Question, SiteCheck};
use crate::actions::{Context, Reader};
use crate::clock;
use crate::domain::actor::{Actor, PERMISSIONS, Role};
use crate::domain::audit::{Digest, ZEROS};
use crate::domain::reference::ReferenceKind;
use crate::domain::site_check::{
    CheckCode, Consultee, Evidence, Finding, GapWhy, Ground, Outcome, Run, Subject, Verdict,
};
use crate::domain::site_request::Filed;
use crate::domain::site_request::case::{Candidate, RunNoted, ToAsk};
use crate::domain::site_request::guards::RunNow;
use crate::domain::site_request::reader::SaidTo;
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::geometry::crs;
use crate::store::site_request::LookedAt;
use crate::store::{Stored, WriteTx, changes};

/// Writes the answer of a check as it is kept.
pub type Write<'w> = &'w dyn Fn(&SiteCheck, Uuid) -> Result<String>;

/// Checks that ran, and are kept with the step.
#[derive(Debug)]
pub(super) struct Ran {
    run: Run,
    noted: RunNoted,
}

impl Ran {
    /// Keeps them in the transaction of the step; what is noted of them.
    pub(super) fn kept(&self, tx: &mut WriteTx<'_>) -> Stored<RunNoted> {
        let hash = site_check::keep_with(tx, self.run.clone())?;
        Ok(RunNoted { hash, ..self.noted.clone() })
    }
}

/// Runs the checks on a request.
pub(super) fn run(context: &Context, reader: Reader<'_>, of: &Filed, write: Write<'_>) -> Result<Ran> {
    let (asked, question) = asked(context, of)?;
    let checks = site_check::check(context, reader, std::slice::from_ref(&asked), &question)?;
    let nowhere = || Error::invalid("/geometry", "lies in no jurisdiction, so no check of it is kept");
    let check = checks.first().ok_or_else(nowhere)?;
    let in_zones = site_check::columns_in_zones(context, reader.actor, check)?;
    let consult: Vec<_> = check.findings.iter().flat_map(|f| asked_by(f, &in_zones, of)).collect();
    let to_others = to_others(context, of, &consult, &asked, &question)?;
    let run = site_check::to_keep(context, reader.actor, check, write)?.ok_or_else(nowhere)?;
    let noted = RunNoted {
        run: run.id,
        hash: ZEROS,
        said: check.findings.iter().map(|f| (f.code, f.verdict)).collect(),
        sharing: sharing(&check.findings),
        to_others,
        consult,
        candidates: candidates(context, of, &check.findings, &check.shown, &in_zones),
    };
    Ok(Ran { run, noted })
}

fn sharing(findings: &[Finding]) -> Vec<CheckCode> {
    let sharing = findings.iter().filter(|f| f.outcome == Some(Outcome::SharingRequired));
    sharing.map(|f| f.code).collect()
}

/// What the checks say to whoever does not see everything: to each role, to the carrier and to those who are to be asked, for
/// what is their own they see. Their roles hold in this jurisdiction alone, so that whoever reads it sees no less.
fn to_others(
    context: &Context,
    of: &Filed,
    consult: &[ToAsk],
    asked: &Asked,
    question: &Question,
) -> Result<Vec<SaidTo>> {
    let mut actors: Vec<Actor> = Vec::new();
    let mut add = |role: Role, organisation: Option<&str>| {
        let actor = Actor {
            name: String::new(),
            organisation: organisation.map(str::to_owned),
            roles: vec![role],
            jurisdictions: Some(vec![of.jurisdiction.clone()]),
        };
        let sight = actor.sight(&of.jurisdiction);
        if !sight.sees_all() && actors.iter().all(|other| other.sight(&of.jurisdiction) != sight) {
            actors.push(actor);
        }
    };
    for permission in PERMISSIONS {
        add(permission.role, None);
    }
    add(Role::Carrier, Some(&of.body.props.organisation));
    for to in consult {
        add(
            if to.consultee == Consultee::Carrier { Role::Carrier } else { Role::ProjectOwner },
            Some(&to.organisation),
        );
    }
    actors.iter().map(|actor| said_to(context, of, actor, asked, question)).collect()
}

fn said_to(context: &Context, of: &Filed, actor: &Actor, asked: &Asked, question: &Question) -> Result<SaidTo> {
    let (check, hidden) = site_check::said_to(context, actor, asked, question)?;
    let in_zones = site_check::columns_in_zones(context, actor, &check)?;
    let tells_of_hidden = |f: &&Finding| f.gaps.iter().any(|gap| gap.why == GapWhy::Hidden);
    // Of a defence area everybody hears the same, whether it is hidden from him or not.
    let open = check.findings.iter().filter(|f| !tells_of_hidden(f) && f.code != CheckCode::Def);
    let named = open.flat_map(|f| f.consult.iter().map(|who| (f.code, *who)));
    Ok(SaidTo {
        sight: actor.sight(&of.jurisdiction),
        said: check.findings.iter().map(|f| (f.code, f.verdict)).collect(),
        restricted: check.findings.iter().filter(tells_of_hidden).map(|f| f.code).collect(),
        sharing: sharing(&check.findings),
        consult: named.filter(|(_, who)| *who != Consultee::Office).collect(),
        candidates: candidates(context, of, &check.findings, &[], &in_zones).into_iter().map(|one| one.id).collect(),
        hidden,
    })
}

/// What the checks are asked of a request, on the state that the database has come to.
fn asked(context: &Context, of: &Filed) -> Result<(Asked, Question)> {
    let props = &of.body.props;
    // It does not stand in its own way.
    let subject = Subject { request: of.projected, ..props.subject.clone() };
    let name = props.code.clone().unwrap_or_default();
    let asked = Asked { name, pointer: "/geometry".into(), delivered: of.body.place.recorded.clone(), subject };
    let question = Question { at: clock::now(), min_revision: vec![(of.jurisdiction.clone(), revision(context, of)?)] };
    Ok((asked, question))
}

/// Whom a finding names, with the organisation that answers: whose corridor or column it is, else the one that is called as the
/// consultee. The office asks itself nothing, and nobody is asked about a request of his own. A zone in which columns are shared
/// rests on the zone: asked is whose columns stand in it.
fn asked_by(finding: &Finding, in_zones: &[Evidence], of: &Filed) -> Vec<ToAsk> {
    let mut all: Vec<ToAsk> = Vec::new();
    for consultee in finding.consult.iter().filter(|c| **c != Consultee::Office) {
        let of_evidence = matches!(consultee, Consultee::CorridorOwner | Consultee::Carrier);
        let evidence = if of_evidence && finding.code == CheckCode::Zon { in_zones } else { &finding.evidence };
        let owners = evidence.iter().map(|e| e.organisation.as_ref());
        let owners: BTreeSet<&str> = if of_evidence { owners.collect() } else { [consultee.as_str()].into() };
        for owner in owners.into_iter().filter(|owner| *owner != of.body.props.organisation) {
            let its = evidence.iter().filter(|e| !of_evidence || *e.organisation == *owner);
            let rests_on: BTreeSet<Digest> = its.map(|e| rests_on(of, e.id)).collect();
            all.push(ToAsk {
                code: finding.code,
                consultee: *consultee,
                organisation: owner.to_owned(),
                rests_on: rests_on.into_iter().collect(),
            });
        }
    }
    all
}

/// By what a feature is known again in a case, and nowhere else: some of those on which findings rest are hidden.
fn rests_on(of: &Filed, feature: Uuid) -> Digest {
    Sha256::new().chain_update(of.id).chain_update(feature).finalize().into()
}

/// The columns that could be shared, the nearest first: those within the spacing, and those in a zone in which columns are shared.
/// What is restricted is not offered to whoever sees the case; nor is what stands across a border, for the office there says who comes
/// on it.
fn candidates(
    context: &Context,
    of: &Filed,
    findings: &[Finding],
    restricted: &[Ground],
    in_zones: &[Evidence],
) -> Vec<Candidate> {
    let snapshot = context.index.snapshot();
    let stands_here = |e: &&Evidence| {
        let home = snapshot.territory(&of.jurisdiction);
        home.is_some_and(|home| home.layer(e.layer).get(e.id).is_some())
    };
    let sharing = findings.iter().filter(|f| f.code == CheckCode::Spc && f.outcome == Some(Outcome::SharingRequired));
    // Another request is no column yet.
    let columns = sharing.flat_map(|f| &f.evidence).filter(|e| e.kind != ReferenceKind::SiteRequest.as_str());
    let mut columns: Vec<&Evidence> = columns.chain(in_zones).collect();
    columns.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then(a.id.cmp(&b.id)));
    columns.dedup_by_key(|e| e.id);
    let columns = columns.into_iter().filter(stands_here).filter(|e| restricted.iter().all(|(_, _, id)| *id != e.id));
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

/// The run of a case as it stands now.
#[derive(Debug)]
pub(super) struct Now {
    /// What was waived, and which checks would say something else.
    pub(super) run: RunNow,
    /// Where that was looked for, and on which state; the jurisdiction of the request is the first.
    pub(super) looked_at: Vec<LookedAt>,
    /// How far round the place, m.
    pub(super) reach_m: f64,
    /// The day there on which it was looked.
    pub(super) day: Date,
}

/// What the checks would say now of what nobody checked: only what stands against an approval matters, and nobody is told.
pub(super) fn unchecked(context: &Context, of: &Filed) -> Result<Now> {
    let operator = Actor::operator();
    let day = today(context, &of.jurisdiction)?;
    let (asked, question) = asked(context, of)?;
    let checks = site_check::check(context, Reader::from(&operator), std::slice::from_ref(&asked), &question)?;
    let Some(check) = checks.into_iter().next() else {
        return Err(Error::Internal(format!("nothing is said of the request {}", of.id)));
    };
    let against = |f: &&Finding| f.verdict == Verdict::Block || f.outcome == Some(Outcome::SharingRequired);
    let worse = check.findings.iter().filter(against).map(|f| f.code).collect();
    let run = RunNow { run: Uuid::nil(), hash: ZEROS, waived: Vec::new(), changed: Vec::new(), worse };
    looked(context, of, run, (&check.revisions, day), check.reach_m)
}

/// The run of a case on the state that the database has come to.
pub(super) fn now(context: &Context, of: &Filed, run: &RunNoted) -> Result<Now> {
    // Where midnight comes meanwhile, it is that of the day before.
    let day = today(context, &of.jurisdiction)?;
    let again = site_check::asked_again(context, run.run, &[(of.jurisdiction.clone(), revision(context, of)?)])?;
    let changed = again.differences.iter().map(|d| d.code).collect();
    let mut worse: Vec<CheckCode> = again.differences.iter().filter(|d| d.is_worse()).map(|d| d.code).collect();
    worse.extend(again.sharing.iter().filter(|code| !run.sharing.contains(code)));
    let now = RunNow { run: run.run, hash: again.hash, waived: again.waived, changed, worse };
    looked(context, of, now, (&again.revisions, day), again.reach_m)
}

/// With where it was looked: at the place of the request, on the grid of each jurisdiction.
fn looked(
    context: &Context,
    of: &Filed,
    run: RunNow,
    (revisions, day): (&BTreeMap<String, i64>, Date),
    reach_m: f64,
) -> Result<Now> {
    // What was not looked at may be anything.
    let seen = revisions.get(&of.jurisdiction).copied().unwrap_or(0);
    let place = &of.body.place;
    let spot = place.grid.0.clone();
    let snapshot = context.index.snapshot();
    let unsure = match snapshot.territory(&of.jurisdiction) {
        Some(home) => home.rules().unstated_max(),
        None => context.accuracies().worst(),
    };
    let home = LookedAt { jurisdiction: of.jurisdiction.clone(), spot, grid: place.grid_crs, revision: seen, unsure };
    let mut looked_at = vec![home];
    for (code, revision) in revisions.iter().filter(|(code, _)| **code != of.jurisdiction) {
        let Some(other) = snapshot.territory(code) else { continue };
        let grid = other.jurisdiction.grid;
        let spot = crs::project(&place.grid.0, place.grid_crs, grid).map_err(|e| Error::Internal(e.to_string()))?;
        let unsure = other.rules().unstated_max();
        looked_at.push(LookedAt { jurisdiction: code.clone(), spot, grid, revision: *revision, unsure });
    }
    Ok(Now { run, looked_at, reach_m, day })
}
