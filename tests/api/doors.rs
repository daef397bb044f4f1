//! Every door of the route table: who is refused, what is worth nothing, and the one event that each mutation leaves. A new
//! protected route fails here until it has a row.

#![allow(clippy::match_same_arms)] // a row for each door

use std::collections::BTreeMap;

use clearway::actions::audit::{self, Range};
use clearway::config::{Secret, TokenSetting};
use clearway::domain::actor::Actor;
use clearway::domain::layer::Layer;
use clearway::http::routes::{Access, Method, ROUTES, Route};
use serde_json::{Value as Json, json};

use crate::help::{
    Api, CHECKS, CORRIDORS, GRID, REFERENCES, WORKS, feature, mast, merged, point, rect, road, school, town,
};
use crate::issuer::{Issuer, Key};
use crate::matrix::{Door, GEOJSON, column, door, layer_of};
use crate::people::PASSWORD;
use crate::plan::ZONES;
use crate::rules::{load, may_waive, pack};
use crate::site_request::{self, CaseOf, REQUESTS};
use crate::support::{Response, run_sql, token};

/// For each protected route: who is refused, as what. By the name of a configured token, or of a session of [`doors`].
fn refusals(route: &Route) -> &'static [(&'static str, u16)] {
    use Method::{Delete, Get, Patch, Post, Put};
    // Wrong role, wrong organisation, wrong jurisdiction.
    match (route.method, route.path) {
        (Post | Put | Patch | Delete, path) if path.starts_with(WORKS) => {
            &[("planner", 403), ("auditor", 403), ("other-carrier", 403), ("officer-elsewhere", 403)]
        }
        (Post | Put | Patch | Delete, path) if path.starts_with(CORRIDORS) => {
            &[("carrier", 403), ("auditor", 403), ("project_owner", 403), ("officer-elsewhere", 403)]
        }
        (Post | Put | Patch | Delete, path) if path.starts_with(REFERENCES) => {
            &[("carrier", 403), ("planner", 403), ("consultee", 403), ("auditor", 403), ("officer-elsewhere", 403)]
        }
        (Post | Put | Patch | Delete, path) if path.starts_with(ZONES) => {
            &[("planner", 403), ("approver", 403), ("carrier", 403), ("auditor", 403), ("officer-elsewhere", 404)]
        }
        (Post, "/api/plans") => &[("planner", 403), ("approver", 403), ("carrier", 403), ("officer-elsewhere", 403)],
        // It is published: everybody knows of it.
        (Post, "/api/plans/{id}/amendments") => &[("planner", 403), ("approver", 403), ("officer-elsewhere", 403)],
        (Get | Post, path) if path.starts_with("/api/plans/") => {
            &[("planner", 403), ("carrier", 403), ("auditor", 403), ("officer-elsewhere", 404)]
        }
        // What was answered to a carrier is its organisation's, and is seen by whoever sees everything there.
        (Get, "/api/site-checks") => &[],
        (Post, "/api/site-checks/{id}/waivers") => {
            &[("carrier", 403), ("planner", 404), ("other-carrier", 404), ("officer-elsewhere", 404)]
        }
        (Get, path) if path.starts_with("/api/site-checks/") => {
            &[("planner", 404), ("other-carrier", 404), ("officer-elsewhere", 404)]
        }
        // Only a carrier files one, for its own organisation and where its role holds: this one is Viettel's.
        (Post, REQUESTS) => &[
            ("officer", 403),
            ("planner", 403),
            ("auditor", 403),
            ("other-carrier", 403),
            ("carrier-elsewhere", 403),
            ("officer-elsewhere", 403),
        ],
        (Get, "/api/inbox" | "/api/inbox.ics") => &[],
        // It was submitted: the government knows of it, and its carrier wherever its roles hold. A step that is another's is
        // none that is allowed.
        (Get, "/api/site-requests/{id}/history") => {
            &[("project_owner", 404), ("other-carrier", 404), ("officer-elsewhere", 404)]
        }
        (Post, "/api/site-requests/{id}/events") => &[
            ("carrier", 409),
            ("planner", 409),
            ("auditor", 409),
            ("carrier-elsewhere", 409),
            ("other-carrier", 404),
            ("officer-elsewhere", 404),
        ],
        (_, path) if path.starts_with(REQUESTS) => &[
            ("officer", 403),
            ("planner", 403),
            ("auditor", 403),
            ("carrier-elsewhere", 403),
            ("other-carrier", 404),
            ("officer-elsewhere", 404),
        ],
        // Who adds is asked of what holds it, here a corridor of somebody else's.
        (Post, "/api/{noun}/{id}/documents") => {
            &[("carrier", 403), ("auditor", 403), ("project_owner", 403), ("officer-elsewhere", 403)]
        }
        // One's own alone, and no session can be named.
        (Get, "/api/account") => &[],
        (Delete, "/api/sessions/current") => &[("officer", 404), ("machine", 404)],
        (Put, "/api/account/password") => &[("officer", 403), ("machine", 403)],
        (Get, "/api/tokens") => &[("officer", 403)],
        (Post, "/api/tokens") => &[("officer", 403), ("machine", 403)],
        (Delete, "/api/tokens/{id}") => &[("binh", 404), ("local", 404)],
        (Get, "/api/accounts") => &[("officer", 403), ("carrier", 403), ("auditor", 403)],
        (Post, "/api/accounts") => &[("officer", 403), ("auditor", 403), ("local", 403)],
        (Get | Patch, "/api/accounts/{id}") => &[("officer", 403), ("auditor", 403), ("local", 404)],
        // Their codes are those of owners, which features show.
        (Get, "/api/organisations") => &[],
        (Post, "/api/organisations") | (Patch, "/api/organisations/{code}") => {
            &[("officer", 403), ("auditor", 403), ("local", 403)]
        }
        (Get, "/api/webhooks") => &[("officer", 403), ("carrier", 403), ("auditor", 403)],
        (Post, "/api/webhooks") => &[("officer", 403), ("auditor", 403), ("local", 403)],
        (_, path) if path.starts_with("/api/webhooks/") => &[("officer", 403), ("auditor", 403), ("local", 404)],
        (method, path) => panic!("{} {path}: say here who is refused", method.as_str()),
    }
}

