//! A layer of levels holds what a plain list would, whatever is written and tidied up in whichever order. And the picture
//! in the docs is drawn by the code that it shows, so it cannot tell of another method: after a change of that or of the
//! demonstration data `CLEARWAY_DRAW=1 cargo test --lib picture` draws it anew.

mod picture;
mod scene;
mod svg;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, fs, thread};

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::actor::Sight;
use crate::domain::conflict::{AccuracyDefaults, Facts};
use crate::domain::jurisdiction::JurisdictionDraft;
use crate::domain::word::Visibility;
use crate::domain::work::{WorkFacts, WorkKind, WorkStatus};
use crate::geometry::cells::{self, Cell};
use crate::geometry::measure::Prepared;
use crate::geometry::{Grid, LineString, Metres, Polygon};

/// Ids of the tests: few enough that writes meet the same ones again.
const IDS: u32 = 60;

/// An entry at some place: a point, or a slanting line that is covered by some tens of boxes.
fn entry(id: u32, place: u32, line: bool) -> Arc<Entry> {
    let (x, y) = (f64::from(place % 40) * 100.0, f64::from(place / 40 % 40) * 100.0);
    let shape = if line {
        Geometry::LineString(LineString::from(vec![(x, y), (x + 9_000.0, y + 7_000.0)]))
    } else {
        Geometry::Point((x, y).into())
    };
    let facts = Facts {
        id: Uuid::from_u128(u128::from(id)),
        code: format!("W-{id}-{place}").into(),
        organisation: ["viettel", "vnpt"][(id % 2) as usize].into(),
        visibility: if place.is_multiple_of(3) { Visibility::Restricted } else { Visibility::Public },
        noun: WorkFacts {
            kind: WorkKind::Mast,
            status: WorkStatus::InService,
            valid_from: None,
            valid_to: None,
            position_accuracy_m: Some(f64::from(place % 7)),
            capture_method: None,
            column_class: None,
            height_agl_m: None,
            spare_capacity: None,
        }
        .into(),
        attributes: None,
    };
    let rules = Ruling::new(&[], AccuracyDefaults::default());
    Arc::new(Entry::new(facts, &Grid(shape), None, None, &rules))
}

/// What a plain list would hold.
type Plain = BTreeMap<Uuid, Arc<Entry>>;

fn write(plain: &mut Plain, deleted: &[Uuid], upserted: &[Arc<Entry>]) {
    plain.retain(|id, _| !deleted.contains(id));
    plain.extend(upserted.iter().map(|e| (e.facts.id, Arc::clone(e))));
}

/// What is hidden is told by the cells of what lives in the layer, and a hidden feature near a subject has one of them.
fn same_cells(layer: &LayerIndex, plain: &Plain, sight: &Sight) {
    let hidden = || plain.values().filter(|e| !sight.sees(e.facts.visibility, &e.facts.organisation));
    let of = |shape: &Prepared, reach| cells::met(shape, reach, &CellBox::ALL, usize::MAX).unwrap();
    let of_hidden: BTreeSet<Cell> = hidden().flat_map(|e| of(&e.shape, e.reach().get())).collect();
    for (x, y) in [(0.0, 0.0), (1_999.0, 700.0), (3_000.0, 2_000.0), (8_000.0, 6_000.0), (-9_000.0, 0.0)] {
        for reach in [0.0, 300.0, 2_500.0] {
            let subject = Prepared::point((x, y).into());
            let expect: Vec<Cell> = of(&subject, reach).into_iter().filter(|cell| of_hidden.contains(cell)).collect();
            assert_eq!(layer.hidden().met(sight, &subject, reach), expect, "{x} {y} {reach}");
            let near = hidden().any(|e| e.shape.within(&subject, reach + e.reach().get()));
            assert!(!near || !expect.is_empty(), "{x} {y} {reach}");
        }
    }
}

