//! What a write over HTTP leaves in the audit trail: one event in the chain, with what it ended and what it began.

use clearway::actions::audit::{self, Range};
use clearway::actions::import::{ImportOptions, Observer, OnError, Rejected, Row, import};
use clearway::actions::{Witness, coverage};
use clearway::clock;
use clearway::domain::actor::Actor;
use clearway::domain::audit::{AuditEntry, Deed};
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::work::Work;
use clearway::error::Error;
use clearway::geometry::{Epsg, Geometry};
use clearway::store::records::Records;
use clearway::store::{self, Store, StoreOptions};
use serde_json::json;

use crate::codes::imported;
use crate::help::{Api, CORRIDORS, ORIGIN, WORKS, feature, mast, merged, point, rect, road};

/// A column of every event after the registration.
fn column(api: &Api, column: &str) -> Vec<String> {
    let all = api.sql(&format!(
        "SELECT string_agg(coalesce({column}, '-'), ' ' ORDER BY revision) FROM audit_events WHERE revision > 1"
    ));
    all.unwrap().split(' ').map(str::to_owned).collect()
}

#[track_caller]
fn verifies(api: &Api, events: u64) {
    let reports =
        audit::verify(&api.database.context(), &Actor::operator(), &Range::default(), audit::Kept::default()).unwrap();
    let faults: Vec<String> = reports.iter().flat_map(|(_, r)| &r.faults).map(ToString::to_string).collect();
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(reports.iter().map(|(_, r)| r.events).sum::<u64>(), events);
}

#[test]
fn a_feature_from_its_first_version_to_its_last() {
    let api = Api::new();
    let cases = [(WORKS, mast(), point(0.0, 0.0)), (CORRIDORS, road(), rect(0.0, 0.0, 9.0, 9.0))];
    for (items, own, shape) in cases {
        let id = api.add(items, shape, merged(json!({"code": "A-1"}), &own));
        let path = format!("{items}/{id}");
        for name in ["first", "second"] {
            let patch = json!({"properties": {"name": name}});
            assert_eq!(api.server.call("officer", "PATCH", &path, Some(&patch)).status, 200);
        }
        assert_eq!(api.send("officer", "DELETE", &path, &[], None).status, 204);
    }
    let (before, after) = (column(&api, "encode(before, 'hex')"), column(&api, "encode(after, 'hex')"));
    for (before, after) in [(&before[..4], &after[..4]), (&before[4..], &after[4..])] {
        assert_eq!((before[0].as_str(), after[3].as_str()), ("-", "-"), "it was not there, and is no more");
        assert_eq!(before[1..], after[..3], "each ends what the one before began");
        assert!(after[..3].iter().all(|digest| digest.len() == 64) && after[0] != after[1] && after[1] != after[2]);
    }
    let (previous, hash) = (column(&api, "encode(previous, 'hex')"), column(&api, "encode(hash, 'hex')"));
    assert_eq!(previous[1..], hash[..7], "a chain");
    verifies(&api, 9);
    let kept = api.sql("SELECT string_agg(name, ' ' ORDER BY version) FROM works_history");
    assert_eq!(kept, Some("first second".into()), "every version is kept; the first had no name");
}

#[test]
fn why_and_for_whom() {
    let api = Api::new();
    let json = ("Content-Type", "application/json");
    let document = feature(point(0.0, 0.0), merged(json!({"code": "A-1", "organisation": "vnpt"}), &mast()));
    let made = api.send(
        "officer",
        "POST",
        WORKS,
        &[json, ("Reason", "theo công văn 12/STTTT"), ("Content-Crs", "EPSG:9218")],
        Some(&document),
    );
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("{WORKS}/{}", made.json()["id"].as_str().unwrap());
    let patch = json!({"properties": {"organisation": "office"}});
    assert_eq!(api.send("officer", "PATCH", &path, &[json, ("Reason", "  ")], Some(&patch)).status, 200);
    assert_eq!(column(&api, "on_behalf_of"), ["vnpt", "-"], "of the office itself nobody else is behalf");
    assert_eq!(column(&api, "detail->>'organisation_before'"), ["-", "vnpt"], "whose it was before is told");
    assert_eq!(api.sql("SELECT reason FROM audit_events WHERE revision = 2"), Some("theo công văn 12/STTTT".into()));
    assert_eq!(api.sql("SELECT reason FROM audit_events WHERE revision = 3"), None);
    let long = "x".repeat(501);
    let refused = api.send("officer", "PATCH", &path, &[json, ("Reason", &long)], Some(&patch));
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("Reason") && refused.text.contains("500"), "{}", refused.text);
    verifies(&api, 3);
}

