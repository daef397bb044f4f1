//! What the tests of the API share: a server with its database, shapes in round metres on the working grid, and one
//! line of SQL where a test looks behind the API.

use clearway::config::Settings;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use serde_json::{Value as Json, json};

use crate::support::{Database, Response, TestServer, brought_in, is_led, token};

pub const WORKS: &str = "/ogc/collections/works/items";
pub const CORRIDORS: &str = "/ogc/collections/corridors/items";
pub const REFERENCES: &str = "/ogc/collections/references/items";
pub const CHECKS: &str = "/api/conflict-checks";
pub const GRID: &str = "<http://www.opengis.net/def/crs/EPSG/0/9218>";

/// A place in the town of Gia Nghĩa, on the working grid of VN-72: the origin of the shapes below.
pub const ORIGIN: [f64; 2] = [411_600.0, 1_327_600.0];

/// The same place in WGS 84.
pub const TOWN: [f64; 2] = [107.6907, 12.0042];

/// A server on a database of its own. The server goes first when both are dropped.
pub struct Api {
    pub server: TestServer,
    pub database: Database,
}

impl Api {
    /// With VN-72.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// With VN-72, and settings changed by `change`.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let database = Database::vn72();
        let mut settings = database.settings();
        change(&mut settings);
        Self { server: TestServer::with(settings), database }
    }

    /// Sends coordinates of the working grid as a role.
    pub fn on_grid(&self, role: &str, method: &str, path: &str, body: &Json) -> Response {
        self.in_crs(GRID, role, method, path, body)
    }

    /// Sends coordinates of the system in `crs`, as written in the header.
    pub fn in_crs(&self, crs: &str, role: &str, method: &str, path: &str, body: &Json) -> Response {
        self.send(role, method, path, &[("Content-Crs", crs), ("Content-Type", "application/geo+json")], Some(body))
    }

    /// Sends as a role with further headers.
    pub fn send(&self, role: &str, method: &str, path: &str, more: &[(&str, &str)], body: Option<&Json>) -> Response {
        let bearer = format!("Bearer {}", token(role));
        let mut headers = more.to_vec();
        if !role.is_empty() {
            headers.push(("Authorization", bearer.as_str()));
        }
        let text = body.map(ToString::to_string);
        self.server.send(method, path, &headers, text.as_ref().map(String::as_bytes))
    }

    /// Creates a feature on the working grid as the officer and gives its id.
    pub fn add(&self, items: &str, geometry: Json, properties: Json) -> String {
        let document = feature(geometry, properties);
        if items == REFERENCES && is_led(&document) {
            return brought_in(&self.server, &self.database, 9218, &document);
        }
        let made = self.on_grid("officer", "POST", items, &document);
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Creates a mast of Viettel with a stated accuracy of 0 m.
    pub fn work(&self, code: &str, geometry: Json) -> String {
        self.add(WORKS, geometry, merged(json!({"code": code, "position_accuracy_m": 0}), &mast()))
    }

    /// Creates a road in force that is drawn as an area.
    pub fn road(&self, code: &str, geometry: Json) -> String {
        self.add(CORRIDORS, geometry, merged(json!({"code": code}), &road()))
    }

    /// Creates a school that is drawn as its building.
    pub fn school(&self, code: &str, geometry: Json) -> String {
        self.add(REFERENCES, geometry, merged(json!({"code": code}), &school()))
    }

    /// One value from the database, as text.
    pub fn sql(&self, select: &str) -> Option<String> {
        self.database.ask(|conn| sql(conn, select))
    }
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

/// One value from the database, as text.
pub fn sql(conn: &mut PgConnection, select: &str) -> Option<String> {
    diesel::sql_query(format!("SELECT ({select})::text AS value")).get_result::<One>(conn).unwrap().value
}

/// The properties a work cannot do without.
pub fn mast() -> Json {
    json!({"kind": "mast", "organisation": "viettel"})
}

/// The properties a corridor cannot do without.
pub fn road() -> Json {
    json!({"kind": "road", "status": "in_force", "organisation": "roads-board"})
}

/// The properties a reference feature cannot do without.
pub fn school() -> Json {
    json!({"kind": "school", "organisation": "education"})
}

/// `properties` with those of `more` that it lacks.
pub fn merged(mut properties: Json, more: &Json) -> Json {
    for (name, value) in more.as_object().unwrap() {
        properties.as_object_mut().unwrap().entry(name.clone()).or_insert_with(|| value.clone());
    }
    properties
}

pub fn feature(geometry: Json, properties: Json) -> Json {
    let mut document = json!({"type": "Feature"});
    document["geometry"] = geometry;
    document["properties"] = properties;
    document
}

/// A position so many metres east and north of [`ORIGIN`].
pub fn at((east, north): (f64, f64)) -> Json {
    json!([ORIGIN[0] + east, ORIGIN[1] + north])
}

pub fn point(east: f64, north: f64) -> Json {
    json!({"type": "Point", "coordinates": at((east, north))})
}

pub fn line(positions: &[(f64, f64)]) -> Json {
    json!({"type": "LineString", "coordinates": positions.iter().copied().map(at).collect::<Vec<_>>()})
}

/// A rectangle by its south-west and north-east corners.
pub fn rect(west: f64, south: f64, east: f64, north: f64) -> Json {
    json!({"type": "Polygon", "coordinates": [ring(west, south, east, north)]})
}

pub fn ring(west: f64, south: f64, east: f64, north: f64) -> Json {
    let corners = [(west, south), (east, south), (east, north), (west, north), (west, south)];
    Json::Array(corners.into_iter().map(at).collect())
}

/// A work or corridor at [`TOWN`] in WGS 84.
pub fn town() -> Json {
    json!({"type": "Point", "coordinates": TOWN})
}

/// Asserts that a number is where it should be within 1 µm, or null where it should be.
pub fn assert_near(got: &Json, expect: Option<f64>, what: &str) {
    match (got.as_f64(), expect) {
        (None, None) => assert!(got.is_null(), "{what}: {got}"),
        (Some(a), Some(b)) => assert!((a - b).abs() <= 1e-6, "{what}: {a}, expected {b}"),
        _ => panic!("{what}: {got}, expected {expect:?}"),
    }
}
