//! Which documents a request needs: by the class of its column, its antennas and its height; what lacks is named, and once all are there it
//! is accepted.

use serde_json::{Value as Json, json};

use crate::document::added;
use crate::help::merged;
use crate::site_request::{CaseOf, column, sha256, trail_is_whole};
use crate::site_request_story::office;

/// Of each kind a file that holds its name.
fn listed(kinds: &[&str]) -> Json {
    kinds.iter().map(|kind| json!({"kind": kind, "sha256": sha256(kind.as_bytes())})).collect()
}

#[test]
fn each_class_of_columns_has_its_dossier() {
    const ALWAYS: [&str; 3] = ["application", "site_plan", "land_right"];
    let api = office();
    let antennas = json!([{"frequency_mhz": 1800, "eirp_w": 20}]);
    let table: &[(Option<&str>, Json, f64, &[&str])] = &[
        (Some("A1a"), json!([]), 9.0, &[]),
        (Some("A1b"), json!([]), 9.0, &["structural_report"]),
        (Some("A2a"), json!([]), 12.0, &["structural_report"]),
        (Some("A2b"), json!([]), 42.0, &["design"]),
        (Some("A2c"), json!([]), 42.0, &["design", "structural_report"]),
        (Some("A1a"), antennas.clone(), 9.0, &["exposure_report"]),
        (Some("A2b"), json!([]), 44.9, &["design"]),
        (Some("A2b"), json!([]), 45.0, &["design", "height_consent"]),
        (Some("A2c"), antennas, 60.0, &["design", "structural_report", "exposure_report", "height_consent"]),
        (None, json!([]), 9.0, &[]),
    ];
    for (n, (class, antennas, height, more)) in (0..).zip(table) {
        let what = format!("{class:?} {height} m {antennas}");
        let kinds = [&ALWAYS, *more].concat();
        let place = (f64::from(n) * 2_000.0, 0.0);
        let own = json!({"column_class": class, "height_agl_m": height, "antennas": antennas, "documents": []});
        // Nothing is listed, though all is uploaded; and then all is listed, and nothing uploaded.
        let mut case = CaseOf::bare(&api, place, merged(own.clone(), &column()));
        let path = format!("/api/site-requests/{}/documents", case.id);
        let add = |kind: &str| {
            added(&api, "carrier", &path, &format!("kind={kind}&name={kind}.txt"), kind.as_bytes());
        };
        assert_eq!(case.now["properties"]["case"]["documents_required"], json!(kinds), "{what}");
        for kind in &kinds {
            add(kind);
        }
        case.step("carrier", "submit", None, json!({}), "submitted");
        let refused = |case: &CaseOf<'_>, lacks: &[&str]| {
            let answer = case.sends("officer", "accept", None, json!({}));
            assert_eq!(answer.status, 409, "{what}: {}", answer.text);
            let unmet = answer.json()["unmet"].clone();
            assert_eq!((unmet.as_array().unwrap().len(), &unmet[0]["guard"]), (1, &json!("documented")), "{what}");
            let named = unmet[0]["detail"].as_str().unwrap().rsplit(": ").next().unwrap().to_owned();
            assert_eq!(named, lacks.join(", "), "{what}");
            let read = api.server.get("officer", &case.path()).json();
            assert_eq!(read["properties"]["case"]["documents_missing"], json!(lacks), "{what}");
        };
        refused(&case, &kinds);
        let missing = json!({"missing": kinds});
        case.step("officer", "request_supplement", Some("nothing is listed"), missing, "returned_for_supplement");
        case.patch(json!({"documents": listed(&kinds)}));
        case.step("carrier", "submit", None, json!({}), "submitted");
        case.step("officer", "accept", None, json!({}), "accepted");

        let own = merged(json!({"documents": listed(&kinds)}), &own);
        let mut case = CaseOf::bare(&api, (place.0, 4_000.0), merged(own, &column()));
        let path = format!("/api/site-requests/{}/documents", case.id);
        case.step("carrier", "submit", None, json!({}), "submitted");
        for n in 0..kinds.len() {
            refused(&case, &kinds[n..]);
            added(&api, "carrier", &path, &format!("kind={0}&name={0}.txt", kinds[n]), kinds[n].as_bytes());
        }
        case.step("officer", "accept", None, json!({}), "accepted");
    }
    trail_is_whole(&api);
}
