//! What the scenarios start from: works and corridors round a town, brought in by the program's own import; a transaction
//! that writes as the program does; and one line of SQL.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use serde_json::{Value as Json, json};

use crate::instance::clearway;

pub const JURISDICTION: &str = "VN-72";

/// Clearances and accuracies by class, voltage, kind of work and day.
const RULES: &str = "
name = 'T'
version = '1'
parameter = [
    { key = 'corridor.road.clearance_m', value = 20, unit = 'm', confidence = 'default' },
    { key = 'corridor.road.clearance_m', value = 45, unit = 'm', confidence = 'default', corridor_class = 'III' },
    { key = 'corridor.road.clearance_m', value = 60, unit = 'm', confidence = 'default', work_kind = 'pole' },
    { key = 'corridor.power_line.clearance_m', value = 5, unit = 'm', confidence = 'default', voltage_to_kv = 22 },
    { key = 'corridor.power_line.clearance_m', value = 90, unit = 'm', confidence = 'default', voltage_from_kv = 110,
        valid_to = 2001-12-31 },
    { key = 'corridor.power_line.clearance_m', value = 35, unit = 'm', confidence = 'default', voltage_from_kv = 110,
        valid_from = 2002-01-01 },
    { key = 'position_accuracy.gnss_m', value = 3, unit = 'm', confidence = 'default' },
    { key = 'position_accuracy.unknown_m', value = 12, unit = 'm', confidence = 'default', valid_from = 2002-01-01 },
]
";

/// A place on the grid of VN-72.
pub const ORIGIN: [f64; 2] = [411_600.0, 1_327_600.0];

/// On the land of ROAD-HERE: what is written here changes its conflicts, which are kept.
pub const HERE: [f64; 2] = [45.0, 45.0];

/// So many features: enough that every instance can go wrong somewhere.
const SOME_WORKS: u32 = 400;
const SOME_CORRIDORS: u32 = 24;
const SOME_REFERENCES: u32 = 60;

pub fn at(east: f64, north: f64) -> Json {
    json!([ORIGIN[0] + east, ORIGIN[1] + north])
}

pub fn point(east: f64, north: f64) -> Json {
    json!({"type": "Point", "coordinates": at(east, north)})
}

/// A reference feature, with what `more` says of it.
pub fn reference(code: &str, geometry: &Json, more: &Json) -> Json {
    let usual = json!({"code": code, "jurisdiction": JURISDICTION, "kind": "school", "organisation": "education"});
    feature(geometry, &[&usual, more])
}

/// A rectangle by its south-west and north-east corners.
pub fn rect([west, south, east, north]: [f64; 4]) -> Json {
    let ring = [at(west, south), at(east, south), at(east, north), at(west, north), at(west, south)];
    json!({"type": "Polygon", "coordinates": [ring]})
}

fn feature(geometry: &Json, properties: &[&Json]) -> Json {
    let all = properties.iter().flat_map(|p| p.as_object().unwrap().clone());
    json!({"type": "Feature", "geometry": geometry, "properties": all.collect::<serde_json::Map<_, _>>()})
}

/// A work, with what `more` says of it.
pub fn work(code: &str, geometry: &Json, more: &Json) -> Json {
    let usual = json!({"code": code, "jurisdiction": JURISDICTION, "kind": "mast", "organisation": "viettel"});
    feature(geometry, &[&usual, more])
}

pub fn corridor(code: &str, geometry: &Json, more: &Json) -> Json {
    let usual = json!({"code": code, "jurisdiction": JURISDICTION, "kind": "road", "organisation": "roads-board"});
    feature(geometry, &[&usual, more])
}

/// Numbers that look like chance and are the same in every run.
fn chance(seed: u32, below: f64) -> f64 {
    f64::from(seed.wrapping_mul(2_654_435_761).rotate_left(7).wrapping_mul(40_503) >> 8) / f64::from(1_u32 << 24)
        * below
}

