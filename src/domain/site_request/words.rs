//! The words of a site request.

use crate::domain::word::words;

words! {
    /// How far a request has come.
    State {
        Draft = "draft",
        Submitted = "submitted",
        ReturnedForSupplement = "returned_for_supplement",
        RejectedAtIntake = "rejected_at_intake",
        Accepted = "accepted",
        Checking = "checking",
        Consulting = "consulting",
        Assessing = "assessing",
        Recommended = "recommended",
        AwaitingDecision = "awaiting_decision",
        Approved = "approved",
        ApprovedWithConditions = "approved_with_conditions",
        SharingRequired = "sharing_required",
        Refused = "refused",
        Appealed = "appealed",
        PermitActive = "permit_active",
        ConstructionNotified = "construction_notified",
        AsBuiltSubmitted = "as_built_submitted",
        Verified = "verified",
        Closed = "closed",
        Withdrawn = "withdrawn",
        Lapsed = "lapsed",
        Revoked = "revoked",
    }
}

words! {
    /// What is done to a request.
    Event {
        Submit = "submit",
        RejectAtIntake = "reject_at_intake",
        RequestSupplement = "request_supplement",
        Accept = "accept",
        Check = "check",
        Consult = "consult",
        Answer = "answer",
        Assess = "assess",
        Visit = "visit",
        Recommend = "recommend",
        Refer = "refer",
        SendBack = "send_back",
        Approve = "approve",
        ApproveWithConditions = "approve_with_conditions",
        RequireSharing = "require_sharing",
        Refuse = "refuse",
        Appeal = "appeal",
        AdmitAppeal = "admit_appeal",
        DismissAppeal = "dismiss_appeal",
        RecordAgreement = "record_agreement",
        IssuePermit = "issue_permit",
        MeetCondition = "meet_condition",
        NotifyStart = "notify_start",
        SubmitAsBuilt = "submit_as_built",
        ReturnAsBuilt = "return_as_built",
        Verify = "verify",
        Close = "close",
        Withdraw = "withdraw",
        Lapse = "lapse",
        Revoke = "revoke",
        Pause = "pause",
        Resume = "resume",
        Extend = "extend",
        /// Somebody was asked and his time is over.
        LapseConsultation = "lapse_consultation",
        /// The last day for the answer is over, and there is none.
        Escalate = "escalate",
        /// So it is, and by the rules that counts as an approval.
        DeemApproved = "deem_approved",
        /// The day of a condition is over, and nothing shows that it is met.
        Remind = "remind",
    }
}

