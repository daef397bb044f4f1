//! What an approval rests on: each condition has a day of its own, and a document that shows that it is met.

use jiff::Timestamp;
use jiff::civil::Date;

use super::case::Case;
use super::told::ConditionDraft;
use crate::domain::audit::Digest;

/// A condition of an approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What has to be done, why, and until when.
    pub draft: ConditionDraft,
    /// The document that shows that it was, and when that came.
    pub met: Option<(Digest, Timestamp)>,
    /// That its day is over was told.
    pub told: bool,
}

impl Condition {
    /// It is not met, and its day is over on another.
    #[must_use]
    pub fn is_overdue(&self, day: Date) -> bool {
        self.met.is_none() && self.draft.due_on.is_some_and(|due| due < day)
    }
}

impl Case {
    pub(super) fn condition_mut(&mut self, number: u32) -> Option<&mut Condition> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.conditions.get_mut(at)
    }

    /// A condition by its number, from 1.
    #[must_use]
    pub fn condition(&self, number: u32) -> Option<&Condition> {
        self.conditions.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The conditions whose day is over, which nobody was told, by their numbers.
    pub fn late(&self, day: Date) -> impl Iterator<Item = u32> {
        let numbered = (1..).zip(&self.conditions);
        numbered.filter(move |(_, condition)| condition.is_overdue(day) && !condition.told).map(|(number, _)| number)
    }

    /// That the day of some is over was told.
    pub(super) fn reminded(&mut self, conditions: &[u32]) {
        for number in conditions {
            if let Some(condition) = self.condition_mut(*number) {
                condition.told = true;
            }
        }
    }
}
