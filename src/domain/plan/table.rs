//! The workflow of a plan, as one table.

use jiff::civil::Date;

use crate::domain::actor::Role;
use crate::domain::word::words;
use crate::domain::workflow::{self, By, ClockEffect, Transition};

words! {
    /// How far a plan has come.
    PlanState {
        Draft = "draft",
        InAppraisal = "in_appraisal",
        Appraised = "appraised",
        Submitted = "submitted",
        Approved = "approved",
        Published = "published",
        Rejected = "rejected",
        Superseded = "superseded",
        Suspended = "suspended",
        Revoked = "revoked",
        Expired = "expired",
    }
}

impl PlanState {
    /// What a state as it is recorded is on a day, of a plan with this last day and this first day of what follows it.
    #[must_use]
    pub fn on(self, day: Date, last: Option<Date>, ended_on: Option<Date>) -> Self {
        let over = last.is_some_and(|last| last < day);
        // One that is published ends before its period does only where its amendment begins.
        let amended = ended_on.is_some_and(|first| first <= day && last.is_none_or(|last| first <= last));
        match self {
            Self::Published if amended => Self::Superseded,
            Self::Published | Self::Suspended if over => Self::Expired,
            state => state,
        }
    }
}

words! {
    /// What happens to a plan.
    PlanEvent {
        BeginAppraisal = "begin_appraisal",
        Appraise = "appraise",
        Submit = "submit",
        /// Something that blocks is set aside, with a reason.
        Waive = "waive",
        Return = "return",
        Reject = "reject",
        Approve = "approve",
        Publish = "publish",
        Suspend = "suspend",
        Revoke = "revoke",
        /// Its amendment was published.
        Supersede = "supersede",
        /// The amendment that was to follow it was taken back.
        GoOn = "go_on",
        /// Its period is over.
        Expire = "expire",
    }
}

words! {
    /// What must hold for a step.
    PlanGuard {
        Zones = "zones",
        Geometry = "geometry",
        Limits = "limits",
        Reason = "reason",
        AppraisalNumber = "appraisal_number",
        SubmissionNumber = "submission_number",
        /// A check of the zones as they are.
        FreshCheck = "fresh_check",
        /// The check is named, with its hash.
        CheckNamed = "check_named",
        /// Nothing blocks that nobody waived.
        NoBlocks = "no_blocks",
        /// Nothing is worse now than when it was checked.
        NothingNew = "nothing_new",
        /// What is waived blocks.
        Waivable = "waivable",
        NotMaker = "not_maker",
        /// Somebody else waived what was waived.
        NotWaiver = "not_waiver",
        Committee = "committee",
        DecisionNumber = "decision_number",
        DecisionDate = "decision_date",
        DecisionSigner = "decision_signer",
        EffectivePeriod = "effective_period",
        FileHash = "file_hash",
        /// What it amends was neither taken back nor amended by another one meanwhile, nor is over and of days that it takes.
        Newest = "newest",
        /// Its period is over.
        Over = "over",
    }
}

use PlanEvent as E;
use PlanGuard as G;
use PlanState as S;

const OFFICER: By = By::Roles(&[Role::Officer]);
const APPROVER: By = By::Roles(&[Role::Approver]);

const fn row(from: &'static [S], event: E, by: By, guards: &'static [G], to: S) -> Transition<S, E, G> {
    // What is due of a plan, no clock counts.
    Transition { from, event, by, guards, to, clock: ClockEffect::Keeps }
}

/// What the committee may do with a plan at any time: it waits for nobody because of that.
const RIGHTS: &[E] = &[E::Suspend, E::Revoke];

impl PlanState {
    /// For whom a plan waits in this state: whoever has the next step.
    #[must_use]
    pub fn waits_for(self) -> Option<Role> {
        match workflow::next(TRANSITIONS, self, RIGHTS)?.by {
            By::Roles(roles) => roles.first().copied(),
            By::Owner(_) | By::Asked(..) | By::Timer => None,
        }
    }
}

const WAIVED: &[G] = &[G::Reason, G::FreshCheck, G::Waivable, G::NotMaker];

/// THE table.
pub const TRANSITIONS: &[Transition<S, E, G>] = &[
    row(&[S::Draft], E::BeginAppraisal, OFFICER, &[G::Zones, G::Geometry, G::Limits], S::InAppraisal),
    row(
        &[S::InAppraisal],
        E::Appraise,
        OFFICER,
        &[G::AppraisalNumber, G::FreshCheck, G::NoBlocks, G::NothingNew],
        S::Appraised,
    ),
    row(&[S::InAppraisal], E::Return, OFFICER, &[G::Reason], S::Draft),
    row(&[S::InAppraisal], E::Waive, APPROVER, WAIVED, S::InAppraisal),
    row(
        &[S::Appraised],
        E::Submit,
        OFFICER,
        &[G::SubmissionNumber, G::FreshCheck, G::NoBlocks, G::NothingNew],
        S::Submitted,
    ),
    row(&[S::Appraised], E::Waive, APPROVER, WAIVED, S::Appraised),
    row(
        &[S::Submitted],
        E::Approve,
        APPROVER,
        &[
            G::Zones,
            G::Geometry,
            G::Limits,
            G::AppraisalNumber,
            G::SubmissionNumber,
            G::CheckNamed,
            G::FreshCheck,
            G::NoBlocks,
            G::NothingNew,
            G::DecisionNumber,
            G::DecisionDate,
            G::DecisionSigner,
            G::EffectivePeriod,
            G::FileHash,
            G::Newest,
            G::Committee,
            G::NotMaker,
            G::NotWaiver,
        ],
        S::Approved,
    ),
    row(&[S::Submitted], E::Return, APPROVER, &[G::Reason], S::Draft),
    row(&[S::Submitted], E::Reject, APPROVER, &[G::Reason, G::Committee, G::NotMaker], S::Rejected),
    row(&[S::Submitted], E::Waive, APPROVER, WAIVED, S::Submitted),
    row(&[S::Approved], E::Publish, OFFICER, &[G::Newest], S::Published),
    row(&[S::Published], E::Suspend, APPROVER, &[G::Reason, G::Committee], S::Suspended),
    // One that was decided on, too: there is no other way back.
    row(&[S::Approved, S::Published, S::Suspended], E::Revoke, APPROVER, &[G::Reason, G::Committee], S::Revoked),
    row(&[S::Published, S::Suspended], E::Supersede, By::Timer, &[], S::Superseded),
    row(&[S::Published], E::GoOn, By::Timer, &[], S::Published),
    row(&[S::Published, S::Suspended], E::Expire, By::Timer, &[G::Over], S::Expired),
];
