//! Coverage by the route table itself: the API document, the methods, the witnesses of every write.

use std::collections::BTreeSet;
use std::thread;

use clearway::http::routes::{Access, Method, ROUTES};
use serde_json::{Value as Json, json};

use crate::help::{Api, CHECKS, CORRIDORS, REFERENCES, WORKS, feature, mast, merged, point, rect, road, school, town};
use crate::plan::committee;
use crate::site_request::{self, CaseOf};

/// Its answer has no end; `changes.rs` listens to it.
const STREAM: &str = "/api/changes";

/// It asks for the secret of a receipt; `site_request_story.rs` has one.
const TRACKING: &str = "/api/tracking/{receipt}";

#[test]
fn every_route_is_in_the_document_and_back() {
    let api = Api::new();
    let answer = api.server.get("", "/ogc/api");
    assert_eq!(answer.header("content-type"), Some("application/vnd.oai.openapi+json;version=3.0"));
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.0."));
    let mut listed = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            listed.insert((method.to_uppercase(), path.clone()));
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            for parameter in operation["parameters"].as_array().unwrap() {
                let pointer = parameter["$ref"].as_str().unwrap().strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{path}: {pointer} leads nowhere");
            }
            for part in ["noun", "id", "code"] {
                let named = operation["parameters"].to_string().contains(&format!("parameters/{part}\""));
                assert_eq!(path.contains(&format!("{{{part}}}")), named, "{path}");
            }
            assert!(document.pointer("/components/responses/problem").is_some());
        }
    }
    let there: BTreeSet<(String, String)> =
        ROUTES.iter().map(|r| (r.method.as_str().to_owned(), r.path.to_owned())).collect();
    assert_eq!(listed, there);
    assert_eq!(there.len(), ROUTES.len(), "no route stands twice");
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        assert_eq!(operation.get("security").is_some(), route.access.is_protected(), "{}", route.path);
        let named = |place: &str| -> Vec<String> {
            let all = operation["parameters"].as_array().unwrap().iter();
            let refs = all.map(|p| p["$ref"].as_str().unwrap().strip_prefix("#").unwrap());
            let found = refs.map(|at| document.pointer(at).unwrap_or_else(|| panic!("{at} is not there")));
            found.filter(|p| p["in"] == place).map(|p| p["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(named("query"), route.parameters, "{}", route.path);
        let headers: &[&str] = match (route.method, route.path.contains("conflict")) {
            (Method::Post, _) if route.path.ends_with("/events") => &["If-Match"],
            (Method::Get, _) if route.path == TRACKING => &["Tracking-Secret"],
            (Method::Post, _) if route.path == "/api/site-checks" => &["Content-Crs", "Reason", "Min-Revision"],
            (Method::Post, _) if route.path.starts_with("/api/site-") && !route.path.contains("{id}") => {
                &["Content-Crs", "Min-Revision"]
            }
            (Method::Post, _) if route.path.ends_with("/documents") => &["Reason", "Repr-Digest"],
            (Method::Post, true) if route.path.ends_with("/batch") => &["Content-Crs", "Min-Revision"],
            (Method::Get, true) => &["Min-Revision", "Accept"],
            (Method::Post, true) => &["Content-Crs", "Min-Revision", "Accept"],
            (Method::Get, false) if route.path == STREAM => &["Last-Event-ID"],
            (Method::Get, false) => &[],
            (_, false) if route.access == Access::OwnCredentials => &[],
            (Method::Patch, false) if ["/api/accounts/{id}", "/api/webhooks/{id}"].contains(&route.path) => {
                &["If-Match", "Reason"]
            }
            (Method::Post, false) if route.path == "/api/plans/{id}/events" => &["If-Match", "Reason"],
            (_, false) if !route.path.starts_with("/ogc/") => &["Reason"],
            (Method::Post, false) => &["Content-Crs", "Reason"],
            (Method::Put | Method::Patch, _) => &["Content-Crs", "If-Match", "Reason"],
            (Method::Delete, _) => &["If-Match", "Reason"],
        };
        assert_eq!(named("header"), headers, "{} {}", route.method.as_str(), route.path);
    }
    let checks = &document["components"]["parameters"]["conflicts_limit"];
    assert_eq!((&checks["schema"]["maximum"], &checks["schema"]["default"]), (&json!(10_000), &json!(1_000)));
    let limit = &document["components"]["parameters"]["limit"];
    assert_eq!(
        limit,
        &json!({"name": "limit", "in": "query", "required": false, "description": "At most so many",
        "style": "form", "explode": false,
        "schema": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 10}})
    );
}

