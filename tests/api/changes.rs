//! The stream of changes: what is told, to whom, from where, and what becomes of whoever does not listen.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::mem::take;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clearway::actions::{Witness, coverage, jurisdiction};
use clearway::domain::actor::Actor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::domain::layer::Layer;
use clearway::domain::reference::ReferenceKind;
use clearway::geometry::encoding::geojson;
use diesel::prelude::*;
use diesel::sql_types::Text;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};

use crate::following::restore;
use crate::help::{Api, CORRIDORS, ORIGIN, REFERENCES, WORKS, mast, merged, point, rect, school};
use crate::support::{TestServer, run_sql, token, vn72_draft};

/// Long enough for the slowest machine; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A listener on a connection of its own.
pub struct Listener {
    reader: BufReader<TcpStream>,
    /// The id that a browser would send back.
    id: String,
    /// What the first event says.
    first: Json,
}

/// One event.
#[derive(Debug)]
pub struct Event {
    name: String,
    data: Json,
}

impl Listener {
    pub fn open(server: &TestServer, role: &str, query: &str, last: Option<&str>) -> Self {
        let bearer = if role.is_empty() { String::new() } else { token(role) };
        Self::open_with(server, &bearer, query, last)
    }

    pub fn open_with(server: &TestServer, bearer: &str, query: &str, last: Option<&str>) -> Self {
        let (mut listener, status) = Self::ask_with(server, bearer, query, last);
        assert_eq!(status, 200);
        let first = listener.next();
        assert_eq!(first.name, "revision", "{first:?}");
        listener.first = first.data;
        listener
    }

    /// The listener after the head of the answer, and its status.
    fn ask(server: &TestServer, role: &str, query: &str, last: Option<&str>) -> (Self, u16) {
        let bearer = if role.is_empty() { String::new() } else { token(role) };
        Self::ask_with(server, &bearer, query, last)
    }

    fn ask_with(server: &TestServer, bearer: &str, query: &str, last: Option<&str>) -> (Self, u16) {
        let address = server.base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let signed = if bearer.is_empty() { String::new() } else { format!("Authorization: Bearer {bearer}\r\n") };
        let resumed = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        let head = format!("GET /api/changes{query} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\n");
        write!(stream, "{head}{signed}{resumed}\r\n").unwrap();
        let mut listener = Self { reader: BufReader::new(stream), id: String::new(), first: Json::Null };
        let status = listener.line().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        while !listener.line().unwrap().is_empty() {}
        (listener, status)
    }

    /// A line of the answer as it comes over the wire; none at its end.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        (self.reader.read_line(&mut line).unwrap() > 0).then(|| line.trim_end().to_owned())
    }

    /// A line of the stream: that of the wire less what frames its pieces.
    fn told(&mut self) -> Option<String> {
        loop {
            let line = self.line()?;
            // The length of a piece stands on a line of its own, as does the end of one.
            if !line.is_empty() && line.chars().all(|c| c.is_ascii_hexdigit()) {
                if line == "0" {
                    return None;
                }
                continue;
            }
            if let Some(id) = line.strip_prefix("id: ") {
                id.clone_into(&mut self.id);
            }
            return Some(line);
        }
    }

    /// The next event; none when the stream ends.
    pub fn try_next(&mut self) -> Option<Event> {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let line = self.told()?;
            if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data += text;
            } else if line.is_empty() && !data.is_empty() {
                let event = Event { name: take(&mut name), data: serde_json::from_str(&take(&mut data)).unwrap() };
                // It may be midnight there while a test runs.
                if event.data["reason"] != "day" {
                    return Some(event);
                }
            }
        }
    }

    fn next(&mut self) -> Event {
        self.try_next().expect("the stream ended")
    }

    /// The id that comes with the end of what was told up to a revision, of the one jurisdiction listened to.
    fn id_of(&mut self, revision: i64) -> String {
        while self.id.split('@').next() != Some(&revision.to_string()) {
            self.told().unwrap();
        }
        self.id.clone()
    }

    /// The next event, which is a change.
    pub fn change(&mut self) -> Json {
        let event = self.next();
        assert_eq!(event.name, "change", "{event:?}");
        event.data
    }
}

/// `layer code change` of each feature of a change.
fn features(change: &Json) -> Vec<String> {
    let text = |f: &Json| format!("{} {} {}", f["layer"], f["code"], f["change"]).replace('"', "");
    change["features"].as_array().unwrap().iter().map(text).collect()
}

/// `work corridor severity` of each conflict in one of the lists of a change.
fn conflicts(change: &Json, list: &str) -> Vec<String> {
    let text = |c: &Json| format!("{} {} {}", c["work"]["code"], c["corridor"]["code"], c["severity"]).replace('"', "");
    change["conflicts"][list].as_array().unwrap().iter().map(text).collect()
}

