//! `clearway check`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{COMMAND_LINE, Failed, Outcome, connect, sentence, system};
use crate::actions::conflict_check::{self as action, Answer, Drawn, NotChecked, Question};
use crate::actions::{Reader, refresh};
use crate::clock;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::conflict::{Applied, Rule, SideWord};
use crate::domain::corridor::{CLEARANCE_MAX_M, HALF_WIDTHS, widths_of_drawn};
use crate::domain::coverage::{Coverage, GapReason};
use crate::domain::fields::{Reading, Value};
use crate::domain::place::Delivered;
use crate::domain::rules::DrawnKind;
use crate::domain::word::Word;
use crate::domain::work::ACCURACY_MAX_M;
use crate::formats::{self, ReadOptions};
use crate::geometry::Metres;
use crate::http::conflict_check::{gap, written};
use crate::wire::answer::Notice;

/// Check shapes in files for conflicts.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The files: GeoJSON, newline-delimited GeoJSON or CSV.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The layers to check against.
    #[arg(long, default_value = "works")]
    against: String,
    /// What must stay free beyond a corridor's edge; without it, each corridor's own, else that of the rules.
    #[arg(long, value_name = "METRES")]
    clearance_m: Option<f64>,
    /// The moment at which dates are looked at, those of rules too; now by default.
    #[arg(long, value_name = "MOMENT")]
    at: Option<Timestamp>,
    /// The system of the coordinates.
    #[arg(long, default_value = "EPSG:4326", value_name = "EPSG:CODE")]
    crs: String,
    /// How to write the answer.
    #[arg(long, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For a map.
    Geojson,
}

impl Check {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let subjects = self.subjects(&settings)?;
        let clearance = self.clearance_m.map(Metres::new).transpose().map_err(|e| e.to_string())?;
        let limit = settings.conflicts_limit_max as usize;
        let context = connect(settings)?;
        refresh::catch_up_all(&context)?;
        let question = Question {
            against: action::layers(&self.against)?,
            clearance,
            at: self.at.unwrap_or_else(clock::now),
            limit,
            as_of: None,
            min_revision: Vec::new(),
        };
        let operator = Actor::operator();
        let reader = Reader { actor: &operator, request_id: COMMAND_LINE, door: "clearway check" };
        let answer = action::check(&context, reader, &subjects, &question)?;
        let mut out = std::io::stdout().lock();
        let shown = match self.format {
            Format::Table => table(&mut out, &answer),
            Format::Json | Format::Geojson => {
                let as_map = matches!(self.format, Format::Geojson);
                let text = written(&context, reader, &answer, as_map)?;
                out.write_all(&text).and_then(|()| writeln!(out))
            }
        };
        shown.map_err(|e| e.to_string())?;
        Ok(ExitCode::SUCCESS)
    }

    fn subjects(&self, settings: &Settings) -> Result<Vec<Drawn>, Failed> {
        let (crs, axes) = system(&self.crs, None)?;
        let options = ReadOptions {
            axes,
            crs,
            vertices_max: settings.vertices_max,
            record_bytes_max: settings.record_bytes_max,
            fields_known: FIELDS.to_vec(),
            ..ReadOptions::default()
        };
        let mut subjects = Vec::new();
        let mut problems = Vec::new();
        for file in &self.files {
            let reader = formats::open(file, &options).map_err(|e| format!("{}: {e}", file.display()))?;
            for record in reader {
                let record = record.map_err(|e| format!("{}: {e}", file.display()))?;
                let text = |name: &str| match record.fields.get(name) {
                    Some(Value::Text(t) | Value::Cell(t)) => Some(t.clone()),
                    _ => None,
                };
                let place = format!("{}: {}", file.display(), record.place);
                let name = text("code").or_else(|| text("name")).unwrap_or_else(|| record.place.to_string());
                let mut reading = Reading::new(&record.fields, &FIELDS, &[]);
                let accuracy = reading.metres("position_accuracy_m", ACCURACY_MAX_M).unwrap_or(Metres::ZERO);
                let clearance_m = reading.number("clearance_m", 0.0, CLEARANCE_MAX_M);
                let kind = DrawnKind::read(&mut reading);
                let mut wrong = reading.finish(Some(())).err().unwrap_or_default();
                match record.geometry {
                    Ok(shape) => {
                        let states = |name: &str| record.fields.get(name).is_some_and(|v| !matches!(v, Value::Null));
                        wrong.extend(widths_of_drawn(&shape, states));
                        let delivered = Delivered { shape, crs };
                        let pointer = format!("{place}: ");
                        subjects.push(Drawn { name, pointer, delivered, accuracy, clearance_m, kind });
                    }
                    Err(more) => wrong.extend(more),
                }
                problems.extend(wrong.iter().map(|p| format!("{place}: {}", sentence(p))));
            }
        }
        if subjects.is_empty() && problems.is_empty() {
            return Err("there is nothing to check: no feature is in the files".to_owned().into());
        }
        if problems.is_empty() { Ok(subjects) } else { Err(problems.join("\n").into()) }
    }
}

