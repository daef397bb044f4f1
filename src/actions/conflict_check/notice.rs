//! "Restricted work here: ask the office", so that nobody learns more by asking often.
//!
//! Where somebody asks about ground on which features may matter that he does not see, the answer says so, and nothing
//! else. **What that gives away**: a layer hides something on the ground of a subject where one of the 2 km cells that
//! the subject meets, widened by what the asker brings, is a cell of a hidden feature ([`Hidden`](crate::index::Hidden)).
//! The cells of a feature do not depend on the subject, so the answer depends on the subject by the set of cells it
//! meets and by nothing else. Two subjects with the same cells get the same answer; whoever moves a point about in a
//! cell, or turns the clearance up and down, sees it change where the widened shape comes into another cell, whose edges
//! everybody knows. So all answers together tell of each cell one bit, whether there is something, and never where in
//! it, what, how many or whose; and as of each revision asked about one more, for what was hidden at another moment is another
//! question. And no conflict is missed: what can be in conflict has a cell in common
//! with the subject (`geometry/cells.rs`).
//!
//! **How many bits**: of so many different cells in an hour (`notice_cells_per_hour`) somebody is told, then every answer
//! to him has the notice, whatever he asks, until the hour is over. That errs to the safe side, and is no error: a
//! refusal would say that there was something to refuse. When the limit is reached tells how many cells of some ground have
//! something hidden in them, which the bits of those cells tell, too. Who sees all by his role is never told anything else
//! than what there is.
//!
//! Each instance counts for itself. How long an answer takes is not evened out.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use super::asking::Asking;
use crate::clock;
use crate::domain::actor::Actor;
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::geometry::cells::Cell;
use crate::geometry::measure::Prepared;
use crate::index::Territory;

/// So many askers are counted apart in an hour, of the public and of those with a name; those of either that come then are
/// counted as one, so that no number of strangers takes anything from those who are known.
const ASKERS_MAX: usize = 10_000;

/// What all those are called together.
const THE_OTHERS: &str = "";

const HOUR_S: i64 = 3_600;

/// Who was told of how many cells in this hour.
#[derive(Debug)]
pub(in crate::actions) struct Notices {
    cells_max: usize,
    hasher: RandomState,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// Hours since 1970.
    hour: i64,
    public: ByAsker,
    known: ByAsker,
}

/// Fingerprints of the cells of each asker, at most one more than he may hear of.
type ByAsker = HashMap<String, HashSet<u64>>;

/// Whose cells: of a jurisdiction a layer, or a kind of features, as of a revision or now.
pub(in crate::actions) type Ground<'a> = (&'a str, &'a str, Option<i64>);

/// Who asks, for counting: an account by its name, the public by address, which is part of its name.
#[derive(Debug, Clone, Copy)]
struct Asker<'a> {
    name: &'a str,
    is_public: bool,
}

impl<'a> From<&'a Actor> for Asker<'a> {
    fn from(actor: &'a Actor) -> Self {
        Self { name: &actor.name, is_public: actor.is_public() }
    }
}

/// What somebody is told of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// Of no cell that he was not told of before.
    Nothing,
    /// Of a cell that is new to him.
    New,
    /// He was told of as many as he may, or is now.
    All,
}

impl Notices {
    /// Nobody was told anything yet.
    pub(in crate::actions) fn new(cells_max: usize) -> Self {
        Self { cells_max, hasher: RandomState::new(), told: Mutex::default() }
    }

    /// Takes note that an asker is told of `cells`.
    fn tell(&self, asker: Asker<'_>, now_s: i64, ground: Ground<'_>, cells: &[Cell]) -> Tells {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now_s.div_euclid(HOUR_S);
        // A clock that was put back does not give anybody a new hour.
        if hour > told.hour {
            *told = Told { hour, ..Told::default() };
        }
        let by_asker = if asker.is_public { &mut told.public } else { &mut told.known };
        let full = by_asker.len() >= ASKERS_MAX;
        let asker = if full && !by_asker.contains_key(asker.name) { THE_OTHERS } else { asker.name };
        let exhausted = |heard: &HashSet<u64>| heard.len() > self.cells_max;
        match by_asker.get_mut(asker) {
            Some(heard) if exhausted(heard) => return Tells::All,
            None if cells.is_empty() => return Tells::Nothing,
            Some(_) => {}
            None => {
                by_asker.insert(asker.to_owned(), HashSet::new());
            }
        }
        let Some(heard) = by_asker.get_mut(asker) else { return Tells::All };
        let before = heard.len();
        for cell in cells {
            if exhausted(heard) {
                return Tells::All;
            }
            heard.insert(self.hasher.hash_one((ground, cell)));
        }
        match heard.len() {
            after if after > self.cells_max => Tells::All,
            after if after > before => Tells::New,
            _ => Tells::Nothing,
        }
    }
}

impl Notices {
    /// Whether somebody is told that something is hidden from him on some ground: where `cells` are met in which it is, or
    /// where he was told of as many as he may.
    pub(in crate::actions) fn is_told(&self, actor: &Actor, ground: Ground<'_>, cells: &[Cell]) -> bool {
        let tells = self.tell(actor.into(), clock::now().as_second(), ground, cells);
        let told = !cells.is_empty() || tells == Tells::All;
        report(actor, ground, told, tells);
        told
    }