fn nothing(change: &Json, lists: &[&str]) {
    for list in lists {
        assert_eq!(conflicts(change, list), Vec::<String>::new(), "{list}: {change}");
    }
}

fn patch(api: &Api, path: &str, id: &str, body: &Json) {
    let done = api.send(
        "officer",
        "PATCH",
        &format!("{path}/{id}"),
        &[("Content-Crs", crate::help::GRID), ("Content-Type", "application/merge-patch+json")],
        Some(body),
    );
    assert_eq!(done.status, 200, "{}", done.text);
}

#[test]
fn a_change_tells_the_conflicts_it_makes_and_ends() {
    let api = Api::new();
    let mut listener = Listener::open(&api.server, "", "?jurisdiction=VN-72", None);
    let road = api.road("ROAD", rect(0.0, 0.0, 1_000.0, 60.0));
    let change = listener.change();
    assert_eq!(features(&change), ["corridors ROAD insert"]);
    nothing(&change, &["created", "changed", "ended"]);

    let work = api.work("MAST", point(500.0, 30.0));
    let change = listener.change();
    assert_eq!(
        (features(&change), conflicts(&change, "created")),
        (vec!["works MAST insert".into()], vec!["MAST ROAD blocks".into()])
    );
    assert_eq!(change["features"][0]["id"], json!(work));
    assert_eq!(change["conflicts"]["created"][0]["corridor"]["id"], json!(road));
    assert_eq!(
        (&change["from"], &change["revision"], &change["jurisdiction"]),
        (&json!(2), &json!(3), &json!("VN-72"))
    );
    assert!(listener.id.starts_with("2@"), "the id follows its event: {}", listener.id);

    // Still in it, elsewhere.
    patch(&api, WORKS, &work, &json!({"geometry": point(600.0, 30.0)}));
    let change = listener.change();
    assert_eq!(features(&change), ["works MAST update"]);
    nothing(&change, &["created", "changed", "ended"]);

    patch(&api, CORRIDORS, &road, &json!({"properties": {"status": "approved"}}));
    let change = listener.change();
    assert_eq!(conflicts(&change, "changed"), ["MAST ROAD warns"]);
    assert_eq!(change["conflicts"]["changed"][0]["severity_before"], json!("blocks"));

    patch(&api, WORKS, &work, &json!({"geometry": point(600.0, 90.0)}));
    assert_eq!(conflicts(&listener.change(), "ended"), ["MAST ROAD warns"]);
    // What must stay free beyond the edge counts, exactly.
    patch(&api, CORRIDORS, &road, &json!({"properties": {"clearance_m": 30.0}}));
    assert_eq!(conflicts(&listener.change(), "created"), ["MAST ROAD warns"]);
    patch(&api, WORKS, &work, &json!({"properties": {"status": "dismantled"}}));
    assert_eq!(conflicts(&listener.change(), "ended"), ["MAST ROAD warns"]);
    patch(&api, WORKS, &work, &json!({"properties": {"status": "in_service"}}));
    assert_eq!(conflicts(&listener.change(), "created"), ["MAST ROAD warns"]);
    let gone = api.send("officer", "DELETE", &format!("{CORRIDORS}/{road}"), &[], None);
    assert_eq!(gone.status, 204, "{}", gone.text);
    let change = listener.change();
    assert_eq!(
        (features(&change), conflicts(&change, "ended")),
        (vec!["corridors ROAD delete".into()], vec!["MAST ROAD warns".into()])
    );
}

