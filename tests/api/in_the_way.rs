//! What changed while a decision was made, as the deciding transaction looks for it: nothing is missed by which a check could say
//! something else.

use std::time::Duration;

use clearway::actions::Witness;
use clearway::domain::actor::Actor;
use clearway::domain::audit::{AuditEntry, Deed};
use clearway::geometry::{Epsg, Geometry, Metres};
use clearway::store::site_request::{LookedAt, in_the_way};
use clearway::store::{Store, StoreOptions};
use serde_json::{Value as Json, json};

use crate::help::{Api, ORIGIN, REFERENCES, WORKS, point, rect};

/// How far round the place of the request everything is looked at, m.
const REACH: Metres = Metres::constant(500.0);

/// What is estimated, by the settings.
const UNSURE: Metres = Metres::constant(50.0);

/// Whether something is found that changed after a revision, where a place in the west of the zone is decided about.
fn is_found(api: &Api, since: i64) -> bool {
    let waits = Duration::from_secs(5);
    let options = StoreOptions { connections_max: 1, pool_wait: waits, statement_timeout: waits };
    let store = Store::connect(&api.database.service_url, &options).unwrap();
    let spot = Geometry::Point([ORIGIN[0] + 50.0, ORIGIN[1] + 50.0].into());
    let looked_at =
        [LookedAt { jurisdiction: "VN-72".into(), spot, grid: Epsg(9218), revision: since, unsure: UNSURE }];
    let found = store.write(Witness::new(&Actor::operator(), "test"), |tx| {
        tx.raise("VN-72")?;
        let found = in_the_way(tx, &looked_at, (REACH, Metres::ZERO), "2026-12-01".parse().unwrap())?;
        tx.audit(
            "VN-72",
            AuditEntry { deed: Deed::Replace, layer: None, subject: None, owner: None, detail: Vec::new() },
        )?;
        Ok(found)
    });
    found.unwrap().0.iter().any(|way| way.why == "changed")
}

fn revision(api: &Api) -> i64 {
    api.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'").unwrap().parse().unwrap()
}

/// A column counts for the quota of a zone as far outside as its position is not known, and near a place as far away.
#[test]
fn a_column_counts_as_far_away_as_its_position_is_not_known() {
    let api = Api::new();
    let zone = json!({"code": "Z", "kind": "zone", "organisation": "office", "quota": 2});
    api.add(REFERENCES, rect(0.0, 0.0, 8_000.0, 100.0), zone);
    let known = |metres: f64| json!({"position_accuracy_m": metres});
    let table: [(&str, (f64, f64), Json, bool); 9] = [
        ("in the zone, far from the place", (7_990.0, 50.0), known(0.0), true),
        ("outside, and known to be", (8_040.0, 50.0), known(0.0), false),
        ("outside, if at all", (8_040.0, 50.0), known(60.0), true),
        ("to the north, if at all", (7_000.0, 140.0), known(60.0), true),
        ("outside by more than that", (8_040.0, 50.0), known(20.0), false),
        ("estimated, by the settings 50 m", (8_045.0, 50.0), json!({"capture_method": "estimated"}), true),
        ("nobody knows how, and farther than anything is taken to be", (8_200.0, 50.0), json!({}), false),
        ("far from the place, if at all", (50.0, -7_000.0), known(6_600.0), true),
        ("far from the place", (50.0, -7_000.0), known(6_000.0), false),
    ];
    for (n, (what, (east, north), facts, expect)) in table.into_iter().enumerate() {
        let mut mast = json!({"code": format!("M-{n}"), "kind": "mast", "organisation": "vnpt"});
        mast.as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
        let since = revision(&api);
        let id = api.add(WORKS, point(east, north), mast);
        assert_eq!(is_found(&api, since), expect, "{what}");
        let since = revision(&api);
        assert_eq!(api.server.call("officer", "DELETE", &format!("{WORKS}/{id}"), None).status, 204);
        assert_eq!(is_found(&api, since), expect, "{what}, when it is gone");
        assert!(!is_found(&api, revision(&api)), "{what}: it was looked at");
    }
}
