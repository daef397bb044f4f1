//! Who is asked about a request: once about each thing that a check finds, and as often as an officer wants it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::case::{Case, CaseEvent};
use super::told::AlsoAsked;
use super::words::Answer;
use crate::domain::audit::Digest;
use crate::domain::site_check::{CheckCode, Consultee};

/// Somebody whom a finding names.
#[derive(Debug, Clone, PartialEq)]
pub struct ToAsk {
    /// The check.
    pub code: CheckCode,
    /// As what he is asked.
    pub consultee: Consultee,
    /// The organisation that answers.
    pub organisation: String,
    /// What the finding rests on that concerns him, in no form by which anybody finds it; none where it rests on no feature, or was
    /// noted before this was.
    pub rests_on: Vec<Digest>,
}

impl ToAsk {
    /// What of it somebody is asked about, thing by thing.
    fn matters(&self) -> Vec<Matter> {
        if self.rests_on.is_empty() {
            return vec![(self.code, None)];
        }
        self.rests_on.iter().map(|on| (self.code, Some(*on))).collect()
    }
}

/// What somebody is asked about: what a check says, and of what.
type Matter = (CheckCode, Option<Digest>);

/// A consultation.
#[derive(Debug, Clone, PartialEq)]
pub struct Consultation {
    /// As what somebody is asked.
    pub consultee: Consultee,
    /// The organisation that answers.
    pub organisation: String,
    /// The checks that name it; none where an officer does.
    pub because: Vec<CheckCode>,
    /// What they found.
    matters: Vec<Matter>,
    /// When it was asked.
    pub asked_at: Option<Timestamp>,
    /// The last day for an answer.
    pub answer_by: Option<Date>,
    /// What it said, who said it, and when.
    pub answered: Option<(Answer, String, Timestamp)>,
    /// That its time is over was told.
    pub lapse_told: bool,
    /// An officer named it, whatever a check finds.
    named: bool,
}

impl Consultation {
    /// Asked, and neither answered nor lapsed on this day.
    #[must_use]
    pub fn is_open(&self, day: Date) -> bool {
        self.answered.is_none() && self.answer_by.is_none_or(|last| day <= last)
    }

    /// Asked, without an answer, and its time is over.
    #[must_use]
    pub fn has_lapsed(&self, day: Date) -> bool {
        self.answered.is_none() && self.answer_by.is_some_and(|last| last < day)
    }
}

impl Case {
    /// What a check found, of which whoever is named was not asked yet, he is to be asked about.
    pub(super) fn checked(&mut self, event: &CaseEvent) {
        let Some(run) = &event.noted.run else { return };
        // Of what is not there any more nobody is asked who was not, but whom an officer named.
        self.consultations.retain(|c| c.asked_at.is_some() || c.named);
        for named in &run.consult {
            let mut matters = named.matters();
            matters.retain(|one| {
                self.consultations_of(&named.organisation).all(|c| c.asked_at.is_none() || !c.matters.contains(one))
            });
            if matters.is_empty() {
                continue;
            }
            let asked = self.still_to_ask(named.consultee, &named.organisation);
            if !asked.because.contains(&named.code) {
                asked.because.push(named.code);
            }
            asked.matters.extend(matters);
        }
        self.run = Some(run.clone());
    }

    /// Asks whoever is to be asked, and whom an officer names: once more about all that he was asked about before, where he was.
    pub(super) fn asked(&mut self, also: &[AlsoAsked], event: &CaseEvent) {
        for named in also {
            let before: Vec<CheckCode> =
                self.consultations_of(&named.organisation).flat_map(|c| &c.because).copied().collect();
            let asked = self.still_to_ask(named.consultee, &named.organisation);
            asked.named = true;
            for code in before {
                if !asked.because.contains(&code) {
                    asked.because.push(code);
                }
            }
        }
        let last = event.noted.answer_by;
        let (mut now, mut before) = (Vec::new(), Vec::new());
        for asked in &mut self.consultations {
            if asked.asked_at.is_none() {
                (asked.asked_at, asked.answer_by) = (Some(event.at), last);
                now.push(asked);
            } else if event.noted.day.is_some_and(|day| asked.is_open(day)) {
                before.push(asked);
            }
        }
        // What he has not answered yet he answers with it: of both days the later.
        for one in now {
            let mut open: Vec<_> = before.iter_mut().filter(|c| c.organisation == one.organisation).collect();
            let days: Option<Vec<Date>> = open.iter().map(|c| c.answer_by).chain([last]).collect();
            let last = days.and_then(|days| days.into_iter().max());
            one.answer_by = last;
            for other in &mut open {
                other.answer_by = last;
            }
        }
    }

