//! `clearway replay`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use uuid::Uuid;

use super::{COMMAND_LINE, Failed, Outcome, connect, sentence};
use crate::actions::Reader;
use crate::actions::site_check::{self as action, Replay as Replayed, Tampered};
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::rules::Parameter;
use crate::domain::site_check::{Decided, Difference, ENGINE, Said, Verdict, Waiver};
use crate::formats::rules::read;

/// Make the answer of a kept site check again, on the state of then: exit 0 where it is the same, 1 where it is not.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The site check.
    #[arg(value_name = "RUN")]
    run: Uuid,
    /// Another rule pack, which need not be loaded: what would change under it; exit 0.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

impl Replay {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let pack = self.rules.as_ref().map(|file| {
            let place = file.display();
            let bytes = std::fs::read(file).map_err(|e| format!("{place}: {e}"))?;
            read(&bytes).map_err(|problems| {
                Failed(problems.iter().map(|p| format!("{place}: {}", sentence(p))).collect::<Vec<_>>().join("\n"))
            })
        });
        let pack = pack.transpose()?;
        let context = connect(settings)?;
        let operator = Actor::operator();
        let reader = Reader { actor: &operator, request_id: COMMAND_LINE, door: "clearway replay" };
        let replay = match &pack {
            None => action::replay(&context, reader, self.run)?,
            Some(pack) => action::under(&context, reader, self.run, pack)?,
        };
        let mut out = std::io::stdout().lock();
        let shown = if pack.is_some() { changes(&mut out, &replay) } else { compared(&mut out, &replay) };
        shown.map_err(|e| e.to_string())?;
        Ok(if replay.is_same() || pack.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn text(verdict: Option<Verdict>) -> String {
    verdict.map_or_else(|| "nothing".into(), |verdict| verdict.to_string())
}

/// `warn -> block`, or one word where only something else of the finding differs.
fn turn(d: &Difference) -> String {
    let (before, after) = (d.before, d.after.map(|(verdict, _)| verdict));
    if before == after {
        format!("{}, said otherwise", text(before))
    } else {
        format!("{} -> {}", text(before), text(after))
    }
}

fn tampered(out: &mut impl Write, replay: &Replayed) -> std::io::Result<()> {
    for what in &replay.tampered {
        let detail = match what {
            Tampered::Row => "the stored run is not what its hash says",
            Tampered::Event => "the hash of the stored run is not the one in the audit trail",
        };
        writeln!(out, "tampered: {detail}")?;
    }
    Ok(())
}

/// Who waived what, which stands whatever is answered today.
fn waived(out: &mut impl Write, replay: &Replayed) -> std::io::Result<()> {
    for Waiver { code, actor, role, recorded_at, reason, .. } in &replay.waived {
        writeln!(out, "{code} was waived by {actor} ({role}) at {recorded_at}: {reason}")?;
    }
    Ok(())
}

/// By which accuracies it is answered, where the run does not say it.
fn accuracies(out: &mut impl Write, replay: &Replayed) -> std::io::Result<()> {
    if replay.run.accuracies.is_none() {
        writeln!(
            out,
            "The run does not say how accurate positions were taken to be that state nothing: by the settings of now."
        )?;
    }
    Ok(())
}

/// Which engine made an answer, and which makes it now.
fn engines(then: Option<i32>) -> String {
    match then {
        Some(ENGINE) => format!("Engine {ENGINE} answered then, and answers now."),
        Some(other) => format!("Engine {other} answered then, and engine {ENGINE} now: that may be why."),
        None => format!("An engine older than 1 answered then, and engine {ENGINE} now: that may be why."),
    }
}

fn compared(out: &mut impl Write, replay: &Replayed) -> std::io::Result<()> {
    tampered(out, replay)?;
    for Said { code, verdict, .. } in &replay.run.said {
        match replay.differences.iter().find(|d| d.code == *code) {
            None => writeln!(out, "{code} {verdict}: same")?,
            Some(d) => writeln!(out, "{code} {}: different", turn(d))?,
        }
    }
    waived(out, replay)?;
    accuracies(out, replay)?;
    if !replay.differences.is_empty() {
        writeln!(out, "{}", engines(replay.run.engine))?;
    }
    writeln!(out, "{}", if replay.is_same() { "The answer is the same." } else { "The answer is NOT the same." })
}

fn changes(out: &mut impl Write, replay: &Replayed) -> std::io::Result<()> {
    tampered(out, replay)?;
    for d in &replay.differences {
        let finding = replay.findings.iter().find(|finding| finding.code == d.code);
        let decided = || finding.and_then(|finding| finding.decided.as_ref()).map(of_zone);
        let rule = finding.and_then(|finding| finding.rule.as_deref()).map(by).or_else(decided).unwrap_or_default();
        writeln!(out, "{} {}{rule}", d.code, turn(d))?;
    }
    waived(out, replay)?;
    accuracies(out, replay)?;
    if replay.run.engine != Some(ENGINE) && !replay.differences.is_empty() {
        writeln!(out, "{}", engines(replay.run.engine))?;
    }
    for code in &replay.not_known {
        writeln!(out, "{code}: nobody can tell any more what it held then, so what would change by that is not known")?;
    }
    if replay.differences.is_empty() {
        let known = if replay.not_known.is_empty() { "" } else { " as far as that is known" };
        writeln!(out, "Nothing would change{known}.")?;
    }
    Ok(())
}

fn of_zone(Decided { zone, decision, .. }: &Decided) -> String {
    let signed = decision.signer.as_deref().map(|signer| format!(", signed by {signer}")).unwrap_or_default();
    format!(" by zone {zone}, {} of {}{signed}", decision.number, decision.date)
}

fn by(p: &Parameter) -> String {
    let document = p.document.as_deref().map(|document| format!(", {document}")).unwrap_or_default();
    format!(" by {} {} {}{document}", p.key, p.value, p.unit)
}
