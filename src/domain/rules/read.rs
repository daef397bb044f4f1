//! A rule pack as somebody wrote it, checked: every problem with its place.

use std::sync::Arc;

use super::ruling::Lands;
use super::{Applies, CaseKey, Confidence, Parameter, RulePack, Unit, class_word};
use crate::domain::actor::Role;
use crate::domain::corridor::{CLEARANCE_MAX_M, CorridorKind, VOLTAGE_MAX_KV};
use crate::domain::feature::CODE_MAX;
use crate::domain::fields::{Fields, Reading};
use crate::domain::site_check::waiver::named_by;
use crate::domain::site_check::{CheckCode, SiteKey};
use crate::domain::word::Word;
use crate::domain::work::{ACCURACY_MAX_M, CaptureMethod, read_period};
use crate::geometry::Problem;
use crate::geometry::problem::{Collector, PROBLEMS_MAX};

/// Most parameters of a pack: the law of a country has some hundreds, and the prepared table grows with them.
pub const PARAMETERS_MAX: usize = 5_000;

/// Longest version, in characters: it stands in lists.
pub const VERSION_MAX: usize = 40;

/// Largest value that site checks read: the circumference of no surface reaches farther, and no power density is higher.
const SITE_VALUE_MAX: f64 = 100_000.0;

/// Most cells of the prepared table, 2 bytes each: so a pack is never larger in memory than the features it judges.
const CELLS_MAX: usize = 4_000_000;

/// A part of a pack as it was written: the head, or one parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// Where it stands, for a person: `line 12`.
    pub place: String,
    /// What it says.
    pub fields: Fields,
}

impl Clause {
    /// A reading of it, whose unknown members are told here: it is no feature.
    pub(in crate::domain) fn reading(&self, known: &[&str], what: &str) -> Reading<'_> {
        let mut r = Reading::of_any(&self.fields);
        let mut unknown = self.fields.0.iter().map(|(name, _)| name.as_str()).filter(|name| !known.contains(name));
        for name in unknown.by_ref().take(PROBLEMS_MAX) {
            r.wrong(name, format!("is not a member of {what}; known are {}", known.join(", ")));
        }
        let more = unknown.count();
        if more > 0 {
            r.wrong("members", format!("that are unknown: {more} more"));
        }
        r
    }

    /// A problem of one of its members, where a person finds it.
    pub(in crate::domain) fn problem(&self, member: &str, detail: impl Into<String>) -> Problem {
        Problem::new(format!("{}: {member}", self.place), detail)
    }

    /// Problems of it, where a person finds them.
    pub(in crate::domain) fn placed(&self, problems: Vec<Problem>) -> Vec<Problem> {
        problems.into_iter().map(|p| self.problem(p.pointer.trim_start_matches("/properties/"), p.detail)).collect()
    }
}

/// The name and the version of what is written: both are needed.
pub(in crate::domain) fn read_named(r: &mut Reading<'_>) -> Option<(String, String)> {
    let name = r.text("name");
    let name = r.required("name", name);
    let version = r.text("version");
    let version = r.required("version", version);
    for (member, text, max) in [("name", &name, CODE_MAX), ("version", &version, VERSION_MAX)] {
        if text.as_ref().is_some_and(|t| t.chars().count() > max) {
            r.wrong(member, format!("is longer than {max} characters"));
        }
    }
    name.zip(version)
}

/// Where something stands: the document and the article in it, and how far it may be relied on.
pub(in crate::domain) fn read_source(r: &mut Reading<'_>) -> (Option<String>, Option<String>, Option<Confidence>) {
    let (document, article) = (r.text("document"), r.text("article"));
    let confidence = r.word("confidence");
    let confidence = r.required("confidence", confidence);
    if confidence == Some(Confidence::Law) && document.is_none() {
        r.wrong("document", "is missing: what is law stands in a document");
    }
    if article.is_some() && document.is_none() {
        r.wrong("article", "is of no document");
    }
    (document, article, confidence)
}

