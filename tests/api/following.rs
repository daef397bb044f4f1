//! The index follows the database wherever that goes: forward, back to an older copy, and past a jurisdiction that
//! cannot be read. Readiness tells what it does not show, and nobody more than is his to know.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use clearway::actions::{health, refresh};
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, CORRIDORS, WORKS, feature, mast, merged, point, rect, town};
use crate::operation::until;
use crate::support::{Database, TestServer, run_sql};

/// The revision and the works that a context shows.
fn shown(context: &clearway::actions::Context) -> (i64, usize) {
    let loaded = health::loaded(context);
    (loaded[0].revision, loaded[0].features[0].1)
}

/// Takes the database back to a revision, as restoring an older copy would.
pub fn restore(database: &Database, revision: i64) {
    run_sql(
        &database.url,
        &format!(
            "SET session_replication_role = replica;
             DELETE FROM works WHERE revision > {revision}; DELETE FROM changes WHERE revision > {revision};
             DELETE FROM audit_events WHERE revision > {revision};
             UPDATE revisions SET revision = {revision}, recorded_at = (
                 SELECT e.recorded_at FROM audit_events AS e WHERE e.jurisdiction = 'VN-72' AND e.revision = {revision}
             ), previous_at = (
                 SELECT e.recorded_at FROM audit_events AS e WHERE e.jurisdiction = 'VN-72' AND e.revision = {revision} - 1
             ) WHERE jurisdiction = 'VN-72'"
        ),
    );
}

#[test]
fn an_older_copy_of_the_database_is_noticed() {
    // How many features are written after the restore: none, and then so many that the counter stands where it stood
    // before, and beyond.
    for written in [0, 1, 3, 4] {
        let api = Api::with(|s| s.refresh_poll_ms = 3_600_000);
        let context = api.database.context();
        for n in 0..3 {
            api.work(&format!("OLD-{n}"), point(0.0, 0.0));
        }
        refresh::catch_up_all(&context).unwrap();
        assert_eq!(shown(&context), (4, 3));
        restore(&api.database, 1);
        for n in 0..written {
            api.work(&format!("NEW-{n}"), point(0.0, 0.0));
        }
        refresh::catch_up_all(&context).unwrap();
        assert_eq!(shown(&context), (1 + written, usize::try_from(written).unwrap()), "{written} written");
        // The server is asked instead, which looks for itself.
        assert_eq!(api.server.get("", "/health/ready").json()["jurisdictions"][0]["features"]["works"], written);
        let check = api.on_grid("", "POST", CHECKS, &point(0.0, 0.0)).json();
        assert_eq!(check["results"][0]["conflict_count"], written, "{written} written");
    }
}

/// The counter stands where it stood, but somebody else led it there: what one writes next follows his state, not one's own.
#[test]
fn a_write_follows_no_state_that_is_no_more() {
    let api = Api::with(|s| s.refresh_poll_ms = 3_600_000);
    for n in 0..3 {
        api.work(&format!("OLD-{n}"), point(0.0, 0.0));
    }
    restore(&api.database, 3);
    let other = TestServer::start(&api.database);
    for (server, code) in [(&other, "OTHER"), (&api.server, "OWN")] {
        let place = json!({"type": "Point", "coordinates": crate::help::TOWN});
        let made = server.post("officer", WORKS, &feature(place, merged(json!({"code": code}), &mast())));
        assert_eq!(made.status, 201, "{}", made.text);
    }
    for (answer, expect) in [
        (api.server.post("", CHECKS, &town()), ["OTHER", "OWN"]),
        (api.on_grid("", "POST", CHECKS, &point(0.0, 0.0)), ["OLD-0", "OLD-1"]),
    ] {
        let answer = answer.json();
        assert_eq!(answer["revision"]["VN-72"], 5);
        assert_eq!(codes(&answer), BTreeSet::from(expect.map(str::to_owned)));
    }
}

/// The codes of what is in conflict.
fn codes(answer: &Json) -> BTreeSet<String> {
    let conflicts = answer["results"][0]["conflicts"].as_array().unwrap();
    conflicts.iter().map(|c| c["code"].as_str().unwrap().to_owned()).collect()
}

