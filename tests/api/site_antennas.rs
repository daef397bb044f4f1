//! The antennas of requests that were granted: whoever asks beside them is told of the sum.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use clearway::actions::Witness;
use clearway::actions::site_request::lapse::lapse;
use clearway::domain::actor::Actor;
use clearway::domain::audit::{AuditEntry, Deed};
use clearway::domain::layer::Layer;
use clearway::domain::reference::Reference;
use clearway::store::records::Records;
use clearway::store::{Store, StoreOptions};
use serde_json::{Value as Json, json};

use crate::document::added;
use crate::help::{Api, REFERENCES, WORKS, feature, merged, point, rect};
use crate::site_check::{checked, finding};
use crate::site_request::{CaseOf, FILE, begins, column, sha256, survey, trail_is_whole};
use crate::site_request_story::office;

const NOW: &str = "at=2026-12-01T00:00:00Z";

/// A request for a mast with an antenna of 20 kW that sends all round: too much for 56 m.
fn strong(api: &Api) -> CaseOf<'_> {
    let mut asked = merged(json!({"antennas": [{"frequency_mhz": 1800, "eirp_w": 20_000}]}), &column());
    let report = "exposure_report";
    let listed = json!({"kind": report, "sha256": sha256(report.as_bytes())});
    asked["documents"].as_array_mut().unwrap().push(listed);
    let case = CaseOf::file(api, (0.0, 0.0), asked);
    let path = format!("/api/site-requests/{}/documents", case.id);
    added(api, "carrier", &path, &format!("kind={report}&name={report}.txt"), report.as_bytes());
    case
}

/// People 30 m from a place, as high as its antennas.
fn house(api: &Api, (east, north): (f64, f64)) {
    let facts =
        json!({"code": "HOUSE", "kind": "building", "organisation": "office", "height_agl_m": 42, "occupied": true});
    api.add(REFERENCES, rect(east + 30.0, north - 5.0, east + 40.0, north + 5.0), facts);
}

/// What is said of the field of so many watts more at a place.
fn field(api: &Api, at: (f64, f64), watts: f64, more: Json) -> (Json, Json) {
    let antennas = json!({"antennas": [{"frequency_mhz": 1800, "eirp_w": watts}]});
    let result = checked(api, "officer", NOW, at, merged(more, &antennas));
    let emf = finding(&result, "EMF");
    (emf["verdict"].clone(), emf["measured"]["value"].clone())
}

fn transmitters(api: &Api) -> String {
    let of = "string_agg(eirp_w || ' ' || visibility || ' ' || organisation, ',' ORDER BY eirp_w)";
    api.sql(&format!("SELECT {of} FROM reference_features WHERE kind = 'transmitter'")).unwrap_or_default()
}

#[test]
fn whoever_asks_beside_a_permit_and_what_it_became_is_told_of_the_sum() {
    let api = office();
    let mut case = strong(&api);
    case.lead_to_decision();
    let request = api.sql("SELECT id FROM reference_features WHERE kind = 'site_request'").unwrap();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    assert_eq!(transmitters(&api), "20000 government viettel");
    house(&api, (0.0, 0.0));
    let block = |measured: &Json, expect: f64| (measured.as_f64().unwrap() - expect).abs() < 0.01;
    // 20 001 W · 4 / (4π · 30²) W/m².
    let density = |watts: f64| watts / (std::f64::consts::PI * 900.0);
    let beside = |api: &Api| field(api, (0.0, 0.0), 1.0, json!({}));
    let (verdict, measured) = beside(&api);
    assert!(verdict == "block" && block(&measured, density(20_001.0)), "{verdict} {measured}");
    // Its own are not beside themselves; nor are they those of whoever names it elsewhere or for another carrier.
    let own = |at, carrier: &str| field(&api, at, 20_000.0, json!({"request": request, "organisation": carrier}));
    let (verdict, measured) = own((0.0, 0.0), "viettel");
    assert!(verdict == "block" && block(&measured, density(20_000.0)), "{verdict} {measured}");
    for (verdict, measured) in [own((0.0, 0.0), "vnpt"), own((-6.0, 0.0), "viettel")] {
        assert!(verdict == "block" && measured.as_f64().unwrap() > density(30_000.0), "{measured}");
    }
    // They are written with the request alone, and nobody makes any that look so.
    let id = api.sql("SELECT id FROM reference_features WHERE kind = 'transmitter'").unwrap();
    let path = format!("{REFERENCES}/{id}");
    for (method, body) in [("PATCH", Some(&json!({"properties": {"eirp_w": 1}}))), ("DELETE", None)] {
        let refused = api.server.call("officer", method, &path, body);
        assert!((400..500).contains(&refused.status), "{method}: {} {}", refused.status, refused.text);
        assert!(refused.text.contains("site request"), "{}", refused.text);
    }
    let like = json!({"kind": "transmitter", "eirp_w": 1, "organisation": "viettel", "class": format!("site_request:{request}")});
    let made = api.on_grid("officer", "POST", REFERENCES, &feature(point(0.0, 0.0), like));
    assert_eq!((made.status, made.problems().len()), (422, 1), "{}", made.text);
    // What stands sends on, where it was surveyed; nobody learns by it of a column that is hidden from him later.
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((0.0, 1.0), 42.0), "as_built_submitted");
    case.step("officer", "verify", None, json!({}), "verified");
    assert_eq!(transmitters(&api), "20000 government viettel");
    let work = api.sql("SELECT work FROM site_requests").unwrap();
    let hide = json!({"properties": {"visibility": "restricted"}});
    assert_eq!(api.server.call("officer", "PATCH", &format!("{WORKS}/{work}"), Some(&hide)).status, 200);
    for role in ["", "other-carrier"] {
        let listed = api.server.get(role, &format!("{REFERENCES}?limit=100")).json();
        assert!(!listed.to_string().contains("transmitter"), "{role}: {listed}");
        assert_eq!(api.server.get(role, &path).status, 404, "{role}");
    }
    let (verdict, measured) = beside(&api);
    assert!(verdict == "block" && block(&measured, density(20_001.0)), "{verdict} {measured}");
    // Whoever asks for it again, by the run of then, does not count it twice either.
    let (_, measured) = field(&api, (0.0, 0.0), 20_000.0, json!({"request": request, "organisation": "viettel"}));
    assert!(block(&measured, density(20_000.0)), "{measured}");
    trail_is_whole(&api);
}

