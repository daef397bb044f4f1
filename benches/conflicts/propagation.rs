//! How long a commit takes to show on another instance: two real servers over one database, and a client that writes on
//! the one and asks the other until it shows the write.

use std::time::{Duration, Instant};

use clearway::config::{Secret, Settings, TokenSetting};
use serde_json::{Value as Json, json};

use crate::Failed;
use crate::report::{Comparison, Report, Side, Times};
use crate::setup::Serving;
use crate::web::Client;

/// Writes whose way is measured.
const WRITES: usize = 200;

/// What is promised: 99 of 100 commits show everywhere within this, milliseconds.
const PROMISED_MS: f64 = 250.0;

/// A commit that does not show for so long never will.
const NEVER: Duration = Duration::from_secs(30);

/// Where the works are written, longitude and latitude.
const HERE: [f64; 2] = [107.6907, 12.0042];

/// Measures it.
pub fn all(report: &mut Report, shows: &Serving, settings: Settings) -> Result<(), Failed> {
    let token = "the token of the propagation";
    let officer = TokenSetting {
        token: Secret(token.into()),
        name: "officer".into(),
        organisation: Some("office".into()),
        roles: vec!["officer".into()],
        jurisdictions: None,
    };
    let writes = Serving::start(Settings { tokens: vec![officer], ..settings })?;
    let (mut writer, mut asker) = (Client::connect(&writes.address)?, Client::connect(&shows.address)?);
    let point = json!({"type": "Point", "coordinates": HERE}).to_string();
    let ask = request("/api/conflict-checks?clearance_m=0&measures=false&limit=1", "", &point);
    let mut revision = || -> Result<i64, Failed> {
        let answer: Json = serde_json::from_slice(&asker.send(&ask)?)?;
        let revisions = answer["revision"].as_object().ok_or("an answer without a revision")?;
        Ok(revisions.values().next().and_then(Json::as_i64).ok_or("an answer without a revision")?)
    };
    let mut times = Times::default();
    for n in 0..WRITES {
        let before = revision()?;
        let properties = json!({"kind": "pole", "organisation": "invented", "code": format!("PROPAGATION-{n}")});
        let geometry = json!({"type": "Point", "coordinates": HERE});
        let work = json!({"type": "Feature", "geometry": geometry, "properties": properties}).to_string();
        let create = request("/ogc/collections/works/items", &format!("Authorization: Bearer {token}\r\n"), &work);
        writer.send_for(&create, " 201 ")?;
        times.of(|| {
            let begun = Instant::now();
            while revision()? == before {
                if begun.elapsed() > NEVER {
                    return Err(format!("write {n} did not show").into());
                }
            }
            Ok::<_, Failed>(())
        })?;
    }
    let ms = |of_hundred: usize| times.percentile(of_hundred).as_secs_f64() * 1e3;
    report.note(format!("propagation: half of {WRITES} writes showed on another instance within {:.0} ms", ms(50)));
    report.add(Comparison {
        name: "propagation",
        ours: Side::figure("99 of 100 commits show elsewhere within", ms(99), "ms"),
        peer: Some(Side::figure("what is promised", PROMISED_MS, "ms")),
        target: Some(1.0),
        equal: None,
    });
    Ok(())
}

fn request(path: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/geo+json\r\n{more}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
