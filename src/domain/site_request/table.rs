//! THE table of site requests: each row says from which states an event leads where, who sends it, and what must hold.

use super::words::{Event, Guard, State, Waits};
use crate::domain::actor::Role;
use crate::domain::workflow::{self, By, ClockEffect, Transition};

/// A row of the table.
pub type Row = Transition<State, Event, Guard>;

const CARRIER: By = By::Owner(&[Role::Carrier]);
const OFFICER: By = By::Roles(&[Role::Officer]);
const APPROVER: By = By::Roles(&[Role::Approver]);
const CHECKERS: By = By::Roles(&[Role::Officer, Role::Approver]);
const FIELD: By = By::Roles(&[Role::Officer, Role::Inspector]);
/// Who answers for his organisation where it is asked: whoever keeps what is its own.
pub const ASKED: &[Role] = &[Role::Consultee, Role::Carrier, Role::ProjectOwner, Role::Planner];

/// An officer writes down what came by letter.
const CONSULTEE: By = By::Asked(ASKED, &[Role::Officer]);
/// The states in which an answer is due.
const DUE: &[State] =
    &[S::Submitted, S::Accepted, S::Checking, S::Consulting, S::Assessing, S::Recommended, S::AwaitingDecision];

use ClockEffect::{Keeps, Pauses, Resumes, Starts, Stops};
use Event as E;
use Guard as G;
use State as S;

/// What each decision rests on, besides what is its own.
const DECIDED: &[Guard] =
    &[G::NotApplicant, G::NotRecommender, G::CheckNamed, G::DecisionDate, G::CheckFresh, G::ConsultationsDone];
const REFUSED: &[Guard] = &[
    G::Reasoned,
    G::NotApplicant,
    G::NotRecommender,
    G::NotDecider,
    G::CheckNamed,
    G::DecisionDate,
    G::CheckFresh,
    G::ConsultationsDone,
];
const APPROVED: &[Guard] = &[
    G::NotApplicant,
    G::NotRecommender,
    G::NotDecider,
    G::NotWaiver,
    G::CheckNamed,
    G::DecisionDate,
    G::CheckFresh,
    G::AdviceFits,
    G::ConsultationsDone,
    G::NoBlocks,
    G::NoSharing,
];
const CONDITIONED: &[Guard] = &[
    G::NotApplicant,
    G::NotRecommender,
    G::NotDecider,
    G::NotWaiver,
    G::CheckNamed,
    G::DecisionDate,
    G::CheckFresh,
    G::AdviceFits,
    G::ConsultationsDone,
    G::NoBlocks,
    G::NoSharing,
    G::ConditionsStated,
];
const SHARED: &[Guard] = &[
    G::NotApplicant,
    G::NotRecommender,
    G::NotDecider,
    G::CheckNamed,
    G::DecisionDate,
    G::CheckFresh,
    G::ConsultationsDone,
    G::SharingFound,
];

