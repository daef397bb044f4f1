//! What a check says.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::civil::Date;
use uuid::Uuid;

use super::CheckCode;
use super::message::{Argument, Message};
use super::surroundings::{NearReference, Source, Surroundings};
use crate::domain::conflict::Facts;
use crate::domain::coverage::Coverage;
use crate::domain::layer::Layer;
use crate::domain::reference::Decision;
use crate::domain::rules::{Parameter, Unit};
use crate::domain::word::words;
use crate::geometry::{Geometry, Grid};

words! {
    /// What a check came to. The last is the worst.
    Verdict {
        /// It does not concern this subject.
        NotApplicable = "not_applicable",
        /// Nothing stands against it.
        Pass = "pass",
        /// Something has to be looked at, or somebody asked.
        Warn = "warn",
        /// No data covers the place, or something is hidden from the asker: nobody can tell.
        NotChecked = "not_checked",
        /// Too close to tell from positions as badly known as these.
        NeedsSurvey = "needs_survey",
        /// It may not be built so.
        Block = "block",
    }
}

words! {
    /// Who has to be asked.
    Consultee {
        Office = "office",
        Army = "army",
        Police = "police",
        Aviation = "aviation",
        Culture = "culture",
        Commune = "commune",
        Health = "health",
        Education = "education",
        CorridorOwner = "corridor_owner",
        Carrier = "carrier",
    }
}

words! {
    /// What follows, where a finding is no refusal.
    Outcome {
        /// Share one of the columns listed.
        SharingRequired = "sharing_required",
    }
}

words! {
    /// Why finding nothing in a source says nothing.
    GapWhy {
        /// Something there is not the asker's to see.
        Hidden = "features_not_seen",
        /// Nobody declared that all there is was loaded.
        Undeclared = "coverage_undeclared",
        /// What is declared does not hold all of the ground.
        NotCovered = "layer_not_covered",
    }
}

/// A measured value or a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
}

impl Quantity {
    /// Metres.
    #[must_use]
    pub fn metres(value: f64) -> Self {
        Self { value, unit: Unit::Metres }
    }
}

/// A feature that a finding rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The layer it is in.
    pub layer: Layer,
    /// The feature.
    pub id: Uuid,
    /// Its code.
    pub code: CompactString,
    /// Its kind, as written.
    pub kind: &'static str,
    /// What people call it.
    pub name: Option<Arc<str>>,
    /// Who owns it.
    pub organisation: Arc<str>,
    /// How far from the place, in metres; 0 where the place lies in it.
    pub distance_m: f64,
    /// Places left on it for further carriers, of a column that could be shared.
    pub spare_capacity: Option<u32>,
    /// It is to be known who is shown it.
    pub restricted: bool,
}

impl Evidence {
    /// Of a feature.
    #[must_use]
    pub fn of(layer: Layer, facts: &Facts, distance_m: f64) -> Self {
        Self {
            layer,
            id: facts.id,
            code: facts.code.clone(),
            kind: facts.noun.kind(),
            name: facts.attributes.as_ref().and_then(|a| a.name.clone()),
            organisation: Arc::clone(&facts.organisation),
            distance_m,
            spare_capacity: None,
            restricted: facts.visibility.is_restricted(),
        }
    }
}

/// A source that does not answer for the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Which.
    pub source: Source,
    /// Why.
    pub why: GapWhy,
}

impl Gap {
    /// Adds it to others, of which each source has one. That something is hidden weighs most.
    pub fn join(self, others: &mut Vec<Self>) {
        match others.iter_mut().find(|known| known.source == self.source) {
            Some(known) if self.why == GapWhy::Hidden => *known = self,
            Some(_) => {}
            None => others.push(self),
        }
    }
}

/// The decision of the plan of a zone, by which a finding says what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The code of the zone.
    pub zone: CompactString,
    /// What was decided.
    pub decision: Arc<Decision>,
    /// The first day on which the zone is in force.
    pub valid_from: Option<Date>,
    /// The last one.
    pub valid_to: Option<Date>,
}

impl Decided {
    /// Of a zone; none of one that no plan has.
    #[must_use]
    pub fn of(zone: &NearReference<'_>) -> Option<Self> {
        let decision = Arc::clone(zone.attributes().decision.as_ref()?);
        let (valid_from, valid_to) = (zone.told.valid_from, zone.told.valid_to);
        Some(Self { zone: zone.facts.code.clone(), decision, valid_from, valid_to })
    }
}

/// How far people keep from an antenna: nearer than this it alone, at its full power, gives more than the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sector {
    /// Where it points, degrees clockwise from grid north; none: all round.
    pub azimuth_deg: Option<f64>,
    /// How wide its beam is, as stated or by the rules, degrees.
    pub beamwidth_deg: f64,
    /// What it radiates, W.
    pub eirp_w: f64,
    /// In its beam, m.
    pub front_m: f64,
    /// Beside its beam, as far again as it is wide to each side, m.
    pub shoulder_m: f64,
    /// At its sides and back, m.
    pub side_m: f64,
    /// Below it, m.
    pub below_m: f64,
    /// In its beam with all that is co-sited, each by what it sends that way, in the direction in which they are most, m.
    pub summed_m: f64,
    /// Beyond its beam and what is beside it, the same, m.
    pub summed_side_m: f64,
}

