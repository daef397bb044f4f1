//! What somebody who reads a case may know of it.

use std::borrow::Cow;

use jiff::Timestamp;
use uuid::Uuid;

use super::Filed;
use super::case::{Candidate, Case, CaseEvent, Consultation};
use super::table::ASKED;
use super::told::Stated;
use super::words::Event;
use crate::domain::actor::{Actor, Sight};
use crate::domain::site_check::{CheckCode, Consultee, HiddenCells, Verdict};
use crate::domain::word::Visibility;

/// By what somebody sees a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is his own, or he sees requests of others there.
    Within,
    /// He is asked about it, and would not see it if he were not.
    Asked,
    /// He was asked about it, and has answered, or his time is over: he goes on seeing what he was asked and what he answered, and
    /// how far the case has come.
    WasAsked,
}

impl Standing {
    /// Of somebody who sees a request, on a day there.
    #[must_use]
    pub fn of(actor: &Actor, filed: &Filed, day: jiff::civil::Date) -> Self {
        let sees_all = sees_others(actor, &filed.jurisdiction);
        let owns = actor.organisation.as_ref() == Some(&filed.body.props.organisation);
        let is_asked = || actor.organisation.as_deref().is_some_and(|own| filed.asks(own, day));
        match sees_all || owns {
            true => Self::Within,
            false if is_asked() => Self::Asked,
            false => Self::WasAsked,
        }
    }
}

/// Sees requests of others in a jurisdiction, whether or not his organisation is asked about them.
#[must_use]
pub fn sees_others(actor: &Actor, jurisdiction: &str) -> bool {
    actor.sight(jurisdiction).visibilities.contains(&Visibility::Government)
}

/// Until when a request waits for somebody, on a day there: of whoever is asked his own last day, of whoever else sees it only
/// because he was asked no day, and the day of the office else.
#[must_use]
pub fn due_for(actor: &Actor, filed: &Filed, day: jiff::civil::Date) -> Option<jiff::civil::Date> {
    let standing = Standing::of(actor, filed, day);
    let answers = standing == Standing::Asked || ASKED.iter().any(|role| actor.acts_as(*role, &filed.jurisdiction));
    let own = actor.organisation.as_deref().filter(|own| answers && filed.asks(own, day));
    match own {
        Some(own) => filed.asked.iter().find(|(asked, _)| asked == own).and_then(|(_, last)| *last),
        None => filed.due_on.filter(|_| standing == Standing::Within),
    }
}

/// What the checks of a case come to for somebody who does not see everything: what they would say if he asked them about the
/// same place. What a finding of the office rests on shows in none of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SaidTo {
    /// What he sees, at least.
    pub sight: Sight,
    /// What each check says.
    pub said: Vec<(CheckCode, Verdict)>,
    /// The checks that say «restricted: ask the office».
    pub restricted: Vec<CheckCode>,
    /// The checks after which a column is to be shared instead.
    pub sharing: Vec<CheckCode>,
    /// Whom findings name that tell of nothing hidden.
    pub consult: Vec<(CheckCode, Consultee)>,
    /// The columns that could be shared.
    pub candidates: Vec<Uuid>,
    /// The cells with something hidden by which it is so.
    pub hidden: Vec<HiddenCells>,
}

/// Versions of a request that do not count for somebody: by none of what he reads they show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uncounted {
    /// How many.
    pub versions: i32,
    /// Revision and moment of the last one that counts, where the present one does not.
    pub last: Option<(i64, Timestamp)>,
}

impl Uncounted {
    /// A request as it is counted.
    #[must_use]
    pub fn of<'f>(&self, filed: &'f Filed) -> Cow<'f, Filed> {
        if *self == Self::default() {
            return Cow::Borrowed(filed);
        }
        let (revision, recorded_at) = self.last.unwrap_or((filed.revision, filed.recorded_at));
        Cow::Owned(Filed { version: filed.version - self.versions, revision, recorded_at, ..filed.clone() })
    }
}

