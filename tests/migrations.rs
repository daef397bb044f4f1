//! The migrations: up, down and up again, and the same words in the database as in the program.

#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod support;

use clearway::domain::audit::{ChangeKind, Deed, Thing};
use clearway::domain::calendar::DayOfWeek;
use clearway::domain::corridor::{CorridorKind, CorridorStatus};
use clearway::domain::document::{DocumentKind, MediaType};
use clearway::domain::organisation::OrganisationKind;
use clearway::domain::plan::{PlanEvent, PlanState};
use clearway::domain::rules::{Confidence, Unit};
use clearway::domain::webhook::{Channel, DeliveryState};
use clearway::domain::word::{Language, Visibility, Word};
use clearway::domain::work::{CaptureMethod, ColumnClass, Importance, WorkKind, WorkStatus};
use clearway::store::migrations;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use support::Database;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(database: &Database, sql: &str) -> Vec<String> {
    sql_query(sql).load::<Line>(&mut database.connect()).unwrap().into_iter().map(|l| l.line).collect()
}

/// Every table, column, constraint, index and comment of ours.
fn schema(database: &Database) -> Vec<String> {
    lines(
        database,
        "SELECT line FROM (
            SELECT format('column %s.%s %s %s', table_name, column_name, udt_name, is_nullable) AS line
            FROM information_schema.columns WHERE table_schema = 'public'
              AND table_name NOT IN ('spatial_ref_sys', 'geometry_columns', 'geography_columns')
            UNION ALL
            SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
            UNION ALL
            SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL
            SELECT format('trigger %s', pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL
            SELECT format('function %s %s', p.oid::regprocedure, md5(p.prosrc)) FROM pg_proc AS p
            WHERE p.pronamespace = 'public'::regnamespace
              AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
         ) AS all_of_it ORDER BY line",
    )
}

#[test]
fn up_down_and_up_again_gives_the_same() {
    let database = Database::bare();
    let first = migrations::migrate(&database.url).unwrap();
    assert!(!first.is_empty());
    let before = schema(&database);
    assert!(before.iter().any(|l| l.starts_with("column works.geom_grid geometry")), "{before:?}");
    assert_eq!(migrations::migrate(&database.url).unwrap(), Vec::<String>::new(), "a second time nothing is to do");
    migrations::revert_all(&database.url).unwrap();
    let left: Vec<String> =
        schema(&database).into_iter().filter(|l| !l.contains("__diesel_schema_migrations")).collect();
    assert_eq!(left, Vec::<String>::new(), "down takes everything back");
    assert_eq!(migrations::migrate(&database.url).unwrap(), first);
    assert_eq!(schema(&database), before);
}

