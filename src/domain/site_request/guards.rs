//! What must hold for a step of a site request, and what is missing where it does not.

use jiff::civil::Date;
use uuid::Uuid;

use super::case::Case;
use super::limits::Limits;
use super::table::{Row, TABLE};
use super::told::{Signed, Stated};
use super::words::{Declaration, Event, Guard, State};
use super::{SiteRequestProps, dossier};
use crate::domain::actor::{Actor, Role};
use crate::domain::audit::Digest;
use crate::domain::document::DocumentKind;
use crate::domain::site_check::{CheckCode, Verdict, Waiver};
use crate::domain::word::Word;
use crate::domain::workflow::{self, By, Refusal};

/// The check run of a case as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct RunNow {
    /// The run.
    pub run: Uuid,
    /// Its hash.
    pub hash: Digest,
    /// What was waived of it.
    pub waived: Vec<Waiver>,
    /// The checks that would say something else now.
    pub changed: Vec<CheckCode>,
    /// Those of them that would say something worse, or something else that does not pass; of what was never checked those that
    /// stand against an approval.
    pub worse: Vec<CheckCode>,
}

impl RunNow {
    /// The finding of a check was waived by somebody else than asks for it.
    #[must_use]
    pub fn is_waived(&self, code: CheckCode, case: &Case, owner: &str) -> bool {
        let asks = |by: &Waiver| by.organisation.as_deref() == Some(owner) || case.applicants.contains(&by.actor);
        self.waived.iter().any(|waiver| waiver.code == code && !asks(waiver))
    }
}

/// Who asks for a step, when, and what he says.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Who; none: the service itself, when a moment has come.
    pub actor: Option<&'a Actor>,
    /// Where the request is.
    pub jurisdiction: &'a str,
    /// What is asked for.
    pub props: &'a SiteRequestProps,
    /// The documents that are kept of it, where the step asks for them.
    pub kept: &'a [(DocumentKind, Digest)],
    /// What he says.
    pub stated: &'a Stated,
    /// Why.
    pub reason: Option<&'a str>,
    /// The day in the jurisdiction.
    pub day: Date,
    /// The day there on which the request, or the appeal, was received that is decided on.
    pub received: Option<Date>,
    /// The day there on which the request was submitted as it is.
    pub submitted: Option<Date>,
    /// The last check run, as it stands now; where the step decides.
    pub run: Option<RunNow>,
    /// How far the survey lies from the place that was permitted, m; where the step verifies it.
    pub deviation_m: Option<f64>,
    /// What the rules say.
    pub limits: Limits,
    /// Why no term can be counted; where the step begins a clock.
    pub uncounted: Option<String>,
    /// The day at whose end the answer is due; where the step asks for it.
    pub due: Option<Date>,
    /// Why the column that is agreed on bears nobody more; where the step agrees on one.
    pub full: Option<String>,
}

impl Asked<'_> {
    /// He is among those who send an event to a case.
    fn may(&self, case: &Case, by: &By) -> bool {
        match self.actor {
            Some(actor) => by.admits_of(actor, self.jurisdiction, &self.props.organisation, &case.consulted()),
            None => *by == By::Timer,
        }
    }

    /// For which organisation somebody answers: his own, or the one that an officer names, who has its letter.
    #[must_use]
    pub fn answers_for(&self) -> Option<&str> {
        let Stated::Answer { organisation, letter, .. } = self.stated else { return None };
        let (actor, named) = (self.actor?, organisation.as_deref());
        let own = actor.organisation.as_deref();
        if letter.is_some() && named != own && actor.acts_as(Role::Officer, self.jurisdiction) {
            return named;
        }
        own.filter(|own| named.is_none_or(|named| named == *own))
    }
}

/// The events that somebody may send now to a request of `owner`, whether or not their guards hold; each once. `asked` are the
/// organisations that were asked about it.
#[must_use]
pub fn allowed(state: State, asked: &[String], actor: &Actor, jurisdiction: &str, owner: &str) -> Vec<Event> {
    workflow::allowed(TABLE, state, |by| by.admits_of(actor, jurisdiction, owner, asked))
}

