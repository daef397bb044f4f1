//! How long a refusal takes must not tell why: with a stop-watch nobody finds out which names there are.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::help::Api;
use crate::people::{PASSWORD, admin};

/// Names of each sort, and wrong passwords for each: one less than lock it.
const NAMES: usize = 4;
const TRIES: usize = 4;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Every refusal costs one Argon2id, some dozen times of all else that is done: whichever sort of name does without one takes a
/// small part of the time, and whichever takes two takes twice.
#[test]
fn an_unknown_name_is_refused_as_slowly_as_a_wrong_password() {
    let api = Api::with_people();
    let name = |sort: &str, n: usize| format!("{sort}{n}");
    for n in 0..NAMES {
        api.account(&name("known", n), "office", &["officer"]);
        let off = api.account(&name("off", n), "office", &["officer"]);
        let end = json!({"disabled": true});
        assert_eq!(api.json(&admin(), "PATCH", &format!("/api/accounts/{off}"), Some(&end)).status, 200);
    }
    // The last ones can be no names at all.
    let sorts = [("known", "a wrong password"), ("off", PASSWORD), ("unknown", PASSWORD), ("No Name! ", PASSWORD)];
    let mut times = sorts.map(|_| Vec::new());
    for round in 0..NAMES * TRIES {
        for turn in 0..sorts.len() {
            // Each sort comes as often first as last.
            let which = (round + turn) % sorts.len();
            let (sort, password) = sorts[which];
            let begun = Instant::now();
            let refused = api.try_sign_in(&name(sort, round % NAMES), password);
            times[which].push(begun.elapsed());
            assert_eq!(refused.status, 401, "{sort}: {}", refused.text);
            assert_eq!(refused.json()["detail"], "the name or the password is wrong", "{sort}");
        }
    }
    let medians = times.map(median);
    for ((sort, _), took) in sorts.iter().zip(medians) {
        let ratio = took.as_secs_f64() / medians[0].as_secs_f64();
        assert!((0.5..2.0).contains(&ratio), "{sort}: {ratio:.2} of a wrong password; {medians:?}");
    }
    eprintln!("refused after {medians:?}");
}
