//! `clearway demo`: from an empty folder to a server with data, again in seconds, and nothing left when it ends.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value as Json, json};

use crate::program::{Ran, Running, clearway_with, command, fixture, free_port};

const READY: &str = "Ctrl-C ends it";

/// A folder that every user can reach, as a server that root starts must.
fn folder() -> tempfile::TempDir {
    let everybody = fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("clearway-demo-").permissions(everybody).tempdir().unwrap()
}

fn demo(folder: &Path, port: u16, more: &[&str]) -> Command {
    let listen = format!("127.0.0.1:{port}");
    let mut all = vec!["demo", "--data-dir", folder.to_str().unwrap(), "--listen", &listen];
    all.extend(more);
    let mut command = command(&all);
    // A group of its own, as a shell gives to what it starts: Ctrl-C goes to the whole group.
    command.process_group(0);
    command
}

/// A demo that must not even start.
fn refused(folder: &Path, port: u16, more: &[&str]) -> Ran {
    let output = demo(folder, port, more).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Processes whose command line or folder names this folder: servers, their supervisors and whatever they started.
fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|p| fs::read_to_string(p.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(name)).map(|line| line.replace('\0', " ")).collect()
}

fn get(base: &str, path: &str, authorization: Option<&str>) -> Json {
    let request = ureq::get(format!("{base}{path}"));
    let request = authorization.into_iter().fold(request, |r, value| r.header("Authorization", value));
    request.call().unwrap().body_mut().read_json().unwrap()
}

/// Does what a printed example says: by the shell where there is curl, else with its own address, headers and body.
fn run_example(example: &str) -> Json {
    if let Ok(output) = Command::new("sh").args(["-c", example]).output()
        && output.status.success()
    {
        return serde_json::from_slice(&output.stdout).unwrap();
    }
    let quoted: Vec<&str> = example.split('\'').skip(1).step_by(2).collect();
    let url = quoted.iter().find(|q| q.starts_with("http://")).unwrap();
    let body = quoted.iter().find(|q| q.starts_with('{'));
    let mut request = ureq::http::Request::builder().method(if body.is_some() { "POST" } else { "GET" }).uri(*url);
    for (name, value) in quoted.iter().filter(|q| !q.starts_with(['h', '{'])).filter_map(|q| q.split_once(": ")) {
        request = request.header(name, value);
    }
    let mut response = match body {
        Some(body) => ureq::run(request.body(*body).unwrap()).unwrap(),
        None => ureq::run(request.body(()).unwrap()).unwrap(),
    };
    response.body_mut().read_json().unwrap()
}

/// The commands printed to try, each as one line.
fn examples(said: &str) -> Vec<String> {
    let joined = said.replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|l| l.starts_with("curl ")).map(str::to_owned).collect()
}

/// The token of whoever the line begins with.
fn token(said: &str, whose: &str) -> String {
    let line = said.lines().find(|l| l.trim_start().starts_with(whose)).unwrap();
    line.split_whitespace().last().unwrap().to_owned()
}

