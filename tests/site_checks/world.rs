//! A server with rules for site checks, columns to ask about, and what stands round them.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use clearway::actions::{Context, Witness, jurisdiction, rules};
use clearway::config::Settings;
use clearway::domain::actor::Actor;
use clearway::formats::rules as file;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use serde_json::{Value as Json, json};

use crate::support::{Database, Response, TestServer, brought_in, is_led, token, vn35_draft};

pub const CHECKS: &str = "/api/site-checks";
pub const WORKS: &str = "/ogc/collections/works/items";
pub const CORRIDORS: &str = "/ogc/collections/corridors/items";
pub const REFERENCES: &str = "/ogc/collections/references/items";

/// A place in the town of Gia Nghĩa on the working grid of VN-72: the origin of what follows.
pub const ORIGIN: [f64; 2] = [411_600.0, 1_327_600.0];
const GRID: &str = "<http://www.opengis.net/def/crs/EPSG/0/9218>";

/// VN-72 and its neighbour.
pub const SIDES: [&str; 2] = ["VN-72", "VN-35"];

/// Generous, because a machine may be busy; reached only by a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// A pack with these spacings of columns, m.
pub fn pack(version: &str, elsewhere: f64) -> String {
    pack_of(version, elsewhere, 200.0)
}

/// A pack with these spacings of columns and this distance from heritage, m.
pub fn pack_of(version: &str, elsewhere: f64, heritage: f64) -> String {
    let mut text = format!("name = \"T\"\nversion = \"{version}\"\n");
    for (key, value, unit) in [
        ("site.spacing.urban_m", 100.0, "m"),
        ("site.spacing.elsewhere_m", elsewhere, "m"),
        ("site.heritage.distance_m", heritage, "m"),
        ("site.sensitive.distance_m", 80.0, "m"),
        ("site.defence.distance_m", 300.0, "m"),
        ("site.duplicate.distance_m", 50.0, "m"),
        ("site.zone.only_a1_distance_m", 100.0, "m"),
        ("site.fall.factor", 1.5, "ratio"),
        ("corridor.road.clearance_m", 20.0, "m"),
        ("site.waiver.spc.officer", 1.0, "count"),
        ("site.waiver.spc.approver", 1.0, "count"),
        ("site.waiver.dup.officer", 1.0, "count"),
        ("site.waiver.sen.officer", 1.0, "count"),
        ("site.waiver.cov.officer", 1.0, "count"),
        ("site.waiver.geo.officer", 1.0, "count"),
    ] {
        writeln!(
            text,
            "[[parameter]]\nkey = \"{key}\"\nvalue = {value:?}\nunit = \"{unit}\"\nconfidence = \"default\""
        )
        .unwrap();
    }
    text
}

pub struct World {
    pub server: TestServer,
    pub database: Database,
}

pub fn settings(database: &Database) -> Settings {
    Settings { notice_cells_per_hour: 1_000_000, ..database.settings() }
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// With settings changed by `change`.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let database = Database::vn72();
        load(&database, &pack("1", 500.0));
        let mut settings = settings(&database);
        change(&mut settings);
        Self { server: TestServer::with(settings), database }
    }

    /// With the neighbour to the south, by these rules of VN-72 and of the neighbour.
    pub fn with_neighbour(packs: [&str; 2]) -> Self {
        let database = Database::vn72();
        let (context, actor) = (Context::connect(database.settings()).unwrap(), Actor::operator());
        jurisdiction::register(&context, Witness::new(&actor, "test"), vn35_draft()).unwrap();
        for (code, text) in SIDES.iter().zip(packs) {
            load_in(&database, code, text);
        }
        Self { server: TestServer::with(settings(&database)), database }
    }

    pub fn send(&self, role: &str, method: &str, path: &str, body: Option<&Json>) -> Response {
        send(&self.server, role, method, path, body)
    }

    /// Creates a feature as the officer and gives its id.
    pub fn add(&self, items: &str, geometry: Json, properties: Json) -> String {
        let document = feature(geometry, properties);
        if items == REFERENCES && is_led(&document) {
            return brought_in(&self.server, &self.database, 9218, &document);
        }
        let made = self.send("officer", "POST", items, Some(&document));
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    pub fn mast(&self, code: &str, east: f64, north: f64) -> String {
        let facts = json!({"code": code, "kind": "mast", "organisation": "viettel", "position_accuracy_m": 0});
        self.add(WORKS, point(east, north), facts)
    }

    pub fn delete(&self, items: &str, id: &str) {
        let gone = self.send("officer", "DELETE", &format!("{items}/{id}"), None);
        assert_eq!(gone.status, 204, "{}", gone.text);
    }

    /// Asks about a column at a place; the id of the run that is kept.
    pub fn ask(&self, role: &str, east: f64, north: f64) -> String {
        let answer = self.send(role, "POST", CHECKS, Some(&column(east, north)));
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["results"][0]["id"].as_str().unwrap().to_owned()
    }

    pub fn run(&self, role: &str, id: &str) -> Json {
        let answer = self.send(role, "GET", &format!("{CHECKS}/{id}"), None);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    pub fn sql(&self, select: &str) -> String {
        sql(&self.database, select)
    }

    /// Waits until all runs are marked to the revision that the database stands at.
    #[track_caller]
    pub fn marked(&self) {
        marked(&self.database);
    }

    /// Runs the program on this database.
    pub fn program(&self, arguments: &[&str]) -> Output {
        program(&self.database, arguments)
    }
}

pub fn program(database: &Database, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearway"));
    command.args(arguments).env_clear().current_dir("/").stdin(Stdio::null());
    command.env("DATABASE_URL", &database.service_url).output().unwrap()
}

pub fn send(server: &TestServer, role: &str, method: &str, path: &str, body: Option<&Json>) -> Response {
    let bearer = format!("Bearer {}", token(role));
    let media = if path.ends_with("/waivers") { "application/json" } else { "application/geo+json" };
    let mut headers = vec![("Content-Crs", GRID), ("Content-Type", media)];
    if !role.is_empty() {
        headers.push(("Authorization", bearer.as_str()));
    }
    let text = body.map(ToString::to_string);
    server.send(method, path, &headers, text.as_ref().map(String::as_bytes))
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

/// One value from the database, as text.
pub fn sql(database: &Database, select: &str) -> String {
    let query = diesel::sql_query(format!("SELECT ({select})::text AS value"));
    let one: One = database.ask(|conn| query.get_result(conn)).unwrap();
    one.value.unwrap_or_default()
}

#[track_caller]
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "it never came to be: {what}");
        std::thread::yield_now();
    }
}