/// How far people keep from the antennas of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Compliance {
    /// Each of its own, in their order.
    pub sectors: Vec<Sector>,
    /// From all that is co-sited, as if all of it pointed the same way, m.
    pub summed_m: f64,
    /// Below all of it, m.
    pub summed_below_m: f64,
}

/// What a check says of a subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The check.
    pub code: CheckCode,
    /// What it came to.
    pub verdict: Verdict,
    /// In a sentence.
    pub message: Message,
    /// What was measured.
    pub measured: Option<Quantity>,
    /// What it was held against.
    pub limit: Option<Quantity>,
    /// The parameter that gave the limit.
    pub rule: Option<Arc<Parameter>>,
    /// The decision of the zone that says so, where no parameter does.
    pub decided: Option<Decided>,
    /// How far people keep from antennas.
    pub compliance: Option<Compliance>,
    /// What it rests on, the nearest first.
    pub evidence: Vec<Evidence>,
    /// Who has to be asked.
    pub consult: Vec<Consultee>,
    /// What follows, where it is no refusal.
    pub outcome: Option<Outcome>,
    /// What does not answer for the place.
    pub gaps: Vec<Gap>,
    /// Something small to draw, on the working grid.
    pub geometry: Option<Grid<Geometry<f64>>>,
    /// What else it rests on and does not list. Nobody is told of it; that somebody was answered by it is to be known where it
    /// is restricted.
    pub rests_on: Vec<Uuid>,
}

impl Finding {
    /// A finding that says no more than this.
    #[must_use]
    pub fn new(code: CheckCode, verdict: Verdict, message: Message) -> Self {
        Self {
            code,
            verdict,
            message,
            measured: None,
            limit: None,
            rule: None,
            decided: None,
            compliance: None,
            evidence: Vec::new(),
            consult: Vec::new(),
            outcome: None,
            gaps: Vec::new(),
            geometry: None,
            rests_on: Vec::new(),
        }
    }

    /// Every feature that it rests on, listed or not.
    pub fn ground(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.evidence.iter().map(|evidence| evidence.id).chain(self.rests_on.iter().copied())
    }

    /// What was measured, held against the value of a parameter.
    #[must_use]
    pub fn by(mut self, rule: &Arc<Parameter>, measured: Option<f64>) -> Self {
        self.measured = measured.map(|value| Quantity { value, unit: rule.unit });
        self.limit = Some(Quantity { value: rule.value, unit: rule.unit });
        self.rule = Some(Arc::clone(rule));
        self.decided = None;
        self
    }

    /// Why nothing found says nothing, where `first` weighs most.
    fn unanswered(first: Gap, gaps: &[Gap]) -> Message {
        Message::new(match first.why {
            GapWhy::Hidden => message_key::HIDDEN,
            GapWhy::Undeclared | GapWhy::NotCovered => message_key::NO_DATA,
        })
        .with("sources", Argument::Words(gaps.iter().map(|gap| gap.source.to_string()).collect()))
    }

    /// A finding that there is none, for nobody knows what a source holds there.
    #[must_use]
    pub fn not_known(code: CheckCode, gap: Gap) -> Self {
        Self::new(code, Verdict::NotChecked, Self::unanswered(gap, &[gap]))
    }

    /// Something that it read does not answer for the place, so there may be more than it says.
    #[must_use]
    pub fn is_known_in_part(&self) -> bool {
        let says_something = matches!(self.verdict, Verdict::Warn | Verdict::NeedsSurvey | Verdict::Block);
        self.verdict == Verdict::NotChecked || says_something && !self.gaps.is_empty()
    }

    /// The finding, with what the sources it read do not answer for: where one does not, nothing found is no pass.
    #[must_use]
    pub fn qualified(mut self, reads: &[Source], around: &Surroundings<'_>) -> Self {
        let of_check = std::mem::take(&mut self.gaps);
        self.gaps.extend(reads.iter().filter_map(|source| around.gap(*source)));
        for gap in of_check {
            gap.join(&mut self.gaps);
        }
        if self.verdict == Verdict::Pass
            && let Some(gap) = self.gaps.first()
        {
            self.verdict = Verdict::NotChecked;
            self.message = Self::unanswered(*gap, &self.gaps);
        }
        if self.gaps.iter().any(|gap| gap.why == GapWhy::Hidden) && !self.consult.contains(&Consultee::Office) {
            self.consult.push(Consultee::Office);
        }
        self
    }
}

use super::message::key as message_key;

impl Coverage {
    /// Why ground with this coverage is a gap; none where it is none.
    #[must_use]
    pub fn gap(self) -> Option<GapWhy> {
        match self {
            Self::Full => None,
            Self::Undeclared => Some(GapWhy::Undeclared),
            Self::Partial | Self::None => Some(GapWhy::NotCovered),
        }
    }
}
