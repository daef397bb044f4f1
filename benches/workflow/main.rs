//! The workflow of site requests, through the whole path, against the same rows written by pgbench.
//!
//! **Data**: one site request, filed, submitted and accepted over HTTP, and 50 000 copies of it with their events, all of which wait for
//! an officer.
//!
//! * `workflow-events`: events a second over HTTP, four clients that each lead cases of their own on by one event after the other
//!   (`pause`, `resume`): rules, rows, history, audit chain, outbox and change feed; against pgbench with four clients and prepared
//!   statements that raises the revision row and writes the same rows in one transaction, as durable, in turns. At least 0.3 of it.
//!   `equal`: each answer is one event, one entry of the trail and one notice.
//! * `workflow-inbox`: what waits for an officer among 50 000, 99 of 100 requests over HTTP; the peer is the 20 ms that are promised.
//!   `equal`: what is due first comes first.
//!
//! A missed target or an unequal answer ends with code 1. `CLEARWAY_BENCH_QUICK=1` runs a hundredth of it, to see that it
//! works: its figures mean nothing.

#![allow(clippy::cast_precision_loss)] // counts far below 2^52

#[allow(dead_code)] // the other bench has more kinds of figures
#[path = "../conflicts/report.rs"]
mod report;
#[path = "../conflicts/run.rs"]
mod run;
#[allow(dead_code)] // the other bench imports
#[path = "../conflicts/setup.rs"]
mod setup;
#[allow(dead_code)] // the other bench has a peer that answers always the same
#[path = "../conflicts/web.rs"]
mod web;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{fs, thread};

use clearway::actions::{Witness, calendar, rules};
use clearway::config::{Secret, Settings, TokenSetting};
use clearway::domain::actor::Actor;
use clearway::formats;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use serde_json::{Value as Json, json};

use report::{Comparison, Report, Side, Times};
use run::Failed;
use setup::{Database, Folder, Serving};
use web::Client;

/// How much of everything.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// Cases.
    cases: usize,
    /// Cases that each client leads on.
    led: usize,
    /// How long each side writes, in each round.
    seconds: u64,
    /// Requests for an inbox.
    asked: usize,
}

const FULL: Size = Size { cases: 50_000, led: 100, seconds: 8, asked: 1_000 };
const QUICK: Size = Size { cases: 500, led: 2, seconds: 1, asked: 10 };

/// A town, longitude and latitude.
const TOWN: [f64; 2] = [107.69, 12.0];

/// How much of what pgbench writes comes through.
const TARGET: f64 = 0.3;
/// How long 99 of 100 inboxes may take, ms.
const INBOX_MS: f64 = 20.0;
/// Clients that write at once.
const CLIENTS: usize = 4;
/// How often two sides of a ratio are taken; the middle one counts.
const ROUNDS: usize = 3;

fn main() -> ExitCode {
    run::run_in(FULL, QUICK, run)
}

fn run(size: Size) -> Result<bool, Failed> {
    let mut report = Report::default();
    let folder = Folder::new()?;
    let (database, jurisdiction) = Database::start(&folder)?;
    let mut conn = PgConnection::establish(&database.url)?;
    conn.batch_execute(
        "INSERT INTO organisations VALUES ('office', 'The office', 'office'), ('carrier', 'A carrier', 'carrier')",
    )?;
    let role = |name: &str, organisation: &str| TokenSetting {
        token: Secret(token(name)),
        name: name.into(),
        organisation: Some(organisation.into()),
        roles: vec![name.into()],
        jurisdictions: None,
    };
    let documents = folder.0.join("documents").display().to_string();
    let tokens = vec![role("officer", "office"), role("carrier", "carrier")];
    let serving = Serving::start(Settings { tokens, documents, ..database.settings() })?;
    let days = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/calendar/VN.toml");
    let days = formats::calendar::read(&fs::read(days)?).map_err(|problems| format!("{problems:?}"))?;
    let operator = Actor::operator();
    let place = [jurisdiction.code.clone()];
    calendar::set(&serving.context, Witness::new(&operator, "bench"), &place, &days, &"ab".repeat(32))?;
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules/VN-2027-01.toml");
    let pack = formats::rules::read(&fs::read(pack)?).map_err(|problems| format!("{problems:?}"))?;
    rules::import(&serving.context, Witness::new(&operator, "bench"), &place, &pack, &"cd".repeat(32))?;
    let mut client = Client::connect(&serving.address)?;
    let (template, _) = accepted(&mut client, "TEMPLATE")?;
    copy(&mut conn, &template, size.cases)?;
    // Nothing was said on the other connection meanwhile, and the server has closed it.
    inbox(&mut report, &mut Client::connect(&serving.address)?, size.asked)?;
    events(&mut report, &serving, &database, &folder, &jurisdiction.code, size)?;
    Ok(report.finish())
}

