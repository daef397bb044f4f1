//! Of land with more near it than is listed only that is kept, as long as it is so.

use std::time::Duration;

use super::*;
use crate::domain::conflict::{AccuracyDefaults, Facts};
use crate::domain::corridor::{CorridorFacts, CorridorKind, CorridorStatus};
use crate::domain::jurisdiction::JurisdictionDraft;
use crate::domain::layer::NounFacts;
use crate::domain::rules::Ruling;
use crate::domain::word::Visibility;
use crate::domain::work::{WorkFacts, WorkKind, WorkStatus};
use crate::error::Error;
use crate::geometry::{Epsg, Geometry, Grid, LineString, Polygon};
use crate::index::{Changes, LayerIndex};

/// The land: a kilometre square.
const LAND: Uuid = Uuid::from_u128(u128::MAX);

const SIDE_M: f64 = 1_000.0;

/// Somewhere on the grid.
const HERE: (f64, f64) = (500_000.0, 1_300_000.0);

fn entry(id: Uuid, shape: Geometry<f64>, noun: NounFacts) -> Entry {
    let facts = Facts {
        id,
        code: "X".into(),
        organisation: "somebody".into(),
        visibility: Visibility::Public,
        noun,
        attributes: None,
    };
    Entry::new(facts, &Grid(shape), None, None, &Ruling::new(&[], AccuracyDefaults::default()))
}

/// A work at a place of the grid.
pub(crate) fn work(id: u32, x: f64, y: f64) -> Arc<Entry> {
    let noun = WorkFacts {
        kind: WorkKind::Mast,
        status: WorkStatus::InService,
        valid_from: None,
        valid_to: None,
        position_accuracy_m: Some(0.0),
        capture_method: None,
        column_class: None,
        height_agl_m: None,
        spare_capacity: None,
    };
    Arc::new(entry(Uuid::from_u128(u128::from(id)), Geometry::Point((x, y).into()), noun.into()))
}

/// A work on the land.
fn on_it(id: usize) -> Arc<Entry> {
    let n = u32::try_from(id).unwrap();
    work(n, HERE.0 + 1.0 + f64::from(n % 900), HERE.1 + 1.0 + f64::from(n / 900))
}

fn square(side: f64) -> Geometry<f64> {
    let corners = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)];
    let ring = corners.map(|(x, y)| (HERE.0 + x, HERE.1 + y)).to_vec();
    Geometry::Polygon(Polygon::new(LineString::from(ring), vec![]))
}

/// The land with so many works on it, as if it had been read at revision 1.
fn territory(works: usize) -> Territory {
    let boundary = crate::geometry::crs::project(&square(9.0 * SIDE_M), Epsg(9218), Epsg::WGS84).unwrap();
    let draft = JurisdictionDraft {
        code: "VN-72".into(),
        name_vi: "X".into(),
        name_en: "X".into(),
        grid: Epsg(9218),
        time_zone: "Asia/Ho_Chi_Minh".into(),
        related_crs: vec![],
        boundary,
    };
    let land = CorridorFacts {
        kind: CorridorKind::Road,
        status: CorridorStatus::InForce,
        in_force_from: None,
        in_force_to: None,
        clearance_m: Some(5.0),
    };
    let works = LayerIndex::default().applied(&[], (0..works).map(on_it).collect());
    let corridors = LayerIndex::new(vec![entry(LAND, square(SIDE_M), land.into())]);
    let layers = [(Layer::Works, works), (Layer::Corridors, corridors)];
    Territory::new(Arc::new(Jurisdiction::new(draft).unwrap()), 1, layers, 0.0)
}

fn patient() -> Patience {
    Patience::new(Duration::from_mins(1), None)
}

fn find(territory: &Territory, patience: &Patience) -> Result<Arc<Kept>> {
    Kept::find(territory, Layer::Corridors, territory.layer(Layer::Corridors).get(LAND).unwrap(), patience)
}

/// Nothing is kept of the land.
const NOTHING: Result<usize, &str> = Err("nothing");

/// Only that there is too much.
const TOO_MANY: Result<usize, &str> = Err("too many");

/// How many pairs are kept of the land.
fn kept(conflicts: &KeptConflicts, territory: &Territory) -> Result<usize, &'static str> {
    let Some(kept) = conflicts.get(territory, LAND) else { return NOTHING };
    let anew = find(territory, &patient()).unwrap();
    let ids = |kept: &Kept| kept.pairs().map(|p| p.iter(false).map(|p| p.entry.facts.id).collect::<Vec<_>>());
    assert_eq!(ids(&kept), ids(&anew), "revision {}", territory.revision);
    kept.pairs().map_or(TOO_MANY, |pairs| Ok(pairs.len()))
}