/// They are in no pair: what is there is told, and no conflict begins, changes or ends by them.
#[test]
fn reference_features_are_told_and_make_no_conflict() {
    let api = Api::new();
    let road = api.road("ROAD", rect(0.0, 0.0, 1_000.0, 60.0));
    let work = api.work("MAST", point(500.0, 30.0));
    let conflicts_of = |layer: &str, id: &str| {
        let mut answer = api.server.get("officer", &format!("/api/{layer}/{id}/conflicts")).json();
        answer.as_object_mut().unwrap().remove("revision");
        answer
    };
    // The second answer is the one that is kept.
    let before = [conflicts_of("corridors", &road), conflicts_of("works", &work)];
    assert_eq!(before[0]["results"][0]["conflict_count"], 1);
    let [mut all, mut of_layer, mut stranger, mut of_works] =
        [("officer", ""), ("", "&layer=references"), ("", ""), ("officer", "&layer=works")]
            .map(|(role, layer)| Listener::open(&api.server, role, &format!("?jurisdiction=VN-72{layer}"), None));
    let area = || rect(400.0, 0.0, 600.0, 60.0);
    let made = api.add(REFERENCES, area(), merged(json!({"code": "SCHOOL"}), &school()));
    let change = all.change();
    assert_eq!(features(&change), ["references SCHOOL insert"]);
    assert_eq!(change["features"][0]["id"], json!(made));
    assert_eq!(features(&of_layer.change()), ["references SCHOOL insert"]);
    assert_eq!(features(&stranger.change()), ["references SCHOOL insert"]);
    nothing(&change, &["created", "changed", "ended"]);
    patch(&api, REFERENCES, &made, &json!({"geometry": rect(450.0, 0.0, 550.0, 60.0)}));
    patch(&api, REFERENCES, &made, &json!({"properties": {"visibility": "restricted"}}));
    for expect in ["update", "update"] {
        let change = all.change();
        assert_eq!(features(&change), [format!("references SCHOOL {expect}")]);
        nothing(&change, &["created", "changed", "ended"]);
    }
    let secret = merged(json!({"code": "SECRET", "kind": "defence_area", "visibility": "restricted"}), &school());
    api.add(REFERENCES, area(), secret);
    let gone = api.send("officer", "DELETE", &format!("{REFERENCES}/{made}"), &[], None);
    assert_eq!(gone.status, 204, "{}", gone.text);
    for expect in ["references SECRET insert", "references SCHOOL delete"] {
        let change = all.change();
        assert_eq!(features(&change), [expect]);
        nothing(&change, &["created", "changed", "ended"]);
    }
    assert_eq!([conflicts_of("corridors", &road), conflicts_of("works", &work)], before, "what is kept is as it was");
    // Whoever does not see what is hidden hears that it is no longer there for him, and then of what everybody sees.
    api.work("LAST", point(5_000.0, 30.0));
    assert_eq!(features(&of_works.change()), ["works LAST insert"]);
    assert_eq!(features(&stranger.change()), ["references SCHOOL update"]);
    assert_eq!(features(&stranger.change()), ["references SCHOOL delete"]);
    assert_eq!(features(&stranger.change()), ["works LAST insert"]);
}

#[test]
fn declared_coverage_is_told() {
    let api = Api::new();
    let mut listener = Listener::open(&api.server, "", "", None);
    let mut of_corridors = Listener::open(&api.server, "", "?layer=corridors", None);
    let boundary =
        json!({"type": "Polygon", "coordinates": [[[107.6, 11.9], [107.7, 11.9], [107.7, 12.0], [107.6, 11.9]]]});
    let actor = Actor::operator();
    let hospitals = (Layer::References, Some(ReferenceKind::Hospital));
    for (layer, kind) in [(Layer::Works, None), (Layer::Corridors, None), hospitals] {
        let boundary = geojson::geometry(&boundary, 10).unwrap();
        let draft = CoverageDraft { layer, kind, source: "survey".into(), as_of: None, boundary };
        let witness = Witness::new(&actor, "test");
        coverage::declare(&api.database.context(), witness, "VN-72", draft).unwrap();
    }
    let mut told = Vec::new();
    // Revisions that another instance wrote may come as one event.
    while told.len() < 3 {
        told.extend(listener.change()["coverage"].as_array().unwrap().clone());
    }
    told.sort_by_key(ToString::to_string);
    assert_eq!(told, [json!({"layer": "corridors"}), json!({"layer": "references"}), json!({"layer": "works"})]);
    assert_eq!(of_corridors.change()["coverage"], json!([{"layer": "corridors"}]));
}

#[test]
fn who_comes_back_hears_what_was_missed_and_nothing_twice() {
    let api = Api::new();
    let mut listener = Listener::open(&api.server, "", "?jurisdiction=VN-72", None);
    api.work("W-1", point(0.0, 0.0));
    assert_eq!(features(&listener.change()), ["works W-1 insert"]);
    let id = listener.id_of(2);
    drop(listener);
    api.work("W-2", point(10.0, 0.0));
    api.work("W-3", point(20.0, 0.0));
    let (one, of_all) = ("?jurisdiction=VN-72", format!("VN-72={id}"));
    for (query, last) in [(one, &*id), (one, &*of_all), ("", &*of_all), (one, "2"), (one, "VN-72=2"), ("", "VN-72=2")] {
        let mut again = Listener::open(&api.server, "", query, Some(last));
        assert_eq!(features(&again.change()), ["works W-2 insert"], "{query} {last}");
        assert_eq!(features(&again.change()), ["works W-3 insert"], "{query} {last}");
    }
    let mut up_to_date = Listener::open(&api.server, "", "", Some("VN-72=4"));
    api.work("W-4", point(30.0, 0.0));
    assert_eq!(features(&up_to_date.change()), ["works W-4 insert"]);
}

