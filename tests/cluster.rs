//! The private cluster on a real PostgreSQL: it starts, comes back, refuses, and never outlives its owner. Run as root or not.
// In a test a panic is the report.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clearway::store::cluster::{Cluster, ClusterError, Options};
use tempfile::TempDir;

/// Set for the copy of this test program that is killed: the folder of its cluster.
const OWNER_TO_KILL: &str = "CLEARWAY_TEST_OWNER_TO_KILL";
/// Generous, because a machine may be busy; reached only by a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder that every user can reach, as a server that root starts must.
fn folder() -> TempDir {
    let everybody = fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("clearway-cluster-").permissions(everybody).tempdir().unwrap()
}

fn start(folder: &Path) -> Result<Cluster, ClusterError> {
    Cluster::start_with(folder, &Options { durable: false, shared_buffers_mb: 16 })
}

fn psql(cluster: &Cluster, database: &str, sql: &str) -> String {
    let output =
        Command::new("psql").args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, &cluster.url(database)]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Processes whose command line names the folder: the server, its supervisor and whatever they started.
fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let command_lines = processes.filter_map(|process| fs::read_to_string(process.path().join("cmdline")).ok());
    command_lines.filter(|line| line.contains(name)).map(|line| line.replace('\0', " ")).collect()
}

fn alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[test]
fn a_cluster_starts_comes_back_with_its_data_and_leaves_no_process() {
    let folder = folder();
    let clock = Instant::now();
    let cluster = Cluster::start(folder.path()).unwrap();
    println!("first start: {:.2} s", clock.elapsed().as_secs_f64());
    assert_eq!(cluster.moved_to(), None);
    psql(&cluster, "clearway", "CREATE EXTENSION postgis");
    psql(&cluster, "clearway", "CREATE TABLE kept AS SELECT 'Đắk Nông' AS name");
    assert_eq!(psql(&cluster, "clearway", "SELECT ST_AsText('POINT(1 2)'::geometry)"), "POINT(1 2)");
    assert_eq!(psql(&cluster, "clearway", "SELECT upper('đ')"), "Đ", "the locale knows letters beyond ASCII");
    assert_eq!(psql(&cluster, "clearway", "SHOW fsync"), "on");
    let pid = cluster.server_pid();
    assert!(alive(pid) && !processes_of(folder.path()).is_empty());

    cluster.stop().unwrap();
    assert!(!alive(pid));
    assert_eq!(processes_of(folder.path()), [""; 0]);

    let clock = Instant::now();
    let cluster = Cluster::start(folder.path()).unwrap();
    println!("second start: {:.2} s", clock.elapsed().as_secs_f64());
    assert_eq!(psql(&cluster, "clearway", "SELECT name FROM kept"), "Đắk Nông");
    let pid = cluster.server_pid();
    let clock = Instant::now();
    drop(cluster);
    println!("stop: {:.2} s", clock.elapsed().as_secs_f64());
    assert!(!alive(pid), "dropping stops too");
}

#[test]
fn the_server_is_private_and_not_root() {
    let folder = folder();
    let cluster = start(folder.path()).unwrap();
    assert_eq!(psql(&cluster, "postgres", "SHOW listen_addresses"), "");
    assert_eq!(psql(&cluster, "postgres", "SHOW fsync"), "off");
    assert_eq!(fs::metadata(cluster.socket_dir()).unwrap().mode() & 0o777, 0o700);
    assert_ne!(fs::metadata(Path::new("/proc").join(cluster.server_pid().to_string())).unwrap().uid(), 0);
    assert!(fs::read_to_string(cluster.log_file()).unwrap().contains("ready to accept connections"));
}

#[test]
fn the_server_runs_as_the_owner_of_the_folder() {
    let folder = folder();
    if fs::metadata(folder.path()).unwrap().uid() == 0 {
        let nobody = Command::new("id").args(["-u", "nobody"]).output().unwrap().stdout;
        let nobody = String::from_utf8(nobody).unwrap().trim().parse().unwrap();
        std::os::unix::fs::chown(folder.path(), Some(nobody), None).unwrap();
    }
    let owner = fs::metadata(folder.path()).unwrap().uid();
    let cluster = start(folder.path()).unwrap();
    assert_eq!(fs::metadata(Path::new("/proc").join(cluster.server_pid().to_string())).unwrap().uid(), owner);
    assert_eq!(psql(&cluster, "clearway", "SELECT 1"), "1");
}

#[test]
fn an_open_connection_does_not_keep_it_from_stopping() {
    let folder = folder();
    let cluster = start(folder.path()).unwrap();
    let mut busy = Command::new("psql");
    busy.args(["-XAtq", "-c", "\\echo connected", "-c", "SELECT pg_sleep(600)", &cluster.url("clearway")]);
    let mut busy = busy.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(busy.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "connected\n");
    cluster.stop().unwrap();
    assert!(!busy.wait().unwrap().success(), "its query was ended");
}

