//! Who may do what: strangers, wrong roles, other people's features, other jurisdictions, and secrets.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use clearway::actions::{Witness, jurisdiction};
use clearway::domain::actor::{Actor, Duty, PERMISSIONS, Reach, Role};
use clearway::domain::corridor::{Corridor, CorridorStatus};
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::domain::layer::Layer;
use clearway::domain::word::{Visibility, Word};
use clearway::error::Error;
use clearway::http::routes::{Access, Method, ROUTES};
use serde_json::{Value as Json, json};

use crate::codes::{actor, imported};
use crate::help::{Api, CORRIDORS, WORKS, feature, mast, merged, point, rect, road, town};
use crate::support::{Database, Response, vn72_draft};

const ID: &str = "01920000-0000-7000-8000-000000000000";

#[test]
fn strangers_are_asked_to_sign_in() {
    let api = Api::new();
    let signed_in: Vec<_> = ROUTES.iter().filter(|r| r.access.is_protected()).collect();
    assert!(signed_in.len() >= 8);
    for route in signed_in {
        let path = route.path.replace("{id}", ID).replace("{noun}", "works");
        for (authorization, detail) in [
            (None, "sign in: send «Authorization: Bearer …»"),
            (Some("Bearer wrong-token-of-nobody"), "the token is not known; send «Authorization: Bearer …»"),
            (Some("Basic b2ZmaWNlcjpvZmZpY2Vy"), "the token is not known; send «Authorization: Bearer …»"),
            (Some("Bearer"), "the token is not known; send «Authorization: Bearer …»"),
            (Some("Bearer "), "the token is not known; send «Authorization: Bearer …»"),
            (Some("test-token-of-the-officer"), "the token is not known; send «Authorization: Bearer …»"),
        ] {
            let headers: Vec<(&str, &str)> = authorization.iter().map(|a| ("Authorization", *a)).collect();
            // The body is not even looked at: it is none.
            let refused = api.server.send(route.method.as_str(), &path, &headers, Some(b"{"));
            assert_eq!(refused.status, 401, "{} {path} {authorization:?}", route.method.as_str());
            assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"clearway\""));
            let problem = refused.json();
            assert_eq!((&problem["type"], &problem["detail"]), (&json!("/problems/sign-in"), &json!(detail)));
        }
    }
}

#[test]
fn a_token_that_is_not_known_is_never_taken_for_none() {
    let api = Api::new();
    let id = api.work("A-1", point(0.0, 0.0));
    let item = format!("{WORKS}/{id}");
    let conflicts = format!("/api/works/{id}/conflicts");
    for path in [WORKS, CORRIDORS, item.as_str(), conflicts.as_str()] {
        assert_eq!(api.server.get("nobody", path).status, 401, "{path}");
        assert_eq!(api.server.get("", path).status, 200, "{path}");
    }
    assert_eq!(api.server.post("nobody", "/api/conflict-checks", &town()).status, 401);
    let lower = api.server.send("GET", WORKS, &[("Authorization", "bearer test-token-of-the-officer")], None);
    assert_eq!(lower.status, 200, "the scheme may be written in any case");
}

