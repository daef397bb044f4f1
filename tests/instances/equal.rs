//! What must hold after every scenario: each instance shows the revision of the database, and of every pair of a work and
//! a corridor it says what PostGIS says.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value as Json;

use crate::instance::{Answer, CHECKS, Instance};
use crate::world::{revision, value};

/// Asked for every pair.
const CLEARANCE_M: f64 = 25.0;

/// More than any subject of a scenario is in conflict with, but those of the large import.
const LIMIT: usize = 10_000;

/// So many works are asked about themselves.
const WORKS_ASKED: usize = 60;

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    other: String,
}

/// The works that count today, with the accuracies that are configured by default, and the corridors, with whether they do.
const TODAY: &str = "
WITH today AS (SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day),
w AS (
    SELECT id, geom_grid AS g, coalesce(position_accuracy_m, CASE capture_method WHEN 'gnss_rtk' THEN 0.05
        WHEN 'gnss' THEN 5 WHEN 'digitised' THEN 10 WHEN 'record' THEN 20 WHEN 'estimated' THEN 50 ELSE 20 END) AS accuracy
    FROM works, today
    WHERE status NOT IN ('dismantled', 'relocated', 'abandoned')
        AND coalesce(valid_from <= day, true) AND coalesce(valid_to >= day, true)
),
c AS (
    SELECT id, geom_grid AS g, status IN ('in_force', 'handed_over', 'announced', 'surveyed', 'approved', 'suspended')
        AND coalesce(in_force_to >= day, true) AS counts
    FROM corridors, today
)";

type Sets = BTreeMap<String, BTreeSet<String>>;

fn pairs(conn: &mut PgConnection, subject: &str, other: &str, only: &str) -> Sets {
    // A constant radius lets the spatial index of the works answer, and the rest is decided exactly.
    let sql = format!(
        "{TODAY} SELECT {subject}.id::text AS subject, {other}.id::text AS other FROM c JOIN w
         ON ST_DWithin(w.g, c.g, {CLEARANCE_M} + w.accuracy) WHERE {only}"
    );
    let mut sets = Sets::new();
    for pair in diesel::sql_query(sql).load::<Pair>(conn).unwrap() {
        sets.entry(pair.subject).or_default().insert(pair.other);
    }
    sets
}

/// The features that the first subject of an answer is in conflict with.
fn found(answer: &Json) -> BTreeSet<String> {
    let result = &answer["results"][0];
    let listed = result["conflicts"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let ids: BTreeSet<String> = listed.iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(result["conflict_count"].as_u64(), Some(ids.len() as u64), "all are listed, and none twice");
    ids
}

/// Asserts that every instance equals the database. Nobody may write meanwhile.
#[track_caller]
pub fn equal_everywhere(instances: &[&Instance], url: &str) {
    let mut conn = PgConnection::establish(url).unwrap();
    let now = revision(&mut conn);
    let all: Vec<Pair> =
        diesel::sql_query("SELECT id::text AS subject, ST_AsGeoJSON(geom_grid, 15, 0) AS other FROM corridors")
            .load(&mut conn)
            .unwrap();
    let drawn_sets = pairs(&mut conn, "c", "w", "true");
    let corridor_sets = pairs(&mut conn, "c", "w", "c.counts");
    let work_sets = pairs(&mut conn, "w", "c", "c.counts");
    let works = value(
        &mut conn,
        &format!(
            "SELECT string_agg(id::text, ' ' ORDER BY id DESC) FROM (SELECT id FROM works \
        ORDER BY id DESC LIMIT {WORKS_ASKED}) AS w"
        ),
    );
    assert!(!drawn_sets.is_empty() && corridor_sets.len() < drawn_sets.len(), "there is something to compare");
    let query = format!("clearance_m={CLEARANCE_M}&limit={LIMIT}&measures=false");
    let none = BTreeSet::new();
    for (n, instance) in instances.iter().enumerate() {
        let ask = |path: &str| -> Answer {
            let answer = instance.send("GET", &format!("{path}/conflicts?{query}"), Some(now), None);
            assert_eq!(answer.revision(), now, "instance {n}: {path}");
            answer
        };
        for corridor in &all {
            let answer = ask(&format!("/api/corridors/{}", corridor.subject)).json();
            let expect = corridor_sets.get(&corridor.subject).unwrap_or(&none);
            assert_eq!(&found(&answer), expect, "instance {n}: corridor {}", corridor.subject);
        }
        for work in works.split(' ') {
            let expect = work_sets.get(work).unwrap_or(&none);
            assert_eq!(&found(&ask(&format!("/api/works/{work}")).json()), expect, "instance {n}: work {work}");
        }
        // The same land, drawn: it counts, whatever its corridor does.
        let lines: String = all.iter().map(|c| c.other.clone() + "\n").collect();
        let batch = instance.send("POST", &format!("{CHECKS}/batch?{query}"), Some(now), Some(&lines));
        assert_eq!((batch.status, batch.text.lines().count()), (200, all.len()), "instance {n}: {}", batch.text);
        for (corridor, line) in all.iter().zip(batch.text.lines()) {
            let expect = drawn_sets.get(&corridor.subject).unwrap_or(&none);
            assert_eq!(
                &found(&serde_json::from_str(line).unwrap()),
                expect,
                "instance {n}: drawn {}",
                corridor.subject
            );
        }
    }
}

/// Asserts that nothing is half-stored: a revision for every event, and a row for every feature that an event made.
#[track_caller]
pub fn whole(conn: &mut PgConnection) {
    for (what, sql) in [
        ("an event for every revision", "SELECT count(*) = max(revision) AND min(revision) = 1 FROM audit_events"),
        ("the counter stands at the last", "SELECT revision = (SELECT max(revision) FROM audit_events) FROM revisions"),
        ("no row of a later revision", "SELECT coalesce(max(revision), 0) <= (SELECT revision FROM revisions) FROM works"),
        (
            "a work for every creation",
            "SELECT count(*) FILTER (WHERE w.id IS NULL) = 0 FROM audit_events AS e LEFT JOIN works AS w ON w.id = e.subject
             WHERE e.deed = 'create'",
        ),
        (
            "a creation and a change for every work that was not imported",
            "SELECT count(*) FILTER (WHERE c.id IS NULL OR e.subject IS NULL) = 0 FROM works AS w
             LEFT JOIN changes AS c ON c.id = w.id AND c.revision = w.revision
             LEFT JOIN audit_events AS e ON e.subject = w.id AND e.revision = w.revision WHERE w.code LIKE 'NEW-%'",
        ),
    ] {
        assert_eq!(value(conn, sql), "true", "{what}");
    }
}
