//! A right that is withdrawn while a request by it is under way: whatever it writes is written before the withdrawal is
//! answered, or never.

use std::thread;

use diesel::connection::SimpleConnection;
use serde_json::{Value as Json, json};

use crate::help::{Api, WORKS, point, sql};
use crate::operation::until;
use crate::outage::waiting;
use crate::people::admin;
use crate::support::Response;

/// With what somebody signs in, and how that is sent along.
struct Signed<'a> {
    api: &'a Api,
    account: String,
    headers: Vec<(&'static str, String)>,
    /// The API token, where it is one.
    machine: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Bearer,
    Cookie,
    ApiToken,
}

/// With an administrator who stays.
fn with_another() -> Api {
    let api = Api::with_people();
    api.account("binh", "office", &["administrator"]);
    api
}

impl<'a> Signed<'a> {
    /// Somebody new of this name.
    fn new(api: &'a Api, by: By, name: &str) -> Self {
        let account = api.account(name, "office", &["officer", "administrator"]);
        let bearer = |token: &str| vec![("Authorization", format!("Bearer {token}"))];
        let access = api.sign_in(name).0;
        let mut machine = String::new();
        let headers = match by {
            By::Bearer => bearer(&access),
            By::Cookie => {
                let (cookie, csrf) = api.cookie(name);
                vec![("Cookie", cookie), ("X-CSRF-Token", csrf)]
            }
            By::ApiToken => {
                let made = api.json(&access, "POST", "/api/tokens", Some(&json!({"name": name}))).json();
                made["id"].as_str().unwrap().clone_into(&mut machine);
                bearer(made["token"].as_str().unwrap())
            }
        };
        Self { api, account, headers, machine }
    }

    fn send(&self, method: &str, path: &str, body: &Json) -> Response {
        let mut headers: Vec<(&str, &str)> = self.headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        headers.push(("Content-Type", "application/json"));
        self.api.server.send(method, path, &headers, Some(body.to_string().as_bytes()))
    }

    /// Takes something away; the answer must come.
    fn withdraw(&self, what: &Withdrawal) {
        let by_administrator =
            |method: &str, path: String, body: &Json| self.api.json(&admin(), method, &path, Some(body)).status;
        let status = match what {
            Withdrawal::Account(change) => by_administrator("PATCH", format!("/api/accounts/{}", self.account), change),
            Withdrawal::SignOut => self.send("DELETE", "/api/sessions/current", &json!({})).status,
            Withdrawal::Revoke => by_administrator("DELETE", format!("/api/tokens/{}", self.machine), &json!({})),
        };
        assert!([200, 204].contains(&status), "{what:?}: {status}");
    }
}

#[derive(Debug)]
enum Withdrawal {
    Account(Json),
    SignOut,
    Revoke,
}

fn withdrawals(by: By) -> Vec<Withdrawal> {
    let mut all: Vec<Withdrawal> = [
        json!({"disabled": true}),
        json!({"roles": ["auditor"]}),
        json!({"jurisdictions": []}),
        json!({"organisation": "viettel"}),
        json!({"password": "another password, longer"}),
    ]
    .into_iter()
    .map(Withdrawal::Account)
    .collect();
    all.push(if by == By::ApiToken { Withdrawal::Revoke } else { Withdrawal::SignOut });
    all
}

#[test]
fn what_comes_after_a_withdrawal_is_not_written() {
    let api = &with_another();
    for by in [By::Bearer, By::Cookie, By::ApiToken] {
        for (n, what) in withdrawals(by).into_iter().enumerate() {
            let name = format!("{by:?}-{n}").to_lowercase();
            let signed = &Signed::new(api, by, &name);
            let id = api.work(&name, point(0.0, 0.0));
            let path = &format!("{WORKS}/{id}");
            let patch = &json!({"properties": {"name": "written"}});
            let mut holder = api.database.connect();
            holder.batch_execute("BEGIN").unwrap();
            assert!(sql(&mut holder, &format!("SELECT id FROM works WHERE id = '{id}' FOR UPDATE")).is_some());
            let answer = thread::scope(|scope| {
                let writes = scope.spawn(move || signed.send("PATCH", path, patch));
                until("the write waits for the feature", || waiting(api) == 1);
                signed.withdraw(&what);
                holder.batch_execute("COMMIT").unwrap();
                writes.join().unwrap()
            });
            assert_eq!(answer.status, 401, "{by:?} {what:?}: {}", answer.text);
            assert_eq!(api.sql(&format!("SELECT name FROM works WHERE id = '{id}'")), None, "{by:?} {what:?}");
        }
    }
}

