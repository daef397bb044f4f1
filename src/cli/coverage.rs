//! `clearway coverage add`, `list` and `remove`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use uuid::Uuid;

use super::import::LayerOrKind;
use super::{Outcome, Why, connect, jurisdiction::boundary};
use crate::actions::coverage;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::coverage::CoverageDraft;
use crate::domain::layer::Layer;

/// Say where a layer holds all there is.
#[derive(Debug, Args)]
pub(super) struct Coverage {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Declare an area: in it, and only in it, "no conflict" is worded as clear.
    ///
    /// The area declares that the layer holds every feature whose land, with the clearance of its own, or whose position,
    /// with its accuracy, reaches into that ground, also from beyond its edge. It lies inside the boundary of the
    /// jurisdiction widened by `boundary_reach_m`, of reference features by 20 km at least. Those are covered by kind: that all
    /// hospitals are here says nothing of schools.
    Add(Add),
    /// List the areas declared.
    List(List),
    /// Take an area back.
    Remove(Remove),
}

#[derive(Debug, Args)]
struct Add {
    /// ISO 3166-2 code of the jurisdiction.
    #[arg(long)]
    jurisdiction: String,
    /// The layer that holds all there is, such as works, or the kind of reference features, such as hospital.
    #[arg(long, value_parser = super::import::source)]
    layer: LayerOrKind,
    /// GeoJSON with the area: every polygon in it belongs to it.
    #[arg(long, value_name = "FILE")]
    boundary: PathBuf,
    /// Who says so: a survey, a handover, a decree.
    #[arg(long)]
    source: String,
    /// The day of which the source says so, and from which on the area counts; else that on which it is recorded.
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
struct List {
    /// Only of this jurisdiction.
    #[arg(long)]
    jurisdiction: Option<String>,
    /// Only of this layer.
    #[arg(long, value_parser = super::import::layer)]
    layer: Option<Layer>,
}

#[derive(Debug, Args)]
struct Remove {
    /// ISO 3166-2 code of the jurisdiction.
    #[arg(long)]
    jurisdiction: String,
    /// The id of the area, as «list» shows it.
    id: Uuid,
    #[command(flatten)]
    why: Why,
}

impl Coverage {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let actor = Actor::operator();
        match self.command {
            Command::Add(add) => {
                let boundary = boundary(&add.boundary, &settings)?;
                let draft = CoverageDraft {
                    layer: add.layer.0,
                    kind: add.layer.1,
                    source: add.source,
                    as_of: add.as_of,
                    boundary,
                };
                let made = coverage::declare(&connect(settings)?, add.why.witness(&actor), &add.jurisdiction, draft)?;
                let of = made.area.of();
                println!(
                    "Declared {}: coverage of {of} in {}, revision {}.",
                    made.id, made.jurisdiction, made.revision
                );
            }
            Command::List(list) => {
                for c in coverage::list(&connect(settings)?, list.jurisdiction.as_deref(), list.layer)? {
                    let as_of = c.area.as_of.map_or_else(|| "–".into(), |day| day.to_string());
                    println!("{} {} {} {as_of} {}", c.id, c.jurisdiction, c.area.of(), c.area.source);
                }
            }
            Command::Remove(remove) => {
                let witness = remove.why.witness(&actor);
                let gone = coverage::withdraw(&connect(settings)?, witness, &remove.jurisdiction, remove.id)?;
                println!("Removed {}: coverage of {} in {}.", gone.id, gone.area.of(), gone.jurisdiction);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
