//! What the tests share: a private PostgreSQL for each test program, a database of its own for each test, cloned
//! from a template, and a real server on a port of its own. Nothing is mocked and nothing is shared between tests.

#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc)] // each test program uses a part of it

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use clearway::actions::feature::{self, Draft};
use clearway::actions::import::{Observer, Rejected};
use clearway::actions::{Context, Witness, jurisdiction, refresh};
use clearway::config::{Secret, Settings, TokenSetting};
use clearway::domain::actor::Actor;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::domain::place::Delivered;
use clearway::domain::reference::Reference;
use clearway::geometry::Epsg;
use clearway::geometry::encoding::geojson;
use clearway::server::{self, Server};
use clearway::store::cluster::{Cluster, Options};
use clearway::store::migrations;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value as Json, json};

/// The folder of this test program; it is deleted at its end.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let program = std::env::current_exe().unwrap();
    let mut hash = DefaultHasher::new();
    (env!("CARGO_MANIFEST_DIR"), program.file_stem()).hash(&mut hash);
    let prefix = format!("clearway-test-{:016x}-", hash.finish());
    delete_left_overs(&prefix);
    let folder = place_of_clusters().join(format!("{prefix}{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    folder
});

/// The PostgreSQL of this test program. It ends with the program, whatever way that ends.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let folder = FOLDER.as_path();
    let cluster = Cluster::start_with(folder, &Options { durable: false, shared_buffers_mb: 128 }).unwrap();
    delete_at_the_end(folder, cluster.server_pid());
    run_sql(&cluster.url("clearway"), "CREATE DATABASE template_empty");
    migrations::migrate(&cluster.url("template_empty")).unwrap();
    run_sql(&cluster.url("clearway"), "CREATE DATABASE template_vn72 TEMPLATE template_empty");
    register_vn72(&cluster.service_url("template_vn72"));
    cluster
});

/// What the servers of this program record: one recorder for all of them, as a program has only one.
static METRICS: LazyLock<Option<PrometheusHandle>> = LazyLock::new(server::record_metrics);

/// How `CREATE DATABASE` copies its template: as files, where it can be told; logging every page costs more.
static STRATEGY: LazyLock<&str> = LazyLock::new(|| {
    let version = sql::<Integer>("current_setting('server_version_num')::int");
    let version: i32 = diesel::select(version).get_result(&mut connect(&CLUSTER.url("clearway"))).unwrap();
    if version >= 150_000 { "STRATEGY file_copy" } else { "" }
});

/// Folders of files that are kept in memory.
const MEMORY: &str = "/dev/shm";

/// So much room, and so much free memory, must be there for a cluster in memory; its tests need a quarter of it.
const MEMORY_KIB: u64 = 4 * 1024 * 1024;

/// Where clusters are made: in memory where there is plenty, for a database is hundreds of files, and each test makes one.
fn place_of_clusters() -> PathBuf {
    // Its last line: file system, KiB in all, used, free.
    let room = Command::new("df").args(["-Pk", MEMORY]).output().unwrap_or_else(|e| panic!("df: {e}"));
    let room = String::from_utf8_lossy(&room.stdout).into_owned();
    let room = room.lines().last().and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    let free = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let free =
        free.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next()?.parse().ok());
    let plenty = |kib: Option<u64>| kib.is_some_and(|kib| kib >= MEMORY_KIB);
    if plenty(room) && plenty(free) { MEMORY.into() } else { std::env::temp_dir() }
}

/// Waits for the end of whoever holds the other end of its standard input, and of the server; then deletes the folder.
const SWEEPER: &str = r#"
while read -r line; do :; done
while kill -0 "$2" 2>/dev/null; do sleep 0.1; done
rm -rf "$1"
"#;

/// A test program has no end at which it could delete its cluster: somebody else waits for that, however it comes.
fn delete_at_the_end(folder: &Path, server: u32) {
    let mut sweeper = Command::new("/bin/sh");
    sweeper.args(["-c", SWEEPER, "sweeper"]).arg(folder).arg(server.to_string()).process_group(0);
    let sweeper = sweeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Open as long as this process.
    std::mem::forget(sweeper);
}