#[test]
fn the_antennas_of_a_tenant_stand_on_the_column_and_go_with_his_permit() {
    let api = office();
    let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b",
        "spare_capacity": 2, "position_accuracy_m": 0});
    let tower = api.add(WORKS, point(60.0, 0.0), tower);
    let mut case = strong(&api);
    case.lead_to_decision();
    case.step("approver", "require_sharing", None, case.decision(json!({})), "sharing_required");
    assert_eq!(transmitters(&api), "");
    let agreement = json!({"column": tower, "number": "HD-1", "on": "2026-11-25", "file": FILE});
    case.step("officer", "record_agreement", None, agreement, "permit_active");
    house(&api, (60.0, 0.0));
    let beside = |api: &Api| field(api, (60.0, 0.0), 1.0, json!({})).0;
    // How high on it they are nobody stated, so that they may be as high as people are.
    assert_eq!((transmitters(&api).as_str(), beside(&api)), ("20000 restricted viettel", json!("needs_survey")));
    // Where the column of another stands is told to nobody by what stands on it.
    for role in ["planner", "inspector", "other-carrier", ""] {
        let listed = api.server.get(role, &format!("{REFERENCES}?limit=100")).json();
        assert!(!listed.to_string().contains("transmitter"), "{role}: {listed}");
    }
    case.step("approver", "revoke", Some("why"), json!({}), "revoked");
    assert_eq!((transmitters(&api), beside(&api) == "needs_survey"), (String::new(), false));
    trail_is_whole(&api);
}

/// As if the request had been granted before its antennas were kept: none of them is a transmitter.
fn forget(api: &Api) {
    let ids = api.sql("SELECT string_agg(id::text, ',') FROM reference_features WHERE kind = 'transmitter'").unwrap();
    let waits = Duration::from_secs(5);
    let options = StoreOptions { connections_max: 1, pool_wait: waits, statement_timeout: waits };
    let store = Store::connect(&api.database.service_url, &options).unwrap();
    let written = store.write(Witness::new(&Actor::operator(), "test"), |tx| {
        for id in ids.split(',') {
            let known = Reference::lock(tx, "VN-72", id.parse().unwrap())?.unwrap();
            Reference::delete(tx, &known)?;
        }
        let layer = Some(Layer::References);
        tx.audit("VN-72", AuditEntry { deed: Deed::Delete, layer, subject: None, owner: None, detail: Vec::new() })
    });
    assert!(written.is_ok(), "{:?}", written.err());
    assert_eq!(transmitters(api), "");
}

/// What two instances bring in that look at the same time.
fn brought_in(api: &Api) -> usize {
    let contexts = [api.database.context(), api.database.context()];
    thread::scope(|scope| {
        let ways = contexts.each_ref().map(|context| scope.spawn(|| lapse(context).unwrap()));
        ways.map(|way| way.join().unwrap()).into_iter().sum()
    })
}

