//! Each role by each door of the route table by each visibility: what the permission table says is seen is seen, and what
//! is not is absent alike, whatever is asked. A new route belongs to no [`Door`] and fails here until somebody says what
//! it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use clearway::domain::actor::{PERMISSIONS, Role};
use clearway::domain::layer::Layer;
use clearway::domain::word::{Visibility, Word};
use clearway::http::routes::{Method, ROUTES, Route};
use serde_json::{Value as Json, json};

use crate::changes::Listener;
use crate::document;
use crate::help::{Api, CHECKS, CORRIDORS, GRID, REFERENCES, WORKS, feature, mast, merged, point, rect, road, school};
use crate::plan::ZONES;
use crate::restricted_reads;
use crate::rules::{ask, load, pack};
use crate::support::{Response, token};

pub const GEOJSON: &str = "application/geo+json";

/// No feature has it.
pub const ABSENT: &str = "01920000-0000-7000-8000-000000000000";

/// Who asks: the token of the settings, what it may be, whose it is, and whether that holds in VN-72.
pub struct Person {
    pub token: &'static str,
    pub role: Option<Role>,
    pub organisation: Option<&'static str>,
    pub here: bool,
}

const fn person(token: &'static str, role: Role, organisation: Option<&'static str>) -> Person {
    Person { token, role: Some(role), organisation, here: true }
}

pub const PEOPLE: &[Person] = &[
    Person { token: "", role: None, organisation: None, here: true },
    person("administrator", Role::Administrator, None),
    person("officer", Role::Officer, Some("office")),
    person("planner", Role::Planner, Some("office")),
    person("approver", Role::Approver, Some("committee")),
    person("carrier", Role::Carrier, Some("viettel")),
    person("other-carrier", Role::Carrier, Some("vnpt")),
    person("project_owner", Role::ProjectOwner, Some("roads-board")),
    person("consultee", Role::Consultee, Some("army")),
    person("inspector", Role::Inspector, Some("office")),
    person("auditor", Role::Auditor, Some("office")),
    Person { token: "officer-elsewhere", role: Some(Role::Officer), organisation: Some("office"), here: false },
];

/// Owners of features: nobody's of those who ask, and each of theirs.
const OWNERS: &[&str] = &["somebody-else", "viettel", "office", "committee", "roads-board", "army"];

const LAYERS: [Layer; 3] = [Layer::Works, Layer::Corridors, Layer::References];

/// Rules by which site checks rest on each of them.
const SITE_RULES: [&str; 4] = [
    "site.spacing.urban_m 500",
    "site.spacing.elsewhere_m 500",
    "site.sensitive.distance_m 80",
    "site.duplicate.distance_m 50",
];

/// Those whose features can be in conflict.
const PAIRED: [Layer; 2] = [Layer::Works, Layer::Corridors];

struct Stored {
    layer: Layer,
    code: String,
    id: String,
    visibility: Visibility,
    owner: &'static str,
    /// An original of the office, which is not addressed to the owner, and its redacted copy; none where it holds none.
    documents: Option<[String; 2]>,
}

impl Stored {
    /// By the table, and not by the code that reads it.
    fn is_seen_by(&self, person: &Person) -> bool {
        let row = person.role.and_then(|role| PERMISSIONS.iter().find(|p| p.role == role));
        self.visibility == Visibility::Public
            || person.here && row.is_some_and(|p| p.sees.contains(&self.visibility))
            || person.organisation == Some(self.owner)
    }
}

struct World {
    api: Api,
    all: Vec<Stored>,
}

fn items(layer: Layer) -> &'static str {
    match layer {
        Layer::Works => WORKS,
        Layer::Corridors => CORRIDORS,
        Layer::References => REFERENCES,
    }
}