#[test]
fn who_was_with_another_instance_goes_on_here_or_is_told_to_read_again() {
    let api = Api::with(|s| s.refresh_poll_ms = 3_600_000);
    let other = TestServer::start(&api.database);
    api.work("W-1", point(0.0, 0.0));
    // The other may not have heard of it yet, and looks: the listener was told of it already.
    let mut listener = Listener::open(&other, "", "?jurisdiction=VN-72", Some("2"));
    api.work("W-2", point(10.0, 0.0));
    assert_eq!(features(&listener.change()), ["works W-2 insert"]);
    // A number that no instance ever had: of another state of the database.
    let mut lost = Listener::open(&other, "", "?jurisdiction=VN-72", Some("900"));
    let told = lost.next();
    assert_eq!((told.name.as_str(), &told.data["reason"]), ("resync", &json!("missed")), "{told:?}");
    assert_eq!((&told.data["jurisdiction"], &told.data["revision"]), (&json!("VN-72"), &json!(3)));
    // Older than what a server keeps that was started since.
    let late = TestServer::start(&api.database);
    let mut lost = Listener::open(&late, "", "?jurisdiction=VN-72", Some("1"));
    let told = lost.next();
    assert_eq!((told.name.as_str(), &told.data["reason"]), ("resync", &json!("missed")), "{told:?}");
    api.work("W-3", point(20.0, 0.0));
    assert_eq!(features(&lost.change()), ["works W-3 insert"], "it goes on from there");
}

#[test]
fn a_database_that_went_back_is_told() {
    let api = Api::with(|s| s.refresh_poll_ms = 50);
    api.work("W-1", point(0.0, 0.0));
    let mut listener = Listener::open(&api.server, "", "?jurisdiction=VN-72", None);
    run_sql(
        &api.database.url,
        "SET session_replication_role = replica;
         DELETE FROM works; DELETE FROM changes WHERE revision > 1; DELETE FROM audit_events WHERE revision > 1;
         UPDATE revisions SET revision = 1",
    );
    let told = listener.next();
    assert_eq!((told.name.as_str(), &told.data["reason"]), ("resync", &json!("reloaded")), "{told:?}");
    assert_eq!(told.data["revision"], json!(1));
}

#[test]
fn who_was_away_while_the_database_went_back_is_told() {
    let api = Api::new();
    let mut listener = Listener::open(&api.server, "", "?jurisdiction=VN-72", None);
    api.work("OLD-1", point(0.0, 0.0));
    api.work("OLD-2", point(0.0, 0.0));
    let old = [listener.id_of(2), listener.id_of(3)];
    drop(listener);
    restore(&api.database, 1);
    api.work("NEW-1", point(0.0, 0.0));
    let mut listener = Listener::open(&api.server, "", "?jurisdiction=VN-72", None);
    api.work("NEW-2", point(0.0, 0.0));
    let new = listener.id_of(3);
    let again = |query: &str, id: &str| Listener::open(&api.server, "", query, Some(id)).next();
    let resync = |told: Event, revision: i64| {
        assert_eq!((told.name.as_str(), &told.data["reason"]), ("resync", &json!("reloaded")), "{told:?}");
        assert_eq!(told.data["revision"], json!(revision));
    };
    // Where it stands as far as before, and beyond.
    resync(again("?jurisdiction=VN-72", &old[1]), 3);
    api.work("NEW-3", point(0.0, 0.0));
    for id in &old {
        resync(again("?jurisdiction=VN-72", id), 4);
        resync(again("", &format!("VN-72={id}")), 4);
    }
    // Who heard of the new one goes on.
    assert_eq!(features(&again("?jurisdiction=VN-72", &new).data), ["works NEW-3 insert"]);
}

#[test]
fn a_box_is_heard_of_that_the_jurisdiction_came_to_reach() {
    let api = Api::new();
    let mut there = Listener::open(&api.server, "", "?bbox=107.6,13.5,107.8,13.7", None);
    let cable = json!({"type": "LineString", "coordinates": [ORIGIN, [ORIGIN[0], ORIGIN[1] + 200_000.0]]});
    let id = api.work("HERE", point(0.0, 0.0));
    api.work("FAR", cable);
    // Something that every listener hears of ends the waiting.
    bulk(&api, &id, 10_001);
    assert_eq!(features(&there.change()), ["works FAR insert"]);
}