/// Which roles may write which layer; everybody else hears 403 and nothing changes.
#[test]
fn each_role_writes_what_is_its_own() {
    let api = Api::new();
    let yes = [true, true];
    // role, [a work of its own organisation, of another], [a corridor of its own, of another]
    let table = [
        ("carrier", "viettel", [true, false], [false, false]),
        ("planner", "office", [false, false], yes),
        ("officer", "office", yes, yes),
        ("approver", "committee", [false, false], [false, false]),
        ("project_owner", "roads-board", [false, false], [true, false]),
        ("consultee", "army", [false, false], [false, false]),
        ("inspector", "office", [false, false], [false, false]),
        ("auditor", "office", [false, false], [false, false]),
        ("administrator", "nobody", yes, yes),
        ("officer-elsewhere", "office", [false, false], [false, false]),
    ];
    for (_, role) in Role::ALL {
        assert!(table.iter().any(|(r, ..)| r == role), "{role} is not in the table");
    }
    for (role, own, works, corridors) in table {
        for (items, rights, base, shape) in [
            (WORKS, works, json!({"kind": "mast"}), point(0.0, 0.0)),
            (CORRIDORS, corridors, json!({"kind": "road", "status": "announced"}), rect(0.0, 0.0, 9.0, 9.0)),
        ] {
            for (organisation, may) in [own, "somebody-else"].into_iter().zip(rights) {
                let document = feature(shape.clone(), merged(json!({"organisation": organisation}), &base));
                let theirs = api.add(items, shape.clone(), document["properties"].clone());
                let path = format!("{items}/{theirs}");
                let what = format!("{role} {items} of {organisation}");
                let expect = |done: u16| if may { done } else { 403 };
                let made = api.on_grid(role, "POST", items, &document);
                assert_eq!(made.status, expect(201), "{what}: {}", made.text);
                if !may {
                    assert_eq!(made.json()["type"], "/problems/not-permitted");
                }
                assert_eq!(api.on_grid(role, "PUT", &path, &document).status, expect(200), "{what}");
                let patch = json!({"properties": {"name": "x"}});
                assert_eq!(api.on_grid(role, "PATCH", &path, &patch).status, expect(200), "{what}");
                assert_eq!(api.server.call(role, "DELETE", &path, None).status, expect(204), "{what}");
                assert_eq!(api.server.get("officer", &path).status, if may { 404 } else { 200 }, "{what}");
            }
        }
    }
}

/// That a corridor is approved, or in force, is a legal state: its owner neither gives it, nor touches what has it.
#[test]
fn a_project_owner_decides_nothing_of_his_own_corridors() {
    let api = Api::new();
    let decided = |status: &str| {
        format!(
            "that a corridor is {status} is for planner, officer, administrator to say, who alone write it then; its owner \
             writes it while it is announced or surveyed"
        )
    };
    let document = |status: &str| feature(rect(0.0, 0.0, 9.0, 9.0), merged(json!({"status": status}), &road()));
    let owner = "project_owner";
    for (status, word) in CorridorStatus::ALL {
        let may = matches!(status, CorridorStatus::Announced | CorridorStatus::Surveyed);
        let check = |what: &str, answer: &Response, done: u16, state: &str| {
            assert_eq!(answer.status, if may { done } else { 403 }, "{what} {word}: {}", answer.text);
            assert!(may || answer.json()["detail"] == decided(state), "{what} {word}: {}", answer.text);
        };
        let made = api.on_grid(owner, "POST", CORRIDORS, &document(word));
        check("made", &made, 201, word);
        // Of his own that is announced he makes none of the others, by no door.
        let own = api.add(CORRIDORS, rect(0.0, 0.0, 9.0, 9.0), document("announced")["properties"].clone());
        let own = format!("{CORRIDORS}/{own}");
        let patch = json!({"properties": {"status": word}});
        check("patched", &api.on_grid(owner, "PATCH", &own, &patch), 200, word);
        check("replaced", &api.on_grid(owner, "PUT", &own, &document(word)), 200, word);
        // Nor does he change or delete one that has been given it, or take it back.
        for role in ["planner", "administrator", "officer"] {
            assert_eq!(api.on_grid(role, "PATCH", &own, &patch).status, 200, "{role} {word}");
        }
        let named = json!({"properties": {"name": "x"}});
        let back = json!({"properties": {"status": "announced"}});
        check("named", &api.on_grid(owner, "PATCH", &own, &named), 200, word);
        check("deleted", &api.server.call(owner, "DELETE", &own, None), 204, word);
        if !may {
            check("taken back", &api.on_grid(owner, "PATCH", &own, &back), 200, word);
            check("replaced", &api.on_grid(owner, "PUT", &own, &document("surveyed")), 200, word);
            assert_eq!(api.server.get("officer", &own).json()["properties"]["status"], *word);
            assert_eq!(api.server.call("officer", "DELETE", &own, None).status, 204);
        }
        // An import says the same, of what a record states and of what is registered.
        let actor = actor(Role::ProjectOwner, "roads-board");
        let import = |code: &str, status: &str| {
            let row = [("code", code), ("kind", "road"), ("status", status), ("organisation", "roads-board")];
            imported::<Corridor>(&api, &actor, &row)
        };
        let expect = |state: &str| if may { vec![] } else { vec![format!("/properties/status: {}", decided(state))] };
        let (new, known) = (format!("NEW-{word}"), format!("KNOWN-{word}"));
        let (report, problems) = import(&new, word);
        assert_eq!((report.stored, problems), (may, expect(word)), "{word}");
        api.add(CORRIDORS, rect(0.0, 0.0, 9.0, 9.0), merged(json!({"code": known, "status": word}), &road()));
        let (report, problems) = import(&known, "surveyed");
        assert_eq!((report.stored, problems), (may, expect(word)), "{word}");
        let (report, problems) = imported::<Corridor>(
            &api,
            &Actor::operator(),
            &[("code", &new), ("kind", "road"), ("status", word), ("organisation", "roads-board")],
        );
        assert_eq!((report.stored, problems), (true, vec![]), "{word}: whoever answers for all may");
    }
}

