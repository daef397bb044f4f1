//! `clearway account add`, `disable`, `enable`, `reset` and `list`

use std::io::BufRead;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Failed, Outcome, Why, connect};
use crate::actions::{Context, Witness, account};
use crate::config::Settings;
use crate::domain::account::{Account, AccountChange, AccountDraft, Scope};
use crate::domain::actor::{Actor, Role};
use crate::domain::word::Word;

/// Say who may sign in.
#[derive(Debug, Args)]
pub(super) struct AccountCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add an account; prints a password that nobody chose, unless one is read.
    Add(Add),
    /// Sign somebody out everywhere and let nobody sign in as him.
    Disable(Named),
    /// Let somebody sign in again.
    Enable(Named),
    /// Give somebody another password and sign him out everywhere; prints it, unless one is read.
    Reset(Reset),
    /// List all accounts.
    List,
}

#[derive(Debug, Args)]
struct Add {
    /// The name to sign in with.
    name: String,
    /// Code of the organisation.
    #[arg(long, value_name = "CODE")]
    organisation: String,
    /// What the account may be; several, with commas or again.
    #[arg(long, required = true, value_delimiter = ',', value_parser = role)]
    role: Vec<Role>,
    /// ISO 3166-2 code of a jurisdiction in which that holds; several, with commas or again; without any, everywhere.
    #[arg(long, value_delimiter = ',', value_name = "CODE")]
    jurisdiction: Vec<String>,
    /// Read the password from standard input, one line.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
struct Named {
    /// The name of the account.
    name: String,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
struct Reset {
    /// The name of the account.
    name: String,
    /// Read the password from standard input, one line.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    why: Why,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("known are {}", Role::known()))
}

/// Accounts that are read at once.
const PAGE: u32 = 1_000;

impl AccountCommand {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let actor = Actor::operator();
        match self.command {
            Command::Add(add) => {
                let password = read_password(add.password_stdin)?;
                let context = connect(settings)?;
                let jurisdictions = (!add.jurisdiction.is_empty()).then_some(add.jurisdiction);
                let scope = Scope { roles: add.role, jurisdictions };
                let draft = AccountDraft { name: add.name, organisation: add.organisation, scope, password };
                let (made, generated) = account::add(&context, add.why.witness(&actor), draft)?;
                println!("Added {}.", line(&made));
                show(generated);
            }
            Command::Disable(named) => set_disabled(&connect(settings)?, named.why.witness(&actor), &named.name, true)?,
            Command::Enable(named) => set_disabled(&connect(settings)?, named.why.witness(&actor), &named.name, false)?,
            Command::Reset(reset) => {
                let password = read_password(reset.password_stdin)?;
                let context = connect(settings)?;
                let found = account::by_name(&context, &actor, &reset.name)?;
                let generated = account::reset(&context, reset.why.witness(&actor), found.id, password)?;
                println!("{} has another password and is signed out everywhere.", found.name);
                show(generated);
            }
            Command::List => {
                let context = connect(settings)?;
                let mut after = None;
                loop {
                    let (found, next) = account::list(&context, &actor, after, PAGE)?;
                    for account in &found {
                        println!("{}", line(account));
                    }
                    after = next;
                    if after.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn set_disabled(context: &Context, witness: Witness<'_>, name: &str, disabled: bool) -> Result<(), Failed> {
    let found = account::by_name(context, witness.actor, name)?;
    let change = AccountChange { disabled: Some(disabled), ..AccountChange::default() };
    let changed = account::change(context, witness, found.id, None, &change)?;
    println!("{}", line(&changed));
    Ok(())
}

/// A password is never an argument: those stand in the list of processes and in the history of the shell.
fn read_password(wanted: bool) -> Result<Option<String>, Failed> {
    if !wanted {
        return Ok(None);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_line(&mut text).map_err(|e| format!("the password cannot be read: {e}"))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn show(generated: Option<String>) {
    if let Some(password) = generated {
        println!("The password, shown this once: {password}");
    }
}

fn line(account: &Account) -> String {
    let roles: Vec<&str> = account.scope.roles.iter().map(|r| r.as_str()).collect();
    let places = account.scope.jurisdictions.as_ref().map_or_else(|| "all jurisdictions".into(), |all| all.join(", "));
    let state = if account.disabled { " (disabled)" } else { "" };
    format!("{} of {}: {} in {places}{state}", account.name, account.organisation, roles.join(", "))
}
