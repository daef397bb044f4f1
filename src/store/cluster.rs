//! A private PostgreSQL + PostGIS cluster in a folder, for `clearway demo` and the tests: a Unix socket only, no TCP port,
//! and it ends with the process that started it. What is not here: connections, migrations, anything that speaks SQL to
//! our own tables, and production databases, which nobody but their operators start.

mod place;
mod programs;
mod server;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use place::{Place, SocketDir};
use programs::{OLDEST_MAJOR, Programs};
use server::Server;

/// The superuser of the cluster; only those who may enter the socket's folder can be it.
const USER: &str = "clearway";
/// The role of the service, as the migrations know it.
const SERVICE: &str = "clearway_service";
/// The database that a start creates if it is missing.
const DATABASE: &str = "clearway";
/// Part of the socket's file name, nothing listens on it; fixed, so that `PGPORT` cannot change it.
const PORT: u16 = 5432;

/// Why there is no cluster: each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No usable `initdb`, `postgres` and `psql`.
    #[error(
        "no PostgreSQL {OLDEST_MAJOR} or newer was found: install it with PostGIS \
         (Debian and Ubuntu: the packages postgresql and postgresql-postgis)"
    )]
    NoPrograms,
    /// The server of this major version has no PostGIS.
    #[error(
        "PostgreSQL {major} has no PostGIS: install it (Debian and Ubuntu: the package postgresql-{major}-postgis-3)"
    )]
    NoPostgis {
        /// The major version of the server.
        major: u32,
    },
    /// We are root, PostgreSQL refuses to be, and there is nobody else to run it as.
    #[error(
        "PostgreSQL does not run as root and there is no user `postgres`: create that user, \
         or give the folder {} to the user who shall run it", .folder.display()
    )]
    NoServerUser {
        /// The data folder.
        folder: PathBuf,
    },
    /// The unprivileged user cannot reach a cluster that exists.
    #[error(
        "the user {user} who runs PostgreSQL cannot reach {}: let others pass the folders above it (chmod o+x)",
        .folder.display()
    )]
    OutOfReach {
        /// The folder of the cluster.
        folder: PathBuf,
        /// The user who runs the server.
        user: String,
    },
    /// The folder holds something, but not a cluster that can start.
    #[error("the data folder {} is broken ({why}): move it away or delete it, a new start makes a new one", .folder.display())]
    Broken {
        /// The folder of the cluster.
        folder: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The cluster was made by a major version that is not installed.
    #[error(
        "the data folder {} was made by PostgreSQL {made_by}, which is not installed: install that version \
         (Debian and Ubuntu: postgresql-{made_by} and postgresql-{made_by}-postgis-3), or delete the folder to start afresh",
        .folder.display()
    )]
    OtherVersion {
        /// The folder of the cluster.
        folder: PathBuf,
        /// The major version that made it.
        made_by: u32,
    },
    /// Somebody runs a cluster from this folder.
    #[error("a cluster is already running from {} (process {process}): stop that one first, or use another folder", .folder.display())]
    AlreadyRunning {
        /// The data folder.
        folder: PathBuf,
        /// The id of the process that holds it, `?` when it has not written it yet.
        process: String,
    },
    /// We may not read or write there.
    #[error("no permission to use {}: start as the user who owns it, or use another folder", .path.display())]
    NotAllowed {
        /// The file or folder.
        path: PathBuf,
    },
    /// The data folder is no folder.
    #[error("{} is a file; the data need a folder of their own: name another", .path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// Any other refusal of the file system.
    #[error("cannot use {}: {source}; check that the disk has room and the path is right", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program of PostgreSQL could not do its part.
    #[error("{program} failed: {said}; check the installation of PostgreSQL and the free room on the disk")]
    Program {
        /// Which program.
        program: &'static str,
        /// Its last words.
        said: String,
    },
    /// The server ended, or was not ready in time.
    #[error("PostgreSQL did not start: {said}; its log is {}", .log.display())]
    NotStarted {
        /// The last lines of its log.
        said: String,
        /// The whole log.
        log: PathBuf,
    },
    /// The server had to be ended the hard way, or its end could not be seen.
    #[error("PostgreSQL did not stop in time: {said}; the next start repairs what is open, its log is {}", .log.display())]
    NotStopped {
        /// What happened.
        said: String,
        /// The whole log.
        log: PathBuf,
    },
}

impl ClusterError {
    /// Names the path in an error of the file system.
    fn io(path: &Path) -> impl FnOnce(io::Error) -> ClusterError + '_ {
        move |source| match source.kind() {
            io::ErrorKind::PermissionDenied => ClusterError::NotAllowed { path: path.to_owned() },
            _ => ClusterError::Io { path: path.to_owned(), source },
        }
    }
}

/// What a start may choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether committed data survives a power cut. `false` is for tests: faster, and a crash of the machine loses the cluster.
    pub durable: bool,
    /// PostgreSQL's own page cache, in MB.
    pub shared_buffers_mb: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options { durable: true, shared_buffers_mb: 256 }
    }
}

