//! A step of a plan: what each guard asks, and what the plan is afterwards. Pure: what is asked of the database comes as
//! [`Facts`].

use jiff::civil::Date;
use uuid::Uuid;

use super::check::Block;
use super::table::{PlanEvent, PlanGuard, PlanState, TRANSITIONS};
use super::{Decision, Plan, ZONES_MAX};
use crate::domain::actor::Actor;
use crate::domain::audit::{Digest, hex, unhex};
use crate::domain::fields::{Fields, Reading, Value};
use crate::domain::site_check::CheckCode;
use crate::domain::workflow::{self, By, Refusal};
use crate::geometry::Problem;

/// What comes with an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepData {
    /// Number of the appraisal report.
    pub appraisal_number: Option<String>,
    /// Number of the submission.
    pub submission_number: Option<String>,
    /// The check that is meant.
    pub check: Option<Uuid>,
    /// Its hash.
    pub check_sha256: Option<Digest>,
    /// Number of the decision.
    pub decision_number: Option<String>,
    /// Its day.
    pub decision_date: Option<Date>,
    /// Who signed it.
    pub decision_signer: Option<String>,
    /// For whom.
    pub decision_authority: Option<String>,
    /// The first day in force.
    pub effective_from: Option<Date>,
    /// The last day in force.
    pub effective_to: Option<Date>,
    /// SHA-256 of the signed file.
    pub file_sha256: Option<Digest>,
    /// The zone of which something is waived.
    pub zone: Option<Uuid>,
    /// The check of which the finding is waived.
    pub code: Option<CheckCode>,
}

/// The members of [`StepData`].
const MEMBERS: &[&str] = &[
    "appraisal_number",
    "submission_number",
    "check",
    "check_sha256",
    "decision_number",
    "decision_date",
    "decision_signer",
    "decision_authority",
    "effective_from",
    "effective_to",
    "file_sha256",
    "zone",
    "code",
];

impl StepData {
    /// Reads the member `data` of an event.
    ///
    /// # Errors
    /// Every problem, relative to that member.
    pub fn read(fields: &Fields) -> Result<Self, Vec<Problem>> {
        let mut r = Reading::of_document(fields, MEMBERS);
        let data = Self {
            appraisal_number: r.text("appraisal_number"),
            submission_number: r.text("submission_number"),
            check: read_id(&mut r, "check"),
            check_sha256: read_digest(&mut r, "check_sha256"),
            decision_number: r.text("decision_number"),
            decision_date: r.date("decision_date"),
            decision_signer: r.text("decision_signer"),
            decision_authority: r.text("decision_authority"),
            effective_from: r.date("effective_from"),
            effective_to: r.date("effective_to"),
            file_sha256: read_digest(&mut r, "file_sha256"),
            zone: read_id(&mut r, "zone"),
            code: r.word("code"),
        };
        r.finish(Some(data))
    }

    /// What is stated, by name: what [`StepData::read`] reads.
    #[must_use]
    pub fn fields(&self) -> Fields {
        let text = |text: &Option<String>| text.clone();
        let day = |day: Option<Date>| day.map(|day| day.to_string());
        let id = |id: Option<Uuid>| id.map(|id| id.to_string());
        let digest = |digest: Option<Digest>| digest.map(|digest| hex(&digest));
        let all = [
            ("appraisal_number", text(&self.appraisal_number)),
            ("submission_number", text(&self.submission_number)),
            ("check", id(self.check)),
            ("check_sha256", digest(self.check_sha256)),
            ("decision_number", text(&self.decision_number)),
            ("decision_date", day(self.decision_date)),
            ("decision_signer", text(&self.decision_signer)),
            ("decision_authority", text(&self.decision_authority)),
            ("effective_from", day(self.effective_from)),
            ("effective_to", day(self.effective_to)),
            ("file_sha256", digest(self.file_sha256)),
            ("zone", id(self.zone)),
            ("code", self.code.map(|code| code.to_string())),
        ];
        let stated = all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::Text(value?))));
        Fields(stated.collect())
    }
}

fn read_id(r: &mut Reading<'_>, name: &str) -> Option<Uuid> {
    let text = r.text(name)?;
    let id = text.parse().ok();
    if id.is_none() {
        r.wrong(name, format!("«{text}» is not a UUID"));
    }
    id
}

fn read_digest(r: &mut Reading<'_>, name: &str) -> Option<Digest> {
    let text = r.text(name)?;
    let digest = unhex(&text);
    if digest.is_none() {
        r.wrong(name, "is no SHA-256: 64 hexadecimal digits");
    }
    digest
}

/// An event as somebody sends it.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Who; none: the service itself.
    pub actor: Option<&'a Actor>,
    /// The event.
    pub event: PlanEvent,
    /// Why.
    pub reason: Option<&'a str>,
    /// What comes with it.
    pub data: &'a StepData,
}

/// A check of the plan, as far as a step rests on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which.
    pub id: Uuid,
    /// Its hash.
    pub hash: Digest,
    /// The zones are what they were then.
    pub is_of_these_zones: bool,
    /// What blocks.
    pub blocks: Vec<Block>,
    /// What of it was waived.
    pub waived: Vec<Block>,
}

