//! Whoever is shown something restricted leaves a row, whatever way he looks, and nobody is shown what cannot be written
//! down. Each role by each door is in `matrix`.

use std::collections::BTreeSet;

use clearway::actions::restricted_read::Writing;
use clearway::actions::{Context, audit, feature};
use clearway::config::Settings;
use clearway::domain::actor::{Actor, Role};
use clearway::domain::work::Work;
use clearway::error::Error;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Value as Json, json};

use crate::changes::Listener;
use crate::help::{Api, CHECKS, CORRIDORS, GRID, REFERENCES, WORKS, mast, merged, point, rect, road};
use crate::matrix::GEOJSON;
use crate::operation::until;
use crate::support::{Database, Response, token};

const BATCH: &str = "/api/conflict-checks/batch";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(database: &Database, sql: &str) -> Vec<String> {
    let rows = diesel::sql_query(sql).load::<Line>(&mut database.connect()).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

/// What was left: actor, door, layer and id; each answer has one row of a layer.
pub fn left(database: &Database) -> BTreeSet<String> {
    let twice = "SELECT concat_ws(' ', request_id, layer) AS line FROM restricted_reads WHERE door <> '/api/changes'
        GROUP BY request_id, layer, jurisdiction HAVING count(*) > 1";
    assert_eq!(lines(database, twice), [""; 0], "more than one row");
    let sql = "SELECT DISTINCT concat_ws(' ', actor, door, layer, unnest(ids)) AS line FROM restricted_reads";
    lines(database, sql).into_iter().collect()
}

/// Works, a corridor and a reference feature at one place, by a letter each, and the moment before one of them became restricted, `T`.
struct World {
    api: Api,
    names: Vec<(&'static str, String)>,
}

fn world() -> World {
    let api = Api::new();
    let work = |code: &str, organisation: &str, visibility: &str, east: f64| {
        let own =
            json!({"code": code, "organisation": organisation, "visibility": visibility, "position_accuracy_m": 0});
        api.add(WORKS, point(east, 5.0), merged(own, &mast()))
    };
    let (secret, own) = (work("SECRET", "vnpt", "restricted", 5.0), work("OWN", "viettel", "restricted", 6.0));
    let late = work("LATE", "vnpt", "public", 7.0);
    work("OPEN", "vnpt", "public", 8.0);
    let land = merged(json!({"code": "LAND", "visibility": "restricted"}), &road());
    let land = api.add(CORRIDORS, rect(0.0, 0.0, 10.0, 10.0), land);
    let area = json!({"code": "AREA", "kind": "defence_area", "organisation": "ministry", "visibility": "restricted"});
    let area = api.add(REFERENCES, rect(0.0, 0.0, 10.0, 10.0), area);
    let before = api.sql(
        "SELECT to_char(max(recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM audit_events",
    );
    let hide = json!({"properties": {"visibility": "restricted"}});
    assert_eq!(api.on_grid("officer", "PATCH", &format!("{WORKS}/{late}"), &hide).status, 200);
    let (area, before) = (("{D}", area), ("{T}", before.unwrap()));
    World { api, names: vec![("{S}", secret), ("{O}", own), ("{L}", late), ("{C}", land), area, before] }
}

impl World {
    /// A text with every letter in braces replaced by what it stands for.
    fn named(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (letter, name)| text.replace(letter, name))
    }

    fn ask(&self, role: &str, method: &str, path: &str) -> Response {
        let (api, path) = (&self.api, self.named(path));
        match method {
            "GET as a map" => api.send(role, "GET", &path, &[("Accept", GEOJSON)], None),
            "GET unless it is version 1" => api.send(role, "GET", &path, &[("If-None-Match", "\"1\"")], None),
            "POST" if path.starts_with(BATCH) => batch(api, role, &path, &[point(5.0, 5.0), point(7.0, 5.0)]),
            "POST" => api.on_grid(role, method, &path, &point(5.0, 5.0)),
            "PATCH" => api.on_grid(role, method, &path, &json!({"properties": {"name": "x"}})),
            "PUT without its visibility" => {
                let other = json!({"code": "SECRET"});
                let document = crate::help::feature(point(5.0, 5.0), merged(other, &mast()));
                api.on_grid(role, "PUT", &path, &document)
            }
            "PUT in place of version 9" | "DELETE version 9" => {
                let method = method.split(' ').next().unwrap();
                let headers = [("If-Match", "\"9\""), ("Content-Type", "application/geo+json"), ("Content-Crs", GRID)];
                let document =
                    crate::help::feature(point(5.0, 5.0), merged(json!({"visibility": "restricted"}), &mast()));
                api.send(role, method, &path, &headers, (method == "PUT").then_some(&document))
            }
            "PUT" => {
                let own = json!({"code": "SECRET", "visibility": "restricted"});
                api.on_grid(role, method, &path, &crate::help::feature(point(5.0, 5.0), merged(own, &mast())))
            }
            _ => api.send(role, method, &path, &[], None),
        }
    }
}

fn batch(api: &Api, role: &str, path: &str, shapes: &[Json]) -> Response {
    let body: Vec<String> = shapes.iter().map(ToString::to_string).collect();
    let bearer = format!("Bearer {}", token(role));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-ndjson"), ("Content-Crs", GRID)];
    api.server.send("POST", path, &headers, Some(body.join("\n").as_bytes()))
}

/// Who asks, how, for what; the status, and the rows that it leaves: each with its layer and its features.
type Way = (&'static str, &'static str, &'static str, u16, &'static [&'static str]);

const CONFLICTS: &[&str] = &["corridors {C}", "works {S} {O} {L}"];

const WAYS: &[Way] = &[
    ("officer", "GET", "/ogc/collections/works/items/{S}", 200, &["works {S}"]),
    ("officer", "HEAD", "/ogc/collections/works/items/{S}", 200, &["works {S}"]),
    ("auditor", "GET unless it is version 1", "/ogc/collections/works/items/{S}", 304, &["works {S}"]),
    // One's own, and another's.
    ("carrier", "GET", "/ogc/collections/works/items/{O}", 200, &["works {O}"]),
    ("carrier", "GET", "/ogc/collections/works/items/{S}", 404, &[]),
    // What is on the page, and nothing else.
    ("officer", "GET", "/ogc/collections/works/items?limit=2", 200, &["works {S} {O}"]),
    ("officer", "GET", "/ogc/collections/works/items?after={L}", 200, &[]),
    // It was public then.
    ("officer", "GET", "/ogc/collections/works/items/{L}?as-of={T}", 200, &["works {L}"]),
    ("officer", "GET", "/api/works/{L}/history", 200, &["works {L}"]),
    ("carrier", "GET", "/api/works/{L}/history", 404, &[]),
    ("officer", "POST", "/api/conflict-checks?clearance_m=9", 200, &["works {S} {O} {L}"]),
    ("officer", "POST", "/api/conflict-checks?clearance_m=9&measures=false", 200, &["works {S} {O} {L}"]),
    // What is listed, not what is counted.
    ("officer", "POST", "/api/conflict-checks?clearance_m=9&limit=1", 200, &["works {S}"]),
    (
        "officer",
        "POST",
        "/api/conflict-checks?clearance_m=0&against=works,corridors",
        200,
        &["corridors {C}", "works {S}"],
    ),
    ("officer", "POST", "/api/conflict-checks?clearance_m=9&as-of={T}", 200, &["works {S} {O} {L}"]),
    // These are given the notice.
    ("other-carrier", "POST", "/api/conflict-checks?clearance_m=0&against=corridors", 200, &[]),
    ("", "POST", "/api/conflict-checks?clearance_m=9", 200, &[]),
    // Found, and then as it is kept.
    ("officer", "GET", "/api/corridors/{C}/conflicts", 200, CONFLICTS),
    ("officer", "GET", "/api/corridors/{C}/conflicts", 200, CONFLICTS),
    ("officer", "GET as a map", "/api/corridors/{C}/conflicts", 200, CONFLICTS),
    ("officer", "GET as a map", "/api/corridors/{C}/conflicts?as-of={T}", 200, CONFLICTS),
    ("officer", "GET", "/api/corridors/{C}/conflicts?clearance_m=1", 200, CONFLICTS),
    // What is in no conflict is shown as an item and as it was; that a layer of it is there is no feature.
    ("officer", "GET", "/ogc/collections/references/items/{D}", 200, &["references {D}"]),
    ("officer", "HEAD", "/ogc/collections/references/items/{D}", 200, &["references {D}"]),
    ("consultee", "GET", "/ogc/collections/references/items/{D}", 404, &[]),
    ("officer", "GET", "/ogc/collections/references/items", 200, &["references {D}"]),
    ("officer", "GET", "/ogc/collections/references/items/{D}?as-of={T}", 200, &["references {D}"]),
    ("officer", "GET", "/api/references/{D}/history", 200, &["references {D}"]),
    ("consultee", "GET", "/api/references/{D}/history", 404, &[]),
    ("officer", "GET", "/api/reference-layers", 200, &[]),
    ("officer", "PATCH", "/ogc/collections/references/items/{D}", 200, &["references {D}"]),
    // That it holds documents, and which.
    ("officer", "GET", "/api/works/{S}/documents", 200, &["works {S}"]),
    ("officer", "GET", "/api/corridors/{C}/documents", 200, &["corridors {C}"]),
    ("carrier", "GET", "/api/works/{O}/documents", 200, &["works {O}"]),
    ("carrier", "GET", "/api/works/{S}/documents", 404, &[]),
    // A row for each line.
    ("officer", "POST", "/api/conflict-checks/batch?clearance_m=0", 200, &["works {S}", "works {L}"]),
    ("inspector", "POST", "/api/conflict-checks/batch?clearance_m=0", 200, &[]),
    // It is read before it is changed, and a refusal tells of it, too.
    ("officer", "PATCH", "/ogc/collections/works/items/{S}", 200, &["works {S}"]),
    ("officer", "PUT", "/ogc/collections/works/items/{S}", 200, &["works {S}"]),
    // Whoever writes nothing of the layer is refused before anything is read.
    ("auditor", "PATCH", "/ogc/collections/works/items/{S}", 403, &[]),
    ("auditor", "PUT", "/ogc/collections/works/items/{S}", 403, &[]),
    ("approver", "DELETE", "/ogc/collections/works/items/{S}", 403, &[]),
    ("approver", "GET", "/ogc/collections/works/items/{S}", 200, &["works {S}"]),
    ("officer", "PUT without its visibility", "/ogc/collections/works/items/{S}", 422, &["works {S}"]),
    ("officer", "PUT in place of version 9", "/ogc/collections/works/items/{S}", 412, &["works {S}"]),
    ("officer", "DELETE version 9", "/ogc/collections/works/items/{S}", 412, &["works {S}"]),
    ("other-carrier", "PUT", "/ogc/collections/works/items/{O}", 404, &[]),
    ("inspector", "DELETE", "/ogc/collections/works/items/{S}", 403, &[]),
    ("officer", "DELETE", "/ogc/collections/works/items/{O}", 204, &["works {O}"]),
    ("officer", "GET", "/api/works/{O}/history", 200, &["works {O}"]),
];

#[test]
fn whatever_way_somebody_looks_it_is_written_down_once() {
    let world = world();
    let ask = |(role, method, path, ..): &Way| world.ask(role, method, path);
    let answers: Vec<Response> = WAYS.iter().map(ask).collect();
    // Everything is told once more, what was deleted with its code.
    let mut listener = Listener::open(&world.api.server, "officer", "?jurisdiction=VN-72", Some("1"));
    until("the last change", || listener.change()["features"][0]["change"] == "delete");
    drop(listener);

    let names: BTreeSet<String> = world.names[..5].iter().map(|(_, id)| id.clone()).collect();
    let expected = |rows: &[&str]| rows.iter().map(|row| world.named(row)).collect::<Vec<_>>();
    let expected: Vec<Vec<String>> = WAYS.iter().map(|(.., rows)| expected(rows)).collect();
    let Api { server, database } = world.api;
    drop(server);
    for ((way, answer), expect) in WAYS.iter().zip(&answers).zip(expected) {
        assert_eq!(answer.status, way.3, "{way:?}: {}", answer.text);
        let sql = format!(
            "SELECT concat_ws(' ', layer, array_to_string(ids, ' ')) AS line FROM restricted_reads
             WHERE request_id = '{}' AND jurisdiction = 'VN-72' AND read_at BETWEEN now() - interval '10 min' AND now()
             ORDER BY layer, id",
            answer.header("x-request-id").unwrap()
        );
        assert_eq!(lines(&database, &sql), expect, "{way:?}");
    }
    let streamed = "SELECT DISTINCT unnest(ids)::text AS line FROM restricted_reads WHERE door = '/api/changes'";
    assert_eq!(lines(&database, streamed).into_iter().collect::<BTreeSet<_>>(), names);
    let whose = "SELECT DISTINCT concat_ws(' ', actor, organisation) AS line FROM restricted_reads ORDER BY line";
    assert_eq!(lines(&database, whose), ["approver committee", "auditor office", "carrier viettel", "officer office"]);
    stays(&database);
}

/// The rows are read by whom the table lets, and changed by nobody.
fn stays(database: &Database) {
    for change in
        ["UPDATE restricted_reads SET actor = 'x'", "DELETE FROM restricted_reads", "TRUNCATE restricted_reads"]
    {
        let refused = database.connect().batch_execute(change).unwrap_err().to_string();
        assert!(refused.contains("is never changed or deleted"), "{change}: {refused}");
    }
    let (mut read, context) = (0, database.context());
    let mut reads = |role: Role| {
        let actor = Actor { roles: vec![role], ..Actor::operator() };
        audit::reads(&context, &actor, [None, None], &mut |_| {
            read += 1;
            Ok(())
        })
    };
    assert!(matches!(reads(Role::Officer), Err(Error::Forbidden(_))));
    assert_eq!(reads(Role::Auditor), Ok(()));
    assert_eq!(read, lines(database, "SELECT id::text AS line FROM restricted_reads").len());
}

#[test]
fn nothing_restricted_is_shown_that_cannot_be_written_down() {
    let api = Api::with(|settings| {
        settings.pool_wait_ms = 100;
        settings.reads_interval_ms = 50;
        settings.reads_wait_ms = 200;
        // Room for one answer.
        settings.reads_buffer_bytes = 1;
    });
    let secret = merged(json!({"code": "SECRET", "organisation": "vnpt", "visibility": "restricted"}), &mast());
    api.add(WORKS, point(5.0, 5.0), secret);
    let check = |role: &str| api.on_grid(role, "POST", &format!("{CHECKS}?clearance_m=0"), &point(5.0, 5.0));
    let count = |answer: &Response| answer.json()["results"][0]["conflict_count"].clone();
    api.database.allow_connections(false);
    // The first waits in memory, and the others for room in it.
    let first = check("officer");
    assert_eq!((first.status, count(&first)), (200, json!(1)), "{}", first.text);
    for _ in 0..3 {
        let refused = check("officer");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")), "{}", refused.text);
        assert!(!refused.text.contains("SECRET"), "{}", refused.text);
        let free = check("carrier");
        assert_eq!((free.status, count(&free)), (200, json!(0)), "who is shown nothing restricted waits for nothing");
    }
    let batch = batch(&api, "officer", BATCH, &[point(5.0, 5.0)]);
    assert_eq!((batch.status, &batch.json()["error"]["status"]), (200, &json!(503)), "{}", batch.text);

    api.database.allow_connections(true);
    let mut shown = 1;
    until("room", || {
        let answer = check("officer");
        shown += usize::from(answer.status == 200);
        answer.status == 200
    });
    let Api { server, database } = api;
    drop(server);
    let rows = lines(&database, "SELECT door AS line FROM restricted_reads");
    assert_eq!(rows, vec![CHECKS; shown], "each that was answered, and none that was refused");

    // Whoever is told to stop while it cannot be written says what is lost.
    let settings = Settings { pool_wait_ms: 100, reads_wait_ms: 200, reads_interval_ms: 60_000, ..database.settings() };
    let context = Context::connect(settings).unwrap();
    let writing = Writing::begin(&context).unwrap();
    let id = lines(&database, "SELECT id::text AS line FROM works").remove(0).parse().unwrap();
    feature::get::<Work>(&context, &Actor::operator(), id).unwrap();
    database.allow_connections(false);
    let lost = writing.end().unwrap_err().to_string();
    assert!(lost.ends_with("rows lost: 1"), "{lost}");
    database.allow_connections(true);
    // Where no thread writes, what is shown is written first.
    feature::get::<Work>(&context, &Actor::operator(), id).unwrap();
    let rows = lines(&database, "SELECT door AS line FROM restricted_reads WHERE actor = 'operator'");
    assert_eq!(rows, ["this program"]);
}
