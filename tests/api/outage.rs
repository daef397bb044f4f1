//! The database goes away and comes back; the server is told to stop in the middle of a request.

use std::thread;
use std::time::{Duration, Instant};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::help::{Api, CHECKS, WORKS, feature, mast, point, sql};
use crate::operation::until;
use crate::support::TestServer;

#[test]
fn checks_go_on_without_the_database_and_the_rest_comes_back_by_itself() {
    let api = Api::with(|s| {
        s.pool_wait_ms = 300;
        s.refresh_poll_ms = 100;
    });
    let id = api.work("W", point(0.0, 0.0));
    let item = format!("{WORKS}/{id}");
    let conflicts = format!("/api/works/{id}/conflicts");
    let document = feature(point(0.0, 0.0), mast());
    api.database.allow_connections(false);
    for (method, path) in [
        ("GET", WORKS),
        ("GET", item.as_str()),
        ("GET", conflicts.as_str()),
        ("GET", "/health/ready"),
        ("POST", WORKS),
        ("PUT", &item),
        ("PATCH", &item),
        ("DELETE", &item),
    ] {
        let begun = Instant::now();
        let answer = api.on_grid("officer", method, path, &document);
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")), "{method} {path}: {}", answer.text);
        let problem = answer.json();
        assert_eq!(
            (&problem["type"], &problem["title"]),
            (&json!("/problems/busy"), &json!("Not now; try again in a moment"))
        );
        assert_eq!(
            problem["detail"],
            "the database cannot be reached or all its connections are in use; try again in a moment"
        );
        assert!(begun.elapsed() < Duration::from_secs(3), "{method} {path} took {:?}", begun.elapsed());
    }
    for path in ["/health/live", "/ogc", "/ogc/collections/works", "/ogc/api", "/metrics"] {
        assert_eq!(api.server.get("", path).status, 200, "{path} needs no database");
    }
    let begun = Instant::now();
    let check = api.on_grid("", "POST", CHECKS, &point(0.0, 0.0));
    assert_eq!((check.status, &check.json()["results"][0]["conflict_count"]), (200, &json!(1)));
    assert!(begun.elapsed() < Duration::from_millis(300), "it does not even try: {:?}", begun.elapsed());
    // Nobody reaches it, so nobody reads what is refused either: bad documents are told apart from an outage.
    assert_eq!(api.on_grid("officer", "POST", WORKS, &json!({"type": "Feature"})).status, 422);

    api.database.allow_connections(true);
    let took = until("recovery", || api.server.get("", "/health/ready").status == 200);
    eprintln!("ready again {took:?} after the database came back");
    assert_eq!(api.server.get("", WORKS).json()["numberReturned"], 1, "nothing was half-done");
    assert_eq!(api.on_grid("officer", "PATCH", &item, &json!({"properties": {"name": "after"}})).status, 200);
    // What others wrote meanwhile is caught up with, though its notification was never heard.
    let other = TestServer::start(&api.database);
    let body = point(0.0, 0.0).to_string();
    let headers = [
        ("Content-Type", "application/geo+json"),
        ("Content-Crs", "EPSG:9218"),
        ("Authorization", "Bearer test-token-of-the-officer"),
    ];
    let made = other.send("POST", WORKS, &headers, Some(feature(point(0.0, 0.0), mast()).to_string().as_bytes()));
    assert_eq!(made.status, 201, "{}", made.text);
    until("the other's write", || {
        api.server.send("POST", CHECKS, &headers[..2], Some(body.as_bytes())).json()["results"][0]["conflict_count"]
            == json!(2)
    });
}

#[test]
fn a_server_does_not_start_without_its_database() {
    let database = crate::support::Database::vn72();
    database.allow_connections(false);
    let settings = clearway::config::Settings { pool_wait_ms: 300, ..database.settings() };
    let listener = clearway::server::bind(&settings).unwrap();
    let refused = clearway::server::Server::prepare(settings, listener, None).err().unwrap();
    assert!(matches!(refused, clearway::error::Error::Busy { .. }), "{refused}");
}

/// How many others wait for a row that somebody holds.
pub fn waiting(api: &Api) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    api.sql(sql).unwrap().parse().unwrap()
}

#[test]
fn a_running_request_is_finished_before_the_server_stops() {
    let api = Api::new();
    let id = api.work("W", point(0.0, 0.0));
    let item = format!("{WORKS}/{id}");
    let mut holder = api.database.connect();
    holder.batch_execute("BEGIN").unwrap();
    assert!(sql(&mut holder, &format!("SELECT id FROM works WHERE id = '{id}' FOR UPDATE")).is_some());
    let (api, item) = (&api, &item);
    let answer = thread::scope(|scope| {
        let running =
            scope.spawn(move || api.on_grid("officer", "PATCH", item, &json!({"properties": {"name": "slow"}})));
        until("the request waits for the row", || waiting(api) == 1);
        api.server.stop();
        // New connections are refused from here on; the one that waits is not cut.
        let address = api.server.base.strip_prefix("http://").unwrap().to_owned();
        until("the port is given up", || std::net::TcpStream::connect(&address).is_err());
        assert!(!running.is_finished());
        holder.batch_execute("COMMIT").unwrap();
        running.join().unwrap()
    });
    assert_eq!((answer.status, &answer.json()["properties"]["name"]), (200, &json!("slow")), "{}", answer.text);
    assert_eq!(api.sql("SELECT name FROM works"), Some("slow".into()));
}

#[test]
fn a_database_that_is_slow_is_given_up_in_time() {
    let api = Api::with(|s| s.statement_timeout_ms = 500);
    let id = api.work("W", point(0.0, 0.0));
    let mut holder = api.database.connect();
    holder.begin_test_transaction().unwrap();
    assert!(sql(&mut holder, &format!("SELECT id FROM works WHERE id = '{id}' FOR UPDATE")).is_some());
    let begun = Instant::now();
    let answer = api.on_grid("officer", "PATCH", &format!("{WORKS}/{id}"), &json!({"properties": {"name": "slow"}}));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")), "{}", answer.text);
    assert_eq!(answer.json()["detail"], "the database took too long; ask for less, or try again in a moment");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    drop(holder);
    assert_eq!(
        api.on_grid("officer", "PATCH", &format!("{WORKS}/{id}"), &json!({"properties": {"name": "now"}})).status,
        200
    );
}
