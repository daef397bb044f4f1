//! Runs the binary and looks at what it left. What it should leave stands in the tests.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::Database;

/// Generous, because a machine may be busy; reached only by a failure.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The exit code and what it said on both streams, line by line, stderr first.
    #[track_caller]
    pub fn gives(&self, code: i32, expect: &[&str]) -> &Self {
        let said: Vec<&str> = self.err.lines().chain(self.out.lines()).collect();
        assert_eq!((self.code, said), (code, expect.to_vec()), "{}{}", self.err, self.out);
        self
    }

    /// Done, and this is its last line but one: the counts of an import.
    #[track_caller]
    pub fn counts(&self, expect: &str) -> &Self {
        let counts = self.out.lines().find(|line| line.contains(" read: "));
        assert_eq!(counts, Some(expect), "exit {}: {}{}", self.code, self.err, self.out);
        self
    }

    /// Failed with one sentence.
    #[track_caller]
    pub fn fails(&self, sentence: &str) -> &Self {
        assert_eq!((self.code, self.err.trim_end()), (1, sentence), "{}", self.out);
        self
    }
}

/// The program without anything of the surroundings that could change what it does.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearway"));
    command.args(arguments).env_clear().current_dir("/").stdin(Stdio::null());
    // PostgreSQL's programs are looked for in PATH.
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

/// Runs the program against a database.
pub fn clearway(database: &Database, arguments: &[&str]) -> Ran {
    Ran::of(&command(arguments).env("DATABASE_URL", &database.service_url).output().unwrap())
}

/// Runs the program with an environment of its own.
pub fn clearway_with(environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
    Ran::of(&command(arguments).envs(environment.iter().copied()).output().unwrap())
}

/// A file of the fixtures.
pub fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/import").join(name);
    assert!(path.exists(), "{}", path.display());
    path.to_str().unwrap().to_owned()
}

/// A folder for the files of one test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file; its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// `SELECT columns FROM from`, each row as one line with blanks between its columns.
pub fn rows(database: &Database, columns: &str, from: &str) -> Vec<String> {
    let query = format!("SELECT concat_ws(' ', {columns}) AS line FROM {from}");
    let lines: Vec<Line> = diesel::sql_query(query).load(&mut database.connect()).unwrap();
    lines.into_iter().map(|l| l.line).collect()
}

/// The number that `SELECT count(*) FROM from` gives.
pub fn count(database: &Database, from: &str) -> usize {
    rows(database, "count(*)", from)[0].parse().unwrap()
}

/// A program that runs on: its lines are kept as they come. It is killed when it is dropped.
pub struct Running {
    pub child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    news: mpsc::Receiver<()>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (tell, news) = mpsc::channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let (lines, tell) = (Arc::clone(&lines), tell.clone());
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                    // Nobody may be listening any more.
                    let _ = tell.send(());
                }
            });
        }
        Self { child, lines, news }
    }

    /// Everything it has said so far.
    pub fn said(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Waits until it has said `what`; fails when it ends without.
    #[track_caller]
    pub fn wait_for(&self, what: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let said = self.said();
            if said.contains(what) {
                return said;
            }
            let left = until.saturating_duration_since(Instant::now());
            let news = self.news.recv_timeout(left);
            assert!(news.is_ok(), "it never said «{what}»: {}", self.said());
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end, and for the end of what it says.
    pub fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        while self.news.recv_timeout(PATIENCE).is_ok() {}
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on just now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