impl World {
    /// A work, a corridor and a reference feature of each visibility and owner, all at one place; what everybody sees comes
    /// last.
    fn new() -> Self {
        let api = Api::new();
        load(&api, &pack("1", &SITE_RULES));
        // What is written from here on is told one by one.
        ask(&api, "POST", CHECKS, Some(&point(5.0, 5.0)));
        let mut all = Vec::new();
        for (visibility, word) in Visibility::ALL.iter().rev() {
            for owner in OWNERS {
                for layer in LAYERS {
                    let code = format!("{layer}-{word}-{owner}");
                    let (base, shape) = match layer {
                        Layer::Works => (mast(), point(5.0, 5.0)),
                        Layer::Corridors => (road(), rect(0.0, 0.0, 10.0, 10.0)),
                        // A reference layer each.
                        Layer::References => (merged(json!({"dataset": code}), &school()), rect(1.0, 1.0, 9.0, 9.0)),
                    };
                    let own = json!({"code": code, "visibility": word, "organisation": owner});
                    let id = api.add(items(layer), shape, merged(own, &base));
                    let documents = PAIRED.contains(&layer).then(|| document::pair(&api, layer.as_str(), &id));
                    all.push(Stored { layer, code, id, visibility: *visibility, owner, documents });
                }
            }
        }
        Self { api, all }
    }

    fn seen(&self, person: &Person, layer: Layer) -> BTreeSet<String> {
        let all = self.all.iter().filter(|s| s.layer == layer && s.is_seen_by(person));
        all.map(|s| s.code.clone()).collect()
    }

    fn of(&self, person: &Person, layers: &[Layer]) -> BTreeSet<String> {
        layers.iter().flat_map(|layer| self.seen(person, *layer)).collect()
    }
}

/// What a door shows of features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Door {
    /// A page of them.
    Items(Layer),
    /// One by its id.
    Item(Layer),
    /// Writes one.
    Write(Layer),
    /// The conflicts of one.
    Conflicts(Layer),
    /// Its versions.
    History(Layer),
    /// Conflicts of a drawn shape.
    Check,
    /// The same, line by line.
    Batch,
    /// What changes.
    Stream,
    /// How many there are.
    Counts,
    /// How many there are for everybody.
    Metrics,
    /// The names of reference layers, where they come from, and how many features they have.
    ReferenceLayers,
    /// The same to everybody, whatever is registered.
    Alike,
    /// What stands round a place for a column: evidence names features.
    Site,
    /// What was answered of a place is the organisation's that asked (`tests/site_checks`).
    Runs,
    /// What carriers ask for is theirs and the government's (`site_request.rs`).
    Requests,
    /// Plans, which are the government's until they are published (`plan.rs`), with their zones and checks.
    Plans,
    /// What is known of the documents of one.
    Documents,
    /// Adds a document to one.
    Adds,
    /// A document of one, or what is in it.
    Document,
    /// Who may sign in: no feature is named, none is counted.
    People,
}

/// The layer that a path is about.
pub fn layer_of(path: &str) -> Layer {
    LAYERS.into_iter().find(|layer| path.contains(layer.as_str())).unwrap_or(Layer::Corridors)
}

pub fn door(route: &Route) -> Door {
    use Method::{Get, Post};
    let layer = layer_of(route.path);
    match (route.method, route.path) {
        (Get, WORKS | CORRIDORS | REFERENCES) => Door::Items(layer),
        (
            Get,
            "/ogc/collections/works/items/{id}"
            | "/ogc/collections/corridors/items/{id}"
            | "/ogc/collections/references/items/{id}",
        ) => Door::Item(layer),
        (_, path) if [WORKS, CORRIDORS, REFERENCES].iter().any(|items| path.starts_with(items)) => Door::Write(layer),
        (Get, "/api/works/{id}/conflicts" | "/api/corridors/{id}/conflicts") => Door::Conflicts(layer),
        (Get, "/api/works/{id}/history" | "/api/corridors/{id}/history" | "/api/references/{id}/history") => {
            Door::History(layer)
        }
        (Get, "/api/reference-layers") => Door::ReferenceLayers,
        (Get, "/api/{noun}/{id}/documents") => Door::Documents,
        (Post, "/api/{noun}/{id}/documents") => Door::Adds,
        (Get, "/api/documents/{id}" | "/api/documents/{id}/content") => Door::Document,
        (Post, CHECKS) => Door::Check,
        (Post, "/api/site-checks" | "/api/site-checks/batch" | "/api/site-search") => Door::Site,
        (_, path) if path.starts_with("/api/site-checks") => Door::Runs,
        (_, path) if path.contains("site-requests") => Door::Requests,
        (Get, "/api/inbox" | "/api/inbox.ics" | "/api/tracking/{receipt}") => Door::Requests,
        (_, path) if path.starts_with("/api/plans") || path.starts_with("/api/zones") || path.starts_with(ZONES) => {
            Door::Plans
        }
        (Post, "/api/conflict-checks/batch") => Door::Batch,
        (Get, "/api/changes") => Door::Stream,
        (Get, "/health/ready") => Door::Counts,
        (Get, "/metrics") => Door::Metrics,
        (
            Get,
            "/"
            | "/health/live"
            | "/ogc"
            | "/ogc/conformance"
            | "/ogc/api"
            | "/ogc/collections"
            | "/ogc/collections/works"
            | "/ogc/collections/corridors"
            | "/ogc/collections/references"
            | "/ogc/collections/zones"
            | "/api/coverage"
            | "/api/rules"
            | "/api/calendar",
        ) => Door::Alike,
        (_, path)
            if ["/api/sessions", "/api/account", "/api/tokens", "/api/organisations", "/api/webhooks"]
                .iter()
                .any(|p| path.starts_with(p)) =>
        {
            Door::People
        }
        (method, path) => panic!("{} {path}: say here what it shows of features", method.as_str()),
    }
}

