//! The second wall: whatever SQL the service's role is made to run, it sees of features what its transaction says that it sees.

use std::collections::BTreeSet;
use std::time::Duration;

use clearway::actions::Context;
use clearway::config::{Secret, Settings};
use clearway::domain::actor::{Actor, Role};
use clearway::domain::audit::{AuditEntry, Deed};
use clearway::domain::layer::Layer;
use clearway::domain::word::{Visibility, Word};
use clearway::domain::work::Work;
use clearway::store::followed::Followed;
use clearway::store::seen::see;
use clearway::store::{Store, StoreOptions, Witness, changes, migrations};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, REFERENCES, WORKS, feature, mast, merged, point, rect, road, school, sql};
use crate::support::{Database, as_service, run_sql};

const LAYERS: [&str; 6] =
    ["works", "works_history", "corridors", "corridors_history", "reference_features", "reference_features_history"];

/// A work, a corridor and a reference feature of two owners in each visibility, each once changed and so with a version that has ended.
fn populated() -> Api {
    let api = Api::new();
    for (visibility, text) in Visibility::ALL {
        for (n, owner) in ["viettel", "vnpt"].iter().enumerate() {
            let east = 100.0 * (f64::from(u8::try_from(*visibility as usize).unwrap()) + 1.0)
                + 10.0 * f64::from(u8::try_from(n).unwrap());
            let said = json!({"code": format!("{text}-{owner}"), "organisation": owner, "visibility": text});
            let area = || rect(east, 0.0, east + 5.0, 5.0);
            for (items, shape, kind) in
                [(WORKS, point(east, 0.0), mast()), (CORRIDORS, area(), road()), (REFERENCES, area(), school())]
            {
                let document = feature(shape, merged(said.clone(), &kind));
                let made = api.on_grid("officer", "POST", items, &document);
                assert_eq!(made.status, 201, "{}", made.text);
                let path = format!("{items}/{}", made.json()["id"].as_str().unwrap());
                let mut named = document;
                named["properties"]["name"] = "changed".into();
                assert_eq!(api.on_grid("officer", "PUT", &path, &named).status, 200);
            }
        }
    }
    api
}

fn service(api: &Api) -> PgConnection {
    PgConnection::establish(&api.database.service_url).unwrap()
}

/// What a statement is refused with.
fn refused(conn: &mut PgConnection, statement: &str) -> String {
    conn.batch_execute(statement).expect_err(statement).to_string()
}

#[test]
fn raw_sql_of_the_service_sees_what_the_transaction_says() {
    let api = populated();
    let conn = &mut service(&api);
    let count = |conn: &mut PgConnection, table: &str| sql(conn, &format!("SELECT count(*) FROM {table}")).unwrap();
    for table in LAYERS {
        assert_eq!(api.sql(&format!("SELECT count(*) FROM {table}")).unwrap(), "8", "{table}");
        assert_eq!(count(conn, table), "0", "unset: {table}");
    }
    // A setting that was made and has ended is no right either.
    conn.batch_execute("BEGIN; SET LOCAL clearway.sees = '{\"* public\"}'; COMMIT").unwrap();
    assert_eq!(count(conn, "works"), "0");
    for (said, expect) in [
        ("", "0"),
        ("{}", "0"),
        ("{\"* public\"}", "2"),
        ("{\"* public\",\"* @vnpt\"}", "5"),
        ("{\"VN-72 restricted\"}", "2"),
        ("{\"VN-35 restricted\"}", "0"),
        ("{\"* public\",\"* carriers\",\"* government\"}", "6"),
        ("{\"* public\",\"* carriers\",\"* government\",\"* restricted\"}", "8"),
    ] {
        for table in LAYERS {
            conn.batch_execute(&format!("BEGIN; SET LOCAL clearway.sees = '{said}'")).unwrap();
            assert_eq!(count(conn, table), expect, "{table} by {said}");
            // No way of asking shows more.
            for disguised in [
                format!("(SELECT * FROM {table} WHERE code LIKE '%') AS all_of_it"),
                format!("(SELECT ST_Collect(geom), code FROM {table} GROUP BY code) AS shapes"),
                format!("(SELECT code FROM {table} UNION SELECT code FROM {table}) AS codes"),
            ] {
                assert_eq!(count(conn, &disguised), expect, "{disguised} by {said}");
            }
            conn.batch_execute("ROLLBACK").unwrap();
        }
    }
}