const HEAD: &[&str] = &["name", "version", "note"];

const KNOWN: &[&str] = &[
    "key",
    "value",
    "unit",
    "corridor_kind",
    "corridor_class",
    "voltage_kv",
    "voltage_from_kv",
    "voltage_to_kv",
    "work_kind",
    "document",
    "article",
    "valid_from",
    "valid_to",
    "confidence",
    "note",
];

/// Who reads a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A check, for the clearance of corridors of this kind.
    Clearance(CorridorKind),
    /// A check, for positions captured so; none: nobody knows how.
    Accuracy(Option<CaptureMethod>),
    /// A site check.
    Site(SiteKey),
    /// Whoever waives what a site check says.
    Waiver,
    /// The clock of a case.
    Case(CaseKey),
    /// No check.
    Other,
}

/// Whether checks or cases read this parameter; the others are kept for whoever asks for them.
#[must_use]
pub fn is_read(key: &str) -> bool {
    use_of(key).is_ok_and(|u| u != Use::Other)
}

/// Who reads `key`; what is wrong with it where it can only be a mistake.
pub(super) fn use_of(key: &str) -> Result<Use, String> {
    let parts: Vec<&str> = key.split('.').collect();
    let fits = |part: &&str| !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if parts.len() < 2 || !parts.iter().all(fits) || key.len() > CODE_MAX {
        return Err(format!(
            "«{key}» is not a key: at least two words of a-z, 0-9 and _ with dots between them, {CODE_MAX} characters \
             in all"
        ));
    }
    match parts.as_slice() {
        ["corridor", kind, "clearance_m"] => CorridorKind::parse(kind)
            .map(Use::Clearance)
            .ok_or_else(|| format!("«{kind}» is not a kind of corridor; known are {}", CorridorKind::known())),
        ["corridor", ..] => Err(format!("«{key}» is not a key of corridors; known is corridor.<kind>.clearance_m")),
        ["site", "waiver", ..] => named_by(key).map(|_| Use::Waiver).ok_or_else(|| {
            let (codes, roles) = (CheckCode::known().to_ascii_lowercase(), Role::known());
            format!("«{key}» names no check and role; known is site.waiver.<check>.<role>, of {codes} and {roles}")
        }),
        ["site", ..] => SiteKey::parse(key)
            .map(Use::Site)
            .ok_or_else(|| format!("«{key}» is not a key of site checks; known are {}", SiteKey::known())),
        ["site_request", ..] => CaseKey::parse(key)
            .map(Use::Case)
            .ok_or_else(|| format!("«{key}» is not a key of cases; known are {}", CaseKey::known())),
        ["position_accuracy", "unknown_m"] => Ok(Use::Accuracy(None)),
        ["position_accuracy", rest @ ..] => {
            let method = match rest {
                [one] => one.strip_suffix("_m").and_then(CaptureMethod::parse),
                _ => None,
            };
            method.map(|m| Use::Accuracy(Some(m))).ok_or_else(|| {
                let known: Vec<String> =
                    CaptureMethod::ALL.iter().map(|(_, text)| format!("position_accuracy.{text}_m")).collect();
                format!(
                    "«{key}» is not a key of accuracies; known are {}, position_accuracy.unknown_m",
                    known.join(", ")
                )
            })
        }
        _ => Ok(Use::Other),
    }
}

