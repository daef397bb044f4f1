//! The first request.

use crate::support::{Database, TestServer};
use serde_json::json;

#[test]
fn a_work_is_created_and_read() {
    let database = Database::vn72();
    let server = TestServer::start(&database);
    let work = json!({"type":"Feature","geometry":{"type":"Point","coordinates":[107.6907,12.0042]},
        "properties":{"code":"T-1","kind":"mast","organisation":"viettel"}});
    let created = server.post("officer", "/ogc/collections/works/items", &work);
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let read = server.get("", &format!("/ogc/collections/works/items/{id}"));
    assert_eq!((read.status, read.header("etag")), (200, Some("\"1\"")), "{}", read.text);
    let check = server.post(
        "",
        "/api/conflict-checks?clearance_m=30",
        &json!({"type":"Point","coordinates":[107.6907,12.0042]}),
    );
    assert_eq!(check.json()["results"][0]["conflict_count"], 1, "{}", check.text);
}