/// The row of a step that may be made.
///
/// # Errors
/// [`Refusal`] with every guard that does not hold.
pub fn step(case: &Case, event: Event, asked: &Asked<'_>) -> Result<&'static Row, Refusal<Guard>> {
    workflow::step(TABLE, case.state, event, |by| asked.may(case, by), |guard| missing(case, asked, guard))
}

/// Why the moment of a step that the service itself makes has not come, whatever the checks say now: they are asked only where it has.
#[must_use]
pub fn too_early(case: &Case, event: Event, asked: &Asked<'_>) -> Option<Refusal<Guard>> {
    let of_checks = |guard: &Guard| matches!(guard, Guard::NoBlocks | Guard::NoSharing | Guard::NotWorse);
    let row = workflow::row(TABLE, case.state, event);
    let guards = row.into_iter().flat_map(|row| row.guards).filter(|guard| !of_checks(guard));
    let unmet: Vec<_> = guards.filter_map(|guard| Some((*guard, missing(case, asked, *guard)?))).collect();
    (!unmet.is_empty()).then_some(Refusal::Unmet(unmet))
}

fn unless(holds: bool, missing: impl Into<String>) -> Option<String> {
    (!holds).then(|| missing.into())
}

/// What a guard lacks; none where it holds.
#[must_use]
pub fn missing(case: &Case, asked: &Asked<'_>, guard: Guard) -> Option<String> {
    match guard {
        Guard::Declared => declared(asked.props),
        Guard::Documented => {
            let kinds = dossier::missing(asked.props, asked.kept);
            unless(kinds.is_empty(), format!("no document is listed and uploaded of: {}", dossier::named(&kinds)))
        }
        Guard::Reasoned => unless(asked.reason.is_some(), "state a reason"),
        Guard::NotAccepted => unless(case.receipt.is_none(), "it was accepted before: what was accepted is decided"),
        Guard::Checked => unless(case.run.is_some(), "what was submitted was not checked yet: send «check»"),
        Guard::SomebodyToAsk => {
            let named = if let Stated::Consultation { also, .. } = asked.stated { also.as_slice() } else { &[] };
            if named.iter().any(|one| one.organisation == asked.props.organisation) {
                return Some("nobody is asked about a request of his own".into());
            }
            let also = !named.is_empty();
            let unasked = case.consultations.iter().any(|c| c.asked_at.is_none());
            unless(also || unasked, "no check names anybody who was not asked; name somebody in «also»")
        }
        Guard::TimeToAnswer => match asked.stated {
            Stated::Consultation { due_on: Some(last), .. } if *last < asked.day => {
                Some(format!("due_on {last} is over: nobody could answer"))
            }
            _ => None,
        },
        Guard::WasAsked => was_asked(case, asked),
        Guard::ConsultationsDone => {
            let open = case.consultations.iter().filter(|c| c.is_open(asked.day));
            let open: Vec<&str> = open.map(|c| c.organisation.as_str()).collect();
            unless(open.is_empty(), format!("neither answered nor lapsed: {}", open.join(", ")))
        }
        Guard::Visited => unless(!case.visits.is_empty(), "nobody was at the place: send «visit»"),
        Guard::DecisionDate | Guard::VisitDate | Guard::SurveyDate => of_day(case, asked),
        Guard::CheckNamed | Guard::CheckFresh => of_check(case, asked, guard),
        Guard::AdviceFits => {
            let worse = worse_than_advised(case);
            let missing = format!("worse than when it was recommended: {}; send it back", worse.join(", "));
            unless(worse.is_empty(), missing)
        }
        Guard::NoBlocks | Guard::NoSharing | Guard::SharingFound => of_findings(case, asked, guard),
        Guard::NotApplicant => {
            let applies = asked.actor.is_some_and(|actor| case.is_applicant(actor, &asked.props.organisation));
            unless(!applies, "nobody recommends or decides on what he, or his organisation, asks for")
        }
        Guard::NotRecommender | Guard::NotDecider => of_person(case, asked, guard),
        Guard::NotWaiver => of_waiver(asked),
        Guard::NotWorse => not_worse(asked),
        Guard::ConditionsStated | Guard::ConditionOpen | Guard::EvidenceKept | Guard::ConditionsMet => {
            of_conditions(case, asked, guard)
        }
        Guard::CandidateNamed | Guard::PermitRuled | Guard::PermitHolds | Guard::PermitOver => {
            of_permit(case, asked, guard)
        }
        Guard::WithinTolerance | Guard::HeightPermitted => of_survey(case, asked, guard),
        Guard::ClockRuns => unless(case.clock_runs(), "the clock does not run"),
        Guard::ClockPaused => unless(case.is_held_by_office(), "no officer lets the clock stand still"),
        Guard::NotExtended => extended(case, asked),
        Guard::TermKnown => asked.uncounted.clone(),
        Guard::Overdue
        | Guard::NotEscalated
        | Guard::DeemedApproval
        | Guard::ConditionOver
        | Guard::ConsultationOver => of_time(case, asked, guard),
    }
}

fn of_time(case: &Case, asked: &Asked<'_>, guard: Guard) -> Option<String> {
    match guard {
        Guard::Overdue => {
            // What stands still is due on no day, unless it was overdue before: no pause heals that.
            unless(asked.due.is_some_and(|due| due < asked.day), "no last day for the answer is over")
        }
        Guard::NotEscalated => {
            let told = case.escalated.zip(asked.due).is_some_and(|(told, due)| due <= told);
            unless(!told, "that the last day for the answer is over was told")
        }
        Guard::DeemedApproval => unless(
            asked.limits.deemed_approval,
            "no rule says that a request counts as approved because it is overdue (site_request.deemed_approval)",
        ),
        Guard::ConditionOver => {
            unless(case.late(asked.day).next().is_some(), "the day of no condition is over of which nobody was told")
        }
        _ => unless(case.over(asked.day).next().is_some(), "nobody's time is over of which nobody was told"),
    }
}

fn extended(case: &Case, asked: &Asked<'_>) -> Option<String> {
    if case.is_extended() {
        return Some("it was extended already, which is done once".into());
    }
    let Stated::Extension(days) = asked.stated else { return Some("say by how many days".into()) };
    let most = asked.limits.extension_days_max.unwrap_or(0);
    unless(*days <= most, format!("{days} working days are more than the {most} of the rules"))
}

fn declared(props: &SiteRequestProps) -> Option<String> {
    let not = Declaration::ALL.iter().filter(|(d, _)| !props.declarations.contains(d));
    let not: Vec<&str> = not.map(|(_, word)| *word).collect();
    unless(not.is_empty(), format!("not declared: {}", not.join(", ")))
}

fn was_asked(case: &Case, asked: &Asked<'_>) -> Option<String> {
    let Some(organisation) = asked.answers_for() else {
        return Some("a consultee answers for its own organisation; an officer names one, and its letter".into());
    };
    if case.open(asked.day).any(|c| c.organisation == organisation) {
        return None;
    }
    let last = case.consultations.iter().rfind(|c| c.organisation == organisation && c.asked_at.is_some());
    match last {
        None => Some(format!("{organisation} was not asked")),
        Some(last) if last.answered.is_some() => Some(format!("{organisation} has answered")),
        Some(_) => Some(format!("the time of {organisation} is over")),
    }
}

fn of_check(case: &Case, asked: &Asked<'_>, guard: Guard) -> Option<String> {
    let Some(run) = &case.run else { return Some("what was submitted was not checked".into()) };
    if guard == Guard::CheckNamed {
        let Stated::Decision(signed) = asked.stated else { return Some("name the check run".into()) };
        let named = (signed.run, signed.run_hash) == (run.run, run.hash);
        return unless(named, format!("the case rests on the check run {}, not on the one named", run.run));
    }
    let now = asked.run.as_ref().filter(|now| now.run == run.run);
    let Some(now) = now else { return Some("the check run is not there".into()) };
    if now.hash != run.hash {
        return Some("the check run is not what it was".into());
    }
    let changed: Vec<&str> = now.changed.iter().map(|code| code.as_str()).collect();
    unless(changed.is_empty(), format!("would say something else now: {}; send «check»", changed.join(", ")))
}

/// What is said to have been done on a day was done on one that has come, and none before there was anything to do.
fn of_day(case: &Case, asked: &Asked<'_>) -> Option<String> {
    let (on, first, what) = match asked.stated {
        Stated::Decision(Signed { on, .. }) => (*on, asked.received, "it was received"),
        Stated::Visit { on, .. } => (*on, asked.submitted, "it was submitted as it is"),
        // By the permit, for the day on which building was to begin may have been announced wrongly.
        Stated::Survey(surveyed) => (surveyed.on, case.permit.as_ref().map(|(_, from, _)| *from), "the permit began"),
        _ => return Some("say on which day".into()),
    };
    if on > asked.day {
        return Some(format!("on {on} is yet to come"));
    }
    let first = first.filter(|first| on < *first);
    first.map(|first| format!("on {on} is before {first}, on which {what}"))
}

fn not_worse(asked: &Asked<'_>) -> Option<String> {
    let Some(now) = &asked.run else { return Some("nobody looked what the checks say now".into()) };
    let worse: Vec<&str> = now.worse.iter().map(|code| code.as_str()).collect();
    unless(worse.is_empty(), format!("worse now: {}", worse.join(", ")))
}

/// The checks that say something worse than when it was recommended: whoever decides may check it again, and recommends nothing.
fn worse_than_advised(case: &Case) -> Vec<&'static str> {
    let said = case.run.iter().flat_map(|run| &run.said);
    let then = |code| case.advised_on.iter().find(|(of, _)| *of == code).map(|(_, verdict)| *verdict);
    said.filter(|(code, now)| then(*code).is_some_and(|then| then < *now)).map(|(code, _)| code.as_str()).collect()
}