/// Who may see a version is said by itself and by the newest one, or the last of what is gone.
#[test]
fn what_is_hidden_now_is_hidden_in_the_history_too() {
    let api = Api::new();
    let of = |code: &str, visibility: &str, kind: &Json| merged(json!({"code": code, "visibility": visibility}), kind);
    for (items, noun) in [(WORKS, "works"), (CORRIDORS, "corridors")] {
        let (kind, shape) =
            if noun == "works" { (mast(), point(5.0, 5.0)) } else { (road(), rect(0.0, 0.0, 9.0, 9.0)) };
        for (code, first, then, gone) in [
            ("HIDDEN", "public", "restricted", false),
            ("HIDDEN-GONE", "public", "restricted", true),
            ("SHOWN", "restricted", "public", false),
            ("OPEN", "public", "public", false),
            ("OPEN-GONE", "public", "public", true),
        ] {
            let id = api.add(items, shape.clone(), of(code, first, &kind));
            let path = format!("{items}/{id}");
            let changed = api.on_grid("officer", "PUT", &path, &feature(shape.clone(), of(code, then, &kind)));
            assert_eq!(changed.status, 200, "{}", changed.text);
            if gone {
                assert_eq!(api.send("officer", "DELETE", &path, &[], None).status, 204);
            }
        }
        let conn = &mut service(&api);
        let seen = |conn: &mut PgConnection, said: &str| {
            conn.batch_execute(&format!("BEGIN; SET LOCAL clearway.sees = '{said}'")).unwrap();
            let codes = sql(conn, &format!("SELECT string_agg(code, ' ' ORDER BY code, version) FROM {noun}_history"));
            conn.batch_execute("ROLLBACK").unwrap();
            codes.unwrap_or_default()
        };
        let all = "HIDDEN HIDDEN-GONE HIDDEN-GONE OPEN OPEN-GONE OPEN-GONE SHOWN";
        let everything = "{\"* public\",\"* carriers\",\"* government\",\"* restricted\"}";
        assert_eq!(seen(conn, "{\"* public\"}"), "OPEN OPEN-GONE OPEN-GONE", "{noun}");
        assert_eq!(seen(conn, "{\"* restricted\"}"), "HIDDEN-GONE", "{noun}");
        assert_eq!(seen(conn, "{\"* public\",\"VN-72 restricted\"}"), all, "{noun}");
        assert_eq!(seen(conn, everything), all, "{noun}");
        assert_eq!((seen(conn, "{}"), seen(conn, "")), (String::new(), String::new()), "{noun}");
        // Whoever sees everything, as the index does when it loads what there was, asks for no newest version.
        run_sql(
            &api.database.url,
            &format!(
                "CREATE OR REPLACE FUNCTION {noun}_newest_seen(place text, feature uuid) RETURNS boolean LANGUAGE plpgsql AS
                 'BEGIN RAISE EXCEPTION ''asked''; END'"
            ),
        );
        assert_eq!(seen(conn, everything), all, "{noun}");
        conn.batch_execute("BEGIN; SET LOCAL clearway.sees = '{\"* public\"}'").unwrap();
        assert!(refused(conn, &format!("SELECT * FROM {noun}_history")).contains("asked"), "{noun}");
        conn.batch_execute("ROLLBACK").unwrap();
    }
}

#[test]
fn each_actor_sees_in_the_database_what_he_sees_in_the_program() {
    let api = populated();
    let mut conn = service(&api);
    let rows = |conn: &mut PgConnection, table: &str| {
        let listed = sql(conn, &format!("SELECT string_agg(code, ' ' ORDER BY code) FROM {table}"));
        listed.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let everything = rows(&mut api.database.connect(), "works");
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
        let sight = actor.sight("VN-72");
        let sees = |code: &&String| {
            let (visibility, owner) = code.split_once('-').unwrap();
            sight.sees(Visibility::parse(visibility).unwrap(), owner)
        };
        let expect: BTreeSet<String> = everything.iter().filter(sees).cloned().collect();
        sizes.insert(expect.len());
        conn.transaction::<_, diesel::result::Error, _>(|conn| {
            see(conn, actor).unwrap();
            for table in LAYERS {
                assert_eq!(rows(conn, table), expect, "{table} as {actor:?}");
            }
            Ok(())
        })
        .unwrap();
    }
    assert!(sizes.len() > 4, "the actors differ: {sizes:?}");
}