/// The table.
pub const TABLE: &[Row] = &[
    row(&[S::Draft], E::Submit, CARRIER, &[G::Declared], S::Submitted, Keeps),
    row(&[S::ReturnedForSupplement], E::Submit, CARRIER, &[G::Declared], S::Submitted, Resumes),
    row(&[S::Submitted], E::RejectAtIntake, OFFICER, &[G::Reasoned, G::NotAccepted], S::RejectedAtIntake, Stops),
    row(
        &[S::Submitted, S::Accepted, S::Checking, S::Consulting, S::Assessing],
        E::RequestSupplement,
        OFFICER,
        &[G::Reasoned],
        S::ReturnedForSupplement,
        Pauses,
    ),
    row(&[S::Submitted], E::Accept, OFFICER, &[G::Documented, G::TermKnown], S::Accepted, Starts),
    row(&[S::Accepted, S::Checking], E::Check, OFFICER, &[], S::Checking, Keeps),
    stays(S::Consulting, E::Check, OFFICER, &[]),
    stays(S::Assessing, E::Check, OFFICER, &[]),
    stays(S::Recommended, E::Check, OFFICER, &[]),
    stays(S::AwaitingDecision, E::Check, CHECKERS, &[]),
    row(
        &[S::Checking, S::Assessing],
        E::Consult,
        OFFICER,
        &[G::Checked, G::SomebodyToAsk, G::TimeToAnswer],
        S::Consulting,
        Keeps,
    ),
    stays(S::Consulting, E::Consult, OFFICER, &[G::SomebodyToAsk, G::TimeToAnswer]),
    stays(S::Consulting, E::Answer, CONSULTEE, &[G::WasAsked]),
    stays(S::Assessing, E::Answer, CONSULTEE, &[G::WasAsked]),
    row(&[S::Checking, S::Consulting], E::Assess, OFFICER, &[G::Checked, G::ConsultationsDone], S::Assessing, Keeps),
    stays(S::Assessing, E::Visit, FIELD, &[G::VisitDate]),
    row(
        &[S::Assessing],
        E::Recommend,
        OFFICER,
        &[G::Reasoned, G::NotApplicant, G::Checked, G::ConsultationsDone, G::Visited],
        S::Recommended,
        Keeps,
    ),
    row(&[S::Recommended], E::Refer, OFFICER, &[], S::AwaitingDecision, Keeps),
    row(&[S::Recommended], E::SendBack, OFFICER, &[G::Reasoned], S::Assessing, Keeps),
    row(&[S::AwaitingDecision], E::SendBack, APPROVER, &[G::Reasoned], S::Assessing, Keeps),
    row(&[S::AwaitingDecision], E::Approve, APPROVER, APPROVED, S::Approved, Stops),
    row(&[S::AwaitingDecision], E::ApproveWithConditions, APPROVER, CONDITIONED, S::ApprovedWithConditions, Stops),
    row(&[S::AwaitingDecision], E::RequireSharing, APPROVER, SHARED, S::SharingRequired, Stops),
    row(&[S::AwaitingDecision], E::Refuse, APPROVER, REFUSED, S::Refused, Stops),
    row(&[S::Refused], E::Appeal, CARRIER, &[G::Reasoned], S::Appealed, Keeps),
    // From here on there is as much time for the answer as from the acceptance.
    row(
        &[S::Appealed],
        E::AdmitAppeal,
        APPROVER,
        &[G::Reasoned, G::NotApplicant, G::NotDecider, G::TermKnown],
        S::AwaitingDecision,
        Starts,
    ),
    row(&[S::Appealed], E::DismissAppeal, APPROVER, &[G::Reasoned, G::NotApplicant, G::NotDecider], S::Closed, Keeps),
    // Where nothing is agreed on, the committee decides once more.
    row(&[S::SharingRequired], E::Refer, OFFICER, &[G::Reasoned, G::TermKnown], S::AwaitingDecision, Starts),
    row(
        &[S::SharingRequired],
        E::RecordAgreement,
        OFFICER,
        &[G::CandidateNamed, G::PermitRuled],
        S::PermitActive,
        Keeps,
    ),
    row(&[S::Approved, S::ApprovedWithConditions], E::IssuePermit, OFFICER, &[G::PermitRuled], S::PermitActive, Keeps),
    stays(S::ApprovedWithConditions, E::MeetCondition, CARRIER, &[G::ConditionOpen, G::EvidenceKept]),
    stays(S::PermitActive, E::MeetCondition, CARRIER, &[G::ConditionOpen, G::EvidenceKept]),
    stays(S::ConstructionNotified, E::MeetCondition, CARRIER, &[G::ConditionOpen, G::EvidenceKept]),
    stays(S::AsBuiltSubmitted, E::MeetCondition, CARRIER, &[G::ConditionOpen, G::EvidenceKept]),
    row(&[S::PermitActive], E::NotifyStart, CARRIER, &[G::PermitHolds], S::ConstructionNotified, Keeps),
    row(&[S::ConstructionNotified], E::SubmitAsBuilt, CARRIER, &[G::SurveyDate], S::AsBuiltSubmitted, Keeps),
    row(&[S::AsBuiltSubmitted], E::ReturnAsBuilt, FIELD, &[G::Reasoned], S::ConstructionNotified, Keeps),
    row(
        &[S::AsBuiltSubmitted],
        E::Verify,
        OFFICER,
        &[G::WithinTolerance, G::HeightPermitted, G::ConditionsMet],
        S::Verified,
        Keeps,
    ),
    row(&[S::Verified], E::Close, OFFICER, &[], S::Closed, Keeps),
    row(
        &[
            S::Submitted,
            S::ReturnedForSupplement,
            S::Accepted,
            S::Checking,
            S::Consulting,
            S::Assessing,
            S::Recommended,
            S::AwaitingDecision,
        ],
        E::Withdraw,
        CARRIER,
        &[],
        S::Withdrawn,
        Stops,
    ),
    row(&[S::PermitActive], E::Lapse, By::Timer, &[G::PermitOver], S::Lapsed, Keeps),
    row(&[S::PermitActive, S::ConstructionNotified], E::Revoke, APPROVER, &[G::Reasoned], S::Revoked, Keeps),
    stays(S::Consulting, E::LapseConsultation, By::Timer, &[G::ConsultationOver]),
    stays(S::Assessing, E::LapseConsultation, By::Timer, &[G::ConsultationOver]),
    row(
        DUE,
        E::DeemApproved,
        By::Timer,
        &[G::Overdue, G::ClockRuns, G::DeemedApproval, G::NoBlocks, G::NoSharing, G::NotWorse],
        S::Approved,
        Stops,
    ),
    reminds(S::ApprovedWithConditions),
    reminds(S::PermitActive),
    reminds(S::ConstructionNotified),
    reminds(S::AsBuiltSubmitted),
    escalates(S::Submitted),
    escalates(S::ReturnedForSupplement),
    escalates(S::Accepted),
    escalates(S::Checking),
    escalates(S::Consulting),
    escalates(S::Assessing),
    escalates(S::Recommended),
    escalates(S::AwaitingDecision),
    clock(S::Accepted, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::Checking, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::Consulting, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::Assessing, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::Recommended, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::AwaitingDecision, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    // What an officer ends while the carrier brings something.
    clock(S::Submitted, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::ReturnedForSupplement, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Accepted, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Checking, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Consulting, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Assessing, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Recommended, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::AwaitingDecision, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Consulting, E::Extend, &[G::Reasoned, G::ClockRuns, G::NotExtended], Keeps),
    clock(S::Assessing, E::Extend, &[G::Reasoned, G::ClockRuns, G::NotExtended], Keeps),
    clock(S::Recommended, E::Extend, &[G::Reasoned, G::ClockRuns, G::NotExtended], Keeps),
    clock(S::AwaitingDecision, E::Extend, &[G::Reasoned, G::ClockRuns, G::NotExtended], Keeps),
];

/// The events that the service itself sends when their moment has come, in the order in which it tries them.
pub const OF_TIMER: &[Event] = &[E::Lapse, E::LapseConsultation, E::DeemApproved, E::Escalate, E::Remind];

/// What somebody may do with a request and need not: it waits for nobody because of that.
const RIGHTS: &[Event] = &[E::Withdraw, E::Appeal, E::Revoke];

impl State {
    /// For whom a request waits in this state: whoever has the next step; none: nobody, or only a day to come.
    #[must_use]
    pub fn waits_for(self) -> Option<Waits> {
        if self == S::Consulting {
            // An officer goes on once they have answered.
            return Some(Waits::Consultee);
        }
        match workflow::next(TABLE, self, RIGHTS)?.by {
            By::Owner(_) => Some(Waits::Owner),
            By::Roles(roles) if roles.contains(&Role::Officer) => Some(Waits::Officer),
            By::Roles(_) => Some(Waits::Approver),
            By::Asked(..) => Some(Waits::Consultee),
            By::Timer => None,
        }
    }
}

/// The events that decide: each names the check run it rests on, and repeats its geometry in the database.
#[must_use]
pub fn decides(event: Event) -> bool {
    TABLE.iter().any(|row| row.event == event && DECIDED.iter().all(|guard| row.guards.contains(guard)))
}

const fn row(
    from: &'static [State],
    event: Event,
    by: By,
    guards: &'static [Guard],
    to: State,
    clock: ClockEffect,
) -> Row {
    Transition { from, event, by, guards, to, clock }
}

/// A step that leaves the state as it is.
const fn stays(state: State, event: Event, by: By, guards: &'static [Guard]) -> Row {
    row(alone(state), event, by, guards, state, Keeps)
}

/// Whoever answers for the office is told that it is late.
const fn escalates(state: State) -> Row {
    stays(state, E::Escalate, By::Timer, &[G::Overdue, G::NotEscalated])
}

/// Its carrier is told that the day of a condition is over.
const fn reminds(state: State) -> Row {
    stays(state, E::Remind, By::Timer, &[G::ConditionOver])
}

/// What an officer does to the clock alone.
const fn clock(state: State, event: Event, guards: &'static [Guard], effect: ClockEffect) -> Row {
    row(alone(state), event, OFFICER, guards, state, effect)
}

const fn alone(state: State) -> &'static [State] {
    match state {
        S::Submitted => &[S::Submitted],
        S::ReturnedForSupplement => &[S::ReturnedForSupplement],
        S::Accepted => &[S::Accepted],
        S::Checking => &[S::Checking],
        S::Consulting => &[S::Consulting],
        S::Assessing => &[S::Assessing],
        S::Recommended => &[S::Recommended],
        S::AwaitingDecision => &[S::AwaitingDecision],
        S::ApprovedWithConditions => &[S::ApprovedWithConditions],
        S::PermitActive => &[S::PermitActive],
        S::ConstructionNotified => &[S::ConstructionNotified],
        S::AsBuiltSubmitted => &[S::AsBuiltSubmitted],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::word::Word;
    use crate::domain::workflow::{faults, is_terminal};

    #[test]
    fn the_table_is_sound() {
        assert_eq!(faults(TABLE, State::Draft), Vec::<String>::new());
        assert!(TABLE.iter().all(|row| !row.from.is_empty()), "a state that stays is in `alone`");
        for (state, word) in State::ALL {
            // Terminal is exactly what no arrow leaves, and waits for nobody.
            let ends = [S::RejectedAtIntake, S::Closed, S::Withdrawn, S::Lapsed, S::Revoked].contains(state);
            assert_eq!(is_terminal(TABLE, *state), ends, "{word}");
            assert!(!ends || state.waits_for().is_none(), "{word}");
        }
    }

    /// Whoever has the next step, by the table; of no state twice.
    #[test]
    fn in_each_state_a_request_waits_for_whoever_has_the_next_step() {
        let waits = |waits: Option<Waits>| {
            let of = |(state, word): &(State, &'static str)| (state.waits_for() == waits).then_some(*word);
            State::ALL.iter().filter_map(of).collect::<Vec<_>>()
        };
        let owner = ["draft", "returned_for_supplement", "permit_active", "construction_notified"];
        assert_eq!(waits(Some(Waits::Owner)), owner);
        let officer = [
            "submitted",
            "accepted",
            "checking",
            "assessing",
            "recommended",
            "approved",
            "approved_with_conditions",
            "sharing_required",
            "as_built_submitted",
            "verified",
        ];
        assert_eq!(waits(Some(Waits::Officer)), officer);
        assert_eq!(waits(Some(Waits::Consultee)), ["consulting"]);
        assert_eq!(waits(Some(Waits::Approver)), ["awaiting_decision", "appealed"]);
        // An appeal is a right.
        assert_eq!(waits(None), ["rejected_at_intake", "refused", "closed", "withdrawn", "lapsed", "revoked"]);
    }

    /// What a carrier is reminded of it may do then.
    #[test]
    fn whoever_is_reminded_may_meet_the_condition() {
        let from = |event: Event| -> Vec<State> {
            TABLE.iter().filter(|row| row.event == event).flat_map(|row| row.from).copied().collect()
        };
        assert_eq!(from(E::Remind), from(E::MeetCondition));
    }

    #[test]
    fn what_the_service_does_by_itself_is_tried() {
        let by_timer: Vec<Event> = TABLE.iter().filter(|row| row.by == By::Timer).map(|row| row.event).collect();
        assert!(OF_TIMER.iter().all(|event| by_timer.contains(event)));
        assert!(by_timer.iter().all(|event| OF_TIMER.contains(event)));
    }

    /// A request is withdrawn before it is decided on, and not after; where an answer is due, it may become overdue.
    #[test]
    fn a_request_is_withdrawn_before_a_decision() {
        let from = |event: Event| -> Vec<State> {
            let rows = TABLE.iter().filter(|row| row.event == event);
            rows.flat_map(|row| row.from).copied().collect()
        };
        let mut before = from(E::Withdraw);
        // What was overdue before it was returned stays so.
        assert_eq!(from(E::Escalate), before);
        before.retain(|state| *state != S::ReturnedForSupplement);
        assert_eq!(before, DUE);
        assert_eq!(from(E::DeemApproved), DUE);
    }

    #[test]
    fn decisions_are_four_and_each_is_by_somebody_else_on_a_fresh_check() {
        let deciding: Vec<Event> = Event::ALL.iter().map(|(e, _)| *e).filter(|e| decides(*e)).collect();
        assert_eq!(deciding, [E::Approve, E::ApproveWithConditions, E::RequireSharing, E::Refuse]);
    }
}