/// People, and what each signs in with.
struct Doors {
    api: Api,
    bearers: BTreeMap<&'static str, String>,
    account: String,
    machine: String,
    webhook: String,
    /// Another issuer whose tokens are taken, and what it signs with.
    issuer: Issuer,
    key: Key,
}

fn doors() -> Doors {
    let key = Key::p256("a");
    let issuer = Issuer::start(&[&key]);
    let api = Api::with_people_and(|s| {
        s.oidc = vec![issuer.setting()];
        s.tokens.push(TokenSetting {
            token: Secret(token("carrier-elsewhere")),
            name: "carrier-elsewhere".into(),
            organisation: Some("viettel".into()),
            roles: vec!["carrier".into()],
            jurisdictions: Some(vec!["VN-35".into()]),
        });
    });
    let more =
        "INSERT INTO organisations VALUES ('vnpt', 'VNPT', 'carrier'), ('roads-board', 'Roads', 'project_owner'),
                    ('committee', 'Committee', 'committee');
                INSERT INTO access_versions (revision, what, key, after) SELECT 0, what, key, digest FROM access_present
                ON CONFLICT DO NOTHING";
    run_sql(&api.database.url, more);
    let account = api.account("nga", "office", &["officer", "administrator"]);
    api.account("binh", "office", &["officer"]);
    api.account("chi", "viettel", &["carrier"]);
    let local = json!({"name": "local", "organisation": "office", "roles": ["administrator"],
        "jurisdictions": ["VN-72"], "password": PASSWORD});
    assert_eq!(api.json(&token("administrator"), "POST", "/api/accounts", Some(&local)).status, 201);
    let mut bearers: BTreeMap<&'static str, String> =
        ["nga", "binh", "chi", "local"].map(|name| (name, api.sign_in(name).0)).into();
    let made = api.json(&bearers["nga"], "POST", "/api/tokens", Some(&json!({"name": "machine"}))).json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    bearers.insert("machine", text("token"));
    let hook = json!({"organisation": "office", "url": "https://a.example/hook"});
    let hook = api.json(&bearers["nga"], "POST", "/api/webhooks", Some(&hook)).json();
    let webhook = hook["id"].as_str().unwrap().to_owned();
    Doors { api, bearers, account, machine: text("id"), webhook, issuer, key }
}