/// The layer answers as the list does.
fn same(layer: &LayerIndex, plain: &Plain) {
    let mut found: Vec<_> = layer.entries().map(|e| (e.facts.id, Arc::as_ptr(e))).collect();
    found.sort_unstable();
    assert_eq!(found, plain.iter().map(|(id, e)| (*id, Arc::as_ptr(e))).collect::<Vec<_>>());
    assert_eq!((layer.len(), layer.is_empty()), (plain.len(), plain.is_empty()));
    for id in (0..IDS).map(|n| Uuid::from_u128(u128::from(n))) {
        assert_eq!(layer.get(id).map(Arc::as_ptr), plain.get(&id).map(Arc::as_ptr));
    }
    let public = Sight { visibilities: vec![Visibility::Public], organisation: Some("vnpt".into()) };
    let seen = plain.values().filter(|e| public.sees(e.facts.visibility, &e.facts.organisation)).count();
    assert_eq!(layer.count(&public), seen);
    same_cells(layer, plain, &public);
    let square = [(1_000.0, 500.0), (2_000.0, 500.0), (2_000.0, 1_500.0), (1_000.0, 1_500.0)];
    let square = Polygon::new(LineString::from(square.to_vec()), vec![]);
    for subject in [Geometry::Polygon(square), Geometry::Point((1_500.0, 1_000.0).into())] {
        let subject = Prepared::new(&Grid(subject));
        for reach in [0.0, 450.0] {
            let mut near = Vec::new();
            layer.near(&subject, Metres::constant(reach), |e| near.push(e.facts.id));
            near.sort_unstable();
            assert!(near.windows(2).all(|w| w[0] != w[1]), "each once");
            let within = |e: &Entry| e.shape.within(&subject, reach + e.reach().get());
            let must = plain.values().filter(|e| within(e)).map(|e| e.facts.id);
            assert!(must.clone().all(|id| near.binary_search(&id).is_ok()), "something near was not found");
            assert!(near.iter().all(|id| plain.contains_key(id)), "something was found that is no more");
        }
    }
}

/// What happens to a layer.
#[derive(Debug, Clone)]
enum Deed {
    /// Deletes and upserts.
    Write(Vec<u32>, Vec<(u32, u32, bool)>),
    /// Somebody begins to tidy up; what was begun before is given up.
    Begin,
    /// What was begun is put in place.
    Finish,
}

fn deed() -> impl Strategy<Value = Deed> {
    let one = || (0..IDS, 0..1_600_u32, prop::bool::weighted(0.7));
    prop_oneof![
        4 => (vec(0..IDS, 0..3), vec(one(), 0..3)).prop_map(|(d, u)| Deed::Write(d, u)),
        2 => (vec(0..IDS, 0..20), vec(one(), 0..50)).prop_map(|(d, u)| Deed::Write(d, u)),
        2 => Just(Deed::Begin),
        2 => Just(Deed::Finish),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_layer_holds_what_a_list_would(first in vec((0..IDS, 0..1_600_u32, any::<bool>()), 0..40), deeds in vec(deed(), 0..40)) {
        let mut plain = Plain::new();
        let first: Vec<_> = first.into_iter().map(|(id, place, line)| entry(id, place, line)).collect();
        write(&mut plain, &[], &first);
        let mut layer = LayerIndex::default().applied(&[], first);
        let mut begun = None;
        same(&layer, &plain);
        for deed in deeds {
            match deed {
                Deed::Write(deleted, upserted) => {
                    let deleted: Vec<_> = deleted.into_iter().map(|n| Uuid::from_u128(u128::from(n))).collect();
                    let upserted: Vec<_> = upserted.into_iter().map(|(id, at, line)| entry(id, at, line)).collect();
                    write(&mut plain, &deleted, &upserted);
                    layer = layer.applied(&deleted, upserted);
                }
                Deed::Begin => begun = layer.tidied(),
                Deed::Finish => {
                    if let Some(next) = begun.take().and_then(|tidied| layer.with(&tidied)) {
                        layer = next;
                    }
                }
            }
            same(&layer, &plain);
        }
        while let Some(tidied) = layer.tidied() {
            layer = layer.with(&tidied).unwrap();
            same(&layer, &plain);
        }
    }
}

#[test]
fn a_layer_stays_a_short_row_of_levels() {
    let mut layer = LayerIndex::default();
    for n in 0..3_000 {
        layer = layer.applied(&[], vec![entry(n, n, false)]);
    }
    assert_eq!(layer.len(), 3_000);
    // Four times as much in each: 1 024 and what is less; what is more waits for somebody who tidies up.
    assert!(layer.levels().len() <= 9, "{:?}", layer.levels());
    assert!(layer.is_untidy());
    while let Some(tidied) = layer.tidied() {
        layer = layer.with(&tidied).unwrap();
    }
    let levels = layer.levels();
    assert!(levels.windows(2).all(|w| w[0] >= 4 * w[1]), "{levels:?}");
    // A heavy forest half of which is dead is planted anew.
    let half: Vec<Uuid> = layer.entries().take(1_500).map(|e| e.facts.id).collect();
    layer = layer.applied(&half, Vec::new());
    layer = layer.with(&layer.tidied().unwrap()).unwrap();
    assert_eq!(layer.levels().iter().sum::<usize>(), 1_500);
    assert!(!layer.is_untidy());
}

#[test]
fn a_loaded_layer_is_the_same_as_a_written_one() {
    let all = || (0..IDS).map(|n| entry(n, n * 31, n.is_multiple_of(3)));
    let plain: Plain = all().map(|e| (e.facts.id, e)).collect();
    let mut sowing = Sowing::default();
    all().for_each(|e| sowing.add(Arc::try_unwrap(e).unwrap()));
    let loaded = sowing.layer();
    let ids = |layer: &LayerIndex| layer.entries().map(|e| e.facts.id).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids(&loaded), plain.keys().copied().collect());
    assert_eq!(loaded.bounds(), LayerIndex::default().applied(&[], all().collect()).bounds());
    assert!(LayerIndex::new(Vec::new()).is_empty() && Sowing::default().layer().is_empty());
}