impl RulePack {
    /// Checks a pack as it was written.
    ///
    /// # Errors
    /// Every problem, at the place of its clause and the name of its member; of very many the rest is only counted.
    pub fn read(head: &Clause, clauses: &[Clause]) -> Result<Self, Vec<Problem>> {
        let mut problems = Collector::default();
        let named = read_head(head).map_err(|more| problems.extend(more)).ok();
        if clauses.is_empty() {
            let detail = "is missing: the pack has no parameter";
            problems.push(|| Problem::new(format!("{}: parameter", head.place), detail));
        } else if clauses.len() > PARAMETERS_MAX {
            let detail = format!("stands {} times; the limit is {PARAMETERS_MAX}", clauses.len());
            return Err(vec![Problem::new(format!("{}: parameter", head.place), detail)]);
        }
        let mut read: Vec<(&str, Arc<Parameter>)> = Vec::new();
        for clause in clauses {
            match read_parameter(clause) {
                Ok(parameter) => read.push((&clause.place, Arc::new(parameter))),
                Err(more) => problems.extend(more),
            }
        }
        overlaps(&read, &mut problems);
        let parameters: Vec<Arc<Parameter>> = read.into_iter().map(|(_, p)| p).collect();
        let cells = Lands::of(&parameters).cells();
        if cells > CELLS_MAX {
            let detail = format!(
                "makes {cells} combinations of classes, voltages, kinds of work and periods; the limit is {CELLS_MAX}"
            );
            problems.push(|| Problem::new(format!("{}: parameter", head.place), detail));
        }
        match named {
            Some((name, version)) if problems.is_empty() => Ok(Self { name, version, parameters }),
            _ => Err(problems.finish()),
        }
    }
}

fn read_head(head: &Clause) -> Result<(String, String), Vec<Problem>> {
    let mut r = head.reading(HEAD, "a rule pack, besides its parameters");
    let named = read_named(&mut r);
    r.text("note");
    r.finish(named).map_err(|problems| head.placed(problems))
}

fn read_parameter(clause: &Clause) -> Result<Parameter, Vec<Problem>> {
    let mut r = clause.reading(KNOWN, "a parameter");
    let key = r.text("key");
    let key = r.required("key", key);
    let usage = match key.as_deref().map(use_of) {
        Some(Ok(usage)) => usage,
        Some(Err(detail)) => {
            r.wrong("key", detail);
            Use::Other
        }
        None => Use::Other,
    };
    let (low, high) = match usage {
        Use::Clearance(_) => (0.0, CLEARANCE_MAX_M),
        Use::Accuracy(_) => (0.0, ACCURACY_MAX_M),
        Use::Site(_) => (0.0, SITE_VALUE_MAX),
        // How many it takes: that several agree is known nowhere.
        Use::Waiver => (1.0, 1.0),
        Use::Case(key) => (f64::from(key.limits().0), f64::from(key.limits().1)),
        Use::Other => (f64::MIN, f64::MAX),
    };
    let value = r.number("value", low, high);
    let value = r.required("value", value);
    let unit = r.word("unit");
    let unit: Option<Unit> = r.required("unit", unit);
    let wanted = match usage {
        Use::Clearance(_) | Use::Accuracy(_) => Some(Unit::Metres),
        Use::Site(key) => Some(key.unit()),
        Use::Waiver => Some(Unit::Count),
        Use::Case(key) => Some(key.unit()),
        Use::Other => None,
    };
    if let (Some(wanted), Some(unit)) = (wanted, unit)
        && unit != wanted
    {
        let reads = if matches!(usage, Use::Case(_)) { "this key is read" } else { "checks read this key" };
        r.wrong("unit", format!("is {unit}; {reads} in {wanted}"));
    }
    let mut applies = read_applies(&mut r);
    match usage {
        Use::Clearance(kind) => {
            if let Some(other) = applies.corridor_kind.filter(|other| *other != kind) {
                r.wrong("corridor_kind", format!("is {other}, but the key is of {kind}"));
            }
            applies.corridor_kind = Some(kind);
        }
        Use::Accuracy(_) if applies != Applies::default() => {
            r.wrong("key", "an accuracy depends on the capture method alone: nothing else can be stated of it");
        }
        Use::Waiver if applies != Applies::default() => {
            r.wrong("key", "who may waive a finding depends on nothing else");
        }
        Use::Site(_) if !applies.is_of_class_alone() => {
            r.wrong("key", "what site checks read depends on a class (corridor_class) at most");
        }
        Use::Case(_) if applies != Applies::default() => {
            r.wrong("key", "what is read of cases depends on nothing else");
        }
        Use::Case(_) if value.is_some_and(|value| value.fract() != 0.0) => {
            r.wrong("value", format!("is {}; a whole number belongs here", value.unwrap_or_default()));
        }
        _ => {}
    }
    let note = r.text("note");
    let (valid_from, valid_to) = read_period(&mut r, ["valid_from", "valid_to"]);
    let (document, article, confidence) = read_source(&mut r);
    let parameter = match (key, value, unit, confidence) {
        (Some(key), Some(value), Some(unit), Some(confidence)) => {
            Some(Parameter { key, value, unit, applies, document, article, valid_from, valid_to, confidence, note })
        }
        _ => None,
    };
    r.finish(parameter).map_err(|problems| clause.placed(problems))
}

