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

/// Writes so many invented reference features: what stands near people, where works stand.
pub fn write_references(file: &Path, province: &Province<'_>, count: usize) -> Result<(), Failed> {
    let mut text = String::new();
    for (n, at) in province.places(REFERENCES_SEED, count).into_iter().enumerate() {
        let (kind, shape, more) = match n % 20 {
            0 => ("school", point(at), ""),
            1 => ("hospital", point(at), ""),
            2 => ("transmitter", point(at), r#","eirp_w":500,"frequency_mhz":900,"height_agl_m":35,"azimuth_deg":90"#),
            3 => ("heritage", square(at, 60.0), ""),
            4 => ("road", line(at, 400.0), r#","class":"IV","half_width_m":4"#),
            5 => ("power_line", line(at, 900.0), r#","voltage_kv":22"#),
            6 if n % 200 == 6 => ("urban_area", square(at, 1_500.0), ""),
            7 if n % 200 == 7 => ("zone", square(at, 2_000.0), r#","column_classes":["A1a","A2b"],"height_max_m":60"#),
            8 if n % 200 == 8 => ("defence_area", square(at, 300.0), ""),
            _ => ("building", square(at, 8.0), r#","height_agl_m":7,"occupied":true"#),
        };
        writeln!(
            text,
            r#"{{"type":"Feature","geometry":{shape},"properties":{{"code":"R-{n}","kind":"{kind}"{more}}}}}"#
        )?;
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