/// What a request was granted for before its antennas were kept is brought in by the timer, once, whoever looks for it; and nothing of
/// a request that was not granted, or whose column is gone.
#[test]
fn the_antennas_of_what_was_granted_before_are_brought_in_once() {
    let api = office();
    let mut case = strong(&api);
    case.lead_to_decision();
    assert_eq!(brought_in(&api), 0, "nobody decided yet");
    let request = api.sql("SELECT id FROM reference_features WHERE kind = 'site_request'").unwrap();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    house(&api, (0.0, 0.0));
    let beside = || field(&api, (0.0, 0.0), 1.0, json!({}));
    let density = |watts: f64| watts / (std::f64::consts::PI * 900.0);
    let is = |measured: &Json, watts: f64| (measured.as_f64().unwrap() - density(watts)).abs() < 0.01;
    forget(&api);
    let (verdict, measured) = beside();
    assert!(verdict == "not_checked" && measured == 0.0, "{verdict} {measured}");
    let written = || api.sql("SELECT version || ' ' || state FROM site_requests").unwrap();
    let before = written();
    assert_eq!((brought_in(&api), brought_in(&api)), (1, 0));
    assert_eq!((transmitters(&api).as_str(), written()), ("20000 government viettel", before));
    let class = || api.sql("SELECT class FROM reference_features WHERE kind = 'transmitter'").unwrap();
    assert_eq!(class(), format!("site_request:{request}"));
    let (verdict, measured) = beside();
    assert!(verdict == "block" && is(&measured, 20_001.0), "{verdict} {measured}");
    // The trail says who did it, and of which request.
    let told =
        "SELECT string_agg(concat_ws(' ', actor, deed, layer, detail->>'source', detail->>'inserted', reason), ';')
        FROM audit_events WHERE actor = 'timer'";
    let expect = format!(
        "timer create references site_request {} 1 granted before the antennas of requests were kept as transmitters",
        case.id
    );
    assert_eq!(api.sql(told).unwrap(), expect);
    trail_is_whole(&api);
    // What was built and verified before, too, for the feature that stood for it: nobody is counted twice by an earlier run.
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    case.step("carrier", "notify_start", None, json!({"on": "2026-12-01"}), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((0.0, 1.0), 42.0), "as_built_submitted");
    case.step("officer", "verify", None, json!({}), "verified");
    forget(&api);
    assert_eq!((brought_in(&api), brought_in(&api), class()), (1, 0, format!("site_request:{request}")));
    let (_, measured) = field(&api, (0.0, 0.0), 20_000.0, json!({"request": request, "organisation": "viettel"}));
    assert!(is(&measured, 20_000.0), "{measured}");
    forget(&api);
    let work = api.sql("SELECT work FROM site_requests").unwrap();
    let gone = json!({"properties": {"status": "dismantled"}});
    assert_eq!(api.server.call("officer", "PATCH", &format!("{WORKS}/{work}"), Some(&gone)).status, 200);
    assert_eq!((brought_in(&api), transmitters(&api)), (0, String::new()));
    trail_is_whole(&api);
}

/// On the column of another they are as hidden as they would have been at once.
#[test]
fn the_antennas_of_an_earlier_tenant_are_brought_in_where_they_stand() {
    let api = office();
    let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b",
        "spare_capacity": 2, "position_accuracy_m": 0});
    let tower = api.add(WORKS, point(60.0, 0.0), tower);
    let mut case = strong(&api);
    case.lead_to_decision();
    let request = api.sql("SELECT id FROM reference_features WHERE kind = 'site_request'").unwrap();
    case.step("approver", "require_sharing", None, case.decision(json!({})), "sharing_required");
    assert_eq!(brought_in(&api), 0);
    let agreement = json!({"column": tower, "number": "HD-1", "on": "2026-11-25", "file": FILE});
    case.step("officer", "record_agreement", None, agreement, "permit_active");
    let whole = "SELECT concat_ws(' ', class, visibility, height_agl_m, round(ST_Distance(geom_grid, (SELECT geom_grid FROM works)))) \
        FROM reference_features WHERE kind = 'transmitter'";
    let before = api.sql(whole).unwrap();
    assert_eq!(before, format!("site_request:{request} restricted 0"));
    forget(&api);
    assert_eq!((brought_in(&api), api.sql(whole).unwrap()), (1, before));
    case.step("approver", "revoke", Some("why"), json!({}), "revoked");
    assert_eq!((transmitters(&api), brought_in(&api)), (String::new(), 0));
    trail_is_whole(&api);
}

/// Imports one reference feature as the operator: whether it was done, and what was said.
fn imported(api: &Api, document: &Json, more: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("references.geojson");
    fs::write(&file, json!({"type": "FeatureCollection", "features": [document]}).to_string()).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_clearway"))
        .args(["import", "references", "--jurisdiction", "VN-72", "--crs", "EPSG:9218"])
        .args(more)
        .arg(&file)
        .env_clear()
        .env("DATABASE_URL", &api.database.service_url)
        .output()
        .unwrap();
    let told = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (done.status.success(), told)
}