/// A column, or where one is looked for.
pub fn column(path: &str) -> Json {
    let more = if path.ends_with("search") { json!({"radius_m": 100}) } else { json!({}) };
    let properties = merged(json!({"height_agl_m": 42, "column_class": "A2b"}), &more);
    json!({"type": "Feature", "geometry": point(5.0, 5.0), "properties": properties})
}

fn codes(list: &Json, at: &str) -> BTreeSet<String> {
    let all: Vec<String> =
        list.as_array().unwrap().iter().map(|f| f.pointer(at).unwrap().as_str().unwrap().to_owned()).collect();
    let set: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len(), "{all:?}");
    set
}

/// The codes of a result, and what was counted of each layer.
fn checked(answer: &Json) -> (BTreeSet<String>, BTreeMap<String, u64>) {
    let result = &answer["results"][0];
    let found = codes(&result["conflicts"], "/code");
    assert_eq!(result["conflict_count"], found.len());
    let counts = answer["checked"].as_array().unwrap().iter();
    (found, counts.map(|c| (c["layer"].as_str().unwrap().to_owned(), c["features"].as_u64().unwrap())).collect())
}

impl World {
    fn counts(&self, person: &Person, layers: &[Layer]) -> BTreeMap<String, u64> {
        layers.iter().map(|l| (l.to_string(), self.seen(person, *l).len() as u64)).collect()
    }

    /// What a site check, a batch or a search shows: nothing that is hidden.
    fn site(&self, person: &Person, path: &str, what: &str) {
        let (api, role) = (&self.api, person.token);
        let media = if path.ends_with("/batch") { "application/x-ndjson" } else { GEOJSON };
        let headers = [("Content-Type", media), ("Content-Crs", GRID)];
        let answer = api.send(role, "POST", path, &headers, Some(&column(path)));
        assert!([200, 201].contains(&answer.status), "{what}: {}", answer.text);
        let hidden = self.all.iter().filter(|s| !s.is_seen_by(person));
        for s in hidden {
            assert!(!answer.text.contains(&s.id) && !answer.text.contains(&s.code), "{what} {}", s.code);
        }
        // What is seen is shown: there is a rule for it.
        if !path.ends_with("search") {
            for s in self.all.iter().filter(|s| s.is_seen_by(person)) {
                assert!(answer.text.contains(&s.id), "{what} {}", s.code);
            }
        }
    }

