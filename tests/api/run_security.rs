//! The second wall of site checks that are kept: whose they are, and that nobody changes them.

use std::collections::BTreeSet;

use clearway::domain::actor::{Actor, Role};
use clearway::domain::word::Word;
use clearway::store::seen::see;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;

use crate::help::{Api, point, sql};
use crate::matrix::column;
use crate::rules::{load, may_waive, pack};
use crate::support::run_sql;

const RUNS: &str = "/api/site-checks";
const TABLES: [&str; 3] = ["site_checks", "site_check_waivers", "site_check_marks"];

/// Runs of a carrier and of the office, each with a waiver and a mark; with whose each is.
fn populated() -> (Api, Vec<(String, &'static str)>) {
    let api = Api::new();
    let limits = pack("1", &["site.spacing.urban_m 500", "site.spacing.elsewhere_m 500"]);
    load(&api, &(limits + &may_waive("spc", "officer")));
    api.work("A-1", point(100.0, 0.0));
    let mut runs = Vec::new();
    for (role, organisation) in [("carrier", "viettel"), ("officer", "office")] {
        let asked = api.on_grid(role, "POST", RUNS, &column(RUNS));
        let id = asked.json()["results"][0]["id"].as_str().unwrap().to_owned();
        let waiver = json!({"code": "SPC", "reason": "x"});
        let headers = [("Content-Type", "application/json")];
        let waived = api.send("officer", "POST", &format!("{RUNS}/{id}/waivers"), &headers, Some(&waiver));
        assert_eq!(waived.status, 201, "{}", waived.text);
        let mark = format!(
            "INSERT INTO site_check_marks (jurisdiction, run, number, recorded_at, day, revisions, codes, befores, afters, digests)
             SELECT 'VN-72', '{id}', 1000, now(), current_date, '{{}}', '{{}}', '{{}}', '{{}}', '{{}}'"
        );
        run_sql(&api.database.url, &mark);
        runs.push((id, organisation));
    }
    (api, runs)
}

#[test]
fn each_actor_sees_in_the_database_the_runs_that_are_for_him() {
    let (api, runs) = populated();
    let mut conn = PgConnection::establish(&api.database.service_url).unwrap();
    let rows = |conn: &mut PgConnection, table: &str| {
        let id = if table == "site_checks" { "id" } else { "run" };
        let listed = sql(conn, &format!("SELECT string_agg(DISTINCT {id}::text, ' ') FROM {table}"));
        listed.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    for table in TABLES {
        assert_eq!(rows(&mut conn, table), BTreeSet::new(), "unset: {table}");
    }
    let codes = |list: &[&str]| Some(list.iter().map(|&c| c.to_owned()).collect::<Vec<_>>());
    let mut actors = vec![Actor::public(), Actor::operator()];
    for (role, _) in Role::ALL {
        for organisation in [None, Some("viettel"), Some("vnpt"), Some("office")] {
            for jurisdictions in [None, codes(&["VN-72"]), codes(&["VN-35"]), codes(&["VN-35", "VN-72"])] {
                let organisation = organisation.map(str::to_owned);
                actors.push(Actor { name: "someone".into(), organisation, roles: vec![*role], jurisdictions });
            }
        }
    }
    let mut sizes = BTreeSet::new();
    for actor in &actors {
        let is_for_him = |(_, organisation): &&(String, &str)| {
            actor.organisation.as_deref() == Some(*organisation) || actor.sight("VN-72").sees_all()
        };
        let expect: BTreeSet<String> = runs.iter().filter(is_for_him).map(|(id, _)| id.clone()).collect();
        sizes.insert(expect.len());
        conn.transaction::<_, diesel::result::Error, _>(|conn| {
            see(conn, actor).unwrap();
            for table in TABLES {
                assert_eq!(rows(conn, table), expect, "{table} as {actor:?}");
            }
            Ok(())
        })
        .unwrap();
    }
    assert_eq!(sizes, BTreeSet::from([0, 1, 2]), "the actors differ");
}

#[test]
fn nobody_changes_what_is_kept() {
    let (api, _) = populated();
    let mut service = PgConnection::establish(&api.database.service_url).unwrap();
    let mut owner = api.database.connect();
    for table in TABLES {
        for statement in [
            format!("UPDATE {table} SET jurisdiction = jurisdiction"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ] {
            let refused = service.batch_execute(&statement).expect_err(&statement).to_string();
            assert!(refused.contains("permission denied"), "{statement}: {refused}");
            let refused = owner.batch_execute(&statement).expect_err(&statement).to_string();
            assert!(refused.contains("never changed or deleted"), "{statement}: {refused}");
        }
        for (statement, why) in [
            (format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"), "must be owner"),
            (format!("DROP POLICY seen ON {table}"), "must be owner"),
            (format!("DROP TRIGGER {table}_stay ON {table}"), "must be owner"),
            (format!("SET row_security = off; SELECT * FROM {table}"), "row-level security"),
        ] {
            let refused = service.batch_execute(&statement).expect_err(&statement).to_string();
            assert!(refused.contains(why), "{statement}: {refused}");
            service.batch_execute("RESET row_security").unwrap();
        }
    }
    // Nobody puts a run under the name of another.
    service.batch_execute("BEGIN; SET LOCAL clearway.sees = '{\"* public\",\"* @viettel\"}'").unwrap();
    let forged = "INSERT INTO site_checks SELECT (jsonb_populate_record(s, jsonb_build_object(
        'id', gen_random_uuid(), 'organisation', 'office'))).* FROM site_checks AS s";
    let refused = service.batch_execute(forged).expect_err(forged).to_string();
    assert!(refused.contains("row-level security"), "{refused}");
}
