//! Who asks too often is told when to come again; watchers, and others, get through.

use std::time::Instant;

use clearway::config::Settings;
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, WORKS, town};
use crate::support::{Response, token};

fn slow(settings: &mut Settings) {
    settings.rate_address_per_second = 1;
    settings.rate_address_burst = 12;
    settings.rate_token_per_second = 1;
    settings.rate_token_burst = 7;
}

/// Asks until it is refused; asserts that `burst` were let through, and what came back since `begun`, and gives the
/// refusal.
#[track_caller]
fn refused(begun: Instant, burst: u64, cost: u64, mut ask: impl FnMut() -> Response) -> Response {
    for let_through in 0.. {
        let answer = ask();
        if answer.status == 429 {
            let units = let_through * cost;
            let most = burst + begun.elapsed().as_secs() + 1;
            assert!(units + cost > burst && units <= most, "{let_through} of cost {cost} came through at once");
            return answer;
        }
        assert!(let_through < 200, "nothing is ever refused");
    }
    unreachable!()
}

#[test]
fn too_many_from_an_address_are_refused_with_the_time_to_wait() {
    let api = Api::with(slow);
    let begun = Instant::now();
    let answer = refused(begun, 12, 1, || api.send("", "GET", WORKS, &[("Origin", "https://map.example")], None));
    let problem = answer.json();
    assert_eq!(
        (&problem["type"], &problem["status"], &problem["detail"]),
        (
            &json!("/problems/too-many"),
            &json!(429),
            &json!("too many requests from this address; wait as long as Retry-After says")
        )
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "a page may read why");
    // What is not there counts too, and an invented token brings no rate of its own.
    refused(begun, 0, 1, || api.server.get("", "/nothing"));
    refused(begun, 0, 1, || api.server.get("invented", WORKS));
    for path in ["/health/live", "/health/ready"] {
        (0..20).for_each(|_| assert_eq!(api.server.get("", path).status, 200, "{path}"));
    }
    let metrics = api.server.get("", "/metrics").text;
    // A credential that is looked up costs the database something, at whichever door it comes.
    let invented = format!("Bearer cwa_{}", "A".repeat(43));
    let cookie = format!("clearway_session=cws_{}", "A".repeat(43));
    for path in ["/health/live", "/health/ready", "/metrics"] {
        for header in [("Authorization", &*invented), ("Cookie", &*cookie)] {
            refused(begun, 0, 1, || api.send("", "GET", path, &[header], None));
        }
    }
    let counted =
        |by: &str| metrics.lines().any(|l| l.starts_with(&format!("clearway_rate_limited_total{{by=\"{by}\"}} ")));
    assert!(counted("address"), "{metrics}");
    assert!(!metrics.contains(&token("officer")));
    // A page of another origin may still ask whether it may ask.
    let asking = [("Origin", "https://map.example"), ("Access-Control-Request-Method", "GET")];
    assert_eq!(api.send("", "OPTIONS", WORKS, &asking, None).status, 200);
}

#[test]
fn what_a_past_state_is_made_for_counts_as_a_search() {
    let burst = 100;
    let ask = |method: &'static str, path: &'static str, cost: u64| {
        let api = Api::with(|settings| {
            slow(settings);
            settings.rate_token_burst = 100;
        });
        let body = (method == "POST").then(town);
        refused(Instant::now(), burst, cost, || api.send("officer", method, path, &[], body.as_ref()));
    };
    ask("POST", "/api/conflict-checks", 5);
    ask("POST", "/api/conflict-checks?as-of=2026-01-01T00:00:00Z", 50);
    ask("POST", "/api/conflict-checks?as%2Dof=2026-01-01T00:00:00Z", 50);
    ask("GET", "/api/works/01920000-0000-7000-8000-000000000000/conflicts?as-of=2026-01-01T00:00:00Z", 50);
    ask("GET", "/api/site-checks/01920000-0000-7000-8000-000000000000/replay", 50);
    ask("GET", "/api/site-checks/01920000-0000-7000-8000-000000000000", 1);
    ask("GET", "/ogc/collections/works/items/01920000-0000-7000-8000-000000000000?as-of=2026-01-01T00:00:00Z", 1);
}

#[test]
fn each_token_has_a_rate_of_its_own() {
    let api = Api::with(slow);
    let begun = Instant::now();
    let answer = refused(begun, 7, 1, || api.server.get("officer", WORKS));
    assert_eq!(answer.json()["detail"], "too many requests with this token; wait as long as Retry-After says");
    refused(begun, 7, 1, || api.server.get("planner", WORKS));
    refused(begun, 12, 1, || api.server.get("", WORKS));
}

#[test]
fn checks_count_more_and_a_batch_once() {
    let api = Api::with(slow);
    let begun = Instant::now();
    let lines = format!("{}\n", town()).repeat(100);
    let ndjson = [("Content-Type", "application/x-ndjson")];
    let batch = api.server.send("POST", &format!("{CHECKS}/batch"), &ndjson, Some(lines.as_bytes()));
    let answers: Vec<Json> = batch.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((batch.status, answers.len()), (200, 100), "{}", batch.text);
    let answer = refused(begun, 7, 5, || api.server.post("", CHECKS, &town()));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=5).contains(&wait), "{wait}");
    let dear = refused(begun, 7, 5, || api.server.call("officer", "DELETE", &format!("{WORKS}/1"), None));
    assert!((1..=5).contains(&dear.header("retry-after").unwrap().parse::<u64>().unwrap()));
}

#[test]
fn clients_behind_a_proxy_are_told_apart_and_nobody_else_can_be_many() {
    let of = |address: &'static str| [("X-Forwarded-For", address)];
    let trusting = Api::with(|s| {
        slow(s);
        s.trusted_proxies = vec!["127.0.0.0/8".into()];
    });
    let begun = Instant::now();
    refused(begun, 12, 1, || trusting.send("", "GET", WORKS, &of("6.6.6.6, 203.0.113.1"), None));
    refused(begun, 0, 1, || trusting.send("", "GET", WORKS, &of("7.7.7.7, 203.0.113.1"), None));
    refused(begun, 12, 1, || trusting.send("", "GET", WORKS, &of("203.0.113.2"), None));
    refused(begun, 12, 1, || trusting.send("", "GET", WORKS, &of("2001:db8:1:2::1"), None));
    refused(begun, 0, 1, || trusting.send("", "GET", WORKS, &of("2001:db8:1:2::2"), None));
    let plain = Api::with(slow);
    refused(begun, 12, 1, || plain.send("", "GET", WORKS, &of("203.0.113.1"), None));
    refused(begun, 0, 1, || plain.send("", "GET", WORKS, &of("203.0.113.2"), None));
    refused(begun, 0, 1, || plain.send("", "GET", WORKS, &[("Forwarded", "for=203.0.113.3")], None));
}

#[test]
fn the_usual_rates_let_a_map_be_drawn() {
    let api = Api::with(|s| {
        let usual = Settings::default();
        (s.rate_address_per_second, s.rate_address_burst) = (usual.rate_address_per_second, usual.rate_address_burst);
    });
    for n in 0..500 {
        assert_eq!(api.server.get("", &format!("{WORKS}?limit=1")).status, 200, "page {n}");
    }
}