#[track_caller]
pub fn marked(database: &Database) {
    let mut conn = database.connect();
    let mut is_marked = || {
        let select = "SELECT bool_and(coalesce(p.revision = r.revision, false))::text AS value FROM revisions AS r
            LEFT JOIN site_check_progress AS p USING (jurisdiction)";
        let one: One = diesel::sql_query(select).get_result(&mut conn).unwrap();
        one.value.as_deref() == Some("true")
    };
    until("all runs are marked", &mut is_marked);
}

/// Loads a pack as the operator, in another instance than the one asked.
pub fn load(database: &Database, text: &str) {
    load_in(database, SIDES[0], text);
}

pub fn load_in(database: &Database, code: &str, text: &str) {
    let pack = file::read(text.as_bytes()).unwrap();
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "test");
    rules::import(&database.context(), witness, &[code.to_owned()], &pack, &pack.version).unwrap();
}

pub fn feature(geometry: Json, properties: Json) -> Json {
    let mut document = json!({"type": "Feature"});
    document["geometry"] = geometry;
    document["properties"] = properties;
    document
}

fn at(east: f64, north: f64) -> Json {
    json!([ORIGIN[0] + east, ORIGIN[1] + north])
}

pub fn point(east: f64, north: f64) -> Json {
    json!({"type": "Point", "coordinates": at(east, north)})
}

/// A square round a place.
pub fn square(east: f64, north: f64, half: f64) -> Json {
    let corner = |x: f64, y: f64| at(east + x * half, north + y * half);
    let ring = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0), corner(-1.0, -1.0)];
    json!({"type": "Polygon", "coordinates": [ring]})
}

/// A column to ask about.
pub fn column(east: f64, north: f64) -> Json {
    let antenna = json!({"frequency_mhz": 1_800.5, "eirp_w": 0.1 + 0.2, "azimuth_deg": 120});
    let facts = json!({"column_class": "A2a", "height_agl_m": 42.3, "antennas": [antenna]});
    let mut column = feature(point(east, north), facts);
    column["id"] = json!("mới \"1\"");
    column
}

/// The finding of a check in a result.
pub fn finding<'a>(result: &'a Json, code: &str) -> &'a Json {
    result["findings"].as_array().unwrap().iter().find(|f| f["code"] == code).unwrap()
}

/// A process of `clearway serve`. It is killed when it is dropped, as by `kill -9`.
pub struct Process {
    child: std::process::Child,
    base: String,
}

impl Process {
    /// Starts one and waits until it serves.
    pub fn start(database: &Database) -> Self {
        let officer = token("officer");
        let tokens = format!(r#"[{{token="{officer}",name="officer",organisation="office",roles=["officer"]}}]"#);
        let mut child = Command::new(env!("CARGO_BIN_EXE_clearway"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("DATABASE_URL", &database.service_url)
            .env("CLEARWAY_TOKENS", tokens)
            .env("CLEARWAY_LOG", "warn,clearway::cli=info")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = log.find_map(|line| {
            let said: Json = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            said["fields"]["address"].as_str().map(str::to_owned)
        });
        // A log that nobody reads would stop the process.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, base: format!("http://{}", address.expect("it never said where it serves")) }
    }

    /// Creates a feature as the officer.
    pub fn add(&self, items: &str, feature: &Json) {
        let request = ureq::http::Request::builder()
            .method("POST")
            .uri(format!("{}{items}", self.base))
            .header("Content-Type", "application/geo+json")
            .header("Content-Crs", GRID)
            .header("Authorization", format!("Bearer {}", token("officer")));
        let answer = ureq::Agent::new_with_defaults().run(request.body(feature.to_string()).unwrap()).unwrap();
        assert_eq!(answer.status().as_u16(), 201);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
