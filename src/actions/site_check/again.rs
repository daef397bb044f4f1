//! Answers made again: on the state of then, by the rules of then, for the rights of then; on that state under other
//! rules; and on the state of now. Nobody is shown anything by it but whether the answer is the same: nothing is counted
//! before that is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use geo::Point;
use jiff::civil::Date;
use uuid::Uuid;

use super::around::{Found, How, Mode, found, reach};
use super::border::farther_at_home;
use super::deadline::Deadline;
use super::{Spot, at_least, kept, taken};
use crate::actions::as_of::{self, Others};
use crate::actions::{Context, Reader, forbidden};
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::audit::{Digest, digest_of};
use crate::domain::place::Delivered;
use crate::domain::rules::{RulePack, Ruling};
use crate::domain::site_check::{
    self, CheckCode, Difference, Finding, Ground, HiddenCells, Outcome, Parameters, Run, Said, Waiver, differences,
};
use crate::domain::word::words;
use crate::error::{Error, Result};
use crate::geometry::{Bounds, Geometry, Metres, outside};
use crate::index::{Snapshot, Territory};
use crate::store::{audit, rules, site_check as store};

words! {
    /// What does not fit a run that is kept.
    Tampered {
        /// Its row says something else than its hash.
        Row = "row",
        /// Its hash is not the one that the audit trail has.
        Event = "event",
    }
}

/// A run that was made again.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The run.
    pub run: Run,
    /// What somebody changed of it.
    pub tampered: Vec<Tampered>,
    /// Where it is answered otherwise.
    pub differences: Vec<Difference>,
    /// The findings.
    pub findings: Vec<Finding>,
    /// What was waived of the run, which stands whatever it would say today.
    pub waived: Vec<Waiver>,
    /// Under another pack, jurisdictions that the run did not look at, and of which nobody can tell any more what they held.
    pub not_known: Vec<String>,
}

impl Replay {
    /// It is as it was kept, and answered so.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.tampered.is_empty() && self.differences.is_empty()
    }
}

/// Makes a run again on the state and by the rules of then.
///
/// # Errors
/// [`Error::NotFound`] where it is not there, or not the reader's to see; [`Error::Busy`]; [`Error::Parameter`] where nobody
/// can tell the state of then any more.
pub fn replay<'r>(context: &Context, reader: impl Into<Reader<'r>>, id: Uuid) -> Result<Replay> {
    again(context, reader.into(), id, None)
}

/// Makes a run again on the state of then under another pack, which need not be loaded. Where by that more matters than the run
/// looked at, neighbours are looked at as they were when it was kept. By a pack that reaches farther it is told of more than the
/// asker was, and none of that is counted: it is for those who see everything wherever it looks.
///
/// # Errors
/// As [`replay`], and [`Error::Forbidden`].
pub fn under<'r>(context: &Context, reader: impl Into<Reader<'r>>, id: Uuid, pack: &RulePack) -> Result<Replay> {
    again(context, reader.into(), id, Some(pack))
}

/// The same under a version of the rules that is or was loaded where the place lies: the last of that version.
///
/// # Errors
/// As [`under`], and [`Error::Parameter`] where there was none.
pub fn under_loaded<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    id: Uuid,
    version: &str,
) -> Result<(Replay, RulePack)> {
    let reader = reader.into();
    let run = kept::seen(context, reader, id)?.run;
    sees_all(reader.actor, run.revisions.keys())?;
    let code = &run.jurisdiction;
    let pack = context.store.snapshot(|conn| {
        let ever = rules::ever(conn, code)?;
        let Some((revision, name, _)) = ever.iter().find(|(_, _, known)| known == version) else {
            let known: Vec<&str> = ever.iter().map(|(_, _, version)| version.as_str()).collect();
            let detail = format!("no version «{version}» was ever loaded in {code}; there are {}", known.join(", "));
            return Err(Error::parameter("rules", detail).into());
        };
        let parameters = rules::parameters_at(conn, code, *revision)?;
        Ok(RulePack { name: name.clone(), version: version.to_owned(), parameters })
    })?;
    Ok((again(context, reader, id, Some(&pack))?, pack))
}

/// Somebody sees everything in each of these jurisdictions.
fn sees_all<'c>(actor: &Actor, mut codes: impl Iterator<Item = &'c String>) -> Result<()> {
    match codes.find(|code| !actor.sight(code).sees_all()) {
        None => Ok(()),
        Some(code) => Err(forbidden(actor, &format!("see what other rules would change: it looks at all of {code}"))),
    }
}

fn again(context: &Context, reader: Reader<'_>, id: Uuid, pack: Option<&RulePack>) -> Result<Replay> {
    let kept = kept::seen(context, reader, id)?;
    let (run, waived) = (kept.run, kept.waivers);
    let mut tampered = Vec::new();
    if run.hash() != kept.hash {
        tampered.push(Tampered::Row);
    }
    let recorded = context.store.snapshot(|conn| {
        let mut hashes = store::hashes_of(conn, &run.jurisdiction, run.revision)?;
        let mut of_event = None;
        let at = run.revision;
        audit::events(conn, &run.jurisdiction, at, Some(at), &mut |recorded| {
            of_event = recorded.event.detail.get("sha256").cloned();
            Ok(())
        })?;
        Ok(of_event.is_some() && of_event == digest_of(&mut hashes).map(|digest| crate::domain::audit::hex(&digest)))
    })?;
    if !recorded {
        tampered.push(Tampered::Event);
    }
    let accuracies = run.accuracies.unwrap_or_else(|| context.accuracies());
    let instead = pack.map(|pack| Arc::new(Ruling::new(&pack.parameters, accuracies)));
    let instead = instead.as_ref().map(|rules| (run.jurisdiction.as_str(), rules));
    let snapshot = as_of::at_revisions(context, &run.revisions, accuracies, instead)?;
    let (Again { findings, revisions, .. }, not_known) = match pack {
        None => (answer(context, &snapshot, &run, run.day)?, Vec::new()),
        Some(_) => answer_farther(context, &snapshot, &run)?,
    };
    if pack.is_some() {
        sees_all(reader.actor, revisions.keys().chain(&not_known))?;
    }
    let said: Vec<Said> = findings.iter().map(|finding| Said::by(finding, run.engine)).collect();
    Ok(Replay { differences: differences(&run.said, &said), run, tampered, findings, waived, not_known })
}

