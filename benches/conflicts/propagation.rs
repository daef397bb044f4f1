//! How long a commit takes to show on another instance: two real servers over one database, and a client that writes on
//! the one and asks the other until it shows the write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clearway::config::{Secret, Settings, TokenSetting};
use clearway::store::schema::revisions;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value as Json, json};

use crate::Failed;
use crate::report::{Comparison, Report, Side, Times};
use crate::setup::{Database, Serving};
use crate::web::Client;

/// Writes whose way is measured.
const WRITES: usize = 200;

/// What is promised: 99 of 100 commits show everywhere within this, milliseconds.
const PROMISED_MS: f64 = 250.0;

/// A commit that does not show for so long never will.
const NEVER: Duration = Duration::from_secs(30);

/// Where the works are written, longitude and latitude.
const HERE: [f64; 2] = [107.6907, 12.0042];

/// The token of whoever writes.
const TOKEN: &str = "the token of the propagation";

/// A jurisdiction that is loaded again and again beside the other.
const LOADED: &str = "VN-99";

/// How often is looked whether it is loaded.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Measures it.
pub fn all(report: &mut Report, shows: &Serving, settings: Settings, jurisdiction: &str) -> Result<(), Failed> {
    let writes = Serving::start(with_officer(settings))?;
    let times = written(&writes, shows, jurisdiction, "PROPAGATION")?;
    add(report, "propagation", "", &times);
    Ok(())
}

/// Measures it while both instances load another jurisdiction, as large, again and again.
pub fn beside_a_load(report: &mut Report, database: &Database, jurisdiction: &str) -> Result<(), Failed> {
    let mut conn = PgConnection::establish(&database.url)?;
    conn.batch_execute(&format!(
        "SET session_replication_role = replica;
         INSERT INTO jurisdictions SELECT '{LOADED}', name_vi, name_en, grid_srid, time_zone, related_crs, boundary
             FROM jurisdictions WHERE code = '{jurisdiction}';
         INSERT INTO revisions (jurisdiction, revision) SELECT '{LOADED}', revision FROM revisions WHERE jurisdiction = '{jurisdiction}';
         INSERT INTO works SELECT (jsonb_populate_record(w, jsonb_build_object('jurisdiction', '{LOADED}', 'id', gen_random_uuid()))).*
             FROM works AS w WHERE jurisdiction = '{jurisdiction}'"
    ))?;
    conn.batch_execute("VACUUM (ANALYZE) works")?;
    let shows = Serving::start(database.settings())?;
    let writes = Serving::start(with_officer(database.settings()))?;
    let done = AtomicBool::new(false);
    let (times, loads) = std::thread::scope(|scope| {
        let load = || -> Result<usize, String> {
            let mut loads = 0;
            while !done.load(Ordering::Relaxed) {
                // Other rules: everything is read anew.
                conn.batch_execute(&format!(
                    "UPDATE revisions SET revision = revision + 1 WHERE jurisdiction = '{LOADED}';
                     INSERT INTO changes SELECT '{LOADED}', revision, 1, 'works', 'rules', NULL FROM revisions
                         WHERE jurisdiction = '{LOADED}';
                     SELECT pg_notify('clearway_revisions', '{LOADED}')"
                ))
                .map_err(|e| e.to_string())?;
                let mut clients = [&shows, &writes].map(|on| Client::connect(&on.address).map_err(|e| e.to_string()));
                let stands = revisions::table.find(LOADED).select(revisions::revision);
                let wanted: i64 = stands.first(&mut conn).map_err(|e| e.to_string())?;
                for client in &mut clients {
                    let client = client.as_mut().map_err(|e| e.clone())?;
                    while !done.load(Ordering::Relaxed) && shown(client, LOADED).map_err(|e| e.to_string())? < wanted {
                        std::thread::sleep(LOOK_EVERY);
                    }
                }
                loads += 1;
            }
            Ok(loads)
        };
        let loading = scope.spawn(load);
        let times = written(&writes, &shows, jurisdiction, "BESIDE");
        done.store(true, Ordering::Relaxed);
        let loads = loading.join().map_err(|_| "the thread that has it loaded panicked")??;
        Ok::<_, Failed>((times?, loads))
    })?;
    report.note(format!("propagation-beside: both instances loaded {LOADED} {loads} times meanwhile"));
    add(report, "propagation-beside", " while another jurisdiction is loaded", &times);
    Ok(())
}

/// Settings with somebody who may write.
fn with_officer(settings: Settings) -> Settings {
    let officer = TokenSetting {
        token: Secret(TOKEN.into()),
        name: "officer".into(),
        organisation: Some("office".into()),
        roles: vec!["officer".into()],
        jurisdictions: None,
    };
    Settings { tokens: vec![officer], ..settings }
}

/// The revision of a jurisdiction that a server shows; 0 where it does not show it.
fn shown(client: &mut Client, jurisdiction: &str) -> Result<i64, Failed> {
    let point = json!({"type": "Point", "coordinates": HERE}).to_string();
    let ask = request("/api/conflict-checks?clearance_m=0&measures=false&limit=1", "", &point);
    let answer: Json = serde_json::from_slice(&client.send(&ask)?)?;
    Ok(answer["revision"][jurisdiction].as_i64().unwrap_or_default())
}

/// Writes works on the one, and waits for each until the other shows it.
fn written(writes: &Serving, shows: &Serving, jurisdiction: &str, name: &str) -> Result<Times, Failed> {
    let (mut writer, mut asker) = (Client::connect(&writes.address)?, Client::connect(&shows.address)?);
    let mut times = Times::default();
    for n in 0..WRITES {
        let before = shown(&mut asker, jurisdiction)?;
        let properties = json!({"kind": "pole", "organisation": "invented", "code": format!("{name}-{n}"), "jurisdiction": jurisdiction});
        let geometry = json!({"type": "Point", "coordinates": HERE});
        let work = json!({"type": "Feature", "geometry": geometry, "properties": properties}).to_string();
        let create = request("/ogc/collections/works/items", &format!("Authorization: Bearer {TOKEN}\r\n"), &work);
        writer.send_for(&create, " 201 ")?;
        times.of(|| {
            let begun = Instant::now();
            while shown(&mut asker, jurisdiction)? == before {
                if begun.elapsed() > NEVER {
                    return Err(format!("write {n} did not show").into());
                }
            }
            Ok::<_, Failed>(())
        })?;
    }
    Ok(times)
}

fn add(report: &mut Report, name: &'static str, when: &str, times: &Times) {
    let ms = |of_hundred: usize| times.percentile(of_hundred).as_secs_f64() * 1e3;
    report.note(format!("{name}: half of {WRITES} writes showed on another instance{when} within {:.0} ms", ms(50)));
    report.add(Comparison {
        name,
        ours: Side::figure(format!("99 of 100 commits show elsewhere{when} within"), ms(99), "ms"),
        peer: Some(Side::figure("what is promised", PROMISED_MS, "ms")),
        target: Some(1.0),
        equal: None,
    });
}

fn request(path: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/geo+json\r\n{more}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