/// Works, corridors and reference features in an area of four kilometres, those that do not count among them, and rules.
pub fn seed(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let works: Vec<Json> = (0..SOME_WORKS)
        .map(|n| {
            let (east, north) = (chance(4 * n + 1, 4_000.0), chance(4 * n + 2, 4_000.0));
            let shape = match n % 4 {
                0 => json!({"type": "LineString", "coordinates": [at(east, north), at(east + 90.0, north + 40.0)]}),
                _ => point(east, north),
            };
            let more = match n % 8 {
                0 => json!({"status": "dismantled"}),
                1 => json!({"position_accuracy_m": chance(4 * n + 3, 9.0)}),
                2 => json!({"capture_method": "gnss"}),
                3 => json!({"valid_to": "2001-12-31"}),
                4 => json!({"capture_method": "estimated"}),
                _ => json!({}),
            };
            let mut work = work(&format!("SEED-{n}"), &shape, &more);
            work["properties"]["kind"] = json!(["mast", "pole", "cabinet"][n as usize % 3]);
            work
        })
        .collect();
    let mut corridors: Vec<Json> = (0..SOME_CORRIDORS)
        .map(|n| {
            let (west, south) = (chance(9 * n + 4, 3_000.0), chance(9 * n + 5, 3_000.0));
            let shape = rect([west, south, west + 900.0 - 30.0 * f64::from(n), south + 60.0 + 30.0 * f64::from(n)]);
            let status = ["in_force", "announced", "handed_over", "cancelled", "in_force", "approved"][n as usize % 6];
            let more = match n % 5 {
                0 => json!({"status": status, "in_force_to": "2001-12-31"}),
                _ => json!({"status": status}),
            };
            let mut corridor = corridor(&format!("ROAD-{n}"), &shape, &more);
            let properties = &mut corridor["properties"];
            match n % 6 {
                1 => properties["class"] = json!("III"),
                2 => properties["clearance_m"] = json!(10),
                3 => properties["kind"] = json!("canal"),
                // No rule names 66 kV: it has the widest of its kind.
                4 => {
                    let voltage = if n % 12 == 4 { 22 } else { 66 };
                    (properties["kind"], properties["voltage_kv"]) = (json!("power_line"), json!(voltage));
                }
                5 => (properties["kind"], properties["voltage_kv"]) = (json!("power_line"), json!(110)),
                _ => {}
            }
            corridor
        })
        .collect();
    // Where the scenarios write something.
    corridors.push(corridor(
        "ROAD-HERE",
        &rect([30.0, 30.0, 60.0, 60.0]),
        &json!({"status": "in_force", "class": "III"}),
    ));
    let references: Vec<Json> = (0..SOME_REFERENCES)
        .map(|n| {
            let (east, north) = (chance(5 * n + 6, 4_000.0), chance(5 * n + 7, 4_000.0));
            let more = match n % 3 {
                0 => json!({"kind": "heritage", "visibility": "restricted"}),
                1 => json!({"kind": "hospital", "source": "the ministry", "source_date": "2025-01-01"}),
                _ => json!({}),
            };
            reference(&format!("PLACE-{n}"), &rect([east, north, east + 40.0, north + 30.0]), &more)
        })
        .collect();
    for (layer, features) in [("works", works), ("corridors", corridors), ("references", references)] {
        let file = folder.path().join(layer).with_extension("geojsonl");
        std::fs::write(&file, features.iter().map(|f| f.to_string() + "\n").collect::<String>()).unwrap();
        import(url, layer, &file);
    }
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, RULES).unwrap();
    let done = clearway(url, &["rules", "import", "--jurisdiction", JURISDICTION]).arg(file).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Imports a file in coordinates of the grid.
pub fn import(url: &str, layer: &str, file: &Path) {
    let done =
        clearway(url, &["import", layer, "--jurisdiction", JURISDICTION, "--crs", "EPSG:9218"]).arg(file).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

/// One value from the database, as text.
pub fn value(conn: &mut PgConnection, select: &str) -> String {
    let one: One = diesel::sql_query(format!("SELECT ({select})::text AS value")).get_result(conn).unwrap();
    one.value.unwrap_or_default()
}

/// The revision that the database stands at.
pub fn revision(conn: &mut PgConnection) -> i64 {
    value(conn, "SELECT revision FROM revisions").parse().unwrap()
}

/// A transaction that inserts a work, with the order of what every writer does (`store/tx.rs`): raise the revision, write,
/// witness, announce, commit.
pub struct Writing {
    conn: PgConnection,
    revision: i64,
}

impl Writing {
    /// Opens it, and locks a work as one that is about to be changed.
    pub fn begin(url: &str) -> Self {
        let mut conn = PgConnection::establish(url).unwrap();
        conn.batch_execute("BEGIN").unwrap();
        assert!(!value(&mut conn, "SELECT id FROM works WHERE code = 'SEED-1' FOR UPDATE").is_empty());
        Self { conn, revision: 0 }
    }

    /// Raises the revision; nobody else can from here on. Gives the revision that it will have written.
    pub fn raise(&mut self) -> i64 {
        let raise =
            "UPDATE revisions SET revision = revision + 1, previous_at = recorded_at, recorded_at = clock_timestamp()";
        self.conn.batch_execute(raise).unwrap();
        self.revision = revision(&mut self.conn);
        self.revision
    }

    /// Inserts a work, and announces it.
    pub fn insert(&mut self, code: &str, east: f64, north: f64) {
        let (n, [x, y]) = (self.revision, [ORIGIN[0] + east, ORIGIN[1] + north]);
        let statements = format!(
            "INSERT INTO works SELECT (jsonb_populate_record(w, jsonb_build_object('id', gen_random_uuid(), 'code', '{code}',
                 'revision', {n}, 'recorded_at', clock_timestamp()))).* FROM works AS w WHERE code = 'SEED-1';
             UPDATE works SET geom_grid = ST_SetSRID(ST_MakePoint({x}, {y}), 9218) WHERE code = '{code}';
             INSERT INTO audit_events SELECT (jsonb_populate_record(e, jsonb_build_object('revision', {n},
                 'recorded_at', (SELECT recorded_at FROM revisions)))).* FROM audit_events AS e WHERE revision = 1;
             INSERT INTO changes SELECT jurisdiction, {n}, 1, 'works', 'insert', id FROM works WHERE code = '{code}';
             SELECT pg_notify('clearway_revisions', '{JURISDICTION} {n}')"
        );
        self.conn.batch_execute(&statements).unwrap();
    }

    pub fn commit(mut self) {
        self.conn.batch_execute("COMMIT").unwrap();
    }
}
