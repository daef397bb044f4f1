//! The command line: one file for each command. Exit 0: done; 1: failed, the reason on stderr; 2: wrong usage.

mod account;
mod audit;
mod calendar;
mod check;
mod coverage;
mod demo;
mod document;
mod import;
mod jurisdiction;
mod log;
mod migrate;
mod organisation;
mod people;
mod replay;
mod rules;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::actions::{Context, Witness};
use crate::config::{Secret, Settings};
use crate::domain::actor::Actor;
use crate::error::Error;
use crate::formats::Axes;
use crate::geometry::{Epsg, Problem, crs};
use crate::store::migrations;

/// Telecom works, clearance corridors, and the conflicts between them.
#[derive(Debug, Parser)]
#[command(name = "clearway", version, max_term_width = 120)]
struct Arguments {
    /// Settings; the environment (`CLEARWAY_…`, `DATABASE_URL`) wins over them.
    #[arg(long, global = true, value_name = "FILE", default_value = "clearway.toml", env = "CLEARWAY_CONFIG")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run with a private PostgreSQL and invented data; prints addresses and tokens.
    Demo(demo::Demo),
    /// Serve; needs `DATABASE_URL`.
    Serve(serve::Serve),
    /// Bring the database at `DATABASE_URL` to the present schema.
    Migrate(migrate::Migrate),
    /// Import works or corridors from files.
    Import(import::Import),
    /// Check shapes in files for conflicts.
    Check(check::Check),
    /// Make the answer of a kept site check again.
    Replay(replay::Replay),
    /// Register jurisdictions.
    Jurisdiction(jurisdiction::Jurisdiction),
    /// Say where a layer holds all there is.
    Coverage(coverage::Coverage),
    /// Load the legal parameters by which checks decide.
    Rules(rules::Rules),
    /// Say on which days the offices of a jurisdiction work.
    Calendar(calendar::CalendarCommand),
    /// Look after what is in documents.
    Document(document::DocumentCommand),
    /// Say which organisations there are.
    Organisation(organisation::OrganisationCommand),
    /// Say who may sign in.
    Account(account::AccountCommand),
    /// Read the audit trail.
    Audit(audit::Audit),
    /// Look for whatever was changed, left out or put elsewhere in the audit trail.
    VerifyAudit(audit::VerifyAudit),
}

/// Why a command failed, for a person.
#[derive(Debug)]
pub(crate) struct Failed(String);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problems) => Self(problems.iter().map(sentence).collect::<Vec<_>>().join("\n")),
            other => Self(other.to_string()),
        }
    }
}

impl From<String> for Failed {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The request of whatever is done by a command.
const COMMAND_LINE: &str = "command line";

/// Why a command writes.
#[derive(Debug, Args)]
struct Why {
    /// Why, for the audit trail: a sentence, the number of a document.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<String>,
}

fn reason(text: &str) -> Result<String, String> {
    crate::domain::audit::reason(text)?.ok_or_else(|| "says nothing".into())
}

impl Why {
    /// Of what is done on this command line.
    fn witness<'a>(&'a self, actor: &'a Actor) -> Witness<'a> {
        Witness::new(actor, COMMAND_LINE).because(self.reason.as_deref())
    }
}

/// What a command ends with.
pub(crate) type Outcome = Result<ExitCode, Failed>;

/// A problem as one sentence.
fn sentence(problem: &Problem) -> String {
    if problem.pointer.is_empty() { problem.detail.clone() } else { format!("{} {}", problem.pointer, problem.detail) }
}

/// The system that `--crs` names and the order of the axes: a URI or URN follows its definition, as in `Content-Crs`,
/// unless `axes` says otherwise.
fn system(text: &str, axes: Option<Axes>) -> Result<(Epsg, Axes), Failed> {
    let named = Epsg::parse(text).map_err(|e| e.to_string())?;
    let definition = crs::definition(named.epsg).map_err(|e| e.to_string())?;
    let north_first = named.axes_of_definition && definition.axes == crs::Axes::NorthEast;
    let order = if north_first { Axes::NorthEast } else { Axes::EastNorth };
    Ok((named.epsg, axes.unwrap_or(order)))
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in Settings::unknown(names) {
        eprintln!("clearway: {name} is no setting and does nothing; the settings stand in src/config.rs");
    }
    let settings = match Settings::load(&arguments.config, |name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(error) => return failed(&error.to_string()),
    };
    let outcome = match arguments.command {
        Command::Demo(command) => command.run(settings),
        Command::Serve(command) => command.run(settings),
        Command::Migrate(command) => command.run(settings),
        Command::Import(command) => command.run(settings),
        Command::Check(command) => command.run(settings),
        Command::Replay(command) => command.run(settings),
        Command::Jurisdiction(command) => command.run(settings),
        Command::Coverage(command) => command.run(settings),
        Command::Rules(command) => command.run(settings),
        Command::Calendar(command) => command.run(settings),
        Command::Document(command) => command.run(settings),
        Command::Organisation(command) => command.run(settings),
        Command::Account(command) => command.run(settings),
        Command::Audit(command) => command.run(settings),
        Command::VerifyAudit(command) => command.run(settings),
    };
    match outcome {
        Ok(code) => code,
        Err(Failed(reason)) => failed(&reason),
    }
}

fn failed(reason: &str) -> ExitCode {
    eprintln!("clearway: {reason}");
    ExitCode::FAILURE
}

/// The file in which a running demo notes where its database is.
const DEMO_ADDRESS: &str = "database-url";

/// The folder of a demo when nobody names another.
const DEMO_FOLDER: &str = ".clearway";

/// Settings with a database: `DATABASE_URL`, else that of a demo that runs in this folder.
fn with_database(mut settings: Settings) -> Result<Settings, Failed> {
    if settings.database_url.0.is_empty() {
        let folder = std::env::var("CLEARWAY_DATA_DIR").unwrap_or_else(|_| DEMO_FOLDER.into());
        let url = std::fs::read_to_string(Path::new(&folder).join(DEMO_ADDRESS)).unwrap_or_default();
        if url.trim().is_empty() {
            return Err("DATABASE_URL is not set, and no demo runs in this folder; set it to the address of a \
                        PostgreSQL with PostGIS"
                .to_owned()
                .into());
        }
        settings.database_url = Secret(url.trim().to_owned());
    }
    Ok(settings)
}

/// Connects to the database of the settings, whose schema must be the present one.
fn connect(settings: Settings) -> Result<Context, Failed> {
    let settings = with_database(settings)?;
    require_schema(&settings)?;
    Ok(Context::connect(settings)?)
}

/// Refuses a database that lacks migrations: only `clearway migrate` changes a schema.
fn require_schema(settings: &Settings) -> Result<(), Failed> {
    let pending = migrations::pending(&settings.database_url.0)?;
    if pending.is_empty() {
        return Ok(());
    }
    Err(format!("the database lacks {}; run «clearway migrate» first", pending.join(", ")).into())
}