    /// Whoever was barred from answering while a supplement was due is asked anew.
    pub(super) fn barred(&mut self) {
        for one in self.consultations.iter_mut().filter(|c| c.answered.is_none() && !c.lapse_told) {
            (one.asked_at, one.answer_by) = (None, None);
        }
    }

    fn consultations_of(&self, organisation: &str) -> impl Iterator<Item = &Consultation> {
        self.consultations.iter().filter(move |c| c.organisation == organisation)
    }

    /// The consultation of an organisation that is still to come.
    fn still_to_ask(&mut self, consultee: Consultee, organisation: &str) -> &mut Consultation {
        let known = self.consultations.iter().position(|c| c.organisation == organisation && c.asked_at.is_none());
        let at = known.unwrap_or(self.consultations.len());
        if known.is_none() {
            self.consultations.push(Consultation {
                consultee,
                organisation: organisation.to_owned(),
                because: Vec::new(),
                matters: Vec::new(),
                asked_at: None,
                answer_by: None,
                answered: None,
                lapse_told: false,
                named: false,
            });
        }
        &mut self.consultations[at]
    }

    /// Whoever answers says it to all that he may still answer.
    pub(super) fn answered(&mut self, answer: Answer, event: &CaseEvent) {
        let organisation = event.noted.answered_for.as_deref();
        let may = |c: &Consultation| c.asked_at.is_some() && event.noted.day.is_none_or(|day| c.is_open(day));
        let asked = self.consultations.iter_mut().filter(|c| Some(c.organisation.as_str()) == organisation);
        for asked in asked.filter(|c| may(c)) {
            asked.answered = Some((answer, event.actor.clone(), event.at));
        }
    }

    /// That somebody's time is over was told.
    pub(super) fn told_of_lapse(&mut self, event: &CaseEvent) {
        let is_over = |c: &Consultation| event.noted.day.is_none_or(|day| c.asked_at.is_some() && c.has_lapsed(day));
        let told = |c: &&mut Consultation| event.noted.lapsed.contains(&c.organisation) && is_over(c);
        self.consultations.iter_mut().filter(told).for_each(|c| c.lapse_told = true);
    }

    /// Those that were asked and may still answer, each organisation once: all that is open of one is as long.
    pub fn open(&self, day: Date) -> impl Iterator<Item = &Consultation> {
        let mut seen = Vec::new();
        let open = self.consultations.iter().filter(move |c| c.asked_at.is_some() && c.is_open(day));
        open.filter(move |c| {
            let is_new = !seen.contains(&&c.organisation);
            seen.push(&c.organisation);
            is_new
        })
    }

    /// The organisations that were asked at a moment.
    pub fn asked_at(&self, at: Timestamp) -> impl Iterator<Item = &str> {
        self.consultations.iter().filter(move |c| c.asked_at == Some(at)).map(|c| c.organisation.as_str())
    }

    /// The organisations that were asked, whether or not they have answered: they see that it is there.
    #[must_use]
    pub fn consulted(&self) -> Vec<String> {
        let asked = self.consultations.iter().filter(|c| c.asked_at.is_some());
        let mut all: Vec<String> = Vec::new();
        for one in asked {
            if !all.contains(&one.organisation) {
                all.push(one.organisation.clone());
            }
        }
        all
    }

    /// Those whose time is over on a day, which nobody was told.
    pub fn over(&self, day: Date) -> impl Iterator<Item = &Consultation> {
        self.consultations.iter().filter(move |c| c.asked_at.is_some() && c.has_lapsed(day) && !c.lapse_told)
    }
}