#[test]
fn layers_and_boxes_choose_what_is_told() {
    let api = Api::new();
    let near = "bbox=107.68,11.99,107.70,12.02";
    let mut works = Listener::open(&api.server, "", "?layer=works", None);
    let mut both = Listener::open(&api.server, "", &format!("?layer=works,corridors&{near}"), None);
    let mut roads_far = Listener::open(&api.server, "", "?layer=corridors&bbox=107.5,12.1,107.6,12.2", None);
    api.road("HERE", rect(0.0, 0.0, 500.0, 50.0));
    api.road("FAR", rect(-15_000.0, 15_000.0, -14_500.0, 15_050.0));
    api.work("FAR-MAST", point(-14_900.0, 15_010.0));
    api.work("MAST", point(100.0, 10.0));
    assert_eq!(features(&works.change()), ["works FAR-MAST insert"]);
    let change = works.change();
    assert_eq!(
        (features(&change), conflicts(&change, "created")),
        (vec!["works MAST insert".into()], vec!["MAST HERE blocks".into()])
    );
    assert_eq!(features(&both.change()), ["corridors HERE insert"]);
    assert_eq!(features(&both.change()), ["works MAST insert"]);
    let change = roads_far.change();
    assert_eq!(features(&change), ["corridors FAR insert"]);
    // A conflict is told for the layer whose change it is due to.
    api.road("FAR-2", rect(-15_000.0, 15_000.0, -14_500.0, 15_050.0));
    let change = roads_far.change();
    assert_eq!(
        (features(&change), conflicts(&change, "created")),
        (vec!["corridors FAR-2 insert".into()], vec!["FAR-MAST FAR-2 blocks".into()])
    );
}

#[test]
fn what_is_hidden_is_not_told() {
    let api = Api::new();
    api.road("ROAD", rect(0.0, 0.0, 500.0, 50.0));
    let mut public = Listener::open(&api.server, "", "", None);
    let mut owner = Listener::open(&api.server, "carrier", "", None);
    let mut rival = Listener::open(&api.server, "other-carrier", "", None);
    let hidden = merged(json!({"code": "SECRET", "visibility": "restricted", "position_accuracy_m": 0}), &mast());
    let id = api.add(WORKS, point(100.0, 10.0), hidden);
    let change = owner.change();
    assert_eq!(
        (features(&change), conflicts(&change, "created")),
        (vec!["works SECRET insert".into()], vec!["SECRET ROAD blocks".into()])
    );
    patch(&api, WORKS, &id, &json!({"properties": {"visibility": "carriers"}}));
    let change = rival.change();
    assert_eq!(features(&change), ["works SECRET insert"], "what comes into sight is new");
    assert_eq!(conflicts(&change, "created"), ["SECRET ROAD blocks"]);
    let change = owner.change();
    assert_eq!(features(&change), ["works SECRET update"]);
    nothing(&change, &["created", "changed", "ended"]);
    patch(&api, WORKS, &id, &json!({"properties": {"visibility": "restricted"}}));
    let change = rival.change();
    assert_eq!(
        (features(&change), conflicts(&change, "ended")),
        (vec!["works SECRET delete".into()], vec!["SECRET ROAD blocks".into()])
    );
    // All the public hears of is what it may see.
    api.work("SHOWN", point(200.0, 10.0));
    let change = public.change();
    assert_eq!(
        (features(&change), conflicts(&change, "created")),
        (vec!["works SHOWN insert".into()], vec!["SHOWN ROAD blocks".into()])
    );
    assert!(!change.to_string().contains("SECRET"));
    // Where something hides is not found by drawing boxes, nor what it is called there.
    let shown = change["features"][0]["id"].as_str().unwrap().to_owned();
    let mut there = Listener::open(&api.server, "", "?bbox=107.5,12.1,107.6,12.2", None);
    let hide = json!({"geometry": point(-14_900.0, 15_010.0),
        "properties": {"visibility": "restricted", "code": "HIDDEN-CODE"}});
    patch(&api, WORKS, &shown, &hide);
    let change = public.change();
    assert_eq!(
        (features(&change), conflicts(&change, "ended")),
        (vec!["works SHOWN delete".into()], vec!["SHOWN ROAD blocks".into()])
    );
    assert!(!change.to_string().contains("HIDDEN-CODE"), "{change}");
    api.work("THERE", point(-14_900.0, 15_020.0));
    assert_eq!(features(&there.change()), ["works THERE insert"]);
}

#[test]
fn a_jurisdiction_that_appears_is_told() {
    let api = Api::with(|s| s.refresh_poll_ms = 50);
    let mut listener = Listener::open(&api.server, "", "", None);
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "test");
    let draft = JurisdictionDraft { code: "VN-35".into(), ..vn72_draft() };
    jurisdiction::register(&api.database.context(), witness, draft).unwrap();
    let told = listener.next();
    assert_eq!((told.name.as_str(), &told.data["reason"]), ("resync", &json!("reloaded")), "{told:?}");
    assert_eq!((&told.data["jurisdiction"], &told.data["revision"]), (&json!("VN-35"), &json!(1)));
    // Whoever comes back with what was heard before it appeared is told too.
    let mut back = Listener::open(&api.server, "", "", Some("VN-72=1"));
    // The connection breaks before it hears of that, and it comes back with the id of the first event.
    let mut again = Listener::open(&api.server, "", "", Some(&back.id));
    for listener in [&mut back, &mut again] {
        assert_eq!(listener.first, json!({"revision": {"VN-72": 1}}), "what is not known is not told");
        let told = listener.next();
        assert_eq!((told.name.as_str(), &told.data["jurisdiction"]), ("resync", &json!("VN-35")), "{told:?}");
    }
}

