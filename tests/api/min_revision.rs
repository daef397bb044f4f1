//! `Min-Revision`: an answer of at least that state, however it comes to be there, or 503 after the wait.

use std::thread;
use std::time::{Duration, Instant};

use clearway::config::Settings;
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, WORKS, point};
use crate::operation::until;
use crate::support::{Response, TestServer, run_sql};

const GEOJSON: &str = "application/geo+json";
const REVISION: &str = "SELECT revision FROM revisions";

/// A server that hears of commits and never asks for them, and waits as long as no test lasts unless it says otherwise.
fn hearing(change: impl FnOnce(&mut Settings)) -> Api {
    Api::with(|s| {
        s.refresh_poll_ms = 3_600_000;
        s.min_revision_wait_ms = 60_000;
        change(s);
    })
}

fn revision(api: &Api) -> i64 {
    api.sql(REVISION).unwrap().parse().unwrap()
}

/// Asks what stands at the origin; from `revision` on.
fn ask(api: &Api, revision: &str) -> Response {
    let headers = [("Min-Revision", revision), ("Content-Type", GEOJSON), ("Content-Crs", "EPSG:9218")];
    api.send("", "POST", CHECKS, &headers, Some(&point(0.0, 0.0)))
}

fn found(answer: &Response) -> (u16, Json) {
    (answer.status, answer.json()["results"][0]["conflict_count"].clone())
}

#[test]
fn it_is_met_or_refused() {
    let api = Api::with(|s| s.min_revision_wait_ms = 50);
    let id = api.work("W", point(0.0, 0.0));
    let revision = revision(&api);
    let check = |value: &str| {
        let posted = ask(&api, value);
        let path = format!("/api/works/{id}/conflicts");
        let got = api.send("", "GET", &path, &[("Min-Revision", value)], None);
        let batch = [("Min-Revision", value), ("Content-Type", "application/x-ndjson")];
        let batch = api.send("", "POST", &format!("{CHECKS}/batch"), &batch, Some(&point(0.0, 0.0)));
        for other in [&got, &batch] {
            assert_eq!((posted.status, posted.header("retry-after")), (other.status, other.header("retry-after")));
            assert!(posted.status == 200 || posted.json()["detail"] == other.json()["detail"], "{value}");
        }
        posted
    };
    for value in [format!("VN-72={revision}"), "VN-72=0".into(), format!(" VN-72 = {revision} , VN-72=1")] {
        assert_eq!(check(&value).status, 200, "{value}");
    }
    let early = check(&format!("VN-72={}", revision + 1));
    assert_eq!((early.status, early.header("retry-after")), (503, Some("2")));
    assert_eq!(early.json()["detail"], format!("VN-72 has not reached revision {} here yet", revision + 1));
    for (value, detail) in [
        ("", "write it as VN-72=118"),
        ("VN-72", "write it as VN-72=118"),
        ("VN-72=x", "write it as VN-72=118"),
        ("118", "write it as VN-72=118"),
        ("VN-72=1,", "write it as VN-72=118"),
        ("VN-99=1", "«VN-99» is not registered"),
    ] {
        let refused = check(value);
        assert_eq!(
            (refused.status, &refused.json()["detail"]),
            (400, &json!(format!("parameter «Min-Revision»: {detail}"))),
            "{value}"
        );
    }
}

/// The commit stands, and the index cannot follow it: that is no failure of the write, and whoever made it hears nothing older.
#[test]
fn a_writer_is_told_nothing_older_than_his_write() {
    let api = hearing(|s| s.min_revision_wait_ms = 50);
    let officer = |body: &Json| api.on_grid("officer", "POST", CHECKS, body);
    let other = TestServer::start(&api.database);
    run_sql(&api.database.url, "REVOKE SELECT ON changes FROM clearway_service");
    // Somebody else's write comes first, which would have to be read.
    let theirs = crate::help::feature(crate::help::town(), crate::help::mast());
    assert_eq!(other.post("officer", WORKS, &theirs).status, 201);
    let id = api.work("W", point(0.0, 0.0));
    let now = revision(&api);
    let refused = officer(&point(0.0, 0.0));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")), "{}", refused.text);
    assert_eq!(refused.json()["detail"], format!("VN-72 has not reached revision {now} here yet"));
    let stored = format!("/api/works/{id}/conflicts");
    assert_eq!(api.send("officer", "GET", &stored, &[], None).status, 503);
    // Others are answered from memory, as ever.
    assert_eq!(found(&ask(&api, "VN-72=1")), (200, json!(0)));

    run_sql(&api.database.url, "GRANT SELECT ON changes TO clearway_service");
    assert_eq!(found(&officer(&point(0.0, 0.0))), (200, json!(1)));
    assert_eq!(found(&ask(&api, "VN-72=1")), (200, json!(1)));
}