#[test]
fn nobody_gives_away_or_takes_over() {
    let api = Api::new();
    let mine = feature(point(0.0, 0.0), mast());
    let id = api.on_grid("carrier", "POST", WORKS, &mine).json()["id"].as_str().unwrap().to_owned();
    let path = format!("{WORKS}/{id}");
    let given = json!({"properties": {"organisation": "vnpt"}});
    for (role, expect) in [("carrier", 403), ("other-carrier", 403), ("officer", 200)] {
        let answer = api.on_grid(role, "PATCH", &path, &given);
        assert_eq!(answer.status, expect, "{role}: {}", answer.text);
    }
    let refused = api.on_grid("carrier", "PATCH", &path, &given).json();
    assert_eq!(refused["detail"], "your roles do not let you write a work of vnpt in VN-72");
    let silent = api.on_grid("other-carrier", "PUT", &path, &feature(point(0.0, 0.0), json!({"kind": "pole"})));
    assert_eq!(silent.json()["properties"]["organisation"], "vnpt", "the owner stays when a document does not name it");
}

/// A new jurisdiction is in none of those that somebody is bound to.
#[test]
fn an_administrator_of_some_jurisdictions_registers_none() {
    let database = Database::vn72();
    let context = database.context();
    let bound = |jurisdictions: Option<Vec<String>>| Actor { jurisdictions, ..Actor::operator() };
    let register = |actor: &Actor| {
        let draft = JurisdictionDraft { code: "VN-99".into(), ..vn72_draft() };
        jurisdiction::register(&context, Witness::new(actor, "test"), draft).map(|j| j.code)
    };
    let refused = Err(Error::Forbidden("your roles do not let you register a jurisdiction".into()));
    for codes in [vec![], vec!["VN-72".into()], vec!["VN-72".into(), "VN-99".into()]] {
        assert_eq!(register(&bound(Some(codes))), refused);
    }
    assert_eq!(register(&bound(None)), Ok("VN-99".into()));
}