/// What the checks say of the column of a run where they may look farther than it did, and of which jurisdictions nobody can
/// tell any more what they held.
fn answer_farther(context: &Context, looked_at: &Snapshot, run: &Run) -> Result<(Again, Vec<String>)> {
    let home = home(looked_at, run)?;
    let mut reach = reach(&run.subject, &Parameters::on(home.rules().site(), run.day));
    loop {
        let at = [run.lonlat.x, run.lonlat.y];
        let round = |other: &Territory| {
            outside::widened(&Bounds { min: at, max: at }, reach.plus(farther_at_home(home, other)).get())
        };
        let accuracies = run.accuracies.unwrap_or_else(|| context.accuracies());
        let Others { near, unknown } = as_of::others(context, run.recorded_at, &run.revisions, accuracies, &round)?;
        let snapshot = looked_at.territories().cloned().chain(near).collect();
        let again = answer(context, &snapshot, run, run.day)?;
        // What is found farther away may be looked round as far again.
        match Metres::new(again.reach_m) {
            Ok(farther) if reach < farther => reach = farther,
            _ => return Ok((again, unknown)),
        }
    }
}

/// The jurisdiction of a run.
fn home<'s>(snapshot: &'s Snapshot, run: &Run) -> Result<&'s Arc<Territory>> {
    let home = snapshot.territory(&run.jurisdiction);
    home.ok_or_else(|| Error::NotFound(format!("the jurisdiction «{}»", run.jurisdiction)))
}

/// A run as it would be answered now.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedAgain {
    /// Its hash, made of what is kept of it.
    pub hash: Digest,
    /// What was waived of it.
    pub waived: Vec<Waiver>,
    /// Where it would be answered otherwise.
    pub differences: Vec<Difference>,
    /// The checks that want a column shared now.
    pub sharing: Vec<CheckCode>,
    /// The revision of each jurisdiction that was looked at.
    pub revisions: BTreeMap<String, i64>,
    /// How far round the place was looked for what brings no reach of its own, m.
    pub reach_m: f64,
}

/// What the checks would say now to whoever asked then, on a state that has reached these revisions. Nobody is shown it: it is
/// for what decides.
///
/// # Errors
/// [`Error::NotFound`] where the run is not there, [`Error::Busy`] where the index has not reached the revisions.
pub fn asked_again(context: &Context, id: Uuid, min_revision: &[(String, i64)]) -> Result<AskedAgain> {
    let kept = kept::seen(context, Reader::from(&Actor::operator()), id)?;
    let snapshot = at_least(context, min_revision)?;
    let home = home(&snapshot, &kept.run)?;
    let day = clock::now().to_zoned(home.jurisdiction.time_zone()).date();
    let Again { findings, revisions, .. } = answer(context, &snapshot, &kept.run, day)?;
    let said: Vec<Said> = findings.iter().map(|finding| Said::by(finding, kept.run.engine)).collect();
    Ok(AskedAgain {
        hash: kept.run.hash(),
        waived: kept.waivers,
        differences: differences(&kept.run.said, &said),
        sharing: findings.iter().filter(|f| f.outcome == Some(Outcome::SharingRequired)).map(|f| f.code).collect(),
        revisions,
        reach_m: kept.run.reach_m,
    })
}

/// An answer that is made again.
pub(super) struct Again {
    /// What the checks say.
    pub(super) findings: Vec<Finding>,
    /// Every feature that they rest on.
    pub(super) ground: Vec<Ground>,
    /// Those of them that are restricted.
    pub(super) shown: Vec<Ground>,
    /// What it tells of hidden features.
    pub(super) hidden: Vec<HiddenCells>,
    /// The revision of each jurisdiction that was looked at.
    pub(super) revisions: BTreeMap<String, i64>,
    /// How far round the place was looked for what brings no reach of its own, m.
    pub(super) reach_m: f64,
}

/// What the checks say of the column of a run on a state and a day, to whoever asked then.
pub(super) fn answer(context: &Context, snapshot: &Snapshot, run: &Run, day: Date) -> Result<Again> {
    let home = home(snapshot, run)?;
    let parameters = Parameters::on(home.rules().site(), day);
    let how = How { mode: Mode::Again(&run.told_by_budget), deadline: Deadline::of_request(context) };
    let delivered = Delivered { shape: Geometry::Point(Point(run.on_grid)), crs: run.grid };
    let at = Spot { delivered: &delivered, lonlat: Point(run.lonlat) };
    let Found { around, taken, revisions, hidden, reach_m, .. } =
        found(context, &run.asker, snapshot, home, at, &run.subject, &parameters, day, how)?;
    let findings = site_check::run(&run.subject, &around, &parameters, day);
    let taken = taken::ground(&findings, taken);
    let (ground, shown) = (taken::kept(&taken, false), taken::kept(&taken, true));
    Ok(Again { findings, ground, shown, hidden, revisions, reach_m })
}