fn read_applies(r: &mut Reading<'_>) -> Applies {
    let (corridor_kind, work_kind) = (r.word("corridor_kind"), r.word("work_kind"));
    let corridor_class = r.text("corridor_class").map(|class| class_word(&class));
    let exactly = r.number("voltage_kv", 0.0, VOLTAGE_MAX_KV);
    let (from, to) = (r.number("voltage_from_kv", 0.0, VOLTAGE_MAX_KV), r.number("voltage_to_kv", 0.0, VOLTAGE_MAX_KV));
    if exactly.is_some() && (from.is_some() || to.is_some()) {
        r.wrong("voltage_kv", "stands beside voltage_from_kv or voltage_to_kv: state the one voltage, or the range");
    }
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        r.wrong("voltage_to_kv", format!("{to} is below voltage_from_kv {from}"));
    }
    let (voltage_from_kv, voltage_to_kv) = (exactly.or(from), exactly.or(to));
    Applies { corridor_kind, corridor_class, voltage_from_kv, voltage_to_kv, work_kind }
}

/// Parameters that decide the same thing on the same day, and neither is more specific: each is told with every one before it.
fn overlaps(read: &[(&str, Arc<Parameter>)], problems: &mut Collector) {
    for (n, (place, later)) in read.iter().enumerate() {
        let same = |(_, first): &&(&str, Arc<Parameter>)| {
            first.key == later.key && first.applies.same_things(&later.applies) && first.meets_in_time(later)
        };
        for (elsewhere, first) in read[..n].iter().filter(same) {
            problems.push(|| {
                let detail = format!(
                    "{} {}, {}, meets the same {} of {elsewhere}, {}: of two that are equally specific only one may be in \
                     force on a day",
                    later.key,
                    conditions(&later.applies),
                    period(later),
                    first.key,
                    period(first)
                );
                Problem::new(format!("{place}: key"), detail)
            });
        }
    }
}

fn conditions(applies: &Applies) -> String {
    let mut stated = Vec::new();
    stated.extend(applies.corridor_class.as_ref().map(|c| format!("class {c}")));
    let volts = |v: Option<f64>| v.map_or_else(|| "…".into(), |v| v.to_string());
    if applies.states_voltage() {
        stated.push(format!("{} to {} kV", volts(applies.voltage_from_kv), volts(applies.voltage_to_kv)));
    }
    stated.extend(applies.work_kind.map(|k| format!("works of kind {k}")));
    if stated.is_empty() { "for all".into() } else { format!("for {}", stated.join(", ")) }
}

fn period(p: &Parameter) -> String {
    match (p.valid_from, p.valid_to) {
        (None, None) => "always in force".into(),
        (Some(from), None) => format!("in force from {from}"),
        (None, Some(to)) => format!("in force to {to}"),
        (Some(from), Some(to)) => format!("in force from {from} to {to}"),
    }
}
