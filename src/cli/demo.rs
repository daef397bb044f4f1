//! `clearway demo`: a private PostgreSQL with PostGIS, invented data, and a server on top.

mod plan;

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value as Json;

use super::audit::make_key;
use super::import::Rows;
use super::people::{self, People};
use super::{DEMO_ADDRESS, DEMO_FOLDER, Failed, Outcome, log};
use crate::actions::import::{self as action, ImportOptions, Observer, OnError, Rejected};
use crate::actions::{Context, Witness, calendar, coverage, health, jurisdiction, refresh, rules};
use crate::clock;
use crate::config::{Secret, Settings};
use crate::domain::actor::Actor;
use crate::domain::corridor::Corridor;
use crate::domain::coverage::CoverageDraft;
use crate::domain::jurisdiction::JurisdictionDraft;
use crate::domain::layer::Layer;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::word::Word;
use crate::domain::work::Work;
use crate::formats::{Format, ReadOptions, Reader, Source};
use crate::geometry::Epsg;
use crate::geometry::encoding::geojson;
use crate::server::{self, Server};
use crate::store::cluster::Cluster;
use crate::store::migrations;
use crate::store::records::Records;

/// Run with a private PostgreSQL and invented data.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Folder of the private database.
    #[arg(long, default_value = DEMO_FOLDER, value_name = "FOLDER", env = "CLEARWAY_DATA_DIR")]
    data_dir: PathBuf,
    /// Address and port.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Begin again: everything in the private database is deleted first.
    #[arg(long)]
    reset: bool,
}

/// What heads of the audit trail are signed with.
const KEY: &str = "audit-key";

/// The folder of what is in documents.
const DOCUMENTS: &str = "documents";

const JURISDICTION: &str = include_str!("../../fixtures/jurisdiction/VN-72.geojson");
const RULES: &str = include_str!("../../fixtures/rules/VN-2027-01.toml");
const CALENDAR: &str = include_str!("../../fixtures/calendar/VN.toml");
const CORRIDORS: &str = include_str!("../../fixtures/corridor/corridors.geojson");
const WORKS: [(&str, &str); 3] = [
    ("viettel", include_str!("../../fixtures/work/viettel.geojson")),
    ("vnpt", include_str!("../../fixtures/work/vnpt.geojson")),
    ("mobifone", include_str!("../../fixtures/work/mobifone.geojson")),
];

/// Reference features, by their kind; zones come with their plan.
const REFERENCES: [(&str, &str); 15] = [
    ("boundary", include_str!("../../fixtures/reference/boundary.geojson")),
    ("urban_area", include_str!("../../fixtures/reference/urban_area.geojson")),
    ("freeze_window", include_str!("../../fixtures/reference/freeze_window.geojson")),
    ("heritage", include_str!("../../fixtures/reference/heritage.geojson")),
    ("monument", include_str!("../../fixtures/reference/monument.geojson")),
    ("government_front", include_str!("../../fixtures/reference/government_front.geojson")),
    ("school", include_str!("../../fixtures/reference/school.geojson")),
    ("hospital", include_str!("../../fixtures/reference/hospital.geojson")),
    ("building", include_str!("../../fixtures/reference/building.geojson")),
    ("transmitter", include_str!("../../fixtures/reference/transmitter.geojson")),
    ("runway", include_str!("../../fixtures/reference/runway.geojson")),
    ("road", include_str!("../../fixtures/reference/road.geojson")),
    ("power_line", include_str!("../../fixtures/reference/power_line.geojson")),
    ("defence_area", include_str!("../../fixtures/reference/defence_area.geojson")),
    ("site_request", include_str!("../../fixtures/reference/site_request.geojson")),
];

impl Demo {
    pub(super) fn run(self, mut settings: Settings) -> Outcome {
        if let Some(listen) = &self.listen {
            settings.listen.clone_from(listen);
        }
        if std::env::var_os("CLEARWAY_LOG").is_none() {
            settings.log = "warn".into();
        }
        settings.log_format = "text".into();
        log::start(&settings)?;
        // Before anything slow: a port in use is known at once.
        let listener = server::bind(&settings)?;
        if self.reset {
            reset(&self.data_dir)?;
        }
        println!("Starting a private PostgreSQL in {} …", self.data_dir.display());
        let cluster = Cluster::start(&self.data_dir).map_err(|e| e.to_string())?;
        if let Some(moved) = cluster.moved_to() {
            println!("Its data are in {}, for the server's user cannot reach this folder.", moved.display());
        }
        let outcome = self.serve(settings, listener, &cluster);
        let _ = fs::remove_file(self.data_dir.join(DEMO_ADDRESS));
        println!("Stopping PostgreSQL …");
        cluster.stop().map_err(|e| e.to_string())?;
        outcome
    }