/// What was just written is at hand, so a writer sees it though nothing can be read, and it is what would have been read.
#[test]
fn ones_own_write_needs_no_reading() {
    let api = Api::with(|s| s.refresh_poll_ms = 3_600_000);
    run_sql(&api.database.url, "REVOKE SELECT ON changes FROM clearway_service");
    let work = api.work("W", point(0.0, 0.0));
    let road = api.road("R", rect(-50.0, -5.0, 50.0, 5.0));
    api.school("S", rect(20.0, 20.0, 40.0, 40.0));
    let near = |east: f64| {
        let check =
            api.on_grid("officer", "POST", &format!("{CHECKS}?against=corridors,works"), &point(east, 0.0)).json();
        (check["revision"]["VN-72"].as_i64().unwrap(), Vec::from_iter(codes(&check)).join(" "))
    };
    assert_eq!(near(0.0), (4, "R W".to_owned()));
    let moved = feature(point(1_000.0, 0.0), merged(json!({"code": "W2"}), &mast()));
    assert_eq!(api.on_grid("officer", "PUT", &format!("{WORKS}/{work}"), &moved).status, 200);
    assert_eq!(near(0.0), (5, "R".to_owned()));
    assert_eq!(near(1_000.0), (5, "W2".to_owned()));
    let gone = api.server.call("officer", "DELETE", &format!("{CORRIDORS}/{road}"), None);
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(near(0.0), (6, String::new()));
    let context = api.database.context();
    run_sql(&api.database.url, "GRANT SELECT ON changes TO clearway_service");
    refresh::catch_up_all(&context).unwrap();
    assert_eq!(shown(&context), (6, 1));
    let ready = api.server.get("officer", "/health/ready").json();
    for (layer, count) in &health::loaded(&context)[0].features {
        assert_eq!(ready["jurisdictions"][0]["features"][*layer], *count, "{layer}");
    }
}

/// How much of what changed is kept, and after which revision.
fn kept(api: &Api) -> [String; 2] {
    ["SELECT count(*) FROM changes", "SELECT changes_after FROM revisions"].map(|sql| api.sql(sql).unwrap())
}

#[test]
fn who_is_behind_what_is_kept_reads_everything_anew() {
    let api = Api::with(|s| s.refresh_poll_ms = 3_600_000);
    let context = api.database.context();
    for n in 0..3 {
        api.work(&format!("OLD-{n}"), point(0.0, 0.0));
    }
    let forget = |days: i32, newest: i64, most: i64| {
        let sql = format!("SELECT forget_changes('VN-72', {days}, {newest}, {most})");
        run_sql(&api.database.service_url, &sql);
        kept(&api)
    };
    assert_eq!(forget(-9, 0, 100), ["3", "0"], "what is not a day old is kept");
    run_sql(
        &api.database.url,
        "SET session_replication_role = replica;
         UPDATE audit_events SET recorded_at = recorded_at - interval '31 days' WHERE revision > 1",
    );
    assert_eq!(forget(32, 0, 100), ["3", "0"], "nothing is so old");
    assert_eq!(forget(30, 3, 100), ["3", "0"], "the newest are kept");
    assert_eq!(forget(30, 2, 100), ["2", "2"]);
    assert_eq!(forget(30, 0, 1), ["1", "3"], "so many at once");
    refresh::catch_up_all(&context).unwrap();
    assert_eq!(shown(&context), (4, 3), "nothing leads there from 1, so everything is read anew");
    assert_eq!(forget(30, 0, 100), ["0", "4"]);
    api.work("NEW", point(0.0, 0.0));
    refresh::catch_up_all(&context).unwrap();
    assert_eq!(shown(&context), (5, 4), "from 4 on everything is kept");
    assert_eq!(kept(&api), ["1", "4"]);
}

#[test]
fn a_server_forgets_what_is_old() {
    let api = Api::with(|s| s.changes_kept_days = 0);
    for n in 0..3 {
        api.work(&format!("OLD-{n}"), point(0.0, 0.0));
    }
    // As if there had been a thousand more since.
    run_sql(
        &api.database.url,
        "SET session_replication_role = replica; UPDATE revisions SET revision = 1003;
         UPDATE audit_events SET recorded_at = recorded_at - interval '31 days'",
    );
    let _other = TestServer::start(&api.database);
    until("it is forgotten", || kept(&api) == ["1", "3"]);
}