/// A feature somebody may not see answers as one that is not there, whatever is done with it, in the same words.
#[test]
fn what_is_secret_is_not_there() {
    let api = Api::new();
    let secret = |items: &str, shape, base| {
        api.add(items, shape, merged(json!({"visibility": "restricted", "code": "S-1"}), &base))
    };
    let work = secret(WORKS, point(0.0, 0.0), mast());
    let corridor = secret(CORRIDORS, rect(0.0, 0.0, 9.0, 9.0), road());
    for (items, noun, id, blind) in [
        (
            WORKS,
            "work",
            work,
            ["", "other-carrier", "planner", "project_owner", "consultee", "inspector", "officer-elsewhere"],
        ),
        (
            CORRIDORS,
            "corridor",
            corridor,
            ["", "carrier", "other-carrier", "planner", "consultee", "inspector", "officer-elsewhere"],
        ),
    ] {
        let document = feature(point(1.0, 1.0), mast());
        for role in blind {
            for target in [id.as_str(), ID] {
                let path = format!("{items}/{target}");
                let methods: &[&str] = if role.is_empty() { &["GET"] } else { &["GET", "PUT", "PATCH", "DELETE"] };
                for method in methods {
                    let answer = api.on_grid(role, method, &path, &document);
                    // Whoever writes nothing of the layer hears that, of whatever there is and is not.
                    if *method != "GET" && writes(role, items) == Reach::Nothing {
                        let said = format!("your roles do not let you write {noun}s");
                        assert_eq!((answer.status, &answer.json()["detail"]), (403, &json!(said)), "{role} {method}");
                        continue;
                    }
                    assert_eq!(answer.status, 404, "{role} {method} {path}: {}", answer.text);
                    assert_eq!(answer.json()["detail"], format!("the {noun} {target} is not there"), "{role} {method}");
                }
                let conflicts = api.server.get(role, &format!("/api/{noun}s/{target}/conflicts"));
                assert_eq!(conflicts.status, 404, "{role}");
            }
        }
        for role in ["officer", "approver", "auditor", "administrator"] {
            assert_eq!(api.server.get(role, &format!("{items}/{id}")).status, 200, "{role}");
        }
    }
}

/// What the role of a configured token writes of a layer, by the table.
fn writes(token: &str, items: &str) -> Reach {
    let role = match token {
        "officer-elsewhere" => "officer",
        "other-carrier" => "carrier",
        role => role,
    };
    let row = PERMISSIONS.iter().find(|p| p.role.as_str() == role);
    row.map_or(Reach::Nothing, |p| if items == WORKS { p.works } else { p.corridors })
}

/// Each door by each role: whoever has not the permission of the route is refused before anything else is looked at, and
/// whoever has it is let in.
#[test]
fn the_permission_of_a_route_opens_it() {
    let api = Api::new();
    let mut refused = 0;
    for route in ROUTES.iter().filter(|r| r.path != "/api/changes") {
        let path = route.path.replace("{id}", ID).replace("{code}", "nobody").replace("{noun}", "works");
        for permission in PERMISSIONS {
            let lets_in = match route.access {
                Access::Writes(Layer::Works) => permission.works != Reach::Nothing,
                Access::Writes(Layer::Corridors) => permission.corridors != Reach::Nothing,
                Access::Writes(Layer::References) => permission.references != Reach::Nothing,
                Access::Does(duty) => permission.duties.contains(&duty),
                Access::Everyone | Access::SignedIn | Access::OwnCredentials => true,
            };
            let role = permission.role.as_str();
            // No document at all: whoever is let in hears of that, or that nothing is there.
            let answer = api.server.send(
                route.method.as_str(),
                &path,
                &[("Authorization", &format!("Bearer test-token-of-the-{role}"))],
                Some(b"{"),
            );
            let gate = ["your roles do not let you write ", "your roles do not let you use this: it takes the duty "];
            let said =
                answer.text.parse::<Json>().unwrap_or_default()["detail"].as_str().unwrap_or_default().to_owned();
            let by_gate = answer.status == 403 && gate.iter().any(|text| said.starts_with(text));
            assert_eq!(by_gate, !lets_in, "{role} {} {path}: {} {}", route.method.as_str(), answer.status, answer.text);
            refused += u32::from(by_gate);
        }
    }
    assert!(refused > 50, "{refused}");
    for route in ROUTES {
        // What changes something is for nobody who did not sign in, and a permission that no role has opens nothing.
        let own = ["/api/sessions", "/api/account", "/api/tokens"].iter().any(|p| route.path.starts_with(p));
        // What is kept of a site check is the asker's own.
        let asks = ["/api/conflict-checks", "/api/conflict-checks/batch", "/api/site-search"].contains(&route.path)
            || route.path.starts_with("/api/site-checks");
        // Who files, and who makes which step, the table of site requests says.
        let asks = asks || route.path.contains("site-requests");
        // Who adds a document is asked of what holds it.
        let asks = asks || route.path == "/api/{noun}/{id}/documents";
        let needs_permission = matches!(route.access, Access::Writes(_) | Access::Does(_));
        let own = own && !route.path.starts_with("/api/accounts");
        assert!(
            route.method == Method::Get || own || asks || needs_permission,
            "{} {}: say in the table of routes which permission it takes",
            route.method.as_str(),
            route.path
        );
    }
}

