//! `clearway calendar set` and `list`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use sha2::{Digest, Sha256};

use super::{Failed, Outcome, Why, connect, sentence};
use crate::actions::calendar;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::audit::hex;
use crate::domain::calendar::{Calendar, NamedDay, RegisteredCalendar};
use crate::formats;

/// Say on which days the offices of a jurisdiction work.
#[derive(Debug, Args)]
pub(super) struct CalendarCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put a calendar in the place of the one that is set.
    Set(Set),
    /// List what is set.
    List(List),
}

#[derive(Debug, Args)]
struct Set {
    /// The calendar, in TOML.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// ISO 3166-2 code of a jurisdiction to set it for; several, with commas or again.
    #[arg(long, required = true, value_delimiter = ',', value_name = "CODE")]
    jurisdiction: Vec<String>,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
struct List {
    /// Only of this jurisdiction.
    #[arg(long, value_name = "CODE")]
    jurisdiction: Option<String>,
}

impl CalendarCommand {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        match self.command {
            Command::Set(set) => {
                let bytes =
                    std::fs::read(&set.file).map_err(|e| format!("{} cannot be read: {e}", set.file.display()))?;
                let (calendar, digest) = read(&set.file.display().to_string(), &bytes)?;
                let (actor, context) = (Actor::operator(), connect(settings)?);
                let content = calendar.content();
                let said = format!("{} {}", content.name, content.version);
                for done in calendar::set(&context, set.why.witness(&actor), &set.jurisdiction, &calendar, &digest)? {
                    let code = done.jurisdiction;
                    match done.revision {
                        Some(revision) => println!(
                            "{code}: set {said}, {} to {}, {} days, revision {revision}.",
                            content.first_year,
                            content.last_year,
                            content.days.len()
                        ),
                        None => println!("{code}: {said} is set already; nothing changed."),
                    }
                }
            }
            Command::List(wanted) => {
                let listed = calendar::list(&connect(settings)?, wanted.jurisdiction.as_deref())?;
                let mut out = std::io::stdout().lock();
                listed.iter().try_for_each(|found| show(&mut out, found)).map_err(|e| e.to_string())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A calendar and the SHA-256 of its file; every problem is told with the file's name.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<(Calendar, String), Failed> {
    let calendar = formats::calendar::read(bytes).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(|p| format!("{name}: {}", sentence(p))).collect();
        Failed(all.join("\n"))
    })?;
    Ok((calendar, hex(&Sha256::digest(bytes))))
}

fn show(out: &mut impl Write, found: &RegisteredCalendar) -> std::io::Result<()> {
    let content = found.calendar.content();
    let weekly: Vec<String> = content.weekly_days_off.iter().map(ToString::to_string).collect();
    writeln!(
        out,
        "{}: {} {}, {} to {}; off every {}",
        found.jurisdiction,
        content.name,
        content.version,
        content.first_year,
        content.last_year,
        weekly.join(", ")
    )?;
    content.days.iter().try_for_each(|day| writeln!(out, "  {}", line(day)))
}

/// A day as one line.
fn line(day: &NamedDay) -> String {
    let kind = if day.working { "worked on" } else { "off" };
    let mut words = vec![format!("{} {kind} [{}] {} / {}", day.date, day.confidence, day.name_vi, day.name_en)];
    words.extend(day.document.clone());
    words.extend(day.article.as_ref().map(|a| format!("art. {a}")));
    words.join(" ")
}
