//! The server's process: its settings, its start, its readiness and its end, which comes at the latest with ours. Not here: what it serves.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::place::{Place, SocketDir};
use super::programs::{Programs, last_lines};
use super::{ClusterError, Options, PORT};

/// How long a server may take until it is ready; after a crash it first replays its log.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// How long a fast shutdown may take before the server is ended the hard way; it writes its cache to disk first.
const STOPPED_WITHIN: Duration = Duration::from_mins(1);
/// How often the state is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Enough for a server, its tests and a person with psql; each slot costs shared memory.
const CONNECTIONS_MAX: u32 = 100;

/// Stands between us and the server. It holds the reading end of a pipe whose only writing end is ours: when that closes, be
/// it that we stop, crash or are killed, the watcher asks the server for a fast shutdown (SIGINT). The arguments are the
/// server's program and its arguments; the first line printed is the server's process id.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
{ while read -r line; do :; done <&3; kill -INT "$server"; } >/dev/null 2>&1 &
watcher=$!
echo "$server"
exec </dev/null >&2 3<&-
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
"#;

/// A running server under its supervisor.
#[derive(Debug)]
pub(super) struct Server {
    supervisor: Child,
    pub pid: u32,
}

impl Server {
    /// Starts the server and returns when it accepts connections.
    pub fn start(programs: &Programs, place: &Place, arguments: &[OsString]) -> Result<Server, ClusterError> {
        let log = fresh_log(place)?;
        let postgres = programs.command("postgres");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISOR, "clearway-postgres"]).arg(postgres.get_program()).args(arguments);
        for (name, value) in postgres.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        place.run_as_server(&mut command);
        // A group of its own: Ctrl-C in the terminal reaches us, and we stop the server when its last request is done.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut supervisor = command.spawn().map_err(ClusterError::io(Path::new("/bin/sh")))?;
        let mut line = String::new();
        if let Some(stdout) = supervisor.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(ClusterError::io(&place.log))?;
        }
        let mut server = Server { supervisor, pid: 0 };
        match line.trim().parse() {
            Ok(pid) => server.pid = pid,
            Err(_) => return Err(server.failed(place)),
        }
        server.wait_until_ready(place)?;
        Ok(server)
    }

    /// Looks at `postmaster.pid`, which says `ready` in its last line as soon as connections are accepted.
    fn wait_until_ready(&mut self, place: &Place) -> Result<(), ClusterError> {
        let deadline = Instant::now() + READY_WITHIN;
        let own = self.pid.to_string();
        loop {
            let file = fs::read_to_string(place.pgdata().join("postmaster.pid")).unwrap_or_default();
            let lines: Vec<&str> = file.lines().map(str::trim).collect();
            if lines.first() == Some(&own.as_str()) && lines.get(7) == Some(&"ready") {
                return Ok(());
            }
            let ended = !matches!(self.supervisor.try_wait(), Ok(None));
            if ended || Instant::now() > deadline {
                return Err(self.failed(place));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Stops what is left and quotes the log.
    fn failed(&mut self, place: &Place) -> ClusterError {
        let stopped = self.stop(place);
        let log = fs::read_to_string(&place.log).unwrap_or_default();
        let said = match last_lines(&log) {
            said if !said.is_empty() => said,
            _ => stopped.err().map_or_else(|| "its log is empty".to_owned(), |error| error.to_string()),
        };
        ClusterError::NotStarted { said, log: place.log.clone() }
    }

    /// Ends the server by closing the pipe, and waits for it.
    pub fn stop(&mut self, place: &Place) -> Result<(), ClusterError> {
        let not_stopped = |said: String| ClusterError::NotStopped { said, log: place.log.clone() };
        drop(self.supervisor.stdin.take());
        let deadline = Instant::now() + STOPPED_WITHIN;
        while Instant::now() < deadline {
            match self.supervisor.try_wait() {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => thread::sleep(LOOK_EVERY),
                Err(error) => return Err(not_stopped(error.to_string())),
            }
        }
        // An immediate shutdown: the next start replays the log.
        let killed = Command::new("/bin/sh").args(["-c", "kill -QUIT \"$1\"", "sh", &self.pid.to_string()]).status();
        let waited = killed.and_then(|_| self.supervisor.wait());
        Err(not_stopped(waited.map_or_else(|error| error.to_string(), |_| "it was ended the hard way".to_owned())))
    }
}

/// A new log, the one before kept beside it.
fn fresh_log(place: &Place) -> Result<File, ClusterError> {
    // Missing at the first start, and only a convenience later.
    let _ = fs::rename(&place.log, place.log.with_extension("log.old"));
    let file = File::create(&place.log).map_err(ClusterError::io(&place.log))?;
    place.give(&place.log)?;
    Ok(file)
}

/// Waits for a server whose owner was killed a moment ago and which is shutting down. We hold the folder's lock, so no other
/// process of ours runs it: one that stays was started by somebody else.
pub(super) fn wait_for_an_earlier_one(place: &Place) -> Result<(), ClusterError> {
    let deadline = Instant::now() + STOPPED_WITHIN;
    let pgdata = place.pgdata();
    let pid_file = pgdata.join("postmaster.pid");
    while let Ok(file) = fs::read_to_string(&pid_file) {
        let Some(pid) = file.lines().next().map(str::trim).filter(|pid| !pid.is_empty()) else { return Ok(()) };
        // A server stands in its data folder. Where that cannot be seen, PostgreSQL itself decides.
        let Ok(stands_in) = fs::read_link(Path::new("/proc").join(pid).join("cwd")) else { return Ok(()) };
        if stands_in != pgdata {
            // The machine was restarted and another process has the number: PostgreSQL would take it for a server.
            return fs::remove_file(&pid_file).map_err(ClusterError::io(&pid_file));
        }
        if Instant::now() > deadline {
            return Err(ClusterError::AlreadyRunning { folder: pgdata, process: pid.to_owned() });
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// The server's arguments. They stand on the command line, not in a file, so that every start has the same.
pub(super) fn settings(programs: &Programs, place: &Place, socket: &SocketDir, options: &Options) -> Vec<OsString> {
    let mut settings: Vec<OsString> = vec!["-D".into(), place.pgdata().into()];
    let mut set = |setting: OsString| settings.extend(["-c".into(), setting]);
    set("listen_addresses=".into());
    set("unix_socket_permissions=0700".into());
    set(socket.setting());
    set(format!("port={PORT}").into());
    set(format!("max_connections={CONNECTIONS_MAX}").into());
    set(format!("shared_buffers={}MB", options.shared_buffers_mb).into());
    // Building the GiST indexes of an import is the largest single piece of work here.
    set("maintenance_work_mem=128MB".into());
    // Compiling a query costs more than our short queries do.
    set("jit=off".into());
    for plain in ["lc_messages=C", "timezone=UTC", "log_timezone=UTC", "logging_collector=off"] {
        set(plain.into());
    }
    if !options.durable {
        for off in ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] {
            set(off.into());
        }
        // Nobody follows a cluster of the tests, and its log may be kept in memory.
        set("wal_level=minimal".into());
        set("max_wal_senders=0".into());
        set("max_wal_size=256MB".into());
        // Tests open thousands of connections, and each would load it anew: 15 ms of the 20 that a connection costs.
        if let Some(postgis) = programs.postgis_library() {
            set(format!("shared_preload_libraries={postgis}").into());
        }
    }
    settings
}
