//! Where features stand that not everybody sees, told by 2 km cells: of each visibility, and of each owner, how many
//! features meet which cell.
//!
//! A feature is counted in every cell that its shape meets when it is widened by its own [`reach`](Entry::reach), on any
//! day. A search for it widens the subject by no more than what the asker brings; so whatever hidden feature can be in
//! conflict with a subject, one of its cells is met by the subject widened so
//! ([`cells`](crate::geometry::cells)).
//!
//! The counts stand in tiles that are shared between states: a write copies the tiles of the cells it touches and a
//! pointer to each of the others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::entry::Entry;
use crate::domain::actor::Sight;
use crate::domain::conflict::Role;
use crate::domain::word::Visibility;
use crate::geometry::cells::{self, Cell, CellBox};
use crate::geometry::measure::Prepared;

/// A feature that meets more cells than this, 400 000 km², is taken to be everywhere; a subject that does meets all.
const CELLS_MAX: usize = 100_000;

/// Cells along the side of a tile: a province is a few tiles, a tile is 1 kB.
const TILE: i32 = 16;

/// Stands for every cell, where a feature or a subject is too large to be told by cells.
pub const EVERYWHERE: Cell = Cell { column: i32::MAX, row: i32::MAX };

/// How many features of some kind meet each cell.
#[derive(Debug, Clone)]
struct Counts {
    tiles: HashMap<(i32, i32), Arc<Tile>>,
    everywhere: u32,
    features: usize,
    /// All cells ever counted in are in it.
    ground: CellBox,
}

type Tile = [u32; (TILE * TILE) as usize];

impl Default for Counts {
    fn default() -> Self {
        Self { tiles: HashMap::new(), everywhere: 0, features: 0, ground: CellBox::EMPTY }
    }
}

/// The tile of a cell, and the place in it.
fn place(cell: Cell) -> ((i32, i32), usize) {
    let within = cell.column.rem_euclid(TILE) + TILE * cell.row.rem_euclid(TILE);
    ((cell.column.div_euclid(TILE), cell.row.div_euclid(TILE)), usize::try_from(within).unwrap_or(0))
}

impl Counts {
    fn at(&self, cell: Cell) -> u32 {
        let (tile, place) = place(cell);
        self.tiles.get(&tile).map_or(0, |tile| tile[place])
    }

    fn enter(&mut self, cells: Option<&[Cell]>) {
        self.features += 1;
        let Some(cells) = cells else {
            self.everywhere += 1;
            return;
        };
        for cell in cells {
            let (tile, place) = place(*cell);
            Arc::make_mut(self.tiles.entry(tile).or_insert_with(|| Arc::new([0; (TILE * TILE) as usize])))[place] += 1;
            self.ground.merge(&CellBox::of(*cell));
        }
    }

    fn leave(&mut self, cells: Option<&[Cell]>) {
        self.features -= 1;
        if self.features == 0 {
            *self = Self::default();
            return;
        }
        let Some(cells) = cells else {
            self.everywhere -= 1;
            return;
        };
        for cell in cells {
            let (tile, place) = place(*cell);
            if let Some(tile) = self.tiles.get_mut(&tile) {
                Arc::make_mut(tile)[place] -= 1;
            }
        }
    }
}

/// The features of one visibility, all of them and by owner.
#[derive(Debug, Clone, Default)]
struct Class {
    all: Arc<Counts>,
    of: BTreeMap<Arc<str>, Arc<Counts>>,
}

/// Where features of a layer stand that not everybody sees; of reference features, apart those that are told apart.
#[derive(Debug, Clone, Default)]
pub struct Hidden(BTreeMap<(bool, Visibility), Class>);

/// Everybody hears of it apart from the others of its layer.
fn is_told_apart(entry: &Entry) -> bool {
    matches!(entry.facts.noun.role(), Role::Refers(what) if what.kind.is_told_apart())
}