#[test]
fn a_jurisdiction_that_is_no_more_is_told_to_who_heard_of_it() {
    let api = Api::new();
    let mut back = Listener::open(&api.server, "", "", Some("VN-72=1,VN-99=7"));
    let told = back.next();
    assert_eq!((told.name.as_str(), &told.data["reason"]), ("resync", &json!("not_registered")), "{told:?}");
    assert_eq!((&told.data["jurisdiction"], &told.data["revision"]), (&json!("VN-99"), &json!(0)));
    api.work("W-1", point(0.0, 0.0));
    assert_eq!(features(&back.change()), ["works W-1 insert"]);
    let id = back.id.clone();
    assert!(!id.contains("VN-99"), "{id}");
}

#[test]
fn more_than_is_told_one_by_one_is_told_as_such() {
    let api = Api::new();
    let id = api.work("W", point(0.0, 0.0));
    let mut listener = Listener::open(&api.server, "", "", None);
    bulk(&api, &id, 10_001);
    let told = listener.next();
    assert_eq!((told.name.as_str(), &told.data["reason"]), ("resync", &json!("too_many_changes")), "{told:?}");
    bulk(&api, &id, 20);
    assert_eq!(features(&listener.change()).len(), 20);
}

/// Brings in copies of a work, as an import does.
fn bulk(api: &Api, id: &str, count: usize) {
    let columns = "organisation, kind, status, importance, visibility, recorded_crs, recorded_geom, geom, geom_grid";
    commit(
        api,
        &format!(
            "INSERT INTO works (jurisdiction, id, code, version, revision, recorded_at, {columns})
             SELECT jurisdiction, gen_random_uuid(), rpad(gen_random_uuid()::text, 80, 'x'), 1,
                 (SELECT revision FROM revisions), now(), {columns}
             FROM works, generate_series(1, {count}) WHERE id = '{id}'"
        ),
    );
}

/// Commits a bulk change of works, as an import does.
fn commit(api: &Api, change: &str) {
    run_sql(
        &api.database.url,
        &format!(
            "BEGIN; UPDATE revisions SET revision = revision + 1, previous_at = recorded_at, recorded_at = clock_timestamp(); {change};
             INSERT INTO changes SELECT jurisdiction, revision, 1, 'works', 'bulk' FROM revisions;
             INSERT INTO audit_events (jurisdiction, revision, recorded_at, actor, request_id, deed, detail)
             SELECT jurisdiction, revision, recorded_at, 'test', 'test', 'import', '{{}}' FROM revisions;
             SELECT pg_notify('clearway_revisions', 'VN-72'); COMMIT"
        ),
    );
}

#[test]
fn a_listener_that_does_not_listen_is_told_to_read_again_and_cut() {
    let api = Api::with(|s| s.events_kept = 2_500);
    let id = api.work("W", point(0.0, 0.0));
    bulk(&api, &id, 1_999);
    crate::operation::until("all works", || {
        api.server.get("", "/health/ready").json()["jurisdictions"][0]["features"]["works"] == 2_000
    });
    let mut slow = Listener::open(&api.server, "", "", None);
    let mut quick = Listener::open(&api.server, "", "", None);
    // More than the two ends of a connection hold between them, and more than is kept for whoever comes back.
    let (mut events, mut bytes) = (0, 0);
    while bytes < 14_000_000 {
        commit(&api, "UPDATE works SET version = version + 1, revision = (SELECT revision FROM revisions)");
        let change = quick.change();
        assert_eq!(change["features"].as_array().unwrap().len(), 2_000);
        (events, bytes) = (events + 1, bytes + change.to_string().len());
    }
    let mut told = Vec::new();
    while let Some(event) = slow.try_next() {
        told.push(event);
    }
    let last = told.pop().unwrap();
    assert_eq!((last.name.as_str(), &last.data["reason"]), ("resync", &json!("too_slow")), "{last:?}");
    assert_eq!(last.data["jurisdiction"], json!("VN-72"));
    assert!(told.len() < events && told.iter().all(|e| e.name == "change"), "{} of {events}", told.len());
    // Having read everything again it goes on from the state that it was told of.
    assert_eq!(slow.id.split('@').next().unwrap(), format!("VN-72={}", last.data["revision"]));
}

