//! Each role by each door to site checks that are kept, by who asked and by who may see by now what the answer rests on. As in
//! `matrix.rs` the doors are those of the route table, and what is not seen is absent alike.

use std::collections::BTreeSet;

use clearway::domain::actor::PERMISSIONS;
use clearway::domain::word::{Visibility, Word};
use clearway::http::routes::{Method, ROUTES, Route};
use serde_json::{Value as Json, json};

use crate::help::{Api, GRID, WORKS, feature, mast, merged, point};
use crate::matrix::{ABSENT, Door, GEOJSON, PEOPLE, Person, door, shown};
use crate::rules::{load, pack};

const KEPT: &str = "/api/site-checks";

/// By whose tokens they were asked.
const ASKERS: [&str; 7] =
    ["administrator", "officer", "inspector", "carrier", "other-carrier", "project_owner", "consultee"];

/// Owners of what it rests on: nobody's of those who ask, and one's.
const OWNERS: [&str; 2] = ["somebody-else", "vnpt"];

/// A site check that is kept, and the mast that its answer rests on.
struct Run {
    id: String,
    asker: &'static Person,
    owner: &'static str,
    visibility: Visibility,
}

impl Run {
    /// By the permission table: what it rests on is seen; and it was asked for his organisation by somebody who sees no more than
    /// he does, or he sees everything there.
    fn is_seen_by(&self, person: &Person) -> bool {
        let (seen, by_asker) = (sees(person), sees(self.asker));
        let ground = seen.contains(&self.visibility) || person.organisation == Some(self.owner);
        let own = person.organisation.is_some() && person.organisation == self.asker.organisation;
        let as_much = by_asker.iter().all(|visibility| seen.contains(visibility));
        person.role.is_some() && ground && (own && as_much || seen.contains(&Visibility::Restricted))
    }
}

/// What somebody sees of others.
fn sees(person: &Person) -> Vec<Visibility> {
    let row = person.role.filter(|_| person.here).and_then(|role| PERMISSIONS.iter().find(|p| p.role == role));
    [Visibility::Public].into_iter().chain(row.iter().flat_map(|p| p.sees).copied()).collect()
}

/// Each asked while everybody saw all of it.
fn runs(api: &Api) -> Vec<Run> {
    load(api, &pack("1", &["site.spacing.urban_m 500", "site.spacing.elsewhere_m 500"]));
    let mut all = Vec::new();
    let places = Visibility::ALL.iter().flat_map(|v| OWNERS.map(|owner| (v, owner)));
    for (n, ((visibility, word), owner)) in (0_u32..).zip(places) {
        let east = f64::from(n) * 2_000.0;
        let facts = json!({"code": format!("{word}-{owner}"), "organisation": owner, "visibility": "public",
            "position_accuracy_m": 0});
        let mast = api.add(WORKS, point(east + 60.0, 0.0), merged(facts, &mast()));
        let column = feature(point(east, 0.0), json!({"height_agl_m": 42, "column_class": "A2b"}));
        for asker in ASKERS {
            let headers = [("Content-Type", GEOJSON), ("Content-Crs", GRID)];
            let asked = api.send(asker, "POST", KEPT, &headers, Some(&column));
            assert_eq!(asked.status, 201, "{asker}: {}", asked.text);
            assert!(asked.text.contains(&mast), "{asker} {word}: {}", asked.text);
            let id = asked.json()["results"][0]["id"].as_str().unwrap().to_owned();
            let asker = PEOPLE.iter().find(|person| person.token == asker).unwrap();
            all.push(Run { id, asker, owner, visibility: *visibility });
        }
        let change = json!({"properties": {"visibility": word}});
        let headers = [("Content-Type", "application/merge-patch+json")];
        let changed = api.send("officer", "PATCH", &format!("{WORKS}/{mast}"), &headers, Some(&change));
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
    all
}

/// All pages of the list; none names what is hidden, not even by where the next one begins.
fn listed(api: &Api, person: &Person, all: &[Run]) -> Option<BTreeSet<String>> {
    let (mut found, mut next) = (BTreeSet::new(), Some(format!("{KEPT}?limit=5")));
    while let Some(path) = next {
        let page = api.server.get(person.token, &path);
        let hidden = all.iter().filter(|run| !run.is_seen_by(person)).find(|run| page.text.contains(&run.id));
        assert!(hidden.is_none(), "{} {path}: {}", person.token, page.text);
        if page.status != 200 {
            assert_eq!((page.status, person.role), (401, None), "{}", page.text);
            return None;
        }
        let page = page.json();
        for run in page["site_checks"].as_array().unwrap() {
            assert!(found.insert(run["id"].as_str().unwrap().to_owned()), "{path}: twice");
        }
        next = page["next"].as_str().map(|after| format!("{KEPT}?limit=5&after={after}"));
    }
    Some(found)
}

fn asks(api: &Api, person: &Person, route: &Route, id: &str) -> (u16, Vec<(String, String)>, String) {
    let waiver = json!({"code": "SPC", "reason": "a test of every role"});
    let body: Option<&Json> = Some(&waiver).filter(|_| route.method == Method::Post);
    let headers = [("Content-Type", "application/json")];
    let path = route.path.replace("{id}", id);
    shown(&api.send(person.token, route.method.as_str(), &path, &headers, body), id)
}

#[test]
fn every_door_to_kept_site_checks_shows_each_role_what_it_may_see_by_now() {
    let api = Api::new();
    let all = runs(&api);
    let counts = "SELECT concat_ws(' ', (SELECT count(*) FROM site_checks), (SELECT count(*) FROM site_check_waivers))";
    let before = api.sql(counts);
    let doors: Vec<&Route> = ROUTES.iter().filter(|route| door(route) == Door::Runs).collect();
    assert!(doors.len() >= 4, "the list, one, its replay, and its waivers");
    let (mut seen, mut hidden) = (0, 0);
    for (person, route) in PEOPLE.iter().flat_map(|person| doors.iter().map(move |route| (person, *route))) {
        let what = format!("{} {} {}", person.token, route.method.as_str(), route.path);
        if !route.path.contains("{id}") {
            let expect: BTreeSet<String> =
                all.iter().filter(|run| run.is_seen_by(person)).map(|run| run.id.clone()).collect();
            assert_eq!(listed(&api, person, &all).unwrap_or_default(), expect, "{what}");
            continue;
        }
        let absent = asks(&api, person, route, ABSENT);
        assert_eq!(absent.0, if person.role.is_some() { 404 } else { 401 }, "{what}: {}", absent.2);
        for run in &all {
            let told = asks(&api, person, route, &run.id);
            let of = format!("{what}: asked by {}, rests on {} of {}", run.asker.token, run.visibility, run.owner);
            if run.is_seen_by(person) {
                // No rule lets anybody waive it.
                assert_eq!(told.0, if route.method == Method::Post { 403 } else { 200 }, "{of}: {}", told.2);
                seen += 1;
            } else {
                assert_eq!(told, absent, "{of}");
                hidden += 1;
            }
        }
    }
    assert_eq!(api.sql(counts), before, "nothing of it changed anything");
    eprintln!(
        "{} who ask, {} doors, {} runs: {seen} times seen, {hidden} times hidden",
        PEOPLE.len(),
        doors.len(),
        all.len()
    );
}