/// The token of a role.
fn token(role: &str) -> String {
    format!("{role}-token-of-the-bench")
}

/// The bytes of a request by somebody.
fn request(role: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n{headers}Content-Length: {}\r\n\r\n",
        token(role),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Sends an event to the version of a case.
fn event(role: &str, id: &str, version: i32, body: &Json) -> Vec<u8> {
    let headers = format!("Content-Type: application/json\r\nIf-Match: \"{version}\"\r\n");
    request(role, "POST", &format!("/api/site-requests/{id}/events"), &headers, body.to_string().as_bytes())
}

/// Files a request and leads it to where its clock runs: its id and its version.
fn accepted(client: &mut Client, code: &str) -> Result<(String, i32), Failed> {
    const KINDS: [&str; 4] = ["application", "site_plan", "land_right", "design"];
    // The hash of each is the same, for the file is.
    let file = b"a paper";
    let hash = clearway::domain::audit::hex(&sha256(file));
    let documents: Vec<Json> = KINDS.iter().map(|kind| json!({"kind": kind, "sha256": hash})).collect();
    let column = json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": TOWN}, "properties": {
        "code": code, "column_class": "A2b", "height_agl_m": 42, "documents": documents,
        "declarations": ["truthful", "land_agreed", "structure_safe", "exposure_limits"]}});
    let media = "Content-Type: application/geo+json\r\n";
    let new = request("carrier", "POST", "/ogc/collections/site-requests/items", media, column.to_string().as_bytes());
    let new: Json = serde_json::from_slice(&client.send_for(&new, " 201 ")?)?;
    let id = new["id"].as_str().ok_or("a request has no id")?.to_owned();
    for kind in KINDS {
        let path = format!("/api/site-requests/{id}/documents?kind={kind}&name={kind}.txt");
        client.send_for(&request("carrier", "POST", &path, "Content-Type: text/plain\r\n", file), " 201 ")?;
    }
    client.send(&event("carrier", &id, 1, &json!({"event": "submit"})))?;
    client.send(&event("officer", &id, 2, &json!({"event": "accept"})))?;
    Ok((id, 3))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).into()
}

/// So many copies of a case, with its events.
fn copy(conn: &mut PgConnection, template: &str, cases: usize) -> Result<(), Failed> {
    conn.batch_execute(&format!(
        "INSERT INTO site_requests SELECT p.* FROM site_requests AS r, generate_series(1, {cases}) AS n,
             LATERAL jsonb_populate_record(r, jsonb_build_object(
                 'id', '01900000-0000-7000-8000-' || lpad(n::text, 12, '0'), 'code', 'C-' || n, 'receipt', 'R-' || n,
                 'projected', NULL, 'due_on', date '2027-01-01' + (n * 7919 % 1000)::int)) AS p WHERE r.id = '{template}';
         INSERT INTO site_request_events
             SELECT jurisdiction, ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, seq, event, from_state, to_state,
                 actor, organisation, at, reason, data, noted, revision
             FROM site_request_events AS e, generate_series(1, {cases}) AS n WHERE e.request = '{template}';
         ANALYZE site_requests; ANALYZE site_request_events"
    ))?;
    Ok(())
}