#[test]
fn from_an_empty_folder_to_answers_and_back_to_nothing() {
    let (folder, port) = (folder(), free_port());
    let clock = Instant::now();
    let mut running = Running::start(demo(folder.path(), port, &[]));
    let said = running.wait_for(READY);
    println!("demo: first start {:.1} s", clock.elapsed().as_secs_f64());
    let base = format!("http://127.0.0.1:{port}");
    for what in [
        &format!("Clearway serves on {base}"),
        "VN-72: 1197 works, 8 corridors, 182 references",
        &format!("{base}/ogc/api"),
    ] {
        assert!(said.contains(what), "{what}: {said}");
    }
    let officer = format!("Bearer {}", token(&said, "officer"));
    let counts = |ready: &Json| ready["jurisdictions"][0]["features"].clone();
    assert_eq!(
        counts(&get(&base, "/health/ready", Some(&officer))),
        json!({"works": 1197, "corridors": 8, "references": 182})
    );
    let public = counts(&get(&base, "/health/ready", None));
    assert!(public["works"].as_u64() < Some(1197), "what is not public is not counted either: {public}");

    let examples = examples(&said);
    assert_eq!(examples.len(), 4, "{said}");
    let checked = run_example(&examples[0]);
    assert!(checked["results"][0]["conflict_count"].as_u64().unwrap() > 0, "{checked}");
    assert_eq!(checked["results"][0]["coverage"], "full", "the invented data are all there is in their province");
    let place = &run_example(&examples[1])["results"][0];
    let verdicts: Vec<&str> =
        place["findings"].as_array().unwrap().iter().map(|f| f["verdict"].as_str().unwrap()).collect();
    let passed = verdicts.iter().filter(|verdict| **verdict == "pass").count();
    assert_eq!((&place["verdict"], passed, verdicts.len()), (&json!("pass"), 11, 12), "{place}");
    let zone = &place["findings"][1]["evidence"][0]["code"];
    assert!(zone.as_str().is_some_and(|code| code.starts_with("DNO-QH/1/DNO-KV-")), "{place}");
    // Some hundred metres on there is no zone.
    let outside = run_example(&examples[1].replace("[107.88,12.619]", "[107.88,12.66]"))["results"][0].take();
    let zon = outside["findings"].as_array().unwrap().iter().find(|f| f["code"] == "ZON").unwrap();
    assert_eq!((&zon["verdict"], &zon["key"]), (&json!("warn"), &json!("zon-outside")), "{zon}");
    let zones = run_example(&examples[2]);
    let shown = zones["features"].as_array().unwrap();
    assert_eq!(shown.len(), 3, "{zones}");
    assert!(shown.iter().all(|zone| zone["properties"]["plan_code"] == "DNO-QH"), "{zones}");
    let layers = get(&base, "/api/reference-layers", Some(&officer))["layers"].clone();
    assert_eq!(layers.as_array().unwrap().len(), 16, "{layers}");
    for layer in layers.as_array().unwrap() {
        // A zone comes from the decision about its plan.
        if layer["kind"] == "zone" {
            assert_eq!(layer["sources"], json!(["hư cấu 3/QĐ-UBND"]));
            continue;
        }
        assert_eq!(
            (&layer["sources"], &layer["licences"], &layer["source_date_oldest"]),
            (&json!(["invented: Clearway demonstration data"]), &json!(["Apache-2.0"]), &json!("2026-11-01"))
        );
    }
    let listed = run_example(&examples[3]);
    assert_eq!(listed["features"].as_array().unwrap().len(), 3, "{listed}");

    for account in ["administrator", "officer of office", "planner of office", "carrier of viettel"] {
        assert_eq!(token(&said, account).len(), 64, "{account}");
    }
    let (name, password) = ("project_owner", token(&said, "project_owner"));
    let signed_in = |password: &str| {
        let wish = json!({"name": name, "password": password}).to_string();
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.post(format!("{base}/api/sessions")).header("Content-Type", "application/json");
        request.send(wish).unwrap().status().as_u16()
    };
    assert_eq!((signed_in(&password), signed_in("wrong")), (201, 401), "every role has an account");
    for private in ["tokens.toml", "database-url"] {
        let mode = fs::metadata(folder.path().join(private)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{private} is nobody else's");
    }
    commands_find_it(folder.path());
    in_its_way(folder.path(), port);

    // Ctrl-C: the terminal tells the whole group.
    let group = format!("-{}", running.child.id());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().unwrap().success());
    let status = running.end();
    assert_eq!(status.code(), Some(0), "{}", running.said());
    assert_eq!(processes_of(folder.path()), [""; 0]);
    assert!(!folder.path().join("database-url").exists());

    again(folder.path(), &said);
}

/// Commands beside a running demo need no address.
fn commands_find_it(folder: &Path) {
    let file = fixture("ok-semicolon.csv");
    let here = [("CLEARWAY_DATA_DIR", folder.to_str().unwrap())];
    clearway_with(&here, &["import", "works", &file, "--jurisdiction", "VN-72", "--dry-run"])
        .counts("2 read: 2 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected");
    // The address in the environment wins.
    let elsewhere = [here[0], ("DATABASE_URL", "host=/nowhere dbname=x")];
    let ran = clearway_with(&elsewhere, &["migrate"]);
    assert!(ran.code == 1 && ran.err.contains("cannot be reached"), "{}", ran.err);
    clearway_with(&here, &["migrate"]).gives(0, &["The schema is up to date."]);
}

