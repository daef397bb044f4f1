//! `clearway document`, and a server that is killed while documents come in.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::program::{Folder, Running, command, count, rows};
use crate::support::Database;

const TOKEN: &str = "test-token-of-an-officer";
const TOKENS: &str =
    r#"[{token = "test-token-of-an-officer", name = "o", organisation = "office", roles = ["officer"]}]"#;

/// A server that keeps documents in a folder.
struct Serving {
    running: Running,
    address: String,
}

impl Serving {
    fn start(database: &Database, folder: &Path) -> Self {
        let mut serve = command(&["serve", "--listen", "127.0.0.1:0"]);
        serve
            .env("DATABASE_URL", &database.service_url)
            .env("CLEARWAY_DOCUMENTS", folder)
            .env("CLEARWAY_TOKENS", TOKENS);
        let running = Running::start(serve);
        let said = running.wait_for("\"serving\"");
        let line = said.lines().find(|l| l.contains("\"serving\"")).unwrap();
        let log: Json = serde_json::from_str(line).unwrap();
        let address = log["fields"]["address"].as_str().unwrap().to_owned();
        Self { running, address }
    }

    /// Posts a text; the answer, which must be that it is made.
    fn post(&self, path: &str, media_type: &str, body: &str) -> Json {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.post(format!("http://{}{path}", self.address)).header("Content-Type", media_type);
        let mut answer = request.header("Authorization", format!("Bearer {TOKEN}")).send(body).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status(), 201, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    fn work(&self) -> String {
        let work = json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": [107.6907, 12.0042]},
            "properties": {"kind": "mast", "organisation": "viettel"}});
        let made = self.post("/ogc/collections/works/items", "application/geo+json", &work.to_string());
        made["id"].as_str().unwrap().to_owned()
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn documents_are_looked_after_and_a_server_that_is_killed_leaves_none_behind() {
    let (database, folder) = (Database::vn72(), Folder::new());
    let place = folder.path("documents");
    let mut serving = Serving::start(&database, &place);
    let work = serving.work();
    let path = format!("/api/works/{work}/documents?kind=other&name=a.txt");
    serving.post(&path, "text/plain", "one");
    // Three that come in, beyond what is kept in memory, when it is killed.
    let begun: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut stream = TcpStream::connect(&serving.address).unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 4000000\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&vec![b'x'; 3_000_000]).unwrap();
            stream
        })
        .collect();
    serving.running.signal("KILL");
    serving.running.end();
    drop(begun);
    assert_eq!((files(&place).len(), count(&database, "documents")), (1, 1));

    let serving = Serving::start(&database, &place);
    serving.post(&path.replace("a.txt", "b.txt"), "text/plain", "two, of another length");
    let run = |arguments: &[&str]| {
        let mut program = command(arguments);
        program.env("DATABASE_URL", &database.service_url).env("CLEARWAY_DOCUMENTS", &place);
        let output = program.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let said = |text: &str| (Some(0), text.to_owned(), String::new());
    assert_eq!(run(&["document", "verify"]), said("2 files read, 0 of them gone or changed\n"));
    // What no document names goes when it is old enough, beside a server that runs.
    let orphan = place.join("sha256/ab").join("ab".repeat(32));
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, "orphan").unwrap();
    assert_eq!(run(&["document", "sweep"]), said("0 objects taken away, 0 bytes\n"));
    for file in files(&place) {
        let old = std::time::SystemTime::from(clearway::clock::now()) - std::time::Duration::from_hours(25);
        std::fs::File::options().write(true).open(file).unwrap().set_modified(old).unwrap();
    }
    assert_eq!(run(&["document", "sweep", "--older-than", "26"]), said("0 objects taken away, 0 bytes\n"));
    assert_eq!(run(&["document", "sweep"]), said("1 objects taken away, 6 bytes\n"));
    assert_eq!(run(&["document", "verify"]), said("2 files read, 0 of them gone or changed\n"));
    let lost = files(&place).remove(0);
    std::fs::write(&lost, "").unwrap();
    let (code, out, _) = run(&["document", "verify"]);
    assert_eq!((code, out.lines().last()), (Some(1), Some("2 files read, 1 of them gone or changed")), "{out}");
    let name = lost.file_name().unwrap().to_str().unwrap();
    assert!(out.starts_with(&format!("{name}: ")), "{out}");
    assert_eq!(rows(&database, "noun, kind, bytes", "documents ORDER BY bytes"), ["work other 3", "work other 22"]);
}