/// What waits for an officer.
fn inbox(report: &mut Report, client: &mut Client, asked: usize) -> Result<(), Failed> {
    let ask = request("officer", "GET", "/api/inbox", "", b"");
    let (mut times, mut equal) = (Times::default(), true);
    for _ in 0..asked {
        let answer = times.of(|| client.send(&ask))?;
        let answer: Json = serde_json::from_slice(&answer)?;
        let features = answer["features"].as_array().ok_or("an inbox has no features")?;
        let due: Vec<&str> = features.iter().filter_map(|f| f["properties"]["due_on"].as_str()).collect();
        equal &= !due.is_empty() && due.is_sorted() && answer["more"] == true;
    }
    let p99 = times.percentile(99);
    report.add(Comparison {
        name: "workflow-inbox",
        ours: Side {
            spread: Some((times.percentile(50), p99)),
            ..Side::figure("99 of 100 inboxes of an officer", p99.as_secs_f64() * 1e3, "ms")
        },
        peer: Some(Side::figure("what is promised", INBOX_MS, "ms")),
        target: Some(1.0),
        equal: Some(equal),
    });
    Ok(())
}

/// A client that leads cases of its own on.
struct Leader {
    client: Client,
    /// Each with its version.
    cases: Vec<(String, i32)>,
    next: usize,
}

impl Leader {
    /// Sends events until a moment, or so many.
    fn lead(&mut self, until: Option<Instant>, most: usize) -> Result<Times, String> {
        let mut times = Times::default();
        while times.count() < most && until.is_none_or(|until| Instant::now() < until) {
            let at = self.next % self.cases.len();
            let (id, version) = &mut self.cases[at];
            let body = if *version % 2 == 1 {
                json!({"event": "pause", "reason": "a storm", "data": {"why": "force_majeure"}})
            } else {
                json!({"event": "resume"})
            };
            let sent = event("officer", id, *version, &body);
            times.of(|| self.client.send(&sent)).map_err(|e| e.to_string())?;
            *version += 1;
            self.next += 1;
        }
        Ok(times)
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count(conn: &mut PgConnection, of: &str) -> Result<i64, Failed> {
    Ok(sql_query(format!("SELECT count(*) AS n FROM {of}")).get_result::<Count>(conn)?.n)
}

/// What each event leaves: an event, an entry of the trail, and a notice.
const LEFT: [&str; 3] = [
    "site_request_events WHERE event IN ('pause', 'resume') AND actor = 'officer'",
    "audit_events WHERE detail->>'event' IN ('pause', 'resume') AND actor = 'officer'",
    "outbox WHERE event IN ('pause', 'resume') AND detail ? 'receipt'",
];

fn events(
    report: &mut Report,
    serving: &Serving,
    database: &Database,
    folder: &Folder,
    place: &str,
    size: Size,
) -> Result<(), Failed> {
    let mut leaders = Vec::new();
    for n in 0..CLIENTS {
        let mut client = Client::connect(&serving.address)?;
        let cases = (0..size.led).map(|case| accepted(&mut client, &format!("{n}-{case}")));
        let cases = cases.collect::<Result<Vec<_>, _>>()?;
        leaders.push(Leader { client: Client::connect(&serving.address)?, cases, next: 0 });
    }
    let mut sent = 0;
    // Each statement is planned.
    for leader in &mut leaders {
        leader.client = Client::connect(&serving.address)?;
        sent += leader.lead(None, 2 * size.led)?.count();
    }
    let script = folder.0.join("event.sql");
    fs::write(&script, script_of(place, size.cases))?;
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // Nothing was said while the other side had its turn, and the server has closed what was open.
        for leader in &mut leaders {
            leader.client = Client::connect(&serving.address)?;
        }
        let begun = Instant::now();
        let until = begun + Duration::from_secs(size.seconds);
        let times: Vec<Result<Times, String>> = thread::scope(|scope| {
            let all: Vec<_> =
                leaders.iter_mut().map(|leader| scope.spawn(move || leader.lead(Some(until), usize::MAX))).collect();
            all.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("a client ended badly".into()))).collect()
        });
        let took = begun.elapsed();
        let times = Times::joined(times.into_iter().collect::<Result<Vec<_>, _>>()?);
        sent += times.count();
        ours.push((times.count() as f64 / took.as_secs_f64(), times));
        peers.push(pgbench(&database.url, &script, size.seconds)?);
    }
    ours.sort_by(|a, b| a.0.total_cmp(&b.0));
    peers.sort_by(f64::total_cmp);
    let mut conn = PgConnection::establish(&database.url)?;
    let mut equal = true;
    for left in LEFT {
        let found = count(&mut conn, left)?;
        equal &= usize::try_from(found) == Ok(sent);
        report.note(format!(
            "workflow-events: {sent} events were answered, {found} are in {}",
            left.split(' ').next().unwrap_or(left)
        ));
    }
    let (rate, times) = &ours[ROUNDS / 2];
    report.add(Comparison {
        name: "workflow-events",
        ours: Side { figure: *rate, ..Side::rate(format!("events over HTTP, {CLIENTS} clients"), times) },
        peer: Some(Side::figure(format!("pgbench, the same rows, {CLIENTS} clients"), peers[ROUNDS / 2], "/s")),
        target: Some(TARGET),
        equal: Some(equal),
    });
    Ok(())
}

