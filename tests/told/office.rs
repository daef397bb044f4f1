//! A server with organisations that are told what happens, and what they are told of: kept site checks that would be answered
//! otherwise, and notices as a workflow writes them.

use std::time::Duration;

use clearway::actions::Witness;
use clearway::config::Settings;
use clearway::domain::actor::Actor;
use clearway::domain::audit::{AuditEntry, Deed};
use clearway::domain::notice::Notice;
use clearway::error::{Error, Result};
use clearway::store::{Store, StoreOptions};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::support::{Response, token};
use crate::world::World;

pub const WEBHOOKS: &str = "/api/webhooks";

/// A server that looks often, and tries again soon.
pub struct Office {
    pub world: World,
}

impl Office {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let world = World::with(|s| {
            s.webhook_networks = vec!["127.0.0.0/8".into()];
            s.refresh_poll_ms = 20;
            s.delivery_retry_ms = 1;
            s.delivery_retry_max_ms = 50;
            s.delivery_attempts_max = 1_000_000;
            change(s);
        });
        let office = Self { world };
        for (code, kind) in
            [("viettel", "carrier"), ("vnpt", "carrier"), ("office", "office"), ("roads-board", "project_owner")]
        {
            let new = json!({"code": code, "name": code, "kind": kind});
            assert_eq!(office.json("administrator", "POST", "/api/organisations", Some(&new)).status, 201);
        }
        office
    }

    pub fn json(&self, role: &str, method: &str, path: &str, body: Option<&Json>) -> Response {
        let bearer = format!("Bearer {}", token(role));
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let text = body.map(ToString::to_string);
        self.world.server.send(method, path, &headers, text.as_ref().map(String::as_bytes))
    }

    /// Adds a webhook; its id and its secret.
    pub fn webhook(&self, organisation: &str, url: &str) -> (String, String) {
        let new = json!({"organisation": organisation, "url": url});
        let made = self.json("administrator", "POST", WEBHOOKS, Some(&new));
        assert_eq!(made.status, 201, "{}", made.text);
        let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }

    pub fn patch(&self, id: &str, change: &Json) -> Json {
        let changed = self.json("administrator", "PATCH", &format!("{WEBHOOKS}/{id}"), Some(change));
        assert_eq!(changed.status, 200, "{}", changed.text);
        changed.json()
    }

    /// The deliveries of a webhook, in a state where one is named.
    pub fn deliveries(&self, id: &str, state: &str) -> Vec<Json> {
        let only = if state.is_empty() { String::new() } else { format!("&state={state}") };
        let found = self.json("administrator", "GET", &format!("{WEBHOOKS}/{id}/deliveries?limit=1000{only}"), None);
        assert_eq!(found.status, 200, "{}", found.text);
        found.json()["deliveries"].as_array().unwrap().clone()
    }

    pub fn replay(&self, id: &str, which: &Json) -> i64 {
        let done = self.json("administrator", "POST", &format!("{WEBHOOKS}/{id}/replay"), Some(which));
        assert_eq!(done.status, 200, "{}", done.text);
        done.json()["replayed"].as_i64().unwrap()
    }

    /// Writes notices in one transaction, as a workflow does, by another instance; it fails at the end where it is told to.
    pub fn notify(&self, notices: &[Notice], fails: bool) -> Result<()> {
        let options = StoreOptions {
            connections_max: 1,
            pool_wait: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
        };
        let store = Store::connect(&self.world.database.service_url, &options)?;
        // A planner sees neither what is restricted nor the affairs of carriers.
        let planner = Actor {
            name: "planner".into(),
            organisation: Some("office".into()),
            roles: vec![clearway::domain::actor::Role::Planner],
            jurisdictions: None,
        };
        let written = store.write(Witness::new(&planner, "test"), |tx| {
            tx.raise("VN-72")?;
            for notice in notices {
                tx.notify("VN-72", notice)?;
            }
            let entry = AuditEntry { deed: Deed::Replace, layer: None, subject: None, owner: None, detail: Vec::new() };
            tx.audit("VN-72", entry)?;
            if fails { Err(Error::Changed("as the test wants".into()).into()) } else { Ok(()) }
        });
        written.map(|_| ())
    }
}

/// Something that happened in a case, for some organisations.
pub fn notice(case: u128, event: &str, organisations: &[&str]) -> Notice {
    Notice {
        noun: "site_request".into(),
        id: Uuid::from_u128(case),
        code: format!("R-{case}"),
        event: event.into(),
        state: Some("accepted".into()),
        organisations: organisations.iter().map(|code| (*code).to_owned()).collect(),
        due: Some("2026-12-24".parse().unwrap()),
        ..Notice::default()
    }
}