#[test]
fn the_service_changes_nothing_that_it_does_not_see_and_nothing_that_happened() {
    let api = populated();
    let conn = &mut service(&api);
    conn.batch_execute("BEGIN; SET LOCAL clearway.sees = '{\"* public\"}'").unwrap();
    for table in ["works", "corridors", "reference_features"] {
        assert_eq!(diesel::sql_query(format!("UPDATE {table} SET name = 'taken'")).execute(conn).unwrap(), 2);
        assert_eq!(
            diesel::sql_query(format!("DELETE FROM {table} WHERE visibility = 'restricted'")).execute(conn).unwrap(),
            0
        );
    }
    for table in ["works", "corridors", "reference_features"] {
        let restricted = "jsonb_build_object('id', gen_random_uuid(), 'code', 'X', 'visibility', 'restricted')";
        let copy =
            format!("INSERT INTO {table} SELECT (jsonb_populate_record(w, {restricted})).* FROM {table} AS w LIMIT 1");
        for statement in [copy, format!("UPDATE {table} SET visibility = 'restricted'")] {
            assert!(refused(conn, &statement).contains("row-level security"), "{statement}");
            conn.batch_execute("ROLLBACK; BEGIN; SET LOCAL clearway.sees = '{\"* public\"}'").unwrap();
        }
    }
    conn.batch_execute("ROLLBACK").unwrap();

    for (statement, why) in [
        ("UPDATE audit_events SET actor = 'nobody'", "permission denied"),
        ("DELETE FROM audit_events", "permission denied"),
        ("TRUNCATE audit_events", "permission denied"),
        ("DELETE FROM changes", "permission denied"),
        ("UPDATE changes SET id = NULL", "permission denied"),
        ("DELETE FROM revisions", "permission denied"),
        ("DELETE FROM works_history", "permission denied"),
        ("UPDATE works_history SET name = NULL", "permission denied"),
        ("DELETE FROM corridors_history", "permission denied"),
        ("DELETE FROM reference_features_history", "permission denied"),
        ("UPDATE reference_features_history SET name = NULL", "permission denied"),
        ("INSERT INTO reference_features_history SELECT * FROM reference_features_history", "permission denied"),
        ("TRUNCATE reference_features", "permission denied"),
        ("ALTER TABLE reference_features DISABLE ROW LEVEL SECURITY", "must be owner"),
        ("ALTER TABLE reference_features_history DISABLE ROW LEVEL SECURITY", "must be owner"),
        ("DROP POLICY seen ON reference_features_history", "must be owner"),
        ("SET row_security = off; SELECT * FROM reference_features", "row-level security"),
        ("INSERT INTO works_history SELECT * FROM works_history", "permission denied"),
        ("TRUNCATE works", "permission denied"),
        ("SELECT * FROM versions", "permission denied"),
        ("CREATE FUNCTION format(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'", "permission denied"),
        ("CREATE TABLE mine (n int)", "permission denied"),
        ("UPDATE restricted_reads SET actor = 'nobody'", "permission denied"),
        ("DELETE FROM restricted_reads", "permission denied"),
        ("INSERT INTO outbox SELECT * FROM outbox", "permission denied"),
        ("UPDATE outbox SET code = NULL", "permission denied"),
        ("DELETE FROM outbox", "permission denied"),
        ("INSERT INTO deliveries SELECT * FROM deliveries", "permission denied"),
        ("DELETE FROM deliveries", "permission denied"),
        ("UPDATE access_versions SET after = NULL", "permission denied"),
        ("DELETE FROM access_versions", "permission denied"),
        ("DELETE FROM coverage_areas_history", "permission denied"),
        ("DELETE FROM rule_packs_history", "permission denied"),
        ("DELETE FROM rule_parameters_history", "permission denied"),
        ("DELETE FROM calendars_history", "permission denied"),
        ("UPDATE calendars SET name = 'mine'", "permission denied"),
        ("UPDATE calendar_days SET working = true", "permission denied"),
        ("DELETE FROM calendar_days_history", "permission denied"),
        ("ALTER TABLE works DISABLE ROW LEVEL SECURITY", "must be owner"),
        ("DROP POLICY seen ON works", "must be owner"),
        ("CREATE POLICY all_of_it ON works USING (true)", "must be owner"),
        ("DROP TRIGGER audit_events_stay ON audit_events", "must be owner"),
        ("ALTER ROLE clearway_service BYPASSRLS", "must be superuser"),
        ("SET ROLE clearway", "permission denied"),
        ("SET SESSION AUTHORIZATION clearway", "permission denied"),
        ("SET session_replication_role = replica", "permission denied"),
        ("SET row_security = off; SELECT * FROM works", "row-level security"),
        ("SELECT features_meeting('audit_events', '{VN-72}', '{}', NULL, 1)", "no layer"),
        ("COPY works TO '/tmp/works'", "COPY to a file"),
    ] {
        let said = refused(conn, statement);
        assert!(said.contains(why), "{statement}: {said}");
        conn.batch_execute("RESET row_security").unwrap();
    }
    assert_eq!(sql(conn, "SELECT has_function_privilege('keep_history()', 'EXECUTE')").unwrap(), "false");
    assert_eq!(sql(conn, "SELECT count(*) FROM versions_of('VN-72')").unwrap(), "0");
    assert_eq!(
        api.sql("SELECT count(*) FROM versions_of('VN-72')").unwrap(),
        "0",
        "a superuser who does not say so, too"
    );
}

