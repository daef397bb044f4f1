//! Who sees a run that is kept, whatever changed since; what is noted of it; and how often somebody is told of what is hidden
//! by what is kept.

use std::collections::BTreeSet;

use clearway::actions::{Witness, jurisdiction};
use clearway::config::{Secret, Settings, TokenSetting};
use clearway::domain::actor::Actor;
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::geometry::encoding::geojson;
use serde_json::{Value as Json, json};

use crate::support::{run_sql, token, vn72_draft};
use crate::world::{CHECKS, REFERENCES, WORKS, World, column, finding, point, square, until};

fn bound(name: &str, role: &str, organisation: &str) -> TokenSetting {
    TokenSetting {
        token: Secret(token(name)),
        name: name.into(),
        organisation: Some(organisation.into()),
        roles: vec![role.into()],
        jurisdictions: Some(vec!["VN-72".into()]),
    }
}

/// With people whose roles hold in VN-72 alone.
fn world(change: impl FnOnce(&mut Settings)) -> World {
    World::with(|settings| {
        settings.tokens.extend([bound("vnpt-72", "carrier", "vnpt"), bound("officer-72", "officer", "office")]);
        change(settings);
    })
}

/// Registers VN-35, a district 5.1 km to the east of the origin: as near as a feature of it there may be.
fn neighbour(world: &World) {
    let corner = |x: f64, y: f64| json!([107.7368 + 0.02 * x, 12.0 + 0.02 * y]);
    let ring = [corner(0.0, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.0, 1.0), corner(0.0, 0.0)];
    let boundary = geojson::geometry(&json!({"type": "Polygon", "coordinates": [ring]}), 10).unwrap();
    let draft = JurisdictionDraft { code: "VN-35".into(), boundary, ..vn72_draft() };
    jurisdiction::register(&world.database.context(), Witness::new(&Actor::operator(), "test"), draft).unwrap();
    until("it is there", || world.send("officer", "GET", &format!("{WORKS}?jurisdiction=VN-35"), None).status == 200);
}

fn status(world: &World, role: &str, id: &str) -> [u16; 2] {
    let get = |path: String| world.send(role, "GET", &path, None).status;
    [get(format!("{CHECKS}/{id}")), get(format!("{CHECKS}/{id}/replay"))]
}

/// A page of the list, and what it says comes next.
fn page(world: &World, role: &str, query: &str) -> (Vec<Json>, Option<String>) {
    let answer = world.send(role, "GET", &format!("{CHECKS}{query}"), None);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    (json["site_checks"].as_array().unwrap().clone(), json["next"].as_str().map(str::to_owned))
}

fn listed(world: &World, role: &str, query: &str) -> (Vec<String>, Option<String>) {
    let (runs, next) = page(world, role, query);
    (runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect(), next)
}

