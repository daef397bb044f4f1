//! `clearway serve`, `clearway migrate` and `--help`.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::{Folder, Running, clearway, clearway_with, command, fixture};
use crate::support::Database;

const NO_ADDRESS: &str = "clearway: DATABASE_URL is not set, and no demo runs in this folder; set it to the address of a \
                          PostgreSQL with PostGIS";
const UNREACHABLE: &str = "clearway: the database at DATABASE_URL cannot be reached: no such file or directory";

/// Every command that needs a database.
fn commands(folder: &Folder) -> Vec<Vec<String>> {
    let file = fixture("ok-semicolon.csv");
    let triangle = r#"{"type":"Polygon","coordinates":[[[108,12],[109,12],[109,13],[108,12]]]}"#;
    let boundary = folder.file("boundary.geojson", triangle);
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    vec![
        words("serve --listen 127.0.0.1:0"),
        words(&format!("import works {file} --jurisdiction VN-72")),
        words(&format!("check {file}")),
        words(&format!("jurisdiction add --code VN-99 --name x --grid EPSG:3406 --boundary {boundary}")),
    ]
}

#[test]
fn without_a_database_each_command_says_one_clear_sentence() {
    let (bare, folder) = (Database::bare(), Folder::new());
    for arguments in commands(&folder) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        clearway_with(&[], &arguments).fails(NO_ADDRESS);
        clearway_with(&[("DATABASE_URL", "host=/nowhere dbname=x")], &arguments).fails(UNREACHABLE);
        let ran = clearway(&bare, &arguments);
        assert_eq!(ran.code, 1, "{arguments:?}");
        assert!(
            ran.err.starts_with("clearway: the database lacks ")
                && ran.err.trim_end().ends_with("; run «clearway migrate» first")
                && ran.err.lines().count() == 1,
            "{arguments:?}: {}",
            ran.err
        );
    }
    clearway_with(&[], &["migrate"]).fails(NO_ADDRESS);
    for secret in ["postgres://u:hunter2@localhost:x/db", "host=/nowhere password=hunter2 hunter2", "hunter2"] {
        let ran = clearway_with(&[("DATABASE_URL", secret)], &["migrate"]);
        assert!(
            ran.code == 1 && !ran.err.contains("hunter2") && !ran.out.contains("hunter2"),
            "{}{}",
            ran.out,
            ran.err
        );
        assert!(ran.err.contains("the database at DATABASE_URL cannot be reached"), "{}", ran.err);
    }
    clearway_with(&[("DATABASE_URL", "host=/nowhere dbname=x")], &["migrate"]).fails(UNREACHABLE);
}