#[test]
fn what_never_comes_is_refused_after_the_wait_and_not_before() {
    let api = hearing(|s| s.min_revision_wait_ms = 700);
    let next = format!("VN-72={}", revision(&api) + 1);
    let begun = Instant::now();
    assert_eq!(ask(&api, &next).status, 503);
    assert!(begun.elapsed() >= Duration::from_millis(700), "{:?}", begun.elapsed());
}

/// The request is sent before the write, and the write goes through a server of its own: whether the request waits by
/// then or is about to look, it is answered.
#[test]
fn a_revision_that_comes_during_the_wait_is_answered() {
    for method in ["POST", "GET"] {
        let api = hearing(|_| {});
        let id = api.work("W", point(0.0, 0.0));
        let other = TestServer::start(&api.database);
        let next = revision(&api) + 1;
        let (api, next) = (&api, &format!("VN-72={next}"));
        let path = format!("/api/works/{id}/conflicts?against=corridors");
        thread::scope(|scope| {
            let waiting = scope.spawn(move || match method {
                "POST" => ask(api, next),
                _ => api.send("", "GET", &path, &[("Min-Revision", next)], None),
            });
            let body = crate::help::feature(crate::help::town(), crate::help::mast());
            let made = other.post("officer", WORKS, &body);
            assert_eq!(made.status, 201, "{}", made.text);
            let answer = waiting.join().unwrap();
            assert_eq!(answer.status, 200, "{method}: {}", answer.text);
            assert_eq!(answer.json()["revision"]["VN-72"], revision(api), "{method}");
        });
    }
}

#[test]
fn a_commit_by_sql_is_answered_too() {
    let api = hearing(|_| {});
    api.work("W", point(0.0, 0.0));
    let next = revision(&api) + 1;
    let by_sql = format!(
        "BEGIN; UPDATE revisions SET revision = {next}, previous_at = recorded_at, recorded_at = clock_timestamp();
         INSERT INTO works SELECT (jsonb_populate_record(w, jsonb_build_object(
             'id', gen_random_uuid(), 'code', 'BY-SQL', 'revision', {next}))).* FROM works AS w;
         INSERT INTO audit_events SELECT (jsonb_populate_record(e, jsonb_build_object(
             'revision', {next}, 'recorded_at', (SELECT recorded_at FROM revisions)))).* FROM audit_events AS e WHERE revision = {next} - 1;
         INSERT INTO changes SELECT jurisdiction, {next}, 1, 'works', 'insert', id FROM works WHERE code = 'BY-SQL';
         SELECT pg_notify('clearway_revisions', 'VN-72 {next}'); COMMIT"
    );
    run_sql(&api.database.url, &by_sql);
    assert_eq!(found(&ask(&api, &format!("VN-72={next}"))), (200, json!(2)));
}

#[test]
fn a_wait_outlives_an_outage() {
    let api = hearing(|s| {
        s.pool_wait_ms = 100;
        s.refresh_poll_ms = 100;
    });
    let next = format!("VN-72={}", revision(&api) + 1);
    api.database.allow_connections(false);
    let (api, next) = (&api, &next);
    let answer = thread::scope(|scope| {
        let waiting = scope.spawn(move || ask(api, next));
        api.database.allow_connections(true);
        let other = TestServer::start(&api.database);
        let body = crate::help::feature(crate::help::town(), crate::help::mast());
        assert_eq!(other.post("officer", WORKS, &body).status, 201);
        waiting.join().unwrap()
    });
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[test]
fn so_many_wait_and_no_more() {
    let api = hearing(|s| s.min_revision_waits_max = 2);
    let next = revision(&api) + 1;
    let value = &format!("VN-72={next}");
    let api = &api;
    thread::scope(|scope| {
        let asked: Vec<_> = (0..6).map(|_| scope.spawn(move || ask(api, value))).collect();
        // Two of the six wait for as long as it takes, whichever they are.
        until("four are refused", || asked.iter().filter(|a| a.is_finished()).count() == 4);
        api.work("W", point(0.0, 0.0));
        let answers: Vec<Response> = asked.into_iter().map(|a| a.join().unwrap()).collect();
        let refused = answers.iter().filter(|a| a.status == 503);
        let told = "2 requests wait for a revision here already, and no more may";
        assert_eq!(refused.map(|a| assert_eq!(a.json()["detail"], told)).count(), 4);
        assert_eq!(answers.iter().filter(|a| found(a) == (200, json!(1))).count(), 2);
    });
    // Their places are free again.
    assert_eq!(found(&ask(api, value)), (200, json!(1)));
}
