//! Paths that lead elsewhere, and ids that are guessed.

#![allow(clippy::format_collect)] // short texts

use serde_json::json;
use uuid::Uuid;

use super::{ABSENT, is_discreet, raw, status};
use crate::help::{Api, WORKS, feature, mast, merged, point};
use crate::people::admin;

#[test]
fn no_way_of_writing_a_path_leads_past_its_door() {
    let api = Api::with_people();
    let id = api.account("nga", "office", &["officer"]);
    let hidden = api.add(WORKS, point(0.0, 0.0), merged(json!({"visibility": "restricted", "code": "S-1"}), &mast()));
    let mut paths: Vec<String> = [
        "/ogc/../api/accounts",
        "/ogc/%2e%2e/api/accounts",
        "/ogc/..%2fapi/accounts",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/../../../etc/passwd",
        "/..\\..\\etc\\passwd",
        "//api/accounts",
        "/api//accounts",
        "/api/./accounts",
        "/API/ACCOUNTS",
        "/Api/accounts",
        "/api/accounts/",
        "/api/accounts;a=b",
        "/api/accounts.json",
        "/api/accounts%00",
        "/api/accounts%20",
        "/api/accounts%2f",
        "/api/accounts%0d%0aX-Evil:%201",
        "/api%2faccounts",
        "/%61pi/accounts",
        "/api/%61ccounts",
        "/api/accounts/..",
        "/api/accounts/../accounts",
        "/api/account/../accounts",
        "/health/live/../../api/accounts",
        "/api/tokens",
        "/api/organisations",
        "/.git/config",
        "/clearway.toml",
        "/admin",
        "/%c0%ae%c0%ae/etc/passwd",
        "/%ff",
        "/api/accounts?/health/live",
        "http://localhost/api/accounts",
        "http://evil.example/api/accounts",
        "*",
    ]
    .map(str::to_owned)
    .into();
    let written =
        [hidden.to_uppercase(), hidden.replace('-', ""), format!("urn:uuid:{hidden}"), format!("{{{hidden}}}")];
    let encoded = hidden.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
    for id in written.iter().chain([
        &hidden,
        &encoded,
        &format!("{hidden}/"),
        &format!("{hidden}%00"),
        &format!("./{hidden}"),
    ]) {
        paths.push(format!("{WORKS}/{id}"));
        paths.push(format!("/api/works/{id}/conflicts"));
    }
    paths.extend([format!("/api/accounts/{id}"), format!("/api/accounts/{}", id.to_uppercase())]);
    let open = |head: &str| {
        for path in &paths {
            for method in ["GET", "POST", "DELETE", "PATCH"] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}Content-Length: 0\r\n\r\n"
                );
                let answer = raw(&api, request.as_bytes());
                let what = format!("{method} {path} {head}");
                assert!(matches!(status(&answer), 400 | 401 | 403 | 404 | 405), "{what}: {answer}");
                assert!(
                    !answer.contains("nga") && !answer.contains("root:") && !answer.contains("S-1"),
                    "{what}: {answer}"
                );
                assert!(!answer.to_lowercase().contains("\r\nx-evil"), "{what}: {answer}");
                is_discreet(&what, &answer);
            }
        }
    };
    open("");
    // What a proxy or a framework might be told to serve in the place of what was asked for.
    open("X-Original-URL: /api/accounts\r\nX-Rewrite-URL: /api/accounts\r\nX-HTTP-Method-Override: GET\r\n");
    // The right way is the only one for whoever may, too.
    let head = format!("Authorization: Bearer {}\r\nConnection: close\r\nHost: localhost\r\n", admin());
    let may = |path: &str| status(&raw(&api, format!("GET {path} HTTP/1.1\r\n{head}\r\n").as_bytes()));
    assert_eq!(
        (may("/api/accounts"), may("/API/accounts"), may("//api/accounts"), may("/api/accounts/")),
        (200, 404, 404, 404)
    );
}

#[test]
fn ids_beside_one_s_own_tell_nothing() {
    let api = Api::new();
    let own = |n: u32| {
        let made = api.on_grid("carrier", "POST", WORKS, &feature(point(f64::from(n), 0.0), mast()));
        made.json()["id"].as_str().unwrap().parse::<Uuid>().unwrap()
    };
    let first = own(0);
    let secret = merged(json!({"visibility": "restricted", "organisation": "office"}), &mast());
    let hidden: Uuid = api.add(WORKS, point(0.0, 0.0), secret).parse().unwrap();
    let last = own(1);
    assert!(first < hidden && hidden < last, "ids tell the order in which features came, and nothing else");
    for id in [first, hidden, last] {
        assert_eq!(id.get_version_num(), 7);
    }
    let differ = |a: Uuid, b: Uuid| (a.as_u128() ^ b.as_u128()).count_ones();
    assert!(differ(first, hidden) > 8 && differ(hidden, last) > 8, "no counter alone");
    let told = |id: Uuid| {
        let answer = api.server.get("carrier", &format!("{WORKS}/{id}"));
        let request = answer.header("x-request-id").unwrap().to_owned();
        (answer.status, answer.text.replace(&id.to_string(), "ID").replace(&request, "REQUEST"))
    };
    let nothing = told(ABSENT.parse().unwrap());
    assert_eq!(nothing.0, 404);
    let beside = [first, hidden, last]
        .into_iter()
        .flat_map(|id| (1..=16).flat_map(move |n| [id.as_u128() + n, id.as_u128() - n]));
    for id in beside.map(Uuid::from_u128).chain([hidden]) {
        assert_eq!(told(id), nothing, "{id}");
    }
    // A page that is asked for from there on begins where one that is asked for from nowhere does.
    let after = |id: Uuid| {
        let page = api.server.get("carrier", &format!("{WORKS}?after={id}&limit=5")).json();
        page["features"].as_array().unwrap().iter().map(|f| f["id"].clone()).collect::<Vec<_>>()
    };
    let before_it = Uuid::from_u128(hidden.as_u128() - 1);
    assert_eq!((after(hidden), after(before_it)), (vec![json!(last.to_string())], vec![json!(last.to_string())]));
}
