//! A code is unique among what its writer sees; what he does not see takes none from him, and so tells him nothing.

use clearway::actions::Witness;
use clearway::actions::import::{ImportOptions, ImportReport, Observer, OnError, Rejected, Row, import};
use clearway::domain::actor::{Actor, Role};
use clearway::domain::corridor::Corridor;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::place::Delivered;
use clearway::domain::work::Work;
use clearway::geometry::{Epsg, Geometry};
use clearway::store::records::Records;
use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, ORIGIN, WORKS, feature, mast, merged, point, rect, road};

/// Remembers what was rejected.
#[derive(Default)]
struct Remembering(Vec<String>);

impl Observer for Remembering {
    fn rejected(&mut self, rejected: &Rejected) {
        self.0.extend(rejected.problems.iter().map(|p| format!("{}: {}", p.pointer, p.detail)));
    }
    fn read(&mut self, _: u64) {}
    fn digest(&mut self) -> String {
        "none".into()
    }
}

pub fn actor(role: Role, organisation: &str) -> Actor {
    let jurisdictions = Some(vec!["VN-72".to_owned()]);
    Actor { name: "importer".into(), organisation: Some(organisation.into()), roles: vec![role], jurisdictions }
}

/// Imports one record whose members are texts, as an actor.
pub fn imported<T: Records>(api: &Api, actor: &Actor, said: &[(&str, &str)]) -> (ImportReport, Vec<String>) {
    let options = ImportOptions {
        jurisdiction: Some("VN-72".into()),
        organisation: None,
        on_error: OnError::Skip,
        outside_skips: false,
        dry_run: false,
    };
    let at = Geometry::Point(ORIGIN.into());
    let shape = if T::WORD == "work" {
        at
    } else {
        Geometry::Polygon(geo_types::Rect::new(ORIGIN, ORIGIN.map(|c| c + 5.0)).to_polygon())
    };
    let fields = said.iter().map(|(name, text)| ((*name).to_owned(), Value::Text((*text).to_owned()))).collect();
    let row = Row {
        number: 1,
        place: "row 1".into(),
        shape_at: "/geometry",
        filled: Vec::new(),
        content: Ok((Fields(fields), Ok(Delivered { shape, crs: Epsg(9218) }))),
    };
    let mut observer = Remembering::default();
    let report = import::<T>(
        &api.database.context(),
        Witness::new(actor, "test"),
        &options,
        &mut [row].into_iter(),
        &mut observer,
    );
    (report.unwrap(), observer.0)
}

fn work(code: &str, owner: &str, visibility: &str) -> Json {
    feature(point(0.0, 0.0), merged(json!({"code": code, "organisation": owner, "visibility": visibility}), &mast()))
}

fn corridor(code: &str, owner: &str, visibility: &str) -> Json {
    let said = json!({"code": code, "organisation": owner, "visibility": visibility});
    feature(rect(0.0, 0.0, 5.0, 5.0), merged(said, &road()))
}