/// What nobody swept, because everything was killed at once, the next run deletes.
fn delete_left_overs(prefix: &str) {
    for place in [std::env::temp_dir(), MEMORY.into()] {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let gone = |pid: &str| !Path::new("/proc").join(pid).exists();
            if name.strip_prefix(prefix).is_some_and(gone) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(1);

/// The accuracy that rules give a work, in SQL: of the parameters `r` in force.
pub const RULED_ACCURACY: &str =
    "(SELECT value FROM r WHERE key = 'position_accuracy.' || coalesce(capture_method, 'unknown') || '_m')";

/// The clearance that rules give a corridor `c` and a work `w`, in SQL: of the parameters `r` in force. Where none applies,
/// the widest of that kind of corridor and that kind of work does.
pub const RULED_CLEARANCE: &str = "coalesce((
    SELECT value FROM r
    WHERE key = 'corridor.' || c.kind || '.clearance_m'
        AND (corridor_class IS NULL OR corridor_class = upper(btrim(c.class)))
        AND (work_kind IS NULL OR work_kind = w.kind)
        AND (coalesce(voltage_from_kv, voltage_to_kv) IS NULL OR (c.voltage_kv IS NOT NULL
            AND c.voltage_kv BETWEEN coalesce(voltage_from_kv, 0) AND coalesce(voltage_to_kv, 1e9)))
    ORDER BY (corridor_class IS NOT NULL)::int + (coalesce(voltage_from_kv, voltage_to_kv) IS NOT NULL)::int
            + (work_kind IS NOT NULL)::int DESC,
        corridor_class IS NOT NULL DESC, coalesce(voltage_from_kv, voltage_to_kv) IS NOT NULL DESC
    LIMIT 1), (
    SELECT max(value) FROM r
    WHERE key = 'corridor.' || c.kind || '.clearance_m' AND (work_kind IS NULL OR work_kind = w.kind)))";

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap()
}

/// Runs statements on a connection of its own.
pub fn run_sql(url: &str, sql: &str) {
    connect(url).batch_execute(sql).unwrap();
}

/// The address for the service of what is that of a superuser.
pub fn as_service(url: &str) -> String {
    url.replacen("://clearway@", "://clearway_service@", 1)
}

/// The address for a superuser of what is that of the service.
pub fn as_superuser(url: &str) -> String {
    url.replacen("://clearway_service@", "://clearway@", 1)
}

/// A database of one test; it is dropped with it.
pub struct Database {
    name: String,
    /// Its address for a superuser, who sees everything.
    pub url: String,
    /// Its address for the service.
    pub service_url: String,
    /// A connection of a superuser that is kept for what is asked in between: to open one takes longer than to ask.
    asked: Mutex<Option<PgConnection>>,
}

impl Database {
    /// Migrated, with no jurisdiction.
    pub fn empty() -> Self {
        Self::of("template_empty")
    }

    /// Migrated, with VN-72 of the fixtures registered at revision 1.
    pub fn vn72() -> Self {
        Self::of("template_vn72")
    }

    /// Not even migrated.
    pub fn bare() -> Self {
        Self::of("template1")
    }

    fn of(template: &str) -> Self {
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let strategy = *STRATEGY;
        run_sql(&CLUSTER.url("clearway"), &format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}"));
        let url = CLUSTER.url(&name);
        Self { name, service_url: as_service(&url), url, asked: Mutex::default() }
    }

    /// A connection of a superuser.
    pub fn connect(&self) -> PgConnection {
        connect(&self.url)
    }

    /// Asks as a superuser, each time outside a transaction: on the connection that is kept, or, where another thread has that
    /// or failed with it, on one of its own.
    pub fn ask<T>(&self, ask: impl FnOnce(&mut PgConnection) -> T) -> T {
        match self.asked.try_lock() {
            Ok(mut kept) => ask(kept.get_or_insert_with(|| self.connect())),
            Err(_) => ask(&mut self.connect()),
        }
    }

    /// Settings for a server on this database, with a token for each role.
    pub fn settings(&self) -> Settings {
        Settings {
            database_url: Secret(self.service_url.clone()),
            listen: "127.0.0.1:0".into(),
            connections_max: 4,
            workers: 2,
            tokens: tokens(),
            documents: self.documents().to_str().unwrap().to_owned(),
            // Tests ask again and again until something has come to be.
            rate_address_per_second: 0,
            rate_token_per_second: 0,
            rate_sign_in_per_minute: 0,
            ..Settings::default()
        }
    }

    /// Where what is in documents is kept.
    pub fn documents(&self) -> PathBuf {
        FOLDER.join("documents").join(&self.name)
    }

    /// The actions' context, its index loaded.
    pub fn context(&self) -> Context {
        let context = Context::connect(self.settings()).unwrap();
        refresh::catch_up_all(&context).unwrap();
        context
    }

