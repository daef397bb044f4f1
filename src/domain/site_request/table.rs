//! THE table of site requests: each row says from which states an event leads where, who sends it, and what must hold.

use super::words::{Event, Guard, State};
use crate::domain::actor::Role;
use crate::domain::workflow::{By, ClockEffect, Transition};

/// A row of the table.
pub type Row = Transition<State, Event, Guard>;

const CARRIER: By = By::Owner(&[Role::Carrier]);
const OFFICER: By = By::Roles(&[Role::Officer]);
const APPROVER: By = By::Roles(&[Role::Approver]);
const CHECKERS: By = By::Roles(&[Role::Officer, Role::Approver]);
const FIELD: By = By::Roles(&[Role::Officer, Role::Inspector]);
/// An officer writes down what came by letter.
const CONSULTEE: By = By::Roles(&[Role::Consultee, Role::Officer]);

use ClockEffect::{Keeps, Pauses, Resumes, Starts, Stops};
use Event as E;
use Guard as G;
use State as S;

/// What each decision rests on, besides what is its own.
const DECIDED: &[Guard] = &[G::NotRecommender, G::CheckNamed, G::CheckFresh, G::ConsultationsDone];
const REFUSED: &[Guard] =
    &[G::Reasoned, G::NotRecommender, G::NotDecider, G::CheckNamed, G::CheckFresh, G::ConsultationsDone];
const APPROVED: &[Guard] = &[
    G::NotRecommender,
    G::NotDecider,
    G::CheckNamed,
    G::CheckFresh,
    G::AdviceFits,
    G::ConsultationsDone,
    G::NoBlocks,
    G::NoSharing,
];
const CONDITIONED: &[Guard] = &[
    G::NotRecommender,
    G::NotDecider,
    G::CheckNamed,
    G::CheckFresh,
    G::AdviceFits,
    G::ConsultationsDone,
    G::NoBlocks,
    G::NoSharing,
    G::ConditionsStated,
];
const SHARED: &[Guard] =
    &[G::NotRecommender, G::NotDecider, G::CheckNamed, G::CheckFresh, G::ConsultationsDone, G::SharingFound];

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
    row(&[S::Submitted], E::Accept, OFFICER, &[G::Documented], S::Accepted, Starts),
    row(&[S::Accepted, S::Checking], E::Check, OFFICER, &[], S::Checking, Keeps),
    stays(S::Consulting, E::Check, OFFICER, &[]),
    stays(S::Assessing, E::Check, OFFICER, &[]),
    stays(S::Recommended, E::Check, OFFICER, &[]),
    stays(S::AwaitingDecision, E::Check, CHECKERS, &[]),
    row(&[S::Checking, S::Assessing], E::Consult, OFFICER, &[G::Checked, G::SomebodyToAsk], S::Consulting, Keeps),
    stays(S::Consulting, E::Consult, OFFICER, &[G::SomebodyToAsk]),
    stays(S::Consulting, E::Answer, CONSULTEE, &[G::WasAsked]),
    stays(S::Assessing, E::Answer, CONSULTEE, &[G::WasAsked]),
    row(&[S::Checking, S::Consulting], E::Assess, OFFICER, &[G::Checked, G::ConsultationsDone], S::Assessing, Keeps),
    stays(S::Assessing, E::Visit, FIELD, &[]),
    row(
        &[S::Assessing],
        E::Recommend,
        OFFICER,
        &[G::Reasoned, G::Checked, G::ConsultationsDone, G::Visited],
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
    row(&[S::Appealed], E::AdmitAppeal, APPROVER, &[G::Reasoned, G::NotDecider], S::AwaitingDecision, Keeps),
    row(&[S::Appealed], E::DismissAppeal, APPROVER, &[G::Reasoned, G::NotDecider], S::Closed, Keeps),
    // Where nothing is agreed on, it ends.
    row(&[S::SharingRequired], E::Withdraw, CARRIER, &[], S::Withdrawn, Keeps),
    row(
        &[S::SharingRequired],
        E::RecordAgreement,
        OFFICER,
        &[G::CandidateNamed, G::PermitRuled],
        S::PermitActive,
        Keeps,
    ),
    row(&[S::Approved, S::ApprovedWithConditions], E::IssuePermit, OFFICER, &[G::PermitRuled], S::PermitActive, Keeps),
    stays(S::PermitActive, E::MeetCondition, CARRIER, &[G::ConditionOpen]),
    stays(S::ConstructionNotified, E::MeetCondition, CARRIER, &[G::ConditionOpen]),
    stays(S::AsBuiltSubmitted, E::MeetCondition, CARRIER, &[G::ConditionOpen]),
    row(&[S::PermitActive], E::NotifyStart, CARRIER, &[G::PermitHolds], S::ConstructionNotified, Keeps),
    row(&[S::ConstructionNotified], E::SubmitAsBuilt, CARRIER, &[], S::AsBuiltSubmitted, Keeps),
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
    clock(S::Accepted, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::Checking, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::Consulting, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::Assessing, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::AwaitingDecision, E::Pause, &[G::Reasoned, G::ClockRuns], Pauses),
    clock(S::Accepted, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Checking, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Consulting, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Assessing, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::AwaitingDecision, E::Resume, &[G::ClockPaused], Resumes),
    clock(S::Consulting, E::Extend, &[G::Reasoned, G::ClockRuns, G::NotExtended], Keeps),
    clock(S::Assessing, E::Extend, &[G::Reasoned, G::ClockRuns, G::NotExtended], Keeps),
    clock(S::AwaitingDecision, E::Extend, &[G::Reasoned, G::ClockRuns, G::NotExtended], Keeps),
];

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

/// What an officer does to the clock alone.
const fn clock(state: State, event: Event, guards: &'static [Guard], effect: ClockEffect) -> Row {
    row(alone(state), event, OFFICER, guards, state, effect)
}

const fn alone(state: State) -> &'static [State] {
    match state {
        S::Accepted => &[S::Accepted],
        S::Checking => &[S::Checking],
        S::Consulting => &[S::Consulting],
        S::Assessing => &[S::Assessing],
        S::Recommended => &[S::Recommended],
        S::AwaitingDecision => &[S::AwaitingDecision],
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

    #[test]
    fn whom_a_request_waits_for_may_lead_on() {
        use crate::domain::site_request::words::Waits;
        for (state, word) in State::ALL {
            let Some(waits) = state.waits_for() else { continue };
            let leads = TABLE.iter().filter(|row| row.from.contains(state)).any(|row| match (waits, row.by) {
                (Waits::Owner, By::Owner(_)) => true,
                (Waits::Officer, By::Roles(roles)) => roles.contains(&Role::Officer),
                (Waits::Approver, By::Roles(roles)) => roles.contains(&Role::Approver),
                (Waits::Consultee, By::Roles(roles)) => roles.contains(&Role::Consultee),
                _ => false,
            });
            assert!(leads, "{word}");
        }
    }

    #[test]
    fn decisions_are_four_and_each_is_by_somebody_else_on_a_fresh_check() {
        let deciding: Vec<Event> = Event::ALL.iter().map(|(e, _)| *e).filter(|e| decides(*e)).collect();
        assert_eq!(deciding, [E::Approve, E::ApproveWithConditions, E::RequireSharing, E::Refuse]);
    }
}