/// A running private cluster; dropping it stops it, and so does the end of this process, however it ends.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    place: Place,
    socket: SocketDir,
    /// Locked as long as we own the folder; the kernel lets go of it when we are killed.
    lock: File,
    stopped: bool,
}

impl Cluster {
    /// Starts the cluster of this folder, making both if they are missing.
    ///
    /// # Errors
    /// One sentence that says what is missing or in the way, and what to do.
    pub fn start(data_dir: &Path) -> Result<Cluster, ClusterError> {
        Cluster::start_with(data_dir, &Options::default())
    }

    /// As [`Cluster::start`], with choices.
    ///
    /// # Errors
    /// One sentence that says what is missing or in the way, and what to do.
    pub fn start_with(data_dir: &Path, options: &Options) -> Result<Cluster, ClusterError> {
        if data_dir.is_file() {
            return Err(ClusterError::NotAFolder { path: data_dir.to_owned() });
        }
        fs::create_dir_all(data_dir).map_err(ClusterError::io(data_dir))?;
        let data_dir = fs::canonicalize(data_dir).map_err(ClusterError::io(data_dir))?;
        let mut lock = lock(&data_dir)?;
        let place = Place::choose(&data_dir)?;
        let made_by = version_of(&place.pgdata())?;
        let programs = Programs::find(made_by, &place.pgdata())?;
        if made_by.is_none() {
            initialise(&programs, &place, options)?;
        }
        server::wait_for_an_earlier_one(&place)?;
        write_owner(&mut lock, &place, &data_dir)?;
        let socket = place.socket_dir()?;
        let arguments = server::settings(&programs, &place, &socket, options);
        let server = Server::start(&programs, &place, &arguments)?;
        // From here on an early return drops the cluster, which stops the server.
        let cluster = Cluster { server, place, socket, lock, stopped: false };
        cluster.create_what_lacks(&programs)?;
        Ok(cluster)
    }

    /// Deletes the cluster of this folder and nothing else in it: neither one that runs, nor what it does not know.
    ///
    /// # Errors
    /// One sentence that says what is in the way.
    pub fn delete(data_dir: &Path) -> Result<(), ClusterError> {
        let data_dir = match fs::canonicalize(data_dir) {
            Ok(data_dir) => data_dir,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(ClusterError::io(data_dir)(error)),
        };
        let _lock = lock(&data_dir)?;
        let place = Place::choose(&data_dir)?;
        server::wait_for_an_earlier_one(&place)?;
        for name in ["postgres", "postgres.unfinished", "run"] {
            let path = place.root.join(name);
            let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match gone {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(ClusterError::io(&path)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The address of a database in this cluster for its superuser, as a libpq URI: for migrations, and people with psql.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_of(USER, database)
    }

    /// The address of a database in this cluster for the service, which owns nothing there.
    #[must_use]
    pub fn service_url(&self, database: &str) -> String {
        self.url_of(SERVICE, database)
    }

    fn url_of(&self, user: &str, database: &str) -> String {
        let host = percent_encoded(self.socket.path.as_os_str().as_bytes());
        format!("postgresql://{user}@/{}?host={host}&port={PORT}", percent_encoded(database.as_bytes()))
    }

    /// The folder of the socket: what `psql -h` wants.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket.path
    }

    /// Where the data went, if the server's user could not reach the folder asked for: tell the user.
    #[must_use]
    pub fn moved_to(&self) -> Option<&Path> {
        self.place.moved().then_some(self.place.root.as_path())
    }

    /// The log of this run of the server; the one before has the ending `.old`.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        &self.place.log
    }

    /// The process id of the server.
    #[must_use]
    pub fn server_pid(&self) -> u32 {
        self.server.pid
    }

    /// Ends all connections, stops the server and waits until it has ended.
    ///
    /// # Errors
    /// When the server had to be ended the hard way; the data is whole all the same.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), ClusterError> {
        if std::mem::replace(&mut self.stopped, true) {
            return Ok(());
        }
        let ended = self.server.stop(&self.place);
        self.socket.remove();
        // Said aloud, because a child of ours just being made may hold a copy of the descriptor for a moment.
        let unlocked = self.lock.unlock().map_err(ClusterError::io(&self.place.root));
        ended.and(unlocked)
    }

    fn create_what_lacks(&self, programs: &Programs) -> Result<(), ClusterError> {
        let present = self.psql(
            programs,
            &format!(
                "SELECT (SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'), \
                (SELECT count(*) FROM pg_roles WHERE rolname = '{SERVICE}'), (SELECT count(*) FROM pg_database WHERE datname = '{DATABASE}')"
            ),
        )?;
        let lacks = |nth| present.split('|').nth(nth) != Some("1");
        if lacks(0) {
            return Err(ClusterError::NoPostgis { major: programs.major });
        }
        let missing = [(1, format!("CREATE ROLE {SERVICE} LOGIN")), (2, format!("CREATE DATABASE {DATABASE}"))];
        missing.iter().filter(|(nth, _)| lacks(*nth)).try_for_each(|(_, sql)| self.psql(programs, sql).map(drop))
    }