    /// Makes the database refuse connections, or take them again; open ones are cut.
    pub fn allow_connections(&self, allow: bool) {
        run_sql(&CLUSTER.url("clearway"), &format!("ALTER DATABASE {} ALLOW_CONNECTIONS {allow}", self.name));
        if !allow {
            drop(self.asked.lock().unwrap_or_else(PoisonError::into_inner).take());
            let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", self.name);
            run_sql(&CLUSTER.url("clearway"), &cut);
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Ok(mut conn) = PgConnection::establish(&CLUSTER.url("clearway")) {
            let _ = conn.batch_execute(&drop);
        }
        let _ = fs::remove_dir_all(self.documents());
    }
}

/// Brings in a reference feature in coordinates of a system as the program itself does, for whoever asks by HTTP writes none of a kind that
/// a workflow leads; its id. The server has heard of it.
pub fn brought_in(server: &TestServer, database: &Database, epsg: u32, document: &Json) -> String {
    let p = document["properties"].as_object().unwrap().clone();
    let value = |v: &Json| match v {
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::Number(n.as_f64().unwrap()),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(all) => Value::List(all.iter().map(|v| Value::Text(v.as_str().unwrap().into())).collect()),
        _ => Value::Null,
    };
    let jurisdiction = p.get("jurisdiction").and_then(Json::as_str).unwrap_or("VN-72").to_owned();
    let fields =
        Fields(p.iter().filter(|(name, _)| *name != "jurisdiction").map(|(n, v)| (n.clone(), value(v))).collect());
    let shape = geojson::geometry(&document["geometry"], usize::MAX).unwrap();
    let delivered = Some(Delivered { shape, crs: Epsg(epsg) });
    let draft = Draft { fields, jurisdiction: Some(jurisdiction), delivered };
    let (context, operator) = (database.context(), Actor::operator());
    let made = feature::create::<Reference>(&context, Witness::new(&operator, "test"), &draft).unwrap();
    let revision = format!("{}={}", made.jurisdiction, made.revision);
    let headers = [("Content-Type", "application/geo+json"), ("Min-Revision", revision.as_str())];
    let spot = json!({"type": "Point", "coordinates": [107.6907, 12.0042]}).to_string();
    let heard = server.send("POST", "/api/conflict-checks", &headers, Some(spot.as_bytes()));
    assert_eq!(heard.status, 200, "{}", heard.text);
    made.id.to_string()
}

/// It is of a kind that only the program itself writes.
pub fn is_led(document: &Json) -> bool {
    ["zone", "site_request"].iter().any(|kind| document["properties"]["kind"] == *kind)
}

/// The token of a role: `test-token-of-the-carrier` and so on.
pub fn token(role: &str) -> String {
    format!("test-token-of-the-{role}")
}

fn tokens() -> Vec<TokenSetting> {
    let of = |name: &str, role: &str, organisation: Option<&str>, jurisdictions: Option<Vec<String>>| TokenSetting {
        token: Secret(token(name)),
        name: name.into(),
        organisation: organisation.map(str::to_owned),
        roles: vec![role.into()],
        jurisdictions,
    };
    vec![
        of("administrator", "administrator", None, None),
        of("officer", "officer", Some("office"), None),
        of("planner", "planner", Some("office"), None),
        of("approver", "approver", Some("committee"), None),
        of("other-approver", "approver", Some("committee"), None),
        of("carrier", "carrier", Some("viettel"), None),
        of("other-carrier", "carrier", Some("vnpt"), None),
        of("project_owner", "project_owner", Some("roads-board"), None),
        of("consultee", "consultee", Some("army"), None),
        of("inspector", "inspector", Some("office"), None),
        of("auditor", "auditor", Some("office"), None),
        of("officer-elsewhere", "officer", Some("office"), Some(vec!["VN-35".into()])),
    ]
}

/// The draft of VN-72 in the fixtures.
pub fn vn72_draft() -> JurisdictionDraft {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/jurisdiction/VN-72.geojson");
    let feature: Json = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let p = &feature["properties"];
    let epsg = |v: &Json| Epsg(u32::try_from(v.as_u64().unwrap()).unwrap());
    JurisdictionDraft {
        code: p["code"].as_str().unwrap().into(),
        name_vi: p["name_vi"].as_str().unwrap().into(),
        name_en: p["name_en"].as_str().unwrap().into(),
        grid: epsg(&p["grid"]),
        time_zone: p["time_zone"].as_str().unwrap().into(),
        related_crs: p["related_crs"].as_array().unwrap().iter().map(epsg).collect(),
        boundary: geojson::geometry(&feature["geometry"], usize::MAX).unwrap(),
    }
}

/// A neighbour to the south that shares a piece of the boundary with VN-72, on a grid of its own. The border has a corner at
/// 107.5, 11.785.
pub fn vn35_draft() -> JurisdictionDraft {
    let ring =
        json!([[107.42, 11.742], [107.42, 11.5], [107.6, 11.5], [107.6, 11.745], [107.5, 11.785], [107.42, 11.742]]);
    JurisdictionDraft {
        code: "VN-35".into(),
        name_vi: "Lâm Đồng".into(),
        name_en: "Lam Dong".into(),
        grid: Epsg(5899),
        time_zone: "Asia/Ho_Chi_Minh".into(),
        related_crs: vec![],
        boundary: geojson::geometry(&json!({"type": "Polygon", "coordinates": [ring]}), 100).unwrap(),
    }
}

/// Registers VN-72 of the fixtures, as the service.
pub fn register_vn72(url: &str) {
    let settings = Settings { database_url: Secret(url.into()), ..Settings::default() };
    let context = Context::connect(settings).unwrap();
    let actor = Actor::operator();
    jurisdiction::register(&context, Witness::new(&actor, "test"), vn72_draft()).unwrap();
}

/// Says something that a test which passes has to say, too: what is printed is not shown of those.
pub fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Watches an import in which nothing may be rejected.
pub struct Strict;

impl Observer for Strict {
    fn rejected(&mut self, rejected: &Rejected) {
        panic!("{rejected:?}");
    }
    fn read(&mut self, _: u64) {}
    fn digest(&mut self) -> String {
        "none".into()
    }
}

/// A folder of the real data, where it is present; says so where it is not.
pub fn shared_data(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    if path.exists() {
        return Some(path);
    }
    tell(&format!("NOT SHOWN HERE: ../shared/data/{file} is not present, so what this test shows of it is left out"));
    None
}

/// A server in this process, on a port of its own. It stops in order when it is dropped.
pub struct TestServer {
    /// `http://127.0.0.1:port`, or `https` with a certificate.
    pub base: String,
    context: Context,
    handle: actix_web::dev::ServerHandle,
    thread: Option<JoinHandle<()>>,
    agent: ureq::Agent,
}

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
}