#[test]
fn an_awkward_or_long_path_works_and_leaves_nothing_among_the_temporary_files() {
    let folder = folder();
    let awkward = "a b %20 \"c\" 'd' $H ?& Đắk".to_owned();
    for (name, expect_within) in [(awkward, true), ("a,b".to_owned(), false), ("long-".repeat(40), false)] {
        let cluster = start(&folder.path().join(&name)).unwrap();
        assert_eq!(psql(&cluster, "clearway", "SELECT 1"), "1", "{name}");
        let socket = cluster.socket_dir().to_owned();
        let within = socket.starts_with(folder.path());
        assert_eq!(within, expect_within, "{name}");
        cluster.stop().unwrap();
        assert!(within || !socket.exists());
    }
}

#[test]
fn a_second_start_on_the_same_folder_names_the_process_that_has_it() {
    let folder = folder();
    let first = start(folder.path()).unwrap();
    let error = start(folder.path()).unwrap_err().to_string();
    let has_it = format!("already running from {} (process {})", folder.path().display(), std::process::id());
    assert!(error.contains(&has_it), "{error}");
    assert_eq!(psql(&first, "clearway", "SELECT 1"), "1", "the first is unharmed");
    first.stop().unwrap();
    start(folder.path()).unwrap().stop().unwrap();
}

#[test]
fn a_broken_folder_is_refused_and_left_as_it_is() {
    let folder = folder();
    let pgdata = folder.path().join("postgres");
    fs::create_dir(&pgdata).unwrap();
    fs::write(pgdata.join("thesis.odt"), "years of work").unwrap();
    let error = start(folder.path()).unwrap_err();
    assert!(matches!(error, ClusterError::Broken { .. }), "{error}");
    assert!(error.to_string().contains("it is not empty and has no PG_VERSION"), "{error}");
    assert_eq!(fs::read_to_string(pgdata.join("thesis.odt")).unwrap(), "years of work");
}

#[test]
fn a_cluster_of_another_major_version_is_refused() {
    let folder = folder();
    start(folder.path()).unwrap().stop().unwrap();
    fs::write(folder.path().join("postgres/PG_VERSION"), "9\n").unwrap();
    let error = start(folder.path()).unwrap_err();
    assert!(matches!(error, ClusterError::OtherVersion { made_by: 9, .. }), "{error}");
}

#[test]
fn a_server_that_cannot_start_is_quoted_and_the_folder_is_free_again() {
    let folder = folder();
    start(folder.path()).unwrap().stop().unwrap();
    let settings = folder.path().join("postgres/postgresql.conf");
    let whole = fs::read(&settings).unwrap();
    fs::write(&settings, "no_such_setting = 1\n").unwrap();
    let error = start(folder.path()).unwrap_err();
    assert!(matches!(error, ClusterError::NotStarted { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
    assert_eq!(processes_of(folder.path()), [""; 0]);
    fs::write(&settings, whole).unwrap();
    start(folder.path()).unwrap().stop().unwrap();
}

#[test]
fn what_an_interruption_left_is_not_in_the_way() {
    let folder = folder();
    let unfinished = folder.path().join("postgres.unfinished");
    fs::create_dir(&unfinished).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15\n").unwrap();
    start(folder.path()).unwrap().stop().unwrap();
    assert!(!unfinished.exists());
    // A machine that lost power leaves the number of a process that is somebody else's by now.
    fs::write(folder.path().join("postgres/postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
    start(folder.path()).unwrap().stop().unwrap();
}

/// Below a private folder of root, the server's user cannot get at the data; other users own what they make.
#[test]
fn out_of_the_server_s_reach_the_data_goes_elsewhere_and_is_found_again() {
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let root = fs::metadata(folder.path()).unwrap().uid() == 0;
    let asked = folder.path().join("data");
    let cluster = start(&asked).unwrap();
    let moved: Option<PathBuf> = cluster.moved_to().map(Path::to_owned);
    assert_eq!(moved.is_some(), root);
    psql(&cluster, "clearway", "CREATE TABLE kept ()");
    cluster.stop().unwrap();
    let Some(moved) = moved else { return };
    let note = fs::read_to_string(asked.join("postgres.location")).unwrap();
    assert!(note.contains(moved.to_str().unwrap()), "{note}");
    // Even if it could be reached by now, the data is where it was put.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let cluster = start(&asked).unwrap();
    assert_eq!(cluster.moved_to(), Some(moved.as_path()));
    assert_eq!(psql(&cluster, "clearway", "SELECT count(*) FROM kept"), "0");
    cluster.stop().unwrap();
    fs::remove_dir_all(&moved).unwrap();
}

#[test]
fn the_server_ends_with_an_owner_that_is_killed() {
    if let Some(folder) = std::env::var_os(OWNER_TO_KILL) {
        let cluster = start(Path::new(&folder)).unwrap();
        println!("\nserver {}", cluster.server_pid());
        // Until the end: the other side never writes.
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let folder = folder();
    let mut owner = Command::new(std::env::current_exe().unwrap());
    owner.args(["--exact", "the_server_ends_with_an_owner_that_is_killed", "--nocapture"]);
    owner.env(OWNER_TO_KILL, folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut owner = owner.spawn().unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let server: u32 = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("server ")?.parse().ok()).unwrap();
    assert!(alive(server));

    owner.kill().unwrap();
    owner.wait().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while alive(server) {
        assert!(Instant::now() < deadline, "the server {server} outlived its owner");
        std::thread::yield_now();
    }
    assert!(!folder.path().join("postgres/postmaster.pid").exists(), "it ended in order");
    start(folder.path()).unwrap().stop().unwrap();
}