#[test]
fn a_hidden_code_is_free_and_a_seen_one_is_taken() {
    let api = Api::new();
    let write = |role: &str, items: &str, document: &Json| api.on_grid(role, "POST", items, document);
    for (code, visibility) in [("HIDDEN", "restricted"), ("OFFICIAL", "government"), ("SHARED", "carriers")] {
        assert_eq!(write("officer", WORKS, &work(code, "vnpt", visibility)).status, 201);
    }
    // Viettel sees neither of the first two: its answers are those of a code that nobody has.
    for (code, expect) in [("FREE", 201), ("HIDDEN", 201), ("OFFICIAL", 201), ("SHARED", 409)] {
        let answer = write("carrier", WORKS, &work(code, "viettel", "public"));
        assert_eq!(answer.status, expect, "{code}: {}", answer.text);
    }
    assert!(write("carrier", WORKS, &work("SHARED", "viettel", "public")).text.contains("SHARED"));
    // Also by the way of a change, and of an import.
    let own = write("carrier", WORKS, &work("OWN", "viettel", "public")).json()["id"].as_str().unwrap().to_owned();
    let rename =
        |code: &str| api.on_grid("carrier", "PUT", &format!("{WORKS}/{own}"), &work(code, "viettel", "public")).status;
    assert_eq!(write("officer", WORKS, &work("HIDDEN-2", "vnpt", "restricted")).status, 201);
    assert_eq!((rename("HIDDEN-2"), rename("SHARED"), rename("HIDDEN-2")), (200, 409, 200));
    assert_eq!(write("officer", WORKS, &work("HIDDEN-3", "vnpt", "restricted")).status, 201);
    let viettel = actor(Role::Carrier, "viettel");
    for (code, expect) in [("HIDDEN-3", 1), ("SHARED", 0)] {
        let (report, problems) =
            imported::<Work>(&api, &viettel, &[("code", code), ("kind", "mast"), ("organisation", "viettel")]);
        assert_eq!((report.inserted, problems.len()), (expect, 1 - usize::try_from(expect).unwrap()), "{problems:?}");
    }
    // Who sees both may keep both, and give neither's code to a third; each is still found and changed by its id.
    assert_eq!(write("officer", WORKS, &work("HIDDEN", "mobifone", "public")).status, 409);
    let ids = api.sql("SELECT string_agg(id::text, ' ') FROM works WHERE code = 'HIDDEN'").unwrap();
    assert_eq!(ids.split(' ').count(), 2);
    for id in ids.split(' ') {
        let owner = api.sql(&format!("SELECT organisation FROM works WHERE id = '{id}'")).unwrap();
        let mut document = work("HIDDEN", &owner, if owner == "vnpt" { "restricted" } else { "public" });
        document["properties"]["name"] = "seen".into();
        let changed = api.on_grid("officer", "PUT", &format!("{WORKS}/{id}"), &document);
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
}

#[test]
fn a_code_of_several_features_means_the_owners_or_none() {
    let api = Api::new();
    for (role, document) in [("officer", work("X", "vnpt", "restricted")), ("carrier", work("X", "viettel", "public"))]
    {
        assert_eq!(api.on_grid(role, "POST", WORKS, &document).status, 201);
    }
    let office = actor(Role::Officer, "office");
    let row = |owner| [("code", "X"), ("kind", "mast"), ("name", "imported"), ("organisation", owner)];
    let named = |owner: &str| api.sql(&format!("SELECT name FROM works WHERE code = 'X' AND organisation = '{owner}'"));
    let (report, problems) = imported::<Work>(&api, &office, &row("viettel"));
    assert_eq!((report.updated, problems), (1, vec![]));
    assert_eq!((named("viettel"), named("vnpt")), (Some("imported".into()), None));
    let (report, problems) = imported::<Work>(&api, &office, &row("mobifone"));
    assert_eq!((report.stored, report.inserted), (false, 0));
    assert!(problems[0].contains("several features"), "{problems:?}");
    // Each carrier goes on with its own.
    for (owner, name) in [("vnpt", "restricted"), ("viettel", "public")] {
        let (report, problems) = imported::<Work>(
            &api,
            &actor(Role::Carrier, owner),
            &[("code", "X"), ("kind", "mast"), ("organisation", owner), ("name", name)],
        );
        assert_eq!((report.updated, problems), (1, vec![]), "{owner}");
        assert_eq!(named(owner).as_deref(), Some(name));
    }
}

#[test]
fn nobody_hides_a_feature_from_himself() {
    let api = Api::new();
    let write = |document: &Json| api.on_grid("planner", "POST", CORRIDORS, document);
    assert_eq!(write(&corridor("SEEN", "roads-board", "government")).status, 201);
    assert_eq!(write(&corridor("OWN", "office", "restricted")).status, 201, "the own organisation's is always seen");
    let refused = write(&corridor("UNSEEN", "roads-board", "restricted"));
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.problems()[0].starts_with("/properties/visibility: "), "{:?}", refused.problems());
    let id = api.sql("SELECT id FROM corridors WHERE code = 'SEEN'").unwrap();
    let hide =
        api.on_grid("planner", "PUT", &format!("{CORRIDORS}/{id}"), &corridor("SEEN", "roads-board", "restricted"));
    assert_eq!(hide.status, 422, "{}", hide.text);
    // An import says the same, of what a row states and of what it leaves as it is.
    let planner = actor(Role::Planner, "office");
    for row in [
        &[("code", "NEW"), ("visibility", "restricted"), ("organisation", "roads-board")],
        &[("code", "SEEN"), ("visibility", "restricted"), ("organisation", "roads-board")],
        &[("code", "OWN"), ("status", "in_force"), ("organisation", "roads-board")],
    ] {
        let said: Vec<_> = [("kind", "road"), ("status", "in_force")]
            .into_iter()
            .filter(|(n, _)| row.iter().all(|(m, _)| m != n))
            .chain(*row)
            .collect();
        let (report, problems) = imported::<Corridor>(&api, &planner, &said);
        assert!(!report.stored && problems.len() == 1, "{row:?}: {problems:?}");
        assert!(problems[0].starts_with("/properties/visibility: "), "{problems:?}");
    }
    assert_eq!(api.sql("SELECT count(*) FROM corridors").as_deref(), Some("2"));
}

/// A code that was free among what nobody else sees may be taken where it comes to.
#[test]
fn a_code_is_looked_at_again_where_its_owner_or_visibility_changes() {
    let api = Api::new();
    let change = |id: &str, change: Json| {
        let answer = api.on_grid("officer", "PATCH", &format!("{WORKS}/{id}"), &json!({"properties": change}));
        (answer.status, answer.json()["detail"].as_str().unwrap_or_default().to_owned())
    };
    let hidden = api.on_grid("officer", "POST", WORKS, &work("C", "vnpt", "restricted"));
    let hidden = hidden.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(api.on_grid("carrier", "POST", WORKS, &work("C", "viettel", "public")).status, 201);
    for to in [
        json!({"visibility": "public"}),
        json!({"organisation": "viettel"}),
        json!({"organisation": "viettel", "visibility": "public"}),
    ] {
        let (status, said) = change(&hidden, to.clone());
        assert_eq!(status, 409, "{to}: {said}");
        assert!(said.contains("«C»"), "{to}: {said}");
    }
    // What stays what it is stays where it is, and a code of its own goes anywhere.
    assert_eq!(change(&hidden, json!({"name": "seen"})).0, 200);
    assert_eq!(change(&hidden, json!({"code": "D", "visibility": "public"})).0, 200);
    assert_eq!(change(&hidden, json!({"organisation": "viettel"})).0, 200);
}