#[test]
fn every_route_answers_its_methods() {
    let api = Api::with_people();
    committee(&api);
    let plan = api.plan("P", 1);
    api.published(&plan, "2026-01-01", json!(null));
    let zone = api.zones("", "")[0]["id"].as_str().unwrap().to_owned();
    let work = api.work("W", point(0.0, 0.0));
    let corridor = api.road("C", rect(0.0, 0.0, 9.0, 9.0));
    let place = api.school("S", rect(0.0, 0.0, 9.0, 9.0));
    let account = api.account("nga", "office", &["administrator"]);
    let (bearer, _) = api.sign_in("nga");
    let column = feature(town(), json!({"height_agl_m": 42}));
    let kept = api.json(&bearer, "POST", "/api/site-checks", Some(&column));
    assert_eq!(kept.status, 201, "{}", kept.text);
    let kept = kept.json()["results"][0]["id"].as_str().unwrap().to_owned();
    let hook = json!({"organisation": "office", "url": "https://a.example/hook"});
    let hook = api.json(&bearer, "POST", "/api/webhooks", Some(&hook)).json()["id"].as_str().unwrap().to_owned();
    let mut asked = CaseOf::file(&api, (0.0, 0.0), site_request::column());
    asked.step("carrier", "submit", None, json!({}), "submitted");
    let [_, paper] = crate::document::pair(&api, "works", &work);
    for route in ROUTES {
        let ids = [
            ("/api/documents", &paper),
            ("site-requests", &asked.id),
            ("corridors", &corridor),
            ("references", &place),
            ("zones", &zone),
            ("plans", &plan),
            ("accounts", &account),
            ("site-checks", &kept),
            ("webhooks", &hook),
        ];
        let id = ids.iter().find(|(noun, _)| route.path.contains(noun)).map_or(&work, |(_, id)| id);
        let path = route.path.replace("{id}", id).replace("{code}", "office").replace("{noun}", "works");
        let options = api.server.call("", "OPTIONS", &path, None);
        assert_eq!(options.status, 200, "{path}");
        assert!(options.header("allow").unwrap().split(", ").any(|m| m == route.method.as_str()), "{path}");
        if route.path == STREAM {
            let head = api.server.call("", "HEAD", &path, None);
            assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")), "{path}");
        } else if route.path == TRACKING {
            assert_eq!(api.server.get("", &path).status, 404);
        } else if route.method == Method::Get {
            let protected = route.access.is_protected() || route.path.contains("site-requests/items");
            let bearer = if protected { bearer.as_str() } else { "" };
            let get = api.json(bearer, "GET", &path, None);
            assert_eq!(get.status, 200, "{path}: {}", get.text);
            let head = api.json(bearer, "HEAD", &path, None);
            assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        }
        // Who is not who he says he is is refused everywhere, a stranger where one must have signed in.
        let strangers: &[&str] = match route.access {
            Access::SignedIn | Access::Writes(_) | Access::Does(_) => &["", "wrong", FORGED],
            Access::Everyone => &["wrong", FORGED],
            Access::OwnCredentials => &[],
        };
        for stranger in strangers {
            let refused = api.json(stranger, route.method.as_str(), &path, Some(&json!({})));
            assert_eq!(refused.status, 401, "{stranger} {} {path}", route.method.as_str());
        }
        if route.access != Access::OwnCredentials {
            let headers = [("Cookie", "clearway_session=cws_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
            let refused = api.server.send(route.method.as_str(), &path, &headers, Some(b"{}"));
            assert_eq!(refused.status, 401, "{} {path} by a cookie", route.method.as_str());
        }
    }
}

/// Looks like one of ours.
const FORGED: &str = "cwa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Links of the documents lead somewhere.
#[test]
fn every_link_leads_somewhere() {
    let api = Api::new();
    api.work("W", point(0.0, 0.0));
    api.work("W2", point(0.0, 0.0));
    let (mut seen, mut todo) = (BTreeSet::new(), vec!["/".to_owned(), format!("{WORKS}?limit=1")]);
    while let Some(path) = todo.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = api.server.get("", &path);
        assert_eq!(answer.status, 200, "{path}");
        let mut values = vec![answer.json()];
        while let Some(value) = values.pop() {
            match value {
                Json::Array(items) => values.extend(items),
                Json::Object(mut object) => {
                    if let Some(Json::String(href)) = object.get("href") {
                        todo.push(href.strip_prefix(&api.server.base).unwrap().to_owned());
                    }
                    values.extend(object.values_mut().map(Json::take));
                }
                _ => {}
            }
        }
    }
    for path in [
        "/ogc",
        "/ogc/api",
        "/ogc/conformance",
        "/ogc/collections",
        "/ogc/collections/works",
        "/ogc/collections/references",
        WORKS,
        CORRIDORS,
        REFERENCES,
        "/health/ready",
    ] {
        assert!(seen.contains(path), "{path} is linked nowhere");
    }
}

/// Revision, audit events, changes.
fn counts(api: &Api) -> [i64; 3] {
    ["SELECT revision FROM revisions", "SELECT count(*) FROM audit_events", "SELECT count(*) FROM changes"]
        .map(|q| api.sql(q).unwrap().parse().unwrap())
}

#[test]
fn every_mutation_leaves_one_audit_row_and_its_change_in_one_revision() {
    let api = Api::new();
    let mut before = counts(&api);
    for (items, layer, table, own, shape) in [
        (WORKS, "works", "works", mast(), point(0.0, 0.0)),
        (CORRIDORS, "corridors", "corridors", road(), rect(0.0, 0.0, 9.0, 9.0)),
        (REFERENCES, "references", "reference_features", school(), rect(0.0, 0.0, 9.0, 9.0)),
    ] {
        let document = feature(shape, merged(json!({"code": "A-1"}), &own));
        let mut path = items.to_owned();
        for (method, deed, kind, version) in [
            ("POST", "create", "insert", "1"),
            ("PUT", "replace", "update", "2"),
            ("PATCH", "replace", "update", "3"),
            ("DELETE", "delete", "delete", "3"),
        ] {
            let answer = api.on_grid("officer", method, &path, &document);
            assert!((200..300).contains(&answer.status), "{method}: {}", answer.text);
            let request = answer.header("x-request-id").unwrap();
            let after = counts(&api);
            assert_eq!(after, before.map(|n| n + 1), "{method} {items}");
            before = after;
            if method == "POST" {
                path = format!("{items}/{}", answer.json()["id"].as_str().unwrap());
            }
            let id = path.rsplit('/').next().unwrap();
            let event = api.sql(&format!(
                "SELECT concat_ws(' ', actor, organisation, deed, layer, subject, request_id, detail->>'code', \
                detail->>'version', recorded_at > now() - interval '1 minute') FROM audit_events WHERE revision = {}",
                after[0]
            ));
            assert_eq!(
                event.unwrap(),
                format!("officer office {deed} {layer} {id} {request} A-1 {version} t"),
                "{method}"
            );
            let change = api.sql(&format!(
                "SELECT concat_ws(' ', jurisdiction, layer, kind, id, ordinal) FROM changes WHERE revision = {}",
                after[0]
            ));
            assert!(
                change.clone().unwrap().starts_with(&format!("VN-72 {layer} {kind} {id} ")),
                "{method}: {change:?}"
            );
            if method != "DELETE" {
                let row = api.sql(&format!("SELECT revision || ' ' || version FROM {table} WHERE id = '{id}'"));
                assert_eq!(row, Some(format!("{} {version}", after[0])), "{method}");
            }
        }
    }
}

#[test]
fn a_refused_mutation_leaves_nothing() {
    let api = Api::new();
    let id = api.work("A-1", point(0.0, 0.0));
    api.work("A-2", point(0.0, 0.0));
    let path = format!("{WORKS}/{id}");
    let before = counts(&api);
    let ok = feature(point(0.0, 0.0), mast());
    let bad = feature(point(0.0, 0.0), json!({"kind": "tower"}));
    let far = feature(point(900_000.0, 0.0), mast());
    let taken = feature(point(0.0, 0.0), merged(json!({"code": "A-2"}), &mast()));
    for (role, method, path, body, tag, expect) in [
        ("", "POST", WORKS, &ok, None, 401),
        ("planner", "POST", WORKS, &ok, None, 403),
        ("other-carrier", "PUT", path.as_str(), &ok, None, 403),
        ("officer", "POST", WORKS, &bad, None, 422),
        ("officer", "POST", WORKS, &far, None, 422),
        ("officer", "POST", WORKS, &taken, None, 409),
        ("officer", "PUT", &path, &taken, None, 409),
        ("officer", "PUT", &path, &ok, Some("\"9\""), 412),
        ("officer", "PATCH", &path, &bad, None, 422),
        ("carrier", "PATCH", &path, &json!({"properties": {"organisation": "vnpt"}}), None, 403),
        ("other-carrier", "DELETE", &path, &ok, None, 403),
        ("officer", "DELETE", &path, &ok, Some("\"9\""), 412),
    ] {
        let mut headers = vec![("Content-Type", "application/geo+json"), ("Content-Crs", "EPSG:9218")];
        headers.extend(tag.map(|t| ("If-Match", t)));
        let answer = api.send(role, method, path, &headers, Some(body));
        assert_eq!(answer.status, expect, "{role} {method}: {}", answer.text);
        assert_eq!(counts(&api), before, "{role} {method} {expect} left something");
    }
    // A check is no write.
    assert_eq!(api.on_grid("officer", "POST", CHECKS, &point(0.0, 0.0)).status, 200);
    assert_eq!(counts(&api), before);
}

#[test]
fn revisions_have_no_gaps_under_many_writers() {
    const WRITERS: usize = 8;
    const EACH: usize = 6;
    let api = Api::with(|s| s.workers = 4);
    let shared = format!("{WORKS}/{}", api.work("SHARED", point(0.0, 0.0)));
    let first = counts(&api)[0];
    let (api, shared) = (&api, &shared);
    let (stale, done): (usize, usize) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|w| {
                scope.spawn(move || {
                    let (mut stale, mut done) = (0, 0);
                    for n in 0..EACH {
                        api.work(&format!("G-{w}-{n}"), point(0.0, 0.0));
                        let patch = json!({"properties": {"name": format!("{w}-{n}")}});
                        match api.server.call("officer", "PATCH", shared, Some(&patch)).status {
                            200 => done += 1,
                            412 => stale += 1,
                            other => panic!("{other}"),
                        }
                    }
                    (stale, done)
                })
            })
            .collect();
        writers.into_iter().map(|w| w.join().unwrap()).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    });
    assert_eq!(stale + done, WRITERS * EACH);
    assert!(done >= 1);
    let last = counts(api)[0];
    assert_eq!(usize::try_from(last - first).unwrap(), WRITERS * EACH + done, "every commit has its own revision");
    for (table, sql) in [
        ("audit_events", "SELECT count(DISTINCT revision) = max(revision) AND min(revision) = 1 FROM audit_events"),
        ("changes", "SELECT count(DISTINCT revision) + 1 >= max(revision) FROM changes"),
        ("works", "SELECT count(DISTINCT revision) = count(*) FROM works"),
        (
            "order",
            "SELECT bool_and(recorded_at >= before) FROM (SELECT recorded_at, lag(recorded_at) OVER (ORDER BY revision) AS before FROM audit_events) AS e",
        ),
    ] {
        assert_eq!(api.sql(sql), Some("true".into()), "{table}");
    }
    assert_eq!(
        api.server.get("", shared).header("etag"),
        Some(format!("\"{}\"", done + 1).as_str()),
        "no update was lost"
    );
    let check = api.on_grid("", "POST", CHECKS, &point(0.0, 0.0)).json();
    assert_eq!(
        (&check["revision"]["VN-72"], &check["results"][0]["conflict_count"]),
        (&json!(last), &json!(WRITERS * EACH + 1))
    );
    eprintln!(
        "{WRITERS} writers: revisions {first}..{last} without a gap, {done} updates of one feature done, {stale} refused"
    );
}
