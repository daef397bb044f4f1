//! What somebody who reads a case may know of it.

use super::case::{Candidate, Case, CaseEvent, Consultation};
use super::told::Stated;
use super::words::Event;
use crate::domain::site_check::{CheckCode, Consultee, Verdict};

/// Who reads a case. Whose corridor or column is near is said to whoever sees everything there, and to that one himself; who sees
/// the case only because he is asked reads what concerns him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseReader {
    /// For which organisation.
    pub organisation: Option<String>,
    /// He sees everything there.
    pub sees_all: bool,
    /// He would not see it if he were not asked.
    pub is_asked_alone: bool,
}

impl CaseReader {
    fn is(&self, organisation: &str) -> bool {
        self.organisation.as_deref() == Some(organisation)
    }

    /// He may know that somebody was asked.
    #[must_use]
    pub fn knows_of(&self, asked: &Consultation) -> bool {
        !self.is_asked_alone || self.is(&asked.organisation)
    }

    /// He may know who that is.
    #[must_use]
    pub fn knows_who(&self, asked: &Consultation) -> bool {
        let of_feature = matches!(asked.consultee, Consultee::CorridorOwner | Consultee::Carrier);
        self.sees_all || self.is(&asked.organisation) || !of_feature && !self.is_asked_alone
    }

    /// He may know for which organisation an event was sent.
    #[must_use]
    pub fn knows_sender(&self, event: &CaseEvent, case: &Case) -> bool {
        let Stated::Answer { .. } = &event.stated else { return true };
        let Some(organisation) = event.organisation.as_deref() else { return true };
        // Of what an officer writes down this says no more than that the office did.
        let mut asked = case.consultations.iter().filter(|c| c.organisation == organisation);
        self.sees_all || self.is(organisation) || asked.all(|c| self.knows_who(c))
    }

    /// He may know what was said with an event that is said to those who see the case.
    #[must_use]
    pub fn knows_what(&self, event: &CaseEvent) -> bool {
        !self.is_asked_alone || event.organisation.as_deref().is_some_and(|sender| self.is(sender))
    }

    /// He may read what was submitted, or decided on: that names whoever was asked, with the answer.
    #[must_use]
    pub fn knows_snapshot(&self, event: &CaseEvent) -> bool {
        self.sees_all || !self.is_asked_alone && event.event == Event::Submit
    }

    /// The checks of a case that ask for sharing, of which he may know.
    pub fn sharing<'c>(&'c self, case: &'c Case) -> impl Iterator<Item = CheckCode> {
        let all = case.run.iter().flat_map(|run| &run.sharing).copied();
        all.filter(move |code| self.verdicts(case).any(|(said, _)| said == code))
    }

    /// What a check said, of which he may know.
    pub fn verdicts<'c>(&'c self, case: &'c Case) -> impl Iterator<Item = &'c (CheckCode, Verdict)> {
        let said = case.run.iter().flat_map(|run| &run.said);
        let mine =
            |code: CheckCode| case.consultations.iter().any(|c| self.is(&c.organisation) && c.because.contains(&code));
        said.filter(move |(code, _)| !self.is_asked_alone || mine(*code))
    }

    /// The columns that could be shared, of which he may know.
    pub fn candidates<'c>(&'c self, case: &'c Case) -> impl Iterator<Item = &'c Candidate> {
        let all = case.run.iter().flat_map(|run| &run.candidates);
        all.filter(|candidate| !self.is_asked_alone || self.is(&candidate.organisation))
    }
}
