//! Each role by each door to cases, plans and people by what there is of them: drafts, what was handed in, what somebody is asked or
//! was, what is published, accounts. As in `matrix.rs` the doors are those of the route table, and what is not seen is absent alike.

use std::collections::BTreeSet;
use std::thread;

use clearway::domain::actor::{Duty, PERMISSIONS, Permission};
use clearway::domain::word::Visibility;
use clearway::http::routes::{Access, Method, ROUTES, Route};
use serde_json::{Value as Json, json};

use crate::document;
use crate::help::{Api, CORRIDORS, WORKS, merged, point, rect, road};
use crate::history::{moment, revision};
use crate::matrix::{ABSENT, Door, PEOPLE, Person, door, shown, ways};
use crate::plan::{ZONES, committee};
use crate::site_request::{CaseOf, REQUESTS, column};
use crate::site_request_story::with_rules;
use crate::support::token;

/// What holds what is looked for, as paths write it.
const NOUNS: [&str; 5] = ["site-requests", "plans", "zones", "accounts", "webhooks"];

/// Where all of a noun is listed.
const LISTS: [&str; 5] = [REQUESTS, "/api/plans", ZONES, "/api/accounts", "/api/webhooks"];

/// Something that is there for some.
struct Thing {
    nouns: &'static str,
    id: String,
    /// Who sees it, by the permission table.
    seen: fn(&Person) -> bool,
    /// Who is told where it is.
    placed: fn(&Person) -> bool,
    /// Who reads it as it was.
    past: fn(&Person) -> bool,
    /// An original of the office, and its redacted copy.
    documents: Option<[String; 2]>,
}

fn row(person: &Person) -> Option<&'static Permission> {
    person.role.filter(|_| person.here).and_then(|role| PERMISSIONS.iter().find(|p| p.role == role))
}

fn of_government(person: &Person) -> bool {
    row(person).is_some_and(|p| p.sees.contains(&Visibility::Government))
}

fn keeps_people(person: &Person) -> bool {
    row(person).is_some_and(|p| p.duties.contains(&Duty::Accounts))
}

/// By the permission table, wherever it is.
fn admits(access: Access, person: &Person) -> bool {
    let may = |duty| PERMISSIONS.iter().any(|p| person.role == Some(p.role) && p.duties.contains(&duty));
    match access {
        Access::Does(duty) => may(duty),
        _ => !access.is_protected() || person.role.is_some(),
    }
}

fn is_of(person: &Person, organisations: &[&str]) -> bool {
    person.organisation.is_some_and(|own| organisations.contains(&own))
}

struct World {
    api: Api,
    /// When all of it was there.
    moment: String,
    all: Vec<Thing>,
}

impl World {
    /// A request as a draft, one that was submitted, one about which two are asked, of whom one has answered; a plan that is drawn
    /// and one that is published; an account and a webhook.
    fn new() -> Self {
        let api = with_rules(Api::with_people());
        committee(&api);
        let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b", "position_accuracy_m": 0});
        api.add(WORKS, point(60.0, 0.0), tower);
        let land = merged(json!({"code": "R", "status": "announced", "visibility": "government"}), &road());
        api.add(CORRIDORS, rect(-9.0, -9.0, 9.0, 9.0), land);
        let filed = |code: &str| CaseOf::file(&api, (0.0, 0.0), merged(json!({"code": code}), &column()));
        let (draft, mut submitted, mut asked) = (filed("Q-DRAFT"), filed("Q-SUBMITTED"), filed("Q-ASKED"));
        for case in [&mut submitted, &mut asked] {
            case.step("carrier", "submit", None, json!({}), "submitted");
        }
        asked.step("officer", "accept", None, json!({}), "accepted");
        asked.step("officer", "check", None, json!({}), "checking");
        asked.step("officer", "consult", None, json!({}), "consulting");
        asked.step("other-carrier", "answer", None, json!({"answer": "agree"}), "consulting");
        let [submitted, asked] = [submitted, asked].map(|case| {
            let papers = document::pair(&api, "site-requests", &case.id);
            (case.id, Some(papers))
        });
        let draft = draft.id;
        let [drawn, published] = ["P-DRAWN", "P-PUBLISHED"].map(|code| api.plan(code, 1));
        api.published(&published, "2026-01-01", json!(null));
        let checked = api.send("officer", "POST", &format!("/api/plans/{drawn}/checks"), &[], None);
        assert!([200, 201].contains(&checked.status), "{}", checked.text);
        let zone = |plan: &str| api.zones("officer", &format!("plan={plan}"))[0]["id"].as_str().unwrap().to_owned();
        let (zone_drawn, zone_published) = (zone(&drawn), zone(&published));
        let account = api.account("nga", "office", &["officer"]);
        let hook = json!({"organisation": "office", "url": "https://a.example/hook"});
        let made = api.json(&token("administrator"), "POST", "/api/webhooks", Some(&hook));
        let hook = made.json()["id"].as_str().unwrap().to_owned();
        let thing =
            |nouns, id, seen: fn(&Person) -> bool| Thing { nouns, id, seen, placed: seen, past: seen, documents: None };
        let all = vec![
            thing("site-requests", draft, |p| is_of(p, &["viettel"])),
            Thing {
                documents: submitted.1,
                ..thing("site-requests", submitted.0, |p| of_government(p) || is_of(p, &["viettel"]))
            },
            Thing {
                documents: asked.1,
                placed: |p| of_government(p) || is_of(p, &["viettel", "roads-board"]),
                past: |p| of_government(p) || is_of(p, &["viettel"]),
                ..thing("site-requests", asked.0, |p| of_government(p) || is_of(p, &["viettel", "vnpt", "roads-board"]))
            },
            thing("plans", drawn, of_government),
            thing("plans", published, |_| true),
            thing("zones", zone_drawn, of_government),
            thing("zones", zone_published, |_| true),
            thing("accounts", account, keeps_people),
            thing("webhooks", hook, keeps_people),
        ];
        let moment = moment(&api, revision(&api));
        Self { api, moment, all }
    }

