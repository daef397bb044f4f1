//! `clearway import`

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;

use super::jurisdiction::boundary;
use super::{Failed, Outcome, Why, connect, sentence, system};
use crate::actions::coverage;
use crate::actions::import::{self as action, ImportOptions, ImportReport, Observer, OnError, Rejected, Row};
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::coverage::CoverageDraft;
use crate::domain::feature::Noun;
use crate::domain::layer::{Layer, with_noun};
use crate::domain::place::Delivered;
use crate::domain::reference::ReferenceKind;
use crate::domain::word::Word;
use crate::formats::{self, Axes, Progress, ReadError, ReadOptions, Reader, Record};
use crate::geometry::{Epsg, Problem};

/// Rejected features named on stderr; `--report` has all of them.
const SHOWN_MAX: u64 = 20;

/// How often a plain line tells of the progress where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Import works, corridors or reference features from GeoJSON, newline-delimited GeoJSON or CSV.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// works, corridors, or what a reference feature is: heritage, school, hospital, runway, road, …
    #[arg(value_parser = source)]
    layer: LayerOrKind,
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// ISO 3166-2 code, or auto: each feature's own, by its place.
    #[arg(long)]
    jurisdiction: String,
    /// The system of the coordinates.
    #[arg(long, default_value = "EPSG:4326", value_name = "EPSG:CODE")]
    crs: String,
    /// Order of the axes: en, or ne for sheets that write X = northing; en when neither this nor a URN in --crs says.
    #[arg(long)]
    axes: Option<AxesOption>,
    /// The owner of features that name none.
    #[arg(long, value_name = "CODE")]
    organisation: Option<String>,
    /// Take a field from another column, such as `name=TEN`; lon, lat, x, y and wkt are fields too.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = pair)]
    map: Vec<(String, String)>,
    /// A value for a field where its column is missing or empty, such as `kind=mast`.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// What to do when a record is bad: stop and store nothing, or skip it.
    #[arg(long, default_value = "stop")]
    on_error: OnErrorOption,
    /// What a feature outside is: a bad record, or one to leave out.
    #[arg(long, default_value = "reject")]
    outside: OutsideOption,
    /// Check everything, store nothing.
    #[arg(long)]
    dry_run: bool,
    /// GeoJSON with an area: with these files the layer holds all there is in it, as «coverage add» declares it. Where a record
    /// is rejected nothing is declared.
    #[arg(long, value_name = "FILE", requires = "coverage_source")]
    coverage: Option<PathBuf>,
    /// Who says that it does: a survey, a handover, a decree.
    #[arg(long, value_name = "TEXT", requires = "coverage")]
    coverage_source: Option<String>,
    /// The day of which he says so, and from which on the area counts; else today.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "coverage")]
    coverage_as_of: Option<Date>,
    /// Write every rejected record to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AxesOption {
    /// East first.
    En,
    /// North first.
    Ne,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnErrorOption {
    /// Store nothing.
    Stop,
    /// Store the others.
    Skip,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutsideOption {
    /// A bad record.
    Reject,
    /// One to leave out.
    Skip,
}

/// A layer, and of reference features the kind.
pub(super) type LayerOrKind = (Layer, Option<ReferenceKind>);

/// A layer by its name, or reference features by their kind.
pub(super) fn source(text: &str) -> Result<LayerOrKind, String> {
    if let Some(layer) = Layer::parse(text) {
        return Ok((layer, None));
    }
    let kind = ReferenceKind::parse(text)
        .ok_or_else(|| format!("known are {}; of reference features {}", Layer::known(), ReferenceKind::known()))?;
    let layer = Layer::all().find(|layer| layer.is_told_by_kind()).ok_or("no layer is told by kind")?;
    Ok((layer, Some(kind)))
}

/// A layer by its name.
pub(super) fn layer(text: &str) -> Result<Layer, String> {
    Layer::parse(text).ok_or_else(|| format!("known are {}", Layer::known()))
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() => Ok((field.to_owned(), value.to_owned())),
        _ => Err("write it as field=value".into()),
    }
}

