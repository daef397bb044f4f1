//! What is not to be read: accounts of others in lists, and secrets, by whoever reads the database itself.

use clearway::http::routes::{Access, Method, ROUTES};
use serde_json::json;

use crate::help::Api;
use crate::people::{PASSWORD, admin};

/// A list of accounts tells an administrator of one jurisdiction of no others, not even by where its next page begins.
#[test]
fn pages_of_accounts_name_none_that_are_not_the_asker_s() {
    let api = Api::with_people();
    let local = |name: &str, role: &str| {
        let new = json!({"name": name, "organisation": "office", "roles": [role], "jurisdictions": ["VN-72"], "password": PASSWORD});
        let made = api.json(&admin(), "POST", "/api/accounts", Some(&new));
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let mut mine = vec![local("local", "administrator")];
    for n in 0..3 {
        api.account(&format!("hidden-{n}"), "office", &["officer"]);
        api.account(&format!("hidden-too-{n}"), "office", &["officer"]);
        mine.push(local(&format!("mine-{n}"), "officer"));
    }
    api.account("hidden-last", "office", &["officer"]);
    let (bearer, _) = api.sign_in("local");
    for limit in 1..=5 {
        let (mut seen, mut path) = (Vec::new(), format!("/api/accounts?limit={limit}"));
        loop {
            let page = api.json(&bearer, "GET", &path, None).json();
            let ids: Vec<String> =
                page["accounts"].as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect();
            assert!(ids.len() <= limit && !ids.is_empty(), "{page}");
            seen.extend(ids);
            let Some(next) = page["next"].as_str() else { break };
            assert!(next.ends_with(seen.last().unwrap()), "{next} names an account that was not shown");
            path = next.strip_prefix(&api.server.base).unwrap().to_owned();
        }
        assert_eq!(seen, mine, "by {limit}");
    }
}

/// Nothing in the database is worth anything to whoever reads it all: a credential is hashed first and looked up by its
/// digest, so that nothing secret is compared letter by letter, and no time tells how much of it was right.
#[test]
fn what_is_stored_opens_no_door() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let (access, refresh) = api.sign_in("nga");
    let (cookie, csrf) = api.cookie("nga");
    let cookie = cookie.split_once('=').unwrap().1.to_owned();
    let made = api.json(&access, "POST", "/api/tokens", Some(&json!({"name": "machine"}))).json();
    let machine = made["token"].as_str().unwrap().to_owned();
    let generated = json!({"name": "an", "organisation": "office", "roles": ["officer"]});
    let generated = api.json(&admin(), "POST", "/api/accounts", Some(&generated)).json();
    let generated = generated["password"].as_str().unwrap().to_owned();
    api.try_sign_in("typed-a-secret-name", "typed-a-secret-password");
    for (secret, table) in [
        (&access, "session_credentials"),
        (&refresh, "session_credentials"),
        (&cookie, "session_credentials"),
        (&machine, "api_tokens"),
    ] {
        let by_digest = format!("SELECT count(*) FROM {table} WHERE digest = sha256('{secret}')");
        assert_eq!(api.sql(&by_digest), Some("1".into()), "found by the digest alone");
    }
    // Every row of every table, as text.
    let everything =
        "SELECT string_agg(query_to_xml('SELECT * FROM ' || quote_ident(table_name), true, false, '')::text, '')
        FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
        AND table_name NOT IN ('spatial_ref_sys')";
    let everything = api.sql(everything).unwrap();
    assert!(everything.contains(&id) && everything.contains("argon2id"), "all of it is there");
    for secret in [&access, &refresh, &cookie, &machine, &csrf, &generated] {
        let bare = secret.split_once('_').filter(|_| secret.starts_with("cw")).map_or(secret.as_str(), |(_, s)| s);
        assert!(!everything.contains(bare), "{secret}");
    }
    for secret in [PASSWORD, "typed-a-secret-name", "typed-a-secret-password"] {
        assert!(!everything.contains(secret), "{secret}");
    }
    // Nor does any answer tell one again.
    for route in ROUTES.iter().filter(|r| r.method == Method::Get && r.path != "/api/changes") {
        let path = route.path.replace("{id}", &id);
        for bearer in [admin(), access.clone()] {
            let bearer = if route.access == Access::Everyone { String::new() } else { bearer };
            let text = api.json(&bearer, "GET", &path, None).text;
            for secret in [&access, &refresh, &cookie, &machine, &csrf, &generated] {
                assert!(!text.contains(secret.as_str()), "{path}");
            }
            assert!(!text.contains("argon2"), "{path}: {text}");
        }
    }
}
