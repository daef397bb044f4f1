//! How soon a write is seen, where everything that follows it has something to follow: the conflicts of every corridor are
//! kept, and somebody listens to the changes.

use std::time::{Duration, Instant};

use clearway::actions::changes::{self, Listening, Notice, Wish};
use clearway::actions::conflict_check::{self, Drawn, Found, Question};
use clearway::actions::feature::{self, Draft};
use clearway::actions::{Context, Witness};
use clearway::domain::actor::Actor;
use clearway::domain::corridor::Corridor;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::domain::place::Delivered;
use clearway::domain::rules::DrawnKind;
use clearway::domain::work::Work;
use clearway::geometry::{Coord, Geometry, Metres};
use clearway::store::schema::corridors;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use uuid::Uuid;

use crate::checks::question;
use crate::data::ACCURACY_M;
use crate::report::{Comparison, Report, Side, Times};
use crate::{Failed, Size};

/// What a write may take more than a bare commit.
const MORE: Duration = Duration::from_millis(3);

/// Writes works, each seen by a check, in turns with commits of one row.
pub fn compare(
    report: &mut Report,
    context: &Context,
    conn: &mut PgConnection,
    jurisdiction: &Jurisdiction,
    size: Size,
) -> Result<(), Failed> {
    conn.batch_execute("CREATE TABLE plain (id integer PRIMARY KEY, content text NOT NULL)")?;
    let all = jurisdiction.boundary_grid().bounds();
    let kept = keep_all(context, conn)?;
    let (mut listening, _seat) = changes::listen(context, &Actor::operator(), Wish::default())?;
    let (mut ours, mut bare, mut equal) = (Times::default(), Times::default(), true);
    for n in 0..size.writes {
        let number = i32::try_from(n)?;
        let insert = diesel::sql_query("INSERT INTO plain VALUES ($1, $2)");
        let insert = insert.bind::<Integer, _>(number).bind::<Text, _>("as much as a code");
        bare.of(|| insert.execute(conn))?;
        let off = f64::from(number % 100) * 7.0;
        let at = Coord { x: f64::midpoint(all.min[0], all.max[0]) + off, y: f64::midpoint(all.min[1], all.max[1]) };
        equal &= ours.of(|| write_and_see(context, jurisdiction, number, at))?;
        equal &= heard(&mut listening) == 1;
    }
    conn.batch_execute("DROP TABLE plain")?;
    let (p99, allowed) = (ours.percentile(99), bare.percentile(99) + MORE);
    report.note(format!(
        "scale-visible: {kept} conflicts are kept of all corridors and followed, and told to one listener; a bare commit took {:.2} ms, 99 of 100 below {:.2} ms",
        bare.percentile(50).as_secs_f64() * 1e3,
        bare.percentile(99).as_secs_f64() * 1e3
    ));
    report.add(Comparison {
        name: "scale-visible",
        ours: Side {
            spread: Some((ours.percentile(50), p99)),
            ..Side::figure("99 of 100 writes, until a check shows them", p99.as_secs_f64() * 1e3, "ms")
        },
        peer: Some(Side::figure("99 of 100 bare commits, and 3 ms", allowed.as_secs_f64() * 1e3, "ms")),
        target: Some(1.0),
        equal: Some(equal),
    });
    Ok(())
}

/// Asks every corridor for its conflicts, which are kept and follow each write from now on. Gives how many there are.
fn keep_all(context: &Context, conn: &mut PgConnection) -> Result<usize, Failed> {
    let ids: Vec<Uuid> = corridors::table.select(corridors::id).load(conn)?;
    let (actor, question) = (Actor::operator(), Question { clearance: None, ..question()? });
    let mut kept = 0;
    for id in ids {
        let answer = conflict_check::check_stored_as::<Corridor, Found>(context, &actor, id, &question)?;
        kept += answer.results[0].conflict_count;
    }
    Ok(kept)
}

/// How many features somebody heard of.
fn heard(listening: &mut Listening) -> usize {
    let notices = listening.pull();
    let events = notices.iter().filter_map(|notice| match notice {
        Notice::Event(event) => Some(listening.parts(event).map_or(0, |parts| parts.features.len())),
        Notice::Resync { .. } => None,
    });
    events.sum()
}

/// Whether a check of the place shows the work that was written there.
fn write_and_see(context: &Context, jurisdiction: &Jurisdiction, number: i32, at: Coord<f64>) -> Result<bool, Failed> {
    let actor = Actor::operator();
    let text = |t: &str| Value::Text(t.to_owned());
    let code = format!("NEW-{number}");
    // As the others state it, for SQL that compares later knows no default.
    let accuracy = ("position_accuracy_m", Value::Number(ACCURACY_M[0]));
    let fields = [("code", text(&code)), ("kind", text("pole")), ("organisation", text("invented")), accuracy];
    let draft = Draft {
        fields: Fields(fields.map(|(name, value)| (name.to_owned(), value)).into()),
        jurisdiction: Some(jurisdiction.code.clone()),
        delivered: Some(Delivered { shape: Geometry::Point(at.into()), crs: jurisdiction.grid }),
    };
    let new = feature::create::<Work>(context, Witness::new(&actor, "bench"), &draft)?;
    let answer = conflict_check::check(context, &actor, &[place(at, jurisdiction)], &question()?)?;
    Ok(answer.results[0].conflicts.iter().any(|c| c.id == new.id))
}

/// A drawn point.
pub fn place(at: Coord<f64>, jurisdiction: &Jurisdiction) -> Drawn {
    Drawn {
        name: "0".into(),
        pointer: "/geometry".into(),
        delivered: Delivered { shape: Geometry::Point(at.into()), crs: jurisdiction.grid },
        accuracy: Metres::ZERO,
        clearance_m: None,
        kind: DrawnKind::Unknown,
    }
}

/// What is waited for does not come before so long.
pub const SOON: Duration = Duration::from_millis(10);

/// Waits until `done` says so.
pub fn until(limit: Duration, mut done: impl FnMut() -> bool) -> Result<(), Failed> {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > limit {
            return Err("waited in vain".into());
        }
        std::thread::sleep(SOON);
    }
    Ok(())
}
