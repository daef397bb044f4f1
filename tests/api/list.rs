//! Lists: boxes, limits, pages that are followed to the end, jurisdictions.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, WORKS, feature, line, mast, merged, point, rect, road};
use crate::support::{Database, TestServer};

fn codes(page: &Json) -> Vec<String> {
    let features = page["features"].as_array().unwrap();
    assert_eq!(page["numberReturned"], features.len());
    features.iter().map(|f| f["properties"]["code"].as_str().unwrap().to_owned()).collect()
}

fn next(server: &TestServer, page: &Json) -> Option<String> {
    let links = page["links"].as_array().unwrap();
    let href = links.iter().find(|l| l["rel"] == "next")?["href"].as_str().unwrap();
    Some(href.strip_prefix(&server.base).unwrap().to_owned())
}

fn works(api: &Api, number: usize) {
    let features: Vec<_> = (0..number).map(|n| (n, f64::from(u32::try_from(n).unwrap()))).collect();
    for (n, east) in features {
        api.work(&format!("P-{n:02}"), point(east, 0.0));
    }
}

#[test]
fn a_box_selects_what_it_meets() {
    let api = Api::new();
    // In degrees, so that the numbers of the boxes can be read.
    for (code, x, y) in [("B-1", 107.6, 12.0), ("B-2", 107.7, 12.1), ("B-3", 107.8, 12.2)] {
        let document = feature(json!({"type": "Point", "coordinates": [x, y]}), merged(json!({"code": code}), &mast()));
        assert_eq!(api.server.post("officer", WORKS, &document).status, 201);
    }
    let document = feature(
        json!({"type": "Polygon", "coordinates": [[[107.6, 12.0], [107.8, 12.2], [107.6, 12.2], [107.6, 12.0]]]}),
        merged(json!({"code": "B-4"}), &road()),
    );
    assert_eq!(api.server.post("officer", CORRIDORS, &document).status, 201);
    let check = |items: &str, bbox: &str, expect: &[&str]| {
        let page = api.server.get("", &format!("{items}?bbox={bbox}"));
        assert_eq!(page.status, 200, "{bbox}: {}", page.text);
        assert_eq!(codes(&page.json()), expect, "{bbox}");
    };
    check(WORKS, "107,11,108,13", &["B-1", "B-2", "B-3"]);
    check(WORKS, "107.65,12,107.75,12.15", &["B-2"]);
    check(WORKS, "107.6,12.0,107.7,12.1", &["B-1", "B-2"]);
    check(WORKS, "107.61,12,107.69,12.2", &[]);
    check(WORKS, "107.7,12.1,107.7,12.1", &["B-2"]);
    check(WORKS, "107.65,12,-100,107.75,12.15,2000", &["B-2"]);
    check(WORKS, "107.65,%2012,%20107.75,%2012.15", &["B-2"]);
    check(WORKS, "-180,-90,180,90", &["B-1", "B-2", "B-3"]);
    check(WORKS, ".5,-.5,.18e3,90.", &["B-1", "B-2", "B-3"]);
    check(WORKS, "-1e1,-.1,+107.65,12.05", &["B-1"]);
    // Across the antimeridian: from 107.75 eastwards round the globe to 107.65.
    check(WORKS, "107.75,-90,107.65,90", &["B-1", "B-3"]);
    check(WORKS, "170,-50,-170,50", &[]);
    check(WORKS, "108,-50,107.65,50", &["B-1"]);
    // From the antimeridian itself: one of the two strips has no width.
    check(WORKS, "180,-50,107.65,50", &["B-1"]);
    check(WORKS, "107.75,-50,-180,50", &["B-3"]);
    check(WORKS, "180,-90,180,90", &[]);
    check(WORKS, "107.6,11,107.6,13", &["B-1"]);
    check(WORKS, "107,12.1,108,12.1", &["B-2"]);
    // The shape counts, not the box round it.
    check(CORRIDORS, "107.61,12.11,107.62,12.12", &["B-4"]);
    check(CORRIDORS, "107.75,12.01,107.79,12.05", &[]);
    let foreign = api.server.get("", &format!("{WORKS}?bbox=107.65,12,107.75,12.15&jurisdiction=VN-72&limit=1"));
    assert_eq!(codes(&foreign.json()), ["B-2"]);
}

#[test]
fn limits_have_a_default_and_a_maximum() {
    let api = Api::with(|s| s.page_limit_max = 12);
    works(&api, 14);
    for (query, expect) in [("", 10), ("?limit=1", 1), ("?limit=12", 12), ("?limit=13", 12), ("?limit=99999999999", 12)]
    {
        let page = api.server.get("", &format!("{WORKS}{query}")).json();
        assert_eq!(codes(&page).len(), expect, "{query}");
        assert!(next(&api.server, &page).is_some(), "{query}");
    }
    for bad in ["0", "-1", "1.5", "ten", "", "1e3", "+5"] {
        let refused = api.server.get("", &format!("{WORKS}?limit={}", bad.replace('+', "%2B")));
        let detail = format!("parameter «limit»: «{bad}» is not a whole number from 1 to 12");
        assert_eq!((refused.status, &refused.json()["detail"]), (400, &json!(detail)), "{bad}");
    }
}