impl Response {
    /// The body as JSON.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The problems of an invalid document, as `pointer: detail`.
    pub fn problems(&self) -> Vec<String> {
        let json = self.json();
        let text = |p: &Json| format!("{}: {}", p["pointer"].as_str().unwrap(), p["detail"].as_str().unwrap());
        json["errors"].as_array().map(|all| all.iter().map(text).collect()).unwrap_or_default()
    }
}

impl TestServer {
    /// Serves the database with the usual test settings.
    pub fn start(database: &Database) -> Self {
        Self::with(database.settings())
    }

    /// Serves with these settings.
    pub fn with(settings: Settings) -> Self {
        let listener = server::bind(&settings).unwrap();
        let server = Server::prepare(settings, listener, METRICS.clone()).unwrap();
        let base = server.base().unwrap();
        let context = server.context().clone();
        let (send, receive) = mpsc::channel();
        let thread = std::thread::spawn(move || server.run(move |handle| send.send(handle).unwrap()).unwrap());
        let handle = receive.recv().unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .into();
        Self { base, context, handle, thread: Some(thread), agent }
    }

    /// Tells the server to stop once the running requests are answered, and ends streams, as a signal does. Does not wait.
    pub fn stop(&self) {
        self.context.end_streams();
        // The future of `stop` only waits; the server is told at once.
        drop(self.handle.stop(true));
    }

    /// Sends a request; `headers` may hold anything, `Authorization` too.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Response {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method == "HEAD" {
            // The client would unpack the body that such an answer describes and does not have.
            request = request.header("Accept-Encoding", "identity");
        }
        let sent = match body {
            Some(bytes) => self.agent.run(request.body(bytes).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = sent.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let headers = response
            .headers()
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_str().unwrap_or_default().to_owned()))
            .collect();
        let text = response.body_mut().with_config().limit(512 * 1024 * 1024).read_to_string().unwrap();
        Response { status: response.status().as_u16(), headers, text }
    }

    /// Sends as a role; `""` for nobody.
    pub fn call(&self, role: &str, method: &str, path: &str, body: Option<&Json>) -> Response {
        let bearer = format!("Bearer {}", token(role));
        let mut headers = vec![("Content-Type", "application/geo+json")];
        if !role.is_empty() {
            headers.push(("Authorization", bearer.as_str()));
        }
        let text = body.map(ToString::to_string);
        self.send(method, path, &headers, text.as_ref().map(String::as_bytes))
    }

    /// Reads as a role; `""` for nobody.
    pub fn get(&self, role: &str, path: &str) -> Response {
        self.call(role, "GET", path, None)
    }

    /// Posts a document as a role; `""` for nobody.
    pub fn post(&self, role: &str, path: &str, body: &Json) -> Response {
        self.call(role, "POST", path, Some(body))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // Ends the connections that are kept: a worker that still has some when it is told to stop looks whether they
        // ended once a second.
        self.agent = ureq::Agent::new_with_defaults();
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