words! {
    /// What must hold for a step.
    Guard {
        /// Every declaration was made.
        Declared = "declared",
        /// The documents that a column of this class needs are listed.
        Documented = "documented",
        /// A reason is stated.
        Reasoned = "reasoned",
        /// It was never accepted: what was is decided.
        NotAccepted = "not_accepted",
        /// The automatic checks ran on what was submitted.
        Checked = "checked",
        /// Somebody is to be asked who was not, or was and may still answer what was submitted again.
        SomebodyToAsk = "somebody_to_ask",
        /// The last day for an answer is not over.
        TimeToAnswer = "time_to_answer",
        /// The one who answers was asked, and has not answered.
        WasAsked = "was_asked",
        /// Whoever is to be asked has answered, or his time is over.
        ConsultationsDone = "consultations_done",
        /// The day of the visit has come, and is none before the request was submitted as it is.
        VisitDate = "visit_date",
        /// Somebody was at the place.
        Visited = "visited",
        /// The decision names the check run of the case, by id and hash.
        CheckNamed = "check_named",
        /// Its day has come, and is none before the request was received.
        DecisionDate = "decision_date",
        /// The checks would say the same now.
        CheckFresh = "check_fresh",
        /// Nothing blocks that is not waived.
        NoBlocks = "no_blocks",
        /// No column is to be shared instead, or that was waived.
        NoSharing = "no_sharing",
        /// A column is to be shared instead.
        SharingFound = "sharing_found",
        /// No check is worse than when it was recommended.
        AdviceFits = "advice_fits",
        /// It is of another organisation, and somebody else submitted it.
        NotApplicant = "not_applicant",
        /// Somebody else recommended it.
        NotRecommender = "not_recommender",
        /// Somebody else waived what was waived.
        NotWaiver = "not_waiver",
        /// Somebody else refused it before.
        NotDecider = "not_decider",
        /// At least one condition is stated.
        ConditionsStated = "conditions_stated",
        /// The condition is one of the case.
        ConditionOpen = "condition_open",
        /// What shows that it is met is a document that is kept of the request.
        EvidenceKept = "evidence_kept",
        /// The day of a condition that is not met is over, and nobody was told.
        ConditionOver = "condition_over",
        /// Every condition is met.
        ConditionsMet = "conditions_met",
        /// The column agreed on is a candidate, stands there still, and has a place left.
        CandidateNamed = "candidate_named",
        /// The rules say for how long a permit holds.
        PermitRuled = "permit_ruled",
        /// The permit holds on this day, and on the one on which building begins.
        PermitHolds = "permit_holds",
        /// The permit held until a day that is over.
        PermitOver = "permit_over",
        /// The day of the survey has come, and is none before the permit.
        SurveyDate = "survey_date",
        /// The survey lies within the tolerance of the place that was permitted.
        WithinTolerance = "within_tolerance",
        /// The height is at most the one that was permitted.
        HeightPermitted = "height_permitted",
        /// The clock runs.
        ClockRuns = "clock_runs",
        /// An officer lets the clock stand still.
        ClockPaused = "clock_paused",
        /// The rules say how long an answer may take, and the calendar on which days the office works.
        TermKnown = "term_known",
        /// The last day for the answer is over.
        Overdue = "overdue",
        /// Nobody was told that this day is over.
        NotEscalated = "not_escalated",
        /// No check says something worse now than when it ran, nor, where none ran, what stands against an approval.
        NotWorse = "not_worse",
        /// By the rules a request that is overdue counts as approved.
        DeemedApproval = "deemed_approval",
        /// The time of somebody who was asked is over, and nobody was told.
        ConsultationOver = "consultation_over",
        /// No extension was agreed yet, and the rules allow for one as long.
        NotExtended = "not_extended",
    }
}

words! {
    /// What the carrier declares when it submits.
    Declaration {
        /// All that is stated is true.
        Truthful = "truthful",
        /// The owner of the land or the building has agreed.
        LandAgreed = "land_agreed",
        /// The structure bears the column.
        StructureSafe = "structure_safe",
        /// Exposure stays below the limits.
        ExposureLimits = "exposure_limits",
    }
}

words! {
    /// What a consultee says.
    Answer {
        Agree = "agree",
        AgreeWithConditions = "agree_with_conditions",
        NeedsAmendment = "needs_amendment",
        Object = "object",
        NoComment = "no_comment",
    }
}

impl Answer {
    /// It is of use only with the words that say which conditions, or what is to be amended.
    #[must_use]
    pub fn has_to_say_what(self) -> bool {
        matches!(self, Self::AgreeWithConditions | Self::NeedsAmendment)
    }
}

words! {
    /// What is recommended.
    Advice {
        Approve = "approve",
        ApproveWithConditions = "approve_with_conditions",
        RequireSharing = "require_sharing",
        Refuse = "refuse",
    }
}

words! {
    /// For whom a request waits.
    Waits {
        /// The carrier whose it is.
        Owner = "owner",
        Officer = "officer",
        /// Whoever was asked and has not answered.
        Consultee = "consultee",
        Approver = "approver",
        /// An officer has the next step, and its carrier something to bring.
        OwnerAndOfficer = "owner_and_officer",
    }
}

impl State {
    /// The carrier writes the request itself.
    #[must_use]
    pub fn is_editable(self) -> bool {
        matches!(self, Self::Draft | Self::ReturnedForSupplement)
    }

    /// A column is to come to the place, or may come: others have to keep off.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Self::Submitted
                | Self::ReturnedForSupplement
                | Self::Accepted
                | Self::Checking
                | Self::Consulting
                | Self::Assessing
                | Self::Recommended
                | Self::AwaitingDecision
                | Self::Approved
                | Self::ApprovedWithConditions
                | Self::PermitActive
                | Self::ConstructionNotified
                | Self::AsBuiltSubmitted
        )
    }

    /// The column may be built, and is not verified yet.
    #[must_use]
    pub fn is_permitted(self) -> bool {
        matches!(
            self,
            Self::Approved
                | Self::ApprovedWithConditions
                | Self::PermitActive
                | Self::ConstructionNotified
                | Self::AsBuiltSubmitted
        )
    }
}