/// More than was there is none taken away.
#[test]
fn what_is_given_besides_hinders_no_write() {
    let api = &with_another();
    let signed = &Signed::new(api, By::Bearer, "nga");
    let id = api.work("W", point(0.0, 0.0));
    let path = &format!("{WORKS}/{id}");
    let mut holder = api.database.connect();
    holder.batch_execute("BEGIN").unwrap();
    assert!(sql(&mut holder, &format!("SELECT id FROM works WHERE id = '{id}' FOR UPDATE")).is_some());
    let answer = thread::scope(|scope| {
        let writes = scope.spawn(move || signed.send("PATCH", path, &json!({"properties": {"name": "written"}})));
        until("the write waits for the feature", || waiting(api) == 1);
        signed.withdraw(&Withdrawal::Account(json!({"roles": ["officer", "administrator", "planner"]})));
        holder.batch_execute("COMMIT").unwrap();
        writes.join().unwrap()
    });
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[test]
fn a_withdrawal_waits_for_what_was_looked_at_before() {
    let api = &with_another();
    let mut holder = api.database.connect();
    // The write comes as far as its event, and no further; that of the withdrawal is not in the way.
    let stop = "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$;
        CREATE TRIGGER stop BEFORE INSERT ON audit_events FOR EACH ROW WHEN (NEW.jurisdiction = 'VN-72')
        EXECUTE FUNCTION stop()";
    holder.batch_execute(stop).unwrap();
    for by in [By::Bearer, By::Cookie, By::ApiToken] {
        for (n, what) in withdrawals(by).into_iter().enumerate() {
            let name = format!("{by:?}-{n}").to_lowercase();
            let signed = &Signed::new(api, by, &name);
            let id = api.work(&name, point(0.0, 0.0));
            let path = &format!("{WORKS}/{id}");
            holder.batch_execute("SELECT pg_advisory_lock(7)").unwrap();
            let (wrote, what) = thread::scope(|scope| {
                let writes =
                    scope.spawn(move || signed.send("PATCH", path, &json!({"properties": {"name": "written"}})));
                until("the write is about to be told", || waiting(api) == 1);
                let ends = scope.spawn(move || {
                    signed.withdraw(&what);
                    what
                });
                until("the withdrawal waits for the write", || waiting(api) == 2);
                assert!(!ends.is_finished());
                holder.batch_execute("SELECT pg_advisory_unlock(7)").unwrap();
                (writes.join().unwrap(), ends.join().unwrap())
            });
            assert_eq!(wrote.status, 200, "{by:?} {what:?}: {}", wrote.text);
            let after = signed.send("PATCH", path, &json!({"properties": {"name": "again"}}));
            // Of another organisation he is an officer still.
            let may = matches!(&what, Withdrawal::Account(change) if change.get("organisation").is_some());
            assert_eq!(after.status == 200, may, "{by:?} {what:?}: {}", after.status);
        }
    }
}

/// What is written to the chain of access is looked at when that is held.
#[test]
fn a_withdrawn_administrator_adds_nobody() {
    let api = &with_another();
    let signed = &Signed::new(api, By::Bearer, "nga");
    let mut holder = api.database.connect();
    holder.batch_execute("BEGIN").unwrap();
    assert!(sql(&mut holder, "SELECT revision FROM revisions WHERE jurisdiction = 'access' FOR UPDATE").is_some());
    let army = &json!({"code": "army", "name": "Army", "kind": "consultee"});
    let answer = thread::scope(|scope| {
        let ends = scope.spawn(move || signed.withdraw(&Withdrawal::Account(json!({"roles": ["officer"]}))));
        until("the withdrawal waits", || waiting(api) == 1);
        let writes = scope.spawn(move || signed.send("POST", "/api/organisations", army));
        until("the write waits behind it", || waiting(api) == 2);
        holder.batch_execute("COMMIT").unwrap();
        ends.join().unwrap();
        writes.join().unwrap()
    });
    assert_eq!(answer.status, 401, "{}", answer.text);
    assert_eq!(api.sql("SELECT count(*) FROM organisations WHERE code = 'army'"), Some("0".into()));
}
