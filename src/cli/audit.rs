//! `clearway audit head|export|reads|key` and `clearway verify-audit`

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Failed, Outcome, connect};
use crate::actions::audit::{self, Range};
use crate::clock;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::audit::{Head, Kept, Key, Report, SignedHead, Verifier, hex};
use crate::error::Error;
use crate::wire::audit as wire;

/// Read the audit trail.
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sign where each chain stands: keep the lines elsewhere, and `verify-audit --head` will miss whatever is gone since.
    Head(HeadOf),
    /// Write events as lines of JSON.
    Export(Meant),
    /// Write who was shown which restricted features, as lines of JSON.
    Reads(When),
    /// Make a key to sign heads with, and print its public half.
    Key(NewKey),
}

#[derive(Debug, Args)]
struct HeadOf {
    /// Only this chain: a jurisdiction, or `access`.
    #[arg(long, value_name = "CHAIN")]
    chain: Option<String>,
}

#[derive(Debug, Args)]
struct Meant {
    /// Only this chain: a jurisdiction, or `access`.
    #[arg(long, value_name = "CHAIN")]
    chain: Option<String>,
    /// From this revision on.
    #[arg(long, value_name = "REVISION")]
    from: Option<i64>,
    /// To this revision.
    #[arg(long, value_name = "REVISION")]
    to: Option<i64>,
}

impl Meant {
    fn range(&self) -> Range {
        Range { chain: self.chain.clone(), from: self.from, to: self.to }
    }
}

#[derive(Debug, Args)]
struct When {
    /// From this moment on, such as 2026-03-01T00:00:00Z.
    #[arg(long, value_name = "MOMENT")]
    from: Option<Timestamp>,
    /// To before this moment.
    #[arg(long, value_name = "MOMENT")]
    to: Option<Timestamp>,
}

#[derive(Debug, Args)]
struct NewKey {
    /// The file to make; one that is there is never written over.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Look for whatever was changed, left out or put elsewhere in the audit trail: in the database, or in an exported log.
#[derive(Debug, Args)]
pub(super) struct VerifyAudit {
    #[command(flatten)]
    meant: Meant,
    /// Signed heads that were kept elsewhere; may be given again.
    #[arg(long, value_name = "FILE")]
    head: Vec<PathBuf>,
    /// The public key that the heads, and the events that are signed, must be signed with; may be given again. Without it the keys that
    /// stand beside the signatures are taken.
    #[arg(long, value_name = "HEX")]
    key: Vec<String>,
    /// An exported log, whole or from a revision on, in place of the database, which is not needed then.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

impl Audit {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let actor = Actor::operator();
        match self.command {
            Command::Head(of) => {
                let key = audit::key(&settings)?.ok_or_else(|| Failed::from(KEYLESS.to_owned()))?;
                for head in audit::heads(&connect(settings)?, &actor, of.chain.as_deref(), clock::now())? {
                    println!("{}", wire::write_head(&key.sign(head)));
                }
            }
            Command::Export(meant) => {
                let mut out = std::io::stdout().lock();
                audit::export(&connect(settings)?, &actor, &meant.range(), &mut |event| {
                    writeln!(out, "{}", event.line()).map_err(|e| Error::Internal(e.to_string()))
                })?;
            }
            Command::Reads(when) => {
                let mut out = BufWriter::new(std::io::stdout().lock());
                let cannot = |e: std::io::Error| Error::Internal(e.to_string());
                audit::reads(&connect(settings)?, &actor, [when.from, when.to], &mut |read| {
                    writeln!(out, "{}", wire::write_read(read)).map_err(cannot)
                })?;
                out.flush().map_err(cannot)?;
            }
            Command::Key(new) => println!("{}", make_key(&new.file)?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

const KEYLESS: &str =
    "heads are signed with a key: make one with «clearway audit key FILE» and name it by CLEARWAY_AUDIT_KEY";

/// Makes a key that only its owner may read, and gives its public half.
pub(super) fn make_key(file: &Path) -> Result<String, Failed> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| format!("the system gives no random numbers: {e}"))?;
    let text = hex(&seed);
    let key = Key::of_seed(&text).ok_or_else(|| "no key can be made".to_owned())?;
    let cannot = |e: std::io::Error| format!("{} cannot be made: {e}", file.display());
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(cannot)?;
    writeln!(made, "{text}").map_err(cannot)?;
    Ok(key.public())
}

impl VerifyAudit {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let mut heads = Vec::new();
        for file in &self.head {
            heads.extend(heads_in(file, &self.key)?);
        }
        let heads: Vec<Head> = heads.into_iter().map(|signed| signed.head).collect();
        let kept = Kept { heads: &heads, keys: &self.key };
        let reports = match &self.log {
            Some(log) => verify_log(log, &self.meant, kept)?,
            None => audit::verify(&connect(settings)?, &Actor::operator(), &self.meant.range(), kept)?,
        };
        let mut faults = 0;
        for (chain, report) in &reports {
            faults += report.faults.len();
            show(chain, report, !self.key.is_empty());
        }
        match faults {
            0 => Ok(ExitCode::SUCCESS),
            1 => Err(Failed::from("the audit trail has 1 fault".to_owned())),
            n => Err(Failed::from(format!("the audit trail has {n} faults"))),
        }
    }
}

fn show(chain: &str, report: &Report, with_key: bool) {
    for fault in &report.faults {
        println!("{chain}: {fault}");
    }
    let last = match report.last {
        Some((revision, Some(hash))) => format!(", the last is revision {revision}, {}", hex(&hash)),
        Some((revision, None)) => format!(", the last is revision {revision}"),
        None => String::new(),
    };
    let older = match report.unhashed {
        0 => String::new(),
        n => format!(", {n} of them without a hash"),
    };
    let found = match (report.faults.len(), report.unhashed, report.events - report.unhashed) {
        (0, 0, _) => "nothing was touched".to_owned(),
        (0, n, 0) => format!("no hash vouches for these {n}"),
        (0, n, others) => format!("no hash vouches for {n}, and the other {others} were not touched"),
        _ => "TOUCHED".to_owned(),
    };
    let signed = match (report.signed, report.unsigned) {
        (0, _) if !with_key || report.events == 0 => String::new(),
        (0, _) => ", none of them signed".to_owned(),
        (n, 0) => format!(", {n} of them signed"),
        (n, without) => format!(", {n} of them signed and {without} after the first of those not"),
    };
    println!("{chain}: {} events{older}{signed}{last}: {found}", report.events);
}

/// The heads of a file; each must be signed, by one of `keys` where any is named.
fn heads_in(file: &Path, keys: &[String]) -> Result<Vec<SignedHead>, Failed> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|e| format!("{name} cannot be read: {e}"))?;
    let mut heads = Vec::new();
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let signed = wire::head(line).map_err(|e| format!("{name}, line {number}: {e}"))?;
        if !keys.is_empty() && !keys.iter().any(|key| key.eq_ignore_ascii_case(&signed.key)) {
            return Err(format!("{name}, line {number}: signed by another key, {}", signed.key).into());
        }
        if !signed.holds() {
            return Err(format!("{name}, line {number}: the signature does not hold").into());
        }
        if keys.is_empty() {
            eprintln!(
                "{name}, line {number}: signed by {}; see that this is your key, or name it by --key",
                signed.key
            );
        }
        heads.push(signed);
    }
    Ok(heads)
}