impl Doors {
    fn events(&self) -> i64 {
        self.api.sql("SELECT count(*) FROM audit_events").unwrap().parse().unwrap()
    }

    fn path(&self, route: &Route, id: &str) -> String {
        let id = match route.path {
            "/api/accounts/{id}" => &self.account,
            "/api/tokens/{id}" => &self.machine,
            path if path.starts_with("/api/webhooks/") => &self.webhook,
            _ => id,
        };
        let path = route.path.replace("{id}", id).replace("{code}", "office").replace("{noun}", "corridors");
        if door(route) == Door::Adds { format!("{path}?kind=other&name=a.txt") } else { path }
    }

    /// Whoever is called so is refused, and whoever is the same by the word of another issuer.
    fn refuses(&self, who: &str, route: &Route, id: &str, body: &Json, status: u16) {
        let bearer = self.bearers.get(who).cloned().unwrap_or_else(|| token(who));
        let like = self.issuer.like(who).map(|claims| self.key.token(&claims));
        for bearer in [Some(bearer), like].iter().flatten() {
            let refused = self.send(bearer, route, id, body);
            let what = format!("{who} {} {} {bearer}", route.method.as_str(), route.path);
            assert_eq!(refused.status, status, "{what}: {}", refused.text);
        }
    }

    fn send(&self, bearer: &str, route: &Route, id: &str, body: &Json) -> Response {
        let header = format!("Bearer {bearer}");
        let mut headers = vec![("Reason", "a test of every door")];
        if !bearer.is_empty() {
            headers.push(("Authorization", header.as_str()));
        }
        let batch = route.path.ends_with("/batch");
        // A step names the version that it is made on.
        let seen = route.path.ends_with("/events").then(|| match door(route) {
            Door::Requests => self.api.server.get("carrier", &format!("{REQUESTS}/{id}")),
            _ => self.api.server.get("officer", &format!("/api/plans/{id}")),
        });
        headers.extend(seen.as_ref().and_then(|now| Some(("If-Match", now.header("etag")?))));
        if matches!(door(route), Door::Write(_) | Door::Check)
            || route.path.starts_with(ZONES)
            || door(route) == Door::Site && !batch
        {
            headers.extend([("Content-Type", GEOJSON), ("Content-Crs", GRID)]);
        } else if route.path.starts_with(REQUESTS) {
            headers.push(("Content-Type", GEOJSON));
        } else if batch {
            headers.extend([("Content-Type", "application/x-ndjson"), ("Content-Crs", GRID)]);
        } else if door(route) == Door::Adds {
            headers.push(("Content-Type", "text/plain"));
        } else {
            headers.push(("Content-Type", "application/json"));
        }
        let path = self.path(route, id);
        self.api.server.send(route.method.as_str(), &path, &headers, Some(body.to_string().as_bytes()))
    }
}