#[test]
fn of_land_with_too_much_near_it_only_that_is_kept() {
    let conflicts = KeptConflicts::new(usize::MAX, usize::MAX);
    let mut now = territory(LISTED_MAX - 1);
    conflicts.restart(&now);
    assert_eq!(kept(&conflicts, &now), NOTHING);
    conflicts.put(&now, LAND, &find(&now, &patient()).unwrap());
    assert_eq!(kept(&conflicts, &now), Ok(LISTED_MAX - 1));

    let change = |now: &mut Territory, deleted: &[usize], upserted: &[usize]| {
        let id = |n: &usize| Uuid::from_u128(*n as u128);
        let changes = Changes::new(deleted.iter().map(id).collect(), upserted.iter().map(|n| on_it(*n)).collect());
        let next = now.followed(now.revision + 1, &[(Layer::Works, changes)]);
        let all = deleted.iter().chain(upserted).map(|n| (Layer::Works, id(n), next.revision));
        conflicts.follow(now, &next, &Touched { features: all.collect(), coverage: vec![] });
        *now = next;
        kept(&conflicts, now)
    };
    assert_eq!(change(&mut now, &[], &[LISTED_MAX]), Ok(LISTED_MAX));
    assert_eq!(change(&mut now, &[], &[LISTED_MAX + 1]), TOO_MANY, "too many by a change");
    assert_eq!(change(&mut now, &[], &[1, LISTED_MAX + 2]), TOO_MANY, "one came, and one moved");
    let find_anew = |now: &Territory| conflicts.put(now, LAND, &find(now, &patient()).unwrap());
    // Where one goes, whether too many are left is for the next who asks.
    for (gone, left) in [(2, TOO_MANY), (3, Ok(LISTED_MAX))] {
        assert_eq!(change(&mut now, &[gone], &[]), NOTHING);
        find_anew(&now);
        assert_eq!(kept(&conflicts, &now), left, "without {gone}");
    }
    assert_eq!(conflicts.read(|tables| tables["VN-72"].pairs), LISTED_MAX);
}

#[test]
fn what_is_found_to_be_kept_is_found_in_the_time_of_a_request() {
    let now = territory(100);
    assert!(matches!(find(&now, &Patience::new(Duration::ZERO, None)), Err(Error::TooLarge { .. })));
    assert_eq!(find(&now, &patient()).unwrap().pairs().map(Pairs::len), Some(100));
}

/// Says, when it is freed, whether it could be read and kept meanwhile.
struct Freed(Arc<KeptConflicts>, std::sync::mpsc::Sender<bool>);

impl Drop for Freed {
    fn drop(&mut self) {
        let _ = self.1.send(self.0.tables.try_write().is_ok());
    }
}

#[test]
fn nobody_waits_until_something_is_freed() {
    let conflicts = Arc::new(KeptConflicts::new(usize::MAX, usize::MAX));
    let (send, freed) = std::sync::mpsc::channel();
    let now = territory(10);
    let put = || {
        let kept = find(&now, &patient()).unwrap();
        let of = ListedFor { day: Date::MIN, sight: crate::domain::actor::Actor::public().sight("VN-72") };
        let list = Arc::new(Freed(Arc::clone(&conflicts), send.clone()));
        conflicts.room.0.fetch_add(1, Ordering::Relaxed);
        kept.listed.lock().unwrap().push(Listed { of, list, len: 1, room: conflicts.room.clone() });
        conflicts.put(&now, LAND, &kept);
    };
    conflicts.restart(&now);
    put();
    put();
    assert_eq!(freed.recv(), Ok(true), "another one is put in its place");
    conflicts.forget_lists();
    assert_eq!(conflicts.room.0.load(Ordering::Relaxed), 0, "there is room at once");
    assert_eq!(freed.recv(), Ok(true), "all lists are forgotten");
    for land_changes in [false, true] {
        put();
        let changes = Changes::new(vec![], if land_changes { vec![] } else { vec![on_it(1)] });
        let next = now.followed(2, &[(Layer::Works, changes)]);
        let id = if land_changes { (Layer::Corridors, LAND, 2) } else { (Layer::Works, Uuid::from_u128(1), 2) };
        conflicts.follow(&now, &next, &Touched { features: vec![id], coverage: vec![] });
        assert_eq!(freed.recv(), Ok(true), "the land changes: {land_changes}");
        conflicts.restart(&now);
    }
    put();
    conflicts.restart(&now);
    assert_eq!(freed.recv(), Ok(true), "it is read anew");
}