impl Checked {
    fn unwaived(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| !self.waived.contains(block))
    }
}

/// What the database says, under the lock of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The day in the jurisdiction.
    pub today: Date,
    /// The day there on which it was submitted last; where the step decides on it.
    pub submitted_on: Option<Date>,
    /// How many zones it has.
    pub zones: usize,
    /// Codes of zones that are not valid or reach out of the jurisdiction.
    pub outside: Vec<String>,
    /// What zones lack: code and properties.
    pub without_limits: Vec<String>,
    /// The check that is named, else the last one.
    pub check: Option<Checked>,
    /// The zones that were checked again.
    pub checked_again: Vec<Uuid>,
    /// Where it is worse now than when it was checked, in words.
    pub worse: Vec<String>,
    /// The accounts that waived something of this plan.
    pub waived_by: Vec<String>,
    /// The actor's organisation is a committee.
    pub of_committee: bool,
    /// What it amends may still be followed by another version.
    pub newest: bool,
    /// The first day in force of what it amends.
    pub amended_from: Option<Date>,
    /// The last day in force of what it amends, where that is over: nothing takes it from there any more.
    pub amended_until: Option<Date>,
}

impl Facts {
    /// Nothing but the day.
    #[must_use]
    pub fn on(today: Date) -> Self {
        Self {
            today,
            submitted_on: None,
            zones: 0,
            outside: Vec::new(),
            without_limits: Vec::new(),
            check: None,
            checked_again: Vec::new(),
            worse: Vec::new(),
            waived_by: Vec::new(),
            of_committee: false,
            newest: true,
            amended_from: None,
            amended_until: None,
        }
    }
}

/// So many things are named in a sentence.
const NAMED_MAX: usize = 5;

