//! Plans: zones that are drawn, appraised, decided and published as one. Each row is one version of a plan; an amendment is
//! the next version, and begins with all zones of the one before.
//!
//! Read in this order: this file (a plan, and when it is in force), `table` (its workflow), `step` (what each guard asks, and what a
//! step makes of a plan), `check` (a check of all its zones that is kept), `said` (what one says worse than another), `difference` (what an amendment changes).

mod check;
mod difference;
mod said;
mod step;
mod table;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

pub use check::{Block, PlanRun, RunBasis};
pub use difference::{Change, Changed, difference};
pub use said::ZoneSaid;
pub use step::{Checked, Facts, Sent, StepData, decide};
pub use table::{PlanEvent, PlanGuard, PlanState, TRANSITIONS};

use super::actor::Actor;
use super::audit::Digest;
use super::fields::{Fields, Reading};
use super::word::Visibility;
use super::workflow;
use crate::geometry::Problem;

/// Longest code of a plan, characters.
const CODE_MAX: usize = 40;

/// Most zones of a plan: a province draws some hundreds, and they are checked and decided as one.
pub const ZONES_MAX: usize = 5_000;

/// A decision: what the committee signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its number.
    pub number: String,
    /// Its day.
    pub date: Date,
    /// Who signed it.
    pub signer: String,
    /// For whom, where that is said.
    pub authority: Option<String>,
    /// The first day in force.
    pub from: Date,
    /// The last day in force; none: until something ends it.
    pub to: Option<Date>,
    /// SHA-256 of the signed file.
    pub sha256: Digest,
    /// The account that entered it.
    pub by: String,
    /// The check it rests on.
    pub check: Uuid,
}

/// One version of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The jurisdiction, and so the shard.
    pub jurisdiction: String,
    /// Of this version.
    pub id: Uuid,
    /// Of all versions.
    pub code: String,
    /// Which version, from 1.
    pub number: i32,
    /// The version before.
    pub amends: Option<Uuid>,
    /// What people call it.
    pub name: Option<String>,
    /// Whose it is.
    pub organisation: String,
    /// How far it has come, as recorded.
    pub state: PlanState,
    /// The accounts that had a hand in it.
    pub makers: Vec<String>,
    /// Number of the appraisal report.
    pub appraisal_number: Option<String>,
    /// Number of the submission.
    pub submission_number: Option<String>,
    /// The decision.
    pub decision: Option<Decision>,
    /// When it was published.
    pub published_on: Option<Date>,
    /// The first day on which it is not in force any more, where something ended it before its period did.
    pub ended_on: Option<Date>,
    /// Counts the changes of this row, from 1.
    pub version: i32,
    /// The revision of the last one.
    pub revision: i64,
    /// When that was recorded.
    pub recorded_at: Timestamp,
}

impl Plan {
    /// A draft that nobody wrote down yet.
    #[must_use]
    pub fn draft(jurisdiction: &str, id: Uuid, said: PlanSaid, organisation: &str, maker: &str) -> Self {
        Self {
            jurisdiction: jurisdiction.to_owned(),
            id,
            code: said.code,
            number: 1,
            amends: None,
            name: said.name,
            organisation: organisation.to_owned(),
            state: PlanState::Draft,
            makers: vec![maker.to_owned()],
            appraisal_number: None,
            submission_number: None,
            decision: None,
            published_on: None,
            ended_on: None,
            version: 1,
            revision: 0,
            recorded_at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Who may see it: the government until it is published, then everybody for ever.
    #[must_use]
    pub fn visibility(&self) -> Visibility {
        if self.published_on.is_some() { Visibility::Public } else { Visibility::Government }
    }

    /// Somebody may see it; that it is his organisation's is no reason.
    #[must_use]
    pub fn is_seen_by(&self, actor: &Actor) -> bool {
        actor.sight(&self.jurisdiction).visibilities.contains(&self.visibility())
    }

    /// The first and the last day in force; none where it never is.
    #[must_use]
    pub fn in_force(&self) -> Option<(Date, Option<Date>)> {
        let decision = self.decision.as_ref().filter(|_| self.published_on.is_some())?;
        let ended = self.ended_on.map(|day| day.yesterday().unwrap_or(day));
        let last = match (decision.to, ended) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
        last.is_none_or(|last| decision.from <= last).then_some((decision.from, last))
    }

    /// It was taken back before its first day: what it amends went on, and is what is amended next.
    #[must_use]
    pub fn was_taken_back(&self) -> bool {
        let before_its_day = |ended: Date| self.decision.as_ref().is_some_and(|decision| ended < decision.from);
        matches!(self.state, PlanState::Suspended | PlanState::Revoked)
            && (self.published_on.is_none() || self.ended_on.is_some_and(before_its_day))
    }

    /// Another version may come in force after it: it was published, and neither revoked nor taken back before its day, nor did
    /// another one follow it yet. Where it is over, it stays so.
    #[must_use]
    pub fn may_be_followed(&self) -> bool {
        let still = matches!(self.state, PlanState::Published | PlanState::Suspended | PlanState::Expired);
        still && !self.was_taken_back()
    }

    /// How far it has come on a day: that its period is over, or that its amendment began, is nowhere recorded before somebody looks.
    #[must_use]
    pub fn state_on(&self, day: Date) -> PlanState {
        self.state.on(day, self.decision.as_ref().and_then(|d| d.to), self.ended_on)
    }

    /// The events that the actor may send on a day.
    #[must_use]
    pub fn allowed(&self, actor: &Actor, day: Date) -> Vec<PlanEvent> {
        workflow::allowed(TRANSITIONS, self.state_on(day), |by| {
            by.admits(actor, &self.jurisdiction, &self.organisation)
        })
    }

    /// Notes that somebody had a hand in it.
    pub fn made_by(&mut self, account: &str) {
        if !self.makers.iter().any(|maker| maker == account) {
            self.makers.push(account.to_owned());
        }
    }
}

/// What somebody says of a plan that he begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSaid {
    /// Its code.
    pub code: String,
    /// What people call it.
    pub name: Option<String>,
    /// Where; none: the only one that the actor serves.
    pub jurisdiction: Option<String>,
}

impl PlanSaid {
    /// Reads a document.
    ///
    /// # Errors
    /// Every problem.
    pub fn read(fields: &Fields) -> Result<Self, Vec<Problem>> {
        let mut r = Reading::of_document(fields, &["code", "name", "jurisdiction"]);
        let code = r.text("code");
        let code = r.required("code", code);
        if code.as_ref().is_some_and(|code| code.chars().count() > CODE_MAX || code.contains('/')) {
            r.wrong("code", format!("must have at most {CODE_MAX} characters, and no slash"));
        }
        let (name, jurisdiction) = (r.text("name"), r.text("jurisdiction"));
        r.finish(code.map(|code| Self { code, name, jurisdiction }))
    }
}