    fn serve(&self, mut settings: Settings, listener: std::net::TcpListener, cluster: &Cluster) -> Outcome {
        migrations::migrate(&cluster.url("clearway"))?;
        let url = cluster.service_url("clearway");
        private_file(&self.data_dir.join(DEMO_ADDRESS), &url)?;
        settings.database_url = Secret(url);
        if settings.documents == Settings::default().documents {
            settings.documents = self.data_dir.join(DOCUMENTS).display().to_string();
        }
        if settings.audit_key.is_empty() {
            let key = self.data_dir.join(KEY);
            if !key.exists() {
                make_key(&key)?;
            }
            settings.audit_key = key.display().to_string();
        }
        let people = People::of(&self.data_dir)?;
        settings.tokens.clone_from(&people.tokens);
        let server = Server::prepare(settings, listener, server::record_metrics())?;
        let loaded = self.data_dir.join(LOADED);
        // A load that was cut short is done again; what was deleted since a whole one stays deleted.
        if jurisdiction::list(server.context()).is_empty() || !loaded.exists() {
            println!("Loading the invented data …");
            remove(&loaded)?;
            let code = load_fixtures(server.context())?;
            people.register(server.context())?;
            plan::load(server.context(), &code)?;
            private_file(&loaded, "")?;
        }
        people.register(server.context())?;
        let base = server.base()?;
        let loaded = health::loaded(server.context());
        // Said only now: whoever reads it may stop the program at once, and that must end in order.
        server.run(move |_| announce(&base, &loaded, &people))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Deletes what a demo keeps, and nothing else: other things in its folder are left alone.
fn reset(folder: &Path) -> Result<(), Failed> {
    Cluster::delete(folder).map_err(|e| e.to_string())?;
    match fs::remove_dir_all(folder.join(DOCUMENTS)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.to_string().into()),
        _ => {}
    }
    remove(&folder.join(LOADED))?;
    remove(&folder.join(KEY))?;
    remove(&folder.join(people::FILE))
}

/// Deletes a file, if it is there.
fn remove(file: &Path) -> Result<(), Failed> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{} cannot be deleted: {e}", file.display()).into())
        }
        _ => Ok(()),
    }
}

/// A place of the demonstration data against which nothing stands.
const MAST: &str = "107.88,12.619";

/// Says that all of the invented data was loaded once.
const LOADED: &str = "loaded";

/// Writes a file that only its owner reads.
pub(super) fn private_file(path: &Path, text: &str) -> Result<(), Failed> {
    let _ = fs::remove_file(path);
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|e| format!("{} cannot be written: {e}", path.display()).into())
}

/// Registers the jurisdiction of the fixtures, if it is not, and imports its features: done twice it is as done once. Its code.
pub(crate) fn load_fixtures(context: &Context) -> Result<String, Failed> {
    refresh::catch_up_all(context)?;
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "demo");
    let draft = jurisdiction_of(JURISDICTION)?;
    let code = draft.code.clone();
    if jurisdiction::list(context).iter().all(|j| j.code != code) {
        jurisdiction::register(context, witness, draft)?;
    }
    let (pack, digest) = super::rules::read("the rules of the fixtures", RULES.as_bytes())?;
    rules::import(context, witness, std::slice::from_ref(&code), &pack, &digest)?;
    let (days, digest) = super::calendar::read("the calendar of the fixtures", CALENDAR.as_bytes())?;
    calendar::set(context, witness, std::slice::from_ref(&code), &days, &digest)?;
    import::<Corridor>(context, witness, &code, "corridors", CORRIDORS)?;
    for (name, text) in WORKS {
        import::<Work>(context, witness, &code, name, text)?;
    }
    for (name, text) in REFERENCES {
        import::<Reference>(context, witness, &code, name, text)?;
    }
    declare_coverage(context, witness, &code)?;
    Ok(code)
}

/// Says that the invented data are all there is in their invented province, once: of each layer, and of each kind where a layer
/// is told by kind.
fn declare_coverage(context: &Context, witness: Witness<'_>, code: &str) -> Result<(), Failed> {
    let declared = coverage::list(context, Some(code), None)?;
    let all = Layer::all().flat_map(|layer| {
        let kinds: Vec<Option<ReferenceKind>> = if layer.is_told_by_kind() {
            ReferenceKind::ALL.iter().map(|(kind, _)| Some(*kind)).collect()
        } else {
            vec![None]
        };
        kinds.into_iter().map(move |kind| (layer, kind))
    });
    for (layer, kind) in all {
        if declared.iter().all(|c| (c.area.layer, c.area.kind) != (layer, kind)) {
            let boundary = jurisdiction_of(JURISDICTION)?.boundary;
            let source = "invented: Clearway demonstration data".into();
            let draft = CoverageDraft { layer, kind, source, as_of: None, boundary };
            coverage::declare(context, witness, code, draft)?;
        }
    }
    Ok(())
}