#[test]
fn pages_give_each_feature_once_whatever_happens_meanwhile() {
    let api = Api::new();
    works(&api, 17);
    let wide = "bbox=107,11,108,13";
    for limit in [1, 4, 5, 16, 17, 18] {
        let mut path = format!("{WORKS}?limit={limit}&{wide}&jurisdiction=VN-72");
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let page = api.server.get("", &path).json();
            seen.extend(codes(&page));
            pages += 1;
            match next(&api.server, &page) {
                Some(more) => path = more,
                None => break,
            }
            assert!(path.contains(wide) && path.contains("jurisdiction=VN-72"), "{path}");
        }
        assert_eq!(seen, (0..17).map(|n| format!("P-{n:02}")).collect::<Vec<_>>(), "limit {limit}");
        assert_eq!(pages, 17_usize.div_ceil(limit), "no empty page at the end with limit {limit}");
    }
    // Another limit on every page, one feature deleted and one created between any two.
    let mut path = format!("{WORKS}?limit=2");
    let (mut seen, mut turn) = (Vec::new(), 0);
    loop {
        let page = api.server.get("", &path).json();
        seen.extend(codes(&page));
        let Some(more) = next(&api.server, &page) else { break };
        turn += 1;
        path = more.replace("limit=2", &format!("limit={}", turn % 3 + 1)).replace("limit=3", "limit=2");
        if turn <= 3 {
            api.work(&format!("Q-{turn}"), point(5.0, 5.0));
            let first = api.server.get("", &format!("{WORKS}?limit=1")).json();
            let gone = format!("{WORKS}/{}", first["features"][0]["id"].as_str().unwrap());
            assert_eq!(api.server.call("officer", "DELETE", &gone, None).status, 204);
        }
    }
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");
    for n in 0..17 {
        assert!(seen.contains(&format!("P-{n:02}")), "{n} of {seen:?}");
    }
    assert!(["Q-1", "Q-2", "Q-3"].iter().all(|c| seen.iter().any(|s| s == c)), "{seen:?}");
}

#[test]
fn a_list_of_nothing_is_empty_and_an_unknown_jurisdiction_is_not() {
    let api = Api::new();
    let empty = api.server.get("", &format!("{WORKS}?jurisdiction=VN-72")).json();
    assert_eq!((&empty["type"], codes(&empty).len()), (&json!("FeatureCollection"), 0));
    let unknown = api.server.get("", &format!("{WORKS}?jurisdiction=VN-99"));
    let detail = "parameter «jurisdiction»: «VN-99» is not registered";
    assert_eq!((unknown.status, &unknown.json()["detail"]), (400, &json!(detail)));
    let after = "01920000-0000-7000-8000-000000000000";
    assert_eq!(api.server.get("", &format!("{WORKS}?after={after}")).status, 200);
    let refused = api.server.get("", &format!("{WORKS}?after=17"));
    assert_eq!(refused.json()["detail"], "parameter «after»: «17» is not a UUID");
}

#[test]
fn a_database_without_jurisdictions_answers_too() {
    let database = Database::empty();
    let server = TestServer::start(&database);
    assert_eq!(codes(&server.get("", WORKS).json()).len(), 0);
    let made = server.post("officer", WORKS, &feature(json!({"type": "Point", "coordinates": [107.7, 12.0]}), mast()));
    assert_eq!(
        (made.status, made.problems()),
        (422, vec!["/geometry/coordinates: lies in no registered jurisdiction".into()])
    );
    let check = server.post("", "/api/conflict-checks", &json!({"type": "Point", "coordinates": [107.7, 12.0]})).json();
    assert_eq!((&check["results"][0]["coverage"], &check["checked"]), (&json!("none"), &json!([])));
}

#[test]
fn shapes_come_as_they_are_stored() {
    let api = Api::new();
    api.road("S-1", rect(0.0, 0.0, 100.0, 20.0));
    api.work("S-2", line(&[(0.0, 0.0), (10.0, 0.0)]));
    let one = |items: &str| {
        let page = api.server.get("", items).json();
        let id = page["features"][0]["id"].as_str().unwrap().to_owned();
        let mut feature = api.server.get("", &format!("{items}/{id}")).json();
        feature.as_object_mut().unwrap().remove("links");
        assert_eq!(page["features"][0], feature);
    };
    one(WORKS);
    one(CORRIDORS);
}