    fn shows(&self, person: &Person, route: &Route, alike: &mut BTreeMap<&'static str, String>) {
        let (api, role) = (&self.api, person.token);
        let what = format!("{role} {}", route.path);
        let drawn = point(5.0, 5.0);
        match door(route) {
            Door::Items(layer) => {
                let mut next = Some(format!("{}?limit=4", route.path));
                let mut paged = BTreeSet::new();
                while let Some(path) = next {
                    let page = api.server.get(role, &path).json();
                    let part = codes(&page["features"], "/properties/code");
                    assert_eq!(page["numberReturned"], part.len(), "{what}");
                    paged.extend(part);
                    let links = page["links"].as_array().unwrap().iter();
                    let link = links.filter(|l| l["rel"] == "next").find_map(|l| l["href"].as_str());
                    next = link.map(|href| href.strip_prefix(&api.server.base).unwrap().to_owned());
                    if let Some((_, after)) = next.as_ref().and_then(|n| n.split_once("after=")) {
                        let named = self.all.iter().find(|s| after.starts_with(&s.id)).unwrap();
                        assert!(named.is_seen_by(person), "{what}: the next page names {}", named.code);
                    }
                }
                assert_eq!(paged, self.seen(person, layer), "{what}");
                let boxed = format!("{}?bbox=107,11,109,13&jurisdiction=VN-72&limit=100", route.path);
                let page = api.server.get(role, &boxed).json();
                assert_eq!(codes(&page["features"], "/properties/code"), self.seen(person, layer), "{what}");
            }
            Door::Item(layer) => {
                for s in self.all.iter().filter(|s| s.layer == layer) {
                    let answer = api.server.get(role, &route.path.replace("{id}", &s.id));
                    let told = answer.status == 200 && answer.json()["properties"]["code"] == s.code;
                    let expect = s.is_seen_by(person);
                    assert_eq!((answer.status == 200, told), (expect, expect), "{what} {}: {}", s.code, answer.status);
                }
            }
            Door::Conflicts(layer) => {
                let other = if layer == Layer::Works { Layer::Corridors } else { Layer::Works };
                let expect = self.seen(person, other);
                for s in self.all.iter().filter(|s| s.layer == layer) {
                    let path = format!("{}?against={other}", route.path.replace("{id}", &s.id));
                    let answer = api.server.get(role, &path);
                    if !s.is_seen_by(person) {
                        assert_eq!(answer.status, 404, "{what} {}", s.code);
                        continue;
                    }
                    let (found, counts) = checked(&answer.json());
                    assert_eq!(found, expect, "{what} {}", s.code);
                    assert_eq!(counts[other.as_str()], expect.len() as u64, "{what} {}", s.code);
                    let map = api.send(role, "GET", &path, &[("Accept", GEOJSON)], None).json();
                    assert_eq!(codes(&map["features"], "/properties/code"), expect, "{what} {}", s.code);
                }
            }
            Door::History(layer) => {
                for s in self.all.iter().filter(|s| s.layer == layer) {
                    let answer = api.server.get(role, &route.path.replace("{id}", &s.id));
                    let expect = if s.is_seen_by(person) { 200 } else { 404 };
                    assert_eq!(answer.status, expect, "{what} {}: {}", s.code, answer.text);
                    assert!(expect == 404 || answer.json()["versions"].as_array().unwrap().len() == 1, "{what}");
                }
            }
            Door::Check => {
                let path = format!("{}?against=works,corridors", route.path);
                let (found, counts) = checked(&api.on_grid(role, "POST", &path, &drawn).json());
                assert_eq!((found, counts), (self.of(person, &PAIRED), self.counts(person, &PAIRED)), "{what}");
                let headers = [("Accept", GEOJSON), ("Content-Type", GEOJSON), ("Content-Crs", GRID)];
                let map = api.send(role, "POST", &path, &headers, Some(&drawn)).json();
                assert_eq!(codes(&map["features"], "/properties/code"), self.of(person, &PAIRED), "{what}");
            }
            Door::Batch => {
                let path = format!("{}?against=works,corridors", route.path);
                let headers = [("Content-Type", "application/x-ndjson"), ("Content-Crs", GRID)];
                let (found, counts) = checked(&api.send(role, "POST", &path, &headers, Some(&drawn)).json());
                assert_eq!((found, counts), (self.of(person, &PAIRED), self.counts(person, &PAIRED)), "{what}");
            }
            Door::Stream => self.streams(person, &what),
            Door::Counts => {
                let features = api.server.get(role, route.path).json()["jurisdictions"][0]["features"].clone();
                assert_eq!(features, json!(self.counts(person, &LAYERS)), "{what}");
            }
            Door::Metrics => {
                let text = api.server.get(role, route.path).text;
                for (visibility, word) in Visibility::ALL {
                    let counted = text.contains(&format!("visibility=\"{word}\""));
                    assert_eq!(counted, *visibility == Visibility::Public, "{what}: {word}");
                }
            }
            Door::ReferenceLayers => {
                let listed = api.server.get(role, route.path).json()["layers"].clone();
                assert_eq!(codes(&listed, "/dataset"), self.seen(person, Layer::References), "{what}");
                assert!(listed.as_array().unwrap().iter().all(|l| l["features"] == 1), "{what}: {listed}");
            }
            Door::Alike => {
                let text = api.server.get(role, route.path).text;
                assert!(!self.all.iter().any(|s| text.contains(&s.id) || text.contains(&s.code)), "{what}: {text}");
                assert_eq!(alike.entry(route.path).or_insert_with(|| text.clone()), &text, "{what}");
            }
            Door::Site => self.site(person, route.path, &what),
            Door::Documents | Door::Document => self.documents(person, route, &what),
            Door::Adds | Door::Write(_) | Door::People | Door::Runs | Door::Requests | Door::Plans => {}
        }
    }