/// What a check reads of a record besides its shape.
const FIELDS: [&str; 9] = [
    "code",
    "name",
    "position_accuracy_m",
    "clearance_m",
    "kind",
    "class",
    "voltage_kv",
    HALF_WIDTHS[0],
    HALF_WIDTHS[1],
];

/// Metres with decimetres, or a dash.
fn metres(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |m| format!("{m:.1}"))
}

/// A chainage, or from which to which.
fn chainages(from_m: f64, to_m: f64) -> String {
    let (from, to) = (format!("{from_m:.1}"), format!("{to_m:.1}"));
    if from == to { from } else { format!("{from}–{to}") }
}

fn side(side: Option<SideWord>) -> &'static str {
    side.map_or("–", Word::as_str)
}

/// How far a rule may be relied on, and where it stands.
fn source(rule: &Rule) -> String {
    match rule {
        Rule::Word(_) => String::new(),
        Rule::Parameter(p) => {
            let article = p.article.as_ref().map(|a| format!(" art. {a}")).unwrap_or_default();
            let document = p.document.as_ref().map(|d| format!(", {d}{article}")).unwrap_or_default();
            format!(" [{}{document}]", p.confidence)
        }
    }
}

/// What was kept free beside a subject, by what, and from which works where not from all.
fn kept_free(applied: &Applied) -> String {
    let kinds: Vec<&str> = applied.work_kinds.iter().map(Word::as_str).collect();
    let from = if applied.work_kinds.is_all() { String::new() } else { format!(", from {}", kinds.join(", ")) };
    format!("clearance {} m by {}{}{from}", applied.clearance.get(), applied.rule.key(), source(&applied.rule))
}

fn table(out: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    for c in &answer.checked {
        let revision = answer.revisions.get(&c.jurisdiction).copied().unwrap_or_default();
        writeln!(
            out,
            "Checked {} {} of {} at revision {revision}; coverage {}.",
            c.features,
            c.layer,
            c.jurisdiction,
            c.coverage.unwrap_or(Coverage::Undeclared)
        )?;
    }
    for result in &answer.results {
        writeln!(out)?;
        if let Some(not_checked) = &result.not_checked {
            if not_checked.outside.is_some() {
                let hint = not_checked.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
                let subject = &result.subject;
                writeln!(out, "{subject}: ground of it lies outside every jurisdiction and was NOT CHECKED{hint}.")?;
            }
            // What nobody has declared stands above, for every subject alike.
            for of in not_checked.not_covered.iter().filter(|of| of.reason != GapReason::Undeclared) {
                let there = if of.reason == GapReason::NoData { ", so NOT CHECKED there" } else { "" };
                writeln!(out, "{}: {}{there}.", result.subject, gap(of).detail())?;
            }
        }
        if result.notice {
            writeln!(out, "{}: {}", result.subject, Notice::RESTRICTED.text.en)?;
        }
        for applied in &result.clearances {
            writeln!(out, "{}: {}.", result.subject, kept_free(applied))?;
        }
        if result.conflicts.is_empty() {
            // The only word for it that may be relied on.
            if result.coverage == Coverage::Full {
                writeln!(out, "{}: clear, no conflict.", result.subject)?;
                continue;
            }
            let of_ground = |reason| !matches!(reason, GapReason::Undeclared | GapReason::ClearanceUnknown);
            let elsewhere = |n: &NotChecked| n.outside.is_some() || n.not_covered.iter().any(|of| of_ground(of.reason));
            let and_where =
                if result.not_checked.as_ref().is_some_and(elsewhere) { " where it was checked" } else { "" };
            writeln!(out, "{}: no conflict found in what is registered{and_where}.", result.subject)?;
            continue;
        }
        let plural = if result.conflict_count == 1 { "" } else { "s" };
        writeln!(out, "{}: {} conflict{plural}", result.subject, result.conflict_count)?;
        writeln!(
            out,
            "  {:<20} {:<19} {:<8} {:<9} {:<7} {:>9} {:>8} {:>17} {:>8} {:<5} rule",
            "code", "kind", "relation", "verdict", "severe", "distance", "depth", "chainage", "offset", "side"
        )?;
        for c in &result.conflicts {
            let f = &c.finding;
            let line = f.linear.as_ref();
            writeln!(
                out,
                "  {:<20} {:<19} {:<8} {:<9} {:<7} {:>9} {:>8} {:>17} {:>8} {:<5} {} = {} m{}",
                c.code,
                c.kind,
                f.relation.as_str(),
                f.verdict.as_str(),
                c.severity.as_str(),
                metres(Some(f.distance_m)),
                metres(f.depth_m),
                line.map_or_else(|| "–".into(), |l| chainages(l.from_m, l.to_m)),
                metres(line.map(|l| l.offset_m)),
                side(line.and_then(|l| l.side)),
                c.rule.key(),
                c.clearance.get(),
                source(&c.rule)
            )?;
            for run in line.iter().flat_map(|l| &l.runs) {
                let along = chainages(run.from_m, run.to_m);
                let long = run.length_m.map_or_else(String::new, |m| format!(", {m:.1} m of it"));
                writeln!(out, "    run at {along}, offset {:.1}, {}{long}", run.offset_m, side(run.side))?;
            }
        }
    }
    Ok(())
}