fn of_findings(case: &Case, asked: &Asked<'_>, guard: Guard) -> Option<String> {
    // Of what was never checked nothing is known; whoever decides has a check.
    let Some(run) = &case.run else {
        return unless(guard != Guard::SharingFound, "what was submitted was not checked");
    };
    let owner = &asked.props.organisation;
    let waived = |code: &CheckCode| asked.run.as_ref().is_some_and(|now| now.is_waived(*code, case, owner));
    let own = |codes: &[&str]| {
        let own = asked.run.iter().flat_map(|now| &now.waived).any(|w| codes.contains(&w.code.as_str()));
        if own {
            " (whoever asks for it waives nothing: send «check», and have that waived by somebody else)"
        } else {
            ""
        }
    };
    match guard {
        Guard::NoBlocks => {
            let blocks = run.said.iter().filter(|(code, verdict)| *verdict == Verdict::Block && !waived(code));
            let blocks: Vec<&str> = blocks.map(|(code, _)| code.as_str()).collect();
            unless(blocks.is_empty(), format!("blocked and not waived{}: {}", own(&blocks), blocks.join(", ")))
        }
        Guard::NoSharing => {
            let due: Vec<&str> = run.sharing.iter().filter(|code| !waived(code)).map(|code| code.as_str()).collect();
            let missing = format!(
                "{} wants a column shared: send «require_sharing», or have it waived{}",
                due.join(", "),
                own(&due)
            );
            unless(due.is_empty(), missing)
        }
        _ => unless(
            !run.sharing.is_empty() && !run.candidates.is_empty(),
            "no check finds a column that could be shared",
        ),
    }
}