#[test]
fn a_silent_stream_shows_that_it_lives_and_seats_are_limited() {
    let api = Api::with(|s| (s.heartbeat_ms, s.listeners_max) = (20, 2));
    let mut listener = Listener::open(&api.server, "", "?jurisdiction=VN-72", None);
    for _ in 0..3 {
        while listener.told().unwrap() != ":" {}
        let id = listener.told().unwrap();
        assert!(id.starts_with("id: 1@"), "{id}");
    }
    let second = Listener::open(&api.server, "", "", None);
    let refused = api.server.get("", "/api/changes");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")), "{}", refused.text);
    assert_eq!(refused.json()["detail"], "2 listeners are connected already");
    drop(second);
    crate::operation::until("a free seat", || Listener::ask(&api.server, "", "", None).1 == 200);
}

/// A listener that may not see a feature hears nothing of it when it is written; it goes on from there all the same.
#[test]
fn what_is_not_heard_moves_the_place_with_the_heartbeat_alone() {
    let hidden = |api: &Api, code: &str| {
        let own = json!({"code": code, "visibility": "restricted"});
        api.add(WORKS, point(0.0, 0.0), merged(own, &mast()))
    };
    // No heartbeat within this test: whatever comes before the change would be of the hidden works.
    let api = Api::with(|s| s.heartbeat_ms = 3_600_000);
    let mut officer = Listener::open(&api.server, "officer", "", None);
    let mut public = Listener::open(&api.server, "", "?jurisdiction=VN-72", None);
    for n in 0..4 {
        hidden(&api, &format!("SECRET-{n}"));
        assert_eq!(features(&officer.change()), [format!("works SECRET-{n} insert")]);
    }
    api.work("SHOWN", point(0.0, 0.0));
    let told = std::iter::from_fn(|| public.told()).find(|line| !line.is_empty());
    assert_eq!(told.as_deref(), Some("event: change"), "nothing is told of what is hidden");
    assert_eq!(features(&public.next().data), ["works SHOWN insert"]);
    assert!(public.id_of(6).starts_with("6@"));

    // Hidden works are written faster than the heart beats, which they neither hasten nor put off.
    let api = Api::with(|s| s.heartbeat_ms = 500);
    let mut public = Listener::open(&api.server, "", "?jurisdiction=VN-72", None);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // It comes to an end, also where the reader below fails.
            for n in 0..300 {
                hidden(&api, &format!("SECRET-{n}"));
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let mut last = String::new();
        let place = |id: &str| id.split('@').next().and_then(|number| number.parse::<i64>().ok());
        while place(&public.id).is_none_or(|revision| revision < 2) {
            let line = public.told().unwrap();
            assert!(!line.starts_with("id: ") || last == ":", "{line} after «{last}»");
            last = line;
        }
        done.store(true, Ordering::Relaxed);
    });
    // Who heard of it goes on.
    let mut again = Listener::open(&api.server, "", "?jurisdiction=VN-72", Some(&public.id));
    api.work("SHOWN", point(0.0, 0.0));
    assert_eq!(features(&again.change()), ["works SHOWN insert"]);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let api = Api::new();
    for (query, last, parameter, detail) in [
        ("?layer=roads", None, "layer", "«roads» is not a layer; known are works, corridors, references"),
        ("?jurisdiction=VN-99", None, "jurisdiction", "«VN-99» is not registered"),
        ("?bbox=1,2,3", None, "bbox", "has 3 numbers; write west,south,east,north (or six, with heights)"),
        ("?from=3", None, "from", "is not known here; known are jurisdiction, layer, bbox"),
        ("", Some("118"), "Last-Event-ID", "«118» is no id of this stream; send back the last one heard"),
        (
            "?jurisdiction=VN-72",
            Some("x"),
            "Last-Event-ID",
            "«x» is no id of this stream; send back the last one heard",
        ),
    ] {
        let headers: Vec<(&str, &str)> = last.map(|l| ("Last-Event-ID", l)).into_iter().collect();
        let refused = api.server.send("GET", &format!("/api/changes{query}"), &headers, None);
        assert_eq!(refused.status, 400, "{query}: {}", refused.text);
        assert_eq!(refused.json()["detail"], json!(format!("parameter «{parameter}»: {detail}")), "{query}");
    }
    assert_eq!(Listener::ask(&api.server, "", "", Some("VN-72=\u{e9}")).1, 400, "what is no text is no id");
    assert_eq!(api.send("", "GET", "/api/changes", &[("Authorization", "Bearer nobody")], None).status, 401);
}

#[derive(QueryableByName)]
struct PairRow {
    #[diesel(sql_type = Text)]
    pair: String,
}

/// Every conflict that counts today, by PostGIS.
fn by_postgis(api: &Api) -> BTreeSet<String> {
    let rows: Vec<PairRow> = diesel::sql_query(
        "SELECT w.code || ' ' || c.code AS pair FROM works AS w JOIN corridors AS c ON c.jurisdiction = w.jurisdiction \
         AND ST_DWithin(w.geom_grid, c.geom_grid, coalesce(c.clearance_m, 0) + w.position_accuracy_m) \
         WHERE w.status NOT IN ('dismantled', 'relocated', 'abandoned') \
         AND c.status NOT IN ('completed', 'cancelled', 'realigned')",
    )
    .load(&mut api.database.connect())
    .unwrap();
    rows.into_iter().map(|row| row.pair).collect()
}