/// Neither a file nor anybody's request writes, moves, ends or forges what stands for an antenna: not whoever keeps all reference
/// features.
#[test]
fn no_import_and_no_editor_writes_the_antennas_of_a_request() {
    let api = office();
    let mut case = strong(&api);
    case.lead_to_decision();
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    let of = |column: &str| {
        api.sql(&format!("SELECT {column}::text FROM reference_features WHERE kind = 'transmitter'")).unwrap()
    };
    let (id, code, class) = (of("id"), of("code"), of("class"));
    let own = json!({"code": "OWN", "kind": "transmitter", "organisation": "viettel", "eirp_w": 5});
    let own = api.add(REFERENCES, point(900.0, 0.0), own);
    let house = json!({"code": "H", "kind": "building", "organisation": "viettel", "class": class, "eirp_w": 5});
    let house = api.add(REFERENCES, rect(945.0, -5.0, 955.0, 5.0), house);
    let there = || {
        let all = "SELECT string_agg(version_digest(r)::text, ' ' ORDER BY id) FROM reference_features AS r";
        (api.sql(all).unwrap(), api.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'"))
    };
    let before = there();
    let row = |code: &str, more: Json| {
        let base = json!({"code": code, "kind": "transmitter", "organisation": "viettel", "eirp_w": 1});
        feature(point(0.0, 0.0), merged(more, &base))
    };
    let forged = "/properties/class says that it stands for an antenna of a site request";
    let taken = "is there already: it stands for an antenna of a site request";
    for (document, more, expect) in [
        (row(&code, json!({"dataset": "site_request"})), &[][..], taken),
        (row(&code, json!({})), &[], taken),
        (row(&code, json!({"class": null, "visibility": "public"})), &["--on-error", "skip"], taken),
        (row(&code, json!({"kind": "other", "eirp_w": null})), &[], "/properties/code"),
        (row("NEW", json!({"class": class})), &[], forged),
        (row("NEW", json!({"class": format!("  {class}")})), &[], forged),
        (row("NEW", json!({})), &["--set", "class=site_request:01a21b19-dafe-7748-a7aa-fcad73c13f80"], forged),
        (row("OWN", json!({"class": class})), &[], forged),
        (row("H", json!({"class": class})), &[], forged),
    ] {
        let (done, told) = imported(&api, &document, more);
        assert!(told.contains(expect) && (!done || more == ["--on-error", "skip"]), "{document} {more:?}: {told}");
        assert_eq!(there(), before, "{document} {more:?}: {told}");
    }
    let to = |id: &str| format!("{REFERENCES}/{id}");
    let patch = |properties: Json| json!({"properties": properties});
    for role in ["officer", "administrator"] {
        for (method, id, body) in [
            ("PATCH", &id, Some(patch(json!({"eirp_w": 1})))),
            ("PATCH", &id, Some(patch(json!({"class": null})))),
            ("PATCH", &id, Some(patch(json!({"kind": "other"})))),
            ("PATCH", &id, Some(patch(json!({"valid_to": "2020-01-01"})))),
            ("PATCH", &id, Some(json!({"geometry": point(500.0, 0.0)}))),
            ("PUT", &id, Some(row(&code, json!({})))),
            ("DELETE", &id, None),
            ("PATCH", &own, Some(patch(json!({"class": class})))),
            ("PUT", &own, Some(row("OWN", json!({"class": class})))),
            ("PATCH", &house, Some(patch(json!({"kind": "transmitter"})))),
        ] {
            let refused = match &body {
                Some(body) => api.on_grid(role, method, &to(id), body),
                None => api.server.call(role, method, &to(id), None),
            };
            assert!(
                (400..500).contains(&refused.status),
                "{role} {method} {body:?}: {} {}",
                refused.status,
                refused.text
            );
            assert!(
                refused.text.contains("an antenna of a site request"),
                "{role} {method} {body:?}: {}",
                refused.text
            );
        }
    }
    for (role, organisation) in [("officer", "office"), ("administrator", "viettel"), ("consultee", "army")] {
        let forged = row("NEW", json!({"class": class, "organisation": organisation}));
        let made = api.on_grid(role, "POST", REFERENCES, &forged);
        assert_eq!((made.status, made.problems().len()), (422, 1), "{role}: {}", made.text);
        assert!(made.text.contains("an antenna of a site request"), "{role}: {}", made.text);
    }
    // Its carrier writes none at all, and whoever writes his own not this one.
    for role in ["carrier", "consultee"] {
        let refused = api.on_grid(role, "PATCH", &to(&id), &patch(json!({"eirp_w": 1})));
        assert!([403, 404].contains(&refused.status), "{role}: {} {}", refused.status, refused.text);
    }
    assert_eq!(there(), before);
    trail_is_whole(&api);
}