    /// Whether somebody may be told what depends on these cells, which was found before: it counts as if he asked now. Not
    /// where he was told of as many as he may.
    pub(in crate::actions) fn may_hear(&self, actor: &Actor, ground: Ground<'_>, cells: &[Cell]) -> bool {
        let tells = self.tell(actor.into(), clock::now().as_second(), ground, cells);
        let may = tells != Tells::All;
        report(actor, ground, may && !cells.is_empty(), tells);
        may
    }
}

/// Counts and logs what somebody was told.
fn report(actor: &Actor, (code, what, _): Ground<'_>, told: bool, tells: Tells) {
    if told {
        metrics::counter!("clearway_restricted_notices_total", "jurisdiction" => code.to_owned()).increment(1);
    }
    if tells == Tells::New {
        tracing::info!(actor = actor.name, jurisdiction = %code, layer = what, "told of restricted features");
    }
}

impl Asking<'_> {
    /// Of each layer asked, whether the asker is told that a territory hides something on the ground of a shape that is
    /// widened by `widest` metres.
    pub(super) fn hides(&self, territory: &Territory, shape: &Prepared, widest: f64) -> Vec<bool> {
        let code = &territory.jurisdiction.code;
        let against = &self.question().against;
        let sight = self.actor.sight(code);
        if sight.sees_all() {
            return vec![false; against.len()];
        }
        let revision = self.question().as_of.map(|_| territory.revision);
        let of_layer = |layer: &Layer| {
            let cells = territory.layer(*layer).hidden().met(&sight, shape, widest);
            self.notices.is_told(self.actor, (code, layer.as_str(), revision), &cells)
        };
        against.iter().map(of_layer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(name: &str) -> Asker<'_> {
        Asker { name, is_public: true }
    }

    fn cell(column: i32) -> Cell {
        Cell { column, row: 0 }
    }

    #[test]
    fn somebody_is_told_of_so_many_cells_in_an_hour() {
        let notices = Notices::new(3);
        let ground = ("VN-72", "works", None);
        let told = |asker: &str, s: i64, columns: &[i32]| {
            notices.tell(stranger(asker), s, ground, &columns.iter().copied().map(cell).collect::<Vec<_>>())
        };
        assert_eq!(told("a", 7_200, &[]), Tells::Nothing);
        assert_eq!(told("a", 7_200, &[1, 2]), Tells::New);
        assert_eq!(told("a", 7_201, &[2, 1]), Tells::Nothing);
        assert_eq!(told("a", 7_201, &[3]), Tells::New);
        assert_eq!(told("a", 7_202, &[]), Tells::Nothing);
        // One too many, and then whatever is asked.
        assert_eq!(told("a", 7_203, &[3, 4]), Tells::All);
        assert_eq!(told("a", 7_203, &[]), Tells::All);
        assert_eq!(told("b", 7_203, &[4]), Tells::New);
        // A clock that is put back changes nothing, a new hour all.
        assert_eq!(told("a", 3_600, &[]), Tells::All);
        assert_eq!(told("a", 10_800, &[]), Tells::Nothing);
        assert_eq!(told("a", 10_800, &[1, 2, 3, 4, 5, 6]), Tells::All);
        // The same cell of another layer or jurisdiction is another, and that at another moment.
        for ground in [ground, ("VN-72", "corridors", None), ("VN-35", "works", None)] {
            assert_eq!(notices.tell(stranger("c"), 10_800, ground, &[cell(1)]), Tells::New);
        }
        for revision in [7, 8] {
            let then = ("VN-72", "works", Some(revision));
            assert_eq!(notices.tell(stranger("d"), 10_800, then, &[cell(1)]), Tells::New);
            assert_eq!(notices.tell(stranger("d"), 10_800, then, &[cell(1)]), Tells::Nothing);
        }
    }

    #[test]
    fn no_number_of_askers_takes_more_memory() {
        let notices = Notices::new(1);
        let ground = ("VN-72", "works", None);
        for n in 0..ASKERS_MAX {
            assert_eq!(notices.tell(stranger(&format!("asker {n}")), 0, ground, &[cell(1)]), Tells::New);
        }
        // Whoever comes now shares what is left.
        assert_eq!(notices.tell(stranger("late"), 0, ground, &[cell(1)]), Tells::New);
        assert_eq!(notices.tell(stranger("later"), 0, ground, &[cell(1)]), Tells::Nothing);
        assert_eq!(notices.tell(stranger("latest"), 0, ground, &[cell(2)]), Tells::All);
        assert_eq!(notices.tell(stranger("asker 7"), 0, ground, &[cell(1)]), Tells::Nothing);
        // Who has a name has an account of his own all the same.
        for name in ["nga", "an", "asker 7"] {
            let known = Asker { name, is_public: false };
            assert_eq!(notices.tell(known, 0, ground, &[]), Tells::Nothing);
            assert_eq!(notices.tell(known, 0, ground, &[cell(1)]), Tells::New);
        }
        let told = notices.told.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((told.public.len(), told.known.len()), (ASKERS_MAX + 1, 3));
        assert!(told.public.values().all(|heard| heard.len() <= 2));
    }
}