/// Which doors each permission opens, as the README shows it.
fn printed_doors() -> String {
    let mut text = "\n| it takes | to use |\n|---|---|\n".to_owned();
    let mut rows: Vec<(String, Access)> = vec![
        ("nothing; what is public".into(), Access::Everyone),
        ("what the request itself brings".into(), Access::OwnCredentials),
        ("signing in".into(), Access::SignedIn),
    ];
    rows.extend(Layer::ALL.iter().map(|(layer, word)| (format!("writing {word}"), Access::Writes(*layer))));
    rows.extend(Duty::ALL.iter().map(|(duty, word)| (format!("the duty `{word}`"), Access::Does(*duty))));
    for (name, access) in rows {
        let mut doors: Vec<(&str, Vec<&str>)> = Vec::new();
        for route in ROUTES.iter().filter(|r| r.access == access) {
            match doors.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, methods)) => methods.push(route.method.as_str()),
                None => doors.push((route.path, vec![route.method.as_str()])),
            }
        }
        let doors: Vec<String> =
            doors.into_iter().map(|(path, methods)| format!("`{} {path}`", methods.join("·"))).collect();
        let doors = if doors.is_empty() { "–".to_owned() } else { doors.join(", ") };
        writeln!(text, "| {name} | {doors} |").unwrap();
    }
    text
}

/// The permission table as the README shows it.
fn printed() -> String {
    let writes = |reach: Reach| match reach {
        Reach::Nothing => "–",
        Reach::Own => "its own",
        Reach::Every => "all",
    };
    let list = |words: Vec<&str>| if words.is_empty() { "–".to_owned() } else { words.join(", ") };
    let layers: Vec<&str> = Layer::ALL.iter().map(|(_, name)| *name).collect();
    assert_eq!(layers, ["works", "corridors", "references"], "a layer has a column");
    let mut text =
        "\n| role | writes works | writes corridors | writes references | duties | sees, besides its own |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for p in PERMISSIONS {
        let duties = list(p.duties.iter().map(|d| d.as_str()).collect());
        let all = p.sees.len() == Visibility::ALL.len();
        let sees = if all { "everything".to_owned() } else { list(p.sees.iter().map(|v| v.as_str()).collect()) };
        let (works, corridors, references) = (writes(p.works), writes(p.corridors), writes(p.references));
        writeln!(text, "| {} | {works} | {corridors} | {references} | {duties} | {sees} |", p.role.as_str()).unwrap();
    }
    text + &printed_doors() + "\n"
}

#[test]
fn permissions_of_the_readme_are_those_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("<!-- permissions:").unwrap();
    let (mark, rest) = rest.split_once("-->\n").unwrap();
    let (kept, after) = rest.split_once("<!-- end of permissions -->").unwrap();
    let fresh = printed();
    if env::var_os("CLEARWAY_DRAW").is_some() {
        fs::write(&file, format!("{before}<!-- permissions:{mark}-->\n{fresh}<!-- end of permissions -->{after}"))
            .unwrap();
        return;
    }
    assert!(kept == fresh, "README.md is stale: run `CLEARWAY_DRAW=1 cargo test --test api permissions_of_the_readme`");
}