/// An import is one event, which names the organisations of its records, and that for which it was where there is but one.
#[test]
fn an_import_names_whose_its_features_are() {
    let api = Api::new();
    let actor = Actor { organisation: Some("office".into()), ..Actor::operator() };
    let many: Vec<String> = (10..32).map(|n| format!("org{n}")).collect();
    let twenty = format!("{},…", many[..20].join(","));
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    // A record that is refused is none of the import.
    let cases = [
        (vec!["vnpt"], "vnpt", "vnpt"),
        (vec!["office", "office"], "-", "office"),
        (vec!["vnpt", "viettel", "vnpt", "no such kind"], "-", "viettel,vnpt"),
        (many, "-", &twenty),
    ];
    for (n, (owners, behalf, named)) in cases.into_iter().enumerate() {
        let mut rows = owners.iter().zip(1..).map(|(owner, number)| {
            let kind = if owner.contains(' ') { owner } else { "mast" };
            let said =
                [("code", format!("I-{n}-{number}")), ("kind", kind.to_string()), ("organisation", owner.to_string())];
            let fields = said.map(|(name, text)| (name.to_owned(), Value::Text(text))).to_vec();
            let shape = Geometry::Point(ORIGIN.into());
            let content = Ok((Fields(fields), Ok(Delivered { shape, crs: Epsg(9218) })));
            Row { number, place: format!("row {number}"), shape_at: "/geometry", filled: Vec::new(), content }
        });
        let options = ImportOptions {
            jurisdiction: Some("VN-72".into()),
            organisation: None,
            on_error: OnError::Skip,
            outside_skips: false,
            dry_run: false,
        };
        let witness = Witness::new(&actor, "test");
        let done = import::<Work>(&api.database.context(), witness, &options, &mut rows, &mut Lenient).unwrap();
        assert!(done.stored, "{done:?}");
        assert_eq!(column(&api, "on_behalf_of").last().unwrap(), behalf, "{named}");
        assert_eq!(column(&api, "detail->>'organisations'").last().unwrap(), named);
    }
    verifies(&api, 5);
}

/// As a write of one feature does, by `organisation_before`.
#[test]
fn an_import_that_takes_features_over_names_whose_they_were() {
    let api = Api::new();
    let officer = Actor { organisation: Some("office".into()), ..Actor::operator() };
    let import = |rows: &[(&str, &str)]| {
        for (code, owner) in rows {
            let said = [("code", *code), ("kind", "mast"), ("organisation", *owner)];
            let (report, problems) = imported::<Work>(&api, &officer, &said);
            assert!(report.stored, "{problems:?}");
        }
        column(&api, "detail->>'organisations_before'").pop().unwrap()
    };
    assert_eq!(import(&[("A", "vnpt"), ("B", "viettel")]), "-", "they are new");
    assert_eq!(import(&[("A", "vnpt")]), "-", "it stays whose it was");
    assert_eq!(import(&[("A", "mobifone")]), "vnpt");
    assert_eq!(import(&[("B", "mobifone")]), "viettel");
    assert_eq!(import(&[("B", "mobifone")]), "-");
    verifies(&api, 7);
}

/// Records may be refused.
struct Lenient;

impl Observer for Lenient {
    fn rejected(&mut self, _: &Rejected) {}
    fn read(&mut self, _: u64) {}
    fn digest(&mut self) -> String {
        "none".into()
    }
}

#[test]
fn what_writes_side_by_side_leave_is_one_chain() {
    let api = Api::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let api = &api;
            scope.spawn(move || {
                for n in 0..10 {
                    api.work(&format!("W-{writer}-{n}"), point(f64::from(n), f64::from(writer)));
                }
            });
        }
    });
    verifies(&api, 41);
}

