//! The clearances that are kept from a piece of land, whether anything is found within them or not: which, by what, and
//! from which works.

use std::sync::Arc;

use super::{Clause, Rule, RuleKey, clearance};
use crate::domain::rules::Parameter;
use crate::domain::word::Word;
use crate::domain::work::WorkKind;
use crate::geometry::Metres;

/// Some kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkKinds(u16);

const _: () = assert!(WorkKind::ALL.len() <= 16, "each kind has a bit");

impl WorkKinds {
    fn insert(&mut self, kind: WorkKind) {
        self.0 |= 1 << kind as u16;
    }

    /// All there are.
    #[must_use]
    pub fn is_all(self) -> bool {
        self.0.count_ones() as usize == WorkKind::ALL.len()
    }

    /// The kinds, in the order in which they are listed everywhere.
    pub fn iter(self) -> impl Iterator<Item = WorkKind> {
        WorkKind::ALL.iter().map(|(kind, _)| *kind).filter(move |kind| self.0 & (1 << *kind as u16) != 0)
    }
}

/// A clearance that is kept from land.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// How wide.
    pub clearance: Metres,
    /// What gave it.
    pub rule: Rule,
    /// The kinds of work it is kept from.
    pub work_kinds: WorkKinds,
}

impl Applied {
    /// It is 0 m because nobody says how much: that nothing is nearer means nothing.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.rule, Rule::Word(RuleKey::None))
    }

    fn is_by(&self, clause: Clause<'_>) -> bool {
        match (&self.rule, clause) {
            (Rule::Parameter(own), Clause::Parameter(other)) => Arc::ptr_eq(own, other),
            (Rule::Word(own), Clause::Word(other)) => *own == other,
            _ => false,
        }
    }
}

/// The clearances kept from land, as [`clearance`] gives them for each kind of work: those that `asked` or its `own` make
/// the same for all, else those of the rules.
#[must_use]
pub fn applied<'r>(
    asked: Option<Metres>,
    own: Option<f64>,
    rule: impl Fn(WorkKind) -> Option<&'r Arc<Parameter>>,
) -> Vec<Applied> {
    let mut list: Vec<Applied> = Vec::new();
    for (kind, _) in WorkKind::ALL {
        let (metres, clause) = clearance(asked, own, || rule(*kind));
        if let Some(known) = list.iter_mut().find(|known| known.is_by(clause)) {
            known.work_kinds.insert(*kind);
        } else {
            let mut work_kinds = WorkKinds::default();
            work_kinds.insert(*kind);
            list.push(Applied { clearance: metres, rule: clause.into(), work_kinds });
        }
    }
    list
}