/// A document that the door would take.
fn document(route: &Route) -> Json {
    use Method::{Patch, Post, Put};
    match (route.method, route.path) {
        (Post | Put, path) if path.starts_with(WORKS) => feature(point(0.0, 0.0), mast()),
        (Post | Put, path) if path.starts_with(CORRIDORS) => {
            feature(rect(0.0, 0.0, 9.0, 9.0), merged(json!({"organisation": "other-board"}), &road()))
        }
        (Post | Put, path) if path.starts_with(REFERENCES) => feature(rect(0.0, 0.0, 9.0, 9.0), school()),
        (Post | Put, path) if path.starts_with(REQUESTS) => {
            feature(town(), merged(json!({"organisation": "viettel"}), &site_request::column()))
        }
        (Post | Put, path) if path.starts_with(ZONES) => feature(rect(0.0, 900.0, 9.0, 909.0), json!({})),
        (Post, "/api/plans") => json!({"code": "A plan"}),
        (Post, "/api/plans/{id}/events") => json!({"event": "begin_appraisal"}),
        (Post, "/api/site-requests/{id}/events") => json!({"event": "submit", "reason": "a test of every door"}),
        (Patch, path) if path.starts_with("/ogc") => json!({"properties": {"name": "another"}}),
        (Post, CHECKS | "/api/conflict-checks/batch") => point(0.0, 0.0),
        (Post, path) if door(route) == Door::Site => column(path),
        (Post, "/api/site-checks/{id}/waivers") => json!({"code": "SPC", "reason": "a test of every door"}),
        (Post, "/api/sessions") => json!({"name": "nga", "password": PASSWORD}),
        (Put, "/api/account/password") => {
            json!({"password": PASSWORD, "new_password": "another password, longer"})
        }
        (Post, "/api/tokens") => json!({"name": "another machine"}),
        (Post, "/api/accounts") => json!({"name": "an", "organisation": "office", "roles": ["officer"]}),
        (Post, "/api/organisations") => json!({"code": "army", "name": "Army", "kind": "consultee"}),
        (Patch, "/api/accounts/{id}") => json!({"roles": ["administrator", "officer", "planner"]}),
        (Patch, "/api/organisations/{code}") => json!({"name": "The office"}),
        (Post, "/api/webhooks") => json!({"organisation": "office", "url": "https://a.example/another"}),
        (Patch, "/api/webhooks/{id}") => json!({"new_secret": true}),
        _ => json!({}),
    }
}

#[test]
fn every_protected_door_refuses_the_wrong_role_organisation_and_jurisdiction() {
    let doors = doors();
    let (drawn, in_force) = (doors.api.plan("DRAWN", 1), doors.api.plan("IN FORCE", 1));
    doors.api.published(&in_force, "2026-01-01", json!(null));
    let zone = doors.api.zones("officer", &format!("plan={drawn}"))[0]["id"].as_str().unwrap().to_owned();
    let work = doors.api.work("A-1", point(0.0, 0.0));
    let other_board = merged(json!({"organisation": "other-board"}), &road());
    let corridor = doors.api.add(CORRIDORS, rect(0.0, 0.0, 9.0, 9.0), other_board);
    let place = doors.api.school("S-1", rect(0.0, 0.0, 9.0, 9.0));
    let asked = doors.api.on_grid("carrier", "POST", KEPT, &column(KEPT));
    let run = asked.json()["results"][0]["id"].as_str().unwrap().to_owned();
    for role in ["carrier", "officer"] {
        assert_eq!(doors.api.send(role, "GET", &format!("{KEPT}/{run}"), &[], None).status, 200, "{role}");
    }
    let filed = || CaseOf::file(&doors.api, (0.0, 0.0), site_request::column());
    let (draft, mut submitted) = (filed(), filed());
    submitted.step("carrier", "submit", None, json!({}), "submitted");
    let before = doors.events();
    for route in ROUTES.iter().filter(|r| r.access.is_protected()) {
        let id = match (layer_of(route.path), route.path) {
            (_, "/api/plans/{id}/amendments") => &in_force,
            (_, path) if path.starts_with("/api/plans") => &drawn,
            (_, path) if path.starts_with(ZONES) => &zone,
            (_, path) if path.contains("site-requests") => &submitted.id,
            _ if door(route) == Door::Runs => &run,
            (Layer::Works, _) => &work,
            (Layer::Corridors, _) => &corridor,
            (Layer::References, _) => &place,
        };
        let body = match route.path {
            ZONES => crate::plan::zone(&drawn, "NEW", 0.0, 900.0),
            "/api/site-requests/{id}/events" => json!({"event": "accept"}),
            _ => document(route),
        };
        for (who, status) in refusals(route) {
            doors.refuses(who, route, id, &body, *status);
        }
        // Of a draft the government does not know, and its carrier writes it where its role holds.
        if route.path.contains("site-requests") && route.path.contains("{id}") {
            let body = document(route);
            for who in ["officer", "planner", "auditor", "other-carrier", "officer-elsewhere"] {
                doors.refuses(who, route, &draft.id, &body, 404);
            }
            if route.method != Method::Get {
                let status = if route.path.ends_with("/events") { 409 } else { 403 };
                doors.refuses("carrier-elsewhere", route, &draft.id, &body, status);
            }
        }
    }
    // Who adds documents to a request is asked of the request.
    for (id, all) in [
        (
            &submitted.id,
            [("planner", 403), ("carrier-elsewhere", 403), ("other-carrier", 404), ("officer-elsewhere", 404)],
        ),
        (&draft.id, [("planner", 404), ("carrier-elsewhere", 403), ("other-carrier", 404), ("officer", 404)]),
    ] {
        for (who, status) in all {
            let path = format!("/api/site-requests/{id}/documents?kind=other&name=a.txt");
            let refused = doors.api.send(who, "POST", &path, &[("Content-Type", "text/plain")], Some(&json!("a text")));
            assert_eq!(refused.status, status, "{who} {path}: {}", refused.text);
        }
    }
    assert_eq!(doors.events(), before, "what is refused leaves nothing");
}

