//! What a drawn shape stands for, by the words that the nouns use.

use super::LandKind;
use crate::domain::corridor::{CorridorKind, read_voltage};
use crate::domain::fields::Reading;
use crate::domain::word::Word;
use crate::domain::work::WorkKind;

/// What a shape stands for, stored or drawn: by that the rules are chosen.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum DrawnKind {
    /// Nobody says: as a corridor no rule applies to it, and as a work the widest of all does.
    #[default]
    Unknown,
    /// A corridor of this kind.
    Land(LandKind),
    /// A work of this kind.
    Work(WorkKind),
}

impl DrawnKind {
    /// The members that [`DrawnKind::read`] reads.
    pub const MEMBERS: [&str; 3] = ["kind", "class", "voltage_kv"];

    /// Reads what somebody says of a drawn shape: the kind of a corridor, with its class and voltage, or that of a
    /// work. A kind that is neither is a problem: by silence a clearance would be missed.
    pub fn read(r: &mut Reading<'_>) -> Self {
        let Some(kind) = r.text("kind") else { return Self::Unknown };
        if let Some(work) = WorkKind::parse(&kind) {
            return Self::Work(work);
        }
        let Some(land) = CorridorKind::parse(&kind) else {
            let detail = format!(
                "«{kind}» is not known here; known are, of corridors, {}, and, of works, {}",
                CorridorKind::known(),
                WorkKind::known()
            );
            r.wrong("kind", detail);
            return Self::Unknown;
        };
        let class = r.text("class");
        Self::Land(LandKind::new(land, class.as_deref(), read_voltage(r)))
    }
}