#[test]
fn behind_the_wall_queries_use_their_indexes() {
    let api = Api::new();
    api.work("W", point(0.0, 0.0));
    api.school("S", point(0.0, 0.0));
    api.road("R", rect(0.0, 0.0, 30.0, 30.0));
    let tables = ["works", "corridors", "reference_features"];
    for table in tables {
        of_table_uses_its_indexes(&api, table);
    }
    // So are the versions of one revision, however many there are of others.
    let conn = &mut service(&api);
    conn.batch_execute("BEGIN").unwrap();
    assert_eq!(sql(conn, "SELECT count(began) FROM versions_in('VN-72', 1)").unwrap(), "1");
    for table in tables {
        let scans = format!("SELECT pg_stat_get_xact_tuples_returned('{table}'::regclass)");
        assert_eq!(sql(conn, &scans).unwrap(), "0", "{table} is read from one end to the other");
    }
    conn.batch_execute("ROLLBACK").unwrap();
}

/// So are requests and zones.
#[test]
fn behind_the_wall_a_box_of_requests_or_zones_is_found_by_its_index() {
    let api = crate::plan::api();
    let mut case = crate::site_request::CaseOf::bare(&api, (0.0, 0.0), crate::site_request::column());
    case.patch(json!({"height_agl_m": 41}));
    api.plan("QH-I", 1);
    for (table, function, more) in
        [("site_requests", "site_requests_meeting", ", NULL, 100"), ("zones", "zones_meeting", "")]
    {
        run_sql(
            &api.database.url,
            &format!(
                "SET session_replication_role = replica;
                 INSERT INTO {table} SELECT (jsonb_populate_record(r, jsonb_build_object(
                     'id', gen_random_uuid(), 'zone', gen_random_uuid(), 'code', 'N-' || n, 'geom', moved::text
                 ))).*
                 FROM {table} AS r, generate_series(1, 8000) AS n, ST_Translate(geom, n % 90 * 0.001, n / 90 * 0.001) AS moved;
                 ANALYZE {table}"
            ),
        );
        let area = format!("ST_Expand((SELECT geom FROM {table} WHERE code = 'N-7' LIMIT 1), 0.0005)");
        let area = api.sql(&format!("SELECT {area}")).unwrap();
        let conn = &mut service(&api);
        conn.batch_execute("BEGIN; SET LOCAL clearway.sees = '{\"* public\",\"* government\",\"* @viettel\"}'")
            .unwrap();
        let count = format!("SELECT count(*) FROM {function}('{{VN-72}}', ARRAY['{area}'::geometry]{more})");
        let found: i64 = sql(conn, &count).unwrap().parse().unwrap();
        let scans = |conn: &mut PgConnection, of: &str| -> i64 {
            sql(conn, &format!("SELECT pg_stat_get_xact_numscans('{of}'::regclass)")).unwrap().parse().unwrap()
        };
        assert_eq!((scans(conn, &format!("{table}_geom_idx")) > 0, scans(conn, table)), (true, 0), "{table}");
        assert!((1..20).contains(&found), "{table}: {found}");
        conn.batch_execute("ROLLBACK").unwrap();
    }
}

