//! What the tests of access share: accounts with a password, sessions, and the events of their chain.

use clearway::config::Settings;
use serde_json::{Value as Json, json};

use crate::help::Api;
use crate::support::Response;

pub const PASSWORD: &str = "a password of the tests";

impl Api {
    /// With VN-72 and two organisations.
    pub fn with_people() -> Self {
        Self::with_people_and(|_| {})
    }

    /// The same, and settings changed by `change`.
    pub fn with_people_and(change: impl FnOnce(&mut Settings)) -> Self {
        let api = Self::with(change);
        // As if they had been there before digests were taken.
        let office =
            "INSERT INTO organisations VALUES ('office', 'Office', 'office'), ('viettel', 'Viettel', 'carrier');
             INSERT INTO access_versions (revision, what, key, after) SELECT 0, what, key, digest FROM access_present";
        crate::support::run_sql(&api.database.url, office);
        api
    }

    /// Sends JSON with a bearer token; `""` for none.
    pub fn json(&self, bearer: &str, method: &str, path: &str, body: Option<&Json>) -> Response {
        json_to(&self.server, bearer, method, path, body)
    }

    /// Adds an account with [`PASSWORD`]; its id.
    pub fn account(&self, name: &str, organisation: &str, roles: &[&str]) -> String {
        let new = json!({"name": name, "organisation": organisation, "roles": roles, "password": PASSWORD});
        let made = self.json(&admin(), "POST", "/api/accounts", Some(&new));
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Tries to sign in.
    pub fn try_sign_in(&self, name: &str, password: &str) -> Response {
        self.json("", "POST", "/api/sessions", Some(&json!({"name": name, "password": password})))
    }

    /// Signs in with [`PASSWORD`]: access and refresh token.
    pub fn sign_in(&self, name: &str) -> (String, String) {
        let answer = self.try_sign_in(name, PASSWORD);
        assert_eq!(answer.status, 201, "{}", answer.text);
        tokens(&answer)
    }

    /// Signs in as a browser: the cookie as it is sent back, and the CSRF token.
    pub fn cookie(&self, name: &str) -> (String, String) {
        let wish = json!({"name": name, "password": PASSWORD, "cookie": true});
        let answer = self.json("", "POST", "/api/sessions", Some(&wish));
        assert_eq!(answer.status, 201, "{}", answer.text);
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        (cookie, answer.json()["csrf_token"].as_str().unwrap().to_owned())
    }

    /// The events of access after the first `n`, each as deed, actor and what it was done to.
    pub fn events(&self, n: i64) -> Vec<String> {
        let all = format!(
            "SELECT string_agg(concat_ws(' ', deed, actor, detail->>'what'), ', ' ORDER BY revision) FROM audit_events
             WHERE jurisdiction = 'access' AND revision > {n}"
        );
        self.sql(&all).map(|text| text.split(", ").map(str::to_owned).collect()).unwrap_or_default()
    }

    /// How many there are.
    pub fn event_count(&self) -> i64 {
        self.sql("SELECT count(*) FROM audit_events WHERE jurisdiction = 'access'").unwrap().parse().unwrap()
    }
}

/// Sends JSON to a server.
pub fn json_to(
    server: &crate::support::TestServer,
    bearer: &str,
    method: &str,
    path: &str,
    body: Option<&Json>,
) -> Response {
    let header = format!("Bearer {bearer}");
    let mut headers = vec![("Content-Type", "application/json")];
    if !bearer.is_empty() {
        headers.push(("Authorization", header.as_str()));
    }
    let text = body.map(ToString::to_string);
    server.send(method, path, &headers, text.as_ref().map(String::as_bytes))
}

/// The configured token of the administrator.
pub fn admin() -> String {
    crate::support::token("administrator")
}

/// Access and refresh token of an answer.
pub fn tokens(answer: &Response) -> (String, String) {
    let document = answer.json();
    let text = |name: &str| document[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}