    fn psql(&self, programs: &Programs, sql: &str) -> Result<String, ClusterError> {
        let mut command = programs.command("psql");
        command.arg("--host").arg(&self.socket.path).arg(format!("--port={PORT}"));
        command.args(["--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--no-password"]);
        command.args(["--username", USER, "--dbname", "postgres", "--command", sql]);
        programs::run(&mut command, "psql")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Nobody is left to tell: whoever wants to know calls `stop`.
        let _ = self.shut_down();
    }
}

/// Takes the folder for this process, or says who has it.
fn lock(data_dir: &Path) -> Result<File, ClusterError> {
    let path = data_dir.join("lock");
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(ClusterError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            file.read_to_string(&mut process).map_err(ClusterError::io(&path))?;
            let process = if process.trim().is_empty() { "?" } else { process.trim() }.to_owned();
            Err(ClusterError::AlreadyRunning { folder: data_dir.to_owned(), process })
        }
        Err(TryLockError::Error(source)) => Err(ClusterError::io(&path)(source)),
    }
}

/// Leaves our process id in the lock, for the error that the next one gets.
fn write_owner(lock: &mut File, place: &Place, data_dir: &Path) -> Result<(), ClusterError> {
    let path = data_dir.join("lock");
    place.give(&path)?;
    let write = |lock: &mut File| {
        lock.set_len(0)?;
        lock.seek(SeekFrom::Start(0))?;
        writeln!(lock, "{}", std::process::id())
    };
    write(lock).map_err(ClusterError::io(&path))
}

/// The major version that made the cluster; `None` when there is none yet.
fn version_of(pgdata: &Path) -> Result<Option<u32>, ClusterError> {
    let broken = |why| ClusterError::Broken { folder: pgdata.to_owned(), why };
    let mut entries = match fs::read_dir(pgdata) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(broken("it is a file")),
        Err(error) => return Err(ClusterError::io(pgdata)(error)),
    };
    if entries.next().is_none() {
        return Ok(None);
    }
    let version = match fs::read_to_string(pgdata.join("PG_VERSION")) {
        Ok(version) => version,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(ClusterError::io(pgdata)(error)),
        Err(_) => return Err(broken("it is not empty and has no PG_VERSION")),
    };
    if !pgdata.join("global/pg_control").exists() {
        return Err(broken("global/pg_control is missing"));
    }
    version.trim().parse().map(Some).map_err(|_| broken("its PG_VERSION is not a number"))
}

/// Makes the cluster beside its place and moves it there when it is whole: a start that was killed leaves nothing half-made.
fn initialise(programs: &Programs, place: &Place, options: &Options) -> Result<(), ClusterError> {
    let (target, unfinished) = (place.pgdata(), place.root.join("postgres.unfinished"));
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(ClusterError::io(&unfinished)(error)),
        _ => {}
    }
    fs::DirBuilder::new().mode(0o700).create(&unfinished).map_err(ClusterError::io(&unfinished))?;
    place.give(&unfinished)?;
    let mut command = programs.command("initdb");
    place.run_as_server(&mut command);
    command.args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]);
    command.arg(format!("--username={USER}"));
    if !options.durable {
        command.arg("--no-sync");
    }
    command.arg("--pgdata").arg(&unfinished).stdin(Stdio::null());
    programs::run(&mut command, "initdb")?;
    match fs::remove_dir(&target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(ClusterError::io(&target)(error)),
        _ => {}
    }
    fs::rename(&unfinished, &target).map_err(ClusterError::io(&target))
}

/// Escapes all but what may stand in every part of a URI; a slash may stand in a query.
fn percent_encoded(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_an_address_is_escaped_byte_by_byte() {
        assert_eq!(percent_encoded(b"/run/a-b_c.d~1"), "/run/a-b_c.d~1");
        assert_eq!(percent_encoded("/Đắk/a b?&#%".as_bytes()), "/%C4%90%E1%BA%AFk/a%20b%3F%26%23%25");
    }

    #[test]
    fn a_cluster_that_is_missing_broken_or_whole_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let pgdata = folder.path().join("postgres");
        assert_eq!(version_of(&pgdata).unwrap(), None);
        fs::create_dir(&pgdata).unwrap();
        assert_eq!(version_of(&pgdata).unwrap(), None, "an empty folder may be used");
        fs::write(pgdata.join("PG_VERSION"), "15\n").unwrap();
        assert!(version_of(&pgdata).unwrap_err().to_string().contains("pg_control is missing"));
        fs::create_dir(pgdata.join("global")).unwrap();
        fs::write(pgdata.join("global/pg_control"), "").unwrap();
        assert_eq!(version_of(&pgdata).unwrap(), Some(15));
        fs::write(pgdata.join("PG_VERSION"), "fifteen").unwrap();
        assert!(version_of(&pgdata).unwrap_err().to_string().contains("not a number"));
        fs::remove_file(pgdata.join("PG_VERSION")).unwrap();
        assert!(version_of(&pgdata).unwrap_err().to_string().contains("no PG_VERSION"));
    }
}