#[test]
fn one_jurisdiction_that_cannot_be_read_keeps_no_other_from_following() {
    let database = Database::vn72();
    // Two that stand before and after it in every order there is; degrees are no working grid.
    for code in ["VN-01", "VN-99"] {
        run_sql(
            &database.url,
            &format!(
                "INSERT INTO jurisdictions SELECT '{code}', name_vi, name_en, 4326, time_zone, related_crs, boundary
                 FROM jurisdictions WHERE code = 'VN-72'; INSERT INTO revisions VALUES ('{code}', 1)"
            ),
        );
    }
    let settings = clearway::config::Settings { refresh_poll_ms: 50, ..database.settings() };
    let (server, other) = (TestServer::with(settings.clone()), TestServer::with(settings));
    let place = json!({"type": "Point", "coordinates": crate::help::TOWN});
    let made = other.post("officer", WORKS, &feature(place.clone(), merged(json!({"jurisdiction": "VN-72"}), &mast())));
    assert_eq!(made.status, 201, "{}", made.text);
    until("the other's write", || server.post("", CHECKS, &place).json()["results"][0]["conflict_count"] == json!(1));
    let ready = server.get("", "/health/ready");
    assert_eq!((ready.status, ready.header("retry-after")), (503, Some("2")), "{}", ready.text);
    assert_eq!(ready.json()["detail"], "the index does not show the jurisdiction VN-01 as it is now");
    run_sql(&database.url, "DELETE FROM revisions WHERE jurisdiction <> 'VN-72'");
    until("ready again", || server.get("", "/health/ready").status == 200);
}

#[test]
fn a_jurisdiction_that_is_no_more_is_known_to_nobody() {
    let api = Api::with(|s| s.refresh_poll_ms = 50);
    let id = api.work("W", point(0.0, 0.0));
    let ask = || api.on_grid("", "POST", CHECKS, &point(0.0, 0.0)).json();
    let known = ask();
    assert_eq!(known["results"][0]["conflict_count"], 1);
    run_sql(
        &api.database.url,
        "SET session_replication_role = replica; DELETE FROM works; DELETE FROM revisions; DELETE FROM jurisdictions",
    );
    until("it is forgotten", || ask()["revision"] == json!({}));
    let answer = ask();
    assert_eq!((&answer["results"][0]["conflict_count"], &answer["checked"]), (&json!(0), &json!([])), "{answer}");
    assert_ne!(answer["results"][0]["coverage"], "full", "{answer}");
    let headers = [("Min-Revision", "VN-72=1"), ("Content-Type", "application/geo+json"), ("Content-Crs", "EPSG:9218")];
    let refused = api.send("", "POST", CHECKS, &headers, Some(&point(0.0, 0.0)));
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(api.server.get("officer", &format!("/api/works/{id}/conflicts")).status, 404);
    assert_eq!(api.server.get("officer", &format!("{WORKS}/{id}")).status, 404);
    let ready = api.server.get("", "/health/ready");
    assert_eq!((ready.status, &ready.json()["jurisdictions"]), (200, &json!([])), "{}", ready.text);
}

#[test]
fn counts_of_what_is_hidden_are_hidden_too() {
    let api = Api::new();
    for (n, visibility) in ["public", "carriers", "government", "restricted"].into_iter().enumerate() {
        let properties = merged(json!({"code": format!("V-{n}"), "visibility": visibility}), &mast());
        api.add(WORKS, point(0.0, 0.0), properties);
    }
    let counted = |role: &str| -> Json {
        api.server.get(role, "/health/ready").json()["jurisdictions"][0]["features"]["works"].clone()
    };
    for (role, expect) in [("", 1), ("other-carrier", 2), ("carrier", 4), ("inspector", 3), ("officer", 4)] {
        assert_eq!(counted(role), json!(expect), "{role}");
    }
    assert_eq!(api.send("", "GET", "/health/ready", &[("Authorization", "Bearer nobody")], None).status, 401);
}

#[test]
fn invented_methods_make_no_series() {
    let api = Api::new();
    let address = api.server.base.strip_prefix("http://").unwrap();
    for method in ["BREW", "X-1", "X-2", "PROPFIND"] {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{method} /health/live HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 405 "), "{method}: {answer}");
    }
    let metrics = api.server.get("", "/metrics").text;
    assert!(metrics.contains("method=\"other\",path=\"/health/live\",status=\"405\""), "{metrics}");
    assert!(!metrics.contains("BREW") && !metrics.contains("PROPFIND"), "{metrics}");
}