#[test]
fn migrate_then_serve_then_stop() {
    let db = Database::bare();
    let service = clearway(&db, &["migrate"]);
    assert!(service.code == 1 && service.err.contains("permission denied"), "{}{}", service.out, service.err);
    let owner = [("DATABASE_URL", db.service_url.as_str()), ("MIGRATION_DATABASE_URL", db.url.as_str())];
    let first = clearway_with(&owner, &["migrate"]);
    assert!(first.code == 0 && first.out.starts_with("Ran "), "{}{}", first.out, first.err);
    clearway(&db, &["migrate"]).gives(0, &["The schema is up to date."]);
    for signal in ["INT", "TERM"] {
        let mut serve = command(&["serve", "--listen", "127.0.0.1:0"]);
        // Longer than anybody here is patient: what is waited for in vain fails.
        serve.env("DATABASE_URL", &db.service_url).env("CLEARWAY_SHUTDOWN_TIMEOUT_S", "600");
        let mut running = Running::start(serve);
        let said = running.wait_for("\"serving\"");
        let log: serde_json::Value =
            serde_json::from_str(said.lines().find(|l| l.contains("\"serving\"")).unwrap()).unwrap();
        let address = log["fields"]["address"].as_str().unwrap().to_owned();
        let live = ureq::get(format!("http://{address}/health/live")).header("X-Forwarded-For", "203.0.113.1");
        let live = live.call().unwrap();
        assert_eq!(live.status(), 200);
        // The log line of a request has the id that its client was given.
        let id = live.headers()["x-request-id"].to_str().unwrap().to_owned();
        let said = running.wait_for(&format!("\"request_id\":\"{id}\""));
        let log: serde_json::Value =
            serde_json::from_str(said.lines().find(|l| l.contains(&id) && l.contains("microseconds")).unwrap())
                .unwrap();
        let fields = &log["fields"];
        assert_eq!(
            (&fields["method"], &fields["path"], &fields["status"]),
            (&"GET".into(), &"/health/live".into(), &200.into())
        );
        assert_eq!(log["span"]["http.client_ip"], "127.0.0.1", "whoever is no proxy of ours is not believed: {log}");
        // A listener never leaves by itself; the server does not wait for it.
        let mut listener = TcpStream::connect(&address).unwrap();
        write!(listener, "GET /api/changes HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        let mut head = [0; 12];
        listener.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        running.signal(signal);
        listener.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(running.end().code(), Some(0), "{}", running.said());
        assert!(running.said().contains("\"stopped\""), "{}", running.said());
    }
}

#[test]
fn a_port_in_use_and_a_wrong_setting_are_named() {
    let db = Database::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = clearway(&db, &["serve", "--listen", &address]);
    assert_eq!(ran.code, 1);
    let expect = format!("clearway: {address} is in use by another program; stop it, or choose another with --listen");
    assert_eq!(ran.err.lines().last(), Some(expect.as_str()));
    let wrong = [("DATABASE_URL", db.service_url.as_str()), ("CLEARWAY_CONNECTIONS_MAX", "many")];
    clearway_with(&wrong, &["migrate"]).fails("clearway: CLEARWAY_CONNECTIONS_MAX: is not integer");
    let folder = Folder::new();
    let file = folder.file("clearway.toml", "vertice_max = 1\n");
    let ran = clearway(&db, &["--config", &file, "migrate"]);
    assert!(ran.code == 1 && ran.err.contains(&format!("{file}: unknown field `vertice_max`")), "{}", ran.err);
}

#[test]
fn help_is_everywhere() {
    let table: &[(&[&str], &[&str])] = &[
        (&["--help"], &["demo", "serve", "migrate", "import", "check", "jurisdiction", "--config"]),
        (&["demo", "--help"], &["--data-dir", "--listen", "--reset"]),
        (&["serve", "--help"], &["--listen"]),
        (&["migrate", "--help"], &[]),
        (
            &["import", "--help"],
            &[
                "<LAYER>",
                "<FILE>...",
                "--jurisdiction",
                "--crs",
                "--axes",
                "--organisation",
                "--map",
                "--set",
                "--on-error",
                "--outside",
                "--dry-run",
                "--report",
            ],
        ),
        (&["check", "--help"], &["--against", "--clearance-m", "--crs", "--format"]),
        (&["organisation", "--help"], &["add", "list"]),
        (&["account", "--help"], &["add", "disable", "enable", "reset", "list"]),
        (&["account", "add", "--help"], &["--organisation", "--role", "--jurisdiction", "--password-stdin"]),
        (&["jurisdiction", "--help"], &["add"]),
        (
            &["jurisdiction", "add", "--help"],
            &["--code", "--name", "--name-en", "--grid", "--boundary", "--related-crs"],
        ),
    ];
    for (arguments, named) in table {
        let ran = clearway_with(&[], arguments);
        assert!(ran.code == 0 && ran.out.contains("Usage: clearway"), "{arguments:?}: {}{}", ran.out, ran.err);
        for name in *named {
            assert!(ran.out.contains(name), "{arguments:?} does not tell of {name}: {}", ran.out);
        }
    }
    let version = clearway_with(&[], &["--version"]);
    assert_eq!(version.out.trim_end(), format!("clearway {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_variable_that_is_no_setting_is_named_but_not_shown() {
    let db = Database::vn72();
    let with = |name: &str| {
        let list =
            command(&["coverage", "list"]).env("DATABASE_URL", &db.service_url).env(name, "hunter2").output().unwrap();
        assert_eq!(list.status.code(), Some(0));
        String::from_utf8(list.stderr).unwrap()
    };
    assert_eq!(
        with("CLEARWAY_VERTICE_MAX"),
        "clearway: CLEARWAY_VERTICE_MAX is no setting and does nothing; the settings stand in src/config.rs\n"
    );
    for known in ["CLEARWAY_LOG", "CLEARWAY_DATA_DIR", "CLEARWAY_LISTEN", "CLEARWAY_BENCH_QUICK", "CLEARWAY_TEST_SEED"]
    {
        assert_eq!(with(known), "", "{known}");
    }
}