/// Going back takes nothing away that was recorded by a word that the older schema does not know: it stays as it is, and no more of it comes.
#[test]
fn what_was_recorded_stays_when_a_word_is_taken_back() {
    let database = Database::empty();
    let schema_before = schema(&database);
    let run = |sql: &str| database.connect().batch_execute(&format!("SET session_replication_role = replica; {sql}"));
    let step = |seq: u32| {
        run(&format!(
            "INSERT INTO plan_events (jurisdiction, plan, seq, event, from_state, to_state, actor, at, data, revision)
             VALUES ('VN-72', gen_random_uuid(), {seq}, 'go_on', 'published', 'published', 'timer', now(), '{{}}', 1)"
        ))
    };
    let request = |code: &str| {
        run(&format!(
            "INSERT INTO site_requests (jurisdiction, id, code, organisation, state, waits_for, asked, subject, documents,
                 declarations, recorded_crs, recorded_geom, geom, geom_grid, version, revision, recorded_at)
             SELECT 'VN-72', gen_random_uuid(), '{code}', 'viettel', 'approved_with_conditions', 'owner_and_officer', '{{}}', '{{}}',
                 '[]', '{{}}', 4326, g, g, g, 1, 1, now() FROM ST_Point(107.7, 12, 4326) AS g"
        ))
    };
    step(1).unwrap();
    request("Q-1").unwrap();
    let migration = |name: &str, way: &str| {
        std::fs::read_to_string(format!("{}/migrations/{name}/{way}.sql", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let since = ["2026-11-26-000045_plans_go_on", "2026-11-27-000055_brought"];
    for name in since.iter().rev() {
        run(&migration(name, "down")).unwrap();
    }
    assert!(step(2).is_err() && request("Q-2").is_err(), "no more of it");
    for name in since {
        run(&migration(name, "up")).unwrap();
    }
    step(3).unwrap();
    let rows = "SELECT (SELECT count(*) FROM plan_events) || ' ' || (SELECT count(*) FROM site_requests) AS line";
    assert_eq!(lines(&database, rows), ["2 1"]);
    assert_eq!(schema(&database), schema_before);
}

#[test]
fn the_tables_have_the_columns_that_diesel_knows() {
    let database = Database::empty();
    let files = ["src/store/schema.rs", "src/store/schema/plan.rs"].map(|file| std::fs::read_to_string(file).unwrap());
    let source = files.concat();
    for table in [
        "jurisdictions",
        "revisions",
        "works",
        "corridors",
        "coverage_areas",
        "rule_packs",
        "rule_parameters",
        "calendars",
        "calendar_days",
        "organisations",
        "accounts",
        "sign_in_failures",
        "sessions",
        "session_credentials",
        "api_tokens",
        "webhooks",
        "changes",
        "audit_events",
        "restricted_reads",
        "plans",
        "zones",
    ] {
        let in_database = lines(
            &database,
            &format!(
                "SELECT column_name::text AS line FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
            ),
        );
        let head = match table {
            "works" => "macro_rules! works_table".to_owned(),
            "corridors" => "macro_rules! corridors_table".to_owned(),
            other => format!("    {other} ("),
        };
        let (_, rest) = source.split_once(&head).unwrap_or_else(|| panic!("no table {table}"));
        let body = rest.split("\n}").next().unwrap();
        let in_source: Vec<&str> =
            body.lines().filter_map(|l| l.trim().split_once(" -> ")).map(|(name, _)| name).collect();
        assert_eq!(in_source, in_database, "{table}");
    }
}

fn all<W: Word>() -> Vec<&'static str> {
    W::ALL.iter().map(|(_, text)| *text).collect()
}

#[test]
fn closed_lists_of_words_are_the_same_in_the_database() {
    let database = Database::empty();
    let mut conn = database.connect();
    let mut check = |constraint: &str, known: Vec<&'static str>| {
        let found = sql_query("SELECT pg_get_constraintdef(oid) AS line FROM pg_constraint WHERE conname = $1")
            .bind::<Text, _>(constraint)
            .get_result::<Line>(&mut conn)
            .unwrap_or_else(|e| panic!("{constraint}: {e}"));
        let in_database: Vec<String> = found.line.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(in_database, known, "{constraint}");
    };
    check("works_kind_known", all::<WorkKind>());
    check("works_status_known", all::<WorkStatus>());
    check("works_column_class_known", all::<ColumnClass>());
    check("works_capture_method_known", all::<CaptureMethod>());
    check("works_importance_known", all::<Importance>());
    check("works_visibility_known", all::<Visibility>());
    check("corridors_kind_known", all::<CorridorKind>());
    check("corridors_status_known", all::<CorridorStatus>());
    check("corridors_visibility_known", all::<Visibility>());
    check("rule_parameters_unit_known", all::<Unit>());
    check("rule_parameters_corridor_kind_known", all::<CorridorKind>());
    check("rule_parameters_work_kind_known", all::<WorkKind>());
    check("rule_parameters_confidence_known", all::<Confidence>());
    check("calendars_weekly_days_off_known", all::<DayOfWeek>());
    check("calendar_days_confidence_known", all::<Confidence>());
    check("changes_kind_known", all::<ChangeKind>());
    check("audit_events_deed_known", all::<Deed>());
    check("organisations_kind_known", all::<OrganisationKind>());
    check("access_versions_what_known", all::<Thing>());
    check("plans_state_known", all::<PlanState>());
    check("plans_visibility_known", all::<Visibility>());
    check("zones_column_classes_known", all::<ColumnClass>());
    check("plan_events_event_known", all::<PlanEvent>());
    check("documents_kind_known", all::<DocumentKind>());
    check("documents_media_type_known", all::<MediaType>());
    check("accounts_language_known", all::<Language>());
    check("deliveries_channel_known", all::<Channel>());
    check("deliveries_state_known", all::<DeliveryState>());
}

#[test]
fn every_table_and_the_difficult_columns_have_comments() {
    let database = Database::empty();
    let without = lines(
        &database,
        "SELECT c.relname::text AS line FROM pg_class AS c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
           AND c.relname NOT IN ('spatial_ref_sys', 'geometry_columns', 'geography_columns', '__diesel_schema_migrations')
           AND obj_description(c.oid) IS NULL",
    );
    assert_eq!(without, Vec::<String>::new());
}

#[test]
fn a_version_in_history_has_the_columns_of_the_present_one() {
    let database = Database::empty();
    let columns = |table: &str| {
        lines(
            &database,
            &format!(
                "SELECT concat_ws(' ', column_name, udt_name) AS line FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
            ),
        )
    };
    for table in [
        "works",
        "corridors",
        "coverage_areas",
        "rule_packs",
        "rule_parameters",
        "calendars",
        "calendar_days",
        "plans",
        "zones",
    ] {
        let ended = ["ended_revision int8".to_owned(), "ended_at timestamptz".to_owned()];
        let expect: Vec<String> = ended.into_iter().chain(columns(table)).collect();
        assert_eq!(columns(&format!("{table}_history")), expect, "{table}: the trigger copies by place");
    }
}

#[test]
fn every_key_begins_with_the_jurisdiction() {
    // Who signs in belongs to no jurisdiction: beyond one primary these are reference tables, whole on every node.
    let everywhere = "'organisations', 'accounts', 'sign_in_failures', 'sessions', 'session_credentials', 'api_tokens',
        'access_versions', 'webhooks'";
    let database = Database::empty();
    let without = lines(
        &database,
        &format!(
            "SELECT format('%s: %s', conrelid::regclass, pg_get_constraintdef(oid)) AS line FROM pg_constraint
             WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u')
               AND conrelid::regclass::text NOT IN ('spatial_ref_sys', '__diesel_schema_migrations', 'jurisdictions')
               AND conrelid::regclass::text NOT IN ({everywhere})
               AND pg_get_constraintdef(oid) NOT LIKE '%(jurisdiction%'"
        ),
    );
    assert_eq!(without, Vec::<String>::new());
}