    /// Redacted copies are shown with what holds them, originals of the office to the office and to whoever sees everything.
    fn documents(&self, person: &Person, route: &Route, what: &str) {
        for s in &self.all {
            let Some([original, copy]) = &s.documents else { continue };
            let row = person.role.and_then(|role| PERMISSIONS.iter().find(|p| p.role == role));
            let all = person.here && row.is_some_and(|p| p.sees.contains(&Visibility::Restricted));
            let reads = [(original, all || person.organisation == Some("office")), (copy, true)];
            let reads = reads.map(|(id, reads)| (id, reads && s.is_seen_by(person)));
            if door(route) == Door::Documents {
                let path = route.path.replace("{noun}", s.layer.as_str()).replace("{id}", &s.id);
                let answer = self.api.server.get(person.token, &path);
                assert_eq!(answer.status, if s.is_seen_by(person) { 200 } else { 404 }, "{what} {}", s.code);
                for (id, reads) in reads {
                    assert_eq!(answer.text.contains(&format!("\"id\":\"{id}\"")), reads, "{what} {}", s.code);
                }
            } else {
                for (id, reads) in reads {
                    let answer = self.api.server.get(person.token, &route.path.replace("{id}", id));
                    assert_eq!(answer.status, if reads { 200 } else { 404 }, "{what} {}", s.code);
                }
            }
        }
    }

    /// Everything restricted that those who ask are shown at each door: actor, door, layer and id.
    fn restricted_reads(&self) -> BTreeSet<String> {
        let mut reads = BTreeSet::new();
        for (person, route) in PEOPLE.iter().flat_map(|p| ROUTES.iter().map(move |r| (p, r))) {
            let layers: &[Layer] = match door(route) {
                Door::Items(layer) | Door::Item(layer) | Door::History(layer) => &[layer],
                // The one asked about, and those in conflict with it.
                // Of documents by the redacted copy, at least. That one adds to what one sees is told by its event, and by this.
                Door::Conflicts(_) | Door::Check | Door::Batch | Door::Documents | Door::Document => &PAIRED,
                // At a site: land that the place lies in, columns and schools nearer than the rules let them be.
                Door::Stream | Door::Site => &LAYERS,
                // Of a write its event says who did it; a layer and a count are no feature.
                Door::Runs
                | Door::Requests
                | Door::Plans
                | Door::Adds
                | Door::Write(_)
                | Door::Counts
                | Door::Metrics
                | Door::ReferenceLayers
                | Door::Alike
                | Door::People => &[],
            };
            let shown = self.all.iter().filter(|s| s.visibility == Visibility::Restricted && s.is_seen_by(person));
            let shown = shown.filter(|s| layers.contains(&s.layer));
            reads.extend(shown.map(|s| format!("{} {} {} {}", person.token, route.path, s.layer, s.id)));
        }
        reads
    }

    /// All that was written since the rules were loaded, told to somebody who has heard of nothing yet.
    fn streams(&self, person: &Person, what: &str) {
        let mut listener = Listener::open(&self.api.server, person.token, "?jurisdiction=VN-72", Some("2"));
        let (mut told, expect) = (BTreeSet::new(), self.of(person, &LAYERS));
        let last = &self.all.last().unwrap().code;
        while !told.contains(last) {
            let change = listener.change();
            for f in change["features"].as_array().unwrap() {
                told.insert(f["code"].as_str().unwrap().to_owned());
            }
            for list in ["created", "changed", "ended"] {
                for conflict in change["conflicts"][list].as_array().unwrap() {
                    for side in ["work", "corridor"] {
                        let code = conflict[side]["code"].as_str().unwrap();
                        assert!(expect.contains(code), "{what}: a conflict names {code}");
                    }
                }
            }
        }
        assert_eq!(told, expect, "{what}");
    }
}