/// Who reads a case. Whose corridor or column is near is said to whoever sees everything there, and to that one himself; who sees
/// the case only because he is asked reads what concerns him.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseReader {
    /// For which organisation.
    pub organisation: Option<String>,
    /// What he sees there.
    pub sight: Sight,
    /// By what he sees the case.
    pub standing: Standing,
    /// He decides about cases there.
    pub decides: bool,
    /// What the last check says to him, where he does not see everything and may hear it.
    pub told: Option<SaidTo>,
}

impl CaseReader {
    fn is(&self, organisation: &str) -> bool {
        self.organisation.as_deref() == Some(organisation)
    }

    /// He sees everything there.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.sight.sees_all()
    }

    /// An event counts as a version of the request for him: for whoever does not see everything the answers of others do not, nor
    /// that their time is over, whether or not he knows that they are asked.
    #[must_use]
    pub fn counts(&self, event: &CaseEvent) -> bool {
        self.sees_all() || !matches!(event.event, Event::Answer | Event::LapseConsultation) || self.answered(event)
    }

    /// The events of which he knows.
    #[must_use]
    pub fn known(&self, events: &[CaseEvent], case: &Case) -> usize {
        events.iter().filter(|event| self.knows_event(event, case)).count()
    }

    /// It is his own, and he was told.
    fn was_asked(&self, asked: &Consultation) -> bool {
        self.is(&asked.organisation) && asked.asked_at.is_some()
    }

    /// He would not see it if he were not asked, or had not been.
    fn is_asked_alone(&self) -> bool {
        self.standing != Standing::Within
    }

    /// What is between the office and the carrier is his to know.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.standing == Standing::Within
    }

    /// Of what somebody may hear of a check the most: of those who see no more than he does. None for whoever sees everything.
    #[must_use]
    pub fn most<'s>(&self, said: &'s [SaidTo]) -> Option<&'s SaidTo> {
        let sees_no_more = |to: &&SaidTo| {
            to.sight.visibilities.iter().all(|v| self.sight.visibilities.contains(v))
                && to.sight.organisation.as_deref().is_none_or(|own| self.is(own))
        };
        let fits = said.iter().filter(|_| !self.sees_all()).filter(sees_no_more);
        fits.max_by_key(|to| (to.sight.visibilities.len(), to.sight.organisation.is_some()))
    }

    /// He may know why somebody is asked: these checks name him.
    pub fn because<'c>(&'c self, asked: &'c Consultation) -> impl Iterator<Item = CheckCode> + 'c {
        let hears = |code: &CheckCode| {
            let told = self.told.iter().flat_map(|told| &told.consult);
            self.sees_all()
                || self.is(&asked.organisation)
                || told.into_iter().any(|one| *one == (*code, asked.consultee))
        };
        asked.because.iter().copied().filter(hears)
    }

    /// He may know that somebody was asked: whoever was named by a check that tells him so, or by the office.
    #[must_use]
    pub fn knows_of(&self, asked: &Consultation) -> bool {
        let is_told = || asked.because.is_empty() || self.because(asked).next().is_some();
        if self.is_asked_alone() { self.was_asked(asked) } else { self.is(&asked.organisation) || is_told() }
    }

    /// He may know who that is.
    #[must_use]
    pub fn knows_who(&self, asked: &Consultation) -> bool {
        let of_feature = matches!(asked.consultee, Consultee::CorridorOwner | Consultee::Carrier);
        self.sees_all() || self.is(&asked.organisation) || !of_feature && self.is_within()
    }

    /// He may know of an event: whoever was asked of his own answer, and of how far the case has come; whoever does not see
    /// everything, of the answers of those of whom he knows that they are asked.
    #[must_use]
    pub fn knows_event(&self, event: &CaseEvent, case: &Case) -> bool {
        if self.standing == Standing::WasAsked {
            return event.from != event.to || self.answered(event);
        }
        let is_known = |organisation: &String| {
            let mut asked = case.consultations.iter().filter(|c| c.organisation == *organisation);
            self.is(organisation) || asked.any(|c| self.knows_of(c))
        };
        self.sees_all()
            || match event.event {
                Event::Answer => event.noted.answered_for.iter().all(is_known),
                Event::LapseConsultation => event.noted.lapsed.iter().all(is_known),
                _ => true,
            }
    }

    /// It is his own answer.
    fn answered(&self, event: &CaseEvent) -> bool {
        event.event == Event::Answer && event.organisation.as_deref().is_some_and(|sender| self.is(sender))
    }

    /// He may know what an event says and what the service noted with it.
    #[must_use]
    pub fn knows_content(&self, event: &CaseEvent) -> bool {
        self.standing != Standing::WasAsked || self.answered(event)
    }

    /// He may know for which organisation an event was sent.
    #[must_use]
    pub fn knows_sender(&self, event: &CaseEvent, case: &Case) -> bool {
        if !self.knows_content(event) {
            return false;
        }
        let Stated::Answer { .. } = &event.stated else { return true };
        let Some(organisation) = event.organisation.as_deref() else { return true };
        // Of what an officer writes down this says no more than that the office did.
        let mut asked = case.consultations.iter().filter(|c| c.organisation == organisation);
        self.sees_all() || self.is(organisation) || asked.all(|c| self.knows_of(c) && self.knows_who(c))
    }

    /// He may know what was said with an event that is said to those who see the case.
    #[must_use]
    pub fn knows_what(&self, event: &CaseEvent) -> bool {
        self.is_within() || event.organisation.as_deref().is_some_and(|sender| self.is(sender))
    }

    /// He may know what was said with an event within the office and by those whom it asks: whoever decides has it before him.
    #[must_use]
    pub fn knows_papers(&self) -> bool {
        self.decides && self.sees_all() && self.is_within()
    }

    /// He may read what was submitted, or decided on: that names whoever was asked, with the answer.
    #[must_use]
    pub fn knows_snapshot(&self, event: &CaseEvent) -> bool {
        self.sees_all() || self.is_within() && event.event == Event::Submit
    }

    /// What a check said concerns him.
    fn concerns(&self, case: &Case, code: CheckCode) -> bool {
        let mut asked = case.consultations.iter().filter(|c| self.was_asked(c));
        self.is_within() || asked.any(|c| c.because.contains(&code))
    }

    /// The checks of a case that ask for sharing, of which he may know.
    pub fn sharing<'c>(&'c self, case: &'c Case) -> impl Iterator<Item = CheckCode> + 'c {
        let of_run = case.run.iter().filter(|_| self.sees_all()).flat_map(|run| &run.sharing);
        let all = of_run.chain(self.told.iter().flat_map(|told| &told.sharing)).copied();
        all.filter(|code| self.concerns(case, *code))
    }

    /// What a check says to him. Whoever does not see everything hears what it would say if he asked it, and where he may hear of no more
    /// cells with something hidden, nothing.
    pub fn verdicts<'c>(&'c self, case: &'c Case) -> impl Iterator<Item = (CheckCode, Verdict)> + 'c {
        let heard = |code: CheckCode| {
            let said = self.told.iter().flat_map(|told| &told.said).find(|(of, _)| *of == code);
            said.map_or(Verdict::NotChecked, |(_, verdict)| *verdict)
        };
        let said = case.run.iter().flat_map(|run| &run.said).copied();
        let said = said.map(move |(code, verdict)| (code, if self.sees_all() { verdict } else { heard(code) }));
        said.filter(|(code, _)| self.concerns(case, *code))
    }

    /// The checks that say to him «restricted: ask the office».
    pub fn restricted<'c>(&'c self, case: &'c Case) -> impl Iterator<Item = CheckCode> + 'c {
        let is = move |code: &CheckCode| match &self.told {
            _ if self.sees_all() => false,
            Some(told) => told.restricted.contains(code),
            None => true,
        };
        self.verdicts(case).map(|(code, _)| code).filter(is)
    }

    /// The columns that could be shared, of which he may know.
    pub fn candidates<'c>(&'c self, case: &'c Case) -> impl Iterator<Item = &'c Candidate> {
        let all = case.run.iter().flat_map(|run| &run.candidates);
        let told = |id: Uuid| self.sees_all() || self.told.as_ref().is_some_and(|told| told.candidates.contains(&id));
        all.filter(move |one| told(one.id) && (self.is_within() || self.is(&one.organisation)))
    }
}