#[test]
fn every_door_refuses_what_is_expired_revoked_or_forged() {
    let doors = doors();
    let api = &doors.api;
    let work = api.work("A-1", point(0.0, 0.0));
    let (signed_out, _) = api.sign_in("nga");
    assert_eq!(api.json(&signed_out, "DELETE", "/api/sessions/current", None).status, 204);
    let (expired, _) = api.sign_in("nga");
    let past = "expires_at = now() - interval '1 s'";
    run_sql(&api.database.url, &format!("UPDATE session_credentials SET {past} WHERE digest = sha256('{expired}')"));
    let (good, refresh) = api.sign_in("nga");
    let machine = |name: &str| {
        let made = api.json(&good, "POST", "/api/tokens", Some(&json!({"name": name}))).json();
        (made["token"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
    };
    let ((over, over_id), (revoked, revoked_id)) = (machine("over"), machine("revoked"));
    run_sql(&api.database.url, &format!("UPDATE api_tokens SET {past} WHERE id = '{over_id}'"));
    assert_eq!(api.json(&good, "DELETE", &format!("/api/tokens/{revoked_id}"), None).status, 204);
    let off = api.account("off", "office", &["administrator"]);
    let (disabled, _) = api.sign_in("off");
    let end = json!({"disabled": true});
    assert_eq!(api.json(&good, "PATCH", &format!("/api/accounts/{off}"), Some(&end)).status, 200);
    let (cookie, _) = api.cookie("nga");
    let stored =
        |form: &str| api.sql(&format!("SELECT {form} FROM session_credentials WHERE digest = sha256('{good}')"));
    let (hex, base64) = (stored("encode(digest, 'hex')").unwrap(), stored("encode(digest, 'base64')").unwrap());
    let mut last = good.clone();
    let end = if last.pop() == Some('A') { 'B' } else { 'A' };
    last.push(end);
    // {"alg":"none"} and {"sub":"nga","roles":["administrator"]}
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJuZ2EiLCJyb2xlcyI6WyJhZG1pbmlzdHJhdG9yIl19.";
    let mut forged = vec![
        ("signed out", signed_out),
        ("expired", expired),
        ("an expired API token", over),
        ("a revoked API token", revoked),
        ("of a disabled account", disabled),
        ("a refresh token", refresh),
        ("the cookie", cookie.split_once('=').unwrap().1.to_owned()),
        ("what is stored", hex.clone()),
        ("what is stored, as one of ours", format!("cwa_{hex}")),
        ("what is stored, in base64", format!("cwa_{}", base64.trim_end_matches('='))),
        ("another last letter", last),
        ("as an API token", good.replace("cwa_", "cwt_")),
        ("in capitals", good.to_uppercase()),
        ("without its kind", good["cwa_".len()..].to_owned()),
        ("twice", format!("{good}{good}")),
        ("not signed", unsigned.to_owned()),
        ("any", "cwa_%".to_owned()),
        ("SQL", "cwa_' OR '1'='1".to_owned()),
    ];
    // Every other way of forging one is tried at one door, in `oidc.rs`.
    let at_every_door = [
        "alg none",
        "HS256 by the public key",
        "wrong key",
        "unknown key",
        "wrong audience",
        "another issuer",
        "expired",
        "no end",
        "not yet",
        "an identity token",
    ];
    let own = forged.len();
    forged.extend(doors.issuer.forged(&doors.key).into_iter().filter(|(what, _)| at_every_door.contains(what)));
    assert_eq!(forged.len(), own + at_every_door.len());
    let by_issuer = doors.key.token(&doors.issuer.claims("administrator", "office"));
    for good in [&good, &by_issuer] {
        assert_eq!(api.json(good, "GET", "/api/account", None).status, 200);
    }
    let worthless = doors.issuer.worthless(&doors.key).into_iter().take(2).collect::<Vec<_>>();
    let before = doors.events();
    let mut refused = 0;
    for route in ROUTES.iter().filter(|r| r.access != Access::OwnCredentials) {
        for (what, bearer) in &forged {
            let answer = doors.send(bearer, route, &work, &document(route));
            assert_eq!(answer.status, 401, "{what} {} {}: {}", route.method.as_str(), route.path, answer.text);
            refused += 1;
        }
        for (what, bearer) in &worthless {
            let answer = doors.send(bearer, route, &work, &document(route));
            assert_eq!(answer.status, 403, "{what} {} {}: {}", route.method.as_str(), route.path, answer.text);
            refused += 1;
        }
        let as_cookie = format!("clearway_session={good}");
        let headers = [("Cookie", as_cookie.as_str())];
        let path = doors.path(route, &work);
        assert_eq!(api.server.send(route.method.as_str(), &path, &headers, Some(b"{}")).status, 401, "as a cookie");
        let two = format!("Bearer {good}");
        let headers = [("Authorization", two.as_str()), ("Authorization", two.as_str())];
        assert_eq!(api.server.send(route.method.as_str(), &path, &headers, Some(b"{}")).status, 401, "two headers");
    }
    assert_eq!(doors.events(), before, "what is refused leaves nothing");
    eprintln!("{refused} credentials refused at {} doors", ROUTES.len());
}

/// Whoever signed in has his site checks kept here.
const KEPT: &str = "/api/site-checks";

/// How many events a door leaves that is used as it is meant.
fn events_of(route: &Route) -> i64 {
    let asks = matches!(door(route), Door::Check | Door::Batch) || door(route) == Door::Site && route.path != KEPT;
    i64::from(route.method != Method::Get && !asks)
}

#[test]
fn every_mutation_of_the_route_table_leaves_one_event_with_its_reason() {
    let doors = doors();
    let api = &doors.api;
    let limits = pack("1", &["site.spacing.urban_m 100", "site.spacing.elsewhere_m 500"]);
    load(api, &(limits + &may_waive("spc", "officer")));
    let (drawn, in_force) = (api.plan("DRAWN", 2), api.plan("IN FORCE", 1));
    api.published(&in_force, "2026-01-01", json!(null));
    let zone = api.zones("officer", &format!("plan={drawn}"))[0]["id"].as_str().unwrap().to_owned();
    let mut run: Option<String> = None;
    let mut paper: Option<String> = None;
    let (filed, mut draft) = (CaseOf::file(api, (0.0, 0.0), site_request::column()), None);
    // What a carrier asks for is his to write.
    let who = |route: &Route| if door(route) == Door::Requests { "chi" } else { "nga" };
    let mut made: BTreeMap<Layer, String> = BTreeMap::new();
    let seen = BTreeMap::from([
        (Layer::Works, api.work("SEEN", point(0.0, 0.0))),
        (Layer::Corridors, api.road("LAND", rect(0.0, 0.0, 9.0, 9.0))),
        (Layer::References, api.school("PLACE", rect(0.0, 0.0, 9.0, 9.0))),
    ]);
    // What ends a session or a password comes when the others are done.
    let ends = |r: &Route| ["/api/sessions/current", "/api/account/password"].contains(&r.path);
    let ordered = ROUTES.iter().filter(|r| !ends(r)).chain(ROUTES.iter().filter(|r| ends(r)));
    let mut mutations = 0;
    // A stream does not end, and a receipt comes later (`site_request_story.rs`).
    let read_elsewhere = ["/api/changes", "/api/tracking/{receipt}"];
    for route in ordered.filter(|r| !read_elsewhere.contains(&r.path)) {
        let what = format!("{} {}", route.method.as_str(), route.path);
        let body = match route.path {
            "/api/sessions/refresh" => json!({"refresh_token": api.sign_in("nga").1}),
            ZONES => crate::plan::zone(&drawn, "NEW", 0.0, 900.0),
            _ => document(route),
        };
        let layer = layer_of(route.path);
        let id = if route.method == Method::Get { seen.get(&layer) } else { made.get(&layer) };
        let id = match door(route) {
            Door::Runs => run.as_ref(),
            Door::Adds => seen.get(&layer),
            Door::Document => paper.as_ref(),
            _ => id,
        };
        let id = match route.path {
            "/api/plans/{id}/amendments" => Some(&in_force),
            path if path.starts_with("/api/plans") => Some(&drawn),
            path if path.starts_with(ZONES) || path.starts_with("/api/zones") => Some(&zone),
            path if path.starts_with(REQUESTS) && route.method != Method::Get => draft.as_ref(),
            path if path.contains("site-requests") => Some(&filed.id),
            _ => id,
        };
        let id = id.cloned().unwrap_or_default();
        let bearer = match route.access {
            Access::OwnCredentials => String::new(),
            _ if ends(route) => api.sign_in("nga").0,
            _ => doors.bearers[who(route)].clone(),
        };
        let before = doors.events();
        let answer = doors.send(&bearer, route, &id, &body);
        assert!((200..300).contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
        if (route.method, route.path) == (Method::Post, REQUESTS) {
            draft = answer.json()["id"].as_str().map(str::to_owned);
        } else if route.method == Method::Post && route.path.ends_with("/items") && route.path != ZONES {
            made.insert(layer, answer.json()["id"].as_str().unwrap().to_owned());
        }
        if (route.method, route.path) == (Method::Post, KEPT) {
            run = answer.json()["results"][0]["id"].as_str().map(str::to_owned);
        }
        if door(route) == Door::Adds {
            paper = answer.json()["id"].as_str().map(str::to_owned);
        }
        let expect = events_of(route);
        assert_eq!(doors.events() - before, expect, "{what}");
        mutations += expect;
        if expect == 1 && (route.access.is_protected() || route.path == KEPT) {
            let of = format!(
                "SELECT concat_ws(' ', actor, reason) FROM audit_events WHERE request_id = '{}'",
                answer.header("x-request-id").unwrap()
            );
            assert_eq!(api.sql(&of), Some(format!("{} a test of every door", who(route))), "{what}");
        }
    }
    let reports =
        audit::verify(&api.database.context(), &Actor::operator(), &Range::default(), audit::Kept::default()).unwrap();
    assert!(reports.iter().all(|(_, r)| r.faults.is_empty()), "the chains hold");
    assert_eq!(mutations, ROUTES.iter().map(events_of).sum::<i64>());
    eprintln!("{mutations} mutations, one event each, of {} routes", ROUTES.len());
}
