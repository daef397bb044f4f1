//! `clearway rules import` and `list`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Failed, Outcome, Why, connect, sentence};
use crate::actions::rules::{self, Listed, Wanted};
use crate::actions::{Context, Witness};
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::audit::hex;
use crate::domain::rules::{Parameter, RulePack, is_read};
use crate::formats;

/// Load the legal parameters by which checks decide.
#[derive(Debug, Args)]
pub(super) struct Rules {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put a pack in the place of the one that is loaded.
    Import(Import),
    /// List what is loaded.
    List(List),
}

#[derive(Debug, Args)]
struct Import {
    /// The pack, in TOML.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// ISO 3166-2 code of a jurisdiction to load it in; several, with commas or again.
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
    /// Only this parameter, such as `corridor.road.clearance_m`.
    #[arg(long)]
    key: Option<String>,
    /// Only what is in force at a moment, such as 2014-06-01T00:00:00Z.
    #[arg(long, value_name = "MOMENT")]
    at: Option<Timestamp>,
}

impl Rules {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        match self.command {
            Command::Import(import) => {
                let bytes = std::fs::read(&import.file)
                    .map_err(|e| format!("{} cannot be read: {e}", import.file.display()))?;
                let (pack, digest) = read(&import.file.display().to_string(), &bytes)?;
                let actor = Actor::operator();
                load(&connect(settings)?, import.why.witness(&actor), &import.jurisdiction, &pack, &digest)?;
            }
            Command::List(list) => {
                let wanted = Wanted { jurisdiction: list.jurisdiction, key: list.key, at: list.at };
                let listed = rules::list(&connect(settings)?, &wanted)?;
                show(&mut std::io::stdout().lock(), &listed).map_err(|e| e.to_string())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A pack and the SHA-256 of its file; every problem is told with the file's name.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<(RulePack, String), Failed> {
    let pack = formats::rules::read(bytes).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(|p| format!("{name}: {}", sentence(p))).collect();
        Failed(all.join("\n"))
    })?;
    Ok((pack, hex(&Sha256::digest(bytes))))
}

fn load(
    context: &Context,
    witness: Witness<'_>,
    codes: &[String],
    pack: &RulePack,
    digest: &str,
) -> Result<(), Failed> {
    let (name, version, count) = (&pack.name, &pack.version, pack.parameters.len());
    for done in rules::import(context, witness, codes, pack, digest)? {
        let code = done.jurisdiction;
        match done.revision {
            Some(revision) => println!("{code}: loaded {name} {version}, {count} parameters, revision {revision}."),
            None => println!("{code}: {name} {version} is loaded already; nothing changed."),
        }
    }
    // A key with a slip in it is one that nobody reads.
    let mut unread: Vec<&str> = pack.parameters.iter().map(|p| p.key.as_str()).filter(|key| !is_read(key)).collect();
    unread.dedup();
    if !unread.is_empty() {
        println!("No check reads {}; kept for whoever asks.", unread.join(", "));
    }
    Ok(())
}

fn show(out: &mut impl Write, listed: &[Listed]) -> std::io::Result<()> {
    for l in listed {
        let pack = &l.pack.pack;
        let day = l.day.map(|day| format!(", in force on {day}")).unwrap_or_default();
        writeln!(
            out,
            "{}: {} {}, {} of {} parameters{day}",
            l.pack.jurisdiction,
            pack.name,
            pack.version,
            pack.parameters.len(),
            l.count
        )?;
        for p in &pack.parameters {
            writeln!(out, "  {}", line(p))?;
        }
    }
    Ok(())
}

/// A parameter as one line.
fn line(p: &Parameter) -> String {
    let a = &p.applies;
    let mut words = vec![format!("{} {} {}", p.key, p.value, p.unit)];
    words.extend(a.corridor_class.as_ref().map(|c| format!("class {c}")));
    match (a.voltage_from_kv, a.voltage_to_kv) {
        (None, None) => {}
        (Some(from), Some(to)) if from.to_bits() == to.to_bits() => words.push(format!("{to} kV")),
        (from, to) => {
            let text = |v: Option<f64>| v.map(|v| v.to_string()).unwrap_or_default();
            words.push(format!("{}–{} kV", text(from), text(to)));
        }
    }
    words.extend(a.work_kind.map(|k| format!("works {k}")));
    let day = |d: Option<jiff::civil::Date>| d.map_or_else(|| "…".into(), |d| d.to_string());
    words.push(format!("[{}] {}–{}", p.confidence, day(p.valid_from), day(p.valid_to)));
    words.extend(p.document.clone());
    words.extend(p.article.as_ref().map(|a| format!("art. {a}")));
    words.join(" ")
}