fn of_person(case: &Case, asked: &Asked<'_>, guard: Guard) -> Option<String> {
    let (other, what) = if guard == Guard::NotRecommender {
        (case.advice.as_ref().map(|(_, by)| by), "recommended")
    } else {
        // Where a column was to be shared and nothing was agreed on, nobody appeals.
        let refused = case.decided.as_ref().filter(|decided| decided.event == Event::Refuse);
        (refused.map(|decided| &decided.by), "decided")
    };
    let same = other.zip(asked.actor).is_some_and(|(other, actor)| *other == actor.name);
    unless(!same, format!("whoever {what} it does not decide on it"))
}

fn of_waiver(asked: &Asked<'_>) -> Option<String> {
    let his = |actor: &Actor| asked.run.iter().flat_map(|now| &now.waived).any(|waiver| waiver.actor == actor.name);
    unless(!asked.actor.is_some_and(his), "whoever waived something of it does not approve it")
}

fn of_conditions(case: &Case, asked: &Asked<'_>, guard: Guard) -> Option<String> {
    match (guard, asked.stated) {
        (Guard::ConditionsStated, Stated::Decision(signed)) => {
            unless(!signed.conditions.is_empty(), "state the conditions")
        }
        (Guard::ConditionsStated, _) => Some("state the conditions".into()),
        (Guard::ConditionOpen, Stated::Met { condition, .. }) => match case.condition(*condition) {
            None => Some(format!("there is no condition {condition}")),
            Some(_) => None,
        },
        (Guard::EvidenceKept, Stated::Met { evidence, .. }) => {
            let is_kept = asked.kept.iter().any(|(_, kept)| kept == evidence);
            unless(is_kept, "no document of the request has this SHA-256: upload it first")
        }
        (Guard::EvidenceKept, _) => Some("name the document".into()),
        (Guard::ConditionOpen, _) => Some("name the condition".into()),
        _ => {
            let numbered = case.conditions.iter().zip(1..).filter(|(condition, _)| condition.met.is_none());
            let open: Vec<String> = numbered.map(|(_, number): (_, u32)| number.to_string()).collect();
            unless(open.is_empty(), format!("not met: condition {}", open.join(", ")))
        }
    }
}

