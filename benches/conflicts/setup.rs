//! A private PostgreSQL with the data in it, and the real server on a port of its own.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clearway::actions::{Context, Witness, jurisdiction};
use clearway::config::{Secret, Settings};
use clearway::domain::actor::Actor;
use clearway::domain::jurisdiction::{Jurisdiction, JurisdictionDraft};
use clearway::geometry::Epsg;
use clearway::geometry::encoding::geojson;
use clearway::server::{self, Server};
use clearway::store::cluster::{Cluster, Options};
use clearway::store::migrations;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use serde_json::Value as Json;

use crate::Failed;

/// The threads that serve, as many as clients at most.
const WORKERS: usize = 2;

/// A folder that goes with the program.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new one.
    pub fn new() -> Result<Self, Failed> {
        let path = std::env::temp_dir().join(format!("clearway-bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The database, durable as in production; it ends with the program.
pub struct Database {
    /// Where it is not the first in its cluster, that has the cluster.
    cluster: Option<Cluster>,
    /// For a superuser.
    pub url: String,
    /// For the service.
    pub service_url: String,
}

impl Database {
    /// Starts it, migrated and with the jurisdiction of the fixtures.
    pub fn start(folder: &Folder) -> Result<(Self, Jurisdiction), Failed> {
        let cluster = Cluster::start_with(&folder.0.join("cluster"), &Options::default())?;
        let (url, service_url) = (cluster.url("clearway"), cluster.service_url("clearway"));
        let database = Self { url, service_url, cluster: Some(cluster) };
        let registered = database.prepare()?;
        Ok((database, registered))
    }

    fn prepare(&self) -> Result<Jurisdiction, Failed> {
        migrations::migrate(&self.url)?;
        let context = Context::connect(self.settings())?;
        let actor = Actor::operator();
        let witness = Witness::new(&actor, "bench");
        Ok(jurisdiction::register(&context, witness, draft()?)?)
    }

    /// Another one in the same cluster, prepared likewise; it lives as long as this one.
    pub fn beside(&self, name: &str) -> Result<Self, Failed> {
        let cluster = self.cluster.as_ref().ok_or("only the first database has the cluster")?;
        PgConnection::establish(&self.url)?.batch_execute(&format!("CREATE DATABASE {name}"))?;
        let (url, service_url) = (cluster.url(name), cluster.service_url(name));
        let database = Self { url, service_url, cluster: None };
        database.prepare()?;
        Ok(database)
    }

    pub fn settings(&self) -> Settings {
        Settings {
            database_url: Secret(self.service_url.clone()),
            listen: "127.0.0.1:0".into(),
            workers: WORKERS,
            rate_address_per_second: 0,
            rate_token_per_second: 0,
            ..Settings::default()
        }
    }

    /// Runs the program's import on a file; the seconds it took.
    pub fn import(&self, layer: &str, file: &Path, jurisdiction: &Jurisdiction) -> Result<f64, Failed> {
        let begun = Instant::now();
        let crs = jurisdiction.grid.to_string();
        let done = Command::new(env!("CARGO_BIN_EXE_clearway"))
            .args(["import", layer, "--jurisdiction", &jurisdiction.code, "--organisation", "invented", "--crs", &crs])
            .arg(file)
            .env("DATABASE_URL", &self.service_url)
            .env("CLEARWAY_LOG", "warn")
            .output()?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
        }
        Ok(begun.elapsed().as_secs_f64())
    }
}

fn draft() -> Result<JurisdictionDraft, Failed> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/jurisdiction/VN-72.geojson");
    let feature: Json = serde_json::from_str(&fs::read_to_string(file)?)?;
    let text = |name: &str| feature["properties"][name].as_str().unwrap_or_default().to_owned();
    let grid = feature["properties"]["grid"].as_u64().and_then(|n| u32::try_from(n).ok());
    Ok(JurisdictionDraft {
        code: text("code"),
        name_vi: text("name_vi"),
        name_en: text("name_en"),
        grid: Epsg(grid.ok_or("the jurisdiction of the fixtures has no grid")?),
        time_zone: text("time_zone"),
        related_crs: Vec::new(),
        boundary: geojson::geometry(&feature["geometry"], usize::MAX)
            .map_err(|_| "the jurisdiction of the fixtures has no boundary")?,
    })
}

/// The server in this process; it stops in order when it is dropped.
pub struct Serving {
    /// What its actions work with: the same index.
    pub context: Context,
    /// `127.0.0.1:port`
    pub address: String,
    handle: actix_web::dev::ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Loads the index and serves.
    pub fn start(settings: Settings) -> Result<Self, Failed> {
        let listener = server::bind(&settings)?;
        let server = Server::prepare(settings, listener, server::record_metrics())?;
        let (context, address) = (server.context().clone(), server.address()?.to_string());
        let (send, receive) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            if let Err(error) = server.run(move |handle| drop(send.send(handle))) {
                eprintln!("the server ended: {error}");
            }
        });
        Ok(Self { context, address, handle: receive.recv()?, thread: Some(thread) })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The future only waits; the server is told at once.
        drop(self.handle.stop(true));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The memory of this process that is resident, bytes.
pub fn resident() -> Result<f64, Failed> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).ok_or("/proc/self/status has no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}

/// Time that a process or thread was on a processor, as its `schedstat` has it: free of what else the machine does.
pub fn on_cpu(of: &str) -> Duration {
    let text = fs::read_to_string(format!("/proc/{of}/schedstat")).unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or_default())
}

/// Time that this thread was on a processor or in the queue for one: all but what it waited for something else.
pub fn on_cpu_and_queued() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().take(2).filter_map(|n| n.parse::<u64>().ok()).sum())
}

/// Time that each thread of this process was on a processor, at one moment.
pub struct Tasks(HashMap<OsString, Duration>);

impl Tasks {
    /// Now.
    pub fn now() -> Self {
        let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten().map(|task| task.file_name());
        Self(tasks.map(|task| (task.clone(), on_cpu(&format!("self/task/{}", task.to_string_lossy())))).collect())
    }

    /// Time since then of all threads that still run.
    pub fn elapsed(&self) -> Duration {
        let Self(now) = Self::now();
        now.iter().map(|(task, now)| now.saturating_sub(self.0.get(task).copied().unwrap_or_default())).sum()
    }
}