    fn of(&self, nouns: &str) -> impl Iterator<Item = &Thing> {
        self.all.iter().filter(move |thing| thing.nouns == nouns)
    }

    /// What a door that is read shows somebody.
    fn shows(&self, person: &Person, route: &Route) {
        let what = format!("{} {}", person.token, route.path);
        let get = |path: &str| self.api.server.get(person.token, path);
        let hides = |text: &str| {
            for thing in self.all.iter().filter(|thing| !(thing.seen)(person)) {
                assert!(!text.contains(&thing.id), "{what} names one of the {}: {text}", thing.nouns);
            }
        };
        if route.path.contains("{noun}") {
            for thing in self.all.iter().filter(|thing| thing.documents.is_some()) {
                let path = route.path.replace("{noun}", thing.nouns).replace("{id}", &thing.id);
                self.documents(person, thing, &path, &what);
            }
            return;
        }
        if door(route) == Door::Document {
            for thing in &self.all {
                let Some([original, copy]) = &thing.documents else { continue };
                for (id, reads) in reads(person, thing, [original, copy]) {
                    assert_eq!(get(&route.path.replace("{id}", id)).status == 200, reads, "{what} {}", thing.id);
                }
            }
            return;
        }
        if route.path.contains("{id}") {
            for thing in self.of(nouns_of(route)) {
                let answer = get(&route.path.replace("{id}", &thing.id));
                // What was checked of a plan is the government's, published or not.
                let seen = if route.path.ends_with("/checks") { of_government } else { thing.seen };
                let expect = admits(route.access, person) && seen(person);
                assert_eq!(answer.status == 200, expect, "{what} {}: {}", thing.id, answer.text);
                // What is refused says again which it was that was asked for.
                hides(&answer.text.replace(&thing.id, ""));
                if route.parameters.contains(&"as-of") {
                    let path = format!("{}?as-of={}", route.path.replace("{id}", &thing.id), self.moment);
                    let then = get(&path);
                    assert_eq!(then.status == 200, (thing.past)(person), "{what} {}: {}", thing.id, then.text);
                    hides(&then.text.replace(&thing.id, ""));
                }
            }
            return;
        }
        let path = route.path.replace("{receipt}", "VN-72-2026-000001");
        let answer = get(&path);
        hides(&answer.text);
        if LISTS.contains(&route.path) {
            let expect: BTreeSet<&str> =
                self.of(nouns_of(route)).filter(|t| (t.seen)(person)).map(|t| t.id.as_str()).collect();
            let listed = get(&format!("{path}?limit=100"));
            hides(&listed.text);
            let document = if listed.status == 200 { listed.json() } else { json!({}) };
            let members = ["features", "plans", "accounts", "webhooks"];
            let all: Vec<&Json> = members.iter().filter_map(|m| document[*m].as_array()).flatten().collect();
            assert_eq!(all.iter().filter_map(|one| one["id"].as_str()).collect::<BTreeSet<_>>(), expect, "{what}");
            assert_eq!(all.len(), expect.len(), "{what}");
        }
        if route.path.starts_with("/ogc/") && LISTS.contains(&route.path) {
            let boxed = get(&format!("{path}?limit=100&bbox=107,11,109,13"));
            let placed = self.of(nouns_of(route)).filter(|t| (t.placed)(person)).count();
            assert_eq!(boxed.json()["numberReturned"], placed, "{what}: in a box");
        }
        if route.path == "/api/inbox" && answer.status == 200 {
            let counted: i64 = answer.json()["counts"].as_object().unwrap().values().filter_map(Json::as_i64).sum();
            let expect = self.of("site-requests").filter(|t| (t.seen)(person)).count();
            assert_eq!(usize::try_from(counted), Ok(expect), "{what}: counted");
        }
    }

