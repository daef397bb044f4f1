//! In which order a write by a session locks.

use std::thread;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use serde_json::json;

use crate::support::{Response, TestServer, run_sql, token};
use crate::world::{WORKS, World, feature, point, until};

const PASSWORD: &str = "một mật khẩu đủ dài 2026";

fn json_to(server: &TestServer, bearer: &str, method: &str, path: &str, body: &serde_json::Value) -> Response {
    let bearer = format!("Bearer {bearer}");
    let mut headers = vec![("Content-Type", if path == WORKS { "application/geo+json" } else { "application/json" })];
    if bearer != "Bearer " {
        headers.push(("Authorization", bearer.as_str()));
    }
    headers.extend((path == WORKS).then_some(("Content-Crs", "<http://www.opengis.net/def/crs/EPSG/0/9218>")));
    server.send(method, path, &headers, Some(body.to_string().as_bytes()))
}

#[test]
fn the_account_comes_before_its_sessions_as_whoever_changes_it_locks_them() {
    let world = World::new();
    run_sql(
        &world.database.url,
        "INSERT INTO organisations VALUES ('office', 'Office', 'office');
         INSERT INTO access_versions (revision, what, key, after) SELECT 0, what, key, digest FROM access_present",
    );
    let new = json!({"name": "lan", "organisation": "office", "roles": ["officer"], "password": PASSWORD});
    let made = json_to(&world.server, &token("administrator"), "POST", "/api/accounts", &new);
    assert_eq!(made.status, 201, "{}", made.text);
    let signed_in = json_to(&world.server, "", "POST", "/api/sessions", &json!({"name": "lan", "password": PASSWORD}));
    assert_eq!(signed_in.status, 201, "{}", signed_in.text);
    let access = signed_in.json()["access_token"].as_str().unwrap().to_owned();
    let mast = feature(point(0.0, 0.0), json!({"code": "L-1", "kind": "mast", "organisation": "viettel"}));

    let mut changing = PgConnection::establish(&world.database.url).unwrap();
    changing.batch_execute("BEGIN; SELECT FROM accounts WHERE name = 'lan' FOR UPDATE").unwrap();
    let answer = thread::scope(|scope| {
        let writing = scope.spawn(|| json_to(&world.server, &access, "POST", WORKS, &mast));
        until("the write waits", || {
            world.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            ) != "0"
        });
        // It holds nothing that this needs.
        let ended = changing.batch_execute(
            "SET LOCAL lock_timeout = '10s'; SET LOCAL deadlock_timeout = '60s';
             UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL; COMMIT",
        );
        drop(changing);
        let answer = writing.join().unwrap();
        ended.unwrap();
        answer
    });
    assert_eq!(answer.status, 401, "{}", answer.text);
}
