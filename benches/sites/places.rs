//! Places to ask about, and invented reference features.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clearway::actions::site_check::Asked;
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::domain::place::Delivered;
use clearway::domain::site_check::{Antenna, Subject};
use clearway::domain::work::{ColumnClass, WorkKind};
use clearway::geometry::{Coord, Epsg, Geometry};

use crate::data::Province;
use crate::run::Failed;

/// The real layers: what they are, their file, and what the file does not say in our words.
pub const REAL: &[(&str, &str, &[&str])] = &[
    ("boundary", "daknong_communes_2025.geojson", &["--map", "name=fullName", "--set", "dataset=communes-2025"]),
    ("heritage", "vn_heritage_protected_areas.geojson", &["--map", "name=Ten"]),
    ("hospital", "vn_hospitals_osm.geojson", &["--map", "name=name"]),
    (
        "runway",
        "vn_runways_ourairports.geojson",
        &[
            "--map",
            "name=airport_ident",
            "--map",
            "elevation_from_ft=le_elevation_ft",
            "--map",
            "elevation_to_ft=he_elevation_ft",
            "--set",
            "class=4 PRECISION",
        ],
    ),
    ("road", "daknong_roads_national.geojson", &["--map", "name=ten", "--set", "class=III", "--set", "half_width_m=6"]),
];

/// Columns at places.
pub struct Places {
    /// The jurisdiction.
    pub jurisdiction: String,
    /// Its grid.
    pub grid: Epsg,
    /// What is asked.
    pub asked: Vec<Asked>,
}

impl Places {
    /// So many places where works stand, some metres beside one.
    pub fn new(province: &Province<'_>, jurisdiction: &Jurisdiction, count: usize) -> Result<Self, Failed> {
        let antenna = |azimuth: f64| Antenna {
            frequency_mhz: 1_800.0,
            eirp_w: 1_000.0,
            azimuth_deg: Some(azimuth),
            height_agl_m: Some(40.0),
            beamwidth_deg: Some(65.0),
        };
        let subject = Subject {
            kind: WorkKind::Mast,
            column_class: Some(ColumnClass::A2b),
            height_agl_m: 42.0,
            ground_amsl_m: Some(600.0),
            accuracy_m: 1.0,
            organisation: Some("invented".into()),
            request: None,
            antennas: vec![antenna(0.0), antenna(120.0), antenna(240.0)],
            starts_on: None,
            ends_on: None,
        };
        let asked = province.places(PLACES_SEED, count).into_iter().map(|at| Asked {
            name: "0".into(),
            pointer: String::new(),
            delivered: Delivered { shape: Geometry::Point(at.into()), crs: jurisdiction.grid },
            subject: subject.clone(),
        });
        let asked: Vec<Asked> = asked.collect();
        if asked.len() < count {
            return Err("there are too few places".into());
        }
        Ok(Self { jurisdiction: jurisdiction.code.clone(), grid: jurisdiction.grid, asked })
    }

    /// The place of a question on the grid.
    pub fn at(&self, n: usize) -> &Geometry<f64> {
        &self.asked[n].delivered.shape
    }
}

const PLACES_SEED: u64 = 41;
const REFERENCES_SEED: u64 = 42;
const RUNWAYS_SEED: u64 = 44;

/// Runways that are invented.
const RUNWAYS: usize = 6;

/// How many columns some zones admit: what stands there in a full run is more than some of these.
const QUOTAS: [&str; 4] = [r#","quota":0"#, r#","quota":20"#, r#","quota":4"#, r#","quota":60"#];

/// Writes so many invented reference features: what stands near people, where works stand; and besides some runways.
pub fn write_references(file: &Path, province: &Province<'_>, count: usize) -> Result<(), Failed> {
    let mut text = String::new();
    let mut write = |code: String, kind: &str, shape: &str, more: &str| {
        writeln!(
            text,
            r#"{{"type":"Feature","geometry":{shape},"properties":{{"code":"{code}","kind":"{kind}"{more}}}}}"#
        )
    };
    // Beside every fourth place that is asked about stand two transmitters.
    let asked = province.places(PLACES_SEED, count / 10 + 1);
    for (n, at) in province.places(REFERENCES_SEED, count).into_iter().enumerate() {
        let beside = |n: usize| {
            let place = asked[(n / 40 * 4).min(asked.len() - 1)];
            point(Coord { x: place.x + 12.0, y: place.y + if n % 40 < 20 { 9.0 } else { -30.0 } })
        };
        let round = |n: usize| asked[(n / 200 * 16 + n % 200 / 40).min(asked.len() - 1)];
        let (kind, shape, more) = match n % 20 {
            0 => ("school", point(at), ""),
            1 => ("hospital", point(at), ""),
            2 => ("transmitter", beside(n), r#","eirp_w":500,"frequency_mhz":900,"height_agl_m":35,"azimuth_deg":90"#),
            3 => ("heritage", square(at, 60.0), ""),
            4 => ("road", line(at, 400.0), r#","class":"IV","half_width_m":4"#),
            5 => ("power_line", line(at, 900.0), r#","voltage_kv":22"#),
            6 if n % 200 == 6 => ("urban_area", square(at, 1_500.0), ""),
            7 if n % 200 == 7 => ("zone", square(at, 2_000.0), r#","column_classes":["A1a","A2b"],"height_max_m":60"#),
            // Round a place that is asked about a zone that is never full, one that may be, and one with a spacing of its own.
            7 if n % 200 == 67 => ("zone", square(round(n), 800.0), r#","quota":10000"#),
            7 if n % 200 == 107 => ("zone", square(round(n), 800.0), QUOTAS[n / 200 % QUOTAS.len()]),
            7 if n % 200 == 147 => ("zone", square(round(n), 1_200.0), r#","spacing_m":250"#),
            8 if n % 200 == 8 => ("defence_area", square(at, 300.0), ""),
            8 if n % 200 == 108 => ("site_request", point(at), ""),
            _ => ("building", square(at, 8.0), r#","height_agl_m":7,"occupied":true"#),
        };
        write(format!("R-{n}"), kind, &shape, more)?;
    }
    for (n, at) in province.places(RUNWAYS_SEED, RUNWAYS).into_iter().enumerate() {
        let class = ["4 PRECISION", "3 NON-PRECISION", "2 NON-INSTRUMENT"][n % 3];
        let ends = format!(r#","class":"{class}","elevation_from_m":{},"elevation_to_m":594"#, 580 + 4 * n);
        write(format!("RW-{n}"), "runway", &line(at, 1_200.0), &ends)?;
    }
    Ok(fs::write(file, text)?)
}

fn point(at: Coord<f64>) -> String {
    format!(r#"{{"type":"Point","coordinates":[{},{}]}}"#, at.x, at.y)
}

fn line(at: Coord<f64>, half: f64) -> String {
    let (a, b) = (at.x - half, at.x + half);
    format!(r#"{{"type":"LineString","coordinates":[[{a},{y}],[{b},{y}]]}}"#, y = at.y)
}

fn square(at: Coord<f64>, half: f64) -> String {
    let (w, e, s, n) = (at.x - half, at.x + half, at.y - half, at.y + half);
    format!(r#"{{"type":"Polygon","coordinates":[[[{w},{s}],[{e},{s}],[{e},{n}],[{w},{n}],[{w},{s}]]]}}"#)
}