fn of_table_uses_its_indexes(api: &Api, table: &str) {
    run_sql(
        &api.database.url,
        &format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(w, jsonb_build_object(
                 'id', gen_random_uuid(), 'revision', n + 9, 'code', 'N-' || n, 'recorded_geom', moved::text, 'geom', moved::text
             ))).*
             FROM {table} AS w, generate_series(1, 8000) AS n, ST_Translate(geom, n % 90 * 0.001, n / 90 * 0.001) AS moved;
             ANALYZE {table}"
        ),
    );
    let id = api.sql(&format!("SELECT id FROM {table} WHERE code = 'N-7'")).unwrap();
    let conn = &mut service(api);
    let scans = |conn: &mut PgConnection, of: &str| -> i64 {
        sql(conn, &format!("SELECT sum(pg_stat_get_xact_numscans(oid)) FROM pg_class WHERE {of}"))
            .unwrap()
            .parse()
            .unwrap()
    };
    let of_table = &format!("oid = '{table}'::regclass");
    let of_indexes = &format!("oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = '{table}'::regclass)");
    let of_shapes = &format!("oid = '{table}_geom_idx'::regclass");
    let place = format!("ST_Expand((SELECT geom FROM {table} WHERE code = 'N-7'), 0.002)");
    let all = format!("SELECT count(*) FROM {table} WHERE");
    let area = api.sql(&format!("SELECT {place}")).unwrap();
    for (what, query, index) in [
        ("by id", format!("{all} id = '{id}'"), of_indexes),
        ("by ids", format!("{all} id = ANY ('{{{id}}}'::uuid[])"), of_indexes),
        ("by key", format!("{all} jurisdiction = 'VN-72' AND id = '{id}'"), of_indexes),
        ("by code", format!("{all} jurisdiction = 'VN-72' AND code = 'N-7'"), of_indexes),
        ("since", format!("{all} jurisdiction = 'VN-72' AND revision > 8005"), of_indexes),
        (
            "a page",
            format!(
                "SELECT count(*) FROM (SELECT FROM {table} WHERE jurisdiction = ANY ('{{VN-72}}') ORDER BY id LIMIT 10) AS p"
            ),
            of_indexes,
        ),
        (
            "a box",
            format!(
                "SELECT count(*) FROM features_meeting('{table}', '{{VN-72}}', ARRAY['{area}'::geometry], NULL, 100)"
            ),
            of_shapes,
        ),
    ] {
        conn.batch_execute("BEGIN; SET LOCAL clearway.sees = '{\"* public\",\"VN-72 carriers\"}'").unwrap();
        let found: i64 = sql(conn, &query).unwrap().parse().unwrap();
        assert!(found > 0 || what == "since", "{table} {what}");
        let (by_index, by_sequence) = (scans(conn, index), scans(conn, of_table));
        conn.batch_execute("ROLLBACK").unwrap();
        assert_eq!((by_index > 0, by_sequence), (true, 0), "{table} {what}");
    }
    // The trap that the function is for: beside the policy the same condition has every row of the jurisdiction fetched.
    let looked_at = |conn: &mut PgConnection| -> i64 {
        let entries =
            format!("SELECT sum(pg_stat_get_xact_tuples_returned(oid)) FROM pg_class WHERE {of_table} OR {of_indexes}");
        sql(conn, &entries).unwrap().parse().unwrap()
    };
    let count = |conn: &mut PgConnection, query: &str| -> (i64, i64) {
        conn.batch_execute("BEGIN; SET LOCAL clearway.sees = '{\"* public\",\"VN-72 carriers\"}'").unwrap();
        let before = looked_at(conn);
        let found = sql(conn, query).unwrap().parse().unwrap();
        let entries = looked_at(conn) - before;
        conn.batch_execute("ROLLBACK").unwrap();
        (found, entries)
    };
    let within = "jurisdiction = 'VN-72' AND ST_Intersects(geom, ";
    let beside = count(conn, &format!("{all} {within}'{area}'::geometry)"));
    let by_function = count(
        conn,
        &format!("SELECT count(*) FROM features_meeting('{table}', '{{VN-72}}', ARRAY['{area}'::geometry], NULL, 100)"),
    );
    assert_eq!(beside.0, by_function.0);
    assert!(by_function.1 < 100 && beside.1 > 8_000, "{by_function:?} {beside:?}");
}