/// Only of what was written once, feature by feature, the index need not read.
#[test]
fn a_write_says_all_it_wrote_or_nothing() {
    let api = Api::new();
    let operator = Actor::operator();
    let witness = Witness::new(&operator, "test");
    let work = api.work("A-1", point(0.0, 0.0)).parse().unwrap();
    let waits = std::time::Duration::from_secs(5);
    let options = StoreOptions { connections_max: 1, pool_wait: waits, statement_timeout: waits };
    let store = Store::connect(&api.database.service_url, &options).unwrap();
    let (layer, subject) = (Some(Layer::Works), Some(work));
    for (updates, deletes, expect) in
        [(1, false, Some(true)), (2, false, None), (1, true, None), (0, true, Some(false))]
    {
        let written = store.write(witness, |tx| {
            let mut last = Work::lock(tx, "VN-72", work)?.unwrap();
            for _ in 0..updates {
                last = Work::update(tx, &last, last.body.clone())?;
            }
            if deletes {
                Work::delete(tx, &last)?;
            }
            tx.audit("VN-72", AuditEntry { deed: Deed::Replace, layer, subject, owner: None, detail: Vec::new() })?;
            // What is to be tried next still needs it.
            if expect.is_none() && deletes { Ok(Some(last)) } else { Ok(None) }
        });
        let (gone, committed) = written.unwrap();
        let features = committed[0].written.as_ref().map(|written| &written.features);
        let is_there = features.map(|all| all.get(&(Layer::Works, work)).unwrap().is_some());
        assert_eq!(is_there, expect, "{updates} times, and deleted: {deletes}");
        if let Some(gone) = gone {
            let again = store.write(witness, |tx| {
                Work::insert(tx, "VN-72", work, gone.body.clone())?;
                tx.audit("VN-72", AuditEntry { deed: Deed::Create, layer, subject, owner: None, detail: Vec::new() })
            });
            assert!(again.unwrap().1[0].written.is_some());
        }
    }
}

#[test]
fn a_write_of_which_a_part_notes_its_versions_names_the_others_too() {
    let api = Api::new();
    let context = api.database.context();
    let operator = Actor::operator();
    let witness = Witness::new(&operator, "test");
    let (work, boundary) = (api.work("A-1", point(0.0, 0.0)), crate::support::vn72_draft().boundary);
    let draft = CoverageDraft { layer: Layer::Works, kind: None, source: "survey".into(), as_of: None, boundary };
    let area = coverage::declare(&context, witness, "VN-72", draft).unwrap().id;
    let waits = std::time::Duration::from_secs(5);
    let options = StoreOptions { connections_max: 1, pool_wait: waits, statement_timeout: waits };
    let store = Store::connect(&api.database.service_url, &options).unwrap();
    let written = store.write(witness, |tx| {
        let old = Work::lock(tx, "VN-72", work.parse().unwrap())?.unwrap();
        Work::update(tx, &old, old.body.clone())?;
        store::coverage::delete(tx, "VN-72", area)?.unwrap();
        let (layer, subject) = (Some(Layer::Works), Some(old.id));
        tx.audit("VN-72", AuditEntry { deed: Deed::Replace, layer, subject, owner: None, detail: Vec::new() })
    });
    let committed = written.unwrap().1;
    assert_eq!((committed[0].jurisdiction.as_str(), committed[0].revision, committed.len()), ("VN-72", 4, 1));
    assert!(committed[0].written.is_none(), "the index reads what else was written");
    verifies(&api, 4);
}

#[test]
fn a_trail_is_read_by_whom_the_table_lets() {
    let api = Api::new();
    let context = api.database.context();
    for (role, may) in [("auditor", true), ("administrator", true), ("officer", false), ("carrier", false)] {
        let role = clearway::domain::word::Word::parse(role).unwrap();
        let actor = Actor { roles: vec![role], ..Actor::operator() };
        assert_eq!(audit::heads(&context, &actor, None, clock::now()).is_ok(), may, "{role}");
        let local = Actor { jurisdictions: Some(vec!["VN-72".into()]), ..actor };
        let refused = audit::heads(&context, &local, None, clock::now()).unwrap_err();
        assert!(matches!(refused, Error::Forbidden(_)), "every chain or none: {role}");
    }
    assert!(matches!(audit::heads(&context, &Actor::public(), None, clock::now()), Err(Error::Unauthenticated(_))));
}