impl Import {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let (layer, kind) = self.layer;
        let known = with_noun!(layer, N => N::KNOWN);
        let mut set = self.set.clone();
        if let Some(kind) = kind
            && !set.iter().any(|(field, _)| field == "kind")
        {
            set.push(("kind".into(), kind.as_str().into()));
        }
        let said = self.axes.map(|axes| match axes {
            AxesOption::En => Axes::EastNorth,
            AxesOption::Ne => Axes::NorthEast,
        });
        let (crs, axes) = system(&self.crs, said)?;
        let read = ReadOptions {
            axes,
            crs,
            map: self.map.clone(),
            set,
            fields_known: known.to_vec(),
            vertices_max: settings.vertices_max,
            record_bytes_max: settings.record_bytes_max,
            ..ReadOptions::default()
        };
        let options = ImportOptions {
            jurisdiction: (self.jurisdiction != "auto").then(|| self.jurisdiction.clone()),
            organisation: self.organisation.clone(),
            on_error: match self.on_error {
                OnErrorOption::Stop => OnError::Stop,
                OnErrorOption::Skip => OnError::Skip,
            },
            outside_skips: matches!(self.outside, OutsideOption::Skip),
            dry_run: self.dry_run,
        };
        let covered = self.covered(&settings)?;
        let context = connect(settings)?;
        let readers = self.files.iter().map(|f| open(f, &read)).collect::<Result<Vec<_>, _>>()?;
        let mut watcher = Watcher::new(&readers, self.report.as_deref())?;
        let mut rows = Rows::new(readers, crs, self.files.len() > 1);
        let digests = rows.digests();
        watcher.digests = digests;
        let actor = Actor::operator();
        let witness = self.why.witness(&actor);
        if let Some(draft) = &covered {
            coverage::look_at(&context, &actor, &self.jurisdiction, draft.clone())?;
        }
        let report = with_noun!(layer, N => action::import::<N>(&context, witness, &options, &mut rows, &mut watcher))?;
        watcher.end();
        rows.tell_columns();
        self.tell(&report);
        // A dry run ends as the run would: with some records to store besides the bad ones, that is done.
        let would_store = self.dry_run && options.on_error == OnError::Skip;
        let some = report.inserted + report.updated + report.unchanged > 0;
        let complete = report.stored || report.rejected == 0 || would_store && some;
        if let Some(draft) = covered.filter(|_| complete && !self.dry_run) {
            if report.rejected > 0 {
                return Err("the coverage was not declared, for what was rejected is not there".to_owned().into());
            }
            let made = coverage::declare(&context, witness, &self.jurisdiction, draft)?;
            println!("Declared {}: coverage of {} in {}.", made.id, made.area.of(), made.jurisdiction);
        }
        Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Where the files say that the layer holds all there is.
    fn covered(&self, settings: &Settings) -> Result<Option<CoverageDraft>, Failed> {
        let Some((file, source)) = self.coverage.as_deref().zip(self.coverage_source.clone()) else { return Ok(None) };
        if self.jurisdiction == "auto" {
            return Err("a coverage is of one jurisdiction: name it".to_owned().into());
        }
        let (layer, kind) = self.layer;
        Ok(Some(CoverageDraft { layer, kind, source, as_of: self.coverage_as_of, boundary: boundary(file, settings)? }))
    }

    fn tell(&self, r: &ImportReport) {
        println!(
            "{} read: {} new, {} changed, {} unchanged, {} repeated, {} outside, {} rejected",
            r.read, r.inserted, r.updated, r.unchanged, r.repeated, r.outside, r.rejected
        );
        if r.stored {
            let revisions: Vec<String> = r.revisions.iter().map(|(code, n)| format!("{code}={n}")).collect();
            println!("Stored; revision {}.", revisions.join(", "));
        } else if self.dry_run {
            println!("Nothing was stored: this was a dry run.");
        } else if r.rejected > 0 && matches!(self.on_error, OnErrorOption::Stop) {
            eprintln!(
                "clearway: nothing was stored, because of the rejected records; --on-error skip stores the others"
            );
        } else {
            println!("Nothing was stored: there was nothing to store.");
        }
    }
}

fn open(file: &Path, options: &ReadOptions) -> Result<(String, Reader), Failed> {
    let name = file.display().to_string();
    let reader = formats::open(file, options).map_err(|e| format!("{name}: {e}"))?;
    Ok((name, reader))
}

/// SHA-256 of each file that was read to its end.
type Digests = std::rc::Rc<std::cell::RefCell<Vec<String>>>;

/// The records of several files, one after the other.
pub(super) struct Rows {
    readers: Vec<(String, Reader)>,
    current: usize,
    number: i64,
    crs: Epsg,
    name_files: bool,
    digests: Digests,
}

impl Rows {
    pub(super) fn new(readers: Vec<(String, Reader)>, crs: Epsg, name_files: bool) -> Self {
        Self { readers, current: 0, number: 0, crs, name_files, digests: Digests::default() }
    }

    pub(super) fn digests(&self) -> Digests {
        Digests::clone(&self.digests)
    }

