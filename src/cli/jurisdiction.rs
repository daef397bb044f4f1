//! `clearway jurisdiction add`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Failed, Outcome, Why, connect};
use crate::actions::jurisdiction;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::jurisdiction::JurisdictionDraft;
use crate::formats::{self, ReadError, ReadOptions};
use crate::geometry::crs::Epsg;
use crate::geometry::{Geometry, MultiPolygon};

/// Register jurisdictions.
#[derive(Debug, Args)]
pub(super) struct Jurisdiction {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register one with its working grid and boundary.
    Add(Add),
}

#[derive(Debug, Args)]
struct Add {
    /// ISO 3166-2, such as VN-72.
    #[arg(long)]
    code: String,
    /// Its name, in its own language.
    #[arg(long)]
    name: String,
    /// Its name in English; the same when it is not given.
    #[arg(long)]
    name_en: Option<String>,
    /// The working grid, such as EPSG:9218: a plane in metres.
    #[arg(long, value_name = "EPSG:CODE")]
    grid: String,
    /// GeoJSON with the boundary: every polygon in it belongs to it.
    #[arg(long, value_name = "FILE")]
    boundary: PathBuf,
    /// IANA name of the time zone in which its days begin and end, such as `Asia/Ho_Chi_Minh`; UTC when it is not given.
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
    /// A further system in which its data are found: used to name the meridian that fits.
    #[arg(long, value_name = "EPSG:CODE")]
    related_crs: Vec<String>,
    #[command(flatten)]
    why: Why,
}

impl Jurisdiction {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let Command::Add(add) = self.command;
        let hint = if add.time_zone.is_none() { ": --time-zone names another" } else { "" };
        let epsg = |text: &str| Epsg::parse(text).map(|r| r.epsg).map_err(|e| Failed(e.to_string()));
        let draft = JurisdictionDraft {
            code: add.code,
            name_en: add.name_en.unwrap_or_else(|| add.name.clone()),
            name_vi: add.name,
            grid: epsg(&add.grid)?,
            time_zone: add.time_zone.unwrap_or_else(|| "UTC".into()),
            related_crs: add.related_crs.iter().map(|t| epsg(t)).collect::<Result<_, _>>()?,
            boundary: boundary(&add.boundary, &settings)?,
        };
        let context = connect(settings)?;
        let actor = Actor::operator();
        let registered = jurisdiction::register(&context, add.why.witness(&actor), draft)?;
        let r = &registered;
        println!("Registered {} ({}) on {}, in the time zone {}{hint}.", r.code, r.name_en, r.grid, r.time_zone);
        Ok(ExitCode::SUCCESS)
    }
}

/// Every polygon of a file as one area.
pub(super) fn boundary(file: &std::path::Path, settings: &Settings) -> Result<Geometry<f64>, Failed> {
    let options = ReadOptions { vertices_max: settings.vertices_max * 10, ..ReadOptions::default() };
    let name = |e: ReadError| Failed(format!("{}: {e}", file.display()));
    let reader = formats::open(file, &options).map_err(name)?;
    let mut polygons = Vec::new();
    for record in reader {
        let record = record.map_err(name)?;
        match record.geometry {
            Ok(Geometry::Polygon(p)) => polygons.push(p),
            Ok(Geometry::MultiPolygon(m)) => polygons.extend(m.0),
            Ok(_) => return Err(format!("{}: {} is no polygon", file.display(), record.place).into()),
            Err(problems) => {
                let all: Vec<String> = problems.iter().map(super::sentence).collect();
                return Err(format!("{}: {}: {}", file.display(), record.place, all.join("; ")).into());
            }
        }
    }
    if polygons.is_empty() {
        return Err(format!("{}: there is no polygon in it", file.display()).into());
    }
    Ok(Geometry::MultiPolygon(MultiPolygon(polygons)))
}
