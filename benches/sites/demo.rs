//! How soon after a commit kept runs are marked on the province of the demonstration, whatever was committed: other rules, an
//! import of thousands, coverage, a runway, a corridor.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clearway::actions::feature::{self, Draft};
use clearway::actions::refresh::Following;
use clearway::actions::site_check::recheck::Rechecking;
use clearway::actions::{Context, Witness, coverage, refresh, rules};
use clearway::domain::actor::Actor;
use clearway::domain::corridor::Corridor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::reference::{Reference, ReferenceKind};
use clearway::domain::word::Word;
use clearway::formats::rules as pack;
use clearway::geometry::encoding::geojson;
use clearway::geometry::{Coord, Geometry};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use geo_types::Rect;
use serde_json::Value as Json;

use crate::clearway;
use crate::data::Province;
use crate::places::Places;
use crate::recheck::{self, PROMISED_MS, forget_commits, settled, since_commit, watch_commits};
use crate::report::{Comparison, Report, Side, Times};
use crate::run::Failed;
use crate::setup::Database;

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Runs that are kept.
    pub runs: usize,
    /// Works of an import.
    pub imported: usize,
    /// How often each is committed.
    pub rounds: usize,
}

/// The layers of the demonstration, as `clearway demo` loads them.
const WORKS: [&str; 3] = ["work/viettel", "work/vnpt", "work/mobifone"];

const IMPORT_SEED: u64 = 43;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Brings in the invented data of the demonstration, with the coverage that it declares.
fn bring(context: &Context, database: &Database, jurisdiction: &Jurisdiction) -> Result<(), Failed> {
    let code = ["--jurisdiction", jurisdiction.code.as_str()];
    clearway(database, &["rules", "import"], &fixture("rules/VN-2027-01.toml"), &code)?;
    clearway(database, &["import", "corridors"], &fixture("corridor/corridors.geojson"), &code)?;
    for name in WORKS {
        clearway(database, &["import", "works"], &fixture(&format!("{name}.geojson")), &code)?;
    }
    for (kind, name) in ReferenceKind::ALL {
        let file = fixture(&format!("reference/{name}.geojson"));
        if *kind != ReferenceKind::Other && file.is_file() {
            clearway(database, &["import", "references"], &file, &code)?;
        }
    }
    declare_all(context, jurisdiction, &whole()?)
}

/// The ground of the province.
fn whole() -> Result<Geometry<f64>, Failed> {
    let feature: Json = serde_json::from_str(&fs::read_to_string(fixture("jurisdiction/VN-72.geojson"))?)?;
    Ok(geojson::geometry(&feature["geometry"], usize::MAX).map_err(|problems| format!("{problems:?}"))?)
}

/// Declares that every layer holds all there is on some ground.
pub fn declare_all(context: &Context, jurisdiction: &Jurisdiction, ground: &Geometry<f64>) -> Result<(), Failed> {
    let kinds = ReferenceKind::ALL.iter().map(|(kind, _)| (Layer::References, Some(*kind)));
    for (layer, kind) in [(Layer::Works, None), (Layer::Corridors, None)].into_iter().chain(kinds) {
        declare(context, jurisdiction, (layer, kind), ground)?;
    }
    Ok(())
}

/// Declares that a layer holds all there is on some ground; the id of that.
fn declare(
    context: &Context,
    jurisdiction: &Jurisdiction,
    (layer, kind): (Layer, Option<ReferenceKind>),
    ground: &Geometry<f64>,
) -> Result<uuid::Uuid, Failed> {
    let boundary = ground.clone();
    let draft = CoverageDraft { layer, kind, source: "invented".into(), as_of: None, boundary };
    let actor = Actor::operator();
    Ok(coverage::declare(context, Witness::new(&actor, "bench"), &jurisdiction.code, draft)?.id)
}