/// Whoever adds what is created and takes away what is ended has at every moment just the conflicts there are.
#[test]
fn the_conflicts_told_add_up_to_those_there_are() {
    let step = (0..4_u8, 0..12_usize, 0..40_u8, 0..40_u8, 0..6_u8);
    let steps = prop::collection::vec(step, 40);
    TestRunner::new(Config { cases: 2, failure_persistence: None, ..Config::default() })
        .run(&steps, |steps| {
            let api = Api::new();
            let mut listener = Listener::open(&api.server, "", "", None);
            let mut known: BTreeSet<String> = BTreeSet::new();
            let mut ids: Vec<Option<(&str, String)>> = vec![None; 12];
            for (n, (deed, which, x, y, size)) in steps.into_iter().enumerate() {
                let (x, y, size) = (f64::from(x) * 10.0, f64::from(y) * 10.0, f64::from(size) * 20.0);
                let is_work = which % 2 == 0;
                let shape = if is_work { point(x, y) } else { rect(x, y, x + size + 5.0, y + 30.0) };
                match (deed, ids[which].clone()) {
                    (0, Some((path, id))) => {
                        assert_eq!(api.send("officer", "DELETE", &format!("{path}/{id}"), &[], None).status, 204);
                        ids[which] = None;
                    }
                    (1, Some((path, id))) => {
                        let word = match (is_work, n % 3) {
                            (true, 0) => "dismantled",
                            (true, _) => "in_service",
                            (false, 0) => "completed",
                            (false, 1) => "approved",
                            (false, _) => "in_force",
                        };
                        patch(&api, path, &id, &json!({"properties": {"status": word}}));
                    }
                    (_, Some((path, id))) => patch(&api, path, &id, &json!({"geometry": shape})),
                    (_, None) if is_work => {
                        let accuracy = json!({"code": format!("W{which}-{n}"), "position_accuracy_m": size / 10.0});
                        ids[which] = Some((WORKS, api.add(WORKS, shape, merged(accuracy, &mast()))));
                    }
                    (_, None) => {
                        let own = json!({"code": format!("C{which}-{n}"), "clearance_m": size / 4.0});
                        ids[which] = Some((CORRIDORS, api.add(CORRIDORS, shape, merged(own, &crate::help::road()))));
                    }
                }
                let change = listener.change();
                let pair = |text: &String| text.rsplit_once(' ').unwrap().0.to_owned();
                for ended in conflicts(&change, "ended").iter().map(pair) {
                    assert!(known.remove(&ended), "{ended} ended and was none: {change}");
                }
                for created in conflicts(&change, "created").iter().map(pair) {
                    assert!(known.insert(created.clone()), "{created} was one already: {change}");
                }
                assert_eq!(known, by_postgis(&api), "after step {n}: {change}");
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_stream_is_what_it_says_it_is() {
    let api = Api::new();
    let address = api.server.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /api/changes HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip, br\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    for line in ["content-type: text/event-stream\r\n", "cache-control: no-store\r\n", "x-accel-buffering: no\r\n"] {
        assert!(head.contains(line), "{head}");
    }
    assert!(!head.contains("gzip") && !head.contains("content-encoding: br"), "{head}");
}

/// A stream outlives many requests; what its listener signed in with is looked at again before each piece.
#[test]
fn whoever_may_less_than_before_hears_no_more() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let admin = crate::people::admin();
    let path = format!("/api/accounts/{id}");
    for (n, (method, path, body)) in [
        ("DELETE", "/api/sessions/current", None),
        ("PATCH", path.as_str(), Some(json!({"roles": ["inspector"]}))),
        ("PATCH", path.as_str(), Some(json!({"disabled": true}))),
    ]
    .into_iter()
    .enumerate()
    {
        let (access, _) = api.sign_in("nga");
        let mut hers = Listener::open_with(&api.server, &access, "", None);
        let mut others = Listener::open(&api.server, "officer", "", None);
        api.work(&format!("BEFORE-{n}"), point(0.0, 0.0));
        assert_eq!(features(&hers.change()), [format!("works BEFORE-{n} insert")]);
        let bearer = if method == "DELETE" { &access } else { &admin };
        assert!(api.json(bearer, method, path, body.as_ref()).status < 300);
        api.work(&format!("AFTER-{n}"), point(0.0, 0.0));
        assert!(hers.try_next().is_none(), "{method} {path}");
        for when in ["BEFORE", "AFTER"] {
            assert_eq!(features(&others.change()), [format!("works {when}-{n} insert")]);
        }
    }
}