/// Whoever may see a feature is changed.
fn show(world: &World, items: &str, id: &str, visibility: &str) {
    let answer = world.send(
        "officer",
        "PATCH",
        &format!("{items}/{id}"),
        Some(&json!({"properties": {"visibility": visibility}})),
    );
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// How many rows say that somebody was shown a feature at a door.
fn reads(world: &World, who: &str, door: &str, id: &str) -> u32 {
    let select = format!(
        "SELECT count(*) FROM restricted_reads WHERE actor = '{who}' AND door = '{door}' AND '{id}' = ANY (ids)"
    );
    world.sql(&select).parse().unwrap()
}

#[test]
fn what_the_asker_saw_as_his_own_across_a_border_is_not_for_whoever_sees_all_on_this_side() {
    let world = world(|_| {});
    neighbour(&world);
    let facts = json!({"code": "OVER", "kind": "mast", "organisation": "vnpt", "visibility": "restricted",
        "position_accuracy_m": 0, "jurisdiction": "VN-35"});
    let mast = world.add(WORKS, point(200.0, 0.0), facts);
    let run = world.ask("vnpt-72", 0.0, 0.0);
    let kept = world.run("vnpt-72", &run);
    assert_eq!(finding(&kept, "SPC")["evidence"][0]["id"], json!(mast), "{kept:#}");
    for (role, expect) in
        [("vnpt-72", 200), ("other-carrier", 200), ("officer", 200), ("officer-72", 404), ("carrier", 404)]
    {
        assert_eq!(status(&world, role, &run), [expect; 2], "{role}");
        let found = listed(&world, role, "").0;
        assert_eq!(found.contains(&run), expect == 200, "{role}");
    }
    let waiver = json!({"code": "SPC", "reason": "x"});
    assert_eq!(world.send("officer-72", "POST", &format!("{CHECKS}/{run}/waivers"), Some(&waiver)).status, 404);
    // Where nothing of the other jurisdiction is looked at he sees it as before.
    let near = world.ask("vnpt-72", -20_000.0, 0.0);
    assert_eq!(status(&world, "officer-72", &near), [200; 2]);
    // And the second wall says the same.
    let seen_by = |said: &str| {
        let select = format!(
            "SELECT set_config('clearway.sees', '{said}', true); SELECT string_agg(id::text, ' ' ORDER BY id) FROM site_checks"
        );
        by_service(&world, &select)
    };
    assert_eq!(seen_by(r#"{"* public","* @office","VN-72 restricted"}"#), near);
    assert_eq!(seen_by(r#"{"* public","VN-72 restricted","VN-35 restricted"}"#), format!("{run} {near}"));
}

/// The last value of some statements, as the service has it.
fn by_service(world: &World, statements: &str) -> String {
    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;
    let mut conn = PgConnection::establish(&world.database.service_url).unwrap();
    let (before, last) = statements.split_once("; ").unwrap();
    conn.transaction::<_, diesel::result::Error, _>(|conn| {
        conn.batch_execute(before)?;
        let value = diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(&format!("({last})"));
        diesel::select(value).get_result::<Option<String>>(conn)
    })
    .unwrap()
    .unwrap_or_default()
}

#[test]
fn what_is_hidden_now_is_hidden_in_what_is_kept_and_that_it_is_read_is_noted() {
    let world = world(|_| {});
    let mast = world.mast("DNO-1", 200.0, 0.0);
    // A town is in no evidence, and states which spacing holds.
    let town = json!({"code": "TOWN", "kind": "urban_area", "organisation": "office"});
    let town = world.add(REFERENCES, square(8_000.0, 0.0, 300.0), town);
    let runs = [world.ask("other-carrier", 0.0, 0.0), world.ask("other-carrier", 8_000.0, 0.0)];
    for (run, items, feature, door_layer) in
        [(&runs[0], WORKS, &mast, "works"), (&runs[1], REFERENCES, &town, "references")]
    {
        assert_eq!(status(&world, "other-carrier", run), [200; 2], "{door_layer}");
        assert_eq!(status(&world, "officer", run), [200; 2]);
        show(&world, items, feature, "restricted");
        assert_eq!(status(&world, "other-carrier", run), [404; 2], "{door_layer}");
        assert!(!listed(&world, "other-carrier", "").0.contains(run), "{door_layer}");
        assert_eq!(status(&world, "officer", run), [200; 2]);
        for door in ["/api/site-checks/{id}", "/api/site-checks/{id}/replay"] {
            until("it is written down", || reads(&world, "officer", door, feature) == 1);
            assert_eq!(reads(&world, "other-carrier", door, feature), 0);
        }
        show(&world, items, feature, "public");
        assert_eq!(status(&world, "other-carrier", run), [200; 2], "{door_layer}");
    }
    // It was restricted when it was shown, and is not now.
    let hidden = json!({"code": "S", "kind": "school", "organisation": "army", "visibility": "restricted"});
    let school = world.add(REFERENCES, point(-8_000.0, 30.0), hidden);
    let run = world.ask("officer", -8_000.0, 0.0);
    show(&world, REFERENCES, &school, "public");
    assert_eq!(status(&world, "officer", &run), [200; 2]);
    listed(&world, "officer", "");
    for door in ["/api/site-checks/{id}", "/api/site-checks/{id}/replay"] {
        until("it is written down", || reads(&world, "officer", door, &school) == 1);
    }
    // The list rests on it, too.
    until("it is written down", || reads(&world, "officer", "/api/site-checks", &school) > 1);
    // What is gone is seen by whoever saw it last.
    world.delete(WORKS, &mast);
    assert_eq!(status(&world, "other-carrier", &runs[0]), [200; 2]);
}

#[test]
fn what_a_mark_rests_on_is_noted_and_hidden_as_what_the_run_rests_on() {
    let world = world(|_| {});
    let runs = [world.ask("officer", 0.0, 0.0), world.ask("vnpt-72", 0.0, 10.0)];
    assert_eq!(status(&world, "officer-72", &runs[1]), [200; 2]);
    neighbour(&world);
    assert_eq!(status(&world, "officer-72", &runs[1]), [200; 2]);
    let hidden = json!({"code": "S", "kind": "school", "organisation": "army", "visibility": "restricted"});
    let school = world.add(REFERENCES, point(20.0, 0.0), hidden);
    world.marked();
    assert_eq!(world.run("officer", &runs[0])["current"], false);
    until("it is written down", || reads(&world, "officer", "/api/site-checks/{id}", &school) == 1);
    listed(&world, "officer", "?outdated=yes");
    until("it is written down", || reads(&world, "officer", "/api/site-checks", &school) == 1);
    // A mark that rests on what is the asker's own in the other jurisdiction.
    let own = json!({"code": "OVER", "kind": "mast", "organisation": "vnpt", "visibility": "restricted",
        "position_accuracy_m": 0, "jurisdiction": "VN-35"});
    let mast = world.add(WORKS, point(200.0, 0.0), own);
    until("it is marked", || {
        let run = world.run("vnpt-72", &runs[1]);
        run["difference"].as_array().unwrap().iter().any(|d| d["code"] == "SPC" && d["after"] == "warn")
    });
    assert_eq!(status(&world, "officer-72", &runs[1]), [404; 2]);
    assert_eq!(status(&world, "officer", &runs[1]), [200; 2]);
    until("it is written down", || reads(&world, "officer", "/api/site-checks/{id}", &mast) == 1);
}

/// Runs of a carrier, 6 km apart, near each of which something was hidden since; one where nothing was, and the cells of which the
/// marks of the others tell.
fn outdated(world: &World) -> (Vec<String>, String, Vec<BTreeSet<String>>) {
    let places = [0.0, 6_000.0, 12_000.0, 18_000.0, 24_000.0];
    let runs: Vec<String> = places.iter().map(|east| world.ask("carrier", *east, 0.0)).collect();
    let calm = world.ask("carrier", -20_000.0, 0.0);
    for (n, east) in places.into_iter().enumerate() {
        let hidden =
            json!({"code": format!("H-{n}"), "kind": "school", "organisation": "army", "visibility": "restricted"});
        world.add(REFERENCES, point(east, 0.0), hidden);
    }
    world.marked();
    let cells = runs.iter().map(|run| {
        let last =
            format!("SELECT hidden_cells FROM site_check_marks WHERE run = '{run}' ORDER BY number DESC LIMIT 1");
        let cells = world.sql(&format!("SELECT array_to_string(({last}), ';')"));
        cells.split(';').map(str::to_owned).collect()
    });
    let cells = cells.collect();
    (runs, calm, cells)
}

/// How many of the runs are told, one after the other, by so many cells.
fn told_of(cells: &[BTreeSet<String>], most: usize) -> usize {
    let mut heard = BTreeSet::new();
    let told = cells.iter().take_while(|of_run| {
        heard.extend((*of_run).clone());
        heard.len() <= most
    });
    told.count()
}

#[test]
fn marks_tell_of_as_many_hidden_cells_as_somebody_may_hear_of() {
    let most = 3;
    let world = world(|settings| settings.notice_cells_per_hour = most);
    let (runs, calm, cells) = outdated(&world);
    let expect = told_of(&cells, most);
    assert!((1..5).contains(&expect), "{cells:?}");
    let current = |role: &str, run: &str| world.run(role, run)["current"].clone();
    assert_eq!(current("carrier", &calm), true);
    let told: Vec<Json> = runs.iter().map(|run| current("carrier", run)).collect();
    assert_eq!(told[..expect], vec![json!(false); expect], "{told:?}");
    assert!(told[expect..].iter().all(Json::is_null), "{told:?}");
    // From here on he hears nothing, wherever it is, and no list tells by what is not in it.
    let now = world.run("carrier", &calm);
    assert_eq!((&now["current"], &now["difference"], &now["marked"]), (&json!(null), &json!([]), &json!(null)));
    let (all, _) = page(&world, "carrier", "?outdated=yes");
    assert_eq!(all.len(), 6, "{all:#?}");
    assert!(all.iter().all(|run| run["current"].is_null() && run["difference"] == json!([])), "{all:#?}");
    // Whoever sees it all is told all.
    let (found, _) = page(&world, "officer", "?outdated=yes");
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(runs.iter().all(|run| current("officer", run) == false) && current("officer", &calm) == true);
}

#[test]
fn a_list_that_comes_to_the_limit_names_no_more_than_it_may() {
    let world = world(|settings| settings.notice_cells_per_hour = 3);
    let (runs, calm, _) = outdated(&world);
    // The limit is met among them: of those after it nobody tells which are outdated.
    let (found, next) = listed(&world, "carrier", "?outdated=yes");
    assert_eq!((found, next), ([runs, vec![calm]].concat(), None));
}

#[test]
fn a_page_is_full_and_names_no_run_of_others_as_the_next() {
    let world = world(|_| {});
    let mast = world.mast("DNO-1", 200.0, 0.0);
    let hidden: Vec<String> = (0..3).map(|n| world.ask("other-carrier", f64::from(n), 0.0)).collect();
    let seen: Vec<String> = (0..2).map(|n| world.ask("other-carrier", 9_000.0 + f64::from(n), 0.0)).collect();
    let last = world.ask("other-carrier", 3.0, 0.0);
    show(&world, WORKS, &mast, "restricted");
    let page = |query: &str| listed(&world, "other-carrier", query);
    assert_eq!(page("?limit=1"), (vec![seen[0].clone()], Some(seen[0].clone())));
    assert_eq!(page(&format!("?limit=1&after={}", seen[0])), (vec![seen[1].clone()], None));
    assert_eq!(page("?limit=2"), (seen.clone(), None));
    assert_eq!(page(&format!("?after={}", hidden[1])), (seen.clone(), None));
    assert_eq!(page(&format!("?after={last}")), (Vec::new(), None));
    assert_eq!(listed(&world, "officer", "?limit=5").1, Some(seen[1].clone()));
}

#[test]
fn nothing_is_waived_whose_answer_cannot_be_shown() {
    let world = world(|settings| {
        settings.reads_interval_ms = 50;
        settings.reads_wait_ms = 200;
        // Room for one answer.
        settings.reads_buffer_bytes = 1;
    });
    let hidden = json!({"code": "S", "kind": "school", "organisation": "army", "visibility": "restricted"});
    let school = world.add(REFERENCES, point(20.0, 0.0), hidden);
    let run = world.ask("officer", 0.0, 0.0);
    until("it is written down", || reads(&world, "officer", "/api/site-checks", &school) == 1);
    let url = &world.database.url;
    run_sql(url, "REVOKE INSERT ON restricted_reads FROM clearway_service");
    // The first waits in memory, and the others for room in it.
    assert_eq!(world.send("officer", "GET", &format!("{CHECKS}/{run}"), None).status, 200);
    let waive = || {
        let waiver = json!({"code": "SEN", "reason": "Đã thỏa thuận"});
        world.send("officer", "POST", &format!("{CHECKS}/{run}/waivers"), Some(&waiver))
    };
    let refused = waive();
    assert_eq!((refused.status, world.sql("SELECT count(*) FROM site_check_waivers")), (503, "0".into()));
    run_sql(url, "GRANT INSERT ON restricted_reads TO clearway_service");
    until("there is room", || world.send("officer", "GET", &format!("{CHECKS}/{run}"), None).status == 200);
    let done = waive();
    assert_eq!(done.status, 201, "{}", done.text);
    assert_eq!(finding(&done.json(), "SEN")["waived"]["by"], "officer");
}

#[test]
fn nobody_writes_into_the_chain_of_a_jurisdiction_in_which_he_is_nobody() {
    let world = world(|_| {});
    let counts =
        || world.sql("SELECT (SELECT count(*) FROM audit_events) || ' ' || (SELECT count(*) FROM site_checks)");
    let before = counts();
    let answer = world.send("officer-elsewhere", "POST", CHECKS, Some(&column(0.0, 0.0)));
    assert_eq!((answer.status, &answer.json()["results"][0]["id"]), (200, &json!(null)), "{}", answer.text);
    assert_eq!(counts(), before);
    world.ask("vnpt-72", 0.0, 0.0);
    assert_ne!(counts(), before);
}

#[test]
fn a_run_that_could_not_be_answered_again_is_tried_again() {
    let world = world(|_| {});
    let runs = [world.ask("carrier", 0.0, 0.0), world.ask("carrier", 10.0, 0.0)];
    let url = &world.database.url;
    // A place on a grid that nobody knows.
    let grid = |run: &str, srid: i32| {
        let set = format!("geom_grid = ST_SetSRID(geom_grid, {srid}) WHERE id = '{run}'");
        run_sql(url, &format!("SET session_replication_role = replica; UPDATE site_checks SET {set}"));
    };
    grid(&runs[0], 999_000);
    world.mast("DNO-1", 200.0, 0.0);
    world.marked();
    assert_eq!(world.run("carrier", &runs[1])["current"], false);
    assert_eq!(world.run("carrier", &runs[0])["current"], true);
    assert_eq!(world.sql("SELECT run FROM site_check_unanswered"), runs[0]);
    grid(&runs[0], 9_218);
    until("it is answered", || world.run("carrier", &runs[0])["current"] == false);
    assert_eq!(world.sql("SELECT count(*) FROM site_check_unanswered"), "0");
}
