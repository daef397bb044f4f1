//! `clearway organisation add` and `list`

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Outcome, Why, connect};
use crate::actions::organisation;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::organisation::{Organisation, OrganisationKind};
use crate::domain::word::Word;
use crate::error::Error;

/// Say which organisations there are.
#[derive(Debug, Args)]
pub(super) struct OrganisationCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add an organisation.
    Add(Add),
    /// List all organisations.
    List,
}

#[derive(Debug, Args)]
struct Add {
    /// Its code, as features name their owner.
    code: String,
    /// Its name.
    #[arg(long)]
    name: String,
    /// What it is.
    #[arg(long, value_parser = kind)]
    kind: OrganisationKind,
    #[command(flatten)]
    why: Why,
}

fn kind(text: &str) -> Result<OrganisationKind, String> {
    OrganisationKind::parse(text).ok_or_else(|| format!("known are {}", OrganisationKind::known()))
}

impl OrganisationCommand {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let actor = Actor::operator();
        match self.command {
            Command::Add(add) => {
                let new = Organisation::new(&add.code, &add.name, add.kind).map_err(Error::Invalid)?;
                organisation::add(&connect(settings)?, add.why.witness(&actor), &new)?;
                println!("Added {}.", line(&new));
            }
            Command::List => {
                for organisation in organisation::list(&connect(settings)?, &actor)? {
                    println!("{}", line(&organisation));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line(organisation: &Organisation) -> String {
    format!("{} ({}), {}", organisation.code, organisation.kind, organisation.name)
}
