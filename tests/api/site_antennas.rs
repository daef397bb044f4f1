//! The antennas of requests that were granted: whoever asks beside them is told of the sum.

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
