//! How long it takes until an instance shows what another has committed. The target is held by the bench, on a quiet
//! machine; here, that it never takes a second.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::equal::{equal_everywhere, keep};
use crate::instance::{Instance, REFERENCES, until};
use crate::support::Database;
use crate::world::{HERE, rect, reference, seed};

const WRITES: u32 = 150;

/// A lost notification would show as the interval at which revisions are asked for, a minute.
const NEVER: Duration = Duration::from_secs(1);

/// A reference feature is in no check of conflicts, so what an instance shows of it is how many it holds.
#[test]
fn a_reference_feature_shows_elsewhere_soon() {
    let database = Database::vn72();
    seed(&database.url);
    let seldom = [("CLEARWAY_REFRESH_POLL_MS", "60000")];
    let (a, b) = (Instance::start(&database.url, &seldom), Instance::start(&database.url, &seldom));
    keep(&[&a, &b], &database.url);
    let held = |instance: &Instance| {
        instance.send("GET", "/health/ready", None, None).json()["jurisdictions"][0]["features"]["references"].as_u64()
    };
    let before = held(&a).unwrap();
    let document = |north: f64| reference("NEW", &rect([0.0, north, 90.0, north + 90.0]), &json!({})).to_string();
    let made = a.send("POST", REFERENCES, None, Some(&document(0.0)));
    assert_eq!((made.status, held(&a)), (201, Some(before + 1)), "{}", made.text);
    until("it is inserted", || held(&b) == Some(before + 1));
    let path = format!("{REFERENCES}/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(b.send("PUT", &path, None, Some(&document(500.0))).status, 200);
    until("it is updated", || {
        a.send("GET", "/health/ready", None, None).json() == b.send("GET", "/health/ready", None, None).json()
    });
    equal_everywhere(&[&a, &b], &database.url);
    assert_eq!(a.send("DELETE", &path, None, None).status, 204);
    until("it is deleted", || held(&b) == Some(before));
    equal_everywhere(&[&a, &b], &database.url);
}

#[test]
fn a_commit_shows_elsewhere_soon() {
    let database = Database::vn72();
    seed(&database.url);
    // Asking for revisions would hide that nobody hears of them.
    let seldom = [("CLEARWAY_REFRESH_POLL_MS", "60000")];
    let (a, b) = (Instance::start(&database.url, &seldom), Instance::start(&database.url, &seldom));
    keep(&[&a, &b], &database.url);
    let mut took: Vec<Duration> = Vec::new();
    let before = a.count(None, HERE[0], HERE[1]).1;
    for n in 1..=WRITES {
        let (writes, shows) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        writes.wrote(&format!("NEW-{n}"), HERE[0], HERE[1]);
        let committed = Instant::now();
        let expect = (u64::from(n), before + i64::from(n));
        assert_eq!(writes.count(None, HERE[0], HERE[1]), expect, "the writer shows its own write at once");
        while shows.count(None, HERE[0], HERE[1]) != expect {
            assert!(committed.elapsed() < 60 * NEVER, "write {n} never showed");
        }
        took.push(committed.elapsed());
    }
    took.sort_unstable();
    let of_hundred = |n: usize| took[(took.len() * n / 100).min(took.len() - 1)];
    println!(
        "{WRITES} writes showed elsewhere after {:?} (p50), {:?} (p99), {:?} at most",
        of_hundred(50),
        of_hundred(99),
        took[took.len() - 1]
    );
    assert!(took[took.len() - 1] < NEVER, "{:?}", took[took.len() - 1]);
    equal_everywhere(&[&a, &b], &database.url);
}