/// The masts of an import, some metres beside places of runs.
fn masts(province: &Province<'_>, round: usize, count: usize) -> String {
    let mut text = String::new();
    for (n, at) in province.places(IMPORT_SEED + round as u64, count).into_iter().enumerate() {
        let shape = format!(r#"{{"type":"Point","coordinates":[{},{}]}}"#, at.x, at.y);
        let facts = format!(r#"{{"code":"IMPORT-{round}-{n}","kind":"mast","column_class":"A2b","height_agl_m":40}}"#);
        // Writing to a text does not fail.
        let _ = writeln!(text, r#"{{"type":"Feature","geometry":{shape},"properties":{facts}}}"#);
    }
    text
}

/// Commits something and waits until all that it alters is marked, so many times.
fn measure(
    report: &mut Report,
    conn: &mut PgConnection,
    name: &'static str,
    rounds: usize,
    mut commit: impl FnMut(usize) -> Result<(), Failed>,
) -> Result<(), Failed> {
    watch_commits(conn)?;
    let first = settled(conn)?.marks;
    let mut times = Times::default();
    for round in 0..rounds {
        forget_commits(conn)?;
        commit(round)?;
        settled(conn)?;
        times.add(since_commit(conn)?);
    }
    let marks = settled(conn)?.marks - first;
    report.note(format!("{name}: {rounds} commits made {marks} marks"));
    let slowest = times.percentile(100).as_secs_f64() * 1_000.0;
    report.add(Comparison {
        name,
        ours: Side::figure(
            "from the sending of a commit until the runs it alters are marked, the slowest",
            slowest,
            "ms",
        ),
        peer: Some(Side::figure("as promised", PROMISED_MS, "ms")),
        target: Some(1.0),
        equal: Some(marks > 0),
    });
    Ok(())
}

/// Keeps runs on the province of the demonstration, and commits what alters many of them.
pub fn compare(
    report: &mut Report,
    database: &Database,
    folder: &Path,
    jurisdiction: &Jurisdiction,
    size: Size,
) -> Result<(), Failed> {
    let database = database.beside("demo")?;
    let context = Context::connect(database.settings())?;
    bring(&context, &database, jurisdiction)?;
    refresh::catch_up_all(&context)?;
    let mut conn = PgConnection::establish(&database.url)?;
    let province = Province::new(jurisdiction.boundary_grid(), crate::data::TOWNS);
    let places = Places::new(&province, jurisdiction, size.runs)?;
    crate::register_carrier(&context)?;
    recheck::keep(&context, &places.asked)?;
    // An import is a program of its own: what it commits is heard of, as a service hears of it.
    let following = Following::begin(&context)?;
    let rechecking = Rechecking::begin(&context)?;
    settled(&mut conn)?;

    let text = fs::read_to_string(fixture("rules/VN-2027-01.toml"))?;
    measure(report, &mut conn, "site-recheck-rules", size.rounds, |round| {
        // Another spacing of columns, which every run names.
        let version = text.replace("version = \"2027-01\"", &format!("version = \"bench-{round}\""));
        let other = version.replace(
            "key = \"site.spacing.elsewhere_m\"\nvalue = 500",
            &format!("key = \"site.spacing.elsewhere_m\"\nvalue = {}", 400 - round),
        );
        if other == version {
            return Err("the pack has no spacing to change".into());
        }
        let pack = pack::read(other.as_bytes()).map_err(|problems| format!("{problems:?}"))?;
        let actor = Actor::operator();
        let code = [jurisdiction.code.clone()];
        rules::import(&context, Witness::new(&actor, "bench"), &code, &pack, &pack.version)?;
        Ok(())
    })?;
    let grid = jurisdiction.grid.to_string();
    let on_grid = ["--jurisdiction", &jurisdiction.code, "--organisation", "invented", "--crs", &grid];
    measure(report, &mut conn, "site-recheck-import", size.rounds, |round| {
        let file = folder.join(format!("import-{round}.geojsonl"));
        fs::write(&file, masts(&province, round, size.imported))?;
        clearway(&database, &["import", "works"], &file, &on_grid)
    })?;
    let mut declared =
        coverage::list(&context, Some(&jurisdiction.code), Some(Layer::Works))?.into_iter().map(|c| c.id);
    let mut now = declared.next();
    let ground = whole()?;
    measure(report, &mut conn, "site-recheck-coverage", size.rounds, |_| {
        let actor = Actor::operator();
        now = match now {
            Some(id) => {
                coverage::withdraw(&context, Witness::new(&actor, "bench"), &jurisdiction.code, id)?;
                None
            }
            None => Some(declare(&context, jurisdiction, (Layer::Works, None), &ground)?),
        };
        Ok(())
    })?;
    let spot = |round: usize| match places.asked[round * places.asked.len() / size.rounds].delivered.shape {
        Geometry::Point(at) => Ok(at.0),
        _ => Err("a place is a point"),
    };
    measure(report, &mut conn, "site-recheck-runway", size.rounds, |round| {
        let at = spot(round)?;
        let ends = [(at.x - 1_000.0, at.y + 900.0), (at.x + 1_000.0, at.y + 900.0)];
        let line = Geometry::LineString(ends.into_iter().map(Coord::from).collect());
        let more = [("elevation_from_m", Value::Number(590.0)), ("elevation_to_m", Value::Number(592.0))];
        let draft = draft(jurisdiction, &format!("RECHECK-RW-{round}"), "runway", line, &more);
        feature::create::<Reference>(&context, Witness::new(&Actor::operator(), "bench"), &draft)?;
        Ok(())
    })?;
    measure(report, &mut conn, "site-recheck-corridor", size.rounds, |round| {
        let at = spot(round)?;
        let area = Rect::new((at.x - 400.0, at.y - 400.0), (at.x + 400.0, at.y + 400.0)).to_polygon();
        let more = [("status", Value::Text("in_force".into()))];
        let draft = draft(jurisdiction, &format!("RECHECK-C-{round}"), "road", Geometry::Polygon(area), &more);
        feature::create::<Corridor>(&context, Witness::new(&Actor::operator(), "bench"), &draft)?;
        Ok(())
    })?;
    rechecking.end()?;
    following.end()?;
    Ok(())
}

/// A feature on the grid that somebody writes.
fn draft(jurisdiction: &Jurisdiction, code: &str, kind: &str, shape: Geometry<f64>, more: &[(&str, Value)]) -> Draft {
    let own = [("code", code), ("kind", kind), ("organisation", "invented")];
    let own = own.into_iter().map(|(name, text)| (name.to_owned(), Value::Text(text.to_owned())));
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Draft {
        fields: Fields(own.chain(more).collect()),
        jurisdiction: Some(jurisdiction.code.clone()),
        delivered: Some(Delivered { shape, crs: jurisdiction.grid }),
    }
}