/// The rows of an event, as plain SQL; of the copies, which nobody else leads.
fn script_of(place: &str, cases: usize) -> String {
    format!(
        "\\set n random(1, {cases})
BEGIN;
UPDATE revisions SET revision = revision + 1, previous_at = recorded_at, recorded_at = clock_timestamp() WHERE jurisdiction = '{place}' RETURNING revision \\gset
UPDATE site_requests SET version = version + 1, revision = :revision, recorded_at = clock_timestamp() WHERE jurisdiction = '{place}' AND id = ('01900000-0000-7000-8000-' || lpad(:n::text, 12, '0'))::uuid RETURNING version \\gset
INSERT INTO site_request_events SELECT jurisdiction, id, :version, 'pause', state, state, 'pgbench', 'office', recorded_at, 'a storm', '{{\"why\": \"force_majeure\"}}', '{{}}', revision FROM site_requests WHERE jurisdiction = '{place}' AND id = ('01900000-0000-7000-8000-' || lpad(:n::text, 12, '0'))::uuid;
INSERT INTO audit_events (jurisdiction, revision, recorded_at, actor, organisation, request_id, deed, subject, detail, reason, before, after, previous, hash) SELECT '{place}', :revision, clock_timestamp(), 'pgbench', 'office', gen_random_uuid()::text, 'step', ('01900000-0000-7000-8000-' || lpad(:n::text, 12, '0'))::uuid, '{{\"code\": \"C\", \"event\": \"pause\", \"from\": \"accepted\", \"noun\": \"site_request\", \"to\": \"accepted\", \"version\": \"3\"}}', 'a storm', sha256('before'), sha256('after'), sha256('previous'), sha256('hash');
UPDATE revisions SET audit_hash = sha256('hash') WHERE jurisdiction = '{place}';
INSERT INTO outbox (jurisdiction, id, noun, subject, number, code, event, state, organisations, owner, needs, places, detail, revision, recorded_at) SELECT '{place}', gen_random_uuid(), 'site_request', gen_random_uuid(), 1, 'C', 'pause', 'accepted', ARRAY['carrier', 'office'], 'carrier', ARRAY['government'], ARRAY[]::text[], '{{}}', :revision, clock_timestamp();
COMMIT;
"
    )
}

/// Transactions a second of pgbench.
fn pgbench(url: &str, script: &Path, seconds: u64) -> Result<f64, Failed> {
    let done = Command::new(program()?)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={CLIENTS}"))
        .arg(format!("--time={seconds}"))
        .arg(format!("--file={}", script.display()))
        .arg(url)
        .output()?;
    let said = String::from_utf8_lossy(&done.stdout);
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.filter(|_| done.status.success())
        .ok_or_else(|| format!("pgbench: {said}{}", String::from_utf8_lossy(&done.stderr)).into())
}

/// pgbench of the newest PostgreSQL that is there: on the path, or where Debian has it.
fn program() -> Result<PathBuf, Failed> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    debian.sort();
    all.extend(debian.into_iter().rev());
    let found = all.into_iter().map(|folder| folder.join("pgbench")).find(|program| program.is_file());
    found.ok_or_else(|| "no pgbench was found: it comes with PostgreSQL".into())
}
