//! One instance: a process of `clearway serve` on a port of its own, and requests to it. It is killed when it is dropped,
//! in a test that panics, too.

use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::support::{as_service, token};
use crate::world::{JURISDICTION, point, work};

/// Generous, because a machine may be busy; reached only by a failure.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub const CHECKS: &str = "/api/conflict-checks";
pub const WORKS: &str = "/ogc/collections/works/items";
pub const REFERENCES: &str = "/ogc/collections/references/items";

/// The program without anything of the surroundings, on this database.
pub fn clearway(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearway"));
    command.args(arguments).env_clear().current_dir("/").stdin(Stdio::null()).env("DATABASE_URL", as_service(url));
    command
}

/// Waits until it is so.
#[track_caller]
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "it never came to be: {what}");
        std::thread::yield_now();
    }
}

pub struct Instance {
    child: Child,
    door: Door,
}

/// Where requests go; it may outlive its instance.
#[derive(Clone)]
pub struct Door {
    base: String,
    agent: ureq::Agent,
    /// Who asks; nobody: whoever did not sign in.
    role: Option<&'static str>,
}

impl Deref for Instance {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

/// An answer: its status and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The revision that it shows.
    #[track_caller]
    pub fn revision(&self) -> i64 {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["revision"][JURISDICTION].as_i64().unwrap()
    }
}

impl Instance {
    /// Starts one and waits until it serves.
    pub fn start(url: &str, settings: &[(&str, &str)]) -> Self {
        let tokens =
            format!(r#"[{{token="{}",name="officer",organisation="office",roles=["officer"]}}]"#, token("officer"));
        let mut child = clearway(url, &["serve", "--listen", "127.0.0.1:0"])
            .env("CLEARWAY_TOKENS", tokens)
            .env("CLEARWAY_LOG", "warn,clearway::cli=info")
            // What is waited for is asked for again and again.
            .env("CLEARWAY_RATE_ADDRESS_PER_SECOND", "0")
            .env("CLEARWAY_RATE_TOKEN_PER_SECOND", "0")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said: Option<Json> = log.find_map(|line| {
            let said: Json = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            said["fields"]["address"].is_string().then_some(said)
        });
        // A log that nobody reads would stop the process.
        std::thread::spawn(move || log.for_each(drop));
        let address = said.expect("it never said where it serves")["fields"]["address"].as_str().unwrap().to_owned();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build();
        Self { child, door: Door { base: format!("http://{address}"), agent: agent.into(), role: Some("officer") } }
    }

    /// Tells it to stop, and waits for its end.
    pub fn stop(&mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap()
    }

    /// `kill -9`, and waits for its end.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Door {
    /// The same door for somebody who did not sign in.
    pub fn anonymous(&self) -> Self {
        Self { role: None, ..self.clone() }
    }

    /// Sends JSON as somebody, to what has this version.
    pub fn json_as(&self, role: &str, path: &str, version: Option<i64>, body: &Json) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        request = request.header("Authorization", format!("Bearer {}", token(role)));
        request = request.header("Content-Crs", "EPSG:9218");
        let media = if path.starts_with("/ogc/") { "application/geo+json" } else { "application/json" };
        request = request.header("Content-Type", media);
        if let Some(version) = version {
            request = request.header("If-Match", format!("\"{version}\""));
        }
        let mut answer = request.send(body.to_string())?;
        Ok(Answer { status: answer.status().as_u16(), text: answer.body_mut().read_to_string()? })
    }

    /// Sends a file as somebody.
    pub fn file_as(&self, role: &str, path: &str, content: &str) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.base));
        let mut answer = request.header("Authorization", format!("Bearer {}", token(role))).send(content)?;
        Ok(Answer { status: answer.status().as_u16(), text: answer.body_mut().read_to_string()? })
    }

    /// Sends as the officer, in coordinates of the grid.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        min: Option<i64>,
        body: Option<&str>,
    ) -> Result<Answer, ureq::Error> {
        let media = if path.contains("/batch") { "application/x-ndjson" } else { "application/geo+json" };
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Content-Crs", "EPSG:9218")
            .header("Content-Type", media);
        if let Some(role) = self.role {
            request = request.header("Authorization", format!("Bearer {}", token(role)));
        }
        if let Some(revision) = min {
            request = request.header("Min-Revision", format!("{JURISDICTION}={revision}"));
        }
        let mut response = match body {
            Some(text) => self.agent.run(request.body(text).unwrap())?,
            None => self.agent.run(request.body(()).unwrap())?,
        };
        let text = response.body_mut().with_config().limit(512 * 1024 * 1024).read_to_string()?;
        Ok(Answer { status: response.status().as_u16(), text })
    }

    #[track_caller]
    pub fn send(&self, method: &str, path: &str, min: Option<i64>, body: Option<&str>) -> Answer {
        self.try_send(method, path, min, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// Creates a work so many metres east and north of the origin.
    pub fn write(&self, code: &str, east: f64, north: f64) -> Answer {
        self.send("POST", WORKS, None, Some(&work(code, &point(east, north), &json!({})).to_string()))
    }

    /// Creates one, which has to be done.
    #[track_caller]
    pub fn wrote(&self, code: &str, east: f64, north: f64) -> Json {
        let made = self.write(code, east, north);
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()
    }

    /// How many works stand within a metre of a place, and in which revision.
    #[track_caller]
    pub fn count(&self, min: Option<i64>, east: f64, north: f64) -> (u64, i64) {
        let path = format!("{CHECKS}?clearance_m=1&measures=false");
        let answer = self.send("POST", &path, min, Some(&point(east, north).to_string()));
        (count(&answer), answer.revision())
    }
}

/// The conflicts of the first subject of an answer.
#[track_caller]
pub fn count(answer: &Answer) -> u64 {
    answer.json()["results"][0]["conflict_count"].as_u64().unwrap_or_else(|| panic!("{}", answer.text))
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It has ended already where the scenario killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