fn of_permit(case: &Case, asked: &Asked<'_>, guard: Guard) -> Option<String> {
    let holds = |(_, from, to): &(String, Date, Date), day: Date| (*from..=*to).contains(&day);
    match guard {
        Guard::CandidateNamed => {
            let candidates = case.run.as_ref().map(|run| run.candidates.as_slice()).unwrap_or_default();
            let Stated::Agreement { column, .. } = asked.stated else { return Some("name the column".into()) };
            let known: Vec<&str> = candidates.iter().map(|c| c.code.as_str()).collect();
            let is_one = candidates.iter().any(|c| c.id == *column);
            let none = format!("{column} is none of the columns that could be shared: {}", known.join(", "));
            unless(is_one, none).or_else(|| asked.full.clone())
        }
        Guard::PermitRuled => unless(
            asked.limits.permit_months.is_some(),
            "no rule says for how long a permit holds (site_request.permit_months)",
        ),
        Guard::PermitHolds => {
            let Some(permit) = case.permit.as_ref().filter(|permit| holds(permit, asked.day)) else {
                return Some("the permit does not hold on this day".into());
            };
            let Stated::Start(on) = asked.stated else { return Some("say when building begins".into()) };
            unless(holds(permit, *on), format!("the permit holds from {} to {}, and not on {on}", permit.1, permit.2))
        }
        _ => unless(case.permit.as_ref().is_some_and(|(_, _, to)| *to < asked.day), "the permit is not over yet"),
    }
}

fn of_survey(case: &Case, asked: &Asked<'_>, guard: Guard) -> Option<String> {
    let Some(surveyed) = &case.surveyed else { return Some("nothing was surveyed".into()) };
    if guard == Guard::HeightPermitted {
        let (height, most) = (surveyed.height_agl_m, asked.props.subject.height_agl_m);
        return unless(height <= most, format!("{height} m is above the {most} m that were permitted"));
    }
    let Some(deviation_m) = asked.deviation_m else { return Some("nobody measured how far it is".into()) };
    let Some(tolerance) = asked.limits.tolerance_m else {
        return Some("no rule says how far is tolerated (site_request.as_built_tolerance_m)".into());
    };
    // A shared column stands where it stood.
    let within = case.shared.is_some() || deviation_m <= f64::from(tolerance);
    unless(within, format!("{deviation_m:.2} m from the place, {tolerance} m are tolerated"))
}