#[test]
fn a_role_that_the_wall_does_not_hold_is_refused() {
    let database = Database::vn72();
    let connect = |url: &str| {
        let settings = Settings { database_url: Secret(url.to_owned()), ..database.settings() };
        Context::connect(settings).map(drop).map_err(|e| e.to_string())
    };
    let name = database.url.split_once('@').unwrap().1.split(['/', '?']).nth(1).unwrap().to_owned();
    let as_role = |role: &str| database.url.replacen("://clearway@", &format!("://{role}@"), 1);
    let roles = [
        "member",
        "owner",
        "ownermember",
        "bypassing",
        "creating",
        "creator",
        "super",
        "supermember",
        "bypassmember",
        "deepmember",
        "creatingmember",
        "creatormember",
        "filemember",
    ]
    .map(|kind| format!("{name}_{kind}"));
    let [member, owner, owner_member, bypassing, creating, creator, superuser, others @ ..] = &roles;
    let [super_member, bypass_member, deep_member, creating_member, creator_member, file_member] = others;
    run_sql(
        &database.url,
        &format!(
            "CREATE ROLE {member} LOGIN IN ROLE clearway_service;
             CREATE ROLE {owner} LOGIN; CREATE ROLE {owner_member} LOGIN NOINHERIT IN ROLE {owner};
             CREATE ROLE {bypassing} LOGIN BYPASSRLS IN ROLE clearway_service;
             CREATE ROLE {creating} LOGIN CREATEROLE IN ROLE clearway_service;
             CREATE ROLE {creator} LOGIN IN ROLE clearway_service; GRANT CREATE ON SCHEMA public TO {creator};
             CREATE ROLE {superuser} SUPERUSER;
             CREATE ROLE {super_member} LOGIN NOINHERIT IN ROLE clearway_service, {superuser};
             CREATE ROLE {bypass_member} LOGIN IN ROLE clearway_service, {bypassing};
             CREATE ROLE {deep_member} LOGIN IN ROLE {bypass_member};
             CREATE ROLE {creating_member} LOGIN IN ROLE clearway_service, {creating};
             CREATE ROLE {creator_member} LOGIN NOINHERIT IN ROLE clearway_service, {creator};
             CREATE ROLE {file_member} LOGIN IN ROLE clearway_service, pg_execute_server_program"
        ),
    );
    assert_eq!(connect(&database.service_url), Ok(()));
    assert_eq!(connect(&as_role(member)), Ok(()));
    let check = |role: &str, expect: &str| {
        let said = connect(&as_role(role)).unwrap_err();
        assert!(said.contains(expect) && said.contains(role) && said.contains("MIGRATION_DATABASE_URL"), "{said}");
    };
    check("clearway", "superuser");
    check(bypassing, "BYPASSRLS");
    check(creating, "may create");
    check(creator, "may create");
    // What one is a member of, one may become.
    check(super_member, "superuser");
    check(bypass_member, "BYPASSRLS");
    check(deep_member, "BYPASSRLS");
    check(creating_member, "may create");
    check(creator_member, "may create");
    check(file_member, "superuser");
    run_sql(&database.url, &format!("ALTER TABLE works OWNER TO {owner}"));
    check(owner, "owns the tables");
    check(owner_member, "may become the role");
    let all = roles.join(", ");
    run_sql(&database.url, &format!("ALTER TABLE works OWNER TO clearway; DROP OWNED BY {all}; DROP ROLE {all}"));
}

#[test]
fn the_service_runs_no_migrations() {
    let database = Database::bare();
    let service = as_service(&database.url);
    let all = migrations::pending(&service).unwrap();
    assert!(all.len() > 5, "{all:?}");
    assert!(migrations::migrate(&service).is_err());
    assert_eq!(migrations::pending(&service).unwrap(), all, "and nothing is half-done");
    assert_eq!(migrations::migrate(&database.url).unwrap().len(), all.len());
    assert_eq!(migrations::migrate(&service).unwrap(), Vec::<String>::new());
}

/// What every transaction begins with is planned once for a connection: diesel by itself would plan it each time.
#[test]
fn a_constant_statement_is_prepared_once() {
    let database = Database::empty();
    let mut conn = PgConnection::establish(&database.service_url).unwrap();
    for _ in 0..3 {
        see(&mut conn, &Actor::public()).unwrap();
    }
    let kept = "SELECT count(*) || ' ' || max(generic_plans + custom_plans) FROM pg_prepared_statements
                WHERE statement LIKE '%clearway.sees%'";
    assert_eq!(sql(&mut conn, kept).as_deref(), Some("1 3"));
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    text: String,
}