fn jurisdiction() -> Arc<Jurisdiction> {
    let square = [(107.0, 11.0), (109.0, 11.0), (109.0, 13.0), (107.0, 13.0)];
    let draft = JurisdictionDraft {
        code: "VN-72".into(),
        name_vi: "Đắk Nông".into(),
        name_en: "Dak Nong".into(),
        grid: Epsg(9218),
        time_zone: "Asia/Ho_Chi_Minh".into(),
        related_crs: Vec::new(),
        boundary: Geometry::Polygon(Polygon::new(LineString::from(square.to_vec()), vec![])),
    };
    Arc::new(Jurisdiction::new(draft).unwrap())
}

fn index() -> Arc<Index> {
    let index = Arc::new(Index::default());
    index.begin().publish(Territory::new(jurisdiction(), 0, [], 0.0));
    index
}

/// Publishes the next revision.
fn publish(index: &Index, deleted: &[Uuid], upserted: Vec<Arc<Entry>>) {
    let changes = Changes::new(deleted.to_vec(), upserted);
    let writing = index.begin();
    let now = writing.snapshot().territory("VN-72").cloned().unwrap();
    writing.publish(now.followed(now.revision + 1, &[(Layer::Works, changes)]));
}

fn works(index: &Index) -> LayerIndex {
    index.snapshot().territory("VN-72").unwrap().layer(Layer::Works).clone()
}

#[test]
fn tidying_up_loses_nothing_of_what_is_written_meanwhile() {
    let index = index();
    let mut plain = Plain::new();
    let written = AtomicBool::new(false);
    let tidied = thread::scope(|scope| {
        let tidying = scope.spawn(|| {
            let mut times = 0;
            while !written.load(Ordering::Acquire) {
                times += usize::from(index.tidy_one());
            }
            times
        });
        for n in 0..600_u32 {
            let upserted: Vec<_> = (0..3).map(|k| entry((n * 7 + k) % IDS, n + k, n % 4 != 0)).collect();
            let deleted = [Uuid::from_u128(u128::from(n * 11 % IDS))];
            write(&mut plain, &deleted, &upserted);
            publish(&index, &deleted, upserted);
            let now = works(&index);
            assert_eq!(now.len(), plain.len());
            if n.is_multiple_of(50) {
                same(&now, &plain);
            }
        }
        written.store(true, Ordering::Release);
        tidying.join().unwrap()
    });
    same(&works(&index), &plain);
    assert_eq!(index.snapshot().territory("VN-72").unwrap().revision, 600);
    assert!(tidied > 3, "hardly anything was tidied up meanwhile: {tidied}");
}

#[test]
fn a_forest_is_freed_by_whoever_tidies_up_and_not_while_it_is_read() {
    let index = index();
    publish(&index, &[], (0..2_000).map(|n| entry(n, n, false)).collect());
    let reader = index.snapshot();
    let forest = works(&index).forests().remove(0);
    publish(&index, &[], (0..2_000).map(|n| entry(n, n + 1, false)).collect());
    index.free_retired();
    assert!(forest.upgrade().is_some(), "a reader holds it");
    assert_eq!(index.retired().len(), 1);
    let territory = Arc::clone(reader.territory("VN-72").unwrap());
    drop(reader);
    drop(territory);
    assert!(forest.upgrade().is_some(), "the last reader would have had to free it");
    index.free_retired();
    assert!(forest.upgrade().is_none() && index.retired().is_empty());
}

#[test]
fn the_thread_that_tidies_up_ends_with_its_work() {
    let index = index();
    for n in 0..40 {
        publish(&index, &[], (0..100).map(|k| entry(n * 100 + k, k, false)).collect());
        index.tidy();
    }
    while index.tidying.load(Ordering::Acquire) {
        thread::yield_now();
    }
    assert!(index.is_tidy());
    assert_eq!(works(&index).len(), 4_000);
}

#[test]
fn the_picture_of_the_method_is_what_the_index_does() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/index/method.svg");
    let fresh = picture::draw(&scene::Scene::of_the_demonstration());
    if env::var_os("CLEARWAY_DRAW").is_some() {
        fs::write(&file, &fresh).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap();
    assert!(
        kept == fresh,
        "src/index/method.svg is stale: run `CLEARWAY_DRAW=1 cargo test --lib picture` and look at it"
    );
    // Markdown ends a block of HTML at an empty line, and a picture in the docs must not load anything.
    assert!(!fresh.contains("\n\n") && !fresh.contains("href"), "not fit for the docs");
}