/// The cells of a feature; none where it is everywhere.
fn cells_of(entry: &Entry) -> Option<Vec<Cell>> {
    cells::met(&entry.shape, entry.reach().get(), &CellBox::ALL, CELLS_MAX)
}

/// What everybody sees is hidden from nobody.
fn counts(visibility: Visibility) -> bool {
    visibility != Visibility::Public
}

impl Hidden {
    /// Of these features.
    pub(super) fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut hidden = Arc::new(Self::default());
        entries.for_each(|entry| Self::enter(&mut hidden, entry));
        Arc::unwrap_or_clone(hidden)
    }

    /// A feature came.
    pub(super) fn enter(hidden: &mut Arc<Self>, entry: &Entry) {
        Self::enter_as(hidden, entry, entry.facts.visibility, &entry.facts.organisation);
    }

    /// A feature came that is seen as one of this visibility and owner.
    pub(super) fn enter_as(hidden: &mut Arc<Self>, entry: &Entry, visibility: Visibility, organisation: &Arc<str>) {
        if counts(visibility) {
            let cells = cells_of(entry);
            let class = Arc::make_mut(hidden).0.entry((is_told_apart(entry), visibility)).or_default();
            Arc::make_mut(&mut class.all).enter(cells.as_deref());
            let own = class.of.entry(Arc::clone(organisation)).or_default();
            Arc::make_mut(own).enter(cells.as_deref());
        }
    }

    /// A feature went.
    pub(super) fn leave(hidden: &mut Arc<Self>, entry: &Entry) {
        if counts(entry.facts.visibility)
            && let Some(class) = Arc::make_mut(hidden).0.get_mut(&(is_told_apart(entry), entry.facts.visibility))
        {
            let cells = cells_of(entry);
            Arc::make_mut(&mut class.all).leave(cells.as_deref());
            if let Some(own) = class.of.get_mut(&entry.facts.organisation) {
                Arc::make_mut(own).leave(cells.as_deref());
            }
        }
    }

    /// The cells that `subject` meets when it is widened by `reach` metres, and in which there is a feature that somebody
    /// with this `sight` does not see. It depends on the subject by nothing but the cells that it meets.
    #[must_use]
    pub fn met(&self, sight: &Sight, subject: &Prepared, reach: f64) -> Vec<Cell> {
        self.met_by(|_| true, sight, subject, reach)
    }

    /// The same of those that are told apart, or of the others.
    #[must_use]
    pub fn met_apart(&self, apart: bool, sight: &Sight, subject: &Prepared, reach: f64) -> Vec<Cell> {
        self.met_by(|of| of == apart, sight, subject, reach)
    }

    fn met_by(&self, wanted: impl Fn(bool) -> bool, sight: &Sight, subject: &Prepared, reach: f64) -> Vec<Cell> {
        let unseen =
            |(apart, visibility): &(bool, Visibility)| wanted(*apart) && !sight.visibilities.contains(visibility);
        let unseen = self.0.iter().filter(|(of, _)| unseen(of));
        let own = |class: &'_ Class| sight.organisation.as_deref().and_then(|own| class.of.get(own)).cloned();
        let unseen: Vec<(&Counts, Arc<Counts>)> =
            unseen.map(|(_, class)| (class.all.as_ref(), own(class).unwrap_or_default())).collect();
        let unseen: Vec<_> = unseen.iter().filter(|(all, own)| all.features > own.features).collect();
        if unseen.is_empty() {
            return Vec::new();
        }
        if unseen.iter().any(|(all, own)| all.everywhere > own.everywhere) {
            return vec![EVERYWHERE];
        }
        let mut ground = CellBox::EMPTY;
        for (all, _) in &unseen {
            ground.merge(&all.ground);
        }
        let Some(mut cells) = cells::met(subject, reach, &ground, CELLS_MAX) else { return vec![EVERYWHERE] };
        cells.retain(|cell| unseen.iter().any(|(all, own)| all.at(*cell) > own.at(*cell)));
        cells
    }
}