/// A second one on the same port, or in the same folder, has to wait; `--reset` spares what runs.
fn in_its_way(folder: &Path, port: u16) {
    let other = self::folder();
    refused(other.path(), port, &[]).fails(&format!(
        "clearway: 127.0.0.1:{port} is in use by another program; stop it, or choose another with --listen"
    ));
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0, "no PostgreSQL was even made");
    for more in [&[][..], &["--reset"]] {
        let ran = refused(folder, free_port(), more);
        assert_eq!(ran.code, 1);
        assert!(ran.err.starts_with("clearway: a cluster is already running from ") && ran.err.lines().count() == 1);
    }
    let ready = get(&format!("http://127.0.0.1:{port}"), "/health/ready", None);
    assert_eq!(ready["status"], "ready");
}

/// The second start reuses data and tokens; `--reset` begins again.
fn again(folder: &Path, first: &str) {
    let port = free_port();
    let clock = Instant::now();
    let mut running = Running::start(demo(folder, port, &[]));
    let said = running.wait_for(READY);
    let seconds = clock.elapsed().as_secs_f64();
    println!("demo: second start {seconds:.2} s");
    assert!(seconds < 5.0, "{seconds} s");
    assert!(said.contains("VN-72: 1197 works, 8 corridors, 182 references") && !said.contains("Loading"), "{said}");
    for who in ["officer", "project_owner"] {
        assert_eq!(token(&said, who), token(first, who), "{who}");
    }
    let file = fixture("ok-semicolon.csv");
    let here = [("CLEARWAY_DATA_DIR", folder.to_str().unwrap())];
    assert_eq!(clearway_with(&here, &["import", "works", &file, "--jurisdiction", "VN-72"]).code, 0);
    running.signal("TERM");
    assert_eq!(running.end().code(), Some(0), "{}", running.said());
    assert_eq!(processes_of(folder), [""; 0]);

    let mut running = Running::start(demo(folder, port, &[]));
    assert!(running.wait_for(READY).contains("VN-72: 1199 works, 8 corridors, 182 references"));
    running.signal("INT");
    assert_eq!(running.end().code(), Some(0));

    fs::write(folder.join("mine.txt"), "kept").unwrap();
    let mut running = Running::start(demo(folder, port, &["--reset"]));
    let said = running.wait_for(READY);
    assert!(said.contains("VN-72: 1197 works, 8 corridors, 182 references"), "{said}");
    assert_ne!(token(&said, "officer"), token(first, "officer"));
    assert_eq!(fs::read_to_string(folder.join("mine.txt")).unwrap(), "kept");
    running.signal("INT");
    assert_eq!(running.end().code(), Some(0));
    assert_eq!(processes_of(folder), [""; 0]);
}

#[test]
fn a_broken_folder_is_one_clear_sentence() {
    let folder = folder();
    fs::create_dir(folder.path().join("postgres")).unwrap();
    fs::write(folder.path().join("postgres/stray"), "").unwrap();
    let broken = folder.path().canonicalize().unwrap().join("postgres");
    refused(folder.path(), free_port(), &[]).fails(&format!(
        "clearway: the data folder {} is broken (it is not empty and has no PG_VERSION): move it away or delete it, a new \
         start makes a new one",
        broken.display()
    ));
    assert_eq!(processes_of(folder.path()), [""; 0]);

    let file = self::folder();
    let path = file.path().join("file");
    fs::write(&path, "").unwrap();
    refused(&path, free_port(), &[])
        .fails(&format!("clearway: {} is a file; the data need a folder of their own: name another", path.display()));
}

#[test]
fn an_address_that_cannot_be_served_on_is_one_clear_sentence() {
    let folder = folder();
    let listen = ["demo", "--data-dir", folder.path().to_str().unwrap(), "--listen", "nowhere"];
    let ran = clearway_with(&[], &listen);
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("clearway: parameter «listen»: «nowhere» cannot be served on"), "{}", ran.err);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let ran = refused(folder.path(), taken.local_addr().unwrap().port(), &["--reset"]);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_data_folder_that_is_a_file_is_told_so() {
    let folder = folder();
    let file = folder.path().join("data");
    fs::write(&file, "").unwrap();
    let ran = refused(&file, free_port(), &[]);
    assert_eq!(
        (ran.code, ran.err.trim_end()),
        (1, &*format!("clearway: {} is a file; the data need a folder of their own: name another", file.display()))
    );
}