    /// Tells which columns were not used, and which were mapped and never came.
    fn tell_columns(&self) {
        for (name, reader) in &self.readers {
            if !reader.unused().is_empty() {
                let columns: Vec<&str> = reader.unused().iter().map(String::as_str).collect();
                eprintln!("{name}: columns not used: {}", columns.join(", "));
            }
            for column in reader.never_seen() {
                eprintln!("{name}: no record has the mapped column «{column}»");
            }
        }
    }

    fn row(&mut self, read: Result<Record, ReadError>) -> Row {
        self.number += 1;
        let (mut filled, mut shape_at) = (Vec::new(), "/geometry");
        let (place, content) = match read {
            Ok(record) => {
                (filled, shape_at) = (record.filled, record.shape_at);
                let delivered = record.geometry.map(|shape| Delivered { shape, crs: self.crs });
                (record.place.to_string(), Ok((record.fields, delivered)))
            }
            Err(ReadError::Record { place, problems }) => (place.to_string(), Err(problems)),
            Err(ReadError::Fatal { place, offset, detail }) => {
                let at = place.map_or_else(|| format!("byte {offset}"), |p| p.to_string());
                (at, Err(vec![Problem::new("", detail)]))
            }
        };
        let file = &self.readers[self.current].0;
        let place = if self.name_files { format!("{file}: {place}") } else { place };
        Row { number: self.number, place, filled, shape_at, content }
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        while self.current < self.readers.len() {
            if let Some(read) = self.readers[self.current].1.next() {
                return Some(self.row(read));
            }
            let digest = self.readers[self.current].1.digest().unwrap_or_default();
            self.digests.borrow_mut().push(digest);
            self.current += 1;
        }
        None
    }
}

/// Shows how far it is, and writes down what was rejected.
pub(super) struct Watcher {
    progress: Vec<Progress>,
    bar: ProgressBar,
    on_terminal: bool,
    told: Instant,
    shown: u64,
    report: Option<csv::Writer<File>>,
    digests: Digests,
}

impl Watcher {
    fn new(readers: &[(String, Reader)], report: Option<&Path>) -> Result<Self, Failed> {
        let progress: Vec<Progress> = readers.iter().map(|(_, r)| r.progress()).collect();
        let total: u64 = progress.iter().filter_map(Progress::total).sum();
        let on_terminal = std::io::stderr().is_terminal();
        let bar = if on_terminal { ProgressBar::new(total) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {msg} {eta}") {
            bar.set_style(style);
        }
        let report = report
            .map(|file| -> Result<_, Failed> {
                let opened = File::create(file).map_err(|e| format!("{}: {e}", file.display()))?;
                let mut writer = csv::Writer::from_writer(opened);
                let header = ["number", "place", "feature", "column", "reason"];
                writer.write_record(header).map_err(|e| format!("{}: {e}", file.display()))?;
                Ok(writer)
            })
            .transpose()?;
        Ok(Self { progress, bar, on_terminal, told: Instant::now(), shown: 0, report, digests: Digests::default() })
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
        if self.shown > SHOWN_MAX {
            eprintln!("… and {} more rejected; --report FILE has them all", self.shown - SHOWN_MAX);
        }
        if let Some(report) = &mut self.report
            && let Err(e) = report.flush()
        {
            eprintln!("clearway: the report could not be written: {e}");
        }
    }
}

impl Observer for Watcher {
    fn rejected(&mut self, rejected: &Rejected) {
        self.shown += 1;
        let name = rejected.name.as_deref().unwrap_or_default();
        if self.shown <= SHOWN_MAX {
            let reasons: Vec<String> = rejected.problems.iter().map(sentence).collect();
            let called = if name.is_empty() { String::new() } else { format!(" «{name}»") };
            self.bar.suspend(|| eprintln!("rejected: {}{called}: {}", rejected.place, reasons.join("; ")));
        }
        if let Some(report) = &mut self.report {
            for problem in &rejected.problems {
                let pointer = problem.pointer.as_str();
                let column = pointer.strip_prefix("/properties/").or(pointer.strip_prefix('/')).unwrap_or(pointer);
                let number = rejected.number.to_string();
                let record = [number.as_str(), &rejected.place, name, column, &problem.detail];
                if let Err(e) = report.write_record(record) {
                    eprintln!("clearway: the report could not be written: {e}");
                }
            }
        }
    }

    fn read(&mut self, records: u64) {
        if self.on_terminal {
            if records.is_multiple_of(256) {
                self.bar.set_position(self.progress.iter().map(Progress::read).sum());
                self.bar.set_message(format!("{records} records"));
            }
        } else if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            let _ = writeln!(std::io::stderr(), "{records} records read");
        }
    }

    fn digest(&mut self) -> String {
        self.digests.borrow().join(" ")
    }
}