fn some_of(all: &[String]) -> String {
    let more = all.len().saturating_sub(NAMED_MAX);
    let named = all.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

/// The plan after a step.
///
/// # Errors
/// Why it is not made.
pub fn decide(plan: &Plan, sent: &Sent<'_>, facts: &Facts) -> Result<Plan, Refusal<PlanGuard>> {
    // The service records what has come to be.
    let state = if sent.actor.is_some() { plan.state_on(facts.today) } else { plan.state };
    let may = |by: &By| match sent.actor {
        Some(actor) => by.admits(actor, &plan.jurisdiction, &plan.organisation),
        None => *by == By::Timer,
    };
    let row = workflow::step(TRANSITIONS, state, sent.event, may, |guard| missing(guard, plan, sent, facts))?;
    let mut next = plan.clone();
    next.state = row.to;
    let data = sent.data;
    match sent.event {
        PlanEvent::Appraise => next.appraisal_number.clone_from(&data.appraisal_number),
        PlanEvent::Submit => next.submission_number.clone_from(&data.submission_number),
        PlanEvent::Return => (next.appraisal_number, next.submission_number) = (None, None),
        PlanEvent::Approve => next.decision = decision(sent, facts),
        PlanEvent::Publish => next.published_on = Some(facts.today),
        PlanEvent::Suspend | PlanEvent::Revoke => {
            next.ended_on = Some(next.ended_on.map_or(facts.today, |day| day.min(facts.today)));
        }
        PlanEvent::BeginAppraisal
        | PlanEvent::Waive
        | PlanEvent::Reject
        | PlanEvent::Supersede
        | PlanEvent::GoOn
        | PlanEvent::Expire => {}
    }
    if let Some(actor) = sent.actor
        && matches!(sent.event, PlanEvent::BeginAppraisal | PlanEvent::Appraise | PlanEvent::Submit)
    {
        next.made_by(&actor.name);
    }
    Ok(next)
}

/// The decision that an approval states; its guards hold that it is all there.
fn decision(sent: &Sent<'_>, facts: &Facts) -> Option<Decision> {
    let data = sent.data;
    Some(Decision {
        number: data.decision_number.clone()?,
        date: data.decision_date?,
        signer: data.decision_signer.clone()?,
        authority: data.decision_authority.clone(),
        from: data.effective_from?,
        to: data.effective_to,
        sha256: data.file_sha256?,
        by: sent.actor?.name.clone(),
        check: facts.check.as_ref()?.id,
    })
}

/// Why a version does not follow the one that it amends; none where it may.
fn newest(plan: &Plan, facts: &Facts) -> Option<String> {
    if !facts.newest {
        return Some(
            "the version that it amends was taken back, or another one follows it: amend what is in force".into(),
        );
    }
    // Decided on while the other was in force, and published when that was over.
    let (from, last) = (plan.decision.as_ref()?.from, facts.amended_until?);
    let taken = format!("it begins on {from}, and what it amends was in force until {last} and is over: decide anew");
    (from <= last).then_some(taken)
}

/// What a guard lacks; none where it holds.
fn missing(guard: PlanGuard, plan: &Plan, sent: &Sent<'_>, facts: &Facts) -> Option<String> {
    let (data, check) = (sent.data, facts.check.as_ref());
    let unless = |holds: bool, detail: String| (!holds).then_some(detail);
    let stated = |is: bool, member: &str| unless(is, format!("data.{member} is missing"));
    match guard {
        PlanGuard::Zones => match facts.zones {
            0 => Some("the plan has no zones".into()),
            n if n > ZONES_MAX => Some(format!("the plan has {n} zones; the limit is {ZONES_MAX}")),
            _ => None,
        },
        PlanGuard::Geometry => {
            let named = some_of(&facts.outside);
            unless(facts.outside.is_empty(), format!("these zones reach out of {}: {named}", plan.jurisdiction))
        }
        PlanGuard::Limits => {
            unless(facts.without_limits.is_empty(), format!("to be stated: {}", some_of(&facts.without_limits)))
        }
        PlanGuard::Reason => unless(sent.reason.is_some(), "reason is missing".into()),
        PlanGuard::AppraisalNumber => {
            stated(data.appraisal_number.is_some() || plan.appraisal_number.is_some(), "appraisal_number")
        }
        PlanGuard::SubmissionNumber => {
            stated(data.submission_number.is_some() || plan.submission_number.is_some(), "submission_number")
        }
        PlanGuard::CheckNamed => match (data.check, data.check_sha256, check) {
            (None, ..) => Some("data.check is missing: the check that the decision rests on".into()),
            (_, None, _) => Some("data.check_sha256 is missing: the hash of that check".into()),
            (.., None) => Some("data.check names no check of this plan".into()),
            (_, Some(hash), Some(check)) => {
                unless(hash == check.hash, "data.check_sha256 is not the hash of that check".into())
            }
        },
        PlanGuard::FreshCheck => match check {
            None => Some("the plan was not checked".into()),
            Some(check) => unless(check.is_of_these_zones, "the zones are not those that were checked".into()),
        },
        PlanGuard::NoBlocks => {
            let blocks: Vec<String> = check.into_iter().flat_map(Checked::unwaived).map(ToString::to_string).collect();
            unless(blocks.is_empty(), format!("blocks, and nobody waived it: {}", some_of(&blocks)))
        }
        PlanGuard::NothingNew => {
            let named = some_of(&facts.worse);
            unless(facts.worse.is_empty(), format!("is worse now than when it was checked: {named}"))
        }
        PlanGuard::Waivable => match (data.zone, data.code, check) {
            (None, ..) => Some("data.zone is missing".into()),
            (_, None, _) => Some("data.code is missing".into()),
            (Some(zone), Some(code), check) => {
                let block = Block { zone, code };
                let open = check.is_some_and(|check| check.unwaived().any(|other| *other == block));
                unless(open, format!("{block} blocks nothing, or is waived already"))
            }
        },
        PlanGuard::NotMaker => {
            let made = sent.actor.is_some_and(|actor| plan.makers.contains(&actor.name));
            unless(!made, "whoever had a hand in the plan does not decide about it".into())
        }
        PlanGuard::NotWaiver => {
            let waived = sent.actor.is_some_and(|actor| facts.waived_by.contains(&actor.name));
            unless(!waived, "whoever waived something of the plan does not approve it".into())
        }
        PlanGuard::Committee => unless(facts.of_committee, "whoever decides belongs to a committee".into()),
        PlanGuard::DecisionNumber => stated(data.decision_number.is_some(), "decision_number"),
        PlanGuard::DecisionDate => match (data.decision_date, facts.submitted_on) {
            (None, _) => stated(false, "decision_date"),
            // What begins on a day before would take from what was in force then.
            (Some(day), Some(since)) if day < since => {
                Some(format!("data.decision_date {day} is before {since}, on which the plan was submitted"))
            }
            (Some(day), _) => unless(day <= facts.today, format!("data.decision_date {day} is yet to come")),
        },
        PlanGuard::DecisionSigner => stated(data.decision_signer.is_some(), "decision_signer"),
        PlanGuard::EffectivePeriod => match (data.effective_from, data.effective_to) {
            (None, _) => stated(false, "effective_from"),
            (Some(from), _) if data.decision_date.is_some_and(|day| from < day) => Some(format!(
                "data.effective_from {from} is before data.decision_date: nothing comes in force backwards"
            )),
            (Some(from), _) if facts.amended_from.is_some_and(|first| from <= first) => {
                Some(format!("data.effective_from {from} is not after the first day of the version that it amends"))
            }
            (Some(from), _) if facts.amended_until.is_some_and(|last| from <= last) => Some(format!(
                "data.effective_from {from} is not after the last day of the version that it amends, which is over"
            )),
            (Some(from), Some(to)) => unless(from <= to, format!("data.effective_to {to} is before {from}")),
            _ => None,
        },
        PlanGuard::FileHash => stated(data.file_sha256.is_some(), "file_sha256"),
        PlanGuard::Newest => newest(plan, facts),
        PlanGuard::Over => {
            let over = plan.state_on(facts.today) == PlanState::Expired;
            unless(over, "its period is not over".into())
        }
    }
}