#[test]
fn every_door_shows_each_role_what_the_table_says() {
    for (_, text) in Role::ALL {
        assert!(PEOPLE.iter().any(|p| p.role.is_some_and(|r| r.as_str() == *text)), "{text} asks for nothing");
    }
    let world = World::new();
    let mut alike = BTreeMap::new();
    // Those who ask do so at once.
    let told = thread::scope(|scope| {
        let all = |some: &'static [Person], world: &World| {
            let mut alike = BTreeMap::new();
            for (person, route) in some.iter().flat_map(|person| ROUTES.iter().map(move |route| (person, route))) {
                world.shows(person, route, &mut alike);
            }
            alike
        };
        let (some, world) = (PEOPLE.chunks(PEOPLE.len().div_ceil(4)), &world);
        let some: Vec<_> = some.map(|some| scope.spawn(move || all(some, world))).collect();
        some.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    for (path, text) in told.into_iter().flatten() {
        assert_eq!(alike.entry(path).or_insert_with(|| text.clone()), &text, "{path}");
    }
    // With nothing registered they said the same.
    let (empty, base) = (Api::new(), &world.api.server.base);
    load(&empty, &pack("1", &SITE_RULES));
    for (path, text) in &alike {
        let before = empty.server.get("", path).text.replace(&empty.server.base, base);
        assert_eq!(without_moments(&before), without_moments(text), "{path} tells that there are features");
    }
    let hidden: usize = PEOPLE.iter().map(|p| world.all.len() - world.of(p, &LAYERS).len()).sum();
    eprintln!("{} who ask, {} doors, {} features, {hidden} times hidden", PEOPLE.len(), ROUTES.len(), world.all.len());
    // Whoever was shown what is restricted left it at that door, and nothing else was left.
    let expect = world.restricted_reads();
    let Api { server, database } = world.api;
    drop(server);
    assert_eq!(restricted_reads::left(&database), expect);
}

/// A text without the moments at which something was recorded.
fn without_moments(text: &str) -> String {
    let mut parts = text.split("\"recorded_at\":\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once('"').unwrap().1)
}

/// All of an answer but what is new in each: the id of the request, the moment, and the id that was asked for; and whether the
/// connection is kept, which says whether a body that nobody reads had arrived by then.
pub fn shown(answer: &Response, id: &str) -> (u16, Vec<(String, String)>, String) {
    let request = answer.header("x-request-id").unwrap_or("no id of the request").to_owned();
    let clean = |text: &str| text.replace(id, "ID").replace(&request, "REQUEST");
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(n, _)| !["date", "connection"].contains(&n.as_str()))
        .map(|(n, v)| (n.clone(), clean(v)))
        .collect();
    for (name, value) in &mut headers {
        // These are kept as a set, whose order says nothing.
        if name == "access-control-expose-headers" {
            let mut names: Vec<&str> = value.split(", ").collect();
            names.sort_unstable();
            *value = names.join(", ");
        }
    }
    headers.sort();
    (answer.status, headers, clean(&answer.text))
}

/// Ways to ask: each must be refused before or after it is known that there is something, but never otherwise.
#[allow(clippy::type_complexity)] // method, headers, body
pub fn ways() -> Vec<(&'static str, Vec<(&'static str, &'static str)>, Option<String>)> {
    let document = feature(point(1.0, 1.0), merged(json!({"visibility": "public"}), &mast())).to_string();
    let land = feature(rect(0.0, 0.0, 9.0, 9.0), merged(json!({"visibility": "public"}), &road())).to_string();
    let place = feature(rect(0.0, 0.0, 9.0, 9.0), merged(json!({"visibility": "public"}), &school())).to_string();
    let wrong = json!({"type": "Feature", "geometry": null, "properties": {"kind": "none such"}}).to_string();
    let grid = ("Content-Crs", GRID);
    let media = ("Content-Type", GEOJSON);
    vec![
        ("", vec![], None),
        ("", vec![media, grid], Some(document.clone())),
        ("", vec![media, grid], Some(land)),
        ("", vec![media, grid], Some(place)),
        ("", vec![media], Some(wrong)),
        ("", vec![media], Some("{".into())),
        ("", vec![media], Some(json!({"id": ABSENT}).to_string())),
        ("", vec![("Content-Type", "text/plain")], Some("x".into())),
        ("", vec![media, grid, ("If-Match", "\"1\"")], Some(document.clone())),
        ("", vec![media, grid, ("If-Match", "\"7\"")], Some(document.clone())),
        ("", vec![media, ("If-Match", "none")], Some(document)),
        ("", vec![("If-None-Match", "\"1\"")], None),
        ("", vec![("Accept", GEOJSON), ("Min-Revision", "VN-72=1")], None),
        ("", vec![media, ("Content-Crs", "EPSG:0")], Some("{}".into())),
        ("", vec![media], Some(json!({"properties": {"visibility": "public"}}).to_string())),
        ("?nonsense=1", vec![], None),
        ("?kind=other&name=a.txt", vec![("Content-Type", "text/plain")], Some("x".into())),
        (
            "?kind=other&name=a.txt",
            vec![("Content-Type", "text/plain"), ("Repr-Digest", "sha-256=:eA==:")],
            Some("x".into()),
        ),
        ("?as-of=2020-01-01T00:00:00Z", vec![], None),
        ("?before=1", vec![], None),
        ("?before=99", vec![], None),
    ]
}

impl World {
    /// What is hidden from somebody answers as one that is not there, at every door and however he asks; how often that was so.
    fn hides(&self, person: &Person) -> usize {
        let (api, mut compared) = (&self.api, 0);
        for route in ROUTES.iter().filter(|r| r.path.contains("{id}")) {
            let layers: &[Layer] = match door(route) {
                Door::Item(layer) | Door::Write(layer) | Door::Conflicts(layer) | Door::History(layer) => &[layer],
                Door::Documents | Door::Adds => &PAIRED,
                _ => continue,
            };
            for layer in layers.iter().copied() {
                let hidden: Vec<_> = self.all.iter().filter(|s| s.layer == layer && !s.is_seen_by(person)).collect();
                // The most secret one, and the one that is least so.
                let ends = [(hidden.first(), usize::MAX), (hidden.last(), 2)];
                for (id, some) in ends.into_iter().filter_map(|(s, some)| Some((s?.id.as_str(), some))) {
                    for (query, headers, body) in ways().into_iter().take(some) {
                        let bearer = format!("Bearer {}", token(person.token));
                        let mut headers: Vec<(&str, &str)> = headers.clone();
                        if !person.token.is_empty() {
                            headers.push(("Authorization", &bearer));
                        }
                        let method = route.method.as_str();
                        let [there, not_there] = [id, ABSENT].map(|id| {
                            let path = route.path.replace("{id}", id).replace("{noun}", layer.as_str());
                            let path = format!("{path}{query}");
                            // The document names an id of its own: that of nothing.
                            shown(&api.server.send(method, &path, &headers, body.as_ref().map(String::as_bytes)), id)
                        });
                        let what = format!("{} {method} {}{query} {headers:?} {body:?}", person.token, route.path);
                        if body.as_ref().is_some_and(|b| b.contains(ABSENT)) {
                            // Of the address itself it is no contradiction; whatever is said of it, nothing is found.
                            // Whoever has not the permission of the route hears of nothing else.
                            let at_the_gate = (there.0 == 403 || door(route) == Door::Adds) && there == not_there;
                            assert!(matches!(there.0, 401 | 404 | 422) || at_the_gate, "{what}: {there:?}");
                            continue;
                        }
                        assert_eq!(there, not_there, "{what}");
                        assert!(there.0 >= 400, "{what}: {there:?}");
                        compared += 1;
                    }
                }
            }
        }
        compared
    }
}

#[test]
fn a_hidden_feature_answers_as_one_that_is_not_there() {
    let world = World::new();
    let api = &world.api;
    let counts = || {
        let all = "SELECT concat_ws(' ', (SELECT count(*) FROM audit_events), (SELECT count(*) FROM changes),
            (SELECT sum(version) FROM works), (SELECT sum(version) FROM corridors),
            (SELECT sum(version) FROM reference_features))";
        api.sql(all).unwrap()
    };
    let before = counts();
    // Those who ask do so at once.
    let compared: usize = thread::scope(|scope| {
        let some = PEOPLE.chunks(PEOPLE.len().div_ceil(4));
        let some: Vec<_> =
            some.map(|some| scope.spawn(|| some.iter().map(|person| world.hides(person)).sum::<usize>())).collect();
        some.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(counts(), before, "nothing of it changed anything");
    eprintln!("{compared} pairs of answers, each alike but for the id asked for");
}
