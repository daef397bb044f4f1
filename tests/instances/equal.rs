//! What must hold after every scenario: each instance shows the revision of the database, and of every pair of a work and
//! a corridor it says what PostGIS says, at a clearance that is asked for and by the rules. Every corridor is asked about, as
//! it is stored and as it is drawn, and its whole set compared: so no pair is left out. Of the works, each of which comes
//! to the same pairs from the other side, the newest are asked about.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use serde_json::Value as Json;

use crate::instance::{Answer, CHECKS, Instance, REFERENCES};
use crate::support::{RULED_ACCURACY, RULED_CLEARANCE};
use crate::world::{revision, value};

/// Asked for every pair, besides what rules ask for.
const CLEARANCE_M: f64 = 25.0;

/// More than any clearance with any accuracy.
const REACH_MAX_M: f64 = 250.0;

/// More than any subject of a scenario is in conflict with, but those of the large import.
const LIMIT: usize = 10_000;

/// So many works are asked about themselves, the newest. All pairs are asked from the side of the corridors.
const WORKS_ASKED: usize = 40;

/// Fewer pairs by rules would mean nothing.
const PAIRS_MIN: usize = 50;

/// A pair in conflict, if the corridor counts today.
#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Text)]
    corridor: String,
    #[diesel(sql_type = Text)]
    work: String,
    #[diesel(sql_type = Bool)]
    counts: bool,
}

#[derive(QueryableByName)]
struct Land {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    shape: String,
}

/// The pairs with a clearance, in SQL: of the works that count today, with the accuracies of the rules, else those that are
/// configured by default, and of all corridors.
fn pairs(conn: &mut PgConnection, clearance: &str) -> Vec<Pair> {
    // A constant radius lets the spatial index of the works answer, and the rest is decided exactly.
    let sql = format!(
        "
WITH today AS (SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day),
r AS (
    SELECT p.* FROM rule_parameters AS p, today
    WHERE coalesce(valid_from <= day, true) AND coalesce(valid_to >= day, true)
),
w AS (
    SELECT id, kind, geom_grid AS g, coalesce(position_accuracy_m, {RULED_ACCURACY}, CASE capture_method
        WHEN 'gnss_rtk' THEN 0.05 WHEN 'gnss' THEN 5 WHEN 'digitised' THEN 10 WHEN 'record' THEN 20
        WHEN 'estimated' THEN 50 ELSE 20 END) AS accuracy
    FROM works, today
    WHERE status NOT IN ('dismantled', 'relocated', 'abandoned')
        AND coalesce(valid_from <= day, true) AND coalesce(valid_to >= day, true)
),
c AS (
    SELECT id, kind, class, voltage_kv, clearance_m, geom_grid AS g,
        status IN ('in_force', 'handed_over', 'announced', 'surveyed', 'approved', 'suspended')
        AND coalesce(in_force_to >= day, true) AS counts
    FROM corridors, today
)
SELECT c.id::text AS corridor, w.id::text AS work, c.counts FROM c JOIN w
ON ST_DWithin(w.g, c.g, {REACH_MAX_M}) AND ST_DWithin(w.g, c.g, ({clearance})::float8 + w.accuracy)"
    );
    diesel::sql_query(sql).load(conn).unwrap()
}

/// What each feature is in conflict with.
type Sets<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn sets<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Sets<'a> {
    let mut sets = Sets::new();
    for (subject, other) in pairs {
        sets.entry(subject).or_default().insert(other);
    }
    sets
}

/// What is asked for a clearance, or by the rules, and what PostGIS says to it.
struct Asked<'a> {
    query: String,
    /// How often each corridor is asked about.
    times: usize,
    of_corridors: Sets<'a>,
    of_works: Sets<'a>,
}

impl<'a> Asked<'a> {
    fn new(query: &str, times: usize, pairs: &'a [Pair]) -> Self {
        let counting = || pairs.iter().filter(|p| p.counts);
        Self {
            query: format!("{query}limit={LIMIT}&measures=false"),
            times,
            of_corridors: sets(counting().map(|p| (&p.corridor, &p.work))),
            of_works: sets(counting().map(|p| (&p.work, &p.corridor))),
        }
    }
}

