//! Clauses in TOML, the form in which a lawyer reads them and two versions are compared: a head, and one table `[[…]]` after
//! the other. What the members mean is asked of the domain; here they only get their line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::fields::{Fields, Value};
use crate::domain::rules::Clause;
use crate::geometry::Problem;
use crate::geometry::problem::Collector;

/// Largest file of clauses: thousands of them with their notes.
pub const BYTES_MAX: usize = 4 << 20;

/// In a larger file only the first place is told where it is no TOML: each of them takes some hundred bytes of memory, and
/// there may be one in every second byte.
const RECOVER_MAX: usize = 256 << 10;

/// A file as it was written.
pub(super) struct Written {
    /// What stands outside the tables.
    pub(super) head: Clause,
    /// The tables of each name that was asked for, in their order.
    pub(super) tables: Vec<Vec<Clause>>,
    /// What of them is no table.
    pub(super) problems: Vec<Problem>,
}

impl Written {
    /// What was read of it, unless something else is wrong.
    pub(super) fn finish<T>(self, read: Result<T, Vec<Problem>>) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() {
            return read;
        }
        let mut problems = self.problems;
        problems.extend(read.err().into_iter().flatten());
        Err(problems)
    }
}

/// Reads a file whose tables have these names.
///
/// # Errors
/// It is too large, no text, or no TOML.
pub(super) fn read(bytes: &[u8], names: &[&str]) -> Result<Written, Vec<Problem>> {
    if bytes.len() > BYTES_MAX {
        let detail = format!("has {} bytes; the limit is {BYTES_MAX} bytes", bytes.len());
        return Err(vec![Problem::new("the file", detail)]);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| vec![Problem::new("the file", format!("is not UTF-8: byte {} is wrong", e.valid_up_to()))])?;
    // Some editors put a mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::of(text);
    let table = DeTable::parse(text).map_err(|first| {
        let errors = if text.len() <= RECOVER_MAX { DeTable::parse_recoverable(text).1 } else { vec![first] };
        no_toml(&lines, &errors)
    })?;
    let mut problems = Collector::default();
    let mut head = Vec::new();
    let mut tables = vec![Vec::new(); names.len()];
    for (name, value) in table.get_ref() {
        let (name, at) = (name.get_ref().as_ref(), value.span().start);
        let Some(of) = names.iter().position(|known| *known == name) else {
            head.push((name.to_owned(), field(value.get_ref())));
            continue;
        };
        let DeValue::Array(items) = value.get_ref() else {
            problems.push(|| no_table(&lines, name, at));
            continue;
        };
        for item in items {
            match item.get_ref() {
                DeValue::Table(members) => tables[of].push(clause(&lines, members, item.span().start)),
                _ => problems.push(|| no_table(&lines, name, item.span().start)),
            }
        }
    }
    let head = Clause { place: "the head".into(), fields: Fields(head) };
    Ok(Written { head, tables, problems: problems.finish() })
}

fn no_toml(lines: &Lines, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut problems = Collector::default();
    for e in errors {
        let place = || e.span().map_or_else(|| "the file".into(), |span| lines.at(span.start));
        problems.push(|| Problem::new(place() + ":", format!("cannot be read as TOML: {}", e.message())));
    }
    problems.finish()
}

fn no_table(lines: &Lines, name: &str, at: usize) -> Problem {
    Problem::new(format!("{}: {name}", lines.at(at)), format!("is no table; begin each {name} with [[{name}]]"))
}

/// A table, and the line of its first member.
fn clause(lines: &Lines, table: &DeTable<'_>, start: usize) -> Clause {
    let first = table.keys().map(|name| name.span().start).min().unwrap_or(start);
    let fields = table.iter().map(|(name, value)| (name.get_ref().to_string(), field(value.get_ref())));
    Clause { place: lines.at(first), fields: Fields(fields.collect()) }
}

/// Where the lines of a text end, so that nobody counts them again for every parameter.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn at(&self, byte: usize) -> String {
        format!("line {}", self.0.partition_point(|end| *end < byte) + 1)
    }
}

fn field(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(n) => number(
            &i64::from_str_radix(n.as_str(), n.radix()).map_or_else(|_| n.as_str().to_owned(), |n| n.to_string()),
        ),
        DeValue::Float(n) => number(n.as_str()),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Datetime(moment) => Value::Text(moment.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(Spanned::get_ref).map(field).collect()),
        DeValue::Table(_) => Value::Object,
    }
}

/// A number; what is too large for one is left as text, for somebody to see.
fn number(text: &str) -> Value {
    text.parse::<f64>().map_or_else(|_| Value::Text(text.to_owned()), Value::Number)
}