/// Goes through an exported log, whose chains may stand one behind the other or mixed.
fn verify_log(log: &Path, meant: &Meant, kept: Kept<'_>) -> Result<Vec<(String, Report)>, Failed> {
    let name = log.display();
    let cannot = |e: std::io::Error| format!("{name} cannot be read: {e}");
    let mut verifiers: BTreeMap<String, Verifier> = BTreeMap::new();
    let wanted = |chain: &str| meant.chain.as_deref().is_none_or(|only| only == chain);
    meant.range().holds(kept.heads)?;
    let new = |chain: &str| Verifier::new(chain, meant.from.unwrap_or(1), kept);
    for head in kept.heads.iter().filter(|h| wanted(&h.chain)) {
        verifiers.entry(head.chain.clone()).or_insert_with(|| new(&head.chain));
    }
    let file = std::fs::File::open(log).map_err(cannot)?;
    for (line, number) in BufReader::new(file).lines().zip(1..) {
        let line = line.map_err(cannot)?;
        let recorded = wire::event(&line).map_err(|e| format!("{name}, line {number}: {e}"))?;
        let (chain, revision) = (recorded.event.chain.clone(), recorded.event.revision);
        let in_range = meant.from.is_none_or(|from| revision >= from) && meant.to.is_none_or(|to| revision <= to);
        if wanted(&chain) {
            let verifier = verifiers.entry(chain.clone()).or_insert_with(|| new(&chain));
            if in_range {
                verifier.line(&recorded, &line);
            }
        }
    }
    if verifiers.is_empty() {
        let what = meant.chain.as_ref().map_or_else(|| "an event".to_owned(), |chain| format!("the chain «{chain}»"));
        return Err(format!("{name}: {what} is not there").into());
    }
    Ok(verifiers.into_iter().map(|(chain, verifier)| (chain, verifier.end(None))).collect())
}