/// The features that the first subject of an answer is in conflict with.
fn found(answer: &Json) -> BTreeSet<&str> {
    let result = &answer["results"][0];
    let listed = result["conflicts"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let ids: BTreeSet<&str> = listed.iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(result["conflict_count"].as_u64(), Some(ids.len() as u64), "all are listed, and none twice");
    ids
}

/// Asks about every corridor, so that what is found is kept and follows whatever happens from now on.
pub fn keep(instances: &[&Instance], url: &str) {
    let ids = value(&mut PgConnection::establish(url).unwrap(), "SELECT string_agg(id::text, ' ') FROM corridors");
    for instance in instances {
        for id in ids.split(' ') {
            found(&instance.send("GET", &format!("/api/corridors/{id}/conflicts?limit={LIMIT}"), None, None).json());
        }
    }
}

/// Asserts that every instance equals the database. Nobody may write meanwhile.
#[track_caller]
pub fn equal_everywhere(instances: &[&Instance], url: &str) {
    let mut conn = PgConnection::establish(url).unwrap();
    let now = revision(&mut conn);
    let all: Vec<Land> = diesel::sql_query("SELECT id::text, ST_AsGeoJSON(geom_grid, 15, 0) AS shape FROM corridors")
        .load(&mut conn)
        .unwrap();
    let works = value(
        &mut conn,
        &format!(
            "SELECT string_agg(id::text, ' ' ORDER BY id DESC) FROM (SELECT id FROM works \
        ORDER BY id DESC LIMIT {WORKS_ASKED}) AS w"
        ),
    );
    let fixed = pairs(&mut conn, &CLEARANCE_M.to_string());
    let ruled = pairs(&mut conn, &format!("coalesce(c.clearance_m, {RULED_CLEARANCE}, 0)"));
    let drawn = sets(fixed.iter().map(|p| (&p.corridor, &p.work)));
    // By the rules what is kept answers, the second time out of the list that was made of it the first time.
    let asked = [Asked::new(&format!("clearance_m={CLEARANCE_M}&"), 1, &fixed), Asked::new("", 2, &ruled)];
    let [by_clearance, by_rules] = &asked;
    assert!(by_clearance.of_corridors.len() < drawn.len(), "there is something to compare");
    assert!(ruled.len() > PAIRS_MIN && by_rules.of_corridors != by_clearance.of_corridors, "rules make a difference");
    let none = BTreeSet::new();
    let held: Json = value(
        &mut conn,
        "SELECT json_build_object('works', (SELECT count(*) FROM works), 'corridors', (SELECT count(*) FROM corridors), \
         'references', (SELECT count(*) FROM reference_features))",
    )
    .parse()
    .unwrap();
    let references = "SELECT string_agg(id::text || ' ' || version, ',' ORDER BY id) FROM reference_features";
    let references = value(&mut conn, references);
    for (n, instance) in instances.iter().enumerate() {
        let ready = instance.send("GET", "/health/ready", None, None).json()["jurisdictions"][0].clone();
        assert_eq!((ready["revision"].as_i64(), &ready["features"]), (Some(now), &held), "instance {n}");
        let listed = instance.send("GET", &format!("{REFERENCES}?limit=10000"), None, None).json();
        let listed = listed["features"].as_array().unwrap().iter();
        let listed: Vec<String> =
            listed.map(|f| format!("{} {}", f["id"].as_str().unwrap(), f["properties"]["version"])).collect();
        assert_eq!(listed.join(","), references, "instance {n}");
        for Asked { query, times, of_corridors, of_works } in &asked {
            let ask = |path: &str| -> Answer {
                let answer = instance.send("GET", &format!("{path}/conflicts?{query}"), Some(now), None);
                assert_eq!(answer.revision(), now, "instance {n}: {path}");
                answer
            };
            let same = |path: &str, expect: Option<&BTreeSet<&str>>| {
                let answer = ask(path).json();
                assert_eq!(&found(&answer), expect.unwrap_or(&none), "instance {n}: {path}?{query}");
            };
            for corridor in &all {
                let path = format!("/api/corridors/{}", corridor.id);
                (0..*times).for_each(|_| same(&path, of_corridors.get(corridor.id.as_str())));
            }
            for work in works.split(' ') {
                same(&format!("/api/works/{work}"), of_works.get(work));
            }
        }
        // The same land, drawn: it counts, whatever its corridor does.
        let lines: String = all.iter().map(|c| c.shape.clone() + "\n").collect();
        let path = format!("{CHECKS}/batch?{}", by_clearance.query);
        let batch = instance.send("POST", &path, Some(now), Some(&lines));
        assert_eq!((batch.status, batch.text.lines().count()), (200, all.len()), "instance {n}: {}", batch.text);
        for (corridor, line) in all.iter().zip(batch.text.lines()) {
            let expect = drawn.get(corridor.id.as_str()).unwrap_or(&none);
            let answer = serde_json::from_str(line).unwrap();
            assert_eq!(&found(&answer), expect, "instance {n}: drawn {}", corridor.id);
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
