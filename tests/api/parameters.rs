//! Query parameters that are unknown, stand twice or cannot be read: each told by name.

use serde_json::json;

use crate::help::{Api, feature, mast, town};

#[test]
fn parameters_that_cannot_be_used() {
    let api = Api::new();
    let list = "is not known here; known are bbox, limit, after, jurisdiction, f";
    let checks = "is not known here; known are against, clearance_m, limit, at, as-of, measures";
    let table: &[(&str, &str, &str)] = &[
        ("GET", "/ogc/collections/works/items?colour=red", &format!("parameter «colour»: {list}")),
        ("GET", "/ogc/collections/works/items?Limit=1", &format!("parameter «Limit»: {list}")),
        ("GET", "/ogc/collections/works/items?limit=1&limit=2", "parameter «limit»: stands twice"),
        ("GET", "/ogc/collections/works/items?f=xml", "parameter «f»: «xml» is not a format; known is json"),
        ("GET", "/ogc?f=html", "parameter «f»: «html» is not a format; known is json"),
        ("GET", "/health/live?x", "parameter «x»: is not known here; known are none"),
        ("GET", "/ogc/collections/works/items?bbox=", "parameter «bbox»: «» is not a number"),
        (
            "GET",
            "/ogc/collections/works/items?bbox=1,2,3",
            "parameter «bbox»: has 3 numbers; write west,south,east,north (or six, with heights)",
        ),
        (
            "GET",
            "/ogc/collections/works/items?bbox=1,2,3,4,5",
            "parameter «bbox»: has 5 numbers; write west,south,east,north (or six, with heights)",
        ),
        ("GET", "/ogc/collections/works/items?bbox=1,2,3,four", "parameter «bbox»: «four» is not a number"),
        ("GET", "/ogc/collections/works/items?bbox=1,2,3,", "parameter «bbox»: «» is not a number"),
        ("GET", "/ogc/collections/works/items?bbox=1,2,3,NaN", "parameter «bbox»: «NaN» is not a number"),
        ("GET", "/ogc/collections/works/items?bbox=1,2,inf,4", "parameter «bbox»: «inf» is not a number"),
        (
            "GET",
            "/ogc/collections/works/items?bbox=181,2,-170,4",
            "parameter «bbox»: its west edge 181 is no longitude from -180 to 180",
        ),
        (
            "GET",
            "/ogc/collections/works/items?bbox=-180,2,180.5,4",
            "parameter «bbox»: its east edge 180.5 is no longitude from -180 to 180",
        ),
        ("GET", "/ogc/collections/works/items?bbox=1;2;3;4", "parameter «bbox»: «1;2;3;4» is not a number"),
        (
            "GET",
            "/ogc/collections/works/items?bbox=107,13,108,12",
            "parameter «bbox»: its south edge 13 lies north of its north edge 12",
        ),
        ("GET", "/ogc/collections/works/items?bbox=1,2,0x3,4", "parameter «bbox»: «0x3» is not a number"),
        ("POST", "/ogc/collections/works/items?dry=1", "parameter «dry»: is not known here; known are none"),
        ("POST", "/api/conflict-checks?clearance=30", &format!("parameter «clearance»: {checks}")),
        (
            "POST",
            "/api/conflict-checks?clearance_m=-1",
            "parameter «clearance_m»: «-1» is not a number of metres from 0 to 5000",
        ),
        (
            "POST",
            "/api/conflict-checks?clearance_m=5001",
            "parameter «clearance_m»: «5001» is not a number of metres from 0 to 5000",
        ),
        (
            "POST",
            "/api/conflict-checks?clearance_m=30m",
            "parameter «clearance_m»: «30m» is not a number of metres from 0 to 5000",
        ),
        (
            "POST",
            "/api/conflict-checks?clearance_m=NaN",
            "parameter «clearance_m»: «NaN» is not a number of metres from 0 to 5000",
        ),
        (
            "POST",
            "/api/conflict-checks?against=zones",
            "parameter «against»: «zones» is not a layer; known are works, corridors",
        ),
        (
            "POST",
            "/api/conflict-checks?against=works,references",
            "parameter «against»: «references» is not a layer; known are works, corridors",
        ),
        ("GET", "/ogc/collections/references/items?kind=school", &format!("parameter «kind»: {list}")),
        ("GET", "/api/reference-layers?dataset=x", "parameter «dataset»: is not known here; known are jurisdiction"),
        ("GET", "/api/reference-layers?jurisdiction=VN-99", "parameter «jurisdiction»: «VN-99» is not registered"),
        ("POST", "/api/conflict-checks?against=", "parameter «against»: «» is not a layer; known are works, corridors"),
        ("POST", "/api/conflict-checks?limit=0", "parameter «limit»: «0» is not a whole number from 1 to 10000"),
        (
            "POST",
            "/api/conflict-checks?at=yesterday",
            "parameter «at»: «yesterday» is not a moment; write it as 2026-03-01T00:00:00Z",
        ),
    ];
    for (method, path, detail) in table {
        let document = feature(town(), mast());
        let refused = api.server.call("officer", method, path, (*method == "POST").then_some(&document));
        assert_eq!((refused.status, &refused.json()["type"]), (400, &json!("/problems/parameter")), "{path}");
        assert_eq!(refused.json()["detail"], *detail, "{path}");
    }
    let odd = api.server.get("", "/ogc/collections/works/items?jurisdiction=%FF");
    assert_eq!(odd.status, 400, "{}", odd.text);
}
