//! Rule packs: legal parameters as data, each with what it applies to, where it stands and when it is in force.
//!
//! Here are the words; `drawn` says what a drawn shape stands for, `read` checks a pack as it was written, `ruling` prepares it
//! for checks: which parameter decides on a day is then a look into a table. `case` names what the clock of a case goes by.
//! Nothing here knows a country: every value comes out of a pack.

mod case;
mod drawn;
mod read;
mod ruling;
mod site;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::corridor::CorridorKind;
use super::word::words;
use super::work::WorkKind;
use crate::geometry::Metres;

pub use case::{CaseKey, CaseParameter};
pub use drawn::DrawnKind;
pub use read::{Clause, PARAMETERS_MAX, VERSION_MAX, is_read};
pub(in crate::domain) use read::{read_named, read_source};
pub use ruling::{Accuracy, InForce, LandNumber, Ruling};
pub use site::{MayWaive, SiteRules};

words! {
    /// The unit of a parameter. A further one is added here, and nowhere else.
    Unit {
        Metres = "m",
        Kilometres = "km",
        SquareMetres = "m2",
        Degrees = "deg",
        Kilovolts = "kv",
        Watts = "w",
        WattsPerSquareMetre = "w_m2",
        Megahertz = "mhz",
        Dong = "vnd",
        Minutes = "minute",
        Days = "day",
        WorkingDays = "working_day",
        Months = "month",
        Years = "year",
        /// How many.
        Count = "count",
        /// One number by another.
        Ratio = "ratio",
    }
}
words! {
    /// How far a parameter may be relied on.
    Confidence {
        /// Read in the document that is named.
        Law = "law",
        /// A choice of our own.
        Default = "default",
        /// Recalled or carried on: somebody has to look it up.
        Check = "check",
    }
}

/// What a parameter applies to; what is not stated is no condition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applies {
    /// Only to corridors of this kind.
    pub corridor_kind: Option<CorridorKind>,
    /// Only to corridors of this class, as [`class_word`] has it.
    pub corridor_class: Option<String>,
    /// Only to lines of at least this voltage, kV.
    pub voltage_from_kv: Option<f64>,
    /// Only to lines of at most this voltage, kV.
    pub voltage_to_kv: Option<f64>,
    /// Only to works of this kind.
    pub work_kind: Option<WorkKind>,
}

impl Applies {
    fn states_voltage(&self) -> bool {
        self.voltage_from_kv.is_some() || self.voltage_to_kv.is_some()
    }

    /// It states a class, or nothing.
    fn is_of_class_alone(&self) -> bool {
        Self { corridor_class: None, ..self.clone() } == Self::default()
    }

    /// How specific it is: first by how much it states, then the class before the voltage before the kind of work.
    /// Two of the same rank state the same things.
    fn rank(&self) -> (usize, [bool; 3]) {
        let stated = [self.corridor_class.is_some(), self.states_voltage(), self.work_kind.is_some()];
        (stated.iter().filter(|s| **s).count(), stated)
    }

    /// Something may meet the conditions of both, and neither is more specific.
    fn same_things(&self, other: &Self) -> bool {
        let low = |a: &Self| a.voltage_from_kv.unwrap_or(f64::NEG_INFINITY);
        let high = |a: &Self| a.voltage_to_kv.unwrap_or(f64::INFINITY);
        self.corridor_kind == other.corridor_kind
            && self.corridor_class == other.corridor_class
            && self.work_kind == other.work_kind
            && self.states_voltage() == other.states_voltage()
            && low(self) <= high(other)
            && low(other) <= high(self)
    }
}

/// One legal parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name, such as `corridor.road.clearance_m`.
    pub key: String,
    /// Its value, in `unit`.
    pub value: f64,
    /// The unit of its value.
    pub unit: Unit,
    /// What it applies to.
    pub applies: Applies,
    /// The document it stands in; none where it stands in no law, or where nobody looked it up.
    pub document: Option<String>,
    /// The article of that document.
    pub article: Option<String>,
    /// First day in force; none: always was.
    pub valid_from: Option<Date>,
    /// Last day in force; none: still is.
    pub valid_to: Option<Date>,
    /// How far it may be relied on.
    pub confidence: Confidence,
    /// What a reader should know.
    pub note: Option<String>,
}

impl Parameter {
    /// In force on `day`; first and last days count.
    #[must_use]
    pub fn in_force(&self, day: Date) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day <= to)
    }

    /// Some day is in the period of both.
    fn meets_in_time(&self, other: &Self) -> bool {
        let begun = |a: &Self, b: &Self| a.valid_from.zip(b.valid_to).is_none_or(|(from, to)| from <= to);
        begun(self, other) && begun(other, self)
    }

    /// The value as a length; checks read only those that are.
    #[must_use]
    pub fn metres(&self) -> Metres {
        Metres::new(self.value).unwrap_or(Metres::ZERO)
    }
}

/// The parameters of a jurisdiction, in the order in which they were written.
#[derive(Debug, Clone, PartialEq)]
pub struct RulePack {
    /// What it is called.
    pub name: String,
    /// Which version: the same name and version never stand for two contents.
    pub version: String,
    /// Its parameters.
    pub parameters: Vec<Arc<Parameter>>,
}

/// A rule pack as the register holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredPack {
    /// The jurisdiction, and so the shard.
    pub jurisdiction: String,
    /// SHA-256 of the file it came from, hexadecimal.
    pub digest: String,
    /// The revision of the jurisdiction in which it was loaded.
    pub revision: i64,
    /// When it was loaded.
    pub recorded_at: Timestamp,
    /// The pack itself.
    pub pack: RulePack,
}

/// What a rule asks of a corridor.
#[derive(Debug, Clone, PartialEq)]
pub struct LandKind {
    /// What takes the land.
    pub kind: CorridorKind,
    /// The class, as [`class_word`] has it.
    pub class: Option<String>,
    /// The voltage of a line, kV.
    pub voltage_kv: Option<f64>,
}

impl LandKind {
    /// Of a corridor with this class as somebody wrote it.
    #[must_use]
    pub fn new(kind: CorridorKind, class: Option<&str>, voltage_kv: Option<f64>) -> Self {
        Self { kind, class: class.map(class_word).filter(|c| !c.is_empty()), voltage_kv }
    }
}

/// A class as it is compared: without blanks round it, single ones inside, in capitals. `iii` is `III`; nothing else is
/// guessed.
#[must_use]
pub fn class_word(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}