/// What finds rows by their keys is planned once for a connection, from the first time on; what finds them by a revision is
/// planned for how many there are.
#[test]
fn a_statement_that_goes_by_keys_is_planned_once() {
    let api = Api::new();
    let options = StoreOptions {
        connections_max: 1,
        pool_wait: Duration::from_secs(30),
        statement_timeout: Duration::from_secs(30),
    };
    let store = Store::connect(&api.database.service_url, &options).unwrap();
    let actor = Actor::operator();
    for _ in 0..2 {
        let written = store.write_keyed(Witness::new(&actor, "test"), |tx| {
            tx.raise("VN-72")?;
            tx.audit(
                "VN-72",
                AuditEntry { deed: Deed::Create, layer: None, subject: None, owner: None, detail: Vec::new() },
            )
        });
        written.unwrap();
        let read = store.keyed_snapshot(None, |conn| {
            changes::stands(conn, "VN-72", 1)?;
            changes::since(conn, "VN-72", (1, 3), None)?;
            Work::index_rows_named(conn, "VN-72", &[], &mut |_, _| {})?;
            Work::index_rows(conn, "VN-72", 1, &mut |_, _| {})
        });
        read.unwrap();
    }
    let plans = |which: &str| {
        let statement = format!(
            "SELECT count(*) || ' ' || min(generic_plans) || ' ' || max(custom_plans) FROM pg_prepared_statements
             WHERE statement LIKE '%revision%' AND statement NOT LIKE '%pg_prepared%' AND {which}"
        );
        store.read(|conn| Ok(sql(conn, &statement))).unwrap()
    };
    let by_revision = r#"statement LIKE '%"works"."revision" >%'"#;
    // The counter is raised, the event appended, where it stands is asked, what changed, and the features named.
    assert_eq!(plans(&format!("NOT {by_revision}")).as_deref(), Some("5 2 0"));
    assert_eq!(plans(by_revision).as_deref(), Some("1 0 2"));
    // Planned while the trail was all but empty, it does not look into that: it grows.
    let read = store.keyed_snapshot(None, |conn| {
        let name = "SELECT name FROM pg_prepared_statements WHERE statement LIKE '%r.changes_after%'";
        let explained = format!("EXPLAIN (ANALYZE) EXECUTE {}('VN-72', 2)", sql(conn, name).unwrap());
        Ok(diesel::sql_query(explained).load::<Line>(conn)?)
    });
    let plan: Vec<_> = read.unwrap().into_iter().map(|line| line.text).collect();
    let of_trail: Vec<_> = plan.iter().filter(|line| line.contains("on audit_events")).collect();
    assert!(of_trail.len() == 2 && of_trail.iter().all(|line| line.contains("never executed")), "{plan:#?}");
}

/// What changed is read by its ids where all of them are named.
#[test]
fn what_came_or_changed_is_named_as_long_as_all_of_it_is() {
    let api = Api::new();
    let mut conn = service(&api);
    let mut named = |layer| changes::since(&mut conn, "VN-72", (1, 3), None).unwrap().unwrap().named(layer);
    assert_eq!(named(Layer::Works), Some(Vec::new()));
    let path = {
        let made = api.on_grid("officer", "POST", WORKS, &feature(point(0.0, 0.0), mast()));
        assert_eq!(made.status, 201, "{}", made.text);
        format!("{WORKS}/{}", made.json()["id"].as_str().unwrap())
    };
    let renamed = feature(point(0.0, 0.0), merged(mast(), &json!({"name": "changed"})));
    assert_eq!(api.on_grid("officer", "PUT", &path, &renamed).status, 200);
    let ids = named(Layer::Works).unwrap();
    assert!(ids.len() == 1 && path.ends_with(&ids[0].to_string()), "{ids:?} {path}");
    assert_eq!(named(Layer::Corridors), Some(Vec::new()));
    let bulk =
        "INSERT INTO changes (jurisdiction, revision, ordinal, layer, kind) VALUES ('VN-72', 3, 2, 'works', 'bulk')";
    run_sql(&api.database.url, bulk);
    assert_eq!((named(Layer::Works), named(Layer::Corridors)), (None, Some(Vec::new())));
}
