//! A shape delivered in some system, brought to its place in a jurisdiction: the door of everything that is stored.
#![no_main]

use std::sync::LazyLock;

use clearway_fuzz::domain::jurisdiction::{Jurisdiction, JurisdictionDraft};
use clearway_fuzz::domain::place::{self, Delivered};
use clearway_fuzz::geometry::encoding::geojson;
use clearway_fuzz::geometry::measure::Prepared;
use clearway_fuzz::geometry::{Bounds, Epsg, Metres, valid};
use clearway_fuzz::shapes::Bytes;
use geo::CoordsIter;
use libfuzzer_sys::fuzz_target;

/// Degrees in both orders, the grid, its neighbours of another meridian, and a plane of the whole earth.
const SYSTEMS: [u32; 7] = [4326, 9218, 4756, 5899, 9217, 3857, 32648];

const REACH: f64 = 5_000.0;

static HERE: LazyLock<Jurisdiction> = LazyLock::new(|| {
    let feature: serde_json::Value =
        serde_json::from_str(include_str!("../../../fixtures/jurisdiction/VN-72.geojson")).expect("JSON");
    let draft = JurisdictionDraft {
        code: "VN-72".into(),
        name_vi: "Đắk Nông".into(),
        name_en: "Dak Nong".into(),
        grid: Epsg(9218),
        time_zone: "Asia/Ho_Chi_Minh".into(),
        related_crs: vec![Epsg(5899), Epsg(4756)],
        boundary: geojson::geometry(&feature["geometry"], usize::MAX).expect("a boundary"),
    };
    Jurisdiction::new(draft).expect("a jurisdiction")
});

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes::new(data);
    let crs = Epsg(SYSTEMS[usize::from(bytes.byte() % 7)]);
    let delivered = Delivered { shape: bytes.shape(), crs };
    let reach = Metres::new(REACH).expect("metres");
    let around = place::around(&delivered);
    let lonlat = place::to_lonlat(&delivered);
    assert!(around.is_ok() || lonlat.is_err(), "what has a place has a box: {around:?}");
    if let (Ok(around), Ok(lonlat)) = (&around, &lonlat) {
        let held = |b: Bounds| lonlat.0.coords_iter().all(|c| b.contains(c));
        assert!(held(around.widened(1e-9)), "{around:?} does not hold {lonlat:?}");
    }
    match place::place(delivered.clone(), &HERE, reach) {
        Ok(placed) => {
            assert!(valid::problems(&placed.grid.0).is_empty() && placed.recorded == delivered);
            assert!(Prepared::new(&placed.grid).within(HERE.boundary_grid(), REACH), "placed far away");
        }
        Err(problems) => assert!(!problems.is_empty() && problems.iter().all(|p| !p.detail.is_empty())),
    }
});