fn jurisdiction_of(text: &str) -> Result<JurisdictionDraft, Failed> {
    let broken = |what: &str| Failed(format!("the jurisdiction of the fixtures has no {what}"));
    let feature: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let properties = &feature["properties"];
    let word = |name: &str| properties[name].as_str().map(str::to_owned).ok_or_else(|| broken(name));
    let epsg = |value: &Json| value.as_u64().and_then(|n| u32::try_from(n).ok()).map(Epsg);
    let related = properties["related_crs"].as_array().ok_or_else(|| broken("related_crs"))?;
    Ok(JurisdictionDraft {
        code: word("code")?,
        name_vi: word("name_vi")?,
        name_en: word("name_en")?,
        grid: epsg(&properties["grid"]).ok_or_else(|| broken("grid"))?,
        time_zone: word("time_zone")?,
        related_crs: related.iter().filter_map(epsg).collect(),
        boundary: geojson::geometry(&feature["geometry"], usize::MAX).map_err(|_| broken("geometry"))?,
    })
}

fn import<T: Records>(
    context: &Context,
    witness: Witness<'_>,
    code: &str,
    name: &str,
    text: &'static str,
) -> Result<(), Failed> {
    let options = ReadOptions { fields_known: T::KNOWN.to_vec(), ..ReadOptions::default() };
    let source = Source::of(Cursor::new(text), None);
    let reader = Reader::new(source, Some(Format::GeoJson), &options).map_err(|e| e.to_string())?;
    let mut rows = Rows::new(vec![(name.to_owned(), reader)], Epsg::WGS84, true);
    let options = ImportOptions {
        jurisdiction: Some(code.to_owned()),
        organisation: None,
        on_error: OnError::Stop,
        outside_skips: false,
        dry_run: false,
    };
    let mut quiet = Quiet::default();
    let report = action::import::<T>(context, witness, &options, &mut rows, &mut quiet)?;
    if report.stored { Ok(()) } else { Err(quiet.first.unwrap_or_else(|| format!("{name}: nothing to load")).into()) }
}

/// Keeps the first rejection: the fixtures have none, and a test says so.
#[derive(Default)]
struct Quiet {
    first: Option<String>,
}

impl Observer for Quiet {
    fn rejected(&mut self, rejected: &Rejected) {
        let reasons: Vec<String> = rejected.problems.iter().map(super::sentence).collect();
        self.first.get_or_insert(format!("{}: {}", rejected.place, reasons.join("; ")));
    }

    fn read(&mut self, _: u64) {}

    fn digest(&mut self) -> String {
        String::new()
    }
}

fn announce(base: &str, loaded: &[health::Loaded], people: &People) {
    let today = clock::now();
    for loaded in loaded {
        let counts: Vec<String> = loaded.features.iter().map(|(layer, n)| format!("{n} {layer}")).collect();
        println!("{}: {} at revision {}", loaded.jurisdiction, counts.join(", "), loaded.revision);
    }
    println!("\nClearway serves on {base}");
    println!("  features    {base}/ogc");
    println!("  the API     {base}/ogc/api");
    println!("  readiness   {base}/health/ready");
    people.announce();
    let officer = people.tokens.iter().find(|t| t.name == "officer").map(|t| t.token.0.as_str()).unwrap_or_default();
    println!("\nTry, in another terminal: which works stand in the way of a road drawn here, 30 m clear of it?");
    println!(
        "  curl -s -H 'Content-Type: application/geo+json' -H 'Authorization: Bearer {officer}' \\\n    \
         '{base}/api/conflict-checks?against=works,corridors&clearance_m=30' \\\n    \
         -d '{{\"type\":\"LineString\",\"coordinates\":[[107.67,12.00],[107.69,12.004],[107.71,12.01]]}}'"
    );
    println!("is this a place for a mast of 42 m?");
    println!(
        "  curl -s -H 'Content-Type: application/geo+json' -H 'Authorization: Bearer {officer}' \\\n    \
         '{base}/api/site-checks?store=no' \\\n    \
         -d '{{\"type\":\"Feature\",\"geometry\":{{\"type\":\"Point\",\"coordinates\":[{MAST}]}},\"properties\":{{\"height_agl_m\":42,\"column_class\":\"A2b\",\"antennas\":[{{\"frequency_mhz\":1800,\"eirp_w\":500}}]}}}}'"
    );
    println!("the zones in force, in which columns may stand:");
    println!("  curl -s '{base}/ogc/collections/zones/items?datetime={today}&limit=3'");
    println!("and the first works there are:");
    println!("  curl -s '{base}/ogc/collections/works/items?bbox=107.6,11.9,107.8,12.1&limit=3'");
    println!("\nCtrl-C ends it; the data stay for the next time.");
    // Nobody may be reading any more.
    let _ = std::io::stdout().flush();
}