    fn documents(&self, person: &Person, thing: &Thing, path: &str, what: &str) {
        let answer = self.api.server.get(person.token, path);
        assert_eq!(answer.status == 200, (thing.seen)(person), "{what} {}", thing.id);
        let [original, copy] = thing.documents.as_ref().unwrap();
        for (id, reads) in reads(person, thing, [original, copy]) {
            assert_eq!(answer.text.contains(&format!("\"id\":\"{id}\"")), reads, "{what} {}", thing.id);
        }
    }

    /// What is hidden from somebody answers as one that is not there, by whatever method he asks of a door and however.
    fn is_absent(&self, person: &Person, route: &Route) -> usize {
        let is_held = |thing: &&Thing| ["site-requests", "plans"].contains(&thing.nouns);
        let of_route = |thing: &&Thing| {
            if route.path.contains("{noun}") { is_held(thing) } else { thing.nouns == nouns_of(route) }
        };
        let hidden: Vec<&Thing> = self.all.iter().filter(of_route).filter(|thing| !(thing.seen)(person)).collect();
        let bearer = format!("Bearer {}", token(person.token));
        let mut compared = 0;
        let ends = [(hidden.first(), usize::MAX), (hidden.get(1), 2)];
        for (thing, some) in ends.into_iter().filter_map(|(thing, some)| Some((thing?, some))) {
            for (query, mut headers, body) in ways().into_iter().take(some) {
                if !person.token.is_empty() {
                    headers.push(("Authorization", &bearer));
                }
                let [there, not_there] = [thing.id.as_str(), ABSENT].map(|id| {
                    let path = route.path.replace("{id}", id).replace("{noun}", thing.nouns) + query;
                    let body = body.as_ref().map(String::as_bytes);
                    shown(&self.api.server.send(route.method.as_str(), &path, &headers, body), id)
                });
                let what = format!("{} {} {}{query} {headers:?}", person.token, route.method.as_str(), route.path);
                assert_eq!(there, not_there, "{what}");
                assert!(there.0 >= 400, "{what}: {there:?}");
                compared += 1;
            }
        }
        compared
    }
}

/// Whether somebody reads the original, and the copy: whoever is told where it is reads the latter.
fn reads<'d>(person: &Person, thing: &Thing, [original, copy]: [&'d String; 2]) -> [(&'d String, bool); 2] {
    let all = row(person).is_some_and(|p| p.sees.contains(&Visibility::Restricted));
    let placed = (thing.placed)(person);
    [(original, placed && (all || is_of(person, &["office"]))), (copy, placed)]
}

/// The noun that a path is about.
fn nouns_of(route: &Route) -> &'static str {
    let found = NOUNS.into_iter().rev().find(|nouns| route.path.contains(nouns));
    found.unwrap_or_else(|| panic!("{}: of what is it", route.path))
}

/// The doors to cases, plans and people, and to the documents of what holds some.
fn doors() -> impl Iterator<Item = &'static Route> {
    let is_one = |route: &&Route| {
        matches!(
            door(route),
            Door::Requests | Door::Plans | Door::People | Door::Documents | Door::Document | Door::Adds
        )
    };
    // What is one's own alone names nothing that others have.
    let own = ["/api/sessions", "/api/account", "/api/tokens"];
    let is_own = move |path: &str| own.iter().any(|own| path == *own || path.starts_with(&format!("{own}/")));
    ROUTES.iter().filter(is_one).filter(move |route| !is_own(route.path))
}

#[test]
fn every_door_to_cases_plans_and_people_shows_each_role_what_the_table_says() {
    let world = World::new();
    let events = || world.api.sql("SELECT count(*) FROM audit_events").unwrap();
    let before = events();
    let there: BTreeSet<&str> = doors().map(|route| route.path).collect();
    assert!(LISTS.iter().all(|list| there.contains(list)), "{there:?}");
    let halves = PEOPLE.chunks(PEOPLE.len().div_ceil(4));
    let compared: usize = thread::scope(|scope| {
        let halves: Vec<_> = halves
            .map(|people| {
                let world = &world;
                scope.spawn(move || {
                    let mut compared = 0;
                    for (person, route) in people.iter().flat_map(|p| doors().map(move |route| (p, route))) {
                        if route.method == Method::Get {
                            world.shows(person, route);
                        }
                        let named = route.path.contains("{id}") && door(route) != Door::Document;
                        compared += if named { world.is_absent(person, route) } else { 0 };
                    }
                    compared
                })
            })
            .collect();
        halves.into_iter().map(|half| half.join().unwrap()).sum()
    });
    assert_eq!(events(), before, "nothing of it changed anything");
    eprintln!("{} who ask, {} doors, {} pairs of answers", PEOPLE.len(), doors().count(), compared);
}
